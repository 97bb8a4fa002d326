// Builds that are made up, for those who have no trace yet. Deterministic by seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/build_trace.hpp"

namespace footman::simulate {

enum class WorkloadKind {
  steady,        // one after the other, by chance, at one rate (a Poisson process)
  bursty,        // about twenty within seconds, and then nothing for long
  working_week,  // people at work, Monday to Friday, most in the morning and the afternoon; little else
};
std::optional<WorkloadKind> find_workload_kind(std::string_view word);

struct Workload {
  WorkloadKind kind = WorkloadKind::steady;
  std::uint64_t seed = 1;
  double builds_per_hour = 60;    // on average over the span
  Duration mean_duration = 5min;  // log-normal around it: many short ones, a few long ones
  Duration span = 8h;
  std::vector<std::string> labels;  // each build asks for one of them; none: for nothing
};

// Errors: a label expression that cannot be read, more builds than a trace may have, a rate or span that is
// nothing.
Result<BuildTrace> generate_builds(const Workload& workload);

}  // namespace footman::simulate
