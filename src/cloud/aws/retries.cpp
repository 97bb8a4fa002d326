#include "cloud/aws/retries.hpp"

#include "base/number.hpp"

namespace footman::cloud::aws {

std::optional<Instant> plan_retry(const FailedAttempt& attempt, bool idempotent, double random, Instant now,
                                  Instant deadline, const CallLimits& limits, RetryBudget& budget,
                                  int* cost) {
  if (!idempotent || attempt.number >= limits.attempts) return std::nullopt;
  if (attempt.remedy != Remedy::wait && attempt.remedy != Remedy::repeat) return std::nullopt;
  const auto& pauses = attempt.remedy == Remedy::wait ? limits.throttled : limits.transient;
  const auto at = policy::next_try(attempt.number, attempt.retry_at, random, pauses, now);
  if (at >= deadline) return std::nullopt;
  const int price = attempt.timed_out ? RetryBudget::kTimeoutCost : RetryBudget::kRetryCost;
  if (!budget.take(price)) return std::nullopt;
  *cost = price;
  return at;
}

Instant read_retry_after(const net::Headers& headers, Instant now) {
  const auto value = headers.find("Retry-After");
  if (!value) return {};
  if (const auto seconds = find_number<std::uint32_t>(*value)) return now + std::chrono::seconds(*seconds);
  const auto date = net::parse_http_date(*value);
  if (!date) return {};
  const auto wait = *date - net::parse_http_date(headers.value_or("Date", "")).value_or(now);
  return wait > Duration(0) ? now + wait : Instant{};
}

}  // namespace footman::cloud::aws
