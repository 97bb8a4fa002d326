// The controller's projection of the store and the pieces that work on it. Inside the module; control
// executor.
//
// Every step of a build (offer, start, return, cancel, finish) is made while its Turn is held, so that two
// things that happen at once (Accepted and a cancel, say) are decided one after the other, each with fresh
// eyes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "controller/controller.hpp"
#include "controller/ended_agents.hpp"
#include "controller/ready_agents.hpp"
#include "controller/report_rules.hpp"
#include "controller/session_port.hpp"
#include "model/label.hpp"
#include "protocol/messages.hpp"
#include "runtime/even_time.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"
#include "store/until_stored.hpp"

namespace footman::controller {

// A build that is not finished.
struct BuildEntry {
  model::Build build;
  model::QueueItem item;
  std::optional<model::Assignment> assignment;  // offered, accepted or started
  model::LabelExpr label;                       // parsed item.label
  AgentId reserved;                             // chosen for it; the offer is not committed yet
  AgentId lost_agent;  // of the build it runs in place of, which may run there still: it waits until then
  ports::SharedReason fleet_reason;  // null: it has said nothing yet
  Instant submitted;                 // even, as the next ones
  Instant buildable_since;
  Instant quiet_until;         // not set: it has no quiet period, or that is over
  Instant begun;               // work on it; not set: it has not
  Duration overdue{};          // steady: look at it again then; zero: nothing to wait for
  WorkProgress progress;       // of the assignment
  std::uint32_t breaches = 0;  // sessions of the assignment that ended with one
  bool over = false;           // finished meanwhile: only for those who waited for the turn
  bool held = false;
  runtime::Event freed;

  bool started() const { return assignment && assignment->state == model::AssignmentState::started; }
};
using BuildPtr = std::shared_ptr<BuildEntry>;

// Items in state queued, in the order of submission: all of them, those with the same label, those of a job.
class Queue {
 public:
  using Items = std::map<QueueItemId, BuildPtr>;
  struct OfLabel {
    model::LabelExpr label;
    Items items;  // never empty
  };

  void insert(const BuildPtr& entry);
  void erase(const BuildEntry& entry);  // one that is not there is none
  const Items& all() const { return all_; }
  const std::map<std::string, OfLabel>& by_label() const { return by_label_; }
  const Items& of_job(const JobPath& job) const;

 private:
  Items all_;
  std::map<std::string, OfLabel> by_label_;
  std::map<JobPath, Items> by_job_;  // without those of no job
};

// Holds the right to change one build.
class Turn {
 public:
  Turn() = default;
  explicit Turn(BuildPtr entry) : entry_(std::move(entry)) { entry_->held = true; }
  Turn(Turn&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (!entry_) return;
    entry_->held = false;
    entry_->freed.notify();
  }
  explicit operator bool() const { return entry_ != nullptr; }
  BuildEntry* operator->() const { return entry_.get(); }
  BuildEntry& operator*() const { return *entry_; }

 private:
  BuildPtr entry_;
};

struct NodeEntry {
  model::Node node;
  AgentId id() const { return node.agent; }
  std::string for_item;     // preferred first work
  std::string promised_to;  // the item that was told last to wait for it; empty: none
  Instant secret_deadline;  // even; a fresh one after a server start
  Instant connected_at;
  Instant idle_since;

  // Session. connection 0: none.
  ConnectionId connection = 0;
  std::uint32_t hello_connection = 0;
  std::shared_ptr<Pulse> pulse;
  bool resumed = false;  // Resume is handled: may take work
  bool came = false;     // that was so once: it is not waited for as one that is still on its way
  // Of a database in doubt, and not heard of since the start: it may be at work for the server that the
  // database was copied from.
  bool may_be_elsewhere = false;
  // Steady, valid without a connection. Until it has resumed once: when it was let in, or the server
  // started; one that says Hello again and again and never resumes is of no use.
  Duration last_heard{};
  // Over its connection, too; but it may also have knocked since on another one.
  Duration heard() const;
  std::vector<protocol::Message> inbox;
  bool pumping = false;
  std::unique_ptr<HostInfo> host;

  std::optional<BuildId> work;  // reserved, offered, accepted or started
  BuildId last_build;           // that it was offered last; for log lines
  Duration not_before{};        // steady: takes no work before, after it rejected some

  bool losing = false;  // the lease is over, the loss is being made durable
  bool lost = false;
  bool left = false;  // said good-bye for good
  bool removing = false;
  bool noticed = false;  // it said that its machine goes away
  bool counting_refusal = false;
  std::uint32_t declined = 0;  // offers in a row that it did not take
  std::uint32_t breaches = 0;  // sessions without work that ended with one, since it had some
  model::EndReason end_reason = model::EndReason::none;
  std::string detail;
  ports::AgentActivity told = ports::AgentActivity::unknown;  // the last one published

  bool redeemed() const { return !node.key_hash.empty(); }
  bool spent() const { return model::is_spent(node.max_builds, node.builds_done); }
  std::string_view spent_text() const {
    return node.max_builds == 1 ? "single use: its build is over" : "its builds are done";
  }
};

// Items that have become buildable, or are so no more, or may have; for one reader.
struct ChangedItems {
  std::unordered_set<QueueItemId> some;
  bool all = false;
};

// Nodes of which something else is observed now; for one reader.
class ChangedNodes {
 public:
  void add(const AgentId& id) { ids_.insert(id); }
  ports::AgentNews take(std::uint64_t version) {
    ports::AgentNews news{version_ + 1, version == 0 || version != version_, {}};
    ++version_;
    if (!news.complete) news.changed.assign(ids_.begin(), ids_.end());
    ids_.clear();
    return news;
  }

 private:
  std::set<AgentId> ids_;
  std::uint64_t version_ = 0;
};

class Core {
 public:
  Core(ControllerParts parts, ControllerConfig config, SessionPort& sessions);

  ControllerParts parts;
  ControllerConfig config;
  runtime::EvenTime even;
  runtime::Scope scope;
  runtime::Scope proofs;  // where they are checked, by somebody who may take long: ended first
  std::unique_ptr<AgentHub> hub;
  bool stopping = false;

  // --- projection
  std::map<JobPath, model::Job> jobs;
  std::set<JobPath> leaving;  // jobs that are being deleted: they take no new builds
  std::map<BuildId, BuildPtr> builds;
  Queue queue;
  std::map<JobPath, std::map<BuildId, BuildPtr>> under_way;  // of jobs: with an agent, or one chosen for it
  std::unordered_map<AgentId, BuildId> held_back;            // by BuildEntry::lost_agent
  std::unordered_map<AssignmentId, BuildId> assignments;
  std::unordered_map<AgentId, std::unique_ptr<NodeEntry>> nodes;
  std::unordered_map<ConnectionId, AgentId> sessions;
  EndedAgents ended_agents;
  ReadyAgents ready;
  ChangedNodes changed_nodes;  // for the fleet, as the next one
  ChangedItems changed_items;
  // When the queue has to look again: ends of quiet periods (even), and of the pauses of agents that refused
  // work (steady).
  std::multiset<Instant> quiet_ends;
  std::multiset<Duration> pause_ends;

  BuildPtr find_build(BuildId id) const;
  BuildPtr find_assignment(AssignmentId id) const;
  NodeEntry* find_node(const AgentId& id) const;
  NodeEntry* find_session(ConnectionId connection) const;
  BuildPtr insert_build(model::Build build, model::QueueItem item, AgentId lost_agent);
  void note_changed(const BuildEntry& entry);  // it may have become buildable, or be so no more
  void set_quiet_period(BuildEntry& entry);
  void erase_build(const BuildPtr& entry);
  void note_number(const model::Build& build);  // its job's next number is above it
  void agent_ended(const AgentId& id);          // what was held back for it is so no more
  std::size_t count_doubtful() const;           // items in doubt that wait
  void reserve(const BuildPtr& entry, NodeEntry& node);
  void set_assignment(const BuildPtr& entry, model::Assignment assignment);
  void clear_assignment(const BuildPtr& entry);  // and the agent's hands, and the reservation
  // Waits until nobody changes the build. Empty: it is over.
  Awaitable<Turn> take_turn(BuildId id);

  // --- nodes
  ports::AgentObservation observe(const NodeEntry& node) const;
  bool is_silent(const NodeEntry& node) const;  // two heartbeats are missing
  void refresh(NodeEntry& node);                // after any change: ready set, idle time, who wants to know
  void send(const NodeEntry& node, protocol::Message message);
  void send_start(const NodeEntry& node, const model::Assignment& assignment);
  void end_session(NodeEntry& node, protocol::GoodbyeCode code, std::string reason, bool reconnect);

  std::uint64_t log_limit(const model::BuildSpec& spec) const {
    return spec.log_limit_bytes > 0 ? spec.log_limit_bytes : config.max_log_bytes;
  }

  Duration time_limit(const model::BuildSpec& spec) const {
    return spec.timeout.count() > 0 ? spec.timeout : config.max_timeout;
  }

  // --- telling
  std::function<void()> on_change;  // of the fleet
  runtime::Event look;              // of the queue loop
  void changed();                   // both of them
  void publish(std::string kind, std::string id, std::string state, std::string parent = {});
  void note(std::string subject, std::string kind, std::string text);  // timeline, in the background
  void note_build(BuildId id, std::string kind, std::string text) { note("build:" + id.str(), kind, text); }
  void note_agent(const AgentId& id, std::string kind, std::string text) {
    note("agent:" + id.str(), kind, text);
  }

  // --- running things
  // Runs the work in the controller's own scope: it goes on when the caller is cancelled. Result<T> or
  // Status.
  template <class R>
  Awaitable<R> owned(std::string name, Awaitable<R> work) {
    return owned_in(scope, std::move(name), std::move(work));
  }
  template <class R>
  Awaitable<R> owned_in(runtime::Scope& in, std::string name, Awaitable<R> work);
  // Calls until the answer is no trouble that may pass; while it is "no space left" (or a disk error) the
  // flag storage_full is up.
  template <class Call>
  auto until_stored(Call call) -> decltype(call());

  std::atomic<bool> logs_full{false};
  bool storage_full() const { return *store_retries_ > 0 || logs_full.load(std::memory_order_relaxed); }

  Duration steady() const { return parts.clock.steady(); }
  Instant now() const { return parts.clock.now(); }  // to be stored and shown
  Instant time() const { return even.now(); }        // decides, as steady() does

 private:
  std::shared_ptr<int> store_retries_ = std::make_shared<int>(0);  // outlives what is dropped late
  template <class R>
  struct Outcome {
    std::optional<R> result;
    bool gone = false;
    runtime::Event done;
  };
  // Tells the waiting caller when the work is over, also when it was cancelled or dropped before it started.
  template <class R>
  struct Told {
    explicit Told(std::shared_ptr<Outcome<R>> outcome) : to(std::move(outcome)) {}
    Told(Told&&) noexcept = default;
    ~Told() {
      if (!to) return;
      to->gone = true;
      to->done.notify();
    }
    std::shared_ptr<Outcome<R>> to;
  };
  template <class R>
  static Awaitable<void> run_owned(Told<R> told, Awaitable<R> work);
  void note_under_way(const BuildPtr& entry);
  void note_storage(const base::Error& error);
};

// --- templates

template <class R>
Awaitable<void> Core::run_owned(Told<R> told, Awaitable<R> work) {
  told.to->result = co_await std::move(work);
}

template <class R>
Awaitable<R> Core::owned_in(runtime::Scope& in, std::string name, Awaitable<R> work) {
  if (stopping) co_return base::fail(base::Errc::unavailable, "the server is stopping");
  auto outcome = std::make_shared<Outcome<R>>();
  in.spawn(std::move(name), run_owned<R>(Told<R>(outcome), std::move(work)));
  while (!outcome->result && !outcome->gone) co_await outcome->done.wait();
  if (!outcome->result) co_return base::fail(base::Errc::unavailable, "the server is stopping");
  co_return std::move(*outcome->result);
}

template <class Call>
auto Core::until_stored(Call call) -> decltype(call()) {
  struct Flag {
    std::shared_ptr<int> count;
    explicit Flag(std::shared_ptr<int> c) : count(std::move(c)) { ++*count; }
    ~Flag() { --*count; }
  };
  std::optional<Flag> flag;
  auto result =
      co_await store::until_stored(parts.clock, std::move(call), [&](const base::Error& error, Duration) {
        if (!flag && store::is_storage_trouble(error.code)) flag.emplace(store_retries_);
        note_storage(error);
      });
  if (flag) {
    flag.reset();
    changed();
  }
  co_return result;
}

}  // namespace footman::controller
