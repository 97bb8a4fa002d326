// Template and cloud options ↔ the JSON in which a launch keeps them. It stands in a database row and is read
// again by later versions: a field's name and meaning never change, new fields get a default that is the old
// behaviour.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ecs/options.hpp"

namespace footman::ecs {

inline constexpr std::size_t kMaxFrozenOptionsBytes = 256 * 1024;
inline constexpr std::size_t kMaxFrozenItems = 1000;  // of one list or map

// The names are those of the fields; durations in microseconds ("stop_timeout_us"), enumerators in AWS'
// words. What is empty and is so by default is left out. Same options, same text.
std::string freeze(const TemplateOptions& options);
std::string freeze(const CloudOptions& options);

// What is missing keeps its default. Errors (corrupt, with the place: "container.ulimits[2].name"): a field
// that is not known, a value of another type, more than the limits. What the values mean is not checked.
Result<TemplateOptions> parse_frozen(std::string_view text);
Result<CloudOptions> parse_frozen_cloud(std::string_view text);

}  // namespace footman::ecs
