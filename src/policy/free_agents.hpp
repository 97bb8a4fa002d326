// The agents that may take an item, by what they can take. Inside the module.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "policy/item_class.hpp"
#include "policy/pool_plan.hpp"

namespace footman::policy {

// Agents that can take the same for sure.
struct LabelOrder {
  bool operator()(const Agent* a, const Agent* b) const {
    return std::tie(a->controller, a->labels, a->is_default) <
           std::tie(b->controller, b->labels, b->is_default);
  }
};

// Free agents of one controller with the same labels, in whatever order these stand.
struct FreeGroup {
  ControllerName controller;
  std::vector<std::string> labels;  // sorted
  bool is_default = false;
  std::vector<const Agent*> agents;  // best last
};

class FreeAgents {
 public:
  void add(const Agent& agent);  // better than those before

  // The groups whose agents can take such items, those of the fewest labels first.
  std::vector<std::size_t> list_fitting(const ItemClass& kind) const;
  // Connected ones first, the ones with the fewest labels before others; then the one that has been on its
  // way for longest, so that a launch never takes an item from an agent that has it. Null: none is left.
  const Agent* take(ItemClass& kind);

  const std::vector<FreeGroup>& groups() const { return groups_; }
  // Idle agents that no item needs, without `ended` ones. Those that are kept for no pool first; then those
  // beyond the targets, and those of the pools that are filled last. Of the first the ones that are paid for
  // anyway are left out, or come behind the others.
  enum class Paid { stay, last };
  std::vector<const Agent*> list_sparable(const PoolBook& book, const std::set<AgentId>& ended, Instant now,
                                          Paid paid) const;

 private:
  FreeGroup& find_group(const Agent& agent);

  std::vector<FreeGroup> groups_;
  std::map<std::tuple<ControllerName, std::vector<std::string>, bool>, std::size_t> by_labels_;
  std::map<const Agent*, std::size_t, LabelOrder> by_agent_;  // by one agent of each kind
};

}  // namespace footman::policy
