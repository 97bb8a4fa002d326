#include "sim/admins.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace footman::sim {

using base::CloudName;
using base::Result;
using base::Status;
using runtime::Awaitable;

namespace {

constexpr double kLostAnswers = 0.1;
constexpr Duration kBetweenLooks = 40s;  // at what waits for a person; typical

Awaitable<Status> apply_config(fleet::FleetConfig config, ServerNode* server) {
  auto applied = co_await server->fleet().apply_config(config);
  if (applied) server->apply_config(std::move(config));
  co_return applied;
}

Awaitable<Result<std::size_t>> apply_reconcile(ServerNode* server) {
  const std::string by = "by an admin of the simulation";
  FOOTMAN_CO_TRY(const auto released, co_await server->controller().release_doubtful(by));
  co_return released + server->fleet().apply_reconcile(by);
}

}  // namespace

SimAdmins::SimAdmins(SimLoop& loop, ServerNode& server, Witness& witness, std::uint64_t seed,
                     AdminHabits habits, std::vector<CloudName> clouds, std::function<void()> on_meddling,
                     base::Logger log)
    : loop_(loop),
      server_(server),
      witness_(witness),
      dice_(seed, "admins"),
      habits_(habits),
      clouds_(std::move(clouds)),
      first_config_(server.fleet_config()),
      on_meddling_(std::move(on_meddling)),
      life_(loop, "admins"),
      executor_(life_.add_lane("admins")),
      clock_(loop, Duration(1s)),
      caller_(loop, server, clock_, Dice(seed, "admins' network"), kLostAnswers),
      scope_(std::make_unique<runtime::Scope>(executor_, std::move(log))) {
  if (habits.pause_clouds) scope_->spawn("pauses", pause_clouds(this));
  if (habits.change_config) scope_->spawn("configurations", change_config(this));
  look_at_holds();
  look_at_disabled();
}

SimAdmins::~SimAdmins() {
  life_.stop();
  scope_.reset();
  life_.destroy();
}

void SimAdmins::calm_down() {
  calm_ = true;
  caller_.calm_down();
  if (habits_.keep_budgets_for > Duration(0))
    scope_->spawn("more money", allow_more(this));
  else
    drop_budgets();
}

// --- pauses

// The witness knows a cloud as paused only while that is sure: answered, and nobody has asked for anything
// else.
Awaitable<Status> SimAdmins::set_pause(CloudName cloud, bool on) {
  loop_.trace().note(loop_.now(), "admins", (on ? "pause " : "resume ") + cloud.str());
  on_meddling_();
  witness_.paused.erase(cloud);
  if (on) witness_.maybe_paused.insert(cloud);
  const Act<Status> act = [cloud, on](ServerNode& server) {
    return on ? server.fleet().pause_cloud(cloud, "by an admin: maintenance")
              : server.fleet().resume_cloud(cloud);
  };
  auto answer = on ? co_await caller_.call<Status>(act) : co_await caller_.insist<Status>(act);
  if (answer && on) witness_.paused[cloud] = loop_.now();
  if (answer && !on) witness_.maybe_paused.erase(cloud);
  on_meddling_();
  co_return answer;
}

Awaitable<void> SimAdmins::pause_clouds(SimAdmins* self) {
  while (!self->calm_) {
    co_await runtime::sleep_for(self->clock_, self->dice_.jitter(Duration(40s)));
    if (self->calm_) co_return;
    auto cloud = self->dice_.pick(self->clouds_);
    self->witness_.count(Happening::cloud_paused);
    (void)co_await self->set_pause(cloud, true);
    co_await runtime::sleep_for(self->clock_, self->dice_.jitter(Duration(15s)));
    (void)co_await self->set_pause(std::move(cloud), false);
  }
}

// --- configurations

// Limits stay, so that what was launched before does not break them.
fleet::FleetConfig SimAdmins::other_config() {
  auto config = first_config_;
  auto& one = config.templates.at(dice_.below(config.templates.size()));
  switch (dice_.below(4)) {
    case 0:  // another generation
      one.endpoint.url += "?again";
      break;
    case 1:
      one.labels.emplace_back("extra");
      break;
    case 2:
      one.priority += 2;
      break;
    default:
      config.templates.erase(config.templates.begin() + (&one - config.templates.data()));
  }
  return config;
}

Awaitable<Status> SimAdmins::set_config(fleet::FleetConfig config) {
  loop_.trace().note(loop_.now(), "admins", "another configuration");
  witness_.config_changed = loop_.now();
  on_meddling_();
  const Act<Status> act = [this, config](ServerNode& server) {
    witness_.config_changed = loop_.now();  // it may have waited for a server that is up
    return apply_config(config, &server);
  };
  auto answer = co_await caller_.insist<Status>(act);
  witness_.config_changed = loop_.now();
  on_meddling_();
  if (!answer) witness_.report("users_are_served", "a configuration is refused: " + describe(answer.error()));
  co_return answer;
}

Awaitable<void> SimAdmins::change_config(SimAdmins* self) {
  while (!self->calm_) {
    co_await runtime::sleep_for(self->clock_, self->dice_.jitter(Duration(40s)));
    if (self->calm_) break;
    self->witness_.count(Happening::config_changed);
    (void)co_await self->set_config(self->other_config());
  }
  (void)co_await self->set_config(self->first_config_);
}

Awaitable<void> SimAdmins::set_first_config(SimAdmins* self) {
  (void)co_await self->set_config(self->first_config_);
}

Awaitable<void> SimAdmins::allow_more(SimAdmins* self) {
  co_await runtime::sleep_for(self->clock_, self->habits_.keep_budgets_for);
  self->drop_budgets();
}

// Tomorrow is too far away for builds that only the money of the day keeps waiting.
void SimAdmins::drop_budgets() {
  auto& config = first_config_;
  bool was_limited = false;
  const auto allow = [&](model::AgentLimits& limits) {
    was_limited |= limits.budget.per_day.has_value();
    limits.budget.per_day.reset();
  };
  allow(config.limits);
  for (auto& [name, limits] : config.cloud_limits) allow(limits);
  for (auto& [label, limits] : config.label_limits) allow(limits);
  for (auto& [name, limits] : config.controller_limits) allow(limits);
  for (auto& one : config.templates) allow(one.limits);
  if (was_limited && !habits_.change_config) scope_->spawn("more money", set_first_config(this));
}

// --- templates that are refused for good

// True: another generation of some has to be tried.
bool SimAdmins::mend_templates() {
  bool any = false;
  for (const auto& cloud : server_.fleet().list_clouds())
    for (const auto& one : cloud.templates) {
      const auto known = std::ranges::find(first_config_.templates, one.name, &fleet::Template::name);
      if (one.breaker.state != "disabled" || known == first_config_.templates.end()) continue;
      known->endpoint.url += "?mended";
      witness_.count(Happening::template_mended);
      any = true;
    }
  return any;
}

void SimAdmins::look_at_disabled() {
  loop_.after(dice_.jitter(kBetweenLooks), [this] {
    look_at_disabled();
    if (!server_.up() || !mend_templates()) return;
    loop_.trace().note(loop_.now(), "admins", "mend what was refused for good");
    witness_.config_changed = loop_.now();
    on_meddling_();
    server_.serve<Status>(
        [config = first_config_](ServerNode& server) { return apply_config(config, &server); },
        [this](const Status&) { on_meddling_(); });  // what it has not come to is found again
  });
}

// --- what waits for a person

void SimAdmins::look_at_holds() {
  loop_.after(dice_.jitter(kBetweenLooks), [this] {
    look_at_holds();
    if (!waits_for_a_person(server_)) return;
    loop_.trace().note(loop_.now(), "admins", "say that it may go on");
    server_.serve<Result<std::size_t>>(
        [this](ServerNode& server) {
          for (const auto& view : server.fleet().list_agents())  // on their way: they may be ended for it
            if (!view.agent.connected.is_set()) witness_.ended_by_people.insert(view.agent.id.str());
          return apply_reconcile(&server);
        },
        [this](const Result<std::size_t>& count) {
          if (count && *count > 0) witness_.count(Happening::hold_released);
        });
  });
}

}  // namespace footman::sim
