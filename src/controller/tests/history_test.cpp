// What the history of a build that waits keeps of what the fleet says.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/tests/world.hpp"

using namespace footman;
using namespace footman::controller;
using namespace footman::controller::testing;

namespace {

ports::SharedReason history_reason(ports::WaitReason reason) {
  return std::make_shared<const ports::WaitReason>(std::move(reason));
}

}  // namespace

TEST_CASE("the history of a build tells what the fleet said of it, not how often") {
  World world;
  const auto build = world.submit("linux");
  const auto say = [&](const std::string& code, const std::string& text, const std::string& agent) {
    world.controller->set_wait_reason("1", history_reason({code, text, AgentId(agent), {}, {}}));
    world.settle();
  };
  say("template_cap", "1 of 2 agents exist", "");
  say("template_cap", "2 of 2 agents exist", "");
  say("launching", "agent a is planned", "a");
  say("launching", "agent a is being launched", "a");
  say("launching", "agent b is planned", "b");
  std::vector<std::string> told;
  for (const auto& line : world.run(world.controller->explain_build(build))->timeline)
    if (line.kind == "held" || line.kind == "agent_planned") told.push_back(line.kind + ": " + line.text);
  CHECK(told == std::vector<std::string>{"held: 1 of 2 agents exist", "agent_planned: agent a is planned",
                                         "agent_planned: agent b is planned"});
}

TEST_CASE("agents that are tried for other builds do not fill the history of one that waits") {
  World world;
  const auto build = world.submit("linux");
  for (int i = 0; i < 20; ++i)
    for (const auto* code : {"template_open", "template_half_open"}) {
      world.controller->set_wait_reason("1", history_reason({code, code, {}, {}, {}}));
      world.settle();
    }
  const auto timeline = world.run(world.controller->explain_build(build))->timeline;
  CHECK(std::ranges::count(timeline, "held", &footman::model::TimelineEntry::kind) == 1);
  CHECK(world.controller->queue().at(0).reason.code == "template_half_open");
}
