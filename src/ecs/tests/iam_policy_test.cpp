#include "ecs/iam_policy.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
namespace json = boost::json;

namespace {

const std::string kAccount = "123456789012";
const std::string kEcs = "arn:aws:ecs:eu-central-1:123456789012:";

std::map<std::string, json::object> statements_of(const IamPolicy& policy) {
  std::map<std::string, json::object> out;
  for (const auto& one : policy.document.at("Statement").as_array())
    out[std::string(one.at("Sid").as_string())] = one.as_object();
  return out;
}

std::map<std::string, json::object> make(const CloudOptions& cloud, const TemplateOptions& options,
                                         std::vector<std::string>* notes = nullptr) {
  const auto made = make_iam_policy(cloud, {{TemplateName("node"), options}}, kAccount);
  REQUIRE(made.has_value());
  if (notes != nullptr) *notes = made->notes;
  return statements_of(*made);
}

std::string text(const json::value& value) { return json::serialize(value); }

}  // namespace

TEST_CASE("a policy that is too large for IAM says so, with its size") {
  NamedTemplates templates;
  const auto notes = [&](int roles) {
    for (int i = static_cast<int>(templates.size()); i < roles; ++i) {
      auto options = make_fargate_options();
      options.task_role = fmt::format("arn:aws:iam::123456789012:role/footman-task-of-the-template-{}", i);
      templates.emplace_back(TemplateName(fmt::format("t{}", i)), std::move(options));
    }
    return make_iam_policy(make_cloud(), templates, "123456789012").value().notes;
  };
  CHECK(notes(3).empty());
  const auto told = notes(100);
  REQUIRE(told.size() == 1);
  const auto size =
      boost::json::serialize(make_iam_policy(make_cloud(), templates, "123456789012").value().document)
          .size();
  CHECK(told[0].starts_with(fmt::format("it has {} characters", size)));
  CHECK(told[0].find("6144 in one managed policy and 10240 in all inline") != std::string::npos);
}

TEST_CASE("iam policy: one cluster, definitions of our own, the roles of the templates") {
  const auto all = make(make_cloud(), make_fargate_options());
  CHECK(all.size() == 11);
  const auto& launch = all.at("LaunchAgents");
  CHECK(text(launch.at("Action")) == R"(["ecs:RunTask"])");
  CHECK(text(launch.at("Resource")) == R"([")" + kEcs + R"(task-definition/footman-*"])");
  CHECK(text(launch.at("Condition")) == R"({"ArnEquals":{"ecs:cluster":")" + kEcs + R"(cluster/ci"}})");
  CHECK(text(all.at("FollowAgents").at("Resource")) == R"([")" + kEcs + R"(task/ci/*"])");
  CHECK(
      text(all.at("PassRolesToTasks").at("Resource")) ==
      R"(["arn:aws:iam::123456789012:role/footman-agent","arn:aws:iam::123456789012:role/footman-execution"])");
  CHECK(text(all.at("PassRolesToTasks").at("Condition")) ==
        R"({"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}})");
  CHECK(text(all.at("TagWhatIsMade").at("Condition")) ==
        R"({"StringEquals":{"ecs:CreateAction":["RegisterTaskDefinition","RunTask"]}})");
}

TEST_CASE("iam policy: what is not used is not in it") {
  auto options = make_fargate_options();
  options.task_role.clear();
  options.execution_role.clear();
  CHECK(make(make_cloud(), options).contains("SeeFreeAddresses"));
  options.subnets.pop_back();
  CHECK_FALSE(make(make_cloud(), options).contains("SeeFreeAddresses"));
  CHECK_FALSE(make(make_cloud(), options).contains("PassRolesToTasks"));
  CHECK_FALSE(make(make_cloud(), options).contains("ReceiveEvents"));
  auto existing = TemplateOptions();
  existing.task_definition = "ci";
  std::vector<std::string> notes;
  const auto all = make(make_cloud(), existing, &notes);
  for (const auto* none : {"RegisterDefinitions", "RetireDefinitions", "DeleteDefinitions"})
    CHECK_FALSE(all.contains(none));
  CHECK(text(all.at("LaunchAgents").at("Resource")) ==
        R"([")" + kEcs + R"(task-definition/ci",")" + kEcs + R"(task-definition/ci:*"])");
  CHECK(text(all.at("TagWhatIsMade").at("Resource")) == R"([")" + kEcs + R"(task/ci/*"])");
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].find("'node'") != std::string::npos);
  CHECK(notes[1].find("logs:GetLogEvents") != std::string::npos);
}

TEST_CASE("iam policy: the agents' own streams, where Footman reads what they said last") {
  const auto resource_of = [](const CloudOptions& cloud, const TemplateOptions& options) {
    const auto all = make(cloud, options);
    const auto found = all.find("ReadLastLines");
    if (found == all.end()) return std::string();
    CHECK(text(found->second.at("Action")) == R"(["logs:GetLogEvents"])");
    return text(found->second.at("Resource"));
  };
  auto cloud = make_cloud();
  auto options = make_fargate_options();
  CHECK(resource_of(cloud, options).empty());
  cloud.log_group = "/footman";
  const std::string own =
      R"(["arn:aws:logs:eu-central-1:123456789012:log-group:/footman:log-stream:footman/agent/*"])";
  CHECK(resource_of(cloud, options) == own);
  options.container.log = LogConfiguration{LogDriver::splunk, {{"splunk-url", "https://splunk"}}, {}};
  CHECK(resource_of(cloud, options).empty());
  options.container.log =
      LogConfiguration{LogDriver::awslogs, {{"awslogs-group", "g"}, {"awslogs-region", "us-west-2"}}, {}};
  CHECK(resource_of(cloud, options).empty());  // of another region: it is not read
  options.container.log->options["awslogs-region"] = "eu-central-1";
  options.container.log->options["awslogs-stream-prefix"] = "p";
  CHECK(resource_of(cloud, options) ==
        R"(["arn:aws:logs:eu-central-1:123456789012:log-group:g:log-stream:p/agent/*"])");
}

TEST_CASE("iam policy: a revision, a queue, a role that is assumed, another partition") {
  auto existing = TemplateOptions();
  existing.task_definition = "ci:7";
  CHECK(text(make(make_cloud(), existing).at("LaunchAgents").at("Resource")) ==
        R"([")" + kEcs + R"(task-definition/ci:7"])");

  auto cloud = make_cloud();
  cloud.event_queue_url = "https://sqs.eu-central-1.amazonaws.com/210987654321/events";
  cloud.credentials.assume_role.role_arn = "arn:aws:iam::123456789012:role/footman";
  std::vector<std::string> notes;
  const auto all = make(cloud, make_fargate_options(), &notes);
  CHECK(text(all.at("ReceiveEvents").at("Resource")) ==
        R"(["arn:aws:sqs:eu-central-1:210987654321:events"])");
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("sts:AssumeRole") != std::string::npos);

  auto china = make_cloud();
  china.region = "cn-north-1";
  auto options = make_fargate_options();
  options.task_role = options.execution_role = "arn:aws-cn:iam::123456789012:role/agent";
  CHECK(text(make(china, options).at("FollowAgents").at("Resource")) ==
        R"(["arn:aws-cn:ecs:cn-north-1:123456789012:task/ci/*"])");
}

TEST_CASE("iam policy: the account is what the configuration names") {
  CHECK(find_account(make_cloud(), {}).empty());
  CHECK(find_account(make_cloud(), {{TemplateName("node"), make_fargate_options()}}) == kAccount);
  auto cloud = make_cloud();
  cloud.event_queue_url = "https://sqs.eu-central-1.amazonaws.com/210987654321/events";
  CHECK(find_account(cloud, {}) == "210987654321");
  cloud.cluster = "arn:aws:ecs:eu-central-1:111111111111:cluster/ci";
  CHECK(find_account(cloud, {}) == "111111111111");
  CHECK_FALSE(make_iam_policy(cloud, {}, kAccount).has_value());
  CHECK_FALSE(make_iam_policy(make_cloud(), {}, "12").has_value());
  CHECK_FALSE(make_iam_policy({}, {}, kAccount).has_value());
}
