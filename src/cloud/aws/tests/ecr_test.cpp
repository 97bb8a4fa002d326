#include "cloud/aws/ecr.hpp"

#include "base/digest.hpp"
#include "cloud/aws/cached_credentials.hpp"
#include "cloud/aws/tests/world.hpp"

using namespace footman;
using namespace footman::cloud::aws;
using namespace footman::cloud::aws::test;

TEST_CASE("registries of ECR are known by their host") {
  const auto found = find_ecr_registry("123456789012.dkr.ecr.eu-central-1.amazonaws.com");
  REQUIRE(found);
  CHECK(found->account == "123456789012");
  CHECK(found->region == "eu-central-1");
  CHECK(find_ecr_registry("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")->region == "cn-north-1");
  // Nobody else gets a password that is AWS'.
  for (const auto* other :
       {"", "docker.io", "public.ecr.aws", "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
        "1234567890123.dkr.ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com:444", "123456789012.dkr.ecr.evil.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.evil.com", "123456789012.dkr.ecr.cn-north-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com"})
    CHECK_MESSAGE(!find_ecr_registry(other), other);
}

TEST_CASE("the token of ECR is a user and a password") {
  World world;
  FixedCredentials credentials({"key", Secret("secret"), {}, {}, "a test"});
  const auto client = *Client::create({kEcr, "eu-central-1", {}, {}}, world.outside, &credentials, nullptr);
  const auto token = base::to_base64("AWS:pass:word");
  world.services.answers(
      {answer(200, R"({"authorizationData":[{"authorizationToken":")" + token + R"(","expiresAt":1.5}]})"),
       answer(200, R"({"authorizationData":[{"authorizationToken":"QVdT"}]})"),
       json_error("AccessDeniedException", "User is not authorized to perform: ecr:GetAuthorizationToken")});
  const auto login = world.run(get_authorization_token(*client));
  REQUIRE(login);
  CHECK(login->user == "AWS");
  CHECK(login->password.expose() == "pass:word");
  const auto& request = world.services.requests.at(0);
  CHECK(request.url.str() == "https://api.ecr.eu-central-1.amazonaws.com/");
  CHECK(request.headers.value_or("X-Amz-Target", "") ==
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  CHECK(has(std::string(request.headers.value_or("Authorization", "")), "/eu-central-1/ecr/aws4_request"));
  const auto strange = world.run(get_authorization_token(*client));
  REQUIRE_FALSE(strange);
  CHECK(strange.error().message == "the answer of ECR to GetAuthorizationToken has no token");
  const auto denied = world.run(get_authorization_token(*client));
  REQUIRE_FALSE(denied);
  CHECK(to_error(denied.error()).code == base::Errc::permission_denied);
}
