#include "fleet/orphans.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace footman::fleet {

using model::EndReason;

void tell_orphans(const Core& core) {
  std::map<ControllerName, std::vector<std::string>> agents;
  for (const auto& [order, entry] : core.agents())
    if (core.find_controller(entry->row.controller) == nullptr && !entry->is_ending())
      agents[entry->row.controller].push_back(entry->id().str());
  for (const auto& [controller, names] : agents)
    core.parts.log.warning(
        fmt::format("the controller '{}' is not configured any more, so its agents are ended: those that "
                    "never connected now, others {} after their builds were last seen by another "
                    "controller, or after {} if they are not seen",
                    controller.str(), format_duration(kOrphanUnseen),
                    format_duration(core.config.orphan_timeout)),
        {{"agents", fmt::format("{}", fmt::join(names, ", "))}});
}

std::optional<Duration> judge_orphan(Core& core, AgentEntry* entry) {
  if (entry->ending || entry->is_ending()) return std::nullopt;
  const bool is_seen = std::ranges::any_of(
      core.parts.controllers, [&](const auto* controller) { return controller->sees_at_work(entry->id()); });
  if (is_seen)
    entry->orphan_until = core.steady() + kOrphanUnseen;
  else if (!entry->orphan_until)
    entry->orphan_until = core.steady() + core.config.orphan_timeout;
  if (is_seen || (entry->row.connected.is_set() && core.steady() < *entry->orphan_until)) {
    core.touch(*entry);
    return entry->orphan_until;
  }
  core.wish_end(entry, {EndReason::surplus, fmt::format("Its controller '{}' is not configured any more.",
                                                        entry->row.controller.str())});
  return std::nullopt;
}

}  // namespace footman::fleet
