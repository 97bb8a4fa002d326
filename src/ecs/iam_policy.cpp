#include "ecs/iam_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <string_view>

#include "ecs/capacity.hpp"
#include "ecs/forms.hpp"
#include "ecs/log_place.hpp"
#include "ecs/run_task.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/trust_policy.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;
using Names = std::set<std::string>;  // sorted, so that the document is always the same

constexpr std::string_view kInfrastructureService = "ecs.amazonaws.com";

// "https://sqs.eu-central-1.amazonaws.com/123456789012/events"
struct Queue {
  std::string account, name;
};
Queue find_queue(std::string_view url) {
  const auto name = url.rfind('/');
  if (name == std::string_view::npos) return {};
  const auto before = url.substr(0, name);
  const auto account = before.substr(before.rfind('/') + 1);
  return {is_account(account) ? std::string(account) : "", std::string(url.substr(name + 1))};
}

json::array list_of(const Names& names) { return json::array(names.begin(), names.end()); }

class Writer {
 public:
  Writer(const CloudOptions& cloud, const std::string& account)
      : cloud_(cloud), account_(account), partition_(find_partition(cloud.region)) {
    const auto given = find_arn(cloud.cluster);
    cluster_arn_ = given ? cloud.cluster : ecs_arn("cluster/" + cluster_name());
  }

  Status add(const TemplateName& name, const TemplateOptions& options) {
    chooses_subnets_ |= uses_awsvpc(options) && options.subnets.size() > 1;
    add_role(options.task_role, task_roles_);
    add_role(options.execution_role, task_roles_);
    for (const auto& volume : options.volumes)
      if (volume.ebs) add_role(volume.ebs->role_arn, infrastructure_roles_);
    if (!options.task_definition.empty()) {
      add_existing(name, options);
      return {};
    }
    FOOTMAN_TRY(const auto made,
                make_task_definition(options, cloud_, {InstallationId("any"), name, cloud_.region}));
    registers_ = true;
    definitions_.insert(ecs_arn(fmt::format("task-definition/{}*", kFamilyPrefix)));
    add_made(made);  // a patch may name another log
    return {};
  }

  IamPolicy write() {
    launch();
    allow("FollowAgents", {"ecs:DescribeTasks"}, {task_arns()}, in_cluster());
    allow("EndAgents", {"ecs:StopTask"}, {task_arns()}, of_footman());
    allow("FindAgents", {"ecs:ListTasks"}, {"*"}, in_cluster());
    allow("ReadDefinitions", {"ecs:DescribeTaskDefinition"}, {"*"});  // it knows no narrower resource
    if (registers_) retire();
    tag();
    if (chooses_subnets_)
      allow("SeeFreeAddresses", {"ec2:DescribeSubnets"}, {"*"});  // it knows no narrower resource
    pass("PassRolesToTasks", task_roles_, kTaskService);
    pass("PassRolesToEcs", infrastructure_roles_, kInfrastructureService);
    if (!logs_.empty()) allow("ReadLastLines", {"logs:GetLogEvents"}, logs_);
    follow_queue();
    note_assumed_role();
    return {json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements_)}},
            std::move(notes_)};
  }

 private:
  std::string ecs_arn(const std::string& resource) const {
    return fmt::format("arn:{}:ecs:{}:{}:{}", partition_, cloud_.region, account_, resource);
  }
  std::string cluster_name() const {
    if (cloud_.cluster.empty()) return "default";
    const auto arn = find_arn(cloud_.cluster);
    return arn ? arn->resource.substr(arn->resource.find('/') + 1) : cloud_.cluster;
  }
  std::string task_arns() const { return ecs_arn(fmt::format("task/{}/*", cluster_name())); }
  json::object in_cluster() const { return {{"ArnEquals", {{"ecs:cluster", cluster_arn_}}}}; }

  // Others' tasks in the cluster do not have the tag.
  json::object of_footman() const {
    auto condition = in_cluster();
    condition["StringLike"] = json::object{{installation_key(), "*"}};
    return condition;
  }
  std::string installation_key() const {
    return fmt::format("aws:ResourceTag/{}{}", cloud_.tag_prefix, kInstallationTag);
  }

  static void add_role(const std::string& role, Names& roles) {
    if (!role.empty()) roles.insert(role);
  }

  void add_made(const TaskDefinition& made) {
    boost::system::error_code error;
    const auto value = json::parse(made.request, error);
    const auto* definition = error ? nullptr : value.if_object();
    if (definition == nullptr) return;
    const auto log = find_log_place(*definition, made.container);
    if (log && (log->region.empty() || log->region == cloud_.region))
      logs_.insert(fmt::format("arn:{}:logs:{}:{}:log-group:{}:log-stream:{}*", partition_, cloud_.region,
                               account_, log->group, log->stream_prefix));
  }

  // A family alone means its newest revision.
  void add_existing(const TemplateName& name, const TemplateOptions& options) {
    const auto& said = options.task_definition;
    const auto arn = find_arn(said) ? said : ecs_arn("task-definition/" + said);
    definitions_.insert(arn);
    if (!names_revision(arn)) definitions_.insert(arn + ":*");
    if (options.task_role.empty() || options.execution_role.empty())
      notes_.push_back(
          fmt::format("the template '{}' uses the task definition {}: add the roles that stand in it to the "
                      "statement PassRolesToTasks, or name them in the template",
                      name.str(), said));
    notes_.push_back(
        fmt::format("the template '{}' uses the task definition {}: what its agents said last is shown where "
                    "logs:GetLogEvents is allowed on the log group that stands in it",
                    name.str(), said));
  }

  void allow(std::string_view name, const Names& actions, const Names& resources,
             json::object condition = {}) {
    json::object statement{
        {"Sid", name}, {"Effect", "Allow"}, {"Action", list_of(actions)}, {"Resource", list_of(resources)}};
    if (!condition.empty()) statement["Condition"] = std::move(condition);
    statements_.push_back(std::move(statement));
  }

  void launch() {
    if (!definitions_.empty()) allow("LaunchAgents", {"ecs:RunTask"}, definitions_, in_cluster());
    if (registers_)
      allow("RegisterDefinitions", {"ecs:RegisterTaskDefinition"},
            {ecs_arn(fmt::format("task-definition/{}*", kFamilyPrefix))});
  }

  // Deregistering and listing know no narrower resource.
  void retire() {
    allow("RetireDefinitions",
          {"ecs:DeregisterTaskDefinition", "ecs:ListTaskDefinitionFamilies", "ecs:ListTaskDefinitions"},
          {"*"});
    allow("DeleteDefinitions", {"ecs:DeleteTaskDefinitions"},
          {ecs_arn(fmt::format("task-definition/{}*", kFamilyPrefix))},
          {{"StringLike", {{installation_key(), "*"}}}});
  }

  // Only what is being made.
  void tag() {
    Names makers{"RunTask"};
    Names made{task_arns()};
    if (registers_) {
      makers.insert("RegisterTaskDefinition");
      made.insert(ecs_arn(fmt::format("task-definition/{}*", kFamilyPrefix)));
    }
    allow("TagWhatIsMade", {"ecs:TagResource"}, made,
          {{"StringEquals", {{"ecs:CreateAction", list_of(makers)}}}});
  }

  void pass(std::string_view name, const Names& roles, std::string_view service) {
    if (!roles.empty())
      allow(name, {"iam:PassRole"}, roles, {{"StringEquals", {{"iam:PassedToService", service}}}});
  }

  void follow_queue() {
    if (const auto queue = make_queue_arn(cloud_, account_); !queue.empty())
      allow("ReceiveEvents", {"sqs:DeleteMessage", "sqs:ReceiveMessage"}, {queue});
  }

  void note_assumed_role() {
    const auto& role = cloud_.credentials.assume_role.role_arn;
    if (!role.empty())
      notes_.push_back(fmt::format(
          "it belongs to the role {}; the credentials that assume it need sts:AssumeRole on that role",
          role));
  }

  const CloudOptions& cloud_;
  const std::string& account_;
  std::string partition_;
  std::string cluster_arn_;
  bool registers_ = false;        // definitions of our own
  bool chooses_subnets_ = false;  // among several
  Names definitions_, task_roles_, infrastructure_roles_;
  Names logs_;  // streams of the agents
  json::array statements_;
  std::vector<std::string> notes_;
};

}  // namespace

std::string find_account(const CloudOptions& cloud, const NamedTemplates& templates) {
  std::vector<std::string> arns{cloud.cluster, cloud.credentials.assume_role.role_arn};
  for (const auto& [name, options] : templates)
    arns.insert(arns.end(), {options.task_role, options.execution_role, options.task_definition});
  for (const auto& text : arns)
    if (const auto arn = find_arn(text); arn && is_account(arn->account)) return arn->account;
  return find_queue(cloud.event_queue_url).account;
}

std::string make_queue_arn(const CloudOptions& cloud, const std::string& account) {
  if (cloud.event_queue_url.empty()) return {};
  const auto queue = find_queue(cloud.event_queue_url);
  return fmt::format("arn:{}:sqs:{}:{}:{}", find_partition(cloud.region), cloud.region,
                     queue.account.empty() ? account : queue.account, queue.name);
}

void note_size(IamPolicy& policy) {
  const auto size = json::serialize(policy.document).size();
  if (size <= kMaxManagedPolicy) return;
  policy.notes.push_back(fmt::format(
      "it has {} characters without white space, and IAM takes {} in one managed policy and {} in all inline "
      "policies of a role together: put some of its statements in a managed policy of their own, or, where "
      "the templates' roles share the begin of their names, write one pattern (role/ci-*) for them in "
      "PassRolesToTasks",
      size, kMaxManagedPolicy, kMaxInlinePolicies));
}

Result<IamPolicy> make_iam_policy(const CloudOptions& cloud, const NamedTemplates& templates,
                                  const std::string& account) {
  if (!is_account(account))
    return fail(Errc::invalid_argument, "an AWS account has twelve digits", "account");
  if (const auto cluster = find_arn(cloud.cluster); cluster && cluster->account != account)
    return fail(Errc::invalid_argument, fmt::format("the cluster is in the account {}", cluster->account),
                "account");
  if (find_partition(cloud.region).empty())
    return fail(Errc::invalid_argument, "an AWS region was expected, like eu-central-1", "region");
  Writer writer(cloud, account);
  for (const auto& [name, options] : templates) FOOTMAN_TRY_STATUS(writer.add(name, options));
  auto policy = writer.write();
  note_size(policy);
  return policy;
}

}  // namespace footman::ecs
