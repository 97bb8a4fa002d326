// Whether and when a call is made once more. Pure.
// Source: "Retry behavior" (standard mode) in the AWS SDKs and Tools Reference Guide, from which the budget's
// figures are; "Exponential Backoff And Jitter" in the AWS Architecture Blog for full jitter.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "cloud/aws/errors.hpp"
#include "policy/retry.hpp"

namespace footman::cloud::aws {

// What all calls of a client may spend on repeating: when a service is ill, most calls fail at once instead
// of multiplying its load. A call that succeeds pays back what its last repetition took, or one.
class RetryBudget {
 public:
  static constexpr int kCapacity = 500;
  static constexpr int kRetryCost = 5;
  static constexpr int kTimeoutCost = 10;
  static constexpr int kSuccess = 1;

  bool take(int cost) {
    if (left_ < cost) return false;
    left_ -= cost;
    return true;
  }
  void give_back(int amount) { left_ = left_ + amount < kCapacity ? left_ + amount : kCapacity; }
  int left() const { return left_; }

 private:
  int left_ = kCapacity;
};

struct CallLimits {
  std::uint32_t attempts = 4;  // of one call
  Duration time = 45s;         // for all of them, pauses included; no attempt begins after it
  Duration attempt = 30s;      // for one, whatever it waits for
  policy::RetryLimits transient{.first_pause = 200ms, .longest_pause = 20s};
  policy::RetryLimits throttled{.first_pause = 1s, .longest_pause = 20s};
};

// One attempt that failed.
struct FailedAttempt {
  std::uint32_t number = 1;  // of this call
  Remedy remedy = Remedy::none;
  bool timed_out = false;
  Instant retry_at;  // the service's wish; not set: none
};

// When the next attempt is made; nothing: this was the last one. Only for wait and repeat: the other remedies
// are the client's. A call that is not idempotent is never repeated: what it asked for may have happened.
// random: uniform in [0, 1]. A cost for the budget is taken when a time is returned, and stands in `*cost`.
std::optional<Instant> plan_retry(const FailedAttempt& attempt, bool idempotent, double random, Instant now,
                                  Instant deadline, const CallLimits& limits, RetryBudget& budget, int* cost);

// The Retry-After of an answer: seconds, or a date, which is compared with that of the answer where it has
// one; not set when there is none or it makes no sense.
Instant read_retry_after(const net::Headers& headers, Instant now);

}  // namespace footman::cloud::aws
