// What the agents take together, held against the limits that are not plain numbers of agents of a cloud, a
// template or a label: by controller, by vCPU, by memory, by money. Sums only, so that agents may be counted
// in any order. A value.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

// The budget of a day reserves so much of each agent's time ahead, also of those that are there: what builds
// that are shorter cost is never more than the budget.
inline constexpr Duration kReservedAhead = 15min;

struct UsageHold {
  HoldReason reason = HoldReason::controller_cap;
  std::string text;
  Instant look_again;  // not set: when an agent ends
};

class Usage {
 public:
  explicit Usage(const Limits& limits);  // which must outlive it

  // One more agent that holds a resource, or will.
  void add(const ControllerName& controller, const CloudName& cloud, const model::AgentSize& size,
           model::Money per_hour);
  // Why one more agent of the template would be one too many; `cloud` is the template's.
  std::optional<UsageHold> find_obstacle(const ControllerName& controller, const Template& t,
                                         const Cloud& cloud) const;

 private:
  struct Sums {
    model::AgentSize size;
    model::Money per_hour;
    void add(const model::AgentSize& one, model::Money price);
  };
  static std::optional<UsageHold> find_size_obstacle(const Template& t, const model::ResourceLimits& limits,
                                                     const Sums& sums, const Cloud* cloud);
  static std::optional<UsageHold> find_budget_obstacle(const Template& t, const model::Budget& budget,
                                                       const Sums& sums, const Spent& spent,
                                                       const Cloud* cloud);

  const Limits* limits_;
  std::map<ControllerName, std::uint32_t> by_controller_;  // of capped ones
  std::map<CloudName, Sums> by_cloud_;
  Sums all_;
};

}  // namespace footman::policy
