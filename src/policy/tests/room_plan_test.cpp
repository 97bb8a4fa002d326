#include "policy/room_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "policy/ledger.hpp"
#include "policy/provisioning_plan.hpp"

using namespace footman::policy;
using footman::model::AgentActivity;
using footman::model::AgentState;
using footman::model::EndReason;

namespace {

constexpr Instant kNow{100'000'000'000};
const ControllerName kController("main");

Item item(const std::string& key, const std::string& label, Duration waits) {
  return {{kController, key}, *footman::model::parse_label_expression(label), kNow - waits, "job " + key};
}

Template offer(const std::string& name) {  // its name is its label
  Template t;
  t.cloud = CloudName("here");
  t.name = TemplateName(name);
  t.labels = {name};
  return t;
}

Agent busy(const std::string& id, const std::string& of, Duration age = 1h) {
  Agent a;
  a.id = AgentId(id);
  a.cloud = CloudName("here");
  a.template_name = TemplateName(of);
  a.labels = {of};
  a.controller = kController;
  a.state = AgentState::online;
  a.activity = AgentActivity::busy;
  a.max_builds = 0;
  a.idle_timeout = 10min;
  a.planned = a.connected = kNow - age;
  return a;
}

// Two places, and linux agents take both.
Snapshot full_world() {
  Snapshot s;
  s.templates = {offer("linux"), offer("windows")};
  s.clouds = {{CloudName("here")}};
  s.agents = {busy("old", "linux", 2h), busy("new", "linux", 1h)};
  s.items = {item("young", "linux", 1min), item("patient", "windows", 10min)};
  return s;
}
Limits two_agents() {
  Limits limits;
  limits.all.most.agents = 2;
  return limits;
}
Plan plan_of(const Snapshot& s, Limits limits = two_agents()) { return plan_provisioning(s, limits, kNow); }

const Hold& hold_of(const Plan& plan, const std::string& key) {
  const auto it = std::ranges::find(plan.holds, key, [](const Hold& one) { return one.item.key; });
  REQUIRE(it != plan.holds.end());
  return *it;
}
void drain(Snapshot& s, const Plan& plan) {
  for (const auto& one : plan.drains)
    std::ranges::find(s.agents, one.agent, &Agent::id)->state = AgentState::draining;
}

}  // namespace

TEST_CASE("an item that waits behind agents that are always at work gets a place after ten minutes") {
  auto s = full_world();
  s.items[1] = item("patient", "windows", 10min - 1s);
  auto plan = plan_of(s);
  CHECK(plan.drains.empty());
  CHECK(plan.next_look == kNow + 1s);
  CHECK(hold_of(plan, "patient").text == "2 of 2 agents of this server exist");

  s.items[1] = item("patient", "windows", 10min);
  plan = plan_of(s);
  REQUIRE(plan.drains.size() == 1);
  CHECK(plan.drains[0].agent == AgentId("old"));
  CHECK(plan.drains[0].reason == EndReason::made_room);
  CHECK(
      plan.drains[0].text ==
      "job patient has waited for 10 min, and no agent that is kept fits it: this one ends after its build.");
  CHECK(hold_of(plan, "patient").text ==
        "2 of 2 agents of this server exist; agent old makes room for the one that waits longest, once the "
        "build is over");
  CHECK(hold_of(plan, "young").text == "2 of 2 agents of this server exist");

  SUBCASE("the wish that is not written down yet counts, as the state does") {
    s.agents[0].is_leaving = true;
    CHECK(plan_of(s).drains.empty());
    s.agents[0].is_leaving = false;
    drain(s, plan);
    const auto next = plan_of(s);
    CHECK(next.drains.empty());
    CHECK(hold_of(next, "patient").text == hold_of(plan, "patient").text);
  }
  SUBCASE("its place is for the item") {
    drain(s, plan);
    std::erase_if(s.agents, [](const Agent& one) { return one.id == AgentId("old"); });
    const auto next = plan_of(s);
    REQUIRE(next.launches.size() == 1);
    CHECK(next.launches[0].item.key == "patient");
  }
}

TEST_CASE("while an agent that fits is launched nothing drains for the next item") {
  auto s = full_world();
  s.items.push_back(item("patient too", "windows", 11min));
  std::erase_if(s.agents, [](const Agent& one) { return one.id == AgentId("old"); });
  const auto plan = plan_of(s);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].item.key == "patient too");
  CHECK(plan.drains.empty());

  auto launched = busy("fresh", "windows");
  launched.state = AgentState::connecting;
  launched.activity = AgentActivity::expected;
  launched.for_item = "patient too";
  s.agents.push_back(launched);
  SUBCASE("it stays, and takes the next one in its turn") { CHECK(plan_of(s).drains.empty()); }
  SUBCASE("it is for one build: then a place is made") {
    s.agents.back().max_builds = 1;
    CHECK(plan_of(s).drains.size() == 1);
  }
}

TEST_CASE("nothing drains where that is not needed") {
  auto s = full_world();
  SUBCASE("agents for one build end anyway") {
    for (auto& agent : s.agents) agent.max_builds = 1;
  }
  SUBCASE("an agent that stays fits the item, and takes it in its turn") {
    s.agents[1] = busy("new", "windows");
  }
  SUBCASE("one that fits is on its way for another item") {
    s.agents[1] = busy("new", "windows");
    s.agents[1].state = AgentState::connecting;
    s.agents[1].activity = AgentActivity::expected;
    s.agents[1].for_item = "other";
    s.items.push_back(item("other", "windows", 11min));
  }
  SUBCASE("one is idle, and makes room at once") {
    s.agents[1].activity = AgentActivity::idle;
    s.items.erase(s.items.begin());
  }
  SUBCASE("one drains already") { s.agents[1].state = AgentState::draining; }
  SUBCASE("an older item waits for the same limit, and is served") {
    s.items.push_back(item("older", "linux", 11min));
  }
  SUBCASE("no end of an agent would help") { s.clouds[0].pause_text = "by admin"; }
  CHECK(plan_of(s).drains.empty());
}

TEST_CASE("one place at a time: for the oldest item of each limit") {
  auto s = full_world();
  s.templates.push_back(offer("mac"));
  s.items.push_back(item("next", "mac", 10min));
  s.items.push_back(item("also", "windows", 10min));
  CHECK(plan_of(s).drains.size() == 1);

  s.templates[1].cloud = CloudName("there");  // with a limit of its own
  s.clouds.push_back({CloudName("there")});
  s.clouds.back().quota.most.agents = 1;
  s.agents.push_back(busy("far", "linux"));
  s.agents.back().cloud = CloudName("there");
  s.clouds[0].quota.most.agents = 2;
  const auto plan = plan_of(s, {});
  REQUIRE(plan.drains.size() == 2);
  CHECK(plan.drains[0].agent == AgentId("far"));
  CHECK(plan.drains[1].agent == AgentId("old"));
}

TEST_CASE("as many agents drain as an item needs of vCPU, and no more") {
  auto s = full_world();
  s.agents.push_back(busy("third", "linux", 30min));
  for (auto& agent : s.agents) agent.size.milli_cpus = 2000;
  s.templates[0].size.milli_cpus = 2000;
  s.templates[1].size.milli_cpus = 4000;
  Limits limits;
  limits.all.most.milli_cpus = 6000;
  const auto plan = plan_of(s, limits);
  REQUIRE(plan.drains.size() == 2);
  CHECK(plan.drains[0].agent == AgentId("new"));
  CHECK(plan.drains[1].agent == AgentId("old"));
  drain(s, plan);
  CHECK(plan_of(s, limits).drains.empty());

  // What becomes free first is kept.
  std::erase_if(s.agents, [](const Agent& one) { return one.id == AgentId("old"); });
  CHECK(plan_of(s, limits).launches.empty());
}

TEST_CASE("a steady stream of younger items: the ledger comes to the same end") {
  auto s = full_world();
  Ledger ledger;
  ledger.set_templates(s.templates);
  ledger.set_clouds(s.clouds);
  for (const auto& one : s.agents) ledger.put_agent(one);
  for (const auto& one : s.items) ledger.put_item(one);
  const auto plan = ledger.plan(two_agents(), kNow);
  REQUIRE(plan.drains.size() == 1);
  CHECK(plan.drains[0].agent == AgentId("old"));
  CHECK(hold_of(ledger.whole_plan(), "patient").text == hold_of(plan_of(s), "patient").text);

  auto draining = s.agents[0];
  draining.state = AgentState::draining;
  ledger.put_agent(draining);
  CHECK(ledger.plan(two_agents(), kNow + 1s).drains.empty());
  ledger.drop_agent(draining.id);
  const auto last = ledger.plan(two_agents(), kNow + 2s);
  REQUIRE(last.launches.size() == 1);
  CHECK(last.launches[0].item.key == "patient");
}

// Two limits of numbers, neither of them within the other, and builds without end for each of them.
TEST_CASE("an item that needs a place of two limits at once is not overtaken for ever") {
  Snapshot s;
  s.templates = {offer("both"), offer("near"), offer("far")};
  s.templates[0].labels = {"both", "linux"};
  s.templates[2].labels = {"far", "linux"};
  s.templates[2].cloud = CloudName("there");
  s.clouds = {{CloudName("here")}, {CloudName("there")}};
  s.clouds[0].quota.most.agents = 1;
  Limits limits;
  limits.labels["linux"].most.agents = 1;
  auto near_one = busy("near", "near", 1h);
  auto far_one = busy("far", "far", 1h);
  near_one.max_builds = far_one.max_builds = 1;
  far_one.cloud = CloudName("there");
  far_one.labels = {"far", "linux"};
  s.items = {item("patient", "both", 10min), item("next-near", "near", 1min), item("next-far", "far", 1min)};
  const auto launched = [&](Duration waits) {
    s.items[0].since = kNow - waits;
    std::string all;
    for (const auto& one : plan_of(s, limits).launches) all += one.item.key + " ";
    return all;
  };
  s.agents = {far_one};  // a place here is free, of which it could make no use
  CHECK(launched(10min) == "next-near ");
  s.agents = {near_one};  // one for linux is
  CHECK(launched(10min - 1s) == "next-far ");
  CHECK(launched(10min).empty());
  CHECK(hold_of(plan_of(s, limits), "next-far").text ==
        "0 of 1 agents with label 'linux' exist, and a place is kept for a build that waits longer");
  s.agents = {};
  CHECK(launched(10min) == "patient ");
}
