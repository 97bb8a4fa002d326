#include "policy/open_plan.hpp"

#include <algorithm>

namespace footman::policy {

using model::AgentActivity;
using model::AgentState;

namespace {

std::vector<bool> find_news(const ObstacleList& now, const ObstacleList& before) {
  std::vector<bool> news(now.size(), true);
  if (now.size() == before.size())
    for (std::size_t i = 0; i < now.size(); ++i) news[i] = now[i] != before[i];
  return news;
}

}  // namespace

ObstacleNews::ObstacleNews(const ObstacleList& of_templates, const std::vector<bool>& only_kept,
                           const std::map<ControllerName, ObstacleList>& of_controllers,
                           const NotedObstacles& before)
    : of_templates_(find_news(of_templates, before.of_templates)) {
  for (std::size_t i = 0; i < std::min(only_kept.size(), before.only_kept.size()); ++i)
    if (only_kept[i] != before.only_kept[i]) of_templates_[i] = true;
  for (const auto& [controller, now] : of_controllers) {
    const auto known = before.of_controllers.find(controller);
    of_controllers_[&now] =
        find_news(now, known == before.of_controllers.end() ? ObstacleList() : known->second);
  }
}

bool ObstacleNews::has(std::size_t template_number, const ObstacleList* of_controller) const {
  if (of_templates_[template_number]) return true;
  const auto known = of_controllers_.find(of_controller);
  return known != of_controllers_.end() && known->second[template_number];
}

PoolWork pool_work_of(const Agent& agent) {
  if (!model::is_serving(agent.state)) return PoolWork::none;
  if (agent.awaited) return PoolWork::unclear;
  if (has_work(agent)) return PoolWork::at_work;
  return agent.is_leaving ? PoolWork::unclear : PoolWork::none;
}

void look_no_later(Instant& look, Instant at) {
  if (at.is_set() && (!look.is_set() || at < look)) look = at;
}

bool is_under_way(const Agent& agent) {
  return agent.state == AgentState::planned || agent.state == AgentState::launching;
}

bool stays(const Agent& agent) {
  return model::is_serving(agent.state) && !agent.is_leaving && agent.max_builds != 1;
}

bool may_drain(const Agent& agent) { return stays(agent) && has_work(agent) && !agent.awaited; }

bool drains(const Agent& agent) {
  return agent.state == AgentState::draining || (agent.is_leaving && model::is_serving(agent.state));
}

Instant next_change(const Agent& agent, Instant now) {
  Instant next;
  for (const auto at :
       {agent.launch_deadline, agent.max_age > Duration(0) ? agent.connected + agent.max_age : Instant()})
    if (at > now && (!next.is_set() || at < next)) next = at;
  return next;
}

bool is_better(const Agent& a, const Agent& b) {
  const bool a_waits = a.activity != AgentActivity::idle;
  const bool b_waits = b.activity != AgentActivity::idle;
  return std::tie(a.is_leaving, a_waits, a.planned, a.id) < std::tie(b.is_leaving, b_waits, b.planned, b.id);
}

}  // namespace footman::policy
