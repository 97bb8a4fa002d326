#include "ecs/capacity.hpp"

#include <algorithm>

namespace footman::ecs {
namespace {

constexpr std::string_view kFargate = "FARGATE";
constexpr std::string_view kFargateSpot = "FARGATE_SPOT";

Compatibility compatibility_of(LaunchType type) {
  switch (type) {
    case LaunchType::fargate:
      return Compatibility::fargate;
    case LaunchType::ec2:
      return Compatibility::ec2;
    case LaunchType::external:
      return Compatibility::external;
  }
  return Compatibility::fargate;
}

}  // namespace

bool is_fargate_provider(std::string_view name) { return name == kFargate || name == kFargateSpot; }

std::optional<Compatibility> find_compatibility(const Capacity& capacity) {
  if (capacity.compatibility) return capacity.compatibility;
  switch (capacity.kind) {
    case CapacityKind::launch_type:
      return compatibility_of(capacity.launch_type);
    case CapacityKind::strategy:
      if (capacity.providers.empty()) return std::nullopt;
      return std::ranges::all_of(capacity.providers, is_fargate_provider, &CapacityProvider::name)
                 ? Compatibility::fargate
                 : Compatibility::ec2;
    case CapacityKind::cluster_default:
      return std::nullopt;
  }
  return std::nullopt;
}

std::set<Compatibility> find_compatibilities(const TemplateOptions& options) {
  std::set<Compatibility> found;
  if (const auto first = find_compatibility(options.capacity)) found.insert(*first);
  for (const auto& capacity : options.fallback_capacities)
    if (const auto one = find_compatibility(capacity)) found.insert(*one);
  return found;
}

bool is_fargate_spot_only(const Capacity& capacity) {
  const auto is_spot = [](const CapacityProvider& one) {
    return one.name == kFargateSpot || (one.base == 0 && one.weight == 0);
  };
  return uses_fargate_spot(capacity) && std::ranges::all_of(capacity.providers, is_spot);
}

bool uses_fargate_spot(const Capacity& capacity) {
  return capacity.kind == CapacityKind::strategy &&
         std::ranges::any_of(capacity.providers, [](const auto& one) { return one.name == kFargateSpot; });
}

bool uses_fargate_spot(const TemplateOptions& options) {
  return uses_fargate_spot(options.capacity) ||
         std::ranges::any_of(options.fallback_capacities,
                             [](const auto& one) { return uses_fargate_spot(one); });
}

std::optional<NetworkMode> find_network_mode(const TemplateOptions& options) {
  if (options.network_mode) return options.network_mode;
  const auto kinds = find_compatibilities(options);
  if (kinds.contains(Compatibility::fargate)) return NetworkMode::awsvpc;
  return std::nullopt;
}

bool uses_awsvpc(const TemplateOptions& options) {
  if (!options.task_definition.empty()) return !options.subnets.empty();
  return find_network_mode(options) == NetworkMode::awsvpc;
}

}  // namespace footman::ecs
