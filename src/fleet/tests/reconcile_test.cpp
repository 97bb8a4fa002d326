// Rows against resources: found, kept for the views, and repaired.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/comparison.hpp"
#include "fleet/frozen_request.hpp"
#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using ports::ResourceState;

namespace {

CloudState::Held stray(const InstallationId& installation, const std::string& agent, Instant created) {
  ports::LaunchSpec spec;
  spec.installation = installation;
  spec.agent = AgentId(agent);
  spec.client_token = agent + "-1";
  ports::Resource resource{
      installation, spec.agent, spec.client_token, "i-" + agent + "-1", ResourceState::running, created, {}};
  return {std::move(spec), std::move(resource), Duration(0), {}};
}

InstallationId installation_of(World& world) {
  return world.run(world.store->load_open_state())->installation;
}

long count(const World& world, Verdict verdict) {
  return std::ranges::count(world.fleet->last_reconcile().findings, verdict, &Finding::verdict);
}

RowFacts row_facts(AgentState state, const std::string& handle) {
  return {AgentId("a"), "a-1", handle, state, true, false, false, 1h};
}

ports::Resource resource(ResourceState state) {
  return {InstallationId("here"), AgentId("a"), "a-1", "i-a", state, {}, {}};
}

Comparison compare_one(const RowFacts& row, std::vector<ports::Resource> listed, Duration lag = 10s) {
  return compare({row}, std::move(listed), CloudName("cloud"), InstallationId("here"), lag);
}

// Of an agent whose cloud is not configured any more.
model::Agent row_of_moon(World& world, AgentState state) {
  model::Agent row;
  row.id = AgentId("moon-old");
  row.cloud = CloudName("moon");
  row.template_name = TemplateName("small");
  row.controller = world.controller.name();
  row.client_token = "moon-old-1";
  row.handle = "i-moon-old-1";
  row.state = state;
  row.planned = world.now();
  return row;
}

}  // namespace

TEST_CASE("comparison: one row, one resource") {
  using enum AgentState;
  SUBCASE("both alive") {
    for (const auto state : {connecting, online, draining}) {
      const auto found = compare_one(row_facts(state, "i-a"), {resource(ResourceState::running)});
      CHECK(found.matched == 1);
      CHECK(found.findings.empty());
    }
  }
  SUBCASE("the handle is news") {
    const auto found = compare_one(row_facts(launching, ""), {resource(ResourceState::running)});
    REQUIRE(found.learned.size() == 1);
    CHECK(found.learned[0].resource.handle == "i-a");
    CHECK(found.findings.at(0).verdict == Verdict::handle_learned);
  }
  SUBCASE("not while the launch call itself is under way") {
    auto row = row_facts(launching, "");
    row.calling = true;
    CHECK(compare_one(row, {resource(ResourceState::running)}).learned.empty());
    CHECK(compare_one(row, {}).missing.empty());
  }
  SUBCASE("gone") {
    const auto found = compare_one(row_facts(online, "i-a"), {resource(ResourceState::gone)});
    CHECK(found.ended.size() == 1);
    CHECK(found.findings.at(0).verdict == Verdict::resource_gone);
  }
  SUBCASE("gone, as it was asked to") {
    const auto found = compare_one(row_facts(terminating, "i-a"), {resource(ResourceState::gone)});
    CHECK(found.ended.size() == 1);
    CHECK(found.findings.empty());
  }
  SUBCASE("dying") {
    const auto found = compare_one(row_facts(failed, ""), {resource(ResourceState::running)});
    CHECK(found.matched == 1);
    CHECK(found.learned.empty());
  }
  SUBCASE("not listed: first nothing, then a question") {
    auto row = row_facts(connecting, "i-a");
    row.since_call = 5s;
    CHECK(compare_one(row, {}).findings.at(0).verdict == Verdict::not_listed_yet);
    CHECK(compare_one(row, {}).missing.empty());
    row.since_call = 10s;
    CHECK(compare_one(row, {}).missing == std::vector{AgentId("a")});
    row.connected = true;
    CHECK(compare_one(row, {}).missing.empty());
  }
  SUBCASE("nothing is expected of a plan, of a launch that is repeated, and of the dying") {
    auto planned_row = row_facts(planned, "");
    planned_row.asked = false;
    for (const auto& row : {planned_row, row_facts(launching, ""), row_facts(terminating, "i-a")}) {
      CHECK(compare_one(row, {}).missing.empty());
      CHECK(compare_one(row, {}).findings.empty());
    }
  }
  SUBCASE("strays and foreigners") {
    auto other = resource(ResourceState::running);
    other.installation = InstallationId("elsewhere");
    auto unknown = resource(ResourceState::running);
    unknown.client_token = "b-1";
    auto dead = unknown;
    dead.client_token = "c-1";
    dead.state = ResourceState::gone;
    auto over = other;
    over.client_token = "d-1";
    over.state = ResourceState::gone;
    const auto found =
        compare({}, {other, unknown, dead, over}, CloudName("cloud"), InstallationId("here"), 10s);
    REQUIRE(found.strays.size() == 1);
    CHECK(found.strays[0].client_token == "b-1");
    REQUIRE(found.findings.size() == 1);
    CHECK(found.findings[0].verdict == Verdict::foreign);
    other.installation = {};
    const auto nobodys = compare({}, {other}, CloudName("cloud"), InstallationId("here"), 10s);
    REQUIRE(nobodys.findings.size() == 1);
    CHECK(nobodys.findings[0].text == "The cloud lists it with ours, but it does not say whose it is.");
  }
  SUBCASE("another resource of the same launch is a stray, and its end says nothing of the agent") {
    auto other = resource(ResourceState::running);
    other.handle = "i-b";
    auto found = compare_one(row_facts(online, "i-a"), {resource(ResourceState::running), other});
    CHECK(found.matched == 1);
    REQUIRE(found.strays.size() == 1);
    CHECK(found.strays[0].handle == "i-b");
    other.state = ResourceState::gone;
    found = compare_one(row_facts(online, "i-a"), {resource(ResourceState::running), other});
    CHECK(found.matched == 1);
    CHECK(found.ended.empty());
    CHECK(found.strays.empty());
    CHECK(compare_one(row_facts(online, "i-a"), {other}).missing == std::vector{AgentId("a")});
    CHECK(compare_one(row_facts(launching, ""), {other}).ended.size() == 1);
  }
  SUBCASE("the same twice in a list counts once, as it was last") {
    const auto alive = resource(ResourceState::running);
    const auto gone = resource(ResourceState::gone);
    CHECK(compare_one(row_facts(online, "i-a"), {alive, alive}).matched == 1);
    for (const auto& listed : {std::vector{alive, gone}, std::vector{gone, alive}}) {
      const auto found = compare_one(row_facts(online, "i-a"), listed);
      CHECK(found.matched == 0);
      CHECK(found.ended.size() == 1);
      CHECK(compare({}, listed, CloudName("cloud"), InstallationId("here"), 10s).strays.empty());
    }
    CHECK(compare({}, {alive, alive}, CloudName("cloud"), InstallationId("here"), 10s).strays.size() == 1);
  }
}

TEST_CASE("an orphan is ended, a foreign resource is not touched") {
  World world;
  world.build();
  world.cloud.resources["lost-1"] = stray(installation_of(world), "lost", world.now());
  world.cloud.resources["other-1"] = stray(InstallationId("other"), "other", world.now());
  world.start();
  world.settle();
  CHECK(world.cloud.resources.at("lost-1").resource.state == ResourceState::gone);
  CHECK(world.cloud.resources.at("other-1").resource.state == ResourceState::running);
  CHECK(count(world, Verdict::orphan) == 1);
  CHECK(count(world, Verdict::foreign) == 1);
  for (const auto& one : world.fleet->last_reconcile().findings)
    if (one.verdict == Verdict::orphan)
      CHECK(one.text == "This server has no record of it. It is ended now.");
  world.advance(10min);
  CHECK(world.cloud.resources.at("other-1").resource.state == ResourceState::running);
}

TEST_CASE("many orphans are ended a few at a time") {
  World world;
  world.build();
  const auto here = installation_of(world);
  constexpr int kOrphans = 180;
  for (int i = 0; i < kOrphans; ++i) {
    const auto name = "lost" + std::to_string(i);
    world.cloud.resources[name + "-1"] = stray(here, name, world.now());
  }
  world.start();
  world.settle();
  CHECK(world.cloud.alive() == kOrphans);  // so many wait for a person
  CHECK(world.fleet->apply_reconcile("by a test") == kOrphans);
  world.settle();
  CHECK(world.cloud.alive() == kOrphans - static_cast<int>(kOrphansPerRound));
  world.advance(10min);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("a resource that lives on although its row has ended is ended again") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.settle();
  REQUIRE(world.row(id).state == AgentState::terminated);
  auto& held = world.cloud.resources.at(world.row(id).client_token);
  held.resource.state = ResourceState::running;  // the cloud had lied
  held.stopping.reset();
  world.advance(world.config.reconcile_every);
  CHECK(world.cloud.alive() == 0);
  CHECK(count(world, Verdict::must_end) == 1);
}

TEST_CASE("a list that is older than the end of an agent proves nothing") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.cloud.list_takes = 5s;
  world.fleet->look_again();
  world.advance(1s);
  world.controller.finish(id, world.now());
  world.settle();
  REQUIRE(world.row(id).state == AgentState::terminated);
  world.advance(1min);
  CHECK(count(world, Verdict::must_end) == 0);
  CHECK(world.cloud.terminate_calls == 1);
}

TEST_CASE("a list that is older than a launch proves nothing") {
  World world;
  world.start();
  world.cloud.list_takes = 5s;
  world.fleet->look_again();
  world.advance(1s);
  world.submit("1");
  world.advance(1min);
  CHECK(world.only_agent().state == AgentState::connecting);
  CHECK(world.cloud.find_calls == 0);
  CHECK(count(world, Verdict::not_listed_yet) == 0);
}

TEST_CASE("not listed is not gone") {
  World world;
  world.cloud.limits.listing_lag = 1min;
  world.config.templates[0].launch_deadline = 1h;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.fleet->look_again();
  world.settle();
  CHECK(count(world, Verdict::not_listed_yet) == 1);
  CHECK(world.only_agent().state == AgentState::connecting);
  world.advance(3min);
  CHECK(world.only_agent().id == agent.id);
  CHECK(count(world, Verdict::not_listed_yet) == 0);
  SUBCASE("beyond the lag, and the look-up knows nothing either") {
    world.cloud.hide_all = true;
    world.advance(world.config.reconcile_every);
    CHECK(world.row(agent.id).end_reason == model::EndReason::resource_gone);
    CHECK(count(world, Verdict::resource_gone) == 1);
  }
  SUBCASE("never while its session stands") {
    world.controller.connect(agent.id, world.now());
    world.controller.work(agent.id, "1");
    world.cloud.hide_all = true;
    world.advance(1h);
    CHECK(world.row(agent.id).state == AgentState::online);
  }
}

TEST_CASE("a cloud that does not answer a look-up is asked again in the next round, for the next agent") {
  World world;
  world.config.templates[0].launch_deadline = 10h;
  world.start();
  for (int i = 0; i < 3; ++i) world.controller.submit(std::to_string(i), world.now());
  world.settle();
  REQUIRE(world.live_agents().size() == 3);
  const auto token = [&](int i) { return world.live_agents()[static_cast<std::size_t>(i)].client_token; };
  const std::vector tokens{token(0), token(1), token(2)};
  world.cloud.hide_all = true;
  world.cloud.look_ups_work = false;
  world.cloud.found.clear();
  for (int rounds = 1; rounds <= 4; ++rounds) {
    world.advance(world.config.reconcile_every);
    REQUIRE(world.cloud.found.size() == static_cast<std::size_t>(rounds));
  }
  CHECK(world.cloud.found == std::vector{tokens[0], tokens[1], tokens[2], tokens[0]});
  CHECK(world.live_agents().size() == 3);
}

TEST_CASE("a list that fails is trouble of the cloud, not the end of its agents") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.cloud.lists = false;
  world.advance(1h);
  CHECK(world.row(id).state == AgentState::online);
  CHECK(world.fleet->list_clouds()[0].trouble == "the list is broken");
  CHECK(world.cloud.observe_calls < 60);
  world.cloud.lists = true;
  world.advance(world.config.reconcile_every);
  CHECK(world.fleet->list_clouds()[0].healthy);
  CHECK(world.fleet->list_clouds()[0].last_listed + world.config.reconcile_every >= world.now());
}

TEST_CASE("resources that ended while the server was away") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.say(id, ports::AgentActivity::disconnected);
  world.crash();
  world.cloud.end(world.cloud.resources.begin()->first, {137, 0, false, "exit status 137"});
  world.start();
  world.settle();
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.controller.removed.at(id) == "exit status 137");
}

TEST_CASE("what the cloud cannot reach any more is not gone, and the comparison says why") {
  World world;
  world.config.templates[0].launch_deadline = 10h;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.crash();
  world.cloud.hide_all = true;
  world.cloud.out_of_reach = "it is in another region";
  world.start();
  REQUIRE(world.cloud.recalled.size() == 1);
  CHECK(world.cloud.recalled[0].handle == agent.handle);
  world.advance(2 * world.config.reconcile_every);
  CHECK(world.only_agent().id == agent.id);
  CHECK(world.only_agent().state == AgentState::connecting);
  const auto& findings = world.fleet->last_reconcile().findings;
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].verdict == Verdict::not_listed_yet);
  CHECK(findings[0].text.ends_with("it is in another region"));
}

TEST_CASE("a launch that may have gone where launches do not go any more is looked for, not repeated") {
  World world;
  world.config.templates[0].launch_deadline = 1h;
  world.cloud.repeats = false;
  world.cloud.launching = Launching::not_done;
  SUBCASE("it had happened") { world.cloud.script = {Launching::lost_answer}; }
  SUBCASE("it had not") { world.cloud.script = {Launching::not_done}; }
  const bool happened = world.cloud.script.front() == Launching::lost_answer;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.crash();
  world.cloud.launching = Launching::answered;
  world.start();
  world.advance(1s);
  REQUIRE(world.cloud.recalled.size() == 1);
  CHECK(world.cloud.recalled[0].token == agent.client_token);
  CHECK(world.cloud.recalled[0].handle.empty());
  CHECK(world.cloud.recalled[0].options == world.cloud.options + "small");
  CHECK((world.only_agent().id == agent.id) == happened);  // else the item has another one
  CHECK(world.cloud.alive() == 1);
  CHECK(world.cloud.launch_calls == (happened ? 1 : 2));
  CHECK(world.cloud.violations.empty());
}

TEST_CASE("rows that this server cannot go on with") {
  World world;
  world.build();
  model::Agent row;
  row.id = AgentId("cloud-old");
  row.cloud = CloudName("cloud");
  row.template_name = TemplateName("small");
  row.controller = world.controller.name();
  row.client_token = "cloud-old-1";
  row.state = AgentState::launching;
  row.planned = world.now();
  row.launch_deadline = world.now() + 5min;
  row.frozen_request = encode_request({});
  SUBCASE("its request cannot be read: it is ended, not guessed") { row.frozen_request = "{}"; }
  SUBCASE("nobody had asked for it") { row.state = AgentState::planned; }
  SUBCASE("its controller is not configured any more") { row.controller = ControllerName("jenkins"); }
  SUBCASE("its cloud is not configured any more: it stays and is told of") { row.cloud = CloudName("moon"); }
  REQUIRE(world.run(world.store->record_launch_intents({row})));
  world.start();
  world.advance(10s);
  CHECK(world.cloud.launch_calls == 0);
  if (row.cloud == CloudName("moon"))
    CHECK(world.row(row.id).state == AgentState::terminating);
  else
    CHECK(world.row(row.id).state == AgentState::terminated);
}

TEST_CASE("an agent whose cloud is not configured any more gives its item back; its row stays") {
  World world;
  world.build();
  model::Agent row;
  row.id = AgentId("moon-old");
  row.cloud = CloudName("moon");
  row.template_name = TemplateName("small");
  row.controller = world.controller.name();
  row.for_item = "1";
  row.client_token = "moon-old-1";
  row.handle = "i-moon-old-1";
  row.state = AgentState::connecting;
  row.planned = world.now();
  row.launch_deadline = world.now() + 5min;
  FrozenRequest request;
  request.is_default = true;
  row.frozen_request = encode_request(request);
  auto reason = model::EndReason::drained;
  SUBCASE("it is not launched any more") {
    row.state = AgentState::launching;
    row.handle.clear();
    reason = model::EndReason::surplus;
  }
  SUBCASE("a person ends it") {}
  REQUIRE(world.run(world.store->record_launch_intents({row})));
  world.controller.submit("1", world.now());
  world.start();
  world.settle();
  if (row.state == AgentState::connecting) {
    CHECK(world.cloud.alive() == 0);
    REQUIRE(world.run(world.fleet->terminate_agent(row.id, "its cloud is gone")));
    world.settle();
  }
  for (int starts = 0; starts < 2; ++starts) {
    CHECK(world.row(row.id).state == AgentState::terminating);
    CHECK(world.row(row.id).end_reason == reason);
    CHECK(world.controller.removed.contains(row.id));
    CHECK(world.controller.ended == std::vector<AgentId>(starts + 1, row.id));  // nobody will know more
    CHECK(world.cloud.alive() == 1);
    CHECK(world.live_agents().size() == 2);
    CHECK(count(world, Verdict::cloud_unknown) == 1);
    world.restart();
    world.advance(1min);
  }
}

TEST_CASE(
    "the record of an agent whose cloud is not configured any more holds a cap until a person closes it") {
  World world;
  world.config.limits.agents = 1;
  world.build();
  auto row = row_of_moon(world, AgentState::terminating);
  row.frozen_request = encode_request({});
  REQUIRE(world.run(world.store->record_launch_intents({row})));
  world.controller.submit("1", world.now());
  world.start();
  world.advance(world.config.reconcile_every * 2);
  CHECK(world.cloud.launch_calls == 0);
  CHECK(world.controller.reasons.at("1").text.find(
            "1 of 1 agents of this server exist, 1 of them of cloud 'moon', which is not configured any more "
            "(see `footman reconcile`)") != std::string::npos);
  CHECK(count(world, Verdict::cloud_unknown) == 1);
  CHECK(world.fleet->find_agent(row.id)->trouble.find("footman agent terminate moon-old") !=
        std::string::npos);
  const auto clouds = world.fleet->list_clouds();
  REQUIRE(clouds.size() == 2);
  CHECK(clouds[1].name == row.cloud);
  CHECK_FALSE(clouds[1].is_configured);
  CHECK(clouds[1].ending == 1);
  REQUIRE(world.run(world.fleet->terminate_agent(row.id, {})));
  CHECK(world.row(row.id).state == AgentState::terminated);
  CHECK(world.timeline(row.id).back().text ==
        "A person says that it is gone; its cloud 'moon' is not configured any more.");
  world.settle();
  CHECK(count(world, Verdict::cloud_unknown) == 0);
  CHECK(world.fleet->list_clouds().size() == 1);
  CHECK(world.cloud.launch_calls == 1);
}

TEST_CASE("an agent whose cloud has another name now is ended through the one that lists it") {
  World world;
  world.build();
  world.cloud.resources["moon-old-1"] = stray(installation_of(world), "moon-old", world.now());
  auto row = row_of_moon(world, AgentState::connecting);
  row.launch_deadline = world.now() + 2h;
  row.for_item = "1";
  FrozenRequest request;
  request.is_default = true;
  row.frozen_request = encode_request(request);
  bool ends_by_itself = false;
  SUBCASE("when it is to end") {}
  SUBCASE("when it has ended by itself") { ends_by_itself = true; }
  SUBCASE("when the answer to its launch was lost") { row.handle.clear(); }
  SUBCASE("and not another one of its launch") { row.handle = "i-moon-old-2"; }
  const bool is_same = row.handle != "i-moon-old-2";
  REQUIRE(world.run(world.store->record_launch_intents({row})));
  world.controller.submit("1", world.now());
  world.start();
  world.advance(world.config.reconcile_every * 2);
  CHECK(world.row(row.id).state == AgentState::connecting);
  CHECK(world.cloud.terminate_calls == 0);  // it may come yet
  if (ends_by_itself)
    world.cloud.end("moon-old-1", {0, 0, false, "it exited"});
  else
    REQUIRE(world.run(world.fleet->terminate_agent(row.id, "enough")));
  world.advance(world.config.reconcile_every);
  CHECK(count(world, Verdict::must_end) == (is_same && !ends_by_itself ? 1 : 0));
  world.advance(world.config.reconcile_every);
  CHECK((world.cloud.resources.at("moon-old-1").resource.state == ResourceState::gone) == is_same);
  CHECK((world.row(row.id).state == AgentState::terminated) == is_same);
  if (is_same) CHECK(world.cloud.terminate_calls > 0);  // what its cloud keeps of it is let go, too
}

TEST_CASE("deadlines start afresh with the server") {
  World world;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.crash();
  world.clock.set(world.clock.steady() + 1h);
  world.start();
  world.advance(4min);
  CHECK(world.row(id).state == AgentState::connecting);
  world.advance(1min);
  CHECK(world.row(id).state == AgentState::terminated);
}
