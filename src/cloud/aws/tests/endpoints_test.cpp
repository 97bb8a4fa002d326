#include "cloud/aws/endpoints.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::cloud::aws;

namespace {

std::string endpoint(const Service& service, const std::string& region, const EndpointOptions& options = {}) {
  const auto url = find_endpoint(service, region, options);
  return url ? url->str() : describe(url.error());
}

}  // namespace

TEST_CASE("endpoints by partition and kind") {
  CHECK(endpoint(kEcs, "eu-central-1") == "https://ecs.eu-central-1.amazonaws.com/");
  CHECK(endpoint(kSts, "us-east-1") == "https://sts.us-east-1.amazonaws.com/");
  CHECK(endpoint(kEcs, "cn-north-1") == "https://ecs.cn-north-1.amazonaws.com.cn/");
  CHECK(endpoint(kEcs, "us-gov-west-1", {true, false, {}}) ==
        "https://ecs-fips.us-gov-west-1.amazonaws.com/");
  CHECK(endpoint(kSts, "us-gov-west-1", {true, false, {}}) == "https://sts.us-gov-west-1.amazonaws.com/");
  CHECK(endpoint(kEc2, "us-east-1", {true, true, {}}) == "https://ec2-fips.us-east-1.api.aws/");
}

TEST_CASE("hosts that have another name than the service, and a service without regions") {
  CHECK(endpoint(kEcr, "eu-central-1") == "https://api.ecr.eu-central-1.amazonaws.com/");
  CHECK(endpoint(kEcr, "eu-central-1", {false, true, {}}) == "https://ecr.eu-central-1.api.aws/");
  CHECK(endpoint(kIam, "eu-central-1") == "https://iam.amazonaws.com/");
  CHECK(find_signing_region(kIam, "eu-central-1") == "us-east-1");
  CHECK(find_signing_region(kIam, "us-gov-east-1") == "us-gov-west-1");
  CHECK(find_signing_region(kIam, "cn-northwest-1") == "cn-north-1");
  CHECK(find_signing_region(kEcr, "eu-central-1") == "eu-central-1");
  CHECK_FALSE(find_endpoint(kIam, "nowhere", {}));
}

TEST_CASE("what is no region never becomes part of a host name") {
  for (const auto* bad :
       {"", "eu", "eu-central", "eu-central-", "1", "-a-1", "eu-central-1.evil.example", "eu central-1",
        "eu-central-1/", "EU-CENTRAL-1", "a-1", "eu--central-1", "eu-central-1@x"}) {
    CAPTURE(bad);
    const auto url = find_endpoint(kEcs, bad, {});
    REQUIRE_FALSE(url);
    CHECK(url.error().code == base::Errc::invalid_argument);
    CHECK(url.error().field == "region");
  }
  CHECK_FALSE(find_endpoint(kEcs, std::string(100, 'a') + "-b-1", {}));
}

TEST_CASE("partitions that nobody here can reach need the address") {
  for (const auto* region : {"us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1"}) {
    CAPTURE(region);
    CHECK_FALSE(find_endpoint(kEcs, region, {}));
    CHECK(endpoint(kEcs, region, {false, false, "https://ecs.example.org"}) == "https://ecs.example.org/");
  }
}

TEST_CASE("an address of one's own") {
  CHECK(endpoint(kEcs, "eu-west-1", {true, true, "https://vpce-1.ecs.eu-west-1.vpce.amazonaws.com"}) ==
        "https://vpce-1.ecs.eu-west-1.vpce.amazonaws.com/");
  CHECK(endpoint(kEcs, "eu-west-1", {false, false, "http://127.0.0.1:4566/base"}) ==
        "http://127.0.0.1:4566/base");
  for (const auto* bad :
       {"ecs.example.org", "ftp://x", "wss://x", "http://ecs.example.org", "https://x/?a=b"}) {
    CAPTURE(bad);
    const auto url = find_endpoint(kEcs, "eu-west-1", {false, false, bad});
    REQUIRE_FALSE(url);
    CHECK(url.error().field == "endpoint");
  }
}
