#include "agent/real/supervisor.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/real/process_runner.hpp"
#include "agent/real/workspace.hpp"
#include "net/certificate.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/processes.hpp"
#include "runtime/real/spawn.hpp"
#include "runtime/scope.hpp"

namespace footman::agent::real {

using base::Duration;
using base::Errc;
using base::Result;
using base::Status;
using runtime::Awaitable;

namespace {

constexpr int kSignalStatus = 128;
constexpr int kFound = 200;
constexpr std::string_view kZipMark = "PK\x03\x04";
// Where a Jenkins shows that it is one, asked in this order: what whoever signs people in before it must let
// agents through to; where that is not let through (agents by WebSocket need it not), what anybody may see.
constexpr std::array kKnownPlaces = {"/tcpSlaveAgentListener/", "/login"};

// Not X-Jenkins alone: it is missing where there is no page of people.
bool is_of_jenkins(const net::HttpClientResponse& answer) {
  return answer.headers.find("X-Jenkins") || answer.headers.find("X-Jenkins-JNLP-Port");
}

using Variables = std::map<std::string, std::string>;

Variables read_variables(const std::vector<std::string>& own) {
  Variables all;
  for (const auto& one : own)
    if (const auto equals = one.find('=');
        equals != 0 && equals != one.npos && !one.starts_with(kOwnVariables))
      all[one.substr(0, equals)] = one.substr(equals + 1);
  return all;
}

std::string find_variable(const std::vector<std::string>& own, const std::string& name) {
  const auto all = read_variables(own);
  const auto it = all.find(name);
  return it == all.end() ? std::string() : it->second;
}

net::Url below(net::Url url, std::string_view path) {
  url.path = url.path.substr(0, url.path.find('?'));
  while (url.path.ends_with('/')) url.path.pop_back();
  url.path += path;
  return url;
}

net::HttpClientConfig make_client(const SupervisorConfig& config) {
  net::HttpClientConfig out;
  out.tls = config.tls;
  out.proxies = config.proxies;
  out.user_agent = "footman-agent";
  out.first_byte = kLookTime;
  out.idle = kLookTime;
  out.body_bytes = kMaxJarBytes;
  out.idle_age = 0s;
  return out;
}

using Answer = std::optional<Result<net::HttpClientResponse>>;

Awaitable<void> put_answer(net::HttpClient* http, net::HttpClientRequest request,
                           std::shared_ptr<Answer> place, runtime::Event* changed) {
  *place = co_await http->request(std::move(request));
  changed->notify();
}

}  // namespace

std::string secret_file_of(const std::string& work_dir) { return work_dir + "/agent.secret"; }

Supervisor::Supervisor(runtime::Executor executor, runtime::Clock& clock, base::Logger log,
                       Children& children, SupervisorConfig config)
    : executor_(std::move(executor)),
      clock_(clock),
      log_(std::move(log)),
      children_(children),
      config_(std::move(config)),
      http_(executor_, clock, make_client(config_)),
      kills_before_(memory_kills_.count()),
      secret_path_(secret_file_of(config_.work_dir)),
      heard_at_(clock.steady()) {}

// --- the end

void Supervisor::plan_end(Ending ending) {
  if (ending_ && ending_->kill_at <= ending.kill_at) return;
  ending_ = std::move(ending);
  changed_.notify();
}

void Supervisor::notice(const std::string& reason, Duration left) {
  const auto now = clock_.steady();
  noticed_ = true;
  plan_end(
      {SupervisedEnd::Cause::told, reason, now + std::max(left - config_.grace, Duration(0)), now + left});
}

bool Supervisor::is_to_go() const { return ending_ && clock_.steady() >= ending_->tell_at; }

void Supervisor::signal_tree(int number) const {
  for (const auto pid : runtime::real::find_descendants(::getpid())) {
    ::kill(pid, number);
    ::kill(pid, SIGCONT);  // one that is stopped would hear it never
  }
}

// Steps of builds are processes beside it. An image's own command may be several, so of that nothing is
// known.
void Supervisor::let_idle_java_go(Duration now) {
  if (!noticed_ || told_ || !ending_ || !config_.command.empty()) return;
  if (runtime::real::find_descendants(::getpid()).size() > 1)
    alone_since_.reset();
  else if (!alone_since_)
    alone_since_ = now;
  else if (now - *alone_since_ >= kAloneTime && now < ending_->tell_at)
    plan_end({ending_->cause, ending_->text, now, now + config_.grace});
}

Awaitable<void> Supervisor::wait_for_end() {
  while (!exit_) {
    const auto now = clock_.steady();
    let_idle_java_go(now);
    if (is_to_go() && !std::exchange(told_, true)) {
      log_.info("ends the agent's command", {{"reason", ending_->text}});
      signal_tree(SIGTERM);
    }
    if (ending_ && now >= ending_->kill_at) signal_tree(SIGKILL);
    if (!ending_) {
      co_await changed_.wait();
      continue;
    }
    const auto next = !told_ ? ending_->tell_at : ending_->kill_at;
    const auto look_again = noticed_ && !told_ ? std::min(next - now, kLookForWork) : next - now;
    co_await changed_.wait_for(clock_, std::max(look_again, kKillAgain));
  }
}

SupervisedEnd Supervisor::describe() const {
  SupervisedEnd end;
  const bool killed = WIFSIGNALED(exit_->status);
  end.status = killed ? kSignalStatus + WTERMSIG(exit_->status) : WEXITSTATUS(exit_->status);
  const bool kill = end.status == kSignalStatus + SIGKILL;
  end.out_of_memory = kill && memory_kills_.count() > kills_before_;
  if (end.out_of_memory) {
    end.text = "The agent's command ran out of memory and was killed.";
  } else if (told_ && ending_) {
    end.cause = ending_->cause;
    end.text = ending_->text;
  } else if (killed) {
    end.text = fmt::format("The agent's command was killed by signal {} ({}).", WTERMSIG(exit_->status),
                           ::strsignal(WTERMSIG(exit_->status)));
  } else {
    end.text = fmt::format("The agent's command exited with status {}.", end.status);
  }
  return end;
}

// --- the controller

Awaitable<Result<net::HttpClientResponse>> Supervisor::ask(std::string path, Duration limit) {
  net::HttpClientRequest request;
  request.url = below(config_.url, path);
  const auto place = std::make_shared<Answer>();
  runtime::Scope call(executor_, log_);
  call.spawn("ask the controller", put_answer(&http_, std::move(request), place, &changed_));
  const auto until = clock_.steady() + limit;
  while (!*place && !is_to_go() && clock_.steady() < until) {
    const auto next = ending_ ? std::min(until, ending_->tell_at) : until;
    co_await changed_.wait_for(clock_, std::max(next - clock_.steady(), kKillAgain));
  }
  call.cancel();
  co_await call.join();
  if (*place) co_return std::move(**place);
  co_return base::fail(Errc::timeout, fmt::format("no whole answer within {}", base::format_duration(limit)));
}

Duration Supervisor::patience_left() const { return config_.orphan_timeout - (clock_.steady() - heard_at_); }

// Whoever stands before the controller answers, too, when it is away.
Awaitable<void> Supervisor::look_at_controller() {
  for (const auto* path : kKnownPlaces) {
    const auto limit = std::min(kLookTime, patience_left());
    if (limit <= Duration(0)) break;
    const auto answer = co_await ask(path, limit);
    if (answer && is_of_jenkins(*answer)) {
      heard_at_ = clock_.steady();
      co_return;
    }
    trouble_ = answer ? fmt::format("something answered {} to {} that is no Jenkins", answer->status, path)
                      : base::describe(answer.error());
  }
  log_.warning("the controller does not answer", {{"url", config_.url.str()}, {"error", trouble_}});
}

Awaitable<void> Supervisor::watch_controller() {
  const auto pause = std::min(kLookEvery, config_.orphan_timeout / 4);
  while (patience_left() > Duration(0)) {
    co_await runtime::sleep_for(clock_, std::min(pause, patience_left()));
    co_await look_at_controller();
  }
  const auto now = clock_.steady();
  plan_end({SupervisedEnd::Cause::orphaned,
            fmt::format("Nothing was heard of {} for {} (last: {}).", config_.url.str(),
                        base::format_duration(config_.orphan_timeout), trouble_),
            now, now + config_.grace});
}

Awaitable<Result<std::string>> Supervisor::fetch_jar_once() {
  auto answer = co_await ask("/jnlpJars/agent.jar", kFetchTime);
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status != kFound)
    co_return base::fail(Errc::unavailable, fmt::format("it answered {} to agent.jar", answer->status));
  if (!answer->body.starts_with(kZipMark))
    co_return base::fail(Errc::unavailable, "what it gave as agent.jar is none");
  heard_at_ = clock_.steady();
  auto path = config_.work_dir + "/agent.jar";
  FOOTMAN_CO_TRY_STATUS(runtime::real::write_private_file(path, answer->body, runtime::real::Sync::no));
  co_return path;
}

// A controller that starts answers many things; only the end that is planned for us ends this.
Awaitable<Result<std::string>> Supervisor::fetch_jar() {
  auto pause = kFetchPauseFirst;
  while (true) {
    auto jar = co_await fetch_jar_once();
    if (jar || is_to_go()) co_return jar;
    if (jar.error().code == Errc::io || jar.error().code == Errc::permission_denied) co_return jar;
    log_.warning("agent.jar cannot be fetched yet",
                 {{"url", config_.url.str()}, {"error", base::describe(jar.error())}});
    const auto until = clock_.steady() + pause;
    while (!is_to_go() && clock_.steady() < until) {
      auto next = until;
      if (ending_) next = std::min(next, ending_->tell_at);
      co_await changed_.wait_for(clock_, std::max(next - clock_.steady(), kKillAgain));
    }
    if (is_to_go()) co_return jar;
    pause = std::min(pause * 2, kFetchPauseMost);
  }
}

// --- the command

// Jenkins' own images call these things so.
std::vector<std::string> Supervisor::make_environment() const {
  auto all = read_variables(config_.environment);
  all["JENKINS_URL"] = config_.url.str();
  all["JENKINS_AGENT_NAME"] = config_.name;
  all["JENKINS_SECRET"] = "@" + secret_path_;
  all.try_emplace("JENKINS_AGENT_WORKDIR", config_.work_dir);
  if (config_.web_socket) all["JENKINS_WEB_SOCKET"] = "true";
  if (config_.tunnel) all["JENKINS_TUNNEL"] = config_.tunnel->str();
  if (!config_.cookie.empty()) all[std::string(runtime::real::kCookieVariable)] = config_.cookie;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

Result<std::vector<std::string>> Supervisor::make_command(const std::string& jar) const {
  const auto path = find_variable(config_.environment, "PATH");
  auto command = config_.command;
  if (command.empty()) {
    const auto home = find_variable(config_.environment, "JAVA_HOME");
    command.push_back(!config_.java.empty() ? config_.java : !home.empty() ? home + "/bin/java" : "java");
    command.insert(command.end(), config_.java_options.begin(), config_.java_options.end());
    for (const auto* one : {"-jar", jar.c_str(), "-url"}) command.emplace_back(one);
    command.push_back(config_.url.str());
    for (const auto& one : {std::string("-secret"), "@" + secret_path_, std::string("-name"), config_.name,
                            std::string("-workDir"), config_.work_dir})
      command.push_back(one);
    if (config_.web_socket) command.emplace_back("-webSocket");
    if (config_.tunnel) command.insert(command.end(), {"-tunnel", config_.tunnel->str()});
    if (!config_.ca_pem.empty()) {
      FOOTMAN_TRY(auto certificates, net::list_certificates(config_.ca_pem));
      for (auto& one : certificates) command.insert(command.end(), {"-cert", std::move(one)});
    }
  }
  command[0] = runtime::real::find_program(command[0], path);
  if (::access(command[0].c_str(), X_OK) == 0) return command;
  return base::fail(Errc::not_found, fmt::format("there is no program {} here", command[0]), {},
                    config_.command.empty()
                        ? "The image needs Java; where it is not in PATH or JAVA_HOME, name "
                          "it with --java (FOOTMAN_AGENT_JAVA)."
                        : "Name one after --.");
}

Status Supervisor::start(const std::vector<std::string>& command) {
  runtime::real::SpawnRequest request;
  request.program = command[0];
  request.arguments = command;
  request.environment = make_environment();
  // In front of an image's own command its directory stays; Java's relative files belong to the agent.
  request.directory = config_.command.empty() ? config_.work_dir : std::string(".");
  const auto output = runtime::real::lift_fd(runtime::UniqueFd(::dup(STDERR_FILENO)));
  request.output_fd = output.get();
  request.dies_with_parent = true;
  FOOTMAN_TRY(const auto spawned, runtime::real::spawn_detached(request));
  children_.watch(spawned.id.pid, [this](const ChildExit& exit) {
    exit_ = exit;
    changed_.notify();
  });
  log_.info("the agent's command runs", {{"program", command[0]}, {"pid", std::to_string(spawned.id.pid)}});
  return {};
}

// --- all of it

Awaitable<SupervisedEnd> Supervisor::run() {
  runtime::Scope scope(executor_, log_);
  scope.spawn("controller", watch_controller());
  const auto now = clock_.steady();
  if (config_.max_age > Duration(0))
    plan_end(
        {SupervisedEnd::Cause::told,
         fmt::format("The agent has reached its maximum age of {}.", base::format_duration(config_.max_age)),
         now + config_.max_age, now + config_.max_age + config_.grace});
  SupervisedEnd end{SupervisedEnd::Cause::broken, 0, false, {}};
  auto jar = Result<std::string>(std::string());
  if (config_.command.empty()) jar = co_await fetch_jar();
  auto ready =
      jar ? runtime::real::write_private_file(secret_path_, config_.secret.expose(), runtime::real::Sync::no)
          : Status(std::unexpected(jar.error()));
  config_.secret = base::Secret();
  if (ready) {
    auto command = make_command(*jar);
    ready = command ? start(*command) : Status(std::unexpected(command.error()));
  }
  if (ready) {
    co_await wait_for_end();
    end = describe();
  } else if (is_to_go()) {
    end.cause = ending_->cause;
    end.text = ending_->text;
  } else {
    end.text = base::describe(ready.error());
  }
  ::unlink(secret_path_.c_str());
  scope.cancel();
  co_await scope.join();
  co_return end;
}

}  // namespace footman::agent::real
