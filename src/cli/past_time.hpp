// Times of the past, as people write them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace footman::cli {

using namespace footman::base;

// "7d" (that long before now), "2026-11-24" (its beginning, UTC) or a time as RFC 3339 has it.
Result<Instant> read_past_time(const std::string& text, std::string_view option, Instant now);

}  // namespace footman::cli
