#include "policy/retry.hpp"

#include <doctest/doctest.h>

using namespace footman::policy;
using footman::model::FailureClass;

TEST_CASE("an unknown outcome is asked again, a refusal holds, a permanent one disables") {
  const Instant now{1'000'000};
  CHECK(plan_retry(FailureClass::permission, false, 1, {}, 1, {}, now).action == RetryAction::same_request);
  CHECK(plan_retry(FailureClass::permission, true, 1, {}, 1, {}, now).action ==
        RetryAction::disable_generation);
  CHECK(plan_retry(FailureClass::capacity, true, 1, {}, 1, {}, now).action == RetryAction::hold_template);
}

TEST_CASE("pauses double up to a limit, with full jitter, never before the cloud's wish") {
  const Instant now{1'000'000};
  auto at = [&](std::uint32_t failures, double random, Instant wish = {}) {
    return plan_retry(FailureClass::throttled, false, failures, wish, random, {}, now).at - now;
  };
  CHECK(at(1, 1) == 200ms);
  CHECK(at(3, 1) == 800ms);
  CHECK(at(3, 0.5) == 400ms);
  CHECK(at(3, 0) == 0ms);
  CHECK(at(4'000'000'000, 1) == 5min);
  CHECK(at(1, 1, now + 10s) == 10s);
}
