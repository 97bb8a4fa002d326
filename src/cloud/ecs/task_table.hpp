// The tasks of this installation as they were last seen: by token, by ARN, and when each is to be looked at
// again. Pure: even times come in.
//
// What is told later but happened earlier (answers that overtake each other, events twice or out of order) is
// recognised by the task's version and changes nothing. An end is taken back by whatever shows that there is
// none: "not known" by any sight of the task, STOPPED by a later version of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "ecs/task.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;
using footman::ecs::Task;

// ECS may not know a task yet that it has just launched. "Eventual consistency" in its API reference: usually
// seconds; who wants to be sure asks for up to five minutes.
inline constexpr Duration kMissingGrace = 60s;
inline constexpr Duration kUnseenGrace = 5min;  // of one that nothing but the answer to its launch has shown
inline constexpr Duration kMissingPause = 30s;  // between two answers that it is not known: one may be a slip
// The session of an agent is given up after its lease; ECS says some seconds after its end that a task stops.
inline constexpr Duration kSuspectedFor = 90s;
inline constexpr Duration kSuspectedPace = 10s;
inline constexpr Duration kStoppedKept = 1h;  // as long as ECS itself keeps them

// Whose task it is.
struct Owner {
  std::string token;
  AgentId agent;
  std::string container;  // the agent's; empty: as the task itself tells, once it is seen
  std::string subnet;     // that was asked for; empty: not known, or none
};

struct Tracked {
  Owner owner;
  Task task;
  Instant launched;          // even; or when it was found
  Instant next_look;         // not set: it has stopped
  Instant stopped_at;        // even, as we learned it
  Instant stop_asked;        // even, the last call of StopTask
  Instant suspected;         // even: its agent left then, or its session broke; not set: never
  std::size_t looks = 0;     // without a change
  bool seen = false;         // by a look, a list or an event; not by the answer to its launch alone
  Instant missing_since;     // even: the first of the answers that ECS does not know it; not set: it does
  bool is_missing = false;   // ECS does not know it any more
  bool words_asked = false;  // what its agent said last
  std::string last_lines;    // as ports::pick_last_lines() has them; empty: not known
  bool is_over() const { return stopped_at.is_set(); }
  const std::string& subnet() const { return task.subnet.empty() ? owner.subnet : task.subnet; }
};

// Its agent ran and has ended, and not in order: with another status than 0, or nobody knows with which.
bool ended_badly(const Tracked& one);

class TaskTable {
 public:
  // Changes are told by a queue, and looks are only a safety net. False at first.
  void set_events(bool events) { events_ = events; }

  // Launched now, until somebody says otherwise, and not seen yet.
  Tracked& add(Owner owner, Task task, Instant now);
  // Whether anything that the fleet cares for has changed. Of a task that is not ours: false.
  bool update(Task task, Instant now);
  // ECS answered that it does not know the task. True: it is over now.
  bool on_missing(const std::string& arn, Instant now);

  Tracked* find(const std::string& arn);
  Tracked* find_token(const std::string& token);
  const std::map<std::string, Tracked>& all() const { return by_arn_; }

  // Those to describe now, at most `limit`; when any is due, others that will be soon go along.
  std::vector<std::string> due(Instant now, std::size_t limit);
  Instant next_due() const;  // not set: nothing is to be looked at
  void look_at(const std::string& arn, Instant at);
  void suspect(const std::string& arn,
               Instant now);  // that it has ended: looked at soon, and often for a while
  void forget_old(Instant now);

 private:
  Duration pace(const Tracked& one, Instant now) const;
  static void take(Tracked& one, Task task, Instant now);
  void plan_look(Tracked& one, Instant now);

  bool events_ = false;
  std::map<std::string, Tracked> by_arn_;
  std::map<std::string, std::string> by_token_;
};

}  // namespace footman::cloud::ecs
