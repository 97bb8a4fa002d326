// The store: SQLite, the truth. Business moves, each one transaction; many moves that arrive together share a
// commit.
//
// Lifecycle: open_store() on any thread takes the data directory's lock and opens the database (WAL,
// locking_mode=EXCLUSIVE, synchronous=FULL, migrations). Moves are coroutines that run their SQL on the
// store's executor (one thread) and resume on the caller's. A move that returned a value is durable; when the
// process dies before, it has happened wholly or not at all. A caller that is cancelled does not take its
// move back. Errors: not_found, conflict (the row is not in the state the move needs), already_exists,
// resource_exhausted (no space left: nothing happened, try again), io, corrupt, unavailable (closed, or far
// too many moves wait). Every move is safe to repeat with the same arguments unless it says otherwise.
// A number of a build, item, assignment or stream is given once in the life of the directory, also when the
// database is replaced by an older one (ids.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "model/agent.hpp"
#include "model/work.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/crash_points.hpp"

namespace footman::store {

using namespace footman::base;
using runtime::Awaitable;

struct CostLine;

struct StoreConfig {
  std::string directory;  // data directory; empty: a database in memory (simulation, tests)
  // Hit as "before-commit:start_assignment", "after-commit:start_assignment", … on the store's executor, for
  // the crash tests; empty in production.
  runtime::CrashPoints crash_points;
  // Told of each line that was added to the ledger of costs, on the executor of who caused it; may be null.
  std::function<void(const CostLine&)> on_cost = {};
};

// --- what is stored at once

struct NewBuild {
  model::JobPath job;     // empty: ad hoc
  model::BuildSpec spec;  // parameters merged
  std::map<std::string, std::string> parameters;
  std::string cause;
  Instant quiet_until;
  std::string idempotency_key;  // empty: none
  std::string request_hash;     // the same key with another hash is a conflict
  Instant now;
};
struct SubmittedBuild {
  model::Build build;
  model::QueueItem item;
  bool existed = false;  // answered from the idempotency key
  // Of a build in place of one that was lost: the agent of that one, while its record is open.
  AgentId lost_agent;
};

struct OpenState {  // everything that is not over, for the projection at start
  std::vector<model::Job> jobs;
  std::vector<model::Build> builds;            // not finished
  std::vector<model::QueueItem> items;         // not left
  std::vector<model::Assignment> assignments;  // offered, accepted, started
  std::vector<model::LogStream> streams;       // of those assignments
  std::vector<model::StepRecord> steps;        // of those assignments, by assignment and index
  std::vector<model::Agent> agents;            // not terminated
  std::vector<model::Node> nodes;              // not removed
  std::map<BuildId, AgentId> lost_agents;      // as SubmittedBuild::lost_agent, of builds that wait
  InstallationId installation;
  StreamId newest_stream;       // also one whose build is forgotten and whose log is not gone; empty: none
  bool clean_shutdown = false;  // the last run said good-bye, or there was none
  std::string doubt;  // why this may not be the database that the last run left; empty: nothing says so
};

struct BuildFilter {
  std::optional<model::JobPath> job;
  std::optional<model::BuildState> state;
  std::optional<model::BuildResult> result;
  BuildId before;  // empty: from the newest
  std::uint32_t limit = 50;
};
struct AgentFilter {
  bool only_live = true;  // false: also terminated ones, newest first
  std::string before;     // agent id of the last row seen (not_found: forgotten); empty: from the newest
  std::uint32_t limit = 100;
};

struct FinishBuild {
  BuildId build;
  AssignmentId assignment;                                                     // empty: never assigned
  model::AssignmentState assignment_state = model::AssignmentState::finished;  // or revoked, lost
  model::BuildResult result = model::BuildResult::failure;
  std::string reason;
  std::optional<int> exit_status;
  bool timed_out = false;
  std::optional<std::uint64_t> log_bytes;  // closes the stream at this size
  // Set: the same is submitted again, with this as its cause, unless it was to be cancelled.
  std::string retry_cause;
  Instant now;
  // How long it had its agent, by the steady clock; not set: nobody knows better than the rows.
  std::optional<Duration> worked;
};
struct FinishedBuild {
  model::Build build;
  std::optional<SubmittedBuild> retry;  // made by this very call
};

// The part of an agent's life that is paid for.
struct BilledSpan {
  Instant from;  // not set: none
  Instant until;
};

// A build of another controller's that is over, with its time on an agent.
struct OtherWork {
  JobPath job;        // "ci:team/app"; no job here is called so
  std::string title;  // "team/app #17"
  Instant since;
  Instant until;
};

// A change of an agent's row. Unset fields stay. The move checks model::can_transition(from, to).
struct AgentChange {
  AgentId id;
  std::optional<model::AgentState> state;
  std::optional<std::string> handle;
  std::optional<std::string> promised_to;
  std::optional<std::uint32_t> builds_done;
  std::optional<Instant> launched;
  std::optional<Instant> connected;
  std::optional<Instant> launch_deadline;
  std::optional<Instant> stop_asked;  // the first one stays
  std::optional<Instant> ended;
  std::optional<BilledSpan> billed;            // with its end: makes its cost final
  std::optional<model::EndReason> end_reason;  // the first one stays, with its detail, but for a drain's
  std::optional<std::string> end_detail;
  std::optional<model::DeathCertificate> death;
  std::optional<OtherWork> work;  // the same again (by its beginning) counts once
  std::vector<model::TimelineEntry> timeline;
};

// One of the ledger of costs: of a build's time on an agent, or of the rest of an agent's time.
struct CostLine {
  AgentId agent;
  BuildId build;  // empty: of no build, of several, or of another controller's
  JobPath job;
  std::string title;  // of another controller's build: "team/app #17"
  std::string label;  // that the build asked for
  CloudName cloud;
  TemplateName template_name;
  ControllerName controller;
  std::vector<std::string> labels;  // of the agent
  bool useful = false;
  Instant since;
  Instant until;
  model::Cost cost;
  model::Money charged;  // the agent's whole cost, in the line of its end only
};
struct CostSpan {
  Instant since;  // what was over from then on; not set: from the beginning
  Instant until;  // and before; not set: until now
};
struct CostPlace {  // behind a line; as it is made: before all
  Instant until;
  std::int64_t id = 0;
};
struct CostPage {
  std::vector<CostLine> lines;  // in the order in which they were over, without `charged`
  CostPlace next;
  bool is_last = false;
  model::Money useful_of_live;  // for builds that are over, of agents that are still there
};
struct Charge {  // of one agent that has ended, or of several that are alike
  CloudName cloud;
  TemplateName template_name;
  ControllerName controller;
  std::vector<std::string> labels;  // of the agents
  BilledSpan span;
  Instant ended;  // the agent, or the last one
  model::Money amount;
};

struct LaunchTime {
  TemplateName template_name;
  std::uint64_t generation = 0;
  Duration took{0};  // from the decision to the connection
};

struct Redemption {
  AgentId agent;
  std::uint32_t attempt = 1;
  std::string key_hash;
  Instant now;
};

// --- the moves

class Store {
 public:
  virtual ~Store() = default;

  virtual Awaitable<Result<OpenState>> load_open_state() = 0;
  virtual Awaitable<Status> record_shutdown(bool clean, Instant now) = 0;
  // What was in doubt (OpenState::doubt) is in order now.
  virtual Awaitable<Status> settle_doubt() = 0;
  // No item that waits is in doubt any more (QueueItem::in_doubt).
  virtual Awaitable<Status> release_items() = 0;
  // Copies the database to the path while it is in use (online backup). The path must not exist
  // (already_exists); it appears there when it is whole. Whoever opens the copy is in doubt.
  virtual Awaitable<Status> back_up(std::string path) = 0;

  // Jobs. create: already_exists; a job of a deleted one's name goes on with its numbers; save keeps
  // next_number and created. delete refuses while builds are open (conflict); else it forgets the job's
  // finished builds (forget_builds), at most a few hundred a call, and the job with the last of them. true:
  // the job is gone; false: call again.
  virtual Awaitable<Result<model::Job>> create_job(model::Job job) = 0;
  virtual Awaitable<Result<model::Job>> save_job(model::Job job) = 0;
  virtual Awaitable<Result<bool>> delete_job(JobPath path) = 0;

  // Build + queue item + idempotency key in one transaction. Repeating with the same key answers the first
  // build as it is now. The key goes with the build (forget_builds).
  virtual Awaitable<Result<SubmittedBuild>> submit_build(NewBuild build) = 0;
  virtual Awaitable<Result<model::Build>> request_cancel(BuildId build, std::string reason, Instant now) = 0;

  // Item queued → pending, new assignment and log stream. conflict: the item is not queued any more. The same
  // offer again answers its assignment while that is offered.
  virtual Awaitable<Result<model::Assignment>> offer_assignment(QueueItemId item, AgentId agent,
                                                                std::uint64_t epoch, Instant now) = 0;
  virtual Awaitable<Result<model::Assignment>> accept_assignment(AssignmentId id, Instant now) = 0;
  // The point of no return: build running, assignment started. conflict: revoked meanwhile.
  virtual Awaitable<Result<model::Assignment>> start_assignment(AssignmentId id, Instant now) = 0;
  // Before the start only: assignment revoked, item back to queued with its old `since`. conflict: already
  // started.
  virtual Awaitable<Status> return_assignment(AssignmentId id, std::string reason, Instant now) = 0;
  // A step that has finished is never set back to running.
  virtual Awaitable<Status> record_step(model::StepRecord step) = 0;
  // Build finished, item left, assignment ended, stream closed, node's builds_done + 1 when it had started.
  // With a retry_cause the build that runs in its place is submitted in the same transaction, and both rows
  // name each other. Repeating answers the first result and submits nothing; a finished build never changes.
  // conflict: `assignment` is not the one
  // that is open, or none was named and one is open.
  virtual Awaitable<Result<FinishedBuild>> finish_build(FinishBuild finish) = 0;

  // Agents (fleet). The intents of one plan are one transaction, with the nodes of those that the built-in
  // controller gets. Existing ids are left alone. A node replaces one of a lower attempt (the epoch goes on);
  // conflict: a higher one is there. Of the terminated agents about the last 20,000 are kept.
  virtual Awaitable<Status> record_launch_intents(std::vector<model::Agent> agents,
                                                  std::vector<model::Node> nodes = {}) = 0;
  virtual Awaitable<Result<model::Agent>> change_agent(AgentChange change) = 0;

  // Nodes (built-in controller).
  // Stores the key hash and raises the epoch; the same key again raises the epoch again; another key:
  // permission_denied; another attempt, or revoked: conflict.
  virtual Awaitable<Result<model::Node>> redeem_node(Redemption redemption) = 0;
  // Only ever sets. `why`: what its work is lost to, kept from the first revocation.
  virtual Awaitable<Result<model::Node>> change_node(AgentId agent, bool draining, bool revoked,
                                                     model::EndReason why = model::EndReason::none) = 0;
  virtual Awaitable<Status> count_refused(AgentId agent) = 0;
  virtual Awaitable<Status> remove_node(AgentId agent) = 0;

  // Subjects: "build:17", "agent:x". A line that is there already is not added again. Of more than 1000 lines
  // the first 100 and the newest stay.
  virtual Awaitable<Status> add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) = 0;

  // Questions. Lists hold at most 1000 rows (of an agent's assignments the newest).
  virtual Awaitable<Result<model::Build>> get_build(BuildId id) = 0;
  virtual Awaitable<Result<model::Build>> get_build_by_number(JobPath job, std::int64_t number) = 0;
  virtual Awaitable<Result<std::vector<model::Build>>> list_builds(BuildFilter filter) = 0;
  virtual Awaitable<Result<std::vector<model::Assignment>>> list_assignments(BuildId build) = 0;
  virtual Awaitable<Result<std::vector<model::Assignment>>> list_assignments_of_agent(AgentId agent) = 0;
  virtual Awaitable<Result<std::vector<model::StepRecord>>> list_steps(AssignmentId assignment) = 0;
  virtual Awaitable<Result<std::vector<model::LogStream>>> list_streams(BuildId build) = 0;
  virtual Awaitable<Result<model::QueueItem>> get_item(QueueItemId id) = 0;
  virtual Awaitable<Result<model::Agent>> get_agent(AgentId id) = 0;
  virtual Awaitable<Result<std::vector<model::Agent>>> list_agents(AgentFilter filter) = 0;
  // Of agents that have connected, the last so many of each generation of a template among the newest 20,000;
  // oldest first.
  virtual Awaitable<Result<std::vector<LaunchTime>>> list_launch_times(std::size_t of_each) = 0;
  // Costs. Each build's time on an agent counts once it is over, the rest of the agent's time (idle) once the
  // agent is gone; that of an agent that had one build alone is that build's. The last 200,000 lines are
  // kept, those of the day (UTC) up to two million. Builds that are forgotten stay.
  virtual Awaitable<Result<model::Cost>> get_build_cost(BuildId build) = 0;
  // The builds that an agent has had, also other controllers'; the last ones, oldest first.
  virtual Awaitable<Result<std::vector<CostLine>>> list_agent_work(AgentId agent) = 0;
  // A few thousand at a time (cost_report.hpp adds them up).
  virtual Awaitable<Result<CostPage>> list_costs(CostSpan span, CostPlace behind) = 0;
  // Of agents that have ended, were paid for beyond `since` and cost anything. Those that were paid for
  // between `since` and `now` alone come together where cloud, template, controller and labels are the same;
  // the others one by one, newest first, at most 200,000.
  virtual Awaitable<Result<std::vector<Charge>>> list_charges(Instant since, Instant now) = 0;
  virtual Awaitable<Result<std::vector<model::TimelineEntry>>> list_timeline(std::string subject) = 0;

  // Small durable settings: template generations, what adapters must know again after a restart. An empty
  // value is none: the key is gone. list_settings: all whose keys begin with `prefix`, which is not empty.
  virtual Awaitable<Result<std::optional<std::string>>> find_setting(std::string key) = 0;
  virtual Awaitable<Result<std::map<std::string, std::string>>> list_settings(std::string prefix) = 0;
  virtual Awaitable<Status> save_setting(std::string key, std::string value) = 0;

  // The last change that was tried is on the disk. False: who wants to know whether that is still so tries
  // one. Any thread.
  virtual bool is_writable() const = 0;

  // Retention: deletes the job's (empty path: ad-hoc) finished builds beyond the newest `keep` (0: no limit)
  // and those finished before `older_than` (not set: no limit), and returns the streams whose logs must go.
  // They are listed as forgotten until it is confirmed that their logs are gone. At most a few hundred builds
  // a call: the next call goes on.
  virtual Awaitable<Result<std::vector<StreamId>>> forget_builds(JobPath job, std::uint32_t keep,
                                                                 Instant older_than) = 0;
  // The oldest 1000.
  virtual Awaitable<Result<std::vector<StreamId>>> list_forgotten_streams() = 0;
  virtual Awaitable<Status> confirm_removed_streams(std::vector<StreamId> streams) = 0;

  // Ends the store's thread after the moves under way and closes the database. Last call; blocks; the
  // callers' executors must still be there. The destructor does it, too.
  virtual void close() = 0;
};

// Without `executor` the store runs its own thread; the simulation passes a single-threaded executor, which
// must outlive the store (then moves run there, one after the other; it may drop what waits on it, as a crash
// does). A database in memory ends with the store, and has the installation id "in-memory". Errors, each one
// sentence for people: already_exists (another server uses the directory), conflict (another process has the
// database open), io (the directory cannot be used), resource_exhausted, unsupported (the database is of a
// newer Footman), invalid_argument (of another program), corrupt.
Result<std::unique_ptr<Store>> open_store(StoreConfig config, base::Logger log,
                                          std::optional<runtime::Executor> executor = std::nullopt);

}  // namespace footman::store
