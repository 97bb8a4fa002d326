// Questions about builds and agents that several handlers ask. For use inside api only.
#pragma once

#include <optional>

#include "api/context.hpp"
#include "api/json_out.hpp"

namespace footman::api {

// BuildDetail of this build.
Awaitable<Result<json::object>> describe_build(Context& context, model::Build build);

json::object agent_to_json(const Context& context, const fleet::AgentView& view);
// With what it has cost.
Awaitable<Result<json::object>> describe_agent(Context& context, fleet::AgentView view);
json::object to_json(const ShownCost& shown);

}  // namespace footman::api
