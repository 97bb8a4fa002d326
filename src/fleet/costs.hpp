// What agents cost: policy/billing.hpp applied to rows and entries. Pure.
#pragma once

#include "fleet/core.hpp"
#include "model/agent.hpp"
#include "policy/billing.hpp"
#include "store/store.hpp"

namespace footman::fleet {

using namespace footman::base;

// What of it has to be paid by now. Both in even time.
policy::BilledTime billed_of(const AgentEntry& entry, Instant now);
// What is paid for of an agent that is gone, as the clock on the wall shows it now.
store::BilledSpan billed_when_gone(const AgentEntry& entry, const runtime::EvenTime& even);

// What it has cost: final once it has ended; before, so far. `work`: how long the build that it is at work on
// has been there; what others cost stands in the row.
model::Cost cost_so_far(const model::Agent& agent, Duration work, Instant now);

}  // namespace footman::fleet
