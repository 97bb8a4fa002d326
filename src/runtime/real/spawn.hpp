// Starts one process that shares nothing with us. Blocking for a fraction of a millisecond (until
// exec).
#pragma once

#include <sys/resource.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "runtime/real/processes.hpp"

namespace footman::runtime::real {

struct SpawnRequest {
  std::string program;                   // absolute path
  std::vector<std::string> arguments;    // with argv[0]
  std::vector<std::string> environment;  // "NAME=value", the whole of it
  std::string directory;                 // working directory
  int lock_fd = -1;                      // becomes descriptor 3; "launched <handle>\n" is appended to it
  int input_fd = -1;                     // becomes stdin; -1: /dev/null
  int output_fd = -1;                    // becomes stdout and stderr; -1: /dev/null
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_…
  // Directories of the control groups it is to be in; one that cannot be joined is left out. It is born in
  // the first where that is a v2 group: joining one later waits for all other processors, 6 to 13 ms.
  std::vector<std::string> cgroups;
  bool dies_with_parent = false;  // SIGKILL when the thread that called is gone
};

struct Spawned {
  ProcessId id;  // start_ticks is 0 where there is no /proc and no lock_fd
  UniqueFd pidfd;
};

// Own session, default signals, empty mask, descriptors 0…3 only. An error means that no process is left; its
// text names the step that failed. not_found, permission_denied: the program cannot be executed;
// resource_exhausted: no process or memory to be had; io: the rest. All descriptors given must be 10 or
// higher, see lift_fd().
base::Result<Spawned> spawn_detached(const SpawnRequest& request);

// `name` as a path: through PATH when it has no slash, else as it is. Not found: as it is, for the error of
// exec.
std::string find_program(const std::string& name, std::string_view path_variable);

// The same open file under a number from 10 on, closed on exec.
UniqueFd lift_fd(UniqueFd fd);

}  // namespace footman::runtime::real
