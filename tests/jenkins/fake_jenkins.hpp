// A strict double of what Footman uses of Jenkins 2.532, without a socket, a thread or a clock: everything
// happens in handle(), advance() and the calls of users and agents, at the time that the caller gives. It
// refuses what a real one refuses, and notes what a correct client never sends (violations()).
//
// Time only goes forward; calls with an earlier one are taken as made at the latest. Nothing is safe for
// threads. README.md says what it keeps of the real one, and what not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "tests/jenkins/exports.hpp"
#include "tests/jenkins/http.hpp"
#include "tests/jenkins/labels.hpp"
#include "tests/jenkins/model.hpp"

namespace footman::fake_jenkins {

// A measured figure: the dice pick one in between.
struct Span {
  base::Duration low;
  base::Duration high;
};

struct Timing {
  using Ms = std::chrono::milliseconds;
  base::Duration quiet_period = std::chrono::seconds(5);
  base::Duration beat = std::chrono::seconds(5);  // the queue looks around at least that often
  Span maintenance{Ms(1), Ms(4)};                 // from an event to the queue's round
  Span claim{Ms(2), Ms(5)};                       // an item is `pending` for that long
  Span start{Ms(1), Ms(25)};                      // from there until currentExecutable is shown
  Span first_start{Ms(40), Ms(350)};              // the same for the first build on a connection
  Span first_build{Ms(290), Ms(400)};             // and that long its work takes at least
  Span settle{Ms(2), Ms(8)};                      // from a result to inProgress:false and a free executor
  Span pipeline_start{Ms(38), Ms(45)};            // from a run's start to its node() items
  Span online{Ms(20), Ms(60)};                    // from an agent's handshake to its node being online
  base::Duration broken_after = Ms(500);          // a disconnected node's own message is replaced
  base::Duration patience = std::chrono::seconds(300);  // of pipelines, for a lost agent and after a deletion
  base::Duration left_kept = std::chrono::seconds(300);   // an item is readable after it left
  base::Duration saved_every = std::chrono::seconds(60);  // a crash forgets what the queue did since
  base::Duration starting = std::chrono::seconds(8);      // 503 after a start
  base::Duration unsure = Ms(600);                        // after that: 401 and 403 for valid tokens
  base::Duration resume = std::chrono::seconds(3);        // and then, until pipelines are back after a crash
  Span list_answer{Ms(1), Ms(3)};                         // GET of a list
  Span create_answer{Ms(9), Ms(13)};
  Span secret_answer{Ms(3), Ms(5)};
  Span change_answer{Ms(12), Ms(18)};  // any other POST
};

struct Settings {
  std::string url = "http://jenkins.example.test:8080/";
  std::string version = "2.532";
  std::string key = "key of the controller";  // agents' secrets come from it
  int agent_port = 50'000;
  base::Duration clock_offset{0};  // how far Jenkins' clock is ahead
  Timing timing;
  // Picks within a span; null: the middle.
  std::function<base::Duration(base::Duration low, base::Duration high)> dice;
};

// What a test does to calls.
struct Fault {
  enum class Kind {
    proxy_page,    // a proxy's page of HTML with `status`; Jenkins never saw the call
    lost_request,  // no answer, no effect
    lost_answer,   // no answer, after the effect
    slow,          // the answer takes `takes` longer
  };
  Kind kind = Kind::proxy_page;
  std::string method;  // empty: any
  std::string path;    // a part of the target; empty: any
  int times = 1;       // negative: until clear_faults()
  int status = 502;
  base::Duration takes{0};
};

// To an agent's side. `work` is a build's or block's piece of work on that connection.
struct AgentEvent {
  enum class Kind { start_work, stop_work, closed };
  Kind kind = Kind::closed;
  std::uint64_t connection = 0;
  std::uint64_t work = 0;
  std::string job;
  int number = 0;
  std::string command;
  bool until_told = false;  // start_work: goes on until finish_work()
};

class FakeJenkins {
 public:
  FakeJenkins(Settings settings, base::Instant now);
  FakeJenkins(const FakeJenkins&) = delete;
  FakeJenkins& operator=(const FakeJenkins&) = delete;

  // --- as a client sees it ---
  Answer handle(const Request& request, base::Instant now);
  // Lets everything happen that is due.
  void advance(base::Instant now);
  // When something happens next; unset: never by itself.
  base::Instant next_event_at() const;

  // --- users ---
  // There are "scaler" (token "scaler-token", password "scaler-password") with the least rights that Footman
  // needs and "admin" ("admin-token", "admin-password") with all.
  void add_user(const std::string& name, User user);
  void set_rights(const std::string& user, Rights rights);
  void set_token(const std::string& user, std::string token);
  static Rights least_rights();

  // One in Jenkins itself, that would launch for what these labels match. It never does.
  void add_cloud(std::string class_name, std::string_view labels);

  void add_job(Job job);  // replaces one of that name, and keeps its numbers
  // Calls of users fail with `unavailable` while Jenkins is not up.
  // The item's id: of an item that waits already, if there is one. Errors: not_found, conflict (disabled).
  base::Result<std::int64_t> trigger(const std::string& job, base::Instant now,
                                     std::optional<base::Duration> delay = base::Duration(0),
                                     const std::string& user = "admin", const Fields& parameters = {});
  base::Status cancel(std::int64_t item, base::Instant now);
  base::Status stop(const std::string& job, int number, base::Instant now);
  // The end of work without a duration: of a freestyle build, or of a pipeline's blocks that run now.
  void finish(const std::string& job, int number, BuildResult result, base::Instant now);
  // What the steps of a build write to its console; "[Pipeline] sh" is a line of Jenkins' own.
  void print(const std::string& job, int number, const std::vector<std::string>& lines);
  void set_quieting_down(bool quieting, base::Instant now);
  // The next item gets this id. For tests that replay.
  void set_next_item(std::int64_t id) { next_item_ = id; }
  void set_next_number(const std::string& job, int number);

  // --- the process ---
  // Clean: as /exit and a start. Else as a crash: what the queue did in the last minute is forgotten, item
  // ids are given out again. `down` is the time without an answer.
  void restart(bool clean, base::Duration down, base::Instant now);
  void set_session(std::string session) { session_ = std::move(session); }  // X-Jenkins-Session
  void set_clock_offset(base::Duration offset) { settings_.clock_offset = offset; }
  bool is_up() const { return phase_ == Phase::up; }
  bool is_down() const { return phase_ == Phase::down; }  // no connection is taken
  void add_fault(Fault fault) { faults_.push_back(std::move(fault)); }
  void clear_faults() { faults_.clear(); }

  // --- agents ---
  struct Connect {
    std::string name;
    std::string secret;
    bool same_workspace = false;  // processes and files of the last connection are still there
  };
  // permission_denied: no such node, or a wrong secret; conflict: connected already; unavailable: not up.
  base::Result<std::uint64_t> connect_agent(const Connect& connect, base::Instant now);
  // The agent is gone, or its connection.
  void disconnect_agent(std::uint64_t connection, base::Instant now);
  void finish_work(std::uint64_t work, BuildResult result, base::Instant now);
  std::vector<AgentEvent> take_agent_events() { return std::exchange(agent_events_, {}); }
  std::string secret_of(std::string_view node) const;

  // --- what tests look at ---
  const std::map<std::string, Computer>& computers() const { return computers_; }
  const Run* find_run(const std::string& job, int number) const;
  const QueueItem* find_item(std::int64_t id) const;
  std::vector<const QueueItem*> waiting_items() const;  // that have not left
  // Where builds and blocks were started: node, job, number, when. In order.
  struct Start {
    std::string node;
    std::string job;
    int number = 0;
    base::Instant at;
  };
  const std::vector<Start>& starts() const { return starts_; }
  // "GET /queue/api/json" and the like, without query and names of nodes; how often it came.
  const std::map<std::string, std::uint64_t>& calls() const { return calls_; }
  // What no correct client does, in sentences; at most kMaxViolations.
  const std::vector<std::string>& violations() const { return violations_; }
  static constexpr std::size_t kMaxViolations = 100;
  // Of the rule that a client removes only nodes it made: nodes that its own user made.
  std::vector<std::string> nodes_of(std::string_view creator) const;

 private:
  friend class Api;
  friend class Views;
  enum class Phase { up, down, starting, unsure };
  struct Session {
    std::string crumb;
    std::string user;
  };

  // The queue and its rounds: queue.cpp.
  QueueItem& enqueue(Task task, base::Duration delay, const std::string& label,
                     std::vector<std::string> users = {}, Fields parameters = {});
  QueueItem* find_open_item(const std::string& job, const Fields& parameters);
  void ask_for_round();
  void run_round();
  void enter(QueueItem& item);
  void move_item(QueueItem& item, QueueItem::State state);
  Cause find_blocker(const QueueItem& item) const;
  Cause find_cause(const QueueItem& item) const;
  bool is_stuck(const QueueItem& item) const;
  std::vector<const Computer*> nodes_with(const Label& label) const;
  void give_executors();
  Computer* choose_node(const QueueItem& item, const std::vector<Computer*>& free) const;
  void claim(std::int64_t id, std::uint64_t work);
  void leave(QueueItem& item, bool cancelled);
  void beat();
  void save();

  // Builds: builds.cpp and pipelines.cpp.
  Run& start_run(const QueueItem& item);
  void begin_work(std::uint64_t work);
  void schedule_end(std::uint64_t work, base::Instant ends, BuildResult result);
  void end_work(std::uint64_t work, BuildResult result);
  void finish_run(Run& run, BuildResult result);
  void free_slot(std::uint64_t work);
  std::optional<base::Duration> estimate(const std::string& job) const;
  const Run* last_run(const std::string& job) const;
  std::vector<Run*> open_runs();
  void start_matrix(Run& run);
  void start_stage(Run& run);
  static void log_step(Run& run, std::string_view what);
  std::string workspace_of(const std::string& node, const std::string& job) const;
  void queue_block(Run& run, std::size_t index);
  void run_block(Run& run, std::size_t index, const QueueItem& item, std::uint64_t work);
  void continue_block(Run& run, std::size_t index);
  void end_block(Run& run, std::size_t index, BuildResult result);
  void lose_block(Run& run, std::size_t index);
  void expect_block(Run& run, std::size_t index);
  void give_up_block(Run& run, std::size_t index, std::string why);
  void stop_run(Run& run, const std::string& user);
  void check_deleted_name(const std::string& name);
  static void suspend_blocks(Run& run, bool clean);
  void resume_blocks();
  const NodeBlock* block_of(const Run& run, std::size_t index) const;
  std::pair<std::size_t, std::size_t> blocks_of_stage(const Run& run) const;

  // Nodes and agents: nodes.cpp.
  void add_node(Computer computer);
  void hold(Computer& computer, std::optional<OfflineCause> cause);
  void close_channel(Computer& computer, OfflineCause cause);
  void delete_node(std::string name);  // by value: the computer goes
  void bring_online(const std::string& name, std::uint64_t connection);
  std::optional<Execution>* find_slot(std::uint64_t work);
  Computer* find_connected(std::uint64_t connection);

  // The process: process.cpp.
  void start_process(bool clean);
  void restore(bool clean);

  void note_violation(std::string sentence);
  void at(base::Instant time, std::function<void()> what);
  void after(base::Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  base::Duration pick(Span span) const;
  void move_to(base::Instant now);

  Settings settings_;
  base::Instant now_;
  Phase phase_ = Phase::up;
  std::string session_;
  int restarts_ = 0;
  base::Instant unsure_since_;
  bool quieting_ = false;
  std::map<std::string, User> users_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, LabelSet> clouds_;  // by class
  std::map<std::pair<std::string, int>, Run> runs_;
  std::set<std::pair<std::string, int>> open_;  // runs in progress
  std::map<std::int64_t, QueueItem> items_;     // left ones too, for a while
  std::vector<std::int64_t> order_;             // in the order they became what they are
  std::map<std::uint64_t, WorkPlace> works_;
  std::int64_t next_item_ = 1;
  std::map<std::string, Computer> computers_;
  std::map<std::string, base::Instant> names_;  // ever used for nodes
  std::uint64_t next_connection_ = 1;
  std::uint64_t next_work_ = 1;
  bool round_asked_ = false;
  std::int64_t saved_next_item_ = 1;
  std::multimap<base::Instant, std::function<void()>> timers_;
  std::vector<AgentEvent> agent_events_;
  std::vector<Start> starts_;
  std::map<std::string, std::uint64_t> calls_;
  std::vector<std::string> violations_;
  std::vector<Fault> faults_;
};

}  // namespace footman::fake_jenkins
