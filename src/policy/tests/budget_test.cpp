// Budgets hold what would be too dear; free agents they never hold.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "policy/usage.hpp"

using namespace footman::policy;
using footman::model::Money;

namespace {

constexpr Instant kNow{1'000'000'000};
const ControllerName kMain("main");

constexpr Money cents(std::int64_t count) { return {count * 10'000}; }

Template offer(const std::string& name, Money per_hour, int priority = 0) {
  Template t;
  t.cloud = CloudName("here");
  t.name = TemplateName(name);
  t.labels = {"linux"};
  t.per_hour = per_hour;
  t.priority = priority;
  return t;
}
Item item(const std::string& key) {
  return {{kMain, key}, *footman::model::parse_label_expression("linux"), Instant{1}, "job " + key};
}
Snapshot world(std::vector<Template> templates) {
  Snapshot s;
  s.templates = std::move(templates);
  s.clouds = {{CloudName("here")}};
  s.items = {item("1"), item("2"), item("3")};
  return s;
}
Agent busy(Money per_hour) {
  Agent a;
  a.id = AgentId("busy");
  a.cloud = CloudName("here");
  a.template_name = TemplateName("gone");
  a.controller = kMain;
  a.per_hour = per_hour;
  a.state = footman::model::AgentState::online;
  a.activity = footman::model::AgentActivity::busy;
  return a;
}
Limits by_hour(Money money) {
  Limits limits;
  limits.all.most.budget.per_hour = money;
  return limits;
}
Limits by_day(Money money, Money spent) {
  Limits limits;
  limits.all.most.budget.per_day = money;
  limits.all.spent.today = spent;
  limits.all.spent.day_ends = kNow + 5h;
  return limits;
}

}  // namespace

TEST_CASE("a budget per hour holds what agents cost at the same time") {
  auto s = world({offer("t", cents(10))});
  s.agents = {busy(cents(5))};
  auto limits = by_hour(cents(25));
  auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.size() == 2);
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].reason == HoldReason::hour_budget);
  CHECK(
      plan.holds[0].text ==
      "agents for $0.25/h are paid for, of $0.25/h that this server may spend, and one of template 't' costs "
      "$0.10/h");
  CHECK_FALSE(plan.holds[0].look_again.is_set());

  // Agents that are gone are paid for until their minimum is over.
  limits.all.spent.still_paid_per_hour = cents(10);
  limits.all.spent.rate_falls = kNow + 30s;
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.holds.at(0).look_again == kNow + 30s);
  CHECK(plan.next_look == kNow + 30s);
}

TEST_CASE("a budget per day holds what is spent and reserved") {
  const auto s = world({offer("t", cents(40))});  // 10 cents in a quarter of an hour
  auto plan = plan_provisioning(s, by_day(cents(200), cents(175)), kNow);
  CHECK(plan.launches.size() == 2);
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].reason == HoldReason::day_budget);
  CHECK(plan.holds[0].text ==
        "less is left of the $2.00 that this server may spend a day (UTC), beside what is reserved for its "
        "agents, than the $0.10 that one of template 't' needs for the next 15 min 0 s");
  CHECK(plan.holds[0].look_again == kNow + 5h);
  CHECK(plan_provisioning(s, by_day(cents(200), cents(300)), kNow).launches.empty());
}

TEST_CASE("a cloud has its own budget") {
  auto s = world({offer("t", cents(10))});
  s.clouds[0].quota.most.budget.per_hour = cents(10);
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.holds.at(0).reason == HoldReason::cloud_hour_budget);
  CHECK(plan.holds[0].text.find("that cloud 'here' may spend") != std::string::npos);
  s.clouds[0].quota.most.budget = {};
  s.clouds[0].quota.most.budget.per_day = cents(1);
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.empty());
  CHECK(plan.holds.at(0).reason == HoldReason::cloud_day_budget);
}

TEST_CASE("beyond the budget free agents are launched, and cheap ones if that is wanted") {
  const auto s = world({offer("dear", cents(100), 9), offer("cheap", cents(2), 5), offer("free", {})});
  auto limits = by_hour(cents(101));
  const auto names = [&] {
    std::string all;
    for (const auto& launch : plan_provisioning(s, limits, kNow).launches)
      all += launch.template_name.str() + " ";
    return all;
  };
  CHECK(names() == "dear free free ");
  limits.all.most.budget.beyond = cents(2);
  CHECK(names() == "dear cheap cheap ");
  limits.all.most.budget.per_hour = Money();
  CHECK(names() == "cheap cheap cheap ");
  limits.all.most.budget.beyond = cents(1);
  CHECK(names() == "free free free ");
}

namespace {

// The dear item needs all the money, and what is there is paid for beyond it.
struct DearAndCheap {
  Snapshot s = world({offer("dear", cents(6)), offer("cheap", cents(1))});
  Limits limits = by_hour(cents(6));
  DearAndCheap() {
    for (auto& t : s.templates) t.labels = {t.name.str()};
    s.items = {item("old"), item("young")};
    s.items[0].label = *footman::model::parse_label_expression("dear");
    s.items[1].label = *footman::model::parse_label_expression("cheap");
    s.items[1].since = s.items[0].since + 1min;
    s.agents = {busy(cents(1))};
    limits.all.most.agents = 3;
    limits.all.most.budget.beyond = cents(1);
  }
  Plan plan(Duration waits = 10min) const { return plan_provisioning(s, limits, s.items[0].since + waits); }
};

}  // namespace

TEST_CASE("money that is kept for an item is not taken by agents about which the budget does not ask") {
  DearAndCheap two;
  auto plan = two.plan(10min - 1s);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "cheap");

  SUBCASE("of an hour") {
    plan = two.plan();
    CHECK(plan.launches.empty());
    REQUIRE(plan.holds.size() == 2);
    CHECK(plan.holds[0].reason == HoldReason::hour_budget);
    CHECK(plan.holds[0].text.ends_with(
        "agent busy makes room for the one that waits longest, once the build is over"));
    CHECK(plan.holds[1].text ==
          "agents for $0.01/h are paid for, of $0.06/h that this server may spend, $0.06/h are kept for a "
          "build that waits longer, and one of template 'cheap' costs $0.01/h");
    two.s.agents.clear();
    plan = two.plan();
    REQUIRE(plan.launches.size() == 2);  // then it has what was kept for it
    CHECK(plan.launches[0].template_name.str() == "dear");
  }
  SUBCASE("of a day") {
    two.limits.all.most.budget.per_hour.reset();
    two.limits.all.most.budget.per_day = Money{15'000};  // what the dear one costs in 15 minutes
    plan = two.plan();
    CHECK(plan.launches.empty());
    REQUIRE(plan.holds.size() == 2);
    CHECK(plan.holds[1].text.find("kept for a build that waits longer") != std::string::npos);
    two.limits.all.spent.today = Money{1};  // too little is left for the item: nothing is kept
    plan = two.plan();
    REQUIRE(plan.launches.size() == 1);
    CHECK(plan.launches[0].template_name.str() == "cheap");
  }
  SUBCASE("free agents take nothing of it") {
    two.s.templates[1].per_hour = {};
    CHECK(two.plan().launches.size() == 1);
  }
  SUBCASE("enough is left for both") {
    two.limits.all.most.budget.per_hour = cents(8);
    two.limits.all.most.agents = 0;
    CHECK(two.plan().launches.size() == 2);
  }
  SUBCASE("one for which more is billed than the whole budget of a day only has to wait") {
    two.limits.all.most.budget.per_hour.reset();
    two.limits.all.most.budget.per_day = Money{15'000};
    two.s.templates[1].least_billed = 10h;
    plan = two.plan();
    REQUIRE(plan.holds.size() == 2);
    CHECK(plan.holds[1].text.find("until the configuration changes") == std::string::npos);
  }
}

// --- agents that go on from build to build

namespace {

// Agents of 40 cents an hour: 10 in a quarter of an hour.
Snapshot kept_at_work(int count) {
  auto s = world({offer("t", cents(40))});
  s.items.clear();
  for (int i = 0; i < count; ++i) {
    auto one = busy(cents(40));
    one.id = AgentId("kept-" + std::to_string(i));
    one.template_name = TemplateName("t");
    one.labels = {"linux"};
    one.max_builds = 0;
    one.idle_timeout = 10min;
    one.planned = Instant{count - i};  // the last one is the oldest
    one.connected = Instant{100};
    s.agents.push_back(one);
  }
  return s;
}
std::string drained(const Plan& plan) {
  std::string all;
  for (const auto& one : plan.drains) {
    CHECK(one.reason == footman::model::EndReason::budget_spent);
    all += one.agent.str() + " ";
  }
  return all;
}

}  // namespace

TEST_CASE("kept agents go on only as far as a quarter of an hour of each is left of the day's money") {
  const auto s = kept_at_work(3);
  CHECK(plan_provisioning(s, by_day(cents(200), cents(170)), kNow).drains.empty());
  auto plan = plan_provisioning(s, by_day(cents(200), cents(171)), kNow);
  REQUIRE(drained(plan) == "kept-2 ");  // the oldest
  CHECK(plan.drains[0].text ==
        "The budget of the day pays for no more of its time (of the $2.00 that this server may spend a day "
        "(UTC) $1.71 are spent, and 3 agents that go on would need $0.30 next).");
  CHECK(plan.terminations.empty());  // nothing that runs is ended
  CHECK(drained(plan_provisioning(s, by_day(cents(200), cents(181)), kNow)) == "kept-1 kept-2 ");
  CHECK(drained(plan_provisioning(s, by_day(cents(200), cents(500)), kNow)) == "kept-0 kept-1 kept-2 ");
}

TEST_CASE(
    "those that end after their build anyway, or cost nothing the budget asks about, drain for no money") {
  auto s = kept_at_work(3);
  s.agents[0].state = footman::model::AgentState::draining;
  s.agents[1].max_builds = 1;
  auto limits = by_day(cents(200), cents(190));
  CHECK(plan_provisioning(s, limits, kNow).drains.empty());  // the money of the third is there
  limits.all.spent.today = cents(191);
  CHECK(drained(plan_provisioning(s, limits, kNow)) == "kept-2 ");
  limits.all.most.budget.beyond = cents(40);
  CHECK(plan_provisioning(s, limits, kNow).drains.empty());
}

TEST_CASE("idle agents end before others drain, those that a pool wants last; the pool is not filled again") {
  auto s = kept_at_work(3);
  for (auto& one : s.agents) one.idle_since = kNow - 1min;
  s.agents[0].activity = s.agents[1].activity = footman::model::AgentActivity::idle;
  s.agents[0].template_name = TemplateName("u");
  s.templates.push_back(offer("u", cents(40)));
  s.templates[0].pool = {1, 0};
  s.templates[0].pool_controller = kMain;
  auto plan = plan_provisioning(s, by_day(cents(200), cents(171)), kNow);
  REQUIRE(plan.terminations.size() == 1);
  CHECK(plan.terminations[0].agent.str() == "kept-0");
  CHECK(plan.terminations[0].reason == footman::model::EndReason::budget_spent);
  CHECK(plan.drains.empty());
  CHECK(plan.launches.empty());
  s.agents[0].paid_until = kNow + 1h;  // paid for anyway: before those that a pool wants all the same
  CHECK(plan_provisioning(s, by_day(cents(200), cents(171)), kNow).terminations.at(0).agent.str() ==
        "kept-0");
  plan = plan_provisioning(s, by_day(cents(200), cents(195)), kNow);
  CHECK(plan.terminations.size() == 2);
  CHECK(drained(plan) == "kept-2 ");
  s.agents = {s.agents[2]};  // once they are gone
  plan = plan_provisioning(s, by_day(cents(200), cents(181)), kNow);
  CHECK(plan.launches.empty());
  CHECK(plan.pools.at(0).hold->reason == HoldReason::day_budget);
}

TEST_CASE("each budget of a day stops the agents that it is of") {
  auto s = kept_at_work(2);
  s.agents[1].cloud = CloudName("there");
  s.agents[1].template_name = TemplateName("far");
  s.clouds.push_back({CloudName("there")});
  s.templates.push_back(offer("far", cents(40)));
  s.templates.back().cloud = CloudName("there");
  s.clouds[1].quota.most.budget.per_day = cents(50);
  s.clouds[1].quota.spent.today = cents(41);
  CHECK(drained(plan_provisioning(s, by_day(cents(200), cents(100)), kNow)) == "kept-1 ");
  s.clouds[1].quota.spent.today = {};
  Limits limits;
  limits.labels["linux"].most.budget.per_day = cents(15);
  CHECK(drained(plan_provisioning(s, limits, kNow)) == "kept-1 ");
}
