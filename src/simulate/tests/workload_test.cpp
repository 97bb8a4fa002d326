#include "simulate/workload.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

using namespace footman;
using namespace footman::simulate;

namespace {

Workload make_workload(WorkloadKind kind, double rate, Duration span) {
  Workload workload;
  workload.kind = kind;
  workload.builds_per_hour = rate;
  workload.span = span;
  return workload;
}

double mean_seconds(const BuildTrace& trace) {
  double sum = 0;
  for (const auto& build : trace.builds) sum += std::chrono::duration<double>(build.duration).count();
  return sum / static_cast<double>(trace.builds.size());
}

}  // namespace

TEST_CASE("each kind has its rate and mean duration, in order, and is the same for the same seed") {
  for (const auto kind : {WorkloadKind::steady, WorkloadKind::bursty, WorkloadKind::working_week}) {
    auto workload = make_workload(kind, 60, std::chrono::hours(7 * 24));
    const auto trace = generate_builds(workload).value();
    CHECK(static_cast<double>(trace.builds.size()) == doctest::Approx(60 * 7 * 24).epsilon(0.1));
    CHECK(mean_seconds(trace) == doctest::Approx(300).epsilon(0.05));
    CHECK(std::ranges::is_sorted(trace.builds, {}, &TracedBuild::submitted));
    CHECK(generate_builds(workload)->builds == trace.builds);
    workload.seed = 2;
    CHECK(generate_builds(workload)->builds != trace.builds);
  }
}

TEST_CASE("a working week is busy when people work") {
  const auto trace =
      generate_builds(make_workload(WorkloadKind::working_week, 60, std::chrono::hours(7 * 24))).value();
  const auto count = [&](Duration from, Duration to) {
    return std::ranges::count_if(trace.builds, [&](const TracedBuild& build) {
      return build.submitted >= from && build.submitted < to;
    });
  };
  const auto monday_at_work = count(8h, 18h);
  CHECK(monday_at_work > 10 * count(0h, 6h));
  CHECK(monday_at_work > 10 * count(std::chrono::hours(5 * 24), std::chrono::hours(5 * 24 + 10)));
}

TEST_CASE("a burst is much in little time") {
  const auto trace = generate_builds(make_workload(WorkloadKind::bursty, 60, 24h)).value();
  std::size_t close = 0;
  for (std::size_t i = 1; i < trace.builds.size(); ++i)
    if (trace.builds[i].submitted - trace.builds[i - 1].submitted < 10s) ++close;
  CHECK(close > trace.builds.size() * 8 / 10);
}

TEST_CASE("labels are normalised, and what makes no sense is refused") {
  auto workload = make_workload(WorkloadKind::steady, 60, 1h);
  workload.labels = {"a  &&  b"};
  CHECK(generate_builds(workload)->builds.front().label == "a&&b");
  workload.labels = {"a &&"};
  CHECK(generate_builds(workload).error().code == Errc::invalid_argument);
  CHECK_FALSE(generate_builds(make_workload(WorkloadKind::steady, 0, 1h)));
  CHECK_FALSE(generate_builds(make_workload(WorkloadKind::steady, 60, 0h)));
  CHECK_FALSE(generate_builds(make_workload(WorkloadKind::steady, 1e9, 24h)));
}
