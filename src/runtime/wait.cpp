#include "runtime/wait.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace footman::runtime {
namespace detail {

enum class Woken { signalled, timed_out, cancelled };

// One suspended coroutine. resume() completes it once; later calls do nothing.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  virtual ~Waiter() = default;
  virtual void resume(Woken why) = 0;
  virtual bool done() const = 0;
  std::unique_ptr<Timer> timer;
};

namespace {

template <class Handler>
class WaiterOf final : public Waiter {
 public:
  WaiterOf(Executor executor, Handler handler)
      : executor_(std::move(executor)), handler_(std::move(handler)) {}

  void arm_cancellation() {
    auto slot = asio::get_associated_cancellation_slot(*handler_);
    if (!slot.is_connected()) return;
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
      if (auto self = weak.lock()) self->resume(Woken::cancelled);
    });
  }

  void resume(Woken why) override {
    if (!handler_) return;
    auto keep = shared_from_this();
    timer.reset();
    auto handler = std::move(*handler_);
    handler_.reset();
    asio::get_associated_cancellation_slot(handler).clear();
    asio::post(executor_, [handler = std::move(handler), why]() mutable { std::move(handler)(why); });
  }

  bool done() const override { return !handler_; }

 private:
  Executor executor_;
  std::optional<Handler> handler_;
};

// Suspends until someone resumes the waiter that `arm` was given.
template <class Arm>
Awaitable<Woken> suspend(Arm arm) {
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Woken)>(
      [executor](auto handler, Arm arm_now) {
        using Handler = std::decay_t<decltype(handler)>;
        auto waiter = std::make_shared<WaiterOf<Handler>>(executor, std::move(handler));
        waiter->arm_cancellation();
        arm_now(waiter, executor);
      },
      asio::use_awaitable, std::move(arm));
}

[[noreturn]] void throw_cancelled() {
  throw boost::system::system_error(asio::error::operation_aborted, "cancelled");
}

}  // namespace
}  // namespace detail

bool is_cancellation(const std::exception& error) {
  const auto* system = dynamic_cast<const boost::system::system_error*>(&error);
  return system != nullptr && system->code() == asio::error::operation_aborted;
}

Awaitable<void> sleep_for(Clock& clock, base::Duration duration) {
  Clock* the_clock = &clock;
  const auto woken = co_await detail::suspend(
      [the_clock, duration](const std::shared_ptr<detail::Waiter>& waiter, const Executor& executor) {
        // The call owns the waiter: if the clock is dropped (a crash in the simulation), so is the coroutine.
        waiter->timer =
            the_clock->call_after(executor, duration, [waiter] { waiter->resume(detail::Woken::timed_out); });
      });
  if (woken == detail::Woken::cancelled) detail::throw_cancelled();
}

Awaitable<void> next_turn() {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

Event::~Event() = default;

void Event::notify() {
  set_ = true;
  auto waiters = std::move(waiters_);
  waiters_.clear();
  for (auto& waiter : waiters) {
    if (waiter->done()) continue;
    set_ = false;
    waiter->resume(detail::Woken::signalled);
  }
}

Awaitable<void> Event::wait() { co_await wait_impl(nullptr, base::Duration(0)); }
Awaitable<bool> Event::wait_for(Clock& clock, base::Duration limit) {
  co_return co_await wait_impl(&clock, limit);
}

Awaitable<bool> Event::wait_impl(Clock* clock, base::Duration limit) {
  if (set_) {
    set_ = false;
    co_return true;
  }
  const auto woken = co_await detail::suspend(
      [this, clock, limit](const std::shared_ptr<detail::Waiter>& waiter, const Executor& executor) {
        std::weak_ptr<detail::Waiter> weak = waiter;
        std::erase_if(waiters_, [](const auto& old) { return old->done(); });
        waiters_.push_back(waiter);
        if (clock == nullptr) return;
        waiter->timer = clock->call_after(executor, limit, [weak] {
          if (auto self = weak.lock()) self->resume(detail::Woken::timed_out);
        });
      });
  if (woken == detail::Woken::cancelled) detail::throw_cancelled();
  co_return woken == detail::Woken::signalled;
}

}  // namespace footman::runtime
