// Whether a build that was lost with its agent is run again, as a new build. Never because of what the user's
// own work did, never when a person or a time limit ended it. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "model/agent.hpp"

namespace footman::policy {

using namespace footman::base;

// Of a build whose start is committed. (Before that it goes back to the queue by itself.)
struct BuildLoss {
  model::EndReason reason = model::EndReason::none;  // of the agent
  bool nothing_began = false;  // the agent itself says that no step had begun; else one may have
  bool given_up = false;       // cancelled, or its time limit was over
};

// What is run again without being asked for: a build of which nothing had begun, this often.
inline constexpr std::uint32_t kUnaskedRetries = 2;

// `allowed`: of the build's own settings. `done`: how many builds of the chain came before it.
bool is_run_again(const BuildLoss& loss, std::uint32_t allowed, std::uint32_t done);

}  // namespace footman::policy
