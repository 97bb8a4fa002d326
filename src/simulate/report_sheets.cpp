#include <fmt/format.h>

#include <map>

#include "simulate/reports.hpp"

namespace footman::simulate {
namespace {

std::string show(Unit unit, const std::optional<Duration>& time) {
  return format_figure(unit, time ? std::optional(in_seconds(*time)) : std::nullopt);
}

std::string name_of_label(const std::string& label) { return label.empty() ? "(none)" : label; }

Sheet figures_sheet(const std::vector<Report>& reports) {
  Sheet sheet{"", {""}, {}};
  for (const auto& report : reports) sheet.head.push_back(report.name);
  if (reports.size() > 1) sheet.head.emplace_back("Difference");
  const auto first = list_figures(reports.front());
  const auto second = list_figures(reports.back());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto& figure = first[i];
    if (!figure.value && !second[i].value) continue;
    std::vector<std::string> row{figure.title, format_figure(figure.unit, figure.value)};
    if (reports.size() > 1) {
      row.push_back(format_figure(figure.unit, second[i].value));
      row.push_back(format_difference(figure.unit, figure.value, second[i].value));
    }
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

// With the configuration's name in each row when there are two.
template <class AddRows>
Sheet by_report(std::string title, std::vector<std::string> head, const std::vector<Report>& reports,
                AddRows add_rows) {
  Sheet sheet{std::move(title), std::move(head), {}};
  if (reports.size() > 1) sheet.head.emplace_back("Configuration");
  for (const auto& report : reports) {
    const auto before = sheet.rows.size();
    add_rows(report, sheet.rows);
    if (reports.size() > 1)
      for (auto i = before; i < sheet.rows.size(); ++i) sheet.rows[i].push_back(report.name);
  }
  return sheet;
}

void add_labels(const Report& report, std::vector<std::vector<std::string>>& rows) {
  for (const auto& [label, wait] : report.labels)
    rows.push_back({name_of_label(label), fmt::format("{}", wait.builds), show(Unit::time, wait.p50),
                    show(Unit::time, wait.p90), show(Unit::time, wait.p99), show(Unit::time, wait.max)});
}

void add_templates(const Report& report, std::vector<std::vector<std::string>>& rows) {
  for (const auto& [name, cloud, times] : report.templates)
    rows.push_back({name.str(), cloud.str(), fmt::format("{}", times.launches),
                    show(Unit::agent_time, times.billed), show(Unit::agent_time, times.useful),
                    show(Unit::agent_time, times.overhead()), format_figure(Unit::money, times.cost)});
}

void add_pools(const Report& report, std::vector<std::vector<std::string>>& rows) {
  for (const auto& pool : report.pools)
    rows.push_back(
        {pool.name.str(), fmt::format("{}", pool.min_idle), pool.met ? "met" : "not met", pool.text});
}

void add_refusals(const Report& report, std::vector<std::vector<std::string>>& rows) {
  for (const auto& [failure, count] : report.refusals) rows.push_back({failure, fmt::format("{}", count)});
}

void add_stranded(const Report& report, std::vector<std::vector<std::string>>& rows) {
  for (const auto& never : report.stranded)
    rows.push_back({never.code, fmt::format("{}", never.builds), never.text});
}

Sheet holds_sheet(const std::vector<Report>& reports) {
  Sheet sheet{"Why builds waited (time of all of them)", {"Reason"}, {}};
  std::map<std::string, std::vector<double>> waited;
  std::vector<std::string> order;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    for (const auto& [code, total] : reports[i].holds) {
      const auto [it, is_new] = waited.emplace(code, std::vector<double>(reports.size()));
      if (is_new) order.push_back(code);
      it->second[i] = std::chrono::duration<double>(total.waited).count();
    }
    sheet.head.push_back(reports[i].name);
  }
  if (reports.size() > 1) sheet.head.emplace_back("Difference");
  for (const auto& code : order) {
    std::vector<std::string> row{code};
    for (const auto seconds : waited.at(code)) row.push_back(format_figure(Unit::time, seconds));
    if (reports.size() > 1)
      row.push_back(format_difference(Unit::time, waited.at(code).front(), waited.at(code).back()));
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

}  // namespace

std::vector<Sheet> make_sheets(const std::vector<Report>& reports) {
  std::vector<Sheet> all{figures_sheet(reports)};
  const auto add = [&](Sheet sheet) {
    if (!sheet.rows.empty()) all.push_back(std::move(sheet));
  };
  if (reports.front().labels.size() > 1)
    add(by_report("Wait by label", {"Label", "Builds", "p50", "p90", "p99", "Longest"}, reports, add_labels));
  add(by_report("Agents by template",
                {"Template", "Cloud", "Launched", "Paid for", "With builds", "Overhead", "Cost"}, reports,
                add_templates));
  add(by_report("Pools with a goal", {"Template", "Kept idle", "Goal", "How it was found"}, reports,
                add_pools));
  add(holds_sheet(reports));
  add(by_report("Launches refused", {"Failure", "Times"}, reports, add_refusals));
  add(by_report("Builds that never ran", {"Reason", "Builds", "Of the first one"}, reports, add_stranded));
  return all;
}

Sheet make_goal_sheet(const Goal& goal, const GoalAnswer& answer) {
  Sheet sheet{"Pools for " + describe(goal),
              {"Template", "min_idle", "Builds", fmt::format("Wait, p{}", goal.percent), "Goal"},
              {}};
  for (const auto& pool : answer.pools)
    sheet.rows.push_back({pool.name.str(), fmt::format("{}", pool.min_idle), fmt::format("{}", pool.builds),
                          show(Unit::time, pool.wait), pool.met ? "met" : "missed"});
  return sheet;
}

}  // namespace footman::simulate
