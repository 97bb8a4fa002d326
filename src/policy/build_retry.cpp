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

}  // namespace

bool is_run_again(const BuildLoss& loss, std::uint32_t allowed, std::uint32_t done) {
  if (loss.given_up) return false;
  if (loss.nothing_began && done < std::max(allowed, kUnaskedRetries)) return true;
  return is_fault_of_cloud(loss.reason) && done < allowed;
}

}  // namespace footman::policy
