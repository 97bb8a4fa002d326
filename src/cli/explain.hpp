// What is known about an agent, for people: shared by `agent show` and `explain`.
#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

namespace footman::cli {

Facts agent_facts(const json::value& agent);

}  // namespace footman::cli
