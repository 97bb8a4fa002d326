#include "policy/reconcile_guard.hpp"

namespace footman::policy {

std::string_view to_string(ReconcileVerdict verdict) {
  switch (verdict) {
    case ReconcileVerdict::apply:
      return "apply";
    case ReconcileVerdict::too_many:
      return "too_many";
    case ReconcileVerdict::state_unknown:
      return "state_unknown";
  }
  return "apply";
}

std::string_view sentence(ReconcileVerdict verdict) {
  switch (verdict) {
    case ReconcileVerdict::apply:
      return "Nothing waits for a person.";
    case ReconcileVerdict::too_many:
      return "These are too many to be ended without asking: the database may be older than they are, or "
             "another "
             "server's.";
    case ReconcileVerdict::state_unknown:
      return "The database may not be the one that the last run of this server left.";
  }
  return "";
}

ReconcileVerdict judge_reconcile(std::size_t seen, std::size_t would_end, bool state_known) {
  using enum ReconcileVerdict;
  if (would_end == 0) return apply;
  if (!state_known) return state_unknown;
  const bool many = would_end > kEndedUnasked && would_end * 100 > seen * kEndedUnaskedPercent;
  return many ? too_many : apply;
}

}  // namespace footman::policy
