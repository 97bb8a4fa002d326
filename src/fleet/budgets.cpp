#include "fleet/budgets.hpp"

#include <algorithm>

#include "fleet/costs.hpp"

namespace footman::fleet {
namespace {

bool is_limited(const model::Budget& budget) { return budget.per_hour || budget.per_day; }

bool has_budgets(const FleetConfig& config) {
  return is_limited(config.resources.budget) ||
         std::ranges::any_of(config.cloud_resources,
                             [](const auto& one) { return is_limited(one.second.budget); });
}

// Of an agent that is there, what must be paid by now and is of today.
model::Money cost_today(const AgentEntry& entry, Instant day, Instant now) {
  const auto billed = billed_of(entry, now);
  if (!billed.from.is_set()) return {};
  return model::charge(entry.row.price.per_hour, billed.until - std::max(billed.from, day));
}

// What was paid ahead when it ended is so for no longer from now on: the clock may have been set back since.
policy::PaidSpan span_of(const store::Charge& charge, Instant now) {
  const auto ahead = std::max(Duration(0), charge.span.until - charge.ended);
  const auto late = std::max(Duration(0), charge.span.until - (now + ahead));
  return {charge.cloud, charge.span.from - late, charge.span.until - late, charge.amount};
}

}  // namespace

SpentNow spent_now(Core& core) {
  SpentNow spent;
  if (!has_budgets(core.config)) return spent;
  const auto now = core.time();
  spent.all = core.spending.spent(now);
  for (const auto& [name, cloud] : core.clouds) spent.by_cloud[name] = core.spending.spent(name, now);
  const auto day = policy::begin_of_day(now);
  for (const auto& [order, entry] : core.agents()) {
    const auto& row = entry->row;
    if (row.price.per_hour.is_zero() || !model::may_hold_resource(row.state)) continue;
    const auto cost = cost_today(*entry, day, now);
    spent.all.today += cost;
    if (const auto it = spent.by_cloud.find(row.cloud); it != spent.by_cloud.end()) it->second.today += cost;
  }
  return spent;
}

Awaitable<Status> read_spending(Core& core) {
  const auto now = core.time();
  FOOTMAN_CO_TRY(const auto charges, co_await core.parts.store.list_charges(policy::begin_of_day(now), now));
  for (const auto& one : charges) core.spending.add(span_of(one, now), now);
  co_return Status();
}

}  // namespace footman::fleet
