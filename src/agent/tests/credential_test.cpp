// An agent that wants no session but the secret of the program behind it.
#include "agent/tests/scripted_server.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::testing;
using protocol::RefusalCode;

namespace {

struct Fetching {
  Fetching() {
    server.config.wants_credential = true;
    server.start();
  }
  // Until a new connection is there.
  void wait_for_try() {
    const int before = server.connections;
    for (int i = 0; i < 200 && server.connections == before; ++i) server.advance(50ms);
    REQUIRE(server.connections == before + 1);
  }
  ScriptedServer server;
};

const protocol::Credential kCredential{base::Secret("for jenkins")};

}  // namespace

TEST_CASE("it says Hello for a secret, and leaves with it") {
  Fetching one;
  const auto hello = one.server.last<protocol::Hello>();
  CHECK((hello.features & protocol::kFeatureCredential) != 0);
  CHECK(hello.secret.expose() == one.server.config.secret.expose());
  one.server.send(kCredential);
  REQUIRE(one.server.exit);
  CHECK(one.server.exit->end == AgentEnd::finished);
  CHECK(one.server.exit->credential.expose() == "for jenkins");
  CHECK(one.server.ended);
  CHECK(one.server.connections == 1);
}

TEST_CASE("it asks until it has the secret, always with the same session key") {
  Fetching one;
  const auto first = one.server.last<protocol::Hello>();
  SUBCASE("the server dies") { one.server.reconnect(); }
  SUBCASE("the server cannot tell now") {
    one.server.send(protocol::Refused{RefusalCode::busy, "later", true});
    one.wait_for_try();
  }
  SUBCASE("the server is silent") {
    one.server.advance(kHandshakeTimeout);
    one.wait_for_try();
  }
  SUBCASE("there is no server for a while") {
    one.server.reachable = false;
    one.server.reconnect();
    one.wait_for_try();
    one.server.reachable = true;
    one.wait_for_try();
  }
  SUBCASE("an empty one is none") {
    one.server.send(protocol::Credential{});
    one.wait_for_try();
  }
  SUBCASE("a session is not what it wants") {
    one.server.send(one.server.welcome);
    CHECK(one.server.count<protocol::Resume>() == 0);
    one.wait_for_try();
  }
  const auto again = one.server.last<protocol::Hello>();
  CHECK(again.session_key.expose() == first.session_key.expose());
  CHECK(again.secret.expose() == first.secret.expose());
  CHECK(again.connection > first.connection);
  one.server.send(kCredential);
  REQUIRE(one.server.exit);
  CHECK(one.server.exit->credential.expose() == "for jenkins");
}

TEST_CASE("without a secret it leaves: refused, too late, or told to") {
  Fetching one;
  auto end = AgentEnd::finished;
  SUBCASE("refused") {
    one.server.send(protocol::Refused{RefusalCode::expired, "too late", false});
    end = AgentEnd::refused;
  }
  SUBCASE("nothing is heard") {
    one.server.reachable = false;
    one.server.wire->cut();
    one.server.advance(protocol::kDefaultOrphanTimeout + 1s);
    end = AgentEnd::orphaned;
  }
  SUBCASE("a notice") {
    one.server.agent->notice("it was told to stop", one.server.clock.now() + 10s);
    one.server.settle();
    end = AgentEnd::noticed;
  }
  REQUIRE(one.server.exit);
  CHECK(one.server.exit->end == end);
  CHECK(one.server.exit->credential.empty());
}

TEST_CASE("who has a session takes no secret") {
  ScriptedServer server;
  server.start();
  CHECK((server.last<protocol::Hello>().features & protocol::kFeatureCredential) == 0);
  server.send(kCredential);
  CHECK(server.ended);
  CHECK_FALSE(server.exit);
}
