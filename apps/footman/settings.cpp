#include "apps/footman/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "apps/footman/ecs_settings.hpp"
#include "base/address.hpp"
#include "base/check.hpp"
#include "config/schema.hpp"
#include "protocol/limits.hpp"

namespace footman::app {
namespace {

// Logs take up to 530 (logs/limits.hpp), each agent of this machine one, the rest some tens.
constexpr std::size_t kKeptDescriptors = 1024;

static_assert(config::kMaxHeartbeat == protocol::kMaxHeartbeatInterval);

std::string websocket_url(const std::string& agent_url, const ServerFacts& facts) {
  if (agent_url.empty()) {
    const net::Endpoint at{reachable_host(facts.http.host), facts.http.port};
    return fmt::format("{}://{}", facts.tls ? "wss" : "ws", at.str());
  }
  std::string url = agent_url;
  if (url.starts_with("http")) url.replace(0, 4, "ws");
  return url;
}

std::string tcp_url(const std::string& agent_url, const ServerFacts& facts) {
  if (agent_url.starts_with("tcp://")) return agent_url;
  std::string host = reachable_host(facts.agent_port.host);
  if (!agent_url.empty())
    if (auto url = net::parse_url(agent_url)) host = url->host;
  return "tcp://" + net::Endpoint{host, facts.agent_port.port}.str();
}

using Flat = std::map<std::string, std::string>;

void flatten(Flat& out, const std::string& prefix, const config::AgentAddress& address) {
  out[prefix + "agent_url"] = address.agent_url.value_or("");
  out[prefix + "tunnel"] = address.tunnel.value_or("");
  out[prefix + "connect"] = address.connect == config::Connect::tcp ? "tcp" : "websocket";
  out[prefix + "insecure"] = fmt::format("{}", address.insecure.value_or(false));
}

void flatten(Flat& out, const std::string& prefix, const model::AgentLimits& limits) {
  out[prefix + "limits.vcpus"] = model::format_cpus(limits.milli_cpus);
  out[prefix + "limits.memory"] = base::format_bytes(limits.memory_bytes);
  const auto put = [&](const char* key, const std::optional<model::Money>& money) {
    out[prefix + "limits.budget." + key] = money ? model::format_money(*money) : "";
  };
  put("per_hour", limits.budget.per_hour);
  put("per_day", limits.budget.per_day);
  put("beyond", limits.budget.beyond);
}

// For people; a dot is a level of the document.
std::string describe(const model::AgentLimits& limits) {
  auto others = limits;
  others.agents = 0;
  if (others == model::AgentLimits()) return fmt::format("{}", limits.agents);
  Flat all, none;
  flatten(all, "", others);
  flatten(none, "", model::AgentLimits());
  std::vector<std::string> keys;
  if (limits.agents > 0) keys.push_back(fmt::format("agents: {}", limits.agents));
  for (const auto& [key, value] : all)
    if (value != none[key]) keys.push_back(fmt::format("{}: {}", key.substr(key.find('.') + 1), value));
  return fmt::format("{{{}}}", fmt::join(keys, ", "));
}

std::string describe(const std::map<std::string, model::AgentLimits, std::less<>>& groups) {
  std::string text;
  for (const auto& [name, limits] : groups)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, describe(limits));
  return fmt::format("{{{}}}", text);
}

std::string describe_retention(const config::TemplateConfig& t) {
  if (t.max_builds == 1) return "one-shot";
  auto text = "{idle: " + base::format_duration(t.idle_timeout);
  if (t.max_builds > 0) text += fmt::format(", builds: {}", t.max_builds);
  return text + (t.keep_paid ? ", paid: true}" : "}");
}

std::string describe(const config::JenkinsOverflow& overflow) {
  using When = config::JenkinsOverflow::When;
  if (overflow.when == When::after) return "after " + base::format_duration(overflow.after);
  return overflow.when == When::never ? "never" : "when-busy";
}

void flatten(Flat& out, const std::string& prefix, const config::JenkinsConfig& j) {
  out[prefix + "url"] = j.url;
  out[prefix + "agent_url"] = j.agent_url;
  out[prefix + "user"] = j.user;
  out[prefix + "token"] = fmt::format("{}{:x}", kHidden, std::hash<std::string>()(j.token));
  out[prefix + "ca"] = j.ca;
  out[prefix + "insecure"] = fmt::format("{}", j.insecure);
  out[prefix + "tunnel"] = j.tunnel;
  out[prefix + "connect"] = j.connect == config::Connect::tcp ? "tcp" : "websocket";
  out[prefix + "prefix"] = j.prefix;
  out[prefix + "templates"] = fmt::format("[{}]", fmt::join(j.templates, ", "));
  out[prefix + "overflow"] = describe(j.overflow);
  out[prefix + "work_folder"] = j.work_folder;
  out[prefix + "java_options"] = j.java_options;
}

void flatten(Flat& out, const std::string& prefix, const config::TemplateConfig& t) {
  out[prefix + "labels"] = fmt::format("[{}]", fmt::join(t.labels, ", "));
  out[prefix + "default"] = fmt::format("{}", t.is_default);
  out[prefix + "priority"] = fmt::format("{}", t.priority);
  out[prefix + "cap"] = fmt::format("{}", t.limits.agents);
  flatten(out, prefix, t.limits);
  out[prefix + "size.cpu"] = model::format_cpus(t.size.milli_cpus);
  const auto& billing = t.price.billing;
  out[prefix + "price"] =
      fmt::format("{} (from {} until {}, by {}, at least {})", model::format_hourly_price(t.price.per_hour),
                  model::to_string(billing.from), model::to_string(billing.until),
                  base::format_duration(billing.step), base::format_duration(billing.minimum));
  out[prefix + "size.memory"] = base::format_bytes(t.size.memory_bytes);
  out[prefix + "retention"] = describe_retention(t);
  out[prefix + "pool.min_idle"] = fmt::format("{}", t.pool.size.min_idle);
  out[prefix + "pool.per_busy"] = fmt::format("{}", t.pool.size.per_mille / 1000.0);
  out[prefix + "pool.max_idle"] = fmt::format("{}", t.pool.size.max_idle);
  const auto& goal = t.pool.goal;
  out[prefix + "pool.goal.wait"] = goal ? model::describe(goal->wait) : "";
  out[prefix + "pool.goal.per_day"] = goal && goal->per_day ? model::format_money(*goal->per_day) : "";
  std::string schedules;
  for (const auto& one : t.pool.schedules)
    schedules +=
        fmt::format("{}{{cron: {}, for: {}, time_zone: {}, min_idle: {}, per_busy: {}, max_idle: {}}}",
                    schedules.empty() ? "" : ", ", one.begins.text(), base::format_duration(one.length),
                    one.zone_name, one.size.min_idle, one.size.per_mille / 1000.0, one.size.max_idle);
  out[prefix + "pool.schedules"] = fmt::format("[{}]", schedules);
  out[prefix + "max_age"] = base::format_duration(t.max_age);
  out[prefix + "memory"] = base::format_bytes(t.memory_bytes);
  out[prefix + "processes"] = fmt::format("{}", t.max_processes);
  out[prefix + "open_files"] = fmt::format("{}", t.max_open_files);
  out[prefix + "proxy_variables"] = fmt::format("{}", t.proxy_variables);
  // A value may be a secret: its hash says whether it changed, and none of it is shown (see compare_configs).
  std::string env;
  for (const auto& [name, value] : t.env)
    env += fmt::format(" {}={:x}", name, std::hash<std::string>()(value));
  out[prefix + "env"] = env;
  if (t.ecs)
    for (auto& [key, value] : flatten_ecs(*t.ecs)) out[fmt::format("{}ecs.{}", prefix, key)] = value;
  flatten(out, prefix, t.address);
}

Flat flatten(const config::Config& c) {
  Flat out;
  out["listen"] = c.listen;
  out["agent_listen"] = c.agent_listen;
  out["data"] = c.data;
  out["hosts"] = fmt::format("[{}]", fmt::join(c.hosts, ", "));
  flatten(out, "", c.address);
  out["tls.certificate"] = c.tls_certificate;
  out["tls.key"] = c.tls_key;
  out["tls.ca"] = c.tls_ca;
  out["session.heartbeat"] = base::format_duration(c.heartbeat);
  out["session.lease"] = base::format_duration(c.lease);
  out["session.orphan_timeout"] = base::format_duration(c.orphan_timeout);
  out["limits.agents"] = fmt::format("{}", c.limits.agents);
  out["limits.labels"] = describe(c.label_limits);
  out["limits.controllers"] = describe(c.controller_limits);
  flatten(out, "", c.limits);
  out["limits.log_bytes"] = base::format_bytes(c.log_bytes);
  out["limits.build_timeout"] = base::format_duration(c.build_timeout);
  out["limits.queue_items"] = fmt::format("{}", c.queue_items);
  out["limits.request_bytes"] = base::format_bytes(c.request_bytes);
  out["retention.builds"] = fmt::format("{}", c.keep_builds);
  out["launch.deadline"] = base::format_duration(c.launch_deadline);
  for (const auto& cloud : c.clouds) {
    const auto at = fmt::format("cloud {}: ", cloud.name);
    out[at + "type"] = cloud.type;
    out[at + "cap"] = fmt::format("{}", cloud.limits.agents);
    flatten(out, at, cloud.limits);
    out[at + "minimum_billing"] = base::format_duration(cloud.minimum_billing);
    out[at + "agent_binary"] = cloud.agent_binary;
    if (cloud.ecs)
      for (auto& [key, value] : flatten_ecs(*cloud.ecs)) out[fmt::format("{}ecs.{}", at, key)] = value;
    for (const auto& t : cloud.templates) flatten(out, fmt::format("template {}: ", t.name), t);
  }
  for (const auto& jenkins : c.jenkins) flatten(out, fmt::format("jenkins {}: ", jenkins.name), jenkins);
  return out;
}

// "cloud here: cap" is "clouds[].cap" of the schema, "template t" as a whole "clouds[].templates[].name".
std::string schema_path(const std::string& key) {
  const auto colon = key.rfind(": ");
  const auto last = colon == std::string::npos ? "name" : key.substr(colon + 2);
  if (key.starts_with("cloud ")) return "clouds[]." + last;
  if (key.starts_with("jenkins ")) return "jenkins[]." + last;
  if (key.starts_with("template ")) return "clouds[].templates[]." + last;
  return key;
}

bool needs_restart(const std::string& key) {
  const auto* known = config::find_key_or_section(schema_path(key));
  FOOTMAN_CHECK(known != nullptr, "a key that is compared stands in the schema");
  return known->restart;
}

std::string name_of(const std::string& key) { return key.substr(0, key.find(": ")); }

}  // namespace

std::string reachable_host(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

controller::ControllerConfig make_controller_config(const config::Config& config) {
  controller::ControllerConfig c;
  c.heartbeat = config.heartbeat;
  c.lease = config.lease;
  c.orphan_timeout = config.orphan_timeout;
  c.max_timeout = config.build_timeout;
  c.max_log_bytes = config.log_bytes;
  c.max_queue = config.queue_items;
  c.keep_builds = config.keep_builds;
  return c;
}

PortShares share_descriptors(std::size_t descriptors) {
  const auto kept = std::min(descriptors / 2, kKeptDescriptors);
  const auto half = (descriptors - kept) / 2;
  return {std::min(half, net::HttpServerLimits().connections),
          std::min(half, controller::kMaxConnections + net::StrangerLimits().all)};
}

namespace {

constexpr std::uint64_t kOtherConnections = 256;  // of people, programs, strangers
constexpr std::uint64_t kUnlimitedAgents = 1000;  // for which there is room at least
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

std::uint64_t limit_of(const model::AgentLimits& limits) {
  return limits.agents > 0 ? limits.agents : kNoLimit;
}

std::uint64_t most_agents(const config::CloudConfig& cloud) {
  std::uint64_t sum = 0;
  for (const auto& one : cloud.templates) sum += limit_of(one.limits);
  return std::min(sum, limit_of(cloud.limits));
}

}  // namespace

std::size_t needed_descriptors(const config::Config& config) {
  std::uint64_t sum = 0;
  for (const auto& cloud : config.clouds) sum += most_agents(cloud);
  const auto agents = std::min(sum, limit_of(config.limits));
  const auto connections =
      agents < kNoLimit ? std::min<std::uint64_t>(agents, controller::kMaxConnections) : kUnlimitedAgents;
  return kKeptDescriptors + 2 * (connections + kOtherConnections);
}

net::StrangerLimits limit_strangers(std::size_t connections) {
  net::StrangerLimits limits;
  limits.all = std::min(limits.all, connections / 2);
  limits.handshakes = std::min(limits.handshakes, limits.all);
  limits.secured = std::min(limits.secured, limits.all);
  return limits;
}

net::HttpServerLimits make_http_limits(const config::Config& config, std::size_t connections) {
  net::HttpServerLimits limits;
  limits.body_bytes = config.request_bytes;
  limits.all_bodies_bytes = std::max(limits.all_bodies_bytes, limits.body_bytes);
  limits.connections = connections;
  limits.strangers = limit_strangers(connections);
  return limits;
}

ports::AgentEndpoint make_endpoint(const config::AgentAddress& address, const ServerFacts& facts) {
  ports::AgentEndpoint endpoint;
  const auto agent_url = address.agent_url.value_or("");
  const bool tcp = agent_url.starts_with("tcp://") || address.connect == config::Connect::tcp;
  endpoint.url = tcp ? tcp_url(agent_url, facts) : websocket_url(agent_url, facts);
  endpoint.tunnel = address.tunnel.value_or("");
  endpoint.insecure = address.insecure.value_or(false);
  if (tcp) endpoint.public_key_sha256 = facts.agent_port_key_sha256;
  if (endpoint.url.starts_with("wss://")) {
    endpoint.ca_pem = facts.ca_pem;
    endpoint.only_ca = facts.only_ca;
  }
  return endpoint;
}

fleet::FleetConfig make_fleet_config(const config::Config& config, const ServerFacts& facts) {
  fleet::FleetConfig fleet;
  fleet.limits = config.limits;
  fleet.label_limits = config.label_limits;
  for (const auto& [name, limits] : config.controller_limits)
    fleet.controller_limits[base::ControllerName(name)] = limits;
  for (const auto& jenkins : config.jenkins)
    for (const auto& name : jenkins.templates)
      fleet.controller_templates[base::ControllerName(jenkins.name)].insert(base::TemplateName(name));
  fleet.orphan_timeout = config.orphan_timeout;
  for (const auto& cloud : config.clouds) {
    fleet.cloud_limits[base::CloudName(cloud.name)] = cloud.limits;
    for (const auto& t : cloud.templates) {
      fleet::Template out;
      out.name = base::TemplateName(t.name);
      out.cloud = base::CloudName(cloud.name);
      out.labels = t.labels;
      out.is_default = t.is_default;
      out.priority = t.priority;
      out.limits = t.limits;
      out.size = t.size;
      out.price = t.price;
      out.max_builds = t.max_builds;
      out.idle_timeout = t.idle_timeout;
      out.keep_paid = t.keep_paid;
      out.max_age = t.max_age;
      out.pool = t.pool;
      out.launch_deadline = config.launch_deadline;
      out.endpoint = make_endpoint(t.address, facts);
      fleet.templates.push_back(std::move(out));
    }
  }
  return fleet;
}

jenkins::JenkinsSettings make_jenkins_settings(const config::Config& config, const config::JenkinsConfig& j) {
  using When = config::JenkinsOverflow::When;
  jenkins::JenkinsSettings out;
  out.name = base::ControllerName(j.name);
  out.url = j.url;
  out.user = j.user;
  out.token = base::Secret(j.token);
  out.agent_url = j.agent_url;
  out.tunnel = j.tunnel;
  out.connection = j.connect == config::Connect::tcp ? jenkins::AgentConnection::tcp
                                                     : jenkins::AgentConnection::web_socket;
  out.insecure = j.insecure;
  out.java_options = j.java_options;
  out.prefix = j.prefix;
  out.work_folder = j.work_folder;
  out.demand.overflow = j.overflow.when == When::never   ? jenkins::Overflow::never
                        : j.overflow.when == When::after ? jenkins::Overflow::after
                                                         : jenkins::Overflow::when_busy;
  out.demand.overflow_after = j.overflow.after;
  for (const auto& cloud : config.clouds)
    for (const auto& t : cloud.templates)
      if (config::serves(j, t.name)) out.demand.served.push_back({t.labels, t.is_default});
  return out;
}

std::map<base::TemplateName, cloud::local::TemplateOptions> make_local_templates(
    const config::CloudConfig& cloud) {
  std::map<base::TemplateName, cloud::local::TemplateOptions> out;
  for (const auto& t : cloud.templates)
    out[base::TemplateName(t.name)] = {t.memory_bytes, t.max_processes, t.max_open_files, t.env,
                                       t.proxy_variables};
  return out;
}

std::string page_url(const config::Config& config, const ServerFacts& facts) {
  const auto said = config.address.agent_url.value_or("");
  if (const auto url = net::parse_url(said); url && url->scheme != "tcp") {
    const bool tls = url->scheme == "wss" || url->scheme == "https";
    return fmt::format("{}://{}", tls ? "https" : "http", url->authority());
  }
  const net::Endpoint at{reachable_host(facts.http.host), facts.http.port};
  return fmt::format("{}://{}", facts.tls ? "https" : "http", at.str());
}

std::vector<std::string> exposure_warnings(const config::Config& config, const ServerFacts& facts) {
  std::vector<std::string> out;
  if (base::is_loopback_host(facts.http.host)) return out;
  if (!facts.tls)
    out.emplace_back(
        "tokens and pages travel without TLS beyond this machine: set tls, or put a proxy in front");
  if (std::ranges::any_of(config.clouds, [](const auto& cloud) { return cloud.type == "local"; }))
    out.emplace_back(
        "builds of a local cloud run as the server's own user and can read its token, keys and database: "
        "give "
        "tokens only to those whom you trust with this machine");
  return out;
}

std::vector<ConfigChange> compare_configs(const config::Config& before, const config::Config& after) {
  const auto old_values = flatten(before);
  const auto new_values = flatten(after);
  std::map<std::string, ConfigChange> changes;  // one a cloud or template that came or went
  const auto add = [&](const std::string& key, std::string text, bool takes_effect = false) {
    changes.try_emplace(key, ConfigChange{std::move(text), !takes_effect && needs_restart(key)});
  };
  for (const auto& [key, value] : old_values)
    if (!new_values.contains(key) && key.find(": ") != std::string::npos)
      add(name_of(key), name_of(key) + " removed", key.starts_with("jenkins "));  // it is left at once
  for (const auto& [key, value] : new_values) {
    const auto it = old_values.find(key);
    if (it == old_values.end())
      add(name_of(key), name_of(key) + " added");
    else if (it->second != value)
      add(key, key.ends_with(": env") || it->second.starts_with(kHidden) || value.starts_with(kHidden)
                   ? key + " changed"
                   : fmt::format("{}: {} -> {}", key, it->second.empty() ? "(none)" : it->second,
                                 value.empty() ? "(none)" : value));
  }
  std::vector<ConfigChange> out;
  out.reserve(changes.size());
  for (auto& [key, change] : changes) out.push_back(std::move(change));
  return out;
}

}  // namespace footman::app
