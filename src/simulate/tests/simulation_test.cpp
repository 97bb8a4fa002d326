#include "simulate/simulation.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace footman;
using namespace footman::simulate;

namespace {

SimulationSpec make_spec(std::uint32_t cap, Duration boot = 10s) {
  SimulationSpec spec;
  fleet::Template t;
  t.name = TemplateName("small");
  t.cloud = CloudName("cloud");
  t.labels = {"linux"};
  t.is_default = true;
  t.limits.agents = cap;
  t.launch_deadline = 5min;
  spec.fleet.templates.push_back(std::move(t));
  spec.clouds[CloudName("cloud")].boot = boot;
  return spec;
}

BuildTrace make_trace(std::size_t builds, Duration duration, Duration gap = Duration(0)) {
  BuildTrace trace;
  trace.start = kTraceEpoch;
  trace.builds.reserve(builds);
  for (std::size_t i = 0; i < builds; ++i)
    trace.builds.push_back({gap * static_cast<std::int64_t>(i), {}, duration, {}});
  return trace;
}

std::vector<Duration> waits_of(const Happenings& happenings) {
  std::vector<Duration> waits;
  waits.reserve(happenings.builds.size());
  for (const auto& build : happenings.builds) waits.push_back(build.started.value() - build.submitted);
  return waits;
}

}  // namespace

TEST_CASE("three builds at once, one agent at a time: each waits for those before and for its agent") {
  const auto trace = make_trace(3, 60s);
  const auto happened = run_simulation(make_spec(1), trace).value();
  CHECK(waits_of(happened) == std::vector<Duration>{10s, 80s, 150s});
  REQUIRE(happened.agents.size() == 3);
  for (const auto& agent : happened.agents) {
    CHECK(agent.busy == 60s);
    CHECK(agent.gone.value() - agent.launched == 70s);
  }
  CHECK(happened.end == 210s);
}

TEST_CASE("without a cap all wait for their own agent's start alone") {
  const auto trace = make_trace(50, 60s);
  const auto happened = run_simulation(make_spec(0), trace).value();
  CHECK(happened.agents.size() == 50);
  for (const auto wait : waits_of(happened)) CHECK(wait == 10s);
}

TEST_CASE("an agent that is kept takes the next build at once and goes when it was idle for long enough") {
  auto spec = make_spec(0);
  spec.fleet.templates.front().max_builds = 0;
  spec.fleet.templates.front().idle_timeout = 5min;
  const auto trace = make_trace(3, 60s, 2min);
  const auto happened = run_simulation(spec, trace).value();
  CHECK(waits_of(happened) == std::vector<Duration>{10s, 0s, 0s});
  REQUIRE(happened.agents.size() == 1);
  CHECK(happened.agents.front().builds == 3);
  CHECK(happened.agents.front().gone.value() == 4min + 60s + 5min);
}

TEST_CASE("what the budget of a day keeps waiting runs on the next one") {
  auto spec = make_spec(0);
  spec.fleet.templates.front().price.per_hour = model::Money{1'000'000};
  spec.fleet.limits.budget.per_day = model::Money{500'000};
  const auto happened = run_simulation(spec, make_trace(3, 2h)).value();
  const auto waits = waits_of(happened);
  CHECK(waits[0] == 10s);
  CHECK(waits[1] == 10s);
  CHECK(waits[2] >= 24h);
  CHECK(waits[2] < 24h + 1min);
}

TEST_CASE("builds that nothing fits never run, and it is said why") {
  auto trace = make_trace(1, 60s);
  trace.builds.front().label = "windows";
  const auto happened = run_simulation(make_spec(0), trace).value();
  CHECK_FALSE(happened.builds.front().started.has_value());
  CHECK(happened.builds.front().last_reason == "no_template");
  CHECK(happened.agents.empty());
}

TEST_CASE("a seed is a simulation: the same twice, another one with another seed") {
  auto spec = make_spec(5);
  auto& cloud = spec.clouds[CloudName("cloud")];
  cloud.boot_p90 = 30s;
  cloud.refused = 0.1;
  cloud.never_connect = 0.05;
  cloud.stop = 3s;
  const auto trace = make_trace(100, 30s, 5s);
  const auto first = run_simulation(spec, trace).value();
  const auto second = run_simulation(spec, trace).value();
  CHECK(waits_of(first) == waits_of(second));
  CHECK(first.holds == second.holds);
  CHECK(first.refusals == second.refusals);
  CHECK(first.agents.size() == second.agents.size());
  CHECK(first.refusals.at("transient") > 0);
  spec.seed = 2;
  CHECK(waits_of(run_simulation(spec, trace).value()) != waits_of(first));
}

TEST_CASE("a cloud without capacity refuses, and the breaker asks again until all builds have run") {
  auto spec = make_spec(0);
  spec.clouds[CloudName("cloud")].capacity = 2;
  const auto happened = run_simulation(spec, make_trace(6, 60s)).value();
  for (const auto& build : happened.builds) CHECK(build.finished.has_value());
  CHECK(happened.refusals.at("capacity") > 0);
  CHECK(happened.holds.contains("template_open"));
}

TEST_CASE("labels: each build runs on what fits, in order") {
  auto spec = make_spec(1);
  auto windows = spec.fleet.templates.front();
  windows.name = TemplateName("windows");
  windows.labels = {"windows"};
  windows.is_default = false;
  spec.fleet.templates.push_back(windows);
  spec.clouds[CloudName("cloud")].boots[TemplateName("windows")] = 100s;
  auto trace = make_trace(3, 60s);
  trace.builds[1].label = "windows";
  const auto happened = run_simulation(spec, trace).value();
  CHECK(waits_of(happened) == std::vector<Duration>{10s, 100s, 80s});
}
