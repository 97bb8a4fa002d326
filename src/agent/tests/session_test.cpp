// The agent's session with a server that does as it is told.
#include "agent/tests/scripted_server.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::testing;
using base::AssignmentId;
using base::StreamId;
using protocol::AssignmentPhase;
using protocol::BuildOutcome;
using protocol::GoodbyeCode;
using protocol::RefusalCode;

TEST_CASE("Hello: the secret until Welcome, always the same key, tries are counted") {
  ScriptedServer server;
  server.start();
  const auto first = server.last<protocol::Hello>();
  CHECK(first.secret.expose() == "the one-time secret");
  CHECK(first.session_key.expose().size() == protocol::kSessionKeyBytes);
  CHECK(first.connection == 1);
  // The answer is lost.
  server.reconnect();
  const auto second = server.last<protocol::Hello>();
  CHECK(second.secret.expose() == first.secret.expose());
  CHECK(second.session_key.expose() == first.session_key.expose());
  CHECK(second.connection == 2);
  CHECK(server.let_in().assignments.empty());
  CHECK(server.agent->connected());
  CHECK(server.agent->epoch() == 1);
  server.reconnect();
  CHECK_FALSE(server.agent->connected());
  CHECK(server.last<protocol::Hello>().secret.empty());
  CHECK(server.last<protocol::Hello>().session_key.expose() == first.session_key.expose());
}

TEST_CASE("no server: tries go on with growing, bounded, jittered pauses") {
  ScriptedServer server;
  server.reachable = false;
  server.start();
  std::vector<base::Duration> tries;
  int seen = server.connections;
  while (tries.size() < 15) {
    server.advance(10ms);
    if (server.connections > seen) tries.push_back(server.clock.steady());
    seen = server.connections;
  }
  bool jitter = false;
  for (std::size_t i = 1; i < tries.size(); ++i) {
    const auto pause = tries[i] - tries[i - 1];
    CHECK(pause <= kReconnectMost + 20ms);
    if (i > 7) {
      CHECK(pause >= kReconnectMost / 2);
      jitter = jitter || pause + 50ms < kReconnectMost;
    }
  }
  CHECK(jitter);
  server.reachable = true;
  server.advance(kReconnectMost);
  server.let_in();
}

TEST_CASE("a server that is not trusted: a new agent soon ends and says why") {
  ScriptedServer server;
  server.trouble = base::Error{base::Errc::unauthenticated, "the certificate is of nobody", {}, {}};
  server.reachable = false;
  server.start();
  SUBCASE("it stays so") {
    server.advance(kDistrustPatience - 1s);
    CHECK_FALSE(server.exit);
    server.advance(1s + 2 * kReconnectMost);
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::refused);
    CHECK(server.exit->reason == "It gave up; it cannot connect: the certificate is of nobody");
  }
  SUBCASE("it comes right in time") {
    server.advance(kDistrustPatience / 2);
    server.reachable = true;
    server.advance(kReconnectMost);
    server.let_in();
    // From now on it may have a build, which waits for the server.
    server.reachable = false;
    server.wire->cut();
    server.advance(kDistrustPatience + 3 * kReconnectMost);
    CHECK_FALSE(server.exit);
  }
  SUBCASE("it is told to go before") {
    server.advance(1s);
    server.agent->notice("it was told to stop", server.clock.now());
    server.advance(10ms);
    REQUIRE(server.exit);
    CHECK(server.exit->reason.ends_with("; it cannot connect: the certificate is of nobody"));
  }
}

TEST_CASE("a Goodbye for good ends the agent, another one brings it back") {
  ScriptedServer server;
  server.start();
  server.let_in();
  SUBCASE("for good") {
    server.send(protocol::Goodbye{GoodbyeCode::revoked, "lease over", false});
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::revoked);
    CHECK(server.count<protocol::Goodbye>() == 0);
  }
  SUBCASE("all done") {
    server.send(protocol::Goodbye{GoodbyeCode::finished, "idle for too long", false});
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::finished);
    CHECK(server.exit->complete);
    CHECK(server.exit->reason == "idle for too long");
  }
  SUBCASE("restart") {
    server.send(protocol::Goodbye{GoodbyeCode::shutting_down, "restart", true});
    server.advance(1s);
    CHECK_FALSE(server.exit);
    CHECK(server.connections == 2);
  }
}

TEST_CASE("nothing runs before Start; Assign and Start said twice change nothing") {
  ScriptedServer server;
  server.start();
  server.let_in();
  const auto assign = server.assignment(1);
  server.send(assign);
  server.send(assign);
  CHECK(server.count<protocol::Accepted>() == 2);
  CHECK(server.runner.prepared.size() == 1);
  CHECK(server.runner.steps.empty());
  server.send(protocol::Start{AssignmentId(1), 100});
  server.send(protocol::Start{AssignmentId(1), 500});
  REQUIRE(server.runner.steps.size() == 1);
  server.send(assign);
  CHECK(server.runner.steps.size() == 1);
  server.runner.last().print("x");
  server.settle();
  CHECK(server.last<protocol::LogData>().offset == 100);
  CHECK(server.last<protocol::LogData>().stream == StreamId(1));
}

TEST_CASE("one build at a time; a folder that cannot be made is a reason to reject") {
  ScriptedServer server;
  server.start();
  server.let_in();
  SUBCASE("busy") {
    server.send(server.assignment(1));
    server.send(server.assignment(2));
    CHECK(server.last<protocol::Rejected>().assignment == AssignmentId(2));
    CHECK(server.last<protocol::Rejected>().reason.find("busy") != std::string::npos);
  }
  SUBCASE("broken") {
    server.runner.prepare_answer = base::fail(base::Errc::io, "no space left");
    server.send(server.assignment(1));
    CHECK(server.last<protocol::Rejected>().reason.find("no space left") != std::string::npos);
    server.runner.prepare_answer = {};
    server.send(server.assignment(2));
    CHECK(server.last<protocol::Accepted>().assignment == AssignmentId(2));
  }
}

TEST_CASE("reports: numbered, in order, with the log's offsets; a failed step ends the build") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1, 3));
  server.runner.last().print("one\n");
  server.runner.last().how.peak_memory_bytes = 4096;
  server.runner.last().how.cpu_time = 3ms;
  server.advance(2s);
  server.finish_step();
  server.finish_step(3);
  CHECK(server.runner.steps.size() == 2);
  const auto started = server.all<protocol::StepStarted>();
  const auto ended = server.all<protocol::StepFinished>();
  REQUIRE(started.size() == 2);
  REQUIRE(ended.size() == 2);
  CHECK(started[0].report == 1);
  CHECK(ended[0].report == 2);
  CHECK(ended[0].log_offset == 4);
  CHECK(ended[0].peak_memory_bytes == 4096);
  CHECK(ended[0].cpu_time == 3ms);
  CHECK(ended[0].wall_time == 2s);
  CHECK(started[1].report == 3);
  CHECK(started[1].log_offset == 4);
  CHECK(ended[1].exit_status == 3);
  const auto result = server.last<protocol::BuildFinished>();
  CHECK(result.report == 5);
  CHECK(result.outcome == BuildOutcome::failure);
  CHECK(result.failed_step == 1);
  CHECK(result.reason == "Step 2 exited with status 3.");
  CHECK(server.log() == "one\n[footman] Step 2 exited with status 3.\n");
  CHECK(result.log_end == server.log().size());
}

TEST_CASE("a step that cannot be executed fails as in a shell; a broken agent says so") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.runner.start_answer = base::Error{base::Errc::not_found, "execute (/bin/zsh): No such file", {}, {}};
  SUBCASE("no interpreter") {
    server.assign_and_start(server.assignment(1));
    CHECK(server.last<protocol::StepFinished>().exit_status == 127);
    CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::failure);
    CHECK(server.log().find("/bin/zsh") != std::string::npos);
  }
  SUBCASE("broken") {
    server.runner.start_answer->code = base::Errc::resource_exhausted;
    server.assign_and_start(server.assignment(1));
    CHECK(server.count<protocol::StepFinished>() == 0);
    CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::agent_error);
    CHECK(server.last<protocol::BuildFinished>().report == 2);
  }
}

TEST_CASE(
    "Resume names what is held; unacknowledged reports and log bytes come again, acknowledged ones do not") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.send(server.assignment(1));
  server.reconnect();
  auto held = server.let_in().assignments;
  REQUIRE(held.size() == 1);
  CHECK(held[0].phase == AssignmentPhase::accepted);
  server.send(protocol::Start{AssignmentId(1), 0});
  server.runner.last().print("abcdef");
  server.settle();
  server.send(protocol::ReportAck{AssignmentId(1), 1});
  server.send(protocol::LogAck{StreamId(1), 2});

  SUBCASE("running") {
    server.reconnect();
    server.welcome.streams = {{StreamId(1), 4}};
    held = server.let_in().assignments;
    REQUIRE(held.size() == 1);
    CHECK(held[0].phase == AssignmentPhase::running);
    CHECK(held[0].first_unacknowledged == 4);
    CHECK(held[0].end_offset == 6);
    CHECK(held[0].last_report == 1);
    CHECK(server.count<protocol::StepStarted>() == 0);
    CHECK(server.log() == "ef");
  }
  SUBCASE("running, the stream is not listed") {
    server.reconnect();
    server.welcome.streams.clear();
    held = server.let_in().assignments;
    CHECK(held.at(0).first_unacknowledged == 2);
    CHECK(server.log() == "cdef");
  }
  SUBCASE("finished") {
    server.wire->cut();
    server.finish_step();
    server.advance(1s);
    server.welcome.streams = {{StreamId(1), 6}};
    held = server.let_in().assignments;
    CHECK(held.at(0).phase == AssignmentPhase::finished);
    CHECK(held.at(0).last_report == 3);
    CHECK(server.count<protocol::StepFinished>() == 1);
    CHECK(server.count<protocol::BuildFinished>() == 1);
    server.send(protocol::ReportAck{AssignmentId(1), 3});  // not yet FinishedAck
    server.reconnect();
    server.let_in();
    CHECK(server.count<protocol::StepFinished>() == 0);
    CHECK(server.count<protocol::BuildFinished>() == 1);
    server.send(protocol::FinishedAck{AssignmentId(1)});
    server.reconnect();
    CHECK(server.let_in().assignments.empty());
  }
}

TEST_CASE("Withdraw: before Start it is forgotten, after it what runs is ended and nothing reported") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.send(server.assignment(1));
  SUBCASE("before") {
    server.send(protocol::Withdraw{AssignmentId(1), "elsewhere"});
    server.send(protocol::Start{AssignmentId(1), 0});
    CHECK(server.runner.steps.empty());
    server.send(server.assignment(2));
    CHECK(server.last<protocol::Accepted>().assignment == AssignmentId(2));
  }
  SUBCASE("after") {
    server.send(protocol::Start{AssignmentId(1), 0});
    server.send(protocol::Withdraw{AssignmentId(1), "lost"});
    CHECK(server.runner.last().ended);
    CHECK(server.count<protocol::StepFinished>() == 0);
    CHECK(server.count<protocol::BuildFinished>() == 0);
    server.reconnect();
    CHECK(server.let_in().assignments.empty());
  }
  SUBCASE("after the end") {
    server.send(protocol::Start{AssignmentId(1), 0});
    server.finish_step();
    server.send(protocol::Withdraw{AssignmentId(1), "lost"});
    server.reconnect();
    CHECK(server.let_in().assignments.empty());
  }
}

TEST_CASE("Cancel ends the build with its grace and keeps the last output") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.send(server.assignment(1));
  SUBCASE("before Start") {
    server.send(protocol::Cancel{AssignmentId(1), "not needed", 3s});
    CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::aborted);
    CHECK(server.last<protocol::BuildFinished>().report == 1);
    CHECK(server.runner.steps.empty());
    // The server knows it as not started: it takes it back.
    server.send(protocol::Withdraw{AssignmentId(1), "not started"});
    server.reconnect();
    CHECK(server.let_in().assignments.empty());
  }
  SUBCASE("while it runs") {
    server.send(protocol::Start{AssignmentId(1), 0});
    server.runner.last().obeys = false;
    server.send(protocol::Cancel{AssignmentId(1), "not needed", 3s});
    server.send(protocol::Cancel{AssignmentId(1), "again", 60s});
    CHECK(server.runner.last().grace == 3s);
    server.runner.last().print("cleaning up");
    server.settle();
    CHECK(server.log() == "cleaning up");
    server.runner.last().how.signal = 15;
    server.finish_step();
    const auto result = server.last<protocol::BuildFinished>();
    CHECK(result.outcome == BuildOutcome::aborted);
    CHECK(result.reason == "not needed");
    CHECK(result.failed_step == protocol::kNoStep);
    CHECK(server.log() == "cleaning up\n[footman] not needed\n");
  }
}

TEST_CASE("the time limit counts from Start on, also while the server is away") {
  ScriptedServer server;
  server.start();
  server.let_in();
  auto assign = server.assignment(1);
  assign.work.timeout = 60s;
  server.send(assign);
  server.advance(50s);
  server.send(protocol::Start{AssignmentId(1), 0});
  server.advance(50s);
  CHECK_FALSE(server.runner.last().ended);
  server.reachable = false;
  server.wire->cut();
  server.advance(10s);
  CHECK(server.runner.last().ended);
  CHECK(server.runner.last().grace == 7s);
  server.reachable = true;
  server.advance(kReconnectMost);
  server.let_in();
  CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::timed_out);
}

TEST_CASE("Drain: what runs is finished, new work rejected, then Goodbye") {
  ScriptedServer server;
  server.start();
  server.let_in();
  SUBCASE("idle") { server.send(protocol::Drain{"scaled down"}); }
  SUBCASE("busy") {
    server.assign_and_start(server.assignment(1));
    server.send(protocol::Drain{"scaled down"});
    server.send(server.assignment(2));
    CHECK(server.last<protocol::Rejected>().assignment == AssignmentId(2));
    server.finish_step();
    CHECK_FALSE(server.exit);
    server.send(protocol::FinishedAck{AssignmentId(1)});
  }
  server.settle();
  REQUIRE(server.count<protocol::Goodbye>() == 1);
  CHECK(server.last<protocol::Goodbye>().code == GoodbyeCode::finished);
  CHECK_FALSE(server.last<protocol::Goodbye>().reconnect);
  server.stream->close();
  server.settle();
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::finished);
  CHECK(server.exit->reason == "scaled down");
}

TEST_CASE("single use: leaves after its build and takes no second one") {
  ScriptedServer server;
  server.welcome.single_use = true;
  server.start();
  server.let_in();
  server.send(server.assignment(1));
  server.send(protocol::Withdraw{AssignmentId(1), "elsewhere"});  // was not used by that
  server.assign_and_start(server.assignment(2));
  server.finish_step();
  server.send(server.assignment(3));
  CHECK(server.last<protocol::Rejected>().assignment == AssignmentId(3));
  server.send(protocol::FinishedAck{AssignmentId(2)});
  CHECK(server.count<protocol::Goodbye>() == 1);
  server.advance(kFarewellTimeout);  // the server does not close
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::finished);
}

TEST_CASE("notice: told to the server, no new work, the step is ended in time, then the agent leaves") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  const auto deadline = server.clock.now() + 120s;
  server.agent->notice("spot", deadline);
  server.settle();
  CHECK(server.last<protocol::Notice>().deadline == deadline);
  server.send(server.assignment(2));
  CHECK(server.last<protocol::Rejected>().assignment == AssignmentId(2));
  server.advance(109s);
  CHECK_FALSE(server.runner.last().ended);
  server.advance(2s);
  CHECK(server.runner.last().ended);
  CHECK(server.runner.last().grace == 5s);
  CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::lost_by_notice);
  SUBCASE("acknowledged in time") {
    server.send(protocol::FinishedAck{AssignmentId(1)});
    CHECK(server.count<protocol::Goodbye>() == 1);
    server.stream->close();
    server.settle();
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::noticed);
    CHECK(server.exit->complete);
  }
  SUBCASE("not acknowledged") {
    server.reconnect();
    server.let_in();
    CHECK(server.count<protocol::Notice>() == 1);  // said again on each connection
    server.advance(12s);
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::noticed);
    CHECK_FALSE(server.exit->complete);
  }
}

TEST_CASE(
    "notice: a finished step is not ended, an idle agent leaves at once, a second notice brings it forward") {
  ScriptedServer server;
  server.start();
  server.let_in();
  SUBCASE("idle") {
    server.agent->notice("stop", server.clock.now() + 10s);
    server.settle();
    CHECK(server.last<protocol::Goodbye>().code == GoodbyeCode::shutting_down);
    server.stream->close();
    server.settle();
    CHECK(server.exit->end == AgentEnd::noticed);
  }
  SUBCASE("the step ends by itself") {
    server.assign_and_start(server.assignment(1));
    server.agent->notice("spot", server.clock.now() + 120s);
    server.finish_step();
    CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::success);
  }
  SUBCASE("second") {
    server.assign_and_start(server.assignment(1));
    server.agent->notice("spot", server.clock.now() + 120s);
    server.agent->notice("now", server.clock.now() + server.config.notice_grace);
    server.advance(1ms);
    CHECK(server.runner.last().ended);
  }
  SUBCASE("third: at once, whatever runs") {
    server.assign_and_start(server.assignment(1));
    server.runner.last().obeys = false;
    server.agent->notice("stop", server.clock.now());
    server.advance(1s);
    CHECK(server.runner.last().grace == 0s);
    server.finish_step();
    server.advance(kFarewellTimeout);
    CHECK(server.exit);
  }
}

TEST_CASE("heartbeats both ways; silence for half a lease ends the connection, not the build") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.send(protocol::Heartbeat{42, server.clock.now()});
  CHECK(server.last<protocol::HeartbeatReply>().sequence == 42);
  const auto before = server.count<protocol::Heartbeat>();
  server.advance(150s);
  CHECK(server.count<protocol::Heartbeat>() >= before + 10);
  CHECK(server.connections == 1);
  server.wire->swallow(true);  // half-open
  server.advance(14s);
  CHECK(server.connections == 1);
  server.advance(17s);
  CHECK(server.connections == 2);
  CHECK_FALSE(server.runner.last().ended);
  CHECK(server.let_in().assignments.size() == 1);
}

TEST_CASE("a lease shorter than two heartbeats: there are as many heartbeats as it takes") {
  ScriptedServer server;
  server.welcome.heartbeat_interval = 20s;
  server.welcome.lease = 30s;
  server.start();
  server.let_in();
  server.advance(10min);
  CHECK(server.connections == 1);
}

TEST_CASE("no Welcome: the connection is given up") {
  ScriptedServer server;
  server.start();
  server.advance(kHandshakeTimeout + 1s);
  CHECK(server.connections == 2);
}

TEST_CASE("what is not the protocol ends the connection with a reason, and the agent comes back") {
  ScriptedServer server;
  server.start();
  SUBCASE("noise") { server.send_raw("HTTP/1.1 200 OK\r\n\r\n"); }
  SUBCASE("an acknowledgement of bytes that were never sent") {
    server.let_in();
    server.assign_and_start(server.assignment(1));
    server.send(protocol::LogAck{StreamId(1), 10});
  }
  SUBCASE("a server that has lost what it had acknowledged") {
    server.let_in();
    server.assign_and_start(server.assignment(1));
    server.runner.last().print("abc");
    server.settle();
    server.send(protocol::LogAck{StreamId(1), 3});
    server.reconnect();
    server.welcome.streams = {{StreamId(1), 1}};
    server.send(server.welcome);
  }
  CHECK(server.last<protocol::Goodbye>().code == GoodbyeCode::protocol_error);
  CHECK(server.last<protocol::Goodbye>().reconnect);
  CHECK(server.ended);
  const int before = server.connections;
  server.advance(1s);
  CHECK(server.connections == before + 1);
  CHECK_FALSE(server.exit);
}

TEST_CASE("secrets are masked before bytes are numbered, also split over writes; the limit ends the log") {
  ScriptedServer server;
  server.start();
  server.let_in();
  auto assign = server.assignment(1);
  assign.work.masks.emplace_back("hunter2");
  assign.work.log_limit_bytes = 20;
  server.assign_and_start(assign);
  for (const auto* part : {"pass hun", "ter", "2!\n"}) {
    server.runner.last().print(part);
    server.settle();
  }
  CHECK(server.log() == "pass ****!\n");
  server.runner.last().print("0123456789abcdef\n");
  server.settle();
  server.runner.last().print("more\n");
  server.finish_step();
  const auto result = server.last<protocol::BuildFinished>();
  CHECK(result.log_truncated);
  CHECK(server.log() ==
        "pass ****!\n012345678\n[footman] The log has reached its limit here; the rest is not kept.\n");
  CHECK(result.log_end == server.log().size());
}

TEST_CASE(
    "the window: no more is sent than the server allows; without room the output blocks and nothing is "
    "lost") {
  ScriptedServer server;
  server.welcome.log_window_bytes = 10;
  server.config.spool_memory_bytes = 16;
  server.config.spool_disk_bytes = 0;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.runner.last().print("0123456789abcdefghijklmnopqrstuvwxyz");
  server.settle();
  CHECK(server.log() == "0123456789");
  server.runner.last().print("BLOCKED");
  server.settle();
  CHECK(server.runner.last().output == "BLOCKED");  // not read
  for (std::uint64_t acknowledged = 10; acknowledged <= 40; acknowledged += 10)
    server.send(protocol::LogAck{StreamId(1), acknowledged});
  CHECK(server.log() == "0123456789abcdefghijklmnopqrstuvwxyzBLOCKED");
  CHECK(server.runner.last().output.empty());
}

TEST_CASE("output that blocks does not keep a build from being ended") {
  ScriptedServer server;
  server.config.spool_memory_bytes = 4;
  server.config.spool_disk_bytes = 0;
  server.start();
  server.let_in();
  auto assign = server.assignment(1);
  assign.work.timeout = 60s;
  server.assign_and_start(assign);
  server.reachable = false;
  server.wire->cut();
  server.runner.last().print("0123456789");
  server.advance(61s);
  CHECK(server.runner.last().ended);
  server.advance(30min);
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::orphaned);
}

TEST_CASE("processes that a build leaves behind are ended and named in its log") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.runner.leftovers = 2;
  server.finish_step();
  CHECK(server.log() == "[footman] Ended 2 processes that the build left behind.\n");
  CHECK(server.last<protocol::BuildFinished>().outcome == BuildOutcome::success);
}
