// ASCII without a locale, for protocol texts. For use inside net only.
#pragma once

#include <algorithm>
#include <string_view>

namespace footman::net {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char low = to_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
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
