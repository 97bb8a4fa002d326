// Proofs of agents go to the cloud that launched them, with what was stored of the launch.
#include <doctest/doctest.h>

#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using ports::ProofVerdict;

namespace {

ports::IdentityClaim claim(const AgentId& agent, std::uint32_t attempt = 1) {
  return {agent, attempt, {"bound", {{"signature", Secret("x")}}}};
}

ProofVerdict check(World& world, ports::IdentityClaim what) {
  return world.run(world.fleet->check_proof(std::move(what))).verdict;
}

}  // namespace

TEST_CASE("the cloud is asked with the stored handle and options, whatever it says is the answer") {
  World world;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  REQUIRE_FALSE(agent.handle.empty());
  for (const auto verdict : {ProofVerdict::right, ProofVerdict::wrong, ProofVerdict::unknown}) {
    world.cloud.proof_answer = {verdict, "so it is"};
    const auto answer = world.run(world.fleet->check_proof(claim(agent.id)));
    CHECK(answer.verdict == verdict);
    CHECK(answer.reason == "so it is");
  }
  CHECK(world.cloud.proofs.at(0) == agent.handle + R"( {"size":1}small bound)");
  // Nobody asks a cloud about an agent that is not expected.
  CHECK(check(world, claim(AgentId("nobody"))) == ProofVerdict::wrong);
  CHECK(check(world, claim(agent.id, 2)) == ProofVerdict::wrong);
  CHECK(world.cloud.proofs.size() == 3);
  world.restart();
  world.cloud.proof_answer = {ProofVerdict::right, {}};
  CHECK(check(world, claim(agent.id)) == ProofVerdict::right);
  CHECK(world.cloud.proofs.back() == world.cloud.proofs.front());
}

TEST_CASE("an agent that is quicker than the answer to its launch waits for that") {
  World world;
  world.start();
  world.cloud.launching = Launching::done_then_hangs;
  world.submit("1");
  const auto agent = world.only_agent();
  REQUIRE(agent.handle.empty());
  const auto answer = world.begin(world.fleet->check_proof(claim(agent.id)));
  SUBCASE("for a while, then it is to come again") {
    world.advance(kHandlePatience - 100ms);
    CHECK_FALSE(answer->has_value());
    world.advance(200ms);
    REQUIRE(answer->has_value());
    CHECK((*answer)->verdict == ProofVerdict::unknown);
    CHECK(world.cloud.proofs.empty());
  }
  SUBCASE("the server stops while it waits") {
    world.stop();
    world.settle();
    REQUIRE(answer->has_value());
    CHECK((*answer)->verdict == ProofVerdict::unknown);
  }
}

TEST_CASE("an answer to a launch that was lost: the list tells the handle in time") {
  World world;
  world.start();
  world.cloud.launching = Launching::lost_answer;
  world.submit("1");
  const auto agent = world.only_agent();
  REQUIRE(agent.handle.empty());
  const auto answer = world.begin(world.fleet->check_proof(claim(agent.id)));
  world.advance(kHandlePatience - 1s);
  REQUIRE(answer->has_value());
  CHECK((*answer)->verdict == ProofVerdict::right);
}
