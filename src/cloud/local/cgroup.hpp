// One control group per agent, wherever this machine lets us make one: in v2 for each, because it ends even
// processes that hide; in v1 for limited agents that v2 cannot limit, because joining costs milliseconds
// there. Blocking but short; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace footman::cloud::local {

// Where a controller's groups are made: a directory below our own group. Empty: not usable.
struct CgroupRoots {
  std::string unified;          // v2
  bool unified_limits = false;  // memory and pids are enabled below it
  std::string memory;           // v1
  std::string pids;             // v1
  bool limits_memory() const { return unified_limits || !memory.empty(); }
};

struct CgroupLimits {
  std::uint64_t memory_bytes = 0;
  std::uint32_t max_processes = 0;
};

// Tries it out: makes "footman" below our own groups and enables the controllers.
CgroupRoots detect_cgroups();

// The directories of one agent's group; the same for the same name, so that they are found again after a
// restart.
std::vector<std::string> group_directories(const CgroupRoots& roots, const std::string& name);
// Makes them with the limits. Returns the directories of the groups to join, v2 first; a group that cannot be
// made is left out.
std::vector<std::string> make_group(const CgroupRoots& roots, const std::string& name,
                                    const CgroupLimits& limits);
// With all groups that its members have made below it.
void kill_group(const CgroupRoots& roots, const std::string& name);
bool was_out_of_memory(const CgroupRoots& roots, const std::string& name);
// The same; but a group with members stays whole.
void remove_group(const CgroupRoots& roots, const std::string& name);

// Groups that nobody is in, made at least kOldGroup ago: a younger one may be about to be joined, by another
// server's agent perhaps. Their number; at most `most`.
inline constexpr std::chrono::minutes kOldGroup{10};
int remove_groups_without_members(
    const CgroupRoots& roots, int most,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

}  // namespace footman::cloud::local
