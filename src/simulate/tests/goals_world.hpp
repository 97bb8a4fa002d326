// A server with a store, a fleet and the service that searches for pools, on one executor and a clock that
// stands still; the searches may have a thread of their own.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/manual_clock.hpp"
#include "runtime/real/thread.hpp"
#include "simulate/pool_goals.hpp"
#include "simulate/trace_controller.hpp"

namespace footman::simulate::testing {

using runtime::Awaitable;

inline const TemplateName kSmall("small");

inline fleet::FleetConfig make_config(model::PoolGoal goal) {
  fleet::FleetConfig config;
  fleet::Template t;
  t.name = kSmall;
  t.cloud = CloudName("cloud");
  t.is_default = true;
  t.price.per_hour = model::Money{1'000'000};
  t.pool.goal = goal;
  config.templates.push_back(std::move(t));
  return config;
}

// While it is late each look at it takes as long as a search may.
class LateClock final : public runtime::Clock {
 public:
  explicit LateClock(runtime::Clock& clock) : clock_(clock) {}
  bool is_late = false;
  Instant now() const override { return clock_.now(); }
  Duration steady() const override {
    if (is_late) behind_ += kSearchTime;
    return clock_.steady() + behind_;
  }
  std::unique_ptr<runtime::Timer> call_after(runtime::Executor executor, Duration delay,
                                             std::function<void()> call) override {
    return clock_.call_after(std::move(executor), delay, std::move(call));
  }

 private:
  runtime::Clock& clock_;
  mutable Duration behind_{0};
};

class LastWarning final : public base::LogSink {
 public:
  std::string text;
  void write(base::LogLevel level, std::string_view, const base::LogFields& fields) override {
    if (level == base::LogLevel::warning) text = fields.empty() ? "" : fields.front().value;
  }
};

class World {
 public:
  boost::asio::io_context io;
  std::optional<runtime::real::Thread> search_thread;  // ends before `io`, which what is left on it refers to
  runtime::ManualClock clock;
  LateClock clock_of_searches{clock};
  std::shared_ptr<LastWarning> warning = std::make_shared<LastWarning>();
  base::Metrics metrics;
  runtime::Feed<model::Change> changes{1000};
  std::unique_ptr<store::Store> store = store::open_store({}, {}, io.get_executor()).value();

 private:
  runtime::Executor executor_ = io.get_executor();
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io.get_executor()};
  runtime::Scope scope_{executor_, {}};
  std::unique_ptr<runtime::Rng> rng_ = runtime::make_seeded_rng(7);
  Happenings happenings_;
  BuildTrace nothing_;
  TraceController controller_{nothing_, clock, executor_, happenings_,
                              [this](const AgentId& id) { return cloud.find_record(id); }};
  fleet::FleetConfig config_;

 public:
  ModelCloud cloud{
      CloudName("cloud"), CloudModel(), 1, clock, executor_, happenings_, [this](const AgentId& id) {
        controller_.connect(id);
      }};
  std::optional<fleet::Fleet> fleet;
  std::optional<PoolGoals> goals;

  enum class Search { here, on_a_thread };
  explicit World(model::PoolGoal goal, Search search = Search::here) : config_(make_config(goal)) {
    if (search == Search::on_a_thread) search_thread.emplace("search");
    fleet::FleetParts parts{.store = *store,
                            .clock = clock,
                            .rng = *rng_,
                            .control = executor_,
                            .controllers = {&controller_},
                            .clouds = {&cloud},
                            .changes = changes,
                            .metrics = metrics,
                            .log = {},
                            .crash_points = {},
                            .storage_full = {}};
    fleet.emplace(std::move(parts), config_);
    goals.emplace(
        PoolGoalParts{*store, *fleet, clock_of_searches, executor_,
                      search_thread ? search_thread->executor() : executor_, metrics, base::Logger(warning)},
        config_);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() {
    run(stop(this));
    store->close();
  }

  void start() {
    auto state = run(store->load_open_state());
    REQUIRE(state);
    REQUIRE(run(fleet->start(std::move(*state))));
    goals->start();
  }

  void change_goal(std::optional<model::PoolGoal> goal) {
    config_.templates.front().pool.goal = goal;
    REQUIRE(run(fleet->apply_config(config_)));
    goals->set_config(config_);
    settle();
  }

  void settle() {
    io.restart();
    while (io.poll() > 0) io.restart();
  }
  void advance(Duration by) {
    const auto until = clock.steady() + by;
    settle();
    while (clock.step(until)) settle();
    clock.set(until);
    settle();
  }

  template <class R>
  R run(Awaitable<R> work) {
    std::optional<R> result;
    scope_.spawn("test", keep(std::move(work), &result));
    while (!result) REQUIRE(io.run_one_for(std::chrono::seconds(30)) > 0);
    return std::move(*result);
  }

  // Two at once each ten minutes, as in make_builds().
  void add_builds(std::size_t count) {
    const auto begin = clock.now() - 10min * static_cast<std::int64_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = begin + 10min * static_cast<std::int64_t>(i / 2);
      store::NewBuild build;
      build.spec.steps.push_back({"", "", "true"});
      build.now = build.quiet_until = at;
      const auto submitted = run(store->submit_build(std::move(build)));
      REQUIRE(submitted);
      const auto one = run(store->offer_assignment(submitted->item.id, AgentId("a"), 1, at));
      REQUIRE(one);
      REQUIRE(run(store->accept_assignment(one->id, at)));
      REQUIRE(run(store->start_assignment(one->id, at)));
      store::FinishBuild end;
      end.build = one->build;
      end.assignment = one->id;
      end.result = model::BuildResult::success;
      end.now = at + 1min;
      REQUIRE(run(store->finish_build(std::move(end))));
    }
  }

  fleet::PoolView pool() const { return fleet->list_clouds().at(0).templates.at(0).pool.value(); }
  bool exposes(const std::string& line) { return metrics.expose().find(line) != std::string::npos; }

 private:
  template <class R>
  static Awaitable<void> keep(Awaitable<R> work, std::optional<R>* result) {
    result->emplace(co_await std::move(work));
  }
  static Awaitable<bool> stop(World* self) {
    co_await self->goals->stop();
    co_await self->fleet->stop();
    co_return true;
  }
};

}  // namespace footman::simulate::testing
