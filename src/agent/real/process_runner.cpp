#include "agent/real/process_runner.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "runtime/real/processes.hpp"
#include "runtime/real/spawn.hpp"

namespace footman::agent::real {

using base::Duration;
using base::Errc;
using runtime::Awaitable;
using runtime::UniqueFd;
using runtime::real::FdWatch;

namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kPipeBytes = 256 << 10;
constexpr std::int32_t kKilledInShell = 128 + SIGKILL;  // how a shell passes its child's end on

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

std::optional<Pipe> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{UniqueFd(ends[0]), runtime::real::lift_fd(UniqueFd(ends[1]))};
}

// /dev/null, or something else that is at its end where there is none.
UniqueFd open_empty_input() {
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null.is_open()) return runtime::real::lift_fd(std::move(null));
  auto pipe = open_pipe();
  return pipe ? runtime::real::lift_fd(std::move(pipe->read_end)) : UniqueFd();
}

Duration duration_of(timeval time) {
  return Duration(std::int64_t{time.tv_sec} * 1'000'000 + std::int64_t{time.tv_usec});
}

void put_variable(std::map<std::string, std::string>& all, std::string_view variable) {
  const auto equals = variable.find('=');
  if (equals == 0 || equals == variable.npos) return;
  all[std::string(variable.substr(0, equals))] = std::string(variable.substr(equals + 1));
}

}  // namespace

std::vector<std::string> make_environment(const std::vector<std::string>& own, const std::string& workspace,
                                          const std::vector<protocol::EnvVar>& build,
                                          const std::string& cookie) {
  std::map<std::string, std::string> all;
  all["PATH"] = kDefaultPath;
  all["HOME"] = workspace;
  for (const auto& variable : own)
    if (!variable.starts_with(kOwnVariables)) put_variable(all, variable);
  for (const auto& variable : build) all[variable.name] = std::string(variable.value.expose());
  all["WORKSPACE"] = workspace;
  if (!cookie.empty()) all[std::string(runtime::real::kCookieVariable)] = cookie;
  std::vector<std::string> out;
  out.reserve(all.size());
  for (auto& [name, value] : all) {
    out.emplace_back(name).append("=").append(value);
    base::wipe(value);
  }
  return out;
}

// Shared with the steps: a step that is dropped late finds it alive.
struct ProcessRunner::State : std::enable_shared_from_this<State> {
  State(runtime::Executor the_executor, runtime::Clock& the_clock, base::Logger the_log,
        Children& the_children, ProcessRunnerConfig the_config)
      : executor(std::move(the_executor)),
        clock(the_clock),
        log(std::move(the_log)),
        children(the_children),
        config(std::move(the_config)),
        workspaces(config.work_dir) {
    children.on_none_left([this] {
      if (output) output->cancel();  // a read that waits looks again
    });
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { children.on_none_left({}); }

  void look_around();
  base::Status open_output();
  void signal_all(int number) const;
  void kill_all() const;
  Awaitable<bool> wait_until_gone(Duration limit, bool killing);

  runtime::Executor executor;
  runtime::Clock& clock;
  base::Logger log;
  Children& children;
  ProcessRunnerConfig config;
  bool looked_around = false;
  std::string group_root;
  MemoryKills memory_kills;
  std::uint64_t groups_made = 0;
  Workspaces workspaces;
  std::vector<StepGroup> groups;  // of the build's steps so far
  // The build's pipe: processes that outlive their step go on writing to it.
  std::unique_ptr<FdWatch> output;
  UniqueFd output_writer;
};

// Not before the first step: an agent that comes up has no time for it.
void ProcessRunner::State::look_around() {
  if (std::exchange(looked_around, true)) return;
  if (config.use_cgroups) group_root = find_group_root();
  memory_kills = MemoryKills::find();
}

base::Status ProcessRunner::State::open_output() {
  if (output) return {};
  auto pipe = open_pipe();
  if (!pipe) return base::fail_errno("make a pipe", errno);
  ::fcntl(pipe->read_end.get(), F_SETPIPE_SZ, kPipeBytes);  // more is only faster
  output_writer = std::move(pipe->write_end);
  output = std::make_unique<FdWatch>(executor, std::move(pipe->read_end));
  return {};
}

void ProcessRunner::State::signal_all(int number) const {
  for (const auto pid : runtime::real::find_descendants(::getpid())) {
    ::kill(pid, number);
    ::kill(pid, SIGCONT);  // one that is stopped would hear it never
  }
}

void ProcessRunner::State::kill_all() const {
  for (const auto& group : groups) group.kill();
  for (const auto pid : runtime::real::find_descendants(::getpid())) ::kill(pid, SIGKILL);
}

// True once no process is left below us.
Awaitable<bool> ProcessRunner::State::wait_until_gone(Duration limit, bool killing) {
  const auto until = clock.steady() + limit;
  while (!children.reap()) {
    const auto left = until - clock.steady();
    if (left <= Duration(0)) co_return false;
    if (killing) kill_all();
    co_await children.ended().wait_for(clock, killing ? std::min(left, kKillAgain) : left);
  }
  co_return true;
}

// --- a step

class ProcessRunner::Step final : public RunningStep {
 public:
  Step(std::shared_ptr<State> state, std::string script, std::uint64_t memory_kills)
      : state_(std::move(state)), script_(std::move(script)), memory_kills_(memory_kills) {}
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step() override;

  base::Status launch(runtime::real::SpawnRequest request);
  Awaitable<std::string> read(std::size_t max) override;
  Awaitable<StepEnd> wait() override;
  void end(Duration grace) override;

 private:
  void on_exit(const ChildExit& exit);
  bool is_over() const;
  void kill();
  std::string read_now(std::size_t max);
  StepEnd describe() const;

  std::shared_ptr<State> state_;
  std::string script_;
  std::uint64_t memory_kills_;  // counted before
  pid_t pid_ = 0;
  std::optional<ChildExit> exit_;
  std::size_t rest_ = 0;  // bytes in the pipe when the first process ended, not read yet
  bool ending_ = false;
  Duration kill_at_{0};  // steady
  std::unique_ptr<runtime::Timer> hard_end_;
  bool killed_ = false;
  bool gave_up_ = false;
};

ProcessRunner::Step::~Step() {
  if (pid_ != 0 && !exit_) {
    state_->children.forget(pid_);
    state_->kill_all();
  }
  ::unlink(script_.c_str());
}

base::Status ProcessRunner::Step::launch(runtime::real::SpawnRequest request) {
  auto& state = *state_;
  state.groups.emplace_back(state.group_root, group_name(::getpid(), ++state.groups_made));
  if (const auto& group = state.groups.back(); group.exists()) request.cgroups = {group.path()};
  state.children.take_orphans_usage();  // of earlier steps
  auto spawned = runtime::real::spawn_detached(request);
  for (auto& variable : request.environment) base::wipe(variable);
  if (!spawned) return std::unexpected(spawned.error());
  pid_ = spawned->id.pid;
  state.children.watch(pid_, [this](const ChildExit& exit) { on_exit(exit); });
  return {};
}

void ProcessRunner::Step::on_exit(const ChildExit& exit) {
  exit_ = exit;
  int in_pipe = 0;
  if (::ioctl(state_->output->fd(), FIONREAD, &in_pipe) == 0) rest_ = static_cast<std::size_t>(in_pipe);
  state_->output->cancel();  // a read that waits looks again
}

std::string ProcessRunner::Step::read_now(std::size_t max) {
  std::string bytes(max, '\0');
  ssize_t got = -1;
  do {
    got = ::read(state_->output->fd(), bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

// What read() has to wait for: the first process, and when the step is being ended the whole tree, whose last
// words count.
bool ProcessRunner::Step::is_over() const {
  return exit_ && (!ending_ || gave_up_ || state_->children.reap());
}

Awaitable<std::string> ProcessRunner::Step::read(std::size_t max) {
  while (!is_over()) {
    co_await state_->output->readable();
    if (exit_ && !ending_) break;
    if (auto bytes = read_now(max); !bytes.empty()) co_return bytes;
  }
  if (ending_) co_return read_now(max);
  if (rest_ == 0) co_return std::string();
  auto bytes = read_now(std::min(max, rest_));
  rest_ -= bytes.size();
  co_return bytes;
}

Awaitable<StepEnd> ProcessRunner::Step::wait() {
  while (!is_over()) co_await state_->children.ended().wait_for(state_->clock, kKillAgain);
  hard_end_.reset();
  co_return describe();
}

void ProcessRunner::Step::end(Duration grace) {
  const auto kill_at = state_->clock.steady() + grace;
  const bool first = !std::exchange(ending_, true);
  if (!first && kill_at >= kill_at_) return;
  kill_at_ = kill_at;
  if (first && grace > Duration(0)) state_->signal_all(SIGTERM);
  hard_end_ = state_->clock.call_after(state_->executor, grace, [this] { kill(); });
}

// Again and again: while we look through a tree it may grow.
void ProcessRunner::Step::kill() {
  killed_ = true;
  state_->kill_all();
  gave_up_ = state_->clock.steady() > kill_at_ + kKillLimit;
  if (gave_up_) {
    state_->log.error("processes of the step cannot be killed");
    state_->output->cancel();
  } else {
    hard_end_ = state_->clock.call_after(state_->executor, kKillAgain, [this] { kill(); });
  }
}

StepEnd ProcessRunner::Step::describe() const {
  auto usage = exit_->usage;
  add_usage(usage, state_->children.take_orphans_usage());
  const auto& group = state_->groups.back();
  StepEnd end;
  end.signal = WIFSIGNALED(exit_->status) ? static_cast<std::uint32_t>(WTERMSIG(exit_->status)) : 0;
  end.exit_status = WIFEXITED(exit_->status) ? WEXITSTATUS(exit_->status) : 0;
  end.cpu_time = std::max(duration_of(usage.ru_utime) + duration_of(usage.ru_stime),
                          group.cpu_time().value_or(Duration(0)));
  end.peak_memory_bytes =
      group.peak_memory_bytes().value_or(static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
  const bool was_killed = end.signal == SIGKILL || end.exit_status == kKilledInShell;
  end.out_of_memory = was_killed && !killed_ && state_->memory_kills.count() > memory_kills_;
  return end;
}

// --- the runner

ProcessRunner::ProcessRunner(runtime::Executor executor, runtime::Clock& clock, base::Logger log,
                             Children& children, ProcessRunnerConfig config)
    : state_(
          std::make_shared<State>(std::move(executor), clock, std::move(log), children, std::move(config))) {}
ProcessRunner::~ProcessRunner() = default;

Awaitable<base::Status> ProcessRunner::prepare(std::string workspace_key) {
  FOOTMAN_CO_TRY_STATUS(state_->workspaces.open(workspace_key));
  co_return base::Status();
}

Awaitable<base::Result<std::unique_ptr<RunningStep>>> ProcessRunner::start(StepOrder order) {
  auto& state = *state_;
  FOOTMAN_CO_TRY(auto command, interpreter_of(order.step));
  FOOTMAN_CO_TRY(const auto workspace, state.workspaces.open(order.workspace_key));
  const auto name = fmt::format("{}-{}", order.assignment.value(), order.index + 1);
  FOOTMAN_CO_TRY(const auto script, state.workspaces.write_script(name, order.step.script));
  FOOTMAN_CO_TRY_STATUS(state.open_output());
  state.look_around();

  runtime::real::SpawnRequest request;
  request.environment = make_environment(state.config.environment, workspace, order.env, state.config.cookie);
  std::string_view path;
  for (const auto& variable : request.environment)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  request.program = runtime::real::find_program(command.front(), path);
  command.push_back(script);
  request.arguments = std::move(command);
  request.directory = workspace;
  const auto input = open_empty_input();
  request.input_fd = input.get();
  request.output_fd = state.output_writer.get();
  request.dies_with_parent = true;

  auto step = std::make_unique<Step>(state_, script, state.memory_kills.count());
  FOOTMAN_CO_TRY_STATUS(step->launch(std::move(request)));
  co_return std::unique_ptr<RunningStep>(std::move(step));
}

Awaitable<std::size_t> ProcessRunner::end_build() {
  auto& state = *state_;
  std::size_t count = 0;
  if (!state.children.reap()) {
    count = runtime::real::find_descendants(::getpid()).size();
    state.signal_all(SIGTERM);
    if (!co_await state.wait_until_gone(kLeftoverGrace, false) &&
        !co_await state.wait_until_gone(kKillLimit, true))
      state.log.error("processes of the build cannot be killed");
  }
  state.groups.clear();
  state.output.reset();
  state.output_writer.reset();
  co_return count;
}

Awaitable<void> ProcessRunner::clean_up() {
  state_->workspaces.remove_all();
  co_return;
}

}  // namespace footman::agent::real
