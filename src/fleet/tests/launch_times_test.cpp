// How long launches take, as those who wait are told.
#include <doctest/doctest.h>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;

TEST_CASE("those who wait are told when, as launches went lately") {
  World world;
  world.start();
  world.submit("1");
  CHECK_FALSE(world.controller.reasons.at("1").expected_at.is_set());  // nothing is known yet
  world.advance(40s);
  const auto first = world.only_agent();
  world.controller.connect(first.id, world.now());
  world.controller.work(first.id, "1");
  world.settle();
  CHECK(world.fleet->list_clouds()[0].templates[0].typical_launch == 40s);
  world.submit("2");
  const auto asked = world.now();
  CHECK(world.controller.reasons.at("2").expected_at == asked + 40s);
  world.advance(50s);
  CHECK(world.controller.reasons.at("2").expected_at == asked + 40s);  // past: it takes longer
  world.submit("3");
  const auto third = world.now();
  for (const auto& agent : world.live_agents())
    if (agent.for_item == "2") world.controller.connect(agent.id, world.now());
  world.settle();
  CHECK(world.fleet->list_clouds()[0].templates[0].typical_launch == 50s);
  CHECK(world.controller.reasons.at("3").expected_at == third + 40s);  // told once, not with each connection
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.fleet->list_clouds()[0].templates[0].typical_launch == 50s);
  world.restart();
  CHECK(world.fleet->list_clouds()[0].templates[0].typical_launch == 50s);
}

TEST_CASE("a launch over which the server was away tells nobody how long launches take") {
  World world;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.crash();
  world.clock.set(world.clock.steady() + 10h);
  world.start();
  world.controller.connect(id, world.now());
  world.settle();
  CHECK(world.row(id).connected.is_set());
  CHECK_FALSE(world.fleet->list_clouds()[0].templates[0].typical_launch);
}
