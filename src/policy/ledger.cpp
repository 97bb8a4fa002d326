#include "policy/ledger.hpp"

#include <algorithm>
#include <tuple>

#include "policy/agent_facts.hpp"
#include "policy/look.hpp"
#include "policy/template_rank.hpp"

namespace footman::policy {
namespace {

bool is_same(const Item& a, const Item& b) {
  return a.since == b.since && a.label == b.label && a.title == b.title && a.before == b.before;
}

// What agents and labels are held against.
bool is_same_kind(const Template& a, const Template& b) {
  return std::tie(a.name, a.cloud, a.generation, a.labels, a.is_default) ==
         std::tie(b.name, b.cloud, b.generation, b.labels, b.is_default);
}

// Those that both fit stand in the same order.
bool is_same_rank(const Template& a, const Template& b) {
  return a.priority == b.priority && a.per_hour == b.per_hour;
}

// One that is free and settled has an item of its own.
PoolWork settled_work_of(const Agent& agent) {
  const auto work = pool_work_of(agent);
  const bool has_item = model::is_serving(agent.state) && !agent.is_leaving;
  return work == PoolWork::none && has_item ? PoolWork::at_work : work;
}

SettledKind settled_kind_of(const Agent& agent) {
  return {agent.cloud,         agent.template_name, agent.generation,      agent.labels,
          is_under_way(agent), agent.is_default,    agent.controller,      agent.size,
          agent.per_hour,      agent.least_billed,  settled_work_of(agent)};
}

}  // namespace

// --- changes

void Ledger::put_item(Item item) {
  const auto ref = item.ref;
  const auto [it, fresh] = items_.try_emplace(ref);
  auto& one = it->second;
  if (!fresh && is_same(one.item, item)) return;
  if (!fresh) leave_class(one);
  one = {};
  one.item = std::move(item);
  changed_items_.insert(ref);
}

void Ledger::drop_item(const ItemRef& ref) {
  const auto it = items_.find(ref);
  if (it == items_.end()) return;
  leave_class(it->second);
  items_.erase(it);
  changed_items_.insert(ref);  // its agents are free
}

void Ledger::put_agent(Agent agent) {
  auto& one = agents_[agent.id];
  withdraw(one);
  one.agent = std::move(agent);
  changed_agents_.insert(&one);
}

void Ledger::drop_agent(const AgentId& id) {
  const auto it = agents_.find(id);
  if (it == agents_.end()) return;
  withdraw(it->second);
  changed_agents_.erase(&it->second);
  agents_.erase(it);
}

void Ledger::set_templates(std::vector<Template> templates) {
  auto& known = offers_.templates;
  if (!std::ranges::equal(known, templates, is_same_kind)) {
    known = std::move(templates);
    has_new_offers_ = true;
    return;
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!is_same_rank(known[i], templates[i])) new_ranks_.insert(&known[i]);
    known[i] = std::move(templates[i]);  // lists of classes point to it
  }
}

void Ledger::set_clouds(std::vector<Cloud> clouds) {
  if (!std::ranges::equal(offers_.clouds, clouds, {}, &Cloud::name, &Cloud::name)) has_new_offers_ = true;
  offers_.clouds = std::move(clouds);
}

// --- where agents stand

// Nothing but the agent itself knows of it any more.
void Ledger::withdraw(LedgerAgent& one) {
  set_standing(one, Standing::unknown);
  if (one.next_change.is_set()) changes_.erase({one.next_change, &one});
  one.next_change = {};
  if (!std::exchange(one.has_claim, false)) return;
  const ItemRef ref{one.agent.controller, one.agent.for_item};
  const auto it = claims_.find(ref);
  it->second.erase(&one);
  if (it->second.empty()) claims_.erase(it);
  const auto item = items_.find(ref);
  if (item != items_.end() && item->second.served_by == &one) item->second.served_by = nullptr;
  changed_items_.insert(ref);
}

void Ledger::set_standing(LedgerAgent& one, Standing standing) {
  if (one.standing == standing) return;
  if (one.standing == Standing::open) open_.erase(&one);
  if (one.standing == Standing::settled) {
    if (one.look_again.is_set()) looks_.erase({one.look_again, &one});
    leave_group(one);
  }
  one.standing = standing;
  if (standing == Standing::open) open_.insert(&one);
  if (standing == Standing::settled) {
    if (one.look_again.is_set()) looks_.insert({one.look_again, &one});
    if (model::may_hold_resource(one.agent.state)) join_group(one);
  }
}

void Ledger::join_group(LedgerAgent& one) {
  const auto [place, fresh] = groups_.try_emplace(settled_kind_of(one.agent));
  one.group = &place->second;
  if (fresh) static_cast<SettledKind&>(*one.group) = place->first;
  ++one.group->count;
  if (stays(one.agent)) ++one.group->staying;
  if (may_drain(one.agent)) one.group->may_drain.insert(&one.agent);
  if (drains(one.agent)) one.group->draining.insert(&one.agent);
}

void Ledger::leave_group(LedgerAgent& one) {
  auto* const group = std::exchange(one.group, nullptr);
  if (group == nullptr) return;
  if (stays(one.agent)) --group->staying;
  group->may_drain.erase(&one.agent);
  group->draining.erase(&one.agent);
  if (--group->count == 0) groups_.erase(settled_kind_of(one.agent));
}

void Ledger::look_at_due(Instant now) {
  while (!changes_.empty() && changes_.begin()->first <= now) {
    auto* const one = changes_.begin()->second;
    withdraw(*one);
    changed_agents_.insert(one);
  }
}

void Ledger::examine(OpenPlanner& planner, LedgerAgent& one, Instant now) {
  const auto verdict = planner.examine(one.agent);
  one.look_again = verdict.look_again;
  one.only_own = verdict.only_own;
  one.next_change = policy::next_change(one.agent, now);
  if (one.next_change.is_set()) changes_.insert({one.next_change, &one});
  set_standing(one, verdict.is_quiet ? Standing::settled : Standing::open);
  if (!verdict.is_free || one.agent.for_item.empty()) return;
  const ItemRef ref{one.agent.controller, one.agent.for_item};
  one.has_claim = true;
  claims_[ref].insert(&one);
  changed_items_.insert(ref);
}

// --- where items stand

// The best agent that was meant for it and may take it, if there is one.
void Ledger::rematch(const OpenPlanner& planner, const ItemRef& ref) {
  const auto item = items_.find(ref);
  const auto claims = claims_.find(ref);
  const LedgerAgent* best = nullptr;
  const auto ask = [&](LedgerAgent& one) {
    const auto& agent = one.agent;
    const bool serves = best == nullptr && item != items_.end() &&
                        model::fits(item->second.item.label, agent.labels, agent.is_default);
    if (serves) best = &one;
    set_standing(one, serves && !one.only_own ? Standing::settled : Standing::open);
  };
  if (claims != claims_.end())
    for (const bool only_own : {false, true})
      for (auto* one : claims->second)
        if (one->only_own == only_own) ask(*one);
  if (item != items_.end()) serve(planner, item->second, best);
}

void Ledger::serve(const OpenPlanner& planner, LedgerItem& one, const LedgerAgent* agent) {
  if (one.of == nullptr) join_class(planner, one);
  one.served_by = agent;
  one.told.reset();
  one.is_in_line = agent == nullptr;
  auto& line = one.of->open.line;
  if (one.is_in_line)
    line.insert(&one.item);
  else
    line.erase(&one.item);
}

void Ledger::join_class(const OpenPlanner& planner, LedgerItem& one) {
  const auto& item = one.item;
  const auto [it, fresh] = classes_.try_emplace({item.ref.controller, item.label.text()});
  auto& kind = it->second.open.kind;
  if (fresh) {
    kind.controller = item.ref.controller;
    kind.label = item.label;
    kind.templates = planner.list_templates(kind.controller, kind.label);
  }
  one.of = &it->second;
  ++one.of->items;
}

void Ledger::leave_class(LedgerItem& one) {
  auto* const of = std::exchange(one.of, nullptr);
  if (of == nullptr) return;
  of->open.line.erase(&one.item);
  if (--of->items == 0) classes_.erase({one.item.ref.controller, one.item.label.text()});
}

// --- the plan

Plan Ledger::plan(const Limits& limits, Instant now) {
  ++number_;
  OpenPlanner planner(offers_, limits, now);
  if (std::exchange(has_new_offers_, false))
    take_new_offers(planner);
  else if (!new_ranks_.empty())
    take_new_ranks();
  new_ranks_.clear();
  look_at_due(now);
  for (auto* one : changed_agents_) examine(planner, *one, now);
  for (const auto& ref : changed_items_) rematch(planner, ref);
  auto world = gather();
  looked_at_ = changed_agents_.size() + changed_items_.size() + open_.size();
  auto plan = planner.plan(world);
  obstacles_ = std::move(world.obstacles);
  if (!looks_.empty()) look_no_later(plan.next_look, looks_.begin()->first);
  const auto before = std::exchange(last_, plan);
  for (const auto& match : before.matches) changed_items_.insert(match.item);
  for (const auto& launch : before.launches) changed_items_.insert(launch.item);
  tell(plan);
  changed_agents_.clear();
  changed_items_.clear();
  return plan;
}

void Ledger::take_new_offers(const OpenPlanner& planner) {
  for (auto& [id, one] : agents_) {
    withdraw(one);
    changed_agents_.insert(&one);
  }
  for (auto& [key, one] : classes_) {
    one.open.kind.templates = planner.list_templates(key.first, one.open.kind.label);
    one.open.kind.hold.reset();
  }
  obstacles_ = {};
}

void Ledger::take_new_ranks() {
  const auto is_new = [this](const Template* t) { return new_ranks_.contains(t); };
  for (auto& [key, one] : classes_) {
    auto& kind = one.open.kind;
    if (std::ranges::any_of(kind.templates, is_new)) sort_templates(kind.templates, kind.label);
  }
  obstacles_ = {};  // what is told of a class follows the order
}

OpenWorld Ledger::gather() {
  OpenWorld world;
  for (const auto& [key, group] : groups_) world.settled.push_back(&group);
  for (const auto* one : open_) world.agents.push_back(&one->agent);
  for (auto& [key, one] : classes_) {
    if (one.open.line.empty())
      one.open.kind.hold.reset();  // what was said may be no longer true when the next one comes
    else
      world.classes.push_back(&one.open);
  }
  world.obstacles = std::move(obstacles_);
  return world;
}

// --- what is new

void Ledger::tell(Plan& plan) {
  for (const auto& match : last_.matches) note_served(match.item);
  for (const auto& launch : last_.launches)
    if (!launch.item.key.empty()) note_served(launch.item);
  for (auto& [key, one] : classes_)
    if (one.told != one.open.kind.hold) tell_class(one, plan);
  for (const auto& ref : changed_items_) {
    const auto it = items_.find(ref);
    if (it == items_.end()) continue;
    if (it->second.served_by != nullptr) plan.matches.push_back({ref, it->second.served_by->agent.id});
    tell_hold(it->second, plan);
  }
}

void Ledger::note_served(const ItemRef& ref) {
  auto& one = items_.at(ref);
  one.served_in = number_;
  one.told.reset();
}

void Ledger::tell_class(LedgerClass& one, Plan& plan) {
  one.told = one.open.kind.hold;
  if (one.told == nullptr) return;
  const auto& kind = one.open.kind;
  plan.words.push_back({kind.controller, kind.label.text(), one.told->held, one.told->tried});
  if (one.reason == one.told->held.reason) return;
  one.reason = one.told->held.reason;
  for (const auto* item : one.open.line) tell_hold(items_.at(item->ref), plan);
}

void Ledger::tell_hold(LedgerItem& one, Plan& plan) const {
  if (!is_held(one) || one.told == one.of->reason) return;
  one.told = one.of->reason;
  plan.holds.push_back(make_hold(one));
}

bool Ledger::is_held(const LedgerItem& one) const {
  return one.is_in_line && one.served_in != number_ && one.of->open.kind.hold != nullptr;
}

Hold Ledger::make_hold(const LedgerItem& one) {
  const auto& hold = *one.of->open.kind.hold;
  return {one.item.ref,         hold.held.reason, hold.held.text,
          hold.held.look_again, hold.tried,       hold.held.look_again_on};
}

// --- as it is

Plan Ledger::whole_plan() const {
  auto plan = last_;
  std::vector<const LedgerItem*> queue;
  queue.reserve(items_.size());
  for (const auto& [ref, one] : items_) queue.push_back(&one);
  std::ranges::sort(queue, QueueOrder(), [](const LedgerItem* one) { return &one->item; });
  std::unordered_map<ItemRef, AgentId, ItemRefHash> given;
  for (auto& match : plan.matches) given.emplace(match.item, match.agent);
  plan.matches.clear();
  for (const auto* one : queue) {
    const auto agent = given.find(one->item.ref);
    if (one->served_by != nullptr)
      plan.matches.push_back({one->item.ref, one->served_by->agent.id});
    else if (agent != given.end())
      plan.matches.push_back({one->item.ref, agent->second});
    else if (is_held(*one))
      plan.holds.push_back(make_hold(*one));
  }
  return plan;
}

std::vector<const Template*> Ledger::list_templates(const ItemRef& ref) const {
  const auto it = items_.find(ref);
  const bool is_known = it != items_.end() && it->second.of != nullptr;
  return is_known ? it->second.of->open.kind.templates : std::vector<const Template*>();
}

std::map<HoldReason, std::size_t> Ledger::count_holds() const {
  std::map<HoldReason, std::size_t> counts;
  for (const auto& [key, one] : classes_)
    if (one.open.kind.hold != nullptr) counts[one.open.kind.hold->held.reason] += one.open.line.size();
  const auto take_off = [&](const ItemRef& ref) {
    const auto it = items_.find(ref);
    if (it == items_.end() || it->second.served_in != number_) return;
    if (const auto* of = it->second.of; of->open.kind.hold != nullptr)
      --counts[of->open.kind.hold->held.reason];
  };
  for (const auto& match : last_.matches) take_off(match.item);
  for (const auto& launch : last_.launches) take_off(launch.item);
  return counts;
}

}  // namespace footman::policy
