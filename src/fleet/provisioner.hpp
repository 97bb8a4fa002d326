// The fleet's loop: looks at demand and agents, lets policy decide, carries the plan out. Inside the module;
// control executor.
#pragma once

#include "fleet/budgets.hpp"
#include "fleet/pools.hpp"
#include "fleet/steward.hpp"
#include "model/label.hpp"
#include "policy/ledger.hpp"

namespace footman::fleet {

// Why all items of a controller with the same label wait, as the last plan left it.
struct HeldClass {
  ports::WaitReason reason;  // shared with the controller; its code stays
  policy::TriedList tried;
};

// An item that waited at the last plan and what it was told.
struct WaitingItem {
  std::string title;
  std::string label;           // as the controller writes it
  Instant told_since;          // by the controller
  Instant since;               // even
  ports::SharedReason reason;  // null: it was told nothing yet
  std::shared_ptr<const HeldClass>
      held;                // whose reason it is; null: it has an agent, or a label that none has
  std::uint64_t list = 0;  // the last complete list that had it
};

class Provisioner {
 public:
  Provisioner(Core& core, Steward& steward);

  // Until it is cancelled.
  Awaitable<void> run();

  const PlanView& view() const;                                          // until the next plan
  std::optional<PoolView> view_of_pool(const TemplateName& name) const;  // empty: it has none now
  std::map<TemplateName, IdleTimes> idle_times() const { return pools_.idle_times(); }
  void set_pool_answers(PoolAnswers answers) { pools_.set_answers(std::move(answers)); }
  bool is_kept_ready(const AgentId& id) const;
  std::optional<ItemView> explain(const ControllerName& controller, const std::string& key) const;

 private:
  Awaitable<void> wait_for_lists();
  Awaitable<void> decide();
  void take_news();
  std::vector<AgentEntry*> list_changed() const;
  void observe_agents();
  void note_seen(AgentEntry* entry);
  void judge_gone(AgentEntry* entry);
  policy::Plan decide_once();
  void tell_agents();
  void tell_offers(const SpentNow& spent);
  void read_demand();
  void read(ports::ControllerPort& controller);
  void put_item(const ControllerName& controller, ports::DemandItem demand);
  void note_unserved(const model::Agent& row, const std::string& item_key);
  void put_in_ledger(policy::ItemRef ref, const WaitingItem& item);
  void move_items_by(Duration by);
  void drop_item(const policy::ItemRef& ref);
  void drop_unlisted(const ControllerName& controller);
  void withdraw_unlisted(const ControllerName& controller);
  const Result<model::LabelExpr>& parse_label(const std::string& text);
  policy::Limits limits(const SpentNow& spent);

  void plan();
  bool carry_out_endings();
  std::vector<AgentEntry*> make_agents();
  std::unique_ptr<AgentEntry> make_agent(const policy::Launch& launch, const TemplateEntry& t) const;
  model::Agent make_row(const policy::Launch& launch, const TemplateEntry& t) const;
  FrozenRequest make_request(const policy::Launch& launch, const TemplateEntry& t,
                             const model::Agent& row) const;
  Awaitable<void> record(std::vector<AgentEntry*> entries);
  void wake_agents();

  void tell_matches();
  void promise(AgentEntry& entry, const std::string& item_key);
  void withdraw_promise(const policy::ItemRef& ref, const WaitingItem& item);
  void tell_holds();
  void take_words(policy::Words words);
  void tell_hold(const policy::Hold& hold);
  void tell(const policy::ItemRef& ref, ports::WaitReason reason);
  void tell(WaitingItem& item, const policy::ItemRef& ref, ports::SharedReason reason);
  std::vector<Consideration> consider(const policy::ItemRef& ref, const WaitingItem& item) const;
  void publish_plan(bool launched);
  void look_no_later(Duration at);  // steady
  Duration until_next_look() const;
  Duration pause_after_plan() const;

  Core& core_;
  Steward& steward_;
  Pools pools_;
  std::uint64_t number_ = 0;
  policy::Ledger ledger_;
  policy::RunningCosts running_;  // of agents that are there
  policy::Plan plan_;             // the last one; of matches and holds what is new
  Instant plan_at_;
  std::size_t plan_size_ = 0;  // what it looked at: agents, changes, items that were told why they wait
  std::map<ControllerName, std::uint64_t> versions_;  // of the demand that was read
  std::vector<std::uint64_t> agent_versions_;         // of what controllers said of agents, as they stand
  Core::Orders looked_at_;                            // agents, by the last plan
  Duration next_sweep_{0};                            // steady: all agents are looked at
  std::uint64_t lists_ = 0;                           // complete ones that were read
  std::uint32_t launched_ = 0;                        // by it
  bool told_something_ = false;                       // since it was published
  std::optional<Duration> look_again_;                // besides plan_.next_look
  std::unordered_map<policy::ItemRef, WaitingItem, policy::ItemRefHash> items_;
  // Agents that ended without work, by the item that they were launched for, whether it waits or may again.
  std::unordered_map<policy::ItemRef, AgentId, policy::ItemRefHash> unserved_;
  std::map<std::pair<ControllerName, std::string>, std::shared_ptr<HeldClass>> held_;  // by label
  std::unordered_map<std::string, Result<model::LabelExpr>> labels_;
  mutable std::optional<PlanView> view_;
};

}  // namespace footman::fleet
