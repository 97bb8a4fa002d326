#include "policy/build_retry.hpp"

#include <algorithm>

namespace footman::policy {
namespace {

using model::EndReason;

// The machine went, or nothing is heard of it: whatever the build did, another machine may carry it.
bool is_fault_of_cloud(EndReason reason) {
  return reason == EndReason::resource_gone || reason == EndReason::session_lost ||
         reason == EndReason::notice;
}

std::string_view why_not(EndReason reason) {
  if (reason == EndReason::agent_exited)
    return "It is not run again: the cloud had not taken its agent, so it may have ended the agent itself.";
  if (reason == EndReason::out_of_memory)
    return "It is not run again: it would need as much memory the next time.";
  return {};
}

}  // namespace

RetryVerdict judge_retry(const BuildLoss& loss, std::uint32_t allowed, std::uint32_t done) {
  if (loss.given_up) return {};
  if (loss.may_run_elsewhere)
    return {false,
            "It is not run again: it may still run for the server that this database was copied from."};
  if (loss.nothing_began && done < std::max(allowed, kUnaskedRetries)) return {true, {}};
  if (done >= allowed) return {};
  return is_fault_of_cloud(loss.reason) ? RetryVerdict{true, {}} : RetryVerdict{false, why_not(loss.reason)};
}

EndReason judge_death(const model::DeathCertificate& death, bool reclaimed) {
  if (reclaimed) return EndReason::notice;
  if (death.out_of_memory) return EndReason::out_of_memory;
  const bool was_seen = death.exit_status.has_value() || death.signal != 0;
  return was_seen ? EndReason::agent_exited : EndReason::resource_gone;
}

}  // namespace footman::policy
