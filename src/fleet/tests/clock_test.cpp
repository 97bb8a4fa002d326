// The clock on the wall is set, forwards and back: what is decided goes by the time that has passed.
#include <doctest/doctest.h>

#include <cstdlib>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;
using model::Money;

namespace {

constexpr Duration kSteps[] = {-5h, -20s, 20s, 5h};

}  // namespace

TEST_CASE("an agent has its whole launch deadline, and no more") {
  for (const auto step : kSteps) {
    CAPTURE(step.count());
    World world;
    world.start();
    world.submit("1");
    const auto agent = world.only_agent();
    world.clock.set_wall(step);
    world.advance(5min - 1s);
    CHECK(world.row(agent.id).state == AgentState::connecting);
    world.advance(1s);
    CHECK(world.row(agent.id).end_reason == EndReason::launch_deadline);
  }
}

TEST_CASE("an idle agent has its whole idle time, and no more") {
  for (const auto step : kSteps) {
    CAPTURE(step.count());
    World world;
    world.config.templates[0].max_builds = 0;
    world.config.templates[0].idle_timeout = 1min;
    world.start();
    const auto id = world.busy_agent("1");
    world.controller.finish(id, world.now());
    world.settle();
    world.clock.set_wall(step);
    world.advance(59s);
    CHECK(world.cloud.alive() == 1);
    world.advance(1s);
    CHECK(world.row(id).end_reason == EndReason::idle_too_long);
  }
}

TEST_CASE("the greatest age and the time that is paid for count as they pass") {
  for (const auto step : kSteps) {
    CAPTURE(step.count());
    World world;
    auto& t = world.config.templates[0];
    t.max_builds = 0;
    t.idle_timeout = 10h;
    SUBCASE("age") { t.max_age = 5min; }
    SUBCASE("paid") {
      t.idle_timeout = 0s;
      t.keep_paid = true;
      t.price = {Money{1}, {.minimum = 5min}};
    }
    world.start();
    const auto id = world.busy_agent("1");
    world.controller.finish(id, world.now());
    world.settle();
    world.clock.set_wall(step);
    world.advance(5min - 1s);
    CHECK(world.cloud.alive() == 1);
    world.advance(2s);
    CHECK(world.cloud.alive() == 0);
  }
}

TEST_CASE("a held cloud and an open breaker are tried again in time, and tell true times") {
  for (const auto step : kSteps) {
    CAPTURE(step.count());
    World world;
    world.cloud.refusal = {model::FailureClass::throttled, true, world.now() + 30s, "slow down"};
    world.cloud.script = {Launching::refused};
    world.start();
    world.submit("1");
    CHECK(world.cloud.launch_calls == 1);
    world.clock.set_wall(step);
    world.fleet->look_again();
    world.settle();
    const auto told = world.fleet->list_clouds()[0].templates[0];
    CHECK(told.breaker.next_probe == world.now() + 30s);
    CHECK(told.trouble.find(format_rfc3339(world.now() + 30s)) != std::string::npos);
    CHECK(told.breaker.since == world.now());
    world.advance(29s);
    CHECK(world.cloud.launch_calls == 1);
    world.advance(2s);
    CHECK(world.cloud.launch_calls == 2);
  }
}

TEST_CASE("a token is sent again for as long as the cloud knows it, whatever the clock says") {
  World world;
  world.cloud.limits.token_lifetime = 10min;
  world.config.templates[0].launch_deadline = 1h;
  world.cloud.launching = Launching::lost_answer;
  SUBCASE("not longer when it is set back") {
    world.start();
    world.settle();
    world.cloud.lists = false;
    world.submit("1");
    world.clock.set_wall(-5h);
    world.advance(9min);
    CHECK(world.cloud.find_calls == 0);
    world.advance(2min);
    const auto calls = world.cloud.launch_calls;
    world.advance(20min);
    CHECK(world.cloud.launch_calls == calls);
    CHECK(world.cloud.find_calls > 0);
  }
  SUBCASE("and not at all by a later run that cannot know its age") {
    world.start();
    world.settle();
    world.cloud.lists = false;
    world.submit("1");
    const auto calls = world.cloud.launch_calls;
    world.clock.set_wall(-5h);
    world.restart();
    world.advance(1min);
    CHECK(world.cloud.launch_calls == calls);
    CHECK(world.cloud.find_calls > 0);
    world.cloud.lists = true;
    world.advance(1min);
    CHECK_FALSE(world.only_agent().handle.empty());
    CHECK(world.cloud.launch_calls == calls);
  }
}

TEST_CASE("an agent costs what it was there for, and what is paid ahead is so no longer than before") {
  for (const auto step : {Duration(-5h), Duration(5h)}) {
    CAPTURE(step.count());
    World world;
    world.config.templates[0].price = {Money{3'600'000}, {.minimum = 5min}};
    world.config.limits.budget.per_hour = Money{3'600'000};
    world.start();
    const auto id = world.busy_agent("1");
    world.advance(1min);
    world.clock.set_wall(step);
    world.advance(1min);
    world.controller.finish(id, world.now());
    world.settle();
    const auto row = world.row(id);
    CHECK(row.state == AgentState::terminated);
    CHECK(row.cost.total() == Money{300'000});
    CHECK(row.cost.idle_time == 5min);
    world.submit("2");
    CHECK(world.controller.reasons.at("2").code == "hour_budget");
    SUBCASE("in this run") {}
    SUBCASE("in the next run, with the clock set back once more") {
      world.clock.set_wall(-7h);
      world.restart();
      world.settle();
      CHECK(world.controller.reasons.at("2").code == "hour_budget");
    }
    world.advance(3min + 1s);
    CHECK(world.cloud.launch_calls == 2);
  }
}

TEST_CASE("a resource that outlives its row is ended, whatever the clock says") {
  for (const auto step : {Duration(-5h), Duration(5h)}) {
    CAPTURE(step.count());
    World world;
    world.start();
    const auto id = world.busy_agent("1");
    const auto token = world.row(id).client_token;
    world.controller.finish(id, world.now());
    world.settle();
    REQUIRE(world.row(id).state == AgentState::terminated);
    SUBCASE("set in this run") { world.clock.set_wall(step); }
    SUBCASE("set before the next run") {
      world.clock.set_wall(step);
      world.restart();
    }
    auto& held = world.cloud.resources.at(token);
    held.resource.state = ports::ResourceState::running;
    held.stopping.reset();
    world.advance(10min);
    CHECK(world.cloud.alive() == 0);
  }
}

TEST_CASE("how long launches take is what they took") {
  World world;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.advance(10s);
  world.clock.set_wall(-5h);
  world.advance(10s);
  world.controller.connect(agent.id, world.now());
  world.settle();
  CHECK(world.fleet->list_clouds()[0].templates[0].typical_launch == 20s);
  world.submit("2");
  CHECK(world.controller.reasons.at("2").expected_at == world.now() + 20s);
  world.clock.set_wall(5h);
  world.fleet->look_again();
  world.settle();
  CHECK(world.controller.reasons.at("2").expected_at == world.now() + 20s);
}

TEST_CASE("who came first is served first, also when the clock was set back in between") {
  World world;
  world.config.limits.agents = 1;
  world.start();
  const auto id = world.busy_agent("1");
  world.submit("2");
  world.clock.set_wall(-5h);
  world.advance(1s);
  world.submit("3");
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.only_agent().for_item == "2");
}

TEST_CASE("an agent that should leave by itself has that time, and no more") {
  for (const auto step : kSteps) {
    CAPTURE(step.count());
    World world;
    world.cloud.limits.own_exit = 30s;
    world.start();
    const auto id = world.busy_agent("1");
    world.controller.finish(id, world.now());
    world.settle();
    world.clock.set_wall(step);
    world.submit("2");  // the fleet looks, and sees that the clock was set
    world.advance(29s);
    CHECK(world.cloud.terminate_calls == 0);
    world.advance(2s);
    CHECK(world.cloud.terminate_calls > 0);
    CHECK(world.row(id).state == AgentState::terminated);
  }
}
