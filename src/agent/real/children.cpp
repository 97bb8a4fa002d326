#include "agent/real/children.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "runtime/real/processes.hpp"

namespace footman::agent::real {
namespace {

constexpr int kEndSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
constexpr int kKillRounds = 1000;  // of kill_all_children, each up to 10 ms long

sigset_t heard_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, guardian_gone_signal());
  for (const int number : kEndSignals) ::sigaddset(&set, number);
  return set;
}

runtime::UniqueFd open_signals() {
  const auto set = heard_signals();
  runtime::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) throw std::runtime_error("signalfd: " + base::fail_errno("", errno).error().message);
  return fd;
}

timeval sum_of(timeval a, timeval b) {
  timeval sum{a.tv_sec + b.tv_sec, a.tv_usec + b.tv_usec};
  if (sum.tv_usec >= 1'000'000) {
    sum.tv_usec -= 1'000'000;
    ++sum.tv_sec;
  }
  return sum;
}

void sleep_10_ms() {
  const timespec pause{0, 10'000'000};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

void add_usage(rusage& sum, const rusage& more) {
  sum.ru_utime = sum_of(sum.ru_utime, more.ru_utime);
  sum.ru_stime = sum_of(sum.ru_stime, more.ru_stime);
  sum.ru_maxrss = std::max(sum.ru_maxrss, more.ru_maxrss);
}

bool asks_to_end(int number) {
  return std::find(std::begin(kEndSignals), std::end(kEndSignals), number) != std::end(kEndSignals);
}

int guardian_gone_signal() { return SIGRTMIN + 1; }

void Children::block_signals() {
  const auto set = heard_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  // Ignored ones, as some parents leave them, would neither be heard nor leave children to wait for.
  for (const int number : {SIGCHLD, SIGTERM, SIGQUIT}) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Children::Children(const runtime::Executor& executor, OnSignal on_signal)
    : on_signal_(std::move(on_signal)), signals_(executor, open_signals()) {}

runtime::Awaitable<void> Children::run() {
  while (true) {
    co_await signals_.readable();
    signalfd_siginfo info;
    bool child = false;
    while (::read(signals_.fd(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const auto number = static_cast<int>(info.ssi_signo);
      if (number == SIGCHLD)
        child = true;
      else
        on_signal_(number);
    }
    if (child) reap();
  }
}

void Children::watch(pid_t pid, std::function<void(const ChildExit&)> on_exit) {
  watched_[pid] = std::move(on_exit);
}

bool Children::reap() {
  bool any = false;
  while (true) {
    ChildExit exit;
    const pid_t pid = ::wait4(-1, &exit.status, WNOHANG | __WALL, &exit.usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0 && any && none_left_) none_left_();
    if (pid <= 0) return pid < 0;
    any = true;
    const auto found = watched_.find(pid);
    if (found == watched_.end()) {
      add_usage(orphans_, exit.usage);
    } else {
      const auto call = std::move(found->second);
      watched_.erase(found);
      call(exit);
    }
    ended_.notify();
  }
}

rusage Children::take_orphans_usage() { return std::exchange(orphans_, {}); }

bool kill_all_children(const std::string& cookie) {
  const pid_t self = ::getpid();
  for (int round = 0; round < kKillRounds; ++round) {
    auto victims = runtime::real::find_descendants(self);
    if (!cookie.empty())
      for (const auto pid : runtime::real::find_by_cookie(cookie))
        if (pid != ::getppid()) victims.push_back(pid);
    for (const auto pid : victims) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) continue;
    if (victims.empty()) return true;
    if (round > 0) sleep_10_ms();
  }
  return false;
}

}  // namespace footman::agent::real
