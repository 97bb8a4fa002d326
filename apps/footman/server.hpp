// The server: every part is made here, in order, and ended in the opposite one. Wiring only.
#pragma once

#include "cli/cli.hpp"

namespace footman::app {

// `footman up`: serves until SIGTERM or SIGINT, reloads the configuration at SIGHUP. Answers with the exit
// code.
int run_server(const cli::UpOptions& options);

}  // namespace footman::app
