// Agents that Jenkins does not show: away, or hidden from a user who lacks the right Agent/Connect.
#include <doctest/doctest.h>

#include "jenkins/tests/fake_world.hpp"
#include "jenkins/tests/life.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

struct Scene {
  Scene() {
    world.add_freestyle("app", "linux", std::nullopt);
    world.add_pipeline("pipe", {"linux"}, std::nullopt);
  }
  void start_builds() {
    world.start();
    world.run(10s);
    world.trigger("app");
    world.trigger("pipe");
    REQUIRE(world.run_until([&] { return world.builds.size() == 2; }));
    world.run(5s);
  }
  void take_right() {
    auto rights = FakeJenkins::least_rights();
    rights.erase(Right::agent_connect);
    rights.erase(Right::agent_disconnect);  // which implies it
    world.jenkins->set_rights("scaler", rights);
  }
  void give_right() { world.jenkins->set_rights("scaler", FakeJenkins::least_rights()); }
  // It is there no more, and no cloud tells.
  void silence(const AgentId& id) {
    auto& machine = world.machines.at(id);
    machine.secret.clear();
    world.jenkins->disconnect_agent(machine.connection, world.now());
  }
  bool tells_right() const {
    return world.controller->trouble().contains(
        "scaler is missing the permission hudson.model.Computer.Connect");
  }
  AgentActivity activity(std::size_t build) const {
    return world.controller->observe_agent(world.builds[build].agent).activity;
  }

  FakeWorld world;
};

}  // namespace

TEST_CASE("without Agent/Connect no agent counts as lost, and that is told at once") {
  Scene scene;
  auto& world = scene.world;
  scene.start_builds();
  scene.take_right();
  world.run(5s);
  CHECK(scene.tells_right());
  world.run(kResumePatience * 3);
  CHECK(scene.tells_right());
  CHECK(scene.activity(0) == AgentActivity::busy);
  CHECK(scene.activity(1) == AgentActivity::busy);
  SUBCASE("with the right back all goes on") { scene.give_right(); }
  SUBCASE("a server that starts meanwhile concludes nothing either") {
    world.restart();
    world.run(kResumePatience * 2);
    CHECK(scene.tells_right());
    scene.give_right();
  }
  world.run(kAskAgain * 2);
  CHECK(world.controller->trouble() == "");
  world.jenkins->finish("app", 1, BuildResult::success, world.now());
  world.jenkins->finish("pipe", 1, BuildResult::success, world.now());
  CHECK(world.run_until([&] { return is_quiet(world); }));
  check_clean(world);
}

TEST_CASE("an agent that died while it could not be seen is found to be away when it can be seen again") {
  Scene scene;
  auto& world = scene.world;
  scene.start_builds();
  scene.take_right();
  world.run(1min);
  const auto pipe = world.builds[0].title.starts_with("pipe") ? 0U : 1U;
  const auto id = world.builds[pipe].agent;
  scene.silence(id);
  world.run(2min);
  CHECK(scene.activity(pipe) == AgentActivity::busy);
  scene.give_right();
  world.run(2min);
  CHECK(scene.activity(pipe) == AgentActivity::disconnected);
  CHECK(scene.activity(1 - pipe) == AgentActivity::busy);
  CHECK(world.run_until([&] { return !world.agents.contains(id); }, kResumePatience));  // its run gave up
}

TEST_CASE("an agent whose silence cannot be asked about is given up in the end") {
  Scene scene;
  auto& world = scene.world;
  scene.start_builds();
  world.transport->edit = [](const std::string& path, Answer& answer) {
    if (path.contains(".jnlp")) answer.status = 500;
  };
  const auto pipe = world.builds[0].title.starts_with("pipe") ? 0U : 1U;
  const auto id = world.builds[pipe].agent;
  scene.silence(id);
  world.run(kUnclearMost - 10s);
  CHECK(scene.activity(pipe) == AgentActivity::busy);
  CHECK(world.run_until([&] { return !world.agents.contains(id); }, kResumePatience + 30s));
}

TEST_CASE("an idle agent that is kept is there still when it can be seen again") {
  Scene scene;
  auto& world = scene.world;
  world.max_builds = 5;
  scene.start_builds();
  world.jenkins->finish("app", 1, BuildResult::success, world.now());
  world.run(5s);
  const auto app = world.builds[0].title.starts_with("app") ? 0U : 1U;
  REQUIRE(scene.activity(app) == AgentActivity::idle);
  scene.take_right();
  world.run(kSilence * 3);
  CHECK(scene.activity(app) == AgentActivity::idle);
  CHECK(scene.tells_right());
  scene.give_right();
  world.run(kAskAgain * 2);
  CHECK(scene.activity(app) == AgentActivity::idle);
  scene.silence(world.builds[app].agent);
  world.run(kSilence - 10s);
  CHECK(scene.activity(app) == AgentActivity::disconnected);
  CHECK(world.run_until([&] { return !world.agents.contains(world.builds[app].agent); }, 20s));
}

TEST_CASE("while nobody can say whether agents are away, nothing is concluded from a free executor") {
  Life life;
  life.work();
  life.disconnect();
  life.end();
  life.silence = Silence::unclear;
  life.now = life.now + 1h;
  life.look();
  CHECK(life.activity() == AgentActivity::busy);
  SUBCASE("it was lost with its build") {
    life.silence = Silence::away;
    life.look();
    CHECK(life.activity() == AgentActivity::lost);
  }
  SUBCASE("it is hidden, and its build is over") {
    life.silence = Silence::hidden;
    life.look();
    CHECK(life.activity() == AgentActivity::done);
  }
}
