#include <boost/json/array.hpp>
#include <cmath>

#include "simulate/reports.hpp"

namespace footman::simulate {
namespace {

namespace json = boost::json;

json::value money(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value seconds(const std::optional<Duration>& time) {
  return time ? json::value(in_seconds(*time)) : json::value(nullptr);
}

json::object waits(const WaitStats& wait) {
  return {{"builds", wait.builds},      {"mean_s", seconds(wait.mean)}, {"p50_s", seconds(wait.p50)},
          {"p90_s", seconds(wait.p90)}, {"p99_s", seconds(wait.p99)},   {"max_s", seconds(wait.max)}};
}

json::object agents(const AgentTimes& times) {
  return {{"launches", times.launches},
          {"billed_s", in_seconds(times.billed)},
          {"useful_s", in_seconds(times.useful)},
          {"overhead_s", in_seconds(times.overhead())},
          {"booting_s", in_seconds(times.booting)},
          {"idle_s", in_seconds(times.idle)},
          {"cost_usd", money(times.cost)}};
}

template <class All, class Make>
json::array list(const All& all, Make make) {
  json::array array;
  array.reserve(all.size());
  for (const auto& one : all) array.push_back(make(one));
  return array;
}

json::array numbers(const std::vector<double>& all) {
  return list(all, [](double value) { return json::value(std::round(value * 1000) / 1000); });
}

json::array classes(const Report& report) {
  json::array all;
  for (std::size_t i = 0; i < report.wait_classes.size(); ++i)
    all.push_back(json::object{
        {"up_to_s", i < kWaitClasses.size() ? json::value(in_seconds(kWaitClasses.at(i))) : nullptr},
        {"builds", report.wait_classes.at(i)}});
  return all;
}

json::object to_json(const Report& report) {
  json::object refusals;
  for (const auto& [failure, count] : report.refusals) refusals[failure] = count;
  auto total = agents(report.agents);
  total["peak"] = report.peak_agents;
  total["never_connected"] = report.never_connected;
  total["without_work"] = report.without_work;
  total["refused"] = std::move(refusals);
  json::object told{{"config", report.name}, {"builds", report.builds}, {"finished", report.finished}};
  told["end_s"] = in_seconds(report.end);
  told["wait"] = waits(report.wait);
  told["wait_classes"] = classes(report);
  told["labels"] = list(report.labels, [](const LabelStats& stats) {
    auto one = waits(stats.wait);
    one["label"] = stats.label;
    return one;
  });
  told["agents"] = std::move(total);
  told["templates"] = list(report.templates, [](const TemplateStats& stats) {
    auto one = agents(stats.times);
    one["template"] = stats.name.str();
    one["cloud"] = stats.cloud.str();
    return one;
  });
  told["goal_pools"] = list(report.pools, [](const SearchedPool& pool) {
    return json::object{
        {"template", pool.name.str()}, {"min_idle", pool.min_idle}, {"met", pool.met}, {"text", pool.text}};
  });
  told["holds"] = list(report.holds, [](const HoldStats& hold) {
    return json::object{
        {"reason", hold.code}, {"waited_s", in_seconds(hold.total.waited)}, {"times", hold.total.times}};
  });
  told["never_ran"] = list(report.stranded, [](const Stranded& never) {
    return json::object{{"reason", never.code}, {"builds", never.builds}, {"text", never.text}};
  });
  told["series"] = json::object{{"part_s", in_seconds(report.series.part)},
                                {"waiting_max", numbers(report.series.waiting)},
                                {"agents_max", numbers(report.series.agents)},
                                {"busy_mean", numbers(report.series.busy)}};
  return told;
}

json::object differences(const Report& before, const Report& after) {
  json::object all;
  const auto first = list_figures(before);
  const auto second = list_figures(after);
  for (std::size_t i = 0; i < first.size(); ++i)
    if (first[i].value && second[i].value) all[first[i].key] = *second[i].value - *first[i].value;
  return all;
}

}  // namespace

json::object make_json(const Setting& setting, const std::vector<Report>& reports) {
  json::object told{{"trace", json::object{{"name", setting.trace},
                                           {"start", format_rfc3339(setting.start)},
                                           {"builds", setting.builds}}},
                    {"seed", setting.seed},
                    {"cloud", setting.cloud},
                    {"result", to_json(reports.front())}};
  if (reports.size() > 1) {
    told["vs"] = to_json(reports.back());
    told["differences"] = differences(reports.front(), reports.back());
  }
  return told;
}

json::object make_goal_json(const Goal& goal, const GoalAnswer& answer) {
  json::object told{{"goal", describe(goal)},
                    {"met", answer.met},
                    {"never_ran", answer.never_ran},
                    {"above_budget", answer.above_budget},
                    {"simulations", answer.simulations},
                    {"cost_a_day_usd", money(answer.cost_a_day)},
                    {"wanted_cost_a_day_usd", money(answer.wanted_cost_a_day)}};
  told["pools"] = list(answer.pools, [](const TemplatePool& pool) {
    return json::object{{"template", pool.name.str()},
                        {"min_idle", pool.min_idle},
                        {"builds", pool.builds},
                        {"wait_s", in_seconds(pool.wait)},
                        {"met", pool.met}};
  });
  return told;
}

}  // namespace footman::simulate
