// How requests reach a Jenkins: over HTTP in the program, a double in tests and simulations.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/http.hpp"
#include "runtime/awaitable.hpp"

namespace footman::jenkins {

struct Request {
  std::string method;  // "GET", "POST"
  std::string path;    // from Jenkins' root on, percent-encoded, with the query: "/queue/api/json?tree=…"
  net::Headers headers;
  std::string body;
  std::optional<std::size_t> most_bytes = {};  // of the answer, where that is less than for others
};

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
};

// All calls on the control executor; several may be under way. Redirects are not followed. Errors: as of
// net::HttpClient (unavailable, timeout, unauthenticated for TLS, corrupt, resource_exhausted).
class Transport {
 public:
  virtual ~Transport() = default;
  virtual runtime::Awaitable<base::Result<Answer>> send(Request request) = 0;
};

}  // namespace footman::jenkins
