// The decisions of the handshake, pure: versions, the secret, who may come in. Storing what was decided is
// the caller's, in one transaction with the decision.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "protocol/messages.hpp"

namespace footman::protocol {

struct VersionRange {
  std::uint16_t min = kVersionMin;
  std::uint16_t max = kVersionMax;
};

// The highest version both speak. Error: unsupported, saying which side is too old.
base::Result<std::uint16_t> negotiate(VersionRange server, const Hello& hello);
// Features both sides have.
std::uint64_t common_features(std::uint64_t server, std::uint64_t agent);

// What the launch gives to the agent: HMAC-SHA256(server key, agent, attempt) in hexadecimal. Nothing to
// store: the server computes it again when the agent comes.
base::Secret derive_bootstrap_secret(const base::Secret& server_key, const base::AgentId& agent,
                                     std::uint32_t attempt);
// What the server stores of a session key.
std::string hash_session_key(const base::Secret& session_key);

// What a Proof is bound to: HMAC-SHA256(nonce, agent, attempt, hash of the session key) in hexadecimal. So it
// is good for one connection of one agent process only.
std::string bind_proof(const base::Secret& nonce, const base::AgentId& agent, std::uint32_t attempt,
                       const base::Secret& session_key);

// What the server has stored of an agent.
struct StoredAgent {
  std::string key_hash;  // of the session key that redeemed the secret; empty: not redeemed yet. A new launch
                         // attempt starts with an empty one.
  std::uint32_t attempt = 0;  // the newest launch attempt
  base::Instant
      deadline;  // of the launch; the secret can be redeemed before it. After a server start: a fresh one
  bool ended = false;            // lost, draining to its end, terminated: no session any more
  std::uint32_t connection = 0;  // Hello::connection of the live session; 0: there is none
};

enum class RedemptionVerdict : std::uint8_t {
  accept_new,    // store key_hash, then answer Welcome
  accept_again,  // the same agent process came back: answer Welcome with a new epoch
  challenge,     // neither key nor secret, but it can give a proof: answer Challenge, then decide again
  refuse,
};

// What came of the Challenge.
enum class ProofState : std::uint8_t { not_asked, right, wrong };

// Why, for logs and the counter's label. More exact than what the peer is told.
enum class RefusalCause : std::uint8_t {
  none,
  wrong_secret,  // no secret, or not the one of this agent and attempt
  wrong_proof,
  other_key,  // the right secret, redeemed before by another key
  expired,
  unknown_agent,
  other_attempt,  // a secret of an older (or not yet known) launch attempt
  ended,
  older_connection,  // a connection try that was overtaken by a newer one of the same agent
};
std::string_view to_string(RefusalCause cause);

struct Redemption {
  RedemptionVerdict verdict = RedemptionVerdict::refuse;
  RefusalCause cause = RefusalCause::none;
  std::string key_hash;  // of the accepted key
};

// May this agent come in? `stored` is null for an id nobody knows. The same Hello gives the same answer as
// often as it is sent, so a lost answer locks no good agent out. Every path does the same digests and
// compares in constant time; a stranger without a right secret or key learns nothing about which agents
// exist. A right proof counts as a right secret.
Redemption decide_redemption(const base::Secret& server_key, const StoredAgent* stored, const Hello& hello,
                             base::Instant now, ProofState proof = ProofState::not_asked);

// What the peer is told of a refusal.
Refused make_refused(RefusalCause cause);

}  // namespace footman::protocol
