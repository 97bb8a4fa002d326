#include "ecs/fargate_sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "model/size.hpp"

namespace footman::ecs {
namespace {

struct Row {
  std::uint32_t cpu_units, first_mib, last_mib, step_mib;
};
constexpr Row kRows[] = {{256, 512, 1024, 512},      {256, 2048, 2048, 1024},     {512, 1024, 4096, 1024},
                         {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},   {4096, 8192, 30720, 1024},
                         {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192}};
constexpr std::size_t kCount = 74;
constexpr std::uint32_t kLeastWindowsUnits = 1024;
constexpr std::uint32_t kMostWindowsUnits = 4096;

constexpr std::array<TaskSize, kCount> make_sizes() {
  std::array<TaskSize, kCount> sizes;
  std::size_t count = 0;
  for (const auto& row : kRows)
    for (auto mib = row.first_mib; mib <= row.last_mib; mib += row.step_mib)
      sizes.at(count++) = TaskSize{row.cpu_units, mib};
  return count == kCount ? sizes : throw "the rows do not give the count";
}
constexpr auto kSizes = make_sizes();

bool covers(const TaskSize& size, const TaskSize& asked) {
  return size.cpu_units >= asked.cpu_units && size.memory_mib >= asked.memory_mib;
}

// A row with more CPU never has finer steps of memory, so the first one that covers has the least of both.
std::optional<TaskSize> find_above(std::span<const TaskSize> sizes, const TaskSize& asked) {
  const auto found = std::ranges::find_if(sizes, [&](const auto& size) { return covers(size, asked); });
  return found == sizes.end() ? std::nullopt : std::optional(*found);
}

std::optional<TaskSize> find_below(std::span<const TaskSize> sizes, const TaskSize& asked) {
  for (std::size_t i = sizes.size(); i-- > 0;)
    if (covers(asked, sizes[i])) return sizes[i];
  return std::nullopt;
}

std::string describe_nearest(std::optional<TaskSize> below, std::optional<TaskSize> above) {
  if (!below) return fmt::format("the nearest is {}", format_task_size(*above));
  if (!above) return fmt::format("the nearest is {}", format_task_size(*below));
  return fmt::format("the nearest are {} and {}", format_task_size(*below), format_task_size(*above));
}

}  // namespace

std::span<const TaskSize> fargate_sizes(OsFamily os) {
  static_assert(kSizes.front().cpu_units == 256);
  if (!is_windows(os)) return kSizes;
  const auto first = std::ranges::find(kSizes, kLeastWindowsUnits, &TaskSize::cpu_units);
  const auto last =
      std::ranges::find_if(kSizes, [](auto& size) { return size.cpu_units > kMostWindowsUnits; });
  return {first, last};
}

Result<TaskSize> check_size(const TaskSize& asked, OsFamily os, bool round_up) {
  if (asked.cpu_units == 0 || asked.memory_mib == 0)
    return fail(Errc::invalid_argument, "Fargate needs the task's CPU and memory", {},
                "Say both, like 'cpu: 1 vCPU' and 'memory: 2 GiB'");
  const auto sizes = fargate_sizes(os);
  const auto above = find_above(sizes, asked);
  if (above == asked || (above && round_up)) return *above;
  return fail(
      Errc::invalid_argument,
      fmt::format("{} is not a size of Fargate's{}; {}", format_task_size(asked),
                  is_windows(os) ? " for Windows" : "", describe_nearest(find_below(sizes, asked), above)),
      {}, above ? "Say one of them, or 'round_up: true'" : "Fargate has nothing larger");
}

Status check_ephemeral_storage(std::uint32_t gib, OsFamily os) {
  if (gib == 0) return {};
  if (is_windows(os))
    return fail(Errc::invalid_argument,
                "Fargate's Windows tasks have no other disk than the 20 GiB included");
  if (gib >= kMinStorageGib && gib <= kMaxStorageGib) return {};
  return fail(Errc::invalid_argument,
              fmt::format("ephemeral storage of {} GiB: {} to {} GiB were expected", gib, kMinStorageGib,
                          kMaxStorageGib),
              {}, gib <= kIncludedStorageGib ? "20 GiB are there when nothing is said" : "");
}

std::string format_mib(std::uint64_t mib) {
  return mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024) : fmt::format("{} MiB", mib);
}

std::string format_task_size(const TaskSize& size) {
  constexpr std::uint64_t kUnits = kUnitsPerCpu;
  const auto milli_cpus = (size.cpu_units * std::uint64_t{1000} + kUnits / 2) / kUnits;  // 1331 units: 1.3
  return fmt::format("{} with {}", model::format_cpus(milli_cpus), format_mib(size.memory_mib));
}

}  // namespace footman::ecs
