// A build that is lost with its agent: when it is run again, as a new build, and when it is not.
#include <doctest/doctest.h>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using model::BuildResult;
using model::BuildState;
using model::EndReason;

namespace {

std::unique_ptr<ScriptedAgent> start_on(World& world, const std::string& id) {
  auto agent = world.join(id);
  const auto assign = agent->last<protocol::Assign>();
  REQUIRE(assign);
  agent->send(protocol::Accepted{assign->assignment});
  world.settle();
  REQUIRE(agent->count<protocol::Start>() == 1);
  return agent;
}

void submit(World& world, std::uint32_t retries) {
  SubmitRequest request;
  request.spec.steps.push_back({"", "", "true"});
  request.spec.retries = retries;
  REQUIRE(world.run(world.controller->submit_build(std::move(request))));
}

Status lose(World& world, const std::string& id, EndReason reason) {
  return world.run(world.controller->remove_agent(AgentId(id), {reason, "the cloud says so"}));
}

std::size_t count_builds(World& world) { return world.ask(world.store->list_builds({}))->size(); }

}  // namespace

TEST_CASE(
    "a build whose machine went is run again as often as was asked for, and the builds know each other") {
  World world;
  submit(world, 2);
  for (int i = 1; i <= 3; ++i) {
    CAPTURE(i);
    REQUIRE(world.controller->demand().size() == 1);
    const auto id = "a" + std::to_string(i);
    const auto agent = start_on(world, id);
    REQUIRE(lose(world, id, EndReason::resource_gone));
    CHECK(world.build(i).result == BuildResult::failure);
    CHECK(world.build(i).reason == "Agent " + id + " was lost: the cloud says so");
  }
  CHECK(count_builds(world) == 3);
  CHECK(world.build(1).retried_by == BuildId(2));
  CHECK(world.build(2).retry_of == BuildId(1));
  CHECK(world.build(2).cause == "retry 1 of build 1, whose agent was lost");
  CHECK(world.build(3).cause == "retry 2 of build 2, whose agent was lost");
  CHECK(world.build(3).retried_by.empty());
  CHECK(world.controller->demand().empty());
}

TEST_CASE("a build of a copied database is not run again while the other server may have it") {
  World world;
  submit(world, 2);
  auto agent = start_on(world, "a");
  world.crash();
  world.doubt = "the data directory is a copy";
  world.start();
  SUBCASE("its agent does not come here") {
    SUBCASE("its resource is none of this directory's") {
      REQUIRE(lose(world, "a", EndReason::resource_gone));
    }
    SUBCASE("its lease is over") { world.advance(world.config.lease * 3); }
    CHECK(world.build(1).result == BuildResult::failure);
    CHECK(world.build(1).reason.ends_with(
        "It is not run again: it may still run for the server that this database was copied from."));
    CHECK(count_builds(world) == 1);
  }
  SUBCASE("its agent comes: it is this server's") {
    agent = world.rejoin(
        "a", 2, {{base::AssignmentId(1), protocol::AssignmentPhase::running, base::StreamId(1), 0, 0, 0}});
    REQUIRE(lose(world, "a", EndReason::resource_gone));
    CHECK(count_builds(world) == 2);
  }
}

TEST_CASE("without being asked for, a build that had started is not run again") {
  World world;
  submit(world, 0);
  const auto agent = start_on(world, "a");
  REQUIRE(lose(world, "a", EndReason::resource_gone));
  CHECK(world.build(1).retried_by.empty());
  CHECK(count_builds(world) == 1);
}

TEST_CASE("what the build or a person did is not repeated") {
  World world;
  submit(world, 5);
  const auto agent = start_on(world, "a");
  SUBCASE("its agent was killed, and not by the cloud") {
    REQUIRE(lose(world, "a", EndReason::agent_exited));
    CHECK(world.build(1).reason.starts_with("Agent a was lost: the cloud says so. It is not run again: "));
  }
  SUBCASE("too much memory") { REQUIRE(lose(world, "a", EndReason::out_of_memory)); }
  SUBCASE("its agent was ended by a person") { REQUIRE(lose(world, "a", EndReason::drained)); }
  SUBCASE("it failed") { world.finish(*agent, AssignmentId(1), 1, 0, protocol::BuildOutcome::failure); }
  SUBCASE("it timed out") { world.finish(*agent, AssignmentId(1), 1, 0, protocol::BuildOutcome::timed_out); }
  SUBCASE("cancelled, and then its machine went") {
    REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "not any more")));
    REQUIRE(lose(world, "a", EndReason::resource_gone));
  }
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.build(1).retried_by.empty());
  CHECK(count_builds(world) == 1);
}

TEST_CASE("silence and a notice are the cloud's fault") {
  World world;
  submit(world, 1);
  const auto agent = start_on(world, "a");
  SUBCASE("silence beyond the lease") {
    agent->wire->cut();
    world.advance(world.config.lease + 1min);
  }
  SUBCASE("its machine was taken away") {
    agent->send(protocol::Notice{"spot reclaim", world.clock.now() + 2min});
    world.finish(*agent, AssignmentId(1), 1, 0, protocol::BuildOutcome::lost_by_notice);
  }
  CHECK(world.build(1).result == BuildResult::failure);
  CHECK(world.build(1).retried_by == BuildId(2));
  CHECK(world.build(2).state == BuildState::queued);
}

TEST_CASE("an agent that could not begin: the build goes on elsewhere by itself, but not for ever") {
  World world;
  submit(world, 0);
  for (int i = 1; i <= 3; ++i) {
    const auto agent = start_on(world, "a" + std::to_string(i));
    world.finish(*agent, AssignmentId(i), 1, 0, protocol::BuildOutcome::agent_error);
    CHECK(world.build(i).result == BuildResult::failure);
  }
  CHECK(count_builds(world) == 3);
  CHECK(world.build(3).retried_by.empty());
}

TEST_CASE("a step had begun before the agent failed: that is not repeated unasked") {
  World world;
  submit(world, 0);
  const auto agent = start_on(world, "a");
  agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
  world.finish(*agent, AssignmentId(1), 2, 0, protocol::BuildOutcome::agent_error);
  CHECK(count_builds(world) == 1);
}

TEST_CASE(
    "the server dies between the end of the session and the end of the build: the reason is known after") {
  World world;
  submit(world, 1);
  const auto agent = start_on(world, "a");
  EndReason why = EndReason::resource_gone;
  bool again = true;
  SUBCASE("the cloud's fault") {}
  SUBCASE("a person's wish") {
    why = EndReason::drained;
    again = false;
  }
  REQUIRE(world.ask(world.store->change_node(AgentId("a"), true, true, why)));
  world.restart();
  world.settle();
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.build(1).retried_by.empty() != again);
}

TEST_CASE("a build in place of a lost one waits until the machine of that one is gone") {
  World world;
  submit(world, 1);
  model::Agent row;
  row.id = AgentId("a");
  row.cloud = CloudName("local");
  row.template_name = TemplateName("small");
  row.controller = world.controller->name();
  row.client_token = "a-1";
  REQUIRE(world.ask(world.store->record_launch_intents({row})));
  const auto agent = start_on(world, "a");
  const auto idle = world.join("b");
  REQUIRE(lose(world, "a", EndReason::session_lost));
  const auto check_waits = [&] {
    CHECK(world.controller->demand().empty());
    CHECK(world.build(2).state == BuildState::queued);
    REQUIRE(world.controller->queue().size() == 1);
    const auto shown = world.controller->queue().front();
    CHECK(shown.view == model::ItemView::blocked);
    CHECK(shown.reason.code == "lost_agent");
    CHECK(shown.reason.agent == AgentId("a"));
  };
  check_waits();
  CHECK(idle->count<protocol::Assign>() == 0);
  world.restart();
  world.settle();
  check_waits();
  SUBCASE("it is gone") {
    world.controller->agent_ended(AgentId("b"));  // another one
    check_waits();
    world.controller->agent_ended(AgentId("a"));
    world.settle();
    CHECK(world.controller->demand().size() == 1);
    CHECK(world.controller->queue().front().view == model::ItemView::buildable);
    CHECK(world.rejoin("b", 2, {})->count<protocol::Assign>() == 1);
  }
  SUBCASE("nobody wants it any more") {
    REQUIRE(world.run(world.controller->cancel_build(BuildId(2), "enough")));
    CHECK(world.build(2).state == BuildState::finished);
    world.controller->agent_ended(AgentId("a"));
  }
}
