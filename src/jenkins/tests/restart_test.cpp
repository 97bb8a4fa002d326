// JenkinsController while Jenkins is started anew.
#include <doctest/doctest.h>

#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

namespace {

// While a pipeline waits, is given its agent, runs, or has run.
void restart_at_any_moment(bool is_clean) {
  for (int at = 0; at < 40; ++at) {
    FakeWorld world;
    world.launch_time = 1s;
    world.add_pipeline("pipe", {"linux"}, 2s);
    world.start();
    world.run(10s);
    world.trigger("pipe");
    CAPTURE(at);
    world.run(at * 150ms);
    world.jenkins->restart(is_clean, 5s, world.now());
    const auto is_done = [&] {
      return is_clean ? world.is_over("pipe") : world.jenkins->waiting_items().empty();
    };
    REQUIRE(world.run_until([&] { return is_quiet(world) && is_done(); }, 30min));
    if (is_clean) {
      CHECK(world.jenkins->find_run("pipe", 1)->result == BuildResult::success);
      CHECK(world.launched_for.size() == 1);
    }
    check_clean(world);
  }
}

}  // namespace

TEST_CASE("Jenkins restarts in order at any moment: each build runs, nothing is left") {
  restart_at_any_moment(true);
}

TEST_CASE("Jenkins crashes at any moment: a pipeline goes on, nothing is left") {
  restart_at_any_moment(false);
}

TEST_CASE("an agent is told to take no more work before a Jenkins that was started anew was looked at") {
  FakeWorld world;
  world.max_builds = 2;
  world.add_pipeline("pipe", {"linux"}, 60s);
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return !world.builds.empty(); }));
  const auto agent = world.builds[0].agent;
  world.run(5s);
  world.jenkins->add_fault({Fault::Kind::lost_request, {}, "/queue/", -1, 0, {}});
  world.jenkins->restart(true, 2s, world.now());
  world.run(15s);
  const auto told = world.wait(world.controller->drain_agent(agent));
  CHECK(told.error().code == Errc::timeout);
  CHECK(world.controller->observe_agent(agent).end_reason == model::EndReason::none);
  world.jenkins->clear_faults();
  REQUIRE(world.run_until([&] { return world.is_over("pipe") && is_quiet(world); }, 30min));
  CHECK(world.jenkins->find_run("pipe", 1)->result == BuildResult::success);
  check_clean(world);
}

TEST_CASE("an idle agent is not free to end before Jenkins has shown what comes back after its restart") {
  FakeWorld world;
  world.max_builds = 3;
  world.add_pipeline("pipe", {"linux"}, 1s);
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return world.is_over("pipe"); }));
  world.has_fleet = false;
  const AgentId agent("t-1");
  REQUIRE(world.run_until(
      [&] { return world.controller->observe_agent(agent).activity == AgentActivity::idle; }));
  const auto& overview = world.controller->overview();
  world.jenkins->restart(true, 2s, world.now());
  REQUIRE(world.run_until([&] { return !overview.is_settled(world.now()); }));
  CHECK(world.wait(world.controller->drain_agent(agent)).error().code == Errc::timeout);
  CHECK(world.controller->observe_agent(agent).activity != AgentActivity::done);
  world.run(kRestartGrace + 2s);
  CHECK(world.wait(world.controller->drain_agent(agent)));
  CHECK(world.controller->observe_agent(agent).activity == AgentActivity::done);
}

TEST_CASE("a drained node stays for a step that nobody saw begin and that waits for it after a restart") {
  NodeRecord record;
  record.node = "footman-a1";
  record.labels = {"linux"};
  record.max_builds = 3;
  record.builds_done = 1;
  record.phase = NodePhase::held;
  record.link = NodeLink::up;
  record.session = "one";
  record.drained = true;
  Computer computer;
  computer.name = record.node;
  computer.labels = {record.node, "linux"};
  computer.held = true;
  computer.executors.resize(1);
  QueueItem step;
  step.id = 9;
  step.kind = TaskKind::node_step;
  step.task = "job/p/1/";
  NodeSight sight;
  sight.computer = &computer;
  sight.session = "two";
  sight.now = sight.links_since = Instant{1'795'456'000'000'000};
  sight.is_settled = false;
  const auto look = [&](Duration after) {
    sight.now = sight.links_since + after;
    record = look_at_node(record, sight).record;
    return record.phase;
  };
  CHECK(look(1s) == NodePhase::held);
  SUBCASE("there is none") {
    sight.is_settled = true;
    CHECK(look(kRestartGrace) == NodePhase::over);
    CHECK(record.end_reason == model::EndReason::drained);
  }
  SUBCASE("its agent comes back") {
    sight.is_settled = true;
    sight.step_for_it = &step;
    CHECK(look(kRestartGrace) == NodePhase::held);
    computer.connected = true;
    CHECK(look(20s) == NodePhase::working);
    CHECK(record.build.path == step.task);
  }
  SUBCASE("its agent does not") {
    sight.is_settled = true;
    sight.step_for_it = &step;
    CHECK(look(kSilence) == NodePhase::held);
    CHECK(look(kSilence + 1s) == NodePhase::over);
    CHECK(record.lost);
  }
}
