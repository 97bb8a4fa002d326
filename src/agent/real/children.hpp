// The processes below this one, and the signals that reach it.
//
// The agent's session process is a subreaper: whatever its steps leave behind becomes its child, so "no
// child" means that the whole tree is gone, double-forked daemons in sessions of their own included.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/real/fd_watch.hpp"
#include "runtime/wait.hpp"

namespace footman::agent::real {

struct ChildExit {
  int status = 0;  // as of wait(2)
  rusage usage{};
};

class Children {
 public:
  using OnSignal = std::function<void(int number)>;

  // Call block_signals() before, and before any thread is started.
  Children(const runtime::Executor& executor, OnSignal on_signal);

  // Blocks what run() listens to and makes this process a subreaper.
  static void block_signals();

  // Reaps and calls on_signal, until it is cancelled.
  runtime::Awaitable<void> run();

  // Calls `on_exit` from run() when this child of ours has ended.
  void watch(pid_t pid, std::function<void(const ChildExit&)> on_exit);
  void forget(pid_t pid) { watched_.erase(pid); }

  // Takes what has ended. True when no child is left.
  bool reap();
  // Calls `call` each time the last child is gone.
  void on_none_left(std::function<void()> call) { none_left_ = std::move(call); }
  // What orphans used up since this was last called.
  rusage take_orphans_usage();
  // Notified when a child has ended.
  runtime::Event& ended() { return ended_; }

 private:
  OnSignal on_signal_;
  runtime::real::FdWatch signals_;
  std::map<pid_t, std::function<void(const ChildExit&)>> watched_;
  std::function<void()> none_left_;
  rusage orphans_{};
  runtime::Event ended_;
};

// Adds times, keeps the larger memory.
void add_usage(rusage& sum, const rusage& more);
// The signals that ask the agent to go.
bool asks_to_end(int number);
// Sent by the kernel when the guardian is gone.
int guardian_gone_signal();

// SIGKILL for everything below this process and all that bears the cookie, again and again until nothing is
// left or some seconds have passed. Blocks. For the end of a process only. True: nothing is left.
bool kill_all_children(const std::string& cookie);

}  // namespace footman::agent::real
