#include "ecs/choices.hpp"

#include <fmt/format.h>

#include "ecs/capacity.hpp"
#include "ecs/fargate_sizes.hpp"
#include "ecs/words.hpp"
#include "model/words.hpp"

namespace footman::ecs {
namespace {

std::string describe(const Capacity& capacity) {
  switch (capacity.kind) {
    case CapacityKind::launch_type:
      return std::string(model::get_word(kLaunchTypes, capacity.launch_type));
    case CapacityKind::cluster_default:
      return "the cluster's default";
    case CapacityKind::strategy:
      break;
  }
  std::string out;
  for (const auto& one : capacity.providers) out += (out.empty() ? "" : " + ") + one.name;
  return out;
}

std::string describe(const TaskSize& size) {
  return fmt::format("{} CPU units, {} MiB", size.cpu_units, size.memory_mib);
}

}  // namespace

std::vector<Choice> list_choices(const TemplateOptions& options) {
  std::vector<Capacity> capacities{options.capacity};
  capacities.insert(capacities.end(), options.fallback_capacities.begin(), options.fallback_capacities.end());
  std::vector<TaskSize> sizes{options.size};
  sizes.insert(sizes.end(), options.fallback_sizes.begin(), options.fallback_sizes.end());
  std::vector<CpuArchitecture> architectures{options.cpu_architecture};
  architectures.insert(architectures.end(), options.fallback_architectures.begin(),
                       options.fallback_architectures.end());
  std::vector<Choice> choices;
  choices.reserve(capacities.size() * sizes.size() * architectures.size());
  for (const auto& capacity : capacities)
    for (const auto& size : sizes)
      for (const auto architecture : architectures) choices.push_back({capacity, size, architecture});
  return choices;
}

std::string name_of(const TemplateOptions& options, const Choice& choice) {
  std::string out;
  const auto add = [&](const auto& others, std::string_view text) {
    if (!others.empty()) out.append(out.empty() ? "" : ", ").append(text);
  };
  add(options.fallback_capacities, describe(choice.capacity));
  add(options.fallback_sizes, describe(choice.size));
  add(options.fallback_architectures, model::get_word(kCpuArchitectures, choice.architecture));
  return out;
}

model::AgentSize find_agent_size(const TemplateOptions& options, const Choice& choice) {
  auto size = choice.size;
  if (find_compatibility(choice.capacity) == Compatibility::fargate)
    size = check_size(size, options.os_family, options.round_up).value_or(size);
  std::uint64_t units = 0;
  std::uint64_t mib = 0;
  const auto add = [&](const Container& one) {
    units += one.cpu_units;
    mib += one.memory_reservation_mib != 0 ? one.memory_reservation_mib : one.memory_mib;
  };
  add(options.container);
  for (const auto& sidecar : options.sidecars) add(sidecar);
  if (size.cpu_units != 0) units = size.cpu_units;
  if (size.memory_mib != 0) mib = size.memory_mib;
  constexpr std::uint64_t kUnits = kUnitsPerCpu;
  return {(units * 1000 + kUnits - 1) / kUnits, mib << 20};
}

}  // namespace footman::ecs
