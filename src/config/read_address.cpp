#include <fmt/format.h>

#include "base/address.hpp"
#include "config/own_machine.hpp"
#include "config/sections.hpp"

namespace footman::config {
namespace {

// "wss://ci.example.com:8443/x" -> "ci.example.com"; IPv6 without brackets.
std::string_view host_of(std::string_view address) {
  if (const auto scheme = address.find("://"); scheme != std::string_view::npos)
    address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find_first_of("/?#"));
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  return address.substr(0, address.rfind(':'));
}

bool is_loopback(std::string_view address) { return base::is_loopback_host(host_of(address)); }

void check_url(Reader& reader, const std::string& url, bool insecure, Position at) {
  const bool plain = url.starts_with("ws://") || url.starts_with("http://");
  const bool known =
      plain || url.starts_with("wss://") || url.starts_with("https://") || url.starts_with("tcp://");
  if (!known || host_of(url).empty())
    reader.error(at,
                 "'agent_url': a URL was expected, like wss://ci.example.com or tcp://ci.example.com:50000");
  else if (url.substr(0, url.find('/', url.find("://") + 3)).contains('@'))
    reader.error(at, "'agent_url': a URL with a user name or password in it is not accepted by agents");
  else if (plain && !insecure && !is_loopback(url))
    reader.error(at, "'agent_url': a connection without TLS beyond this machine needs 'insecure: true'");
}

}  // namespace

void read_address(Reader& reader, const YamlNode& map, AgentAddress& out) {
  if (map.find("agent_url") != nullptr) reader.get(map, "agent_url", out.agent_url.emplace());
  if (map.find("tunnel") != nullptr) reader.get(map, "tunnel", out.tunnel.emplace());
  if (map.find("insecure") != nullptr) reader.get(map, "insecure", out.insecure.emplace(false));
  Connect connect = Connect::websocket;
  reader.get_parsed(
      map, "connect", connect,
      [](const std::string& t) -> std::optional<Connect> {
        if (t == "websocket") return Connect::websocket;
        if (t == "tcp") return Connect::tcp;
        return std::nullopt;
      },
      "websocket or tcp");
  if (map.find("connect") != nullptr) out.connect = connect;
  if (!out.agent_url) return;
  check_url(reader, *out.agent_url, out.insecure.value_or(false), map.place_of("agent_url"));
  if (out.agent_url->starts_with("tcp://") && out.connect == Connect::websocket)
    reader.error(map.place_of(map.find("connect") != nullptr ? "connect" : "agent_url"),
                 fmt::format("agent_url is {}, and connect is websocket: say 'connect: tcp', or an agent_url "
                             "that begins with wss://",
                             *out.agent_url));
}

std::optional<std::string> find_loopback(const AgentAddress& address, const Config& server) {
  if (address.tunnel) {
    if (!is_own_machine(host_of(*address.tunnel))) return std::nullopt;
    return fmt::format("tunnel is {}, which is each machine itself", *address.tunnel);
  }
  if (address.agent_url) {
    if (!is_own_machine(host_of(*address.agent_url))) return std::nullopt;
    return fmt::format("agent_url is {}, which is each machine itself", *address.agent_url);
  }
  const bool tcp = address.connect == Connect::tcp;
  const auto& listen = tcp ? server.agent_listen : server.listen;
  const auto host = host_of(listen);
  const auto* key = tcp ? "agent_listen" : "listen";
  if (host == "0.0.0.0" || host == "::")
    return fmt::format("{} is {}, which is no address to connect to", key, listen);
  if (is_own_machine(host)) return fmt::format("{} is {}, which only this machine reaches", key, listen);
  return std::nullopt;
}

}  // namespace footman::config
