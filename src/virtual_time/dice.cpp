#include "virtual_time/dice.hpp"

#include <cmath>
#include <numbers>

namespace footman::virtual_time {

Dice::Dice(std::uint64_t seed, std::string_view name) : state_(seed * 0x9E3779B97F4A7C15U + 1) {
  for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  (void)next();
}

// splitmix64: small, quick, good enough for choices.
std::uint64_t Dice::next() {
  state_ += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

// The bias of the remainder is of no interest here.
std::uint64_t Dice::below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }

base::Duration Dice::between(base::Duration least, base::Duration most) {
  if (most <= least) return least;
  return least + base::Duration(static_cast<std::int64_t>(
                     below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

double Dice::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

// Box and Muller's way.
double Dice::normal() {
  const auto radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

base::Duration Dice::jitter(base::Duration typical) {
  const auto base = between(typical / 2, typical * 3 / 2);
  return chance(0.05) ? base * static_cast<std::int64_t>(between(std::uint64_t{2}, 10)) : base;
}

}  // namespace footman::virtual_time
