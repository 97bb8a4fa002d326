#include "cloud/ecs/api.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "aws/json_fields.hpp"
#include "base/check.hpp"

namespace footman::cloud::ecs {
namespace {

namespace json = boost::json;
using aws::ApiCategory;
using aws::Call;
using aws::CallFailure;
using aws::Charge;
using aws::Urgency;
using footman::aws::text_of;

constexpr std::string_view kNoDefinition = "Unable to describe task definition";
constexpr std::string_view kNoCluster = "ClusterNotFoundException";
constexpr std::size_t kMaxPages = 1000;  // of a list: 100,000 tasks

Call make_call(std::string operation, const json::object& body, bool idempotent, std::vector<Charge> charges,
               Urgency urgency) {
  return {std::move(operation), json::serialize(body), {}, idempotent, std::move(charges), urgency};
}

// An answer of AWS that is not what its API says: nobody knows what was done.
CallFailure strange(const std::string& operation, const std::string& what) {
  CallFailure failure;
  failure.message = fmt::format("the answer of ECS to {} is strange: {}", operation, what);
  return failure;
}

const json::array& list_of(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

CallResult<TaskAnswer> read_tasks(const std::string& answer, const std::string& operation) {
  auto read = footman::ecs::parse_task_answer(answer);
  if (!read) return std::unexpected(strange(operation, describe(read.error())));
  return std::move(*read);
}

CallResult<DefinitionState> read_definition(const json::object& answer, const std::string& operation) {
  const auto* found = answer.if_contains("taskDefinition");
  if (found == nullptr || !found->is_object())
    return std::unexpected(strange(operation, "it has no taskDefinition"));
  const auto& definition = found->get_object();
  DefinitionState state{text_of(definition, "taskDefinitionArn"), text_of(definition, "status"), *found};
  if (state.arn.empty()) return std::unexpected(strange(operation, "the task definition has no ARN"));
  return state;
}

// Of DescribeTaskDefinition, with tags.
CallResult<DefinitionFacts> read_facts(const json::object& answer) {
  auto state = read_definition(answer, "DescribeTaskDefinition");
  if (!state) return std::unexpected(std::move(state).error());
  const auto& definition = answer.at("taskDefinition").get_object();
  DefinitionFacts facts{std::move(state->arn), {}, {}, {}};
  if (const auto* at = definition.if_contains("registeredAt"); at != nullptr && at->is_number())
    facts.registered = Instant{} + Duration(static_cast<std::int64_t>(at->to_number<double>() * 1e6));
  if (const auto* platform = definition.if_contains("runtimePlatform");
      platform != nullptr && platform->is_object())
    facts.architecture = text_of(platform->get_object(), "cpuArchitecture");
  for (const auto& tag : list_of(answer, "tags"))
    if (tag.is_object()) facts.tags[text_of(tag.get_object(), "key")] = text_of(tag.get_object(), "value");
  return facts;
}

// ECS has no code of its own for it.
bool says(const CallFailure& failure, std::string_view words) {
  return failure.definite && failure.message.find(words) != std::string::npos;
}

// ECS deletes no cluster in which tasks run: a task whose own is not there any more is not, either. Where the
// cluster is named as it is configured, that may be wrong.
bool is_cluster_gone(const CallFailure& failure, std::string_view task) {
  return failure.definite && failure.code == kNoCluster && TaskPlaces::tells_cluster(task);
}

// ECS does not say which cluster it does not find.
std::unexpected<CallFailure> explain(CallFailure failure, std::string_view cluster,
                                     const TaskPlaces& places) {
  if (failure.code == kNoCluster) {
    failure.failure = model::FailureClass::configuration;
    const auto why =
        places.is_home(cluster)
            ? fmt::format("'{}' in this account and region: see 'cluster' and 'region' of the cloud", cluster)
            : fmt::format(
                  "'{}' any more, in which agents were launched, or may have been: where one stays "
                  "in the list of agents, make an empty cluster of that name until it is gone",
                  cluster);
    failure.message = fmt::format("ECS has no cluster {} ({})", why, failure.message);
  }
  return std::unexpected(std::move(failure));
}

}  // namespace

Awaitable<CallResult<TaskAnswer>> Api::run_task(Secret request, LaunchQuota quota) {
  std::vector<Charge> charges{{ApiCategory::cluster_resource_modify}};
  if (quota == LaunchQuota::fargate) charges.push_back({ApiCategory::fargate_launch});
  if (quota == LaunchQuota::fargate_spot) charges.push_back({ApiCategory::fargate_spot_launch});
  Call call{"RunTask", std::string(request.expose()), {}, true, std::move(charges), Urgency::launch};
  auto answer = co_await client_.call_text(std::move(call));
  if (!answer) co_return explain(std::move(answer).error(), places_.home(), places_);
  auto tasks = read_tasks(*answer, "RunTask");
  if (tasks && tasks->tasks.empty() && tasks->failures.empty())
    co_return std::unexpected(strange("RunTask", "neither a task nor a failure"));
  co_return tasks;
}

Awaitable<CallResult<std::optional<Task>>> Api::stop_task(std::string arn, std::string reason) {
  const auto cluster = places_.cluster_of(arn);
  auto answer = co_await client_.call_json(
      make_call("StopTask", {{"cluster", cluster}, {"task", arn}, {"reason", std::move(reason)}}, true,
                {{ApiCategory::cluster_resource_modify}}, Urgency::terminate));
  if (!answer) {
    if (says(answer.error(), "The referenced task was not found") || is_cluster_gone(answer.error(), arn))
      co_return std::optional<Task>();
    co_return explain(std::move(answer).error(), cluster, places_);
  }
  const auto* found = answer->if_contains("task");
  if (found == nullptr) co_return std::unexpected(strange("StopTask", "it has no task"));
  auto read = read_tasks(json::serialize(json::object{{"tasks", json::array{*found}}}), "StopTask");
  if (!read) co_return std::unexpected(std::move(read).error());
  co_return std::move(read->tasks.front());
}

Awaitable<CallResult<TaskAnswer>> Api::describe_tasks(std::vector<std::string> arns) {
  FOOTMAN_CHECK(!arns.empty() && arns.size() <= kDescribedAtOnce,
                "so many tasks cannot be described at once");
  const auto cluster = places_.cluster_of(arns.front());
  auto answer =
      co_await client_.call_text(make_call("DescribeTasks",
                                           {{"cluster", cluster},
                                            {"tasks", json::array(arns.begin(), arns.end())},
                                            {"include", json::array{"TAGS"}}},
                                           true, {{ApiCategory::cluster_resource_read}}, Urgency::read));
  if (!answer && is_cluster_gone(answer.error(), arns.front())) {
    TaskAnswer none;
    for (auto& arn : arns) none.failures.push_back({std::move(arn), std::string(kMissing), {}});
    co_return none;
  }
  if (!answer) co_return explain(std::move(answer).error(), cluster, places_);
  co_return read_tasks(*answer, "DescribeTasks");
}

Awaitable<CallResult<std::vector<std::string>>> Api::list_running(std::string cluster,
                                                                  std::string started_by) {
  return list_tasks(std::move(cluster), "startedBy", std::move(started_by));
}

Awaitable<CallResult<std::vector<std::string>>> Api::list_stopped(std::string cluster) {
  return list_tasks(std::move(cluster), "desiredStatus", "STOPPED");
}

Awaitable<CallResult<std::vector<std::string>>> Api::list_tasks(std::string cluster, std::string filter,
                                                                std::string value) {
  auto arns = co_await list_pages(make_call("ListTasks", {{"cluster", cluster}, {filter, std::move(value)}},
                                            true, {{ApiCategory::cluster_resource_read}}, Urgency::read),
                                  "taskArns");
  if (!arns) co_return explain(std::move(arns).error(), cluster, places_);
  co_return std::move(*arns);
}

// The texts of a list in all of its pages. `call`: of the first one.
Awaitable<CallResult<std::vector<std::string>>> Api::list_pages(Call call, std::string member) {
  auto request = json::parse(call.body).get_object();
  std::vector<std::string> out;
  for (std::size_t page = 0; page < kMaxPages; ++page) {
    auto answer = co_await client_.call_json(call);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    for (const auto& one : list_of(*answer, member)) {
      if (!one.is_string()) co_return std::unexpected(strange(call.operation, "an entry that is no text"));
      out.emplace_back(one.get_string());
    }
    auto next = text_of(*answer, "nextToken");
    if (next.empty()) co_return out;
    request["nextToken"] = next;
    call.body = json::serialize(request);
  }
  co_return std::unexpected(strange(call.operation, fmt::format("it has more than {} pages", kMaxPages)));
}

Awaitable<CallResult<std::optional<DefinitionState>>> Api::describe_definition(std::string name) {
  auto answer =
      co_await client_.call_json(make_call("DescribeTaskDefinition", {{"taskDefinition", std::move(name)}},
                                           true, {{ApiCategory::task_definition_read}}, Urgency::launch));
  if (!answer) {
    if (says(answer.error(), kNoDefinition)) co_return std::optional<DefinitionState>();
    co_return std::unexpected(std::move(answer).error());
  }
  auto state = read_definition(*answer, "DescribeTaskDefinition");
  if (!state) co_return std::unexpected(std::move(state).error());
  co_return std::move(*state);
}

// Not idempotent: each success makes a revision. A second one would do no harm, but is not asked for.
Awaitable<CallResult<DefinitionState>> Api::register_definition(std::string request) {
  Call call{"RegisterTaskDefinition", std::move(request), {}, false, {{ApiCategory::task_definition_modify}},
            Urgency::launch};
  auto answer = co_await client_.call_json(std::move(call));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  co_return read_definition(*answer, "RegisterTaskDefinition");
}

Awaitable<CallResult<std::vector<std::string>>> Api::list_families(std::string prefix, std::string status) {
  return list_pages(make_call("ListTaskDefinitionFamilies",
                              {{"familyPrefix", std::move(prefix)}, {"status", std::move(status)}}, true,
                              {{ApiCategory::task_definition_read}}, Urgency::read),
                    "families");
}

Awaitable<CallResult<std::vector<std::string>>> Api::list_inactive(std::string family) {
  return list_pages(
      make_call("ListTaskDefinitions", {{"familyPrefix", std::move(family)}, {"status", "INACTIVE"}}, true,
                {{ApiCategory::task_definition_read}}, Urgency::read),
      "taskDefinitionArns");
}

Awaitable<CallResult<std::optional<DefinitionFacts>>> Api::look_at_definition(std::string name) {
  auto answer = co_await client_.call_json(make_call(
      "DescribeTaskDefinition", {{"taskDefinition", std::move(name)}, {"include", json::array{"TAGS"}}}, true,
      {{ApiCategory::task_definition_read}}, Urgency::read));
  if (!answer) {
    if (says(answer.error(), kNoDefinition)) co_return std::optional<DefinitionFacts>();
    co_return std::unexpected(std::move(answer).error());
  }
  auto facts = read_facts(*answer);
  if (!facts) co_return std::unexpected(std::move(facts).error());
  co_return std::move(*facts);
}

Awaitable<CallResult<void>> Api::deregister_definition(std::string arn) {
  const auto answer =
      co_await client_.call_json(make_call("DeregisterTaskDefinition", {{"taskDefinition", std::move(arn)}},
                                           true, {{ApiCategory::task_definition_modify}}, Urgency::read));
  if (answer || says(answer.error(), "inactive") || says(answer.error(), kNoDefinition))
    co_return CallResult<void>();
  co_return std::unexpected(answer.error());
}

Awaitable<CallResult<void>> Api::delete_definition(std::string arn) {
  const auto answer =
      co_await client_.call_json(make_call("DeleteTaskDefinitions", {{"taskDefinitions", json::array{arn}}},
                                           true, {{ApiCategory::task_definition_delete}}, Urgency::read));
  if (!answer) co_return std::unexpected(answer.error());
  const auto& failures = list_of(*answer, "failures");
  if (failures.empty() || !failures.front().is_object()) co_return CallResult<void>();
  CallFailure failure;
  failure.definite = true;
  failure.message = fmt::format("{}: {}", arn, text_of(failures.front().get_object(), "reason"));
  co_return std::unexpected(std::move(failure));
}

Awaitable<CallResult<std::optional<footman::ecs::LogPlace>>> Api::find_log_place(std::string definition,
                                                                                 std::string container) {
  auto answer = co_await client_.call_json(make_call("DescribeTaskDefinition",
                                                     {{"taskDefinition", std::move(definition)}}, true,
                                                     {{ApiCategory::task_definition_read}}, Urgency::read));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  const auto* found = answer->if_contains("taskDefinition");
  if (found == nullptr || !found->is_object())
    co_return std::unexpected(strange("DescribeTaskDefinition", "it has no taskDefinition"));
  co_return footman::ecs::find_log_place(found->get_object(), container);
}

}  // namespace footman::cloud::ecs
