// Two sections of one configuration that are for the same Jenkins, by two addresses of it.
#include <doctest/doctest.h>

#include <algorithm>

#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

// "ci" is the world's, which has a fleet. "other" stands before it or behind it, reaches Jenkins by a way of
// its own, and launches nothing.
struct Twins {
  explicit Twins(bool other_is_first, std::optional<Duration> takes = 5s, const char* prefix = "footman-") {
    world.add_freestyle("app", "linux", takes);
    way.edit = [this](const std::string&, Answer& answer) {
      if (is_away) answer.status = 502;
      if (!session.empty()) answer.headers.set("X-Jenkins-Session", session);
    };
    world.sections = [this, other_is_first] {
      std::vector<const JenkinsController*> all{world.controller.get()};
      all.insert(other_is_first ? all.begin() : all.end(), other.get());
      return all;
    };
    auto settings = world.settings;
    settings.name = ControllerName("other");
    settings.url = "http://alias.example.test:8080/";
    settings.prefix = prefix;
    other = std::make_unique<JenkinsController>(world.parts(book, way), settings);
  }
  void start() {
    world.start();
    REQUIRE(world.wait(other->start()));
    world.run(10s);
  }
  bool is_twin() const { return other->trouble().starts_with("It is the same Jenkins as 'ci'"); }
  bool serves(const JenkinsController& one) const { return one.takes_agents() && one.status().tells_labels; }

  FakeWorld world;
  MemoryBook book;
  DoubleTransport way{*world.jenkins, world.clock};
  bool is_away = false;
  std::string session;  // instead of that of Jenkins
  std::unique_ptr<JenkinsController> other;
};

}  // namespace

TEST_CASE("of two sections for one Jenkins the later one serves nothing, and says so") {
  Twins twins(false);
  auto& world = twins.world;
  twins.start();
  CHECK(twins.is_twin());
  CHECK_FALSE(twins.other->takes_agents());
  CHECK(world.controller->trouble() == "");
  world.trigger("app");
  REQUIRE(world.run_until([&] {
    CHECK(twins.other->demand().empty());
    return world.is_over("app");
  }));
  CHECK(twins.other->status().items.empty());
  REQUIRE(world.run_until([&] { return is_quiet(world); }));
  CHECK(world.wait(twins.other->detach()) == 0);
  CHECK(world.placeholders_stand());
  check_clean(world);
}

TEST_CASE("a section that finds a Jenkins later than another one leaves it to that one") {
  Twins twins(true);
  auto& world = twins.world;
  twins.is_away = true;
  twins.start();
  REQUIRE(world.placeholders_stand());
  world.trigger("app");
  REQUIRE(world.run_until([&] { return !world.agent_nodes().empty(); }));
  twins.is_away = false;  // while the node is held, and its agent is on its way
  REQUIRE(world.run_until([&] { return twins.is_twin(); }));
  REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }));
  CHECK(world.launched_for.size() == 1);
  CHECK(world.placeholders_stand());
  CHECK(twins.book.records.empty());
  check_clean(world);
}

TEST_CASE("a Jenkins that never answers keeps those behind it waiting for a moment only") {
  Twins twins(true);
  twins.way.latency = 24h;
  twins.world.start();
  REQUIRE(twins.world.wait(twins.other->start()));
  CHECK(twins.world.run_until([&] { return twins.serves(*twins.world.controller); }, 10s));
}

TEST_CASE("a section that leaves the configuration leaves its Jenkins to its twin, and keeps its nodes") {
  for (const auto* prefix : {"footman-", "agents-"}) {
    CAPTURE(prefix);
    Twins twins(false, std::nullopt, prefix);
    auto& world = twins.world;
    twins.start();
    world.trigger("app");
    REQUIRE(world.run_until([&] { return world.builds.size() == 1; }));
    const auto agent = world.builds[0].agent;
    world.controller->leave();
    REQUIRE(world.run_until([&] { return twins.serves(*twins.other); }));
    CHECK(twins.other->trouble() == "");
    CHECK(world.controller->trouble() == "");
    world.run(20s);
    CHECK(world.jenkins->computers().contains("footman-" + agent.str()));
    CHECK_FALSE(world.left);
    world.has_fleet = false;
    world.jenkins->finish("app", 1, BuildResult::success, world.now());
    using enum AgentActivity;
    REQUIRE(world.run_until([&] { return world.controller->observe_agent(agent).activity == done; }));
    CHECK(world.controller->observe_agent(agent).end_reason == model::EndReason::build_finished);
    world.run(20s);
    CHECK(world.jenkins->computers().contains("footman-" + agent.str()));  // until its own section deletes it
    world.has_fleet = true;
    REQUIRE(world.run_until([&] { return world.left && is_quiet(world); }));
    world.run(10s);
    CHECK(twins.serves(*twins.other));
    const auto stands = [&](const std::string& beginning) {
      return std::ranges::any_of(world.jenkins->computers(),
                                 [&](const auto& one) { return one.first.starts_with(beginning); });
    };
    CHECK(stands(std::string(prefix) + "placeholder-"));
    CHECK(stands("footman-placeholder-") == (std::string(prefix) == "footman-"));
    world.controller->come_back();
    REQUIRE(world.run_until([&] { return !world.controller->takes_agents(); }));
    CHECK(world.controller->trouble().starts_with("It is the same Jenkins as 'other'"));
    check_clean(world);
  }
}

TEST_CASE("a section is served again when its address leads to another Jenkins, and not after a restart") {
  Twins twins(false);
  auto& world = twins.world;
  twins.start();
  REQUIRE(twins.is_twin());
  world.transport->latency = 500ms;  // it sees a restart later
  twins.way.latency = 20ms;
  for (int i = 0; i < 10; ++i) {
    world.jenkins->restart(i % 2 == 0, 2s + i * 130ms, world.now());
    bool is_twin = true;
    world.run_until([&] { return !(is_twin = is_twin && !twins.other->takes_agents()); }, 30s);
    CHECK(is_twin);
  }
  SUBCASE("its own") { twins.session = "another"; }
  SUBCASE("that of the one which has it") {
    world.transport->edit = [](const std::string&, Answer& answer) {
      answer.headers.set("X-Jenkins-Session", "another");
    };
  }
  REQUIRE(world.run_until([&] { return twins.other->takes_agents(); }));
  world.run(5s);
  CHECK(twins.other->takes_agents());
  CHECK(world.controller->takes_agents());
  CHECK(twins.other->trouble() == "");
}
