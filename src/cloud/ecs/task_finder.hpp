// Which tasks are ours: found by lists, when an earlier life of the server launched them, or a call whose
// answer was lost.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cloud/ecs/shared.hpp"
#include "cloud/ecs/task_follower.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {

// Both outlive it. No call may be under way when it is destroyed.
class TaskFinder {
 public:
  TaskFinder(Shared& shared, TaskFollower& follower) : shared_(shared), follower_(follower) {}

  // The table has all that run then; the first time also what has ended of late. A list that was made not
  // long ago is not made again.
  Awaitable<Status> list_now_and_then();
  // The one that was launched with this token; null: none, and a list of all was made to know it.
  Awaitable<Result<Tracked*>> find(std::string client_token);
  // Whether a list has succeeded.
  bool has_listed() const { return listed_.is_set(); }

 private:
  Awaitable<Status> list_all(bool with_stopped);
  Awaitable<Status> learn(std::vector<std::string> arns);
  void adopt(Task task);

  Shared& shared_;
  TaskFollower& follower_;
  runtime::Gate listing_;
  Instant listed_;                // even, the start of the last list that succeeded
  Instant stopped_listed_;        // of the last one with those that have stopped
  std::set<std::string> others_;  // tasks that have stopped and are not ours
};

// Of a task that this life of the server has not launched: which container is the agent's.
std::string find_agent_container(const Task& task);

}  // namespace footman::cloud::ecs
