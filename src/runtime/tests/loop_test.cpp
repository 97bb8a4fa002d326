#include "runtime/real/loop.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <stdexcept>
#include <vector>

#include "runtime/real/clock.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::runtime;
using namespace std::chrono_literals;

namespace {

Awaitable<int> add_later(Clock* clock, int a, int b) {
  co_await sleep_for(*clock, 1ms);
  co_return a + b;
}

Awaitable<int> fail_later(Clock* clock) {
  co_await sleep_for(*clock, 1ms);
  throw std::runtime_error("no");
}

Awaitable<int> raise_and_wait(Event* heard, int signal) {
  ::raise(signal);
  co_await heard->wait();
  co_return signal;
}

bool is_default(int signal) {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

}  // namespace

TEST_CASE("a loop runs coroutines to their end, one after the other") {
  const auto clock = real::make_clock();
  real::Loop loop;
  CHECK(loop.run(add_later(clock.get(), 1, 2)) == 3);
  CHECK_THROWS_WITH(loop.run(fail_later(clock.get())), "no");
  CHECK(loop.run(add_later(clock.get(), 2, 2)) == 4);
}

TEST_CASE("signals call instead of ending the process, as long as somebody listens") {
  real::Loop loop;
  Event heard;
  std::vector<int> seen;
  ::signal(SIGTERM, SIG_DFL);
  {
    const real::Signals signals(loop.executor(), {SIGTERM, SIGUSR1}, [&](int signal) {
      seen.push_back(signal);
      heard.notify();
    });
    loop.run(raise_and_wait(&heard, SIGTERM));
    loop.run(raise_and_wait(&heard, SIGUSR1));
    loop.run(raise_and_wait(&heard, SIGTERM));
    CHECK_FALSE(is_default(SIGTERM));
  }
  CHECK(seen == std::vector{SIGTERM, SIGUSR1, SIGTERM});
  CHECK(is_default(SIGTERM));
}

TEST_CASE("the call may end the listening") {
  real::Loop loop;
  Event heard;
  std::optional<real::Signals> signals;
  signals.emplace(loop.executor(), std::initializer_list<int>{SIGUSR1}, [&](int) {
    signals.reset();
    heard.notify();
  });
  loop.run(raise_and_wait(&heard, SIGUSR1));
  CHECK_FALSE(signals.has_value());
  CHECK(is_default(SIGUSR1));
}
