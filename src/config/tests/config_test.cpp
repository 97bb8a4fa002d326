#include "config/config.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config/schema.hpp"
#include "config/tests/sample_document.hpp"

using namespace footman::config;

namespace {
Sources sources() {
  return {[](const std::string& n) {
            if (n == "TOKEN") return std::optional<std::string>("of the environment");
            return n == "HOST" ? std::optional<std::string>("ci.example.com") : std::nullopt;
          },
          [](const std::string& p) -> Result<std::string> {
            if (p == "/run/data") return "/srv/data\n";
            return fail(Errc::not_found, "no such file");
          }};
}
std::string error_of(std::string_view text) {
  auto c = parse_config(text, "f", sources(), "x86_64");
  return c ? "ok" : describe(c.error().at(0));
}
}  // namespace

TEST_CASE("a whole configuration") {
  const auto c = parse_config(R"(listen: 0.0.0.0:80
data: file:/run/data
agent_url: wss://${env:HOST}/
limits: {log_bytes: 64 MiB, build_timeout: 2h}
clouds:
  - name: here
    type: local
    cap: 4
    connect: tcp
    templates:
      - {name: a, labels: [linux, x], default: true, retention: {idle: 5m}, env: {A: b}}
      - {name: b, retention: one-shot, priority: -1}
)",
                              "f", sources(), "x86_64");
  REQUIRE(c.has_value());
  CHECK(c->data == "/srv/data");
  CHECK(c->log_bytes == 64U << 20U);
  const auto& cloud = c->clouds.at(0);
  CHECK(cloud.limits.agents == 4);
  CHECK(cloud.templates.at(0).idle_timeout == 5min);
  CHECK(cloud.templates[0].max_builds == 0);
  CHECK(cloud.templates.at(1).max_builds == 1);
  CHECK(cloud.templates[0].address.connect == Connect::tcp);
  CHECK(cloud.templates[0].address.agent_url == "wss://ci.example.com/");
  CHECK(cloud.templates.at(1).priority == -1);
}

TEST_CASE("retention: one build, idle time, number of builds") {
  const auto with = [](const std::string& retention) {
    return "clouds: [{name: a, type: local, templates: [{name: t, retention: " + retention + "}]}]";
  };
  const auto kept = [&](const std::string& retention) {
    const auto c = parse_config(with(retention), "f", sources(), "x86_64");
    REQUIRE(c.has_value());
    const auto& t = c->clouds.at(0).templates.at(0);
    return std::pair(t.max_builds, t.idle_timeout);
  };
  CHECK(kept("one-shot") == std::pair(1U, Duration(1min)));
  CHECK(kept("{idle: 10m}") == std::pair(0U, Duration(10min)));
  CHECK(kept("{builds: 20}") == std::pair(20U, Duration(1min)));
  CHECK(kept("{idle: 10m, builds: 20}") == std::pair(20U, Duration(10min)));
  CHECK(kept("{paid: true}") == std::pair(0U, Duration(0)));
  CHECK(kept("{paid: true, idle: 5s, builds: 3}") == std::pair(3U, Duration(5s)));
  CHECK(kept("{paid: false}") == std::pair(0U, Duration(1min)));
  const auto paid = parse_config(with("{paid: true}"), "f", sources(), "x86_64");
  CHECK(paid->clouds[0].templates[0].keep_paid);
  CHECK(find_doubts(*paid).at(0).find("its cloud 'a' no minimum_billing") != std::string::npos);
  CHECK(error_of(with("{builds: 0}")).ends_with("'builds': 1 or more was expected"));
  CHECK(error_of(with("{idl: 1m}")).find("unknown key 'idl' of 'retention': one-shot or some of {idle: 5m") !=
        std::string::npos);
  CHECK(error_of(with("two")).find("'retention': one-shot or some of {idle: 5m") != std::string::npos);
}

TEST_CASE("pools: ready agents, a share of the busy ones, and a limit") {
  const auto with = [](const std::string& pool) {
    return "clouds: [{name: a, type: local, templates: [{name: t, pool: " + pool + "}]}]";
  };
  const auto size = [&](const std::string& pool) {
    const auto c = parse_config(with(pool), "f", sources(), "x86_64");
    REQUIRE(c.has_value());
    return c->clouds.at(0).templates.at(0).pool.size;
  };
  CHECK(size("{}").empty());
  CHECK(size("").empty());
  CHECK(size("{min_idle: 2}") == footman::model::PoolSize{.min_idle = 2});
  CHECK(size("{min_idle: 1, per_busy: 0.2, max_idle: 5}") == footman::model::PoolSize{1, 200, 5});
  CHECK(size("{per_busy: 10}").per_mille == 10'000);
  CHECK(size("{per_busy: 1.005}").per_mille == 1005);
  for (const auto* bad : {"-1", "10.001", "11", "0.2000", ".5", "5.", "1.x", "x", "1e3", "0.-1"}) {
    CAPTURE(bad);
    CHECK(error_of(with(std::string("{per_busy: ") + bad + "}")).find("'per_busy': a number from 0 to 10") !=
          std::string::npos);
  }
  CHECK(error_of(with("{min_idle: 3, max_idle: 2}"))
            .ends_with("'min_idle': no more than max_idle (2) was expected"));
  CHECK(error_of(with("{max_idle: 1001}")).ends_with("'max_idle': 1000 or less was expected"));
  CHECK(error_of(with("{idle: 3}")).find("unknown key 'idle'") != std::string::npos);
}

TEST_CASE("goals of pools") {
  const auto with = [](const std::string& pool) {
    return "clouds: [{name: a, type: local, templates: [{name: t, pool: " + pool + "}]}]";
  };
  const auto c =
      parse_config(with("{goal: {wait: p90 <= 5s, per_day: $20}, min_idle: 1}"), "f", sources(), "x86_64");
  REQUIRE(c.has_value());
  const auto& pool = c->clouds.at(0).templates.at(0).pool;
  REQUIRE(pool.goal);
  CHECK(pool.goal->wait == footman::model::WaitGoal{90, 5s});
  CHECK(pool.goal->per_day == footman::model::Money{20'000'000});
  CHECK(pool.size.min_idle == 1);
  CHECK(error_of(with("{goal: {wait: soon}}")).find("'wait': a goal such as 'p90 <= 5s' was expected") !=
        std::string::npos);
  CHECK(error_of(with("{goal: {per_day: $2}}")).find("'wait' is missing") != std::string::npos);
  CHECK(error_of(with("{goal: {wait: p90 <= 5s, per_day: much}}")).find("'per_day'") != std::string::npos);
  CHECK(error_of(with("{goal: {wait: p90 <= 5s}, schedules: [{cron: 0 8 * * *, for: 1h}]}"))
            .find("not together with schedules") != std::string::npos);
}

TEST_CASE("schedules of pools: when, for how long, whose clock, and what is wanted") {
  auto from = sources();
  std::string asked;
  from.read_zone = [&](const std::string& name) -> Result<std::string> {
    asked = name;
    return fail(Errc::io, name + " cannot be opened");
  };
  const auto with = [](const std::string& schedule) {
    return "clouds: [{name: a, type: local, templates: [{name: t, pool: {min_idle: 1, max_idle: 7, "
           "schedules: [" +
           schedule + "]}}]}]";
  };
  const auto c = parse_config(
      with("{cron: 0 8 * * 1-5, for: 10h, min_idle: 5}, {cron: '0 0 * * 0', for: 1d}"), "f", from, "x86_64");
  REQUIRE(c.has_value());
  const auto& schedules = c->clouds.at(0).templates.at(0).pool.schedules;
  REQUIRE(schedules.size() == 2);
  CHECK(schedules[0].begins.text() == "0 8 * * 1-5");
  CHECK(schedules[0].length == 10h);
  CHECK(schedules[0].zone_name == "UTC");
  CHECK(schedules[0].size == footman::model::PoolSize{5, 0, 7});  // what it does not name is the pool's
  CHECK(schedules[1].size == footman::model::PoolSize{1, 0, 7});
  CHECK(asked.empty());

  const auto wrong = [&](const std::string& schedule) {
    const auto parsed = parse_config(with(schedule), "f", from, "x86_64");
    REQUIRE_FALSE(parsed.has_value());
    return parsed.error().at(0).message;
  };
  CHECK(wrong("{cron: 0 8 * * *, for: 10h, time_zone: Europe/Berln}")
            .find("the time zone 'Europe/Berln' is not known: Europe/Berln cannot be opened") !=
        std::string::npos);
  CHECK(asked == "Europe/Berln");
  CHECK(wrong("{cron: 0 8 * * *, for: 10h, time_zone: ../x}").find("that is no name of one") !=
        std::string::npos);
  CHECK(wrong("{cron: 0 8 * *, for: 10h}").find("five fields were expected") != std::string::npos);
  CHECK(wrong("{for: 10h}").find("'cron': a time like") != std::string::npos);
  CHECK(wrong("{cron: 0 8 * * *}").find("'for': a duration from 1m to 31d") != std::string::npos);
  CHECK(wrong("{cron: 0 8 * * *, for: 32d}").find("'for': a duration from 1m to 31d") != std::string::npos);
  CHECK(wrong("{cron: 0 8 * * *, for: 1h, min_idle: 8}").find("no more than max_idle (7)") !=
        std::string::npos);
}

TEST_CASE("errors have a place and an expectation") {
  CHECK(error_of("lisen: x\n") == "f:1:1: unknown key 'lisen'; did you mean 'listen'?");
  CHECK(error_of("listen: 1.2.3.4:70000\n").find("65535") != std::string::npos);
  CHECK(error_of("limits:\n  build_timeout: 5\n").starts_with("f:2:18: 'build_timeout': a duration"));
  CHECK(error_of("agent_url: ws://ci.example.com/\n").find("insecure: true") != std::string::npos);
  CHECK(error_of("agent_url: ws://ci.example.com/\ninsecure: true\n") == "ok");
  CHECK(error_of("data: ${env:NO}\n").find("no NO") != std::string::npos);
  CHECK(error_of("data: file:/x\n").find("no such file") != std::string::npos);
  CHECK(error_of("clouds: [{name: a, type: locall}]\n") ==
        "f:1:26: 'type': local or ecs was expected, found 'locall'");
  CHECK(error_of("clouds: [{name: a}]\n") == "f:1:10: a cloud needs a 'type': local or ecs");
  CHECK(error_of("clouds: 5\n").find("a list was expected") != std::string::npos);
  CHECK(error_of("agent_url: ws://127.0.0.1:8080/\n") == "ok");
  CHECK(error_of("agent_url: ws://127.1:8080/\n").find("insecure: true") != std::string::npos);
  CHECK(error_of("agent_url: wss://me:pw@ci.example.com/\n").find("user name") != std::string::npos);
  CHECK(error_of("agent_url: wss://ci.example.com/@x\n") == "ok");
  CHECK(error_of("agent_url: ws://localhost.example.com/\n").find("insecure: true") != std::string::npos);
  CHECK(error_of("agent_url: ws://127.0.0.1.example.com/\n").find("insecure: true") != std::string::npos);
  CHECK(error_of("agent_url: ws://[::1]:8080/\n") == "ok");
  CHECK(error_of("agent_url: ws://[::ffff:127.0.0.1]:8080/\n") == "ok");
  CHECK(error_of("agent_url: ws://[::ffff:10.0.0.1]:8080/\n").find("insecure: true") != std::string::npos);
  CHECK(error_of("agent_url: ws://:1\n").find("a URL was expected") != std::string::npos);
  CHECK(error_of("clouds: [{name: A b, type: local}]\n").find("lower-case") != std::string::npos);
  CHECK(error_of("clouds: [{name: a, type: local, templates: [{name: t, retention: {idel: 5m}}]}]\n")
            .find("one-shot or some of {idle: 5m") != std::string::npos);
  CHECK(error_of("- a\n").find("a map was expected") != std::string::npos);
  CHECK(error_of("session: {heartbeat: 20s}\n") == "ok");
  CHECK(error_of("session: {heartbeat: 21s}\n").find("between 100ms and 20s") != std::string::npos);
  CHECK(error_of("session: {heartbeat: 1us, lease: 3us, orphan_timeout: 4us}\n").find("between 100ms") !=
        std::string::npos);
}

TEST_CASE("a template has a limited number of labels") {
  const auto with_labels = [](std::size_t count) {
    std::string labels = "l0";
    for (std::size_t i = 1; i < count; ++i) labels += ", l" + std::to_string(i);
    return error_of("clouds: [{name: a, type: local, templates: [{name: t, labels: [" + labels + "]}]}]\n");
  };
  CHECK(with_labels(64) == "ok");
  CHECK(with_labels(65).find("65 labels; a template may have 64") != std::string::npos);
}

TEST_CASE("every error is told once, in the order of the lines") {
  const auto c = parse_config(R"(clouds:
  - type: locall
    capp: 3
    name: a
    templates:
      - name: t
session: {orphan_timeout: 1s}
listen: x
)",
                              "f", sources(), "x86_64");
  REQUIRE_FALSE(c.has_value());
  std::vector<int> lines;
  for (const auto& one : c.error()) lines.push_back(one.at.value().line);
  CHECK(fmt::format("{}", fmt::join(lines, " ")) == "2 3 7 8");
}

TEST_CASE("the default: one local cloud that takes everything") {
  const auto c = default_config("x86_64");
  CHECK(c.clouds.at(0).templates.at(0).is_default);
  CHECK(c.clouds[0].templates[0].labels.size() == 3);
}

TEST_CASE("without clouds the local one is there") {
  CHECK(parse_config("listen: 127.0.0.1:1\n", "f", sources(), "arm64")->clouds.at(0).name == "local");
  const auto tcp = parse_config("connect: tcp\n", "f", sources(), "arm64");
  CHECK(tcp->clouds.at(0).templates.at(0).address.connect == Connect::tcp);
  CHECK(parse_config("clouds: []\n", "f", sources(), "arm64")->clouds.empty());
}

TEST_CASE("agents are capped by label") {
  const auto config = parse_config("limits: {labels: {gpu: 4, arm64: 1}}", "f", sources(), "x86_64");
  REQUIRE(config.has_value());
  CHECK(config->label_limits.at("arm64").agents == 1);
  CHECK(config->label_limits.at("gpu").agents == 4);
  CHECK(error_of("limits: {labels: [gpu]}") == "f:1:18: 'labels': a map was expected, like gpu: 4");
  CHECK(error_of("limits: {labels: {gpu: 0}}").find("1 or more was expected") != std::string::npos);
  CHECK(error_of("limits: {labels: {gpu: many}}").find("'gpu'") != std::string::npos);
  CHECK(error_of("limits: {labels: {'a b': 1}}").starts_with("f:1:19: "));
}

TEST_CASE("what is billed at least is a month at most") {
  CHECK(error_of("clouds: [{name: a, type: local, minimum_billing: 32d}]") ==
        "f:1:50: 'minimum_billing': a duration up to 31d was expected");
}

TEST_CASE("agents are capped by controller") {
  const auto config = parse_config("limits: {controllers: {footman: 20}}", "f", sources(), "x86_64");
  REQUIRE(config.has_value());
  CHECK(config->controller_limits.at("footman").agents == 20);
  CHECK(error_of("limits: {controllers: 5}") ==
        "f:1:23: 'controllers': a map was expected, like footman: 20");
  CHECK(error_of("limits: {controllers: {footman: 0}}").find("1 or more was expected") != std::string::npos);
  CHECK(error_of("limits: {controllers: {built-in: 5}}") ==
        "f:1:24: 'controllers': there is no controller 'built-in'; the built-in one is 'footman', others "
        "stand below 'jenkins'");
}

TEST_CASE("templates say their size, and limits count it") {
  const auto config = parse_config(R"(limits: {vcpus: 16, memory: 64 GiB}
clouds:
  - name: a
    type: local
    limits: {vcpus: 7.5 vCPU, memory: 8 GiB}
    templates: [{name: t, size: {cpu: 0.25 vCPU, memory: 512 MiB}}]
)",
                                   "f", sources(), "x86_64");
  REQUIRE(config.has_value());
  CHECK(config->limits.milli_cpus == 16'000);
  CHECK(config->limits.memory_bytes == 64ULL << 30);
  CHECK(config->clouds.at(0).limits.milli_cpus == 7'500);
  CHECK(config->clouds[0].limits.memory_bytes == 8ULL << 30);
  CHECK(config->clouds[0].templates.at(0).size == footman::model::AgentSize{250, 512ULL << 20});

  const auto with = [](const std::string& limits, const std::string& size) {
    return error_of(
        fmt::format("{}\nclouds:\n- {{name: a, type: local, templates: [{{name: t{}}}]}}\n", limits, size));
  };
  CHECK(with("", ", size: {cpu: two}") ==
        "f:3:60: 'cpu': a number of vCPU such as 2 or 0.25 vCPU was expected, found 'two'");
  CHECK(with("", ", size: {cpus: 2}") == "f:3:55: unknown key 'cpus'; did you mean 'cpu'?");
  CHECK(with("", ", size: 2").find("a map was expected") != std::string::npos);
  CHECK(with("limits: {vcpus: 4}", "").starts_with("f:3:38: vCPU are limited, so the template 't' must say"));
  CHECK(with("limits: {memory: 4 GiB}", ", size: {cpu: 1}").find("memory is limited") != std::string::npos);
  CHECK(with("limits: {vcpus: 4}", ", size: {cpu: 1}") == "ok");
}

TEST_CASE("sizes and money are limited by template, label and controller, too") {
  const auto config = parse_config(R"(limits:
  labels: {gpu: {agents: 4, vcpus: 16, budget: {per_day: $5}}}
  controllers: {footman: {memory: 64 GiB}}
clouds:
  - name: a
    type: local
    templates: [{name: t, labels: [gpu], size: {cpu: 2, memory: 1 GiB}, cap: 3, limits: {memory: 4 GiB}}]
)",
                                   "f", sources(), "x86_64");
  REQUIRE(config.has_value());
  const auto& gpu = config->label_limits.at("gpu");
  CHECK(gpu.agents == 4);
  CHECK(gpu.milli_cpus == 16'000);
  CHECK(gpu.budget.per_day.value().micros == 5'000'000);
  CHECK(config->controller_limits.at("footman").memory_bytes == 64ULL << 30);
  const auto& t = config->clouds.at(0).templates.at(0).limits;
  CHECK(t.agents == 3);
  CHECK(t.memory_bytes == 4ULL << 30);
  CHECK(error_of("limits: {labels: {gpu: {cpus: 4}}}") ==
        "f:1:25: unknown key 'cpus'; did you mean 'vcpus'?");
  const auto with = [](const std::string& limits, const std::string& of_template) {
    return error_of(
        fmt::format("{}\nclouds:\n- {{name: a, type: local, templates: [{{name: t, labels: [gpu]{}}}]}}\n",
                    limits, of_template));
  };
  CHECK(with("limits: {labels: {gpu: {vcpus: 4}}}", "").find("must say its size") != std::string::npos);
  CHECK(with("limits: {labels: {arm: {vcpus: 4}}}", "") == "ok");
  CHECK(with("limits: {controllers: {footman: {memory: 4 GiB}}}", "").find("must say") != std::string::npos);
  CHECK(with("", ", limits: {vcpus: 4}").find("must say its size") != std::string::npos);
}

TEST_CASE("memory without a unit is not meant as bytes") {
  const auto with = [](const std::string& keys) {
    return error_of("clouds: [{name: a, type: local, templates: [{name: t, " + keys + "}]}]\n");
  };
  CHECK(
      with("memory: 4") ==
      "f:1:63: 'memory': a size with its unit was expected: 4 without one are bytes; did you mean '4 GiB'?");
  CHECK(with("memory: 512").ends_with("did you mean '512 MiB'?"));
  CHECK(with("size: {memory: 1048575}").ends_with("did you mean '1048575 MiB'?"));
  CHECK(error_of("limits: {memory: 16}\n").ends_with("did you mean '16 GiB'?"));
  CHECK(with("memory: 0") == "ok");
  CHECK(with("memory: 1048576") == "ok");
  CHECK(with("memory: 64 KiB") == "ok");
  CHECK(error_of("limits: {log_bytes: 4096}\n") == "ok");
}

TEST_CASE("budgets") {
  const auto config = parse_config(R"(limits: {budget: {per_hour: $2, per_day: $20.50, beyond: $0.02/h}}
clouds: [{name: a, type: local, limits: {budget: {per_day: 0}}}]
)",
                                   "f", sources(), "x86_64");
  REQUIRE(config.has_value());
  const auto& all = config->limits.budget;
  CHECK(all.per_hour.value().micros == 2'000'000);
  CHECK(all.per_day.value().micros == 20'500'000);
  CHECK(all.beyond.value().micros == 20'000);
  const auto& cloud = config->clouds.at(0).limits.budget;
  CHECK(cloud.per_day.value().is_zero());
  CHECK_FALSE(cloud.per_hour.has_value());
  CHECK(error_of("limits: {budget: {per_hour: 2 EUR}}") ==
        "f:1:29: 'per_hour': an amount in US dollars such as $2 was expected, found '2 EUR'");
  CHECK(error_of("limits: {budget: {beyond: $2}}").find("$0.02/h was expected") != std::string::npos);
  CHECK(error_of("limits: {budget: {per_week: $2}}").find("unknown key 'per_week'") != std::string::npos);
  CHECK(error_of("limits: {budget: $2}").find("a map was expected") != std::string::npos);
  CHECK(error_of("clouds: [{name: a, type: local, limits: {budget: {per_hour: x}}}]").find("'per_hour'") !=
        std::string::npos);
}

TEST_CASE("templates say their price, or name one of a list") {
  const auto with = [](const std::string& keys) {
    return fmt::format("clouds:\n- {{name: a, type: local, templates: [{{name: t{}}}]}}\n", keys);
  };
  const auto price_of = [&](const std::string& keys) {
    const auto config = parse_config(with(keys), "f", sources(), "x86_64");
    REQUIRE(config.has_value());
    return config->clouds.at(0).templates.at(0).price;
  };
  CHECK(price_of("").per_hour.is_zero());
  CHECK(price_of(", price: $0.05/h").per_hour.micros == 50'000);
  CHECK(price_of(", price: $0.05/h").billing == footman::model::BillingRule());
  CHECK(price_of(", price: aws-ec2/us-east-1/c7g.large").per_hour.micros == 72'500);
  const auto fargate = price_of(", price: aws-fargate/us-east-1/arm64, size: {cpu: 0.5 vCPU, memory: 1 GiB}");
  CHECK(fargate.per_hour.micros == 16'190 + 3'560);
  CHECK(fargate.billing.minimum == 1min);
  CHECK(error_of(with(", price: 0.05")).starts_with("f:2:55: 'price': a price such as $0.05/h"));
  CHECK(error_of(with(", price: aws-fargate/us-east-1/arm64")).find("must say its size") !=
        std::string::npos);
  CHECK(error_of(with(", price: aws-fargate/us-east-1/arm"))
            .find("did you mean 'aws-fargate/us-east-1/arm64'") != std::string::npos);
}

TEST_CASE("limits below which nothing could be built are refused") {
  for (const auto* limit : {"log_bytes: 0", "log_bytes: 4095", "build_timeout: 0s", "build_timeout: 999ms",
                            "queue_items: 0", "request_bytes: 0", "request_bytes: 63 KiB"}) {
    CAPTURE(limit);
    CHECK(error_of(fmt::format("limits:\n  {}\n", limit)).find("or more was expected") != std::string::npos);
  }
  CHECK(error_of("limits: {agents: 0, log_bytes: 4 KiB, build_timeout: 1s, queue_items: 1, request_bytes: 64 "
                 "KiB}\n") == "ok");
}

TEST_CASE("a cloud without templates is doubted") {
  Config config;
  config.clouds.push_back({.name = "empty", .type = "local"});
  config.clouds.push_back({.name = "full", .type = "local", .templates = {TemplateConfig{}}});
  CHECK(find_doubts(config) ==
        std::vector<std::string>{"the cloud 'empty' has no templates: it launches no agents"});
}

TEST_CASE("what can never be launched, or limits nothing, is doubted") {
  const auto doubts_of = [](const char* text) {
    const auto config = parse_config(text, "f", sources(), "x86_64");
    REQUIRE(config.has_value());
    return find_doubts(*config);
  };
  const auto with = [](const std::string& limits, const std::string& cloud, const std::string& t) {
    return "limits: {" + limits + "}\nclouds: [{name: a, type: local, " + cloud + "templates: [{name: t, " +
           t + "}]}]\n";
  };
  CHECK(doubts_of(with("memory: 8 GiB", "", "size: {cpu: 1, memory: 16 GiB}").c_str()) ==
        std::vector<std::string>{"no agent of the template 't' is ever launched: it needs 16.0 GiB, and "
                                 "limits.memory is 8.0 GiB"});
  CHECK(doubts_of(with("", "limits: {vcpus: 3}, ", "size: {cpu: 4, memory: 1 GiB}").c_str()) ==
        std::vector<std::string>{"no agent of the template 't' is ever launched: it needs 4 vCPU, and "
                                 "limits.vcpus of the cloud 'a' is 3 vCPU"});
  CHECK(doubts_of(with("budget: {per_hour: $1}", "", "price: $3/h").c_str()).size() == 1);
  CHECK(doubts_of(with("budget: {per_hour: $1, beyond: $3/h}", "", "price: $3/h").c_str()).empty());
  CHECK(doubts_of(with("agents: 2", "", "pool: {min_idle: 3}").c_str()).size() == 1);
  CHECK(doubts_of(with("", "", "pool: {per_busy: 1, max_idle: 0}").c_str()).size() == 1);
  CHECK(doubts_of(with("", "", "max_age: 1h").c_str()).size() == 1);
  CHECK(doubts_of(with("", "", "max_age: 1h, pool: {min_idle: 1}").c_str()).empty());
  CHECK(doubts_of(with("", "", "max_age: 1h, retention: {builds: 2}").c_str()).empty());
  CHECK(doubts_of(with("", "", "pool: {goal: {wait: p90 <= 5s, per_day: $2}}").c_str()) ==
        std::vector<std::string>{
            "the goal of the pool of the template 't' has per_day, but the template has no "
            "price: it limits nothing"});
  CHECK(doubts_of(with("", "", "price: $1/h, pool: {goal: {wait: p90 <= 5s, per_day: $2}}").c_str()).empty());
  CHECK(doubts_of(with("", "", "pool: {goal: {wait: p90 <= 5s}, max_idle: 0}").c_str()).size() == 1);
  CHECK(doubts_of(("retention: {builds: 5}\n" + with("", "", "pool: {goal: {wait: p90 <= 5s}}")).c_str())
            .size() == 1);
  CHECK(doubts_of(with("labels: {gpu: 2}", "", "labels: [cpu]").c_str()).size() == 1);
  CHECK(doubts_of(with("budget: {beyond: $1/h}", "", "").c_str()).size() == 1);
  CHECK(
      doubts_of(
          with("memory: 8 GiB, agents: 3", "", "size: {cpu: 1, memory: 8 GiB}, pool: {min_idle: 3}").c_str())
          .empty());
}

TEST_CASE("the schema: sections and keys") {
  CHECK(keys_of("tls") == std::vector<std::string>{"certificate", "key", "ca"});
  const auto top = keys_of("");
  CHECK(std::ranges::count(top, "clouds") == 1);
  CHECK(std::ranges::find(top, "name") == top.end());
  CHECK(find_key("clouds[].templates[].cap")->type == "number");
  CHECK(find_key("clouds[].templates[]") == nullptr);
  CHECK(find_key("cap") == nullptr);
}

TEST_CASE("what holds without a key is what the schema says") {
  const auto read = [](std::string_view path, std::string_view value) {
    auto config = parse_config(tests::document_with(path, value), "f", sources(), "x86_64");
    REQUIRE(config.has_value());
    const auto settle = [](AgentAddress& address) {  // unset and set to what holds anyway: the same
      address.connect = address.connect.value_or(Connect::websocket);
      address.insecure = address.insecure.value_or(false);
    };
    settle(config->address);
    settle(config->clouds.at(0).address);
    settle(config->clouds[0].templates.at(0).address);
    return *config;
  };
  const auto without = read("", "");
  for (const auto& key : schema()) {
    if (key.fallback.empty() || key.cloud_type == "ecs") continue;  // ecs: see ecs_schema_test.cpp
    CAPTURE(key.path);
    CHECK(read(key.path, key.fallback) == without);
  }
  CHECK(read("limits.agents", "1") != without);
}

TEST_CASE("docs/CONFIG.md holds the reference that the schema gives") {
  std::ostringstream text;
  text << std::ifstream(FOOTMAN_SOURCE_DIR "/docs/CONFIG.md").rdbuf();
  const auto reference = describe_schema();
  INFO("replace the tables of docs/CONFIG.md by:\n", reference);
  CHECK(text.str().find(reference) != std::string::npos);
}

TEST_CASE("no launch deadline and no age that agents would be replaced in a hot loop for") {
  for (const auto* deadline : {"0s", "1us", "1ms", "999ms"}) {
    CAPTURE(deadline);
    CHECK(error_of(fmt::format("launch: {{deadline: {}}}\n", deadline)) ==
          "f:1:20: 'deadline': 1.0 s or more was expected");
  }
  CHECK(error_of("launch: {deadline: 1s}\n") == "ok");
  const auto aged = [](const std::string& age) {
    return error_of("clouds: [{name: a, type: local, templates: [{name: t, max_age: " + age + "}]}]\n");
  };
  CHECK(aged("1us") == "f:1:64: 'max_age': 0s (no limit), or 1m or more was expected");
  CHECK(aged("0s") == "ok");
  CHECK(aged("1m") == "ok");
}

TEST_CASE("agents elsewhere are not sent to their own machine, in whatever form it is written") {
  const auto with = [](const std::string& url) {
    return error_of(
        fmt::format("agent_url: '{}'\nclouds:\n- {{name: a, type: ecs, ecs: {{region: eu-central-1, "
                    "cluster: c}}, templates: [{{name: t, size: {{cpu: 1, memory: 2 GiB}}, ecs: "
                    "{{image: debian:12}}}}]}}\n",
                    url));
  };
  for (const auto* own : {"localhost",
                          "localhost.",
                          "LOCALHOST",
                          "foo.localhost",
                          "ip6-localhost",
                          "IP6-loopback",
                          "localhost.localdomain",
                          "localhost.localdomain.",
                          "localhost4.localdomain4",
                          "localhost6.localdomain6",
                          "[::127.0.0.1]",
                          "[::7f00:1]",
                          "127.0.0.1",
                          "127.1",
                          "127.0.0.1.",
                          "0",
                          "0.0.0.0",
                          "2130706433",
                          "0x7f000001",
                          "0x7f.1",
                          "0177.0.0.1",
                          "[::1]",
                          "[::]",
                          "[0:0:0:0:0:0:0:1]",
                          "[::ffff:127.0.0.1]",
                          "[::FFFF:7f00:1]",
                          "[::ffff:0.0.0.0]",
                          "[::1%lo]"}) {
    CAPTURE(own);
    CHECK(with(std::string("wss://") + own).contains("do not reach the server: agent_url is wss://"));
    CHECK(with(std::string("wss://") + own + ":8443/x")
              .contains("do not reach the server: agent_url is wss://"));
  }
  CHECK(with("tcp://0.0.0.0:50000").contains("do not reach the server: agent_url is tcp://0.0.0.0:50000"));
  for (const auto* other :
       {"localhost.example.com", "notlocalhost", "localdomain", "[::10.0.0.1]", "128.1", "10.0.0.1",
        "16777216", "[::2]", "[fe80::1%eth0]", "[::ffff:10.0.0.1]", "[2001:db8::7f00:1]",
        "127.0.0.1.example.com", "127.0.0.256", "12.0.0.0.1", "[1::1::1]", "[::1:1]"}) {
    CAPTURE(other);
    CHECK_FALSE(with(std::string("wss://") + other).contains("do not reach the server"));
  }
}

TEST_CASE("the address of a cloud is held to the same before it has templates") {
  CHECK(error_of("clouds: [{name: aws, type: ecs, agent_url: \"wss://127.0.0.1:8443\"}]\n")
            .contains("do not reach the server: agent_url is wss://127.0.0.1:8443"));
  CHECK_FALSE(error_of("clouds: [{name: here, type: local, agent_url: \"wss://127.0.0.1:8443\"}]\n")
                  .contains("do not reach the server"));
}

TEST_CASE("an agent_url of one port and the other port are not asked for together") {
  CHECK(
      error_of("agent_url: tcp://ci.example.com:50000\nconnect: websocket\n") ==
      "f:2:10: agent_url is tcp://ci.example.com:50000, and connect is websocket: say 'connect: tcp', or an "
      "agent_url that begins with wss://");
  CHECK(error_of("agent_url: tcp://ci.example.com:50000\n") == "ok");
  CHECK(error_of("agent_url: tcp://ci.example.com:50000\nconnect: tcp\n") == "ok");
  CHECK(error_of("agent_url: wss://ci.example.com\nconnect: tcp\n") == "ok");  // the agent port of that host
  CHECK(error_of("connect: websocket\nclouds: [{name: a, type: local, agent_url: tcp://ci.example.com:1}]\n")
            .starts_with("f:2:44: agent_url is tcp://"));
}

TEST_CASE("a wrong address is told where it stands, not of those who inherit it") {
  const auto c = parse_config(
      "agent_url: wss://ci:0\ntunnel: x\nclouds: [{name: a, type: local, templates: [{name: t}]}]\n", "f",
      sources(), "x86_64");
  REQUIRE_FALSE(c);
  CHECK(c.error().size() == 2);
}

TEST_CASE("names of the server are names") {
  CHECK(error_of("hosts: [ci.example.com, ci_2, 10.0.0.1]\n") == "ok");
  for (const auto* bad : {"a b", "http://x", "x:8080", "x/y", "", "ü"}) {
    CAPTURE(bad);
    CHECK(error_of(fmt::format("hosts: [x, '{}']\n", bad))
              .starts_with("f:1:12: 'hosts': a name without scheme and port was expected"));
  }
  CHECK(error_of("hosts: [" + std::string(254, 'a') + "]\n").contains("'hosts'"));
}

TEST_CASE("a template's name is one line of what can be seen") {
  const auto with = [](const std::string& name) {
    return error_of("clouds: [{name: a, type: local, templates: [{name: " + name + "}]}]\n");
  };
  CHECK(with("'größer 2'") == "ok");
  for (const auto* bad : {R"("a\nb")", R"("a\e[2J")", R"("a\u202eb")"})
    CHECK(with(bad) == "f:1:45: 'name': a template's name is one line without control characters");
}

TEST_CASE("a template's environment has the names that a job's has") {
  const auto with = [](const std::string& env) {
    return error_of("clouds: [{name: a, type: local, templates: [{name: t, env: {" + env + "}}]}]\n");
  };
  CHECK(with("A_1: x, PATH: /bin") == "ok");
  CHECK(with("'A B': x") ==
        "f:1:61: 'A B': an environment variable's name was expected. Letters, digits and '_', not beginning "
        "with a digit");
  CHECK(with("FOOTMAN_AGENT_X: x").contains("names that begin with FOOTMAN_AGENT_ belong to the agent"));
  CHECK(with("A: \"x\\0y\"").contains("'A': a value has a NUL byte"));
}

TEST_CASE("no clouds at all are allowed and doubted") {
  const auto c = parse_config("clouds: []\n", "f", sources(), "x86_64");
  REQUIRE(c.has_value());
  CHECK(find_doubts(*c).at(0).starts_with("clouds is an empty list: no agents are launched"));
  CHECK(find_doubts(default_config("x86_64")).empty());
}

TEST_CASE("no text has a NUL byte, and no message is as long as what it is about") {
  CHECK(error_of("data: \"a\\0b\"\n") == "f:1:7: 'data': a value has a NUL byte");
  CHECK(error_of("tls: {ca: \"\\0\"}\n").ends_with("'ca': a value has a NUL byte"));
  for (const auto* key : {"listen", "tunnel", "connect", "insecure", "agent_url"}) {
    const auto told = error_of(fmt::format("{}: '{}'\n", key, std::string(70'000, 'a')));
    CHECK(told.starts_with("f:1:"));
    CHECK(told.size() < 1100);
  }
}

TEST_CASE("what is no text in UTF-8 is no configuration") {
  const auto complaint = ": this is no text in UTF-8 (a byte that cannot stand here); save the file as UTF-8";
  CHECK(error_of(std::string_view("\xff\xfe\x00", 3)) == std::string("f:1:1") + complaint);
  CHECK(error_of("listen: 127.0.0.1:1\ndata: /\xc3(\n") == std::string("f:2:8") + complaint);
  CHECK(error_of(std::string_view("data: a\0b\n", 10)) == std::string("f:1:8") + complaint);
  CHECK(error_of("\xef\xbb\xbfhosts: [x]\n") == "ok");  // a mark of UTF-8 at the beginning is none of it
}

TEST_CASE("a Jenkins: what is read, and what is wrong") {
  const auto with = [](std::string_view more) {
    return fmt::format(
        "jenkins: [{{name: j, url: https://j.example, user: u, token: \"${{env:TOKEN}}\"{}}}]\n", more);
  };
  const auto one =
      parse_config(with(", agent_url: \"http://127.0.0.1:8080/x\", overflow: after 30s, templates: [local]"),
                   "f", sources(), "x86_64");
  REQUIRE(one.has_value());
  const auto& j = one->jenkins.at(0);
  CHECK(j.url == "https://j.example/");
  CHECK(j.agent_url == "http://127.0.0.1:8080/x/");
  CHECK(j.token == "of the environment");
  CHECK(j.overflow == JenkinsOverflow{JenkinsOverflow::When::after, 30s});
  CHECK(j.templates == std::vector<std::string>{"local"});
  const std::pair<std::string, std::string_view> wrong[] = {
      {"jenkins: [{name: j}]", "a Jenkins needs a 'url'"},
      {"jenkins: [{url: https://j, user: u, token: \"${env:TOKEN}\"}]", "a Jenkins needs a 'name'"},
      {"jenkins: [{name: footman, url: https://j, user: u, token: \"${env:TOKEN}\"}]",
       "is the built-in controller"},
      {"jenkins: [{name: j, url: https://j, user: u, token: 11abc}]", "it is a secret and does not belong"},
      {"jenkins: [{name: j, url: https://j, user: u, token: file:/nowhere}]", "no such file"},
      {"jenkins: [{name: j, url: https://j, user: u, token: \"${env:NOT_SET}\"}]", "NOT_SET"},
      {"jenkins: [{name: J, url: https://j, user: u, token: \"${env:TOKEN}\"}]", "f:1:18: 'name': 1 to 40"},
      {"jenkins: [{name: j, url: wss://j, user: u, token: \"${env:TOKEN}\"}]", "the URL of a Jenkins"},
      {"jenkins: [{name: j, url: http://j.example, user: u, token: \"${env:TOKEN}\"}]",
       "needs 'insecure: true'"},
      {"jenkins: [{name: j, url: 'https://a b/', user: u, token: \"${env:TOKEN}\"}]",
       "a name of DNS or an address was expected after the scheme, like https://jenkins.example.com/; found "
       "'a b'"},
      {"jenkins: [{name: j, url: https://u:p@j, user: u, token: \"${env:TOKEN}\"}]", "without user name"},
      {with(", agent_url: https://j:0"), "a port from 1 to 65535"},
      {with(", tunnel: x:1"), "needs 'connect: tcp'"},
      {with(", connect: tcp, tunnel: x"), "'tunnel': a host and a port"},
      {with(", connect: jnlp"), "websocket or tcp"},
      {with(", prefix: \"a b\""), "'prefix': 1 to 40 letters"},
      {with(", templates: [big]"), "no cloud has a template 'big'"},
      {with(", overflow: sometimes"), "never, when-busy or 'after 30s'"},
      {with(", overflow: after 0s"), "never, when-busy or 'after 30s'"},
      {with(", work_folder: x"), "an absolute path"},
      {with(", lable: x"), "lable"},
      {with("") + "limits: {controllers: {k: 2}}", "there is no controller 'k'"},
      {"jenkins: [{name: a, url: https://j, user: u, token: \"${env:TOKEN}\"}, {name: b, url: https://j/, "
       "user: u, token: "
       "\"${env:TOKEN}\"}]",
       "'a' and 'b' are the same Jenkins"},
  };
  for (const auto& [text, what] : wrong) {
    CAPTURE(text);
    CHECK(error_of(text).find(what) != std::string::npos);
  }
  CHECK(error_of(with("") + "limits: {controllers: {j: 2}}") == "ok");
}
