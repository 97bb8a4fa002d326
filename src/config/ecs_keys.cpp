#include "config/ecs_keys.hpp"

#include <algorithm>
#include <utility>

namespace footman::config {
namespace {

constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
    {"role_arn", "role"},
    {"event_queue_url", "event_queue"},
    {"environment", "env"},
    {"environment_files", "env_files"},
    {"mount_points", "mounts"},
    {"port_mappings", "ports"},
    {"file_system_id", "file_system"},
    {"access_point_id", "access_point"},
    {"snapshot_id", "snapshot"},
    {"kms_key_id", "kms_key"},
};

constexpr std::string_view kUnits[] = {"_mib", "_gib", "_units"};

// Of the agent's container, what would be taken for the template's or the task's.
constexpr std::string_view kContainersOwn[] = {"name", "cpu", "memory"};

}  // namespace

std::string ecs_key(std::string_view field) {
  for (const auto& [name, key] : kRenamed)
    if (field == name) return std::string(key);
  for (const auto unit : kUnits)
    if (field.ends_with(unit)) field.remove_suffix(unit.size());
  return std::string(field);
}

std::string ecs_key_path(std::string_view fields) {
  std::string path;
  const auto add = [&](std::string_view text) { path += (path.empty() ? "" : ".") + std::string(text); };
  bool of_agent = false;
  for (bool first = true; !fields.empty(); first = false) {
    const auto name = fields.substr(0, std::min(fields.find('.'), fields.size()));
    fields.remove_prefix(std::min(name.size() + 1, fields.size()));
    if (first && (name == "container" || name == "size")) {
      of_agent = name == "container";
      if (fields.empty()) add(of_agent ? "image" : "cpu");
      continue;
    }
    const auto bracket = std::min(name.find('['), name.size());
    auto key = ecs_key(name.substr(0, bracket));
    if (of_agent && std::ranges::find(kContainersOwn, key) != std::end(kContainersOwn))
      key.insert(0, "container_");
    of_agent = false;
    add(key + std::string(name.substr(bracket)));
  }
  return path;
}

}  // namespace footman::config
