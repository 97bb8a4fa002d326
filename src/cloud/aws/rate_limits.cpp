#include "cloud/aws/rate_limits.hpp"

#include <algorithm>

namespace footman::cloud::aws {
namespace {

constexpr std::array<double, kUrgencies> kKept{0, 0.1, 0.25};  // of the burst

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
// Rounded up: who comes back then finds the token.
Duration from_seconds(double seconds) {
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(seconds));
}

// How much of the full rate is back after `since`.
double recovered(double factor, Duration since) {
  return std::min(1.0, factor + in_seconds(since) / in_seconds(kRecovery));
}

double needed_for(const Charge& charge, Urgency urgency, const BucketSize& size) {
  const auto kept = kKept[static_cast<std::size_t>(urgency)] * size.burst;
  return std::min(kept + charge.count, size.burst);
}

}  // namespace

RateLimits::RateLimits(Instant begun, const std::array<BucketSize, kApiCategories>& sizes) : sizes_(sizes) {
  for (std::size_t at = 0; at < kApiCategories; ++at) {
    buckets_[at].tokens = sizes_[at].burst * (begun.is_set() ? kFilledAtStart : 1);
    buckets_[at].filled = begun;
  }
}

void RateLimits::fill(std::size_t at, Instant now) {
  auto& bucket = buckets_[at];
  if (!bucket.filled.is_set()) bucket.filled = now;
  const auto since = std::max(now - bucket.filled, Duration(0));  // clocks are put back
  const auto factor = recovered(bucket.factor, since);
  const auto mean = (bucket.factor + factor) / 2;
  bucket.tokens =
      std::min(sizes_[at].burst, bucket.tokens + sizes_[at].per_second * mean * in_seconds(since));
  bucket.factor = factor;
  bucket.filled = now;
}

bool RateLimits::can_pay(const Charge& charge, Urgency urgency, Instant now) {
  const auto at = static_cast<std::size_t>(charge.category);
  if (sizes_[at].burst <= 0) return true;
  fill(at, now);
  return buckets_[at].tokens >= needed_for(charge, urgency, sizes_[at]);
}

// For a bucket that cannot pay now.
Instant RateLimits::promise(const Charge& charge, Urgency urgency, Instant now) {
  const auto at = static_cast<std::size_t>(charge.category);
  auto& bucket = buckets_[at];
  auto& promised = bucket.promised[static_cast<std::size_t>(urgency)];
  const auto rate = sizes_[at].per_second * bucket.factor;
  const auto missing = needed_for(charge, urgency, sizes_[at]) - bucket.tokens;
  const auto earliest = now + from_seconds(missing / rate);
  promised =
      std::min(std::max(earliest, promised + from_seconds(charge.count / rate)), now + kLongestPromise);
  return promised;
}

std::optional<Instant> RateLimits::take(const std::vector<Charge>& charges, Urgency urgency, Instant now) {
  std::optional<Instant> later;
  for (const auto& charge : charges)
    if (!can_pay(charge, urgency, now)) later = std::max(later.value_or(now), promise(charge, urgency, now));
  if (later) return later;
  for (const auto& charge : charges)
    buckets_[static_cast<std::size_t>(charge.category)].tokens -= charge.count;
  return std::nullopt;
}

void RateLimits::on_throttled(ApiCategory category, Instant now) {
  const auto at = static_cast<std::size_t>(category);
  fill(at, now);
  auto& bucket = buckets_[at];
  bucket.tokens = std::min(bucket.tokens, 0.0);
  if (bucket.slowed.is_set() && now - bucket.slowed < kOneEpisode) return;
  bucket.slowed = now;
  bucket.factor = std::max(bucket.factor / 2, kSlowestRate);
}

double RateLimits::tokens(ApiCategory category, Instant now) {
  fill(static_cast<std::size_t>(category), now);
  return buckets_[static_cast<std::size_t>(category)].tokens;
}

double RateLimits::rate(ApiCategory category, Instant now) const {
  const auto at = static_cast<std::size_t>(category);
  const auto& bucket = buckets_[at];
  if (!bucket.filled.is_set()) return sizes_[at].per_second;
  return sizes_[at].per_second * recovered(bucket.factor, std::max(now - bucket.filled, Duration(0)));
}

}  // namespace footman::cloud::aws
