// What a simulation amounts to: waits, agents, what is paid for and what of it is of use. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/price.hpp"
#include "simulate/records.hpp"

namespace footman::simulate {

inline double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// What agents cost, and which part of their lives is paid for: as the fleet bills them (policy/billing.hpp).
// Without a price all of a life is counted, and costs nothing.
struct Billing {
  std::map<TemplateName, model::Price> prices;
  bool has_price() const;  // that is not nothing
};

// Builds that never ran have waited longer than all others: what falls among them is not set.
struct WaitStats {
  std::uint64_t builds = 0;      // that ran
  std::optional<Duration> mean;  // of those that ran
  std::optional<Duration> p50;   // half the builds waited so long or less (nearest rank), as the others
  std::optional<Duration> p90;
  std::optional<Duration> p99;
  std::optional<Duration> max;
  bool operator==(const WaitStats&) const = default;
};

struct LabelStats {
  std::string label;  // empty: none
  WaitStats wait;
};

// Times of agents, summed. All but `useful` is of what is billed; it is useful + booting + idle, and what
// minimum and rounding add.
struct AgentTimes {
  std::uint64_t launches = 0;
  Duration billed{0};
  Duration useful{0};          // with builds
  Duration booting{0};         // until they connected; all of it for those that never did
  Duration idle{0};            // connected and without a build, until they were gone
  std::optional<double> cost;  // dollars; none: nothing has a price
  Duration overhead() const { return billed - useful; }
};

struct TemplateStats {
  TemplateName name;
  CloudName cloud;
  AgentTimes times;
};

struct HoldStats {
  std::string code;  // ports::WaitReason
  HoldTotal total;
};

struct Stranded {  // builds that never ran
  std::string code;
  std::string text;  // of the first one
  std::uint64_t builds = 0;
};

// The simulated time in equal parts.
inline constexpr std::size_t kSeriesParts = 200;
struct TimeSeries {
  Duration part{0};             // how long one is
  std::vector<double> waiting;  // builds, the most in the part
  std::vector<double> agents;   // that are paid for, the most in the part
  std::vector<double> busy;     // agents at work, on average
};

// Upper bounds of the classes of waits; what is longer than the last is in a class of its own.
inline constexpr std::array<Duration, 13> kWaitClasses = {1s,   2s,   5s,    10s,   20s, 30s, 60s,
                                                          2min, 5min, 10min, 30min, 1h,  6h};

// A pool whose size was searched before, as a server searches it: the configuration gives it a goal.
struct SearchedPool {
  TemplateName name;
  std::uint32_t min_idle = 0;
  bool met = false;  // the goal, with so many
  std::string text;  // sentences, for people
};

struct Report {
  std::string name;  // of the configuration, for people
  std::vector<SearchedPool> pools;
  std::uint64_t builds = 0;
  std::uint64_t finished = 0;
  Duration end{0};
  WaitStats wait;
  std::vector<LabelStats> labels;  // by label
  AgentTimes agents;
  std::vector<TemplateStats> templates;  // by name
  std::uint64_t peak_agents = 0;
  std::uint64_t never_connected = 0;
  std::uint64_t without_work = 0;                 // agents that connected and never had a build
  std::map<std::string, std::uint64_t> refusals;  // launches, by failure class
  std::vector<HoldStats> holds;                   // the most waited for first
  std::vector<Stranded> stranded;                 // the most first
  TimeSeries series;
  std::array<std::uint64_t, kWaitClasses.size() + 1> wait_classes{};
};

WaitStats summarise_waits(std::vector<Duration> waits, std::size_t all);  // builds, with those that never ran
Duration find_percentile(std::vector<Duration> waits, std::size_t percent);  // of some
Report make_report(std::string name, const Happenings& happenings, const Billing& billing);

// --- comparisons

enum class Unit { count, time, agent_time, money, share };
struct Figure {
  std::string key;    // stable: "wait_p90"
  std::string title;  // "Wait, 9 in 10 at most"
  Unit unit = Unit::count;
  std::optional<double> value;  // times in seconds
  bool less_is_better = true;
};
// The report in single numbers, always the same in the same order.
std::vector<Figure> list_figures(const Report& report);
std::string format_figure(Unit unit, const std::optional<double>& value);
// "+12 %", "-3.0 s" … of `after` against `before`; empty when nothing changed.
std::string format_difference(Unit unit, const std::optional<double>& before,
                              const std::optional<double>& after);

}  // namespace footman::simulate
