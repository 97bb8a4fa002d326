// The provider on a small ECS in memory and virtual time: the contract, and what is ECS' own.
#include "cloud/ecs/ecs_cloud.hpp"

#include <doctest/doctest.h>

#include <set>

#include "cloud/ecs/last_lines.hpp"
#include "cloud/ecs/subnets.hpp"
#include "cloud/ecs/tests/ecs_world.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;
using ports::FailureClass;
using ports::ResourceState;

namespace {

// In which the task of a launch was asked for.
std::string subnet_of(EcsWorld& world, const ports::LaunchHandle& handle) {
  const boost::json::value request(world.ecs.tasks.at(handle.value).request);
  return std::string(request.at_pointer("/networkConfiguration/awsvpcConfiguration/subnets/0").as_string());
}

}  // namespace

TEST_CASE("the contract of every provider") {
  cloud::contract::check_provider_contract([] { return std::make_unique<EcsWorld>(); });
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

TEST_CASE("an answer is lost, then the launch is refused: there is none only once ECS would show it") {
  EcsWorld world;
  world.ecs.seen_after = 40s;
  SUBCASE("there is one") {
    world.ecs.lose = {"RunTask", "RunTask", "RunTask", "RunTask"};
    REQUIRE_FALSE(world.launch("a").has_value());
    world.ecs.refused["RunTask"] = "AccessDeniedException";
    const auto early = world.launch("a");
    REQUIRE_FALSE(early.has_value());
    CHECK_FALSE(early.error().definite);
    world.outside.move(45s);
    CHECK(world.launch("a").has_value());
  }
  SUBCASE("there is none") {
    world.ecs.lose = {"RunTask", "RunTask", "RunTask", "RunTask"};
    REQUIRE_FALSE(world.launch("a").has_value());
    world.ecs.tasks.clear();
    world.ecs.refused["RunTask"] = "AccessDeniedException";
    CHECK_FALSE(world.launch("a").error().definite);
    world.outside.move(65s);
    CHECK(world.launch("a").error().definite);
    CHECK(world.launch("b").error().definite);  // no answer to it was lost
  }
  world.ecs.refused.clear();
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

TEST_CASE("a task has ended when ECS says so, however late that is heard") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
  world.outside.move(10s);
  CHECK_FALSE(world.listed("a").ended.is_set());
  world.ecs.task(arn)["stoppedAt"] = 1'790'000'000.25;
  SUBCASE("its clock is ours, as far as that can be seen") { world.ecs.clock_ahead = 500ms; }
  SUBCASE("its clock is ahead of ours") { world.ecs.clock_ahead = 2min; }
  SUBCASE("its clock is behind ours") { world.ecs.clock_ahead = -1h; }
  world.restart();
  world.outside.move(10min);
  const auto told = base::Instant{1'790'000'000'250'000};
  const auto off = world.listed("a").ended - told + world.ecs.clock_ahead;
  CHECK(std::chrono::abs(off) <= 1s);
  if (world.ecs.clock_ahead == 500ms) CHECK(world.listed("a").ended == told);
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
  auto listed = cloud::contract::list(world);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].installation.str() == "another");
  CHECK(listed[0].client_token.empty());
  world.ecs.task(arn)["tags"] = boost::json::array();
  world.outside.move(3min);
  listed = cloud::contract::list(world);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].installation.empty());
  CHECK(listed[0].handle == arn);
  world.ecs.stop(arn, "UserInitiated", "");
  world.outside.move(3min);
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

TEST_CASE("credentials that AWS does not take any more are the cloud's trouble at once, and until it does") {
  EcsWorld world;
  (void)cloud::contract::list(world);
  const auto refuse = [&](const std::string& code) {
    for (const auto* operation : {"RunTask", "ListTasks", "DescribeTasks", "RegisterTaskDefinition",
                                  "DescribeTaskDefinition", "ListTaskDefinitionFamilies"})
      world.ecs.refused[operation] = code;
  };
  for (const auto* code : {"UnrecognizedClientException", "ExpiredTokenException"}) {
    CAPTURE(code);
    refuse(code);
    const int before = world.changes;
    CHECK_FALSE(world.launch("a").has_value());
    CHECK(world.changes > before);
    for (int i = 0; i < 2; ++i) {
      const auto listed = cloud::contract::await_result(world, world.provider->observe());
      REQUIRE_FALSE(listed.has_value());
      CHECK(listed.error().message.find(code) != std::string::npos);
    }
    world.ecs.refused.clear();
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
