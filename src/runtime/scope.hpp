// Every coroutine has an owner. A Scope starts coroutines on one executor, cancels them and waits for them.
// An exception that leaves a coroutine other than cancellation is logged with the coroutine's name and handed
// to on_failure (default: abort, because the environment is broken or there is a bug).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "runtime/awaitable.hpp"

namespace footman::runtime {

class Scope {
 public:
  using OnFailure = std::function<void(const std::string& name, const std::string& what)>;

  Scope(Executor executor, base::Logger log, OnFailure on_failure = {});
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();  // asks what is left to stop; a scope whose members the coroutines use must have been joined
             // before

  const Executor& executor() const;
  // Starts at the executor's next turn. After cancel() nothing starts any more. Arguments of the coroutine
  // must be values or outlive the scope.
  void spawn(std::string name, Awaitable<void> coroutine);
  std::size_t running() const;
  void cancel();
  // Waits until all coroutines have ended. Call on the scope's executor.
  Awaitable<void> join();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Runs the coroutine on another executor and resumes here with its result (or exception).
template <class T>
Awaitable<T> run_on(Executor executor, Awaitable<T> coroutine);

}  // namespace footman::runtime

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace footman::runtime {
template <class T>
Awaitable<T> run_on(Executor executor, Awaitable<T> coroutine) {
  // co_spawn alone would hand the other thread a bare pointer into this coroutine, which may be gone by the
  // time a cancellation arrives there.
  auto signal = std::make_shared<asio::cancellation_signal>();
  auto slot = (co_await asio::this_coro::cancellation_state).slot();
  if (slot.is_connected()) {
    slot.assign([signal, executor](asio::cancellation_type type) {
      asio::dispatch(executor, [signal, type] { signal->emit(type); });
    });
  }
  co_return co_await asio::co_spawn(executor, std::move(coroutine),
                                    asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable));
}
}  // namespace footman::runtime
