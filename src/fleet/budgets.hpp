// What budgets are held against: costs of agents that are gone and of those that are there. Inside the
// module; control executor.
#pragma once

#include <map>

#include "fleet/core.hpp"
#include "policy/spending.hpp"

namespace footman::fleet {

struct SpentNow {
  policy::Spent all;
  std::map<CloudName, policy::Spent> by_cloud;  // of every cloud
};
// Empty when there is no budget.
SpentNow spent_now(Core& core);

// What agents that were gone before this run of the server have cost today.
Awaitable<Status> read_spending(Core& core);

}  // namespace footman::fleet
