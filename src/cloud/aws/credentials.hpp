// Who signs: an access key, its secret and, for temporary ones, the session token.
#pragma once

#include <string>

#include "base/secret.hpp"
#include "base/time.hpp"

namespace footman::cloud::aws {

using namespace footman::base;

struct Credentials {
  std::string access_key_id;  // no secret: it stands in every request
  Secret secret_access_key;
  Secret session_token;  // empty: a long-term key
  Instant expires;       // not set: never
  std::string source;    // where they come from, for people: "the environment", "the profile 'ci'"
};

}  // namespace footman::cloud::aws
