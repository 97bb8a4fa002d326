// The command line taken apart by the tree of commands. Pure. CLI11 does it, and only parser.cpp knows that.
//
// Options may stand anywhere after their command, as --name VALUE, --name=VALUE, -n VALUE or -nVALUE;
// switches with one letter may share a dash (-qd); `--` ends them. Help asked for anywhere before that is all
// that counts. Client and common options may also stand before the command. An argument that is a command
// line (Argument::rest) takes all that follows its first word, so that the options of that command stay its
// own.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/command.hpp"

namespace footman::cli {

struct ParsedLine {
  std::vector<const Command*> path;  // the root first; help may be asked of a group
  Arguments arguments;
  bool help = false;
  const Command& command() const { return *path.back(); }
};

// "footman build list"
std::string name_of(const std::vector<const Command*>& path);

// `words` without the program's name. Errors: invalid_argument, for people, with what to do as the hint.
Result<ParsedLine> parse_command_line(const Command& root, const std::vector<std::string>& words);

}  // namespace footman::cli
