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
    limits.all.most.agents = 2;
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
