// IAM, CloudWatch Logs, ECR, Service Quotas, SQS, EFS, and clusters.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "aws/json_fields.hpp"
#include "cloud/ecs/survey_calls.hpp"
#include "net/http.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
namespace json = boost::json;
using aws::Call;
using aws::CallFailure;
using footman::aws::text_of;

constexpr std::size_t kSimulatedAtOnce = 100;  // results: more than actions of ours

Call look_up(std::string operation, const json::object& body) {
  return {std::move(operation), json::serialize(body), {}, true, {}, aws::Urgency::read};
}

CallFailure odd(const std::string& what) {
  CallFailure failure;
  failure.message = what;
  return failure;
}

const json::array& items_of(const json::object& object, std::string_view name) {
  static const json::array none;
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

// "Not there" as a value, whatever the service calls it.
template <class T>
bool is_absent(const CallResult<T>& answer, std::string_view code) {
  return !answer && answer.error().code == code;
}

ecs::RoleFacts read_role(const aws::XmlElement& role) {
  const auto encoded = role.text("AssumeRolePolicyDocument");
  return {role.text("RoleName"), role.text("Arn"), net::percent_decode(encoded).value_or(encoded)};
}

// Of an index; an image of its own does not tell without its configuration.
std::set<ecs::CpuArchitecture> read_architectures(const std::string& manifest) {
  std::set<ecs::CpuArchitecture> out;
  boost::system::error_code error;
  const auto value = json::parse(manifest, error);
  if (error || !value.is_object()) return out;
  for (const auto& one : items_of(value.get_object(), "manifests")) {
    const auto* object = one.if_object();
    const auto* platform = object == nullptr ? nullptr : object->if_contains("platform");
    if (platform == nullptr || !platform->is_object()) continue;
    const auto architecture = text_of(platform->get_object(), "architecture");
    if (architecture == "amd64") out.insert(ecs::CpuArchitecture::x86_64);
    if (architecture == "arm64") out.insert(ecs::CpuArchitecture::arm64);
  }
  return out;
}

ecs::FileSystemFacts read_file_system(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return {};
  return {text_of(*object, "FileSystemId"), text_of(*object, "Name")};
}

Call file_systems_call(aws::Query query) {
  return {"DescribeFileSystems",     {}, std::move(query), true, {}, aws::Urgency::read,
          "/2015-02-01/file-systems"};
}

}  // namespace

// --- IAM

Awaitable<CallResult<std::optional<ecs::RoleFacts>>> get_role(aws::Client& iam, std::string name) {
  const auto answer =
      co_await iam.call_query({"GetRole", {}, {{"RoleName", std::move(name)}}, true, {}, aws::Urgency::read});
  if (is_absent(answer, "NoSuchEntity")) co_return std::optional<ecs::RoleFacts>();
  if (!answer) co_return std::unexpected(answer.error());
  const auto roles = answer->list("GetRoleResponse/GetRoleResult/Role");
  if (roles.empty()) co_return std::unexpected(odd("the answer of IAM to GetRole has no role"));
  co_return read_role(roles.front());
}

Awaitable<CallResult<std::vector<ecs::RoleFacts>>> list_roles(aws::Client& iam) {
  std::vector<ecs::RoleFacts> out;
  aws::Query parameters;
  for (std::size_t page = 0; page < kMaxSurveyPages; ++page) {
    const auto answer = co_await iam.call_query({"ListRoles", {}, parameters, true, {}, aws::Urgency::read});
    if (!answer) co_return std::unexpected(answer.error());
    const std::string place = "ListRolesResponse/ListRolesResult/";
    for (const auto& one : answer->list(place + "Roles/member")) out.push_back(read_role(one));
    if (answer->text(place + "IsTruncated") != "true") co_return out;
    parameters = {{"Marker", answer->text(place + "Marker")}};
  }
  co_return std::unexpected(odd(fmt::format("iam ListRoles: more than {} pages", kMaxSurveyPages)));
}

Awaitable<CallResult<std::vector<ecs::Decision>>> simulate_policy(aws::Client& iam, std::string principal,
                                                                  ecs::Texts actions, std::string resource,
                                                                  ecs::TextMap context) {
  aws::Query parameters{{"PolicySourceArn", std::move(principal)},
                        {"ResourceArns.member.1", resource},
                        {"MaxItems", fmt::to_string(kSimulatedAtOnce)}};
  std::size_t number = 0;
  for (const auto& action : actions)
    parameters.emplace_back(fmt::format("ActionNames.member.{}", ++number), action);
  number = 0;
  for (const auto& [key, value] : context) {
    const auto entry = fmt::format("ContextEntries.member.{}.", ++number);
    parameters.emplace_back(entry + "ContextKeyName", key);
    parameters.emplace_back(entry + "ContextKeyType", "string");
    parameters.emplace_back(entry + "ContextKeyValues.member.1", value);
  }
  const auto answer = co_await iam.call_query(
      {"SimulatePrincipalPolicy", {}, std::move(parameters), true, {}, aws::Urgency::read});
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<ecs::Decision> out;
  for (const auto& one :
       answer->list("SimulatePrincipalPolicyResponse/SimulatePrincipalPolicyResult/EvaluationResults/member"))
    out.push_back({one.text("EvalActionName"), resource, one.text("EvalDecision")});
  if (out.size() != actions.size())
    co_return std::unexpected(
        odd("the answer of IAM to SimulatePrincipalPolicy is not about what was asked"));
  co_return out;
}

// --- ECS

Awaitable<CallResult<std::optional<ecs::ClusterFacts>>> describe_cluster(aws::Client& ecs,
                                                                         std::string cluster) {
  const auto answer =
      co_await ecs.call_json(look_up("DescribeClusters", {{"clusters", json::array{json::value(cluster)}}}));
  if (!answer) co_return std::unexpected(answer.error());
  const auto& found = items_of(*answer, "clusters");
  if (found.empty() || !found.front().is_object()) co_return std::optional<ecs::ClusterFacts>();
  const auto& one = found.front().get_object();
  ecs::ClusterFacts out{text_of(one, "clusterArn"), text_of(one, "status"), 0, {}};
  const auto* instances = one.if_contains("registeredContainerInstancesCount");
  if (instances != nullptr && instances->is_int64() && instances->get_int64() > 0)
    out.instances = static_cast<std::uint32_t>(std::min<std::int64_t>(instances->get_int64(), UINT32_MAX));
  for (const auto& provider : items_of(one, "capacityProviders"))
    if (provider.is_string()) out.capacity_providers.emplace_back(provider.get_string());
  co_return out;
}

// ECS has no code of its own for one that is not there.
Awaitable<CallResult<std::optional<json::value>>> find_definition(aws::Client& ecs, std::string name) {
  const auto answer =
      co_await ecs.call_json(look_up("DescribeTaskDefinition", {{"taskDefinition", std::move(name)}}));
  if (!answer && answer.error().message.find("Unable to describe task definition") != std::string::npos)
    co_return std::optional<json::value>();
  if (!answer) co_return std::unexpected(answer.error());
  const auto* found = answer->if_contains("taskDefinition");
  if (found == nullptr || !found->is_object())
    co_return std::unexpected(odd("ecs DescribeTaskDefinition: it has no taskDefinition"));
  co_return *found;
}

Awaitable<CallResult<ecs::Texts>> list_clusters(aws::Client& ecs) {
  ecs::Texts out;
  json::object request;
  for (std::size_t page = 0; page < kMaxSurveyPages; ++page) {
    const auto answer = co_await ecs.call_json(look_up("ListClusters", request));
    if (!answer) co_return std::unexpected(answer.error());
    for (const auto& arn : items_of(*answer, "clusterArns"))
      if (arn.is_string()) out.emplace_back(arn.get_string().subview(arn.get_string().rfind('/') + 1));
    const auto next = text_of(*answer, "nextToken");
    if (next.empty()) co_return out;
    request["nextToken"] = next;
  }
  co_return std::unexpected(odd(fmt::format("ecs ListClusters: more than {} pages", kMaxSurveyPages)));
}

// --- CloudWatch Logs, ECR, Service Quotas

// Of those with the prefix the name itself comes first.
Awaitable<CallResult<bool>> find_log_group(aws::Client& logs, std::string name) {
  const auto answer = co_await logs.call_json(look_up("DescribeLogGroups", {{"logGroupNamePrefix", name}}));
  if (!answer) co_return std::unexpected(answer.error());
  co_return std::ranges::any_of(items_of(*answer, "logGroups"), [&](const auto& one) {
    return one.is_object() && text_of(one.get_object(), "logGroupName") == name;
  });
}

Awaitable<CallResult<ecs::Texts>> list_log_groups(aws::Client& logs) {
  ecs::Texts out;
  json::object request;
  for (std::size_t page = 0; page < kMaxSurveyPages; ++page) {
    const auto answer = co_await logs.call_json(look_up("DescribeLogGroups", request));
    if (!answer) co_return std::unexpected(answer.error());
    for (const auto& one : items_of(*answer, "logGroups"))
      if (one.is_object()) out.push_back(text_of(one.get_object(), "logGroupName"));
    const auto next = text_of(*answer, "nextToken");
    if (next.empty()) co_return out;
    request = {{"nextToken", next}};
  }
  co_return std::unexpected(odd(fmt::format("logs DescribeLogGroups: more than {} pages", kMaxSurveyPages)));
}

Awaitable<CallResult<std::optional<ecs::ImageFacts>>> find_image(aws::Client& ecr, ecs::EcrImage image) {
  json::object id;
  if (image.digest.empty())
    id["imageTag"] = image.tag;
  else
    id["imageDigest"] = image.digest;
  const auto answer = co_await ecr.call_json(
      look_up("BatchGetImage",
              {{"registryId", image.account},
               {"repositoryName", image.repository},
               {"imageIds", json::array{std::move(id)}},
               {"acceptedMediaTypes", json::array{"application/vnd.oci.image.index.v1+json",
                                                  "application/vnd.docker.distribution.manifest.list.v2+json",
                                                  "application/vnd.oci.image.manifest.v1+json",
                                                  "application/vnd.docker.distribution.manifest.v2+json"}}}));
  if (is_absent(answer, "RepositoryNotFoundException")) co_return std::optional<ecs::ImageFacts>();
  if (!answer) co_return std::unexpected(answer.error());
  const auto& images = items_of(*answer, "images");
  if (images.empty() || !images.front().is_object()) co_return std::optional<ecs::ImageFacts>();
  const auto& one = images.front().get_object();
  ecs::ImageFacts out;
  if (const auto* found = one.if_contains("imageId"); found != nullptr && found->is_object())
    out.digest = text_of(found->get_object(), "imageDigest");
  out.architectures = read_architectures(text_of(one, "imageManifest"));
  co_return out;
}

Awaitable<CallResult<double>> get_quota(aws::Client& quotas, std::string service, std::string code) {
  const auto answer =
      co_await quotas.call_json(look_up("GetServiceQuota", {{"ServiceCode", service}, {"QuotaCode", code}}));
  if (!answer) co_return std::unexpected(answer.error());
  const auto* quota = answer->if_contains("Quota");
  const auto* value =
      quota != nullptr && quota->is_object() ? quota->get_object().if_contains("Value") : nullptr;
  if (value == nullptr || !value->is_number())
    co_return std::unexpected(odd("the answer of Service Quotas to GetServiceQuota has no value"));
  co_return value->to_number<double>();
}

// --- SQS

Awaitable<CallResult<std::optional<ecs::QueueFacts>>> find_queue(aws::Client& sqs, std::string url) {
  const auto answer = co_await sqs.call_json(look_up(
      "GetQueueAttributes", {{"QueueUrl", std::move(url)}, {"AttributeNames", json::array{"Policy"}}}));
  for (const auto* code : {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
    if (is_absent(answer, code)) co_return std::optional<ecs::QueueFacts>();
  if (!answer) co_return std::unexpected(answer.error());
  const auto* attributes = answer->if_contains("Attributes");
  if (attributes == nullptr || !attributes->is_object()) co_return ecs::QueueFacts{};
  co_return ecs::QueueFacts{text_of(attributes->get_object(), "Policy")};
}

// --- EFS

Awaitable<CallResult<bool>> find_file_system(aws::Client& efs, std::string id) {
  const auto answer = co_await efs.call_json(file_systems_call({{"FileSystemId", std::move(id)}}));
  if (is_absent(answer, "FileSystemNotFound")) co_return false;
  if (!answer) co_return std::unexpected(answer.error());
  co_return !items_of(*answer, "FileSystems").empty();
}

Awaitable<CallResult<std::vector<ecs::FileSystemFacts>>> list_file_systems(aws::Client& efs) {
  std::vector<ecs::FileSystemFacts> out;
  aws::Query query;
  for (std::size_t page = 0; page < kMaxSurveyPages; ++page) {
    const auto answer = co_await efs.call_json(file_systems_call(query));
    if (!answer) co_return std::unexpected(answer.error());
    for (const auto& one : items_of(*answer, "FileSystems")) out.push_back(read_file_system(one));
    const auto next = text_of(*answer, "NextMarker");
    if (next.empty()) co_return out;
    query = {{"Marker", next}};
  }
  co_return std::unexpected(odd(fmt::format("efs DescribeFileSystems: more than {} pages", kMaxSurveyPages)));
}

}  // namespace footman::cloud::ecs
