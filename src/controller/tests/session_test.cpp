// Who may come in, who is lost, what a restart of the server changes.
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

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
using protocol::RefusalCode;

namespace {

protocol::HeldAssignment held(std::int64_t id, AssignmentPhase phase, std::uint64_t end = 0) {
  return {AssignmentId(id), phase, StreamId(id), 0, end, 0};
}

std::optional<protocol::Refused> knock(World& world, const protocol::Hello& hello) {
  auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(hello);
  world.settle();
  CHECK((agent->ended || agent->count<protocol::Refused>() == 0));
  return agent->last<protocol::Refused>();
}

// What the history of the agent tells of ends that a rule brought about.
std::vector<std::string> broken(World& world, const std::string& agent) {
  std::vector<std::string> texts;
  for (auto& line : world.ask(world.store->list_timeline("agent:" + agent)).value())
    if (line.kind == "session_broken") texts.push_back(std::move(line.text));
  return texts;
}

}  // namespace

TEST_CASE("the secret lets one key in, as often as it comes") {
  World world;
  const auto secret = world.register_agent("a");
  CHECK(world.activity("a") == AgentActivity::expected);
  // Welcome is lost twice: the same key is let in again.
  for (std::uint32_t i = 1; i <= 2; ++i) {
    auto agent = world.connect();
    agent->send_raw(std::string(protocol::kPreface));
    agent->send(world.hello("a", secret, i));
    world.settle();
    CHECK(agent->count<protocol::Welcome>() == 1);
    CHECK(agent->last<protocol::Welcome>()->epoch == i);
    CHECK(world.activity("a") == AgentActivity::expected);
    agent->wire->cut();
    world.settle();
    CHECK(world.activity("a") == AgentActivity::expected);
  }
  CHECK(world.agents_known == 2);
  CHECK(knock(world, world.hello("a", secret, 3, 'x'))->code == RefusalCode::bad_secret);
  CHECK(knock(world, world.hello("a", Secret("wrong"), 3, 'x'))->code == RefusalCode::bad_secret);
  CHECK(knock(world, world.hello("nobody", secret, 3, 'x'))->code == RefusalCode::bad_secret);
  CHECK(world.node("a").refused_attempts == 2);
  CHECK(world.agents_known == 2);
  // Registered again: the same secret.
  CHECK(world.register_agent("a").expose() == secret.expose());
}

TEST_CASE("an agent that was let in has a lease, however often it says Hello without a Resume") {
  World world;
  const auto secret = world.register_agent("a");
  const auto knock = [&](std::uint32_t connection) {
    auto agent = world.connect();
    agent->send_raw(std::string(protocol::kPreface));
    agent->send(world.hello("a", secret, connection));
    world.settle();
    agent->wire->cut();
    world.settle();
    return agent->count<protocol::Welcome>() == 1;
  };
  CHECK(knock(1));
  CHECK(world.controller->observe_agent(AgentId("a")).connected_at.is_set());
  world.advance(world.config.lease - 5s);
  CHECK(world.activity("a") == AgentActivity::expected);
  SUBCASE("it goes on like this") {
    CHECK(knock(2));
    world.advance(10s);
    CHECK(world.activity("a") == AgentActivity::lost);
    CHECK_FALSE(knock(3));
  }
  SUBCASE("it resumes: the lease runs anew") {
    auto agent = world.rejoin("a", 2, {});
    CHECK(world.activity("a") == AgentActivity::idle);
    agent->wire->cut();
    world.advance(world.config.lease - 5s);
    CHECK(world.activity("a") == AgentActivity::disconnected);
    world.advance(10s);
    CHECK(world.activity("a") == AgentActivity::lost);
  }
}

TEST_CASE("an agent that comes back is not one that never came") {
  World world;
  auto agent = world.join("a", 0);
  CHECK(world.activity("a") == AgentActivity::idle);
  agent->wire->cut();
  world.settle();
  CHECK(world.activity("a") == AgentActivity::disconnected);
  auto again = world.connect();
  again->send_raw(std::string(protocol::kPreface));
  again->send(world.hello("a", Secret(), 2));
  world.settle();
  REQUIRE(again->count<protocol::Welcome>() == 1);
  CHECK(world.activity("a") == AgentActivity::disconnected);  // until it says what it has
  again->send(protocol::Resume{});
  world.settle();
  CHECK(world.activity("a") == AgentActivity::idle);
}

TEST_CASE("an expired secret is refused; a restart of the server gives a fresh period") {
  World world;
  const auto secret = world.register_agent("a");
  world.advance(6min);
  CHECK(knock(world, world.hello("a", secret))->code == RefusalCode::expired);
  world.restart();
  auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(world.hello("a", secret));
  world.settle();
  CHECK(agent->count<protocol::Welcome>() == 1);
}

TEST_CASE("a secret is good for as long as it was to be, whatever is done to the clock") {
  for (const auto step : {Duration(-5h), Duration(5h)}) {
    CAPTURE(step.count());
    World world;
    const auto good = world.register_agent("a");
    const auto late = world.register_agent("b");
    world.clock.set_wall(step);
    world.advance(4min);
    CHECK(!knock(world, world.hello("a", good)));
    world.advance(2min);
    CHECK(knock(world, world.hello("b", late))->code == RefusalCode::expired);
  }
}

TEST_CASE("an agent whose row was stored with its launch is made known without a commit, after a crash too") {
  World world;
  ports::AgentRegistration registration;
  registration.id = AgentId("a");
  registration.secret_lifetime = 5min;
  registration.is_stored = true;
  const auto row = world.controller->make_row(registration);
  REQUIRE(row);
  REQUIRE(world.run(world.store->record_launch_intents({}, {*row})));
  SUBCASE("no crash") {}
  SUBCASE("a crash in between") {
    world.restart();
    registration.is_stored = false;  // as far as the fleet of this run knows
  }
  world.store_full = true;
  const auto bootstrap = world.run(world.controller->register_agent(registration));
  REQUIRE(bootstrap);
  world.store_full = false;
  auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(world.hello("a", bootstrap->secret));
  world.settle();
  CHECK(agent->count<protocol::Welcome>() == 1);
}

TEST_CASE("a newer launch attempt takes the place of the older one") {
  World world;
  auto first = world.join("a", 0);
  const auto secret = world.register_agent("a", 2, 0);
  world.settle();
  CHECK(first->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::revoked);
  auto late = world.hello("a", Secret());
  CHECK(knock(world, late));
  auto hello = world.hello("a", secret, 1, 'n');
  hello.attempt = 2;
  auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(hello);
  world.settle();
  CHECK(agent->count<protocol::Welcome>() == 1);
}

TEST_CASE("of two sessions with the same key the newer connection wins") {
  World world;
  auto old = world.run_on_agent("a");
  auto fresh = world.rejoin("a", 2, {held(1, AssignmentPhase::running)});
  REQUIRE(old->last<protocol::Goodbye>());
  CHECK_FALSE(old->last<protocol::Goodbye>()->reconnect);
  CHECK(old->ended);
  CHECK(world.activity("a") == AgentActivity::busy);
  world.send_log(*fresh, StreamId(1), 0, "x");
  CHECK(world.log_of(1) == "x");
  CHECK(knock(world, world.hello("a", Secret(), 1))->code == RefusalCode::superseded);
}

TEST_CASE("what is not the protocol, or says nothing, is cut off") {
  World world;
  auto agent = world.connect();
  SUBCASE("noise") { agent->send_raw("GET / HTTP/1.1\r\n\r\n"); }
  SUBCASE("silence") { world.advance(world.config.hello_timeout + 1s); }
  world.settle();
  CHECK(agent->ended);
  CHECK(agent->received.empty());
}

TEST_CASE("an agent that knocks while sessions cannot be stored is not lost") {
  World world;
  auto agent = world.run_on_agent("a");
  SUBCASE("its connection has ended") { agent->wire->cut(); }
  SUBCASE("its connection is half-open") { agent->wire->swallow(true); }
  world.store_full = true;
  std::vector<std::unique_ptr<ScriptedAgent>> tries;
  for (std::uint32_t i = 0; i < 8; ++i) {
    world.advance(world.config.lease / 4);
    tries.push_back(world.connect());
    tries.back()->send_raw(std::string(protocol::kPreface));
    tries.back()->send(world.hello("a", Secret(), 2 + i));
    world.settle();
    REQUIRE(tries.back()->count<protocol::Refused>() == 1);
    CHECK(tries.back()->last<protocol::Refused>()->retry);
  }
  world.store_full = false;
  CHECK(world.build(1).state == BuildState::running);
  CHECK(world.activity("a") == AgentActivity::disconnected);
  world.advance(world.config.lease + 5s);  // now it stays away
  CHECK(world.activity("a") == AgentActivity::lost);
}

TEST_CASE("heartbeats are answered and keep the lease") {
  World world;
  auto agent = world.join("a", 0);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    world.advance(world.config.heartbeat);
    agent->send(protocol::Heartbeat{i, world.clock.now()});
    world.settle();
    CHECK(agent->last<protocol::HeartbeatReply>()->sequence == i);
  }
  CHECK(world.activity("a") == AgentActivity::idle);
  // Silence: no new work first, lost at the end of the lease.
  world.advance(world.config.heartbeat * 3);
  CHECK(world.activity("a") == AgentActivity::disconnected);
  world.submit();
  CHECK(agent->count<protocol::Assign>() == 0);
  world.advance(world.config.lease);
  CHECK(world.activity("a") == AgentActivity::lost);
}

TEST_CASE("a frozen agent is declared lost, its build ends with a reason, its late words are refused") {
  World world;
  auto agent = world.run_on_agent("a");
  world.send_log(*agent, StreamId(1), 0, "half a li");
  agent->send(protocol::StepStarted{AssignmentId(1), 1, 0, world.clock.now(), 0});
  world.advance(world.config.lease + 5s);
  CHECK(world.build(1).result == BuildResult::failure);
  const auto told = world.run(world.controller->explain_build(BuildId(1)));
  CHECK(std::ranges::count(told->timeline,
                           "How step 'step 1' ended is not known: Agent a was lost: nothing was heard of it "
                           "for 1 min 0 s",
                           &model::TimelineEntry::text) == 1);
  CHECK(std::ranges::count(world.log_lines,
                           "build finished build=1 title=ad hoc #1 agent=a result=FAILURE reason=Agent a was "
                           "lost: nothing was heard of it for 1 min 0 s") == 1);
  CHECK(world.build(1).reason == "Agent a was lost: nothing was heard of it for 1 min 0 s");
  CHECK(world.log_of(1) ==
        "half a li\n[footman] agent a was lost here: nothing was heard of it for 1 min 0 s\n");
  CHECK(world.stream().final_bytes == world.log_of(1).size());
  CHECK(world.assignment(1).state == AssignmentState::lost);
  CHECK(world.activity("a") == AgentActivity::lost);
  CHECK_FALSE(agent->last<protocol::Goodbye>()->reconnect);
  // It thaws.
  const auto log = world.log_of(1);
  world.send_log(*agent, StreamId(1), 9, "ne\n");
  world.finish(*agent, AssignmentId(1), 1, 12);
  CHECK(world.log_of(1) == log);
  CHECK(world.build(1).result == BuildResult::failure);
  CHECK(knock(world, world.hello("a", Secret(), 2))->code == RefusalCode::revoked);
  CHECK_FALSE(knock(world, world.hello("a", Secret(), 2))->retry);
  world.restart();
  CHECK(knock(world, world.hello("a", Secret(), 2))->code == RefusalCode::revoked);
}

TEST_CASE("a session that breaks off again and again ends the attempt with the reason") {
  World world;
  auto agent = world.run_on_agent("a");
  auto result = BuildResult::failure;
  SUBCASE("the agent cannot go on") {}
  SUBCASE("a build that was cancelled is aborted") {
    result = BuildResult::aborted;
    REQUIRE(world.run(world.controller->cancel_build(BuildId(1), "enough")));
  }
  for (std::uint32_t i = 1; i < kMaxBreaches; ++i) {
    agent->send(protocol::Goodbye{protocol::GoodbyeCode::protocol_error, "byte 29 was never sent", true});
    world.settle();
    CHECK(world.build(1).state == BuildState::running);
    agent = world.rejoin("a", i + 1, {held(1, AssignmentPhase::running)});
    CHECK(agent->count<protocol::Welcome>() == 1);
  }
  agent->send(protocol::Goodbye{protocol::GoodbyeCode::protocol_error, "byte 29 was never sent", true});
  world.settle();
  const auto build = world.build(1);
  CHECK(build.state == BuildState::finished);
  CHECK(build.result == result);
  CHECK(build.reason.find("byte 29 was never sent") != std::string::npos);
  CHECK(world.activity("a") == AgentActivity::lost);
  CHECK(broken(world, "a") ==  // at one and the same time
        std::vector<std::string>{"Its session was broken off: byte 29 was never sent"});
}

TEST_CASE("what the server cannot go on with counts, too; connections that just end do not") {
  World world;
  auto agent = world.run_on_agent("a");
  std::uint32_t connection = 1;
  for (std::uint32_t i = 0; i < 2 * kMaxBreaches; ++i) {
    agent->wire->cut();
    world.settle();
    agent = world.rejoin("a", ++connection, {held(1, AssignmentPhase::running)});
  }
  CHECK(world.build(1).state == BuildState::running);
  CHECK(broken(world, "a").empty());
  for (std::uint32_t i = 0; i < kMaxBreaches; ++i) {
    world.send_log(*agent, StreamId(1), 1000, "behind a gap");
    if (i + 1 < kMaxBreaches) agent = world.rejoin("a", ++connection, {held(1, AssignmentPhase::running)});
  }
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.build(1).reason.find("is missing") != std::string::npos);
}

TEST_CASE("the history of an agent says which rule it broke, whether or not it has a build") {
  World world;
  const auto agent = world.join("a");
  agent->send_raw(std::string("\x02\0\0\0\x11\0\0", 7));  // Accepted without its assignment
  world.settle();
  CHECK(agent->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::protocol_error);
  REQUIRE(broken(world, "a").size() == 1);
  CHECK(broken(world, "a")[0].starts_with("Its session was broken off: "));
  CHECK(broken(world, "a")[0].ends_with(agent->last<protocol::Goodbye>()->reason));
}

TEST_CASE("the log says which build an agent had that is disconnected, also when it is over") {
  World world;
  const auto agent = world.run_on_agent("a");
  CHECK(world.controller->observe_agent(AgentId("a")).build == "1");
  world.finish(*agent, AssignmentId(1), 1, 0);
  CHECK(world.controller->observe_agent(AgentId("a")).build == "1");
  agent->wire->cut();
  world.settle();
  const auto line = std::ranges::find_if(
      world.log_lines, [](const std::string& one) { return one.starts_with("agent disconnected agent=a "); });
  REQUIRE(line != world.log_lines.end());
  CHECK(line->ends_with(" build=1"));
}

TEST_CASE("half-open: the connection is silent, the agent comes back on another one in time") {
  World world;
  auto agent = world.run_on_agent("a");
  world.send_log(*agent, StreamId(1), 0, "one\n");
  agent->wire->swallow(true);
  world.advance(40s);
  auto back = world.rejoin("a", 2, {held(1, AssignmentPhase::running, 4)});
  world.send_log(*back, StreamId(1), 4, "two\n");
  world.advance(30s);
  world.finish(*back, AssignmentId(1), 1, 8);
  CHECK(world.build(1).result == BuildResult::success);
  CHECK(world.log_of(1) == "one\ntwo\n");
}

TEST_CASE("an unstarted build of a lost agent goes to another") {
  World world;
  world.config.accept_timeout = 10min;
  world.restart();
  world.submit();
  auto agent = world.join("a", 0);
  REQUIRE(agent->count<protocol::Assign>() == 1);
  agent->wire->cut();
  world.advance(world.config.lease + 5s);
  CHECK(world.activity("a") == AgentActivity::lost);
  CHECK(world.item(1).state == ItemState::queued);
  CHECK(world.controller->demand().size() == 1);
  auto other = world.join("b", 0);
  CHECK(other->count<protocol::Assign>() == 1);
}

TEST_CASE("the server restarts: builds go on, agents come back, nothing is lost") {
  World world;
  auto agent = world.run_on_agent("a");
  world.submit();
  world.send_log(*agent, StreamId(1), 0, "abc");
  SUBCASE("in order") {
    world.stop();
    CHECK(agent->last<protocol::Goodbye>()->reconnect);
    CHECK(agent->last<protocol::Goodbye>()->code == protocol::GoodbyeCode::shutting_down);
  }
  SUBCASE("by a crash") {}
  world.crash();
  world.clock.set(world.clock.steady() + 10 * world.config.lease);  // away for long
  world.start();
  world.advance(world.config.lease - 5s);
  CHECK(world.activity("a") == AgentActivity::disconnected);
  CHECK(world.controller->demand().size() == 1);
  agent = world.rejoin("a", 1, {held(1, AssignmentPhase::running, 6)});
  CHECK(agent->last<protocol::Welcome>()->streams.at(0).durable_offset == 3);
  CHECK(agent->last<protocol::Welcome>()->epoch == 2);
  world.send_log(*agent, StreamId(1), 3, "def");
  world.finish(*agent, AssignmentId(1), 1, 6);
  CHECK(world.build(1).result == BuildResult::success);
  CHECK(world.log_of(1) == "abcdef");
  CHECK(world.build(2).state == BuildState::queued);
}

TEST_CASE("a restart between Accepted and Start: Start is said again, or the build goes elsewhere") {
  World world;
  world.submit();
  auto agent = world.join("a", 0);
  SUBCASE("the agent holds it") {
    world.restart();
    agent = world.rejoin("a", 1, {held(1, AssignmentPhase::accepted)});
    CHECK(agent->count<protocol::Start>() == 1);
    world.restart();
    agent = world.rejoin("a", 1, {held(1, AssignmentPhase::accepted)});
    CHECK(agent->count<protocol::Start>() == 1);
  }
  SUBCASE("the agent never comes back") {
    world.restart();
    world.advance(world.config.lease + 5s);
    CHECK(world.item(1).state == ItemState::queued);
    auto other = world.join("b", 0);
    CHECK(other->count<protocol::Assign>() == 1);
  }
}

TEST_CASE("a loss that was half written when the server died is finished after the restart, once") {
  World world;
  auto agent = world.run_on_agent("a");
  world.send_log(*agent, StreamId(1), 0, "abc\n");
  const std::string line = "[footman] agent a was lost here: its session had ended\n";
  REQUIRE(world.ask(world.store->change_node(AgentId("a"), false, true)));
  SUBCASE("before the line") {}
  SUBCASE("after the line") { world.logs.streams[StreamId(1)].bytes += line; }
  world.restart();
  world.settle();
  CHECK(world.build(1).state == BuildState::finished);
  CHECK(world.log_of(1) == "abc\n" + line);
}

TEST_CASE("work of an agent without a record is ended after a restart") {
  World world;
  SUBCASE("started") {
    world.run_on_agent("a");
    REQUIRE(world.ask(world.store->remove_node(AgentId("a"))));
    world.restart();
    world.settle();
    CHECK(world.build(1).result == BuildResult::failure);
  }
  SUBCASE("not started") {
    world.submit();
    world.join("a");
    REQUIRE(world.ask(world.store->remove_node(AgentId("a"))));
    world.restart();
    world.settle();
    CHECK(world.item(1).state == ItemState::queued);
  }
}

TEST_CASE("drain, goodbye, notice") {
  World world;
  auto agent = world.run_on_agent("a", 0);
  SUBCASE("drained while it works: the build goes on, then nothing more runs on it") {
    REQUIRE(world.run(world.controller->drain_agent(AgentId("a"))));
    CHECK(agent->count<protocol::Drain>() == 1);
    CHECK(world.activity("a") == AgentActivity::busy);
    world.submit();
    world.finish(*agent, AssignmentId(1), 1, 0);
    CHECK(world.build(1).result == BuildResult::success);
    CHECK(agent->count<protocol::Assign>() == 1);
    CHECK(world.activity("a") == AgentActivity::done);
    CHECK(world.controller->observe_agent(AgentId("a")).end_reason == model::EndReason::drained);
  }
  SUBCASE("it leaves with its build: the build is over at once") {
    agent->send(protocol::Goodbye{protocol::GoodbyeCode::other, "out of disk", false});
    world.settle();
    CHECK(world.build(1).reason == "Agent a was lost: it left: out of disk");
    CHECK(world.activity("a") == AgentActivity::done);
  }
  SUBCASE("it means to come back: the lease runs") {
    agent->send(protocol::Goodbye{protocol::GoodbyeCode::shutting_down, "", true});
    world.settle();
    CHECK(world.activity("a") == AgentActivity::disconnected);
    CHECK(world.build(1).state == BuildState::running);
  }
  SUBCASE("its machine goes away") {
    agent->send(protocol::Notice{"spot reclaim", world.clock.now() + 2min});
    world.settle();
    CHECK(world.activity("a") == AgentActivity::busy);
    world.finish(*agent, AssignmentId(1), 1, 0, protocol::BuildOutcome::lost_by_notice);
    CHECK(world.build(1).result == BuildResult::failure);
    CHECK(world.controller->observe_agent(AgentId("a")).end_reason == model::EndReason::notice);
  }
}

TEST_CASE("remove ends the session and what had started; repeats are safe") {
  World world;
  auto agent = world.run_on_agent("a");
  REQUIRE(world.run(world.controller->remove_agent(
      AgentId("a"), {model::EndReason::resource_gone, "the cloud says it is gone"})));
  CHECK(world.build(1).reason == "Agent a was lost: the cloud says it is gone");
  CHECK(agent->ended);
  CHECK(world.activity("a") == AgentActivity::unknown);
  REQUIRE(
      world.run(world.controller->remove_agent(AgentId("a"), {model::EndReason::resource_gone, "again"})));
  CHECK(knock(world, world.hello("a", Secret(), 2))->code == RefusalCode::revoked);
}

TEST_CASE("an agent that was given up and comes back is told so; a stranger learns nothing") {
  World world;
  auto agent = world.run_on_agent("a");
  agent->wire->cut();
  world.advance(world.config.lease + 5s);
  REQUIRE(world.activity("a") == AgentActivity::lost);
  const auto came_back = [&](std::uint32_t connection) {
    const auto refused = knock(world, world.hello("a", Secret(), connection));
    REQUIRE(refused);
    CHECK(refused->code == RefusalCode::revoked);
    CHECK(refused->message == "the server has ended this agent: nothing was heard of it for 1 min 0 s");
    CHECK_FALSE(refused->retry);
  };
  came_back(2);
  CHECK(world.node("a").refused_attempts == 0);
  REQUIRE(world.run(world.controller->remove_agent(AgentId("a"), {model::EndReason::resource_gone, "gone"})));
  REQUIRE(world.activity("a") == AgentActivity::unknown);
  came_back(3);
  // The same answer for a name that exists no more as for one that never did.
  for (const auto* name : {"a", "nobody"}) {
    const auto refused = knock(world, world.hello(name, Secret("guess"), 4, 'x'));
    CHECK(refused->code == RefusalCode::bad_secret);
    CHECK(refused->message == "the agent's name and secret, or proof, do not fit");
  }
  const auto counted = [&](const char* cause) {
    return world.metrics.counter("footman_agent_refused_total", "", {{"cause", cause}}).value();
  };
  CHECK(counted("ended") == 2);
  CHECK(counted("wrong_secret") == 2);
}

TEST_CASE("refused agents fill no log: a line a second, with how many were left out") {
  World world;
  for (int i = 0; i < 50; ++i) CHECK(knock(world, world.hello("nobody", Secret("guess"), 1, 'x')));
  world.advance(1s);
  CHECK(knock(world, world.hello("nobody", Secret("guess"), 1, 'x')));
  std::vector<std::string> lines;
  std::ranges::copy_if(world.log_lines, std::back_inserter(lines),
                       [](const std::string& line) { return line.starts_with("agent refused "); });
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].ends_with(" left_out=0"));
  CHECK(lines[1].ends_with(" left_out=49"));
}

// The fleet has another agent take the item from the answer on.
TEST_CASE("an agent that was removed or drained before it came gets nothing any more, over a crash too") {
  World world;
  const auto secret = world.register_agent("a");
  bool is_removed = false;
  SUBCASE("removed") {
    is_removed = true;
    REQUIRE(world.run(world.controller->remove_agent(AgentId("a"), {})));
  }
  SUBCASE("drained") { REQUIRE(world.run(world.controller->drain_agent(AgentId("a")))); }
  CHECK(world.activity("a") == (is_removed ? AgentActivity::unknown : AgentActivity::done));
  for (const bool after_crash : {false, true}) {
    CAPTURE(after_crash);
    if (after_crash) world.restart();
    if (!after_crash) world.submit();
    auto agent = world.connect();
    agent->send_raw(std::string(protocol::kPreface));
    agent->send(world.hello("a", secret, after_crash ? 2 : 1));
    world.settle();
    agent->send(protocol::Resume{});
    world.settle();
    CHECK(agent->count<protocol::Refused>() == (is_removed ? 1 : 0));
    CHECK(agent->count<protocol::Assign>() == 0);
    CHECK(world.item(1).state == model::ItemState::queued);
    CHECK(world.controller->demand().size() == 1);
  }
}

TEST_CASE("who observes agents is told which ones have changed") {
  World world;
  auto& controller = *world.controller;
  const auto first = world.join("a");
  const auto second = world.join("b");
  auto news = controller.agents_since(0);
  CHECK(news.complete);
  const auto changed = [&] {
    news = controller.agents_since(news.version);
    CHECK_FALSE(news.complete);
    return news.changed;
  };
  CHECK(changed().empty());
  world.submit();
  const bool is_first = first->count<protocol::Assign>() == 1;
  auto& chosen = is_first ? *first : *second;
  const AgentId id(is_first ? "a" : "b");
  CHECK(changed() == std::vector{id});
  chosen.send(protocol::Accepted{AssignmentId(1)});
  world.settle();
  CHECK(controller.observe_agent(id).started);
  CHECK(changed() == std::vector{id});
  second->wire->cut();
  world.settle();
  CHECK(changed() == std::vector{AgentId("b")});
  world.advance(world.config.lease + 1min);
  CHECK(std::ranges::count(changed(), AgentId("b")) == 1);
  CHECK(world.activity("b") == AgentActivity::lost);
  REQUIRE(world.run(controller.remove_agent(AgentId("b"), {})));
  CHECK(std::ranges::count(changed(), AgentId("b")) == 1);
  CHECK(changed().empty());
  CHECK(controller.agents_since(news.version - 1).complete);  // somebody else has asked meanwhile
}
