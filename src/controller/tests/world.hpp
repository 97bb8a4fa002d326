// A controller on one executor with a clock that stands still, scripted agents on streams in memory, and
// stores (the real one, in memory, on an executor of its own) that survive a restart.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/controller.hpp"
#include "logs/tests/memory_logs.hpp"
#include "protocol/codec.hpp"
#include "protocol/handshake.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/tests/memory_stream.hpp"
#include "store/store.hpp"

namespace footman::controller::testing {

// Speaks the protocol as it is told to.
class ScriptedAgent {
 public:
  ScriptedAgent(runtime::asio::io_context& io, runtime::ByteStreamPtr stream,
                std::shared_ptr<runtime::MemoryWire> wire);
  ~ScriptedAgent();

  void send_raw(std::string bytes);
  void send(const protocol::Message& message) { send_raw(protocol::encode(message)); }
  void close() { stream_->close(); }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& message : received)
      if (const auto* one = std::get_if<T>(&message)) found.push_back(*one);
    return found;
  }
  template <class T>
  std::optional<T> last() const {
    auto found = all<T>();
    if (found.empty()) return std::nullopt;
    return found.back();
  }
  template <class T>
  std::size_t count() const {
    return all<T>().size();
  }

  std::vector<protocol::Message> received;
  bool ended = false;
  std::shared_ptr<runtime::MemoryWire> wire;

 private:
  runtime::Awaitable<void> read_all();
  runtime::Awaitable<void> write(std::string bytes);
  runtime::asio::io_context& io_;
  runtime::ByteStreamPtr stream_;
  protocol::FrameDecoder decoder_{protocol::Direction::to_agent};
  runtime::Scope scope_;
};

class World {
 public:
  World();
  ~World();

  runtime::asio::io_context io;                          // of the agents
  std::unique_ptr<runtime::asio::io_context> server_io;  // of one life of the server
  runtime::ManualClock clock;
  runtime::asio::io_context store_io;
  std::unique_ptr<store::Store> store;
  bool store_full = false;  // every commit fails: no space left
  bool store_busy = false;  // every commit fails: far too much waits
  logs::MemoryLogs logs;
  base::Metrics metrics;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(7);
  runtime::Feed<model::Change> changes{1000};
  ControllerConfig config;
  std::map<std::string, std::string> secrets;       // what references resolve to
  runtime::Event* secrets_wait_for = nullptr;       // when set
  ports::ProofAnswer proof_answer;                  // to every proof
  runtime::Event* proofs_wait_for = nullptr;        // when set
  Duration proof_takes{0};                          // to be checked
  std::vector<ports::IdentityClaim> claims;         // that were to be checked
  ports::CredentialSource* credentials = nullptr;   // of the next start
  std::vector<std::string> crash_points;            // hit so far
  std::vector<std::string> log_lines;               // of the server: "message key=value …"
  std::string crash_at;                             // drop the server there
  std::string doubt;                                // of the database, at the next start
  bool items_in_doubt = false;                      // what waits at the next start
  std::unique_ptr<logs::MemoryLogStore> log_store;  // of one life of the server
  std::unique_ptr<Controller> controller;

  bool takes_unlabelled = true;  // of the agents that are registered from now on

  void start();
  void stop();   // in order
  void crash();  // drops every coroutine of the server_; agents lose their connections
  void restart() {
    crash();
    start();
  }
  void settle();              // until nothing moves without time
  void advance(Duration by);  // with everything that happens on the way

  // Runs it to its end.
  template <class R>
  R run(runtime::Awaitable<R> work) {
    std::optional<R> result;
    tools_->spawn("test", keep(std::move(work), result));
    settle();
    if (!result) throw std::runtime_error("the call does not return");
    return std::move(*result);
  }
  // Starts it; the test looks later.
  template <class R>
  std::shared_ptr<std::optional<R>> begin(runtime::Awaitable<R> work) {
    auto result = std::make_shared<std::optional<R>>();
    tools_->spawn("test", keep_shared(std::move(work), result));
    settle();
    return result;
  }

  Secret register_agent(const std::string& id, std::uint32_t attempt = 1, std::uint32_t max_builds = 1,
                        std::vector<std::string> labels = {}, std::string for_item = {});
  int agents_known = 0;                      // times that the hub said so of a connection
  runtime::MemoryStreams open();             // a stream to the server is `second`; it serves the other end
  std::unique_ptr<ScriptedAgent> connect();  // a bare connection
  protocol::Hello hello(const std::string& id, const Secret& secret, std::uint32_t connection = 1,
                        char key = 'k');
  // Registered, connected and resumed with nothing.
  std::unique_ptr<ScriptedAgent> join(const std::string& id, std::uint32_t max_builds = 1,
                                      std::vector<std::string> labels = {}, std::string for_item = {});
  // Comes back with what it holds.
  std::unique_ptr<ScriptedAgent> rejoin(const std::string& id, std::uint32_t connection,
                                        std::vector<protocol::HeldAssignment> held);
  BuildId submit(const std::string& label = {}, const std::string& script = "true");
  // An agent that runs the build: assigned, accepted, started.
  std::unique_ptr<ScriptedAgent> run_on_agent(const std::string& id, std::uint32_t max_builds = 1);
  // What the store holds, whether or not there is a server.
  template <class R>
  R ask(runtime::Awaitable<R> question) {
    std::optional<R> answer;
    runtime::Scope scope(store_io.get_executor(), Logger());
    scope.spawn("ask", keep(std::move(question), answer));
    store_io.restart();
    store_io.poll();
    if (!answer) throw std::runtime_error("the store does not answer");
    return std::move(*answer);
  }
  model::Build build(std::int64_t id) { return ask(store->get_build(BuildId(id))).value(); }
  model::QueueItem item(std::int64_t id) { return ask(store->get_item(QueueItemId(id))).value(); }
  model::Assignment assignment(std::int64_t id);
  model::Assignment last_assignment(std::int64_t build = 1) {
    return ask(store->list_assignments(BuildId(build))).value().back();
  }
  model::LogStream stream(std::int64_t build = 1) {
    return ask(store->list_streams(BuildId(build))).value().at(0);
  }
  model::Node node(const std::string& agent);
  ports::AgentActivity activity(const std::string& id) {
    return controller->observe_agent(AgentId(id)).activity;
  }
  void send_log(ScriptedAgent& agent, StreamId stream, std::uint64_t offset, const std::string& text);
  std::string log_of(std::int64_t stream) { return logs.streams[StreamId(stream)].bytes; }
  // Of a build of one step: `report` 1 of a success or a failure brings the reports of that step, too.
  void finish(ScriptedAgent& agent, AssignmentId assignment, std::uint64_t report, std::uint64_t log_end,
              protocol::BuildOutcome outcome = protocol::BuildOutcome::success);

 private:
  template <class R>
  static runtime::Awaitable<void> keep(runtime::Awaitable<R> work, std::optional<R>& result) {
    result = co_await std::move(work);
  }
  template <class R>
  static runtime::Awaitable<void> keep_shared(runtime::Awaitable<R> work,
                                              std::shared_ptr<std::optional<R>> result) {
    *result = co_await std::move(work);
  }
  static runtime::Awaitable<Status> as_status(runtime::Awaitable<void> work) {
    co_await std::move(work);
    co_return Status();
  }

  std::vector<std::weak_ptr<runtime::MemoryWire>> wires_;
  std::unique_ptr<runtime::Scope> tools_;
  std::unique_ptr<runtime::Scope> server_;
};

}  // namespace footman::controller::testing
