// What the builds of each job are in /metrics: the same for every controller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/metrics.hpp"
#include "base/time.hpp"

namespace footman::base {

inline constexpr std::size_t kMaxJobsCounted = 500;  // of one controller; the rest is one job, "(other)"

// A build is over. `job` as its controller calls it; empty: it has none. `result`: "success", …
void count_job_build(Metrics& metrics, const std::string& controller, const std::string& job,
                     std::string_view result);

// A part of an agent's time is over: what a build had of it, or the rest.
struct JobTime {
  Duration build{0};
  Duration agent{0};
  std::int64_t micro_usd = 0;
};
void count_job_time(Metrics& metrics, const std::string& controller, const std::string& job,
                    const JobTime& time);

}  // namespace footman::base
