// The simulated machine room: one thread, virtual time, executors that can die.
//
// A Life is one life of a node (a process), from its start to its orderly end or crash. It has Lanes: FIFO
// queues, one for each of its executors (a server has "control" and "net"). step() runs one handler of a lane
// chosen at random; handlers of one lane keep their order, as on a real single-threaded executor. When
// nothing is ready, time jumps to the next timer; all timers due at one instant are released together, in an
// order from the seed.
//
// A crash: stop() the life (nothing of it ever runs again; its timers are gone), destroy its objects, then
// destroy() what its lanes still hold. condemn() from inside one of its handlers asks for that.
#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "virtual_time/dice.hpp"
#include "virtual_time/trace.hpp"

namespace footman::virtual_time {

using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using Task = std::move_only_function<void()>;

class Life;
class SimLoop;

class Lane final : public boost::asio::execution_context {
 public:
  Lane(SimLoop& loop, Life& life, std::string name, bool urgent);

  void push(Task task);
  bool is_current() const;  // one of its handlers runs at this moment, and the life goes on
  bool running() const;
  // What may run at once does: on the lane itself, and after a crash, when all that still comes is the wish
  // of dropped scopes that their coroutines end.
  bool runs_inline() const;
  Life& life() const { return life_; }  // while the life exists
  const std::string& name() const { return name_; }

 private:
  friend class Life;
  friend class SimLoop;
  SimLoop& loop_;
  Life& life_;
  std::string name_;
  bool urgent_;
  bool listed_ = false;  // among the ready ones
  bool gone_ = false;    // what comes is destroyed at once
  std::uint64_t number_;
  std::deque<Task> tasks_;
};

// The executor of a lane, usable as asio::any_io_executor.
class LaneExecutor {
 public:
  explicit LaneExecutor(std::shared_ptr<Lane> lane, bool never_inline = false)
      : lane_(std::move(lane)), never_inline_(never_inline) {}

  template <class Function>
  void execute(Function&& function) const {
    if (!never_inline_ && lane_->runs_inline()) {
      std::decay_t<Function> now(std::forward<Function>(function));
      return now();
    }
    lane_->push(Task(std::forward<Function>(function)));
  }
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return *lane_; }
  static constexpr boost::asio::execution::mapping_t query(boost::asio::execution::mapping_t) noexcept {
    return boost::asio::execution::mapping.thread;
  }
  boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) const noexcept {
    if (never_inline_) return boost::asio::execution::blocking.never;
    return boost::asio::execution::blocking.possibly;
  }
  LaneExecutor require(boost::asio::execution::blocking_t::never_t) const {
    return LaneExecutor(lane_, true);
  }
  LaneExecutor require(boost::asio::execution::blocking_t::possibly_t) const {
    return LaneExecutor(lane_, false);
  }
  bool operator==(const LaneExecutor&) const noexcept = default;

  const std::shared_ptr<Lane>& lane() const { return lane_; }

 private:
  std::shared_ptr<Lane> lane_;
  bool never_inline_;
};

class Life {
 public:
  Life(SimLoop& loop, std::string name);
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life();  // stops and destroys

  // `urgent`: its handlers run before everything else, so that nothing can happen in between.
  runtime::Executor add_lane(const std::string& name, bool urgent = false);
  const std::string& name() const { return name_; }
  std::uint64_t number() const { return number_; }  // of all lives of this loop

  // It is to end before its next step. Callable from its own handlers.
  void condemn();
  bool condemned() const { return condemned_; }
  bool running() const { return !condemned_ && !stopped_; }
  // SIGSTOP: nothing of it runs while paused; what comes, waits.
  void pause(bool on);
  void stop();
  void destroy();

 private:
  friend class Lane;
  SimLoop& loop_;
  std::string name_;
  std::uint64_t number_;
  bool paused_ = false;
  bool condemned_ = false;
  bool stopped_ = false;
  std::vector<std::shared_ptr<Lane>> lanes_;
};

class SimLoop {
 public:
  // Each handler takes `step_cost` of virtual time, so that a loop that never rests moves on.
  SimLoop(std::uint64_t seed, Trace& trace, Duration step_cost = 2us);
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;
  ~SimLoop();

  Duration now() const { return now_; }
  Trace& trace() const { return trace_; }
  std::uint64_t steps() const { return steps_; }

  // One handler, or the timers of one instant. False: nothing will ever happen again, or not until `until`.
  bool step(Duration until = Duration::max());
  // Handlers of urgent lanes only, until there are none.
  void settle_urgent();
  bool has_condemned() const { return has_condemned_; }
  void clear_condemned() { has_condemned_ = false; }

  // An event of the world itself, of no node: survives every crash.
  void after(Duration delay, Task call);
  std::unique_ptr<runtime::Timer> call_after(const runtime::Executor& executor, Duration delay,
                                             std::function<void()> call);

 private:
  friend class Lane;
  friend class Life;
  struct Timed {
    std::shared_ptr<Lane> lane;
    std::function<void()> call;  // empty: cancelled
  };
  class Cancel;

  void list(Lane& lane);
  void unlist(Lane& lane);
  void run_one(Lane& lane);
  void release_timers(Duration at);
  void drop_timers(const Life& life);

  Trace& trace_;
  Dice dice_;
  Duration step_cost_;
  Duration now_ = 1h;
  std::uint64_t steps_ = 0;
  std::uint64_t lanes_made_ = 0;
  std::uint64_t lives_made_ = 0;
  Lane* current_ = nullptr;
  bool has_condemned_ = false;
  std::vector<Lane*> ready_;
  std::vector<Lane*> urgent_;
  std::multimap<Duration, std::shared_ptr<Timed>> timers_;
  std::unique_ptr<Life> world_;
  std::shared_ptr<Lane> world_lane_;
};

// A node's view of time. Wall clocks of different nodes differ, and may be set.
class NodeClock final : public runtime::Clock {
 public:
  NodeClock(SimLoop& loop, Duration wall_offset) : loop_(loop), wall_offset_(wall_offset) {}
  // Its wall clock shows `wall` at this moment.
  NodeClock(SimLoop& loop, Instant wall);
  // Somebody sets the clock on the wall; the steady one goes on.
  void set_wall(Duration by) { wall_offset_ += by; }
  Instant now() const override;
  Duration steady() const override { return loop_.now(); }
  std::unique_ptr<runtime::Timer> call_after(runtime::Executor executor, Duration delay,
                                             std::function<void()> call) override {
    return loop_.call_after(executor, delay, std::move(call));
  }

 private:
  SimLoop& loop_;
  Duration wall_offset_;
};

}  // namespace footman::virtual_time
