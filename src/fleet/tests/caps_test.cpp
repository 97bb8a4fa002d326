// Limits of vCPU, memory and controllers hold over restarts and changes of templates.
#include <doctest/doctest.h>

#include <functional>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;

TEST_CASE("limits of vCPU hold within one plan, over restarts, and for agents of an older size") {
  World world;
  world.config.templates[0].size = {2000, 4ULL << 30};
  world.config.limits.milli_cpus = 5000;
  world.start();
  for (const auto* key : {"1", "2", "3"}) world.controller.submit(key, world.now(), {});
  world.settle();
  CHECK(world.cloud.launch_calls == 2);
  CHECK(world.controller.reasons.at("3").code == "vcpu_cap");
  CHECK(world.live_agents().at(0).size == model::AgentSize{2000, 4ULL << 30});
  CHECK(world.fleet->list_clouds()[0].templates[0].size.milli_cpus == 2000);

  world.restart();
  world.settle();
  CHECK(world.cloud.launch_calls == 2);
  CHECK(world.controller.reasons.at("3").code == "vcpu_cap");

  auto smaller = world.config;
  smaller.templates[0].size = {1000, 1ULL << 30};
  REQUIRE(world.run(world.fleet->apply_config(smaller)));
  CHECK(world.cloud.launch_calls == 3);                               // 2 + 2 + 1
  CHECK(world.fleet->list_clouds()[0].templates[0].generation == 1);  // the size is not content
  world.submit("4");
  CHECK(world.controller.reasons.at("4").code == "vcpu_cap");
}

TEST_CASE("an amount in a reason is true for all that share it, and nobody is told of it one by one") {
  World world;
  world.config.templates[0].size = {2000, 4ULL << 30};
  world.config.limits.milli_cpus = 3000;
  world.start();
  for (const auto* key : {"1", "2", "3"}) world.controller.submit(key, world.now(), {});
  world.settle();
  CHECK(world.controller.reasons.at("3").text.starts_with("2 vCPU of 3 vCPU of this server are taken"));
  const auto told = world.controller.reasons_told;
  const auto plans = world.changes.last();
  world.config.limits.milli_cpus = 2000;
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  for (const auto* key : {"2", "3"}) {
    const auto text = world.controller.reasons.at(key).text;
    CHECK(text.starts_with("2 vCPU of 2 vCPU of this server are taken"));
    const auto item = world.fleet->explain(ControllerName("builtin"), key);
    CHECK(item->reason.text == text);
    CHECK(item->considered.at(0).text == text);
  }
  CHECK(world.controller.reasons_told == told);
  CHECK(world.changes.last() > plans);  // who shows it looks again
  world.submit("4");
  CHECK(world.controller.reasons.at("4").text == world.controller.reasons.at("3").text);
}

TEST_CASE("memory of one cloud and agents for one controller are limited") {
  World world;
  const auto cloud = world.config.templates[0].cloud;
  world.config.templates[0].size = {0, 4ULL << 30};
  world.config.cloud_limits[cloud].memory_bytes = 4ULL << 30;
  world.start();
  world.submit("1");
  world.submit("2");
  CHECK(world.controller.reasons.at("2").code == "cloud_memory_cap");
  auto config = world.config;
  config.cloud_limits.clear();
  config.controller_limits[world.controller.name()].agents = 1;
  REQUIRE(world.run(world.fleet->apply_config(config)));
  CHECK(world.controller.reasons.at("2").code == "controller_cap");
  config.controller_limits.clear();
  REQUIRE(world.run(world.fleet->apply_config(config)));
  CHECK(world.cloud.launch_calls == 2);
}
TEST_CASE("sizes and money are limited by template, label and controller, over restarts too") {
  World world;
  world.config.templates[0].size = {2000, 4ULL << 30};
  world.config.templates[0].price.per_hour = model::Money{400'000};
  const auto code = [&](const std::function<void(FleetConfig&)>& limit) {
    auto config = world.config;
    limit(config);
    REQUIRE(world.run(world.fleet->apply_config(config)));
    return world.controller.reasons.at("2").code;
  };
  auto& label = world.config.label_limits["linux"];
  label.milli_cpus = 3000;
  world.start();
  world.submit("1");
  world.submit("2");
  CHECK(world.controller.reasons.at("2").code == "label_vcpu_cap");
  world.restart();
  world.settle();
  CHECK(world.controller.reasons.at("2").code == "label_vcpu_cap");
  label = {};
  const auto name = world.controller.name();
  const model::Money one_only{500'000};
  CHECK(code([](auto& c) { c.templates[0].limits.memory_bytes = 7ULL << 30; }) == "template_memory_cap");
  CHECK(code([&](auto& c) { c.templates[0].limits.budget.per_hour = one_only; }) == "template_hour_budget");
  CHECK(code([&](auto& c) { c.label_limits["linux"].budget.per_day = model::Money{150'000}; }) ==
        "label_day_budget");
  CHECK(code([&](auto& c) { c.controller_limits[name].milli_cpus = 3000; }) == "controller_vcpu_cap");
  CHECK(code([&](auto& c) { c.controller_limits[name].budget.per_hour = one_only; }) ==
        "controller_hour_budget");
  CHECK(world.cloud.launch_calls == 1);
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("resources without a live row count in the caps of their cloud and of all while they live") {
  for (const bool is_known : {false, true})  // by a row that says that it has ended, or by nobody
    for (const bool of_all : {false, true}) {
      CAPTURE(is_known);
      CAPTURE(of_all);
      World world;
      world.start();
      const auto before = world.busy_agent("1");
      const auto token = world.row(before).client_token;
      auto held = world.cloud.resources.at(token);
      world.controller.finish(before, world.now());
      world.advance(10min);
      REQUIRE(world.cloud.alive() == 0);
      if (!is_known) {
        held.spec.agent = held.resource.agent = AgentId("stray");
        held.spec.client_token = held.resource.client_token = "stray-1";
        held.resource.handle = "i-stray-1";
      }
      world.cloud.resources[held.resource.client_token] =
          held;  // the cloud had lied of the one that is known
      world.cloud.stop_takes = 3min;
      world.cloud.terminate_works = false;
      world.provider->changed();
      world.settle();
      auto config = world.config;
      (of_all ? config.limits : config.cloud_limits[CloudName("cloud")]).agents = 1;
      REQUIRE(world.run(world.fleet->apply_config(config)));
      world.submit("2");
      const auto& reason = world.controller.reasons.at("2");
      CHECK(reason.code == (of_all ? "global_cap" : "cloud_cap"));
      CHECK(reason.text.ends_with(" exist, 1 of them without a record"));
      CHECK(world.cloud.launch_calls == 1);
      world.cloud.terminate_works = true;
      world.advance(1min);
      CHECK(world.cloud.launch_calls == 1);  // it is ending
      world.advance(5min);
      CHECK(world.cloud.launch_calls == 2);
      CHECK(world.cloud.most_alive == 1);
    }
}

TEST_CASE("without a record they count in the caps of a template that a reload brings back after the list") {
  World world;
  world.config.templates[0].limits.agents = 1;
  world.start();
  const auto before = world.busy_agent("1");
  auto lost = world.cloud.resources.at(world.row(before).client_token);
  world.controller.finish(before, world.now());
  world.advance(10min);
  lost.spec.agent = lost.resource.agent = AgentId("stray");
  lost.spec.client_token = lost.resource.client_token = "stray-1";
  lost.resource.handle = "i-stray-1";
  lost.resource.template_name = world.config.templates[0].name;
  world.cloud.resources["stray-1"] = lost;
  world.cloud.terminate_works = false;
  auto without = world.config;
  without.templates.clear();
  REQUIRE(world.run(world.fleet->apply_config(without)));
  world.provider->changed();
  world.settle();
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.submit("2");
  CHECK(world.controller.reasons.at("2").code == "template_cap");
  CHECK(world.cloud.launch_calls == 1);
}

TEST_CASE("of a resource whose row has ended the size is known and counts") {
  World world;
  world.config.templates[0].size = {2000, 4ULL << 30};
  world.config.limits.milli_cpus = 3000;
  world.cloud.stop_takes = 10s;
  world.start();
  const auto before = world.busy_agent("1");
  world.controller.finish(before, world.now());
  world.advance(1min);
  auto& held = world.cloud.resources.at(world.row(before).client_token);
  held.resource.state = ports::ResourceState::running;
  held.stopping.reset();
  world.provider->changed();
  world.settle();
  world.submit("2");
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "vcpu_cap");
  CHECK(world.controller.reasons.at("2").text.find("2 vCPU of it by agents without a record") !=
        std::string::npos);
  world.advance(5min);
  CHECK(world.cloud.launch_calls == 2);
}
