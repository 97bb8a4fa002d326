// Which part of an agent's life is paid for. Pure.
#pragma once

#include "base/time.hpp"
#include "model/agent.hpp"
#include "model/price.hpp"

namespace footman::policy {

using namespace footman::base;

// What has happened to an agent; what has not is not set.
struct AgentLife {
  Instant asked;
  Instant answered;
  Instant connected;
  Instant stop_asked;
  Instant gone;
};
AgentLife life_of(const model::Agent& agent);

// Not set: nothing is paid for, or not yet. `until` is the end of what has to be paid by now, so it may lie
// ahead: a minimum that is not over, or the rest of a step.
struct BilledTime {
  Instant from;
  Instant until;
  Duration time() const { return until - from; }
};
// An agent of which the cloud's answer was lost is billed from its connection. One that is gone without
// either has never been there.
BilledTime find_billed_time(const model::BillingRule& rule, const AgentLife& life, Instant now);

}  // namespace footman::policy
