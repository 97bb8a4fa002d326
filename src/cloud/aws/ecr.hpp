// The Elastic Container Registry: who one is to a registry there. Source: Amazon ECR API Reference,
// 2015-09-21, and "Private registry authentication" in the Amazon ECR User Guide.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cloud/aws/client.hpp"

namespace footman::cloud::aws {

// "123456789012.dkr.ecr.eu-central-1.amazonaws.com". Nothing for what is another host: the public registry
// and FIPS endpoints, too.
struct EcrRegistry {
  std::string account;
  std::string region;
};
std::optional<EcrRegistry> find_ecr_registry(std::string_view host);

// For all registries that the caller may use in the client's region, for some hours.
struct EcrLogin {
  std::string user;
  Secret password;
};
// May be repeated. `client` is one of kEcr and outlives the call.
runtime::Awaitable<CallResult<EcrLogin>> get_authorization_token(Client& client);

// Of its answer. Errors: corrupt.
Result<EcrLogin> read_authorization(const boost::json::object& answer);

}  // namespace footman::cloud::aws
