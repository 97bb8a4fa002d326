#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/address.hpp"
#include "base/number.hpp"
#include "config/sections.hpp"
#include "model/label.hpp"
#include "model/work.hpp"

namespace footman::config {
namespace {

// Below them nothing could be built: a limit of none is no limit at all elsewhere.
constexpr std::uint64_t kLeastLogBytes = 4 << 10;
constexpr std::uint64_t kLeastRequestBytes = 64 << 10;
constexpr Duration kLeastBuildTimeout = 1s;
// No agent connects sooner: each would be ended and launched again.
constexpr Duration kLeastLaunchDeadline = 1s;

void check_listen(Reader& reader, const YamlNode& map, std::string_view key, const std::string& value) {
  const auto* node = map.find(key);
  if (node == nullptr) return;
  const auto colon = std::min(value.rfind(':'), value.size());
  const auto port = value.substr(std::min(colon + 1, value.size()));
  const auto host = std::string_view(value).substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const bool is_host =
      is_bracketed ? base::is_ipv6(host.substr(1, host.size() - 2)) : base::is_host_name(host);
  if (!is_host || !base::find_number<std::uint16_t>(port))
    reader.error(node->at, fmt::format("'{}': an address and a port from 0 to 65535 were expected, like "
                                       "127.0.0.1:8080 or [::1]:8080; found '{}'",
                                       key, value));
}

void read_hosts(Reader& reader, const YamlNode& root, std::vector<std::string>& out) {
  const auto* hosts = reader.list(root, "hosts");
  if (hosts == nullptr) return;
  for (const auto& item : hosts->items) {
    auto host = reader.text_of(item, "hosts");
    if (!host) continue;
    if (!base::is_host_name(*host))
      reader.error(item.at,
                   fmt::format("'hosts': a name without scheme and port was expected, like ci.example.com; "
                               "found '{}'",
                               *host));
    out.push_back(std::move(*host));
  }
}

// `check`: of a group's name and its place.
template <class Check>
void read_groups(Reader& reader, const YamlNode& limits, std::string_view key, std::string_view example,
                 std::string_view path, std::map<std::string, model::AgentLimits, std::less<>>& out,
                 Check check) {
  const auto* groups = limits.find(key);
  if (groups == nullptr || groups->kind == YamlNode::Kind::null) return;
  if (groups->kind != YamlNode::Kind::map)
    return reader.error(groups->at, fmt::format("'{}': a map was expected, like {}", key, example));
  for (const auto& [name, at] : groups->keys) {
    check(name, at);
    read_group_limits(reader, *groups, name, path, out);
  }
}

void read_label_limits(Reader& reader, const YamlNode& limits, Config& out) {
  const auto check = [&](const std::string& label, Position at) {
    if (auto status = model::validate_label(label, "labels"); !status)
      reader.error(at, describe(status.error()));
  };
  read_groups(reader, limits, "labels", "gpu: 4", "limits.labels.<label>", out.label_limits, check);
}

void read_controller_limits(Reader& reader, const YamlNode& limits, Config& out) {
  const auto later = [](const std::string&, Position) {};  // the controllers are not read yet
  read_groups(reader, limits, "controllers", "footman: 20", "limits.controllers.<controller>",
              out.controller_limits, later);
}

void read_tls(Reader& reader, const YamlNode& root, Config& out) {
  const auto* tls = reader.section(root, "tls", "tls");
  if (tls == nullptr) return;
  reader.get(*tls, "certificate", out.tls_certificate);
  reader.get(*tls, "key", out.tls_key);
  reader.get(*tls, "ca", out.tls_ca);
  if (out.tls_certificate.empty() != out.tls_key.empty())
    reader.error(tls->at, "certificate and key belong together");
}

void read_session(Reader& reader, const YamlNode& root, Config& out) {
  const auto* session = reader.section(root, "session", "session");
  if (session == nullptr) return;
  reader.get(*session, "heartbeat", out.heartbeat);
  reader.get(*session, "lease", out.lease);
  reader.get(*session, "orphan_timeout", out.orphan_timeout);
  if (out.heartbeat < kMinHeartbeat || out.heartbeat > kMaxHeartbeat)
    reader.error(session->at, fmt::format("heartbeat must be between {}ms and {}s", kMinHeartbeat / 1ms,
                                          kMaxHeartbeat / 1s));
  if (out.lease < 3 * out.heartbeat) reader.error(session->at, "lease must be at least three heartbeats");
  if (out.orphan_timeout <= out.lease)
    reader.error(session->at, "orphan_timeout must be longer than the lease");
}

void read_limits(Reader& reader, const YamlNode& root, Config& out) {
  const auto* limits = reader.section(root, "limits", "limits");
  if (limits == nullptr) return;
  reader.get(*limits, "agents", out.limits.agents);
  read_label_limits(reader, *limits, out);
  read_controller_limits(reader, *limits, out);
  read_resources(reader, *limits, out.limits);
  reader.get(*limits, "log_bytes", out.log_bytes);
  reader.get(*limits, "build_timeout", out.build_timeout);
  reader.get(*limits, "queue_items", out.queue_items);
  reader.get(*limits, "request_bytes", out.request_bytes);
  reader.check_least(*limits, "log_bytes", out.log_bytes, kLeastLogBytes, format_bytes(kLeastLogBytes));
  reader.check_least(*limits, "build_timeout", out.build_timeout, kLeastBuildTimeout,
                     format_duration(kLeastBuildTimeout));
  reader.check_least(*limits, "queue_items", out.queue_items, std::uint32_t{1}, "1");
  reader.check_least(*limits, "request_bytes", out.request_bytes, kLeastRequestBytes,
                     format_bytes(kLeastRequestBytes));
}

}  // namespace

void read_server(Reader& reader, const YamlNode& root, Config& out) {
  reader.get(root, "listen", out.listen);
  check_listen(reader, root, "listen", out.listen);
  reader.get(root, "agent_listen", out.agent_listen);
  check_listen(reader, root, "agent_listen", out.agent_listen);
  reader.get(root, "data", out.data);
  read_hosts(reader, root, out.hosts);
  read_address(reader, root, out.address);
  read_tls(reader, root, out);
  read_session(reader, root, out);
  read_limits(reader, root, out);
  if (const auto* retention = reader.section(root, "retention", "retention"))
    reader.get(*retention, "builds", out.keep_builds);
  if (const auto* launch = reader.section(root, "launch", "launch")) {
    reader.get(*launch, "deadline", out.launch_deadline);
    reader.check_least(*launch, "deadline", out.launch_deadline, kLeastLaunchDeadline,
                       format_duration(kLeastLaunchDeadline));
  }
}

}  // namespace footman::config
