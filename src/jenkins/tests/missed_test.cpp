// Builds on nodes for several of them that are over before they are seen.
#include <doctest/doctest.h>

#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

// An agent for several builds that has had its first one and waits for more, as no fleet ends it.
struct Kept {
  FakeWorld world;
  std::string node;
  AgentId agent{"t-1"};

  Kept() {
    world.max_builds = 9;
    world.settings.idle_pace = 3s;  // what is seen seems to take at least so long
    world.add_freestyle("first", "linux", 1s);
    world.add_freestyle("brief", "linux", 25ms);
    world.start();
    world.run(10s);
    world.trigger("first");
    REQUIRE(world.run_until([&] { return world.is_over("first"); }));
    node = world.jenkins->starts()[0].node;
    world.has_fleet = false;
    world.run(10s);
    REQUIRE(world.controller->observe_agent(agent).activity == AgentActivity::idle);
    REQUIRE(!world.jenkins->computers().at(node).held);
    world.builds.clear();
  }

  void build_brief() {
    REQUIRE(world.jenkins->trigger("brief", world.now(), 5s));
    world.run(4s);
    REQUIRE(world.run_until([&] { return world.jenkins->waiting_items().empty(); }));
    world.run(15s);
  }
  std::uint32_t builds_done() const { return world.controller->observe_agent(agent).builds_done; }
};

}  // namespace

TEST_CASE("a build on a kept node that is over before it is seen is counted, with its time") {
  Kept kept;
  const auto idle_since = kept.world.controller->observe_agent(kept.agent).idle_since;
  kept.build_brief();
  CHECK(kept.world.starts_on(kept.node) == 2);
  REQUIRE(kept.world.builds.size() == 2);
  const auto& run = kept.world.builds[1];
  CHECK(run.build == "job/brief/1/");
  CHECK(run.title == "brief #1");
  CHECK(run.node == kept.node);
  CHECK(run.ended.is_set());
  CHECK(run.ended - run.started < 1s);
  CHECK(kept.builds_done() == 2);
  CHECK(kept.world.controller->observe_agent(kept.agent).idle_since > idle_since);
  kept.build_brief();
  CHECK(kept.world.builds.size() == 4);
  CHECK(kept.builds_done() == 3);
  check_clean(kept.world);
}

TEST_CASE("a build that is seen is not counted twice, and one that was cancelled not at all") {
  Kept kept;
  auto& world = kept.world;
  world.add_freestyle("long", "linux", 5s);
  REQUIRE(world.jenkins->trigger("long", world.now(), 5s));
  world.run(30s);
  CHECK(world.builds.size() == 2);
  CHECK(kept.builds_done() == 2);
  const auto item = world.jenkins->trigger("brief", world.now(), 5s);
  REQUIRE(item);
  world.run(2s);
  REQUIRE(world.jenkins->cancel(*item, world.now()));
  world.run(10s);
  CHECK(world.builds.size() == 2);
  CHECK(kept.builds_done() == 2);
}
