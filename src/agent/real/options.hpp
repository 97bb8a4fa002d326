// What an agent is told: flags, or variables of the environment for whoever cannot give flags (containers).
// Secrets come in a file or a variable, never in a flag.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/tcp.hpp"

namespace footman::agent::real {

using namespace std::chrono_literals;

// A server: where it is, and how far it is trusted.
struct Place {
  net::Url url;
  std::optional<net::Endpoint> tunnel;
  std::string ca_file;
  std::string ca_pem;  // from the environment; of ca_file, once that was read
  bool system_ca = false;
  std::string public_key_sha256;
  bool insecure = false;
};

struct Options {
  Place controller;  // of run: the Footman server; of supervise: the Jenkins
  // Of supervise: the Footman server that the secret is fetched from, and this agent's name there. Without a
  // url the secret is what was given.
  Place server;
  std::string server_name;
  std::string name;  // as the controller knows it
  std::uint32_t attempt = 1;
  std::string secret_file;  // empty: FOOTMAN_AGENT_SECRET
  std::string proof;        // instead of a secret; "aws", or empty
  net::Url proof_url;       // of "aws": the STS endpoint that the proof is for
  std::string proof_region;
  std::string work_dir;  // absolute; empty: a new one below TMPDIR or /tmp
  std::string exit_file;
  bool one_shot = false;
  base::Duration orphan_timeout{0};
  base::Duration notice = 10s;
  base::Duration notice_grace = 10s;
  std::uint64_t spool_bytes = std::uint64_t{256} << 20;
  bool use_cgroups = true;
  bool log_json = true;  // default: JSON, for people when stderr is a terminal
  base::LogLevel log_level = base::LogLevel::info;
  // Of supervise.
  std::vector<std::string> command;  // what stands after "--"; empty: Java with the controller's agent.jar
  std::string java;                  // empty: of JAVA_HOME, else of PATH
  std::vector<std::string> java_options = {"-XX:+UseSerialGC", "-Xmx256m", "-XX:TieredStopAtLevel=1"};
  bool web_socket = false;
  base::Duration max_age{0};  // 0: none
};

enum class Command { run, supervise, install, help, version };
struct CommandLine {
  Command command = Command::help;
  Options options;        // of run and supervise
  std::string directory;  // of install, absolute
};

// `get` answers like getenv. Errors: invalid_argument; `field` is the flag, `hint` what to do.
base::Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                             const std::function<const char*(const char*)>& get,
                                             bool stderr_is_terminal);
std::string help_text();

}  // namespace footman::agent::real
