// Clouds of type ecs and their templates.
#include <fmt/format.h>

#include "config/ecs_reader.hpp"
#include "config/sections.hpp"
#include "ecs/capacity.hpp"
#include "ecs/fargate_sizes.hpp"
#include "ecs/validate.hpp"
#include "model/price_list.hpp"

namespace footman::config {
namespace {

void report(Reader& reader, const EcsReader& fields, const std::vector<ecs::Problem>& problems,
            Position otherwise) {
  for (const auto& problem : problems) {
    if (!problem.fatal) continue;
    const auto key = ecs_key_path(problem.field);
    reader.error(fields.find_place(problem.field, otherwise), fmt::format("'{}': {}", key, problem.message),
                 key);
  }
}

// What one task takes: its own size, else what its containers ask for.
model::AgentSize size_of(const ecs::TemplateOptions& options) {
  auto size = options.size;
  if (ecs::find_compatibility(options.capacity) == ecs::Compatibility::fargate)
    size = ecs::check_size(size, options.os_family, options.round_up).value_or(size);
  std::uint64_t units = 0;
  std::uint64_t mib = 0;
  const auto add = [&](const ecs::Container& one) {
    units += one.cpu_units;
    mib += one.memory_reservation_mib != 0 ? one.memory_reservation_mib : one.memory_mib;
  };
  add(options.container);
  for (const auto& sidecar : options.sidecars) add(sidecar);
  if (size.cpu_units != 0) units = size.cpu_units;
  if (size.memory_mib != 0) mib = size.memory_mib;
  constexpr std::uint64_t kUnits = ecs::kUnitsPerCpu;
  return {(units * 1000 + kUnits - 1) / kUnits, mib << 20};
}

void settle_size(Reader& reader, const YamlNode& node, const model::AgentSize& task, model::AgentSize& out) {
  const auto differs = [](std::uint64_t said, std::uint64_t is) {
    return said != 0 && is != 0 && said != is;
  };
  if (differs(out.milli_cpus, task.milli_cpus) || differs(out.memory_bytes, task.memory_bytes))
    reader.error(
        node.place_of("size"),
        fmt::format("'size': the task has {}, as 'ecs' says: leave it out here", model::format_size(task)));
  if (task.milli_cpus != 0) out.milli_cpus = task.milli_cpus;
  if (task.memory_bytes != 0) out.memory_bytes = task.memory_bytes;
}

}  // namespace

std::optional<std::string> find_fargate_price(const CloudConfig& cloud, const ecs::TemplateOptions& options) {
  if (!cloud.ecs || ecs::find_compatibility(options.capacity) != ecs::Compatibility::fargate)
    return std::nullopt;
  const bool arm = options.cpu_architecture == ecs::CpuArchitecture::arm64;
  const auto* platform = ecs::is_windows(options.os_family) ? "windows" : arm ? "arm64" : "x86_64";
  return fmt::format("aws-fargate/{}/{}{}", cloud.ecs->region, platform,
                     ecs::is_fargate_spot_only(options.capacity) ? "/spot" : "");
}

void read_ecs_cloud(Reader& reader, const YamlNode& node, CloudConfig& out) {
  EcsReader fields(reader);
  const auto errors = reader.error_count();
  const auto* section = node.find("ecs");
  const bool said = section != nullptr && section->kind != YamlNode::Kind::null;
  out.ecs = said ? fields.read_cloud(*section) : ecs::CloudOptions();
  if (reader.error_count() != errors) return;
  report(reader, fields, ecs::validate(*out.ecs), said ? section->at : node.at);
}

void read_ecs_template(Reader& reader, const YamlNode& node, const CloudConfig& cloud, bool is_abstract,
                       TemplateConfig& out) {
  EcsReader fields(reader);
  const auto errors = reader.error_count();
  const auto* section = node.find("ecs");
  const bool said = section != nullptr && section->kind != YamlNode::Kind::null;
  out.ecs = said ? fields.read_template(*section) : ecs::TemplateOptions();
  out.ecs->container.environment = out.env;
  // What could not be read is not there, so checking the rest would mislead.
  if (is_abstract || reader.error_count() != errors) return;
  fields.set_place("container.environment", node.place_of("env"));
  report(reader, fields, ecs::validate(*out.ecs, *cloud.ecs), said ? section->at : node.at);
  settle_size(reader, node, size_of(*out.ecs), out.size);
  if (node.find("price") != nullptr) return;
  if (const auto name = find_fargate_price(cloud, *out.ecs))
    if (const auto price = model::find_list_price(*name, out.size)) out.price = *price;
}

}  // namespace footman::config
