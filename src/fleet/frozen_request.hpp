// The launch request as it stands in the agent's row: everything that goes into the call but the secrets, and
// what the fleet must still know of the template when the template is gone. Written once, never changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "fleet/views.hpp"
#include "model/agent.hpp"
#include "ports/cloud_provider.hpp"

namespace footman::fleet {

using namespace footman::base;

struct FrozenRequest {
  ports::LaunchSpec spec;   // without the secrets
  bool is_default = false;  // takes items without a label
  Duration max_age{0};
  std::string variant;                        // of the template; empty: it has one only
  std::optional<model::LaunchReason> reason;  // not set: planned by an older version, which had none
  std::string why;                            // the decision, for people
  std::vector<Consideration> not_these;       // the better templates, as they were; kConsideredKept at most
};

// Gives back the memory of a text that is not needed any more.
inline void forget_text(std::string& text) { std::string().swap(text); }
// Keeps of it what is asked for once the launch is over; the row has the rest. Gives memory back.
void forget_launch(FrozenRequest& request);

std::string encode_request(const FrozenRequest& request);         // JSON
Result<FrozenRequest> parse_request(const std::string& encoded);  // corrupt

}  // namespace footman::fleet
