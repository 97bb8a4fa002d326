// pool list
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/context.hpp"
#include "cli/costs.hpp"
#include "cli/groups.hpp"

namespace footman::cli {
namespace {

// Builds that no agent was launched for, of all builds.
std::string share_of_hits(const json::value& pool) {
  const auto hits = number_of(pool, "hits").value_or(0);
  const auto all = hits + number_of(pool, "misses").value_or(0);
  return all == 0 ? "-" : fmt::format("{} of {}", hits, all);
}

// What is known of the goals of pools, below their table.
void print_goals(Output& out, const json::array& pools) {
  for (const auto& pool : pools) {
    const auto& goal = part_of(pool, "goal");
    if (!goal.is_object()) continue;
    const auto& answer = part_of(goal, "answer");
    const auto found = answer.is_object() ? fmt::format("{} (found {})", text_of(answer, "text"),
                                                        show_time(time_of(answer, "at")))
                                          : std::string("its size is being found");
    out.line(clean(fmt::format("{}: {}: {}", text_of(pool, "template"), text_of(goal, "text"), found)));
  }
}

Awaitable<Result<int>> list_pools(Session& session, const Arguments&) {
  FOOTMAN_CO_TRY(const auto clouds, co_await session.client.get("/clouds"));
  json::array pools;
  for (const auto& cloud : list_of(clouds, "clouds"))
    for (const auto& one : list_of(cloud, "templates")) {
      if (!part_of(one, "pool").is_object()) continue;
      auto pool = part_of(one, "pool").as_object();
      pool["template"] = text_of(one, "name");
      pool["cloud"] = text_of(cloud, "name");
      for (const auto* field : {"idle_ms", "idle_micro_usd"})
        if (const auto value = number_of(one, field)) pool[field] = *value;
      pools.emplace_back(std::move(pool));
    }
  if (session.json) {
    session.out().write(pretty(json::object{{"pools", std::move(pools)}}));
    co_return exit_ok;
  }
  Table table({"TEMPLATE", "CLOUD", "WANTS", "READY", "ON THE WAY", "AT WORK", "SERVED", "IDLE TIME",
               "IDLE COST", "TROUBLE"});
  for (const auto& pool : pools)
    table.add(
        {text_of(pool, "template"), text_of(pool, "cloud"), text_of(pool, "size"),
         fmt::format("{}/{}", number_of(pool, "idle").value_or(0), number_of(pool, "target").value_or(0)),
         number_text(pool, "on_way"), number_text(pool, "at_work"), share_of_hits(pool),
         format_duration(millis_of(pool, "idle_ms").value_or(Duration(0))),
         money_text(pool, "idle_micro_usd"), text_of(pool, "trouble")});
  if (table.empty()) {
    session.err().line("no template keeps a pool now");
  } else {
    table.print(session.out());
    print_goals(session.out(), pools);
  }
  co_return exit_ok;
}

}  // namespace

Command pool_commands() {
  return {
      "pool",
      "list warm pools",
      "",
      {{"footman pool list", "agents that are kept ready, and what they were good for"}},
      {},
      {},
      {{"list",
        "templates that keep agents ready",
        "READY: agents without work, of those that are wanted. SERVED: builds for which no agent had to\n"
        "be launched, of all builds since the server was started. IDLE TIME: of all its agents together.\n"
        "Below the table stands what the pools with a goal need for it, and when that was found.",
        {{"footman pool list", ""}},
        {},
        {},
        {},
        {},
        list_pools}}};
}

}  // namespace footman::cli
