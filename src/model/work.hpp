// What is to be built and what became of it: jobs, builds, queue items, assignments, steps.
// Values only. Stored by `store`, changed by `controller` through the transitions in model/transitions.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace footman::model {

using namespace footman::base;

// What the controller of this program is called, in rows, limits and views.
inline constexpr std::string_view kBuiltInController = "footman";

// A value, or a reference to a secret that is resolved only when the work is assigned ("file:/run/x",
// "env:NAME").
struct EnvVar {
  std::string name;
  std::string value;       // empty when secret_ref is set
  std::string secret_ref;  // only the reference is ever stored or shown
  bool operator==(const EnvVar&) const = default;
};

struct StepSpec {
  std::string name;         // shown; "step 1" when empty
  std::string interpreter;  // "/bin/bash -e"; empty: "/bin/sh -e", or the script's own #! line
  std::string script;
  std::uint8_t unstable_exit_status = 0;  // with it the build goes on, and is unstable at best; 0: none
  bool operator==(const StepSpec&) const = default;
};

struct ParameterSpec {
  std::string name;
  std::string default_value;
  std::string description;
  std::vector<std::string> choices;  // empty: any text
  bool operator==(const ParameterSpec&) const = default;
};

// Everything the agent needs; frozen when the build is submitted, so that a later edit of the job changes
// nothing.
struct BuildSpec {
  std::string label;  // label expression; empty: any template with `default: true`
  std::vector<EnvVar> env;
  std::vector<StepSpec> steps;
  Duration timeout{0};                // 0: the server's limit
  Duration grace = 10s;               // between the polite and the hard kill
  std::uint64_t log_limit_bytes = 0;  // 0: the server's limit
  std::uint32_t retries = 0;          // runs again when the cloud took its agent (policy/build_retry.hpp)
  bool operator==(const BuildSpec&) const = default;
};

struct Job {
  JobPath path;
  std::string description;
  BuildSpec spec;
  std::vector<ParameterSpec> parameters;
  Duration quiet_period{0};
  std::uint32_t max_concurrent = 0;  // 0: no limit
  std::uint32_t keep_builds = 0;     // 0: the server's limit
  Duration keep_for{0};              // 0: no limit
  bool enabled = true;
  Instant created;
  Instant changed;
  std::int64_t next_number = 1;  // build numbers are never re-used, also after deletion
};

enum class BuildState { queued, running, finished };
enum class BuildResult { none, success, unstable, failure, not_built, aborted };
std::string_view to_string(BuildState state);
std::string_view to_string(BuildResult result);  // "SUCCESS", … as Jenkins writes them; "" for none
std::optional<BuildState> find_build_state(std::string_view text);
std::optional<BuildResult> find_build_result(std::string_view text);

struct Build {
  BuildId id;
  JobPath job;              // empty: ad hoc
  std::int64_t number = 0;  // in the job; ad-hoc builds count in their own sequence
  BuildState state = BuildState::queued;
  BuildResult result = BuildResult::none;
  std::string reason;  // one sentence when the result is not success
  std::string cause;   // "started by token admin", "retry of build 17"
  BuildSpec spec;      // parameters already merged into env
  std::map<std::string, std::string> parameters;
  Instant submitted;
  Instant started;  // Start committed
  Instant finished;
  std::uint32_t attempts = 0;  // assignments offered so far
  bool cancel_requested = false;
  std::string cancel_reason;
  std::optional<int> exit_status;  // of the step that ended the build, when there was one
  bool timed_out = false;          // its time limit ended it
  // A build whose agent was lost may be run again, as a new build: a chain of builds that know each other.
  BuildId retry_of;         // the one before it; empty: the first
  BuildId retried_by;       // the one after it; empty: the last
  std::uint32_t retry = 0;  // how many came before it
};

// Stored states of a queue item. Waiting, blocked and buildable are views on `queued` (quiet period,
// concurrency).
enum class ItemState { queued, pending, left };
// What people and the API see; Jenkins' words.
enum class ItemView { waiting, blocked, buildable, pending, left };
std::string_view to_string(ItemState state);
std::string_view to_string(ItemView view);
std::optional<ItemState> find_item_state(std::string_view text);

struct QueueItem {
  QueueItemId id;
  BuildId build;
  JobPath job;
  ItemState state = ItemState::queued;
  std::string label;
  Instant since;            // in the queue since
  Instant quiet_until;      // not set: no quiet period
  AssignmentId assignment;  // while pending
  // The database may be older than what has become of the build: it may have run. It waits until a person
  // lets it run.
  bool in_doubt = false;
};

enum class AssignmentState { offered, accepted, started, finished, revoked, lost };
std::string_view to_string(AssignmentState state);
std::optional<AssignmentState> find_assignment_state(std::string_view text);

// One try to run a build on an agent. Before `started` is committed the item may go to another agent, never
// after.
struct Assignment {
  AssignmentId id;
  BuildId build;
  QueueItemId item;
  AgentId agent;
  StreamId stream;
  std::uint64_t epoch = 0;  // the agent's session epoch at the offer
  AssignmentState state = AssignmentState::offered;
  Instant offered;
  Instant accepted;
  Instant started;
  Instant ended;
  std::string end_reason;
};

struct StepRecord {
  AssignmentId assignment;
  std::uint32_t index = 0;
  std::string name;
  Instant started;
  Instant finished;                // not set while it runs
  std::optional<int> exit_status;  // absent when ended by a signal or not at all
  int signal = 0;
  bool out_of_memory = false;
  std::uint64_t peak_memory_bytes = 0;
  Duration cpu_time{0};
  Duration wall_time{0};

  // Its agent said how it ended, and what it used. Otherwise it runs, or its agent was lost with it.
  bool is_reported() const { return finished.is_set() && (exit_status || signal != 0); }
};

struct LogStream {
  StreamId id;
  BuildId build;
  AssignmentId assignment;
  std::uint64_t final_bytes = 0;  // valid when closed
  bool closed = false;
};

}  // namespace footman::model
