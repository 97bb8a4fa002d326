#include "runtime/time_limit.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include "runtime/real/clock.hpp"
#include "runtime/scope.hpp"

using namespace footman;
using namespace footman::runtime;
using namespace std::chrono_literals;

namespace {

struct Seen {
  std::optional<int> answer;
  bool returned = false;
  bool call_ended = false;
};

struct Ended {
  bool* flag;
  explicit Ended(bool* f) : flag(f) {}
  Ended(const Ended&) = delete;
  Ended& operator=(const Ended&) = delete;
  ~Ended() { *flag = true; }
};

Awaitable<int> answer_after(Event& event, bool* ended) {
  const Ended mark(ended);
  co_await event.wait();
  co_return 7;
}

Awaitable<int> throw_at_once() {
  throw std::runtime_error("broken");
  co_return 0;
}

Awaitable<void> ask(Clock& clock, base::Duration limit, Event& event, Seen& seen) {
  seen.answer = co_await run_for(clock, limit, answer_after(event, &seen.call_ended));
  seen.returned = true;
}

Awaitable<void> ask_broken(Clock& clock, bool& thrown) {
  try {
    (void)co_await run_for(clock, 1h, throw_at_once());
  } catch (const std::runtime_error&) {
    thrown = true;
  }
}

}  // namespace

TEST_CASE("a call with a time limit answers, or is cancelled and has ended") {
  asio::io_context io;
  auto clock = real::make_clock();
  Scope scope(io.get_executor(), {});
  Event event;
  Seen seen;
  SUBCASE("in time") {
    scope.spawn("ask", ask(*clock, 1h, event, seen));
    io.poll();
    CHECK_FALSE(seen.returned);
    event.notify();
    io.restart();
    io.run();
    CHECK(seen.answer == 7);
  }
  SUBCASE("too late") {
    scope.spawn("ask", ask(*clock, 2ms, event, seen));
    io.run();
    CHECK(seen.returned);
    CHECK_FALSE(seen.answer.has_value());
    CHECK(seen.call_ended);
  }
  SUBCASE("cancelled from outside") {
    scope.spawn("ask", ask(*clock, 1h, event, seen));
    io.poll();
    scope.cancel();
    io.restart();
    io.run();
    CHECK_FALSE(seen.returned);
    CHECK(seen.call_ended);
  }
  CHECK(scope.running() == 0);
}

TEST_CASE("an exception of a call with a time limit reaches the caller") {
  asio::io_context io;
  auto clock = real::make_clock();
  Scope scope(io.get_executor(), {});
  bool thrown = false;
  scope.spawn("ask", ask_broken(*clock, thrown));
  io.run();
  CHECK(thrown);
}
