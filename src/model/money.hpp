// Amounts of money: US dollars, in millionths. All prices and costs are in this one currency.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace footman::model {

using namespace footman::base;

struct Money {
  std::int64_t micros = 0;

  constexpr auto operator<=>(const Money&) const = default;
  constexpr Money operator+(Money other) const { return {micros + other.micros}; }
  constexpr Money operator-(Money other) const { return {micros - other.micros}; }
  constexpr Money& operator+=(Money other) { return *this = *this + other; }
  constexpr bool is_zero() const { return micros == 0; }
};

inline constexpr Money kMaxMoney{1'000'000 * 1'000'000LL};     // that a person may write down
inline constexpr Money kMaxHourlyPrice{10'000 * 1'000'000LL};  // of one agent

// What so much time costs, rounded to the nearest millionth; nothing for a negative time. `per_hour` up to
// kMaxHourlyPrice, any time.
Money charge(Money per_hour, Duration time);

std::string format_money(Money money);         // "$0.05", "$12.004445": two decimals or as many as it has
std::string format_hourly_price(Money price);  // "$0.05/h"
// "$0.05", "0.05", "$2": six decimals at most, up to kMaxMoney.
Result<Money> parse_money(std::string_view text);
// "$0.05/h"; the currency may be left out, the unit may not. Up to kMaxHourlyPrice.
Result<Money> parse_hourly_price(std::string_view text);

}  // namespace footman::model
