// The rules of a plan. The plan of a whole world (provisioning_plan.hpp) and that of an open one
// (open_plan.hpp) are made by them: each of these knows where its agents and items are, which of them belong
// together, and whom to tell why items wait; whatever is decided is decided here. Inside the module.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/agent_verdict.hpp"
#include "policy/free_agents.hpp"
#include "policy/item_class.hpp"
#include "policy/obstacle_notes.hpp"
#include "policy/obstacles.hpp"
#include "policy/pool_plan.hpp"
#include "policy/provisioning_plan.hpp"
#include "policy/settled_agents.hpp"

namespace footman::policy {

// For one plan: its steps in this order, each once.
class Planner {
 public:
  // offers: its templates and clouds count. All three must outlive it.
  Planner(const Snapshot& offers, const Limits& limits, Instant now);

  // --- at any time
  AgentVerdict examine(const Agent& agent) const;
  // That fit, best first.
  std::vector<const Template*> list_templates(const ControllerName& controller,
                                              const model::LabelExpr& label) const;

  // --- the agents
  // Best first.
  struct Takers {
    std::vector<const Agent*> any;       // may take any item
    std::vector<const Agent*> only_own;  // may get the item that they were launched for, no other one
  };
  // agents: that may hold a resource and are not settled. What must not take work is ended or drained.
  Takers sort_out(std::vector<const Agent*> agents, std::vector<const SettledAgents*> settled);
  void give_own(const Agent& agent);  // one of `any` gets the item that it was launched for
  // The others of `any`. Those of an old generation had to be for their own item.
  void offer(const std::vector<const Agent*>& agents);

  // --- the items, in queue order
  void begin(ItemClass& kind);  // before its first item
  // The agent that it gets. Null: one is launched for it, or its class is held; the count of its items that
  // are left over is up to the caller then.
  const Agent* serve(const Item& item, ItemClass& kind);

  // --- what is left over
  // All items were served: what agents nothing needs, which make room for items that are held.
  void decide_rest();
  void explain(ItemClass& kind) const;  // why it is held; when nothing is new, the words stay the same
  const ObstacleNotes& notes() const { return notes_; }

  // --- the end
  // With pools. There are no matches and holds in it: who gives out items tells of them.
  Plan finish();
  NotedObstacles take_notes() { return notes_.take(); }

 private:
  bool is_current(const Agent& agent) const;
  void end(const Agent& agent, model::EndReason reason, std::string text);
  void launch(ItemRef item, const Template& t, model::LaunchReason reason, std::string why,
              TriedList not_these);
  void keep_room(const Item& item, const ItemClass& kind);
  void list_passed(ItemClass& kind);

  void fill_book();
  void end_surplus(const Agent& agent);
  std::set<AgentId> list_ended() const;
  void make_room();
  void keep_to_budgets();

  void reserve_places();
  void keep_for_items();
  PoolReport fill_pool(const PoolCount& pool);
  std::optional<Held> find_pool_obstacle(const Template& t) const;
  std::optional<Held> find_line_before(const Template& t) const;

  const Snapshot& offers_;
  Instant now_;
  std::unordered_map<TemplateName, const Template*> templates_;
  Obstacles obstacles_;
  ObstacleNotes notes_;
  FreeAgents free_;
  PoolBook book_;
  std::vector<const SettledAgents*> settled_;
  std::vector<const Agent*> agents_;  // all others, best first
  std::vector<const Agent*> given_;   // of these: that got an item and may take any
  std::vector<ItemClass*> held_;      // in the order in which they became so
  Plan plan_;
};

}  // namespace footman::policy
