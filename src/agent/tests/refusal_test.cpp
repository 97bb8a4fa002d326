// Servers that refuse an agent, or do not answer it: when it ends, and when it waits.
#include "agent/tests/scripted_server.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::testing;
using protocol::GoodbyeCode;
using protocol::RefusalCode;
using protocol::Refused;

namespace {

const Refused kStranger{RefusalCode::bad_secret, "does not fit", false};

// Answers each try so until the agent ends, at most for that time.
void refuse(ScriptedServer& server, const protocol::Message& answer, base::Duration time) {
  const auto until = server.clock.steady() + time;
  for (int answered = 0; server.clock.steady() < until && !server.exit; server.advance(1s))
    if (std::exchange(answered, server.connections) != server.connections) server.send(answer);
}

}  // namespace

TEST_CASE("refused: for good ends the agent, otherwise it tries again") {
  ScriptedServer server;
  server.start();
  SUBCASE("for good") {
    server.send(protocol::Refused{RefusalCode::bad_secret, "does not fit", false});
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::refused);
    CHECK(server.exit->reason.find("does not fit") != std::string::npos);
    CHECK(server.runner.cleaned_up);
  }
  SUBCASE("later") {
    server.send(protocol::Refused{RefusalCode::busy, "later", true});
    CHECK_FALSE(server.exit);
    server.advance(1s);
    CHECK(server.connections == 2);
    server.let_in();
  }
}

TEST_CASE("refused while a build runs: it is ended first") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.runner.last().obeys = false;
  server.reconnect();
  server.send(protocol::Refused{RefusalCode::revoked, "declared lost", false});
  CHECK_FALSE(server.exit);
  CHECK(server.runner.last().ended);
  server.finish_step();
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::refused);
  CHECK_FALSE(server.exit->complete);
  CHECK(server.runner.last().destroyed);
  CHECK(server.runner.builds_ended > 0);
}

TEST_CASE("a server that does not know an agent with a session does not end it: its own may come back") {
  ScriptedServer server;
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.reconnect();
  protocol::Message answer = kStranger;
  SUBCASE("another installation") {}
  SUBCASE("an older backup, by a right proof") {
    answer = Refused{RefusalCode::unknown_agent, "not known any more", false};
  }
  SUBCASE("another version") { answer = Refused{RefusalCode::version, "no common version", false}; }
  SUBCASE("a farewell to somebody it has not let in") {
    answer = protocol::Goodbye{GoodbyeCode::revoked, "go away", false};
  }
  refuse(server, answer, 29min);
  CHECK_FALSE(server.exit);
  CHECK_FALSE(server.runner.last().ended);
  SUBCASE("it comes back") {
    server.reconnect();
    CHECK(server.let_in().assignments.size() == 1);
    refuse(server, answer, 29min);  // the time begins anew
    CHECK_FALSE(server.exit);
  }
  SUBCASE("it does not come back") {
    refuse(server, answer, 2min);
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::orphaned);
    CHECK(server.runner.last().ended);
  }
}

TEST_CASE(
    "refused: to come later keeps no agent alive that never had a session, but one whose server has "
    "trouble") {
  const Refused later{RefusalCode::busy, "the server cannot store the session now", true};
  ScriptedServer server;
  server.start();
  SUBCASE("none") {
    refuse(server, later, 31min);
    REQUIRE(server.exit);
    CHECK(server.exit->end == AgentEnd::orphaned);
    CHECK(server.exit->reason.find("cannot store the session") != std::string::npos);
  }
  SUBCASE("one") {
    server.let_in();
    server.reconnect();
    refuse(server, later, 2h);
    CHECK_FALSE(server.exit);
  }
}

TEST_CASE("orphaned: after the time-out without a word the build and the agent end") {
  ScriptedServer server;
  SUBCASE("the server's time") {}
  SUBCASE("the agent's own time") {
    server.config.orphan_timeout = 30min;
    server.welcome.orphan_timeout = 1min;
  }
  server.start();
  server.let_in();
  server.assign_and_start(server.assignment(1));
  server.runner.last().obeys = false;
  server.reachable = false;
  server.wire->cut();
  server.advance(29min);
  CHECK_FALSE(server.exit);
  CHECK_FALSE(server.runner.last().ended);
  server.advance(2min);
  CHECK(server.runner.last().ended);
  CHECK_FALSE(server.exit);  // the step has not ended
  server.finish_step();
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::orphaned);
}

TEST_CASE("orphaned before the first Welcome") {
  ScriptedServer server;
  server.config.orphan_timeout = 2min;
  server.reachable = false;
  server.start();
  server.advance(3min);
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::orphaned);
}
