// Credentials from what stands beside this process: the agent of its container or pod, and the instance
// metadata service of EC2, version 2 only. Sources: "Container credential provider" and "IMDS credential
// provider" in the AWS SDKs and Tools Reference Guide; "Retrieve security credentials from instance metadata"
// in the Amazon EC2 User Guide.
//
// The executor is the caller's; `outside` outlives the call.
#pragma once

#include <optional>
#include <string>

#include "aws/credentials.hpp"
#include "aws/outside.hpp"

namespace footman::aws {

// ECS:  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, a path on 169.254.170.2
// EKS:  AWS_CONTAINER_CREDENTIALS_FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or …_TOKEN
struct ContainerEndpoint {
  net::Url url;
  Secret token;            // the Authorization header's value; empty: none
  std::string token_file;  // instead of `token`, read anew each time: it is replaced now and then
};
// Nothing: neither address is set. Without TLS only loopback and the addresses of ECS (169.254.170.2) and EKS
// (169.254.170.23, fd00:ec2::23) may be asked, since whoever is asked gets the token; errors:
// invalid_argument.
Result<std::optional<ContainerEndpoint>> find_container_endpoint(const Environment& environment);
runtime::Awaitable<Result<Credentials>> fetch_container_credentials(const Outside& outside,
                                                                    ContainerEndpoint endpoint);

// AWS_EC2_METADATA_SERVICE_ENDPOINT, or 169.254.169.254 (AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6:
// fd00:ec2::254). Nothing: AWS_EC2_METADATA_DISABLED=true.
Result<std::optional<net::Url>> find_instance_endpoint(const Environment& environment);
// not_found: nobody answers there, or the instance has no role.
runtime::Awaitable<Result<Credentials>> fetch_instance_credentials(const Outside& outside, net::Url endpoint);

}  // namespace footman::aws
