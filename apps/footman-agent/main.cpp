// footman-agent: the guardian, and in its child the session with a Footman server.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "agent/agent.hpp"
#include "agent/real/aws_prover.hpp"
#include "agent/real/children.hpp"
#include "agent/real/connector.hpp"
#include "agent/real/guardian.hpp"
#include "agent/real/install.hpp"
#include "agent/real/options.hpp"
#include "agent/real/process_runner.hpp"
#include "agent/real/secrecy.hpp"
#include "agent/real/spool_file.hpp"
#include "agent/real/step_group.hpp"
#include "agent/real/supervisor.hpp"
#include "agent/real/workspace.hpp"
#include "agent/step_runner.hpp"
#include "base/number.hpp"
#include "base/version.hpp"
#include "net/process.hpp"
#include "net/tls.hpp"
#include "protocol/limits.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/scope.hpp"

namespace {

using namespace footman;
using namespace footman::agent::real;
using agent::AgentEnd;
using agent::AgentExit;

// See help_text().
constexpr int kDone = 0;
constexpr int kBroken = 1;
constexpr int kUsage = 2;
constexpr int kUnwanted = 3;
constexpr int kOrphaned = 4;
constexpr int kTooLate = 5;

constexpr std::size_t kCookieLetters = 20;
constexpr std::size_t kMaxCaBytes = 1 << 20;

int exit_code_of(const AgentExit& exit) {
  switch (exit.end) {
    case AgentEnd::finished:
    case AgentEnd::noticed:
      return exit.complete ? kDone : kTooLate;
    case AgentEnd::refused:
    case AgentEnd::revoked:
      return kUnwanted;
    case AgentEnd::orphaned:
      return kOrphaned;
  }
  return kBroken;
}

int complain(const base::Error& error, int code) {
  std::fprintf(stderr, "footman-agent: %s\n", base::describe(error).c_str());
  return code;
}

agent::HostFacts look_at_host() {
  agent::HostFacts facts;
  utsname name{};
  ::uname(&name);
  facts.os = "linux";
  facts.arch = name.machine;
  facts.hostname = name.nodename;
  facts.pid = static_cast<std::uint64_t>(::getpid());
  facts.cpus = static_cast<std::uint32_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
  facts.memory_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  return facts;
}

// A launcher that gives the lock also gives the cookie it will look for. Without it the variable comes from
// an agent further up, whose tree is not ours to end.
std::string take_cookie(runtime::Rng& rng) {
  const char* lock = std::getenv("FOOTMAN_AGENT_LOCK_FD");
  const char* given = std::getenv(std::string(runtime::real::kCookieVariable).c_str());
  if (lock != nullptr && given != nullptr && *given != '\0') return given;
  return rng.name(kCookieLetters);
}

// The locked file stays open in the agent's own processes, which shows that they live.
void keep_lock() {
  const char* text = std::getenv("FOOTMAN_AGENT_LOCK_FD");
  if (text == nullptr) return;
  const auto fd = base::find_number<int>(text).value_or(-1);
  if (fd > 2) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

base::Result<std::string> make_work_dir(const Options& options, bool& temporary) {
  temporary = options.work_dir.empty();
  if (!temporary) {
    if (::mkdir(options.work_dir.c_str(), 0700) == 0 || errno == EEXIST) return options.work_dir;
    return base::fail_errno("make the work directory " + options.work_dir, errno);
  }
  const char* tmp = std::getenv("TMPDIR");
  return make_temporary_work_dir(tmp != nullptr && *tmp == '/' ? tmp : "/tmp");
}

// Everything of one session process.
struct Program {
  Command command = Command::run;
  Options options;
  TakenEnvironment environment;
  std::string cookie;
  std::string work_dir;
  bool temporary_work_dir = false;
  base::Logger log;
};

runtime::Awaitable<void> live(agent::Agent* agent, std::optional<AgentExit>* exit,
                              boost::asio::io_context* io) {
  *exit = co_await agent->run();
  io->stop();
}

// What a signal leaves of the time, and in words.
struct Told {
  base::Duration left{0};
  const char* reason = "";
};

Told on_signal(const Program& program, int number, int count) {
  if (number == guardian_gone_signal()) {
    program.log.error("the guardian was killed: everything ends");
    end_groups_of(::getpid());
    kill_all_children(program.cookie);
    end_groups_of(::getpid());  // empty now
    ::_exit(kBroken);
  }
  const auto& options = program.options;
  if (count == 1) return {options.notice, "it was told to stop"};
  return {count == 2 ? options.notice_grace : base::Duration(0), "it was told again to stop"};
}

// Of one that only fetches a secret.
class NoSteps final : public agent::StepRunner {
 public:
  runtime::Awaitable<base::Status> prepare(std::string) override { co_return refuse(); }
  runtime::Awaitable<base::Result<std::unique_ptr<agent::RunningStep>>> start(agent::StepOrder) override {
    co_return refuse();
  }
  runtime::Awaitable<std::size_t> end_build() override { co_return 0; }
  runtime::Awaitable<void> clean_up() override { co_return; }

 private:
  static std::unexpected<base::Error> refuse() {
    return base::fail(base::Errc::unsupported, "it takes no work");
  }
};

agent::AgentConfig make_agent_config(const Options& options, base::Secret secret) {
  agent::AgentConfig config;
  config.name = base::AgentId(options.name);
  config.attempt = options.attempt;
  config.secret = std::move(secret);
  config.single_use = options.one_shot;
  config.orphan_timeout = options.orphan_timeout;
  config.notice_grace = options.notice_grace;
  config.host = look_at_host();
  config.spool_disk_bytes = options.spool_bytes;
  return config;
}

// A session with the server; of a supervisor one question for the secret.
AgentExit run_agent(Program& program, base::Secret secret) {
  boost::asio::io_context io(1);
  const auto clock = runtime::real::make_clock();
  const auto rng = runtime::make_os_rng();
  const auto& options = program.options;
  const bool fetches = program.command == Command::supervise;
  const auto& server = fetches ? options.server : options.controller;

  NetConnector connector(io.get_executor(), *clock, *rng,
                         {server.url, server.tunnel, server.ca_pem, server.system_ca,
                          server.public_key_sha256, net::read_proxy_environment(&std::getenv)});
  agent::Agent* to_notify = nullptr;
  int signals = 0;
  Children children(io.get_executor(), [&](int number) {
    const auto told = on_signal(program, number, ++signals);
    to_notify->notice(told.reason, clock->now() + told.left);
  });
  std::unique_ptr<agent::StepRunner> steps = std::make_unique<NoSteps>();
  if (!fetches)
    steps =
        std::make_unique<ProcessRunner>(io.get_executor(), *clock, program.log, children,
                                        ProcessRunnerConfig{program.work_dir, program.environment.variables,
                                                            program.cookie, options.use_cgroups});

  auto config = make_agent_config(options, std::move(secret));
  config.wants_credential = fetches;
  if (fetches) config.name = base::AgentId(options.server_name);
  std::optional<AwsProver> prover;
  if (!options.proof.empty())
    prover.emplace(io.get_executor(), *clock, *rng, program.log,
                   aws::ProofPlace{options.proof_url, options.proof_region});
  agent::Agent agent(std::move(config),
                     {io.get_executor(), *clock, *rng, program.log, connector, *steps,
                      [&program] { return open_spool_file(program.work_dir); }, prover ? &*prover : nullptr});
  to_notify = &agent;

  std::optional<AgentExit> exit;
  runtime::Scope scope(io.get_executor(), program.log);
  scope.spawn("children", children.run());
  scope.spawn("agent", live(&agent, &exit, &io));
  io.run();
  scope.cancel();
  io.restart();
  io.poll();
  return *exit;
}

runtime::Awaitable<void> live(Supervisor* supervisor, std::optional<SupervisedEnd>* end,
                              boost::asio::io_context* io) {
  *end = co_await supervisor->run();
  io->stop();
}

base::Result<SupervisorConfig> make_supervisor_config(Program& program, base::Secret secret) {
  const auto& options = program.options;
  const auto& jenkins = options.controller;
  net::TlsClientConfig tls;
  tls.system_store = jenkins.ca_pem.empty() || jenkins.system_ca;
  tls.ca_pem = jenkins.ca_pem;
  SupervisorConfig config;
  if (jenkins.url.scheme == "https") {
    FOOTMAN_TRY(config.tls, net::create_tls_client_context(tls));
  }
  config.url = jenkins.url;
  config.name = options.name;
  config.secret = std::move(secret);
  config.work_dir = program.work_dir;
  config.command = options.command;
  config.java = options.java;
  config.java_options = options.java_options;
  config.tunnel = jenkins.tunnel;
  config.web_socket = options.web_socket;
  config.ca_pem = jenkins.ca_pem;
  config.proxies = net::read_proxy_environment(&std::getenv);
  config.environment = program.environment.variables;
  config.cookie = program.cookie;
  config.max_age = options.max_age;
  config.orphan_timeout =
      options.orphan_timeout.count() > 0 ? options.orphan_timeout : protocol::kDefaultOrphanTimeout;
  config.grace = options.notice_grace;
  return config;
}

int exit_code_of(const SupervisedEnd& end) {
  switch (end.cause) {
    case SupervisedEnd::Cause::itself:
      return end.status;
    case SupervisedEnd::Cause::told:
      return kTooLate;
    case SupervisedEnd::Cause::orphaned:
      return kOrphaned;
    case SupervisedEnd::Cause::broken:
      return kBroken;
  }
  return kBroken;
}

int run_supervisor(Program& program, base::Secret secret, const LastWords& last_words) {
  boost::asio::io_context io(1);
  const auto clock = runtime::real::make_clock();
  auto config = make_supervisor_config(program, std::move(secret));
  if (!config) return complain(config.error(), kUsage);
  Supervisor* to_notify = nullptr;
  int signals = 0;
  Children children(io.get_executor(), [&](int number) {
    const auto told = on_signal(program, number, ++signals);
    to_notify->notice(told.reason, told.left);
  });
  Supervisor supervisor(io.get_executor(), *clock, program.log, children, std::move(*config));
  to_notify = &supervisor;

  std::optional<SupervisedEnd> end;
  runtime::Scope scope(io.get_executor(), program.log);
  scope.spawn("children", children.run());
  scope.spawn("supervisor", live(&supervisor, &end, &io));
  io.run();
  scope.cancel();
  io.restart();
  io.poll();
  program.log.info("leaves", {{"reason", end->text}});
  last_words.say(end->text, end->out_of_memory);
  return exit_code_of(*end);
}

// The command gets a secret for its own controller: the one that was given, or one that is fetched with it.
int supervise(Program& program, base::Secret secret, const LastWords& last_words) {
  if (!program.options.server.url.scheme.empty()) {
    auto exit = run_agent(program, std::move(secret));
    if (exit.credential.empty()) {
      program.log.info("leaves", {{"end", agent::to_string(exit.end)}, {"reason", exit.reason}});
      last_words.say(exit.reason);
      return exit.end == AgentEnd::noticed ? kTooLate : exit_code_of(exit);
    }
    secret = std::move(exit.credential);
  }
  return run_supervisor(program, std::move(secret), last_words);
}

// In the guardian. A session cleans up after itself; the command of a supervisor may leave anything.
void clean_up(const Program& program) {
  if (program.command != Command::supervise) return;
  ::unlink(secret_file_of(program.work_dir).c_str());
  std::error_code ignored;
  if (program.temporary_work_dir) std::filesystem::remove_all(program.work_dir, ignored);
}

int run_session(Program& program, const LastWords& last_words) {
  Children::block_signals();
  net::init_process();
  const auto& options = program.options;
  auto secret = options.secret_file.empty()
                    ? base::Result<base::Secret>(std::move(program.environment.secret))
                    : take_secret_file(options.secret_file);
  if (!secret) return complain(secret.error(), kUsage);
  const bool proves = secret->empty() && !options.proof.empty();
  if (const auto fits = check_secret(*secret); !proves && !fits) return complain(fits.error(), kUsage);
  for (auto* place : {&program.options.controller, &program.options.server}) {
    if (place->ca_file.empty()) continue;
    auto text = runtime::real::read_file(place->ca_file, kMaxCaBytes);
    if (!text) return complain(text.error(), kUsage);
    place->ca_pem = std::move(*text);
  }
  if (program.command == Command::supervise) return supervise(program, std::move(*secret), last_words);
  auto work_dir = make_work_dir(options, program.temporary_work_dir);
  if (!work_dir) return complain(work_dir.error(), kBroken);
  program.work_dir = std::move(*work_dir);

  const auto exit = run_agent(program, std::move(*secret));
  if (program.temporary_work_dir) ::rmdir(program.work_dir.c_str());
  program.log.info("leaves", {{"end", agent::to_string(exit.end)}, {"reason", exit.reason}});
  last_words.say(exit.reason);
  return exit_code_of(exit);
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  program.environment = take_environment();
  use_environment(program.environment.variables);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  auto line = parse_command_line({argv + 1, argv + argc}, &std::getenv, terminal);
  if (!line) return complain(line.error(), kUsage);
  if (line->command == Command::help) return std::fputs(help_text().c_str(), stdout) < 0 ? kBroken : kDone;
  if (line->command == Command::version)
    return std::printf("footman-agent %s\n", std::string(base::version()).c_str()) < 0 ? kBroken : kDone;
  if (line->command == Command::install) {
    const auto installed = install_agent(line->directory);
    return installed ? kDone : complain(installed.error(), kBroken);
  }
  program.command = line->command;
  program.options = std::move(line->options);
  if (program.options.secret_file.empty() && program.environment.secret.empty() &&
      program.options.proof.empty())
    return complain({base::Errc::invalid_argument,
                     "there is no secret",
                     {},
                     "Give --secret-file, or set FOOTMAN_AGENT_SECRET or FOOTMAN_AGENT_PROOF."},
                    kUsage);

  const auto& options = program.options;
  program.log =
      base::Logger(options.log_json ? base::make_json_log(STDERR_FILENO, options.log_level)
                                    : base::make_console_log(STDERR_FILENO, options.log_level, terminal),
                   {{"agent", options.name}});
  program.cookie = take_cookie(*runtime::make_os_rng());
  keep_lock();
  forbid_inspection();
  if (program.command == Command::supervise) {  // the guardian, too, must know where the secret will stand
    auto work_dir = make_work_dir(options, program.temporary_work_dir);
    if (!work_dir) return complain(work_dir.error(), kBroken);
    program.work_dir = std::move(*work_dir);
  }
  return guard(
      {options.exit_file, program.cookie, [&program] { program.environment.secret = base::Secret(); },
       [&program] { clean_up(program); }},
      [&program](const LastWords& last_words) { return run_session(program, last_words); });
}
