// What agents cost: policy/billing.hpp applied to rows. Pure.
#pragma once

#include "model/agent.hpp"
#include "store/store.hpp"

namespace footman::fleet {

using namespace footman::base;

// What is paid for of an agent that is gone at `ended`.
store::BilledSpan billed_when_gone(model::Agent agent, Instant ended);

// What it has cost: final once it has ended; before, so far. `work`: how long the build that it is at work on
// has been there; what others cost stands in the row.
model::Cost cost_so_far(const model::Agent& agent, Duration work, Instant now);

}  // namespace footman::fleet
