// Paths against patterns. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace footman::api {

// The parameters in the pattern's order, or nothing when the path is another one. `path` as
// HttpRequest::path: decoded, but for "%2F". "{name}" is one segment that is not empty; "{name...}" the rest,
// not empty, with "%2F" as slashes.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

// Whether a path is the prefix or below it; "/" is above everything.
bool is_below(std::string_view path, std::string_view prefix);

}  // namespace footman::api
