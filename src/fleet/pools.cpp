#include "fleet/pools.hpp"

namespace footman::fleet {

using ports::AgentActivity;

Pools::Pools(Core& core) : core_(core) {}

ControllerName Pools::controller() const {
  return core_.parts.controllers.empty() ? ControllerName() : core_.parts.controllers.front()->name();
}

model::PoolSize Pools::size_of(TemplateEntry& t) const {
  const auto now = core_.now();
  auto& known = t.pool_now;
  const bool holds = known && now >= known->since && (!known->until.is_set() || now < known->until);
  if (!holds) known = model::pool_at(t.config.pool, now);
  return known->size;
}

Instant Pools::next_change() const {
  Instant next;
  for (const auto& [name, t] : core_.templates)
    if (t.pool_now && t.pool_now->until.is_set() && (!next.is_set() || t.pool_now->until < next))
      next = t.pool_now->until;
  return next;
}

base::Counter& Pools::builds(const TemplateName& name, const char* outcome) const {
  return core_.parts.metrics.counter(
      "footman_pool_builds_total",
      "Builds on agents of templates with a pool: hit, no agent was launched for it; miss, one was",
      {{"template", name.str()}, {"outcome", outcome}});
}

void Pools::note_seen(AgentEntry& entry) {
  const auto it = core_.templates.find(entry.row.template_name);
  if (it == core_.templates.end()) return entry.idle_from.reset();
  auto& record = it->second.pool;
  if (!it->second.config.pool.empty()) count_builds(entry, record);
  const auto now = core_.steady();
  if (entry.idle_from) record.idle[entry.row.price.per_hour] += now - *entry.idle_from;
  entry.idle_from.reset();
  if (entry.seen.activity == AgentActivity::idle && !entry.is_ending()) entry.idle_from = now;
}

// The first build of an agent that was launched for one had to wait for it, whichever that is in the end.
void Pools::count_builds(AgentEntry& entry, PoolRecord& record) const {
  if (entry.seen.activity == AgentActivity::unknown) return;
  const auto begun = entry.seen.builds_done + (entry.seen.started ? 1U : 0U);
  if (!entry.served) entry.served = begun;  // what it did before the server was restarted is not known
  for (auto& number = *entry.served; number < begun; ++number) {
    const bool is_miss = number == 0 && !entry.row.for_item.empty();
    ++(is_miss ? record.misses : record.hits);
    builds(entry.row.template_name, is_miss ? "miss" : "hit").add();
  }
}

PoolView Pools::view(const TemplateEntry& t, const policy::PoolReport& report) const {
  PoolView view;
  if (t.pool_now) {
    view.size = model::describe(t.pool_now->size);
    view.schedule = t.pool_now->schedule;
    view.until = t.pool_now->until;
  }
  view.target = report.target;
  view.at_work = report.at_work;
  view.idle = report.idle;
  view.on_way = report.on_way;
  if (report.hold) {
    view.hold = to_string(report.hold->reason);
    view.trouble = report.hold->text;
    view.look_again = report.hold->look_again;
  }
  view.hits = t.pool.hits;
  view.misses = t.pool.misses;
  return view;
}

std::map<model::Money, Duration> Pools::idle_times(const TemplateEntry& t) const {
  auto times = t.pool.idle;
  for (const auto& [order, entry] : core_.agents())
    if (entry->idle_from && entry->row.template_name == t.config.name)
      times[entry->row.price.per_hour] += core_.steady() - *entry->idle_from;
  return times;
}

}  // namespace footman::fleet
