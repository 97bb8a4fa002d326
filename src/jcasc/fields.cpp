#include "jcasc/fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::jcasc {
namespace {

constexpr Field kCloudFields[] = {
    {"name", Fate::kept, "name", "lower-case letters, digits and - only, 40 at most"},
    {"credentialsId", Fate::decide, "ecs.credentials.profile",
     "Jenkins' credentials are not read: use AWS' own chain, such as the task role, or a profile"},
    {"assumedRoleArn", Fate::kept, "ecs.credentials.assume_role.role", ""},
    {"regionName", Fate::kept, "ecs.region", ""},
    {"cluster", Fate::kept, "ecs.cluster", ""},
    {"templates", Fate::kept, "templates", "", Shape::list},
    {"allowedOverrides", Fate::dropped, "", "builds choose a template by its labels and cannot change it"},
    {"maxCpu", Fate::dropped, "",
     "it limits what a pipeline may override; see limits.vcpus for what all agents take", Shape::number},
    {"maxMemory", Fate::dropped, "", "it limits what a pipeline may override; see limits.memory",
     Shape::number},
    {"maxMemoryReservation", Fate::dropped, "", "it limits what a pipeline may override; see limits.memory",
     Shape::number},
    {"maxAgents", Fate::changed, "cap",
     "it counts the agents of the whole cloud; the plugin counts executors for each label", Shape::number},
    {"numExecutors", Fate::dropped, "", "an agent runs one build at a time", Shape::number},
    {"tunnel", Fate::decide, "tunnel", "that of Jenkins leads to Jenkins, not to Footman"},
    {"jenkinsUrl", Fate::decide, "agent_url", "the address of Footman is another one"},
    {"retainAgents", Fate::changed, "retention",
     "false: one build and gone; true: kept until it is idle for long", Shape::truth},
    {"retentionTimeout", Fate::changed, "retention.idle",
     "counts from when an agent is idle; without retainAgents it has no use here: launches have a deadline "
     "of their own",
     Shape::number},
    {"slaveTimeoutInSeconds", Fate::changed, "launch.deadline",
     "of the whole server; the longest one of the clouds", Shape::number},
    {"taskPollingIntervalInSeconds", Fate::dropped, "",
     "one call tells of 100 tasks, or none is made with event_queue", Shape::number},
};

constexpr Field kTemplateFields[] = {
    {"label", Fate::kept, "labels", ""},
    {"templateName", Fate::kept, "name", "must be unique over all clouds"},
    {"agentContainerName", Fate::kept, "ecs.container_name", "with task_definition only, as in the plugin"},
    {"taskDefinitionOverride", Fate::changed, "ecs.task_definition",
     "its image must hold footman-agent: nothing can be added to an existing definition"},
    {"dynamicTaskDefinitionOverride", Fate::dropped, "", "the plugin sets it itself"},
    {"image", Fate::changed, "ecs.image",
     "its own entry point is not run; Footman's agent needs no Java, so any image does"},
    {"repositoryCredentials", Fate::kept, "ecs.repository_credentials", ""},
    {"launchType", Fate::kept, "ecs.capacity", ""},
    {"defaultCapacityProvider", Fate::changed, "ecs.capacity",
     "what the cluster's default strategy leads to must be said, see capacity.compatibility", Shape::truth},
    {"capacityProviderStrategies", Fate::changed, "ecs.capacity",
     "Fargate is told by the whole names FARGATE and FARGATE_SPOT; the plugin looks for a part of the name",
     Shape::list},
    {"operatingSystemFamily", Fate::kept, "ecs.os_family", ""},
    {"cpuArchitecture", Fate::kept, "ecs.cpu_architecture", ""},
    {"networkMode", Fate::kept, "ecs.network_mode", "default: nothing is said; Fargate's is awsvpc"},
    {"subnets", Fate::kept, "ecs.subnets", ""},
    {"securityGroups", Fate::kept, "ecs.security_groups", ""},
    {"assignPublicIp", Fate::kept, "ecs.assign_public_ip", "", Shape::truth},
    {"platformVersion", Fate::kept, "ecs.platform_version", ""},
    {"cpu", Fate::kept, "ecs.cpu", "1024 units are 1 vCPU; on EC2 container_cpu", Shape::number},
    {"memory", Fate::kept, "ecs.memory", "on EC2 container_memory", Shape::number},
    {"memoryReservation", Fate::kept, "ecs.memory_reservation",
     "on Fargate it is the task's memory, as in the plugin", Shape::number},
    {"ephemeralStorageSizeInGiB", Fate::kept, "ecs.ephemeral_storage", "", Shape::number},
    {"sharedMemorySize", Fate::changed, "ecs.shared_memory", "the plugin loses kernelCapabilities beside it",
     Shape::number},
    {"kernelCapabilities", Fate::kept, "ecs.add_capabilities", ""},
    {"privileged", Fate::kept, "ecs.privileged", "", Shape::truth},
    {"containerUser", Fate::kept, "ecs.user", ""},
    {"ulimits", Fate::kept, "ecs.ulimits", "", Shape::list},
    {"entrypoint", Fate::decide, "ecs.entry_point",
     "Footman starts it with its agent as arguments, as with [tini, --]; one that starts Jenkins' agent is "
     "of no use"},
    {"jvmArgs", Fate::dropped, "", "the agent has no JVM; builds that need JAVA_OPTS get it with env"},
    {"environments", Fate::kept, "env", "", Shape::list},
    {"extraHosts", Fate::kept, "ecs.extra_hosts", "", Shape::list},
    {"dnsSearchDomains", Fate::changed, "ecs.dns_search_domains", "it is inherited; the plugin loses it"},
    {"mountPoints", Fate::kept, "ecs.volumes and ecs.mounts", "", Shape::list},
    {"efsMountPoints", Fate::changed, "ecs.volumes and ecs.mounts",
     "the plugin uses iam with an access point only, so it is left out without one", Shape::list},
    {"portMappings", Fate::kept, "ecs.ports", "", Shape::list},
    {"logDriver", Fate::kept, "ecs.log.driver", ""},
    {"logDriverOptions", Fate::kept, "ecs.log.options", "", Shape::list},
    {"taskrole", Fate::kept, "ecs.task_role", ""},
    {"executionRole", Fate::kept, "ecs.execution_role", ""},
    {"enableExecuteCommand", Fate::kept, "ecs.execute_command", "", Shape::truth},
    {"placementStrategies", Fate::kept, "ecs.placement_strategies", "", Shape::list},
    {"tags", Fate::kept, "ecs.tags", "", Shape::list},
    {"remoteFSRoot", Fate::changed, "ecs.agent.work_directory",
     "where builds work; the plugin's usual /home/jenkins is left out, and the agent brings a folder of its "
     "own"},
    {"uniqueRemoteFSRoot", Fate::dropped, "",
     "a step's folder is empty on a new agent; a shared one needs care", Shape::truth},
    {"inheritFrom", Fate::changed, "extends",
     "it is worked out before, for all templates and over several levels; keys can be switched off and "
     "cleared"},
};

constexpr ItemField kItemFields[] = {
    {"capacityProviderStrategies", "provider"},
    {"capacityProviderStrategies", "base", Shape::number},
    {"capacityProviderStrategies", "weight", Shape::number},
    {"ulimits", "ulimitName"},
    {"ulimits", "softLimit", Shape::number},
    {"ulimits", "hardLimit", Shape::number},
    {"environments", "name"},
    {"environments", "value"},
    {"extraHosts", "ipAddress"},
    {"extraHosts", "hostname"},
    {"mountPoints", "name"},
    {"mountPoints", "sourcePath"},
    {"mountPoints", "containerPath"},
    {"mountPoints", "readOnly", Shape::truth},
    {"efsMountPoints", "name"},
    {"efsMountPoints", "containerPath"},
    {"efsMountPoints", "readOnly", Shape::truth},
    {"efsMountPoints", "fileSystemId"},
    {"efsMountPoints", "rootDirectory"},
    {"efsMountPoints", "accessPointId"},
    {"efsMountPoints", "transitEncryption", Shape::truth},
    {"efsMountPoints", "iam", Shape::truth},
    {"portMappings", "containerPort", Shape::number},
    {"portMappings", "hostPort", Shape::number},
    {"portMappings", "protocol"},
    {"logDriverOptions", "name"},
    {"logDriverOptions", "value"},
    {"placementStrategies", "type"},
    {"placementStrategies", "field"},
    {"tags", "name"},
    {"tags", "value"},
};

std::string_view word_of(Fate fate) {
  switch (fate) {
    case Fate::kept:
      return "kept";
    case Fate::changed:
      return "changed";
    case Fate::decide:
      return "to decide";
    case Fate::dropped:
      return "left out";
  }
  return "";
}

void describe(std::string& out, std::string_view title, std::span<const Field> fields) {
  out += fmt::format("| {} | Becomes | In footman.yaml | What to know |\n|---|---|---|---|\n", title);
  for (const auto& field : fields)
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, word_of(field.fate),
                       field.key.empty() ? "–" : fmt::format("`{}`", field.key), field.remark);
  out += '\n';
}

}  // namespace

std::span<const Field> cloud_fields() { return kCloudFields; }
std::span<const Field> template_fields() { return kTemplateFields; }

std::span<const ItemField> item_fields() { return kItemFields; }

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

std::string describe_fields() {
  std::string out;
  describe(out, "Field of the cloud", kCloudFields);
  describe(out, "Field of a template", kTemplateFields);
  return out;
}

}  // namespace footman::jcasc
