#include "store/move_queue.hpp"

#include <algorithm>
#include <string>

#include "base/check.hpp"
#include "runtime/post.hpp"
#include "store/crash_points.hpp"

namespace footman::store {

using base::Errc;
using base::Error;

// The queue's next turn on the executor. An executor may drop it (a crash in the simulation): then the next
// push asks for another one.
class MoveQueue::Turn {
 public:
  explicit Turn(std::shared_ptr<MoveQueue> queue) : queue_(std::move(queue)) {}
  Turn(Turn&&) noexcept = default;
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (queue_) queue_->scheduled_ = false;
  }
  void operator()() {
    const auto queue = std::move(queue_);
    queue->scheduled_ = false;
    queue->take_turn();
  }

 private:
  std::shared_ptr<MoveQueue> queue_;
};

MoveQueue::MoveQueue(runtime::Executor executor, Database database, runtime::CrashPoints crash_points,
                     base::Logger log, std::optional<IdReserve> ids)
    : executor_(std::move(executor)),
      database_(std::move(database)),
      ids_(std::move(ids)),
      crash_points_(std::move(crash_points)),
      log_(std::move(log)) {}

runtime::Awaitable<void> MoveQueue::perform(std::shared_ptr<MoveQueue> queue, std::shared_ptr<Move> move) {
  queue->push(move);
  while (!move->answered) co_await move->answer.wait();
}

void MoveQueue::push(std::shared_ptr<Move> move) {
  if (!database_ || waiting_.size() >= kMaxWaitingMoves) {
    move->fail({Errc::unavailable,
                database_ ? "Too many changes wait for the database" : "The database is closed",
                {},
                {}});
    return answer(*move);
  }
  waiting_.push_back(std::move(move));
  schedule();
}

void MoveQueue::add_chore(std::shared_ptr<Chore> chore) {
  if (!database_) return chore->abandon();
  chores_.push_back(std::move(chore));
  schedule();
}

void MoveQueue::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  runtime::post(executor_, Turn(shared_from_this()));
}

void MoveQueue::take_turn() {
  if (!database_) return;
  Batch batch;
  const auto count = std::min(waiting_.size(), kMaxMovesPerCommit);
  std::move(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(batch));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!batch.empty()) run_batch(batch);
  // One after the other: two backups to the same place do not meet.
  if (!chores_.empty() && !chores_.front()->go_on(*database_)) chores_.pop_front();
  if (!waiting_.empty() || !chores_.empty()) schedule();
}

void MoveQueue::close() {
  while (database_ && !waiting_.empty()) take_turn();
  for (auto& chore : std::exchange(chores_, {})) chore->abandon();
  if (database_ && ids_) ids_->settle(*database_);
  database_.reset();
}

// --- one commit

void MoveQueue::run_batch(Batch& batch) {
  const bool writes = std::any_of(batch.begin(), batch.end(), [](const auto& one) { return one->writes(); });
  base::Status committed;
  if (writes) {
    committed = try_commit(batch);
    note(committed);
  }
  for (auto& move : batch) {
    if (!move->writes() && !(writes && committed)) run_move(*move);
    if (move->writes() && !committed) move->fail(committed.error());
    answer(*move);
  }
}

base::Status MoveQueue::try_commit(Batch& batch) {
  try {
    database_->run("BEGIN IMMEDIATE");
    for (auto& move : batch) {
      run_in_savepoint(*move);
    }
    if (ids_) ids_->cover(*database_);
    hit(kBeforeCommit, batch);
    database_->run("COMMIT");
  } catch (const SqlError& error) {
    roll_back();
    return std::unexpected(error.error());
  }
  hit(kAfterCommit, batch);
  return {};
}

void MoveQueue::run_in_savepoint(Move& move) {
  if (move.writes()) database_->run("SAVEPOINT move");
  run_move(move);
  // No space, a broken disk: SQLite may have taken back the whole transaction, and with it this savepoint.
  if (!database_->in_transaction()) {
    FOOTMAN_CHECK(!move.ok, "a move does not end the transaction itself");
    throw SqlError(move.error());
  }
  if (!move.writes()) return;
  if (!move.ok) database_->run("ROLLBACK TO move");
  database_->run("RELEASE move");
}

void MoveQueue::run_move(Move& move) {
  try {
    move.ok = move.run(*database_);
  } catch (const SqlError& error) {
    move.ok = false;
    move.fail(error.error());
  }
}

void MoveQueue::roll_back() {
  try {
    if (database_->in_transaction()) database_->run("ROLLBACK");
  } catch (const SqlError& error) {
    log_.error("the database cannot roll back", {{"error", base::describe(error.error())}});
  }
}

void MoveQueue::hit(std::string_view when, const Batch& batch) const {
  if (!crash_points_.armed()) return;
  for (const auto& move : batch)
    if (move->ok && move->writes()) crash_points_.hit(std::string(when).append(move->name));
}

// Says once that it fails, and once that it works again.
void MoveQueue::note(const base::Status& committed) {
  if (!committed && !failing_)
    log_.error("the database cannot be written", {{"error", base::describe(committed.error())}});
  if (committed && failing_) log_.info("the database can be written again");
  failing_ = !committed;
}

void MoveQueue::answer(Move& move) {
  move.answered = true;
  move.answer.notify();
}

}  // namespace footman::store
