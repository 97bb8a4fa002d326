// The sizes that Fargate sells: 74 pairs of CPU and memory.
// Source: "Task size" in the ECS Developer Guide and RegisterTaskDefinition's `memory`, as of 2026-05.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.hpp"
#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::uint32_t kUnitsPerCpu = 1024;

inline constexpr std::uint32_t kIncludedStorageGib = 20;
inline constexpr std::uint32_t kMinStorageGib = 21;  // what can be asked for
inline constexpr std::uint32_t kMaxStorageGib = 200;

// From this size on, and for ephemeral storage, Linux needs platform version 1.4.0.
inline constexpr std::uint32_t kLargeCpuUnits = 8192;

// Least CPU first, then least memory. Windows has the sizes of 1 to 4 vCPU.
std::span<const TaskSize> fargate_sizes(OsFamily os);

// `asked` when it is one of the sizes. Else with `round_up` the least one that has as much of both, and
// without it invalid_argument, which names the nearest ones. Both numbers must be said.
Result<TaskSize> check_size(const TaskSize& asked, OsFamily os, bool round_up);

// 0: not said. invalid_argument.
Status check_ephemeral_storage(std::uint32_t gib, OsFamily os);

std::string format_mib(std::uint64_t mib);           // "2 GiB", "1536 MiB"
std::string format_task_size(const TaskSize& size);  // "0.5 vCPU with 1 GiB"

}  // namespace footman::ecs
