#include "policy/free_agents.hpp"

#include <algorithm>

#include "model/label.hpp"

namespace footman::policy {

using model::AgentActivity;

namespace {

const Agent* take_last(std::vector<const Agent*>& agents) {
  const Agent* agent = agents.back();
  agents.pop_back();
  return agent;
}

}  // namespace

void FreeAgents::add(const Agent& agent) { find_group(agent).agents.push_back(&agent); }

FreeGroup& FreeAgents::find_group(const Agent& agent) {
  const auto known = by_agent_.find(&agent);
  if (known != by_agent_.end()) return groups_[known->second];
  auto labels = agent.labels;
  std::ranges::sort(labels);
  const auto [place, fresh] =
      by_labels_.try_emplace({agent.controller, labels, agent.is_default}, groups_.size());
  if (fresh) groups_.push_back({agent.controller, std::move(labels), agent.is_default, {}});
  by_agent_.emplace(&agent, place->second);
  return groups_[place->second];
}

std::vector<std::size_t> FreeAgents::list_fitting(const ItemClass& kind) const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].controller == kind.controller &&
        model::fits(kind.label, groups_[i].labels, groups_[i].is_default))
      result.push_back(i);
  std::ranges::sort(result, {}, [this](std::size_t place) {
    const auto& [controller, labels, is_default, agents] = groups_[place];
    return std::tuple<std::size_t, const std::vector<std::string>&, bool>(labels.size(), labels, is_default);
  });
  return result;
}

const Agent* FreeAgents::take(ItemClass& kind) {
  for (; kind.group_cursor < kind.free_groups.size(); ++kind.group_cursor) {
    auto& agents = groups_[kind.free_groups[kind.group_cursor]].agents;
    if (!agents.empty() && agents.back()->activity == AgentActivity::idle) return take_last(agents);
  }
  std::vector<const Agent*>* best = nullptr;
  for (const auto place : kind.free_groups) {
    auto& agents = groups_[place].agents;
    if (!agents.empty() && (best == nullptr || is_better(*agents.back(), *best->back()))) best = &agents;
  }
  return best == nullptr ? nullptr : take_last(*best);
}

std::vector<const Agent*> FreeAgents::list_sparable(const PoolBook& book, const std::set<AgentId>& ended,
                                                    Instant now, Paid paid) const {
  std::vector<const Agent*> all;  // in reverse
  for (const auto& pool : book.pools()) all.insert(all.end(), pool.wanted.begin(), pool.wanted.end());
  for (const auto& pool : book.pools()) all.insert(all.end(), pool.spare.begin(), pool.spare.end());
  const auto add_kept = [&](bool is_paid) {
    for (const auto& group : groups_)
      for (const Agent* agent : group.agents)
        if (!book.has_pool(*agent) && agent->max_builds != 1 && (now < agent->paid_until) == is_paid)
          all.push_back(agent);
  };
  if (paid == Paid::last) add_kept(true);
  add_kept(false);
  std::erase_if(all, [&](const Agent* agent) {
    return agent->activity != AgentActivity::idle || ended.contains(agent->id);
  });
  std::ranges::reverse(all);
  return all;
}

}  // namespace footman::policy
