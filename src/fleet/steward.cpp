#include "fleet/steward.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "fleet/orphans.hpp"
#include "policy/retry.hpp"
#include "runtime/time_limit.hpp"

namespace footman::fleet {

using model::AgentState;
using model::EndReason;

namespace {

// One that is there gets its next item at once, and is found idle or at work: only what is waited for has to
// be known by the next run of the server. With its other changes a promise is written in any case.
bool has_new_promise(const AgentEntry& entry) {
  return entry.promised_to != entry.row.promised_to && !entry.is_connected_now();
}

}  // namespace

Step next_step(const AgentEntry& entry) {
  const bool connected = entry.seen.connected_at.is_set() && !entry.row.connected.is_set();
  const bool learned = entry.row.handle.empty() && !entry.learned_handle.empty();
  switch (entry.row.state) {
    case AgentState::planned:  // its row is being written
      return entry.ending ? Step::begin_end : Step::rest;
    case AgentState::launching:
      if (entry.ending) return Step::begin_end;
      if (connected) return Step::note_connected;
      if (learned) return Step::note_handle;
      if (has_new_promise(entry)) return Step::keep_promise;
      return entry.introduced ? Step::launch : Step::introduce;
    case AgentState::connecting:
    case AgentState::online:
      if (entry.ending) return Step::begin_end;
      if (connected || (entry.row.connected.is_set() && entry.row.state == AgentState::connecting))
        return Step::note_connected;
      if (learned) return Step::note_handle;
      if (entry.drain) return Step::begin_drain;
      return has_new_promise(entry) ? Step::keep_promise : Step::rest;
    case AgentState::draining:
      if (entry.ending) return Step::begin_end;
      return entry.drain_told ? Step::rest : Step::tell_drain;
    case AgentState::terminating:
    case AgentState::failed:
    case AgentState::lost:
      if (entry.nothing_left) return entry.removed ? Step::conclude : Step::forget;
      if (entry.is_left_alone()) return Step::rest;
      if (entry.has_cloud) return Step::terminate;
      return entry.removed ? Step::rest : Step::let_go;  // its row stays: the resource may be there
    case AgentState::terminated:
      return Step::dismiss;
  }
  return Step::rest;
}

Steward::Steward(Core& core) : core_(core) {}

void Steward::look_at(AgentEntry* entry) {
  if (entry->worked_on || !entry->stored || core_.stopping) return;
  if (next_step(*entry) == Step::rest) return;
  core_.set_worked_on(*entry, true);
  core_.scope.spawn("agent " + entry->id().str(), run(entry));
}

Awaitable<void> Steward::run(AgentEntry* entry) {
  for (auto step = next_step(*entry); step != Step::rest; step = next_step(*entry)) {
    if (step == Step::dismiss) co_return dismiss(entry);
    co_await take(step, entry);
  }
  core_.set_worked_on(*entry, false);
}

Awaitable<void> Steward::take(Step step, AgentEntry* entry) {
  switch (step) {
    case Step::introduce:
      return introduce(entry);
    case Step::launch:
      return launch(entry);
    case Step::note_connected:
      return note_connected(entry);
    case Step::note_handle:
      return note_launched(
          entry, entry->learned_handle, "handle_learned",
          fmt::format("The answer to the launch was lost; the cloud lists it as {}.", entry->learned_handle));
    case Step::keep_promise:
      return keep_promise(entry);
    case Step::begin_drain:
      return begin_drain(entry);
    case Step::tell_drain:
      return tell_drain(entry);
    case Step::begin_end:
      return begin_end(entry);
    case Step::terminate:
      return terminate(entry);
    case Step::let_go:
      return let_go(entry);
    case Step::forget:
    case Step::conclude:
      return conclude(entry);
    case Step::rest:
    case Step::dismiss:
      break;
  }
  FOOTMAN_CHECK(false, "a step that is not taken");
}

// Until the pause is over or a wish or fact came.
Awaitable<void> Steward::pause(AgentEntry* entry, Duration first, Duration longest) {
  entry->next_pause = entry->next_pause == Duration(0) ? first : std::min(entry->next_pause * 2, longest);
  (void)co_await entry->wake.wait_for(core_.parts.clock, entry->next_pause);
}

// --- launch

ports::AgentRegistration registration_of(const Core& core, const AgentEntry& entry) {
  return {entry.id(),
          entry.row.attempt,
          entry.row.labels,
          entry.row.max_builds,
          entry.row.for_item,
          entry.launch_deadline - core.time(),
          entry.request.is_default,
          entry.row.cloud,
          entry.row.client_token,
          entry.node_stored};
}

Awaitable<void> Steward::introduce(AgentEntry* entry) {
  auto* controller = core_.find_controller(entry->row.controller);
  if (controller == nullptr) {
    if (judge_orphan(core_, entry)) co_await pause(entry, kLaunchFirstPause, kLaunchLongestPause);
    co_return;
  }
  if (!entry->has_cloud) {
    core_.wish_end(entry, {EndReason::surplus, fmt::format("Its cloud '{}' is not configured any more.",
                                                           entry->row.cloud.str())});
    co_return;
  }
  auto answer = co_await runtime::run_for(core_.parts.clock, kCallTimeout,
                                          controller->register_agent(registration_of(core_, *entry)));
  if (answer && *answer) {
    entry->bootstrap = std::move(**answer);
    entry->introduced = true;
    entry->next_pause = Duration(0);
    co_return;
  }
  core_.log_of(*entry).warning(
      "the controller does not take the agent, trying again",
      {{"error", answer ? describe(answer->error()) : std::string("no answer in time")}});
  co_await pause(entry, kLaunchFirstPause, kLaunchLongestPause);
}

// The same token again and again until there is a clear answer, but never one that the cloud may have
// forgotten: that could launch a second resource.
bool Steward::may_send_again(const AgentEntry& entry, const CloudEntry& cloud) const {
  if (!entry.asked) return true;
  if (entry.unrepeatable) return false;
  return core_.time() < entry.life.asked + cloud.provider->limits().token_lifetime;
}

Awaitable<void> Steward::launch(AgentEntry* entry) {
  // The back-off is outside the turnstile: one launch that fails does not hold up the others. Whatever comes
  // meanwhile may end it, but not shorten it.
  const auto& trouble = entry->launch_trouble;
  if (const auto left = trouble ? trouble->next_try - core_.time() : Duration(0); left > Duration(0)) {
    (void)co_await entry->wake.wait_for(core_.parts.clock, left);
    co_return;
  }
  auto* cloud = core_.find_cloud(entry->row.cloud);
  if (!may_send_again(*entry, *cloud)) co_return co_await look_up(entry, cloud);
  co_await cloud->launches.enter();
  // The wait may have been long.
  if (!entry->ending && may_send_again(*entry, *cloud)) co_await call_launch(entry, cloud);
  cloud->launches.leave();
}

Awaitable<void> Steward::call_launch(AgentEntry* entry, CloudEntry* cloud) {
  auto spec = entry->request.spec;
  spec.secret = entry->bootstrap.secret;
  spec.controller_secret = entry->bootstrap.controller_secret;
  core_.parts.crash_points.hit("launch:before-call");
  entry->asked = true;
  entry->calling = true;
  const auto begun = core_.steady();
  auto answer =
      co_await runtime::run_for(core_.parts.clock, kCallTimeout, cloud->provider->launch(std::move(spec)));
  entry->last_call = core_.steady();
  core_.parts.crash_points.hit("launch:after-call");
  if (!answer)
    answer = std::unexpected(ports::LaunchFailure{
        model::FailureClass::transient,
        false,
        {},
        fmt::format("no answer to the launch within {}", format_duration(kCallTimeout))});
  const auto took = entry->last_call - begun;
  core_.metrics.launch_call_seconds.observe(std::chrono::duration<double>(took).count());
  if (*answer) {
    core_.note_answer(*cloud);
    core_.metrics.launches(entry->row.cloud, "launched").add();
    co_await note_launched(
        entry, (*answer)->value, "api_answered",
        fmt::format("The cloud launched {} in {}.", (*answer)->value, format_duration(took)));
  } else {
    co_await note_failure(entry, cloud, answer->error());
  }
  entry->calling = false;
}

// An intent that is not sent again.
Awaitable<void> Steward::look_up(AgentEntry* entry, CloudEntry* cloud) {
  auto found = co_await runtime::run_for(core_.parts.clock, kCallTimeout,
                                         cloud->provider->find_by_token(entry->row.client_token));
  if (found && *found) {
    core_.note_answer(*cloud);
    co_return co_await note_launched(
        entry, (*found)->handle, "api_answered",
        fmt::format("The answer to the launch was lost; the cloud knows it as {}.", (*found)->handle));
  }
  const bool unknown = found && !*found && found->error().code == Errc::not_found;
  if (unknown && may_trust_gone(*entry, *cloud)) {
    core_.note_answer(*cloud);
    const std::string text = "The cloud knows no resource for its launch, which cannot be repeated any more.";
    core_.note_finding({Verdict::never_launched, entry->id(), entry->row.cloud, {}, text});
    core_.wish_end(entry, {EndReason::resource_gone, text});
    co_return;
  }
  if (!unknown)
    core_.note_trouble(*cloud, found ? describe(found->error()) : std::string("no answer in time"));
  co_await pause(entry, kLaunchFirstPause, kLaunchLongestPause);
}

// For its history, once it is over.
void Steward::put_launch_trouble(const AgentEntry& entry, store::AgentChange& change) {
  const auto& trouble = entry.launch_trouble;
  if (!trouble) return;
  change.timeline.push_back(
      {core_.now(), "launch_unclear",
       trouble->calls == 1
           ? fmt::format("The cloud gave no clear answer to a launch call: {}.", trouble->text)
           : fmt::format("The cloud gave no clear answer to {} launch calls in a row, to the last one: {}.",
                         trouble->calls, trouble->text)});
}

Awaitable<void> Steward::note_launched(AgentEntry* entry, std::string handle, std::string kind,
                                       std::string text) {
  store::AgentChange change;
  if (entry->row.state == AgentState::launching) change.state = AgentState::connecting;
  change.handle = std::move(handle);
  change.launched = core_.now();
  if (!entry->life.answered.is_set()) entry->life.answered = core_.time();
  put_launch_trouble(*entry, change);
  change.timeline.push_back({core_.now(), std::move(kind), std::move(text)});
  if (!co_await core_.change(entry, std::move(change))) co_return;
  entry->bootstrap = {};
  entry->launch_trouble.reset();
  forget_launch(entry->request);
  entry->next_pause = Duration(0);
  core_.note_progress(*entry, policy::Stage::accepted);
}

Awaitable<void> Steward::note_failure(AgentEntry* entry, CloudEntry* cloud, ports::LaunchFailure failure) {
  failure.message = shorten(std::move(failure.message));
  const auto word = std::string(to_string(failure.failure));
  if (failure.definite) {  // whether the cloud is well, its next list tells
    core_.metrics.launches(entry->row.cloud, "refused_" + word).add();
    core_.note_launch_failure(*entry, failure.failure, failure.retry_at, failure.message);
    entry->nothing_left = true;
    core_.wish_end(entry, {EndReason::launch_refused, "The cloud refused to launch it: " + failure.message});
    co_return;
  }
  core_.note_trouble(*cloud, failure.message);
  core_.metrics.launches(entry->row.cloud, "unknown_" + word).add();
  core_.log_of(*entry).warning("the outcome of a launch is unknown, asking again with the same request",
                               {{"failure", word}, {"error", failure.message}});
  const auto calls = entry->launch_trouble ? entry->launch_trouble->calls + 1 : 1;
  const auto again = policy::next_try(
      calls, core_.even.at(failure.retry_at), core_.parts.rng.uniform(),
      {.first_pause = kLaunchFirstPause, .longest_pause = kLaunchLongestPause}, core_.time());
  // While the cloud gives no clear answers, nothing new is asked of it.
  cloud->hold(again, failure.message);
  entry->launch_trouble = {calls, failure.message, again};
  core_.touch(*entry);  // its item is told
  core_.look->notify();
}

// --- online

void Steward::put_connection(const AgentEntry& entry, store::AgentChange& change) {
  const auto at = entry.seen.connected_at;
  if (!at.is_set() || entry.row.connected.is_set()) return;
  change.connected = at;
  const auto took = entry.life.connected - entry.life.asked;
  change.timeline.push_back(
      {at, "connected",
       fmt::format("It connected{}, {} after the decision.",
                   entry.seen.peer.empty() ? "" : " from " + entry.seen.peer, format_duration(took))});
  if (core_.is_of_earlier_run(entry)) return;  // it may have waited for the server
  core_.metrics.launch_seconds.observe(std::chrono::duration<double>(took).count());
  if (auto* t = core_.find_template(entry.row)) t->launch_times.add(took);
}

Awaitable<void> Steward::note_connected(AgentEntry* entry) {
  store::AgentChange change;
  change.state = AgentState::online;
  put_connection(*entry, change);
  if (!co_await core_.change(entry, std::move(change))) co_return;
  entry->next_pause = Duration(0);
  // Quicker than the cloud's answer, or the answer was lost: the list knows the handle.
  if (entry->row.handle.empty() && entry->has_cloud) core_.find_cloud(entry->row.cloud)->look.notify();
}

Awaitable<void> Steward::keep_promise(AgentEntry* entry) { (void)co_await core_.change(entry, {}); }

Awaitable<void> Steward::begin_drain(AgentEntry* entry) {
  store::AgentChange change;
  change.state = AgentState::draining;
  change.end_reason = entry->drain->reason;
  change.end_detail = entry->drain->text;
  change.timeline.push_back({core_.now(), "draining", entry->drain->text});
  (void)co_await core_.change(entry, std::move(change));
}

Awaitable<void> Steward::tell_drain(AgentEntry* entry) {
  auto* controller = core_.find_controller(entry->row.controller);
  entry->drain_told = controller == nullptr;
  if (entry->drain_told) co_return;
  const auto told =
      co_await runtime::run_for(core_.parts.clock, kCallTimeout, controller->drain_agent(entry->id()));
  entry->drain_told = told && (*told || told->error().code == Errc::not_found);
  if (entry->drain_told) {
    entry->next_pause = Duration(0);
    core_.look->notify();
  } else {
    if (!told || told->error().code == Errc::timeout) entry->drain_unsure = true;
    co_await pause(entry, kLaunchFirstPause, kLaunchLongestPause);
  }
}

}  // namespace footman::fleet
