// The fleet turns the demand of any controller into agents of any cloud: exactly one agent on its way per
// waiting item, none left behind.
//
// Everything runs on the control executor. Lifecycle: construct, co_await start() once with what the store
// holds, use, co_await stop() once; destroy after stop() returned (or drop the executor: a crash, which it
// survives by design: every step is row → call → row, see docs/ARCHITECTURE.md). Parts must outlive the
// fleet.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "fleet/config.hpp"
#include "fleet/views.hpp"
#include "model/change.hpp"
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/crash_points.hpp"
#include "runtime/feed.hpp"
#include "runtime/rng.hpp"
#include "store/store.hpp"

namespace footman::fleet {

using runtime::Awaitable;

struct FleetParts {
  store::Store& store;
  runtime::Clock& clock;
  runtime::Rng& rng;
  runtime::Executor control;
  std::vector<ports::ControllerPort*> controllers;
  std::vector<ports::CloudProvider*> clouds;
  runtime::Feed<model::Change>& changes;
  base::Metrics& metrics;
  base::Logger log;
  runtime::CrashPoints crash_points;
  std::function<bool()> storage_full;  // true: hold all launches with that reason; empty: never
};

class Fleet {
 public:
  Fleet(FleetParts parts, FleetConfig config);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  // Learns the template generations, takes over the agents of the store and starts the loops. Launches
  // nothing before it returned. Errors: the store's; a template whose cloud does not exist or refuses its
  // options: invalid_argument.
  Awaitable<Status> start(store::OpenState state);
  // Stops deciding, launching and terminating and waits for calls under way to be abandoned. Agents go on.
  Awaitable<void> stop();

  // Ends what a start-up comparison has held back (ReconcileView::held). `text`: by whom. Returns how many;
  // 0: nothing waited. For this run of the server only: a later start looks anew.
  std::size_t apply_reconcile(const std::string& text);

  // The new configuration takes effect with the next plan; agents of changed or vanished templates drain. On
  // an error (as start) the old one stays.
  Awaitable<Status> apply_config(FleetConfig config);
  // No new work; ends when its running work is done. Idempotent. not_found for an unknown or ended agent.
  Awaitable<Status> drain_agent(AgentId id);
  // Ends the agent now; its build is lost with `reason` as its sentence. Idempotent, as drain_agent.
  Awaitable<Status> terminate_agent(AgentId id, std::string reason);
  // No launches in this cloud until it is resumed, over restarts too; its agents go on, and idle ones take
  // work. `text` says who and why, after "paused": "by admin: maintenance". Durable when they return.
  // Idempotent; a second pause has the new text. not_found.
  Awaitable<Status> pause_cloud(CloudName name, std::string text);
  Awaitable<Status> resume_cloud(CloudName name);
  // How large pools with a goal must be; from the next plan on, until another answer comes. Answers of
  // templates without a goal are ignored. Kept over restarts; before the first one a pool has the min_idle of
  // its configuration.
  void set_pool_answers(PoolAnswers answers);
  // Whether the proof comes from within the resource that was launched for this agent; asks its cloud. While
  // the launch is not answered it waits for that, for a few seconds. For the controllers; any number of calls
  // may be under way.
  Awaitable<ports::ProofAnswer> check_proof(ports::IdentityClaim claim);
  // Looks at everything again soon. The ports' on_change call it too.
  void look_again();

  // Live agents and the last few that ended, in order of planning. Others: Store::get_agent.
  std::vector<AgentView> list_agents() const;
  std::optional<AgentView> find_agent(const AgentId& id) const;
  // Of names that nobody has: not_found, with the nearest one that somebody has.
  Error unknown_agent(const AgentId& id) const;
  Error unknown_cloud(const CloudName& name) const;
  std::vector<CloudView> list_clouds() const;  // looks at each agent once
  const PlanView& last_plan() const;
  // Why this item waits, from the last plan. Empty: the item does not wait for an agent (or no plan was made
  // yet).
  std::optional<ItemView> explain(const ControllerName& controller, const std::string& item_key) const;
  const ReconcileView& last_reconcile() const;
  // What could not be written a moment ago, so that nothing is launched; empty: nothing.
  std::string storage_trouble() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace footman::fleet
