// Blocking calls that may never return: a file may stand on a disk of the network that does not answer any
// more, or be a FIFO that nobody writes to. Each runs on a thread of its own. At the limit its caller goes on
// without it, and neither other calls nor the end of the program wait for that thread.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/post.hpp"
#include "runtime/wait.hpp"

namespace footman::runtime::real {

// For the coroutines of one executor, where all calls are made.
template <class T>
class LimitedCalls {
 public:
  // More than `at_once` calls wait, within their limit. The clock outlives this.
  LimitedCalls(Executor executor, Clock& clock, base::Duration limit, std::size_t at_once)
      : clock_(clock), limit_(limit), at_once_(at_once), home_(std::make_shared<Home>()) {
    home_->calls = this;
    home_->executor = std::move(executor);
  }
  LimitedCalls(const LimitedCalls&) = delete;
  LimitedCalls& operator=(const LimitedCalls&) = delete;
  // No call() may be under way; threads that were left alone may.
  ~LimitedCalls() {
    const std::lock_guard lock(home_->mutex);
    home_->calls = nullptr;
    home_->executor = {};
  }

  // `function` must own what it uses. Errors: unavailable (the limit), resource_exhausted (no thread); their
  // messages go on after the name of what was done: "was not read within 10s".
  Awaitable<base::Result<T>> call(std::function<T()> function) {
    const auto late = base::fail(base::Errc::unavailable,
                                 fmt::format("was not read within {}", base::format_duration(limit_)));
    const auto until = clock_.steady() + limit_;
    while (running_ >= at_once_)
      if (!co_await freed_.wait_for(clock_, until - clock_.steady())) co_return late;
    const auto call = std::make_shared<Call>();
    if (!start(call, std::move(function)))
      co_return base::fail(base::Errc::resource_exhausted, "cannot be read: no thread can be had for it");
    if (!co_await call->answered.wait_for(clock_, until - clock_.steady())) co_return late;
    co_return std::move(*call->answer);
  }

 private:
  struct Call {
    std::optional<T> answer;
    Event answered;
  };

  // Where threads bring their answers, as long as somebody is there.
  struct Home : std::enable_shared_from_this<Home> {
    std::mutex mutex;
    LimitedCalls* calls = nullptr;
    Executor executor;

    void bring(std::shared_ptr<Call> call, T answer) {
      const std::lock_guard lock(mutex);
      if (calls == nullptr) return;
      post(executor,
           [self = this->shared_from_this(), call = std::move(call), answer = std::move(answer)]() mutable {
             if (self->calls == nullptr) return;
             --self->calls->running_;
             self->calls->freed_.notify();
             call->answer = std::move(answer);
             call->answered.notify();
           });
    }
  };

  bool start(const std::shared_ptr<Call>& call, std::function<T()> function) {
    try {
      std::thread([home = home_, call, function = std::move(function)]() mutable {
        auto answer = function();
        home->bring(std::move(call), std::move(answer));
      }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    ++running_;
    return true;
  }

  Clock& clock_;
  base::Duration limit_;
  std::size_t at_once_;
  std::size_t running_ = 0;
  Event freed_;
  std::shared_ptr<Home> home_;
};

}  // namespace footman::runtime::real
