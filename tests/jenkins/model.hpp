// What the double knows: users and their rights, jobs, queue items, builds, nodes. Plain values; the rules
// are in fake_jenkins.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "tests/jenkins/http.hpp"
#include "tests/jenkins/labels.hpp"
#include "tests/jenkins/texts.hpp"

namespace footman::fake_jenkins {

enum class Right {
  overall_read,
  administer,  // implies all others
  agent_create,
  agent_connect,
  agent_disconnect,  // implies agent_connect, as in Jenkins
  agent_delete,
  agent_configure,
  job_read,
  job_discover,
  job_build,
  job_cancel,
  job_configure,
  job_create,
  job_delete,
};
using Rights = std::set<Right>;

struct User {
  std::string token;
  std::string password;
  Rights rights;
};

enum class BuildResult { success, unstable, failure, not_built, aborted };
std::string_view to_string(BuildResult result);  // "SUCCESS"

// What one executor is given to do. Without a duration it runs until somebody says that it is over.
struct Work {
  std::optional<base::Duration> takes = base::Duration(0);
  BuildResult result = BuildResult::success;
  std::string command;  // for an agent that really runs something
};

// node('label') { … } of a pipeline.
struct NodeBlock {
  std::string label;  // as written; empty: none
  Work work;
  int agent_retries = 0;  // retry(count: 1 + n, conditions: [agent()])
  std::string branch;     // of a parallel
};

struct Job {
  enum class Kind { freestyle, matrix, pipeline };
  std::string name;  // full: "team/nested job" is in the folder "team"
  Kind kind = Kind::freestyle;
  std::string label;                                       // freestyle: as typed; empty: none
  Work work;                                               // freestyle, and each cell of a matrix
  std::vector<std::pair<std::string, std::string>> cells;  // matrix: "OS=linux" and its label
  std::vector<std::vector<NodeBlock>> stages;  // pipeline: one after the other, blocks of one together
  bool concurrent = false;  // freestyle: off by default; pipelines are concurrent unless `solo`
  bool solo = false;        // pipeline: disableConcurrentBuilds()
  bool enabled = true;
  Fields parameters;  // names and defaults
  int next_number = 1;
};

// What an item wants an executor for.
struct Task {
  enum class Kind {
    freestyle,  // a build of a freestyle job
    matrix,     // the parent of a matrix: takes no executor
    cell,       // one cell of it
    pipeline,   // a pipeline's run: takes no executor
    block,      // a node() of it
  };
  Kind kind = Kind::freestyle;
  std::string job;
  int number = 0;         // block, cell: of the run
  std::size_t index = 0;  // block, cell: which one
};

struct QueueItem {
  enum class State { waiting, blocked, buildable, pending, left };
  std::int64_t id = 0;
  State state = State::waiting;
  Task task;
  std::optional<Label> label;
  base::Instant since;             // inQueueSince
  base::Instant due;               // end of the quiet period
  base::Instant buildable;         // buildableStartMilliseconds
  Cause cause;                     // as the last round of the queue saw it
  std::vector<std::string> users;  // who triggered it
  Fields parameters;
  std::string node;  // pending: where
  bool cancelled = false;
  int number = 0;  // left: of the build; 0: none
  base::Instant left_at;
};

// A piece of work that an agent does.
struct WorkPlace {
  Task task;
  int number = 0;
  std::string node;
  std::uint64_t connection = 0;
};

// A node() block of a run, or a cell of a matrix build, on its way.
struct BlockRun {
  enum class State { none, queued, running, lost, resuming, done };
  State state = State::none;
  std::int64_t item = 0;
  std::string node;
  std::uint64_t work = 0;
  bool begun = false;  // its work; until then an agent's end costs nothing
  base::Instant ends;  // when its work will be done; unset: unknown
  int retries_left = 0;
  std::optional<BuildResult> result;
  base::Instant since;
  std::uint64_t epoch = 0;  // tells timers of an earlier state apart
};

struct Run {
  std::string job;
  int number = 0;
  std::int64_t item = 0;
  base::Instant started;
  std::optional<BuildResult> result;
  base::Duration duration{0};
  bool building = true;
  bool in_progress = true;
  bool stopped = false;  // somebody wanted it to end: it is ABORTED, however it ends
  std::string built_on;
  std::uint64_t work = 0;
  std::vector<std::string> users;
  Fields parameters;
  std::size_t stage = 0;         // pipeline
  std::vector<BlockRun> blocks;  // of all stages in order; or the cells
  std::vector<std::string> log;  // lines of its console, with their notes
};

// What an executor is doing.
struct Execution {
  Task task;
  int number = 0;
  bool visible = false;  // currentExecutable is set
  std::uint64_t work = 0;
  std::int64_t item = 0;
};

struct OfflineCause {
  enum class Kind { none, user, channel, removed };
  Kind kind = Kind::none;
  std::string user;
  std::string message;
  base::Instant at;
};

struct Computer {
  std::string name;
  bool deleted = false;    // its node is gone, a pipeline waits for it: it is still listed
  LabelSet labels;         // without its own name
  std::string label_text;  // as typed
  int executors = 1;
  bool exclusive = true;
  std::string remote_fs;
  std::string description;
  bool web_socket = false;
  std::string creator;
  std::optional<OfflineCause> held;  // temporarily offline
  OfflineCause cause;                // why its channel is closed
  std::uint64_t connection = 0;
  bool online = false;  // the connection's channel is up
  bool same_workspace = false;
  int builds_on_connection = 0;
  std::vector<std::optional<Execution>> slots;

  bool is_offline() const { return !online || held.has_value(); }
  bool is_idle() const;
  std::optional<Execution>* find_free_slot();  // the last one, as Jenkins takes them; null: none
};

}  // namespace footman::fake_jenkins
