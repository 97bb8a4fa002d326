#include "agent/real/guardian.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "agent/real/children.hpp"
#include "agent/real/step_group.hpp"
#include "base/log.hpp"
#include "runtime/unique_fd.hpp"

namespace footman::agent::real {
namespace {

constexpr int kStatusOfSignal = 128;
constexpr int kCannotStart = 1;
constexpr std::size_t kMaxSentenceBytes = 1000;

struct SessionEnd {
  int status = 0;  // as of wait(2)
  bool out_of_memory = false;
  std::string sentence;
};

// Until the session has ended: reaps, and passes on the signals that ask the agent to go.
int wait_for(pid_t session) {
  sigset_t all;
  ::sigfillset(&all);
  while (true) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&all, &info);
    // A terminal sends its signals to the session as well.
    if (number > 0 && asks_to_end(number) && info.si_code != SI_KERNEL) ::kill(session, number);
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG | __WALL)) > 0;)
      if (pid == session) return status;
  }
}

// The last words on the pipe: one of these, then the sentence.
constexpr char kPlain = ' ';
constexpr char kOutOfMemory = 'm';

void read_last_words(int fd, SessionEnd& end) {
  std::string text(kMaxSentenceBytes + 1, '\0');
  const auto got = ::read(fd, text.data(), text.size());
  if (got <= 0) return;
  text.resize(static_cast<std::size_t>(got));
  end.out_of_memory = text.front() == kOutOfMemory;
  end.sentence = text.substr(1);
}

std::string describe(const SessionEnd& end) {
  if (end.out_of_memory)
    return end.sentence.empty() ? "The agent ran out of memory and was killed." : end.sentence;
  if (WIFSIGNALED(end.status))
    return fmt::format("The agent's session was killed by signal {} ({}).", WTERMSIG(end.status),
                       ::strsignal(WTERMSIG(end.status)));
  if (!end.sentence.empty()) return end.sentence;
  return fmt::format("The agent exited with status {}.", WEXITSTATUS(end.status));
}

void write_exit_file(const std::string& path, const SessionEnd& end) {
  if (path.empty()) return;
  const auto status =
      WIFEXITED(end.status) ? fmt::format("\"exit_status\": {}, ", WEXITSTATUS(end.status)) : "";
  const auto text = fmt::format("{{{}\"signal\": {}, \"out_of_memory\": {}, \"text\": {}}}\n", status,
                                WIFSIGNALED(end.status) ? WTERMSIG(end.status) : 0, end.out_of_memory,
                                base::json_quote(describe(end)));
  const auto half = path + ".part";
  ::unlink(half.c_str());  // a step may have put a FIFO there: opening that would wait for ever
  const runtime::UniqueFd fd(::open(half.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.is_open() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return;
  ::rename(half.c_str(), path.c_str());
}

void start_session(pid_t guardian) {
  ::prctl(PR_SET_PDEATHSIG, guardian_gone_signal());
  if (::getppid() != guardian) ::_exit(kCannotStart);  // it is gone already
}

}  // namespace

void LastWords::say(const std::string& sentence, bool out_of_memory) const {
  const auto words = (out_of_memory ? kOutOfMemory : kPlain) + sentence.substr(0, kMaxSentenceBytes);
  [[maybe_unused]] const auto put = ::write(fd_, words.data(), words.size());
}

int guard(const GuardianConfig& config, const std::function<int(const LastWords&)>& session) {
  int words[2];
  if (::pipe2(words, O_CLOEXEC | O_NONBLOCK) != 0) return kCannotStart;
  const runtime::UniqueFd reader(words[0]);
  runtime::UniqueFd writer(words[1]);
  Children::block_signals();
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const auto memory_kills = MemoryKills::find();
  const auto kills_before = memory_kills.count();
  const pid_t guardian = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    std::fprintf(stderr, "footman-agent: cannot start a process: %s\n", ::strerror(errno));
    return kCannotStart;
  }
  if (child == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    start_session(guardian);
    ::_exit(session(LastWords(writer.get())));
  }
  writer.reset();
  if (config.forget) config.forget();
  SessionEnd end;
  end.status = wait_for(child);
  end_groups_of(child);
  kill_all_children(config.cookie);
  end_groups_of(child);  // empty now
  if (config.clean_up) config.clean_up();
  read_last_words(reader.get(), end);
  if (WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL && memory_kills.count() > kills_before)
    end.out_of_memory = true;
  write_exit_file(config.exit_file, end);
  return WIFSIGNALED(end.status) ? kStatusOfSignal + WTERMSIG(end.status) : WEXITSTATUS(end.status);
}

}  // namespace footman::agent::real
