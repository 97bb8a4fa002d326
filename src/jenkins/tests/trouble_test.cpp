// JenkinsController against the strict double: what Jenkins shows in part, and what others leave there.
#include <doctest/doctest.h>

#include <utility>

#include "jenkins/survey.hpp"
#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

TEST_CASE("a list that is not whole ends no build; nor does one that lacks the node alone") {
  const std::string built_in =
      R"({"_class":"hudson.model.Hudson$MasterComputer","displayName":"Built-In Node","offline":false})";
  struct Row {
    std::string list;
    const char* told;
  };
  const Row rows[] = {{"", "the built-in node is missing"},
                      {built_in + R"(,{"displayName":"footman-a1"})", "no name or state"},
                      {built_in, ""}};
  FakeWorld world;
  world.add_freestyle("app", "linux", std::nullopt);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.builds.size() == 1; }));
  for (const auto& row : rows) {
    CAPTURE(row.list);
    int asked = 0;
    world.transport->edit = [&](const std::string& path, Answer& answer) {
      if (path.starts_with("/computer/api/json")) answer.body = R"({"computer":[)" + row.list + "]}";
      if (path.starts_with("/computer/" + world.builds[0].node + "/api/json")) ++asked;
    };
    world.run(20s);
    CHECK(world.controller->trouble().contains(row.told));
    CHECK(world.controller->observe_agent(world.builds[0].agent).activity == AgentActivity::busy);
    CHECK(asked <= 5);  // a few calls, not one with each look
    world.transport->edit = {};
    world.run(10s);
  }
  CHECK(world.builds.size() == 1);
  CHECK(world.controller->trouble().empty());
}

TEST_CASE("a token that was written anew is used as soon as the old one is not taken") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  world.new_token = world.settings.token;
  world.jenkins->set_token("scaler", "another");
  world.run(5s);
  CHECK(world.controller->trouble().contains("401"));
  world.new_token = Secret();
  world.run(10s);
  CHECK_FALSE(world.controller->trouble().empty());
  world.new_token = Secret("another");
  world.run(10s);
  CHECK(world.controller->trouble() == "");
}

TEST_CASE("the node of an examination that was killed goes; one that is under way has its time") {
  FakeWorld world;
  world.start();
  world.run(10s);
  const Requests requests(world.settings.user, world.settings.token);
  const auto make = [&](const std::string& name, const std::string& description) {
    const auto answer =
        world.wait(world.transport->send(requests.create_node({name, description, {}, "/x", false, true})));
    REQUIRE(answer->status == 302);
    (void)world.wait(world.transport->send(requests.toggle(name, {})));
  };
  const auto is_there = [&](const std::string& name) { return world.jenkins->computers().contains(name); };
  const auto probe = probe_name(world.settings.prefix, "x1");
  make(probe, std::string(kProbeText));
  make(probe_name(world.settings.prefix, "x2"), "somebody else's");
  world.run(kProbeTime / 2);
  CHECK(is_there(probe));
  world.run(kProbeTime);
  CHECK_FALSE(is_there(probe));
  CHECK(is_there(probe_name(world.settings.prefix, "x2")));
}

TEST_CASE("after a call that took its whole time for nothing, the next one comes soon") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  world.jenkins->add_fault({Fault::Kind::slow, {}, "/queue/api", 1, 0, 30s});
  world.run(1s);
  bool failed = false;
  world.transport->edit = [&](const std::string& path, Answer& answer) {
    if (path.starts_with("/queue/api") && !std::exchange(failed, true)) answer.status = 502;
  };
  REQUIRE(world.run_until([&] { return failed; }, 40s));
  world.run(100ms);
  CHECK(!world.controller->trouble().empty());
  world.run(10s);
  CHECK(world.controller->trouble() == "");
}

TEST_CASE("a build is over when it is seen to be, also while its node cannot be held") {
  FakeWorld world;
  world.add_freestyle("app", "linux", 2s);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.controller->overview().has_exposed(); }));
  auto rights = FakeJenkins::least_rights();
  rights.erase(Right::agent_disconnect);
  world.jenkins->set_rights("scaler", rights);
  REQUIRE(world.run_until([&] { return world.is_over("app"); }));
  world.run(35s);
  CHECK_FALSE(world.agent_nodes().empty());  // another build may come to it at any moment
  REQUIRE(world.builds.size() == 2);
  const auto& over = world.builds[1];
  CHECK(over.ended - over.started < 4s);
  CHECK(world.results == std::map<std::string, std::string>{{"app #1", "SUCCESS"}});
  world.jenkins->set_rights("scaler", FakeJenkins::least_rights());
  REQUIRE(world.run_until([&] { return is_quiet(world); }));
  CHECK(world.builds.size() == 2);
  check_clean(world);
}

TEST_CASE("an idle node without a record that is open is held before it is deleted") {
  FakeWorld world;
  world.add_freestyle("app", "linux", 10s);
  world.start();
  world.run(10s);
  const Requests requests("scaler", Secret("scaler-token"));
  const std::string name = "footman-lost";
  REQUIRE(world.wait(world.transport->send(
      requests.create_node({name, "Agent lost (Footman installation i1)", {"linux"}, "/x", false, false}))));
  bool was_held = false;
  REQUIRE(world.run_until([&] {
    const auto& computers = world.jenkins->computers();
    const auto it = computers.find(name);
    if (it != computers.end() && it->second.held) was_held = true;
    return it == computers.end();
  }));
  CHECK(was_held);
}

TEST_CASE("a build of an agent without a record, as of a section of another name, is seen until it is over") {
  FakeWorld world;
  bool has_other_prefix = false;
  SUBCASE("with the same prefix") {}
  SUBCASE("with another prefix, too") { has_other_prefix = true; }
  world.add_freestyle("app", "linux", std::nullopt);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.builds.size() == 1; }));
  const auto id = world.builds[0].agent;
  CHECK_FALSE(world.controller->sees_at_work(id));  // it is its own
  world.has_fleet = false;
  world.crash();
  world.book.records.clear();
  if (has_other_prefix) {
    world.former_prefixes = {"older-", world.settings.prefix};
    world.settings.prefix = "jenk-";
  }
  world.start();
  world.run(10s);
  CHECK(world.controller->sees_at_work(id));
  world.jenkins->finish("app", 1, BuildResult::success, world.now());
  CHECK(world.run_until([&] { return !world.controller->sees_at_work(id) && world.agent_nodes().empty(); }));
  check_clean(world);
}

TEST_CASE("answers without a session are told: a restart of Jenkins is not noticed by them") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  CHECK(world.controller->status().trouble.empty());
  world.transport->edit = [](const std::string&, Answer& answer) {
    answer.headers.set("X-Jenkins-Session", "");
  };
  CHECK(world.run_until([&] { return world.controller->status().trouble.contains("X-Jenkins-Session"); }));
  world.trigger("app");
  CHECK(world.run_until([&] { return world.builds.size() == 1; }));
  world.transport->edit = nullptr;
  CHECK(world.run_until([&] { return world.controller->status().trouble.empty(); }));
}
