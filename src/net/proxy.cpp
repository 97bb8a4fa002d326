#include "net/proxy.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/address.hpp"
#include "base/digest.hpp"
#include "base/number.hpp"
#include "net/head_io.hpp"
#include "net/tcp.hpp"
#include "net/text.hpp"

namespace footman::net {
namespace {

struct Address {
  std::array<unsigned char, 16> bytes{};
  int bits = 0;  // 32 or 128; 0: not an address
};

Address parse_address(const std::string& text) {
  Address address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
  } else if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
  }
  return address;
}

bool in_range(const Address& address, std::string_view range) {
  const auto slash = range.find('/');
  const auto network = parse_address(std::string(range.substr(0, slash)));
  if (network.bits == 0 || network.bits != address.bits) return false;
  int prefix = network.bits;
  if (slash != std::string_view::npos) {
    prefix = base::find_number<int>(range.substr(slash + 1)).value_or(-1);
    if (prefix < 0 || prefix > network.bits) return false;
  }
  for (int bit = 0; bit < prefix; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80 >> (bit % 8));
    const auto at = static_cast<std::size_t>(bit / 8);
    if ((address.bytes[at] & mask) != (network.bytes[at] & mask)) return false;
  }
  return true;
}

bool matches_name(std::string_view host, std::string_view pattern) {
  if (pattern.starts_with("*.")) pattern.remove_prefix(1);
  if (pattern.starts_with('.')) pattern.remove_prefix(1);
  if (pattern.empty() || host.size() < pattern.size()) return false;
  if (!equal_ignoring_case(host.substr(host.size() - pattern.size()), pattern)) return false;
  return host.size() == pattern.size() || host[host.size() - pattern.size() - 1] == '.';
}

bool is_exempt(const Url& url, std::string_view no_proxy) {
  if (base::is_loopback_host(url.host)) return true;
  const auto address = parse_address(url.host);
  std::string_view part;
  while (take_part(no_proxy, ',', part)) {
    auto entry = trim(part);
    if (entry == "*") return true;
    if (address.bits != 0 && in_range(address, entry)) return true;
    std::string_view port;
    if (const auto end = entry.find(']'); entry.starts_with('[') && end != std::string_view::npos) {
      port = entry.substr(end + 1);
      entry = entry.substr(1, end - 1);
    } else if (const auto colon = entry.find(':');
               colon != std::string_view::npos && colon == entry.rfind(':')) {
      port = entry.substr(colon);
      entry = entry.substr(0, colon);
    }
    if (!port.empty() && port != ":" + std::to_string(url.port)) continue;
    if (address.bits != 0 ? in_range(address, entry) : matches_name(url.host, entry)) return true;
  }
  return false;
}

base::Result<Proxy> parse_proxy(std::string_view text) {
  const auto bad = [](std::string_view why) {  // without the value: it may hold a password
    return base::fail(base::Errc::invalid_argument, fmt::format("the proxy setting is not usable: {}", why),
                      {}, "Write it like http://proxy.example.org:3128.");
  };
  if (const auto colon = text.find("://"); colon != std::string_view::npos) {
    if (!equal_ignoring_case(text.substr(0, colon), "http")) return bad("only http proxies are supported");
    text.remove_prefix(colon + 3);
  }
  text = text.substr(0, text.find('/'));
  Proxy proxy;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto user = percent_decode(text.substr(0, at));
    if (!user) return bad("the user name or password");
    proxy.authorization = base::Secret("Basic " + base::to_base64(*user));
    text.remove_prefix(at + 1);
  }
  const auto url = parse_url("http://" + std::string(text));
  if (!url) return bad("the host or the port");
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with(']');
  proxy.host = url->host;
  proxy.port = has_port ? url->port : 3128;
  return proxy;
}

std::string either(const std::function<const char*(const char*)>& get, const char* first,
                   const char* second) {
  for (const char* name : {first, second}) {
    if (const char* value = get(name); value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

ProxyEnvironment read_proxy_environment(const std::function<const char*(const char*)>& get) {
  return {either(get, "http_proxy", "HTTP_PROXY"), either(get, "https_proxy", "HTTPS_PROXY"),
          either(get, "all_proxy", "ALL_PROXY"), either(get, "no_proxy", "NO_PROXY")};
}

base::Result<std::optional<Proxy>> choose_proxy(const Url& url, const ProxyEnvironment& environment) {
  std::string_view setting = environment.all_proxy;
  const bool secure = url.scheme == "https" || url.scheme == "wss";
  const bool plain = url.scheme == "http" || url.scheme == "ws";
  if (secure && !environment.https_proxy.empty()) setting = environment.https_proxy;
  if (plain && !environment.http_proxy.empty()) setting = environment.http_proxy;
  if (setting.empty() || is_exempt(url, environment.no_proxy)) return std::nullopt;
  FOOTMAN_TRY(auto proxy, parse_proxy(setting));
  return proxy;
}

namespace {

runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> open_tunnel(runtime::ByteStreamPtr stream,
                                                                     std::string authorization,
                                                                     std::string target,
                                                                     std::string proxy_name) {
  std::string request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target);
  if (!authorization.empty()) request += "Proxy-Authorization: " + authorization + "\r\n";
  base::wipe(authorization);
  request += "\r\n";
  FOOTMAN_CO_TRY_STATUS(co_await stream->write(std::move(request)));
  std::string rest;
  auto head = co_await read_response_head(stream.get(), &rest, kMaxUpgradeHeadBytes);
  if (!head) co_return std::unexpected(head.error());
  if (head->status < 200 || head->status > 299) {
    co_return base::fail(base::Errc::unavailable, fmt::format("the proxy {} answered {} to a tunnel to {}",
                                                              proxy_name, head->status, target));
  }
  if (!rest.empty())
    co_return base::fail(base::Errc::corrupt, "the proxy sent bytes before the tunnel was used");
  co_return std::move(stream);
}

}  // namespace

runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_through(runtime::Executor executor,
                                                                         runtime::Clock& clock,
                                                                         std::optional<Proxy> proxy,
                                                                         std::string host, std::uint16_t port,
                                                                         base::Duration timeout) {
  if (!proxy) co_return co_await connect_tcp(executor, clock, std::move(host), port, timeout);
  const auto until = clock.steady() + timeout;
  auto stream = co_await connect_tcp(executor, clock, proxy->host, proxy->port, timeout);
  if (!stream) {
    stream.error().message = "proxy: " + stream.error().message;
    co_return std::unexpected(stream.error());
  }
  const Deadline deadline(clock, executor, until - clock.steady(),
                          [inner = stream->get()] { inner->close(); });
  const Endpoint target{std::move(host), port};
  const auto name = Endpoint{proxy->host, proxy->port}.str();
  auto tunnel = co_await open_tunnel(std::move(*stream), std::string(proxy->authorization.expose()),
                                     target.str(), name);
  if (deadline.passed())
    co_return base::fail(base::Errc::timeout, "the proxy " + name + " did not answer in time");
  co_return tunnel;
}

}  // namespace footman::net
