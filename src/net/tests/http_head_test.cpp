#include "net/http_head.hpp"

#include <doctest/doctest.h>

using namespace footman;
using namespace footman::net;
using namespace std::string_literals;

namespace {

const HttpHeadLimits kLimits{64, 512, 10};

HttpParsed<RequestHead> parse(const std::string& text) { return parse_request_head(text, kLimits); }
int status_of(const std::string& text) {
  const auto head = parse(text);
  return head ? 200 : head.error().status;
}
std::string with(const std::string& lines) { return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; }

}  // namespace

TEST_CASE("a request's head in parts") {
  const auto head = parse(
      "GET /api/v1/x%20y?limit=5&name=a+b%26&flag HTTP/1.1\r\nhost: h:80\r\nX-Empty:\r\nX:  v \t\r\n\r\n");
  REQUIRE(head);
  const auto& request = head->request;
  CHECK(request.method == "GET");
  CHECK(request.path == "/api/v1/x y");
  CHECK(request.find_query("limit") == "5");
  CHECK(request.find_query("name") == "a b&");
  CHECK(request.find_query("flag") == "");
  CHECK_FALSE(request.find_query("nope"));
  CHECK(request.headers.find("HOST") == "h:80");
  CHECK(request.headers.find("x-empty") == "");
  CHECK(request.headers.find("x") == "v");
  CHECK(head->framing.keep_alive);
  CHECK_FALSE(head->framing.length);
}

TEST_CASE("an encoded slash stays encoded in the path, and absolute targets lose their host") {
  CHECK(parse("GET /job/a%2Fb/%2f HTTP/1.1\r\nHost: a\r\n\r\n")->request.path == "/job/a%2Fb/%2f");
  CHECK(parse("GET http://h/x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n")->request.path == "/x");
  CHECK(parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n")->request.path == "/");
  CHECK(parse("GET http://h?y=1 HTTP/1.1\r\nHost: h\r\n\r\n")->request.query ==
        std::vector<std::pair<std::string, std::string>>{{"y", "1"}});
  // The host of the target counts, whatever Host says.
  const auto absolute = parse("GET HTTP://evil.example:80/x HTTP/1.1\r\nhost: ci.example.com\r\n\r\n");
  REQUIRE(absolute);
  CHECK(absolute->request.headers.find("Host") == "evil.example:80");
  CHECK(absolute->request.headers.all().size() == 1);
  CHECK(absolute->request.target == "/x");
  CHECK(parse("GET http://h/x HTTP/1.0\r\n\r\n")->request.headers.find("Host") == "h");
  CHECK(parse("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"));
  CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")->request.path == "*");
}

TEST_CASE("what two parsers could read differently is refused") {
  struct Row {
    const char* what;
    std::string head;
    int status;
  };
  const Row rows[] = {
      {"both lengths", with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"two lengths", with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {"a list of lengths", with("Content-Length: 3, 3\r\n"), 400},
      {"signed length", with("Content-Length: +3\r\n"), 400},
      {"negative length", with("Content-Length: -3\r\n"), 400},
      {"hexadecimal length", with("Content-Length: 0x3\r\n"), 400},
      {"empty length", with("Content-Length:\r\n"), 400},
      {"huge length", with("Content-Length: 99999999999999999999\r\n"), 413},
      {"two codings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"unknown coding", with("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"disguised coding", with("Transfer-Encoding: xchunked\r\n"), 501},
      {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"space before the colon", with("Content-Length : 3\r\n"), 400},
      {"folded line", with("X: a\r\n b\r\n"), 400},
      {"bare CR in a value", with("X: a\rb\r\n"), 400},
      {"bare LF in a value", with("X: a\nContent-Length: 3\r\n"), 400},
      {"zero byte", with("X: a\0b\r\n"s), 400},
      {"no colon", with("nonsense\r\n"), 400},
      {"empty name", with(": x\r\n"), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"strange host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"empty host in 1.0", "GET / HTTP/1.0\r\nHost: \r\n\r\n", 400},
      {"a port alone", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
      {"two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
      {"a port of letters", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400},
      {"an address that is none", "GET / HTTP/1.1\r\nHost: [1::1::1]\r\n\r\n", 400},
      {"an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"a URL without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a URL with a name in it", "GET http://me@h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a URL of another scheme", "GET ftp://h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a URL and no Host", "GET http://h/x HTTP/1.1\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"relative target", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"bad percent", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"encoded zero", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"long target", "GET /" + std::string(64, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"large head", with("X: " + std::string(512, 'a') + "\r\n"), 431},
      {"many headers", with("A:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\nA:1\r\n"), 431},
      {"other expectation", with("Expect: tea\r\n"), 417},
      {"good", with("Content-Length: 3\r\nExpect: 100-Continue\r\n"), 200},
      {"good in 1.0", "GET / HTTP/1.0\r\n\r\n", 200},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(status_of(row.head) == row.status);
  }
}

TEST_CASE("keep-alive follows the version and the Connection header") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n")->framing.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n")->framing.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n")->framing.keep_alive);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->framing.keep_alive);
}

TEST_CASE("a head that can never become good is refused before its end") {
  const auto partial = [](const std::string& bytes) {
    const auto problem = check_partial_head(bytes, 0, kLimits);
    return problem ? problem->status : 200;
  };
  CHECK(partial("GET /") == 200);
  CHECK(partial("GET / HTTP/1.1\r\nHost: a\r") == 200);
  CHECK(partial("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(partial("\x16\x03\x01 hello"s) == 400);
  CHECK(partial("GETGETGETGETGETGETGETGET") == 400);
  CHECK(partial("GET /" + std::string(200, 'a')) == 414);
  CHECK(partial("GET / HTTP/1.1\r\nX: " + std::string(600, 'a')) == 431);
}

TEST_CASE("the end of a head is found over borders") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t from = 0; from < head.size(); ++from) {
    CHECK(find_head_end(head + "rest", from) == head.size());
  }
  CHECK_FALSE(find_head_end(head.substr(0, head.size() - 1), 0));
}

TEST_CASE("a response's head") {
  const auto response = [](const std::string& text) { return parse_response_head(text, kLimits); };
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")->framing.length == 5);
  CHECK(response("HTTP/1.1 404\r\n\r\n")->status == 404);
  CHECK(response("HTTP/1.0 200 OK\r\n\r\n")->framing.keep_alive == false);
  CHECK(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n")->framing.chunked);
  for (const char* bad :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "ICY 200 OK\r\n\r\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(response(bad));
  }
}

namespace {

struct Chunked {
  std::string body;
  std::string rest;
  bool done = false;
  int problem = 0;
};
Chunked decode_chunks(const std::string& bytes, std::size_t piece) {
  ChunkedDecoder decoder;
  Chunked out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto part = bytes.substr(at, piece);
    if (decoder.done()) {
      out.rest += part;
      continue;
    }
    const auto step = decoder.decode(part.data(), part.size());
    if (!step) {
      out.problem = step.error().status;
      return out;
    }
    if (decoder.done()) out.rest += bytes.substr(at, piece).substr(step->used);
    out.body.append(part, 0, step->data);
  }
  out.done = decoder.done();
  return out;
}

}  // namespace

TEST_CASE("chunked bodies in any split") {
  const std::string bytes = "3\r\nabc\r\nA;name=\"v\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /next";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto out = decode_chunks(bytes, piece);
    CHECK(out.done);
    CHECK(out.body == "abc0123456789");
    CHECK(out.rest == "GET /next");
  }
  for (const std::string bad :
       {"\r\n", "g\r\n", "-1\r\n", "0x3\r\n", "3\nabc", "3\r\nabcd\r\n", "3 \r\nabc", "1\r\na\n0\r\n"}) {
    CAPTURE(bad);
    CHECK(decode_chunks(bad, 1).problem == 400);
  }
  CHECK(decode_chunks("ffffffffffffffff\r\n", 1).problem == 413);
  CHECK(decode_chunks("1;" + std::string(20'000, 'a'), 4096).problem == 431);
  CHECK_FALSE(decode_chunks("3\r\nabc\r\n0\r\n", 5).done);
}
