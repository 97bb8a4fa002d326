// The schema, the reader and the fields of ecs/options.hpp are about the same keys.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "config/ecs_reader.hpp"
#include "config/schema.hpp"
#include "config/schema_rows.hpp"

using namespace footman;
using namespace footman::config;

namespace {

constexpr std::string_view kCloudSection = "clouds[].ecs.";
constexpr std::string_view kTemplateSection = "clouds[].templates[].ecs.";

template <class T>
struct Element {
  using Type = T;
  static constexpr std::string_view kMark = "";
};
template <class T>
struct Element<std::optional<T>> : Element<T> {};
template <class T>
struct Element<std::vector<T>> {
  using Type = T;
  static constexpr std::string_view kMark = "[]";
};

// Every path of keys that the fields of T make, with those of the sections that they are in.
template <class T>
void collect_paths(const std::string& prefix, std::set<std::string>& out) {
  ecs::visit_fields(
      [&]<class Field>(const char* name, Field T::*) {
        using Inner = Element<Field>;
        const auto path = prefix + ecs_key(name);
        out.insert(path);
        if constexpr (ecs::Object<typename Inner::Type>)
          collect_paths<typename Inner::Type>(fmt::format("{}{}.", path, Inner::kMark), out);
      },
      std::type_identity<T>());
}

bool has_key_or_section(const std::string& path) { return cloud_type_of(path) == "ecs"; }

// "a[].b", "1" becomes "a: [{b: 1}]".
std::string nest(std::string_view path, std::string_view value) {
  const auto dot = path.find('.');
  if (dot == path.npos) return fmt::format("{}: {}", path, value);
  auto name = path.substr(0, dot);
  const auto inner = nest(path.substr(dot + 1), value);
  if (!name.ends_with("[]")) return fmt::format("{}: {{{}}}", name, inner);
  name.remove_suffix(2);
  return fmt::format("{}: [{{{}}}]", name, inner);
}
// The same without the last key.
std::string nest_around(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == path.npos) return "{}";
  auto around = path.substr(0, dot);
  if (!around.ends_with("[]")) return nest(around, "{}");
  around.remove_suffix(2);
  return nest(around, "[{}]");
}

struct Read {
  ecs::CloudOptions cloud;
  ecs::TemplateOptions task;
  std::string errors;
  bool operator==(const Read&) const = default;
};
Read read(bool of_template, const std::string& text) {
  const Sources sources{[](const std::string&) { return std::nullopt; },
                        [](const std::string&) -> Result<std::string> { return "x"; }};
  const std::string file = "f";
  auto root = parse_yaml(text, file);
  REQUIRE(root.has_value());
  Reader reader(file, sources);
  EcsReader fields(reader);
  Read out;
  if (of_template)
    out.task = fields.read_template(*root);
  else
    out.cloud = fields.read_cloud(*root);
  for (const auto& error : reader.take_errors()) out.errors += describe(error) + "\n";
  return out;
}

// Of each type of the schema another value than the one that holds without the key.
const std::map<std::string_view, std::string_view> kSamples = {
    {"AWS region", "eu-central-1"},
    {"name or ARN", "x"},
    {"name", "x"},
    {"ARN", "arn:aws:iam::123456789012:role/x"},
    {"text", "x"},
    {"URL", "https://x"},
    {"map of URLs", "{ecs: https://x}"},
    {"true or false", "true"},
    {"map", "{a: b}"},
    {"image", "node:20"},
    {"vCPU", "2 vCPU"},
    {"size", "3 GiB"},
    {"list of {cpu, memory}", "[{cpu: 1}]"},
    {"FARGATE, EC2, EXTERNAL, cluster_default, a capacity provider, a list of them or a map", "EC2"},
    {"list of {name, base, weight} or names", "[FARGATE]"},
    {"number", "7"},
    {"FARGATE, EC2, EXTERNAL or MANAGED_INSTANCES", "EC2"},
    {"list", "[FARGATE_SPOT]"},
    {"LINUX or a version of Windows", "WINDOWS_SERVER_2022_CORE"},
    {"X86_64 or ARM64", "arm64"},
    {"awsvpc, bridge, host or none", "bridge"},
    {"list of ids", "[x]"},
    {"host or task", "host"},
    {"host, task or none", "none"},
    {"list of {type, field}", "[{type: spread}]"},
    {"random, spread or binpack", "spread"},
    {"list of {type, expression}", "[{type: memberOf}]"},
    {"distinctInstance or memberOf", "distinctInstance"},
    {"TASK_DEFINITION or NONE", "TASK_DEFINITION"},
    {"inject or image", "image"},
    {"path", "/x"},
    {"list of containers", "[{name: x}]"},
    {"list of volumes", "[{name: x}]"},
    {"family, family:revision or ARN", "x:1"},
    {"map or JSON", "{x: 1}"},
    {"list of texts", "[x]"},
    {"map of ARNs", "{X: x}"},
    {"list of ARNs", "[x]"},
    {"name or number", "1000"},
    {"list of names", "[x]"},
    {"list of {path, size, mount_options}", "[{path: /x}]"},
    {"list of {host_path, container_path, permissions}", "[{host_path: /x}]"},
    {"list of X86_64 and ARM64", "[ARM64]"},
    {"list of read, write and mknod", "[read]"},
    {"list of {name, soft, hard}", "[{name: nproc}]"},
    {"list of {hostname, ip_address}", "[{hostname: x}]"},
    {"address", "192.0.2.1"},
    {"list of addresses", "[192.0.2.1]"},
    {"list of {container_port, host_port, protocol}", "[{container_port: 1}]"},
    {"tcp or udp", "udp"},
    {"list of {volume, path, read_only}", "[{volume: x}]"},
    {"duration", "7s"},
    {"list of {container, condition}", "[{container: x}]"},
    {"START, COMPLETE, SUCCESS or HEALTHY", "HEALTHY"},
    {"list of numbers", "[7]"},
    {"awslogs, splunk, awsfirelens or one of the container instance's", "splunk"},
    {"fluentbit or fluentd", "fluentd"},
    {"id", "x"},
    {"id or ARN", "x"},
    {"ext3, ext4, xfs or ntfs", "ext4"},
    {"task or shared", "shared"},
};

std::string_view sample_for(const Key& key) {
  if (key.path.ends_with("ulimits[].name")) return "nproc";
  if (key.fallback == "true") return "false";
  REQUIRE_MESSAGE(kSamples.contains(key.type), key.type);
  return kSamples.at(key.type);
}

}  // namespace

TEST_CASE("every field has its key in the schema") {
  std::set<std::string> paths;
  collect_paths<ecs::CloudOptions>(std::string(kCloudSection), paths);
  for (const auto& path : paths) CHECK_MESSAGE(has_key_or_section(path), path);

  paths.clear();
  collect_paths<ecs::Container>(std::string(kEcsSidecarPath), paths);
  collect_paths<ecs::Volume>(std::string(kEcsVolumePath), paths);
  for (const auto& path : paths) CHECK_MESSAGE(has_key_or_section(path), path);

  std::set<std::string> own;
  ecs::visit_fields([&](const char* name, auto) { own.insert(ecs_key_path(name)); },
                    std::type_identity<ecs::TemplateOptions>());
  ecs::visit_fields([&](const char* name, auto) { own.insert(ecs_key_path(fmt::format("size.{}", name))); },
                    std::type_identity<ecs::TaskSize>());
  ecs::visit_fields(
      [&](const char* name, auto) { own.insert(ecs_key_path(fmt::format("container.{}", name))); },
      std::type_identity<ecs::Container>());
  own.erase("env");
  const auto known = keys_of("clouds[].templates[].ecs");
  CHECK(own == std::set<std::string>(known.begin(), known.end()));
}

TEST_CASE("every key of the schema is read, and changes what holds without it") {
  std::size_t count = 0;
  for (const auto& key : schema()) {
    if (key.cloud_type != "ecs") continue;
    CAPTURE(key.path);
    const bool of_template = key.path.starts_with(kTemplateSection);
    const auto path = key.path.substr((of_template ? kTemplateSection : kCloudSection).size());
    const auto without = read(of_template, nest_around(path));
    CHECK(without.errors.empty());
    const auto with = read(of_template, nest(path, sample_for(key)));
    CHECK(with.errors.empty());
    CHECK(with != without);
    if (!key.fallback.empty()) CHECK(read(of_template, nest(path, key.fallback)) == without);
    ++count;
  }
  CHECK(count > 150);
}

TEST_CASE("how fields are called in the file") {
  struct {
    const char* field;
    const char* key;
  } const table[] = {
      {"container.image", "image"},
      {"container.log.driver", "log.driver"},
      {"container.name", "container_name"},
      {"container.cpu_units", "container_cpu"},
      {"container.memory_reservation_mib", "memory_reservation"},
      {"container.environment.HOME", "env.HOME"},
      {"size", "cpu"},
      {"size.memory_mib", "memory"},
      {"sidecars[1].memory_mib", "sidecars[1].memory"},
      {"sidecars[1].log.secret_options.token", "sidecars[1].log.secret_options.token"},
      {"volumes[0].efs.access_point_id", "volumes[0].efs.access_point"},
      {"capacity.providers", "capacity.providers"},
      {"fallback_sizes[2]", "fallback_sizes[2]"},
      {"credentials.assume_role.role_arn", "credentials.assume_role.role"},
      {"event_queue_url", "event_queue"},
  };
  for (const auto& [field, key] : table) CHECK(ecs_key_path(field) == key);
}
