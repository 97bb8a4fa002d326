// What builds and agents have cost: rows of the report, each with a bar.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/price_list.hpp"
#include "web/pages.hpp"

namespace footman::web {
namespace {

using store::CostGroup;
using store::CostRow;

struct Choice {
  std::string_view word;  // in the address
  std::string_view name;
};
constexpr std::array<Choice, 4> kSpans{
    {{"1", "Today"}, {"7", "7 days"}, {"30", "30 days"}, {"365", "A year"}}};

std::string_view name_of(CostGroup by) {
  for (const auto& one : kCostViews)
    if (one.by == by) return one.name;
  return {};
}

Url address(std::string_view by, std::string_view days) {
  Url url("/ui/costs");
  url.add("by", by);
  url.add("days", days);
  return url;
}

std::string_view word_of(CostGroup by) {
  for (const auto& one : kCostViews)
    if (one.by == by) return one.word;
  return {};
}

Markup choices(const CostsData& data) {
  const auto days = std::to_string(data.days);
  return html(
      R"(<nav aria-label="Costs by"><ul class="filters">{}</ul></nav><nav aria-label="Time"><ul class="filters">{}</ul></nav>)",
      each(kCostViews,
           [&](const CostView& one) {
             return filter_link(one.name, address(one.word, days), one.by == data.by);
           }),
      each(kSpans, [&](const Choice& one) {
        return filter_link(one.name, address(word_of(data.by), one.word), one.word == days);
      }));
}

// What has no name of its own.
Markup key_of(const CostRow& row, CostGroup by) {
  if (!row.key.empty()) return html(R"(<bdi>{}</bdi>)", row.key);
  const auto what = by == CostGroup::job ? "no job" : by == CostGroup::label ? "no label" : "none";
  return html(R"(<span class="muted">{}</span>)", what);
}

// Work, then idle, against the dearest row. The figures stand beside it.
Markup bar(const model::Cost& cost, model::Money most) {
  const auto width = [&](model::Money money) {
    return most.micros <= 0 ? 0 : std::clamp<std::int64_t>(money.micros * 1000 / most.micros, 0, 1000);
  };
  const auto work = width(cost.useful);
  return html(
      R"(<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="work" x="0" y="0" width="{}" height="10"/><rect class="idle" x="{}" y="0" width="{}" height="10"/></svg>)",
      work, work, std::min<std::int64_t>(width(cost.idle), 1000 - work));
}

Markup cost_row(const Markup& key, const CostRow& row, const Markup& drawing) {
  return html(
      R"(<tr><td data-label="What">{}</td><td data-label="Builds">{}</td><td data-label="Agents">{}</td><td data-label="At work">{} <span class="muted">{}</span></td><td data-label="Idle">{} <span class="muted">{}</span></td><td data-label="Total">{}</td><td class="wide">{}</td></tr>)",
      key, row.builds, row.agents, model::format_money(row.cost.useful),
      format_duration(row.cost.useful_time), model::format_money(row.cost.idle),
      format_duration(row.cost.idle_time), model::format_money(row.cost.total()), drawing);
}

Markup table(const CostsData& data) {
  model::Money most;
  for (const auto& row : data.report.rows) most = std::max(most, row.cost.total());
  return html(
      R"(<table class="rows"><caption class="hidden">Costs by {}</caption><thead><tr><th scope="col">{}</th><th scope="col">Builds</th><th scope="col">Agents</th><th scope="col">At work</th><th scope="col">Idle</th><th scope="col">Total</th><th scope="col"><span class="hidden">Plot</span></th></tr></thead><tbody>{}{}</tbody></table>{})",
      word_of(data.by), name_of(data.by),
      each(data.report.rows,
           [&](const CostRow& row) { return cost_row(key_of(row, data.by), row, bar(row.cost, most)); }),
      cost_row(html("<strong>All together</strong>"), data.report.total, {}),
      data.report.more ? nothing("There are more rows; the dearest are shown.") : Markup());
}

// Of which day list prices are, and where they were read.
Markup price_lists() {
  return each(model::price_lists(), [](const model::PriceList& list) {
    return html(R"( List prices {} are of {}, from {}.)", list.name, list.date, list.source);
  });
}

}  // namespace

Page costs_page(const CostsData& data, const View&) {
  Page page;
  page.title = "Costs";
  page.section = Section::costs;
  page.body = html(
      R"(<div class="heading"><h1>Costs</h1></div>{}{}<p class="muted">A build counts once its time on an agent is over, idle time once the agent is gone. Days are of UTC. Prices are those of the configuration: what you pay stands on your bill. <code>footman cost</code> writes it as CSV or JSON.{}</p>)",
      choices(data), data.report.rows.empty() ? nothing("Nothing has ended in this time.") : table(data),
      price_lists());
  return page;
}

}  // namespace footman::web
