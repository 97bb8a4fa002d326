#include "jcasc/template_conversion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/ascii.hpp"
#include "ecs/fargate_sizes.hpp"
#include "jcasc/fields.hpp"
#include "model/label.hpp"
#include "model/size.hpp"

namespace footman::jcasc {
namespace {

constexpr std::string_view kUsualRemoteRoots[] = {"/home/jenkins", "/home/jenkins/agent", "/home/jenkins/"};

// The vCPU that are read as so many units again, where three decimals can say it.
std::string show_units(std::int64_t units) {
  units = std::min(units, std::int64_t{1} << 40);  // no machine has as many, and nothing below overflows
  const auto milli =
      static_cast<std::int64_t>(std::llround(static_cast<double>(units) * 1000 / ecs::kUnitsPerCpu));
  for (const auto candidate : {milli, milli - 1, milli + 1})
    if ((candidate * ecs::kUnitsPerCpu + 500) / 1000 == units)
      return model::format_cpus(static_cast<std::uint64_t>(candidate));
  return model::format_cpus(static_cast<std::uint64_t>(milli));
}

std::vector<std::string> quoted(std::vector<std::string> texts) {
  for (auto& text : texts) text = quote(text);
  return texts;
}

// Names of variables that hold a secret as it seems.
std::vector<std::string> list_secrets(const std::vector<EntryMember>& variables) {
  constexpr std::string_view kEnds[] = {"PASSWORD", "PASSWD", "TOKEN", "SECRET", "KEY", "CREDENTIALS"};
  std::vector<std::string> names;
  for (const auto& one : variables) {
    const auto upper = base::upper_case(one.name);
    if (std::ranges::any_of(kEnds, [&](std::string_view end) { return upper.ends_with(end); }))
      names.push_back(one.name);
  }
  return names;
}

class Conversion {
 public:
  explicit Conversion(const YamlNode& all) : all_(all), fargate_(is_fargate(all)) {}

  ConvertedTemplate run() {
    labels();
    if (said("taskDefinitionOverride"))
      existing_definition();
    else
      own_definition();
    capacity();
    network();
    platform();
    return std::move(out_);
  }

 private:
  bool said(std::string_view field) const { return is_said(all_, field); }
  std::string text(std::string_view field) const { return text_of(all_, field); }

  Entry& add(std::vector<Entry>& to, std::string key, std::string value,
             std::vector<std::string_view> sources) {
    return to.emplace_back(Entry{std::move(key), std::move(value), {}, std::move(sources)});
  }
  Entry& add_ecs(std::string key, std::string value, std::vector<std::string_view> sources) {
    return add(out_.ecs, std::move(key), std::move(value), std::move(sources));
  }
  Entry& add_map(std::vector<Entry>& to, std::string key, std::vector<EntryMember> members,
                 std::vector<std::string_view> sources) {
    return to.emplace_back(Entry{std::move(key), "{}", std::move(members), std::move(sources)});
  }
  // Nothing of an empty one. The values are YAML.
  Entry* add_list(std::string key, std::vector<std::string> values, std::vector<std::string_view> sources) {
    if (values.empty()) return nullptr;
    auto& entry = add_ecs(std::move(key), "[]", std::move(sources));
    entry.is_list = true;
    for (auto& value : values) entry.members.push_back({.name = {}, .value = std::move(value)});
    return &entry;
  }
  void take_text(std::string_view field, std::string key) {
    if (said(field)) add_ecs(std::move(key), quote(text(field)), {field});
  }
  void take_flag(std::string_view field, std::string key) {
    if (is_true(all_, field)) add_ecs(std::move(key), "true", {field});
  }
  void take_list(std::string_view field, std::string key, std::string_view separators) {
    if (said(field)) add_list(std::move(key), quoted(split(text(field), separators)), {field});
  }
  // [{name, value}] as a map.
  std::vector<EntryMember> named_values(std::string_view field, const std::string& prefix = {}) const {
    std::vector<EntryMember> members;
    for (const auto& item : items_of(all_, field)) {
      auto name = text_of(item, "name");
      std::ranges::replace(name, kNested, ' ');  // a separator here, and in no name that works
      if (name.empty()) continue;
      std::erase_if(members, [&](const EntryMember& one) { return one.name == prefix + name; });
      members.push_back({prefix + name, quote(text_of(item, "value"))});
    }
    return members;
  }

  void labels() {
    std::vector<std::string> good;
    std::string bad;
    for (const auto& label : split(text("label"), " \t\n,"))
      if (model::validate_label(label, "label"))
        good.push_back(label);
      else
        bad += fmt::format(" '{}'", label);
    auto& entry = add(out_.entries, "labels", quote(good), {"label"});
    if (!bad.empty()) entry.notes.push_back("FILL IN: these cannot be labels and were left out:" + bad);
  }

  void existing_definition() {
    take_text("taskDefinitionOverride", "task_definition");
    take_text("agentContainerName", "container_name");
    add_map(out_.ecs, "agent", {{"delivery", "image"}, {"carrier_image", "~"}}, {"taskDefinitionOverride"});
    tags();
  }

  void own_definition() {
    take_text("image", "image");
    take_text("repositoryCredentials", "repository_credentials");
    size();
    take_text("taskrole", "task_role");
    take_text("executionRole", "execution_role");
    if (!said("executionRole") &&
        (said("repositoryCredentials") || (fargate_ && text("logDriver") == "awslogs")))
      add_ecs("execution_role", "", {"executionRole"}).fill_in =
          "nothing in Jenkins: logs and credentials need it";
    environment();
    take_text("containerUser", "user");
    rights();
    volumes();
    hosts_and_ports();
    log();
    tags();
    agent();
    if (said("entrypoint"))
      add_ecs("entry_point", quote(split(text("entrypoint"), " ")), {"entrypoint"}).refused =
          "FILL IN: keep it only if it runs what follows, as [tini, --] does";
  }

  void agent() {
    std::vector<EntryMember> members;
    if (fargate_ && is_windows()) members = {{"delivery", "image"}, {"carrier_image", "~"}};
    const auto root = text("remoteFSRoot");
    if (!root.empty() && std::ranges::find(kUsualRemoteRoots, root) == std::end(kUsualRemoteRoots))
      members.push_back({"work_directory", quote(root)});
    if (members.empty()) return;
    auto& entry = add_map(out_.ecs, "agent", std::move(members), {"remoteFSRoot", "operatingSystemFamily"});
    if (fargate_ && is_windows())
      entry.notes.emplace_back(
          "FILL IN: on Windows nothing can be injected: the image must hold footman-agent");
  }

  void size() {
    const auto cpu = number_of(all_, "cpu");
    const auto hard = number_of(all_, "memory");
    const auto soft = number_of(all_, "memoryReservation");
    if (!fargate_) {
      if (cpu > 0) add_ecs("container_cpu", show_units(cpu), {"cpu"});
      if (hard > 0) add_ecs("container_memory", ecs::format_mib(hard), {"memory"});
      if (soft > 0) add_ecs("memory_reservation", ecs::format_mib(soft), {"memoryReservation"});
      return;
    }
    const auto memory = soft > 0 ? soft : hard;
    if (cpu > 0) add_ecs("cpu", show_units(cpu), {"cpu"});
    if (memory > 0) {
      auto& entry = add_ecs("memory", ecs::format_mib(memory), {"memory", "memoryReservation"});
      if (soft > 0 && hard > soft)
        entry.notes.push_back(
            fmt::format("of both, the plugin made the soft limit the task's memory; the hard one was {}",
                        ecs::format_mib(hard)));
    }
    if (cpu <= 0 || memory <= 0) {
      for (const auto* key : {"cpu", "memory"})
        if (std::ranges::find(out_.ecs, key, &Entry::key) == out_.ecs.end())
          add_ecs(key, "nothing", {"cpu", "memory"});
      return ask_for_size("Fargate needs both");
    }
    const ecs::TaskSize asked{static_cast<std::uint32_t>(std::min<std::int64_t>(cpu, 1 << 20)),
                              static_cast<std::uint32_t>(std::min<std::int64_t>(memory, 1 << 30))};
    const auto os = is_windows() ? ecs::OsFamily::windows_2022_core : ecs::OsFamily::linux_;
    if (ecs::check_size(asked, os, false)) return;
    if (const auto larger = ecs::check_size(asked, os, true)) {
      add_ecs("round_up", "true", {"cpu", "memory", "memoryReservation"})
          .notes.push_back("Fargate has no such size; it becomes " + ecs::format_task_size(*larger));
      return;
    }
    ask_for_size("Fargate has nothing as large as " + ecs::format_task_size(asked));
  }
  void ask_for_size(const std::string& why) {
    for (auto& entry : out_.ecs) {
      if (entry.key != "cpu" && entry.key != "memory") continue;
      entry.fill_in = fmt::format("{} in Jenkins: {}", entry.value, why);
      entry.value = entry.key == "cpu" ? "1 vCPU" : "2 GiB";
    }
  }
  bool is_windows() const { return base::upper_case(text("operatingSystemFamily")).starts_with("WINDOWS"); }

  void environment() {
    std::vector<EntryMember> members = named_values("environments");
    if (members.empty()) return;
    const auto secrets = list_secrets(members);
    auto& entry = add_map(out_.entries, "env", std::move(members), {"environments"});
    if (!secrets.empty())
      entry.notes.push_back(fmt::format(
          "{}: whoever may read task definitions reads what stands in env; a secret belongs in Secrets "
          "Manager or SSM, and its ARN in ecs.secrets: {{{}: \"arn:…\"}}",
          fmt::join(secrets, ", "), secrets.front()));
  }

  void rights() {
    take_flag("privileged", "privileged");
    if (said("kernelCapabilities")) {
      auto names = split(base::upper_case(text("kernelCapabilities")), ", ");
      for (auto& name : names)
        if (name.starts_with("CAP_")) name.erase(0, 4);
      add_list("add_capabilities", quoted(std::move(names)), {"kernelCapabilities"});
    }
    if (const auto mib = number_of(all_, "sharedMemorySize"); mib > 0)
      add_ecs("shared_memory", ecs::format_mib(mib), {"sharedMemorySize"});
    std::vector<std::string> limits;
    for (const auto& one : items_of(all_, "ulimits"))
      limits.push_back(fmt::format("{{name: {}, soft: {}, hard: {}}}",
                                   quote(base::lower_case(text_of(one, "ulimitName"))),
                                   number_of(one, "softLimit"), number_of(one, "hardLimit")));
    add_list("ulimits", std::move(limits), {"ulimits"});
  }

  void volumes() {
    std::vector<std::string> volumes;
    std::vector<std::string> mounts;
    const auto volume = [&](const YamlNode& one, const std::string& rest) {
      const auto name = quote(text_of(one, "name"));
      volumes.push_back(fmt::format("{{name: {}{}}}", name, rest));
      mounts.push_back(fmt::format("{{volume: {}, path: {}{}}}", name, quote(text_of(one, "containerPath")),
                                   is_true(one, "readOnly") ? ", read_only: true" : ""));
    };
    for (const auto& one : items_of(all_, "mountPoints"))
      volume(one, is_said(one, "sourcePath") ? ", host_path: " + quote(text_of(one, "sourcePath")) : "");
    bool iam_left_out = false;
    for (const auto& one : items_of(all_, "efsMountPoints")) {
      const bool point = is_said(one, "accessPointId");
      auto efs = "file_system: " + quote(text_of(one, "fileSystemId"));
      if (is_said(one, "rootDirectory") && !point)
        efs += ", root_directory: " + quote(text_of(one, "rootDirectory"));
      if (point) efs += ", access_point: " + quote(text_of(one, "accessPointId"));
      if (point && is_true(one, "iam")) efs += ", iam: true";
      iam_left_out |= !point && is_true(one, "iam");
      // Access points need it, so AWS would have refused them without.
      if (!point && !is_true(one, "transitEncryption")) efs += ", transit_encryption: false";
      volume(one, fmt::format(", efs: {{{}}}", efs));
    }
    auto* entry = add_list("volumes", std::move(volumes), {"mountPoints", "efsMountPoints"});
    if (entry != nullptr && iam_left_out)
      entry->notes.emplace_back("iam without an access point had no effect in the plugin, so it is not here");
    add_list("mounts", std::move(mounts), {"mountPoints", "efsMountPoints"});
  }

  void hosts_and_ports() {
    std::vector<std::string> hosts;
    for (const auto& one : items_of(all_, "extraHosts"))
      hosts.push_back(fmt::format("{{hostname: {}, ip_address: {}}}", quote(text_of(one, "hostname")),
                                  quote(text_of(one, "ipAddress"))));
    add_list("extra_hosts", std::move(hosts), {"extraHosts"});
    take_list("dnsSearchDomains", "dns_search_domains", " ,");
    std::vector<std::string> ports;
    for (const auto& one : items_of(all_, "portMappings"))
      ports.push_back(fmt::format(
          "{{container_port: {}{}{}}}", number_of(one, "containerPort"),
          is_said(one, "hostPort") ? fmt::format(", host_port: {}", number_of(one, "hostPort")) : "",
          is_said(one, "protocol") ? ", protocol: " + quote(base::lower_case(text_of(one, "protocol")))
                                   : ""));
    add_list("ports", std::move(ports), {"portMappings"});
  }

  void log() {
    if (!said("logDriver")) return;
    std::vector<EntryMember> members{{"driver", quote(text("logDriver"))}};
    for (auto& option : named_values("logDriverOptions", std::string("options") + kNested))
      members.push_back(std::move(option));
    add_map(out_.ecs, "log", std::move(members), {"logDriver", "logDriverOptions"});
  }

  void tags() {
    if (auto members = named_values("tags"); !members.empty())
      add_map(out_.ecs, "tags", std::move(members), {"tags"});
  }

  void capacity() {
    const auto& providers = items_of(all_, "capacityProviderStrategies");
    const bool of_cluster = is_true(all_, "defaultCapacityProvider");
    if (of_cluster) {
      const auto* kind = base::equal_ignoring_case(text("launchType"), "FARGATE") ? "FARGATE" : "EC2";
      auto& entry =
          add_map(out_.ecs, "capacity", {{"compatibility", kind}}, {"defaultCapacityProvider", "launchType"});
      entry.notes.push_back(
          fmt::format("FILL IN: the cluster's default strategy is used; say FARGATE, EC2 or "
                      "MANAGED_INSTANCES, whichever it leads "
                      "to: {} was taken from launchType",
                      kind));
      return;
    }
    if (providers.empty()) {
      const auto type = base::upper_case(text("launchType"));
      add_ecs("capacity", type.empty() ? "EC2" : quote(type), {"launchType"});
      return;
    }
    std::string list;
    const bool is_weighted =
        std::ranges::any_of(providers, [](const YamlNode& one) { return number_of(one, "weight") > 0; });
    for (const auto& one : providers) {
      const auto name = text_of(one, "provider");
      const auto weight = !is_weighted && &one == &providers.front() ? 1 : number_of(one, "weight");
      list += fmt::format("{}{{name: {}, weight: {}{}}}", list.empty() ? "" : ", ", quote(name), weight,
                          is_said(one, "base") ? fmt::format(", base: {}", number_of(one, "base")) : "");
    }
    auto& entry = add_map(out_.ecs, "capacity", {{"providers", fmt::format("[{}]", list)}},
                          {"capacityProviderStrategies"});
    if (!is_weighted)
      entry.notes.emplace_back("no provider had a weight above 0, which AWS refuses; the first one got 1");
    const auto only_fargates = [](const YamlNode& one) {
      const auto name = text_of(one, "provider");
      return name == "FARGATE" || name == "FARGATE_SPOT" || name.find("FARGATE") == std::string::npos;
    };
    if (!std::ranges::all_of(providers, only_fargates))
      entry.notes.emplace_back(
          "the plugin took a provider for Fargate's because its name contains FARGATE; here it is EC2");
  }

  void network() {
    const auto mode = base::lower_case(text("networkMode"));
    if (!fargate_ && !mode.empty() && mode != "default" && !said("taskDefinitionOverride"))
      add_ecs("network_mode", quote(mode), {"networkMode"});
    // Elsewhere the plugin does not send them.
    if (!fargate_ && mode != "awsvpc" && !said("taskDefinitionOverride")) return;
    take_list("subnets", "subnets", ", ");
    take_list("securityGroups", "security_groups", ", ");
    take_flag("assignPublicIp", "assign_public_ip");
  }

  void platform() {
    if (fargate_) {
      if (said("operatingSystemFamily") && !base::equal_ignoring_case(text("operatingSystemFamily"), "LINUX"))
        add_ecs("os_family", quote(base::upper_case(text("operatingSystemFamily"))),
                {"operatingSystemFamily"});
      if (said("cpuArchitecture") && !base::equal_ignoring_case(text("cpuArchitecture"), "X86_64"))
        add_ecs("cpu_architecture", quote(base::upper_case(text("cpuArchitecture"))), {"cpuArchitecture"});
      if (said("platformVersion") && !base::equal_ignoring_case(text("platformVersion"), "LATEST"))
        take_text("platformVersion", "platform_version");
      if (const auto gib = number_of(all_, "ephemeralStorageSizeInGiB"); gib > 20)
        add_ecs("ephemeral_storage", fmt::format("{} GiB", gib), {"ephemeralStorageSizeInGiB"});
    }
    take_flag("enableExecuteCommand", "execute_command");
    std::vector<std::string> strategies;
    for (const auto& one : items_of(all_, "placementStrategies"))
      strategies.push_back(
          fmt::format("{{type: {}{}}}", quote(base::lower_case(text_of(one, "type"))),
                      is_said(one, "field") ? ", field: " + quote(text_of(one, "field")) : ""));
    add_list("placement_strategies", std::move(strategies), {"placementStrategies"});
  }

  const YamlNode& all_;
  const bool fargate_;
  ConvertedTemplate out_;
};

}  // namespace

ConvertedTemplate convert_template(const YamlNode& all) { return Conversion(all).run(); }

std::vector<std::string> remarks_on(const YamlNode& own) {
  std::vector<std::string> remarks;
  for (const auto& [name, at] : own.keys) {
    const auto* field = find_field(template_fields(), name);
    if (field == nullptr) {
      remarks.push_back(fmt::format("{}: not known, left out", name));
      continue;
    }
    if (!is_said(own, name)) continue;
    if (field->fate == Fate::dropped)
      remarks.push_back(fmt::format("{} ({}): left out: {}", name, text_of(own, name), field->remark));
  }
  if (!is_said(own, "taskDefinitionOverride")) return remarks;
  std::string ignored;
  for (const auto name : {"image", "cpu", "memory", "memoryReservation", "environments", "mountPoints",
                          "efsMountPoints", "logDriver", "portMappings", "taskrole", "executionRole"})
    if (is_said(own, name)) ignored += (ignored.empty() ? "" : ", ") + std::string(name);
  remarks.push_back(fmt::format("FILL IN: {}: {}{}", "taskDefinitionOverride",
                                find_field(template_fields(), "taskDefinitionOverride")->remark,
                                ignored.empty() ? "" : "; beside it the plugin ignores " + ignored));
  return remarks;
}

}  // namespace footman::jcasc
