#include "policy/ledger.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "policy/tests/random_world.hpp"

using namespace footman::policy;
using footman::policy::testing::find_difference;
using footman::policy::testing::RandomWorld;

namespace {

using Told = std::map<ItemRef, std::string>;

struct Follower : RandomWorld::Listener {
  Ledger ledger;
  void item_put(const Item& item) override {
    ledger.put_item(item);
    label_of[item.ref] = item.label.text();
  }
  void item_dropped(const ItemRef& ref) override {
    ledger.drop_item(ref);
    told.erase(ref);
    held.erase(ref);
  }
  void agent_put(const Agent& agent) override { ledger.put_agent(agent); }
  void agent_dropped(const AgentId& id) override { ledger.drop_agent(id); }
  void offers_changed(const Snapshot& offers) override {
    auto templates = offers.templates;
    std::ranges::sort(templates, {}, &Template::name);  // always in the same order, as from the fleet
    ledger.set_templates(std::move(templates));
    ledger.set_clouds(offers.clouds);
  }

  // What somebody knows of each item who reads only what is new.
  void read(const Plan& news) {
    for (const auto& one : news.matches) note(one.item, one.agent.str());
    for (const auto& one : news.launches)
      if (!one.item.key.empty()) note(one.item, "launched");
    for (const auto& one : news.words)
      words[{one.controller, one.label}] = {one.held.text, one.held.look_again, one.tried};
    for (const auto& one : news.holds) {
      told.erase(one.item);
      held[one.item] = one.reason;
    }
  }
  void note(const ItemRef& ref, const std::string& what) {
    held.erase(ref);
    told[ref] = what;
  }
  // The same of a plan that says all.
  void compare(const Plan& all) {
    Told given;
    for (const auto& one : all.matches) given[one.item] = one.agent.str();
    for (const auto& one : all.launches)
      if (!one.item.key.empty()) given[one.item] = "launched";
    REQUIRE(told == given);
    REQUIRE(held.size() == all.holds.size());
    for (const auto& one : all.holds) {
      REQUIRE(held.at(one.item) == one.reason);
      const auto& [text, look_again, tried] = words.at({one.item.controller, label_of.at(one.item)});
      REQUIRE(text == one.text);
      REQUIRE(look_again == one.look_again);
      REQUIRE(*tried == *one.tried);
    }
  }

  std::map<ItemRef, std::string> label_of;
  std::map<std::pair<ControllerName, std::string>, std::tuple<std::string, Instant, TriedList>> words;
  Told told;
  std::map<ItemRef, HoldReason> held;
};

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
      follower.read(news);
      follower.compare(reference);
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
  REQUIRE(first.words.size() == 1);
  CHECK(first.words[0].label == "linux");
  CHECK(first.words[0].held.text == first.holds.front().text);
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
  CHECK(second.words.empty());
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

TEST_CASE("an amount that changes in a reason is told once for all items that share it") {
  Ledger ledger;
  auto t = offer(0);
  t.size.milli_cpus = 2'000;
  ledger.set_templates({t});
  ledger.set_clouds({{CloudName("cloud")}});
  for (int i = 0; i < 1'000; ++i) ledger.put_item(item(std::to_string(i), "linux", i + 1));
  const Instant now{1'000'000'000};
  Limits limits;
  limits.all.most.milli_cpus = 1'500;
  CHECK(ledger.plan(limits, now).holds.size() == 1'000);
  limits.all.most.milli_cpus = 1'000;
  const auto next = ledger.plan(limits, now);
  CHECK(next.holds.empty());
  REQUIRE(next.words.size() == 1);
  CHECK(next.words[0].held.reason == HoldReason::vcpu_cap);
  CHECK(next.words[0].held.text.find("more than all 1 vCPU") != std::string::npos);
  CHECK(ledger.whole_plan().holds.at(0).text == next.words[0].held.text);

  t.breaker.state = BreakerState::disabled;
  ledger.set_templates({t});
  const auto other = ledger.plan(limits, now);
  CHECK(other.holds.size() == 1'000);
  CHECK(other.holds.front().reason == HoldReason::template_disabled);
  REQUIRE(other.words.size() == 1);
  CHECK(other.words[0].held.text == other.holds.front().text);
}
