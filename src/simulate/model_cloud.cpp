#include "simulate/model_cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace footman::simulate {

using model::FailureClass;
using ports::LaunchResult;
using ports::Resource;
using ports::ResourceState;
using runtime::Awaitable;

namespace {

constexpr double kP90 = 1.2815515655446004;  // of the standard normal distribution

}  // namespace

ModelCloud::ModelCloud(CloudName name, CloudModel model, std::uint64_t seed, runtime::Clock& clock,
                       runtime::Executor control, Happenings& happenings, OnUp on_up)
    : name_(std::move(name)),
      model_(std::move(model)),
      dice_(seed, "cloud " + name_.str()),
      clock_(clock),
      control_(std::move(control)),
      happenings_(happenings),
      start_(clock.steady()),
      on_up_(std::move(on_up)) {}

// A token is honoured for ever, and lists tell the truth.
ports::CloudLimits ModelCloud::limits() const { return {0, std::chrono::hours(24 * 3650), Duration(0)}; }

Result<std::vector<ports::Variant>> ModelCloud::freeze(const TemplateName& name) const {
  return std::vector<ports::Variant>{{{}, name.str()}};
}

// --- calls

Awaitable<LaunchResult> ModelCloud::launch(ports::LaunchSpec spec) { co_return try_launch(spec); }

LaunchResult ModelCloud::try_launch(const ports::LaunchSpec& spec) {
  if (machines_.contains(spec.client_token)) return ports::LaunchHandle{spec.client_token};
  if (model_.capacity > 0 && machines_.size() >= model_.capacity)
    return refuse(FailureClass::capacity,
                  fmt::format("the simulated cloud has no capacity beyond {} agents", model_.capacity));
  if (dice_.chance(model_.refused))
    return refuse(FailureClass::transient, "the simulated cloud had an internal error");
  return make(spec);
}

LaunchResult ModelCloud::refuse(FailureClass failure, std::string message) {
  ++happenings_.refusals[std::string(model::to_string(failure))];
  return std::unexpected(ports::LaunchFailure{failure, true, {}, std::move(message)});
}

ports::LaunchHandle ModelCloud::make(const ports::LaunchSpec& spec) {
  const auto& token = spec.client_token;
  const TemplateName name(spec.options);  // as frozen
  Machine machine;
  machine.resource = {.installation = spec.installation,
                      .agent = spec.agent,
                      .client_token = token,
                      .handle = token,
                      .state = ResourceState::running,
                      .created = clock_.now(),
                      .death = {}};
  machine.record = happenings_.agents.size();
  happenings_.agents.push_back({name, name_, clock_.steady() - start_, {}, {}, {}, Duration(0), 0});
  // Drawn for each one, whatever becomes of it: the next one's luck is its own.
  const auto boot = draw_boot(name);
  if (!dice_.chance(model_.never_connect))
    machine.timer = clock_.call_after(control_, boot, [this, token] { come_up(token); });
  token_of_[spec.agent] = token;
  machines_.emplace(token, std::move(machine));
  return {token};
}

Duration ModelCloud::draw_boot(const TemplateName& name) {
  const auto own = model_.boots.find(name);
  const auto median = own == model_.boots.end() ? model_.boot : own->second;
  const double luck = dice_.normal();
  if (model_.boot_p90 <= model_.boot || model_.boot <= Duration(0)) return median;
  const auto sigma =
      std::log(static_cast<double>(model_.boot_p90.count()) / static_cast<double>(model_.boot.count())) /
      kP90;
  return Duration(std::llround(static_cast<double>(median.count()) * std::exp(sigma * luck)));
}

void ModelCloud::come_up(const std::string& token) {
  const auto it = machines_.find(token);
  if (it == machines_.end() || it->second.resource.state != ResourceState::running) return;
  const auto agent = it->second.resource.agent;
  on_up_(agent);
}

Awaitable<Result<std::vector<Resource>>> ModelCloud::observe() {
  std::vector<Resource> all;
  all.reserve(machines_.size());
  for (const auto& [token, machine] : machines_) all.push_back(machine.resource);
  co_return all;
}

Awaitable<Result<Resource>> ModelCloud::find_by_token(std::string client_token) {
  const auto it = machines_.find(client_token);
  if (it == machines_.end()) co_return fail(Errc::not_found, "there is no such agent");
  co_return it->second.resource;
}

Awaitable<Result<Resource>> ModelCloud::terminate(std::string handle, std::string client_token) {
  const auto token = handle.empty() ? client_token : handle;
  const auto it = machines_.find(token);
  if (it == machines_.end()) co_return nothing(token);
  if (it->second.resource.state == ResourceState::running) {
    it->second.resource.state = ResourceState::stopping;
    it->second.timer.reset();
    happenings_.agents[it->second.record].stop_asked = clock_.steady() - start_;
    if (model_.stop <= Duration(0)) {
      end(token);
      co_return nothing(token);
    }
    it->second.timer = clock_.call_after(control_, model_.stop, [this, token] {
      end(token);
      if (on_change_) on_change_();
    });
  }
  co_return it->second.resource;
}

Resource ModelCloud::nothing(std::string token) {
  Resource resource;
  resource.handle = token;
  resource.client_token = std::move(token);
  resource.state = ResourceState::gone;
  return resource;
}

// --- machines

void ModelCloud::end(const std::string& token) {
  const auto it = machines_.find(token);
  if (it == machines_.end()) return;
  happenings_.agents[it->second.record].gone = clock_.steady() - start_;
  token_of_.erase(it->second.resource.agent);
  machines_.erase(it);
}

AgentRecord* ModelCloud::find_record(const AgentId& agent) {
  const auto it = token_of_.find(agent);
  return it == token_of_.end() ? nullptr : &happenings_.agents[machines_.at(it->second).record];
}

}  // namespace footman::simulate
