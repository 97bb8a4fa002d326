// Compiles the contracts on their own: each header must stand alone.
#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "ports/log_store.hpp"

namespace footman::ports {

std::string_view to_string(AgentActivity activity) {
  switch (activity) {
    case AgentActivity::unknown:
      return "unknown";
    case AgentActivity::expected:
      return "expected";
    case AgentActivity::idle:
      return "idle";
    case AgentActivity::busy:
      return "busy";
    case AgentActivity::disconnected:
      return "disconnected";
    case AgentActivity::lost:
      return "lost";
    case AgentActivity::done:
      return "done";
  }
  return "unknown";
}

}  // namespace footman::ports
