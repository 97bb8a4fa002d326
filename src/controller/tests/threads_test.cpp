// Control and net on threads of their own, as in the program: for ThreadSanitizer.
#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "controller/controller.hpp"
#include "logs/tests/memory_logs.hpp"
#include "protocol/codec.hpp"
#include "runtime/post.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"
#include "runtime/tests/memory_stream.hpp"

using namespace footman;
using namespace footman::base;
using namespace footman::controller;
using namespace std::chrono_literals;

namespace {

constexpr int kAgents = 8;
constexpr int kBuilds = 40;

using runtime::real::Thread;

template <class R>
Awaitable<void> fulfil(Awaitable<R> work, std::promise<R>& promise) {
  promise.set_value(co_await std::move(work));
}

Awaitable<Status> as_status(Awaitable<void> work) {
  co_await std::move(work);
  co_return Status();
}

template <class R>
R call(Thread& on, runtime::Scope& scope, Awaitable<R> work) {
  std::promise<R> promise;
  auto future = promise.get_future();
  runtime::post(on.executor(), [&] { scope.spawn("call", fulfil(std::move(work), promise)); });
  return future.get();
}

// Takes every build, prints a line, reports success, until the server says goodbye.
Awaitable<void> serve_builds(runtime::ByteStreamPtr stream, std::string id, Secret secret) {
  protocol::Hello hello;
  hello.agent = AgentId(id);
  hello.attempt = 1;
  hello.connection = 1;
  hello.secret = std::move(secret);
  hello.session_key = Secret(std::string(protocol::kSessionKeyBytes, 'k'));
  std::string first(protocol::kPreface);
  first += protocol::encode(hello);
  (void)co_await stream->write(std::move(first));
  protocol::FrameDecoder decoder(protocol::Direction::to_agent);
  while (true) {
    auto chunk = co_await stream->read(64 * 1024);
    if (!chunk || chunk->empty()) co_return;
    decoder.feed(std::move(*chunk));
    std::string answer;
    for (auto message = decoder.next(); message && *message; message = decoder.next()) {
      if (std::holds_alternative<protocol::Welcome>(**message))
        protocol::encode_to(answer, protocol::Resume{});
      if (const auto* assign = std::get_if<protocol::Assign>(&**message))
        protocol::encode_to(answer, protocol::Accepted{assign->assignment});
      if (const auto* start = std::get_if<protocol::Start>(&**message)) {
        const StreamId log(start->assignment.value());  // the store numbers both alike
        protocol::BuildFinished end;
        end.assignment = start->assignment;
        end.report = 3;
        end.log_end = 6;
        protocol::encode_to(answer, protocol::LogData{log, 0, {}, "hello\n"});
        protocol::encode_to(answer, protocol::StepStarted{.assignment = start->assignment, .report = 1});
        protocol::encode_to(answer, protocol::StepFinished{.assignment = start->assignment, .report = 2});
        protocol::encode_to(answer, end);
      }
    }
    if (!answer.empty()) (void)co_await stream->write(std::move(answer));
  }
}

}  // namespace

TEST_CASE("many builds on many agents, control and net on two threads") {
  auto opened = store::open_store({}, Logger());
  REQUIRE(opened);
  const auto store = std::move(*opened);
  const auto clock = runtime::real::make_clock();
  logs::MemoryLogs logs;
  logs::MemoryLogStore log_store(logs, *clock);
  base::Metrics metrics;
  const auto rng = runtime::make_seeded_rng(1);
  runtime::Feed<model::Change> changes(100);
  std::unique_ptr<Controller> controller;
  Thread control("control");
  Thread net("net");
  runtime::Scope control_scope(control.executor(), Logger());
  runtime::Scope net_scope(net.executor(), Logger());
  controller = std::make_unique<Controller>(ControllerParts{*store,
                                                            log_store,
                                                            *clock,
                                                            *rng,
                                                            control.executor(),
                                                            net.executor(),
                                                            changes,
                                                            metrics,
                                                            Logger(),
                                                            runtime::CrashPoints(),
                                                            Secret("key"),
                                                            {}},
                                            ControllerConfig());
  REQUIRE(call(control, control_scope, controller->start({})));
  for (int i = 0; i < kAgents; ++i) {
    ports::AgentRegistration registration;
    registration.id = AgentId("a" + std::to_string(i));
    registration.max_builds = 0;
    registration.is_default = true;
    registration.secret_lifetime = 1h;
    auto bootstrap = call(control, control_scope, controller->register_agent(registration));
    REQUIRE(bootstrap);
    runtime::post(net.executor(), [&, id = registration.id.str(), secret = bootstrap->secret] {
      auto streams = runtime::make_memory_streams();
      net_scope.spawn("serve", controller->agents().serve(std::move(streams.first)));
      net_scope.spawn("agent", serve_builds(std::move(streams.second), id, secret));
    });
  }
  for (int i = 0; i < kBuilds; ++i) {
    SubmitRequest request;
    request.spec.steps.push_back({"", "", "echo hello"});
    REQUIRE(call(control, control_scope, controller->submit_build(request)));
  }
  auto& done = metrics.counter("footman_builds_finished_total", "", {{"result", "SUCCESS"}});
  while (done.value() < kBuilds) std::this_thread::yield();
  REQUIRE(call(control, control_scope, as_status(controller->stop())));
  // What is left of the agents' coroutines ends with their connections, and before the scopes go.
  net.join();
  control.join();
  controller.reset();
  store->close();
  for (auto& [id, stream] : logs.streams) CHECK(stream.bytes == "hello\n");
  CHECK(logs.streams.size() == kBuilds);
}
