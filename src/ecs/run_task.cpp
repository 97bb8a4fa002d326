#include "ecs/run_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "base/utf8.hpp"
#include "ecs/capacity.hpp"
#include "ecs/container_json.hpp"
#include "ecs/fargate_sizes.hpp"
#include "ecs/forms.hpp"
#include "ecs/json_text.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/validate.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

constexpr std::string_view kJenkinsVariables = "JENKINS_";
constexpr const char* kJenkinsUrl = "JENKINS_URL";
constexpr std::string_view kOverrides = "overrides";

bool is_stock(AgentRole role) { return role == AgentRole::stock_jenkins; }

std::string_view find_secret_variable(AgentRole role) {
  return is_stock(role) ? "JENKINS_SECRET" : "FOOTMAN_AGENT_SECRET";
}

Status check_overrides(const json::value& overrides) {
  const auto text = json::serialize(overrides);
  if (text.size() <= kMaxOverridesChars) return {};
  return fail(Errc::resource_exhausted,
              fmt::format("what RunTask is told of this agent has {} characters, ECS takes {}", text.size(),
                          kMaxOverridesChars),
              std::string(kOverrides),
              "The certificate authority takes most of it: leave in `tls.ca`, or in the `ca` of a Jenkins, "
              "only the one that has signed its certificate");
}

Status check_input(const TemplateOptions& options, const RunTaskInput& input) {
  const auto seen = [](char c) { return c >= '!' && c <= '~'; };
  if (input.client_token.empty() || input.client_token.size() > kMaxClientTokenBytes ||
      !std::ranges::all_of(input.client_token, seen))
    return fail(Errc::invalid_argument, "a client token has 1 to 64 characters from ! to ~", "client_token");
  if (!is_task_definition(input.task_definition))
    return fail(Errc::invalid_argument, "a task definition's family, family:revision or ARN was expected",
                "task_definition");
  if (!is_ecs_name(input.container))
    return fail(Errc::invalid_argument, "the name of the agent's container was expected", "container");
  for (const auto& subnet : input.subnets)
    if (std::ranges::find(options.subnets, subnet) == options.subnets.end())
      return fail(Errc::invalid_argument, fmt::format("the template has no subnet '{}'", subnet), "subnets");
  for (const auto& [name, value] : input.variables)
    if (!name.starts_with(is_stock(input.role) ? kJenkinsVariables : kAgentVariables) ||
        name == find_secret_variable(input.role))
      return fail(Errc::invalid_argument, "the agent's variables were expected, without its secret",
                  "variables." + name);
  return {};
}

// ── overrides

// What the image's script passes on to agent.jar. Two arguments at least: it takes a single one for a
// program. Certificates cannot stand in a variable of its, whose words it would part; agent.jar reads one of
// each.
json::array make_stock_command(const RunTaskInput& input) {
  json::array to{"-url", input.variables.at(kJenkinsUrl)};
  for (const auto& one : input.authorities) {
    to.emplace_back("-cert");
    to.emplace_back(one);
  }
  return to;
}

// What the container is to run instead of what its definition says; empty: that.
json::array make_command(const TemplateOptions& options, const RunTaskInput& input) {
  if (is_stock(input.role)) return make_stock_command(input);
  const bool existing = !options.task_definition.empty();
  const bool supervises = input.role == AgentRole::supervisor;
  // The entry point of an existing definition stays; without a path that is the agent.
  if (existing ? options.agent.path.empty() : !supervises) return {};
  const auto* verb = supervises ? "supervise" : "run";
  if (!existing && options.container.entry_point.empty()) return {verb};  // the entry point is the agent
  return {find_agent_path(options.agent), verb};
}

// What differs between definitions and not between agents stands here, too: so it holds whatever is patched,
// and for definitions that others made.
void put_own_variables(const TemplateOptions& options, const RunTaskInput& input, TextMap& environment) {
  const bool existing = !options.task_definition.empty();
  const auto stop_timeout =
      existing ? input.stop_timeout : options.container.stop_timeout.value_or(kStopTimeout);
  if (stop_timeout)
    environment.emplace("FOOTMAN_AGENT_NOTICE", fmt::format("{}s", to_seconds(*stop_timeout)));
  if (const auto work = find_work_directory(options.agent); !work.empty())
    environment.emplace("FOOTMAN_AGENT_WORK_DIR", work);
}

json::object make_container_override(const TemplateOptions& options, const RunTaskInput& input) {
  auto environment = input.variables;
  json::object to{{"name", input.container}};
  if (auto command = make_command(options, input); !command.empty()) to["command"] = std::move(command);
  if (!is_stock(input.role)) put_own_variables(options, input, environment);
  if (!options.task_definition.empty()) {
    const auto& container = options.container;
    environment.insert(container.environment.begin(), container.environment.end());
    if (container.cpu_units != 0) to["cpu"] = std::int64_t{container.cpu_units};
    if (container.memory_mib != 0) to["memory"] = std::int64_t{container.memory_mib};
    if (container.memory_reservation_mib != 0)
      to["memoryReservation"] = std::int64_t{container.memory_reservation_mib};
    if (container.gpus != 0)
      to["resourceRequirements"] =
          json::array{json::object{{"type", "GPU"}, {"value", std::to_string(container.gpus)}}};
    json::array files;
    for (const auto& file : container.environment_files)
      files.push_back(json::object{{"type", "s3"}, {"value", file}});
    if (!files.empty()) to["environmentFiles"] = std::move(files);
  }
  to["environment"] = to_pairs(environment, "name", "value");
  return to;
}

Result<TaskSize> find_size(const TemplateOptions& options, const Capacity& capacity, const TaskSize& asked) {
  if (asked == TaskSize() || find_compatibility(capacity) != Compatibility::fargate) return asked;
  return check_size(asked, options.os_family, options.round_up);
}

Result<json::object> make_overrides(const TemplateOptions& options, const RunTaskInput& input) {
  json::object to;
  to["containerOverrides"] = json::array{make_container_override(options, input)};
  const bool existing = !options.task_definition.empty();
  FOOTMAN_TRY(const auto size, find_size(options, input.capacity, input.size));
  if (existing || input.size != options.size) {
    if (size.cpu_units != 0) to["cpu"] = std::to_string(size.cpu_units);
    if (size.memory_mib != 0) to["memory"] = std::to_string(size.memory_mib);
  }
  if (!existing) return to;
  if (options.ephemeral_storage_gib != 0)
    to["ephemeralStorage"] = json::object{{"sizeInGiB", std::int64_t{options.ephemeral_storage_gib}}};
  if (!options.task_role.empty()) to["taskRoleArn"] = options.task_role;
  if (!options.execution_role.empty()) to["executionRoleArn"] = options.execution_role;
  return to;
}

// ── where it runs

void put_capacity(json::object& to, const Capacity& capacity) {
  if (capacity.kind == CapacityKind::launch_type)
    to["launchType"] = model::get_word(kLaunchTypes, capacity.launch_type);
  if (capacity.kind != CapacityKind::strategy) return;
  json::array strategy;
  for (const auto& one : capacity.providers)
    strategy.push_back(json::object{{"capacityProvider", one.name},
                                    {"base", std::int64_t{one.base}},
                                    {"weight", std::int64_t{one.weight}}});
  to["capacityProviderStrategy"] = std::move(strategy);
}

void put_network(json::object& to, const TemplateOptions& options, const RunTaskInput& input, bool fargate) {
  if (!uses_awsvpc(options)) return;
  json::object network{{"subnets", to_array(input.subnets.empty() ? options.subnets : input.subnets)}};
  if (!options.security_groups.empty()) network["securityGroups"] = to_array(options.security_groups);
  if (fargate) network["assignPublicIp"] = options.assign_public_ip ? "ENABLED" : "DISABLED";
  to["networkConfiguration"] = json::object{{"awsvpcConfiguration", std::move(network)}};
}

void put_placement(json::object& to, const TemplateOptions& options) {
  json::array strategies;
  for (const auto& one : options.placement_strategies) {
    json::object strategy{{"type", model::get_word(kPlacementStrategyTypes, one.type)}};
    if (!one.field.empty()) strategy["field"] = one.field;
    strategies.push_back(std::move(strategy));
  }
  if (!strategies.empty()) to["placementStrategy"] = std::move(strategies);
  json::array constraints;
  for (const auto& one : options.placement_constraints) {
    json::object constraint{{"type", model::get_word(kPlacementConstraintTypes, one.type)}};
    if (!one.expression.empty()) constraint["expression"] = one.expression;
    constraints.push_back(std::move(constraint));
  }
  if (!constraints.empty()) to["placementConstraints"] = std::move(constraints);
}

json::object to_managed_volume(const EbsVolume& ebs) {
  json::object to{{"roleArn", ebs.role_arn}};
  const auto put_number = [&](const char* name, std::uint32_t value) {
    if (value != 0) to[name] = std::int64_t{value};
  };
  const auto put_text = [&](const char* name, const std::string& value) {
    if (!value.empty()) to[name] = value;
  };
  put_number("sizeInGiB", ebs.size_gib);
  put_text("snapshotId", ebs.snapshot_id);
  put_text("volumeType", ebs.volume_type);
  put_number("iops", ebs.iops);
  put_number("throughput", ebs.throughput);
  put_number("volumeInitializationRate", ebs.initialization_rate);
  put_text("kmsKeyId", ebs.kms_key_id);
  if (ebs.encrypted) to["encrypted"] = *ebs.encrypted;
  if (ebs.file_system_type) to["filesystemType"] = model::get_word(kFileSystemTypes, *ebs.file_system_type);
  to["terminationPolicy"] = json::object{{"deleteOnTermination", true}};
  return to;
}

void put_volumes(json::object& to, const TemplateOptions& options) {
  json::array volumes;
  for (const auto& volume : options.volumes)
    if (volume.ebs)
      volumes.push_back(
          json::object{{"name", volume.name}, {"managedEBSVolume", to_managed_volume(*volume.ebs)}});
  if (!volumes.empty()) to["volumeConfigurations"] = std::move(volumes);
}

// ── tags

json::array make_tags(const TemplateOptions& options, const CloudOptions& cloud, const RunTaskInput& input) {
  auto tags = options.tags;
  tags.insert(cloud.tags.begin(), cloud.tags.end());
  const auto put = [&](std::string_view name, const std::string& value) {
    tags[cloud.tag_prefix + std::string(name)] = value;
  };
  for (const auto& [name, value] : input.own_tags) put(name, clean_tag_value(value));
  put(kInstallationTag, input.installation.str());
  put(kAgentTag, input.agent.str());
  put(kTemplateTag, clean_tag_value(input.template_name.str()));
  put(kGenerationTag, std::to_string(input.generation));
  put(kTokenTag, input.client_token);
  return to_pairs(tags, "key", "value");
}

}  // namespace

std::size_t count_authority_chars(std::string_view pem) { return json::serialize(json::string(pem)).size(); }

Result<std::string> make_run_task(const TemplateOptions& options, const CloudOptions& cloud,
                                  const RunTaskInput& input) {
  FOOTMAN_TRY_STATUS(check_input(options, input));
  const bool fargate = find_compatibility(input.capacity) == Compatibility::fargate;
  json::object to{{"taskDefinition", input.task_definition},
                  {"count", 1},
                  {"clientToken", input.client_token},
                  {"startedBy", make_started_by(input.installation)},
                  {"enableECSManagedTags", options.ecs_managed_tags},
                  {"tags", make_tags(options, cloud, input)}};
  if (!cloud.cluster.empty()) to["cluster"] = cloud.cluster;
  if (!options.group.empty()) to["group"] = options.group;
  if (options.execute_command) to["enableExecuteCommand"] = true;
  if (options.propagate_tags != PropagateTags::none)
    to["propagateTags"] = model::get_word(kPropagateTags, options.propagate_tags);
  if (fargate && !options.platform_version.empty()) to["platformVersion"] = options.platform_version;
  put_capacity(to, input.capacity);
  put_network(to, options, input, fargate);
  put_placement(to, options);
  put_volumes(to, options);
  FOOTMAN_TRY(auto overrides, make_overrides(options, input));
  FOOTMAN_TRY_STATUS(check_overrides(overrides));
  to[kOverrides] = std::move(overrides);
  if (to.at("tags").get_array().size() > kMaxTags)
    return fail(Errc::resource_exhausted, fmt::format("the task has more than {} tags", kMaxTags), "tags");
  return canonical_text(to);
}

AgentRole find_jenkins_role(const AgentOptions& agent) {
  return find_agent_path(agent).empty() ? AgentRole::stock_jenkins : AgentRole::supervisor;
}

Result<Secret> add_secret(const std::string& request, const Secret& secret, AgentRole role) {
  boost::system::error_code error;
  auto value = json::parse(request, error);
  const auto* containers = error ? nullptr : value.find_pointer("/overrides/containerOverrides", error);
  auto* environment =
      error ? nullptr : value.find_pointer("/overrides/containerOverrides/0/environment", error);
  if (containers == nullptr || environment == nullptr || !environment->is_array())
    return fail(Errc::corrupt, "this is no RunTask request of Footman's");
  environment->get_array().push_back(
      json::object{{"name", find_secret_variable(role)}, {"value", secret.expose()}});
  FOOTMAN_TRY_STATUS(check_overrides(value.at(kOverrides)));
  return Secret(json::serialize(value));
}

std::string make_started_by(const InstallationId& installation) {
  const auto& text = installation.str();
  if (text.size() <= kMaxStartedByBytes && is_ecs_name(text)) return text;
  return to_hex(sha256(text)).substr(0, kMaxStartedByBytes);
}

std::string clean_tag_value(std::string_view text) {
  std::string clean;
  std::size_t characters = 0;
  while (!text.empty() && characters < kMaxTagValue) {
    const auto next = decode_utf8(text);
    const auto character = text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
    clean += next.valid && is_tag_text(character, 1) ? character : std::string_view("_");
    ++characters;
  }
  return clean;
}

}  // namespace footman::ecs
