#include "ecs/validate.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>

#include "ecs/tests/samples.hpp"

using namespace footman::ecs;

namespace {

std::string list(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& one : problems) text += fmt::format("{}{}\n", one.field, one.fatal ? "" : " (warning)");
  return text;
}

using Change = std::function<void(TemplateOptions&)>;

struct Row {
  std::string what;
  Change change;
  std::string found;  // fields, a line each
};

TemplateOptions make_ec2_options() {
  auto options = make_fargate_options();
  options.capacity.launch_type = LaunchType::ec2;
  options.network_mode = NetworkMode::bridge;
  options.subnets.clear();
  options.security_groups.clear();
  return options;
}

TemplateOptions make_windows_options() {
  auto options = make_fargate_options();
  options.os_family = OsFamily::windows_2022_core;
  options.agent = {AgentDelivery::image, "C:\\footman\\footman-agent.exe", "", "/footman", ""};
  return options;
}

TemplateOptions make_existing_options() {
  TemplateOptions options;
  options.task_definition = "ci:7";
  options.agent.delivery = AgentDelivery::image;
  options.subnets = {"subnet-0a1b2c3d"};
  options.task_role = "arn:aws:iam::123456789012:role/footman-agent";
  return options;
}

Capacity spot() { return {CapacityKind::strategy, LaunchType::fargate, {{"FARGATE_SPOT", 0, 1}}, {}}; }

void check_rows(const TemplateOptions& begin, const CloudOptions& cloud, const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    auto options = begin;
    row.change(options);
    CHECK_MESSAGE(list(validate(options, cloud)) == row.found, row.what);
  }
}

Container make_sidecar(std::string name) {
  Container sidecar;
  sidecar.name = std::move(name);
  sidecar.image = "redis:7";
  return sidecar;
}

void work_on_volume(TemplateOptions& options, const std::string& user) {
  options.container.user = user;
  options.container.mount_points.push_back({"work", "/build", false});
  options.volumes.push_back({"work", "", {}, {}, {}, {}});
  options.agent.work_directory = "/build/x";
}

}  // namespace

TEST_CASE("validate: the samples are right") {
  CHECK(list(validate(make_fargate_options(), make_cloud())).empty());
  CHECK(list(validate(make_ec2_options(), make_cloud())).empty());
  CHECK(list(validate(make_windows_options(), make_cloud())).empty());
  CHECK(list(validate(make_existing_options(), make_cloud())).empty());
  CHECK(list(validate(make_cloud())).empty());
}

TEST_CASE("validate: Fargate") {
  check_rows(
      make_fargate_options(), make_cloud(),
      {{"size", [](auto& o) { o.size = {1024, 1024}; }, "size\n"},
       {"size rounded up", [](auto& o) { o.size = {1024, 1024}, o.round_up = true; }, ""},
       {"no size", [](auto& o) { o.size = {}; }, "size\n"},
       {"fallback size", [](auto& o) { o.fallback_sizes = {{2048, 1024}}; }, "fallback_sizes[0]\n"},
       {"the same size", [](auto& o) { o.fallback_sizes = {{1024, 2048}}; }, "fallback_sizes[0]\n"},
       {"the same architecture", [](auto& o) { o.fallback_architectures = {CpuArchitecture::x86_64}; },
        "fallback_architectures[0]\n"},
       {"another architecture", [](auto& o) { o.fallback_architectures = {CpuArchitecture::arm64}; }, ""},
       {"an architecture twice",
        [](auto& o) { o.fallback_architectures = {CpuArchitecture::arm64, CpuArchitecture::arm64}; },
        "fallback_architectures[0]\nfallback_architectures[1]\n"},
       {"privileged", [](auto& o) { o.container.privileged = true; }, "container.privileged\n"},
       {"devices", [](auto& o) { o.container.devices = {{"/dev/fuse", "", {}}}; }, "container.devices\n"},
       {"shm", [](auto& o) { o.container.shared_memory_mib = 64; }, "container.shared_memory_mib\n"},
       {"swap", [](auto& o) { o.container.max_swap_mib = 0; }, "container.max_swap_mib\n"},
       {"gpus", [](auto& o) { o.container.gpus = 1; }, "container.gpus\n"},
       {"extra hosts", [](auto& o) { o.container.extra_hosts = {{"a", "10.0.0.1"}}; },
        "container.extra_hosts\n"},
       {"hostname", [](auto& o) { o.container.hostname = "a"; }, "container.hostname\n"},
       {"dns", [](auto& o) { o.container.dns_servers = {"10.0.0.2"}; }, "container.dns_servers\n"},
       {"more than a launch can keep",
        [](auto& o) {
          for (int i = 0; i < 1001; ++i) o.container.environment["V" + std::to_string(i)] = "";
        },
        "container.environment\n"},
       {"what a launch cannot keep", [](auto& o) { o.container.user = "\xff"; }, "task_definition_patch\n"},
       {"ptrace", [](auto& o) { o.container.add_capabilities = {"SYS_PTRACE"}; }, ""},
       {"drop", [](auto& o) { o.container.drop_capabilities = {"NET_RAW", "ALL"}; }, ""},
       {"admin", [](auto& o) { o.container.add_capabilities = {"SYS_ADMIN"}; },
        "container.add_capabilities[0]\n"},
       {"CAP_", [](auto& o) { o.container.drop_capabilities = {"CAP_NET_RAW"}; },
        "container.drop_capabilities[0]\n"},
       {"tmpfs", [](auto& o) { o.container.tmpfs = {{"/run", 1, {}}}; }, "container.tmpfs (warning)\n"},
       {"nofile", [](auto& o) { o.container.ulimits = {{UlimitName::nofile, 1024, 4096}}; }, ""},
       {"nproc", [](auto& o) { o.container.ulimits = {{UlimitName::nproc, 1, 1}}; },
        "container.ulimits[0] (warning)\n"},
       {"soft above hard", [](auto& o) { o.container.ulimits = {{UlimitName::nofile, 2, 1}}; },
        "container.ulimits[0]\n"},
       {"bridge", [](auto& o) { o.network_mode = NetworkMode::bridge; }, "network_mode\n"},
       {"no subnet", [](auto& o) { o.subnets.clear(); }, "subnets\n"},
       {"a name", [](auto& o) { o.subnets = {"private-a"}; }, "subnets[0]\n"},
       {"twice", [](auto& o) { o.subnets.push_back(o.subnets[0]); }, "subnets[2]\n"},
       {"17 subnets",
        [](auto& o) {
          o.subnets.clear();
          for (int i = 0; i < 17; ++i) o.subnets.push_back(fmt::format("subnet-{:08x}", i));
        },
        "subnets\n"},
       {"6 groups",
        [](auto& o) {
          o.security_groups.clear();
          for (int i = 0; i < 6; ++i) o.security_groups.push_back(fmt::format("sg-{:08x}", i));
        },
        "security_groups\n"},
       {"placement", [](auto& o) { o.placement_strategies = {{}}; }, "placement_strategies\n"},
       {"constraint", [](auto& o) { o.placement_constraints = {{PlacementConstraintType::member_of, "a"}}; },
        "placement_constraints\n"},
       {"disk", [](auto& o) { o.ephemeral_storage_gib = 20; }, "ephemeral_storage_gib\n"},
       {"log driver", [](auto& o) { o.container.log = LogConfiguration{LogDriver::json_file, {}, {}}; },
        "container.log.driver\n"},
       {"no log group", [](auto& o) { o.container.log = LogConfiguration{}; }, "container.log.options\n"},
       {"no router", [](auto& o) { o.container.log = LogConfiguration{LogDriver::awsfirelens, {}, {}}; },
        "container.log.driver\n"},
       {"stop timeout", [](auto& o) { o.container.stop_timeout = 121s; }, "container.stop_timeout\n"},
       {"part of a second", [](auto& o) { o.container.stop_timeout = 2500ms; }, "container.stop_timeout\n"},
       {"host pid", [](auto& o) { o.pid_mode = PidMode::host; }, "pid_mode\n"},
       {"host folder", [](auto& o) { o.volumes = {{"v", "/x", {}, {}, {}, {}}}; }, "volumes[0].host_path\n"},
       {"arm on spot, old",
        [](auto& o) {
          o.cpu_architecture = CpuArchitecture::arm64;
          o.capacity = spot();
          o.platform_version = "1.3.0";
        },
        "platform_version\n"},
       {"arm on spot", [](auto& o) { o.cpu_architecture = CpuArchitecture::arm64, o.capacity = spot(); }, ""},
       {"version", [](auto& o) { o.platform_version = "1.4"; }, "platform_version\n"},
       {"large, old", [](auto& o) { o.size = {8192, 16384}, o.platform_version = "1.3.0"; },
        "platform_version\n"},
       {"large", [](auto& o) { o.size = {8192, 16384}, o.platform_version = "1.4.0"; }, ""},
       {"a user's work on a new volume", [](auto& o) { work_on_volume(o, "1000:1000"); },
        "agent.work_directory (warning)\n"},
       {"root's work on it", [](auto& o) { work_on_volume(o, "0:0"); }, ""},
       {"the image's user's work on it", [](auto& o) { work_on_volume(o, ""); }, ""},
       {"a user's work beside it",
        [](auto& o) {
          work_on_volume(o, "node");
          o.agent.work_directory = "/workshop";
        },
        ""},
       {"a user's work on a file system",
        [](auto& o) {
          work_on_volume(o, "node");
          o.volumes.back().efs = EfsVolume{"fs-0123456789abcdef0"};
        },
        ""},
       {"no task role", [](auto& o) { o.task_role.clear(); }, "task_role (warning)\n"},
       {"exec without role", [](auto& o) { o.task_role.clear(), o.execute_command = true; },
        "task_role (warning)\nexecute_command\n"},
       {"ECR without role", [](auto& o) { o.execution_role.clear(); }, "execution_role\n"},
       {"secrets without role",
        [](auto& o) {
          o.execution_role.clear();
          o.agent.carrier_image = "carrier:1";
          o.container.secrets = {{"A", "name"}};
        },
        "container.secrets\n"},
       {"user instead of role", [](auto& o) { o.task_role = "arn:aws:iam::123456789012:user/x"; },
        "task_role\n"},
       {"roles of two accounts", [](auto& o) { o.execution_role = "arn:aws:iam::210987654321:role/start"; },
        "execution_role\n"},
       {"role of China", [](auto& o) { o.task_role = "arn:aws-cn:iam::123456789012:role/x"; },
        "task_role\n"}});
}

TEST_CASE("validate: capacities") {
  const auto strategy = [](std::vector<CapacityProvider> providers) {
    return [providers](TemplateOptions& o) {
      o.capacity = {CapacityKind::strategy, LaunchType::fargate, providers, {}};
    };
  };
  std::vector<CapacityProvider> many;
  many.reserve(21);
  for (int i = 0; i < 21; ++i) many.push_back({fmt::format("p{}", i), 0, 1});
  auto options = make_ec2_options();
  check_rows(options, make_cloud(),
             {{"own provider", strategy({{"spot-asg", 0, 1}}), ""},
              {"its name contains FARGATE", strategy({{"my-FARGATE-like", 0, 1}}), ""},
              {"none", strategy({}), "capacity.providers\n"},
              {"21", strategy(many), "capacity.providers\n"},
              {"two bases", strategy({{"a", 1, 1}, {"b", 1, 1}}), "capacity.providers\n"},
              {"no weight", strategy({{"a", 0, 0}}), "capacity.providers\n"},
              {"weight", strategy({{"a", 0, 1001}}), "capacity.providers\n"},
              {"base", strategy({{"a", 100'001, 1}}), "capacity.providers\n"},
              {"twice", strategy({{"a", 0, 1}, {"a", 0, 1}}), "capacity.providers\n"},
              {"mixed", strategy({{"a", 0, 1}, {"FARGATE", 0, 1}}), "capacity.providers\n"},
              {"cluster's default", [](auto& o) { o.capacity.kind = CapacityKind::cluster_default; },
               "capacity.compatibility\n"},
              {"cluster's default, said",
               [](auto& o) {
                 o.capacity = {CapacityKind::cluster_default, LaunchType::fargate, {}, Compatibility::ec2};
               },
               ""},
              {"contradiction", [](auto& o) { o.capacity.compatibility = Compatibility::fargate; },
               "capacity.compatibility\nnetwork_mode\nsubnets\n"}});
  options = make_fargate_options();
  check_rows(options, make_cloud(),
             {{"Spot, then on demand",
               [](auto& o) { o.fallback_capacities = {o.capacity}, o.capacity = spot(); }, ""},
              {"the same again", [](auto& o) { o.fallback_capacities = {o.capacity}; },
               "fallback_capacities[0]\n"}});
}

TEST_CASE("validate: outside of Fargate") {
  check_rows(
      make_ec2_options(), make_cloud(),
      {{"privileged", [](auto& o) { o.container.privileged = true; }, ""},
       {"platform version", [](auto& o) { o.platform_version = "1.4.0"; }, "platform_version\n"},
       {"disk", [](auto& o) { o.ephemeral_storage_gib = 50; }, "ephemeral_storage_gib\n"},
       {"no memory at all", [](auto& o) { o.size = {}; }, "container.memory_mib\n"},
       {"soft memory", [](auto& o) { o.size = {}, o.container.memory_reservation_mib = 512; }, ""},
       {"subnets", [](auto& o) { o.subnets = {"subnet-0a1b2c3d"}; }, "subnets\n"},
       {"no network", [](auto& o) { o.network_mode = NetworkMode::none; }, "network_mode\n"},
       {"extra hosts", [](auto& o) { o.container.extra_hosts = {{"a", "10.0.0.1"}}; }, ""},
       {"ports", [](auto& o) { o.container.port_mappings = {{80, 8080, PortProtocol::tcp}}; }, ""},
       {"ports of the host",
        [](auto& o) {
          o.network_mode = NetworkMode::host;
          o.container.port_mappings = {{80, 8080, PortProtocol::tcp}};
        },
        "container.port_mappings[0]\n"},
       {"placement",
        [](auto& o) {
          o.placement_strategies = {{PlacementStrategyType::binpack, "memory"}, {}};
          o.placement_constraints = {{PlacementConstraintType::distinct_instance, ""}};
        },
        ""},
       {"binpack", [](auto& o) { o.placement_strategies = {{PlacementStrategyType::binpack, "disk"}}; },
        "placement_strategies\n"},
       {"external with awsvpc",
        [](auto& o) {
          o.capacity.launch_type = LaunchType::external;
          o.network_mode = NetworkMode::awsvpc;
          o.subnets = {"subnet-0a1b2c3d"};
        },
        "network_mode\n"}});
}

TEST_CASE("validate: Windows") {
  check_rows(
      make_windows_options(), make_cloud(),
      {{"Spot", [](auto& o) { o.capacity = spot(); }, "capacity\n"},
       {"ARM64", [](auto& o) { o.cpu_architecture = CpuArchitecture::arm64; }, "cpu_architecture\n"},
       {"small", [](auto& o) { o.size = {512, 1024}; }, "size\n"},
       {"2016", [](auto& o) { o.os_family = OsFamily::windows_2016_full; }, "os_family\n"},
       {"inject", [](auto& o) { o.agent = {}; }, "agent.delivery\n"},
       {"read-only root", [](auto& o) { o.container.read_only_root = true; }, "container.read_only_root\n"},
       {"disk", [](auto& o) { o.ephemeral_storage_gib = 50; }, "ephemeral_storage_gib\n"},
       {"EFS",
        [](auto& o) {
          o.volumes.resize(1);
          o.volumes[0].name = "v";
          o.volumes[0].efs = EfsVolume{"fs-0a1b2c3d", "", "", false, true, 0};
        },
        "volumes[0].efs\n"}});
}

TEST_CASE("validate: containers") {
  check_rows(
      make_fargate_options(), make_cloud(),
      {{"no image", [](auto& o) { o.container.image.clear(); }, "container.image\n"},
       {"image", [](auto& o) { o.container.image = "node 20"; }, "container.image\n"},
       {"command", [](auto& o) { o.container.command = {"sleep"}; }, "container.command\n"},
       {"not essential", [](auto& o) { o.container.essential = false; }, "container.essential\n"},
       {"restart", [](auto& o) { o.container.restart_policy = RestartPolicy{}; },
        "container.restart_policy\n"},
       {"a sidecar", [](auto& o) { o.sidecars = {make_sidecar("redis")}; }, ""},
       {"without a name", [](auto& o) { o.sidecars = {make_sidecar("")}; }, "sidecars[0].name\n"},
       {"the agent's name", [](auto& o) { o.sidecars = {make_sidecar("agent")}; }, "sidecars[0].name\n"},
       {"the carrier's name", [](auto& o) { o.sidecars = {make_sidecar("footman-carrier")}; },
        "sidecars[0].name\n"},
       {"9 sidecars and the carrier",
        [](auto& o) {
          for (char c = 'a'; c < 'j'; ++c) o.sidecars.push_back(make_sidecar({c}));
        },
        "sidecars\n"},
       {"our variable", [](auto& o) { o.container.environment = {{"FOOTMAN_AGENT_URL", "x"}}; },
        "container.environment.FOOTMAN_AGENT_URL\n"},
       {"not UTF-8", [](auto& o) { o.container.environment = {{"A", "\xff"}}; }, "container.environment.A\n"},
       {"both", [](auto& o) { o.container.environment = {{"A", "x"}}, o.container.secrets = {{"A", "x"}}; },
        "container.secrets.A\n"},
       {"not a secret", [](auto& o) { o.container.secrets = {{"A", "arn:aws:s3:::bucket/x"}}; },
        "container.secrets.A\n"},
       {"secret's key",
        [](auto& o) {
          o.container.secrets = {
              {"A", "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1b2c3:key::"}};
        },
        ""},
       {"unknown dependency", [](auto& o) { o.container.depends_on = {{"db", {}}}; },
        "container.depends_on\n"},
       {"on the end of an essential one",
        [](auto& o) {
          o.sidecars = {make_sidecar("db")};
          o.container.depends_on = {{"db", DependencyCondition::success}};
        },
        "container.depends_on\n"},
       {"on health that nobody checks",
        [](auto& o) {
          o.sidecars = {make_sidecar("db")};
          o.container.depends_on = {{"db", DependencyCondition::healthy}};
        },
        "container.depends_on\n"},
       {"a cycle",
        [](auto& o) {
          o.sidecars = {make_sidecar("a"), make_sidecar("b"), make_sidecar("c")};
          o.sidecars[0].depends_on = {{"b", {}}};
          o.sidecars[1].depends_on = {{"a", {}}};
          o.sidecars[2].depends_on = {{"b", {}}};
        },
        "sidecars[0].depends_on\n"},
       {"health check",
        [](auto& o) { o.container.health_check = HealthCheck{{"pg_isready"}, 4s, 61s, 11, 301s}; },
        "container.health_check.command\ncontainer.health_check.interval\ncontainer.health_check.timeout\n"
        "container.health_check.retries\ncontainer.health_check.start_period\n"},
       {"unknown volume", [](auto& o) { o.container.mount_points = {{"data", "/data", false}}; },
        "container.mount_points[0]\n"},
       {"volume",
        [](auto& o) {
          o.volumes.resize(1), o.volumes[0].name = "data",
                               o.container.mount_points = {{"data", "/data", false}};
        },
        ""},
       {"over the agent",
        [](auto& o) {
          o.volumes.resize(1), o.volumes[0].name = "data";
          o.container.mount_points = {{"data", "/footman", false}};
        },
        "agent.directory\n"},
       {"EFS by IAM without encryption",
        [](auto& o) {
          o.volumes.resize(1), o.volumes[0].name = "data";
          o.volumes[0].efs = EfsVolume{"fs-0a1b2c3d", "/x", "fsap-0a1b2c3d", true, false, 0};
        },
        "volumes[0].efs.root_directory\nvolumes[0].efs.transit_encryption\n"},
       {"two kinds",
        [](auto& o) {
          o.volumes.resize(1), o.volumes[0].name = "data";
          o.volumes[0].efs = EfsVolume{"fs-0a1b2c3d", "", "", false, true, 0};
          o.volumes[0].ebs = EbsVolume{o.task_role, 10, "", "", 0, 0, 0, {}, "", {}};
        },
        "volumes[0]\n"},
       {"more memory than the task", [](auto& o) { o.container.memory_mib = 4096; },
        "container.memory_mib\nsize.memory_mib\n"},
       {"more CPU than the least task",
        [](auto& o) { o.container.cpu_units = 1024, o.fallback_sizes = {{512, 2048}}; }, "size.cpu_units\n"},
       {"soft above hard",
        [](auto& o) { o.container.memory_mib = 512, o.container.memory_reservation_mib = 512; },
        "container.memory_reservation_mib\n"},
       {"no carrier", [](auto& o) { o.agent.carrier_image.clear(); }, "agent.carrier_image\n"},
       {"directory", [](auto& o) { o.agent.directory = "/"; }, "agent.directory\n"}});
}

TEST_CASE("validate: an existing definition leaves open what RunTask can change, and nothing else") {
  check_rows(
      make_existing_options(), make_cloud(),
      {{"variables", [](auto& o) { o.container.environment = {{"A", "1"}}, o.size = {1024, 2048}; }, ""},
       {"image", [](auto& o) { o.container.image = "node:20"; }, "container.image\n"},
       {"privileged", [](auto& o) { o.container.privileged = true; }, "container.privileged\n"},
       {"sidecars", [](auto& o) { o.sidecars = {make_sidecar("a")}; }, "sidecars\n"},
       {"patch", [](auto& o) { o.task_definition_patch = "{}"; }, "task_definition_patch\n"},
       {"inject", [](auto& o) { o.agent = {}; }, "agent.delivery\n"},
       {"size", [](auto& o) { o.size = {1024, 0}; }, "size\n"},
       {"elsewhere",
        [](auto& o) { o.task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/ci:7"; },
        "task_definition\n"},
       {"no name", [](auto& o) { o.task_definition = "c i"; }, "task_definition\n"}});
}

TEST_CASE("validate: what leads the agent to its role's credentials is not replaced") {
  const TextMap variables = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1"}, {"AWS_REGION", "x"}};
  const auto set = [&](auto& o) { o.container.environment = variables; };
  const std::string found = "container.environment.AWS_CONTAINER_CREDENTIALS_FULL_URI\n";
  check_rows(
      make_fargate_options(), make_cloud(),
      {{"environment", set, found},
       {"secrets", [](auto& o) { o.container.secrets = {{"AWS_CONTAINER_AUTHORIZATION_TOKEN", "/token"}}; },
        "container.secrets.AWS_CONTAINER_AUTHORIZATION_TOKEN\n"},
       {"a sidecar",
        [&](auto& o) { o.sidecars = {make_sidecar("a")}, o.sidecars[0].environment = variables; }, ""},
       {"no role to prove", [&](auto& o) { set(o), o.task_role.clear(); }, "task_role (warning)\n"}});
  check_rows(make_existing_options(), make_cloud(), {{"existing definition", set, found}});
}

TEST_CASE("validate: what a patch adds is checked by the rules for keys") {
  const auto said_of = [](const std::string& container, const std::string& members,
                          TemplateOptions options = make_fargate_options()) {
    options.task_definition_patch =
        fmt::format(R"({{"containerDefinitions":{{"{}":{}}}}})", container, members);
    for (const auto& problem : validate(options, make_cloud()))
      if (problem.fatal) return problem.field + ": " + problem.message;
    return std::string("nothing");
  };
  const auto of = [&](const std::string& members) { return said_of("agent", members); };
  CHECK(of(R"({"environment":[{"name":"a.b","value":"c"}],"user":"node"})") == "nothing");
  CHECK(of(R"({"privileged":true})") ==
        "task_definition_patch: container.privileged: Fargate does not have this");
  CHECK(
      of(R"({"cpu":99999999999})").starts_with("task_definition_patch: size.cpu_units: the containers want"));
  CHECK(of(R"({"memory":4096})").starts_with("task_definition_patch: container.memory_mib: it is more than"));
  CHECK(of(R"({"startTimeout":3000})") ==
        "task_definition_patch: container.start_timeout: 2 to 120 whole seconds were expected on Fargate");
  CHECK(of(R"({"environment":[{"name":"FOOTMAN_AGENT_NOTICE","value":"9m"}]})") ==
        "task_definition_patch: container.environment.FOOTMAN_AGENT_NOTICE: names that begin with "
        "FOOTMAN_AGENT_ are the agent's");
  CHECK(of(R"({"environment":[{"name":"AWS_CONTAINER_CREDENTIALS_FULL_URI","value":"http://x"}]})")
            .starts_with("task_definition_patch: container.environment.AWS_CONTAINER_CREDENTIALS_FULL_URI:"));
  CHECK(of(R"({"restartPolicy":{"enabled":true}})").find("an agent is not started again") !=
        std::string::npos);
  CHECK(
      said_of(
          "x",
          R"({"image":"busybox","essential":false,"dependsOn":[{"containerName":"y","condition":"START"}]})")
          .ends_with("there is no container 'y'"));
  CHECK(said_of("x", R"({"image":"busybox","stopTimeout":121})")
            .starts_with("task_definition_patch: sidecars[1].stop_timeout: 2 to 120"));
  CHECK(said_of(
            "x",
            R"({"image":"busybox","mountPoints":[{"sourceVolume":"footman-agent","containerPath":"/f"}]})") ==
        "nothing");
  auto on_ec2 = make_fargate_options();
  on_ec2.capacity = {CapacityKind::launch_type, LaunchType::ec2, {}, {}};
  on_ec2.network_mode = NetworkMode::awsvpc;
  CHECK(said_of("agent", R"({"privileged":true})", on_ec2) == "nothing");
}

TEST_CASE("validate: the patch is checked against what ECS takes") {
  check_rows(
      make_fargate_options(), make_cloud(),
      {{"right", [](auto& o) { o.task_definition_patch = R"({"enableFaultInjection":true})"; }, ""},
       {"wrong", [](auto& o) { o.task_definition_patch = R"({"enablefaultInjection":true})"; },
        "task_definition_patch\n"},
       {"what is checked elsewhere", [](auto& o) { o.task_definition_patch = R"({"networkMode":"host"})"; },
        "task_definition_patch\n"}});
}

TEST_CASE("validate: tags, together with the cloud's and Footman's own, are at most 50") {
  auto cloud = make_cloud();
  for (int i = 0; i < 22; ++i) cloud.tags[fmt::format("c{}", i)] = "x";
  check_rows(make_fargate_options(), cloud,
             {{"42",
               [](auto& o) {
                 for (int i = 0; i < 20; ++i) o.tags[fmt::format("t{}", i)] = "x";
               },
               ""},
              {"43",
               [](auto& o) {
                 for (int i = 0; i < 21; ++i) o.tags[fmt::format("t{}", i)] = "x";
               },
               "tags\n"},
              {"the cloud's again",
               [](auto& o) {
                 for (int i = 0; i < 21; ++i) o.tags[fmt::format("c{}", i)] = "x";
               },
               ""},
              {"AWS' own", [](auto& o) { o.tags = {{"AWS:x", "y"}}; }, "tags.AWS:x\n"},
              {"ours", [](auto& o) { o.tags = {{"footman:agent", "y"}}; }, "tags.footman:agent\n"},
              {"long", [](auto& o) { o.tags = {{"a", std::string(257, 'x')}}; }, "tags.a\n"}});
}

TEST_CASE("validate: clouds") {
  struct CloudRow {
    std::string what;
    std::function<void(CloudOptions&)> change;
    std::string found;
  };
  const std::vector<CloudRow> rows = {
      {"region", [](auto& c) { c.region = "Frankfurt"; }, "region\n"},
      {"no region", [](auto& c) { c.region.clear(); }, ""},
      {"cluster", [](auto& c) { c.cluster = "my cluster"; }, "cluster\n"},
      {"cluster's ARN", [](auto& c) { c.cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/ci"; }, ""},
      {"cluster elsewhere", [](auto& c) { c.cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/ci"; },
       "cluster\n"},
      {"a service", [](auto& c) { c.cluster = "arn:aws:ecs:eu-central-1:123456789012:service/ci"; },
       "cluster\n"},
      {"role",
       [](auto& c) { c.credentials.assume_role = {"arn:aws:iam::123456789012:role/ci", "x-1", "ci"}; }, ""},
      {"external id alone", [](auto& c) { c.credentials.assume_role.external_id = "x-1"; },
       "credentials.assume_role.role_arn\n"},
      {"session name",
       [](auto& c) { c.credentials.assume_role = {"arn:aws:iam::123456789012:role/ci", "", "a b"}; },
       "credentials.assume_role.session_name\n"},
      {"endpoint", [](auto& c) { c.endpoint.url = "localhost:4566"; }, "endpoint.url\n"},
      {"endpoints",
       [](auto& c) { c.endpoint.urls = {{"ecs", "http://127.0.0.1:1"}, {"s3", "http://127.0.0.1:1"}}; },
       "endpoint.urls.s3\n"},
      {"endpoint and FIPS", [](auto& c) { c.endpoint.url = "http://127.0.0.1:1", c.endpoint.fips = true; },
       "endpoint.url (warning)\n"},
      {"http to another machine", [](auto& c) { c.endpoint.url = "http://ecs.example.com"; },
       "endpoint.url\n"},
      {"http to another machine for one service",
       [](auto& c) { c.endpoint.urls = {{"ecs", "https://x.example.com"}, {"sts", "http://10.0.0.1:1"}}; },
       "endpoint.urls.sts\n"},
      {"http to this machine",
       [](auto& c) { c.endpoint.urls = {{"ecs", "http://[::1]:4566"}, {"sts", "http://localhost:4566"}}; },
       ""},
      {"queue",
       [](auto& c) { c.event_queue_url = "https://sqs.eu-central-1.amazonaws.com/123456789012/footman"; },
       ""},
      {"queue elsewhere",
       [](auto& c) { c.event_queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/footman"; },
       "event_queue_url\n"},
      {"queue of a fake",
       [](auto& c) {
         c.endpoint.url = "http://127.0.0.1:9324";
         c.event_queue_url = "http://127.0.0.1:9324/123456789012/footman";
       },
       ""},
      {"queue of the endpoint of SQS",
       [](auto& c) {
         c.endpoint.url = "https://aws.example.com";
         c.endpoint.urls = {{"sqs", "https://sqs.example.com:8443"}};
         c.event_queue_url = "https://sqs.example.com:8443/123456789012/footman";
       },
       ""},
      {"queue of another host",
       [](auto& c) { c.event_queue_url = "https://sqs.example.com/123456789012/footman"; },
       "event_queue_url\n"},
      {"queue of another host than the endpoint",
       [](auto& c) {
         c.endpoint.url = "https://aws.example.com";
         c.event_queue_url = "https://sqs.example.com/123456789012/footman";
       },
       "event_queue_url\n"},
      {"queue's name", [](auto& c) { c.event_queue_url = "footman"; }, "event_queue_url\n"},
      {"log group", [](auto& c) { c.log_group = "/footman agents"; }, "log_group\n"},
      {"prefix", [](auto& c) { c.tag_prefix = "aws:footman"; }, "tag_prefix\n"},
      {"tag", [](auto& c) { c.tags = {{"a", "*"}}; }, "tags.a\n"}};
  for (const auto& row : rows) {
    auto cloud = make_cloud();
    row.change(cloud);
    CHECK_MESSAGE(list(validate(cloud)) == row.found, row.what);
  }
}

TEST_CASE("validate: whether two clouds have one queue") {
  const auto identify = [](const std::string& url, const std::string& region = "eu-central-1") {
    CloudOptions cloud;
    cloud.region = region;
    cloud.event_queue_url = url;
    return identify_queue(cloud);
  };
  const auto queue = identify("https://sqs.eu-central-1.amazonaws.com/123456789012/ci");
  CHECK(queue == identify("https://eu-central-1.queue.amazonaws.com/123456789012/ci"));
  CHECK(queue != identify("https://sqs.eu-central-1.amazonaws.com/123456789012/other"));
  CHECK(queue != identify("https://sqs.us-east-1.amazonaws.com/123456789012/ci", "us-east-1"));
  CHECK(queue != identify("http://127.0.0.1:1/123456789012/ci"));
  CHECK(identify("http://127.0.0.1:1/123456789012/ci") != identify("http://127.0.0.1:2/123456789012/ci"));
}

TEST_CASE("validate: the cloud's log group needs the execution role on Fargate") {
  auto cloud = make_cloud();
  cloud.log_group = "/footman";
  auto options = make_fargate_options();
  options.execution_role.clear();
  options.agent.carrier_image = "carrier:1";
  CHECK(list(validate(options, cloud)) == "execution_role\n");
  CHECK(list(validate(options, make_cloud())).empty());
  options.container.log =
      LogConfiguration{LogDriver::splunk, {{"splunk-url", "https://logs.example.com"}}, {}};
  CHECK(list(validate(options, cloud)) == "execution_role\n");  // the carrier's log
}
