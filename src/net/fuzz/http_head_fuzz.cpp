// Request and response heads and chunked bodies. What our strict parser takes, Beast's parser takes too, and
// both see the same method, target and framing: nothing can be smuggled past the one behind the other. Input:
// one byte (bit 0: response, bit 1: chunked body, the rest: how it is cut), then the message.
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "net/http_head.hpp"

using namespace footman::net;
namespace http = boost::beast::http;

namespace {

const HttpHeadLimits kLimits{1000, 8000, 50};

template <bool IsRequest>
void compare_with_beast(const std::string& head, const HttpFraming& framing, const Headers& headers,
                        const std::string& method, const std::string& target) {
  http::parser<IsRequest, http::empty_body> beast;
  beast.header_limit(16'000);
  beast.body_limit(boost::none);
  beast.skip(false);
  boost::system::error_code error;
  beast.put(boost::asio::buffer(head), error);
  // Beast wants lists of words in these; we look for our words only.
  const bool lists =
      headers.find("Connection") || headers.find("Proxy-Connection") || headers.find("Upgrade");
  if (lists && error == http::error::bad_value) return;
  FOOTMAN_CHECK(!error || error == http::error::need_more,
                "Beast refuses what we take: " + error.message() + "\n" + head);
  FOOTMAN_CHECK(beast.is_header_done(), "Beast sees no end of the head");
  FOOTMAN_CHECK(beast.chunked() == framing.chunked, "chunked or not");
  if constexpr (IsRequest) {
    FOOTMAN_CHECK(beast.get().method_string() == method, "the method");
    // Of an absolute one only what follows the host is left.
    const bool is_absolute = !beast.get().target().starts_with('/') && beast.get().target() != "*";
    FOOTMAN_CHECK(is_absolute || beast.get().target() == target, "the target");
  }
  const auto length = beast.content_length();
  if (framing.length) FOOTMAN_CHECK(length && *length == *framing.length, "the length");
}

void fuzz_request(const std::string& bytes) {
  const auto end = find_head_end(bytes, 0);
  if (!end) {
    (void)check_partial_head(bytes, 0, kLimits);
    return;
  }
  const auto head = bytes.substr(0, *end);
  const auto parsed = parse_request_head(head, kLimits);
  if (!parsed) return;
  if (check_partial_head(head, 0, kLimits)) return;  // the server asks this first
  compare_with_beast<true>(head, parsed->framing, parsed->request.headers, parsed->request.method,
                           parsed->request.target);
  for (std::size_t size = 0; size < head.size(); ++size) {
    FOOTMAN_CHECK(!check_partial_head(std::string_view(head).substr(0, size), size / 2, kLimits),
                  "a good head is refused halfway");
  }
}

void fuzz_response(const std::string& bytes) {
  const auto end = find_head_end(bytes, 0);
  if (end) (void)parse_response_head(std::string_view(bytes).substr(0, *end), kLimits);
}

struct Chunks {
  std::string body;
  bool done = false;
  bool refused = false;
  bool operator==(const Chunks&) const = default;
};

Chunks decode(const std::string& bytes, std::size_t piece) {
  ChunkedDecoder decoder;
  Chunks out;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done(); at += piece) {
    auto part = bytes.substr(at, piece);
    const auto step = decoder.decode(part.data(), part.size());
    if (!step) {
      out.refused = true;
      out.body.clear();  // how much came before depends on the split
      return out;
    }
    out.body.append(part, 0, step->data);
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 2) != 0) {
    FOOTMAN_CHECK(decode(bytes, bytes.size() + 1) == decode(bytes, 1 + (data[0] >> 2)),
                  "a split changes the body");
  } else if ((data[0] & 1) != 0) {
    fuzz_response(bytes);
  } else {
    fuzz_request(bytes);
  }
  return 0;
}
