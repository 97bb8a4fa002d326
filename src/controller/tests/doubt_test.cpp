// A database that may be older than what has become of its builds: what waits in it may have run since.
#include <doctest/doctest.h>

#include <algorithm>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using model::BuildState;
using model::ItemView;

namespace {

void restart_in_doubt(World& world) {
  world.items_in_doubt = true;
  world.restart();
  world.settle();
}

}  // namespace

TEST_CASE("what waited in a database in doubt waits for a person; what comes later runs") {
  World world;
  const auto agent = world.join("a");
  agent->close();
  world.settle();
  world.submit();
  restart_in_doubt(world);
  CHECK(world.controller->count_doubtful() == 1);
  REQUIRE(world.controller->queue().size() == 1);
  const auto entry = world.controller->queue().front();
  CHECK(entry.view == ItemView::blocked);
  CHECK(entry.reason.code == "state_unknown");
  CHECK(world.controller->demand().empty());
  const auto idle = world.rejoin("a", 2, {});
  CHECK(idle->count<protocol::Assign>() == 0);
  CHECK(std::ranges::any_of(world.log_lines, [](const std::string& line) {
    return line.find("may have run since") != std::string::npos && line.find("builds=1") != std::string::npos;
  }));
  SUBCASE("a new one") {
    world.submit();
    REQUIRE(idle->count<protocol::Assign>() == 1);
    CHECK(idle->last<protocol::Assign>()->build == BuildId(2));
  }
  SUBCASE("it is let run, for good") {
    CHECK(*world.run(world.controller->release_doubtful("by ana")) == 1);
    CHECK(world.controller->count_doubtful() == 0);
    REQUIRE(idle->count<protocol::Assign>() == 1);
    CHECK(*world.run(world.controller->release_doubtful("by ana")) == 0);
    const auto told = world.run(world.controller->explain_build(BuildId(1)));
    REQUIRE(told);
    CHECK(std::ranges::any_of(told->timeline, [](const model::TimelineEntry& line) {
      return line.kind == "released" && line.text.ends_with("by ana");
    }));
  }
  SUBCASE("what cannot be stored has not happened") {
    world.store_full = true;
    CHECK_FALSE(world.run(world.controller->release_doubtful("by ana")));
    CHECK(world.controller->count_doubtful() == 1);
    CHECK(idle->count<protocol::Assign>() == 0);
  }
  SUBCASE("nobody wants it any more") {
    REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "it has run")));
    CHECK(world.build(1).state == BuildState::finished);
    CHECK(world.controller->count_doubtful() == 0);
  }
}

TEST_CASE("work that was under way in a database in doubt waits, too, if its agent comes without it") {
  World world;
  const auto agent = world.join("a");
  world.submit();
  REQUIRE(agent->count<protocol::Assign>() == 1);
  agent->close();
  world.settle();
  restart_in_doubt(world);
  SUBCASE("it had it and has forgotten it") {
    const auto back = world.rejoin("a", 2, {});
    CHECK(back->count<protocol::Assign>() == 0);
    CHECK(world.controller->count_doubtful() == 1);
  }
  SUBCASE("it has it still, and has not begun it") {
    protocol::HeldAssignment held;
    held.assignment = AssignmentId(1);
    held.stream = StreamId(1);
    const auto back = world.rejoin("a", 2, {held});
    CHECK(back->count<protocol::Start>() == 1);
  }
}

TEST_CASE("what is held takes no place of its job, and keeps nobody behind it") {
  World world;
  model::Job job;
  job.path = JobPath("app");
  job.max_concurrent = 1;
  job.spec.steps.push_back({"", "", "true"});
  REQUIRE(world.run(world.controller->create_job(job)));
  const auto submit = [&] {
    SubmitRequest request;
    request.job = job.path;
    REQUIRE(world.run(world.controller->submit_build(request)));
  };
  submit();
  restart_in_doubt(world);
  submit();
  const auto agent = world.join("a");
  REQUIRE(agent->count<protocol::Assign>() == 1);
  CHECK(agent->last<protocol::Assign>()->build == BuildId(2));
}
