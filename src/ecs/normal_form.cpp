#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/digest.hpp"
#include "base/number.hpp"
#include "ecs/json_text.hpp"
#include "ecs/task_definition.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
}

bool is_empty(const json::value& value) {
  return value.is_null() || (value.is_array() && value.get_array().empty()) ||
         (value.is_object() && value.get_object().empty());
}

// AWS answers with empty lists and objects where nothing was said.
void drop_empty(json::value& value) {
  if (auto* array = value.if_array()) {
    for (auto& item : *array) drop_empty(item);
    return;
  }
  auto* object = value.if_object();
  if (object == nullptr) return;
  json::object kept;
  for (auto& [name, member] : *object) {
    drop_empty(member);
    if (!is_empty(member)) kept[name] = std::move(member);
  }
  *object = std::move(kept);
}

// Lists whose order means nothing, sorted by this member.
constexpr std::pair<const char*, const char*> kContainerLists[] = {{"environment", "name"},
                                                                   {"secrets", "name"},
                                                                   {"ulimits", "name"},
                                                                   {"dependsOn", "containerName"},
                                                                   {"systemControls", "namespace"},
                                                                   {"mountPoints", "containerPath"},
                                                                   {"resourceRequirements", "type"}};

void sort_by(json::object& object, const char* list, const char* key) {
  auto* found = object.if_contains(list);
  auto* array = found != nullptr ? found->if_array() : nullptr;
  if (array == nullptr) return;
  std::vector<json::value> items(array->begin(), array->end());
  std::ranges::stable_sort(items, {}, [&](const auto& item) { return text_of(item, key); });
  *array = json::array(items.begin(), items.end());
}

void sort_words(json::object& object, const char* list) {
  auto* found = object.if_contains(list);
  auto* array = found != nullptr ? found->if_array() : nullptr;
  if (array == nullptr) return;
  std::vector<json::value> items(array->begin(), array->end());
  std::ranges::sort(items, {}, canonical_text);
  items.erase(std::unique(items.begin(), items.end()), items.end());
  *array = json::array(items.begin(), items.end());
}

template <class Change>
void for_each_in(json::object& object, const char* list, Change change) {
  auto* found = object.if_contains(list);
  if (found == nullptr || !found->is_array()) return;
  for (auto& item : found->get_array())
    if (item.is_object()) change(item.get_object());
}

template <class Value>
void fill_in(json::object& object, const char* name, Value value) {
  if (!object.contains(name)) object[name] = value;
}
void drop_if(json::object& object, const char* name, const json::value& usual) {
  const auto* found = object.if_contains(name);
  if (found != nullptr && *found == usual) object.erase(name);
}

void normalise_port(json::object& port, const std::string& network_mode) {
  fill_in(port, "protocol", "tcp");
  const auto* container_port = port.if_contains("containerPort");
  const auto* host_port = port.if_contains("hostPort");
  const bool open = host_port == nullptr || (host_port->is_int64() && host_port->get_int64() == 0);
  if (!open || container_port == nullptr) return;
  // With a network of its own the host's port is the container's; with bridge 0 means any.
  port["hostPort"] = network_mode == "awsvpc" || network_mode == "host" ? *container_port : json::value(0);
}

void normalise_health_check(json::object& check) {
  fill_in(check, "interval", 30);
  fill_in(check, "timeout", 5);
  fill_in(check, "retries", 3);
  drop_if(check, "startPeriod", 0);
}

void normalise_volume(json::object& volume) {
  if (auto* efs = volume.if_contains("efsVolumeConfiguration"); efs != nullptr && efs->is_object())
    drop_if(efs->get_object(), "rootDirectory", "/");
}

void normalise_container(json::object& container, const std::string& network_mode) {
  fill_in(container, "essential", true);
  drop_if(container, "cpu", 0);
  for_each_in(container, "portMappings", [&](auto& port) { normalise_port(port, network_mode); });
  for_each_in(container, "mountPoints", [](auto& mount) { drop_if(mount, "readOnly", false); });
  for_each_in(container, "volumesFrom", [](auto& from) { drop_if(from, "readOnly", false); });
  for (const auto* flag :
       {"privileged", "readonlyRootFilesystem", "interactive", "pseudoTerminal", "disableNetworking"})
    drop_if(container, flag, false);
  for (const auto& [list, key] : kContainerLists) sort_by(container, list, key);
  if (auto* check = container.if_contains("healthCheck"); check != nullptr && check->is_object())
    normalise_health_check(check->get_object());
  auto* linux_parameters = container.if_contains("linuxParameters");
  if (linux_parameters == nullptr || !linux_parameters->is_object()) return;
  drop_if(linux_parameters->get_object(), "initProcessEnabled", false);
  if (auto* rights = linux_parameters->get_object().if_contains("capabilities");
      rights != nullptr && rights->is_object())
    for (const auto* list : {"add", "drop"}) sort_words(rights->get_object(), list);
}

// "1 vCPU" and "2 GB" are stored as "1024" and "2048".
void normalise_amount(json::object& object, const char* name, std::string_view unit) {
  auto text = text_of(object, name);
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (!text.ends_with(unit)) return;
  text.resize(text.size() - unit.size());
  while (text.ends_with(' ')) text.pop_back();
  if (const auto number = find_decimal(text); number && *number > 0 && *number < 1e6)
    object[name] = std::to_string(static_cast<std::int64_t>(*number * 1024));
}

// Said by AWS of a definition, not of its content.
constexpr const char* kAdded[] = {"taskDefinitionArn",  "revision",        "status",
                                  "requiresAttributes", "compatibilities", "registeredAt",
                                  "deregisteredAt",     "registeredBy",    "deleteRequestedAt"};

// false, 0, "" or nothing but such: of a member that nobody asked for it is AWS' way to say "no".
bool says_nothing(const json::value& value) {
  if (const auto* object = value.if_object())
    return std::ranges::all_of(*object, [](const auto& member) { return says_nothing(member.value()); });
  if (is_empty(value)) return true;
  if (value.is_string()) return value.get_string().empty();
  if (value.is_bool()) return !value.get_bool();
  return value.is_number() && value.to_number<double>() == 0;
}

// Whether what is shown has all that was asked for as it was asked for, and no more that says something. AWS
// shows members that came after a definition was registered, so what is not known cannot be a difference.
bool is_as_asked(const json::value& shown, const json::value& asked) {
  if (const auto *list = shown.if_array(), *wanted = asked.if_array(); list != nullptr && wanted != nullptr)
    return std::ranges::equal(*list, *wanted, is_as_asked);
  const auto* object = shown.if_object();
  const auto* wanted = asked.if_object();
  if (object == nullptr || wanted == nullptr) return shown == asked;
  const auto is_there = [&](const auto& member) {
    const auto* found = object->if_contains(member.key());
    return found != nullptr ? is_as_asked(*found, member.value()) : member.value() == json::value(false);
  };
  const auto is_asked = [&](const auto& member) {
    return wanted->contains(member.key()) || says_nothing(member.value());
  };
  return std::ranges::all_of(*wanted, is_there) && std::ranges::all_of(*object, is_asked);
}

}  // namespace

json::value normalise(const json::value& definition) {
  auto value = definition;
  drop_empty(value);
  if (!value.is_object()) return value;
  auto& object = value.get_object();
  for (const auto* name : kAdded) object.erase(name);
  normalise_amount(object, "cpu", "vcpu");
  normalise_amount(object, "memory", "gb");
  const auto network_mode = text_of(value, "networkMode");
  for_each_in(object, "containerDefinitions",
              [&](auto& container) { normalise_container(container, network_mode); });
  for_each_in(object, "volumes", normalise_volume);
  sort_words(object, "requiresCompatibilities");
  sort_by(object, "tags", "key");
  sort_by(object, "volumes", "name");
  drop_empty(value);  // what was dropped may leave something empty
  return sort_members(value);
}

std::string hash_definition(const json::value& definition) {
  auto value = normalise(definition);
  if (value.is_object()) value.get_object().erase("family");
  return to_hex(sha256(canonical_text(value)));
}

bool runs_the_same(const json::value& shown, const json::value& request) {
  const auto content_of = [](const json::value& definition) {
    auto value = normalise(definition);
    if (auto* object = value.if_object())
      for (const auto* name : {"tags", "family"}) object->erase(name);
    return value;
  };
  return is_as_asked(content_of(shown), content_of(request));
}

}  // namespace footman::ecs
