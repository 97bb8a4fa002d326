// Which proxy a URL goes through, from the values of the environment; and the tunnel through it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"
#include "runtime/clock.hpp"

namespace footman::net {

// Values of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; empty when not set.
struct ProxyEnvironment {
  std::string http_proxy;
  std::string https_proxy;
  std::string all_proxy;
  std::string no_proxy;
};
// `get` answers like getenv. The lower-case name wins, as with curl.
ProxyEnvironment read_proxy_environment(const std::function<const char*(const char*)>& get);

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  base::Secret authorization;  // "Basic …" for Proxy-Authorization, or empty
};
// Pure. https and wss use HTTPS_PROXY, http and ws HTTP_PROXY, tcp ALL_PROXY only; NO_PROXY holds host names,
// domains (".example.org" or "example.org"), addresses, CIDR ranges, "host:port" and "*". Loopback is never
// proxied. An error when the value is not "[http://][user:password@]host[:port]".
base::Result<std::optional<Proxy>> choose_proxy(const Url& url, const ProxyEnvironment& environment);

// A stream to host:port: direct, or by CONNECT through the proxy. Executor: `executor`. The clock outlives
// it.
runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_through(runtime::Executor executor,
                                                                         runtime::Clock& clock,
                                                                         std::optional<Proxy> proxy,
                                                                         std::string host, std::uint16_t port,
                                                                         base::Duration timeout);

}  // namespace footman::net
