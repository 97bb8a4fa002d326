#include "cloud/aws/rate_limits.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::aws;

namespace {

constexpr auto kModify = ApiCategory::cluster_resource_modify;  // 100, 40 a second
const Instant kStart{1'000'000'000'000};

int take_all(RateLimits& limits, ApiCategory category, Urgency urgency, Instant now) {
  int taken = 0;
  while (!limits.take(category, urgency, now)) ++taken;
  return taken;
}

}  // namespace

TEST_CASE("a burst, then the rate, and never more than the burst") {
  RateLimits limits;
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart) == 100);
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart + 1s) == 40);
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart + 1h) == 100);
  CHECK(take_all(limits, ApiCategory::task_definition_modify, Urgency::terminate, kStart) == 20);
  CHECK(take_all(limits, ApiCategory::task_definition_modify, Urgency::terminate, kStart + 3s) == 3);
}

TEST_CASE("a program that begins goes slowly at first, but all may go") {
  RateLimits limits(kStart);
  CHECK_FALSE(limits.take(ApiCategory::cluster_resource_read, Urgency::read, kStart));
  CHECK(take_all(limits, ApiCategory::fargate_launch, Urgency::terminate, kStart + 5s) == 100);
  CHECK(take_all(limits, kModify, Urgency::launch, kStart) == 20);
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart) == 10);
  CHECK(take_all(limits, kModify, Urgency::launch, kStart + 5s) == 90);
}

TEST_CASE("those who look leave tokens to those who launch, and these to those who terminate") {
  RateLimits limits;
  CHECK(take_all(limits, kModify, Urgency::read, kStart) == 75);
  CHECK(take_all(limits, kModify, Urgency::launch, kStart) == 15);
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart) == 10);
  // While terminations take what comes, nobody else gets anything.
  for (int i = 1; i <= 200; ++i) {
    const auto now = kStart + 25ms * i;
    CHECK(limits.take(kModify, Urgency::launch, now));
    CHECK_FALSE(limits.take(kModify, Urgency::terminate, now));
  }
}

TEST_CASE("who is sent away comes back to a token, each at a time of its own") {
  RateLimits limits;
  take_all(limits, kModify, Urgency::launch, kStart);
  // take_all was sent away once already: its time is the first.
  std::vector<Instant> times;
  times.reserve(50);
  for (int i = 0; i < 50; ++i) times.push_back(*limits.take(kModify, Urgency::launch, kStart));
  for (std::size_t i = 0; i < times.size(); ++i) {
    CHECK(times[i] == kStart + 25ms * (static_cast<std::int64_t>(i) + 2));
    CHECK_FALSE(limits.take(kModify, Urgency::launch, times[i]));
  }
}

TEST_CASE("nobody is sent away for longer than the limit") {
  RateLimits limits;
  const auto slow = ApiCategory::task_definition_delete;
  take_all(limits, slow, Urgency::launch, kStart);
  Instant last;
  for (int i = 0; i < 500; ++i) last = *limits.take(slow, Urgency::launch, kStart);
  CHECK(last == kStart + kLongestPromise);
}

TEST_CASE("many tokens at once: tasks of one call") {
  RateLimits limits;
  const auto fargate = ApiCategory::fargate_launch;  // 100, 20 a second
  for (int i = 0; i < 9; ++i) CHECK_FALSE(limits.take(fargate, Urgency::launch, kStart, 10));
  CHECK(*limits.take(fargate, Urgency::launch, kStart, 10) == kStart + 500ms);
  CHECK_FALSE(limits.take(fargate, Urgency::launch, kStart + 500ms, 10));
  // More than there ever is: as soon as the bucket is full. The debt is paid before anybody else goes.
  RateLimits fresh;
  CHECK_FALSE(fresh.take(fargate, Urgency::launch, kStart, 150));
  CHECK(fresh.take(fargate, Urgency::terminate, kStart + 2s));
  CHECK_FALSE(fresh.take(fargate, Urgency::terminate, kStart + 3s));
}

TEST_CASE("a call that costs tokens of two buckets takes all or none") {
  RateLimits limits;
  const std::vector<Charge> run_task{{kModify, 1}, {ApiCategory::fargate_launch, 10}};
  for (int i = 0; i < 9; ++i) CHECK_FALSE(limits.take(run_task, Urgency::launch, kStart));
  CHECK(*limits.take(run_task, Urgency::launch, kStart) == kStart + 500ms);
  CHECK(limits.tokens(kModify, kStart) == doctest::Approx(91));
  CHECK(limits.tokens(ApiCategory::fargate_launch, kStart) == doctest::Approx(10));
}

TEST_CASE("AWS throttles all the same: an empty bucket and half the rate, which comes back") {
  RateLimits limits;
  limits.on_throttled(kModify, kStart);
  CHECK(limits.tokens(kModify, kStart) == doctest::Approx(0));
  CHECK(limits.rate(kModify, kStart) == doctest::Approx(20));
  CHECK(*limits.take(kModify, Urgency::terminate, kStart) == kStart + 50ms);
  CHECK_FALSE(limits.take(kModify, Urgency::terminate, kStart + 50ms));
  for (int i = 0; i < 20; ++i) limits.on_throttled(kModify, kStart + 50ms);  // one episode
  CHECK(limits.rate(kModify, kStart + 50ms) == doctest::Approx(20).epsilon(0.01));
  for (int i = 0; i < 20; ++i) limits.on_throttled(kModify, kStart + i * kOneEpisode);
  const auto last = kStart + 19 * kOneEpisode;
  CHECK(limits.rate(kModify, last) == doctest::Approx(40 * kSlowestRate));
  CHECK(limits.rate(kModify, last + kRecovery) == doctest::Approx(40));
  // Other categories are as they were.
  CHECK(limits.rate(ApiCategory::cluster_resource_read, kStart) == doctest::Approx(20));
}

TEST_CASE("a clock that is put back neither gives nor takes") {
  RateLimits limits;
  take_all(limits, kModify, Urgency::terminate, kStart);
  CHECK(limits.take(kModify, Urgency::terminate, kStart - 1h));
  CHECK(take_all(limits, kModify, Urgency::terminate, kStart - 1h + 1s) == 40);
}

TEST_CASE("no bucket, no limit") {
  RateLimits limits;
  for (int i = 0; i < 10'000; ++i) CHECK_FALSE(limits.take(ApiCategory::unlimited, Urgency::read, kStart));
  limits.on_throttled(ApiCategory::unlimited, kStart);
  CHECK_FALSE(limits.take(ApiCategory::unlimited, Urgency::read, kStart));
}
