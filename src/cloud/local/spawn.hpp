// Starts one process that shares nothing with the server. Blocking for a fraction of a millisecond (until
// exec).
#pragma once

#include <sys/resource.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cloud/local/proc.hpp"

namespace footman::cloud::local {

struct SpawnRequest {
  std::string program;                   // absolute path
  std::vector<std::string> arguments;    // with argv[0]
  std::vector<std::string> environment;  // "NAME=value", the whole of it
  std::string directory;                 // working directory
  int lock_fd = -1;                      // becomes descriptor 3; "launched <handle>\n" is appended to it
  int output_fd = -1;                    // becomes stdout and stderr; -1: /dev/null
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_…
  std::vector<std::string>
      cgroup_procs;  // files the child writes itself into before exec; failures are ignored
};

struct Spawned {
  ProcessId id;
  UniqueFd pidfd;
};

// Own session, default signals, empty mask, descriptors 0…3 only. An error means that no process is left; its
// text names the step that failed. not_found: the program cannot be executed; resource_exhausted: no process
// or memory to be had; io: the rest.
base::Result<Spawned> spawn_detached(const SpawnRequest& request);

}  // namespace footman::cloud::local
