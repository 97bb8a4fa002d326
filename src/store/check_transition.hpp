// A change of state that model::can_transition allows, or a conflict.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/transitions.hpp"

namespace footman::store {

// "Build 17 is finished: it cannot become running".
template <class State>
base::Status check_transition(const std::string& who, State from, State to) {
  if (model::can_transition(from, to)) return {};
  return base::fail(base::Errc::conflict, who + " is " + std::string(to_string(from)) +
                                              ": it cannot become " + std::string(to_string(to)));
}

}  // namespace footman::store
