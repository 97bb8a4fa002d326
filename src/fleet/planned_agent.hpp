// An agent as the ledger is told of it.
#pragma once

#include "fleet/core.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::fleet {

// It is to end or to drain, which is not durable yet.
bool is_leaving(const AgentEntry& entry);
// It was connected in an earlier run of the server; its controller has not spoken of it yet. It may be at
// work.
bool is_awaited(const AgentEntry& entry);

// What of it may be otherwise at the next plan.
PlannedAs planned_as(const Core& core, const AgentEntry& entry);
// As it was noted last (AgentEntry::planned_as), with what stays.
policy::Agent agent_of(const AgentEntry& entry);

}  // namespace footman::fleet
