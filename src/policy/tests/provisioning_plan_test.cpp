#include "policy/provisioning_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>

using namespace footman::policy;
using footman::model::AgentActivity;
using footman::model::AgentState;
using footman::model::EndReason;
using footman::model::LaunchReason;

namespace {

constexpr Instant kNow{1'000'000'000};
const ControllerName kController("main");

Item item(const std::string& key, const std::string& label = "linux", std::int64_t since = 1) {
  return {{kController, key}, *footman::model::parse_label_expression(label), Instant{since}, "job " + key};
}
Template offer(const std::string& name, std::vector<std::string> labels = {"linux"}) {
  Template t;
  t.cloud = CloudName("local");
  t.name = TemplateName(name);
  t.labels = std::move(labels);
  return t;
}
Agent agent(const std::string& id, const std::string& for_item,
            AgentActivity activity = AgentActivity::expected) {
  Agent a;
  a.id = AgentId(id);
  a.cloud = CloudName("local");
  a.template_name = TemplateName("t");
  a.labels = {"linux"};
  a.controller = kController;
  a.for_item = for_item;
  a.activity = activity;
  a.state = activity == AgentActivity::expected ? AgentState::connecting : AgentState::online;
  if (activity != AgentActivity::expected) a.connected = a.idle_since = kNow - 10s;
  return a;
}
Snapshot world() {
  Snapshot s;
  s.templates = {offer("t")};
  s.clouds = {{CloudName("local")}};
  return s;
}
// Carries the plan out: launches become agents on their way, matched agents belong to their item.
void apply(Snapshot& s, const Plan& plan) {
  for (const auto& match : plan.matches)
    for (auto& a : s.agents)
      if (a.id == match.agent) a.for_item = match.item.key;
  for (const auto& end : plan.terminations)
    for (auto& a : s.agents)
      if (a.id == end.agent) a.state = AgentState::terminating;
  for (const auto& launch : plan.launches) {
    auto a = agent("new-" + launch.item.key, launch.item.key);
    a.template_name = launch.template_name;
    a.planned = kNow;
    for (const auto& t : s.templates)
      if (t.name == launch.template_name) {
        a.labels = t.labels;
        a.is_default = t.is_default;
      }
    s.agents.push_back(a);
  }
}

}  // namespace

TEST_CASE("one launch per waiting item, none while its agent is on its way") {
  auto s = world();
  s.items = {item("1"), item("2")};
  s.agents = {agent("a", "1")};
  const auto plan = plan_provisioning(s, {}, kNow);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].item.key == "2");
  CHECK(plan.launches[0].reason == LaunchReason::waiting_item);
  REQUIRE(plan.matches.size() == 1);
  CHECK(plan.matches[0].item.key == "1");
  CHECK(plan.matches[0].agent == AgentId("a"));
}

TEST_CASE("a launch in place of an agent that ended without work says so") {
  auto s = world();
  s.items = {item("1")};
  s.items[0].before = AgentId("a");
  const auto launch = plan_provisioning(s, {}, kNow).launches.at(0);
  CHECK(launch.reason == LaunchReason::replacement);
  CHECK(launch.text.find(", as agent a ended before it had any work; template 't' is choice 1 of 1") !=
        std::string::npos);
}

TEST_CASE("an agent that lost its item takes the next one; without any it ends") {
  auto s = world();
  s.agents = {agent("a", "gone")};
  CHECK(plan_provisioning(s, {}, kNow).terminations.at(0).reason == EndReason::surplus);
  s.items = {item("2")};
  const auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.terminations.empty());
  CHECK(plan.launches.empty());
  CHECK(plan.matches.at(0).item.key == "2");
  CHECK(plan.matches.at(0).agent == AgentId("a"));
}

TEST_CASE(
    "an agent that a database in doubt knows is no surplus before it was heard of, and takes its own item "
    "alone") {
  auto s = world();
  s.agents = {agent("a", "gone")};
  s.agents[0].is_unheard = true;
  CHECK(plan_provisioning(s, {}, kNow).terminations.empty());
  s.items = {item("2")};
  CHECK(plan_provisioning(s, {}, kNow).launches.size() == 1);
  s.items = {item("gone")};
  CHECK(plan_provisioning(s, {}, kNow).matches.at(0).agent == AgentId("a"));
  s.items.clear();
  s.agents[0].launch_deadline = kNow;
  CHECK(plan_provisioning(s, {}, kNow).terminations.at(0).reason == EndReason::launch_deadline);
}

TEST_CASE("an agent that is to end keeps its item until its row says so") {
  auto s = world();
  s.items = {item("1")};
  s.agents = {agent("a", "1")};
  s.agents[0].is_leaving = true;
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.empty());
  CHECK(plan.terminations.empty());
  REQUIRE(plan.matches.size() == 1);
  CHECK(plan.matches[0].agent == AgentId("a"));

  s.agents.push_back(agent("b", "1"));  // the one that stays is the better one
  s.agents[1].planned = kNow;
  CHECK(plan_provisioning(s, {}, kNow).matches.at(0).agent == AgentId("b"));
  s.agents.pop_back();

  s.items = {item("2")};  // it is no help to others
  CHECK(plan_provisioning(s, {}, kNow).launches.size() == 1);
  s.items = {item("1")};
  s.agents[0].is_leaving = false;
  s.agents[0].state = AgentState::terminating;
  CHECK(plan_provisioning(s, {}, kNow).launches.empty());  // it may connect and take it
  s.agents[0].is_barred = true;
  CHECK(plan_provisioning(s, {}, kNow).launches.size() == 1);
}

TEST_CASE("an item is free once the row of its agent says so and its controller gives that no work") {
  auto s = world();
  s.items = {item("1"), item("2", "linux", 2)};
  const auto is_launched_for = [&] {
    const auto plan = plan_provisioning(s, {}, kNow);
    REQUIRE_FALSE(plan.launches.empty());
    CHECK(plan.launches.back().item.key == "2");  // it takes no other item
    return plan.launches.size() == 2;
  };
  for (auto state : {AgentState::draining, AgentState::terminating, AgentState::failed, AgentState::lost})
    for (auto activity : {AgentActivity::expected, AgentActivity::idle, AgentActivity::disconnected}) {
      CAPTURE(static_cast<int>(state));
      CAPTURE(static_cast<int>(activity));
      s.agents = {agent("a", "1", activity)};
      s.agents[0].state = state;
      CHECK_FALSE(is_launched_for());
      s.agents[0].is_barred = true;
      CHECK(is_launched_for());
    }
  // Its controller itself says that nothing more runs on it, but its row does not say yet that it ends.
  for (auto activity : {AgentActivity::lost, AgentActivity::done}) {
    s.agents = {agent("a", "1", activity)};
    CHECK_FALSE(is_launched_for());
    CHECK(plan_provisioning(s, {}, kNow).terminations.size() == 1);
    s.agents[0].state = AgentState::lost;
    CHECK(is_launched_for());
  }
  s.agents = {agent("a", "1", AgentActivity::busy)};  // with something else
  s.agents[0].state = AgentState::draining;
  CHECK(is_launched_for());
}

TEST_CASE("a limited number of launches of a cloud at once; the best template is waited for") {
  auto s = world();
  s.templates = {offer("best"), offer("other")};
  s.templates[0].priority = 1;
  s.templates[1].cloud = CloudName("second");
  s.clouds.push_back({CloudName("second")});
  s.items = {item("1"), item("2", "linux", 2), item("3", "linux", 3)};
  Limits limits;
  limits.launches_at_once = 2;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 2);
  CHECK(plan.launches[1].template_name.str() == "best");
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].reason == HoldReason::launch_limit);
  CHECK(plan.holds[0].text.starts_with("2 launches of cloud 'local' are under way"));
  CHECK(plan.holds[0].tried->size() == 1);
}

TEST_CASE("agents that do not count") {
  for (auto state : {AgentState::draining, AgentState::terminating, AgentState::failed, AgentState::lost}) {
    auto s = world();
    s.items = {item("1")};
    s.agents = {agent("a", "1")};
    s.agents[0].state = state;
    s.agents[0].is_barred = true;
    CHECK(plan_provisioning(s, {}, kNow).launches.size() == 1);
  }
}

TEST_CASE("how agents end") {
  auto ends = [](Agent a) {
    auto s = world();
    s.agents = {std::move(a)};
    const auto plan = plan_provisioning(s, {}, kNow);
    return plan.terminations.empty() ? EndReason::none : plan.terminations[0].reason;
  };
  auto a = agent("a", "", AgentActivity::idle);
  a.max_builds = 0;
  a.idle_timeout = 10s;
  CHECK(ends(a) == EndReason::idle_too_long);
  a.idle_timeout = 11s;
  CHECK(ends(a) == EndReason::none);
  a.max_builds = 3;
  a.builds_done = 2;
  CHECK(ends(a) == EndReason::none);
  a.builds_done = 3;
  CHECK(ends(a) == EndReason::max_builds);
  a.max_builds = 4;
  a.max_age = 10s;
  CHECK(ends(a) == EndReason::max_age);
  a.max_age = 11s;
  a.generation = 7;
  CHECK(ends(a) == EndReason::template_changed);
  CHECK(ends(agent("a", "", AgentActivity::lost)) == EndReason::session_lost);
  CHECK(ends(agent("a", "", AgentActivity::done)) == EndReason::build_finished);
  auto spent = agent("a", "", AgentActivity::done);
  spent.max_builds = spent.builds_done = 2;
  CHECK(ends(spent) == EndReason::max_builds);
  CHECK(ends(agent("a", "", AgentActivity::busy)) == EndReason::none);
  auto late = agent("a", "");
  late.launch_deadline = kNow;
  CHECK(ends(late) == EndReason::launch_deadline);
  late.connected = kNow - 1s;  // it is not ready yet, but its controller has a lease for it
  CHECK(ends(late) == EndReason::surplus);
}

TEST_CASE(
    "an agent of an earlier generation still gets the item that it was launched for, and no other one") {
  for (const auto activity : {AgentActivity::expected, AgentActivity::disconnected, AgentActivity::idle}) {
    CAPTURE(to_string(activity));
    auto s = world();
    s.agents = {agent("a", "1", activity)};
    s.agents[0].generation = 7;
    s.items = {item("1")};
    auto plan = plan_provisioning(s, {}, kNow);
    CHECK(plan.launches.empty());
    CHECK(plan.drains.empty());
    CHECK(plan.terminations.empty());
    s.items = {item("2")};
    plan = plan_provisioning(s, {}, kNow);
    CHECK(plan.launches.size() == 1);
    REQUIRE(plan.terminations.size() == 1);
    CHECK(plan.terminations[0].reason == EndReason::template_changed);
  }
}

TEST_CASE("an end says what it was decided on") {
  auto s = world();
  const auto text = [&](const Agent& one) {
    s.agents = {one};
    const auto plan = plan_provisioning(s, {}, kNow);
    REQUIRE(plan.terminations.size() == 1);
    return plan.terminations[0].text;
  };
  auto a = agent("a", "", AgentActivity::idle);
  CHECK(text(a) ==
        "Nothing waits for it any more (it was launched for a pool, which wants no more agents of template "
        "'t').");
  a.for_item = "7";
  CHECK(
      text(a).starts_with("Nothing waits for it any more (item 7 of controller 'main' does not any more, "));
  a.max_builds = 0;
  a.idle_timeout = 5s;
  CHECK(text(a) == "It was idle for longer than its template allows (idle for 10.0 s, of 5.0 s).");
  a.max_age = 8s;
  CHECK(text(a) == "It reached the maximum age of its template (connected for 10.0 s, of 8.0 s).");
  a.max_builds = a.builds_done = 3;
  CHECK(text(a) == "It has had as many builds as its template allows (3 of 3).");
  a.max_builds = 0;
  a.max_age = {};
  a.generation = 7;
  CHECK(text(a) ==
        "Its template was changed or removed (it was launched with generation 7 of template 't').");
}

TEST_CASE("an agent that is paid for is kept until that is over, but not longer") {
  auto s = world();
  s.agents = {agent("a", "", AgentActivity::idle)};
  auto& a = s.agents[0];
  a.max_builds = 0;
  a.paid_until = kNow + 5s;
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.terminations.empty());
  CHECK(plan.next_look == kNow + 5s);
  a.idle_timeout = 1min;  // whatever is later
  CHECK(plan_provisioning(s, {}, kNow).next_look == kNow + 50s);
  a.idle_timeout = 1s;
  a.paid_until = kNow;
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.terminations.at(0).reason == EndReason::idle_too_long);
  CHECK(plan.terminations.at(0).text.starts_with(
      "It was idle, and the time that is paid for is over (idle for "));
  s.items = {item("1")};  // what waits is served all the same
  CHECK(plan_provisioning(s, {}, kNow).matches.size() == 1);
}

TEST_CASE("an agent without work that lost its connection still serves the item that waits for it") {
  auto s = world();
  s.items = {item("1")};
  s.agents = {agent("a", "1", AgentActivity::disconnected)};
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.empty());
  REQUIRE(plan.matches.size() == 1);
  CHECK(plan.matches[0].agent == AgentId("a"));

  s.items.clear();
  CHECK(plan_provisioning(s, {}, kNow).terminations.empty());  // its lease decides

  s.items = {item("1")};
  s.agents[0].working = true;  // on something else
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.terminations.empty());
}

TEST_CASE("where no template fits, the nearest is named and what it lacks") {
  auto s = world();
  const auto offer = [&](const std::string& name, std::vector<std::string> labels) {
    auto t = world().templates.at(0);
    t.name = TemplateName(name);
    t.labels = std::move(labels);
    return t;
  };
  s.templates = {offer("one", {"linux", "small"}), offer("two", {"linux", "big", "jdk17"}),
                 offer("three", {"warm", "java"})};
  const auto text = [&](const std::string& label) {
    s.items = {item("1", label)};
    return plan_provisioning(s, {}, kNow).holds.at(0).text;
  };
  CHECK(text("jdk") == "no template offers label 'jdk'; nearest: 'jdk17'");
  CHECK(text("windows") == "no template offers label 'windows'");
  CHECK(text("linux && windows") ==
        "no template offers 'linux&&windows'; nearest: template 'one', which lacks 'windows'");
  CHECK(text("small && big") ==
        "no template offers 'small&&big'; nearest: template 'one', which lacks 'big'");
  CHECK(text("jdk17 && warm") ==
        "no template offers 'jdk17&&warm'; nearest: template 'three', which lacks 'jdk17'");
  CHECK(text("linux && big && (warm || cold) && !jdk17") ==
        "no template offers 'linux&&big&&(warm||cold)&&!jdk17'; nearest: template 'one', which lacks 'big', "
        "'warm||cold'");
  CHECK(
      text("linux && jkd17") ==
      "no template offers 'linux&&jkd17'; nearest: template 'one', which lacks 'jkd17'; nearest to 'jkd17': "
      "'jdk17'");
  CHECK(text("windows && mac") == "no template offers 'windows&&mac'");
  CHECK(text("jdk || mac") == "no template offers 'jdk||mac'; nearest to 'jdk': 'jdk17'");
  CHECK(text("linux && a1 && a2 && a3 && a4 && a5 && a6")
            .ends_with("nearest: template 'one', which lacks 'a1', 'a2', 'a3', 'a4' and 2 more"));
  s.templates.pop_back();
  CHECK(text("linux <-> false") == "no template offers 'linux<->false'");
  s.templates.clear();
  CHECK(text("linux && big") == "no template offers 'linux&&big'");
}

TEST_CASE("holds say why and when") {
  auto s = world();
  s.items = {item("1", "linx")};
  auto hold = plan_provisioning(s, {}, kNow).holds.at(0);
  CHECK(hold.reason == HoldReason::no_template);
  CHECK(hold.text == "no template offers label 'linx'; nearest: 'linux'");
  s.items = {item("1", "")};
  CHECK(plan_provisioning(s, {}, kNow).holds.at(0).reason == HoldReason::no_default_template);
  s.items = {item("1"), item("2", "linux", 2)};
  Limits one;
  one.all.most.agents = 1;
  CHECK(plan_provisioning(s, one, kNow).holds.at(0).reason == HoldReason::global_cap);
  CHECK(plan_provisioning(s, one, kNow).holds.at(0).item.key == "2");
  Limits full;
  full.storage_trouble = "no space is left in the data directory";
  CHECK(plan_provisioning(s, full, kNow).holds.at(0).reason == HoldReason::storage_full);
  s.templates[0].breaker = {.state = BreakerState::open, .since = kNow, .until = kNow + 5s};
  const auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.holds.at(0).reason == HoldReason::template_open);
  CHECK(plan.next_look == kNow + 5s);
  s.clouds[0].pause_text = "by admin: maintenance";
  const auto paused = plan_provisioning(s, {}, kNow + 5s);
  CHECK(paused.launches.empty());
  CHECK(paused.holds.at(0).reason == HoldReason::cloud_paused);
  CHECK(paused.holds.at(0).text.ends_with("is paused by admin: maintenance"));
  CHECK_FALSE(paused.next_look.is_set());  // nothing but a person changes it
}

TEST_CASE("agents that offer a label are capped over all templates") {
  auto s = world();
  s.templates = {offer("a", {"linux", "gpu", "gpu"}), offer("b", {"linux", "gpu", "big"}),
                 offer("c", {"linux", "x", "y", "z"})};
  s.agents = {agent("old", "0", AgentActivity::busy)};
  s.agents[0].template_name = TemplateName("gone");
  s.agents[0].labels = {"gpu"};
  s.items = {item("1", "gpu"), item("2", "gpu"), item("3", "linux")};
  Limits limits;
  limits.labels["gpu"].most.agents = 2;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 2);
  CHECK(plan.launches[0].template_name.str() == "a");
  CHECK(plan.launches[1].item.key == "3");
  CHECK(plan.launches[1].template_name.str() == "c");  // the others would be one too many
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].reason == HoldReason::label_cap);
  CHECK(plan.holds[0].text == "2 of 2 agents with label 'gpu' exist");
  CHECK(plan.holds[0].tried->size() == 2);
}

TEST_CASE("an open template launches one probe, however many items of whatever label wait, and says so") {
  auto s = world();
  s.templates = {offer("t", {"linux", "arm"})};
  s.items = {item("1"), item("2", "arm", 2), item("3", "linux&&arm", 3), item("4", "linux", 4)};
  auto& breaker = s.templates[0].breaker;
  breaker = {.state = BreakerState::open, .since = kNow, .until = kNow + 5s};
  breaker.failures[0] = 1;
  breaker.reason = "no capacity";
  const auto held = plan_provisioning(s, {}, kNow);
  CHECK(held.launches.empty());
  CHECK(held.holds.size() == 4);
  for (const auto& hold : held.holds) {
    CHECK(hold.reason == HoldReason::template_open);
    CHECK(hold.look_again == kNow + 5s);
    CHECK(hold.text.find("no capacity") != std::string::npos);
    CHECK(hold.text.find(format_rfc3339(kNow + 5s)) != std::string::npos);
  }
  const auto now = kNow + 5s;
  const auto plan = plan_provisioning(s, {}, now);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.launches[0].item.key == "1");
  CHECK(plan.launches[0].reason == LaunchReason::breaker_probe);
  CHECK(plan.launches[0].text.find("; template 't' is paused since ") != std::string::npos);
  CHECK(plan.holds.size() == 3);
  for (const auto& hold : plan.holds) CHECK(hold.reason == HoldReason::template_half_open);
  breaker = on_probe_launched(breaker, AgentId("new-1"), now + 5min, now);
  apply(s, plan);
  const auto next = plan_provisioning(s, {}, now);
  CHECK(next.launches.empty());
  CHECK(next.holds.at(0).reason == HoldReason::template_half_open);
  CHECK(next.holds.at(0).text.find("agent new-1 is tried") != std::string::npos);
  CHECK(next.next_look == now + 5min);
  breaker = on_success(breaker, breaker.era, Stage::accepted, now);
  CHECK(plan_provisioning(s, {}, now).launches.size() == 3);
}

TEST_CASE("a disabled template, and one that is tried, leave the items to the next one that fits") {
  auto s = world();
  s.templates = {offer("first"), offer("second"), offer("third")};
  s.templates[0].priority = 2;
  s.templates[0].breaker = {.state = BreakerState::disabled, .since = kNow, .reason = "not allowed"};
  s.templates[1].priority = 1;
  s.templates[1].breaker = {.state = BreakerState::open, .since = kNow, .until = kNow};
  s.items = {item("1"), item("2", "linux", 2)};
  const auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.at(0).template_name.str() == "second");
  CHECK(plan.launches.at(1).template_name.str() == "third");
}

TEST_CASE("the best template, then the next one") {
  auto s = world();
  s.templates = {offer("wide", {"linux", "big"}), offer("narrow"), offer("first")};
  s.templates[2].priority = 5;
  s.templates[2].most.agents = 1;
  s.items = {item("1"), item("2")};
  const auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.at(0).template_name.str() == "first");
  CHECK(plan.launches.at(1).template_name.str() == "narrow");
}

TEST_CASE("random worlds: stable, within caps, each once, whatever the order, never fewer for more demand") {
  std::mt19937_64 random(7);
  auto pick = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> labels{"linux", "arm", "linux||arm", "!arm", "linux&&big", ""};
  const std::vector<std::vector<std::string>> sets{{"linux"}, {"arm"}, {"linux", "big"}, {"linux", "arm"}};
  for (int round = 0; round < 1500; ++round) {
    auto s = world();
    s.templates.clear();
    for (std::size_t i = 0; i < 1 + pick(4); ++i) {
      s.templates.push_back(offer("t" + std::to_string(i), sets[pick(sets.size())]));
      s.templates.back().most.agents = static_cast<std::uint32_t>(pick(4));
      s.templates.back().is_default = pick(2) == 0;
    }
    s.clouds[0].quota.most.agents = static_cast<std::uint32_t>(pick(8));
    for (std::size_t i = 0; i < pick(8); ++i)
      s.items.push_back(item(std::to_string(i), labels[pick(6)], static_cast<std::int64_t>(pick(3))));
    for (std::size_t i = 0; i < pick(6); ++i) {
      auto a = agent("a" + std::to_string(i), std::to_string(pick(9)), static_cast<AgentActivity>(pick(7)));
      const auto& t = s.templates[pick(s.templates.size())];
      a.template_name = t.name;
      a.labels = t.labels;
      a.is_default = t.is_default;
      a.max_builds = static_cast<std::uint32_t>(pick(3));
      a.idle_timeout = 1min;
      s.agents.push_back(a);
    }
    Limits limits;
    limits.all.most.agents = static_cast<std::uint32_t>(pick(10));
    if (pick(2) == 0) limits.labels["arm"].most.agents = static_cast<std::uint32_t>(1 + pick(3));
    const auto plan = plan_provisioning(s, limits, kNow);
    CHECK(plan.matches.size() + plan.launches.size() + plan.holds.size() == s.items.size());
    std::set<AgentId> used;
    for (const auto& match : plan.matches) CHECK(used.insert(match.agent).second);
    std::set<std::string> left;  // items of agents that end: they are decided on again once that is settled
    for (const auto& end : plan.terminations)
      if (!used.insert(end.agent).second)
        left.insert(std::ranges::find(s.agents, end.agent, &Agent::id)->for_item);
    if (limits.all.most.agents > 0 && !plan.launches.empty())
      CHECK(s.agents.size() + plan.launches.size() <= limits.all.most.agents);
    if (s.clouds[0].quota.most.agents > 0 && !plan.launches.empty())
      CHECK(s.agents.size() + plan.launches.size() <= s.clouds[0].quota.most.agents);

    for (const auto& [label, quota] : limits.labels) {
      auto after = s;
      apply(after, plan);
      const auto offers = [&label](const Agent& a) {
        return std::ranges::find(a.labels, label) != a.labels.end();
      };
      const auto launched =
          std::ranges::count_if(after.agents, offers) - std::ranges::count_if(s.agents, offers);
      if (launched > 0) CHECK(std::ranges::count_if(after.agents, offers) <= quota.most.agents);
    }

    auto shuffled = s;
    std::shuffle(shuffled.items.begin(), shuffled.items.end(), random);
    std::shuffle(shuffled.agents.begin(), shuffled.agents.end(), random);
    std::shuffle(shuffled.templates.begin(), shuffled.templates.end(), random);
    const auto same = plan_provisioning(shuffled, limits, kNow);
    REQUIRE(same.launches.size() == plan.launches.size());
    REQUIRE(same.matches.size() == plan.matches.size());
    for (std::size_t i = 0; i < plan.launches.size(); ++i) {
      CHECK(same.launches[i].item == plan.launches[i].item);
      CHECK(same.launches[i].template_name == plan.launches[i].template_name);
    }
    for (std::size_t i = 0; i < plan.matches.size(); ++i)
      CHECK(same.matches[i].agent == plan.matches[i].agent);

    auto more = s;
    more.items.push_back(item("x", labels[pick(6)], 9));
    const auto bigger = plan_provisioning(more, limits, kNow);
    CHECK(bigger.launches.size() >= plan.launches.size());

    apply(s, plan);
    const auto again = plan_provisioning(s, limits, kNow);
    for (const auto& launch : again.launches) CHECK(left.contains(launch.item.key));
    CHECK(again.terminations.empty());
    for (const auto& match : again.matches)  // each stays with the item it was given
      for (const auto& a : s.agents)
        if (a.id == match.agent && !left.contains(match.item.key)) CHECK(a.for_item == match.item.key);
  }
}

TEST_CASE("every reason to hold is a word of the API's description and of the documents") {
  const auto read = [](const char* name) {
    std::ostringstream text;
    text << std::ifstream(std::string(FOOTMAN_SOURCE_DIR) + name).rdbuf();
    return text.str();
  };
  const auto api = read("/docs/openapi.yaml");
  const auto fleet = read("/docs/FLEET.md");
  const auto of_items = api.substr(api.find("A stable word: quiet_period"));
  const auto of_pools = api.substr(api.find("hold: {type: string, enum: ["));
  const auto has = [&](const std::string& schema, const std::string& field, const std::string& word) {
    const auto part = api.substr(api.find(schema));
    const auto from = part.find(field + ": {type: string, enum: [");
    const auto words = part.substr(from, part.find(']', from) + 1 - from);
    return words.find(' ' + word + ',') != std::string::npos ||
           words.find(' ' + word + ']') != std::string::npos ||
           words.find('[' + word + ',') != std::string::npos;
  };
  for (auto number = 1; number <= static_cast<int>(EndReason::orphan); ++number) {
    const auto word = std::string(to_string(static_cast<EndReason>(number)));
    CAPTURE(word);
    CHECK(has("        endings:\n", "reason", word));
    CHECK(has("          description: Why it ended or is being ended.", "reason", word));
  }
  for (auto number = 0; number <= static_cast<int>(HoldReason::launch_limit); ++number) {
    const auto reason = static_cast<HoldReason>(number);
    const auto word = std::string(to_string(reason));
    CAPTURE(word);
    CHECK(of_items.substr(0, of_items.find('\n')).find(' ' + word + ',') != std::string::npos);
    CHECK(fleet.find('`' + word + '`') != std::string::npos);
    CHECK(has("    Consideration:\n", "code", word));
    CHECK(has("    Consideration:\n", "look_again_on", std::string(look_again_on(reason))));
    CHECK(has("    WaitReason:\n", "look_again_on", std::string(look_again_on(reason))));
    if (reason == HoldReason::no_template || reason == HoldReason::no_default_template) continue;
    const auto words = of_pools.substr(0, of_pools.find(']') + 1);
    CHECK((words.find(word + ',') != std::string::npos || words.find(word + ']') != std::string::npos));
  }
}
