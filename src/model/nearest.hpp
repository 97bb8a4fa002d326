// "did you mean …": the known word that is closest to a mistyped one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace footman::model {

// Insertions, deletions, replacements and swaps of neighbours that turn a into b. Stops counting above
// `limit` (answers limit + 1). Bytes; texts longer than kMaxNearestBytes count as far away.
inline constexpr std::size_t kMaxNearestBytes = 128;
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

// The closest candidate, upper and lower case taken as equal; the first in alphabetical order among equals.
// Empty when all are too far away to be meant (more than a third of the letters differ).
std::optional<std::string> find_nearest(std::string_view text, std::span<const std::string> candidates);

// The same; where nothing is that close, the candidate that contains the text or is contained in it ("jdk":
// "jdk17"), the one of the least difference in length. Texts of one letter are contained in nothing.
std::optional<std::string> find_similar(std::string_view text, std::span<const std::string> candidates);

// The hint to a name that nobody knows: "Did you mean 'team/app'?" (find_similar), or "". Of more candidates
// than kMaxSuggested only as many are looked at: the answer must not take long.
inline constexpr std::size_t kMaxSuggested = 2000;
std::string did_you_mean(std::string_view text, std::span<const std::string> candidates);

}  // namespace footman::model
