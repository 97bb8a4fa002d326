#include "cloud/ecs/surveyor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "cloud/aws/sts.hpp"
#include "cloud/ecs/survey_calls.hpp"
#include "ecs/forms.hpp"
#include "ecs/trust_policy.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using ecs::Known;
using ecs::NotKnown;
using runtime::Awaitable;

// No permission helps who is not believed to be somebody.
std::string_view why_not_believed(const aws::CallFailure& failure) {
  switch (aws::judge({0, failure.code, {}, {}}).remedy) {
    case aws::Remedy::set_clock:
      return "AWS does not take the signature: this machine's clock or the secret key is wrong";
    case aws::Remedy::renew_credentials:
      return "AWS does not take the credentials";
    default:
      return {};
  }
}

NotKnown as_not_known(const aws::CallFailure& failure, std::string permission) {
  if (const auto why = why_not_believed(failure); !why.empty())
    return {std::move(permission), false, fmt::format("{} ({})", why, failure.message)};
  const bool denied = failure.failure == model::FailureClass::permission && !failure.code.empty();
  return {std::move(permission), denied, failure.message};
}

template <class T>
Known<T> as_known(CallResult<T> result, std::string permission) {
  if (result) return std::move(*result);
  return std::unexpected(as_not_known(result.error(), std::move(permission)));
}

template <class Facts>
std::set<std::string> networks_of(const std::vector<Facts>& list) {
  std::set<std::string> out;
  for (const auto& one : list) out.insert(one.vpc);
  return out;
}

// "role/path/name" → "name"
std::string last_part(std::string_view resource) {
  return std::string(resource.substr(resource.rfind('/') + 1));
}

}  // namespace

Result<std::unique_ptr<Surveyor>> Surveyor::create(ecs::CloudOptions cloud, const aws::Outside& outside,
                                                   aws::CredentialsSource& credentials) {
  auto made = std::unique_ptr<Surveyor>(new Surveyor(std::move(cloud), outside, credentials));
  FOOTMAN_TRY_STATUS(made->make_clients());
  return made;
}

Result<std::unique_ptr<aws::Client>> Surveyor::make_client(const aws::Service& service,
                                                           const std::string& region) const {
  const auto& said = cloud_.endpoint;
  const auto own = said.urls.find(std::string(service.name));
  aws::CallLimits limits;
  limits.time = limits.attempt = kSurveyCallTime;
  return aws::Client::create({service,
                              region,
                              {said.fips, said.dual_stack, own == said.urls.end() ? said.url : own->second},
                              limits},
                             outside_, &credentials_, nullptr);
}

Status Surveyor::make_clients() {
  FOOTMAN_TRY(sts_, make_client(aws::kSts, cloud_.region));
  FOOTMAN_TRY(ecs_, make_client(aws::kEcs, cloud_.region));
  FOOTMAN_TRY(ec2_, make_client(aws::kEc2, cloud_.region));
  FOOTMAN_TRY(iam_, make_client(aws::kIam, cloud_.region));
  FOOTMAN_TRY(logs_, make_client(aws::kLogs, cloud_.region));
  FOOTMAN_TRY(quotas_, make_client(aws::kQuotas, cloud_.region));
  FOOTMAN_TRY(efs_, make_client(aws::kEfs, cloud_.region));
  FOOTMAN_TRY(sqs_, make_client(aws::kSqs, cloud_.region));
  return {};
}

// --- a configuration

Awaitable<ecs::Existing> Surveyor::find_existing(std::set<std::string> names) {
  ecs::Existing out;
  if (names.empty() || !co_await ask_caller()) co_return out;
  for (const auto& name : names) {
    auto found = as_known(co_await find_definition(*ecs_, name), "ecs:DescribeTaskDefinition");
    out.insert_or_assign(name, std::move(found));
  }
  co_return out;
}

Awaitable<ecs::Survey> Surveyor::survey(ecs::Questions questions) {
  ecs::Survey out;
  out.caller = co_await ask_caller();
  out.clock_difference = sts_->last_clock_difference();
  if (!out.caller) co_return out;
  co_await ask_cluster(&questions, &out);
  co_await ask_network(&questions, &out);
  for (const auto& arn : questions.task_roles) co_await ask_role(arn, &out);
  for (const auto& arn : questions.execution_roles)
    if (!out.roles.contains(arn)) co_await ask_role(arn, &out);
  co_await ask_account(&questions, &out);
  for (const auto& image : questions.images) co_await ask_image(image, &out);
  co_return out;
}

Awaitable<Known<ecs::CallerFacts>> Surveyor::ask_caller() {
  auto answer = co_await aws::get_caller_identity(*sts_);
  if (!answer) co_return std::unexpected(as_not_known(answer.error(), "sts:GetCallerIdentity"));
  co_return ecs::CallerFacts{answer->account, answer->arn};
}

Awaitable<void> Surveyor::ask_cluster(const ecs::Questions* questions, ecs::Survey* out) {
  out->cluster = as_known(co_await describe_cluster(*ecs_, questions->cluster), "ecs:DescribeClusters");
  if (out->cluster && !*out->cluster)
    out->clusters = as_known(co_await list_clusters(*ecs_), "ecs:ListClusters");
}

// Routes, endpoints and ACLs of the networks of the subnets.
Awaitable<void> Surveyor::ask_network(const ecs::Questions* questions, ecs::Survey* out) {
  if (!questions->groups.empty())
    out->groups = as_known(co_await describe_security_groups(*ec2_, {"group-id", questions->groups}),
                           "ec2:DescribeSecurityGroups");
  if (!questions->addresses.empty()) co_await ask_server(questions, out);
  if (questions->subnets.empty()) co_return;
  out->subnets =
      as_known(co_await describe_subnets(*ec2_, {"subnet-id", questions->subnets}), "ec2:DescribeSubnets");
  if (!out->subnets || out->subnets->empty()) co_return;
  const Filter within{"vpc-id", networks_of(*out->subnets)};
  out->route_tables = as_known(co_await describe_route_tables(*ec2_, within), "ec2:DescribeRouteTables");
  out->endpoints = as_known(co_await describe_vpc_endpoints(*ec2_, within), "ec2:DescribeVpcEndpoints");
  out->acls = as_known(co_await describe_network_acls(*ec2_, within), "ec2:DescribeNetworkAcls");
}

// What agents connect to, as far as it is in this account and region.
Awaitable<void> Surveyor::ask_server(const ecs::Questions* questions, ecs::Survey* out) {
  const Filter at{"addresses.private-ip-address", questions->addresses};
  out->interfaces =
      as_known(co_await describe_network_interfaces(*ec2_, at), "ec2:DescribeNetworkInterfaces");
  if (!out->interfaces) co_return;
  Filter groups{"group-id", {}};
  for (const auto& one : *out->interfaces) groups.values.insert(one.groups.begin(), one.groups.end());
  if (!groups.values.empty())
    out->interface_groups =
        as_known(co_await describe_security_groups(*ec2_, std::move(groups)), "ec2:DescribeSecurityGroups");
}

// A role of that name may be another one: on another path, or in the account that is asked.
Awaitable<void> Surveyor::ask_role(std::string arn, ecs::Survey* out) {
  auto found = as_known(co_await get_role(*iam_, last_part(arn)), "iam:GetRole");
  if (found && *found && (*found)->arn != arn) found = std::optional<ecs::RoleFacts>();
  out->roles.insert_or_assign(std::move(arn), std::move(found));
}

Awaitable<void> Surveyor::ask_account(const ecs::Questions* questions, ecs::Survey* out) {
  for (const auto& name : questions->log_groups) {
    auto found = as_known(co_await find_log_group(*logs_, name), "logs:DescribeLogGroups");
    out->log_groups.insert_or_assign(name, std::move(found));
  }
  for (const auto& [code, wanted] : {std::pair(ecs::kFargateQuota, questions->fargate),
                                     std::pair(ecs::kFargateSpotQuota, questions->fargate_spot)}) {
    if (!wanted) continue;
    auto found = as_known(co_await get_quota(*quotas_, "fargate", code), "servicequotas:GetServiceQuota");
    out->quotas.insert_or_assign(code, std::move(found));
  }
  if (!questions->event_queue.empty())
    out->event_queue = as_known(co_await find_queue(*sqs_, questions->event_queue), "sqs:GetQueueAttributes");
  for (const auto& id : questions->file_systems) {
    auto found = as_known(co_await find_file_system(*efs_, id), "elasticfilesystem:DescribeFileSystems");
    out->file_systems.insert_or_assign(id, std::move(found));
  }
}

Awaitable<void> Surveyor::ask_image(std::string image, ecs::Survey* out) {
  const auto place = ecs::find_ecr_image(image);
  if (!place) co_return;
  auto& registry = registries_[place->region];
  if (!registry) {
    auto made = make_client(aws::kEcr, place->region);
    if (!made) {
      out->images.insert_or_assign(std::move(image),
                                   std::unexpected(NotKnown{{}, false, describe(made.error())}));
      co_return;
    }
    registry = std::move(*made);
  }
  auto found = as_known(co_await find_image(*registry, *place), "ecr:BatchGetImage");
  out->images.insert_or_assign(std::move(image), std::move(found));
}

// --- permissions

// Whose policies count: of a session its role, whose path the session's ARN does not tell.
Awaitable<Known<std::string>> Surveyor::find_principal(ecs::CallerFacts caller) {
  const auto arn = ecs::find_arn(caller.arn);
  if (!arn) co_return std::unexpected(NotKnown{{}, false, "an odd ARN: " + caller.arn});
  constexpr std::string_view kSession = "assumed-role/";
  if (arn->resource.starts_with("user/")) co_return caller.arn;
  if (!arn->resource.starts_with(kSession))
    co_return std::unexpected(NotKnown{{}, false, "IAM simulates users and roles only, not " + caller.arn});
  const auto rest = std::string_view(arn->resource).substr(kSession.size());
  const std::string name(rest.substr(0, rest.find('/')));
  const auto role = co_await get_role(*iam_, name);
  if (role && *role) co_return (*role)->arn;
  co_return fmt::format("arn:{}:iam::{}:role/{}", arn->partition, arn->account, name);
}

Awaitable<Known<std::vector<ecs::Decision>>> Surveyor::simulate(ecs::CallerFacts caller,
                                                                std::vector<ecs::Wish> wishes) {
  auto principal = co_await find_principal(std::move(caller));
  if (!principal) co_return std::unexpected(principal.error());
  co_return co_await simulate_for(std::move(*principal), std::move(wishes));
}

Awaitable<Known<std::vector<ecs::Decision>>> Surveyor::simulate_for(std::string principal,
                                                                    std::vector<ecs::Wish> wishes) {
  std::vector<ecs::Decision> out;
  for (const auto& wish : wishes)
    for (const auto& resource : wish.resources) {
      auto said = as_known(co_await simulate_policy(*iam_, principal, wish.actions, resource, wish.context),
                           "iam:SimulatePrincipalPolicy");
      if (!said) co_return std::unexpected(std::move(said).error());
      std::ranges::move(*said, std::back_inserter(out));
    }
  co_return out;
}

// --- all there is

Awaitable<ecs::Landscape> Surveyor::list() {
  ecs::Landscape out;
  out.caller = co_await ask_caller();
  if (!out.caller) co_return out;
  out.clusters = as_known(co_await list_clusters(*ecs_), "ecs:ListClusters");
  out.subnets = as_known(co_await describe_subnets(*ec2_, {}), "ec2:DescribeSubnets");
  out.route_tables = as_known(co_await describe_route_tables(*ec2_, {}), "ec2:DescribeRouteTables");
  out.groups = as_known(co_await describe_security_groups(*ec2_, {}), "ec2:DescribeSecurityGroups");
  out.roles = as_known(co_await list_roles(*iam_), "iam:ListRoles");
  if (out.roles)
    std::erase_if(*out.roles, [](const auto& one) { return !ecs::judge_trust(one.trust).tasks; });
  out.file_systems = as_known(co_await list_file_systems(*efs_), "elasticfilesystem:DescribeFileSystems");
  out.log_groups = as_known(co_await list_log_groups(*logs_), "logs:DescribeLogGroups");
  co_return out;
}

}  // namespace footman::cloud::ecs
