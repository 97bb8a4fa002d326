// The messages between server and agent, as plain values. How they travel: codec.hpp. What they mean, for
// someone who writes another agent: docs/PROTOCOL.md.
//
// (A) agent to server, (S) server to agent, (both). Every message may be repeated after a reconnect and must
// then change nothing: the receiver knows an assignment by its id, a report by its sequence, log bytes by
// their offset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace footman::protocol {

// Versions this program speaks.
inline constexpr std::uint16_t kVersionMin = 1;
inline constexpr std::uint16_t kVersionMax = 1;

// Features: the agent offers, Welcome answers with those both sides have. Unknown bits are ignored.
// Bit 1 has no meaning: memory and CPU time of a step are always told.
inline constexpr std::uint64_t kFeatureTimeMarks = 1U << 0;  // LogData carries time marks
inline constexpr std::uint64_t kFeatureNotice =
    1U << 2;  // the agent hears of its machine's end and sends Notice
inline constexpr std::uint64_t kFeatureProof = 1U << 3;  // the agent can prove who it is, see Challenge
inline constexpr std::uint64_t kAllFeatures = kFeatureTimeMarks | kFeatureNotice | kFeatureProof;
// Not of a session: who says Hello with it wants a Credential instead.
inline constexpr std::uint64_t kFeatureCredential = 1U << 4;

// ---- Handshake ----

// (A) First message of every connection, after the preface.
struct Hello {
  std::uint16_t version_min = kVersionMin;
  std::uint16_t version_max = kVersionMax;
  std::uint64_t features = 0;
  base::AgentId agent;
  std::uint32_t attempt = 0;     // launch attempt the secret was made for
  std::uint32_t connection = 0;  // counts this agent's connection tries; of two, the server keeps the higher
  base::Secret secret;           // may be empty once the server has answered Welcome, or with kFeatureProof
  base::Secret session_key;      // 32 random bytes, made once per agent process before it connects
  std::string agent_version;
  std::string os;    // "linux"
  std::string arch;  // "x86_64"
  std::string hostname;
  std::uint64_t pid = 0;
  std::uint32_t cpus = 0;
  std::uint64_t memory_bytes = 0;
  base::Instant started_at;  // when the agent process started, by its own clock
};

// What the server has durable of one log stream.
struct StreamPosition {
  base::StreamId stream;
  std::uint64_t durable_offset = 0;
};

// (S) The agent is in. The agent answers with Resume, always.
struct Welcome {
  std::uint16_t version = 0;
  std::uint64_t features = 0;  // those both have
  std::uint64_t epoch = 0;     // of this session; a newer one revokes all older ones
  base::InstallationId installation;
  base::Duration heartbeat_interval{};
  base::Duration lease{};              // silence after which the server declares the agent lost
  base::Duration orphan_timeout{};     // time without a server after which the agent gives up
  std::uint64_t log_window_bytes = 0;  // unacknowledged log bytes the agent may have under way, per stream
  std::uint64_t max_frame_bytes = 0;   // largest payload the server takes
  base::Instant server_time;
  bool single_use = false;              // leave after the first build
  std::vector<StreamPosition> streams;  // all open streams of this agent's assignments
};

enum class RefusalCode : std::uint8_t {
  other = 0,
  bad_secret = 1,     // secret or session key is wrong; also said where more would help a stranger
  expired = 2,        // the launch deadline has passed
  unknown_agent = 3,  // a right secret for an agent that is no longer known
  version = 4,        // no common version
  revoked = 5,        // the agent was declared lost, ended or replaced by a newer attempt
  busy = 6,           // try later
  superseded = 7,     // a newer connection of the same agent is there
};

// (S) Instead of Welcome; the server closes after it.
struct Refused {
  RefusalCode code = RefusalCode::other;
  std::string message;
  bool retry = false;  // false: trying again cannot help, the agent ends
};

// (S) Instead of Welcome, once on a connection: the agent has to prove who it is by what its cloud gives it.
struct Challenge {
  base::Secret nonce;  // 32 random bytes, for this connection only
};

struct ProofValue {
  std::string name;
  base::Secret value;
};

// (A) The answer to Challenge; the server answers with Welcome or Refused. What the values are is agreed upon
// by the agent and the server's cloud; they are bound to bind_proof() (handshake.hpp).
struct Proof {
  std::vector<ProofValue> values;
};

// (S) Instead of Welcome, to who wants it (kFeatureCredential) and has shown who it is: what another
// controller's agent has to show there. The server closes after it; the same session key may ask again.
struct Credential {
  base::Secret secret;  // never empty
};

enum class AssignmentPhase : std::uint8_t { accepted = 1, running = 2, finished = 3 };

struct HeldAssignment {
  base::AssignmentId assignment;
  AssignmentPhase phase = AssignmentPhase::accepted;
  base::StreamId stream;
  std::uint64_t first_unacknowledged = 0;  // log bytes before this one are gone from the agent
  std::uint64_t end_offset = 0;            // log bytes produced so far
  std::uint64_t last_report = 0;           // highest report sequence the agent has given out
};

// (A) After Welcome, on every connection: all that the agent holds. The server answers each one: Start or
// Withdraw for an accepted one, Withdraw for one it does not know any more, LogAck, ReportAck and FinishedAck
// for what it has. Unacknowledged reports and log bytes follow Resume, oldest first.
struct Resume {
  std::vector<HeldAssignment> assignments;
};

// ---- Liveness ----

// (both) Sent at the interval of Welcome. Any message proves life; a Heartbeat also asks for an answer.
struct Heartbeat {
  std::uint64_t sequence = 0;
  base::Instant sent_at;
};

// (both)
struct HeartbeatReply {
  std::uint64_t sequence = 0;
  base::Instant sent_at;  // copied from the Heartbeat
  base::Instant time;     // of the one who answers
};

// ---- Work ----

struct EnvVar {
  std::string name;
  base::Secret value;   // wiped in every case, so that a secret one needs no second type
  bool secret = false;  // the value must never be shown (it also stands in WorkSpec::masks)
};

struct WorkStep {
  std::string name;
  // argv of the interpreter; the script's path is appended. Empty: the script's own "#!" line, else /bin/sh
  // -e.
  std::vector<std::string> interpreter;
  std::string script;
};

struct WorkSpec {
  std::string workspace_key;  // same key, same folder, as long as the agent lives
  std::vector<EnvVar> env;
  std::vector<WorkStep> steps;
  base::Duration timeout{};           // of the whole build, from Start; zero: none
  base::Duration grace{};             // between the polite and the hard end
  std::vector<base::Secret> masks;    // replaced in the log before offsets are given
  std::uint64_t log_limit_bytes = 0;  // zero: none
  // By step: the exit status that does not fail it. Zero, or not there: none.
  std::vector<std::uint8_t> unstable_exit_statuses;
};

// (S) The build may still go elsewhere: prepare, answer Accepted or Rejected, run nothing before Start.
struct Assign {
  base::AssignmentId assignment;
  base::BuildId build;
  std::uint64_t build_number = 0;
  base::JobPath job;
  base::StreamId stream;
  WorkSpec work;
};

// (A) The agent holds the assignment.
struct Accepted {
  base::AssignmentId assignment;
};

// (A) The agent cannot take it (draining, full, broken); it holds nothing.
struct Rejected {
  base::AssignmentId assignment;
  std::string reason;
};

// (S) Committed: the build is this agent's. A second Start changes nothing.
struct Start {
  base::AssignmentId assignment;
  std::uint64_t stream_offset = 0;  // number of the first log byte
};

// (S) The assignment is not this agent's (any more): end it at once, forget it, report nothing. Not
// acknowledged: the next Resume shows whether it was heard.
struct Withdraw {
  base::AssignmentId assignment;
  std::string reason;
};

// Reports are numbered per assignment from 1 without gaps (StepStarted, StepFinished and BuildFinished share
// the numbers), kept and repeated after each reconnect until acknowledged, and applied once.

// (A)
struct StepStarted {
  base::AssignmentId assignment;
  std::uint64_t report = 0;
  std::uint32_t step = 0;  // index in WorkSpec::steps
  base::Instant at;
  std::uint64_t log_offset = 0;  // the step's output begins here
};

// (A)
struct StepFinished {
  base::AssignmentId assignment;
  std::uint64_t report = 0;
  std::uint32_t step = 0;
  std::int32_t exit_status = 0;  // means something only when signal is 0
  std::uint32_t signal = 0;      // that ended it, or 0
  bool out_of_memory = false;
  std::uint64_t peak_memory_bytes = 0;
  base::Duration cpu_time{};
  base::Duration wall_time{};
  base::Instant at;
  std::uint64_t log_offset = 0;  // the step's output ends here
};

enum class BuildOutcome : std::uint8_t {
  success = 1,
  failure = 2,  // a step ended with a status other than 0, or by a signal
  aborted = 3,  // cancelled
  timed_out = 4,
  lost_by_notice = 5,  // the machine was taken away, see Notice
  agent_error = 6,     // the agent could not do its part; the reason says why
};

inline constexpr std::uint32_t kNoStep = 0xFFFFFFFF;

// (A) The last report of an assignment; kept until FinishedAck. The server acknowledges it once the log is
// durable up to log_end and the result is committed.
struct BuildFinished {
  base::AssignmentId assignment;
  std::uint64_t report = 0;
  BuildOutcome outcome = BuildOutcome::success;
  std::string reason;
  std::uint32_t failed_step = kNoStep;
  std::uint64_t log_end = 0;
  bool log_truncated = false;  // the log reached its limit
  base::Instant at;
};

// (S) Reports up to and including this one are committed.
struct ReportAck {
  base::AssignmentId assignment;
  std::uint64_t report = 0;
};

// (S) The result is committed: forget the assignment.
struct FinishedAck {
  base::AssignmentId assignment;
};

// (S) End the build politely, hard after `grace`; the outcome is `aborted` with this reason.
struct Cancel {
  base::AssignmentId assignment;
  std::string reason;
  base::Duration grace{};
};

// ---- Logs ----

// From the byte at LogData::offset + delta on, output was produced at `at`. Strictly ascending within one
// message: there is never more than one for a byte.
struct TimeMark {
  std::uint32_t delta = 0;
  base::Instant at;
};

// (A) Bytes [offset, offset + bytes.size()) of the stream, after masking.
struct LogData {
  base::StreamId stream;
  std::uint64_t offset = 0;
  std::vector<TimeMark> marks;
  std::string bytes;
};

// (S) All bytes before this offset are on the server's disk.
struct LogAck {
  base::StreamId stream;
  std::uint64_t durable_offset = 0;
};

// ---- Ends ----

// (S) Take no new work; finish what runs, then Goodbye.
struct Drain {
  std::string reason;
};

// (A) The machine goes away at `deadline` (spot, shutdown); the agent takes no new work.
struct Notice {
  std::string reason;
  base::Instant deadline;
};

enum class GoodbyeCode : std::uint8_t {
  other = 0,
  finished = 1,        // single use, drained or idle: all done
  shutting_down = 2,   // the program restarts or ends
  revoked = 3,         // a newer session or the end of the lease
  protocol_error = 4,  // the peer broke a rule; the reason says which
};

// (both) The last message of a connection. From the server `reconnect` tells the agent whether to come back;
// from the agent it tells whether it means to.
struct Goodbye {
  GoodbyeCode code = GoodbyeCode::other;
  std::string reason;
  bool reconnect = false;
};

using Message =
    std::variant<Hello, Welcome, Refused, Challenge, Proof, Credential, Resume, Heartbeat, HeartbeatReply,
                 Assign, Accepted, Rejected, Start, Withdraw, StepStarted, StepFinished, BuildFinished,
                 ReportAck, FinishedAck, Cancel, LogData, LogAck, Drain, Notice, Goodbye>;

std::string_view to_string(RefusalCode code);
std::string_view to_string(AssignmentPhase phase);
std::string_view to_string(BuildOutcome outcome);
std::string_view to_string(GoodbyeCode code);
std::string_view name_of(const Message& message);  // "LogData"

}  // namespace footman::protocol
