// The fields of the options, each listed once with its name: for what goes over all of them (the frozen form,
// the check of what an existing task definition leaves open, the reader of footman.yaml).
#pragma once

#include <type_traits>

#include "ecs/options.hpp"

namespace footman::ecs {

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<RoleToAssume>) {
  visit("role_arn", &RoleToAssume::role_arn);
  visit("external_id", &RoleToAssume::external_id);
  visit("session_name", &RoleToAssume::session_name);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<CredentialOptions>) {
  visit("profile", &CredentialOptions::profile);
  visit("assume_role", &CredentialOptions::assume_role);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<EndpointOptions>) {
  visit("url", &EndpointOptions::url);
  visit("urls", &EndpointOptions::urls);
  visit("fips", &EndpointOptions::fips);
  visit("dual_stack", &EndpointOptions::dual_stack);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<CloudOptions>) {
  visit("region", &CloudOptions::region);
  visit("cluster", &CloudOptions::cluster);
  visit("credentials", &CloudOptions::credentials);
  visit("endpoint", &CloudOptions::endpoint);
  visit("event_queue_url", &CloudOptions::event_queue_url);
  visit("log_group", &CloudOptions::log_group);
  visit("tags", &CloudOptions::tags);
  visit("tag_prefix", &CloudOptions::tag_prefix);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<CapacityProvider>) {
  visit("name", &CapacityProvider::name);
  visit("base", &CapacityProvider::base);
  visit("weight", &CapacityProvider::weight);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Capacity>) {
  visit("kind", &Capacity::kind);
  visit("launch_type", &Capacity::launch_type);
  visit("providers", &Capacity::providers);
  visit("compatibility", &Capacity::compatibility);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<TaskSize>) {
  visit("cpu_units", &TaskSize::cpu_units);
  visit("memory_mib", &TaskSize::memory_mib);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<PlacementStrategy>) {
  visit("type", &PlacementStrategy::type);
  visit("field", &PlacementStrategy::field);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<PlacementConstraint>) {
  visit("type", &PlacementConstraint::type);
  visit("expression", &PlacementConstraint::expression);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<EfsVolume>) {
  visit("file_system_id", &EfsVolume::file_system_id);
  visit("root_directory", &EfsVolume::root_directory);
  visit("access_point_id", &EfsVolume::access_point_id);
  visit("iam", &EfsVolume::iam);
  visit("transit_encryption", &EfsVolume::transit_encryption);
  visit("transit_encryption_port", &EfsVolume::transit_encryption_port);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<DockerVolume>) {
  visit("scope", &DockerVolume::scope);
  visit("autoprovision", &DockerVolume::autoprovision);
  visit("driver", &DockerVolume::driver);
  visit("driver_options", &DockerVolume::driver_options);
  visit("labels", &DockerVolume::labels);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<FsxWindowsVolume>) {
  visit("file_system_id", &FsxWindowsVolume::file_system_id);
  visit("root_directory", &FsxWindowsVolume::root_directory);
  visit("credentials_parameter", &FsxWindowsVolume::credentials_parameter);
  visit("domain", &FsxWindowsVolume::domain);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<EbsVolume>) {
  visit("role_arn", &EbsVolume::role_arn);
  visit("size_gib", &EbsVolume::size_gib);
  visit("snapshot_id", &EbsVolume::snapshot_id);
  visit("volume_type", &EbsVolume::volume_type);
  visit("iops", &EbsVolume::iops);
  visit("throughput", &EbsVolume::throughput);
  visit("initialization_rate", &EbsVolume::initialization_rate);
  visit("encrypted", &EbsVolume::encrypted);
  visit("kms_key_id", &EbsVolume::kms_key_id);
  visit("file_system_type", &EbsVolume::file_system_type);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Volume>) {
  visit("name", &Volume::name);
  visit("host_path", &Volume::host_path);
  visit("efs", &Volume::efs);
  visit("docker", &Volume::docker);
  visit("fsx_windows", &Volume::fsx_windows);
  visit("ebs", &Volume::ebs);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<MountPoint>) {
  visit("volume", &MountPoint::volume);
  visit("path", &MountPoint::path);
  visit("read_only", &MountPoint::read_only);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Tmpfs>) {
  visit("path", &Tmpfs::path);
  visit("size_mib", &Tmpfs::size_mib);
  visit("mount_options", &Tmpfs::mount_options);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Device>) {
  visit("host_path", &Device::host_path);
  visit("container_path", &Device::container_path);
  visit("permissions", &Device::permissions);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Ulimit>) {
  visit("name", &Ulimit::name);
  visit("soft", &Ulimit::soft);
  visit("hard", &Ulimit::hard);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<ExtraHost>) {
  visit("hostname", &ExtraHost::hostname);
  visit("ip_address", &ExtraHost::ip_address);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<PortMapping>) {
  visit("container_port", &PortMapping::container_port);
  visit("host_port", &PortMapping::host_port);
  visit("protocol", &PortMapping::protocol);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<HealthCheck>) {
  visit("command", &HealthCheck::command);
  visit("interval", &HealthCheck::interval);
  visit("timeout", &HealthCheck::timeout);
  visit("retries", &HealthCheck::retries);
  visit("start_period", &HealthCheck::start_period);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Dependency>) {
  visit("container", &Dependency::container);
  visit("condition", &Dependency::condition);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<LogConfiguration>) {
  visit("driver", &LogConfiguration::driver);
  visit("options", &LogConfiguration::options);
  visit("secret_options", &LogConfiguration::secret_options);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Firelens>) {
  visit("type", &Firelens::type);
  visit("options", &Firelens::options);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<RestartPolicy>) {
  visit("ignored_exit_codes", &RestartPolicy::ignored_exit_codes);
  visit("attempt_period", &RestartPolicy::attempt_period);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<Container>) {
  visit("name", &Container::name);
  visit("image", &Container::image);
  visit("repository_credentials", &Container::repository_credentials);
  visit("essential", &Container::essential);
  visit("cpu_units", &Container::cpu_units);
  visit("memory_mib", &Container::memory_mib);
  visit("memory_reservation_mib", &Container::memory_reservation_mib);
  visit("gpus", &Container::gpus);
  visit("entry_point", &Container::entry_point);
  visit("command", &Container::command);
  visit("environment", &Container::environment);
  visit("secrets", &Container::secrets);
  visit("environment_files", &Container::environment_files);
  visit("user", &Container::user);
  visit("working_directory", &Container::working_directory);
  visit("hostname", &Container::hostname);
  visit("interactive", &Container::interactive);
  visit("pseudo_terminal", &Container::pseudo_terminal);
  visit("privileged", &Container::privileged);
  visit("read_only_root", &Container::read_only_root);
  visit("add_capabilities", &Container::add_capabilities);
  visit("drop_capabilities", &Container::drop_capabilities);
  visit("docker_security_options", &Container::docker_security_options);
  visit("init_process", &Container::init_process);
  visit("shared_memory_mib", &Container::shared_memory_mib);
  visit("max_swap_mib", &Container::max_swap_mib);
  visit("swappiness", &Container::swappiness);
  visit("tmpfs", &Container::tmpfs);
  visit("devices", &Container::devices);
  visit("ulimits", &Container::ulimits);
  visit("system_controls", &Container::system_controls);
  visit("docker_labels", &Container::docker_labels);
  visit("extra_hosts", &Container::extra_hosts);
  visit("dns_servers", &Container::dns_servers);
  visit("dns_search_domains", &Container::dns_search_domains);
  visit("links", &Container::links);
  visit("port_mappings", &Container::port_mappings);
  visit("mount_points", &Container::mount_points);
  visit("volumes_from", &Container::volumes_from);
  visit("health_check", &Container::health_check);
  visit("depends_on", &Container::depends_on);
  visit("start_timeout", &Container::start_timeout);
  visit("stop_timeout", &Container::stop_timeout);
  visit("restart_policy", &Container::restart_policy);
  visit("log", &Container::log);
  visit("firelens", &Container::firelens);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<AgentOptions>) {
  visit("delivery", &AgentOptions::delivery);
  visit("path", &AgentOptions::path);
  visit("carrier_image", &AgentOptions::carrier_image);
  visit("directory", &AgentOptions::directory);
  visit("work_directory", &AgentOptions::work_directory);
}

template <class Visitor>
void visit_fields(const Visitor& visit, std::type_identity<TemplateOptions>) {
  visit("task_definition", &TemplateOptions::task_definition);
  visit("container", &TemplateOptions::container);
  visit("sidecars", &TemplateOptions::sidecars);
  visit("volumes", &TemplateOptions::volumes);
  visit("agent", &TemplateOptions::agent);
  visit("capacity", &TemplateOptions::capacity);
  visit("fallback_capacities", &TemplateOptions::fallback_capacities);
  visit("size", &TemplateOptions::size);
  visit("fallback_sizes", &TemplateOptions::fallback_sizes);
  visit("round_up", &TemplateOptions::round_up);
  visit("platform_version", &TemplateOptions::platform_version);
  visit("os_family", &TemplateOptions::os_family);
  visit("cpu_architecture", &TemplateOptions::cpu_architecture);
  visit("fallback_architectures", &TemplateOptions::fallback_architectures);
  visit("ephemeral_storage_gib", &TemplateOptions::ephemeral_storage_gib);
  visit("network_mode", &TemplateOptions::network_mode);
  visit("subnets", &TemplateOptions::subnets);
  visit("security_groups", &TemplateOptions::security_groups);
  visit("assign_public_ip", &TemplateOptions::assign_public_ip);
  visit("pid_mode", &TemplateOptions::pid_mode);
  visit("ipc_mode", &TemplateOptions::ipc_mode);
  visit("task_role", &TemplateOptions::task_role);
  visit("execution_role", &TemplateOptions::execution_role);
  visit("execute_command", &TemplateOptions::execute_command);
  visit("placement_strategies", &TemplateOptions::placement_strategies);
  visit("placement_constraints", &TemplateOptions::placement_constraints);
  visit("group", &TemplateOptions::group);
  visit("tags", &TemplateOptions::tags);
  visit("propagate_tags", &TemplateOptions::propagate_tags);
  visit("ecs_managed_tags", &TemplateOptions::ecs_managed_tags);
  visit("task_definition_patch", &TemplateOptions::task_definition_patch);
}

// Options whose fields are listed here.
template <class T>
concept Object = requires(const T& value) { visit_fields([](auto, auto) {}, std::type_identity<T>()); };

}  // namespace footman::ecs
