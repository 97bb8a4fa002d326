// One control group per limited agent, wherever this machine lets us make one: v2, v1 or both mixed.
// Blocking but short; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cloud/local/system.hpp"

namespace footman::cloud::local {

// Where a controller's groups are made: a directory below our own group. Empty: not usable.
struct CgroupRoots {
  std::string unified;  // v2 with memory and pids enabled below it
  std::string memory;   // v1
  std::string pids;     // v1
  bool limits_memory() const { return !unified.empty() || !memory.empty(); }
};

struct CgroupLimits {
  std::uint64_t memory_bytes = 0;
  std::uint32_t max_processes = 0;
  bool any() const { return memory_bytes > 0 || max_processes > 0; }
};

// Tries it out: makes "footman" below our own groups and enables the controllers.
CgroupRoots detect_cgroups();

// The directories of one agent's group; the same for the same name, so that they are found again after a
// restart.
std::vector<std::string> group_directories(const CgroupRoots& roots, const std::string& name);
// Makes them with the limits. Returns the directories of the groups to join; a group that cannot be made is
// left out.
std::vector<std::string> make_group(const CgroupRoots& roots, const std::string& name,
                                    const CgroupLimits& limits);
void kill_group(const CgroupRoots& roots, const std::string& name);
bool was_out_of_memory(const CgroupRoots& roots, const std::string& name);
void remove_group(const CgroupRoots& roots, const std::string& name);

}  // namespace footman::cloud::local
