// A program that is one thread: runs a coroutine to its end on the calling thread, and hears signals.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/awaitable.hpp"

namespace footman::runtime::real {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Single-threaded: the thread that calls run().
  Executor executor() const;
  // Until the coroutine has ended; what else runs on the executor then waits for the next run(). Rethrows
  // what leaves the coroutine. Not from within the loop.
  template <class T>
  T run(Awaitable<T> coroutine);

 private:
  void run_until(const bool& done);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// While it lives, these signals do not end the process but call `call` on the executor. Afterwards they do
// again what they do by default. The executor must be single-threaded; destroy on it.
class Signals {
 public:
  Signals(Executor executor, std::initializer_list<int> signals, std::function<void(int signal)> call);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

template <class T>
T Loop::run(Awaitable<T> coroutine) {
  std::optional<T> result;
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(executor(), std::move(coroutine), [&](std::exception_ptr error, T value) {
    failure = error;
    if (!error) result.emplace(std::move(value));
    done = true;
  });
  run_until(done);
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace footman::runtime::real
