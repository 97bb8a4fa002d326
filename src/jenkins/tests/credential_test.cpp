// Secrets of nodes that a footman-agent fetches, against the strict double of Jenkins.
#include <doctest/doctest.h>

#include "jenkins/record_json.hpp"
#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

const AgentId kAgent("x");

struct Scene {
  Scene() {
    world.has_fleet = false;
    world.start();
    world.run(10s);
    secret = register_agent(1);
  }
  std::string register_agent(std::uint32_t attempt) {
    auto made = world.wait(world.controller->register_agent({kAgent, attempt, {"linux"}, 1, "", 5min}));
    REQUIRE(made);
    return std::string(made->controller_secret.expose());
  }
  Result<Secret> redeem(const std::string& key, std::uint32_t attempt = 1) {
    return world.wait(world.controller->redeem(kAgent, attempt, key));
  }
  bool gets(const std::string& key, std::uint32_t attempt = 1) {
    const auto got = redeem(key, attempt);
    return got && got->expose() == secret;
  }
  Errc error(const std::string& key, std::uint32_t attempt = 1) {
    const auto got = redeem(key, attempt);
    REQUIRE_FALSE(got);
    return got.error().code;
  }
  ports::CredentialHolder holder() {
    const auto found = world.controller->find_holder(kAgent);
    REQUIRE(found);
    return *found;
  }

  FakeWorld world;
  std::string secret;
};

}  // namespace

TEST_CASE("the secret of a node is given to one key, as often as it asks, also after a restart") {
  Scene scene;
  CHECK(scene.secret.size() == 64);
  CHECK(scene.holder().key_hash.empty());
  CHECK(scene.holder().attempt == 1);
  CHECK_FALSE(scene.holder().expired);
  CHECK_FALSE(scene.holder().ended);
  CHECK(scene.gets("k1"));
  CHECK(scene.world.book.records.at(kAgent).key_hash == "k1");
  CHECK(scene.gets("k1"));
  CHECK(scene.error("k2") == Errc::permission_denied);
  CHECK(scene.error("k1", 2) == Errc::conflict);
  scene.world.restart();
  CHECK(scene.holder().key_hash == "k1");
  CHECK(scene.error("k2") == Errc::permission_denied);
  CHECK(scene.gets("k1"));
  // It is kept nowhere.
  CHECK(encode_record(scene.world.book.records.at(kAgent)).find(scene.secret) == std::string::npos);
}

TEST_CASE("an agent that this Jenkins does not have, and one that has gone") {
  Scene scene;
  CHECK_FALSE(scene.world.controller->find_holder(AgentId("y")));
  CHECK(scene.world.wait(scene.world.controller->redeem(AgentId("y"), 1, "k1")).error().code ==
        Errc::not_found);
  REQUIRE(scene.world.wait(scene.world.controller->remove_agent(kAgent, {})));
  const auto left = scene.world.controller->find_holder(kAgent);
  CHECK((!left || left->ended));
  CHECK(scene.error("k1") == Errc::not_found);
}

TEST_CASE("an agent has one attempt") {
  Scene scene;
  const auto second =
      scene.world.wait(scene.world.controller->register_agent({kAgent, 2, {"linux"}, 1, "", 5min}));
  CHECK(second.error().code == Errc::conflict);
  CHECK(scene.error("k1", 2) == Errc::conflict);
  CHECK(scene.gets("k1"));
}

TEST_CASE("the first question has a deadline, which a server that starts gives anew") {
  Scene scene;
  scene.world.run(5min - 1s);
  CHECK_FALSE(scene.holder().expired);
  scene.world.run(1s);
  CHECK(scene.holder().expired);
  scene.world.restart(1min);
  CHECK_FALSE(scene.holder().expired);
  scene.world.run(5min);
  CHECK(scene.holder().expired);
  scene.register_agent(1);  // as the fleet does again
  CHECK_FALSE(scene.holder().expired);
}

TEST_CASE("no secret before it is written down whose it is") {
  Scene scene;
  scene.world.book.fails = true;
  const auto sent = scene.world.transport->sent;
  CHECK_FALSE(scene.redeem("k1"));
  CHECK(scene.world.transport->sent == sent);
  CHECK(scene.world.book.records.at(kAgent).key_hash.empty());
  scene.world.book.fails = false;
  CHECK(scene.gets("k1"));
  CHECK(scene.world.book.records.at(kAgent).key_hash == "k1");
}

TEST_CASE("while Jenkins is away the key is told to come again, and stays the one") {
  Scene scene;
  scene.world.jenkins->add_fault({Fault::Kind::lost_request, {}, {}, -1, 0, {}});
  CHECK(scene.error("k1") == Errc::unavailable);
  scene.world.jenkins->clear_faults();
  CHECK(scene.error("k2") == Errc::permission_denied);
  CHECK(scene.gets("k1"));
}
