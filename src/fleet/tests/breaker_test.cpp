// A template's circuit breaker: what the fleet tells it and what it does with it.
#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/stored_breaker.hpp"
#include "fleet/tests/world.hpp"

using namespace footman;
using namespace footman::fleet;
using namespace footman::fleet::testing;
using namespace std::chrono_literals;
using model::AgentState;
using model::EndReason;
using model::FailureClass;

namespace {

const BreakerView& breaker(const World& world) {
  static BreakerView view;
  view = world.fleet->list_clouds()[0].templates[0].breaker;
  return view;
}

void submit_many(World& world, int count) {
  for (int i = 1; i <= count; ++i) world.controller.submit(std::to_string(i), world.now());
  world.settle();
}

int waiting_with(const World& world, const std::string& code) {
  return static_cast<int>(std::ranges::count_if(world.controller.items, [&](const ports::DemandItem& item) {
    const auto& reasons = world.controller.reasons;
    return reasons.contains(item.key) && reasons.at(item.key).code == code;
  }));
}

// Everything that was launched so far is at work, on whatever waits.
void play(World& world) {
  for (int i = 0; i < 2; ++i) {
    world.play_agents();
    world.settle();
  }
}

// Until the pause of the open breaker is over.
void wait_for_probe(World& world) {
  REQUIRE(breaker(world).state == "open");
  const auto pause = breaker(world).next_probe - world.now();
  if (pause > 1us) {
    const auto calls = world.cloud.launch_calls;
    world.advance(pause - 1us);
    CHECK(world.cloud.launch_calls == calls);
  }
  world.advance(1ms);
}

// So many of those that run end at once by themselves.
void kill(World& world, int count) {
  for (const auto& [token, held] : world.cloud.resources) {
    if (count == 0) break;
    if (held.resource.state != ports::ResourceState::running) continue;
    world.cloud.end(token, {1, 0, false, "exit status 1"});
    --count;
  }
  REQUIRE(count == 0);
  world.provider->changed();
  world.settle();
}

}  // namespace

TEST_CASE("no capacity: however many wait, one is tried at a time, and all go when that one is taken") {
  World world;
  world.cloud.launching = Launching::refused;
  world.start();
  submit_many(world, 20);
  const auto wave = world.cloud.launch_calls;
  CHECK(wave <= 20);
  CHECK(breaker(world).state == "open");
  CHECK(breaker(world).failure == "capacity");
  CHECK(breaker(world).reason == "no capacity here");
  CHECK(breaker(world).failures == 1);  // one wave, one failure
  CHECK(waiting_with(world, "template_open") == 20);
  const auto& reason = world.controller.reasons.at("7");
  CHECK(reason.text.find("no capacity here") != std::string::npos);
  CHECK(reason.look_again == breaker(world).next_probe);
  wait_for_probe(world);
  CHECK(world.cloud.launch_calls == wave + 1);
  CHECK(breaker(world).failures == 2);
  wait_for_probe(world);
  CHECK(world.cloud.launch_calls == wave + 2);
  world.cloud.launching = Launching::answered;
  wait_for_probe(world);
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 20);
  CHECK(world.live_agents().size() == 20);
}

TEST_CASE(
    "a resource that the cloud could not start says why: what only a person mends disables the template") {
  World world;
  world.start();
  submit_many(world, 1);
  const auto token = world.only_agent().client_token;
  world.cloud.end(token, {std::nullopt, 0, false, "the image does not exist"});
  world.cloud.resources.at(token).resource.failure = FailureClass::image;
  world.provider->changed();
  world.settle();
  CHECK(breaker(world).state == "disabled");
  CHECK(breaker(world).failure == "image");
  CHECK(breaker(world).reason.find("the image does not exist") != std::string::npos);
  world.advance(24h);
  CHECK(world.cloud.launch_calls == 1);
}

TEST_CASE("while the probe is on its way nobody else is launched, over many plans") {
  World world;
  world.cloud.launching = Launching::refused;
  world.start();
  submit_many(world, 5);
  const auto wave = world.cloud.launch_calls;
  world.cloud.launching = Launching::hangs;
  wait_for_probe(world);
  REQUIRE(breaker(world).state == "half_open");
  const auto probe = world.only_agent().id;
  CHECK(breaker(world).probe == probe);
  CHECK(waiting_with(world, "template_half_open") == 4);
  CHECK(world.controller.reasons.at("5").text.find(probe.str()) != std::string::npos);
  CHECK(world.controller.reasons.at("5").look_again == world.only_agent().launch_deadline);
  for (int i = 0; i < 20; ++i) {
    world.fleet->look_again();
    world.advance(1s);
  }
  CHECK(world.cloud.launch_calls == wave + 1);
}

TEST_CASE("agents that die before their work: three strikes, then one at a time until one is at work") {
  World world;
  world.start();
  submit_many(world, 4);
  REQUIRE(world.cloud.alive() == 4);
  kill(world, 2);
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 4);  // it may have been chance
  kill(world, 3);
  CHECK(breaker(world).state == "open");
  CHECK(breaker(world).failure == "boot");
  CHECK(breaker(world).failures == 3);
  // One of the wave is left and comes up: it was launched before, so it proves nothing about the next.
  CHECK(world.cloud.alive() == 1);
  play(world);
  CHECK(breaker(world).state == "open");
  wait_for_probe(world);
  CHECK(breaker(world).state == "half_open");
  const auto probe = breaker(world).probe;
  REQUIRE_FALSE(probe.empty());
  CHECK(waiting_with(world, "template_half_open") == 2);
  CHECK(world.cloud.alive() == 2);
  world.controller.connect(probe, world.now());
  world.settle();
  CHECK(breaker(world).state == "half_open");  // the others had died after that, too
  world.controller.work(probe, world.fleet->find_agent(probe)->agent.for_item);
  world.settle();
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 4);
}

TEST_CASE("how long the server was away holds up nobody") {
  World world;
  world.start();
  submit_many(world, 4);
  world.crash();
  world.clock.set(world.clock.steady() + 10h);
  world.start();
  world.settle();
  kill(world, 3);
  REQUIRE(breaker(world).state == "open");
  CHECK(breaker(world).next_probe - world.now() <= 1min);
}

TEST_CASE("a probe that dies opens it for longer") {
  World world;
  world.start();
  submit_many(world, 3);
  kill(world, 3);
  for (std::uint32_t failures = 4; failures < 8; ++failures) {
    wait_for_probe(world);
    REQUIRE(breaker(world).state == "half_open");
    CHECK(world.cloud.alive() == 1);
    kill(world, 1);
    CHECK(breaker(world).state == "open");
    CHECK(breaker(world).failures == failures);
  }
}

TEST_CASE("a probe whose item goes away, or that a person ends, makes room for another one") {
  World world;
  world.start();
  submit_many(world, 3);
  kill(world, 3);
  wait_for_probe(world);
  const auto probe = breaker(world).probe;
  REQUIRE_FALSE(probe.empty());
  SUBCASE("all items go away") {
    world.controller.items.clear();
    world.controller.changed();
    world.settle();
    CHECK(breaker(world).state == "open");
    world.advance(1h);
    CHECK(world.cloud.alive() == 0);  // nothing is tried for nobody
    world.submit("9");
  }
  SUBCASE("a person ends it") { REQUIRE(world.run(world.fleet->terminate_agent(probe, "no"))); }
  SUBCASE("a person drains it") { REQUIRE(world.run(world.fleet->drain_agent(probe))); }
  world.advance(1s);
  CHECK(breaker(world).state == "half_open");
  CHECK(breaker(world).probe != probe);
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("a probe that stands there until its deadline is sound, though nobody had work for it") {
  World world;
  world.config.templates[0].max_builds = 0;
  world.config.templates[0].idle_timeout = 24h;
  world.start();
  submit_many(world, 3);
  kill(world, 3);
  wait_for_probe(world);
  const auto probe = world.only_agent();
  world.controller.connect(probe.id, world.now());
  world.controller.items.clear();
  world.submit("8");
  world.submit("9");
  world.advance(probe.launch_deadline - world.now() - 1us);
  CHECK(breaker(world).state == "half_open");
  world.advance(1us);
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 2);
}

TEST_CASE("a probe that cannot be recorded is none") {
  World world;
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  REQUIRE(breaker(world).state == "open");
  world.store_full = true;
  world.advance(10s);
  CHECK(world.cloud.launch_calls == 1);
  world.store_full = false;
  world.advance(10s);
  CHECK(world.cloud.alive() == 1);
  CHECK(breaker(world).state == "closed");
}

TEST_CASE("an agent that is given work and dies before it began is a failure as well") {
  World world;
  world.start();
  submit_many(world, 1);
  for (int i = 0; i < 3; ++i) {
    const auto id = world.only_agent().id;
    world.controller.connect(id, world.now());
    world.controller.nodes.at(id).seen.activity = ports::AgentActivity::busy;
    world.controller.nodes.at(id).seen.working_on = "1";
    world.controller.changed();
    world.settle();
    world.controller.say(id, ports::AgentActivity::lost, EndReason::session_lost, "silent");
    world.settle();
  }
  CHECK(breaker(world).state == "open");
  CHECK(breaker(world).failures == 3);
}

TEST_CASE("a reload keeps the breaker of a generation it does not touch; another one begins anew") {
  World world;
  world.cloud.refusal.failure = FailureClass::image;
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  CHECK(breaker(world).state == "disabled");
  world.config.templates[0].limits.agents = 7;
  world.config.templates[0].priority = 2;
  REQUIRE(world.run(world.fleet->apply_config(world.config)));
  CHECK(breaker(world).state == "disabled");
  CHECK(world.cloud.launch_calls == 1);
  SUBCASE("another generation") {
    world.config.templates[0].labels.emplace_back("more");
    REQUIRE(world.run(world.fleet->apply_config(world.config)));
  }
  SUBCASE("a restart, and the cause is gone") { world.restart(); }
  world.settle();
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 1);
}

TEST_CASE("each start of a server tries one agent of a template that was disabled, and no more") {
  World world;
  world.cloud.refusal.failure = FailureClass::permission;
  world.cloud.launching = Launching::refused;
  world.start();
  submit_many(world, 20);
  CHECK(breaker(world).state == "disabled");
  const auto since = breaker(world).since;
  auto calls = world.cloud.launch_calls;
  for (int starts = 0; starts < 3; ++starts) {
    CAPTURE(starts);
    world.advance(1min);
    world.restart();
    world.settle();
    CHECK(breaker(world).state == "disabled");
    CHECK(world.cloud.launch_calls == calls + 1);
    CHECK(waiting_with(world, "template_disabled") == 20);
    calls = world.cloud.launch_calls;
    world.advance(1h);
    CHECK(world.cloud.launch_calls == calls);
  }
  CHECK(breaker(world).since > since);

  world.cloud.launching = Launching::answered;  // the permission was granted
  world.restart();
  world.settle();
  CHECK(breaker(world).state == "closed");
  CHECK(world.cloud.alive() == 20);
  world.restart();
  CHECK(breaker(world).state == "closed");
}

TEST_CASE("what is stored of a breaker, and what is made of it") {
  policy::Breaker one;
  CHECK(encode_breaker(one, 7).empty());
  one.state = policy::BreakerState::disabled;
  one.since = Instant{5'000'000};
  one.failure = FailureClass::permission;
  one.reason = "may not \"run\"";
  one.failures = {2, 0, 1};
  const auto text = encode_breaker(one, 7);
  const Instant now{9'000'000};
  auto read = restore_breaker(text, 7, now);
  CHECK(read.state == policy::BreakerState::open);
  CHECK(policy::may_launch(read, now).launches == policy::Permission::one_probe);
  CHECK(read.since == one.since);
  CHECK(read.failure == one.failure);
  CHECK(read.reason == one.reason);
  CHECK(read.failures == one.failures);
  CHECK(restore_breaker(text, 7, Instant{1'000'000}).since == Instant{1'000'000});  // the clock was set back
  for (const auto& bad : {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
                          text.substr(0, text.size() / 2), std::string(R"({"generation":7,"failure":"x"})")})
    CHECK(restore_breaker(bad, 7, now) == policy::Breaker());
  CHECK(restore_breaker(text, 8, now) == policy::Breaker());
}

TEST_CASE("the other template takes what the one that is held cannot") {
  World world;
  world.config.templates[0].priority = 1;
  world.config.templates.push_back(make_template("other"));
  world.cloud.script = {Launching::refused};
  world.start();
  submit_many(world, 3);
  CHECK(world.cloud.alive() == 3);
  CHECK(waiting_with(world, "template_open") == 0);
}

TEST_CASE("the numbers show breakers and failures") {
  World world;
  world.cloud.script = {Launching::refused};
  world.start();
  world.submit("1");
  const auto text = world.metrics.expose();
  CHECK(text.find("footman_template_breakers{state=\"open\"} 1") != std::string::npos);
  CHECK(text.find("footman_template_breakers{state=\"closed\"} 0") != std::string::npos);
  CHECK(text.find("footman_launch_failures_total{failure=\"capacity\"} 1") != std::string::npos);
}

TEST_CASE("a launch deadline that is over before the cloud is asked makes no hot loop") {
  World world;
  world.config.templates[0].launch_deadline = Duration(0);
  world.start();
  submit_many(world, 1);
  CHECK(breaker(world).state == "open");
  CHECK(breaker(world).failure == "transient");
  CHECK(breaker(world).reason ==
        "the launch deadline of an agent was over before its cloud was asked to launch it");
  CHECK(waiting_with(world, "template_open") == 1);
  world.advance(10min);
  CHECK(world.cloud.launch_calls == 0);
  CHECK(std::ranges::count(world.moves, "record_launch_intents") < 30);
}

TEST_CASE("a launch deadline that no agent can meet makes no hot loop") {
  World world;
  world.config.templates[0].launch_deadline = 1us;
  world.start();
  submit_many(world, 1);
  world.advance(10min);
  CHECK(world.cloud.launch_calls < 30);
  CHECK(std::ranges::count(world.moves, "record_launch_intents") < 30);
}

TEST_CASE("a controller that does not take agents holds up the launches, not for ever") {
  World world;
  world.controller.registers = false;
  world.start();
  submit_many(world, 1);
  world.advance(20min);
  CHECK(breaker(world).reason.find("was over before its cloud was asked") != std::string::npos);
  world.controller.registers = true;
  world.advance(20min);
  CHECK(world.cloud.launch_calls > 0);
}

TEST_CASE("what an agent said last is part of why it ended, where that may say it") {
  World world;
  world.start();
  submit_many(world, 1);
  const auto agent = world.only_agent();
  auto& resource = world.cloud.resources.at(agent.client_token).resource;
  resource.last_lines = "no way to the proxy";
  const auto end = [&](int status) {
    world.cloud.end(agent.client_token, {status, 0, false, "It exited."});
    world.provider->changed();
    world.advance(1min);  // a connection that still stands is waited for
  };
  const auto certificate = [&] { return world.row(agent.id).death.text; };
  SUBCASE("it never came") {
    end(1);
    CHECK(certificate() == "It exited; it said last: no way to the proxy");
    CHECK(world.row(agent.id).end_detail == certificate());
  }
  SUBCASE("its deadline came first") {
    for (int i = 0; i < 3; ++i) {
      for (auto& [token, held] : world.cloud.resources) held.resource.last_lines = "no way to the proxy";
      world.advance(5min);
    }
    CHECK(world.row(agent.id).end_reason == EndReason::launch_deadline);
    CHECK(certificate() == "stopped as asked; it said last: no way to the proxy");
    CHECK(breaker(world).state == "open");
    CHECK(breaker(world).reason ==
          "an agent did not connect before its launch deadline: stopped as asked; it said last: no way to "
          "the proxy");
  }
  SUBCASE("it came, and did not leave in order") {
    world.controller.connect(agent.id, world.now());
    world.settle();
    end(1);
    CHECK(certificate() == "It exited; it said last: no way to the proxy");
  }
  SUBCASE("it came, and left in order") {
    world.controller.connect(agent.id, world.now());
    world.settle();
    end(0);
    CHECK(certificate() == "It exited.");
  }
  SUBCASE("it was not wanted any more") {
    world.controller.withdraw("1");
    world.settle();
    world.advance(1min);
    CHECK(certificate() == "stopped as asked");
  }
}

TEST_CASE("what an agent said last may be found long after its end") {
  World world;
  world.start();
  submit_many(world, 1);
  const auto agent = world.only_agent();
  const auto end = [&](int status) {
    world.cloud.end(agent.client_token, {status, 0, false, "It exited."});
    world.provider->changed();
    world.advance(1min);
  };
  const auto find_words = [&] {
    world.cloud.resources.at(agent.client_token).resource.last_lines = "no way to the proxy";
    world.provider->changed();
    world.advance(1s);
  };
  const auto certificate = [&] { return world.row(agent.id).death.text; };
  SUBCASE("it never came: its certificate, once, and those who wait") {
    model::Agent held;
    for (int strikes = 0; strikes < 3; ++strikes) {
      held = world.only_agent();
      world.cloud.end(held.client_token, {1, 0, false, "It exited."});
      world.provider->changed();
      world.settle();
    }
    CHECK(breaker(world).reason == "an agent ended before it connected: It exited.");
    world.cloud.resources.at(held.client_token).resource.last_lines = "no way to the proxy";
    for (int i = 0; i < 2; ++i) {
      world.provider->changed();
      world.settle();
    }
    CHECK(world.row(held.id).state == AgentState::terminated);
    CHECK(world.row(held.id).death.text == "It exited; it said last: no way to the proxy");
    CHECK(breaker(world).reason ==
          "an agent ended before it connected: It exited; it said last: no way to the proxy");
    const auto view = world.fleet->find_agent(held.id);
    REQUIRE(view);
    CHECK(view->agent.death.text == world.row(held.id).death.text);
  }
  SUBCASE("it came, and left in order") {
    world.controller.connect(agent.id, world.now());
    world.settle();
    end(0);
    find_words();
    CHECK(certificate() == "It exited.");
  }
  SUBCASE("it was not wanted any more") {
    world.controller.withdraw("1");
    world.settle();
    world.advance(1min);
    find_words();
    CHECK(certificate() == "stopped as asked");
  }
  SUBCASE("of another launch") {
    end(1);
    auto& resource = world.cloud.resources.at(agent.client_token).resource;
    resource.client_token = "another";
    find_words();
    CHECK(certificate() == "It exited.");
  }
}

TEST_CASE(
    "agents that never connect take a tenth of the time, and one is tried at once when a person wants that") {
  World world;
  world.config.templates[0].launch_deadline = 5min;
  world.start();
  submit_many(world, 1);
  for (int minute = 0; minute < 24 * 60; ++minute) world.advance(1min);
  const auto calls = world.cloud.launch_calls;
  CHECK(calls >= 10);  // nobody starves
  CHECK(calls <= 45);  // 288 would be all the time
  CHECK(breaker(world).failure == "connect");
  while (breaker(world).state != "open") world.advance(1min);
  CHECK(breaker(world).next_probe > world.now());
  const auto tried = world.cloud.launch_calls;
  CHECK(world.controller.reasons.at("1").text.ends_with("; `footman cloud resume cloud` tries one at once"));
  REQUIRE(world.run(world.fleet->resume_cloud(world.config.templates[0].cloud)));
  world.settle();
  CHECK(world.cloud.launch_calls == tried + 1);
  CHECK(breaker(world).state == "half_open");
}
