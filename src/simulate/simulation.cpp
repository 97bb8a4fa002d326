#include "simulate/simulation.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/check.hpp"
#include "fleet/fleet.hpp"
#include "runtime/scope.hpp"
#include "simulate/trace_controller.hpp"
#include "store/store.hpp"
#include "virtual_time/loop.hpp"

namespace footman::simulate {
namespace {

using runtime::Awaitable;
using virtual_time::Life;
using virtual_time::NodeClock;
using virtual_time::SimLoop;

constexpr std::size_t kChangesKept = 1;  // nobody reads them
constexpr std::uint64_t kStepsBetweenLooks = 4096;

// The server and what is around it, in the order in which its parts are made.
class SimulatedServer {
 public:
  SimulatedServer(const SimulationSpec& spec, const BuildTrace& trace)
      : spec_(spec),
        trace_(trace),
        loop_(spec.seed, log_, Duration(0)),
        life_(loop_, "server"),
        control_(life_.add_lane("control")),
        clock_(loop_, trace.start),
        begun_(clock_.steady()),
        rng_(runtime::make_seeded_rng(spec.seed)),
        store_(store::open_store({}, {}, life_.add_lane("store")).value()),
        scope_(std::make_unique<runtime::Scope>(control_, base::Logger())),
        controller_(trace, clock_, control_, happenings_,
                    [this](const AgentId& id) { return find_record(id); }) {
    make_clouds();
    fleet::FleetParts parts{.store = *store_,
                            .clock = clock_,
                            .rng = *rng_,
                            .control = control_,
                            .controllers = {&controller_},
                            .clouds = {},
                            .changes = changes_,
                            .metrics = metrics_,
                            .log = {},
                            .crash_points = {},
                            .storage_full = {}};
    for (const auto& cloud : clouds_) parts.clouds.push_back(cloud.get());
    fleet_ = std::make_unique<fleet::Fleet>(std::move(parts), spec.fleet);
  }
  SimulatedServer(const SimulatedServer&) = delete;
  SimulatedServer& operator=(const SimulatedServer&) = delete;
  ~SimulatedServer() {
    life_.stop();
    scope_.reset();
    fleet_.reset();
    store_.reset();
    life_.destroy();
  }

  Result<Happenings> run(const OnProgress& on_progress) {
    scope_->spawn("start", start(this));
    while (!started_) FOOTMAN_CHECK(loop_.step(), "the fleet starts or fails");
    if (!*started_) return std::unexpected(started_->error());
    std::uint64_t steps = 0;
    while (!is_over() && loop_.step())
      if (++steps % kStepsBetweenLooks == 0 && on_progress &&
          !on_progress({controller_.finished(), trace_.builds.size(), now()}))
        return fail(Errc::cancelled, "the simulation was given up");
    controller_.close();
    happenings_.end = now();
    return std::move(happenings_);
  }

 private:
  static Awaitable<void> start(SimulatedServer* self) {
    auto state = co_await self->store_->load_open_state();
    if (!state) {
      self->started_ = std::unexpected(state.error());
      co_return;
    }
    self->started_ = co_await self->fleet_->start(std::move(*state));
    if (*self->started_) self->controller_.start();
  }

  void make_clouds() {
    std::map<CloudName, bool> made;
    for (const auto& t : spec_.fleet.templates) {
      if (std::exchange(made[t.cloud], true)) continue;
      const auto model = spec_.clouds.find(t.cloud);
      clouds_.push_back(std::make_unique<ModelCloud>(
          CloudName(t.cloud), model == spec_.clouds.end() ? CloudModel() : model->second, spec_.seed, clock_,
          control_, happenings_, [this](const AgentId& id) { controller_.connect(id); }));
    }
  }

  AgentRecord* find_record(const AgentId& id) const {
    for (const auto& cloud : clouds_)
      if (auto* record = cloud->find_record(id)) return record;
    return nullptr;
  }

  Duration now() const { return clock_.steady() - begun_; }

  bool is_over() const {
    if (!controller_.has_all()) return false;
    const auto quiet = now() - controller_.last_event();
    if (controller_.is_over()) return live() == 0 || quiet > longest_idle() + kTail;
    return controller_.running() == 0 && quiet > kGiveUpAfter;
  }

  std::size_t live() const {
    std::size_t all = 0;
    for (const auto& cloud : clouds_) all += cloud->live();
    return all;
  }

  Duration longest_idle() const {
    Duration longest{0};
    for (const auto& t : spec_.fleet.templates)
      if (t.max_builds != 1) longest = std::max(longest, t.idle_timeout);
    return longest;
  }

  const SimulationSpec& spec_;
  const BuildTrace& trace_;
  Happenings happenings_;
  virtual_time::Trace log_{virtual_time::Trace::Mode::hash_only};
  SimLoop loop_;
  Life life_;
  runtime::Executor control_;
  NodeClock clock_;
  Duration begun_;
  std::unique_ptr<runtime::Rng> rng_;
  base::Metrics metrics_;
  runtime::Feed<model::Change> changes_{kChangesKept};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<runtime::Scope> scope_;
  std::vector<std::unique_ptr<ModelCloud>> clouds_;
  TraceController controller_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::optional<Status> started_;
};

}  // namespace

Result<Happenings> run_simulation(const SimulationSpec& spec, const BuildTrace& trace,
                                  const OnProgress& on_progress) {
  SimulatedServer server(spec, trace);
  return server.run(on_progress);
}

}  // namespace footman::simulate
