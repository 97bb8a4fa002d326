// Which tasks are ours: found by lists, when an earlier life of the server launched them, or a call whose
// answer was lost.
#pragma once

#include <map>
#include <optional>
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

  // A task that an earlier life of the server has launched, as its record tells: it is in the table from now
  // on. Empty, or why it cannot be reached: then it is not.
  std::string recall(const ports::Resource& known);
  // A launch of an earlier life whose answer nobody knows: its task is looked for where it went. Empty, or
  // why that is not where launches go now.
  std::string recall_launch(const std::string& client_token, const LaunchCloud& then);
  // Nobody knows whether there is a task of this launch, whatever is answered to its repetition: it is looked
  // for there until the answer is clear.
  void seek(const std::string& client_token, const std::string& cluster);
  void end_search(const std::string& client_token) { sought_.erase(client_token); }
  // It is sought, and ECS may not show yet what was launched.
  bool may_be_hidden(const std::string& client_token) const;
  bool is_sought(const std::string& client_token) const { return sought_.contains(client_token); }
  // The table has all that run then; the first time also what has ended of late. A list that was made not
  // long ago is not made again, unless AWS has refused our credentials since. Only the configured cluster
  // must answer. Besides, others() are known then.
  Awaitable<Status> list_now_and_then();
  // The one that was launched with this token; null: none, and a list of all was made to know it, also of the
  // cluster that it may have been launched in. unsupported: it cannot be reached.
  Awaitable<Result<Tracked*>> find(std::string client_token);
  // Tasks that run and have our `startedBy`, but not our tags: ARN → whose they are by their tags, if
  // anybody's.
  const std::map<std::string, InstallationId>& others() const { return others_; }
  // Whether a list has succeeded.
  bool has_listed() const { return listed_.is_set(); }

 private:
  using Arns = std::set<std::string>;
  struct Listed {
    Arns running, stopped;
    bool has(const std::string& arn) const { return running.contains(arn) || stopped.contains(arn); }
  };

  Awaitable<Status> list_all(bool with_stopped);
  std::map<std::string, std::string> list_clusters() const;
  Awaitable<Result<Listed>> list_cluster(std::string cluster, bool with_stopped);
  void note_elsewhere(const std::string& cluster, const Result<Listed>& listed);
  Arns list_unknown(const Listed& listed) const;
  void look_at_unlisted(const std::string& cluster, const Listed& listed, Instant begun);
  Awaitable<Status> learn(Arns arns);
  void adopt(Task task);

  Shared& shared_;
  TaskFollower& follower_;
  runtime::Gate listing_;
  Instant listed_;          // even, the start of the last list that succeeded
  Instant stopped_listed_;  // of the last one with those that have stopped
  std::map<std::string, InstallationId> others_;
  Arns stopped_others_;                              // tasks that have stopped and are not ours
  std::map<std::string, std::string> out_of_reach_;  // token → why
  struct Sought {
    std::string cluster;
    Instant since;  // even; of the last call whose answer was not clear
  };
  std::map<std::string, Sought> sought_;                   // by token
  std::map<std::string, std::optional<Error>> elsewhere_;  // name of a cluster → why it did not answer last
};

}  // namespace footman::cloud::ecs
