#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.hpp"
#include "base/number.hpp"
#include "config/own_machine.hpp"
#include "config/sections.hpp"

namespace footman::config {

Authority split_authority(std::string_view address) {
  if (const auto scheme = address.find("://"); scheme != std::string_view::npos)
    address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find_first_of("/?#"));
  Authority out;
  auto bracket = address.starts_with('[') ? address.find(']') : std::string_view::npos;
  // "[::1]x:1": no address, nor a name.
  if (bracket < address.size() && bracket + 1 < address.size() && address[bracket + 1] != ':')
    bracket = std::string_view::npos;
  const auto colon = address.find(':', bracket == std::string_view::npos ? 0 : bracket);
  out.is_bracketed = bracket != std::string_view::npos;
  out.host = !out.is_bracketed ? address.substr(0, colon) : address.substr(1, bracket - 1);
  if (colon != std::string_view::npos) out.port = address.substr(colon + 1);
  return out;
}

std::string_view host_of(std::string_view address) { return split_authority(address).host; }

bool is_host_of(const Authority& authority) {
  return authority.is_bracketed ? base::is_ipv6(authority.host) : base::is_host_name(authority.host);
}

bool is_port(std::string_view text) { return base::find_number<std::uint16_t>(text).value_or(0) != 0; }

void check_tunnel(Reader& reader, const std::string& tunnel, Position at) {
  const auto authority = split_authority(tunnel);
  const auto& [host, port, is_bracketed] = authority;
  const bool bare = tunnel.find_first_of("/?#@") == std::string::npos;
  if (!bare || host.empty() || !port || !is_port(*port))
    reader.error(at, fmt::format("'tunnel': a host and a port from 1 to 65535 were expected, like "
                                 "lb.example.com:443; found '{}'",
                                 tunnel));
  else if (!is_host_of(authority))
    reader.error(at, fmt::format("'tunnel': a name of DNS or an address was expected before the port, like "
                                 "lb.example.com:443 or [2001:db8::1]:443; found '{}'",
                                 host));
}

namespace {

bool is_loopback(std::string_view address) { return base::is_loopback_host(host_of(address)); }

// is_own: it stands at this place; else it is inherited, and its form was checked where it stands.
void check_url(Reader& reader, const std::string& url, bool is_own, bool insecure, Position at) {
  const bool plain = url.starts_with("ws://") || url.starts_with("http://");
  const bool known =
      plain || url.starts_with("wss://") || url.starts_with("https://") || url.starts_with("tcp://");
  if (is_own && (!known || host_of(url).empty()))
    reader.error(at,
                 "'agent_url': a URL was expected, like wss://ci.example.com or tcp://ci.example.com:50000");
  else if (is_own && url.substr(0, url.find('/', url.find("://") + 3)).contains('@'))
    reader.error(at, "'agent_url': a URL with a user name or password in it is not accepted by agents");
  else if (const auto port = split_authority(url).port; is_own && port && !is_port(*port))
    reader.error(at,
                 fmt::format("'agent_url': a port from 1 to 65535 was expected after the host, or none, like "
                             "wss://ci.example.com:8443; found '{}'",
                             *port));
  else if (is_own && !is_host_of(split_authority(url)))
    reader.error(at, fmt::format("'agent_url': a name of DNS or an address was expected after {}, like "
                                 "wss://ci.example.com or wss://[2001:db8::1]; found '{}'",
                                 url.substr(0, url.find("://") + 3), host_of(url)));
  else if (is_own && !std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127; }))
    reader.error(
        at, "'agent_url': a URL has no spaces and no letters beyond ASCII: write them as %20 and the like");
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
  if (out.tunnel && map.find("tunnel") != nullptr) check_tunnel(reader, *out.tunnel, map.place_of("tunnel"));
  if (!out.agent_url) return;
  check_url(reader, *out.agent_url, map.find("agent_url") != nullptr, out.insecure.value_or(false),
            map.place_of("agent_url"));
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
