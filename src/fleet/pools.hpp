// What the fleet adds to the plan's pools: whose agents they are, and what they were good for; and the idle
// time of all agents. Inside the module; control executor.
#pragma once

#include "fleet/core.hpp"

namespace footman::fleet {

class Pools {
 public:
  explicit Pools(Core& core);

  // The controller that agents of its pool are made for. Empty: there is none, and no pool.
  ControllerName controller_of(const TemplateName& name) const;
  model::PoolSize size_of(TemplateEntry& t) const;  // that its rules want now
  Instant next_change() const;                      // of the first of them; not set: none
  // The sizes that goals need, from the next plan on.
  void set_answers(PoolAnswers answers);
  // After each look at the agent.
  void note_seen(AgentEntry& entry);
  std::map<TemplateName, IdleTimes> idle_times() const;  // of their agents, with a pool or not
  PoolView view(const TemplateEntry& t, const policy::PoolReport& report) const;

 private:
  void set_answer(TemplateEntry& t, PoolAnswer answer);
  static Awaitable<void> store_answer(Core* core, TemplateName name, std::string encoded);
  void count_builds(AgentEntry& entry, PoolRecord& record) const;
  base::Counter& builds(const TemplateName& name, const char* outcome) const;

  Core& core_;
};

}  // namespace footman::fleet
