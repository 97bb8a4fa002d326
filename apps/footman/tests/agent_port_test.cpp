// The agent port over real sockets: strangers and agents.
#include "apps/footman/agent_port.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "net/tests/world.hpp"

using namespace footman;
using namespace std::chrono_literals;
using runtime::Awaitable;

namespace {

// Takes whoever says "agent" for one; answers with what came.
Awaitable<void> serve_agent(runtime::ByteStreamPtr stream, std::function<void()> known) {
  while (true) {
    auto bytes = co_await stream->read(100);
    if (!bytes || bytes->empty()) co_return;
    if (*bytes == "agent") known();
    const auto sent = co_await stream->write(std::move(*bytes));
    if (!sent) co_return;
  }
}

struct PortWorld : net::test::World {
  explicit PortWorld(app::AgentPortLimits limits)
      : port(executor(), take_listener(), identity.server, serve_agent, limits, *clock, metrics, {}) {
    port.start();
  }
  ~PortWorld() {
    port.stop();
    run(port.join());
  }
  std::unique_ptr<net::Listener> take_listener() {
    auto listener = listen();
    endpoint = listener->endpoint();
    return listener;
  }
  runtime::ByteStreamPtr connect() {
    return std::move(*run(net::connect_tcp(executor(), *clock, endpoint.host, endpoint.port, 5s)));
  }
  runtime::ByteStreamPtr connect_securely() {
    auto stream = run(net::connect_tls(connect(), net::test::trusting(identity), "127.0.0.1", *clock, 5s));
    return stream ? std::move(*stream) : nullptr;
  }
  bool answers(const runtime::ByteStreamPtr& stream, std::string text) {
    const auto size = text.size();
    return stream && run(stream->write(std::move(text))) &&
           run(net::test::read_bytes(stream.get(), size)).size() == size;
  }
  bool counted(const std::string& what) { return metrics.expose().find(what + "\n") != std::string::npos; }

  base::Metrics metrics;
  net::test::TlsIdentity identity = net::test::make_identity({"127.0.0.1"}, clock->now());
  net::Endpoint endpoint;
  app::AgentPort port;
};

}  // namespace

TEST_CASE("agents are no strangers: as many as there may be come through one address, with strangers there") {
  PortWorld world({.connections = 12, .strangers = {.all = 2, .handshakes = 1, .patience = 0ms}});
  std::vector<runtime::ByteStreamPtr> agents, strangers;
  for (int i = 0; i < 10; ++i) {
    strangers.push_back(world.connect());
    agents.push_back(world.connect_securely());
    CHECK(world.answers(agents.back(), "agent"));
  }
  for (const auto& agent : agents) CHECK(world.answers(agent, "still there"));
  CHECK(world.counted("footman_connections_gave_way_total{limit=\"strangers\",port=\"agent_listen\"} 9"));
}

TEST_CASE("who is through TLS and says nothing is a stranger, and gives way") {
  PortWorld world(
      {.connections = 10,
       .strangers = {.all = 2, .handshakes = 1, .secured = 1, .patience = 0ms, .secured_patience = 0ms}});
  const auto silent = world.connect_securely();
  const auto agent = world.connect_securely();
  CHECK(world.answers(agent, "agent"));
  CHECK_FALSE(world.answers(silent, "late"));
}

TEST_CASE("beyond the limit of all connections the newest is closed, and counted") {
  PortWorld world({.connections = 1, .strangers = {.all = 1, .handshakes = 1, .patience = 0ms}});
  const auto agent = world.connect_securely();
  CHECK(world.answers(agent, "agent"));
  CHECK_FALSE(world.connect_securely());
  CHECK(world.counted("footman_connections_refused_total{limit=\"connections\",port=\"agent_listen\"} 1"));
  CHECK(world.answers(agent, "still there"));
}
