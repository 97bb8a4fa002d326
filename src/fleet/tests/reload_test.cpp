// Template generations and the reload of the configuration.
#include <doctest/doctest.h>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;

namespace {

std::uint64_t generation(const World& world, std::size_t index = 0) {
  return world.fleet->list_clouds()[0].templates.at(index).generation;
}

}  // namespace

TEST_CASE("the same content keeps its number, other content gets the next one") {
  World world;
  world.start();
  CHECK(generation(world) == 1);
  world.restart();
  CHECK(generation(world) == 1);
  SUBCASE("what steers launches only is not content") {
    world.config.templates[0].limits.agents = 7;
    world.config.templates[0].priority = 3;
    world.config.templates[0].launch_deadline = 1min;
    REQUIRE(world.run(world.fleet->apply_config(world.config)));
    CHECK(generation(world) == 1);
  }
  SUBCASE("labels") {
    world.config.templates[0].labels.emplace_back("more");
    REQUIRE(world.run(world.fleet->apply_config(world.config)));
    CHECK(generation(world) == 2);
    world.restart();
    CHECK(generation(world) == 2);
  }
  SUBCASE("endpoint") {
    world.config.templates[0].endpoint.url = "wss://elsewhere/agents";
    REQUIRE(world.run(world.fleet->apply_config(world.config)));
    CHECK(generation(world) == 2);
  }
  SUBCASE("the provider's options, also while the server was down") {
    world.crash();
    world.cloud.options = R"({"size":2})";
    world.start();
    CHECK(generation(world) == 2);
  }
}

TEST_CASE("a changed template: its agents drain, busy ones finish first") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  const auto busy = world.busy_agent("1");
  const auto idle = world.busy_agent("2");
  world.controller.finish(idle, world.now());
  world.settle();
  SUBCASE("changed") { world.config.templates[0].labels.emplace_back("more"); }
  SUBCASE("removed") { world.config.templates.clear(); }
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.row(idle).state == AgentState::terminated);
  CHECK(world.row(idle).end_reason == EndReason::template_changed);
  CHECK(world.row(busy).state == AgentState::draining);
  world.advance(10min);
  CHECK(world.cloud.alive() == 1);
  world.controller.finish(busy, world.now());
  world.settle();
  CHECK(world.row(busy).state == AgentState::terminated);
  CHECK(world.row(busy).end_reason == EndReason::template_changed);
}

TEST_CASE("an unchanged configuration touches nobody") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.row(id).state == AgentState::online);
}

TEST_CASE("a configuration that cannot work leaves the old one in effect") {
  World world;
  world.start();
  auto broken = world.config;
  broken.templates.push_back(make_template("other"));
  broken.templates.back().cloud = CloudName("moon");
  broken.templates[0].labels = {"changed"};
  const auto status = world.run(world.fleet->apply_config(broken));
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Errc::invalid_argument);
  CHECK(status.error().field == "templates.other.cloud");
  CHECK(generation(world) == 1);
  world.submit("1", "linux");
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("new caps and templates take effect with the next plan") {
  World world;
  world.config.templates[0].limits.agents = 1;
  world.start();
  world.submit("1");
  world.submit("2");
  world.submit("3", "arm");
  CHECK(world.cloud.alive() == 1);
  world.config.templates[0].limits.agents = 0;
  world.config.templates.push_back(make_template("arm", {"arm"}));
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.cloud.alive() == 3);
}

TEST_CASE("two reloads at the same time: one after the other") {
  World world;
  world.start();
  auto first = world.config;
  first.templates[0].labels = {"first"};
  auto second = world.config;
  second.templates[0].labels = {"second"};
  auto a = world.begin(world.fleet->apply_config(first));
  auto b = world.begin(world.fleet->apply_config(second));
  world.settle();
  REQUIRE(a->has_value());
  REQUIRE(b->has_value());
  CHECK(generation(world) == 3);
  CHECK(world.fleet->list_clouds()[0].templates[0].labels == std::vector<std::string>{"second"});
}
