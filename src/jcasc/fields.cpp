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
    {"templates", Fate::kept, "templates", ""},
    {"allowedOverrides", Fate::dropped, "", "builds choose a template by its labels and cannot change it"},
    {"maxCpu", Fate::dropped, "",
     "it limits what a pipeline may override; see limits.vcpus for what all agents take"},
    {"maxMemory", Fate::dropped, "", "it limits what a pipeline may override; see limits.memory"},
    {"maxMemoryReservation", Fate::dropped, "", "it limits what a pipeline may override; see limits.memory"},
    {"maxAgents", Fate::changed, "cap",
     "it counts the agents of the whole cloud; the plugin counts executors for each label"},
    {"numExecutors", Fate::dropped, "", "an agent runs one build at a time"},
    {"tunnel", Fate::decide, "tunnel", "that of Jenkins leads to Jenkins, not to Footman"},
    {"jenkinsUrl", Fate::decide, "agent_url", "the address of Footman is another one"},
    {"retainAgents", Fate::changed, "retention",
     "false: one build and gone; true: kept until it is idle for long"},
    {"retentionTimeout", Fate::changed, "retention.idle",
     "counts from when an agent is idle; without retainAgents it has no use here: launches have a deadline "
     "of their own"},
    {"slaveTimeoutInSeconds", Fate::changed, "launch.deadline",
     "of the whole server; the longest one of the clouds"},
    {"taskPollingIntervalInSeconds", Fate::dropped, "",
     "one call tells of 100 tasks, or none is made with event_queue"},
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
     "what the cluster's default strategy leads to must be said, see capacity.compatibility"},
    {"capacityProviderStrategies", Fate::changed, "ecs.capacity",
     "Fargate is told by the whole names FARGATE and FARGATE_SPOT; the plugin looks for a part of the name"},
    {"operatingSystemFamily", Fate::kept, "ecs.os_family", ""},
    {"cpuArchitecture", Fate::kept, "ecs.cpu_architecture", ""},
    {"networkMode", Fate::kept, "ecs.network_mode", "default: nothing is said; Fargate's is awsvpc"},
    {"subnets", Fate::kept, "ecs.subnets", ""},
    {"securityGroups", Fate::kept, "ecs.security_groups", ""},
    {"assignPublicIp", Fate::kept, "ecs.assign_public_ip", ""},
    {"platformVersion", Fate::kept, "ecs.platform_version", ""},
    {"cpu", Fate::kept, "ecs.cpu", "1024 units are 1 vCPU; on EC2 container_cpu"},
    {"memory", Fate::kept, "ecs.memory", "on EC2 container_memory"},
    {"memoryReservation", Fate::kept, "ecs.memory_reservation",
     "on Fargate it is the task's memory, as in the plugin"},
    {"ephemeralStorageSizeInGiB", Fate::kept, "ecs.ephemeral_storage", ""},
    {"sharedMemorySize", Fate::changed, "ecs.shared_memory", "the plugin loses kernelCapabilities beside it"},
    {"kernelCapabilities", Fate::kept, "ecs.add_capabilities", ""},
    {"privileged", Fate::kept, "ecs.privileged", ""},
    {"containerUser", Fate::kept, "ecs.user", ""},
    {"ulimits", Fate::kept, "ecs.ulimits", ""},
    {"entrypoint", Fate::decide, "ecs.entry_point",
     "Footman starts it with its agent as arguments, as with [tini, --]; one that starts Jenkins' agent is "
     "of no use"},
    {"jvmArgs", Fate::dropped, "", "the agent has no JVM; builds that need JAVA_OPTS get it with env"},
    {"environments", Fate::kept, "env", ""},
    {"extraHosts", Fate::kept, "ecs.extra_hosts", ""},
    {"dnsSearchDomains", Fate::changed, "ecs.dns_search_domains", "it is inherited; the plugin loses it"},
    {"mountPoints", Fate::kept, "ecs.volumes and ecs.mounts", ""},
    {"efsMountPoints", Fate::changed, "ecs.volumes and ecs.mounts",
     "the plugin uses iam with an access point only, so it is left out without one"},
    {"portMappings", Fate::kept, "ecs.ports", ""},
    {"logDriver", Fate::kept, "ecs.log.driver", ""},
    {"logDriverOptions", Fate::kept, "ecs.log.options", ""},
    {"taskrole", Fate::kept, "ecs.task_role", ""},
    {"executionRole", Fate::kept, "ecs.execution_role", ""},
    {"enableExecuteCommand", Fate::kept, "ecs.execute_command", ""},
    {"placementStrategies", Fate::kept, "ecs.placement_strategies", ""},
    {"tags", Fate::kept, "ecs.tags", ""},
    {"remoteFSRoot", Fate::changed, "ecs.agent.work_directory",
     "where builds work; the plugin's usual /home/jenkins is left out, and the agent brings a folder of its "
     "own"},
    {"uniqueRemoteFSRoot", Fate::dropped, "",
     "a step's folder is empty on a new agent; a shared one needs care"},
    {"inheritFrom", Fate::changed, "extends",
     "it is worked out before, for all templates and over several levels; keys can be switched off and "
     "cleared"},
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
