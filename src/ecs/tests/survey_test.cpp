#include "ecs/survey.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "ecs/snippet.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
using footman::base::Errc;
using footman::base::TemplateName;

namespace {

constexpr const char* kTasksAlone =
    R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}]})";
constexpr const char* kTasksAndRoot =
    R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com","AWS":"*"}}]})";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("survey: images of ECR are told by their registry's name") {
  const auto image = find_ecr_image("123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:7");
  REQUIRE(image.has_value());
  CHECK(image->account == "123456789012");
  CHECK(image->region == "eu-central-1");
  CHECK(image->repository == "team/app");
  CHECK(image->tag == "7");
  CHECK(image->digest.empty());
  const auto digest = find_ecr_image("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app:1@sha256:00");
  REQUIRE(digest.has_value());
  CHECK(digest->repository == "app");
  CHECK(digest->tag == "1");
  CHECK(digest->digest == "sha256:00");
  CHECK(find_ecr_image("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app")->tag == "latest");
  for (const auto* other :
       {"node:20", "docker.io/library/node", "public.ecr.aws/docker/library/node:20",
        "123.dkr.ecr.eu-central-1.amazonaws.com/app", "dkr.ecr.eu-central-1.amazonaws.com/app",
        "123456789012.dkr.ecr.eu-central-1.example.com/app", ""}) {
    CAPTURE(other);
    CHECK_FALSE(find_ecr_image(other).has_value());
  }
}

TEST_CASE("survey: what a configuration names is asked, each once") {
  auto cloud = make_cloud();
  cloud.log_group = "/footman/agents";
  cloud.event_queue_url = "https://sqs.eu-central-1.amazonaws.com/123456789012/footman";
  auto spot = make_fargate_options();
  spot.capacity = {CapacityKind::strategy, LaunchType::fargate, {{"FARGATE_SPOT", 0, 1}}, {}};
  spot.container.image = "debian:12";
  spot.volumes = {{"cache", {}, EfsVolume{"fs-01234567"}, {}, {}, {}}};
  spot.container.log = LogConfiguration{LogDriver::awslogs, {{"awslogs-group", "/own"}}, {}};
  const auto asked =
      list_questions(cloud, {{TemplateName("a"), make_fargate_options()}, {TemplateName("b"), spot}});
  CHECK(asked.cluster == "ci");
  CHECK(asked.event_queue == cloud.event_queue_url);
  CHECK(asked.subnets == std::set<std::string>{"subnet-0123456789abcdef0", "subnet-0a1b2c3d"});
  CHECK(asked.groups == std::set<std::string>{"sg-0123456789abcdef0"});
  CHECK(asked.task_roles.size() == 1);
  CHECK(asked.execution_roles.size() == 1);
  CHECK(asked.log_groups == std::set<std::string>{"/footman/agents", "/own"});
  CHECK(asked.images.size() == 3);  // both and the carrier
  CHECK(asked.file_systems == std::set<std::string>{"fs-01234567"});
  CHECK(asked.fargate);
  CHECK(asked.fargate_spot);

  auto existing = TemplateOptions();
  existing.task_definition = "ci:7";
  existing.capacity.launch_type = LaunchType::ec2;
  const auto little = list_questions({}, {{TemplateName("c"), existing}});
  CHECK(little.cluster == "default");
  CHECK(little.images.empty());
  CHECK(little.log_groups.empty());
  CHECK_FALSE(little.fargate);
  // A group that its driver makes need not be there.
  spot.container.log->options["awslogs-create-group"] = "true";
  CHECK(list_questions(make_cloud(), {{TemplateName("b"), spot}}).log_groups.empty());
}

TEST_CASE("survey: IAM is asked about the server's policy, with the conditions that it has") {
  const auto policy =
      make_iam_policy(make_cloud(), {{TemplateName("node"), make_fargate_options()}}, "123456789012");
  REQUIRE(policy.has_value());
  const auto wishes = list_wishes(policy->document);
  CHECK(wishes.size() == policy->document.at("Statement").as_array().size());
  const auto pass = std::ranges::find(wishes, Texts{"iam:PassRole"}, &Wish::actions);
  REQUIRE(pass != wishes.end());
  CHECK(pass->resources.size() == 2);
  CHECK(pass->context == TextMap{{"iam:PassedToService", "ecs-tasks.amazonaws.com"}});
  const auto run = std::ranges::find(wishes, Texts{"ecs:RunTask"}, &Wish::actions);
  REQUIRE(run != wishes.end());
  CHECK(run->resources == Texts{"arn:aws:ecs:eu-central-1:123456789012:task-definition/footman-doctor"});
  const auto definitions = std::ranges::find(wishes, Texts{"ecs:DescribeTaskDefinition"}, &Wish::actions);
  REQUIRE(definitions != wishes.end());
  CHECK(definitions->resources == Texts{"*"});
}

TEST_CASE("survey: the policy of an examination only reads, and only what is named") {
  const auto text_of = [](const TemplateOptions& options, const CloudOptions& cloud) {
    const auto policy = make_survey_policy(cloud, {{TemplateName("node"), options}}, "123456789012");
    REQUIRE(policy.has_value());
    for (const auto& statement : policy->document.at("Statement").as_array())
      for (const auto& action : statement.at("Action").as_array()) {
        const std::string name(action.as_string());
        const auto verb = name.substr(name.find(':') + 1);
        CHECK((verb.starts_with("Describe") || verb.starts_with("Get") || verb.starts_with("List") ||
               verb.starts_with("BatchGet") || verb.starts_with("Simulate")));
      }
    return boost::json::serialize(policy->document);
  };
  auto cloud = make_cloud();
  const auto plain = text_of(make_fargate_options(), cloud);
  CHECK(has(plain, R"(["arn:aws:ecr:eu-central-1:123456789012:repository/footman-agent"])"));
  CHECK(has(plain, R"(["arn:aws:ecs:eu-central-1:123456789012:cluster/ci"])"));
  CHECK(has(plain, "servicequotas:GetServiceQuota"));
  CHECK(has(plain, "logs:DescribeLogGroups"));  // `cloud discover` lists them
  cloud.log_group = "/footman/agents";
  auto elsewhere = make_fargate_options();
  elsewhere.agent.carrier_image = "example.com/agent:1";
  const auto other = text_of(elsewhere, cloud);
  CHECK(has(other, "arn:aws:logs:eu-central-1:123456789012:log-group:*"));
  CHECK_FALSE(has(other, "ecr:"));
  CHECK_FALSE(make_survey_policy(cloud, {}, "12").has_value());
}

TEST_CASE("snippet: what fits best is chosen, and what is missing is told") {
  Landscape found;
  found.caller = CallerFacts{"123456789012", "arn:aws:iam::123456789012:user/me"};
  found.clusters = Texts{"web", "build"};
  found.subnets = std::vector<SubnetFacts>{{"subnet-00000001", {}, "vpc-a", "a", 9},
                                           {"subnet-00000002", {}, "vpc-b", "a", 9},
                                           {"subnet-00000003", {}, "vpc-b", "b", 9},
                                           {"subnet-00000004", {}, "vpc-b", "c", 9}};
  const auto table = [](std::string vpc, Texts subnets, std::string target) {
    return RouteTableFacts{
        "rtb", std::move(vpc), false, std::move(subnets), {{"0.0.0.0/0", std::move(target), true}}};
  };
  found.route_tables = std::vector<RouteTableFacts>{table("vpc-a", {"subnet-00000001"}, "igw-a"),
                                                    table("vpc-b", {"subnet-00000002"}, "nat-b"),
                                                    table("vpc-b", {"subnet-00000003"}, "igw-b")};
  found.groups = std::vector<GroupFacts>{{"sg-00000001", "default", "vpc-b", {}},
                                         {"sg-00000002", "web", "vpc-b", {}},
                                         {"sg-00000003", "CI-agents", "vpc-b", {}},
                                         {"sg-00000004", "agents", "vpc-a", {}}};
  const auto role = [](const std::string& name, const char* trust) {
    return RoleFacts{name, "arn:aws:iam::123456789012:role/" + name, trust};
  };
  found.roles =
      std::vector<RoleFacts>{role("app", kTasksAlone), role("agent-of-others", kTasksAndRoot),
                             role("build-agent", kTasksAlone), role("ecsTaskExecutionRole", kTasksAndRoot)};
  found.log_groups = Texts{"/aws/web", "/Footman/agents"};
  const auto cloud = make_cloud();
  const auto text = make_snippet(cloud, found, "").value();
  INFO(text);
  CHECK(has(text, "cluster: build  # or web\n"));
  CHECK(has(text, "log_group: /Footman/agents\n"));
  CHECK(has(text, "subnets: [subnet-00000002]\n"));  // of those within
  CHECK_FALSE(has(text, "assign_public_ip"));
  CHECK(has(text, "security_groups: [sg-00000003]  # or sg-00000002, sg-00000001\n"));
  CHECK(has(text, "execution_role: arn:aws:iam::123456789012:role/ecsTaskExecutionRole\n"));
  CHECK(has(
      text,
      "task_role: arn:aws:iam::123456789012:role/build-agent  # or arn:aws:iam::123456789012:role/app\n"));

  const auto open = make_snippet(cloud, found, "vpc-a").value();
  CHECK(has(open, "subnets: [subnet-00000001]\n      assign_public_ip: true\n"));
  CHECK(has(open, "security_groups: [sg-00000004]\n"));
  const auto none = make_snippet(cloud, found, "vpc-c");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Errc::not_found);
  CHECK(has(make_snippet(cloud, {}, "").value(), "subnets: [subnet-00000000]  # FILL IN: none was found"));
  found.log_groups = Texts{"/aws/web"};
  CHECK(has(make_snippet(cloud, found, "").value(),
            "# log_group: /footman/agents  # FILL IN: make it (aws logs create-log-group --log-group-name "
            "/footman/agents)"));
}
