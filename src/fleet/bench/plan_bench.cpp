// One look of the fleet's policy at many items and agents.
#include <benchmark/benchmark.h>

#include <string>

#include "model/label.hpp"
#include "policy/provisioning_plan.hpp"

namespace {

using namespace footman;

policy::Snapshot make_snapshot(std::int64_t items, std::int64_t agents) {
  policy::Snapshot snapshot;
  snapshot.clouds.push_back({base::CloudName("cloud"), 0, {}, {}});
  const auto label = model::parse_label_expression("linux && x86_64").value();
  for (const auto* name : {"small", "large"}) {
    policy::Template t;
    t.cloud = base::CloudName("cloud");
    t.name = base::TemplateName(name);
    t.generation = 1;
    t.labels = {"linux", "x86_64", name};
    t.cap = 10'000;
    snapshot.templates.push_back(std::move(t));
  }
  for (std::int64_t i = 0; i < items; ++i)
    snapshot.items.push_back({{base::ControllerName("builtin"), std::to_string(i)},
                              label,
                              {1'000'000 + i},
                              "team/app #" + std::to_string(i)});
  for (std::int64_t i = 0; i < agents; ++i) {
    policy::Agent agent;
    agent.id = base::AgentId("cloud-" + std::to_string(i));
    agent.cloud = base::CloudName("cloud");
    agent.template_name = base::TemplateName("small");
    agent.generation = 1;
    agent.labels = {"linux", "x86_64", "small"};
    agent.controller = base::ControllerName("builtin");
    agent.for_item = std::to_string(i);
    agent.state = i % 2 == 0 ? model::AgentState::connecting : model::AgentState::online;
    agent.activity = i % 2 == 0 ? model::AgentActivity::expected : model::AgentActivity::busy;
    agent.planned = {500'000 + i};
    snapshot.agents.push_back(std::move(agent));
  }
  return snapshot;
}

void plan(benchmark::State& state) {
  const auto snapshot = make_snapshot(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(policy::plan_provisioning(snapshot, {}, {2'000'000}));
}
BENCHMARK(plan)->Args({1, 1})->Args({100, 100})->Args({10'000, 10'000})->Unit(benchmark::kMicrosecond);

void copy_snapshot(benchmark::State& state) {
  const auto snapshot = make_snapshot(state.range(0), state.range(1));
  for (auto _ : state) {
    auto copy = snapshot;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(copy_snapshot)->Args({10'000, 10'000})->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
