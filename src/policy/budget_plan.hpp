// What becomes of agents that are kept when the money of a day runs out. A launch has the money for its first
// build; an agent that goes on after its build, or waits for the next one, needs more. As far as that is not
// there, idle agents end and those at work drain: nothing that runs is ended. Pure. Inside the module.
#pragma once

#include <set>
#include <vector>

#include "policy/oldest_first.hpp"
#include "policy/usage.hpp"

namespace footman::policy {

class BudgetPlan {
 public:
  // overdrafts: of the agents that go on, Usage::list_overdrafts(). leaving: ended or drained by this plan,
  // as far as they were counted there.
  BudgetPlan(std::vector<Usage::Overdraft> overdrafts, std::set<AgentId> leaving)
      : overdrafts_(std::move(overdrafts)), leaving_(std::move(leaving)) {}

  // Those that can be spared best first. Of all of them no more than have to.
  void end_idle(const std::vector<const Agent*>& idle, Plan& plan);
  void drain_oldest(const std::vector<const AgentsByAge*>& at_work, Plan& plan);

 private:
  bool is_over() const;  // nothing is lacking any more
  // What lacked its money; null: its end saves nothing that is lacking.
  const Usage::Overdraft* take(const Agent& agent);

  std::vector<Usage::Overdraft> overdrafts_;
  std::set<AgentId> leaving_;
};

}  // namespace footman::policy
