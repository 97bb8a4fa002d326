// A time limit on a piece of work: calls once when the time is over, unless it is destroyed before.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/time.hpp"
#include "runtime/clock.hpp"

namespace footman::net {

// On the executor it was made for. Typically `on_time` closes the stream, which ends the pending call.
class Deadline {
 public:
  Deadline(runtime::Clock& clock, const runtime::Executor& executor, base::Duration limit,
           std::function<void()> on_time)
      : timer_(clock.call_after(executor, limit, [this, call = std::move(on_time)] {
          passed_ = true;
          call();
        })) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool passed() const { return passed_; }

 private:
  bool passed_ = false;
  std::unique_ptr<runtime::Timer> timer_;
};

}  // namespace footman::net
