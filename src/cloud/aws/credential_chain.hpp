// Where AWS credentials come from when nobody says: the chain that all AWS tools go through, in the order of
// the AWS SDK for Java 2 ("Default credentials provider chain"):
//
//   the environment     AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   web identity        AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME (EKS: a role for the
//                       service account of a pod)
//   the shared files    AWS_PROFILE or "default" in ~/.aws/config and ~/.aws/credentials (AWS_CONFIG_FILE,
//                       AWS_SHARED_CREDENTIALS_FILE): keys, roles, web identity (profiles.hpp)
//   the container       ECS tasks and EKS pods (metadata.hpp)
//   the instance        EC2 (metadata.hpp)
//
// A link that is not configured gives way to the next one. One that is configured and gives nothing ends the
// search: nobody gets another identity than was meant. The error names every link that was asked and why it
// gave nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/aws/client.hpp"
#include "cloud/aws/foundation.hpp"
#include "cloud/aws/profiles.hpp"

namespace footman::cloud::aws {

inline constexpr std::size_t kMaxTokenFileBytes = 64UL * 1024;

struct ChainOptions {
  std::string profile;       // only this one of the shared files; empty: the whole chain
  std::string region;        // whose STS gives the roles
  EndpointOptions endpoint;  // of that STS
};

// One look through the chain. `outside` and `options` outlive the call.
runtime::Awaitable<Result<Credentials>> find_credentials(const Outside& outside, const ChainOptions& options);

// The chain, cached (cached_credentials.hpp). Environment and files are read anew for each renewal. What gave
// credentials once and gives none now is `unavailable`, never not_found.
class CredentialChain final : public CredentialsSource {
 public:
  CredentialChain(const Outside& outside, ChainOptions options);
  runtime::Awaitable<Result<Credentials>> get() override { return cache_.get(); }
  bool reject(const std::string& access_key_id) override { return cache_.reject(access_key_id); }

 private:
  runtime::Awaitable<Result<Credentials>> fetch();
  const Outside& outside_;
  ChainOptions options_;
  bool found_once_ = false;
  CachedCredentials cache_;
};

// A role, assumed with the credentials of another source (another account, fewer rights), cached.
class AssumedRole final : public CredentialsSource {
 public:
  // `base` outlives it. Of the options, region and endpoint count. Errors as of find_endpoint().
  static Result<std::unique_ptr<AssumedRole>> create(const Outside& outside, const ChainOptions& options,
                                                     CredentialsSource& base, RoleToAssume role);
  runtime::Awaitable<Result<Credentials>> get() override { return cache_.get(); }
  bool reject(const std::string& access_key_id) override { return cache_.reject(access_key_id); }

 private:
  AssumedRole(const Outside& outside, std::unique_ptr<Client> sts, RoleToAssume role);
  runtime::Awaitable<Result<Credentials>> fetch();
  const Outside& outside_;
  std::unique_ptr<Client> sts_;
  RoleToAssume role_;
  CachedCredentials cache_;
};

}  // namespace footman::cloud::aws
