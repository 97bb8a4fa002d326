// Runs moves one after the other on the store's executor; those that arrived together share one commit.
//
// A turn takes what waits: BEGIN, each move in its own savepoint (one that fails takes back only itself),
// COMMIT, then the answers. When the commit fails nothing of the turn has happened and every move of it gets
// the error; questions are asked again, so that reading works on a full disk. All members on the executor.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/crash_points.hpp"
#include "runtime/wait.hpp"
#include "store/database.hpp"
#include "store/ids.hpp"

namespace footman::store {

inline constexpr std::size_t kMaxMovesPerCommit = 512;
inline constexpr std::size_t kMaxWaitingMoves = 100'000;  // beyond: unavailable

// What waits for its turn.
class Move {
 public:
  virtual ~Move() = default;
  virtual bool run(Database& database) = 0;  // false: take back what it did
  virtual void fail(base::Error error) = 0;
  virtual base::Error error() const = 0;  // of a move that failed
  bool writes() const { return !name.empty(); }

  std::string_view name;  // of a move that writes; empty: a question
  bool ok = false;
  bool answered = false;
  runtime::Event answer;
};

template <class R>
class MoveOf final : public Move {
 public:
  using Body = std::function<R(Database&)>;
  MoveOf(std::string_view the_name, Body body) : body_(std::move(body)) { name = the_name; }
  bool run(Database& database) override {
    result.emplace(body_(database));
    return result->has_value();
  }
  void fail(base::Error error) override { result.emplace(std::unexpected(std::move(error))); }
  base::Error error() const override { return result->error(); }

  std::optional<R> result;

 private:
  Body body_;
};

// What takes long and is no move: a backup.
class Chore {
 public:
  virtual ~Chore() = default;
  virtual bool go_on(Database& database) = 0;  // a piece of it; false: it is over
  virtual void abandon() = 0;                  // the database is being closed
};

class MoveQueue : public std::enable_shared_from_this<MoveQueue> {
 public:
  MoveQueue(runtime::Executor executor, Database database, runtime::CrashPoints crash_points,
            base::Logger log, std::optional<IdReserve> ids = {});

  // Completes when the move has its result and is durable. A caller that is cancelled does not take its move
  // back.
  static runtime::Awaitable<void> perform(std::shared_ptr<MoveQueue> queue, std::shared_ptr<Move> move);

  // Goes on between the turns, a piece at a time.
  void add_chore(std::shared_ptr<Chore> chore);

  // Runs what waits, abandons the chores and closes the database; later moves are refused.
  void close();

  bool is_failing() const { return failing_.load(std::memory_order_relaxed); }  // any thread

 private:
  using Batch = std::vector<std::shared_ptr<Move>>;
  class Turn;

  void push(std::shared_ptr<Move> move);
  void schedule();
  void take_turn();
  void run_batch(Batch& batch);
  base::Status try_commit(Batch& batch);
  void run_in_savepoint(Move& move);
  void run_move(Move& move);
  void roll_back();
  void hit(std::string_view when, const Batch& batch) const;
  void note(const base::Status& committed);
  static void answer(Move& move);

  runtime::Executor executor_;
  std::optional<Database> database_;
  std::optional<IdReserve> ids_;  // of a database in a file
  runtime::CrashPoints crash_points_;
  base::Logger log_;
  std::deque<std::shared_ptr<Move>> waiting_;
  std::deque<std::shared_ptr<Chore>> chores_;
  bool scheduled_ = false;
  std::atomic<bool> failing_{false};
};

}  // namespace footman::store
