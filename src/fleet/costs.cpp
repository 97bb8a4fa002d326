#include "fleet/costs.hpp"

#include <algorithm>

#include "policy/billing.hpp"

namespace footman::fleet {

store::BilledSpan billed_when_gone(model::Agent agent, Instant ended) {
  agent.ended = ended;
  const auto billed = policy::find_billed_time(agent.price.billing, policy::life_of(agent), ended);
  return {billed.from, billed.until};
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
