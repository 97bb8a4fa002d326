#include "policy/rotation.hpp"

#include <algorithm>

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

bool has_rested_variant(const Rotation& rotation, Instant now) {
  return std::ranges::any_of(rotation.variants, [&](const auto& one) { return !rests(one, now); });
}

bool concerns_variant(model::FailureClass failure) {
  using enum model::FailureClass;
  return failure == capacity || failure == boot || failure == connect;
}

Rotation on_variant_failure(Rotation rotation, std::size_t variant, std::string reason, Instant retry_at,
                            double random, Instant now) {
  if (variant >= rotation.variants.size()) return rotation;
  auto& one = rotation.variants[variant];
  if (rests(one, now)) return rotation;
  ++one.failures;
  one.reason = std::move(reason);
  one.until = next_try(one.failures, retry_at, random, kVariantRest, now);
  return rotation;
}

Rotation on_variant_success(Rotation rotation, std::size_t variant) {
  if (variant < rotation.variants.size()) rotation.variants[variant] = VariantRest();
  return rotation;
}

}  // namespace footman::policy
