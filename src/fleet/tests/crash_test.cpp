// The server dies after every single step of the executors, between every row and every call, and comes back:
// exactly one resource for the item, and none is left in the end.
#include <doctest/doctest.h>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;

namespace {

constexpr int kMostSteps = 5000;

// One build from its submission until its agent is gone. True: nothing is left to do.
bool is_over(World& world) {
  return world.controller.items.empty() && world.live_agents().empty() && world.cloud.alive() == 0;
}

void play(World& world, Duration limit) {
  const auto until = world.clock.steady() + limit;
  world.settle();
  while (world.clock.steady() < until && !is_over(world)) {
    world.play_agents();
    world.advance(500ms);
  }
}

void check_end(World& world, std::size_t resources) {
  CHECK(is_over(world));
  CHECK(world.cloud.ever.size() == resources);
  CHECK(world.cloud.violations.empty());
  CHECK(world.controller.nodes.empty());
}

// Runs the story; after `steps` steps the server dies. False: it was over before.
bool run_with_crash_after(int steps, Launching first, Duration stop_takes) {
  World world;
  world.cloud.script = {first};
  world.cloud.stop_takes = stop_takes;
  world.start();
  world.settle();
  world.controller.submit("1", world.now());
  int done = 0;
  bool crashed = false;
  const auto until = world.clock.steady() + 3min;
  while (!crashed && world.clock.steady() < until) {
    if (world.step()) {
      crashed = ++done == steps;
      continue;
    }
    if (is_over(world)) break;
    world.play_agents();
    if (world.step()) {
      crashed = ++done == steps;
      continue;
    }
    const auto next = world.clock.steady() + 500ms;
    if (!world.clock.step(next)) world.clock.set(next);
  }
  if (crashed) world.restart();
  play(world, 10min);
  CAPTURE(steps);
  check_end(world, 1);
  return crashed;
}

}  // namespace

TEST_CASE("a crash after every step of one agent's life") {
  auto first = Launching::answered;
  auto stop_takes = Duration(0);
  SUBCASE("all goes well") {}
  SUBCASE("the answer to the launch is lost") { first = Launching::lost_answer; }
  SUBCASE("the launch call does nothing at first") { first = Launching::not_done; }
  SUBCASE("the end takes a while") { stop_takes = 2s; }
  int steps = 1;
  while (steps < kMostSteps && run_with_crash_after(steps, first, stop_takes)) ++steps;
  CHECK(steps > 20);
  CHECK(steps < kMostSteps);
}

TEST_CASE("a crash after every step of a launch that is refused: one more agent, nothing left") {
  int steps = 1;
  for (bool crashed = true; crashed; ++steps) {
    World world;
    world.cloud.script = {Launching::refused};
    world.start();
    world.settle();
    world.controller.submit("1", world.now());
    crashed = false;
    for (int done = 0; !crashed && world.step();) crashed = ++done == steps;
    if (crashed) world.restart();
    play(world, 20min);
    CAPTURE(steps);
    check_end(world, 1);
  }
  CHECK(steps > 20);
}

TEST_CASE("crashes one after the other, with a cloud that lags and forgets answers") {
  World world;
  world.cloud.limits.listing_lag = 5s;
  world.cloud.limits.token_lifetime = 20s;
  world.cloud.stop_takes = 3s;
  for (int i = 0; i < 20; ++i)
    world.cloud.script.push_back(i % 3 == 0 ? Launching::lost_answer : Launching::done_then_hangs);
  world.start();
  for (int i = 0; i < 10; ++i) world.controller.submit(std::to_string(i), world.now());
  for (int crash = 0; crash < 40; ++crash) {
    for (int steps = 0; steps < 10 + crash * 7 && world.step(); ++steps) {
    }
    world.crash();
    world.clock.set(world.clock.steady() + 700ms);
    world.start();
    world.play_agents();
  }
  play(world, 30min);
  CHECK(is_over(world));
  CHECK(world.cloud.violations.empty());
  CHECK(world.cloud.most_alive <= 20);
}
