// The file beyond a spool's memory: without a name, so that it is gone with the agent whatever happens.
#pragma once

#include <string>

#include "agent/spool.hpp"

namespace footman::agent::real {

// Errors: there is no such directory, it is read-only, no space.
base::Result<std::unique_ptr<SpoolFile>> open_spool_file(const std::string& directory);

}  // namespace footman::agent::real
