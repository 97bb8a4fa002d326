// Launches for each second of the whole fleet, with the real clock and a store on disk (TMPDIR), against a
// cloud and a controller that answer at once: planned, recorded, introduced, launched, noted.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "fleet/fleet.hpp"
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
    on_launch_();
    co_return ports::LaunchHandle{spec.client_token};
  }
  Awaitable<base::Result<std::vector<ports::Resource>>> observe() override {
    co_return base::fail(base::Errc::unavailable, "this cloud has no list");
  }
  Awaitable<base::Result<ports::Resource>> find_by_token(std::string) override {
    co_return base::fail(base::Errc::unavailable, "this cloud has no list");
  }
  Awaitable<base::Result<ports::Resource>> terminate(std::string, std::string) override {
    co_return base::fail(base::Errc::unavailable, "this cloud ends nothing");
  }
  void set_on_change(std::function<void()>) override {}

 private:
  base::CloudName name_;
  std::function<void()> on_launch_;
};

class LongQueue final : public ports::ControllerPort {
 public:
  std::vector<ports::DemandItem> items;
  std::function<void()> on_change;

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
    seen.activity = ports::AgentActivity::expected;
    return seen;
  }
  Awaitable<base::Status> drain_agent(base::AgentId) override { co_return base::Status(); }
  Awaitable<base::Status> remove_agent(base::AgentId, ports::AgentEnd) override { co_return base::Status(); }
  void set_wait_reason(const std::string&, ports::WaitReason) override {}
  void set_on_change(std::function<void()> look_again) override { on_change = std::move(look_again); }
};

class Bench {
 public:
  Bench() {
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
      config.templates.push_back(std::move(t));
    }
    on_control([&] { return begin(std::move(config)); });
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
      for (std::int64_t i = 0; i < items; ++i)
        queue_.items.push_back(
            {std::to_string(i), family(i), clock_->now(), "team/app #" + std::to_string(i)});
      queue_.on_change();
    });
    done_.get_future().get();
  }

 private:
  Awaitable<void> begin(fleet::FleetConfig config) {
    auto state = co_await store_->load_open_state();
    if (!state) throw std::runtime_error(describe(state.error()));
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

}  // namespace

BENCHMARK_MAIN();
