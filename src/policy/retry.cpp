#include "policy/retry.hpp"

#include <algorithm>

namespace footman::policy {

std::string_view to_string(RetryAction action) {
  switch (action) {
    case RetryAction::same_request:
      return "same_request";
    case RetryAction::hold_template:
      return "hold_template";
    case RetryAction::disable_generation:
      return "disable_generation";
  }
  return "same_request";
}

RetryPlan plan_retry(model::FailureClass failure, bool definite, std::uint32_t failures, Instant retry_at,
                     double random, const RetryLimits& limits, Instant now) {
  using enum model::FailureClass;
  // Only a definite refusal ends the attempt: otherwise a resource may exist that nobody would look for.
  const bool permanent = failure == configuration || failure == permission;
  if (definite && permanent) return {RetryAction::disable_generation, {}};
  Duration ceiling = limits.first_pause;
  for (std::uint32_t i = 1; i < failures && ceiling < limits.longest_pause; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, limits.longest_pause);
  const Duration pause(
      static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * std::clamp(random, 0.0, 1.0)));
  return {definite ? RetryAction::hold_template : RetryAction::same_request, std::max(now + pause, retry_at)};
}

}  // namespace footman::policy
