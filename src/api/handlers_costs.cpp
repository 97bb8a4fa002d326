// The report of costs.
#include <algorithm>

#include "api/context.hpp"
#include "api/json_out.hpp"
#include "api/query.hpp"
#include "api/respond.hpp"
#include "fleet/costs.hpp"
#include "model/price_list.hpp"
#include "model/words.hpp"
#include "store/cost_report.hpp"

namespace footman::api {
namespace {

using store::CostGroup;

constexpr model::Word<CostGroup> kGroups[] = {{CostGroup::job, "job"},
                                              {CostGroup::label, "label"},
                                              {CostGroup::template_name, "template"},
                                              {CostGroup::cloud, "cloud"},
                                              {CostGroup::day, "day"}};

std::optional<CostGroup> find_group(std::string_view text) { return model::find_value(kGroups, text); }

Instant time_of(Query& query, Errors& errors, std::string_view name) {
  const auto text = query.text(name);
  if (!text) return {};
  const auto at = parse_rfc3339(*text);
  if (at) return *at;
  errors.add("a time like 2026-11-24T00:00:00Z was expected", std::string(name));
  return {};
}

json::object row_to_json(const store::CostRow& row) {
  return {{"builds", row.builds}, {"agents", row.agents}, {"cost", to_json(row.cost)}};
}

// Of the agents that are there, without what stands in the rows.
json::object running_to_json(const Context& context, model::Money in_rows) {
  std::uint32_t count = 0;
  model::Money total;
  for (const auto& view : context.parts.fleet.list_agents()) {
    if (!model::may_hold_resource(view.agent.state)) continue;
    ++count;
    total += fleet::cost_so_far(view.agent, Duration(0), context.now()).total();
  }
  return {{"agents", count}, {"total_micro_usd", std::max(model::Money(), total - in_rows).micros}};
}

// Where list prices are from, and of which day they are.
json::array price_lists_to_json() {
  json::array lists;
  for (const auto& list : model::price_lists())
    lists.push_back(json::object{{"name", utf8(list.name)},
                                 {"title", utf8(list.title)},
                                 {"date", utf8(list.date)},
                                 {"source", utf8(list.source)}});
  return lists;
}

}  // namespace

Awaitable<Reply> report_costs(Context& context, Call call) {
  Errors errors;
  Query query(*call.request, errors);
  const auto by = query.word("by", find_group, "job, label, template, cloud or day").value_or(CostGroup::job);
  const auto since = time_of(query, errors, "since");
  const auto until = time_of(query, errors, "until");
  if (since.is_set() && until.is_set() && until <= since)
    errors.add("a time after 'since' was expected", "until");
  query.done();
  FOOTMAN_CO_TRY_STATUS(errors.status());
  FOOTMAN_CO_TRY(const auto report, co_await store::report_costs(context.parts.store, by, {since, until}));
  json::object body{{"by", model::get_word(kGroups, by)}};
  json::array rows;
  for (const auto& row : report.rows) {
    auto one = row_to_json(row);
    one["key"] = utf8(row.key);
    rows.push_back(std::move(one));
  }
  body["rows"] = std::move(rows);
  body["more"] = report.more;
  body["total"] = row_to_json(report.total);
  body["running"] = running_to_json(context, report.useful_of_live);
  body["price_lists"] = price_lists_to_json();
  co_return json_response(200, body);
}

}  // namespace footman::api
