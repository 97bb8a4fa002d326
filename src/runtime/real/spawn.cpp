#include "runtime/real/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace footman::runtime::real {
namespace {

using base::Errc;

constexpr std::size_t kChildStackBytes = 64 << 10;
constexpr std::size_t kSignalSetBytes = 8;  // of the kernel: 64 signals
constexpr int kLockFd = 3;
constexpr int kFirstFreeFd = 10;  // 0 to 3 are set up in the child
constexpr const char* kExecute = "execute";

// The parent reads it once the child has executed its program or is gone.
struct ChildAnswer {
  const char* failed_step = nullptr;
  int failed_errno = 0;
  std::uint64_t start_ticks = 0;
};

// The child runs in the parent's memory or a copy of it (the parent's thread stands still until exec), so
// everything it needs is laid out here beforehand and it calls nothing but the kernel.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* directory = nullptr;
  int lock_fd = -1;
  int input_fd = -1;
  int output_fd = -1;
  pid_t parent = 0;  // whose death ends the child, or 0
  const std::pair<int, rlimit>* limits = nullptr;
  std::size_t limit_count = 0;
  const char* const* cgroup_procs = nullptr;  // files
  std::size_t cgroup_count = 0;
  ChildAnswer* answer = nullptr;
};

#define FOOTMAN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

FOOTMAN_CHILD std::size_t put_number(char* out, std::uint64_t value) {
  char reversed[20];
  std::size_t count = 0;
  do {
    reversed[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value > 0);
  for (std::size_t i = 0; i < count; ++i) out[i] = reversed[count - 1 - i];
  return count;
}

FOOTMAN_CHILD std::uint64_t own_start_ticks() {
  const int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const auto got = ::read(fd, text, sizeof text);
  ::close(fd);
  return got > 0 ? start_ticks_of_stat(text, static_cast<std::size_t>(got)) : 0;
}

// Asks the kernel itself: the C library keeps its own signals (32 and 33) out of reach, yet they may come
// ignored from whoever started us. All zero is the default action with no flags and an empty mask.
FOOTMAN_CHILD void reset_signals() {
  unsigned long action[8];  // as large as any kernel's struct
  for (auto& word : action) word = 0;
  for (int number = 1; number <= 64; ++number)
    ::syscall(SYS_rt_sigaction, number, action, nullptr, kSignalSetBytes);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, action, nullptr, kSignalSetBytes);
}

// All descriptors in the plan are 10 or higher, so that moving one cannot overwrite another.
FOOTMAN_CHILD bool set_descriptors(ChildPlan* plan) {
  int null_fd = -1;
  if (plan->input_fd < 0 || plan->output_fd < 0) {
    null_fd = ::open("/dev/null", O_RDWR);
    if (null_fd < 0) return false;
  }
  const int input = plan->input_fd >= 0 ? plan->input_fd : null_fd;
  const int output = plan->output_fd >= 0 ? plan->output_fd : null_fd;
  if (::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) return false;
  if (input != 0 && ::dup2(input, 0) < 0) return false;
  if (plan->lock_fd >= 0 && ::dup2(plan->lock_fd, kLockFd) < 0) return false;
  const unsigned first = plan->lock_fd >= 0 ? kLockFd + 1 : kLockFd;
  return ::syscall(SYS_close_range, first, ~0U, 0U) == 0;
}

FOOTMAN_CHILD void join_cgroups(const ChildPlan* plan) {
  for (std::size_t i = 0; i < plan->cgroup_count; ++i) {
    const int fd = ::open(plan->cgroup_procs[i], O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    [[maybe_unused]] const auto put = ::write(fd, "0", 1);
    ::close(fd);
  }
}

FOOTMAN_CHILD bool write_launched(const ChildPlan* plan) {
  if (plan->lock_fd < 0) return true;
  char line[80] = "launched ";
  std::size_t size = 9;
  size += put_number(line + size, static_cast<std::uint64_t>(::getpid()));
  line[size++] = ':';
  size += put_number(line + size, plan->answer->start_ticks);
  line[size++] = '\n';
  return ::write(kLockFd, line, size) == static_cast<ssize_t>(size);
}

FOOTMAN_CHILD int child_fails(ChildPlan* plan, const char* step) {
  plan->answer->failed_errno = errno;
  plan->answer->failed_step = step;
  ::_exit(127);
}

FOOTMAN_CHILD int run_child(void* argument) {
  auto* plan = static_cast<ChildPlan*>(argument);
  reset_signals();
  if (::setsid() < 0) return child_fails(plan, "setsid");
  if (plan->parent != 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan->parent) ::_exit(127);  // it is gone already
  }
  ::umask(022);
  join_cgroups(plan);
  if (::chdir(plan->directory) < 0) return child_fails(plan, "enter the work directory");
  if (!set_descriptors(plan)) return child_fails(plan, "set up descriptors");
  plan->answer->start_ticks = own_start_ticks();
  if (plan->answer->start_ticks == 0 && plan->lock_fd >= 0) return child_fails(plan, "read /proc/self/stat");
  if (!write_launched(plan)) return child_fails(plan, "write the token file");
  // Last, as our own many descriptors may be above the limit until they are closed.
  for (std::size_t i = 0; i < plan->limit_count; ++i)
    ::setrlimit(static_cast<__rlimit_resource>(plan->limits[i].first), &plan->limits[i].second);
  ::execve(plan->program, plan->argv, plan->envp);
  return child_fails(plan, kExecute);
}

std::vector<char*> to_pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// What both sides write: the answer, above it the child's stack.
class ChildArea {
 public:
  ChildArea()
      : memory_(
            ::mmap(nullptr, kChildStackBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (is_mapped()) new (memory_) ChildAnswer();
  }
  ChildArea(const ChildArea&) = delete;
  ChildArea& operator=(const ChildArea&) = delete;
  ~ChildArea() {
    if (is_mapped()) ::munmap(memory_, kChildStackBytes);
  }
  bool is_mapped() const { return memory_ != MAP_FAILED; }
  ChildAnswer* answer() const { return static_cast<ChildAnswer*>(memory_); }
  void* stack_top() const { return static_cast<char*>(memory_) + kChildStackBytes; }

 private:
  void* memory_;
};

struct AllSignalsBlocked {
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before;
};

struct Child {
  pid_t pid = -1;
  int pidfd = -1;
  int clone_errno = 0;
};

// Shares our memory, which costs nothing however much we have.
Child clone_sharing(ChildPlan& plan, const ChildArea& area) {
  Child child;
  child.pid = ::clone(&run_child, area.stack_top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan,
                      &child.pidfd);
  child.clone_errno = errno;
  return child;
}

#ifdef __x86_64__
// Where the child begins, on its own stack.
[[noreturn]] FOOTMAN_CHILD void enter_child(void* plan) { ::_exit(run_child(plan)); }

// clone3 with a stack of the child's own. The C library has no function for it, and one written in C would
// return on that empty stack.
FOOTMAN_CHILD long call_clone3(clone_args* args, ChildPlan* plan) {
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "mov %[plan], %%rdi\n\t"
      "call *%[enter]\n"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), [plan] "r"(plan), [enter] "r"(&enter_child)
      : "rcx", "r11", "cc", "memory");
  return result;
}
#endif

// Fails where the group is none of v2 or a sandbox hides the call. Shares our memory where we know how to
// give the child its stack; a copy of the page tables costs milliseconds.
FOOTMAN_CHILD Child clone_into(int cgroup_fd, ChildPlan& plan, [[maybe_unused]] const ChildArea& area) {
  Child child;
  clone_args args{};
  args.flags = CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&child.pidfd);
  args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
#ifdef __x86_64__
  args.flags |= CLONE_VM;
  args.stack = reinterpret_cast<std::uintptr_t>(area.answer());
  args.stack_size = kChildStackBytes;
  child.pid = static_cast<pid_t>(call_clone3(&args, &plan));
#else
  child.pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (child.pid == 0) ::_exit(run_child(&plan));
#endif
  return child;
}

Child start_child(const SpawnRequest& request, ChildPlan& plan, const ChildArea& area) {
  const AllSignalsBlocked blocked;  // no handler of ours may run in the child
  if (!request.cgroups.empty()) {
    const UniqueFd group(::open(request.cgroups.front().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto rest = plan;
    ++rest.cgroup_procs;
    --rest.cgroup_count;
    if (group.is_open())
      if (const auto child = clone_into(group.get(), rest, area); child.pid > 0) return child;
  }
  return clone_sharing(plan, area);
}

Errc class_of(const ChildAnswer& answer) {
  if (std::strcmp(answer.failed_step, kExecute) == 0 && answer.failed_errno != ENOMEM)
    return answer.failed_errno == EACCES ? Errc::permission_denied : Errc::not_found;
  if (answer.failed_errno == EAGAIN || answer.failed_errno == ENOMEM || answer.failed_errno == EMFILE)
    return Errc::resource_exhausted;
  return Errc::io;
}

}  // namespace

base::Result<Spawned> spawn_detached(const SpawnRequest& request) {
  const auto argv = to_pointers(request.arguments);
  const auto envp = to_pointers(request.environment);
  std::vector<std::string> procs_files;
  std::vector<const char*> procs;
  procs_files.reserve(request.cgroups.size());
  procs.reserve(request.cgroups.size());
  for (const auto& directory : request.cgroups)
    procs.push_back(procs_files.emplace_back(directory + "/cgroup.procs").c_str());

  ChildPlan plan;
  plan.program = request.program.c_str();
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.directory = request.directory.c_str();
  plan.lock_fd = request.lock_fd;
  plan.input_fd = request.input_fd;
  plan.output_fd = request.output_fd;
  plan.parent = request.dies_with_parent ? ::getpid() : 0;
  plan.limits = request.limits.data();
  plan.limit_count = request.limits.size();
  plan.cgroup_procs = procs.data();
  plan.cgroup_count = procs.size();

  const ChildArea area;
  if (!area.is_mapped()) return base::fail_errno("map the child's stack", errno);
  plan.answer = area.answer();
  const auto child = start_child(request, plan, area);
  if (child.pid < 0)
    return base::fail(Errc::resource_exhausted,
                      std::string("start a process: ") + std::strerror(child.clone_errno));
  UniqueFd pidfd(child.pidfd);
  const auto& answer = *area.answer();
  if (answer.failed_step != nullptr) {
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED);
    return base::fail(class_of(answer), std::string(answer.failed_step) + " (" + request.program +
                                            "): " + std::strerror(answer.failed_errno));
  }
  return Spawned{{child.pid, answer.start_ticks}, std::move(pidfd)};
}

std::string find_program(const std::string& name, std::string_view path_variable) {
  if (name.find('/') != name.npos) return name;
  while (!path_variable.empty()) {
    const auto end = std::min(path_variable.find(':'), path_variable.size());
    const auto folder = path_variable.substr(0, end);
    path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
    if (folder.empty()) continue;
    auto candidate = std::string(folder) + "/" + name;
    struct stat info{};
    if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return name;
}

UniqueFd lift_fd(UniqueFd fd) {
  if (!fd.is_open() || fd.get() >= kFirstFreeFd) return fd;
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
}

}  // namespace footman::runtime::real
