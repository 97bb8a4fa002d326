#include "ecs/read_definition.hpp"

#include <algorithm>
#include <concepts>
#include <limits>
#include <string_view>
#include <type_traits>

#include "base/number.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

// ── values: what has another form leaves `to` as it is

void read(const json::value& from, std::string& to) {
  if (const auto* text = from.if_string()) to = std::string(*text);
}
void read(const json::value& from, bool& to) {
  if (const auto* flag = from.if_bool()) to = *flag;
}
// What does not fit becomes the nearest that does: for checks it is as wrong.
template <std::integral T>
void read(const json::value& from, T& to) {
  const auto* number = from.if_int64();
  if (number == nullptr) return;
  constexpr auto kLeast = static_cast<std::int64_t>(std::numeric_limits<T>::min());
  constexpr auto kMost = static_cast<std::int64_t>(std::numeric_limits<T>::max());
  to = static_cast<T>(std::clamp(*number, kLeast, kMost));
}
void read(const json::value& from, Duration& to) {
  std::int32_t seconds = 0;
  read(from, seconds);
  to = std::chrono::seconds(seconds);
}
template <class E>
  requires std::is_enum_v<E>
void read(const json::value& from, E& to) {
  const auto* text = from.if_string();
  for (const auto& word : words_of(E{}))
    if (text != nullptr && word.text == std::string_view(*text)) to = word.value;
}
void read(const json::value& from, TextMap& to) {
  if (const auto* object = from.if_object())
    for (const auto& [name, value] : *object) read(value, to[name]);
}

void read(const json::value& from, Tmpfs& to);
void read(const json::value& from, Device& to);
void read(const json::value& from, Ulimit& to);
void read(const json::value& from, ExtraHost& to);
void read(const json::value& from, PortMapping& to);
void read(const json::value& from, HealthCheck& to);
void read(const json::value& from, Dependency& to);
void read(const json::value& from, MountPoint& to);
void read(const json::value& from, LogConfiguration& to);
void read(const json::value& from, Firelens& to);
void read(const json::value& from, RestartPolicy& to);
void read(const json::value& from, EfsVolume& to);
void read(const json::value& from, DockerVolume& to);
void read(const json::value& from, FsxWindowsVolume& to);
void read(const json::value& from, Volume& to);

template <class T>
void read(const json::value& from, std::vector<T>& to) {
  if (const auto* list = from.if_array())
    for (const auto& item : *list) read(item, to.emplace_back());
}
template <class T>
void read(const json::value& from, std::optional<T>& to) {
  T value{};
  read(from, value);
  to = std::move(value);
}

// ── members

const json::value* find(const json::value& from, std::string_view name) {
  const auto* object = from.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}
template <class T>
void get(const json::value& from, std::string_view name, T& to) {
  if (const auto* found = find(from, name); found != nullptr && !found->is_null()) read(*found, to);
}
std::string read_text(const json::value& from, std::string_view name) {
  std::string text;
  get(from, name, text);
  return text;
}
const json::array& list_of(const json::value& from, std::string_view name) {
  static const json::array kNone;
  const auto* found = find(from, name);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}
// Of a list of objects one member each.
Texts texts_of(const json::value& from, std::string_view list, std::string_view member) {
  Texts texts;
  for (const auto& item : list_of(from, list)) texts.push_back(read_text(item, member));
  return texts;
}
TextMap pairs_of(const json::value& from, std::string_view list, std::string_view name,
                 std::string_view value) {
  TextMap map;
  for (const auto& item : list_of(from, list)) map[read_text(item, name)] = read_text(item, value);
  return map;
}

// ── parts of containers and volumes

void read(const json::value& from, Tmpfs& to) {
  get(from, "containerPath", to.path);
  get(from, "size", to.size_mib);
  get(from, "mountOptions", to.mount_options);
}
void read(const json::value& from, Device& to) {
  get(from, "hostPath", to.host_path);
  get(from, "containerPath", to.container_path);
  get(from, "permissions", to.permissions);
}
void read(const json::value& from, Ulimit& to) {
  get(from, "name", to.name);
  get(from, "softLimit", to.soft);
  get(from, "hardLimit", to.hard);
}
void read(const json::value& from, ExtraHost& to) {
  get(from, "hostname", to.hostname);
  get(from, "ipAddress", to.ip_address);
}
void read(const json::value& from, PortMapping& to) {
  get(from, "containerPort", to.container_port);
  get(from, "hostPort", to.host_port);
  get(from, "protocol", to.protocol);
}
void read(const json::value& from, HealthCheck& to) {
  get(from, "command", to.command);
  get(from, "interval", to.interval);
  get(from, "timeout", to.timeout);
  get(from, "retries", to.retries);
  get(from, "startPeriod", to.start_period);
}
void read(const json::value& from, Dependency& to) {
  get(from, "containerName", to.container);
  get(from, "condition", to.condition);
}
void read(const json::value& from, MountPoint& to) {
  get(from, "sourceVolume", to.volume);
  get(from, "containerPath", to.path);
  get(from, "readOnly", to.read_only);
}
void read(const json::value& from, LogConfiguration& to) {
  get(from, "logDriver", to.driver);
  get(from, "options", to.options);
  to.secret_options = pairs_of(from, "secretOptions", "name", "valueFrom");
}
void read(const json::value& from, Firelens& to) {
  get(from, "type", to.type);
  get(from, "options", to.options);
}
void read(const json::value& from, RestartPolicy& to) {
  get(from, "ignoredExitCodes", to.ignored_exit_codes);
  get(from, "restartAttemptPeriod", to.attempt_period);
}
void read(const json::value& from, EfsVolume& to) {
  get(from, "fileSystemId", to.file_system_id);
  get(from, "rootDirectory", to.root_directory);
  to.transit_encryption = read_text(from, "transitEncryption") == "ENABLED";
  get(from, "transitEncryptionPort", to.transit_encryption_port);
  const auto* authorization = find(from, "authorizationConfig");
  if (authorization == nullptr) return;
  get(*authorization, "accessPointId", to.access_point_id);
  to.iam = read_text(*authorization, "iam") == "ENABLED";
}
void read(const json::value& from, DockerVolume& to) {
  get(from, "scope", to.scope);
  get(from, "autoprovision", to.autoprovision);
  get(from, "driver", to.driver);
  get(from, "driverOpts", to.driver_options);
  get(from, "labels", to.labels);
}
void read(const json::value& from, FsxWindowsVolume& to) {
  get(from, "fileSystemId", to.file_system_id);
  get(from, "rootDirectory", to.root_directory);
  const auto* authorization = find(from, "authorizationConfig");
  if (authorization == nullptr) return;
  get(*authorization, "credentialsParameter", to.credentials_parameter);
  get(*authorization, "domain", to.domain);
}
void read(const json::value& from, Volume& to) {
  get(from, "name", to.name);
  if (const auto* host = find(from, "host")) get(*host, "sourcePath", to.host_path);
  get(from, "efsVolumeConfiguration", to.efs);
  get(from, "dockerVolumeConfiguration", to.docker);
  get(from, "fsxWindowsFileServerVolumeConfiguration", to.fsx_windows);
}

// ── containers

void read_linux_parameters(const json::value& from, Container& to) {
  if (const auto* rights = find(from, "capabilities")) {
    get(*rights, "add", to.add_capabilities);
    get(*rights, "drop", to.drop_capabilities);
  }
  get(from, "devices", to.devices);
  get(from, "initProcessEnabled", to.init_process);
  get(from, "sharedMemorySize", to.shared_memory_mib);
  get(from, "tmpfs", to.tmpfs);
  get(from, "maxSwap", to.max_swap_mib);
  get(from, "swappiness", to.swappiness);
}

void read_image(const json::value& from, Container& to) {
  get(from, "name", to.name);
  get(from, "image", to.image);
  get(from, "essential", to.essential);
  if (const auto* credentials = find(from, "repositoryCredentials"))
    get(*credentials, "credentialsParameter", to.repository_credentials);
  get(from, "cpu", to.cpu_units);
  get(from, "memory", to.memory_mib);
  get(from, "memoryReservation", to.memory_reservation_mib);
  for (const auto& one : list_of(from, "resourceRequirements"))
    if (read_text(one, "type") == "GPU")
      to.gpus = base::find_number<std::uint32_t>(read_text(one, "value")).value_or(0);
}

void read_process(const json::value& from, Container& to) {
  get(from, "entryPoint", to.entry_point);
  get(from, "command", to.command);
  to.environment = pairs_of(from, "environment", "name", "value");
  to.secrets = pairs_of(from, "secrets", "name", "valueFrom");
  to.environment_files = texts_of(from, "environmentFiles", "value");
  get(from, "user", to.user);
  get(from, "workingDirectory", to.working_directory);
  get(from, "hostname", to.hostname);
  get(from, "interactive", to.interactive);
  get(from, "pseudoTerminal", to.pseudo_terminal);
  get(from, "privileged", to.privileged);
  get(from, "readonlyRootFilesystem", to.read_only_root);
  get(from, "dockerSecurityOptions", to.docker_security_options);
  get(from, "dockerLabels", to.docker_labels);
  get(from, "ulimits", to.ulimits);
  to.system_controls = pairs_of(from, "systemControls", "namespace", "value");
  if (const auto* parameters = find(from, "linuxParameters")) read_linux_parameters(*parameters, to);
}

void read_surroundings(const json::value& from, Container& to) {
  get(from, "extraHosts", to.extra_hosts);
  get(from, "dnsServers", to.dns_servers);
  get(from, "dnsSearchDomains", to.dns_search_domains);
  get(from, "links", to.links);
  get(from, "portMappings", to.port_mappings);
  get(from, "mountPoints", to.mount_points);
  to.volumes_from = texts_of(from, "volumesFrom", "sourceContainer");
  get(from, "dependsOn", to.depends_on);
}

void read_life(const json::value& from, Container& to) {
  get(from, "healthCheck", to.health_check);
  bool restarts = false;
  if (const auto* policy = find(from, "restartPolicy")) get(*policy, "enabled", restarts);
  if (restarts) get(from, "restartPolicy", to.restart_policy);
  get(from, "startTimeout", to.start_timeout);
  get(from, "stopTimeout", to.stop_timeout);
  get(from, "logConfiguration", to.log);
  get(from, "firelensConfiguration", to.firelens);
}

Container read_container(const json::value& from) {
  Container to;
  read_image(from, to);
  read_process(from, to);
  read_surroundings(from, to);
  read_life(from, to);
  return to;
}

}  // namespace

TemplateOptions read_definition(const json::value& definition, const std::string& agent) {
  TemplateOptions to;
  bool found = false;
  for (const auto& one : list_of(definition, "containerDefinitions")) {
    const bool is_agent = !found && (agent.empty() || read_text(one, "name") == agent);
    found = found || is_agent;
    (is_agent ? to.container : to.sidecars.emplace_back()) = read_container(one);
  }
  get(definition, "volumes", to.volumes);
  get(definition, "taskRoleArn", to.task_role);
  get(definition, "executionRoleArn", to.execution_role);
  get(definition, "networkMode", to.network_mode);
  if (const auto* platform = find(definition, "runtimePlatform")) {
    get(*platform, "cpuArchitecture", to.cpu_architecture);
    get(*platform, "operatingSystemFamily", to.os_family);
  }
  return to;
}

}  // namespace footman::ecs
