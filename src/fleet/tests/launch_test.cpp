// From a waiting item to a connected agent: exactly one, at once, whatever the cloud answers.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/frozen_request.hpp"
#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;

TEST_CASE("a paused cloud launches nothing until it is resumed, over restarts too") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  const auto before = world.busy_agent("1");
  const CloudName name = world.fleet->list_clouds()[0].name;
  REQUIRE(world.run(world.fleet->pause_cloud(name, "")));
  CHECK(world.fleet->list_clouds()[0].pause.text == "by a person");
  REQUIRE(world.run(world.fleet->pause_cloud(name, "by admin: maintenance")));
  const auto since = world.now();
  world.submit("2");
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "cloud_paused");
  CHECK(world.controller.reasons.at("2").text.ends_with("is paused by admin: maintenance"));
  CHECK(world.row(before).state == AgentState::online);  // goes on
  world.advance(1h);
  world.restart();
  world.settle();
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.fleet->list_clouds()[0].pause.text == "by admin: maintenance");
  CHECK(world.fleet->list_clouds()[0].pause.since == since);
  REQUIRE(world.run(world.fleet->resume_cloud(name)));
  REQUIRE(world.run(world.fleet->resume_cloud(name)));
  CHECK(world.cloud.launch_calls == 2);
  CHECK_FALSE(world.fleet->list_clouds()[0].pause.since.is_set());
  world.restart();
  CHECK_FALSE(world.fleet->list_clouds()[0].pause.since.is_set());
  const auto unknown = world.run(world.fleet->pause_cloud(CloudName("nowhere"), "by admin"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::not_found);
}

TEST_CASE("one commit comes before the call: the intent, with what the controller keeps in the same store") {
  World world;
  world.controller.has_rows = true;
  world.cloud.launching = Launching::done_then_hangs;
  world.start();
  world.moves.clear();
  world.submit("1");
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.moves == std::vector<std::string>{"record_launch_intents"});
  const auto agent = world.only_agent();
  const auto nodes = world.run(world.store->load_open_state()).value().nodes;
  REQUIRE(nodes.size() == 1);
  CHECK(nodes[0].agent == agent.id);
  CHECK(nodes[0].labels == agent.labels);
  CHECK(world.controller.nodes.at(agent.id).registration.is_stored);
}

TEST_CASE("one item, one agent, launched at once") {
  World world;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  CHECK(agent.state == AgentState::connecting);
  CHECK(agent.for_item == "1");
  CHECK(agent.handle == "i-" + agent.client_token);
  CHECK(agent.launched == world.now());  // no time has passed
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.controller.reasons.at("1").code == "launching");
  CHECK(world.controller.reasons.at("1").agent == agent.id);
  CHECK(world.crash_points == std::vector<std::string>{"launch:before-call", "launch:after-call"});

  SUBCASE("looking again changes nothing") {
    for (int i = 0; i < 10; ++i) {
      world.fleet->look_again();
      world.settle();
    }
    world.advance(1min);
    CHECK(world.cloud.launch_calls == 1);
  }
  SUBCASE("it connects, works and is gone") {
    world.controller.connect(agent.id, world.now());
    world.settle();
    CHECK(world.only_agent().state == AgentState::online);
    CHECK(world.only_agent().connected == world.now());
    world.controller.work(agent.id, "1");
    world.settle();
    CHECK(world.only_agent().state == AgentState::online);
    world.controller.finish(agent.id, world.now());
    world.settle();
    CHECK(world.live_agents().empty());
    CHECK(world.cloud.alive() == 0);
    const auto row = world.row(agent.id);
    CHECK(row.state == AgentState::terminated);
    CHECK(row.end_reason == EndReason::build_finished);
    CHECK(row.death.text == "stopped as asked");
    CHECK(row.builds_done == 1);
    CHECK(row.ended == world.now());
    const auto lines = world.timeline(agent.id);
    for (const auto* kind : {"decided", "api_answered", "connected", "stop_asked", "gone"})
      CHECK_MESSAGE(World::has(lines, kind), kind);
    CHECK(lines.front().kind == "decided");
    CHECK(lines.front().text.find("job #1 waits for an agent") == 0);
    CHECK(world.cloud.launch_calls == 1);
    CHECK(world.fleet->find_agent(agent.id)->agent.state == AgentState::terminated);
  }
}

TEST_CASE("a cloud that does not answer holds up no launch of another one") {
  World world;
  world.second_cloud.emplace();
  auto other = world.config.templates[0];
  other.name = TemplateName("other");
  other.cloud = CloudName("second");
  other.labels = {"other"};
  other.is_default = false;
  world.config.templates.push_back(other);
  world.cloud.launching = Launching::hangs;
  world.start();
  for (std::size_t i = 0; i < kLaunchesAtOnce + 44; ++i)
    world.controller.submit("hung-" + std::to_string(i), world.now());
  world.settle();
  CHECK(world.cloud.launch_calls == kLaunchesAtOnce);
  world.controller.submit("fine", world.now(), "other");
  world.advance(1s);  // within the time limit of the calls that hang
  CHECK(world.cloud.launch_calls == kLaunchesAtOnce);
  CHECK(world.second_cloud->alive() == 1);
}

TEST_CASE("the row is there before the call, without the secret") {
  World world;
  world.cloud.launching = Launching::hangs;
  world.start();
  world.submit("1");
  const auto agent = world.row(world.only_agent().id);
  CHECK(agent.state == AgentState::launching);
  CHECK(agent.handle.empty());
  CHECK(agent.frozen_request.find("secret") == std::string::npos);
  CHECK(agent.frozen_request.find(agent.client_token) != std::string::npos);
  CHECK(world.only_agent().frozen_request.capacity() < 100);  // the row has it
}

TEST_CASE("many items at once: one agent each, in order, a limited number of calls at a time") {
  World world;
  world.cloud.launching = Launching::hangs;
  world.start();
  constexpr std::size_t kItems = kLaunchesAtOnce + 50;
  for (std::size_t i = 0; i < kItems; ++i)
    world.controller.submit(std::to_string(i), world.now() + Duration(static_cast<std::int64_t>(i)));
  world.settle();
  CHECK(world.live_agents().size() == kLaunchesAtOnce);
  CHECK(world.cloud.launch_calls == kLaunchesAtOnce);
  CHECK(world.controller.reasons.at("0").code == "launching");
  CHECK(world.controller.reasons.at(std::to_string(kItems - 1)).code == "launch_limit");
  world.cloud.launching = Launching::answered;
  world.advance(4min);
  CHECK(world.live_agents().size() == kItems);
  CHECK(world.cloud.ever.size() == kItems);
  CHECK(world.cloud.violations.empty());
  std::vector<std::string> served;
  for (const auto& agent : world.live_agents()) served.push_back(agent.for_item);
  std::ranges::sort(served);
  CHECK(std::ranges::adjacent_find(served) == served.end());
}

TEST_CASE("an item that goes away takes its agent with it; one that comes instead gets it") {
  World world;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  SUBCASE("nothing else waits") {
    world.controller.withdraw("1");
    world.settle();
    CHECK(world.live_agents().empty());
    CHECK(world.row(agent.id).end_reason == EndReason::surplus);
    CHECK(world.cloud.alive() == 0);
  }
  SUBCASE("another waits") {
    world.controller.items.clear();
    world.submit("2");
    CHECK(world.only_agent().id == agent.id);
    CHECK(world.controller.reasons.at("2").agent == agent.id);
    CHECK(world.cloud.launch_calls == 1);
  }
}

TEST_CASE("caps hold, say so, and let go") {
  World world;
  SUBCASE("template") { world.config.templates[0].limits.agents = 1; }
  SUBCASE("cloud, of the configuration") { world.config.cloud_limits[CloudName("cloud")].agents = 1; }
  SUBCASE("cloud, of the provider") { world.cloud.limits.max_agents = 1; }
  SUBCASE("server") { world.config.limits.agents = 1; }
  world.start();
  const auto first = world.busy_agent("1");
  world.submit("2");
  CHECK(world.cloud.alive() == 1);
  const auto& reason = world.controller.reasons.at("2");
  CHECK(reason.code.find("cap") != std::string::npos);
  CHECK(reason.text.find("1 of 1 agents") != std::string::npos);
  const auto item = world.fleet->explain(ControllerName("builtin"), "2");
  REQUIRE(item);
  REQUIRE(item->considered.size() == 1);
  CHECK(item->considered[0].template_name.str() == "small");
  world.controller.finish(first, world.now());
  world.settle();
  CHECK(world.cloud.most_alive == 1);
  CHECK(world.only_agent().for_item == "2");
}

TEST_CASE("no template offers the label: the nearest is named, nothing is launched") {
  World world;
  world.start();
  world.submit("1", "linnux");
  CHECK(world.cloud.launch_calls == 0);
  CHECK(world.controller.reasons.at("1").code == "no_template");
  CHECK(world.controller.reasons.at("1").text == "no template offers label 'linnux'; nearest: 'linux'");
  world.submit("2", "(broken");
  CHECK(world.controller.reasons.at("2").code == "bad_label");
}

TEST_CASE("reasons are told once") {
  World world;
  world.start();
  world.submit("1", "other");
  const auto told = world.controller.reasons_told;
  world.advance(10min);
  CHECK(world.controller.reasons_told == told);
}

TEST_CASE("an unknown outcome: the same request again until there is a clear answer") {
  World world;
  SUBCASE("nothing had happened") {
    world.cloud.script = {Launching::not_done, Launching::not_done, Launching::answered};
  }
  SUBCASE("it had happened, the answer was lost") {
    world.cloud.script = {Launching::lost_answer, Launching::not_done, Launching::answered};
  }
  SUBCASE("no answer at all") { world.cloud.script = {Launching::done_then_hangs, Launching::answered}; }
  world.start();
  world.submit("1");
  CHECK(world.only_agent().state == AgentState::launching);
  world.advance(2min);
  CHECK(world.only_agent().state == AgentState::connecting);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(world.cloud.violations.empty());
  CHECK(world.cloud.script.empty());
}

TEST_CASE("while outcomes are unknown nothing new is asked of that cloud, and the view says so") {
  World world;
  world.cloud.launching = Launching::not_done;
  world.start();
  world.submit("1");
  const auto clouds = world.fleet->list_clouds();
  CHECK_FALSE(clouds[0].healthy);
  CHECK(clouds[0].trouble == "connection reset");
  const auto& told = world.controller.reasons.at("1");
  CHECK(told.code == "launching");
  CHECK(told.text.find("is not clear yet (connection reset)") != std::string::npos);
  CHECK(told.look_again > world.now());
  world.advance(2min);
  world.submit("2");
  CHECK(world.live_agents().size() <= 2);
  world.cloud.launching = Launching::answered;
  world.advance(1min);
  CHECK(world.live_agents().size() == 2);
  CHECK(world.cloud.ever.size() == 2);
  CHECK(world.fleet->list_clouds()[0].healthy);
  CHECK(world.controller.reasons.at("1").text.find("has not connected yet") != std::string::npos);
  const auto lines = world.timeline(world.controller.reasons.at("1").agent);
  const auto line = std::ranges::find(lines, "launch_unclear", &model::TimelineEntry::kind);
  REQUIRE(line != lines.end());
  CHECK(line->text.ends_with(" launch calls in a row, to the last one: connection reset."));
}

TEST_CASE("a definite refusal ends the attempt; the next agent comes after a pause") {
  World world;
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  CHECK(world.cloud.launch_calls == 1);
  const auto refused = world.agents().front().agent;
  CHECK(refused.state == AgentState::terminated);
  CHECK(refused.end_reason == EndReason::launch_refused);
  CHECK(refused.end_detail.find("no capacity here") != std::string::npos);
  CHECK(world.cloud.terminate_calls == 0);  // there is nothing to end
  CHECK(world.controller.removed.contains(refused.id));
  CHECK(world.controller.reasons.at("1").code == "template_open");
  CHECK(world.controller.reasons.at("1").look_again.is_set());
  world.advance(1s);
  const auto probe = world.only_agent();
  CHECK(probe.id != refused.id);
  CHECK(world.cloud.alive() == 1);
  const auto reason_of = [&](const model::Agent& agent) {
    return parse_request(world.row(agent.id).frozen_request)->reason;
  };
  CHECK(reason_of(refused) == model::LaunchReason::waiting_item);
  CHECK(reason_of(probe) == model::LaunchReason::breaker_probe);
}

TEST_CASE("a wrong configuration disables the template until it changes") {
  World world;
  world.cloud.refusal = {model::FailureClass::permission, true, {}, "not allowed"};
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  world.advance(1h);
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("1").code == "template_disabled");
  const auto told = world.fleet->list_clouds()[0].templates[0];
  CHECK(told.held);
  CHECK(told.trouble.find("not allowed") != std::string::npos);
  CHECK(told.breaker.state == "disabled");
  CHECK(told.breaker.failure == "permission");
  world.cloud.options = R"({"size":2})";
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("a launch that waited until its token is too old is looked up, not sent again") {
  World world;
  world.cloud.limits.token_lifetime = 30s;
  world.cloud.launching = Launching::hangs;
  world.build();
  FrozenRequest request;
  request.is_default = true;
  std::vector<model::Agent> rows(kLaunchesAtOnce + 10);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& row = rows[i];
    row.id = AgentId("cloud-" + std::to_string(i));
    row.cloud = CloudName("cloud");
    row.template_name = TemplateName("small");
    row.controller = world.controller.name();
    row.for_item = std::to_string(i);
    row.client_token = row.id.str() + "-1";
    row.state = AgentState::launching;
    row.planned = world.now();
    row.launch_deadline = world.now() + 5min;
    row.frozen_request = encode_request(request);
    world.controller.submit(row.for_item, world.now());
  }
  REQUIRE(world.run(world.store->record_launch_intents(std::move(rows))));
  world.start();
  world.advance(59s);
  CHECK(world.cloud.launch_calls == kLaunchesAtOnce);
  CHECK(world.cloud.find_calls == 0);
  world.advance(1s);
  CHECK(world.cloud.launch_calls == kLaunchesAtOnce);
  CHECK(world.cloud.find_calls >= 10);
}

TEST_CASE("throttling holds the whole cloud until the cloud's own time") {
  World world;
  world.config.templates.push_back(make_template("large", {"big"}));
  world.cloud.refusal = {model::FailureClass::throttled, true, world.now() + 30s, "slow down"};
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  world.submit("2", "big");
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "cloud_held");
  world.advance(29s);
  CHECK(world.cloud.launch_calls == 1);
  world.advance(2s);
  CHECK(world.cloud.alive() == 2);
}

TEST_CASE("a late throttle, of a launch before the probe, holds the cloud for as long as it says") {
  World world;
  world.config.templates.push_back(make_template("large", {"big"}));
  world.config.templates.back().is_default = false;
  world.cloud.refusal = {model::FailureClass::throttled, true, {}, "slow down"};
  world.cloud.script = {Launching::refused, Launching::hangs, Launching::hangs, Launching::refused};
  world.start();
  world.controller.submit("1", world.now());
  world.submit("2");
  world.advance(55s);
  REQUIRE(world.cloud.launch_calls == 3);  // both, and the probe
  REQUIRE(world.fleet->list_clouds()[0].templates[1].breaker.state == "half_open");
  SUBCASE("it says nothing") {
    world.advance(6500ms);
    world.submit("3", "big");
  }
  SUBCASE("it wants a pause") {
    world.cloud.refusal.retry_at = world.now() + 1min;
    world.advance(6500ms);
    world.submit("3", "big");
    CHECK(world.controller.reasons.at("3").code == "cloud_held");
    world.advance(55s);
  }
  CHECK(world.controller.reasons.at("3").code == "launching");
}

TEST_CASE("that its resource is gone repeats no launch before the cloud wants it") {
  World world;
  world.cloud.script = {Launching::done_then_hangs, Launching::refused};
  world.cloud.refusal = {model::FailureClass::throttled, false, world.now() + 5min, "slow down"};
  world.start();
  world.submit("1");
  world.advance(65s);
  REQUIRE(world.cloud.launch_calls == 2);
  REQUIRE(world.cloud.resources.size() == 1);
  world.cloud.end(world.cloud.resources.begin()->first, {});
  world.advance(2min);
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("a cloud's wish for a pause counts, though the template is another one by now") {
  World world;
  world.cloud.script = {Launching::hangs, Launching::refused};
  world.cloud.refusal = {model::FailureClass::throttled, true, world.now() + 3min, "slow down"};
  world.start();
  world.submit("1");
  world.config.templates[0].labels.emplace_back("more");
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  world.advance(61s);
  CHECK(world.cloud.launch_calls == 2);
  CHECK(world.controller.reasons.at("1").code == "cloud_held");
  world.advance(118s);
  CHECK(world.cloud.launch_calls == 2);
  world.advance(2s);
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("an agent that never connects is ended at its deadline and its item gets another one") {
  World world;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.advance(5min - 1s);
  CHECK(world.cloud.alive() == 1);
  world.advance(1s);
  CHECK(world.row(agent.id).end_reason == EndReason::launch_deadline);
  CHECK(world.cloud.resources.at(agent.client_token).resource.state == ports::ResourceState::gone);
  const auto& findings = world.fleet->last_reconcile().findings;
  CHECK(std::ranges::find(findings, Verdict::past_deadline, &Finding::verdict) != findings.end());
  CHECK(world.only_agent().id != agent.id);  // it may have been chance
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("agents that die at once are not launched in a storm") {
  World world;
  world.start();
  world.submit("1");
  int deaths = 0;
  for (int second = 0; second < 600; ++second) {
    for (const auto& [token, held] : world.cloud.resources)
      if (held.resource.state == ports::ResourceState::running) {
        world.cloud.end(token, {1, 0, false, "exit status 1"});
        world.provider->changed();
        ++deaths;
        break;
      }
    world.advance(1s);
  }
  CHECK(deaths > 3);
  CHECK(deaths < 30);
  CHECK(world.controller.reasons.at("1").text.find("exit status 1") != std::string::npos);
}

TEST_CASE("nor are agents that connect and die without having had work") {
  World world;
  world.start();
  world.submit("1");
  for (int second = 0; second < 600; ++second) {
    for (const auto& agent : world.live_agents()) {
      if (agent.state != AgentState::connecting) continue;
      world.controller.connect(agent.id, world.now());
      world.settle();
      world.cloud.end(agent.client_token, {1, 0, false, "exit status 1"});
      world.controller.say(agent.id, ports::AgentActivity::lost, EndReason::session_lost, "silent");
    }
    world.advance(1s);
  }
  CHECK(world.cloud.ever.size() > 3);
  CHECK(world.cloud.ever.size() < 30);
}

TEST_CASE("nor are agents whose rows vanish") {
  World world;
  world.start();
  world.rows_vanish = true;
  world.submit("1");
  for (int second = 0; second < 600; ++second) world.advance(1s);
  CHECK(world.cloud.ever.size() > 3);
  CHECK(world.cloud.ever.size() < 30);
  CHECK(world.controller.reasons.at("1").text.find("row") != std::string::npos);
  world.rows_vanish = false;
  world.advance(5min);  // the longest pause
  CHECK(world.only_agent().state == AgentState::connecting);
}

TEST_CASE("one look after the other however many events come: the pause grows with what is looked at") {
  World world;
  world.start();
  constexpr int kItems = 200;
  for (int i = 0; i < kItems; ++i) world.controller.submit(std::to_string(i), world.now());
  world.advance(1s);
  REQUIRE(world.cloud.alive() == kItems);
  const auto before = world.controller.demand_calls;
  constexpr int kEvents = 1000;
  for (int i = 0; i < kEvents; ++i) {
    world.controller.changed();
    world.advance(100us);
  }
  const auto pause = kPlanPausePerThing * (2 * kItems);
  CHECK(world.controller.demand_calls - before <= 100us * kEvents / pause + 1);
  CHECK(world.controller.demand_calls - before >= 100us * kEvents / pause / 2);
}

TEST_CASE("a token older than the cloud honours is looked up, never sent again") {
  World world;
  world.cloud.limits.token_lifetime = 1min;
  world.config.templates[0].launch_deadline = 1h;
  SUBCASE("it had happened") {
    world.cloud.script = {Launching::lost_answer};
    world.cloud.launching = Launching::not_done;
    world.start();
    world.submit("1");
    world.crash();
    world.clock.set(world.clock.steady() + 2min);
    world.start();
    world.settle();
    CHECK(world.only_agent().state == AgentState::connecting);
    CHECK(world.cloud.launch_calls == 1);
  }
  SUBCASE("it had not") {
    world.cloud.script = {Launching::not_done};
    world.start();
    world.submit("1");
    const auto agent = world.only_agent();
    world.crash();
    world.clock.set(world.clock.steady() + 2min);
    world.start();
    world.advance(1s);
    CHECK(world.row(agent.id).state == AgentState::terminated);
    CHECK(world.only_agent().id != agent.id);  // the item still waits
    CHECK(world.cloud.alive() == 1);
    const auto& findings = world.fleet->last_reconcile().findings;
    CHECK(std::ranges::find(findings, Verdict::never_launched, &Finding::verdict) != findings.end());
  }
  CHECK(world.cloud.violations.empty());
}

TEST_CASE("a controller that is away delays the launch, it does not lose it") {
  World world;
  world.controller.registers = false;
  world.start();
  world.submit("1");
  world.advance(10s);
  CHECK(world.only_agent().state == AgentState::launching);
  CHECK(world.cloud.launch_calls == 0);
  CHECK(world.controller.reasons.at("1").text.find("is planned") != std::string::npos);
  world.controller.registers = true;
  world.advance(30s);
  CHECK(world.only_agent().state == AgentState::connecting);
}

TEST_CASE("no space: launches are held with that reason and go on alone") {
  World world;
  world.start();
  const auto before = world.commits;
  SUBCASE("the controller says so") {
    world.storage_full = true;
    world.submit("1");
    CHECK(world.controller.reasons.at("1").code == "storage_full");
    CHECK(world.commits == before);
    world.storage_full = false;
  }
  SUBCASE("the store says so") {
    world.store_full = true;
    world.submit("1");
    CHECK(world.controller.reasons.at("1").code == "storage_full");
    CHECK(world.controller.reasons.at("1").text.find("the database cannot be written: ") == 0);
    CHECK(world.fleet->storage_trouble().find("the database cannot be written: ") == 0);
    CHECK(world.live_agents().empty());
    world.advance(10s);
    CHECK(world.commits > before + 2);
    CHECK(world.commits < before + 20);
    world.store_full = false;
  }
  CHECK(world.cloud.launch_calls == 0);
  world.advance(2s);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.fleet->storage_trouble().empty());
}

TEST_CASE("no space after the call: the handle is kept and stored later") {
  World world;
  world.start();
  world.controller.submit("1", world.now());
  while (world.cloud.alive() == 0 && world.step()) {
  }
  world.store_full = true;
  world.settle();
  world.advance(10s);
  CHECK(world.cloud.launch_calls == 1);
  world.store_full = false;
  world.advance(10s);
  CHECK(world.row(world.only_agent().id).handle == "i-" + world.only_agent().client_token);
  CHECK(world.cloud.launch_calls == 1);
}

TEST_CASE("an agent that is quicker than the cloud's answer") {
  World world;
  world.cloud.launching = Launching::done_then_hangs;
  world.start();
  world.submit("1");
  const auto agent = world.only_agent();
  world.controller.connect(agent.id, world.now());
  world.controller.work(agent.id, "1");
  world.cloud.launching = Launching::not_done;
  world.advance(2min);
  CHECK(world.only_agent().state == AgentState::online);
  CHECK(world.only_agent().handle == "i-" + agent.client_token);  // from the list
  CHECK(world.cloud.ever.size() == 1);
}

TEST_CASE("a start refuses what cannot work") {
  World world;
  world.build();
  SUBCASE("unknown cloud") { world.config.templates[0].cloud = CloudName("moon"); }
  SUBCASE("options") { world.cloud.freeze_fails = true; }
  SUBCASE("the same name twice") { world.config.templates.push_back(world.config.templates[0]); }
  world.build();
  const auto status = world.run(world.fleet->start({}));
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Errc::invalid_argument);
  CHECK(status.error().field.find("small") != std::string::npos);
}

TEST_CASE("numbers for /metrics") {
  World world;
  world.start();
  world.busy_agent("1");
  world.submit("2", "nowhere");
  const auto text = world.metrics.expose();
  CHECK(text.find("footman_agents{state=\"online\"} 1") != std::string::npos);
  CHECK(text.find("footman_launches_total{cloud=\"cloud\",outcome=\"launched\"} 1") != std::string::npos);
  CHECK(text.find("footman_holds{reason=\"no_template\"} 1") != std::string::npos);
  CHECK(text.find("footman_launch_seconds_count 1") != std::string::npos);
}

TEST_CASE("every change of an agent's state and every plan that decides is published") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.settle();
  std::vector<std::string> states;
  int plans = 0;
  for (const auto& change : world.changes.read_after(0).values) {
    if (change.kind == "agent" && change.id == id.str()) states.push_back(change.state);
    if (change.kind == "plan") ++plans;
  }
  CHECK(states == std::vector<std::string>{"launching", "connecting", "online", "terminating", "terminated"});
  CHECK(plans >= 2);
  CHECK(plans < 10);
}
