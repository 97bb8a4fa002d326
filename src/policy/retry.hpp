// When something that failed is tried again. Pure: the random number comes in.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace footman::policy {

using namespace footman::base;

struct RetryLimits {
  Duration first_pause = 200ms;   // the most after the first failure; doubled with each one in a row …
  Duration longest_pause = 5min;  // … up to this
  Duration shortest_pause{0};     // never less than this
  Duration longest_wish = 60min;  // a cloud that wants a longer pause is asked again after this
};

// failures: in a row, the last one included. random: uniform in [0, 1]. retry_at: the cloud's wish; not set:
// none. The pause is random * min(longest, first * 2^(failures-1)), "full jitter": those who failed together
// do not come back together. It is never before retry_at.
Instant next_try(std::uint32_t failures, Instant retry_at, double random, const RetryLimits& limits,
                 Instant now);

}  // namespace footman::policy
