#include "policy/usage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::policy {
namespace {

// The budget does not ask about it.
bool is_beyond(const Template& t, const model::Budget& budget) {
  return t.per_hour.is_zero() || (budget.beyond && t.per_hour <= *budget.beyond);
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void list_size_caps(const Template& t, const model::ResourceLimits& limits, const model::AgentSize& taken,
                    bool of_cloud, std::vector<Cap>& out) {
  if (limits.milli_cpus != 0) {
    auto& cap = out.emplace_back();
    cap.reason = of_cloud ? HoldReason::cloud_vcpu_cap : HoldReason::vcpu_cap;
    cap.taken = number(taken.milli_cpus);
    cap.needed = number(t.size.milli_cpus);
    cap.limit = number(limits.milli_cpus);
  }
  if (limits.memory_bytes != 0) {
    auto& cap = out.emplace_back();
    cap.reason = of_cloud ? HoldReason::cloud_memory_cap : HoldReason::memory_cap;
    cap.taken = number(taken.memory_bytes);
    cap.needed = number(t.size.memory_bytes);
    cap.limit = number(limits.memory_bytes);
  }
}

void list_budget_caps(const Template& t, const model::Budget& budget, model::Money per_hour,
                      const Spent& spent, bool of_cloud, std::vector<Cap>& out) {
  if (is_beyond(t, budget)) return;
  if (budget.per_hour) {
    auto& cap = out.emplace_back();
    cap.reason = of_cloud ? HoldReason::cloud_hour_budget : HoldReason::hour_budget;
    cap.taken = (per_hour + spent.still_paid_per_hour).micros;
    cap.needed = t.per_hour.micros;
    cap.limit = budget.per_hour->micros;
    cap.passing = spent.still_paid_per_hour.micros;
    cap.look_again = spent.rate_falls;
  }
  if (budget.per_day) {
    auto& cap = out.emplace_back();
    cap.reason = of_cloud ? HoldReason::cloud_day_budget : HoldReason::day_budget;
    cap.taken = (spent.today + reserved_ahead(per_hour)).micros;
    cap.needed = reserved_ahead(t.per_hour).micros;
    cap.limit = budget.per_day->micros;
    cap.spent = spent.today.micros;
    cap.look_again = spent.day_ends;
  }
}

std::string describe_agents(const Cap& cap, const std::string& which) {
  return fmt::format("{} of {} agents {} exist", cap.taken, cap.limit, which);
}

template <class Format>
std::string describe_size(const Cap& cap, const Template& t, std::string_view place, Format format) {
  const auto amount = [&](std::int64_t value) { return format(static_cast<std::uint64_t>(value)); };
  return fmt::format("{} of {}{} are taken, and an agent of template '{}' needs {}", amount(cap.taken),
                     amount(cap.limit), place, t.name.str(), amount(cap.needed));
}

std::string describe_hour_budget(const Cap& cap, const Template& t, const std::string& spender) {
  const auto price = [](std::int64_t micros) { return model::format_hourly_price(model::Money{micros}); };
  return fmt::format("agents for {} are paid for, of {} that {} may spend, and one of template '{}' costs {}",
                     price(cap.taken), price(cap.limit), spender, t.name.str(), price(cap.needed));
}

std::string describe_day_budget(const Cap& cap, const Template& t, const std::string& spender) {
  return fmt::format(
      "less is left of the {} that {} may spend a day (UTC), beside what is reserved for the next {} of its "
      "agents, than the {} that one of template '{}' needs",
      model::format_money(model::Money{cap.limit}), spender, format_duration(kReservedAhead),
      model::format_money(model::Money{cap.needed}), t.name.str());
}

std::string describe(const Cap& cap, const Template& t) {
  const auto cloud = fmt::format("cloud '{}'", t.cloud.str());
  switch (cap.reason) {
    case HoldReason::global_cap:
      return describe_agents(cap, "of this server");
    case HoldReason::label_cap:
      return describe_agents(cap, fmt::format("with label '{}'", cap.of));
    case HoldReason::cloud_cap:
      return describe_agents(cap, "of " + cloud);
    case HoldReason::template_cap:
      return describe_agents(cap, fmt::format("of template '{}'", t.name.str()));
    case HoldReason::controller_cap:
      return describe_agents(cap, fmt::format("for controller '{}'", cap.of));
    case HoldReason::vcpu_cap:
      return describe_size(cap, t, " of this server", model::format_cpus);
    case HoldReason::cloud_vcpu_cap:
      return describe_size(cap, t, " of " + cloud, model::format_cpus);
    case HoldReason::memory_cap:
      return describe_size(cap, t, " of memory of this server", format_bytes);
    case HoldReason::cloud_memory_cap:
      return describe_size(cap, t, " of memory of " + cloud, format_bytes);
    case HoldReason::hour_budget:
      return describe_hour_budget(cap, t, "this server");
    case HoldReason::cloud_hour_budget:
      return describe_hour_budget(cap, t, cloud);
    case HoldReason::day_budget:
      return describe_day_budget(cap, t, "this server");
    case HoldReason::cloud_day_budget:
      return describe_day_budget(cap, t, cloud);
    default:
      return {};  // no cap
  }
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

Usage::Sums Usage::sums_of(const CloudName& cloud) const {
  const auto found = by_cloud_.find(cloud);
  return found == by_cloud_.end() ? Sums() : found->second;
}

std::optional<Cap> Usage::find_controller_cap(const ControllerName& controller) const {
  const auto limit = limits_->controller_caps.find(controller);
  if (limit == limits_->controller_caps.end()) return std::nullopt;
  const auto counted = by_controller_.find(controller);
  Cap cap;
  cap.reason = HoldReason::controller_cap;
  cap.of = controller.str();
  cap.taken = counted == by_controller_.end() ? 0 : counted->second;
  cap.limit = limit->second;
  return cap;
}

void Usage::list_caps(const Template& t, const Cloud& cloud, std::vector<Cap>& out) const {
  const auto of_cloud = sums_of(cloud.name);
  const auto& ours = limits_->resources;
  list_size_caps(t, ours, all_.size, false, out);
  list_size_caps(t, cloud.resources, of_cloud.size, true, out);
  list_budget_caps(t, ours.budget, all_.per_hour, limits_->spent, false, out);
  list_budget_caps(t, cloud.resources.budget, of_cloud.per_hour, cloud.spent, true, out);
}

Held describe_obstacle(const Cap& cap, const Template& t) {
  return {cap.reason, describe(cap, t), cap.look_again};
}

}  // namespace footman::policy
