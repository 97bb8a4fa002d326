// Agents without a secret: they are challenged, and what they give is checked by somebody else.
#include <doctest/doctest.h>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using ports::AgentActivity;
using ports::ProofAnswer;
using ports::ProofVerdict;
using protocol::RefusalCode;

namespace {

const ProofAnswer kRight{ProofVerdict::right, {}};
const ProofAnswer kUnknown{ProofVerdict::unknown, "the cloud does not answer"};

protocol::Hello prover(World& world, std::uint32_t connection = 1, char key = 'k',
                       const std::string& id = "a") {
  auto hello = world.hello(id, Secret(), connection, key);
  hello.features = protocol::kFeatureProof;
  return hello;
}

std::unique_ptr<ScriptedAgent> knock(World& world, const protocol::Hello& hello) {
  auto agent = world.connect();
  agent->send_raw(std::string(protocol::kPreface));
  agent->send(hello);
  world.settle();
  return agent;
}

std::unique_ptr<ScriptedAgent> prove(World& world, const protocol::Hello& hello) {
  auto agent = knock(world, hello);
  REQUIRE(agent->count<protocol::Challenge>() == 1);
  agent->send(protocol::Proof{{{"signature", Secret("signed")}}});
  world.settle();
  return agent;
}

RefusalCode refusal(const std::unique_ptr<ScriptedAgent>& agent) {
  REQUIRE(agent->count<protocol::Refused>() == 1);
  CHECK(agent->ended);
  return agent->last<protocol::Refused>()->code;
}

bool has_line(World& world, const std::string& text) {
  for (const auto& line : world.ask(world.store->list_timeline("agent:a")).value())
    if (line.text.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a right proof lets the agent in, and from then on its key does") {
  World world;
  world.register_agent("a");
  world.proof_answer = kRight;
  const auto hello = prover(world);
  auto agent = prove(world, hello);
  REQUIRE(agent->count<protocol::Welcome>() == 1);
  CHECK((agent->last<protocol::Welcome>()->features & protocol::kFeatureProof) != 0);
  REQUIRE(world.claims.size() == 1);
  CHECK(world.claims[0].agent == AgentId("a"));
  CHECK(world.claims[0].attempt == 1);
  CHECK(world.claims[0].proof.values.at("signature").expose() == "signed");
  CHECK(world.claims[0].proof.binding ==
        protocol::bind_proof(agent->last<protocol::Challenge>()->nonce, AgentId("a"), 1, hello.session_key));
  agent->send(protocol::Resume{});
  world.settle();
  CHECK(world.activity("a") == AgentActivity::idle);
  agent->wire->cut();
  world.settle();
  auto again = knock(world, prover(world, 2));
  CHECK(again->count<protocol::Welcome>() == 1);
  CHECK(again->count<protocol::Challenge>() == 0);
  // Another process in the same task could prove the same.
  CHECK(refusal(prove(world, prover(world, 1, 'x'))) == RefusalCode::bad_secret);
  CHECK(world.node("a").refused_attempts == 1);
}

TEST_CASE("each connection has its own nonce, and a lost Welcome is repeated without a proof") {
  World world;
  world.register_agent("a");
  world.proof_answer = kUnknown;
  const auto first = prove(world, prover(world, 1));
  const auto second = prove(world, prover(world, 2));
  CHECK(first->last<protocol::Challenge>()->nonce.expose() !=
        second->last<protocol::Challenge>()->nonce.expose());
  CHECK(world.claims[0].proof.binding != world.claims[1].proof.binding);
  world.proof_answer = kRight;
  auto third = prove(world, prover(world, 3));
  CHECK(third->count<protocol::Welcome>() == 1);
  third->wire->cut();
  world.settle();
  CHECK(knock(world, prover(world, 4))->count<protocol::Welcome>() == 1);
}

TEST_CASE("a wrong proof is refused for good and counted, and the agent learns no more than that") {
  World world;
  world.register_agent("a");
  world.proof_answer = {ProofVerdict::wrong, "somebody else has signed it"};
  const auto refused = prove(world, prover(world));
  CHECK(refusal(refused) == RefusalCode::bad_secret);
  CHECK_FALSE(refused->last<protocol::Refused>()->retry);
  CHECK(refused->last<protocol::Refused>()->message.find("somebody") == std::string::npos);
  CHECK(world.node("a").refused_attempts == 1);
  CHECK(has_line(world, "Somebody could not prove to be this agent: somebody else has signed it"));
  // Of an agent that does not exist nobody is asked, and it looks the same.
  const auto nobody = prove(world, prover(world, 1, 'k', "nobody"));
  CHECK(nobody->last<protocol::Refused>()->message == refused->last<protocol::Refused>()->message);
  CHECK(world.claims.size() == 1);
}

TEST_CASE("a right proof that comes too late, or for another attempt, is refused") {
  World world;
  world.register_agent("a");
  world.proof_answer = kRight;
  SUBCASE("after the deadline") {
    world.advance(6min);
    CHECK(refusal(prove(world, prover(world))) == RefusalCode::bad_secret);
    CHECK(world.claims.empty());
  }
  SUBCASE("while it was being checked the deadline passed") {
    runtime::Event checked;
    world.proofs_wait_for = &checked;
    world.advance(5min - 5s);
    auto agent = prove(world, prover(world));
    world.advance(6s);
    checked.notify();
    world.settle();
    CHECK(refusal(agent) == RefusalCode::expired);
  }
  SUBCASE("of an older attempt") {
    world.register_agent("a", 2);
    CHECK(refusal(prove(world, prover(world))) == RefusalCode::bad_secret);
    CHECK(world.claims.empty());
  }
}

TEST_CASE("a proof that cannot be checked now: the agent is told to come again, and people why") {
  World world;
  world.register_agent("a");
  SUBCASE("the cloud says so") { world.proof_answer = kUnknown; }
  SUBCASE("the cloud says nothing") {
    runtime::Event never;
    world.proofs_wait_for = &never;
    auto agent = prove(world, prover(world));
    world.advance(kProofLimit - 1s);
    CHECK(agent->count<protocol::Refused>() == 0);
    world.advance(2s);
    CHECK(refusal(agent) == RefusalCode::busy);
    CHECK(has_line(world, "cannot be checked: no answer in time"));
    world.proofs_wait_for = nullptr;
    world.proof_answer = kUnknown;
  }
  for (int i = 0; i < 3; ++i) {
    const auto agent = prove(world, prover(world));
    CHECK(refusal(agent) == RefusalCode::busy);
    CHECK(agent->last<protocol::Refused>()->retry);
  }
  CHECK(has_line(world, "cannot be checked: the cloud does not answer"));
  CHECK(world.node("a").refused_attempts == 0);
  world.proof_answer = kRight;
  CHECK(prove(world, prover(world, 9))->count<protocol::Welcome>() == 1);
}

TEST_CASE("so many proofs of each agent, and of all agents, are checked at a time") {
  World world;
  runtime::Event checked;
  world.proofs_wait_for = &checked;
  world.proof_answer = kRight;
  std::vector<std::unique_ptr<ScriptedAgent>> waiting;
  for (std::size_t i = 0; i < kMaxProofsAtOnce - kMaxProofsOfAgent; ++i) {
    const auto id = "a" + std::to_string(i);
    world.register_agent(id);
    waiting.push_back(prove(world, prover(world, 1, 'k', id)));
  }
  world.register_agent("many");
  std::vector<std::unique_ptr<ScriptedAgent>> same;
  same.reserve(kMaxProofsOfAgent);
  for (std::size_t i = 0; i < kMaxProofsOfAgent; ++i)
    same.push_back(prove(world, prover(world, i + 1, static_cast<char>('k' + i), "many")));
  CHECK(refusal(prove(world, prover(world, 9, 'z', "many"))) == RefusalCode::busy);
  world.register_agent("one-more");
  CHECK(refusal(prove(world, prover(world, 1, 'k', "one-more"))) == RefusalCode::busy);
  CHECK(world.claims.size() == kMaxProofsAtOnce);
  checked.notify();
  world.settle();
  for (const auto& agent : waiting) CHECK(agent->count<protocol::Welcome>() == 1);
  std::size_t welcome = 0;
  for (const auto& agent : same) welcome += agent->count<protocol::Welcome>();
  CHECK(welcome == 1);  // the first key counts
  world.proofs_wait_for = nullptr;
  CHECK(prove(world, prover(world, 2, 'k', "one-more"))->count<protocol::Welcome>() == 1);
}

TEST_CASE("nobody is asked about a proof that would not help") {
  World world;
  world.register_agent("a");
  world.proof_answer = kRight;
  CHECK(prove(world, prover(world))->count<protocol::Welcome>() == 1);
  REQUIRE(world.claims.size() == 1);
  const auto other = knock(world, prover(world, 2, 'o'));
  if (other->count<protocol::Challenge>() == 1) {
    other->send(protocol::Proof{{{"a", Secret("1")}}});
    world.settle();
  }
  CHECK(other->count<protocol::Welcome>() == 0);
  CHECK(world.claims.size() == 1);
}

TEST_CASE("who does not answer the Challenge with one Proof is cut off") {
  World world;
  world.register_agent("a");
  world.proof_answer = kRight;
  auto agent = knock(world, prover(world));
  REQUIRE(agent->count<protocol::Challenge>() == 1);
  SUBCASE("silence") {
    world.advance(world.config.proof_timeout - 1s);
    CHECK_FALSE(agent->ended);
    world.advance(2s);
  }
  SUBCASE("another message") { agent->send(protocol::Resume{}); }
  SUBCASE("a message without end") {
    agent->send_raw(std::string("\xff\xff\x0f\x00\x20", 5) +
                    std::string(protocol::kMaxProofFrameBytes + 1, 'x'));
  }
  SUBCASE("the same value twice") {
    agent->send(protocol::Proof{{{"a", Secret("1")}, {"a", Secret("2")}}});
    world.settle();
    CHECK(refusal(agent) == RefusalCode::bad_secret);
  }
  world.settle();
  CHECK(agent->ended);
  CHECK(agent->count<protocol::Welcome>() == 0);
  CHECK(world.claims.empty());
}

TEST_CASE("the server ends while a proof is checked") {
  World world;
  world.register_agent("a");
  world.proof_takes = 1h;
  auto agent = prove(world, prover(world));
  REQUIRE(world.claims.size() == 1);
  SUBCASE("in order") {
    world.stop();
    CHECK(agent->count<protocol::Welcome>() == 0);
  }
  SUBCASE("by a crash") {}
  world.restart();
  world.proof_takes = Duration(0);
  world.proof_answer = kRight;
  CHECK(prove(world, prover(world, 2))->count<protocol::Welcome>() == 1);
}
