// The second half of an agent's sequence: from the decision to end it until the cloud says that it is gone.
#include <fmt/format.h>

#include <algorithm>

#include "fleet/costs.hpp"
#include "fleet/steward.hpp"
#include "model/transitions.hpp"
#include "runtime/time_limit.hpp"

namespace footman::fleet {

using model::AgentState;
using model::EndReason;

namespace {

AgentState state_of_end(AgentState from, EndReason reason) {
  auto to = AgentState::terminating;
  if (reason == EndReason::session_lost) to = AgentState::lost;
  if (reason == EndReason::launch_refused || reason == EndReason::launch_deadline ||
      reason == EndReason::resource_gone || reason == EndReason::agent_exited ||
      reason == EndReason::out_of_memory)
    to = AgentState::failed;
  return model::can_transition(from, to) ? to : AgentState::terminating;
}

// What the build that still ran there is told.
ports::AgentEnd end_of(const AgentEntry& entry) {
  if (entry.ending) return {entry.ending->reason, entry.ending->text};
  const auto& row = entry.row;
  return {row.end_reason, row.end_detail.empty() ? std::string(sentence(row.end_reason)) : row.end_detail};
}

// It was drained and its work is done: why it was drained says more than how it left. Not so where it was to
// go as nobody needed it, and it has got its last build all the same.
bool is_end_of_drain(const AgentEntry& entry) {
  using enum EndReason;
  const auto reason = entry.ending->reason;
  const auto drained_for = entry.row.end_reason;
  const bool was_unneeded = drained_for == surplus || drained_for == idle_too_long;
  if (was_unneeded && model::is_spent(entry.row.max_builds, entry.row.builds_done)) return false;
  return entry.row.state == AgentState::draining && entry.seen.activity != ports::AgentActivity::busy &&
         entry.seen.working_on.empty() &&
         (reason == build_finished || reason == max_builds || reason == drained || reason == goodbye);
}

bool is_at_work(const AgentEntry& entry) {
  return entry.seen.activity == ports::AgentActivity::busy || !entry.seen.working_on.empty();
}

// The wish waited, for a database without space perhaps, and meanwhile it was needed, or has come: the reason
// is none any more. Not so where the controller may have heard already that it is to get no work.
bool is_overtaken(const AgentEntry& entry) {
  if (entry.drain_told || entry.drain_unsure) return false;
  if (entry.ending->reason == EndReason::launch_deadline && entry.seen.connected_at.is_set()) return true;
  return is_at_work(entry) || entry.seen.builds_done > entry.ending->builds_done;
}

std::string tell_gone(const AgentEntry& entry) {
  if (!entry.has_cloud && !entry.gone && entry.asked)
    return fmt::format("A person says that it is gone; its cloud '{}' is not configured any more.",
                       entry.row.cloud.str());
  if (entry.row.handle.empty()) return "No resource exists.";
  const auto death = entry.gone ? entry.gone->death.text : std::string();
  return death.empty() ? "The cloud says that it is gone." : "The cloud says that it is gone: " + death;
}

}  // namespace

// Between the decision and its end the controller may have given it work, which must not be lost: no work
// from now on, then a look whether there is some.
Awaitable<bool> Steward::is_free_to_end(AgentEntry* entry) {
  auto* controller = core_.find_controller(entry->row.controller);
  if (!entry->ending->only_if_free || !entry->asked || controller == nullptr) co_return true;
  core_.see(*entry, controller->observe_agent(entry->id()));
  if (is_overtaken(*entry)) {
    if (entry->ending->reason == EndReason::drained && !entry->drain) entry->drain = *entry->ending;
    entry->ending.reset();
    core_.touch(*entry);
    core_.look->notify();
    co_return false;
  }
  co_await tell_drain(entry);
  if (!entry->ending->only_if_free) co_return true;  // meanwhile somebody wants it ended in any case
  if (!entry->drain_told) co_return false;
  core_.see(*entry, controller->observe_agent(entry->id()));
  if (!is_at_work(*entry)) co_return true;
  if (!entry->drain) entry->drain = *entry->ending;
  entry->ending.reset();
  co_return false;
}

Awaitable<void> Steward::begin_end(AgentEntry* entry) {
  if (!co_await is_free_to_end(entry)) co_return;
  if (!entry->asked) entry->nothing_left = true;
  const auto ending = *entry->ending;
  store::AgentChange change;
  change.state = state_of_end(entry->row.state, ending.reason);
  change.stop_asked = core_.now();
  if (!entry->life.stop_asked.is_set()) entry->life.stop_asked = core_.time();
  if (!is_end_of_drain(*entry)) {
    change.end_reason = ending.reason;
    change.end_detail = ending.text;
  }
  change.builds_done = entry->row.builds_done;
  put_connection(*entry, change);
  put_launch_trouble(*entry, change);
  change.timeline.push_back({core_.now(), "stop_asked", ending.text});
  if (!co_await core_.change(entry, std::move(change))) co_return;
  entry->next_pause = Duration(0);
  entry->bootstrap = {};
  entry->launch_trouble.reset();
  core_.log_of(*entry).info("agent ends", {{"reason", to_string(ending.reason)}, {"text", ending.text}});
}

// `gone` from a cloud whose listing lags may only mean "not seen yet" when we have no handle.
bool Steward::may_trust_gone(const AgentEntry& entry, const CloudEntry& cloud) const {
  if (!entry.row.handle.empty() || !entry.asked) return true;
  return core_.steady() >= entry.last_call + cloud.provider->limits().listing_lag;
}

Awaitable<bool> Steward::try_forget(AgentEntry* entry) {
  if (entry->removed) co_return true;
  auto* controller = core_.find_controller(entry->row.controller);
  if (controller == nullptr) co_return entry->removed = true;
  const auto heard = co_await runtime::run_for(core_.parts.clock, kCallTimeout,
                                               controller->remove_agent(entry->id(), end_of(*entry)));
  entry->removed = heard && (*heard || heard->error().code == Errc::not_found);
  if (!entry->removed)
    core_.log_of(*entry).warning(
        "the controller does not let the agent go",
        {{"error", heard ? describe(heard->error()) : std::string("no answer in time")}});
  else
    core_.look->notify();  // its item may have another agent now
  co_return entry->removed;
}

// An agent that was here has been told to leave, or has left: its resource goes by itself, and the cloud's
// list says so. One that never connected, or is silent, is not waited for, nor is Jenkins', which never
// leaves.
Awaitable<void> Steward::wait_for_own_exit(AgentEntry* entry, const CloudEntry& cloud) {
  const auto& row = entry->row;
  if (!row.connected.is_set() || row.state == AgentState::lost || !entry->life.stop_asked.is_set()) co_return;
  if (entry->request.spec.endpoint.program == ports::AgentProgram::jenkins) co_return;
  // Even time may be set meanwhile, and what is kept in it with it.
  const auto left = [&] { return entry->life.stop_asked + cloud.provider->limits().own_exit - core_.time(); };
  if (!entry->gone && left() > Duration(0)) cloud.provider->suspect(row.handle);
  while (!entry->gone && left() > Duration(0)) (void)co_await entry->wake.wait_for(core_.parts.clock, left());
}

// The controller first, so that no work starts on it and its build learns the reason; but a controller that
// does not answer must not keep a resource alive.
Awaitable<void> Steward::terminate(AgentEntry* entry) {
  (void)co_await try_forget(entry);  // conclude() tries again
  auto* cloud = core_.find_cloud(entry->row.cloud);
  co_await wait_for_own_exit(entry, *cloud);
  co_await cloud->terminations.enter();
  core_.parts.crash_points.hit("terminate:before-call");
  auto answer =
      co_await runtime::run_for(core_.parts.clock, kCallTimeout,
                                cloud->provider->terminate(entry->row.handle, entry->row.client_token));
  core_.parts.crash_points.hit("terminate:after-call");
  cloud->terminations.leave();
  if (answer && *answer) {
    core_.note_answer(*cloud);
    if ((*answer)->state == ports::ResourceState::gone && may_trust_gone(*entry, *cloud)) {
      entry->nothing_left = true;
      entry->next_pause = Duration(0);
      auto resource = std::move(**answer);
      resource.failure.reset();  // ended by us
      core_.note_gone(entry, resource);
      co_return;
    }
  } else {
    core_.note_trouble(*cloud, answer ? describe(answer->error()) : std::string("no answer in time"));
  }
  co_await pause(entry, kTerminateFirstPause, kTerminateLongestPause);
}

Awaitable<void> Steward::let_go(AgentEntry* entry) {
  if (!co_await try_forget(entry))
    co_await pause(entry, kTerminateFirstPause, kTerminateLongestPause);
  else if (!entry->has_cloud)
    tell_ended(*entry);  // nobody will know more
}

void Steward::tell_ended(const AgentEntry& entry) {
  if (auto* controller = core_.find_controller(entry.row.controller)) controller->agent_ended(entry.id());
}

void Steward::dismiss(AgentEntry* entry) {
  tell_ended(*entry);
  core_.erase_agent(AgentId(entry->id()));
}

Awaitable<void> Steward::conclude(AgentEntry* entry) {
  co_await let_go(entry);
  if (!entry->removed) co_return;
  store::AgentChange change;
  change.state = AgentState::terminated;
  change.ended = core_.now();
  entry->life.gone = core_.time();
  if (entry->gone && entry->gone->ended.is_set())
    entry->life.gone = std::max({entry->life.asked, entry->heard, core_.even.at_past(entry->gone->ended)});
  change.billed = billed_when_gone(*entry, core_.even);
  change.builds_done = entry->row.builds_done;
  if (entry->gone) change.death = entry->gone->death;
  change.timeline.push_back({core_.now(), "gone", tell_gone(*entry)});
  if (!co_await core_.change(entry, std::move(change))) co_return;
  const auto paid = billed_of(*entry, core_.time());
  const auto& row = entry->row;
  core_.spending.add({{row.cloud, row.template_name, row.controller, row.labels},
                      paid.from,
                      paid.until,
                      row.cost.total(),
                      row.price.per_hour},
                     core_.time());
  core_.log_of(*entry).info("agent is gone", {{"reason", to_string(entry->row.end_reason)}});
}

}  // namespace footman::fleet
