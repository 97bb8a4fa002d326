// What one decision of the fleet costs, as the world grows. The largest world is 100,000 waiting items,
// 10,000 agents and 200 templates.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "model/label.hpp"
#include "policy/ledger.hpp"
#include "policy/provisioning_plan.hpp"

namespace {

using namespace footman;
using namespace footman::policy;

constexpr std::int64_t kTemplates = 200;
constexpr std::int64_t kClouds = 10;
constexpr base::Instant kNow{2'000'000'000'000};

// Each label is offered by the templates of two of ten families; every fifth item asks for two labels.
std::string label_of(std::int64_t item, std::int64_t labels) {
  const auto family = item % (kTemplates / 10);
  const auto text = "family-" + std::to_string(family);
  if (labels > 40) return text + "&&!not-" + std::to_string(item % labels);
  return item / (kTemplates / 10) % 5 == 0 ? text + "&&linux" : text;
}

// capped: a cap on agents for all and for each template, and every agent ends after its build. limited: sizes
// and prices; limits of vCPU, memory and money on everything there is; pools and kept agents in one template
// of ten; in another one of ten the best variant rests. crowded: the same with 1,000 different labels that
// are asked for; what is full are the limits of labels, and one agent in ten is idle, kept for builds that
// nobody submits now.
enum class Kind { capped, limited, crowded };

bool is_idle(std::int64_t number, Kind kind) { return kind == Kind::crowded && number % 10 == 9; }
bool is_kept(std::int64_t number) { return number % 10 == 7; }
bool has_variants(std::int64_t number) { return number % 10 == 3; }

constexpr std::uint64_t kGigabyte = 1'000'000'000;

// What it offers: the first variant, or while that rests the second.
void offer_variant(Template& t, std::int64_t number, bool rests) {
  const auto cpus = 1 + number % 4 + (rests ? 1 : 0);
  t.size = {static_cast<std::uint64_t>(cpus) * 1'000, static_cast<std::uint64_t>(cpus) * 2 * kGigabyte};
  t.per_hour = model::Money{cpus * 40'000};
  t.offered_until = rests ? kNow + std::chrono::minutes(5) : base::Instant();
}

model::AgentLimits limits_for(std::int64_t agents) {
  model::AgentLimits most;
  most.milli_cpus = static_cast<std::uint64_t>(agents) * 4'000;
  most.memory_bytes = static_cast<std::uint64_t>(agents) * 10 * kGigabyte;
  most.budget.per_hour = model::Money{agents * 200'000};
  most.budget.per_day = model::Money{agents * 4'000'000};
  return most;
}

Template make_template(std::int64_t number, Kind kind) {
  Template t;
  t.cloud = base::CloudName("cloud-" + std::to_string(number % kClouds));
  t.name = base::TemplateName("template-" + std::to_string(number));
  t.generation = 1;
  t.labels = {"linux", "size-" + std::to_string(number / (kTemplates / 10)),
              "family-" + std::to_string(number % (kTemplates / 10))};
  t.priority = static_cast<int>(number % 3);
  t.most.agents = 1'000;
  if (kind == Kind::capped) return t;
  t.most = limits_for(1'000);
  t.least_billed = std::chrono::minutes(1);
  offer_variant(t, number, has_variants(number));
  t.pool_controller = base::ControllerName("builtin");
  if (is_kept(number)) t.pool = {2, 500};
  if (!is_idle(number, kind)) return t;
  t.labels = {"spare"};
  t.pool = {50, 0};
  return t;
}

Item make_item(std::int64_t number, Kind kind) {
  return {{base::ControllerName("builtin"), std::to_string(number)},
          model::parse_label_expression(label_of(number, kind == Kind::crowded ? 1'000 : 40)).value(),
          base::Instant{1'000'000'000'000 + number},
          "team/app #" + std::to_string(number)};
}

// One of ten is on its way for an item that waits, the others are at work.
Agent make_agent(std::int64_t number, const Template& t) {
  Agent agent;
  agent.id = base::AgentId("agent-" + std::to_string(number));
  agent.cloud = t.cloud;
  agent.template_name = t.name;
  agent.generation = 1;
  agent.labels = t.labels;
  agent.controller = base::ControllerName("builtin");
  agent.for_item = std::to_string(number);
  const bool on_its_way = number % 10 == 0;
  agent.state = on_its_way ? model::AgentState::connecting : model::AgentState::online;
  agent.activity = on_its_way ? model::AgentActivity::expected : model::AgentActivity::busy;
  agent.planned = {500'000'000'000 + number};
  agent.launch_deadline = kNow + std::chrono::minutes(5);
  agent.size = t.size;
  agent.per_hour = t.per_hour;
  if (!t.pool.empty()) agent.max_builds = 0;
  if (t.labels.front() != "spare") return agent;
  agent.state = model::AgentState::online;
  agent.activity = model::AgentActivity::idle;
  agent.idle_since = kNow;
  agent.idle_timeout = std::chrono::minutes(10);
  agent.for_item.clear();
  return agent;
}

struct World : Snapshot {
  Limits limits;
};

// All that may be launched is there: the common state of a fleet with a long queue.
World make_world(std::int64_t items, std::int64_t agents, Kind kind) {
  World world;
  for (std::int64_t i = 0; i < kClouds; ++i)
    world.clouds.push_back({base::CloudName("cloud-" + std::to_string(i))});
  for (std::int64_t i = 0; i < kTemplates; ++i) world.templates.push_back(make_template(i, kind));
  for (std::int64_t i = 0; i < items; ++i) world.items.push_back(make_item(i, kind));
  for (std::int64_t i = 0; i < agents; ++i)
    world.agents.push_back(make_agent(i, world.templates[static_cast<std::size_t>(i % kTemplates)]));
  auto& limits = world.limits;
  if (kind == Kind::capped) {
    limits.all.most.agents = static_cast<std::uint32_t>(agents);
    return world;
  }
  limits.all.most = limits_for(agents);
  for (auto& cloud : world.clouds) cloud.quota.most = limits_for(agents);
  for (std::int64_t i = 0; i < kTemplates / 10; ++i)
    limits.labels["family-" + std::to_string(i)].most = limits_for(agents);
  limits.controllers[base::ControllerName("builtin")].most = limits_for(agents);
  if (kind == Kind::limited) limits.all.most.milli_cpus = 0;
  if (kind == Kind::crowded)
    for (auto& [label, quota] : limits.labels) quota.most.milli_cpus = 0;
  for (const auto& agent : world.agents) {
    if (kind == Kind::limited) limits.all.most.milli_cpus += agent.size.milli_cpus;
    if (const auto of = limits.labels.find(agent.labels.back());
        kind == Kind::crowded && of != limits.labels.end())
      of->second.most.milli_cpus += agent.size.milli_cpus;
  }
  return world;
}

void from_nothing(benchmark::State& state) {
  const auto world = make_world(state.range(0), state.range(0) / 10, Kind::capped);
  for (auto _ : state) benchmark::DoNotOptimize(plan_provisioning(world, world.limits, kNow));
}

// What one plan costs after a small change: an item comes and goes, an agent gets its work, an agent ends and
// makes room for another one.
class Grown {
 public:
  Grown(std::int64_t items, Kind kind)
      : kind_(kind), world_(make_world(items, items / 10, kind)), next_(items) {
    ledger_.set_templates(world_.templates);
    ledger_.set_clouds(world_.clouds);
    for (const auto& item : world_.items) ledger_.put_item(item);
    for (const auto& agent : world_.agents) ledger_.put_agent(agent);
    // What gives way to those that have waited for long does.
    for (auto plan = this->plan(); !plan.drains.empty() || !plan.launches.empty(); plan = this->plan())
      carry_out(plan);
  }
  Plan plan() {
    ledger_.set_templates(world_.templates);  // as the fleet does: all of them, each time
    ledger_.set_clouds(world_.clouds);
    return ledger_.plan(world_.limits, kNow);
  }
  Plan item_comes() {
    ledger_.put_item(make_item(next_++, kind_));
    return plan();
  }
  // The agent of some item takes it.
  Plan agent_gets_work() {
    auto& agent = world_.agents[begun_];
    ledger_.drop_item({agent.controller, agent.for_item});
    agent.activity = model::AgentActivity::busy;
    ledger_.put_agent(agent);
    begun_ = (begun_ + 10) % world_.agents.size();
    return plan();
  }
  // Others are launched in its place.
  Plan agent_ends() {
    ledger_.drop_agent(world_.agents[ended_].id);
    world_.agents[ended_].state = model::AgentState::terminated;
    auto plan = this->plan();
    carry_out(plan);
    ended_ = (ended_ + 1) % world_.agents.size();
    return plan;
  }
  // Of which the reasons of all items tell.
  Plan amount_changes() {
    is_less_ = !is_less_;
    const auto change = [this](auto& amount) { is_less_ ? --amount : ++amount; };
    auto& limits = world_.limits;
    if (kind_ == Kind::capped)
      change(limits.all.most.agents);
    else if (kind_ == Kind::limited)
      change(limits.all.most.milli_cpus);
    else
      for (auto& [label, quota] : limits.labels) change(quota.most.milli_cpus);
    return plan();
  }
  // The next template's best variant can be had again, or can not.
  Plan variant_changes() {
    changed_ = (changed_ + 10) % kTemplates;
    auto& t = world_.templates[static_cast<std::size_t>(changed_)];
    offer_variant(t, changed_, !t.offered_until.is_set());
    return plan();
  }

 private:
  void carry_out(const Plan& plan) {
    for (const auto& launch : plan.launches) {
      const auto& t = *std::ranges::find(world_.templates, launch.template_name, &Template::name);
      auto agent = make_agent(launched_++, t);
      agent.id = base::AgentId("new-" + agent.id.str());
      agent.for_item = launch.item.key;
      agent.state = model::AgentState::connecting;
      agent.activity = model::AgentActivity::expected;
      ledger_.put_agent(agent);
      world_.agents.push_back(std::move(agent));
    }
    for (const auto& drain : plan.drains) {
      auto& agent = *std::ranges::find(world_.agents, drain.agent, &Agent::id);
      agent.state = model::AgentState::draining;
      ledger_.put_agent(agent);
    }
  }

  Kind kind_;
  World world_;
  Ledger ledger_;
  std::int64_t next_;
  std::int64_t launched_ = 0;
  std::int64_t changed_ = 3;
  bool is_less_ = false;
  std::size_t begun_ = 0;
  std::size_t ended_ = 1;
};

// Kept agents without work are what a plan looks at one by one.
void all_agents_idle(benchmark::State& state) {
  auto world = make_world(0, state.range(0), Kind::capped);
  Ledger ledger;
  ledger.set_templates(world.templates);
  ledger.set_clouds(world.clouds);
  for (auto& agent : world.agents) {
    agent.max_builds = 0;
    agent.activity = model::AgentActivity::idle;
    agent.idle_since = kNow;
    agent.idle_timeout = std::chrono::minutes(10);
    ledger.put_agent(std::move(agent));
  }
  for (auto _ : state) benchmark::DoNotOptimize(ledger.plan({}, kNow));
}
BENCHMARK(all_agents_idle)->ArgName("agents")->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

template <Kind TheKind, Plan (Grown::*Change)()>
void after(benchmark::State& state) {
  Grown world(state.range(0), TheKind);
  for (auto _ : state) benchmark::DoNotOptimize((world.*Change)());
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("items")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
}
BENCHMARK(from_nothing)->Apply(sizes);
BENCHMARK(after<Kind::capped, &Grown::plan>)->Name("after/nothing")->Apply(sizes);
BENCHMARK(after<Kind::capped, &Grown::item_comes>)->Name("after/item_comes")->Apply(sizes);
BENCHMARK(after<Kind::capped, &Grown::agent_gets_work>)->Name("after/agent_gets_work")->Apply(sizes);
BENCHMARK(after<Kind::capped, &Grown::agent_ends>)
    ->Name("after/agent_ends_another_is_launched")
    ->Apply(sizes);
BENCHMARK(after<Kind::capped, &Grown::amount_changes>)->Name("after/amount_changes")->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::plan>)->Name("limited/nothing")->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::item_comes>)->Name("limited/item_comes")->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::agent_gets_work>)->Name("limited/agent_gets_work")->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::agent_ends>)
    ->Name("limited/agent_ends_another_is_launched")
    ->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::amount_changes>)->Name("limited/amount_changes")->Apply(sizes);
BENCHMARK(after<Kind::limited, &Grown::variant_changes>)->Name("limited/variant_changes")->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::plan>)->Name("crowded/nothing")->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::item_comes>)->Name("crowded/item_comes")->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::agent_gets_work>)->Name("crowded/agent_gets_work")->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::agent_ends>)
    ->Name("crowded/agent_ends_another_is_launched")
    ->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::amount_changes>)->Name("crowded/amount_changes")->Apply(sizes);
BENCHMARK(after<Kind::crowded, &Grown::variant_changes>)->Name("crowded/variant_changes")->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
