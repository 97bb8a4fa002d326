#include "fleet/provisioner.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"

namespace footman::fleet {

using model::AgentState;
using model::EndReason;
using ports::AgentActivity;

namespace {

constexpr std::size_t kAgentNameLength = 10;

// With the wishes that are not durable yet.
AgentState state_of(const AgentEntry& entry) {
  if (entry.ending && !entry.is_ending()) return AgentState::terminating;
  if (entry.drain && model::is_serving(entry.row.state)) return AgentState::draining;
  return entry.row.state;
}

// It was connected in an earlier run of the server; its controller has not spoken of it yet. It may be at
// work.
bool is_awaited(const AgentEntry& entry) { return !entry.known && entry.row.connected.is_set(); }

policy::Agent agent_of(const AgentEntry& entry) {
  policy::Agent agent;
  agent.id = entry.id();
  agent.cloud = entry.row.cloud;
  agent.template_name = entry.row.template_name;
  agent.generation = entry.row.template_generation;
  agent.labels = entry.row.labels;
  agent.size = entry.row.size;
  agent.per_hour = entry.row.price.per_hour;
  agent.is_default = entry.request.is_default;
  agent.state = state_of(entry);
  agent.activity = is_awaited(entry) ? AgentActivity::busy : entry.seen.activity;
  agent.controller = entry.row.controller;
  agent.for_item = entry.row.for_item;
  agent.one_shot = entry.row.one_shot;
  agent.builds_done = entry.row.builds_done;
  agent.working = !entry.seen.working_on.empty();
  agent.idle_timeout = entry.row.idle_timeout;
  agent.max_age = entry.request.max_age;
  agent.planned = entry.row.planned;
  agent.connected = entry.seen.connected_at.is_set() ? entry.seen.connected_at : entry.row.connected;
  agent.idle_since = entry.seen.idle_since;
  agent.launch_deadline = entry.row.launch_deadline;
  agent.end_reason = entry.seen.end_reason;
  return agent;
}

policy::Spent spent_by(const SpentNow& spent, const CloudName& cloud) {
  const auto it = spent.by_cloud.find(cloud);
  return it == spent.by_cloud.end() ? policy::Spent() : it->second;
}

ports::WaitReason reason_of_match(const AgentEntry& entry) {
  const auto& id = entry.id().str();
  if (entry.seen.activity == AgentActivity::idle)
    return {"agent_idle", fmt::format("Agent {} is idle and gets it next.", id), entry.id(), {}, {}};
  const auto* how = "was launched and has not connected yet";
  if (entry.row.state == AgentState::launching) how = entry.asked ? "is being launched" : "is planned";
  if (entry.seen.activity == AgentActivity::disconnected)
    how = "has lost its connection and is expected back";
  return {"launching",
          fmt::format("Agent {} of template '{}' {}.", id, entry.row.template_name.str(), how),
          entry.id(),
          {},
          entry.row.connected.is_set() ? Instant() : entry.expected_at};
}

}  // namespace

Provisioner::Provisioner(Core& core, Steward& steward) : core_(core), steward_(steward) {}

Awaitable<void> Provisioner::run() {
  while (true) {
    co_await decide();
    if (const auto pause = pause_after_plan(); pause >= kShortestPause)
      co_await runtime::sleep_for(core_.parts.clock, pause);
    (void)co_await core_.look->wait_for(core_.parts.clock, until_next_look());
  }
}

Awaitable<void> Provisioner::decide() {
  look_again_.reset();
  observe_agents();
  core_.look_after_probes();
  plan();
  core_.metrics.plans.add();
  tell_holds();
  auto launched = make_agents();
  tell_matches();
  launched_ = static_cast<std::uint32_t>(launched.size());
  wake_agents();
  if (!launched.empty()) co_await record(std::move(launched));
  forget_items();
  publish_plan(launched_ > 0);
}

void Provisioner::plan() {
  ++number_;
  view_.reset();
  plan_at_ = core_.now();
  const auto decide_once = [this] {
    const auto spent = spent_now(core_);
    const auto snapshot = take_snapshot(spent);
    plan_size_ = snapshot.items.size() + snapshot.agents.size();
    return policy::plan_provisioning(snapshot, limits(spent.all), plan_at_);
  };
  plan_ = decide_once();
  if (!carry_out_endings()) return;
  // Agents of no use hold up their template: what was decided without knowing that is decided again.
  const auto first = std::exchange(plan_, decide_once());
  (void)carry_out_endings();
  plan_.terminations.insert(plan_.terminations.begin(), first.terminations.begin(), first.terminations.end());
  plan_.drains.insert(plan_.drains.begin(), first.drains.begin(), first.drains.end());
}

// --- looking

void Provisioner::observe_agents() {
  for (const auto& [order, entry] : core_.agents()) {
    if (auto* controller = core_.find_controller(entry->row.controller))
      entry->seen = controller->observe_agent(entry->id());
    note_seen(entry.get());
    if (entry->gone) judge_gone(entry.get());
  }
}

void Provisioner::note_seen(AgentEntry* entry) {
  const auto& seen = entry->seen;
  entry->row.builds_done = std::max(entry->row.builds_done, seen.builds_done);
  if (!entry->connected_told && seen.connected_at.is_set()) {
    entry->connected_told = true;
    core_.note_progress(*entry, policy::Stage::connected);
  }
  if (!entry->proved && (entry->row.builds_done > 0 || seen.started)) {
    entry->proved = true;
    core_.note_progress(*entry, policy::Stage::at_work);
  }
  if (seen.activity != AgentActivity::unknown) {
    entry->known = true;
  } else if (entry->known || (is_awaited(*entry) && core_.now() >= entry->row.launch_deadline)) {
    core_.wish_end(entry, {EndReason::session_lost, "Its controller does not know it any more."});
  }
}

// A connection that still stands may hold the last words of the agent: they are read first.
void Provisioner::judge_gone(AgentEntry* entry) {
  if (entry->ending || entry->is_ending() || entry->seen.activity == AgentActivity::done) return;
  const auto grace_over = entry->gone->at + kGoneGrace;
  if (entry->is_connected_now() && core_.steady() < grace_over) return look_no_later(grace_over);
  const auto& death = entry->gone->death.text;
  core_.wish_end(entry, {EndReason::resource_gone,
                         death.empty() ? std::string(sentence(EndReason::resource_gone)) : death});
}

policy::Limits Provisioner::limits(const policy::Spent& spent) {
  const bool full =
      (core_.parts.storage_full && core_.parts.storage_full()) || core_.steady() < core_.storage_retry;
  if (full) look_no_later(core_.steady() + kStorageLook);
  const auto& config = core_.config;
  return {config.max_agents, full, config.label_caps, config.controller_caps, config.resources, spent};
}

policy::Snapshot Provisioner::take_snapshot(const SpentNow& spent) {
  policy::Snapshot snapshot;
  snapshot.agents.reserve(core_.agents().size());
  for (const auto& [order, entry] : core_.agents()) snapshot.agents.push_back(agent_of(*entry));
  for (const auto& [name, t] : core_.templates)
    snapshot.templates.push_back({t.config.cloud, name, t.generation, t.config.labels, t.config.is_default,
                                  t.config.priority, t.config.cap, t.config.size, t.config.price.per_hour,
                                  t.breaker});
  for (const auto& [name, cloud] : core_.clouds)
    snapshot.clouds.push_back({name, core_.cap_of(name), cloud->pause.text, cloud->hold_until,
                               cloud->hold_text, core_.resources_of(name), spent_by(spent, name)});
  add_items(snapshot);
  return snapshot;
}

void Provisioner::add_items(policy::Snapshot& snapshot) {
  for (const auto* controller : core_.parts.controllers) {
    for (auto& demand : controller->demand()) {
      policy::ItemRef ref{controller->name(), std::move(demand.key)};
      auto& item = items_[ref];
      item.title = std::move(demand.title);
      item.since = demand.since;
      item.plan = number_;
      const auto& label = parse_label(demand.label);
      if (label)
        snapshot.items.push_back({std::move(ref), *label, item.since, item.title});
      else
        tell(ref, {"bad_label", describe(label.error()), {}, {}});
    }
  }
}

const Result<model::LabelExpr>& Provisioner::parse_label(const std::string& text) {
  if (const auto it = labels_.find(text); it != labels_.end()) return it->second;
  if (labels_.size() >= kLabelsKept) labels_.clear();
  return labels_.emplace(text, model::parse_label_expression(text)).first->second;
}

// --- carrying out

// True: some were agents of no use.
bool Provisioner::carry_out_endings() {
  bool blamed = false;
  for (const auto& end : plan_.terminations) {
    auto* entry = core_.find_agent(end.agent);
    const auto activity = entry->seen.activity;
    const bool told = end.reason != EndReason::build_finished && !entry->seen.detail.empty();
    const bool is_over = activity == AgentActivity::done || activity == AgentActivity::lost;
    if (core_.wish_end(entry, {end.reason, told ? entry->seen.detail : end.text, !is_over})) blamed = true;
    if (end.reason == EndReason::launch_deadline)
      core_.note_finding({Verdict::past_deadline, end.agent, entry->row.cloud, entry->row.handle, end.text});
  }
  for (const auto& drain : plan_.drains) {
    auto* entry = core_.find_agent(drain.agent);
    if (!entry->drain) entry->drain = Ending{drain.reason, drain.text};
  }
  return blamed;
}

std::vector<AgentEntry*> Provisioner::make_agents() {
  std::vector<AgentEntry*> made;
  if (plan_.launches.empty()) return made;
  std::map<CloudName, std::size_t> under_way;
  for (const auto& [order, entry] : core_.agents())
    if (entry->row.state == AgentState::planned || entry->row.state == AgentState::launching)
      ++under_way[entry->row.cloud];
  for (const auto& launch : plan_.launches) {
    auto& count = under_way[launch.cloud];
    if (count >= kLaunchesAtOnce) {
      tell(launch.item, {"launch_limit",
                         fmt::format("{} launches of cloud '{}' are under way; it is launched when one of "
                                     "them is answered.",
                                     kLaunchesAtOnce, launch.cloud.str()),
                         {},
                         {}});
      continue;
    }
    ++count;
    auto& t = core_.templates.at(launch.template_name);
    made.push_back(core_.insert_agent(make_agent(launch, t)));
    core_.note_planned(t, *made.back());
  }
  return made;
}

std::unique_ptr<AgentEntry> Provisioner::make_agent(const policy::Launch& launch,
                                                    const TemplateEntry& t) const {
  auto entry = std::make_unique<AgentEntry>();
  auto& row = entry->row;
  row.id = AgentId(launch.cloud.str() + "-" + core_.parts.rng.name(kAgentNameLength));
  row.cloud = launch.cloud;
  row.template_name = launch.template_name;
  row.template_generation = t.generation;
  row.controller = launch.item.controller;
  row.state = AgentState::planned;
  row.for_item = launch.item.key;
  row.labels = t.config.labels;
  row.size = t.config.size;
  row.price = t.config.price;
  row.attempt = 1;
  row.client_token = row.id.str() + "-1";
  row.one_shot = t.config.one_shot;
  row.idle_timeout = t.config.idle_timeout;
  row.planned = plan_at_;
  row.launch_deadline = plan_at_ + t.config.launch_deadline;
  if (const auto typical = t.launch_times.typical()) entry->expected_at = plan_at_ + *typical;
  auto& request = entry->request;
  request.spec.installation = core_.installation;
  request.spec.agent = row.id;
  request.spec.attempt = row.attempt;
  request.spec.client_token = row.client_token;
  request.spec.options = t.options;
  request.spec.endpoint = t.config.endpoint;
  request.spec.orphan_timeout = core_.config.orphan_timeout;
  request.spec.one_shot = row.one_shot;
  request.is_default = t.config.is_default;
  request.max_age = t.config.max_age;
  request.why = launch.text;
  row.frozen_request = encode_request(request);
  return entry;
}

// The intents of one plan become durable together; only then does anything happen outside.
Awaitable<void> Provisioner::record(std::vector<AgentEntry*> entries) {
  std::vector<model::Agent> rows;
  rows.reserve(entries.size());
  for (const auto* entry : entries) {
    rows.push_back(entry->row);
    rows.back().state = AgentState::launching;  // from here on the cloud may have been asked
  }
  const auto stored = co_await core_.parts.store.record_launch_intents(std::move(rows));
  if (!stored) {
    core_.parts.log.error("launches cannot be recorded, so nothing is launched",
                          {{"count", entries.size()}, {"error", describe(stored.error())}});
    core_.storage_retry = core_.steady() + kStorageLook;
    launched_ = 0;
    for (auto* entry : entries) core_.erase_agent(AgentId(entry->id()));
    co_return;
  }
  for (auto* entry : entries) {
    entry->stored = true;
    core_.set_state(*entry, AgentState::launching);
    core_.log_of(*entry).info(
        "agent planned",
        {{"template", entry->row.template_name}, {"item", entry->row.for_item}, {"why", entry->request.why}});
    tell({entry->row.controller, entry->row.for_item}, reason_of_match(*entry));
    steward_.look_at(entry);
  }
}

void Provisioner::wake_agents() {
  // What is started here may run at once and change the map.
  std::vector<AgentEntry*> awake;
  for (const auto& [order, entry] : core_.agents())
    if (!entry->worked_on && next_step(*entry) != Step::rest) awake.push_back(entry.get());
  for (auto* entry : awake) steward_.look_at(entry);
}

// --- telling

void Provisioner::tell_matches() {
  for (const auto& match : plan_.matches)
    if (const auto* entry = core_.find_agent(match.agent)) tell(match.item, reason_of_match(*entry));
}

void Provisioner::tell_holds() {
  std::map<std::string_view, std::int64_t> counts;
  for (const auto& hold : plan_.holds) {
    ++counts[to_string(hold.reason)];
    tell(hold.item, {std::string(to_string(hold.reason)), hold.text, {}, hold.look_again}, hold.tried);
  }
  core_.metrics.set_holds(counts);
}

void Provisioner::tell(const policy::ItemRef& ref, ports::WaitReason reason,
                       std::shared_ptr<const std::vector<policy::Tried>> tried) {
  const auto it = items_.find(ref);
  if (it == items_.end()) return;
  it->second.tried = std::move(tried);
  if (it->second.reason == reason) return;
  it->second.reason = reason;
  told_something_ = true;
  core_.find_controller(ref.controller)->set_wait_reason(ref.key, std::move(reason));
}

void Provisioner::forget_items() {
  std::erase_if(items_, [this](const auto& one) { return one.second.plan != number_; });
}

void Provisioner::publish_plan(bool launched) {
  const bool news = launched || told_something_ || !plan_.terminations.empty() || !plan_.drains.empty();
  told_something_ = false;
  if (!news) return;
  core_.publish("plan", std::to_string(number_), "made");
  core_.parts.log.debug("plan", {{"number", number_},
                                 {"launches", launched_},
                                 {"holds", plan_.holds.size()},
                                 {"endings", plan_.terminations.size() + plan_.drains.size()}});
}

// --- time

void Provisioner::look_no_later(Duration at) {
  if (!look_again_ || at < *look_again_) look_again_ = at;
}

Duration Provisioner::until_next_look() const {
  auto wait = kLongestLookPause;
  if (plan_.next_look.is_set()) wait = std::min(wait, plan_.next_look - core_.now());
  if (look_again_) wait = std::min(wait, *look_again_ - core_.steady());
  return std::max(wait, kShortestPause);
}

Duration Provisioner::pause_after_plan() const {
  return kPlanPausePerThing * static_cast<std::int64_t>(plan_size_);
}

// --- views

std::optional<ItemView> Provisioner::explain(const ControllerName& controller, const std::string& key) const {
  const auto it = items_.find({controller, key});
  if (it == items_.end()) return std::nullopt;
  ItemView view{controller, key, it->second.title, it->second.reason, {}};
  if (!it->second.tried) return view;
  for (const auto& tried : *it->second.tried)
    view.considered.push_back({tried.template_name, tried.cloud, std::string(to_string(tried.reason)),
                               tried.text, tried.look_again});
  return view;
}

const PlanView& Provisioner::view() const {
  if (view_) return *view_;
  auto& view = view_.emplace();
  view.at = plan_at_;
  view.number = number_;
  view.launches = launched_;
  std::vector<std::pair<Instant, const policy::ItemRef*>> order;
  order.reserve(items_.size());
  for (const auto& [ref, item] : items_) order.emplace_back(item.since, &ref);
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return std::tie(a.first, *a.second) < std::tie(b.first, *b.second);
  });
  view.items.reserve(order.size());
  for (const auto& [since, ref] : order) view.items.push_back(*explain(ref->controller, ref->key));
  for (const auto& end : plan_.terminations) view.endings.push_back({end.agent, end.reason, end.text});
  for (const auto& drain : plan_.drains) view.endings.push_back({drain.agent, drain.reason, drain.text});
  view.next_look = plan_.next_look;
  return view;
}

}  // namespace footman::fleet
