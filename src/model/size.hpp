// How large an agent is: what limits of vCPU and memory count, and what prices per vCPU and GiB are
// multiplied with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::model {

inline constexpr std::uint64_t kMaxMilliCpus = 1'000'000'000;  // a million vCPU

struct AgentSize {
  std::uint64_t milli_cpus = 0;    // thousandths of a vCPU; 0: not said
  std::uint64_t memory_bytes = 0;  // 0: not said
  auto operator<=>(const AgentSize&) const = default;
};

std::string format_cpus(std::uint64_t milli_cpus);  // "2 vCPU", "0.25 vCPU"
std::string format_size(const AgentSize& size);     // "2 vCPU, 4.0 GiB"; "" when nothing is said
// "2 vCPU", "0.25 vCPU", "2": three decimals at most, up to kMaxMilliCpus.
base::Result<std::uint64_t> parse_cpus(std::string_view text);

}  // namespace footman::model
