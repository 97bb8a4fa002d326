// What agents may take together: all of them, those of one cloud, of one template, with one label, or for one
// controller.
#pragma once

#include <cstdint>
#include <optional>

#include "model/money.hpp"

namespace footman::model {

// Holds launches, never ends what runs. Free agents are never held.
struct Budget {
  std::optional<Money> per_hour;  // the prices of all agents that are paid for at the same time
  std::optional<Money> per_day;   // what agents cost from 00:00 UTC to 00:00 UTC
  std::optional<Money> beyond;    // where it is used up, templates up to this price are launched all the same
  bool operator==(const Budget&) const = default;
};

// The budget of a day reserves so much of each agent's time ahead, also of those that are there, and the
// least that is billed where that is more: what builds that are shorter cost is never more than the budget.
inline constexpr Duration kReservedAhead = std::chrono::minutes(15);
inline Money reserved_ahead(Money per_hour, Duration least_billed) {
  return charge(per_hour, std::max(kReservedAhead, least_billed));
}

struct AgentLimits {
  std::uint32_t agents = 0;        // 0: no limit
  std::uint64_t milli_cpus = 0;    // 0: no limit
  std::uint64_t memory_bytes = 0;  // 0: no limit
  Budget budget;
  bool operator==(const AgentLimits&) const = default;
};

}  // namespace footman::model
