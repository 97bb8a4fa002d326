// Heads and chunked bodies of HTTP/1.1 messages, sans-IO and strict: what two parsers could read differently
// is refused (bare LF, folded lines, spaces before the colon, both lengths, unknown transfer codings),
// because that is how requests are smuggled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace footman::net {

// Why a message was refused: the status for a server to answer with.
struct HttpProblem {
  int status = 400;
  std::string message;
};
template <class T>
using HttpParsed = std::expected<T, HttpProblem>;

struct HttpHeadLimits {
  std::size_t target_bytes = 8 * 1024;
  std::size_t header_bytes = 32 * 1024;
  std::size_t header_count = 100;
};

struct HttpFraming {
  bool chunked = false;
  std::optional<std::uint64_t> length;  // Content-Length
  bool keep_alive = true;
};

struct RequestHead {
  HttpRequest request;  // without body
  HttpFraming framing;
  bool expect_continue = false;
  bool http_1_0 = false;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  HttpFraming framing;
};

// The size of the head with its empty line, or nothing if it is not complete. Looks from `from` on (a few
// bytes before what is new), so that slow senders cost no quadratic time.
std::optional<std::size_t> find_head_end(std::string_view bytes, std::size_t from);
// A head that is still incomplete but can never become good (wrong method, line too long, bare LF).
// `from`: what was looked at before.
std::optional<HttpProblem> check_partial_head(std::string_view bytes, std::size_t from,
                                              const HttpHeadLimits& limits);

HttpParsed<RequestHead> parse_request_head(std::string_view head, const HttpHeadLimits& limits);
HttpParsed<ResponseHead> parse_response_head(std::string_view head, const HttpHeadLimits& limits);

// A chunked body in any split.
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t used = 0;  // of the input
    std::size_t data = 0;  // body bytes now at the front of the buffer
  };
  // Takes what it can, compacts the body bytes to the front. Stops at the end of the body: what is after
  // `used` belongs to the next message.
  HttpParsed<Step> decode(char* bytes, std::size_t size);
  bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    end_lf,
    done
  };
  HttpParsed<void> take(char c);
  State state_ = State::size;
  std::uint64_t left_ = 0;
  std::size_t digits_ = 0;
  std::size_t overhead_ = 0;  // bytes of extensions and trailers: bounded
};

// Splits the target: path (decoded, "%2F" kept) and query. An error names what is wrong.
base::Result<void> split_target(HttpRequest& request);

}  // namespace footman::net
