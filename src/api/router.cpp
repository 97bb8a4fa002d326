#include "api/router.hpp"

#include <algorithm>

namespace footman::api {
namespace {

std::string_view take_segment(std::string_view& rest) {
  const auto end = std::min(rest.find('/'), rest.size());
  const auto segment = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return segment;
}

std::string with_slashes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("%2F") || text.starts_with("%2f")) {
      out += '/';
      text.remove_prefix(3);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  if (!path.starts_with('/') || (path.size() > 1 && path.ends_with('/'))) return std::nullopt;
  std::vector<std::string> params;
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  while (!pattern.empty()) {
    if (path.empty()) return std::nullopt;
    const auto wanted = take_segment(pattern);
    if (wanted.ends_with("...}")) {
      params.push_back(with_slashes(path));
      return params;
    }
    const auto segment = take_segment(path);
    if (wanted.starts_with('{') && !segment.empty())
      params.emplace_back(segment);
    else if (segment != wanted)
      return std::nullopt;
  }
  if (!path.empty()) return std::nullopt;
  return params;
}

bool is_below(std::string_view path, std::string_view prefix) {
  if (prefix == "/") return true;
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace footman::api
