// Where this process stands in the machine's control groups, v1, v2 or both mixed; and the end of a group.
// Blocking but short; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace footman::runtime::real {

struct CgroupMount {
  bool v2 = false;
  std::string controllers;  // of v1: "memory", "cpu,cpuacct"
  std::string root;         // the group that is mounted
  std::string mount_point;
};
// From the text of /proc/self/mountinfo.
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo);
// Our own group's directory for "memory", "pids" or "" (v2), from the text of /proc/self/cgroup.
std::optional<std::string> find_own_group(const std::vector<CgroupMount>& mounts,
                                          std::string_view self_cgroup, std::string_view controller);

std::vector<std::string_view> split_fields(std::string_view text, char separator);
bool has_field(std::string_view list, char separator, std::string_view word);
// The number behind `key` in a file of lines "key number"; 0 when there is none.
std::uint64_t read_cgroup_counter(const std::string& path, std::string_view key);

// SIGKILL for all members of the group in `directory` and of the groups below it, but not for us: at once
// where there is cgroup.kill (v2), then for each that has a thread there, because cgroup.kill misses
// processes whose first thread has ended (seen with Linux 6.18). True: there were members; some may be on
// their way out.
bool kill_cgroup(const std::string& directory);

}  // namespace footman::runtime::real
