#include "policy/launch_times.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;
using namespace std::chrono_literals;

TEST_CASE("the median of the last launches") {
  LaunchTimes times;
  CHECK_FALSE(times.typical().has_value());
  times.add(30s);
  CHECK(times.typical() == 30s);
  times.add(10s);
  times.add(20s);
  CHECK(times.typical() == 20s);
  times.add(10min);  // one bad launch moves it by one place
  CHECK(times.typical() == 30s);
  for (std::size_t i = 0; i < LaunchTimes::kKept; ++i) times.add(1s);
  CHECK(times.typical() == 1s);  // what was before is forgotten
  CHECK(times.count() == LaunchTimes::kKept);
  times.add(-5s);
  CHECK(times.typical() == 1s);
}
