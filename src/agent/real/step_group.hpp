// A control group of its own for each step, where this machine lets us make one: cgroup v2, also the v2 part
// of a mixed machine. It makes the end of a tree one write, and knows what the whole tree used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace footman::agent::real {

// The v2 group below which groups can be made, or empty. Removes what agents that are no more have left
// there.
std::string find_group_root();

class StepGroup {
 public:
  StepGroup() = default;  // none
  // Makes it; without one when that fails.
  StepGroup(const std::string& root, const std::string& name);
  StepGroup(StepGroup&& other) noexcept;
  StepGroup& operator=(StepGroup&& other) noexcept;
  ~StepGroup();  // removes it when it is empty

  bool exists() const { return !path_.empty(); }
  const std::string& path() const { return path_; }  // empty: none
  void kill() const;                                 // SIGKILL to all members at once
  // Of all members, past ones included; empty where the kernel does not say.
  std::optional<base::Duration> cpu_time() const;
  std::optional<std::uint64_t> peak_memory_bytes() const;

 private:
  std::string path_;
};

// Kills and removes the groups that the process `owner` made and could not remove any more.
void end_groups_of(pid_t owner);
// The names that `owner` gives to its groups.
std::string group_name(pid_t owner, std::uint64_t number);

// How many processes were killed for want of memory: in our own control group, on the whole machine where
// there is none. Only the difference of two readings means something.
class MemoryKills {
 public:
  static MemoryKills find();
  std::uint64_t count() const;

 private:
  std::string file_;
};

}  // namespace footman::agent::real
