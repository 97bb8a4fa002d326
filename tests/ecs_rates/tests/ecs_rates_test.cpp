// The goals for calls of AWS, each of which fails here when it is missed. `bench/run ecs` prints the figures,
// which this program writes with FOOTMAN_PRINT_FIGURES=1.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "tests/ecs_rates/fleet_on_ecs.hpp"

using namespace footman::tests::ecs_rates;
using namespace footman::base;

namespace {

#if __has_feature(address_sanitizer)
constexpr int kAgents = 400;  // four times what AWS launches at once; more take long there
#else
constexpr int kAgents = 1'000;
#endif
constexpr double kLooks = 180;         // calls that come however many agents there are
constexpr double kFargateBurst = 100;  // launches
constexpr double kFargateRate = 20;    // launches per second

void tell(const std::string& name, double value) {
  if (std::getenv("FOOTMAN_PRINT_FIGURES") != nullptr) fmt::print("{}={:.4f}\n", name, value);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

TEST_CASE("many agents at once that leave by themselves") {
  FleetOnEcs world{Life{}};
  world.run_for(10s);  // the server has been there for a while
  world.submit(kAgents);
  world.run_for(2min);
  // As quickly as AWS allows, and hardly a call is throttled.
  REQUIRE(world.launches.size() == kAgents);
  const auto window = seconds(world.launches.back() - world.launches.front());
  const auto share = kAgents / (kFargateBurst + kFargateRate * window);
  const auto throttled = static_cast<double>(world.throttled) / world.ecs_calls();
  tell("launched_in_s", window);
  tell("share_of_allowed_rate", share);
  tell("throttled_share", throttled);
  CHECK(share >= 0.95);
  CHECK(throttled <= 0.01);
  CHECK(world.calls("RunTask") == kAgents + world.throttled);
  // And few calls until they are gone.
  REQUIRE(world.run_until_idle(1h));
  const auto each = static_cast<double>(world.ecs_calls()) / kAgents;
  tell("calls_for_one_that_leaves", each);
  for (const auto& [operation, count] : world.ecs.calls) tell("  " + operation, count);
  CHECK(world.ecs_calls() <= 1.12 * kAgents + kLooks);  // 1.3 for each of a thousand
  CHECK(world.calls("StopTask") == 0);
}

TEST_CASE("a server that begins when AWS' launches are used up: few calls are throttled") {
  FleetOnEcs world{Life{}};
  world.submit(100);
  world.restart();
  world.throttled = 0;
  world.submit(200);
  world.use_up_launches();
  world.run_for(30s);
  tell("throttled_after_a_restart", world.throttled);
  CHECK(world.throttled <= 25);
  CHECK(world.launches.size() == 300);
}

TEST_CASE("a task that ECS takes long to end costs no call either") {
  Life life;
  life.deprovisioning = 55s;
  FleetOnEcs world{life};
  world.submit(50);
  REQUIRE(world.run_until_idle(1h));
  CHECK(world.calls("StopTask") == 0);
}

TEST_CASE("many agents at once that must be ended") {
  Life life;
  life.leaves = false;
  FleetOnEcs world{life};
  world.submit(kAgents);
  REQUIRE(world.run_until_idle(1h));
  const auto each = static_cast<double>(world.ecs_calls()) / kAgents;
  tell("calls_for_one_that_is_ended", each);
  for (const auto& [operation, count] : world.ecs.calls) tell("  " + operation, count);
  CHECK(world.ecs_calls() <= 2.12 * kAgents + kLooks);  // 2.3 for each of a thousand
  CHECK(world.calls("StopTask") == kAgents);
}

TEST_CASE("in the steady state nothing is registered, over restarts of the server too") {
  FleetOnEcs world{Life{}};
  world.submit(20);
  REQUIRE(world.run_until_idle(1h));
  CHECK(world.calls("RegisterTaskDefinition") == 1);
  for (int round = 0; round < 3; ++round) {
    world.restart();
    world.submit(20);
    REQUIRE(world.run_until_idle(1h));
  }
  tell("registrations_in_steady_state", world.calls("RegisterTaskDefinition") - 1);
  CHECK(world.calls("RegisterTaskDefinition") == 1);
  CHECK(world.calls("RunTask") == 80);
}
