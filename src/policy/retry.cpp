#include "policy/retry.hpp"

#include <algorithm>

namespace footman::policy {

Instant next_try(std::uint32_t failures, Instant retry_at, double random, const RetryLimits& limits,
                 Instant now) {
  Duration ceiling = limits.first_pause;
  for (std::uint32_t i = 1; i < failures && ceiling < limits.longest_pause; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, limits.longest_pause);
  const Duration jittered(
      static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * std::clamp(random, 0.0, 1.0)));
  const auto ours = now + std::max(jittered, limits.shortest_pause);
  return std::max(ours, std::min(retry_at, now + limits.longest_wish));
}

}  // namespace footman::policy
