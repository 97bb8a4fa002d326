// Which Footman this is.
#pragma once

#include <string_view>

namespace footman::base {

// "0.1.0+g1234abcd90" when built from a clone, "0.1.0" from an archive.
std::string_view version();

}  // namespace footman::base
