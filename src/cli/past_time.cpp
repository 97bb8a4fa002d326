#include "cli/past_time.hpp"

#include <fmt/format.h>

namespace footman::cli {

Result<Instant> read_past_time(const std::string& text, std::string_view option, Instant now) {
  if (const auto ago = parse_duration(text)) return now - *ago;
  if (const auto at = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text)) return *at;
  return fail(Errc::invalid_argument, fmt::format("{}: '{}' is not a time", option, text), {},
              "Such as 7d (that long ago), 2026-11-24 or 2026-11-24T08:00:00Z");
}

}  // namespace footman::cli
