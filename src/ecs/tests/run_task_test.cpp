#include "ecs/run_task.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "ecs/json_text.hpp"
#include "ecs/service_model.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
using footman::base::Errc;
namespace json = boost::json;

namespace {

RunTaskInput make_input() {
  RunTaskInput input;
  input.installation = InstallationId("inst-1");
  input.agent = AgentId("ecs-k3v9q2m7");
  input.template_name = TemplateName("node");
  input.generation = 3;
  input.client_token = "ecs-k3v9q2m7-1";
  input.task_definition = "footman-node-0123456789abcdef:1";
  input.container = "agent";
  input.size = {1024, 2048};
  input.subnets = {"subnet-0a1b2c3d"};
  input.variables = {{"FOOTMAN_AGENT_NAME", "ecs-k3v9q2m7"}, {"FOOTMAN_AGENT_URL", "wss://ci.example.com/"}};
  input.own_tags = {{"job", "team/app"}, {"build", "17"}};
  return input;
}

json::value run(const TemplateOptions& options, const RunTaskInput& input,
                const CloudOptions& cloud = make_cloud()) {
  const auto text = make_run_task(options, cloud, input).value();
  auto request = json::parse(text);
  const auto fits = check_shape(request, kRunTask);
  CHECK_MESSAGE(fits.has_value(), (fits ? "" : describe(fits.error())));
  return request;
}

Error refusal(const RunTaskInput& input, const TemplateOptions& options = make_fargate_options()) {
  const auto made = make_run_task(options, make_cloud(), input);
  REQUIRE_FALSE(made.has_value());
  return made.error();
}

TemplateOptions make_existing_options() {
  TemplateOptions options;
  options.task_definition = "ci:7";
  options.agent = {AgentDelivery::image, "", "", "", ""};
  return options;
}

}  // namespace

TEST_CASE("run task: what is sent, to the byte") {
  auto options = make_fargate_options();
  options.tags = {{"team", "web"}};
  auto cloud = make_cloud();
  cloud.tags = {{"team", "ci"}, {"cost", "42"}};
  const auto expected = json::parse(R"({
    "cluster": "ci", "count": 1, "clientToken": "ecs-k3v9q2m7-1", "startedBy": "inst-1",
    "taskDefinition": "footman-node-0123456789abcdef:1", "launchType": "FARGATE", "enableECSManagedTags": true,
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"],
      "securityGroups": ["sg-0123456789abcdef0"], "assignPublicIp": "DISABLED"}},
    "overrides": {"containerOverrides": [{"name": "agent", "environment": [
      {"name": "FOOTMAN_AGENT_NAME", "value": "ecs-k3v9q2m7"},
      {"name": "FOOTMAN_AGENT_NOTICE", "value": "120s"},
      {"name": "FOOTMAN_AGENT_URL", "value": "wss://ci.example.com/"},
      {"name": "FOOTMAN_AGENT_WORK_DIR", "value": "/footman/work"}]}]},
    "tags": [{"key": "cost", "value": "42"}, {"key": "footman:agent", "value": "ecs-k3v9q2m7"},
      {"key": "footman:build", "value": "17"}, {"key": "footman:generation", "value": "3"},
      {"key": "footman:installation", "value": "inst-1"}, {"key": "footman:job", "value": "team/app"},
      {"key": "footman:template", "value": "node"}, {"key": "footman:token", "value": "ecs-k3v9q2m7-1"},
      {"key": "team", "value": "web"}]})");
  CHECK(make_run_task(options, cloud, make_input()).value() == canonical_text(expected));
  run(options, make_input(), cloud);
}

TEST_CASE("run task: another size is an override, the definition's own is not") {
  auto options = make_fargate_options();
  auto input = make_input();
  CHECK_FALSE(run(options, input).at("overrides").get_object().contains("cpu"));
  input.size = {2048, 4096};
  CHECK(run(options, input).at("overrides").at("cpu") == "2048");
  CHECK(run(options, input).at("overrides").at("memory") == "4096");
  input.size = {2000, 4000};
  CHECK(refusal(input).message.starts_with("1.95"));
  options.round_up = true;
  CHECK(run(options, input).at("overrides").at("memory") == "4096");
}

TEST_CASE("run task: launch type, providers or the cluster's default, never two of them") {
  const auto options = make_fargate_options();
  auto input = make_input();
  input.capacity = {CapacityKind::strategy, LaunchType::fargate, {{"FARGATE_SPOT", 0, 1}}, {}};
  auto request = run(options, input);
  CHECK_FALSE(request.get_object().contains("launchType"));
  CHECK(json::serialize(request.at("capacityProviderStrategy")) ==
        R"([{"base":0,"capacityProvider":"FARGATE_SPOT","weight":1}])");
  input.capacity = {CapacityKind::cluster_default, LaunchType::fargate, {}, Compatibility::ec2};
  request = run(options, input);
  CHECK_FALSE(request.get_object().contains("launchType"));
  CHECK_FALSE(request.get_object().contains("capacityProviderStrategy"));
  CHECK_FALSE(
      request.at("networkConfiguration").at("awsvpcConfiguration").get_object().contains("assignPublicIp"));
}

TEST_CASE("run task: everything else that a run can say") {
  auto options = make_fargate_options();
  options.platform_version = "1.4.0";
  options.execute_command = true;
  options.assign_public_ip = true;
  options.group = "ci";
  options.propagate_tags = PropagateTags::task_definition;
  options.ecs_managed_tags = false;
  options.volumes = make_full_options().volumes;
  auto input = make_input();
  input.subnets.clear();
  auto request = run(options, input);
  CHECK(request.at("platformVersion") == "1.4.0");
  CHECK(request.at("enableExecuteCommand") == true);
  CHECK(request.at("group") == "ci");
  CHECK(request.at("propagateTags") == "TASK_DEFINITION");
  CHECK(request.at("enableECSManagedTags") == false);
  const auto& network = request.at("networkConfiguration").at("awsvpcConfiguration");
  CHECK(network.at("assignPublicIp") == "ENABLED");
  CHECK(network.at("subnets").get_array().size() == 2);
  const auto& volume = request.at("volumeConfigurations").at(0).at("managedEBSVolume");
  CHECK(volume.get_object().size() == 11);
  CHECK(volume.at("terminationPolicy").at("deleteOnTermination") == true);

  options = make_fargate_options();
  options.network_mode = NetworkMode::bridge;
  options.placement_strategies = {{PlacementStrategyType::binpack, "memory"}, {}};
  options.placement_constraints = {{PlacementConstraintType::distinct_instance, ""},
                                   {PlacementConstraintType::member_of, "attribute:x == y"}};
  input.capacity.launch_type = LaunchType::ec2;
  request = run(options, input);
  CHECK_FALSE(request.get_object().contains("networkConfiguration"));
  CHECK(json::serialize(request.at("placementStrategy")) ==
        R"([{"field":"memory","type":"binpack"},{"type":"random"}])");
  CHECK(json::serialize(request.at("placementConstraints")) ==
        R"([{"type":"distinctInstance"},{"expression":"attribute:x == y","type":"memberOf"}])");
}

TEST_CASE("run task: an existing definition gets as overrides what one of our own would hold") {
  auto options = make_existing_options();
  options.agent.path = "/usr/bin/footman-agent";
  options.agent.work_directory = "/work";
  options.container.environment = {{"A", "1"}};
  options.container.memory_mib = 512;
  options.container.memory_reservation_mib = 256;
  options.container.cpu_units = 128;
  options.container.gpus = 1;
  options.container.environment_files = {"arn:aws:s3:::bucket/x.env"};
  options.size = {1024, 2048};
  options.ephemeral_storage_gib = 50;
  options.task_role = "arn:aws:iam::123456789012:role/a";
  options.execution_role = "arn:aws:iam::123456789012:role/b";
  options.subnets = {"subnet-0a1b2c3d"};
  const auto request = run(options, make_input());
  const auto& overrides = request.at("overrides").get_object();
  CHECK(overrides.size() == 6);
  CHECK(overrides.at("cpu") == "1024");
  CHECK(overrides.at("ephemeralStorage").at("sizeInGiB") == 50);
  const auto& container = overrides.at("containerOverrides").at(0).get_object();
  CHECK(container.size() == 8);
  CHECK(json::serialize(container.at("command")) == R"(["/usr/bin/footman-agent","run"])");
  CHECK(container.at("environment").get_array().size() == 4);
  auto input = make_input();
  input.size = {};
  input.subnets.clear();
  const auto plain = run(make_existing_options(), input);
  CHECK(plain.at("overrides").get_object().size() == 1);
  CHECK(plain.at("overrides").at("containerOverrides").at(0).get_object().size() == 2);
  CHECK_FALSE(plain.get_object().contains("networkConfiguration"));
}

TEST_CASE("run task: how long the agent has after a notice, and where it works") {
  const auto variables_of = [](const TemplateOptions& options, RunTaskInput input) {
    if (!options.task_definition.empty()) input.subnets = {};
    const auto request = run(options, input);
    std::map<std::string, std::string> out;
    for (const auto& one :
         request.at("overrides").at("containerOverrides").at(0).at("environment").get_array())
      out[std::string(one.at("name").as_string())] = one.at("value").as_string();
    return out;
  };
  auto options = make_fargate_options();
  options.container.stop_timeout = 30s;
  options.agent.directory = "/ci";
  CHECK(variables_of(options, make_input()).at("FOOTMAN_AGENT_NOTICE") == "30s");
  CHECK(variables_of(options, make_input()).at("FOOTMAN_AGENT_WORK_DIR") == "/ci/work");
  options.agent.work_directory = "/work";
  CHECK(variables_of(options, make_input()).at("FOOTMAN_AGENT_WORK_DIR") == "/work");
  options.agent = {AgentDelivery::image, "", "", "", ""};
  CHECK_FALSE(variables_of(options, make_input()).contains("FOOTMAN_AGENT_WORK_DIR"));
  auto input = make_input();
  CHECK_FALSE(variables_of(make_existing_options(), input).contains("FOOTMAN_AGENT_NOTICE"));
  input.stop_timeout = 90s;
  CHECK(variables_of(make_existing_options(), input).at("FOOTMAN_AGENT_NOTICE") == "90s");
  input.role = AgentRole::supervisor;
  CHECK(variables_of(make_existing_options(), input).at("FOOTMAN_AGENT_NOTICE") == "90s");
}

TEST_CASE("run task: what AWS would refuse is refused here") {
  auto input = make_input();
  input.client_token = std::string(65, 'x');
  CHECK(refusal(input).field == "client_token");
  input.client_token = "with space";
  CHECK(refusal(input).field == "client_token");
  input = make_input();
  input.subnets = {"subnet-ffffffff"};
  CHECK(refusal(input).message == "the template has no subnet 'subnet-ffffffff'");
  input = make_input();
  input.variables["FOOTMAN_AGENT_SECRET"] = "x";
  CHECK(refusal(input).field == "variables.FOOTMAN_AGENT_SECRET");
  input = make_input();
  input.variables["PATH"] = "x";
  CHECK(refusal(input).field == "variables.PATH");
  input = make_input();
  input.task_definition = "a b";
  CHECK(refusal(input).field == "task_definition");
  input = make_input();
  input.container.clear();
  CHECK(refusal(input).field == "container");
  input = make_input();
  for (int i = 0; i < 46; ++i) input.own_tags["t" + std::to_string(i)] = "x";
  CHECK(refusal(input).code == Errc::resource_exhausted);
}

TEST_CASE("run task: overrides are counted as they are sent") {
  auto input = make_input();
  const auto size = json::serialize(run(make_fargate_options(), input).at("overrides")).size();
  const auto frame = std::string_view(R"(,{"name":"FOOTMAN_AGENT_X","value":""})").size();
  input.variables["FOOTMAN_AGENT_X"] = std::string(kMaxOverridesChars - size - frame, 'x');
  CHECK(json::serialize(run(make_fargate_options(), input).at("overrides")).size() == kMaxOverridesChars);
  input.variables["FOOTMAN_AGENT_X"] += 'x';
  CHECK(refusal(input).code == Errc::resource_exhausted);
  CHECK(refusal(input).message == "what RunTask is told of this agent has 8193 characters, ECS takes 8192");
  // A line break takes two.
  input.variables["FOOTMAN_AGENT_X"] = std::string(kMaxOverridesChars / 2, '\n');
  CHECK(refusal(input).code == Errc::resource_exhausted);
}

TEST_CASE("run task: the secret is added to what is sent alone") {
  const auto request = make_run_task(make_fargate_options(), make_cloud(), make_input()).value();
  const std::string sent(add_secret(request, Secret("s3cret"), AgentRole::session).value().expose());
  CHECK(request.find("s3cret") == std::string::npos);
  CHECK(json::parse(sent).at("overrides").at("containerOverrides").at(0).at("environment").at(4) ==
        json::value({{"name", "FOOTMAN_AGENT_SECRET"}, {"value", "s3cret"}}));
  CHECK(add_secret(request, Secret("s3cret"), AgentRole::session).value().expose() == sent);
  CHECK(check_shape(json::parse(sent), kRunTask).has_value());
  CHECK(add_secret("{}", Secret("s3cret"), AgentRole::session).error().code == Errc::corrupt);
  CHECK(add_secret("", Secret("s3cret"), AgentRole::session).error().code == Errc::corrupt);
  CHECK(add_secret(request, Secret(std::string(kMaxOverridesChars, 'x')), AgentRole::session).error().code ==
        Errc::resource_exhausted);
}

TEST_CASE("run task: Footman's agent in front of Jenkins'") {
  auto input = make_input();
  input.role = AgentRole::supervisor;
  const auto command_of = [&](const TemplateOptions& options) {
    const auto request = run(options, input);
    const auto* command =
        request.at("overrides").at("containerOverrides").at(0).as_object().if_contains("command");
    return command == nullptr ? "" : json::serialize(*command);
  };
  auto options = make_fargate_options();
  CHECK(find_jenkins_role(options.agent) == AgentRole::supervisor);
  CHECK(command_of(options) == R"(["supervise"])");  // the definition is the same, and so is its entry point
  options.container.entry_point = {"tini", "--"};
  CHECK(command_of(options) == R"(["/footman/footman-agent","supervise"])");
  auto existing = make_existing_options();
  existing.agent.path = "/opt/footman-agent";
  input.subnets = {};
  CHECK(command_of(existing) == R"(["/opt/footman-agent","supervise"])");
  input.role = AgentRole::session;
  CHECK(command_of(existing) == R"(["/opt/footman-agent","run"])");
}

TEST_CASE("run task: an image whose own entry point is Jenkins' agent is told in its own words") {
  auto input = make_input();
  input.role = AgentRole::stock_jenkins;
  input.subnets = {};
  CHECK(refusal(input, make_existing_options()).field == "variables.FOOTMAN_AGENT_NAME");
  input.variables = {{"JENKINS_URL", "https://ci.example.com/"}, {"JENKINS_AGENT_NAME", "footman-a"}};
  auto options = make_fargate_options();
  options.agent = {AgentDelivery::image, "", "", "", ""};
  CHECK(find_jenkins_role(options.agent) == AgentRole::stock_jenkins);
  for (const auto& one : {options, make_existing_options()}) {
    const auto request = run(one, input);
    const auto& container = request.at("overrides").at("containerOverrides").at(0);
    CHECK(json::serialize(container.at("command")) == R"(["-url","https://ci.example.com/"])");
    CHECK(json::serialize(container.at("environment")).find("FOOTMAN") == std::string::npos);
    const auto text = json::serialize(request);
    const std::string sent(add_secret(text, Secret("s3cret"), input.role).value().expose());
    CHECK(sent.find(R"({"name":"JENKINS_SECRET","value":"s3cret"})") != std::string::npos);
  }
  input.authorities = {"a first\nPEM\n", "a second"};
  CHECK(json::serialize(run(options, input).at("overrides").at("containerOverrides").at(0).at("command")) ==
        R"(["-url","https://ci.example.com/","-cert","a first\nPEM\n","-cert","a second"])");
  input.variables["JENKINS_SECRET"] = "s3cret";
  CHECK(refusal(input).field == "variables.JENKINS_SECRET");
}

TEST_CASE("run task: startedBy has at most 36 letters, digits, - and _") {
  CHECK(make_started_by(InstallationId("0b9f_A-1")) == "0b9f_A-1");
  const auto hashed = make_started_by(InstallationId(std::string(37, 'x')));
  CHECK(hashed.size() == 36);
  CHECK(make_started_by(InstallationId("in memory")).size() == 36);
  CHECK(make_started_by(InstallationId("in memory")) != hashed);
}

TEST_CASE("run task: values of tags are made fit") {
  CHECK(clean_tag_value("team/app (main) * ä") == "team/app _main_ _ ä");
  CHECK(clean_tag_value("a\xff\nb") == "a__b");
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "ä";
  CHECK(clean_tag_value(umlauts) == umlauts.substr(0, 512));
}
