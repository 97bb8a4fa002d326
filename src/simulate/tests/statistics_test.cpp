#include "simulate/statistics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

using namespace footman;
using namespace footman::simulate;

namespace {

AgentRecord make_agent(Duration launched, Duration connected, Duration gone, Duration busy) {
  return {TemplateName("small"), CloudName("cloud"), launched, connected, gone, gone, busy, 1};
}

BuildRecord make_build(Duration submitted, Duration started, Duration finished) {
  return {submitted, finished - started, "linux", started, finished, {}, {}, {}};
}

}  // namespace

TEST_CASE("percentiles are waits that were: nearest rank") {
  std::vector<Duration> waits;
  for (int i = 100; i >= 1; --i) waits.push_back(std::chrono::seconds(i));
  const auto stats = summarise_waits(waits, waits.size());
  CHECK(stats.builds == 100);
  CHECK(stats.p50 == 50s);
  CHECK(stats.p90 == 90s);
  CHECK(stats.p99 == 99s);
  CHECK(stats.max == 100s);
  CHECK(stats.mean == 50s + 500ms);
  CHECK(summarise_waits({7s}, 1) == WaitStats{1, 7s, 7s, 7s, 7s, 7s});
  CHECK(summarise_waits({}, 3) == WaitStats{});
  CHECK(summarise_waits({1s, 2s}, 2).p50 == 1s);
  CHECK(summarise_waits({2s, 1s}, 4) == WaitStats{2, 1500ms, 2s, {}, {}, {}});  // half of them never ran
}

TEST_CASE("agent time is what is paid for: booting, with builds, idle") {
  Happenings happened;
  happened.end = 200s;
  happened.agents = {make_agent(0s, 10s, 100s, 60s), make_agent(50s, 60s, 120s, 60s)};
  happened.agents.push_back({TemplateName("small"), CloudName("cloud"), 150s, {}, {}, {}, 0s, 0});
  const auto report = make_report("a", happened, {});
  CHECK(report.agents.launches == 3);
  CHECK(report.agents.billed == 100s + 70s + 50s);
  CHECK(report.agents.useful == 120s);
  CHECK(report.agents.booting == 10s + 10s + 50s);
  CHECK(report.agents.idle == 30s);
  CHECK(report.agents.overhead() == 100s);
  CHECK(report.peak_agents == 2);
  CHECK(report.never_connected == 1);
  CHECK_FALSE(report.agents.cost.has_value());
}

TEST_CASE("cost is what the fleet bills: from the rule's beginning, whole steps, a minimum") {
  Happenings happened;
  happened.end = 200s;
  happened.agents = {make_agent(0s, 10s, 30s, 20s), make_agent(0s, 10s, 95s, 80s)};
  Billing billing;
  auto& price = billing.prices[TemplateName("small")];
  CHECK_FALSE(make_report("a", happened, billing).agents.cost.has_value());
  price.per_hour = model::Money{3'600'000};
  price.billing.minimum = 60s;
  const auto least = make_report("a", happened, billing).agents;
  CHECK(least.billed == 60s + 95s);
  CHECK(least.cost.value() == doctest::Approx(0.155));
  CHECK(least.billed - least.useful - least.booting - least.idle == 30s);
  price.billing = {.from = model::BilledFrom::connected, .step = 30s};
  const auto connected = make_report("a", happened, billing).agents;
  CHECK(connected.billed == 30s + 90s);
  CHECK(connected.booting == 0s);
  happened.agents.front().template_name = TemplateName("free");
  CHECK(make_report("a", happened, billing).agents.cost.value() == doctest::Approx(0.09));
}

TEST_CASE("the curves hold what was there") {
  Happenings happened;
  happened.end = 200s;
  happened.builds = {make_build(0s, 10s, 110s), make_build(0s, 110s, 200s)};
  const auto report = make_report("a", happened, {});
  const auto& series = report.series;
  REQUIRE(series.busy.size() == kSeriesParts);
  CHECK(series.waiting.front() == 2);
  CHECK(series.waiting[50] == 1);
  CHECK(series.waiting[150] == 0);
  const auto part = std::chrono::duration<double>(series.part).count();
  CHECK(std::accumulate(series.busy.begin(), series.busy.end(), 0.0) * part == doctest::Approx(190));
  CHECK(report.wait_classes[3] == 1);  // 10 s
  CHECK(report.wait_classes[7] == 1);  // up to 2 min
}

TEST_CASE("builds that never ran are counted by their reason, and have waited longer than all others") {
  Happenings happened;
  happened.end = 10s;
  happened.builds = {{0s, 1s, "a", {}, {}, "no_template", "Nothing fits.", {}},
                     {0s, 1s, "a", {}, {}, "no_template", "Nothing fits.", {}},
                     make_build(0s, 2s, 3s)};
  const auto report = make_report("a", happened, {});
  CHECK(report.wait.builds == 1);
  CHECK(report.wait.p50 == std::nullopt);
  CHECK(report.wait.mean == 2s);
  REQUIRE(report.stranded.size() == 1);
  CHECK(report.stranded.front().builds == 2);
  CHECK(report.stranded.front().text == "Nothing fits.");
  REQUIRE(report.labels.size() == 2);
  CHECK(report.labels.front().wait.builds == 0);
}

TEST_CASE("differences are signed, and silent when there is none") {
  CHECK(format_difference(Unit::time, 10.0, 80.0) == "+70.0 s (+700 %)");
  CHECK(format_difference(Unit::count, 4.0, 3.0) == "-1 (-25 %)");
  CHECK(format_difference(Unit::count, 3.0, 3.0).empty());
  CHECK(format_difference(Unit::share, 0.5, 0.25) == "-25.0 points");
  CHECK(format_difference(Unit::money, std::nullopt, 1.0).empty());
  CHECK(format_difference(Unit::time, 0.0, 2.0) == "+2.00 s");
}
