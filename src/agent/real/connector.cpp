#include "agent/real/connector.hpp"

#include <utility>

#include "net/websocket.hpp"
#include "protocol/codec.hpp"

namespace footman::agent::real {

using base::Result;
using runtime::Awaitable;
using runtime::ByteStreamPtr;

namespace {

bool is_secure(const net::Url& url) {
  return url.scheme == "wss" || url.scheme == "https" || url.scheme == "tcp";
}

}  // namespace

std::string websocket_path(std::string_view url_path) {
  auto path = std::string(url_path.substr(0, url_path.find('?')));
  if (path.ends_with(protocol::kWebSocketPath)) return path;
  while (path.ends_with('/')) path.pop_back();
  return path + std::string(protocol::kWebSocketPath);
}

NetConnector::NetConnector(runtime::Executor executor, runtime::Clock& clock, runtime::Rng& rng,
                           ConnectorConfig config)
    : executor_(std::move(executor)), clock_(clock), rng_(rng), config_(std::move(config)) {
  if (config_.url.scheme != "tcp") config_.url.path = websocket_path(config_.url.path);
}

Result<net::TlsClientContextPtr> NetConnector::tls() {
  if (tls_) return tls_;
  net::TlsClientConfig config;
  config.system_store = config_.ca_pem.empty() || config_.system_ca;
  config.ca_pem = config_.ca_pem;
  config.pinned_public_key_sha256 = config_.public_key_sha256;
  FOOTMAN_TRY(tls_, net::create_tls_client_context(config));
  return tls_;
}

Awaitable<Result<ByteStreamPtr>> NetConnector::connect() {
  // With a tunnel it is the tunnel's address that a proxy would have to reach.
  auto target = config_.url;
  if (config_.tunnel) {
    target.host = config_.tunnel->host;
    target.port = config_.tunnel->port;
  }
  FOOTMAN_CO_TRY(auto proxy, net::choose_proxy(target, config_.proxies));
  if (config_.url.scheme == "tcp") co_return co_await connect_agent_port(std::move(proxy));
  co_return co_await connect_http_port(std::move(proxy));
}

Awaitable<Result<ByteStreamPtr>> NetConnector::connect_agent_port(std::optional<net::Proxy> proxy) {
  FOOTMAN_CO_TRY(auto context, tls());
  const auto until = clock_.steady() + kHandshakeTimeout;
  const auto address = config_.tunnel.value_or(net::Endpoint{config_.url.host, config_.url.port});
  FOOTMAN_CO_TRY(auto stream, co_await net::connect_through(executor_, clock_, std::move(proxy), address.host,
                                                            address.port, kHandshakeTimeout));
  co_return co_await net::connect_tls(std::move(stream), std::move(context), config_.url.host, clock_,
                                      until - clock_.steady());
}

Awaitable<Result<ByteStreamPtr>> NetConnector::connect_http_port(std::optional<net::Proxy> proxy) {
  net::WebSocketConnect what;
  what.url = config_.url;
  what.proxy = std::move(proxy);
  what.address = config_.tunnel;
  what.timeout = kHandshakeTimeout;
  if (is_secure(config_.url)) {
    FOOTMAN_CO_TRY(what.tls, tls());
  }
  co_return co_await net::connect_websocket(executor_, clock_, rng_, std::move(what));
}

}  // namespace footman::agent::real
