#include "config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/schema_rows.hpp"

namespace footman::config {
namespace {

constexpr bool kRestart = true;

const Key kCoreRows[] = {
    Key{"listen", "address:port", "127.0.0.1:8080",
        "where the HTTP API, the pages and agents by WebSocket are served; port 0 takes a free one",
        kRestart},
    Key{"agent_listen", "address:port", "127.0.0.1:50000", "the agent port: agents by TCP with TLS",
        kRestart},
    Key{"data", "path", "",
        "data directory; without it FOOTMAN_DATA, else $XDG_DATA_HOME/footman, else ~/.local/share/footman",
        kRestart},
    Key{"hosts", "list of names", "[]",
        "further names under which the server is reached, through a proxy, too, without scheme and port; a "
        "request with another Host header is refused",
        kRestart},
    Key{"agent_url", "URL", "",
        "how agents reach the server when that is not `listen`: wss://…, ws://… or tcp://host:port"},
    Key{"tunnel", "host:port", "", "agents connect to this address instead of the one in agent_url"},
    Key{"connect", "websocket or tcp", "websocket",
        "which of the two ports agents use; tcp with an agent_url of wss://…: the agent port of its host. "
        "With "
        "tcp://… it must not be websocket"},
    Key{"insecure", "true or false", "false", "allows agents without TLS beyond this machine"},
    Key{"tls.certificate", "path", "", "PEM file: serves HTTPS instead of HTTP; needs tls.key", kRestart},
    Key{"tls.key", "path", "", "PEM file with the private key", kRestart},
    Key{"tls.ca", "path", "",
        "PEM file: whom agents trust, and nobody else; without it the certificate itself and the system's "
        "authorities",
        kRestart},
    Key{"session.heartbeat", "duration", "15s",
        "how often agents and server prove that they live; 100ms to 20s", kRestart},
    Key{"session.lease", "duration", "60s",
        "an agent that is silent for that long is lost; at least three heartbeats", kRestart},
    Key{"session.orphan_timeout", "duration", "30m",
        "an agent without a server gives up after that long; longer than the lease", kRestart},
    Key{"limits.agents", "number", "0", "agents of all clouds together; 0: no limit"},
    Key{"limits.labels", "map of numbers or limits", "{}",
        "of the agents of all clouds that offer a label, how many at most: {gpu: 4}; or a map of:"},
    Key{"limits.labels.<label>.agents", "number", "0", "agents that offer it, of all clouds; 0: no limit"},
    Key{"limits.controllers", "map of numbers or limits", "{}",
        "of the agents of all clouds for the work of one controller, how many at most: {footman: 20}, the "
        "built-in one; or a map of:"},
    Key{"limits.controllers.<controller>.agents", "number", "0",
        "agents for its work, of all clouds; 0: no limit"},
    Key{"limits.log_bytes", "size", "1 GiB",
        "log of one build, 4 KiB or more; what is beyond is cut with a mark; a build that runs over a "
        "restart is "
        "held to the new value",
        kRestart},
    Key{"limits.build_timeout", "duration", "24h",
        "the longest a build may run, and that of a build that names none; 1s or more", kRestart},
    Key{"limits.queue_items", "number", "100000", "builds that may wait, 1 or more; further ones are refused",
        kRestart},
    Key{"limits.request_bytes", "size", "4 MiB", "body of one request, 64 KiB or more", kRestart},
    Key{"retention.builds", "number", "100", "finished builds kept of a job that names no number; 0: all",
        kRestart},
    Key{"launch.deadline", "duration", "5m",
        "from the decision to launch an agent until it must be connected; 1s or more"},
    Key{"clouds[].name", "name", "", "required; stands in the ids of its agents", kRestart},
    Key{"clouds[].type", "local or ecs", "", "required; what launches the agents", kRestart},
    Key{"clouds[].cap", "number", "0", "agents of this cloud; 0: no limit"},
    Key{"clouds[].minimum_billing", "duration", "0s",
        "what each agent is paid for at least, when the prices of its templates do not say more"},
    Key{"clouds[].agent_binary", "path", "", "footman-agent, when it is not beside the server", kRestart,
        "local"},
    Key{"clouds[].agent_url", "URL", "", "instead of the server's"},
    Key{"clouds[].tunnel", "host:port", "", "instead of the server's"},
    Key{"clouds[].connect", "websocket or tcp", "", "instead of the server's"},
    Key{"clouds[].insecure", "true or false", "", "instead of the server's"},
    Key{"clouds[].templates[].name", "name", "", "required; unique over all clouds"},
    Key{"clouds[].templates[].extends", "name", "",
        "a template of the same cloud whose keys it takes over, see above"},
    Key{"clouds[].templates[].abstract", "true or false", "false",
        "only lends its keys to those that extend it; no agents are launched from it"},
    Key{"clouds[].templates[].labels", "list of labels", "[]", "what label expressions are matched with"},
    Key{"clouds[].templates[].default", "true or false", "false", "takes builds that ask for no label"},
    Key{"clouds[].templates[].priority", "number", "0", "among templates that fit, the highest is used"},
    Key{"clouds[].templates[].cap", "number", "0", "agents of this template; 0: no limit"},
    Key{"clouds[].templates[].size.cpu", "vCPU", "",
        "vCPU of one agent, like 2 or 0.25 vCPU, for limits and prices; it limits nothing by itself"},
    Key{"clouds[].templates[].size.memory", "size", "",
        "memory of one agent, for limits and prices; it limits nothing by itself"},
    Key{"clouds[].templates[].price", "price", "$0.00/h",
        "of one agent: $0.05/h, or the name of a list price, like aws-fargate/us-east-1/arm64"},
    Key{"clouds[].templates[].retention", "one-shot or {idle: duration, builds: number, paid: true or false}",
        "one-shot",
        "one build and gone; or kept until idle for that long (without `idle`: 1m; with `paid`: 0s), for so "
        "many builds at most (without `builds`: no limit), and with `paid` until the time is over that is "
        "billed at least"},
    Key{"clouds[].templates[].max_age", "duration", "0s",
        "agents that are kept end after that; 1m or more; 0s: no limit"},
    Key{"clouds[].templates[].pool.min_idle", "number", "0",
        "agents that are kept ready without work, beside those at work"},
    Key{"clouds[].templates[].pool.per_busy", "number", "0",
        "agents kept ready for each one at work, rounded up: 0.2 keeps one for five; 10 or less"},
    Key{"clouds[].templates[].pool.max_idle", "number", "1000", "of both together; 1000 or less"},
    Key{"clouds[].templates[].pool.goal.wait", "goal", "",
        "finds out min_idle from the builds of the past, so that so many per cent of the template's builds "
        "wait no longer: p90 <= 5s"},
    Key{"clouds[].templates[].pool.goal.per_day", "amount", "",
        "with `wait`: what the template's agents may cost in a day, builds included: $20"},
    Key{"clouds[].templates[].pool.schedules", "list", "[]",
        "other sizes at times; the first one that is on is used"},
    Key{"clouds[].templates[].pool.schedules[].cron", "minute hour day month weekday", "",
        "required; when it begins, as cron writes it: 0 8 * * 1-5"},
    Key{"clouds[].templates[].pool.schedules[].for", "duration", "", "required; 1m to 31d"},
    Key{"clouds[].templates[].pool.schedules[].time_zone", "time zone", "",
        "whose clock it goes by, a name of the tz database such as Europe/Berlin; without it UTC"},
    Key{"clouds[].templates[].pool.schedules[].min_idle", "number", "", "instead of the pool's"},
    Key{"clouds[].templates[].pool.schedules[].per_busy", "number", "", "instead of the pool's"},
    Key{"clouds[].templates[].pool.schedules[].max_idle", "number", "", "instead of the pool's"},
    Key{"clouds[].templates[].env", "map", "{}",
        "environment of the agent and its builds; names as in jobs, FOOTMAN_AGENT_… is the agent's; PATH is "
        "a "
        "fixed one unless it is set here"},
    Key{"clouds[].templates[].memory", "size", "0",
        "memory of the agent with its builds (control group), else address space of each process; 0: no "
        "limit",
        false, "local"},
    Key{"clouds[].templates[].processes", "number", "0",
        "processes of the agent with its builds (control group only); 0: no limit", false, "local"},
    Key{"clouds[].templates[].open_files", "number", "0", "open files of each process; 0: the server's limit",
        false, "local"},
    Key{"clouds[].templates[].proxy_variables", "true or false", "false",
        "agents inherit http_proxy, https_proxy, all_proxy and no_proxy", false, "local"},
    Key{"clouds[].templates[].agent_url", "URL", "", "instead of the cloud's"},
    Key{"clouds[].templates[].tunnel", "host:port", "", "instead of the cloud's"},
    Key{"clouds[].templates[].connect", "websocket or tcp", "", "instead of the cloud's"},
    Key{"clouds[].templates[].insecure", "true or false", "", "instead of the cloud's"}};

// Of agents that are limited together: behind the key of their number, what the section limits besides.
constexpr std::pair<std::string_view, std::string_view> kLimited[] = {
    {"limits.agents", "limits"},
    {"limits.labels.<label>.agents", "limits.labels.<label>"},
    {"limits.controllers.<controller>.agents", "limits.controllers.<controller>"},
    {"clouds[].cap", "clouds[].limits"},
    {"clouds[].templates[].cap", "clouds[].templates[].limits"}};

void add_limit_rows(std::vector<Key>& rows, std::string_view section) {
  const auto add = [&](std::string_view key, std::string_view type, std::string_view fallback,
                       std::string_view meaning) {
    rows.push_back({fmt::format("{}.{}", section, key), type, fallback, meaning});
  };
  add("vcpus", "vCPU", "0", "vCPU of these agents together, by the sizes of their templates; 0: no limit");
  add("memory", "size", "0", "memory of these agents together, by the sizes of their templates; 0: no limit");
  add("budget.per_hour", "amount", "",
      "what these agents may cost together at the same time: $2; beyond it launches are held");
  add("budget.per_day", "amount", "",
      "what these agents may cost from 00:00 UTC to 00:00 UTC: $20; beyond it launches are held");
  add("budget.beyond", "hourly price", "",
      "templates of at most this price are launched beyond the budget all the same; free ones always are");
}

const std::vector<Key>& core_rows() {
  static const auto all = [] {
    std::vector<Key> rows;
    for (const auto& row : kCoreRows) {
      rows.push_back(row);
      const auto limited = std::ranges::find(kLimited, row.path, [](const auto& one) { return one.first; });
      if (limited != std::end(kLimited)) add_limit_rows(rows, limited->second);
    }
    return rows;
  }();
  return all;
}

std::vector<Key> make_schema() {
  auto all = core_rows();
  const auto add = [&](const std::vector<Key>& rows) { all.insert(all.end(), rows.begin(), rows.end()); };
  add(jenkins_rows());
  add(ecs_cloud_rows());
  const auto of_template = ecs_template_rows();
  add(of_template);
  add(ecs_container_rows());
  add(ecs_volume_rows());
  // The agent's container is described by the template's own keys.
  for (auto row : ecs_container_rows()) {
    const auto key = row.path.substr(kEcsSidecarPath.size());
    row.path = fmt::format("{}{}", kEcsTemplatePath, key);
    if (key != "name" && key != "env" &&
        std::ranges::find(of_template, row.path, &Key::path) == of_template.end())
      all.push_back(std::move(row));
  }
  return all;
}

void describe_section(std::string& out, std::string_view title, std::string_view prefix,
                      std::span<const Key> rows, auto belongs) {
  out += fmt::format(
      "### {}\n\n| Key | Value | Without it | A change needs | Meaning |\n|---|---|---|---|---|\n", title);
  for (const auto& key : rows) {
    if (!belongs(key.path)) continue;
    const auto fallback = key.fallback.empty() ? std::string("–") : fmt::format("`{}`", key.fallback);
    const auto only = key.cloud_type == "local" ? "local: " : "";
    out += fmt::format("| `{}` | {} | {} | {} | {}{} |\n", key.path.substr(prefix.size()), key.type, fallback,
                       key.restart ? "restart" : "reload", only, key.meaning);
  }
  out += '\n';
}

bool is_below(std::string_view path, std::string_view section) {
  return path.size() > section.size() && path.starts_with(section) &&
         (path[section.size()] == '.' || path[section.size()] == '[');
}

}  // namespace

std::span<const Key> schema() {
  static const std::vector<Key> all = make_schema();
  return all;
}

const Key* find_key(std::string_view path) {
  const auto keys = schema();
  const auto found = std::ranges::find(keys, path, &Key::path);
  return found == keys.end() ? nullptr : &*found;
}

const Key* find_key_or_section(std::string_view path) {
  const auto keys = schema();
  const auto found = std::ranges::find_if(
      keys, [&](const Key& key) { return key.path == path || is_below(key.path, path); });
  return found == keys.end() ? nullptr : &*found;
}

std::string_view cloud_type_of(std::string_view path) {
  const auto* found = find_key_or_section(path);
  return found == nullptr ? "" : found->cloud_type;
}

std::vector<std::string> keys_of(std::string_view section) {
  std::vector<std::string> keys;
  for (const auto& key : schema()) {
    std::string_view rest = key.path;
    if (!section.empty()) {
      if (!rest.starts_with(section) || rest.size() <= section.size() || rest[section.size()] != '.')
        continue;
      rest.remove_prefix(section.size() + 1);
    }
    const std::string name(rest.substr(0, rest.find_first_of(".[")));
    if (std::ranges::find(keys, name) == keys.end()) keys.push_back(name);
  }
  return keys;
}

std::string describe_schema() {
  std::string out;
  const auto is_any = [](std::string_view) { return true; };
  describe_section(out, "The server", "", core_rows(),
                   [](std::string_view path) { return !path.starts_with(kCloudPath); });
  describe_section(out, "A Jenkins (`jenkins:`, a list)", kJenkinsPath, jenkins_rows(), is_any);
  describe_section(out, "A cloud (`clouds:`, a list)", kCloudPath, core_rows(), [](std::string_view path) {
    return path.starts_with(kCloudPath) && !path.starts_with(kTemplatePath);
  });
  describe_section(out, "A template (`templates:` of a cloud, a list)", kTemplatePath, core_rows(),
                   [](std::string_view path) { return path.starts_with(kTemplatePath); });
  describe_section(out, "A cloud of type ecs (`ecs:` of the cloud)", kEcsCloudPath, ecs_cloud_rows(), is_any);
  describe_section(out, "A template of such a cloud (`ecs:` of the template)", kEcsTemplatePath,
                   ecs_template_rows(), is_any);
  describe_section(
      out,
      "A container (`sidecars:`, a list; all but `name` and `env` are also keys of `ecs:` itself, for "
      "the agent's container, where `cpu` and `memory` are the whole task's)",
      kEcsSidecarPath, ecs_container_rows(), is_any);
  describe_section(out,
                   "A volume (`volumes:`, a list; one of `host_path`, `efs`, `ebs`, `docker`, `fsx_windows`)",
                   kEcsVolumePath, ecs_volume_rows(), is_any);
  return out;
}

}  // namespace footman::config
