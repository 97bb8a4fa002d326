// Agents whose controller is in the configuration no more.
#include "fleet/orphans.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using model::AgentState;
using model::EndReason;

namespace {

// A server with two controllers, "builtin" and "ci", is started anew without the latter.
struct Scene {
  Scene() {
    world.config.orphan_timeout = 30min;
    world.others = {&ci};
    world.start();
    ci.submit("1", world.now());
    world.settle();
    id = world.only_agent().id;
  }
  void begin_build() {
    ci.connect(id, world.now());
    ci.work(id, "1");
    world.settle();
  }
  void take_out() {
    world.crash();
    world.others.clear();
    world.start();
    world.advance(10s);
  }
  bool is_told() const {
    return std::ranges::any_of(world.log_lines, [&](const std::string& line) {
      return line.contains("the controller 'ci' is not configured any more") && line.contains(id.str());
    });
  }
  void check_ended() {
    CHECK(world.row(id).state == AgentState::terminated);
    CHECK(world.row(id).end_reason == EndReason::surplus);
    CHECK(world.row(id).end_detail == "Its controller 'ci' is not configured any more.");
    CHECK(world.cloud.alive() == 0);
  }

  ScriptedController ci{ControllerName("ci")};
  World world;
  AgentId id;
};

}  // namespace

TEST_CASE("an agent that never connected ends as soon as its controller is configured no more") {
  Scene scene;
  scene.world.advance(10s);
  REQUIRE(scene.world.cloud.alive() == 1);
  scene.take_out();
  CHECK(scene.is_told());
  scene.check_ended();
}

TEST_CASE("an agent that was there has the time of agents without a server, and ends then") {
  Scene scene;
  scene.begin_build();
  scene.take_out();
  CHECK(scene.is_told());
  scene.world.advance(29min);
  CHECK(scene.world.row(scene.id).state == AgentState::online);
  scene.world.advance(2min);
  scene.check_ended();
}

TEST_CASE("an agent whose build another controller sees ends soon after that, and not before") {
  Scene scene;
  scene.begin_build();
  scene.world.controller.seen_at_work.insert(scene.id);
  scene.take_out();
  scene.world.advance(3h);
  CHECK(scene.world.row(scene.id).state == AgentState::online);
  scene.world.controller.seen_at_work.clear();
  scene.world.advance(kOrphanUnseen - 10s);
  CHECK(scene.world.row(scene.id).state == AgentState::online);
  scene.world.advance(20s);
  scene.check_ended();
}

TEST_CASE("an agent whose controller is configured again goes on") {
  Scene scene;
  scene.begin_build();
  scene.take_out();
  scene.world.crash();
  scene.world.others = {&scene.ci};
  scene.world.start();
  scene.world.advance(2h);
  CHECK(scene.world.row(scene.id).state == AgentState::online);
}
