// A server that says what the test says, for what the real controller never does. By itself it only answers
// heartbeats.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/tests/fake_runner.hpp"
#include "protocol/codec.hpp"
#include "runtime/manual_clock.hpp"
#include "runtime/scope.hpp"
#include "runtime/tests/memory_stream.hpp"

namespace footman::agent::testing {

class ScriptedServer final : public Connector {
 public:
  ScriptedServer() {
    config.name = base::AgentId("a");
    config.secret = base::Secret("the one-time secret");
    welcome.version = 1;
    welcome.features = protocol::kAllFeatures;
    welcome.installation = base::InstallationId("test");
    welcome.heartbeat_interval = 15s;
    welcome.lease = 60s;
    welcome.orphan_timeout = 30min;
    welcome.log_window_bytes = 1 << 20;
    welcome.max_frame_bytes = protocol::kMaxFrameToServerBytes;
  }
  ~ScriptedServer() override {
    scope_.cancel();
    settle();
    agent.reset();
    stream.reset();
    settle();
  }

  // One connection as the server sees it.
  runtime::asio::io_context io;
  runtime::ManualClock clock;
  std::unique_ptr<runtime::Rng> rng = runtime::make_seeded_rng(11);
  FakeRunner runner;
  OpenSpoolFile open_spool;
  IdentityProver* prover = nullptr;
  AgentConfig config;
  std::unique_ptr<Agent> agent;
  std::optional<AgentExit> exit;
  protocol::Welcome welcome;
  int connections = 0;
  bool reachable = true;
  base::Error trouble{base::Errc::unavailable, "not reachable", {}, {}};  // what a try ends with if it is not
  std::shared_ptr<runtime::MemoryWire> wire;
  std::shared_ptr<runtime::ByteStream> stream;  // the newest connection
  std::vector<protocol::Message> received;      // on it
  bool ended = false;                           // by the agent

  void start() {
    agent = std::make_unique<Agent>(
        AgentConfig(config),
        AgentParts{io.get_executor(), clock, *rng, {}, *this, runner, open_spool, prover});
    scope_.spawn("agent", live());
    settle();
  }
  // Answers Hello with Welcome; afterwards the agent has resumed.
  protocol::Resume let_in() {
    REQUIRE(count<protocol::Hello>() == 1);
    ++welcome.epoch;
    send(welcome);
    REQUIRE(count<protocol::Resume>() == 1);
    return all<protocol::Resume>().front();
  }
  void send(const protocol::Message& message) { send_raw(protocol::encode(message)); }
  void send_raw(std::string bytes) {
    scope_.spawn("write", write(stream, std::move(bytes)));
    settle();
  }
  void finish_step(std::int32_t status = 0) {
    runner.last().finish(status);
    settle();
  }
  // A new connection after this one was cut.
  void reconnect() {
    const int before = connections;
    wire->cut();
    for (int i = 0; i < 200 && connections == before; ++i) advance(50ms);
    REQUIRE(connections == before + 1);
  }
  void settle() {
    io.restart();
    for (int rounds = 0; io.poll() > 0; ++rounds) {
      if (rounds > 100'000) throw std::runtime_error("it never settles");
      io.restart();
    }
  }
  void advance(base::Duration by) {
    const auto until = clock.steady() + by;
    settle();
    while (clock.step(until)) settle();
    clock.set(until);
    settle();
  }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const auto& message : received)
      if (const auto* one = std::get_if<T>(&message)) found.push_back(*one);
    return found;
  }
  template <class T>
  std::size_t count() const {
    return all<T>().size();
  }
  template <class T>
  T last() const {
    auto found = all<T>();
    REQUIRE(!found.empty());
    return found.back();
  }
  // The log as received on this connection.
  std::string log() const {
    std::string text;
    for (const auto& data : all<protocol::LogData>()) text += data.bytes;
    return text;
  }

  static protocol::Assign assignment(std::int64_t id, std::size_t steps = 1) {
    protocol::Assign assign;
    assign.assignment = base::AssignmentId(id);
    assign.build = base::BuildId(id);
    assign.build_number = static_cast<std::uint64_t>(id);
    assign.job = base::JobPath("team/app");
    assign.stream = base::StreamId(id);
    assign.work.workspace_key = "team/app";
    assign.work.grace = 7s;
    for (std::size_t i = 0; i < steps; ++i) assign.work.steps.push_back({"", {}, "true"});
    return assign;
  }
  void assign_and_start(protocol::Assign assign) {
    const auto id = assign.assignment;
    send(std::move(assign));
    REQUIRE(last<protocol::Accepted>().assignment == id);
    send(protocol::Start{id, 0});
    REQUIRE(count<protocol::StepStarted>() >= 1);
  }

  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect() override {
    ++connections;
    if (!reachable) co_return std::unexpected(trouble);
    auto streams = runtime::make_memory_streams();
    wire = streams.wire;
    stream = std::move(streams.first);
    received.clear();
    ended = false;
    scope_.spawn("read", read_all(stream));
    co_return std::move(streams.second);
  }

 private:
  runtime::Awaitable<void> live() { exit = co_await agent->run(); }
  runtime::Awaitable<void> read_all(std::shared_ptr<runtime::ByteStream> from) {
    protocol::FrameDecoder decoder(protocol::Direction::to_server);
    while (true) {
      auto chunk = co_await from->read(64 << 10);
      if (!chunk || chunk->empty()) break;
      decoder.feed(std::move(*chunk));
      while (true) {
        auto message = decoder.next();
        if (!message) throw std::runtime_error(base::describe(message.error()));
        if (!*message) break;
        if (const auto* beat = std::get_if<protocol::Heartbeat>(&**message))
          scope_.spawn("reply", write(from, protocol::encode(protocol::HeartbeatReply{
                                                beat->sequence, beat->sent_at, clock.now()})));
        if (from == stream) received.push_back(std::move(**message));
      }
    }
    if (from == stream) ended = true;
    from->close();
  }
  runtime::Awaitable<void> write(std::shared_ptr<runtime::ByteStream> to, std::string bytes) {
    (void)co_await to->write(std::move(bytes));
  }

  runtime::Scope scope_{io.get_executor(), base::Logger()};
};

}  // namespace footman::agent::testing
