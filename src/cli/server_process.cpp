#include "cli/server_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/number.hpp"
#include "runtime/real/files.hpp"
#include "runtime/wait.hpp"

namespace footman::cli {
namespace {

constexpr Duration kLook = 5ms;                      // between two looks at a child
constexpr std::size_t kMaxLogTailBytes = 64 * 1024;  // of a file whose end is shown
constexpr std::size_t kMaxProcBytes = 256 * 1024;    // of one file in /proc

std::vector<std::string> our_environment() {
  std::vector<std::string> all;
  for (char** one = environ; *one != nullptr; ++one) all.emplace_back(*one);
  return all;
}

std::string read_proc(const std::filesystem::path& path) {
  return runtime::real::read_small_file(path, kMaxProcBytes).value_or("");
}

bool is_of(const std::filesystem::path& process, const std::string& directory) {
  std::error_code ignored;
  const auto cwd = std::filesystem::read_symlink(process / "cwd", ignored).string();
  return cwd.starts_with(directory) || read_proc(process / "cmdline").contains(directory) ||
         read_proc(process / "environ").contains(directory);
}

}  // namespace

Result<TemporaryDirectory> TemporaryDirectory::create(const std::string& parent, const std::string& prefix) {
  std::string path = fmt::format("{}/{}XXXXXX", parent, prefix);
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("make a directory in " + parent, errno);
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() { (void)remove(); }

Status TemporaryDirectory::remove() {
  if (path_.empty()) return {};
  std::error_code error;
  std::filesystem::remove_all(std::exchange(path_, {}), error);
  if (error) return fail(Errc::io, "the directory could not be removed: " + error.message());
  return {};
}

Result<ServerProcess> ServerProcess::start(const std::string& program, std::vector<std::string> arguments,
                                           const std::string& directory, const std::string& log) {
  runtime::UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno("open " + log, errno);
  file = runtime::real::lift_fd(std::move(file));
  arguments.insert(arguments.begin(), "footman");
  runtime::real::SpawnRequest request;
  request.program = program;
  request.arguments = std::move(arguments);
  request.environment = our_environment();
  request.directory = directory;
  request.output_fd = file.get();
  request.dies_with_parent = true;
  FOOTMAN_TRY(auto child, runtime::real::spawn_detached(request));
  return ServerProcess(std::move(child));
}

ServerProcess::~ServerProcess() {
  if (!child_.pidfd.is_open() || !end().empty()) return;
  signal(SIGKILL);
  while (::waitpid(pid(), nullptr, 0) < 0 && errno == EINTR) {
  }
}

const std::string& ServerProcess::end() {
  if (!end_.empty()) return end_;
  if (const auto ended = runtime::real::reap(child_.pidfd.get())) {
    ended_well_ = ended->exit_status == 0;
    end_ = ended->exit_status ? fmt::format("exit status {}", *ended->exit_status)
                              : fmt::format("signal {}", ended->signal);
  }
  return end_;
}

void ServerProcess::signal(int number) const {
  if (end_.empty()) ::kill(pid(), number);  // not reaped: the number is still its own
}

Awaitable<bool> ServerProcess::wait(runtime::Clock& clock, Duration limit) {
  const auto until = clock.steady() + limit;
  while (end().empty()) {
    if (clock.steady() >= until) co_return false;
    co_await runtime::sleep_for(clock, kLook);
  }
  co_return true;
}

std::vector<pid_t> find_processes_of(const std::string& directory) {
  std::vector<pid_t> found;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator("/proc", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const auto name = it->path().filename().string();
    const auto pid = base::find_number<pid_t>(name);
    if (pid && *pid != ::getpid() && is_of(it->path(), directory)) found.push_back(*pid);
  }
  return found;
}

std::string last_lines(const std::string& path, std::size_t count) {
  auto text = runtime::real::read_file_end(path, kMaxLogTailBytes);
  while (text.ends_with('\n')) text.pop_back();
  std::size_t at = text.size();
  for (std::size_t lines = 0; lines < count && at != std::string::npos && at > 0; ++lines) {
    at = text.rfind('\n', at - 1);
  }
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

}  // namespace footman::cli
