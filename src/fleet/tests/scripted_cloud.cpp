#include "fleet/tests/scripted_cloud.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace footman::fleet::testing {

using ports::LaunchFailure;
using ports::LaunchHandle;
using ports::LaunchResult;
using ports::Resource;
using ports::ResourceState;

namespace {

// The way to the cloud or back: others may run, or the server may crash.
Awaitable<void> travel() {
  const auto executor = co_await runtime::asio::this_coro::executor;
  co_await runtime::asio::post(executor, runtime::asio::use_awaitable);
}

bool is_same_request(const ports::LaunchSpec& a, const ports::LaunchSpec& b) {
  return a.installation == b.installation && a.agent == b.agent && a.attempt == b.attempt &&
         a.options == b.options && a.endpoint == b.endpoint && a.orphan_timeout == b.orphan_timeout &&
         a.one_shot == b.one_shot && a.secret.expose() == b.secret.expose();
}

}  // namespace

int CloudState::alive() const {
  return static_cast<int>(std::ranges::count_if(
      resources, [](const auto& one) { return one.second.resource.state != ResourceState::gone; }));
}

void CloudState::end(const std::string& token, model::DeathCertificate death) {
  auto& resource = resources.at(token).resource;
  resource.state = ResourceState::gone;
  resource.death = std::move(death);
}

Result<std::vector<ports::Variant>> ScriptedCloud::freeze(const TemplateName& name) const {
  if (state_.freeze_fails) return fail(Errc::invalid_argument, "no such size", "size");
  std::vector<ports::Variant> variants;
  variants.reserve(state_.variants.size());
  for (const auto& one : state_.variants) {
    auto& variant = variants.emplace_back(ports::Variant{one, state_.options + name.str() + one});
    variant.is_reclaimable = state_.spot.contains(one);
    if (const auto size = state_.sizes.find(one); size != state_.sizes.end()) variant.size = size->second;
    if (const auto price = state_.prices.find(one); price != state_.prices.end())
      variant.price = price->second;
  }
  return variants;
}

void ScriptedCloud::check_token(const ports::LaunchSpec& spec) {
  const auto& held = state_.resources.at(spec.client_token);
  if (!is_same_request(held.spec, spec))
    state_.violations.push_back("token " + spec.client_token + " with other parameters");
  if (clock_.steady() - held.created > state_.limits.token_lifetime)
    state_.violations.push_back("token " + spec.client_token + " is older than its lifetime");
}

void ScriptedCloud::create(const ports::LaunchSpec& spec) {
  state_.ever.insert(spec.client_token);
  Resource resource{
      spec.installation, spec.agent, spec.client_token, "i-" + spec.client_token, ResourceState::running,
      clock_.now(),      {}};
  state_.resources[spec.client_token] = {spec, std::move(resource), clock_.steady(), {}};
  state_.most_alive = std::max(state_.most_alive, state_.alive());
}

Awaitable<LaunchResult> ScriptedCloud::launch(ports::LaunchSpec spec) {
  ++state_.launch_calls;
  if (spec.secret.empty()) state_.violations.push_back("a launch without a secret");
  auto how = state_.launching;
  if (!state_.script.empty()) {
    how = state_.script.front();
    state_.script.pop_front();
  }
  if (std::ranges::any_of(state_.without_capacity,
                          [&](const auto& one) { return spec.options.ends_with(one); }))
    how = Launching::refused;
  co_await travel();
  const bool known = state_.resources.contains(spec.client_token);
  if (known) check_token(spec);
  if (how == Launching::refused && !(known && state_.refusal.definite)) {
    co_await travel();
    co_return std::unexpected(state_.refusal);
  }
  const bool effect = how != Launching::not_done && how != Launching::hangs && how != Launching::refused;
  if (effect && !known) create(spec);
  co_await travel();
  if (how == Launching::hangs || how == Launching::done_then_hangs) co_await never_.wait();
  if (how == Launching::lost_answer || how == Launching::not_done)
    co_return std::unexpected(LaunchFailure{model::FailureClass::transient, false, {}, "connection reset"});
  co_return LaunchHandle{"i-" + spec.client_token};
}

bool ScriptedCloud::is_listed(const CloudState::Held& held) const {
  return !state_.hide_all && clock_.steady() >= held.created + state_.limits.listing_lag;
}

void ScriptedCloud::settle_stops() {
  for (auto& [token, held] : state_.resources)
    if (held.stopping && held.resource.state != ResourceState::gone &&
        clock_.steady() >= *held.stopping + state_.stop_takes)
      state_.end(token, {0, 0, false, "stopped as asked"});
}

Awaitable<Result<std::vector<Resource>>> ScriptedCloud::observe() {
  ++state_.observe_calls;
  settle_stops();
  std::vector<Resource> listed;
  for (const auto& [token, held] : state_.resources)
    if (is_listed(held)) listed.push_back(held.resource);
  co_await travel();
  if (state_.list_takes > Duration(0)) co_await runtime::sleep_for(clock_, state_.list_takes);
  if (!state_.lists) co_return fail(Errc::unavailable, "the list is broken");
  co_return listed;
}

Awaitable<Result<Resource>> ScriptedCloud::find_by_token(std::string client_token) {
  ++state_.find_calls;
  state_.found.push_back(client_token);
  co_await travel();
  if (!state_.lists || !state_.look_ups_work) co_return fail(Errc::unavailable, "the look-up is broken");
  if (!state_.out_of_reach.empty()) co_return fail(Errc::unsupported, state_.out_of_reach);
  const auto it = state_.resources.find(client_token);
  if (it == state_.resources.end() || !is_listed(it->second))
    co_return fail(Errc::not_found, "no such token");
  co_return it->second.resource;
}

Awaitable<Result<Resource>> ScriptedCloud::terminate(std::string handle, std::string client_token) {
  ++state_.terminate_calls;
  co_await travel();
  if (!state_.terminate_works) co_return fail(Errc::unavailable, "no connection");
  const auto it = state_.resources.find(client_token);
  if (it == state_.resources.end() || (handle.empty() && !is_listed(it->second)))
    co_return Resource{{}, {}, client_token, handle, ResourceState::gone, {}, {}};
  auto& held = it->second;
  if (held.resource.state != ResourceState::gone && !held.stopping) {
    held.stopping = clock_.steady();
    held.resource.state = ResourceState::stopping;
  }
  settle_stops();
  auto answer = held.resource;
  co_await travel();
  co_return answer;
}

Awaitable<ports::ProofAnswer> ScriptedCloud::check_proof(std::string handle, std::string options,
                                                         ports::IdentityProof proof) {
  state_.proofs.push_back(handle + " " + options + " " + proof.binding);
  co_await travel();
  co_return state_.proof_answer;
}

}  // namespace footman::fleet::testing
