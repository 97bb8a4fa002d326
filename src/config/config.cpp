#include "config/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/number.hpp"
#include "config/schema.hpp"
#include "config/tzif.hpp"
#include "model/label.hpp"
#include "model/nearest.hpp"
#include "model/price_list.hpp"
#include "model/work.hpp"

namespace footman::config {
namespace {

using Kind = YamlNode::Kind;

// Below them nothing could be built: a limit of none is no limit at all elsewhere.
constexpr std::uint64_t kLeastLogBytes = 4 << 10;
constexpr Duration kLeastScheduleLength = 1min;
constexpr std::uint64_t kLeastRequestBytes = 64 << 10;
constexpr Duration kLeastBuildTimeout = 1s;

class Reader {
 public:
  Reader(const std::string& file, const Sources& sources) : file_(file), sources_(sources) {}
  // In the order of the lines.
  std::vector<Diagnostic> take_errors() {
    const auto place = [](const Diagnostic& one) {
      const auto at = one.at.value_or(Position{});
      return std::pair(at.line, at.column);
    };
    std::ranges::stable_sort(errors_, {}, place);
    return std::move(errors_);
  }

  Config read(const YamlNode& root) {
    Config c;
    if (root.kind == Kind::null) return c;
    check_keys(root, "");
    get(root, "listen", c.listen);
    check_listen(root, "listen", c.listen);
    get(root, "agent_listen", c.agent_listen);
    check_listen(root, "agent_listen", c.agent_listen);
    get(root, "data", c.data);
    if (const auto* hosts = list(root, "hosts"))
      for (const auto& item : hosts->items)
        if (auto host = text_of(item, "hosts")) c.hosts.push_back(std::move(*host));
    read_address(root, c.address);
    if (const auto* tls = section(root, "tls")) {
      get(*tls, "certificate", c.tls_certificate);
      get(*tls, "key", c.tls_key);
      get(*tls, "ca", c.tls_ca);
      if (c.tls_certificate.empty() != c.tls_key.empty())
        error(tls->at, "certificate and key belong together");
    }
    if (const auto* session = section(root, "session")) {
      get(*session, "heartbeat", c.heartbeat);
      get(*session, "lease", c.lease);
      get(*session, "orphan_timeout", c.orphan_timeout);
      if (c.heartbeat <= Duration(0) || c.heartbeat > kMaxHeartbeat)
        error(session->at, fmt::format("heartbeat must be between 1us and {}s", kMaxHeartbeat / 1s));
      if (c.lease < 3 * c.heartbeat) error(session->at, "lease must be at least three heartbeats");
      if (c.orphan_timeout <= c.lease) error(session->at, "orphan_timeout must be longer than the lease");
    }
    if (const auto* limits = section(root, "limits")) {
      get(*limits, "agents", c.max_agents);
      read_label_caps(*limits, c.label_caps);
      read_controller_caps(*limits, c.controller_caps);
      read_resources(*limits, c.resources);
      get(*limits, "log_bytes", c.log_bytes);
      get(*limits, "build_timeout", c.build_timeout);
      get(*limits, "queue_items", c.queue_items);
      get(*limits, "request_bytes", c.request_bytes);
      check_least(*limits, "log_bytes", c.log_bytes, kLeastLogBytes, format_bytes(kLeastLogBytes));
      check_least(*limits, "build_timeout", c.build_timeout, kLeastBuildTimeout,
                  format_duration(kLeastBuildTimeout));
      check_least(*limits, "queue_items", c.queue_items, std::uint32_t{1}, "1");
      check_least(*limits, "request_bytes", c.request_bytes, kLeastRequestBytes,
                  format_bytes(kLeastRequestBytes));
    }
    if (const auto* retention = section(root, "retention")) get(*retention, "builds", c.keep_builds);
    if (const auto* launch = section(root, "launch")) get(*launch, "deadline", c.launch_deadline);
    if (const auto* clouds = list(root, "clouds"))
      for (const auto& node : clouds->items) c.clouds.push_back(read_cloud(node, c.address));
    for (const auto& cloud : c.clouds) check_sizes(cloud, c.resources);
    return c;
  }

 private:
  void error(Position at, std::string message) { errors_.push_back({file_, at, std::move(message)}); }

  // `path`: of the section in the schema.
  bool check_keys(const YamlNode& node, std::string_view path) {
    if (node.kind != Kind::map) {
      error(node.at, "a map was expected, like 'name: value'");
      return false;
    }
    const auto known = keys_of(path);
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
  const YamlNode* section(const YamlNode& root, std::string_view key) {
    const auto* value = find(root, key);
    return value != nullptr && value->kind != Kind::null && check_keys(*value, key) ? value : nullptr;
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
    get_parsed(map, key, out, base::find_number<std::uint32_t>, "a whole number such as 10");
  }
  void get(const YamlNode& map, std::string_view key, int& out) {
    get_parsed(map, key, out, base::find_number<int>, "a whole number such as 10");
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

  template <class Value>
  void check_least(const YamlNode& map, std::string_view key, Value value, Value least,
                   std::string_view shown) {
    if (const auto* node = find(map, key); node != nullptr && value < least)
      error(node->at, fmt::format("'{}': {} or more was expected", key, shown));
  }
  void check_listen(const YamlNode& map, std::string_view key, const std::string& value) {
    const auto* node = find(map, key);
    if (node == nullptr) return;
    const auto colon = value.rfind(':');
    if (colon == std::string::npos || colon == 0 ||
        !base::find_number<std::uint16_t>(value.substr(colon + 1)))
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
  // "wss://ci.example.com:8443/x" -> "ci.example.com"; IPv6 without brackets.
  static std::string_view host_of(std::string_view address) {
    if (const auto scheme = address.find("://"); scheme != std::string_view::npos)
      address.remove_prefix(scheme + 3);
    address = address.substr(0, address.find_first_of("/?#"));
    if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
    return address.substr(0, address.rfind(':'));
  }
  // Four numbers, as agents have it: 127.1 is a name to them.
  static bool is_ipv4(std::string_view host) {
    for (int dots = 0;; ++dots) {
      const auto end = std::min(host.find('.'), host.size());
      if (!base::find_number<std::uint8_t>(host.substr(0, end))) return false;
      if (end == host.size()) return dots == 3;
      host.remove_prefix(end + 1);
    }
  }
  static bool is_loopback(std::string_view address) {
    const auto host = host_of(address);
    return (is_ipv4(host) && host.starts_with("127.")) || host == "localhost" || host == "::1";
  }
  void check_url(const std::string& url, bool insecure, const YamlNode& node) {
    const bool plain = url.starts_with("ws://") || url.starts_with("http://");
    const bool known =
        plain || url.starts_with("wss://") || url.starts_with("https://") || url.starts_with("tcp://");
    if (!known || host_of(url).empty())
      error(node.at,
            "'agent_url': a URL was expected, like wss://ci.example.com or tcp://ci.example.com:50000");
    else if (url.substr(0, url.find('/', url.find("://") + 3)).contains('@'))
      error(node.at, "'agent_url': a URL with a user name or password in it is not accepted by agents");
    else if (plain && !insecure && !is_loopback(url))
      error(node.at, "'agent_url': a connection without TLS beyond this machine needs 'insecure: true'");
  }

  CloudConfig read_cloud(const YamlNode& node, const AgentAddress& above) {
    CloudConfig c;
    c.address = above;
    if (!check_keys(node, "clouds[]")) return c;
    get(node, "name", c.name);
    if (c.name.empty())
      error(node.at, "a cloud needs a 'name'");
    else if (!clouds_.insert(c.name).second)
      error(node.at, fmt::format("the cloud '{}' is there twice", c.name));
    else if (!is_id_part(c.name))
      error(find_or(node, "name")->at,
            "'name': 1 to 40 lower-case letters, digits and '-' were expected; it becomes part of the "
            "agents' names");
    get(node, "type", c.type);
    if (find(node, "type") == nullptr)
      error(node.at, "a cloud needs a 'type': local");
    else if (c.type != "local")
      error(find(node, "type")->at, fmt::format("'type': local was expected, found '{}'", c.type));
    get(node, "cap", c.cap);
    get(node, "minimum_billing", c.minimum_billing);
    if (c.minimum_billing > model::kMaxMinimumBilling)
      error(find_or(node, "minimum_billing")->at, "'minimum_billing': a duration up to 31d was expected");
    get(node, "agent_binary", c.agent_binary);
    if (const auto* limits = find(node, "limits");
        limits != nullptr && limits->kind != Kind::null && check_keys(*limits, "clouds[].limits"))
      read_resources(*limits, c.resources);
    read_address(node, c.address);
    const auto* templates = list(node, "templates");
    if (templates == nullptr) return c;
    c.templates.reserve(templates->items.size());
    for (const auto& item : templates->items) c.templates.push_back(read_template(item, c.address));
    for (auto& t : c.templates)
      t.price.billing.minimum = std::max(t.price.billing.minimum, c.minimum_billing);
    return c;
  }
  static bool is_id_part(std::string_view text) {
    return text.size() <= 40 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == text.npos;
  }

  void read_label_caps(const YamlNode& limits, std::map<std::string, std::uint32_t, std::less<>>& out) {
    const auto* caps = find(limits, "labels");
    if (caps == nullptr || caps->kind == Kind::null) return;
    if (caps->kind != Kind::map) return error(caps->at, "'labels': a map was expected, like gpu: 4");
    for (const auto& [label, at] : caps->keys) {
      if (auto status = model::validate_label(label, "labels"); !status) error(at, describe(status.error()));
      get(*caps, label, out[label]);
      check_least(*caps, label, out[label], std::uint32_t{1}, "1");
    }
  }

  void read_controller_caps(const YamlNode& limits, std::map<std::string, std::uint32_t, std::less<>>& out) {
    const auto* caps = find(limits, "controllers");
    if (caps == nullptr || caps->kind == Kind::null) return;
    if (caps->kind != Kind::map)
      return error(caps->at, "'controllers': a map was expected, like footman: 20");
    for (const auto& [controller, at] : caps->keys) {
      if (controller != model::kBuiltInController)
        error(at, fmt::format("'controllers': there is no controller '{}'; the built-in one is '{}'",
                              controller, model::kBuiltInController));
      get(*caps, controller, out[controller]);
      check_least(*caps, controller, out[controller], std::uint32_t{1}, "1");
    }
  }

  void get_cpus(const YamlNode& map, std::string_view key, std::uint64_t& milli_cpus) {
    get_parsed(
        map, key, milli_cpus,
        [](const std::string& t) -> std::optional<std::uint64_t> {
          auto cpus = model::parse_cpus(t);
          if (!cpus) return std::nullopt;
          return *cpus;
        },
        "a number of vCPU such as 2 or 0.25 vCPU");
  }

  void read_resources(const YamlNode& limits, model::ResourceLimits& out) {
    get_cpus(limits, "vcpus", out.milli_cpus);
    get(limits, "memory", out.memory_bytes);
    if (const auto* budget = find(limits, "budget");
        budget != nullptr && budget->kind != Kind::null && check_keys(*budget, "limits.budget"))
      read_budget(*budget, out.budget);
  }

  void read_budget(const YamlNode& node, model::Budget& out) {
    get_money(node, "per_hour", out.per_hour, model::parse_money, "an amount in US dollars such as $2");
    get_money(node, "per_day", out.per_day, model::parse_money, "an amount in US dollars such as $20");
    get_money(node, "beyond", out.beyond, model::parse_hourly_price, "a price per hour such as $0.02/h");
  }

  void get_money(const YamlNode& map, std::string_view key, std::optional<model::Money>& out,
                 Result<model::Money> (*parse)(std::string_view), std::string_view expectation) {
    if (find(map, key) == nullptr) return;
    get_parsed(
        map, key, out.emplace(),
        [parse](const std::string& t) -> std::optional<model::Money> {
          auto money = parse(t);
          if (!money) return std::nullopt;
          return *money;
        },
        expectation);
  }

  void read_size(const YamlNode& node, model::AgentSize& out) {
    const auto* size = find(node, "size");
    if (size == nullptr || size->kind == Kind::null) return;
    if (!check_keys(*size, "clouds[].templates[].size")) return;
    get_cpus(*size, "cpu", out.milli_cpus);
    get(*size, "memory", out.memory_bytes);
  }

  // "$0.05/h", or the name of a list price.
  void read_price(const YamlNode& node, const model::AgentSize& size, model::Price& out) {
    const auto* price = find(node, "price");
    if (price == nullptr) return;
    const auto text = text_of(*price, "price");
    if (!text) return;
    if (const auto per_hour = model::parse_hourly_price(*text)) {
      out.per_hour = *per_hour;
      return;
    }
    const auto listed = model::find_list_price(*text, size);
    if (listed)
      out = *listed;
    else if (listed.error().code == Errc::not_found && text->find('/') == text->rfind('/'))
      error(price->at,
            fmt::format("'price': a price such as $0.05/h, up to {}, or the name of a list price such "
                        "as aws-ec2/us-east-1/m7g.large was expected, found '{}'",
                        model::format_hourly_price(model::kMaxHourlyPrice), *text));
    else
      error(price->at, fmt::format("'price': {}", listed.error().message));
  }

  // What is limited must be counted.
  void check_sizes(const CloudConfig& cloud, const model::ResourceLimits& all) {
    const bool cpus = all.milli_cpus > 0 || cloud.resources.milli_cpus > 0;
    const bool memory = all.memory_bytes > 0 || cloud.resources.memory_bytes > 0;
    for (const auto& t : cloud.templates) {
      const auto at = template_places_.find(t.name);
      if (at == template_places_.end()) continue;
      if (cpus && t.size.milli_cpus == 0)
        error(at->second, fmt::format("vCPU are limited, so the template '{}' must say its size, like 'size: "
                                      "{{cpu: 2 vCPU}}'",
                                      t.name));
      if (memory && t.size.memory_bytes == 0)
        error(at->second,
              fmt::format("memory is limited, so the template '{}' must say its size, like 'size: "
                          "{{memory: 4 GiB}}'",
                          t.name));
    }
  }

  void read_retention(const YamlNode& node, TemplateConfig& t) {
    const auto* retention = find(node, "retention");
    if (retention == nullptr || (retention->kind != Kind::map && retention->text == "one-shot")) return;
    constexpr std::string_view kExpected =
        "one-shot or some of {idle: 5m, builds: 20, paid: true} was expected";
    if (retention->kind != Kind::map || retention->keys.empty())
      return error(retention->at, fmt::format("'retention': {}", kExpected));
    for (const auto& [key, at] : retention->keys)
      if (key != "idle" && key != "builds" && key != "paid")
        error(at, fmt::format("unknown key '{}' of 'retention': {}", key, kExpected));
    t.max_builds = 0;
    get(*retention, "paid", t.keep_paid);
    if (t.keep_paid) t.idle_timeout = Duration(0);
    get(*retention, "idle", t.idle_timeout);
    get(*retention, "builds", t.max_builds);
    check_least(*retention, "builds", t.max_builds, std::uint32_t{1}, "1");
  }

  void read_pool(const YamlNode& node, TemplateConfig& t) {
    if (!check_keys(node, "clouds[].templates[].pool")) return;
    read_pool_size(node, t.pool.size);
    const auto* schedules = list(node, "schedules");
    if (schedules == nullptr) return;
    if (schedules->items.size() > model::kMaxPoolSchedules)
      error(schedules->at, fmt::format("'schedules': {} or fewer were expected", model::kMaxPoolSchedules));
    for (const auto& item : schedules->items) read_schedule(item, t.pool);
  }
  void read_schedule(const YamlNode& node, model::PoolRules& pool) {
    if (!check_keys(node, "clouds[].templates[].pool.schedules[]")) return;
    model::PoolSchedule schedule;
    schedule.size = pool.size;
    read_pool_size(node, schedule.size);
    get(node, "for", schedule.length);
    if (schedule.length < kLeastScheduleLength || schedule.length > model::kMaxScheduleLength)
      error(find_or(node, "for")->at, "'for': a duration from 1m to 31d was expected");
    std::string text;
    get(node, "cron", text);
    auto cron = model::parse_cron(text);
    if (!cron)
      error(find_or(node, "cron")->at,
            fmt::format("'cron': a time like '0 8 * * 1-5' was expected: {}", describe(cron.error())));
    get(node, "time_zone", schedule.zone_name);
    auto zone = find_zone(schedule.zone_name);
    if (!zone) error(find_or(node, "time_zone")->at, fmt::format("'time_zone': {}", describe(zone.error())));
    if (!cron || !zone) return;
    schedule.begins = std::move(*cron);
    schedule.zone = std::move(*zone);
    pool.schedules.push_back(std::move(schedule));
  }
  Result<model::TimeZone> find_zone(const std::string& name) const {
    if (name == "UTC") return model::TimeZone();
    const auto unknown = [&](std::string_view why) {
      return fail(Errc::invalid_argument, fmt::format("the time zone '{}' is not known: {}", name, why), {},
                  "A name of the tz database such as Europe/Berlin was expected.");
    };
    if (!is_zone_name(name)) return unknown("that is no name of one");
    if (!sources_.read_zone) return unknown("this machine has no time zone database");
    const auto bytes = sources_.read_zone(name);
    if (!bytes) return unknown(bytes.error().message);
    auto zone = parse_tzif(*bytes);
    if (!zone) return unknown(zone.error().message);
    return zone;
  }
  void read_pool_size(const YamlNode& node, model::PoolSize& size) {
    get(node, "min_idle", size.min_idle);
    get_parsed(node, "per_busy", size.per_mille, parse_share, "a number from 0 to 10 such as 0.2");
    get(node, "max_idle", size.max_idle);
    if (size.max_idle > model::kMaxPoolIdle)
      error(find_or(node, "max_idle")->at,
            fmt::format("'max_idle': {} or less was expected", model::kMaxPoolIdle));
    else if (size.min_idle > size.max_idle)
      error(find_or(node, "min_idle")->at,
            fmt::format("'min_idle': no more than max_idle ({}) was expected", size.max_idle));
  }
  // "0.2" -> 200 of 1000
  static std::optional<std::uint32_t> parse_share(const std::string& text) {
    const auto dot = std::min(text.find('.'), text.size());
    const auto whole = base::find_number<std::uint32_t>(text.substr(0, dot));
    std::string part = dot == text.size() ? "0" : text.substr(dot + 1);
    if (!whole || *whole > model::kMaxPoolPerMille / 1000 || part.empty() || part.size() > 3)
      return std::nullopt;
    part.resize(3, '0');
    const auto thousandths = base::find_number<std::uint32_t>(part);
    if (!thousandths) return std::nullopt;
    const auto share = *whole * 1000 + *thousandths;
    return share > model::kMaxPoolPerMille ? std::nullopt : std::optional(share);
  }

  TemplateConfig read_template(const YamlNode& node, const AgentAddress& above) {
    TemplateConfig t;
    t.address = above;
    if (!check_keys(node, "clouds[].templates[]")) return t;
    get(node, "name", t.name);
    if (t.name.empty())
      error(node.at, "a template needs a 'name'");
    else if (!templates_.insert(t.name).second)
      error(node.at, fmt::format("the template '{}' is there twice", t.name));
    template_places_.try_emplace(t.name, node.at);
    if (const auto* labels = list(node, "labels")) {
      if (labels->items.size() > model::kMaxLabelsPerTemplate)
        error(labels->at, fmt::format("{} labels; a template may have {}", labels->items.size(),
                                      model::kMaxLabelsPerTemplate));
      for (const auto& item : labels->items) {
        const auto label = text_of(item, "labels");
        if (!label) continue;
        if (auto status = model::validate_label(*label, "labels"); !status)
          error(item.at, describe(status.error()));
        t.labels.push_back(*label);
      }
    }
    get(node, "default", t.is_default);
    get(node, "cap", t.cap);
    get(node, "priority", t.priority);
    read_size(node, t.size);
    read_price(node, t.size, t.price);
    get(node, "max_age", t.max_age);
    get(node, "memory", t.memory_bytes);
    get(node, "processes", t.max_processes);
    get(node, "open_files", t.max_open_files);
    get(node, "proxy_variables", t.proxy_variables);
    read_retention(node, t);
    if (const auto* pool = find(node, "pool"); pool != nullptr && pool->kind != Kind::null)
      read_pool(*pool, t);
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
  std::map<std::string, Position> template_places_;
};

bool has_key(const YamlNode& map, std::string_view key) {
  return std::ranges::any_of(map.keys, [&](const auto& entry) { return entry.first == key; });
}

}  // namespace

std::expected<Config, std::vector<Diagnostic>> parse_config(std::string_view text, const std::string& file,
                                                            const Sources& sources, const std::string& arch) {
  const auto root = parse_yaml(text, file);
  if (!root) return std::unexpected(std::vector<Diagnostic>{root.error()});
  Reader reader(file, sources);
  Config config = reader.read(*root);
  auto errors = reader.take_errors();
  if (!errors.empty()) return std::unexpected(std::move(errors));
  if (!has_key(*root, "clouds")) {
    config.clouds = default_config(arch).clouds;
    config.clouds[0].address = config.clouds[0].templates[0].address = config.address;
  }
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
