// Agents that were let in and say what cannot be true.
#include "controller/report_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using model::BuildResult;
using protocol::BuildOutcome;

namespace {

constexpr Duration kYears{std::int64_t{1} << 60};
const Instant kStart{1'700'000'000'000'000};

// A build of two steps on a host of two processors, ten seconds after its Start.
struct Case {
  model::BuildSpec spec;
  WorkProgress progress;
  bool cancelled = false;
  bool noticed = false;

  Case() { spec.steps = {{"lint", {}, "true", 3}, {"", {}, "true"}}; }
  ReportFrame frame() const {
    return {spec, progress, kStart, kStart + 10s, 10s, 2, std::uint64_t{8} << 30, cancelled, noticed};
  }
  void began() { note(believe_step(protocol::StepStarted{{}, next(), progress.ended, kStart, 0}, frame())); }
  void ended(int status = 0) { note(believe_step(end(progress.ended, status), frame())); }
  protocol::StepFinished end(std::uint32_t step, int status = 0) const {
    protocol::StepFinished report{.report = next(), .step = step};
    report.exit_status = status;
    return report;
  }
  protocol::BuildFinished finish(BuildOutcome outcome) const {
    protocol::BuildFinished report{.report = next()};
    report.outcome = outcome;
    return report;
  }
  std::uint64_t next() const { return progress.last_report + 1; }
  void note(const Result<model::StepRecord>& step) {
    REQUIRE(step);
    note_step(progress, *step, spec);
  }
};

template <class T>
std::string refusal(const Result<T>& told) {
  return told ? "believed" : told.error().message;
}

std::string start_of(const Case& now, std::uint64_t report, std::uint32_t step) {
  return refusal(believe_step(protocol::StepStarted{{}, report, step, kStart, 0}, now.frame()));
}

}  // namespace

TEST_CASE("steps begin and end in order, each once, and there are no others") {
  Case now;
  CHECK(start_of(now, 1, 0) == "believed");
  CHECK(start_of(now, 2, 0) == "it sent report 2 where 1 was the next one");
  CHECK(start_of(now, 1, 1) == "it reported the beginning of step 2 where step 1 was the next one");
  CHECK(start_of(now, 1, 2) == "it reported step 3 of a build of 2 steps");
  CHECK(start_of(now, 1, 0xFFFFFFFF) == "it reported step 4294967296 of a build of 2 steps");
  CHECK(refusal(believe_step(now.end(0), now.frame())) ==
        "it reported the end of step 1, which had not begun");
  now.began();
  CHECK(start_of(now, 2, 0) == "it reported that step 1 began twice");
  CHECK(refusal(believe_step(now.end(1), now.frame())) ==
        "it reported the end of step 2 where step 1 was the next one");
  now.ended(7);
  CHECK(start_of(now, 3, 1) == "it reported that step 2 began after step 1 had failed");
}

TEST_CASE("an end is one that a process can have") {
  Case now;
  now.began();
  auto end = now.end(0);
  const auto told = [&] { return refusal(believe_step(end, now.frame())); };
  end.exit_status = 256;
  CHECK(told() == "it reported exit status 256, which there is not");
  end.exit_status = -1;
  CHECK(told() == "it reported exit status -1, which there is not");
  end.signal = 65;
  CHECK(told() == "it reported signal 65, which there is not");
  end.signal = 9;  // then the status says nothing
  CHECK(told() == "believed");
  end.out_of_memory = true;
  CHECK(told() == "believed");
  end.signal = 15;
  CHECK(told() == "it reported that a step was killed for want of memory, and that it was not killed");
  end.signal = 0;
  end.exit_status = 137;
  CHECK(told() == "believed");
}

TEST_CASE("what a step used is no more than its host had in that time") {
  Case now;
  now.began();
  auto end = now.end(0);
  const auto told = [&] { return believe_step(end, now.frame()); };
  SUBCASE("an honest one") {
    end.cpu_time = 19s;
    end.peak_memory_bytes = std::uint64_t{7} << 30;
    CHECK(told()->cpu_time == 19s);
    CHECK(told()->peak_memory_bytes == std::uint64_t{7} << 30);
  }
  SUBCASE("somewhat more") {
    end.cpu_time = 25s;
    end.peak_memory_bytes = std::uint64_t{9} << 30;
    CHECK(told()->cpu_time == 20s);
    CHECK(told()->peak_memory_bytes == std::uint64_t{8} << 30);
  }
  SUBCASE("no machine: time") {
    end.cpu_time = kYears;
    CHECK(refusal(told()).starts_with("it reported "));
    CHECK(refusal(told()).ends_with(" of processor time of a build that began 10.0 s ago"));
  }
  SUBCASE("no machine: memory") {
    end.peak_memory_bytes = std::uint64_t{1} << 60;
    CHECK(refusal(told()) == "it reported 1152921504606846976 bytes of memory, which no machine has");
  }
  SUBCASE("it took longer than there was time") {
    end.wall_time = 24h;
    CHECK(told()->wall_time == 10s);
    end.wall_time = kYears;
    CHECK(refusal(told()).ends_with(" of a build that began 10.0 s ago"));
  }
}

TEST_CASE("a result agrees with the steps") {
  Case now;
  const auto told = [&](BuildOutcome outcome, std::uint32_t failed = protocol::kNoStep) {
    auto report = now.finish(outcome);
    report.failed_step = failed;
    return refusal(believe_end(report, now.frame()));
  };
  CHECK(told(BuildOutcome::success) == "it reported success, and the end of 0 of 2 steps");
  CHECK(told(BuildOutcome::failure, 0) == "it reported that a step failed, and of no such step that it did");
  CHECK(told(BuildOutcome::aborted) == "it reported that the build was cancelled, which nobody did");
  for (const auto any : {BuildOutcome::timed_out, BuildOutcome::agent_error}) CHECK(told(any) == "believed");
  CHECK(told(BuildOutcome::lost_by_notice) ==
        "it reported that its machine goes away, of which it had given no notice");
  now.noticed = true;
  CHECK(told(BuildOutcome::lost_by_notice) == "believed");
  auto gap = now.finish(BuildOutcome::agent_error);
  gap.report = 9;
  CHECK(refusal(believe_end(gap, now.frame())) == "it sent report 9 where 1 was the next one");
  now.cancelled = true;
  CHECK(told(BuildOutcome::aborted) == "believed");
  now.began();
  CHECK(told(BuildOutcome::success) == "it reported success, and the end of 0 of 2 steps");
  SUBCASE("all went well") {
    now.ended();
    now.began();
    now.ended();
    CHECK(told(BuildOutcome::success) == "believed");
    CHECK(told(BuildOutcome::failure, 1) ==
          "it reported that a step failed, and of no such step that it did");
  }
  SUBCASE("one was unstable") {
    now.ended(3);
    now.began();
    now.ended();
    CHECK(told(BuildOutcome::success) == "believed");
  }
  SUBCASE("one failed") {
    now.ended(7);
    CHECK(told(BuildOutcome::success) == "it reported success, and that step 1 failed");
    CHECK(told(BuildOutcome::failure, 0) == "believed");
    CHECK(told(BuildOutcome::failure, 1) ==
          "it reported that a step failed, and of no such step that it did");
    CHECK(told(BuildOutcome::failure) == "it reported that a step failed, and of no such step that it did");
  }
}

TEST_CASE("after a restart of the server the rows say what was reported") {
  Case now;
  std::vector<model::StepRecord> rows;
  const auto same = [&] {
    const auto read = progress_of(rows, now.spec);
    return read.last_report == now.progress.last_report && read.ended == now.progress.ended &&
           read.running == now.progress.running && !read.failed == !now.progress.failed &&
           !read.unstable == !now.progress.unstable;
  };
  CHECK(same());
  rows.push_back({.index = 0, .started = kStart});
  now.began();
  CHECK(same());
  rows[0].finished = kStart + 1s;
  rows[0].exit_status = 3;
  now.ended(3);
  CHECK(same());
  rows.push_back({.index = 1, .started = kStart, .finished = kStart + 1s, .signal = 9});
  now.began();
  auto end = now.end(1);
  end.signal = 9;
  now.note(believe_step(end, now.frame()));
  CHECK(same());
}

TEST_CASE("a host that there is not is one that was not told") {
  protocol::Hello hello;
  hello.cpus = 64;
  hello.memory_bytes = std::uint64_t{1} << 40;
  believe_host(hello);
  CHECK(hello.cpus == 64);
  CHECK(hello.memory_bytes == std::uint64_t{1} << 40);
  hello.cpus = 4'000'000'000;
  hello.memory_bytes = std::uint64_t{1} << 60;
  believe_host(hello);
  CHECK(hello.cpus == 0);
  CHECK(hello.memory_bytes == 0);
}

TEST_CASE("an agent that lies is given up, its build is lost with it, and nothing of the lie is kept") {
  World world;
  const auto agent = world.run_on_agent("a");
  std::string why;
  std::size_t rows = 0;
  SUBCASE("a step that there is not") {
    agent->send(protocol::StepStarted{AssignmentId(1), 1, 999'999, world.clock.now(), 0});
    why = "it reported step 1000000 of a build of 1 step";
  }
  SUBCASE("a report left out") {
    agent->send(protocol::StepStarted{AssignmentId(1), 2, 0, world.clock.now(), 0});
    why = "it sent report 2 where 1 was the next one";
  }
  SUBCASE("success of a step that failed") {
    agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
    agent->send(protocol::StepFinished{.assignment = AssignmentId(1), .report = 2, .exit_status = 7});
    agent->send(protocol::BuildFinished{.assignment = AssignmentId(1), .report = 3});
    rows = 1;
    why = "it reported success, and that step 1 failed";
  }
  SUBCASE("processor time of ages") {
    agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
    agent->send(protocol::StepFinished{.assignment = AssignmentId(1), .report = 2, .cpu_time = kYears});
    rows = 1;
    why = " of processor time of a build that began ";
  }
  SUBCASE("a longer log than it sent") {
    world.send_log(*agent, StreamId(1), 0, "abc");
    agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
    agent->send(protocol::StepFinished{.assignment = AssignmentId(1), .report = 2});
    agent->send(protocol::BuildFinished{.assignment = AssignmentId(1), .report = 3, .log_end = 4});
    rows = 1;
    why = "it reported a log of 4 bytes, and had sent 3";
  }
  SUBCASE("work refused that it had accepted") {
    agent->send(protocol::Rejected{AssignmentId(1), "no"});
    why = "it refused work that it had accepted: no";
  }
  SUBCASE("Resume twice") {
    agent->send(protocol::Resume{});
    why = "it said twice what it holds";
  }
  world.settle();
  const auto sentence = "it broke a rule of the protocol: ";
  CHECK(world.build(1).result == BuildResult::failure);
  CHECK(world.build(1).reason.starts_with(std::string("Agent a was lost: ") + sentence));
  CHECK(world.build(1).reason.find(why) != std::string::npos);
  CHECK(world.activity("a") == ports::AgentActivity::lost);
  CHECK(world.controller->observe_agent(AgentId("a")).detail.find(why) != std::string::npos);
  const auto steps = world.ask(world.store->list_steps(AssignmentId(1))).value();
  REQUIRE(steps.size() == rows);
  for (const auto& step : steps) CHECK(step.cpu_time == 0s);
  REQUIRE(agent->last<protocol::Goodbye>());
  CHECK(agent->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::protocol_error);
  CHECK(agent->last<protocol::Goodbye>()->reason.starts_with(sentence));
  CHECK_FALSE(agent->last<protocol::Goodbye>()->reconnect);
}

TEST_CASE("a log begins with the Start of its build") {
  World world;
  world.submit();
  auto agent = world.join("a");
  SUBCASE("before Accepted") {}
  SUBCASE("in a session that follows") {
    agent->wire->cut();
    world.settle();
    agent =
        world.rejoin("a", 2, {{AssignmentId(1), protocol::AssignmentPhase::running, StreamId(1), 0, 3, 0}});
  }
  world.send_log(*agent, StreamId(1), 0, "abc");
  REQUIRE(agent->last<protocol::Goodbye>());
  CHECK(agent->last<protocol::Goodbye>()->reason.find("before the build was started") != std::string::npos);
  CHECK(world.log_of(1).empty());
}

TEST_CASE("the times in a log are neither before the start of its build nor in the future") {
  World world;
  const auto agent = world.run_on_agent("a");
  const auto started = world.assignment(1).started;
  world.advance(10s);
  const auto now = world.clock.now();
  agent->send(
      protocol::LogData{StreamId(1), 0, {{0, started - 1h}, {1, started + 2s}, {2, now + 1h}}, "abc"});
  world.settle();
  const auto& marks = world.logs.streams[StreamId(1)].marks;
  REQUIRE(marks.size() == 3);
  CHECK(marks[0].at == started);
  CHECK(marks[1].at == started + 2s);
  CHECK(marks[2].at == now);
}

TEST_CASE("an agent without work that breaks the rules again and again is given up") {
  World world;
  auto agent = world.join("a", 0);
  for (std::uint32_t i = 0; i < kMaxBreaches; ++i) {
    CHECK(world.activity("a") == ports::AgentActivity::idle);
    agent->send_raw(std::string(64, '\xff'));
    world.settle();
    if (i + 1 < kMaxBreaches) agent = world.rejoin("a", i + 2, {});
  }
  CHECK(world.activity("a") == ports::AgentActivity::lost);
}

TEST_CASE("a notice is told once, with its time where it can be one") {
  World world;
  const auto agent = world.run_on_agent("a");
  agent->send(protocol::Notice{"spot", Instant{std::int64_t{1} << 59}});
  agent->send(protocol::Notice{"spot", Instant{std::int64_t{1} << 59}});
  world.settle();
  const auto lines = world.ask(world.store->list_timeline("agent:a")).value();
  CHECK(std::ranges::count(lines, "notice", &model::TimelineEntry::kind) == 1);
  CHECK(std::ranges::count(lines, "Its machine goes away: spot", &model::TimelineEntry::text) == 1);
}
