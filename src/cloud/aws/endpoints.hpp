// Which AWS services there are for us, and where they answer in a region. Pure.
// Source: the endpoint rules of the services in botocore, with which tests/botocore_test.py compares.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cloud/aws/errors.hpp"
#include "net/http.hpp"

namespace footman::cloud::aws {

struct Service {
  std::string_view name;  // in signatures, and in the host name
  Protocol protocol = Protocol::json_1_1;
  std::string_view target;   // JSON: before the operation, in X-Amz-Target
  std::string_view version;  // query: the API's
  // In aws-us-gov the ordinary endpoint is the FIPS one, and there is no other.
  bool plain_fips_in_gov = false;
  std::string_view host = {};             // in the host name instead
  std::string_view dual_stack_host = {};  // the same, of dual-stack endpoints
  bool is_global = false;                 // one for all regions of a partition
};

inline constexpr Service kEcs{"ecs", Protocol::json_1_1, "AmazonEC2ContainerServiceV20141113", "", false};
inline constexpr Service kSts{"sts", Protocol::query, "", "2011-06-15", true};
inline constexpr Service kEc2{"ec2", Protocol::query, "", "2016-11-15", true};
inline constexpr Service kSqs{"sqs", Protocol::json_1_0, "AmazonSQS", "", true};
inline constexpr Service kLogs{"logs", Protocol::json_1_1, "Logs_20140328", "", true};
inline constexpr Service kQuotas{"servicequotas", Protocol::json_1_1, "ServiceQuotasV20190624", "", true};
inline constexpr Service kIam{"iam", Protocol::query, "", "2010-05-08", true, "", "", true};
inline constexpr Service kEfs{"elasticfilesystem", Protocol::rest, "", "", false, "", "efs"};
inline constexpr Service kEcr{
    "ecr", Protocol::json_1_1, "AmazonEC2ContainerRegistry_V20150921", "", false, "api.ecr", "ecr"};

inline constexpr std::size_t kMaxRegionBytes = 32;
// The form of a region's name; whether there is one is AWS' to say.
bool is_region(std::string_view text);

struct EndpointOptions {
  bool fips = false;
  bool dual_stack = false;
  std::string url;  // instead of AWS' own: a VPC endpoint, a fake; the region still counts for signatures
};

// Always a regional endpoint, also for STS. Errors (invalid_argument): no region, or one that cannot be; a
// region of a partition other than aws, aws-cn and aws-us-gov without `url`; a `url` that is none, or that
// would send credentials beyond this machine without TLS.
Result<net::Url> find_endpoint(const Service& service, std::string_view region,
                               const EndpointOptions& options);
// That of the signature: the region itself, but for a global service.
std::string find_signing_region(const Service& service, const std::string& region);

}  // namespace footman::cloud::aws
