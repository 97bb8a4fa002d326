// Tables for the small parsers: URLs, percent coding, headers, server-sent events, first bytes, endpoints,
// proxies.
#include <doctest/doctest.h>

#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/sniff.hpp"
#include "net/sse.hpp"
#include "net/tcp.hpp"

using namespace footman;
using namespace footman::net;
using namespace std::string_literals;

TEST_CASE("URLs are taken apart and put together") {
  struct Row {
    const char* text;
    const char* again;
    const char* host;
    int port;
    const char* path;
  };
  const Row rows[] = {
      {"https://example.org", "https://example.org/", "example.org", 443, "/"},
      {"HTTP://Example.ORG:8080/a?b=c#d", "http://example.org:8080/a?b=c", "example.org", 8080, "/a?b=c"},
      {"ws://h?x", "ws://h/?x", "h", 80, "/?x"},
      {"wss://[2001:db8::1]:8443/x", "wss://[2001:db8::1]:8443/x", "2001:db8::1", 8443, "/x"},
      {"tcp://agent.example.org", "tcp://agent.example.org/", "agent.example.org", 50000, "/"},
      {"http://127.0.0.1:1", "http://127.0.0.1:1/", "127.0.0.1", 1, "/"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto url = parse_url(row.text);
    REQUIRE(url);
    CHECK(url->str() == row.again);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->path == row.path);
  }
  for (const char* bad : {"", "example.org", "ftp://x", "http://", "http://:80", "http://a:0",
                          "http://a:65536", "http://a:", "http://a:8x", "http://user:pw@a", "http://a b",
                          "http://[::1", "http://[a]", "http://a\n", "http://a_b!c/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad));
  }
}

TEST_CASE("percent coding goes both ways") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_encode("a b/ä~") == "a%20b%2F%C3%A4~");
  for (const char* bad : {"%", "%4", "%zz", "a%f"}) CHECK_FALSE(percent_decode(bad));
}

TEST_CASE("dates of HTTP go both ways") {
  const auto date = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  REQUIRE(date);
  CHECK(base::format_rfc3339(*date) == "1994-11-06T08:49:37.000Z");
  CHECK(format_http_date(*date) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"));
  CHECK(*parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") ==
        *parse_http_date("Sat, 31 Dec 2016 23:59:59 GMT"));
  for (const char* bad :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Wed, 30 Feb 2022 00:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad));
  }
}

TEST_CASE("header names compare without case; set replaces all") {
  Headers headers;
  headers.add("Set-Cookie", "a");
  headers.add("X", "1");
  headers.add("set-cookie", "b");
  CHECK(headers.find("SET-COOKIE") == "a");
  headers.set("Set-cookie", "c");
  CHECK(headers.all().size() == 2);
  CHECK(headers.find("set-cookie") == "c");
  CHECK(headers.value_or("none", "fallback") == "fallback");
}

TEST_CASE("server-sent events survive any split and any line end") {
  const std::vector<SseEvent> events = {
      {"1", "build", "line one\nline two"}, {"", "", ""}, {"2", "", "x", 500}};
  std::string text = format_sse_comment("hello");
  for (const auto& event : events) text += format_sse(event);
  for (const char* line_end : {"\n", "\r\n", "\r"}) {
    std::string other;
    for (const char c : text) other += c == '\n' ? line_end : std::string(1, c);
    for (std::size_t piece = 1; piece < other.size(); ++piece) {
      SseParser parser;
      std::vector<SseEvent> got;
      for (std::size_t at = 0; at < other.size(); at += piece) {
        const auto some = parser.feed(std::string_view(other).substr(at, piece));
        REQUIRE(some);
        got.insert(got.end(), some->begin(), some->end());
      }
      CHECK(got == events);
      CHECK(parser.last_id() == "2");
    }
  }
}

TEST_CASE("server-sent events: odd input") {
  SseParser parser;
  CHECK(parser
            .feed("\xef\xbb\xbf"
                  "data\n\n")
            ->front()
            .data == "");
  CHECK(parser.feed("event: x\n\n")->empty());  // no data, no event
  CHECK(parser.feed("data:a\ndata: b\nfoo: c\n\n")->front().data == "a\nb");
  CHECK(parser.feed("retry: 1x\ndata: c\n\n")->front().retry_ms == std::nullopt);
  CHECK(format_sse({"a\nb", "c\rd", "e\r\nf\rg"}) == "id: ab\nevent: cd\ndata: e\ndata: f\ndata: g\n\n");
  CHECK_FALSE(SseParser(10).feed("data: 0123456789"));
}

TEST_CASE("the first bytes decide the protocol") {
  struct Row {
    std::string bytes;
    SniffedProtocol protocol;
  };
  const Row rows[] = {
      {"", SniffedProtocol::need_more},
      {"\x16", SniffedProtocol::need_more},
      {"\x16\x03", SniffedProtocol::need_more},
      {"\x16\x03\x01", SniffedProtocol::tls},
      {"\x16\x03\x09", SniffedProtocol::unknown},
      {"GE", SniffedProtocol::need_more},
      {"GET /", SniffedProtocol::http},
      {"POST ", SniffedProtocol::http},
      {"GETX ", SniffedProtocol::unknown},
      {"\0"s, SniffedProtocol::need_more},
      {"\0\x14"s, SniffedProtocol::need_more},
      {"\0\x14Proto"s, SniffedProtocol::need_more},
      {"\0\x16Protocol:JNLP4-connect"s, SniffedProtocol::java_remoting},
      {"\0\x14"
       "Proton"s,
       SniffedProtocol::unknown},
      {"SSH-2.0", SniffedProtocol::unknown},
  };
  for (const auto& row : rows) {
    CAPTURE(row.bytes);
    CHECK(to_string(sniff_protocol(row.bytes)) == to_string(row.protocol));
  }
}

TEST_CASE("endpoints") {
  CHECK(parse_endpoint("127.0.0.1:8080") == Endpoint{"127.0.0.1", 8080});
  CHECK(parse_endpoint("[::1]:0")->str() == "[::1]:0");
  CHECK(parse_endpoint("host.example:443")->host == "host.example");
  for (const char* bad : {"", "8080", "127.0.0.1", ":80", "::1:80", "a:b", "a:70000", "a:-1", "[]:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_endpoint(bad));
  }
}

namespace {

std::string chosen(const char* url, const ProxyEnvironment& environment) {
  const auto proxy = choose_proxy(*parse_url(url), environment);
  if (!proxy) return "error";
  return *proxy ? Endpoint{(*proxy)->host, (*proxy)->port}.str() : "direct";
}

}  // namespace

TEST_CASE("which proxy a URL goes through") {
  const ProxyEnvironment both{"http://web:3128", "safe:8443", "",
                              ".internal.example, 10.0.0.0/8, host:8080, [fd00::1], exact"};
  CHECK(chosen("http://example.org", both) == "web:3128");
  CHECK(chosen("ws://example.org", both) == "web:3128");
  CHECK(chosen("https://example.org", both) == "safe:8443");
  CHECK(chosen("wss://example.org", both) == "safe:8443");
  CHECK(chosen("tcp://example.org", both) == "direct");
  CHECK(chosen("https://a.internal.example", both) == "direct");
  CHECK(chosen("https://internal.example", both) == "direct");
  CHECK(chosen("https://notinternal.example", both) == "safe:8443");
  CHECK(chosen("https://10.1.2.3", both) == "direct");
  CHECK(chosen("https://11.1.2.3", both) == "safe:8443");
  CHECK(chosen("http://host:8080", both) == "direct");
  CHECK(chosen("http://host:8081", both) == "web:3128");
  CHECK(chosen("http://[fd00::1]", both) == "direct");
  CHECK(chosen("http://EXACT", both) == "direct");
  CHECK(chosen("http://127.0.0.1", both) == "direct");
  CHECK(chosen("http://example.org", {}) == "direct");
  CHECK(chosen("http://example.org", {"p", "", "", "*"}) == "direct");
  CHECK(chosen("http://example.org", {"p", "", "", ""}) == "p:3128");
  CHECK(chosen("tcp://example.org", {"", "", "[::2]:99", ""}) == "[::2]:99");
  CHECK(chosen("http://example.org", {"socks5://p", "", "", ""}) == "error");
  CHECK(chosen("http://example.org", {"http://p:x", "", "", ""}) == "error");
  const auto secret = choose_proxy(*parse_url("http://example.org"), {"http://us%40er:pw@p:1/", "", "", ""});
  REQUIRE(secret);
  CHECK((*secret)->authorization.expose() == "Basic dXNAZXI6cHc=");
  const auto environment = read_proxy_environment([](const char* name) -> const char* {
    if (name == "HTTPS_PROXY"s) return "upper";
    if (name == "https_proxy"s) return "lower";
    if (name == "NO_PROXY"s) return "x";
    return nullptr;
  });
  CHECK(environment.https_proxy == "lower");
  CHECK(environment.no_proxy == "x");
}
