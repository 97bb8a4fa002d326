#include "simulate/goal.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::simulate;

namespace {

// Two builds at once each ten minutes.
BuildTrace make_pairs(std::size_t pairs) {
  BuildTrace trace;
  trace.start = kTraceEpoch;
  for (std::size_t i = 0; i < 2 * pairs; ++i)
    trace.builds.push_back({10min * static_cast<std::int64_t>(i / 2) + 5min, {}, 60s, {}});
  trace.builds.insert(trace.builds.begin(), TracedBuild{Duration(0), {}, 60s, {}});
  return trace;
}

SimulationSpec make_spec(std::uint32_t cap = 0) {
  SimulationSpec spec;
  fleet::Template t;
  t.name = TemplateName("small");
  t.cloud = CloudName("cloud");
  t.is_default = true;
  t.cap = cap;
  spec.fleet.templates.push_back(std::move(t));
  spec.clouds[CloudName("cloud")].boot = 30s;
  return spec;
}

Billing one_dollar() {
  Billing billing;
  billing.prices[TemplateName("small")].per_hour = model::Money{1'000'000};
  return billing;
}

}  // namespace

TEST_CASE("a goal is a percentile of the wait") {
  const auto goal = parse_goal("p90 wait <= 5s").value();
  CHECK(goal.percent == 90);
  CHECK(goal.wait == 5s);
  CHECK(parse_goal("p100wait<=1m30s")->wait == 90s);
  for (const auto* wrong : {"", "p90", "wait <= 5s", "p0 wait <= 5s", "p101 wait <= 5s", "p90 wait < 5s",
                            "p90 wait <= 5", "p90 cost <= 5s"})
    CHECK_FALSE(parse_goal(wrong).has_value());
}

TEST_CASE("the smallest pool that meets the goal") {
  const auto trace = make_pairs(20);
  const auto none = find_pools(make_spec(), trace, {90, 30s}, {}, {}).value();
  CHECK(none.met);
  REQUIRE(none.pools.size() == 1);
  CHECK(none.pools.front().min_idle == 0);
  const auto half = find_pools(make_spec(), trace, {45, 1s}, {}, {}).value();
  CHECK(half.met);
  CHECK(half.pools.front().min_idle == 1);
  const auto nearly_all = find_pools(make_spec(), trace, {90, 1s}, {}, {}).value();
  CHECK(nearly_all.met);
  CHECK(nearly_all.pools.front().min_idle == 2);
  CHECK(nearly_all.pools.front().builds == 41);
}

TEST_CASE("what a cap makes impossible is not met, and said so") {
  const auto answer = find_pools(make_spec(1), make_pairs(20), {90, 1s}, {}, {}).value();
  CHECK_FALSE(answer.met);
  CHECK(answer.pools.front().min_idle == 1);
  CHECK_FALSE(answer.pools.front().met);
}

TEST_CASE("a budget gives the pool that it pays for") {
  const auto trace = make_pairs(20);
  const auto free = find_pools(make_spec(), trace, {90, 1s}, one_dollar(), {}).value();
  REQUIRE(free.cost_a_day.has_value());
  const auto rich = find_pools(make_spec(), trace, {90, 1s}, one_dollar(), *free.cost_a_day + 1).value();
  CHECK(rich.met);
  const auto poor = find_pools(make_spec(), trace, {90, 1s}, one_dollar(), *free.cost_a_day - 1).value();
  CHECK_FALSE(poor.met);
  CHECK(poor.pools.front().min_idle == 1);
  CHECK(poor.cost_a_day.value() <= *free.cost_a_day - 1);
  CHECK(poor.wanted_cost_a_day.value() == doctest::Approx(*free.cost_a_day));
}
