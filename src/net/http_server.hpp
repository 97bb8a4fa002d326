// The HTTP/1.1 server: plain, TLS and WebSocket upgrades. Connections live on the net executor, handlers run
// on the handler executor (both single-threaded; they may be the same).
#pragma once

#include <cstddef>
#include <memory>

#include "base/log.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/strangers.hpp"
#include "net/tcp.hpp"
#include "net/tls.hpp"
#include "runtime/clock.hpp"

namespace footman::net {

// At a limit the client gets 4xx with {"error":{"code","message"}} where a status can still be sent, else the
// connection ends.
struct HttpServerLimits {
  std::size_t target_bytes = 8 * 1024;       // 414
  std::size_t header_bytes = 32 * 1024;      // request line and headers together: 431
  std::size_t header_count = 100;            // 431
  std::size_t body_bytes = 8 * 1024 * 1024;  // 413
  // Of all requests under way together, until each is answered: 503, and the client comes again.
  std::size_t all_bodies_bytes = 64 * 1024 * 1024;
  // At this the connection gives way that has been idle for longest, else the stranger's that has been
  // sending its request for longest; where there is none, the new one is closed at once.
  std::size_t connections = 16'000;
  // Of who has not proved who he is (HttpResponse::known_client, or what speaks WebSocket says so). While a
  // request of his is handled he does not give way.
  StrangerLimits strangers;
  base::Duration handshake = std::chrono::seconds(10);
  base::Duration header = std::chrono::seconds(10);  // from the first byte to the last of the head: 408
  base::Duration body = std::chrono::seconds(60);    // for the whole body: 408
  base::Duration idle = std::chrono::seconds(75);    // between requests: closed
  base::Duration write = std::chrono::seconds(30);   // without progress: closed
  base::Duration stop = std::chrono::seconds(5);     // stop() waits that long for running requests
};

struct HttpServerCounts {
  std::size_t connections = 0;  // open, with upgraded ones
  std::size_t upgraded = 0;     // open WebSockets
  std::uint64_t requests = 0;   // since the start
  std::uint64_t refused =
      0;  // answered by the server itself or the gate, or closed at a limit of connections
};

// Handlers: an exception is a 500 without details (logged). HEAD is handled as GET's answer without body: the
// handler sees "HEAD". A handler may take as long as it likes; when the client is gone a streaming body is
// cancelled at its next wait, on the handler executor. Bodies of requests are read whole before the handler
// runs, and after the gate has let the request in.
class HttpServer {
 public:
  // The clock and the metrics outlive the server. No gate: every body is read.
  HttpServer(runtime::Executor net, runtime::Executor handlers, HttpHandler handler, HttpServerLimits limits,
             runtime::Clock& clock, base::Logger log, HttpGate gate = {}, base::Metrics* metrics = nullptr);
  ~HttpServer();  // join() must have returned, or the executors must run no more
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Net executor (or before it runs). Any number of listeners. `tls` may be null.
  void serve(std::unique_ptr<Listener> listener, TlsServerContextPtr tls);
  // Net executor. New connections are refused, idle ones closed, running requests get `limits.stop` to finish
  // (their answers say "Connection: close"), streaming bodies and WebSockets are ended at once. Safe to
  // repeat.
  void stop();
  // Net executor. Returns when everything has ended; call stop() before.
  runtime::Awaitable<void> join();

  HttpServerCounts counts() const;  // any thread

  struct State;  // shared with the connections; of the implementation

 private:
  std::shared_ptr<State> state_;
};

// {"error":{"code":"…","message":"…"}}
HttpResponse make_error_response(int status, std::string_view code, std::string_view message);
std::string_view status_text(int status);  // 404 -> "Not Found"

}  // namespace footman::net
