// An agent without a secret proves who it is.
#include <functional>

#include "agent/tests/scripted_server.hpp"
#include "protocol/handshake.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::agent;
using namespace footman::agent::testing;
using protocol::RefusalCode;

namespace {

class ScriptedProver final : public IdentityProver {
 public:
  runtime::Awaitable<base::Result<std::vector<protocol::ProofValue>>> prove(std::string binding) override {
    bindings.push_back(std::move(binding));
    if (wait_for != nullptr) co_await wait_for->wait();
    if (!error.empty()) co_return base::fail(code, error);
    co_return std::vector<protocol::ProofValue>{{"signature", base::Secret("signed")}};
  }
  std::vector<std::string> bindings;
  std::string error;
  base::Errc code = base::Errc::unavailable;
  runtime::Event* wait_for = nullptr;
};

struct World {
  World() {
    server.config.secret = base::Secret();
    server.prover = &prover;
    server.start();
  }
  protocol::Challenge challenge(char nonce = 'n') {
    return {base::Secret(std::string(protocol::kNonceBytes, nonce))};
  }
  // Until a new connection is there.
  void wait_for_try() {
    const int before = server.connections;
    for (int i = 0; i < 200 && server.connections == before; ++i) server.advance(50ms);
    REQUIRE(server.connections == before + 1);
  }

  ScriptedProver prover;
  ScriptedServer server;
};

}  // namespace

TEST_CASE("a Challenge is answered with a proof that is bound to this connection") {
  World world;
  auto& server = world.server;
  const auto hello = server.last<protocol::Hello>();
  CHECK(hello.secret.empty());
  CHECK((hello.features & protocol::kFeatureProof) != 0);
  server.send(world.challenge());
  const auto proof = server.last<protocol::Proof>();
  REQUIRE(proof.values.size() == 1);
  CHECK(proof.values[0].name == "signature");
  CHECK(proof.values[0].value.expose() == "signed");
  CHECK(world.prover.bindings.at(0) ==
        protocol::bind_proof(world.challenge().nonce, base::AgentId("a"), 1, hello.session_key));
  server.send(server.welcome);
  REQUIRE(server.count<protocol::Resume>() == 1);
  CHECK(server.agent->connected());
  // Later connections are opened by the key.
  server.reconnect();
  server.let_in();
  CHECK(world.prover.bindings.size() == 1);
}

TEST_CASE("told to come again, it proves again with the new nonce") {
  World world;
  auto& server = world.server;
  server.send(world.challenge('1'));
  server.send(protocol::Refused{RefusalCode::busy, "later", true});
  world.wait_for_try();
  server.send(world.challenge('2'));
  REQUIRE(world.prover.bindings.size() == 2);
  CHECK(world.prover.bindings[0] != world.prover.bindings[1]);
  server.send(protocol::Refused{RefusalCode::bad_secret, "does not fit", false});
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::refused);
}

TEST_CASE("without credentials it tries again, and at the end says why") {
  World world;
  auto& server = world.server;
  SUBCASE("an error") { world.prover.error = "there is no role"; }
  runtime::Event never;
  SUBCASE("no answer") { world.prover.wait_for = &never; }
  server.send(world.challenge());
  server.advance(kProofTime + 1s);
  CHECK(server.connections > 1);
  CHECK(server.count<protocol::Proof>() == 0);
  server.send(world.challenge());
  server.advance(kProofTime + 1ms);
  server.agent->notice("it was told to stop", server.clock.now());
  server.advance(10ms);
  REQUIRE(server.exit);
  if (!world.prover.error.empty())
    CHECK(server.exit->reason.find("its identity cannot be proved: there is no role") != std::string::npos);
}

TEST_CASE("where there never will be credentials it leaves at once, and says why") {
  World world;
  auto& server = world.server;
  world.prover.error = "this container has no task role";
  world.prover.code = base::Errc::unsupported;
  server.send(world.challenge());
  server.advance(10ms);
  REQUIRE(server.exit);
  CHECK(server.exit->end == AgentEnd::refused);
  CHECK(server.exit->reason ==
        "It gave up; it cannot connect: its identity cannot be proved: this container has no task role");
  CHECK(server.connections == 1);
}

TEST_CASE("the server has time of its own to check a proof, and the agent does not wait for ever") {
  World world;
  auto& server = world.server;
  runtime::Event credentials;
  world.prover.wait_for = &credentials;
  server.send(world.challenge());
  server.advance(kProofTime - 1s);
  credentials.notify();
  server.settle();
  REQUIRE(server.count<protocol::Proof>() == 1);
  server.advance(kHandshakeTimeout - 2s);
  CHECK(server.connections == 1);
  server.advance(3s);
  CHECK(server.connections == 2);
}

TEST_CASE("a Challenge that makes no sense ends the connection") {
  World world;
  auto& server = world.server;
  SUBCASE("twice") {
    server.send(world.challenge());
    server.send(world.challenge());
    CHECK(world.prover.bindings.size() == 1);
  }
  SUBCASE("after Welcome") {
    server.let_in();
    server.send(world.challenge());
    CHECK(world.prover.bindings.empty());
  }
  CHECK(server.ended);
}

TEST_CASE("an agent with a secret offers no proof") {
  ScriptedServer server;
  server.start();
  CHECK((server.last<protocol::Hello>().features & protocol::kFeatureProof) == 0);
  server.send(protocol::Challenge{base::Secret(std::string(protocol::kNonceBytes, 'n'))});
  CHECK(server.ended);
  CHECK(server.count<protocol::Proof>() == 0);
}
