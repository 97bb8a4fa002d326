// The calls of Amazon ECS that Footman makes, each with its rate limits and urgency. Requests and answers are
// those of the API (Amazon ECS API Reference, 2014-11-13); what is read of an answer is checked.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cloud/aws/client.hpp"
#include "cloud/ecs/task_places.hpp"
#include "ecs/log_place.hpp"
#include "ecs/task.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;
using aws::CallResult;
using footman::ecs::Task;
using footman::ecs::TaskAnswer;
using runtime::Awaitable;

inline constexpr std::size_t kDescribedAtOnce = 100;  // tasks of one DescribeTasks

// The reason of a failure: ECS does not know the task.
inline constexpr std::string_view kMissing = "MISSING";

// Which quota of Fargate a launch is charged to, besides that of the API.
enum class LaunchQuota { none, fargate, fargate_spot };

struct DefinitionState {
  std::string arn;     // of the revision
  std::string status;  // ACTIVE or INACTIVE
  boost::json::value content;
};

struct DefinitionFacts {
  std::string arn;
  Instant registered;
  std::string architecture;
  footman::ecs::TextMap tags;
};

// On the client's executor; the client outlives all calls. What is asked of a task is asked of the cluster
// that it is in, whatever the configured one is now.
class Api {
 public:
  Api(aws::Client& client, TaskPlaces places) : client_(client), places_(std::move(places)) {}

  const TaskPlaces& places() const { return places_; }

  // `request`: JSON (ecs/run_task.hpp). Repeated by the client, because it carries a client token.
  Awaitable<CallResult<TaskAnswer>> run_task(Secret request, LaunchQuota quota);
  // The task as it is now; nothing: ECS knows no such task, or no longer, or not even its cluster.
  Awaitable<CallResult<std::optional<Task>>> stop_task(std::string arn, std::string reason);
  // At most kDescribedAtOnce, of one cluster (TaskPlaces::by_cluster()); with tags. Unknown ones are failures
  // with kMissing; so are all when their cluster is not there any more.
  Awaitable<CallResult<TaskAnswer>> describe_tasks(std::vector<std::string> arns);
  // All pages. Whatever is not to be stopped, also what only begins.
  Awaitable<CallResult<std::vector<std::string>>> list_running(std::string cluster, std::string started_by);
  // All pages. Whoever started it: ECS takes no other filter with `startedBy`.
  Awaitable<CallResult<std::vector<std::string>>> list_stopped(std::string cluster);

  // The newest active revision, or the one that is named; nothing: there is none.
  Awaitable<CallResult<std::optional<DefinitionState>>> describe_definition(std::string name);
  Awaitable<CallResult<DefinitionState>> register_definition(std::string request);
  // Families that begin so, by their names. `status`: ACTIVE (they have an active revision) or INACTIVE.
  Awaitable<CallResult<std::vector<std::string>>> list_families(std::string prefix, std::string status);
  // The ARNs of its revisions that are not active and not deleted either.
  Awaitable<CallResult<std::vector<std::string>>> list_inactive(std::string family);
  // As describe_definition(), but behind everything else, and with more.
  Awaitable<CallResult<std::optional<DefinitionFacts>>> look_at_definition(std::string name);
  // A revision, by its ARN: nothing is launched from it any more. Of one that is not active: nothing happens.
  Awaitable<CallResult<void>> deregister_definition(std::string arn);
  // One that is not active. AWS deletes it once no task uses it.
  Awaitable<CallResult<void>> delete_definition(std::string arn);
  // Where a container's log is, by the definition of its task, also one that is not active any more.
  Awaitable<CallResult<std::optional<footman::ecs::LogPlace>>> find_log_place(std::string definition,
                                                                              std::string container);

 private:
  Awaitable<CallResult<std::vector<std::string>>> list_tasks(std::string cluster, std::string filter,
                                                             std::string value);
  Awaitable<CallResult<std::vector<std::string>>> list_pages(aws::Call call, std::string member);

  aws::Client& client_;
  TaskPlaces places_;
};

}  // namespace footman::cloud::ecs
