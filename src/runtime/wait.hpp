// Waiting: sleep, events with a time limit, bounded mailboxes, gates. Built on Clock, so they work in
// simulated time. Everything here belongs to one single-threaded executor. A cancelled wait throws
// boost::system::system_error (operation_aborted), which unwinds to the Scope.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"

namespace footman::runtime {

// True for the exception with which a cancelled wait unwinds.
bool is_cancellation(const std::exception& error);

Awaitable<void> sleep_for(Clock& clock, base::Duration duration);
// Lets everything run that is queued on the executor before this.
Awaitable<void> next_turn();

namespace detail {
class Waiter;
}

// "Look again": notify() wakes all waiters, or the next wait when nobody waits. A level, not a counter.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  void notify();
  Awaitable<void> wait();
  // False when the time passed without notify().
  Awaitable<bool> wait_for(Clock& clock, base::Duration limit);

 private:
  Awaitable<bool> wait_impl(Clock* clock, base::Duration limit);
  bool set_ = false;
  std::vector<std::shared_ptr<detail::Waiter>> waiters_;  // owned here: they go with the event
};

// A bounded queue between coroutines of one executor. put() at the limit returns false: the caller states
// what then.
template <class T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] bool put(T value) {
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(value));
    event_.notify();
    return true;
  }
  // Empty once closed and drained.
  Awaitable<std::optional<T>> take() {
    while (items_.empty()) {
      if (closed_) co_return std::nullopt;
      co_await event_.wait();
    }
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    co_return value;
  }
  void close() {
    closed_ = true;
    event_.notify();
  }
  std::size_t size() const { return items_.size(); }

 private:
  std::size_t limit_;
  bool closed_ = false;
  std::deque<T> items_;
  Event event_;
};

// One at a time: who holds the Pass is inside; the others wait until it goes. A Pass may outlive its gate, as
// what did not come to its end is destroyed last (a crash in the simulation).
class Gate {
  struct State {
    bool taken = false;
    Event freed;
  };

 public:
  class Pass {
   public:
    Pass(Pass&&) noexcept = default;
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      const auto state = state_.lock();
      if (state == nullptr) return;
      state->taken = false;
      state->freed.notify();
    }

   private:
    friend Gate;
    explicit Pass(const std::shared_ptr<State>& state) : state_(state) {}
    std::weak_ptr<State> state_;  // expired: moved from, or the gate is gone
  };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Cancelled while it waits: nothing is held.
  Awaitable<Pass> enter() {
    while (state_->taken) co_await state_->freed.wait();
    state_->taken = true;
    co_return Pass(state_);
  }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace footman::runtime
