#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "config/config.hpp"

using namespace footman;
using namespace footman::config;

namespace {

std::expected<Config, std::vector<Diagnostic>> parse(const std::string& text, FindRegion find_region = {}) {
  const Sources sources{
      [](const std::string& name) {
        return name == "ID" ? std::optional<std::string>("from-env") : std::nullopt;
      },
      [](const std::string& path) -> Result<std::string> { return "content of " + path + "\n"; },
      {},
      std::move(find_region)};
  return parse_config(text, "f", sources, "x86_64");
}
std::string errors_of(const std::string& text) {
  const auto config = parse(text);
  std::string out;
  if (!config)
    for (const auto& error : config.error()) out += describe(error) + "\n";
  return out;
}

// One template with these lines in its section `ecs`, besides what every Fargate task needs; its lines begin
// at 11. Behind a proxy of this machine.
constexpr std::string_view kHead = R"(clouds:
- name: fargate
  type: ecs
  agent_url: wss://ci.example.com
  ecs: {region: eu-central-1, cluster: build}
  templates:
  - name: t
    ecs:
      subnets: [subnet-0123456789abcdef0]
      agent: {carrier_image: footman/agent}
)";
std::string with(const std::string& lines) {
  std::string text(kHead);
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    text += "      " + lines.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text + "hosts: [ci.example.com]\n";
}
const std::string kNode =
    "image: node:20\ncpu: 1 vCPU\nmemory: 2 GiB\ntask_role: arn:aws:iam::123456789012:role/x\n";

TemplateConfig task(const std::string& lines) {
  const auto config = parse(with(lines));
  if (!config)
    for (const auto& error : config.error()) MESSAGE(describe(error));
  REQUIRE(config.has_value());
  return config->clouds.at(0).templates.at(0);
}

}  // namespace

TEST_CASE("a cloud on ECS with two templates that share what they have in common") {
  const auto config = parse(R"(
agent_url: wss://ci.example.com
clouds:
- name: fargate
  type: ecs
  cap: 50
  ecs:
    region: eu-central-1
    cluster: build
    credentials: {profile: ci, assume_role: {role: "arn:aws:iam::123456789012:role/ci", external_id: "${env:ID}"}}
    endpoint: {dual_stack: true}
    event_queue: https://sqs.eu-central-1.amazonaws.com/123456789012/ecs
    log_group: /ci/agents
    tags: {team: ci}
  templates:
  - name: base
    abstract: true
    env: {CI: "1"}
    ecs:
      subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
      security_groups: [sg-0123456789abcdef0]
      task_role: arn:aws:iam::123456789012:role/builds
      execution_role: arn:aws:iam::123456789012:role/start
      agent: {carrier_image: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1"}
      cpu: 1 vCPU
      memory: 2 GiB
      capacity: FARGATE_SPOT
      fallback_capacities: [FARGATE]
  - name: node
    extends: base
    labels: [node]
    env: {NODE_ENV: test}
    ecs:
      image: node:20
      secrets: {NPM_TOKEN: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:npm-AbCdEf"}
  - name: tests
    extends: base
    labels: [tests]
    ecs:
      image: python:3.12
      cpu: 4 vCPU
      memory: 16 GiB
      cpu_architecture: ARM64
      ephemeral_storage: 100 GiB
      capacity: {providers: [{name: FARGATE_SPOT, base: 1, weight: 3}, FARGATE]}
      fallback_capacities: ~
      volumes: [{name: cache, efs: {file_system: fs-0123456789abcdef0, iam: true}}]
      mounts: [{volume: cache, path: /cache, read_only: true}]
      stop_timeout: 90s
      sidecars:
      - name: postgres
        image: postgres:16
        memory: 1 GiB
        env: {POSTGRES_HOST_AUTH_METHOD: trust}
        health_check: {command: [CMD-SHELL, pg_isready], interval: 10s}
      depends_on: [{container: postgres, condition: HEALTHY}]
      task_definition_patch: {enableFaultInjection: false, ephemeralStorage: {sizeInGiB: 100}, proxyConfiguration: {containerName: "7"}, placementConstraints: []}
)");
  if (!config)
    for (const auto& error : config.error()) MESSAGE(describe(error));
  REQUIRE(config.has_value());
  const auto& cloud = config->clouds.at(0);
  REQUIRE(cloud.ecs.has_value());
  CHECK(cloud.ecs->region == "eu-central-1");
  CHECK(cloud.ecs->credentials.assume_role.external_id == "from-env");
  CHECK(cloud.ecs->tag_prefix == "footman:");
  REQUIRE(cloud.templates.size() == 2);

  const auto& node = cloud.templates[0];
  REQUIRE(node.ecs.has_value());
  CHECK(node.ecs->container.image == "node:20");
  CHECK(node.ecs->container.environment == ecs::TextMap{{"CI", "1"}, {"NODE_ENV", "test"}});
  CHECK(node.ecs->container.secrets.contains("NPM_TOKEN"));
  CHECK(node.ecs->size == ecs::TaskSize{1024, 2048});
  CHECK(node.ecs->capacity.kind == ecs::CapacityKind::strategy);
  CHECK(node.ecs->capacity.providers == std::vector<ecs::CapacityProvider>{{"FARGATE_SPOT", 0, 1}});
  CHECK(node.ecs->fallback_capacities == std::vector<ecs::Capacity>(1));
  CHECK(node.size == model::AgentSize{1000, 2ULL << 30});
  // The list price of Spot, since nothing else is tried first.
  CHECK(node.price.per_hour.micros == 13'968 + 2 * 1'533);
  CHECK(node.price.billing.minimum == 1min);

  const auto& tests = *cloud.templates[1].ecs;
  CHECK(tests.fallback_capacities.empty());
  CHECK(tests.capacity.providers ==
        std::vector<ecs::CapacityProvider>{{"FARGATE_SPOT", 1, 3}, {"FARGATE", 0, 1}});
  CHECK(tests.cpu_architecture == ecs::CpuArchitecture::arm64);
  CHECK(tests.ephemeral_storage_gib == 100);
  CHECK(tests.volumes.at(0).efs.value().iam);
  CHECK(tests.container.mount_points == std::vector<ecs::MountPoint>{{"cache", "/cache", true}});
  CHECK(tests.container.stop_timeout == Duration(90s));
  CHECK(tests.sidecars.at(0).memory_mib == 1024);
  CHECK(tests.sidecars[0].health_check.value().interval == 10s);
  CHECK(tests.container.depends_on.at(0).condition == ecs::DependencyCondition::healthy);
  CHECK(tests.task_definition_patch ==
        R"({"enableFaultInjection":false,"ephemeralStorage":{"sizeInGiB":100},)"
        R"("proxyConfiguration":{"containerName":"7"},"placementConstraints":[]})");
  // Some tasks are on demand, so their price is that.
  CHECK(cloud.templates[1].price.per_hour.micros == 4 * 37'250 + 16 * 4'090);
}

TEST_CASE("capacity is a word, a list or a map") {
  struct {
    const char* text;
    ecs::Capacity expected;
  } const table[] = {
      {"FARGATE", {}},
      {"fargate", {}},
      {"FARGATE_SPOT", {ecs::CapacityKind::strategy, {}, {{"FARGATE_SPOT", 0, 1}}, {}}},
      {"[FARGATE_SPOT, {name: FARGATE, base: 2}]",
       {ecs::CapacityKind::strategy, {}, {{"FARGATE_SPOT", 0, 1}, {"FARGATE", 2, 1}}, {}}},
      {"{providers: [FARGATE]}", {ecs::CapacityKind::strategy, {}, {{"FARGATE", 0, 1}}, {}}},
      {"{compatibility: FARGATE}", {ecs::CapacityKind::cluster_default, {}, {}, ecs::Compatibility::fargate}},
  };
  for (const auto& [text, expected] : table) {
    CAPTURE(text);
    CHECK(task(kNode + "capacity: " + text).ecs->capacity == expected);
  }
  CHECK(errors_of(with(kNode + "capacity: cluster_default")).find("say FARGATE, EC2") != std::string::npos);
  CHECK(errors_of(with(kNode + "capacity: {provider: x}")).find("did you mean 'providers'?") !=
        std::string::npos);
}

TEST_CASE("two clouds do not take one queue's events") {
  const auto twice = [](const std::string& second) {
    const auto cloud = [](const std::string& name, const std::string& queue) {
      return fmt::format("- name: {}\n  type: ecs\n  ecs:\n    region: eu-central-1\n    event_queue: {}\n",
                         name, queue);
    };
    return errors_of("clouds:\n" + cloud("a", "https://sqs.eu-central-1.amazonaws.com/123456789012/ci") +
                     cloud("b", second));
  };
  CHECK(twice("https://sqs.eu-central-1.amazonaws.com/123456789012/ci")
            .starts_with("f:11:18: 'event_queue': the cloud 'a' has this queue, too"));
  CHECK(twice("https://sqs.eu-central-1.amazonaws.com/123456789012/other").empty());
}

TEST_CASE("a patch of the task definition is a map, or JSON with its nulls") {
  const auto patch = [](const std::string& text) {
    return task(kNode + "task_definition_patch: " + text).ecs->task_definition_patch;
  };
  CHECK(patch("{enableFaultInjection: true, ipcMode: ~}") ==
        R"({"enableFaultInjection":true,"ipcMode":null})");
  CHECK(patch(R"('{"ipcMode": null}')") == R"({"ipcMode": null})");
}

TEST_CASE("sizes have units, and are those that Fargate has") {
  const auto with_size = [](const std::string& lines) { return errors_of(with("image: a\n" + lines)); };
  CHECK(with_size("cpu: 0.25 vCPU\nmemory: 512 MiB").empty());
  CHECK(with_size("cpu: 0.5\nmemory: 1 GiB").empty());
  CHECK(with_size("cpu: 0.25 vCPU\nmemory: 0.5 GiB").empty());
  CHECK(with_size("cpu: 1 vCPU\nmemory: 2.0001 GB").find("a whole number of MiB was expected") !=
        std::string::npos);
  CHECK(
      with_size("cpu: 256\nmemory: 512 MiB")
          .starts_with("f:12:12: 'cpu': a number of vCPU was expected; 256 units of CPU are '0.25 vCPU'\n"));
  CHECK(with_size("cpu: 1 vCPU\nmemory: 4").find("did you mean '4 GiB'?") != std::string::npos);
  CHECK(with_size("cpu: 1 vCPU\nmemory: 2048").find("did you mean '2048 MiB'?") != std::string::npos);
  CHECK(with_size("cpu: 1 vCPU\nmemory: 2147483649").find("a whole number of MiB was expected") !=
        std::string::npos);
  const auto no_pair = with_size("cpu: 1 vCPU\nmemory: 9 GiB");
  CHECK(no_pair.starts_with("f:12:12: 'cpu': "));
  CHECK(no_pair.find("2 vCPU with 9 GiB") != std::string::npos);
  CHECK(task(kNode + "round_up: true\nfallback_sizes: [{cpu: 1 vCPU, memory: 3500 MiB}]").size ==
        model::AgentSize{1000, 2ULL << 30});
  CHECK(task("image: a\ncpu: 0.3 vCPU\nmemory: 1 GiB\nround_up: true").size ==
        model::AgentSize{500, 1ULL << 30});
  CHECK(errors_of(with(kNode + "ephemeral_storage: 20 GiB")).find("'ephemeral_storage': ") !=
        std::string::npos);
  CHECK(errors_of(with(kNode + "ephemeral_storage: 30")).find("did you mean '30 GiB'?") != std::string::npos);
  CHECK(errors_of(with(kNode + "ephemeral_storage: 1500 MiB"))
            .find("a whole number of GiB was expected, found '1500 MiB'") != std::string::npos);
}

TEST_CASE("the size of the template is the task's") {
  const auto sized = [](const std::string& size, const std::string& lines) {
    auto text = with(lines);
    text.insert(text.find("    ecs:"), "    size: " + size + "\n");
    return text;
  };
  CHECK(errors_of(sized("{cpu: 1, memory: 2 GiB}", kNode)).empty());
  CHECK(errors_of(sized("{cpu: 2}", kNode)) ==
        "f:8:11: 'size': the task has 1 vCPU, 2.0 GiB, as 'ecs' says: leave it out here\n");
  // Outside of Fargate it is what the containers ask for, or what is said.
  const std::string ec2 = "image: a\ncapacity: EC2\nnetwork_mode: awsvpc\n";
  CHECK(task(ec2 + "container_cpu: 2 vCPU\nmemory_reservation: 3 GiB\ncontainer_memory: 4 GiB").size ==
        model::AgentSize{2000, 3ULL << 30});
  const auto config = parse(sized("{cpu: 2}", ec2 + "container_memory: 4 GiB"));
  REQUIRE(config.has_value());
  CHECK(config->clouds[0].templates[0].size == model::AgentSize{2000, 4ULL << 30});
  CHECK(config->clouds[0].templates[0].price.per_hour.is_zero());
}

TEST_CASE("a price that is said is the one; without one, a region that is not in the list is doubted") {
  auto text = with(kNode);
  text.insert(text.find("    ecs:"), "    price: $1/h\n");
  CHECK(parse(text)->clouds[0].templates[0].price.per_hour.micros == 1'000'000);
  CHECK(find_doubts(*parse(text)).empty());
  auto elsewhere = with(kNode);
  elsewhere.replace(elsewhere.find("eu-central-1"), 12, "sa-east-1");
  const auto config = parse(elsewhere);
  REQUIRE(config.has_value());
  CHECK(config->clouds[0].templates[0].price.per_hour.is_zero());
  CHECK(find_doubts(*config) ==
        std::vector<std::string>{
            "the template 't' has no price, and the list has no aws-fargate/sa-east-1/x86_64: it "
            "counts as free"});
}

TEST_CASE("a definition of others without a size has no price: it is the size that is missing") {
  auto text = with("task_definition: ci:7\ntask_role: arn:aws:iam::123456789012:role/agent\n");
  text.replace(text.find("carrier_image: footman/agent"), 28, "delivery: image");
  const auto config = parse(text);
  REQUIRE(config.has_value());
  const auto doubts = find_doubts(*config);
  REQUIRE(doubts.size() == 1);
  CHECK(doubts.front().find("no size to find one by") != std::string::npos);
}

TEST_CASE("a region that is not said is doubted where Fargate's price would need it") {
  auto text = with(kNode);
  text.replace(text.find("region: eu-central-1, "), 22, "");
  const auto config = parse(text);
  REQUIRE(config.has_value());
  CHECK(find_doubts(*config) ==
        std::vector<std::string>{"the template 't' has no price, and its cloud 'fargate' no ecs.region to "
                                 "find one by: it counts as free"});
  text.insert(text.find("    ecs:\n      subnets"), "    price: $0.05/h\n");
  CHECK(find_doubts(*parse(text)).empty());
}

TEST_CASE("a region that is not said is found, and Fargate's price by it") {
  auto text = with(kNode);
  text.replace(text.find("region: eu-central-1, "), 22, "credentials: {profile: build}, ");
  const auto found = parse(text, [](const std::string& profile) -> Result<std::string> {
    if (profile != "build") return fail(Errc::not_found, "nowhere");
    return "us-east-1";
  });
  REQUIRE(found.has_value());
  CHECK(found->clouds[0].ecs->region == "us-east-1");
  CHECK(found->clouds[0].templates[0].price.per_hour.micros == 40'480 + 2 * 4'445);
  CHECK(find_doubts(*found).empty());
  const auto none =
      parse(text, [](const std::string&) -> Result<std::string> { return fail(Errc::not_found, "nowhere"); });
  REQUIRE(none.has_value());
  CHECK(none->clouds[0].ecs->region.empty());
  CHECK(none->clouds[0].templates[0].price.per_hour.is_zero());
  CHECK(find_doubts(*none).size() == 1);
  // One that is said stays.
  const auto said = parse(with(kNode), [](const std::string&) -> Result<std::string> { return "us-east-1"; });
  CHECK(said->clouds[0].ecs->region == "eu-central-1");
}

namespace {

const std::string kFallbacks =
    "capacity: [FARGATE_SPOT]\nfallback_capacities: [FARGATE]\nfallback_sizes: [{cpu: 2 vCPU, memory: 4 "
    "GiB}]\n";

std::vector<std::int64_t> prices_of(const TemplateConfig& t) {
  std::vector<std::int64_t> out;
  out.reserve(t.offers.size());
  for (const auto& offer : t.offers) out.push_back(offer.price.value_or(t.price).per_hour.micros);
  return out;
}

TemplateConfig priced(const std::string& line, const std::string& ecs_lines) {
  auto text = with(kNode + ecs_lines);
  text.insert(text.find("    ecs:\n      subnets"), "    price: " + line + "\n");
  const auto config = parse(text);
  REQUIRE(config.has_value());
  return config->clouds.at(0).templates.at(0);
}

}  // namespace

TEST_CASE("each choice has the size and the list price that it is") {
  const auto t = task(kNode + kFallbacks);
  const std::int64_t spot = 13'968 + 2 * 1'533;
  const std::int64_t on_demand = 46'560 + 2 * 5'110;
  CHECK(prices_of(t) == std::vector<std::int64_t>{spot, 2 * spot, on_demand, 2 * on_demand});
  CHECK(t.price.per_hour.micros == spot);
  REQUIRE(t.offers.size() == 4);
  CHECK(t.offers[0].size == t.size);
  CHECK(t.offers[1].size == model::AgentSize{2000, 4ULL << 30});
  CHECK(t.offers[3].price->billing.minimum == 1min);
  CHECK(prices_of(task(kNode)) == std::vector<std::int64_t>{on_demand});
}

TEST_CASE("an amount that is said stands for all choices, a list price for what they are") {
  CHECK(prices_of(priced("$1/h", kFallbacks)) == std::vector<std::int64_t>(4, 1'000'000));
  const std::int64_t spot = 12'144 + 2 * 1'334;
  const std::int64_t on_demand = 40'480 + 2 * 4'445;
  CHECK(prices_of(priced("aws-fargate/us-east-1/x86_64/spot", kFallbacks)) ==
        std::vector<std::int64_t>{spot, 2 * spot, on_demand, 2 * on_demand});
  CHECK(prices_of(priced("aws-fargate/us-east-1/x86_64", "fallback_capacities: [[FARGATE_SPOT]]\n")) ==
        std::vector<std::int64_t>{on_demand, spot});
  // Whoever counts Spot as on demand means what follows it, too.
  CHECK(prices_of(priced("aws-fargate/us-east-1/x86_64", kFallbacks)) ==
        std::vector<std::int64_t>{on_demand, 2 * on_demand, on_demand, 2 * on_demand});
  const auto machine = priced("aws-ec2/us-east-1/m7g.large", kFallbacks);
  CHECK(prices_of(machine) == std::vector<std::int64_t>(4, machine.price.per_hour.micros));
}

TEST_CASE("each architecture has its own list price") {
  const std::string both = "cpu_architecture: ARM64\nfallback_architectures: [X86_64]\n";
  const std::int64_t arm = 37'250 + 2 * 4'090;
  const std::int64_t x86 = 46'560 + 2 * 5'110;
  CHECK(prices_of(task(kNode + both)) == std::vector<std::int64_t>{arm, x86});
  CHECK(prices_of(priced("aws-fargate/eu-central-1/arm64", both)) == std::vector<std::int64_t>{arm, x86});
  CHECK(prices_of(priced("$1/h", both)) == std::vector<std::int64_t>(2, 1'000'000));
}

TEST_CASE("what is not Fargate's has no list price, and its size is said where nothing else says it") {
  const auto t = task(kNode + "network_mode: awsvpc\nfallback_capacities: [EC2]\n");
  CHECK(prices_of(t) == std::vector<std::int64_t>{46'560 + 2 * 5'110, 0});
  CHECK(t.offers.at(1).size == t.size);
}

TEST_CASE("the least that a cloud bills is billed for every choice") {
  auto text = with(kNode + kFallbacks);
  text.insert(text.find("  ecs: {"), "  minimum_billing: 10m\n");
  const auto config = parse(text);
  REQUIRE(config.has_value());
  for (const auto& offer : config->clouds[0].templates[0].offers)
    CHECK(offer.price->billing.minimum == 10min);
}

TEST_CASE("a choice that is beyond a limit is doubted by its name") {
  const auto doubts_of = [](const std::string& limits) {
    const auto config = parse("limits: " + limits + "\n" + with(kNode + kFallbacks));
    REQUIRE(config.has_value());
    return find_doubts(*config);
  };
  CHECK(doubts_of("{vcpus: 2}").empty());
  CHECK(doubts_of("{vcpus: 1}") ==
        std::vector<std::string>{
            "the template 't' is never launched as its variant 'FARGATE_SPOT, 2048 CPU units, 4096 MiB': it "
            "needs 2 vCPU, and limits.vcpus is 1 vCPU",
            "the template 't' is never launched as its variant 'FARGATE, 2048 CPU units, 4096 MiB': it needs "
            "2 vCPU, and limits.vcpus is 1 vCPU"});
  CHECK(doubts_of("{budget: {per_hour: $0.1}}") ==
        std::vector<std::string>{"the template 't' is never launched as its variant 'FARGATE, 2048 CPU "
                                 "units, 4096 MiB': it costs $0.11356/h, and limits.budget.per_hour is "
                                 "$0.10/h"});
  CHECK(doubts_of("{budget: {per_day: $0.02}}") ==
        std::vector<std::string>{
            "the template 't' is never launched as its variant 'FARGATE, 2048 CPU "
            "units, 4096 MiB': 15 min 0 s of it cost $0.02839, and limits.budget.per_day is "
            "$0.02"});
  CHECK(doubts_of("{budget: {per_day: $0.03}}").empty());
  CHECK(doubts_of("{memory: 1 GiB}").size() == 4);
}

TEST_CASE("what is wrong with the options is told where it was written") {
  const auto wrong = [](const std::string& lines) { return errors_of(with(kNode + lines)); };
  CHECK(errors_of(with("cpu: 1 vCPU\nmemory: 2 GiB")).starts_with("f:9:7: 'image': "));
  CHECK(wrong("privileged: true").starts_with("f:15:19: 'privileged': "));
  CHECK(wrong("log: {driver: syslog}").starts_with("f:15:21: 'log.driver': "));
  CHECK(wrong("sidecars:\n- name: a\n  image: b\n- name: a\n  image: c")
            .starts_with("f:18:15: 'sidecars[1].name': "));
  CHECK(wrong("mounts: [{volume: x, path: /x}]").starts_with("f:15:16: 'mounts[0]': there is no volume 'x'"));
  CHECK(wrong("add_capabilities: [SYS_PTRACE, SYS_ADMIN]").starts_with("f:15:38: 'add_capabilities[1]': "));
  CHECK(wrong("security_groups: [sg-0a1b2c3d, b]").starts_with("f:15:38: 'security_groups[1]': "));
  CHECK(wrong("secrets: {A: arn:aws:s3:::x}").find("f:15:20: 'secrets.A': ") != std::string::npos);
  CHECK(wrong("sidecar: []") == "f:15:7: unknown key 'sidecar'; did you mean 'sidecars'?\n");
  CHECK(wrong("cpu_architecture: ARM") ==
        "f:15:25: 'cpu_architecture': X86_64 or ARM64 was expected, found 'ARM'\n");
  CHECK(
      wrong("ulimits: [{name: nofiles, soft: 1, hard: 1}]").starts_with("f:15:24: 'name': core, cpu, data,"));
  CHECK(wrong("user: [a]") == "f:15:13: 'user': one value was expected\n");
  CHECK(wrong("task_definition_patch: {pidMod: task}").starts_with("f:15:30: 'task_definition_patch': "));
  CHECK(wrong("subnets_: x").starts_with("f:15:7: unknown key"));
  CHECK(wrong("tags: [a]") == "f:15:13: 'tags': a map was expected, like 'name: value'\n");
  CHECK(wrong("drop_capabilities: ALL") ==
        "f:15:26: 'drop_capabilities': a list was expected, like '- item'\n");

  auto env = with(kNode);
  env.insert(env.find("    ecs:"),
             "    env: {A: x, FOOTMAN_AGENT_ID: x, AWS_CONTAINER_CREDENTIALS_FULL_URI: x}\n");
  const auto found = errors_of(env);
  CHECK(found.starts_with("f:8:17: 'FOOTMAN_AGENT_ID': "));
  CHECK(found.contains("\nf:8:38: 'env.AWS_CONTAINER_CREDENTIALS_FULL_URI': "));
  CHECK(std::ranges::count(found, '\n') == 2);
  auto much = with(kNode);
  much.insert(much.find("    ecs:"), fmt::format("    env: {{A: {}}}\n", std::string(70'000, 'x')));
  CHECK(errors_of(much).starts_with("f:10:7: the task definition has "));
  // The cloud's own.
  auto cloud = with(kNode);
  cloud.replace(cloud.find("eu-central-1"), 12, "eu central");
  CHECK(errors_of(cloud).starts_with("f:5:17: 'region': "));
  // An abstract template need not be complete, but what it says must be readable.
  auto base = with("image: a");
  base.insert(base.find("    ecs:"), "    abstract: true\n");
  CHECK(errors_of(base).empty());
  base.insert(base.find("hosts:"), "      cpu: many\n");
  CHECK(errors_of(base).starts_with("f:13:12: 'cpu': "));
}

TEST_CASE("keys belong to the type of the cloud") {
  auto text = with(kNode);
  text.insert(text.find("    ecs:"), "    processes: 5\n    memory: 2 GiB\n");
  CHECK(errors_of(text) ==
        "f:8:5: 'processes' is for clouds of type local, this one is of type ecs\n"
        "f:9:5: 'memory' is for clouds of type local, this one is of type ecs: say 'ecs: {memory: …}'\n");
  CHECK(errors_of("clouds:\n- name: a\n  type: local\n  ecs: {region: x}\n  templates:\n  - name: t\n    "
                  "ecs: {image: a}\n") ==
        "f:4:3: 'ecs' is for clouds of type ecs, this one is of type local\n"
        "f:7:5: 'ecs' is for clouds of type ecs, this one is of type local\n");
  CHECK(errors_of("clouds: [{name: a, type: ecs, agent_binary: /x, ecs: {}}]") ==
        "f:1:31: 'agent_binary' is for clouds of type local, this one is of type ecs\n");
}

TEST_CASE("agents of another machine need an address that leads to the server") {
  const auto replaced = [](const std::string& line) {
    auto text = with(kNode);
    const std::string_view old = "  agent_url: wss://ci.example.com\n";
    text.replace(text.find(old), old.size(), line);
    return errors_of(text);
  };
  const std::string begin = "agents of the cloud 'fargate' do not reach the server: ";
  CHECK(replaced("").starts_with("f:2:3: " + begin +
                                 "listen is 127.0.0.1:8080, which only this machine reaches; set agent_url"));
  CHECK(replaced("  connect: tcp\n").find(begin + "agent_listen is 127.0.0.1:50000") != std::string::npos);
  CHECK(replaced("  agent_url: ws://localhost:8080\n")
            .starts_with("f:4:14: " + begin +
                         "agent_url is ws://localhost:8080, which is each machine itself"));
  CHECK(replaced("  agent_url: ws://localhost:8080\n  tunnel: ci.example.com:443\n").empty());
  CHECK(replaced("  agent_url: wss://ci.example.com\n  tunnel: 127.0.0.1:443\n")
            .find("tunnel is 127.0.0.1:443") != std::string::npos);
  auto text = with(kNode);
  text.insert(0, "listen: 0.0.0.0:8080\n");
  CHECK(errors_of(text).empty());
  text.erase(text.find("  agent_url"), std::string_view("  agent_url: wss://ci.example.com\n").size());
  CHECK(errors_of(text).find("listen is 0.0.0.0:8080, which is no address to connect to") !=
        std::string::npos);
  auto own = with(kNode);
  own.insert(own.find("    ecs:"), "    agent_url: wss://127.0.0.1\n");
  CHECK(errors_of(own).starts_with("f:8:16: " + begin));
}

TEST_CASE("what works but is hardly meant is doubted") {
  const auto text = with(kNode + "tmpfs: [{path: /cache, size: 64 MiB}]\n");
  const auto config = parse(text);
  REQUIRE(config.has_value());
  const auto doubts = find_doubts(*config);
  REQUIRE(doubts.size() == 1);
  CHECK(doubts[0].starts_with("the template 't', ecs.tmpfs: Fargate did not have this for long"));
}

TEST_CASE("the examples of docs/CONFIG.md and docs/jenkins.md are configurations without errors or doubts") {
  std::ostringstream text;
  for (const auto* name : {"/docs/CONFIG.md", "/docs/jenkins.md"})
    text << std::ifstream(std::string(FOOTMAN_SOURCE_DIR) + name).rdbuf();
  const auto page = text.str();
  int count = 0;
  constexpr std::string_view kBegin = "```yaml\n";
  for (auto at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    const auto example = page.substr(at, page.find("```", at) - at);
    CAPTURE(example);
    CHECK(errors_of(example).empty());
    const auto config = parse(example);
    if (config) CHECK(find_doubts(*config).empty());
    ++count;
  }
  CHECK(count == 5);
}

TEST_CASE("agents elsewhere need a Jenkins that is not this machine's own") {
  const auto errors_with = [](const std::string& more) {
    return errors_of(with(kNode) + "jenkins: [{name: j, user: u, token: \"${env:ID}\", " + more + "}]\n");
  };
  CHECK(errors_with("url: \"http://127.0.0.1:8080\"") ==
        "f:16:11: agents of the template 't' do not reach the Jenkins 'j' at 127.0.0.1, which is their own "
        "machine: set agent_url to a URL that they reach\n");
  CHECK(errors_with("url: https://j, agent_url: \"https://localhost/x\"") ==
        "f:16:77: agents of the template 't' do not reach the Jenkins 'j' at localhost, which is their own "
        "machine: set agent_url to a URL that they reach\n");
  CHECK(errors_with("url: \"http://127.0.0.1:8080\", agent_url: https://j").empty());
}

TEST_CASE("agents of a Jenkins elsewhere fetch their secret from the server, so they need its address, too") {
  auto text = with(kNode) + "jenkins: [{name: j, user: u, token: \"${env:ID}\", url: https://j.example}]\n";
  CHECK(errors_of(text).empty());
  const std::string_view address = "wss://ci.example.com";
  text.replace(text.find(address), address.size(), "wss://localhost");
  CHECK(errors_of(text).starts_with(
      "f:4:14: agents of the cloud 'fargate' do not reach the server: agent_url is wss://localhost"));
}

TEST_CASE(
    "agents elsewhere and a server that only this machine reaches are doubted, but for a proxy in front") {
  const auto doubts_of = [](const std::string& address, const std::string& more) {
    auto text = with(kNode);
    text.replace(text.find("wss://ci.example.com"), 20, address);
    text.replace(text.find("hosts: "), std::string::npos, more);
    const auto config = parse(text);
    REQUIRE_MESSAGE(config.has_value(), errors_of(text));
    return find_doubts(*config);
  };
  CHECK(
      doubts_of("wss://ci.example.com", "") ==
      std::vector<std::string>{
          "agents of the cloud 'fargate' connect to wss://ci.example.com, and listen is 127.0.0.1:8080, "
          "which "
          "only this machine reaches: say 'listen: 0.0.0.0:8443' and 'tls', or, when a proxy on this machine "
          "passes them on, its name: 'hosts: [ci.example.com]'"});
  CHECK(doubts_of("wss://ci.example.com", "hosts: [other.example.com]\n").size() == 1);
  CHECK(doubts_of("wss://ci.example.com:8443/x", "hosts: [ci.example.com]\n").empty());
  CHECK(doubts_of("wss://ci.example.com", "listen: 0.0.0.0:8443\n").empty());
  CHECK(doubts_of("wss://ci.example.com", "listen: 10.0.0.1:8443\n").empty());
  CHECK(doubts_of("wss://ci.example.com", "tunnel: lb.example.com:443\n").empty());
  CHECK(doubts_of("tcp://ci.example.com:50000", "listen: 0.0.0.0:8443\nconnect: tcp\n").size() == 1);
  CHECK(doubts_of("tcp://ci.example.com:50000", "agent_listen: 0.0.0.0:50000\nconnect: tcp\n").empty());
}

TEST_CASE("a Jenkins' secret that no agent of Footman's can fetch is doubted") {
  const auto doubts_of = [](const std::string& agent, const std::string& role, const std::string& more) {
    auto text = with(kNode) + "jenkins: [{name: j, user: u, token: \"${env:ID}\", url: https://j.example" +
                more + "}]\n";
    const auto put = [&](std::string_view old, const std::string& by) {
      text.replace(text.find(old), old.size(), by);
    };
    put("{carrier_image: footman/agent}", agent);
    put("      task_role: arn:aws:iam::123456789012:role/x\n", role);
    const auto config = parse(text);
    REQUIRE_MESSAGE(config.has_value(), errors_of(text));
    return find_doubts(*config);
  };
  const std::string role = "      task_role: arn:aws:iam::123456789012:role/x\n";
  const std::string stock = "{delivery: image}";
  CHECK(doubts_of("{carrier_image: footman/agent}", role, "").empty());
  CHECK(doubts_of("{delivery: image, path: /opt/footman-agent}", role, "").empty());
  const auto doubts = doubts_of(stock, role, "");
  REQUIRE(doubts.size() == 1);
  CHECK(doubts[0].starts_with(
      "the template 't' starts its image as it is: what its agents show the Jenkins 'j'"));
  CHECK(doubts_of(stock, role, ", templates: [t]").size() == 1);
  CHECK(doubts_of(stock, role, ", templates: []").size() == 1);
  const auto without_role = doubts_of(stock, "", "");
  REQUIRE(without_role.size() == 1);
  CHECK(without_role[0].find("task_role") != std::string::npos);
}
