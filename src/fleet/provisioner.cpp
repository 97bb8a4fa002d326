#include "fleet/provisioner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/check.hpp"
#include "fleet/considered.hpp"
#include "fleet/orphans.hpp"
#include "fleet/planned_agent.hpp"
#include "policy/billing.hpp"
#include "policy/build_retry.hpp"

namespace footman::fleet {

using model::AgentState;
using model::EndReason;
using ports::AgentActivity;

namespace {

constexpr std::size_t kAgentNameLength = 10;

// What was said before and was not said otherwise since.
template <class Word>
void keep_words(std::vector<Word>& words, std::vector<Word> earlier,
                const std::unordered_set<policy::ItemRef, policy::ItemRefHash>& said) {
  for (auto& one : earlier)
    if (!said.contains(one.item)) words.push_back(std::move(one));
}

// Of two plans in a row.
void add_earlier(policy::Plan& plan, policy::Plan earlier) {
  std::unordered_set<policy::ItemRef, policy::ItemRefHash> said;
  for (const auto& one : plan.matches) said.insert(one.item);
  for (const auto& one : plan.launches) said.insert(one.item);
  for (const auto& one : plan.holds) said.insert(one.item);
  keep_words(plan.matches, std::move(earlier.matches), said);
  keep_words(plan.holds, std::move(earlier.holds), said);
  plan.terminations.insert(plan.terminations.begin(), earlier.terminations.begin(),
                           earlier.terminations.end());
  plan.drains.insert(plan.drains.begin(), earlier.drains.begin(), earlier.drains.end());
  plan.words.insert(plan.words.begin(), earlier.words.begin(), earlier.words.end());
}

template <class All, class Name>
policy::Spent spent_by(const All& all, const Name& name) {
  const auto it = all.find(name);
  return it == all.end() ? policy::Spent() : it->second;
}

// Without a record: as its template is now, also of one that the configuration has got back since the list.
policy::Strays kind_of(const StrayEntry& stray, const CloudName& cloud, const Core& core) {
  if (stray.recorded) return *stray.recorded;
  policy::Strays kind{.count = 1};
  if (core.parts.controllers.size() == 1) kind.controller = core.parts.controllers.front()->name();
  const auto t = core.templates.find(stray.template_name);
  if (t == core.templates.end() || t->second.config.cloud != cloud) return kind;
  const auto& config = t->second.config;
  kind.size = config.size;
  kind.per_hour = config.price.per_hour;
  kind.template_name = config.name;
  kind.labels = config.labels;
  return kind;
}

// They are of few kinds.
std::vector<policy::Strays> kinds_of(const CloudEntry& entry, const Core& core) {
  std::vector<policy::Strays> kinds;
  for (const auto& [key, stray] : entry.strays) {
    const auto one = kind_of(stray, entry.provider->name(), core);
    const auto known = std::ranges::find_if(kinds, [&](policy::Strays kind) {
      kind.count = one.count;
      return kind == one;
    });
    if (known == kinds.end())
      kinds.push_back(one);
    else
      known->count += one.count;
  }
  return kinds;
}

// Held, while nobody knows what lives in it.
policy::Cloud cloud_of(const CloudEntry& entry, policy::Quota quota, const Core& core) {
  policy::Cloud cloud{entry.provider->name(), entry.pause.text, entry.hold_until, entry.hold_text, quota,
                      kinds_of(entry, core)};
  if (entry.is_known) return cloud;
  const auto listed = core.time() + std::max<Duration>(entry.next_list - core.steady(), kShortestPause);
  cloud.hold_until = std::max(cloud.hold_until, listed);
  cloud.hold_text = entry.describe_unknown();
  return cloud;
}

// What is launched of the template in this plan, and until when.
policy::Template offer_of(const TemplateEntry& t, Instant now) {
  const auto& variant = t.variants[t.offered];
  const auto price = t.price_of(variant);
  policy::Template offer;
  offer.cloud = t.config.cloud;
  offer.name = t.config.name;
  offer.generation = t.generation;
  offer.labels = t.config.labels;
  offer.is_default = t.config.is_default;
  offer.priority = t.config.priority;
  offer.most = t.config.limits;
  offer.size = t.size_of(variant);
  offer.per_hour = price.per_hour;
  offer.least_billed = model::least_billed(price.billing);
  offer.breaker = t.breaker;
  const auto next = policy::next_choice(t.rotation, now);
  if (!next.is_set()) return offer;
  const auto& other = t.variants[policy::choose_variant(t.rotation, next)];
  if (t.size_of(other) != offer.size || t.price_of(other) != price) offer.offered_until = next;
  return offer;
}

ports::WaitReason reason_of_match(const AgentEntry& entry) {
  const auto& id = entry.id().str();
  if (is_leaving(entry))
    return {"replacing",
            fmt::format("Agent {} ends; another one is decided on when that is written down.", id),
            entry.id(),
            {},
            {}};
  if (!model::is_serving(entry.row.state))
    return {
        "replacing",
        fmt::format("Agent {} ends; another one is decided on when controller '{}' has confirmed that this "
                    "one gets no work any more.",
                    id, entry.row.controller.str()),
        entry.id(),
        {},
        {}};
  if (entry.seen.activity == AgentActivity::idle)
    return {"agent_idle", fmt::format("Agent {} is idle and gets it next.", id), entry.id(), {}, {}};
  if (const auto& trouble = entry.launch_trouble; trouble && !entry.seen.connected_at.is_set())
    return {
        "launching",
        fmt::format("Whether the cloud has launched agent {} of template '{}' is not clear yet ({}); it is "
                    "asked again with the same request at {}.",
                    id, entry.row.template_name.str(), trouble->text, format_rfc3339(trouble->next_try)),
        entry.id(),
        trouble->next_try,
        {}};
  const auto* how = "was launched and has not connected yet";
  if (entry.row.state == AgentState::launching) how = entry.asked ? "is being launched" : "is planned";
  if (entry.seen.connected_at.is_set()) how = "has connected and is not ready yet";
  if (entry.seen.activity == AgentActivity::disconnected)
    how = "has lost its connection and is expected back";
  return {"launching",
          fmt::format("Agent {} of template '{}' {}.", id, entry.row.template_name.str(), how),
          entry.id(),
          {},
          entry.row.connected.is_set() ? Instant() : entry.expected_at};
}

}  // namespace

Provisioner::Provisioner(Core& core, Steward& steward) : core_(core), steward_(steward), pools_(core) {}

// What is decided before it is known what the clouds have may go beyond a cap, and to a cloud that is not the
// best one, which is only slower to list. So all of them are waited for, but not for long.
Awaitable<void> Provisioner::wait_for_lists() {
  const auto until = core_.steady() + kListPatience;
  const auto is_known = [](const auto& one) { return one.second->is_known; };
  while (core_.steady() < until && !std::ranges::all_of(core_.clouds, is_known))
    (void)co_await core_.look->wait_for(core_.parts.clock, until - core_.steady());
}

Awaitable<void> Provisioner::run() {
  co_await wait_for_lists();
  while (true) {
    co_await decide();
    if (const auto pause = pause_after_plan(); pause >= kShortestPause)
      co_await runtime::sleep_for(core_.parts.clock, pause);
    (void)co_await core_.look->wait_for(core_.parts.clock, until_next_look());
  }
}

Awaitable<void> Provisioner::decide() {
  look_again_.reset();
  if (const auto by = core_.follow_wall_clock(); by != Duration(0)) move_items_by(by);
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
  publish_plan(launched_ > 0);
}

void Provisioner::plan() {
  ++number_;
  view_.reset();
  plan_size_ = looked_at_.size();
  read_demand();
  plan_ = decide_once();
  if (!carry_out_endings()) return;
  // Agents of no use hold up their template: what was decided without knowing that is decided again.
  auto first = std::exchange(plan_, decide_once());
  (void)carry_out_endings();
  add_earlier(plan_, std::move(first));
}

// At a time of its own: what failed since the first decision of a plan did not fail in the future.
policy::Plan Provisioner::decide_once() {
  plan_at_ = core_.time();
  tell_agents();
  const auto spent = spent_now(core_, running_);
  tell_offers(spent);
  auto plan = ledger_.plan(limits(spent), plan_at_);
  plan_size_ += ledger_.looked_at() + plan.holds.size();
  return plan;
}

// --- looking

// Which agents have to be looked at. All of them now and then: nothing may depend on who was told of what.
void Provisioner::take_news() {
  const auto& controllers = core_.parts.controllers;
  agent_versions_.resize(controllers.size(), 0);
  bool all = core_.steady() >= next_sweep_;
  for (std::size_t i = 0; i < controllers.size(); ++i) {
    auto news = controllers[i]->agents_since(agent_versions_[i]);
    agent_versions_[i] = news.version;
    all |= news.complete;
    for (const auto& id : news.changed)
      if (const auto* entry = core_.find_agent(id)) core_.touch(*entry);
  }
  if (!all) return;
  core_.touch_all();
  next_sweep_ = core_.steady() + kSweepEvery;
}

void Provisioner::observe_agents() {
  take_news();
  looked_at_ = core_.take_touched();
  for (auto* entry : core_.find_agents(looked_at_)) {
    if (auto* controller = core_.find_controller(entry->row.controller)) {
      core_.see(*entry, controller->observe_agent(entry->id()));
      note_seen(entry);
    } else if (const auto again = judge_orphan(core_, entry)) {
      look_no_later(*again);
    }
    pools_.note_seen(*entry);
    if (entry->gone) judge_gone(entry);
  }
}

// What was looked at, and what the plan itself has changed since.
std::vector<AgentEntry*> Provisioner::list_changed() const {
  auto orders = core_.touched();
  orders.insert(looked_at_.begin(), looked_at_.end());
  return core_.find_agents(orders);
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
  } else if (entry->known || (is_awaited(*entry) && core_.time() >= entry->launch_deadline)) {
    core_.wish_end(entry, {EndReason::session_lost, "Its controller does not know it any more."});
  } else if (is_awaited(*entry)) {
    core_.touch(*entry);  // until then
  }
}

// A connection that still stands may hold the last words of the agent: they are read first.
void Provisioner::judge_gone(AgentEntry* entry) {
  if (entry->ending || entry->is_ending() || entry->seen.activity == AgentActivity::done) return;
  const auto grace_over = entry->gone->at + kGoneGrace;
  if (entry->is_connected_now() && core_.steady() < grace_over) {
    core_.touch(*entry);
    return look_no_later(grace_over);
  }
  const auto& death = entry->gone->death;
  const auto reason = policy::judge_death(death, entry->gone->reclaimed);
  core_.wish_end(entry, {reason, death.text.empty() ? std::string(sentence(reason)) : death.text});
}

policy::Limits Provisioner::limits(const SpentNow& spent) {
  const auto& config = core_.config;
  policy::Limits limits;
  if (core_.parts.storage_full && core_.parts.storage_full())
    limits.storage_trouble = "no space is left in the data directory";
  else if (core_.steady() < core_.storage_retry)
    limits.storage_trouble = core_.storage_trouble;
  if (!limits.storage_trouble.empty()) look_no_later(core_.steady() + kStorageLook);
  limits.launches_at_once = kLaunchesAtOnce;
  limits.all = {config.limits, spent.all};
  limits.templates_spent = spent.templates;
  for (const auto& [label, most] : config.label_limits)
    limits.labels[label] = {most, spent_by(spent.labels, label)};
  for (const auto& [name, most] : config.controller_limits)
    limits.controllers[name] = {most, spent_by(spent.controllers, name)};
  return limits;
}

// --- what the ledger is told

void Provisioner::tell_agents() {
  for (const auto& id : core_.take_erased()) {
    ledger_.drop_agent(id);
    running_.drop(id);
    if (const auto* ended = core_.find_ended(id)) note_unserved(ended->row, ended->row.for_item);
  }
  for (auto* entry : list_changed()) {
    note_running(running_, *entry);
    if (entry->is_ending() && entry->seen.working_on.empty()) note_unserved(entry->row, entry->item());
    const auto now = planned_as(core_, *entry);
    if (entry->planned_as == now) continue;
    entry->planned_as = now;
    ledger_.put_agent(agent_of(*entry));
  }
}

// What is launched for its item from now on takes its place.
void Provisioner::note_unserved(const model::Agent& row, const std::string& item_key) {
  if (item_key.empty() || row.builds_done > 0 || row.end_reason == EndReason::surplus) return;
  policy::ItemRef ref{row.controller, item_key};
  if (unserved_.size() >= kUnservedKept) unserved_.clear();
  auto& before = unserved_[ref];
  if (std::exchange(before, row.id) == row.id) return;
  if (const auto item = items_.find(ref); item != items_.end()) put_in_ledger(std::move(ref), item->second);
}

void Provisioner::tell_offers(const SpentNow& spent) {
  std::vector<policy::Template> templates;
  templates.reserve(core_.templates.size());
  for (auto& [name, t] : core_.templates) {
    t.offered = policy::choose_variant(t.rotation, plan_at_);
    auto& offer = templates.emplace_back(offer_of(t, plan_at_));
    offer.pool_controller = pools_.controller_of(name);
    if (!offer.pool_controller.empty()) offer.pool = pools_.size_of(t);
    offer.controllers = core_.controllers_of(name);
  }
  ledger_.set_templates(std::move(templates));
  std::vector<policy::Cloud> clouds;
  clouds.reserve(core_.clouds.size());
  for (const auto& [name, cloud] : core_.clouds)
    clouds.push_back(cloud_of(*cloud, {core_.limits_of(name), spent_by(spent.clouds, name)}, core_));
  ledger_.set_clouds(std::move(clouds));
}

void Provisioner::read_demand() {
  for (auto* controller : core_.parts.controllers) read(*controller);
}

void Provisioner::read(ports::ControllerPort& controller) {
  const auto name = controller.name();
  auto& version = versions_[name];
  auto news = controller.demand_since(version);
  version = news.version;
  plan_size_ += news.items.size() + news.gone.size();
  if (news.complete) ++lists_;
  for (auto& key : news.gone) drop_item({name, std::move(key)});
  for (auto& demand : news.items) put_item(name, std::move(demand));
  if (news.complete) drop_unlisted(name);
}

void Provisioner::put_item(const ControllerName& controller, ports::DemandItem demand) {
  policy::ItemRef ref{controller, std::move(demand.key)};
  const auto [it, fresh] = items_.try_emplace(ref);
  auto& item = it->second;
  item.list = lists_;
  if (!fresh && item.told_since == demand.since && item.label == demand.label && item.title == demand.title)
    return;
  item.told_since = demand.since;
  item.since = core_.even.at(demand.since);
  item.label = std::move(demand.label);
  item.title = std::move(demand.title);
  put_in_ledger(std::move(ref), item);
}

void Provisioner::put_in_ledger(policy::ItemRef ref, const WaitingItem& item) {
  const auto& label = parse_label(item.label);
  const auto before = unserved_.find(ref);
  if (label)
    return ledger_.put_item({std::move(ref), *label, item.since, item.title,
                             before == unserved_.end() ? AgentId() : before->second});
  ledger_.drop_item(ref);
  tell(ref, {"bad_label", describe(label.error()), {}, {}});
}

void Provisioner::move_items_by(Duration by) {
  for (auto& [ref, item] : items_) {
    runtime::move_by(item.since, by);
    put_in_ledger(ref, item);
  }
}

void Provisioner::drop_item(const policy::ItemRef& ref) {
  ledger_.drop_item(ref);
  const auto it = items_.find(ref);
  if (it == items_.end()) return;
  withdraw_promise(ref, it->second);
  items_.erase(it);
}

void Provisioner::drop_unlisted(const ControllerName& controller) {
  std::erase_if(items_, [&](const auto& one) {
    if (one.second.list == lists_ || one.first.controller != controller) return false;
    ledger_.drop_item(one.first);
    withdraw_promise(one.first, one.second);
    return true;
  });
  withdraw_unlisted(controller);
}

// Those of an earlier run whose item is gone: of the others items tell, by what they wait for.
void Provisioner::withdraw_unlisted(const ControllerName& controller) {
  for (const auto& [order, entry] : core_.agents()) {
    const bool is_stale = !entry->promised_to.empty() && entry->row.controller == controller &&
                          !items_.contains({controller, entry->promised_to});
    if (!is_stale) continue;
    entry->promised_to.clear();
    core_.touch(*entry);
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
    const bool told = end.reason != model::spent_reason(entry->row.max_builds) && !entry->seen.detail.empty();
    const bool is_over = activity == AgentActivity::done || activity == AgentActivity::lost;
    if (core_.wish_end(entry, {end.reason, told ? entry->seen.detail : end.text, !is_over})) blamed = true;
    if (end.reason == EndReason::launch_deadline)
      core_.note_finding({Verdict::past_deadline, end.agent, entry->row.cloud, entry->row.handle, end.text});
  }
  for (const auto& drain : plan_.drains) {
    auto* entry = core_.find_agent(drain.agent);
    if (!entry->drain) entry->drain = Ending{drain.reason, drain.text};
    core_.touch(*entry);
  }
  return blamed;
}

std::vector<AgentEntry*> Provisioner::make_agents() {
  std::vector<AgentEntry*> made;
  for (const auto& launch : plan_.launches) {
    auto& t = core_.templates.at(launch.template_name);
    made.push_back(core_.insert_agent(make_agent(launch, t)));
    core_.note_planned(t, *made.back());
  }
  return made;
}

std::unique_ptr<AgentEntry> Provisioner::make_agent(const policy::Launch& launch,
                                                    const TemplateEntry& t) const {
  auto entry = std::make_unique<AgentEntry>();
  entry->row = make_row(launch, t);
  entry->request = make_request(launch, t, entry->row);
  entry->row.frozen_request = encode_request(entry->request);
  entry->life.asked = plan_at_;
  entry->launch_deadline = plan_at_ + t.config.launch_deadline;
  entry->served = 0;
  if (const auto typical = t.launch_times.typical()) entry->expected_at = plan_at_ + *typical;
  return entry;
}

model::Agent Provisioner::make_row(const policy::Launch& launch, const TemplateEntry& t) const {
  model::Agent row;
  row.id = AgentId(launch.cloud.str() + "-" + core_.parts.rng.name(kAgentNameLength));
  row.cloud = launch.cloud;
  row.template_name = launch.template_name;
  row.template_generation = t.generation;
  row.controller = launch.item.controller;
  row.state = AgentState::planned;
  row.for_item = launch.item.key;
  row.labels = t.config.labels;
  const auto& variant = t.variants[t.offered];  // which the plan has counted
  row.size = t.size_of(variant);
  row.price = t.price_of(variant);
  row.attempt = 1;
  row.client_token = row.id.str() + "-1";
  row.max_builds = t.config.max_builds;
  row.idle_timeout = t.config.idle_timeout;
  row.planned = core_.now();
  row.launch_deadline = row.planned + t.config.launch_deadline;
  return row;
}

FrozenRequest Provisioner::make_request(const policy::Launch& launch, const TemplateEntry& t,
                                        const model::Agent& row) const {
  FrozenRequest request;
  request.spec.installation = core_.installation;
  request.spec.agent = row.id;
  request.spec.template_name = row.template_name;
  request.spec.generation = row.template_generation;
  if (const auto item = items_.find(launch.item); item != items_.end())
    request.spec.work = item->second.title;
  request.spec.attempt = row.attempt;
  request.spec.client_token = row.client_token;
  const auto& variant = t.variants[t.offered];
  request.spec.options = variant.options;
  request.variant = variant.name;
  const auto* controller = core_.find_controller(row.controller);
  const auto own = controller == nullptr ? std::nullopt : controller->find_endpoint(row.id);
  request.spec.endpoint = own.value_or(t.config.endpoint);
  if (own) request.spec.server = t.config.endpoint;
  request.spec.orphan_timeout = core_.config.orphan_timeout;
  request.spec.one_shot = row.max_builds == 1;
  request.is_default = t.config.is_default;
  request.max_age = t.config.max_age;
  request.reason = launch.reason;
  request.why =
      variant.name.empty() ? launch.text : fmt::format("{} Variant: {}.", launch.text, variant.name);
  if (launch.not_these) request.not_these = list_answers(*launch.not_these, kConsideredKept);
  for (auto& one : request.not_these) {  // the choice is made
    one.look_again = {};
    one.look_again_on = {};
  }
  return request;
}

// The intents of one plan become durable together; only then does anything happen outside.
Awaitable<void> Provisioner::record(std::vector<AgentEntry*> entries) {
  std::vector<model::Agent> rows;
  rows.reserve(entries.size());
  std::vector<model::Node> nodes;
  for (auto* entry : entries) {
    rows.push_back(entry->row);
    rows.back().state = AgentState::launching;  // from here on the cloud may have been asked
    const auto* controller = core_.find_controller(entry->row.controller);
    auto node = controller == nullptr ? std::nullopt : controller->make_row(registration_of(core_, *entry));
    entry->node_stored = node.has_value();
    if (node) nodes.push_back(std::move(*node));
  }
  const auto stored = co_await core_.parts.store.record_launch_intents(std::move(rows), std::move(nodes));
  if (!stored) {
    core_.parts.log.error("launches cannot be recorded, so nothing is launched",
                          {{"count", entries.size()}, {"error", describe(stored.error())}});
    core_.note_storage_trouble(stored.error(), kStorageLook);
    launched_ = 0;
    for (auto* entry : entries) core_.erase_agent(AgentId(entry->id()));
    co_return;
  }
  for (auto* entry : entries) {
    forget_text(entry->row.frozen_request);
    entry->stored = true;
    core_.set_state(*entry, AgentState::launching);
    core_.log_of(*entry).info("agent planned", {{"template", entry->row.template_name},
                                                {"item", entry->row.for_item},
                                                {"reason", to_string(*entry->request.reason)},
                                                {"why", entry->request.why}});
    tell({entry->row.controller, entry->row.for_item}, reason_of_match(*entry));
    steward_.look_at(entry);
  }
}

void Provisioner::wake_agents() {
  // What is started here may run at once and change the map.
  auto awake = list_changed();
  std::erase_if(awake,
                [](const AgentEntry* entry) { return entry->worked_on || next_step(*entry) == Step::rest; });
  for (auto* entry : awake) steward_.look_at(entry);
}

// --- telling

void Provisioner::tell_matches() {
  for (const auto& match : plan_.matches)
    if (auto* entry = core_.find_agent(match.agent)) {
      promise(*entry, match.item.key);
      tell(match.item, reason_of_match(*entry));
    }
}

void Provisioner::withdraw_promise(const policy::ItemRef& ref, const WaitingItem& item) {
  auto* entry = item.reason == nullptr ? nullptr : core_.find_agent(item.reason->agent);
  if (entry == nullptr || entry->promised_to != ref.key) return;
  entry->promised_to.clear();
  core_.touch(*entry);
}

// From the next plan on it stands for this item as one that was launched for it does.
void Provisioner::promise(AgentEntry& entry, const std::string& item_key) {
  if (entry.item() == item_key) return;
  entry.promised_to = item_key == entry.row.for_item ? std::string() : item_key;
  core_.touch(entry);
}

void Provisioner::tell_holds() {
  for (auto& words : plan_.words) take_words(std::move(words));
  for (const auto& hold : plan_.holds) tell_hold(hold);
  std::erase_if(held_, [](const auto& one) { return one.second.use_count() == 1; });
  std::map<std::string_view, std::int64_t> counts;
  for (const auto& [reason, count] : ledger_.count_holds())
    counts[to_string(reason)] = static_cast<std::int64_t>(count);
  core_.metrics.set_holds(counts);
}

// Those that waited for something else are told by holds of the same plan.
void Provisioner::take_words(policy::Words words) {
  auto& held = held_[{words.controller, words.label}];
  const auto code = to_string(words.held.reason);
  if (!held || held->reason.code != code) held = std::make_shared<HeldClass>();
  held->reason = {std::string(code),
                  std::move(words.held.text),
                  {},
                  words.held.look_again,
                  {},
                  std::string(words.held.look_again_on)};
  held->tried = std::move(words.tried);
  told_something_ = true;
}

void Provisioner::tell_hold(const policy::Hold& hold) {
  const auto it = items_.find(hold.item);
  if (it == items_.end()) return;
  auto& item = it->second;
  const auto& label = parse_label(item.label)->text();
  const auto known = held_.find({hold.item.controller, label});
  if (known == held_.end())
    take_words({hold.item.controller,
                label,
                {hold.reason, hold.text, hold.look_again, {}, hold.look_again_on},
                hold.tried});
  item.held = held_.at({hold.item.controller, label});
  if (item.reason.get() != &item.held->reason) tell(item, hold.item, {item.held, &item.held->reason});
}

void Provisioner::tell(const policy::ItemRef& ref, ports::WaitReason reason) {
  const auto it = items_.find(ref);
  if (it == items_.end()) return;
  auto& item = it->second;
  item.held.reset();
  if (!item.reason || *item.reason != reason)
    tell(item, ref, std::make_shared<const ports::WaitReason>(std::move(reason)));
}

void Provisioner::tell(WaitingItem& item, const policy::ItemRef& ref, ports::SharedReason reason) {
  told_something_ = true;
  if (item.reason && item.reason->agent != reason->agent) withdraw_promise(ref, item);
  item.reason = reason;
  core_.find_controller(ref.controller)->set_wait_reason(ref.key, std::move(reason));
}

void Provisioner::publish_plan(bool launched) {
  const bool news = launched || told_something_ || !plan_.terminations.empty() || !plan_.drains.empty();
  told_something_ = false;
  if (!news) return;
  core_.publish("plan", std::to_string(number_), "made");
  core_.parts.log.debug("plan", {{"number", number_},
                                 {"launches", launched_},
                                 {"new_holds", plan_.holds.size()},
                                 {"endings", plan_.terminations.size() + plan_.drains.size()}});
}

// --- time

void Provisioner::look_no_later(Duration at) {
  if (!look_again_ || at < *look_again_) look_again_ = at;
}

Duration Provisioner::until_next_look() const {
  auto wait = kLongestLookPause;
  if (plan_.next_look.is_set()) wait = std::min(wait, plan_.next_look - core_.time());
  if (const auto change = pools_.next_change(); change.is_set()) wait = std::min(wait, change - core_.now());
  if (look_again_) wait = std::min(wait, *look_again_ - core_.steady());
  return std::max(wait, kShortestPause);
}

Duration Provisioner::pause_after_plan() const {
  return kPlanPausePerThing * static_cast<std::int64_t>(plan_size_);
}

}  // namespace footman::fleet
