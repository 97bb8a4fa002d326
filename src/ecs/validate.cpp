#include "ecs/validate.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "base/number.hpp"
#include "ecs/capacity.hpp"
#include "ecs/fargate_sizes.hpp"
#include "ecs/fields.hpp"
#include "ecs/forms.hpp"
#include "ecs/frozen_options.hpp"
#include "ecs/problems.hpp"
#include "ecs/read_definition.hpp"
#include "ecs/task_definition.hpp"
#include "ecs/task_identity.hpp"

namespace footman::ecs {
namespace {

constexpr std::uint32_t kLeastTaskUnits = 128;  // outside of Fargate
constexpr std::uint32_t kMostTaskUnits = 196'608;
constexpr std::size_t kMaxExpressionBytes = 2000;

class TemplateCheck {
 public:
  TemplateCheck(const TemplateOptions& options, const CloudOptions& cloud)
      : o_(options), cloud_(cloud), kinds_(find_compatibilities(options)) {
    around_.fargate = kinds_.contains(Compatibility::fargate);
    around_.external = kinds_.contains(Compatibility::external);
    around_.windows = is_windows(options.os_family);
    around_.inject = options.agent.delivery == AgentDelivery::inject && options.task_definition.empty();
    around_.network_mode = find_network_mode(options);
    around_.partition = find_partition(cloud.region);
  }

  std::vector<Problem> run() {
    if (o_.task_definition.empty()) {
      check_containers(o_, around_, problems_);
      check_volumes(o_, around_, problems_);
      check_agent();
    } else {
      check_existing();
    }
    check_capacities();
    check_sizes();
    check_platform();
    check_network();
    check_roles();
    check_credential_variables();
    check_placement();
    check_all_tags();
    check_whole();
    return problems_.take();
  }

 private:
  bool wrong_if(bool wrong, std::string_view field, std::string_view message) {
    return problems_.add_if(wrong, field, message);
  }

  // ── an existing definition

  // RunTask can change some things of a definition; the others would silently have no effect.
  template <class T>
  void refuse_but(const T& value, const std::string& prefix, const std::set<std::string_view>& open) {
    static const T kUsual{};
    visit_fields(
        [&](const char* name, auto member) {
          if (!open.contains(name) && value.*member != kUsual.*member)
            problems_.add(prefix + name,
                          "RunTask cannot change this of an existing task definition: say it there");
        },
        std::type_identity<T>());
  }

  void check_existing() {
    wrong_if(!is_task_definition(o_.task_definition), "task_definition",
             "a family, family:revision or ARN was expected");
    check_region(o_.task_definition, "task_definition", "the task definition");
    refuse_but(o_, "",
               {"task_definition",
                "container",
                "agent",
                "capacity",
                "fallback_capacities",
                "size",
                "fallback_sizes",
                "round_up",
                "platform_version",
                "os_family",
                "cpu_architecture",
                "ephemeral_storage_gib",
                "subnets",
                "security_groups",
                "assign_public_ip",
                "task_role",
                "execution_role",
                "execute_command",
                "placement_strategies",
                "placement_constraints",
                "group",
                "tags",
                "propagate_tags",
                "ecs_managed_tags"});
    refuse_but(o_.container, "container.",
               {"name", "environment", "environment_files", "cpu_units", "memory_mib",
                "memory_reservation_mib", "gpus"});
    for (const auto& [name, value] : o_.container.environment)
      wrong_if(name.starts_with(kAgentVariables), "container.environment",
               "names that begin with FOOTMAN_AGENT_ are the agent's");
    wrong_if(
        o_.agent.delivery != AgentDelivery::image, "agent.delivery",
        "nothing can be added to an existing task definition: its image holds the agent, so say 'image'");
    wrong_if(!o_.agent.path.empty() && !is_absolute_path(o_.agent.path, around_.windows), "agent.path",
             "an absolute path was expected");
  }

  void check_region(const std::string& text, std::string_view field, std::string_view what) {
    const auto arn = find_arn(text);
    if (arn && !cloud_.region.empty() && arn->region != cloud_.region)
      problems_.add(std::string(field),
                    fmt::format("{} is in {}, the cloud in {}", what, arn->region, cloud_.region));
  }

  // ── the agent

  void check_agent() {
    const auto& agent = o_.agent;
    wrong_if(!agent.work_directory.empty() && !is_absolute_path(agent.work_directory, around_.windows),
             "agent.work_directory", "an absolute path was expected");
    doubt_work_directory();
    if (agent.delivery == AgentDelivery::image) {
      wrong_if(!agent.carrier_image.empty(), "agent.carrier_image", "the image itself holds the agent");
      wrong_if(!agent.path.empty() && !is_absolute_path(agent.path, around_.windows), "agent.path",
               "an absolute path was expected");
      return;
    }
    if (wrong_if(
            around_.windows, "agent.delivery",
            "what is injected is a Linux program; on Windows the image must hold the agent: say 'image'"))
      return;
    wrong_if(agent.carrier_image.empty() || !is_image(agent.carrier_image), "agent.carrier_image",
             "an image that has the agent as /footman-agent was expected");
    wrong_if(!agent.path.empty(), "agent.path", "it follows from 'directory'");
    wrong_if(
        !is_absolute_path(agent.directory, false) || agent.directory == "/" || agent.directory.ends_with('/'),
        "agent.directory", "an absolute path other than / was expected, without a / at its end");
    for (const auto& mount : o_.container.mount_points)
      wrong_if(mount.path == agent.directory, "agent.directory", "another volume is mounted there");
  }

  // ECS gives a new volume to root, mode 755, unless the image has it as one of its own.
  void doubt_work_directory() {
    const auto& user = o_.container.user;
    const auto name = user.substr(0, user.find(':'));
    if (around_.windows || name.empty() || name == "root" || name == "0") return;
    for (const auto& mount : o_.container.mount_points) {
      const auto volume = std::ranges::find(o_.volumes, mount.volume, &Volume::name);
      const bool is_new = volume != o_.volumes.end() && *volume == Volume{.name = mount.volume};
      if (is_new && (o_.agent.work_directory + "/").starts_with(mount.path + "/"))
        problems_.warn("agent.work_directory",
                       fmt::format("the volume '{}' is new with each task and root's, so that '{}' may not "
                                   "write there unless the image has {} as a VOLUME of that user: {}",
                                   mount.volume, user, mount.path,
                                   around_.inject ? "leave 'work_directory' out, the usual one is everybody's"
                                                  : "name another directory"));
    }
  }

  // ── capacity and size

  void check_capacities() {
    check_capacity(o_.capacity, "capacity");
    wrong_if(o_.fallback_capacities.size() > kMaxFallbacks, "fallback_capacities",
             "at most 16 were expected");
    for (std::size_t i = 0; i < o_.fallback_capacities.size(); ++i) {
      const auto field = fmt::format("fallback_capacities[{}]", i);
      check_capacity(o_.fallback_capacities[i], field);
      const bool same = o_.fallback_capacities[i] == o_.capacity ||
                        std::ranges::count(o_.fallback_capacities, o_.fallback_capacities[i]) > 1;
      wrong_if(same, field, "this capacity is tried already");
    }
  }

  void check_capacity(const Capacity& capacity, const std::string& field) {
    if (capacity.kind == CapacityKind::strategy) return check_strategy(capacity, field);
    wrong_if(!capacity.providers.empty(), field + ".providers", "they are of the kind 'strategy'");
    wrong_if(!find_compatibility(capacity), field + ".compatibility",
             "what the cluster's default strategy leads to cannot be told from here: say FARGATE, EC2, …");
    wrong_if(
        capacity.kind == CapacityKind::launch_type && capacity.compatibility &&
            *capacity.compatibility != *find_compatibility({capacity.kind, capacity.launch_type, {}, {}}),
        field + ".compatibility", "it follows from the launch type");
  }

  void check_strategy(const Capacity& capacity, const std::string& field) {
    const auto& providers = capacity.providers;
    const auto place = field + ".providers";
    if (wrong_if(providers.empty() || providers.size() > kMaxProviders, place,
                 "1 to 20 providers were expected"))
      return;
    std::set<std::string> names;
    std::size_t bases = 0;
    std::size_t weights = 0;
    std::size_t fargate = 0;
    for (const auto& one : providers) {
      const auto own = [](const std::string& name) {
        return name.starts_with("aws") || name.starts_with("ecs");
      };
      wrong_if(!is_ecs_name(one.name) || own(one.name), place,
               "a provider's name was expected, like FARGATE_SPOT");
      if (!names.insert(one.name).second) problems_.add(place, fmt::format("'{}' is there twice", one.name));
      wrong_if(one.base > kMaxProviderBase, place, "a base of at most 100000 was expected");
      wrong_if(one.weight > kMaxProviderWeight, place, "a weight of at most 1000 was expected");
      bases += one.base != 0 ? 1 : 0;
      weights += one.weight != 0 ? 1 : 0;
      fargate += is_fargate_provider(one.name) ? 1 : 0;
    }
    wrong_if(bases > 1, place, "one provider can have a base");
    wrong_if(weights == 0, place, "a weight above 0 was expected");
    wrong_if(fargate != 0 && fargate != providers.size(), place,
             "Fargate's providers and others cannot be in one strategy: use 'fallback_capacities'");
    wrong_if(fargate == providers.size() && capacity.compatibility &&
                 capacity.compatibility != Compatibility::fargate,
             field + ".compatibility", "it follows from the providers");
  }

  void check_sizes() {
    check_size_at(o_.size, "size");
    wrong_if(o_.fallback_sizes.size() > kMaxFallbacks, "fallback_sizes", "at most 16 were expected");
    for (std::size_t i = 0; i < o_.fallback_sizes.size(); ++i) {
      const auto field = fmt::format("fallback_sizes[{}]", i);
      check_size_at(o_.fallback_sizes[i], field);
      wrong_if(
          o_.fallback_sizes[i] == o_.size || std::ranges::count(o_.fallback_sizes, o_.fallback_sizes[i]) > 1,
          field, "this size is tried already");
    }
    const auto storage = check_ephemeral_storage(o_.ephemeral_storage_gib, o_.os_family);
    if (!storage) problems_.add("ephemeral_storage_gib", with_hint(storage.error()));
    wrong_if(o_.ephemeral_storage_gib != 0 && !around_.fargate, "ephemeral_storage_gib", "it is Fargate's");
  }

  void check_size_at(const TaskSize& size, const std::string& field) {
    const bool of_definition = !o_.task_definition.empty() && size == TaskSize();
    if (around_.fargate && !of_definition) {
      if (const auto found = check_size(size, o_.os_family, o_.round_up); !found)
        problems_.add(field, with_hint(found.error()));
      return;
    }
    wrong_if(size.cpu_units != 0 && (size.cpu_units < kLeastTaskUnits || size.cpu_units > kMostTaskUnits),
             field + ".cpu_units", "0.125 to 192 vCPU were expected");
    if (around_.windows && size != TaskSize() && !around_.fargate)
      problems_.warn(field, "AWS ignores the size of Windows tasks on EC2: say that of the container");
  }

  static std::string with_hint(const Error& error) {
    return error.hint.empty() ? error.message : fmt::format("{}. {}", error.message, error.hint);
  }

  // ── the platform

  static bool is_arm(CpuArchitecture architecture) { return architecture == CpuArchitecture::arm64; }
  std::vector<CpuArchitecture> list_architectures() const {
    auto all = o_.fallback_architectures;
    all.push_back(o_.cpu_architecture);
    return all;
  }
  void check_architectures() {
    wrong_if(around_.windows && is_arm(o_.cpu_architecture), "cpu_architecture",
             "Windows tasks run on X86_64");
    for (std::size_t i = 0; i < o_.fallback_architectures.size(); ++i) {
      const auto field = fmt::format("fallback_architectures[{}]", i);
      wrong_if(std::ranges::count(list_architectures(), o_.fallback_architectures[i]) > 1, field,
               "this architecture is tried already");
      wrong_if(around_.windows && is_arm(o_.fallback_architectures[i]), field, "Windows tasks run on X86_64");
    }
  }

  void check_platform() {
    check_architectures();
    const bool arm = std::ranges::any_of(list_architectures(), is_arm);
    wrong_if(around_.windows && uses_fargate_spot(o_), "capacity", "FARGATE_SPOT has no Windows");
    if (!around_.fargate) {
      wrong_if(!o_.platform_version.empty(), "platform_version", "it is Fargate's");
      return;
    }
    wrong_if(o_.os_family == OsFamily::windows_2016_full || o_.os_family == OsFamily::windows_2004_core ||
                 o_.os_family == OsFamily::windows_20h2_core,
             "os_family", "Fargate has Windows Server 2019 and later");
    if (o_.platform_version.empty() || o_.platform_version == "LATEST") return;
    const auto version = find_version(o_.platform_version);
    if (wrong_if(!version, "platform_version", "LATEST or a version was expected, like 1.4.0")) return;
    if (around_.windows) return;
    const bool old = *version < Version{1, 4, 0};
    wrong_if(old && arm, "platform_version", "ARM64 needs 1.4.0");
    wrong_if(old && o_.ephemeral_storage_gib != 0, "platform_version", "ephemeral storage needs 1.4.0");
    const auto large = [](const TaskSize& size) { return size.cpu_units >= kLargeCpuUnits; };
    wrong_if(old && (large(o_.size) || std::ranges::any_of(o_.fallback_sizes, large)), "platform_version",
             "8 vCPU and more need 1.4.0");
    const auto efs = [](const Volume& volume) { return volume.efs.has_value(); };
    wrong_if(old && std::ranges::any_of(o_.volumes, efs), "platform_version", "EFS volumes need 1.4.0");
  }

  using Version = std::array<std::uint32_t, 3>;
  static std::optional<Version> find_version(std::string_view text) {
    Version version{};
    for (std::size_t i = 0; i < version.size(); ++i) {
      const auto part = text.substr(0, text.find('.'));
      const auto number = base::find_number<std::uint32_t>(part);
      if (!number || (i == 2) != (part.size() == text.size())) return std::nullopt;
      version.at(i) = *number;
      text.remove_prefix(std::min(part.size() + 1, text.size()));
    }
    return version;
  }

  // ── the network

  void check_network() {
    const auto mode = around_.network_mode;
    wrong_if(around_.fargate && mode != NetworkMode::awsvpc, "network_mode", "Fargate's is awsvpc");
    wrong_if(mode == NetworkMode::none, "network_mode", "without a network the agent reaches no server");
    wrong_if(around_.windows && mode && mode != NetworkMode::awsvpc, "network_mode",
             "Windows has awsvpc and, when nothing is said, its own");
    wrong_if(around_.external && mode == NetworkMode::awsvpc, "network_mode",
             "external instances do not have awsvpc");
    if (!uses_awsvpc(o_) && !around_.fargate) {
      for (const auto& [field, said] : {std::pair("subnets", !o_.subnets.empty()),
                                        std::pair("security_groups", !o_.security_groups.empty()),
                                        std::pair("assign_public_ip", o_.assign_public_ip)})
        wrong_if(said, field, "it needs network_mode: awsvpc");
      return;
    }
    check_ids(o_.subnets, "subnets", "subnet-", kMaxSubnets);
    wrong_if(o_.subnets.empty(), "subnets", "awsvpc needs at least one subnet");
    check_ids(o_.security_groups, "security_groups", "sg-", kMaxSecurityGroups);
    wrong_if(o_.assign_public_ip && !around_.fargate, "assign_public_ip", "it is Fargate's");
    if (around_.windows) return;
    wrong_if(around_.fargate && o_.pid_mode == PidMode::host, "pid_mode", "Fargate has 'task'");
    wrong_if(around_.fargate && o_.ipc_mode.has_value(), "ipc_mode", "Fargate does not have this");
  }

  void check_ids(const Texts& ids, const std::string& field, std::string_view prefix, std::size_t most) {
    if (ids.size() > most) problems_.add(field, fmt::format("AWS takes at most {}", most));
    std::set<std::string> seen;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto place = fmt::format("{}[{}]", field, i);
      if (!is_resource_id(ids[i], prefix))
        problems_.add(place,
                      fmt::format("'{}': an id like {}0123456789abcdef0 was expected", ids[i], prefix));
      if (!seen.insert(ids[i]).second) problems_.add(place, fmt::format("'{}' is there twice", ids[i]));
    }
  }

  // ── roles, placement, tags

  void check_roles() {
    if (!o_.task_role.empty()) check_role(o_.task_role, "task_role", around_.partition, problems_);
    if (!o_.execution_role.empty())
      check_role(o_.execution_role, "execution_role", around_.partition, problems_);
    const auto task = find_arn(o_.task_role);
    const auto execution = find_arn(o_.execution_role);
    wrong_if(task && execution && task->account != execution->account, "execution_role",
             "a task takes roles of one account, and the task role is of another one");
    if (!proves_identity(o_))
      problems_.warn(
          "task_role",
          "without it each agent's one-time secret stands in its task's environment, where whoever may "
          "call ecs:DescribeTasks reads it; with one the agent proves by it who it is");
    if (!o_.task_definition.empty()) return;
    wrong_if(o_.execute_command && o_.task_role.empty(), "execute_command", "it needs a task role");
    wrong_if(around_.fargate && o_.execution_role.empty() && uses_log_group(), "execution_role",
             "the agent's output goes to the cloud's log group with the execution role");
    const auto ecr = [](const std::string& image) { return image.find(".dkr.ecr") != std::string::npos; };
    wrong_if(around_.fargate && o_.execution_role.empty() &&
                 (ecr(o_.container.image) || ecr(o_.agent.carrier_image) ||
                  std::ranges::any_of(o_.sidecars, ecr, &Container::image)),
             "execution_role", "Fargate pulls images of ECR with the execution role");
  }
  void check_credential_variables() {
    if (!proves_identity(o_)) return;
    for (const auto& [list, variables] :
         {std::pair("environment", &o_.container.environment), std::pair("secrets", &o_.container.secrets)})
      for (const auto& [name, value] : *variables)
        wrong_if(
            name.starts_with(kCredentialVariables), fmt::format("container.{}.{}", list, name),
            "with the variables AWS_CONTAINER_… of ECS the agent finds the task role's credentials, by which "
            "it proves who it is");
  }
  bool uses_log_group() const {
    const auto silent = [](const Container& one) { return !one.log; };
    return !cloud_.log_group.empty() &&
           (around_.inject || silent(o_.container) || std::ranges::any_of(o_.sidecars, silent));
  }

  void check_placement() {
    wrong_if(around_.fargate && !o_.placement_strategies.empty(), "placement_strategies",
             "Fargate has no placement");
    wrong_if(around_.fargate && !o_.placement_constraints.empty(), "placement_constraints",
             "Fargate has no placement");
    wrong_if(o_.placement_strategies.size() > kMaxPlacementStrategies, "placement_strategies",
             "at most 5 were expected");
    wrong_if(o_.placement_constraints.size() > kMaxPlacementConstraints, "placement_constraints",
             "at most 10 were expected");
    for (const auto& strategy : o_.placement_strategies) {
      const bool right = strategy.type == PlacementStrategyType::random ? strategy.field.empty()
                         : strategy.type == PlacementStrategyType::binpack
                             ? strategy.field == "cpu" || strategy.field == "memory"
                             : !strategy.field.empty();
      wrong_if(!right, "placement_strategies",
               "spread has a field like attribute:ecs.availability-zone, binpack cpu or memory, random none");
    }
    for (const auto& constraint : o_.placement_constraints) {
      const bool member = constraint.type == PlacementConstraintType::member_of;
      wrong_if(member == constraint.expression.empty() || constraint.expression.size() > kMaxExpressionBytes,
               "placement_constraints",
               "memberOf has an expression of at most 2000 bytes, distinctInstance none");
    }
    wrong_if(o_.group.size() > 255, "group", "at most 255 bytes were expected");
  }

  void check_all_tags() {
    check_tags(o_.tags, cloud_, "tags", problems_);
    auto all = o_.tags;
    all.insert(cloud_.tags.begin(), cloud_.tags.end());
    wrong_if(all.size() + kOwnTags > kMaxTags, "tags",
             "AWS takes 50 tags, the cloud's and Footman's own 8 included");
  }

  // What can only be told of the definition itself: the patch and the size.
  void check_whole() {
    if (problems_.any_fatal()) return;
    // A launch keeps the options frozen: what cannot be read back could never be launched.
    if (const auto back = parse_frozen(freeze(o_)); !back)
      return problems_.add(
          back.error().field.empty() ? std::string("task_definition_patch") : back.error().field,
          back.error().message);
    if (!o_.task_definition.empty()) return;
    const auto made =
        make_task_definition(o_, cloud_, {InstallationId("x"), TemplateName("x"), cloud_.region});
    if (!made) return problems_.add(made.error().field, with_hint(made.error()));
    if (!o_.task_definition_patch.empty()) check_patched(*made);
  }

  // What the patch adds, by the rules for what keys say.
  void check_patched(const TaskDefinition& made) {
    const auto read = read_definition(boost::json::parse(made.request), made.container);
    auto patched = o_;
    patched.agent.delivery = AgentDelivery::image;  // what brings the agent is there like all else
    patched.container = read.container;
    patched.container.command.clear();
    patched.sidecars = read.sidecars;
    patched.volumes = read.volumes;
    for (const auto& problem : TemplateCheck(patched, cloud_).check_content())
      if (problem.fatal)
        problems_.add("task_definition_patch", fmt::format("{}: {}", problem.field, problem.message));
  }
  std::vector<Problem> check_content() {
    check_containers(o_, around_, problems_);
    check_volumes(o_, around_, problems_);
    check_credential_variables();
    return problems_.take();
  }

  const TemplateOptions& o_;
  const CloudOptions& cloud_;
  std::set<Compatibility> kinds_;
  Surroundings around_;
  Problems problems_;
};

}  // namespace

std::vector<Problem> validate(const TemplateOptions& options, const CloudOptions& cloud) {
  return TemplateCheck(options, cloud).run();
}

}  // namespace footman::ecs
