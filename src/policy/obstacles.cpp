#include "policy/obstacles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "model/nearest.hpp"
#include "policy/agent_facts.hpp"

namespace footman::policy {
namespace {

template <class Key>
std::uint32_t count_of(const std::map<Key, std::uint32_t>& counts, const Key& key) {
  const auto it = counts.find(key);
  return it == counts.end() ? 0 : it->second;
}

std::optional<Held> find_full(const std::vector<Cap>& caps, const Template& t) {
  const auto full = std::ranges::find_if(caps, &Cap::is_full);
  return full == caps.end() ? std::nullopt : std::optional(describe_obstacle(*full, t));
}

// An expression may have hundreds of parts and labels.
constexpr std::size_t kLacksShown = 4;
constexpr int kLabelsLookedUp = 4;

// The one that has most of what must all hold, and what it lacks.
std::string describe_nearest_template(const model::LabelExpr& label, const std::vector<Template>& templates) {
  const auto parts = label.conjuncts();
  if (parts.size() < 2) return {};
  const Template* best = nullptr;
  std::vector<std::string_view> lacks;
  for (const auto& t : templates) {
    std::vector<std::string_view> lacking;
    for (const auto& part : parts)
      if (!part.matches(t.labels)) lacking.push_back(part.text());
    if (lacking.size() == parts.size()) continue;
    const auto worse = best != nullptr && std::tuple(lacks.size(), best->labels.size(), best->name) <=
                                              std::tuple(lacking.size(), t.labels.size(), t.name);
    if (worse) continue;
    best = &t;
    lacks = std::move(lacking);
  }
  if (best == nullptr) return {};
  const auto more = lacks.size() > kLacksShown ? fmt::format(" and {} more", lacks.size() - kLacksShown) : "";
  lacks.resize(std::min(lacks.size(), kLacksShown));
  return fmt::format("; nearest: template '{}', which lacks '{}'{}", best->name.str(),
                     fmt::join(lacks, "', '"), more);
}

// For its labels that nobody offers.
std::string describe_similar_labels(const model::LabelExpr& label, const std::vector<std::string>& known) {
  std::string told;
  int unknown = 0;
  for (const auto& atom : label.atoms()) {
    if (std::ranges::find(known, atom) != known.end()) continue;
    if (++unknown > kLabelsLookedUp) break;
    const auto similar = model::find_similar(atom, known);
    if (!similar) continue;
    told += label.is_atom() ? fmt::format("; nearest: '{}'", *similar)
                            : fmt::format("; nearest to '{}': '{}'", atom, *similar);
  }
  return told;
}

}  // namespace

Held describe_misfit(const model::LabelExpr& label, const std::vector<Template>& templates) {
  if (label.empty())
    return {HoldReason::no_default_template, "no template has default: true, and no label was asked for", {}};
  std::vector<std::string> known;
  for (const auto& t : templates) known.insert(known.end(), t.labels.begin(), t.labels.end());
  const auto nearest = describe_nearest_template(label, templates);
  const auto similar = describe_similar_labels(label, known);
  return {HoldReason::no_template,
          fmt::format("no template offers {}'{}'{}{}", label.is_atom() ? "label " : "",
                      label.is_atom() ? label.atoms().front() : label.text(), nearest, similar),
          {}};
}

Obstacles::Obstacles(const Snapshot& offers, const Limits& limits, Instant now)
    : limits_(limits), now_(now), usage_(offers, limits) {
  for (const auto& cloud : offers.clouds) clouds_[cloud.name] = &cloud;
}

void Obstacles::count(const Agent& agent) {
  if (is_under_way(agent)) ++under_way_[agent.cloud];
  usage_.add(member_of(agent), 1);
}

void Obstacles::count(const SettledAgents& agents) {
  if (agents.under_way) under_way_[agents.cloud] += agents.count;
  usage_.add(member_of(agents), agents.count);
}

bool Obstacles::count_launch(const Template& t, const ControllerName& controller) {
  ++under_way_[t.cloud];
  usage_.add(member_of(t, controller), 1);
  return may_launch(t.breaker, now_).launches == Permission::one_probe && probed_.insert(t.name).second;
}

void Obstacles::reserve(const Template& t, const ControllerName& controller, std::uint32_t count) {
  usage_.reserve(member_of(t, controller), count);
}

void Obstacles::keep(const Template& t, const ControllerName& controller) {
  keeps_room_ = true;
  usage_.keep(t, controller);
}

void Obstacles::keep_at_least(const Template& t, const ControllerName& controller) {
  keeps_room_ = true;
  usage_.keep_at_least(t, controller);
}

void Obstacles::drop_kept() {
  keeps_room_ = false;
  usage_.drop_kept();
}

std::optional<Held> Obstacles::find_trouble(const Template& t) const {
  if (!limits_.storage_trouble.empty()) return Held{HoldReason::storage_full, limits_.storage_trouble, {}};
  const Cloud& cloud = *clouds_.at(t.cloud);
  if (!cloud.pause_text.empty())
    return Held{HoldReason::cloud_paused,
                fmt::format("cloud '{}' is paused {}", cloud.name.str(), cloud.pause_text),
                {}};
  if (t.breaker.state == BreakerState::disabled) return ask_breaker(t);
  if (cloud.hold_until > now_)
    return Held{HoldReason::cloud_held,
                fmt::format("cloud '{}' is held: {}", cloud.name.str(), cloud.hold_text), cloud.hold_until};
  return ask_breaker(t);
}

std::optional<Held> Obstacles::find(const Template& t) const {
  if (auto trouble = find_trouble(t)) return trouble;
  return find_full(usage_.list_caps(t), t);
}

std::optional<Held> Obstacles::find_launch_limit(const Template& t) const {
  if (limits_.launches_at_once == 0 || count_of(under_way_, t.cloud) < limits_.launches_at_once)
    return std::nullopt;
  return Held{
      HoldReason::launch_limit,
      fmt::format("{} launches of cloud '{}' are under way; it is launched when one of them is answered",
                  limits_.launches_at_once, t.cloud.str()),
      {}};
}

std::optional<Held> Obstacles::ask_breaker(const Template& t) const {
  const auto allowance = may_launch(t.breaker, now_);
  if (allowance.launches == Permission::all) return std::nullopt;
  if (allowance.launches == Permission::one_probe) {
    if (!probed_.contains(t.name)) return std::nullopt;
    return Held{
        HoldReason::template_half_open,
        fmt::format("template '{}' is {}: it is being launched", t.name.str(), describe(t.breaker, now_)),
        {}};
  }
  auto reason = HoldReason::template_open;
  if (t.breaker.state == BreakerState::half_open) reason = HoldReason::template_half_open;
  if (t.breaker.state == BreakerState::disabled) reason = HoldReason::template_disabled;
  const bool may_be_wished = reason != HoldReason::template_half_open;
  return Held{
      reason,
      fmt::format(
          "template '{}' is {}{}", t.name.str(), describe(t.breaker, now_),
          may_be_wished ? fmt::format("; `footman cloud resume {}` tries one at once", t.cloud.str()) : ""),
      allowance.look_again};
}

std::optional<Held> Obstacles::find_for(const ControllerName& controller, const Template& t) const {
  return find_full(usage_.list_controller_caps(controller, t), t);
}

std::optional<RoomWish> Obstacles::find_wish(const Template& t, const ControllerName& controller,
                                             std::uint32_t count) const {
  if (find_trouble(t)) return std::nullopt;
  RoomWish wish;
  for (const auto& cap : usage_.list_all_caps(t, controller)) {
    const auto needed = cap.needed * count;
    if (cap.spent + needed > cap.limit) return std::nullopt;
    if (cap.taken + needed <= cap.limit) continue;
    const auto amount = cap.taken - cap.passing + needed - cap.limit;
    if (amount <= 0) return std::nullopt;  // it only has to wait
    wish.lacks.push_back({cap.reason, std::string(cap.of), amount});
  }
  return wish.lacks.empty() ? std::nullopt : std::optional(std::move(wish));
}

bool Obstacles::is_kept(const Held& limit, const Template& t, const ControllerName& controller) const {
  return std::ranges::any_of(usage_.list_all_caps(t, controller), [&](const Cap& cap) {
    return cap.reason == limit.reason && cap.of == limit.of && cap.kept > 0;
  });
}

bool Obstacles::may_fit(const Template& t, const ControllerName& controller) const {
  return !find_trouble(t) && std::ranges::none_of(usage_.list_all_caps(t, controller), [](const Cap& cap) {
    return !cap.is_beyond && cap.spent + cap.needed > cap.limit;
  });
}

const std::string* Obstacles::find_spent(const Template& t, const ControllerName& controller) {
  if (!has_cloud(t.cloud)) return nullptr;
  const auto [known, fresh] = spent_.try_emplace({&t, controller});
  if (fresh)
    for (const auto& cap : usage_.list_all_caps(t, controller))
      if (limit_of(cap.reason)->quantity == Quantity::per_day && cap.spent >= cap.limit)
        known->second = describe_spent(cap);
  return known->second.empty() ? nullptr : &known->second;
}

std::string_view look_again_on(HoldReason reason) {
  if (const auto limit = limit_of(reason))
    return limit->quantity == Quantity::per_day ? "day_ends" : "agent_ends";
  switch (reason) {
    case HoldReason::storage_full:
      return "space_is_free";
    case HoldReason::cloud_paused:
      return "cloud_is_resumed";
    case HoldReason::template_open:
      return "pause_is_over";
    case HoldReason::cloud_held:
      return "cloud_answers";
    case HoldReason::template_half_open:
      return "probe_has_told";
    case HoldReason::launch_limit:
      return "launch_is_answered";
    default:
      return "configuration_changes";
  }
}

std::string_view to_string(HoldReason reason) {
  switch (reason) {
    case HoldReason::no_template:
      return "no_template";
    case HoldReason::no_default_template:
      return "no_default_template";
    case HoldReason::storage_full:
      return "storage_full";
    case HoldReason::global_cap:
      return "global_cap";
    case HoldReason::vcpu_cap:
      return "vcpu_cap";
    case HoldReason::memory_cap:
      return "memory_cap";
    case HoldReason::hour_budget:
      return "hour_budget";
    case HoldReason::day_budget:
      return "day_budget";
    case HoldReason::cloud_cap:
      return "cloud_cap";
    case HoldReason::cloud_vcpu_cap:
      return "cloud_vcpu_cap";
    case HoldReason::cloud_memory_cap:
      return "cloud_memory_cap";
    case HoldReason::cloud_hour_budget:
      return "cloud_hour_budget";
    case HoldReason::cloud_day_budget:
      return "cloud_day_budget";
    case HoldReason::template_cap:
      return "template_cap";
    case HoldReason::template_vcpu_cap:
      return "template_vcpu_cap";
    case HoldReason::template_memory_cap:
      return "template_memory_cap";
    case HoldReason::template_hour_budget:
      return "template_hour_budget";
    case HoldReason::template_day_budget:
      return "template_day_budget";
    case HoldReason::label_cap:
      return "label_cap";
    case HoldReason::label_vcpu_cap:
      return "label_vcpu_cap";
    case HoldReason::label_memory_cap:
      return "label_memory_cap";
    case HoldReason::label_hour_budget:
      return "label_hour_budget";
    case HoldReason::label_day_budget:
      return "label_day_budget";
    case HoldReason::controller_cap:
      return "controller_cap";
    case HoldReason::controller_vcpu_cap:
      return "controller_vcpu_cap";
    case HoldReason::controller_memory_cap:
      return "controller_memory_cap";
    case HoldReason::controller_hour_budget:
      return "controller_hour_budget";
    case HoldReason::controller_day_budget:
      return "controller_day_budget";
    case HoldReason::template_disabled:
      return "template_disabled";
    case HoldReason::cloud_paused:
      return "cloud_paused";
    case HoldReason::template_open:
      return "template_open";
    case HoldReason::template_half_open:
      return "template_half_open";
    case HoldReason::cloud_held:
      return "cloud_held";
    case HoldReason::launch_limit:
      return "launch_limit";
  }
  return "no_template";
}

}  // namespace footman::policy
