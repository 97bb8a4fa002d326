// The proof of an identity in AWS: the signature of a request GetCallerIdentity, by which AWS tells whose
// credentials made it, and in which module they are. Pure. The agent makes it, the server has AWS judge it;
// docs/PROTOCOL.md describes both.
//
// Only what the signer alone knows goes from the agent to the server. The request is put together by this
// code on both sides, so that there is no method, host, header or body of the agent's that could be another
// one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/credentials.hpp"
#include "net/http_client.hpp"

namespace footman::aws {

inline constexpr std::string_view kProofHeader = "X-Footman-Proof";
// STS itself takes no signature that differs by more than 5 minutes from its own time.
inline constexpr Duration kProofTimeTolerance{15LL * 60 * 1'000'000};

struct ProofPlace {
  net::Url sts;  // the endpoint that will be asked: its authority and path are signed
  std::string region;
};

struct SignedIdentity {
  std::string access_key_id;
  Secret session_token;
  std::string time;       // "20150830T123600Z"
  std::string signature;  // 64 hexadecimal digits
};

using ProofValues = std::map<std::string, Secret>;

// `binding`: what it is good for; of letters and digits. The credentials are temporary ones.
ProofValues make_identity_proof(const ProofPlace& place, const Credentials& credentials,
                                std::string_view binding, Instant now);

// Errors (invalid_argument, which name the value and never show it): one is missing, there is one more, has
// another form or is too long; the time is too far from `now`.
Result<SignedIdentity> read_identity_proof(const ProofValues& values, Instant now);

// The request whose signature this should be.
net::HttpClientRequest make_identity_request(const ProofPlace& place, const SignedIdentity& identity,
                                             std::string_view binding);

}  // namespace footman::aws
