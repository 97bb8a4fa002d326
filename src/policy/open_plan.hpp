// The part of a plan that cannot be left out: agents and items about which something may have to be decided.
// What is settled (an agent at work, an agent on its way and its item) only counts. Inside the module: the
// ledger (ledger.hpp) keeps the open world up to date, the rules are those of plan_provisioning().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "policy/agent_verdict.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::policy {

// Why the items of one class wait; every one of them for the same reason.
struct ClassHold {
  Held held;
  TriedList tried;   // never null
  std::string room;  // as the class had it, also in the text
};

struct QueueOrder {
  bool operator()(const Item* a, const Item* b) const {
    return std::tie(a->since, a->ref) < std::tie(b->since, b->ref);
  }
};

// What stands against launches, by template, as far as it is known.
using ObstacleList = std::vector<std::optional<Held>>;

// The same as a plan left it.
struct NotedObstacles {
  ObstacleList of_templates;
  std::vector<bool> only_kept;  // of these: by what is kept for another item
  std::map<ControllerName, ObstacleList> of_controllers;
};

// What a plan has noted otherwise than the one before.
class ObstacleNews {
 public:
  ObstacleNews(const ObstacleList& of_templates, const std::vector<bool>& only_kept,
               const std::map<ControllerName, ObstacleList>& of_controllers, const NotedObstacles& before);
  // Of the template, for one of the controllers; null: it has no limits.
  bool has(std::size_t template_number, const ObstacleList* of_controller) const;

 private:
  std::vector<bool> of_templates_;
  std::map<const ObstacleList*, std::vector<bool>> of_controllers_;
};

// Items of one controller with the same label, and how far the lists for them are used up. Nothing that was
// full or held becomes free again within one plan, so that the cursors only go forward.
struct ItemClass {
  ControllerName controller;
  model::LabelExpr label;
  std::vector<std::size_t> pools;          // that fit, fewest labels first; of one plan
  std::size_t pool_cursor = 0;             // among idle ones
  std::vector<const Template*> templates;  // that fit, best first
  std::size_t template_cursor = 0;
  TriedList passed;                   // templates before the cursor; null: none, or not listed yet
  std::uint32_t held_items = 0;       // that are left over
  const Item* oldest_held = nullptr;  // of these
  bool is_held = false;               // neither an agent nor a template is left for the rest of it
  // What limits of its controller say; null: it has none. Of one plan.
  ObstacleList* of_controller = nullptr;
  std::string room;  // who makes it, for the oldest one; empty: nobody
  std::shared_ptr<const ClassHold> hold;
};

// One of them in an open world: its items that have no agent of their own.
struct OpenClass {
  ItemClass kind;
  std::set<const Item*, QueueOrder> line;
};

struct IsOlder {
  bool operator()(const Agent* a, const Agent* b) const {
    return std::tie(a->planned, a->id) < std::tie(b->planned, b->id);
  }
};
using AgentsByAge = std::set<const Agent*, IsOlder>;

// What an agent is to the pool of its template.
enum class PoolWork {
  none,     // it may be spare, or is nothing to the pool
  at_work,  // or given an item
  unclear,  // its controller has not spoken of it yet, or its row does not say yet that it ends
};

// Agents that hold a resource, with nothing to decide about them.
struct SettledAgents {
  CloudName cloud;
  TemplateName template_name;
  std::uint64_t generation = 0;
  std::vector<std::string> labels;
  bool under_way = false;  // its launch is not answered yet
  ControllerName controller;
  model::AgentSize size;
  model::Money per_hour;
  Duration least_billed{0};
  PoolWork work = PoolWork::none;
  bool is_default = false;
  std::uint32_t count = 0;
  std::uint32_t staying = 0;  // of all these
  AgentsByAge may_drain;      // likewise
  AgentsByAge draining;
};

struct OpenWorld {
  std::vector<const SettledAgents*> settled;
  std::vector<const Agent*> agents;  // all others that may hold a resource, best first (is_better)
  std::vector<OpenClass*> classes;   // that have items in line; their lists of templates are made
  // As the last plan left them, of the same templates: what it said of a class is made again only when one of
  // them has changed. Empty: all of it is.
  NotedObstacles obstacles;
};

class OpenPlanner {
 public:
  // offers: its templates and clouds count. All three must outlive it.
  OpenPlanner(const Snapshot& offers, const Limits& limits, Instant now);
  OpenPlanner(const OpenPlanner&) = delete;
  OpenPlanner& operator=(const OpenPlanner&) = delete;
  ~OpenPlanner();

  AgentVerdict examine(const Agent& agent) const;
  std::vector<const Template*> list_templates(const ControllerName& controller,
                                              const model::LabelExpr& label) const;
  // Once. Matches are those of open agents only. There are no holds: each class in which items are left has
  // its own.
  Plan plan(OpenWorld& world);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

void look_no_later(Instant& look, Instant at);  // neither of them has to be set
PoolWork pool_work_of(const Agent& agent);      // before any item is given out
bool is_under_way(const Agent& agent);          // its launch is not answered yet
bool stays(const Agent& agent);      // is kept when its work is over, and takes the next item that it fits
bool may_drain(const Agent& agent);  // of those: has work
bool drains(const Agent& agent);     // ends when its work is over
// When the verdict on the agent may change by itself; not set: never.
Instant next_change(const Agent& agent, Instant now);
// The better of two agents for an item: those that stay, connected ones first, then the one on its way for
// longest.
bool is_better(const Agent& a, const Agent& b);

}  // namespace footman::policy
