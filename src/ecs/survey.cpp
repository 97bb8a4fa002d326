#include "ecs/survey.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string_view>

#include "ecs/capacity.hpp"
#include "ecs/choices.hpp"
#include "ecs/forms.hpp"
#include "ecs/read_definition.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

constexpr std::string_view kGroupOption = "awslogs-group";
constexpr std::string_view kRegionOption = "awslogs-region";
constexpr std::string_view kCreateOption = "awslogs-create-group";

// `usual`: the group of containers that say none.
void ask_of_logs(const CloudOptions& cloud, const std::string& usual, const Container& container,
                 Questions& out) {
  if (!container.log) {
    if (!usual.empty()) out.log_groups.insert(usual);
    return;
  }
  const auto& options = container.log->options;
  const auto region = options.find(std::string(kRegionOption));
  if (region != options.end() && region->second != cloud.region) return;
  const auto group = options.find(std::string(kGroupOption));
  const auto create = options.find(std::string(kCreateOption));
  const bool is_made = create != options.end() && create->second == "true";
  if (container.log->driver == LogDriver::awslogs && group != options.end() && !is_made)
    out.log_groups.insert(group->second);
}

void ask_of_capacity(const Capacity& capacity, Questions& out) {
  if (capacity.kind == CapacityKind::launch_type) out.fargate |= capacity.launch_type == LaunchType::fargate;
  for (const auto& provider : capacity.providers) {
    out.fargate |= provider.name == "FARGATE";
    out.fargate_spot |= provider.name == "FARGATE_SPOT";
  }
}

void ask_of_content(const CloudOptions& cloud, const TemplateOptions& options, Questions& out) {
  const auto add_image = [&](const std::string& image) {
    if (!image.empty()) out.images.insert(image);
  };
  add_image(options.container.image);
  if (options.agent.delivery == AgentDelivery::inject) add_image(options.agent.carrier_image);
  const auto usual = options.task_definition.empty() ? cloud.log_group : std::string();
  ask_of_logs(cloud, usual, options.container, out);
  for (const auto& sidecar : options.sidecars) {
    add_image(sidecar.image);
    ask_of_logs(cloud, usual, sidecar, out);
  }
  for (const auto& volume : options.volumes)
    if (volume.efs) out.file_systems.insert(volume.efs->file_system_id);
}

void ask_of_template(const CloudOptions& cloud, const TemplateOptions& options, Questions& out) {
  if (uses_awsvpc(options)) {
    out.subnets.insert(options.subnets.begin(), options.subnets.end());
    out.groups.insert(options.security_groups.begin(), options.security_groups.end());
  }
  if (!options.task_role.empty()) out.task_roles.insert(options.task_role);
  if (!options.execution_role.empty()) out.execution_roles.insert(options.execution_role);
  for (const auto& choice : list_choices(options)) ask_of_capacity(choice.capacity, out);
  ask_of_content(cloud, options, out);
}

Texts texts_of(const json::value& value) {
  Texts out;
  for (const auto& one : value.as_array()) out.emplace_back(one.as_string());
  return out;
}

// One that a pattern means. "*" alone stays: some actions know no other resource.
std::string example_of(std::string pattern) {
  if (pattern == "*") return pattern;
  for (std::size_t at = 0; (at = pattern.find('*', at)) != std::string::npos;)
    pattern.replace(at, 1, "doctor");
  return pattern;
}

std::string first_text(const json::value& value) {
  const auto* list = value.if_array();
  const auto& one = list != nullptr && !list->empty() ? list->front() : value;
  return one.is_string() ? std::string(one.get_string()) : std::string();
}

}  // namespace

// The host names are the registry's own: "Private registry authentication" in the ECR user guide.
std::optional<EcrImage> find_ecr_image(const std::string& image) {
  const auto slash = image.find('/');
  if (slash == std::string::npos) return std::nullopt;
  std::string_view host = std::string_view(image).substr(0, slash);
  EcrImage out;
  for (const std::string_view end : {".amazonaws.com.cn", ".amazonaws.com"})
    if (host.ends_with(end)) {
      host.remove_suffix(end.size());
      break;
    }
  const auto dot = host.find('.');
  if (dot == std::string_view::npos || !is_account(host.substr(0, dot))) return std::nullopt;
  const auto rest = host.substr(dot + 1);
  for (const std::string_view begin : {"dkr.ecr.", "dkr.ecr-fips."})
    if (rest.starts_with(begin)) out.region = rest.substr(begin.size());
  if (find_partition(out.region).empty()) return std::nullopt;
  out.account = host.substr(0, dot);
  out.repository = image.substr(slash + 1);
  if (const auto at = out.repository.find('@'); at != std::string::npos) {
    out.digest = out.repository.substr(at + 1);
    out.repository.resize(at);
  }
  if (const auto colon = out.repository.find(':'); colon != std::string::npos) {
    out.tag = out.repository.substr(colon + 1);
    out.repository.resize(colon);
  }
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  return out;
}

std::set<std::string> list_existing(const NamedTemplates& templates) {
  std::set<std::string> out;
  for (const auto& [name, options] : templates)
    if (!options.task_definition.empty()) out.insert(options.task_definition);
  return out;
}

NamedTemplates complete_templates(NamedTemplates templates, const Existing& existing) {
  for (auto& [name, options] : templates) {
    const auto found = existing.find(options.task_definition);
    if (found == existing.end() || !found->second || !*found->second) continue;
    auto read = read_definition(**found->second, options.container.name);
    options.container.image = std::move(read.container.image);
    options.container.log = std::move(read.container.log);
    options.sidecars = std::move(read.sidecars);
    options.volumes = std::move(read.volumes);
    options.cpu_architecture = read.cpu_architecture;
    if (options.execution_role.empty()) options.execution_role = std::move(read.execution_role);
  }
  return templates;
}

Questions list_questions(const CloudOptions& cloud, const NamedTemplates& templates) {
  Questions out;
  out.cluster = cloud.cluster.empty() ? "default" : cloud.cluster;
  out.event_queue = cloud.event_queue_url;
  for (const auto& [name, options] : templates) ask_of_template(cloud, options, out);
  return out;
}

std::vector<Wish> list_wishes(const json::value& policy) {
  std::vector<Wish> out;
  for (const auto& statement : policy.at("Statement").as_array()) {
    Wish wish{texts_of(statement.at("Action")), texts_of(statement.at("Resource")), {}};
    for (auto& resource : wish.resources) resource = example_of(std::move(resource));
    if (const auto* conditions = statement.as_object().if_contains("Condition"))
      for (const auto& [test, keys] : conditions->as_object())
        for (const auto& [key, value] : keys.as_object()) wish.context[key] = example_of(first_text(value));
    out.push_back(std::move(wish));
  }
  return out;
}

}  // namespace footman::ecs
