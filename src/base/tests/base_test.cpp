#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "base/digest.hpp"
#include "base/ids.hpp"
#include "base/job_metrics.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/utf8.hpp"

using namespace footman::base;

TEST_CASE("durations are parsed with units and refused without") {
  CHECK(parse_duration("500ms") == Duration(500'000));
  CHECK(parse_duration("1h30m") == Duration(90LL * 60 * 1'000'000));
  CHECK(parse_duration("20 s") == Duration(20'000'000));
  for (auto bad : {"", "20", "s", "-1s", "1x", "99999999999999999999s", "9999999999999d"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad).has_value());
  }
}

TEST_CASE("durations are shown in the unit that fits") {
  const std::pair<Duration, std::string> table[] = {{0us, "0 ms"},         {-2s, "0 ms"},
                                                    {901us, "901 µs"},     {1500us, "1.5 ms"},
                                                    {12ms, "12 ms"},       {12'345us, "12.3 ms"},
                                                    {999'499us, "999 ms"}, {999'500us, "1.0 s"},
                                                    {3200ms, "3.2 s"},     {59'949ms, "59.9 s"},
                                                    {60s, "1 min 0 s"},    {250s, "4 min 10 s"},
                                                    {7500s, "2 h 5 min"},  {48h - 1us, "47 h 59 min"},
                                                    {48h, "2 d 0 h"},      {50h, "2 d 2 h"}};
  for (const auto& [duration, text] : table) CHECK(format_duration(duration) == text);
}

TEST_CASE("sizes are parsed with units") {
  CHECK(parse_bytes("512") == 512U);
  CHECK(parse_bytes("64 KiB") == 65536U);
  CHECK(parse_bytes("2GiB") == 2147483648U);
  CHECK(parse_bytes("1.5 GiB") == 1536U << 20);
  CHECK(parse_bytes("0.25MB") == 250'000U);
  CHECK(parse_bytes("7.015625 GiB") == 7184ULL << 20);
  for (auto bad : {"", "GiB", "2 gib", "2 GiB x", "99999999999 TiB", "1.5", "0.1 GiB", "1. GiB", ".5 GiB",
                   "1.-5 GiB", "1.5000000 GiB", "1.5.5 GiB", "8388607.9999999 TiB"})
    CHECK_FALSE(parse_bytes(bad).has_value());
}

TEST_CASE("instants survive a round trip through RFC 3339") {
  const Instant instant{1795453633907000};
  CHECK(format_rfc3339(instant) == "2026-11-23T17:07:13.907Z");
  CHECK(parse_rfc3339(format_rfc3339(instant)) == instant);
  for (auto bad : {"", "2026-11-23", "2026-13-23T17:07:13Z", "2026-11-23T17:07:13", "2026-11-23T17:07:13.Z",
                   "2026-02-30T08:41:00Z", "2026-02-29T00:00:00Z", "2026-+1-01T00:00:00Z",
                   "2026-00-10T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23 17:07:13Z"})
    CHECK_FALSE(parse_rfc3339(bad).has_value());
  CHECK(parse_rfc3339("2028-02-29T00:00:01.25Z") == Instant{1'835'395'201'250'000});
  CHECK(parse_rfc3339("1969-12-31T23:59:59Z") == Instant{-1'000'000});
}

TEST_CASE("an error is told as sentences") {
  const auto told = [](const char* message, const char* hint) {
    return describe(Error{Errc::internal, message, "", hint});
  };
  CHECK(told("It is wrong", "Try again") == "It is wrong. Try again");
  CHECK(told("Did you mean 'cap'?", "Nothing was changed") == "Did you mean 'cap'? Nothing was changed");
  CHECK(told("It is wrong", "") == "It is wrong");
}

TEST_CASE("digests match known answers") {
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(hmac_sha256("key", "The quick brown fox jumps over the lazy dog")) ==
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  CHECK(from_hex(to_hex("\x00\xff\x10")) == std::string("\x00\xff\x10"));
  CHECK(from_base64(to_base64("hello")) == std::string("hello"));
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
}

TEST_CASE("log text is always valid JSON") {
  CHECK(json_quote("a\"b\\c\n\x01") == R"("a\"b\\c\n\u0001")");
  CHECK(json_quote("\xff ok \xc3\xa9") == "\"\xEF\xBF\xBD ok \xc3\xa9\"");
}

TEST_CASE("metrics are exposed in Prometheus text") {
  Metrics metrics;
  metrics.counter("footman_builds_total", "Builds", {{"result", "a\"b"}}).add(2);
  metrics.histogram("footman_wait_seconds", "Wait", {0.1, 1}).observe(0.5);
  const auto text = metrics.expose();
  CHECK(text.find("footman_builds_total{result=\"a\\\"b\"} 2\n") != std::string::npos);
  CHECK(text.find("footman_wait_seconds_bucket{le=\"0.1\"} 0\n") != std::string::npos);
  CHECK(text.find("footman_wait_seconds_bucket{le=\"+Inf\"} 1\n") != std::string::npos);
}

TEST_CASE("what the builds of a job took and cost is counted, whatever jobs are called") {
  Metrics metrics;
  count_job_build(metrics, "ci", "team/a\"b\\c\nd", "SUCCESS");
  count_job_time(metrics, "ci", "app", {90s, 90s, 12'500});
  count_job_time(metrics, "ci", "app", {Duration(0), 30s, 1});
  count_job_time(metrics, "ci", "", {Duration(0), -5s, -7});
  const auto has = [&](const std::string& line) {
    CAPTURE(metrics.expose());
    CHECK(metrics.expose().find(line) != std::string::npos);
  };
  has("footman_job_builds_total{controller=\"ci\",job=\"team/a\\\"b\\\\c\\nd\",result=\"SUCCESS\"} 1\n");
  has("footman_job_build_seconds_total{controller=\"ci\",job=\"app\"} 90.000000\n");
  has("footman_job_agent_seconds_total{controller=\"ci\",job=\"app\"} 120.000000\n");
  has("footman_job_cost_usd_total{controller=\"ci\",job=\"app\"} 0.012501\n");
  has("footman_job_agent_seconds_total{controller=\"ci\",job=\"(none)\"} 0.000000\n");
}

TEST_CASE("jobs beyond a number are counted as one, of each controller") {
  Metrics metrics;
  for (std::size_t i = 0; i < kMaxJobsCounted + 3; ++i)
    count_job_build(metrics, "ci", "job" + std::to_string(i), "SUCCESS");
  count_job_build(metrics, "ci", "job0", "SUCCESS");  // known before
  count_job_build(metrics, "other", "jobs", "SUCCESS");
  const auto text = metrics.expose();
  CHECK(text.find("job=\"(other)\",result=\"SUCCESS\"} 3\n") != std::string::npos);
  CHECK(text.find("job=\"job0\",result=\"SUCCESS\"} 2\n") != std::string::npos);
  CHECK(text.find("controller=\"other\",job=\"jobs\"") != std::string::npos);
}

TEST_CASE("UTF-8 is decoded as browsers do") {
  CHECK(decode_utf8("\xf0\x9f\x98\x80").code == 0x1f600);
  CHECK(decode_utf8("\xf0\x9f\x98").cut);
  CHECK(decode_utf8("\xf0\x9f\x98").bytes == 3);
  CHECK_FALSE(decode_utf8("\xf0\x9f(").cut);
  CHECK(decode_utf8("\xf0\x9f(").bytes == 2);
  CHECK(decode_utf8("\xc0\x80").bytes == 1);
  CHECK_FALSE(decode_utf8("\xf4\x90\x80\x80").valid);  // above U+10FFFF
}

TEST_CASE("UTF-8 is checked, cut and mended") {
  for (const auto* good : {"", "a", "\x7f", "é€😀", "\xf4\x8f\xbf\xbf"}) CHECK(is_utf8(good));
  for (const auto* bad : {"\x80", "\xc0\x80", "\xc2", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xff"})
    CHECK_FALSE(is_utf8(bad));
  CHECK(cut_utf8("abc", 3) == "abc");
  CHECK(cut_utf8("aé", 2) == "a");
  CHECK(cut_utf8("a😀b", 4) == "a");
  CHECK(cut_utf8("a😀b", 5) == "a😀");
  CHECK(cut_utf8("é", 0).empty());
  CHECK(cut_utf8("\x80\x80\x80\x80\x80\x80", 5).size() == 5);  // no character at all
  CHECK(replace_invalid_utf8("a\xf0\x9f(é\xff") == "a\xef\xbf\xbd(é\xef\xbf\xbd");
}
