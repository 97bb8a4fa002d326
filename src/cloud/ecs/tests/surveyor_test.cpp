// What is asked of AWS, and how its answers are read; the whole, on the wire, is
// tests/end_to_end/doctor_test.py.
#include "cloud/ecs/surveyor.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "cloud/aws/cached_credentials.hpp"
#include "cloud/aws/tests/world.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;

// Answers by operation; the others are not allowed.
struct Account {
  aws::test::World world;
  aws::FixedCredentials credentials{aws::Credentials{"AKIA", Secret("secret"), {}, {}, "a test"}};
  std::map<std::string, std::string> answers;  // XML and JSON: the body
  std::map<std::string, net::HttpClientResponse> refusals;
  std::vector<std::string> asked;
  std::map<std::string, std::string> bodies;  // the last one
  std::unique_ptr<Surveyor> surveyor;

  Account() {
    world.services.script = [this](const net::HttpClientRequest& request) { return answer(request); };
    ecs::CloudOptions cloud;
    cloud.region = "eu-west-1";
    surveyor = std::move(*Surveyor::create(cloud, world.outside, credentials));
    answers["GetCallerIdentity"] =
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
        "<Arn>arn:aws:sts::123456789012:assumed-role/footman/i-1</Arn></GetCallerIdentityResult></"
        "GetCallerIdentityResponse>";
  }

  static std::string operation_of(const net::HttpClientRequest& request) {
    const std::string target(request.headers.value_or("X-Amz-Target", ""));
    if (!target.empty()) return target.substr(target.find('.') + 1);
    if (request.method == "GET") return "DescribeFileSystems";
    const auto action = request.body.find("Action=") + 7;
    return request.body.substr(action, request.body.find('&', action) - action);
  }

  Result<net::HttpClientResponse> answer(const net::HttpClientRequest& request) {
    const auto operation = operation_of(request);
    asked.push_back(operation);
    bodies[operation] = request.body;
    if (const auto refused = refusals.find(operation); refused != refusals.end()) return refused->second;
    if (const auto found = answers.find(operation); found != answers.end())
      return aws::test::answer(200, found->second);
    if (!request.headers.value_or("X-Amz-Target", "").empty() || request.method == "GET")
      return aws::test::json_error("AccessDeniedException", "not allowed");
    return aws::test::answer(403,
                             "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not "
                             "allowed</Message></Error></ErrorResponse>");
  }

  ecs::Survey survey(ecs::Questions questions) { return world.run(surveyor->survey(std::move(questions))); }
};

ecs::Questions make_questions() {
  ecs::Questions out;
  out.cluster = "builds";
  out.subnets = {"subnet-1", "subnet-2"};
  out.groups = {"sg-1"};
  out.task_roles = {"arn:aws:iam::123456789012:role/ci/task"};
  out.log_groups = {"/footman"};
  out.images = {"node:20", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agent:1"};
  out.fargate = true;
  return out;
}

TEST_CASE("surveyor: a denied call leaves its place unknown, with the permission, and the others known") {
  Account account;
  account.answers["DescribeClusters"] =
      R"({"clusters":[{"clusterArn":"arn:c","status":"ACTIVE","registeredContainerInstancesCount":2,"capacityProviders":["FARGATE"]}]})";
  const auto survey = account.survey(make_questions());
  REQUIRE(survey.caller.has_value());
  CHECK(survey.caller->account == "123456789012");
  REQUIRE(survey.cluster.has_value());
  REQUIRE(survey.cluster->has_value());
  CHECK((*survey.cluster)->instances == 2);
  CHECK((*survey.cluster)->capacity_providers == ecs::Texts{"FARGATE"});
  REQUIRE_FALSE(survey.subnets.has_value());
  CHECK(survey.subnets.error().denied);
  CHECK(survey.subnets.error().permission == "ec2:DescribeSubnets");
  CHECK(survey.subnets.error().why.find("not allowed") != std::string::npos);
  CHECK(survey.roles.at("arn:aws:iam::123456789012:role/ci/task").error().permission == "iam:GetRole");
  CHECK(survey.log_groups.at("/footman").error().permission == "logs:DescribeLogGroups");
  CHECK(survey.quotas.at(ecs::kFargateQuota).error().permission == "servicequotas:GetServiceQuota");
  CHECK(survey.images.size() == 1);  // the other registry is nobody's to ask
  CHECK(survey.images.begin()->second.error().permission == "ecr:BatchGetImage");
  // Nothing that rests on what is unknown.
  for (const auto* operation : {"DescribeRouteTables", "DescribeVpcEndpoints", "ListClusters"})
    CHECK(std::ranges::find(account.asked, operation) == account.asked.end());
}

TEST_CASE("surveyor: who is not believed lacks no permission") {
  Account account;
  account.refusals["DescribeClusters"] = aws::test::json_error("InvalidSignatureException", "expired");
  account.refusals["GetRole"] =
      aws::test::answer(403,
                        "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>who?</Message></"
                        "Error></ErrorResponse>");
  const auto survey = account.survey(make_questions());
  REQUIRE_FALSE(survey.cluster.has_value());
  CHECK_FALSE(survey.cluster.error().denied);
  CHECK(survey.cluster.error().why.find("clock") != std::string::npos);
  const auto& role = survey.roles.at("arn:aws:iam::123456789012:role/ci/task");
  REQUIRE_FALSE(role.has_value());
  CHECK_FALSE(role.error().denied);
  CHECK(role.error().why.find("does not take the credentials") != std::string::npos);
}

TEST_CASE("surveyor: without a caller nothing more is asked") {
  Account account;
  account.refusals["GetCallerIdentity"] =
      aws::test::answer(403,
                        "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>who?</Message></"
                        "Error></ErrorResponse>");
  const auto survey = account.survey(make_questions());
  REQUIRE_FALSE(survey.caller.has_value());
  CHECK(survey.caller.error().why.find("who?") != std::string::npos);
  CHECK(account.asked == std::vector<std::string>{"GetCallerIdentity"});
}

TEST_CASE("surveyor: the network") {
  Account account;
  account.answers["DescribeSubnets"] =
      "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>"
      "<availabilityZone>eu-west-1a</availabilityZone><availableIpAddressCount>7</availableIpAddressCount>"
      "<cidrBlock>10.0.1.0/24</cidrBlock><tagSet><item><key>Name</key><value>builds "
      "a</value></item></tagSet></item></subnetSet></DescribeSubnetsResponse>";
  account.answers["DescribeRouteTables"] =
      "<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</"
      "vpcId>"
      "<routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</"
      "gatewayId><state>active</state></item>"
      "<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</"
      "natGatewayId><state>blackhole</state></item></routeSet>"
      "<associationSet><item><subnetId>subnet-1</subnetId><main>false</main></item><item><main>true</main></"
      "item></associationSet>"
      "</item></routeTableSet></DescribeRouteTablesResponse>";
  account.answers["DescribeVpcEndpoints"] =
      "<DescribeVpcEndpointsResponse><vpcEndpointSet><item><vpcId>vpc-1</"
      "vpcId><state>available</state><serviceName>com.amazonaws.eu-west-1.s3"
      "</serviceName></item><item><vpcId>vpc-1</vpcId><state>deleting</"
      "state><serviceName>com.amazonaws.eu-west-1.logs</serviceName>"
      "</item></vpcEndpointSet></DescribeVpcEndpointsResponse>";
  account.answers["DescribeSecurityGroups"] =
      "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><groupName>agents</"
      "groupName><vpcId>vpc-1</vpcId>"
      "<ipPermissionsEgress><item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>444</toPort>"
      "<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges><ipv6Ranges><item><cidrIpv6>::/0</"
      "cidrIpv6></item></ipv6Ranges>"
      "<groups><item><groupId>sg-2</groupId></item></groups><prefixListIds><item><prefixListId>pl-1</"
      "prefixListId></item></prefixListIds>"
      "</item></ipPermissionsEgress></item></securityGroupInfo></DescribeSecurityGroupsResponse>";
  const auto survey = account.survey(make_questions());
  REQUIRE(survey.subnets.has_value());
  REQUIRE(survey.subnets->size() == 1);
  const auto& subnet = survey.subnets->front();
  CHECK(subnet.name == "builds a");
  CHECK(subnet.free_addresses == 7);
  CHECK(subnet.zone == "eu-west-1a");
  CHECK(account.bodies.at("DescribeSubnets").find("Filter.1.Name=subnet-id") != std::string::npos);
  CHECK(account.bodies.at("DescribeSubnets").find("Filter.1.Value.2=subnet-2") != std::string::npos);
  CHECK(account.bodies.at("DescribeRouteTables").find("Filter.1.Value.1=vpc-1") != std::string::npos);
  REQUIRE(survey.route_tables.has_value());
  const auto& table = survey.route_tables->front();
  CHECK(table.is_main);
  CHECK(table.subnets == ecs::Texts{"subnet-1"});
  REQUIRE(table.routes.size() == 2);
  CHECK(table.routes[1].target == "nat-1");
  CHECK_FALSE(table.routes[1].active);
  CHECK(table.routes[0].active);
  CHECK(survey.endpoints->front().service == "com.amazonaws.eu-west-1.s3");
  CHECK(survey.endpoints->back().service.empty());  // it goes
  REQUIRE(survey.groups.has_value());
  const auto& rule = survey.groups->front().egress.front();
  CHECK(rule.from == 443);
  CHECK(rule.to == 444);
  CHECK(rule.ranges == ecs::Texts{"10.0.0.0/8", "::/0"});
  CHECK(rule.others == ecs::Texts{"sg-2", "pl-1"});
}

TEST_CASE("surveyor: network ACLs, and who is let in at the agents' address") {
  Account account;
  account.answers["DescribeSubnets"] =
      "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item>"
      "</subnetSet></DescribeSubnetsResponse>";
  account.answers["DescribeNetworkAcls"] =
      "<DescribeNetworkAclsResponse><networkAclSet><item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</"
      "vpcId>"
      "<default>true</default><entrySet>"
      "<item><ruleNumber>90</ruleNumber><protocol>6</protocol><ruleAction>deny</ruleAction><egress>true</"
      "egress>"
      "<cidrBlock>10.0.0.0/8</cidrBlock><portRange><from>80</from><to>81</to></portRange></item>"
      "<item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction>"
      "<egress>false</egress><ipv6CidrBlock>::/0</ipv6CidrBlock></item></entrySet>"
      "<associationSet><item><subnetId>subnet-1</subnetId></item></associationSet>"
      "</item></networkAclSet></DescribeNetworkAclsResponse>";
  account.answers["DescribeNetworkInterfaces"] =
      "<DescribeNetworkInterfacesResponse><networkInterfaceSet><item><networkInterfaceId>eni-1"
      "</networkInterfaceId><privateIpAddress>10.0.0.7</privateIpAddress><groupSet><item><groupId>sg-9</"
      "groupId>"
      "</item></groupSet></item></networkInterfaceSet></DescribeNetworkInterfacesResponse>";
  account.answers["DescribeSecurityGroups"] =
      "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-9</groupId><ipPermissions><item>"
      "<ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort><groups><item><groupId>sg-1"
      "</groupId></item></groups></item></ipPermissions></item></securityGroupInfo>"
      "</DescribeSecurityGroupsResponse>";
  auto questions = make_questions();
  CHECK_FALSE(account.survey(questions).interfaces.has_value());  // nobody is asked
  questions.addresses = {"10.0.0.7"};
  questions.groups.clear();
  const auto survey = account.survey(questions);
  REQUIRE(survey.acls.has_value());
  const auto& acl = survey.acls->front();
  CHECK(acl.is_default);
  CHECK(acl.subnets == ecs::Texts{"subnet-1"});
  REQUIRE(acl.entries.size() == 2);
  CHECK(acl.entries[0].number == 90);
  CHECK(acl.entries[0].egress);
  CHECK_FALSE(acl.entries[0].allow);
  CHECK(acl.entries[0].from == 80);
  CHECK(acl.entries[0].to == 81);
  CHECK(acl.entries[0].range == "10.0.0.0/8");
  CHECK(acl.entries[1].allow);
  CHECK_FALSE(acl.entries[1].egress);
  CHECK(acl.entries[1].range == "::/0");
  CHECK(acl.entries[1].to == 65535);
  CHECK(account.bodies.at("DescribeNetworkInterfaces").find("Filter.1.Value.1=10.0.0.7") !=
        std::string::npos);
  REQUIRE(survey.interfaces.has_value());
  CHECK(survey.interfaces->front().address == "10.0.0.7");
  CHECK(survey.interfaces->front().groups == ecs::Texts{"sg-9"});
  CHECK(account.bodies.at("DescribeSecurityGroups").find("Filter.1.Value.1=sg-9") != std::string::npos);
  REQUIRE(survey.interface_groups.has_value());
  CHECK(survey.interface_groups->front().ingress.front().others == ecs::Texts{"sg-1"});
}

TEST_CASE("surveyor: roles, log groups, quotas, images and clusters that are not there") {
  Account account;
  const auto role = [&](const std::string& arn) {
    account.answers["GetRole"] = "<GetRoleResponse><GetRoleResult><Role><RoleName>task</RoleName><Arn>" +
                                 arn +
                                 "</Arn><AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</"
                                 "AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>";
  };
  const std::string arn = "arn:aws:iam::123456789012:role/ci/task";
  role(arn);
  account.answers["DescribeLogGroups"] = R"({"logGroups":[{"logGroupName":"/footman/more"}]})";
  account.answers["GetServiceQuota"] = R"({"Quota":{"Value":12}})";
  account.answers["DescribeClusters"] = R"({"clusters":[],"failures":[{"reason":"MISSING"}]})";
  account.answers["ListClusters"] = R"({"clusterArns":["arn:aws:ecs:eu-west-1:123456789012:cluster/web"]})";
  account.refusals["BatchGetImage"] = aws::test::json_error("RepositoryNotFoundException", "no");
  auto survey = account.survey(make_questions());
  REQUIRE(survey.roles.at(arn).has_value());
  CHECK(survey.roles.at(arn).value()->trust == R"({"Statement":[]})");
  CHECK(account.bodies.at("GetRole").find("RoleName=task") != std::string::npos);
  CHECK_FALSE(survey.log_groups.at("/footman").value());
  CHECK(survey.quotas.at(ecs::kFargateQuota).value() == 12);
  CHECK_FALSE(survey.cluster.value().has_value());
  CHECK(survey.clusters.value() == ecs::Texts{"web"});
  CHECK_FALSE(survey.images.begin()->second.value().has_value());

  role("arn:aws:iam::123456789012:role/task");  // another one of that name
  account.refusals.clear();
  account.answers["BatchGetImage"] =
      R"({"images":[{"imageId":{"imageDigest":"sha256:1"},"imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\"}},{\"platform\":{\"architecture\":\"unknown\"}}]}"}]})";
  survey = account.survey(make_questions());
  CHECK_FALSE(survey.roles.at(arn).value().has_value());
  CHECK(survey.images.begin()->second.value()->architectures == std::set{ecs::CpuArchitecture::arm64});
  account.answers["BatchGetImage"] = R"({"images":[],"failures":[{"failureCode":"ImageNotFound"}]})";
  CHECK_FALSE(account.survey(make_questions()).images.begin()->second.value().has_value());
  account.refusals["GetRole"] = aws::test::answer(
      404, "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>");
  CHECK_FALSE(account.survey(make_questions()).roles.at(arn).value().has_value());
}

TEST_CASE("surveyor: the queue of events") {
  Account account;
  account.answers["GetQueueAttributes"] = R"({"Attributes":{"Policy":"{}"}})";
  CHECK_FALSE(account.survey(make_questions()).event_queue.has_value());  // nobody is asked
  auto questions = make_questions();
  questions.event_queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/footman";
  CHECK(account.survey(questions).event_queue.value()->policy == "{}");
  CHECK(account.bodies.at("GetQueueAttributes").find("amazonaws.com/123456789012/footman") !=
        std::string::npos);
  account.answers["GetQueueAttributes"] = "{}";
  CHECK(account.survey(questions).event_queue.value()->policy.empty());
  for (const auto* code :
       {"com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}) {
    account.refusals["GetQueueAttributes"] = aws::test::json_error(code, "no");
    CHECK_FALSE(account.survey(questions).event_queue.value().has_value());
  }
  account.refusals["GetQueueAttributes"] = aws::test::json_error("AccessDeniedException", "no");
  CHECK(account.survey(questions).event_queue.error().permission == "sqs:GetQueueAttributes");
}

TEST_CASE("surveyor: what the caller may do is asked of its role") {
  Account account;
  account.answers["SimulatePrincipalPolicy"] =
      "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member><"
      "EvalActionName>iam:PassRole"
      "</EvalActionName><EvalDecision>implicitDeny</EvalDecision></member></EvaluationResults></"
      "SimulatePrincipalPolicyResult>"
      "</SimulatePrincipalPolicyResponse>";
  const ecs::CallerFacts caller{"123456789012", "arn:aws:sts::123456789012:assumed-role/footman/i-1"};
  const std::vector<ecs::Wish> wishes{
      {{"iam:PassRole"}, {"arn:aws:iam::123456789012:role/task"}, {{"iam:PassedToService", "x.y"}}}};
  auto said = account.world.run(account.surveyor->simulate(caller, wishes));
  REQUIRE(said.has_value());
  CHECK(said->front().allows == "implicitDeny");
  CHECK(said->front().resource == "arn:aws:iam::123456789012:role/task");
  const auto& body = account.bodies.at("SimulatePrincipalPolicy");
  CHECK(body.find("PolicySourceArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Ffootman&") !=
        std::string::npos);
  CHECK(body.find("ContextEntries.member.1.ContextKeyName=iam%3APassedToService") != std::string::npos);
  // The role may be on a path, which its session does not tell.
  account.answers["GetRole"] =
      "<GetRoleResponse><GetRoleResult><Role><RoleName>footman</RoleName><Arn>arn:aws:iam::123456789012:role/"
      "ci/footman</Arn>"
      "</Role></GetRoleResult></GetRoleResponse>";
  said = account.world.run(account.surveyor->simulate(caller, wishes));
  CHECK(account.bodies.at("SimulatePrincipalPolicy").find("role%2Fci%2Ffootman") != std::string::npos);

  const ecs::CallerFacts odd{"123456789012", "arn:aws:sts::123456789012:federated-user/me"};
  CHECK_FALSE(account.world.run(account.surveyor->simulate(odd, wishes)).has_value());
  // An answer about less than was asked is none.
  CHECK_FALSE(
      account.world.run(account.surveyor->simulate(caller, {{{"a:B", "a:C"}, {"*"}, {}}})).has_value());
}

TEST_CASE("surveyor: all there is, over several pages") {
  Account account;
  account.answers["ListRoles"] =
      "<ListRolesResponse><ListRolesResult><IsTruncated>false</IsTruncated><Roles><member><RoleName>task</"
      "RoleName><Arn>a</Arn>"
      "<AssumeRolePolicyDocument>%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%"
      "3AAssumeRole%22%2C"
      "%22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%7D%7D</"
      "AssumeRolePolicyDocument></member>"
      "<member><RoleName>other</RoleName><Arn>b</Arn><AssumeRolePolicyDocument>%7B%7D</"
      "AssumeRolePolicyDocument></member></Roles>"
      "</ListRolesResult></ListRolesResponse>";
  account.answers["DescribeFileSystems"] = R"({"FileSystems":[{"FileSystemId":"fs-1","Name":"cache"}]})";
  account.answers["DescribeLogGroups"] =
      R"({"logGroups":[{"logGroupName":"/footman"},{"logGroupName":"/web"}]})";
  const auto found = account.world.run(account.surveyor->list());
  REQUIRE(found.roles.has_value());
  REQUIRE(found.roles->size() == 1);
  CHECK(found.roles->front().name == "task");
  CHECK(found.file_systems->front().name == "cache");
  REQUIRE(found.log_groups.has_value());
  CHECK(*found.log_groups == ecs::Texts{"/footman", "/web"});
  CHECK_FALSE(found.subnets.has_value());

  account.answers["ListClusters"] =
      R"({"clusterArns":["arn:aws:ecs:eu-west-1:123456789012:cluster/web"],"nextToken":"again"})";
  const auto endless = account.world.run(account.surveyor->list());
  REQUIRE_FALSE(endless.clusters.has_value());
  CHECK(endless.clusters.error().why.find("more than 100 pages") != std::string::npos);
}

}  // namespace
}  // namespace footman::cloud::ecs
