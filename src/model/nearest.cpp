#include "model/nearest.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"

namespace footman::model {
namespace {

using base::lower_case;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t longer = std::max(a.size(), b.size());
  const std::size_t shorter = std::min(a.size(), b.size());
  if (longer > kMaxNearestBytes || longer - shorter > limit) return limit + 1;
  using Row = std::array<std::size_t, kMaxNearestBytes + 1>;
  Row before_last{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return std::min(last[b.size()], limit + 1);
}

std::optional<std::string> find_nearest(std::string_view text, std::span<const std::string> candidates) {
  const std::string wanted = lower_case(text);
  const std::size_t limit = std::max<std::size_t>(1, (wanted.size() + 2) / 3);
  std::size_t best_distance = limit + 1;
  const std::string* best = nullptr;
  for (const auto& candidate : candidates) {
    if (candidate.empty()) continue;
    const std::size_t distance = edit_distance(wanted, lower_case(candidate), limit);
    if (distance > limit || distance >= std::max(wanted.size(), candidate.size()))
      continue;  // nothing in common
    if (distance < best_distance || (distance == best_distance && candidate < *best)) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::optional<std::string> find_similar(std::string_view text, std::span<const std::string> candidates) {
  if (auto nearest = find_nearest(text, candidates)) return nearest;
  const std::string wanted = lower_case(text);
  const std::string* best = nullptr;
  for (const auto& candidate : candidates) {
    const auto other = lower_case(candidate);
    const auto& shorter = other.size() < wanted.size() ? other : wanted;
    const auto& longer = other.size() < wanted.size() ? wanted : other;
    if (shorter.size() < 2 || !longer.contains(shorter)) continue;
    const auto distance = [&](const std::string& one) {
      return one.size() < wanted.size() ? wanted.size() - one.size() : one.size() - wanted.size();
    };
    if (best == nullptr || std::pair(distance(candidate), std::string_view(candidate)) <
                               std::pair(distance(*best), std::string_view(*best)))
      best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string> candidates) {
  const auto near = find_similar(text, candidates.first(std::min(candidates.size(), kMaxSuggested)));
  return near ? "Did you mean '" + *near + "'?" : std::string();
}

}  // namespace footman::model
