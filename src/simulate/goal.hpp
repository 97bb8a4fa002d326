// Pools that meet a goal: the smallest number of idle agents for each template with which builds wait no
// longer than wanted, found by simulating again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

#include "simulate/simulation.hpp"
#include "simulate/statistics.hpp"

namespace footman::simulate {

// So many per cent of the builds of each template wait no longer than that.
struct Goal {
  std::uint32_t percent = 90;
  Duration wait{0};
};
// "p90 wait <= 5s"; percent 1 to 100.
Result<Goal> parse_goal(std::string_view text);
std::string describe(const Goal& goal);

struct TemplatePool {
  TemplateName name;
  std::uint32_t min_idle = 0;
  std::uint64_t builds = 0;  // that ran on it
  Duration wait{0};          // that so many per cent of them did not exceed
  bool met = false;
};

struct GoalAnswer {
  std::vector<TemplatePool> pools;  // of the templates that builds ran on, by name
  bool met = false;                 // the goal; within the budget, if there is one
  std::uint64_t never_ran = 0;      // builds
  bool above_budget = false;        // even without any pool
  std::optional<double> cost_a_day;
  std::optional<double> wanted_cost_a_day;  // what the goal would cost, when that is beyond the budget
  std::uint32_t simulations = 0;
  Happenings happenings;  // with these pools
};

// The pools of `spec` are replaced by pools of one size all day. A pool is never larger than the caps
// leave its template, or model::kMaxPoolIdle: when that is not enough, the answer says so. With a budget
// (dollars a day; it needs prices) the answer is the largest part of the pools wanted that it pays for.
Result<GoalAnswer> find_pools(const SimulationSpec& spec, const BuildTrace& trace, const Goal& goal,
                              const Billing& billing, std::optional<double> budget,
                              const std::function<void(const SimulationProgress&)>& on_progress = {});

}  // namespace footman::simulate
