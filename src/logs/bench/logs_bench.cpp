// The log store alone: what one append costs, what one stream takes, what many streams take. The directory is
// $TMPDIR's: a disk, please, not a file system in memory.
#include <benchmark/benchmark.h>

#include <vector>

#include "logs/tests/world.hpp"

using namespace footman::logs;
using namespace footman::logs::testing;

namespace {

using Answer = std::shared_ptr<std::optional<Result<std::uint64_t>>>;

// The first line of a new log: file, directory entry and bytes are on disk.
void first_line(benchmark::State& state) {
  World world;
  std::int64_t stream = 0;
  for (auto _ : state) {
    const auto size = world.append(++stream, 0, "+ make -j2 all\n", {{0, world.clock->now()}});
    if (size != 15) state.SkipWithError("append failed");
  }
}
BENCHMARK(first_line)->Unit(benchmark::kMicrosecond)->UseRealTime();

void next_line(benchmark::State& state) {
  World world;
  std::uint64_t size = 0;
  for (auto _ : state) {
    const auto next = world.append(1, size, "+ make -j2 all\n", {{size, world.clock->now()}});
    if (!next) state.SkipWithError("append failed");
    size = *next;
  }
}
BENCHMARK(next_line)->Unit(benchmark::kMicrosecond)->UseRealTime();

// One stream as fast as it goes, one append after another.
void one_stream(benchmark::State& state) {
  World world;
  const auto bytes = make_log(static_cast<std::size_t>(state.range(0)));
  std::uint64_t size = 0;
  std::int64_t stream = 1;
  for (auto _ : state) {
    const auto next = world.append(stream, size, bytes, {{size, world.clock->now()}});
    if (!next) state.SkipWithError("append failed");
    size = *next;
    if (size > (std::uint64_t{1} << 30)) {
      (void)world.run(world.logs->remove(StreamId(stream++)));
      size = 0;
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(one_stream)
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Arg(4 << 20)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A line for each of many streams at once, until all are on disk.
void many_streams(benchmark::State& state) {
  World world;
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(state.range(0)));
  std::vector<Answer> answers(sizes.size());
  for (auto _ : state) {
    for (std::size_t i = 0; i < sizes.size(); ++i)
      answers[i] = world.begin(world.logs->append(StreamId(static_cast<std::int64_t>(i) + 1), sizes[i],
                                                  "+ make -j2 all\n", {{sizes[i], world.clock->now()}}));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      world.run_until([&] { return answers[i]->has_value(); });
      sizes[i] = (*answers[i])->value();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(many_streams)->Arg(10)->Arg(300)->Unit(benchmark::kMillisecond)->UseRealTime();

void read_compressed(benchmark::State& state) {
  World world;
  const auto text = make_log(8 << 20);
  (void)world.append(1, 0, text);
  (void)world.run(world.logs->finish(StreamId(1)));
  world.wait_compressed(1);
  std::uint64_t at = 0;
  for (auto _ : state) {
    const auto bytes = world.run(world.logs->read(StreamId(1), at, static_cast<std::size_t>(state.range(0))));
    at = (at + bytes->size()) % text.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(read_compressed)->Arg(64 << 10)->Arg(1 << 20)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
