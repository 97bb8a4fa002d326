// What an agent shows instead of a secret where its cloud gives each resource an identity of its own, and
// what the cloud makes of it. From the agent by way of the controller and the fleet to the CloudProvider that
// launched it. Nothing in here was checked by anybody on that way.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace footman::ports {

// What a cloud has to check a proof, at most.
inline constexpr base::Duration kProofCheckTime{10'000'000};

struct IdentityProof {
  std::string binding;  // what the values have to be bound to; made by the server, good for one connection
  std::map<std::string, base::Secret> values;
};

// Who says so of himself.
struct IdentityClaim {
  base::AgentId agent;
  std::uint32_t attempt = 0;  // of its launch
  IdentityProof proof;
};

enum class ProofVerdict : std::uint8_t {
  right,
  wrong,    // also of an agent that has to show a secret
  unknown,  // it cannot be checked now: the agent is to come again
};

struct ProofAnswer {
  ProofVerdict verdict = ProofVerdict::wrong;
  std::string reason;  // why it is not right, for the server's log and people; never told to the agent
};

}  // namespace footman::ports
