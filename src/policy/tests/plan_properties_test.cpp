// What holds of every plan, whatever the world.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include "policy/tests/random_world.hpp"
#include "policy/usage.hpp"

using namespace footman::policy;
using footman::model::AgentState;
using footman::model::Money;
using footman::policy::testing::find_difference;
using footman::policy::testing::RandomWorld;

namespace {

constexpr std::uint64_t kWorlds = 40;
constexpr int kSteps = 30;

// Calls with each of many worlds and the plan for it.
template <class Check>
void for_each_world(std::uint64_t first_seed, Check check) {
  for (std::uint64_t seed = first_seed; seed < first_seed + kWorlds; ++seed) {
    RandomWorld world(seed);
    for (int step = 0; step < kSteps; ++step) {
      for (auto changes = 1 + world.pick(4); changes > 0; --changes) world.change();
      const auto plan = plan_provisioning(world.snapshot(), world.limits, world.now);
      INFO("seed ", seed, " step ", step);
      check(world, plan);
      if (world.chance(2)) world.carry_out(plan);
    }
  }
}

// Without those for pools.
std::vector<ItemRef> launched_items(const Plan& plan) {
  std::vector<ItemRef> items;
  for (const auto& one : plan.launches)
    if (!one.item.key.empty()) items.push_back(one.item);
  return items;
}

bool offers(const std::vector<std::string>& labels, const std::string& label) {
  return std::ranges::find(labels, label) != labels.end();
}

// Items whose own agent is ended or drained by this plan.
std::set<ItemRef> ends_of_matched(const Plan& plan) {
  std::set<AgentId> ends;
  for (const auto& one : plan.terminations) ends.insert(one.agent);
  for (const auto& one : plan.drains) ends.insert(one.agent);
  std::set<ItemRef> items;
  for (const auto& one : plan.matches)
    if (ends.contains(one.agent)) items.insert(one.item);
  return items;
}

// How many of the agents that may hold a resource, and how many of the launches.
struct Count {
  std::size_t agents = 0;
  std::size_t launches = 0;
  bool keeps(std::uint32_t cap) const { return launches == 0 || cap == 0 || agents + launches <= cap; }
};
template <class IsCounted>
Count count(const Snapshot& world, const Plan& plan, IsCounted is_counted) {
  Count result;
  for (const auto& agent : world.agents)
    if (footman::model::may_hold_resource(agent.state) &&
        is_counted(agent.cloud, agent.template_name, agent.labels, agent.state))
      ++result.agents;
  for (const auto& launch : plan.launches) {
    const auto& t = *std::ranges::find(world.templates, launch.template_name, &Template::name);
    if (is_counted(launch.cloud, launch.template_name, t.labels, AgentState::planned)) ++result.launches;
  }
  return result;
}

// What agents and launches take together of something that has a limit. Nothing where no launch takes any:
// then the limit may have been lowered.
template <class AmountOf>
std::optional<std::int64_t> find_sum(const Snapshot& world, const Plan& plan,
                                     const std::function<bool(const GroupMember&)>& counts,
                                     AmountOf amount_of) {
  std::int64_t sum = 0;
  bool adds = false;
  for (const auto& agent : world.agents)
    if (footman::model::may_hold_resource(agent.state) && counts(member_of(agent))) sum += amount_of(agent);
  for (const auto& cloud : world.clouds)
    for (const auto& one : cloud.strays) {
      const GroupMember member{&one.controller, &cloud.name, &one.template_name, &one.labels, needs_of(one)};
      if (counts(member)) sum += one.count * amount_of(one);
    }
  for (const auto& launch : plan.launches) {
    const auto& t = *std::ranges::find(world.templates, launch.template_name, &Template::name);
    if (!counts(member_of(t, launch.item.controller))) continue;
    sum += amount_of(t);
    adds |= amount_of(t) > 0;
  }
  return adds ? std::optional(sum) : std::nullopt;
}

void check_limits(const Snapshot& world, const Plan& plan, const Quota& quota,
                  const std::function<bool(const GroupMember&)>& counts) {
  const auto& most = quota.most;
  const auto keeps = [&](std::uint64_t limit, std::int64_t taken, auto amount_of) {
    const auto sum = find_sum(world, plan, counts, amount_of);
    return limit == 0 || !sum || taken + *sum <= static_cast<std::int64_t>(limit);
  };
  const auto micros = [](std::optional<Money> budget) {
    return static_cast<std::uint64_t>(budget ? budget->micros : 0);
  };
  CHECK(keeps(most.agents, 0, [](const auto&) { return 1; }));
  CHECK(keeps(most.milli_cpus, 0,
              [](const auto& one) { return static_cast<std::int64_t>(one.size.milli_cpus); }));
  CHECK(keeps(most.memory_bytes, 0,
              [](const auto& one) { return static_cast<std::int64_t>(one.size.memory_bytes); }));
  if (most.budget.beyond && *most.budget.beyond > Money()) return;  // all prices of this world are
  CHECK(keeps(micros(most.budget.per_hour), quota.spent.still_paid_per_hour.micros,
              [](const auto& one) { return one.per_hour.micros; }));
  CHECK(keeps(micros(most.budget.per_day), quota.spent.today.micros,
              [](const auto& one) { return reserved_ahead(needs_of(one)).micros; }));
}

void check_caps(const Snapshot& world, const Limits& limits, const Plan& plan) {
  check_limits(world, plan, limits.all, [](const GroupMember&) { return true; });
  for (const auto& cloud : world.clouds) {
    const auto under_way = [&](const CloudName& name, const TemplateName&, const std::vector<std::string>&,
                               AgentState state) {
      return name == cloud.name && (state == AgentState::planned || state == AgentState::launching);
    };
    CHECK(count(world, plan, under_way).keeps(limits.launches_at_once));
    check_limits(world, plan, cloud.quota, [&](const GroupMember& one) { return *one.cloud == cloud.name; });
  }
  for (const auto& t : world.templates) {
    const auto spent = limits.templates_spent.find(t.name);
    check_limits(world, plan, {t.most, spent == limits.templates_spent.end() ? Spent() : spent->second},
                 [&](const GroupMember& one) { return *one.template_name == t.name; });
  }
  for (const auto& [label, quota] : limits.labels)
    check_limits(world, plan, quota, [&](const GroupMember& one) { return offers(*one.labels, label); });
  for (const auto& [controller, quota] : limits.controllers)
    check_limits(world, plan, quota, [&](const GroupMember& one) { return *one.controller == controller; });
}

}  // namespace

TEST_CASE("a plan is within all caps, and launches nothing where nothing may be launched") {
  std::size_t launches = 0;
  for_each_world(1'000, [&](RandomWorld& world, const Plan& plan) {
    const auto snapshot = world.snapshot();
    check_caps(snapshot, world.limits, plan);
    launches += plan.launches.size();
    if (!world.limits.storage_trouble.empty()) CHECK(plan.launches.empty());
    for (const auto& launch : plan.launches) {
      const auto& cloud = *std::ranges::find(snapshot.clouds, launch.cloud, &Cloud::name);
      const auto& t = *std::ranges::find(snapshot.templates, launch.template_name, &Template::name);
      CHECK(cloud.pause_text.empty());
      CHECK(cloud.hold_until <= world.now);
      CHECK(may_launch(t.breaker, world.now).launches != Permission::none);
    }
  });
  CHECK(launches > 150);
}

TEST_CASE(
    "each item gets one word, each agent serves one item at most and is not ended then, unless the item was "
    "its own") {
  for_each_world(2'000, [](RandomWorld& world, const Plan& plan) {
    std::set<ItemRef> items;
    std::set<AgentId> agents;
    const auto own = ends_of_matched(plan);
    for (const auto& one : plan.matches) {
      CHECK(items.insert(one.item).second);
      if (!own.contains(one.item)) {
        CHECK(agents.insert(one.agent).second);
        continue;
      }
      const auto all = world.snapshot().agents;
      CHECK(std::ranges::find(all, one.agent, &Agent::id)->for_item == one.item.key);
    }
    for (const auto& item : launched_items(plan)) CHECK(items.insert(item).second);
    for (const auto& one : plan.holds) {
      CHECK(items.insert(one.item).second);
      CHECK_FALSE(one.text.empty());
      if (one.look_again.is_set()) CHECK(one.look_again > world.now);
    }
    for (const auto& one : plan.terminations) CHECK(agents.insert(one.agent).second);
    for (const auto& one : plan.drains) CHECK(agents.insert(one.agent).second);
    CHECK(items.size() == world.snapshot().items.size());
  });
}

TEST_CASE("a plan does not depend on the order of what it is given") {
  for_each_world(3'000, [](RandomWorld& world, const Plan& plan) {
    CHECK(find_difference(plan, plan_provisioning(world.snapshot(), world.limits, world.now)) == "");
  });
}

TEST_CASE("planning twice changes nothing: what was decided stays so when it is carried out") {
  for_each_world(4'000, [](RandomWorld& world, const Plan& plan) {
    world.carry_out(plan);
    const auto again = plan_provisioning(world.snapshot(), world.limits, world.now);
    // The end of one that is under way makes room for the launch of another one.
    if (world.limits.launches_at_once != 0 && !plan.terminations.empty()) return;
    // So does that of one that kept its own item: now it is decided on.
    const auto own = ends_of_matched(plan);
    if (own.empty()) {
      CHECK(again.launches.empty());
      CHECK(again.holds.size() == plan.holds.size());
    }
    for (const auto& item : launched_items(again)) CHECK(own.contains(item));
    if (!own.empty()) return;  // which may make room
    CHECK(again.terminations.empty());
    CHECK(again.drains.empty());
  });
}

TEST_CASE("nothing is launched for an item that its own agent may still get") {
  std::size_t waiting = 0;
  const auto look = [&](RandomWorld& world, const Plan& plan) {
    std::set<ItemRef> launched;
    for (const auto& item : launched_items(plan)) launched.insert(item);
    for (const auto& item : world.snapshot().items)
      for (const auto& agent : world.snapshot().agents) {
        using enum footman::model::AgentActivity;
        const bool hands_free = agent.activity == idle || agent.activity == expected ||
                                (agent.activity == disconnected && !agent.working);
        const bool is_own = agent.controller == item.ref.controller && agent.for_item == item.ref.key &&
                            footman::model::fits(item.label, agent.labels, agent.is_default);
        const bool may_come = footman::model::may_hold_resource(agent.state) &&
                              (footman::model::is_serving(agent.state) || !agent.is_barred);
        if (!hands_free || !is_own || !may_come) continue;
        CHECK_FALSE(launched.contains(item.ref));
        if (!footman::model::is_serving(agent.state)) ++waiting;
      }
  };
  for (const auto first_seed : {7'000, 17'000}) for_each_world(first_seed, look);  // such agents are rare
  CHECK(waiting > 20);
}

TEST_CASE("one more item never makes fewer launches, and takes nothing from those before it") {
  for_each_world(5'000, [](RandomWorld& world, const Plan& plan) {
    auto more = world;
    more.add_item();
    const auto bigger = plan_provisioning(more.snapshot(), more.limits, more.now);
    const auto items = launched_items(plan);
    const auto more_items = launched_items(bigger);
    CHECK(more_items.size() >= items.size());
    CHECK(more_items.size() <= items.size() + 1);
    CHECK(bigger.terminations.size() <= plan.terminations.size() + 1);  // one of a pool may make room
    CHECK(bigger.holds.size() <= plan.holds.size() + 1);
    for (std::size_t i = 0; i < std::min(items.size(), more_items.size()); ++i)
      CHECK(more_items[i] == items[i]);
  });
}

TEST_CASE("left alone, every world comes to rest: nothing is launched and ended again and again") {
  for_each_world(6'000, [](RandomWorld& world, const Plan&) {
    auto alone = world;
    auto plan = plan_provisioning(alone.snapshot(), alone.limits, alone.now);
    for (int round = 0; round < 40 && !(plan.launches.empty() && plan.terminations.empty()); ++round) {
      alone.carry_out(plan);
      alone.let_arrive(plan);
      plan = plan_provisioning(alone.snapshot(), alone.limits, alone.now);
    }
    CHECK(plan.launches.empty());
    CHECK(plan.terminations.empty());
  });
}
