#include "policy/rotation.hpp"

#include <algorithm>
#include <utility>

#include "policy/look.hpp"

namespace footman::policy {
namespace {

bool rests(const VariantRest& variant, Instant now) { return variant.until.is_set() && now < variant.until; }

}  // namespace

std::size_t choose_variant(const Rotation& rotation, Instant now) {
  const auto& all = rotation.variants;
  const auto rested = std::ranges::find_if(all, [&](const auto& one) { return !rests(one, now); });
  const auto best = rested != all.end() ? rested : std::ranges::min_element(all, {}, &VariantRest::until);
  return static_cast<std::size_t>(best - all.begin());
}

// When the rest of a better one ends. While all rest, the one that is chosen is ready before.
Instant next_choice(const Rotation& rotation, Instant now) {
  Instant next;
  const auto chosen = rotation.variants.begin() + static_cast<std::ptrdiff_t>(choose_variant(rotation, now));
  for (auto one = rotation.variants.begin(); one != chosen; ++one)
    if (rests(*one, now)) look_no_later(next, one->until);
  return next;
}

bool has_rested_variant(const Rotation& rotation, Instant now) {
  return std::ranges::any_of(rotation.variants, [&](const auto& one) { return !rests(one, now); });
}

bool concerns_variant(model::FailureClass failure) {
  using enum model::FailureClass;
  return failure == capacity || failure == boot || failure == connect;
}

Rotation on_variant_failure(Rotation rotation, std::size_t variant, const Failure& failure, double random,
                            Instant now) {
  if (variant >= rotation.variants.size()) return rotation;
  auto& one = rotation.variants[variant];
  if (rests(one, now)) return rotation;
  ++one.failures;
  one.reason = failure.text;
  one.since = now;
  one.until = next_try(one.failures, failure.retry_at, random, kVariantRest, now);
  if (failure.failure != model::FailureClass::capacity) ++rotation.deaths;
  return rotation;
}

Rotation on_reclaim(Rotation rotation, std::size_t variant, const std::vector<bool>& may_go,
                    const std::string& text, double random, Instant now) {
  const bool is_one = variant < may_go.size() && may_go[variant];
  if (!is_one || std::ranges::find(may_go, false) == may_go.end()) return rotation;
  for (std::size_t i = 0; i < may_go.size(); ++i)
    if (may_go[i])
      rotation =
          on_variant_failure(std::move(rotation), i, {model::FailureClass::capacity, text, {}}, random, now);
  return rotation;
}

bool is_for_others(const Rotation& rotation, const Failure& failure, Instant now) {
  if (!concerns_variant(failure.failure) || !has_rested_variant(rotation, now)) return false;
  return failure.failure == model::FailureClass::capacity || rotation.deaths <= rotation.variants.size();
}

Rotation on_variant_success(Rotation rotation, std::size_t variant, Instant asked) {
  if (variant >= rotation.variants.size()) return rotation;
  auto& one = rotation.variants[variant];
  if (one.since.is_set() && asked <= one.since) return rotation;
  rotation.deaths = 0;
  one = VariantRest();
  return rotation;
}

}  // namespace footman::policy
