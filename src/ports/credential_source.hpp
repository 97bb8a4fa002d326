// CredentialSource: who has agents that work for another controller than Footman's own, and have to show a
// secret there. footman-agent stands in front of such an agent. It says Hello as any other and shows who it
// is, but gets that secret instead of a session. Implemented where those controllers are; used by
// `controller`, which lets agents in. All calls on the control executor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "runtime/awaitable.hpp"

namespace footman::ports {

// What is known of such an agent.
struct CredentialHolder {
  std::string key_hash;  // of the session key that the secret is for; empty: nobody has asked for it yet
  std::uint32_t attempt = 0;
  bool expired = false;  // nobody may ask for the first time any more
  bool ended = false;
};

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;

  // Nothing: it has no such agent. Costs no I/O.
  virtual std::optional<CredentialHolder> find_holder(const base::AgentId& agent) const = 0;

  // The secret, for who has shown who it is. The agent is bound to this key for good, durably, before its
  // secret is read: the same key gets it again as often as it asks. Errors: permission_denied (another key
  // has it), not_found (there is no such agent any more), conflict (of another attempt); others may pass, and
  // the key may be bound.
  virtual runtime::Awaitable<base::Result<base::Secret>> redeem(base::AgentId agent, std::uint32_t attempt,
                                                                std::string key_hash) = 0;
};

}  // namespace footman::ports
