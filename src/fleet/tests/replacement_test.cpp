// An item gets another agent once the one before it can take it no more, not earlier, and then at once.
#include <doctest/doctest.h>

#include <optional>

#include "fleet/frozen_request.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using ports::AgentActivity;

namespace {

// That serves the item or is on its way for it.
std::optional<model::Agent> find_server(const World& world, const std::string& key) {
  for (const auto& agent : world.live_agents())
    if (agent.for_item == key && model::is_serving(agent.state)) return agent;
  return std::nullopt;
}

ports::WaitReason reason_of(const World& world) { return world.controller.reasons.at("1"); }

}  // namespace

TEST_CASE("an agent that comes before its end for its launch deadline has begun is used") {
  World world;
  world.config.templates[0].launch_deadline = 10s;
  world.cloud.launching = Launching::done_then_hangs;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.advance(12s);  // its sequence waits for the cloud's answer still
  CHECK(world.only_agent().state == AgentState::launching);
  world.controller.connect(id, world.now());
  world.advance(1min);
  CHECK(world.only_agent().id == id);
  CHECK(world.only_agent().state == AgentState::online);
}

TEST_CASE("an agent that takes the place of one that ended without work says so") {
  World world;
  world.start();
  world.submit("1");
  const auto first = world.only_agent().id;
  world.busy_agent("2");
  REQUIRE(world.run(world.fleet->terminate_agent(AgentId(first), "by hand")));
  world.settle();
  std::optional<FrozenRequest> request;
  for (const auto& agent : world.live_agents())
    if (agent.for_item == "1") request = *parse_request(world.row(agent.id).frozen_request);
  REQUIRE(request);
  CHECK(request->reason == model::LaunchReason::replacement);
  CHECK(request->why.find("as agent " + first.str() + " ended before it had any work") != std::string::npos);
}

TEST_CASE("while its controller has not removed an agent its item gets no other one, over a crash too") {
  World world;
  world.start();
  world.submit("1");
  const auto first = world.only_agent().id;
  world.controller.removes = false;
  REQUIRE(world.run(world.fleet->terminate_agent(first, "by hand")));
  world.advance(3min);
  CHECK(world.row(first).state == AgentState::terminating);
  CHECK(world.cloud.alive() == 0);  // its resource does not wait for that
  CHECK(world.cloud.ever.size() == 1);
  CHECK(reason_of(world).code == "replacing");
  CHECK(reason_of(world).agent == first);
  CHECK(reason_of(world).text.find("controller 'builtin' has confirmed") != std::string::npos);
  world.restart();
  world.advance(3min);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(reason_of(world).code == "replacing");

  SUBCASE("it is removed") {
    world.controller.removes = true;
    world.advance(1min);
    const auto second = find_server(world, "1");
    REQUIRE(second);
    CHECK(world.cloud.ever.size() == 2);
    CHECK(parse_request(world.row(second->id).frozen_request)->reason == model::LaunchReason::replacement);
  }
  SUBCASE("its controller says that it was lost, which is as much") {
    world.controller.say(first, AgentActivity::lost);
    world.settle();
    CHECK(find_server(world, "1"));
  }
  SUBCASE("it came late and took the item: another one would have been one too many") {
    world.controller.connect(first, world.now());
    world.controller.work(first, "1");
    world.advance(1min);
    CHECK(world.cloud.ever.size() == 1);
  }
}

TEST_CASE("an agent on its way that another item was promised is replaced by the same rule") {
  World world;
  world.start();
  world.submit("1");
  const auto first = world.only_agent().id;
  world.controller.items.front().key = "2";  // the first item is gone, another one waits
  world.controller.changed();
  world.settle();
  REQUIRE(world.controller.reasons.at("2").agent == first);
  CHECK(world.row(first).promised_to == "2");
  world.controller.removes = false;
  SUBCASE("over a crash while it is on its way, though its template is another one then") {
    world.config.templates[0].labels.emplace_back("more");
    world.restart();
    world.advance(1min);
    CHECK(world.cloud.ever.size() == 1);
    CHECK(world.controller.reasons.at("2").agent == first);
  }
  SUBCASE("") {}
  REQUIRE(world.run(world.fleet->terminate_agent(first, "by hand")));
  world.advance(3min);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(world.controller.reasons.at("2").code == "replacing");
  SUBCASE("over a crash while it is to end") {
    world.restart();
    world.advance(3min);
    CHECK(world.cloud.ever.size() == 1);
    CHECK(world.controller.reasons.at("2").code == "replacing");
  }
  SUBCASE("") {}
  world.controller.removes = true;
  world.advance(1min);
  const auto second = find_server(world, "2");
  REQUIRE(second);
  CHECK(world.cloud.ever.size() == 2);
  CHECK(parse_request(world.row(second->id).frozen_request)->reason == model::LaunchReason::replacement);
}

TEST_CASE("a promise of an earlier run of the server falls away with its item") {
  World world;
  world.start();
  world.submit("1");
  const auto first = world.only_agent().id;
  world.controller.items.front().key = "2";
  world.controller.changed();
  world.settle();
  REQUIRE(world.row(first).promised_to == "2");
  world.crash();
  world.controller.items.front().key = "1";  // it waits again, and the other one is over
  world.start();
  world.settle();
  CHECK(world.controller.reasons.at("1").agent == first);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(world.row(first).promised_to.empty());
}

TEST_CASE("an agent that drains may get its item until its controller has heard of that") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  world.submit("1");
  const auto first = world.only_agent().id;
  world.controller.connect(first, world.now());
  world.settle();
  world.controller.drain_error = Errc::unavailable;
  REQUIRE(world.run(world.fleet->drain_agent(first)));
  world.advance(1min);
  CHECK(world.row(first).state == AgentState::draining);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(reason_of(world).code == "replacing");
  world.controller.drain_error.reset();
  world.advance(1min);
  CHECK(find_server(world, "1"));
}

TEST_CASE("what is decided to end keeps its item until its row says so, also when it was lost") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  const auto first = world.busy_agent("0");  // it has proved itself: its loss is not its template's
  world.controller.finish(first, world.now());
  world.settle();
  world.submit("1");
  world.controller.items.front().key = "0";  // an item that it was launched for, and that waits again
  world.store_full = true;
  world.controller.say(first, AgentActivity::lost, model::EndReason::session_lost, "silent");
  world.advance(2s);
  CHECK(world.row(first).state == AgentState::online);
  CHECK(world.live_agents().size() == 1);
  CHECK(world.controller.reasons.at("0").code == "replacing");
  world.store_full = false;
  world.advance(1min);
  CHECK(find_server(world, "0"));
}
