// Keeps the pools that have a goal as large as they must be: looks at the builds of the last two weeks, tries
// on them how many idle agents each pool needs, and tells the fleet. Once at the start, after each change of
// the configuration, and every hour; in between the pools keep their size.
//
// Control executor; a search runs on another one, for kSearchTime at most, and is given up when the server
// stops. Lifecycle: construct, start() once, stop() once; the parts outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "fleet/fleet.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"
#include "simulate/goal.hpp"
#include "store/store.hpp"

namespace footman::simulate {

inline constexpr Duration kSearchEvery = std::chrono::hours(1);
inline constexpr Duration kHistory = std::chrono::hours(14 * 24);
// The newest. After a search that took too long half as many, down to the least; after one that did not
// twice.
inline constexpr std::size_t kHistoryBuilds = 10'000;
inline constexpr std::size_t kLeastHistoryBuilds = 1'000;
// From the first to the last submission: of a shorter time nobody can tell what a day costs. A past that has
// kHistoryBuilds is no shorter than it has to be.
inline constexpr Duration kLeastSpan = std::chrono::hours(6);
inline constexpr std::size_t kHistoryAgents = 1'000;  // the newest, for the time that they took to come
inline constexpr Duration kSearchTime = 2min;

// What a search looks at; values.
struct PastBuilds {
  BuildTrace trace;
  std::map<CloudName, CloudModel> clouds;
  bool is_cut = false;  // there is more of it, which would take too long
};
// Builds that ran and whose label some template fits, and how long agents took to come. Newest first, as the
// store lists them.
PastBuilds make_past(const std::vector<model::Build>& builds, const std::vector<model::Agent>& agents,
                     const fleet::FleetConfig& config);

PoolWishes list_wishes(const fleet::FleetConfig& config);  // of the templates whose pool has a goal

// One answer for each wish. Too little of the past: its pool is its least; of a past that was cut: no answer.
Result<fleet::PoolAnswers> answer_goals(const fleet::FleetConfig& config, const PastBuilds& past, Instant now,
                                        const OnProgress& on_progress = {});

struct PoolGoalParts {
  store::Store& store;
  fleet::Fleet& fleet;
  runtime::Clock& clock;
  runtime::Executor control;
  runtime::Executor search;  // may be busy for as long as a search takes; that nobody else waits for
  base::Metrics& metrics;
  base::Logger log;
};

class PoolGoals {
 public:
  PoolGoals(PoolGoalParts parts, fleet::FleetConfig config);
  PoolGoals(const PoolGoals&) = delete;
  PoolGoals& operator=(const PoolGoals&) = delete;
  ~PoolGoals();

  void start();
  // As the fleet has it now. What is being searched for the one before is given up.
  void set_config(fleet::FleetConfig config);
  runtime::Awaitable<void> stop();

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;  // of one search: false, it is given up

  runtime::Awaitable<void> run();
  runtime::Awaitable<void> search();
  runtime::Awaitable<Result<PastBuilds>> read_past();
  runtime::Awaitable<Result<std::vector<model::Build>>> read_builds();
  void note(const Result<fleet::PoolAnswers>& answers, Duration took);

  PoolGoalParts parts_;
  fleet::FleetConfig config_;
  runtime::Scope scope_;
  runtime::Event changed_;
  Flag goes_on_;
  std::size_t most_builds_ = kHistoryBuilds;
  base::Counter& searches_;
  base::Histogram& search_seconds_;
};

}  // namespace footman::simulate
