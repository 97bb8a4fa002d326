// What people say about agents on AWS ECS: of a cloud, and of a template. Values only; read from YAML by
// `config`, checked by validate.hpp, turned into requests by task_definition.hpp and run_task.hpp, and kept
// in launch rows as frozen_options.hpp writes them.
//
// Where a text, list, map or number is empty or 0, it is not said and not sent, so AWS' default holds, which
// the comment names. std::optional stands where "not said" and "empty" or "0" differ. Sizes are those of the
// API: CPU units (1024: one vCPU) and MiB, whole GiB for disks. Durations go out as whole seconds.
// Source of each field's meaning: RegisterTaskDefinition and RunTask in the ECS API reference, 2014-11-13.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ecs/words.hpp"

namespace footman::ecs {

using namespace footman::base;

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

// ── The cloud ─────────────────────────────────────────────────────────────────────────────────────────────

struct RoleToAssume {
  std::string role_arn;      // empty: no role is assumed
  std::string external_id;   // what the role's trust policy asks for (sts:ExternalId)
  std::string session_name;  // empty: "footman-<installation>"; ≤ 64 of letters, digits, =,.@-_
  bool operator==(const RoleToAssume&) const = default;
};

// Empty: AWS' own chain – environment, shared files, web identity, container, instance.
struct CredentialOptions {
  std::string profile;       // of the shared configuration files, instead of the chain
  RoleToAssume assume_role;  // with what profile or chain give
  bool operator==(const CredentialOptions&) const = default;
};

struct EndpointOptions {
  std::string url;  // instead of AWS' own, for every service
  TextMap urls;     // the same for single ones: "ecs", "sqs", "sts", … (validate.hpp); they win
  bool fips = false;
  bool dual_stack = false;
  bool operator==(const EndpointOptions&) const = default;
};

struct CloudOptions {
  std::string region;   // "eu-central-1"; empty: AWS_REGION's, found at start
  std::string cluster;  // name or ARN; empty: "default", AWS' own default
  CredentialOptions credentials;
  EndpointOptions endpoint;
  // SQS queue that EventBridge sends "ECS Task State Change" to, of AWS or of `endpoint`; this cloud takes
  // what is in it, so it is nobody else's. Empty: tasks are followed by DescribeTasks.
  std::string event_queue_url;
  // CloudWatch log group for templates that name no log driver; empty: the agent's own output is not kept.
  // Must exist; the execution role writes to it.
  std::string log_group;
  TextMap tags;  // on every task and task definition; a template's win
  // Before the names of Footman's own tags: "footman:installation", "…agent", "…template", "…generation".
  std::string tag_prefix = "footman:";
  bool operator==(const CloudOptions&) const = default;
};

// ── Where tasks run ───────────────────────────────────────────────────────────────────────────────────────

struct CapacityProvider {
  std::string name;          // "FARGATE", "FARGATE_SPOT" (AWS' own) or one of the cluster's
  std::uint32_t base = 0;    // how many tasks at least, 0–100 000; one provider of a strategy may have it
  std::uint32_t weight = 1;  // share of the rest, 0–1000; at least one must be above 0
  bool operator==(const CapacityProvider&) const = default;
};

struct Capacity {
  CapacityKind kind = CapacityKind::launch_type;
  LaunchType launch_type = LaunchType::fargate;  // of kind launch_type only
  std::vector<CapacityProvider> providers;       // of kind strategy only, ≤ 20
  // What the definition is registered for. Not said: what the launch type is; FARGATE when all providers are
  // AWS' own two; else EC2. Needed for the cluster's default, which may be anything.
  std::optional<Compatibility> compatibility;
  bool operator==(const Capacity&) const = default;
};

struct TaskSize {
  std::uint32_t cpu_units = 0;   // Fargate needs both, and one of its pairs (fargate_sizes.hpp)
  std::uint32_t memory_mib = 0;  // of all containers together
  bool operator==(const TaskSize&) const = default;
};

struct PlacementStrategy {  // not on Fargate; ≤ 5
  PlacementStrategyType type = PlacementStrategyType::random;
  std::string field;  // spread: "attribute:ecs.availability-zone", "instanceId", …; binpack: "cpu", "memory"
  bool operator==(const PlacementStrategy&) const = default;
};

struct PlacementConstraint {  // not on Fargate; ≤ 10
  PlacementConstraintType type = PlacementConstraintType::member_of;
  std::string expression;  // of member_of: "attribute:ecs.instance-type =~ g4.*"
  bool operator==(const PlacementConstraint&) const = default;
};

// ── Volumes ───────────────────────────────────────────────────────────────────────────────────────────────

struct EfsVolume {
  std::string file_system_id;                 // "fs-0123456789abcdef0"
  std::string root_directory;                 // empty: "/"; with an access point empty or "/"
  std::string access_point_id;                // "fsap-…"; needs transit encryption
  bool iam = false;                           // mount with the task role; needs transit encryption
  bool transit_encryption = true;             // AWS' default is off
  std::uint32_t transit_encryption_port = 0;  // 0: chosen by the mount helper
  bool operator==(const EfsVolume&) const = default;
};

struct DockerVolume {  // EC2 only
  DockerVolumeScope scope = DockerVolumeScope::task;
  bool autoprovision = false;  // of scope shared: made when it is not there
  std::string driver;          // empty: "local"
  TextMap driver_options;
  TextMap labels;
  bool operator==(const DockerVolume&) const = default;
};

struct FsxWindowsVolume {  // Windows on EC2 only
  std::string file_system_id;
  std::string root_directory;
  std::string credentials_parameter;  // ARN in Secrets Manager or SSM
  std::string domain;
  bool operator==(const FsxWindowsVolume&) const = default;
};

// One EBS volume for each task, made at its launch and deleted at its end. One for each task at most.
struct EbsVolume {
  std::string role_arn;        // ECS' infrastructure role
  std::uint32_t size_gib = 0;  // 0: the snapshot's
  std::string snapshot_id;     // "snap-…"
  std::string volume_type;     // empty: gp3
  std::uint32_t iops = 0;
  std::uint32_t throughput = 0;           // MiB/s, gp3 only
  std::uint32_t initialization_rate = 0;  // MiB/s, of a snapshot
  std::optional<bool> encrypted;          // not said: the account's default
  std::string kms_key_id;
  std::optional<FileSystemType> file_system_type;  // not said: xfs, the snapshot's, NTFS on Windows
  bool operator==(const EbsVolume&) const = default;
};

// At most one of the kinds; none: an empty directory that lives as long as the task.
struct Volume {
  std::string name;       // of letters, digits, - and _
  std::string host_path;  // of the container instance; not on Fargate
  std::optional<EfsVolume> efs;
  std::optional<DockerVolume> docker;
  std::optional<FsxWindowsVolume> fsx_windows;
  std::optional<EbsVolume> ebs;
  bool operator==(const Volume&) const = default;
};

struct MountPoint {
  std::string volume;  // its name
  std::string path;    // in the container, absolute
  bool read_only = false;
  bool operator==(const MountPoint&) const = default;
};

// ── Containers ────────────────────────────────────────────────────────────────────────────────────────────

struct Tmpfs {
  std::string path;
  std::uint32_t size_mib = 0;  // must be said
  Texts mount_options;         // "noexec", "size=…" and so on
  bool operator==(const Tmpfs&) const = default;
};

struct Device {  // not on Fargate
  std::string host_path;
  std::string container_path;                 // empty: the same
  std::vector<DevicePermission> permissions;  // empty: all three
  bool operator==(const Device&) const = default;
};

struct Ulimit {
  UlimitName name = UlimitName::nofile;  // the only one that Fargate takes
  std::int64_t soft = 0;                 // -1: no limit
  std::int64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};

struct ExtraHost {  // a line of /etc/hosts; not with awsvpc
  std::string hostname;
  std::string ip_address;
  bool operator==(const ExtraHost&) const = default;
};

struct PortMapping {
  std::uint16_t container_port = 0;
  std::uint16_t host_port = 0;  // 0: with bridge any free one, with awsvpc and host the same
  PortProtocol protocol = PortProtocol::tcp;
  bool operator==(const PortMapping&) const = default;
};

struct HealthCheck {
  Texts command;              // {"CMD-SHELL", "pg_isready"} or {"CMD", program, arguments …}
  Duration interval{0};       // 5–300 s; 0: 30 s
  Duration timeout{0};        // 2–60 s; 0: 5 s
  std::uint32_t retries = 0;  // 1–10; 0: 3
  Duration start_period{0};   // ≤ 300 s; 0: none
  bool operator==(const HealthCheck&) const = default;
};

struct Dependency {
  std::string container;
  DependencyCondition condition = DependencyCondition::start;
  bool operator==(const Dependency&) const = default;
};

struct LogConfiguration {
  LogDriver driver = LogDriver::awslogs;  // Fargate takes awslogs, splunk and awsfirelens
  TextMap options;
  TextMap secret_options;  // option → ARN or name, as Container::secrets
  bool operator==(const LogConfiguration&) const = default;
};

struct Firelens {  // this container routes the others' logs (driver awsfirelens)
  FirelensType type = FirelensType::fluentbit;
  TextMap options;
  bool operator==(const Firelens&) const = default;
};

struct RestartPolicy {                           // of a container alone, while its task runs
  std::vector<std::int32_t> ignored_exit_codes;  // ≤ 50
  Duration attempt_period{0};                    // 60–1800 s; 0: 300 s
  bool operator==(const RestartPolicy&) const = default;
};

struct Container {
  std::string name;   // letters, digits, - and _, ≤ 255. Agent's: see TemplateOptions::container
  std::string image;  // "node:20", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ci@sha256:…"
  // ARN in Secrets Manager: user and password of a private registry; read with the execution role.
  std::string repository_credentials;
  bool essential = true;  // its end ends the task

  std::uint32_t cpu_units = 0;               // its share of the task's
  std::uint32_t memory_mib = 0;              // killed above it; 0: the task's limit alone
  std::uint32_t memory_reservation_mib = 0;  // soft: what is kept for it
  std::uint32_t gpus = 0;                    // not on Fargate

  Texts entry_point;  // empty: the image's. The agent's: see TemplateOptions::container
  Texts command;      // empty: the image's. The agent's is ours: refused there
  TextMap environment;
  TextMap secrets;  // name → valueFrom: ARN in Secrets Manager (":json-key:stage:version" may follow),
                    // SSM parameter's ARN or name; read with the execution role when it starts
  Texts environment_files;  // ARNs of objects in S3
  std::string user;         // "1000", "1000:1000", "node"; empty: the image's
  std::string working_directory;
  std::string hostname;  // not with awsvpc
  bool interactive = false;
  bool pseudo_terminal = false;

  bool privileged = false;  // not on Fargate
  bool read_only_root = false;
  Texts add_capabilities;  // Linux' names without CAP_; Fargate takes SYS_PTRACE alone
  Texts drop_capabilities;
  Texts docker_security_options;              // EC2 only
  bool init_process = false;                  // a PID 1 that forwards signals and reaps
  std::uint32_t shared_memory_mib = 0;        // /dev/shm; 0: 64; not on Fargate
  std::optional<std::uint32_t> max_swap_mib;  // 0: no swap; not on Fargate
  std::optional<std::uint32_t> swappiness;    // 0–100
  std::vector<Tmpfs> tmpfs;
  std::vector<Device> devices;
  std::vector<Ulimit> ulimits;
  TextMap system_controls;  // "net.core.somaxconn" → "1024"
  TextMap docker_labels;

  std::vector<ExtraHost> extra_hosts;
  Texts dns_servers;         // not on Windows, not with awsvpc
  Texts dns_search_domains;  // not on Windows, not with awsvpc
  Texts links;               // bridge only
  std::vector<PortMapping> port_mappings;

  std::vector<MountPoint> mount_points;
  Texts volumes_from;  // names of containers

  std::optional<HealthCheck> health_check;
  std::vector<Dependency> depends_on;
  std::optional<Duration> start_timeout;  // how long those who depend on it wait; Fargate: 2–120 s
  // Between SIGTERM and SIGKILL. Not said: kStopTimeout for the agent's container, AWS' 30 s for others.
  // Fargate: ≤ 120 s.
  std::optional<Duration> stop_timeout;
  std::optional<RestartPolicy> restart_policy;
  std::optional<LogConfiguration> log;  // not said: awslogs into CloudOptions::log_group, if that is said
  std::optional<Firelens> firelens;
  bool operator==(const Container&) const = default;
};

// Long enough for Spot's notice of two minutes to be used.
inline constexpr Duration kStopTimeout = std::chrono::seconds(120);

// ── The template ──────────────────────────────────────────────────────────────────────────────────────────

// How Footman's agent gets into the agent's container.
struct AgentOptions {
  AgentDelivery delivery = AgentDelivery::inject;
  // image: where the agent is in it. inject: empty; the agent is then at <directory>/footman-agent.
  std::string path;
  // inject: an image that has the static agent as /footman-agent, for the template's
  // architecture.
  std::string carrier_image;
  std::string directory = "/footman";  // inject: where the shared volume is mounted
  // Where builds work; must be writable for `user`. Empty: <directory>/work with inject, which everybody may
  // write; else the agent's own default, the working directory.
  std::string work_directory;
  bool operator==(const AgentOptions&) const = default;
};

struct TemplateOptions {
  // An existing definition instead of one of our own: family (its newest revision), family:revision or ARN.
  // Then only what RunTask can override or is asked with counts: size, ephemeral storage, roles, the agent
  // container's name, size and environment, network, capacity, placement, tags; the rest is refused.
  std::string task_definition;

  // The agent's. Its name: empty "agent", or with task_definition that definition's first container. Its
  // command is ours, so refused. Its entry point: empty is ours too; said: kept, and what we would run are
  // its arguments, as with `tini --`.
  Container container;
  std::vector<Container> sidecars;
  std::vector<Volume> volumes;
  AgentOptions agent;

  Capacity capacity;
  std::vector<Capacity> fallback_capacities;  // tried in this order: on demand after Spot
  TaskSize size;
  std::vector<TaskSize> fallback_sizes;  // tried when nothing of `size` is free
  bool round_up = false;                 // to Fargate's next larger pair, instead of an error

  std::string platform_version;  // Fargate's; empty: LATEST
  OsFamily os_family = OsFamily::linux_;
  CpuArchitecture cpu_architecture = CpuArchitecture::x86_64;
  // Tried when nothing of the first is free: for images of several architectures and builds that do not mind.
  std::vector<CpuArchitecture> fallback_architectures;
  std::uint32_t ephemeral_storage_gib = 0;  // Fargate: 21–200; 0: 20, included in the price

  // Not said: awsvpc on Fargate, else AWS' default (bridge on Linux, NAT on Windows).
  std::optional<NetworkMode> network_mode;
  Texts subnets;          // "subnet-…", ≤ 16; awsvpc needs one
  Texts security_groups;  // "sg-…", ≤ 5; empty: the VPC's default group
  bool assign_public_ip = false;
  std::optional<PidMode> pid_mode;
  std::optional<IpcMode> ipc_mode;

  std::string task_role;         // ARN: what builds may do
  std::string execution_role;    // ARN: what ECS may do to start them: pull, log, read secrets
  bool execute_command = false;  // ECS Exec; needs a task role

  std::vector<PlacementStrategy> placement_strategies;
  std::vector<PlacementConstraint> placement_constraints;
  std::string group;  // empty: "family:<family>", AWS' own

  TextMap tags;  // of tasks and definition, over the cloud's
  // Of the definition's tags to tasks. Ours stand on both already; this is for task_definition.
  PropagateTags propagate_tags = PropagateTags::none;
  bool ecs_managed_tags = true;  // AWS' own aws:ecs:clusterName, for cost reports

  // JSON merge patch (RFC 7396) over the RegisterTaskDefinition request, for all that has no field here;
  // checked against the service's model. Not with task_definition.
  std::string task_definition_patch;
  bool operator==(const TemplateOptions&) const = default;
};

inline constexpr std::string_view kAgentContainerName = "agent";

}  // namespace footman::ecs
