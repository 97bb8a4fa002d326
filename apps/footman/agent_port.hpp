// The TCP agent port: the first bytes decide the protocol. TLS leads to the agent protocol; others are told
// to go elsewhere. Net executor.
#pragma once

#include <cstddef>
#include <memory>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "controller/agent_hub.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "net/unknown_peers.hpp"
#include "runtime/clock.hpp"
#include "runtime/scope.hpp"

namespace footman::app {

inline constexpr base::Duration kFirstBytesLimit = std::chrono::seconds(10);

// Further connections are closed at once, and agents try again.
struct AgentPortLimits {
  std::size_t connections = 0;
  net::UnknownPeerLimits unknown;  // who is not through TLS yet
};

class AgentPort {
 public:
  AgentPort(runtime::Executor net, std::unique_ptr<net::Listener> listener, net::TlsServerContextPtr tls,
            controller::AgentHub& hub, AgentPortLimits limits, runtime::Clock& clock, base::Metrics& metrics,
            base::Logger log);
  void start();
  void stop();                      // no new connections; those that are there end
  runtime::Awaitable<void> join();  // after stop()

 private:
  runtime::Awaitable<void> accept_all();
  runtime::Awaitable<void> serve(runtime::ByteStreamPtr stream);
  // Null: it was not an agent, and has been told so. Apart from serve(), whose frame lasts as long as the
  // agent.
  runtime::Awaitable<runtime::ByteStreamPtr> secure(runtime::ByteStreamPtr stream);

  std::unique_ptr<net::Listener> listener_;
  net::TlsServerContextPtr tls_;
  controller::AgentHub& hub_;
  runtime::Clock& clock_;
  base::Counter& refused_;
  base::Logger log_;
  std::size_t max_connections_;
  net::UnknownPeers unknown_;
  runtime::Scope scope_;
};

}  // namespace footman::app
