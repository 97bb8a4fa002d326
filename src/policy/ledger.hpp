// The world that the fleet decides on, kept from plan to plan: it is told what changes, and a plan looks at
// that and at what is open, not at everything. It decides what plan_provisioning() decides for the same
// world, whatever the order of the changes was.
//
// Cost of a change: logarithmic; it takes effect with the next plan. Cost of a plan: what changed; agents
// about which something may have to be decided (free ones without an item of their own, those to be ended);
// items that get one of them or a launch; templates; classes of waiting items with the same label × templates
// and × kinds of free agents. Waiting items of a class for which nothing is left cost nothing until they wait
// for another reason, nor do agents at work or on their way for their item until the time comes for them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "policy/open_plan.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::policy {

class Ledger {
 public:
  // It is new, or has changed.
  void put_item(Item item);
  void put_agent(Agent agent);
  // Unknown ones are none.
  void drop_item(const ItemRef& ref);
  void drop_agent(const AgentId& id);
  // All of them; cheap when no template came, went or got another generation, and no cloud came or went.
  void set_templates(std::vector<Template> templates);
  void set_clouds(std::vector<Cloud> clouds);

  // Launches, terminations, drains and next_look are those of the plan. Of matches and holds it gives what is
  // new since the last plan, in no order: items and agents that were put since, and items whose reason is
  // another one. While the reason stays, its words (amounts, times) change with the agents that there are:
  // they are given once for all that share them.
  Plan plan(const Limits& limits, Instant now);

  // --- as the last plan left it
  Plan whole_plan() const;  // with all matches and holds, in queue order; costs the size of the world
  std::map<HoldReason, std::size_t> count_holds() const;
  std::size_t looked_at() const { return looked_at_; }  // items and agents, by the last plan
  // That fit the item, best first; until the templates are set again. Empty: none, or no plan has seen the
  // item.
  std::vector<const Template*> list_templates(const ItemRef& ref) const;

 private:
  enum class Standing { unknown, settled, open };
  struct LedgerAgent {
    Agent agent;
    Standing standing = Standing::unknown;
    SettledAgents* group = nullptr;  // that it counts in, when it is settled
    bool has_claim = false;          // it is free, and was meant for an item
    bool only_own = false;           // of the verdict
    Instant look_again;              // by the verdict on it
    Instant next_change;             // of the verdict
  };
  struct BetterAgent {
    bool operator()(const LedgerAgent* a, const LedgerAgent* b) const {
      return is_better(a->agent, b->agent);
    }
  };
  using BestFirst = std::set<LedgerAgent*, BetterAgent>;
  struct LedgerClass {
    OpenClass open;
    std::size_t items = 0;  // in line or not
    std::shared_ptr<const ClassHold> told;
    std::optional<HoldReason> reason;  // that those in line were told
  };
  struct LedgerItem {
    Item item;
    LedgerClass* of = nullptr;
    const LedgerAgent* served_by = nullptr;  // an agent of its own: both are settled
    bool is_in_line = false;                 // it has none
    std::uint64_t served_in = 0;             // the last plan that gave it an open agent or a launch
    std::optional<HoldReason> told;          // since it has been waiting without an agent
  };
  using ClassKey = std::pair<ControllerName, std::string>;
  using Times = std::set<std::pair<Instant, LedgerAgent*>>;

  void take_new_offers(const OpenPlanner& planner);
  void take_new_ranks();
  void look_at_due(Instant now);
  void examine(OpenPlanner& planner, LedgerAgent& one, Instant now);
  void withdraw(LedgerAgent& one);
  void set_standing(LedgerAgent& one, Standing standing);
  void rematch(const OpenPlanner& planner, const ItemRef& ref);
  void serve(const OpenPlanner& planner, LedgerItem& one, const LedgerAgent* agent);
  void join_class(const OpenPlanner& planner, LedgerItem& one);
  void leave_class(LedgerItem& one);
  void join_group(LedgerAgent& one);
  void leave_group(LedgerAgent& one);
  OpenWorld gather();
  void note_served(const ItemRef& ref);
  void tell(Plan& plan);
  void tell_class(LedgerClass& one, Plan& plan);
  void tell_hold(LedgerItem& one, Plan& plan) const;
  bool is_held(const LedgerItem& one) const;
  static Hold make_hold(const LedgerItem& one);

  Snapshot offers_;  // its templates and clouds
  bool has_new_offers_ = false;
  std::unordered_set<const Template*> new_ranks_;  // of these, if all are the same otherwise
  std::unordered_map<ItemRef, LedgerItem, ItemRefHash> items_;
  std::unordered_map<AgentId, LedgerAgent> agents_;
  std::unordered_map<ItemRef, BestFirst, ItemRefHash> claims_;
  std::map<ClassKey, LedgerClass> classes_;
  std::map<SettledKind, SettledAgents> groups_;
  BestFirst open_;
  Times looks_;    // of settled agents
  Times changes_;  // of all whose verdict changes by itself
  NotedObstacles obstacles_;

  // Since the last plan.
  std::unordered_set<LedgerAgent*> changed_agents_;  // nothing else knows of them yet
  std::unordered_set<ItemRef, ItemRefHash> changed_items_;

  Plan last_;  // without holds; its matches are those with open agents
  std::uint64_t number_ = 0;
  std::size_t looked_at_ = 0;
};

}  // namespace footman::policy
