#include "simulate/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/label.hpp"
#include "virtual_time/dice.hpp"

namespace footman::simulate {
namespace {

using virtual_time::Dice;

constexpr double kMeanBurst = 20;         // builds
constexpr double kGapInBurst = 2;         // seconds, on average
constexpr double kSpread = 0.7;           // sigma of the logarithm of a duration
constexpr double kLongest = 20;           // times the mean
constexpr double kQuiet = 0.04;           // of the busiest hour: nights and weekends
constexpr std::int64_t kDay = 24 * 3600;  // seconds

double exponential(Dice& dice, double mean) { return -std::log(1 - dice.uniform()) * mean; }

Duration draw_duration(Dice& dice, Duration mean) {
  const auto factor = std::exp(kSpread * dice.normal() - kSpread * kSpread / 2);
  const auto drawn = static_cast<double>(mean.count()) * std::min(factor, kLongest);
  return std::min(Duration(std::llround(drawn)), kMaxBuildTime);
}

double hill(double hour, double middle, double width) {
  return std::exp(-(hour - middle) * (hour - middle) / (2 * width * width));
}

// How much is going on, from 0 to 1, so many seconds after Monday 00:00.
double activity(double at) {
  const auto day = static_cast<std::int64_t>(at) / kDay % 7;
  if (day >= 5) return kQuiet;
  const auto hour = std::fmod(at, static_cast<double>(kDay)) / 3600;
  return std::min(1.0, std::max(kQuiet, hill(hour, 10.5, 1.8) + 0.9 * hill(hour, 15, 1.8)));
}

double mean_activity(double span) {
  constexpr double kStep = 60;
  double sum = 0;
  double steps = 0;
  for (double at = 0; at < span; at += kStep, ++steps) sum += activity(at);
  return sum / std::max(steps, 1.0);
}

// Seconds since the start, in no order.
std::vector<double> arrivals(const Workload& workload, Dice& dice) {
  const auto span = std::chrono::duration<double>(workload.span).count();
  const auto rate = workload.builds_per_hour / 3600;
  std::vector<double> all;
  const auto fits = [&] { return all.size() <= kMaxTraceBuilds; };
  switch (workload.kind) {
    case WorkloadKind::steady:
      for (double at = exponential(dice, 1 / rate); at < span && fits(); at += exponential(dice, 1 / rate))
        all.push_back(at);
      break;
    case WorkloadKind::bursty:
      for (double at = exponential(dice, kMeanBurst / rate); at < span && fits();
           at += exponential(dice, kMeanBurst / rate)) {
        const auto size = 1 + static_cast<int>(exponential(dice, kMeanBurst - 0.5));
        double in_burst = at;
        for (int i = 0; i < size && in_burst < span; ++i, in_burst += exponential(dice, kGapInBurst))
          all.push_back(in_burst);
      }
      break;
    case WorkloadKind::working_week: {
      const auto busiest = rate / mean_activity(span);
      for (double at = exponential(dice, 1 / busiest); at < span && fits();
           at += exponential(dice, 1 / busiest))
        if (dice.chance(activity(at))) all.push_back(at);
      break;
    }
  }
  return all;
}

Result<std::vector<std::string>> normalise(const std::vector<std::string>& labels) {
  std::vector<std::string> all;
  for (const auto& text : labels) {
    FOOTMAN_TRY(const auto label, model::parse_label_expression(text));
    all.push_back(label.text());
  }
  return all;
}

}  // namespace

std::optional<WorkloadKind> find_workload_kind(std::string_view word) {
  if (word == "steady") return WorkloadKind::steady;
  if (word == "bursty") return WorkloadKind::bursty;
  if (word == "working-week") return WorkloadKind::working_week;
  return std::nullopt;
}

Result<BuildTrace> generate_builds(const Workload& workload) {
  FOOTMAN_TRY(const auto labels, normalise(workload.labels));
  if (!(workload.builds_per_hour > 0) || workload.span <= Duration(0) || workload.span > kMaxTraceSpan)
    return fail(Errc::invalid_argument,
                fmt::format("the rate must be more than 0, and the time more than 0 and at most {}",
                            format_duration(kMaxTraceSpan)));
  Dice when(workload.seed, "arrivals");
  Dice how_long(workload.seed, "durations");
  Dice which(workload.seed, "labels");
  auto times = arrivals(workload, when);
  if (times.size() > kMaxTraceBuilds)
    return fail(Errc::invalid_argument, fmt::format("these would be more than {} builds", kMaxTraceBuilds));
  if (times.empty())
    return fail(Errc::invalid_argument, "at this rate no build comes in that time", {},
                "Take a higher --rate or a longer --span");
  std::ranges::sort(times);
  BuildTrace trace;
  trace.start = kTraceEpoch;
  trace.builds.reserve(times.size());
  for (const auto at : times) {
    TracedBuild build;
    build.submitted = Duration(std::llround(at * 1e6));
    build.duration = draw_duration(how_long, workload.mean_duration);
    if (!labels.empty()) build.label = which.pick(labels);
    trace.builds.push_back(std::move(build));
  }
  return trace;
}

}  // namespace footman::simulate
