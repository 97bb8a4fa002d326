// Compiles the contracts on their own: each header must stand alone.
#include "ports/agent_endpoint.hpp"
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "ports/identity_proof.hpp"
#include "ports/last_lines.hpp"
#include "ports/log_store.hpp"

namespace footman::ports {

std::string_view to_string(AgentProgram program) {
  return program == AgentProgram::jenkins ? "jenkins" : "footman";
}

}  // namespace footman::ports
