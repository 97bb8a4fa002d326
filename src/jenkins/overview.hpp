// All that is known of one Jenkins, and what is to be done next: decisions without I/O. JenkinsController
// reads Jenkins, tells it here, and does what comes out.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jenkins/answers.hpp"
#include "jenkins/demand.hpp"
#include "jenkins/node_book.hpp"
#include "jenkins/node_life.hpp"
#include "jenkins/placeholders.hpp"
#include "jenkins/settings.hpp"
#include "model/label.hpp"
#include "runtime/wait.hpp"

namespace footman::jenkins {

// After a restart of Jenkins its queue and nodes come back bit by bit: for so long nothing is concluded from
// what it does not show.
inline constexpr Duration kRestartGrace = 15s;
inline constexpr Duration kRecentlyLeft = 60s;  // items are remembered so long after they left the queue
inline constexpr std::size_t kRecentlyLeftKept = 5000;
// A build that was seen on no node so long after its item left is asked for; at once where it may have been
// on a node that should have no more.
inline constexpr Duration kMissedAfter = 2s;
inline constexpr std::size_t kMissedAtOnce = 4;
// A node that has a build is asked so often for its name: to a user without Job/Read Jenkins never tells it.
inline constexpr int kGlancesForName = 20;
inline constexpr Duration kAskAgain = 5s;  // after a build, a page of steps or a secret was asked for
inline constexpr Duration kUnclearMost =
    2min;  // a silence that cannot be asked about is taken for what it seems
inline constexpr Duration kRegularLook = 10s;   // at the nodes, whatever happens
inline constexpr Duration kLookAtWork = 1s;     // at nodes that have builds, while nothing else goes on
inline constexpr Duration kProbeTime = 2min;    // an examination takes less
inline constexpr std::size_t kGoneKept = 1000;  // records of nodes whose last builds may yet be told
inline constexpr std::size_t kViolationsKept = 100;

// Unless it serves there are no placeholders, no demand, and no agents but those at work.
enum class Bond {
  serves,
  detached,  // by people, until the next start
  leaves,    // it is in the configuration no more
};

// What was read at one time: the queue first, then the nodes, so that an item that has left the one is on the
// other.
struct Reading {
  Queue queue;
  std::optional<Computers> computers;  // nothing: they were not asked for
  std::string session;
  Instant now;
  std::uint64_t number = 0;                       // of the look: see Looks
  Duration ahead{0};                              // Jenkins' clock, of this one
  std::optional<Silence> silence = std::nullopt;  // nothing: as before
};

// How many looks at Jenkins have begun. What was begun before a step was done says nothing of what came of
// it.
using Looks = std::shared_ptr<std::uint64_t>;

// A build that was seen on a node.
struct BuildRun {
  AgentId agent;
  std::string node;
  std::string item_key;
  std::string title;
  std::string build;
  Instant started;
  Instant ended;         // not set: it runs
  bool is_step = false;  // of the run of a pipeline, which may have several
};

struct LiveNode {
  NodeRecord record;
  std::optional<NodeRecord> stored;  // as the book has it; nothing: not yet
  bool taken = false;                // somebody does something about it: see NodeHold
  std::uint64_t times_taken = 0;
  bool watched = false;  // it is asked for alone, again and again
  int waiting = 0;       // to take it
  runtime::Event freed;
  std::uint64_t fresh_after = 0;  // looks up to this one are too old to judge it
  std::uint64_t named_after = 0;  // and to tell that the item of its build waits on
  std::uint64_t busy_after = 0;   // the queues of these were read before it was seen to be busy
  Duration step_after{0};         // the last step failed: not again before
  Duration put_after{0};          // the book failed: not again before
  ItemEnd released_end = ItemEnd::unknown;
  std::optional<BuildRun> brief;  // what it was opened for began there and was over before it was seen
  bool build_over = false;
  bool is_gone = false;      // Jenkins has no page of it
  Duration asked_at{0};      // for the item, the build or the node
  Duration opened_at{0};     // steady; zero: before this start of the server
  bool deleted = false;      // Jenkins has confirmed it
  Duration redeem_until{0};  // steady; nobody fetches its secret for the first time later
  int glances = 0;           // at a build that is not named yet
  // How many steps of a pipeline's run are known to have been here; nothing: not of all, since before this
  // start of the server.
  std::optional<std::map<std::string, std::uint32_t>> steps = std::map<std::string, std::uint32_t>();

  bool is_to_be_watched() const {
    return is_exposed(record) || (is_unnamed(record) && glances < kGlancesForName);
  }
  bool is_free() const { return !taken && waiting == 0; }
};
using LiveNodePtr = std::shared_ptr<LiveNode>;

struct NodeWork {
  LiveNodePtr node;
  NodeStep step = NodeStep::none;  // none: its record is to be written down
  std::string message;             // for hold
  std::optional<QueueItem> open_for;
  bool is_held = false;  // as it was read
  bool forget = false;
};

// Nodes with the mark of this installation that no record knows, and what is left of an examination.
struct Stray {
  std::string node;
  bool hold = false;  // no further build; else it is deleted
};

// A build that a node should not have had.
struct NodeViolation {
  AgentId agent;
  std::string text;  // a sentence
};

struct NextSteps {
  std::vector<NodeWork> work;
  std::vector<PlaceholderTask> placeholders;
  std::vector<Stray> strays;
  std::vector<NodeViolation> violations;
  std::vector<BuildRun> builds;   // that began or ended
  std::vector<std::string> runs;  // whose page of steps is to be read
  std::vector<QueueItem> missed;  // whose builds may have been over before they were seen
  bool changed = false;           // demand or an observation
};

class Overview {
 public:
  explicit Overview(JenkinsSettings settings);

  void load(std::vector<NodeRecord> records);
  void load_violations(const std::vector<std::string>& sentences) {
    violations_.assign(sentences.begin(), sentences.end());
  }
  void set_former_prefixes(std::vector<std::string> prefixes) { former_prefixes_ = std::move(prefixes); }
  // Of the same Jenkins, prefix and installation.
  void set_settings(JenkinsSettings settings);
  // A node whose secret tells, by whether it may be read, if agents that are not shown are away; empty: none
  // is to be asked for. `computers`: of the reading that is taken in next.
  std::string find_silent(const Computers& computers, Duration steady);
  // `steady`: now.
  NextSteps take_in(Reading reading, Duration steady);
  void learn_labels(const KnownLabels& labels);
  KnownLabels assign_labels(const std::vector<std::string>& waiting, const std::string& run) const;

  // A time of Jenkins' clock, which is so much ahead, by this one.
  Instant to_local(std::int64_t milliseconds, Duration ahead) const;
  // One look at one node apart from a reading, for a call that needs to know now. The caller has taken it.
  NodeTurn look_now(const LiveNodePtr& node, const Computer* computer, Instant now, NextSteps& out);

  // Of an item out of NextSteps::missed: its build began and ended on this node, unseen. The caller has taken
  // it. False: that cannot be told yet.
  bool note_missed(LiveNode& node, BuildRun run, Instant now, NextSteps& out);
  void drop_missed(const std::string& key) { missing_.erase(key); }
  bool is_missing(const std::string& key) const { return missing_.contains(key); }
  bool is_late(const std::string& key, Duration asked) const;
  void ask_missed_later(const std::string& key, Duration steady);

  // The console of a pipeline's run: how much of it was read, and where it says that steps began.
  std::size_t console_read(const std::string& run) const;
  void note_console(const std::string& run, std::size_t start, std::size_t size,
                    const std::vector<std::string>& nodes, Instant now);
  // It is not read any more, as long as steps of that run are asked about.
  void note_too_long(const std::string& run, Instant now);
  bool is_too_long(const std::string& run) const;
  // A step of it was on that node, by its console, and is not known.
  bool has_untold_step(const LiveNode& node, const std::string& run) const;
  // Where one was of those that left the queue unseen; null: nowhere.
  LiveNodePtr find_untold_step(const std::string& run) const;
  // note_missed() of that.
  bool note_missed_step(LiveNode& node, const std::string& run, Instant now, NextSteps& out);
  static BuildRun step_of(const NodeRecord& record, std::string run, std::string key, Instant now);

  // An agent of this installation without a record, as that of a section of another name and perhaps of
  // another prefix was, has a build.
  bool sees_stray_at_work(const AgentId& id) const;
  // Whether this build is on a node other than that.
  bool runs_elsewhere(const std::string& build, const std::string& node) const;

  void set_bond(Bond bond);
  Bond bond() const { return bond_; }
  // Nothing of this installation was there at the last look.
  bool has_left() const;
  // Another section of the configuration, by its name, is for the same Jenkins and has it to itself: here is
  // nothing but what agents at work need. `has_names`: what has this one's prefix and no record there is that
  // one's.
  void set_twin(const ControllerName& name, bool has_names);
  void drop_twin();
  bool has_twin() const { return !twin_.empty(); }
  bool yields_names() const { return has_twin() && twin_has_names_; }
  bool serves() const { return bond_ == Bond::serves && !has_twin(); }
  // A sentence on another Footman whose nodes have the same names' beginning there, or on another section of
  // this one; empty: there is none.
  const std::string& rival() const { return rival_; }

  bool has_read() const { return has_read_; }
  bool is_settled(Instant now) const { return now >= settled_at_; }
  const std::string& session() const { return session_; }
  std::vector<ports::DemandItem> demand() const;
  bool waits(const std::string& key) const;  // seen in the queue at the last look
  bool is_given(const NodeRecord& record) const;
  const std::vector<JudgedItem>& items() const { return items_; }

  LiveNodePtr find(const AgentId& id) const;
  LiveNodePtr find_node(const std::string& name) const;
  LiveNodePtr find_node_or_gone(const std::string& name) const;  // its record may have been erased lately
  LiveNodePtr add(NodeRecord record);
  void erase(const AgentId& id);
  const std::map<AgentId, LiveNodePtr>& nodes() const { return nodes_; }

  std::string node_name(const AgentId& id) const;
  std::string describe_node(const AgentId& id) const;  // its description in Jenkins, with the mark
  std::string describe_placeholder() const;
  bool is_marked(const Computer& computer) const;
  bool is_placeholder(const Computer& computer) const;  // by its name
  const std::vector<Placeholder>& placeholders() const { return placeholders_; }
  bool placeholders_stand(Instant now) const;
  const std::deque<std::string>& violations() const { return violations_; }

  // A node is open for a last build: see is_exposed().
  bool has_exposed() const;
  // When to look next, and whether at the nodes too.
  Duration pace() const;
  bool wants_computers(const Queue& queue, Duration steady) const;

 private:
  struct Missing {
    QueueItem item;
    std::optional<model::LabelExpr> label;  // nothing: not told
    Duration left{0};                       // steady, as the next one
    Duration ask_after{0};
    bool asked = false;  // and not answered

    bool fits(const NodeRecord& record) const {
      return !label || model::fits(*label, record.labels, record.is_default);
    }
  };

  void follow_clock(Instant now, Duration steady);
  void shift_times(Duration by);
  void leave_no_time_ahead(Instant now);
  void note_session(const Reading& reading);
  void note_silence(Silence silence, Instant now);
  std::vector<JudgedItem> judge(const Reading& reading);
  bool may_be_missed(const JudgedItem& one) const;
  void note_left(const JudgedItem& one, Duration steady);
  void note_seen(LiveNode& node, const NodeBuild& build, Instant now);
  void list_missed(Instant now, Duration steady, NextSteps& out);
  bool is_in_doubt(const LiveNode& node) const;
  bool has_own_prefix(const Computer& computer) const;
  void look_for_rivals();
  void look_at_placeholders(Instant now, NextSteps& out);
  bool is_untold(const ports::DemandItem& item, Instant now) const;
  void keep_unsettled(const std::map<std::string, ports::DemandItem>& before);
  bool update_demand(const Reading& reading);
  void take_from_demand(const NodeRecord& record);
  void list_runs(Duration steady, NextSteps& out);
  void look_at_nodes(const Reading& reading, Duration steady, NextSteps& out);
  void look_at_node(const LiveNodePtr& node, const Reading& reading, const QueueItem* open_for,
                    Duration steady, NextSteps& out);
  void note_builds(LiveNode& node, const NodeRecord& after, Instant now, NextSteps& out);
  void note_brief_build(LiveNode& node, NodeRecord& after, Instant now, NextSteps& out);
  void tell_violation(const AgentId& agent, std::string text, NextSteps& out);
  void note_turn(const LiveNodePtr& node, NodeTurn& turn, Instant now, NextSteps& out);
  void find_strays(Duration steady, NextSteps& out);
  bool is_left_probe(const Computer& computer, Duration steady);
  bool rename_build(NodeRecord& record) const;
  enum class ListedItems { too, left_out };  // those in the queue
  const JudgedItem* find_item(const NodeRecord& record, const std::string& build, ListedItems listed) const;
  const Computer* find_computer(const std::string& name) const;
  NodeSight sight_of(const LiveNode& node, const Computer* computer, Instant now) const;
  bool is_own(const Computer& computer) const;
  bool is_taken(const std::string& key, const NodeRecord* by_other_than = nullptr) const;
  bool is_known_elsewhere(const std::string& key, const NodeRecord& than) const;
  enum class Taken { no, likely, yes };
  Taken taken_since(const std::string& key, std::uint64_t look) const;
  bool is_unclear(const LiveNode& node) const;
  bool has_agent_to_spare(const std::string& wanted_label,
                          const std::vector<ports::DemandItem>& demand) const;
  bool may_wait_on(const NodeRecord& record, const std::string& key) const;
  bool is_asked_with_node(const std::string& key) const;
  bool is_on(const QueueItem& item, bool own) const;
  bool is_any_unnamed() const;
  bool may_be_there(const Missing& missing) const;
  bool note_known(LiveNode& node, const BuildRun& run, Instant now);
  static void note_known_steps(LiveNode& node);
  const std::string* find_missing_step(const std::string& run, const NodeRecord& record) const;

  JenkinsSettings settings_;
  std::string mark_;
  std::vector<std::string> former_prefixes_;
  std::string rival_;
  std::string twin_;
  bool twin_has_names_ = false;
  std::vector<Placeholder> placeholders_;
  std::map<AgentId, LiveNodePtr> nodes_;
  bool has_read_ = false;
  Duration clock_offset_{0};  // between the clock on the wall and the steady one, at the last look
  Bond bond_ = Bond::serves;
  std::string session_;
  std::uint64_t look_ = 0;  // the last one
  Instant session_since_;
  Instant settled_at_;
  Silence silence_ = Silence::away;  // of agents that were asked about
  Instant shown_since_;              // it was none of the others since then
  Instant unclear_since_;
  Duration silence_after_{0};  // steady; the same silence is not asked about again before
  Queue queue_;
  Computers computers_;
  std::map<std::string_view, const Computer*> computer_of_;  // into computers_
  std::set<std::string, std::less<>> names_;                 // of nodes with a record
  Duration computers_at_{0};                                 // steady; zero: never
  std::vector<JudgedItem> items_;
  std::set<std::string, std::less<>> keys_;  // of the queue
  KnownLabels known_;
  std::vector<ports::DemandItem> told_;              // the demand after the last look
  std::vector<ports::DemandItem> sure_;              // of the demand
  std::vector<ports::DemandItem> guesses_;           // what a node here may have by now
  std::map<std::string, ports::DemandItem> wanted_;  // at the last look, also what a node may have by now
  std::vector<ports::DemandItem> aside_;             // an agent may be at work on them: it is not known yet
  std::deque<std::pair<Instant, JudgedItem>> left_;
  std::map<std::string, Missing> missing_;  // left the queue, and a node here may have had them
  std::map<std::string, Instant> seen_;     // builds, lately
  struct Console {
    std::size_t read = 0;            // bytes
    std::vector<std::string> nodes;  // where steps began
    bool is_too_long = false;
    Instant read_at;
  };
  std::map<std::string, Console, std::less<>> consoles_;  // by run, lately
  std::deque<LiveNodePtr> gone_;
  Instant stand_since_;
  std::map<std::string, Duration> asked_runs_;
  std::map<std::string, Duration> probes_;  // nodes of examinations, since when they are seen
  std::deque<std::string> violations_;
};

}  // namespace footman::jenkins
