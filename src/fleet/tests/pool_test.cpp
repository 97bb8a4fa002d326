// Warm pools in the fleet: filled once, over crashes too, and told what they were good for.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/stored_answer.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;

namespace {

PoolView pool_of(World& world) { return world.fleet->list_clouds().at(0).templates.at(0).pool.value(); }

void connect_all(World& world) {
  for (const auto& one : world.live_agents())
    if (world.controller.observe_agent(one.id).activity == ports::AgentActivity::expected)
      world.controller.connect(one.id, world.now());
  world.settle();
}

AgentId idle_agent(World& world) {
  for (const auto& one : world.agents())
    if (one.observation.activity == ports::AgentActivity::idle) return one.agent.id;
  return {};
}

}  // namespace

TEST_CASE("a pool is filled before anything waits, and a build is served without a launch") {
  World world;
  world.config.templates[0].pool.size.min_idle = 2;
  world.start();
  CHECK(world.cloud.launch_calls == 2);
  for (const auto& one : world.live_agents()) {
    CHECK(one.for_item.empty());
    CHECK(one.controller == world.controller.name());
    CHECK(World::has(world.timeline(one.id), "decided"));
  }
  CHECK(pool_of(world).on_way == 2);
  connect_all(world);
  CHECK(pool_of(world).idle == 2);
  CHECK(world.fleet->find_agent(idle_agent(world))->kept_ready);
  world.advance(2h);
  CHECK(world.cloud.launch_calls == 2);  // idle time does not end what is wanted
  CHECK(world.cloud.alive() == 2);
  CHECK(world.fleet->list_clouds()[0].templates[0].idle_time == 4h);

  world.submit("1");
  CHECK(world.controller.reasons.at("1").code == "agent_idle");
  CHECK(world.cloud.launch_calls == 3);  // the one that it takes is replaced
  const auto agent = world.controller.reasons.at("1").agent;
  world.controller.work(agent, "1");
  world.settle();
  CHECK(pool_of(world).hits == 1);
  CHECK(pool_of(world).misses == 0);
  CHECK(pool_of(world).at_work == 1);
  world.controller.finish(agent, world.now());
  world.settle();
  CHECK(world.row(agent).end_reason == EndReason::build_finished);
  connect_all(world);
  CHECK(world.cloud.launch_calls == 3);
  CHECK(world.cloud.alive() == 2);
  CHECK(pool_of(world).hits == 1);
}

TEST_CASE("a build that the pool cannot serve is a miss") {
  World world;
  world.config.templates[0].pool.size.min_idle = 1;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].limits.agents = 3;
  world.start();
  connect_all(world);
  world.controller.work(idle_agent(world), "0");
  world.settle();
  world.controller.submit("1", world.now());  // goes to the replacement on its way
  world.submit("2");                          // gets an agent of its own
  CHECK(world.cloud.launch_calls == 3);
  connect_all(world);
  for (const auto& one : world.agents())
    if (one.observation.activity == ports::AgentActivity::idle)
      world.controller.work(one.agent.id, one.agent.for_item.empty() ? "1" : "2");
  world.settle();
  CHECK(pool_of(world).hits == 2);
  CHECK(pool_of(world).misses == 1);
  CHECK(pool_of(world).hold == "template_cap");
  world.restart();
  world.settle();
  CHECK(pool_of(world).hits == 0);  // since the start; what goes on is not counted again
  CHECK(pool_of(world).misses == 0);
}

TEST_CASE("a pool is filled once, wherever the server crashes") {
  bool crashed = true;
  for (int steps = 0; crashed; ++steps) {
    CAPTURE(steps);
    REQUIRE(steps < 1000);
    World world;
    world.config.templates[0].pool.size.min_idle = 3;
    world.storage_full = true;  // nothing is launched yet
    world.start();
    CHECK(world.cloud.launch_calls == 0);
    world.storage_full = false;
    world.fleet->look_again();
    for (int i = 0; i < steps && crashed; ++i) crashed = world.step();
    world.restart();
    world.settle();
    connect_all(world);
    world.restart();
    world.advance(1min);
    CHECK(world.cloud.alive() == 3);
    CHECK(world.cloud.ever.size() == 3);
    CHECK(world.live_agents().size() == 3);
    CHECK(world.cloud.violations.empty());
  }
}

TEST_CASE("a smaller pool lets its agents go as idle ones do; without a pool they are surplus") {
  World world;
  auto& t = world.config.templates[0];
  t.pool.size.min_idle = 2;
  t.idle_timeout = 5min;
  world.start();
  connect_all(world);
  world.advance(10min);
  t.pool.size.min_idle = 1;
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.settle();
  CHECK(world.cloud.alive() == 1);
  t.pool = {};
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.settle();
  CHECK(world.cloud.alive() == 0);
  CHECK_FALSE(world.fleet->list_clouds().at(0).templates.at(0).pool.has_value());
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("a paused cloud keeps its pool, but does not fill it") {
  World world;
  world.config.templates[0].pool.size.min_idle = 2;
  world.start();
  connect_all(world);
  const CloudName name = world.fleet->list_clouds()[0].name;
  REQUIRE(world.run(world.fleet->pause_cloud(name, "by admin")));
  REQUIRE(world.run(world.fleet->terminate_agent(idle_agent(world), "")));
  world.settle();
  CHECK(world.cloud.alive() == 1);
  CHECK(pool_of(world).hold == "cloud_paused");
  REQUIRE(world.run(world.fleet->resume_cloud(name)));
  world.settle();
  CHECK(world.cloud.alive() == 2);
}

TEST_CASE("launches that fail do not make a pool launch again and again") {
  World world;
  world.config.templates[0].pool.size.min_idle = 5;
  world.cloud.launching = Launching::refused;
  world.start();
  CHECK(world.cloud.launch_calls <= 5);
  const auto before = world.cloud.launch_calls;
  world.advance(1h);
  CHECK(world.cloud.launch_calls - before < 40);  // one probe for each pause, which grows
  world.cloud.launching = Launching::answered;
  for (int minute = 0; minute < 20; ++minute) {
    world.advance(1min);
    connect_all(world);
  }
  CHECK(world.cloud.alive() == 5);
}

TEST_CASE("a schedule begins and ends by itself") {
  World world;
  auto& t = world.config.templates[0];
  t.idle_timeout = 1min;
  world.start();
  t.pool.schedules = {{*model::parse_cron("0 * * * *"), 30min, "UTC", model::TimeZone(), {.min_idle = 2}}};
  const auto hour = Instant{world.now().us / 3'600'000'000 * 3'600'000'000} + 1h;
  world.advance(hour + 40min - world.now());
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.settle();
  CHECK(world.cloud.alive() == 0);
  CHECK(pool_of(world).target == 0);
  CHECK(pool_of(world).size == "none");
  CHECK(pool_of(world).until == hour + 1h);
  world.advance(20min);
  CHECK(world.cloud.alive() == 2);  // at that moment
  CHECK(pool_of(world).schedule == "0 * * * * UTC");
  connect_all(world);
  world.advance(30min);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE(
    "a pool with a goal has the size that was found for it, over restarts and reloads, within its own") {
  World world;
  auto& pool = world.config.templates[0].pool;
  pool.goal = model::PoolGoal{{90, 5s}, model::Money{20'000'000}};
  pool.size.min_idle = 1;
  pool.size.max_idle = 3;
  world.start();
  CHECK(pool_of(world).size == "1 idle, 3 at most");
  CHECK_FALSE(pool_of(world).answer);
  const PoolAnswer answer{2, true, "enough", world.now(), 77, 3s, model::Money{1'500'000}};
  world.fleet->set_pool_answers({{TemplateName("small"), answer}, {TemplateName("gone"), answer}});
  world.settle();
  CHECK(world.cloud.alive() == 2);
  CHECK(pool_of(world).answer == answer);
  CHECK(pool_of(world).goal == pool.goal);
  CHECK(pool_of(world).size == "2 idle, 3 at most");
  world.restart();
  CHECK(pool_of(world).answer == answer);
  CHECK(pool_of(world).target == 2);
  CHECK(world.cloud.alive() == 2);

  pool.goal->wait.wait = 1s;  // until something is found for that one
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(pool_of(world).target == 2);
  world.fleet->set_pool_answers({{TemplateName("small"), {100, false, "as many as may be", {}, 0, {}, {}}}});
  world.settle();
  CHECK(pool_of(world).target == 3);
  world.fleet->set_pool_answers({{TemplateName("small"), {0, true, "none", {}, 0, {}, {}}}});
  world.settle();
  CHECK(pool_of(world).target == 1);
  CHECK(world.metrics.expose().find("footman_pool_goal_idle{template=\"small\"} 0\n") != std::string::npos);

  pool.goal.reset();
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.fleet->set_pool_answers({{TemplateName("small"), answer}});
  world.settle();
  CHECK(pool_of(world).target == 1);
  CHECK_FALSE(pool_of(world).answer);
}

TEST_CASE("a stored answer that cannot be read is none") {
  const PoolAnswer answer{2, true, "enough", Instant{5}, 77, 3s, {}};
  CHECK(restore_answer(encode_answer(answer)) == answer);
  for (const auto* text : {"", "{", "[]", R"({"min_idle":-1})", R"({"min_idle":2})"})
    CHECK_FALSE(restore_answer(text));
}
