#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>

#include "base/ascii.hpp"

namespace footman::base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

Result<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return fail(Errc::invalid_argument, "a whole number was expected");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

constexpr std::size_t kMaxDecimals = 6;

// What stands behind a point, as a part of `scale`; 0 without one.
struct Fraction {
  std::int64_t number = 0;
  std::int64_t scale = 1;
};
Result<Fraction> take_fraction(std::string_view& text) {
  Fraction fraction;
  if (!text.starts_with('.')) return fraction;
  text.remove_prefix(1);
  const auto size = text.size();
  FOOTMAN_TRY(fraction.number, take_number(text));
  const auto digits = size - text.size();
  if (digits > kMaxDecimals) return fail(Errc::invalid_argument, "too many decimals");
  for (std::size_t i = 0; i < digits; ++i) fraction.scale *= 10;
  return fraction;
}

std::string_view take_word(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && std::isalpha(static_cast<unsigned char>(text[size])) != 0) ++size;
  auto word = text.substr(0, size);
  text.remove_prefix(size);
  return word;
}

constexpr std::array<Unit, 6> kTimeUnits{{{"us", 1},
                                          {"ms", 1'000},
                                          {"s", 1'000'000},
                                          {"m", 60'000'000},
                                          {"h", 3'600'000'000},
                                          {"d", 86'400'000'000}}};
constexpr std::array<Unit, 9> kByteUnits{{{"", 1},
                                          {"B", 1},
                                          {"KB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1LL << 10},
                                          {"MiB", 1LL << 20},
                                          {"GiB", 1LL << 30},
                                          {"TiB", 1LL << 40}}};

}  // namespace

std::string format_rfc3339(Instant instant) {
  std::time_t seconds = instant.us / 1'000'000;
  auto millis = (instant.us % 1'000'000) / 1'000;
  if (millis < 0) {
    millis += 1'000;
    --seconds;
  }
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, millis);
}

Result<Instant> parse_rfc3339(std::string_view text) {
  auto bad = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is not a time", text), {},
                "Write it like 2026-11-24T08:40:15Z");
  };
  constexpr std::string_view kShape = "0000-00-00T00:00:00";  // a 0 stands for any digit
  if (text.size() < kShape.size()) return bad();
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == '0' ? !is_digit(text[i]) : text[i] != kShape[i]) return bad();
  const auto number = [&](std::size_t at, std::size_t digits) {
    unsigned value = 0;
    for (const char digit : text.substr(at, digits)) value = value * 10 + static_cast<unsigned>(digit - '0');
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  const auto hour = number(11, 2);
  const auto minute = number(14, 2);
  const auto second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  std::int64_t micros = 0;
  std::string_view rest = text.substr(kShape.size());
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    std::int64_t unit = 100'000;
    if (rest.empty() || !is_digit(rest.front())) return bad();
    while (!rest.empty() && is_digit(rest.front())) {
      micros += (rest.front() - '0') * unit;
      unit /= 10;
      rest.remove_prefix(1);
    }
  }
  if (rest != "Z") return bad();
  const auto day = std::chrono::sys_days(date).time_since_epoch() / std::chrono::seconds(1);
  return Instant{(day + hour * 3600 + minute * 60 + second) * 1'000'000 + micros};
}

std::string format_duration(Duration duration) {
  const auto us = duration.count();
  if (us <= 0) return "0 ms";
  if (us < 1'000) return fmt::format("{} µs", us);
  if (us < 999'500) return fmt::format("{:.3g} ms", static_cast<double>(us) / 1e3);
  if (us < 60'000'000) return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
  const auto minutes = duration / 1min;
  if (minutes < 60) return fmt::format("{} min {} s", minutes, duration % 1min / 1s);
  if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  return fmt::format("{} d {} h", minutes / (24 * 60), minutes / 60 % 24);
}

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total = 0;
  auto bad = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is not a duration", text), {},
                "Write a number with a unit: 500ms, 20s, 30m, 2h, 1d or 1h30m");
  };
  skip_spaces(rest);
  if (rest.empty()) return bad();
  while (!rest.empty()) {
    auto number = take_number(rest);
    if (!number) return bad();
    skip_spaces(rest);
    auto word = take_word(rest);
    std::int64_t factor = 0;
    for (const auto& unit : kTimeUnits)
      if (unit.name == word) factor = unit.factor;
    std::int64_t part = 0;
    if (factor == 0 || __builtin_mul_overflow(*number, factor, &part) ||
        __builtin_add_overflow(total, part, &total))
      return bad();
    skip_spaces(rest);
  }
  return Duration(total);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  auto bad = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is not a size", text), {},
                "Write a number with a unit: 512 KiB, 64 MiB, 2 GiB");
  };
  skip_spaces(rest);
  auto number = take_number(rest);
  if (!number) return bad();
  const auto fraction = take_fraction(rest);
  if (!fraction) return bad();
  skip_spaces(rest);
  auto word = take_word(rest);
  skip_spaces(rest);
  if (!rest.empty()) return bad();
  for (const auto& unit : kByteUnits) {
    if (unit.name != word) continue;
    std::int64_t product = 0;
    const auto part = fraction->number * unit.factor;  // below 10^6 of 2^40
    if (part % fraction->scale == 0 && !__builtin_mul_overflow(*number, unit.factor, &product) &&
        !__builtin_add_overflow(product, part / fraction->scale, &product))
      return static_cast<std::uint64_t>(product);
  }
  return bad();
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t index = 0;
  while (value >= 1024 && index + 1 < names.size()) {
    value /= 1024;
    ++index;
  }
  return index == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, names[index]);
}

}  // namespace footman::base
