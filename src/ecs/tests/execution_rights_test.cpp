#include "ecs/execution_rights.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
using footman::base::TemplateName;

namespace {

const std::string kOwnAccount = "123456789012";
const std::string kStartRole = "arn:aws:iam::123456789012:role/footman-execution";

// "action resource", of all that the role needs.
std::vector<std::string> list_needs(const CloudOptions& cloud, const TemplateOptions& options) {
  std::vector<std::string> out;
  const auto wishes = list_execution_wishes(cloud, {{TemplateName("node"), options}}, kOwnAccount, {});
  for (const auto& [role, list] : wishes) {
    CHECK(role == kStartRole);
    for (const auto& wish : list)
      for (const auto& action : wish.actions)
        for (const auto& resource : wish.resources) out.push_back(fmt::format("{} {}", action, resource));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

TEST_CASE("execution rights: images of ECR and logs") {
  auto cloud = make_cloud();
  auto options = make_fargate_options();
  const std::string repository = " arn:aws:ecr:eu-central-1:123456789012:repository/footman-agent";
  const std::vector<std::string> images{"ecr:BatchCheckLayerAvailability" + repository,
                                        "ecr:BatchGetImage" + repository, "ecr:GetAuthorizationToken *",
                                        "ecr:GetDownloadUrlForLayer" + repository};
  CHECK(list_needs(cloud, options) == images);
  cloud.log_group = "/footman";
  auto all = images;
  const std::string group = " arn:aws:logs:eu-central-1:123456789012:log-group:/footman";
  all.push_back("logs:CreateLogStream" + group + ":log-stream:doctor");
  all.push_back("logs:PutLogEvents" + group + ":log-stream:doctor");
  CHECK(list_needs(cloud, options) == all);
  options.container.log = LogConfiguration{
      LogDriver::awslogs, {{"awslogs-group", "/footman"}, {"awslogs-create-group", "true"}}, {}};
  all.insert(all.begin() + 4, "logs:CreateLogGroup" + group);
  CHECK(list_needs(cloud, options) == all);
  options.execution_role.clear();
  options.container.log.reset();
  cloud.log_group.clear();
  CHECK(list_needs(cloud, options).empty());
}

TEST_CASE("execution rights: secrets, parameters and environment files") {
  auto options = make_fargate_options();
  options.agent.carrier_image = "footman/agent";
  const std::string secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-AbCdEf";
  const std::string parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/ci/key";
  options.container.secrets = {
      {"A", secret}, {"B", secret + ":key::"}, {"C", parameter}, {"D", "plain"}, {"E", "/in/folder"}};
  options.container.environment_files = {"arn:aws:s3:::bucket/file.env"};
  CHECK(list_needs(make_cloud(), options) ==
        std::vector<std::string>{
            "s3:GetObject arn:aws:s3:::bucket/file.env", "secretsmanager:GetSecretValue " + secret,
            "ssm:GetParameters arn:aws:ssm:eu-central-1:123456789012:parameter/in/folder",
            "ssm:GetParameters arn:aws:ssm:eu-central-1:123456789012:parameter/plain",
            "ssm:GetParameters " + parameter});
}
