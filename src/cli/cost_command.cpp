// cost: what agents and builds have cost, by job, label, template, cloud or day.
#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "base/ascii.hpp"
#include "cli/context.hpp"
#include "cli/costs.hpp"
#include "cli/csv.hpp"
#include "cli/groups.hpp"
#include "cli/past_time.hpp"
#include "model/money.hpp"

namespace footman::cli {
namespace {

// "7d" is that long ago; a day begins at 00:00 UTC.
std::string seconds_text(const json::value& cost, std::string_view field) {
  return fmt::format("{:.3f}", static_cast<double>(number_of(cost, field).value_or(0)) / 1000);
}

// Dollars, without a sign, as tables of other programs read them.
std::string dollars(const json::value& cost, std::string_view field) {
  const auto text = model::format_money({number_of(cost, field).value_or(0)});
  return text.starts_with('$') ? text.substr(1) : "-" + text.substr(2);
}

void print_csv(Output& out, const json::value& report) {
  out.line(fmt::format("{},builds,agents,work_seconds,idle_seconds,work_usd,idle_usd,total_usd",
                       text_of(report, "by")));
  for (const auto& row : list_of(report, "rows")) {
    const auto& cost = part_of(row, "cost");
    out.line(fmt::format("{},{},{},{},{},{},{},{}", csv_field(text_of(row, "key")),
                         number_text(row, "builds"), number_text(row, "agents"),
                         seconds_text(cost, "useful_ms"), seconds_text(cost, "idle_ms"),
                         dollars(cost, "useful_micro_usd"), dollars(cost, "idle_micro_usd"),
                         dollars(cost, "total_micro_usd")));
  }
}

void add_row(Table& table, std::string key, const json::value& row) {
  const auto& cost = part_of(row, "cost");
  const auto time = [&](const char* field) {
    return format_duration(millis_of(cost, field).value_or(Duration(0)));
  };
  table.add({std::move(key), number_text(row, "builds"), number_text(row, "agents"), time("useful_ms"),
             time("idle_ms"), money_text(cost, "useful_micro_usd"), money_text(cost, "idle_micro_usd"),
             money_text(cost, "total_micro_usd")});
}

void print_table(const Session& session, const json::value& report) {
  Table table({base::upper_case(text_of(report, "by")), "BUILDS", "AGENTS", "AT WORK", "IDLE", "WORK",
               "IDLE COST", "TOTAL"});
  for (const auto& row : list_of(report, "rows")) {
    const auto key = text_of(row, "key");
    add_row(table, key.empty() ? "(none)" : key, row);
  }
  if (table.empty()) {
    session.err().line("no agent has ended in this time, and no build on one");
  } else {
    add_row(table, "all", part_of(report, "total"));
    table.print(session.out());
  }
  if (flag_of(report, "more")) session.err().line("there are more rows: ask for a shorter time");
  const auto& running = part_of(report, "running");
  if (number_of(running, "agents").value_or(0) > 0)
    session.err().line(fmt::format("not in it: {} agents that are there now, {} so far",
                                   number_text(running, "agents"), money_text(running, "total_micro_usd")));
  const auto spent = number_of(part_of(part_of(report, "total"), "cost"), "total_micro_usd").value_or(0) +
                     number_of(running, "total_micro_usd").value_or(0);
  if (spent == 0) return;
  for (const auto& list : list_of(report, "price_lists"))
    session.err().line(fmt::format("list prices {} are of {}, from {}", clean(text_of(list, "name")),
                                   clean(text_of(list, "date")), clean(text_of(list, "source"))));
}

Awaitable<Result<int>> cost(Session& session, const Arguments& arguments) {
  if (session.json && arguments.has("csv"))
    co_return fail(Errc::invalid_argument, "--csv and --json do not go together");
  Query query;
  if (arguments.has("by")) query.emplace_back("by", arguments.text("by"));
  for (const auto* option : {"since", "until"}) {
    if (!arguments.has(option)) continue;
    FOOTMAN_CO_TRY(const auto at,
                   read_past_time(arguments.text(option), std::string("--") + option, session.clock.now()));
    query.emplace_back(option, format_rfc3339(at));
  }
  FOOTMAN_CO_TRY(const auto report, co_await session.client.get("/costs", std::move(query)));
  if (session.json)
    session.out().write(pretty(report));
  else if (arguments.has("csv"))
    print_csv(session.out(), report);
  else
    print_table(session, report);
  co_return exit_ok;
}

}  // namespace

std::string money_text(const json::value& object, std::string_view field) {
  const auto micros = number_of(object, field);
  return micros ? model::format_money({*micros}) : std::string();
}

std::string cost_text(const json::value& cost) {
  if (!cost.is_object()) return {};
  const auto part = [&](const char* money, const char* time) {
    return fmt::format("{} in {}", money_text(cost, money),
                       format_duration(millis_of(cost, time).value_or(Duration(0))));
  };
  return fmt::format("{}{}: {} of work, {} idle", money_text(cost, "total_micro_usd"),
                     flag_of(cost, "final") ? "" : " so far", part("useful_micro_usd", "useful_ms"),
                     part("idle_micro_usd", "idle_ms"));
}

Command cost_command() {
  return {
      "cost",
      "what builds and agents have cost",
      "Counts builds whose time on an agent is over, and the idle time of agents that are gone: starting,\n"
      "waiting and ending. Prices stand in footman.yaml; in US dollars. Of which day the list prices are, "
      "and\n"
      "where they were read, stands below the table and in the JSON.",
      {{"footman cost", "by job, the dearest first"},
       {"footman cost --by day --since 30d", "each day of the last month"},
       {"footman cost --by template --since 2026-11-01 --until 2026-12-01 --csv", "a month, for a table"}},
      {{"by",
        0,
        Value::text,
        "WHAT",
        "one row each (job)",
        false,
        {"job", "label", "template", "cloud", "day"}},
       {"since", 0, Value::text, "TIME", "what was over from then on: 7d, 2026-11-24, 2026-11-24T08:00:00Z"},
       {"until", 0, Value::text, "TIME", "and before"},
       {"csv", 0, Value::none, "", "as comma-separated values"}},
      {},
      {},
      {},
      cost};
}

}  // namespace footman::cli
