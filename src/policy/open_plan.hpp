// The plan of the part of a world that cannot be left out: agents and items about which something may have to
// be decided. What is settled (an agent at work, an agent on its way and its item) only counts. Inside the
// module: the ledger (ledger.hpp) keeps the open world up to date, the rules are those of
// plan_provisioning().
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "policy/agent_verdict.hpp"
#include "policy/item_class.hpp"
#include "policy/obstacle_notes.hpp"
#include "policy/provisioning_plan.hpp"
#include "policy/settled_agents.hpp"

namespace footman::policy {

class Planner;

// Items that wait alike and have no agent of their own.
struct OpenClass {
  ItemClass kind;
  std::set<const Item*, QueueOrder> line;
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
  std::vector<Match> serve(const std::vector<OpenClass*>& classes);
  void explain(const OpenWorld& world);

  const Snapshot& offers_;
  std::unique_ptr<Planner> planner_;
};

}  // namespace footman::policy
