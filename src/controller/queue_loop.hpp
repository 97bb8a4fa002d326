// The queue: what waits and why, and the loop that hands work to idle agents. Inside the module; control
// executor.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/builds.hpp"
#include "controller/core.hpp"

namespace footman::controller {

class QueueLoop {
 public:
  QueueLoop(Core& core, Builds& builds);

  // Level-triggered: looks at everything after each change and at the end of each quiet period.
  Awaitable<void> run();

  std::vector<QueueEntry> entries() const;
  std::optional<QueueEntry> find_entry(BuildId build) const;
  std::vector<ports::DemandItem> demand() const;
  ports::DemandNews demand_since(std::uint64_t version);
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason);

 private:
  // How many builds a job with a limit may have under way, and which one is to blame.
  struct Slots {
    std::uint32_t used = 0;
    std::int64_t number = 0;
    bool running = false;
  };
  using SlotMap = std::map<JobPath, Slots>;

  using Items = std::set<QueueItemId>;  // in the order of submission
  Items list_demand(Instant at) const;
  void tell(QueueItemId id, bool is_wanted, ports::DemandNews& news);
  void tell_all(Instant at, ports::DemandNews& news);
  // False: more than these may have changed.
  bool tell_changed(const Items& changed, Instant at, ports::DemandNews& news);
  ports::DemandItem describe_item(QueueItemId id) const;
  SlotMap slots_under_way() const;
  // Takes a slot for a buildable one: call in the queue's order.
  model::ItemView view_of(const BuildEntry& entry, Instant at, SlotMap& slots) const;
  QueueEntry entry_of(const BuildEntry& entry, model::ItemView view, const SlotMap& slots) const;
  ports::WaitReason blocked_reason(const BuildEntry& entry, const SlotMap& slots) const;
  void promise(const std::string& item_key, const AgentId& before, const AgentId& now);
  using Offers = std::vector<std::pair<BuildId, AgentId>>;
  using OwnAgents = std::unordered_map<QueueItemId, NodeEntry*>;
  void hand_over();
  bool may_take_work(const NodeEntry* node) const;
  OwnAgents find_own_agents() const;
  std::optional<QueueItemId> find_queued(const std::string& key) const;
  NodeEntry* find_fitting_agent(const model::LabelExpr& label) const;
  template <class Choose, class IsOver>
  void reserve_in_order(Offers& offers, std::size_t most, const std::vector<const Queue::Items*>& lists,
                        Choose choose, IsOver is_over);
  bool forget_past_ends();  // of quiet periods and pauses; true: there were some
  Duration until_next_look() const;

  Core& core_;
  Builds& builds_;
  base::Gauge& waiting_;
  // With the last answer to demand_since().
  std::uint64_t told_version_ = 0;
  Items told_demand_;
  std::set<std::pair<Instant, QueueItemId>> quiet_;  // by the ends of quiet periods that were not over then
};

}  // namespace footman::controller
