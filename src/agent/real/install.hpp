// `footman-agent install DIRECTORY`: puts the program where a container of another image finds it. What an
// init container does whose image is the agent alone.
#pragma once

#include <string>

#include "base/result.hpp"

namespace footman::agent::real {

// Copies this program to `directory`/footman-agent, executable for everybody, and makes `directory`/work,
// where everybody may write, whatever user the other container has. Again and again: the result is the same;
// never is there half a program under that name. Errors: io, permission_denied.
base::Status install_agent(const std::string& directory);

}  // namespace footman::agent::real
