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
std::string label_of(std::int64_t item) {
  const auto family = item % (kTemplates / 10);
  const auto text = "family-" + std::to_string(family);
  return item / (kTemplates / 10) % 5 == 0 ? text + "&&linux" : text;
}

Template make_template(std::int64_t number) {
  Template t;
  t.cloud = base::CloudName("cloud-" + std::to_string(number % kClouds));
  t.name = base::TemplateName("template-" + std::to_string(number));
  t.generation = 1;
  t.labels = {"linux", "family-" + std::to_string(number % (kTemplates / 10)),
              "size-" + std::to_string(number / (kTemplates / 10))};
  t.priority = static_cast<int>(number % 3);
  t.most.agents = 1'000;
  return t;
}

Item make_item(std::int64_t number) {
  return {{base::ControllerName("builtin"), std::to_string(number)},
          model::parse_label_expression(label_of(number)).value(),
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
  return agent;
}

Snapshot make_world(std::int64_t items, std::int64_t agents) {
  Snapshot world;
  for (std::int64_t i = 0; i < kClouds; ++i)
    world.clouds.push_back({base::CloudName("cloud-" + std::to_string(i))});
  for (std::int64_t i = 0; i < kTemplates; ++i) world.templates.push_back(make_template(i));
  for (std::int64_t i = 0; i < items; ++i) world.items.push_back(make_item(i));
  for (std::int64_t i = 0; i < agents; ++i)
    world.agents.push_back(make_agent(i, world.templates[static_cast<std::size_t>(i % kTemplates)]));
  return world;
}

// All that may be launched is there: the common state of a fleet with a long queue.
Limits full(std::int64_t agents) {
  Limits limits;
  limits.all.most.agents = static_cast<std::uint32_t>(agents);
  return limits;
}

void from_nothing(benchmark::State& state) {
  const auto world = make_world(state.range(0), state.range(0) / 10);
  const auto limits = full(state.range(0) / 10);
  for (auto _ : state) benchmark::DoNotOptimize(plan_provisioning(world, limits, kNow));
}
// What one plan costs after a small change: an item comes and goes, an agent gets its work, an agent ends and
// makes room for another one.
class Grown {
 public:
  explicit Grown(std::int64_t items)
      : world_(make_world(items, items / 10)), limits_(full(items / 10)), next_(items) {
    ledger_.set_templates(world_.templates);
    ledger_.set_clouds(world_.clouds);
    for (const auto& item : world_.items) ledger_.put_item(item);
    for (const auto& agent : world_.agents) ledger_.put_agent(agent);
    (void)ledger_.plan(limits_, kNow);
  }
  Plan plan() {
    ledger_.set_templates(world_.templates);  // as the fleet does: all of them, each time
    ledger_.set_clouds(world_.clouds);
    return ledger_.plan(limits_, kNow);
  }
  Plan item_comes() {
    ledger_.put_item(make_item(next_++));
    return plan();
  }
  // The agent of some item takes it.
  Plan agent_gets_work() {
    auto agent = world_.agents[begun_];
    ledger_.drop_item({agent.controller, agent.for_item});
    agent.activity = model::AgentActivity::busy;
    ledger_.put_agent(std::move(agent));
    begun_ = (begun_ + 10) % world_.agents.size();
    return plan();
  }
  // One is launched in its place.
  Plan agent_ends() {
    ledger_.drop_agent(world_.agents[ended_].id);
    auto plan = this->plan();
    auto& agent = world_.agents[ended_];
    const auto& launch = plan.launches.at(0);
    const auto& t = *std::ranges::find(world_.templates, launch.template_name, &Template::name);
    agent.cloud = t.cloud;
    agent.template_name = t.name;
    agent.labels = t.labels;
    agent.for_item = launch.item.key;
    agent.activity = model::AgentActivity::expected;
    ledger_.put_agent(agent);
    ended_ = (ended_ + 1) % world_.agents.size();
    return plan;
  }

 private:
  Snapshot world_;
  Limits limits_;
  Ledger ledger_;
  std::int64_t next_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 1;
};

// Kept agents without work are what a plan looks at one by one.
void all_agents_idle(benchmark::State& state) {
  auto world = make_world(0, state.range(0));
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

template <Plan (Grown::*Change)()>
void after(benchmark::State& state) {
  Grown world(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize((world.*Change)());
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("items")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
}
BENCHMARK(from_nothing)->Apply(sizes);
BENCHMARK(after<&Grown::plan>)->Name("after/nothing")->Apply(sizes);
BENCHMARK(after<&Grown::item_comes>)->Name("after/item_comes")->Apply(sizes);
BENCHMARK(after<&Grown::agent_gets_work>)->Name("after/agent_gets_work")->Apply(sizes);
BENCHMARK(after<&Grown::agent_ends>)->Name("after/agent_ends_another_is_launched")->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
