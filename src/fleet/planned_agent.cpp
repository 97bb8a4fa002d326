#include "fleet/planned_agent.hpp"

#include "fleet/costs.hpp"
#include "policy/billing.hpp"

namespace footman::fleet {

using ports::AgentActivity;

namespace {

Instant paid_until(const Core& core, const AgentEntry& entry) {
  const auto t = core.templates.find(entry.row.template_name);
  if (t == core.templates.end() || !t->second.config.keep_paid) return {};
  const auto billed = policy::find_billed_time(entry.row.price.billing, entry.life, entry.life.answered);
  return billed.from.is_set() ? billed.from + entry.row.price.billing.minimum : Instant();
}

}  // namespace

bool is_leaving(const AgentEntry& entry) {
  return model::is_serving(entry.row.state) && (entry.ending || entry.drain);
}

bool is_awaited(const AgentEntry& entry) { return !entry.known && entry.row.connected.is_set(); }

PlannedAs planned_as(const Core& core, const AgentEntry& entry) {
  PlannedAs now;
  now.state = entry.row.state;
  now.is_leaving = is_leaving(entry);
  now.is_barred = entry.removed || entry.drain_told;
  now.is_unheard = entry.unheard && !entry.row.connected.is_set();
  now.awaited = is_awaited(entry);
  now.activity = now.awaited ? AgentActivity::busy : entry.seen.activity;
  now.builds_done = entry.row.builds_done;
  now.for_item = entry.item();
  now.working = !entry.seen.working_on.empty();
  now.asked = entry.asked;
  now.was_connected = entry.row.connected.is_set();
  now.connected = entry.life.connected;
  now.idle_since = entry.idle_since;
  now.paid_until = paid_until(core, entry);
  if (!billed_of(entry, core.time()).from.is_set())
    now.least_billed = model::least_billed(entry.row.price.billing);
  now.launch_deadline = entry.launch_deadline;
  now.end_reason = entry.seen.end_reason;
  return now;
}

policy::Agent agent_of(const AgentEntry& entry) {
  const auto& now = *entry.planned_as;
  policy::Agent agent;
  agent.id = entry.id();
  agent.cloud = entry.row.cloud;
  agent.template_name = entry.row.template_name;
  agent.generation = entry.row.template_generation;
  agent.labels = entry.row.labels;
  agent.size = entry.row.size;
  agent.per_hour = entry.row.price.per_hour;
  agent.least_billed = now.least_billed;
  agent.is_default = entry.request.is_default;
  agent.state = now.state;
  agent.activity = now.activity;
  agent.controller = entry.row.controller;
  agent.for_item = now.for_item;
  agent.max_builds = entry.row.max_builds;
  agent.builds_done = now.builds_done;
  agent.working = now.working;
  agent.awaited = now.awaited;
  agent.is_leaving = now.is_leaving;
  agent.is_barred = now.is_barred;
  agent.is_unheard = now.is_unheard;
  agent.idle_timeout = entry.row.idle_timeout;
  agent.max_age = entry.request.max_age;
  agent.planned = entry.row.planned;
  agent.connected = now.connected;
  agent.idle_since = now.idle_since;
  agent.paid_until = now.paid_until;
  agent.launch_deadline = now.launch_deadline;
  agent.end_reason = now.end_reason;
  return agent;
}

}  // namespace footman::fleet
