// Pools that meet a goal: the smallest number of idle agents for each template with which builds wait no
// longer than wanted, found by simulating again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

#include "model/pool.hpp"
#include "simulate/simulation.hpp"
#include "simulate/statistics.hpp"

namespace footman::simulate {

using Goal = model::WaitGoal;  // of the builds of each template

struct TemplatePool {
  TemplateName name;
  std::uint32_t min_idle = 0;
  std::uint64_t builds = 0;  // that ran on it
  Duration wait{0};          // that so many per cent of them did not exceed
  bool met = false;
  std::optional<double> cost_a_day;         // of its agents
  std::optional<double> wanted_cost_a_day;  // what its goal would cost, when that is beyond its budget and
                                            // some pool meets it
};

struct GoalAnswer {
  std::vector<TemplatePool> pools;  // of the templates that builds ran on, by name
  bool met = false;                 // the goal; within the budget, if there is one
  std::uint64_t never_ran = 0;      // builds
  bool above_budget = false;        // even without any pool
  std::optional<double> cost_a_day;
  std::optional<double> wanted_cost_a_day;  // what the goal would cost, when that is beyond the budget and
                                            // some pools meet it
  std::uint32_t simulations = 0;
  Happenings happenings;  // with these pools
};

// The pool of one template that is searched for.
struct PoolWish {
  Goal goal;
  std::uint32_t least = 0;  // idle agents, whatever the goal
  std::uint32_t most = model::kMaxPoolIdle;
  std::optional<double> per_day;  // dollars that its agents may cost, builds included
};
using PoolWishes = std::map<TemplateName, PoolWish>;

// The smallest pool for each of them, all day; where that costs more than may be, the largest one that does
// not, or the least. The other templates keep the pools of `spec`, and these their per_mille and max_idle. An
// answer names the templates that builds ran on, and of others the least. Errors: run_simulation's.
Result<GoalAnswer> find_wished_pools(const SimulationSpec& spec, const BuildTrace& trace,
                                     const PoolWishes& wishes, const Billing& billing,
                                     const OnProgress& on_progress = {});

// For all templates the same goal. The pools of `spec` are replaced by pools of one size all day. A pool is
// never larger than the caps leave its template, or model::kMaxPoolIdle: when that is not enough, the answer
// says so. With a budget (dollars a day; it needs prices) the answer is the largest part of the pools wanted
// that it pays for.
Result<GoalAnswer> find_pools(const SimulationSpec& spec, const BuildTrace& trace, const Goal& goal,
                              const Billing& billing, std::optional<double> budget,
                              const OnProgress& on_progress = {});

}  // namespace footman::simulate
