// The queue of events, and what is done when it does not tell.
#include <doctest/doctest.h>

#include "cloud/ecs/tests/ecs_world.hpp"

using namespace footman;
using namespace footman::cloud::ecs;
using namespace footman::cloud::ecs::testing;

namespace {

class Warnings final : public base::LogSink {
 public:
  void write(base::LogLevel level, std::string_view message, const base::LogFields&) override {
    if (level == base::LogLevel::warning) lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

struct Events {
  Events() {
    world.outside.outside.log = base::Logger(warnings);
    world.outside.services.delay = 1s;
    world.event_queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/footman-events";
    world.restart();
  }
  // An agent that a look has seen; then its task ends.
  std::string end_one(const std::string& agent) {
    const auto arn = world.launch(agent).value().value;
    world.ecs.set_status(arn, "RUNNING");
    world.outside.move(1min);
    world.ecs.stop(arn, "EssentialContainerExited", "Essential container in task exited");
    return arn;
  }
  void tell(const std::string& arn) {
    world.ecs.queued.push_back(json::serialize(json::object{{"id", "1"},
                                                            {"detail-type", "ECS Task State Change"},
                                                            {"source", "aws.ecs"},
                                                            {"account", "123456789012"},
                                                            {"region", "eu-west-1"},
                                                            {"time", "2026-01-01T00:00:00Z"},
                                                            {"detail", world.ecs.task(arn)}}));
  }
  int looks_in(base::Duration time) {
    const auto before = world.ecs.calls["DescribeTasks"];
    world.outside.move(time);
    return world.ecs.calls["DescribeTasks"] - before;
  }

  EcsWorld world;
  std::shared_ptr<Warnings> warnings = std::make_shared<Warnings>();
};

}  // namespace

TEST_CASE("events: an end that the queue tells is known at once, and nothing is wrong with the queue") {
  Events events;
  auto& world = events.world;
  const auto arn = events.end_one("a");
  events.tell(arn);
  world.outside.move(3s);
  CHECK(world.listed("a").state == ResourceState::gone);
  world.outside.move(1h);
  CHECK(events.warnings->lines.empty());
  CHECK(world.provider->find_warning().empty());
}

TEST_CASE("events: a queue that cannot be read is told of as long as it cannot") {
  Events events;
  auto& world = events.world;
  world.ecs.refused["ReceiveMessage"] = "AccessDeniedException";
  world.outside.move(1min);
  CHECK(world.provider->find_warning().starts_with("the queue of events cannot be read: "));
  CHECK(world.provider->find_warning().find("AccessDenied") != std::string::npos);
  CHECK(events.warnings->lines.size() == 1);
  world.ecs.refused.clear();
  world.outside.move(1min);
  CHECK(world.provider->find_warning().empty());
  CHECK(events.warnings->lines.size() == 1);
}

TEST_CASE("events: a queue that could never be read is in the log, too") {
  EcsWorld world;
  const auto warnings = std::make_shared<Warnings>();
  world.outside.outside.log = base::Logger(warnings);
  world.event_queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/footman-events";
  world.ecs.refused["ReceiveMessage"] = "AccessDeniedException";
  world.restart();
  world.outside.move(5min);
  REQUIRE(warnings->lines.size() == 1);
  CHECK(warnings->lines[0].starts_with("the queue of events cannot be read: "));
}

TEST_CASE("events: a queue that nobody writes to is told of, once, and tasks are looked at as without it") {
  Events events;
  auto& world = events.world;
  (void)events.end_one("a");
  world.outside.move(20min);
  CHECK(world.listed("a").state == ResourceState::gone);
  REQUIRE(events.warnings->lines.size() == 1);
  CHECK(events.warnings->lines[0].starts_with("a task has stopped, and the queue of events did not tell it"));
  CHECK(world.provider->find_warning() == events.warnings->lines[0]);
  const auto arn = events.end_one("b");
  world.outside.move(3min);
  CHECK(world.listed("b").state == ResourceState::gone);
  CHECK(events.warnings->lines.size() == 1);
  const auto last = world.launch("c").value().value;
  world.ecs.set_status(last, "RUNNING");
  world.outside.move(5min);
  CHECK(events.looks_in(1h) >= 25);
  SUBCASE("until it tells") {
    events.tell(arn);
    world.outside.move(5min);
    CHECK(events.looks_in(1h) <= 13);
    CHECK(world.provider->find_warning().empty());
    (void)events.end_one("d");
    world.outside.move(20min);
    CHECK(events.warnings->lines.size() == 2);
  }
}

TEST_CASE("events: what had ended before this life of the server proves nothing") {
  Events events;
  auto& world = events.world;
  const auto arn = events.end_one("a");
  world.restart();
  world.recall("a", arn);
  world.outside.move(20min);
  CHECK(world.listed("a").state == ResourceState::gone);
  CHECK(events.warnings->lines.empty());
}
