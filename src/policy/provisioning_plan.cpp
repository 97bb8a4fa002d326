#include "policy/provisioning_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "policy/budget_plan.hpp"
#include "policy/choice.hpp"
#include "policy/free_agents.hpp"
#include "policy/obstacles.hpp"
#include "policy/open_plan.hpp"
#include "policy/pool_plan.hpp"
#include "policy/room_plan.hpp"
#include "policy/template_rank.hpp"
#include "policy/usage.hpp"

namespace footman::policy {
namespace {

using model::AgentActivity;
using model::EndReason;
using model::LaunchReason;

class Planner {
 public:
  Planner(const Snapshot& snapshot, const Limits& limits, Instant now)
      : snapshot_(snapshot), now_(now), obstacles_(snapshot, limits, now), book_(snapshot.templates) {}

  Plan plan() {
    index();
    sort_out_agents();
    match_own();
    make_classes();
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (served_by_[i] == nullptr) serve(i);
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (const Agent* agent = served_by_[i]) plan_.matches.push_back({items_[i]->ref, agent->id});
    note_obstacles();
    find_room({});
    for (std::size_t i : held_items_) report_hold(i);
    plan_pools();
    finish();
    return std::move(plan_);
  }

  // --- the same for an open world (open_plan.hpp)

  AgentVerdict examine(const Agent& agent) const { return judge_agent(agent, is_current(agent), now_); }

  Plan plan_open(OpenWorld& world) {
    plan_ = {};
    for (const auto* group : world.settled) obstacles_.count(*group);
    for (const auto* agent : world.agents) take_in(*agent);
    sort_out_agents();
    match_own();
    serve_lines(world.classes);
    note_obstacles();
    find_room(world.settled);
    explain_lines(world);
    plan_pools();
    world.obstacles = {std::move(blocked_), std::move(only_kept_), std::move(of_controllers_)};
    finish();
    return std::move(plan_);
  }

  void index_offers() {
    for (const auto& t : snapshot_.templates) templates_[t.name] = &t;
    blocked_.resize(snapshot_.templates.size());
    only_kept_.resize(snapshot_.templates.size());
  }

 protected:
  void index() {
    index_offers();
    for (const auto& item : snapshot_.items) items_.push_back(&item);
    std::ranges::sort(items_, QueueOrder());
    served_by_.resize(items_.size());
    for (const auto& agent : snapshot_.agents)
      if (model::may_hold_resource(agent.state)) take_in(agent);
    std::ranges::sort(agents_, [](const Agent* a, const Agent* b) { return is_better(*a, *b); });
  }

  void take_in(const Agent& agent) {
    obstacles_.count(agent);
    agents_.push_back(&agent);
  }

  void end(const Agent& agent, EndReason reason, std::string text = {}) {
    plan_.terminations.push_back(
        {agent.id, reason, text.empty() ? std::string(sentence(reason)) : std::move(text)});
  }

  bool is_current(const Agent& agent) const {
    const auto it = templates_.find(agent.template_name);
    return it != templates_.end() && it->second->generation == agent.generation &&
           it->second->cloud == agent.cloud;
  }

  // Ends or drains what must not take work.
  void sort_out_agents() {
    for (const Agent* agent : agents_) {
      auto verdict = examine(*agent);
      if (verdict.is_free) (verdict.only_own ? only_own_ : free_).push_back(agent);
      if (verdict.end) plan_.terminations.push_back(std::move(*verdict.end));
      if (verdict.drain) plan_.drains.push_back(std::move(*verdict.drain));
      look_no_later(plan_.next_look, verdict.look_again);
    }
  }

  void match_own() {
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> by_key;
    for (std::size_t i = 0; i < items_.size(); ++i)
      by_key[{items_[i]->ref.controller.str(), items_[i]->ref.key}] = i;
    const auto gets_own = [&](const Agent& agent) {
      const auto it = by_key.find({agent.controller.str(), agent.for_item});
      if (agent.for_item.empty() || it == by_key.end() || served_by_[it->second] != nullptr ||
          !model::fits(items_[it->second]->label, agent.labels, agent.is_default))
        return false;
      served_by_[it->second] = &agent;
      return true;
    };
    std::vector<const Agent*> left;
    for (const Agent* agent : free_) {
      if (gets_own(*agent)) continue;
      if (is_current(*agent))
        left.push_back(agent);
      else
        end(*agent, EndReason::template_changed, describe_change(*agent));
    }
    for (const Agent* agent : only_own_)
      if (gets_own(*agent)) serve_own_only_.insert(agent);
    for (auto it = left.rbegin(); it != left.rend(); ++it) pools_[find_pool(**it)].agents.push_back(*it);
  }

  // Of its controller and its labels, in whatever order they stand.
  std::size_t find_pool(const Agent& agent) {
    const auto known = pool_like_.find(&agent);
    if (known != pool_like_.end()) return known->second;
    auto labels = agent.labels;
    std::ranges::sort(labels);
    const auto [place, fresh] =
        pool_by_labels_.try_emplace({agent.controller, std::move(labels), agent.is_default}, pools_.size());
    if (fresh) {
      pools_.push_back({agent.controller, &agent.labels, agent.is_default, {}});
      pool_key_.push_back(place->first);
    }
    pool_like_.emplace(&agent, place->second);
    return place->second;
  }

  void make_classes() {
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> index;
    class_of_.resize(items_.size());
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const auto [it, fresh] =
          index.try_emplace({items_[i]->ref.controller.str(), items_[i]->label.text()}, classes_.size());
      if (fresh) classes_.push_back(make_class(*items_[i]));
      class_of_[i] = it->second;
    }
  }

  ItemClass make_class(const Item& item) {
    ItemClass result;
    result.controller = item.ref.controller;
    result.of_controller = find_obstacles(item.ref.controller);
    result.label = item.label;
    result.pools = list_fitting(pools_, pool_key_, result);
    result.templates = list_templates(result.controller, item.label);
    return result;
  }

  std::vector<const Template*> list_templates(const ControllerName& controller,
                                              const model::LabelExpr& label) const {
    std::vector<const Template*> result;
    for (const auto& t : snapshot_.templates) {
      const bool is_for =
          t.controllers.empty() || std::ranges::find(t.controllers, controller) != t.controllers.end();
      if (is_for && obstacles_.has_cloud(t.cloud) && model::fits(label, t.labels, t.is_default))
        result.push_back(&t);
    }
    sort_templates(result, label);
    return result;
  }

  void serve(std::size_t index) {
    ItemClass& kind = classes_[class_of_[index]];
    served_by_[index] = serve_item(*items_[index], kind);
    if (!kind.is_held) return;
    held_items_.push_back(index);
    if (kind.held_items++ == 0) held_classes_.push_back(&kind);
  }

  // Each class is served in queue order until nothing is left for it.
  void serve_lines(const std::vector<OpenClass*>& classes) {
    struct Place {
      OpenClass* of;
      std::set<const Item*, QueueOrder>::const_iterator next;
      std::uint32_t served = 0;
    };
    const auto is_later = [](const Place& a, const Place& b) { return QueueOrder()(*b.next, *a.next); };
    std::priority_queue<Place, std::vector<Place>, decltype(is_later)> places(is_later);
    for (auto* one : classes) {
      begin_class(one->kind);
      places.push({one, one->line.begin(), 0});
    }
    while (!places.empty()) {
      auto place = places.top();
      places.pop();
      auto& kind = place.of->kind;
      if (const auto* agent = serve_item(**place.next, kind)) {
        plan_.matches.push_back({(*place.next)->ref, agent->id});
        served_by_.push_back(agent);
      }
      if (kind.is_held) {
        kind.held_items = static_cast<std::uint32_t>(place.of->line.size()) - place.served;
        held_classes_.push_back(&kind);
      } else if (++place.served, ++place.next != place.of->line.end()) {
        places.push(place);
      }
    }
  }

  // Null: the controller has no limits.
  ObstacleList* find_obstacles(const ControllerName& controller) {
    if (!obstacles_.is_limited(controller)) return nullptr;
    const auto [place, fresh] = of_controllers_.try_emplace(controller);
    if (fresh) place->second.resize(blocked_.size());
    return &place->second;
  }

  void begin_class(ItemClass& kind) {
    kind.pools = list_fitting(pools_, pool_key_, kind);
    kind.of_controller = find_obstacles(kind.controller);
    kind.pool_cursor = kind.template_cursor = 0;
    kind.passed.reset();
    kind.is_held = false;
    kind.held_items = 0;
    kind.room.clear();
  }

  // Connected ones first, the ones with the fewest labels before others; then the one that has been on its
  // way for longest, so that a launch never takes an item from an agent that has it.
  const Agent* take_free(ItemClass& kind) {
    for (; kind.pool_cursor < kind.pools.size(); ++kind.pool_cursor) {
      auto& agents = pools_[kind.pools[kind.pool_cursor]].agents;
      if (!agents.empty() && agents.back()->activity == AgentActivity::idle) return take_last(agents);
    }
    std::vector<const Agent*>* best = nullptr;
    for (const auto place : kind.pools) {
      auto& agents = pools_[place].agents;
      if (!agents.empty() && (best == nullptr || is_better(*agents.back(), *best->back()))) best = &agents;
    }
    return best == nullptr ? nullptr : take_last(*best);
  }

  // The free agent that it gets. Null: one is launched for it, or its class is held.
  const Agent* serve_item(const Item& item, ItemClass& kind) {
    if (const Agent* agent = take_free(kind)) return agent;
    for (; kind.template_cursor < kind.templates.size(); ++kind.template_cursor) {
      const Template& t = *kind.templates[kind.template_cursor];
      if (is_blocked(t) || is_blocked_for(kind, t)) continue;
      if (obstacles_.find_launch_limit(t)) break;
      list_passed(kind);
      const auto reason = item.before.empty() ? LaunchReason::waiting_item : LaunchReason::replacement;
      launch(item.ref, t, reason, describe_choice(item, kind), kind.passed);
      return nullptr;
    }
    if (!std::exchange(kind.is_held, true)) {
      kind.oldest_held = &item;
      keep_room(item, kind);
    }
    return nullptr;
  }

  // What becomes free of its limits is kept for an item that has waited for long: smaller ones, or those that
  // another limit holds, would take it as long as they come, and of money those about which the budget does
  // not ask, too.
  void keep_room(const Item& item, const ItemClass& kind) {
    for (const Template* t : kind.templates) {
      const auto& obstacle = known_obstacle(kind, *t);
      if (!obstacle || !limit_of(obstacle->reason) || !obstacles_.may_fit(*t, kind.controller)) continue;
      if (obstacles_.is_kept(*obstacle, *t, kind.controller)) return;  // for an older one
      const auto patient_until = item.since + kPatience;
      if (now_ < patient_until) return look_no_later(plan_.next_look, patient_until);
      keeps_ = true;
      obstacles_.keep(*t, kind.controller);
      return;
    }
  }

  // That it is tried tells more than what it is for, which stands in the text.
  void launch(ItemRef item, const Template& t, LaunchReason reason, std::string why,
              TriedList not_these = {}) {
    if (obstacles_.count_launch(t, item.controller)) {
      reason = LaunchReason::breaker_probe;
      why += fmt::format("; template '{}' is {}", t.name.str(), describe(t.breaker, now_));
    }
    plan_.launches.push_back(
        {std::move(item), t.cloud, t.name, reason, std::move(why), std::move(not_these)});
  }

  void list_passed(ItemClass& kind) {
    if (kind.template_cursor == (kind.passed ? kind.passed->size() : 0)) return;
    auto passed = std::make_shared<std::vector<Tried>>();
    for (std::size_t i = 0; i < kind.template_cursor; ++i) {
      const auto& t = *kind.templates[i];
      const auto& obstacle = known_obstacle(kind, t);
      if (obstacle) passed->push_back(answer_of(t, *obstacle));
    }
    kind.passed = std::move(passed);
  }

  // What stands against a template once, does so for the rest of the plan.
  bool is_blocked(const Template& t) {
    auto& obstacle = blocked_[number_of(t)];
    if (!obstacle) obstacle = obstacles_.find(t);
    return obstacle.has_value();
  }

  bool is_blocked_for(const ItemClass& kind, const Template& t) {
    if (kind.of_controller == nullptr) return false;
    auto& obstacle = (*kind.of_controller)[number_of(t)];
    if (!obstacle) obstacle = obstacles_.find_for(kind.controller, t);
    return obstacle.has_value();
  }

  // What stood against the template when the class was refused it.
  const std::optional<Held>& known_obstacle(const ItemClass& kind, const Template& t) {
    const auto& obstacle = blocked_[number_of(t)];
    return !obstacle && is_blocked_for(kind, t) ? (*kind.of_controller)[number_of(t)] : obstacle;
  }

  std::size_t number_of(const Template& t) const {
    return static_cast<std::size_t>(&t - snapshot_.templates.data());
  }

  // As the plan leaves it, so that the next one says the same. What is kept for an item is told where nothing
  // else stands against a template: never to that item itself, which waits for something.
  void note_obstacles() {
    for (const bool kept : {true, false}) {
      if (kept && !keeps_) continue;
      const auto note = [&](std::optional<Held>& noted, std::optional<Held> found) {
        if (kept || found || !keeps_) noted = std::move(found);
      };
      for (const auto& t : snapshot_.templates)
        if (obstacles_.has_cloud(t.cloud)) {
          auto found = obstacles_.find(t);
          if (!kept) only_kept_[number_of(t)] = !found && keeps_;
          note(blocked_[number_of(t)], std::move(found));
        }
      for (auto& [controller, noted] : of_controllers_)
        for (const auto& t : snapshot_.templates)
          note(noted[number_of(t)], obstacles_.find_for(controller, t));
      if (kept) obstacles_.drop_kept();
    }
    for (const auto& t : snapshot_.templates)
      if (auto& obstacle = blocked_[number_of(t)]; !obstacle && obstacles_.has_cloud(t.cloud))
        obstacle = obstacles_.find_launch_limit(t);
  }

  // Before the launch limit, behind which no template is asked, and what is kept come the limits of the
  // controller.
  const std::optional<Held>& obstacle_of(const ItemClass& kind, const Template& t) const {
    const auto number = number_of(t);
    const auto& of_template = blocked_[number];
    const bool is_told =
        of_template && of_template->reason != HoldReason::launch_limit && !only_kept_[number];
    if (is_told || kind.of_controller == nullptr) return of_template;
    const auto& of_controller = (*kind.of_controller)[number];
    return of_controller ? of_controller : of_template;
  }

  void explain(ItemClass& kind) {
    auto tried = std::make_shared<std::vector<Tried>>();
    Instant look;
    for (const Template* t : kind.templates) {
      const auto& obstacle = obstacle_of(kind, *t);
      if (!obstacle) continue;
      look_no_later(look, obstacle->look_again);
      tried->push_back(answer_of(*t, *obstacle));
      if (obstacle->reason == HoldReason::launch_limit) break;  // the others are not asked
    }
    auto hold = std::make_shared<ClassHold>();
    if (tried->empty())
      hold->held = describe_misfit(kind.label, snapshot_.templates);
    else if (tried->back().reason == HoldReason::launch_limit)
      hold->held = {tried->back().reason, tried->back().text, look};
    else
      hold->held = {tried->front().reason, tried->front().text, look};
    if (!tried->empty()) hold->held.look_again_on = next_event(*tried);
    hold->held.text += hold->room = kind.room;
    hold->tried = std::move(tried);
    if (kind.hold && kind.hold->held == hold->held && *kind.hold->tried == *hold->tried) return;
    kind.hold = std::move(hold);
  }

  // Those of which nothing has changed keep what was said.
  void explain_lines(OpenWorld& world) {
    const ObstacleNews news(blocked_, only_kept_, of_controllers_, world.obstacles);
    for (auto* one : world.classes) {
      auto& kind = one->kind;
      if (!kind.is_held) {
        kind.hold.reset();
        continue;
      }
      const auto is_news = [&](const Template* t) { return news.has(number_of(*t), kind.of_controller); };
      const bool is_told = kind.hold && kind.hold->room == kind.room;
      if (!is_told || std::ranges::any_of(kind.templates, is_news)) explain(kind);
      look_no_later(plan_.next_look, kind.hold->held.look_again);
    }
  }

  void report_hold(std::size_t index) {
    auto& kind = classes_[class_of_[index]];
    if (!kind.hold) {
      explain(kind);
      look_no_later(plan_.next_look, kind.hold->held.look_again);
    }
    const auto& held = kind.hold->held;
    plan_.holds.push_back(
        {items_[index]->ref, held.reason, held.text, held.look_again, kind.hold->tried, held.look_again_on});
  }

  // --- pools (pool_plan.hpp) and room (room_plan.hpp)

  void find_room(const std::vector<const SettledAgents*>& settled) {
    fill_book(settled);
    end_surplus();
    make_room(settled);
    if (obstacles_.has_budgets_of_day()) keep_to_budgets(settled);
  }

  void plan_pools() {
    if (book_.empty()) return;
    reserve_places();
    keep_for_items();
    for (const auto& pool : book_.pools())
      if (obstacles_.has_cloud(pool.of->cloud)) plan_.pools.push_back(fill_pool(pool));
    std::ranges::sort(plan_.pools, {}, &PoolReport::template_name);
  }

  void fill_book(const std::vector<const SettledAgents*>& settled) {
    for (const auto* group : settled) {
      if (group->work == PoolWork::at_work) book_.note_at_work(*group);
      if (group->work == PoolWork::unclear) book_.note_unclear(*group);
    }
    for (const Agent* agent : agents_) {
      const auto work = pool_work_of(*agent);
      if (work == PoolWork::at_work) book_.note_at_work(*agent);
      if (work == PoolWork::unclear) book_.note_unclear(*agent);
    }
    for (const Agent* agent : served_by_)
      if (agent != nullptr && !serve_own_only_.contains(agent) && pool_work_of(*agent) == PoolWork::none)
        book_.note_at_work(*agent);
    for (const auto& one : plan_.launches) book_.note_at_work(one.template_name, one.item.controller);
    for (const auto& pool : pools_)
      for (const Agent* agent : pool.agents) book_.note_spare(*agent);
    book_.settle(
        [this](const Template& t) { return obstacles_.find_spent(t, t.pool_controller) != nullptr; });
  }

  PoolReport fill_pool(const PoolCount& pool) {
    const auto is_idle = [](const Agent* agent) { return agent->activity == AgentActivity::idle; };
    const auto idle =
        std::ranges::count_if(pool.wanted, is_idle) + std::ranges::count_if(pool.spare, is_idle);
    const auto all = pool.wanted.size() + pool.spare.size() + pool.unclear;
    PoolReport report{pool.of->name,
                      pool.target(),
                      pool.at_work,
                      static_cast<std::uint32_t>(idle),
                      static_cast<std::uint32_t>(all) - static_cast<std::uint32_t>(idle),
                      {}};
    for (const Agent* agent : pool.wanted) report.wanted.push_back(agent->id);
    const auto why = describe_need(pool);
    for (auto missing = pool.missing(); missing > 0; --missing, ++report.on_way) {
      report.hold = find_pool_obstacle(*pool.of);
      if (report.hold) {
        if (has_reserved_ && limit_of(report.hold->reason))
          report.hold->text += ", with the places that are left for builds";
        look_no_later(plan_.next_look, report.hold->look_again);
        break;
      }
      launch({pool.of->pool_controller, {}}, *pool.of, pool.reason_for(missing), why);
    }
    return report;
  }

  std::optional<Held> find_pool_obstacle(const Template& t) const {
    auto obstacle = obstacles_.find(t);
    if (!obstacle) obstacle = obstacles_.find_for(t.pool_controller, t);
    if (!obstacle) obstacle = obstacles_.find_launch_limit(t);
    return obstacle ? obstacle : find_line_before(t);
  }

  // Items that this template would fit wait for a better one, whose cloud has enough to answer: an agent of
  // the pool would be theirs at once, and the pool would lack it again.
  std::optional<Held> find_line_before(const Template& t) const {
    for (const auto* kind : held_classes_)
      if (kind->controller == t.pool_controller && kind->hold &&
          kind->hold->held.reason == HoldReason::launch_limit && std::ranges::count(kind->templates, &t) > 0)
        return kind->hold->held;
    return std::nullopt;
  }

  // What a limit has left may be of no use to an item yet, which lacks some of it or waits for another limit:
  // an agent of a pool that took it would have to make room again.
  void keep_for_items() {
    std::set<std::pair<ControllerName, const Template*>> asked;
    for (const auto* kind : held_classes_)
      for (const Template* t : kind->templates) {
        if (is_at_launch_limit(*t)) break;
        if (!asked.emplace(kind->controller, t).second) continue;
        if (obstacles_.may_fit(*t, kind->controller)) obstacles_.keep(*t, kind->controller);
      }
  }

  // What items will need once the trouble of their template is over is not given to pools meanwhile: they
  // would have to end their agents for it.
  void reserve_places() {
    for (const auto* kind : held_classes_)
      for (const Template* t : kind->templates) {
        if (is_at_launch_limit(*t)) break;
        const auto& obstacle = blocked_[number_of(*t)];  // the trouble of a template is noted before limits
        const bool passes = obstacle && (obstacle->reason == HoldReason::template_open ||
                                         obstacle->reason == HoldReason::template_half_open ||
                                         obstacle->reason == HoldReason::cloud_held);
        if (!passes) continue;
        obstacles_.reserve(*t, kind->controller, kind->held_items);
        has_reserved_ = true;
        break;
      }
  }

  void make_room(const std::vector<const SettledAgents*>& settled) {
    if (held_classes_.empty()) return;
    std::set<AgentId> ended;
    std::set<AgentId> drained;
    for (const auto& one : plan_.terminations) ended.insert(one.agent);
    for (const auto& one : plan_.drains) drained.insert(one.agent);
    Occupants occupants;
    for (const auto* group : settled) occupants.add(*group);
    for (const Agent* agent : agents_) {
      if (drained.contains(agent->id))
        occupants.add_draining(*agent);
      else if (!ended.contains(agent->id))
        occupants.add(*agent);
    }
    RoomPlanner rooms(
        obstacles_, held_classes_, [this](const Template& t) { return is_at_launch_limit(t); }, now_);
    has_reserved_ = rooms.make_room(
        {list_leaving(ended), list_sparable(pools_, book_, ended, now_, Paid::stay)}, occupants, plan_);
  }

  // The templates behind it are not asked.
  bool is_at_launch_limit(const Template& t) const {
    const auto& obstacle = blocked_[number_of(t)];
    return obstacle && obstacle->reason == HoldReason::launch_limit;
  }

  std::vector<const Agent*> list_leaving(const std::set<AgentId>& ended) const {
    std::vector<const Agent*> leaving;
    for (const Agent* agent : agents_)
      if (is_ending(*agent) || ended.contains(agent->id)) leaving.push_back(agent);
    return leaving;
  }

  void keep_to_budgets(const std::vector<const SettledAgents*>& settled) {
    std::set<AgentId> leaving;
    for (const auto& one : plan_.terminations) leaving.insert(one.agent);
    const auto idle = list_sparable(pools_, book_, leaving, now_, Paid::last);
    for (const auto& one : plan_.drains) leaving.insert(one.agent);
    AgentsByAge open;
    std::vector<const AgentsByAge*> at_work{&open};
    for (const auto* group : settled) {
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

  // --- what nothing needs

  void end_surplus() {
    for (auto& pool : pools_)
      for (const Agent* agent : pool.agents) decide_surplus(*agent);
  }

  void finish() {
    std::ranges::sort(plan_.terminations, {}, &Termination::agent);
    std::ranges::sort(plan_.drains, {}, &Drain::agent);
  }

  void decide_surplus(const Agent& agent) {
    if (agent.activity == AgentActivity::disconnected)
      return;  // nobody knows what it does; its lease decides
    if (book_.wants(agent)) {
      if (agent.max_age > Duration(0) && agent.activity == AgentActivity::idle)
        look_no_later(plan_.next_look, agent.connected + agent.max_age);
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
    if (agent.max_age > Duration(0)) look_no_later(plan_.next_look, agent.connected + agent.max_age);
  }

  const Snapshot& snapshot_;
  Instant now_;
  Plan plan_;
  std::unordered_map<TemplateName, const Template*> templates_;
  Obstacles obstacles_;
  PoolBook book_;
  std::vector<ItemClass*> held_classes_;  // in the order in which they became so
  bool has_reserved_ = false;             // places, which then count as agents
  bool keeps_ = false;                    // room, for items that have waited for long
  std::vector<const Item*> items_;        // in queue order
  std::vector<const Agent*> served_by_;   // by item; of an open world in no order
  std::vector<std::size_t> class_of_;     // by item
  std::vector<std::size_t> held_items_;
  ObstacleList blocked_;
  std::vector<bool> only_kept_;  // of these: by what is kept
  std::map<ControllerName, ObstacleList> of_controllers_;
  std::vector<const Agent*> agents_;
  std::vector<const Agent*> free_;
  std::vector<const Agent*> only_own_;  // that may get the item that they were launched for, no other one
  std::unordered_set<const Agent*> serve_own_only_;  // of these
  std::vector<ItemClass> classes_;
  std::vector<Pool> pools_;
  std::vector<PoolKey> pool_key_;
  std::map<PoolKey, std::size_t> pool_by_labels_;
  std::map<const Agent*, std::size_t, LabelOrder> pool_like_;
};

}  // namespace

Plan plan_provisioning(const Snapshot& snapshot, const Limits& limits, Instant now) {
  return Planner(snapshot, limits, now).plan();
}

class OpenPlanner::Impl : public Planner {
 public:
  using Planner::list_templates;
  using Planner::Planner;
};

OpenPlanner::OpenPlanner(const Snapshot& offers, const Limits& limits, Instant now)
    : impl_(std::make_unique<Impl>(offers, limits, now)) {
  impl_->index_offers();
}
OpenPlanner::~OpenPlanner() = default;

AgentVerdict OpenPlanner::examine(const Agent& agent) const { return impl_->examine(agent); }

std::vector<const Template*> OpenPlanner::list_templates(const ControllerName& controller,
                                                         const model::LabelExpr& label) const {
  return impl_->list_templates(controller, label);
}

Plan OpenPlanner::plan(OpenWorld& world) { return impl_->plan_open(world); }

}  // namespace footman::policy
