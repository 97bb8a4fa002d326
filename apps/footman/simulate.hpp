// `footman simulate`: from the options and files to a simulation and its reports. Wiring and output only.
#pragma once

#include "cli/cli.hpp"

namespace footman::app {

// The exit code, or an error for people.
base::Result<int> simulate(const cli::SimulateOptions& options, cli::Output& out, cli::Output& err);

}  // namespace footman::app
