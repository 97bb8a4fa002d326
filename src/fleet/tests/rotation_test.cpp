// A template with several variants: one that fails rests, the next one takes its place.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;

namespace {

struct Zones : World {
  Zones() {
    cloud.variants = {"/a-spot", "/b-spot", "/a"};
    start();
  }
  // How many live agents were launched so.
  auto alive(const std::string& variant) const {
    return std::ranges::count_if(cloud.resources, [&](const auto& one) {
      return one.second.resource.state != ports::ResourceState::gone &&
             one.second.spec.options.ends_with(variant);
    });
  }
  void submit_many(int first, int count) {
    for (int i = first; i < first + count; ++i) controller.submit(std::to_string(i), now());
    settle();
  }
  TemplateView view() const { return fleet->list_clouds()[0].templates[0]; }
};

}  // namespace

TEST_CASE("the best variant is launched as long as it can be had") {
  Zones world;
  world.submit_many(1, 5);
  CHECK(world.alive("/a-spot") == 5);
  REQUIRE(world.view().variants.size() == 3);
  CHECK(world.view().variants[1].name == "/b-spot");
  CHECK(!world.view().variants[0].rests_until.is_set());
}

TEST_CASE(
    "without capacity there, the items get agents of the next one at once, and nothing is launched twice") {
  Zones world;
  world.cloud.without_capacity = {"/a-spot"};
  world.submit_many(1, 10);
  CHECK(world.alive("/b-spot") == 10);
  CHECK(world.cloud.alive() == 10);
  CHECK(world.view().breaker.state == "closed");
  CHECK(world.view().variants[0].rests_until.is_set());
  CHECK(world.view().variants[0].reason == "no capacity here");

  // It is the first choice again once its rest is over.
  world.cloud.without_capacity.clear();
  world.advance(1min);
  CHECK(!world.view().variants[0].rests_until.is_set());
  world.submit_many(11, 1);
  CHECK(world.alive("/a-spot") == 1);
}

TEST_CASE(
    "no variant has capacity: each was asked once for this wave, then the breaker pauses the template") {
  Zones world;
  world.cloud.without_capacity = {"/a-spot", "/b-spot", "/a"};
  world.submit_many(1, 4);
  CHECK(world.cloud.launch_calls == 12);
  CHECK(world.view().breaker.state == "open");
  CHECK(world.controller.reasons.at("1").code == "template_open");
  world.advance(10min);
  CHECK(world.cloud.launch_calls < 40);  // never a hot loop
  world.cloud.without_capacity.clear();
  world.advance(10min);
  CHECK(world.cloud.alive() == 4);  // and never starving
}

TEST_CASE("machines that die at once in one zone: the next zone is tried") {
  Zones world;
  world.submit_many(1, 1);
  REQUIRE(world.alive("/a-spot") == 1);
  world.cloud.end(world.only_agent().client_token, {1, 0, false, "exit status 1"});
  world.provider->changed();
  world.settle();
  CHECK(world.alive("/a-spot") == 0);
  CHECK(world.alive("/b-spot") == 1);
}

TEST_CASE("a repeated launch keeps its variant: the request is frozen") {
  Zones world;
  world.cloud.script = {Launching::lost_answer};
  world.submit_many(1, 1);
  world.advance(1min);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(world.cloud.violations.empty());
}

TEST_CASE("another variant is another content: agents of the old one drain") {
  World world;
  world.start();
  const auto before = world.fleet->list_clouds()[0].templates[0].generation;
  world.cloud.variants = {"/a", "/b"};
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.fleet->list_clouds()[0].templates[0].generation == before + 1);
}
