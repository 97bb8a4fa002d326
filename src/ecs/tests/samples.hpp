// Options that tests begin with.
#pragma once

#include "ecs/options.hpp"

namespace footman::ecs {

inline TemplateOptions make_fargate_options() {
  TemplateOptions options;
  options.container.image = "node:20";
  options.agent.carrier_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/footman-agent:1";
  options.size = {1024, 2048};
  options.subnets = {"subnet-0a1b2c3d", "subnet-0123456789abcdef0"};
  options.security_groups = {"sg-0123456789abcdef0"};
  options.task_role = "arn:aws:iam::123456789012:role/footman-agent";
  options.execution_role = "arn:aws:iam::123456789012:role/footman-execution";
  return options;
}

inline CloudOptions make_cloud() {
  CloudOptions cloud;
  cloud.region = "eu-central-1";
  cloud.cluster = "ci";
  return cloud;
}

// Every field has another value than by default, so that no field is forgotten.
inline TemplateOptions make_full_options() {
  Container full;
  full.name = "db";
  full.image = "postgres:16";
  full.repository_credentials = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry";
  full.essential = false;
  full.cpu_units = 256;
  full.memory_mib = 512;
  full.memory_reservation_mib = 256;
  full.gpus = 1;
  full.entry_point = {"/bin/sh", "-c"};
  full.command = {"run"};
  full.environment = {{"A", "1"}, {"B", ""}};
  full.secrets = {{"TOKEN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token"}};
  full.environment_files = {"arn:aws:s3:::bucket/file.env"};
  full.user = "1000:1000";
  full.working_directory = "/srv";
  full.hostname = "db";
  full.interactive = true;
  full.pseudo_terminal = true;
  full.privileged = true;
  full.read_only_root = true;
  full.add_capabilities = {"SYS_PTRACE"};
  full.drop_capabilities = {"NET_RAW"};
  full.docker_security_options = {"no-new-privileges"};
  full.init_process = true;
  full.shared_memory_mib = 128;
  full.max_swap_mib = 0;
  full.swappiness = 10;
  full.tmpfs = {{"/run", 64, {"noexec"}}};
  full.devices = {{"/dev/fuse", "/dev/fuse", {DevicePermission::read, DevicePermission::mknod}}};
  full.ulimits = {{UlimitName::nofile, 1024, -1}};
  full.system_controls = {{"net.core.somaxconn", "1024"}};
  full.docker_labels = {{"team", "ci"}};
  full.extra_hosts = {{"db.local", "10.0.0.1"}};
  full.dns_servers = {"10.0.0.2"};
  full.dns_search_domains = {"example.com"};
  full.links = {"cache:cache"};
  full.port_mappings = {{5432, 5432, PortProtocol::udp}};
  full.mount_points = {{"data", "/data", true}};
  full.volumes_from = {"cache"};
  full.health_check = HealthCheck{{"CMD-SHELL", "pg_isready"}, 10s, 5s, 4, 20s};
  full.depends_on = {{"cache", DependencyCondition::healthy}};
  full.start_timeout = 60s;
  full.stop_timeout = 0s;
  full.restart_policy = RestartPolicy{{0, 137}, 120s};
  full.log = LogConfiguration{LogDriver::awsfirelens, {{"Name", "http"}}, {{"header", "token"}}};
  full.firelens = Firelens{FirelensType::fluentd, {{"enable-ecs-log-metadata", "true"}}};

  TemplateOptions options;
  options.task_definition = "ci:7";
  options.container = full;
  options.sidecars = {full, Container{}};
  options.volumes.resize(5);
  options.volumes[0] = {"host", "/var/cache", {}, {}, {}, {}};
  options.volumes[1].efs = EfsVolume{"fs-1", "/x", "fsap-1", true, false, 2049};
  options.volumes[2].docker =
      DockerVolume{DockerVolumeScope::shared, true, "local", {{"o", "1"}}, {{"l", "2"}}};
  options.volumes[3].fsx_windows = FsxWindowsVolume{"fs-2", "share", "arn", "example.com"};
  options.volumes[4].ebs =
      EbsVolume{"arn:role", 50, "snap-1", "gp3", 3000, 125, 100, false, "key", FileSystemType::ext4};
  options.agent = {AgentDelivery::image, "/opt/agent", "carrier:1", "/opt", "/work"};
  options.capacity = {CapacityKind::strategy, LaunchType::ec2, {{"FARGATE_SPOT", 1, 2}}, Compatibility::ec2};
  options.fallback_capacities = {{}, {CapacityKind::cluster_default, LaunchType::external, {}, {}}};
  options.size = {1024, 2048};
  options.fallback_sizes = {{2048, 4096}};
  options.round_up = true;
  options.platform_version = "1.4.0";
  options.os_family = OsFamily::windows_2025_full;
  options.cpu_architecture = CpuArchitecture::arm64;
  options.fallback_architectures = {CpuArchitecture::x86_64};
  options.ephemeral_storage_gib = 50;
  options.network_mode = NetworkMode::awsvpc;
  options.subnets = {"subnet-1"};
  options.security_groups = {"sg-1"};
  options.assign_public_ip = true;
  options.pid_mode = PidMode::task;
  options.ipc_mode = IpcMode::none;
  options.task_role = "arn:aws:iam::123456789012:role/a";
  options.execution_role = "arn:aws:iam::123456789012:role/b";
  options.execute_command = true;
  options.placement_strategies = {{PlacementStrategyType::binpack, "cpu"}};
  options.placement_constraints = {{PlacementConstraintType::distinct_instance, "x"}};
  options.group = "ci";
  options.tags = {{"team", "ci"}};
  options.propagate_tags = PropagateTags::task_definition;
  options.ecs_managed_tags = false;
  options.task_definition_patch = R"({"pidMode":"task"})";
  return options;
}

// The full sample as a definition that can be made of it.
inline TemplateOptions make_complete_options() {
  auto options = make_full_options();
  options.task_definition.clear();
  options.container.command.clear();
  options.sidecars[0].name = "sidecar";
  options.sidecars[1].name = "cache";
  options.sidecars[1].image = "redis:7";
  options.capacity = {CapacityKind::launch_type, LaunchType::ec2, {}, {}};
  options.fallback_capacities.clear();
  options.agent = {AgentDelivery::inject, "", "carrier:1", "/footman", ""};
  for (std::size_t i = 0; i < options.volumes.size(); ++i) options.volumes[i].name = "v" + std::to_string(i);
  return options;
}

}  // namespace footman::ecs
