// What the fleet adds to the plan's pools: whose agents they are, and what they were good for; and the idle
// time of all agents. Inside the module; control executor.
#pragma once

#include "fleet/core.hpp"

namespace footman::fleet {

class Pools {
 public:
  explicit Pools(Core& core);

  // The controller that agents of pools are made for: the first one. Empty: there is none, and no pool.
  ControllerName controller() const;
  model::PoolSize size_of(TemplateEntry& t) const;  // that its rules want now
  Instant next_change() const;                      // of the first of them; not set: none
  // After each look at the agent.
  void note_seen(AgentEntry& entry);
  // Of its agents, with a pool or not, by what they cost.
  std::map<model::Money, Duration> idle_times(const TemplateEntry& t) const;
  PoolView view(const TemplateEntry& t, const policy::PoolReport& report) const;

 private:
  void count_builds(AgentEntry& entry, PoolRecord& record) const;
  base::Counter& builds(const TemplateName& name, const char* outcome) const;

  Core& core_;
};

}  // namespace footman::fleet
