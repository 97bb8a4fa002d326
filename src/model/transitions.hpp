// Which state may follow which. The pictures are in src/model/README.md; store and programs check every
// change here. A state never follows itself: writing the same state again is not a transition.
#pragma once

#include "model/agent.hpp"
#include "model/work.hpp"

namespace footman::model {

bool can_transition(AgentState from, AgentState to);
bool can_transition(AssignmentState from, AssignmentState to);
bool can_transition(BuildState from, BuildState to);
bool can_transition(ItemState from, ItemState to);

// Nothing follows these.
bool is_final(AgentState state);
bool is_final(AssignmentState state);
bool is_final(BuildState state);
bool is_final(ItemState state);

}  // namespace footman::model
