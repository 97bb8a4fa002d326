#include "model/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <vector>

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "base/number.hpp"

namespace footman::model {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kLongestTurn = 3 * 3600;   // of a clock, backwards
constexpr std::int64_t kDaysLookedAt = 366 * 41;  // a February 29 on a Sunday may be 40 years away

struct Field {
  std::string_view name;
  unsigned least;
  unsigned most;
  std::span<const std::string_view> words;  // of `least` and the following
};

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekDays{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59, {}},
                                        {"hour", 0, 23, {}},
                                        {"day of month", 1, 31, {}},
                                        {"month", 1, 12, kMonths},
                                        {"day of week", 0, 7, kWeekDays}}};

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> split_blanks(std::string_view text) {
  auto parts = split(text, ' ');
  std::erase_if(parts, [](auto part) { return part.empty(); });
  return parts;
}

std::optional<unsigned> find_value_of(const Field& field, std::string_view text) {
  const auto upper = base::upper_case(text);
  for (std::size_t i = 0; i < field.words.size(); ++i)
    if (field.words[i] == upper) return field.least + static_cast<unsigned>(i);
  const auto number = base::find_number<unsigned>(text);
  if (!number || *number < field.least || *number > field.most) return std::nullopt;
  return number;
}

struct Range {
  unsigned from = 0, to = 0, step = 1;
};

std::optional<Range> find_range(const Field& field, std::string_view text) {
  Range range{field.least, field.most};
  const auto slash = text.find('/');
  const auto values = text.substr(0, slash);
  if (slash != std::string_view::npos) {
    const auto step = base::find_number<unsigned>(text.substr(slash + 1));
    if (!step || *step == 0 || *step > field.most) return std::nullopt;
    range.step = *step;
  }
  if (values == "*") return range;
  const auto dash = values.find('-');
  const auto from = find_value_of(field, values.substr(0, dash));
  if (!from) return std::nullopt;
  range.from = *from;
  if (dash != std::string_view::npos) {
    const auto to = find_value_of(field, values.substr(dash + 1));
    if (!to || *to < *from) return std::nullopt;
    range.to = *to;
  } else if (slash == std::string_view::npos) {
    range.to = *from;
  }
  return range;
}

template <std::size_t Size>
Status read_field(const Field& field, std::string_view text, std::bitset<Size>& out) {
  for (const auto part : split(text, ',')) {
    const auto range = find_range(field, part);
    if (!range)
      return fail(Errc::invalid_argument,
                  fmt::format("{}: *, {} to {}, ranges, lists or steps were expected, "
                              "found '{}'",
                              field.name, field.least, field.most, part));
    for (auto value = range->from; value <= range->to; value += range->step) out.set(value % Size);
  }
  return {};
}

}  // namespace

Result<Cron> parse_cron(std::string_view text) {
  if (text.size() > kMaxCronBytes)
    return fail(Errc::invalid_argument, fmt::format("it is longer than {} bytes", kMaxCronBytes));
  const auto parts = split_blanks(text);
  if (parts.size() != kFields.size())
    return fail(
        Errc::invalid_argument,
        fmt::format("five fields were expected (minute, hour, day of month, month, day of week), found {}",
                    parts.size()));
  Cron cron;
  cron.text_ = text;
  FOOTMAN_TRY_STATUS(read_field(kFields[0], parts[0], cron.minutes_));
  FOOTMAN_TRY_STATUS(read_field(kFields[1], parts[1], cron.hours_));
  FOOTMAN_TRY_STATUS(read_field(kFields[2], parts[2], cron.days_));
  FOOTMAN_TRY_STATUS(read_field(kFields[3], parts[3], cron.months_));
  FOOTMAN_TRY_STATUS(read_field(kFields[4], parts[4], cron.week_days_));
  cron.any_day_ = parts[2].starts_with('*');
  cron.any_week_day_ = parts[4].starts_with('*');
  for (std::int64_t day = 0; day < kDaysLookedAt; ++day)
    if (cron.is_day(day)) return cron;
  return fail(Errc::invalid_argument, "it names a date that never comes");
}

bool Cron::is_day(std::int64_t day) const {
  const std::chrono::sys_days at{std::chrono::days(day)};
  const std::chrono::year_month_day date(at);
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool in_month = days_.test(static_cast<unsigned>(date.day()));
  const bool in_week = week_days_.test(std::chrono::weekday(at).c_encoding());
  return any_day_ || any_week_day_ ? in_month && in_week : in_month || in_week;
}

std::optional<LocalTime> Cron::next_on(std::int64_t day, LocalTime from) const {
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    const auto begin = day * kDaySeconds + static_cast<std::int64_t>(hour) * 3600;
    if (!hours_.test(hour) || begin + 3600 <= from.seconds) continue;
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      const LocalTime at{begin + static_cast<std::int64_t>(minute) * 60};
      if (minutes_.test(minute) && at >= from) return at;
    }
  }
  return std::nullopt;
}

Instant Cron::next(const TimeZone& zone, Instant after) const {
  // Somewhat earlier: a clock that was turned back just now shows times that are over, and they are passed
  // by.
  const auto from = zone.to_local(after).seconds - kLongestTurn;
  const auto first = from / kDaySeconds - 1;
  for (auto day = first; day < first + kDaysLookedAt; ++day) {
    if (!is_day(day)) continue;
    auto local = LocalTime{std::max(from, day * kDaySeconds)};
    while (const auto at = next_on(day, local)) {
      const auto instant = zone.to_instant(*at);
      if (instant > after) return instant;
      local = {at->seconds + 60};
    }
  }
  FOOTMAN_CHECK(false, "a date that comes");
}

}  // namespace footman::model
