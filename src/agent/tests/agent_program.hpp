// One run of the program footman-agent, as the local cloud starts it: a lock, a cookie, files of its own.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/real/spawn.hpp"

namespace footman::agent::testing {

namespace fs = std::filesystem;

inline constexpr const char* kSecret = "0123456789abcdef-bootstrap-secret-fedcba9876543210";

inline std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Program {
 public:
  Program() {
    std::string pattern = fs::temp_directory_path() / "footman-program-XXXXXX";
    work_dir = ::mkdtemp(pattern.data());
    exit_file = work_dir + "/exit.json";
    cookie = fs::path(work_dir).filename();
  }
  ~Program() {
    if (pid > 0 && !status) ::kill(pid, SIGKILL);
    runtime::real::kill_by_cookie(cookie);
    if (pid > 0 && !status) ::waitpid(pid, nullptr, 0);
    fs::remove_all(work_dir);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string work_dir;
  std::string exit_file;
  std::string cookie;
  std::vector<std::string> wrapper;  // in front of the program
  std::string command = "run";
  std::vector<std::string> cgroups;
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin"};
  std::string binary = FOOTMAN_AGENT_BINARY;
  pid_t pid = 0;
  std::optional<int> status;

  void start(std::vector<std::string> more, bool secret_in_file = true) {
    if (secret_in_file) {
      std::ofstream(work_dir + "/secret") << kSecret << "\n";
      more.insert(more.end(), {"--secret-file", work_dir + "/secret"});
    } else {
      environment.push_back(std::string("FOOTMAN_AGENT_SECRET=") + kSecret);
    }
    start_bare(more);
  }
  // Without a secret.
  void start_bare(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = wrapper;
    for (const auto& one : {binary, command, std::string("--name"), std::string("a"),
                            std::string("--log-level"), std::string("warning")})
      arguments.push_back(one);
    if (wrapper.empty())
      for (const auto& one : {std::string("--work-dir"), work_dir, std::string("--exit-file"), exit_file})
        arguments.push_back(one);
    arguments.insert(arguments.end(), more.begin(), more.end());
    lock_ = runtime::real::lift_fd(
        runtime::UniqueFd(::open((work_dir + "/token").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
    REQUIRE(::flock(lock_.get(), LOCK_EX) == 0);
    const auto log = runtime::real::lift_fd(
        runtime::UniqueFd(::open((work_dir + "/agent.log").c_str(), O_WRONLY | O_CREAT, 0600)));
    environment.push_back("FOOTMAN_AGENT_COOKIE=" + cookie);
    environment.push_back("FOOTMAN_AGENT_LOCK_FD=3");
    runtime::real::SpawnRequest request;
    request.program = arguments.front();
    request.arguments = arguments;
    request.environment = environment;
    request.directory = work_dir;
    request.lock_fd = lock_.get();
    request.output_fd = log.get();
    request.cgroups = cgroups;
    auto spawned = runtime::real::spawn_detached(request);
    REQUIRE_MESSAGE(spawned.has_value(), (spawned ? "" : base::describe(spawned.error())));
    pid = spawned->id.pid;
    lock_.reset();  // the agent's processes hold it now
  }
  bool ended() {
    int value = 0;
    if (!status && ::waitpid(pid, &value, WNOHANG) == pid) status = value;
    return status.has_value();
  }
  int exit_code() const { return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1; }
  pid_t session() const {
    for (const auto one : runtime::real::find_descendants(pid))
      if (holds(text_of("/proc/" + std::to_string(one) + "/comm"), "footman-agent")) return one;
    return 0;
  }
  bool nothing_is_left() const { return runtime::real::find_by_cookie(cookie).empty(); }
  bool is_locked() const {
    const runtime::UniqueFd fd(::open((work_dir + "/token").c_str(), O_RDWR | O_CLOEXEC));
    return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
  }
  std::string log() const { return text_of(work_dir + "/agent.log"); }

 private:
  runtime::UniqueFd lock_;
};

}  // namespace footman::agent::testing
