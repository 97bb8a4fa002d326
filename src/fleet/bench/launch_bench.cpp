// The whole fleet, with the real clock and a store on disk (TMPDIR), against a cloud and a controller that
// answer at once: launches for each second (planned, recorded, introduced, launched, noted), and what a plan
// costs when one item comes to a long queue and many agents are at work.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "fleet/fleet.hpp"
#include "fleet/frozen_request.hpp"
#include "runtime/post.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"
#include "store/store.hpp"

namespace {

using namespace footman;
using runtime::Awaitable;

constexpr std::int64_t kTemplates = 200;
constexpr std::int64_t kClouds = 10;

std::string family(std::int64_t number) { return "family-" + std::to_string(number % (kTemplates / 10)); }

class QuickCloud final : public ports::CloudProvider {
 public:
  QuickCloud(base::CloudName name, std::function<void()> on_launch)
      : name_(std::move(name)), on_launch_(std::move(on_launch)) {}
  base::CloudName name() const override { return name_; }
  ports::CloudLimits limits() const override { return {0, std::chrono::hours(1), {}}; }
  base::Result<std::vector<ports::Variant>> freeze(const base::TemplateName&) const override {
    return std::vector<ports::Variant>{{{}, "{}"}};
  }
  Awaitable<ports::LaunchResult> launch(ports::LaunchSpec spec) override {
    add({spec.installation, spec.agent, spec.client_token, spec.client_token});
    on_launch_();
    co_return ports::LaunchHandle{spec.client_token};
  }
  Awaitable<base::Result<std::vector<ports::Resource>>> observe() override { co_return resources_; }
  Awaitable<base::Result<ports::Resource>> find_by_token(std::string) override {
    co_return base::fail(base::Errc::unavailable, "this cloud finds nothing");
  }
  Awaitable<base::Result<ports::Resource>> terminate(std::string, std::string) override {
    co_return base::fail(base::Errc::unavailable, "this cloud ends nothing");
  }
  void set_on_change(std::function<void()>) override {}

  void add(ports::Resource resource) { resources_.push_back(std::move(resource)); }

 private:
  base::CloudName name_;
  std::function<void()> on_launch_;
  std::vector<ports::Resource> resources_;
};

class LongQueue final : public ports::ControllerPort {
 public:
  std::vector<ports::DemandItem> items;
  std::function<void()> on_change;
  const runtime::Clock* clock = nullptr;
  bool is_busy = false;                           // its agents have work
  std::string awaited;                            // the item whose reason is waited for
  std::function<void(base::Duration)> on_reason;  // how long the plan took until it was told

  base::ControllerName name() const override { return base::ControllerName("builtin"); }
  std::vector<ports::DemandItem> demand() const override { return items; }
  // They only come.
  ports::DemandNews demand_since(std::uint64_t version) override {
    return {items.size(), false, {items.begin() + static_cast<std::ptrdiff_t>(version), items.end()}, {}};
  }
  Awaitable<base::Result<ports::AgentBootstrap>> register_agent(ports::AgentRegistration) override {
    co_return ports::AgentBootstrap{base::Secret("secret")};
  }
  ports::AgentObservation observe_agent(base::AgentId) const override {
    ports::AgentObservation seen;
    seen.activity = is_busy ? ports::AgentActivity::busy : ports::AgentActivity::expected;
    if (!is_busy) return seen;
    seen.connected_at = base::Instant{1};
    seen.working_on = "some item";
    seen.started = true;
    seen.peer = "192.0.2.17:41000";
    return seen;
  }
  // The first thing that a plan asks. Nothing ever changes.
  ports::AgentNews agents_since(std::uint64_t version) override {
    begun_ = clock->steady();
    return {1, version == 0, {}};
  }
  Awaitable<base::Status> drain_agent(base::AgentId) override { co_return base::Status(); }
  Awaitable<base::Status> remove_agent(base::AgentId, ports::AgentEnd) override { co_return base::Status(); }
  void set_wait_reason(const std::string& key, ports::SharedReason) override {
    if (on_reason && key == awaited) on_reason(clock->steady() - begun_);
  }
  void set_on_change(std::function<void()> look_again) override { on_change = std::move(look_again); }

 private:
  base::Duration begun_{0};
};

model::Agent make_busy_agent(std::int64_t number, base::Instant now) {
  model::Agent agent;
  agent.id = base::AgentId("agent-" + std::to_string(number));
  agent.cloud = base::CloudName("cloud-" + std::to_string(number % kClouds));
  agent.template_name = base::TemplateName("template-" + std::to_string(number % kTemplates));
  agent.template_generation = 1;
  agent.controller = base::ControllerName("builtin");
  agent.for_item = "some item";
  agent.labels = {"linux", family(number)};
  agent.state = model::AgentState::online;
  agent.client_token = agent.id.str() + "-1";
  agent.handle = agent.client_token;
  agent.frozen_request = fleet::encode_request({});
  agent.planned = agent.launched = agent.connected = now;
  agent.launch_deadline = now + std::chrono::minutes(5);
  agent.size.milli_cpus = 1'000;
  agent.price.per_hour = model::Money{40'000};
  return agent;
}

class Bench {
 public:
  // limited: by vCPU and money, not by the number of agents.
  explicit Bench(std::int64_t agents = 0, std::int64_t items = 0, bool limited = false) {
    auto name = (std::filesystem::temp_directory_path() / "footman-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    auto opened = store::open_store({directory_, {}}, base::Logger());
    if (!opened) throw std::runtime_error(describe(opened.error()));
    store_ = std::move(*opened);
    for (std::int64_t i = 0; i < kClouds; ++i)
      clouds_.push_back(std::make_unique<QuickCloud>(base::CloudName("cloud-" + std::to_string(i)), [this] {
        if (++launched_ == wanted_) done_.set_value();
      }));
    fleet::FleetConfig config;
    for (std::int64_t i = 0; i < kTemplates; ++i) {
      fleet::Template t;
      t.name = base::TemplateName("template-" + std::to_string(i));
      t.cloud = clouds_[static_cast<std::size_t>(i % kClouds)]->name();
      t.labels = {"linux", family(i), "size-" + std::to_string(i)};
      t.size.milli_cpus = 1'000;
      t.price.per_hour = model::Money{40'000};
      config.templates.push_back(std::move(t));
    }
    queue_.clock = clock_.get();
    queue_.is_busy = agents > 0;
    if (limited)
      limit(config, agents);
    else
      config.limits.agents = static_cast<std::uint32_t>(agents);  // no more, if there are any
    add_items(items);
    on_control([&] { return begin(std::move(config), agents); });
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    on_control([&] { return end(); });
    store_->close();
    control_.join();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  // Returns when all have been launched.
  void launch_all(std::int64_t items) {
    runtime::post(control_.executor(), [&] {
      wanted_ = items;
      add_items(items);
      queue_.on_change();
    });
    done_.get_future().get();
  }

  // One more item comes. How long the plan takes from its begin until the item knows why it waits.
  base::Duration plan_for_one() {
    std::promise<base::Duration> took;
    runtime::post(control_.executor(), [&] {
      queue_.awaited = std::to_string(queue_.items.size());
      queue_.on_reason = [&](base::Duration time) {
        queue_.on_reason = {};
        took.set_value(time);
      };
      add_items(1);
      queue_.on_change();
    });
    return took.get_future().get();
  }

 private:
  // All vCPU are taken, and there is money for twice as many agents: of all, and of each cloud, template,
  // label and controller.
  void limit(fleet::FleetConfig& config, std::int64_t agents) {
    config.limits.milli_cpus = static_cast<std::uint64_t>(agents) * 1'000;
    model::AgentLimits twice;
    twice.budget.per_hour = model::Money{agents * 80'000};
    twice.budget.per_day = model::Money{agents * 24 * 80'000};
    config.limits.budget = twice.budget;
    for (const auto& cloud : clouds_) config.cloud_limits[cloud->name()] = twice;
    for (auto& t : config.templates) t.limits = twice;
    for (std::int64_t i = 0; i < kTemplates; ++i) config.label_limits[family(i)] = twice;
    config.controller_limits[queue_.name()] = twice;
  }

  void add_items(std::int64_t count) {
    for (const auto end = static_cast<std::int64_t>(queue_.items.size()) + count;
         static_cast<std::int64_t>(queue_.items.size()) < end;) {
      const auto i = static_cast<std::int64_t>(queue_.items.size());
      queue_.items.push_back({std::to_string(i), family(i), clock_->now(), "team/app #" + std::to_string(i)});
    }
  }

  Awaitable<void> begin(fleet::FleetConfig config, std::int64_t agents) {
    auto state = co_await store_->load_open_state();
    if (!state) throw std::runtime_error(describe(state.error()));
    for (std::int64_t i = 0; i < agents; ++i) {
      const auto& agent = state->agents.emplace_back(make_busy_agent(i, clock_->now()));
      clouds_[static_cast<std::size_t>(i % kClouds)]->add(
          {state->installation, agent.id, agent.client_token, agent.handle});
    }
    fleet::FleetParts parts{*store_,        *clock_, *rng_,    control_.executor(),
                            {&queue_},      {},      changes_, metrics_,
                            base::Logger(), {},      {}};
    for (auto& cloud : clouds_) parts.clouds.push_back(cloud.get());
    fleet_ = std::make_unique<fleet::Fleet>(std::move(parts), std::move(config));
    const auto started = co_await fleet_->start(std::move(*state));
    if (!started) throw std::runtime_error(describe(started.error()));
  }
  Awaitable<void> end() {
    co_await fleet_->stop();
    fleet_.reset();
  }
  void on_control(const std::function<Awaitable<void>()>& work) {
    std::promise<void> done;
    runtime::post(control_.executor(), [&] { scope_.spawn("bench", tell(work(), &done)); });
    done.get_future().get();
  }
  static Awaitable<void> tell(Awaitable<void> work, std::promise<void>* done) {
    co_await std::move(work);
    done->set_value();
  }

  std::string directory_;
  std::unique_ptr<store::Store> store_;
  runtime::real::Thread control_{"control"};
  runtime::Scope scope_{control_.executor(), base::Logger()};
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  std::unique_ptr<runtime::Rng> rng_ = runtime::make_seeded_rng(1);
  runtime::Feed<model::Change> changes_{10'000};
  base::Metrics metrics_;
  LongQueue queue_;
  std::vector<std::unique_ptr<QuickCloud>> clouds_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::int64_t wanted_ = 0;
  std::int64_t launched_ = 0;
  std::promise<void> done_;
};

void launches(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto bench = std::make_unique<Bench>();
    state.ResumeTiming();
    bench->launch_all(state.range(0));
    state.PauseTiming();
    bench.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(launches)->ArgName("items")->Arg(100)->Arg(1'000)->Arg(10'000)->Iterations(1)->UseRealTime()->Unit(
    benchmark::kMillisecond);

// The global limit is reached: nothing is launched, as in a fleet with a long queue.
template <bool IsLimited>
void plans(benchmark::State& state) {
  Bench bench(state.range(0), 10 * state.range(0), IsLimited);
  (void)bench.plan_for_one();  // the first plan looks at everything
  for (auto _ : state) state.SetIterationTime(std::chrono::duration<double>(bench.plan_for_one()).count());
}
void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("agents")->Arg(100)->Arg(1'000)->Arg(10'000)->Iterations(100)->UseManualTime();
  bench->Unit(benchmark::kMillisecond);
}
BENCHMARK(plans<false>)->Name("plans")->Apply(sizes);
BENCHMARK(plans<true>)->Name("plans_limited")->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
