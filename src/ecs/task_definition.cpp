#include "ecs/task_definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <vector>

#include "base/ascii.hpp"
#include "ecs/capacity.hpp"
#include "ecs/container_json.hpp"
#include "ecs/fargate_sizes.hpp"
#include "ecs/json_text.hpp"
#include "ecs/read_definition.hpp"
#include "ecs/run_task.hpp"
#include "ecs/service_model.hpp"
#include "ecs/validate.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTemplateInFamily = 200;  // of 255
constexpr std::uint32_t kCarrierMemoryMib = 64;
constexpr std::string_view kPatch = "task_definition_patch";

std::string find_container_name(const TemplateOptions& options) {
  return options.container.name.empty() ? std::string(kAgentContainerName) : options.container.name;
}

// ── how the agent gets in

// Without a path the image's own entry point is the agent.
void set_program(Container& container, const AgentOptions& agent) {
  const auto path = find_agent_path(agent);
  container.command = {"run"};
  if (path.empty()) return;
  if (container.entry_point.empty())
    container.entry_point = {path};
  else
    container.command.insert(container.command.begin(), path);
}

Container make_agent_container(const TemplateOptions& options) {
  auto container = options.container;
  container.name = find_container_name(options);
  container.stop_timeout = container.stop_timeout.value_or(kStopTimeout);
  set_program(container, options.agent);
  if (options.agent.delivery == AgentDelivery::inject) {
    container.mount_points.push_back({std::string(kAgentVolume), options.agent.directory, false});
    container.depends_on.push_back({std::string(kCarrierContainer), DependencyCondition::success});
  }
  return container;
}

Container make_carrier(const TemplateOptions& options) {
  Container carrier;
  carrier.name = kCarrierContainer;
  carrier.image = options.agent.carrier_image;
  carrier.essential = false;
  carrier.entry_point = {fmt::format("/{}", kAgentProgram)};
  carrier.command = {std::string(kInstallCommand), options.agent.directory};
  carrier.read_only_root = true;
  carrier.mount_points = {{std::string(kAgentVolume), options.agent.directory, false}};
  if (options.size.memory_mib == 0) carrier.memory_mib = kCarrierMemoryMib;  // ECS wants one of both
  return carrier;
}

// ── the request

json::array make_containers(const TemplateOptions& options, const LogDefaults& logs) {
  json::array all;
  all.push_back(to_json(make_agent_container(options), logs));
  if (options.agent.delivery == AgentDelivery::inject) all.push_back(to_json(make_carrier(options), logs));
  for (const auto& sidecar : options.sidecars) all.push_back(to_json(sidecar, logs));
  return all;
}

json::array make_volumes(const TemplateOptions& options) {
  json::array all;
  if (options.agent.delivery == AgentDelivery::inject) all.push_back(json::object{{"name", kAgentVolume}});
  for (const auto& volume : options.volumes) all.push_back(to_json(volume));
  return all;
}

Status put_size(json::object& request, const TemplateOptions& options) {
  auto size = options.size;
  if (find_compatibilities(options).contains(Compatibility::fargate)) {
    FOOTMAN_TRY(size, check_size(size, options.os_family, options.round_up));
  }
  if (size.cpu_units != 0) request["cpu"] = std::to_string(size.cpu_units);
  if (size.memory_mib != 0) request["memory"] = std::to_string(size.memory_mib);
  return {};
}

void put_tags(json::object& request, const TemplateOptions& options, const CloudOptions& cloud,
              const DefinitionScope& scope) {
  auto tags = options.tags;
  tags.insert(cloud.tags.begin(), cloud.tags.end());
  tags[cloud.tag_prefix + std::string(kInstallationTag)] = scope.installation.str();
  tags[cloud.tag_prefix + std::string(kTemplateTag)] = clean_tag_value(scope.template_name.str());
  request["tags"] = to_pairs(tags, "key", "value");
}

Result<json::object> make_request(const TemplateOptions& options, const CloudOptions& cloud,
                                  const DefinitionScope& scope) {
  json::object request;
  FOOTMAN_TRY_STATUS(put_size(request, options));
  request["containerDefinitions"] = make_containers(options, {cloud.log_group, scope.region});
  if (auto volumes = make_volumes(options); !volumes.empty()) request["volumes"] = std::move(volumes);
  json::array kinds;
  for (const auto kind : find_compatibilities(options))
    kinds.emplace_back(model::get_word(kCompatibilities, kind));
  request["requiresCompatibilities"] = std::move(kinds);
  request["runtimePlatform"] =
      json::object{{"cpuArchitecture", model::get_word(kCpuArchitectures, options.cpu_architecture)},
                   {"operatingSystemFamily", model::get_word(kOsFamilies, options.os_family)}};
  if (const auto mode = find_network_mode(options))
    request["networkMode"] = model::get_word(kNetworkModes, *mode);
  if (!options.task_role.empty()) request["taskRoleArn"] = options.task_role;
  if (!options.execution_role.empty()) request["executionRoleArn"] = options.execution_role;
  if (options.ephemeral_storage_gib != 0)
    request["ephemeralStorage"] = json::object{{"sizeInGiB", std::int64_t{options.ephemeral_storage_gib}}};
  if (options.pid_mode) request["pidMode"] = model::get_word(kPidModes, *options.pid_mode);
  if (options.ipc_mode) request["ipcMode"] = model::get_word(kIpcModes, *options.ipc_mode);
  put_tags(request, options, cloud, scope);
  return request;
}

// ── the patch

std::unexpected<Error> wrong_patch(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::string(kPatch), std::move(hint));
}

json::object key_by_name(const json::value& list) {
  json::object named;
  for (const auto& item : list.get_array()) {
    auto rest = item.get_object();
    const std::string name(rest.at("name").get_string());
    rest.erase("name");
    named[name] = std::move(rest);
  }
  return named;
}

json::array list_named(const json::object& named) {
  json::array list;
  for (const auto& [name, item] : named) {
    json::object whole{{"name", name}};
    if (const auto* members = item.if_object())
      for (const auto& [key, value] : *members) whole[key] = value;
    list.push_back(std::move(whole));
  }
  return list;
}

Status apply_patch(json::object& request, const std::string& text) {
  boost::system::error_code error;
  const auto patch = json::parse(text, error);
  if (error) return wrong_patch("this is not JSON: " + error.message());
  if (!patch.is_object()) return wrong_patch("a JSON object was expected");
  if (patch.get_object().contains("family"))
    return wrong_patch("the family's name follows from the content, so it cannot be said");
  if (patch.get_object().contains("tags")) return wrong_patch("tags cannot be patched: say them in 'tags'");
  json::value value = request;
  auto& object = value.get_object();
  std::vector<const char*> keyed;
  for (const auto* list : {"containerDefinitions", "volumes"}) {
    const auto* change = patch.get_object().if_contains(list);
    if (change == nullptr || !change->is_object()) continue;
    for (const auto& [name, item] : change->get_object())
      if (!item.is_null() && !item.is_object())
        return wrong_patch(fmt::format("{}.{}: an object was expected", list, std::string_view(name)));
    object[list] = object.contains(list) ? key_by_name(object[list]) : json::object();
    keyed.push_back(list);
  }
  apply_merge_patch(value, patch);
  for (const auto* list : keyed) object[list] = list_named(object[list].get_object());
  request = object;
  return {};
}

// What has a key of its own: it is checked there, and launches, prices and examinations go by it.
constexpr std::pair<std::string_view, std::string_view> kKeys[] = {
    {"taskRoleArn", "task_role"},
    {"executionRoleArn", "execution_role"},
    {"networkMode", "network_mode"},
    {"cpu", "cpu"},
    {"memory", "memory"},
    {"requiresCompatibilities", "capacity"},
    {"runtimePlatform", "os_family' and 'cpu_architecture"},
    {"ephemeralStorage", "ephemeral_storage"},
    {"pidMode", "pid_mode"},
    {"ipcMode", "ipc_mode"}};

Status check_keys(const json::object& before, const json::object& after) {
  const auto was = normalise(before);
  const auto is = normalise(after);
  const auto value_of = [](const json::value& of, std::string_view name) {
    const auto* value = of.get_object().if_contains(name);
    return value == nullptr ? json::value() : *value;
  };
  for (const auto& [name, key] : kKeys)
    if (value_of(was, name) != value_of(is, name))
      return wrong_patch(fmt::format("'{}' cannot be patched", name), fmt::format("Say it in '{}'", key));
  return {};
}

// Null: there is none, or more than one, of which AWS takes what it likes.
const json::value* find_named(const json::array& list, const json::value& name) {
  const json::value* found = nullptr;
  for (const auto& item : list) {
    const auto* object = item.if_object();
    if (object == nullptr || !object->contains("name") || object->at("name") != name) continue;
    if (found != nullptr) return nullptr;
    found = &item;
  }
  return found;
}

std::optional<std::string> find_changed(const json::value& before, const json::value& after,
                                        const std::string& place);

// A list of objects may grow. Those with names are compared by them.
std::optional<std::string> find_changed_item(const json::array& before, const json::array& after,
                                             const std::string& place) {
  for (const auto& item : before) {
    const auto* object = item.if_object();
    if (object == nullptr) return before == after ? std::nullopt : std::optional(place);
    const auto* name = object->if_contains("name");
    if (name == nullptr) {
      if (std::ranges::find(after, item) == after.end()) return place;
      continue;
    }
    auto own_place = fmt::format("{}.{}", place, std::string_view(name->as_string()));
    const auto* same = find_named(after, *name);
    if (same == nullptr) return own_place;
    if (auto changed = find_changed(item, *same, own_place)) return changed;
  }
  return std::nullopt;
}

// The first place of `before` that is not in `after` as it was; nothing: all that `after` does is to add.
std::optional<std::string> find_changed(const json::value& before, const json::value& after,
                                        const std::string& place) {
  if (before.is_array() && after.is_array())
    return find_changed_item(before.get_array(), after.get_array(), place);
  if (!before.is_object() || !after.is_object()) return before == after ? std::nullopt : std::optional(place);
  for (const auto& [name, member] : before.get_object()) {
    auto own_place = place.empty() ? std::string(name) : fmt::format("{}.{}", place, std::string_view(name));
    const auto* same = after.get_object().if_contains(name);
    if (same == nullptr) return own_place;
    if (auto changed = find_changed(member, *same, own_place)) return changed;
  }
  return std::nullopt;
}

// A patch adds. What the template's keys say is said there alone, so that what is checked, examined and paid
// for is what runs, and the agent comes in and is what the container runs.
Status check_patched(const json::object& before, const json::object& after, const TemplateOptions& options) {
  auto complete = after;
  complete["family"] = "x";
  if (const auto fits = check_shape(complete, kRegisterTaskDefinition); !fits)
    return wrong_patch(fmt::format("{}: {}", fits.error().field, fits.error().message), fits.error().hint);
  FOOTMAN_TRY_STATUS(check_keys(before, after));
  for (const auto& one : after.at("containerDefinitions").get_array())
    if (!one.get_object().contains("name")) return wrong_patch("a container has no name");
  for (const auto* list : {"containerDefinitions", "volumes"}) {
    const auto* was = before.if_contains(list);
    const auto* is = after.if_contains(list);
    if (was == nullptr) continue;
    if (const auto changed = find_changed(*was, is == nullptr ? json::value() : *is, list))
      return wrong_patch(
          fmt::format("the patch changes '{}', or takes it away", *changed),
          "Say it with the template's keys. A list is replaced as a whole, so repeat what is in it: "
          "containers and volumes can be given by name instead, like "
          "{\"containerDefinitions\": {\"agent\": {…}}}");
  }
  const auto own = read_definition(after, find_container_name(options));
  if (own.container.entry_point != make_agent_container(options).entry_point)
    return wrong_patch("the agent's entry point cannot be patched", "Say it in 'entry_point'");
  return {};
}

std::string make_family(const TemplateName& name, const std::string& hash) {
  auto text = name.str().substr(0, kMaxTemplateInFamily);
  std::ranges::replace_if(text, [](char c) { return !base::is_alnum_or("-_", c); }, '-');
  return fmt::format("{}{}-{}", kFamilyPrefix, text, hash.substr(0, kHashDigitsInFamily));
}

}  // namespace

std::string find_agent_path(const AgentOptions& agent) {
  if (agent.delivery == AgentDelivery::image) return agent.path;
  return fmt::format("{}/{}", agent.directory, kAgentProgram);
}

std::string find_work_directory(const AgentOptions& agent) {
  if (!agent.work_directory.empty() || agent.delivery == AgentDelivery::image) return agent.work_directory;
  return agent.directory + "/work";
}

Result<TaskDefinition> make_task_definition(const TemplateOptions& options, const CloudOptions& cloud,
                                            const DefinitionScope& scope) {
  FOOTMAN_TRY(auto request, make_request(options, cloud, scope));
  if (!options.task_definition_patch.empty()) {
    const auto before = request;
    FOOTMAN_TRY_STATUS(apply_patch(request, options.task_definition_patch));
    FOOTMAN_TRY_STATUS(check_patched(before, request, options));
  }
  TaskDefinition definition;
  definition.hash = hash_definition(request);
  definition.family = make_family(scope.template_name, definition.hash);
  definition.container = find_container_name(options);
  request["family"] = definition.family;
  request.at("tags").get_array().push_back(
      json::object{{"key", cloud.tag_prefix + "definition"}, {"value", definition.hash}});
  definition.request = canonical_text(normalise(request));
  if (definition.request.size() > kMaxDefinitionBytes)
    return fail(Errc::resource_exhausted,
                fmt::format("the task definition has {} bytes, ECS takes {}", definition.request.size(),
                            kMaxDefinitionBytes),
                {},
                "Long values can come from SSM or Secrets Manager ('secrets') or S3 ('environment_files')");
  return definition;
}

}  // namespace footman::ecs
