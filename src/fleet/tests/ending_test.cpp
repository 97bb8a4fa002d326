// From the decision to end an agent until the cloud says that it is gone.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/limits.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;
using ports::AgentActivity;

TEST_CASE("terminate is repeated until the cloud says gone") {
  World world;
  world.cloud.stop_takes = 3min;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.row(id).state == AgentState::terminating);
  world.advance(1min);
  CHECK(world.row(id).state == AgentState::terminating);
  CHECK(world.cloud.terminate_calls > 3);
  CHECK(world.cloud.terminate_calls < 20);
  CHECK(world.controller.removed.contains(id));
  CHECK(world.controller.ended.empty());
  world.advance(3min);
  CHECK(world.controller.ended == std::vector{id});
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("a cloud that tells of its changes is believed at once") {
  World world;
  world.cloud.stop_takes = 100h;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.advance(40s);
  CHECK(world.row(id).state == AgentState::terminating);
  world.cloud.end(world.row(id).client_token, {0, 0, false, "exited"});
  world.provider->changed();
  world.settle();
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.row(id).death.text == "exited");
}

TEST_CASE("the cloud is told when the session of an agent breaks, and only then") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  CHECK(world.cloud.suspected.empty());
  world.controller.say(id, AgentActivity::disconnected);
  world.settle();
  CHECK(world.cloud.suspected == std::vector<std::string>{world.row(id).handle});
  world.advance(30s);
  CHECK(world.cloud.suspected.size() == 1);
}

TEST_CASE("what the cloud says of a resource's life is in its history, each line once") {
  World world;
  world.start();
  world.submit("1");
  world.settle();
  const auto agent = world.only_agent();
  auto& resource = world.cloud.resources.at(agent.client_token).resource;
  const auto created = world.now();
  const auto said = [&] {
    std::vector<std::string> lines;
    for (const auto& line : world.timeline(agent.id))
      if (line.kind == "cloud_step") lines.push_back(line.text);
    return lines;
  };
  resource.steps = {{created, "created"}, {created + 3s, "started"}};
  world.provider->changed();
  world.settle();
  CHECK(said().empty());  // with the next change of the row
  world.controller.connect(agent.id, world.now());
  world.settle();
  CHECK(said() == std::vector<std::string>{"The cloud says: created.", "The cloud says: started."});
  // One becomes known that is older than another.
  resource.steps = {{created, "created"}, {created + 1s, "image pulled"}, {created + 3s, "started"}};
  world.provider->changed();
  world.settle();
  REQUIRE(world.run(world.fleet->terminate_agent(agent.id, "enough")));
  world.advance(1min);
  REQUIRE(world.row(agent.id).state == AgentState::terminated);
  CHECK(said() == std::vector<std::string>{"The cloud says: created.", "The cloud says: image pulled.",
                                           "The cloud says: started."});
}

TEST_CASE("neither a cloud nor a controller that is away loses an agent") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  SUBCASE("cloud") {
    world.cloud.terminate_works = false;
    world.controller.finish(id, world.now());
    world.advance(10min);
    CHECK(world.row(id).state == AgentState::terminating);
    CHECK_FALSE(world.fleet->list_clouds()[0].healthy);
    world.cloud.terminate_works = true;
    world.advance(1min);
  }
  SUBCASE("controller") {
    world.controller.removes = false;
    world.controller.finish(id, world.now());
    world.advance(1s);
    CHECK(world.cloud.alive() == 0);  // the money stops all the same
    CHECK(world.row(id).state == AgentState::terminating);
    world.controller.removes = true;
    world.advance(2min);
    CHECK(world.controller.removed.contains(id));
  }
  CHECK(world.row(id).state == AgentState::terminated);
}

TEST_CASE("pools: an idle agent takes the next item, and goes when it was idle for too long") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 1min;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.advance(50s);
  world.submit("2");
  CHECK(world.cloud.launch_calls == 1);
  CHECK(world.controller.reasons.at("2").code == "agent_idle");
  CHECK(world.controller.reasons.at("2").agent == id);
  world.controller.work(id, "2");
  world.advance(5min);
  CHECK(world.cloud.alive() == 1);
  world.controller.finish(id, world.now());
  world.advance(59s);
  CHECK(world.cloud.alive() == 1);
  world.advance(1s);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.row(id).end_reason == EndReason::idle_too_long);
  CHECK(world.row(id).builds_done == 2);
}

TEST_CASE("an agent for two builds takes two, then it ends as its builds are done") {
  World world;
  world.config.templates[0].max_builds = 2;
  world.start();
  const auto id = world.busy_agent("1");
  CHECK_FALSE(world.cloud.resources.begin()->second.spec.one_shot);
  world.controller.finish(id, world.now());
  world.submit("2");
  CHECK(world.cloud.launch_calls == 1);
  world.controller.work(id, "2");
  world.restart();
  world.submit("3");
  CHECK(world.cloud.launch_calls == 2);  // it is at work
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.row(id).end_reason == EndReason::max_builds);
  CHECK(world.row(id).builds_done == 2);
  CHECK(world.cloud.launch_calls == 2);
}

TEST_CASE("an agent takes builds in the time that is paid for, over a restart too, and ends with it") {
  World world;
  auto& t = world.config.templates[0];
  t.max_builds = 0;
  t.idle_timeout = Duration(0);
  t.keep_paid = true;
  t.price.billing.minimum = 1min;
  world.start();
  const auto id = world.busy_agent("1");
  const auto launched = world.row(id).launched;
  world.advance(20s);
  world.controller.finish(id, world.now());
  world.advance(10s);
  world.submit("2");
  CHECK(world.cloud.launch_calls == 1);
  world.controller.work(id, "2");
  world.settle();
  world.controller.finish(id, world.now());
  world.restart();
  world.advance(launched + 59s - world.now());
  CHECK(world.cloud.alive() == 1);
  world.advance(1s);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.row(id).end_reason == EndReason::idle_too_long);

  const auto other = world.busy_agent("3");  // longer than that: gone at once, as nothing waits
  world.advance(2min);
  CHECK(world.cloud.alive() == 1);
  world.controller.finish(other, world.now());
  world.settle();
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("an agent that gets work just when it is to end keeps it and ends afterwards") {
  World world;
  world.start();
  AgentId id;
  auto reason = EndReason::idle_too_long;
  SUBCASE("idle for too long") {
    world.config.templates[0].max_builds = 0;
    world.restart();
    id = world.busy_agent("1");
    world.controller.finish(id, world.now());
    world.advance(world.config.templates[0].idle_timeout - 1ms);
  }
  SUBCASE("surplus, on its way") {
    world.submit("1");
    id = world.only_agent().id;
    world.controller.items.clear();
    reason = EndReason::build_finished;  // it has no more than one
  }
  SUBCASE("drained by a person on its way") {
    reason = EndReason::drained;
    world.submit("1");
    id = world.only_agent().id;
    world.controller.on_drain = [&](const AgentId& agent) {
      world.controller.connect(agent, world.now());
      world.controller.work(agent, "1");
    };
    REQUIRE(world.run(world.fleet->drain_agent(id)));
  }
  world.controller.on_drain = [&](const AgentId& agent) {
    world.controller.items.push_back({"2", "", world.now(), "job #2"});
    world.controller.connect(agent, world.now());
    world.controller.work(agent, "2");
  };
  world.controller.changed();
  world.advance(1min);
  CHECK(world.row(id).state == AgentState::draining);
  CHECK_FALSE(world.controller.removed.contains(id));
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.row(id).builds_done >= 1);
  CHECK(world.row(id).end_reason == reason);
}

TEST_CASE("an end for idleness that could not be carried out falls away once the agent has worked") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 1min;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.store_full = true;  // its sequence waits with what it heard of the connection
  world.controller.connect(id, world.now());
  world.advance(61s);
  SUBCASE("it is at work") {
    world.controller.work(id, "1");
    world.advance(2min);
    world.store_full = false;
    world.advance(1min);
    CHECK(world.row(id).state == AgentState::online);
    world.controller.finish(id, world.now());
  }
  SUBCASE("it has done a build meanwhile") {
    world.controller.work(id, "1");
    world.advance(1s);
    world.controller.finish(id, world.now());
    world.store_full = false;
  }
  world.advance(59s);
  CHECK(world.cloud.alive() == 1);
  CHECK(world.row(id).state == AgentState::online);
  world.advance(2s);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.row(id).end_reason == EndReason::idle_too_long);
}

TEST_CASE(
    "an end whose drain failed falls away once the agent has worked; one that may have arrived does not") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 1min;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  bool falls_away = false;
  SUBCASE("it failed") {
    falls_away = true;
    world.controller.drain_error = Errc::unavailable;
  }
  SUBCASE("nobody knows") { world.controller.drain_error = Errc::timeout; }
  world.advance(1min);
  CHECK(world.row(id).state == AgentState::online);
  world.controller.work(id, "2");
  world.controller.finish(id, world.now());
  world.controller.drain_error.reset();
  world.advance(59s);
  CHECK(world.cloud.alive() == (falls_away ? 1 : 0));
  world.advance(2s);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.row(id).builds_done == 2);
}

TEST_CASE("pools: an agent leaves at its maximum age once it is idle") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 10h;
  world.config.templates[0].max_age = 1h;
  world.start();
  const auto id = world.busy_agent("1");
  world.advance(2h);
  CHECK(world.cloud.alive() == 1);  // never while it works
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.row(id).end_reason == EndReason::max_age);
}

TEST_CASE("a cloud whose agents end their resources by themselves is not called before they had time to") {
  World world;
  world.cloud.limits.own_exit = 30s;
  world.start();
  const auto id = world.busy_agent("1");
  SUBCASE("it goes") {
    world.controller.finish(id, world.now());
    world.advance(29s);
    CHECK(world.cloud.terminate_calls == 0);
    CHECK(world.controller.removed.contains(id));                       // it was told to leave
    CHECK(world.cloud.suspected == std::vector{world.row(id).handle});  // so that its end is seen in time
    world.cloud.end(world.row(id).client_token, {0, 0, false, "exited"});
    world.provider->changed();
    world.settle();
  }
  SUBCASE("it stays") {
    world.controller.finish(id, world.now());
    world.advance(30s);
    CHECK(world.cloud.terminate_calls > 0);
  }
  SUBCASE("it is silent: nothing is waited for") {
    world.controller.say(id, AgentActivity::lost, EndReason::session_lost, "silent");
    world.settle();
  }
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("Jenkins' agents never leave by themselves: their cloud is called at once") {
  World world;
  world.cloud.limits.own_exit = 30s;
  world.controller.endpoint.emplace();
  world.controller.endpoint->url = "https://jenkins.example.com/";
  world.controller.endpoint->program = ports::AgentProgram::jenkins;
  world.controller.endpoint->name = "footman-x";
  world.start();
  const auto id = world.busy_agent("1");
  CHECK(world.row(id).frozen_request.contains("https://jenkins.example.com/"));
  SUBCASE("as it was launched") {}
  SUBCASE("after a restart of the server") { world.restart(); }
  world.controller.finish(id, world.now());
  world.settle();
  CHECK(world.cloud.terminate_calls > 0);
  CHECK(world.row(id).state == AgentState::terminated);
}

TEST_CASE("a resource that ends by itself: its build is told why") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  const auto token = world.row(id).client_token;
  world.cloud.end(token, {std::nullopt, 9, true, "killed by signal 9, out of memory"});
  SUBCASE("the cloud tells, the session is over") {
    world.controller.say(id, AgentActivity::disconnected);
    world.provider->changed();
    world.settle();
  }
  SUBCASE("the session still stands: its last words are read first") {
    world.provider->changed();
    world.advance(kGoneGrace - 1ms);
    CHECK_FALSE(world.controller.removed.contains(id));
    world.advance(1ms);
  }
  SUBCASE("nobody tells: the next round finds it") {
    world.controller.say(id, AgentActivity::disconnected);
    world.advance(world.config.reconcile_every);
  }
  CHECK(world.controller.removed.at(id) == "killed by signal 9, out of memory");
  const auto row = world.row(id);
  CHECK(row.state == AgentState::terminated);
  CHECK(row.end_reason == EndReason::out_of_memory);
  CHECK(row.death.out_of_memory);
  CHECK(row.death.signal == 9);
  const auto& findings = world.fleet->last_reconcile().findings;
  CHECK(std::ranges::count(findings, Verdict::resource_gone, &Finding::verdict) == 1);
}

TEST_CASE("an agent that was killed inside its machine is told from a machine that went") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  model::DeathCertificate death{{}, 0, false, "no trace of it"};
  auto reason = EndReason::resource_gone;
  SUBCASE("the machine went") {}
  SUBCASE("killed") {
    death = {{}, 9, false, "killed by signal 9"};
    reason = EndReason::agent_exited;
  }
  SUBCASE("left") {
    death = {1, 0, false, "exit status 1"};
    reason = EndReason::agent_exited;
  }
  world.cloud.end(world.row(id).client_token, death);
  world.controller.say(id, AgentActivity::disconnected);
  world.provider->changed();
  world.settle();
  CHECK(world.controller.removed_for.at(id) == reason);
  CHECK(world.controller.removed.at(id) == death.text);
  CHECK(world.row(id).end_reason == reason);
  CHECK(World::has(world.timeline(id), "gone"));
}

TEST_CASE("a resource that the cloud took back: its build hears that it was a notice") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  const auto token = world.row(id).client_token;
  world.cloud.end(token, {std::nullopt, 9, false, "the spot capacity was taken back"});
  world.cloud.resources.at(token).resource.reclaimed = true;
  world.controller.say(id, AgentActivity::disconnected);
  world.provider->changed();
  world.settle();
  CHECK(world.row(id).end_reason == EndReason::notice);
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.controller.removed.at(id) == "the spot capacity was taken back");
}

TEST_CASE("a drained agent whose resource was taken back: its build hears that, also after a crash") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  REQUIRE(world.run(world.fleet->drain_agent(id)));
  REQUIRE(world.row(id).state == AgentState::draining);
  world.controller.removes = false;
  const auto token = world.row(id).client_token;
  world.cloud.end(token, {std::nullopt, 9, false, "the spot capacity was taken back"});
  world.cloud.resources.at(token).resource.reclaimed = true;
  world.controller.say(id, AgentActivity::disconnected);
  world.provider->changed();
  world.settle();
  CHECK(world.row(id).end_reason == EndReason::notice);
  REQUIRE_FALSE(world.controller.removed.contains(id));
  world.crash();
  world.controller.removes = true;
  world.start();
  world.advance(2min);
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.controller.removed_for.at(id) == EndReason::notice);
  CHECK(world.controller.removed.at(id) == "the spot capacity was taken back");
}

TEST_CASE("a one-shot agent that leaves after its build is not a loss") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.finish(id, world.now());
  world.cloud.end(world.row(id).client_token, {0, 0, false, "exit status 0"});
  world.provider->changed();
  world.settle();
  CHECK(world.row(id).end_reason == EndReason::build_finished);
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.fleet->last_reconcile().findings.empty());
}

TEST_CASE("an end under way is no difference between rows and resources; one that nobody asked for is") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.start();
  const auto id = world.busy_agent("1");
  const auto is_told = [&] {
    world.store_full = true;  // the row does not follow
    world.cloud.end(world.row(id).client_token, {0, 0, false, "exited"});
    world.provider->changed();
    world.advance(2s);
    CHECK(world.row(id).state == AgentState::online);
    return !world.fleet->last_reconcile().findings.empty();
  };
  SUBCASE("a person ended it") {
    world.store_full = true;
    (void)world.begin(world.fleet->terminate_agent(id, "enough"));
    CHECK_FALSE(is_told());
  }
  SUBCASE("drained, and its work is done") {
    world.controller.finish(id, world.now());
    world.settle();
    world.store_full = true;
    (void)world.begin(world.fleet->drain_agent(id));
    CHECK_FALSE(is_told());
  }
  SUBCASE("drained, at work") {
    world.store_full = true;
    (void)world.begin(world.fleet->drain_agent(id));
    CHECK(is_told());
  }
  SUBCASE("nobody asked for it") { CHECK(is_told()); }
}

TEST_CASE("log lines of an agent's end name its last build") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.nodes.at(id).seen.build = "17";
  world.controller.finish(id, world.now());
  world.settle();
  REQUIRE(world.row(id).state == AgentState::terminated);
  for (const auto* what : {"agent ends", "agent is gone"}) {
    CAPTURE(what);
    const auto line =
        std::ranges::find_if(world.log_lines, [&](const auto& one) { return one.starts_with(what); });
    REQUIRE(line != world.log_lines.end());
    CHECK(line->contains(" build=17"));
  }
}

TEST_CASE("a lost session: the agent is lost, its resource ended, the reason kept") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.controller.say(id, AgentActivity::lost, EndReason::session_lost, "nothing was heard of it for 1 min");
  world.settle();
  const auto row = world.row(id);
  CHECK(row.state == AgentState::terminated);
  CHECK(row.end_reason == EndReason::session_lost);
  CHECK(row.end_detail == "nothing was heard of it for 1 min");
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("an agent that was removed at its controller is ended; after a restart it gets time") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  SUBCASE("while the server runs") {
    world.controller.nodes.erase(id);
    world.controller.changed();
    world.settle();
    CHECK(world.row(id).end_reason == EndReason::session_lost);
  }
  SUBCASE("the controller comes later than the fleet") {
    const auto node = world.controller.nodes.at(id);
    world.controller.nodes.erase(id);
    world.restart();
    world.advance(1min);
    world.controller.nodes.emplace(id, node);
    world.controller.changed();
    world.advance(1h);
    CHECK(world.row(id).state == AgentState::online);
  }
  SUBCASE("the controller never knows it again") {
    world.controller.nodes.erase(id);
    world.restart();
    world.advance(world.config.templates[0].launch_deadline - 1min);
    CHECK(world.row(id).state == AgentState::online);
    world.advance(2min);
    CHECK(world.row(id).end_reason == EndReason::session_lost);
  }
}

TEST_CASE("draining") {
  World world;
  world.start();
  SUBCASE("an agent at work goes on and is ended when it is done") {
    const auto id = world.busy_agent("1");
    REQUIRE(world.run(world.fleet->drain_agent(id)));
    REQUIRE(world.run(world.fleet->drain_agent(id)));
    CHECK(world.row(id).state == AgentState::draining);
    CHECK(world.controller.nodes.at(id).draining);
    world.advance(10min);
    CHECK(world.cloud.alive() == 1);
    world.restart();
    world.settle();
    CHECK(world.row(id).state == AgentState::draining);
    world.controller.finish(id, world.now());
    world.settle();
    CHECK(world.row(id).state == AgentState::terminated);
    CHECK(world.row(id).end_reason == EndReason::drained);
  }
  SUBCASE("an agent that is on its way ends at once, and the item gets another") {
    world.submit("1");
    const auto id = world.only_agent().id;
    REQUIRE(world.run(world.fleet->drain_agent(id)));
    world.settle();
    CHECK(world.row(id).end_reason == EndReason::drained);
    CHECK(world.only_agent().for_item == "1");
  }
  SUBCASE("nobody knows it") {
    const auto status = world.run(world.fleet->drain_agent(AgentId("cloud-nobody")));
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Errc::not_found);
  }
}

TEST_CASE("terminating by hand: the build hears the reason") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  REQUIRE(world.run(world.fleet->terminate_agent(id, "it misbehaves")));
  world.settle();
  CHECK(world.controller.removed.at(id) == "it misbehaves");
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.row(id).end_detail == "it misbehaves");
  const auto again = world.run(world.fleet->terminate_agent(id, "again"));
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == Errc::not_found);
}

TEST_CASE("ending an agent whose launch was never answered leaves nothing behind") {
  World world;
  world.cloud.limits.listing_lag = 20s;
  world.cloud.launching = Launching::done_then_hangs;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  world.controller.withdraw("1");
  world.advance(10min);
  CHECK(world.row(id).state == AgentState::terminated);
  CHECK(world.cloud.ever.size() == 1);
  CHECK(world.cloud.alive() == 0);
}

TEST_CASE("a cloud that does not list a launch yet is not believed when it says gone") {
  World world;
  world.cloud.limits.listing_lag = 20s;
  world.cloud.launching = Launching::lost_answer;
  world.start();
  world.submit("1");
  const auto id = world.only_agent().id;
  REQUIRE(world.cloud.alive() == 1);
  world.controller.withdraw("1");
  world.advance(15s);
  CHECK(world.cloud.terminate_calls > 0);
  CHECK(world.row(id).state == AgentState::terminating);
  world.advance(1min);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.row(id).state == AgentState::terminated);
}

TEST_CASE("many endings at once are spread") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 1min;
  world.cloud.terminate_works = true;
  world.start();
  constexpr int kAgents = 600;
  for (int i = 0; i < kAgents; ++i) world.controller.submit(std::to_string(i), world.now());
  world.advance(1s);
  REQUIRE(world.cloud.alive() == kAgents);
  for (auto& [id, node] : world.controller.nodes) world.controller.connect(id, world.now());
  world.controller.items.clear();
  world.advance(2min);
  CHECK(world.cloud.alive() == 0);
  CHECK(world.live_agents().empty());
  CHECK(world.agents().size() == kEndedAgentsKept);
}

TEST_CASE("stop does not leave a person waiting") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  world.store_full = true;
  auto asked = world.begin(world.fleet->terminate_agent(id, "now"));
  auto asked_too = world.begin(world.fleet->drain_agent(id));
  REQUIRE_FALSE(asked->has_value());
  auto stopped = world.begin(as_status(world.fleet->stop()));
  REQUIRE(stopped->has_value());
  REQUIRE(asked->has_value());
  REQUIRE(asked_too->has_value());
  CHECK((*asked)->error().code == Errc::unavailable);
}

TEST_CASE("stop abandons what hangs and leaves the agents alone") {
  World world;
  world.start();
  const auto id = world.busy_agent("1");
  SUBCASE("a launch hangs") {
    world.cloud.launching = Launching::hangs;
    world.submit("2");
  }
  SUBCASE("the controller hangs") {
    world.controller.hangs = true;
    world.submit("2");
  }
  SUBCASE("a terminate is being repeated") {
    world.cloud.stop_takes = 1h;
    world.controller.finish(id, world.now());
    world.settle();
  }
  world.stop();
  world.controller.submit("3", world.now());
  world.provider->changed();
  world.advance(1min);
  CHECK(world.cloud.alive() == 1);
}
