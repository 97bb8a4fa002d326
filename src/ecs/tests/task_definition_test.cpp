#include "ecs/task_definition.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "ecs/fields.hpp"
#include "ecs/json_text.hpp"
#include "ecs/service_model.hpp"
#include "ecs/tests/samples.hpp"

using namespace footman::ecs;
namespace json = boost::json;

namespace {

const DefinitionScope kScope{InstallationId("inst-1"), TemplateName("node"), "eu-central-1"};

TaskDefinition make(const TemplateOptions& options, const CloudOptions& cloud = make_cloud()) {
  return make_task_definition(options, cloud, kScope).value();
}
json::value request_of(const TemplateOptions& options, const CloudOptions& cloud = make_cloud()) {
  return json::parse(make(options, cloud).request);
}
std::string refusal(std::string patch) {
  auto options = make_fargate_options();
  options.task_definition_patch = std::move(patch);
  const auto made = make_task_definition(options, make_cloud(), kScope);
  if (made) return "taken";
  CHECK(made.error().field == "task_definition_patch");
  return made.error().message;
}
json::value patched(std::string patch) {
  auto options = make_fargate_options();
  options.task_definition_patch = std::move(patch);
  return request_of(options);
}

}  // namespace

TEST_CASE("task definition: what is sent, to the byte") {
  auto cloud = make_cloud();
  cloud.log_group = "/footman";
  const auto made = make(make_fargate_options(), cloud);
  CHECK(made.container == "agent");
  CHECK(made.family == "footman-node-" + made.hash.substr(0, 16));
  const auto expected = json::parse(R"({
    "containerDefinitions": [
      {"name": "agent", "image": "node:20", "essential": true,
       "entryPoint": ["/footman/footman-agent"], "command": ["run"], "stopTimeout": 120,
       "mountPoints": [{"sourceVolume": "footman-agent", "containerPath": "/footman"}],
       "dependsOn": [{"containerName": "footman-carrier", "condition": "SUCCESS"}],
       "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/footman",
         "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "footman"}}},
      {"name": "footman-carrier", "essential": false,
       "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1",
       "entryPoint": ["/footman-agent"], "command": ["install", "/footman"], "readonlyRootFilesystem": true,
       "mountPoints": [{"sourceVolume": "footman-agent", "containerPath": "/footman"}],
       "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/footman",
         "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "footman"}}}],
    "volumes": [{"name": "footman-agent"}],
    "cpu": "1024", "memory": "2048", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "taskRoleArn": "arn:aws:iam::123456789012:role/footman-agent",
    "executionRoleArn": "arn:aws:iam::123456789012:role/footman-execution"})");
  auto request = json::parse(made.request);
  auto tags = request.get_object()["tags"];
  request.get_object().erase("tags");
  request.get_object().erase("family");
  CHECK(canonical_text(request) == canonical_text(expected));
  CHECK(json::serialize(tags) == R"([{"key":"footman:definition","value":")" + made.hash +
                                     R"("},{"key":"footman:installation","value":"inst-1"},)"
                                     R"({"key":"footman:template","value":"node"}])");
  CHECK(make(make_fargate_options(), cloud).request == made.request);
}

TEST_CASE("task definition: every field of the options has a place that AWS knows") {
  const auto request = request_of(make_complete_options());
  const auto fits = check_shape(request, kRegisterTaskDefinition);
  CHECK_MESSAGE(fits.has_value(), (fits ? "" : describe(fits.error())));
  const auto& container = request.at("containerDefinitions").at(0).get_object();
  // All that the shape has, but for what is only reached through the patch.
  const std::set<std::string_view> patch_only = {"credentialSpecs", "disableNetworking",
                                                 "versionConsistency"};
  const auto& sidecar = request.at("containerDefinitions").at(2).get_object();
  for (const auto* name : {"name",
                           "image",
                           "repositoryCredentials",
                           "cpu",
                           "memory",
                           "memoryReservation",
                           "links",
                           "portMappings",
                           "essential",
                           "restartPolicy",
                           "entryPoint",
                           "command",
                           "environment",
                           "environmentFiles",
                           "mountPoints",
                           "volumesFrom",
                           "linuxParameters",
                           "secrets",
                           "dependsOn",
                           "startTimeout",
                           "stopTimeout",
                           "hostname",
                           "user",
                           "workingDirectory",
                           "privileged",
                           "readonlyRootFilesystem",
                           "dnsServers",
                           "dnsSearchDomains",
                           "extraHosts",
                           "dockerSecurityOptions",
                           "interactive",
                           "pseudoTerminal",
                           "dockerLabels",
                           "ulimits",
                           "logConfiguration",
                           "healthCheck",
                           "systemControls",
                           "resourceRequirements",
                           "firelensConfiguration"})
    CHECK_MESSAGE(sidecar.contains(name), std::string(name));
  CHECK(container.at("linuxParameters").get_object().size() == 7);
  CHECK(container.at("linuxParameters").at("capabilities").at("drop").at(0) == "NET_RAW");  // not lost to shm
  CHECK(request.at("volumes").get_array().size() == 6);
}

TEST_CASE("task definition: whatever changes its content changes the family, and nothing else does") {
  auto base = make_fargate_options();
  base.volumes.resize(1);
  base.volumes[0].name = "data";
  const auto usual = make(base).family;
  const auto full = make_complete_options();
  const std::set<std::string_view> of_the_run = {
      "task_definition",  "fallback_sizes",   "platform_version",     "subnets",  "security_groups",
      "assign_public_ip", "execute_command",  "placement_strategies", "group",    "placement_constraints",
      "propagate_tags",   "ecs_managed_tags", "fallback_capacities",  "round_up", "fallback_architectures"};
  std::set<std::string> families = {usual};
  visit_fields(
      [&](const char* name, auto member) {
        auto options = base;
        if (options.*member == full.*member) return;
        options.*member = full.*member;
        if (std::string_view(name) == "agent") options.agent.directory = "/other";
        if (std::string_view(name) == "network_mode")
          options.network_mode = NetworkMode::bridge;  // not Fargate's own
        if (std::string_view(name) == "task_definition_patch")
          options.task_definition_patch = R"({"enableFaultInjection":true})";
        const auto family = make(options).family;
        if (of_the_run.contains(name))
          CHECK_MESSAGE(family == usual, std::string(name));
        else
          CHECK_MESSAGE(families.insert(family).second, std::string(name));
      },
      std::type_identity<TemplateOptions>());
  visit_fields(
      [&](const char* name, auto member) {
        auto options = base;
        if (options.container.*member == full.container.*member) return;
        options.container.*member = full.container.*member;
        CHECK_MESSAGE(families.insert(make(options).family).second, std::string(name));
      },
      std::type_identity<Container>());
  for (auto field : {&CloudOptions::cluster, &CloudOptions::region, &CloudOptions::event_queue_url}) {
    auto cloud = make_cloud();
    cloud.*field = "other";
    CHECK(make(base, cloud).family == usual);
  }
  auto other = kScope;
  other.installation = InstallationId("inst-2");
  CHECK(make_task_definition(base, make_cloud(), other)->family != usual);
  CHECK(families.size() > 50);
}

TEST_CASE("task definition: the agent's own entry point, an image that holds it, and other names") {
  auto options = make_fargate_options();
  options.container.entry_point = {"/sbin/tini", "--"};
  options.container.name = "build";
  options.container.stop_timeout = 30s;
  auto container = request_of(options).at("containerDefinitions").at(0);
  CHECK(json::serialize(container.at("entryPoint")) == R"(["/sbin/tini","--"])");
  CHECK(json::serialize(container.at("command")) == R"(["/footman/footman-agent","run"])");
  CHECK(container.at("stopTimeout") == 30);
  CHECK(make(options).container == "build");

  options = make_fargate_options();
  options.agent = {AgentDelivery::image, "/usr/bin/footman-agent", "", "", "/work"};
  auto request = request_of(options);
  CHECK(request.at("containerDefinitions").get_array().size() == 1);
  CHECK_FALSE(request.get_object().contains("volumes"));
  CHECK(json::serialize(request.at("containerDefinitions").at(0).at("entryPoint")) ==
        R"(["/usr/bin/footman-agent"])");
  options.agent.path.clear();
  container = request_of(options).at("containerDefinitions").at(0);
  CHECK_FALSE(container.get_object().contains("entryPoint"));
  CHECK(json::serialize(container.at("command")) == R"(["run"])");

  auto scope = kScope;
  scope.template_name = TemplateName("Größe 1/" + std::string(300, 'x'));
  const auto made = make_task_definition(make_fargate_options(), make_cloud(), scope);
  CHECK(made->request.find("Größe 1/" + std::string(248, 'x') + '"') != std::string::npos);  // a tag's length
  const auto& family = made->family;
  CHECK(family.starts_with("footman-Gr----e-1-xxx"));
  CHECK(family.size() <= 255);
}

TEST_CASE("task definition: sizes are rounded up when that is wished, and every capacity is provided for") {
  auto options = make_fargate_options();
  options.size = {1000, 2000};
  CHECK_FALSE(make_task_definition(options, make_cloud(), kScope).has_value());
  options.round_up = true;
  CHECK(request_of(options).at("cpu") == "1024");
  options = make_fargate_options();
  options.fallback_capacities = {{CapacityKind::launch_type, LaunchType::ec2, {}, {}}};
  CHECK(json::serialize(request_of(options).at("requiresCompatibilities")) == R"(["EC2","FARGATE"])");
}

TEST_CASE("task definition: a patch reaches what has no field") {
  const auto request = patched(R"({"enableFaultInjection":true,
      "containerDefinitions":{"agent":{"versionConsistency":"disabled","environment":[{"name":"a.b","value":"c"}],
                                       "user":"node"},
                              "extra":{"image":"busybox","essential":false}},
      "volumes":{"cache":{}}})");
  CHECK(request.at("enableFaultInjection") == true);
  const auto& containers = request.at("containerDefinitions").get_array();
  REQUIRE(containers.size() == 3);
  CHECK(containers[0].at("versionConsistency") == "disabled");
  CHECK(containers[0].at("environment").at(0).at("name") == "a.b");
  CHECK(containers[0].at("user") == "node");
  CHECK(containers[0].at("stopTimeout") == 120);
  CHECK(containers[2].at("name") == "extra");
  CHECK(request.at("volumes").at(0).at("name") == "cache");
  CHECK(patched("{}") == request_of(make_fargate_options()));
}

TEST_CASE("task definition: a patch that ECS would not take is refused with its place") {
  CHECK(refusal("{").starts_with("this is not JSON"));
  CHECK(refusal("[]") == "a JSON object was expected");
  CHECK(refusal(R"({"family":"x"})") == "the family's name follows from the content, so it cannot be said");
  CHECK(refusal(R"({"tags":[]})") == "tags cannot be patched: say them in 'tags'");
  CHECK(refusal(R"({"pid_mode":"task"})") ==
        "pid_mode: there is no 'pid_mode' here; did you mean 'pidMode'?");
  CHECK(refusal(R"({"containerDefinitions":{"agent":{"cpu":"1"}}})") ==
        "containerDefinitions[0].cpu: a whole number was expected");
  CHECK(refusal(R"({"containerDefinitions":[{"image":"x"}]})") == "a container has no name");
  CHECK(refusal(R"({"containerDefinitions":{"agent":1}})") ==
        "containerDefinitions.agent: an object was expected");
  CHECK(refusal(R"({"containerDefinitions":null})") ==
        "containerDefinitions: 'containerDefinitions' must be there");
  CHECK(refusal(R"({"networkMode":"nat"})") == "networkMode: one of bridge, host, awsvpc, none was expected");
}

TEST_CASE("task definition: what has a key of its own cannot be patched, but for what the key says") {
  for (const auto& [name, value] : {std::pair("taskRoleArn", R"("arn:aws:iam::123456789012:role/x")"),
                                    {"executionRoleArn", R"("arn:aws:iam::999999999999:role/x")"},
                                    {"networkMode", R"("host")"},
                                    {"cpu", R"("2048")"},
                                    {"memory", R"("9 GB")"},
                                    {"requiresCompatibilities", R"(["EC2"])"},
                                    {"runtimePlatform", R"({"cpuArchitecture":"ARM64"})"},
                                    {"ephemeralStorage", R"({"sizeInGiB":500})"},
                                    {"pidMode", R"("host")"},
                                    {"ipcMode", R"("none")"}}) {
    CHECK(refusal(fmt::format(R"({{"{}":{}}})", name, value)) == fmt::format("'{}' cannot be patched", name));
  }
  CHECK(
      patched(R"({"networkMode":"awsvpc","cpu":"1 vCPU","runtimePlatform":{"cpuArchitecture":"X86_64"}})") ==
      request_of(make_fargate_options()));
}

TEST_CASE("task definition: a patch adds, and changes nothing that keys of the template say") {
  auto options = make_fargate_options();
  options.container.environment = {{"A", "1"}, {"B", "2"}};
  options.container.drop_capabilities = {"NET_RAW"};
  options.sidecars.resize(1);
  options.sidecars[0].name = "db";
  options.sidecars[0].image = "postgres:16";
  const auto changed = [&](const std::string& patch) {
    options.task_definition_patch = patch;
    const auto made = make_task_definition(options, make_cloud(), kScope);
    return made ? std::string("nothing") : made.error().message;
  };
  const auto of = [&](const std::string& container, const std::string& members) {
    return changed(fmt::format(R"({{"containerDefinitions":{{"{}":{}}}}})", container, members));
  };
  const auto told = [](const std::string& place) {
    return fmt::format("the patch changes '{}', or takes it away", place);
  };
  CHECK(of("agent", R"({"dockerLabels":{"a":"b"}})") == "nothing");
  for (const auto* member : {"mountPoints", "dependsOn", "command", "entryPoint", "image", "essential"})
    for (const auto* value : {"null", "[]"})
      if (const auto message = of("agent", fmt::format(R"({{"{}":{}}})", member, value));
          !message.ends_with("was expected"))
        CHECK_MESSAGE(
            message.starts_with(fmt::format("the patch changes 'containerDefinitions.agent.{}", member)),
            message);
  CHECK(of("agent", R"({"image":"node:22"})") == told("containerDefinitions.agent.image"));
  CHECK(of("agent", R"({"stopTimeout":10})") == told("containerDefinitions.agent.stopTimeout"));
  CHECK(of("agent", R"({"environment":[{"name":"B","value":"2"}]})") ==
        told("containerDefinitions.agent.environment.A"));
  CHECK(of("agent", R"({"environment":[{"name":"B","value":"2"},{"name":"A","value":"3"}]})") ==
        told("containerDefinitions.agent.environment.A.value"));
  CHECK(
      of("agent",
         R"({"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"A","value":"3"}]})") ==
      told("containerDefinitions.agent.environment.A"));
  CHECK(
      of("agent",
         R"({"environment":[{"name":"B","value":"2"},{"name":"c.d","value":""},{"name":"A","value":"1"}]})") ==
      "nothing");
  CHECK(of("agent", R"({"linuxParameters":{"capabilities":{"drop":["NET_RAW","MKNOD"]}}})") ==
        told("containerDefinitions.agent.linuxParameters.capabilities.drop"));
  CHECK(of("agent", R"({"mountPoints":[{"sourceVolume":"x","containerPath":"/footman"}]})") ==
        told("containerDefinitions.agent.mountPoints"));
  CHECK(of("agent", "null") == told("containerDefinitions.agent"));
  CHECK(of("db", "null") == told("containerDefinitions.db"));
  CHECK(of("db", R"({"essential":false})") == told("containerDefinitions.db.essential"));
  CHECK(of("footman-carrier", "null") == told("containerDefinitions.footman-carrier"));
  CHECK(of("footman-carrier", R"({"image":"mallory/agent"})") ==
        told("containerDefinitions.footman-carrier.image"));
  CHECK(changed(R"({"containerDefinitions":[{"name":"x"}]})") == told("containerDefinitions.agent"));
  CHECK(changed(R"({"volumes":[]})") == told("volumes.footman-agent"));
  CHECK(changed(R"({"volumes":null})") == told("volumes"));
  options.agent = {AgentDelivery::image, "", "", "", ""};
  CHECK(of("agent", R"({"entryPoint":["sh"]})") == "the agent's entry point cannot be patched");
}

TEST_CASE("task definition: 64 KiB are the most that ECS takes") {
  auto options = make_fargate_options();
  options.container.environment["LONG"] = std::string(kMaxDefinitionBytes, 'x');
  const auto made = make_task_definition(options, make_cloud(), kScope);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == footman::base::Errc::resource_exhausted);
}

TEST_CASE("normal form: what AWS answers with is what was registered") {
  auto options = make_fargate_options();
  options.container.environment = {{"B", "2"}, {"A", "1"}};
  options.container.port_mappings = {{5005, 0, PortProtocol::tcp}};
  options.container.health_check = HealthCheck{{"CMD-SHELL", "true"}, 0s, 0s, 0, 0s};
  options.volumes.resize(1);
  options.volumes[0].name = "shared";
  options.volumes[0].efs = EfsVolume{"fs-0a1b2c3d", "", "", false, true, 0};
  options.task_definition_patch = R"({"cpu":"1 vCPU","memory":"2 GB"})";
  auto answer = json::parse(make(options).request);
  auto& object = answer.get_object();
  object.erase("tags");
  const auto sent = normalise(answer);
  // As DescribeTaskDefinition shows it.
  object["taskDefinitionArn"] = "arn:aws:ecs:eu-central-1:123456789012:task-definition/x:1";
  object["revision"] = 1;
  object["status"] = "ACTIVE";
  object["registeredAt"] = 1795000000.123;
  object["registeredBy"] = "arn:aws:iam::123456789012:user/x";
  object["compatibilities"] = json::array{"EC2", "FARGATE"};
  object["requiresAttributes"] = json::array{json::object{{"name", "ecs.capability.x"}}};
  object["placementConstraints"] = json::array{};
  object["volumes"].get_array()[0].get_object()["host"] = json::object{};
  auto& container = object["containerDefinitions"].get_array()[0].get_object();
  object["volumes"].get_array()[1].get_object()["efsVolumeConfiguration"].get_object()["rootDirectory"] = "/";
  container["healthCheck"] = json::value({{"command", {"CMD-SHELL", "true"}},
                                          {"interval", 30},
                                          {"timeout", 5},
                                          {"retries", 3},
                                          {"startPeriod", 0}});
  container["cpu"] = 0;
  container["volumesFrom"] = json::array{};
  container["systemControls"] = json::array{};
  container["mountPoints"].get_array()[0].get_object()["readOnly"] = false;
  auto& environment = container["environment"].get_array();
  std::swap(environment[0], environment[1]);
  CHECK(canonical_text(normalise(answer)) == canonical_text(sent));
  CHECK(canonical_text(normalise(sent)) == canonical_text(sent));
  CHECK(hash_definition(answer) == hash_definition(sent));
  CHECK(sent.at("cpu") == "1024");
  CHECK(sent.at("memory") == "2048");
  CHECK(sent.at("containerDefinitions").at(0).at("portMappings").at(0).at("hostPort") == 5005);
  container["image"] = "node:21";
  CHECK(hash_definition(answer) != hash_definition(sent));
}

TEST_CASE("a definition as AWS shows it: what nobody asked for and says nothing is no difference") {
  auto options = make_fargate_options();
  options.sidecars.resize(1);
  options.sidecars[0].name = "db";
  options.sidecars[0].image = "postgres:16";
  options.sidecars[0].essential = false;
  const auto request = request_of(options);
  const auto runs_with = [&](const char* place, const char* name, const char* member) {
    auto shown = request;
    shown.at_pointer(place).get_object()[name] = json::parse(member);
    return runs_the_same(shown, request);
  };
  CHECK(runs_the_same(request, request));
  for (const auto* nothing :
       {"false", "0", "0.0", R"("")", "[]", "{}", "null", R"({"a":false,"b":{"c":0}})"}) {
    CHECK_MESSAGE(runs_with("", "enableFaultInjection", nothing), nothing);
    CHECK_MESSAGE(runs_with("/containerDefinitions/0", "ofTheFuture", nothing), nothing);
    CHECK_MESSAGE(runs_with("/volumes/0", "ofTheFuture", nothing), nothing);
  }
  for (const auto* something : {"true", "1", R"("x")", R"([false])", R"({"a":{"b":1}})"}) {
    CHECK_FALSE_MESSAGE(runs_with("", "enableFaultInjection", something), something);
    CHECK_FALSE_MESSAGE(runs_with("/containerDefinitions/0", "ofTheFuture", something), something);
  }
  CHECK_FALSE(runs_with("", "pidMode", R"("task")"));
  CHECK_FALSE(runs_with("", "cpu", R"("2048")"));
  CHECK_FALSE(runs_with("/containerDefinitions/0", "image", R"("mallory/miner")"));
  CHECK_FALSE(runs_with("/containerDefinitions/0", "privileged", "true"));
  CHECK_FALSE(runs_with("/containerDefinitions/0", "environment", R"([{"name":"LD_PRELOAD","value":""}])"));
  CHECK_FALSE(runs_with("/containerDefinitions/2", "essential", "true"));
  for (const auto* list : {"/containerDefinitions", "/volumes"}) {
    auto shown = request;
    shown.at_pointer(list).get_array().push_back({{"name", "more"}});
    CHECK_FALSE_MESSAGE(runs_the_same(shown, request), list);
  }
  auto shown = request;
  shown.at_pointer("/containerDefinitions/0").get_object().erase("stopTimeout");
  CHECK_FALSE(runs_the_same(shown, request));
  options.task_definition_patch = R"({"enableFaultInjection":false})";
  CHECK(runs_the_same(request, request_of(options)));
  options.task_definition_patch = R"({"enableFaultInjection":true})";
  CHECK_FALSE(runs_the_same(request, request_of(options)));
}
