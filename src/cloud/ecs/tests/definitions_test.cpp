// Task definitions over a small ECS in memory: which one is run, what is known of others', and which go.
#include "cloud/ecs/definitions.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cloud/ecs/clean_up.hpp"
#include "cloud/ecs/ecs_cloud.hpp"
#include "cloud/ecs/tests/ecs_world.hpp"
#include "ecs/stale_definitions.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;
using ports::FailureClass;
using Families = std::vector<std::string>;

namespace {

// At once.
void launch_many(EcsWorld& world, std::size_t count) {
  std::vector<std::optional<ports::LaunchResult>> results(count);
  runtime::Scope scope(world.executor(), {});
  for (std::size_t i = 0; i < results.size(); ++i)
    scope.spawn(
        "launch",
        cloud::contract::store_result<ports::LaunchResult>(
            world.provider->launch(cloud::contract::make_spec(world, "a" + std::to_string(i))), &results[i]));
  REQUIRE(world.run_until([&] { return scope.running() == 0; }));
  for (const auto& one : results) CHECK((one && one->has_value()));
}

}  // namespace

TEST_CASE("one definition for each content, whatever restarts and however many launch at once") {
  EcsWorld world;
  launch_many(world, 20);
  world.restart();
  CHECK(world.launch("b").has_value());
  REQUIRE(world.ecs.definitions.size() == 1);
  CHECK(world.ecs.definitions.begin()->second == 1);
  CHECK(world.ecs.calls["RegisterTaskDefinition"] == 1);
  CHECK(world.ecs.calls["RunTask"] == 21);
}

TEST_CASE("a definition that others made is described once, however many launch at once") {
  EcsWorld world;
  world.template_options = {};
  world.template_options.task_definition = "theirs:3";
  world.ecs.others["theirs:3"] = {json::object{{"name", "main"}}};
  world.restart();
  launch_many(world, 20);
  CHECK(world.ecs.calls["RunTask"] == 20);
  CHECK(world.ecs.calls["DescribeTaskDefinition"] == 1);
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

TEST_CASE("a definition that others made: its container and how long that has after a notice") {
  EcsWorld world;
  world.template_options = {};
  world.template_options.task_definition = "theirs:3";
  world.ecs.others["theirs:3"] = {json::object{{"name", "main"}},
                                  json::object{{"name", "build"}, {"stopTimeout", 90}}};
  const auto override_of = [&](const std::string& agent) {
    const auto arn = world.launch(agent).value().value;
    const auto& request = world.ecs.tasks.at(arn).request;
    CHECK(request.at("taskDefinition")
              .as_string()
              .ends_with("/" + world.template_options.task_definition +
                         (world.ecs.definitions.empty() ? "" : ":1")));
    return json::serialize(request.at("overrides").at("containerOverrides").at(0));
  };
  const auto notice = [](const std::string& time) {
    return fmt::format(R"({{"name":"FOOTMAN_AGENT_NOTICE","value":"{}"}})", time);
  };
  world.restart();
  for (const auto* agent : {"a", "b"}) {
    const auto sent = override_of(agent);
    CHECK(sent.find(R"("name":"main")") != std::string::npos);
    CHECK(sent.find(notice("30s")) != std::string::npos);  // ECS' own
  }
  CHECK(world.ecs.calls["DescribeTaskDefinition"] == 1);  // a revision never changes
  world.template_options.container.name = "build";
  world.restart();
  CHECK(override_of("c").find(notice("90s")) != std::string::npos);

  world.template_options.task_definition = "theirs";
  world.ecs.others["theirs"] = {json::object{{"name", "build"}, {"stopTimeout", 60}}};
  world.ecs.definitions["theirs"] = 1;
  world.restart();
  const auto asked = world.ecs.calls["DescribeTaskDefinition"];
  CHECK(override_of("d").find(notice("60s")) != std::string::npos);
  world.ecs.others["theirs"].at(0).as_object()["stopTimeout"] = 20;
  CHECK(override_of("e").find(notice("60s")) != std::string::npos);
  CHECK(world.ecs.calls["DescribeTaskDefinition"] == asked + 1);
  world.outside.move(kNewestKnown);
  CHECK(override_of("f").find(notice("20s")) != std::string::npos);
}

TEST_CASE("the revision that is run is the one that was looked at, whatever a family has got since") {
  EcsWorld world;
  world.template_options = {};
  world.template_options.task_definition = "theirs";
  const auto register_with = [&](const char* container) {
    world.ecs.others["theirs"] = {json::object{{"name", container}}};
    ++world.ecs.definitions["theirs"];
  };
  const auto revision_and_container = [&](const std::string& agent) {
    const auto handle = world.launch(agent);
    REQUIRE(handle.has_value());
    const auto& request = world.ecs.tasks.at(handle->value).request;
    const std::string arn(request.at("taskDefinition").as_string());
    const auto& override = request.at("overrides").at("containerOverrides").at(0);
    return arn.substr(arn.rfind('/') + 1) + " " + std::string(override.at("name").as_string());
  };
  register_with("main");
  world.restart();
  CHECK(revision_and_container("a") == "theirs:1 main");
  register_with("renamed");
  CHECK(revision_and_container("b") == "theirs:1 main");
  SUBCASE("until the next look") {
    world.outside.move(kNewestKnown);
    CHECK(revision_and_container("c") == "theirs:2 renamed");
  }
  SUBCASE("and when it is not active any more, the family is looked at again, once") {
    world.ecs.gone_revisions = {"arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:1"};
    CHECK(revision_and_container("c") == "theirs:2 renamed");
    world.ecs.gone_revisions.insert("arn:aws:ecs:eu-west-1:123456789012:task-definition/theirs:2");
    const auto before = world.ecs.calls["RunTask"];
    CHECK_FALSE(world.launch("d").has_value());
    CHECK(world.ecs.calls["RunTask"] == before + 2);
  }
}

TEST_CASE("a definition that others made, without the container that is named, or that is not there") {
  EcsWorld world;
  world.template_options = {};
  world.template_options.task_definition = "theirs:3";
  world.template_options.container.name = "build";
  world.ecs.others["theirs:3"] = {json::object{{"name", "main"}}};
  world.restart();
  const auto told_of = [&](const std::string& agent) {
    const auto refused = world.launch(agent);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().definite);
    CHECK(refused.error().failure == FailureClass::configuration);
    return refused.error().message;
  };
  CHECK(told_of("a") == "the task definition theirs:3 has no container build");
  world.ecs.others.clear();
  world.restart();
  CHECK(told_of("b") == "ECS has no task definition theirs:3");
  CHECK(world.ecs.calls["RunTask"] == 0);
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
