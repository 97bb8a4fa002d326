// The HTTP/1.1 client: keep-alive, TLS, proxies, whole or streaming bodies. No redirects, no cookies.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/tls.hpp"
#include "runtime/clock.hpp"

namespace footman::net {

struct HttpClientConfig {
  TlsClientContextPtr tls;  // null: made with the system's authorities at the first https request
  ProxyEnvironment proxies;
  std::string user_agent = "footman";
  base::Duration connect = std::chrono::seconds(10);     // TCP, proxy and TLS together
  base::Duration first_byte = std::chrono::seconds(60);  // from the request sent to the answer's head
  base::Duration idle = std::chrono::seconds(60);        // between two pieces of a body, and for writing
  base::Duration whole{0};                               // of request(), from its begin on; 0: no limit
  std::size_t body_bytes = 64 * 1024 * 1024;             // of a whole answer; streams have no limit
  std::size_t header_bytes = 64 * 1024;
  std::size_t idle_connections = 1;  // kept for each scheme, host and port
  // Longer ones are not used again: routers and load balancers forget idle connections without a word.
  base::Duration idle_age = std::chrono::seconds(60);
};

struct HttpClientRequest {
  std::string method = "GET";
  Url url;  // http or https
  Headers headers;
  std::string body;
  std::optional<base::Duration> first_byte;  // instead of the config's, for this request
  std::optional<base::Duration> idle;        // 0: no limit
  std::optional<std::size_t> body_bytes;     // of the whole answer
};

struct HttpClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// An answer whose body arrives piece by piece: server-sent events, followed logs. Destroying it early ends
// its connection.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  // 1…max bytes, or "" at the complete end. An end before the promised length is an error.
  virtual runtime::Awaitable<base::Result<std::string>> read(std::size_t max) = 0;
  virtual void close() noexcept = 0;
};

// All calls on its executor. Requests may run at the same time; idle connections are kept for the next ones.
// Errors: unavailable (not reachable), timeout, unauthenticated (TLS), corrupt (not HTTP), resource_exhausted
// (limit). A status such as 404 is not an error. A GET, HEAD, PUT or DELETE on a kept connection that turns
// out to be dead is repeated once on a new one; a POST is not.
class HttpClient {
 public:
  HttpClient(runtime::Executor executor, runtime::Clock& clock, HttpClientConfig config);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  runtime::Awaitable<base::Result<HttpClientResponse>> request(HttpClientRequest request);
  runtime::Awaitable<base::Result<std::unique_ptr<HttpBody>>> open(HttpClientRequest request);
  void close_idle();

  struct State;  // shared with the answers; of the implementation

 private:
  std::shared_ptr<State> state_;
};

}  // namespace footman::net
