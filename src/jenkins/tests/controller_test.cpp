// JenkinsController against the strict double of Jenkins.
#include <doctest/doctest.h>

#include <algorithm>

#include "jenkins/tests/fake_world.hpp"

using namespace footman;
using namespace footman::jenkins;
using namespace footman::jenkins::testing;

TEST_CASE("placeholders are made and stand, and the demand is empty") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  CHECK(world.run_until([&] { return world.placeholders_stand(); }));
  CHECK(world.jenkins->computers().size() == 2);
  CHECK(world.controller->trouble().empty());
  check_clean(world);
}

TEST_CASE("a freestyle build gets one agent, which is gone after it") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.is_over("app"); }));
  CHECK(world.run_until([&] { return is_quiet(world); }));
  CHECK(world.launched_for.size() == 1);
  CHECK(world.jenkins->starts().size() == 1);
  check_clean(world);
  REQUIRE(world.builds.size() == 2);
  CHECK(world.builds[1].title == "app #1");
  CHECK(world.builds[1].item_key == world.launched_for[0]);
  CHECK(world.builds[1].ended >= world.builds[1].started);
  CHECK(world.run_until([&] { return world.results["app #1"] == "SUCCESS"; }));
}

TEST_CASE("two parallel node steps of one run get an agent each, by their labels") {
  FakeWorld world({{{"linux"}, false}, {{"gpu", "big"}, false}});
  world.has_fleet = false;
  world.add_pipeline("pipe", {"linux", "gpu && big"});
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return world.controller->demand().size() == 2; }));
  std::vector<std::string> labels;
  for (const auto& item : world.controller->demand()) labels.push_back(item.label);
  std::ranges::sort(labels);
  CHECK(labels == std::vector<std::string>{"gpu&&big", "linux"});
  CHECK(world.controller->demand()[0].title == "pipe #1");
}

TEST_CASE("a pipeline with two steps at once: each on a node of its own, in the right label") {
  FakeWorld world;
  world.add_pipeline("pipe", {"linux", "linux && big"});
  world.start();
  world.run(10s);
  world.trigger("pipe");
  REQUIRE(world.run_until([&] { return world.is_over("pipe"); }));
  CHECK(world.run_until([&] { return is_quiet(world); }));
  CHECK(world.launched_for.size() == 2);
  REQUIRE(world.jenkins->starts().size() == 2);
  CHECK(world.jenkins->starts()[0].node != world.jenkins->starts()[1].node);
  check_clean(world);
}

TEST_CASE("many builds at once, as short as can be: one agent each, one build each") {
  FakeWorld world;
  for (int i = 0; i < 20; ++i) world.add_freestyle("app" + std::to_string(i), "linux", 0s);
  world.start();
  world.run(10s);
  for (int i = 0; i < 20; ++i) world.trigger("app" + std::to_string(i));
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 20; }));
  CHECK(world.run_until([&] { return is_quiet(world); }, 5min));
  CHECK(world.launched_for.size() == 20);
  std::set<std::string> nodes;
  for (const auto& one : world.jenkins->starts()) nodes.insert(one.node);
  CHECK(nodes.size() == 20);
  std::map<std::string, std::string> told;  // each build, however short, with its node
  for (const auto& one : world.builds)
    if (one.ended.is_set()) told[one.node] = one.title;
  for (const auto& one : world.jenkins->starts()) CHECK(told[one.node] == one.job + " #1");
  check_clean(world);
}

TEST_CASE("builds that are over before Jenkins is looked at again are told all the same, with their times") {
  FakeWorld world;
  world.settings.open_pace = world.settings.busy_pace = world.settings.idle_pace = 5s;
  world.add_freestyle("app", "linux", 200ms);
  world.add_pipeline("pipe", {"linux"}, 0s);
  world.start();
  world.run(20s);
  for (const auto* job : {"app", "pipe"}) {
    world.trigger(job);
    REQUIRE(world.run_until([&] { return world.is_over(job) && is_quiet(world); }, 5min));
  }
  REQUIRE(world.builds.size() == 4);
  const auto& app = world.builds[1];
  CHECK(app.title == "app #1");
  CHECK(app.build == "job/app/1/");
  CHECK(app.node == world.jenkins->starts()[0].node);
  CHECK(app.item_key == world.launched_for[0]);
  CHECK(app.ended - app.started >= 200ms);
  CHECK(app.ended - app.started < 2s);
  CHECK(world.builds[3].title == "pipe #1");
  CHECK(world.run_until(
      [&] { return world.results["app #1"] == "SUCCESS" && world.results["pipe #1"] == "SUCCESS"; }));
  check_clean(world);
}

TEST_CASE("builds of one label beyond what placeholders need: a second build never slips in") {
  FakeWorld world;
  world.launch_time = 100ms;
  for (int i = 0; i < 4; ++i) world.add_freestyle("true" + std::to_string(i), "linux", 0s);
  world.start();
  world.run(10s);
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 4; ++i) world.trigger("true" + std::to_string(i));
    REQUIRE(world.run_until([&] { return world.is_over("true3", round) && is_quiet(world); }, 5min));
  }
  for (const auto& one : world.jenkins->starts()) CHECK(world.starts_on(one.node) == 1);
  check_clean(world);
}

TEST_CASE("a Jenkins that is left keeps what is at work, and nothing of ours in the end") {
  FakeWorld world;
  world.add_freestyle("app", "linux", 60s);
  world.add_freestyle("late", "linux");
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 1; }));
  world.controller->leave();
  world.trigger("late");
  world.run(20s);
  CHECK_FALSE(world.placeholders_stand());
  CHECK_FALSE(world.left);
  CHECK(world.agent_nodes().size() == 1);
  REQUIRE(world.run_until([&] { return world.left; }, 2min));
  CHECK(world.is_over("app"));
  CHECK(world.jenkins->computers().empty());
  CHECK(world.jenkins->starts().size() == 1);
  world.run(kResultAfter + 1s);
  const auto sent = world.transport->sent;
  world.run(1min);
  CHECK(world.transport->sent == sent);  // it is left alone
  world.controller->come_back();
  CHECK(world.run_until([&] { return world.is_over("late"); }));
  // That names come again is complained of, with reason; but placeholders never have a build.
  for (const auto& text : world.jenkins->violations()) CHECK(text.contains("footman-placeholder-"));
}

TEST_CASE("when Footman is detached, agents at work finish, and idle ones are done and get no builds") {
  FakeWorld world;
  world.max_builds = 9;
  world.add_freestyle("first", "linux", 1s);
  world.add_freestyle("app", "linux", 60s);
  world.add_freestyle("late", "linux");
  world.start();
  world.run(10s);
  world.trigger("first");
  REQUIRE(world.run_until([&] { return world.is_over("first"); }));
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 2; }));
  SUBCASE("it is idle") {
    REQUIRE(world.run_until([&] { return world.is_over("app"); }, 2min));
  }
  SUBCASE("it is at work") {}
  world.run(3s);
  REQUIRE(!world.agents.empty());
  CHECK(world.controller->takes_agents());
  REQUIRE(world.wait(world.controller->detach()));
  CHECK(!world.controller->takes_agents());
  world.trigger("late");
  REQUIRE(world.run_until([&] { return is_quiet(world); }, 2min));
  CHECK(world.is_over("app"));
  CHECK(world.jenkins->starts().size() == 2);
  check_clean(world);
}

TEST_CASE("what stands under a former prefix is removed, and that of others is not") {
  FakeWorld world;
  world.start();
  REQUIRE(world.run_until([&] { return world.placeholders_stand(); }));
  world.stop();
  world.settings.prefix = "agents-";
  world.former_prefixes = {"footman-"};
  world.start();
  REQUIRE(world.run_until([&] { return world.placeholders_stand(); }, 30s));
  REQUIRE(world.run_until([&] { return world.jenkins->computers().size() == 2; }, 30s));
  world.stop();
  world.settings.prefix = "third-";
  world.settings.installation = "i2";
  world.former_prefixes = {"agents-"};
  world.start();
  world.run(30s);
  CHECK(world.jenkins->computers().size() == 4);
  check_clean(world);
}

TEST_CASE("a violation is known after a restart of the server") {
  FakeWorld world;
  world.add_freestyle("app", "linux", std::nullopt);
  world.add_freestyle("slips", "linux", std::nullopt);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return !world.builds.empty(); }));
  world.run(2s);
  world.stop();
  // Somebody opens the node.
  (void)world.jenkins->handle({"POST",
                               "/computer/" + world.agent_nodes().at(0) + "/toggleOffline",
                               {{"Authorization", "Basic YWRtaW46YWRtaW4tdG9rZW4="}},
                               {}},
                              world.now());
  world.trigger("slips");
  world.jenkins->finish("app", 1, BuildResult::success, world.now());
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 2; }));
  world.start();
  REQUIRE(world.run_until([&] { return !world.controller->status().violations.empty(); }));
  world.restart();
  CHECK(world.controller->status().violations.size() == 1);
  CHECK(world.controller->status().violations.front().contains("after job/app/1/ came job/slips/1/"));
}

TEST_CASE("another Footman with the same prefix is named, and nothing of its is touched") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  REQUIRE(world.run_until([&] { return world.placeholders_stand(); }));
  world.stop();
  world.settings.installation = "i2";
  world.start();
  REQUIRE(world.run_until([&] { return world.controller->trouble().contains("installation i1"); }, 30s));
  CHECK(world.controller->trouble().contains("2 nodes"));
  world.trigger("app");
  CHECK(world.run_until([&] { return world.is_over("app"); }));
  CHECK(world.jenkins->computers().size() >= 2);
  check_clean(world);
}

TEST_CASE("an item that is cancelled while its agent starts leaves nothing behind") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  const auto item = world.trigger("app");
  REQUIRE(world.run_until([&] { return world.agent_nodes().size() == 1; }));
  REQUIRE(world.jenkins->cancel(item, world.now()));
  CHECK(world.run_until([&] { return is_quiet(world); }));
  CHECK(world.jenkins->starts().empty());
  check_clean(world);
}

TEST_CASE("a quiet period, a blocked build and a label that nobody serves launch nothing") {
  FakeWorld world;
  world.add_freestyle("app", "linux", std::nullopt);
  world.add_freestyle("other", "windows");
  world.start();
  world.run(10s);
  REQUIRE(world.jenkins->trigger("app", world.now(), 5s));
  world.trigger("other");
  world.run(4s);
  CHECK(world.launched_for.empty());
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 1; }));
  world.trigger("app");
  world.run(30s);
  CHECK(world.launched_for.size() == 1);
  const auto& items = world.controller->overview().items();
  REQUIRE(items.size() == 2);
  for (const auto& one : items)
    CHECK(one.verdict == (one.item.task == "job/app/" ? Verdict::blocked : Verdict::not_served));
  world.jenkins->finish("app", 1, BuildResult::success, world.now());
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 2; }));
  CHECK(world.launched_for.size() == 2);
  check_clean(world);
}

TEST_CASE("kept agents take one build after the other, and are held for their last one") {
  FakeWorld world;
  world.max_builds = 3;
  for (int i = 0; i < 3; ++i) world.add_freestyle("app" + std::to_string(i), "linux", 2s);
  world.start();
  world.run(10s);
  world.trigger("app0");
  REQUIRE(world.run_until([&] { return world.jenkins->starts().size() == 1; }));
  const auto node = world.jenkins->starts()[0].node;
  // As many agents as builds: with its own one gone an agent waits in vain, and ends as surplus.
  world.has_fleet = false;
  world.trigger("app1");
  REQUIRE(world.run_until([&] { return world.is_over("app1"); }));
  world.run(3s);
  CHECK(world.controller->observe_agent(AgentId("t-1")).activity == AgentActivity::idle);
  CHECK(world.controller->observe_agent(AgentId("t-1")).builds_done == 2);
  world.trigger("app2");
  REQUIRE(world.run_until([&] { return world.starts_on(node) == 3; }));
  REQUIRE(world.run_until([&] { return world.jenkins->computers().at(node).held.has_value(); }, 1s));
  REQUIRE(world.run_until([&] { return world.is_over("app2"); }));
  world.run(3s);
  CHECK(world.controller->observe_agent(AgentId("t-1")).activity == AgentActivity::done);
  CHECK(world.controller->observe_agent(AgentId("t-1")).end_reason == model::EndReason::max_builds);
  check_clean(world);
}

TEST_CASE("the server dies at any moment of a build's life: one agent, one build, nothing left") {
  for (int at = 0; at < 60; ++at) {
    FakeWorld world;
    world.launch_time = 1s;
    world.add_freestyle("app", "linux", 2s);
    world.start();
    world.run(10s);
    world.trigger("app");
    CAPTURE(at);
    world.run(at * 100ms);
    world.restart(at % 3 * 1s);
    REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }, 10min));
    CHECK(world.launched_for.size() == 1);
    CHECK(world.jenkins->starts().size() == 1);
    check_clean(world);
  }
}

TEST_CASE("an agent that dies with its build: its node says why for ten minutes, and goes") {
  FakeWorld world;
  world.add_freestyle("app", "linux", std::nullopt);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.builds.size() == 1; }));
  const auto id = world.builds[0].agent;
  const auto node = world.builds[0].node;
  world.wishes[id] = {model::EndReason::out_of_memory, "It was ended by signal 9: out of memory."};
  world.kill_machine(id);
  REQUIRE(world.run_until([&] { return world.agents.empty(); }));
  world.run(2s);
  REQUIRE(world.jenkins->computers().contains(node));
  const auto& held = world.jenkins->computers().at(node).held;
  REQUIRE(held);
  CHECK(held->message == "Footman: It was ended by signal 9: out of memory.");
  CHECK(world.controller->observe_agent(id).activity == AgentActivity::unknown);
  world.run(9min);
  CHECK(world.jenkins->computers().contains(node));
  CHECK(world.run_until([&] { return is_quiet(world); }, 2min));
  check_clean(world);
}

TEST_CASE("a node that is deleted by hand ends its agent; the build that waits gets another one") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.launch_time = 5s;
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.agents.size() == 1 && world.agents.begin()->second.launched; }));
  const auto node = world.agent_nodes().at(0);
  (void)world.jenkins->handle(
      {"POST", "/computer/" + node + "/doDelete", {{"Authorization", "Basic YWRtaW46YWRtaW4tdG9rZW4="}}, {}},
      world.now());
  REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }, 5min));
}

TEST_CASE("nodes of this installation without a record go, those of others stay") {
  FakeWorld world;
  world.start();
  world.run(10s);
  const Requests requests("scaler", Secret("scaler-token"));
  const auto make = [&](const std::string& name, const std::string& description) {
    auto request = requests.create_node({name, description, {"linux"}, "/x", false, false});
    const auto done = world.wait(world.transport->send(std::move(request)));
    REQUIRE(done);
    REQUIRE(done->status == 302);
  };
  make("footman-lost", "Agent lost (Footman installation i1)");
  make("footman-other", "Agent other (Footman installation i2)");
  make("footman-hand", "by hand");
  make("theirs", "Agent lost (Footman installation i1)");
  world.run(30s);
  CHECK(world.agent_nodes() == std::vector<std::string>{"footman-hand", "footman-other"});
  CHECK(world.jenkins->computers().contains("theirs"));
}

TEST_CASE("while its records are in doubt, nodes that they do not know are left alone") {
  FakeWorld world;
  world.settings.keeps_unknown = true;
  world.start();
  world.run(10s);
  auto request =
      Requests("scaler", Secret("scaler-token"))
          .create_node(
              {"footman-lost", "Agent lost (Footman installation i1)", {"linux"}, "/x", false, false});
  REQUIRE(world.wait(world.transport->send(std::move(request))));
  world.controller->set_settings(world.settings);
  world.run(30s);
  CHECK(world.agent_nodes() == std::vector<std::string>{"footman-lost"});
  world.settings.keeps_unknown = false;
  world.restart();
  CHECK(world.run_until([&] { return world.agent_nodes().empty(); }));
}

TEST_CASE("placeholders are repaired, follow the labels, and go when Footman is detached") {
  FakeWorld world;
  world.start();
  world.run(10s);
  std::vector<std::string> names;
  for (const auto& [name, computer] : world.jenkins->computers()) names.push_back(name);
  REQUIRE(names.size() == 2);
  const Requests requests("scaler", Secret("scaler-token"));
  REQUIRE(world.wait(world.transport->send(requests.toggle(names[0], {}))));
  REQUIRE(world.wait(world.transport->send(requests.delete_node(names[1]))));
  REQUIRE(world.run_until([&] { return world.jenkins->computers().size() == 2; }));
  CHECK(world.run_until([&] { return world.jenkins->computers().at(names[0]).held.has_value(); }));
  world.settings.demand.served = {{{"arm"}, false}};
  world.restart();
  REQUIRE(world.run_until([&] {
    const auto& computers = world.jenkins->computers();
    return !computers.contains(names[0]) && !computers.contains(names[1]);
  }));
  CHECK(world.jenkins->computers().size() == 2);
  const auto removed = world.wait(world.controller->detach());
  REQUIRE(removed);
  CHECK(*removed == 2);
  world.run(30s);
  CHECK(world.jenkins->computers().empty());
}

TEST_CASE("a Jenkins that is away is detached all the same, and loses its placeholders later") {
  FakeWorld world;
  world.start();
  world.run(10s);
  world.jenkins->restart(true, 10s, world.now());
  const auto removed = world.wait(world.controller->detach());
  REQUIRE(!removed);
  CHECK(removed.error().code == Errc::unavailable);
  CHECK(removed.error().message.starts_with(
      "Footman is detached from the Jenkins ci, and its placeholders go"));
  CHECK(world.controller->status().detached);
  CHECK(world.run_until([&] { return world.jenkins->computers().empty(); }, 3min));
}

TEST_CASE("while Jenkins is away: what was seen last, one sentence, and all goes on afterwards") {
  FakeWorld world;
  world.add_freestyle("app", "linux", 30s);
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.builds.size() == 1; }));
  world.jenkins->add_fault({Fault::Kind::lost_request, {}, {}, -1, 0, {}});
  world.run(10s);
  CHECK(world.controller->trouble().starts_with("It cannot be reached since "));
  CHECK(world.controller->observe_agent(world.builds[0].agent).activity == AgentActivity::busy);
  world.jenkins->clear_faults();
  world.run(10s);
  CHECK(world.controller->trouble().empty());
  REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }, 5min));
  CHECK(world.launched_for.size() == 1);
  check_clean(world);
}

TEST_CASE("a proxy's page instead of JSON is named, and nothing is concluded from it") {
  FakeWorld world;
  world.start();
  world.run(10s);
  world.jenkins->add_fault({Fault::Kind::proxy_page, {}, "/queue/", -1, 200, {}});
  world.run(5s);
  CHECK(world.controller->trouble().contains("no JSON came"));
}

TEST_CASE("a user without Job/Read is trouble while nothing waits and nothing runs") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  auto rights = FakeJenkins::least_rights();
  rights.erase(Right::job_read);
  world.jenkins->set_rights("scaler", rights);
  world.start();
  REQUIRE(world.run_until([&] { return world.controller->trouble().contains("Job/Read"); }, 10s));
  world.jenkins->set_rights("scaler", FakeJenkins::least_rights());
  CHECK(world.run_until([&] { return world.controller->trouble().empty(); }, kAskJobsAgain + 1s));
}

TEST_CASE("a token that is not taken any more is trouble at once; only when that lasts is it asked rarely") {
  FakeWorld world;
  world.start();
  world.run(10s);
  world.jenkins->set_token("scaler", "another");
  world.run(2s);
  CHECK(world.controller->status().reach == "refused");
  CHECK(world.controller->trouble().contains("user and API token are not taken (HTTP 401)"));
  world.jenkins->set_token("scaler", "scaler-token");
  world.run(kLongestPause + 1s);
  CHECK(world.controller->status().reach == "well");
  world.jenkins->set_token("scaler", "another");
  world.run(2min);
  CHECK(world.controller->status().reach == "refused");
  CHECK(world.controller->trouble().contains("user and API token are not taken (HTTP 401)"));
  world.jenkins->set_token("scaler", "scaler-token");
  world.run(1min);
  CHECK(world.controller->status().reach == "well");
}

TEST_CASE("each right that is missing is named") {
  const std::pair<Right, std::string> rights[] = {
      {Right::agent_create, "hudson.model.Computer.Create"},
      {Right::agent_disconnect, "hudson.model.Computer.Disconnect"},
      {Right::agent_delete, "hudson.model.Computer.Delete"}};
  for (const auto& [right, name] : rights) {
    FakeWorld world;
    world.add_freestyle("app", "linux");
    auto rights_left = FakeJenkins::least_rights();
    rights_left.erase(right);
    world.jenkins->set_rights("scaler", rights_left);
    world.start();
    world.run(10s);
    world.trigger("app");
    world.run(30s);
    CAPTURE(name);
    CHECK(world.controller->trouble().contains("scaler is missing the permission " + name));
    CHECK(world.controller->status().reach == "well");
  }
}

TEST_CASE("the pace: few calls while nothing goes on, a launch soon after an item is there") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(30s);
  const auto before = world.transport->sent;
  world.run(60s);
  CHECK(world.transport->sent - before <= 180);
  world.has_fleet = false;
  world.trigger("app");
  CHECK(world.run_until([&] { return world.controller->demand().size() == 1; }, 500ms));
}

TEST_CASE("answers that are lost and requests that never arrive: one build, nothing is left") {
  for (const auto kind : {Fault::Kind::lost_answer, Fault::Kind::lost_request}) {
    for (const auto* path :
         {"doCreateItem", "toggleOffline", "jenkins-agent.jnlp", "doDelete", "/computer/api"}) {
      FakeWorld world;
      world.add_freestyle("app", "linux");
      world.start();
      world.run(10s);
      world.jenkins->add_fault({kind, {}, path, 2, 0, {}});
      world.trigger("app");
      CAPTURE(path);
      REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }, 10min));
      CHECK(world.jenkins->starts().size() == 1);
      check_clean(world);
    }
  }
}

TEST_CASE("Jenkins' clock is another one: times are corrected, and it is said") {
  FakeWorld world;
  world.jenkins->set_clock_offset(-1h);
  world.has_fleet = false;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  world.trigger("app");
  REQUIRE(world.run_until([&] { return world.controller->demand().size() == 1; }));
  const auto since = world.controller->demand()[0].since;
  CHECK(std::chrono::abs(since - world.now()) < 5s);
  CHECK(world.controller->trouble().contains("behind this one"));
}

TEST_CASE("an item that left the queue gets no node") {
  FakeWorld world;
  world.has_fleet = false;
  world.start();
  world.run(10s);
  const auto answer =
      world.wait(world.controller->register_agent({AgentId("x"), 1, {"linux"}, 1, "7-8-job/x/", 1min}));
  REQUIRE(!answer);
  CHECK(answer.error().code == Errc::unavailable);
  CHECK(world.agent_nodes().empty());
  CHECK(world.book.records.empty());
}

TEST_CASE("the book cannot be written: no node is made") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  world.book.fails = true;
  world.trigger("app");
  world.run(10s);
  CHECK(world.agent_nodes().empty());
  world.book.fails = false;
  REQUIRE(world.run_until([&] { return world.is_over("app") && is_quiet(world); }, 5min));
  check_clean(world);
}

TEST_CASE("five hundred items at once are demand within a second, with few lists read") {
  FakeWorld world;
  world.has_fleet = false;
  for (int i = 0; i < 500; ++i) world.add_freestyle("app" + std::to_string(i), "linux");
  world.start();
  world.run(10s);
  for (int i = 0; i < 500; ++i) world.trigger("app" + std::to_string(i));
  const auto before = world.transport->sent;
  CHECK(world.run_until([&] { return world.controller->demand().size() == 500; }, 1s));
  CHECK(world.transport->sent - before <= 10);
}

TEST_CASE("a changed configuration: other labels are served, by another token, without a restart") {
  FakeWorld world;
  world.add_freestyle("app", "gpu");
  world.start();
  REQUIRE(world.run_until([&] { return world.placeholders_stand(); }));
  world.trigger("app");
  world.run(10s);
  CHECK(world.launched_for.empty());
  world.jenkins->set_token("scaler", "another");
  world.settings.token = Secret("another");
  world.settings.demand.served = {{{"gpu"}, false}};
  world.settings.prefix = "no-other-prefix-";
  world.controller->set_settings(world.settings);
  CHECK(!world.placeholders_stand());
  REQUIRE(world.run_until([&] { return world.is_over("app"); }));
  CHECK(world.run_until([&] { return is_quiet(world) && world.placeholders_stand(); }));
  CHECK(world.jenkins->computers().size() == 2);  // those of the labels before are gone
  CHECK(world.controller->trouble().empty());
  check_clean(world);
}

TEST_CASE("how an agent reaches Jenkins") {
  FakeWorld world;
  world.settings.java_options = "-Xmx1g";
  world.start();
  const auto find = [&] { return world.controller->find_endpoint(AgentId("here-a")).value(); };
  auto wanted = ports::AgentEndpoint{};
  wanted.url = "http://jenkins.example.test:8080/";
  wanted.program = ports::AgentProgram::jenkins;
  wanted.name = "footman-here-a";
  wanted.web_socket = true;
  wanted.java_options = "-Xmx1g";
  CHECK(find() == wanted);
  world.settings.connection = AgentConnection::tcp;
  world.settings.agent_url = wanted.url = "https://balancer/";
  world.settings.tunnel = wanted.tunnel = "balancer:50000";
  world.settings.insecure = wanted.insecure = true;
  wanted.web_socket = false;
  world.controller->set_settings(world.settings);
  CHECK(find() == wanted);
  world.stop();
  world.settings.ca_pem = wanted.ca_pem = "PEM";
  wanted.only_ca = true;
  world.start();
  CHECK(find() == wanted);
}

TEST_CASE("an agent whose build has left the queue and is not seen yet is not idle") {
  FakeWorld world;
  world.add_freestyle("app", "linux");
  world.start();
  world.run(10s);
  int given = 0;
  for (int round = 1; round <= 10; ++round) {
    // It is shown by the list of all nodes alone.
    const auto of_node = "t-" + std::to_string(round) + "/api/json";
    world.jenkins->add_fault({Fault::Kind::lost_request, "GET", of_node, -1, 0, {}});
    world.trigger("app");
    REQUIRE(world.run_until([&] {
      for (const auto& [id, agent] : world.agents) {
        if (!agent.launched || !world.controller->demand().empty()) continue;
        const auto seen = world.controller->observe_agent(id);
        CHECK(seen.activity != AgentActivity::idle);
        if (seen.activity == AgentActivity::busy && !seen.started) ++given;
      }
      return world.is_over("app", round) && is_quiet(world);
    }));
  }
  CHECK(given > 0);
}
