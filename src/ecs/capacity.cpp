#include "ecs/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ecs/fargate_sizes.hpp"

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

bool has_spot(const Capacity& capacity) {
  return capacity.kind == CapacityKind::strategy &&
         std::ranges::any_of(capacity.providers, [](const auto& one) { return one.name == kFargateSpot; });
}

std::string name_capacity(const Capacity& capacity) {
  if (capacity.kind == CapacityKind::launch_type)
    return std::string(model::get_word(kLaunchTypes, capacity.launch_type));
  if (capacity.kind == CapacityKind::cluster_default) return "the cluster's default";
  std::string name;
  for (const auto& one : capacity.providers) name += (name.empty() ? "" : " + ") + one.name;
  return name;
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
  return has_spot(capacity) && std::ranges::all_of(capacity.providers, is_spot);
}

bool uses_fargate_spot(const TemplateOptions& options) {
  return has_spot(options.capacity) || std::ranges::any_of(options.fallback_capacities, has_spot);
}

std::vector<LaunchForm> list_forms(const TemplateOptions& options) {
  auto capacities = options.fallback_capacities;
  capacities.insert(capacities.begin(), options.capacity);
  auto sizes = options.fallback_sizes;
  sizes.insert(sizes.begin(), options.size);
  std::vector<LaunchForm> forms;
  std::map<std::string, int> times;
  for (const auto& capacity : capacities)
    for (const auto& size : sizes) {
      auto name = name_capacity(capacity);
      if (size != TaskSize()) name += ", " + format_task_size(size);
      if (const auto time = ++times[name]; time > 1) name += fmt::format(" ({})", time);
      forms.push_back({std::move(name), capacity, size});
    }
  return forms;
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
