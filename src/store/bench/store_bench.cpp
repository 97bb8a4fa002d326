// What a durable move costs, alone and in company. Real threads, a real directory (TMPDIR).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <stdexcept>

#include "runtime/post.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"
#include "store/store.hpp"

namespace {

using namespace footman;
using namespace footman::store;

// A store on a thread of its own and a caller on another, as in the server.
class Bench {
 public:
  explicit Bench(bool in_memory) {
    std::string directory;
    if (!in_memory) {
      auto name = (std::filesystem::temp_directory_path() / "footman-bench-XXXXXX").string();
      if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
      directory = directory_ = name;
    }
    auto opened = open_store({directory, {}}, Logger());
    if (!opened) throw std::runtime_error(describe(opened.error()));
    store_ = std::move(*opened);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    store_->close();
    caller_.join();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }

  Store& store() { return *store_; }
  // Starts all of them at once and waits for the last.
  void run_all(std::vector<Awaitable<Status>> work) {
    std::promise<void> done;
    std::size_t left = work.size();
    runtime::post(caller_.executor(), [&] {
      for (auto& one : work) scope_.spawn("bench", count(std::move(one), &left, &done));
    });
    done.get_future().get();
  }
  void run(Awaitable<Status> work) {
    std::vector<Awaitable<Status>> one;
    one.push_back(std::move(work));
    run_all(std::move(one));
  }

 private:
  static Awaitable<void> count(Awaitable<Status> work, std::size_t* left, std::promise<void>* done) {
    const auto status = co_await std::move(work);
    if (!status) throw std::runtime_error(describe(status.error()));
    if (--*left == 0) done->set_value();
  }

  std::string directory_;
  std::unique_ptr<Store> store_;
  runtime::real::Thread caller_{"caller"};
  runtime::Scope scope_{caller_.executor(), Logger()};
};

// All that is stored of one build on an agent that was launched for it.
Awaitable<Status> live(Store* store, std::int64_t number) {
  const Instant now{1'000'000 + number};
  const AgentId id("local-" + std::to_string(number));
  NewBuild request;
  request.spec.steps = {{"", "", "echo hello"}};
  request.now = now;
  FOOTMAN_CO_TRY(const auto made, co_await store->submit_build(request));
  model::Agent agent;
  agent.id = id;
  agent.client_token = id.str() + "-1";
  agent.frozen_request = std::string(400, 'x');
  std::vector<model::Agent> agents;
  agents.push_back(std::move(agent));
  model::Node node;
  node.agent = id;
  FOOTMAN_CO_TRY_STATUS(co_await store->record_launch_intents(std::move(agents), {node}));
  using enum model::AgentState;
  for (const auto state : {launching, connecting, online}) {
    AgentChange change;
    change.id = id;
    change.state = state;
    change.timeline = {{now, "state", "It went on."}};
    FOOTMAN_CO_TRY_STATUS(co_await store->change_agent(std::move(change)));
  }
  FOOTMAN_CO_TRY_STATUS(co_await store->redeem_node({id, 1, std::string(64, 'a'), now}));
  FOOTMAN_CO_TRY(const auto one, co_await store->offer_assignment(made.item.id, id, 1, now));
  FOOTMAN_CO_TRY_STATUS(co_await store->accept_assignment(one.id, now));
  FOOTMAN_CO_TRY_STATUS(co_await store->start_assignment(one.id, now));
  model::StepRecord step;
  step.assignment = one.id;
  step.started = now;
  FOOTMAN_CO_TRY_STATUS(co_await store->record_step(step));
  step.finished = now;
  FOOTMAN_CO_TRY_STATUS(co_await store->record_step(step));
  FinishBuild end;
  end.build = made.build.id;
  end.assignment = one.id;
  end.result = model::BuildResult::success;
  end.log_bytes = 6;
  end.now = now;
  FOOTMAN_CO_TRY_STATUS(co_await store->finish_build(end));
  FOOTMAN_CO_TRY_STATUS(co_await store->forget_builds({}, 1000, {}));
  for (const auto state : {terminating, terminated}) {
    AgentChange change;
    change.id = id;
    change.state = state;
    FOOTMAN_CO_TRY_STATUS(co_await store->change_agent(std::move(change)));
  }
  co_return co_await store->remove_node(id);
}

void durable_move(benchmark::State& state) {
  Bench bench(state.range(0) == 0);
  std::int64_t value = 0;  // SQLite writes nothing when nothing changes
  for (auto _ : state) bench.run(bench.store().save_setting("key", std::to_string(++value)));
}
BENCHMARK(durable_move)->ArgName("disk")->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMicrosecond);

void question(benchmark::State& state) {
  Bench bench(false);
  bench.run(live(&bench.store(), 0));
  for (auto _ : state)
    bench.run([](Store* store) -> Awaitable<Status> {
      FOOTMAN_CO_TRY_STATUS(co_await store->get_build(BuildId(1)));
      co_return Status();
    }(&bench.store()));
}
BENCHMARK(question)->UseRealTime()->Unit(benchmark::kMicrosecond);

// Builds from submission to forgetting, so many at a time.
void builds(benchmark::State& state) {
  Bench bench(state.range(1) == 0);
  std::int64_t number = 0;
  for (auto _ : state) {
    std::vector<Awaitable<Status>> work;
    work.reserve(static_cast<std::size_t>(state.range(0)));
    for (std::int64_t i = 0; i < state.range(0); ++i) work.push_back(live(&bench.store(), ++number));
    bench.run_all(std::move(work));
  }
  state.SetItemsProcessed(number);
}
BENCHMARK(builds)
    ->ArgNames({"at_once", "disk"})
    ->Args({1, 1})
    ->Args({16, 1})
    ->Args({128, 1})
    ->Args({128, 0})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
