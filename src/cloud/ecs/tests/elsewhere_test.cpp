// Tasks that are not where the configuration says, or that ECS does not show: none is lost.
#include <doctest/doctest.h>

#include "cloud/ecs/task_places.hpp"
#include "cloud/ecs/task_table.hpp"
#include "cloud/ecs/tests/ecs_world.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;

namespace {

// A task is launched as "a", then the server starts with another configuration.
std::string move_to_another(EcsWorld& world, std::string EcsWorld::* what, const std::string& value) {
  const auto arn = world.launch("a").value().value;
  world.ecs.set_status(arn, "RUNNING");
  world.*what = value;
  world.restart();
  world.recall("a", arn);
  return arn;
}

// RunTask launches one, and nobody hears the answer; then the server starts with another configuration.
ports::LaunchSpec lose_a_launch(EcsWorld& world, std::string EcsWorld::* what, const std::string& value) {
  auto spec = cloud::contract::make_spec(world, "a");
  world.ecs.lose = {"RunTask", "RunTask", "RunTask", "RunTask"};
  REQUIRE_FALSE(world.launch(spec).has_value());
  REQUIRE(world.ecs.alive() == 1);
  world.*what = value;
  world.restart();
  return spec;
}

}  // namespace

TEST_CASE("a task's calls name the cluster that it is in") {
  footman::ecs::CloudOptions cloud;
  cloud.region = "eu-west-1";
  cloud.cluster = "builds";
  const TaskPlaces places(cloud, "123456789012");
  const std::string own = "arn:aws:ecs:eu-west-1:123456789012:task/builds/0123abcd";
  const std::string other = "arn:aws:ecs:eu-west-1:123456789012:task/old/0123abcd";
  CHECK(places.cluster_of(own) == "arn:aws:ecs:eu-west-1:123456789012:cluster/builds");
  CHECK(places.cluster_of(other) == "arn:aws:ecs:eu-west-1:123456789012:cluster/old");
  CHECK(places.cluster_of("arn:aws:ecs:eu-west-1:123456789012:task/0123abcd") == "builds");
  CHECK(places.is_at_home(own));
  CHECK_FALSE(places.is_at_home(other));
  CHECK(places.by_cluster({own, other, own}).size() == 2);
  CHECK(places.why_out_of_reach(own).empty());
  CHECK(places.why_out_of_reach(other).empty());
  CHECK_FALSE(places.why_out_of_reach("arn:aws:ecs:us-east-1:123456789012:task/builds/1").empty());
  CHECK_FALSE(places.why_out_of_reach("arn:aws:ecs:eu-west-1:999999999999:task/builds/1").empty());
  CHECK(TaskPlaces(cloud, "").why_out_of_reach("arn:aws:ecs:eu-west-1:999999999999:task/builds/1").empty());
  cloud.cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/builds";
  CHECK(TaskPlaces(cloud, "").is_at_home(own));
  cloud.cluster.clear();
  CHECK(TaskPlaces(cloud, "").is_at_home("arn:aws:ecs:eu-west-1:123456789012:task/default/1"));
}

TEST_CASE("another cluster is configured: its old tasks are followed and ended where they are") {
  EcsWorld world;
  const auto arn = move_to_another(world, &EcsWorld::cluster, "other");
  CHECK(world.listed("a").state == ResourceState::running);
  CHECK(world.launch("b").value().value.find(":task/other/") != std::string::npos);
  SUBCASE("by us") {
    CHECK(world.terminate(arn, "a-1").state == ResourceState::stopping);
    world.outside.move(10s);
    CHECK(world.terminate(arn, "a-1").state == ResourceState::gone);
    CHECK(world.ecs.alive() == 1);
  }
  SUBCASE("by itself") {
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    world.outside.move(10s);
    CHECK(world.listed("a").state == ResourceState::gone);
  }
  SUBCASE("also a second one there, of which there is no record") {
    auto twin = world.ecs.tasks.at(arn);
    auto& tags = twin.task.at("tags").as_array();
    for (auto& tag : tags)
      if (tag.at("value") == "a-1") tag.as_object()["value"] = "z-1";
    twin.task["taskArn"] = arn + "f";
    world.ecs.tasks[arn + "f"] = twin;
    world.outside.move(3min);
    CHECK(world.listed("z").state == ResourceState::running);
  }
}

TEST_CASE("the old cluster refuses: its tasks are not gone, and the new one is not held up") {
  EcsWorld world;
  world.ecs.closed_clusters = {"builds"};
  const auto arn = [&] {
    world.ecs.closed_clusters.clear();
    const auto launched = move_to_another(world, &EcsWorld::cluster, "other");
    world.ecs.closed_clusters = {"builds"};
    return launched;
  }();
  world.outside.move(10min);
  CHECK(world.listed("a").state != ResourceState::gone);
  const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
  REQUIRE(found.has_value());
  CHECK(found->state != ResourceState::gone);
  CHECK_FALSE(cloud::contract::await_result(world, world.provider->terminate(arn, "a-1")).has_value());
  world.ecs.calls.clear();
  world.outside.move(10min);
  CHECK(world.ecs.calls["DescribeTasks"] < 10);
  CHECK(world.launch("b").has_value());
  world.ecs.closed_clusters.clear();
  world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
  world.outside.move(3min);
  CHECK(world.listed("a").state == ResourceState::gone);
}

TEST_CASE(
    "the old cluster has been deleted: its tasks are gone, when that is said as late as of any unknown one") {
  EcsWorld world;
  const auto arn = move_to_another(world, &EcsWorld::cluster, "other");
  CHECK(world.listed("a").state == ResourceState::running);
  SUBCASE("also where a restart has forgotten that it was seen") {
    world.restart();
    world.recall("a", arn);
  }
  SUBCASE("while it is followed") {}
  world.ecs.tasks.clear();
  world.ecs.deleted_clusters = {"builds"};
  const auto stopped = world.terminate(arn, "a-1");
  CHECK(stopped.state != ResourceState::gone);
  world.outside.move(6min);
  CHECK(world.listed("a").state == ResourceState::gone);
  CHECK(world.terminate(arn, "a-1").state == ResourceState::gone);
  CHECK(world.launch("b").has_value());
}

TEST_CASE("a task whose ARN does not tell its cluster is not gone when the configured one is not there") {
  EcsWorld world;
  const std::string arn = "arn:aws:ecs:eu-west-1:123456789012:task/0123abcd";
  world.recall("a", arn);
  world.ecs.deleted_clusters = {"builds"};
  world.outside.move(10min);
  CHECK_FALSE(cloud::contract::await_result(world, world.provider->terminate(arn, "a-1")).has_value());
  const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
  REQUIRE(found.has_value());
  CHECK(found->state != ResourceState::gone);
}

TEST_CASE(
    "the answer to a launch was lost, and another cluster is configured: its task is found where it is") {
  EcsWorld world;
  const auto spec = lose_a_launch(world, &EcsWorld::cluster, "other");
  CHECK_FALSE(world.recall_launch(spec));
  SUBCASE("by the list") {
    CHECK(world.listed("a").state == ResourceState::starting);
    CHECK(world.launch("b").value().value.find(":task/other/") != std::string::npos);
  }
  SUBCASE("by its token") {
    const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
    REQUIRE(found.has_value());
    CHECK(found->handle.find(":task/builds/") != std::string::npos);
  }
  SUBCASE("not while that cluster does not answer, and then it is not gone") {
    world.ecs.closed_clusters = {"builds"};
    const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code != base::Errc::not_found);
    CHECK_FALSE(cloud::contract::await_result(world, world.provider->terminate("", "a-1")).has_value());
    CHECK(world.launch("b").has_value());
    world.ecs.closed_clusters.clear();
    world.outside.move(1s);
  }
  CHECK(world.terminate("", "a-1").state == ResourceState::stopping);
  world.outside.move(10s);
  CHECK(world.terminate("", "a-1").state == ResourceState::gone);
}

TEST_CASE("a launch that never went to another cluster is not found there") {
  EcsWorld world;
  const auto spec = cloud::contract::make_spec(world, "a");
  world.cluster = "other";
  world.restart();
  CHECK_FALSE(world.recall_launch(spec));
  const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == base::Errc::not_found);
  CHECK(world.ecs.calls["RunTask"] == 0);
}

TEST_CASE("the answer to a launch was lost, and tags have another prefix: one task, whose it is told") {
  EcsWorld world;
  const auto spec = lose_a_launch(world, &EcsWorld::tag_prefix, "ci:");
  SUBCASE("its repetition is the same request") {
    CHECK(world.recall_launch(spec));
    CHECK(world.launch(spec).has_value());
  }
  SUBCASE("its repetition is refused: that says nothing of the first call") {
    CHECK(world.recall_launch(spec));
    world.ecs.refused["RunTask"] = "AccessDeniedException";
    CHECK(world.launch(spec).has_value());
  }
  SUBCASE("nor does it where the list does not answer") {
    CHECK(world.recall_launch(spec));
    world.ecs.refused = {{"RunTask", "AccessDeniedException"}, {"ListTasks", "AccessDeniedException"}};
    const auto launched = world.launch(spec);
    REQUIRE_FALSE(launched.has_value());
    CHECK_FALSE(launched.error().definite);
    world.ecs.refused.clear();
  }
  SUBCASE("without a record, too") {}
  CHECK(world.listed("a").template_name == world.template_name());
  CHECK(world.ecs.alive() == 1);
}

TEST_CASE("the answer to a launch was lost, and another region is configured: nobody calls it gone") {
  EcsWorld world;
  const auto spec = lose_a_launch(world, &EcsWorld::region, "us-east-1");
  CHECK_FALSE(world.recall_launch(spec));
  const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().code == base::Errc::unsupported);
  const auto ended = cloud::contract::await_result(world, world.provider->terminate("", "a-1"));
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().message.find("eu-west-1") != std::string::npos);
}

TEST_CASE("a task in another region is out of reach: nobody calls it gone") {
  EcsWorld world;
  const auto arn = move_to_another(world, &EcsWorld::region, "us-east-1");
  world.ecs.calls.clear();
  for (const bool again : {false, true}) {
    if (again) world.outside.move(1h);
    CHECK(cloud::contract::list(world).empty());
    const auto found = cloud::contract::await_result(world, world.provider->find_by_token("a-1"));
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == base::Errc::unsupported);
    const auto ended = cloud::contract::await_result(world, world.provider->terminate(arn, "a-1"));
    REQUIRE_FALSE(ended.has_value());
    CHECK(ended.error().message.find("eu-west-1") != std::string::npos);
  }
  CHECK(world.ecs.calls["StopTask"] == 0);
  CHECK(world.ecs.alive() == 1);
}

TEST_CASE("a task that ECS shows only after minutes is not lost") {
  EcsWorld world;
  world.ecs.seen_after = 4min;
  const auto arn = world.launch("a").value().value;
  for (int i = 0; i < 3; ++i) {
    world.outside.move(1min);
    CHECK(world.listed("a").state == ResourceState::starting);
    CHECK(world.terminate(arn, "a-1").state != ResourceState::gone);
  }
  SUBCASE("also for a server that has started meanwhile") {
    world.restart();
    world.recall("a", arn);
    world.outside.move(30s);
    CHECK(world.terminate(arn, "a-1").state != ResourceState::gone);
  }
  world.outside.move(2min);
  (void)world.terminate(arn, "a-1");
  world.outside.move(10s);
  CHECK(world.terminate(arn, "a-1").state == ResourceState::gone);
  CHECK(world.ecs.alive() == 0);
}

TEST_CASE("a task that was taken for gone and is listed again is there again") {
  EcsWorld world;
  const auto arn = world.launch("a").value().value;
  world.ecs.set_status(arn, "RUNNING");
  world.outside.move(1min);
  const auto held = world.ecs.tasks.extract(arn).mapped();
  world.outside.move(10min);
  CHECK(world.listed("a").state == ResourceState::gone);
  world.ecs.tasks[arn] = held;
  world.outside.move(3min);
  CHECK(world.listed("a").state == ResourceState::running);
  CHECK(world.listed("a").death.text.empty());
  CHECK(world.terminate(arn, "a-1").state == ResourceState::stopping);
  CHECK(world.ecs.calls["StopTask"] == 1);
  world.outside.move(10s);
  CHECK(world.ecs.alive() == 0);
}
