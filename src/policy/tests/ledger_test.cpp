#include "policy/ledger.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "policy/tests/random_world.hpp"

using namespace footman::policy;
using footman::policy::testing::RandomWorld;

namespace {

// A plan as lines of text, so that a difference can be read.
std::vector<std::string> lines_of(const Plan& plan) {
  std::vector<std::string> lines;
  const auto name = [](const ItemRef& ref) { return ref.controller.str() + "/" + ref.key; };
  const auto time = [](Instant at) { return at.is_set() ? format_rfc3339(at) : std::string("-"); };
  for (const auto& one : plan.matches) lines.push_back("match " + name(one.item) + " " + one.agent.str());
  for (const auto& one : plan.launches)
    lines.push_back("launch " + name(one.item) + " " + one.cloud.str() + " " + one.template_name.str() + " " +
                    one.text);
  for (const auto& one : plan.holds) {
    lines.push_back("hold " + name(one.item) + " " + std::string(to_string(one.reason)) + " " + one.text +
                    " " + time(one.look_again));
    for (const auto& tried : *one.tried)
      lines.push_back("  " + tried.cloud.str() + " " + tried.template_name.str() + " " +
                      std::string(to_string(tried.reason)) + " " + tried.text + " " + time(tried.look_again));
  }
  const auto end = [&](const char* word, const auto& one) {
    lines.push_back(word + one.agent.str() + " " + std::string(to_string(one.reason)) + " " + one.text);
  };
  for (const auto& one : plan.terminations) end("end ", one);
  for (const auto& one : plan.drains) end("drain ", one);
  lines.push_back("next look " + time(plan.next_look));
  return lines;
}

// The first line in which they differ; empty: none.
std::string find_difference(const Plan& a, const Plan& b) {
  const auto left = lines_of(a);
  const auto right = lines_of(b);
  const auto [x, y] = std::ranges::mismatch(left, right);
  if (x == left.end() && y == right.end()) return {};
  return (x == left.end() ? "-" : *x) + "  |  " + (y == right.end() ? "-" : *y);
}

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
  std::map<ItemRef, std::string> told;
  void read(const Plan& news) {
    for (const auto& one : news.matches) told[one.item] = one.agent.str();
    for (const auto& one : news.launches) told[one.item] = "launched";
    for (const auto& one : news.holds) told[one.item] = one.text;
  }
  std::map<ItemRef, std::string> read_all(const Plan& plan) const {
    Follower other;
    other.read(plan);
    return other.told;
  }
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
  t.cap = cap;
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
      REQUIRE(follower.told == follower.read_all(reference));
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
  CHECK(launches > 400);
  CHECK(holds > 4'000);
  CHECK(matches > 1'000);
}

TEST_CASE("a plan after nothing has changed says nothing and looks at nothing that is settled") {
  Ledger ledger;
  ledger.set_templates({offer(1)});
  ledger.set_clouds({{CloudName("cloud"), 0, {}, {}, {}}});
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
