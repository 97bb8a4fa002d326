// What must hold after every step, whatever breaks. Each name stands in the report of a failing seed, and
// each has planted bugs that break it (canaries.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.hpp"
#include "sim/accounts.hpp"
#include "sim/cloud.hpp"
#include "sim/disk.hpp"
#include "sim/other.hpp"
#include "sim/server.hpp"
#include "sim/witness.hpp"
#include "store/store.hpp"

namespace footman::sim {

inline bool is_open(const model::Assignment& one) {
  using enum model::AssignmentState;
  return one.state == offered || one.state == accepted || one.state == started;
}

inline constexpr Duration kEndingMargin = 3s;  // until an ending is stored

struct Invariant {
  std::string_view name;
  std::string_view says;
};

inline constexpr std::array<Invariant, 33> kInvariants = {{
    {"every_machine_has_a_row",
     "a machine in a cloud has an agent row, written before it was asked for, and "
     "does not outlive that row for longer than the reconciler may need"},
    {"one_machine_per_agent", "an agent never has two machines"},
    {"never_above_a_cap",
     "agents of a template, a label, a controller, a cloud and of all clouds stay within their caps, limits "
     "and budgets, each counted as the machine that was launched for it"},
    {"money_ends",
     "once what is left of the money of a day does not pay for a quarter of an hour of an agent, that agent "
     "begins no other build: more than the budget is spent by builds that were there already"},
    {"one_open_assignment", "an item, an agent and a build have at most one open assignment"},
    {"one_agent_per_item", "at most one agent is on its way for a waiting item"},
    {"launches_are_needed",
     "nothing is launched for an item while more agents that fit it have nothing to do, or are on their way "
     "to nothing, than other items wait"},
    {"launches_are_accounted",
     "every launch was decided for an item that waited, or for a pool; what was launched for the item "
     "before had another one, or something has really happened to it; and every machine comes of such a "
     "launch"},
    {"pools_are_filled_once",
     "nothing is launched for a pool while as many agents without work are there or on their way as it "
     "wants"},
    {"paused_is_paused", "nothing is launched in a cloud that people have paused"},
    {"breakers_hold",
     "nothing of a template is launched while its breaker is open, and one agent at most while it is "
     "half-open"},
    {"wishes_are_heeded",
     "once a cloud has said until when it wants no launch, none is decided there before that time, of any "
     "template, and what it has put off is not asked for again"},
    {"launches_are_paced",
     "however launches fail, only so many of a template are made in a minute, and one is asked for only so "
     "often"},
    {"other_controllers_are_served",
     "a second controller is told of its own items and agents alone, and loses no agent at work, also while "
     "it cannot be reached"},
    {"jenkins_is_used_well",
     "no build of a Jenkins is lost by Footman's doing, none comes to a node that should have no more while "
     "nothing is broken, or that is told; nodes of others stay as they are, and nothing is sent that no "
     "correct client sends"},
    {"held_is_not_ended", "what a start-up comparison holds back is not ended before a person has said so"},
    {"time_is_given",
     "no agent is ended for its launch deadline, its idle time or its age before that time has passed"},
    {"log_is_gapless",
     "a log holds exactly the lines that the script printed, in order, none lost, none twice"},
    {"acknowledged_is_stored", "what an agent is told to be durable is durable: log bytes, starts, results"},
    {"finished_is_final", "a finished build never changes"},
    {"no_script_runs_twice", "no step of a build is started a second time, on any agent"},
    {"one_run_at_a_time",
     "a build that is run again begins only after all that was started for it before has ended"},
    {"run_again_when_lost",
     "a build is run again only when it was lost with its agent and allows it, or nothing of it had begun; "
     "and always when the cloud took its machine or the host failed, it allows it, and nobody wanted its "
     "end"},
    {"no_secret_is_shown", "no secret value stands in a log, a row, an answer or a launch"},
    {"reasons_are_true",
     "every waiting item has a reason, every template that fits it says why it is not launched, and all of "
     "that "
     "is true"},
    {"nobody_starves",
     "the oldest item that only limits keep waiting is not overtaken by younger ones for longer than ten "
     "minutes and a margin"},
    {"idle_is_bounded",
     "an agent without work that no pool wants ends within its idle time-out and a margin"},
    {"launch_is_frozen", "a token is never sent with other parameters"},
    {"one_build_per_key", "a submission that is repeated makes one build"},
    {"silence_is_loss",
     "an agent of which a living server cannot hear for longer than its lease has no work any more"},
    {"results_are_true", "a build's result is what its steps did"},
    {"everything_drains",
     "once nothing breaks any more, all builds end and all machines are given back that no pool wants; each "
     "agent that is left has its own machine, and there is no other"},
    {"same_seed_same_trace", "a seed that runs twice (5 % do) does the same twice"},
}};

struct CheckerParts {
  SimLoop& loop;
  Witness& witness;
  SimDisk& disk;
  ServerNode& server;
  std::vector<SimCloud*> clouds;
  const OtherController* remote;  // null: there is none
  // The rows as they are, past everything that is planted between them and the server.
  std::function<store::OpenState()> load_rows;
  std::function<std::optional<model::Build>(base::BuildId)> load_build;
  // Since when the server cannot hear of this agent.
  std::function<std::optional<Duration>(const base::AgentId&)> cut_off_since;
  std::function<bool()> storage_fails;
  std::function<bool()> in_doubt;  // the database says that it may be an old one
  Duration lease{0};
};

class Checker {
 public:
  explicit Checker(CheckerParts parts);

  // --- what happens, told where it happens
  void on_commit(std::string_view move);
  void on_ask(const ports::LaunchSpec& spec);
  void on_launch(const ports::LaunchSpec& spec);
  void on_wish(const base::CloudName& cloud, const std::string& token, Duration left);
  void on_terminate(const SimCloud::Machine& machine);
  void on_taken(const SimCloud::Machine& machine);  // while its agent is at work, or ready for it
  void on_clock_set(Duration by);                   // of the server
  void on_durable(base::StreamId stream, std::uint64_t offset, std::string_view bytes);
  void on_wire(std::uint64_t connection, const std::string& from, const std::string& to,
               std::string_view bytes);
  // Something is being broken at this moment: what takes time may take longer.
  void on_trouble() { calm_since_ = parts_.loop.now(); }
  Duration calm_since() const { return std::max(calm_since_, storage_failed_); }

  // After each step.
  void check();
  // Everything has drained: the whole world, once more.
  void check_end(const std::vector<model::Build>& all_builds);
  // Some build runs.
  bool is_at_work() const {
    return std::ranges::any_of(rows_.assignments, [](const model::Assignment& one) {
      return one.state == model::AssignmentState::started;
    });
  }
  // True when nothing waits and nothing runs.
  bool drained() const;
  // What keeps the world from being drained, for people.
  std::string what_is_left() const;

 private:
  struct LogReader {  // of one stream
    std::string partial;
    std::string key;
    std::uint32_t step = 0;
    std::uint32_t number = 0;
    std::string torn;  // the end of a line was lost with its agent: nothing may follow
  };
  struct Wrong {
    std::string text;
    Duration since{0};
  };
  struct PoolLaunch {  // that seems to be one too many
    base::TemplateName template_name;
    std::set<base::AgentId> without_work;  // with the new ones
    std::size_t allowed = 0;
    Duration at{0};
  };
  struct ItemLaunch {  // that seems to be of no use
    std::string item;
    base::AgentId agent;
    std::set<base::AgentId> spare;  // that fit the item, too
    std::size_t others = 0;         // items that may want one of these
    Duration at{0};
  };
  struct Form {  // what an agent is counted as, by what its machine is
    model::AgentSize size;
    model::Price price;
    bool is_default = false;
  };
  struct Taken {  // by some agents together
    std::uint64_t agents = 0;
    model::AgentSize size;
    model::Money per_hour;
    model::Money dear_per_hour;  // of those that a budget asks about
    model::Money dear_ahead;     // for the next quarter of an hour
    model::Money ahead;
  };
  struct Group {        // of agents that have limits together
    std::string scope;  // "cloud", "template", "label" or "controller"; empty: all
    std::string of;
    model::AgentLimits limits;
    bool counts(const model::Agent& row) const;
  };
  struct Spell {       // of an agent's life
    model::Agent row;  // as it was first seen
    Duration from{0};
    std::optional<Duration> until;
    model::Price price;
    std::optional<Duration> paid_from;  // its row says that the cloud has launched it
  };
  struct Paid {  // at least, by what machines have lived
    model::Money today;
    model::Money ahead;     // for those that are there and that a budget asks about
    model::Money per_hour;  // of these, and of others that are still paid for
  };
  using FrameDecoders =
      std::map<std::pair<std::uint64_t, std::string>, std::unique_ptr<protocol::FrameDecoder>>;

  struct Wish {  // of a cloud, as a life of the server was told it
    std::string token;
    Instant told;  // by the server's clock on the wall
    Instant until;
    Duration over{0};
  };

  using Pace = std::deque<Duration>;  // when something happened in the last minute

  void refresh();
  void note_new_agents();
  void look_at_silence();
  void look_at_breaker(const model::Agent& row);
  void look_at_wishes(const model::Agent& row);
  void look_at_repeated(const ports::LaunchSpec& spec);
  void keep_pace(Pace& pace, std::size_t most, const std::string& what);
  void look_at_ends();
  void look_at_hold();
  void count_open_breakers();
  bool has_come(const base::AgentId& id) const;  // in this life of the server
  bool is_held(const SimCloud::Machine& machine) const;
  Duration idle_bound(const model::Agent& row) const;
  std::string untruth_of_quiet_period(const controller::QueueEntry& entry) const;
  void look_at_promises(const std::vector<controller::QueueEntry>& queue);
  std::string untruth_of_promise(const controller::QueueEntry& entry);
  std::string untruth_of_agent(const controller::QueueEntry& entry) const;
  std::string untruth_of_breaker(const fleet::Consideration& tried, const fleet::Template& of) const;
  std::string untruth_of_cloud_hold(const fleet::Consideration& tried, const fleet::Template& of) const;
  const SimCloud* find_cloud(const base::CloudName& name) const;
  std::string untruth_of_time(base::Instant look_again, Duration most) const;
  void look_at_rows();
  void look_at_assignments();
  void note_items();
  // --- limits (invariants_limits.cpp)
  const Form& form_of(const model::Agent& row);
  Form form_of(const fleet::Template& of, const std::string& zone) const;
  Form offered_by(const fleet::Template& of) const;
  std::vector<Group> list_groups() const;
  std::vector<Group> list_groups(const fleet::Template& of, const base::ControllerName& controller) const;
  base::ControllerName controller_of(base::QueueItemId item) const;
  std::vector<controller::QueueEntry> list_entries() const;
  ports::AgentActivity activity_of(const model::Agent& row) const;
  using Demanded = OtherController::Demanded;
  std::optional<Demanded> find_demanded(const ItemKey& key) const;
  Taken taken_by(const Group& group);
  void note_forms();
  void look_at_caps();
  void look_at_limits(const std::string& whose, const Taken& taken, const model::AgentLimits& limits);
  std::string untruth_of_hold(const controller::QueueEntry& entry);
  std::string untruth_of_tried(const controller::QueueEntry& entry, const fleet::Consideration& tried);
  std::string untruth_of_limit(const controller::QueueEntry& entry, const fleet::Consideration& tried,
                               const fleet::Template& of);
  std::optional<std::string> untruth_of_limit(const controller::QueueEntry& entry,
                                              const fleet::Consideration& tried, const fleet::Template& of,
                                              const Group& group, std::string_view what);
  std::size_t most_without_record(const Group& group) const;
  std::size_t least_strays(const Group& group) const;
  void look_at_strays(const model::Agent& row);
  model::Money still_paid(const Group& group) const;
  model::Money most_spent(const Group& group) const;
  Paid least_paid(const Group& group) const;
  void look_at_money(const model::Agent& row);
  void note_unpaid();
  void note_unpaid_launches();
  bool is_unpaid(const model::Agent& row);
  void look_at_unpaid(const model::Assignment& started);
  bool may_be_unpaid(const model::Agent& row);
  bool older_waits(const controller::QueueEntry& entry) const;
  const fleet::TemplateView* find_view(const base::TemplateName& name) const;

  // --- launches for items
  std::vector<QueuedItem> list_queued() const;
  QueuedItem describe_queued(const model::QueueItem& item) const;
  void note_accounts();
  void note_spare();
  bool has_lost_its_machine(const model::Agent& row) const;
  bool is_doubtful(const model::Agent& row) const;
  bool is_outdated(const model::Agent& row) const;
  bool is_spare(const model::Agent& row) const;
  void note_item_launches(const std::map<base::AgentId, const model::Agent*>& before);
  void look_at_item_launches();

  void note_pool_sizes();
  void note_pool_launches(const std::map<base::AgentId, const model::Agent*>& before);
  void look_at_pool_launches();
  void note_waiting();
  const fleet::Template* find_template(const base::TemplateName& name) const;
  // At most, at any time since then, with so many at work.
  std::size_t wanted_by_pool(const fleet::Template& of, std::size_t at_work, Duration since) const;
  std::size_t count_agents(const base::TemplateName& name) const;
  bool only_pools_are_left() const;
  std::vector<std::string> list_unmatched() const;
  void remember_finished();
  void look_at_machines();
  void look_at_idle_machines();
  void look_at_reasons();
  void note_overtaken(const model::Assignment& started);
  void look_at_overtaken(const std::vector<controller::QueueEntry>& queue);
  void look_at_next_finished();
  void look_at_finished(base::BuildId id);
  void on_message(const protocol::Message& message, const std::string& from, const std::string& to);
  void read_line(LogReader& reader, base::StreamId stream, std::string_view line);
  bool is_torn_first_line(std::string_view line) const;
  std::string untruth(const controller::QueueEntry& entry);
  void look_at_result(const Submission& submission, const model::Build& build);
  void look_at_retry(const model::Build& lost, const model::Build* next);
  void look_at_missing_retry(const model::Build& build);
  void note_doubt();
  bool may_be_elsewhere(const base::AgentId& agent) const;
  void look_at_chains();
  bool is_reserved(const base::AgentId& id) const;
  std::string promised_to(const model::Agent& row) const;
  const model::Agent* find_row(const base::AgentId& id) const;
  void report(std::string_view invariant, std::string text) {
    parts_.witness.report(invariant, std::move(text));
  }

  CheckerParts parts_;
  LaunchAccounts accounts_;
  bool rows_changed_ = true;
  store::OpenState rows_;
  std::map<base::AgentId, const model::Agent*> row_of_;
  std::map<base::AgentId, Duration> ended_rows_;              // agents that had a row
  std::set<base::AssignmentId> started_;                      // that were ever
  std::set<base::AgentId> used_agents_;                       // that were ever offered work
  std::map<base::AgentId, Duration> active_;                  // last time that it had work
  std::map<base::BuildId, std::set<std::string>> agents_of_;  // that ever had it
  std::map<base::BuildId, base::AgentId> taken_;              // at work on this agent as its machine went
  std::map<base::AgentId, std::uint64_t> epochs_;           // last; each session of an agent has another one
  std::map<base::AgentId, std::uint64_t> epochs_in_doubt_;  // as a server last started with it in doubt
  std::uint64_t noted_start_ = 0;
  std::map<base::AgentId, Duration> first_seen_;         // its row
  std::map<base::AgentId, Duration> welcomed_;           // first
  std::map<base::AgentId, Duration> connected_;          // its row says so, since
  std::map<base::AgentId, std::uint64_t> connected_in_;  // that life of the server
  std::map<base::AgentId, std::uint64_t> answered_in_;   // whatever the server said to it
  std::set<base::AgentId> ends_seen_;
  std::map<base::AgentId, std::uint64_t> ageless_;  // the token's age cannot be known after that life
  std::map<base::QueueItemId, Duration> item_seen_;
  std::map<base::QueueItemId, Duration> overtaken_;  // last
  std::map<base::QueueItemId, Duration>
      oldest_since_;  // of all that limits keep waiting; when that was first so
  std::map<base::TemplateName, Pace> launches_;
  std::map<std::string, Pace> asks_;                     // by token
  std::map<base::CloudName, std::vector<Wish>> wishes_;  // of which this life of the server knows
  std::uint64_t wished_in_ = 0;                          // that life
  std::set<base::TemplateName> open_breakers_;
  std::set<base::BuildId> open_builds_;
  std::set<base::BuildId> finished_;
  base::BuildId last_finished_;  // that was looked at
  std::map<base::StreamId, LogReader> readers_;
  std::map<std::string, base::StreamId> stream_of_;  // by key
  FrameDecoders decoders_;
  std::map<base::QueueItemId, Wrong> wrong_reasons_;
  std::map<base::QueueItemId, Wrong> wrong_promises_;
  std::vector<PoolLaunch> pool_launches_;
  std::vector<ItemLaunch> item_launches_;
  std::map<base::AgentId, Duration> spare_since_;
  std::deque<std::pair<Duration, std::size_t>> demand_;      // items that want an agent, lately
  std::map<base::TemplateName, fleet::Template> templates_;  // that were ever configured
  std::map<base::AgentId, Form> forms_;
  std::map<base::AgentId, Spell> spells_;
  std::set<base::AgentId> unpaid_launches_;  // no budget may have paid for them before their row could say so
  std::map<base::AgentId, Duration> unpaid_since_;  // agents whose next quarter of an hour no budget pays for
  std::map<base::AgentId, std::set<base::AssignmentId>> builds_on_;  // that were ever started
  bool clock_was_set_ = false;                                       // the server's
  bool clock_was_set_back_ = false;
  std::vector<std::pair<Duration, Duration>> clock_set_ahead_;  // when, and by how much
  std::vector<fleet::CloudView> clouds_now_;                    // as the fleet showed them at this look
  using PoolSizes = std::deque<std::pair<Duration, model::PoolSize>>;  // from then on
  std::map<base::TemplateName, PoolSizes> pool_sizes_;
  std::deque<std::pair<Duration, std::size_t>> waiting_;  // items, lately
  std::set<base::AssignmentId> in_silence_;               // whose agents are cut off
  Duration storage_failed_{0};                            // last
  Duration calm_since_{0};
  Duration next_look_{0};
};

}  // namespace footman::sim
