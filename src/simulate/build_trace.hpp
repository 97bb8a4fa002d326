// A trace of builds: when each was submitted, what it asked for, how long it ran. As a CSV file (RFC 4180;
// the first line names the columns, in any order):
//
//   submitted,label,duration,job
//   2026-11-24T08:40:15Z,linux,4m30s,team/app
//   2026-11-24T08:41:00+01:00,"linux && ""big iron""",90,
//
// `submitted` is a time (RFC 3339) or a number of seconds, the same in all lines; `duration` a number of
// seconds or a number with units; `label` a label expression, empty for none; `job` may be left out. The
// lines need no order.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "config/yaml_tree.hpp"

namespace footman::simulate {

using namespace footman::base;

// Beyond one of these the file is refused.
inline constexpr std::size_t kMaxTraceBytes = 64U << 20;
inline constexpr std::size_t kMaxTraceBuilds = 1'000'000;
inline constexpr std::size_t kMaxTraceLabels = 1'000;  // different ones
inline constexpr std::size_t kMaxJobBytes = 256;
inline constexpr Duration kMaxTraceSpan = std::chrono::hours(24 * 366);
inline constexpr Duration kMaxBuildTime = std::chrono::hours(24 * 7);
inline constexpr std::size_t kMaxTraceErrors = 20;  // that are told; reading stops after the last of them

struct TracedBuild {
  Duration submitted{0};  // since the trace's start
  std::string label;      // normalised expression; empty: none
  Duration duration{0};
  std::string job;
  bool operator==(const TracedBuild&) const = default;
};

struct BuildTrace {
  Instant start;                    // wall clock at its first build
  std::vector<TracedBuild> builds;  // in order of submission; the first one at 0
};

// All errors by line, at most kMaxTraceErrors. A trace without a build is an error.
std::expected<BuildTrace, std::vector<config::Diagnostic>> parse_build_trace(std::string_view text,
                                                                             const std::string& file);

// Where traces in seconds and generated ones begin: a Monday, 00:00 UTC.
inline constexpr Instant kTraceEpoch{1'767'571'200'000'000};  // 2026-01-05T00:00:00Z

}  // namespace footman::simulate
