#include "ports/cloud_provider.hpp"
#include "ports/controller_port.hpp"
#include "ports/log_store.hpp"

namespace footman::ports {

std::string_view to_string(FailureClass failure) {
  switch (failure) {
    case FailureClass::throttled: return "throttled";
    case FailureClass::transient: return "transient";
    case FailureClass::capacity: return "capacity";
    case FailureClass::configuration: return "configuration";
    case FailureClass::permission: return "permission";
    case FailureClass::image: return "image";
    case FailureClass::boot: return "boot";
    case FailureClass::connect: return "connect";
  }
  return "transient";
}

}  // namespace footman::ports
