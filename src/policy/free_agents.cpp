#include "policy/free_agents.hpp"

#include <algorithm>

#include "model/label.hpp"

namespace footman::policy {

std::vector<std::size_t> list_fitting(const std::vector<Pool>& pools, const std::vector<PoolKey>& keys,
                                      const ItemClass& kind) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < pools.size(); ++i)
    if (pools[i].controller == kind.controller &&
        model::fits(kind.label, *pools[i].labels, pools[i].is_default))
      result.push_back(i);
  std::ranges::sort(result, [&](std::size_t a, std::size_t b) {
    const auto a_size = pools[a].labels->size();
    const auto b_size = pools[b].labels->size();
    return std::tie(a_size, keys[a]) < std::tie(b_size, keys[b]);
  });
  return result;
}

const Agent* take_last(std::vector<const Agent*>& agents) {
  const Agent* agent = agents.back();
  agents.pop_back();
  return agent;
}

std::vector<const Agent*> list_sparable(const std::vector<Pool>& pools, const PoolBook& book,
                                        const std::set<AgentId>& ended, Instant now, Paid paid) {
  std::vector<const Agent*> all;  // in reverse
  for (const auto& pool : book.pools()) all.insert(all.end(), pool.wanted.begin(), pool.wanted.end());
  for (const auto& pool : book.pools()) all.insert(all.end(), pool.spare.begin(), pool.spare.end());
  const auto add_kept = [&](bool is_paid) {
    for (const auto& pool : pools)
      for (const Agent* agent : pool.agents)
        if (!book.has_pool(*agent) && agent->max_builds != 1 && (now < agent->paid_until) == is_paid)
          all.push_back(agent);
  };
  if (paid == Paid::last) add_kept(true);
  add_kept(false);
  std::erase_if(all, [&](const Agent* agent) {
    return agent->activity != model::AgentActivity::idle || ended.contains(agent->id);
  });
  std::ranges::reverse(all);
  return all;
}

}  // namespace footman::policy
