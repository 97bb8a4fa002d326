// Builds and their agents: offer, start, reports.
#include <fmt/format.h>

#include <algorithm>

#include "controller/builds.hpp"
#include "controller/log_hub.hpp"
#include "protocol/codec.hpp"

namespace footman::controller {

using base::Errc;
using model::AssignmentState;
using model::BuildResult;

namespace {

constexpr std::size_t kLeastMaskedLine = 6;  // shorter lines of a secret would mask half the log

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t", at)) != std::string::npos) {
    const auto end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// The value, and each line of a value of many lines: a key printed line by line is masked, too.
void add_masks(std::vector<base::Secret>& masks, std::string_view value) {
  if (value.empty()) return;
  masks.emplace_back(std::string(value));
  if (value.find('\n') == std::string_view::npos) return;
  for (std::size_t at = 0; at < value.size() && masks.size() < protocol::kMaxMasks;) {
    const auto end = std::min(value.find('\n', at), value.size());
    if (end - at >= kLeastMaskedLine) masks.emplace_back(std::string(value.substr(at, end - at)));
    at = end + 1;
  }
}

}  // namespace

// --- offer

Awaitable<Result<protocol::WorkSpec>> Builds::make_work(model::BuildSpec spec) {
  protocol::WorkSpec work;
  for (const auto& variable : spec.env) {
    if (variable.secret_ref.empty()) {
      work.env.push_back({variable.name, base::Secret(variable.value), false});
      continue;
    }
    auto value = co_await core_.parts.resolve_secret(variable.secret_ref);
    if (!value) {
      co_return base::fail(Errc::invalid_argument,
                           fmt::format("The secret {} of {} cannot be read: {}", variable.secret_ref,
                                       variable.name, value.error().message));
    }
    add_masks(work.masks, value->expose());
    work.env.push_back({variable.name, std::move(*value), true});
  }
  for (std::uint32_t i = 0; i < spec.steps.size(); ++i) {
    const auto& step = spec.steps[i];
    work.steps.push_back({name_of_step(spec, i), split_words(step.interpreter), step.script});
    if (step.unstable_exit_status == 0) continue;
    work.unstable_exit_statuses.resize(i);
    work.unstable_exit_statuses.push_back(step.unstable_exit_status);
  }
  work.timeout = core_.time_limit(spec);
  work.grace = spec.grace;
  work.log_limit_bytes = core_.log_limit(spec);
  co_return work;
}

Awaitable<void> Builds::offer(BuildId id, AgentId agent) {
  const auto reserved = core_.find_build(id);
  if (!reserved || reserved->reserved != agent || reserved->assignment) co_return;
  // Before the build's turn: a secret may take long to read, and whoever cancels does not wait for it.
  auto work = co_await make_work(reserved->build.spec);
  const auto turn = co_await core_.take_turn(id);
  if (!turn || turn->reserved != agent || turn->assignment) co_return;
  const auto entry = core_.find_build(id);
  if (entry->build.cancel_requested) co_return co_await abort_unstarted(entry);
  const auto* node = core_.find_node(agent);
  if (node == nullptr || !node->resumed) co_return unreserve(entry, agent);
  if (!work) {
    unreserve(entry, agent);
    store::FinishBuild end;
    end.result = BuildResult::not_built;
    end.reason = work.error().message;
    co_return co_await finish(entry, std::move(end));
  }
  co_await send_offer(entry, agent, std::move(*work));
}

Awaitable<void> Builds::send_offer(BuildPtr entry, AgentId agent, protocol::WorkSpec work) {
  const auto epoch = core_.find_node(agent)->node.epoch;
  auto offered = co_await core_.until_stored(
      [&] { return core_.parts.store.offer_assignment(entry->item.id, agent, epoch, core_.now()); });
  if (!offered) {
    core_.parts.log.error("offer refused by the store",
                          {{"build", entry->build.id}, {"error", base::describe(offered.error())}});
    co_return unreserve(entry, agent);
  }
  core_.set_assignment(entry, *offered);
  ++entry->build.attempts;
  entry->overdue = core_.steady() + core_.config.accept_timeout;
  publish(*entry);
  const auto* node = core_.find_node(agent);
  if (node == nullptr || !node->resumed || node->node.epoch != epoch)
    co_return co_await return_work(entry, "the agent's session ended");

  const auto& build = entry->build;
  work.workspace_key = build.job.empty() ? "adhoc-" + build.id.str() : build.job.str();
  protocol::Assign assign{offered->id,
                          build.id,
                          static_cast<std::uint64_t>(build.number),
                          build.job.empty() ? JobPath("adhoc") : build.job,
                          offered->stream,
                          std::move(work)};
  protocol::Message message(std::move(assign));
  if (const auto fits = protocol::check(message); !fits) {
    store::FinishBuild end;
    end.assignment_state = AssignmentState::revoked;
    end.result = BuildResult::not_built;
    end.reason = fmt::format("The build is too large for an agent: {}", fits.error().message);
    co_return co_await finish(entry, std::move(end));
  }
  core_.parts.crash_points.hit("assign:before-send");
  core_.send(*node, std::move(message));
  core_.changed();
}

// --- start

Awaitable<void> Builds::start(AssignmentId id, AgentId agent) {
  const auto found = core_.find_assignment(id);
  if (!found) co_return co_await answer_unknown(id, agent);
  const auto turn = co_await core_.take_turn(found->build.id);
  if (!turn || !turn->assignment || turn->assignment->id != id || turn->assignment->agent != agent)
    co_return co_await answer_unknown(id, agent);
  const auto entry = core_.find_build(turn->build.id);
  auto& store = core_.parts.store;
  if (!entry->started()) {
    if (entry->build.cancel_requested) co_return co_await abort_unstarted(entry);
    const auto accepted =
        co_await core_.until_stored([&] { return store.accept_assignment(id, core_.now()); });
    if (!accepted) {
      core_.parts.log.error("accept refused by the store",
                            {{"build", entry->build.id}, {"error", base::describe(accepted.error())}});
      co_return;
    }
    entry->assignment = *accepted;
    // Its session may have ended while the acceptance was stored: then the build is still free to go
    // elsewhere.
    if (const auto* node = core_.find_node(agent); node == nullptr || !node->resumed) co_return;
    const auto started = co_await core_.until_stored([&] { return store.start_assignment(id, core_.now()); });
    if (!started) {
      core_.parts.log.error("start refused by the store",
                            {{"build", entry->build.id}, {"error", base::describe(started.error())}});
      co_return;
    }
    entry->assignment = *started;
    entry->build.state = model::BuildState::running;
    entry->build.started = started->started;
    entry->begun = core_.time();
    entry->overdue = core_.steady() + time_allowed(entry->build.spec);
    queue_wait_.observe(std::chrono::duration<double>(entry->begun - entry->submitted).count());
    core_.parts.log.info("build started",
                         {{"build", entry->build.id}, {"title", title_of(entry->build)}, {"agent", agent}});
    publish(*entry);
    if (auto* taker = core_.find_node(agent)) taker->declined = 0;
    core_.changed_nodes.add(agent);
    core_.changed();
  }
  const auto* node = core_.find_node(agent);
  if (node == nullptr) co_return;
  core_.parts.crash_points.hit("start:before-send");
  core_.send_start(*node, *entry->assignment);
  if (entry->build.cancel_requested) core_.scope.spawn("cancel", pursue_cancel(entry->build.id));
}

// --- reports

Builds::ReportKind Builds::judge_report(const BuildPtr& entry, AssignmentId id, const AgentId& agent,
                                        std::uint64_t report) {
  if (!entry || !entry->started() || entry->assignment->id != id || entry->assignment->agent != agent)
    return ReportKind::refused;
  return report <= entry->progress.last_report ? ReportKind::repeated : ReportKind::fresh;
}

Awaitable<Status> Builds::step_started(protocol::StepStarted report, AgentId agent) {
  co_return co_await apply_step(report, std::move(agent));
}

Awaitable<Status> Builds::step_finished(protocol::StepFinished report, AgentId agent) {
  co_return co_await apply_step(report, std::move(agent));
}

ReportFrame Builds::frame_of(const BuildEntry& entry) const {
  ReportFrame frame{.spec = entry.build.spec, .progress = entry.progress};
  frame.started = entry.assignment->started;
  frame.now = core_.now();
  frame.elapsed = core_.time() - entry.begun;
  if (const auto* node = core_.find_node(entry.assignment->agent)) {
    if (node->host) frame.cpus = node->host->cpus;
    if (node->host) frame.memory_bytes = node->host->memory_bytes;
    frame.noticed = node->noticed;
  }
  frame.cancelled = entry.build.cancel_requested;
  return frame;
}

namespace {

// Its agent has it, and was not told to start it.
bool is_offered(const BuildEntry& entry, AssignmentId id, const AgentId& agent) {
  return entry.assignment && !entry.started() && entry.assignment->id == id &&
         entry.assignment->agent == agent;
}

}  // namespace

template <class Report>
Awaitable<Status> Builds::apply_step(Report report, AgentId agent) {
  const auto entry = core_.find_assignment(report.assignment);
  if (!entry) {
    co_await answer_unknown(report.assignment, agent);
    co_return Status();
  }
  const auto turn = co_await core_.take_turn(entry->build.id);
  const auto kind = turn ? judge_report(entry, report.assignment, agent, report.report) : ReportKind::refused;
  if (kind == ReportKind::refused) {
    if (turn && is_offered(*turn, report.assignment, agent))
      co_return base::fail(Errc::corrupt, "it reported a step of work that it had not been told to start");
    co_await answer_unknown(report.assignment, agent);
    co_return Status();
  }
  if (kind == ReportKind::fresh) {
    auto step = believe_step(report, frame_of(*entry));
    if (!step) co_return std::unexpected(step.error());
    step->assignment = report.assignment;
    const bool ended = step->finished.is_set();
    if (!ended && step->index == 0)
      core_.note_agent(agent, "first_step", "First step of " + title_of(entry->build));
    const auto stored = co_await core_.until_stored([&] { return core_.parts.store.record_step(*step); });
    if (!stored)
      core_.parts.log.error("step not stored",
                            {{"build", entry->build.id}, {"error", base::describe(stored.error())}});
    note_step(entry->progress, *step, entry->build.spec);
    core_.publish("step", std::to_string(step->index), ended ? "finished" : "running", entry->build.id.str());
  }
  if (const auto* node = core_.find_node(agent))
    core_.send(*node, protocol::ReportAck{report.assignment, entry->progress.last_report});
  co_return Status();
}

namespace {

struct Ending {
  BuildResult result = BuildResult::failure;
  std::string reason;
  bool timed_out = false;
};

Ending judge_outcome(const protocol::BuildFinished& report, const model::Build& build) {
  using protocol::BuildOutcome;
  const auto said = [&](std::string otherwise) { return report.reason.empty() ? otherwise : report.reason; };
  switch (report.outcome) {
    case BuildOutcome::success:
      return {BuildResult::success, ""};
    case BuildOutcome::failure:
      return {BuildResult::failure, said("A step failed.")};
    case BuildOutcome::aborted:
      return {BuildResult::aborted, said(build.cancel_reason.empty() ? "Aborted." : build.cancel_reason)};
    case BuildOutcome::timed_out:
      return {BuildResult::aborted, said("It took longer than its time limit."), true};
    case BuildOutcome::lost_by_notice:
      return {BuildResult::failure, said("The agent's machine was taken away.")};
    case BuildOutcome::agent_error:
      return {BuildResult::failure, said("The agent could not run it.")};
  }
  return {BuildResult::failure, said("The agent reported an unknown outcome.")};
}

// Not by the build's own work.
bool is_loss(protocol::BuildOutcome outcome) {
  return outcome == protocol::BuildOutcome::lost_by_notice || outcome == protocol::BuildOutcome::agent_error;
}

}  // namespace

store::FinishBuild Builds::make_end(const protocol::BuildFinished& report, const BuildEntry& entry) const {
  const auto& progress = entry.progress;
  auto ending = judge_outcome(report, entry.build);
  store::FinishBuild end;
  end.result = ending.result;
  end.reason = std::move(ending.reason);
  end.timed_out = ending.timed_out;
  if (report.outcome == protocol::BuildOutcome::failure)
    end.exit_status = progress.failed->exit_status;
  else if (report.outcome == protocol::BuildOutcome::success)
    end.exit_status = 0;
  if (const auto& step = progress.unstable; step && report.outcome == protocol::BuildOutcome::success) {
    end.result = BuildResult::unstable;
    end.exit_status = step->exit_status;
    end.reason = fmt::format("Step '{}' exited with status {}, which makes the build unstable.",
                             name_of_step(entry.build.spec, step->step), *step->exit_status);
  }
  if (is_loss(report.outcome)) {
    policy::BuildLoss loss{.nothing_began = progress.nothing_began()};
    if (report.outcome == protocol::BuildOutcome::lost_by_notice) loss.reason = model::EndReason::notice;
    if (judge_retry(entry, loss).again) end.retry_cause = cause_of_retry(entry.build);
  }
  return end;
}

Awaitable<Status> Builds::build_finished(protocol::BuildFinished report, AgentId agent,
                                         ConnectionId connection) {
  const auto entry = core_.find_assignment(report.assignment);
  if (judge_report(entry, report.assignment, agent, report.report) == ReportKind::refused) {
    co_await answer_unknown(report.assignment, agent);
    co_return Status();
  }
  const auto stream = entry->assignment->stream;
  // Not before the whole log is on disk. When the session ends meanwhile the agent repeats the report.
  const auto durable = co_await runtime::run_on(
      core_.parts.net, core_.hub->logs().wait_durable(stream, report.log_end, connection));
  if (!durable) co_return std::unexpected(durable.error());
  if (!*durable) co_return Status();
  const auto turn = co_await core_.take_turn(entry->build.id);
  if (!turn || !turn->started() || turn->assignment->id != report.assignment) {
    co_await answer_unknown(report.assignment, agent);
    co_return Status();
  }
  FOOTMAN_CO_TRY_STATUS(believe_end(report, frame_of(*entry)));
  co_await finish(entry, make_end(report, *entry));
  const auto* node = core_.find_node(agent);
  if (!entry->over || node == nullptr) co_return Status();
  core_.parts.crash_points.hit("finish:before-ack");
  acknowledge_end(*node, report.assignment);
  co_return Status();
}

void Builds::acknowledge_end(const NodeEntry& node, AssignmentId id) {
  core_.send(node, protocol::FinishedAck{id});
  if (node.spent()) core_.send(node, protocol::Drain{std::string(node.spent_text())});
}

Awaitable<void> Builds::answer_unknown(AssignmentId id, AgentId agent) {
  const auto known = co_await core_.parts.store.list_assignments_of_agent(agent);
  const auto* node = core_.find_node(agent);
  if (!known || node == nullptr) co_return;
  for (const auto& one : *known) {
    if (one.id != id || one.state != AssignmentState::finished) continue;
    co_return acknowledge_end(*node, id);
  }
  late_reports_.add();
  core_.send(*node, protocol::Withdraw{id, "the work is not this agent's any more"});
}

}  // namespace footman::controller
