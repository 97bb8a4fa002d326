#include "runtime/real/processes.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include "base/ascii.hpp"
#include "base/number.hpp"
#include "runtime/real/files.hpp"

namespace footman::runtime::real {
namespace {

constexpr int kKillPasses = 20;  // a tree that forks faster than this is left to the next terminate call
constexpr std::size_t kEnvironLimit = 1 << 20;

bool has_cookie(const std::string& environ, const std::string& wanted) {
  std::size_t at = 0;
  while (at < environ.size()) {
    const auto end = environ.find('\0', at);
    const auto size = (end == std::string::npos ? environ.size() : end) - at;
    if (std::string_view(environ).substr(at, size) == wanted) return true;
    at += size + 1;
  }
  return false;
}

std::vector<pid_t> list_numbers(const std::string& directory) {
  std::vector<pid_t> out;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), &::closedir);
  if (!dir) return out;
  while (const auto* entry = ::readdir(dir.get()))
    if (const auto number = base::find_number<pid_t>(entry->d_name)) out.push_back(*number);
  return out;
}

std::vector<pid_t> list_processes() { return list_numbers("/proc"); }

// Fields of /proc/<pid>/stat, which starts with "pid (command) state parent": the command may hold anything.
constexpr std::size_t kState = 0;
constexpr std::size_t kParent = 1;
constexpr std::size_t kThreads = 17;
std::string_view field_after_command(std::string_view stat, std::size_t number) {
  const auto command_end = stat.rfind(") ");
  if (command_end == std::string_view::npos) return {};
  stat.remove_prefix(command_end + 2);
  for (; number > 0; --number) {
    const auto space = stat.find(' ');
    if (space == std::string_view::npos) return {};
    stat.remove_prefix(space + 1);
  }
  return stat.substr(0, stat.find(' '));
}

// A process whose first thread has ended shows as a zombie while others of its threads run.
bool is_dead(std::string_view stat) {
  const auto state = field_after_command(stat, kState);
  if (state != "Z" && state != "X") return false;
  return base::find_number<int>(field_after_command(stat, kThreads)).value_or(0) <= 1;
}

// Or 0 for a zombie and for what is gone.
pid_t living_parent_of(pid_t pid) {
  const auto stat = read_small_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat || is_dead(*stat)) return 0;
  return base::find_number<pid_t>(field_after_command(*stat, kParent)).value_or(0);
}

// Threads share it, but one that has ended shows none: also the first, whose view is the process's.
std::string environ_of(pid_t pid) {
  const auto process = "/proc/" + std::to_string(pid);
  auto text = read_small_file(process + "/environ", kEnvironLimit).value_or("");
  if (!text.empty()) return text;
  for (const auto thread : list_numbers(process + "/task")) {
    if (thread == pid) continue;
    text = read_small_file(fmt::format("{}/task/{}/environ", process, thread), kEnvironLimit).value_or("");
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace

std::string to_handle(ProcessId id) { return std::to_string(id.pid) + ":" + std::to_string(id.start_ticks); }

std::optional<ProcessId> find_process_id(std::string_view handle) {
  const auto colon = handle.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto pid = base::find_number<pid_t>(handle.substr(0, colon));
  const auto ticks = base::find_number<std::uint64_t>(handle.substr(colon + 1));
  if (!pid || *pid <= 1 || !ticks) return std::nullopt;
  return ProcessId{*pid, *ticks};
}

std::uint64_t start_ticks_of_stat(const char* text, std::size_t size) noexcept {
  // The command's name, field 2, stands in parentheses and may hold anything: count from the last one.
  std::size_t at = size;
  while (at > 0 && text[at - 1] != ')') --at;
  if (at == 0) return 0;
  int field = 2;
  while (at < size && field < 22) {
    if (text[at] == ' ') ++field;
    ++at;
  }
  std::uint64_t value = 0;
  while (at < size && base::is_digit(text[at]))
    value = value * 10 + static_cast<std::uint64_t>(text[at++] - '0');
  return field == 22 ? value : 0;
}

UniqueFd open_process(ProcessId id) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!pidfd.is_open()) return {};
  // Opened first, compared afterwards: from here on the pid cannot change its meaning unnoticed.
  const auto stat = read_small_file("/proc/" + std::to_string(id.pid) + "/stat", 4096);
  if (!stat || start_ticks_of_stat(stat->data(), stat->size()) != id.start_ticks) return {};
  return pidfd;
}

bool has_ended(int pidfd) {
  pollfd look{pidfd, POLLIN, 0};
  return ::poll(&look, 1, 0) == 1 && (look.revents & POLLIN) != 0;
}

std::optional<ChildEnd> reap(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return ChildEnd{info.si_status, 0};
  return ChildEnd{std::nullopt, info.si_status};
}

std::vector<pid_t> find_by_cookie(const std::string& cookie) {
  const auto wanted = std::string(kCookieVariable) + "=" + cookie;
  std::vector<pid_t> out;
  for (const auto pid : list_processes()) {
    if (pid == ::getpid()) continue;
    if (has_cookie(environ_of(pid), wanted)) out.push_back(pid);
  }
  return out;
}

int kill_by_cookie(const std::string& cookie) {
  int killed = 0;
  for (int pass = 0; pass < kKillPasses; ++pass) {
    int now = 0;
    for (const auto pid : find_by_cookie(cookie))
      if (::kill(pid, SIGKILL) == 0) ++now;
    if (now == 0) break;
    killed += now;
    ::usleep(1000);  // gives the kernel a moment to take them away
  }
  return killed;
}

std::vector<pid_t> find_descendants(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const auto pid : list_processes())
    if (const auto parent = living_parent_of(pid); parent > 0) children.emplace(parent, pid);
  std::vector<pid_t> out = {root};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto [first, last] = children.equal_range(out[i]);
    for (auto it = first; it != last; ++it) out.push_back(it->second);
    children.erase(first, last);
  }
  out.erase(out.begin());
  return out;
}

}  // namespace footman::runtime::real
