// What the parts of the fleet share: the projection of the store's agents, templates, clouds, and how changes
// are stored and told. Inside the module; control executor.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fleet/fleet.hpp"
#include "fleet/frozen_request.hpp"
#include "fleet/limits.hpp"
#include "fleet/turnstile.hpp"
#include "policy/billing.hpp"
#include "policy/breaker.hpp"
#include "policy/launch_times.hpp"
#include "policy/provisioning_plan.hpp"
#include "policy/rotation.hpp"
#include "policy/spending.hpp"
#include "runtime/even_time.hpp"
#include "runtime/scope.hpp"
#include "runtime/wait.hpp"

namespace footman::fleet {

// Why an agent is to end or to drain; decided, perhaps not durable yet.
struct Ending {
  model::EndReason reason = model::EndReason::none;
  std::string text;
  bool only_if_free = false;      // it may have got work since this was decided
  std::uint32_t builds_done = 0;  // by the agent as this was decided; wish_end() fills it in
};

// The cloud says that the resource has ended.
struct Gone {
  base::Instant ended;  // as of ports::Resource, like the next three
  model::DeathCertificate death;
  std::optional<model::FailureClass> failure;
  bool reclaimed = false;
  Duration at{0};          // steady, learned
  bool has_words = false;  // the certificate has the agent's last ones
};

// What a plan knows of an agent and what changes of it during the agent's life.
struct PlannedAs {
  model::AgentState state = model::AgentState::planned;
  model::AgentActivity activity = model::AgentActivity::unknown;
  std::uint32_t builds_done = 0;
  bool working = false;
  bool awaited = false;
  bool is_leaving = false;
  bool is_barred = false;
  bool is_unheard = false;
  bool asked = false;
  bool was_connected = false;  // its row says so
  Instant connected;
  Instant idle_since;
  Instant paid_until;
  Duration least_billed{0};
  Instant launch_deadline;
  model::EndReason end_reason = model::EndReason::none;
  std::string for_item;
  bool operator==(const PlannedAs&) const = default;
};

// The last launch call's outcome is unknown: it is asked again, with the same request.
struct LaunchTrouble {
  std::uint32_t calls = 0;  // in a row
  std::string text;         // of the last one
  Instant next_try;         // even
};

// One agent that may hold a resource. Its row is changed by its own sequence only (Steward), everybody else
// writes wishes and facts and wakes that. Owned by the core and erased by its sequence only, so that the
// sequence may hold a pointer to it; everybody else looks it up again by id after each wait.
struct AgentEntry {
  // As stored; builds_done and launch_deadline are fresher. The frozen request stands in the store alone: it
  // is the largest part of a row, and of no use once it is taken apart.
  model::Agent row;
  FrozenRequest request;         // once it is launched, what is still asked for (forget_launch())
  ports::AgentObservation seen;  // the controller's last word
  std::string last_build;        // as the controller calls it, for log lines; empty: none, or not known
  std::optional<Ending> ending;
  std::optional<Ending> drain;
  std::optional<Gone> gone;
  std::vector<ports::ResourceStep> untold_steps;  // by the cloud's account, for its history
  std::size_t known_steps = 0;
  std::string learned_handle;  // from the cloud's list; the answer to the launch was lost
  // The item that waits for it now, where that is not the one it was launched for. Fresher than the row,
  // which has it for the next run of the server.
  std::string promised_to;

  // In even time (Core::time), as everything that decides.
  policy::AgentLife life;
  Instant launch_deadline;
  Instant idle_since;
  Instant heard;  // its last news that only it can have told; not set: none in this run
  // When it should be connected, by what was known as it was planned; not set: nothing was. It stays, so that
  // those who wait are not told anew with each launch that ends.
  Instant expected_at;

  bool known = false;           // the controller knew it during this run of the server
  std::uint32_t era = 0;        // of its template's breaker when it was planned
  bool connected_told = false;  // to the breaker, as the next one
  bool proved = false;          // work has begun on it: its template is sound
  bool stored = false;          // the intent is durable
  bool node_stored = false;     // and with it what its controller keeps of it
  bool worked_on = false;       // its sequence runs
  bool introduced = false;      // the controller knows it, as far as this run of the server can tell
  bool drain_told = false;
  bool drain_unsure = false;  // the controller was told, and what it answered was lost
  bool removed = false;       // the controller has forgotten it
  bool nothing_left = false;  // no resource exists or ever will: never asked for, refused, or gone for sure
  bool told_why = false;      // its history begins with the decision
  bool asked = false;         // the cloud was asked to launch it, perhaps by an earlier run
  bool has_cloud = true;      // false: it is not configured any more, so its resource cannot be ended
  // Of a database in doubt, and not heard of since the start: it may work for the server that the database
  // was copied from, or have connected after the backup. Not ended before it has come, the doubt is settled
  // or a person says so; its own orphan time-out is the net. That it does not come is nobody's fault.
  bool unheard = false;
  bool released = false;  // a person has said that it is to end all the same
  // Its launch is looked for and not repeated: nobody knows how long ago an earlier run has planned it, as
  // the clock was set back since, or its cloud launches elsewhere now (CloudProvider::recall()).
  bool unrepeatable = false;
  bool calling = false;    // a launch call is under way, or its answer is being written down
  Duration last_call{0};   // steady; end of the last launch call, start of the server for earlier runs
  Duration next_pause{0};  // of the failing step; 0: no failure yet
  std::optional<LaunchTrouble> launch_trouble;
  ports::AgentBootstrap bootstrap;      // only between introduction and launch
  runtime::Event wake;                  // of its sequence
  std::optional<PlannedAs> planned_as;  // as the ledger was told; not set: it was not
  std::uint64_t order = 0;              // of all agents of this run

  std::optional<std::uint32_t> served;   // builds that its pool has counted; not set: not looked at yet
  std::optional<Duration> idle_from;     // steady; its idle time is counted up to then
  std::optional<Duration> orphan_until;  // steady; its controller is not configured: see judge_orphan()

  const AgentId& id() const { return row.id; }
  // Nobody else is launched for it while the agent may get it; empty: none.
  const std::string& item() const { return promised_to.empty() ? row.for_item : promised_to; }
  bool is_connected_now() const {
    return seen.activity == ports::AgentActivity::idle || seen.activity == ports::AgentActivity::busy;
  }
  // That it does not come is a reason to end others: this one may be at work for another server, or in a
  // build that the database does not know.
  bool is_left_alone() const { return unheard && !released && !gone && !nothing_left; }
  bool is_ending() const {
    return row.state == model::AgentState::terminating || row.state == model::AgentState::failed ||
           row.state == model::AgentState::lost || row.state == model::AgentState::terminated;
  }
};

using IdleTimes = std::map<model::Money, Duration>;  // without work, by what an agent costs an hour

// What a template's agents did, since the server was started. Hits and misses are counted with a pool only.
struct PoolRecord {
  std::uint64_t hits = 0;    // builds that no agent was launched for
  std::uint64_t misses = 0;  // builds that had to wait for a launch
  IdleTimes idle;            // of its agents, connected and without work
};

struct TemplateEntry {
  Template config;
  std::uint64_t generation = 0;
  std::vector<ports::Variant> variants;  // frozen, best first
  policy::Rotation rotation;             // over the variants
  std::size_t offered = 0;               // the variant that the last plan was made with, and launches
  policy::Breaker breaker;
  policy::LaunchTimes launch_times;
  PoolRecord pool;
  std::optional<model::PoolNow> pool_now;  // what its rules say at this time
  std::optional<PoolAnswer> answer;        // to the goal of its pool, if it has one

  // Of one agent.
  model::AgentSize size_of(const ports::Variant& variant) const { return variant.size.value_or(config.size); }
  model::Price price_of(const ports::Variant& variant) const { return variant.price.value_or(config.price); }
};

// A resource of ours that lives in a cloud and that no agent counts for.
struct StrayEntry {
  std::optional<policy::Strays> recorded{};  // as the row says that was its own; not set: no record of it
  TemplateName template_name{};              // without a record, what its mark says; what that is now counts
  bool operator==(const StrayEntry&) const = default;
};

struct CloudEntry {
  ports::CloudProvider* provider = nullptr;
  Pause pause;
  Instant hold_until;  // no launch before it
  std::string hold_text;
  void hold(Instant until, const std::string& text);  // no effect if it is held for longer already
  std::string describe_unknown() const;
  bool healthy = true;
  std::string trouble;
  Instant trouble_since;
  Instant last_listed;
  // Since the start one of its lists was looked through: before, nobody knows what it has, and nothing is
  // launched there.
  bool is_known = false;
  Duration next_list{0};  // steady: until then it is known, or why not
  // As far as is known. They count in caps until they are gone. By token and handle.
  std::map<std::string, StrayEntry> strays;
  runtime::Event look;  // of its watch
  // A cloud that does not answer holds up nobody else.
  Turnstile launches{kLaunchesAtOnce};
  Turnstile terminations{kTerminationsAtOnce};
};

struct EndedAgent {
  model::Agent row;
  Duration at{0};          // steady
  bool has_words = false;  // as of Gone
};

// The fleet's numbers for /metrics.
class FleetMetrics {
 public:
  explicit FleetMetrics(base::Metrics& metrics);
  void count_state(model::AgentState state, int by);
  base::Counter& launches(const CloudName& cloud, const std::string& outcome);
  base::Counter& findings(Verdict verdict);
  base::Counter& launch_failures(model::FailureClass failure);
  void set_holds(const std::map<std::string_view, std::int64_t>& holds);
  void set_breakers(const std::map<TemplateName, TemplateEntry>& templates);
  base::Counter& plans;
  base::Gauge& held;  // ends that wait for a person
  base::Counter& calls_unanswered;
  base::Histogram& launch_seconds;       // decision to connection
  base::Histogram& launch_call_seconds;  // the cloud's answer

 private:
  base::Metrics& metrics_;
  std::array<base::Gauge*, 9> agents_{};
  std::array<base::Gauge*, 4> breakers_{};  // by state
  std::map<std::string, base::Gauge*, std::less<>> holds_;
};

// Of an agent whose cloud is not configured any more: what that means, and what to do.
std::string describe_unknown_cloud(const model::Agent& row);

// What a cloud says may be long.
std::string shorten(std::string message);

// Why the breaker of a template has opened, until it is known what the agent said.
inline constexpr std::string_view kNotConnected = "an agent did not connect before its launch deadline";

class Core {
 public:
  Core(FleetParts p, FleetConfig c);

  FleetParts parts;
  FleetConfig config;
  runtime::EvenTime even;
  runtime::Scope scope;
  FleetMetrics metrics;
  InstallationId installation;
  bool stopping = false;
  Duration started{0};                   // steady
  std::shared_ptr<runtime::Event> look;  // of the provisioner; shared with the ports' callbacks
  ReconcileView reconcile;               // the last round and what was found since
  policy::SpendingBook spending;         // by agents that are gone
  runtime::Event agents_changed;         // for those who wait for an agent's state
  void note_storage_trouble(const Error& error, Duration pause);
  Duration storage_retry{0};    // steady; no launches before it: a row could not be stored
  std::string storage_trouble;  // what it said
  std::map<TemplateName, TemplateEntry> templates;  // of the configuration
  std::map<CloudName, std::shared_ptr<CloudEntry>>
      clouds;  // fixed; the providers' callbacks know them weakly

  // --- agents
  const std::map<std::uint64_t, std::unique_ptr<AgentEntry>>& agents() const { return by_order_; }
  AgentEntry* find_agent(const AgentId& id) const;
  // Something about it has changed, or has to be looked at again: the next plan looks at it. Of the others it
  // knows that they are as they were.
  void touch(const AgentEntry& entry) { touched_.insert(entry.order); }
  void touch_all();
  // Those that were touched, and those whose sequence runs, which may change them at any time; by their
  // order. take: they are not touched any more.
  using Orders = std::set<std::uint64_t>;
  Orders touched() const;
  Orders take_touched();
  std::vector<AgentEntry*> find_agents(const Orders& orders) const;  // that are still there
  void set_worked_on(AgentEntry& entry, bool worked_on);
  AgentEntry* insert_agent(std::unique_ptr<AgentEntry> entry);
  void erase_agent(const AgentId& id);                                       // ended, or never stored
  std::vector<AgentId> take_erased() { return std::exchange(erased_, {}); }  // since it was asked last
  const std::deque<EndedAgent>& ended() const { return ended_; }
  const EndedAgent* find_ended(const AgentId& id) const;
  // Steady; at the latest, if it is not kept any more. row: of an agent that has ended, perhaps long ago.
  Duration ended_at(const model::Agent& row) const;
  // What the controller says of it now.
  void see(AgentEntry& entry, ports::AgentObservation seen);

  // The config's; of the number of agents the provider's, where that is less.
  model::AgentLimits limits_of(const CloudName& cloud) const;
  CloudEntry* find_cloud(const CloudName& name) const;
  // For whose items the template is; empty: of all.
  std::vector<ControllerName> controllers_of(const TemplateName& name) const;
  ports::ControllerPort* find_controller(const ControllerName& name) const;
  TemplateEntry* find_template(const model::Agent& row);  // of the same generation

  void settle_idle(AgentEntry& entry);  // its idle time is its template's from now on, or nobody's
  void set_state(AgentEntry& entry,
                 model::AgentState state);  // of an entry whose row has it; tells everybody
  // Stores the change and brings entry and listeners up to date. Keeps trying while the store has no space.
  // False: the row was not in the state we thought; it has been read again.
  Awaitable<bool> change(AgentEntry* entry, store::AgentChange change);
  // The first wish counts. True: the agent was of no use to anybody, which holds up its template.
  bool wish_end(AgentEntry* entry, Ending ending);
  void note_steps(AgentEntry* entry, const ports::Resource& resource);
  void note_gone(AgentEntry* entry, const ports::Resource& resource);
  // What an agent said last may be found long after its end: of one that is gone it goes into its row, and
  // whoever waits for its template is told, too.
  void note_last_words(const ports::Resource& resource);

  void note_answer(CloudEntry& cloud);
  void note_trouble(CloudEntry& cloud, std::string text);
  // --- what the breaker of an agent's template learns
  void note_progress(const AgentEntry& entry, policy::Stage stage);
  void note_planned(TemplateEntry& t, AgentEntry& entry);  // it is the probe, if one is asked for
  void try_templates_again(const CloudName& cloud);        // a person says so: one agent of each that is held
  void look_after_probes();  // those that are gone without a word, or stand there without work
  // A launch has failed for good. retry_at: the cloud's wish, on the wall clock.
  // Decided by an earlier run of the server: how long this one was away is in none of its times.
  bool is_of_earlier_run(const AgentEntry& entry) const;
  void note_launch_failure(const AgentEntry& entry, model::FailureClass failure, Instant retry_at,
                           const std::string& text);

  void note_finding(Finding finding);
  void publish(std::string kind, std::string id, std::string state);
  Logger log_of(const AgentEntry& entry) const;
  // What decides goes by time() or steady(); now() is for what is stored and shown.
  Instant now() const { return parts.clock.now(); }
  Instant time() const { return even.now(); }
  Duration steady() const { return parts.clock.steady(); }
  // Before a plan: when somebody has set the clock on the wall, all that is kept in even time moves with it,
  // so that people are shown true times. By how much; 0: nobody has.
  Duration follow_wall_clock();

 private:
  bool blame_template(const AgentEntry& entry);
  void note_reclaim(const AgentEntry& entry, const std::string& text);
  bool rest_variant(TemplateEntry& t, const AgentEntry& entry, const policy::Failure& failure);
  void set_breaker(TemplateEntry& t, policy::Breaker breaker);
  static Awaitable<void> store_breaker(Core* self, TemplateName name, std::string encoded);
  static Awaitable<void> store_words(Core* self, store::AgentChange change);
  // Its certificate has words now; `before`: what stood there.
  void tell_words(const model::Agent& row, const model::DeathCertificate& death, const std::string& before);
  Awaitable<void> reload(AgentEntry* entry);
  void adopt_vanished(AgentEntry& entry);
  void adopt(AgentEntry& entry, model::Agent row);

  std::map<std::uint64_t, std::unique_ptr<AgentEntry>> by_order_;
  std::unordered_map<AgentId, std::uint64_t> order_of_;
  std::vector<ControllerName> controller_names_;  // as the parts have them
  Orders touched_;
  Orders worked_on_;
  std::uint64_t next_order_ = 0;
  std::deque<EndedAgent> ended_;
  std::vector<AgentId> erased_;
};

}  // namespace footman::fleet
