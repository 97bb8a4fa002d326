#include "controller/ready_agents.hpp"

#include <algorithm>

namespace footman::controller {

bool ReadyAgents::insert(const model::Node& node) {
  if (places_.contains(node.agent)) return false;
  auto labels = node.labels;
  std::ranges::sort(labels);
  const auto count = labels.size();
  const auto [group, fresh] = groups_.try_emplace({count, std::move(labels), node.is_default},
                                                  Group{node.labels, node.is_default, {}});
  group->second.agents.emplace(node.created, node.agent);
  places_.emplace(node.agent, Place{group, node.created});
  return true;
}

void ReadyAgents::erase(const base::AgentId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  const auto group = place->second.group;
  group->second.agents.erase({place->second.created, id});
  if (group->second.agents.empty()) groups_.erase(group);
  places_.erase(place);
}

}  // namespace footman::controller
