// Free agents by what they can take. Inside the module.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "policy/provisioning_plan.hpp"

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

}  // namespace footman::policy
