#include "fleet/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "fleet/stored_breaker.hpp"
#include "store/until_stored.hpp"

namespace footman::fleet {

using model::AgentState;
using model::FailureClass;
using policy::BreakerState;

namespace {

const std::vector<double> kSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                   0.5,   1,      2.5,   5,    10,    30,   60,  300};

std::size_t index_of_variant(const TemplateEntry& t, const AgentEntry& entry) {
  const auto found = std::ranges::find(t.variants, entry.request.variant, &ports::Variant::name);
  return static_cast<std::size_t>(found - t.variants.begin());
}

}  // namespace

std::string shorten(std::string message) {
  if (message.size() <= kMessageBytes) return message;
  message.resize(base::cut_utf8(message, kMessageBytes).size());
  return message + "…";
}

std::string describe_unknown_cloud(const model::Agent& row) {
  return fmt::format(
      "Its cloud '{}' is not configured any more, so nobody can end it or see that it is gone, and it counts "
      "in limits. Configure the cloud again or, once it ends and you know that it is gone, close its record: "
      "footman agent terminate {}",
      row.cloud.str(), row.id.str());
}

// --- metrics

FleetMetrics::FleetMetrics(base::Metrics& metrics)
    : plans(metrics.counter("footman_plans_total", "Decisions of the fleet")),
      held(metrics.gauge("footman_reconcile_held",
                         "Agents without a record that are not ended before a person has said so")),
      calls_unanswered(metrics.counter("footman_cloud_calls_unanswered_total",
                                       "Calls to a cloud that failed or timed out without a clear answer")),
      launch_seconds(metrics.histogram("footman_launch_seconds",
                                       "From the decision to the agent's connection", kSeconds)),
      launch_call_seconds(metrics.histogram("footman_launch_call_seconds",
                                            "From the launch call to the cloud's answer", kSeconds)),
      metrics_(metrics) {
  for (std::size_t i = 0; i < agents_.size(); ++i)
    agents_[i] = &metrics.gauge("footman_agents", "Agents by state; ended ones are not counted",
                                {{"state", std::string(to_string(static_cast<AgentState>(i)))}});
  for (std::size_t i = 0; i < breakers_.size(); ++i)
    breakers_[i] = &metrics.gauge("footman_template_breakers", "Agent templates by state of their breaker",
                                  {{"state", std::string(to_string(static_cast<BreakerState>(i)))}});
}

void FleetMetrics::count_state(AgentState state, int by) {
  if (state != AgentState::terminated) agents_.at(static_cast<std::size_t>(state))->add(by);
}

base::Counter& FleetMetrics::launches(const CloudName& cloud, const std::string& outcome) {
  return metrics_.counter("footman_launches_total", "Launch calls by outcome",
                          {{"cloud", cloud.str()}, {"outcome", outcome}});
}

base::Counter& FleetMetrics::findings(Verdict verdict) {
  return metrics_.counter("footman_reconcile_findings_total", "Differences between rows and resources",
                          {{"verdict", std::string(to_string(verdict))}});
}

base::Counter& FleetMetrics::launch_failures(FailureClass failure) {
  return metrics_.counter("footman_launch_failures_total", "Launches that gave no agent, by failure class",
                          {{"failure", std::string(to_string(failure))}});
}

void FleetMetrics::set_breakers(const std::map<TemplateName, TemplateEntry>& templates) {
  std::array<std::int64_t, 4> counts{};
  for (const auto& [name, t] : templates) ++counts.at(static_cast<std::size_t>(t.breaker.state));
  for (std::size_t i = 0; i < counts.size(); ++i) breakers_[i]->set(counts[i]);
}

void FleetMetrics::set_holds(const std::map<std::string_view, std::int64_t>& holds) {
  for (auto& [reason, gauge] : holds_)
    if (!holds.contains(reason)) gauge->set(0);
  for (const auto& [reason, count] : holds) {
    auto it = holds_.find(reason);
    if (it == holds_.end()) {
      auto& gauge = metrics_.gauge("footman_holds", "Waiting items for which nothing is launched",
                                   {{"reason", std::string(reason)}});
      it = holds_.emplace(std::string(reason), &gauge).first;
    }
    it->second->set(count);
  }
}

// --- core

Core::Core(FleetParts p, FleetConfig c)
    : parts(std::move(p)),
      config(std::move(c)),
      even(parts.clock),
      scope(parts.control, parts.log),
      metrics(parts.metrics),
      look(std::make_shared<runtime::Event>()) {
  for (const auto* controller : parts.controllers) controller_names_.push_back(controller->name());
  for (auto* provider : parts.clouds) {
    auto cloud = std::make_shared<CloudEntry>();
    cloud->provider = provider;
    clouds.emplace(provider->name(), std::move(cloud));
  }
}

AgentEntry* Core::find_agent(const AgentId& id) const {
  const auto it = order_of_.find(id);
  return it == order_of_.end() ? nullptr : by_order_.at(it->second).get();
}

AgentEntry* Core::insert_agent(std::unique_ptr<AgentEntry> entry) {
  auto* const agent = entry.get();
  const auto order = agent->order = ++next_order_;
  touched_.insert(order);
  order_of_.emplace(agent->id(), order);
  by_order_.emplace(order, std::move(entry));
  metrics.count_state(agent->row.state, 1);
  return agent;
}

void Core::erase_agent(const AgentId& id) {
  const auto it = order_of_.find(id);
  if (it == order_of_.end()) return;
  const auto node = by_order_.extract(it->second);
  touched_.erase(it->second);
  worked_on_.erase(it->second);
  order_of_.erase(it);
  const auto& entry = node.mapped();
  settle_idle(*entry);
  if (!entry->has_cloud)
    std::erase_if(reconcile.findings, [&](const Finding& one) {
      return one.verdict == Verdict::cloud_unknown && one.agent == id;
    });
  erased_.push_back(id);
  metrics.count_state(entry->row.state, -1);
  if (entry->row.state == AgentState::terminated)
    ended_.push_back({entry->row, steady(), entry->gone && entry->gone->has_words});
  if (ended_.size() > kEndedAgentsKept) ended_.pop_front();
  agents_changed.notify();
  look->notify();
}

void Core::touch_all() {
  for (const auto& [order, entry] : by_order_) touched_.insert(touched_.end(), order);
}

Core::Orders Core::touched() const {
  auto orders = touched_;
  orders.insert(worked_on_.begin(), worked_on_.end());
  return orders;
}

Core::Orders Core::take_touched() {
  auto orders = touched();
  touched_.clear();
  return orders;
}

std::vector<AgentEntry*> Core::find_agents(const Orders& orders) const {
  std::vector<AgentEntry*> found;
  found.reserve(orders.size());
  for (const auto order : orders)
    if (const auto it = by_order_.find(order); it != by_order_.end()) found.push_back(it->second.get());
  return found;
}

void Core::set_worked_on(AgentEntry& entry, bool worked_on) {
  entry.worked_on = worked_on;
  if (worked_on)
    worked_on_.insert(entry.order);
  else
    worked_on_.erase(entry.order);
  touch(entry);
}

void Core::settle_idle(AgentEntry& entry) {
  if (!entry.idle_from) return;
  const auto t = templates.find(entry.row.template_name);
  if (t != templates.end()) t->second.pool.idle[entry.row.price.per_hour] += steady() - *entry.idle_from;
  entry.idle_from.reset();
}

const EndedAgent* Core::find_ended(const AgentId& id) const {
  const auto it = std::ranges::find(ended_, id, [](const EndedAgent& one) { return one.row.id; });
  return it == ended_.end() ? nullptr : &*it;
}

Duration Core::ended_at(const model::Agent& row) const {
  if (const auto* kept = find_ended(row.id)) return kept->at;
  const auto latest = ended_.size() < kEndedAgentsKept ? started : ended_.front().at;
  return std::min(latest, steady() - (now() - row.ended));
}

// A first connection and the begin of an idle time count from here: the controller's own instants are wall
// time, and it tells of them at once.
void Core::see(AgentEntry& entry, ports::AgentObservation seen) {
  if (seen.idle_since != entry.seen.idle_since)
    entry.idle_since = seen.idle_since.is_set() ? time() : Instant();
  if (seen.connected_at.is_set() && !entry.life.connected.is_set()) entry.life.connected = time();
  const auto notice = model::EndReason::notice;
  const bool had_notice = seen.end_reason == notice && entry.seen.end_reason != notice;
  const bool is_told = seen.activity == ports::AgentActivity::idle ||
                       seen.activity == ports::AgentActivity::busy ||
                       (seen.activity == ports::AgentActivity::done && entry.is_connected_now());
  if (is_told && (seen.activity != entry.seen.activity || seen.working_on != entry.seen.working_on ||
                  seen.builds_done != entry.seen.builds_done))
    entry.heard = time();
  const bool broke = entry.is_connected_now() && seen.activity == ports::AgentActivity::disconnected;
  entry.seen = std::move(seen);
  if (!entry.seen.build.empty()) entry.last_build = entry.seen.build;
  if (entry.is_connected_now() && std::exchange(entry.unheard, false))
    std::erase_if(reconcile.findings, [&](const Finding& one) {
      return one.held && one.verdict == Verdict::must_end && one.agent == entry.id();
    });
  if (auto* cloud = broke ? find_cloud(entry.row.cloud) : nullptr) cloud->provider->suspect(entry.row.handle);
  if (had_notice)
    note_reclaim(entry, entry.seen.detail);  // its cloud tells later; its build is run again now
}

Duration Core::follow_wall_clock() {
  const auto by = even.follow_wall();
  if (by == Duration(0)) return by;
  parts.log.warning("the clock was set", {{"by_seconds", by / 1s}});
  spending.move_by(by);
  for (auto& [name, t] : templates) {
    runtime::move_by(t.breaker.since, by);
    runtime::move_by(t.breaker.until, by);
    for (auto& variant : t.rotation.variants) {
      runtime::move_by(variant.since, by);
      runtime::move_by(variant.until, by);
    }
  }
  for (auto& [name, cloud] : clouds) runtime::move_by(cloud->hold_until, by);
  for (auto& [order, entry] : by_order_) {
    auto& life = entry->life;
    for (auto* kept : {&life.asked, &life.answered, &life.connected, &life.stop_asked, &life.gone,
                       &entry->launch_deadline, &entry->idle_since, &entry->heard, &entry->expected_at})
      runtime::move_by(*kept, by);
    if (entry->launch_trouble) runtime::move_by(entry->launch_trouble->next_try, by);
  }
  touch_all();
  return by;
}

model::AgentLimits Core::limits_of(const CloudName& cloud) const {
  const auto it = config.cloud_limits.find(cloud);
  auto limits = it == config.cloud_limits.end() ? model::AgentLimits() : it->second;
  const auto theirs = clouds.at(cloud)->provider->limits().max_agents;
  limits.agents =
      limits.agents == 0 || theirs == 0 ? std::max(limits.agents, theirs) : std::min(limits.agents, theirs);
  return limits;
}

CloudEntry* Core::find_cloud(const CloudName& name) const {
  const auto it = clouds.find(name);
  return it == clouds.end() ? nullptr : it->second.get();
}

std::vector<ControllerName> Core::controllers_of(const TemplateName& name) const {
  std::vector<ControllerName> served;
  for (const auto* controller : parts.controllers) {
    const auto named = config.controller_templates.find(controller->name());
    if (named == config.controller_templates.end() || named->second.contains(name))
      served.push_back(controller->name());
  }
  if (served.size() == parts.controllers.size()) return {};
  if (served.empty()) served.emplace_back();  // nobody's
  return served;
}

ports::ControllerPort* Core::find_controller(const ControllerName& name) const {
  const auto it = std::ranges::find(controller_names_, name);
  return it == controller_names_.end()
             ? nullptr
             : parts.controllers[static_cast<std::size_t>(it - controller_names_.begin())];
}

TemplateEntry* Core::find_template(const model::Agent& row) {
  const auto it = templates.find(row.template_name);
  if (it == templates.end() || it->second.generation != row.template_generation) return nullptr;
  return &it->second;
}

// --- changes of agents

void Core::adopt(AgentEntry& entry, model::Agent row) {
  const auto before = entry.row.state;
  const auto after = row.state;
  row.launch_deadline = entry.row.launch_deadline;
  row.builds_done = std::max(row.builds_done, entry.row.builds_done);
  row.state = before;
  if (row.handle != entry.row.handle) agents_changed.notify();
  entry.row = std::move(row);
  forget_text(entry.row.frozen_request);
  touch(entry);
  if (after != before) set_state(entry, after);
}

void Core::set_state(AgentEntry& entry, AgentState state) {
  metrics.count_state(entry.row.state, -1);
  metrics.count_state(state, 1);
  entry.row.state = state;
  touch(entry);
  publish("agent", entry.id().str(), std::string(to_string(state)));
  agents_changed.notify();
  look->notify();
}

void Core::note_storage_trouble(const Error& error, Duration pause) {
  storage_retry = steady() + pause;
  storage_trouble = "the database cannot be written: " + shorten(describe(error));
}

Awaitable<bool> Core::change(AgentEntry* entry, store::AgentChange change) {
  change.id = entry->id();
  if (entry->promised_to != entry->row.promised_to) change.promised_to = entry->promised_to;
  if (!std::exchange(entry->told_why, true))  // the same line twice is stored once
    change.timeline.insert(change.timeline.begin(),
                           model::TimelineEntry{entry->row.planned, "decided", entry->request.why});
  for (const auto& step : std::exchange(entry->untold_steps, {}))
    change.timeline.push_back({step.at, "cloud_step", fmt::format("The cloud says: {}.", step.what)});
  auto stored = co_await store::until_stored(
      parts.clock, [&] { return parts.store.change_agent(change); },
      [&](const Error& error, Duration pause) {
        log_of(*entry).error("the agent's change cannot be stored, trying again",
                             {{"error", describe(error)}});
        note_storage_trouble(error, pause);
        look->notify();
      });
  if (stored) {
    adopt(*entry, std::move(*stored));
    co_return true;
  }
  if (stored.error().code == Errc::not_found) {
    adopt_vanished(*entry);
    co_return false;
  }
  log_of(*entry).error("the agent's row is not in the state it should have",
                       {{"error", describe(stored.error())}});
  co_await reload(entry);
  co_return false;
}

Awaitable<void> Core::reload(AgentEntry* entry) {
  const auto before = entry->row.state;
  auto row = co_await parts.store.get_agent(entry->id());
  if (!row && row.error().code == Errc::not_found) co_return adopt_vanished(*entry);
  if (row)
    adopt(*entry, std::move(*row));
  else
    log_of(*entry).error("the agent's row cannot be read", {{"error", describe(row.error())}});
  if (entry->row.state == before) co_await runtime::sleep_for(parts.clock, store::kRetryMost);
}

// Nothing to keep up: what it may have in the cloud is found as an orphan. Its item gets another agent, which
// may go the same way: not without a pause.
void Core::adopt_vanished(AgentEntry& entry) {
  log_of(entry).error("the agent's row is gone from the database");
  note_launch_failure(entry, FailureClass::boot, {}, "the row of an agent is gone from the database");
  set_state(entry, AgentState::terminated);
}

bool Core::wish_end(AgentEntry* entry, Ending ending) {
  if (entry->is_ending()) return false;
  // The first wish counts, but for one that does not ask whether there is work.
  if (entry->ending && (ending.only_if_free || !entry->ending->only_if_free)) return false;
  ending.builds_done = entry->row.builds_done;
  entry->ending = std::move(ending);
  touch(*entry);
  if (entry->worked_on) entry->wake.notify();
  return blame_template(*entry);
}

// Without a pause the next agent would go the same way at once.
bool Core::blame_template(const AgentEntry& entry) {
  using enum model::EndReason;
  const auto reason = entry.ending->reason;
  if (entry.proved || entry.drain || entry.seen.started || entry.unheard) return false;
  if (!entry.asked) {
    if (reason != launch_deadline) return false;
    note_launch_failure(entry, FailureClass::transient, {},
                        "the launch deadline of an agent was over before its cloud was asked to launch it");
    return true;
  }
  const bool came = entry.seen.connected_at.is_set() || entry.row.connected.is_set();
  if (came && entry.row.connected.is_set() && time() >= entry.life.connected + kCameForGood) return false;
  if (reason == launch_deadline && !came) {
    note_launch_failure(entry, FailureClass::connect, {}, std::string(kNotConnected));
    return true;
  }
  const bool ended_by_itself =
      (reason == resource_gone || reason == agent_exited || reason == out_of_memory || reason == notice) &&
      entry.gone;
  if (!ended_by_itself && reason != session_lost && reason != goodbye) return false;
  const auto known = !came && ended_by_itself ? entry.gone->failure : std::nullopt;
  note_launch_failure(entry, known.value_or(FailureClass::boot), {},
                      fmt::format("an agent ended before it {}: {}", came ? "had any work" : "connected",
                                  entry.ending->text));
  return true;
}

// With the next change of its row, and all of them: what has become known may be older than what was.
void Core::note_steps(AgentEntry* entry, const ports::Resource& resource) {
  if (resource.steps.size() <= entry->known_steps) return;
  entry->known_steps = resource.steps.size();
  entry->untold_steps = resource.steps;
}

// --- clouds and templates

void CloudEntry::hold(Instant until, const std::string& text) {
  if (until <= hold_until) return;
  hold_until = until;
  hold_text = text;
}

std::string CloudEntry::describe_unknown() const {
  return "its first list of agents since the start of the server is waited for" +
         (healthy ? std::string() : ": " + trouble);
}

void Core::note_answer(CloudEntry& cloud) {
  if (cloud.healthy) return;
  cloud.healthy = true;
  cloud.trouble.clear();
  cloud.trouble_since = {};
  parts.log.info("cloud answers again", {{"cloud", cloud.provider->name()}});
}

void Core::note_trouble(CloudEntry& cloud, std::string text) {
  text = shorten(std::move(text));
  metrics.calls_unanswered.add();
  if (cloud.healthy) {
    cloud.trouble_since = now();
    parts.log.warning("cloud does not answer", {{"cloud", cloud.provider->name()}, {"error", text}});
  }
  cloud.healthy = false;
  cloud.trouble = std::move(text);
}

bool Core::is_of_earlier_run(const AgentEntry& entry) const {
  return entry.life.asked.is_set() && time() - entry.life.asked > steady() - started;
}

void Core::note_launch_failure(const AgentEntry& entry, FailureClass failure, Instant retry_at,
                               const std::string& text) {
  metrics.launch_failures(failure).add();
  const bool was_there = failure == FailureClass::boot || failure == FailureClass::connect;
  const auto there = is_of_earlier_run(entry) ? steady() - started : time() - entry.life.asked;
  const auto lived = was_there && entry.life.asked.is_set() ? there : Duration(0);
  const policy::Failure told{failure, text, even.at(retry_at), lived};
  auto* throttling = failure == FailureClass::throttled ? find_cloud(entry.row.cloud) : nullptr;
  // Its wish is for all of its templates, whatever has become of this one.
  if (throttling != nullptr)
    throttling->hold(std::min(told.retry_at, time() + policy::RetryLimits().longest_wish), text);
  auto* t = find_template(entry.row);
  if (t == nullptr || rest_variant(*t, entry, told)) return;
  const bool was_open = t->breaker.state == BreakerState::open;
  set_breaker(*t, policy::on_failure(t->breaker, entry.era, told, parts.rng.uniform(), time()));
  const bool has_opened = !was_open && t->breaker.state == BreakerState::open;
  if (throttling != nullptr && has_opened) throttling->hold(t->breaker.until, text);
}

// True: another variant of the template is tried instead, so that its breaker need not know.
bool Core::rest_variant(TemplateEntry& t, const AgentEntry& entry, const policy::Failure& failure) {
  if (!policy::concerns_variant(failure.failure)) return false;
  t.rotation = policy::on_variant_failure(std::move(t.rotation), index_of_variant(t, entry), failure,
                                          parts.rng.uniform(), time());
  look->notify();
  return policy::is_for_others(t.rotation, failure, time());
}

// No breaker need know: what was launched came to work.
void Core::note_reclaim(const AgentEntry& entry, const std::string& text) {
  auto* t = find_template(entry.row);
  if (t == nullptr) return;
  std::vector<bool> may_go;
  may_go.reserve(t->variants.size());
  for (const auto& variant : t->variants) may_go.push_back(variant.is_reclaimable);
  t->rotation = policy::on_reclaim(std::move(t->rotation), index_of_variant(*t, entry), may_go, text,
                                   parts.rng.uniform(), time());
}

void Core::note_progress(const AgentEntry& entry, policy::Stage stage) {
  auto* t = find_template(entry.row);
  if (t == nullptr) return;
  if (stage == policy::Stage::at_work)
    t->rotation =
        policy::on_variant_success(std::move(t->rotation), index_of_variant(*t, entry), entry.life.asked);
  set_breaker(*t, policy::on_success(t->breaker, entry.era, stage, time()));
}

void Core::note_planned(TemplateEntry& t, AgentEntry& entry) {
  set_breaker(t, policy::on_probe_launched(t.breaker, entry.id(), entry.launch_deadline, time()));
  entry.era = t.breaker.era;
}

void Core::try_templates_again(const CloudName& cloud) {
  for (auto& [name, t] : templates) {
    if (t.config.cloud != cloud) continue;
    set_breaker(t, policy::on_retry_wished(t.breaker, time()));
  }
  look->notify();
}

void Core::look_after_probes() {
  for (auto& [name, t] : templates) {
    if (t.breaker.state != BreakerState::half_open) continue;
    const auto* probe = find_agent(t.breaker.probe);
    if (probe == nullptr || probe->ending || probe->drain || !model::is_serving(probe->row.state))
      set_breaker(t, policy::on_probe_gone(t.breaker, time()));
    else if (time() >= t.breaker.until && probe->is_connected_now())
      note_progress(*probe, policy::Stage::at_work);  // it lives, but nobody had work for it
  }
  metrics.set_breakers(templates);
}

// Behind its change: a server that dies before, or cannot store it, finds the one before at its next start.
Awaitable<void> Core::store_breaker(Core* self, TemplateName name, std::string encoded) {
  const auto stored = co_await self->parts.store.save_setting(breaker_key(name), std::move(encoded));
  if (!stored)
    self->parts.log.warning("breaker cannot be stored",
                            {{"template", name}, {"error", describe(stored.error())}});
}

void Core::set_breaker(TemplateEntry& t, policy::Breaker breaker) {
  const bool news = breaker.state != t.breaker.state;
  t.breaker = std::move(breaker);
  if (!news) return;
  look->notify();
  if (t.breaker.state != BreakerState::half_open)
    scope.spawn("store breaker", store_breaker(this, t.config.name, encode_breaker(t.breaker, t.generation)));
  LogFields fields{{"template", t.config.name}, {"state", to_string(t.breaker.state)}};
  if (t.breaker.state == BreakerState::closed) return parts.log.info("template is launched again", fields);
  fields.push_back({"why", describe(t.breaker, time())});
  parts.log.warning("template is held", fields);
}

// --- telling

void Core::note_finding(Finding finding) {
  const auto is_known = [&](const Finding& one) {
    return one.verdict == finding.verdict && one.agent == finding.agent && one.handle == finding.handle;
  };
  if (const auto known = std::ranges::find_if(reconcile.findings, is_known);
      known != reconcile.findings.end()) {
    known->held = finding.held;
    return;
  }
  metrics.findings(finding.verdict).add();
  const bool ordinary = finding.verdict == Verdict::not_listed_yet || finding.held;  // those are told once
  if (!ordinary)
    parts.log.warning("rows and resources differ", {{"verdict", to_string(finding.verdict)},
                                                    {"agent", finding.agent},
                                                    {"cloud", finding.cloud},
                                                    {"handle", finding.handle},
                                                    {"text", finding.text}});
  if (reconcile.findings.size() < kFindingsKept) reconcile.findings.push_back(std::move(finding));
}

void Core::publish(std::string kind, std::string id, std::string state) {
  parts.changes.publish(
      model::Change{parts.changes.last() + 1, now(), std::move(kind), std::move(id), std::move(state), {}});
}

Logger Core::log_of(const AgentEntry& entry) const {
  LogFields fields{{"agent", entry.id()}, {"cloud", entry.row.cloud}};
  if (!entry.last_build.empty()) fields.push_back({"build", entry.last_build});
  return parts.log.with(std::move(fields));
}

}  // namespace footman::fleet
