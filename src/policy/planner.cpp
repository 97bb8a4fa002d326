#include "policy/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "policy/agent_facts.hpp"
#include "policy/budget_plan.hpp"
#include "policy/choice.hpp"
#include "policy/look.hpp"
#include "policy/room_plan.hpp"
#include "policy/template_rank.hpp"
#include "policy/usage.hpp"

namespace footman::policy {

using model::AgentActivity;
using model::EndReason;
using model::LaunchReason;

Planner::Planner(const Snapshot& offers, const Limits& limits, Instant now)
    : offers_(offers),
      now_(now),
      obstacles_(offers, limits, now),
      notes_(offers.templates, obstacles_),
      book_(offers.templates) {
  for (const auto& t : offers.templates) templates_[t.name] = &t;
}

AgentVerdict Planner::examine(const Agent& agent) const {
  return judge_agent(agent, is_current(agent), now_);
}

bool Planner::is_current(const Agent& agent) const {
  const auto it = templates_.find(agent.template_name);
  return it != templates_.end() && it->second->generation == agent.generation &&
         it->second->cloud == agent.cloud;
}

std::vector<const Template*> Planner::list_templates(const ControllerName& controller,
                                                     const model::LabelExpr& label) const {
  std::vector<const Template*> result;
  for (const auto& t : offers_.templates) {
    const bool is_for =
        t.controllers.empty() || std::ranges::find(t.controllers, controller) != t.controllers.end();
    if (is_for && obstacles_.has_cloud(t.cloud) && model::fits(label, t.labels, t.is_default))
      result.push_back(&t);
  }
  sort_templates(result, label);
  return result;
}

// --- the agents

Planner::Takers Planner::sort_out(std::vector<const Agent*> agents,
                                  std::vector<const SettledAgents*> settled) {
  agents_ = std::move(agents);
  settled_ = std::move(settled);
  for (const auto* group : settled_) obstacles_.count(*group);
  Takers takers;
  for (const Agent* agent : agents_) {
    obstacles_.count(*agent);
    auto verdict = examine(*agent);
    if (verdict.is_free) (verdict.only_own ? takers.only_own : takers.any).push_back(agent);
    if (verdict.end) plan_.terminations.push_back(std::move(*verdict.end));
    if (verdict.drain) plan_.drains.push_back(std::move(*verdict.drain));
    look_no_later(plan_.next_look, verdict.look_again);
  }
  return takers;
}

void Planner::give_own(const Agent& agent) { given_.push_back(&agent); }

void Planner::offer(const std::vector<const Agent*>& agents) {
  for (const Agent* agent : agents)
    if (!is_current(*agent)) end(*agent, EndReason::template_changed, describe_change(*agent));
  for (auto it = agents.rbegin(); it != agents.rend(); ++it)
    if (is_current(**it)) free_.add(**it);
}

void Planner::end(const Agent& agent, EndReason reason, std::string text) {
  plan_.terminations.push_back({agent.id, reason, std::move(text)});
}

// --- the items

void Planner::begin(ItemClass& kind) {
  kind.free_groups = free_.list_fitting(kind);
  kind.group_cursor = kind.template_cursor = 0;
  kind.passed.reset();
  kind.held_items = 0;
  kind.is_held = false;
  kind.limits = notes_.find_controller(kind.controller);
  kind.room.clear();
}

const Agent* Planner::serve(const Item& item, ItemClass& kind) {
  if (const Agent* agent = free_.take(kind)) return given_.emplace_back(agent);
  for (; kind.template_cursor < kind.templates.size(); ++kind.template_cursor) {
    const Template& t = *kind.templates[kind.template_cursor];
    if (notes_.stands_against(t, kind.limits)) continue;
    if (obstacles_.find_launch_limit(t)) break;
    list_passed(kind);
    const auto reason = item.before.empty() ? LaunchReason::waiting_item : LaunchReason::replacement;
    launch(item.ref, t, reason, describe_choice(item, kind), kind.passed);
    return nullptr;
  }
  if (std::exchange(kind.is_held, true)) return nullptr;
  held_.push_back(&kind);
  kind.oldest_held = &item;
  keep_room(item, kind);
  return nullptr;
}

// That it is tried tells more than what it is for, which stands in the text.
void Planner::launch(ItemRef item, const Template& t, LaunchReason reason, std::string why,
                     TriedList not_these) {
  if (obstacles_.count_launch(t, item.controller)) {
    reason = LaunchReason::breaker_probe;
    why += fmt::format("; template '{}' is {}", t.name.str(), describe(t.breaker, now_));
  }
  plan_.launches.push_back({std::move(item), t.cloud, t.name, reason, std::move(why), std::move(not_these)});
}

void Planner::list_passed(ItemClass& kind) {
  if (kind.template_cursor == (kind.passed ? kind.passed->size() : 0)) return;
  auto passed = std::make_shared<std::vector<Tried>>();
  for (std::size_t i = 0; i < kind.template_cursor; ++i) {
    const auto& t = *kind.templates[i];
    if (const auto& obstacle = notes_.known(t, kind.limits)) passed->push_back(answer_of(t, *obstacle));
  }
  kind.passed = std::move(passed);
}

// What becomes free of its limits is kept for an item that has waited for long: smaller ones, or those that
// another limit holds, would take it as long as they come, and of money those about which the budget does not
// ask, too.
void Planner::keep_room(const Item& item, const ItemClass& kind) {
  for (const Template* t : kind.templates) {
    const auto& obstacle = notes_.known(*t, kind.limits);
    if (!obstacle || !limit_of(obstacle->reason) || !obstacles_.may_fit(*t, kind.controller)) continue;
    if (obstacles_.is_kept(*obstacle, *t, kind.controller)) return;  // for an older one
    const auto patient_until = item.since + kPatience;
    if (now_ < patient_until) return look_no_later(plan_.next_look, patient_until);
    return obstacles_.keep(*t, kind.controller);
  }
}

// --- what is left over

void Planner::decide_rest() {
  notes_.note_final();
  fill_book();
  for (const auto& group : free_.groups())
    for (const Agent* agent : group.agents) end_surplus(*agent);
  make_room();
  if (obstacles_.has_budgets_of_day()) keep_to_budgets();
}

void Planner::explain(ItemClass& kind) const {
  auto hold = explain_hold(kind, notes_, offers_.templates);
  if (kind.hold && kind.hold->held == hold.held && *kind.hold->tried == *hold.tried) return;
  kind.hold = std::make_shared<ClassHold>(std::move(hold));
}

void Planner::fill_book() {
  const auto note = [this](const auto& one, PoolWork work) {
    if (work == PoolWork::at_work) book_.note_at_work(one);
    if (work == PoolWork::unclear) book_.note_unclear(one);
  };
  for (const auto* group : settled_) note(*group, group->work);
  for (const Agent* agent : agents_) note(*agent, pool_work_of(*agent));
  for (const Agent* agent : given_)
    if (pool_work_of(*agent) == PoolWork::none) book_.note_at_work(*agent);
  for (const auto& one : plan_.launches) book_.note_at_work(one.template_name, one.item.controller);
  for (const auto& group : free_.groups())
    for (const Agent* agent : group.agents) book_.note_spare(*agent);
  book_.settle([this](const Template& t) { return obstacles_.find_spent(t, t.pool_controller) != nullptr; });
}

void Planner::end_surplus(const Agent& agent) {
  if (agent.activity == AgentActivity::disconnected) return;  // nobody knows what it does; its lease decides
  if (book_.wants(agent)) {
    if (agent.activity == AgentActivity::idle) look_no_later(plan_.next_look, end_of_age(agent));
    return;
  }
  if (agent.max_builds == 1 && !book_.has_pool(agent))
    return end(agent, EndReason::surplus, describe_surplus(agent));
  if (agent.activity != AgentActivity::idle) return;  // idle time counts only once online
  const auto t = templates_.find(agent.template_name);
  const auto* spent = t == templates_.end() ? nullptr : obstacles_.find_spent(*t->second, agent.controller);
  if (spent != nullptr && now_ >= agent.paid_until)
    return end(agent, EndReason::budget_spent, tell_end(EndReason::budget_spent, *spent));
  const auto least = spent != nullptr ? Instant() : agent.idle_since + agent.idle_timeout;
  const Instant deadline = std::max(least, agent.paid_until);
  if (now_ >= deadline) return end(agent, EndReason::idle_too_long, describe_idle(agent, now_));
  look_no_later(plan_.next_look, deadline);
  look_no_later(plan_.next_look, end_of_age(agent));
}

std::set<AgentId> Planner::list_ended() const {
  std::set<AgentId> ended;
  for (const auto& one : plan_.terminations) ended.insert(one.agent);
  return ended;
}

void Planner::make_room() {
  if (held_.empty()) return;
  const auto ended = list_ended();
  std::set<AgentId> drained;
  for (const auto& one : plan_.drains) drained.insert(one.agent);
  Occupants occupants;
  std::vector<const Agent*> leaving;
  for (const auto* group : settled_) occupants.add(*group);
  for (const Agent* agent : agents_) {
    const bool is_ended = ended.contains(agent->id);
    if (is_ended || is_ending(*agent)) leaving.push_back(agent);
    if (drained.contains(agent->id))
      occupants.add_draining(*agent);
    else if (!is_ended)
      occupants.add(*agent);
  }
  RoomPlanner rooms(obstacles_, notes_, held_, now_);
  rooms.make_room({std::move(leaving), free_.list_sparable(book_, ended, now_, FreeAgents::Paid::stay)},
                  occupants, plan_);
}

void Planner::keep_to_budgets() {
  auto leaving = list_ended();
  const auto idle = free_.list_sparable(book_, leaving, now_, FreeAgents::Paid::last);
  for (const auto& one : plan_.drains) leaving.insert(one.agent);
  AgentsByAge open;
  std::vector<const AgentsByAge*> at_work{&open};
  for (const auto* group : settled_) {
    obstacles_.count_going_on(*group);
    at_work.push_back(&group->may_drain);
  }
  for (const Agent* agent : agents_) {
    if (!stays(*agent) || leaving.contains(agent->id)) continue;
    obstacles_.count_going_on(*agent);
    if (may_drain(*agent)) open.insert(agent);
  }
  BudgetPlan budgets(obstacles_.list_overdrafts(), std::move(leaving));
  budgets.end_idle(idle, plan_);
  budgets.drain_oldest(at_work, plan_);
}

// --- the end

Plan Planner::finish() {
  if (!book_.empty()) {
    reserve_places();
    keep_for_items();
    for (const auto& pool : book_.pools())
      if (obstacles_.has_cloud(pool.of->cloud)) plan_.pools.push_back(fill_pool(pool));
    std::ranges::sort(plan_.pools, {}, &PoolReport::template_name);
  }
  std::ranges::sort(plan_.terminations, {}, &Termination::agent);
  std::ranges::sort(plan_.drains, {}, &Drain::agent);
  return std::move(plan_);
}

// What items will need once the trouble of their template is over is not given to pools meanwhile: they would
// have to end their agents for it. A breaker lets one through, and who knows whether that one works.
void Planner::reserve_places() {
  std::set<const Template*> probed;
  for (const auto* kind : held_)
    for (const Template* t : kind->templates) {
      if (notes_.is_at_launch_limit(*t)) break;
      const auto& obstacle = notes_.of_template(*t);  // its trouble is noted before limits
      if (!obstacle) continue;
      const bool is_breaker =
          obstacle->reason == HoldReason::template_open || obstacle->reason == HoldReason::template_half_open;
      if (!is_breaker && obstacle->reason != HoldReason::cloud_held) continue;
      if (!is_breaker)
        obstacles_.reserve(*t, kind->controller, kind->held_items);
      else if (probed.insert(t).second)
        obstacles_.reserve(*t, kind->controller, 1);
      break;
    }
}

// What a limit has left may be too little for an item yet: an agent of a pool that took it would have to make
// room again. Room for one of the items: it is the next one's once that has it.
void Planner::keep_for_items() {
  std::map<ControllerName, std::vector<bool>> asked;  // by template
  for (const auto* kind : held_) {
    auto& known = asked.try_emplace(kind->controller, offers_.templates.size()).first->second;
    for (const Template* t : kind->templates) {
      if (notes_.is_at_launch_limit(*t)) break;
      auto is_known = known[static_cast<std::size_t>(t - offers_.templates.data())];
      if (is_known) continue;
      is_known = true;
      if (obstacles_.may_fit(*t, kind->controller)) obstacles_.keep_at_least(*t, kind->controller);
    }
  }
}

PoolReport Planner::fill_pool(const PoolCount& pool) {
  const auto is_idle = [](const Agent* agent) { return agent->activity == AgentActivity::idle; };
  const auto idle = static_cast<std::uint32_t>(std::ranges::count_if(pool.wanted, is_idle) +
                                               std::ranges::count_if(pool.spare, is_idle));
  const auto all = static_cast<std::uint32_t>(pool.wanted.size() + pool.spare.size()) + pool.unclear;
  PoolReport report{pool.of->name, pool.target(), pool.at_work, idle, all - idle, {}};
  for (const Agent* agent : pool.wanted) report.wanted.push_back(agent->id);
  const auto why = describe_need(pool);
  for (auto missing = pool.missing(); missing > 0; --missing, ++report.on_way) {
    report.hold = find_pool_obstacle(*pool.of);
    if (report.hold) {
      look_no_later(plan_.next_look, report.hold->look_again);
      break;
    }
    launch({pool.of->pool_controller, {}}, *pool.of, pool.reason_for(missing), why, {});
  }
  return report;
}

std::optional<Held> Planner::find_pool_obstacle(const Template& t) const {
  auto obstacle = obstacles_.find(t);
  if (!obstacle) obstacle = obstacles_.find_for(t.pool_controller, t);
  if (!obstacle) obstacle = obstacles_.find_launch_limit(t);
  return obstacle ? obstacle : find_line_before(t);
}

// Items that this template would fit wait for a better one, whose cloud has enough to answer: an agent of the
// pool would be theirs at once, and the pool would lack it again.
std::optional<Held> Planner::find_line_before(const Template& t) const {
  for (const auto* kind : held_)
    if (kind->controller == t.pool_controller && kind->hold &&
        kind->hold->held.reason == HoldReason::launch_limit && std::ranges::count(kind->templates, &t) > 0)
      return kind->hold->held;
  return std::nullopt;
}

}  // namespace footman::policy
