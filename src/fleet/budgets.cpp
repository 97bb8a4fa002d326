#include "fleet/budgets.hpp"

#include <algorithm>

#include "fleet/costs.hpp"

namespace footman::fleet {
namespace {

bool is_limited(const model::Budget& budget) { return budget.per_hour || budget.per_day; }

bool has_label(const std::vector<std::string>& labels, const std::string& label) {
  return std::ranges::find(labels, label) != labels.end();
}

// By the agents that are gone.
SpentNow spent_by_gone(Core& core, Instant now) {
  const auto& config = core.config;
  SpentNow spent;
  const auto look = [&](const model::AgentLimits& limits,
                        const auto& counts) -> std::optional<policy::Spent> {
    if (!is_limited(limits.budget)) return std::nullopt;
    return core.spending.spent(counts, now);
  };
  using policy::Payer;
  if (auto all = look(config.limits, [](const Payer&) { return true; })) spent.all = *all;
  for (const auto& [name, limits] : config.cloud_limits)
    if (auto found = look(limits, [&](const Payer& one) { return one.cloud == name; }))
      spent.clouds[name] = *found;
  for (const auto& [name, t] : core.templates)
    if (auto found = look(t.config.limits, [&](const Payer& one) { return one.template_name == name; }))
      spent.templates[name] = *found;
  for (const auto& [label, limits] : config.label_limits)
    if (auto found = look(limits, [&](const Payer& one) { return has_label(one.labels, label); }))
      spent.labels[label] = *found;
  for (const auto& [name, limits] : config.controller_limits)
    if (auto found = look(limits, [&](const Payer& one) { return one.controller == name; }))
      spent.controllers[name] = *found;
  return spent;
}

bool has_budgets(const FleetConfig& config, const SpentNow& spent) {
  return is_limited(config.limits.budget) || !spent.clouds.empty() || !spent.templates.empty() ||
         !spent.labels.empty() || !spent.controllers.empty();
}

// What was paid ahead when it ended is so for no longer from now on: the clock may have been set back since.
policy::PaidSpan span_of(const store::Charge& charge, Instant now) {
  const auto ahead = std::max(Duration(0), charge.span.until - charge.ended);
  const auto late = std::max(Duration(0), charge.span.until - (now + ahead));
  return {{charge.cloud, charge.template_name, charge.controller, charge.labels},
          charge.span.from - late,
          charge.span.until - late,
          charge.amount};
}

}  // namespace

SpentNow spent_now(Core& core, policy::RunningCosts& running) {
  const auto now = core.time();
  auto spent = spent_by_gone(core, now);
  if (!has_budgets(core.config, spent)) return spent;
  for (const auto& [payer, cost] : running.today(now)) {
    const auto add = [cost](auto& all, const auto& name) {
      if (const auto it = all.find(name); it != all.end()) it->second.today += cost;
    };
    spent.all.today += cost;
    add(spent.clouds, payer.cloud);
    add(spent.templates, payer.template_name);
    add(spent.controllers, payer.controller);
    for (auto& [label, of_label] : spent.labels)
      if (has_label(payer.labels, label)) of_label.today += cost;
  }
  return spent;
}

void note_running(policy::RunningCosts& running, const AgentEntry& entry) {
  const auto& row = entry.row;
  if (row.price.per_hour.is_zero() || !model::may_hold_resource(row.state)) return running.drop(row.id);
  running.put(row.id, {row.cloud, row.template_name, row.controller, row.labels}, row.price, entry.life);
}

Awaitable<Status> read_spending(Core& core) {
  const auto now = core.time();
  FOOTMAN_CO_TRY(const auto charges, co_await core.parts.store.list_charges(policy::begin_of_day(now), now));
  for (const auto& one : charges) core.spending.add(span_of(one, now), now);
  co_return Status();
}

}  // namespace footman::fleet
