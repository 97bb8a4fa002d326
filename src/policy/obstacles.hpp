// What stands against one more launch: pauses, holds, breakers, and caps, which count all agents that hold a
// resource and the launches of this plan. Nothing that is full becomes free again within one plan. Inside the
// module.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/settled_agents.hpp"
#include "policy/usage.hpp"

namespace footman::policy {

// Why no template fits, with the label that may have been meant.
Held describe_misfit(const model::LabelExpr& label, const std::vector<Template>& templates);

// What must become free before so many more agents of a template can be launched for a controller: all of it,
// or nothing is won.
struct RoomWish {
  struct Lack {
    HoldReason reason = HoldReason::global_cap;
    std::string of;           // as of Cap
    std::int64_t amount = 1;  // as amount_of()
  };
  std::vector<Lack> lacks;  // never empty
  // How much of it the end of the agent makes free.
  static std::int64_t relief(const Lack& lack, const Agent& agent);
};

class Obstacles {
 public:
  // Only the templates and clouds of the snapshot count. Both must outlive it.
  Obstacles(const Snapshot& offers, const Limits& limits, Instant now);

  void count(const Agent& agent);
  void count(const SettledAgents& agents);
  bool count_launch(const Template& t, const ControllerName& controller);  // true: it is the template's probe
  // So many places, for launches that are not possible yet.
  void reserve(const Template& t, const ControllerName& controller, std::uint32_t count);

  // What is left of its limits is kept for one agent of it (Usage): others, which need less or other limits,
  // would take it again and again. Until drop_kept().
  void keep(const Template& t, const ControllerName& controller);
  void keep_at_least(const Template& t, const ControllerName& controller);  // for one of several
  void drop_kept();
  bool keeps_room() const { return keeps_room_; }  // for whomever
  // Some of this limit, already.
  bool is_kept(const Held& limit, const Template& t, const ControllerName& controller) const;
  // One more agent would be launched if the others ended; no limit is below it, and no budget is used up.
  bool may_fit(const Template& t, const ControllerName& controller) const;
  // The money of a day that its agents cost is all spent; null: it is not, or nobody asks about them. What it
  // says is valid as long as the template is.
  const std::string* find_spent(const Template& t, const ControllerName& controller);
  // Agents that count already, as far as they go on after their build (Usage).
  void count_going_on(const Agent& agent) { usage_.add_going_on(member_of(agent), 1); }
  void count_going_on(const SettledAgents& agents) {
    if (agents.staying > 0) usage_.add_going_on(member_of(agents), agents.staying);
  }
  bool has_budgets_of_day() const { return usage_.has_budgets_of_day(); }
  std::vector<Usage::Overdraft> list_overdrafts() const { return usage_.list_overdrafts(); }

  bool has_cloud(const CloudName& name) const { return clouds_.contains(name); }
  std::optional<Held> find(const Template& t) const;
  std::optional<Held> find_launch_limit(const Template& t) const;  // asked where find() gives nothing
  // Limits of the controller, which find() does not ask.
  std::optional<Held> find_for(const ControllerName& controller, const Template& t) const;
  bool is_limited(const ControllerName& controller) const { return usage_.is_limited(controller); }
  // What must become free before so many more can be launched. Not set: no end of an agent would help, or
  // nothing is lacking.
  std::optional<RoomWish> find_wish(const Template& t, const ControllerName& controller,
                                    std::uint32_t count) const;

 private:
  std::optional<Held> find_trouble(const Template& t) const;  // all but caps
  std::optional<Held> ask_breaker(const Template& t) const;

  const Limits& limits_;
  Instant now_;
  std::unordered_map<CloudName, const Cloud*> clouds_;
  std::map<CloudName, std::uint32_t> under_way_;  // launches that are not answered
  Usage usage_;
  bool keeps_room_ = false;
  std::set<TemplateName> probed_;  // by this plan
  // Of a template's agents, for a controller; empty: it is not.
  std::map<std::pair<const Template*, ControllerName>, std::string> spent_;
};

}  // namespace footman::policy
