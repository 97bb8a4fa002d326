// Who signs: an access key, its secret and, for temporary ones, the session token.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "runtime/awaitable.hpp"

namespace footman::aws {

using namespace footman::base;

struct Credentials {
  std::string access_key_id;  // no secret: it stands in every request
  Secret secret_access_key;
  Secret session_token;  // empty: a long-term key
  Instant expires;       // not set: never
  std::string source;    // where they come from, for people: "the environment", "the profile 'ci'"
};

// Each part must be there (a long-term key has no token) and fit for a header. Errors (invalid_argument) name
// the source and the part, never a value.
Result<Credentials> check_credentials(Credentials credentials);

// The answer of the container and of the instance metadata service:
//   {"Code": "Success", "AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": "2024-…Z"}
// Only the latter has a Code. Errors: corrupt; permission_denied when the Code is another one.
Result<Credentials> parse_credentials_answer(std::string_view json, std::string source);

// Gives credentials to sign with. On one executor, which it shares with its users; any number of get() may be
// under way.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;
  // Errors: not_found (nothing is configured), permission_denied and invalid_argument (what is configured is
  // refused or wrong), unavailable and timeout (try again).
  virtual runtime::Awaitable<Result<Credentials>> get() = 0;
  // AWS does not take these any more: the next get() gives others, if it can. False: it gives the same again.
  virtual bool reject(const std::string& access_key_id) = 0;
};

}  // namespace footman::aws
