#include "apps/footman/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/schema.hpp"
#include "config/tests/sample_document.hpp"

using namespace footman;
using namespace footman::app;
using config::tests::document_with;

namespace {

ServerFacts facts() { return {{"127.0.0.1", 8080}, {"0.0.0.0", 50000}, false, "CA", false, "abcd"}; }

config::Config parse(const std::string& text) {
  const config::Sources sources{[](const std::string& name) {
                                  return name.ends_with("TOKEN") ? std::optional<std::string>("of " + name)
                                                                 : std::nullopt;
                                },
                                [](const std::string&) { return base::fail(base::Errc::not_found, "no"); }};
  auto parsed = config::parse_config(text, "f", sources, "x86_64");
  if (!parsed)
    for (const auto& error : parsed.error()) MESSAGE(describe(error));
  REQUIRE(parsed.has_value());
  return *parsed;
}

std::vector<std::string> texts(const config::Config& before, const config::Config& after) {
  std::vector<std::string> out;
  for (const auto& change : compare_configs(before, after))
    out.push_back(change.text + (change.restart ? " (restart)" : ""));
  return out;
}

}  // namespace

TEST_CASE("a server that listens on every address is found on this machine's own") {
  CHECK(reachable_host("0.0.0.0") == "127.0.0.1");
  CHECK(reachable_host("::") == "::1");
  CHECK(reachable_host("192.0.2.7") == "192.0.2.7");
}

TEST_CASE("how agents reach the server") {
  config::AgentAddress address;
  auto at = make_endpoint(address, facts());
  CHECK(at.url == "ws://127.0.0.1:8080");
  CHECK(at.public_key_sha256.empty());
  CHECK(at.ca_pem.empty());

  auto tls = facts();
  tls.tls = true;
  at = make_endpoint(address, tls);
  CHECK(at.url == "wss://127.0.0.1:8080");
  CHECK(at.ca_pem == "CA");
  CHECK_FALSE(at.only_ca);
  tls.only_ca = true;
  CHECK(make_endpoint(address, tls).only_ca);

  address.connect = config::Connect::tcp;
  at = make_endpoint(address, facts());
  CHECK(at.url == "tcp://127.0.0.1:50000");
  CHECK(at.public_key_sha256 == "abcd");
  CHECK(at.ca_pem.empty());

  address.agent_url = "https://ci.example.com";
  address.tunnel = "10.0.0.7:50000";
  at = make_endpoint(address, facts());
  CHECK(at.url == "tcp://ci.example.com:50000");
  CHECK(at.tunnel == "10.0.0.7:50000");

  address.connect.reset();
  CHECK(make_endpoint(address, facts()).url == "wss://ci.example.com");
  address.agent_url = "ws://localhost:1/base/";
  CHECK(make_endpoint(address, facts()).url == "ws://localhost:1/base/");
  address.agent_url = "tcp://ci.example.com:50001";
  CHECK(make_endpoint(address, facts()).url == "tcp://ci.example.com:50001");
}

TEST_CASE("who listens beyond this machine is told what that means") {
  const auto local = config::default_config("x86_64");
  CHECK(exposure_warnings(local, facts()).empty());
  auto open = facts();
  open.http.host = "0.0.0.0";
  const auto both = exposure_warnings(local, open);
  REQUIRE(both.size() == 2);
  CHECK(both[0].find("without TLS") != std::string::npos);
  CHECK(both[1].find("the server's own user") != std::string::npos);
  open.tls = true;
  CHECK(exposure_warnings(local, open) == std::vector{both[1]});
  CHECK(exposure_warnings(config::Config{}, open).empty());
}

TEST_CASE("what the process may have open is shared out: the ports never take what the rest needs") {
  for (const std::size_t descriptors : {16, 256, 1024, 4096, 20'000, 1'000'000}) {
    CAPTURE(descriptors);
    const auto shares = share_descriptors(descriptors);
    CHECK(shares.http > 0);
    CHECK(shares.agents > 0);
    CHECK(descriptors - shares.http - shares.agents >= std::min<std::size_t>(descriptors / 2, 1024));
    for (const auto connections : {shares.http, shares.agents}) {
      const auto strangers = limit_strangers(connections);
      CHECK(strangers.handshakes > 0);
      CHECK(strangers.handshakes <= strangers.all);
      CHECK(strangers.all <= connections / 2);
    }
  }
  CHECK(share_descriptors(1'000'000).http == net::HttpServerLimits().connections);
  CHECK(limit_strangers(16'000).all == net::StrangerLimits().all);
  CHECK(limit_strangers(16'000).handshakes == net::StrangerLimits().handshakes);
}

TEST_CASE("what the process has to have open follows from how many agents there may be") {
  const auto needed = [](const std::string& text) { return needed_descriptors(parse(text)); };
  const std::string local =
      "clouds: [{name: a, type: local, templates: [{name: t, cap: 5}, {name: u, cap: 7}]}]";
  CHECK(needed(local) == 1024 + 2 * (12 + 256));
  CHECK(needed("limits: {agents: 9}\n" + local) == 1024 + 2 * (9 + 256));
  CHECK(needed("clouds: [{name: a, type: local, cap: 4, templates: [{name: t}]}]") == 1024 + 2 * (4 + 256));
  CHECK(needed("clouds: [{name: a, type: local, templates: [{name: t}]}]") == 1024 + 2 * (1000 + 256));
  CHECK(needed("clouds: []") == 1024 + 2 * 256);  // no cloud, no agents
  CHECK(needed("clouds: [{name: a, type: local, cap: 1000000, templates: [{name: t}]}]") ==
        1024 + 2 * (controller::kMaxConnections + 256));
}

TEST_CASE("the largest body that is allowed fits into what all bodies may take") {
  auto config = config::default_config("x86_64");
  config.request_bytes = 1'000;
  CHECK(make_http_limits(config, 100).body_bytes == 1'000);
  CHECK(make_http_limits(config, 100).all_bodies_bytes == net::HttpServerLimits().all_bodies_bytes);
  config.request_bytes = 1'000'000'000;
  CHECK(make_http_limits(config, 100).all_bodies_bytes == 1'000'000'000);
  CHECK(make_http_limits(config, 100).connections == 100);
}

TEST_CASE("every template becomes one of the fleet, with its options for the cloud") {
  const auto config = parse(
      "limits: {agents: 9}\nclouds: [{name: a, type: local, cap: 4, connect: tcp, templates: [{name: t, "
      "labels: [x], "
      "default: true, retention: {idle: 5m}, memory: 1 GiB, env: {A: b}}]}]");
  const auto fleet = make_fleet_config(config, facts());
  CHECK(fleet.limits.agents == 9);
  CHECK(fleet.cloud_limits.at(base::CloudName("a")).agents == 4);
  const auto& t = fleet.templates.at(0);
  CHECK(t.cloud == base::CloudName("a"));
  CHECK(t.max_builds == 0);
  CHECK(t.idle_timeout == std::chrono::minutes(5));
  CHECK(t.endpoint.url.starts_with("tcp://"));
  const auto options = make_local_templates(config.clouds.at(0)).at(base::TemplateName("t"));
  CHECK(options.memory_bytes == 1ULL << 30);
  CHECK(options.env.at("A") == "b");
}

TEST_CASE("a Jenkins gets the agents of the templates that it names, or of all") {
  const auto read = [](const std::string& more) {
    return parse(
        "jenkins: [{name: j, url: https://j.example, user: u, token: \"${env:TOKEN}\"" + more +
        "}]\nclouds: [{name: a, type: local, templates: [{name: t, labels: [x, y]}, {name: s, default: "
        "true}]}]\n");
  };
  const jenkins::ServedLabels of_t{{"x", "y"}, false};
  const jenkins::ServedLabels of_s{{}, true};
  auto config = read("");
  auto settings = make_jenkins_settings(config, config.jenkins[0]);
  CHECK(settings.name == base::ControllerName("j"));
  CHECK(settings.url == "https://j.example/");
  CHECK(settings.user == "u");
  CHECK(settings.token.expose() == "of TOKEN");
  CHECK(settings.connection == jenkins::AgentConnection::web_socket);
  CHECK(settings.prefix == "footman-");
  CHECK(settings.java_options.starts_with("-XX:+UseSerialGC"));
  CHECK(settings.demand.served == std::vector{of_t, of_s});
  CHECK(settings.demand.overflow == jenkins::Overflow::when_busy);
  CHECK(make_fleet_config(config, facts()).controller_templates.empty());

  config = read(", templates: [s], overflow: after 7s, connect: tcp, tunnel: \"b:1\", agent_url: https://b");
  settings = make_jenkins_settings(config, config.jenkins[0]);
  CHECK(settings.demand.served == std::vector{of_s});
  CHECK(settings.demand.overflow == jenkins::Overflow::after);
  CHECK(settings.demand.overflow_after == std::chrono::seconds(7));
  CHECK(settings.connection == jenkins::AgentConnection::tcp);
  CHECK(settings.tunnel == "b:1");
  CHECK(settings.agent_url == "https://b/");
  CHECK(make_fleet_config(config, facts()).controller_templates.at(settings.name) ==
        std::set{base::TemplateName("s")});

  config = read(", overflow: never");
  CHECK(make_jenkins_settings(config, config.jenkins[0]).demand.overflow == jenkins::Overflow::never);
}

TEST_CASE("where people find the pages") {
  config::Config config;
  CHECK(page_url(config, facts()) == "http://127.0.0.1:8080");
  auto open = facts();
  open.tls = true;
  open.http = {"0.0.0.0", 443};
  CHECK(page_url(config, open) == "https://127.0.0.1:443");
  config.address.agent_url = "wss://ci.example.com/base/";
  CHECK(page_url(config, facts()) == "https://ci.example.com");
  config.address.agent_url = "ws://ci.example.com:8080";
  CHECK(page_url(config, facts()) == "http://ci.example.com:8080");
  config.address.agent_url = "tcp://ci.example.com:50000";
  CHECK(page_url(config, facts()) == "http://127.0.0.1:8080");
}

TEST_CASE("a limit of the built-in controller is one of the controller that there is") {
  const auto fleet = make_fleet_config(parse("limits: {controllers: {footman: 20}}"), facts());
  CHECK(fleet.controller_limits.at(make_controller_config(config::Config{}).name).agents == 20);
}

TEST_CASE("the parts' own defaults are those of the configuration") {
  CHECK(make_controller_config(config::Config{}) == controller::ControllerConfig{});
  const auto fleet = make_fleet_config(config::default_config("x86_64"), facts());
  CHECK(fleet.limits == fleet::FleetConfig{}.limits);
  CHECK(fleet.orphan_timeout == fleet::FleetConfig{}.orphan_timeout);
  const fleet::Template own;
  const auto& made = fleet.templates.at(0);
  CHECK(made.priority == own.priority);
  CHECK(made.limits == own.limits);
  CHECK(made.max_builds == own.max_builds);
  CHECK(made.idle_timeout == own.idle_timeout);
  CHECK(made.max_age == own.max_age);
  CHECK(made.launch_deadline == own.launch_deadline);
}

TEST_CASE("a reload says what changed, and what waits for a restart") {
  const auto before =
      parse("clouds: [{name: a, type: local, cap: 4, templates: [{name: t, env: {A: b}}, {name: u}]}]");
  CHECK(texts(before, before).empty());
  const auto after = parse(
      "listen: 127.0.0.1:9\nclouds: [{name: a, type: local, cap: 8, templates: [{name: t, env: {A: secret}}, "
      "{name: v}]}]");
  const auto said = texts(before, after);
  const auto has = [&](const std::string& text) { return std::ranges::find(said, text) != said.end(); };
  CHECK(has("listen: 127.0.0.1:8080 -> 127.0.0.1:9 (restart)"));
  CHECK(has("cloud a: cap: 4 -> 8"));
  CHECK(has("template t: env changed"));
  CHECK(has("template u removed"));
  CHECK(has("template v added"));
  CHECK(said.size() == 5);
  for (const auto& text : said) CHECK(text.find("secret") == std::string::npos);
  const auto clouds = texts(before, parse("clouds: [{name: b, type: local}]"));
  CHECK(std::ranges::find(clouds, "cloud b added (restart)") != clouds.end());
}

TEST_CASE("a change of any key of the schema is seen, and is said to wait for a restart if it does") {
  // Another value than the one that holds without the key.
  const std::map<std::string_view, std::string_view> samples = {
      {"address:port", "127.0.0.1:9"},
      {"path", "/x"},
      {"list of names", "[x]"},
      {"list of labels", "[x]"},
      {"host:port", "h:9"},
      {"URL", "wss://ci.example.com"},
      {"websocket or tcp", "tcp"},
      {"map", "{A: b}"},
      {"map of numbers or limits", "{gpu: 7}"},
      {"true or false", "true"},
      {"duration", "2h"},
      {"size", "1 MiB"},
      {"one-shot or {idle: duration, builds: number, paid: true or false}", "{idle: 7m}"},
      {"minute hour day month weekday", "0 9 * * *"},
      {"list", "[{cron: 0 8 * * *, for: 1h}]"},
      {"time zone", "UTC"},
      {"number", "7"},
      {"vCPU", "7"},
      {"price", "$7/h"},
      {"hourly price", "$7/h"},
      {"amount", "$7"},
      {"goal", "p90 <= 7s"},
      {"file:PATH or ${env:NAME}", "\"${env:OTHER_TOKEN}\""},
      {"list of names", "[other]"},
      {"never, when-busy or after DURATION", "after 7s"},
      {"text", "other"},
      {"name", "other"}};
  const auto before = parse(document_with("", ""));
  for (const auto& key : config::schema()) {
    if (key.cloud_type == "ecs") continue;                                              // see below
    if (key.path == "clouds[].type") continue;                                          // one value only
    if (key.path.ends_with("].extends") || key.path.ends_with("].abstract")) continue;  // see below
    CAPTURE(key.path);
    REQUIRE(samples.contains(key.type));
    auto value = samples.at(key.type);
    if (key.path == "limits.controllers") value = "{footman: 7}";
    if (key.path == "jenkins[].url" || key.path == "jenkins[].agent_url") value = "https://other.example/";
    if (key.path == "jenkins[].templates") value = "[t]";
    if (key.path == "session.heartbeat") value = "17s";
    if (key.path == "session.lease") value = "70s";
    auto document = document_with(key.path, value);
    const bool counts_sizes = key.path.find("limits.") != std::string::npos &&
                              (key.path.ends_with(".vcpus") || key.path.ends_with(".memory"));
    if (counts_sizes) document.insert(document.find("name: t") + 7, ", size: {cpu: 1, memory: 1 GiB}");
    if (key.path.ends_with("goal.per_day")) document.insert(document.find("per_day"), "wait: p90 <= 5s, ");
    if (key.path == "tls.certificate") document.insert(document.find('}'), ", key: /k");
    if (key.path == "tls.key") document.insert(document.find('}'), ", certificate: /c");
    const auto changes = compare_configs(before, parse(document));
    auto name = std::string(key.path.substr(key.path.rfind('.') + 1));
    if (key.path.ends_with(">.agents")) name = key.path.substr(0, key.path.find(".<"));  // a number alone
    const bool level = key.path.ends_with("].name");
    const auto about = [&](const ConfigChange& change) {
      return change.text.find(level ? "other added" : name) != std::string::npos;
    };
    const auto found = std::ranges::find_if(changes, about);
    REQUIRE(found != changes.end());
    CHECK(found->restart == key.restart);
  }
}

TEST_CASE("what a template inherits changes with its parent, and an abstract one is none") {
  const auto with = [](const char* base) {
    return parse(std::string("clouds: [{name: a, type: local, templates: [{name: b, ") + base +
                 "}, {name: t, extends: b}]}]");
  };
  CHECK(texts(with("cap: 1"), with("cap: 2")) ==
        std::vector<std::string>{"template b: cap: 1 -> 2", "template t: cap: 1 -> 2"});
  CHECK(texts(with("cap: 1"), with("cap: 1, abstract: true")) ==
        std::vector<std::string>{"template b removed"});
}

TEST_CASE("a change of what ECS is told is seen, and no value that may be a secret is shown") {
  const auto with = [](const std::string& cloud, const std::string& task) {
    return parse(
        "clouds: [{name: a, type: ecs, agent_url: wss://ci.example.com, ecs: {region: eu-central-1, " +
        cloud +
        "}, templates: [{name: t, ecs: {image: node, cpu: 1 vCPU, memory: 2 GiB, subnets: "
        "[subnet-0123456789abcdef0], execution_role: arn:aws:iam::123456789012:role/x, agent: "
        "{carrier_image: footman/agent}, " +
        task + "}}]}]");
  };
  const auto before = with(
      "cluster: x, credentials: {assume_role: {role: arn:aws:iam::123456789012:role/x, "
      "external_id: secret1}}",
      "user: node, log: {driver: splunk, options: {splunk-token: secret2}}, sidecars: [{name: s, "
      "image: s, env: {A: secret3}}], health_check: {command: [CMD, a]}");
  CHECK(texts(before, before).empty());
  const auto after = with(
      "cluster: y, log_group: /x, credentials: {assume_role: {role: "
      "arn:aws:iam::123456789012:role/x, external_id: secret4}}",
      "user: root, log: {driver: splunk, options: {splunk-token: secret5}}, sidecars: [{name: s, "
      "image: s, env: {A: secret6}}], stop_timeout: 90s, mounts: [{volume: v, path: /v}], "
      "volumes: [{name: v}]");
  const auto said = texts(before, after);
  std::string all;
  for (const auto& one : said) all += one + "\n";
  INFO(all);
  CHECK(said == std::vector<std::string>{
                    "cloud a: ecs.cluster: x -> y (restart)",
                    "cloud a: ecs.credentials changed (restart)",
                    "cloud a: ecs.log_group: (none) -> /x (restart)",
                    "template t: ecs.health_check changed",
                    "template t: ecs.log changed",
                    "template t: ecs.mounts: [] -> [{volume: v, path: /v}]",
                    "template t: ecs.sidecars changed",
                    "template t: ecs.stop_timeout: (none) -> 1 min 30 s",
                    "template t: ecs.user: node -> root",
                    "template t: ecs.volumes: [] -> [{name: v}]",
                });
}
