#include "ecs/trust_policy.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace footman::ecs;

namespace {

// A policy of these statements, which are Allow and sts:AssumeRole where they do not say otherwise.
Trust trust_of(const std::string& statements) {
  return judge_trust(R"({"Version":"2012-10-17","Statement":)" + statements + "}");
}

std::string allow(const std::string& principal, const std::string& action = R"("sts:AssumeRole")") {
  return fmt::format(R"({{"Effect":"Allow","Action":{},"Principal":{}}})", action, principal);
}

constexpr const char* kTasks = R"({"Service":"ecs-tasks.amazonaws.com"})";
const std::string kUser = R"({"AWS":"arn:aws:iam::123456789012:user/eve"})";

}  // namespace

TEST_CASE("trust: ECS' tasks alone, in every form") {
  const Trust alone{true, true, {}};
  CHECK(trust_of("[" + allow(kTasks) + "]") == alone);
  CHECK(trust_of(allow(kTasks)) == alone);
  CHECK(trust_of(allow(R"({"Service":["ecs-tasks.amazonaws.com"]})",
                       R"(["sts:AssumeRole","sts:TagSession"])")) == alone);
  CHECK(trust_of(
            R"([{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"},
                     "Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}])") == alone);
  // What gives no session, and denials.
  CHECK(trust_of("[" + allow(kTasks) + "," + allow(kUser, R"("sts:TagSession")") + "]") == alone);
  CHECK(trust_of("[" + allow(kTasks) + R"(,{"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}])") ==
        alone);
}

TEST_CASE("trust: whoever else could get a session of the role") {
  const auto others = [](const std::string& statement) {
    const auto trust = trust_of("[" + allow(kTasks) + "," + statement + "]");
    CHECK(trust.readable);
    CHECK(trust.tasks);
    return trust.others;
  };
  CHECK(others(allow(kUser)) == Texts{"arn:aws:iam::123456789012:user/eve"});
  CHECK(others(allow(R"("*")")) == Texts{"*"});
  CHECK(others(allow(R"({"AWS":"*"})")) == Texts{"*"});
  CHECK(others(allow(R"({"AWS":["123456789012","*"]})")) == Texts{"*", "123456789012"});
  CHECK(others(allow(R"({"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]})")) ==
        Texts{"ec2.amazonaws.com"});
  CHECK(others(allow(R"({"Federated":"oidc"})", R"("sts:AssumeRoleWithWebIdentity")")) == Texts{"oidc"});
  CHECK(others(allow(kUser, R"("sts:*")")).size() == 1);
  CHECK(others(allow(kUser, R"("*")")).size() == 1);
  CHECK(others(allow(kUser, R"(["sts:TagSession","sts:Assume*"])")).size() == 1);
  CHECK(others(R"({"Effect":"Allow","NotAction":"sts:TagSession","Principal":{"AWS":"x"}})") == Texts{"x"});
  CHECK(others(R"({"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"x"}})").size() == 1);
  // A condition may keep them away, or not: nobody weighs it here.
  CHECK(others(R"({"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"x"},
                  "Condition":{"StringEquals":{"sts:ExternalId":"y"}}})") == Texts{"x"});
}

TEST_CASE("trust: not ECS' tasks, and what is no policy") {
  CHECK(trust_of("[" + allow(kUser) + "]") == Trust{true, false, {"arn:aws:iam::123456789012:user/eve"}});
  CHECK(trust_of("[]") == Trust{true, false, {}});
  for (const auto* bad :
       {"", "null", "[]", "{}", R"({"Statement":7})", R"({"Statement":[7]})", R"({"Statement":[{}]})",
        R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]})",
        R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":7}]})",
        R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":7}}]})"}) {
    CAPTURE(bad);
    CHECK_FALSE(judge_trust(bad).readable);
  }
}
