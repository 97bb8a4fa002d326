#include "runtime/even_time.hpp"

#include <doctest/doctest.h>

#include "runtime/manual_clock.hpp"

using namespace footman;
using namespace footman::runtime;
using namespace std::chrono_literals;

TEST_CASE("even time goes on when the clock is set, and follows it when it is told to") {
  ManualClock clock;
  EvenTime even(clock);
  const auto start = clock.now();
  CHECK(even.now() == start);
  clock.set_wall(-5h);
  clock.set(clock.steady() + 10s);
  CHECK(even.now() == start + 10s);
  CHECK(even.on_wall(even.now()) == clock.now());
  CHECK(even.at(clock.now() + 1s) == even.now() + 1s);
  CHECK(even.at_past(clock.now() + 1s) == even.now());
  CHECK(even.at_past(clock.now() - 1s) == even.now() - 1s);
  CHECK(even.follow_wall() == -5h);
  CHECK(even.now() == clock.now());
  CHECK(even.follow_wall() == 0s);
}

TEST_CASE("what drifts a little is left alone, what never was stays so") {
  ManualClock clock;
  EvenTime even(clock);
  clock.set_wall(EvenTime::kStep - 1us);
  CHECK(even.follow_wall() == 0s);
  CHECK(even.on_wall(even.now()) == even.now());
  CHECK_FALSE(even.at({}).is_set());
  CHECK_FALSE(even.on_wall({}).is_set());
  base::Instant never;
  move_by(never, 1h);
  CHECK_FALSE(never.is_set());
}
