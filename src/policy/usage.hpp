// What the agents take together, held against all limits: of their number, of vCPU, memory and money, each of
// all agents, of a cloud, a template, a label or a controller. Sums only, so that agents may be counted in
// any order. A value.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/provisioning_plan.hpp"

namespace footman::policy {

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

// The agents that a limit is of.
enum class Scope { all, cloud, agent_template, label, controller };
// What of them it limits.
enum class Quantity { agents, vcpus, memory, per_hour, per_day };
struct LimitKind {
  Scope scope = Scope::all;
  Quantity quantity = Quantity::agents;
};
// Not set: the reason is no limit.
std::optional<LimitKind> limit_of(HoldReason reason);
HoldReason reason_of(LimitKind kind);
// What one agent takes of a limit, also where a budget does not ask about it: in agents, thousandths of a
// vCPU, bytes, millionths of a dollar. 0: nothing, or the reason is no limit.
std::int64_t amount_of(HoldReason reason, const Needs& needs);
model::Money reserved_ahead(const Needs& needs);  // for one agent, of the budget of a day

// Which limits an agent counts in, or would. Points to what it was made of.
struct GroupMember {
  const ControllerName* controller = nullptr;
  const CloudName* cloud = nullptr;
  const TemplateName* template_name = nullptr;
  const std::vector<std::string>* labels = nullptr;
  Needs needs;
};
template <class One>  // an agent, or settled ones
GroupMember member_of(const One& one) {
  return {&one.controller, &one.cloud, &one.template_name, &one.labels, needs_of(one)};
}
inline GroupMember member_of(const Template& t, const ControllerName& controller) {
  return {&controller, &t.cloud, &t.name, &t.labels, needs_of(t)};
}
// `of`: the name of the cloud, template, label or controller.
bool is_member(const GroupMember& one, Scope scope, std::string_view of);

// One limit, as it stands for one more agent of a template.
struct Cap {
  HoldReason reason = HoldReason::global_cap;
  std::string_view of;      // the cloud, template, label or controller; empty: all; the usage has it
  std::int64_t taken = 0;   // by all that count
  std::int64_t needed = 1;  // by one more agent
  std::int64_t limit = 0;   // of all together
  // Of what is taken: by agents that are gone and still paid for, and for good as long as the budget counts
  // it.
  std::int64_t passing = 0;
  std::int64_t spent = 0;
  std::int64_t strays = 0;  // of what is taken: by resources without a record
  // Of what is taken: by agents of clouds that are not offered. The usage has the name; empty: of several.
  std::int64_t unwatched = 0;
  std::string_view unwatched_cloud{};
  std::int64_t reserved = 0;  // of what is taken: for agents that cannot be launched yet
  std::int64_t kept = 0;      // for an older item, beside what is taken
  // The budget does not ask about an agent of the template, which costs some all the same: it stands here
  // only because money is kept or reserved, and takes nothing of that.
  bool is_beyond = false;
  Instant look_again;  // when less is taken by itself; not set: only when an agent ends
  std::int64_t exists() const { return taken - reserved; }
  bool is_full() const { return needed > 0 && taken + kept + needed > limit; }
  bool never_fits() const { return !is_beyond && needed > limit; }
};
// Of a cap that is full. As long as the reasons are the same the text is: amounts that grow all the time
// would be news to all that wait.
Held describe_obstacle(const Cap& cap, const Template& t);
std::string describe_spent(const Cap& cap);  // of a budget of the day

class Usage {
 public:
  Usage(const Snapshot& offers, const Limits& limits);  // which must outlive it
  Usage(const Usage&) = delete;                         // it points into itself
  Usage& operator=(const Usage&) = delete;

  // Whether one agent alone is within the limits, on a day on which nothing was spent.
  static bool ever_fits(const Needs& needs, const model::AgentLimits& limits);

  // So many more agents that hold a resource, or will.
  void add(const GroupMember& one, std::uint32_t count);
  void reserve(const GroupMember& one,
               std::uint32_t count);  // that cannot be launched yet, and count as well
  // So much as one more agent needs is kept for it, of its template, its labels, its controller, its cloud
  // and all, in this order, up to the first that is full of agents: before one of these ends, what the wider
  // ones have now is of no use to it, and others may have it. As nothing is taken of what is kept, it comes
  // to a wider one each time, and gets to the end.
  void keep(const Template& t, const ControllerName& controller);
  // The same, for one of several that are kept for.
  void keep_at_least(const Template& t, const ControllerName& controller);
  void drop_kept();

  // So many of those that count already go on after the build that they have, or wait for the next one.
  void add_going_on(const GroupMember& one, std::uint32_t count);
  // A budget of the day that cannot pay for what these need next: kReservedAhead of each about which it asks.
  struct Overdraft {
    Scope scope = Scope::all;
    std::string of;
    const model::Budget* budget = nullptr;
    model::Money lacking;
    std::string text;  // what it was decided on
    bool asks_about(const GroupMember& one) const;
  };
  std::vector<Overdraft> list_overdrafts() const;
  bool has_budgets_of_day() const;

  // All limits that ask about agents of the template, full or not, but for those of controllers.
  std::vector<Cap> list_caps(const Template& t) const;
  // Those of the controller, for one more agent of the template.
  std::vector<Cap> list_controller_caps(const ControllerName& controller, const Template& t) const;
  std::vector<Cap> list_all_caps(const Template& t, const ControllerName& controller) const;  // both
  bool is_limited(const ControllerName& controller) const { return controllers_.contains(controller); }

 private:
  struct Sums {
    std::int64_t agents = 0;
    model::AgentSize size;
    model::Money per_hour;
    model::Money ahead;
    void add(const Needs& needs, std::uint32_t count);
    void raise_to(const Needs& needs);  // of one
  };
  struct Account {
    Scope scope = Scope::all;
    std::string of;
    const model::AgentLimits* most = nullptr;
    const Spent* spent = nullptr;
    Sums sums{};  // with the next three
    Sums strays{};
    Sums reserved{};
    Sums unwatched{};
    std::set<CloudName> unwatched_clouds{};
    std::string_view unwatched_cloud() const;
    Sums kept{};
    Sums going_on{};
  };

  void add_strays(const CloudName& cloud, const Strays& strays);
  template <class Visit>
  void visit(const GroupMember& one, Visit visit);
  static bool waits_for_ends(const Account& account, const Template& t);  // of agents
  template <class Keep>
  void visit_kept(const Template& t, const ControllerName& controller, Keep keep);
  static void list_agent_cap(const Account& account, std::vector<Cap>& out);
  static void list_size_caps(const Account& account, const Template& t, std::vector<Cap>& out);
  static void list_budget_caps(const Account& account, const Template& t, std::vector<Cap>& out);
  using Accounts = std::vector<const Account*>;
  static void add_caps(const Accounts& accounts, const Template& t, std::vector<Cap>& out);
  std::vector<Cap> list_caps(const Template& t, const Accounts& also) const;
  Accounts find_accounts(const Template& t) const;
  Accounts find_controller_account(const ControllerName& controller) const;  // or none

  std::vector<Account> accounts_;  // the first is of all agents; of others those that have limits
  std::unordered_map<CloudName, std::size_t> clouds_;
  std::set<CloudName> watched_;  // those that are offered
  std::unordered_map<TemplateName, std::size_t> templates_;
  std::unordered_map<ControllerName, std::size_t> controllers_;
  std::map<std::string, std::size_t, std::less<>> labels_;
  std::unordered_map<const Template*, Accounts> accounts_of_;  // of those that are offered
};

}  // namespace footman::policy
