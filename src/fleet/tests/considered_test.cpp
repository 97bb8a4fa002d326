// What templates say to an item whose agent is on its way.
#include "fleet/considered.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;

TEST_CASE("an item whose agent is on its way tells which templates were tried, also after a restart") {
  World world;
  world.config.templates.push_back(make_template("best"));
  world.config.templates.back().priority = 1;
  world.config.templates.back().limits.agents = 1;
  world.start();
  world.busy_agent("1");
  world.submit("2");
  const auto explain = [&](const char* key) { return world.fleet->explain(ControllerName("builtin"), key); };
  const auto check = [&] {
    const auto item = explain("2");
    REQUIRE(item);
    REQUIRE(item->considered.size() == 2);
    CHECK(item->considered[0].template_name.str() == "best");
    CHECK(item->considered[0].code == "template_cap");
    CHECK(item->considered[0].text.find("1 of 1 agents") != std::string::npos);
    CHECK(item->considered[1].template_name.str() == "small");
    CHECK(item->considered[1].code == "launching");
    CHECK(item->considered[1].text == item->reason.text);
    CHECK(item->considered[1].expected_at == item->reason.expected_at);
  };
  check();
  world.restart();
  check();

  world.config.templates.push_back(make_template("worst"));
  world.config.templates.back().priority = -1;
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  REQUIRE(explain("2")->considered.size() == 3);
  CHECK(explain("2")->considered[1].code == "launching");
  CHECK(explain("2")->considered[2].template_name.str() == "worst");
  CHECK(explain("2")->considered[2].code == "not_asked");
  CHECK(explain("2")->considered[2].text == "Template 'small' was chosen before it.");

  const auto agent = explain("2")->reason.agent;
  world.controller.withdraw("2");
  world.submit("3");  // the agent is there already: nothing was tried for this one
  const auto item = explain("3");
  REQUIRE(item);
  REQUIRE(item->considered.size() == 3);
  for (const std::size_t other : {0U, 2U}) {
    CHECK(item->considered[other].template_name.str() == (other == 0 ? "best" : "worst"));
    CHECK(item->considered[other].code == "not_needed");
    CHECK(item->considered[other].text ==
          "Agent " + agent.str() + " was there already: nothing had to be launched.");
  }
  CHECK(item->considered[1].template_name.str() == "small");
  CHECK(item->considered[1].code == "launching");
  CHECK(item->considered[1].text == item->reason.text);
}

TEST_CASE("of many templates the best are told, and always that of the agent") {
  std::vector<policy::Template> templates(kConsideredKept + 20);
  std::vector<const policy::Template*> fitting;
  for (std::size_t i = 0; i < templates.size(); ++i) {
    templates[i].name = TemplateName("t" + std::to_string(i));
    fitting.push_back(&templates[i]);
  }
  model::Agent agent;
  agent.id = AgentId("a");
  ports::WaitReason reason;
  reason.code = "launching";
  for (const auto* name : {"t3", "t60", "gone"}) {
    CAPTURE(name);
    agent.template_name = TemplateName(name);
    const auto own = consider_own(agent, {}, reason, fitting);
    CHECK(own.size() == kConsideredKept + 1);
    CHECK(own.front().template_name == agent.template_name);
    CHECK(own.front().code == "launching");
    const auto other = consider_other(agent, reason, fitting);
    const bool is_among_best = agent.template_name == TemplateName("t3");
    CHECK(other.size() == kConsideredKept + (is_among_best ? 0 : 1));
    CHECK(other.at(is_among_best ? 3 : kConsideredKept).code == "launching");
  }
}
