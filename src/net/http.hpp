// HTTP/1.1 as values: what a handler gets and gives. The server and the client that move them are in
// net/http_server.hpp and net/http_client.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/awaitable.hpp"
#include "runtime/stream.hpp"

namespace footman::net {

// Header names compare without case. Order is kept.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view value_or(std::string_view name, std::string_view fallback) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method;
  std::string target;  // "/api/v1/builds?limit=5"; of an absolute one what follows the host
  std::string
      path;  // percent-decoded, without the query: "/api/v1/builds"; "%2F" inside a segment stays encoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  Headers headers;
  std::string body;  // whole; bounded by HttpServerLimits::body_bytes and what the gate says
  std::string peer;  // "127.0.0.1:40312"
  bool tls = false;

  std::optional<std::string_view> find_query(std::string_view name) const;
};

// Sends a body piece by piece. Callable on the handler's executor; waits until the piece went out (back
// pressure). An error means that the client is gone: stop.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual runtime::Awaitable<base::Status> write(std::string bytes) = 0;
};
using StreamBody = std::function<runtime::Awaitable<void>(std::shared_ptr<BodyWriter>)>;

// Called on the server's net executor with the upgraded connection as a stream of bytes (binary messages,
// chunk borders dropped). The connection closes when the coroutine ends. It counts as a stranger's until
// `known` is called, on the net executor and while the coroutine runs.
using UpgradeToWebSocket =
    std::function<runtime::Awaitable<void>(runtime::ByteStreamPtr, std::function<void()> known)>;

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
  StreamBody stream;           // when set, `body` is unused and the answer is chunked
  UpgradeToWebSocket upgrade;  // when set: 101, if the request was a valid WebSocket upgrade, else 400
  bool known_client = false;   // the request proved who it is from: its connection is no stranger's any more
};

// Runs on the executor given to the server. An exception becomes a 500 without details.
using HttpHandler = std::function<runtime::Awaitable<HttpResponse>(std::shared_ptr<const HttpRequest>)>;

// Looks at the head of a request that has a body, before anything of the body is kept: how many bytes it may
// have (kAnyBody: what the server's limits say), or the answer to a request that is refused. On the handlers'
// executor.
inline constexpr std::size_t kAnyBody = SIZE_MAX;
using GateAnswer = std::expected<std::size_t, HttpResponse>;
using HttpGate = std::function<GateAnswer(const HttpRequest& head)>;

std::string percent_encode(std::string_view text);  // everything but unreserved characters
base::Result<std::string> percent_decode(std::string_view text);

// "Sun, 06 Nov 1994 08:49:37 GMT", as all servers of today send it (RFC 9110, section 5.6.7).
std::string format_http_date(base::Instant instant);
base::Result<base::Instant> parse_http_date(std::string_view text);

// "https://host:8443/base" taken apart. scheme: http, https, ws, wss, tcp. IPv6 hosts without brackets.
struct Url {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;  // filled in from the scheme when absent
  std::string path;        // "/" when absent, with the query
  std::string str() const;
  std::string authority() const;  // host and port, as the Host header has them
};
base::Result<Url> parse_url(std::string_view text);

}  // namespace footman::net
