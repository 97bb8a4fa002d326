// Agents that had a session and of which no record is left. One that comes back (it was cut off for longer
// than its lease, say) shows the right session key: it is told what became of it instead of being taken for a
// stranger. Inside the module; in memory only, so a restart of the server forgets them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/ids.hpp"

namespace footman::controller {

using namespace footman::base;

inline constexpr std::size_t kMaxEndedAgents = 10'000;  // beyond, those that ended first are forgotten

struct EndedAgent {
  std::string key_hash;
  std::uint32_t attempt = 0;
  std::string why;
};

class EndedAgents {
 public:
  void add(const AgentId& id, EndedAgent agent) {
    if (agent.key_hash.empty()) return;  // it never came: nothing to know it by
    if (agents_.insert_or_assign(id, std::move(agent)).second) order_.push_back(id);
    if (order_.size() <= kMaxEndedAgents) return;
    agents_.erase(order_.front());
    order_.pop_front();
  }
  const EndedAgent* find(const AgentId& id) const {
    const auto it = agents_.find(id);
    return it == agents_.end() ? nullptr : &it->second;
  }

 private:
  std::unordered_map<AgentId, EndedAgent> agents_;
  std::deque<AgentId> order_;
};

}  // namespace footman::controller
