#include "base/json_keys.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace footman::base {
namespace {

// Behind the quote that ends the text whose first quote is at `at`.
std::size_t skip_text(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

}  // namespace

std::optional<DoubleKey> find_double_key(std::string_view text) {
  std::vector<std::set<std::string_view>> open;  // a list has no keys
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '{' || c == '[') open.emplace_back();
    if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
    if (c != '"') {
      ++at;
      continue;
    }
    const auto end = skip_text(text, at);
    const auto next = text.find_first_not_of(" \t\r\n", end);
    const auto word = text.substr(at + 1, end - at - 2);
    if (next != std::string_view::npos && text[next] == ':' && !open.empty() &&
        !open.back().insert(word).second)
      return DoubleKey{std::string(word), at};
    at = end;
  }
  return std::nullopt;
}

}  // namespace footman::base
