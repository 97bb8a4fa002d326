// What is known about an agent, for people: shared by `agent show`, `explain` and `cloud test`.
#pragma once

#include "cli/json.hpp"
#include "cli/output.hpp"

namespace footman::cli {

Facts agent_facts(const json::value& agent, bool has_end = true);  // false: it is told besides
// The text of a reason or of a template's answer, when that is looked at again, and when the agent should be
// there.
std::string describe_wait(const json::value& held, Instant now);
// Of the API's answer to "explain": each moment, as the time that had passed since the first one.
void print_timeline(Output& out, const json::value& explanation);

}  // namespace footman::cli
