// The keys of clouds of type ecs: the fields of ecs/options.hpp.
#include <fmt/format.h>

#include <initializer_list>

#include "config/schema_rows.hpp"

namespace footman::config {
namespace {

struct Row {
  std::string_view key;
  std::string_view type;
  std::string_view fallback;
  std::string_view meaning;
};

std::vector<Key> make_rows(std::string_view section, bool restart, std::initializer_list<Row> rows) {
  std::vector<Key> keys;
  keys.reserve(rows.size());
  for (const auto& row : rows)
    keys.push_back(
        {fmt::format("{}{}", section, row.key), row.type, row.fallback, row.meaning, restart, "ecs"});
  return keys;
}

}  // namespace

std::vector<Key> ecs_cloud_rows() {
  return make_rows(
      kEcsCloudPath, true,
      {
          {"region", "AWS region", "",
           "such as eu-central-1; without it that of AWS_REGION, AWS_DEFAULT_REGION, or the profile in "
           "~/.aws/config"},
          {"cluster", "name or ARN", "", "the cluster that tasks run in; without it `default`"},
          {"credentials.profile", "name", "",
           "a profile of AWS' shared files; without it AWS' own chain: environment, files, web identity, "
           "container, instance"},
          {"credentials.assume_role.role", "ARN", "", "a role that is taken on with these credentials"},
          {"credentials.assume_role.external_id", "text", "", "what that role's trust policy asks for"},
          {"credentials.assume_role.session_name", "text", "",
           "how the session is called in AWS' logs; without it footman and the installation's id"},
          {"endpoint.url", "URL", "",
           "instead of AWS' own addresses, for every service; https, or http to this machine"},
          {"endpoint.urls", "map of URLs", "{}",
           "the same for single services: {ecs: …, sqs: …, sts: …, and for examinations ec2, iam, ecr, logs, "
           "servicequotas, elasticfilesystem}"},
          {"endpoint.fips", "true or false", "false", "AWS' FIPS endpoints"},
          {"endpoint.dual_stack", "true or false", "false", "AWS' endpoints that have IPv6, too"},
          {"event_queue", "URL", "",
           "an SQS queue of this cloud alone that gets ECS' task state changes from EventBridge; without it "
           "tasks are asked for"},
          {"log_group", "name", "",
           "a CloudWatch log group that exists, for containers that name no log driver; without it what "
           "agents "
           "print themselves is not kept"},
          {"tags", "map", "{}", "on every task and task definition; a template's own win"},
          {"tag_prefix", "text", "'footman:'", "before the names of Footman's own tags"},
      });
}

std::vector<Key> ecs_template_rows() {
  return make_rows(
      kEcsTemplatePath, false,
      {
          {"image", "image", "",
           "required unless `task_definition` is there; the container that builds run in"},
          {"cpu", "vCPU", "",
           "of the whole task, like 1 vCPU or 0.25 vCPU; Fargate needs it, and in certain pairs with memory"},
          {"memory", "size", "", "of the whole task, like 2 GiB; Fargate needs it"},
          {"fallback_sizes", "list of {cpu, memory}", "[]",
           "tried in this order when nothing of that size is free"},
          {"fallback_sizes[].cpu", "vCPU", "", "as cpu"},
          {"fallback_sizes[].memory", "size", "", "as memory"},
          {"round_up", "true or false", "false",
           "takes Fargate's next larger pair of cpu and memory instead of refusing one that it does not "
           "have"},
          {"capacity",
           "FARGATE, EC2, EXTERNAL, cluster_default, a capacity provider, a list of them or a map", "FARGATE",
           "what tasks run on: FARGATE_SPOT, or [{name: FARGATE_SPOT, weight: 3}, FARGATE]"},
          {"capacity.providers", "list of {name, base, weight} or names", "[]",
           "the capacity providers; none: the cluster's default"},
          {"capacity.providers[].name", "name", "",
           "required; FARGATE, FARGATE_SPOT or one of the cluster's"},
          {"capacity.providers[].base", "number", "0",
           "how many tasks it gets at least; of one provider only"},
          {"capacity.providers[].weight", "number", "1", "its share of the others; 1000 or less"},
          {"capacity.compatibility", "FARGATE, EC2, EXTERNAL or MANAGED_INSTANCES", "",
           "what the definition is made for, when the providers do not say it by their names"},
          {"fallback_capacities", "list", "[]",
           "tried in this order when the capacity has nothing free, each written like it: [FARGATE]"},
          {"platform_version", "text", "", "Fargate's; without it LATEST"},
          {"os_family", "LINUX or a version of Windows", "LINUX", "such as WINDOWS_SERVER_2022_CORE"},
          {"cpu_architecture", "X86_64 or ARM64", "X86_64", "of the image and the agent"},
          {"fallback_architectures", "list of X86_64 and ARM64", "[]",
           "tried when nothing of the first one is free: for images of both, and builds that do not mind"},
          {"ephemeral_storage", "size", "", "Fargate: 21 GiB to 200 GiB; without it 20 GiB"},
          {"network_mode", "awsvpc, bridge, host or none", "",
           "without it awsvpc on Fargate, else AWS' default; Fargate has no other"},
          {"subnets", "list of ids", "[]", "where tasks get their addresses; awsvpc needs one, 16 at most"},
          {"security_groups", "list of ids", "[]", "5 at most; without one the VPC's default group"},
          {"assign_public_ip", "true or false", "false", "needed in a public subnet to reach anything"},
          {"pid_mode", "host or task", "", "whose processes containers see"},
          {"ipc_mode", "host, task or none", "", "whose shared memory containers see"},
          {"task_role", "ARN", "", "what builds may do in AWS"},
          {"execution_role", "ARN", "", "what ECS may do to start the task: pull, log, read secrets"},
          {"execute_command", "true or false", "false", "ECS Exec; needs task_role"},
          {"placement_strategies", "list of {type, field}", "[]", "not on Fargate; 5 at most"},
          {"placement_strategies[].type", "random, spread or binpack", "random", "how tasks are laid out"},
          {"placement_strategies[].field", "text", "", "such as attribute:ecs.availability-zone or memory"},
          {"placement_constraints", "list of {type, expression}", "[]", "not on Fargate; 10 at most"},
          {"placement_constraints[].type", "distinctInstance or memberOf", "memberOf",
           "each on another instance; or where the expression holds"},
          {"placement_constraints[].expression", "text", "", "of memberOf, in the cluster query language"},
          {"group", "name", "", "the task group; without it AWS' own, the definition's family"},
          {"tags", "map", "{}", "on tasks and definition, over those of the cloud"},
          {"propagate_tags", "TASK_DEFINITION or NONE", "NONE",
           "puts the tags of an existing definition on the tasks"},
          {"ecs_managed_tags", "true or false", "true", "AWS' own tags for cost reports"},
          {"agent.delivery", "inject or image", "inject",
           "a container copies the agent into the image's; or the image holds it already"},
          {"agent.path", "path", "", "image: where footman-agent is in it"},
          {"agent.carrier_image", "image", "",
           "inject: the image that has the agent as /footman-agent, see clouds/ecs.md"},
          {"agent.directory", "path", "/footman", "inject: where the agent's volume is mounted"},
          {"agent.work_directory", "path", "",
           "where builds work, the container's user must be able to write there; without it below "
           "agent.directory, "
           "or with image in its working directory"},
          {"container_name", "name", "",
           "of the agent's container; without it agent, or the first of task_definition"},
          {"container_cpu", "vCPU", "", "the share of the agent's container in the task's cpu"},
          {"container_memory", "size", "",
           "the agent's container is killed above it; without it the task's limit"},
          {"sidecars", "list of containers", "[]", "further containers of the task, see below"},
          {"volumes", "list of volumes", "[]", "what containers mount, see below"},
          {"task_definition", "family, family:revision or ARN", "",
           "an existing definition instead of one made from these keys; only what can be said for a single "
           "task "
           "may stand beside it"},
          {"task_definition_patch", "map or JSON", "",
           "merged over the request that registers the definition, with AWS' own names: for what has no key "
           "here"},
      });
}

std::vector<Key> ecs_container_rows() {
  return make_rows(
      kEcsSidecarPath, false,
      {
          {"name", "name", "", "required; letters, digits, - and _"},
          {"image", "image", "", "required"},
          {"repository_credentials", "ARN", "", "a secret with user and password of a private registry"},
          {"essential", "true or false", "true", "its end ends the task"},
          {"cpu", "vCPU", "", "its share of the task's"},
          {"memory", "size", "", "it is killed above it; without it the task's limit"},
          {"memory_reservation", "size", "", "what is kept free for it"},
          {"gpus", "number", "0", "not on Fargate"},
          {"entry_point", "list of texts", "[]",
           "instead of the image's; of the agent's container: started with the agent as its arguments, like "
           "[tini, --]"},
          {"command", "list of texts", "[]", "instead of the image's; the agent's container has Footman's"},
          {"env", "map", "{}",
           "its environment; of the agent's container that of the template; everybody who may read task "
           "definitions reads it"},
          {"secrets", "map of ARNs", "{}",
           "environment variables from Secrets Manager or SSM, read with the execution role when it starts"},
          {"env_files", "list of ARNs", "[]", "files with variables in S3"},
          {"user", "name or number", "", "instead of the image's: node, 1000 or 1000:1000"},
          {"working_directory", "path", "", "instead of the image's"},
          {"hostname", "name", "", "not with awsvpc"},
          {"interactive", "true or false", "false", "its standard input stays open"},
          {"pseudo_terminal", "true or false", "false", "it gets a terminal"},
          {"privileged", "true or false", "false", "not on Fargate"},
          {"read_only_root", "true or false", "false", "only volumes can be written"},
          {"add_capabilities", "list of names", "[]", "Linux' without CAP_; Fargate takes SYS_PTRACE alone"},
          {"drop_capabilities", "list of names", "[]", "the same, taken away"},
          {"docker_security_options", "list of texts", "[]", "EC2 only"},
          {"init_process", "true or false", "false",
           "a first process that passes signals on and reaps others"},
          {"shared_memory", "size", "", "of /dev/shm; not on Fargate"},
          {"max_swap", "size", "", "0: none; not on Fargate"},
          {"swappiness", "number", "", "0 to 100; not on Fargate"},
          {"tmpfs", "list of {path, size, mount_options}", "[]", "directories in memory"},
          {"tmpfs[].path", "path", "", "required"},
          {"tmpfs[].size", "size", "", "required"},
          {"tmpfs[].mount_options", "list of texts", "[]", "such as noexec"},
          {"devices", "list of {host_path, container_path, permissions}", "[]", "not on Fargate"},
          {"devices[].host_path", "path", "", "required"},
          {"devices[].container_path", "path", "", "without it the same"},
          {"devices[].permissions", "list of read, write and mknod", "[]", "none: all three"},
          {"ulimits", "list of {name, soft, hard}", "[]", "Fargate takes nofile alone"},
          {"ulimits[].name", "name", "nofile", "core, nofile, nproc and so on"},
          {"ulimits[].soft", "number", "", "required; -1: no limit"},
          {"ulimits[].hard", "number", "", "required; -1: no limit"},
          {"system_controls", "map", "{}", "kernel parameters: {net.core.somaxconn: 1024}"},
          {"docker_labels", "map", "{}", "labels of the container"},
          {"extra_hosts", "list of {hostname, ip_address}", "[]", "lines of /etc/hosts; not with awsvpc"},
          {"extra_hosts[].hostname", "name", "", "required"},
          {"extra_hosts[].ip_address", "address", "", "required"},
          {"dns_servers", "list of addresses", "[]", "not with awsvpc"},
          {"dns_search_domains", "list of names", "[]", "not with awsvpc"},
          {"links", "list of names", "[]", "bridge only"},
          {"ports", "list of {container_port, host_port, protocol}", "[]", "what others may reach"},
          {"ports[].container_port", "number", "", "required"},
          {"ports[].host_port", "number", "0", "0: with bridge any free one, else the same"},
          {"ports[].protocol", "tcp or udp", "tcp", ""},
          {"mounts", "list of {volume, path, read_only}", "[]", "volumes in the container"},
          {"mounts[].volume", "name", "", "required"},
          {"mounts[].path", "path", "", "required"},
          {"mounts[].read_only", "true or false", "false", "it cannot be written there"},
          {"volumes_from", "list of names", "[]", "containers whose mounts it gets, too"},
          {"health_check.command", "list of texts", "[]", "like [CMD-SHELL, pg_isready]"},
          {"health_check.interval", "duration", "", "5s to 5m; without it 30s"},
          {"health_check.timeout", "duration", "", "2s to 1m; without it 5s"},
          {"health_check.retries", "number", "", "1 to 10; without it 3"},
          {"health_check.start_period", "duration", "", "failures in it do not count; 5m or less"},
          {"depends_on", "list of {container, condition}", "[]", "started after those"},
          {"depends_on[].container", "name", "", "required"},
          {"depends_on[].condition", "START, COMPLETE, SUCCESS or HEALTHY", "START", "what it waits for"},
          {"start_timeout", "duration", "", "how long those wait that depend on it; Fargate: 2s to 2m"},
          {"stop_timeout", "duration", "",
           "between SIGTERM and SIGKILL; without it 2m for the agent's container, 30s for others; Fargate: "
           "2m or "
           "less"},
          {"restart_policy.ignored_exit_codes", "list of numbers", "[]",
           "with these it is not started again"},
          {"restart_policy.attempt_period", "duration", "", "how long it must have run; without it 5m"},
          {"log.driver", "awslogs, splunk, awsfirelens or one of the container instance's", "awslogs",
           "without `log` awslogs into the cloud's log_group"},
          {"log.options", "map", "{}", "of the driver, with its own names"},
          {"log.secret_options", "map of ARNs", "{}", "the same from Secrets Manager or SSM"},
          {"firelens.type", "fluentbit or fluentd", "fluentbit",
           "it routes the logs of the others (awsfirelens)"},
          {"firelens.options", "map", "{}", "with its own names"},
      });
}

std::vector<Key> ecs_volume_rows() {
  return make_rows(
      kEcsVolumePath, false,
      {
          {"name", "name", "", "required; alone it is an empty directory that lives as long as the task"},
          {"host_path", "path", "", "a directory of the container instance; not on Fargate"},
          {"efs.file_system", "id", "", "required; fs-…"},
          {"efs.root_directory", "path", "", "without it /"},
          {"efs.access_point", "id", "", "fsap-…"},
          {"efs.iam", "true or false", "false", "mounts with the task role"},
          {"efs.transit_encryption", "true or false", "true", "TLS; AWS' own default is false"},
          {"efs.transit_encryption_port", "number", "0", "0: any"},
          {"ebs.role", "ARN", "", "required; ECS' infrastructure role"},
          {"ebs.size", "size", "", "without it the snapshot's"},
          {"ebs.snapshot", "id", "", "snap-…: what is on it"},
          {"ebs.volume_type", "text", "", "without it gp3"},
          {"ebs.iops", "number", "0", "0: AWS' default"},
          {"ebs.throughput", "number", "0", "MiB/s of gp3; 0: AWS' default"},
          {"ebs.initialization_rate", "number", "0", "MiB/s at which a snapshot is read; 0: AWS' default"},
          {"ebs.encrypted", "true or false", "", "without it the account's default"},
          {"ebs.kms_key", "id or ARN", "", "without it the account's"},
          {"ebs.file_system_type", "ext3, ext4, xfs or ntfs", "", "without it xfs or the snapshot's"},
          {"docker.scope", "task or shared", "task", "EC2 only: how long it lives"},
          {"docker.autoprovision", "true or false", "false", "a shared one is made when it is not there"},
          {"docker.driver", "name", "", "without it local"},
          {"docker.driver_options", "map", "{}", "with its own names"},
          {"docker.labels", "map", "{}", "labels of the volume"},
          {"fsx_windows.file_system", "id", "", "required; Windows on EC2 only"},
          {"fsx_windows.root_directory", "path", "", "a share of it"},
          {"fsx_windows.credentials_parameter", "ARN", "", "user and password in Secrets Manager or SSM"},
          {"fsx_windows.domain", "name", "", "of Active Directory"},
      });
}

}  // namespace footman::config
