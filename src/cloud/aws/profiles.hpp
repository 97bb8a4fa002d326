// What a profile of the shared files says about how credentials are to be had. Pure.
// Source: "Assume role credential provider" and "Shared config and credentials files" in the AWS SDKs and
// Tools Reference Guide.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "cloud/aws/foundation.hpp"
#include "cloud/aws/shared_files.hpp"

namespace footman::cloud::aws {

inline constexpr std::size_t kMaxRoles = 5;  // one assumed with the next one's credentials

// What AWS takes (STS API Reference, AssumeRole).
inline constexpr Duration kShortestSession = 15min;
inline constexpr Duration kLongestSession = 12h;

struct RoleToAssume {
  std::string role_arn;
  std::string external_id;   // empty: none
  std::string session_name;  // empty: one is made
  Duration lasts{0};         // 0: an hour, AWS' own default
};

struct WebIdentity {
  std::string role_arn;
  std::string token_file;    // read anew each time: the cluster replaces it
  std::string session_name;  // empty: one is made
};

enum class ProfileStart {
  nothing,      // the profile says nothing about credentials
  keys,         // aws_access_key_id …
  environment,  // credential_source = Environment
  container,    // credential_source = EcsContainer
  instance,     // credential_source = Ec2InstanceMetadata
  web_identity,
};

struct ProfilePlan {
  ProfileStart start = ProfileStart::nothing;
  Credentials keys;
  WebIdentity web_identity;
  std::vector<RoleToAssume> roles;  // assumed in this order, each with the credentials before
};

// Errors: not_found (no such profile); invalid_argument (a role without a source or with two, a circle, half
// a key, a bad value); unsupported, with what to do instead (SSO, MFA, credential_process: a server has
// nobody to ask and runs no programs for that).
Result<ProfilePlan> plan_profile(const Profiles& profiles, const std::string& name);

// role_session_name as AWS takes it: 2 to 64 letters, digits and +=,.@-_
bool is_session_name(std::string_view text);

}  // namespace footman::cloud::aws
