// Agents that want no session but a secret for another controller.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "controller/tests/world.hpp"
#include "protocol/handshake.hpp"
#include "runtime/wait.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;
using namespace std::chrono_literals;
using ports::CredentialHolder;
using ports::ProofVerdict;
using protocol::RefusalCode;

namespace {

// Has one agent, "j".
class ScriptedSource final : public ports::CredentialSource {
 public:
  std::optional<CredentialHolder> find_holder(const AgentId& agent) const override {
    return agent == AgentId("j") ? holder : std::nullopt;
  }
  runtime::Awaitable<Result<Secret>> redeem(AgentId agent, std::uint32_t attempt,
                                            std::string key_hash) override {
    asked.push_back(fmt::format("{} {} {}", agent.str(), attempt, key_hash));
    if (wait_for != nullptr) co_await wait_for->wait();
    if (error) co_return fail(*error, trouble);
    holder->key_hash = std::move(key_hash);
    co_return Secret("secret of j");
  }

  std::optional<CredentialHolder> holder = CredentialHolder{{}, 1, false, false};
  std::vector<std::string> asked;
  std::optional<Errc> error;
  std::string trouble = "as the test wants it";
  runtime::Event* wait_for = nullptr;
};

struct Scene {
  Scene() {
    world.credentials = &source;
    world.restart();
  }
  Secret secret_of(const std::string& id, std::uint32_t attempt = 1) {
    return protocol::derive_bootstrap_secret(Secret("server key"), AgentId(id), attempt);
  }
  protocol::Hello hello(const Secret& secret, char key = 'k', const std::string& id = "j") {
    auto hello = world.hello(id, secret, 1, key);
    hello.features = protocol::kAllFeatures | protocol::kFeatureCredential;
    if (!secret.empty()) hello.features &= ~protocol::kFeatureProof;
    return hello;
  }
  std::unique_ptr<ScriptedAgent> knock(const protocol::Hello& hello) {
    auto agent = world.connect();
    agent->send_raw(std::string(protocol::kPreface));
    agent->send(hello);
    world.settle();
    return agent;
  }
  std::unique_ptr<ScriptedAgent> prove(const protocol::Hello& hello) {
    auto agent = knock(hello);
    REQUIRE(agent->count<protocol::Challenge>() == 1);
    agent->send(protocol::Proof{{{"signature", Secret("signed")}}});
    world.settle();
    return agent;
  }
  double refused(const std::string& cause) {
    return world.metrics.counter("footman_agent_refused_total", "", {{"cause", cause}}).value();
  }

  ScriptedSource source;
  World world;
};

bool has_secret(const std::unique_ptr<ScriptedAgent>& agent) {
  CHECK(agent->ended);
  CHECK(agent->count<protocol::Welcome>() == 0);
  return agent->count<protocol::Credential>() == 1 &&
         agent->last<protocol::Credential>()->secret.expose() == "secret of j";
}

// Of what has happened to "j".
std::vector<std::string> timeline_of(Scene& scene) {
  std::vector<std::string> out;
  for (const auto& line : scene.world.ask(scene.world.store->list_timeline("agent:j")).value())
    out.push_back(line.kind + " " + line.text);
  return out;
}

RefusalCode refusal_of(const std::unique_ptr<ScriptedAgent>& agent) {
  CHECK(agent->count<protocol::Credential>() == 0);
  REQUIRE(agent->count<protocol::Refused>() == 1);
  CHECK(agent->ended);
  return agent->last<protocol::Refused>()->code;
}

}  // namespace

TEST_CASE("who shows the one-time secret gets the secret of its controller, and no session") {
  Scene scene;
  const auto hello = scene.hello(scene.secret_of("j"));
  CHECK(has_secret(scene.knock(hello)));
  CHECK(scene.source.asked ==
        std::vector<std::string>{"j 1 " + protocol::hash_session_key(hello.session_key)});
  CHECK(scene.world.activity("j") == ports::AgentActivity::unknown);
  CHECK(scene.world.crash_points == std::vector<std::string>{"session:before-credential"});
  for (const auto& line : scene.world.log_lines) CHECK(line.find("secret of j") == std::string::npos);
  // The answer may have been lost, also to a server that was started anew: its key opens the door.
  scene.world.restart();
  CHECK(has_secret(scene.knock(scene.hello(Secret()))));
}

TEST_CASE("who may have it is decided as with sessions, and who may not is counted") {
  struct Row {
    const char* what;
    CredentialHolder holder;
    bool shows_secret;
    RefusalCode code;
    const char* cause;  // null: it gets the secret
  };
  const auto own = protocol::hash_session_key(Secret(std::string(protocol::kSessionKeyBytes, 'k')));
  const Row rows[] = {
      {"in time", {"", 1, false, false}, true, {}, nullptr},
      {"too late", {"", 1, true, false}, true, RefusalCode::expired, "expired"},
      {"again, after the deadline", {own, 1, true, false}, true, {}, nullptr},
      {"again, with its key alone", {own, 1, true, false}, false, {}, nullptr},
      {"another key", {"of another", 1, false, false}, true, RefusalCode::bad_secret, "other_key"},
      {"an older attempt", {"", 2, false, false}, true, RefusalCode::revoked, "other_attempt"},
      {"an older attempt with its key", {own, 2, false, false}, false, RefusalCode::revoked, "other_attempt"},
      {"ended", {"", 1, false, true}, true, RefusalCode::revoked, "ended"},
      {"ended, with its key", {own, 1, false, true}, false, RefusalCode::revoked, "ended"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Scene scene;
    scene.source.holder = row.holder;
    auto hello = scene.hello(row.shows_secret ? scene.secret_of("j") : Secret());
    hello.features &= ~protocol::kFeatureProof;
    const auto agent = scene.knock(hello);
    CHECK(scene.source.asked.size() == (row.cause == nullptr ? 1 : 0));
    if (row.cause == nullptr) {
      CHECK(has_secret(agent));
      continue;
    }
    CHECK(refusal_of(agent) == row.code);
    CHECK_FALSE(agent->last<protocol::Refused>()->retry);
    CHECK(scene.refused(row.cause) == 1);
  }
}

TEST_CASE("a proof is worth a secret") {
  Scene scene;
  scene.world.proof_answer = {ProofVerdict::right, {}};
  SUBCASE("right") {
    CHECK(has_secret(scene.prove(scene.hello(Secret()))));
    CHECK(scene.world.claims.at(0).agent == AgentId("j"));
    // Another process of the same task could prove the same.
    CHECK(refusal_of(scene.prove(scene.hello(Secret(), 'x'))) == RefusalCode::bad_secret);
    CHECK(scene.world.claims.size() == 1);
    CHECK(scene.source.asked.size() == 1);
    CHECK(scene.refused("wrong_proof") == 1);
  }
  SUBCASE("wrong") {
    scene.world.proof_answer = {ProofVerdict::wrong, "another task"};
    CHECK(refusal_of(scene.prove(scene.hello(Secret()))) == RefusalCode::bad_secret);
    CHECK(scene.refused("wrong_proof") == 1);
    CHECK(scene.source.asked.empty());
    CHECK(timeline_of(scene) ==
          std::vector<std::string>{"proof_wrong Somebody could not prove to be this agent: another task"});
  }
  SUBCASE("nobody can tell now") {
    scene.world.proof_answer = {ProofVerdict::unknown, "the cloud does not answer"};
    (void)scene.prove(scene.hello(Secret()));
    const auto agent = scene.prove(scene.hello(Secret()));
    CHECK(refusal_of(agent) == RefusalCode::busy);
    CHECK(timeline_of(scene) ==
          std::vector<std::string>{
              "proof_unchecked Whether it is this agent cannot be checked: the cloud does not answer"});
    CHECK(agent->last<protocol::Refused>()->retry);
    CHECK(scene.source.asked.empty());
  }
  SUBCASE("of an agent that nobody knows") {
    CHECK(refusal_of(scene.prove(scene.hello(Secret(), 'k', "nobody"))) == RefusalCode::bad_secret);
    CHECK(scene.world.claims.empty());
  }
}

TEST_CASE("an agent with sessions gets no secret, and one with a secret no session") {
  Scene scene;
  const auto own = scene.world.register_agent("a");
  CHECK(refusal_of(scene.knock(scene.hello(own, 'k', "a"))) == RefusalCode::unknown_agent);
  CHECK(scene.source.asked.empty());
  auto hello = scene.hello(scene.secret_of("j"));
  hello.features = protocol::kAllFeatures;
  CHECK(refusal_of(scene.knock(hello)) == RefusalCode::unknown_agent);
  CHECK(scene.source.asked.empty());
  // That has cost neither of them anything.
  hello = scene.world.hello("a", own);
  CHECK(scene.knock(hello)->count<protocol::Welcome>() == 1);
  CHECK(has_secret(scene.knock(scene.hello(scene.secret_of("j")))));
  scene.world.credentials = nullptr;
  scene.world.restart();
  CHECK(refusal_of(scene.knock(scene.hello(scene.secret_of("j")))) == RefusalCode::unknown_agent);
}

TEST_CASE("a secret that its controller does not give now: come again; or never") {
  struct Row {
    Errc error;
    RefusalCode code;
    bool retry;
    const char* cause;
  };
  const Row rows[] = {{Errc::unavailable, RefusalCode::busy, true, "secret_unread"},
                      {Errc::resource_exhausted, RefusalCode::busy, true, "secret_unread"},
                      {Errc::permission_denied, RefusalCode::bad_secret, false, "other_key"},
                      {Errc::not_found, RefusalCode::revoked, false, "ended"},
                      {Errc::conflict, RefusalCode::revoked, false, "ended"}};
  for (const auto& row : rows) {
    CAPTURE(to_string(row.error));
    Scene scene;
    scene.source.error = row.error;
    const auto agent = scene.knock(scene.hello(scene.secret_of("j")));
    CHECK(refusal_of(agent) == row.code);
    CHECK(agent->last<protocol::Refused>()->retry == row.retry);
    CHECK(scene.refused(row.cause) == 1);
    CHECK(timeline_of(scene).size() == (row.retry ? 1 : 0));
  }
}

TEST_CASE("a secret that is not read: people are told each reason once, and not without end") {
  Scene scene;
  scene.source.error = Errc::unavailable;
  for (int i = 0; i < 3; ++i) (void)scene.knock(scene.hello(scene.secret_of("j")));
  REQUIRE(timeline_of(scene).size() == 1);
  CHECK(timeline_of(scene)[0].starts_with("secret_unread Its secret cannot be had from its controller: "));
  for (int i = 0; i < 30; ++i) {
    scene.source.trouble = "reason " + std::to_string(i);
    (void)scene.knock(scene.hello(scene.secret_of("j")));
  }
  CHECK(timeline_of(scene).size() == 8);
}

TEST_CASE("a controller that does not answer is not waited for beyond the limit") {
  Scene scene;
  runtime::Event answers;
  scene.source.wait_for = &answers;
  const auto hello = scene.hello(scene.secret_of("j"));
  auto first = scene.knock(hello);
  scene.world.advance(kCredentialLimit - 1s);
  CHECK_FALSE(first->ended);
  SUBCASE("in time") {
    answers.notify();
    scene.world.settle();
    CHECK(has_secret(first));
  }
  SUBCASE("too late") {
    scene.world.advance(1s);
    CHECK(refusal_of(first) == RefusalCode::busy);
  }
  SUBCASE("the server stops meanwhile") {
    scene.world.stop();
    CHECK(first->ended);
    CHECK(first->count<protocol::Credential>() == 0);
  }
}
