#include "policy/budget_plan.hpp"

#include <algorithm>

#include "policy/agent_facts.hpp"
#include "policy/agent_verdict.hpp"

namespace footman::policy {

using model::EndReason;

bool BudgetPlan::is_over() const {
  return std::ranges::all_of(overdrafts_, [](const auto& one) { return one.lacking <= model::Money(); });
}

const Usage::Overdraft* BudgetPlan::take(const Agent& agent) {
  const auto member = member_of(agent);
  const Usage::Overdraft* why = nullptr;
  for (const auto& one : overdrafts_)
    if (why == nullptr && one.lacking > model::Money() && one.asks_about(member)) why = &one;
  if (why == nullptr) return nullptr;
  for (auto& one : overdrafts_)
    if (one.asks_about(member)) one.lacking = one.lacking - reserved_ahead(member.needs);
  return why;
}

void BudgetPlan::end_idle(const std::vector<const Agent*>& idle, Plan& plan) {
  for (const Agent* agent : idle) {
    if (is_over()) return;
    const auto* why = stays(*agent) ? take(*agent) : nullptr;
    if (why != nullptr && leaving_.insert(agent->id).second)
      plan.terminations.push_back(
          {agent->id, EndReason::budget_spent, tell_end(EndReason::budget_spent, why->text)});
  }
}

void BudgetPlan::drain_oldest(const std::vector<const AgentsByAge*>& at_work, Plan& plan) {
  visit_oldest_first(at_work, [&](const Agent& agent) {
    if (is_over()) return false;
    const auto* why = take(agent);
    if (why != nullptr && leaving_.insert(agent.id).second)
      plan.drains.push_back(
          {agent.id, EndReason::budget_spent, tell_end(EndReason::budget_spent, why->text)});
    return true;
  });
}

}  // namespace footman::policy
