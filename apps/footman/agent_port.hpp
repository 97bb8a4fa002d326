// The TCP agent port: the first bytes decide the protocol. TLS leads to the agent protocol; others are told
// to go elsewhere. Net executor.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/strangers.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "runtime/clock.hpp"
#include "runtime/scope.hpp"

namespace footman::app {

inline constexpr base::Duration kFirstBytesLimit = std::chrono::seconds(10);

struct AgentPortLimits {
  std::size_t connections = 0;  // further ones are closed at once, and agents try again
  net::StrangerLimits strangers;
};

// Serves the agent protocol on an agent's connection, like AgentHub::serve().
using ServeAgent =
    std::function<runtime::Awaitable<void>(runtime::ByteStreamPtr, std::function<void()> known)>;

class AgentPort {
 public:
  AgentPort(runtime::Executor net, std::unique_ptr<net::Listener> listener, net::TlsServerContextPtr tls,
            ServeAgent serve_agent, AgentPortLimits limits, runtime::Clock& clock, base::Metrics& metrics,
            base::Logger log);
  void start();
  void stop();                      // no new connections; those that are there end
  runtime::Awaitable<void> join();  // after stop()

 private:
  runtime::Awaitable<void> accept_all();
  runtime::Awaitable<void> serve(runtime::ByteStreamPtr stream, net::StrangerPtr stranger);
  // Null: it was not an agent, and has been told so. Apart from serve(), whose frame lasts as long as the
  // agent.
  runtime::Awaitable<runtime::ByteStreamPtr> secure(runtime::ByteStreamPtr stream, net::Stranger* stranger);

  std::unique_ptr<net::Listener> listener_;
  net::TlsServerContextPtr tls_;
  ServeAgent serve_agent_;
  runtime::Clock& clock_;
  base::Counter& refused_;
  base::Logger log_;
  std::size_t max_connections_;
  net::ConnectionReports reports_;
  net::Strangers strangers_;
  runtime::Scope scope_;
};

}  // namespace footman::app
