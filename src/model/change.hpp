// A state change, as sent to the event stream. Small: who and what; details are fetched by id.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace footman::model {

struct Change {
  std::uint64_t sequence = 0;  // grows by one within one run of the server
  base::Instant at;
  std::string kind;    // "build", "queue_item", "agent", "cloud", "pool", "job", "step", "log", "plan",
                       // "config"
  std::string id;      // of the thing that changed
  std::string state;   // its new state, in the API's words
  std::string parent;  // build id for "queue_item", "step" and "log"; else empty
};

}  // namespace footman::model
