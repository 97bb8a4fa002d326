// Several controllers at once: each has its own items, agents and caps, and its own troubles.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;

namespace {

struct TwoControllers {
  ScriptedController other{ControllerName("other")};
  World world;
  ScriptedController& first = world.controller;

  TwoControllers() { world.others = {&other}; }

  void submit(ScriptedController& controller, const std::string& key) {
    controller.submit(key, world.now());
    world.settle();
  }
  std::vector<model::Agent> agents_of(const ScriptedController& controller) const {
    auto all = world.live_agents();
    std::erase_if(all, [&](const model::Agent& one) { return one.controller != controller.name(); });
    return all;
  }
  AgentId agent_of(const ScriptedController& controller) const {
    const auto all = agents_of(controller);
    REQUIRE(all.size() == 1);
    return all.front().id;
  }
  // Launched for the item, connected and at work on it.
  AgentId busy_agent(ScriptedController& controller, const std::string& key) {
    submit(controller, key);
    auto all = agents_of(controller);
    std::erase_if(all, [&](const model::Agent& one) { return one.for_item != key; });
    REQUIRE(all.size() == 1);
    const auto id = all.front().id;
    controller.connect(id, world.now());
    controller.work(id, key);
    world.settle();
    return id;
  }
};

}  // namespace

TEST_CASE("the same key at two controllers is two items, and each agent is introduced to its own alone") {
  TwoControllers two;
  two.world.start();
  two.submit(two.first, "1");
  two.submit(two.other, "1");
  CHECK(two.world.cloud.launch_calls == 2);
  const auto of_first = two.agent_of(two.first);
  const auto of_other = two.agent_of(two.other);
  CHECK(two.first.nodes.contains(of_first));
  CHECK_FALSE(two.first.nodes.contains(of_other));
  CHECK(two.other.nodes.contains(of_other));
  CHECK(two.first.reasons.at("1").agent == of_first);
  CHECK(two.other.reasons.at("1").agent == of_other);
  CHECK(two.world.fleet->explain(two.first.name(), "1")->reason.agent == of_first);
  CHECK(two.world.fleet->explain(two.other.name(), "1")->reason.agent == of_other);
  CHECK_FALSE(two.world.fleet->explain(ControllerName("third"), "1"));

  two.world.restart();
  two.world.settle();
  CHECK(two.world.cloud.launch_calls == 2);
  CHECK(two.agent_of(two.first) == of_first);
  CHECK(two.agent_of(two.other) == of_other);
}

TEST_CASE("an agent that one controller needs no longer is not given to the other's item") {
  TwoControllers two;
  SUBCASE("on its way, for one build") {
    two.world.start();
    two.submit(two.first, "1");
    const auto id = two.agent_of(two.first);
    two.first.withdraw("1");
    two.submit(two.other, "2");
    CHECK(two.world.row(id).end_reason == EndReason::surplus);
  }
  SUBCASE("idle, and kept") {
    two.world.config.templates[0].max_builds = 0;
    two.world.config.templates[0].idle_timeout = 10min;
    two.world.start();
    const auto id = two.busy_agent(two.first, "1");
    two.first.finish(id, two.world.now());
    two.submit(two.other, "2");
    CHECK(two.world.row(id).state == AgentState::online);
    two.submit(two.first, "3");
    CHECK(two.first.reasons.at("3").agent == id);
  }
  CHECK(two.world.cloud.launch_calls == 2);
  CHECK(two.other.reasons.at("2").agent == two.agent_of(two.other));
}

TEST_CASE("a cap of one controller holds its launches alone") {
  TwoControllers two;
  two.world.config.controller_limits[two.other.name()].agents = 1;
  two.world.start();
  for (const auto* key : {"1", "2"}) {
    two.first.submit(key, two.world.now());
    two.other.submit(key, two.world.now());
  }
  two.world.settle();
  CHECK(two.agents_of(two.first).size() == 2);
  const auto id = two.agent_of(two.other);
  CHECK(two.other.reasons.at("2").code == "controller_cap");
  two.other.connect(id, two.world.now());
  two.other.work(id, "1");
  two.other.finish(id, two.world.now());
  two.world.settle();
  CHECK(two.other.reasons.at("2").agent == two.agent_of(two.other));
}

TEST_CASE("a controller that names templates gets agents of no others; their pools are made for it") {
  TwoControllers two;
  auto& templates = two.world.config.templates;
  auto spare = templates[0];
  spare.name = TemplateName("spare");
  spare.priority = 1;  // taken first by whoever may
  templates.push_back(spare);
  const auto template_of = [&](const ScriptedController& controller) {
    return two.world.row(two.agent_of(controller)).template_name;
  };
  SUBCASE("each gets what it may") {
    two.world.config.controller_templates[two.other.name()] = {templates[0].name};
    two.world.start();
    two.submit(two.first, "1");
    two.submit(two.other, "1");
    CHECK(template_of(two.first) == spare.name);
    CHECK(template_of(two.other) == templates[0].name);
  }
  SUBCASE("a pool") {
    templates.back().pool.size = {1, 0, 10};
    two.world.config.controller_templates[two.other.name()] = {spare.name};
    two.world.start();
    two.world.settle();
    CHECK(template_of(two.other) == spare.name);
    CHECK(two.agents_of(two.first).empty());
    two.other.takes = false;
    two.other.changed();
    two.world.settle();
    CHECK(two.agents_of(two.other).empty());
    CHECK(two.agents_of(two.first).empty());
  }
  SUBCASE("none that it could use") {
    templates.pop_back();
    two.world.config.controller_templates[two.other.name()] = {TemplateName("gone")};
    two.world.start();
    two.submit(two.other, "1");
    CHECK(two.agents_of(two.other).empty());
    CHECK(two.other.reasons.at("1").code == "no_default_template");
  }
}

TEST_CASE("a controller that goes silent harms nobody else's agents, and leaves none of its own behind") {
  TwoControllers two;
  two.world.start();
  const auto of_first = two.busy_agent(two.first, "1");
  const auto of_other = two.busy_agent(two.other, "1");
  two.other.hangs = true;
  two.submit(two.other, "2");  // its agent is planned, and nobody answers for it
  const auto calls = two.world.cloud.launch_calls;
  const auto second = two.busy_agent(two.first, "2");
  CHECK(two.world.cloud.launch_calls == calls + 1);
  two.first.finish(of_first, two.world.now());
  two.world.settle();
  CHECK(two.world.row(of_first).state == AgentState::terminated);
  CHECK(two.world.row(of_first).end_reason == EndReason::build_finished);
  CHECK(two.world.row(of_other).state == AgentState::online);

  SUBCASE("its agent's machine goes: it is ended, though nobody hears of it") {
    two.world.cloud.end(two.world.row(of_other).client_token, {{}, 0, false, "gone"});
    two.other.say(of_other, ports::AgentActivity::disconnected);
    two.world.provider->changed();
    two.world.advance(5min);
    CHECK(two.world.row(of_other).state == AgentState::failed);
    two.other.hangs = false;
    two.world.advance(5min);
    CHECK(two.world.row(of_other).state == AgentState::terminated);
    CHECK(two.other.removed.contains(of_other));
  }
  SUBCASE("it comes back: its own goes on") {
    two.other.hangs = false;
    two.world.advance(2min);
    CHECK(two.world.row(of_other).state == AgentState::online);
    CHECK(two.other.reasons.at("2").code == "launching");
    CHECK(two.agents_of(two.other).size() == 2);
  }
  CHECK(two.world.row(second).state == AgentState::online);
  CHECK(two.world.cloud.violations.empty());
}

TEST_CASE("a controller that is configured no longer: its agents end, the others' go on") {
  TwoControllers two;
  two.world.start();
  const auto of_first = two.busy_agent(two.first, "1");
  const auto at_work = two.busy_agent(two.other, "1");
  two.submit(two.other, "2");
  CHECK(two.world.cloud.alive() == 3);
  two.world.crash();
  two.world.others.clear();
  two.world.start();
  two.world.advance(two.world.config.orphan_timeout + 1min);
  CHECK(two.world.row(of_first).state == AgentState::online);
  CHECK(two.world.row(at_work).state == AgentState::terminated);
  CHECK(two.world.row(at_work).end_reason == EndReason::surplus);
  CHECK(two.agent_of(two.first) == of_first);
  CHECK(two.world.live_agents().size() == 1);
  CHECK(two.world.cloud.alive() == 1);
}

TEST_CASE("of a controller that tells which agents changed the others are not looked at, but now and then") {
  World world;
  world.controller.tells_news = true;
  world.start();
  std::vector<AgentId> ids;
  ids.reserve(20);
  for (int i = 0; i < 20; ++i) ids.push_back(world.busy_agent(std::to_string(i)));
  world.settle();
  world.controller.observe_calls = 0;
  world.controller.finish(ids[7], world.now());
  world.settle();
  CHECK(world.row(ids[7]).state == AgentState::terminated);
  CHECK(world.controller.observe_calls < 20);
  CHECK(world.controller.observe_calls > 0);

  auto& silent = world.controller.nodes.at(ids[3]).seen;  // nobody tells
  silent.activity = ports::AgentActivity::lost;
  world.submit("another");
  CHECK(world.row(ids[3]).state == AgentState::online);
  world.advance(kSweepEvery);
  CHECK(world.row(ids[3]).state == AgentState::terminated);
  CHECK(world.row(ids[3]).end_reason == EndReason::session_lost);
  CHECK(world.row(ids[4]).state == AgentState::online);
}

TEST_CASE("a restart looks at all agents, whatever the controller tells") {
  World world;
  world.controller.tells_news = true;
  world.start();
  const auto id = world.busy_agent("1");
  world.restart();
  world.settle();
  CHECK(world.fleet->find_agent(id)->observation.activity == ports::AgentActivity::busy);
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.row(id).state == AgentState::terminated);
}
