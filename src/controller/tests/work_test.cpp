// A build from its submission to its result, and the loss of every message on the way.
#include <doctest/doctest.h>

#include <algorithm>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using model::AssignmentState;
using model::BuildResult;
using model::BuildState;
using model::ItemState;
using ports::AgentActivity;
using protocol::AssignmentPhase;

namespace {
protocol::HeldAssignment held(std::int64_t id, AssignmentPhase phase, std::uint64_t end = 0,
                              std::uint64_t last_report = 0) {
  return {AssignmentId(id), phase, StreamId(id), 0, end, last_report};
}
}  // namespace

TEST_CASE("a build runs on the agent that was made for it") {
  World world;
  const auto build = world.submit("", "echo hello");
  REQUIRE(world.controller->demand().size() == 1);
  CHECK(world.controller->demand()[0].key == "1");
  CHECK(world.controller->demand()[0].title == "ad hoc #1");

  auto agent = world.join("a");
  CHECK(world.controller->demand().empty());
  CHECK(world.activity("a") == AgentActivity::busy);
  CHECK(agent->last<protocol::Welcome>()->single_use);
  const auto assign = agent->last<protocol::Assign>();
  REQUIRE(assign);
  CHECK(assign->work.steps.at(0).script == "echo hello");
  CHECK(assign->work.steps.at(0).name == "step 1");
  CHECK(agent->count<protocol::Start>() == 0);
  CHECK(world.build(1).state == BuildState::queued);
  CHECK_FALSE(world.controller->observe_agent(AgentId("a")).started);  // offered is not begun

  agent->send(protocol::Accepted{assign->assignment});
  world.settle();
  CHECK(world.controller->observe_agent(AgentId("a")).started);
  CHECK(agent->count<protocol::Start>() == 1);
  CHECK(world.build(1).state == BuildState::running);
  CHECK(world.controller->queue().empty());

  agent->send(protocol::StepStarted{assign->assignment, 1, 0, world.clock.now(), 0});
  world.send_log(*agent, assign->stream, 0, "hello\n");
  CHECK(agent->last<protocol::LogAck>()->durable_offset == 6);
  protocol::StepFinished step;
  step.assignment = assign->assignment;
  step.report = 2;
  step.exit_status = 0;
  step.at = world.clock.now();
  agent->send(step);
  world.finish(*agent, assign->assignment, 3, 6);
  CHECK(agent->last<protocol::ReportAck>()->report == 2);
  CHECK(agent->count<protocol::FinishedAck>() == 1);
  CHECK(agent->count<protocol::Drain>() == 1);
  CHECK(world.build(1).result == BuildResult::success);
  CHECK(world.build(1).exit_status == 0);
  CHECK(world.log_of(1) == "hello\n");
  CHECK(world.logs.streams[StreamId(1)].finished);
  CHECK(world.stream().final_bytes == 6);
  CHECK(world.activity("a") == AgentActivity::done);
  CHECK(world.controller->observe_agent(AgentId("a")).end_reason == model::EndReason::build_finished);

  agent->send(protocol::Goodbye{protocol::GoodbyeCode::finished, "done", false});
  world.settle();
  CHECK(world.activity("a") == AgentActivity::done);
  CHECK(world.controller->observe_agent(AgentId("a")).end_reason == model::EndReason::build_finished);
  CHECK(agent->ended);
  const auto told = world.run(world.controller->explain_build(build));
  REQUIRE(told);
  CHECK(told->timeline.front().kind == "submitted");
  CHECK(told->timeline.back().kind == "finished");
  CHECK(told->timeline.back().text.starts_with("It ended with "));
  const auto logged = [&](const std::string& line) { return std::ranges::count(world.log_lines, line); };
  CHECK(logged("build started build=1 title=ad hoc #1 agent=a") == 1);
  CHECK(logged("build finished build=1 title=ad hoc #1 agent=a result=SUCCESS") == 1);
  CHECK(world.crash_points == std::vector<std::string>{"session:before-welcome", "assign:before-send",
                                                       "start:before-send", "log:before-ack",
                                                       "finish:before-ack"});
}

TEST_CASE("an agent that keeps running takes one build after the other") {
  World world;
  auto agent = world.join("a", 0);
  CHECK(world.activity("a") == AgentActivity::idle);
  for (int i = 1; i <= 3; ++i) {
    world.submit();
    const auto assign = agent->last<protocol::Assign>();
    REQUIRE(assign);
    REQUIRE(assign->build == BuildId(i));
    agent->send(protocol::Accepted{assign->assignment});
    world.settle();
    world.finish(*agent, assign->assignment, 1, 0);
    CHECK(world.build(i).result == BuildResult::success);
    CHECK(world.activity("a") == AgentActivity::idle);
  }
  CHECK(agent->count<protocol::Drain>() == 0);
  CHECK(world.controller->observe_agent(AgentId("a")).builds_done == 3);
}

TEST_CASE("an agent for two builds takes two, over a restart of the server too") {
  World world;
  auto agent = world.join("a", 2);
  CHECK_FALSE(agent->last<protocol::Welcome>()->single_use);
  for (int i = 1; i <= 3; ++i) world.submit();
  const auto run_next = [&](int build) {
    const auto assign = agent->last<protocol::Assign>();
    REQUIRE(assign);
    REQUIRE(assign->build == BuildId(build));
    agent->send(protocol::Accepted{assign->assignment});
    world.settle();
    world.finish(*agent, assign->assignment, 1, 0);
    CHECK(world.build(build).result == BuildResult::success);
  };
  run_next(1);
  CHECK(agent->count<protocol::Drain>() == 0);
  CHECK(world.activity("a") == AgentActivity::busy);  // with the second one
  SUBCASE("") { world.settle(); }
  SUBCASE("restarted between them") {
    world.restart();
    agent = world.rejoin("a", 2, {});
  }
  run_next(2);
  CHECK(agent->last<protocol::Drain>()->reason == "its builds are done");
  const auto seen = world.controller->observe_agent(AgentId("a"));
  CHECK(seen.activity == AgentActivity::done);
  CHECK(seen.end_reason == model::EndReason::max_builds);
  CHECK(seen.builds_done == 2);
  CHECK(world.controller->demand().size() == 1);
}

TEST_CASE("an offer that is not answered goes to another agent") {
  World world;
  world.submit();
  auto silent = world.join("silent", 0);
  REQUIRE(silent->count<protocol::Assign>() == 1);
  auto other = world.join("other", 0);
  world.advance(world.config.accept_timeout + 2s);
  CHECK(silent->count<protocol::Goodbye>() == 1);  // its view and ours must be compared again
  REQUIRE(other->count<protocol::Assign>() == 1);
  CHECK(world.assignment(1).state == AssignmentState::revoked);
  // The late acceptance changes nothing, and the agent is told so.
  auto back = world.rejoin("silent", 2, {held(1, AssignmentPhase::accepted)});
  CHECK(back->count<protocol::Withdraw>() == 1);
  CHECK(back->count<protocol::Start>() == 0);
  other->send(protocol::Accepted{AssignmentId(2)});
  world.settle();
  CHECK(other->count<protocol::Start>() == 1);
}

TEST_CASE("an agent that refuses gets no work for a while") {
  World world;
  world.submit();
  auto agent = world.join("a", 0);
  agent->send(protocol::Rejected{AssignmentId(1), "no room"});
  world.settle();
  CHECK(agent->count<protocol::Assign>() == 1);
  CHECK(world.item(1).state == ItemState::queued);
  world.advance(6s);
  CHECK(agent->count<protocol::Assign>() == 2);
}

TEST_CASE("an agent that takes no work, again and again, is given up, so that another may get it") {
  World world;
  world.submit();
  auto agent = world.join("a", 0);
  bool answers = false;
  SUBCASE("it refuses it") { answers = true; }
  SUBCASE("it says nothing") {}
  for (std::uint32_t i = 1; i <= kMaxDeclined; ++i) {
    CAPTURE(i);
    REQUIRE(agent->last<protocol::Assign>());
    REQUIRE(agent->last<protocol::Assign>()->assignment == AssignmentId(i));
    if (answers) {
      agent->send(protocol::Rejected{AssignmentId(i), "no room"});
      world.advance(6s);
    } else {
      world.advance(world.config.accept_timeout + 2s);
      if (i < kMaxDeclined) agent = world.rejoin("a", i + 1, {});
    }
  }
  CHECK(world.activity("a") == AgentActivity::lost);
  CHECK(
      world.controller->observe_agent(AgentId("a")).detail.starts_with("it took no work 10 times in a row"));
  CHECK(world.item(1).state == ItemState::queued);
  CHECK(world.join("b", 0)->count<protocol::Assign>() == 1);
}

TEST_CASE("reconnect at every point") {
  World world;
  world.submit();
  auto agent = world.join("a", 0);
  REQUIRE(agent->count<protocol::Assign>() == 1);
  agent->wire->cut();
  world.settle();
  CHECK(world.activity("a") == AgentActivity::disconnected);

  SUBCASE("Assign was lost: back to the queue, and to the agent again") {
    auto back = world.rejoin("a", 2, {});
    CHECK(world.assignment(1).state == AssignmentState::revoked);
    REQUIRE(back->last<protocol::Assign>());
    CHECK(back->last<protocol::Assign>()->assignment == AssignmentId(2));
  }
  SUBCASE("Accepted was lost: Resume says the same") {
    auto back = world.rejoin("a", 2, {held(1, AssignmentPhase::accepted)});
    CHECK(back->count<protocol::Start>() == 1);
    CHECK(world.build(1).state == BuildState::running);
    back->wire->cut();
    world.settle();
    // Start was lost: it is said again, and nothing else happens.
    back = world.rejoin("a", 3, {held(1, AssignmentPhase::accepted)});
    CHECK(back->count<protocol::Start>() == 1);
    CHECK(back->count<protocol::Assign>() == 0);
    // Log data arrive, the answer is lost.
    world.send_log(*back, StreamId(1), 0, "12345");
    back->wire->cut();
    world.settle();
    back = world.rejoin("a", 4, {held(1, AssignmentPhase::running, 5)});
    REQUIRE(back->last<protocol::Welcome>()->streams.size() == 1);
    CHECK(back->last<protocol::Welcome>()->streams[0].durable_offset == 5);
    world.send_log(*back, StreamId(1), 3, "45678");  // an overlap is no harm
    CHECK(world.log_of(1) == "12345678");
    // BuildFinished arrives, FinishedAck is lost.
    world.finish(*back, AssignmentId(1), 1, 8);
    CHECK(world.build(1).result == BuildResult::success);
    back->wire->cut();
    world.settle();
    back = world.rejoin("a", 5, {held(1, AssignmentPhase::finished, 8, 1)});
    CHECK(back->count<protocol::FinishedAck>() == 1);
    world.finish(*back, AssignmentId(1), 1, 8, protocol::BuildOutcome::failure);
    CHECK(world.build(1).result == BuildResult::success);  // a finished build never changes
    CHECK(world.activity("a") == AgentActivity::idle);
    CHECK(world.node("a").builds_done == 1);
  }
  SUBCASE("the agent comes back without the build it had started") {
    auto back = world.rejoin("a", 2, {held(1, AssignmentPhase::accepted)});
    back->wire->cut();
    world.settle();
    back = world.rejoin("a", 3, {});
    CHECK(world.build(1).state == BuildState::finished);
    CHECK(world.build(1).result == BuildResult::failure);
    CHECK(world.log_of(1) == "[footman] agent a was lost here: it came back without the build\n");
    CHECK(back->count<protocol::Assign>() == 0);
  }
}

TEST_CASE("reports are applied once and in order, whatever is repeated") {
  World world;
  auto agent = world.run_on_agent("a");
  agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
  agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now() + 5s, 0});
  world.settle();
  CHECK(agent->count<protocol::ReportAck>() == 2);
  CHECK(world.ask(world.store->list_steps(AssignmentId(1)))->at(0).started == world.clock.now());
}

TEST_CASE("the times of a step lie between the start of its build and now, whatever the agent says") {
  World world;
  const auto agent = world.run_on_agent("a");
  const auto began = world.assignment(1).started;
  world.advance(10s);
  const auto now = world.clock.now();
  const auto last = [&] { return world.ask(world.store->list_steps(AssignmentId(1))).value().back(); };
  std::uint64_t report = 0;
  const auto start = [&](Instant at) {
    agent->send(protocol::StepStarted{AssignmentId(1), ++report, 0, at, 0});
    world.settle();
    return last().started;
  };
  const auto finish = [&](Instant at, Duration wall_time) {
    if (report == 0) start(now);
    protocol::StepFinished step;
    step.assignment = AssignmentId(1);
    step.report = ++report;
    step.at = at;
    step.wall_time = wall_time;
    agent->send(step);
    world.settle();
    return last();
  };
  SUBCASE("it began before its build") { CHECK(start(began - 1h) == began); }
  SUBCASE("it began in the future") { CHECK(start(now + 1h) == now); }
  SUBCASE("it does not know when it began") { CHECK(start(Instant()) == now); }
  SUBCASE("an honest one") {
    CHECK(start(now - 3s) == now - 3s);
    const auto step = finish(now - 1s, 2s);
    CHECK(step.started == now - 3s);
    CHECK(step.finished == now - 1s);
    CHECK(step.wall_time == 2s);
  }
  SUBCASE("its clock is behind") {
    const auto step = finish(began - 1h, 2s);
    CHECK(step.started == began);
    CHECK(step.finished == began);
    CHECK(step.wall_time == 2s);
  }
  SUBCASE("from before its build until the future") {
    const auto step = finish(now + 1h, 24h);
    CHECK(step.started == began);
    CHECK(step.finished == now);
    CHECK(step.wall_time == now - began);
  }
  SUBCASE("it does not know") {
    const auto step = finish(Instant(), 2s);
    CHECK(step.started == now - 2s);
    CHECK(step.finished == now);
  }
  SUBCASE("the server's clock was set back") {
    world.clock.set_wall(-1h);
    const auto step = finish(now, 2s);
    CHECK(step.started == now - 1h);
    CHECK(step.finished == now - 1h);
    CHECK(step.wall_time == 2s);
  }
}

TEST_CASE("a step may exit with a status that makes its build unstable, which then goes on") {
  World world;
  controller::SubmitRequest request;
  request.spec.steps = {{"lint", {}, "lint"}, {"test", {}, "test", 3}, {"pack", {}, "pack"}};
  REQUIRE(world.run(world.controller->submit_build(std::move(request))));
  const auto agent = world.join("a");
  const auto assign = agent->last<protocol::Assign>();
  REQUIRE(assign);
  CHECK(assign->work.unstable_exit_statuses == std::vector<std::uint8_t>{0, 3});
  agent->send(protocol::Accepted{AssignmentId(1)});
  world.settle();
  std::uint64_t report = 0;
  const auto end_step = [&](std::uint32_t index, std::int32_t status) {
    agent->send(protocol::StepStarted{AssignmentId(1), ++report, index, world.clock.now(), 0});
    protocol::StepFinished step;
    step.assignment = AssignmentId(1);
    step.report = ++report;
    step.step = index;
    step.exit_status = status;
    step.at = world.clock.now();
    agent->send(step);
  };
  const auto result_of = [&](std::int32_t of_test) {
    end_step(0, 0);
    end_step(1, of_test);
    end_step(2, 0);
    world.finish(*agent, AssignmentId(1), ++report, 0);
    return world.build(1);
  };
  SUBCASE("so it did") {
    const auto build = result_of(3);
    CHECK(build.result == BuildResult::unstable);
    CHECK(build.exit_status == 3);
    CHECK(build.reason == "Step 'test' exited with status 3, which makes the build unstable.");
  }
  SUBCASE("it did not") {
    CHECK(result_of(0).result == BuildResult::success);
    CHECK(world.build(1).exit_status == 0);
  }
  SUBCASE("a later one failed") {
    end_step(0, 0);
    end_step(1, 3);
    end_step(2, 1);
    protocol::BuildFinished end{.assignment = AssignmentId(1), .report = ++report};
    end.outcome = protocol::BuildOutcome::failure;
    end.failed_step = 2;
    agent->send(end);
    world.settle();
    CHECK(world.build(1).result == BuildResult::failure);
    CHECK(world.build(1).exit_status == 1);
  }
}

TEST_CASE("a result waits until the whole log is on disk") {
  World world;
  auto agent = world.run_on_agent("a");
  world.log_store->hold();
  world.send_log(*agent, StreamId(1), 0, "abc");
  world.finish(*agent, AssignmentId(1), 1, 3);
  CHECK(world.build(1).state == BuildState::running);
  CHECK(agent->count<protocol::FinishedAck>() == 0);
  world.log_store->release();
  world.settle();
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(agent->count<protocol::FinishedAck>() == 1);
}

TEST_CASE("a build says whether its time limit ended it") {
  using protocol::BuildOutcome;
  for (const auto outcome : {BuildOutcome::timed_out, BuildOutcome::aborted, BuildOutcome::failure}) {
    World world;
    auto agent = world.run_on_agent("a");
    if (outcome == BuildOutcome::aborted)
      REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "not any more")));
    world.finish(*agent, agent->last<protocol::Assign>()->assignment, 1, 0, outcome);
    CHECK(world.build(1).state == BuildState::finished);
    CHECK(world.build(1).timed_out == (outcome == BuildOutcome::timed_out));
  }
}

TEST_CASE("what stands under the number of a new log is not taken for it") {
  World world;
  world.logs.streams[StreamId(1)].bytes = "foreign\n";
  auto agent = world.run_on_agent("a");
  std::uint64_t end = 0;
  SUBCASE("a build that prints") {
    world.send_log(*agent, StreamId(1), 0, "own\n");
    end = 4;
  }
  SUBCASE("a build that prints nothing") {}
  world.finish(*agent, agent->last<protocol::Assign>()->assignment, 1, end);
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.log_of(1) == std::string_view("own\n").substr(0, end));
}

TEST_CASE("log data: a gap and an overrun of the window end the connection, duplicates do not") {
  World world;
  world.config.log_window_bytes = 8;
  world.restart();
  auto agent = world.run_on_agent("a");
  world.send_log(*agent, StreamId(1), 0, "abcd");
  world.send_log(*agent, StreamId(1), 0, "abcd");
  CHECK(world.log_of(1) == "abcd");
  CHECK(agent->last<protocol::LogAck>()->durable_offset == 4);
  SUBCASE("gap") { world.send_log(*agent, StreamId(1), 6, "xx"); }
  SUBCASE("overrun") { world.send_log(*agent, StreamId(1), 4, "123456789"); }
  REQUIRE(agent->last<protocol::Goodbye>());
  CHECK(agent->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::protocol_error);
  CHECK(agent->last<protocol::Goodbye>()->reconnect);
  CHECK(world.log_of(1) == "abcd");
  CHECK(world.build(1).state == BuildState::running);
}

TEST_CASE("secrets are resolved for the agent only") {
  World world;
  world.secrets["file:/run/key"] = "s3cret-value";
  SubmitRequest request;
  request.spec.steps.push_back({"", "/bin/bash -e", "true"});
  request.spec.env.push_back({"KEY", "", "file:/run/key"});
  request.spec.env.push_back({"PLAIN", "p", ""});
  SUBCASE("found") {
    REQUIRE(world.run(world.controller->submit_build(request)));
    auto agent = world.join("a");
    const auto assign = agent->last<protocol::Assign>();
    REQUIRE(assign);
    CHECK(assign->work.env.at(0).value.expose() == "s3cret-value");
    CHECK(assign->work.env.at(0).secret);
    CHECK_FALSE(assign->work.env.at(1).secret);
    CHECK(assign->work.masks.at(0).expose() == "s3cret-value");
    CHECK(assign->work.steps.at(0).interpreter == std::vector<std::string>{"/bin/bash", "-e"});
    CHECK(world.build(1).spec.env.at(0).value.empty());
  }
  SUBCASE("slow: who cancels does not wait for it") {
    runtime::Event read;
    world.secrets_wait_for = &read;
    REQUIRE(world.run(world.controller->submit_build(request)));
    auto agent = world.join("a", 0);
    REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "not any more")));
    CHECK(world.build(1).result == BuildResult::aborted);
    CHECK(world.activity("a") == AgentActivity::idle);
    read.notify();
    world.settle();
    CHECK(agent->count<protocol::Assign>() == 0);
    CHECK(world.build(1).result == BuildResult::aborted);
  }
  SUBCASE("missing") {
    request.spec.env.at(0).secret_ref = "env:NOT_THERE";
    REQUIRE(world.run(world.controller->submit_build(request)));
    auto agent = world.join("a", 0);
    CHECK(agent->count<protocol::Assign>() == 0);
    CHECK(world.build(1).result == BuildResult::not_built);
    CHECK(world.build(1).reason.find("env:NOT_THERE") != std::string::npos);
    CHECK(world.activity("a") == AgentActivity::idle);
  }
}

TEST_CASE("no space left: nothing is acknowledged, and it recovers alone") {
  World world;
  auto agent = world.run_on_agent("a");
  SUBCASE("logs") {
    world.logs.full = true;
    world.send_log(*agent, StreamId(1), 0, "abc");
    world.advance(3s);
    CHECK(agent->count<protocol::LogAck>() == 0);
    CHECK(world.controller->storage_full());
    world.logs.full = false;
    world.advance(10s);
    CHECK(agent->last<protocol::LogAck>()->durable_offset == 3);
    CHECK(world.log_of(1) == "abc");
  }
  SUBCASE("rows") {
    world.store_full = true;
    world.finish(*agent, AssignmentId(1), 1, 0);
    world.advance(3s);
    CHECK(agent->count<protocol::FinishedAck>() == 0);
    CHECK(world.controller->storage_full());
    SubmitRequest request;
    request.spec.steps.push_back({"", "", "true"});
    CHECK(world.run(world.controller->submit_build(request)).error().code == Errc::resource_exhausted);
    world.store_full = false;
    world.advance(10s);
    CHECK(agent->count<protocol::FinishedAck>() == 1);
  }
  CHECK_FALSE(world.controller->storage_full());
}

TEST_CASE("a database with too much to do: the end of a build waits for it and is no full disk") {
  World world;
  auto agent = world.run_on_agent("a");
  world.store_busy = true;
  world.finish(*agent, AssignmentId(1), 1, 0);
  world.advance(20s);
  CHECK_FALSE(world.controller->storage_full());
  CHECK(agent->count<protocol::FinishedAck>() == 0);
  world.store_busy = false;
  world.advance(10s);
  CHECK(agent->count<protocol::FinishedAck>() == 1);
  CHECK(world.build(1).state == BuildState::finished);
}
