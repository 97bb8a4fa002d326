#include "protocol/handshake.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"

namespace footman::protocol {
namespace {

// Keep digests of one use from meaning anything in another.
constexpr std::string_view kSecretContext = "footman agent secret 1";
constexpr std::string_view kKeyContext = "footman session key 1";
constexpr std::string_view kProofContext = "footman agent proof 1";

// The decimal number holds no NUL and an agent's id neither, so no two pairs give the same text.
std::string name_attempt(std::string_view context, const base::AgentId& agent, std::uint32_t attempt) {
  std::string text(context);
  text += '\0';
  text += agent.str();
  text += '\0';
  text += std::to_string(attempt);
  return text;
}

// Without a right key or secret.
RefusalCause cause_of_stranger(ProofState proof) {
  return proof == ProofState::wrong ? RefusalCause::wrong_proof : RefusalCause::wrong_secret;
}
bool may_prove(const Hello& hello, ProofState proof) {
  return proof == ProofState::not_asked && hello.secret.empty() && (hello.features & kFeatureProof) != 0;
}

RefusalCause cause_of_first_visit(const StoredAgent& stored, const Hello& hello, base::Instant now) {
  if (stored.ended) return RefusalCause::ended;
  if (hello.attempt != stored.attempt) return RefusalCause::other_attempt;
  if (!stored.key_hash.empty()) return RefusalCause::other_key;
  if (now >= stored.deadline) return RefusalCause::expired;
  return RefusalCause::none;
}

RefusalCause cause_of_return(const StoredAgent& stored, const Hello& hello) {
  if (stored.ended) return RefusalCause::ended;
  if (hello.attempt != stored.attempt) return RefusalCause::other_attempt;
  if (hello.connection < stored.connection) return RefusalCause::older_connection;
  return RefusalCause::none;
}

}  // namespace

base::Result<std::uint16_t> negotiate(VersionRange server, const Hello& hello) {
  const auto version = std::min(server.max, hello.version_max);
  if (version >= server.min && version >= hello.version_min) return version;
  const bool agent_is_old = hello.version_max < server.min;
  return base::fail(base::Errc::unsupported,
                    fmt::format("no common protocol version: the server speaks {} to {}, the agent {} to {}",
                                server.min, server.max, hello.version_min, hello.version_max),
                    {}, agent_is_old ? "Update the agent" : "Update the server");
}

std::uint64_t common_features(std::uint64_t server, std::uint64_t agent) { return server & agent; }

base::Secret derive_bootstrap_secret(const base::Secret& server_key, const base::AgentId& agent,
                                     std::uint32_t attempt) {
  const auto message = name_attempt(kSecretContext, agent, attempt);
  return base::Secret(base::to_hex(base::hmac_sha256(server_key.expose(), message)));
}

std::string hash_session_key(const base::Secret& session_key) {
  return base::to_hex(base::hmac_sha256(kKeyContext, session_key.expose()));
}

std::string bind_proof(const base::Secret& nonce, const base::AgentId& agent, std::uint32_t attempt,
                       const base::Secret& session_key) {
  auto message = name_attempt(kProofContext, agent, attempt);
  message += '\0';
  message += hash_session_key(session_key);
  return base::to_hex(base::hmac_sha256(nonce.expose(), message));
}

Redemption decide_redemption(const base::Secret& server_key, const StoredAgent* stored, const Hello& hello,
                             base::Instant now, ProofState proof) {
  const auto expected = derive_bootstrap_secret(server_key, hello.agent, hello.attempt);
  const auto key_hash = hash_session_key(hello.session_key);
  const bool secret_right =
      base::equal_constant_time(expected.expose(), hello.secret.expose()) || proof == ProofState::right;
  const bool redeemed = stored != nullptr && !stored->key_hash.empty();
  const std::string_view stored_hash = redeemed ? std::string_view(stored->key_hash) : expected.expose();
  const bool key_right = base::equal_constant_time(stored_hash, key_hash) && redeemed;

  Redemption result;
  if (key_right) {
    result.cause = cause_of_return(*stored, hello);
    result.verdict = RedemptionVerdict::accept_again;
  } else if (!secret_right && may_prove(hello, proof)) {
    result.verdict = RedemptionVerdict::challenge;
    return result;
  } else if (!secret_right) {
    result.cause = cause_of_stranger(proof);
  } else if (stored == nullptr) {
    result.cause = RefusalCause::unknown_agent;
  } else {
    result.cause = cause_of_first_visit(*stored, hello, now);
    result.verdict = RedemptionVerdict::accept_new;
  }
  if (result.cause != RefusalCause::none)
    result.verdict = RedemptionVerdict::refuse;
  else
    result.key_hash = key_hash;
  return result;
}

std::string_view to_string(RefusalCause cause) {
  switch (cause) {
    case RefusalCause::none:
      return "none";
    case RefusalCause::wrong_secret:
      return "wrong_secret";
    case RefusalCause::wrong_proof:
      return "wrong_proof";
    case RefusalCause::other_key:
      return "other_key";
    case RefusalCause::expired:
      return "expired";
    case RefusalCause::unknown_agent:
      return "unknown_agent";
    case RefusalCause::other_attempt:
      return "other_attempt";
    case RefusalCause::ended:
      return "ended";
    case RefusalCause::older_connection:
      return "older_connection";
  }
  return "none";
}

Refused make_refused(RefusalCause cause) {
  switch (cause) {
    case RefusalCause::wrong_secret:
    case RefusalCause::wrong_proof:
    case RefusalCause::other_key:
      return {RefusalCode::bad_secret, "the agent's name and secret, or proof, do not fit", false};
    case RefusalCause::expired:
      return {RefusalCode::expired, "it comes too late: the launch deadline has passed", false};
    case RefusalCause::unknown_agent:
      return {RefusalCode::unknown_agent, "the server does not know this agent any more", false};
    case RefusalCause::other_attempt:
      return {RefusalCode::revoked, "another launch attempt of this agent took its place", false};
    case RefusalCause::ended:
      return {RefusalCode::revoked, "the server has ended this agent", false};
    case RefusalCause::older_connection:
      return {RefusalCode::superseded, "a newer connection of this agent is there", true};
    case RefusalCause::none:
      break;
  }
  return {RefusalCode::other, "refused", false};
}

}  // namespace footman::protocol
