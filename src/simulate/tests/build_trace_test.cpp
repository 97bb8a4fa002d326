#include "simulate/build_trace.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace footman;
using namespace footman::simulate;

namespace {

std::string error_of(const std::string& text) {
  const auto trace = parse_build_trace(text, "t.csv");
  if (trace) return "none";
  return config::describe(trace.error().front());
}

}  // namespace

TEST_CASE("a trace is read in any order of lines and columns") {
  const auto trace = parse_build_trace(
      "job,duration,submitted,label\r\n"
      "team/app,90,60.5,\"linux && \"\"big iron\"\"\"\r\n"
      ",1m30s,30,\r\n"
      "\n"
      "x,0,30,a||b",
      "t.csv");
  REQUIRE(trace);
  CHECK(trace->start == kTraceEpoch + 30s);
  REQUIRE(trace->builds.size() == 3);
  CHECK(trace->builds[0] == TracedBuild{Duration(0), "", 90s, ""});
  CHECK(trace->builds[1] == TracedBuild{Duration(0), "a||b", 0s, "x"});
  CHECK(trace->builds[2] == TracedBuild{30s + 500ms, "linux&&\"big iron\"", 90s, "team/app"});
}

TEST_CASE("times may be RFC 3339, with a zone") {
  const auto trace = parse_build_trace(
      "submitted,label,duration\n"
      "2026-11-24T08:40:15Z,,1\n"
      "2026-11-24T09:41:15.5+01:00,,1\n"
      "2026-11-24T04:12:15-04:30,,1\n",
      "t.csv");
  REQUIRE(trace);
  CHECK(format_rfc3339(trace->start) == "2026-11-24T08:40:15.000Z");
  REQUIRE(trace->builds.size() == 3);
  CHECK(trace->builds[1].submitted == 60s + 500ms);
  CHECK(trace->builds[2].submitted == 2min);
}

TEST_CASE("an error says where, what and what was expected") {
  CHECK(error_of("") ==
        "t.csv:1:1: the first line is empty; it names the columns: submitted,label,duration and, if wanted, "
        "job");
  CHECK(error_of("submitted,duration\n1,2\n") ==
        "t.csv:1:1: the first line names the columns; 'label' is missing");
  CHECK(error_of("submitted,label,label,duration\n") ==
        "t.csv:1:17: the column 'label' stands here a second time");
  const std::string head = "submitted,label,duration\n";
  CHECK(error_of(head) == "t.csv:1:1: the trace has no build");
  CHECK(error_of(head + std::string(100, ',') + "\n") == "t.csv:2:33: a line has at most 32 fields");
  CHECK(error_of(head + "1,2\n") == "t.csv:2:1: 2 fields, but the first line names 3 columns");
  CHECK(error_of(head + "1,,5\nsoon,,5\n") ==
        "t.csv:3:1: 'soon' is no time; write 2026-11-24T08:40:15Z, or seconds");
  CHECK(error_of(head + "1,,5\n2026-11-24T08:40:15Z,,5\n") ==
        "t.csv:3:1: times and seconds are mixed; the lines before have the other form");
  CHECK(error_of(head + "1,,fast\n") ==
        "t.csv:2:4: 'fast' is no duration; write seconds (90, 2.5) or units (1m30s)");
  CHECK(error_of(head + "1,,-1\n") == "t.csv:2:4: a build cannot last less than no time");
  CHECK(error_of(head + "1,,8d\n") == "t.csv:2:4: a build lasts at most 7 d 0 h");
  CHECK(error_of(head + "1,\"a,5\n") == "t.csv:2:3: this quote is not closed on its line");
  CHECK(error_of(head + "1,a\"b,5\n") ==
        "t.csv:2:4: a quote inside a field; put the whole field in quotes and double those inside");
  CHECK(error_of(head + "1,\"a\"b,5\n") == "t.csv:2:6: a comma is expected after a field in quotes");
  CHECK(error_of(head + "1,a &&,5\n").starts_with("t.csv:2:3: "));
  CHECK(error_of(head + "0,,5\n40000000,,5\n") ==
        "t.csv:3:1: this is 462 d 23 h after the first build; a trace spans at most 366 d 0 h");
}

TEST_CASE("at most so many errors are told") {
  std::string text = "submitted,label,duration\n";
  for (int i = 0; i < 100; ++i) text += "x,,1\n";
  const auto trace = parse_build_trace(text, "t.csv");
  REQUIRE_FALSE(trace);
  CHECK(trace.error().size() == kMaxTraceErrors);
  CHECK(trace.error().back().at->line == 21);
}

TEST_CASE("labels are bounded") {
  std::string text = "submitted,label,duration\n";
  for (std::size_t i = 0; i <= kMaxTraceLabels; ++i) text += "1,l" + std::to_string(i) + ",1\n";
  CHECK(error_of(text) == "t.csv:1002:3: a trace has at most 1000 different labels");
}
