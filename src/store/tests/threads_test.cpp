// The store on a thread of its own, callers on several others: for ThreadSanitizer.
#include <doctest/doctest.h>

#include <future>
#include <set>

#include "runtime/post.hpp"
#include "runtime/real/thread.hpp"
#include "store/tests/fixture.hpp"

using namespace footman;
using namespace footman::store;
using namespace footman::store::testing;

namespace {

constexpr int kCallers = 3;
constexpr int kBuilds = 60;

// A thread with coroutines on it.
struct Caller {
  runtime::real::Thread thread{"caller"};
  runtime::Scope scope{thread.executor(), Logger()};
  Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() { thread.join(); }  // before the scope goes: it belongs to the thread

  template <class R>
  std::future<R> begin(Awaitable<R> work) {
    auto promise = std::make_shared<std::promise<R>>();
    auto future = promise->get_future();
    auto task = std::make_shared<Awaitable<void>>(fulfil(std::move(work), promise));
    runtime::post(thread.executor(), [this, task] { scope.spawn("call", std::move(*task)); });
    return future;
  }
  template <class R>
  static Awaitable<void> fulfil(Awaitable<R> work, std::shared_ptr<std::promise<R>> promise) {
    promise->set_value(co_await std::move(work));
  }
};

Awaitable<Status> run_builds(Store* store, std::string agent) {
  for (int i = 0; i < kBuilds; ++i) {
    FOOTMAN_CO_TRY(const auto made, co_await store->submit_build(new_build()));
    FOOTMAN_CO_TRY(const auto one, co_await store->offer_assignment(made.item.id, AgentId(agent), 1, at(2)));
    FOOTMAN_CO_TRY_STATUS(co_await store->accept_assignment(one.id, at(3)));
    FOOTMAN_CO_TRY_STATUS(co_await store->start_assignment(one.id, at(4)));
    FinishBuild end;
    end.build = made.build.id;
    end.assignment = one.id;
    end.result = model::BuildResult::success;
    end.log_bytes = static_cast<std::uint64_t>(one.id.value());
    end.now = at(5);
    FOOTMAN_CO_TRY_STATUS(co_await store->finish_build(end));
  }
  co_return Status();
}

}  // namespace

TEST_CASE("callers on several threads share the store's") {
  TemporaryDirectory directory;
  auto opened = open_store({directory.path()}, Logger());
  REQUIRE(opened);
  const auto store = std::move(*opened);
  Caller callers[kCallers];
  std::vector<std::future<Status>> running;
  running.reserve(2 * kCallers);
  // Two coroutines on each thread.
  for (int i = 0; i < 2 * kCallers; ++i)
    running.push_back(callers[i / 2].begin(run_builds(store.get(), "agent-" + std::to_string(i))));
  for (auto& one : running) CHECK(one.get());
  std::set<BuildId> ids;
  for (const auto& build : *callers[0].begin(store->list_builds({.limit = 1000})).get()) {
    CHECK(build.state == model::BuildState::finished);
    ids.insert(build.id);
  }
  CHECK(ids.size() == 2 * kCallers * kBuilds);
  for (int i = 0; i < 2 * kCallers; ++i) {
    const auto mine =
        callers[0].begin(store->list_assignments_of_agent(AgentId("agent-" + std::to_string(i)))).get();
    CHECK(mine->size() == kBuilds);
  }
  store->close();
  CHECK(callers[0].begin(store->get_build(BuildId(1))).get().error().code == Errc::unavailable);
}

TEST_CASE("closing waits for the moves under way, and their callers get their answers") {
  TemporaryDirectory directory;
  Caller caller;
  std::vector<std::future<Result<SubmittedBuild>>> running;
  {
    auto opened = open_store({directory.path()}, Logger());
    REQUIRE(opened);
    const auto store = std::move(*opened);
    for (int i = 0; i < 200; ++i) running.push_back(caller.begin(store->submit_build(new_build())));
    CHECK(caller.begin(store->get_build(BuildId(1))).get());  // all of them were asked before
    store->close();
    store->close();
  }
  for (auto& one : running) CHECK(one.get());
  auto again = open_store({directory.path()}, Logger());
  REQUIRE(again);
  CHECK(caller.begin((*again)->list_builds({.limit = 1000})).get()->size() == 200);
}

TEST_CASE("a caller that is cancelled leaves its move behind") {
  TemporaryDirectory directory;
  auto opened = open_store({directory.path()}, Logger());
  REQUIRE(opened);
  const auto store = std::move(*opened);
  Caller caller;
  std::promise<void> cancelled;
  runtime::post(caller.thread.executor(), [&] {
    runtime::Scope scope(caller.thread.executor(), Logger());
    for (int i = 0; i < 50; ++i)
      scope.spawn("submit", keep(store->submit_build(new_build()),
                                 std::make_shared<std::optional<Result<SubmittedBuild>>>()));
    cancelled.set_value();
  });
  cancelled.get_future().get();
  // Nothing is half there: every build that is there has its item.
  const auto state = caller.begin(store->load_open_state()).get();
  REQUIRE(state);
  CHECK(state->builds.size() == state->items.size());
}
