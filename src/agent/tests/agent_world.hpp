// The real session of an agent and the real controller, on one thread under a clock of the test.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "agent/tests/fake_runner.hpp"
#include "controller/tests/world.hpp"
#include "runtime/scope.hpp"

namespace footman::agent::testing {

using controller::testing::World;

// Cuts the connection at the n-th piece that goes through it.
struct Cut {
  int at = 0;          // 0: never
  bool after = false;  // the piece arrives, but whoever sent it does not know
  int pieces = 0;
};

class CutStream final : public runtime::ByteStream {
 public:
  CutStream(runtime::MemoryStreams streams, Cut& cut)
      : inner_(std::move(streams.second)), wire_(std::move(streams.wire)), cut_(cut) {}
  runtime::Awaitable<base::Result<std::string>> read(std::size_t max) override {
    auto bytes = co_await inner_->read(max);
    if (!bytes || bytes->empty()) co_return bytes;
    if (++cut_.pieces != cut_.at) co_return bytes;
    wire_->cut();
    if (cut_.after) co_return bytes;
    co_return base::fail(base::Errc::io, "cut");
  }
  runtime::Awaitable<base::Status> write(std::string bytes) override {
    const bool now = ++cut_.pieces == cut_.at;
    if (now && !cut_.after) wire_->cut();
    auto status = co_await inner_->write(std::move(bytes));
    if (!now) co_return status;
    // Arrives: the other side ends in order.
    inner_->close();
    co_return base::fail(base::Errc::io, "cut");
  }
  void close() noexcept override { inner_->close(); }
  std::string peer() const override { return inner_->peer(); }

 private:
  runtime::ByteStreamPtr inner_;
  std::shared_ptr<runtime::MemoryWire> wire_;
  Cut& cut_;
};

class AgentWorld final : public Connector {
 public:
  explicit AgentWorld(std::uint32_t max_builds = 1) : max_builds_(max_builds) {
    config.name = base::AgentId("a");
    config.single_use = false;  // Welcome says it
  }
  ~AgentWorld() override { drop_agent(); }

  World world;
  AgentConfig config;
  FakeRunner runner;
  OpenSpoolFile open_spool;
  std::unique_ptr<Agent> agent;
  std::shared_ptr<runtime::MemoryWire> wire;
  std::optional<AgentExit> exit;
  bool reachable = true;
  int connections = 0;
  Cut cut;

  void start() {
    config.secret = world.register_agent("a", 1, max_builds_);
    start_agent();
  }
  void start_agent() {
    agent = std::make_unique<Agent>(
        AgentConfig(config),
        AgentParts{world.io.get_executor(), world.clock, *world.rng, {}, *this, runner, open_spool});
    scope_ = std::make_unique<runtime::Scope>(world.io.get_executor(), base::Logger());
    scope_->spawn("agent", live());
    world.settle();
  }
  void drop_agent() {
    if (!scope_) return;
    scope_->cancel();
    world.settle();
    scope_.reset();
    agent.reset();
    world.settle();
  }
  // Until the condition holds or this much time has passed.
  template <class Condition>
  bool wait_for(Condition holds, base::Duration limit = std::chrono::minutes(2)) {
    const auto until = world.clock.steady() + limit;
    world.settle();
    while (!holds() && world.clock.steady() < until) world.advance(std::chrono::milliseconds(50));
    return holds();
  }
  model::Build build(std::int64_t id) { return world.build(id); }
  bool finished(std::int64_t id) { return world.build(id).state == model::BuildState::finished; }

  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect() override {
    ++connections;
    if (!reachable) co_return base::fail(base::Errc::unavailable, "not reachable");
    auto streams = world.open();
    wire = streams.wire;
    co_return std::make_unique<CutStream>(std::move(streams), cut);
  }

 private:
  runtime::Awaitable<void> live() { exit = co_await agent->run(); }

  std::uint32_t max_builds_;
  std::unique_ptr<runtime::Scope> scope_;
};

}  // namespace footman::agent::testing
