// The fleet's loop: looks at demand and agents, lets policy decide, carries the plan out. Inside the module;
// control executor.
#pragma once

#include "fleet/budgets.hpp"
#include "fleet/steward.hpp"
#include "model/label.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::fleet {

struct ItemRefHash {
  std::size_t operator()(const policy::ItemRef& ref) const {
    return std::hash<std::string>()(ref.key) ^ std::hash<ControllerName>()(ref.controller);
  }
};

// An item that waited at the last plan and what it was told.
struct WaitingItem {
  std::string title;
  Instant since;
  ports::WaitReason reason;
  std::shared_ptr<const std::vector<policy::Tried>> tried;  // null: it has an agent
  std::uint64_t plan = 0;                                   // the last plan that saw it
};

class Provisioner {
 public:
  Provisioner(Core& core, Steward& steward);

  // Until it is cancelled.
  Awaitable<void> run();

  const PlanView& view() const;  // until the next plan
  std::optional<ItemView> explain(const ControllerName& controller, const std::string& key) const;

 private:
  Awaitable<void> decide();
  void observe_agents();
  void note_seen(AgentEntry* entry);
  void judge_gone(AgentEntry* entry);
  policy::Snapshot take_snapshot(const SpentNow& spent);
  void add_items(policy::Snapshot& snapshot);
  const Result<model::LabelExpr>& parse_label(const std::string& text);
  policy::Limits limits(const policy::Spent& spent);

  void plan();
  bool carry_out_endings();
  std::vector<AgentEntry*> make_agents();
  std::unique_ptr<AgentEntry> make_agent(const policy::Launch& launch, const TemplateEntry& t) const;
  Awaitable<void> record(std::vector<AgentEntry*> entries);
  void wake_agents();

  void tell_matches();
  void tell_holds();
  void tell(const policy::ItemRef& ref, ports::WaitReason reason,
            std::shared_ptr<const std::vector<policy::Tried>> tried = nullptr);
  void forget_items();
  void publish_plan(bool launched);
  void look_no_later(Duration at);  // steady
  Duration until_next_look() const;
  Duration pause_after_plan() const;

  Core& core_;
  Steward& steward_;
  std::uint64_t number_ = 0;
  policy::Plan plan_;  // the last one
  Instant plan_at_;
  std::size_t plan_size_ = 0;           // items and agents it looked at
  std::uint32_t launched_ = 0;          // by it
  bool told_something_ = false;         // since it was published
  std::optional<Duration> look_again_;  // besides plan_.next_look
  std::unordered_map<policy::ItemRef, WaitingItem, ItemRefHash> items_;
  std::unordered_map<std::string, Result<model::LabelExpr>> labels_;
  mutable std::optional<PlanView> view_;
};

}  // namespace footman::fleet
