#include "simulate/goal.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "simulate/workload.hpp"

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
  t.limits.agents = cap;
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
  const auto dear = find_pools(make_spec(1), make_pairs(20), {90, 1s}, one_dollar(), 0.01).value();
  CHECK_FALSE(dear.met);
  CHECK(dear.above_budget);
  CHECK_FALSE(dear.wanted_cost_a_day);  // no pools do it, whatever they cost
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

namespace {

// Pairs that come for each of two templates.
SimulationSpec make_two() {
  auto spec = make_spec();
  spec.fleet.templates.push_back(spec.fleet.templates.front());
  spec.fleet.templates.back().name = TemplateName("gpu");
  spec.fleet.templates.back().labels = {"gpu"};
  spec.fleet.templates.back().is_default = false;
  return spec;
}

BuildTrace for_both(BuildTrace trace) {
  const auto plain = trace.builds;
  for (auto build : plain) {
    build.label = "gpu";
    trace.builds.push_back(std::move(build));
  }
  std::ranges::stable_sort(trace.builds, {}, &TracedBuild::submitted);
  return trace;
}

const TemplatePool* find_pool(const GoalAnswer& answer, const char* name) {
  const auto found = std::ranges::find(answer.pools, TemplateName(name), &TemplatePool::name);
  return found == answer.pools.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("each template's own wish; the others keep their pools") {
  auto spec = make_two();
  spec.fleet.templates.back().pool.size.min_idle = 1;
  const auto trace = for_both(make_pairs(20));
  const auto alone =
      find_wished_pools(spec, trace, {{TemplateName("small"), {.goal = {90, 1s}}}}, {}).value();
  REQUIRE(alone.pools.size() == 1);
  CHECK(alone.pools.front().min_idle == 2);
  CHECK(alone.met);
  const auto both = find_wished_pools(spec, trace,
                                      {{TemplateName("small"), {.goal = {90, 1s}}},
                                       {TemplateName("gpu"), {.goal = {45, 1s}, .least = 0}}},
                                      {})
                        .value();
  REQUIRE(find_pool(both, "gpu") != nullptr);
  CHECK(find_pool(both, "gpu")->min_idle == 1);
  CHECK(find_pool(both, "small")->min_idle == 2);
  CHECK(both.met);
}

TEST_CASE("a wish has its least and its most") {
  const auto trace = make_pairs(20);
  const auto wish = [&](PoolWish one) {
    return find_wished_pools(make_spec(), trace, {{TemplateName("small"), one}}, {}).value();
  };
  const auto more = wish({.goal = {90, 30s}, .least = 3});
  CHECK(more.pools.front().min_idle == 3);
  CHECK(more.met);
  const auto fewer = wish({.goal = {90, 1s}, .most = 1});
  CHECK(fewer.pools.front().min_idle == 1);
  CHECK_FALSE(fewer.pools.front().met);
}

TEST_CASE("a wish's budget counts its own template alone") {
  auto spec = make_two();
  const auto trace = for_both(make_pairs(20));
  auto billing = one_dollar();
  billing.prices[TemplateName("gpu")].per_hour = model::Money{5'000'000};
  PoolWishes wishes{{TemplateName("small"), {.goal = {90, 1s}}}, {TemplateName("gpu"), {.goal = {90, 1s}}}};
  const auto free = find_wished_pools(spec, trace, wishes, billing).value();
  const auto cost = find_pool(free, "small")->cost_a_day.value();
  CHECK(cost < 60);
  CHECK(find_pool(free, "gpu")->cost_a_day.value() > 200);
  wishes[TemplateName("small")].per_day = cost - 1;
  const auto held = find_wished_pools(spec, trace, wishes, billing).value();
  CHECK(find_pool(held, "small")->min_idle == 1);
  CHECK(find_pool(held, "small")->cost_a_day.value() <= cost - 1);
  CHECK(find_pool(held, "small")->wanted_cost_a_day.value() == doctest::Approx(cost));
  CHECK_FALSE(find_pool(held, "small")->met);
  CHECK(find_pool(held, "gpu")->min_idle == 2);
  CHECK_FALSE(find_pool(held, "gpu")->wanted_cost_a_day.has_value());
  wishes[TemplateName("small")].per_day = 0.01;  // not even the builds alone
  const auto none = find_wished_pools(spec, trace, wishes, billing).value();
  CHECK(find_pool(none, "small")->min_idle == 0);
  CHECK(find_pool(none, "small")->cost_a_day.value() > 0.01);
}

TEST_CASE("a search can be given up") {
  Workload workload;
  workload.span = 24h;
  const auto trace = generate_builds(workload).value();
  auto spec = make_spec();
  int looks = 0;
  const auto answer = find_wished_pools(spec, trace, {{TemplateName("small"), {.goal = {90, 1s}}}}, {},
                                        [&](const SimulationProgress&) { return ++looks < 2; });
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Errc::cancelled);
  CHECK(looks == 2);
}
