// Agents in the order in which they were planned. Inside the module.
#pragma once

#include <queue>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

struct IsOlder {
  bool operator()(const Agent* a, const Agent* b) const {
    return std::tie(a->planned, a->id) < std::tie(b->planned, b->id);
  }
};
using AgentsByAge = std::set<const Agent*, IsOlder>;

// Agents of several groups, the oldest of all of them first, without looking at more than are needed.
// visit(agent): false when there are enough.
template <class Visit>
void visit_oldest_first(const std::vector<const AgentsByAge*>& groups, Visit visit) {
  using Range = std::pair<AgentsByAge::const_iterator, AgentsByAge::const_iterator>;
  const auto is_younger = [](const Range& a, const Range& b) { return IsOlder()(*b.first, *a.first); };
  std::priority_queue<Range, std::vector<Range>, decltype(is_younger)> ranges(is_younger);
  for (const auto* group : groups)
    if (!group->empty()) ranges.push({group->begin(), group->end()});
  while (!ranges.empty()) {
    auto [next, end] = ranges.top();
    ranges.pop();
    if (!visit(**next)) return;
    if (++next != end) ranges.push({next, end});
  }
}

}  // namespace footman::policy
