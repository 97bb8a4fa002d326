// Every coroutine has an owner. A Scope starts coroutines on one executor, cancels them and waits for them.
// An exception that leaves a coroutine other than cancellation is logged with the coroutine's name and handed
// to on_failure (default: abort, because the environment is broken or there is a bug).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

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

// Runs the coroutine on another executor and resumes here with its result (or exception). What starts it is
// compiled once, for whatever result.
Awaitable<void> run_on(Executor executor, Awaitable<void> coroutine);

template <class T>
Awaitable<void> keep_result(std::shared_ptr<std::optional<T>> place, Awaitable<T> coroutine) {
  place->emplace(co_await std::move(coroutine));
}

template <class T>
Awaitable<T> run_on(Executor executor, Awaitable<T> coroutine) {
  auto place = std::make_shared<std::optional<T>>();
  co_await run_on(std::move(executor), keep_result(place, std::move(coroutine)));
  co_return std::move(**place);
}

}  // namespace footman::runtime
