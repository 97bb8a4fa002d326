#include "policy/usage.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace footman::policy;
using footman::model::AgentSize;

namespace {

constexpr Instant kNow{1'000'000'000};
constexpr std::uint64_t kGiB = 1ULL << 30;
const ControllerName kMain("main");

Template offer(const std::string& name, AgentSize size, const std::string& cloud = "here") {
  Template t;
  t.cloud = CloudName(cloud);
  t.name = TemplateName(name);
  t.labels = {"linux"};
  t.size = size;
  return t;
}
Item item(const std::string& key, const ControllerName& controller = kMain) {
  return {{controller, key}, *footman::model::parse_label_expression("linux"), Instant{1}, "job " + key};
}
Agent busy(const std::string& id, AgentSize size, const std::string& cloud = "here") {
  Agent a;
  a.id = AgentId(id);
  a.cloud = CloudName(cloud);
  a.template_name = TemplateName("gone");
  a.controller = kMain;
  a.size = size;
  a.state = footman::model::AgentState::online;
  a.activity = footman::model::AgentActivity::busy;
  return a;
}
Snapshot world() {
  Snapshot s;
  s.templates = {offer("t", {2000, 4 * kGiB})};
  s.clouds = {{CloudName("here")}, {CloudName("there")}};
  s.items = {item("1"), item("2"), item("3")};
  return s;
}

}  // namespace

TEST_CASE("vCPU of all agents together are capped, those of templates that are gone too") {
  auto s = world();
  s.agents = {busy("old", {1000, 0}, "there")};
  Limits limits;
  limits.all.most.milli_cpus = 5000;
  const auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.size() == 2);
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].reason == HoldReason::vcpu_cap);
  CHECK(plan.holds[0].text ==
        "5 vCPU of 5 vCPU of this server are taken, and an agent of template 't' needs 2 vCPU");
  CHECK_FALSE(plan.holds[0].look_again.is_set());
  CHECK(plan.holds[0].tried->size() == 1);
}

TEST_CASE("memory and vCPU of one cloud are capped, and another cloud takes the rest") {
  auto s = world();
  s.clouds[0].quota.most.memory_bytes = 7 * kGiB;
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.holds.at(0).reason == HoldReason::cloud_memory_cap);
  CHECK(plan.holds[0].text ==
        "4.0 GiB of 7.0 GiB of memory of cloud 'here' are taken, and an agent of template 't' needs 4.0 GiB");
  s.clouds[0].quota.most = {.milli_cpus = 3999};
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.holds.at(0).reason == HoldReason::cloud_vcpu_cap);
  s.templates.push_back(offer("u", {8000, kGiB}, "there"));
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 3);
  CHECK(plan.launches[1].template_name.str() == "u");
}

TEST_CASE("resources without a record count in their cloud and in all, by number and known size") {
  auto s = world();
  s.clouds[0].strays = {{.count = 2, .size = {500, kGiB / 2}}};
  s.clouds[0].quota.most.agents = 3;
  auto plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 1);
  CHECK(plan.holds.at(0).reason == HoldReason::cloud_cap);
  CHECK(plan.holds[0].text == "3 of 3 agents of cloud 'here' exist, 2 of them without a record");

  s.clouds[0].quota.most = {.milli_cpus = 5000};
  plan = plan_provisioning(s, {}, kNow);
  CHECK(plan.launches.size() == 2);
  CHECK(
      plan.holds.at(0).text ==
      "5 vCPU of 5 vCPU of cloud 'here' are taken, 1 vCPU of it by agents without a record, and an agent of "
      "template 't' needs 2 vCPU");

  s.clouds[0].quota.most = {};
  s.clouds[1].strays = {{.count = 1}};
  Limits limits;
  limits.all.most.agents = 3;
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.empty());
  CHECK(plan.holds.at(0).reason == HoldReason::global_cap);
  CHECK(plan.holds[0].text == "3 of 3 agents of this server exist, 3 of them without a record");
  s.templates[0].cloud = CloudName("there");  // those of another cloud do not count there
  s.clouds[1].quota.most.agents = 2;
  CHECK(plan_provisioning(s, {}, kNow).launches.size() == 1);
}

TEST_CASE("agents of a cloud that is not offered count, and who waits is told whose they are") {
  auto s = world();
  s.agents = {busy("old-1", {2000, kGiB}, "moon")};
  s.agents[0].state = footman::model::AgentState::terminating;
  Limits limits;
  limits.all.most.agents = 1;
  auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).text ==
        "1 of 1 agents of this server exist, 1 of them of cloud 'moon', which is not configured any more "
        "(see `footman reconcile`)");
  s.agents.push_back(busy("old-2", {2000, kGiB}, "sun"));
  s.agents[1].state = footman::model::AgentState::terminating;
  limits.all.most = {.milli_cpus = 4000};
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).text ==
        "4 vCPU of 4 vCPU of this server are taken, 4 vCPU of it by agents of clouds that are not configured "
        "any more (see `footman reconcile`), and an agent of template 't' needs 2 vCPU");
  s.clouds.push_back({CloudName("moon")});
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).text.find("2 vCPU of it by agents of cloud 'sun', which is") != std::string::npos);
}

TEST_CASE(
    "resources without a record count for their template, labels, controller and price where these are "
    "known") {
  auto s = world();
  const auto& t = s.templates[0];
  s.clouds[0].strays = {{.count = 2,
                         .size = t.size,
                         .per_hour = t.per_hour,
                         .template_name = t.name,
                         .labels = {"special"},
                         .controller = s.items[0].ref.controller}};
  const auto held = [&](const Limits& limits) { return plan_provisioning(s, limits, kNow).holds.at(0); };
  Limits of_label;
  of_label.labels["special"].most.agents = 2;
  s.templates[0].labels.emplace_back("special");
  CHECK(held(of_label).reason == HoldReason::label_cap);
  Limits of_controller;
  of_controller.controllers[s.items[0].ref.controller].most.agents = 2;
  CHECK(held(of_controller).reason == HoldReason::controller_cap);
  CHECK(held(of_controller).text == "2 of 2 agents for controller 'main' exist, 2 of them without a record");
  s.templates[0].per_hour = s.clouds[0].strays[0].per_hour = footman::model::Money{100};
  Limits of_all;
  of_all.all.most.budget.per_hour = footman::model::Money{299};
  CHECK(held(of_all).reason == HoldReason::hour_budget);
  CHECK(held(of_all).text.find(", $0.0002/h of it by agents without a record, of ") != std::string::npos);
  s.templates[0].most.agents = 2;
  CHECK(held({}).reason == HoldReason::template_cap);
  s.clouds[0].strays[0].template_name = TemplateName("other");
  CHECK(plan_provisioning(s, {}, kNow).launches.size() == 2);
}

TEST_CASE("a smaller template goes on where a larger one does not fit any more") {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].priority = 1;
  Limits limits;
  limits.all.most.milli_cpus = 6000;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 3);
  CHECK(plan.launches[0].template_name.str() == "large");
  CHECK(plan.launches[1].template_name.str() == "small");
  CHECK(plan.launches[2].template_name.str() == "small");
}

TEST_CASE("an agent that no limit ever admits says so") {
  auto s = world();
  Limits limits;
  limits.all.most.memory_bytes = kGiB;
  const auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.empty());
  CHECK(plan.holds.at(0).reason == HoldReason::memory_cap);
  CHECK(plan.holds[0].text ==
        "an agent of template 't' needs 4.0 GiB, more than all 1.0 GiB of memory of this server: until the "
        "configuration changes");
}

TEST_CASE("what another size or price may change is looked at again when that is offered") {
  auto s = world();
  s.templates[0].offered_until = kNow + 20s;
  s.templates[0].per_hour = footman::model::Money{1'000'000};
  Limits limits;
  limits.all.most.memory_bytes = kGiB;
  auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).text ==
        "an agent of template 't' needs 4.0 GiB, more than all 1.0 GiB of memory of this server: until "
        "another variant of it is launched");
  CHECK(plan.holds[0].look_again == kNow + 20s);
  CHECK(plan.next_look == kNow + 20s);
  limits.all.most = {};
  limits.all.most.budget.per_hour = footman::model::Money{1'000'000};
  limits.all.spent.still_paid_per_hour = footman::model::Money{500'000};
  limits.all.spent.rate_falls = kNow + 60s;
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).look_again == kNow + 20s);
  limits.all.spent.rate_falls = kNow + 10s;
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.holds.at(0).look_again == kNow + 10s);
  limits = {};
  limits.all.most.agents = 1;  // no size or price changes that
  s.agents = {busy("a", {1000, 0})};
  CHECK(!plan_provisioning(s, limits, kNow).holds.at(0).look_again.is_set());
}

TEST_CASE("an item that is too large for what is left is overtaken for ten minutes and no longer") {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].labels = {"big"};
  s.agents = {busy("a", {1000, 0})};
  s.agents[0].template_name = TemplateName("small");
  auto big = item("big");
  big.label = *footman::model::parse_label_expression("big");
  big.since = kNow;
  s.items = {big, item("small")};
  s.items[1].since = kNow + 1min;
  Limits limits;
  limits.all.most.milli_cpus = 4000;

  auto plan = plan_provisioning(s, limits, kNow + 9min);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "small");
  CHECK(plan.next_look == kNow + 10min);

  plan = plan_provisioning(s, limits, kNow + 10min);
  CHECK(plan.launches.empty());
  REQUIRE(plan.holds.size() == 2);
  CHECK(plan.holds[0].text ==
        "1 vCPU of 4 vCPU of this server are taken, and an agent of template 'large' needs 4 vCPU");
  CHECK(plan.holds[1].text ==
        "1 vCPU of 4 vCPU of this server are taken, 4 vCPU are kept for a build that waits longer, and an "
        "agent of template 'small' needs 1 vCPU");

  s.agents.clear();
  plan = plan_provisioning(s, limits, kNow + 10min);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "large");

  limits.all.most.milli_cpus = 3000;  // it never fits: nothing is kept for it
  plan = plan_provisioning(s, limits, kNow + 10min);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "small");
}

TEST_CASE("the reason of a launch tells why it is none of the better templates") {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].priority = 1;
  s.items.resize(1);
  Limits limits;
  limits.all.most.milli_cpus = 2000;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 1);
  REQUIRE(plan.launches[0].not_these);
  REQUIRE(plan.launches[0].not_these->size() == 1);
  CHECK(plan.launches[0].not_these->front().template_name.str() == "large");
  CHECK(plan.launches[0].text.find(plan.launches[0].not_these->front().text) != std::string::npos);
  CHECK(plan.launches[0].text.find("template 'small' is choice 2 of 2; not 'large': an agent of template "
                                   "'large' needs 4 vCPU, more than all 2 vCPU of this server") !=
        std::string::npos);
}

namespace {

// The limit of the scope that the first template's agents for kMain count in.
footman::model::AgentLimits& limits_of(Scope scope, Snapshot& s, Limits& limits) {
  switch (scope) {
    case Scope::all:
      return limits.all.most;
    case Scope::cloud:
      return s.clouds[0].quota.most;
    case Scope::agent_template:
      return s.templates[0].most;
    case Scope::label:
      return limits.labels["linux"].most;
    case Scope::controller:
      return limits.controllers[kMain].most;
  }
  throw std::logic_error("no scope");
}

// So that two agents of the first template are the most.
void allow_two(Quantity quantity, footman::model::AgentLimits& limits) {
  using footman::model::Money;
  if (quantity == Quantity::agents) limits.agents = 2;
  if (quantity == Quantity::vcpus) limits.milli_cpus = 5000;
  if (quantity == Quantity::memory) limits.memory_bytes = 11 * kGiB;
  if (quantity == Quantity::per_hour) limits.budget.per_hour = Money{1'000'000};
  if (quantity == Quantity::per_day) limits.budget.per_day = Money{250'000};
}

}  // namespace

TEST_CASE("agents, vCPU, memory and money are limited, of all and by cloud, template, label and controller") {
  for (const auto scope : {Scope::all, Scope::cloud, Scope::agent_template, Scope::label, Scope::controller})
    for (const auto quantity :
         {Quantity::agents, Quantity::vcpus, Quantity::memory, Quantity::per_hour, Quantity::per_day}) {
      const auto reason = reason_of({scope, quantity});
      INFO(to_string(reason));
      auto s = world();
      s.templates[0].per_hour = {400'000};
      // Somebody else's, that counts in the limit of all alone.
      s.templates.push_back(offer("other", {2000, 4 * kGiB}, "there"));
      s.templates[1].labels = {"arm"};
      s.templates[1].per_hour = {400'000};
      auto other = item("other", ControllerName("other"));
      other.label = *footman::model::parse_label_expression("arm");
      other.since = Instant{2};
      s.items.push_back(other);
      Limits limits;
      allow_two(quantity, limits_of(scope, s, limits));
      const auto plan = plan_provisioning(s, limits, kNow);
      CHECK(plan.launches.size() == (scope == Scope::all ? 2 : 3));
      REQUIRE(plan.holds.size() == (scope == Scope::all ? 2 : 1));
      CHECK(plan.holds[0].reason == reason);
      CHECK_FALSE(plan.holds[0].text.empty());
      if (scope == Scope::all) continue;
      const auto& of = plan.holds[0].text;
      CHECK((of.find("'here'") != of.npos || of.find("'t'") != of.npos || of.find("'linux'") != of.npos ||
             of.find("'main'") != of.npos));
    }
}

TEST_CASE("an item takes the template that its controller's limit leaves room for") {
  auto s = world();
  s.items = {item("1"), item("2")};
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].priority = 1;
  Limits limits;
  limits.controllers[kMain].most.milli_cpus = 5500;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 2);
  CHECK(plan.launches[0].template_name.str() == "large");
  CHECK(plan.launches[1].template_name.str() == "small");
  REQUIRE(plan.launches[1].not_these);
  CHECK(plan.launches[1].not_these->at(0).reason == HoldReason::controller_vcpu_cap);
}

TEST_CASE("what becomes free of a controller's memory is kept for its item that has waited for long") {
  auto s = world();
  auto large = item("large");
  large.since = kNow - 11min;
  large.label = *footman::model::parse_label_expression("large");
  auto small = item("small");
  small.since = kNow - 1min;
  s.items = {large, small};
  s.templates = {offer("large", {1000, 4 * kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].labels = {"large"};
  s.agents = {busy("a", {1000, 2 * kGiB})};
  Limits limits;
  limits.controllers[kMain].most.memory_bytes = 5 * kGiB;
  auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.empty());
  REQUIRE(plan.holds.size() == 2);
  for (const auto& hold : plan.holds) CHECK(hold.reason == HoldReason::controller_memory_cap);
  CHECK(plan.holds[1].text.find("4.0 GiB are kept for a build that waits longer") != std::string::npos);
  s.items[1].ref.controller = ControllerName("other");  // whose memory is not limited
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.size() == 1);
}

TEST_CASE("what a smaller group lacks is not kept of the larger one, which has enough") {
  auto s = world();
  auto gpu = item("gpu");
  gpu.since = kNow - 11min;
  gpu.label = *footman::model::parse_label_expression("gpu");
  auto plain = item("plain");
  plain.since = kNow - 1min;
  s.items = {gpu, plain};
  s.templates = {offer("gpu", {8000, kGiB}), offer("plain", {2000, kGiB})};
  s.templates[0].labels = {"gpu"};
  s.agents = {busy("a", {8000, kGiB})};  // of one build: nothing makes room
  s.agents[0].labels = {"gpu"};
  Limits limits;
  limits.all.most.milli_cpus = 16'000;
  limits.labels["gpu"].most.milli_cpus = 8000;
  SUBCASE("of the same amount") {}
  SUBCASE("of another one") {
    limits.labels["gpu"].most = {};
    s.templates[0].most.agents = 1;
    s.agents[0].template_name = s.templates[0].name;
  }
  SUBCASE("of money, and the larger one is no group around it") {
    limits.all.most.milli_cpus = 0;
    s.clouds[0].quota.most.milli_cpus = 16'000;
    s.agents[0].per_hour = s.templates[0].per_hour = footman::model::Money{50};
    limits.labels["gpu"].most = {};
    limits.labels["gpu"].most.budget.per_hour = footman::model::Money{60};
  }
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "plain");
  REQUIRE(plan.holds.size() == 1);
  CHECK(plan.holds[0].item.key == "gpu");
}

TEST_CASE("a budget that does not ask about an item's agent does not end what is kept for it") {
  auto s = world();
  auto cheap = item("cheap");
  cheap.since = kNow - 11min;
  cheap.label = *footman::model::parse_label_expression("cheap");
  auto small = item("small");
  small.since = kNow - 1min;
  s.items = {cheap, small};
  s.templates = {offer("cheap", {1000, 4 * kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].labels = {"cheap"};
  s.templates[0].per_hour = footman::model::Money{10};
  s.agents = {busy("a", {1000, 2 * kGiB})};
  Limits limits;
  limits.all.most.memory_bytes = 5 * kGiB;
  limits.labels["cheap"].most.budget = {.per_hour = footman::model::Money{5},
                                        .beyond = footman::model::Money{20}};
  const auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.empty());
  REQUIRE(plan.holds.size() == 2);
  CHECK(plan.holds[1].text.find("4.0 GiB are kept for a build that waits longer") != std::string::npos);
}

TEST_CASE("an item of another controller is told that room is kept for the first one's") {
  auto s = world();
  const ControllerName other("other");
  auto old = item("old");
  old.since = kNow - 11min;
  s.items = {old, item("new", other)};
  s.items[1].since = kNow - 1min;
  s.templates = {offer("large", {1000, 4 * kGiB})};
  s.agents = {busy("a", {1000, 2 * kGiB})};
  Limits limits;
  s.templates.push_back(offer("small", {1000, kGiB}));
  s.templates[0].controllers = {kMain};
  s.templates[1].controllers = {other};
  limits.controllers[kMain].most.memory_bytes = 6 * kGiB;
  limits.all.most.memory_bytes = 5 * kGiB;
  auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.launches.empty());
  REQUIRE(plan.holds.size() == 2);
  CHECK(plan.holds[0].reason == HoldReason::memory_cap);
  CHECK(plan.holds[1].reason == HoldReason::memory_cap);
  CHECK(plan.holds[1].text.find("4.0 GiB are kept for a build that waits longer") != std::string::npos);
  limits.controllers[kMain].most.memory_bytes =
      5 * kGiB;  // of no use to the first one before its own is free
  plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].item.key == "new");
}

namespace {

// The oldest item lacks vCPU of label x, the next one of label a, which is told first; agents of both are at
// work.
struct TwoLabels {
  Snapshot s = world();
  Limits limits;
  TwoLabels() {
    s.items = {item("old"), item("both")};
    s.items[0].since = kNow - 12min;
    s.items[0].label = *footman::model::parse_label_expression("x");
    s.items[1].since = kNow - 11min;
    s.items[1].label = *footman::model::parse_label_expression("x && a");
    s.templates = {offer("x", {4000, kGiB}), offer("both", {4000, kGiB}), offer("a", {1000, kGiB})};
    s.templates[0].labels = {"x"};
    s.templates[1].labels = {"x", "a", "z"};
    s.templates[2].labels = {"a", "small"};
    s.agents = {busy("1", {2000, kGiB}), busy("2", {2000, kGiB})};
    s.agents[0].labels = {"x"};
    s.agents[1].labels = {"a"};
    limits.labels["x"].most.milli_cpus = 5000;
    limits.labels["a"].most.milli_cpus = 5000;
  }
};

}  // namespace

TEST_CASE("room is kept in each of two labels that items lack") {
  TwoLabels two;
  two.s.items.push_back(item("small"));
  two.s.items[2].since = kNow - 1min;
  two.s.items[2].label = *footman::model::parse_label_expression("small");
  const auto plan = plan_provisioning(two.s, two.limits, kNow);
  CHECK(plan.launches.empty());
  REQUIRE(plan.holds.size() == 3);
  CHECK(plan.holds[2].text.find("of label 'a' are taken, 4 vCPU are kept") != std::string::npos);
}

TEST_CASE("a pool is not held by a limit of the same kind that it does not take of") {
  TwoLabels two;
  two.s.items.pop_back();
  two.s.items[0].label = *footman::model::parse_label_expression("x && a");  // what it lacks is of x
  two.limits.labels["a"].most.milli_cpus = 20'000;
  two.s.templates[2].pool.min_idle = 1;
  two.s.templates[2].pool_controller = kMain;
  const auto plan = plan_provisioning(two.s, two.limits, kNow);
  REQUIRE(plan.launches.size() == 1);
  CHECK(plan.launches[0].template_name.str() == "a");
  two.limits.labels["a"].most.milli_cpus = 5000;  // now it lacks some of that, too
  CHECK(plan_provisioning(two.s, two.limits, kNow).launches.empty());
}

TEST_CASE("agents for one controller's work are capped, for the others they are not") {
  auto s = world();
  const ControllerName other("other");
  s.items.push_back(item("4", other));
  s.agents = {busy("a", {})};
  s.agents[0].template_name = TemplateName("t");
  Limits limits;
  limits.controllers[kMain].most.agents = 2;
  const auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.launches.size() == 2);
  CHECK(plan.launches[0].item.key == "1");
  CHECK(plan.launches[1].item.controller == other);
  REQUIRE(plan.holds.size() == 2);
  CHECK(plan.holds[0].reason == HoldReason::controller_cap);
  CHECK(plan.holds[0].text == "2 of 2 agents for controller 'main' exist");
}

namespace {

// Of template "small", kept for an hour, idle since a minute ago.
Snapshot world_with_idle_agent() {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].labels = {"big"};
  auto idle = busy("idle", {1000, kGiB});
  idle.template_name = TemplateName("small");
  idle.labels = {"linux"};
  idle.activity = footman::model::AgentActivity::idle;
  idle.max_builds = 0;
  idle.idle_timeout = 1h;
  idle.idle_since = kNow - 1min;
  s.agents = {idle};
  s.items.clear();
  return s;
}

}  // namespace

TEST_CASE("an idle agent of no pool gives its place to an item that a cap keeps waiting") {
  auto s = world_with_idle_agent();
  auto big = item("big");
  big.label = *footman::model::parse_label_expression("big");
  s.items = {big};
  Limits limits;
  limits.all.most.agents = 1;
  auto plan = plan_provisioning(s, limits, kNow);
  REQUIRE(plan.terminations.size() == 1);
  CHECK(plan.terminations[0].reason == footman::model::EndReason::made_room);
  s.agents[0].paid_until = kNow + 1min;  // it is paid for anyway
  CHECK(plan_provisioning(s, limits, kNow).terminations.empty());
  s.agents[0].paid_until = {};
  s.items = {item("small")};  // that it takes itself
  plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.terminations.empty());
  CHECK(plan.matches.size() == 1);
}

TEST_CASE("once a day's money is spent no idle agent is kept that costs some, of a pool or not") {
  auto s = world_with_idle_agent();
  s.agents[0].per_hour = footman::model::Money{1'000'000};
  s.templates[1].per_hour = footman::model::Money{1'000'000};
  Limits limits;
  limits.all.most.budget.per_day = footman::model::Money{5'000'000};
  limits.all.spent.today = footman::model::Money{4'000'000};
  CHECK(plan_provisioning(s, limits, kNow).terminations.empty());
  limits.all.spent.today = footman::model::Money{5'000'000};
  REQUIRE(plan_provisioning(s, limits, kNow).terminations.size() == 1);
  CHECK(plan_provisioning(s, limits, kNow).terminations[0].reason == footman::model::EndReason::budget_spent);
  s.templates[1].pool = {1, 0};
  s.templates[1].pool_controller = kMain;
  const auto plan = plan_provisioning(s, limits, kNow);
  CHECK(plan.terminations.size() == 1);
  REQUIRE(plan.pools.size() == 1);
  CHECK(plan.pools[0].target == 0);
  CHECK(plan.launches.empty());
  limits.all.spent.today = {};
  CHECK(plan_provisioning(s, limits, kNow).terminations.empty());
}

TEST_CASE("a day's budget reserves the least that is billed, until that has begun") {
  auto s = world();
  s.templates[0].per_hour = footman::model::Money{1'000'000};
  s.templates[0].least_billed = 1h;
  s.items.clear();
  for (int i = 0; i < 40; ++i) s.items.push_back(item(std::to_string(i)));
  Limits limits;
  limits.all.most.budget.per_day = footman::model::Money{5'000'000};
  CHECK(plan_provisioning(s, limits, kNow).launches.size() == 5);
  for (int i = 0; i < 3; ++i) {  // they are billed: their hour is spent, and 15 minutes more reserved
    s.agents.push_back(busy("a" + std::to_string(i), {}));
    s.agents.back().per_hour = footman::model::Money{1'000'000};
  }
  limits.all.spent.today = footman::model::Money{3'000'000};
  CHECK(plan_provisioning(s, limits, kNow).launches.size() == 1);
}

TEST_CASE("nothing is kept for an item that waits for money, too") {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB}), offer("small", {1000, kGiB})};
  s.templates[0].labels = {"big"};
  s.templates[0].per_hour = footman::model::Money{1'000'000};
  s.agents = {busy("a", {1000, 0})};
  auto big = item("big");
  big.label = *footman::model::parse_label_expression("big");
  s.items = {big, item("small")};
  s.items[1].since = Instant{2};
  Limits limits;
  limits.all.most.milli_cpus = 4000;
  CHECK(plan_provisioning(s, limits, kNow).launches.empty());
  limits.all.most.budget.per_day = footman::model::Money{1'000'000};
  limits.all.spent.today = footman::model::Money{1'000'000};
  CHECK(plan_provisioning(s, limits, kNow).launches.size() == 1);
}

TEST_CASE(
    "what never fits is looked at again when the configuration changes, or another variant is launched") {
  auto s = world();
  s.templates = {offer("large", {4000, kGiB})};
  s.items = {item("big")};
  Limits limits;
  limits.all.most.milli_cpus = 3000;
  auto hold = plan_provisioning(s, limits, kNow).holds.at(0);
  CHECK(hold.look_again_on == "configuration_changes");
  CHECK(hold.tried->at(0).look_again_on == "configuration_changes");
  s.templates[0].offered_until = kNow + 1min;
  CHECK(plan_provisioning(s, limits, kNow).holds.at(0).look_again_on == "pause_is_over");
  s.templates[0].offered_until = {};
  s.templates.push_back(offer("small", {1000, kGiB}));  // an agent that ends makes room for this one
  s.agents = {busy("a", {3000, 0})};
  hold = plan_provisioning(s, limits, kNow).holds.at(0);
  CHECK(hold.look_again_on == "agent_ends");
  CHECK(hold.text.find("an agent of template 'small' needs 1 vCPU") != std::string::npos);
  CHECK(hold.tried->at(0).look_again_on == "configuration_changes");
  limits.all.most = {};
  limits.all.most.budget.per_day = footman::model::Money{1};
  s.templates = {offer("dear", {1000, kGiB})};
  s.templates[0].per_hour = footman::model::Money{1'000'000};
  CHECK(plan_provisioning(s, limits, kNow).holds.at(0).look_again_on == "configuration_changes");
}
