#include "ecs/examine.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "ecs/capacity.hpp"
#include "ecs/choices.hpp"
#include "ecs/findings.hpp"
#include "ecs/forms.hpp"
#include "ecs/read_definition.hpp"
#include "ecs/trust_policy.hpp"
#include "model/nearest.hpp"
#include "model/size.hpp"

namespace footman::ecs {
namespace {

using List = std::vector<model::Finding>;

constexpr std::string_view kEventService = "events.amazonaws.com";  // EventBridge

List examine_caller(const Examined& examined, const Survey& survey) {
  Findings out("credentials");
  if (!survey.caller) {
    out.fail(survey.caller.error().why,
             "give Footman credentials: a role of its own on ECS or EC2, else AWS_PROFILE or "
             "AWS_ACCESS_KEY_ID; and see that ecs.region is right and its STS can be reached");
    return out.take();
  }
  const auto& caller = *survey.caller;
  const auto named = find_account(examined.cloud, examined.templates);
  if (!named.empty() && named != caller.account)
    out.fail(fmt::format("the credentials are of the account {}, the configuration names things of {}",
                         caller.account, named),
             "use credentials of that account (ecs.credentials.profile or assume_role), or correct the ARNs");
  else if (caller.arn.ends_with(":root"))
    out.warn(fmt::format("the credentials are those of the account's root user, {}", caller.arn),
             "make a role with what `footman iam-policy` prints, and use that");
  else
    out.ok(fmt::format("{} of the account {}", caller.arn, caller.account));
  return out.take();
}

List examine_region(const Examined& examined, const Survey&) {
  Findings out("region");
  out.ok(fmt::format("{} answers", examined.cloud.region));
  return out.take();
}

List examine_clock(const Examined&, const Survey& survey) {
  Findings out("clock");
  if (!survey.clock_difference) return {};
  const auto difference = std::chrono::abs(*survey.clock_difference);
  if (difference <= kClockTold)
    out.ok("this machine's clock is AWS'");
  else
    out.warn(fmt::format("this machine's clock is {} {} AWS'", format_duration(difference),
                         survey.clock_difference->count() > 0 ? "behind" : "ahead of"),
             "set it, by NTP: Footman signs by AWS' clock, but certificates and histories go by this one");
  return out.take();
}

// What the caller lacks, by action.
List examine_permissions(const Examined&, const Survey& survey) {
  Findings out("permissions");
  if (!survey.permissions) {
    out.unknown("what the credentials may do", survey.permissions.error());
    return out.take();
  }
  std::set<std::string> actions;
  for (const auto& one : *survey.permissions) {
    actions.insert(one.action);
    if (one.allows != "allowed")
      out.fail(fmt::format("IAM does not let the credentials do {} on {} ({})", one.action, one.resource,
                           one.allows),
               "`footman iam-policy` prints what the server needs");
  }
  auto list = out.take();
  if (list.empty() && !actions.empty()) {
    out.ok(fmt::format("IAM's simulation allows all that a server does: {}", fmt::join(actions, ", ")));
    return out.take();
  }
  return list;
}

std::string others_that_there_are(const std::string& wanted, const Known<Texts>& clusters) {
  if (!clusters || clusters->empty()) return {};
  const auto nearest = model::find_nearest(wanted, *clusters);
  if (nearest) return fmt::format("; there is '{}'", *nearest);
  constexpr std::size_t kShown = 10;
  const auto shown = std::min(clusters->size(), kShown);
  return fmt::format(
      "; there are {}{}",
      fmt::join(clusters->begin(), clusters->begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < clusters->size() ? ", …" : "");
}

List examine_cluster(const Examined& examined, const Survey& survey) {
  Findings out("cluster");
  const auto wanted = list_questions(examined.cloud, examined.templates).cluster;
  if (!survey.cluster) {
    out.unknown(fmt::format("the cluster '{}'", wanted), survey.cluster.error());
    return out.take();
  }
  if (!*survey.cluster) {
    out.fail(fmt::format("there is no cluster '{}' in {}{}", wanted, examined.cloud.region,
                         others_that_there_are(wanted, survey.clusters)),
             "correct ecs.cluster or ecs.region, or make it: aws ecs create-cluster");
    return out.take();
  }
  const auto& cluster = **survey.cluster;
  if (cluster.status != "ACTIVE")
    out.fail(fmt::format("the cluster '{}' is {}", wanted, cluster.status), "name one that is ACTIVE");
  else
    out.ok(cluster.arn);
  return out.take();
}

// Of each capacity of a template, its fallbacks too.
template <class Visit>
void for_each_capacity(const Examined& examined, Visit visit) {
  for (const auto& [name, options] : examined.templates) {
    visit(name, options.capacity);
    for (const auto& one : options.fallback_capacities) visit(name, one);
  }
}

List examine_capacity(const Examined& examined, const Survey& survey) {
  Findings out("capacity");
  if (!survey.cluster || !*survey.cluster) return {};
  const auto& cluster = **survey.cluster;
  std::set<std::string> told;
  bool needs_instances = false;
  for_each_capacity(examined, [&](const TemplateName& name, const Capacity& capacity) {
    needs_instances |=
        capacity.kind == CapacityKind::launch_type && capacity.launch_type != LaunchType::fargate;
    for (const auto& provider : capacity.providers) {
      const auto& there = cluster.capacity_providers;
      if (std::ranges::find(there, provider.name) != there.end() || !told.insert(provider.name).second)
        continue;
      out.fail(fmt::format("the cluster has no capacity provider {}, which the template '{}' uses",
                           provider.name, name.str()),
               "add it: aws ecs put-cluster-capacity-providers, which takes the whole list");
    }
  });
  if (needs_instances && cluster.instances == 0)
    out.warn("the cluster has no container instance, and templates of launch type EC2 or EXTERNAL need one",
             "register instances, or use FARGATE");
  return out.take();
}

struct RoleUse {
  std::string_view what;  // "task role"
  bool only_tasks;        // agents prove who they are with it
};

void examine_trust(const RoleFacts& role, const RoleUse& use, Findings& out) {
  const auto trust = judge_trust(role.trust);
  if (!trust.readable)
    return out.fail(fmt::format("the trust policy of the {} {} cannot be understood", use.what, role.arn),
                    fmt::format("see aws iam get-role --role-name {}", role.name));
  if (!trust.tasks)
    return out.fail(fmt::format("the {} {} does not trust {}: ECS cannot give it to tasks", use.what,
                                role.arn, kTaskService),
                    "let that service do sts:AssumeRole in the role's trust policy");
  if (use.only_tasks && !trust.others.empty())
    return out.fail(fmt::format("the {} {} may also be assumed by {}: with it they can be taken for agents",
                                use.what, role.arn, fmt::join(trust.others, ", ")),
                    fmt::format("trust {} alone, and make another role for others", kTaskService));
  out.ok(fmt::format("the {} {} is for ECS' tasks{}", use.what, role.arn, use.only_tasks ? " alone" : ""));
}

void examine_roles_of(const std::set<std::string>& arns, const RoleUse& use, const Survey& survey,
                      Findings& out) {
  for (const auto& arn : arns) {
    const auto found = survey.roles.find(arn);
    if (found == survey.roles.end()) continue;
    if (!found->second)
      out.unknown(fmt::format("the {} {}", use.what, arn), found->second.error());
    else if (!*found->second)
      out.fail(fmt::format("there is no role {}", arn),
               fmt::format("make it, or correct the {} of the templates", use.what));
    else
      examine_trust(**found->second, use, out);
  }
}

List examine_roles(const Examined& examined, const Survey& survey) {
  const auto wanted = list_questions(examined.cloud, examined.templates);
  Findings tasks("task-role");
  examine_roles_of(wanted.task_roles, {"task role", true}, survey, tasks);
  Findings execution("execution-role");
  examine_roles_of(wanted.execution_roles, {"execution role", false}, survey, execution);
  auto list = tasks.take();
  std::ranges::move(execution.take(), std::back_inserter(list));
  return list;
}

// What IAM's simulation denies a role that ECS starts tasks with.
List examine_execution_rights(const Examined&, const Survey& survey) {
  Findings out("execution-rights");
  for (const auto& [role, decisions] : survey.execution_rights) {
    if (!decisions) {
      out.unknown(fmt::format("what the execution role {} may do", role), decisions.error());
      continue;
    }
    std::set<std::string> actions;
    bool all = true;
    for (const auto& one : *decisions) {
      actions.insert(one.action);
      if (one.allows == "allowed") continue;
      all = false;
      out.fail(
          fmt::format("IAM does not let the execution role {} do {} on {} ({})", role, one.action,
                      one.resource, one.allows),
          "allow it in a policy of that role; AmazonECSTaskExecutionRolePolicy has what images of ECR and "
          "logs need");
    }
    if (all && !actions.empty())
      out.ok(fmt::format("the execution role {} may do what its tasks need to start: {}", role,
                         fmt::join(actions, ", ")));
  }
  return out.take();
}

// What ECS checked an existing definition for when it was registered; empty: it does not say.
Texts list_compatibilities(const boost::json::value& definition) {
  Texts out;
  const auto* list = definition.as_object().if_contains("compatibilities");
  if (list != nullptr && list->is_array())
    for (const auto& one : list->get_array())
      if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

// The text is empty: nothing is wrong.
struct Fault {
  std::string text;
  std::string_view advice = "name another revision, or correct ecs.container_name";
};

// Why RunTask would refuse each launch of this template from it.
Fault find_launch_fault(const boost::json::value& definition, const TemplateOptions& options,
                        std::optional<NetworkMode> network) {
  const auto there = list_compatibilities(definition);
  for (const auto one : find_compatibilities(options))
    if (const auto word = get_word(kCompatibilities, one);
        !there.empty() && std::ranges::find(there, word) == there.end())
      return {fmt::format("is not for {}, on which the template launches, but for {}", word,
                          fmt::join(there, ", ")),
              "register it with these requiresCompatibilities (on FARGATE with awsvpc, cpu and memory, too), "
              "or correct ecs.capacity"};
  const bool is_awsvpc = network == NetworkMode::awsvpc;
  if (is_awsvpc && options.subnets.empty())
    return {"has the network mode awsvpc, and the template names no subnets", "name them in ecs.subnets"};
  if (!is_awsvpc && !options.subnets.empty())
    return {"has not the network mode awsvpc, and the template names subnets",
            "register it with networkMode awsvpc, or leave ecs.subnets out"};
  return {};
}

// What is wrong with an existing definition, for this template.
Fault find_fault(const boost::json::value& definition, const TemplateOptions& options) {
  const auto* status = definition.as_object().if_contains("status");
  if (status != nullptr && *status != "ACTIVE")
    return {fmt::format("is {}: nothing is launched from it", std::string_view(status->as_string()))};
  const auto& container = options.container.name;
  const auto read = read_definition(definition, container);
  if (read.container.name.empty())
    return {container.empty() ? "has no container" : fmt::format("has no container '{}'", container)};
  return find_launch_fault(definition, options, read.network_mode);
}

List examine_definitions(const Examined& examined, const Survey&) {
  Findings out("task-definition");
  for (const auto& [name, options] : examined.templates) {
    const auto found = examined.existing.find(options.task_definition);
    if (found == examined.existing.end()) continue;
    const auto what = fmt::format("the task definition {} of the template '{}'", found->first, name.str());
    if (!found->second)
      out.unknown(what, found->second.error());
    else if (!*found->second)
      out.fail(what + " is not there", "register it, or correct ecs.task_definition");
    else if (const auto fault = find_fault(**found->second, options); !fault.text.empty())
      out.fail(fmt::format("{} {}", what, fault.text), std::string(fault.advice));
    else
      out.ok(what);
  }
  return out.take();
}

// Of those whose agent's log goes nowhere, the first.
std::string find_without_log(const Examined& examined) {
  if (!examined.cloud.log_group.empty()) return {};
  for (const auto& [name, options] : examined.templates)
    if (options.task_definition.empty() && !options.container.log) return name.str();
  return {};
}

List examine_logs(const Examined& examined, const Survey& survey) {
  Findings out("log-group");
  if (const auto name = find_without_log(examined); !name.empty())
    out.warn(fmt::format(
                 "what the agents of template '{}' say is kept nowhere: why one has ended may never be known",
                 name),
             "say ecs.log_group in the cloud; make it with aws logs create-log-group");
  for (const auto& [name, there] : survey.log_groups) {
    if (!there)
      out.unknown(fmt::format("the log group {}", name), there.error());
    else if (*there)
      out.ok(name);
    else
      out.fail(fmt::format("there is no log group {}: tasks that write to it do not start", name),
               fmt::format("make it: aws logs create-log-group --log-group-name {}", name));
  }
  return out.take();
}

// The architectures of the templates that use an image.
std::set<CpuArchitecture> architectures_for(const Examined& examined, const std::string& image) {
  std::set<CpuArchitecture> out;
  for (const auto& [name, options] : examined.templates)
    if (list_questions(examined.cloud, {{name, options}}).images.contains(image))
      out.insert(options.cpu_architecture);
  return out;
}

void examine_image(const std::string& image, const ImageFacts& facts, const std::set<CpuArchitecture>& wanted,
                   Findings& out) {
  Texts there;
  for (const auto one : facts.architectures) there.emplace_back(get_word(kCpuArchitectures, one));
  for (const auto one : wanted)
    if (!there.empty() && !facts.architectures.contains(one))
      return out.fail(fmt::format("{} is for {}, and templates use it on {}", image, fmt::join(there, ", "),
                                  get_word(kCpuArchitectures, one)),
                      "push an image for that architecture, or correct ecs.cpu_architecture");
  out.ok(there.empty() ? image + " is there; its architecture is not told"
                       : fmt::format("{} is there, for {}", image, fmt::join(there, ", ")));
}

List examine_images(const Examined& examined, const Survey& survey) {
  Findings out("image");
  Texts elsewhere;
  for (const auto& image : list_questions(examined.cloud, examined.templates).images) {
    const auto found = survey.images.find(image);
    if (found == survey.images.end())
      elsewhere.push_back(image);
    else if (!found->second)
      out.unknown(image, found->second.error());
    else if (!*found->second)
      out.fail(fmt::format("there is no image {}", image),
               "push it, or correct ecs.image or ecs.agent.carrier_image");
    else
      examine_image(image, **found->second, architectures_for(examined, image), out);
  }
  if (!elsewhere.empty())
    out.unchecked(fmt::format("not in ECR, so nobody was asked: {}", fmt::join(elsewhere, ", ")),
                  "`footman cloud test` launches an agent with it");
  return out.take();
}

void examine_quota(const Examined& examined, double vcpus, std::string_view what, Findings& out) {
  std::uint64_t largest = 0;
  for (const auto& [name, options] : examined.templates)
    for (const auto& choice : list_choices(options))
      largest = std::max(largest, find_agent_size(options, choice).milli_cpus);
  if (largest == 0) return;
  const auto agents = static_cast<std::uint64_t>(std::max(0.0, std::floor(vcpus * 1000 / largest)));
  const auto text =
      fmt::format("{} vCPUs {} at once: {} agents of {}", vcpus, what, agents, model::format_cpus(largest));
  const auto advice = fmt::format("raise the quota \"Fargate {} vCPU resource count\"",
                                  what == "of Spot" ? "Spot" : "On-Demand");
  if (agents == 0)
    out.fail(text, advice);
  else if (agents < examined.most_agents)
    out.warn(fmt::format("{}, and the cloud's cap allows {}", text, examined.most_agents),
             advice + ", or lower cap");
  else
    out.ok(text);
}

List examine_quotas(const Examined& examined, const Survey& survey) {
  Findings out("quota");
  for (const auto& [code, vcpus] : survey.quotas) {
    const std::string_view what = code == kFargateSpotQuota ? "of Spot" : "on demand";
    if (!vcpus)
      out.unknown(fmt::format("Fargate's quota of vCPUs {}", what), vcpus.error());
    else
      examine_quota(examined, *vcpus, what, out);
  }
  return out.take();
}

// Whether it can be read, the credentials' rights tell.
List examine_event_queue(const Examined& examined, const Survey& survey) {
  Findings out("event-queue");
  const auto& url = examined.cloud.event_queue_url;
  if (url.empty()) return {};
  if (!survey.event_queue) {
    out.unknown(fmt::format("the queue {}", url), survey.event_queue.error());
    return out.take();
  }
  if (!*survey.event_queue) {
    out.fail(fmt::format("there is no queue {}", url),
             "correct ecs.event_queue, or leave it out: tasks are asked for then");
    return out.take();
  }
  const auto writers = judge_trust((*survey.event_queue)->policy).others;
  const auto is_event_bridge = [](const std::string& one) { return one == kEventService || one == "*"; };
  if (std::ranges::any_of(writers, is_event_bridge))
    out.ok(url);
  else
    out.warn(
        fmt::format("the policy of the queue {} does not let {} write to it: no event may ever come", url,
                    kEventService),
        "allow that service sqs:SendMessage there, for a rule of EventBridge for aws.ecs, \"ECS Task State "
        "Change\"");
  return out.take();
}

List examine_file_systems(const Examined&, const Survey& survey) {
  Findings out("file-system");
  for (const auto& [id, there] : survey.file_systems) {
    if (!there)
      out.unknown(fmt::format("the file system {}", id), there.error());
    else if (*there)
      out.ok(id);
    else
      out.fail(fmt::format("there is no file system {}", id),
               "correct ecs.volumes: `footman cloud discover` lists them");
  }
  return out.take();
}

}  // namespace

List examine(const Examined& examined, const Survey& survey) {
  auto list = examine_caller(examined, survey);
  if (!survey.caller) return list;
  for (const auto part :
       {&examine_region, &examine_clock, &examine_permissions, &examine_cluster, &examine_capacity,
        &examine_subnets, &examine_ways_out, &examine_acls, &examine_groups, &examine_reach, &examine_ingress,
        &examine_definitions, &examine_roles, &examine_execution_rights, &examine_logs, &examine_images,
        &examine_quotas, &examine_event_queue, &examine_file_systems})
    std::ranges::move(part(examined, survey), std::back_inserter(list));
  return list;
}

}  // namespace footman::ecs
