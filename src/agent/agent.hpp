// An agent: keeps its session with the server through lost connections and runs the builds it is given.
//
// Written against interfaces only, so that the simulation runs this very code under virtual time:
//   Connector   a new connection to the server, names resolved anew
//   StepRunner  processes and folders
//   Clock, Rng  time and randomness
// Everything runs on one single-threaded executor; nothing here blocks but a spool file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spool.hpp"
#include "agent/step_runner.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "protocol/limits.hpp"
#include "protocol/messages.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"
#include "runtime/stream.hpp"

namespace footman::agent {

using namespace std::chrono_literals;

// Opens one connection to the server, up to where the preface can be written. Called again for every try.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect() = 0;
};

// Shows to the server who this agent is where the launch gave it no secret.
class IdentityProver {
 public:
  virtual ~IdentityProver() = default;
  // The values of a Proof that is bound to `binding`. After an error the agent connects again and is asked
  // again; not after `unsupported`: this machine will never have a proof, so the agent leaves.
  virtual runtime::Awaitable<base::Result<std::vector<protocol::ProofValue>>> prove(std::string binding) = 0;
};

// What is told about the machine in Hello.
struct HostFacts {
  std::string os;
  std::string arch;
  std::string hostname;
  std::uint64_t pid = 0;
  std::uint32_t cpus = 0;
  std::uint64_t memory_bytes = 0;
};

struct AgentConfig {
  base::AgentId name;
  std::uint32_t attempt = 1;
  base::Secret secret;  // wiped when the server has answered Welcome; empty: there is a prover
  // No session and no work, but the secret of another program for its own controller: it leaves with that.
  bool wants_credential = false;
  bool single_use = false;  // leave after the first build; also when Welcome says so
  // Time without a word from the server after which the agent gives up: what is given here, else what Welcome
  // says, else (before the first Welcome) the default. Counted from the start at first.
  base::Duration orphan_timeout{0};
  // A running step is ended so long before the announced end of the machine.
  base::Duration notice_grace = 10s;
  HostFacts host;

  // Limits.
  std::uint64_t spool_memory_bytes = protocol::kDefaultLogWindowBytes;  // log bytes kept in memory
  std::uint64_t spool_disk_bytes = std::uint64_t{256} << 20;            // and beyond, on disk
};

// Fixed times and limits of a session.
inline constexpr base::Duration kHandshakeTimeout = 20s;  // from the connection to Welcome
inline constexpr base::Duration kProofTime = 10s;         // to make a proof; then a new connection is tried
inline constexpr base::Duration kReconnectFirst = 100ms;  // pause before the second try, then doubled …
inline constexpr base::Duration kReconnectMost =
    5s;  // … up to this and a quarter of the lease; each is jittered by half
inline constexpr base::Duration kDistrustPatience = 10s;  // before the first Welcome, with a server whose
                                                          // certificate is refused; then the agent ends
inline constexpr base::Duration kFarewellTimeout = 2s;    // for the last words
inline constexpr std::size_t kMaxHeldBuilds =
    16;  // one runs; the others wait for FinishedAck. Beyond: Rejected
inline constexpr std::size_t kMaxUnsentBytes = std::size_t{1}
                                               << 20;  // of answers on one connection; beyond: closed

struct AgentParts {
  runtime::Executor executor;
  runtime::Clock& clock;
  runtime::Rng& rng;
  base::Logger log;
  Connector& connector;
  StepRunner& runner;
  OpenSpoolFile open_spool;  // empty: memory only
  IdentityProver* prover = nullptr;
};

// Why an agent's life is over.
enum class AgentEnd : std::uint8_t {
  finished,  // its work is done and acknowledged: single use, or drained; or it has what it wanted
  noticed,   // the machine goes away, or a signal asked for the end
  refused,   // the server does not want this agent, or is not trusted, and trying again cannot help
  revoked,   // the server has given this agent up
  orphaned,  // nothing was heard of the server for the orphan time-out
};
std::string_view to_string(AgentEnd end);

struct AgentExit {
  AgentEnd end = AgentEnd::finished;
  std::string reason;         // one sentence for a person; with why the last try failed, if it did
  bool complete = true;       // every result was acknowledged
  base::Secret credential{};  // what it wanted, if it got that
};

class Agent {
 public:
  Agent(AgentConfig config, AgentParts parts);
  // After run() has ended; or before its executor is dropped with all that waits there, which is how an agent
  // dies in a test.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // The agent's whole life, once: returns when it is over, nothing it started runs any more and its folders
  // are gone.
  runtime::Awaitable<AgentExit> run();

  // The machine goes away at `deadline` (by this machine's clock): no new work; the running step goes on
  // until notice_grace before it and is then ended with that reason. The agent leaves once everything is
  // acknowledged, or at the deadline. A second call only brings the deadline forward.
  void notice(std::string reason, base::Instant deadline);

  // For people and tests.
  bool connected() const;       // Welcome was heard on the present connection
  std::uint64_t epoch() const;  // of the last Welcome

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace footman::agent
