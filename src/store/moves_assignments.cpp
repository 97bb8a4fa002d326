// Assignments: offered, accepted, started, returned; their steps.
#include <fmt/format.h>

#include "store/check_transition.hpp"
#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

using model::Assignment;
using model::AssignmentState;
using model::BuildState;
using model::ItemState;

namespace {

Status change_state(Assignment& one, AssignmentState to) {
  FOOTMAN_TRY_STATUS(check_transition("Assignment " + one.id.str(), one.state, to));
  one.state = to;
  return {};
}

// The assignment that this very offer made before.
std::optional<Assignment> find_repeated(Database& db, const model::QueueItem& item, const AgentId& agent,
                                        std::uint64_t epoch) {
  if (item.state != ItemState::pending) return std::nullopt;
  auto one = find<Assignment>(db, item.assignment);
  if (!one || one->state != AssignmentState::offered || one->agent != agent || one->epoch != epoch)
    return std::nullopt;
  return one;
}

Assignment insert_assignment(Database& db, const model::QueueItem& item, const AgentId& agent,
                             std::uint64_t epoch, Instant now) {
  Assignment one;
  one.build = item.build;
  one.item = item.id;
  one.agent = agent;
  one.epoch = epoch;
  one.offered = now;
  insert(db, one);
  model::LogStream stream;
  stream.build = item.build;
  stream.assignment = one.id;
  insert(db, stream);
  one.stream = stream.id;
  db.run("UPDATE assignments SET stream = ? WHERE id = ?", one.stream, one.id);
  return one;
}

}  // namespace

Result<Assignment> offer_assignment(Database& db, QueueItemId id, const AgentId& agent, std::uint64_t epoch,
                                    Instant now) {
  FOOTMAN_TRY(auto item, get<model::QueueItem>(db, id));
  if (auto repeated = find_repeated(db, item, agent, epoch)) return *std::move(repeated);
  FOOTMAN_TRY_STATUS(check_transition("Queue item " + id.str(), item.state, ItemState::pending));
  auto one = insert_assignment(db, item, agent, epoch, now);
  item.state = ItemState::pending;
  item.assignment = one.id;
  update(db, item);
  db.run("UPDATE builds SET attempts = attempts + 1 WHERE id = ?", item.build);
  return one;
}

Result<Assignment> accept_assignment(Database& db, AssignmentId id, Instant now) {
  FOOTMAN_TRY(auto one, get<Assignment>(db, id));
  if (one.state == AssignmentState::accepted) return one;
  FOOTMAN_TRY_STATUS(change_state(one, AssignmentState::accepted));
  one.accepted = now;
  update(db, one);
  return one;
}

Result<Assignment> start_assignment(Database& db, AssignmentId id, Instant now) {
  FOOTMAN_TRY(auto one, get<Assignment>(db, id));
  if (one.state == AssignmentState::started) return one;
  FOOTMAN_TRY_STATUS(change_state(one, AssignmentState::started));
  one.started = now;
  update(db, one);
  BuildState build{};
  {
    auto rows = db.query("SELECT state FROM builds WHERE id = ?", one.build);
    if (!rows.step()) throw_corrupt("assignment " + id.str() + " has no build");
    rows.read(build);
  }
  FOOTMAN_TRY_STATUS(check_transition("Build " + one.build.str(), build, BuildState::running));
  db.run("UPDATE builds SET state = ?, started = ? WHERE id = ?", BuildState::running, now, one.build);
  return one;
}

Status return_assignment(Database& db, AssignmentId id, const std::string& reason, Instant now) {
  FOOTMAN_TRY(auto one, get<Assignment>(db, id));
  if (one.state == AssignmentState::revoked) return {};
  FOOTMAN_TRY_STATUS(change_state(one, AssignmentState::revoked));
  one.ended = now;
  one.end_reason = reason;
  update(db, one);
  db.run("UPDATE log_streams SET closed = 1, final_bytes = 0 WHERE id = ?", one.stream);  // it never began
  FOOTMAN_TRY(auto item, get<model::QueueItem>(db, one.item));
  FOOTMAN_TRY_STATUS(check_transition("Queue item " + item.id.str(), item.state, ItemState::queued));
  item.state = ItemState::queued;
  item.assignment = {};
  update(db, item);
  return {};
}

Status record_step(Database& db, const model::StepRecord& step) {
  if (db.get<std::int64_t>("SELECT count(*) FROM assignments WHERE id = ?", step.assignment) == 0)
    return fail(Errc::not_found, "There is no assignment " + step.assignment.str());
  // A step that has finished does not run again, however late its beginning is reported.
  db.run(
      "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "name = excluded.name, started = excluded.started, finished = excluded.finished, "
      "exit_status = excluded.exit_status, signal = excluded.signal, out_of_memory = excluded.out_of_memory, "
      "peak_memory_bytes = excluded.peak_memory_bytes, cpu_time = excluded.cpu_time, "
      "wall_time = excluded.wall_time WHERE finished = 0 OR excluded.finished <> 0",
      step.assignment, step.index, step.name, step.started, step.finished, step.exit_status, step.signal,
      step.out_of_memory, step.peak_memory_bytes, step.cpu_time, step.wall_time);
  return {};
}

namespace {

constexpr std::string_view kSelectSteps =
    "SELECT assignment, step, name, started, finished, exit_status, signal, out_of_memory, "
    "peak_memory_bytes, cpu_time, wall_time FROM steps WHERE assignment";

std::vector<model::StepRecord> read_steps(Query rows) {
  std::vector<model::StepRecord> steps;
  while (rows.step()) {
    auto& step = steps.emplace_back();
    rows.read(step.assignment, step.index, step.name, step.started, step.finished, step.exit_status,
              step.signal, step.out_of_memory, step.peak_memory_bytes, step.cpu_time, step.wall_time);
  }
  return steps;
}

}  // namespace

Result<std::vector<model::StepRecord>> list_steps(Database& db, AssignmentId assignment) {
  return read_steps(db.query(fmt::format("{} = ? ORDER BY step", kSelectSteps), assignment));
}

std::vector<model::StepRecord> list_open_steps(Database& db, std::string_view open_assignments) {
  return read_steps(db.query(fmt::format("{} IN (SELECT id FROM assignments {}) ORDER BY assignment, step",
                                         kSelectSteps, open_assignments)));
}

}  // namespace footman::store::moves
