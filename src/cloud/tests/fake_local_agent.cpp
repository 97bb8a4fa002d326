// Stands in for footman-agent in the tests of the local cloud. What it does is told by FAKE_AGENT in its
// environment:
//   "wait"      until SIGTERM, then leaves with status 0 and an exit file
//   "stubborn"  ignores SIGTERM and has a child in a session of its own
//   "fifo"      leaves at once with status 5 and a FIFO for an exit file
//   "forge"     has a child in a session of its own, writes an exit file of a good end and kills itself
//   "hide"      has a child in a session of its own and without an environment, and kills itself
//   "headless"  has a child in a session of its own, whose first thread ends, and kills itself
//   "exit:N"    leaves at once with status N and no exit file
//   "say:N"     the same, after it has said why
// Before that it writes what it sees to <work dir>/seen.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern char** environ;

namespace {

std::string value_of(int argc, char** argv, const char* flag) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], flag) == 0) return argv[i + 1];
  return {};
}

void write_seen(int argc, char** argv, const std::string& directory) {
  std::string text;
  for (int i = 0; i < argc; ++i) text += std::string("arg ") + argv[i] + "\n";
  for (char** one = environ; *one != nullptr; ++one) text += std::string("env ") + *one + "\n";
  for (int fd = 0; fd < 256; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) text += "fd " + std::to_string(fd) + "\n";
  text += "sid " + std::to_string(getsid(0) == getpid()) + "\n";
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  text += "nofile " + std::to_string(files.rlim_cur) + "\n";
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  text += "term_blocked " + std::to_string(sigismember(&mask, SIGTERM)) + "\n";
  FILE* file = std::fopen((directory + "/seen.tmp").c_str(), "w");
  std::fputs(text.c_str(), file);
  std::fclose(file);
  std::rename((directory + "/seen.tmp").c_str(), (directory + "/seen").c_str());
}

void write_exit_file(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs(R"({"exit_status": 0, "signal": 0, "out_of_memory": false, "text": "left in order"})", file);
  std::fclose(file);
}

// A process that leaves its session and says where it is.
void start_child(const std::string& directory, bool hides = false) {
  if (fork() != 0) return;
  setsid();
  close(3);
  FILE* file = std::fopen((directory + "/child.tmp").c_str(), "w");
  std::fprintf(file, "%d\n", static_cast<int>(getpid()));
  std::fclose(file);
  std::rename((directory + "/child.tmp").c_str(), (directory + "/child").c_str());
  if (hides) execle("/bin/sleep", "sleep", "60", nullptr, std::initializer_list<char*>{nullptr}.begin());
  while (true) pause();
}

// Until the child has said it.
void await_child(const std::string& directory) {
  while (access((directory + "/child").c_str(), F_OK) != 0) usleep(1000);
}

}  // namespace

int main(int argc, char** argv) {
  const char* behaviour = std::getenv("FAKE_AGENT");
  const std::string what = behaviour != nullptr ? behaviour : "wait";
  sigset_t terms;
  sigemptyset(&terms);
  sigaddset(&terms, SIGTERM);
  const auto directory = value_of(argc, argv, "--work-dir");
  const auto exit_file = value_of(argc, argv, "--exit-file");
  write_seen(argc, argv, directory);
  sigprocmask(SIG_BLOCK, &terms, nullptr);
  if (what == "stubborn") {
    start_child(directory);
    while (true) pause();
  }
  if (what == "forge") {
    start_child(directory);
    await_child(directory);
    write_exit_file(exit_file);
    raise(SIGKILL);
  }
  if (what == "hide") {
    start_child(directory, true);
    await_child(directory);
    raise(SIGKILL);
  }
  if (what == "headless") {
    if (fork() == 0) {
      setsid();
      close(3);
      execl(LEADERLESS, "leaderless", (directory + "/child").c_str(), nullptr);
      _exit(1);
    }
    await_child(directory);
    raise(SIGKILL);
  }
  if (what == "fifo") return mkfifo(exit_file.c_str(), 0600) == 0 ? 5 : 1;
  if (what.starts_with("say:")) {
    std::fputs("one\ntwo\nthe proxy http://me:hunter2@proxy:3128 does not answer\nno \x1b[31mway\xff\n\n",
               stderr);
    return std::atoi(what.c_str() + 4);
  }
  if (what.starts_with("exit:")) return std::atoi(what.c_str() + 5);
  int got = 0;
  sigwait(&terms, &got);
  write_exit_file(exit_file);
  return 0;
}
