// Connections to the server over the real network: WebSocket on the HTTP port, or TLS on the agent port.
#pragma once

#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"

namespace footman::agent::real {

struct ConnectorConfig {
  net::Url url;  // ws, wss, http, https, tcp
  std::optional<net::Endpoint> tunnel;
  std::string ca_pem;      // empty: the system's authorities
  bool system_ca = false;  // these are trusted besides ca_pem
  std::string public_key_sha256;
  net::ProxyEnvironment proxies;
};

class NetConnector final : public Connector {
 public:
  // The clock and rng outlive it and its streams.
  NetConnector(runtime::Executor executor, runtime::Clock& clock, runtime::Rng& rng, ConnectorConfig config);

  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect() override;

 private:
  base::Result<net::TlsClientContextPtr> tls();
  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_agent_port(
      std::optional<net::Proxy> proxy);
  runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_http_port(std::optional<net::Proxy> proxy);

  runtime::Executor executor_;
  runtime::Clock& clock_;
  runtime::Rng& rng_;
  ConnectorConfig config_;
  net::TlsClientContextPtr tls_;  // made at the first connection
};

// Where the server of this URL takes agents: "/base/" -> "/base/agent/v1".
std::string websocket_path(std::string_view url_path);

}  // namespace footman::agent::real
