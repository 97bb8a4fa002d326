// Answers as bytes. For use inside net only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/http.hpp"
#include "net/http_head.hpp"

namespace footman::net {

enum class BodyKind { length, chunked, until_close, none };

// Status line and headers with the empty line. Line breaks in header values become spaces; framing headers of
// the handler are dropped: they are ours.
std::string format_response_head(const HttpResponse& response, BodyKind kind, std::uint64_t length,
                                 bool keep_alive, base::Instant now);
std::string format_chunk(std::string_view bytes);
HttpResponse make_problem_response(const HttpProblem& problem);

struct UpgradeAnswer {
  std::string accept_key;              // when valid
  std::optional<HttpProblem> problem;  // when not
};
UpgradeAnswer check_websocket_upgrade(const HttpRequest& request);

}  // namespace footman::net
