// Times of day that come again and again, as cron writes them: "0 8 * * 1-5" is 08:00 from Monday to Friday.
//
// Five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or JAN-DEC), day of week (0-7 or
// SUN-SAT; 0 and 7 are Sunday). In each: *, numbers and ranges (8-17) separated by commas, and steps (*/15,
// 8-17/2, 5/20 for 5-59/20). When day of month and day of week are both restricted a day that is in one of
// them will do.
//
// By the clock on the wall of a zone. A time that is shown twice, when the clock is turned back, comes once,
// the first time; one that the clock is turned forward over comes in that moment.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/time_zone.hpp"

namespace footman::model {

inline constexpr std::size_t kMaxCronBytes = 256;

class Cron {
 public:
  // The first time after `after`; it comes within ten years.
  Instant next(const TimeZone& zone, Instant after) const;
  const std::string& text() const { return text_; }  // as it was written
  bool operator==(const Cron& other) const { return text_ == other.text_; }

 private:
  friend Result<Cron> parse_cron(std::string_view text);
  bool is_day(std::int64_t day) const;  // days since 1970
  std::optional<LocalTime> next_on(std::int64_t day, LocalTime from) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> week_days_;
  bool any_day_ = true;  // `*` as the day of the month, or of the week
  bool any_week_day_ = true;
};

// invalid_argument: the field and what was expected; a date that never comes, such as 31 February.
Result<Cron> parse_cron(std::string_view text);

}  // namespace footman::model
