#include "fleet/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/number.hpp"
#include "fleet/budgets.hpp"
#include "fleet/orphans.hpp"
#include "fleet/provisioner.hpp"
#include "fleet/reconciler.hpp"
#include "fleet/steward.hpp"
#include "fleet/templates.hpp"
#include "model/nearest.hpp"

namespace footman::fleet {

using model::AgentState;
using model::EndReason;

struct Fleet::Impl {
  Impl(FleetParts parts, FleetConfig config)
      : core(std::move(parts), std::move(config)),
        templates(core),
        steward(core),
        provisioner(core, steward),
        reconciler(core, steward) {}

  Core core;
  Templates templates;
  Steward steward;
  Provisioner provisioner;
  Reconciler reconciler;
  bool applying = false;
  runtime::Event applied;

  void take_over(std::vector<model::Agent> rows, bool in_doubt);
  void listen() const;
  void start_loops();
  AgentEntry* find_living(const AgentId& id) const;
  Error unknown_cloud(const CloudName& name) const;
  Awaitable<Status> read_pauses();
  Awaitable<Status> read_launch_times();
  Awaitable<Status> set_pause(CloudName name, Pause pause);
  Awaitable<Status> wait_until(std::function<bool()> holds, std::string otherwise);
  Awaitable<Status> wait_for_end(AgentId id, bool draining_will_do);
  Awaitable<Status> close_record(AgentEntry* entry);
  CloudView view_of(const CloudName& name, const CloudEntry& cloud,
                    const std::map<TemplateName, IdleTimes>& idle_times) const;
  static CloudView view_of_unknown(const CloudName& name);
  static AgentView view_of(const AgentEntry& entry, bool kept_ready);
  static BreakerView view_of(const policy::Breaker& breaker);
  std::vector<VariantView> variants_of(const TemplateEntry& t) const;
  static void count(CloudView& view, const AgentEntry& entry);
};

Fleet::Fleet(FleetParts parts, FleetConfig config)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(config))) {}
Fleet::~Fleet() = default;

// --- life cycle

Awaitable<Status> Fleet::start(store::OpenState state) {
  auto& core = impl_->core;
  core.installation = state.installation;
  core.started = core.steady();
  FOOTMAN_CO_TRY_STATUS(co_await impl_->templates.apply(core.config));
  FOOTMAN_CO_TRY_STATUS(co_await impl_->read_pauses());
  FOOTMAN_CO_TRY_STATUS(co_await read_spending(core));
  FOOTMAN_CO_TRY_STATUS(co_await impl_->read_launch_times());
  impl_->take_over(std::move(state.agents), !state.doubt.empty());
  tell_orphans(core);
  impl_->reconciler.begin(std::move(state.doubt));
  impl_->listen();
  impl_->start_loops();
  co_return Status();
}

namespace {

// By the wall clock, the only witness: what lies ahead of it is taken for now.
policy::AgentLife life_before(const Core& core, const model::Agent& row) {
  auto life = policy::life_of(row);
  for (auto* at : {&life.asked, &life.answered, &life.connected, &life.stop_asked, &life.gone})
    if (at->is_set()) *at = core.even.at_past(*at);
  return life;
}

ports::Resource resource_of(const Core& core, const model::Agent& row) {
  ports::Resource out;
  out.installation = core.installation;
  out.agent = row.id;
  out.client_token = row.client_token;
  out.handle = row.handle;
  out.created = row.launched.is_set() ? row.launched : row.planned;
  out.template_name = row.template_name;
  return out;
}

}  // namespace

// Launch deadlines start afresh: while the server was away nobody could connect.
void Fleet::Impl::take_over(std::vector<model::Agent> rows, bool in_doubt) {
  std::ranges::sort(rows, [](const model::Agent& a, const model::Agent& b) {
    return std::tie(a.planned, a.id) < std::tie(b.planned, b.id);
  });
  for (auto& row : rows) {
    auto entry = std::make_unique<AgentEntry>();
    entry->stored = true;
    entry->asked = row.state != AgentState::planned;
    entry->last_call = core.started;
    const auto validity = std::max(Duration(0), row.launch_deadline - row.planned);
    row.launch_deadline = core.now() + validity;
    entry->launch_deadline = core.time() + validity;
    entry->unrepeatable = row.planned > core.now();
    entry->life = life_before(core, row);
    entry->row = std::move(row);
    entry->promised_to = entry->row.promised_to;
    auto request = parse_request(entry->row.frozen_request);
    if (request) {
      entry->request = std::move(*request);
    } else {
      core.log_of(*entry).error("the agent's launch request is lost", {{"error", describe(request.error())}});
      entry->ending = Ending{EndReason::launch_refused, "Its launch request cannot be read from its row."};
    }
    forget_text(entry->row.frozen_request);
    if (!entry->row.handle.empty()) forget_launch(entry->request);
    if (!entry->asked) entry->ending = Ending{EndReason::surplus, "Nobody had asked for it.", false};
    const bool
        did_not_come =  // as an earlier run of a database in doubt saw it, too, and did not end it for that
        entry->row.end_reason == EndReason::launch_deadline ||
        entry->row.end_reason == EndReason::session_lost;
    entry->unheard = in_doubt && entry->asked && (!entry->is_ending() || did_not_come);
    entry->has_cloud = core.find_cloud(entry->row.cloud) != nullptr;
    if (entry->has_cloud && entry->asked &&
        !core.find_cloud(entry->row.cloud)
             ->provider->recall(resource_of(core, entry->row), entry->request.spec.options))
      entry->unrepeatable = true;
    core.insert_agent(std::move(entry));
  }
}

// The ports may call after the fleet is gone: they hold the events, not the fleet.
void Fleet::Impl::listen() const {
  for (auto* controller : core.parts.controllers)
    controller->set_on_change([look = std::weak_ptr(core.look)] {
      if (const auto event = look.lock()) event->notify();
    });
  for (const auto& [name, cloud] : core.clouds)
    cloud->provider->set_on_change([entry = std::weak_ptr(cloud)] {
      if (const auto event = entry.lock()) event->look.notify();
    });
}

void Fleet::Impl::start_loops() {
  core.scope.spawn("provisioner", provisioner.run());
  for (const auto& [name, cloud] : core.clouds)
    core.scope.spawn("watch cloud " + name.str(), reconciler.watch(name, cloud.get()));
}

Awaitable<void> Fleet::stop() {
  auto& core = impl_->core;
  core.stopping = true;
  core.agents_changed.notify();
  for (auto* controller : core.parts.controllers) controller->set_on_change({});
  for (const auto& [name, cloud] : core.clouds) cloud->provider->set_on_change({});
  core.scope.cancel();
  co_await core.scope.join();
}

Awaitable<Status> Fleet::apply_config(FleetConfig config) {
  while (impl_->applying) co_await impl_->applied.wait();
  impl_->applying = true;
  auto status = co_await impl_->templates.apply(std::move(config));
  impl_->applying = false;
  impl_->applied.notify();
  co_return status;
}

void Fleet::set_pool_answers(PoolAnswers answers) { impl_->provisioner.set_pool_answers(std::move(answers)); }

Awaitable<ports::ProofAnswer> Fleet::check_proof(ports::IdentityClaim claim) {
  using ports::ProofAnswer;
  using ports::ProofVerdict;
  auto& core = impl_->core;
  const auto until = core.steady() + kHandlePatience;
  for (bool looked = false;; looked = true) {
    const auto* entry = core.find_agent(claim.agent);
    auto* cloud = entry == nullptr ? nullptr : core.find_cloud(entry->row.cloud);
    if (cloud == nullptr || entry->is_ending() || entry->row.attempt != claim.attempt)
      co_return ProofAnswer{ProofVerdict::wrong, "no agent of this name and attempt is expected"};
    const auto& handle = entry->row.handle.empty() ? entry->learned_handle : entry->row.handle;
    if (!handle.empty())
      co_return co_await cloud->provider->check_proof(handle, entry->request.spec.options,
                                                      std::move(claim.proof));
    const auto left = until - core.steady();
    if (left <= Duration(0) || core.stopping)
      co_return ProofAnswer{ProofVerdict::unknown, "the cloud has not told yet which resource it is"};
    if (!looked) cloud->look.notify();  // the answer to the launch may be lost
    (void)co_await core.agents_changed.wait_for(core.parts.clock, left);
  }
}

void Fleet::look_again() {
  impl_->core.look->notify();
  for (const auto& [name, cloud] : impl_->core.clouds) cloud->look.notify();
}

// --- what people ask for

AgentEntry* Fleet::Impl::find_living(const AgentId& id) const {
  auto* entry = core.find_agent(id);
  return entry != nullptr && entry->stored ? entry : nullptr;
}

// `otherwise`: what to say when it does not hold in time.
Awaitable<Status> Fleet::Impl::wait_until(std::function<bool()> holds, std::string otherwise) {
  const auto limit = core.steady() + kCallTimeout;
  while (!holds()) {
    if (core.stopping) co_return fail(Errc::unavailable, "the server is stopping");
    const auto left = limit - core.steady();
    if (left <= Duration(0))
      co_return fail(Errc::timeout, std::move(otherwise), {}, "The fleet goes on with it.");
    (void)co_await core.agents_changed.wait_for(core.parts.clock, left);
  }
  co_return Status();
}

// Returns once the wish is durable. It is carried out also when the caller goes away.
Awaitable<Status> Fleet::Impl::wait_for_end(AgentId id, bool draining_will_do) {
  const auto has_begun = [this, id, draining_will_do] {
    const auto* entry = core.find_agent(id);
    return entry == nullptr || entry->is_ending() ||
           (draining_will_do && entry->row.state == AgentState::draining);
  };
  return wait_until(has_begun, fmt::format("agent {} has not begun to end yet", id.str()));
}

// Nobody can look: a person says that nothing is left.
Awaitable<Status> Fleet::Impl::close_record(AgentEntry* entry) {
  const auto id = entry->id();
  entry->nothing_left = true;
  core.touch(*entry);
  if (entry->worked_on) entry->wake.notify();
  steward.look_at(entry);
  return wait_until([this, id] { return core.find_agent(id) == nullptr; },
                    fmt::format("the record of agent {} is not closed yet", id.str()));
}

Awaitable<Status> Fleet::drain_agent(AgentId id) {
  auto* entry = impl_->find_living(id);
  if (entry == nullptr) co_return std::unexpected(unknown_agent(id));
  const Ending ending{EndReason::drained, std::string(sentence(EndReason::drained)), true};
  const bool has_session = entry->seen.connected_at.is_set() || entry->row.connected.is_set();
  if (!has_session)
    impl_->core.wish_end(entry, ending);
  else if (!entry->drain)
    entry->drain = ending;
  impl_->core.touch(*entry);
  impl_->steward.look_at(entry);
  impl_->core.look->notify();
  co_return co_await impl_->wait_for_end(std::move(id), true);
}

Awaitable<Status> Fleet::terminate_agent(AgentId id, std::string reason) {
  auto* entry = impl_->find_living(id);
  if (entry == nullptr) co_return std::unexpected(unknown_agent(id));
  if (reason.empty()) reason = "A person ended it.";
  entry->released = true;  // whatever it does there
  if (entry->is_ending() && !entry->has_cloud) co_return co_await impl_->close_record(entry);
  impl_->core.wish_end(entry, {EndReason::drained, std::move(reason)});
  impl_->steward.look_at(entry);
  impl_->core.look->notify();
  co_return co_await impl_->wait_for_end(std::move(id), false);
}

std::size_t Fleet::apply_reconcile(const std::string& text) { return impl_->reconciler.apply(text); }

// --- pauses

namespace {

std::string setting_of(const CloudName& name) { return "fleet.cloud." + name.str() + ".pause"; }

// "1764028800000000 by admin: maintenance"; anything else is no pause.
std::string encode_pause(const Pause& pause) {
  return pause.since.is_set() ? fmt::format("{} {}", pause.since.us, pause.text) : std::string();
}

Pause parse_pause(std::string_view stored) {
  const auto space = stored.find(' ');
  const auto since = base::find_number<std::int64_t>(stored.substr(0, space));
  if (space == std::string_view::npos || !since) return {};
  return {Instant{*since}, std::string(stored.substr(space + 1))};
}

}  // namespace

Awaitable<Status> Fleet::Impl::read_pauses() {
  for (const auto& [name, cloud] : core.clouds) {
    FOOTMAN_CO_TRY(const auto stored, co_await core.parts.store.find_setting(setting_of(name)));
    cloud->pause = parse_pause(stored.value_or(""));
    if (cloud->pause.since.is_set())
      core.parts.log.warning("cloud is paused", {{"cloud", name}, {"paused", cloud->pause.text}});
  }
  co_return Status();
}

Awaitable<Status> Fleet::Impl::read_launch_times() {
  FOOTMAN_CO_TRY(const auto times, co_await core.parts.store.list_launch_times(policy::LaunchTimes::kKept));
  for (const auto& one : times)
    if (const auto t = core.templates.find(one.template_name);
        t != core.templates.end() && t->second.generation == one.generation)
      t->second.launch_times.add(one.took);
  co_return Status();
}

Awaitable<Status> Fleet::Impl::set_pause(CloudName name, Pause pause) {
  auto* cloud = core.find_cloud(name);
  if (cloud == nullptr) co_return std::unexpected(unknown_cloud(name));
  FOOTMAN_CO_TRY_STATUS(co_await core.parts.store.save_setting(setting_of(name), encode_pause(pause)));
  const auto* word = pause.since.is_set() ? "paused" : "resumed";
  core.parts.log.info(std::string("cloud ") + word, {{"cloud", name}, {"why", pause.text}});
  cloud->pause = std::move(pause);
  core.publish("cloud", name.str(), word);
  core.look->notify();
  co_return Status();
}

Awaitable<Status> Fleet::pause_cloud(CloudName name, std::string text) {
  if (text.empty()) text = "by a person";  // an empty text is no pause
  return impl_->set_pause(std::move(name), {impl_->core.now(), std::move(text)});
}

Awaitable<Status> Fleet::resume_cloud(CloudName name) {
  FOOTMAN_CO_TRY_STATUS(co_await impl_->set_pause(name, {}));
  impl_->core.try_templates_again(name);
  co_return Status();
}

// --- views

std::vector<AgentView> Fleet::list_agents() const {
  const auto& core = impl_->core;
  std::vector<AgentView> all;
  all.reserve(core.ended().size() + core.agents().size());
  for (const auto& one : core.ended()) all.push_back({one.row, {}, false});
  for (const auto& [order, entry] : core.agents())
    if (entry->stored) all.push_back(Impl::view_of(*entry, false));
  std::ranges::stable_sort(all, {}, [](const AgentView& view) { return view.agent.planned; });
  return all;
}

std::optional<AgentView> Fleet::find_agent(const AgentId& id) const {
  if (const auto* entry = impl_->find_living(id))
    return Impl::view_of(*entry, impl_->provisioner.is_kept_ready(id));
  if (const auto* one = impl_->core.find_ended(id)) return AgentView{one->row, {}, false};
  return std::nullopt;
}

Error Fleet::unknown_agent(const AgentId& id) const {
  std::vector<std::string> known;  // the newest ones
  for (const auto& [order, entry] : std::views::reverse(impl_->core.agents()))
    if (known.size() < model::kMaxSuggested && entry->stored) known.push_back(entry->row.id.str());
  return {Errc::not_found,
          fmt::format("There is no agent {}", id.str()),
          {},
          model::did_you_mean(id.str(), known)};
}

Error Fleet::unknown_cloud(const CloudName& name) const { return impl_->unknown_cloud(name); }

Error Fleet::Impl::unknown_cloud(const CloudName& name) const {
  std::vector<std::string> known;
  known.reserve(core.clouds.size());
  for (const auto& [one, cloud] : core.clouds) known.push_back(one.str());
  return {Errc::not_found,
          fmt::format("There is no cloud {}", name.str()),
          {},
          model::did_you_mean(name.str(), known)};
}

// The item that waits for it now is fresher than its row has it, and none once it is given work or ends.
AgentView Fleet::Impl::view_of(const AgentEntry& entry, bool kept_ready) {
  AgentView view{entry.row, entry.seen, kept_ready};
  const bool waits = !entry.is_ending() && entry.seen.activity != ports::AgentActivity::busy;
  view.agent.promised_to = waits ? entry.promised_to : std::string();
  if (!entry.has_cloud) view.trouble = describe_unknown_cloud(entry.row);
  return view;
}

void Fleet::Impl::count(CloudView& view, const AgentEntry& entry) {
  using enum AgentState;
  const auto state = entry.row.state;
  if (state == planned || state == launching || state == connecting)
    ++view.starting;
  else if (state == online)
    ++view.online;
  else
    ++view.ending;
}

BreakerView Fleet::Impl::view_of(const policy::Breaker& breaker) {
  BreakerView view;
  view.state = to_string(breaker.state);
  if (breaker.state == policy::BreakerState::closed) return view;
  view.failure = to_string(breaker.failure);
  view.reason = breaker.reason;
  view.failures = breaker.failures_in_a_row();
  view.since = breaker.since;
  if (breaker.state == policy::BreakerState::open) view.next_probe = breaker.until;
  view.probe = breaker.probe;
  return view;
}

std::vector<VariantView> Fleet::Impl::variants_of(const TemplateEntry& t) const {
  std::vector<VariantView> views;
  if (t.variants.size() < 2) return views;
  for (std::size_t i = 0; i < t.variants.size(); ++i) {
    const auto& variant = t.variants[i];
    const auto& state = t.rotation.variants[i];
    views.push_back({variant.name, t.size_of(variant), t.price_of(variant),
                     state.until > core.time() ? state.until : Instant(), state.reason});
  }
  return views;
}

CloudView Fleet::Impl::view_of(const CloudName& name, const CloudEntry& cloud,
                               const std::map<TemplateName, IdleTimes>& idle_times) const {
  CloudView view;
  view.name = name;
  view.cap = core.limits_of(name).agents;
  view.healthy = cloud.healthy;
  view.trouble = cloud.trouble;
  view.trouble_since = cloud.trouble_since;
  view.warning = cloud.provider->find_warning();
  view.last_listed = cloud.last_listed;
  view.pause = cloud.pause;
  for (const auto& [template_name, t] : core.templates) {
    if (t.config.cloud != name) continue;
    TemplateView one;
    one.name = template_name;
    one.cloud = name;
    one.generation = t.generation;
    one.labels = t.config.labels;
    one.is_default = t.config.is_default;
    one.max_builds = t.config.max_builds;
    one.cap = t.config.limits.agents;
    one.size = t.size_of(t.variants.front());
    one.price = t.price_of(t.variants.front());
    one.breaker = view_of(t.breaker);
    one.variants = variants_of(t);
    one.held = t.breaker.state != policy::BreakerState::closed;
    one.trouble = policy::describe(t.breaker, core.time());
    one.look_again = policy::may_launch(t.breaker, core.time()).look_again;
    one.pool = provisioner.view_of_pool(template_name);
    for (const auto& [per_hour, time] : idle_times.at(template_name)) {
      one.idle_time += time;
      one.idle_cost += model::charge(per_hour, time);
    }
    one.typical_launch = t.launch_times.typical();
    view.templates.push_back(std::move(one));
  }
  return view;
}

CloudView Fleet::Impl::view_of_unknown(const CloudName& name) {
  CloudView view;
  view.name = name;
  view.is_configured = view.healthy = false;
  view.trouble = "It is not configured any more, and its agents count in limits: see `footman reconcile`";
  return view;
}

std::vector<CloudView> Fleet::list_clouds() const {
  std::vector<CloudView> all;
  std::map<CloudName, std::size_t> index;
  const auto idle_times = impl_->provisioner.idle_times();
  for (const auto& [name, cloud] : impl_->core.clouds) {
    index[name] = all.size();
    all.push_back(impl_->view_of(name, *cloud, idle_times));
  }
  std::map<TemplateName, std::uint32_t> holding;
  for (const auto& [order, entry] : impl_->core.agents()) {
    const auto [place, is_new] = index.try_emplace(entry->row.cloud, all.size());
    if (is_new) all.push_back(Impl::view_of_unknown(entry->row.cloud));
    Impl::count(all[place->second], *entry);
    ++holding[entry->row.template_name];
  }
  for (auto& view : all)
    for (auto& t : view.templates) t.holding = holding[t.name];
  return all;
}

const PlanView& Fleet::last_plan() const { return impl_->provisioner.view(); }

std::optional<ItemView> Fleet::explain(const ControllerName& controller, const std::string& item_key) const {
  return impl_->provisioner.explain(controller, item_key);
}

const ReconcileView& Fleet::last_reconcile() const { return impl_->core.reconcile; }
std::string Fleet::storage_trouble() const {
  const auto& core = impl_->core;
  return core.steady() < core.storage_retry ? core.storage_trouble : std::string();
}

}  // namespace footman::fleet
