#include "cloud/local/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "cloud/local/options.hpp"
#include "ports/last_lines.hpp"
#include "runtime/real/files.hpp"
#include "runtime/real/spawn.hpp"

namespace footman::cloud::local {
namespace {

namespace json = boost::json;
using namespace runtime::real;
using ports::FailureClass;
using ports::LaunchFailure;
constexpr std::size_t kExitFileLimit = 64 << 10;

std::unexpected<LaunchFailure> refuse(FailureClass failure, std::string message) {
  return std::unexpected(LaunchFailure{failure, true, {}, std::move(message)});
}
std::unexpected<LaunchFailure> unknown(std::string message) {
  return std::unexpected(LaunchFailure{FailureClass::transient, false, {}, std::move(message)});
}
FailureClass class_of(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
    case Errc::permission_denied:
      return FailureClass::configuration;
    case Errc::resource_exhausted:
      return FailureClass::capacity;
    default:
      return FailureClass::transient;
  }
}

bool make_private_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

Status append_line(int fd, std::string_view line) {
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail_errno("write the token file", errno);
  return {};
}

std::vector<std::string> arguments_of(const Site& site, const ports::LaunchSpec& spec) {
  const auto& endpoint = spec.endpoint;
  const bool jenkins = endpoint.program == ports::AgentProgram::jenkins;
  const auto work = site.work_directory(spec.client_token);
  const auto files = site.launch_directory(spec.client_token);
  std::vector<std::string> out = {site.agent_binary, jenkins ? "supervise" : "run",
                                  "--url",           endpoint.url,
                                  "--name",          endpoint.name.empty() ? spec.agent.str() : endpoint.name,
                                  "--secret-file",   files + "/secret",
                                  "--work-dir",      work,
                                  "--exit-file",     files + "/exit.json"};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) out.insert(out.end(), {flag, value});
  };
  const auto add_switch = [&](const char* flag, bool on) {
    if (on) out.emplace_back(flag);
  };
  add("--tunnel", endpoint.tunnel);
  if (!endpoint.ca_pem.empty()) {
    add("--ca-file", files + "/ca.pem");
    add_switch("--system-ca", !endpoint.only_ca);
  }
  add_switch("--insecure", endpoint.insecure);
  if (spec.orphan_timeout.count() > 0)
    add("--orphan-timeout", fmt::format("{}ms", spec.orphan_timeout.count() / 1000));
  if (jenkins) {
    add_switch("--web-socket", endpoint.web_socket);
    add("--java-options", endpoint.java_options);
    return out;
  }
  add("--attempt", std::to_string(spec.attempt));
  add("--public-key-sha256", endpoint.public_key_sha256);
  add_switch("--one-shot", spec.one_shot);
  return out;
}

std::vector<std::string> environment_of(const Site& site, const ports::LaunchSpec& spec,
                                        const TemplateOptions& options) {
  const auto work = site.work_directory(spec.client_token);
  std::vector<std::string> out = site.environment;
  out.push_back("HOME=" + work + "/home");
  out.push_back("TMPDIR=" + work + "/tmp");
  if (options.inherit_proxy_variables) out.insert(out.end(), site.proxies.begin(), site.proxies.end());
  for (const auto& [name, value] : options.env) out.push_back(fmt::format("{}={}", name, value));
  out.push_back("FOOTMAN_AGENT_COOKIE=" + spec.client_token);
  out.push_back("FOOTMAN_AGENT_LOCK_FD=3");
  return out;
}

std::vector<std::pair<int, rlimit>> limits_of(const Site& site, const TemplateOptions& options) {
  std::vector<std::pair<int, rlimit>> out;
  out.push_back({RLIMIT_CORE, {0, 0}});  // a core file would hold secrets
  rlimit files{};
  if (options.max_open_files > 0)
    out.push_back({RLIMIT_NOFILE, {options.max_open_files, options.max_open_files}});
  else if (site.open_files > 0 && ::getrlimit(RLIMIT_NOFILE, &files) == 0)
    out.push_back({RLIMIT_NOFILE, {site.open_files, files.rlim_max}});
  if (options.memory_bytes > 0 && !site.cgroups.limits_memory())
    out.push_back({RLIMIT_AS, {options.memory_bytes, options.memory_bytes}});
  return out;
}

Status prepare_directory(const Site& site, const ports::LaunchSpec& spec) {
  const auto work = site.work_directory(spec.client_token);
  for (const auto* sub : {"", "/home", "/tmp"})
    if (!make_private_directory(work + sub)) return fail_errno("make " + work + sub, errno);
  const auto files = site.launch_directory(spec.client_token);
  if (!make_private_directory(files)) return fail_errno("make " + files, errno);
  const auto& secret =
      spec.endpoint.program == ports::AgentProgram::jenkins ? spec.controller_secret : spec.secret;
  FOOTMAN_TRY_STATUS(write_private_file(files + "/secret", secret.expose(), Sync::no));
  if (!spec.endpoint.ca_pem.empty())
    FOOTMAN_TRY_STATUS(write_private_file(files + "/ca.pem", spec.endpoint.ca_pem, Sync::no));
  return {};
}

Result<Spawned> start_agent(const Site& site, const ports::LaunchSpec& spec, const TemplateOptions& options,
                            int lock_fd) {
  FOOTMAN_TRY_STATUS(prepare_directory(site, spec));
  const auto log_file = site.launch_directory(spec.client_token) + "/agent.log";
  UniqueFd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const UniqueFd high_log = runtime::real::lift_fd(std::move(log));
  SpawnRequest request;
  request.program = site.agent_binary;
  request.arguments = arguments_of(site, spec);
  request.environment = environment_of(site, spec, options);
  request.directory = site.work_directory(spec.client_token);
  request.lock_fd = lock_fd;
  request.output_fd = high_log.get();
  request.limits = limits_of(site, options);
  request.cgroups =
      make_group(site.cgroups, spec.client_token, {options.memory_bytes, options.max_processes});
  site.crash_points.hit("launch:before-fork");
  auto spawned = spawn_detached(request);
  site.crash_points.hit("launch:after-fork");
  return spawned;
}

// The token was used before. The answer is what became of it, never a second process.
LaunchOutcome answer_again(TokenRecord record) {
  Launched launched;
  launched.pidfd = open_process(*record.process);
  launched.record = std::move(record);
  return launched;
}

std::string sentence_of(const model::DeathCertificate& death) {
  if (death.out_of_memory) return "the agent ran out of memory and was killed";
  if (death.signal != 0)
    return fmt::format("the agent's process was killed by signal {} ({})", death.signal,
                       ::strsignal(death.signal));
  if (death.exit_status) return fmt::format("the agent's process exited with status {}", *death.exit_status);
  return "the agent's process is gone; nobody saw how it ended";
}

std::optional<model::DeathCertificate> read_exit_file(const std::string& path) {
  const auto text = read_small_file(path, kExitFileLimit);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto number = [&](const char* key) -> std::optional<int> {
    const auto* found = object->if_contains(key);
    if (found == nullptr) return std::nullopt;
    boost::system::error_code bad;
    const int result = found->to_number<int>(bad);
    return bad ? std::nullopt : std::optional<int>(result);
  };
  model::DeathCertificate death;
  death.exit_status = number("exit_status");
  death.signal = number("signal").value_or(0);
  if (const auto* oom = object->if_contains("out_of_memory"))
    death.out_of_memory = oom->is_bool() && oom->get_bool();
  if (const auto* words = object->if_contains("text"); words != nullptr && words->is_string())
    death.text = std::string(words->get_string());
  return death;
}

// The guardian leaves as its session did: with its status, or with 128 + the signal that ended it.
bool agrees(const model::DeathCertificate& told, const ChildEnd& seen) {
  const auto expected = told.signal != 0 ? std::optional<int>(128 + told.signal) : told.exit_status;
  return expected && seen.exit_status == expected;
}

// An agent that is just leaving has given up its lock and gets a moment to be gone.
bool lives(const UniqueFd& pidfd) {
  constexpr int kLeavingMs = 20;
  pollfd one{pidfd.get(), POLLIN, 0};
  return pidfd.is_open() && ::poll(&one, 1, kLeavingMs) == 0;
}

std::string read_last_lines(const Site& site, const std::string& token) {
  return ports::pick_last_lines(
      read_file_end(site.launch_directory(token) + "/agent.log", ports::kLastLinesTail));
}

// The process belongs to the directory that this one was copied from. It is not ours to end, now or later.
void disown(Found& found, int token_fd) {
  found.foreign = true;
  found.pidfd.reset();
  model::DeathCertificate death;
  death.text = "the agent belongs to the data directory that this one is a copy of";
  static_cast<void>(append_line(token_fd, format_ended(death)));
  found.record.death = std::move(death);
}

}  // namespace

LaunchOutcome launch_process(const Site& site, const ports::LaunchSpec& spec, Instant now) {
  const auto options = parse_options(spec.options);
  if (!options) return refuse(FailureClass::configuration, describe(options.error()));
  const auto path = site.token_path(spec.client_token);
  auto token = open_token(path, true);
  if (!token) return refuse(class_of(token.error()), describe(token.error()));
  auto known = parse_token_file(token->content);
  if (known && known->process) return answer_again(std::move(*known));
  if (token->lock == LockOutcome::held_elsewhere)
    return unknown("an earlier launch with this token is still starting");

  TokenRecord record{site.installation, spec.agent, spec.attempt, now, {}, {}};
  if (::ftruncate(token->fd.get(), 0) != 0)
    return refuse(FailureClass::transient, "empty the token file failed");
  if (auto put = append_line(token->fd.get(), format_header(record)); !put) {
    ::unlink(path.c_str());
    return refuse(FailureClass::transient, describe(put.error()));
  }
  auto spawned = start_agent(site, spec, *options, token->fd.get());
  if (!spawned) {
    ::unlink(path.c_str());
    remove_leftovers(site, spec.client_token);
    return refuse(class_of(spawned.error()), describe(spawned.error()));
  }
  record.process = spawned->id;
  return Launched{std::move(record), std::move(spawned->pidfd)};
}

RecordedEnd record_end(const Site& site, const std::string& token, int pidfd) {
  const auto child = pidfd >= 0 ? reap(pidfd) : std::nullopt;
  // Also where an exit file says that nothing is left: a step can have written it and killed its agent.
  kill_tree(site, token);
  auto death = read_exit_file(site.launch_directory(token) + "/exit.json");
  if (death && child && !agrees(*death, *child)) death.reset();
  if (!death) {
    death.emplace();
    if (child) death->exit_status = child->exit_status, death->signal = child->signal;
  }
  if (was_out_of_memory(site.cgroups, token)) death->out_of_memory = true;
  if (death->text.empty()) death->text = sentence_of(*death);
  UniqueFd fd(::open(site.token_path(token).c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
  if (fd.is_open()) static_cast<void>(append_line(fd.get(), format_ended(*death)));
  return {std::move(*death), read_last_lines(site, token)};
}

void kill_tree(const Site& site, const std::string& token) {
  kill_group(site.cgroups, token);
  kill_by_cookie(token);
}

void remove_leftovers(const Site& site, const std::string& token) {
  std::error_code ignored;
  std::filesystem::remove_all(site.work_directory(token), ignored);
  std::filesystem::remove_all(site.launch_directory(token), ignored);
  remove_group(site.cgroups, token);
}

Result<std::vector<Found>> find_launches(const Site& site) {
  std::vector<Found> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(site.directory + "/tokens", error)) {
    const auto name = entry.path().filename().string();
    if (!is_client_token(name)) continue;
    auto token = open_token(entry.path().string(), false);
    if (!token) continue;
    auto record = parse_token_file(token->content);
    const bool free_lock = token->lock == LockOutcome::locked;
    if (free_lock && (!record || !record->process)) {
      ::unlink(entry.path().c_str());
      remove_leftovers(site, name);
      continue;
    }
    if (!record) continue;
    Found found{name, std::move(*record), {}, false};
    if (!found.record.process)
      found.starting = true;
    else if (!found.record.death)
      found.pidfd = open_process(*found.record.process);
    else
      found.record.last_lines = read_last_lines(site, name);
    if (free_lock && lives(found.pidfd)) disown(found, token->fd.get());
    out.push_back(std::move(found));
  }
  if (error) return fail(Errc::io, "read " + site.directory + "/tokens: " + error.message());
  return out;
}

}  // namespace footman::cloud::local
