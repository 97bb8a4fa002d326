#include "policy/provisioning_plan.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/agent_facts.hpp"
#include "policy/item_class.hpp"
#include "policy/look.hpp"
#include "policy/planner.hpp"

namespace footman::policy {
namespace {

// All items one after the other, each with the agent that it has.
class WholePlan {
 public:
  WholePlan(const Snapshot& snapshot, const Limits& limits, Instant now);
  Plan make();

 private:
  struct Place {
    const Item* item = nullptr;
    const Agent* served_by = nullptr;
    std::size_t of = 0;  // its class
    bool is_held = false;
  };
  using TextKey = std::pair<std::string_view, std::string_view>;  // of a controller and something of it

  std::vector<const Agent*> list_agents() const;
  void give_own(const Planner::Takers& takers);
  void serve();
  void tell(Plan& plan) const;

  const Snapshot& snapshot_;
  Planner planner_;
  std::vector<Place> queue_;
  std::vector<ItemClass> classes_;
};

WholePlan::WholePlan(const Snapshot& snapshot, const Limits& limits, Instant now)
    : snapshot_(snapshot), planner_(snapshot, limits, now) {
  for (const auto& item : snapshot.items) queue_.push_back({&item});
  std::ranges::sort(queue_, QueueOrder(), &Place::item);
  std::map<TextKey, std::size_t> known;
  for (auto& place : queue_) {
    const auto& item = *place.item;
    const auto [it, fresh] =
        known.try_emplace({item.ref.controller.str(), item.label.text()}, classes_.size());
    place.of = it->second;
    if (!fresh) continue;
    auto& kind = classes_.emplace_back();
    kind.controller = item.ref.controller;
    kind.label = item.label;
    kind.templates = planner_.list_templates(kind.controller, kind.label);
  }
}

Plan WholePlan::make() {
  give_own(planner_.sort_out(list_agents(), {}));
  serve();
  planner_.decide_rest();
  for (auto& kind : classes_)
    if (kind.is_held) planner_.explain(kind);
  auto plan = planner_.finish();
  tell(plan);
  return plan;
}

std::vector<const Agent*> WholePlan::list_agents() const {
  std::vector<const Agent*> agents;
  for (const auto& agent : snapshot_.agents)
    if (model::may_hold_resource(agent.state)) agents.push_back(&agent);
  std::ranges::sort(agents, [](const Agent* a, const Agent* b) { return is_better(*a, *b); });
  return agents;
}

void WholePlan::give_own(const Planner::Takers& takers) {
  std::map<TextKey, Place*> by_key;
  for (auto& place : queue_) by_key[{place.item->ref.controller.str(), place.item->ref.key}] = &place;
  const auto gets_own = [&](const Agent& agent) {
    const auto it = by_key.find({agent.controller.str(), agent.for_item});
    if (agent.for_item.empty() || it == by_key.end() || it->second->served_by != nullptr ||
        !model::fits(it->second->item->label, agent.labels, agent.is_default))
      return false;
    it->second->served_by = &agent;
    return true;
  };
  std::vector<const Agent*> left;
  for (const Agent* agent : takers.any) {
    if (gets_own(*agent))
      planner_.give_own(*agent);
    else
      left.push_back(agent);
  }
  for (const Agent* agent : takers.only_own) (void)gets_own(*agent);
  planner_.offer(left);
}

void WholePlan::serve() {
  for (auto& kind : classes_) planner_.begin(kind);
  for (auto& place : queue_) {
    if (place.served_by != nullptr) continue;
    auto& kind = classes_[place.of];
    place.served_by = planner_.serve(*place.item, kind);
    place.is_held = kind.is_held;
    if (kind.is_held) ++kind.held_items;
  }
}

void WholePlan::tell(Plan& plan) const {
  for (const auto& place : queue_) {
    const auto& ref = place.item->ref;
    if (place.served_by != nullptr) plan.matches.push_back({ref, place.served_by->id});
    if (!place.is_held) continue;
    const auto& [held, tried, room] = *classes_[place.of].hold;
    plan.holds.push_back({ref, held.reason, held.text, held.look_again, tried, held.look_again_on});
    look_no_later(plan.next_look, held.look_again);
  }
}

}  // namespace

Plan plan_provisioning(const Snapshot& snapshot, const Limits& limits, Instant now) {
  return WholePlan(snapshot, limits, now).make();
}

}  // namespace footman::policy
