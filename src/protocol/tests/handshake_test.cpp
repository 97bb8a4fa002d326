#include "protocol/handshake.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "protocol/limits.hpp"

using namespace footman::protocol;
namespace base = footman::base;
using base::Duration;
using base::Instant;
using base::Secret;

namespace {

const Secret kServerKey("the key in the file with mode 0600");
const base::AgentId kAgent("local-1");
const Instant kDeadline{1'000'000};
const Instant kBefore{999'999};

Hello hello_with(std::string_view key, std::uint32_t attempt = 1) {
  Hello hello;
  hello.agent = kAgent;
  hello.attempt = attempt;
  hello.connection = 1;
  hello.secret = derive_bootstrap_secret(kServerKey, kAgent, attempt);
  hello.session_key = Secret(std::string(key) + std::string(kSessionKeyBytes - key.size(), '.'));
  return hello;
}

StoredAgent launched() { return {.key_hash = {}, .attempt = 1, .deadline = kDeadline}; }
StoredAgent redeemed_by(const Hello& hello) {
  auto stored = launched();
  stored.key_hash = hash_session_key(hello.session_key);
  return stored;
}

RefusalCause cause(const StoredAgent* stored, const Hello& hello, Instant now = kBefore) {
  return decide_redemption(kServerKey, stored, hello, now).cause;
}
RedemptionVerdict verdict(const StoredAgent* stored, const Hello& hello, Instant now = kBefore) {
  return decide_redemption(kServerKey, stored, hello, now).verdict;
}

}  // namespace

TEST_CASE("versions: the highest common one, or a sentence that says who is too old") {
  Hello hello;
  hello.version_min = 2;
  hello.version_max = 4;
  CHECK(negotiate({1, 3}, hello) == 3);
  CHECK(negotiate({4, 9}, hello) == 4);
  CHECK(negotiate({2, 2}, hello) == 2);
  CHECK(negotiate({5, 6}, hello).error().hint == "Update the agent");
  CHECK(negotiate({1, 1}, hello).error().hint == "Update the server");
  CHECK(negotiate({1, 1}, hello).error().message ==
        "no common protocol version: the server speaks 1 to 1, the agent 2 to 4");
  CHECK(common_features(kAllFeatures, kFeatureNotice | (1ULL << 63)) == kFeatureNotice);
}

TEST_CASE("the secret depends on key, agent and attempt, and is a known answer") {
  const auto secret = derive_bootstrap_secret(Secret("key"), base::AgentId("a"), 1);
  // printf 'footman agent secret 1\0a\0001' | openssl dgst -sha256 -hmac key
  CHECK(secret.expose() == "ecbdd6eb2e6d14d4884d85ad512cdfeb2b0665de71c0a645753cd888eacf53d4");
  CHECK(secret.expose() != derive_bootstrap_secret(Secret("kez"), base::AgentId("a"), 1).expose());
  CHECK(secret.expose() != derive_bootstrap_secret(Secret("key"), base::AgentId("b"), 1).expose());
  CHECK(secret.expose() != derive_bootstrap_secret(Secret("key"), base::AgentId("a"), 2).expose());
  CHECK(derive_bootstrap_secret(Secret("key"), base::AgentId("a"), 11).expose() !=
        derive_bootstrap_secret(Secret("key"), base::AgentId("a1"), 1).expose());
}

TEST_CASE("a proof is bound to all that tells one connection from another, and is a known answer") {
  const Secret nonce(std::string(kNonceBytes, 'n'));
  const Secret key(std::string(kSessionKeyBytes, 'k'));
  const auto bound = bind_proof(nonce, base::AgentId("a"), 1, key);
  // In Python: H = lambda key, text: hmac.new(key, text, hashlib.sha256).hexdigest().encode()
  // H(b'n' * 32, b'footman agent proof 1\0a\x001\0' + H(b'footman session key 1', b'k' * 32))
  CHECK(bound == "e5da7c9c611e9375e4e4cbeba6e4f889904fb244cdb1affcc023424f23bf7c8f");
  CHECK(bound != bind_proof(Secret(std::string(kNonceBytes, 'm')), base::AgentId("a"), 1, key));
  CHECK(bound != bind_proof(nonce, base::AgentId("b"), 1, key));
  CHECK(bound != bind_proof(nonce, base::AgentId("a"), 2, key));
  CHECK(bound != bind_proof(nonce, base::AgentId("a"), 1, Secret(std::string(kSessionKeyBytes, 'l'))));
}

TEST_CASE("an agent without a secret is asked for a proof, whether it exists or not") {
  auto hello = hello_with("good");
  hello.secret = Secret();
  hello.features = kFeatureProof;
  const auto stored = launched();
  const auto redeemed = redeemed_by(hello_with("owner"));
  auto ended = launched();
  ended.ended = true;
  const StoredAgent* const all[] = {nullptr, &stored, &redeemed, &ended};
  for (const auto* known : all) {
    CHECK(verdict(known, hello) == RedemptionVerdict::challenge);
    CHECK(cause(known, hello) == RefusalCause::none);
    CHECK(decide_redemption(kServerKey, known, hello, kBefore).key_hash.empty());
  }
  const auto own = redeemed_by(hello);
  CHECK(verdict(&own, hello) == RedemptionVerdict::accept_again);

  auto other = hello;
  other.features = kFeatureNotice;
  CHECK(cause(&stored, other) == RefusalCause::wrong_secret);
  other = hello;
  other.secret = Secret("guess");
  CHECK(cause(&stored, other) == RefusalCause::wrong_secret);
}

TEST_CASE("a right proof is worth a right secret, and is asked for once") {
  struct Case {
    StoredAgent stored;
    ProofState proof;
    Instant now;
    RefusalCause cause;
  };
  auto hello = hello_with("good");
  hello.secret = Secret();
  hello.features = kFeatureProof;
  auto ended = launched();
  ended.ended = true;
  auto newer = launched();
  newer.attempt = 2;
  const std::vector<Case> cases{
      {launched(), ProofState::right, kBefore, RefusalCause::none},
      {launched(), ProofState::wrong, kBefore, RefusalCause::wrong_proof},
      {launched(), ProofState::right, kDeadline, RefusalCause::expired},
      {redeemed_by(hello_with("owner")), ProofState::right, kBefore, RefusalCause::other_key},
      {redeemed_by(hello_with("owner")), ProofState::wrong, kBefore, RefusalCause::wrong_proof},
      {redeemed_by(hello), ProofState::wrong, kBefore, RefusalCause::none},  // its key alone opens the door
      {ended, ProofState::right, kBefore, RefusalCause::ended},
      {newer, ProofState::right, kBefore, RefusalCause::other_attempt},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    const auto& one = cases[i];
    const auto decided = decide_redemption(kServerKey, &one.stored, hello, one.now, one.proof);
    CHECK(decided.cause == one.cause);
    CHECK((decided.verdict == RedemptionVerdict::refuse) == (one.cause != RefusalCause::none));
    CHECK(decided.key_hash.empty() == (one.cause != RefusalCause::none));
  }
  const auto nobody = decide_redemption(kServerKey, nullptr, hello, kBefore, ProofState::wrong);
  CHECK(make_refused(nobody.cause).message == make_refused(RefusalCause::wrong_secret).message);
}

TEST_CASE("first visit") {
  const auto hello = hello_with("good");
  const auto stored = launched();
  const auto redemption = decide_redemption(kServerKey, &stored, hello, kBefore);
  CHECK(redemption.verdict == RedemptionVerdict::accept_new);
  CHECK(redemption.key_hash == hash_session_key(hello.session_key));
  CHECK(redemption.key_hash.find("good") == std::string::npos);

  CHECK(cause(&stored, hello, kDeadline) == RefusalCause::expired);
  const StoredAgent no_deadline{.key_hash = {}, .attempt = 1, .deadline = {}};
  CHECK(cause(&no_deadline, hello) == RefusalCause::expired);

  auto wrong = hello_with("good");
  wrong.secret = Secret("wrong");
  CHECK(cause(&stored, wrong) == RefusalCause::wrong_secret);
  wrong.secret = Secret();
  CHECK(cause(&stored, wrong) == RefusalCause::wrong_secret);
  wrong.secret = derive_bootstrap_secret(kServerKey, base::AgentId("local-2"), 1);
  CHECK(cause(&stored, wrong) == RefusalCause::wrong_secret);

  auto ended = launched();
  ended.ended = true;
  CHECK(cause(&ended, hello) == RefusalCause::ended);
}

TEST_CASE("a second visit needs the key and no secret, also after the deadline") {
  auto hello = hello_with("good");
  const auto stored = redeemed_by(hello);
  CHECK(verdict(&stored, hello) == RedemptionVerdict::accept_again);
  hello.secret = Secret();
  CHECK(verdict(&stored, hello, kDeadline + Duration(1)) == RedemptionVerdict::accept_again);

  const auto thief = hello_with("other");
  CHECK(cause(&stored, thief) == RefusalCause::other_key);
  CHECK(verdict(&stored, thief) == RedemptionVerdict::refuse);

  auto ended = stored;
  ended.ended = true;
  CHECK(cause(&ended, hello) == RefusalCause::ended);
}

TEST_CASE("launch attempts: an older one is out") {
  auto stored = launched();
  stored.attempt = 2;
  CHECK(cause(&stored, hello_with("old", 1)) == RefusalCause::other_attempt);
  CHECK(cause(&stored, hello_with("future", 3)) == RefusalCause::other_attempt);
  CHECK(verdict(&stored, hello_with("new", 2)) == RedemptionVerdict::accept_new);
  auto replaced = redeemed_by(hello_with("old", 1));
  replaced.attempt = 2;
  CHECK(cause(&replaced, hello_with("old", 1)) == RefusalCause::other_attempt);
}

TEST_CASE("of two connections of one agent the newer stays") {
  auto hello = hello_with("good");
  auto stored = redeemed_by(hello);
  stored.connection = 2;
  hello.connection = 1;
  CHECK(cause(&stored, hello) == RefusalCause::older_connection);
  hello.connection = 2;
  CHECK(verdict(&stored, hello) == RedemptionVerdict::accept_again);
  hello.connection = 3;
  CHECK(verdict(&stored, hello) == RedemptionVerdict::accept_again);
}

TEST_CASE("a stranger cannot learn which agents exist") {
  auto hello = hello_with("good");
  CHECK(cause(nullptr, hello) == RefusalCause::unknown_agent);  // it has a right secret
  hello.secret = Secret("guess");
  const auto stored = launched();
  auto ended = launched();
  ended.ended = true;
  const auto redeemed = redeemed_by(hello_with("owner"));
  const StoredAgent* const all[] = {nullptr, &stored, &ended, &redeemed};
  for (const auto* known : all) {
    const auto refused = make_refused(cause(known, hello, kDeadline));
    CHECK(refused.code == RefusalCode::bad_secret);
    CHECK(refused.message == make_refused(RefusalCause::wrong_secret).message);
  }
}

TEST_CASE("only what can get better is to be tried again") {
  for (auto cause_of :
       {RefusalCause::wrong_secret, RefusalCause::wrong_proof, RefusalCause::other_key, RefusalCause::expired,
        RefusalCause::unknown_agent, RefusalCause::other_attempt, RefusalCause::ended}) {
    CHECK_FALSE(make_refused(cause_of).retry);
    CHECK(make_refused(cause_of).message != "refused");
  }
  CHECK(make_refused(RefusalCause::older_connection).retry);
}

namespace {

// One try to connect. Each fault stops it at another point.
enum class Fault { none, hello_lost, crash_before_commit, crash_after_commit, answer_lost };

// Returns whether the agent got Welcome. `stored` is what the server's disk holds.
bool try_to_connect(StoredAgent& stored, const Hello& hello, Fault fault,
                    std::optional<RefusalCause>& refused) {
  if (fault == Fault::hello_lost) return false;
  const auto redemption = decide_redemption(kServerKey, &stored, hello, kBefore);
  if (redemption.verdict == RedemptionVerdict::refuse) {
    refused = redemption.cause;
    return false;
  }
  if (fault == Fault::crash_before_commit) return false;
  stored.key_hash = redemption.key_hash;
  stored.connection = fault == Fault::crash_after_commit ? 0 : hello.connection;
  return fault == Fault::none;
}

}  // namespace

TEST_CASE("whatever is lost, a good agent gets in and a thief does not") {
  constexpr int kFaults = 5;
  for (int plan = 0; plan < kFaults * kFaults * kFaults; ++plan) {
    CAPTURE(plan);
    auto stored = launched();
    auto hello = hello_with("good");
    std::optional<RefusalCause> refused;
    bool welcome = false;
    for (int attempt = 0, rest = plan; attempt < 4 && !welcome; ++attempt, rest /= kFaults) {
      const auto fault = attempt == 3 ? Fault::none : static_cast<Fault>(rest % kFaults);
      hello.connection = static_cast<std::uint32_t>(attempt + 1);
      welcome = try_to_connect(stored, hello, fault, refused);
    }
    CHECK(welcome);
    CHECK_FALSE(refused.has_value());
    CHECK(stored.key_hash == hash_session_key(hello.session_key));
    CHECK_FALSE(try_to_connect(stored, hello_with("thief"), Fault::none, refused));
    CHECK(refused == RefusalCause::other_key);
    hello.connection += 1;
    CHECK(try_to_connect(stored, hello, Fault::none, refused));
  }
}
