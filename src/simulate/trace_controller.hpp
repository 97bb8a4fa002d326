// The controller of a simulation: builds arrive, wait, run on an agent for as long as the trace says, and are
// over. Work is handed out as the built-in controller does it: an agent goes to the item that it was launched
// for while that one waits, otherwise to the oldest that it fits. Nothing takes time but the builds. On the
// control executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/label.hpp"
#include "model/work.hpp"
#include "ports/controller_port.hpp"
#include "runtime/clock.hpp"
#include "simulate/build_trace.hpp"
#include "simulate/records.hpp"

namespace footman::simulate {

class TraceController final : public ports::ControllerPort {
 public:
  using FindAgent = std::function<AgentRecord*(const AgentId&)>;

  // All references outlive the controller. `find_agent` gives the record of an agent that exists.
  TraceController(const BuildTrace& trace, runtime::Clock& clock, runtime::Executor control,
                  Happenings& happenings, FindAgent find_agent);

  // From now on builds arrive.
  void start();
  // An agent is there.
  void connect(const AgentId& id);
  // Ends the counting of what still waits.
  void close();

  bool is_over() const { return finished_ + lost_ == trace_.builds.size(); }
  std::size_t finished() const { return finished_; }
  std::size_t running() const { return running_; }
  bool has_all() const { return next_ == trace_.builds.size(); }  // submitted
  Duration last_event() const { return last_event_; }             // a build came, began or ended

  ControllerName name() const override { return ControllerName(std::string(model::kBuiltInController)); }
  std::vector<ports::DemandItem> demand() const override;
  ports::DemandNews demand_since(std::uint64_t version) override;
  runtime::Awaitable<Result<ports::AgentBootstrap>> register_agent(
      ports::AgentRegistration registration) override;
  ports::AgentObservation observe_agent(AgentId id) const override;
  runtime::Awaitable<Status> drain_agent(AgentId id) override;
  runtime::Awaitable<Status> remove_agent(AgentId id, ports::AgentEnd end) override;
  void set_wait_reason(const std::string& item_key, ports::SharedReason reason) override;
  void set_on_change(std::function<void()> look_again) override { on_change_ = std::move(look_again); }

 private:
  struct WaitingItem {
    std::string reason;  // since when it waits for that
    ports::SharedReason told;
    Duration since{0};
  };
  struct TraceNode {
    ports::AgentRegistration registration;
    ports::AgentObservation seen;
    bool draining = false;
    std::size_t build = 0;  // when busy
    std::unique_ptr<runtime::Timer> timer;
  };
  using LabelNumber = std::size_t;

  Duration now() const { return clock_.steady() - start_; }
  void submit_due();
  void hand_over_soon();
  void hand_over();
  std::optional<std::size_t> choose_build(const TraceNode& node) const;
  bool fits(const TraceNode& node, LabelNumber label) const;
  void give(TraceNode& node, std::size_t build);
  void finish(const AgentId& id);
  void make_idle(const AgentId& id, TraceNode& node);
  ports::DemandItem item_of(std::size_t build) const;
  void count_wait(WaitingItem& item);
  void tell_changed();

  const BuildTrace& trace_;
  runtime::Clock& clock_;
  runtime::Executor control_;
  Happenings& happenings_;
  FindAgent find_agent_;
  Duration start_;
  Instant start_wall_;
  std::function<void()> on_change_;

  std::vector<model::LabelExpr> labels_;  // each once
  std::vector<LabelNumber> label_of_;     // by build
  std::size_t next_ = 0;                  // to be submitted
  std::unique_ptr<runtime::Timer> arrival_;
  std::map<std::size_t, WaitingItem> waiting_;           // by build
  std::vector<std::set<std::size_t>> waiting_by_label_;  // builds
  std::vector<std::size_t> changes_;                     // builds that began or ceased to wait
  std::unordered_map<AgentId, std::unique_ptr<TraceNode>> nodes_;
  std::vector<AgentId> ready_;  // idle, in the order in which they became so
  bool hand_over_planned_ = false;
  std::size_t finished_ = 0;
  std::size_t lost_ = 0;
  std::size_t running_ = 0;
  Duration last_event_{0};
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what was posted may come later
};

}  // namespace footman::simulate
