// What budgets are held against: costs of agents that are gone and of those that are there. Inside the
// module; control executor.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fleet/core.hpp"
#include "policy/spending.hpp"

namespace footman::fleet {

struct SpentNow {
  policy::Spent all;  // means nothing where no budget of all asks
  // Of those that have a budget.
  std::map<CloudName, policy::Spent> clouds;
  std::map<TemplateName, policy::Spent> templates;
  std::map<std::string, policy::Spent, std::less<>> labels;
  std::map<ControllerName, policy::Spent> controllers;
};
SpentNow spent_now(Core& core);

// What agents that were gone before this run of the server have cost today.
Awaitable<Status> read_spending(Core& core);

}  // namespace footman::fleet
