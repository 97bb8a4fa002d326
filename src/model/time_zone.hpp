// Time zones: what clocks on the wall show at an instant, and when they show a given time. Values without any
// knowledge of their own; config/tzif.hpp makes them from the tz database's files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace footman::model {

using namespace footman::base;

// Seconds since 1970-01-01 00:00:00 of the wall clock, as if it were UTC.
struct LocalTime {
  std::int64_t seconds = 0;
  auto operator<=>(const LocalTime&) const = default;
};

// A day on which clocks change, the same each year, and when on it.
struct ChangeDay {
  enum class Kind : std::uint8_t {
    month_week_day,  // Mm.w.d: the w-th (5: the last) week day d (0: Sunday) of the month m
    day_of_365,      // Jn: 1 to 365, February 29 is not counted
    day_of_366,      // n: 0 to 365
  };
  Kind kind = Kind::day_of_366;
  std::uint16_t day = 0;  // d for month_week_day
  std::uint8_t month = 0;
  std::uint8_t week = 0;
  std::int32_t seconds = 7200;  // after 00:00 of that day, by the clock before the change; may be negative
  bool operator==(const ChangeDay&) const = default;
};

// What holds after the last change that is listed, for ever.
struct YearlyRule {
  std::int32_t standard = 0;  // seconds east of UTC
  bool has_summer = false;
  std::int32_t summer = 0;
  ChangeDay begins, ends;  // of summer time
  bool operator==(const YearlyRule&) const = default;
};

class TimeZone {
 public:
  struct Change {
    std::int64_t at = 0;      // seconds since 1970 UTC
    std::int32_t offset = 0;  // from then on, seconds east of UTC
    bool operator==(const Change&) const = default;
  };

  TimeZone() = default;  // UTC
  // `changes` in order of time; `first` holds before them.
  TimeZone(std::int32_t first, std::vector<Change> changes, YearlyRule rule);

  LocalTime to_local(Instant at) const;
  // When the clock shows it: the first time, when it does so twice; when it never does, because it is turned
  // forward over it, the moment in which it is turned.
  Instant to_instant(LocalTime local) const;
  bool operator==(const TimeZone&) const = default;

 private:
  std::int32_t offset_at(std::int64_t utc) const;
  std::int32_t first_ = 0;
  std::vector<Change> changes_;
  YearlyRule rule_;
};

inline constexpr std::int32_t kMostOffset = 26 * 3600;  // of any zone from UTC, either way

// The rule as POSIX writes it in TZ: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30". invalid_argument.
Result<YearlyRule> parse_yearly_rule(std::string_view text);

}  // namespace footman::model
