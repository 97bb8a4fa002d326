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
  explicit Zones(bool starts = true) {
    cloud.variants = {"/a-spot", "/b-spot", "/a"};
    if (starts) start();
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

constexpr model::Money cents(std::int64_t count) { return {count * 10'000}; }

// One that is small and cheap, as the template says, and one that is large and dear.
struct Sizes : Zones {
  Sizes() : Zones(false) {
    cloud.variants = {"/spot", "/large"};
    cloud.sizes["/large"] = {4000, 8ULL << 30};
    cloud.prices["/large"] = {cents(40), {.minimum = 1min}};
    config.templates[0].size = {2000, 4ULL << 30};
    config.templates[0].price.per_hour = cents(10);
  }
  void fail_spot() { cloud.without_capacity = {"/spot"}; }
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

TEST_CASE("a machine was taken back: what is launched in its place is none that may be") {
  Zones world(false);
  world.cloud.spot = {"/a-spot", "/b-spot"};
  world.start();
  const auto id = world.busy_agent("1");
  REQUIRE(world.alive("/a-spot") == 1);
  const auto token = world.row(id).client_token;
  const std::string text = "the spot capacity was taken back";
  const auto take_back = [&] {
    world.cloud.end(token, {std::nullopt, 15, false, text});
    world.cloud.resources.at(token).resource.reclaimed = true;
  };
  SUBCASE("the agent tells it first") {
    world.controller.say(id, ports::AgentActivity::done, model::EndReason::notice, text);
    world.submit_many(2, 1);
    CHECK(world.alive("/a") == 1);
    world.controller.items.clear();
    return;
  }
  take_back();
  SUBCASE("the list tells it") { world.controller.say(id, ports::AgentActivity::disconnected); }
  SUBCASE("the agent had a notice and has left, and the answer to the end of its resource tells it") {
    world.cloud.lists = false;
    world.controller.say(id, ports::AgentActivity::done);
  }
  world.provider->changed();
  world.settle();
  REQUIRE(world.row(id).state == model::AgentState::terminated);
  world.submit_many(2, 1);
  CHECK(world.alive("/a") == 1);
  CHECK(world.view().breaker.state == "closed");
  CHECK(world.view().variants[1].reason == text);
  world.cloud.lists = true;
  world.advance(1min);
  world.submit_many(3, 1);
  CHECK(world.alive("/a-spot") == 1);
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

TEST_CASE("a limit of vCPU counts the variant that is launched") {
  Sizes world;
  world.config.limits.milli_cpus = 5000;
  world.fail_spot();
  world.start();
  world.submit_many(1, 2);
  CHECK(world.alive("/large") == 1);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.only_agent().size == model::AgentSize{4000, 8ULL << 30});
  const auto rests_until = world.view().variants[0].rests_until;
  const auto& reason = world.controller.reasons.at("2");
  CHECK(reason.code == "vcpu_cap");
  CHECK(reason.text.find("4 vCPU of 5 vCPU of this server are taken, and an agent of template 'small' needs "
                         "4 vCPU") != std::string::npos);
  CHECK(reason.look_again == rests_until);

  // From then on a smaller one is offered, which does not fit beside it either; both do without it.
  world.cloud.without_capacity.clear();
  world.advance(rests_until - world.now());
  CHECK(world.controller.reasons.at("2").text.find("needs 2 vCPU") != std::string::npos);
  CHECK(!world.controller.reasons.at("2").look_again.is_set());
  for (int i = 0; i < 3; ++i) {  // it connects, works, has finished
    world.play_agents();
    world.settle();
  }
  world.submit_many(3, 2);
  CHECK(world.alive("/spot") == 2);
  CHECK(world.controller.reasons.at("4").code == "vcpu_cap");
}

TEST_CASE("a budget of the hour counts the price of the variant that is launched, and so do costs") {
  Sizes world;
  world.config.limits.budget.per_hour = cents(50);
  world.start();
  world.submit_many(1, 3);
  CHECK(world.alive("/spot") == 3);
  CHECK(world.view().variants[1].price.per_hour == cents(40));
  CHECK(world.view().variants[1].size.milli_cpus == 4000);
  world.fail_spot();
  world.submit_many(4, 1);
  CHECK(world.cloud.alive() == 3);
  CHECK(world.controller.reasons.at("4").code == "hour_budget");
  CHECK(world.controller.reasons.at("4").text.find("one of template 'small' costs $0.40/h") !=
        std::string::npos);

  world.restart();
  world.fail_spot();
  world.settle();
  CHECK(world.cloud.alive() == 3);
}

TEST_CASE("a variant that no limit ever admits is left out, whichever it is") {
  Sizes world;
  world.config.limits.milli_cpus = 3000;
  world.fail_spot();
  world.start();
  CHECK(world.view().variants.empty());  // it has one form only
  world.submit_many(1, 1);
  CHECK(world.controller.reasons.at("1").code == "template_open");
  CHECK(world.cloud.launch_calls == 1);

  // With another limit it is there again, and what was known of the first one still counts.
  auto more = world.config;
  more.limits.milli_cpus = 4000;
  more.limits.budget.per_hour = cents(40);
  const auto generation = world.view().generation;
  REQUIRE(world.run(world.fleet->apply_config(more)));
  CHECK(world.view().generation == generation);
  REQUIRE(world.view().variants.size() == 2);
  CHECK(world.view().variants[0].rests_until.is_set());
}

TEST_CASE("a best variant that never fits does not keep the others from being launched") {
  Sizes world;
  world.cloud.variants = {"/large", "/spot"};
  SUBCASE("by its size") { world.config.limits.memory_bytes = 4ULL << 30; }
  SUBCASE("by its price") { world.config.limits.budget.per_hour = cents(20); }
  SUBCASE("by what is reserved of a day") {
    world.config.cloud_limits[CloudName("cloud")].budget.per_day = cents(9);
  }
  world.start();
  world.submit_many(1, 1);
  CHECK(world.alive("/spot") == 1);
}

TEST_CASE("a best variant that never fits the limits of one controller does not keep its items waiting") {
  ScriptedController other{ControllerName("other")};
  Sizes world;
  world.others = {&other};
  world.cloud.variants = {"/large", "/spot"};
  SUBCASE("but for a smaller one") {
    SUBCASE("the first") { world.config.controller_limits[world.controller.name()].milli_cpus = 3000; }
    SUBCASE("the other") { world.config.controller_limits[other.name()].milli_cpus = 3000; }
    world.start();
    world.submit_many(1, 1);
    other.submit("1", world.now());
    world.settle();
    CHECK(world.alive("/spot") == 2);
  }
  SUBCASE("a controller that none fits takes nothing from the others") {
    world.config.controller_limits[other.name()].milli_cpus = 1000;
    world.start();
    world.submit_many(1, 1);
    CHECK(world.alive("/large") == 1);
    other.submit("1", world.now());
    world.settle();
    CHECK(other.reasons.at("1").code == "controller_vcpu_cap");
  }
}

TEST_CASE("where no variant ever fits it is told why") {
  Sizes world;
  world.config.limits.milli_cpus = 1000;
  world.start();
  world.submit_many(1, 1);
  CHECK(world.controller.reasons.at("1").text.find("needs 2 vCPU, more than all 1 vCPU of this server: until "
                                                   "the configuration changes") != std::string::npos);
}

TEST_CASE("an agent costs what its variant does") {
  Sizes world;
  world.fail_spot();
  world.start();
  const auto agent = world.busy_agent("1");
  CHECK(world.row(agent).price == model::Price{cents(40), {.minimum = 1min}});
  world.advance(30min);
  world.controller.finish(agent, world.now());
  world.settle();
  CHECK(world.row(agent).cost.total() >= cents(20));
  CHECK(world.row(agent).cost.total() < cents(21));
}
