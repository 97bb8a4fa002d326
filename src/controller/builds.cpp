#include "controller/builds.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/job_metrics.hpp"
#include "controller/log_hub.hpp"

namespace footman::controller {

using base::Errc;
using model::AssignmentState;
using model::BuildResult;
using model::BuildState;
using model::ItemState;

namespace {
constexpr std::int64_t kAdhocRetentionStep = 100;  // after so many ad-hoc builds it is looked for old ones

// The item of a started build may have left already.
model::QueueItem item_of_running(const model::Build& build,
                                 const std::vector<model::Assignment>& assignments) {
  model::QueueItem item;
  item.build = build.id;
  item.job = build.job;
  item.label = build.spec.label;
  item.since = build.submitted;
  item.state = ItemState::left;
  for (const auto& one : assignments)
    if (one.build == build.id) item.id = one.item;
  return item;
}

std::vector<model::StepRecord> steps_of(const store::OpenState& state, AssignmentId assignment) {
  const auto found = std::ranges::equal_range(state.steps, assignment, {}, &model::StepRecord::assignment);
  return {found.begin(), found.end()};
}
}  // namespace

Builds::Builds(Core& core)
    : core_(core),
      late_reports_(core.parts.metrics.counter("footman_late_reports_total",
                                               "Reports of agents about work that is not theirs any more")),
      queue_wait_(core.parts.metrics.histogram("footman_queue_wait_seconds", "From submission to Start",
                                               {0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 1800})) {}

void Builds::take_over(store::OpenState& state) {
  for (auto& build : state.builds) {
    const auto found = std::find_if(state.items.begin(), state.items.end(),
                                    [&](const model::QueueItem& one) { return one.build == build.id; });
    auto item = found != state.items.end() ? std::move(*found) : item_of_running(build, state.assignments);
    auto lost = state.lost_agents.extract(build.id);
    core_.insert_build(std::move(build), std::move(item), lost ? std::move(lost.mapped()) : AgentId());
  }
  const auto fresh = core_.steady() + std::max(core_.config.lease, core_.config.accept_timeout);
  for (auto& assignment : state.assignments) {
    const auto entry = core_.find_build(assignment.build);
    if (!entry) continue;
    core_.set_assignment(entry, std::move(assignment));
    entry->overdue = fresh;
    if (entry->started()) {
      entry->progress = progress_of(steps_of(state, entry->assignment->id), entry->build.spec);
      entry->begun = core_.even.at_past(entry->assignment->started);
      // Counted anew: how long it ran nobody knows when the clock was set meanwhile, and the agent keeps the
      // limit in any case.
      entry->overdue = std::max(fresh, core_.steady() + time_allowed(entry->build.spec));
    }
    if (auto* node = core_.find_node(entry->assignment->agent)) node->work = entry->build.id;
  }
  if (const auto doubtful = core_.count_doubtful(); doubtful > 0)
    core_.parts.log.warning(
        "builds that waited in this database may have run since: they wait, see `footman reconcile`",
        {{"builds", doubtful}});
  std::vector<BuildId> cancelled;
  for (const auto& [id, entry] : core_.builds)
    if (entry->build.cancel_requested) cancelled.push_back(id);
  for (const auto id : cancelled) core_.scope.spawn("cancel", pursue_cancel(id));
  core_.scope.spawn("finish removals", finish_removals());
}

// --- submission

Awaitable<Result<store::SubmittedBuild>> Builds::submit(store::NewBuild build) {
  auto submitted = co_await core_.parts.store.submit_build(std::move(build));
  if (!submitted) co_return submitted;
  take_in(*submitted);
  co_return submitted;
}

void Builds::take_in(store::SubmittedBuild submitted) {
  core_.note_number(submitted.build);
  if (submitted.build.state == BuildState::finished || core_.find_build(submitted.build.id)) return;
  if (submitted.item.state != ItemState::queued) return;
  const auto entry = core_.insert_build(std::move(submitted.build), std::move(submitted.item),
                                        std::move(submitted.lost_agent));
  publish(*entry);
  core_.changed();
}

// --- cancel

Awaitable<Result<model::Build>> Builds::cancel(BuildId id, std::string reason) {
  if (!core_.find_build(id)) co_return co_await core_.parts.store.get_build(id);
  auto requested = co_await core_.parts.store.request_cancel(id, reason, core_.now());
  if (!requested) {
    // It may have finished on its own.
    if (requested.error().code == Errc::conflict) co_return co_await core_.parts.store.get_build(id);
    co_return requested;
  }
  if (const auto entry = core_.find_build(id)) {
    if (!entry->build.cancel_requested) core_.note_build(id, "cancel_asked", reason);
    entry->build.cancel_requested = true;
    core_.note_changed(*entry);
    entry->build.cancel_reason = requested->cancel_reason;
    publish(*entry);
  }
  co_await pursue_cancel(id);
  const auto entry = core_.find_build(id);
  if (entry) co_return entry->build;
  co_return co_await core_.parts.store.get_build(id);
}

Awaitable<Result<std::size_t>> Builds::release_doubtful(std::string text) {
  const auto count = core_.count_doubtful();
  if (count == 0) co_return 0;
  FOOTMAN_CO_TRY_STATUS(co_await core_.parts.store.release_items());
  for (const auto& [id, entry] : core_.builds) {
    if (!std::exchange(entry->item.in_doubt, false)) continue;
    core_.note_build(id, "released", "It may run, though it may have run already: " + text);
    publish(*entry);
  }
  core_.changed_items.all = true;
  core_.changed();
  core_.parts.log.warning("builds that may have run already are let run", {{"by", text}, {"builds", count}});
  co_return count;
}

Awaitable<void> Builds::pursue_cancel(BuildId id) {
  const auto turn = co_await core_.take_turn(id);
  if (!turn || !turn->build.cancel_requested) co_return;
  const auto entry = core_.find_build(id);
  if (!entry->started()) co_return co_await abort_unstarted(entry);
  entry->overdue = core_.steady() + entry->build.spec.grace + core_.config.cancel_limit;
  send_cancel(*entry);
}

void Builds::send_cancel(const BuildEntry& entry) {
  const auto* node = core_.find_node(entry.assignment->agent);
  if (node == nullptr || !node->resumed) return;  // Resume brings it up again
  core_.parts.crash_points.hit("cancel:before-send");
  core_.send(*node,
             protocol::Cancel{entry.assignment->id, entry.build.cancel_reason, entry.build.spec.grace});
}

Awaitable<void> Builds::abort_unstarted(BuildPtr entry) {
  store::FinishBuild end;
  end.result = BuildResult::aborted;
  end.reason =
      entry->build.cancel_reason.empty() ? "Cancelled before it started." : entry->build.cancel_reason;
  if (entry->assignment) {
    end.assignment_state = AssignmentState::revoked;
    if (const auto* node = core_.find_node(entry->assignment->agent))
      core_.send(*node, protocol::Withdraw{entry->assignment->id, "the build was cancelled"});
  }
  co_await finish(entry, std::move(end));
}

// --- the end

void Builds::note_end(const model::Build& build, const AgentId& agent) const {
  base::LogFields fields{{"build", build.id}, {"title", title_of(build)}};
  if (!agent.empty()) fields.push_back({"agent", agent});
  fields.push_back({"result", model::to_string(build.result)});
  if (!build.reason.empty()) fields.push_back({"reason", build.reason});
  core_.parts.log.info("build finished", fields);
}

Awaitable<void> Builds::finish(BuildPtr entry, store::FinishBuild end, std::string log_note) {
  const bool had_started = entry->started();
  AgentId agent;
  end.build = entry->build.id;
  if (entry->assignment) {
    agent = entry->assignment->agent;
    end.assignment = entry->assignment->id;
    end.log_bytes = co_await runtime::run_on(
        core_.parts.net, core_.hub->logs().close(entry->assignment->stream, std::move(log_note)));
  }
  end.now = core_.now();
  if (entry->begun.is_set()) end.worked = core_.time() - entry->begun;
  auto finished = co_await core_.until_stored([&] { return core_.parts.store.finish_build(end); });
  if (!finished) {
    core_.parts.log.error("build cannot be finished",
                          {{"build", entry->build.id}, {"error", base::describe(finished.error())}});
    co_return;
  }
  entry->build = std::move(finished->build);
  note_end(entry->build, agent);
  core_.parts.metrics
      .counter("footman_builds_finished_total", "Finished builds",
               {{"result", std::string(model::to_string(entry->build.result))}})
      .add();
  base::count_job_build(core_.parts.metrics, core_.config.name.str(), entry->build.job.str(),
                        model::to_string(entry->build.result));
  if (auto* node = core_.find_node(agent); node != nullptr && had_started) {
    ++node->node.builds_done;
    core_.note_agent(
        agent, "finished",
        fmt::format("{} ended: {}", title_of(entry->build), model::to_string(entry->build.result)));
  }
  entry->item.state = ItemState::left;
  core_.erase_build(entry);
  publish(*entry);
  if (finished->retry) take_in(std::move(*finished->retry));
  core_.changed();
  if (!entry->build.job.empty() || entry->build.number % kAdhocRetentionStep == 0)
    core_.scope.spawn("retention", retain(entry->build.job));
}

Duration Builds::time_allowed(const model::BuildSpec& spec) const {
  return core_.time_limit(spec) + spec.grace + core_.config.timeout_margin;
}

std::string cause_of_retry(const model::Build& build) {
  return fmt::format("retry {} of build {}, whose agent was lost", build.retry + 1, build.id.str());
}

Awaitable<void> Builds::lose(BuildPtr entry, WorkLoss loss) {
  const auto agent = entry->assignment->agent.str();
  store::FinishBuild end;
  end.assignment_state = AssignmentState::lost;
  end.result = loss.result;
  end.timed_out = loss.result == BuildResult::aborted && !entry->build.cancel_requested;
  end.reason = fmt::format("Agent {} was lost: {}", agent, loss.sentence);
  const auto* node = core_.find_node(entry->assignment->agent);
  const auto verdict = judge_retry(*entry, {.reason = loss.reason,
                                            .given_up = loss.result == BuildResult::aborted,
                                            .may_run_elsewhere = node != nullptr && node->may_be_elsewhere});
  if (verdict.again) end.retry_cause = cause_of_retry(entry->build);
  if (!verdict.why_not.empty())
    end.reason += fmt::format("{} {}", end.reason.ends_with('.') ? "" : ".", verdict.why_not);
  core_.parts.metrics.counter("footman_builds_lost_total", "Builds whose agent was lost").add();
  co_await finish(entry, std::move(end),
                  fmt::format("[footman] agent {} was lost here: {}", agent, loss.sentence));
}

policy::RetryVerdict Builds::judge_retry(const BuildEntry& entry, const policy::BuildLoss& loss) {
  const auto& build = entry.build;
  if (build.cancel_requested) return {};
  return policy::judge_retry(loss, build.spec.retries, build.retry);
}

Awaitable<void> Builds::return_work(BuildPtr entry, std::string reason) {
  const auto id = entry->assignment->id;
  const auto agent = entry->assignment->agent;
  const auto returned = co_await core_.until_stored(
      [&] { return core_.parts.store.return_assignment(id, reason, core_.now()); });
  if (!returned) {
    core_.parts.log.error("work cannot be returned to the queue",
                          {{"build", entry->build.id}, {"error", base::describe(returned.error())}});
    co_return;
  }
  core_.clear_assignment(entry);
  entry->item.state = ItemState::queued;
  entry->build.state = BuildState::queued;
  core_.queue.insert(entry);
  core_.note_changed(*entry);
  core_.note_build(entry->build.id, "returned",
                   fmt::format("Back to the queue from agent {}: {}", agent.str(), reason));
  publish(*entry);
  core_.changed();
}

Awaitable<void> Builds::give_back(AssignmentId id, AgentId agent, std::string reason) {
  const auto found = core_.find_assignment(id);
  if (!found) co_return;
  const auto turn = co_await core_.take_turn(found->build.id);
  if (!turn || !turn->assignment || turn->assignment->id != id || turn->assignment->agent != agent) co_return;
  const auto entry = core_.find_build(turn->build.id);
  if (entry->started()) co_return;
  if (entry->build.cancel_requested) co_return co_await abort_unstarted(entry);
  co_await return_work(entry, std::move(reason));
}

Awaitable<void> Builds::release(AgentId agent, WorkLoss loss) {
  const auto* node = core_.find_node(agent);
  if (node == nullptr || !node->work) co_return;
  const auto turn = co_await core_.take_turn(*node->work);
  if (!turn) co_return;
  const auto entry = core_.find_build(turn->build.id);
  if (!entry->assignment || entry->assignment->agent != agent) co_return unreserve(entry, agent);
  if (entry->started()) co_return co_await lose(entry, std::move(loss));
  if (entry->build.cancel_requested) co_return co_await abort_unstarted(entry);
  co_await return_work(entry, std::move(loss.sentence));
}

Awaitable<void> Builds::forgotten(AssignmentId id, std::string sentence) {
  const auto found = core_.find_assignment(id);
  if (!found) co_return;
  const auto turn = co_await core_.take_turn(found->build.id);
  if (!turn || !turn->assignment || turn->assignment->id != id) co_return;
  const auto entry = core_.find_build(turn->build.id);
  if (entry->started()) co_await lose(entry, {std::move(sentence), model::EndReason::session_lost});
}

void Builds::unreserve(const BuildPtr& entry, const AgentId& agent) {
  if (entry->reserved == agent) core_.clear_assignment(entry);
  core_.changed();
}

Awaitable<void> Builds::retain(JobPath path) {
  auto keep = core_.config.keep_adhoc_builds;
  Instant older_than;
  if (!path.empty()) {
    const auto job = core_.jobs.find(path);
    if (job == core_.jobs.end()) co_return;
    keep = job->second.keep_builds > 0 ? job->second.keep_builds : core_.config.keep_builds;
    if (job->second.keep_for.count() > 0)
      older_than = std::min(core_.now(), core_.time()) - job->second.keep_for;
  }
  const auto streams = co_await core_.parts.store.forget_builds(path, keep, older_than);
  if (!streams || streams->empty()) co_return;  // the next finished build looks again
  (void)co_await remove_forgotten_logs();
}

Awaitable<void> Builds::remove_logs() { (void)co_await remove_forgotten_logs(); }

// What the last life of the server forgot and did not come to remove.
Awaitable<void> Builds::finish_removals() {
  const auto count = co_await remove_forgotten_logs();
  if (count > 0)
    core_.parts.log.info("left-over logs of forgotten builds are removed", {{"logs", std::to_string(count)}});
}

// The rows go first, then the logs, then the list of them. What cannot be removed now is tried again with the
// next ones, and at the next start.
Awaitable<std::size_t> Builds::remove_forgotten_logs() {
  const auto pass = co_await removals_.enter();
  std::size_t count = 0;
  while (true) {
    const auto streams = co_await core_.parts.store.list_forgotten_streams();
    if (!streams || streams->empty()) co_return count;
    std::vector<StreamId> removed;
    removed.reserve(streams->size());
    for (const auto stream : *streams) {
      const auto gone = co_await runtime::run_on(core_.parts.net, core_.parts.log_store.remove(stream));
      if (gone) removed.push_back(stream);
    }
    count += removed.size();
    const auto left = streams->size() - removed.size();
    const auto confirmed = co_await core_.parts.store.confirm_removed_streams(std::move(removed));
    if (left > 0)
      core_.parts.log.warning("logs of forgotten builds cannot be removed", {{"logs", std::to_string(left)}});
    if (left > 0 || !confirmed) co_return count;
  }
}

// --- questions

Awaitable<Result<BuildExplanation>> Builds::explain(BuildId id, std::optional<QueueEntry> queue) {
  BuildExplanation told;
  auto& store = core_.parts.store;
  FOOTMAN_CO_TRY(told.build, co_await store.get_build(id));
  FOOTMAN_CO_TRY(told.assignments, co_await store.list_assignments(id));
  FOOTMAN_CO_TRY(told.streams, co_await store.list_streams(id));
  FOOTMAN_CO_TRY(told.timeline, co_await store.list_timeline("build:" + id.str()));
  if (!told.assignments.empty()) {
    FOOTMAN_CO_TRY(told.steps, co_await store.list_steps(told.assignments.back().id));
  }
  if (told.build.state != BuildState::finished) told.queue = std::move(queue);
  add_rows_to_timeline(told);
  co_return told;
}

namespace {

// A step whose end nobody reported ended with its assignment, as far as anybody can say.
std::string end_of_step(const model::StepRecord& step, const std::vector<model::Assignment>& assignments) {
  if (step.signal != 0) return fmt::format("Step '{}' was ended by signal {}", step.name, step.signal);
  if (step.exit_status)
    return fmt::format("Step '{}' ended with exit status {}", step.name, *step.exit_status);
  const auto of = std::ranges::find(assignments, step.assignment, &model::Assignment::id);
  const auto why = of == assignments.end() ? std::string() : of->end_reason;
  return fmt::format("How step '{}' ended is not known{}{}", step.name, why.empty() ? "" : ": ", why);
}

}  // namespace

// The rows know when what happened; only what no row tells is kept as a line of its own.
void Builds::add_rows_to_timeline(BuildExplanation& told) const {
  auto& lines = told.timeline;
  const auto add = [&](Instant at, std::string kind, std::string text) {
    if (at.is_set()) lines.push_back({at, std::move(kind), std::move(text)});
  };
  add(told.build.submitted, "submitted",
      told.build.cause.empty() ? "Submitted" : "Submitted: " + told.build.cause);
  for (const auto& one : told.assignments) {
    add(one.offered, "offered", "Offered to agent " + one.agent.str());
    add(one.accepted, "accepted", "Agent " + one.agent.str() + " accepted it");
    add(one.started, "started", "Started on agent " + one.agent.str());
  }
  for (const auto& step : told.steps) {
    add(step.started, "step_started", fmt::format("Step '{}' began", step.name));
    add(step.finished, "step_finished", end_of_step(step, told.assignments));
  }
  add(told.build.finished, "finished",
      fmt::format("It ended with {}{}{}", model::to_string(told.build.result),
                  told.build.reason.empty() ? "" : ": ", told.build.reason));
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
}

void Builds::publish(const BuildEntry& entry) {
  core_.publish("build", entry.build.id.str(), std::string(model::to_string(entry.build.state)));
  core_.publish("queue_item", entry.item.id.str(), std::string(model::to_string(entry.item.state)),
                entry.build.id.str());
}

}  // namespace footman::controller
