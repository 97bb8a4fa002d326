#include "fleet/costs.hpp"

#include <algorithm>

#include "policy/billing.hpp"

namespace footman::fleet {

policy::BilledTime billed_of(const AgentEntry& entry, Instant now) {
  return policy::find_billed_time(entry.row.price.billing, entry.life, now);
}

store::BilledSpan billed_when_gone(const AgentEntry& entry, const runtime::EvenTime& even) {
  const auto billed = billed_of(entry, entry.life.gone);
  return {even.on_wall(billed.from), even.on_wall(billed.until)};
}

model::Cost cost_so_far(const model::Agent& agent, Duration work, Instant now) {
  if (agent.state == model::AgentState::terminated) return agent.cost;
  const auto billed = policy::find_billed_time(agent.price.billing, policy::life_of(agent), now);
  auto cost = agent.cost;
  cost.useful_time += std::max(Duration(0), work);
  cost.useful += model::charge(agent.price.per_hour, work);
  cost.idle_time = std::max(Duration(0), billed.time() - cost.useful_time);
  cost.idle = std::max(model::Money(), model::charge(agent.price.per_hour, billed.time()) - cost.useful);
  return cost;
}

}  // namespace footman::fleet
