// What one look at the queue costs, which hands free agents to builds that they fit, as the queue grows. The
// largest world is 100,000 waiting builds and 10,000 agents.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "controller/builds.hpp"
#include "controller/core.hpp"
#include "controller/queue_loop.hpp"
#include "logs/tests/memory_logs.hpp"
#include "runtime/manual_clock.hpp"

namespace {

using namespace footman;
using namespace footman::controller;

constexpr std::int64_t kFamilies = 20;
constexpr std::int64_t kJobs = 20;

std::string family(std::int64_t number) { return "family-" + std::to_string(number % kFamilies); }

// plain: builds of no job. limited: of jobs that build no more at a time than their share of all agents,
// every fifth of them twice as many.
enum class Kind { plain, limited };

class NoSessions final : public SessionPort {
 public:
  Awaitable<Admission> admit(ConnectionId, std::string, std::shared_ptr<Pulse>, protocol::Hello,
                             std::optional<ProofGiven>) override {
    co_return Admission();
  }
  void on_message(ConnectionId, protocol::Message) override {}
  void on_closed(ConnectionId, std::string, bool) override {}
};

// A queue for which all agents are at work, but for those that are free at each look.
class World {
 public:
  World(std::int64_t items, std::int64_t free, Kind kind) {
    const auto agents = items / 10;
    if (kind == Kind::limited) add_jobs(agents / kJobs);
    for (std::int64_t i = 0; i < agents + items; ++i) add_build(i, kind);
    for (std::int64_t i = 0; i < agents; ++i) add_agent(i);
    for (std::int64_t i = 0; i < agents - free; ++i) start_build(i);
    for (auto i = agents - free; i < agents; ++i) free_.push_back(core_.find_node(id_of(i)));
  }

  // Each free agent is given a build.
  void look() {
    looking_.emplace(io_.get_executor(), base::Logger());
    looking_->spawn("queue", queue_.run());
    io_.restart();
    while (!free_.back()->work)
      if (io_.poll_one() == 0) throw std::runtime_error("an agent got no build");
  }
  // They are free again. The offers see first that nobody wants them, and what looked ends.
  void take_back() {
    looking_.reset();
    for (auto* node : free_) core_.clear_assignment(core_.find_build(node->work.value()));
    io_.restart();
    io_.poll();
    for (auto* node : free_) {
      node->work.reset();
      core_.refresh(*node);
    }
  }

 private:
  static base::AgentId id_of(std::int64_t number) { return base::AgentId("agent-" + std::to_string(number)); }

  void add_jobs(std::int64_t share) {
    for (std::int64_t i = 0; i < kJobs; ++i) {
      model::Job job;
      job.path = base::JobPath("job-" + std::to_string(i));
      job.max_concurrent = static_cast<std::uint32_t>(i % 5 == 4 ? 2 * share : share);
      core_.jobs.emplace(job.path, job);
    }
  }
  void add_build(std::int64_t number, Kind kind) {
    model::Build build;
    build.id = base::BuildId(number + 1);
    build.number = number + 1;
    if (kind == Kind::limited) build.job = base::JobPath("job-" + std::to_string(number % kJobs));
    model::QueueItem item;
    item.id = base::QueueItemId(number + 1);
    item.build = build.id;
    item.job = build.job;
    item.label = number / kFamilies % 5 == 0 ? family(number) + "&&linux" : family(number);
    item.since = clock_.now();
    core_.insert_build(std::move(build), std::move(item), {});
  }
  void add_agent(std::int64_t number) {
    auto node = std::make_unique<NodeEntry>();
    node->node.agent = id_of(number);
    node->node.labels = {"linux", family(number), "size-" + std::to_string(number % 10)};
    node->node.max_builds = 0;
    node->node.created = base::Instant{1'000'000 + number};
    node->connection = static_cast<ConnectionId>(number + 1);
    node->pulse = std::make_shared<Pulse>();
    node->pulse->last_heard_us = clock_.steady().count();
    node->resumed = node->came = true;
    auto& entry = core_.nodes[id_of(number)];
    entry = std::move(node);
    core_.refresh(*entry);
  }
  void start_build(std::int64_t number) {
    const auto entry = core_.find_build(base::BuildId(number + 1));
    model::Assignment assignment;
    assignment.id = base::AssignmentId(number + 1);
    assignment.build = entry->build.id;
    assignment.item = entry->item.id;
    assignment.agent = id_of(number);
    assignment.state = model::AssignmentState::started;
    core_.set_assignment(entry, std::move(assignment));
    auto* node = core_.find_node(id_of(number));
    node->work = entry->build.id;
    core_.refresh(*node);
  }

  boost::asio::io_context io_;
  runtime::ManualClock clock_;
  std::unique_ptr<store::Store> store_ =
      std::move(*store::open_store({}, base::Logger(), io_.get_executor()));
  logs::MemoryLogs logs_;
  logs::MemoryLogStore log_store_{logs_, clock_};
  std::unique_ptr<runtime::Rng> rng_ = runtime::make_seeded_rng(1);
  runtime::Feed<model::Change> changes_{1'000};
  base::Metrics metrics_;
  NoSessions sessions_;
  Core core_{{*store_,
              log_store_,
              clock_,
              *rng_,
              io_.get_executor(),
              io_.get_executor(),
              changes_,
              metrics_,
              base::Logger(),
              {},
              base::Secret("key"),
              {},
              {}},
             {},
             sessions_};
  Builds builds_{core_};
  QueueLoop queue_{core_, builds_};
  std::vector<NodeEntry*> free_;
  std::optional<runtime::Scope> looking_;
};

template <Kind TheKind>
void hand_over(benchmark::State& state, std::int64_t free) {
  World world(state.range(0), free, TheKind);
  for (auto _ : state) {
    world.look();
    state.PauseTiming();
    world.take_back();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * free);
}
template <Kind TheKind>
void to_one(benchmark::State& state) {
  hand_over<TheKind>(state, 1);
}
template <Kind TheKind>
void to_half(benchmark::State& state) {  // of all agents
  hand_over<TheKind>(state, state.range(0) / 20);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("items")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
}
BENCHMARK(to_one<Kind::plain>)->Name("hand_over/one_is_free")->Apply(sizes);
BENCHMARK(to_half<Kind::plain>)->Name("hand_over/half_are_free")->Apply(sizes);
BENCHMARK(to_one<Kind::limited>)->Name("hand_over_limited/one_is_free")->Apply(sizes);
BENCHMARK(to_half<Kind::limited>)->Name("hand_over_limited/half_are_free")->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
