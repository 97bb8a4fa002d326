// What a registry answers, taken apart. Pure: bytes that anybody may have sent come in, and every size is
// bounded. Sources: RFC 9110 (challenges), OCI Distribution Specification 1.0 (uploads, errors), "Token
// Authentication Specification" of Docker's registry.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"

namespace footman::registry {

using namespace footman::base;

inline constexpr std::size_t kMaxChallengeBytes = 8192;  // of one WWW-Authenticate header
inline constexpr std::size_t kMaxChallenges = 8;
inline constexpr std::size_t kMaxParameters = 16;  // of a challenge
inline constexpr std::size_t kMaxToken = 64UL << 10;
inline constexpr std::size_t kMaxRefusal = 400;  // bytes that are shown of what a registry says
inline constexpr std::size_t kMaxAddress = 8UL << 10;

// "Bearer realm="https://…",service="…"". Scheme and names in lower case.
struct Challenge {
  std::string scheme;
  std::map<std::string, std::string, std::less<>> parameters;
  bool operator==(const Challenge&) const = default;
};
// One header may hold several. corrupt: it is none, or beyond a limit.
Result<std::vector<Challenge>> parse_challenges(std::string_view header);

// Where the token for a push to `repository` is fetched. corrupt: the challenge names no such place, or one
// without TLS, which only a registry that is reached without TLS itself, on this machine, may name.
Result<net::Url> find_token_address(const Challenge& challenge, const net::Url& api,
                                    std::string_view repository);

// {"token": …} or {"access_token": …}. corrupt; the body is not quoted.
Result<Secret> read_token(std::string_view body);

// Where the bytes of an upload go: the Location header, which may be relative to `api`, with the digest.
// corrupt: no address, or one without TLS where the registry is reached with it.
Result<net::Url> find_upload_address(const net::Url& api, std::string_view location, std::string_view digest);

// {"errors": [{"code": …, "message": …}]} as words for people: "DENIED: no". Empty when it says nothing.
std::string read_refusal(std::string_view body);

}  // namespace footman::registry
