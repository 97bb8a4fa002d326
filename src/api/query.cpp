#include "api/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "api/api.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"
#include "model/nearest.hpp"

namespace footman::api {
namespace {

constexpr std::size_t kMaxShownBytes = 64;

}  // namespace

std::optional<std::string> Query::text(std::string_view name) {
  asked_.emplace_back(name);
  const auto same = [&](const auto& field) { return field.first == name; };
  if (std::ranges::count_if(request_.query, same) > 1) errors_.add("it is there twice", std::string(name));
  const auto value = request_.find_query(name);
  if (!value) return std::nullopt;
  return std::string(*value);
}

std::optional<std::int64_t> Query::number(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto number = base::find_number<std::int64_t>(*value);
  if (number && *number >= least && *number <= most) return number;
  expected(most == std::numeric_limits<std::int64_t>::max()
               ? fmt::format("an integer from {} on", least)
               : fmt::format("an integer from {} to {}", least, most),
           name, *value);
  return std::nullopt;
}

bool Query::flag(std::string_view name) {
  const auto value = text(name);
  if (value && *value != "true" && *value != "false") expected("\"true\" or \"false\"", name, *value);
  return value == "true";
}

void Query::expected(std::string_view what, std::string_view name, std::string_view found) {
  errors_.add(fmt::format("{} was expected, not \"{}\"", what, base::cut_utf8(found, kMaxShownBytes)),
              std::string(name));
}

std::uint32_t Query::limit() {
  return static_cast<std::uint32_t>(number("limit", 1, kMaxPage).value_or(kDefaultPage));
}

void Query::done() {
  for (const auto& [name, value] : request_.query) {
    if (std::ranges::find(asked_, name) != asked_.end()) continue;
    const auto shown = name.substr(0, kMaxShownBytes);
    std::ranges::sort(asked_);
    const auto nearest = model::find_nearest(shown, asked_);
    errors_.add(fmt::format("unknown query parameter \"{}\"", shown), shown,
                nearest ? fmt::format("Did you mean \"{}\"?", *nearest)
                        : fmt::format("Known are: {}.", fmt::join(asked_, ", ")));
    return;
  }
}

Result<std::int64_t> parse_id(std::string_view text, std::string field) {
  const auto number = base::find_number<std::int64_t>(text);
  if (number && *number > 0) return *number;
  return fail(
      Errc::invalid_argument,
      fmt::format("a positive integer was expected, not \"{}\"", base::cut_utf8(text, kMaxShownBytes)),
      std::move(field));
}

}  // namespace footman::api
