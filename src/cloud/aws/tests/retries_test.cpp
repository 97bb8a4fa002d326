#include "cloud/aws/retries.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::cloud::aws;

namespace {

const Instant kNow{1'000'000'000'000};
const Instant kDeadline = kNow + 60s;

struct Retries {
  RetryBudget budget;
  CallLimits limits;
  int cost = 0;
  std::optional<Instant> plan(FailedAttempt attempt, double random = 1, bool idempotent = true) {
    return plan_retry(attempt, idempotent, random, kNow, kDeadline, limits, budget, &cost);
  }
};

}  // namespace

TEST_CASE("full jitter, doubled with each attempt, slower when throttled") {
  Retries retries;
  CHECK(retries.plan({1, Remedy::repeat, false, {}}) == kNow + 200ms);
  CHECK(retries.plan({2, Remedy::repeat, false, {}}) == kNow + 400ms);
  CHECK(retries.plan({2, Remedy::repeat, false, {}}, 0.25) == kNow + 100ms);
  CHECK(retries.plan({1, Remedy::wait, false, {}}) == kNow + 1s);
  CHECK(retries.plan({3, Remedy::wait, false, {}}) == kNow + 4s);
}

TEST_CASE("what is not repeated") {
  Retries retries;
  CHECK_FALSE(retries.plan({1, Remedy::none, false, {}}));
  CHECK_FALSE(retries.plan({1, Remedy::set_clock, false, {}}));
  CHECK_FALSE(retries.plan({4, Remedy::repeat, false, {}}));  // the last attempt
  CHECK_FALSE(retries.plan({1, Remedy::repeat, false, {}}, 1, false));
  CHECK_FALSE(retries.plan({1, Remedy::wait, false, {}}, 1, false));
  CHECK_FALSE(
      retries.plan({1, Remedy::wait, false, kNow + 61s}));  // the service's wish is too late for the caller
  CHECK(retries.budget.left() == RetryBudget::kCapacity);
}

TEST_CASE("the service's wish is honoured") {
  Retries retries;
  CHECK(retries.plan({1, Remedy::repeat, false, kNow + 7s}) == kNow + 7s);
  CHECK(retries.plan({1, Remedy::repeat, false, kNow - 7s}, 0) == kNow);
}

TEST_CASE("the budget ends repeating, successes fill it again") {
  Retries retries;
  for (int i = 0; i < 100; ++i) CHECK(retries.plan({1, Remedy::repeat, false, {}}));
  CHECK(retries.budget.left() == 0);
  CHECK_FALSE(retries.plan({1, Remedy::repeat, false, {}}));
  retries.budget.give_back(RetryBudget::kRetryCost);
  CHECK_FALSE(retries.plan({1, Remedy::repeat, true, {}}));  // time-outs cost more
  CHECK(retries.plan({1, Remedy::repeat, false, {}}));
  CHECK(retries.cost == RetryBudget::kRetryCost);
  retries.budget.give_back(100'000);
  CHECK(retries.budget.left() == RetryBudget::kCapacity);
}

TEST_CASE("Retry-After in seconds and as a date") {
  const auto read = [](const char* value) {
    net::Headers headers;
    headers.add("retry-after", value);
    return read_retry_after(headers, kNow);
  };
  CHECK(read("7") == kNow + 7s);
  CHECK(read("0") == kNow);
  CHECK_FALSE(read("-1").is_set());
  CHECK_FALSE(read("soon").is_set());
  CHECK_FALSE(read("99999999999999").is_set());
  CHECK(read(net::format_http_date(kNow + 90s).c_str()) == kNow + 90s);
  CHECK_FALSE(read(net::format_http_date(kNow - 90s).c_str()).is_set());
  CHECK_FALSE(read_retry_after({}, kNow).is_set());
}
