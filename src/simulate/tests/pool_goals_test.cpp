// Goals of pools: what a search answers, and the service that searches.
#include "simulate/pool_goals.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "simulate/tests/goals_world.hpp"

using namespace footman;
using namespace footman::simulate;
using namespace footman::simulate::testing;

namespace {

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
  const auto free = answer(config, 80);
  config.templates.front().pool.goal->per_day = *free.cost_a_day - model::Money{100'000};
  const auto held = answer(config, 80);
  CHECK_FALSE(held.met);
  CHECK(held.min_idle == 0);
  CHECK(held.text.starts_with("The goal is not met by as many as may be"));
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
