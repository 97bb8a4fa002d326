// Log bytes of agents, honest and others, on a disk that takes its time, is full or broken.
#include <doctest/doctest.h>

#include <algorithm>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using model::BuildResult;
using model::BuildState;

namespace {

const StreamId kFirstLog(1);

protocol::HeldAssignment holds_running(std::uint64_t end) {
  return {AssignmentId(1), protocol::AssignmentPhase::running, kFirstLog, 0, end, 0};
}

Instant time_of(World& world, std::uint64_t offset) {
  return world.last_assignment().started + Duration(static_cast<std::int64_t>(offset));
}

// So many frames of one byte, each with a time mark of its own.
void send_dust(World& world, ScriptedAgent& agent, std::uint64_t offset, std::uint64_t count) {
  std::string frames;
  const auto start = time_of(world, 0);
  for (auto at = offset; at < offset + count; ++at)
    frames += protocol::encode(
        protocol::LogData{kFirstLog, at, {{0, start + Duration(static_cast<std::int64_t>(at))}}, "x"});
  agent.send_raw(std::move(frames));
  world.settle();
}

}  // namespace

TEST_CASE(
    "dust of a hostile agent: few large appends with few marks, and nobody says that the disk is full") {
  World world;
  const std::uint64_t count = 70'000;  // more marks than an append may have
  auto agent = world.run_on_agent("a");
  world.advance(std::chrono::seconds(1));
  world.log_store->hold();
  send_dust(world, *agent, 0, count);
  CHECK_FALSE(world.controller->storage_full());
  world.log_store->release();
  world.settle();
  CHECK_FALSE(world.controller->storage_full());
  CHECK(agent->last<protocol::LogAck>()->durable_offset == count);
  CHECK(world.log_of(1).size() == count);
  const auto& marks = world.logs.streams[kFirstLog].marks;
  CHECK(marks.size() <= world.log_store->appends() * kMaxPendingMarks);
  CHECK(world.log_store->appends() < 10);
  CHECK(std::ranges::is_sorted(marks, {}, &ports::TimeMark::offset));
  const auto start = time_of(world, 0);
  for (const auto& mark : marks) CHECK(mark.at - start == Duration(static_cast<std::int64_t>(mark.offset)));
}

TEST_CASE("a time that is told again is kept once") {
  World world;
  auto agent = world.run_on_agent("a");
  world.advance(std::chrono::seconds(1));
  const auto first = time_of(world, 7);
  const auto second = time_of(world, 8);
  for (std::uint64_t i = 0; i < 3; ++i) {
    agent->send(protocol::LogData{kFirstLog, i * 2, {{0, first}, {1, i == 2 ? second : first}}, "xy"});
    world.settle();
  }
  const auto& marks = world.logs.streams[kFirstLog].marks;
  REQUIRE(marks.size() == 2);
  CHECK(marks[0] == ports::TimeMark{0, first});
  CHECK(marks[1] == ports::TimeMark{5, second});
}

TEST_CASE(
    "what the log store refuses for good breaks off that session, with the reason, and is no full disk") {
  World world;
  auto agent = world.run_on_agent("a");
  world.logs.trouble = Error{Errc::invalid_argument, "more time marks than one append may have", {}, {}};
  std::uint32_t connection = 1;
  for (std::uint32_t i = 1; i < kMaxBreaches; ++i) {
    world.send_log(*agent, kFirstLog, 0, "line\n");
    CHECK_FALSE(world.controller->storage_full());
    REQUIRE(agent->last<protocol::Goodbye>());
    CHECK(agent->last<protocol::Goodbye>()->reason.find("more time marks") != std::string::npos);
    CHECK(agent->last<protocol::Goodbye>()->reconnect);
    world.logs.trouble.reset();
    agent = world.rejoin("a", ++connection, {holds_running(5)});
    world.logs.trouble = Error{Errc::invalid_argument, "more time marks than one append may have", {}, {}};
  }
  CHECK(world.build(1).state == BuildState::running);
  world.send_log(*agent, kFirstLog, 0, "line\n");
  world.settle();
  const auto build = world.build(1);
  CHECK(build.state == BuildState::finished);
  CHECK(build.reason.find("more time marks") != std::string::npos);
  CHECK_FALSE(world.controller->storage_full());
}

TEST_CASE("a log that cannot be read any more costs its build alone") {
  World world;
  auto agent = world.run_on_agent("a");
  world.send_log(*agent, kFirstLog, 0, "line\n");
  world.logs.trouble = Error{Errc::corrupt, "it is no file", {}, {}};
  std::uint32_t connection = 1;
  for (std::uint32_t i = 0; i < kMaxBreaches; ++i) {
    agent->wire->cut();
    world.settle();
    agent = world.connect();
    agent->send_raw(std::string(protocol::kPreface));
    agent->send(world.hello("a", Secret(), ++connection));
    world.settle();
    REQUIRE(agent->last<protocol::Goodbye>());
    CHECK(agent->last<protocol::Goodbye>()->reason.find("it is no file") != std::string::npos);
    world.settle();
  }
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.build(1).result == BuildResult::failure);
}

TEST_CASE("a log store with too much to do is no full disk: the bytes come when it has time") {
  World world;
  auto agent = world.run_on_agent("a");
  world.logs.trouble = Error{Errc::unavailable, "too many log bytes wait for the disk", {}, {}};
  world.send_log(*agent, kFirstLog, 0, "line\n");
  world.advance(10s);
  CHECK_FALSE(world.controller->storage_full());
  CHECK(agent->count<protocol::LogAck>() == 0);
  world.logs.trouble.reset();
  world.advance(10s);
  REQUIRE(agent->count<protocol::LogAck>() == 1);
  CHECK(agent->last<protocol::LogAck>()->durable_offset == 5);
  CHECK(world.log_of(1) == "line\n");
}

TEST_CASE("a log beyond its limit ends the session, also after a new connection and a restart") {
  World world;
  world.config.max_log_bytes = 10'000;
  world.restart();
  auto agent = world.run_on_agent("a");
  const auto most = world.config.max_log_bytes + protocol::kLogLimitSlackBytes;
  world.send_log(*agent, kFirstLog, 0, std::string(most, 'x'));  // with the agent's line that it is cut
  CHECK(agent->last<protocol::LogAck>()->durable_offset == most);
  SUBCASE("the same connection") {}
  SUBCASE("a new connection") { agent = world.rejoin("a", 2, {holds_running(most)}); }
  SUBCASE("a restart") {
    world.restart();
    agent = world.rejoin("a", 2, {holds_running(most)});
  }
  world.send_log(*agent, kFirstLog, most, "y");
  REQUIRE(agent->last<protocol::Goodbye>());
  CHECK(agent->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::protocol_error);
  CHECK(agent->last<protocol::Goodbye>()->reason.find("14096 are the most") != std::string::npos);
  CHECK(world.log_of(1).size() == most);
}

TEST_CASE("windows: what all agents together may have under way is bounded, whoever comes gets some") {
  World world;
  world.config.log_window_bytes = 1 << 20;
  world.restart();
  const std::size_t count = 400;
  std::vector<std::unique_ptr<ScriptedAgent>> agents;
  std::uint64_t sum = 0;
  const auto window_of = [](const ScriptedAgent& agent) {
    return agent.last<protocol::Welcome>()->log_window_bytes;
  };
  for (std::size_t i = 0; i < count; ++i) {
    agents.push_back(world.join("a" + std::to_string(i), 0));
    const auto window = window_of(*agents.back());
    CHECK(window >= kLeastLogWindowBytes);
    sum += window;
  }
  CHECK(window_of(*agents.front()) == world.config.log_window_bytes);
  CHECK(sum <= kMaxPendingLogBytes + count * kLeastLogWindowBytes);
  // The last one is held to what it was told, and heartbeats pass while its bytes wait.
  world.submit();
  const auto busy = std::ranges::find_if(
      agents, [](const auto& agent) { return agent->template count<protocol::Assign>() > 0; });
  REQUIRE(busy != agents.end());
  auto& agent = **busy;
  agent.send(protocol::Accepted{AssignmentId(1)});
  world.settle();
  world.logs.full = true;
  const auto window = window_of(agent);
  world.send_log(agent, kFirstLog, 0, std::string(window, 'x'));
  agent.send(protocol::Heartbeat{1, world.clock.now()});
  world.settle();
  CHECK(agent.count<protocol::HeartbeatReply>() == 1);
  world.send_log(agent, kFirstLog, window, "y");
  CHECK(agent.last<protocol::Goodbye>()->code == protocol::GoodbyeCode::protocol_error);
  // What went comes back.
  for (auto& one : agents) one->wire->cut();
  world.settle();
  CHECK(window_of(*world.join("late")) == world.config.log_window_bytes);
}
