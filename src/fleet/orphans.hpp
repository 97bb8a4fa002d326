// Agents whose controller is in the configuration no more: nobody gives them work or says what they do.
#pragma once

#include <optional>

#include "fleet/core.hpp"

namespace footman::fleet {

// How long after its build was seen for the last time one of them is ended.
inline constexpr Duration kOrphanUnseen = 1min;

// At the start of the server: a warning that names them.
void tell_orphans(const Core& core);

// One that never connected is ended at once. One that did may be at work: it is ended when no controller has
// seen that for so long, or, if none ever has, when it had the time that agents without a server have.
// Answers with when to look at it again (steady).
std::optional<Duration> judge_orphan(Core& core, AgentEntry* entry);

}  // namespace footman::fleet
