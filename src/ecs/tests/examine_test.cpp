#include "ecs/examine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <functional>

#include "ecs/execution_rights.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
using namespace std::chrono_literals;
using footman::base::TemplateName;
using footman::model::Finding;
using footman::model::FindingState;

namespace {

constexpr const char* kTaskTrust =
    R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}]})";
const std::string kCarrier = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1";
const std::string kTaskRole = "arn:aws:iam::123456789012:role/footman-agent";
const std::string kExecutionRole = "arn:aws:iam::123456789012:role/footman-execution";

// A configuration and an account in which all is well.
struct Case {
  Examined examined;
  Survey survey;
  TemplateOptions& options() { return examined.templates.front().second; }
};

void with_queue(Case& one, Known<std::optional<QueueFacts>> facts) {
  one.examined.cloud.event_queue_url = "https://sqs.eu-central-1.amazonaws.com/123456789012/footman";
  one.survey.event_queue = std::move(facts);
}

Case make_case() {
  Case out;
  out.examined.cloud = make_cloud();
  out.examined.cloud.log_group = "/footman/agents";
  out.examined.templates = {{TemplateName("node"), make_fargate_options()}};
  out.examined.targets = {{TemplateName("node"), {"ci.example.com", 443, {"198.51.100.7"}, {}}}};
  auto& s = out.survey;
  s.caller = CallerFacts{"123456789012", "arn:aws:iam::123456789012:user/footman"};
  s.clock_difference = 1s;
  s.cluster = ClusterFacts{
      "arn:aws:ecs:eu-central-1:123456789012:cluster/ci", "ACTIVE", 0, {"FARGATE", "FARGATE_SPOT"}};
  s.subnets = std::vector<SubnetFacts>{
      {"subnet-0a1b2c3d", "one", "vpc-1", "eu-central-1a", 100, "10.0.1.0/24"},
      {"subnet-0123456789abcdef0", "two", "vpc-1", "eu-central-1b", 200, "10.0.2.0/24"}};
  s.route_tables = std::vector<RouteTableFacts>{{"rtb-1", "vpc-1", true, {}, {{"0.0.0.0/0", "nat-1", true}}}};
  s.endpoints = std::vector<VpcEndpointFacts>{};
  s.groups = std::vector<GroupFacts>{
      {"sg-0123456789abcdef0", "agents", "vpc-1", {{"-1", 0, 65535, {"0.0.0.0/0"}, {}}}}};
  s.acls = std::vector<AclFacts>{
      {"acl-1",
       "vpc-1",
       true,
       {},
       {{100, true, true, "-1", 0, 65535, "0.0.0.0/0"}, {100, false, true, "-1", 0, 65535, "0.0.0.0/0"}}}};
  s.interfaces = std::vector<InterfaceFacts>{{"eni-1", "198.51.100.7", {"sg-9"}}};
  s.interface_groups = std::vector<GroupFacts>{
      {"sg-9", "server", "vpc-1", {}, {{"tcp", 0, 65535, {}, {"sg-0123456789abcdef0"}}}}};
  s.execution_rights.insert_or_assign(
      kExecutionRole,
      std::vector<Decision>{{"ecr:BatchGetImage", "*", "allowed"}, {"logs:PutLogEvents", "*", "allowed"}});
  s.roles.insert_or_assign(kTaskRole, RoleFacts{"footman-agent", kTaskRole, kTaskTrust});
  s.roles.insert_or_assign(kExecutionRole, RoleFacts{"footman-execution", kExecutionRole, kTaskTrust});
  s.log_groups.insert_or_assign("/footman/agents", true);
  s.images.insert_or_assign(kCarrier,
                            ImageFacts{"sha256:1", {CpuArchitecture::x86_64, CpuArchitecture::arm64}});
  s.quotas.insert_or_assign(kFargateQuota, 100.0);
  s.permissions =
      std::vector<Decision>{{"ecs:RunTask", "*", "allowed"}, {"iam:PassRole", kTaskRole, "allowed"}};
  return out;
}

std::vector<Finding> findings_of(const Case& one) { return examine(one.examined, one.survey); }

std::string told(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& one : findings)
    text += fmt::format("{} {}: {} [{}] <{}>\n", get_word(footman::model::kFindingStates, one.state),
                        one.check, one.text, one.advice, one.permission);
  return text;
}

struct Fault {
  const char* name;
  std::function<void(Case&)> plant;
  FindingState state;
  const char* check;
  const char* text;    // a part of the sentence
  const char* advice;  // a part
};

std::unexpected<NotKnown> denied(const char* permission) {
  return std::unexpected(NotKnown{permission, true, "User is not authorized"});
}

}  // namespace

TEST_CASE("doctor: an account in which all is well") {
  const auto all = findings_of(make_case());
  INFO(told(all));
  for (const auto& one : all) {
    // An image that is not of ECR is nobody's to ask.
    CHECK(one.state == (one.check == "image" && one.text.find("node:20") != std::string::npos
                            ? FindingState::unchecked
                            : FindingState::ok));
    CHECK((one.state == FindingState::ok) == one.advice.empty());
  }
  for (const auto* check : {"credentials", "region", "clock", "permissions", "cluster", "subnets",
                            "route-out", "security-groups", "network-acl", "agent-address", "server-ingress",
                            "task-role", "execution-role", "execution-rights", "log-group", "image", "quota"})
    CHECK_MESSAGE(std::ranges::find(all, std::string(check), &Finding::check) != all.end(), check);
}

TEST_CASE("doctor: each fault is found and named, with what to do, and nothing else is") {
  using enum FindingState;
  const auto subnet = [](Case& c) -> SubnetFacts& { return c.survey.subnets->front(); };
  const auto route = [](Case& c) -> Route& { return c.survey.route_tables->front().routes.front(); };
  const auto rules = [](Case& c) -> std::vector<PortRule>& { return c.survey.groups->front().egress; };
  const auto acl = [](Case& c) -> std::vector<AclEntry>& { return c.survey.acls->front().entries; };
  const auto ingress = [](Case& c) -> std::vector<PortRule>& {
    return c.survey.interface_groups->front().ingress;
  };
  const auto trust = [](Case& c, const std::string& arn, const std::string& policy) {
    c.survey.roles.insert_or_assign(arn, RoleFacts{"footman-agent", arn, policy});
  };
  const std::vector<Fault> faults = {
      {"another account", [](Case& c) { c.survey.caller->account = "999999999999"; }, failed, "credentials",
       "configuration names things of 123456789012", "assume_role"},
      {"root", [](Case& c) { c.survey.caller->arn = "arn:aws:iam::123456789012:root"; }, warning,
       "credentials", "root user", "iam-policy"},
      {"clock", [](Case& c) { c.survey.clock_difference = -10min; }, warning, "clock",
       "10 min 0 s ahead of AWS'", "NTP"},
      {"no PassRole", [](Case& c) { c.survey.permissions->back().allows = "implicitDeny"; }, failed,
       "permissions", "iam:PassRole on arn:aws:iam::123456789012:role/footman-agent (implicitDeny)",
       "footman iam-policy"},
      {"permissions unknown", [](Case& c) { c.survey.permissions = denied("iam:SimulatePrincipalPolicy"); },
       unchecked, "permissions", "what the credentials may do", "--doctor"},
      {"no cluster",
       [](Case& c) {
         c.survey.cluster = std::optional<ClusterFacts>();
         c.survey.clusters = Texts{"ci2", "web"};
       },
       failed, "cluster", "no cluster 'ci' in eu-central-1; there is 'ci2'", "create-cluster"},
      {"inactive cluster", [](Case& c) { (*c.survey.cluster)->status = "INACTIVE"; }, failed, "cluster",
       "INACTIVE", "ACTIVE"},
      {"cluster unknown", [](Case& c) { c.survey.cluster = denied("ecs:DescribeClusters"); }, unchecked,
       "cluster", "the cluster 'ci'", "--doctor"},
      {"no capacity provider",
       [](Case& c) {
         c.options().capacity = {CapacityKind::strategy, LaunchType::fargate, {{"FARGATE_SPOT", 0, 1}}, {}};
         (*c.survey.cluster)->capacity_providers = {"FARGATE"};
       },
       failed, "capacity", "no capacity provider FARGATE_SPOT, which the template 'node' uses",
       "put-cluster"},
      {"no subnet", [](Case& c) { c.survey.subnets->pop_back(); }, failed, "subnets",
       "there is no subnet subnet-0123456789abcdef0 in eu-central-1", "discover"},
      {"a full subnet", [&](Case& c) { subnet(c).free_addresses = 0; }, warning, "subnets",
       "has no free addresses", "each agent takes one"},
      {"subnets unknown", [](Case& c) { c.survey.subnets = denied("ec2:DescribeSubnets"); }, unchecked,
       "subnets", "not authorized", "--doctor"},
      {"public without an address", [&](Case& c) { route(c).target = "igw-1"; }, failed, "route-out",
       "igw-1, which takes public addresses only", "assign_public_ip"},
      {"no way", [&](Case& c) { c.survey.route_tables->front().routes.clear(); }, failed, "route-out",
       "no route out, and no VPC endpoint for ecr.api, ecr.dkr, s3, logs", "NAT gateway"},
      {"no way, but endpoints",
       [&](Case& c) {
         c.survey.route_tables->front().routes.clear();
         for (const auto* service : {"ecr.api", "ecr.dkr", "s3", "logs"})
           c.survey.endpoints->push_back({"vpc-1", fmt::format("com.amazonaws.eu-central-1.{}", service)});
       },
       warning, "route-out", "by VPC endpoints", "only images of ECR"},
      {"no way, endpoints unknown",
       [&](Case& c) {
         c.survey.route_tables->front().routes.clear();
         c.survey.endpoints = denied("ec2:DescribeVpcEndpoints");
       },
       unchecked, "route-out", "the VPC endpoints of vpc-1", "--doctor"},
      {"a black hole", [&](Case& c) { route(c).active = false; }, failed, "route-out", "black hole",
       "another target"},
      {"routes unknown", [](Case& c) { c.survey.route_tables = denied("ec2:DescribeRouteTables"); },
       unchecked, "route-out", "the routes", "--doctor"},
      {"an ACL that lets nothing out", [&](Case& c) { acl(c).erase(acl(c).begin()); }, failed, "network-acl",
       "does not let agents out to ci.example.com:443; it is 198.51.100.7 here", "outbound rules"},
      {"an ACL that lets no answer in", [&](Case& c) { acl(c).back().protocol = "17"; }, failed,
       "network-acl", "does not let the answers of ci.example.com:443 (198.51.100.7) back", "1024 to 65535"},
      {"an ACL of one subnet",
       [](Case& c) { c.survey.acls->push_back({"acl-2", "vpc-1", false, {"subnet-0a1b2c3d"}, {}}); }, failed,
       "network-acl", "acl-2 of subnet-0a1b2c3d does not let agents out", "outbound rules"},
      {"no ACL is told of", [](Case& c) { c.survey.acls->clear(); }, unchecked, "network-acl",
       "no network ACL of subnet-", "answers back"},
      {"an ACL that keeps agents from an IPv6 address",
       [&](Case& c) {
         const auto target = AgentTarget{"2001:db8::1", 443, {"2001:db8::1"}, {}};
         c.examined.targets.begin()->second = target;
         c.survey.interfaces->front().address = target.host;
         c.survey.groups->front().egress.push_back({"-1", 0, 65535, {"::/0"}, {}});
       },
       failed, "network-acl", "does not let agents out to [2001:db8::1]:443; it is 2001:db8::1 here",
       "outbound rules"},
      {"ACLs unknown", [](Case& c) { c.survey.acls = denied("ec2:DescribeNetworkAcls"); }, unchecked,
       "network-acl", "the network ACLs", "--doctor"},
      {"a server that lets in others", [&](Case& c) { ingress(c).front().others = {"sg-8"}; }, failed,
       "server-ingress", "sg-9 of eni-1 at 198.51.100.7 does not let the agents of 'node' in at port 443",
       "ingress rule for TCP port 443 from sg-0123456789abcdef0"},
      {"a server that lets in one subnet",
       [&](Case& c) { ingress(c).front() = {"tcp", 443, 443, {"10.0.1.0/24"}, {}}; }, failed,
       "server-ingress", "does not let the agents", "ingress rule"},
      {"a server that lets in a list", [&](Case& c) { ingress(c).front().others = {"pl-1"}; }, unchecked,
       "server-ingress", "lets prefix lists in at port 443", "ingress rule"},
      {"a load balancer without a group", [](Case& c) { c.survey.interfaces->front().groups.clear(); },
       unchecked, "server-ingress", "eni-1 at 198.51.100.7 has no security group", "behind it"},
      {"a server elsewhere", [](Case& c) { c.survey.interfaces->clear(); }, unchecked, "server-ingress",
       "no network interface here has the address 198.51.100.7, so", "lets agents in at TCP port 443"},
      {"interfaces unknown", [](Case& c) { c.survey.interfaces = denied("ec2:DescribeNetworkInterfaces"); },
       unchecked, "server-ingress", "the network interfaces", "--doctor"},
      {"an execution role without a right",
       [](Case& c) { c.survey.execution_rights.at(kExecutionRole)->front().allows = "implicitDeny"; }, failed,
       "execution-rights", "role/footman-execution do ecr:BatchGetImage on * (implicitDeny)",
       "AmazonECSTaskExecutionRolePolicy"},
      {"execution rights unknown",
       [](Case& c) {
         c.survey.execution_rights.insert_or_assign(kExecutionRole, denied("iam:SimulatePrincipalPolicy"));
       },
       unchecked, "execution-rights", "what the execution role", "--doctor"},
      {"no group", [](Case& c) { c.survey.groups->clear(); }, failed, "security-groups",
       "no security group sg-0123456789abcdef0", "discover"},
      {"a group of another network", [](Case& c) { c.survey.groups->front().vpc = "vpc-2"; }, failed,
       "security-groups", "is in vpc-2, the subnets of the template 'node' in vpc-1",
       "of the subnets' network"},
      {"groups unknown", [](Case& c) { c.survey.groups = denied("ec2:DescribeSecurityGroups"); }, unchecked,
       "security-groups", "the security groups", "--doctor"},
      {"a closed group", [&](Case& c) { rules(c) = {{"tcp", 443, 443, {"10.0.0.0/8"}, {}}}; }, failed,
       "agent-address",
       "does not let agents out to ci.example.com:443 (templates: node); it is 198.51.100.7 here",
       "egress rule"},
      {"a group for groups", [&](Case& c) { rules(c) = {{"tcp", 443, 443, {}, {"sg-2"}}}; }, unchecked,
       "agent-address", "perhaps to ci.example.com", "egress rules"},
      {"an unknown name",
       [](Case& c) {
         auto& target = c.examined.targets.begin()->second;
         target.addresses.clear();
         target.trouble = "the name has no address";
       },
       warning, "agent-address", "ci.example.com has no IP address here", "where they run"},
      {"no HTTPS",
       [&](Case& c) {
         c.examined.targets.begin()->second.port = 8080;
         rules(c) = {{"tcp", 8080, 8080, {"0.0.0.0/0"}, {}}};
       },
       warning, "agent-address", "nothing out by port 443", "images and logs"},
      {"no role", [](Case& c) { c.survey.roles.insert_or_assign(kTaskRole, std::optional<RoleFacts>()); },
       failed, "task-role", "there is no role arn:aws:iam::123456789012:role/footman-agent", "make it"},
      {"a role of others",
       [&](Case& c) {
         trust(c, kTaskRole, R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
                "Principal":{"Service":"ecs-tasks.amazonaws.com","AWS":"arn:aws:iam::123456789012:root"}}]})");
       },
       failed, "task-role",
       "may also be assumed by arn:aws:iam::123456789012:root: with it they can be taken for agents",
       "ecs-tasks.amazonaws.com alone"},
      {"a role that ECS cannot give",
       [&](Case& c) {
         trust(c, kExecutionRole, R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
                "Principal":{"Service":"ec2.amazonaws.com"}}]})");
       },
       failed, "execution-role", "does not trust ecs-tasks.amazonaws.com", "trust policy"},
      {"an odd trust policy", [&](Case& c) { trust(c, kTaskRole, "7"); }, failed, "task-role",
       "cannot be understood", "get-role"},
      {"role unknown", [](Case& c) { c.survey.roles.insert_or_assign(kTaskRole, denied("iam:GetRole")); },
       unchecked, "task-role", "the task role", "--doctor"},
      {"no log group", [](Case& c) { c.survey.log_groups.insert_or_assign("/footman/agents", false); },
       failed, "log-group", "no log group /footman/agents", "create-log-group"},
      {"no image", [](Case& c) { c.survey.images.insert_or_assign(kCarrier, std::optional<ImageFacts>()); },
       failed, "image", "no image 123456789012.dkr.ecr", "push it"},
      {"an image for another machine",
       [](Case& c) {
         c.survey.images.insert_or_assign(kCarrier, ImageFacts{"sha256:1", {CpuArchitecture::arm64}});
       },
       failed, "image", "is for ARM64, and templates use it on X86_64", "cpu_architecture"},
      {"image unknown",
       [](Case& c) { c.survey.images.insert_or_assign(kCarrier, denied("ecr:BatchGetImage")); }, unchecked,
       "image", "footman-agent:1", "--doctor"},
      {"no quota", [](Case& c) { c.survey.quotas.insert_or_assign(kFargateQuota, 0.5); }, failed, "quota",
       "0.5 vCPUs on demand at once: 0 agents of 1 vCPU", "On-Demand vCPU resource count"},
      {"a cap above the quota", [](Case& c) { c.examined.most_agents = 101; }, warning, "quota",
       "100 agents of 1 vCPU, and the cloud's cap allows 101", "lower cap"},
      {"quota unknown",
       [](Case& c) {
         c.survey.quotas.insert_or_assign(kFargateQuota, denied("servicequotas:GetServiceQuota"));
       },
       unchecked, "quota", "Fargate's quota", "--doctor"},
      {"no queue", [](Case& c) { with_queue(c, std::optional<QueueFacts>()); }, failed, "event-queue",
       "no queue https://sqs.eu-central-1.amazonaws.com/123456789012/footman", "event_queue"},
      {"a queue of its account alone", [](Case& c) { with_queue(c, QueueFacts{}); }, warning, "event-queue",
       "does not let events.amazonaws.com write", "sqs:SendMessage"},
      {"a queue of another service",
       [](Case& c) {
         with_queue(
             c,
             QueueFacts{
                 R"({"Statement":[{"Effect":"Allow","Action":"SQS:*","Principal":{"Service":"sns.amazonaws.com"}}]})"});
       },
       warning, "event-queue", "no event may ever come", "EventBridge"},
      {"queue unknown", [](Case& c) { with_queue(c, denied("sqs:GetQueueAttributes")); }, unchecked,
       "event-queue", "the queue https://sqs", "--doctor"},
      {"no file system", [](Case& c) { c.survey.file_systems.insert_or_assign("fs-01234567", false); },
       failed, "file-system", "no file system fs-01234567", "discover"},
  };
  const auto healthy = findings_of(make_case());
  for (const auto& fault : faults) {
    auto one = make_case();
    fault.plant(one);
    const auto found = findings_of(one);
    INFO(fault.name, "\n", told(found));
    // What was not found of the healthy account, but other than ok.
    std::vector<Finding> fresh;
    for (const auto& finding : found)
      if (finding.state != ok && std::ranges::find(healthy, finding) == healthy.end())
        fresh.push_back(finding);
    CHECK_FALSE(fresh.empty());
    for (const auto& finding : fresh) {
      CHECK(finding.state == fault.state);
      CHECK(finding.check == fault.check);
      CHECK(finding.text.find(fault.text) != std::string::npos);
      CHECK(finding.advice.find(fault.advice) != std::string::npos);
      CHECK((finding.permission.empty()) == (std::string(fault.advice) != "--doctor"));
    }
  }
}

TEST_CASE("doctor: without a caller nothing else is judged") {
  auto one = make_case();
  one.survey = Survey();
  one.survey.caller =
      std::unexpected(NotKnown{"sts:GetCallerIdentity", false, "no AWS credentials were found"});
  const auto found = findings_of(one);
  REQUIRE(found.size() == 1);
  CHECK(found.front().state == FindingState::failed);
  CHECK(found.front().text == "no AWS credentials were found");
  CHECK(found.front().advice.find("AWS_PROFILE") != std::string::npos);
}

TEST_CASE("doctor: several things at once") {
  auto one = make_case();
  one.survey.subnets->back().vpc = "vpc-2";
  for (auto& subnet : *one.survey.subnets) subnet.free_addresses = 0;
  const auto text = told(findings_of(one));
  CHECK(text.find("the subnets of the template 'node' are of several networks: vpc-1, vpc-2") !=
        std::string::npos);
  CHECK(text.find("failed subnets: no subnet of the template 'node' has a free address") !=
        std::string::npos);

  auto open = make_case();
  open.options().security_groups.clear();
  CHECK(told(findings_of(open)).find("its network's default one counts") != std::string::npos);

  auto machines = make_case();
  machines.options().capacity = {CapacityKind::launch_type, LaunchType::ec2, {}, {}};
  CHECK(told(findings_of(machines)).find("warning capacity: the cluster has no container instance") !=
        std::string::npos);
  (*machines.survey.cluster)->instances = 1;
  CHECK(told(findings_of(machines)).find("capacity") == std::string::npos);
}

TEST_CASE("examine: an existing definition, and what stands in it") {
  auto one = make_case();
  TemplateOptions options;
  options.task_definition = "theirs";
  options.container.name = "build";
  options.agent = {AgentDelivery::image, "", "", "", ""};
  options.subnets = {"subnet-0a1b2c3d"};
  const auto told = [&](const Known<std::optional<boost::json::value>>& definition) {
    one.examined.existing = {{"theirs", definition}};
    one.examined.templates = complete_templates({{TemplateName("node"), options}}, one.examined.existing);
    Finding found;
    for (const auto& finding : examine(one.examined, one.survey))
      if (finding.check == "task-definition") found = finding;
    return found;
  };
  CHECK(told(std::nullopt).text == "the task definition theirs of the template 'node' is not there");
  CHECK(told(std::nullopt).state == FindingState::failed);
  CHECK(told(std::unexpected(NotKnown{"ecs:DescribeTaskDefinition", true, "no"})).permission ==
        "ecs:DescribeTaskDefinition");
  const auto content = [](const char* status, const char* name) {
    return boost::json::parse(fmt::format(
        R"({{"status": "{}", "networkMode": "awsvpc", "executionRoleArn": "{}", "runtimePlatform": {{"cpuArchitecture": "ARM64"}},
             "volumes": [{{"name": "c", "efsVolumeConfiguration": {{"fileSystemId": "fs-1"}}}}],
             "containerDefinitions": [{{"name": "{}", "image": "{}", "logConfiguration": {{"logDriver": "awslogs",
               "options": {{"awslogs-group": "/theirs", "awslogs-region": "eu-central-1"}}}}}},
               {{"name": "db", "image": "postgres:16"}}]}})",
        status, kExecutionRole, name, kCarrier));
  };
  CHECK(told(content("INACTIVE", "build")).text.ends_with("is INACTIVE: nothing is launched from it"));
  CHECK(told(content("ACTIVE", "main")).text.ends_with("has no container 'build'"));
  CHECK(told(content("ACTIVE", "build")).state == FindingState::ok);
  auto checked = content("ACTIVE", "build");
  checked.as_object()["compatibilities"] = {"EC2", "FARGATE"};
  CHECK(told(checked).state == FindingState::ok);
  checked.as_object()["compatibilities"] = {"EC2", "EXTERNAL"};
  CHECK(told(checked).state == FindingState::failed);
  CHECK(told(checked).text.ends_with(
      "is not for FARGATE, on which the template launches, but for EC2, EXTERNAL"));
  auto bridge = content("ACTIVE", "build");
  bridge.as_object()["networkMode"] = "bridge";
  CHECK(told(bridge).text.ends_with("has not the network mode awsvpc, and the template names subnets"));
  options.subnets.clear();
  CHECK(told(content("ACTIVE", "build")).text.ends_with("and the template names no subnets"));
  options.subnets = {"subnet-0a1b2c3d"};
  CHECK(told(content("ACTIVE", "build")).state == FindingState::ok);
  const auto asked = list_questions(one.examined.cloud, one.examined.templates);
  CHECK(asked.images == std::set<std::string>{kCarrier, "postgres:16"});
  CHECK(asked.log_groups == std::set<std::string>{"/theirs"});  // the cloud's is not used there
  CHECK(asked.file_systems == std::set<std::string>{"fs-1"});
  CHECK(asked.execution_roles == std::set<std::string>{kExecutionRole});
  CHECK(asked.task_roles.empty());
  CHECK(one.options().cpu_architecture == CpuArchitecture::arm64);
  const auto wishes = list_execution_wishes(one.examined.cloud, one.examined.templates, "123456789012",
                                            one.examined.existing);
  REQUIRE(wishes.contains(kExecutionRole));
  CHECK(wishes.at(kExecutionRole).size() == 3);  // a token, the image, the log
  options.execution_role = kTaskRole;
  told(content("ACTIVE", "build"));
  CHECK(one.options().execution_role == kTaskRole);
}
