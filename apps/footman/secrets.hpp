// References to secrets ("file:/run/x", "env:NAME") turned into their values, when a build is handed to its
// agent. Blocking: for the blocking thread. Errors name the reference, never a value.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace footman::app {

inline constexpr std::size_t kMaxSecretBytes = 100 * 1024;  // as the value of a variable may be

// A file's last line end does not belong to the value. What is not a regular file is refused: nobody waits
// for a FIFO that no one writes to.
base::Result<base::Secret> resolve_secret(const std::string& reference);

}  // namespace footman::app
