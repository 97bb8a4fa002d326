// Compares what the clouds have with what the rows say, at start, at every event of a cloud and every few
// minutes, and repairs both ways. Inside the module; control executor.
#pragma once

#include <set>

#include "fleet/comparison.hpp"
#include "fleet/core.hpp"
#include "fleet/steward.hpp"

namespace footman::fleet {

class Reconciler {
 public:
  Reconciler(Core& core, Steward& steward);

  // Looks at this cloud until it is cancelled. `cloud` is one of the core's.
  Awaitable<void> watch(CloudName name, CloudEntry* cloud);

 private:
  Awaitable<bool> look(CloudName name, CloudEntry* cloud);
  std::vector<RowFacts> facts_of(const CloudName& name, Duration listed) const;
  void begin_round(const CloudName& name, std::uint32_t matched);
  bool has_left_in_order(const AgentEntry& entry) const;
  void carry_out(const Comparison& found);
  Awaitable<void> look_for(AgentId agent, CloudEntry* cloud);
  Awaitable<void> judge_stray(ports::Resource resource, CloudEntry* cloud, Instant seen);
  Awaitable<std::optional<Finding>> explain_stray(ports::Resource resource, CloudEntry* cloud, Instant seen);
  Awaitable<void> end_stray(ports::Resource resource, CloudEntry* cloud);

  Core& core_;
  Steward& steward_;
  std::set<std::pair<CloudName, std::string>> being_ended_;  // strays, by token and handle
  struct Round {
    Duration ends{0};  // steady
    std::uint32_t matched = 0;
    std::size_t strays_ended = 0;  // never many at once: a mistake must not end a whole fleet
  };
  std::map<CloudName, Round> rounds_;  // looks caused by events belong to the periodic round before them
};

}  // namespace footman::fleet
