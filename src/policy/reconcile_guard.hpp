// Whether what the first comparisons after a start would end may be ended without asking a person. A database
// that is older than the cloud, or that belongs to another server, takes agents at work for orphans. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace footman::policy {

// Of agents, each without asking; more of them only if they are few of those seen.
inline constexpr std::size_t kEndedUnasked = 3;
inline constexpr std::size_t kEndedUnaskedPercent = 20;

enum class ReconcileVerdict {
  apply,          // end them
  too_many,       // only report: more than both limits
  state_unknown,  // only report: the database may not be the one that the last run left
};
std::string_view to_string(ReconcileVerdict verdict);
std::string_view sentence(ReconcileVerdict verdict);

// seen: agents of this installation that are alive in the clouds; would_end: those of them that have no live
// row.
ReconcileVerdict judge_reconcile(std::size_t seen, std::size_t would_end, bool state_known);

}  // namespace footman::policy
