#include "controller/ready_agents.hpp"

#include <algorithm>

namespace footman::controller {

bool ReadyAgents::insert(const model::Node& node) {
  if (places_.contains(node.agent)) return false;
  auto labels = node.labels;
  std::ranges::sort(labels);
  GroupKey key(labels.size(), std::move(labels), node.is_default);
  auto& group = groups_[key];
  if (group.agents.empty()) {
    group.labels = node.labels;
    group.is_default = node.is_default;
  }
  group.agents.emplace(node.created, node.agent);
  places_.emplace(node.agent, Place{std::move(key), node.created});
  return true;
}

void ReadyAgents::erase(const base::AgentId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  const auto group = groups_.find(place->second.group);
  group->second.agents.erase({place->second.created, id});
  if (group->second.agents.empty()) groups_.erase(group);
  places_.erase(place);
}

}  // namespace footman::controller
