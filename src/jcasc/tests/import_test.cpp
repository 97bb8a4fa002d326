#include "jcasc/import.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "config/config.hpp"
#include "jcasc/fields.hpp"

using namespace footman;
using namespace footman::jcasc;

namespace {

std::string sample(const std::string& name) {
  std::ifstream in(FOOTMAN_SOURCE_DIR "/src/jcasc/tests/samples/" + name + ".yaml");
  REQUIRE(in.good());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct RoundTrip {
  Imported imported;
  config::Config config;
  const config::TemplateConfig& find(const std::string& name) const {
    for (const auto& cloud : config.clouds)
      for (const auto& t : cloud.templates)
        if (t.name == name) return t;
    FAIL("no template " << name);
    return config.clouds.at(0).templates.at(0);
  }
  bool says(const std::string& text) const { return imported.yaml.find(text) != std::string::npos; }
};

RoundTrip round_trip_text(const std::string& text) {
  auto imported = import_jcasc(text, "jenkins.yaml");
  REQUIRE_MESSAGE(imported.has_value(), imported.error().message);
  INFO(imported->yaml);
  for (const auto& problem : imported->problems) FAIL_CHECK(describe(problem));
  const config::Sources sources{[](const std::string&) { return std::nullopt; },
                                [](const std::string&) -> base::Result<std::string> { return "x"; }};
  auto config = config::parse_config(imported->yaml, "footman.yaml", sources, "x86_64");
  REQUIRE(config.has_value());
  return {std::move(*imported), std::move(*config)};
}
RoundTrip round_trip(const std::string& name) {
  CAPTURE(name);
  return round_trip_text(sample(name));
}

}  // namespace

TEST_CASE("a value of another kind than the plugin's is never lost without a word") {
  const auto trip = round_trip_text(R"(jenkins:
  clouds:
    ecs:
      name: odd
      regionName: eu-central-1
      cluster: [1]
      maxAgents: many
      templates:
        label: one
        templateName: one
        image: node:20
        launchType: FARGATE
        cpu: 1024
        memory: ${MEMORY}
        memoryReservation: 2048
        subnets: subnet-0a
        assignPublicIp: maybe
        environments: {name: A, value: 5}
        portMappings: [80, {containerPort: eighty, hostPorts: 1}]
)");
  REQUIRE(trip.imported.templates == 1);
  const auto& one = trip.find("one");
  CHECK(one.env.at("A") == "5");
  std::vector<std::string> lost;
  for (const auto& each : trip.imported.left_out) {
    lost.push_back(each.message);
    CHECK(trip.says("FILL IN: " + each.message));
    CHECK(each.at.has_value());
  }
  CHECK(lost == std::vector<std::string>{
                    "cluster (a list): text was expected, left out",
                    "maxAgents (many): a whole number was expected, left out",
                    "memory (${MEMORY}): a whole number was expected, left out",
                    "assignPublicIp (maybe): true or false was expected, left out",
                    "portMappings[1] (80): a map was expected, left out",
                    "portMappings[2].containerPort (eighty): a whole number was expected, left out",
                    "portMappings[2].hostPorts (1): not known, left out"});
}

TEST_CASE("a name with a line break and a label that is an expression are to be filled in") {
  const auto trip = round_trip_text(R"(jenkins:
  clouds:
    ecs:
      name: c
      templates:
        - {templateName: "t\n      evil: 1", label: linux && docker, image: i, cpu: 1024, memory: 2048}
        - {templateName: y, label: "a\x01b", image: i, cpu: 1024, memory: 2048}
)");
  CHECK(trip.find("linux").labels == std::vector<std::string>{"linux", "docker"});
  CHECK(trip.says(
      "# FILL IN: a name is one line without control characters; templateName (t       evil: 1) was "
      "left out\n"));
  CHECK(trip.says("# FILL IN: these cannot be labels and were left out: '&&'\n"));
  CHECK(trip.find("y").labels.empty());
}

TEST_CASE("aliases: nobody's matter outside the clouds, named by their line within") {
  const std::string outside =
      "x: &usual {a: 1}\nunclassified:\n  <<: *usual\n  b: *usual\njenkins:\n  clouds:\n";
  CHECK(import_jcasc(outside + "    - kubernetes: {<<: *usual}\n    - ecs: {name: a}\n", "f").has_value());
  for (const auto* inside : {"    - ecs: {name: a, <<: *usual}\n", "    - ecs: {templates: [*usual]}\n",
                             "    - ecs: *usual\n", "    - *usual\n"}) {
    const auto refused = import_jcasc(outside + inside, "f");
    REQUIRE_FALSE(refused.has_value());
    REQUIRE(refused.error().at.has_value());
    CHECK(refused.error().at->line == 7);
    CHECK(refused.error().message.find("aliases") != std::string::npos);
  }
  const auto refused = import_jcasc("x: &usual {a: 1}\njenkins:\n  <<: *usual\n", "f");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at->line == 3);
}

TEST_CASE("a cloud that is not indented below its type is no other plugin's") {
  for (const auto* text :
       {"jenkins:\n  clouds:\n    - ecs:\n      name: a\n", "jenkins: {clouds: [{ecs: []}]}\n"}) {
    const auto refused = import_jcasc(text, "f");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("indented below") != std::string::npos);
  }
}

TEST_CASE("every field of the plugin has a fate, and every fate that is no plain one says what to know") {
  // ECSCloud and ECSTaskTemplate of amazon-ecs-plugin, commit 4d48ab3: all that configuration as code writes.
  const std::vector<std::string_view> cloud = {"name",
                                               "credentialsId",
                                               "assumedRoleArn",
                                               "regionName",
                                               "cluster",
                                               "templates",
                                               "allowedOverrides",
                                               "maxCpu",
                                               "maxMemory",
                                               "maxMemoryReservation",
                                               "maxAgents",
                                               "numExecutors",
                                               "tunnel",
                                               "jenkinsUrl",
                                               "retainAgents",
                                               "retentionTimeout",
                                               "slaveTimeoutInSeconds",
                                               "taskPollingIntervalInSeconds"};
  const std::vector<std::string_view> of_template = {"label",
                                                     "templateName",
                                                     "agentContainerName",
                                                     "taskDefinitionOverride",
                                                     "dynamicTaskDefinitionOverride",
                                                     "image",
                                                     "repositoryCredentials",
                                                     "launchType",
                                                     "defaultCapacityProvider",
                                                     "capacityProviderStrategies",
                                                     "operatingSystemFamily",
                                                     "cpuArchitecture",
                                                     "networkMode",
                                                     "subnets",
                                                     "securityGroups",
                                                     "assignPublicIp",
                                                     "platformVersion",
                                                     "cpu",
                                                     "memory",
                                                     "memoryReservation",
                                                     "ephemeralStorageSizeInGiB",
                                                     "sharedMemorySize",
                                                     "kernelCapabilities",
                                                     "privileged",
                                                     "containerUser",
                                                     "ulimits",
                                                     "entrypoint",
                                                     "jvmArgs",
                                                     "environments",
                                                     "extraHosts",
                                                     "dnsSearchDomains",
                                                     "mountPoints",
                                                     "efsMountPoints",
                                                     "portMappings",
                                                     "logDriver",
                                                     "logDriverOptions",
                                                     "taskrole",
                                                     "executionRole",
                                                     "enableExecuteCommand",
                                                     "placementStrategies",
                                                     "tags",
                                                     "remoteFSRoot",
                                                     "uniqueRemoteFSRoot",
                                                     "inheritFrom"};
  const auto names = [](std::span<const Field> fields) {
    std::vector<std::string_view> out;
    for (const auto& field : fields) {
      out.push_back(field.name);
      CAPTURE(field.name);
      CHECK((field.fate == Fate::kept || !field.remark.empty()));
      CHECK(field.key.empty() == (field.fate == Fate::dropped));
    }
    return out;
  };
  CHECK(names(cloud_fields()) == cloud);
  CHECK(names(template_fields()) == of_template);
}

TEST_CASE("the smallest file: EC2, as the plugin takes it") {
  const auto all = round_trip("minimal");
  CHECK(all.imported.clouds == 1);
  CHECK(all.imported.templates == 1);
  CHECK(all.imported.to_fill_in == 2);  // agent_url and the carrier image
  const auto& cloud = all.config.clouds.at(0);
  CHECK(cloud.name == "ecs-cloud");
  CHECK(cloud.ecs->region == "us-east-1");
  CHECK(cloud.ecs->cluster == "arn:aws:ecs:us-east-1:123456789012:cluster/jenkins");
  const auto& t = all.find("default");
  CHECK(t.labels == std::vector<std::string>{"ecs"});
  CHECK(t.ecs->container.image == "jenkins/inbound-agent");
  CHECK(t.ecs->container.memory_reservation_mib == 2048);
  CHECK(t.ecs->capacity.launch_type == ecs::LaunchType::ec2);
  CHECK(t.max_builds == 1);
}

TEST_CASE("Fargate, as posts about it have it") {
  const auto all = round_trip("fargate_blog");
  const auto& cloud = all.config.clouds.at(0);
  CHECK(cloud.name == "ecs-fargate");
  CHECK(cloud.limits.agents == 20);
  CHECK(all.config.launch_deadline == std::chrono::minutes(10));
  const auto& t = all.find("hello");
  CHECK(t.labels == std::vector<std::string>{"fargate", "hello"});
  CHECK(t.ecs->size == ecs::TaskSize{512, 1024});
  CHECK(t.ecs->capacity == ecs::Capacity());
  CHECK(t.ecs->subnets.size() == 2);
  CHECK(t.ecs->security_groups == ecs::Texts{"sg-0123456789abcdef0"});
  CHECK(t.ecs->assign_public_ip);
  CHECK(t.ecs->execute_command);
  CHECK(t.ecs->task_role == "arn:aws:iam::123456789012:role/jenkins-agent");
  CHECK(t.ecs->container.log->options.at("awslogs-group") == "/ecs/jenkins-agents");
  CHECK(t.ecs->platform_version.empty());
  CHECK(t.ecs->agent.work_directory.empty());
  CHECK(all.says("# 'ecs_Fargate' in Jenkins\n"));
  CHECK(all.says("# jvmArgs (-Xmx512m): left out: the agent has no JVM"));
  CHECK(all.says("# allowedOverrides (inheritFrom,label,memory,cpu,image): builds choose"));
  CHECK(all.says(
      "agent_url: wss://footman.example.com  # FILL IN: where agents reach this server; Jenkins is at "
      "http://jenkins-nlb.internal.example.com:8001/\n"));
  CHECK(all.says("# FILL IN: tunnel (jenkins-nlb.internal.example.com:50000)"));
  CHECK(all.says("# taskPollingIntervalInSeconds (5)"));
}

TEST_CASE("EC2 with folders of the host, and all that only EC2 has") {
  const auto all = round_trip("ec2_docker");
  const auto& t = all.find("docker");
  const auto& c = t.ecs->container;
  CHECK(t.max_builds == 0);
  CHECK(t.idle_timeout == std::chrono::minutes(30));
  CHECK(t.env == std::map<std::string, std::string>{{"DOCKER_BUILDKIT", "1"}});
  CHECK(t.ecs->network_mode == ecs::NetworkMode::bridge);
  CHECK(t.ecs->subnets.empty());
  CHECK(c.cpu_units == 1024);
  CHECK(c.memory_mib == 4096);
  CHECK(c.memory_reservation_mib == 2048);
  CHECK(c.privileged);
  CHECK(c.user == "root");
  CHECK(c.shared_memory_mib == 512);
  CHECK(c.add_capabilities == ecs::Texts{"SYS_ADMIN", "NET_ADMIN"});
  CHECK(c.dns_search_domains == ecs::Texts{"corp.example.com", "example.com"});
  CHECK(c.extra_hosts == std::vector<ecs::ExtraHost>{{"nexus.corp.example.com", "10.0.0.7"}});
  CHECK(c.port_mappings.size() == 1);
  CHECK(c.ulimits == std::vector<ecs::Ulimit>{{ecs::UlimitName::nofile, 65536, 65536}});
  CHECK(c.mount_points == std::vector<ecs::MountPoint>{{"docker-sock", "/var/run/docker.sock", false},
                                                       {"m2", "/home/ci/.m2", true}});
  CHECK(t.ecs->volumes.at(1).host_path == "/mnt/m2");
  CHECK(t.ecs->placement_strategies.at(1).field == "memory");
  CHECK(c.log->driver == ecs::LogDriver::json_file);
  CHECK(c.entry_point.empty());
  CHECK(all.says("# entry_point: [/usr/local/bin/jenkins-agent]   # FILL IN: keep it only if"));
}

TEST_CASE("capacity providers and Spot; a size that Fargate does not have; a role that is assumed") {
  const auto all = round_trip("spot");
  CHECK(all.config.clouds.at(0).ecs->credentials.assume_role.role_arn ==
        "arn:aws:iam::123456789012:role/jenkins-ecs");
  const auto& t = all.find("spot");
  CHECK(t.ecs->capacity.providers ==
        std::vector<ecs::CapacityProvider>{{"FARGATE_SPOT", 0, 4}, {"FARGATE", 1, 1}});
  CHECK(t.ecs->size == ecs::TaskSize{1000, 2500});
  CHECK(t.ecs->round_up);
  CHECK(t.size == model::AgentSize{1000, 3ULL << 30});
  CHECK(all.says("# Fargate has no such size; it becomes 1 vCPU with 3 GiB\n"));
  CHECK(t.ecs->ephemeral_storage_gib == 60);
  CHECK(t.ecs->tags == ecs::TextMap{{"cost-center", "4711"}, {"team", "web"}});
  const auto& other = all.find("cluster-default");
  CHECK(other.ecs->capacity.kind == ecs::CapacityKind::cluster_default);
  CHECK(other.ecs->capacity.compatibility == ecs::Compatibility::ec2);
  CHECK(all.says("# FILL IN: the cluster's default strategy is used"));
}

TEST_CASE("EFS, with and without an access point") {
  const auto all = round_trip("efs");
  const auto& t = all.find("maven");
  const auto& cache = t.ecs->volumes.at(0).efs.value();
  CHECK(cache.root_directory == "/maven");
  CHECK_FALSE(cache.iam);
  CHECK_FALSE(cache.transit_encryption);
  const auto& work = t.ecs->volumes.at(1).efs.value();
  CHECK(work.access_point_id == "fsap-0123456789abcdef0");
  CHECK(work.iam);
  CHECK(work.transit_encryption);
  CHECK(work.root_directory.empty());
  CHECK(t.ecs->agent.work_directory == "/mnt/work");
  CHECK(all.says("# iam without an access point had no effect in the plugin"));
  CHECK(all.says("# uniqueRemoteFSRoot (true): left out"));
}

TEST_CASE("inheritance: what the plugin would have run is what is launched") {
  const auto all = round_trip("inheritance");
  const auto& leaf = all.find("leaf");
  CHECK(leaf.labels == std::vector<std::string>{"leaf"});
  CHECK(leaf.ecs->container.image == "node:20");
  CHECK(leaf.ecs->size == ecs::TaskSize{1024, 4096});  // 0 inherits
  CHECK(leaf.ecs->assign_public_ip);                   // false does not switch off in the plugin
  CHECK(leaf.env == std::map<std::string, std::string>{{"ONLY", "leaf"}});   // lists replace
  CHECK(leaf.ecs->tags == ecs::TextMap{{"stage", "ci"}, {"team", "leaf"}});  // tags are united
  CHECK(leaf.ecs->container.log->options ==
        ecs::TextMap{{"awslogs-group", "/middle"}, {"awslogs-region", "eu-central-1"}});
  CHECK(leaf.ecs->subnets.size() == 1);
  CHECK(
      all.says("      - name: leaf\n        extends: middle\n        labels: [leaf]\n        env: {ONLY: "
               "leaf, A: ~, B: ~}\n"));
  CHECK(all.says("# inheritFrom (nothing): left out"));
  CHECK(all.says("# inheritFrom (circle-a): left out"));
  CHECK(all.says("subnets: [subnet-00000000000000000]  # FILL IN: "));
  CHECK(all.find("circle-a").ecs->container.image == "a");
}

TEST_CASE("an existing task definition") {
  const auto all = round_trip("task_definition");
  const auto& t = all.find("prepared");
  CHECK(t.ecs->task_definition == "jenkins-agent:12");
  CHECK(t.ecs->container.name == "agent");
  CHECK(t.ecs->container.image.empty());
  CHECK(t.env.empty());
  CHECK(t.ecs->agent.delivery == ecs::AgentDelivery::image);
  CHECK(t.ecs->tags.at("team") == "web");
  CHECK(all.says("# FILL IN: taskDefinitionOverride: its image must hold footman-agent"));
  CHECK(all.says("beside it the plugin ignores image, cpu, memory, environments"));
  CHECK(t.ecs->execute_command);
}

TEST_CASE("variables that look like secrets get a hint where else they can be") {
  const auto all = round_trip_text(R"(jenkins:
  clouds:
  - ecs:
      name: c
      templates:
      - templateName: one
        label: a
        image: node:20
        launchType: FARGATE
        cpu: 1024
        memory: 2048
        subnets: subnet-0a1b2c3d
        environments:
        - {name: DB_PASSWORD, value: hunter2}
        - {name: TOKEN_FILE, value: /run/token}
        - {name: apiKey, value: abc}
      - templateName: two
        label: b
        image: node:20
        launchType: FARGATE
        cpu: 1024
        memory: 2048
        subnets: subnet-0a1b2c3d
        environments: [{name: TOKENS, value: "3"}]
)");
  CHECK(all.find("one").env.at("DB_PASSWORD") == "hunter2");
  const std::string hint = ": whoever may read task definitions reads what stands in env;";
  const auto& yaml = all.imported.yaml;
  CHECK(all.says("# DB_PASSWORD, apiKey" + hint));
  CHECK(yaml.find(hint) == yaml.rfind(hint));
  CHECK(all.says("ecs.secrets: {DB_PASSWORD: \"arn:…\"}\n"));
}

TEST_CASE("ARM64 and Windows; what Fargate does not have becomes a comment") {
  const auto all = round_trip("arm64");
  CHECK(all.config.clouds.at(0).ecs->region == "us-east-1");  // of the cluster's ARN
  const auto& arm = all.find("arm");
  CHECK(arm.ecs->cpu_architecture == ecs::CpuArchitecture::arm64);
  CHECK(arm.ecs->platform_version == "1.4.0");
  CHECK(arm.ecs->container.add_capabilities == ecs::Texts{"SYS_PTRACE"});
  CHECK_FALSE(arm.ecs->container.privileged);
  CHECK(all.says("# privileged: true   # "));
  CHECK(arm.ecs->agent.carrier_image == "footman-agent");
  const auto& windows = all.find("windows");
  CHECK(windows.ecs->os_family == ecs::OsFamily::windows_2022_core);
  CHECK(windows.ecs->agent.delivery == ecs::AgentDelivery::image);
  CHECK(all.says("# FILL IN: on Windows nothing can be injected"));
}

TEST_CASE("several clouds; variables, placeholders and what cannot be") {
  const auto all = round_trip("several_clouds");
  REQUIRE(all.config.clouds.size() == 2);
  CHECK(all.says("# 1 clouds of other plugins were left out."));
  CHECK(all.config.clouds[0].name == "prod-eu");
  CHECK(all.config.clouds[0].ecs->region == "eu-central-1");  // the variable's default
  CHECK(all.config.clouds[1].name == "prod-eu-2");
  CHECK(all.says("# cluster: \"${CLUSTER}\"   # FILL IN: only Jenkins knows this variable\n"));
  CHECK(all.says("# FILL IN: credentialsId (aws-keys): Jenkins' credentials are not read"));
  CHECK(all.says("# maxCpu (4096): it limits what a pipeline may override"));
  CHECK(all.says("# unheardOf: not known, left out\n"));
  CHECK(all.says("# newField: not known, left out\n"));
  const auto& t = all.find("agent");
  CHECK(t.labels == std::vector<std::string>{"linux", "good"});
  CHECK(t.env == std::map<std::string, std::string>{{"PLAIN", "a: b # c"}});
  CHECK(all.says(
      "image: FILL-IN  # FILL IN: \"${REGISTRY}/agent:1\" in Jenkins: only Jenkins knows this variable\n"));
  CHECK(all.says("subnets: [subnet-00000000000000000]  # FILL IN: [subnet-xxxxxxxx] in Jenkins: "));
  CHECK(all.says("# env: {TOKEN: \"${TOKEN}\"}   # FILL IN: only Jenkins knows this variable\n"));
  CHECK(all.says("# env: {URL: file:///x}   # FILL IN: text that begins with file:"));
  // Names are unique over all clouds.
  const auto& second = all.find("agent-2");
  CHECK(second.ecs->execution_role == "arn:aws-us-gov:iam::000000000000:role/FILL-IN");
  CHECK(all.says("cpu: 1 vCPU  # FILL IN: 2.93 vCPU in Jenkins: Fargate has nothing as large as "));
  CHECK(all.says("# task_role: not-an-arn   # FILL IN: a role's ARN was expected"));
}

TEST_CASE("what is refused of a list or map is left out alone, is marked, and the others stay") {
  const auto all = round_trip_text(R"(jenkins:
  clouds:
  - ecs:
      name: c
      regionName: eu-central-1
      templates:
      - templateName: parent
        label: a
        image: node:20
        launchType: FARGATE
        cpu: 1024
        memory: 2048
        subnets: "subnet-0a1b2c3d, private-a, ${SUBNET}"
        securityGroups: "sg-0a1b2c3d,sg-x"
        kernelCapabilities: "SYS_PTRACE,NET_ADMIN"
        environments:
        - {name: MAVEN_OPTS, value: "-Xmx1g"}
        - {name: MY-VAR, value: x}
        - {name: ÜMLAUT, value: "ü, ü"}
        - {name: sonar.host.url, value: "https://sonar"}
        - {name: PATH, value: "/opt/bin:/bin"}
        tags:
        - {name: "a & b", value: c}
        - {name: team, value: web}
        ulimits:
        - {ulimitName: nofile, softLimit: 2, hardLimit: 1}
        - {ulimitName: nproc, softLimit: 1, hardLimit: 2}
        logDriver: awslogs
        logDriverOptions: [{name: awslogs-group, value: "/ci"}, {name: mode, value: "${MODE}"}]
        executionRole: arn:aws:iam::123456789012:role/e
        mountPoints: [{name: docker, sourcePath: /var/run/docker.sock, containerPath: /var/run/docker.sock}]
        efsMountPoints:
        - {name: "cache 2", containerPath: /cache, fileSystemId: fs-0a1b2c3d, transitEncryption: true}
        - {name: ok, containerPath: /ok, fileSystemId: fs-0a1b2c3d, transitEncryption: true}
      - templateName: child
        label: b
        inheritFrom: a
        environments: [{name: ONLY, value: child}]
)");
  for (const auto* name : {"parent", "child"}) {
    CAPTURE(name);
    const auto& t = all.find(name);
    CHECK(t.ecs->subnets == ecs::Texts{"subnet-0a1b2c3d"});
    CHECK(t.ecs->security_groups == ecs::Texts{"sg-0a1b2c3d"});
    CHECK(t.ecs->container.add_capabilities == ecs::Texts{"SYS_PTRACE"});
    CHECK(t.ecs->tags == ecs::TextMap{{"team", "web"}});
    CHECK(t.ecs->container.ulimits == std::vector<ecs::Ulimit>{{ecs::UlimitName::nproc, 1, 2}});
    CHECK(t.ecs->container.log->options == ecs::TextMap{{"awslogs-group", "/ci"}});
    CHECK(t.ecs->container.mount_points == std::vector<ecs::MountPoint>{{"ok", "/ok", false}});
    REQUIRE(t.ecs->volumes.size() == 1);
  }
  CHECK(all.find("parent").env ==
        std::map<std::string, std::string>{{"MAVEN_OPTS", "-Xmx1g"}, {"PATH", "/opt/bin:/bin"}});
  CHECK(all.find("child").env == std::map<std::string, std::string>{{"ONLY", "child"}});
  std::size_t left_out = 0;
  for (const auto* line :
       {"env: {MY-VAR: x}", "env: {\"ÜMLAUT\": \"ü, ü\"}", "env: {sonar.host.url: https://sonar}",
        "subnets: [private-a]", "subnets: [\"${SUBNET}\"]", "security_groups: [sg-x]",
        "add_capabilities: [NET_ADMIN]", "tags: {\"a & b\": c}",
        "ulimits: [{name: nofile, soft: 2, hard: 1}]", "log: {options: {mode: \"${MODE}\"}}",
        "volumes: [{name: docker, host_path: /var/run/docker.sock}]",
        "volumes: [{name: \"cache 2\", efs: {file_system: fs-0a1b2c3d}}]",
        "mounts: [{volume: docker, path: /var/run/docker.sock}]",
        "mounts: [{volume: \"cache 2\", path: /cache}]"}) {
    CAPTURE(line);
    CHECK(all.says(fmt::format("# {}   # FILL IN: ", line)));
    ++left_out;
  }
  CHECK(all.imported.to_fill_in == left_out + 2);  // agent_url and the carrier image
}

TEST_CASE("however many members are refused, what is left is a configuration") {
  std::string text =
      "jenkins: {clouds: [{ecs: {name: a, templates: [{label: a, image: a, launchType: FARGATE, cpu: 1024, "
      "memory: 2048, subnets: subnet-0a1b2c3d, environments: [";
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{{name: A{}, value: x}}, {{name: b-{}, value: x}}, ", i, i);
  text += "], mountPoints: [";
  for (int i = 0; i < 300; ++i)
    text += fmt::format("{{name: v{0}, sourcePath: /{0}, containerPath: /{0}}}, ", i);
  const auto all = round_trip_text(text + "]}]}}]}");
  CHECK(all.find("a").env.size() == 300);
  CHECK(all.find("a").ecs->volumes.empty());
}

TEST_CASE("what is no such file is refused, with its place") {
  const auto error_of = [](const std::string& text) {
    const auto imported = import_jcasc(text, "j.yaml");
    return imported ? "ok" : describe(imported.error());
  };
  CHECK(error_of("a: [").starts_with("j.yaml:"));
  CHECK(error_of("jenkins: {}") ==
        "j.yaml: there are no clouds: a list 'jenkins: {clouds: [...]}' was expected");
  CHECK(error_of("- a") == "j.yaml: there are no clouds: a list 'jenkins: {clouds: [...]}' was expected");
  CHECK(error_of("jenkins: {clouds: [{kubernetes: {}}]}") ==
        "j.yaml:1:19: none of the clouds is of amazon-ecs-plugin: an item 'ecs:' was expected");
  std::string many = "jenkins: {clouds: [{ecs: {name: a, templates: [";
  for (std::size_t i = 0; i <= kMaxTemplates; ++i) many += "{label: a}, ";
  CHECK(error_of(many + "]}}]}").find("more than 1000 templates") != std::string::npos);
}

TEST_CASE("odd values break nothing") {
  const auto all = round_trip_text(R"(jenkins:
  clouds:
  - ecs:
      name: "Ünsere Cloud, eine mit einem sehr langen Namen, der nicht passt"
      templates:
      - label: [not, text]
        image: {a: b}
        cpu: many
        memory: -5
        launchType: MOON
        subnets: [a]
        environments: [{name: "a\x1fb", value: c}]
        tags: [text, {value: x}, {name: "a\nb", value: "c\"d"}]
        mountPoints: [{}]
        ulimits: [{ulimitName: none, softLimit: x}]
        networkMode: odd
      - ~
      - text
)");
  CHECK(all.imported.templates == 1);
  CHECK(all.imported.left_out.size() == 8);
}

TEST_CASE("what is too much is refused, however it is too much") {
  std::string clouds = "jenkins:\n  clouds:\n";
  for (std::size_t i = 0; i <= kMaxClouds; ++i) clouds += "  - ecs: {name: a}\n";
  const auto many = import_jcasc(clouds, "jenkins.yaml");
  REQUIRE_FALSE(many.has_value());
  CHECK(many.error().message == "more than 100 clouds");
  const auto large = import_jcasc(R"(jenkins: {clouds: [{ecs: {name: a, templates: [{label: l, image: i,
  cpu: 9223372036854775807, capacityProviderStrategies: [{provider: A, weight: 9000000000000000000},
  {provider: B, weight: 9000000000000000000}]}]}}]})",
                                  "jenkins.yaml");
  REQUIRE(large.has_value());
  CHECK_FALSE(large->problems.empty());  // nothing can be launched with it, and that is said
  std::string deep =
      "jenkins:\n  clouds:\n  - ecs:\n      name: a\n      templates:\n      - environments: [{name: \"";
  for (int i = 0; i < 50'000; ++i) deep += "\\x1f";
  CHECK(import_jcasc(deep + "a\", value: b}]\n", "jenkins.yaml").has_value());
}

TEST_CASE("docs/clouds/ecs.md holds the table of the fields") {
  std::ostringstream text;
  text << std::ifstream(FOOTMAN_SOURCE_DIR "/docs/clouds/ecs.md").rdbuf();
  const auto reference = describe_fields();
  INFO("replace the tables of docs/clouds/ecs.md by:\n", reference);
  CHECK(text.str().find(reference) != std::string::npos);
}

TEST_CASE("lines of inheritance are cut where they become too long") {
  std::string text = "jenkins: {clouds: [{ecs: {name: a, templates: [";
  for (int i = 0; i < 30; ++i)
    text += fmt::format("{{label: l{}, inheritFrom: l{}, image: a, memory: 512}}, ", i, i + 1);
  const auto all = round_trip_text(text + "]}}]}");
  CHECK(all.config.clouds.at(0).templates.size() == 30);
  CHECK(all.says("# inheritFrom (l1): left out"));
  CHECK(all.says("extends: l29\n"));
}

TEST_CASE("half a size on Fargate is to be filled in, both halves") {
  const auto all = round_trip_text(
      "jenkins: {clouds: [{ecs: {name: a, templates: [{label: a, image: a, launchType: FARGATE, memory: 512, "
      "subnets: subnet-0123456789abcdef0}]}}]}");
  CHECK(all.find("a").ecs->size == ecs::TaskSize{1024, 2048});
  CHECK(all.says("memory: 2 GiB  # FILL IN: 512 MiB in Jenkins: Fargate needs both\n"));
  CHECK(all.says("cpu: 1 vCPU  # FILL IN: nothing in Jenkins: Fargate needs both\n"));
}
