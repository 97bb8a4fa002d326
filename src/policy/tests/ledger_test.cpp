#include "policy/ledger.hpp"

#include <doctest/doctest.h>

#include "policy/tests/random_world.hpp"

using namespace footman::policy;
using footman::policy::testing::find_difference;
using footman::policy::testing::RandomWorld;

namespace {

using Words = std::map<ItemRef, std::string>;

struct Follower : RandomWorld::Listener {
  Ledger ledger;
  void item_put(const Item& item) override { ledger.put_item(item); }
  void item_dropped(const ItemRef& ref) override {
    ledger.drop_item(ref);
    told.erase(ref);
  }
  void agent_put(const Agent& agent) override { ledger.put_agent(agent); }
  void agent_dropped(const AgentId& id) override { ledger.drop_agent(id); }
  void offers_changed(const Snapshot& offers) override {
    ledger.set_templates(offers.templates);
    ledger.set_clouds(offers.clouds);
  }

  // What somebody knows of each item who reads only what is new.
  Words told;
};

void read(const Plan& news, Words& told) {
  for (const auto& one : news.matches) told[one.item] = one.agent.str();
  for (const auto& one : news.launches)
    if (!one.item.key.empty()) told[one.item] = "launched";
  for (const auto& one : news.holds) told[one.item] = one.text;
}

Ledger make_ledger(const Snapshot& world) {
  Ledger ledger;
  for (const auto& agent : world.agents) ledger.put_agent(agent);
  ledger.set_templates(world.templates);
  ledger.set_clouds(world.clouds);
  for (const auto& item : world.items) ledger.put_item(item);
  return ledger;
}

Item item(const std::string& key, const std::string& label = "linux", std::int64_t since = 1) {
  return {
      {ControllerName("main"), key}, *footman::model::parse_label_expression(label), Instant{since}, "job"};
}
Template offer(std::uint32_t cap) {
  Template t;
  t.cloud = CloudName("cloud");
  t.name = TemplateName("t");
  t.labels = {"linux"};
  t.most.agents = cap;
  return t;
}

}  // namespace

TEST_CASE(
    "random changes: the ledger decides what a plan of the whole world decides, and tells all that is new") {
  std::size_t launches = 0;
  std::size_t holds = 0;
  std::size_t matches = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    RandomWorld world(seed);
    Follower follower;
    world.follow(&follower);
    follower.offers_changed(world.snapshot());
    for (int step = 0; step < 160; ++step) {
      for (auto changes = 1 + world.pick(3); changes > 0; --changes) world.change();
      const auto news = follower.ledger.plan(world.limits, world.now);
      const auto snapshot = world.snapshot();
      const auto reference = plan_provisioning(snapshot, world.limits, world.now);
      const auto whole = follower.ledger.whole_plan();
      INFO("seed ", seed, " step ", step);
      REQUIRE(find_difference(whole, reference) == "");
      read(news, follower.told);
      Words all;
      read(reference, all);
      REQUIRE(follower.told == all);
      std::map<HoldReason, std::size_t> counted;
      for (const auto& hold : reference.holds) ++counted[hold.reason];
      REQUIRE(follower.ledger.count_holds() == counted);
      launches += reference.launches.size();
      holds += reference.holds.size();
      matches += reference.matches.size();
      if (world.chance(2)) world.carry_out(news);
      if (world.chance(10)) {
        auto afresh = make_ledger(snapshot);
        (void)afresh.plan(world.limits, world.now);
        REQUIRE(find_difference(afresh.whole_plan(), reference) == "");
      }
    }
  }
  // The worlds are of all kinds.
  CHECK(launches > 300);
  CHECK(holds > 4'000);
  CHECK(matches > 1'000);
}

TEST_CASE("a plan after nothing has changed says nothing and looks at nothing that is settled") {
  Ledger ledger;
  ledger.set_templates({offer(1)});
  ledger.set_clouds({{CloudName("cloud")}});
  for (int i = 0; i < 1'000; ++i) ledger.put_item(item(std::to_string(i), "linux", i + 1));
  const Instant now{1'000'000'000};
  const auto first = ledger.plan({}, now);
  REQUIRE(first.launches.size() == 1);
  CHECK(first.holds.size() == 999);
  CHECK(first.holds.front().text == "1 of 1 agents of template 't' exist");
  CHECK(ledger.count_holds() == std::map<HoldReason, std::size_t>{{HoldReason::template_cap, 999}});

  Agent agent;
  agent.id = AgentId("a");
  agent.cloud = CloudName("cloud");
  agent.template_name = TemplateName("t");
  agent.labels = {"linux"};
  agent.controller = ControllerName("main");
  agent.for_item = "0";
  agent.activity = footman::model::AgentActivity::expected;
  ledger.put_agent(agent);
  const auto second = ledger.plan({}, now);
  CHECK(second.launches.empty());
  CHECK(second.holds.empty());
  REQUIRE(second.matches.size() == 1);
  CHECK(second.matches[0].agent == AgentId("a"));

  ledger.put_item(item("0"));  // as it was
  const auto third = ledger.plan({}, now);
  CHECK(third.matches.empty());
  CHECK(third.holds.empty());
  CHECK(ledger.looked_at() == 0);

  ledger.drop_agent(AgentId("a"));
  CHECK(ledger.plan({}, now).launches.at(0).item.key == "0");
  ledger.set_templates({offer(3)});
  CHECK(ledger.plan({}, now).launches.size() == 3);
}
