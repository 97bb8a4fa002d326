// Parts of protocol texts. For use inside net only.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.hpp"

namespace footman::net {

using base::equal_ignoring_case;
using base::is_alnum;
using base::is_digit;
using base::to_lower;
using base::trim;

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char low = to_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
// Takes the part before the next separator; false when nothing is left.
constexpr bool take_part(std::string_view& rest, char separator, std::string_view& part) {
  if (rest.empty()) return false;
  const auto end = std::min(rest.find(separator), rest.size());
  part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return true;
}
// Whether a comma-separated header value holds the word.
constexpr bool has_token(std::string_view list, std::string_view word) {
  std::string_view part;
  while (take_part(list, ',', part)) {
    if (equal_ignoring_case(trim(part), word)) return true;
  }
  return false;
}

}  // namespace footman::net
