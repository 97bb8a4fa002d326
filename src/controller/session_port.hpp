// What the two halves of a session know of each other. Inside the module.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "controller/config.hpp"
#include "ports/log_store.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/crash_points.hpp"

namespace footman::controller {

// One connection of an agent, counted from 1 within one run of the server.
using ConnectionId = std::uint64_t;

// Written by the net half, read by the lease sweep of the control half.
struct Pulse {
  std::atomic<std::int64_t> last_heard_us{0};  // steady
  std::atomic<std::uint32_t> unhandled{0};     // messages on their way to or in the control half
  std::atomic<bool> closed{false};             // set before on_closed() is on its way
};

struct Admission {
  std::variant<protocol::Refused, protocol::Welcome, protocol::Challenge, protocol::Credential> answer;
  std::uint64_t log_limit_bytes = 0;  // of the streams in Welcome, as their Assign said
  base::Instant started;              // and when their Start was committed; not set: it is not
};

// A Challenge and what came back.
struct ProofGiven {
  base::Secret nonce;
  protocol::Proof proof;
};

// The control half. Calls on the control executor.
class SessionPort {
 public:
  virtual ~SessionPort() = default;
  // Hello was read, and after a Challenge the Proof. Welcome: from now on the connection is the agent's
  // session, whose messages come in order. Challenge: ask for a proof, then call again; not answered to one
  // that has given one. Credential: hand it over, that is all.
  virtual runtime::Awaitable<Admission> admit(ConnectionId connection, std::string peer,
                                              std::shared_ptr<Pulse> pulse, protocol::Hello hello,
                                              std::optional<ProofGiven> given) = 0;
  // Everything but heartbeats and log data. First Resume.
  virtual void on_message(ConnectionId connection, protocol::Message message) = 0;
  // `breach`: one of the two sides could not go on with what the other one said.
  virtual void on_closed(ConnectionId connection, std::string why, bool breach) = 0;
};

// What the net half is built from.
struct HubParts {
  runtime::Executor control;
  runtime::Executor net;
  runtime::Clock& clock;
  ports::LogStore& log_store;
  base::Metrics& metrics;
  base::Logger log;
  runtime::CrashPoints crash_points;
  ControllerConfig config;
  std::function<void(bool)> set_log_storage_full;  // any executor
};

}  // namespace footman::controller
