// WebSocket connections as ByteStreams: binary messages, chunk borders dropped.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "net/websocket_frame.hpp"
#include "runtime/clock.hpp"
#include "runtime/rng.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

// A stream over an upgraded connection. read() answers pings and gives "" after an orderly close of the other
// side (1000, 1001 or without a code); a violation is answered with its close code and is an error. close()
// sends a close frame if that can be done at once. `rng` gives mask keys, is used by clients only (may be
// null for servers) and must outlive the stream.
runtime::ByteStreamPtr make_websocket_stream(runtime::ByteStreamPtr lower, WebSocketRole role,
                                             runtime::Rng* rng);

struct WebSocketConnect {
  Url url;                  // ws, wss, http or https
  Headers headers;          // Authorization and the like
  TlsClientContextPtr tls;  // needed for wss and https
  std::optional<Proxy> proxy;
  base::Duration timeout = std::chrono::seconds(20);  // for connect, proxy, TLS and upgrade together
  std::optional<Endpoint> address;  // connect to this one instead of the url's: a load balancer
};
// An answer other than 101 is `unavailable` with its status and words: it may come from anything between here
// and the server, so that it says nothing about the server itself. `unauthenticated` is TLS alone. The clock
// and rng outlive the stream.
runtime::Awaitable<base::Result<runtime::ByteStreamPtr>> connect_websocket(runtime::Executor executor,
                                                                           runtime::Clock& clock,
                                                                           runtime::Rng& rng,
                                                                           WebSocketConnect what);

}  // namespace footman::net
