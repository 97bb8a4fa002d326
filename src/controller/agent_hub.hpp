// The network half of the agents' sessions: frames, heartbeats and log bytes, on the net executor. What a
// message means is decided by the controller on the control executor; log bytes never pass there.
//
// Made and owned by the Controller (Controller::agents()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "controller/config.hpp"
#include "controller/session_port.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/stream.hpp"

namespace footman::controller {

using runtime::Awaitable;

class LogHub;

class AgentHub {
 public:
  AgentHub(HubParts parts, SessionPort& sessions);
  AgentHub(const AgentHub&) = delete;
  AgentHub& operator=(const AgentHub&) = delete;
  ~AgentHub();

  // Serves one agent connection until it ends, however it ends: from a WebSocket upgrade or from the TCP
  // agent port once the first bytes were found to be this protocol's (they must still be readable from the
  // stream). On the net executor; the hub must outlive it, so run it in a scope that is cancelled and joined
  // before. Never throws but for cancellation. Closes the stream. `known` (or nothing) is called within, once
  // the agent has shown who it is and has its session.
  Awaitable<void> serve(runtime::ByteStreamPtr stream, std::function<void()> known = {});

  // From the control executor, in order; a connection that is gone is ignored. A message over the protocol's
  // limits closes the connection.
  void send(ConnectionId connection, protocol::Message message);
  // Sends Start, committed at `started`: from now on the connection may have log bytes of the stream.
  void start(ConnectionId connection, protocol::Start message, StreamId stream, Instant started);
  // Sends the message last, then closes.
  void close(ConnectionId connection, protocol::Goodbye goodbye);

  // From any executor.
  LogHub& logs() { return *logs_; }
  std::size_t connections() const;  // net executor
  // Says Goodbye to all, stops accepting, waits until what agents sent so far is on disk. On the net
  // executor.
  Awaitable<void> stop(protocol::Goodbye goodbye);

 private:
  struct Connection;
  struct Impl;
  std::unique_ptr<LogHub> logs_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace footman::controller
