#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "runtime/real/clock.hpp"
#include "runtime/rng.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::runtime;
using namespace std::chrono_literals;

namespace {

Awaitable<void> wait_and_count(Event& event, int& count) {
  co_await event.wait();
  ++count;
}

Awaitable<void> sleep_long(Clock& clock, bool& ended) {
  co_await sleep_for(clock, 1h);
  ended = true;
}

Awaitable<void> wait_limited(Clock& clock, Event& event, int& signalled, int& timed_out) {
  if (co_await event.wait_for(clock, 5ms))
    ++signalled;
  else
    ++timed_out;
}

Awaitable<void> throw_now() {
  throw std::runtime_error("broken");
  co_return;
}

Awaitable<void> consume(Mailbox<int>& box, int& sum) {
  while (auto value = co_await box.take()) sum += *value;
}

Awaitable<void> cancel_and_join(Scope& scope, bool& joined) {
  scope.cancel();
  co_await scope.join();
  joined = true;
}

Awaitable<void> count_and_turn(std::string& order, char name) {
  order += name;
  co_await next_turn();
  order += name;
}

// Inside the gate from "<name>(" to ")", or until it is cancelled.
Awaitable<void> pass_gate(Gate& gate, Event& go_on, std::string& order, char name) {
  const auto pass = co_await gate.enter();
  order += name;
  order += '(';
  co_await go_on.wait();
  order += ')';
}

}  // namespace

TEST_CASE("the next turn comes after what is queued") {
  asio::io_context io;
  Scope scope(io.get_executor(), {});
  std::string order;
  scope.spawn("a", count_and_turn(order, 'a'));
  scope.spawn("b", count_and_turn(order, 'b'));
  io.run();
  CHECK(order == "abab");
}

TEST_CASE("an event wakes all waiters once, or the next one") {
  asio::io_context io;
  Scope scope(io.get_executor(), {});
  Event event;
  int count = 0;
  scope.spawn("a", wait_and_count(event, count));
  scope.spawn("b", wait_and_count(event, count));
  io.poll();
  CHECK(count == 0);
  event.notify();
  io.restart();
  io.poll();
  CHECK(count == 2);
  event.notify();  // nobody waits: kept for the next
  scope.spawn("c", wait_and_count(event, count));
  io.restart();
  io.poll();
  CHECK(count == 3);
  CHECK(scope.running() == 0);
}

TEST_CASE("a gate lets one in at a time") {
  asio::io_context io;
  Scope scope(io.get_executor(), {});
  Gate gate;
  Event go_on;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) scope.spawn("pass", pass_gate(gate, go_on, order, name));
  const auto turn = [&] {
    io.restart();
    io.poll();
  };
  turn();
  CHECK(order == "a(");
  for (const auto* expected : {"a()b(", "a()b()c(", "a()b()c()"}) {
    go_on.notify();
    turn();
    CHECK(order == expected);
  }
  CHECK(scope.running() == 0);
}

TEST_CASE("a gate is free again when who was inside, or waited, is cancelled") {
  asio::io_context io;
  Scope others(io.get_executor(), {});
  Scope last(io.get_executor(), {});
  Gate gate;
  Event go_on;
  std::string order;
  others.spawn("inside", pass_gate(gate, go_on, order, 'a'));
  others.spawn("waits", pass_gate(gate, go_on, order, 'b'));
  last.spawn("waits, too", pass_gate(gate, go_on, order, 'c'));
  io.poll();
  others.cancel();
  io.restart();
  io.poll();
  CHECK(order == "a(c(");
  go_on.notify();
  io.restart();
  io.poll();
  CHECK(last.running() == 0);
}

TEST_CASE("a gate may go before who is inside, and takes with it who waits") {
  std::optional<asio::io_context> io(std::in_place);
  std::optional<Scope> scope(std::in_place, io->get_executor(), base::Logger());
  std::optional<Gate> gate(std::in_place);
  std::optional<Event> go_on(std::in_place);
  std::string order;
  for (const char name : {'a', 'b'}) scope->spawn("pass", pass_gate(*gate, *go_on, order, name));
  io->poll();
  gate.reset();
  go_on.reset();  // owned by it: who is inside
  scope.reset();
  io.reset();
  CHECK(order == "a(");
}

TEST_CASE("a wait with a limit ends by signal or by time") {
  asio::io_context io;
  auto clock = real::make_clock();
  Scope scope(io.get_executor(), {});
  Event event;
  int signalled = 0;
  int timed_out = 0;
  scope.spawn("a", wait_limited(*clock, event, signalled, timed_out));
  io.run();
  CHECK(timed_out == 1);
  event.notify();
  scope.spawn("b", wait_limited(*clock, event, signalled, timed_out));
  io.restart();
  io.run();
  CHECK(signalled == 1);
}

TEST_CASE("cancelling a scope ends sleeping and waiting coroutines and join() sees it") {
  asio::io_context io;
  auto clock = real::make_clock();
  Scope scope(io.get_executor(), {});
  Scope outer(io.get_executor(), {});
  Event event;
  int count = 0;
  bool ended = false;
  bool joined = false;
  scope.spawn("sleeper", sleep_long(*clock, ended));
  scope.spawn("waiter", wait_and_count(event, count));
  outer.spawn("joiner", cancel_and_join(scope, joined));
  io.run();
  CHECK(joined);
  CHECK_FALSE(ended);
  CHECK(count == 0);
}

TEST_CASE("a scope cancelled from outside while a coroutine of it is about to end") {
  asio::io_context io;
  Event event;
  int count = 0;
  Scope scope(io.get_executor(), {});
  scope.spawn("wait", wait_and_count(event, count));
  io.poll();
  event.notify();
  scope.cancel();  // not on the executor: the signal gets there after the coroutine has ended
  io.restart();
  io.poll();
  CHECK(scope.running() == 0);
}

TEST_CASE("an exception is reported with the coroutine's name") {
  asio::io_context io;
  std::string failed;
  Scope scope(io.get_executor(), {},
              [&](const std::string& name, const std::string& what) { failed = name + ": " + what; });
  scope.spawn("thrower", throw_now());
  io.run();
  CHECK(failed == "thrower: broken");
}

TEST_CASE("a mailbox is bounded, ordered and closes after its last value") {
  asio::io_context io;
  Scope scope(io.get_executor(), {});
  Mailbox<int> box(2);
  CHECK(box.put(1));
  CHECK(box.put(2));
  CHECK_FALSE(box.put(3));
  int sum = 0;
  scope.spawn("consumer", consume(box, sum));
  io.poll();
  CHECK(sum == 3);
  CHECK(box.put(4));
  box.close();
  io.restart();
  io.poll();
  CHECK(sum == 7);
  CHECK(scope.running() == 0);
}

TEST_CASE("a dropped executor destroys suspended coroutines") {
  auto clock = real::make_clock();
  bool ended = false;
  {
    asio::io_context io;
    Scope scope(io.get_executor(), {});
    scope.spawn("sleeper", sleep_long(*clock, ended));
    io.poll();
  }
  CHECK_FALSE(ended);
}

TEST_CASE("seeded randomness repeats, names have no look-alikes") {
  auto a = make_seeded_rng(7);
  auto b = make_seeded_rng(7);
  CHECK(a->bytes(16) == b->bytes(16));
  for (char c : make_os_rng()->name(200)) CHECK(std::string_view("l1io").find(c) == std::string_view::npos);
}
