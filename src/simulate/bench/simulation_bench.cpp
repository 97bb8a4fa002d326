// How long a simulation takes, by the number of builds and by how many of them wait at once.
#include <benchmark/benchmark.h>

#include "simulate/simulation.hpp"
#include "simulate/workload.hpp"

namespace {

using namespace footman;
using namespace footman::simulate;

SimulationSpec make_spec(std::uint32_t cap) {
  SimulationSpec spec;
  fleet::Template t;
  t.name = TemplateName("small");
  t.cloud = CloudName("cloud");
  t.labels = {"linux"};
  t.is_default = true;
  t.limits.agents = cap;
  spec.fleet.templates.push_back(std::move(t));
  return spec;
}

void run(benchmark::State& state, const SimulationSpec& spec, const BuildTrace& trace) {
  for (auto _ : state) benchmark::DoNotOptimize(run_simulation(spec, trace));
  state.counters["builds/s"] =
      benchmark::Counter(static_cast<double>(trace.builds.size()) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

// Builds that last five minutes on average, so many an hour for so many hours.
void steady(benchmark::State& state) {
  Workload workload;
  workload.builds_per_hour = static_cast<double>(state.range(0));
  workload.span = std::chrono::hours(state.range(1));
  run(state, make_spec(0), generate_builds(workload).value());
}
BENCHMARK(steady)
    ->Args({60, 17})
    ->Args({60, 167})
    ->Args({600, 17})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// So many builds at once, a hundred agents.
void flood(benchmark::State& state) {
  BuildTrace trace;
  trace.start = kTraceEpoch;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    trace.builds.push_back({Duration(0), {}, std::chrono::seconds(60 + i % 60), {}});
  run(state, make_spec(100), trace);
}
BENCHMARK(flood)->Arg(1'000)->Arg(2'000)->Arg(4'000)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
