#include "policy/retry.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;

TEST_CASE("pauses double up to a limit, with full jitter, never before the cloud's wish") {
  const Instant now{1'000'000};
  auto pause = [&](std::uint32_t failures, double random, Instant wish = {}) {
    return next_try(failures, wish, random, {}, now) - now;
  };
  CHECK(pause(1, 1) == 200ms);
  CHECK(pause(3, 1) == 800ms);
  CHECK(pause(3, 0.5) == 400ms);
  CHECK(pause(3, 0) == 0ms);
  CHECK(pause(4'000'000'000, 1) == 5min);
  CHECK(pause(1, 1, now + 10s) == 10s);
  CHECK(pause(1, 1, now - 10s) == 200ms);
}

TEST_CASE("neither chance nor a cloud's wish leads out of the limits") {
  const Instant now{1'000'000};
  RetryLimits limits;
  limits.shortest_pause = 100ms;
  CHECK(next_try(5, {}, 0, limits, now) - now == 100ms);
  CHECK(next_try(5, {}, -7, limits, now) - now == 100ms);
  CHECK(next_try(50, {}, 7, limits, now) - now == 5min);
  CHECK(next_try(1, now + 24h * 365, 0, limits, now) - now == limits.longest_wish);
}
