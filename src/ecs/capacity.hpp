// What a capacity means for the definition. AWS' own providers are told by their full names, never by a part
// of a name.
#pragma once

#include <optional>
#include <set>
#include <string_view>

#include "ecs/options.hpp"

namespace footman::ecs {

bool is_fargate_provider(std::string_view name);  // FARGATE, FARGATE_SPOT

// Nothing: the cluster's default and `compatibility` does not say what that is, or no provider is named.
std::optional<Compatibility> find_compatibility(const Capacity& capacity);
// Of the template's capacity and its fallbacks.
std::set<Compatibility> find_compatibilities(const TemplateOptions& options);
// Do all of its tasks run on FARGATE_SPOT?
bool is_fargate_spot_only(const Capacity& capacity);
// May any of its tasks be reclaimed by AWS (FARGATE_SPOT among the providers)?
bool uses_fargate_spot(const Capacity& capacity);
bool uses_fargate_spot(const TemplateOptions& options);

// awsvpc on Fargate; nothing: AWS' default outside of it.
std::optional<NetworkMode> find_network_mode(const TemplateOptions& options);
// Are subnets and security groups sent? An existing definition shows it by naming subnets.
bool uses_awsvpc(const TemplateOptions& options);

}  // namespace footman::ecs
