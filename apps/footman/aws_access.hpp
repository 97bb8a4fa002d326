// What the clouds on AWS share: HTTP to AWS, files and environment, credentials for each profile and role,
// and rate limits for each account (as far as credentials tell them apart) and region.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "base/log.hpp"
#include "base/result.hpp"
#include "cloud/aws/credential_chain.hpp"
#include "cloud/aws/file_reader.hpp"
#include "cloud/aws/foundation.hpp"
#include "cloud/aws/rate_limits.hpp"
#include "ecs/options.hpp"
#include "net/http_client.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"

namespace footman::app {

// As AWS' own tools would find it on this machine (cloud/aws/region.hpp). Reads a file at once: for the start
// of a program.
base::Result<std::string> find_region(const std::string& profile);

// On the control executor; the connections live on `net`. stop() before it is destroyed.
class AwsAccess {
 public:
  AwsAccess(runtime::Executor control, runtime::Executor net, runtime::Clock& clock, runtime::Rng& rng,
            base::Logger log);

  const cloud::aws::Outside& outside() const { return outside_; }
  // `region` is not empty. invalid_argument: an endpoint that cannot be.
  base::Result<cloud::aws::CredentialsSource*> credentials(const ecs::CloudOptions& cloud,
                                                           const std::string& installation);
  cloud::aws::RateLimits& rates(const ecs::CloudOptions& cloud);
  runtime::Awaitable<void> stop();

 private:
  struct Login {
    std::unique_ptr<cloud::aws::CredentialChain> chain;
    std::unique_ptr<cloud::aws::AssumedRole> role;  // with what the chain gives
  };
  // Whatever makes another identity, or has it told by another STS.
  using LoginKey = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
  using AccountKey = std::tuple<std::string, std::string, std::string, std::string>;

  runtime::Executor net_;
  runtime::Rng& rng_;
  std::unique_ptr<net::HttpClient> services_;
  std::unique_ptr<net::HttpClient> metadata_;
  cloud::aws::FileReader files_;
  cloud::aws::Outside outside_;
  std::map<LoginKey, Login> logins_;
  std::map<AccountKey, cloud::aws::RateLimits> rates_;
};

}  // namespace footman::app
