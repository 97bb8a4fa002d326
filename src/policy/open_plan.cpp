#include "policy/open_plan.hpp"

#include <algorithm>
#include <cstdint>
#include <queue>
#include <utility>

#include "policy/look.hpp"
#include "policy/planner.hpp"

namespace footman::policy {

OpenPlanner::OpenPlanner(const Snapshot& offers, const Limits& limits, Instant now)
    : offers_(offers), planner_(std::make_unique<Planner>(offers, limits, now)) {}
OpenPlanner::~OpenPlanner() = default;

AgentVerdict OpenPlanner::examine(const Agent& agent) const { return planner_->examine(agent); }

std::vector<const Template*> OpenPlanner::list_templates(const ControllerName& controller,
                                                         const model::LabelExpr& label) const {
  return planner_->list_templates(controller, label);
}

Plan OpenPlanner::plan(OpenWorld& world) {
  planner_->offer(planner_->sort_out(world.agents, world.settled).any);
  auto matches = serve(world.classes);
  planner_->decide_rest();
  explain(world);
  auto plan = planner_->finish();
  plan.matches = std::move(matches);
  for (const auto* one : world.classes)
    if (one->kind.is_held) look_no_later(plan.next_look, one->kind.hold->held.look_again);
  world.obstacles = planner_->take_notes();
  return plan;
}

// Each class is served in queue order until nothing is left for it.
std::vector<Match> OpenPlanner::serve(const std::vector<OpenClass*>& classes) {
  struct Place {
    OpenClass* of;
    std::set<const Item*, QueueOrder>::const_iterator next;
    std::uint32_t served = 0;
  };
  const auto is_later = [](const Place& a, const Place& b) { return QueueOrder()(*b.next, *a.next); };
  std::priority_queue<Place, std::vector<Place>, decltype(is_later)> places(is_later);
  for (auto* one : classes) {
    planner_->begin(one->kind);
    places.push({one, one->line.begin(), 0});
  }
  std::vector<Match> matches;
  while (!places.empty()) {
    auto place = places.top();
    places.pop();
    auto& [kind, line] = *place.of;
    const auto& item = **place.next;
    if (const auto* agent = planner_->serve(item, kind)) matches.push_back({item.ref, agent->id});
    if (kind.is_held)
      kind.held_items = static_cast<std::uint32_t>(line.size()) - place.served;
    else if (++place.served, ++place.next != line.end())
      places.push(place);
  }
  return matches;
}

// Those of which nothing has changed keep what was said.
void OpenPlanner::explain(const OpenWorld& world) {
  const ObstacleNews news(offers_.templates, planner_->notes().all(), world.obstacles);
  for (auto* one : world.classes) {
    auto& kind = one->kind;
    if (!kind.is_held) {
      kind.hold.reset();
      continue;
    }
    const auto is_news = [&](const Template* t) { return news.has(*t, kind.limits); };
    const bool is_told = kind.hold && kind.hold->room == kind.room;
    if (!is_told || std::ranges::any_of(kind.templates, is_news)) planner_->explain(kind);
  }
}

}  // namespace footman::policy
