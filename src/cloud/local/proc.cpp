#include "cloud/local/proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace footman::cloud::local {
namespace {

constexpr int kKillPasses = 20;  // a tree that forks faster than this is left to the next terminate call
constexpr std::size_t kEnvironLimit = 1 << 20;

template <class Number>
std::optional<Number> find_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

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

int kill_one_pass(const std::string& wanted) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), &::closedir);
  if (!dir) return 0;
  int killed = 0;
  const pid_t self = ::getpid();
  while (const auto* entry = ::readdir(dir.get())) {
    const auto pid = find_number<pid_t>(entry->d_name);
    if (!pid || *pid == self) continue;
    const auto environ = read_small_file("/proc/" + std::to_string(*pid) + "/environ", kEnvironLimit);
    if (environ && has_cookie(*environ, wanted) && ::kill(*pid, SIGKILL) == 0) ++killed;
  }
  return killed;
}

}  // namespace

std::string to_handle(ProcessId id) { return std::to_string(id.pid) + ":" + std::to_string(id.start_ticks); }

std::optional<ProcessId> find_process_id(std::string_view handle) {
  const auto colon = handle.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto pid = find_number<pid_t>(handle.substr(0, colon));
  const auto ticks = find_number<std::uint64_t>(handle.substr(colon + 1));
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
  while (at < size && text[at] >= '0' && text[at] <= '9')
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

std::optional<ChildEnd> reap(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return ChildEnd{info.si_status, 0};
  return ChildEnd{std::nullopt, info.si_status};
}

std::optional<std::string> read_small_file(const std::string& path, std::size_t limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  std::string out;
  char buffer[4096];
  while (out.size() < limit) {
    const auto got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    out.append(buffer, static_cast<std::size_t>(got));
  }
  if (out.size() > limit) out.resize(limit);
  return out;
}

int kill_by_cookie(const std::string& cookie) {
  const std::string wanted = "FOOTMAN_AGENT_COOKIE=" + cookie;
  int killed = 0;
  for (int pass = 0; pass < kKillPasses; ++pass) {
    const int now = kill_one_pass(wanted);
    if (now == 0) break;
    killed += now;
    ::usleep(1000);  // on the cloud's own thread: gives the kernel a moment to take them away
  }
  return killed;
}

}  // namespace footman::cloud::local
