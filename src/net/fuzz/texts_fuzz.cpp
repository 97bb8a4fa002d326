// URLs, endpoints, percent coding, proxy settings, first bytes and server-sent events.
// Input: one byte (which parser; for events also how it is cut), then the text.
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/sniff.hpp"
#include "net/sse.hpp"
#include "net/tcp.hpp"

using namespace footman::net;

namespace {

void fuzz_url(const std::string& text) {
  const auto url = parse_url(text);
  if (!url) return;
  const auto again = parse_url(url->str());
  FOOTMAN_CHECK(again && again->str() == url->str() && again->host == url->host && again->port == url->port &&
                    again->path == url->path,
                "a URL changes when it is written and read");
  (void)choose_proxy(*url, {text, text, text, text});
  (void)choose_proxy(*url, {"p", "p", "p", text});
}

void fuzz_small(const std::string& text) {
  FOOTMAN_CHECK(percent_decode(percent_encode(text)) == text, "percent coding");
  (void)percent_decode(text);
  if (const auto date = parse_http_date(text); date && text.find(":60 ") == std::string::npos)
    FOOTMAN_CHECK(format_http_date(*date) == text, "a date changes when it is read and written");
  if (const auto endpoint = parse_endpoint(text))
    FOOTMAN_CHECK(parse_endpoint(endpoint->str()) == *endpoint, "endpoint");
  (void)choose_proxy({"http", "example.org", 80, "/"}, {text, {}, {}, {}});
  const auto all = sniff_protocol(text);
  for (std::size_t size = 0; size < text.size() && size < 20; ++size) {
    const auto some = sniff_protocol(std::string_view(text).substr(0, size));
    FOOTMAN_CHECK(some == SniffedProtocol::need_more || some == all, "more bytes change a decision");
  }
  FOOTMAN_CHECK(text.size() < 16 || all != SniffedProtocol::need_more, "16 bytes decide");
}

std::vector<SseEvent> parse_events(const std::string& text, std::size_t piece, bool* failed) {
  SseParser parser(1000);
  std::vector<SseEvent> events;
  for (std::size_t at = 0; at < text.size() && !*failed; at += piece) {
    const auto some = parser.feed(std::string_view(text).substr(at, piece));
    if (some) events.insert(events.end(), some->begin(), some->end());
    *failed = !some;
  }
  return events;
}

void fuzz_events(const std::string& text, std::size_t piece) {
  bool whole_failed = false;
  bool cut_failed = false;
  const auto whole = parse_events(text, text.size() + 1, &whole_failed);
  const auto cut = parse_events(text, piece, &cut_failed);
  FOOTMAN_CHECK(whole_failed == cut_failed, "a split changes whether it is refused");
  if (whole_failed) return;
  FOOTMAN_CHECK(whole == cut, "a split changes the events");
  std::string again;
  for (const auto& event : whole) again += format_sse(event);
  bool failed = false;
  if (again.size() < 1000)
    FOOTMAN_CHECK(parse_events(again, 1'000'000, &failed) == whole, "events change when written and read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3) {
    case 0:
      fuzz_url(text);
      break;
    case 1:
      fuzz_small(text);
      break;
    default:
      fuzz_events(text, 1 + (data[0] >> 2));
      break;
  }
  return 0;
}
