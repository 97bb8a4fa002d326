// Free agents by what they can take. Inside the module.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "policy/open_plan.hpp"
#include "policy/pool_plan.hpp"

namespace footman::policy {

// Free agents of one controller with the same labels, best last.
struct Pool {
  ControllerName controller;
  const std::vector<std::string>* labels = nullptr;
  bool is_default = false;
  std::vector<const Agent*> agents;
};

using PoolKey = std::tuple<ControllerName, std::vector<std::string>, bool>;

// Agents that stand in the same pool for sure.
struct LabelOrder {
  bool operator()(const Agent* a, const Agent* b) const {
    return std::tie(a->controller, a->labels, a->is_default) <
           std::tie(b->controller, b->labels, b->is_default);
  }
};

// The places of the pools whose agents can take such items, those of the fewest labels first. `keys`: of the
// pools, in their order.
std::vector<std::size_t> list_fitting(const std::vector<Pool>& pools, const std::vector<PoolKey>& keys,
                                      const ItemClass& kind);
const Agent* take_last(std::vector<const Agent*>& agents);  // not empty

// Idle agents that no item needs, without `ended` ones. Those that are kept for no pool first; then those
// beyond the targets, and those of the pools that are filled last. Of the first the ones that are paid for
// anyway are left out, or come behind the others.
enum class Paid { stay, last };
std::vector<const Agent*> list_sparable(const std::vector<Pool>& pools, const PoolBook& book,
                                        const std::set<AgentId>& ended, Instant now, Paid paid);

}  // namespace footman::policy
