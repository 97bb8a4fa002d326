#include "fleet/pools.hpp"

#include <algorithm>

#include "fleet/stored_answer.hpp"
#include "policy/look.hpp"

namespace footman::fleet {

using ports::AgentActivity;

Pools::Pools(Core& core) : core_(core) {}

ControllerName Pools::controller_of(const TemplateName& name) const {
  const auto& named = core_.config.controller_templates;
  for (const auto* controller : core_.parts.controllers) {
    const auto it = named.find(controller->name());
    if (it == named.end() || !it->second.contains(name)) continue;
    return controller->takes_agents() ? it->first : ControllerName();
  }
  return core_.parts.controllers.empty() ? ControllerName() : core_.parts.controllers.front()->name();
}

model::PoolSize Pools::size_of(TemplateEntry& t) const {
  const auto now = core_.now();
  auto& known = t.pool_now;
  const bool holds = known && now >= known->since && (!known->until.is_set() || now < known->until);
  if (holds) return known->size;
  known = model::pool_at(t.config.pool, now);
  auto& size = known->size;
  if (t.config.pool.goal && t.answer)
    size.min_idle = std::clamp(t.answer->min_idle, size.min_idle, size.max_idle);
  return size;
}

void Pools::set_answers(PoolAnswers answers) {
  for (auto& [name, answer] : answers) {
    const auto t = core_.templates.find(name);
    if (t != core_.templates.end() && t->second.config.pool.goal) set_answer(t->second, std::move(answer));
  }
}

void Pools::set_answer(TemplateEntry& t, PoolAnswer answer) {
  const auto gauge = [&](const char* metric, const char* help) -> base::Gauge& {
    return core_.parts.metrics.gauge(metric, help, {{"template", t.config.name.str()}});
  };
  gauge("footman_pool_goal_idle", "Idle agents that a pool needs for its goal").set(answer.min_idle);
  gauge("footman_pool_goal_met", "1: by the last search the pool meets its goal").set(answer.met ? 1 : 0);
  const bool is_news = !t.answer || t.answer->min_idle != answer.min_idle || t.answer->met != answer.met;
  const LogFields fields{
      {"template", t.config.name}, {"min_idle", answer.min_idle}, {"met", answer.met}, {"why", answer.text}};
  t.answer = std::move(answer);
  t.pool_now.reset();
  core_.scope.spawn("store answer", store_answer(&core_, t.config.name, encode_answer(*t.answer)));
  if (!is_news) return;
  core_.parts.log.info("a pool has a size for its goal", fields);
  core_.publish("pool", t.config.name.str(), t.answer->met ? "goal_met" : "goal_not_met");
  core_.look->notify();
}

Instant Pools::next_change() const {
  Instant next;
  for (const auto& [name, t] : core_.templates)
    if (t.pool_now) policy::look_no_later(next, t.pool_now->until);
  return next;
}

// Behind its change: a server that dies before finds the one before at its next start.
Awaitable<void> Pools::store_answer(Core* core, TemplateName name, std::string encoded) {
  const auto stored = co_await core->parts.store.save_setting(answer_key(name), std::move(encoded));
  if (!stored)
    core->parts.log.warning("the size of a pool cannot be stored",
                            {{"template", name}, {"error", describe(stored.error())}});
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
  if (!it->second.config.pool.empty()) count_builds(entry, it->second.pool);
  const bool is_idle = entry.seen.activity == AgentActivity::idle && !entry.is_ending();
  if (!is_idle) core_.settle_idle(entry);
  if (is_idle && !entry.idle_from) entry.idle_from = core_.steady();
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
  view.goal = t.config.pool.goal;
  if (view.goal) view.answer = t.answer;
  return view;
}

std::map<TemplateName, IdleTimes> Pools::idle_times() const {
  std::map<TemplateName, IdleTimes> times;
  for (const auto& [name, t] : core_.templates) times[name] = t.pool.idle;
  for (const auto& [order, entry] : core_.agents())
    if (entry->idle_from)
      times[entry->row.template_name][entry->row.price.per_hour] += core_.steady() - *entry->idle_from;
  return times;
}

}  // namespace footman::fleet
