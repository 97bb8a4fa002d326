// What budgets are held against: costs of agents that are gone and of those that are there. Inside the
// module; control executor.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "fleet/core.hpp"
#include "policy/running_costs.hpp"
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
// running: of agents that are there.
SpentNow spent_now(Core& core, policy::RunningCosts& running);
void note_running(policy::RunningCosts& running, const AgentEntry& entry);  // it is new, or has changed

// What agents that were gone before this run of the server have cost today.
Awaitable<Status> read_spending(Core& core);

}  // namespace footman::fleet
