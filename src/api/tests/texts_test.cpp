// Paths, headers, ranges, time stamps: pure functions on text.
#include <doctest/doctest.h>

#include "api/header_values.hpp"
#include "api/log_text.hpp"
#include "api/router.hpp"
#include "base/digest.hpp"

using namespace footman::api;
using namespace footman::base;
using footman::ports::TimeMark;
using Params = std::vector<std::string>;

TEST_CASE("paths match patterns segment by segment") {
  CHECK(match_path("/api/v1/jobs", "/api/v1/jobs") == Params{});
  CHECK(match_path("/api/v1/builds/{id}/log", "/api/v1/builds/17/log") == Params{"17"});
  CHECK(match_path("/api/v1/builds/{id}", "/api/v1/builds/a b") == Params{"a b"});
  CHECK(!match_path("/api/v1/builds/{id}", "/api/v1/builds"));
  CHECK(!match_path("/api/v1/builds/{id}", "/api/v1/builds/"));
  CHECK(!match_path("/api/v1/builds/{id}", "/api/v1/builds/17/log"));
  CHECK(!match_path("/api/v1/builds/{id}/log", "/api/v1/builds//log"));
  CHECK(!match_path("/api/v1/builds/{id}/log", "/api/v1/builds/17/logs"));
  CHECK(!match_path("/api/v1/jobs", "/api/v1/jobs/"));
  CHECK(!match_path("/api/v1/jobs", "/api/v1/jobsx"));
  CHECK(!match_path("/api/v1/jobs", "*"));
  CHECK(!match_path("/healthz", "/"));
}

TEST_CASE("the rest of a path keeps its slashes, however they are written") {
  constexpr auto kPattern = "/api/v1/jobs/{path...}";
  CHECK(match_path(kPattern, "/api/v1/jobs/app") == Params{"app"});
  CHECK(match_path(kPattern, "/api/v1/jobs/team/app") == Params{"team/app"});
  CHECK(match_path(kPattern, "/api/v1/jobs/team%2Fapp") == Params{"team/app"});
  CHECK(match_path(kPattern, "/api/v1/jobs/team%2fapp/x") == Params{"team/app/x"});
  CHECK(!match_path(kPattern, "/api/v1/jobs"));
  CHECK(!match_path(kPattern, "/api/v1/jobs/"));
  CHECK(!match_path(kPattern, "/api/v1/jobs/team/"));
}

TEST_CASE("a path is below a prefix at a slash only") {
  CHECK(is_below("/ui", "/ui"));
  CHECK(is_below("/ui/builds", "/ui"));
  CHECK(!is_below("/uix", "/ui"));
  CHECK(!is_below("/", "/ui"));
  CHECK(is_below("/anything", "/"));
}

TEST_CASE("hosts") {
  struct Case {
    const char* header;
    const char* name;  // null: not a host
    bool is_address;
  };
  for (const auto& one :
       {Case{"localhost", "localhost", false}, Case{"LocalHost:8080", "localhost", false},
        Case{"ci.example.com.", "ci.example.com", false}, Case{"127.0.0.1:8080", "127.0.0.1", true},
        Case{"[::1]:8080", "::1", true}, Case{"[::1]", "::1", true},
        Case{"127.0.0.1.example.com", "127.0.0.1.example.com", false},
        Case{"127.0.0.256", "127.0.0.256", false}, Case{"127.1", "127.1", false},
        Case{"1.2.3.4.5", "1.2.3.4.5", false}, Case{"localhost:", "localhost", false},
        Case{"", nullptr, false}, Case{"localhost:80x", nullptr, false}, Case{":8080", nullptr, false},
        Case{"[::1", nullptr, false}, Case{"[localhost]", nullptr, false}, Case{"[::1]x", nullptr, false},
        Case{".", nullptr, false}}) {
    CAPTURE(one.header);
    const auto host = parse_host(one.header);
    REQUIRE(host.has_value() == (one.name != nullptr));
    if (!host) continue;
    CHECK(host->text == one.name);
    CHECK(host->is_address == one.is_address);
  }
  CHECK(!parse_host(std::string(300, 'a')));
  CHECK(is_same_host("CI.example.com.", "ci.example.com"));
  CHECK(!is_same_host("ci.example.com", "xci.example.com"));
}

TEST_CASE("cookies are found by their whole name") {
  CHECK(find_cookie_value("a=1; session=abc; b=2", "session") == "abc");
  CHECK(find_cookie_value("session=abc", "session") == "abc");
  CHECK(find_cookie_value("xsession=1;session=a=b", "session") == "a=b");
  CHECK(find_cookie_value("session", "session").empty());
  CHECK(find_cookie_value("", "session").empty());
  CHECK(find_cookie_value(";;=;", "session").empty());
}

TEST_CASE("credentials") {
  const auto token = [](std::string_view header) {
    const auto parsed = parse_authorization(header);
    return parsed ? std::string(parsed->expose()) : "error: " + parsed.error().message;
  };
  CHECK(token("Bearer abc") == "abc");
  CHECK(token("bearer  abc ") == "abc");
  CHECK(token("Basic " + to_base64("user:pass:word")) == "pass:word");
  CHECK(token("Basic " + to_base64(":abc")) == "abc");
  CHECK(token("Basic " + to_base64("no colon")).starts_with("error"));
  CHECK(token("Basic !!!").starts_with("error"));
  CHECK(token("Digest x").starts_with("error"));
  CHECK(token("").starts_with("error"));
  CHECK(token("Bearer").empty());
}

TEST_CASE("ranges") {
  const auto span = [](std::string_view header, std::uint64_t total) -> std::string {
    const auto range = parse_range(header);
    if (!range) return "ignored";
    const auto found = find_span(*range, total);
    if (!found) return "416";
    return std::to_string(found->first) + ".." + std::to_string(found->end);
  };
  CHECK(span("bytes=0-9", 100) == "0..10");
  CHECK(span("bytes=0-0", 100) == "0..1");
  CHECK(span("bytes=90-200", 100) == "90..100");
  CHECK(span("bytes=99-", 100) == "99..100");
  CHECK(span("bytes=100-", 100) == "416");
  CHECK(span("bytes=-10", 100) == "90..100");
  CHECK(span("bytes=-200", 100) == "0..100");
  CHECK(span("bytes=-0", 100) == "416");
  CHECK(span("bytes=0-", 0) == "416");
  CHECK(span("bytes=0-18446744073709551615", 100) == "0..100");
  for (const auto* header : {"bytes=", "bytes=-", "bytes=9-1", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1",
                             "bytes 0-1", "bytes=0-99999999999999999999", "bytes=+1-2", ""}) {
    CAPTURE(header);
    CHECK(span(header, 100) == "ignored");
  }
}

TEST_CASE("every line begins with the time at which it began, in any split") {
  const std::string text = "one\ntwo\n\nthree";
  const auto at = [](int second) { return Instant{1'700'000'000'000'000 + second * 1'000'000}; };
  const std::vector<TimeMark> marks{{0, at(0)}, {4, at(1)}, {6, at(2)}, {9, at(3)}};
  const std::string expected =
      "2023-11-14T22:13:20.000Z one\n2023-11-14T22:13:21.000Z two\n2023-11-14T22:13:22.000Z \n"
      "2023-11-14T22:13:23.000Z three";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CAPTURE(cut);
    // As LogStore::marks answers: those of the part, and the last one before it.
    const auto marks_of = [&](std::uint64_t from, std::uint64_t to) {
      std::vector<TimeMark> found;
      for (const auto& mark : marks) {
        if (mark.offset < from) found.assign(1, mark);
        if (mark.offset >= from && mark.offset < to) found.push_back(mark);
      }
      return found;
    };
    LineStamper stamper;
    auto out = stamper.stamp(text.substr(0, cut), 0, marks_of(0, cut));
    out += stamper.stamp(text.substr(cut), cut, marks_of(cut, text.size()));
    CHECK(out == expected);
  }
  LineStamper without;
  CHECK(without.stamp("a\nb", 0, {}) == "a\nb");
}
