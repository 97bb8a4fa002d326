// The API's client (docs/openapi.yaml): one call per operation, answers as JSON, errors as sentences.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cli/json.hpp"
#include "cli/server_access.hpp"
#include "net/http_client.hpp"
#include "runtime/clock.hpp"

namespace footman::cli {

inline constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;  // of one answer; more is an error
inline constexpr std::int64_t kMaxPage = 1000;                    // what the server gives at once
inline constexpr Duration kStreamIdle = 45s;  // a stream that is silent for that long is opened again

// Percent-encoded as needed. Order is kept.
using Query = std::vector<std::pair<std::string, std::string>>;
std::string target_of(const std::string& path, const Query& query);

// Calls on its executor. Errors: unavailable (not reachable, not ready, or not Footman), timeout and io (the
// connection broke: the request may have been done), unauthenticated, not_found, invalid_argument, and what
// else the server says. Nothing is repeated here.
class Client {
 public:
  Client(runtime::Executor executor, runtime::Clock& clock, ServerAccess access,
         net::HttpClientConfig config);

  const ServerAccess& access() const { return access_; }
  std::string url() const;  // "http://127.0.0.1:8080"

  // `path` below /api/v1, already encoded where it must be.
  Awaitable<Result<json::value>> get(std::string path, Query query = {});
  Awaitable<Result<json::value>> post(std::string path, json::value body);
  Awaitable<Result<json::value>> put(std::string path, json::value body);
  Awaitable<Status> remove(std::string path);

  // The field `name` of as many pages as are needed for `limit` things: {"builds": […], "next": "…" when
  // there are more}. `total` and the like are those of the first page.
  Awaitable<Result<json::value>> list(std::string path, std::string name, Query query, std::int64_t limit);

  // Submits a build. The same key makes one build, however often it is sent.
  Awaitable<Result<json::value>> submit(json::value request, std::string idempotency_key);

  // A stream that the server sends as it comes. An answer that is no 2xx is the error it means.
  Awaitable<Result<std::unique_ptr<net::HttpBody>>> open(std::string path, Query query, net::Headers headers);

 private:
  net::HttpClientRequest make_request(std::string method, const std::string& path, const Query& query) const;
  Awaitable<Result<json::value>> call(net::HttpClientRequest request);
  std::string hint_of_trust() const;
  Error explain_transport(Error error) const;
  Result<json::value> read_answer(int status, const net::Headers& headers, const std::string& body) const;
  Error explain_status(int status, const net::Headers& headers, const std::string& body) const;

  runtime::Clock& clock_;
  ServerAccess access_;
  net::HttpClient http_;
};

// The connection broke or the server is away: trying again may help, and does no harm where repeating does
// none.
bool may_try_again(const Error& error);

}  // namespace footman::cli
