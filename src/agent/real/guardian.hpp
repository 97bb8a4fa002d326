// Two processes make an agent. The first one, which the cloud knows, is the guardian: it does nothing but
// wait, so that it is there when the second one, the session, is killed. It then kills the whole tree, which
// has become its children, and writes down how the session ended. The other way round, the session hears when
// the guardian is killed, kills the tree and itself.
//
//   guardian ── session ── steps and all they start
//
// Both are subreapers, so as PID 1 of a container they reap what nobody else does.
#pragma once

#include <functional>
#include <string>

namespace footman::agent::real {

struct GuardianConfig {
  std::string exit_file;  // where to write the end as JSON; empty: nowhere
  std::string cookie;     // of the tree
  // Called in the guardian once the session has its copy of everything: wipes what a guardian need not know.
  std::function<void()> forget;
  // Called in the guardian when nothing of the tree is left, however it ended; may be empty.
  std::function<void()> clean_up;
};

// What the session says about its end before it exits.
class LastWords {
 public:
  explicit LastWords(int fd) : fd_(fd) {}
  // out_of_memory: what it stood for was killed for want of memory.
  void say(const std::string& sentence, bool out_of_memory = false) const;

 private:
  int fd_;
};

// Call in a process without threads. Forks: `session` runs in the child, and what it returns is its exit
// status. Returns in the guardian, with the exit status for the whole program, when the session has ended and
// nothing of the tree is left: the session's status, or 128 + signal.
int guard(const GuardianConfig& config, const std::function<int(const LastWords&)>& session);

}  // namespace footman::agent::real
