#include "simulate/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "policy/billing.hpp"

namespace footman::simulate {
namespace {

// Nearest rank: the smallest value that so many per cent of all are not above.
std::optional<Duration> percentile(const std::vector<Duration>& sorted, std::size_t all,
                                   std::size_t percent) {
  const auto rank = std::max<std::size_t>((all * percent + 99) / 100, 1);
  return rank <= sorted.size() ? std::optional(sorted[rank - 1]) : std::nullopt;
}

// --- agents

constexpr model::BillingRule kPlainTime{.step = Duration(1)};
constexpr Instant kBeginning{1};  // times of a simulation as instants: 0 means "never"

struct Window {
  Duration from{0};
  Duration to{0};
};

Window find_billed_window(const AgentRecord& agent, const model::BillingRule& rule, Duration end) {
  const auto instant = [](const std::optional<Duration>& at) { return at ? kBeginning + *at : Instant(); };
  const auto billed = policy::find_billed_time(rule,
                                               {.asked = instant(agent.launched),
                                                .answered = instant(agent.launched),
                                                .connected = instant(agent.connected),
                                                .stop_asked = instant(agent.stop_asked),
                                                .gone = instant(agent.gone)},
                                               kBeginning + end);
  if (!billed.from.is_set()) return {agent.launched, agent.launched};
  return {billed.from - kBeginning, billed.until - kBeginning};
}

// Of the time from..to what lies in the window.
Duration overlap(Duration from, Duration to, Duration begin, Duration end) {
  return std::max(std::min(to, end) - std::max(from, begin), Duration(0));
}

void add_agent(AgentTimes& times, const AgentRecord& agent, Duration end, const Billing& billing) {
  const auto gone = agent.gone.value_or(end);
  const auto connected = std::min(agent.connected.value_or(gone), gone);
  const auto price = billing.prices.find(agent.template_name);
  const auto rule = price == billing.prices.end() ? kPlainTime : price->second.billing;
  const auto window = find_billed_window(agent, rule, end);
  const auto billed = window.to - window.from;
  ++times.launches;
  times.billed += billed;
  times.useful += agent.busy;
  times.booting += overlap(agent.launched, connected, window.from, window.to);
  times.idle += std::max(overlap(connected, gone, window.from, window.to) - agent.busy, Duration(0));
  if (!billing.has_price()) return;
  const auto per_hour = price == billing.prices.end() ? model::Money() : price->second.per_hour;
  const auto cost = model::charge(per_hour, billed);
  times.cost = times.cost.value_or(0) + static_cast<double>(cost.micros) / 1e6;
}

void count_agents(Report& report, const Happenings& happenings, const Billing& billing) {
  std::map<TemplateName, TemplateStats> templates;
  for (const auto& agent : happenings.agents) {
    add_agent(report.agents, agent, happenings.end, billing);
    auto& own = templates[agent.template_name];
    own.name = agent.template_name;
    own.cloud = agent.cloud;
    add_agent(own.times, agent, happenings.end, billing);
    if (!agent.connected) ++report.never_connected;
    if (agent.connected && agent.builds == 0) ++report.without_work;
  }
  for (auto& [name, stats] : templates) report.templates.push_back(std::move(stats));
}

// --- over time

struct Step {
  Duration at{0};
  int by = 0;
  bool operator<(const Step& other) const { return std::pair(at, by) < std::pair(other.at, other.by); }
};

// How many there were at once: the most and the mean in each part.
class Levels {
 public:
  void add(Duration from, Duration to) {
    if (to <= from) return;
    steps_.push_back({from, 1});
    steps_.push_back({to, -1});
  }

  struct Curve {
    std::vector<double> most;
    std::vector<double> mean;
    std::uint64_t peak = 0;
  };
  Curve draw(Duration part, std::size_t parts) {
    std::ranges::sort(steps_, std::less<>());
    Curve curve{std::vector<double>(parts), std::vector<double>(parts), 0};
    int level = 0;
    Duration since{0};
    for (const auto& step : steps_) {
      spread(curve, part, since, step.at, level);
      level += step.by;
      since = step.at;
      curve.peak = std::max(curve.peak, static_cast<std::uint64_t>(std::max(level, 0)));
    }
    return curve;
  }

 private:
  static void spread(Curve& curve, Duration part, Duration from, Duration to, int level) {
    if (to <= from || level == 0) return;
    const auto last = curve.most.size() - 1;
    for (auto i = std::min(static_cast<std::size_t>(from / part), last); i <= last; ++i) {
      const auto begin = std::max(from, part * static_cast<std::int64_t>(i));
      const auto end = std::min(to, part * static_cast<std::int64_t>(i + 1));
      if (end <= begin) break;
      curve.most[i] = std::max(curve.most[i], static_cast<double>(level));
      curve.mean[i] += level * in_seconds(end - begin) / in_seconds(part);
    }
  }

  std::vector<Step> steps_;
};

void draw_series(Report& report, const Happenings& happenings) {
  Levels waiting;
  Levels busy;
  for (const auto& build : happenings.builds) {
    waiting.add(build.submitted, build.started.value_or(happenings.end));
    if (build.started) busy.add(*build.started, build.finished.value_or(happenings.end));
  }
  Levels agents;
  for (const auto& agent : happenings.agents) agents.add(agent.launched, agent.gone.value_or(happenings.end));
  const auto parts = static_cast<std::int64_t>(kSeriesParts);
  auto& series = report.series;
  series.part = Duration(happenings.end.count() / parts + 1);
  series.waiting = waiting.draw(series.part, kSeriesParts).most;
  series.busy = busy.draw(series.part, kSeriesParts).mean;
  auto curve = agents.draw(series.part, kSeriesParts);
  series.agents = std::move(curve.most);
  report.peak_agents = curve.peak;
}

// --- builds

void count_builds(Report& report, const Happenings& happenings) {
  std::vector<Duration> waits;
  std::map<std::string, std::vector<Duration>> by_label;
  std::map<std::string, std::size_t> all_of_label;
  std::map<std::string, Stranded> stranded;
  for (const auto& build : happenings.builds) {
    auto& own = by_label[build.label];
    ++all_of_label[build.label];
    if (!build.started) {
      auto& never = stranded[build.last_reason];
      if (never.builds++ == 0) never = {build.last_reason, build.last_text, 1};
      continue;
    }
    if (build.finished) ++report.finished;
    const auto wait = *build.started - build.submitted;
    waits.push_back(wait);
    own.push_back(wait);
    const auto place = std::ranges::lower_bound(kWaitClasses, wait) - kWaitClasses.begin();
    ++report.wait_classes.at(static_cast<std::size_t>(place));
  }
  report.builds = happenings.builds.size();
  report.wait = summarise_waits(std::move(waits), happenings.builds.size());
  for (auto& [label, own] : by_label)
    report.labels.push_back({label, summarise_waits(std::move(own), all_of_label[label])});
  for (auto& [code, never] : stranded) report.stranded.push_back(std::move(never));
  std::ranges::stable_sort(report.stranded, std::greater<>(), &Stranded::builds);
}

std::string format_seconds(double value) {
  const auto size = std::abs(value);
  if (size < 0.0005) return "0 s";
  if (size < 10) return fmt::format("{:.2f} s", value);
  if (size < 100) return fmt::format("{:.1f} s", value);
  if (size < 60 * 60) return fmt::format("{:.1f} min", value / 60);
  return fmt::format("{:.1f} h", value / 3600);
}

}  // namespace

bool Billing::has_price() const {
  return std::ranges::any_of(prices, [](const auto& one) { return !one.second.per_hour.is_zero(); });
}

WaitStats summarise_waits(std::vector<Duration> waits, std::size_t all) {
  WaitStats stats;
  stats.builds = waits.size();
  if (waits.empty()) return stats;
  std::ranges::sort(waits);
  double sum = 0;
  for (const auto wait : waits) sum += in_seconds(wait);
  stats.mean = Duration(std::llround(sum / static_cast<double>(waits.size()) * 1e6));
  stats.p50 = percentile(waits, all, 50);
  stats.p90 = percentile(waits, all, 90);
  stats.p99 = percentile(waits, all, 99);
  stats.max = percentile(waits, all, 100);
  return stats;
}

Duration find_percentile(std::vector<Duration> waits, std::size_t percent) {
  std::ranges::sort(waits);
  return percentile(waits, waits.size(), percent).value();
}

Report make_report(std::string name, const Happenings& happenings, const Billing& billing) {
  Report report;
  report.name = std::move(name);
  report.end = happenings.end;
  report.refusals = happenings.refusals;
  count_builds(report, happenings);
  count_agents(report, happenings, billing);
  draw_series(report, happenings);
  for (const auto& [code, total] : happenings.holds) report.holds.push_back({code, total});
  std::ranges::stable_sort(report.holds, std::greater<>(),
                           [](const HoldStats& hold) { return hold.total.waited; });
  return report;
}

// --- single numbers

std::vector<Figure> list_figures(const Report& report) {
  const auto& wait = report.wait;
  const auto& agents = report.agents;
  const auto number = [](std::uint64_t value) { return std::optional(static_cast<double>(value)); };
  const auto time = [](Duration value) { return std::optional(in_seconds(value)); };
  const auto wait_of = [](const std::optional<Duration>& value) {
    return value ? std::optional(in_seconds(*value)) : std::nullopt;
  };
  std::uint64_t refused = 0;
  for (const auto& [failure, count] : report.refusals) refused += count;
  const auto share = agents.billed > Duration(0)
                         ? std::optional(in_seconds(agents.useful) / in_seconds(agents.billed))
                         : std::nullopt;
  const auto per_build = agents.cost && report.finished > 0
                             ? std::optional(*agents.cost / static_cast<double>(report.finished))
                             : std::nullopt;
  return {
      {"builds_finished", "Builds that ran", Unit::count, number(report.finished), false},
      {"builds_stranded", "Builds that never ran", Unit::count, number(report.builds - wait.builds)},
      {"wait_p50", "Wait, p50", Unit::time, wait_of(wait.p50)},
      {"wait_p90", "Wait, p90", Unit::time, wait_of(wait.p90)},
      {"wait_p99", "Wait, p99", Unit::time, wait_of(wait.p99)},
      {"wait_max", "Wait, longest", Unit::time, wait_of(wait.max)},
      {"wait_mean", "Wait, mean", Unit::time, wait_of(wait.mean)},
      {"end", "All over after", Unit::time, time(report.end)},
      {"launches", "Agents launched", Unit::count, number(agents.launches)},
      {"launches_refused", "Launches refused", Unit::count, number(refused)},
      {"never_connected", "Agents that never connected", Unit::count, number(report.never_connected)},
      {"without_work", "Agents that never had work", Unit::count, number(report.without_work)},
      {"peak_agents", "Agents at once, at most", Unit::count, number(report.peak_agents)},
      {"billed", "Agent time paid for", Unit::agent_time, time(agents.billed)},
      {"useful", "  with builds", Unit::agent_time, time(agents.useful), false},
      {"overhead", "  overhead", Unit::agent_time, time(agents.overhead())},
      {"booting", "    until connected", Unit::agent_time, time(agents.booting)},
      {"idle", "    idle", Unit::agent_time, time(agents.idle)},
      {"utilisation", "Of what is paid for, used", Unit::share, share, false},
      {"cost", "Cost", Unit::money, agents.cost},
      {"cost_per_build", "Cost of a build", Unit::money, per_build},
  };
}

std::string format_figure(Unit unit, const std::optional<double>& value) {
  if (!value) return "-";
  switch (unit) {
    case Unit::count:
      return fmt::format("{:.0f}", *value);
    case Unit::time:
      return format_seconds(*value);
    case Unit::agent_time:
      return std::abs(*value) < 3600 ? fmt::format("{:.0f} s", *value)
                                     : fmt::format("{:.1f} h", *value / 3600);
    case Unit::money:
      return std::abs(*value) < 0.1 ? fmt::format("${:.4f}", *value) : fmt::format("${:.2f}", *value);
    case Unit::share:
      return fmt::format("{:.1f} %", *value * 100);
  }
  return {};
}

std::string format_difference(Unit unit, const std::optional<double>& before,
                              const std::optional<double>& after) {
  if (!before || !after) return {};
  const auto by = *after - *before;
  if (std::abs(by) < 1e-9) return {};
  const auto* sign = by > 0 ? "+" : "-";
  if (unit == Unit::share) return fmt::format("{}{:.1f} points", sign, std::abs(by) * 100);
  auto text = sign + format_figure(unit, std::abs(by));
  if (std::abs(*before) > 1e-9) text += fmt::format(" ({}{:.0f} %)", sign, std::abs(by / *before) * 100);
  return text;
}

}  // namespace footman::simulate
