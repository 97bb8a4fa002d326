// What the built-in controller is configured with, and its limits in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/work.hpp"
#include "protocol/limits.hpp"

namespace footman::controller {

using namespace footman::base;

struct ControllerConfig {
  ControllerName name{std::string(model::kBuiltInController)};
  // Told to every agent. heartbeat < lease < orphan_timeout.
  Duration heartbeat = protocol::kDefaultHeartbeatInterval;
  Duration lease = protocol::kDefaultLease;
  Duration orphan_timeout = protocol::kDefaultOrphanTimeout;
  std::uint64_t log_window_bytes = protocol::kDefaultLogWindowBytes;

  Duration hello_timeout = 10s;   // from the first byte to Hello, and from Welcome to Resume
  Duration proof_timeout = 20s;   // from Challenge to Proof
  Duration accept_timeout = 20s;  // from Assign to Accepted; then the work goes to another agent
  Duration cancel_limit = 30s;    // beyond the build's grace, then the agent is given up
  Duration timeout_margin = 60s;  // beyond the build's own timeout and grace: the server's net
  Duration max_timeout = 24h;     // of a build that names none, and the longest one may name
  std::uint64_t max_log_bytes = std::uint64_t{1}
                                << 30;       // of a build that names none, and the most one may name
  std::uint32_t max_queue = 100'000;         // items; more are refused with resource_exhausted
  std::uint32_t keep_builds = 100;           // of a job that names none
  std::uint32_t keep_adhoc_builds = 10'000;  // finished builds without a job
  bool operator==(const ControllerConfig&) const = default;
};

// Limits of what people send, besides those of model/validate.hpp.
inline constexpr std::size_t kMaxCauseBytes = 512;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;

// Limits of what agents do.
inline constexpr std::size_t kMaxConnections = 20'000;  // agent connections of one server
inline constexpr std::size_t kMaxProofsAtOnce = 64;     // being checked; others come again
// Of one agent: names are no secret, so a stranger's wrong proofs must not keep the right one out.
inline constexpr std::size_t kMaxProofsOfAgent = 4;
inline constexpr Duration kCredentialLimit = 8s;  // to read a secret from its controller; then it comes again
inline constexpr Duration kProofLimit = 15s;      // to check one, whatever it waits for; then it comes again
inline constexpr std::size_t kMaxUnhandledMessages = 4096;  // of one connection, beyond: protocol error
inline constexpr std::uint32_t kMaxBreaches =
    5;  // sessions of one assignment, or without any, that broke off; then the agent is given up
// Offers in a row that an agent refused or did not answer; then it is given up: its build may wait for it
// alone.
inline constexpr std::uint32_t kMaxDeclined = 10;
inline constexpr std::size_t kMaxUnsentBytes = 16 * 1024 * 1024;  // of one connection, beyond: closed
inline constexpr std::size_t kReadChunkBytes = 256 * 1024;
inline constexpr std::uint64_t kMaxAppendBytes = 4 * 1024 * 1024;  // log bytes handed to the LogStore at once

// Log bytes of all agents that wait for the disk. Each session is granted a part of what is left of it as its
// window, and the least one in any case: with more agents than it is enough for they send in smaller steps.
inline constexpr std::uint64_t kMaxPendingLogBytes = 128 * 1024 * 1024;
inline constexpr std::uint64_t kPartOfPending = 16;
inline constexpr std::uint64_t kLeastLogWindowBytes = 64 * 1024;
inline constexpr std::size_t kMaxPendingMarks = 2048;  // of a stream; beyond, every second one goes

}  // namespace footman::controller
