// Time as an interface. All waiting in the programs goes through a Clock, so that the simulation can run it.
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"
#include "runtime/awaitable.hpp"

namespace footman::runtime {

// Cancels its call when destroyed. Empty after the call was made.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock, for what is stored and shown. May step.
  virtual base::Instant now() const = 0;
  // Never steps back; only differences mean something. For every time-out.
  virtual base::Duration steady() const = 0;
  // Calls `call` on `executor` once `delay` has passed (at once for delay <= 0, but never before returning).
  // The executor must be single-threaded; the Timer must be destroyed on it.
  virtual std::unique_ptr<Timer> call_after(Executor executor, base::Duration delay,
                                            std::function<void()> call) = 0;
};

}  // namespace footman::runtime
