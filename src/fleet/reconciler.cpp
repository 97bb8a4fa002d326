#include "fleet/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/time_limit.hpp"

namespace footman::fleet {

using model::EndReason;
using ports::Resource;
using ports::ResourceState;

namespace {

StrayEntry enter_recorded(const model::Agent& row) {
  return {policy::Strays{1, row.size, row.price.per_hour, Duration(0), row.template_name, row.labels,
                         row.controller}};
}

StrayEntry enter_unrecorded(const Resource& resource) { return {{}, resource.template_name}; }

std::string key_of(const Resource& resource) { return resource.client_token + " " + resource.handle; }

}  // namespace

Reconciler::Reconciler(Core& core, Steward& steward) : core_(core), steward_(steward) {}

Awaitable<void> Reconciler::watch(CloudName name, CloudEntry* cloud) {
  auto failing = Duration(0);
  while (true) {
    const auto begun = core_.steady();
    cloud->next_list = begun + kCallTimeout;
    const bool answered = co_await look(name, cloud);
    const auto every = core_.config.reconcile_every;
    if (!answered) {
      failing = failing == Duration(0) ? kObserveFirstPause : std::min(failing * 2, every);
      cloud->next_list = core_.steady() + failing;
      if (!cloud->is_known) core_.look->notify();  // it is told why
      co_await runtime::sleep_for(core_.parts.clock, failing);
      continue;
    }
    failing = Duration(0);
    const auto pause = kObservePausePerThing * static_cast<std::int64_t>(core_.agents().size());
    if (pause >= kShortestPause) co_await runtime::sleep_for(core_.parts.clock, pause);
    const auto next = std::max(begun + every, core_.steady() + kShortestPause);
    (void)co_await cloud->look.wait_for(core_.parts.clock, next - core_.steady());
  }
}

// One round; false: the cloud did not answer.
Awaitable<bool> Reconciler::look(CloudName name, CloudEntry* cloud) {
  const auto began = core_.steady();
  const auto listed = co_await runtime::run_for(core_.parts.clock, kCallTimeout, cloud->provider->observe());
  if (!listed || !*listed) {
    core_.note_trouble(*cloud, listed ? describe(listed->error())
                                      : fmt::format("no list within {}", format_duration(kCallTimeout)));
    co_return false;
  }
  core_.note_answer(*cloud);
  cloud->last_listed = core_.now();
  for (const auto& resource : **listed) {
    core_.note_last_words(resource);
    if (auto* entry = core_.find_agent(resource.agent);
        entry != nullptr && entry->row.client_token == resource.client_token)
      core_.note_steps(entry, resource);
    if (auto* renamed = find_renamed(resource); renamed != nullptr && resource.state == ResourceState::gone)
      note_renamed_gone(renamed, resource, cloud);
  }
  const auto lag = cloud->provider->limits().listing_lag;
  auto found = compare(facts_of(name, began), **listed, name, core_.installation, lag);
  begin_round(name, found.matched);
  carry_out(found);
  report_unheard(name);
  co_await look_for_all(name, std::move(found.missing), cloud);
  const auto living = found.matched + found.learned.size() + found.strays.size();
  co_await judge_strays(std::move(found.strays), cloud, {began, living});
  if (!std::exchange(cloud->is_known, true)) core_.look->notify();
  co_await settle_doubt();
  co_return true;
}

std::vector<RowFacts> Reconciler::facts_of(const CloudName& name, Duration listed) const {
  std::vector<RowFacts> facts;
  for (const auto& [order, entry] : core_.agents())
    if (entry->row.cloud == name)
      facts.push_back({entry->id(), entry->row.client_token, entry->row.handle, entry->row.state,
                       entry->asked, entry->calling, entry->is_connected_now(), listed - entry->last_call});
  return facts;
}

void Reconciler::begin_round(const CloudName& name, std::uint32_t matched) {
  core_.reconcile.at = core_.now();
  auto& round = rounds_[name];
  core_.reconcile.matched += matched - round.matched;
  round.matched = matched;
  if (core_.steady() < round.ends) return;
  round.ends = core_.steady() + core_.config.reconcile_every / 2;
  round.strays_ended = 0;
  std::erase_if(core_.reconcile.findings, [&](const Finding& one) { return one.cloud == name; });
}

// Its row says so soon: storing that may take longer than the end itself.
bool Reconciler::is_end_under_way(const AgentEntry& entry) {
  return entry.ending || (entry.drain && entry.seen.working_on.empty());
}

// Its work is done; it was quicker than our look at it.
bool Reconciler::has_left_in_order(const AgentEntry& entry) const {
  const auto* controller = core_.find_controller(entry.row.controller);
  return controller != nullptr &&
         controller->observe_agent(entry.id()).activity == ports::AgentActivity::done;
}

void Reconciler::carry_out(const Comparison& found) {
  for (const auto& finding : found.findings) {
    const auto* entry = core_.find_agent(finding.agent);
    const bool ordinary = finding.verdict == Verdict::resource_gone && entry != nullptr &&
                          (entry->gone || is_end_under_way(*entry) || has_left_in_order(*entry));
    if (!ordinary) core_.note_finding(finding);
  }
  for (const auto& [agent, resource] : found.learned) {
    auto* entry = core_.find_agent(agent);
    if (entry == nullptr) continue;
    entry->learned_handle = resource.handle;
    core_.touch(*entry);
    core_.agents_changed.notify();
    if (entry->worked_on) entry->wake.notify();
    steward_.look_at(entry);
  }
  for (const auto& [agent, resource] : found.ended)
    if (auto* entry = core_.find_agent(agent)) core_.note_gone(entry, resource);
}

// In the order of the agents, from where the round before has ended: each has its turn, also while the cloud
// does not answer.
Awaitable<void> Reconciler::look_for_all(CloudName name, std::vector<AgentId> missing, CloudEntry* cloud) {
  auto& last = rounds_[name].looked_for;
  std::ranges::rotate(missing, std::ranges::find_if(missing, [&](const AgentId& agent) {
                        const auto* entry = core_.find_agent(agent);
                        return entry != nullptr && entry->order > last;
                      }));
  if (missing.size() > kLookUpsPerRound) missing.resize(kLookUpsPerRound);
  for (auto& agent : missing) {
    const auto* entry = core_.find_agent(agent);
    if (entry == nullptr) continue;
    last = entry->order;
    if (!co_await look_for(std::move(agent), cloud)) co_return;
  }
}

// Not listed is not gone: the cloud is asked for this one. False: it did not answer. That it cannot reach
// this one is an answer.
Awaitable<bool> Reconciler::look_for(AgentId agent, CloudEntry* cloud) {
  auto* entry = core_.find_agent(agent);
  const auto found = co_await runtime::run_for(core_.parts.clock, kCallTimeout,
                                               cloud->provider->find_by_token(entry->row.client_token));
  const bool answered =
      found && (*found || found->error().code == Errc::not_found || found->error().code == Errc::unsupported);
  entry = core_.find_agent(agent);
  if (entry == nullptr || entry->calling) co_return answered;
  Finding finding{Verdict::resource_gone, agent, entry->row.cloud, entry->row.handle, {}};
  if (found && *found && (*found)->state == ResourceState::gone && is_of(entry->row.handle, **found)) {
    finding.text = (*found)->death.text;
    core_.note_gone(entry, **found);
  } else if (found && !*found && found->error().code == Errc::not_found) {
    finding.text = "The cloud has no trace of it any more.";
    ports::Resource nowhere;
    nowhere.death.text = finding.text;
    core_.note_gone(entry, nowhere);
  } else {
    finding.verdict = Verdict::not_listed_yet;
    finding.text = "It is not listed, but it cannot be said to be gone.";
    if (found && !*found) finding.text += " The cloud says: " + describe(found->error());
  }
  core_.note_finding(std::move(finding));
  co_return answered;
}

// --- the guard after a start

void Reconciler::begin(std::string doubt) {
  if (!doubt.empty())
    core_.parts.log.warning("the database is in doubt: agents that it does not know are reported, not ended",
                            {{"why", doubt}});
  std::vector<CloudName> clouds;
  clouds.reserve(core_.clouds.size());
  for (const auto& [name, cloud] : core_.clouds) clouds.push_back(name);
  guard_.begin(clouds, std::move(doubt));
  for (const auto& [order, entry] : core_.agents())
    if (!entry->has_cloud)
      core_.note_finding({Verdict::cloud_unknown, entry->id(), entry->row.cloud, entry->row.handle,
                          describe_unknown_cloud(entry->row), false});
}

bool Reconciler::may_end(const CloudName& name, std::set<std::string> strays, const List& list) {
  const bool was_held = guard_.hold().has_value();
  const auto complete = core_.started + core_.clouds.at(name)->provider->limits().listing_lag;
  const bool may = guard_.judge(name, list.living, std::move(strays), list.at >= complete);
  tell_hold(name, was_held);
  return may;
}

void Reconciler::report_unheard(const CloudName& name) {
  for (const auto& [order, entry] : core_.agents())
    if (entry->is_left_alone() && entry->row.cloud == name)
      core_.note_finding({Verdict::must_end, entry->id(), name, entry->row.handle,
                          "It has not connected since this database, which is in doubt, was opened.", true});
  count_held();
}

void Reconciler::count_held() {
  const auto left_alone =
      std::ranges::count_if(core_.agents(), [](const auto& one) { return one.second->is_left_alone(); });
  if (left_alone > 0 && left_alone_ == 0)
    core_.parts.log.warning(
        "agents that have not come to this database are not ended: see `footman reconcile`",
        {{"agents", left_alone}});
  left_alone_ = left_alone;
  const auto& hold = guard_.hold();
  core_.metrics.held.set(left_alone + (hold ? static_cast<std::int64_t>(hold->would_end) : 0));
}

// Those that were at work are heard of within their leases, or end.
std::size_t Reconciler::release_unheard() {
  std::vector<AgentEntry*> released;  // what is started here may run at once and change the map
  for (const auto& [order, entry] : core_.agents())
    if (entry->is_left_alone()) released.push_back(entry.get());
  for (auto* entry : released) {
    entry->released = true;
    if (!entry->row.connected.is_set())
      core_.wish_end(entry, {EndReason::drained,
                             "It had not come to this database, which was in doubt, when a person said that "
                             "such agents are to end.",
                             true});
    core_.touch(*entry);
    core_.look->notify();
    steward_.look_at(entry);
  }
  for (auto& finding : core_.reconcile.findings)
    if (finding.verdict == Verdict::must_end) finding.held = false;
  count_held();
  return released.size();
}

std::size_t Reconciler::apply(const std::string& text) {
  const auto count = guard_.approve() + release_unheard();
  if (count == 0) return 0;
  core_.parts.log.warning("what the comparison had found is ended", {{"by", text}, {"agents", count}});
  for (const auto& [name, cloud] : core_.clouds) tell_hold(name, true);
  return count;
}

void Reconciler::tell_hold(const CloudName& name, bool was_held) {
  const auto& hold = guard_.hold();
  core_.reconcile.held = hold;
  count_held();
  if (hold.has_value() == was_held) return;
  core_.publish("cloud", name.str(), hold ? "held" : "released");
  if (hold) {
    core_.parts.log.warning("agents without a record are not ended: see `footman reconcile`",
                            {{"cloud", name},
                             {"reason", hold->reason},
                             {"text", hold->text},
                             {"would_end", hold->would_end},
                             {"seen", hold->seen}});
    return;
  }
  for (auto& finding : core_.reconcile.findings) finding.held = false;
  for (const auto& [other, cloud] : core_.clouds) cloud->look.notify();
}

// Tried again with the next look, if the store cannot do it now.
Awaitable<void> Reconciler::settle_doubt() {
  if (guard_.doubt().empty() || !guard_.is_over()) co_return;
  const bool all_came =
      std::ranges::none_of(core_.agents(), [](const auto& one) { return one.second->is_left_alone(); });
  if (!all_came) co_return;
  if (!co_await core_.parts.store.settle_doubt()) co_return;
  guard_.settle_doubt();
  release_unheard();
}

// --- resources without a live row

// While the guard stands all of them count, so all are looked into; later only as many as may be ended now.
Awaitable<void> Reconciler::judge_strays(std::vector<Resource> listed, CloudEntry* cloud, List list) {
  const auto name = cloud->provider->name();
  const auto ended = std::min(rounds_[name].strays_ended, kOrphansPerRound);
  const auto limit = guard_.is_over(name) ? kOrphansPerRound - ended : kStraysLookedAt;
  std::vector<Stray> strays;
  std::set<std::string> keys;
  std::map<std::string, StrayEntry> counted;  // in caps
  for (auto& resource : listed) {
    auto key = key_of(resource);
    const bool is_being_ended = being_ended_.contains({name, key});
    if (is_being_ended || strays.size() >= limit) {
      const auto known = cloud->strays.find(key);
      if (known != cloud->strays.end())
        counted.insert(*known);
      else if (auto entry = enter_unexplained(resource))
        counted.emplace(key, std::move(*entry));
      keys.insert(std::move(key));
      continue;
    }
    auto stray = co_await explain_stray(resource, cloud, list.at);
    if (!stray) {
      const bool has_agent = core_.find_agent(resource.agent) != nullptr;
      if (auto entry = has_agent ? enter_unexplained(resource) : std::nullopt)
        counted.emplace(std::move(key), std::move(*entry));
      continue;
    }
    if (stray->entry) counted.emplace(key, *stray->entry);
    keys.insert(std::move(key));
    strays.push_back(std::move(*stray));
  }
  set_strays(*cloud, std::move(counted));
  if (may_end(name, std::move(keys), list)) co_return end_strays(std::move(strays), cloud);
  for (auto& stray : strays) {
    stray.finding.held = true;
    core_.note_finding(std::move(stray.finding));
  }
}

void Reconciler::end_strays(std::vector<Stray> strays, CloudEntry* cloud) {
  auto& round = rounds_[cloud->provider->name()];
  for (auto& [resource, finding, entry] : strays) {
    if (round.strays_ended >= kOrphansPerRound) return;
    if (!being_ended_.emplace(cloud->provider->name(), key_of(resource)).second) continue;
    ++round.strays_ended;
    core_.note_finding(std::move(finding));
    core_.scope.spawn("end stray", end_stray(std::move(resource), cloud));
  }
}

// Of one about which nothing else is found out. Empty: an agent counts for it, or it is gone. One of two that
// a launch has made counts, as it is ended after its agent only.
std::optional<StrayEntry> Reconciler::enter_unexplained(const Resource& resource) const {
  if (const auto* agent = core_.find_agent(resource.agent)) {
    const auto& row = agent->row;
    const bool is_second = row.client_token == resource.client_token && !is_of(row.handle, resource);
    return is_second ? std::optional(enter_recorded(row)) : std::nullopt;
  }
  if (core_.find_ended(resource.agent) != nullptr) return std::nullopt;
  return enter_unrecorded(resource);
}

void Reconciler::set_strays(CloudEntry& cloud, std::map<std::string, StrayEntry> strays) {
  if (strays == cloud.strays) return;
  cloud.strays = std::move(strays);
  core_.look->notify();
}

// Empty: it need not be ended, or this cannot be said now.
Awaitable<std::optional<Reconciler::Stray>> Reconciler::explain_stray(Resource resource, CloudEntry* cloud,
                                                                      Duration seen) {
  if (const auto* agent = find_renamed(resource))
    co_return explain_renamed(*agent, std::move(resource), *cloud);
  if (core_.find_agent(resource.agent) != nullptr)
    co_return std::nullopt;  // planned while the list was on its way; or a second one, ended after its agent
  Finding finding{Verdict::orphan, resource.agent, cloud->provider->name(), resource.handle,
                  "This server has no record of it."};
  Duration ended{0};
  StrayEntry entry;
  if (const auto* one = core_.find_ended(resource.agent)) {
    ended = one->at;
    entry = enter_recorded(one->row);
  } else {
    const auto stored = co_await core_.parts.store.get_agent(resource.agent);
    if (!stored && stored.error().code == Errc::not_found) {
      entry = enter_unrecorded(resource);
      co_return Stray{std::move(resource), std::move(finding), std::move(entry)};
    }
    if (!stored) co_return std::nullopt;
    ended = core_.ended_at(*stored);
    entry = enter_recorded(*stored);
  }
  // The list is older than the end of the agent.
  if (seen < ended + cloud->provider->limits().listing_lag || seen <= ended) co_return std::nullopt;
  finding.verdict = Verdict::must_end;
  finding.text = "Its row says that it has ended, but the resource is alive.";
  co_return Stray{std::move(resource), std::move(finding), std::move(entry)};
}

// --- agents of a cloud that has another name now

// The agent that is this very resource, and whose own cloud is not configured any more.
AgentEntry* Reconciler::find_renamed(const Resource& resource) const {
  auto* entry = core_.find_agent(resource.agent);
  const bool is_same = entry != nullptr && !entry->has_cloud && !resource.handle.empty() &&
                       entry->row.client_token == resource.client_token && is_of(entry->row.handle, resource);
  return is_same ? entry : nullptr;
}

// What the cloud keeps of it is let go, as with its own ones.
void Reconciler::note_renamed_gone(AgentEntry* entry, const Resource& resource, CloudEntry* cloud) {
  core_.note_gone(entry, resource);
  if (!entry->is_ending()) return;  // the next look comes to it
  entry->nothing_left = true;
  steward_.look_at(entry);
  if (being_ended_.emplace(cloud->provider->name(), key_of(resource)).second)
    core_.scope.spawn("let renamed go", end_stray(resource, cloud));
}

// Nobody else can end it. One that has been told to leave has its time for that.
std::optional<Reconciler::Stray> Reconciler::explain_renamed(const AgentEntry& entry, Resource resource,
                                                             const CloudEntry& cloud) const {
  const auto leaves_until = entry.life.stop_asked + cloud.provider->limits().own_exit;
  if (!entry.is_ending() || entry.is_left_alone() || core_.time() < leaves_until) return std::nullopt;
  Finding finding{Verdict::must_end, entry.id(), cloud.provider->name(), resource.handle,
                  fmt::format("Its own cloud '{}' is not configured any more, but this one lists it.",
                              entry.row.cloud.str())};
  return Stray{std::move(resource), std::move(finding), std::nullopt};
}

// It stands in the list of findings until the next comparison.
void Reconciler::note_ended(const Resource& resource, const CloudName& name) {
  constexpr std::string_view kEnded = " It is ended now.";
  for (auto& finding : core_.reconcile.findings)
    if (finding.cloud == name && finding.handle == resource.handle && !finding.text.ends_with(kEnded))
      finding.text += kEnded;
}

Awaitable<void> Reconciler::end_stray(Resource resource, CloudEntry* cloud) {
  const std::pair key{cloud->provider->name(), key_of(resource)};
  auto pause = kTerminateFirstPause;
  for (std::size_t tries = 0; tries < kStrayTries; ++tries) {
    core_.parts.crash_points.hit("terminate:before-call");
    const auto answer = co_await runtime::run_for(
        core_.parts.clock, kCallTimeout, cloud->provider->terminate(resource.handle, resource.client_token));
    core_.parts.crash_points.hit("terminate:after-call");
    if (answer && *answer && (*answer)->state == ResourceState::gone) {
      note_ended(resource, key.first);
      if (auto* renamed = find_renamed(resource)) note_renamed_gone(renamed, **answer, cloud);
      if (cloud->strays.erase(key.second) > 0) core_.look->notify();
      break;
    }
    co_await runtime::sleep_for(core_.parts.clock, pause);
    pause = std::min<Duration>(pause * 2, kTerminateLongestPause);
  }
  being_ended_.erase(key);
}

}  // namespace footman::fleet
