#include "policy/agent_facts.hpp"

#include <tuple>

namespace footman::policy {

using model::AgentActivity;
using model::AgentState;

bool has_work(const Agent& agent) {
  return agent.activity == AgentActivity::busy ||
         (agent.activity == AgentActivity::disconnected && agent.working);
}

bool is_under_way(const Agent& agent) {
  return agent.state == AgentState::planned || agent.state == AgentState::launching;
}

bool is_ending(const Agent& agent) {
  if (!model::may_hold_resource(agent.state)) return false;
  if (agent.is_leaving && model::is_serving(agent.state)) return !has_work(agent);
  return !model::is_serving(agent.state) && agent.state != AgentState::draining;
}

bool stays(const Agent& agent) {
  return model::is_serving(agent.state) && !agent.is_leaving && agent.max_builds != 1;
}

bool may_drain(const Agent& agent) { return stays(agent) && has_work(agent) && !agent.awaited; }

bool drains(const Agent& agent) {
  return agent.state == AgentState::draining || (agent.is_leaving && model::is_serving(agent.state));
}

Instant end_of_age(const Agent& agent) {
  return agent.max_age > Duration(0) ? agent.connected + agent.max_age : Instant();
}

bool is_better(const Agent& a, const Agent& b) {
  const bool a_waits = a.activity != AgentActivity::idle;
  const bool b_waits = b.activity != AgentActivity::idle;
  return std::tie(a.is_leaving, a_waits, a.planned, a.id) < std::tie(b.is_leaving, b_waits, b.planned, b.id);
}

PoolWork pool_work_of(const Agent& agent) {
  if (!model::is_serving(agent.state)) return PoolWork::none;
  if (agent.awaited || agent.is_unheard) return PoolWork::unclear;
  if (has_work(agent)) return PoolWork::at_work;
  return agent.is_leaving ? PoolWork::unclear : PoolWork::none;
}

}  // namespace footman::policy
