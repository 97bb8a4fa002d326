// After a start: what is many, or in doubt, waits for a person.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/limits.hpp"
#include "fleet/start_guard.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using ports::ResourceState;

namespace {

const CloudName kA("a");
const CloudName kB("b");

std::set<std::string> strays(int count, const std::string& prefix = "s") {
  std::set<std::string> keys;
  for (int i = 0; i < count; ++i) keys.insert(prefix + std::to_string(i));
  return keys;
}

// Alive in the cloud, and no row of it in the store.
void add_strays(World& world, int count, const std::string& prefix = "lost") {
  const auto here = world.run(world.store->load_open_state())->installation;
  for (int i = 0; i < count; ++i) {
    ports::LaunchSpec spec;
    spec.installation = here;
    spec.agent = AgentId(prefix + std::to_string(i));
    spec.client_token = spec.agent.str() + "-1";
    ports::Resource resource{
        here,        spec.agent, spec.client_token, "i-" + spec.client_token, ResourceState::running,
        world.now(), {}};
    const auto token = spec.client_token;
    world.cloud.resources[token] = {std::move(spec), std::move(resource), Duration(0), {}};
  }
}

void start_in_doubt(World& world) {
  world.build();
  auto state = world.run(world.store->load_open_state());
  REQUIRE(state);
  state->doubt = "The database was put back from a backup.";
  REQUIRE(world.run(world.fleet->start(std::move(*state))));
}

const std::optional<Hold>& held(const World& world) { return world.fleet->last_reconcile().held; }

long held_findings(const World& world) {
  return std::ranges::count(world.fleet->last_reconcile().findings, true, &Finding::held);
}

std::int64_t gauge(World& world) { return world.metrics.gauge("footman_reconcile_held", "").value(); }

}  // namespace

TEST_CASE("guard: few pass, and then it is over") {
  StartGuard guard;
  guard.begin({kA}, "");
  CHECK_FALSE(guard.is_over());
  CHECK(guard.judge(kA, 3, strays(3), true));
  CHECK(guard.is_over());
  CHECK(guard.judge(kA, 100, strays(100), true));
  CHECK_FALSE(guard.hold());
}

TEST_CASE("guard: many do not pass as several few") {
  StartGuard guard;
  guard.begin({kA, kB}, "");
  SUBCASE("of one list after the other, while lists lag") {
    CHECK(guard.judge(kA, 2, strays(2), false));
    CHECK_FALSE(guard.is_over(kA));
    CHECK_FALSE(guard.judge(kA, 2, strays(2, "t"), true));
    CHECK(guard.hold()->would_end == 2);  // the others are ended
    CHECK(guard.hold()->seen == 4);
  }
  SUBCASE("of several clouds") {
    CHECK(guard.judge(kA, 3, strays(3), true));
    CHECK_FALSE(guard.judge(kB, 1, strays(1), true));
    CHECK(guard.approve() == 1);
    CHECK(guard.is_over());
  }
  SUBCASE("the same ones again are not more") {
    CHECK(guard.judge(kA, 3, strays(3), false));
    CHECK(guard.judge(kA, 3, strays(3), true));
  }
}

TEST_CASE("guard: a cloud that nobody has seen is not approved") {
  StartGuard guard;
  guard.begin({kA, kB}, "");
  CHECK_FALSE(guard.judge(kA, 10, strays(10), true));
  CHECK(guard.approve() == 10);
  CHECK(guard.approve() == 0);
  CHECK(guard.judge(kA, 10, strays(10), true));
  CHECK_FALSE(guard.judge(kB, 5, strays(5), true));
  CHECK(guard.hold()->reason == "too_many");
  CHECK(guard.judge(kB, 5, {}, true));  // they went by themselves
  CHECK(guard.is_over());
}

TEST_CASE("guard: doubt holds even one, but never nothing") {
  StartGuard guard;
  guard.begin({kA, kB}, "It is a copy.");
  CHECK(guard.judge(kA, 5, {}, true));
  CHECK_FALSE(guard.judge(kB, 100, strays(1), true));
  CHECK(guard.hold()->reason == "state_unknown");
  CHECK(guard.hold()->text == "It is a copy.");
  CHECK(guard.hold()->would_end == 1);
  CHECK(guard.hold()->seen == 105);
}

TEST_CASE("twelve strays after a restart are reported until a person has them ended") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  add_strays(world, 12);
  world.crash();
  world.start();
  world.advance(10 * world.config.reconcile_every);
  CHECK(world.cloud.alive() == 13);
  CHECK(world.cloud.terminate_calls == 0);
  REQUIRE(held(world));
  CHECK(held(world)->reason == "too_many");
  CHECK(held(world)->would_end == 12);
  CHECK(held(world)->seen == 13);
  CHECK(held_findings(world) == 12);
  CHECK(gauge(world) == 12);
  const auto text = sentence(world.fleet->last_reconcile().findings.at(0));
  CHECK(text.find("Not ended: waits for `footman reconcile --apply`.") != std::string::npos);
  SUBCASE("applied") {
    CHECK(world.fleet->apply_reconcile("by ana") == 12);
    CHECK_FALSE(held(world));
    CHECK(held_findings(world) == 0);
    CHECK(gauge(world) == 0);
    world.settle();
    CHECK(world.cloud.alive() == 1);
    CHECK(world.fleet->apply_reconcile("by ana") == 0);
    world.advance(2 * world.config.reconcile_every);
    add_strays(world, 12, "later");  // for this run the guard is over
    world.advance(2 * world.config.reconcile_every);
    CHECK(world.cloud.alive() == 1);
  }
  SUBCASE("an approval is for one run only") {
    CHECK(world.fleet->apply_reconcile("by ana") == 12);
    world.restart();  // before anything was done about it
    world.advance(1min);
    CHECK(world.cloud.alive() == 13);
    REQUIRE(held(world));
    CHECK(held(world)->would_end == 12);
  }
  SUBCASE("work goes on meanwhile, and its agents end as always") {
    world.controller.connect(id, world.now());
    world.controller.finish(id, world.now());
    world.advance(1min);
    CHECK(world.row(id).state == AgentState::terminated);
    CHECK(world.cloud.alive() == 12);
    world.submit("2");
    CHECK(world.cloud.alive() == 13);
  }
  SUBCASE("when they have ended by themselves nothing waits") {
    for (int i = 0; i < 12; ++i) world.cloud.end("lost" + std::to_string(i) + "-1", {});
    world.advance(world.config.reconcile_every);
    CHECK_FALSE(held(world));
    CHECK(gauge(world) == 0);
  }
}

TEST_CASE("few among many are ended at once") {
  World world;
  world.build();
  add_strays(world, 3);
  world.start();
  world.settle();
  CHECK(world.cloud.alive() == 0);
  CHECK_FALSE(held(world));
  CHECK(world.fleet->apply_reconcile("by ana") == 0);
}

TEST_CASE("a database in doubt ends nobody unasked, over restarts, until that is settled") {
  World world;
  start_in_doubt(world);
  const auto id = world.busy_agent("1");
  add_strays(world, 1);
  world.crash();
  start_in_doubt(world);
  world.advance(world.config.reconcile_every);
  CHECK(world.cloud.alive() == 2);
  REQUIRE(held(world));
  CHECK(held(world)->reason == "state_unknown");
  CHECK(held(world)->text == "The database was put back from a backup.");
  CHECK(held(world)->would_end == 1);
  CHECK(world.fleet->apply_reconcile("by ana") == 1);
  world.settle();
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("agents that a database in doubt knows, and that do not come to it, may work for another server") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.crash();
  world.controller.say(id, ports::AgentActivity::disconnected);
  start_in_doubt(world);
  world.advance(world.config.reconcile_every);
  world.controller.say(id, ports::AgentActivity::lost, model::EndReason::session_lost, "silent for 1 min");
  world.advance(2 * world.config.reconcile_every);
  CHECK(world.row(id).state == model::AgentState::lost);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.cloud.terminate_calls == 0);
  CHECK(held_findings(world) == 1);
  CHECK(gauge(world) == 1);
  CHECK(std::ranges::find(world.moves, "settle_doubt") == world.moves.end());
  SUBCASE("over restarts") {
    world.crash();
    start_in_doubt(world);
    world.advance(2 * world.config.reconcile_every);
    CHECK(world.cloud.alive() == 1);
    CHECK(held_findings(world) == 1);
  }
  SUBCASE("until a person says that they do not") {
    CHECK(world.fleet->apply_reconcile("by ana") == 1);
    world.advance(1min);
    CHECK(held_findings(world) == 0);
    CHECK(gauge(world) == 0);
    CHECK(world.cloud.alive() == 0);
  }
  SUBCASE("until they have ended by themselves") {
    world.cloud.end(world.row(id).client_token, {0, 0, false, ""});
    world.provider->changed();
    world.advance(world.config.reconcile_every);
    CHECK(world.row(id).state == model::AgentState::terminated);
    world.advance(world.config.reconcile_every);
    CHECK(std::ranges::find(world.moves, "settle_doubt") != world.moves.end());
  }
}

TEST_CASE("one that was on its way when a database in doubt was written is no surplus before it has come") {
  World world;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.crash();
  world.controller.withdraw("1");
  start_in_doubt(world);
  world.advance(10s);
  CHECK(model::is_serving(world.row(id).state));
  CHECK(world.cloud.terminate_calls == 0);
  CHECK(held_findings(world) == 1);
  auto expected = model::EndReason::surplus;
  SUBCASE("it comes, and nothing waits") {
    world.controller.connect(id, world.now());
    world.settle();
    CHECK(held_findings(world) == 0);
    world.advance(10s);
  }
  SUBCASE("a person says that none of them is at work elsewhere") {
    CHECK(world.fleet->apply_reconcile("by ana") == 1);
    world.advance(10s);
    expected = model::EndReason::drained;
  }
  SUBCASE("a person says that it is not at work elsewhere") {
    (void)world.begin(world.fleet->terminate_agent(id, ""));
    world.advance(10s);
    expected = model::EndReason::drained;
  }
  CHECK(world.row(id).end_reason == expected);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("with a person's word for it items have agents of their own, and those on their way blame nobody") {
  World world;
  world.start();
  for (const auto* key : {"1", "2", "3"}) world.submit(key);
  std::vector<AgentId> before;
  for (const auto& row : world.live_agents()) before.push_back(row.id);
  world.crash();
  start_in_doubt(world);
  world.advance(10s);
  CHECK(world.live_agents().size() == 3);
  CHECK(world.fleet->apply_reconcile("by ana") == 3);
  world.advance(10s);
  for (const auto& id : before) {
    CHECK(world.row(id).state == AgentState::terminated);
    CHECK(world.controller.removed.contains(id));
  }
  const auto live = world.live_agents();
  REQUIRE(live.size() == 3);
  for (const auto* key : {"1", "2", "3"}) CHECK(std::ranges::count(live, key, &model::Agent::for_item) == 1);
  for (const auto& row : live) world.controller.connect(row.id, world.now());
  world.advance(world.config.templates.front().launch_deadline + 1s);
  CHECK(world.fleet->list_clouds().at(0).templates.at(0).breaker.state == "closed");
  CHECK(world.live_agents().size() == 3);
  CHECK(held_findings(world) == 0);
}

TEST_CASE("one at work by a database in doubt has its lease, with a person's word, too, and blames nobody") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.crash();
  world.controller.say(id, ports::AgentActivity::disconnected);
  start_in_doubt(world);
  world.advance(10s);
  CHECK(world.fleet->apply_reconcile("by ana") == 1);
  world.advance(10s);
  CHECK(model::is_serving(world.row(id).state));
  world.controller.say(id, ports::AgentActivity::lost, model::EndReason::session_lost, "silent for 1 min");
  world.advance(10s);
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.fleet->list_clouds().at(0).templates.at(0).breaker.failures == 0);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE(
    "what a database in doubt says to be on its way is nothing that new items wait for, and blames nobody") {
  World world;
  world.start();
  for (const auto* key : {"1", "2", "3"}) world.submit(key);
  world.crash();
  for (const auto* key : {"1", "2", "3"}) world.controller.withdraw(key);
  start_in_doubt(world);
  world.submit("4");
  const auto live = world.live_agents();
  REQUIRE(live.size() == 4);
  CHECK(live.back().for_item == "4");
  CHECK(live.back().promised_to.empty());
  world.advance(world.config.templates.front().launch_deadline + 1s);
  CHECK(world.row(live.front().id).end_reason == model::EndReason::launch_deadline);
  CHECK(world.fleet->list_clouds().at(0).templates.at(0).breaker.state == "closed");
  CHECK(world.cloud.terminate_calls <= 1);  // of the new one, which did not come either
}

TEST_CASE("one that comes to a database in doubt is its own") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.crash();
  start_in_doubt(world);
  world.advance(1min);
  world.controller.say(id, ports::AgentActivity::lost, model::EndReason::session_lost, "silent for 1 min");
  world.advance(1min);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("the doubt is settled once nothing waits, and not before") {
  World world;
  const auto settled = [&] { return std::ranges::find(world.moves, "settle_doubt") != world.moves.end(); };
  world.build();
  SUBCASE("applied") {
    add_strays(world, 1);
    start_in_doubt(world);
    world.advance(world.config.reconcile_every);
    CHECK_FALSE(settled());
    world.fleet->apply_reconcile("by ana");
    world.settle();
    CHECK(settled());
  }
  SUBCASE("there was nothing, and the list was late enough to show it") {
    world.cloud.limits.listing_lag = 1min;
    start_in_doubt(world);
    world.settle();
    CHECK_FALSE(settled());
    world.advance(world.config.reconcile_every);
    CHECK(settled());
  }
  SUBCASE("the store has no space at first") {
    world.cloud.limits.listing_lag = 1min;
    start_in_doubt(world);
    world.store_full = true;
    world.advance(world.config.reconcile_every);
    world.store_full = false;
    world.moves.clear();
    world.advance(world.config.reconcile_every);
    CHECK(settled());
    world.moves.clear();
    world.advance(2 * world.config.reconcile_every);
    CHECK_FALSE(settled());  // once is enough
  }
}

TEST_CASE("nothing is launched in a cloud before its first list after a start, and items say so") {
  World world;
  world.config.limits.agents = 1;
  world.start();
  world.submit("1");
  const auto token = world.only_agent().client_token;
  auto stray = world.cloud.resources.at(token);  // as an older copy of the database does not know it
  world.controller.say(world.only_agent().id, ports::AgentActivity::lost);
  world.controller.withdraw("1");
  world.advance(10min);
  REQUIRE(world.cloud.alive() == 0);
  stray.spec.agent = stray.resource.agent = AgentId("stray");
  stray.spec.client_token = stray.resource.client_token = "stray-1";
  stray.resource.handle = "i-stray-1";
  world.cloud.resources["stray-1"] = stray;
  world.cloud.stop_takes = 1min;
  SUBCASE("the list is slow") { world.cloud.list_takes = 10s; }
  SUBCASE("it does not come") { world.cloud.lists = false; }
  world.crash();
  world.controller.submit("2", world.now());
  world.start();
  world.advance(kListPatience + 1s);
  CHECK(world.cloud.launch_calls == 1);
  const auto reason = world.controller.reasons.at("2");
  CHECK(reason.code == "cloud_held");
  CHECK(reason.text.find("its first list of agents since the start") != std::string::npos);
  CHECK(reason.look_again > world.now());
  const bool fails = !world.cloud.lists;
  CHECK((reason.text.find("list of agents since the start of the server is waited for: ") !=
         std::string::npos) == fails);
  world.cloud.lists = true;
  world.advance(15s);
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "global_cap");
  world.advance(5min);
  CHECK(world.cloud.launch_calls == 2);
  CHECK(world.cloud.most_alive == 1);
}

TEST_CASE("a cloud that lists late after a start is waited for a moment, then another one is used") {
  World world;
  world.second_cloud.emplace();
  world.config.templates[0].priority = 1;
  auto other = make_template("other");
  other.cloud = CloudName("second");
  world.config.templates.push_back(other);
  const auto late = kListPatience / 2;
  SUBCASE("it is late") { world.cloud.list_takes = late; }
  SUBCASE("it does not list") { world.cloud.lists = false; }
  world.controller.submit("1", world.now());
  world.start();
  world.settle();
  CHECK(world.cloud.launch_calls + world.second_cloud->launch_calls == 0);
  world.advance(kListPatience + 1s);
  CHECK(world.cloud.launch_calls == (world.cloud.lists ? 1 : 0));
  CHECK(world.second_cloud->launch_calls == (world.cloud.lists ? 0 : 1));
}
