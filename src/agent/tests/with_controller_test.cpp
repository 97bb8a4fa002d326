// The agent's session against the real controller.
#include "agent/tests/agent_world.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::testing;
using model::BuildResult;

TEST_CASE("a build runs: steps in order, log, result, and the single-use agent leaves") {
  AgentWorld world;
  world.start();
  REQUIRE(world.agent->connected());
  const auto id = world.world.submit("", "echo hello").value();
  REQUIRE(world.wait_for([&] { return !world.runner.steps.empty(); }));
  CHECK(world.runner.prepared == std::vector<std::string>{"adhoc-1"});
  CHECK(world.runner.last().order.step.script == "echo hello");
  world.runner.last().print("hello\n");
  REQUIRE(world.wait_for([&] { return world.world.log_of(1) == "hello\n"; }));
  world.runner.last().finish();
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.build(id).result == BuildResult::success);
  CHECK(world.exit->end == AgentEnd::finished);
  CHECK(world.exit->complete);
  CHECK(world.runner.cleaned_up);
  CHECK(world.world.activity("a") == ports::AgentActivity::done);
}

namespace {

// Two steps that print, played at once.
void play(FakeStep& step) {
  step.print(step.order.step.script + " begins\n");
  step.print(step.order.step.script + " ends\n");
  step.finish();
}

base::BuildId submit_two_steps(AgentWorld& world) {
  controller::SubmitRequest request;
  request.spec.steps.push_back({"", "", "one"});
  request.spec.steps.push_back({"", "", "two"});
  auto submitted = world.world.run(world.world.controller->submit_build(std::move(request)));
  REQUIRE(submitted);
  return submitted->build.id;
}

void check_whole(AgentWorld& world, base::BuildId id) {
  CHECK(world.build(id.value()).result == BuildResult::success);
  CHECK(world.runner.steps.size() == 2);
  std::vector<model::Assignment> started;
  for (const auto& assignment : world.world.ask(world.world.store->list_assignments(id)).value())
    if (assignment.started.is_set()) started.push_back(assignment);
  REQUIRE(started.size() == 1);
  CHECK(world.world.log_of(started[0].stream.value()) == "one begins\none ends\ntwo begins\ntwo ends\n");
}

}  // namespace

TEST_CASE("a step that makes its build unstable does not end it") {
  AgentWorld world;
  std::int32_t of_last = 0;
  auto expected = BuildResult::unstable;
  SUBCASE("the next one is well") {}
  SUBCASE("the next one fails") {
    of_last = 3;  // which is none of its own
    expected = BuildResult::failure;
  }
  world.runner.on_start = [&](FakeStep& step) { step.finish(step.order.index == 0 ? 3 : of_last); };
  world.start();
  controller::SubmitRequest request;
  request.spec.steps = {{"test", {}, "one", 3}, {"pack", {}, "two"}};
  const auto submitted = world.world.run(world.world.controller->submit_build(std::move(request)));
  REQUIRE(submitted);
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.runner.steps.size() == 2);
  CHECK(world.build(submitted->build.id.value()).result == expected);
  CHECK(world.world.log_of(1).starts_with(
      "[footman] Step 1 (test) exited with status 3. The build is unstable.\n"));
}

TEST_CASE("a loss at every message: the build runs once, its log is whole, the agent leaves") {
  for (const bool after : {false, true}) {
    CAPTURE(after);
    int at = 1;
    for (bool more = true; more; ++at) {
      CAPTURE(at);
      REQUIRE(at < 100);
      AgentWorld world;
      world.runner.on_start = play;
      world.cut = {at, after, 0};
      world.start();
      const auto id = submit_two_steps(world);
      REQUIRE(world.wait_for([&] { return world.finished(1) && world.exit.has_value(); }));
      check_whole(world, id);
      more = world.cut.pieces >= at;
    }
    CHECK(at > 10);  // Hello, Welcome, Resume, Assign, Accepted, Start, reports, acknowledgements, Goodbye
  }
}

TEST_CASE("the server dies at every message: nothing is lost, nothing runs twice") {
  for (int at = 1; at < 14; ++at) {
    CAPTURE(at);
    AgentWorld world;
    world.runner.on_start = play;
    world.start();
    const auto id = submit_two_steps(world);
    world.cut = {world.cut.pieces + at, false, world.cut.pieces};
    world.wait_for([&] { return world.cut.pieces >= world.cut.at || world.exit.has_value(); }, 1s);
    world.world.restart();
    REQUIRE(world.wait_for([&] { return world.finished(1) && world.exit.has_value(); }));
    check_whole(world, id);
  }
}

TEST_CASE("the server is away for ten leases: the build runs on, nothing is lost") {
  AgentWorld world;
  world.start();
  const auto id = world.world.submit();
  REQUIRE(world.wait_for([&] { return !world.runner.steps.empty(); }));
  world.runner.last().print("before\n");
  world.world.settle();
  world.world.crash();
  world.reachable = false;
  world.world.server_io = std::make_unique<runtime::asio::io_context>();
  world.runner.last().print("meanwhile\n");
  const auto away = 10 * world.world.config.lease;
  world.world.clock.set(world.world.clock.steady() + away);
  world.world.start();
  world.reachable = true;
  world.runner.last().print("after\n");
  world.runner.last().finish();
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }, 3min));
  CHECK(world.build(id.value()).result == BuildResult::success);
  CHECK(world.world.log_of(1) == "before\nmeanwhile\nafter\n");
}

TEST_CASE("half-open: the agent comes back on another connection before it is lost") {
  AgentWorld world;
  world.start();
  const auto id = world.world.submit();
  REQUIRE(world.wait_for([&] { return !world.runner.steps.empty(); }));
  world.runner.last().print("one\n");
  world.world.settle();
  world.wire->swallow(true);
  world.runner.last().print("two\n");
  world.world.settle();
  world.wire->cut();  // what a router does at last
  REQUIRE(world.wait_for([&] { return world.connections == 2 && world.agent->connected(); }, 1min));
  world.runner.last().finish();
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.build(id.value()).result == BuildResult::success);
  CHECK(world.world.log_of(1) == "one\ntwo\n");
}

TEST_CASE("cancelled while it runs: aborted, with the last words in the log") {
  AgentWorld world;
  world.start();
  const auto id = world.world.submit();
  REQUIRE(world.wait_for([&] { return !world.runner.steps.empty(); }));
  world.runner.last().obeys = false;
  auto cancelled = world.world.begin(world.world.controller->cancel_build(id, "not needed"));
  REQUIRE(world.wait_for([&] { return world.runner.last().ended; }));
  world.runner.last().print("bye\n");
  world.runner.last().how.signal = 15;
  world.runner.last().finish();
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.build(id.value()).result == BuildResult::aborted);
  CHECK(world.world.log_of(1).starts_with("bye\n"));
}

TEST_CASE("an agent that stays takes one build after the other, then drains") {
  AgentWorld world(0);
  world.runner.on_start = play;
  world.start();
  for (std::int64_t i = 1; i <= 3; ++i) {
    world.world.submit("", "x");
    REQUIRE(world.wait_for([&] { return world.finished(i); }));
  }
  CHECK_FALSE(world.exit);
  CHECK(world.runner.steps.size() == 3);
  world.agent->notice("stop", world.world.clock.now() + 10s);
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.exit->end == AgentEnd::noticed);
  CHECK(world.world.activity("a") == ports::AgentActivity::done);
}

TEST_CASE("the agent is killed while it runs: its next life is refused, the build is lost with the lease") {
  AgentWorld world;
  world.start();
  const auto id = world.world.submit();
  REQUIRE(world.wait_for([&] { return !world.runner.steps.empty(); }));
  world.runner.last().print("half");
  world.world.settle();
  world.drop_agent();
  CHECK(world.runner.last().destroyed);
  world.start_agent();  // makes another key
  REQUIRE(world.wait_for([&] { return world.exit.has_value(); }));
  CHECK(world.exit->end == AgentEnd::refused);
  REQUIRE(world.wait_for([&] { return world.finished(1); }));
  CHECK(world.build(id.value()).result == BuildResult::failure);
  CHECK(world.world.log_of(1).starts_with("half\n[footman] agent a was lost here"));
}
