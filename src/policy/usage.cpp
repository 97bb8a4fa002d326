#include "policy/usage.hpp"

#include <fmt/format.h>

namespace footman::policy {
namespace {

// Of one cloud, or of all when there is none.
std::string describe_place(const Cloud* cloud) {
  return cloud == nullptr ? "of this server" : fmt::format("of cloud '{}'", cloud->name.str());
}

}  // namespace

Usage::Usage(const Limits& limits) : limits_(&limits) {}

void Usage::Sums::add(const model::AgentSize& one, std::uint32_t count) {
  size.milli_cpus += one.milli_cpus * count;
  size.memory_bytes += one.memory_bytes * count;
}

void Usage::add(const ControllerName& controller, const CloudName& cloud, const model::AgentSize& size,
                std::uint32_t count) {
  all_.add(size, count);
  by_cloud_[cloud].add(size, count);
  if (limits_->controller_caps.contains(controller)) by_controller_[controller] += count;
}

std::optional<Held> Usage::find_controller_obstacle(const ControllerName& controller) const {
  const auto cap = limits_->controller_caps.find(controller);
  if (cap == limits_->controller_caps.end()) return std::nullopt;
  const auto counted = by_controller_.find(controller);
  const auto count = counted == by_controller_.end() ? 0 : counted->second;
  if (count < cap->second) return std::nullopt;
  return Held{HoldReason::controller_cap,
              fmt::format("{} of {} agents for controller '{}' exist", count, cap->second, controller.str()),
              {}};
}

std::optional<Held> Usage::find_obstacle(const Template& t, const Cloud& cloud) const {
  if (auto hold = find_size_obstacle(t, limits_->resources, all_, nullptr)) return hold;
  const auto of_cloud = by_cloud_.find(cloud.name);
  return find_size_obstacle(t, cloud.resources, of_cloud == by_cloud_.end() ? Sums() : of_cloud->second,
                            &cloud);
}

std::optional<Held> Usage::find_size_obstacle(const Template& t, const model::ResourceLimits& limits,
                                              const Sums& sums, const Cloud* cloud) {
  const auto& taken = sums.size;
  if (limits.milli_cpus != 0 && taken.milli_cpus + t.size.milli_cpus > limits.milli_cpus)
    return Held{cloud == nullptr ? HoldReason::vcpu_cap : HoldReason::cloud_vcpu_cap,
                fmt::format("{} of {} {} are taken, and an agent of template '{}' needs {}",
                            model::format_cpus(taken.milli_cpus), model::format_cpus(limits.milli_cpus),
                            describe_place(cloud), t.name.str(), model::format_cpus(t.size.milli_cpus)),
                {}};
  if (limits.memory_bytes != 0 && taken.memory_bytes + t.size.memory_bytes > limits.memory_bytes)
    return Held{cloud == nullptr ? HoldReason::memory_cap : HoldReason::cloud_memory_cap,
                fmt::format("{} of {} of memory {} are taken, and an agent of template '{}' needs {}",
                            format_bytes(taken.memory_bytes), format_bytes(limits.memory_bytes),
                            describe_place(cloud), t.name.str(), format_bytes(t.size.memory_bytes)),
                {}};
  return std::nullopt;
}

}  // namespace footman::policy
