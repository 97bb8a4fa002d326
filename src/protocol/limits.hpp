// Every limit of the controller-agent protocol. A message beyond one of them is an error that ends the
// connection; free text written by a peer (reasons, host names) is cut to its limit when it is encoded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace footman::protocol {

// Frames: the bytes after the frame header.
inline constexpr std::size_t kMaxFrameToServerBytes = 1 * 1024 * 1024 + 64 * 1024;  // one full LogData
inline constexpr std::size_t kMaxFrameToAgentBytes = 4 * 1024 * 1024;               // one full Assign
inline constexpr std::size_t kMaxHelloFrameBytes = 8 * 1024;   // the first frame comes from a stranger
inline constexpr std::size_t kMaxProofFrameBytes = 24 * 1024;  // and so does the second one, a Proof

// Text and bytes.
inline constexpr std::size_t kMaxIdBytes = 128;
inline constexpr std::size_t kMaxNameBytes = 256;  // host name, os, arch, version, step name, workspace key
inline constexpr std::size_t kMaxReasonBytes = 1024;
inline constexpr std::size_t kMaxBootstrapSecretBytes = 256;
inline constexpr std::size_t kSessionKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = kSessionKeyBytes;
inline constexpr std::size_t kMaxProofNameBytes = 64;
inline constexpr std::size_t kMaxProofValueBytes = 16 * 1024;  // a session token of AWS has no fixed size
inline constexpr std::size_t kMaxCredentialBytes = 4096;
inline constexpr std::size_t kMaxJobPathBytes = 1024;
inline constexpr std::size_t kMaxEnvNameBytes = 256;
inline constexpr std::size_t kMaxEnvValueBytes = 128 * 1024;  // what Linux allows one string of exec
inline constexpr std::size_t kMaxArgumentBytes = 4096;
inline constexpr std::size_t kMaxScriptBytes = 1 * 1024 * 1024;
inline constexpr std::size_t kMaxMaskBytes = kMaxEnvValueBytes;
inline constexpr std::size_t kMaxLogDataBytes = 1 * 1024 * 1024;

// Lists.
inline constexpr std::size_t kMaxProofValues = 16;
inline constexpr std::size_t kMaxStreamsInWelcome = 1024;
inline constexpr std::size_t kMaxHeldAssignments = 1024;
inline constexpr std::size_t kMaxEnv = 4096;
inline constexpr std::size_t kMaxSteps = 1024;
inline constexpr std::size_t kMaxArguments = 64;
inline constexpr std::size_t kMaxMasks = 1024;
inline constexpr std::size_t kMaxTimeMarks = 4096;

// Numbers: small enough that the sum of any two of one kind cannot overflow. Writers clamp, readers refuse.
inline constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 62;
inline constexpr std::int64_t kMaxInstantUs = std::int64_t{1} << 60;
inline constexpr base::Duration kMaxDuration{std::int64_t{1} << 60};

// Defaults of what the server announces in Welcome.
inline constexpr base::Duration kDefaultHeartbeatInterval{15'000'000};
inline constexpr base::Duration kMaxHeartbeatInterval{20'000'000};  // below the idle limit of load balancers
inline constexpr base::Duration kDefaultLease{60'000'000};
inline constexpr base::Duration kDefaultOrphanTimeout{30LL * 60 * 1'000'000};
inline constexpr std::uint64_t kDefaultLogWindowBytes = 4 * 1024 * 1024;
inline constexpr std::uint64_t kMaxLogWindowBytes = 64 * 1024 * 1024;

// What a log may have beyond Assign's log_limit_bytes: the agent's line that says that the rest is not kept.
inline constexpr std::uint64_t kLogLimitSlackBytes = 4096;

}  // namespace footman::protocol
