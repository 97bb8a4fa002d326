#include "config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "model/label.hpp"
#include "model/nearest.hpp"

namespace footman::config {
namespace {

using Kind = YamlNode::Kind;

class Reader {
 public:
  Reader(const std::string& file, const Sources& sources) : file_(file), sources_(sources) {}
  std::vector<Diagnostic> take_errors() { return std::move(errors_); }

  Config read(const YamlNode& root) {
    Config c;
    if (root.kind == Kind::null) return c;
    check_keys(root, {"listen", "agent_listen", "data", "agent_url", "tunnel", "connect", "insecure", "tls",
                      "session", "limits", "retention", "launch", "clouds"});
    get(root, "listen", c.listen);
    check_listen(root, "listen", c.listen);
    get(root, "agent_listen", c.agent_listen);
    check_listen(root, "agent_listen", c.agent_listen);
    get(root, "data", c.data);
    read_address(root, c.address);
    if (const auto* tls = section(root, "tls", {"certificate", "key", "ca"})) {
      get(*tls, "certificate", c.tls_certificate);
      get(*tls, "key", c.tls_key);
      get(*tls, "ca", c.tls_ca);
      if (c.tls_certificate.empty() != c.tls_key.empty())
        error(tls->at, "certificate and key belong together");
    }
    if (const auto* session = section(root, "session", {"heartbeat", "lease", "orphan_timeout"})) {
      get(*session, "heartbeat", c.heartbeat);
      get(*session, "lease", c.lease);
      get(*session, "orphan_timeout", c.orphan_timeout);
      if (c.heartbeat <= Duration(0) || c.heartbeat > 20s)
        error(session->at, "heartbeat must be between 1us and 20s");
      if (c.lease < 2 * c.heartbeat) error(session->at, "lease must be at least two heartbeats");
      if (c.orphan_timeout <= c.lease) error(session->at, "orphan_timeout must be longer than the lease");
    }
    if (const auto* limits = section(
            root, "limits", {"agents", "log_bytes", "build_timeout", "queue_items", "request_bytes"})) {
      get(*limits, "agents", c.max_agents);
      get(*limits, "log_bytes", c.log_bytes);
      get(*limits, "build_timeout", c.build_timeout);
      get(*limits, "queue_items", c.queue_items);
      get(*limits, "request_bytes", c.request_bytes);
    }
    if (const auto* retention = section(root, "retention", {"builds", "days"})) {
      get(*retention, "builds", c.keep_builds);
      get(*retention, "days", c.keep_days);
    }
    if (const auto* launch = section(root, "launch", {"deadline"}))
      get(*launch, "deadline", c.launch_deadline);
    if (const auto* clouds = list(root, "clouds"))
      for (const auto& node : clouds->items) c.clouds.push_back(read_cloud(node, c.address));
    return c;
  }

 private:
  void error(Position at, std::string message) { errors_.push_back({file_, at, std::move(message)}); }

  bool check_keys(const YamlNode& node, const std::vector<std::string>& known) {
    if (node.kind != Kind::map) {
      error(node.at, "a map was expected, like 'name: value'");
      return false;
    }
    for (const auto& [key, at] : node.keys) {
      if (std::ranges::find(known, key) != known.end()) continue;
      const auto nearest = model::find_nearest(key, known);
      error(at, fmt::format("unknown key '{}'{}", key,
                            nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
    }
    return true;
  }
  static const YamlNode* find(const YamlNode& node, std::string_view key) {
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      if (node.keys[i].first == key) return &node.items[i];
    return nullptr;
  }
  const YamlNode* section(const YamlNode& node, std::string_view key, const std::vector<std::string>& known) {
    const auto* value = find(node, key);
    return value != nullptr && value->kind != Kind::null && check_keys(*value, known) ? value : nullptr;
  }
  const YamlNode* list(const YamlNode& node, std::string_view key) {
    const auto* value = find(node, key);
    if (value == nullptr || value->kind == Kind::null) return nullptr;
    if (value->kind == Kind::list) return value;
    error(value->at, fmt::format("'{}': a list was expected, like '- item'", key));
    return nullptr;
  }

  std::optional<std::string> text_of(const YamlNode& node, std::string_view key) {
    if (node.kind != Kind::scalar) {
      error(node.at, fmt::format("'{}': one value was expected", key));
      return std::nullopt;
    }
    if (node.text.starts_with("file:")) {
      auto content = sources_.read_file(node.text.substr(5));
      if (!content) {
        error(node.at, fmt::format("'{}': {}", key, describe(content.error())));
        return std::nullopt;
      }
      if (content->ends_with('\n')) content->pop_back();
      return *content;
    }
    std::string result;
    for (std::size_t at = 0;;) {
      const auto start = node.text.find("${env:", at);
      result += node.text.substr(at, start - at);
      if (start == std::string::npos) return result;
      const auto end = node.text.find('}', start);
      if (end == std::string::npos) {
        error(node.at, fmt::format("'{}': '}}' is missing after ${{env:", key));
        return std::nullopt;
      }
      const auto name = node.text.substr(start + 6, end - start - 6);
      const auto value = sources_.environment(name);
      if (!value) {
        error(node.at, fmt::format("'{}': the environment has no {}", key, name));
        return std::nullopt;
      }
      result += *value;
      at = end + 1;
    }
  }

  void get(const YamlNode& map, std::string_view key, std::string& out) {
    if (const auto* node = find(map, key))
      if (auto text = text_of(*node, key)) out = std::move(*text);
  }
  template <class Value, class Parse>
  void get_parsed(const YamlNode& map, std::string_view key, Value& out, Parse parse,
                  std::string_view expectation) {
    const auto* node = find(map, key);
    if (node == nullptr) return;
    const auto text = text_of(*node, key);
    if (!text) return;
    if (std::optional<Value> value = parse(*text))
      out = *value;
    else
      error(node->at, fmt::format("'{}': {} was expected, found '{}'", key, expectation, *text));
  }
  template <class Number>
  static std::optional<Number> parse_number(const std::string& text) {
    Number number{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
  }
  void get(const YamlNode& map, std::string_view key, Duration& out) {
    get_parsed(
        map, key, out,
        [](const std::string& t) -> std::optional<Duration> {
          auto d = parse_duration(t);
          if (!d) return std::nullopt;
          return *d;
        },
        "a duration such as 30s or 5m");
  }
  void get(const YamlNode& map, std::string_view key, std::uint64_t& out) {
    get_parsed(
        map, key, out,
        [](const std::string& t) -> std::optional<std::uint64_t> {
          auto b = parse_bytes(t);
          if (!b) return std::nullopt;
          return *b;
        },
        "a size such as 64 MiB");
  }
  void get(const YamlNode& map, std::string_view key, std::uint32_t& out) {
    get_parsed(map, key, out, parse_number<std::uint32_t>, "a whole number such as 10");
  }
  void get(const YamlNode& map, std::string_view key, int& out) {
    get_parsed(map, key, out, parse_number<int>, "a whole number such as 10");
  }
  void get(const YamlNode& map, std::string_view key, bool& out) {
    get_parsed(
        map, key, out,
        [](const std::string& t) -> std::optional<bool> {
          if (t == "true") return true;
          if (t == "false") return false;
          return std::nullopt;
        },
        "true or false");
  }

  void check_listen(const YamlNode& map, std::string_view key, const std::string& value) {
    const auto* node = find(map, key);
    if (node == nullptr) return;
    const auto colon = value.rfind(':');
    if (colon == std::string::npos || colon == 0 || !parse_number<std::uint16_t>(value.substr(colon + 1)))
      error(
          node->at,
          fmt::format("'{}': an address and a port from 0 to 65535 were expected, like 127.0.0.1:8080", key));
  }

  void read_address(const YamlNode& map, AgentAddress& out) {
    if (find(map, "agent_url") != nullptr) get(map, "agent_url", out.agent_url.emplace());
    if (find(map, "tunnel") != nullptr) get(map, "tunnel", out.tunnel.emplace());
    if (find(map, "insecure") != nullptr) get(map, "insecure", out.insecure.emplace(false));
    Connect connect = Connect::websocket;
    get_parsed(
        map, "connect", connect,
        [](const std::string& t) -> std::optional<Connect> {
          if (t == "websocket") return Connect::websocket;
          if (t == "tcp") return Connect::tcp;
          return std::nullopt;
        },
        "websocket or tcp");
    if (find(map, "connect") != nullptr) out.connect = connect;
    if (out.agent_url) check_url(*out.agent_url, out.insecure.value_or(false), *find_or(map, "agent_url"));
  }
  static const YamlNode* find_or(const YamlNode& map, std::string_view key) {
    const auto* node = find(map, key);
    return node != nullptr ? node : &map;
  }
  static bool is_loopback(std::string_view url) {
    const auto scheme = url.find("://");
    const auto host = url.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
    return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
  }
  void check_url(const std::string& url, bool insecure, const YamlNode& node) {
    const bool plain = url.starts_with("ws://") || url.starts_with("http://");
    if (!plain && !url.starts_with("wss://") && !url.starts_with("https://") && !url.starts_with("tcp://"))
      error(node.at,
            "'agent_url': a URL was expected, like wss://ci.example.com or tcp://ci.example.com:50000");
    else if (plain && !insecure && !is_loopback(url))
      error(node.at, "'agent_url': a connection without TLS beyond this machine needs 'insecure: true'");
  }

  CloudConfig read_cloud(const YamlNode& node, const AgentAddress& above) {
    CloudConfig c;
    c.address = above;
    if (!check_keys(node, {"name", "type", "cap", "agent_url", "tunnel", "connect", "insecure",
                           "agent_binary", "memory", "processes", "templates"}))
      return c;
    get(node, "name", c.name);
    if (c.name.empty())
      error(node.at, "a cloud needs a 'name'");
    else if (!clouds_.insert(c.name).second)
      error(node.at, fmt::format("the cloud '{}' is there twice", c.name));
    get(node, "type", c.type);
    if (c.type != "local") error(find_or(node, "type")->at, "'type': local was expected");
    get(node, "cap", c.cap);
    get(node, "agent_binary", c.agent_binary);
    get(node, "memory", c.memory_bytes);
    get(node, "processes", c.max_processes);
    read_address(node, c.address);
    if (c.type != "local" && c.address.agent_url && is_loopback(*c.address.agent_url))
      error(node.at, "agents of this cloud cannot reach a loopback address; set 'agent_url'");
    if (const auto* templates = list(node, "templates"))
      for (const auto& item : templates->items) c.templates.push_back(read_template(item, c.address));
    return c;
  }

  TemplateConfig read_template(const YamlNode& node, const AgentAddress& above) {
    TemplateConfig t;
    t.address = above;
    if (!check_keys(node, {"name", "labels", "default", "cap", "priority", "retention", "max_age", "env",
                           "agent_url", "tunnel", "connect", "insecure"}))
      return t;
    get(node, "name", t.name);
    if (t.name.empty())
      error(node.at, "a template needs a 'name'");
    else if (!templates_.insert(t.name).second)
      error(node.at, fmt::format("the template '{}' is there twice", t.name));
    if (const auto* labels = list(node, "labels"))
      for (const auto& item : labels->items) {
        const auto label = text_of(item, "labels");
        if (!label) continue;
        if (auto status = model::validate_label(*label, "labels"); !status)
          error(item.at, describe(status.error()));
        t.labels.push_back(*label);
      }
    get(node, "default", t.is_default);
    get(node, "cap", t.cap);
    get(node, "priority", t.priority);
    get(node, "max_age", t.max_age);
    if (const auto* retention = find(node, "retention")) {
      if (retention->kind == Kind::map && check_keys(*retention, {"idle"})) {
        t.one_shot = false;
        get(*retention, "idle", t.idle_timeout);
      } else if (retention->text != "one-shot") {
        error(retention->at, "'retention': one-shot or {idle: 5m} was expected");
      }
    }
    if (const auto* env = find(node, "env"); env != nullptr && env->kind == Kind::map)
      for (const auto& [key, at] : env->keys) get(*env, key, t.env[key]);
    else if (env != nullptr && env->kind != Kind::null)
      error(env->at, "'env': a map was expected, like NAME: value");
    read_address(node, t.address);
    return t;
  }

  const std::string& file_;
  const Sources& sources_;
  std::vector<Diagnostic> errors_;
  std::set<std::string> clouds_, templates_;
};

}  // namespace

std::expected<Config, std::vector<Diagnostic>> parse_config(std::string_view text, const std::string& file,
                                                            const Sources& sources) {
  const auto root = parse_yaml(text, file);
  if (!root) return std::unexpected(std::vector<Diagnostic>{root.error()});
  Reader reader(file, sources);
  Config config = reader.read(*root);
  auto errors = reader.take_errors();
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

Config default_config(const std::string& arch) {
  Config config;
  CloudConfig cloud;
  cloud.name = cloud.type = "local";
  TemplateConfig local;
  local.name = "local";
  local.labels = {"local", "linux"};
  if (!arch.empty()) local.labels.push_back(arch);
  local.is_default = true;
  cloud.templates.push_back(std::move(local));
  config.clouds.push_back(std::move(cloud));
  return config;
}

}  // namespace footman::config
