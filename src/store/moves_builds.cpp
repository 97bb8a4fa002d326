// Builds: submitted, cancelled, finished, forgotten.
#include <algorithm>

#include "store/check_transition.hpp"
#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

using model::AssignmentState;
using model::Build;
using model::BuildState;
using model::ItemState;

namespace {

constexpr std::size_t kMaxForgotten = 200;  // builds per call; the next call goes on

Result<model::QueueItem> newest_item(Database& db, BuildId build) {
  auto items = select<model::QueueItem>(db, "WHERE build = ? ORDER BY id DESC LIMIT 1", build);
  if (items.empty()) throw_corrupt("build " + build.str() + " has no queue item");
  return std::move(items.front());
}

Result<std::optional<SubmittedBuild>> find_by_key(Database& db, const NewBuild& request) {
  if (request.idempotency_key.empty()) return std::nullopt;
  std::string hash;
  BuildId id;
  {
    auto rows =
        db.query("SELECT request_hash, build FROM idempotency_keys WHERE key = ?", request.idempotency_key);
    if (!rows.step()) return std::nullopt;
    rows.read(hash, id);
  }
  if (hash != request.request_hash)
    return fail(Errc::conflict, "Another request was made with this idempotency key", "idempotency_key");
  FOOTMAN_TRY(auto build, get<Build>(db, id));
  FOOTMAN_TRY(auto item, newest_item(db, id));
  return SubmittedBuild{std::move(build), std::move(item), true};
}

std::int64_t take_number(Database& db, const JobPath& job) {
  return db.get<std::int64_t>(
      "INSERT INTO job_numbers VALUES (?, 2) "
      "ON CONFLICT (path) DO UPDATE SET next_number = next_number + 1 RETURNING next_number - 1",
      job);
}

// A new build: its number, its row, its queue item.
SubmittedBuild put_in_queue(Database& db, Build build, Instant quiet_until) {
  build.number = take_number(db, build.job);
  insert(db, build);
  model::QueueItem item;
  item.build = build.id;
  item.job = build.job;
  item.label = build.spec.label;
  item.since = build.submitted;
  item.quiet_until = quiet_until;
  insert(db, item);
  return {std::move(build), std::move(item), false};
}

SubmittedBuild submit_retry(Database& db, const Build& lost, const FinishBuild& finish) {
  Build next;
  next.job = lost.job;
  next.cause = finish.retry_cause;
  next.spec = lost.spec;
  next.parameters = lost.parameters;
  next.submitted = finish.now;
  next.retry_of = lost.id;
  next.retry = lost.retry + 1;
  return put_in_queue(db, std::move(next), {});
}

// The agent that a build was lost with, while its record is open: what ran there may run still.
AgentId find_lost_agent(Database& db, AssignmentId lost) {
  return db.get<AgentId>(
      "SELECT agents.id FROM assignments JOIN agents ON agents.id = assignments.agent "
      "WHERE assignments.id = ? AND assignments.state = 'lost' AND agents.state <> 'terminated'",
      lost);
}

// The assignment's own end: its state, its stream, and the count of its agent.
Status end_assignment(Database& db, model::Assignment one, const FinishBuild& finish, CostLines* told) {
  FOOTMAN_TRY_STATUS(check_transition("Assignment " + one.id.str(), one.state, finish.assignment_state));
  const bool worked = one.state == AssignmentState::started;
  if (worked) db.run("UPDATE nodes SET builds_done = builds_done + 1 WHERE agent = ?", one.agent);
  one.state = finish.assignment_state;
  one.ended = finish.now;
  one.end_reason = finish.reason;
  update(db, one);
  // Steps whose end nobody reported: their agent was lost.
  db.run(
      "UPDATE steps SET finished = max(started, ?), wall_time = max(0, ? - started) WHERE assignment = ? AND "
      "finished = 0",
      finish.now, finish.now, one.id);
  if (worked) note_work(db, one, finish.worked.value_or(one.ended - one.started), told);
  if (finish.log_bytes)
    db.run("UPDATE log_streams SET closed = 1, final_bytes = ? WHERE id = ?", *finish.log_bytes, one.stream);
  return {};
}

Status end_assignments(Database& db, const FinishBuild& finish, CostLines* told) {
  auto open = select<model::Assignment>(db, "WHERE build = ? AND state IN ('offered', 'accepted', 'started')",
                                        finish.build);
  const bool named = !finish.assignment.empty();
  if (open.size() != (named ? 1U : 0U) || (named && open.front().id != finish.assignment))
    return fail(Errc::conflict, "Build " + finish.build.str() +
                                    (open.empty() ? " has no open assignment"
                                                  : " has the open assignment " + open.front().id.str()));
  return named ? end_assignment(db, std::move(open.front()), finish, told) : Status();
}

}  // namespace

Result<SubmittedBuild> submit_build(Database& db, const NewBuild& request) {
  FOOTMAN_TRY(auto known, find_by_key(db, request));
  if (known) return *std::move(known);
  if (!request.job.empty() && !find<model::Job>(db, request.job))
    return fail(Errc::not_found, "There is no job " + request.job.str(), "job");
  Build build;
  build.job = request.job;
  build.cause = request.cause;
  build.spec = request.spec;
  build.parameters = request.parameters;
  build.submitted = request.now;
  auto made = put_in_queue(db, std::move(build), request.quiet_until);
  if (!request.idempotency_key.empty())
    db.run("INSERT INTO idempotency_keys VALUES (?, ?, ?)", request.idempotency_key, request.request_hash,
           made.build.id);
  return made;
}

Result<Build> request_cancel(Database& db, BuildId id, const std::string& reason) {
  FOOTMAN_TRY(auto build, get<Build>(db, id));
  if (build.state == BuildState::finished) return fail(Errc::conflict, "Build " + id.str() + " is finished");
  if (build.cancel_requested) return build;
  build.cancel_requested = true;
  build.cancel_reason = reason;
  update(db, build);
  return build;
}

Result<FinishedBuild> finish_build(Database& db, const FinishBuild& finish, CostLines* told) {
  FOOTMAN_TRY(auto build, get<Build>(db, finish.build));
  if (build.state == BuildState::finished) return FinishedBuild{std::move(build), {}};
  if (finish.result == model::BuildResult::none)
    return fail(Errc::invalid_argument, "A finished build has a result", "result");
  FOOTMAN_TRY_STATUS(end_assignments(db, finish, told));
  FOOTMAN_TRY_STATUS(check_transition("Build " + build.id.str(), build.state, BuildState::finished));
  build.state = BuildState::finished;
  build.result = finish.result;
  build.reason = finish.reason;
  build.exit_status = finish.exit_status;
  build.timed_out = finish.timed_out;
  build.finished = finish.now;
  std::optional<SubmittedBuild> retry;
  if (!finish.retry_cause.empty() && !build.cancel_requested) {
    retry = submit_retry(db, build, finish);
    retry->lost_agent = find_lost_agent(db, finish.assignment);
    build.retried_by = retry->build.id;
  }
  update(db, build);
  db.run("UPDATE queue_items SET state = ?, assignment = 0 WHERE build = ? AND state <> 'left'",
         ItemState::left, build.id);
  return FinishedBuild{std::move(build), std::move(retry)};
}

Result<std::vector<StreamId>> forget_builds(Database& db, const JobPath& job, std::uint32_t keep,
                                            Instant older_than) {
  std::vector<BuildId> builds;
  const auto collect = [&](Query query) {
    while (query.step()) query.read(builds.emplace_back());
  };
  if (keep > 0)
    collect(
        db.query("SELECT id FROM builds WHERE state = 'finished' AND job = ? "
                 "ORDER BY finished DESC, id DESC LIMIT ? OFFSET ?",
                 job, kMaxForgotten, keep));
  if (older_than.is_set() && builds.size() < kMaxForgotten)
    collect(
        db.query("SELECT id FROM builds WHERE state = 'finished' AND job = ? AND finished < ? "
                 "ORDER BY finished, id LIMIT ?",
                 job, older_than, kMaxForgotten - builds.size()));
  std::sort(builds.begin(), builds.end());
  builds.erase(std::unique(builds.begin(), builds.end()), builds.end());
  std::vector<StreamId> streams;
  for (const auto id : builds) {
    auto query = db.query("SELECT id FROM log_streams WHERE build = ? ORDER BY id", id);
    while (query.step()) query.read(streams.emplace_back());
  }
  for (const auto id : streams) db.run("INSERT INTO forgotten_streams VALUES (?)", id);
  for (const auto id : builds) {
    db.run("DELETE FROM timeline WHERE subject = ?", "build:" + id.str());
    db.run("DELETE FROM builds WHERE id = ?", id);  // and what hangs on it
  }
  return streams;
}

Status confirm_removed_streams(Database& db, const std::vector<StreamId>& streams) {
  for (const auto id : streams) db.run("DELETE FROM forgotten_streams WHERE id = ?", id);
  return {};
}

}  // namespace footman::store::moves
