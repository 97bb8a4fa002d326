#include "agent/real/options.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>

#include "agent/real/connector.hpp"

using namespace footman;
using namespace footman::agent::real;
using base::Errc;

namespace {

using Environment = std::map<std::string, std::string>;

base::Result<CommandLine> parse(std::vector<std::string> arguments, const Environment& environment = {}) {
  return parse_command_line(
      arguments,
      [&](const char* name) -> const char* {
        const auto it = environment.find(name);
        return it == environment.end() ? nullptr : it->second.c_str();
      },
      false);
}

std::string error_of(std::vector<std::string> arguments, const Environment& environment = {}) {
  const auto line = parse(std::move(arguments), environment);
  if (line) return "no error";
  CHECK(line.error().code == Errc::invalid_argument);
  return base::describe(line.error());
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what the local cloud gives is understood") {
  const auto line = parse({"run",
                           "--url",
                           "ws://127.0.0.1:8080/",
                           "--name",
                           "local-abc",
                           "--attempt",
                           "2",
                           "--secret-file",
                           "/w/secret",
                           "--work-dir",
                           "/w",
                           "--exit-file",
                           "/w/exit.json",
                           "--tunnel",
                           "10.0.0.1:50000",
                           "--ca-file",
                           "/w/ca.pem",
                           "--system-ca",
                           "--public-key-sha256",
                           "ab",
                           "--insecure",
                           "--orphan-timeout",
                           "1800000ms",
                           "--one-shot"});
  REQUIRE(line);
  const auto& options = line->options;
  CHECK(line->command == Command::run);
  CHECK(options.controller.url.str() == "ws://127.0.0.1:8080/");
  CHECK(options.name == "local-abc");
  CHECK(options.attempt == 2);
  CHECK(options.secret_file == "/w/secret");
  CHECK(options.work_dir == "/w");
  CHECK(options.exit_file == "/w/exit.json");
  CHECK(options.controller.tunnel == net::Endpoint{"10.0.0.1", 50000});
  CHECK(options.controller.ca_file == "/w/ca.pem");
  CHECK(options.controller.system_ca);
  CHECK(options.controller.insecure);
  CHECK(options.one_shot);
  CHECK(options.orphan_timeout == 30min);
  CHECK(options.log_json);
}

TEST_CASE("variables stand for flags; flags win") {
  const Environment environment = {{"FOOTMAN_AGENT_URL", "wss://ci.example.com/"},
                                   {"FOOTMAN_AGENT_NAME", "a"},
                                   {"FOOTMAN_AGENT_ONE_SHOT", "true"},
                                   {"FOOTMAN_AGENT_NOTICE", "2m"},
                                   {"FOOTMAN_AGENT_CA", "pem"},
                                   {"FOOTMAN_AGENT_CGROUPS", "off"}};
  const auto line = parse({"run", "--name=b", "--notice", "1m", "--spool", "1GiB"}, environment);
  REQUIRE(line);
  CHECK(line->options.name == "b");
  CHECK(line->options.one_shot);
  CHECK(line->options.notice == 1min);
  CHECK(line->options.controller.ca_pem == "pem");
  CHECK_FALSE(line->options.use_cgroups);
  CHECK(line->options.spool_bytes == 1U << 30);
}

TEST_CASE("wrong options: what, where, and what to do") {
  const std::vector<std::string> good = {"run", "--url", "wss://h/", "--name", "a"};
  const auto with = [&](std::vector<std::string> more) {
    auto all = good;
    all.insert(all.end(), more.begin(), more.end());
    return error_of(all);
  };
  CHECK(parse(good));
  CHECK(holds(error_of({}), "--help"));
  CHECK(holds(error_of({"serve"}), "\"serve\""));
  CHECK(holds(error_of({"run"}), "FOOTMAN_AGENT_URL"));
  CHECK(holds(error_of({"run", "--url", "wss://h/"}), "--name"));
  CHECK(holds(with({"--frobnicate"}), "--frobnicate"));
  CHECK(holds(with({"--tunnel"}), "needs a value (HOST:PORT)"));
  CHECK(holds(with({"--attempt", "x"}), "--attempt"));
  CHECK(holds(with({"--notice", "10"}), "--notice"));
  CHECK(holds(with({"--url", "ftp://h/"}), "ftp"));
  CHECK(holds(with({"--log-level", "loud"}), "loud"));
  CHECK(holds(with({"--work-dir", "here"}), "absolute"));
  CHECK(holds(error_of(good, {{"FOOTMAN_AGENT_ATTEMPT", "x"}}), "FOOTMAN_AGENT_ATTEMPT"));
  CHECK(holds(with({"--url", "ws://ci.example.com/"}), "--insecure"));
  CHECK(parse({"run", "--url", "ws://ci.example.com/", "--name", "a", "--insecure"}));
  CHECK(parse({"run", "--url", "ws://[::1]:80/", "--name", "a"}));
  CHECK(holds(with({"--url", "tcp://h:50000"}), "--public-key-sha256"));
}

TEST_CASE("help and version come before everything else") {
  CHECK(parse({"--help"})->command == Command::help);
  CHECK(parse({"run", "--nonsense", "--help"})->command == Command::help);
  CHECK(parse({"--version"})->command == Command::version);
  const auto text = help_text();
  CHECK(holds(text, "made for\nlaunches only"));
  for (const auto* part : {"--url", "--notice-grace", "FOOTMAN_AGENT_SECRET", "Exit codes", "SIGTERM"})
    CHECK(holds(text, part));
}

TEST_CASE("where a server takes agents over WebSocket") {
  CHECK(websocket_path("/") == "/agent/v1");
  CHECK(websocket_path("/base/") == "/base/agent/v1");
  CHECK(websocket_path("/base") == "/base/agent/v1");
  CHECK(websocket_path("/agent/v1") == "/agent/v1");
  CHECK(websocket_path("/x?y=1") == "/x/agent/v1");
}

TEST_CASE("what an ECS task with a role gives is understood") {
  const Environment given{{"FOOTMAN_AGENT_URL", "wss://ci.example.com/"},
                          {"FOOTMAN_AGENT_NAME", "a"},
                          {"FOOTMAN_AGENT_PROOF", "aws"},
                          {"FOOTMAN_AGENT_PROOF_URL", "https://sts.eu-central-1.amazonaws.com/"},
                          {"FOOTMAN_AGENT_PROOF_REGION", "eu-central-1"}};
  const auto line = parse({"run"}, given);
  REQUIRE(line.has_value());
  CHECK(line->options.proof == "aws");
  CHECK(line->options.proof_url.host == "sts.eu-central-1.amazonaws.com");
  CHECK(line->options.proof_region == "eu-central-1");
  const auto without = [&](const char* name) {
    auto less = given;
    less.erase(name);
    return error_of({"run"}, less);
  };
  CHECK(holds(without("FOOTMAN_AGENT_PROOF_URL"), "--proof-url is missing"));
  CHECK(holds(without("FOOTMAN_AGENT_PROOF_REGION"), "--proof-region is missing"));
  CHECK(holds(error_of({"run", "--proof", "gcp"}, given), "\"gcp\" is not known"));
  CHECK(holds(error_of({"run", "--proof-url", "nowhere"}, given), "--proof-url"));
}

TEST_CASE("supervise: its own options, and the command behind --") {
  const std::vector<std::string> good = {"supervise", "--url", "https://j.example/", "--name", "a"};
  const auto with = [&](std::vector<std::string> more) {
    auto all = good;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto plain = parse(good, {{"FOOTMAN_AGENT_ONE_SHOT", "none of its"}});
  REQUIRE(plain);
  CHECK(plain->command == Command::supervise);
  CHECK(plain->options.command.empty());
  CHECK(plain->options.java_options.size() == 3);
  CHECK(plain->options.max_age == base::Duration(0));
  const auto line = parse(with({"--max-age", "2h", "--web-socket", "--java-options", " -Xmx1g  -Da=b ", "--",
                                "/entry", "--help", "--"}));
  REQUIRE(line);
  CHECK(line->options.command == std::vector<std::string>{"/entry", "--help", "--"});
  CHECK(line->options.java_options == std::vector<std::string>{"-Xmx1g", "-Da=b"});
  CHECK(line->options.max_age == 2h);
  CHECK(line->options.web_socket);
  CHECK(holds(error_of(with({"--"})), "there is no command after --"));
  CHECK(holds(error_of(with({"--one-shot"})), "\"--one-shot\" is not known to supervise"));
  CHECK(holds(error_of({"run", "--url", "wss://c.example/", "--name", "a", "--web-socket"}),
              "\"--web-socket\" is not known to run"));
  CHECK(holds(error_of({"supervise", "--url", "wss://j.example/", "--name", "a"}), "not Jenkins' URL"));
  CHECK(holds(error_of({"supervise", "--url", "http://j.example/", "--name", "a"}), "without encryption"));
  CHECK(parse({"supervise", "--url", "http://j.example/", "--name", "a", "--insecure"}).has_value());
}

TEST_CASE("supervise: Jenkins and the Footman server that its secret comes from are told apart") {
  const Environment given{{"FOOTMAN_AGENT_URL", "https://j.example/"},
                          {"FOOTMAN_AGENT_NAME", "footman-a"},
                          {"FOOTMAN_AGENT_TUNNEL", "j.lb:1"},
                          {"FOOTMAN_AGENT_CA", "pem of j"},
                          {"FOOTMAN_AGENT_SERVER_URL", "tcp://f.example:50000"},
                          {"FOOTMAN_AGENT_SERVER_NAME", "a"},
                          {"FOOTMAN_AGENT_SERVER_TUNNEL", "f.lb:2"},
                          {"FOOTMAN_AGENT_SERVER_CA", "pem of f"},
                          {"FOOTMAN_AGENT_SERVER_SYSTEM_CA", "true"},
                          {"FOOTMAN_AGENT_SERVER_PUBLIC_KEY_SHA256", "ab"},
                          {"FOOTMAN_AGENT_ATTEMPT", "3"},
                          {"FOOTMAN_AGENT_PROOF", "aws"},
                          {"FOOTMAN_AGENT_PROOF_URL", "https://sts.eu-central-1.amazonaws.com/"},
                          {"FOOTMAN_AGENT_PROOF_REGION", "eu-central-1"}};
  const auto line = parse({"supervise"}, given);
  REQUIRE_MESSAGE(line.has_value(), (line ? "" : base::describe(line.error())));
  const auto& [controller, server, server_name, name] =
      std::tie(line->options.controller, line->options.server, line->options.server_name, line->options.name);
  CHECK(controller.url.host == "j.example");
  CHECK(controller.tunnel == net::Endpoint{"j.lb", 1});
  CHECK(controller.ca_pem == "pem of j");
  CHECK_FALSE(controller.system_ca);
  CHECK(name == "footman-a");
  CHECK(server.url.scheme == "tcp");
  CHECK(server.url.host == "f.example");
  CHECK(server.tunnel == net::Endpoint{"f.lb", 2});
  CHECK(server.ca_pem == "pem of f");
  CHECK(server.system_ca);
  CHECK(server.public_key_sha256 == "ab");
  CHECK(server_name == "a");
  CHECK(line->options.attempt == 3);
  CHECK(line->options.proof == "aws");
  CHECK_FALSE(server.insecure);

  const auto with = [&](const char* variable, const char* value) {
    auto other = given;
    other[variable] = value;
    return error_of({"supervise"}, other);
  };
  CHECK(holds(with("FOOTMAN_AGENT_SERVER_NAME", ""), "--server-name is missing"));
  CHECK(holds(with("FOOTMAN_AGENT_SERVER_URL", ""), "--server is missing"));
  CHECK(holds(with("FOOTMAN_AGENT_SERVER_URL", "ftp://f/"), "FOOTMAN_AGENT_SERVER_URL"));
  // What is connected to is the tunnel.
  CHECK(holds(with("FOOTMAN_AGENT_SERVER_URL", "ws://127.0.0.1/"), "add --server-insecure"));
  CHECK(holds(error_of({"supervise", "--url", "https://j/", "--name", "a", "--server", "tcp://f:1",
                        "--server-name", "a"}),
              "Give --server-public-key-sha256 or --server-ca-file."));
  CHECK(holds(error_of({"run", "--server", "wss://f/"}), "\"--server\" is not known to run"));
}
