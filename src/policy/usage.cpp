#include "policy/usage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::policy {
namespace {

// Of one cloud, or of all when there is none.
std::string describe_place(const Cloud* cloud) {
  return cloud == nullptr ? "of this server" : fmt::format("of cloud '{}'", cloud->name.str());
}

// The budget does not ask about it.
bool is_beyond(const Template& t, const model::Budget& budget) {
  return t.per_hour.is_zero() || (budget.beyond && t.per_hour <= *budget.beyond);
}

}  // namespace

model::Money reserved_ahead(model::Money per_hour) { return model::charge(per_hour, kReservedAhead); }

bool is_of_cloud(HoldReason reason) {
  return reason == HoldReason::cloud_vcpu_cap || reason == HoldReason::cloud_memory_cap ||
         reason == HoldReason::cloud_hour_budget || reason == HoldReason::cloud_day_budget;
}

bool is_by_size(HoldReason reason) {
  return is_of_cloud(reason) || reason == HoldReason::vcpu_cap || reason == HoldReason::memory_cap ||
         reason == HoldReason::hour_budget || reason == HoldReason::day_budget;
}

Usage::Usage(const Limits& limits) : limits_(&limits) {}

void Usage::Sums::add(const model::AgentSize& one, model::Money price, std::uint32_t count) {
  per_hour += model::Money{price.micros * count};
  size.milli_cpus += one.milli_cpus * count;
  size.memory_bytes += one.memory_bytes * count;
}

void Usage::add(const ControllerName& controller, const CloudName& cloud, const model::AgentSize& size,
                model::Money per_hour, std::uint32_t count) {
  all_.add(size, per_hour, count);
  by_cloud_[cloud].add(size, per_hour, count);
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
  const auto found = by_cloud_.find(cloud.name);
  const auto of_cloud = found == by_cloud_.end() ? Sums() : found->second;
  if (auto hold = find_size_obstacle(t, cloud.resources, of_cloud, &cloud)) return hold;
  if (auto hold = find_budget_obstacle(t, limits_->resources.budget, all_, limits_->spent, nullptr))
    return hold;
  return find_budget_obstacle(t, cloud.resources.budget, of_cloud, cloud.spent, &cloud);
}

void Usage::list_caps(const Template& t, const Cloud& cloud, const ControllerName& controller,
                      std::vector<Cap>& out) const {
  if (const auto cap = limits_->controller_caps.find(controller); cap != limits_->controller_caps.end()) {
    const auto counted = by_controller_.find(controller);
    out.push_back({HoldReason::controller_cap,
                   {},
                   counted == by_controller_.end() ? 0 : counted->second,
                   1,
                   cap->second,
                   0});
  }
  list_caps(t, limits_->resources, all_, limits_->spent, false, out);
  const auto found = by_cloud_.find(cloud.name);
  list_caps(t, cloud.resources, found == by_cloud_.end() ? Sums() : found->second, cloud.spent, true, out);
}

void Usage::list_caps(const Template& t, const model::ResourceLimits& limits, const Sums& sums,
                      const Spent& spent, bool of_cloud, std::vector<Cap>& out) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  if (limits.milli_cpus != 0)
    out.push_back({of_cloud ? HoldReason::cloud_vcpu_cap : HoldReason::vcpu_cap,
                   {},
                   number(sums.size.milli_cpus),
                   number(t.size.milli_cpus),
                   number(limits.milli_cpus),
                   0});
  if (limits.memory_bytes != 0)
    out.push_back({of_cloud ? HoldReason::cloud_memory_cap : HoldReason::memory_cap,
                   {},
                   number(sums.size.memory_bytes),
                   number(t.size.memory_bytes),
                   number(limits.memory_bytes),
                   0});
  const auto& budget = limits.budget;
  if (is_beyond(t, budget)) return;
  if (budget.per_hour)
    out.push_back({of_cloud ? HoldReason::cloud_hour_budget : HoldReason::hour_budget,
                   {},
                   (sums.per_hour + spent.still_paid_per_hour).micros,
                   t.per_hour.micros,
                   budget.per_hour->micros,
                   spent.still_paid_per_hour.micros});
  if (budget.per_day)
    out.push_back({of_cloud ? HoldReason::cloud_day_budget : HoldReason::day_budget,
                   {},
                   reserved_ahead(sums.per_hour).micros,
                   reserved_ahead(t.per_hour).micros,
                   (*budget.per_day - spent.today).micros,
                   0});
}

std::optional<Held> Usage::find_budget_obstacle(const Template& t, const model::Budget& budget,
                                                const Sums& sums, const Spent& spent, const Cloud* cloud) {
  if (is_beyond(t, budget)) return std::nullopt;
  const auto spender = cloud == nullptr ? "this server" : fmt::format("cloud '{}'", cloud->name.str());
  const auto rate = sums.per_hour + spent.still_paid_per_hour;
  if (budget.per_hour && rate + t.per_hour > *budget.per_hour)
    return Held{cloud == nullptr ? HoldReason::hour_budget : HoldReason::cloud_hour_budget,
                fmt::format("agents for {} are paid for, of {} that {} may spend, and one of template "
                            "'{}' costs {}",
                            model::format_hourly_price(rate), model::format_hourly_price(*budget.per_hour),
                            spender, t.name.str(), model::format_hourly_price(t.per_hour)),
                spent.rate_falls};
  const auto used = spent.today + reserved_ahead(sums.per_hour);
  const auto needed = reserved_ahead(t.per_hour);
  if (budget.per_day && used + needed > *budget.per_day)
    return Held{
        cloud == nullptr ? HoldReason::day_budget : HoldReason::cloud_day_budget,
        // Without how much is spent: that grows all the time, and would be news to all that wait.
        fmt::format("less is left of the {} that {} may spend a day (UTC), beside what is reserved for the "
                    "next {} of its agents, than the {} that one of template '{}' needs",
                    model::format_money(*budget.per_day), spender, format_duration(kReservedAhead),
                    model::format_money(needed), t.name.str()),
        spent.day_ends};
  return std::nullopt;
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
