// What an agent costs is known from the cloud's answer until it is gone, over restarts and changed prices.
#include "fleet/costs.hpp"

#include <doctest/doctest.h>

#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::Money;

TEST_CASE("an agent keeps its price, and its cost is final once it is gone") {
  World world;
  world.config.templates[0].price = {Money{3'600'000}, {.minimum = 1min}};
  world.start();
  const auto id = world.busy_agent("1");
  const auto launched = world.row(id).launched;
  world.advance(100s);
  auto dearer = world.config;
  dearer.templates[0].price.per_hour = Money{7'200'000};
  REQUIRE(world.run(world.fleet->apply_config(dearer)));
  CHECK(world.fleet->list_clouds()[0].templates[0].price.per_hour == Money{7'200'000});
  CHECK(world.fleet->list_clouds()[0].templates[0].generation == 1);
  world.restart();
  world.settle();
  const auto row = world.row(id);
  CHECK(row.price.per_hour == Money{3'600'000});
  CHECK(cost_so_far(row, 30s, launched + 100s) == model::Cost{Money{30'000}, Money{70'000}, 30s, 70s});
  CHECK(cost_so_far(row, 0s, launched).total() == Money{60'000});  // the minimum
  world.controller.finish(id, world.now());
  world.settle();
  const auto gone = world.row(id);
  CHECK(gone.state == model::AgentState::terminated);
  CHECK(gone.stop_asked.is_set());
  CHECK(gone.cost.total() == model::charge(Money{3'600'000}, gone.ended - launched));
  CHECK(gone.cost.total() >= Money{100'000});
  CHECK(cost_so_far(gone, 1h, world.now() + 1h) == gone.cost);
}

TEST_CASE("an agent that ended while the server was away costs nothing after the time that its cloud tells") {
  World world;
  world.config.templates[0].price = {Money{3'600'000}, {}};
  world.start();
  world.submit("1");
  const auto row = world.only_agent();
  const auto id = row.id;
  world.crash();
  const auto& token = row.client_token;
  world.cloud.end(token, {1, 0, false, "exit status 1"});
  SUBCASE("told") { world.cloud.resources.at(token).resource.ended = world.now() + 100s; }
  SUBCASE("not told") {}
  const auto told = world.cloud.resources.at(token).resource.ended;
  world.clock.set(world.clock.steady() + 10h);
  world.start();
  world.settle();
  const auto gone = world.row(id);
  REQUIRE(gone.state == model::AgentState::terminated);
  const auto until = told.is_set() ? told : gone.ended;
  CHECK(gone.cost.total() == model::charge(Money{3'600'000}, until - row.launched));
}

TEST_CASE("an agent has not ended before it was heard of last, whatever its cloud's clock says") {
  World world;
  world.config.templates[0].price = {Money{3'600'000}, {}};
  world.start();
  const auto id = world.busy_agent("1");
  const auto row = world.row(id);
  world.advance(100s);
  world.cloud.resources.at(row.client_token).resource.ended = row.launched + 40s;
  world.controller.finish(id, world.now());
  world.settle();
  const auto finished = world.now();
  world.cloud.end(row.client_token, {0, 0, false, ""});
  world.advance(1min);
  const auto gone = world.row(id);
  REQUIRE(gone.state == model::AgentState::terminated);
  CHECK(gone.cost.total() == model::charge(Money{3'600'000}, finished - row.launched));
}

TEST_CASE("a launch that was refused costs nothing") {
  World world;
  world.config.templates[0].price.per_hour = Money{3'600'000};
  world.start();
  world.cloud.refusal = {model::FailureClass::permission, true, {}, "not allowed"};
  world.cloud.script = {Launching::refused};
  world.submit("1");
  world.advance(1min);
  const auto agents = world.agents();
  REQUIRE(agents.size() == 1);
  const auto& agent = agents[0].agent;
  CHECK(agent.state == model::AgentState::terminated);
  CHECK(agent.cost == model::Cost());
}
