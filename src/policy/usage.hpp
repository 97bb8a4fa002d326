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

// The budget of a day reserves so much of each agent's time ahead, also of those that are there, and the
// least that is billed where that is more: what builds that are shorter cost is never more than the budget.
inline constexpr Duration kReservedAhead = 15min;

// Of limits, by one agent.
struct Needs {
  model::AgentSize size;
  model::Money per_hour;
  Duration least_billed{0};
};
template <class One>  // an agent, settled ones or a template
Needs needs_of(const One& one) {
  return {one.size, one.per_hour, one.least_billed};
}

// One limit, as it stands for one template: in agents, thousandths of a vCPU, bytes, millionths of a dollar.
struct Cap {
  HoldReason reason = HoldReason::global_cap;
  std::string of;           // the label or the controller of its cap
  std::int64_t taken = 0;   // by all that count
  std::int64_t needed = 1;  // by one more agent
  std::int64_t limit = 0;   // of all together
  // Of what is taken: by agents that are gone and still paid for, and for good as long as the budget counts
  // it.
  std::int64_t passing = 0;
  std::int64_t spent = 0;
  std::int64_t kept = 0;  // for an older item, beside what is taken
  Instant look_again;     // when less is taken by itself; not set: only when an agent ends
  bool is_full() const { return needed > 0 && taken + kept + needed > limit; }
  bool never_fits() const { return needed > limit; }
};
// Of a cap that is full. As long as the reasons are the same the text is: amounts that grow all the time
// would be news to all that wait.
Held describe_obstacle(const Cap& cap, const Template& t);

model::Money reserved_ahead(const Needs& needs);  // for one agent, of the budget of a day

// Limits of vCPU, memory and money, for which agents count by their size or price.
bool is_by_size(HoldReason reason);
bool is_of_cloud(HoldReason reason);  // of these: of one cloud
// What one agent takes of such a limit, also where a budget does not ask about it. 0: nothing.
std::int64_t amount_of(HoldReason reason, const Needs& needs);

class Usage {
 public:
  explicit Usage(const Limits& limits);  // which must outlive it

  // Whether one agent alone is within the limits, on a day on which nothing was spent.
  static bool ever_fits(const Needs& needs, const model::ResourceLimits& limits);

  // So many more agents that hold a resource, or will.
  void add(const ControllerName& controller, const CloudName& cloud, const Needs& needs, std::uint32_t count);
  // So much of vCPU, memory and money is kept for one more agent of the template.
  void keep(const Template& t);
  void drop_kept();

  // All that count agents of the template, full or not; `cloud` is the template's.
  void list_caps(const Template& t, const Cloud& cloud, std::vector<Cap>& out) const;
  // On agents for the controller, whatever their template. Not set: there is none.
  std::optional<Cap> find_controller_cap(const ControllerName& controller) const;

 private:
  struct Sums {
    model::AgentSize size;
    model::Money per_hour;
    model::Money ahead;
    void add(const Needs& needs, std::uint32_t count);
  };
  struct Kept {
    CloudName cloud;
    Needs needs;
  };
  // Of all agents, or of those of one cloud.
  struct Taken {
    Sums sums;
    Sums kept;
    bool of_cloud = false;
  };
  static void list_size_caps(const Template& t, const model::ResourceLimits& limits, const Taken& taken,
                             std::vector<Cap>& out);
  static void list_budget_caps(const Template& t, const model::Budget& budget, const Taken& taken,
                               const Spent& spent, std::vector<Cap>& out);
  Sums sums_of(const CloudName& cloud) const;
  Sums kept_of(const CloudName* cloud) const;  // of all without one

  const Limits* limits_;
  std::map<ControllerName, std::uint32_t> by_controller_;  // of capped ones
  std::map<CloudName, Sums> by_cloud_;
  Sums all_;
  std::vector<Kept> kept_;
};

}  // namespace footman::policy
