// --help and docs/CLI.md, from the tree of commands. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/output.hpp"

namespace footman::cli {

// Of the last command of the path.
std::string help_of(const std::vector<const Command*>& path, const Output& out);
// The reference, as Markdown.
std::string describe_commands(const Command& root);

}  // namespace footman::cli
