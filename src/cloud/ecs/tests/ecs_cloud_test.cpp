// The provider on a small ECS in memory and virtual time: the contract, and what is ECS' own.
#include "cloud/ecs/ecs_cloud.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cloud/ecs/clean_up.hpp"
#include "cloud/ecs/last_lines.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/tests/ecs_world.hpp"
#include "ecs/stale_definitions.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;
using ports::FailureClass;
using ports::ResourceState;

namespace {

using Families = std::vector<std::string>;

// In which the task of a launch was asked for.
std::string subnet_of(EcsWorld& world, const ports::LaunchHandle& handle) {
  const boost::json::value request(world.ecs.tasks.at(handle.value).request);
  return std::string(request.at_pointer("/networkConfiguration/awsvpcConfiguration/subnets/0").as_string());
}

}  // namespace

TEST_CASE("the contract of every provider") {
  cloud::contract::check_provider_contract([] { return std::make_unique<EcsWorld>(); });
}

TEST_CASE("one definition for each content, whatever restarts and however many launch at once") {
  EcsWorld world;
  std::vector<std::optional<ports::LaunchResult>> results(20);
  runtime::Scope scope(world.executor(), {});
  for (std::size_t i = 0; i < results.size(); ++i)
    scope.spawn(
        "launch",
        cloud::contract::store_result<ports::LaunchResult>(
            world.provider->launch(cloud::contract::make_spec(world, "a" + std::to_string(i))), &results[i]));
  REQUIRE(world.run_until([&] { return scope.running() == 0; }));
  for (const auto& one : results) CHECK((one && one->has_value()));
  world.restart();
  CHECK(world.launch("b").has_value());
  REQUIRE(world.ecs.definitions.size() == 1);
  CHECK(world.ecs.definitions.begin()->second == 1);
  CHECK(world.ecs.calls["RegisterTaskDefinition"] == 1);
  CHECK(world.ecs.calls["RunTask"] == 21);
}

TEST_CASE("a definition is looked at anew when a refusal is about it, and by no other") {
  EcsWorld world;
  (void)world.launch("a");
  world.ecs.refused["RunTask"] = "ClientException";
  const auto looks_after = [&](const std::string& refusal) {
    const auto before = world.ecs.calls["DescribeTaskDefinition"];
    world.ecs.refusal = refusal;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(world.launch(fmt::format("{}{}", refusal.substr(0, 4), i)));
    return world.ecs.calls["DescribeTaskDefinition"] - before;
  };
  CHECK(looks_after("Capacity is unavailable at this time. Please try again later") == 0);
  CHECK(looks_after("The vCPU limit of this account is reached") == 0);
  CHECK(looks_after("Task definition does not support launch_type FARGATE") == 2);  // by the second and third
  CHECK(world.ecs.calls["RegisterTaskDefinition"] == 1);
}

TEST_CASE("a revision that somebody else gave a definition of ours is never run") {
  EcsWorld world;
  (void)world.launch("a");
  const auto family = world.ecs.definitions.begin()->first;
  const auto revision_of = [&](const std::string& agent) {
    const auto handle = world.launch(agent);
    REQUIRE(handle.has_value());
    return std::string(world.ecs.tasks.at(handle->value).request.at("taskDefinition").as_string());
  };
  auto& container = world.ecs.contents.at(family).at("containerDefinitions").as_array().at(0).as_object();
  container["image"] = "mallory/miner";
  ++world.ecs.definitions[family];
  CHECK(revision_of("b").ends_with(family + ":1"));  // the one that was compared
  world.restart();
  CHECK(revision_of("c").ends_with(family + ":3"));
  CHECK(world.ecs.contents.at(family).at("containerDefinitions").at(0).at("image") != "mallory/miner");
  world.restart();
  CHECK(revision_of("d").ends_with(family + ":3"));
  CHECK(world.ecs.calls["RegisterTaskDefinition"] == 2);
}

TEST_CASE("a definition that somebody deregisters is made anew by the launch that needs it") {
  EcsWorld world;
  (void)world.launch("a");
  const auto family = world.ecs.definitions.begin()->first;
  const auto take_away = [&] { world.ecs.inactive[family] = world.ecs.contents.extract(family).mapped(); };
  take_away();
  const auto second = world.launch("b");
  REQUIRE(second.has_value());
  CHECK(world.ecs.tasks.at(second->value).request.at("clientToken") == "b-1");
  CHECK(world.ecs.definitions.at(family) == 2);
  CHECK(world.ecs.calls["RunTask"] == 3);
  SUBCASE("once: who takes it away each time is told of") {
    take_away();
    world.ecs.on_register = take_away;
    const auto refused = world.launch("c");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().definite);
    CHECK(world.ecs.calls["RunTask"] == 5);
  }
  SUBCASE("not one that others made") {
    world.template_options = {};
    world.template_options.task_definition = family + ":1";
    world.template_options.container.name = "agent";
    world.restart();
    take_away();
    const auto refused = world.launch("c");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().failure == FailureClass::configuration);
    CHECK(world.ecs.calls["RunTask"] == 4);
    CHECK(world.ecs.calls["RegisterTaskDefinition"] == 2);
  }
}

TEST_CASE("an answer that is lost after success: the same task, also when another subnet is chosen next") {
  EcsWorld world;
  for (int i = 0; i < 10; ++i) {
    const auto agent = "a" + std::to_string(i);
    world.ecs.lose = {"RunTask", "RunTask", "RunTask", "RunTask"};  // of all attempts of one call
    const auto lost = world.launch(agent);
    REQUIRE_FALSE(lost.has_value());
    CHECK_FALSE(lost.error().definite);
    CHECK(world.launch(agent).has_value());
    CHECK(world.ecs.tasks.size() == static_cast<std::size_t>(i) + 1);
  }
}

TEST_CASE("nothing is placed: the reason, its class, and another subnet the next time") {
  EcsWorld world;
  world.ecs.refusals = {"RESOURCE:ENI"};
  const auto refused = world.launch("a");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().definite);
  CHECK(refused.error().failure == FailureClass::capacity);
  CHECK(refused.error().message.find("RESOURCE:ENI") != std::string::npos);
  std::set<std::string> used;
  for (int i = 0; i < 20; ++i) {
    const auto arn = world.launch("b" + std::to_string(i)).value().value;
    used.insert(json::serialize(world.ecs.tasks.at(arn).request.at("networkConfiguration")));
  }
  CHECK(used.size() == 1);  // the full one is avoided for a while
}

TEST_CASE("ECS does not show a task yet that it has launched: that is no death") {
  EcsWorld world;
  world.ecs.seen_after = 40s;
  const auto arn = world.launch("a").value().value;
  world.outside.move(30s);
  CHECK(world.listed("a").state == ResourceState::starting);
  world.outside.move(2min);
  CHECK(world.listed("a").state == ResourceState::starting);
  world.ecs.tasks.erase(arn);
  world.outside.move(3min);
  CHECK(world.listed("a").state == ResourceState::gone);
  CHECK(world.listed("a").death.text == "ECS does not know the task any more.");
}

TEST_CASE("the end of a task that ECS does not show yet is asked for until it is there") {
  for (const bool restart : {false, true}) {
    EcsWorld world;
    world.ecs.seen_after = 40s;
    const auto arn = world.launch("a").value().value;
    if (restart) world.restart();
    CHECK(world.terminate(arn, "a-1").state != ResourceState::gone);
    CHECK(world.ecs.alive() == 1);
    world.outside.move(50s);
    CHECK(world.terminate(arn, "a-1").state == ResourceState::stopping);
    world.outside.move(10s);
    CHECK(world.terminate(arn, "a-1").state == ResourceState::gone);
    CHECK(world.ecs.alive() == 0);
  }
}

TEST_CASE("a task that has ended is found by its token, long after the first list") {
  EcsWorld world;
  CHECK(cloud::contract::list(world).empty());
  world.ecs.lose = {"RunTask", "RunTask", "RunTask", "RunTask"};
  REQUIRE_FALSE(world.launch("a").has_value());
  world.ecs.stop(world.ecs.by_token.at("a-1"), "EssentialContainerExited",
                 "Essential container in task exited");
  const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
  REQUIRE(found.has_value());
  CHECK(found->state == ResourceState::gone);
}

TEST_CASE("a definition that others made: its first container, asked once") {
  EcsWorld world;
  world.template_options = {};
  world.template_options.task_definition = "theirs:3";
  world.ecs.others["theirs:3"] = "main";
  world.restart();
  const auto arn = world.launch("a").value().value;
  REQUIRE(world.launch("b").has_value());
  const auto& request = world.ecs.tasks.at(arn).request;
  CHECK(request.at("taskDefinition") == "theirs:3");
  const auto& overrides = request.at("overrides").at("containerOverrides").as_array();
  CHECK(overrides.at(0).at("name") == "main");
  CHECK(world.ecs.calls["DescribeTaskDefinition"] == 1);
  world.ecs.others.clear();
  world.restart();
  const auto refused = world.launch("c");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().definite);
  CHECK(refused.error().failure == FailureClass::configuration);
}

TEST_CASE("a subnet without an address is avoided also when ECS finds that only after its answer") {
  EcsWorld world;
  const auto network_of = [&](const std::string& arn) {
    return json::serialize(world.ecs.tasks.at(arn).request.at("networkConfiguration"));
  };
  const auto arn = world.launch("a").value().value;
  world.ecs.stop(arn, "TaskFailedToStart",
                 "Unexpected EC2 error while attempting to Create Network Interface in subnet: "
                 "InsufficientFreeAddressesInSubnet");
  world.outside.move(10s);
  CHECK(world.listed("a").failure == FailureClass::capacity);
  std::set<std::string> used;
  for (int i = 0; i < 20; ++i) used.insert(network_of(world.launch("b" + std::to_string(i)).value().value));
  CHECK(used.size() == 1);
  CHECK_FALSE(used.contains(network_of(arn)));
}

TEST_CASE("a task that could not start says why, and the fleet is told to look") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  const auto before = world.changes;
  world.ecs.stop(arn, "TaskFailedToStart",
                 "CannotPullContainerError: manifest unknown: requested image not found");
  world.outside.move(10s);
  CHECK(world.changes > before);
  const auto gone = world.listed("a");
  CHECK(gone.state == ResourceState::gone);
  CHECK(gone.failure == FailureClass::image);
  CHECK(gone.death.text.find("manifest unknown") != std::string::npos);
}

TEST_CASE("spot capacity that is taken back is the cloud's doing") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.stop(arn, "SpotInterruption", "Your Spot Task was interrupted.");
  world.outside.move(10s);
  CHECK(world.listed("a").reclaimed);
}

TEST_CASE("a task whose agent's session has broken is looked at soon, before the session is given up") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.set_status(arn, "RUNNING");
  world.outside.move(2min);
  world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
  world.provider->suspect(arn);
  const auto before = world.changes;
  world.outside.move(10s);
  CHECK(world.changes > before);
  CHECK(world.listed("a").state == ResourceState::gone);
}

TEST_CASE("few calls: one to launch, one to stop, and looks that hundreds share") {
  EcsWorld world;
  for (int i = 0; i < 200; ++i) REQUIRE(world.launch("a" + std::to_string(i)).has_value());
  for (const auto& [token, arn] : world.ecs.by_token) world.ecs.set_status(arn, "RUNNING");
  world.outside.move(5min);
  CHECK(world.ecs.calls["DescribeTasks"] < 40);
  // Half of them leave by themselves: the fleet asks for their end later, and nobody is called for that.
  int number = 0;
  for (const auto& [token, arn] : world.ecs.by_token)
    if (++number % 2 == 0)
      world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
  world.outside.move(2min);
  number = 0;
  for (const auto& [token, arn] : world.ecs.by_token)
    if (++number % 2 == 0) CHECK(world.terminate(arn, token).state == ResourceState::gone);
  CHECK(world.ecs.calls["StopTask"] == 0);
  for (const auto& [token, arn] : world.ecs.by_token)
    for (int i = 0; i < 3; ++i) (void)world.terminate(arn, token);
  CHECK(world.ecs.calls["StopTask"] == 100);
  world.outside.move(1min);
  CHECK(world.ecs.alive() == 0);
  CHECK(world.ecs.calls["DescribeTasks"] < 80);
}

TEST_CASE("what an agent said last is part of its end, as soon as CloudWatch shows it") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  const auto stream = "footman/agent/" + arn.substr(arn.rfind('/') + 1);
  SUBCASE("before ECS says that the task has stopped") {
    world.ecs.logs[stream] = {"one", "no way to http://me:pw@proxy\x1b[31m"};
    world.ecs.end_agent(arn, 1);
    world.outside.move(10s);
    CHECK(world.listed("a").state == ResourceState::stopping);
    world.ecs.logs.clear();
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(10s);
    CHECK(world.listed("a").last_lines == "one | no way to http://…@proxy [31m");
    CHECK(world.ecs.calls["GetLogEvents"] == 1);
  }
  SUBCASE("later: its end waits for nothing, and who is told of it hears of the lines, too") {
    world.ecs.end_agent(arn, 1);
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(10s);
    CHECK(world.listed("a").state == ResourceState::gone);
    CHECK(world.listed("a").last_lines.empty());
    world.ecs.logs[stream] = {"no way to the proxy"};
    const auto before = world.changes;
    world.outside.move(kLinesLag);
    CHECK(world.changes > before);
    CHECK(world.listed("a").last_lines == "no way to the proxy");
    world.outside.move(10min);
    CHECK(world.ecs.calls["GetLogEvents"] == 2);
  }
  SUBCASE("never: nobody asks a third time") {
    world.ecs.end_agent(arn, 1);
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(10min);
    CHECK(world.listed("a").last_lines.empty());
    CHECK(world.ecs.calls["GetLogEvents"] == 2);
  }
  SUBCASE("of a long line its end, and no more than that") {
    world.ecs.logs[stream] = {std::string(1 << 20, 'x'), "the end"};
    world.ecs.end_agent(arn, 1);
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(10s);
    CHECK(world.listed("a").last_lines.ends_with(" | the end"));
    CHECK(world.listed("a").last_lines.size() < 300);
  }
}

TEST_CASE("nobody asks what an agent said that has left in order, or never ran") {
  EcsWorld world;
  const auto in_order = world.launch("a").value().value;
  world.ecs.end_agent(in_order, 0);
  world.ecs.stop(in_order, "EssentialContainerExited", "Essential container in task exited");
  const auto never_ran = world.launch("b").value().value;
  world.ecs.stop(never_ran, "TaskFailedToStart", "CannotPullContainerError: manifest unknown");
  world.outside.move(5min);
  CHECK(world.listed("a").state == ResourceState::gone);
  CHECK(world.listed("b").state == ResourceState::gone);
  CHECK(world.ecs.calls["GetLogEvents"] == 0);
}

TEST_CASE("who may not read logs knows the end all the same, and asks seldom") {
  EcsWorld world;
  world.ecs.logs_refused = "AccessDeniedException";
  const auto run = [&](const std::string& agent) {
    const auto arn = world.launch(agent).value().value;
    world.ecs.end_agent(arn, 1);
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(1min);
    CHECK(world.listed(agent).state == ResourceState::gone);
  };
  for (const auto* agent : {"a", "b", "c"}) run(agent);
  CHECK(world.ecs.calls["GetLogEvents"] == 1);
  world.outside.move(kLinesAfterRefusal);
  run("d");
  CHECK(world.ecs.calls["GetLogEvents"] == 2);
}

TEST_CASE("an agent that ended while no server was there: its lines are found by the next one") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.drop();
  world.ecs.logs["footman/agent/" + arn.substr(arn.rfind('/') + 1)] = {"no way to the proxy"};
  world.ecs.end_agent(arn, 1);
  world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
  world.make();
  (void)cloud::contract::list(world);
  world.outside.move(1s);
  CHECK(world.listed("a").last_lines == "no way to the proxy");
}

TEST_CASE("a task that ends already is not asked to, unless that takes long") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.stops_when_looked_at = false;
  world.ecs.task(arn)["desiredStatus"] = "STOPPED";
  world.ecs.set_status(arn, "DEPROVISIONING");
  world.outside.move(10s);
  CHECK(world.terminate(arn, "a-1").state == ResourceState::stopping);
  world.outside.move(59s);
  CHECK(world.terminate(arn, "a-1").state == ResourceState::stopping);
  CHECK(world.ecs.calls["StopTask"] == 0);
  world.outside.move(1s);
  (void)world.terminate(arn, "a-1");
  CHECK(world.ecs.calls["StopTask"] == 1);
}

TEST_CASE("tasks of others are left alone, whatever they are started by") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  for (auto& tag : world.ecs.task(arn).at("tags").as_array())
    if (tag.as_object().at("value") == "contract") tag.as_object()["value"] = "another";
  world.restart();
  CHECK(cloud::contract::list(world).empty());
}

TEST_CASE("tasks of others that have ended are looked at once, however often ours are looked for") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.stop(arn, "UserInitiated", "");
  world.ecs.task(arn)["startedBy"] = "ci";
  world.ecs.task(arn)["tags"] = boost::json::array();
  world.restart();
  CHECK(cloud::contract::list(world).empty());
  const auto described = world.ecs.calls["DescribeTasks"];
  CHECK(described == 1);
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(cloud::contract::await_result(world, world.provider->find_by_token("b-1")).has_value());
  CHECK(world.ecs.calls["DescribeTasks"] == described);
}

TEST_CASE("who may not describe tasks is told so, once, and asked seldom") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  (void)cloud::contract::list(world);
  world.ecs.refused["DescribeTasks"] = "AccessDeniedException";
  world.ecs.calls.clear();
  const int before = world.changes;
  world.outside.move(10min);
  CHECK(world.ecs.calls["DescribeTasks"] <= 9);
  const auto listed = cloud::contract::await_result(world, world.provider->observe());
  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().code == base::Errc::permission_denied);
  CHECK(world.changes == before + 1);  // which is logged, too
  world.ecs.refused.clear();
  world.ecs.set_status(arn, "RUNNING");
  world.outside.move(3min);
  CHECK(world.listed("a").state == ResourceState::running);
  SUBCASE("what passes by itself is no trouble of the cloud") {
    world.ecs.refused["DescribeTasks"] = "ServerException";
    world.outside.move(10min);
    CHECK(cloud::contract::await_result(world, world.provider->observe()).has_value());
  }
}

TEST_CASE("a cluster that ECS does not know is named, and the configuration's fault") {
  EcsWorld world;
  world.ecs.refused["RunTask"] = world.ecs.refused["ListTasks"] = "ClusterNotFoundException";
  const auto handle = world.launch("a");
  REQUIRE_FALSE(handle.has_value());
  CHECK(handle.error().failure == FailureClass::configuration);
  CHECK(handle.error().message.find("no cluster 'builds'") != std::string::npos);
  const auto listed = cloud::contract::await_result(world, world.provider->observe());
  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().message.find("no cluster 'builds'") != std::string::npos);
}

TEST_CASE("launches go where there are free addresses, once that is known, and wait for no look") {
  EcsWorld world;
  world.ecs.free_addresses = {{"subnet-0a", 0}, {"subnet-0b", 200}};
  const auto subnets_of = [&](int begin, int end) {
    std::set<std::string> out;
    for (int i = begin; i < end; ++i) {
      const auto handle = world.launch("agent-" + std::to_string(i));
      REQUIRE(handle.has_value());
      out.insert(subnet_of(world, *handle));
    }
    return out;
  };
  (void)subnets_of(0, 1);
  world.outside.move(1s);
  CHECK(subnets_of(1, 20) == std::set<std::string>{"subnet-0b"});
  CHECK(world.ecs.calls["DescribeSubnets"] == 1);
  world.ecs.free_addresses = {{"subnet-0a", 200}, {"subnet-0b", 0}};
  world.outside.move(kLookAtSubnets);
  (void)subnets_of(20, 21);
  world.outside.move(1s);
  CHECK(subnets_of(21, 40) == std::set<std::string>{"subnet-0a"});
  CHECK(world.ecs.calls["DescribeSubnets"] == 2);
}

TEST_CASE("who may not see free addresses spreads launches evenly, and asks seldom") {
  EcsWorld world;
  std::set<std::string> used;
  for (int i = 0; i < 20; ++i) {
    const auto handle = world.launch("agent-" + std::to_string(i));
    REQUIRE(handle.has_value());
    used.insert(subnet_of(world, *handle));
    world.outside.move(30s);
  }
  CHECK(used.size() == 2);
  CHECK(world.ecs.calls["DescribeSubnets"] == 1);  // in ten minutes
}

TEST_CASE("definitions that nothing needs any more go, the newest of them last") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto first = world.run_with("node:20");
  const auto second = world.run_with("node:21");
  const auto third = world.run_with("node:22");
  world.outside.move(2 * kCleanUpPause);
  CHECK(world.ecs.retired == Families{first});
  CHECK(world.ecs.deleted == Families{first});
  SUBCASE("a configuration that is taken back registers nothing") {
    CHECK(world.run_with("node:21") == second);
    world.outside.move(2 * footman::ecs::kPreviousKept);
    CHECK(world.ecs.definitions.at(second) == 1);
    CHECK(world.ecs.retired == Families{first, third});
  }
  SUBCASE("in steady state nothing is registered or deregistered, and little is asked") {
    world.outside.move(footman::ecs::kPreviousKept);
    CHECK(world.ecs.retired == Families{first, second});
    world.ecs.calls.clear();
    world.outside.move(4 * kCleanUpPause);
    CHECK(world.ecs.calls["ListTaskDefinitionFamilies"] == 2 * 4);
    CHECK(world.ecs.calls["ListTaskDefinitions"] == 0);
    CHECK(world.ecs.calls["DescribeTaskDefinition"] == 0);
    CHECK(world.ecs.calls["DeregisterTaskDefinition"] == 0);
    CHECK(world.ecs.calls["RegisterTaskDefinition"] == 0);
  }
  SUBCASE("one that went is made anew where it is wanted again") {
    CHECK(world.run_with("node:20") == first);
    CHECK(world.ecs.definitions.at(first) == 2);
  }
}

TEST_CASE("definitions of a task that lives, of a launch under way, of other clouds and others stay") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto first = world.run_with("node:20");
  (void)world.run_with("node:21");
  (void)world.run_with("node:22");
  const auto tag = [](const std::string& installation, const std::string& name) {
    return json::array{json::object{{"key", "footman:installation"}, {"value", installation}},
                       json::object{{"key", "footman:template"}, {"value", name}}};
  };
  const auto theirs = [](char digit) { return "footman-small-" + std::string(16, digit); };
  for (const char digit : {'1', '2'}) world.ecs.contents[theirs(digit)] = {{"tags", tag("another", "small")}};
  for (const char digit : {'3', '4'}) world.ecs.contents[theirs(digit)] = {{"tags", tag("contract", "big")}};
  for (const auto* name : {"footman-server", "footman-agent", "footman-x-0123456789abcdeg"})
    world.ecs.contents[name] = {{"tags", tag("contract", "small")}};
  world.elsewhere = {base::TemplateName("big")};
  SUBCASE("a task") {
    world.use_image("node:20");
    const auto arn = world.launch("alive").value().value;
    world.ecs.set_status(arn, "RUNNING");
    world.use_image("node:22");
    world.outside.move(2 * kCleanUpPause);
    CHECK(world.ecs.retired.empty());
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(2 * kCleanUpPause);
    CHECK(world.ecs.retired == Families{first});
  }
  SUBCASE("a launch") {
    world.outside.move(kCleanUpPause - 3h - 5min);  // just before the next round
    world.use_image("node:20");
    world.ecs.refusals = {"RESOURCE:ENI"};
    CHECK_FALSE(world.launch("again").has_value());
    world.use_image("node:22");
    while (world.ecs.calls["ListTaskDefinitionFamilies"] < 2 * 2) world.outside.move(1min);
    CHECK(world.ecs.retired.empty());
    world.outside.move(2 * kCleanUpPause);
    CHECK(world.ecs.retired == Families{first});
  }
  SUBCASE("that cloud is not there any more") {
    world.elsewhere.clear();
    world.use_image("node:22");
    world.outside.move(2 * kCleanUpPause);
    CHECK(world.ecs.retired.size() == 2);  // of each template the newest stays
  }
}

TEST_CASE("definitions: a launch that wants one as it goes has it made anew") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto first = world.run_with("node:20");
  (void)world.run_with("node:21");
  (void)world.run_with("node:22");
  world.outside.services.delay = 1s;
  while (world.ecs.retired.empty()) world.outside.move(1s);
  world.use_image("node:20");  // taken back in this moment
  CHECK(world.launch("late").has_value());
  CHECK(world.ecs.definitions.at(first) == 2);
  CHECK(world.ecs.contents.contains(first));
}

TEST_CASE("definitions: whatever is lost, refused or killed, the next round goes on") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto first = world.run_with("node:20");
  const auto second = world.run_with("node:21");
  (void)world.run_with("node:22");
  (void)world.run_with("node:23");
  world.ecs.lose = {"DeregisterTaskDefinition", "ListTaskDefinitionFamilies"};
  SUBCASE("lost answers") { world.outside.move(2 * kCleanUpPause); }
  SUBCASE("a restart between two of them") {
    while (world.ecs.retired.empty()) world.outside.move(1s);
    world.restart();
    world.use_image("node:23");
    CHECK(world.ecs.retired.size() == 1);
    (void)cloud::contract::list(world);
    world.outside.move(1min);
  }
  CHECK(std::set(world.ecs.retired.begin(), world.ecs.retired.end()) == std::set{first, second});
  CHECK(world.ecs.retired.size() == 2);
  CHECK(world.launch("after").has_value());
}

TEST_CASE("definitions: one that was deregistered and not deleted is deleted by a later round, ours alone") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto first = world.run_with("node:20");
  (void)world.run_with("node:21");
  (void)world.run_with("node:22");
  const auto theirs = "footman-small-" + std::string(16, '1');
  world.ecs.inactive[theirs] = {
      {"tags", json::array{json::object{{"key", "footman:installation"}, {"value", "another"}}}}};
  world.ecs.inactive["footman-own"] = {{"tags", json::array()}};
  SUBCASE("the server dies in between") {
    world.outside.services.delay = 1s;
    while (world.ecs.retired.empty()) world.outside.move(100ms);
    REQUIRE(world.ecs.deleted.empty());
    world.outside.services.delay = {};
    world.restart();
    world.use_image("node:22");
    (void)cloud::contract::list(world);
  }
  SUBCASE("AWS refuses") {
    bool refused = false;
    world.ecs.is_refused = [&](const std::string& operation) {
      if (operation == "DeleteTaskDefinitions") refused = true;
      return operation == "DeleteTaskDefinitions";
    };
    while (!refused) world.outside.move(1s);
    world.outside.move(1h);
    world.ecs.is_refused = {};
    CHECK(world.ecs.deleted.empty());
  }
  world.outside.move(2 * kCleanUpPause);
  CHECK(world.ecs.deleted == Families{first});
  CHECK(world.ecs.inactive.size() == 2);
  world.ecs.calls.clear();
  world.outside.move(4 * kCleanUpPause);  // and others' are looked at once
  CHECK(world.ecs.calls["ListTaskDefinitions"] == 0);
  CHECK(world.ecs.calls["DescribeTaskDefinition"] == 0);
}
