// Keeping what the agent knows from the steps it runs, which have its user id.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace footman::agent::real {

// This process cannot be read through /proc or ptrace by others of the same user and leaves no core file.
// Root can still: a step that runs as root sees what is in memory at that time.
void forbid_inspection();

// Copies the environment and overwrites the original, which everybody may read in /proc/<pid>/environ, but
// for the cookie, by which the tree is found. Call before there are threads. What getenv() finds afterwards
// is `kept`, the returned copy, which the caller keeps for good. FOOTMAN_AGENT_SECRET is taken out of it.
struct TakenEnvironment {
  std::vector<std::string> variables;  // "NAME=value"
  base::Secret secret;
};
TakenEnvironment take_environment();
// Makes getenv() look at these; they must live as long as the process.
void use_environment(std::vector<std::string>& variables);

// Whether it can be sent at all: not empty, not too long, no control characters. invalid_argument otherwise.
base::Status check_secret(const base::Secret& secret);

// The first line of the file, which is removed.
base::Result<base::Secret> take_secret_file(const std::string& path);

}  // namespace footman::agent::real
