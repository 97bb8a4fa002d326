#include "fleet/budgets.hpp"

#include <algorithm>

#include "policy/billing.hpp"

namespace footman::fleet {
namespace {

bool is_limited(const model::Budget& budget) { return budget.per_hour || budget.per_day; }

bool has_budgets(const FleetConfig& config) {
  return is_limited(config.resources.budget) ||
         std::ranges::any_of(config.cloud_resources,
                             [](const auto& one) { return is_limited(one.second.budget); });
}

// Of an agent that is there, what must be paid by now and is of today.
model::Money cost_today(const model::Agent& agent, Instant day, Instant now) {
  const auto billed = policy::find_billed_time(agent.price.billing, policy::life_of(agent), now);
  if (!billed.from.is_set()) return {};
  return model::charge(agent.price.per_hour, billed.until - std::max(billed.from, day));
}

}  // namespace

SpentNow spent_now(Core& core) {
  SpentNow spent;
  if (!has_budgets(core.config)) return spent;
  const auto now = core.now();
  spent.all = core.spending.spent(now);
  for (const auto& [name, cloud] : core.clouds) spent.by_cloud[name] = core.spending.spent(name, now);
  const auto day = policy::begin_of_day(now);
  for (const auto& [order, entry] : core.agents()) {
    const auto& row = entry->row;
    if (row.price.per_hour.is_zero() || !model::may_hold_resource(row.state)) continue;
    const auto cost = cost_today(row, day, now);
    spent.all.today += cost;
    if (const auto it = spent.by_cloud.find(row.cloud); it != spent.by_cloud.end()) it->second.today += cost;
  }
  return spent;
}

Awaitable<Status> read_spending(Core& core) {
  const auto now = core.now();
  FOOTMAN_CO_TRY(const auto charges, co_await core.parts.store.list_charges(policy::begin_of_day(now)));
  for (const auto& one : charges)
    core.spending.add({one.cloud, one.span.from, one.span.until, one.amount}, now);
  co_return Status();
}

}  // namespace footman::fleet
