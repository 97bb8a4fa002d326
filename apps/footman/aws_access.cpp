#include "apps/footman/aws_access.hpp"

#include <cstdlib>
#include <utility>

#include "cloud/aws/region.hpp"
#include "cloud/aws/shared_files.hpp"
#include "runtime/real/files.hpp"
#include "runtime/scope.hpp"

namespace footman::app {
namespace {

namespace aws = cloud::aws;

std::optional<std::string> read_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

aws::EndpointOptions sts_endpoint(const ecs::CloudOptions& cloud) {
  const auto own = cloud.endpoint.urls.find("sts");
  return {cloud.endpoint.fips, cloud.endpoint.dual_stack,
          own == cloud.endpoint.urls.end() ? cloud.endpoint.url : own->second};
}

runtime::Awaitable<void> drop(std::unique_ptr<net::HttpClient> one, std::unique_ptr<net::HttpClient> other) {
  one.reset();
  other.reset();
  co_return;
}

}  // namespace

base::Result<std::string> find_region(const std::string& profile) {
  return aws::find_region(
      read_variable,
      [](const std::string& path) { return runtime::real::read_file(path, aws::kMaxSharedFileBytes); },
      profile);
}

AwsAccess::AwsAccess(runtime::Executor control, runtime::Executor net, runtime::Clock& clock,
                     runtime::Rng& rng, base::Logger log)
    : net_(net),
      rng_(rng),
      services_(std::make_unique<net::HttpClient>(
          net, clock, aws::service_http(net::read_proxy_environment(&std::getenv)))),
      metadata_(std::make_unique<net::HttpClient>(net, clock, aws::metadata_http())),
      files_(control, clock),
      outside_{aws::make_sender(net, *services_),
               aws::make_sender(net, *metadata_),
               files_.function(),
               read_variable,
               clock,
               rng_,
               std::move(log)} {}

base::Result<aws::CredentialsSource*> AwsAccess::credentials(const ecs::CloudOptions& cloud,
                                                             const std::string& installation) {
  const auto& said = cloud.credentials;
  const aws::ChainOptions options{said.profile, cloud.region, sts_endpoint(cloud)};
  const auto& role = said.assume_role;
  auto& login = logins_[{said.profile, role.role_arn, role.external_id, role.session_name, cloud.region,
                         options.endpoint.url}];
  if (!login.chain) login.chain = std::make_unique<aws::CredentialChain>(outside_, options);
  if (role.role_arn.empty()) return login.chain.get();
  if (!login.role) {
    const auto session = role.session_name.empty() ? "footman-" + installation : role.session_name;
    FOOTMAN_TRY(login.role,
                aws::AssumedRole::create(outside_, options, *login.chain,
                                         {role.role_arn, role.external_id, session, base::Duration(0)}));
  }
  return login.role.get();
}

aws::RateLimits& AwsAccess::rates(const ecs::CloudOptions& cloud) {
  return rates_
      .try_emplace({cloud.credentials.profile, cloud.credentials.assume_role.role_arn, cloud.region,
                    cloud.endpoint.url},
                   outside_.even.now())
      .first->second;
}

runtime::Awaitable<void> AwsAccess::stop() {
  co_await runtime::run_on(net_, drop(std::move(services_), std::move(metadata_)));
}

}  // namespace footman::app
