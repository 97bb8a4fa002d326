#include "store/cost_report.hpp"

#include <algorithm>
#include <tuple>

namespace footman::store {
namespace {

std::string day_of(Instant at) { return format_rfc3339(at).substr(0, 10); }

constexpr std::int64_t kDay = std::chrono::microseconds(std::chrono::hours(24)).count();
Instant midnight_after(Instant at) { return {at.us - at.us % kDay + kDay}; }

// What of it falls on the first `part` of `whole`. Taken apart at both ends of a day, the days add up to all.
model::Cost share(const model::Cost& cost, Duration part, Duration whole) {
  const auto of = [&](std::int64_t all) {
    return static_cast<std::int64_t>(static_cast<__int128>(all) * part.count() / whole.count());
  };
  return {{of(cost.useful.micros)},
          {of(cost.idle.micros)},
          Duration(of(cost.useful_time.count())),
          Duration(of(cost.idle_time.count()))};
}

bool is_dearer(const CostRow& a, const CostRow& b) {
  const auto time = [](const CostRow& row) { return row.cost.useful_time + row.cost.idle_time; };
  const auto a_cost = a.cost.total();
  const auto b_cost = b.cost.total();
  const auto a_time = time(a);
  const auto b_time = time(b);
  return std::tie(b_cost, b_time, a.key) < std::tie(a_cost, a_time, b.key);
}

}  // namespace

void CostSum::Sum::add(const CostLine& line) {
  if (line.useful && line.build.empty())
    ++others;
  else if (line.useful)
    builds.insert(line.build);
  agents.insert(line.agent);
  cost += line.cost;
}

CostRow CostSum::Sum::row(std::string key) const {
  return {std::move(key), static_cast<std::uint32_t>(builds.size()) + others,
          static_cast<std::uint32_t>(agents.size()), cost};
}

std::string CostSum::key_of(const CostLine& line) const {
  switch (by_) {
    case CostGroup::job:
      return line.job.str();
    case CostGroup::label:
      return line.label;
    case CostGroup::template_name:
      return line.template_name.str();
    case CostGroup::cloud:
      return line.cloud.str();
    case CostGroup::day:
      return day_of(line.until);
  }
  return {};
}

void CostSum::add_to_days(const CostLine& line) {
  const auto whole = line.until - line.since;
  auto day = line;
  for (auto from = line.since; from < line.until; from = day.until) {
    day.until = std::min(midnight_after(from), line.until);
    const auto before = share(line.cost, from - line.since, whole);
    day.cost = share(line.cost, day.until - line.since, whole);
    day.cost.useful.micros -= before.useful.micros;
    day.cost.idle.micros -= before.idle.micros;
    day.cost.useful_time -= before.useful_time;
    day.cost.idle_time -= before.idle_time;
    groups_[day_of(from)].add(day);
  }
}

void CostSum::add(const CostLine& line) {
  if (by_ == CostGroup::day && line.since.is_set() && line.since < line.until)
    add_to_days(line);
  else
    groups_[key_of(line)].add(line);
  total_.add(line);
}

CostReport CostSum::report() const {
  CostReport report;
  report.total = total_.row({});
  report.rows.reserve(groups_.size());
  for (const auto& [key, sum] : groups_) report.rows.push_back(sum.row(key));
  if (by_ == CostGroup::day)
    std::ranges::reverse(report.rows);
  else
    std::ranges::sort(report.rows, is_dearer);
  report.more = report.rows.size() > kMaxCostRows;
  if (report.more) report.rows.resize(kMaxCostRows);
  return report;
}

Awaitable<Result<CostReport>> report_costs(Store& store, CostGroup by, CostSpan span) {
  CostSum sum(by);
  CostPlace place;
  while (true) {
    FOOTMAN_CO_TRY(const auto page, co_await store.list_costs(span, place));
    for (const auto& line : page.lines) sum.add(line);
    place = page.next;
    if (!page.is_last) continue;
    auto report = sum.report();
    report.useful_of_live = page.useful_of_live;
    co_return report;
  }
}

}  // namespace footman::store
