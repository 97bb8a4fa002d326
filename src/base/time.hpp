// Time: Instant is a point on the wall clock in microseconds since 1970 UTC; Duration is
// std::chrono::microseconds.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace footman::base {

using Duration = std::chrono::microseconds;
using namespace std::chrono_literals;

struct Instant {
  std::int64_t us = 0;  // 0 means "never happened" wherever a field is optional in a row

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr bool is_set() const { return us != 0; }
  constexpr Instant operator+(Duration d) const { return {us + d.count()}; }
  constexpr Instant operator-(Duration d) const { return {us - d.count()}; }
  constexpr Duration operator-(Instant other) const { return Duration(us - other.us); }
};

std::string format_rfc3339(Instant instant);  // 2026-11-24T08:40:15.123Z
Result<Instant> parse_rfc3339(std::string_view text);
std::string format_duration(Duration duration);  // "850 us", "12.4 ms", "3.2 s", "4 min 10 s", "2 h 5 min"
// "500ms", "20s", "30m", "2h", "1d", "1h30m"; units required.
Result<Duration> parse_duration(std::string_view text);

// Bytes with units: "512", "64 KiB", "2 GiB", "10MB"; "1.5 GiB", where whole bytes come of it.
Result<std::uint64_t> parse_bytes(std::string_view text);
std::string format_bytes(std::uint64_t bytes);  // "1.5 MiB"

}  // namespace footman::base
