// Budgets hold launches: within one plan, over restarts, until the next day.
#include <doctest/doctest.h>

#include "fleet/tests/world.hpp"
#include "policy/spending.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::Money;

namespace {

constexpr Money kDollar{1'000'000};

}  // namespace

TEST_CASE("what was spent today holds launches over restarts, and the next day begins with nothing") {
  World world;
  world.config.templates[0].price.per_hour = Money{3'600'000};  // 90 cents in a quarter of an hour
  world.config.limits.budget.per_day = kDollar;
  const auto midnight = policy::begin_of_day(world.now()) + std::chrono::hours(24);
  world.start();
  world.advance(midnight - world.now());
  const auto first = world.busy_agent("1");
  world.submit("2");
  CHECK(world.controller.reasons.at("2").code == "day_budget");  // reserved for the first
  world.advance(200s);
  world.controller.finish(first, world.now());
  world.settle();
  CHECK(world.row(first).cost.total() >= Money{200'000});
  CHECK(world.controller.reasons.at("2").code == "day_budget");
  CHECK(world.cloud.launch_calls == 1);
  world.restart();
  world.settle();
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "day_budget");
  CHECK(world.controller.reasons.at("2").look_again == midnight + std::chrono::hours(24));
  world.advance(midnight + std::chrono::hours(24) - 1s - world.now());
  CHECK(world.cloud.launch_calls == 1);
  world.advance(2s);
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("what was spent today counts for the template, the label and the controller that spent it") {
  World world;
  world.config.templates[0].price.per_hour = Money{3'600'000};  // 90 cents in a quarter of an hour
  model::AgentLimits* limits = nullptr;
  std::string code;
  SUBCASE("template") {
    limits = &world.config.templates[0].limits;
    code = "template_day_budget";
  }
  SUBCASE("label") {
    limits = &world.config.label_limits["linux"];
    code = "label_day_budget";
  }
  SUBCASE("controller") {
    limits = &world.config.controller_limits[world.controller.name()];
    code = "controller_day_budget";
  }
  limits->budget.per_day = kDollar;
  const auto midnight = policy::begin_of_day(world.now()) + std::chrono::hours(24);
  world.start();
  world.advance(midnight - world.now());
  const auto first = world.busy_agent("1");
  world.advance(200s);
  world.controller.finish(first, world.now());
  world.settle();
  for (const bool restarted : {false, true}) {
    if (restarted) world.restart();
    world.submit(restarted ? "3" : "2");
    CHECK(world.controller.reasons.at("2").code == code);
    CHECK(world.controller.reasons.at("2").look_again == midnight + std::chrono::hours(24));
  }
  CHECK(world.cloud.launch_calls == 1);
  world.advance(midnight + std::chrono::hours(24) - world.now());
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("an agent that is gone is paid for until its minimum is over, over restarts too") {
  World world;
  const auto cloud = world.config.templates[0].cloud;
  world.config.templates[0].price = {kDollar, {.minimum = 10min}};
  world.config.cloud_limits[cloud].budget.per_hour = kDollar;
  world.start();
  const auto first = world.busy_agent("1");
  const auto paid_until = world.row(first).launched + 10min;
  world.submit("2");
  CHECK(world.controller.reasons.at("2").code == "cloud_hour_budget");
  world.controller.finish(first, world.now());
  world.settle();
  CHECK(world.row(first).state == model::AgentState::terminated);
  CHECK(world.controller.reasons.at("2").code == "cloud_hour_budget");
  CHECK(world.controller.reasons.at("2").look_again == paid_until);
  world.restart();
  world.settle();
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").look_again == paid_until);
  world.advance(10min);
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("a kept agent with work without end stops before the day's money is gone, over restarts too") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 10min;
  world.config.templates[0].price.per_hour = Money{3'600'000};  // 90 cents in a quarter of an hour
  world.config.limits.budget.per_day = kDollar;
  const auto midnight = policy::begin_of_day(world.now()) + std::chrono::hours(24);
  world.start();
  world.advance(midnight - world.now());
  const auto first = world.busy_agent("1");
  world.submit("2");
  world.advance(60s);
  CHECK(world.row(first).state == model::AgentState::online);
  SUBCASE("one life of the server") {}
  SUBCASE("two") { world.restart(); }
  world.advance(80s);  // of 100 s and a look
  CHECK(world.row(first).state == model::AgentState::draining);
  CHECK(world.row(first).end_reason == model::EndReason::budget_spent);
  world.controller.finish(first, world.now());
  world.settle();
  CHECK(world.row(first).state == model::AgentState::terminated);
  CHECK(world.row(first).end_reason == model::EndReason::budget_spent);
  CHECK(world.controller.reasons.at("2").code == "day_budget");
  world.advance(midnight + std::chrono::hours(24) - world.now());
  CHECK(world.cloud.launch_calls == 2);
}
