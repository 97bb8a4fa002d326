#include "model/cron.hpp"

#include <doctest/doctest.h>

#include "model/pool.hpp"

using namespace footman::model;

namespace {

Instant utc(const std::string& text) { return parse_rfc3339(text).value(); }
Cron cron_of(const std::string& text) {
  auto cron = parse_cron(text);
  REQUIRE(cron.has_value());
  return *cron;
}
TimeZone berlin() { return {3600, {}, *parse_yearly_rule("CET-1CEST,M3.5.0,M10.5.0/3")}; }

}  // namespace

TEST_CASE("when a schedule comes next") {
  struct Row {
    const char* cron;
    const char* after;
    const char* next;
  };
  const Row rows[] = {
      {"* * * * *", "2026-11-24T08:40:15Z", "2026-11-24T08:41:00.000Z"},
      {"* * * * *", "2026-11-24T08:40:00Z", "2026-11-24T08:41:00.000Z"},
      {"*/15 * * * *", "2026-11-24T08:46:00Z", "2026-11-24T09:00:00.000Z"},
      {"5/20 * * * *", "2026-11-24T08:26:00Z", "2026-11-24T08:45:00.000Z"},
      {"0 8 * * 1-5", "2026-11-27T08:00:00Z", "2026-11-30T08:00:00.000Z"},  // Friday to Monday
      {"0 8 * * mon-FRI", "2026-11-27T07:59:59Z", "2026-11-27T08:00:00.000Z"},
      {"0 0 * * 0", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00.000Z"},
      {"0 0 * * 7", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00.000Z"},
      {"30 22 31 * *", "2026-11-24T00:00:00Z", "2026-12-31T22:30:00.000Z"},
      {"0 0 29 2 *", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00.000Z"},
      {"0 0 29 FEB *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00.000Z"},
      {"0 0 13 * 5", "2026-11-24T00:00:00Z", "2026-11-27T00:00:00.000Z"},    // a Friday or a 13th
      {"0 0 13 * */2", "2026-11-24T00:00:00Z", "2026-12-13T00:00:00.000Z"},  // a Sunday and a 13th
      {"0 8-17/3,20 1 1 *", "2026-01-01T14:30:00Z", "2026-01-01T17:00:00.000Z"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.cron);
    CHECK(format_rfc3339(cron_of(row.cron).next(TimeZone(), utc(row.after))) == row.next);
  }
}

TEST_CASE("by the clock of a zone, also when it is turned") {
  const auto next = [](const char* cron, const char* after) {
    return format_rfc3339(cron_of(cron).next(berlin(), utc(after)));
  };
  CHECK(next("0 8 * * *", "2026-01-10T12:00:00Z") == "2026-01-11T07:00:00.000Z");
  CHECK(next("0 8 * * *", "2026-07-10T12:00:00Z") == "2026-07-11T06:00:00.000Z");
  CHECK(next("30 2 * * *", "2026-03-28T12:00:00Z") == "2026-03-29T01:00:00.000Z");  // never shown
  CHECK(next("30 2 * * *", "2026-03-29T01:00:00Z") == "2026-03-30T00:30:00.000Z");
  CHECK(next("30 2 * * *", "2026-10-24T12:00:00Z") == "2026-10-25T00:30:00.000Z");  // shown twice: once
  CHECK(next("30 2 * * *", "2026-10-25T00:30:00Z") == "2026-10-26T01:30:00.000Z");
}

TEST_CASE("a date that comes once in many years is found") {
  const auto sunday = cron_of("0 0 29 2 */7");
  CHECK(format_rfc3339(sunday.next(TimeZone(), utc("2088-02-28T12:00:00Z"))) == "2088-02-29T00:00:00.000Z");
  CHECK(format_rfc3339(sunday.next(TimeZone(), utc("2088-03-01T12:00:00Z"))) == "2128-02-29T00:00:00.000Z");
}

TEST_CASE("what is no schedule") {
  for (const auto* bad : {"",           "* * * *",      "* * * * * *",  "60 * * * *",
                          "* 24 * * *", "* * 0 * *",    "* * 32 * *",   "* * * 13 *",
                          "* * * * 8",  "*/0 * * * *",  "*/60 * * * *", "5-1 * * * *",
                          "a * * * *",  "1,,2 * * * *", "-1 * * * *",   "1- * * * *",
                          "+1 * * * *", "0 0 31 2 *",   "0 0 30 2,2 *", "* * * JANUARY *",
                          "@daily"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_cron(bad).has_value());
  }
  CHECK(parse_cron("61 * * * *").error().message ==
        "minute: *, 0 to 59, ranges, lists or steps were expected, found '61'");
  CHECK(parse_cron("0 0 31 2 *").error().message == "it names a date that never comes");
  CHECK_FALSE(parse_cron(std::string(kMaxCronBytes + 1, '*')).has_value());
}

TEST_CASE("a pool's schedules: the first one that is on, and when to ask again") {
  PoolRules rules;
  rules.size = {.min_idle = 1};
  rules.schedules = {{cron_of("0 12 * * 1-5"), 1h, "Europe/Berlin", berlin(), {.min_idle = 9}},
                     {cron_of("0 8 * * 1-5"), 10h, "Europe/Berlin", berlin(), {.min_idle = 5}}};
  struct Row {
    const char* at;
    std::uint32_t min_idle;
    const char* until;
  };
  const Row rows[] = {
      {"2026-11-27T06:59:59Z", 1, "2026-11-27T07:00:00.000Z"},
      {"2026-11-27T07:00:00Z", 5, "2026-11-27T11:00:00.000Z"},
      {"2026-11-27T11:00:00Z", 9, "2026-11-27T12:00:00.000Z"},
      {"2026-11-27T12:00:00Z", 5, "2026-11-27T17:00:00.000Z"},
      {"2026-11-27T17:00:00Z", 1, "2026-11-30T07:00:00.000Z"},  // Friday evening
  };
  for (const auto& row : rows) {
    CAPTURE(row.at);
    const auto now = pool_at(rules, utc(row.at));
    CHECK(now.size.min_idle == row.min_idle);
    CHECK(format_rfc3339(now.until) == row.until);
    CHECK(now.since == utc(row.at));
  }
  CHECK(pool_at(rules, utc("2026-11-27T11:30:00Z")).schedule == "0 12 * * 1-5 Europe/Berlin");
  CHECK_FALSE(pool_at({{.min_idle = 1}, {}}, utc("2026-11-27T11:30:00Z")).until.is_set());
}

TEST_CASE("a schedule that begins again while it is on stays on") {
  PoolRules rules;
  rules.schedules = {{cron_of("0 * * * *"), 90min, "UTC", TimeZone(), {.min_idle = 5}}};
  for (auto at = utc("2026-11-27T00:00:00Z"); at < utc("2026-11-28T00:00:00Z"); at = at + 7min) {
    const auto now = pool_at(rules, at);
    CHECK(now.size.min_idle == 5);
    CHECK(now.until > at);
  }
}
