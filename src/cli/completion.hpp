// Completion scripts for shells, from the tree of commands. Pure.
#pragma once

#include <string>

#include "cli/command.hpp"

namespace footman::cli {

// shell: "bash", "zsh" or "fish".
std::string completion_script(const Command& root, const std::string& shell);

}  // namespace footman::cli
