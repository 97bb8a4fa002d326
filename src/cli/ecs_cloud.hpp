// The cloud of type ecs that a command is about.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/server_access.hpp"
#include "config/config.hpp"
#include "ecs/iam_policy.hpp"

namespace footman::cli {

// The only one of its type, or the one that was asked for (--cloud). invalid_argument.
Result<const config::CloudConfig*> find_ecs_cloud(const config::Config& config, const std::string& name);
// Its region, else that of the environment, as AWS' own tools take it. invalid_argument: neither.
Result<ecs::CloudOptions> with_region(const config::CloudConfig& cloud, const Environment& environment);
ecs::NamedTemplates list_templates(const config::CloudConfig& cloud);

}  // namespace footman::cli
