#include "model/time_zone.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace footman::model;

namespace {

Instant utc(const std::string& text) { return parse_rfc3339(text).value(); }
TimeZone zone_of(const std::string& rule) {
  const auto parsed = parse_yearly_rule(rule);
  REQUIRE(parsed.has_value());
  return {parsed->standard, {}, *parsed};
}
// What the clock shows, as if it were UTC.
std::string shown(const TimeZone& zone, const std::string& at) {
  return format_rfc3339(Instant{zone.to_local(utc(at)).seconds * 1'000'000});
}
std::string when(const TimeZone& zone, const std::string& local) {
  return format_rfc3339(zone.to_instant({utc(local).us / 1'000'000}));
}

}  // namespace

TEST_CASE("UTC is the clock itself") {
  CHECK(shown(TimeZone(), "2026-11-24T08:40:15Z") == "2026-11-24T08:40:15.000Z");
  CHECK(when(TimeZone(), "2026-11-24T08:40:15Z") == "2026-11-24T08:40:15.000Z");
}

TEST_CASE("clocks that change twice a year") {
  const auto berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(shown(berlin, "2026-01-01T12:00:00Z") == "2026-01-01T13:00:00.000Z");
  CHECK(shown(berlin, "2026-07-01T12:00:00Z") == "2026-07-01T14:00:00.000Z");
  CHECK(shown(berlin, "2026-03-29T00:59:59Z") == "2026-03-29T01:59:59.000Z");
  CHECK(shown(berlin, "2026-03-29T01:00:00Z") == "2026-03-29T03:00:00.000Z");
  CHECK(shown(berlin, "2026-10-25T00:59:59Z") == "2026-10-25T02:59:59.000Z");
  CHECK(shown(berlin, "2026-10-25T01:00:00Z") == "2026-10-25T02:00:00.000Z");

  CHECK(when(berlin, "2026-07-01T08:00:00Z") == "2026-07-01T06:00:00.000Z");
  CHECK(when(berlin, "2026-03-29T10:00:00Z") == "2026-03-29T08:00:00.000Z");  // the day of the change
  CHECK(when(berlin, "2026-10-25T10:00:00Z") == "2026-10-25T09:00:00.000Z");
  CHECK(when(berlin, "2026-03-29T02:30:00Z") == "2026-03-29T01:00:00.000Z");  // never shown: the turn
  CHECK(when(berlin, "2026-10-25T02:30:00Z") == "2026-10-25T00:30:00.000Z");  // shown twice: the first time
  CHECK(when(berlin, "2026-10-25T03:00:00Z") == "2026-10-25T02:00:00.000Z");
}

TEST_CASE("south of the equator summer goes over the turn of the year") {
  const auto sydney = zone_of("AEST-10AEDT,M10.1.0,M4.1.0/3");
  CHECK(shown(sydney, "2026-01-01T00:00:00Z") == "2026-01-01T11:00:00.000Z");
  CHECK(shown(sydney, "2026-07-01T00:00:00Z") == "2026-07-01T10:00:00.000Z");
  CHECK(shown(sydney, "2026-10-03T16:00:00Z") == "2026-10-04T03:00:00.000Z");
}

TEST_CASE("all ways to write a rule") {
  CHECK(shown(zone_of("<+0530>-5:30"), "2026-01-01T00:00:00Z") == "2026-01-01T05:30:00.000Z");
  CHECK(shown(zone_of("EST5"), "2026-01-01T12:00:00Z") == "2026-01-01T07:00:00.000Z");
  CHECK(shown(zone_of("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"), "2026-03-29T01:00:00Z") ==
        "2026-03-28T23:00:00.000Z");  // begins at 22:00 of the day before
  CHECK(shown(zone_of("AAA0BBB-2,J60/0,J61/0"), "2028-03-01T12:00:00Z") == "2028-03-01T14:00:00.000Z");
  CHECK(shown(zone_of("AAA0BBB-2,59/0,60/0"), "2028-02-29T12:00:00Z") == "2028-02-29T14:00:00.000Z");
  for (const auto* bad : {"", "C", "CE-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0",
                          "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
                          "CET-1CEST,M3.5.0/168,M10.5.0", "<+05-5", "CET-1CEST,J0,J5", "CET-1CEST,1,366",
                          "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-99999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_yearly_rule(bad).has_value());
  }
}

TEST_CASE("listed changes come before the rule") {
  const TimeZone zone(600, {{utc("2000-01-01T00:00:00Z").us / 1'000'000, 3600}}, {.standard = 3600});
  CHECK(shown(zone, "1999-12-31T23:00:00Z") == "1999-12-31T23:10:00.000Z");
  CHECK(shown(zone, "2000-01-01T00:00:00Z") == "2000-01-01T01:00:00.000Z");
  CHECK(when(zone, "2000-01-01T00:30:00Z") == "2000-01-01T00:00:00.000Z");
}

TEST_CASE("every time that a clock shows is found again") {
  const auto berlin = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
  for (auto at = utc("2026-01-01T00:00:00Z"); at < utc("2028-01-01T00:00:00Z"); at = at + 10min) {
    const auto found = berlin.to_instant(berlin.to_local(at));
    CHECK((found == at || found == at - 1h));  // shown for the second time
  }
}
