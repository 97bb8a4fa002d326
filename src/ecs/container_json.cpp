#include "ecs/container_json.hpp"

#include <concepts>

#include "ecs/task_definition.hpp"

namespace footman::ecs {
namespace {

namespace json = boost::json;

// What is not said is not sent.
void put(json::object& to, const char* name, const std::string& value) {
  if (!value.empty()) to[name] = value;
}
void put(json::object& to, const char* name, std::unsigned_integral auto value) {
  if (value != 0) to[name] = std::int64_t{value};
}
void put(json::object& to, const char* name, bool value) {
  if (value) to[name] = true;
}
void put(json::object& to, const char* name, Duration value) {
  if (value != Duration(0)) to[name] = to_seconds(value);
}
void put(json::object& to, const char* name, json::array value) {
  if (!value.empty()) to[name] = std::move(value);
}
void put(json::object& to, const char* name, json::object value) {
  if (!value.empty()) to[name] = std::move(value);
}
void put(json::object& to, const char* name, const Texts& texts) { put(to, name, to_array(texts)); }
void put(json::object& to, const char* name, const TextMap& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  put(to, name, std::move(object));
}

template <class T, class Convert>
json::array convert(const std::vector<T>& list, Convert to_item) {
  json::array array;
  for (const auto& item : list) array.push_back(to_item(item));
  return array;
}

json::object to_json(const Tmpfs& tmpfs) {
  json::object object{{"containerPath", tmpfs.path}, {"size", std::int64_t{tmpfs.size_mib}}};
  put(object, "mountOptions", tmpfs.mount_options);
  return object;
}

json::object to_json(const Device& device) {
  json::object object{{"hostPath", device.host_path}};
  put(object, "containerPath", device.container_path);
  put(object, "permissions", convert(device.permissions, [](DevicePermission permission) {
        return json::value(model::get_word(kDevicePermissions, permission));
      }));
  return object;
}

json::object to_json(const PortMapping& port) {
  json::object object{{"containerPort", std::int64_t{port.container_port}},
                      {"protocol", model::get_word(kPortProtocols, port.protocol)}};
  put(object, "hostPort", port.host_port);
  return object;
}

json::object to_json(const HealthCheck& check) {
  json::object object{{"command", to_array(check.command)}};
  put(object, "interval", check.interval);
  put(object, "timeout", check.timeout);
  put(object, "retries", check.retries);
  put(object, "startPeriod", check.start_period);
  return object;
}

json::object to_json(const RestartPolicy& policy) {
  json::object object{{"enabled", true}};
  put(object, "ignoredExitCodes",
      json::array(policy.ignored_exit_codes.begin(), policy.ignored_exit_codes.end()));
  put(object, "restartAttemptPeriod", policy.attempt_period);
  return object;
}

json::object to_linux_parameters(const Container& container) {
  json::object rights;
  put(rights, "add", container.add_capabilities);
  put(rights, "drop", container.drop_capabilities);
  json::object object;
  put(object, "capabilities", std::move(rights));
  put(object, "devices", convert(container.devices, [](const auto& one) { return to_json(one); }));
  put(object, "initProcessEnabled", container.init_process);
  put(object, "sharedMemorySize", container.shared_memory_mib);
  put(object, "tmpfs", convert(container.tmpfs, [](const auto& one) { return to_json(one); }));
  if (container.max_swap_mib) object["maxSwap"] = std::int64_t{*container.max_swap_mib};
  if (container.swappiness) object["swappiness"] = std::int64_t{*container.swappiness};
  return object;
}

json::object to_log_configuration(LogConfiguration log, const LogDefaults& defaults) {
  if (log.driver == LogDriver::awslogs) {
    if (!defaults.region.empty()) log.options.try_emplace("awslogs-region", defaults.region);
    log.options.try_emplace("awslogs-stream-prefix", kLogStreamPrefix);
  }
  json::object object{{"logDriver", model::get_word(kLogDrivers, log.driver)}};
  put(object, "options", log.options);
  put(object, "secretOptions", to_pairs(log.secret_options, "name", "valueFrom"));
  return object;
}

void put_logs(json::object& to, const Container& container, const LogDefaults& defaults) {
  if (container.log)
    to["logConfiguration"] = to_log_configuration(*container.log, defaults);
  else if (!defaults.group.empty())
    to["logConfiguration"] =
        to_log_configuration({LogDriver::awslogs, {{"awslogs-group", defaults.group}}, {}}, defaults);
  if (!container.firelens) return;
  json::object firelens{{"type", model::get_word(kFirelensTypes, container.firelens->type)}};
  put(firelens, "options", container.firelens->options);
  to["firelensConfiguration"] = std::move(firelens);
}

void put_lists(json::object& to, const Container& c) {
  put(to, "environmentFiles", convert(c.environment_files, [](const auto& file) {
        return json::object{{"type", "s3"}, {"value", file}};
      }));
  put(to, "ulimits", convert(c.ulimits, [](const auto& one) {
        return json::object{{"name", model::get_word(kUlimitNames, one.name)},
                            {"softLimit", one.soft},
                            {"hardLimit", one.hard}};
      }));
  put(to, "extraHosts", convert(c.extra_hosts, [](const auto& one) {
        return json::object{{"hostname", one.hostname}, {"ipAddress", one.ip_address}};
      }));
  put(to, "portMappings", convert(c.port_mappings, [](const auto& one) { return to_json(one); }));
  put(to, "mountPoints", convert(c.mount_points, [](const auto& one) {
        json::object mount{{"sourceVolume", one.volume}, {"containerPath", one.path}};
        put(mount, "readOnly", one.read_only);
        return mount;
      }));
  put(to, "volumesFrom",
      convert(c.volumes_from, [](const auto& name) { return json::object{{"sourceContainer", name}}; }));
  put(to, "dependsOn", convert(c.depends_on, [](const auto& one) {
        return json::object{{"containerName", one.container},
                            {"condition", model::get_word(kDependencyConditions, one.condition)}};
      }));
  if (c.gpus != 0)
    to["resourceRequirements"] =
        json::array{json::object{{"type", "GPU"}, {"value", std::to_string(c.gpus)}}};
}

json::object to_json(const EfsVolume& efs) {
  json::object object{{"fileSystemId", efs.file_system_id},
                      {"transitEncryption", efs.transit_encryption ? "ENABLED" : "DISABLED"}};
  put(object, "rootDirectory", efs.root_directory);
  put(object, "transitEncryptionPort", efs.transit_encryption_port);
  json::object authorization;
  put(authorization, "accessPointId", efs.access_point_id);
  if (efs.iam) authorization["iam"] = "ENABLED";
  put(object, "authorizationConfig", std::move(authorization));
  return object;
}

json::object to_json(const DockerVolume& docker) {
  json::object object{{"scope", model::get_word(kDockerVolumeScopes, docker.scope)}};
  put(object, "autoprovision", docker.autoprovision);
  put(object, "driver", docker.driver);
  put(object, "driverOpts", docker.driver_options);
  put(object, "labels", docker.labels);
  return object;
}

json::object to_json(const FsxWindowsVolume& fsx) {
  return {{"fileSystemId", fsx.file_system_id},
          {"rootDirectory", fsx.root_directory},
          {"authorizationConfig",
           json::object{{"credentialsParameter", fsx.credentials_parameter}, {"domain", fsx.domain}}}};
}

}  // namespace

json::array to_array(const Texts& texts) { return json::array(texts.begin(), texts.end()); }

json::array to_pairs(const TextMap& map, const char* key, const char* value) {
  json::array pairs;
  for (const auto& [name, text] : map) pairs.push_back(json::object{{key, name}, {value, text}});
  return pairs;
}

std::int64_t to_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

json::object to_json(const Container& c, const LogDefaults& logs) {
  json::object to{{"name", c.name}, {"image", c.image}, {"essential", c.essential}};
  if (!c.repository_credentials.empty())
    to["repositoryCredentials"] = json::object{{"credentialsParameter", c.repository_credentials}};
  put(to, "cpu", c.cpu_units);
  put(to, "memory", c.memory_mib);
  put(to, "memoryReservation", c.memory_reservation_mib);
  put(to, "entryPoint", c.entry_point);
  put(to, "command", c.command);
  put(to, "environment", to_pairs(c.environment, "name", "value"));
  put(to, "secrets", to_pairs(c.secrets, "name", "valueFrom"));
  put(to, "user", c.user);
  put(to, "workingDirectory", c.working_directory);
  put(to, "hostname", c.hostname);
  put(to, "interactive", c.interactive);
  put(to, "pseudoTerminal", c.pseudo_terminal);
  put(to, "privileged", c.privileged);
  put(to, "readonlyRootFilesystem", c.read_only_root);
  put(to, "dockerSecurityOptions", c.docker_security_options);
  put(to, "dockerLabels", c.docker_labels);
  put(to, "linuxParameters", to_linux_parameters(c));
  put(to, "systemControls", to_pairs(c.system_controls, "namespace", "value"));
  put(to, "dnsServers", c.dns_servers);
  put(to, "dnsSearchDomains", c.dns_search_domains);
  put(to, "links", c.links);
  put_lists(to, c);
  if (c.health_check) to["healthCheck"] = to_json(*c.health_check);
  if (c.restart_policy) to["restartPolicy"] = to_json(*c.restart_policy);
  if (c.start_timeout) to["startTimeout"] = to_seconds(*c.start_timeout);
  if (c.stop_timeout) to["stopTimeout"] = to_seconds(*c.stop_timeout);
  put_logs(to, c, logs);
  return to;
}

json::object to_json(const Volume& volume) {
  json::object to{{"name", volume.name}};
  if (!volume.host_path.empty()) to["host"] = json::object{{"sourcePath", volume.host_path}};
  if (volume.efs) to["efsVolumeConfiguration"] = to_json(*volume.efs);
  if (volume.docker) to["dockerVolumeConfiguration"] = to_json(*volume.docker);
  if (volume.fsx_windows) to["fsxWindowsFileServerVolumeConfiguration"] = to_json(*volume.fsx_windows);
  if (volume.ebs) to["configuredAtLaunch"] = true;
  return to;
}

}  // namespace footman::ecs
