#include "sim/cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "base/digest.hpp"
#include "runtime/post.hpp"
#include "runtime/wait.hpp"

namespace footman::sim {

using base::Errc;
using base::Result;
using model::FailureClass;
using ports::LaunchFailure;
using ports::LaunchHandle;
using ports::LaunchResult;
using ports::LaunchSpec;
using ports::Resource;
using ports::ResourceState;
using runtime::Awaitable;

namespace {

constexpr Duration kEndedAreListed = 1h;
constexpr Duration kSlowBoot = 30s;
// What a server makes of an answer that is none: it gives up on it, and asks again.
constexpr Duration kPatience = 60s;
constexpr Duration kLongestAgain = 30s;
constexpr Duration kLongestThrottled = 5min;
constexpr Duration kShortestWish = 1s;
constexpr Duration kLongestWish = 2min;

LaunchResult refuse(FailureClass failure, bool definite, std::string message) {
  return std::unexpected(LaunchFailure{failure, definite, {}, std::move(message)});
}

bool same_request(const LaunchSpec& a, const LaunchSpec& b) {
  return a.installation == b.installation && a.agent == b.agent && a.attempt == b.attempt &&
         a.options == b.options && a.endpoint == b.endpoint && a.orphan_timeout == b.orphan_timeout &&
         a.one_shot == b.one_shot && a.secret.expose() == b.secret.expose();
}

std::unexpected<base::Error> internal_error() { return base::fail(Errc::unavailable, "InternalError"); }

}  // namespace

// --- the cloud

std::string zone_of(const LaunchSpec& spec) {
  constexpr std::string_view kField = R"("zone":")";
  const auto at = spec.options.find(kField);
  if (at == std::string::npos) return {};
  const auto begin = at + kField.size();
  return spec.options.substr(begin, spec.options.find('"', begin) - begin);
}

SimCloud::SimCloud(SimLoop& loop, Dice dice, Witness& witness, CloudTraits traits)
    : loop_(loop), dice_(dice), witness_(witness), traits_(std::move(traits)) {}

const SimCloud::Machine* SimCloud::find(const std::string& handle) const {
  const auto it = machines_.find(handle);
  return it == machines_.end() ? nullptr : &it->second;
}

const SimCloud::Machine* SimCloud::find_by_agent(const base::AgentId& agent) const {
  const auto found =
      std::ranges::find_if(machines_, [&](const auto& one) { return one.second.spec.agent == agent; });
  return found == machines_.end() ? nullptr : &found->second;
}

std::optional<Duration> SimCloud::held_until(Duration since) const {
  std::optional<Duration> until;
  for (const auto& [from, to] : holds_)
    if (from >= since && from <= loop_.now()) until = std::max(until.value_or(to), to);
  return until;
}

void SimCloud::note_unclear(const ports::LaunchFailure& failure) {
  if (failure.definite && failure.failure != FailureClass::throttled) return;
  const auto longest = failure.failure == FailureClass::throttled ? kLongestThrottled : kLongestAgain;
  const auto wish = failure.retry_at.is_set() ? failure.retry_at - now() : Duration(0);
  holds_.emplace_back(loop_.now(), loop_.now() + std::max(longest, wish));
}

std::size_t SimCloud::live_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(machines_, [](const auto& one) { return one.second.live(); }));
}

bool SimCloud::throttles() {
  const bool does = dice_.chance(trouble.throttled);
  if (does) witness_.count(Happening::throttled);
  return does;
}

// With the time from which on it wants to hear of launches again, or without.
LaunchResult SimCloud::put_off(bool definite) {
  auto answer = refuse(FailureClass::throttled, definite, "Rate exceeded");
  if (dice_.chance(0.75)) answer.error().retry_at = now() + dice_.between(kShortestWish, kLongestWish);
  return answer;
}

LaunchResult SimCloud::launch(const LaunchSpec& spec) {
  if (on_ask) on_ask(spec);
  auto answer = answer_launch(spec);
  if (!answer && answer.error().definite) {
    refused_.insert(spec.client_token);
    reasons_.emplace(spec.template_name.str(), answer.error().failure);
  }
  return answer;
}

LaunchResult SimCloud::answer_launch(const LaunchSpec& spec) {
  const auto known = tokens_.find(spec.client_token);
  const bool exists = known != tokens_.end();
  if (throttles()) return put_off(!exists);
  if (dice_.chance(trouble.no_effect)) return refuse(FailureClass::transient, false, "InternalError");
  if (exists && loop_.now() - machines_.at(known->second).launched_at <= traits_.token_lifetime)
    return launch_known(machines_.at(known->second), spec);
  if (const auto* spoiled = find_spoiled(spec)) {
    refused_for_good_.emplace(spec.template_name.str(), spec.generation);
    return refuse(spoiled->why, !exists, "The image or the role is not there");
  }
  if (traits_.max_agents > 0 && live_count() >= traits_.max_agents)
    return refuse(FailureClass::capacity, !exists, "The quota is used up");
  if (const auto zone = zone_of(spec); dice_.chance(trouble.no_capacity) || dry_zones.contains(zone)) {
    witness_.count(Happening::without_capacity);
    return refuse(FailureClass::capacity, !exists, "No capacity in zone " + zone);
  }
  if (dice_.chance(trouble.refused))
    return refuse(FailureClass::transient, !exists, "The host turned it away");
  return make(spec);
}

const SimCloud::Spoiled* SimCloud::find_spoiled(const LaunchSpec& spec) {
  const auto found = spoiled_.find(spec.template_name.str());
  if (found == spoiled_.end()) return nullptr;
  auto& one = found->second;
  if (!one.generation) one.generation = spec.generation;
  return spec.generation <= *one.generation ? &one : nullptr;
}

LaunchResult SimCloud::launch_known(const Machine& machine, const LaunchSpec& spec) {
  if (!same_request(machine.spec, spec)) {
    witness_.report("launch_is_frozen",
                    fmt::format("token {} came again with other parameters", spec.client_token));
    return refuse(FailureClass::configuration, true, "IdempotentParameterMismatch");
  }
  return LaunchHandle{machine.handle};
}

LaunchResult SimCloud::make(const LaunchSpec& spec) {
  if (on_effect) on_effect(spec);
  const auto handle = add(spec).handle;
  loop_.trace().note(loop_.now(), traits_.name,
                     fmt::format("machine {} made for {}", handle, spec.client_token));
  tell_changed();
  if (dice_.chance(trouble.bad_answer)) return refuse(FailureClass::transient, false, "InternalError");
  return LaunchHandle{handle};
}

bool SimCloud::add_stray() {
  if (machines_.empty()) return false;
  auto spec = machines_.rbegin()->second.spec;
  spec.agent = base::AgentId(fmt::format("{}-stray-{}", traits_.name, launched_));
  spec.client_token = spec.agent.str() + "-1";
  auto& machine = add(spec);
  machine.is_stray = true;
  const auto handle = machine.handle;
  loop_.trace().note(loop_.now(), traits_.name, fmt::format("machine {} is there, nobody knows why", handle));
  return true;
}

SimCloud::Machine& SimCloud::add(const LaunchSpec& spec) {
  Machine machine;
  machine.spec = spec;
  machine.handle = fmt::format("{}/m-{}", traits_.name, ++launched_);
  machine.created = now();
  machine.launched_at = loop_.now();
  machine.visible_at = loop_.now() + lag();
  if (dice_.chance(trouble.never_starts)) machine.fate = Fate::never_starts;
  if (dice_.chance(trouble.dies_at_start)) machine.fate = Fate::dies_at_start;
  machine.history.emplace_back(loop_.now(), ResourceState::starting);
  const auto handle = machine.handle;
  tokens_[spec.client_token] = handle;
  const auto boots_for = dice_.jitter(traits_.boot);
  if (boots_for > kSlowBoot) witness_.count(Happening::slow_boot);
  loop_.after(boots_for, [this, handle] { boot(handle); });
  return machines_.emplace(handle, std::move(machine)).first->second;
}

void SimCloud::boot(const std::string& handle) {
  auto& machine = machines_.at(handle);
  if (machine.state() != ResourceState::starting) return;
  if (machine.fate == Fate::never_starts) return witness_.count(Happening::no_boot);
  set_state(machine, ResourceState::running);
  if (machine.fate == Fate::dies_at_start) {
    witness_.count(Happening::dead_boot);
    loop_.after(dice_.jitter(Duration(500ms)),
                [this, handle] { exited(handle, {1, 0, false, "The container exited with status 1"}); });
    return;
  }
  if (on_up) on_up(handle, machine.spec);
}

void SimCloud::set_state(Machine& machine, ResourceState state) {
  machine.history.emplace_back(loop_.now(), state);
  tell_changed();
}

void SimCloud::end(Machine& machine, model::DeathCertificate death) {
  if (!machine.live()) return;
  machine.ended_at = loop_.now();
  machine.death = std::move(death);
  set_state(machine, ResourceState::gone);
  loop_.trace().note(loop_.now(), traits_.name,
                     fmt::format("machine {} is gone: {}", machine.handle, machine.death.text));
}

void SimCloud::exited(const std::string& handle, model::DeathCertificate death) {
  end(machines_.at(handle), std::move(death));
}

void SimCloud::kill(const std::string& handle, const std::string& why) {
  auto& machine = machines_.at(handle);
  if (!machine.live()) return;
  if (on_down) on_down(handle);
  end(machine, {std::nullopt, 9, false, why});
}

void SimCloud::reclaim(const std::string& handle) {
  auto& machine = machines_.at(handle);
  machine.reclaimed = true;
  if (!machine.live()) return;
  machine.taken = true;
  witness_.count(Happening::reclaimed);
  if (on_taken) on_taken(machine);
  kill(handle, "The cloud took the machine back");
}

void SimCloud::fail_host(const std::string& handle) {
  auto& machine = machines_.at(handle);
  if (!machine.live()) return;
  machine.taken = true;
  witness_.count(Happening::host_failed);
  if (on_taken) on_taken(machine);
  if (on_down) on_down(handle);
  end(machine, {std::nullopt, 0, false, "The host has failed"});
}

Resource SimCloud::describe(const Machine& machine, Duration as_of) const {
  Resource resource;
  resource.installation = machine.spec.installation;
  resource.agent = machine.spec.agent;
  resource.client_token = machine.spec.client_token;
  resource.handle = machine.handle;
  resource.template_name = machine.spec.template_name;
  resource.created = machine.created;
  resource.state = machine.history.front().second;
  for (const auto& [at, state] : machine.history)
    if (at <= as_of) resource.state = state;
  if (resource.state != ResourceState::gone) return resource;
  resource.death = machine.death;
  resource.reclaimed = machine.reclaimed;
  return resource;
}

Result<std::vector<Resource>> SimCloud::observe(const base::InstallationId& installation) {
  if (throttles()) return base::fail(Errc::unavailable, "Rate exceeded");
  std::vector<Resource> listed;
  for (const auto& [handle, machine] : machines_) {
    if (machine.spec.installation != installation || loop_.now() < machine.visible_at) continue;
    const auto resource = describe(machine, loop_.now() - lag());
    if (resource.state == ResourceState::gone && loop_.now() - machine.ended_at > kEndedAreListed) continue;
    listed.push_back(resource);
    if (!dice_.chance(traits_.repeats)) continue;
    witness_.count(Happening::list_repeated);
    listed.push_back(describe(machine, loop_.now() - lag()));
  }
  dice_.shuffle(listed);
  return listed;
}

Result<Resource> SimCloud::find_by_token(const std::string& token) {
  if (throttles()) return base::fail(Errc::unavailable, "Rate exceeded");
  const auto known = tokens_.find(token);
  if (known == tokens_.end() || loop_.now() < machines_.at(known->second).visible_at)
    return base::fail(Errc::not_found, "no such machine");
  return describe(machines_.at(known->second), loop_.now());
}

Result<Resource> SimCloud::terminate(const std::string& handle, const std::string& token) {
  if (throttles()) return base::fail(Errc::unavailable, "Rate exceeded");
  auto it = machines_.find(handle);
  if (handle.empty()) {
    const auto found = find_by_token(token);
    if (found) it = machines_.find(found->handle);
  }
  if (it == machines_.end()) {
    Resource nothing;
    nothing.client_token = token;
    nothing.handle = handle;
    nothing.state = ResourceState::gone;
    return nothing;
  }
  auto& machine = it->second;
  if (on_terminate && machine.live()) on_terminate(machine);
  if (machine.state() == ResourceState::starting || machine.state() == ResourceState::running) {
    set_state(machine, ResourceState::stopping);
    loop_.after(dice_.jitter(Duration(300ms)),
                [this, name = machine.handle] { kill(name, "Terminated at the user's request"); });
  }
  if (dice_.chance(trouble.bad_answer)) return internal_error();
  return describe(machine, loop_.now());
}

// With a delay, and not always.
void SimCloud::tell_changed() {
  if (dice_.chance(trouble.leaves_no_trace)) return;
  loop_.after(latency(), [this] {
    if (const auto listener = listener_.lock()) (*listener)();
  });
}

// --- one life's provider

template <class R>
Awaitable<R> SimProvider::ask(std::function<R()> at_the_cloud, R when_broken) {
  struct Call {
    std::optional<R> result;
    runtime::Event done;
  };
  const auto call = std::make_shared<Call>();
  auto* cloud = &cloud_;
  auto* loop = &cloud->loop_;
  loop->after(cloud->latency(),
              [cloud, loop, call, act = std::move(at_the_cloud), broken = std::move(when_broken)] {
                if (cloud->dice_.chance(cloud->trouble.no_answer / 2)) return;  // lost on the way there
                auto result = act();
                if (cloud->dice_.chance(cloud->trouble.no_answer)) {
                  if constexpr (std::is_same_v<R, LaunchResult>)
                    cloud->witness_.count(Happening::launch_answer_lost);
                  return;
                }
                if (cloud->dice_.chance(cloud->trouble.bad_answer)) result = broken;
                loop->after(cloud->latency(), [call, moved = std::move(result)]() mutable {
                  call->result = std::move(moved);
                  call->done.notify();
                });
              });
  while (!call->result) co_await call->done.wait();
  co_return std::move(*call->result);
}

ports::CloudLimits SimProvider::limits() const {
  const auto& traits = cloud_.traits();
  return {traits.max_agents, traits.token_lifetime, traits.listing_lag, traits.own_exit};
}

Result<std::vector<ports::Variant>> SimProvider::freeze(const base::TemplateName& name) const {
  if (std::ranges::find(cloud_.traits().templates, name.str()) == cloud_.traits().templates.end())
    return base::fail(Errc::invalid_argument, fmt::format("no template '{}' in this cloud", name.str()));
  std::vector<ports::Variant> variants;
  const auto& traits = cloud_.traits();
  for (const auto& zone : traits.zones) {
    auto& variant = variants.emplace_back();
    variant.name = zone;
    variant.is_reclaimable = zone == traits.zones.front();
    variant.options = fmt::format(R"({{"machine":"{}","zone":"{}"}})", name.str(), zone);
    if (const auto size = traits.sizes.find(zone); size != traits.sizes.end()) variant.size = size->second;
    if (const auto price = traits.prices.find(zone); price != traits.prices.end())
      variant.price = price->second;
  }
  return variants;
}

// What the cloud tells in its own time is handed on in the server's, as from an answer that shows both.
Awaitable<LaunchResult> SimProvider::launch(LaunchSpec spec) {
  const auto token = spec.client_token;
  const auto patience = cloud_.loop_.now() + kPatience;
  cloud_.holds_.emplace_back(patience, patience + kLongestAgain);  // unless an answer comes
  auto answer =
      co_await ask<LaunchResult>([cloud = &cloud_, moved = std::move(spec)] { return cloud->launch(moved); },
                                 refuse(FailureClass::transient, false, "InternalError"));
  std::erase_if(cloud_.holds_, [&](const auto& one) { return one.first == patience; });
  if (!answer) cloud_.note_unclear(answer.error());
  if (answer || !answer.error().retry_at.is_set()) co_return answer;
  const auto left = answer.error().retry_at - cloud_.now();
  answer.error().retry_at = cloud_.servers_now() + left;
  cloud_.witness_.count(Happening::wish_told);
  if (cloud_.on_wish) cloud_.on_wish(token, left);
  co_return answer;
}

Awaitable<Result<std::vector<Resource>>> SimProvider::observe() {
  return ask<Result<std::vector<Resource>>>(
      [cloud = &cloud_, installation = installation_] { return cloud->observe(installation); },
      internal_error());
}

Awaitable<Result<Resource>> SimProvider::find_by_token(std::string client_token) {
  return ask<Result<Resource>>(
      [cloud = &cloud_, token = std::move(client_token)] { return cloud->find_by_token(token); },
      internal_error());
}

Awaitable<Result<Resource>> SimProvider::terminate(std::string handle, std::string client_token) {
  return ask<Result<Resource>>([cloud = &cloud_, at = std::move(handle),
                                token = std::move(client_token)] { return cloud->terminate(at, token); },
                               internal_error());
}

void SimProvider::set_on_change(std::function<void()> look_again) {
  if (!look_again) return listener_.reset();
  listener_ = std::make_shared<std::function<void()>>(
      [executor = control_, call = std::move(look_again)] { runtime::post(executor, call); });
  cloud_.listener_ = listener_;
}

}  // namespace footman::sim
