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
  t.cap = cap;
  t.launch_deadline = 5min;
  spec.fleet.templates.push_back(std::move(t));
  spec.clouds[CloudName("cloud")].boot = boot;
  return spec;
}

BuildTrace make_trace(std::size_t builds, Duration duration, Duration gap = Duration(0)) {
  BuildTrace trace;
  trace.start = kTraceEpoch;
  for (std::size_t i = 0; i < builds; ++i)
    trace.builds.push_back({gap * static_cast<std::int64_t>(i), {}, duration, {}});
  return trace;
}

std::vector<Duration> waits_of(const Happenings& happenings) {
  std::vector<Duration> waits;
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
  spec.fleet.templates.front().one_shot = false;
  spec.fleet.templates.front().idle_timeout = 5min;
  const auto trace = make_trace(3, 60s, 2min);
  const auto happened = run_simulation(spec, trace).value();
  CHECK(waits_of(happened) == std::vector<Duration>{10s, 0s, 0s});
  REQUIRE(happened.agents.size() == 1);
  CHECK(happened.agents.front().builds == 3);
  CHECK(happened.agents.front().gone.value() == 4min + 60s + 5min);
}

TEST_CASE("builds that nothing fits never run, and it is said why") {
  auto trace = make_trace(1, 60s);
  trace.builds.front().label = "windows";
  const auto happened = run_simulation(make_spec(0), trace).value();
  CHECK_FALSE(happened.builds.front().started.has_value());
  CHECK(happened.builds.front().last_reason == "no_template");
  CHECK(happened.agents.empty());
}
