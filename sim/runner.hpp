// Many seeds on several processors: workers are processes, so that a seed that kills its program is reported
// as any other failure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.hpp"

namespace footman::sim {

struct RunSummary;

struct FailedSeed {
  std::uint64_t seed = 0;
  std::string invariant;
  std::string text;
};

struct RunOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 200;
  unsigned jobs = 1;
  std::string_view stop_at;  // a broken invariant that ends the run; empty: all seeds run
  double run_twice = 0.05;   // of the seeds, to see that they give the same trace
  void (*plant)(WorldOptions& options) = nullptr;
  std::function<void(const RunSummary&)> on_progress;
  std::function<void(const FailedSeed&)> on_failure;  // at once
};

struct RunSummary {
  std::uint64_t done = 0;
  std::uint64_t run_twice = 0;
  Outcome total;  // the sums
  std::vector<FailedSeed> failures;
};

RunSummary run_seeds(const RunOptions& options);

// One seed, twice when `twice`: a difference is a violation of its own.
Outcome run_seed(std::uint64_t seed, bool twice, void (*plant)(WorldOptions&));

}  // namespace footman::sim
