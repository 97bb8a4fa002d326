// Whether a build that was lost with its agent is run again, as a new build. Never because of what the user's
// own work did or may have done, never when a person or a time limit ended it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/agent.hpp"

namespace footman::policy {

using namespace footman::base;

// Of a build whose start is committed. (Before that it goes back to the queue by itself.)
struct BuildLoss {
  model::EndReason reason = model::EndReason::none;  // of the agent
  bool nothing_began = false;  // the agent itself says that no step had begun; else one may have
  bool given_up = false;       // cancelled, or its time limit was over
  // The database is a copy, and the agent has not come to this server: it may work for the other one.
  bool may_run_elsewhere = false;
};

// What is run again without being asked for: a build of which nothing had begun, this often.
inline constexpr std::uint32_t kUnaskedRetries = 2;

struct RetryVerdict {
  bool again = false;
  std::string_view why_not;  // a sentence, where the build's settings would have allowed it; else empty
};
// `allowed`: of the build's own settings. `done`: how many builds of the chain came before it.
RetryVerdict judge_retry(const BuildLoss& loss, std::uint32_t allowed, std::uint32_t done);

// Why an agent has ended whose resource is gone. `reclaimed`: the cloud took it back. Where the cloud saw how
// the agent's process ended, the machine was there until then.
model::EndReason judge_death(const model::DeathCertificate& death, bool reclaimed);

}  // namespace footman::policy
