#include "base/version.hpp"

namespace footman::base {
std::string_view version() { return FOOTMAN_BUILD_VERSION; }
}  // namespace footman::base
