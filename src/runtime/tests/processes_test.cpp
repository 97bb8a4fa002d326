// A process whose first thread has ended looks dead from outside; it is not.
#include "runtime/real/processes.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "runtime/real/cgroup_mounts.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/spawn.hpp"

using namespace footman::runtime::real;

namespace {

class Leaderless {
 public:
  explicit Leaderless(const std::string& cgroup = {}) {
    std::string pattern = std::filesystem::temp_directory_path() / "footman-leaderless-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    SpawnRequest request;
    request.program = LEADERLESS;
    request.arguments = {LEADERLESS, directory_ + "/pid"};
    request.environment = {std::string(kCookieVariable) + "=" + cookie};
    request.directory = directory_;
    if (!cgroup.empty()) request.cgroups = {cgroup};
    auto spawned = spawn_detached(request);
    REQUIRE(spawned.has_value());
    pid = spawned->id.pid;
    pidfd_ = std::move(spawned->pidfd);
    while (!std::filesystem::exists(directory_ + "/pid")) ::usleep(1000);
  }
  Leaderless(const Leaderless&) = delete;
  Leaderless& operator=(const Leaderless&) = delete;
  ~Leaderless() {
    ::kill(pid, SIGKILL);
    await_end();
    std::filesystem::remove_all(directory_);
  }
  // The signal that it ended by.
  int await_end() {
    if (!end_) ::waitpid(pid, &end_.emplace(), 0);
    return WTERMSIG(*end_);
  }
  bool ends() {  // within seconds
    for (int i = 0; i < 5000 && !has_ended(pidfd_.get()); ++i) ::usleep(1000);
    return has_ended(pidfd_.get());
  }

  pid_t pid = 0;
  const std::string cookie = "leaderless-" + std::to_string(::getpid());

 private:
  std::string directory_;
  footman::runtime::UniqueFd pidfd_;
  std::optional<int> end_;
};

std::string own_v2_group() {
  const auto mounts = read_small_file("/proc/self/mountinfo", 1 << 20);
  const auto self = read_small_file("/proc/self/cgroup", 1 << 20);
  if (!mounts || !self) return {};
  return find_own_group(parse_cgroup_mounts(*mounts), *self, "").value_or("");
}

}  // namespace

TEST_CASE("a process whose first thread has ended is found, by descent and by cookie, and killed") {
  Leaderless process;
  const auto below = find_descendants(::getpid());
  CHECK(std::ranges::count(below, process.pid) == 1);
  CHECK(find_by_cookie(process.cookie) == std::vector<pid_t>{process.pid});
  CHECK(kill_by_cookie(process.cookie) >= 1);
  REQUIRE(process.ends());
  // Now it is a zombie like any other, until its parent has looked.
  CHECK(std::ranges::count(find_descendants(::getpid()), process.pid) == 0);
  CHECK(process.await_end() == SIGKILL);
}

TEST_CASE("the end of a control group is that of a process whose first thread has ended, too") {
  const auto own = own_v2_group();
  const auto group = own + "/footman-test-" + std::to_string(::getpid());
  if (own.empty() || ::mkdir(group.c_str(), 0755) != 0) {
    MESSAGE("not tested: no v2 control group can be made here");
    return;
  }
  const auto below = group + "/of-a-step";
  REQUIRE(::mkdir(below.c_str(), 0755) == 0);
  {
    Leaderless here(group);
    Leaderless there(below);
    CHECK(kill_cgroup(group));
    CHECK(here.ends());
    CHECK(there.ends());
  }
  CHECK_FALSE(kill_cgroup(group));
  CHECK(::rmdir(below.c_str()) == 0);
  CHECK(::rmdir(group.c_str()) == 0);
}
