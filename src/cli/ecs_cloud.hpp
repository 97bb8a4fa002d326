// The cloud of type ecs that a command is about.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/cli.hpp"
#include "cli/server_access.hpp"
#include "config/config.hpp"
#include "ecs/iam_policy.hpp"

namespace footman::cli {

// The only one of its type, or the one that was asked for (--cloud). invalid_argument.
Result<const config::CloudConfig*> find_ecs_cloud(const config::Config& config, const std::string& name);
// With its region, else the one that AWS' own tools would take. invalid_argument: there is none.
Result<ecs::CloudOptions> with_region(const config::CloudConfig& cloud, const FindRegion& find);
// The addresses of AWS that its own tools take from the environment: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECS …
ecs::EndpointOptions find_endpoints(const Environment& environment);
ecs::NamedTemplates list_templates(const config::CloudConfig& cloud);

}  // namespace footman::cli
