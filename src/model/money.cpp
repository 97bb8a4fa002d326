#include "model/money.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/number.hpp"

namespace footman::model {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::size_t kDecimals = 6;
constexpr std::size_t kMaxDigits = 9;  // before the point

bool are_digits(std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; }

std::unexpected<Error> refuse(std::string_view text) {
  return fail(Errc::invalid_argument, fmt::format("'{}' is not an amount of money", text), {},
              "Write US dollars such as $0.05, with six decimals at most");
}

}  // namespace

Money charge(Money per_hour, Duration time) {
  if (time <= Duration(0)) return {};
  constexpr Duration kHour = 1h;
  // Whole hours and the rest: neither product leaves 64 bits.
  const auto hours = time / kHour;
  const auto rest = (time % kHour).count() / 1000;  // in milliseconds
  constexpr auto kHourMillis = kHour.count() / 1000;
  return {per_hour.micros * hours + (per_hour.micros * rest + kHourMillis / 2) / kHourMillis};
}

std::string format_money(Money money) {
  const auto size = std::abs(money.micros);
  auto decimals = fmt::format("{:06}", size % kMicros);
  while (decimals.size() > 2 && decimals.back() == '0') decimals.pop_back();
  return fmt::format("{}${}.{}", money.micros < 0 ? "-" : "", size / kMicros, decimals);
}

std::string format_hourly_price(Money price) { return format_money(price) + "/h"; }

Result<Money> parse_money(std::string_view text) {
  auto rest = text;
  if (rest.starts_with('$')) rest.remove_prefix(1);
  const auto point = rest.find('.');
  const auto whole = rest.substr(0, point);
  auto decimals = point == rest.npos ? std::string() : std::string(rest.substr(point + 1));
  const bool fits = !whole.empty() && whole.size() <= kMaxDigits && decimals.size() <= kDecimals;
  if (!fits || !are_digits(whole) || !are_digits(decimals) || (point != rest.npos && decimals.empty()))
    return refuse(text);
  decimals.resize(kDecimals, '0');
  const Money money{*find_number<std::int64_t>(whole) * kMicros + *find_number<std::int64_t>(decimals)};
  if (money > kMaxMoney) return refuse(text);
  return money;
}

Result<Money> parse_hourly_price(std::string_view text) {
  const auto refused = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is not a price per hour", text), {},
                fmt::format("Write it like $0.05/h, up to {}", format_hourly_price(kMaxHourlyPrice)));
  };
  if (!text.ends_with("/h")) return refused();
  text.remove_suffix(2);
  const auto money = parse_money(text);
  if (!money || *money > kMaxHourlyPrice) return refused();
  return *money;
}

}  // namespace footman::model
