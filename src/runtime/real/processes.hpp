// Processes of this machine by pid + start time. Blocking but short; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/unique_fd.hpp"

namespace footman::runtime::real {

// A pid alone is used again; with its start time (clock ticks since boot) it names one process.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  bool operator==(const ProcessId&) const = default;
};

std::string to_handle(ProcessId id);
std::optional<ProcessId> find_process_id(std::string_view handle);

// The number in field 22 of a /proc/<pid>/stat text; 0 when it is not one. Async-signal-safe.
std::uint64_t start_ticks_of_stat(const char* text, std::size_t size) noexcept;

// A pidfd of exactly this process; closed when it has ended (a zombie counts as ended unless it is our
// child).
UniqueFd open_process(ProcessId id);

// Asks the process itself, where a wake-up of a wait for it proves nothing.
bool has_ended(int pidfd);

// How a child of ours ended; empty when it is not our child or has not ended.
struct ChildEnd {
  std::optional<int> exit_status;
  int signal = 0;
};
std::optional<ChildEnd> reap(int pidfd);

// Marks every process of an agent's tree in its environment.
inline constexpr std::string_view kCookieVariable = "FOOTMAN_AGENT_COOKIE";

// Every process whose environment holds FOOTMAN_AGENT_COOKIE=<cookie> and may be read by us; not ourselves.
std::vector<pid_t> find_by_cookie(const std::string& cookie);
// SIGKILL for those, again until a pass finds none. Returns how many signals were sent.
int kill_by_cookie(const std::string& cookie);

// Children of `root`, their children and so on, parents first; without zombies. One whose first thread alone
// has ended is none.
std::vector<pid_t> find_descendants(pid_t root);

}  // namespace footman::runtime::real
