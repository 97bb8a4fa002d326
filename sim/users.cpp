#include "sim/users.hpp"

#include <fmt/format.h>

namespace footman::sim {

using base::Errc;
using base::Result;
using runtime::Awaitable;

namespace {

constexpr double kAsksTwice = 0.2;  // for a build: what was answered did not get to them
constexpr std::string_view kImpossibleLabel = "no-such-label";
constexpr std::uint32_t kRushBuilds = 3;  // that are there at once
constexpr Duration kRushAlone = 2min;     // until they have all agents
constexpr Duration kLongestRush = 25min;

}  // namespace

SimUsers::SimUsers(SimLoop& loop, ServerNode& server, Witness& witness, std::uint64_t seed, UserHabits habits,
                   std::vector<std::string> labels, base::Logger log)
    : loop_(loop),
      server_(server),
      witness_(witness),
      dice_(seed, "users"),
      habits_(habits),
      labels_(std::move(labels)),
      life_(loop, "users"),
      executor_(life_.add_lane("users")),
      clock_(loop, Duration(3s)),
      caller_(loop, server, clock_, Dice(seed, "users' network"), habits.lost_answers),
      scope_(std::make_unique<runtime::Scope>(executor_, std::move(log))) {
  jobs_.push_back(make_job("team/app", dice_));
  jobs_.push_back(make_job("nightly", dice_));
  scope_->spawn("create jobs", create_jobs(this));
  for (std::uint32_t user = 0; user < habits_.users; ++user) scope_->spawn("user", live(this, user));
  if (habits_.edits_jobs) scope_->spawn("editor", edit_jobs(this));
  if (habits_.meddles_with_agents) scope_->spawn("admin", meddle(this));
}

SimUsers::~SimUsers() {
  life_.stop();
  scope_.reset();
  life_.destroy();
}

void SimUsers::calm_down() {
  calm_ = true;
  caller_.calm_down();
  if (!habits_.rush_labels.empty()) scope_->spawn("rush", rush(this));
}

// --- jobs

Script SimUsers::make_script(const std::string& key, std::uint32_t step, Dice& dice, bool may_fail) const {
  Script script;
  script.key = key;
  script.step = step;
  script.lines = static_cast<std::uint32_t>(dice.below(habits_.most_lines + 1));
  script.gap = dice.chance(0.3) ? Duration(0) : dice.jitter(habits_.line_gap);
  if (dice.chance(habits_.long_steps)) {
    script.lines = habits_.most_lines;
    script.gap = habits_.long_line_gap;
  }
  script.exit_status = may_fail && dice.chance(0.15) ? 1 : 0;
  script.stubborn = dice.chance(0.2);
  return script;
}

model::Job SimUsers::make_job(const std::string& path, Dice& dice) const {
  model::Job job;
  job.path = base::JobPath(path);
  job.parameters.push_back({std::string(kKeyVariable), "", "names the build", {}});
  const auto steps = dice.between(std::uint64_t{1}, 3);
  for (std::uint32_t step = 0; step < steps; ++step)
    job.spec.steps.push_back({"", "", to_text(make_script("", step, dice, false))});
  job.spec.label = dice.chance(0.5) ? "" : dice.pick(labels_);
  job.spec.grace = 3s;
  job.spec.retries = static_cast<std::uint32_t>(dice.below(3));
  job.max_concurrent = static_cast<std::uint32_t>(dice.below(3));
  job.quiet_period = dice.chance(0.3) ? dice.between(Duration(1s), Duration(20s)) : Duration(0);
  return job;
}

Awaitable<void> SimUsers::create_jobs(SimUsers* self) {
  for (const auto& job : std::vector<model::Job>(self->jobs_)) {
    const Act<Result<model::Job>> create = [job](ServerNode& server) {
      return server.controller().create_job(job);
    };
    const auto created = co_await self->caller_.insist(create);
    if (!created && created.error().code != Errc::already_exists)
      self->witness_.report("users_are_served", "a job is refused: " + base::describe(created.error()));
  }
}

// Other limits, switched off and on, another script; put right at the end.
Awaitable<void> SimUsers::edit_jobs(SimUsers* self) {
  while (!self->calm_) {
    co_await runtime::sleep_for(self->clock_, self->dice_.jitter(Duration(20s)));
    auto& job = self->jobs_[self->dice_.below(self->jobs_.size())];
    const auto changed = self->make_job(job.path.str(), self->dice_);
    job.max_concurrent = changed.max_concurrent;
    job.quiet_period = changed.quiet_period;
    job.enabled = self->dice_.chance(0.7);
    const Act<Result<model::Job>> save = [copy = job](ServerNode& server) {
      return server.controller().save_job(copy);
    };
    (void)co_await self->caller_.call(save);
  }
  for (auto& job : self->jobs_) {
    job.enabled = true;
    const Act<Result<model::Job>> save = [copy = job](ServerNode& server) {
      return server.controller().save_job(copy);
    };
    (void)co_await self->caller_.insist(save);
  }
}

// --- builds

Awaitable<void> SimUsers::live(SimUsers* self, std::uint32_t user) {
  Dice dice(self->dice_.next(), fmt::format("user {}", user));
  for (std::uint32_t i = 0; i < self->habits_.builds_each; ++i) {
    co_await runtime::sleep_for(self->clock_, dice.jitter(self->habits_.between_builds));
    const auto key = fmt::format("u{}.{}", user, i);
    co_await self->submit(key, Dice(dice.next(), "submit"));
    self->scope_->spawn("look after", self->look_after(key, Dice(dice.next(), "look after")));
  }
}

controller::SubmitRequest SimUsers::make_request(const std::string& key, Dice& dice) {
  controller::SubmitRequest request;
  request.cause = "started by a user of the simulation";
  request.idempotency_key = key;
  auto& submission = witness_.submissions[key];
  submission.key = key;
  if (dice.chance(0.4)) {
    const auto& job = dice.pick(jobs_);
    request.job = job.path;
    request.parameters[std::string(kKeyVariable)] = key;
    for (const auto& step : job.spec.steps) {
      submission.scripts.push_back(*parse_script(step.script));
      submission.scripts.back().key = key;
    }
    return request;
  }
  const bool secret = dice.chance(0.4);
  if (secret) request.spec.env.push_back({std::string(kSecretVariable), "", "env:SIM_PASSWORD"});
  const auto steps = dice.between(std::uint64_t{1}, 3);
  for (std::uint32_t step = 0; step < steps; ++step) {
    auto script = make_script(key, step, dice, true);
    script.prints_secret = secret;
    request.spec.steps.push_back({"", "", to_text(script)});
    submission.scripts.push_back(std::move(script));
  }
  if (dice.chance(0.5)) request.spec.label = dice.pick(labels_);
  if (dice.chance(0.04)) request.spec.label = kImpossibleLabel;
  if (dice.chance(0.1)) request.spec.timeout = submission.timeout = dice.jitter(Duration(5s));
  if (dice.chance(0.1)) request.quiet_period = dice.jitter(Duration(5s));
  request.spec.grace = 3s;
  if (dice.chance(0.4)) request.spec.retries = static_cast<std::uint32_t>(dice.between(std::uint64_t{1}, 2));
  return request;
}

// --- a rush

Awaitable<void> SimUsers::rush(SimUsers* self) {
  const std::string other = "rush.other";
  const auto begin = self->loop_.now();
  const auto labels = self->habits_.rush_labels;
  std::vector<std::vector<std::string>> all(labels.size());
  for (std::uint32_t number = 0;; ++number) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      auto& open = all[i];
      std::erase_if(open, [&](const std::string& key) { return self->witness_.steps_completed(key) > 0; });
      while (open.size() < kRushBuilds) {
        open.push_back(fmt::format("rush.{}.{}.{}", i, number, open.size()));
        co_await self->submit_long(open.back(), labels[i]);
      }
    }
    co_await runtime::sleep_for(self->clock_, 5s);
    const auto since = self->loop_.now() - begin;
    if (since > kLongestRush || self->witness_.has_started(other)) co_return;
    if (since > kRushAlone && !self->witness_.submissions.contains(other))
      co_await self->submit_long(other, self->habits_.other_label);
  }
}

Awaitable<void> SimUsers::submit_long(std::string key, std::string label) {
  Script script;
  script.key = key;
  script.lines = 20;
  script.gap = 2s;
  auto& submission = witness_.submissions[key];
  submission.key = key;
  submission.scripts = {script};
  controller::SubmitRequest request;
  request.cause = "started in a rush";
  request.idempotency_key = key;
  request.spec.label = std::move(label);
  request.spec.grace = 3s;
  request.spec.steps.push_back({"", "", to_text(script)});
  const Act<Result<store::SubmittedBuild>> act = [request](ServerNode& server) {
    return server.controller().submit_build(request);
  };
  const auto answer = co_await caller_.insist(act);
  if (answer)
    witness_.submissions[key].build = answer->build.id;
  else
    witness_.report("users_are_served",
                    fmt::format("{} is refused: {}", key, base::describe(answer.error())));
}

Awaitable<void> SimUsers::submit(std::string key, Dice dice) {
  const auto request = make_request(key, dice);
  const Act<Result<store::SubmittedBuild>> act = [request](ServerNode& server) {
    return server.controller().submit_build(request);
  };
  while (true) {
    auto answer = co_await caller_.insist(act);
    auto& submission = witness_.submissions[key];
    if (answer) {
      submission.build = answer->build.id;
      loop_.trace().note(loop_.now(), "users", fmt::format("{} is build {}", key, answer->build.id.str()));
      if (dice.chance(kAsksTwice)) co_await ask_again(key, act);
      if (request.spec.label == kImpossibleLabel) {
        co_await runtime::sleep_for(clock_, dice.jitter(Duration(60s)));
        co_await cancel(key, "it can never run");
      }
      co_return;
    }
    // A job that is not there yet, or is switched off at the moment.
    if (answer.error().code != Errc::not_found && answer.error().code != Errc::conflict)
      co_return witness_.report("users_are_served",
                                fmt::format("{} is refused: {}", key, base::describe(answer.error())));
    co_await runtime::sleep_for(clock_, dice.jitter(Duration(5s)));
  }
}

// A refusal says nothing: the job may be switched off by now.
Awaitable<void> SimUsers::ask_again(std::string key, Act<Result<store::SubmittedBuild>> act) {
  const auto again = co_await caller_.insist(act);
  const auto first = witness_.submissions[key].build;
  if (again && again->build.id != first)
    witness_.report("one_build_per_key", fmt::format("{} was answered with build {}, then with build {}", key,
                                                     first.str(), again->build.id.str()));
}

Awaitable<void> SimUsers::look_after(std::string key, Dice dice) {
  for (auto looks = dice.below(4); looks > 0; --looks) {
    co_await runtime::sleep_for(clock_, dice.jitter(Duration(8s)));
    co_await explain(key);
  }
  if (dice.chance(habits_.cancels)) co_await cancel(key, "a user changed their mind");
}

Awaitable<void> SimUsers::cancel(std::string key, std::string why) {
  auto& submission = witness_.submissions[key];
  submission.cancelled = true;
  loop_.trace().note(loop_.now(), "users", "cancel " + key);
  const Act<Result<model::Build>> act = [build = submission.build, why](ServerNode& server) {
    return server.controller().cancel_build(build, why);
  };
  const auto answer = co_await caller_.insist(act);
  if (!answer && answer.error().code != Errc::not_found)
    witness_.report("users_are_served", "a cancel is refused: " + base::describe(answer.error()));
}

Awaitable<void> SimUsers::explain(std::string key) {
  const Act<Result<controller::BuildExplanation>> act =
      [build = witness_.submissions[key].build](ServerNode& server) {
        return server.controller().explain_build(build);
      };
  const auto answer = co_await caller_.call(act);
  if (!answer) co_return;
  if (answer->build.state == model::BuildState::finished)
    witness_.see_finished(answer->build, "in an answer of the API");
  std::string text = answer->build.reason + answer->build.cause;
  for (const auto& entry : answer->timeline) text += entry.text;
  for (const auto& var : answer->build.spec.env) text += var.value;
  if (answer->queue) text += answer->queue->reason.text;
  witness_.look_for_secrets("an answer of the API", text);
}

Awaitable<void> SimUsers::meddle(SimUsers* self) {
  while (!self->calm_) {
    co_await runtime::sleep_for(self->clock_, self->dice_.jitter(Duration(40s)));
    if (!self->server_.up()) continue;
    const auto agents = self->server_.fleet().list_agents();
    if (agents.empty()) continue;
    const auto id = self->dice_.pick(agents).agent.id;
    const bool drain = self->dice_.chance(0.6);
    if (!drain) self->witness_.disturbed_agents.insert(id.str());
    (drain ? self->witness_.drained_by_people : self->witness_.ended_by_people).insert(id.str());
    self->loop_.trace().note(self->loop_.now(), "users", (drain ? "drain " : "terminate ") + id.str());
    const Act<base::Status> act = [id, drain](ServerNode& server) {
      return drain ? server.fleet().drain_agent(id)
                   : server.fleet().terminate_agent(id, "a person wants it so");
    };
    (void)co_await self->caller_.call(act);
  }
}

}  // namespace footman::sim
