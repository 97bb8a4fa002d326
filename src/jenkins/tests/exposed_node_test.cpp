// Nodes that may have had their last build, and those of a Jenkins that gets no agents any more.
#include "jenkins/tests/life.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

TEST_CASE("a node that may have had another's build is not opened again before that is known") {
  Life life;
  life.connect();
  life.look();
  life.item_waits = false;
  CHECK(life.look() == NodeStep::hold);
  life.item_end = ItemEnd::not_started;
  life.is_in_doubt = true;
  CHECK(life.look() == NodeStep::none);
  CHECK(life.record.phase == NodePhase::open);
  SUBCASE("it had") {
    ++life.record.builds_done;
    life.look();
    CHECK(life.activity() == AgentActivity::done);
  }
  SUBCASE("it had not") {
    life.is_in_doubt = false;
    life.look();
    CHECK(life.record.phase == NodePhase::held);
  }
}

TEST_CASE("a node whose one build another item had is closed, though its own waits") {
  Life life;
  life.connect();
  CHECK(life.look() == NodeStep::open);
  CHECK(is_exposed(life.record));
  CHECK(life.look() == NodeStep::none);
  ++life.record.builds_done;  // that is told by the other item
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.activity() == AgentActivity::idle);
  life.look();
  CHECK(life.activity() == AgentActivity::done);
  CHECK(!is_exposed(life.record));
}

TEST_CASE("a node whose holds failed does not end before it is held, and another build on it is told") {
  Life life;
  life.work();
  life.computer.held = false;  // it failed, or somebody opened it
  life.end();
  CHECK(life.look() == NodeStep::hold);
  CHECK(life.activity() == AgentActivity::busy);
  SUBCASE("another one comes while it is held") {
    life.begin("job/y/1/");
    life.look();
    CHECK(life.violations.size() == 1);
    CHECK(life.activity() == AgentActivity::busy);
    CHECK(life.record.build.path == "job/y/1/");
    life.end();
  }
  SUBCASE("none comes") {}
  life.look();
  CHECK(life.activity() == AgentActivity::done);
}

TEST_CASE("of a Jenkins that gets no agents any more idle ones are done, and those at work finish") {
  for (const std::uint32_t max_builds : {1U, 3U}) {
    CAPTURE(max_builds);
    Life idle(max_builds);
    idle.connect();
    if (max_builds > 1) CHECK(idle.look() == NodeStep::open);
    idle.is_served = false;
    idle.look();
    idle.look();
    CHECK(idle.computer.held);
    CHECK(idle.activity() == AgentActivity::done);
    CHECK(observe_node(idle.record).end_reason == EndReason::surplus);

    Life busy(max_builds);
    busy.work();
    busy.is_served = false;
    busy.look();
    CHECK(busy.computer.held);
    CHECK(busy.activity() == AgentActivity::busy);
    busy.end();
    busy.look();
    CHECK(busy.activity() == AgentActivity::done);
    CHECK(!busy.record.drained);
  }
}
