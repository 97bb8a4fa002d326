// Files of the tz database (RFC 8536), as they lie in /usr/share/zoneinfo. Bytes in, a zone out.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "model/time_zone.hpp"

namespace footman::config {

using namespace footman::base;

inline constexpr std::size_t kMaxTzifBytes = 64 * 1024;  // the largest of the tz database has 4 KiB
inline constexpr std::size_t kMaxTzifChanges = 5000;

// corrupt: it is not such a file, or it is longer than the limits; unsupported: it counts leap seconds.
Result<model::TimeZone> parse_tzif(std::string_view bytes);

// "Europe/Berlin": what may be the name of a zone, and so of a file below the database's folder.
bool is_zone_name(std::string_view text);

}  // namespace footman::config
