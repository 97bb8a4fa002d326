#include "policy/usage.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::policy {
namespace {

// The budget does not ask about it.
bool is_beyond(const Template& t, const model::Budget& budget) {
  return t.per_hour.is_zero() || (budget.beyond && t.per_hour <= *budget.beyond);
}

// With another size or price it may fit.
void look_no_later(Cap& cap, const Template& t) {
  if (t.offered_until.is_set() && (!cap.look_again.is_set() || t.offered_until < cap.look_again))
    cap.look_again = t.offered_until;
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// What never fits is not launched before.
std::string_view until_when(const Template& t) {
  return t.offered_until.is_set() ? "until another variant of it is launched"
                                  : "until the configuration changes";
}

std::string describe_agents(const Cap& cap, const std::string& which) {
  return fmt::format("{} of {} agents {} exist", cap.taken, cap.limit, which);
}

template <class Format>
std::string describe_size(const Cap& cap, const Template& t, std::string_view place, Format format) {
  const auto amount = [&](std::int64_t value) { return format(static_cast<std::uint64_t>(value)); };
  const auto needed = fmt::format("an agent of template '{}' needs {}", t.name.str(), amount(cap.needed));
  if (cap.never_fits())
    return fmt::format("{}, more than all {}{}: {}", needed, amount(cap.limit), place, until_when(t));
  const auto kept =
      cap.kept > 0 ? fmt::format(", {} are kept for a build that waits longer", amount(cap.kept)) : "";
  return fmt::format("{} of {}{} are taken{}, and {}", amount(cap.taken), amount(cap.limit), place, kept,
                     needed);
}

std::string describe_hour_budget(const Cap& cap, const Template& t, const std::string& spender) {
  const auto price = [](std::int64_t micros) { return model::format_hourly_price(model::Money{micros}); };
  const auto needed = fmt::format("one of template '{}' costs {}", t.name.str(), price(cap.needed));
  if (cap.never_fits())
    return fmt::format("{}, more than the {} that {} may spend: {}", needed, price(cap.limit), spender,
                       until_when(t));
  const auto kept =
      cap.kept > 0 ? fmt::format(", {} are kept for a build that waits longer", price(cap.kept)) : "";
  return fmt::format("agents for {} are paid for, of {} that {} may spend{}, and {}", price(cap.taken),
                     price(cap.limit), spender, kept, needed);
}

std::string describe_day_budget(const Cap& cap, const Template& t, const std::string& spender) {
  const auto ahead = format_duration(std::max<Duration>(kReservedAhead, t.least_billed));
  const auto money = [](std::int64_t micros) { return model::format_money(model::Money{micros}); };
  if (cap.never_fits())
    return fmt::format(
        "the next {} of an agent of template '{}' cost {}, more than the {} that {} may spend a day: {}",
        ahead, t.name.str(), money(cap.needed), money(cap.limit), spender, until_when(t));
  return fmt::format(
      "less is left of the {} that {} may spend a day (UTC), beside what is reserved for its agents, than "
      "the "
      "{} that one of template '{}' needs for the next {}",
      money(cap.limit), spender, money(cap.needed), t.name.str(), ahead);
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

model::Money reserved_ahead(const Needs& needs) {
  return model::charge(needs.per_hour, std::max<Duration>(kReservedAhead, needs.least_billed));
}

bool is_of_cloud(HoldReason reason) {
  return reason == HoldReason::cloud_vcpu_cap || reason == HoldReason::cloud_memory_cap ||
         reason == HoldReason::cloud_hour_budget || reason == HoldReason::cloud_day_budget;
}

bool is_by_size(HoldReason reason) {
  return is_of_cloud(reason) || reason == HoldReason::vcpu_cap || reason == HoldReason::memory_cap ||
         reason == HoldReason::hour_budget || reason == HoldReason::day_budget;
}

std::int64_t amount_of(HoldReason reason, const Needs& needs) {
  switch (reason) {
    case HoldReason::vcpu_cap:
    case HoldReason::cloud_vcpu_cap:
      return number(needs.size.milli_cpus);
    case HoldReason::memory_cap:
    case HoldReason::cloud_memory_cap:
      return number(needs.size.memory_bytes);
    case HoldReason::hour_budget:
    case HoldReason::cloud_hour_budget:
      return needs.per_hour.micros;
    case HoldReason::day_budget:
    case HoldReason::cloud_day_budget:
      return reserved_ahead(needs).micros;
    default:
      return 0;
  }
}

Usage::Usage(const Limits& limits) : limits_(&limits) {}

void Usage::Sums::add(const Needs& needs, std::uint32_t count) {
  per_hour += model::Money{needs.per_hour.micros * count};
  ahead += model::Money{reserved_ahead(needs).micros * count};
  size.milli_cpus += needs.size.milli_cpus * count;
  size.memory_bytes += needs.size.memory_bytes * count;
}

void Usage::add(const ControllerName& controller, const CloudName& cloud, const Needs& needs,
                std::uint32_t count) {
  all_.add(needs, count);
  by_cloud_[cloud].add(needs, count);
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

void Usage::keep(const Template& t) { kept_.push_back({t.cloud, needs_of(t)}); }
void Usage::drop_kept() { kept_.clear(); }

Usage::Sums Usage::kept_of(const CloudName* cloud) const {
  Sums sums;
  for (const auto& one : kept_)
    if (cloud == nullptr || one.cloud == *cloud) sums.add(one.needs, 1);
  return sums;
}

void Usage::list_size_caps(const Template& t, const model::ResourceLimits& limits, const Taken& taken,
                           std::vector<Cap>& out) {
  const auto add = [&](HoldReason reason, std::uint64_t model::AgentSize::* amount, std::uint64_t limit) {
    if (limit == 0) return;
    auto& cap = out.emplace_back();
    cap.reason = reason;
    cap.taken = number(taken.sums.size.*amount);
    cap.kept = number(taken.kept.size.*amount);
    cap.needed = number(t.size.*amount);
    cap.limit = number(limit);
    look_no_later(cap, t);
  };
  add(taken.of_cloud ? HoldReason::cloud_vcpu_cap : HoldReason::vcpu_cap, &model::AgentSize::milli_cpus,
      limits.milli_cpus);
  add(taken.of_cloud ? HoldReason::cloud_memory_cap : HoldReason::memory_cap, &model::AgentSize::memory_bytes,
      limits.memory_bytes);
}

void Usage::list_budget_caps(const Template& t, const model::Budget& budget, const Taken& taken,
                             const Spent& spent, std::vector<Cap>& out) {
  if (is_beyond(t, budget)) return;
  if (budget.per_hour) {
    auto& cap = out.emplace_back();
    cap.reason = taken.of_cloud ? HoldReason::cloud_hour_budget : HoldReason::hour_budget;
    cap.taken = (taken.sums.per_hour + spent.still_paid_per_hour).micros;
    cap.kept = taken.kept.per_hour.micros;
    cap.needed = t.per_hour.micros;
    cap.limit = budget.per_hour->micros;
    cap.passing = spent.still_paid_per_hour.micros;
    if (!cap.never_fits()) cap.look_again = spent.rate_falls;
    look_no_later(cap, t);
  }
  if (budget.per_day) {
    auto& cap = out.emplace_back();
    cap.reason = taken.of_cloud ? HoldReason::cloud_day_budget : HoldReason::day_budget;
    cap.taken = (spent.today + taken.sums.ahead).micros;
    cap.kept = taken.kept.ahead.micros;
    cap.needed = reserved_ahead(needs_of(t)).micros;
    cap.limit = budget.per_day->micros;
    cap.spent = spent.today.micros;
    if (!cap.never_fits()) cap.look_again = spent.day_ends;
    look_no_later(cap, t);
  }
}

bool Usage::ever_fits(const Needs& needs, const model::ResourceLimits& limits) {
  Template t;
  t.size = needs.size;
  t.per_hour = needs.per_hour;
  t.least_billed = needs.least_billed;
  std::vector<Cap> caps;
  list_size_caps(t, limits, {}, caps);
  list_budget_caps(t, limits.budget, {}, {}, caps);
  return std::ranges::none_of(caps, &Cap::never_fits);
}

void Usage::list_caps(const Template& t, const Cloud& cloud, std::vector<Cap>& out) const {
  const Taken all{all_, kept_of(nullptr), false};
  const Taken of_cloud{sums_of(cloud.name), kept_of(&cloud.name), true};
  const auto& ours = limits_->resources;
  list_size_caps(t, ours, all, out);
  list_size_caps(t, cloud.resources, of_cloud, out);
  list_budget_caps(t, ours.budget, all, limits_->spent, out);
  list_budget_caps(t, cloud.resources.budget, of_cloud, cloud.spent, out);
}

Held describe_obstacle(const Cap& cap, const Template& t) {
  return {cap.reason, describe(cap, t), cap.look_again};
}

}  // namespace footman::policy
