#include <algorithm>
#include <map>
#include <set>

#include "base/utf8.hpp"
#include "ecs/forms.hpp"
#include "ecs/problems.hpp"

namespace footman::ecs {
namespace {

constexpr std::uint32_t kLeastMemoryMib = 6;  // Docker's
constexpr auto kMaxFargateTimeout = std::chrono::seconds(120);
constexpr auto kLeastTimeout = std::chrono::seconds(2);
constexpr std::size_t kMaxEnvironmentFiles = 10;
constexpr std::size_t kMaxIgnoredExitCodes = 50;

bool is_within(Duration value, Duration least, Duration most) {
  return value >= least && value <= most && value % std::chrono::seconds(1) == Duration(0);
}

// What is not there on a platform, and how one sees that it is asked for.
struct Unsupported {
  const char* field;
  bool (*used)(const Container&);
};
constexpr Unsupported kNotOnFargate[] = {
    {"privileged", [](const Container& c) { return c.privileged; }},
    {"devices", [](const Container& c) { return !c.devices.empty(); }},
    {"shared_memory_mib", [](const Container& c) { return c.shared_memory_mib != 0; }},
    {"max_swap_mib", [](const Container& c) { return c.max_swap_mib.has_value(); }},
    {"swappiness", [](const Container& c) { return c.swappiness.has_value(); }},
    {"docker_security_options", [](const Container& c) { return !c.docker_security_options.empty(); }},
    {"links", [](const Container& c) { return !c.links.empty(); }},
    {"gpus", [](const Container& c) { return c.gpus != 0; }},
};
constexpr Unsupported kNotWithAwsvpc[] = {
    {"extra_hosts", [](const Container& c) { return !c.extra_hosts.empty(); }},
    {"hostname", [](const Container& c) { return !c.hostname.empty(); }},
    {"dns_servers", [](const Container& c) { return !c.dns_servers.empty(); }},
    {"dns_search_domains", [](const Container& c) { return !c.dns_search_domains.empty(); }},
};
constexpr Unsupported kNotOnWindows[] = {
    {"privileged", [](const Container& c) { return c.privileged; }},
    {"read_only_root", [](const Container& c) { return c.read_only_root; }},
    {"add_capabilities", [](const Container& c) { return !c.add_capabilities.empty(); }},
    {"drop_capabilities", [](const Container& c) { return !c.drop_capabilities.empty(); }},
    {"init_process", [](const Container& c) { return c.init_process; }},
    {"shared_memory_mib", [](const Container& c) { return c.shared_memory_mib != 0; }},
    {"max_swap_mib", [](const Container& c) { return c.max_swap_mib.has_value(); }},
    {"swappiness", [](const Container& c) { return c.swappiness.has_value(); }},
    {"tmpfs", [](const Container& c) { return !c.tmpfs.empty(); }},
    {"devices", [](const Container& c) { return !c.devices.empty(); }},
    {"ulimits", [](const Container& c) { return !c.ulimits.empty(); }},
    {"system_controls", [](const Container& c) { return !c.system_controls.empty(); }},
    {"extra_hosts", [](const Container& c) { return !c.extra_hosts.empty(); }},
    {"dns_servers", [](const Container& c) { return !c.dns_servers.empty(); }},
    {"dns_search_domains", [](const Container& c) { return !c.dns_search_domains.empty(); }},
    {"links", [](const Container& c) { return !c.links.empty(); }},
    {"gpus", [](const Container& c) { return c.gpus != 0; }},
};

class ContainerCheck {
 public:
  ContainerCheck(const Container& container, std::string field, const TemplateOptions& options,
                 const Surroundings& around, Problems& problems)
      : c_(container), field_(std::move(field)), options_(options), around_(around), problems_(problems) {}

  void run() {
    check_name_and_image();
    refuse_unsupported();
    check_memory();
    check_environment();
    check_rights();
    check_limits();
    check_network();
    check_mounts();
    check_health();
    check_life();
    check_logs();
  }

 private:
  std::string at(std::string_view name) const { return fmt::format("{}.{}", field_, name); }
  void wrong_if(bool wrong, std::string_view name, std::string_view message) {
    problems_.add_if(wrong, at(name), message);
  }
  static std::string item(std::string_view list, std::size_t i) { return fmt::format("{}[{}]", list, i); }

  void check_name_and_image() {
    wrong_if(!c_.name.empty() && !is_ecs_name(c_.name), "name",
             "1 to 255 letters, digits, - and _ were expected");
    wrong_if(around_.inject && c_.name == kCarrierContainer, "name",
             "this name is that of the container that brings the agent");
    wrong_if(c_.image.empty(), "image", "an image was expected, like node:20");
    wrong_if(
        !c_.image.empty() && !is_image(c_.image), "image",
        "REPOSITORY:TAG or REPOSITORY@sha256:DIGEST was expected, at most 255 characters before the digest");
    const auto arn = find_arn(c_.repository_credentials);
    wrong_if(!c_.repository_credentials.empty() && (!arn || arn->service != "secretsmanager"),
             "repository_credentials", "the ARN of a secret in Secrets Manager was expected");
    wrong_if(!c_.repository_credentials.empty() && options_.execution_role.empty(), "repository_credentials",
             "they are read with the execution role: say 'execution_role'");
  }

  template <std::size_t N>
  void refuse(const Unsupported (&list)[N], std::string_view message) {
    for (const auto& one : list) wrong_if(one.used(c_), one.field, message);
  }
  void refuse_unsupported() {
    if (around_.windows) return refuse(kNotOnWindows, "Windows containers do not have this");
    if (around_.fargate) refuse(kNotOnFargate, "Fargate does not have this");
    if (around_.network_mode == NetworkMode::awsvpc)
      refuse(kNotWithAwsvpc, "the network mode awsvpc does not have this");
    wrong_if(!around_.fargate && !c_.links.empty() && around_.network_mode &&
                 around_.network_mode != NetworkMode::bridge,
             "links", "only the network mode bridge has this");
    if (around_.fargate && !c_.tmpfs.empty())
      problems_.warn(at("tmpfs"), "Fargate did not have this for long: try it before you rely on it");
  }

  void check_memory() {
    const auto hard = c_.memory_mib;
    const auto soft = c_.memory_reservation_mib;
    wrong_if(hard != 0 && hard < kLeastMemoryMib, "memory_mib", "at least 6 MiB were expected");
    wrong_if(soft != 0 && soft < kLeastMemoryMib, "memory_reservation_mib", "at least 6 MiB were expected");
    wrong_if(hard != 0 && soft >= hard, "memory_reservation_mib", "less than the hard limit was expected");
    wrong_if(!around_.fargate && options_.size.memory_mib == 0 && hard == 0 && soft == 0, "memory_mib",
             "outside of Fargate the task's memory or each container's was expected");
  }

  void check_environment() {
    for (const auto& [name, value] : c_.environment) check_variable("environment", name, value);
    for (const auto& [name, from] : c_.secrets) {
      check_variable("secrets", name, from);
      wrong_if(c_.environment.contains(name), "secrets." + name, "environment has this variable, too");
      check_secret("secrets." + name, from);
    }
    wrong_if(!c_.secrets.empty() && options_.execution_role.empty(), "secrets",
             "they are read with the execution role: say 'execution_role'");
    wrong_if(c_.environment_files.size() > kMaxEnvironmentFiles, "environment_files",
             "at most 10 were expected");
    for (const auto& file : c_.environment_files) {
      const auto arn = find_arn(file);
      wrong_if(!arn || arn->service != "s3" || !arn->resource.ends_with(".env"), "environment_files",
               "ARNs of objects in S3 were expected, their names ending in .env");
    }
  }
  void check_variable(std::string_view list, const std::string& name, const std::string& value) {
    const auto place = fmt::format("{}.{}", list, name);
    const bool text = base::is_utf8(name) && base::is_utf8(value);
    wrong_if(name.empty() || name.find('=') != std::string::npos || !text ||
                 name.find('\0') != std::string::npos || value.find('\0') != std::string::npos,
             place, "an environment variable was expected, in UTF-8");
    wrong_if(name.starts_with(kAgentVariables), place,
             "names that begin with FOOTMAN_AGENT_ are the agent's");
  }
  void check_secret(const std::string& place, const std::string& from) {
    const auto arn = find_arn(from);
    const bool known = arn && (arn->service == "secretsmanager" ||
                               (arn->service == "ssm" && arn->resource.starts_with("parameter/")));
    const bool name = !from.empty() && !from.starts_with("arn:") && from.size() <= 1011 &&
                      std::ranges::all_of(from, [](char c) { return c > ' ' && c < 127 && c != ':'; });
    wrong_if(!known && !name, place,
             "the ARN of a secret in Secrets Manager, or the name or ARN of an SSM parameter was expected");
  }

  void check_rights() {
    check_capabilities("add_capabilities", c_.add_capabilities);
    check_capabilities("drop_capabilities", c_.drop_capabilities);
    for (std::size_t i = 0; i < c_.add_capabilities.size(); ++i)
      wrong_if(around_.fargate && !around_.windows && c_.add_capabilities[i] != "SYS_PTRACE",
               item("add_capabilities", i), "on Fargate SYS_PTRACE is the only one that can be added");
    wrong_if(c_.user.find_first_of(" \t\n") != std::string::npos, "user",
             "a user was expected, like 1000, 1000:1000 or node");
    wrong_if(c_.swappiness.value_or(0) > 100, "swappiness", "0 to 100 were expected");
  }

  void check_capabilities(std::string_view list, const Texts& names) {
    const auto of_name = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
    for (std::size_t i = 0; i < names.size(); ++i)
      wrong_if(names[i].empty() || names[i].starts_with("CAP_") || !std::ranges::all_of(names[i], of_name),
               item(list, i), "Linux' names without CAP_ were expected, like SYS_PTRACE");
  }

  void check_limits() {
    std::set<UlimitName> seen;
    for (std::size_t i = 0; i < c_.ulimits.size(); ++i) {
      const auto& limit = c_.ulimits[i];
      const auto place = item("ulimits", i);
      wrong_if(!seen.insert(limit.name).second, place, "it is there twice");
      const bool soft_above = limit.hard >= 0 && (limit.soft < 0 || limit.soft > limit.hard);
      wrong_if(limit.soft < -1 || limit.hard < -1 || soft_above, place,
               "a soft limit not above the hard one was expected; -1: no limit");
      if (around_.fargate && limit.name != UlimitName::nofile)
        problems_.warn(at(place), "on Fargate nofile is the only one with an effect");
    }
    for (const auto& one : c_.tmpfs)
      wrong_if(!is_absolute_path(one.path, false) || one.size_mib == 0, "tmpfs",
               "an absolute path and a size were expected");
    for (const auto& device : c_.devices)
      wrong_if(!is_absolute_path(device.host_path, false), "devices", "absolute paths were expected");
  }

  void check_network() {
    const bool own_port =
        around_.network_mode == NetworkMode::awsvpc || around_.network_mode == NetworkMode::host;
    for (std::size_t i = 0; i < c_.port_mappings.size(); ++i) {
      const auto& port = c_.port_mappings[i];
      const auto place = item("port_mappings", i);
      wrong_if(port.container_port == 0, place, "a container's port from 1 to 65535 was expected");
      wrong_if(own_port && port.host_port != 0 && port.host_port != port.container_port, place,
               "with awsvpc and host the host's port is the container's");
    }
    for (std::size_t i = 0; i < c_.extra_hosts.size(); ++i)
      wrong_if(c_.extra_hosts[i].hostname.empty() || c_.extra_hosts[i].ip_address.empty(),
               item("extra_hosts", i), "a host's name and address were expected");
  }

  void check_mounts() {
    std::set<std::string> paths;
    for (std::size_t i = 0; i < c_.mount_points.size(); ++i) {
      const auto& mount = c_.mount_points[i];
      const auto place = item("mount_points", i);
      const bool known =
          std::ranges::any_of(options_.volumes, [&](auto& one) { return one.name == mount.volume; });
      wrong_if(!known, place, fmt::format("there is no volume '{}' in 'volumes'", mount.volume));
      wrong_if(!is_absolute_path(mount.path, around_.windows), place, "an absolute path was expected");
      wrong_if(!paths.insert(mount.path).second, place,
               fmt::format("two volumes are mounted at {}", mount.path));
    }
  }

  void check_health() {
    if (!c_.health_check) return;
    const auto& check = *c_.health_check;
    const auto first = check.command.empty() ? std::string() : check.command.front();
    wrong_if((first != "CMD" && first != "CMD-SHELL") || check.command.size() < 2, "health_check.command",
             "a list that begins with CMD or CMD-SHELL was expected");
    const auto unless = [&](bool right, std::string_view name, std::string_view expected) {
      wrong_if(!right, name, expected);
    };
    unless(check.interval == 0s || is_within(check.interval, 5s, 300s), "health_check.interval",
           "5 to 300 whole seconds were expected");
    unless(check.timeout == 0s || is_within(check.timeout, 2s, 60s), "health_check.timeout",
           "2 to 60 whole seconds were expected");
    unless(check.retries <= 10, "health_check.retries", "1 to 10 were expected");
    unless(is_within(check.start_period, 0s, 300s), "health_check.start_period",
           "0 to 300 whole seconds were expected");
  }

  void check_life() {
    const auto most = around_.fargate ? Duration(kMaxFargateTimeout) : Duration(24h);
    const auto least = around_.fargate ? Duration(kLeastTimeout) : Duration(0);
    const std::string expected = around_.fargate ? "2 to 120 whole seconds were expected on Fargate"
                                                 : "whole seconds were expected, one day at most";
    wrong_if(c_.start_timeout && !is_within(*c_.start_timeout, least, most), "start_timeout", expected);
    wrong_if(c_.stop_timeout && !is_within(*c_.stop_timeout, least, most), "stop_timeout", expected);
    if (!c_.restart_policy) return;
    const auto& policy = *c_.restart_policy;
    wrong_if(policy.ignored_exit_codes.size() > kMaxIgnoredExitCodes, "restart_policy.ignored_exit_codes",
             "at most 50 were expected");
    wrong_if(policy.attempt_period != 0s && !is_within(policy.attempt_period, 60s, 1800s),
             "restart_policy.attempt_period", "60 to 1800 whole seconds were expected");
  }

  void check_logs() {
    if (!c_.log) return;
    const auto driver = c_.log->driver;
    const bool on_fargate =
        driver == LogDriver::awslogs || driver == LogDriver::splunk || driver == LogDriver::awsfirelens;
    wrong_if(around_.fargate && !on_fargate, "log.driver", "Fargate has awslogs, splunk and awsfirelens");
    wrong_if(driver == LogDriver::awslogs && !c_.log->options.contains("awslogs-group"), "log.options",
             "awslogs needs the option awslogs-group");
    wrong_if(around_.fargate && driver == LogDriver::awslogs && options_.execution_role.empty(), "log.driver",
             "awslogs writes with the execution role: say 'execution_role'");
    const auto routes = [](const Container& one) { return one.firelens.has_value(); };
    wrong_if(driver == LogDriver::awsfirelens &&
                 (!std::ranges::any_of(options_.sidecars, routes) || c_.firelens.has_value()),
             "log.driver", "awsfirelens needs a sidecar with 'firelens', which cannot log to itself");
    for (const auto& [name, from] : c_.log->secret_options) check_secret("log.secret_options." + name, from);
    wrong_if(!c_.log->secret_options.empty() && options_.execution_role.empty(), "log.secret_options",
             "they are read with the execution role: say 'execution_role'");
  }

  const Container& c_;
  std::string field_;
  const TemplateOptions& options_;
  const Surroundings& around_;
  Problems& problems_;
};

// ── all of them together

struct Named {
  const Container* container;
  std::string name;
  std::string field;
};

std::vector<Named> list_containers(const TemplateOptions& options) {
  std::vector<Named> all;
  const auto& own = options.container;
  all.push_back({&own, own.name.empty() ? std::string(kAgentContainerName) : own.name, "container"});
  for (std::size_t i = 0; i < options.sidecars.size(); ++i)
    all.push_back({&options.sidecars[i], options.sidecars[i].name, fmt::format("sidecars[{}]", i)});
  return all;
}

const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  return found == all.end() ? nullptr : &*found;
}

void check_dependency(const std::vector<Named>& all, const Named& from, const Dependency& on,
                      Problems& problems) {
  const auto field = from.field + ".depends_on";
  const auto* to = find_named(all, on.container);
  if (to == nullptr) return problems.add(field, fmt::format("there is no container '{}'", on.container));
  const bool ends =
      on.condition == DependencyCondition::complete || on.condition == DependencyCondition::success;
  if (ends && to->container->essential)
    problems.add(field,
                 fmt::format("'{}' is essential, so its end is the task's: say 'essential: false' there",
                             on.container));
  if (on.condition == DependencyCondition::healthy && !to->container->health_check)
    problems.add(field, fmt::format("'{}' has no health_check, so it never becomes HEALTHY", on.container));
}

// Takes away what depends on nothing that is left; what remains waits for itself.
void check_cycles(const std::vector<Named>& all, Problems& problems) {
  std::map<std::string, std::set<std::string>> waits;
  for (const auto& one : all)
    for (const auto& on : one.container->depends_on)
      if (find_named(all, on.container) != nullptr) waits[one.name].insert(on.container);
  for (bool again = true; again;) {
    again = false;
    for (auto it = waits.begin(); it != waits.end();) {
      const bool free = std::ranges::none_of(it->second, [&](auto& on) { return waits.contains(on); });
      again = again || free;
      it = free ? waits.erase(it) : std::next(it);
    }
  }
  if (!waits.empty())
    problems.add(find_named(all, waits.begin()->first)->field + ".depends_on",
                 fmt::format("'{}' waits for itself", waits.begin()->first));
}

void check_sums(const std::vector<Named>& all, const TemplateOptions& options, Problems& problems) {
  auto least = options.size;
  for (const auto& size : options.fallback_sizes) {
    least.cpu_units = std::min(least.cpu_units, size.cpu_units);
    least.memory_mib = std::min(least.memory_mib, size.memory_mib);
  }
  std::uint64_t cpu = 0;
  std::uint64_t memory = 0;
  for (const auto& one : all) {
    const auto& container = *one.container;
    cpu += container.cpu_units;
    memory += container.memory_reservation_mib != 0 ? container.memory_reservation_mib : container.memory_mib;
    if (least.memory_mib != 0 && container.memory_mib > least.memory_mib)
      problems.add(one.field + ".memory_mib",
                   fmt::format("it is more than the task's least size has: {} MiB", least.memory_mib));
  }
  if (least.cpu_units != 0 && cpu > least.cpu_units)
    problems.add("size.cpu_units",
                 fmt::format("the containers want {} units together, the task's least size has {}", cpu,
                             least.cpu_units));
  if (least.memory_mib != 0 && memory > least.memory_mib)
    problems.add("size.memory_mib",
                 fmt::format("the containers want {} MiB together, the task's least size has {}", memory,
                             least.memory_mib));
}

void check_agents_own(const Container& own, Problems& problems) {
  problems.add_if(!own.command.empty(), "container.command", "what the agent's container runs is the agent");
  problems.add_if(!own.essential, "container.essential", "the agent's container is essential");
  problems.add_if(own.restart_policy.has_value(), "container.restart_policy",
                  "an agent is not started again: its end is the task's");
  problems.add_if(own.firelens.has_value(), "container.firelens", "let a sidecar route the logs");
}

}  // namespace

void check_containers(const TemplateOptions& options, const Surroundings& around, Problems& problems) {
  const auto all = list_containers(options);
  check_agents_own(options.container, problems);
  std::set<std::string> names;
  for (const auto& one : all) {
    ContainerCheck(*one.container, one.field, options, around, problems).run();
    problems.add_if(one.name.empty(), one.field + ".name", "a name was expected");
    problems.add_if(!names.insert(one.name).second, one.field + ".name", "another container has this name");
    for (const auto& on : one.container->depends_on) check_dependency(all, one, on, problems);
    for (const auto& from : one.container->volumes_from)
      if (find_named(all, from) == nullptr)
        problems.add(one.field + ".volumes_from", fmt::format("there is no container '{}'", from));
  }
  check_cycles(all, problems);
  check_sums(all, options, problems);
  problems.add_if(all.size() + (around.inject ? 1 : 0) > kMaxContainers, "sidecars",
                  around.inject ? "AWS takes 10 containers, the agent's and the one that brings it included"
                                : "AWS takes 10 containers, the agent's included");
}

}  // namespace footman::ecs
