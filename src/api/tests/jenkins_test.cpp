// Each Jenkins that gets agents, as the API tells it.
#include <doctest/doctest.h>

#include "api/tests/scripted_desk.hpp"
#include "api/tests/world.hpp"

using namespace footman;
using namespace footman::api::testing;

namespace {

ports::SharedReason fleet_says(const std::string& text) {
  ports::WaitReason reason;
  reason.code = "launching";
  reason.text = text;
  reason.agent = AgentId("here-a");
  return std::make_shared<const ports::WaitReason>(std::move(reason));
}

}  // namespace

TEST_CASE("without a Jenkins the list is empty, and there is none by any name") {
  World world;
  CHECK(world.get("/api/v1/jenkins").json().at("jenkins").as_array().empty());
  CHECK(world.get("/api/v1/jenkins/ci").status == 404);
  CHECK(world.post("/api/v1/jenkins/ci/detach").status == 404);
}

TEST_CASE("what waits in a Jenkins, with both reasons, and its nodes") {
  World world;
  ScriptedDesk desk;
  desk.add_item("app #7", "wanted", "").reason = fleet_says("An agent is on its way.");
  desk.status.items.back().label = "linux";
  desk.add_item("odd", "not_served", "No template here has the label x.");
  ports::JenkinsNode node;
  node.name = "footman-here-a";
  node.agent = AgentId("here-a");
  node.state = "working";
  node.created = node.working_since = Instant{2'000'000};
  node.work = "app #7";
  node.build = "https://jenkins.example.com/job/app/7/";
  desk.status.nodes.push_back(node);
  desk.status.violations = {"a second one"};
  world.desk = &desk;
  world.restart_api();
  const auto listed = world.get("/api/v1/jenkins").json().at("jenkins").as_array();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("items").as_int64() == 2);
  CHECK(listed[0].at("violations").as_int64() == 1);
  const auto shown = world.get("/api/v1/jenkins/ci").json();
  CHECK(text_of(shown.at("jenkins").at("reach")) == "well");
  const auto& items = shown.at("items").as_array();
  CHECK(text_of(items.at(0).at("label")) == "linux");
  CHECK(text_of(items.at(0).at("reason").at("agent")) == "here-a");
  CHECK_FALSE(items.at(1).as_object().contains("label"));
  CHECK(text_of(items.at(1).at("text")) == "No template here has the label x.");
  CHECK(text_of(shown.at("nodes").at(0).at("build_url")) == node.build);
  CHECK(text_of(shown.at("violations").at(0)) == "a second one");
  CHECK(world.get("/api/v1/jenkins/other").status == 404);
}

TEST_CASE("a Jenkins is detached by who may change things") {
  World world;
  ScriptedDesk desk;
  world.desk = &desk;
  world.restart_api();
  CHECK(world.post("/api/v1/jenkins/other/detach").status == 404);
  CHECK_FALSE(desk.status.detached);
  CHECK(world.post("/api/v1/jenkins/ci/detach").json().at("removed").as_int64() == 4);
  CHECK(world.get("/api/v1/jenkins/ci").json().at("jenkins").at("detached").as_bool());
}

TEST_CASE("an agent is found by the name of its node, also when it is gone") {
  World world;
  ScriptedDesk desk;
  world.desk = &desk;
  world.restart_api();
  world.submit();
  auto worker = world.connect_worker();
  const auto node = "/api/v1/agents/footman-" + worker.id.str();
  CHECK(text_of(world.get(node).json().at("id")) == worker.id.str());
  world.finish(worker);
  worker.agent->close();
  world.advance(1min);
  const auto story = world.get(node + "/explain").json();
  CHECK(text_of(story.at("agent").at("state")) == "terminated");
  CHECK(!story.at("timeline").as_array().empty());
  CHECK(story.at("builds").as_array().size() == 1);
  CHECK(world.get("/api/v1/agents/footman-nobody").status == 404);
}

TEST_CASE("an agent is found by the name of its node, whatever sections there are") {
  World world;
  ScriptedDesk desk;
  world.submit();
  const auto worker = world.connect_worker();
  for (const std::string prefix :
       {"footman-eu-", "footman-", "ci_", "x", "a.prefix.of.exactly.forty.letters......-"}) {
    CAPTURE(prefix);
    for (auto* one : {&desk, static_cast<ScriptedDesk*>(nullptr)}) {
      world.desk = one;
      world.restart_api();
      CHECK(text_of(world.get("/api/v1/agents/" + (prefix + worker.id.str())).json().at("id")) ==
            worker.id.str());
    }
  }
  for (const auto& none :
       {worker.id.str() + "x", "footman-" + worker.id.str() + "-", std::string(41, 'x') + worker.id.str()})
    CHECK(world.get("/api/v1/agents/" + none).status == 404);
}
