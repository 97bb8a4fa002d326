// Agents as the fleet sees them, and nodes as the built-in controller sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "model/cost.hpp"
#include "model/price.hpp"
#include "model/size.hpp"

namespace footman::model {

using namespace footman::base;

//   planned → launching → connecting → online → draining → terminating → terminated
//                failed(reason) and lost: from every state after planned; both go on to terminating or
//                terminated.
enum class AgentState {
  planned,
  launching,
  connecting,
  online,
  draining,
  terminating,
  terminated,
  failed,
  lost
};
std::string_view to_string(AgentState state);
std::optional<AgentState> find_agent_state(std::string_view text);

// planned … online: counted against demand and caps as "on its way or here".
bool is_serving(AgentState state);
// Everything that may still cost money: all but terminated.
bool may_hold_resource(AgentState state);

// What the controller knows of an agent that the fleet registered with it.
enum class AgentActivity {
  unknown,       // never registered, or removed
  expected,      // registered, not connected yet, or not ready yet
  idle,          // connected, may take work
  busy,          // has work: offered, accepted or running
  disconnected,  // was connected, session silent, lease not over
  lost,          // lease over, or never came back after a restart within its fresh lease
  done,          // its builds are done, or it left in order: nothing more will run on it
};
std::string_view to_string(AgentActivity activity);

// Why an agent was launched; stable words, shown by the API and `footman explain`.
enum class LaunchReason {
  waiting_item,   // an item waits, and no agent is there or on its way for it
  replacement,    // the same, and the last one that was launched for it ended before it had any work
  pool_minimum,   // the pool of its template lacks one of the idle agents that it always keeps
  pool_load,      // it lacks one of those that it keeps for so many at work
  breaker_probe,  // launches of its template had failed: this one is tried, whatever it is for
};
std::string_view to_string(LaunchReason reason);
std::optional<LaunchReason> find_launch_reason(std::string_view text);

// Why an agent ended or was ended; stable words, shown by the API, the pages and `footman explain`.
enum class EndReason {
  none,
  build_finished,  // one-shot: its build is over
  max_builds,      // it has had as many builds as it may
  idle_too_long,
  surplus,       // nothing waits for it any more
  made_room,     // an item waited for the place that it took
  budget_spent,  // the money of the day does not pay for more of its time
  max_age,
  drained,           // by a person
  template_changed,  // its template generation was replaced
  launch_refused,    // the cloud said no for good
  launch_deadline,   // never connected in time
  session_lost,      // connected once, then silent beyond the lease
  resource_gone,     // the cloud has it no more, and nobody saw how it ended
  agent_exited,      // its process ended or was killed inside its machine, which its own work may have done
  out_of_memory,     // the same, because its work needed more memory than it has
  notice,            // spot reclaim or shutdown of the host
  goodbye,           // the agent left in order
  orphan,            // found in the cloud without a row
};
std::string_view to_string(EndReason reason);
std::optional<EndReason> find_end_reason(std::string_view text);
std::string_view sentence(EndReason reason);  // for people
// The sentence, with what is known besides; details that begin with it stand for both.
std::string describe_end(EndReason reason, std::string_view detail);

// An agent takes at most max_builds builds (0: no limit; 1: one-shot), then it is spent and ends with that
// reason.
constexpr bool is_spent(std::uint32_t max_builds, std::uint32_t builds_done) {
  return max_builds != 0 && builds_done >= max_builds;
}
constexpr EndReason spent_reason(std::uint32_t max_builds) {
  return max_builds == 1 ? EndReason::build_finished : EndReason::max_builds;
}

// Why a launch did not give an agent; says who is to blame and so what happens next (policy/breaker.hpp).
// Until somebody changes something, and so for good: configuration, permission, image (it does not exist or
// cannot run there; a registry that does not answer is transient).
enum class FailureClass { throttled, transient, capacity, configuration, permission, image, boot, connect };
std::string_view to_string(FailureClass failure);
std::optional<FailureClass> find_failure_class(std::string_view text);

// How and why the resource ended, as far as anybody knows.
struct DeathCertificate {
  std::optional<int> exit_status;
  int signal = 0;
  bool out_of_memory = false;
  std::string text;  // one sentence
  bool operator==(const DeathCertificate&) const = default;
};

struct Agent {
  AgentId id;
  CloudName cloud;
  TemplateName template_name;
  std::uint64_t template_generation = 0;
  ControllerName controller;
  std::string for_item;  // ControllerPort's item key it was launched for; empty: a pool
  std::vector<std::string> labels;
  AgentSize size;  // of its template, as the price, when it was planned
  Price price;
  AgentState state = AgentState::planned;
  std::uint32_t attempt = 1;     // goes into the secret and the client token
  std::string client_token;      // "<agent id>-<attempt>"
  std::string frozen_request;    // JSON, without secrets; re-sent unchanged with the same token
  std::string promised_to;       // the item that waits for it now, if it is another one; empty: none
  std::string handle;            // the provider's id of the resource; empty: not known (yet)
  std::uint32_t max_builds = 1;  // then it leaves; 0: no limit
  Duration idle_timeout{0};
  std::uint32_t builds_done = 0;
  Instant planned;
  Instant launched;  // the cloud answered
  Instant connected;
  Instant launch_deadline;
  Instant stop_asked;  // the decision to end it
  Instant ended;       // terminated
  Cost cost;           // useful: of the builds that are over; idle: once it has ended, nothing before
  EndReason end_reason = EndReason::none;
  std::string end_detail;
  DeathCertificate death;
};

// The built-in controller's record of an agent that may connect. One per agent attempt.
struct Node {
  AgentId agent;
  std::uint32_t attempt = 1;
  std::vector<std::string> labels;
  std::uint32_t max_builds = 1;             // then it leaves; 0: no limit
  bool is_default = false;                  // takes builds without a label
  Instant secret_deadline;                  // the bootstrap secret is refused after this
  std::string key_hash;                     // SHA-256 of the session key; empty: not redeemed
  std::uint64_t epoch = 0;                  // of the newest session
  bool draining = false;                    // takes no new work
  bool revoked = false;                     // its session ends, later ones are refused
  EndReason revoked_for = EndReason::none;  // what its work is lost to, when it has some
  std::uint32_t builds_done = 0;
  std::uint32_t refused_attempts = 0;  // connections with a wrong, expired or foreign secret or key
  Instant created;
};

// One line of an agent's or build's history. `kind` is a stable word, `text` a sentence for people.
struct TimelineEntry {
  Instant at;
  std::string
      kind;  // of an agent: "decided", "api_answered", "launch_unclear", "proof_unchecked", "proof_wrong",
             // "secret_unread", "connected", "session_resumed", "session_broken", "first_step", "finished",
             // "notice", "session_lost", "draining", "stop_asked", "cloud_step", "violation", "gone"; of a
             // build: "submitted", "agent_planned", "held", "offered", "accepted", "started",
             // "step_started", "step_finished", "returned", "cancel_asked", "finished"
  std::string text;
};

}  // namespace footman::model
