// A second controller, on a host of its own, with its own items and agents: simpler than the built-in one,
// and strict. It survives every crash of the server, which may not reach it for a while: then it goes on with
// those of its agents that are there, and the server sees it as it was.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/controller_port.hpp"
#include "sim/loop.hpp"
#include "sim/other.hpp"
#include "sim/witness.hpp"

namespace footman::sim {

struct RemoteHabits {
  std::uint32_t items = 0;
  Duration between_items = 15s;  // typical
  Duration work = 10s;           // typical
  double cancels = 0.1;
  std::vector<std::string> labels;
};

class RemoteController final : public OtherController {
 public:
  enum class State { queued, at_work, over };
  struct Item {
    std::string key;
    std::string label;
    Instant since;
    State state = State::queued;
    Duration changed{0};         // its state
    base::AgentId agent;         // at work on it
    ports::SharedReason reason;  // null: nothing was said yet
  };

  RemoteController(SimLoop& loop, Witness& witness, std::uint64_t seed, RemoteHabits habits);

  void begin() override;
  void calm_down() override;
  bool done() const override;

  bool is_reached() const override { return reached_; }
  Duration reached_since() const override { return reached_since_; }
  std::vector<Waiting> list_waiting() const override;
  std::optional<std::string> find_key(std::int64_t number) const override;
  std::optional<Demanded> find_demanded(const std::string& key, Duration within) const override;
  std::vector<QueuedItem> list_queued() const override;
  std::vector<GivenWork> list_work() const override;
  std::optional<Duration> last_work(const base::AgentId& agent) const override;

  bool knows(const base::AgentId& agent) const override { return known_.contains(agent); }
  ports::AgentActivity activity_of(const base::AgentId& agent) const override {
    const auto it = nodes_.find(agent);
    return it == nodes_.end() ? ports::AgentActivity::unknown : it->second.seen.activity;
  }
  void start_agent(const std::string& machine, const ports::LaunchSpec& spec) override;
  void lose_machine(const std::string& machine) override;
  std::unique_ptr<OtherPort> make_port(OtherParts parts) override;

 private:
  friend class RemotePort;
  struct Node {
    ports::AgentRegistration registration;
    base::Secret secret;
    ports::AgentObservation seen;
    std::string machine;  // empty: its agent has not started, or is gone
    bool draining = false;
    Duration worked{0};  // last
  };
  struct Seen {  // what a server is told of it
    std::vector<ports::DemandItem> demand;
    std::map<base::AgentId, ports::AgentObservation> agents;
  };

  void submit();
  void cut_off();
  void kill_one();
  void connect(const base::AgentId& id, const std::string& machine);
  void hand_over();
  void give(const base::AgentId& id, Node& node, Item& item);
  void finish(const base::AgentId& id, const std::string& key);
  void leave(const base::AgentId& id, Node& node, model::EndReason reason, const std::string& why);
  void lose_work(const base::AgentId& id);
  Seen look() const;
  void tell_changed();
  void note(const std::string& text) { loop_.trace().note(loop_.now(), name().str(), text); }
  void report(std::string text) { witness_.report("other_controllers_are_served", std::move(text)); }

  SimLoop& loop_;
  Witness& witness_;
  Dice dice_;
  RemoteHabits habits_;
  bool calm_ = true;
  bool reached_ = true;
  Duration reached_since_{0};
  Seen frozen_;  // while it is not reached
  std::uint64_t submitted_ = 0;
  std::map<std::string, Item> items_;
  std::map<base::AgentId, Node> nodes_;
  std::set<base::AgentId> known_;  // ever
  std::weak_ptr<std::function<void()>> listener_;
};

// What one life of the server holds of it. It keeps what it has seen over restarts of the server: to one that
// began with no items, all that is on its way would be of no use.
class RemotePort : public OtherPort {
 public:
  RemotePort(RemoteController& remote, runtime::Executor control, runtime::Clock& clock)
      : remote_(remote), control_(std::move(control)), clock_(clock) {}

  base::ControllerName name() const override { return remote_.name(); }
  std::vector<ports::DemandItem> demand() const override;
  runtime::Awaitable<base::Result<ports::AgentBootstrap>> register_agent(
      ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(base::AgentId id) const override;
  runtime::Awaitable<base::Status> drain_agent(base::AgentId id) override;
  runtime::Awaitable<base::Status> remove_agent(base::AgentId id, ports::AgentEnd end) override;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override;

 protected:
  RemoteController& remote_;

 private:
  // True: the call has arrived.
  runtime::Awaitable<bool> arrive();
  runtime::Executor control_;
  runtime::Clock& clock_;
  std::shared_ptr<std::function<void()>> listener_;
};

}  // namespace footman::sim
