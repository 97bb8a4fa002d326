#include "policy/provisioning_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "model/nearest.hpp"
#include "policy/pool_plan.hpp"

namespace footman::policy {
namespace {

using model::AgentActivity;
using model::AgentState;
using model::EndReason;

void look_no_later(Instant& look, Instant at) {
  if (at.is_set() && (!look.is_set() || at < look)) look = at;
}

bool is_cap(HoldReason reason) {
  return reason == HoldReason::global_cap || reason == HoldReason::label_cap ||
         reason == HoldReason::cloud_cap || reason == HoldReason::template_cap;
}

// Items of one controller with the same label, and how far the lists for them are used up. Nothing that was
// full or held becomes free again within one plan, so that the cursors only go forward.
struct ItemClass {
  const model::LabelExpr* label = nullptr;
  std::vector<std::size_t> pools;  // that fit, fewest labels first
  std::size_t pool_cursor = 0;
  std::vector<const Template*> templates;  // that fit, best first
  std::size_t template_cursor = 0;
  std::shared_ptr<const std::vector<Tried>> tried;
  std::optional<Held> held;
};

// Free agents of one controller with the same labels, best last.
struct Pool {
  ControllerName controller;
  const std::vector<std::string>* labels = nullptr;
  bool is_default = false;
  std::vector<const Agent*> agents;
};

class Planner {
 public:
  Planner(const Snapshot& snapshot, const Limits& limits, Instant now)
      : snapshot_(snapshot), limits_(limits), now_(now), book_(snapshot.templates) {}

  Plan plan() {
    index();
    sort_out_agents();
    match_own();
    make_classes();
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (served_by_[i] == nullptr) serve(i);
    for (std::size_t i = 0; i < items_.size(); ++i) report_match(i);
    plan_pools();
    for (auto& pool : pools_)
      for (const Agent* agent : pool.agents) decide_surplus(*agent);
    std::ranges::sort(plan_.terminations, {}, &Termination::agent);
    std::ranges::sort(plan_.drains, {}, &Drain::agent);
    return std::move(plan_);
  }

 private:
  void index() {
    for (const auto& t : snapshot_.templates) templates_[t.name] = &t;
    for (const auto& c : snapshot_.clouds) clouds_[c.name] = &c;
    for (const auto& item : snapshot_.items) items_.push_back(&item);
    std::ranges::sort(items_, [](const Item* a, const Item* b) {
      return std::tie(a->since, a->ref) < std::tie(b->since, b->ref);
    });
    served_by_.resize(items_.size());
    for (const auto& agent : snapshot_.agents) {
      if (!model::may_hold_resource(agent.state)) continue;
      count_agent(agent.cloud, agent.template_name, agent.labels);
      agents_.push_back(&agent);
    }
    // Connected ones first, then the one that has been on its way for longest.
    std::ranges::sort(agents_, [](const Agent* a, const Agent* b) {
      const bool a_waits = a->activity != AgentActivity::idle;
      const bool b_waits = b->activity != AgentActivity::idle;
      return std::tie(a_waits, a->planned, a->id) < std::tie(b_waits, b->planned, b->id);
    });
  }

  // So many more that hold a resource, or will.
  void count_agent(const CloudName& cloud, const TemplateName& name, const std::vector<std::string>& labels,
                   std::uint32_t by = 1) {
    holding_ += by;
    cloud_holding_[cloud] += by;
    template_holding_[name] += by;
    if (limits_.label_caps.empty()) return;
    for (const auto& label : std::set<std::string_view>(labels.begin(), labels.end()))
      if (limits_.label_caps.contains(label)) label_holding_[std::string(label)] += by;
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

  void sort_out_agents() {
    for (const Agent* agent : agents_)
      if (is_free(*agent)) free_.push_back(agent);
  }

  // Ends or drains what must not take work; true for an agent that may.
  bool is_free(const Agent& agent) {
    const bool draining = agent.state == AgentState::draining;
    if (!model::is_serving(agent.state) && !draining) return false;
    switch (agent.activity) {
      case AgentActivity::lost:
        end(agent, agent.end_reason == EndReason::none ? EndReason::session_lost : agent.end_reason);
        return false;
      case AgentActivity::done:
        end(agent,
            agent.end_reason == EndReason::none ? model::spent_reason(agent.max_builds) : agent.end_reason);
        return false;
      case AgentActivity::disconnected:
        // It comes back, or is lost when its lease ends; until then another one for its item would be one too
        // many.
        if (!agent.working && !draining && is_current(agent)) return true;
        [[fallthrough]];
      case AgentActivity::busy:
        if (!draining && !is_current(agent))
          plan_.drains.push_back(
              {agent.id, EndReason::template_changed, std::string(sentence(EndReason::template_changed))});
        return false;
      case AgentActivity::idle:
        return is_free_idle(agent, draining);
      case AgentActivity::unknown:
      case AgentActivity::expected:
        return is_free_expected(agent, draining);
    }
    return false;
  }

  bool is_free_idle(const Agent& agent, bool draining) {
    if (draining)
      end(agent, EndReason::drained, "It was drained and has no work left.");
    else if (model::is_spent(agent.max_builds, agent.builds_done))
      end(agent, model::spent_reason(agent.max_builds));
    else if (!is_current(agent))
      end(agent, EndReason::template_changed);
    else if (agent.max_age > Duration(0) && now_ >= agent.connected + agent.max_age)
      end(agent, EndReason::max_age);
    else
      return true;
    return false;
  }

  // An agent of an old generation that is on its way is not wasted when its item still waits.
  bool is_free_expected(const Agent& agent, bool draining) {
    if (draining)
      end(agent, EndReason::drained);
    else if (agent.launch_deadline.is_set() && now_ >= agent.launch_deadline)
      end(agent, EndReason::launch_deadline);
    else {
      look_no_later(plan_.next_look, agent.launch_deadline);
      return true;
    }
    return false;
  }

  void match_own() {
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> by_key;
    for (std::size_t i = 0; i < items_.size(); ++i)
      by_key[{items_[i]->ref.controller.str(), items_[i]->ref.key}] = i;
    std::map<std::tuple<ControllerName, std::vector<std::string>, bool>, std::size_t> by_labels;
    std::vector<const Agent*> left;
    for (const Agent* agent : free_) {
      const auto it = by_key.find({agent->controller.str(), agent->for_item});
      if (!agent->for_item.empty() && it != by_key.end() && served_by_[it->second] == nullptr &&
          model::fits(items_[it->second]->label, agent->labels, agent->is_default))
        served_by_[it->second] = agent;
      else if (is_current(*agent))
        left.push_back(agent);
      else
        end(*agent, EndReason::template_changed);
    }
    for (auto it = left.rbegin(); it != left.rend(); ++it) {
      auto labels = (*it)->labels;
      std::ranges::sort(labels);
      const auto [place, fresh] =
          by_labels.try_emplace({(*it)->controller, labels, (*it)->is_default}, pools_.size());
      if (fresh) pools_.push_back({(*it)->controller, &(*it)->labels, (*it)->is_default, {}});
      pools_[place->second].agents.push_back(*it);
      pool_key_.resize(pools_.size());
      pool_key_[place->second] = place->first;
    }
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

  ItemClass make_class(const Item& item) const {
    ItemClass result;
    result.label = &item.label;
    for (std::size_t i = 0; i < pools_.size(); ++i)
      if (pools_[i].controller == item.ref.controller &&
          model::fits(item.label, *pools_[i].labels, pools_[i].is_default))
        result.pools.push_back(i);
    std::ranges::sort(result.pools, [this](std::size_t a, std::size_t b) {
      const auto a_size = pools_[a].labels->size();
      const auto b_size = pools_[b].labels->size();
      return std::tie(a_size, pool_key_[a]) < std::tie(b_size, pool_key_[b]);
    });
    for (const auto& t : snapshot_.templates)
      if (clouds_.contains(t.cloud) && model::fits(item.label, t.labels, t.is_default))
        result.templates.push_back(&t);
    std::ranges::sort(result.templates, [](const Template* a, const Template* b) {
      const int a_first = -a->priority;
      const int b_first = -b->priority;
      const auto a_size = a->labels.size();
      const auto b_size = b->labels.size();
      return std::tie(a_first, a_size, a->cloud, a->name) < std::tie(b_first, b_size, b->cloud, b->name);
    });
    return result;
  }

  void serve(std::size_t index) {
    ItemClass& kind = classes_[class_of_[index]];
    for (; kind.pool_cursor < kind.pools.size(); ++kind.pool_cursor) {
      auto& agents = pools_[kind.pools[kind.pool_cursor]].agents;
      if (agents.empty()) continue;
      served_by_[index] = agents.back();
      agents.pop_back();
      return;
    }
    const Item& item = *items_[index];
    for (; kind.template_cursor < kind.templates.size(); ++kind.template_cursor) {
      const Template& t = *kind.templates[kind.template_cursor];
      if (find_obstacle(t)) continue;
      launch(item.ref, t, describe_choice(item, kind));
      return;
    }
    if (!kind.held) explain(kind);
    ++held_[class_of_[index]];
    plan_.holds.push_back({item.ref, kind.held->reason, kind.held->text, kind.held->look_again, kind.tried});
  }

  void launch(ItemRef item, const Template& t, std::string why) {
    plan_.launches.push_back({std::move(item), t.cloud, t.name, std::move(why)});
    count_agent(t.cloud, t.name, t.labels);
    if (may_launch(t.breaker, now_).launches == Permission::one_probe) probed_.insert(t.name);
  }

  std::string describe_choice(const Item& item, const ItemClass& kind) const {
    const auto wish = item.label.empty() ? std::string("no label") : fmt::format("'{}'", item.label.text());
    return fmt::format("{} waits for an agent ({}); template '{}' is choice {} of {}",
                       item.title.empty() ? item.ref.key : item.title, wish,
                       kind.templates[kind.template_cursor]->name.str(), kind.template_cursor + 1,
                       kind.templates.size());
  }

  std::optional<Held> find_obstacle(const Template& t) const {
    if (limits_.storage_full)
      return Held{HoldReason::storage_full, "no space is left in the data directory", {}};
    const Cloud& cloud = *clouds_.at(t.cloud);
    if (!cloud.pause_text.empty())
      return Held{HoldReason::cloud_paused,
                  fmt::format("cloud '{}' is paused {}", cloud.name.str(), cloud.pause_text),
                  {}};
    if (t.breaker.state == BreakerState::disabled) return ask_breaker(t);
    if (cloud.hold_until > now_)
      return Held{HoldReason::cloud_held,
                  fmt::format("cloud '{}' is held: {}", cloud.name.str(), cloud.hold_text), cloud.hold_until};
    if (auto obstacle = ask_breaker(t)) return obstacle;
    if (limits_.max_agents != 0 && holding_ >= limits_.max_agents)
      return Held{HoldReason::global_cap,
                  fmt::format("{} of {} agents of this server exist", holding_, limits_.max_agents),
                  {}};
    for (const auto& label : t.labels) {
      const auto cap = limits_.label_caps.find(label);
      if (cap == limits_.label_caps.end() || count(label_holding_, label) < cap->second) continue;
      return Held{HoldReason::label_cap,
                  fmt::format("{} of {} agents with label '{}' exist", count(label_holding_, label),
                              cap->second, label),
                  {}};
    }
    const auto of_cloud = count(cloud_holding_, t.cloud);
    if (cloud.cap != 0 && of_cloud >= cloud.cap)
      return Held{HoldReason::cloud_cap,
                  fmt::format("{} of {} agents of cloud '{}' exist", of_cloud, cloud.cap, cloud.name.str()),
                  {}};
    const auto of_template = count(template_holding_, t.name);
    if (t.cap != 0 && of_template >= t.cap)
      return Held{HoldReason::template_cap,
                  fmt::format("{} of {} agents of template '{}' exist", of_template, t.cap, t.name.str()),
                  {}};
    return std::nullopt;
  }

  std::optional<Held> ask_breaker(const Template& t) const {
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
    return Held{reason, fmt::format("template '{}' is {}", t.name.str(), describe(t.breaker, now_)),
                allowance.look_again};
  }

  template <class Key>
  static std::uint32_t count(const std::map<Key, std::uint32_t>& counts, const Key& key) {
    const auto it = counts.find(key);
    return it == counts.end() ? 0 : it->second;
  }

  void explain(ItemClass& kind) {
    auto tried = std::make_shared<std::vector<Tried>>();
    Instant look;
    for (const Template* t : kind.templates) {
      auto obstacle = find_obstacle(*t);
      if (!obstacle) continue;
      look_no_later(look, obstacle->look_again);
      tried->push_back(
          {t->cloud, t->name, obstacle->reason, std::move(obstacle->text), obstacle->look_again});
    }
    look_no_later(plan_.next_look, look);
    kind.held = tried->empty() ? describe_misfit(*kind.label)
                               : Held{tried->front().reason, tried->front().text, look};
    kind.tried = std::move(tried);
  }

  Held describe_misfit(const model::LabelExpr& label) const {
    if (label.empty())
      return {
          HoldReason::no_default_template, "no template has default: true, and no label was asked for", {}};
    std::vector<std::string> known;
    for (const auto& t : snapshot_.templates) known.insert(known.end(), t.labels.begin(), t.labels.end());
    for (const auto& atom : label.atoms()) {
      if (std::ranges::find(known, atom) != known.end()) continue;
      const auto nearest = model::find_nearest(atom, known);
      return {HoldReason::no_template,
              fmt::format("no template offers label '{}'{}", atom,
                          nearest ? fmt::format("; nearest: '{}'", *nearest) : ""),
              {}};
    }
    return {HoldReason::no_template, fmt::format("no template offers '{}'", label.text()), {}};
  }

  void report_match(std::size_t index) {
    if (const Agent* agent = served_by_[index]) plan_.matches.push_back({items_[index]->ref, agent->id});
  }

  // --- pools (pool_plan.hpp)

  void plan_pools() {
    if (book_.empty()) return;
    fill_book();
    make_room();
    reserve_places();
    for (const auto& pool : book_.pools())
      if (clouds_.contains(pool.of->cloud)) plan_.pools.push_back(fill_pool(pool));
    std::ranges::sort(plan_.pools, {}, &PoolReport::template_name);
  }

  void fill_book() {
    for (const Agent* agent : agents_) {
      if (!model::is_serving(agent->state)) continue;
      if (agent->awaited)
        book_.note_unclear(*agent);
      else if (agent->activity == AgentActivity::busy ||
               (agent->activity == AgentActivity::disconnected && agent->working))
        book_.note_at_work(*agent);
    }
    for (const Agent* agent : served_by_)
      if (agent != nullptr) book_.note_at_work(*agent);
    for (const auto& one : plan_.launches) book_.note_at_work(one.template_name, one.item.controller);
    for (const auto& pool : pools_)
      for (const Agent* agent : pool.agents) book_.note_spare(*agent);
    book_.settle();
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
      report.hold = find_obstacle(*pool.of);
      if (report.hold) {
        if (has_reserved_ && is_cap(report.hold->reason))
          report.hold->text += ", with the places that are left for builds";
        look_no_later(plan_.next_look, report.hold->look_again);
        break;
      }
      launch({pool.of->pool_controller, {}}, *pool.of, why);
    }
    return report;
  }

  // What items will need once the trouble of their template is over is not given to pools meanwhile: they
  // would have to end their agents for it.
  void reserve_places() {
    for (const auto& [index, count] : held_)
      for (const Template* t : classes_[index].templates) {
        const auto obstacle = find_obstacle(*t);
        const bool passes = obstacle && (obstacle->reason == HoldReason::template_open ||
                                         obstacle->reason == HoldReason::template_half_open ||
                                         obstacle->reason == HoldReason::cloud_held);
        if (!passes) continue;
        count_agent(t->cloud, t->name, t->labels, count);
        has_reserved_ = true;
        break;
      }
  }

  // An item that only a cap keeps waiting gets the place of an idle agent of a pool, unless one is about to
  // be free anyway.
  void make_room() {
    RoomFinder room(list_leaving(), list_idle_of_pools());
    for (const auto& [index, count] : held_)
      for (const Template* t : classes_[index].templates) {
        const auto scope = find_cap(*t);
        if (!scope) continue;
        for (auto left = count; left > 0; --left) {
          const auto place = room.find(*scope);
          if (!place) break;
          if (place->to_end == nullptr) continue;
          end(*place->to_end, EndReason::made_room);
          ended_for_room_.insert(place->to_end);
        }
        break;
      }
  }

  std::vector<const Agent*> list_leaving() const {
    std::set<AgentId> ended;
    for (const auto& one : plan_.terminations) ended.insert(one.agent);
    std::vector<const Agent*> leaving;
    for (const Agent* agent : agents_)
      if ((!model::is_serving(agent->state) && agent->state != AgentState::draining) ||
          ended.contains(agent->id))
        leaving.push_back(agent);
    return leaving;
  }

  // Those beyond the targets first, then those of the pools that are filled last.
  std::vector<const Agent*> list_idle_of_pools() const {
    std::vector<const Agent*> all;
    for (const auto& pool : book_.pools()) all.insert(all.end(), pool.wanted.begin(), pool.wanted.end());
    for (const auto& pool : book_.pools()) all.insert(all.end(), pool.spare.begin(), pool.spare.end());
    std::erase_if(all, [](const Agent* agent) { return agent->activity != AgentActivity::idle; });
    std::ranges::reverse(all);
    return all;
  }

  // When caps, and nothing else, keep it from being launched: the narrowest of them.
  std::optional<CapScope> find_cap(const Template& t) const {
    const auto obstacle = find_obstacle(t);
    if (!obstacle || !is_cap(obstacle->reason)) return std::nullopt;
    CapScope scope{HoldReason::global_cap, t.cloud, t.name, {}};
    for (const auto& label : t.labels) {
      const auto cap = limits_.label_caps.find(label);
      if (cap == limits_.label_caps.end() || count(label_holding_, label) < cap->second) continue;
      scope.reason = HoldReason::label_cap;
      scope.label = label;
    }
    if (const auto cap = clouds_.at(t.cloud)->cap; cap != 0 && count(cloud_holding_, t.cloud) >= cap)
      scope.reason = HoldReason::cloud_cap;
    if (t.cap != 0 && count(template_holding_, t.name) >= t.cap) scope.reason = HoldReason::template_cap;
    return scope;
  }

  void decide_surplus(const Agent& agent) {
    if (ended_for_room_.contains(&agent)) return;
    if (agent.activity == AgentActivity::disconnected)
      return;  // nobody knows what it does; its lease decides
    if (book_.wants(agent)) {
      if (agent.max_age > Duration(0) && agent.activity == AgentActivity::idle)
        look_no_later(plan_.next_look, agent.connected + agent.max_age);
      return;
    }
    if (agent.max_builds == 1 && !book_.has_pool(agent)) return end(agent, EndReason::surplus);
    if (agent.activity != AgentActivity::idle) return;  // idle time counts only once online
    const Instant deadline = std::max(agent.idle_since + agent.idle_timeout, agent.paid_until);
    if (now_ >= deadline)
      return end(agent, EndReason::idle_too_long,
                 deadline == agent.paid_until ? "It was idle, and the time that is paid for is over." : "");
    look_no_later(plan_.next_look, deadline);
    if (agent.max_age > Duration(0)) look_no_later(plan_.next_look, agent.connected + agent.max_age);
  }

  const Snapshot& snapshot_;
  const Limits& limits_;
  Instant now_;
  Plan plan_;
  std::map<TemplateName, const Template*> templates_;
  std::map<CloudName, const Cloud*> clouds_;
  std::map<CloudName, std::uint32_t> cloud_holding_;
  std::map<TemplateName, std::uint32_t> template_holding_;
  std::map<std::string, std::uint32_t> label_holding_;  // of capped labels
  std::uint32_t holding_ = 0;
  PoolBook book_;
  std::map<std::size_t, std::uint32_t> held_;  // items that wait, by class
  std::set<const Agent*> ended_for_room_;
  bool has_reserved_ = false;            // places, which then count as agents
  std::set<TemplateName> probed_;        // by this plan
  std::vector<const Item*> items_;       // in queue order
  std::vector<const Agent*> served_by_;  // by item
  std::vector<std::size_t> class_of_;    // by item
  std::vector<const Agent*> agents_;
  std::vector<const Agent*> free_;
  std::vector<ItemClass> classes_;
  std::vector<Pool> pools_;
  std::vector<std::tuple<ControllerName, std::vector<std::string>, bool>> pool_key_;
};

}  // namespace

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
    case HoldReason::label_cap:
      return "label_cap";
    case HoldReason::cloud_cap:
      return "cloud_cap";
    case HoldReason::template_cap:
      return "template_cap";
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
  }
  return "no_template";
}

Plan plan_provisioning(const Snapshot& snapshot, const Limits& limits, Instant now) {
  return Planner(snapshot, limits, now).plan();
}

}  // namespace footman::policy
