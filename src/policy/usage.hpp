// What the agents take together, held against the limits that are not plain numbers of agents of a cloud, a
// template or a label: by controller, by vCPU, by memory, by money. Sums only, so that agents may be counted
// in any order. A value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/open_plan.hpp"

namespace footman::policy {

// The budget of a day reserves so much of each agent's time ahead, also of those that are there: what builds
// that are shorter cost is never more than the budget.
inline constexpr Duration kReservedAhead = 15min;

// One limit, as it stands for one template: in agents, thousandths of a vCPU, bytes, millionths of a dollar.
struct Cap {
  HoldReason reason = HoldReason::global_cap;
  std::string label;         // of a label's cap
  std::int64_t taken = 0;    // by all that count
  std::int64_t needed = 1;   // by one more agent
  std::int64_t limit = 0;    // of all together
  std::int64_t passing = 0;  // of what is taken: by agents that are gone and still paid for
};

model::Money reserved_ahead(model::Money per_hour);  // for one agent, of the budget of a day

// Limits of vCPU, memory and money, for which agents count by their size or price.
bool is_by_size(HoldReason reason);
bool is_of_cloud(HoldReason reason);  // of these: of one cloud

class Usage {
 public:
  explicit Usage(const Limits& limits);  // which must outlive it

  // So many more agents that hold a resource, or will.
  void add(const ControllerName& controller, const CloudName& cloud, const model::AgentSize& size,
           model::Money per_hour, std::uint32_t count);
  // Why one more agent of the template would be one too many; `cloud` is the template's.
  std::optional<Held> find_obstacle(const Template& t, const Cloud& cloud) const;
  // All that count agents of the template for the controller, full or not.
  void list_caps(const Template& t, const Cloud& cloud, const ControllerName& controller,
                 std::vector<Cap>& out) const;
  // Why one more agent for the controller would be one too many, whatever its template.
  std::optional<Held> find_controller_obstacle(const ControllerName& controller) const;

 private:
  struct Sums {
    model::AgentSize size;
    model::Money per_hour;
    void add(const model::AgentSize& one, model::Money price, std::uint32_t count);
  };
  static void list_caps(const Template& t, const model::ResourceLimits& limits, const Sums& sums,
                        const Spent& spent, bool of_cloud, std::vector<Cap>& out);
  static std::optional<Held> find_size_obstacle(const Template& t, const model::ResourceLimits& limits,
                                                const Sums& sums, const Cloud* cloud);
  static std::optional<Held> find_budget_obstacle(const Template& t, const model::Budget& budget,
                                                  const Sums& sums, const Spent& spent, const Cloud* cloud);

  const Limits* limits_;
  std::map<ControllerName, std::uint32_t> by_controller_;  // of capped ones
  std::map<CloudName, Sums> by_cloud_;
  Sums all_;
};

}  // namespace footman::policy
