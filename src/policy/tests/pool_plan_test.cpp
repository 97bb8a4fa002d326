// Pools in plans: exactly so many agents without work as are wanted, after the items and within the caps.
#include "policy/pool_plan.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace footman::policy;
using footman::model::AgentActivity;
using footman::model::AgentState;
using footman::model::EndReason;
using footman::model::FailureClass;
using footman::model::LaunchReason;
using footman::model::PoolSize;

namespace {

constexpr Instant kNow{1'000'000'000};
const ControllerName kController("main");
const CloudName kCloud("local");

Item item(const std::string& key, const std::string& label = "linux") {
  return {{kController, key}, *footman::model::parse_label_expression(label), Instant{1}, "job " + key};
}
Template offer(const std::string& name, std::vector<std::string> labels, PoolSize pool = {}) {
  Template t;
  t.cloud = kCloud;
  t.name = TemplateName(name);
  t.labels = std::move(labels);
  t.pool = pool;
  t.pool_controller = kController;
  return t;
}
Agent agent(const std::string& id, AgentActivity activity, const std::string& of = "t") {
  Agent a;
  a.id = AgentId(id);
  a.cloud = kCloud;
  a.template_name = TemplateName(of);
  a.labels = {"linux"};
  a.controller = kController;
  a.activity = activity;
  a.state = activity == AgentActivity::expected ? AgentState::connecting : AgentState::online;
  a.idle_timeout = 1min;
  a.planned = a.connected = a.idle_since = kNow - 10s;
  return a;
}
Snapshot world(PoolSize pool) {
  Snapshot s;
  s.templates = {offer("t", {"linux"}, pool)};
  s.clouds = {{kCloud}};
  return s;
}
Plan plan(const Snapshot& s, const Limits& limits = {}) { return plan_provisioning(s, limits, kNow); }

std::size_t for_pools(const Plan& plan) {
  return static_cast<std::size_t>(
      std::ranges::count_if(plan.launches, [](const Launch& one) { return one.item.key.empty(); }));
}
// As the fleet does it; agents that end are gone when `ended` is true.
void apply(Snapshot& s, const Plan& plan, bool ended = false) {
  for (const auto& match : plan.matches)
    for (auto& a : s.agents)
      if (a.id == match.agent) a.for_item = match.item.key;
  for (const auto& end : plan.terminations)
    for (auto& a : s.agents)
      if (a.id == end.agent) a.state = ended ? AgentState::terminated : AgentState::terminating;
  for (const auto& launch : plan.launches) {
    auto a =
        agent(fmt::format("new-{}", s.agents.size()), AgentActivity::expected, launch.template_name.str());
    a.for_item = launch.item.key;
    a.planned = kNow;
    for (const auto& t : s.templates)
      if (t.name == launch.template_name) a.labels = t.labels;
    s.agents.push_back(a);
  }
}

}  // namespace

TEST_CASE("what is missing is launched, once") {
  auto s = world({.min_idle = 2});
  const auto first = plan(s);
  REQUIRE(first.launches.size() == 2);
  CHECK(first.launches[0].item == ItemRef{kController, ""});
  CHECK(first.launches[0].reason == LaunchReason::pool_minimum);
  CHECK(first.launches[0].text == "the pool of template 't' wants 2 agents without work and has 0");
  CHECK(first.pools.at(0).target == 2);
  CHECK(first.pools.at(0).on_way == 2);
  apply(s, first);
  for (auto activity :
       {AgentActivity::unknown, AgentActivity::expected, AgentActivity::idle, AgentActivity::disconnected}) {
    for (auto& a : s.agents) a.activity = activity;
    const auto next = plan(s);
    CHECK(next.launches.empty());
    CHECK(next.terminations.empty());
  }
}

TEST_CASE("an item is served by the pool, and its agent replaced at once") {
  auto s = world({.min_idle = 1});
  s.agents = {agent("a", AgentActivity::idle)};
  s.items = {item("1")};
  const auto next = plan(s);
  REQUIRE(next.matches.size() == 1);
  CHECK(next.matches[0].agent == AgentId("a"));
  CHECK(for_pools(next) == 1);
  CHECK(next.launches.size() == 1);
  apply(s, next);
  CHECK(plan(s).launches.empty());
  s.items.clear();
  s.agents[0].activity = AgentActivity::busy;
  CHECK(plan(s).launches.empty());
}

TEST_CASE("agents that the controller has not spoken of count: they may be without work") {
  auto s = world({.min_idle = 2});
  s.agents = {agent("a", AgentActivity::busy), agent("b", AgentActivity::busy)};
  s.agents[0].awaited = true;
  CHECK(plan(s).launches.size() == 1);
  s.agents[1].awaited = true;
  CHECK(plan(s).launches.empty());
}

TEST_CASE("an agent of the pool that is to end is replaced once its row says so") {
  auto s = world({.min_idle = 2});
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::idle)};
  s.agents[0].is_leaving = true;
  CHECK(plan(s).launches.empty());
  s.agents[0].is_leaving = false;
  s.agents[0].state = AgentState::terminating;
  CHECK(plan(s).launches.size() == 1);
}

TEST_CASE("agents that do not count for the pool") {
  const auto launches = [](auto change) {
    auto s = world({.min_idle = 1});
    s.agents = {agent("a", AgentActivity::idle)};
    change(s.agents[0]);
    return plan(s).launches.size();
  };
  CHECK(launches([](Agent&) {}) == 0);
  CHECK(launches([](Agent& a) { a.generation = 7; }) == 1);
  CHECK(launches([](Agent& a) { a.controller = ControllerName("other"); }) == 1);
  CHECK(launches([](Agent& a) { a.state = AgentState::draining; }) == 1);
  CHECK(launches([](Agent& a) { a.state = AgentState::terminating; }) == 1);
  CHECK(launches([](Agent& a) { a.activity = AgentActivity::lost; }) == 1);
  CHECK(launches([](Agent& a) { a.activity = AgentActivity::busy; }) == 1);
  CHECK(launches([](Agent& a) { a.builds_done = 1; }) == 1);  // one-shot, and has had its build
}

TEST_CASE("idle time never ends an agent that the pool wants; beyond the target it does") {
  for (const std::uint32_t builds : {0U, 1U, 5U}) {
    CAPTURE(builds);
    auto s = world({.min_idle = 2});
    for (const auto* id : {"a", "b", "c"}) {
      s.agents.push_back(agent(id, AgentActivity::idle));
      s.agents.back().max_builds = builds;
    }
    auto next = plan(s);
    CHECK(next.terminations.empty());
    CHECK(next.next_look == kNow + 50s);
    for (auto& a : s.agents) a.idle_since = kNow - 1min;
    next = plan(s);
    REQUIRE(next.terminations.size() == 1);
    CHECK(next.terminations[0].reason == EndReason::idle_too_long);
    CHECK(next.terminations[0].agent == AgentId("c"));
    CHECK(next.launches.empty());
    apply(s, next);
    CHECK(plan(s).terminations.empty());
    CHECK(plan(s).launches.empty());
  }
}

TEST_CASE("a wanted agent still ends at its maximum age, and is replaced") {
  auto s = world({.min_idle = 1});
  s.agents = {agent("a", AgentActivity::idle)};
  s.agents[0].max_age = 11s;
  CHECK(plan(s).next_look == kNow + 1s);
  s.agents[0].max_age = 10s;
  const auto next = plan(s);
  CHECK(next.terminations.at(0).reason == EndReason::max_age);
  CHECK(next.launches.size() == 1);
}

TEST_CASE("the load factor follows what is at work, also what is given work by this plan") {
  auto s = world({.per_mille = 500, .max_idle = 3});
  CHECK(plan(s).launches.empty());
  for (int i = 0; i < 4; ++i) s.items.push_back(item(std::to_string(i)));
  auto next = plan(s);
  CHECK(next.launches.size() == 4 + 2);
  CHECK(for_pools(next) == 2);
  CHECK(next.launches.back().reason == LaunchReason::pool_load);
  apply(s, next);
  next = plan(s);
  CHECK(next.launches.empty());
  CHECK(next.terminations.empty());
  CHECK(next.pools.at(0).at_work == 4);
  for (int i = 4; i < 10; ++i) s.items.push_back(item(std::to_string(i)));
  next = plan(s);  // two are served by the pool, four are launched, and three are wanted at most
  CHECK(next.launches.size() == 4 + 3);
  CHECK(for_pools(next) == 3);
}

TEST_CASE("what the minimum asks for is launched first, then what the load does") {
  auto s = world({.min_idle = 2, .per_mille = 1000});
  for (int i = 0; i < 3; ++i) {
    s.agents.push_back(agent(fmt::format("busy-{}", i), AgentActivity::busy));
    s.agents.back().working = true;
  }
  s.agents.push_back(agent("spare", AgentActivity::idle));
  const auto next = plan(s);
  REQUIRE(next.launches.size() == 2);
  CHECK(next.launches[0].reason == LaunchReason::pool_minimum);
  CHECK(next.launches[1].reason == LaunchReason::pool_load);
}

TEST_CASE("items come before pools in caps, and one place is given once") {
  auto s = world({.min_idle = 5});
  s.items = {item("1"), item("2")};
  for (int i = 0; i < 3; ++i) {
    Limits limits;
    if (i == 0) limits.all.most.agents = 3;
    if (i == 1) limits.labels["linux"].most.agents = 3;
    s.clouds[0].quota.most.agents = i == 2 ? 3 : 0;
    const auto next = plan(s, limits);
    CHECK(next.launches.size() == 3);
    CHECK(for_pools(next) == 1);
    CHECK(next.pools.at(0).hold.has_value());
  }
}

TEST_CASE("pauses, breakers and a full disk hold pools too") {
  auto s = world({.min_idle = 2});
  Limits full;
  full.storage_trouble = "no space is left in the data directory";
  CHECK(plan(s, full).launches.empty());
  s.clouds[0].pause_text = "by admin";
  CHECK(plan(s).pools.at(0).hold->reason == HoldReason::cloud_paused);
  CHECK(plan(s).launches.empty());
  s.clouds[0].pause_text.clear();
  auto& breaker = s.templates[0].breaker;
  breaker = on_failure(breaker, 0, {FailureClass::capacity, "none", {}}, 0.5, kNow);
  auto held = plan(s);
  CHECK(held.launches.empty());
  CHECK(held.pools.at(0).hold->reason == HoldReason::template_open);
  CHECK(held.next_look == breaker.until);
  const auto probe = plan_provisioning(s, {}, breaker.until);
  CHECK(probe.launches.size() == 1);  // one is tried, not two
  s.clouds.clear();
  CHECK(plan(s).launches.empty());
}

TEST_CASE("an item that a cap keeps waiting gets the place of an idle agent of a pool") {
  auto s = world({.min_idle = 2});
  s.templates.push_back(offer("other", {"arm"}));
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::idle)};
  s.items = {item("1", "arm")};
  Limits limits;
  limits.all.most.agents = 2;
  auto next = plan(s, limits);
  REQUIRE(next.terminations.size() == 1);
  CHECK(next.terminations[0].reason == EndReason::made_room);
  CHECK(next.terminations[0].agent == AgentId("b"));
  CHECK(next.launches.empty());
  CHECK(next.holds.at(0).reason == HoldReason::global_cap);
  apply(s, next);
  next = plan(s, limits);  // it is leaving: no second one
  CHECK(next.terminations.empty());
  CHECK(next.launches.empty());
  s.agents[1].state = AgentState::terminated;
  next = plan(s, limits);
  REQUIRE(next.launches.size() == 1);
  CHECK(next.launches[0].item.key == "1");

  SUBCASE("not when the pool's agents hold no place of that cap") {
    s.agents[1] = agent("b", AgentActivity::idle);
    s.templates[1].cloud = CloudName("far");
    s.clouds.push_back({CloudName("far")});
    s.clouds.back().quota.most.agents = 1;
    s.agents.push_back(agent("c", AgentActivity::busy, "other"));
    s.agents.back().cloud = CloudName("far");
    CHECK(plan(s).holds.at(0).reason == HoldReason::cloud_cap);
    CHECK(plan(s).terminations.empty());
  }
  SUBCASE("not when something else stands against the launch, and then its place is not taken") {
    s.agents.pop_back();
    auto& breaker = s.templates[1].breaker;
    breaker = on_failure(breaker, 0, {FailureClass::capacity, "none", {}}, 0.5, kNow);
    next = plan(s, limits);
    CHECK(next.holds.at(0).reason == HoldReason::template_open);
    CHECK(next.terminations.empty());
    CHECK(next.launches.empty());
    CHECK(next.pools.at(0).hold->text ==
          "1 of 2 agents of this server exist, and a place is kept for builds that wait");
  }
}

TEST_CASE("an item that only the vCPU keep waiting gets the room of as many idle agents as it needs") {
  auto s = world({.min_idle = 3});
  s.templates[0].size = {1000, 0};
  s.templates.push_back(offer("big", {"arm"}));
  s.templates[1].size = {2000, 0};
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::idle),
              agent("c", AgentActivity::idle)};
  for (auto& one : s.agents) one.size = {1000, 0};
  s.items = {item("1", "arm")};
  Limits limits;
  limits.all.most.milli_cpus = 3500;
  auto next = plan(s, limits);
  CHECK(next.holds.at(0).reason == HoldReason::vcpu_cap);
  CHECK(next.terminations.size() == 2);
  apply(s, next);
  next = plan(s, limits);  // the pool does not take what is being made free
  CHECK(next.terminations.empty());
  CHECK(next.launches.empty());
  CHECK(next.pools.at(0).hold->reason == HoldReason::vcpu_cap);
  for (auto& one : s.agents)
    if (one.state == AgentState::terminating) one.state = AgentState::terminated;
  next = plan(s, limits);
  REQUIRE(!next.launches.empty());
  CHECK(next.launches[0].item.key == "1");

  SUBCASE("not when all of them together would not be enough") {
    s.templates[1].size = {3600, 0};
    s.agents = {agent("a", AgentActivity::idle)};
    s.agents[0].size = {1000, 0};
    next = plan(s, limits);
    CHECK(next.terminations.empty());
    CHECK(for_pools(next) == 2);  // it can never be launched, and holds up nobody
  }
}

TEST_CASE("agents that a budget does not ask about take nothing that an item waits for, either") {
  auto s = world({.min_idle = 3});
  s.templates[0].per_hour = {10};
  s.templates.push_back(offer("dear", {"arm"}));
  s.templates[1].per_hour = {30};
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::idle)};
  for (auto& one : s.agents) one.per_hour = {10};
  s.items = {item("1", "arm")};
  Limits limits;
  limits.all.most.budget.per_hour = footman::model::Money{40};
  limits.all.most.budget.beyond = footman::model::Money{10};
  SUBCASE("") {}
  SUBCASE("its own place is the last one") { s.templates[1].most.agents = 1; }
  auto next = plan(s, limits);
  REQUIRE(next.terminations.size() == 1);
  CHECK(next.launches.empty());
  apply(s, next);
  std::erase_if(s.agents, [&](const Agent& one) { return one.id == next.terminations[0].agent; });
  limits.all.spent.still_paid_per_hour = {10};  // of the one that is gone
  limits.all.spent.rate_falls = kNow + 30s;
  next = plan(s, limits);
  CHECK(next.launches.empty());
  CHECK(next.pools.at(0).hold->reason == HoldReason::hour_budget);
}

TEST_CASE("an item that waits until an agent that is gone is paid up takes nothing from the pool") {
  auto s = world({.min_idle = 2});
  s.templates[0].per_hour = {10};
  s.templates.push_back(offer("dear", {"arm"}));
  s.templates[1].per_hour = {20};
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::idle)};
  for (auto& one : s.agents) one.per_hour = {10};
  s.items = {item("1", "arm")};
  Limits limits;
  limits.all.most.budget.per_hour = footman::model::Money{40};
  limits.all.spent.still_paid_per_hour = {10};
  limits.all.spent.rate_falls = kNow + 30s;
  auto next = plan(s, limits);
  CHECK(next.holds.at(0).reason == HoldReason::hour_budget);
  CHECK(next.terminations.empty());
  CHECK(next.next_look == kNow + 30s);
  limits.all.spent = {};
  next = plan(s, limits);
  REQUIRE(next.launches.size() == 1);
  CHECK(next.launches[0].item.key == "1");
}

TEST_CASE(
    "while an item waits for money that is still paid for, no pool takes the place that it needs, too") {
  auto s = world({.min_idle = 2});
  s.templates.push_back(offer("box", {"arm"}));
  s.templates[1].per_hour = footman::model::Money{50};
  s.clouds[0].quota.most.agents = 2;
  s.agents = {agent("a", AgentActivity::idle)};
  s.items = {item("1", "arm")};
  Limits limits;
  limits.labels["arm"].most.budget.per_hour = footman::model::Money{50};
  limits.labels["arm"].spent.still_paid_per_hour = footman::model::Money{40};
  const auto next = plan(s, limits);
  CHECK(next.holds.at(0).reason == HoldReason::label_hour_budget);
  CHECK(next.launches.empty());
  REQUIRE(next.pools.size() == 1);
  REQUIRE(next.pools[0].hold);
  CHECK(next.pools[0].hold->text ==
        "1 of 2 agents of cloud 'local' exist, and a place is kept for a build that waits longer");
  SUBCASE("unless it lacks a place there anyway") {
    s.clouds[0].quota.most.agents = 3;
    CHECK(plan(s, limits).launches.size() == 1);
  }
  SUBCASE("or another limit keeps it for good") {
    s.templates[1].per_hour = footman::model::Money{60};
    CHECK(plan(s, limits).launches.size() == 1);
  }
}

TEST_CASE("a pool gets what an item has no use for before an agent at work ends") {
  auto s = world({.min_idle = 1});
  s.templates[0].size = {1000, 0};
  s.templates.push_back(offer("gpu", {"gpu"}));
  s.templates[1].size = {8000, 0};
  s.templates[1].most.agents = 1;
  s.agents = {agent("g", AgentActivity::busy, "gpu")};
  s.agents[0].size = {8000, 0};
  s.agents[0].labels = {"gpu"};
  s.items = {item("1", "gpu"), item("2", "gpu")};
  Limits limits;
  limits.all.most.milli_cpus = 16'000;
  auto next = plan(s, limits);
  CHECK(next.holds.at(0).reason == HoldReason::template_cap);
  REQUIRE(next.launches.size() == 1);
  CHECK(for_pools(next) == 1);
  s.templates[1].most.agents = 2;  // now it lacks vCPU, and what is left of them is for it
  limits.all.most.milli_cpus = 10'000;
  next = plan(s, limits);
  CHECK(next.holds.at(0).reason == HoldReason::vcpu_cap);
  CHECK(next.launches.empty());
}

TEST_CASE("for all that wait for templates whose breakers are open a place each is kept from pools") {
  auto s = world({.min_idle = 3});
  s.templates.push_back(offer("gpu", {"gpu", "a", "b"}));
  s.templates[1].breaker =
      on_failure(s.templates[1].breaker, 0, {FailureClass::capacity, "none", {}}, 0.5, kNow);
  s.items = {item("1", "gpu"), item("2", "gpu"), item("3", "a"), item("4", "b")};
  Limits limits;
  limits.all.most.agents = 3;
  const auto next = plan(s, limits);
  REQUIRE(next.holds.at(0).reason == HoldReason::template_open);
  CHECK(for_pools(next) == 2);
  CHECK(next.pools.at(0).hold.value().text ==
        "2 of 3 agents of this server exist, and a place is kept for builds that wait");
}

TEST_CASE("of a limit room for one is kept for all items that wait for money") {
  auto s = world({.min_idle = 3});
  Limits limits;
  for (const auto* name : {"gpu", "arm"}) {
    s.templates.push_back(offer(name, {name}));
    s.templates.back().per_hour = footman::model::Money{50};
    s.items.push_back(item(name, name));
    limits.labels[name].most.budget.per_hour = footman::model::Money{50};
    limits.labels[name].spent.still_paid_per_hour = footman::model::Money{40};
  }
  limits.all.most.agents = 3;
  const auto next = plan(s, limits);
  CHECK(for_pools(next) == 2);
  CHECK(next.pools.at(0).hold.value().text ==
        "2 of 3 agents of this server exist, and a place is kept for a build that waits longer");
}

TEST_CASE("a pool's agent makes no room where its end would not be enough") {
  auto s = world({.min_idle = 1});
  s.agents = {agent("a", AgentActivity::idle)};
  Limits limits;
  SUBCASE("two caps are full, and it holds a place of one of them only") {
    s.templates.push_back(offer("gpu", {"gpu"}));
    s.clouds[0].quota.most.agents = 2;
    s.agents.push_back(agent("g", AgentActivity::busy, "gpu"));
    s.agents[1].labels = {"gpu"};
    s.items = {item("1", "gpu")};
    limits.labels["gpu"].most.agents = 1;
  }
  SUBCASE("a budget stands behind the cap") {
    s.templates.push_back(offer("dear", {"arm"}));
    s.templates[1].cloud = CloudName("far");
    s.templates[1].per_hour = footman::model::Money{1'000'000};
    s.clouds.push_back({CloudName("far")});
    s.clouds[1].quota.most.budget.per_day = footman::model::Money{10};
    s.items = {item("1", "arm")};
    limits.all.most.agents = 1;
  }
  SUBCASE("the item is larger than all there is") {
    s.templates.push_back(offer("big", {"arm"}));
    s.templates[0].size = s.agents[0].size = {1000, 0};
    s.templates[1].size = {5000, 0};
    s.items = {item("1", "arm")};
    limits.all.most.agents = 1;
    limits.all.most.milli_cpus = 4000;
  }
  const auto next = plan(s, limits);
  CHECK(next.holds.size() == 1);
  CHECK(next.terminations.empty());
}

TEST_CASE("places are made for as many items as can be launched") {
  auto s = world({.min_idle = 3});
  s.templates.push_back(offer("other", {"arm"}));
  for (const auto* id : {"a", "b", "c"}) s.agents.push_back(agent(id, AgentActivity::idle));
  s.items = {item("1", "arm"), item("2", "arm"), item("3", "arm")};
  Limits limits;
  limits.all.most.agents = 3;
  CHECK(plan(s, limits).terminations.size() == 3);
  SUBCASE("one, where one is tried") {
    auto& breaker = s.templates[1].breaker;
    breaker = on_failure(breaker, 0, {FailureClass::capacity, "none", {}}, 0.5, kNow - 10min);
    REQUIRE(may_launch(breaker, kNow).launches == Permission::one_probe);
    CHECK(plan(s, limits).terminations.size() == 1);
  }
  SUBCASE("what another cap leaves") {
    s.templates[1].most.agents = 2;
    CHECK(plan(s, limits).terminations.size() == 2);
  }
}

TEST_CASE("while a better template's cloud has enough to answer, nobody makes room behind it") {
  auto s = world({.min_idle = 1});
  s.templates[0].cloud = CloudName("far");
  s.templates.push_back(offer("best", {"arm"}));
  s.templates[1].priority = 1;
  s.templates.push_back(offer("second", {"arm"}));
  s.templates[2].cloud = CloudName("far");
  s.clouds.push_back({CloudName("far")});
  s.clouds.back().quota.most.agents = 1;
  s.agents = {agent("a", AgentActivity::idle), agent("b", AgentActivity::expected, "best")};
  s.agents[0].cloud = CloudName("far");
  s.agents[1].state = AgentState::launching;
  s.agents[1].labels = {"arm"};
  s.agents[1].for_item = "1";
  s.items = {item("1", "arm"), item("2", "arm")};
  Limits limits;
  limits.launches_at_once = 1;
  const auto next = plan(s, limits);
  REQUIRE(next.holds.size() == 1);
  CHECK(next.holds[0].reason == HoldReason::launch_limit);
  CHECK(next.terminations.empty());
}

TEST_CASE("random worlds: stable, within the caps, never more than wanted, more for more") {
  std::mt19937_64 random(5);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  const auto pick = [&](std::uint64_t below) { return random() % below; };
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    auto s = world({.min_idle = static_cast<std::uint32_t>(pick(4)),
                    .per_mille = static_cast<std::uint32_t>(pick(3) * 400),
                    .max_idle = static_cast<std::uint32_t>(1 + pick(5))});
    s.templates.push_back(offer("u", {"linux", "arm"}, {.min_idle = static_cast<std::uint32_t>(pick(3))}));
    s.templates.push_back(offer("v", {"gpu"}));
    Limits limits;
    limits.all.most.agents = static_cast<std::uint32_t>(pick(2) * (3 + pick(8)));
    s.clouds[0].quota.most.agents = static_cast<std::uint32_t>(pick(2) * (3 + pick(8)));
    s.templates[0].most.agents = static_cast<std::uint32_t>(pick(2) * (1 + pick(5)));
    const auto most = std::min(limits.all.most.agents == 0 ? 99 : limits.all.most.agents,
                               s.clouds[0].quota.most.agents == 0 ? 99 : s.clouds[0].quota.most.agents);
    const auto agents = std::min<std::uint64_t>(pick(8), most);
    for (std::uint64_t i = 0; i < agents; ++i) {
      constexpr AgentActivity kAny[] = {AgentActivity::expected, AgentActivity::idle, AgentActivity::busy,
                                        AgentActivity::disconnected};
      auto a = agent(fmt::format("a{}", i), kAny[pick(4)], pick(2) == 0 ? "t" : "u");
      if (a.template_name == TemplateName("u")) a.labels = {"linux", "arm"};
      a.max_builds = static_cast<std::uint32_t>(pick(3));
      a.idle_since = kNow - std::chrono::seconds(pick(120));
      a.awaited = a.activity == AgentActivity::busy && pick(4) == 0;
      s.agents.push_back(a);
    }
    if (s.templates[0].most.agents != 0)
      s.templates[0].most.agents = std::max<std::uint32_t>(
          s.templates[0].most.agents,
          static_cast<std::uint32_t>(std::ranges::count(s.agents, TemplateName("t"), &Agent::template_name)));
    constexpr const char* kLabels[] = {"linux", "arm", "gpu"};
    for (std::uint64_t i = pick(6); i > 0; --i) s.items.push_back(item(std::to_string(i), kLabels[pick(3)]));

    const auto first = plan(s, limits);
    CHECK(s.agents.size() + first.launches.size() <= most);
    for (const auto& pool : first.pools) {
      const auto launched =
          static_cast<std::uint32_t>(std::ranges::count_if(first.launches, [&](const auto& one) {
            return one.item.key.empty() && one.template_name == pool.template_name;
          }));
      CHECK(pool.idle + pool.on_way >= launched);
      if (launched > 0) CHECK(pool.idle + pool.on_way <= pool.target);
    }
    auto later = s;
    apply(later, first);
    const auto second = plan(later, limits);
    CHECK(second.launches.empty());
    CHECK(second.terminations.empty());

    std::ranges::shuffle(s.agents, random);
    std::ranges::shuffle(s.templates, random);
    const auto shuffled = plan(s, limits);
    CHECK(shuffled.launches.size() == first.launches.size());
    CHECK(shuffled.terminations.size() == first.terminations.size());

    auto more = s;
    more.items.push_back(item("more", "gpu"));
    CHECK(plan(more, limits).launches.size() + s.agents.size() >= first.launches.size());
    Limits none;
    more = s;
    more.clouds[0].quota.most.agents = more.templates[0].most.agents = 0;
    for (auto& t : more.templates) t.most.agents = 0;
    const auto before = plan(more, none).launches.size();
    more.items.push_back(item("more", "gpu"));
    CHECK(plan(more, none).launches.size() >= before);
  }
}
