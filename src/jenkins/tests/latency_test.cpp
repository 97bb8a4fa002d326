// JenkinsController where each call takes long: no build too many where that can be, and all are told.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <regex>

#include "jenkins/console.hpp"
#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

using Kind = Job::Kind;

// Eight builds, and no more than three agents at once.
struct Crowd {
  static constexpr int kBuilds = 8;
  FakeWorld world;

  Crowd(Duration latency, Duration takes, Kind kind = Kind::freestyle) {
    world.transport->latency = latency;
    world.cap = 3;
    for (int i = 0; i < kBuilds; ++i)
      kind == Kind::freestyle ? world.add_freestyle(name(i), "linux", takes)
                              : world.add_pipeline(name(i), {"linux"}, takes);
    world.start();
    REQUIRE(world.run_until([&] { return world.placeholders_stand(); }));
    for (int i = 0; i < kBuilds; ++i) world.trigger(name(i));
    REQUIRE(world.run_until([&] { return is_over() && is_quiet(world); }, 10min));
    world.run(10s);
  }
  static std::string name(int number) { return "app" + std::to_string(number); }
  bool is_over() const {
    for (int i = 0; i < kBuilds; ++i)
      if (!world.is_over(name(i))) return false;
    return true;
  }
};

// Each build that Jenkins started was told once, with its node, and each one beyond a node's first as one
// too many.
void check_all_told(const FakeWorld& world) {
  std::size_t too_many = 0;
  std::set<std::string> nodes;
  for (const auto& one : world.jenkins->starts()) {
    if (!nodes.insert(one.node).second) ++too_many;
    CAPTURE(one.job);
    CHECK(std::ranges::count_if(world.builds, [&](const BuildRun& run) {
            return run.ended.is_set() && run.node == one.node &&
                   run.build == "job/" + one.job + "/" + std::to_string(one.number) + "/";
          }) == 1);
  }
  CHECK(world.controller->overview().violations().size() == too_many);
}

}  // namespace

TEST_CASE("calls that take long: builds of a while get a node each") {
  for (const auto latency : {50ms, 150ms, 300ms}) {
    CAPTURE(latency.count());
    const Crowd crowd(latency, 3 * latency + 100ms);
    for (const auto& one : crowd.world.jenkins->starts()) CHECK(crowd.world.starts_on(one.node) == 1);
    CHECK(crowd.world.launched_for.size() == Crowd::kBuilds);
    check_all_told(crowd.world);
    check_clean(crowd.world);
  }
}

// Jenkins gives the node to the oldest item that fits, not to the one that it was opened for.
TEST_CASE("agents that come in another order than their builds: one launch for each build") {
  for (const auto kind : {Kind::freestyle, Kind::pipeline})
    for (int i = 0; i < 40; ++i) {
      const auto latency = std::array{2ms, 20ms, 50ms, 150ms, 300ms}.at(i % 5);
      CAPTURE(i);
      CAPTURE(kind == Kind::freestyle);
      FakeWorld world;
      world.transport->latency = latency;
      world.launch_times = {{"app0", 8s}, {"app1", 5s + i * 7ms}};
      for (const std::string job : {"app0", "app1", "app2"})
        kind == Kind::freestyle ? world.add_freestyle(job, "linux", 3s)
                                : world.add_pipeline(job, {"linux"}, 3s);
      world.start();
      REQUIRE(world.run_until([&] { return world.placeholders_stand(); }));
      for (const std::string job : {"app0", "app1", "app2"}) {
        world.trigger(job);
        world.run(250ms);
      }
      REQUIRE(world.run_until(
          [&] {
            return world.is_over("app0") && world.is_over("app1") && world.is_over("app2") && is_quiet(world);
          },
          5min));
      CHECK(world.launched_for.size() == 3);
      check_clean(world);
    }
}

TEST_CASE("calls that take long: builds that are over at once are told, and those too many as such") {
  for (const auto latency : {50ms, 150ms, 300ms, 700ms}) {
    CAPTURE(latency.count());
    const Crowd crowd(latency, 0s);
    check_all_told(crowd.world);
    CHECK(crowd.world.jenkins->violations().empty());
  }
}

TEST_CASE("calls that take long: steps of pipelines are told, whatever node they were on") {
  for (const auto latency : {0ms, 50ms, 100ms, 150ms, 200ms, 300ms, 700ms}) {
    for (const auto takes : {0ms, 500ms, 1500ms}) {
      CAPTURE(latency.count());
      CAPTURE(takes.count());
      const Crowd crowd(latency, takes, Kind::pipeline);
      check_all_told(crowd.world);
      CHECK(crowd.world.jenkins->violations().empty());
    }
  }
}

TEST_CASE("where no console can be read, a step counts for the node that was opened for it") {
  FakeWorld world;
  world.transport->latency = 700ms;
  world.add_pipeline("pipe", {"linux"}, 0s);
  std::size_t asked = 0;
  SUBCASE("it is not there") {
    world.transport->edit = [&](const std::string& path, Answer& answer) {
      if (path.contains("/logText/")) ++asked, answer.status = 404;
    };
  }
  SUBCASE("something else comes") {
    world.transport->edit = [&](const std::string& path, Answer& answer) {
      if (path.contains("/logText/")) ++asked, answer = {200, {}, "<html>Sign in</html>"};
    };
  }
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return world.is_over("pipe") && is_quiet(world); }, 10min));
  CHECK(asked > 0);
  CHECK(asked < 5);
  check_all_told(world);
  check_clean(world);
}

TEST_CASE("a console that is too long is asked for once, however many steps its run has") {
  FakeWorld world;
  world.transport->latency = 700ms;
  world.add_pipeline("pipe", {"linux", "linux", "linux", "linux"}, 0s);
  std::size_t asked = 0;
  world.transport->edit = [&](const std::string& path, Answer& answer) {
    if (path.contains("/logText/")) ++asked, answer.body.assign(kMaxConsoleBytes + 1, '-');
  };
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return world.is_over("pipe") && is_quiet(world); }, 10min));
  CHECK(asked == 1);
  check_clean(world);
}

TEST_CASE("a node that never tells the name of its build is not asked for it for ever") {
  FakeWorld world;
  const std::regex executable(R"("currentExecutable":\{[^}]*\})");
  world.transport->edit = [&](const std::string&, Answer& answer) {
    answer.body = std::regex_replace(answer.body, executable, R"("currentExecutable":null)");
  };
  world.add_pipeline("pipe", {"linux"}, 100s);
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return !world.jenkins->starts().empty(); }));
  const auto asked = [&] { return world.jenkins->calls().at("GET /computer/*/api/json"); };
  world.run(40s);
  const auto before = asked();
  world.run(40s);
  CHECK(asked() == before);
  REQUIRE(world.run_until([&] { return world.is_over("pipe") && is_quiet(world); }, 10min));
  check_all_told(world);
  check_clean(world);
}

TEST_CASE("builds that come to a node before the pipeline that it is opened for are told as too many") {
  FakeWorld world;
  world.cap = 1;
  world.add_pipeline("pipe", {"linux"}, 60s);
  for (int i = 0; i < 6; ++i) world.add_freestyle(Crowd::name(i), "linux", 0s);
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return !world.builds.empty(); }));
  const auto node = world.builds[0].node;
  for (int i = 0; i < 6; ++i) world.trigger(Crowd::name(i));
  world.run(2s);
  world.jenkins->restart(true, 1s, world.now());
  REQUIRE(world.run_until([&] { return world.is_over("pipe") && is_quiet(world); }, 30min));
  world.run(10s);
  REQUIRE(world.starts_on(node) > 1);
  check_all_told(world);
}
