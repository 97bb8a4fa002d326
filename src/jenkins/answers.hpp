// What a Jenkins answers, taken apart. Pure. Bodies may be anything - another version's JSON, a proxy's login
// page -, and every size is bounded. What is not understood is kept as such, with a sentence, and nothing is
// concluded from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace footman::jenkins {

using namespace footman::base;

inline constexpr std::size_t kMaxAnswerBytes = 32UL << 20;  // of one list; more is corrupt
inline constexpr std::size_t kMaxListed = 50'000;           // items or computers of one list; more is corrupt
inline constexpr std::size_t kMaxNameBytes = 1000;          // names, labels, reasons; more is cut
inline constexpr std::size_t kMaxUrlBytes = 2000;           // longer ones are as good as none

enum class ItemState {
  waiting,    // in its quiet period
  blocked,    // by its own job, a resource …: more agents do not help
  buildable,  // wants an executor
  pending,    // has one, and begins in a moment; what it says beside is stale
  left,
  unknown,
};

// Who waits. Only of `freestyle` Jenkins tells the label expression; `node_step` is node() of a pipeline.
enum class TaskKind { freestyle, node_step, pipeline, other };

struct QueueItem {
  std::int64_t id = 0;
  ItemState state = ItemState::unknown;
  TaskKind kind = TaskKind::other;
  std::string task_class;  // "hudson.matrix.MatrixConfiguration"
  std::string task_name;   // for people: "build-linux", "part of pipe-linux #3"
  std::string task;        // "job/team/job/app/" or "job/app/17/"; see task_path()
  std::string why;
  std::optional<std::string> label_expression;  // as typed; nothing: not told, or none
  std::int64_t in_queue_since = 0;              // milliseconds of Jenkins' clock, as the next one
  std::int64_t buildable_since = 0;             // 0: not told

  std::int64_t waits_since() const { return buildable_since > 0 ? buildable_since : in_queue_since; }
  // No other item of this Jenkins ever has the same: ids alone are handed out again after a crash.
  std::string key() const;
  std::string title() const;  // "team/app #17", "team/app"
};

struct Queue {
  std::vector<QueueItem> items;  // oldest first
  std::size_t odd = 0;           // left out: without an id, a time or a task
};

struct Executor {
  bool idle = true;
  std::string build;        // "job/app/17/"; empty: none, or not told
  std::string build_class;  // of what runs
};

struct Computer {
  std::string name;
  std::string description;
  bool is_agent = true;  // false: the built-in node
  bool offline = true;   // takes no builds, for whatever reason
  bool held = false;     // temporarily offline: what runs goes on
  std::string reason;    // why it is offline; empty: not told
  bool idle = true;
  bool connected = false;           // also when it is held
  std::vector<std::string> labels;  // its own name is one; none: it was deleted, and somebody waits for it
  std::vector<Executor> executors;

  // Deleted, and shown as long as a pipeline waits for it.
  bool is_ghost() const { return is_agent && labels.empty(); }
};

struct Computers {
  std::vector<Computer> all;
};

// What became of an item that left the queue.
struct ItemFate {
  bool left = false;  // false: it waits still
  bool cancelled = false;
  std::string build;  // empty: not told
};

struct BuildState {
  bool over = false;  // for good: the result is set, and nothing is written any more
  std::string result;
  std::int64_t started = 0;  // milliseconds of Jenkins' clock; 0: not told
  Duration lasted{0};        // when it is over
  std::string node;          // of a build of a job; empty: not told, as of a pipeline's
};

struct Root {
  bool is_quieting_down = false;  // starts no builds
  std::string job;  // one that is shown, "job/app/"; empty: there is none, or no right to see it
};

// A label, or an expression of them.
struct LabelUse {
  std::vector<std::string> nodes;  // that have it
  std::vector<std::string>
      clouds;  // classes of clouds in Jenkins itself that would launch for it: "ECSCloud"
};

// Errors of all: corrupt, with what came instead: "no JSON but a page titled 'Sign in'".
Result<Root> parse_root(std::string_view body);
Result<LabelUse> parse_label_use(std::string_view body);
Result<Queue> parse_queue(std::string_view body);
// Of all, or it is none: what is not listed would count as deleted.
Result<Computers> parse_computers(std::string_view body);
Result<Computer> parse_computer(std::string_view body);
Result<ItemFate> parse_item_fate(std::string_view body);
Result<BuildState> parse_build(std::string_view body);

// The secret of the agent `name`, out of jenkins-agent.jnlp. not_found: the node was deleted and is only
// shown still.
Result<Secret> parse_agent_secret(std::string_view body, std::string_view name);

// What a person is told of a page that is no JSON: its heading and first words, or its title, one line.
// Empty: it says nothing.
std::string find_page_text(std::string_view body);

// From "job/" on, of an absolute or relative URL: the same for both. Empty: it has none, is too
// long, or is no mere path.
std::string task_path(std::string_view url);

// "team/app" of "job/team/job/app/", "app/OS=linux" of a matrix' cell "job/app/OS=linux/"; what is no such
// path stays as it is.
std::string job_title(std::string_view task);

// "team/app #17" of "job/team/job/app/17/", "app/OS=linux #17" of "job/app/OS=linux/17/"; the same otherwise.
std::string build_title(std::string_view build);

}  // namespace footman::jenkins
