#include "model/time_zone.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/ascii.hpp"
#include "base/check.hpp"

namespace footman::model {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kFirstDay = -25'567;   // 1900-01-01
constexpr std::int64_t kLastDay = 2'932'896;  // 9999-12-31: beyond both there is no summer time

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::int64_t days_of(std::chrono::sys_days day) { return day.time_since_epoch().count(); }

int year_of(std::int64_t local_seconds) {
  const std::chrono::sys_days day{std::chrono::days(floor_div(local_seconds, kDay))};
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// Days since 1970.
std::int64_t day_in(const ChangeDay& change, int year) {
  const auto y = std::chrono::year(year);
  const auto first = days_of(std::chrono::sys_days(y / 1 / 1));
  switch (change.kind) {
    case ChangeDay::Kind::day_of_366:
      return first + change.day;
    case ChangeDay::Kind::day_of_365:
      return first + change.day - 1 + (y.is_leap() && change.day >= 60 ? 1 : 0);
    case ChangeDay::Kind::month_week_day: {
      const auto month = y / std::chrono::month(change.month);
      const auto week_day = std::chrono::weekday(change.day);
      if (change.week == 5) return days_of(std::chrono::sys_days(month / week_day[std::chrono::last]));
      return days_of(std::chrono::sys_days(month / week_day[change.week]));
    }
  }
  FOOTMAN_CHECK(false, "a kind of day without a rule");
}

std::int32_t offset_by(const YearlyRule& rule, std::int64_t utc) {
  const auto today = floor_div(utc, kDay);
  if (!rule.has_summer || today <= kFirstDay || today >= kLastDay) return rule.standard;
  const int year = year_of(utc + rule.standard);
  const auto begins = day_in(rule.begins, year) * kDay + rule.begins.seconds - rule.standard;
  const auto ends = day_in(rule.ends, year) * kDay + rule.ends.seconds - rule.summer;
  const bool in_order = begins < ends;  // else summer goes over the turn of the year
  const bool is_summer = in_order ? utc >= begins && utc < ends : utc >= begins || utc < ends;
  return is_summer ? rule.summer : rule.standard;
}

// A cursor over the text of a rule.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : left_(text) {}

  std::optional<YearlyRule> read() {
    YearlyRule rule;
    if (!skip_name()) return std::nullopt;
    const auto standard = read_time(24);
    if (!standard) return std::nullopt;
    rule.standard = -*standard;  // POSIX counts to the west
    if (left_.empty()) return rule;
    rule.has_summer = true;
    rule.summer = rule.standard + 3600;
    if (!skip_name()) return std::nullopt;
    if (!left_.empty() && left_.front() != ',') {
      const auto summer = read_time(24);
      if (!summer) return std::nullopt;
      rule.summer = -*summer;
    }
    if (!read_day(rule.begins) || !read_day(rule.ends) || !left_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool skip_name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < left_.size() && (base::is_letter(left_[length]) || (quoted && is_more(left_[length]))))
      ++length;
    if (length < 3) return false;
    left_.remove_prefix(length);
    return !quoted || take('>');
  }
  static bool is_more(char c) { return base::is_digit(c) || c == '+' || c == '-'; }

  std::optional<std::int32_t> read_number(std::int32_t most) {
    std::int32_t value = 0;
    std::size_t digits = 0;
    for (; digits < left_.size() && base::is_digit(left_[digits]); ++digits) {
      value = value * 10 + (left_[digits] - '0');
      if (value > most) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    left_.remove_prefix(digits);
    return value;
  }
  // [+-]hh[:mm[:ss]] in seconds
  std::optional<std::int32_t> read_time(std::int32_t most_hours) {
    const bool negative = take('-');
    if (!negative) (void)take('+');
    const auto hours = read_number(most_hours);
    if (!hours) return std::nullopt;
    std::int32_t seconds = *hours * 3600;
    for (const std::int32_t unit : {60, 1}) {
      if (!take(':')) break;
      const auto value = read_number(59);
      if (!value) return std::nullopt;
      seconds += *value * unit;
    }
    return negative ? -seconds : seconds;
  }
  bool read_day(ChangeDay& day) {
    if (!take(',')) return false;
    if (take('M')) {
      day.kind = ChangeDay::Kind::month_week_day;
      const auto month = read_number(12);
      if (!month || *month == 0 || !take('.')) return false;
      const auto week = read_number(5);
      if (!week || *week == 0 || !take('.')) return false;
      day.month = static_cast<std::uint8_t>(*month);
      day.week = static_cast<std::uint8_t>(*week);
    } else if (take('J')) {
      day.kind = ChangeDay::Kind::day_of_365;
    }
    const auto number = read_number(day.kind == ChangeDay::Kind::month_week_day ? 6 : 365);
    if (!number || (day.kind == ChangeDay::Kind::day_of_365 && *number == 0)) return false;
    day.day = static_cast<std::uint16_t>(*number);
    if (!take('/')) return true;
    const auto seconds = read_time(167);
    if (seconds) day.seconds = *seconds;
    return seconds.has_value();
  }

  std::string_view left_;
};

}  // namespace

TimeZone::TimeZone(std::int32_t first, std::vector<Change> changes, YearlyRule rule)
    : first_(first), changes_(std::move(changes)), rule_(rule) {}

std::int32_t TimeZone::offset_at(std::int64_t utc) const {
  const auto next = std::ranges::upper_bound(changes_, utc, {}, &Change::at);
  if (next == changes_.end()) return offset_by(rule_, utc);
  return next == changes_.begin() ? first_ : std::prev(next)->offset;
}

LocalTime TimeZone::to_local(Instant at) const {
  const auto utc = floor_div(at.us, 1'000'000);
  return {utc + offset_at(utc)};
}

Instant TimeZone::to_instant(LocalTime local) const {
  // What the clock showed a day before decides: it shows the time with that offset first.
  const auto before = offset_at(local.seconds - kMostOffset - kDay / 4);
  const auto first = local.seconds - before;
  if (offset_at(first) == before) return {first * 1'000'000};
  const auto second = local.seconds - offset_at(first);
  if (offset_at(second) == offset_at(first)) return {second * 1'000'000};
  // The clock is turned forward over it, between the two.
  auto early = std::min(first, second);
  auto late = std::max(first, second);
  const auto offset = offset_at(late);
  while (early < late) {
    const auto middle = early + (late - early) / 2;
    if (offset_at(middle) == offset)
      late = middle;
    else
      early = middle + 1;
  }
  return {late * 1'000'000};
}

Result<YearlyRule> parse_yearly_rule(std::string_view text) {
  auto rule = RuleReader(text).read();
  if (!rule) return fail(Errc::invalid_argument, "this is no rule of a time zone as POSIX writes it");
  return *rule;
}

}  // namespace footman::model
