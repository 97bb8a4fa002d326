#include "agent/real/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/address.hpp"
#include "base/number.hpp"
#include "protocol/limits.hpp"

namespace footman::agent::real {

using base::Errc;
using base::Status;

namespace {

// --- values

std::unexpected<base::Error> wrong(std::string what, std::string hint = {}) {
  return base::fail(Errc::invalid_argument, std::move(what), {}, std::move(hint));
}

Status put_text(std::string& to, const std::string& value) {
  to = value;
  return {};
}

Status put_switch(bool& to, const std::string& value) {
  for (const auto* word : {"1", "true", "yes", "on"})
    if (value == word) return to = true, Status();
  for (const auto* word : {"0", "false", "no", "off"})
    if (value == word) return to = false, Status();
  return wrong(fmt::format("\"{}\" is neither on nor off", value));
}

Status put_duration(base::Duration& to, const std::string& value) {
  FOOTMAN_TRY(to, base::parse_duration(value));
  return {};
}

Status put_url(net::Url& to, const std::string& value) {
  FOOTMAN_TRY(to, net::parse_url(value));
  const auto& scheme = to.scheme;
  const auto known = {"ws", "wss", "http", "https", "tcp"};
  if (std::find(known.begin(), known.end(), scheme) == known.end())
    return wrong(fmt::format("\"{}\" has the scheme {}", value, scheme), "Use wss://, ws:// or tcp://.");
  return {};
}

Status put_tunnel(Place& place, const std::string& value) {
  FOOTMAN_TRY(place.tunnel, net::parse_endpoint(value));
  return {};
}

Status put_attempt(Options& options, const std::string& value) {
  const auto attempt = base::find_number<decltype(options.attempt)>(value);
  if (!attempt) return wrong(fmt::format("\"{}\" is not a number", value));
  options.attempt = *attempt;
  return {};
}

Status put_name(std::string& to, const std::string& value) {
  if (value.size() > protocol::kMaxIdBytes)
    return wrong(fmt::format("the name is longer than {} bytes", protocol::kMaxIdBytes));
  to = value;
  return {};
}

Status put_proof(Options& options, const std::string& value) {
  if (value != "aws")
    return wrong(fmt::format("the proof \"{}\" is not known", value),
                 "This agent can give \"aws\"; another one needs a later version of the agent.");
  options.proof = value;
  return {};
}

Status put_proof_url(Options& options, const std::string& value) {
  FOOTMAN_TRY(options.proof_url, net::parse_url(value));
  return {};
}

Status put_bytes(std::uint64_t& to, const std::string& value) {
  FOOTMAN_TRY(to, base::parse_bytes(value));
  return {};
}

Status put_format(Options& options, const std::string& value) {
  if (value != "json" && value != "text") return wrong(fmt::format("\"{}\" is neither json nor text", value));
  options.log_json = value == "json";
  return {};
}

Status put_level(Options& options, const std::string& value) {
  using base::LogLevel;
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error})
    if (to_string(level) == value) return options.log_level = level, Status();
  return wrong(fmt::format("\"{}\" is none of debug, info, warning, error", value));
}

Status put_words(Options& options, const std::string& value) {
  options.java_options.clear();
  std::string_view rest = value;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (end > 0) options.java_options.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

Status put_path(std::string& to, const std::string& value) {
  if (!value.starts_with('/')) return wrong(fmt::format("\"{}\" is not an absolute path", value));
  to = value;
  return {};
}

// --- the table

// Of which commands a flag is.
enum class Of { both, run, supervise };

struct Flag {
  const char* name;
  const char* value;     // what stands for the value in the help; null: a switch
  const char* variable;  // of the environment
  const char* help;
  Status (*put)(Options&, const std::string&);
  Of of = Of::both;
  bool is_of(Command command) const { return of == Of::both || (of == Of::run) == (command == Command::run); }
};

const Flag kFlags[] = {
    {"--url", "URL", "FOOTMAN_AGENT_URL",
     "Where the server is: wss://host/ or ws://host:port/ (WebSocket on its HTTP port), or tcp://host:port "
     "(its "
     "agent port, TLS). Needed.",
     [](Options& o, const std::string& v) { return put_url(o.controller.url, v); }},
    {"--name", "NAME", "FOOTMAN_AGENT_NAME", "The agent's name, as the server knows it. Needed.",
     [](Options& o, const std::string& v) { return put_name(o.name, v); }},
    {"--secret-file", "FILE", "FOOTMAN_AGENT_SECRET_FILE",
     "Holds the one-time secret. Read once, then removed. Without it FOOTMAN_AGENT_SECRET is used.",
     [](Options& o, const std::string& v) { return put_text(o.secret_file, v); }},
    {"--proof", "aws", "FOOTMAN_AGENT_PROOF",
     "Instead of a secret: prove who this agent is with the role of its ECS task.", put_proof},
    {"--proof-url", "URL", "FOOTMAN_AGENT_PROOF_URL",
     "The STS endpoint that the server will ask about the proof. The agent does not call it.", put_proof_url},
    {"--proof-region", "REGION", "FOOTMAN_AGENT_PROOF_REGION", "The region of that endpoint.",
     [](Options& o, const std::string& v) { return put_text(o.proof_region, v); }},
    {"--attempt", "N", "FOOTMAN_AGENT_ATTEMPT",
     "The launch attempt, for which the secret was made. Default 1.", put_attempt},
    {"--tunnel", "HOST:PORT", "FOOTMAN_AGENT_TUNNEL",
     "Connect to this address instead of the URL's, for example a network load balancer.",
     [](Options& o, const std::string& v) { return put_tunnel(o.controller, v); }},
    {"--public-key-sha256", "HEX", "FOOTMAN_AGENT_PUBLIC_KEY_SHA256",
     "SHA-256 of the server's public key: trust this key and nothing else.",
     [](Options& o, const std::string& v) { return put_text(o.controller.public_key_sha256, v); }, Of::run},
    {"--ca-file", "FILE", "FOOTMAN_AGENT_CA_FILE",
     "Trust these authorities (PEM) instead of the system's. FOOTMAN_AGENT_CA holds the text itself.",
     [](Options& o, const std::string& v) { return put_text(o.controller.ca_file, v); }},
    {"--system-ca", nullptr, "FOOTMAN_AGENT_SYSTEM_CA", "Trust the system's authorities besides those.",
     [](Options& o, const std::string& v) { return put_switch(o.controller.system_ca, v); }},
    {"--insecure", nullptr, "FOOTMAN_AGENT_INSECURE", "Allow ws:// to another machine: no encryption.",
     [](Options& o, const std::string& v) { return put_switch(o.controller.insecure, v); }},
    {"--one-shot", nullptr, "FOOTMAN_AGENT_ONE_SHOT", "Leave after the first build.",
     [](Options& o, const std::string& v) { return put_switch(o.one_shot, v); }, Of::run},
    {"--work-dir", "DIR", "FOOTMAN_AGENT_WORK_DIR",
     "Absolute; made when it is missing. Workspaces, scripts and the spool. Default: a new folder in TMPDIR "
     "or /tmp (which is made when it is missing), removed at the end.",
     [](Options& o, const std::string& v) { return put_path(o.work_dir, v); }},
    {"--exit-file", "FILE", "FOOTMAN_AGENT_EXIT_FILE", "Write here how the agent ended, as JSON.",
     [](Options& o, const std::string& v) { return put_text(o.exit_file, v); }},
    {"--orphan-timeout", "TIME", "FOOTMAN_AGENT_ORPHAN_TIMEOUT",
     "Give up when nothing was heard of the server for so long. Default: what the server says, or 30m.",
     [](Options& o, const std::string& v) { return put_duration(o.orphan_timeout, v); }},
    {"--notice", "TIME", "FOOTMAN_AGENT_NOTICE",
     "How long after SIGTERM this machine, or this container, is taken away. Default 10s.",
     [](Options& o, const std::string& v) { return put_duration(o.notice, v); }},
    {"--notice-grace", "TIME", "FOOTMAN_AGENT_NOTICE_GRACE",
     "So long before that a running step is ended. Default 10s.",
     [](Options& o, const std::string& v) { return put_duration(o.notice_grace, v); }},
    {"--spool", "SIZE", "FOOTMAN_AGENT_SPOOL",
     "How much output may wait on disk for the server. At the limit the build's output blocks. Default "
     "256MiB.",
     [](Options& o, const std::string& v) { return put_bytes(o.spool_bytes, v); }, Of::run},
    {"--web-socket", nullptr, "FOOTMAN_AGENT_WEB_SOCKET",
     "Jenkins' agent connects by WebSocket to the URL, not to Jenkins' agent port.",
     [](Options& o, const std::string& v) { return put_switch(o.web_socket, v); }, Of::supervise},
    {"--max-age", "TIME", "FOOTMAN_AGENT_MAX_AGE",
     "End the command after so long, whatever it does. Default: never.",
     [](Options& o, const std::string& v) { return put_duration(o.max_age, v); }, Of::supervise},
    {"--java", "PROGRAM", "FOOTMAN_AGENT_JAVA", "Default: the one of JAVA_HOME, else of PATH.",
     [](Options& o, const std::string& v) { return put_text(o.java, v); }, Of::supervise},
    {"--java-options", "OPTIONS", "FOOTMAN_AGENT_JAVA_OPTIONS",
     "For Java itself, with spaces between them. Default: -XX:+UseSerialGC -Xmx256m "
     "-XX:TieredStopAtLevel=1, with which an agent is online in a third of the time and needs a third of "
     "the memory.",
     put_words, Of::supervise},
    {"--server", "URL", "FOOTMAN_AGENT_SERVER_URL",
     "The Footman server, as the URL of run. The agent shows it its one-time secret or its proof, and "
     "fetches "
     "the secret for Jenkins from it. Without this the secret that was given is the one for Jenkins.",
     [](Options& o, const std::string& v) { return put_url(o.server.url, v); }, Of::supervise},
    {"--server-name", "NAME", "FOOTMAN_AGENT_SERVER_NAME", "The agent's name there. Needed with --server.",
     [](Options& o, const std::string& v) { return put_name(o.server_name, v); }, Of::supervise},
    {"--server-tunnel", "HOST:PORT", "FOOTMAN_AGENT_SERVER_TUNNEL", "As --tunnel, for that server.",
     [](Options& o, const std::string& v) { return put_tunnel(o.server, v); }, Of::supervise},
    {"--server-public-key-sha256", "HEX", "FOOTMAN_AGENT_SERVER_PUBLIC_KEY_SHA256",
     "As --public-key-sha256 of run, for that server.",
     [](Options& o, const std::string& v) { return put_text(o.server.public_key_sha256, v); }, Of::supervise},
    {"--server-ca-file", "FILE", "FOOTMAN_AGENT_SERVER_CA_FILE",
     "As --ca-file, for that server. FOOTMAN_AGENT_SERVER_CA holds the text itself.",
     [](Options& o, const std::string& v) { return put_text(o.server.ca_file, v); }, Of::supervise},
    {"--server-system-ca", nullptr, "FOOTMAN_AGENT_SERVER_SYSTEM_CA", "As --system-ca, for that server.",
     [](Options& o, const std::string& v) { return put_switch(o.server.system_ca, v); }, Of::supervise},
    {"--server-insecure", nullptr, "FOOTMAN_AGENT_SERVER_INSECURE", "As --insecure, for that server.",
     [](Options& o, const std::string& v) { return put_switch(o.server.insecure, v); }, Of::supervise},
    {"--cgroups", "on|off", "FOOTMAN_AGENT_CGROUPS",
     "Whether steps get control groups where the machine allows it. Default on.",
     [](Options& o, const std::string& v) { return put_switch(o.use_cgroups, v); }, Of::run},
    {"--log-format", "json|text", "FOOTMAN_AGENT_LOG_FORMAT",
     "Of the agent's own log on stderr. Default: text on a terminal, else json.", put_format},
    {"--log-level", "LEVEL", "FOOTMAN_AGENT_LOG_LEVEL", "debug, info, warning or error. Default info.",
     put_level},
};

const Flag* find_flag(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Flag& one) { return name == one.name; });
  return found == std::end(kFlags) ? nullptr : found;
}

Status put(Options& options, const Flag& flag, const char* source, const std::string& value) {
  auto status = flag.put(options, value);
  if (status) return {};
  auto error = std::move(status).error();
  error.field = source;
  return std::unexpected(std::move(error));
}

Status read_environment(Command command, Options& options,
                        const std::function<const char*(const char*)>& get) {
  for (const auto& flag : kFlags)
    if (const char* value = get(flag.variable); flag.is_of(command) && value != nullptr && *value != '\0')
      FOOTMAN_TRY_STATUS(put(options, flag, flag.variable, value));
  if (const char* pem = get("FOOTMAN_AGENT_CA"); pem != nullptr) options.controller.ca_pem = pem;
  if (const char* pem = get("FOOTMAN_AGENT_SERVER_CA"); pem != nullptr) options.server.ca_pem = pem;
  return {};
}

Status read_flags(Command command, Options& options, const std::vector<std::string>& arguments) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const auto& given = arguments[i];
    if (given == "--" && command == Command::supervise) {
      options.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      if (options.command.empty())
        return base::fail(Errc::invalid_argument, "there is no command after --", {},
                          "Without -- Java is started with the controller's agent.jar.");
      return {};
    }
    const auto equals = given.starts_with("--") ? given.find('=') : std::string::npos;
    const auto name = given.substr(0, equals);
    const auto* flag = find_flag(name);
    if (flag == nullptr || !flag->is_of(command))
      return base::fail(Errc::invalid_argument, fmt::format("\"{}\" is not known to {}", name, arguments[0]),
                        {}, "See footman-agent --help.");
    if (flag->value == nullptr) {
      FOOTMAN_TRY_STATUS(
          put(options, *flag, flag->name, equals == given.npos ? "on" : given.substr(equals + 1)));
      continue;
    }
    if (equals == given.npos && i + 1 == arguments.size())
      return base::fail(Errc::invalid_argument, fmt::format("{} needs a value ({})", name, flag->value),
                        name);
    FOOTMAN_TRY_STATUS(
        put(options, *flag, flag->name, equals == given.npos ? arguments[++i] : given.substr(equals + 1)));
  }
  return {};
}

Status need(const char* flag, const char* variable) {
  return base::fail(Errc::invalid_argument, fmt::format("{} is missing", flag), {},
                    fmt::format("Give it, or set {}.", variable));
}

// `host`: the one that is connected to; `prefix`: of its flags.
Status check_trust(const Place& place, const std::string& host, const std::string& flag,
                   const std::string& prefix) {
  const auto& scheme = place.url.scheme;
  const bool plain = scheme == "ws" || scheme == "http";
  if (plain && !place.insecure && !base::is_loopback_host(host))
    return base::fail(
        Errc::invalid_argument,
        fmt::format("{} sends secrets to {} without encryption", place.url.str(), host), flag,
        fmt::format("Use {}s://, or add {}insecure when the network is trusted.", scheme, prefix));
  if (scheme == "tcp" && place.public_key_sha256.empty() && place.ca_file.empty() && place.ca_pem.empty())
    return base::fail(Errc::invalid_argument, "the agent port's certificate cannot be checked", flag,
                      fmt::format("Give {}public-key-sha256 or {}ca-file.", prefix, prefix));
  return {};
}

// The Footman server, to which all of the connection goes through the tunnel.
Status check_server(const Place& place, const std::string& flag, const std::string& prefix) {
  return check_trust(place, place.tunnel ? place.tunnel->host : place.url.host, flag, prefix);
}

Status check(Command command, const Options& options) {
  const auto& scheme = options.controller.url.scheme;
  if (scheme.empty()) return need("--url", "FOOTMAN_AGENT_URL");
  if (options.name.empty()) return need("--name", "FOOTMAN_AGENT_NAME");
  if (!options.proof.empty() && options.proof_url.scheme.empty())
    return need("--proof-url", "FOOTMAN_AGENT_PROOF_URL");
  if (!options.proof.empty() && options.proof_region.empty())
    return need("--proof-region", "FOOTMAN_AGENT_PROOF_REGION");
  if (command == Command::run) return check_server(options.controller, "--url", "--");
  const bool web = scheme == "http" || scheme == "https";
  if (!web)
    return base::fail(Errc::invalid_argument,
                      fmt::format("{} is not Jenkins' URL", options.controller.url.str()), "--url",
                      "http:// or https:// was expected, as in a browser.");
  // Jenkins' tunnel is for its agent port only, which encrypts by itself.
  FOOTMAN_TRY_STATUS(check_trust(options.controller, options.controller.url.host, "--url", "--"));
  if (options.server.url.scheme.empty())
    return options.proof.empty() ? Status() : need("--server", "FOOTMAN_AGENT_SERVER_URL");
  if (options.server_name.empty()) return need("--server-name", "FOOTMAN_AGENT_SERVER_NAME");
  return check_server(options.server, "--server", "--server-");
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (column + end > width && column > indent) {
      out.back() = '\n';
      out.append(indent, ' ');
      column = indent;
    }
    out.append(text.substr(0, end)).append(" ");
    column += end + 1;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out.pop_back();
  return out;
}

}  // namespace

base::Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                             const std::function<const char*(const char*)>& get,
                                             bool stderr_is_terminal) {
  const auto own = std::find(arguments.begin(), arguments.end(), "--");  // what follows is another program's
  const auto has = [&](std::string_view word) { return std::find(arguments.begin(), own, word) != own; };
  if (has("--help") || has("-h") || (!arguments.empty() && arguments[0] == "help"))
    return CommandLine{Command::help, {}, {}};
  if (has("--version")) return CommandLine{Command::version, {}, {}};
  if (!arguments.empty() && arguments[0] == "install") {
    if (arguments.size() != 2 || !arguments[1].starts_with('/'))
      return base::fail(Errc::invalid_argument, "install: one absolute path was expected", {},
                        "See footman-agent --help.");
    return CommandLine{Command::install, {}, arguments[1]};
  }
  const bool supervises = !arguments.empty() && arguments[0] == "supervise";
  if (!supervises && (arguments.empty() || arguments[0] != "run"))
    return base::fail(
        Errc::invalid_argument,
        arguments.empty() ? "there is no command" : fmt::format("\"{}\" is not a command", arguments[0]), {},
        "See footman-agent --help.");
  CommandLine line{supervises ? Command::supervise : Command::run, {}, {}};
  line.options.log_json = !stderr_is_terminal;
  FOOTMAN_TRY_STATUS(read_environment(line.command, line.options, get));
  FOOTMAN_TRY_STATUS(read_flags(line.command, line.options, arguments));
  FOOTMAN_TRY_STATUS(check(line.command, line.options));
  return line;
}

std::string help_text() {
  constexpr std::size_t kIndent = 6;
  constexpr std::size_t kWidth = 96;
  std::string text =
      "footman-agent runs builds for a Footman server, which starts it: names and one-time secrets are made "
      "for\n"
      "launches only, so there is no way to add an agent by hand. What a launch looks like:\n\n"
      "  footman-agent run --url wss://ci.example.com/ --name NAME --secret-file FILE\n"
      "  FOOTMAN_AGENT_SECRET=... footman-agent run --url tcp://ci.example.com:50000 \\\n"
      "      --public-key-sha256 HEX --name NAME\n\n"
      "The init container of a task whose image has no agent puts it into a volume that both mount:\n\n"
      "  footman-agent install DIRECTORY\n\n"
      "For a Jenkins, this program stands in front of the Java agent: of an image's own command, or, "
      "without\n"
      "one, of Java with the agent.jar that it fetches from there:\n\n"
      "  footman-agent supervise --url https://jenkins.example.com/ --name NAME --secret-file FILE \\\n"
      "      [-- /usr/local/bin/jenkins-agent]\n\n"
      "With --server URL and --server-name NAME the secret for Jenkins is fetched from a Footman server.\n"
      "The command finds JENKINS_URL, JENKINS_AGENT_NAME, JENKINS_SECRET (@FILE), JENKINS_AGENT_WORKDIR,\n"
      "JENKINS_TUNNEL and JENKINS_WEB_SOCKET in its environment.\n\n"
      "Options, and the variables that stand for them:\n";
  for (const auto& flag : kFlags) {
    text += fmt::format("  {}{}{}  ({}){}\n", flag.name, flag.value != nullptr ? " " : "",
                        flag.value != nullptr ? flag.value : "", flag.variable,
                        flag.of == Of::run         ? "  [run]"
                        : flag.of == Of::supervise ? "  [supervise]"
                                                   : "");
    text += std::string(kIndent, ' ') + wrapped(flag.help, kIndent, kWidth) + "\n";
  }
  text +=
      "  --help, --version\n\n"
      "Proxies: http_proxy, https_proxy, all_proxy and no_proxy are honoured.\n\n"
      "Signals: SIGTERM, SIGINT, SIGHUP or SIGQUIT is the notice that the machine goes away. No new work is\n"
      "taken; a running step goes on until --notice-grace before the end. A second signal ends the step at\n"
      "once and leaves --notice-grace to report; a third one ends everything.\n"
      "supervise hands SIGTERM on at those times.\n\n"
      "Exit codes:\n"
      "    0  its work is done and acknowledged\n"
      "    1  something is broken here: the log says what\n"
      "    2  wrong options\n"
      "    3  the server refused this agent or has given it up, or its certificate is not trusted\n"
      "    4  nothing was heard of the server for the orphan time-out\n"
      "    5  the time of a notice was over before everything was acknowledged\n"
      "  128+n  killed by signal n\n"
      "Of supervise: 1, 2 and 4 as above, 3 of the server it fetches its secret from, 5 after a notice or "
      "the\n"
      "maximum age, else those of its command.\n";
  return text;
}

}  // namespace footman::agent::real
