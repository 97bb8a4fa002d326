// What the templates that fit an item say to it, in the order in which they are tried. Pure. Inside the
// module.
#pragma once

#include <cstddef>
#include <vector>

#include "fleet/views.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::fleet {

std::vector<Consideration> list_answers(const std::vector<policy::Tried>& tried, std::size_t most);

// Of an item whose agent is on its way; reason: what it is told of the agent. fitting: all templates that fit
// it now, best first. The template of the agent always stands in the answer, of the others kConsideredKept at
// most. The agent was launched for it; not_these: said no then.
std::vector<Consideration> consider_own(const model::Agent& agent,
                                        const std::vector<Consideration>& not_these,
                                        const ports::WaitReason& reason,
                                        const std::vector<const policy::Template*>& fitting);
// It was there already.
std::vector<Consideration> consider_other(const model::Agent& agent, const ports::WaitReason& reason,
                                          const std::vector<const policy::Template*>& fitting);

}  // namespace footman::fleet
