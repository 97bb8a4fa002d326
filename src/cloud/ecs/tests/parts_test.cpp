// Where the next agent starts, and what is remembered of tasks.
#include <doctest/doctest.h>

#include "cloud/ecs/launch_options.hpp"
#include "cloud/ecs/own_tags.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/task_table.hpp"
#include "net/tls.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::cloud::ecs;
using footman::ecs::TaskStatus;

namespace {

const Instant kStart = Instant{} + std::chrono::hours(500'000);

Task make_task(const std::string& arn, std::uint64_t version = 1, TaskStatus status = TaskStatus::pending) {
  Task task;
  task.arn = arn;
  task.version = version;
  task.last_status = status;
  task.desired_status = status == TaskStatus::stopped ? status : TaskStatus::running;
  return task;
}

std::map<std::string, int> choose_often(const Subnets& subnets, const std::vector<std::string>& from,
                                        Instant now) {
  std::map<std::string, int> counts;
  for (int i = 0; i < 1000; ++i) ++counts[subnets.choose(from, "token-" + std::to_string(i), now)];
  return counts;
}

}  // namespace

TEST_CASE("subnets: launches are spread, and a repeated one asks for the same") {
  const Subnets subnets;
  for (const auto& [subnet, count] : choose_often(subnets, {"a", "b", "c"}, kStart)) {
    CHECK(count > 250);
    CHECK(count < 420);
  }
  CHECK(subnets.choose({"a", "b", "c"}, "t", kStart) == subnets.choose({"a", "b", "c"}, "t", kStart + 1h));
}

TEST_CASE("subnets: one without room is avoided for a while, unless there is no other") {
  Subnets subnets;
  subnets.on_no_room("a", kStart);
  CHECK(choose_often(subnets, {"a", "b"}, kStart)["b"] == 1000);
  CHECK(choose_often(subnets, {"a"}, kStart)["a"] == 1000);
  subnets.on_no_room("b", kStart);
  CHECK(choose_often(subnets, {"a", "b"}, kStart).size() == 2);
  CHECK(choose_often(subnets, {"a", "b"}, kStart + kAvoidSubnet).size() == 2);
}

TEST_CASE("subnets: by their free addresses, as long as a look counts") {
  Subnets subnets;
  subnets.set_free("a", 900, kStart);
  subnets.set_free("b", 100, kStart);
  auto counts = choose_often(subnets, {"a", "b"}, kStart);
  CHECK(counts["b"] > 60);
  CHECK(counts["b"] < 150);
  // One that nobody knows about counts as an average one.
  counts = choose_often(subnets, {"a", "b", "new"}, kStart);
  CHECK(counts["new"] > 270);
  CHECK(counts["new"] < 400);
  subnets.set_free("b", 1, kStart);
  subnets.on_launched("b");
  CHECK(choose_often(subnets, {"a", "b"}, kStart)["a"] == 1000);  // the last one was taken
  CHECK(choose_often(subnets, {"b"}, kStart)["b"] == 1000);       // there is no other
  counts = choose_often(subnets, {"a", "b"}, kStart + kTrustAddresses);
  CHECK(counts["b"] > 400);
  subnets.on_no_room("a", kStart);  // which is newer than the look
  CHECK(choose_often(subnets, {"a", "b", "c"}, kStart)["c"] == 1000);
}

TEST_CASE("subnets: another share changes few choices") {
  Subnets before, after;
  for (auto* one : {&before, &after})
    for (const auto* subnet : {"a", "b", "c"}) one->set_free(subnet, 200, kStart);
  after.set_free("a", 180, kStart);
  int moved = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto token = "token-" + std::to_string(i);
    const auto first = before.choose({"a", "b", "c"}, token, kStart);
    const auto second = after.choose({"a", "b", "c"}, token, kStart);
    if (first == second) continue;
    CHECK(first == "a");  // the others lose nobody
    ++moved;
  }
  CHECK(moved < 50);
}

TEST_CASE("subnets: looks have a pace") {
  Subnets subnets;
  CHECK(subnets.begin_look(kStart));
  CHECK_FALSE(subnets.begin_look(kStart + kLookAtSubnets - 1us));
  CHECK(subnets.begin_look(kStart + kLookAtSubnets));
  subnets.on_refused(kStart + kLookAtSubnets);
  CHECK_FALSE(subnets.begin_look(kStart + kLookAtSubnets + kLookAfterRefusal - 1us));
  CHECK(subnets.begin_look(kStart + kLookAtSubnets + kLookAfterRefusal));
}

TEST_CASE("tasks: what is told late or twice changes nothing") {
  TaskTable table;
  table.add({"t", AgentId("a"), "agent"}, make_task("arn", 3, TaskStatus::running), kStart);
  CHECK_FALSE(table.update(make_task("arn", 2, TaskStatus::pending), kStart));
  CHECK_FALSE(table.update(make_task("arn", 3, TaskStatus::running), kStart));
  CHECK(table.find("arn")->task.last_status == TaskStatus::running);
  CHECK(table.update(make_task("arn", 4, TaskStatus::stopped), kStart));
  CHECK_FALSE(table.update(make_task("arn", 3, TaskStatus::running), kStart));
  CHECK_FALSE(table.update(make_task("arn", 4, TaskStatus::running), kStart));
  CHECK(table.find_token("t")->is_over());
  CHECK(table.update(make_task("arn", 5, TaskStatus::running), kStart));
  CHECK_FALSE(table.find_token("t")->is_over());
  CHECK_FALSE(table.update(make_task("other"), kStart));
}

TEST_CASE("tasks: missing is death only after a while") {
  TaskTable table;
  table.add({"t", AgentId("a"), "agent"}, make_task("arn"), kStart);
  SUBCASE("long after nothing but the answer to its launch") {
    CHECK_FALSE(table.on_missing("arn", kStart + kMissingGrace));
    CHECK_FALSE(table.on_missing("arn", kStart + kUnseenGrace - 1us));
    CHECK(table.on_missing("arn", kStart + kUnseenGrace));
    CHECK(table.find("arn")->is_missing);
    table.forget_old(kStart + kUnseenGrace + kStoppedKept);
    CHECK(table.find_token("t") == nullptr);
  }
  SUBCASE("not by one answer") {
    CHECK_FALSE(table.on_missing("arn", kStart + 1h));
    CHECK_FALSE(table.on_missing("arn", kStart + 1h + kMissingPause - 1us));
    CHECK(table.next_due() < kStart + 1h + 2 * kMissingPause);
    CHECK(table.on_missing("arn", kStart + 1h + kMissingPause));
  }
  SUBCASE("sooner when it was seen, and counted from the last sight") {
    (void)table.update(make_task("arn", 2, TaskStatus::running), kStart);
    CHECK_FALSE(table.on_missing("arn", kStart + kMissingGrace - 1us));
    CHECK(table.on_missing("arn", kStart + kMissingGrace + kMissingPause));
  }
  SUBCASE("two slips are no two answers in a row") {
    CHECK_FALSE(table.on_missing("arn", kStart + 1h));
    (void)table.update(make_task("arn", 2, TaskStatus::running), kStart + 1h + kMissingPause);
    CHECK_FALSE(table.on_missing("arn", kStart + 1h + kMissingPause));
  }
}

TEST_CASE("tasks: what is seen is not gone") {
  TaskTable table;
  table.add({"t", AgentId("a"), "agent"}, make_task("arn", 3, TaskStatus::running), kStart);
  (void)table.on_missing("arn", kStart + 1h);
  REQUIRE(table.on_missing("arn", kStart + 2h));
  SUBCASE("as it was, or late") {
    for (const auto version : {3U, 2U}) {
      CHECK(table.update(make_task("arn", version, TaskStatus::running), kStart + 2h));
      CHECK_FALSE(table.find("arn")->is_over());
      CHECK_FALSE(table.find("arn")->is_missing);
      CHECK(table.next_due().is_set());
      (void)table.on_missing("arn", kStart + 3h);
      REQUIRE(table.on_missing("arn", kStart + 4h));
    }
  }
  SUBCASE("but it has stopped: then that is known") {
    CHECK(table.update(make_task("arn", 4, TaskStatus::stopped), kStart + 2h));
    CHECK(table.find("arn")->is_over());
    CHECK_FALSE(table.find("arn")->is_missing);
  }
}

TEST_CASE("tasks: with events, a look soon after the launch and then few") {
  TaskTable table;
  table.set_events(true);
  table.add({"t", AgentId("a"), "agent"}, make_task("arn"), kStart);
  CHECK(table.due(kStart + 10s, 100).empty());
  CHECK(table.due(kStart + 30s, 100).size() == 1);
  auto running = make_task("arn", 2, TaskStatus::running);
  running.started_at = kStart;
  table.update(running, kStart + 30s);
  CHECK(table.due(kStart + 2min, 100).empty());
  CHECK(table.due(kStart + 6min, 100).size() == 1);
}

TEST_CASE("tasks: one whose agent is not heard of is looked at soon and often, for a while") {
  TaskTable table;
  auto task = make_task("arn", 2, TaskStatus::running);
  task.started_at = kStart;
  table.add({"t", AgentId("a"), "agent", {}}, task, kStart).next_look = kStart + 60s;
  table.suspect("arn", kStart + 1s);
  CHECK(table.next_due() == kStart + 1s + kSuspectedPace / 2);
  std::size_t looks = 0;
  for (auto now = kStart; now < kStart + 10min; now = now + 1s)
    if (!table.due(now, 100).empty()) {
      table.update(task, now);
      ++looks;
    }
  CHECK(looks >= kSuspectedFor / kSuspectedPace);
  CHECK(looks <= kSuspectedFor / kSuspectedPace + 12);
  table.suspect("unknown", kStart);
}

TEST_CASE("tasks: many are looked at together, none too often, none never") {
  TaskTable table;
  for (int i = 0; i < 150; ++i) {
    const auto text = std::to_string(i);
    table.add({"t" + text, AgentId(text), "agent"}, make_task("arn" + text, 1, TaskStatus::running),
              kStart + i * 100ms);
  }
  CHECK(table.due(kStart + 119s, 100).empty());
  std::map<std::string, int> looks;
  for (auto now = kStart; now < kStart + 10min; now = now + 1s)
    for (auto batch = table.due(now, 100); !batch.empty(); batch = table.due(now, 100))
      for (const auto& arn : batch) ++looks[arn];
  REQUIRE(looks.size() == 150);
  for (const auto& [arn, count] : looks) {
    CHECK(count >= 4);
    CHECK(count <= 20);
  }
}

TEST_CASE("tasks: a call that is made in any case takes along whatever it has room for") {
  TaskTable table;
  for (int i = 0; i < 150; ++i) {
    const auto text = std::to_string(i);
    table.add({"t" + text, AgentId(text), "agent"}, make_task("arn" + text, 1, TaskStatus::running), kStart);
  }
  table.look_at("arn7", kStart + 1s);
  const auto batch = table.due(kStart + 1s, 100);
  REQUIRE(batch.size() == 100);
  CHECK(batch.front() == "arn7");
  CHECK(table.due(kStart + 1s, 100).empty());  // the others have time
}

TEST_CASE("tasks: those that end are looked at together") {
  TaskTable table;
  for (int i = 0; i < 10; ++i) {
    auto task = make_task("arn" + std::to_string(i), 2, TaskStatus::running);
    task.desired_status = TaskStatus::stopped;
    table.add({"t" + std::to_string(i), AgentId("a"), "agent"}, task, kStart + i * 450ms);
  }
  std::size_t calls = 0;
  for (auto now = kStart; now < kStart + 60s; now = now + 50ms) calls += table.due(now, 100).empty() ? 0 : 1;
  CHECK(calls <= 12);
}

TEST_CASE("variants: each capacity with each size, counted and priced as it is, and read as it was frozen") {
  Template of;
  of.options.container.image = "node:20";
  of.options.size = {1024, 2048};
  of.options.fallback_sizes = {{2048, 4096}};
  of.options.fallback_capacities = {
      {footman::ecs::CapacityKind::launch_type, footman::ecs::LaunchType::ec2, {}, {}}};
  of.offers = {{{1000, 1}, {}}, {{2000, 2}, model::Price{{7}, {}}}, {{1000, 3}, {}}};
  const auto variants = list_variants(of, {});
  REQUIRE(variants.size() == 4);
  CHECK(variants[1].size == model::AgentSize{2000, 2});
  CHECK(variants[1].price->per_hour.micros == 7);
  CHECK(!variants[0].price);
  CHECK(!variants[3].size);  // nothing was said
  CHECK(variants[2].name == "EC2, 1024 CPU units, 2048 MiB");
  CHECK(std::ranges::none_of(variants, &ports::Variant::is_reclaimable));
  of.options.fallback_capacities = {
      {footman::ecs::CapacityKind::strategy, {}, {{"FARGATE", 0, 1}, {"FARGATE_SPOT", 0, 1}}, {}}};
  CHECK(list_variants(of, {})[2].is_reclaimable);
  CHECK_FALSE(list_variants(of, {})[1].is_reclaimable);
  const auto read = parse_launch_options(variants[3].options, {});
  REQUIRE(read.has_value());
  CHECK(read->capacity.launch_type == footman::ecs::LaunchType::ec2);
  CHECK(read->size == of.options.fallback_sizes[0]);
  CHECK(!parse_launch_options(R"({"capacity":2,"size":0,"template":"{}"})", {}));
}

TEST_CASE("variables: as each agent reads them, and no more") {
  using footman::ecs::AgentRole;
  ports::LaunchSpec spec;
  spec.agent = AgentId("ecs-1");
  spec.attempt = 2;
  spec.secret = Secret("hush");
  spec.orphan_timeout = std::chrono::minutes(5);
  spec.endpoint = {"https://j/", "nlb:50000", "PEM",   true, "", false, ports::AgentProgram::jenkins,
                   "node-1",     true,        "-Xmx1g"};
  CHECK(make_agent_variables(spec, AgentRole::supervisor) ==
        footman::ecs::TextMap{{"FOOTMAN_AGENT_NAME", "node-1"},
                              {"FOOTMAN_AGENT_URL", "https://j/"},
                              {"FOOTMAN_AGENT_TUNNEL", "nlb:50000"},
                              {"FOOTMAN_AGENT_CA", "PEM"},
                              {"FOOTMAN_AGENT_ORPHAN_TIMEOUT", "300000ms"},
                              {"FOOTMAN_AGENT_JAVA_OPTIONS", "-Xmx1g"},
                              {"FOOTMAN_AGENT_WEB_SOCKET", "true"}});
  spec.server = {"tcp://ci:50000", "lb:443", "", false, "abcd", false};
  CHECK(make_agent_variables(spec, AgentRole::supervisor) ==
        footman::ecs::TextMap{{"FOOTMAN_AGENT_NAME", "node-1"},
                              {"FOOTMAN_AGENT_URL", "https://j/"},
                              {"FOOTMAN_AGENT_TUNNEL", "nlb:50000"},
                              {"FOOTMAN_AGENT_CA", "PEM"},
                              {"FOOTMAN_AGENT_ORPHAN_TIMEOUT", "300000ms"},
                              {"FOOTMAN_AGENT_JAVA_OPTIONS", "-Xmx1g"},
                              {"FOOTMAN_AGENT_WEB_SOCKET", "true"},
                              {"FOOTMAN_AGENT_SERVER_URL", "tcp://ci:50000"},
                              {"FOOTMAN_AGENT_SERVER_NAME", "ecs-1"},
                              {"FOOTMAN_AGENT_SERVER_TUNNEL", "lb:443"},
                              {"FOOTMAN_AGENT_SERVER_PUBLIC_KEY_SHA256", "abcd"},
                              {"FOOTMAN_AGENT_ATTEMPT", "2"}});
  spec.server = {"wss://ci/", "", "PEM of ci", false, "", true};
  const auto variables = make_agent_variables(spec, AgentRole::supervisor);
  CHECK(variables.at("FOOTMAN_AGENT_SERVER_CA") == "PEM of ci");
  CHECK(variables.at("FOOTMAN_AGENT_SERVER_SYSTEM_CA") == "true");
  CHECK(variables.at("FOOTMAN_AGENT_SERVER_INSECURE") == "true");
  CHECK_FALSE(variables.contains("FOOTMAN_AGENT_SYSTEM_CA"));
  CHECK(make_agent_variables(spec, AgentRole::stock_jenkins) ==
        footman::ecs::TextMap{{"JENKINS_URL", "https://j/"},
                              {"JENKINS_AGENT_NAME", "node-1"},
                              {"JENKINS_TUNNEL", "nlb:50000"},
                              {"JENKINS_JAVA_OPTS", "-Xmx1g"},
                              {"JENKINS_WEB_SOCKET", "true"}});
  CHECK(list_authorities(spec, AgentRole::supervisor).value().empty());  // in its variables
  CHECK(list_authorities(spec, AgentRole::stock_jenkins).error().code == Errc::invalid_argument);
  const auto authority = net::create_self_signed({"j"}, kStart, 1).value().certificate_pem;
  spec.endpoint.ca_pem = authority + authority;
  CHECK(list_authorities(spec, AgentRole::stock_jenkins).value() == std::vector{authority, authority});
  spec.endpoint = {"wss://ci/", "", "", false, "", false};
  CHECK(list_authorities(spec, AgentRole::stock_jenkins).value().empty());
  CHECK(make_agent_variables(spec, AgentRole::session) ==
        footman::ecs::TextMap{{"FOOTMAN_AGENT_NAME", "ecs-1"},
                              {"FOOTMAN_AGENT_URL", "wss://ci/"},
                              {"FOOTMAN_AGENT_ATTEMPT", "2"},
                              {"FOOTMAN_AGENT_ONE_SHOT", "true"},
                              {"FOOTMAN_AGENT_ORPHAN_TIMEOUT", "300000ms"}});
}

TEST_CASE(
    "variants: of another architecture the definition is another one, and what earlier versions froze is "
    "read") {
  using footman::ecs::CpuArchitecture;
  Template of;
  of.options.container.image = "node:20";
  of.options.size = {1024, 2048};
  of.options.fallback_sizes = {{2048, 4096}};
  of.options.cpu_architecture = CpuArchitecture::arm64;
  of.options.fallback_architectures = {CpuArchitecture::x86_64};
  const auto variants = list_variants(of, {});
  REQUIRE(variants.size() == 4);
  const auto architecture_of = [](const std::string& frozen) {
    const auto read = parse_launch_options(frozen, {});
    REQUIRE(read);
    return read->options.cpu_architecture;
  };
  CHECK(architecture_of(variants[2].options) == CpuArchitecture::arm64);
  CHECK(architecture_of(variants[3].options) == CpuArchitecture::x86_64);
  CHECK(parse_launch_options(variants[3].options, {})->size == of.options.fallback_sizes[0]);
  CHECK(variants[3].name == "2048 CPU units, 4096 MiB, X86_64");
  LaunchCloud present;
  present.options.cluster = "builds";
  const auto old = parse_launch_options(
      R"({"capacity":0,"size":0,"template":"{\"cpu_architecture\":\"ARM64\"}"})", present);
  REQUIRE(old);
  CHECK(old->options.cpu_architecture == CpuArchitecture::arm64);
  CHECK(old->cloud.options.cluster == "builds");  // they did not say where they go
  CHECK(!parse_launch_options(R"({"capacity":0,"size":0,"architecture":1,"template":"{}"})", {}));
}

TEST_CASE("a launch is frozen with where it goes and what marks its task, and not with how AWS is asked") {
  EcsCloudConfig config;
  config.options.region = "eu-west-1";
  config.options.cluster = "builds";
  config.options.log_group = "/footman";
  config.options.tags = {{"team", "ci"}};
  config.options.tag_prefix = "ci:";
  auto frozen = config.options;
  config.options.credentials.assume_role.role_arn = "arn:aws:iam::123456789012:role/ci";
  config.options.credentials.assume_role.external_id = "hush";
  config.options.endpoint.url = "https://ecs.internal";
  config.options.event_queue_url = "https://sqs.eu-west-1.amazonaws.com/999999999999/events";
  Template of;
  of.options.container.image = "node:20";
  of.options.size = {1024, 2048};
  const auto text = list_variants(of, make_launch_cloud(config)).at(0).options;
  const auto read = parse_launch_options(text, {});
  REQUIRE(read);
  CHECK(read->cloud.options == frozen);
  CHECK(read->cloud.account == "123456789012");
  CHECK(text.find("hush") == std::string::npos);
  CHECK(!parse_launch_options(R"({"capacity":0,"size":0,"template":"{}","cloud":"{\"moon\":1}"})", {}));
}

TEST_CASE("own tags: with the configured prefix, or the one that stands before our id") {
  const InstallationId ours("i-1");
  const footman::ecs::TextMap tags{{"ci:agent", "a"},
                                   {"ci:installation", "i-1"},
                                   {"footman:agent", "b"},
                                   {"footman:installation", "i-1"},
                                   {"other:installation", "i-2"}};
  CHECK(OwnTags(tags, ours, "footman:").get("agent") == "b");
  CHECK(OwnTags(tags, ours, "old:").get("agent") == "a");
  CHECK(OwnTags(tags, ours, "old:").get("token").empty());
  CHECK(OwnTags(tags, ours, "other:").are_ours());
  const InstallationId theirs("i-3");
  CHECK_FALSE(OwnTags(tags, theirs, "footman:").are_ours());
  CHECK(OwnTags(tags, theirs, "footman:").get("installation") == "i-1");
}
