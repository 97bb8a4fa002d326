// What an agent or a build has cost, from the store's ledger and from what is still there.
#include "fleet/costs.hpp"

#include "api/story.hpp"

namespace footman::api {

using base::AgentId;
using base::Duration;
using base::Errc;
using base::Result;
using runtime::Awaitable;

namespace {

// How long the work that is under way has been.
Duration time_at_work(const std::vector<model::Assignment>& work, base::Instant now) {
  if (work.empty() || work.back().state != model::AssignmentState::started) return Duration(0);
  return now - work.back().started;
}

}  // namespace

Awaitable<Result<ShownCost>> tell_agent_cost(StorySources from, model::Agent agent) {
  if (agent.state == model::AgentState::terminated) co_return ShownCost{agent.cost, true};
  // The fleet does not hear what each build has cost: the row knows.
  auto row = co_await from.store.get_agent(agent.id);
  if (!row && row.error().code != Errc::not_found) co_return std::unexpected(row.error());
  if (row) agent.cost = row->cost;
  FOOTMAN_CO_TRY(const auto work, co_await from.store.list_assignments_of_agent(agent.id));
  co_return ShownCost{fleet::cost_so_far(agent, time_at_work(work, from.now), from.now), false};
}

Awaitable<Result<ShownCost>> tell_build_cost(StorySources from, model::Build build) {
  ShownCost shown;
  shown.is_final = build.state == model::BuildState::finished;
  if (build.attempts == 0) co_return shown;
  FOOTMAN_CO_TRY(shown.cost, co_await from.store.get_build_cost(build.id));
  FOOTMAN_CO_TRY(const auto attempts, co_await from.store.list_assignments(build.id));
  if (attempts.empty()) co_return shown;
  const auto agent = co_await from.store.get_agent(attempts.back().agent);
  if (!agent || agent->state == model::AgentState::terminated) co_return shown;
  const auto work = time_at_work(attempts, from.now);
  shown.cost.useful_time += work;
  shown.cost.useful += model::charge(agent->price.per_hour, work);
  if (agent->max_builds != 1) co_return shown;
  const auto whole = fleet::cost_so_far(*agent, work, from.now);
  shown.cost.idle_time += whole.idle_time;
  shown.cost.idle += whole.idle;
  shown.is_final = false;
  co_return shown;
}

}  // namespace footman::api
