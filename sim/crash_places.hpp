// The places at which a server of the simulation may be killed: the named points of the program, and before
// and after the commit of each move of the store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/witness.hpp"

namespace footman::sim {

// All that the simulated world can come to.
const std::vector<std::string>& crash_places();
Happening kind_of_crash(std::string_view place);

}  // namespace footman::sim
