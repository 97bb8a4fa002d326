// Goals of pools: what a search answers, and the service that searches.
#include "simulate/pool_goals.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/manual_clock.hpp"
#include "runtime/real/thread.hpp"
#include "simulate/trace_controller.hpp"

using namespace footman;
using namespace footman::simulate;
using runtime::Awaitable;

namespace {

const TemplateName kSmall("small");

fleet::FleetConfig make_config(model::PoolGoal goal) {
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

model::Build make_build(Instant submitted, Duration took = 1min) {
  model::Build build;
  build.submitted = submitted;
  build.started = submitted + 10s;
  build.finished = build.started + took;
  return build;
}

// Two builds at once each ten minutes; newest first.
std::vector<model::Build> make_builds(std::size_t count) {
  std::vector<model::Build> builds;
  for (auto i = count; i-- > 0;)
    builds.push_back(make_build(kTraceEpoch + 10min * static_cast<std::int64_t>(i / 2)));
  return builds;
}

model::Agent make_agent(Duration came_after, const TemplateName& name = kSmall) {
  model::Agent agent;
  agent.cloud = CloudName("cloud");
  agent.template_name = name;
  agent.planned = kTraceEpoch;
  agent.connected = kTraceEpoch + came_after;
  return agent;
}

fleet::PoolAnswer answer(const fleet::FleetConfig& config, std::size_t builds) {
  const auto past = make_past(make_builds(builds), {make_agent(30s)}, config);
  const auto answers = answer_goals(config, past, kTraceEpoch + 1h);
  REQUIRE(answers);
  REQUIRE(answers->size() == 1);
  return answers->at(kSmall);
}

}  // namespace

TEST_CASE("of the past counts what ran and what a template would take") {
  auto config = make_config({});
  config.templates.front().labels = {"linux"};
  auto builds = make_builds(4);
  builds[0].spec.label = "linux";
  builds[1].spec.label = "gone";
  builds[2].started = {};
  auto never = make_agent(1s);
  never.connected = {};
  const auto past = make_past(
      builds,
      {make_agent(10s), make_agent(20s), make_agent(90s), never, make_agent(5s, TemplateName("other"))},
      config);
  REQUIRE(past.trace.builds.size() == 2);
  CHECK(past.trace.start == kTraceEpoch);
  CHECK(past.trace.builds[0].submitted == Duration(0));
  CHECK(past.trace.builds[0].duration == 1min);
  CHECK(past.trace.builds[1].submitted == 10min);
  CHECK(past.trace.builds[1].label == "linux");
  REQUIRE(past.clouds.size() == 1);
  const auto& model = past.clouds.at(CloudName("cloud"));
  CHECK(model.boots.at(kSmall) == 20s);
  CHECK(model.boots.at(TemplateName("other")) == 5s);
  CHECK(model.boot == 10s);
  CHECK(model.boot_p90 == 90s);
}

TEST_CASE("the pool that a goal needs, and what is to be expected of it") {
  const auto found = answer(make_config({{90, 1s}, {}}), 80);
  CHECK(found.min_idle == 2);
  CHECK(found.met);
  CHECK(found.builds == 80);
  CHECK(found.wait == Duration(0));
  CHECK(found.at == kTraceEpoch + 1h);
  REQUIRE(found.cost_a_day);
  CHECK(found.text.starts_with("With 2 idle agents 90 % of 80 builds would have waited"));
  CHECK(found.text.ends_with(" a day."));
}

TEST_CASE("a budget of a day is kept, and said") {
  auto goal = model::PoolGoal{{90, 1s}, {}};
  const auto free = answer(make_config(goal), 80);
  goal.per_day = *free.cost_a_day - model::Money{1'000'000};
  const auto held = answer(make_config(goal), 80);
  CHECK(held.min_idle == 1);
  CHECK_FALSE(held.met);
  CHECK(*held.cost_a_day <= *goal.per_day);
  CHECK(held.text.starts_with("The goal costs $"));
  goal.per_day = model::Money{10'000};
  const auto none = answer(make_config(goal), 80);
  CHECK(none.min_idle == 0);
  CHECK_FALSE(none.met);
  CHECK(none.text.starts_with("Its builds alone cost more than $0.01 a day"));
}

TEST_CASE("what a day costs is not told of some minutes, and a goal with money waits until it can be") {
  auto goal = model::PoolGoal{{90, 1s}, {}};
  CHECK_FALSE(answer(make_config(goal), 72).cost_a_day);
  CHECK(answer(make_config(goal), 72).min_idle == 2);
  CHECK(answer(make_config(goal), 73).cost_a_day);  // the last one comes 6 hours after the first
  goal.per_day = model::Money{1'000'000'000};
  auto config = make_config(goal);
  config.templates.front().pool.size.min_idle = 1;
  const auto held = answer(config, 72);
  CHECK(held.min_idle == 1);
  CHECK_FALSE(held.met);
  CHECK(held.builds == 72);
  CHECK(
      held.text ==
      "What a day costs cannot be told yet: its builds are of 5 h 50 min, and those of 6 h 0 min are needed. "
      "Until then it keeps 1 idle agent.");
  CHECK(answer(config, 73).met);
}

TEST_CASE("what the caps make impossible is said") {
  auto config = make_config({{90, 1s}, {}});
  config.templates.front().limits.agents = 1;
  const auto found = answer(config, 40);
  CHECK(found.min_idle == 1);
  CHECK_FALSE(found.met);
  CHECK(found.text.starts_with("The goal is not met by as many as may be"));
}

TEST_CASE("with too little of the past a pool keeps its least, and says so") {
  auto config = make_config({{90, 1s}, {}});
  config.templates.front().pool.size.min_idle = 1;
  for (const std::size_t builds : {0, 1, 29}) {
    const auto found = answer(config, builds);
    CHECK(found.min_idle == 1);
    CHECK_FALSE(found.met);
    CHECK_FALSE(found.wait);
    CHECK(found.text.starts_with("Too little is known of the last 14 days"));
  }
  CHECK(answer(config, 30).met);
}

TEST_CASE("of a past that was cut too little is no answer") {
  const auto config = make_config({{90, 1s}, {}});
  for (const std::size_t builds : {0, 29, 30}) {
    auto past = make_past(make_builds(builds), {make_agent(30s)}, config);
    past.is_cut = true;
    const auto answers = answer_goals(config, past, kTraceEpoch);
    REQUIRE(answers);
    CHECK(answers->size() == (builds < model::kLeastBuildsForGoal ? 0 : 1));
  }
}

TEST_CASE("builds that never run with the limits say nothing about a pool") {
  auto config = make_config({{90, 1s}, {}});
  config.limits.budget.per_hour = model::Money{1};
  const auto found = answer(config, 40);
  CHECK(found.min_idle == 0);
  CHECK_FALSE(found.met);
  CHECK(found.text.find("would never run") != std::string::npos);
}

TEST_CASE("the same past gives the same answer") {
  const auto config = make_config({{90, 20s}, {}});
  CHECK(answer(config, 60) == answer(config, 60));
}

namespace {

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

// A server with a store, a fleet and the service, on one executor and a clock that stands still.
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

}  // namespace

TEST_CASE("a server with a past gets its pool from the goal, and keeps it") {
  World world({{90, 1s}, {}});
  world.add_builds(40);
  world.start();
  CHECK_FALSE(world.pool().answer);
  world.settle();
  world.advance(1min);
  const auto pool = world.pool();
  REQUIRE(pool.goal);
  REQUIRE(pool.answer);
  CHECK(pool.answer->min_idle == 2);
  CHECK(pool.answer->met);
  CHECK(pool.size == "2 idle");
  CHECK(pool.target == 2);
  CHECK(pool.idle == 2);
  CHECK(world.exposes("footman_pool_goal_idle{template=\"small\"} 2\n"));
  CHECK(world.exposes("footman_pool_goal_met{template=\"small\"} 1\n"));
  CHECK(world.exposes("footman_pool_goal_searches_total 1\n"));
  const auto changes = world.changes.read_after(0).values;
  CHECK(std::ranges::count_if(changes, [](const model::Change& change) {
          return change.kind == "pool" && change.id == "small" && change.state == "goal_met";
        }) == 1);
  CHECK(world.cloud.live() == 2);

  world.advance(50min);
  CHECK(world.exposes("footman_pool_goal_searches_total 1\n"));
  world.advance(10min);
  CHECK(world.exposes("footman_pool_goal_searches_total 2\n"));
  CHECK(world.pool().answer->at > pool.answer->at);
  CHECK(world.cloud.live() == 2);

  world.change_goal(model::PoolGoal{{45, 1s}, {}});  // of a reload: at once
  CHECK(world.pool().answer->min_idle == 1);
  world.change_goal({});
  world.advance(2h);
  CHECK(world.cloud.live() == 0);
  CHECK(world.exposes("footman_pool_goal_searches_total 3\n"));
}

TEST_CASE("a server without a past has no pool yet, and says so") {
  World world({{90, 1s}, {}});
  world.start();
  world.settle();
  world.advance(1min);
  REQUIRE(world.pool().answer);
  CHECK(world.pool().answer->text.starts_with("Too little is known"));
  CHECK(world.pool().size == "none");
  CHECK(world.cloud.live() == 0);
  world.add_builds(40);
  world.advance(kSearchEvery);
  CHECK(world.pool().answer->min_idle == 2);
}

TEST_CASE("what is older than two weeks does not count") {
  World world({{90, 1s}, {}});
  world.add_builds(40);
  world.clock.set(world.clock.steady() + kHistory + 1h);
  world.start();
  world.settle();
  CHECK(world.pool().answer->text.starts_with("Too little is known"));
}

TEST_CASE("after a search that took too long the next ones look at fewer builds, then at more again") {
  World world({{90, 1s}, {}});
  world.add_builds(60);
  const auto next = [&] {
    const auto at = world.warning->text.find("the next one looks at ");
    return at == std::string::npos ? "" : world.warning->text.substr(at + 22);
  };
  world.clock_of_searches.is_late = true;
  world.start();
  world.settle();
  for (const auto* builds : {"5000", "2500", "1250", "1000", "1000"}) {
    CHECK(next() == std::string(builds) + " builds");
    world.advance(kSearchEvery);
  }
  CHECK_FALSE(world.pool().answer);
  world.clock_of_searches.is_late = false;
  world.advance(2 * kSearchEvery);
  REQUIRE(world.pool().answer);
  CHECK(world.pool().answer->min_idle == 2);
  world.clock_of_searches.is_late = true;
  world.advance(kSearchEvery);
  CHECK(next() == "2000 builds");
  world.change_goal(model::PoolGoal{{45, 1s}, {}});
  CHECK(next() == "5000 builds");
}

TEST_CASE("a search on a thread of its own is given up at the end of the server") {
  World world({{90, 1s}, {}}, World::Search::on_a_thread);
  world.add_builds(60);
  world.start();
  SUBCASE("it is waited for") {
    while (!world.pool().answer) REQUIRE(world.io.run_one_for(std::chrono::seconds(30)) > 0);
    CHECK(world.pool().answer->min_idle == 2);
  }
  SUBCASE("it is not") {}  // ~World stops everything
}
