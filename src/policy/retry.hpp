// What happens after a launch failed. Pure: the random number comes in.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.hpp"
#include "model/agent.hpp"

namespace footman::policy {

using namespace footman::base;

enum class RetryAction {
  same_request,        // the outcome is unknown: the same frozen request with the same token
  hold_template,       // this attempt is over; no launches from the template until `at`
  disable_generation,  // no launches from this template until its configuration changes
};
std::string_view to_string(RetryAction action);

struct RetryLimits {
  Duration first_pause = 200ms;
  Duration longest_pause = 5min;
};

struct RetryPlan {
  RetryAction action = RetryAction::same_request;
  Instant at;  // not set for disable_generation
};

// failures: in a row, this one included. random: uniform in [0, 1]. retry_at: the cloud's wish; not set:
// none. The pause is random * min(longest, first * 2^(failures-1)) (full jitter), but never before retry_at.
RetryPlan plan_retry(model::FailureClass failure, bool definite, std::uint32_t failures, Instant retry_at,
                     double random, const RetryLimits& limits, Instant now);

}  // namespace footman::policy
