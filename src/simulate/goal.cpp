#include "simulate/goal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/pool.hpp"

namespace footman::simulate {
namespace {

constexpr double kWholePart = 1024;  // the parts of a wish that a budget may pay for: so many steps

// What is known of one template's pool: enough at `high`, not enough below `low`.
struct Range {
  std::uint32_t least = 0;
  std::uint32_t low = 0;
  std::uint32_t tried = 0;
  std::optional<std::uint32_t> high;
  std::uint32_t most = 0;
  bool is_settled() const { return high ? *high <= low : low > most; }

  void learn(bool enough) {
    if (enough)
      high = tried;
    else
      low = tried + 1;
    if (!is_settled())
      tried = high ? low + (*high - low) / 2 : std::min(most, std::max(1U, tried * 2));
    else
      tried = std::min(high.value_or(most), most);
  }
};

// Agents that the caps leave a template, if it had them for itself.
std::uint32_t find_most(const fleet::FleetConfig& fleet, const fleet::Template& t) {
  auto most = model::kMaxPoolIdle;
  const auto cloud = fleet.cloud_limits.find(t.cloud);
  const auto of_cloud = cloud == fleet.cloud_limits.end() ? 0 : cloud->second.agents;
  for (const auto cap : {t.limits.agents, fleet.limits.agents, of_cloud})
    if (cap != 0) most = std::min(most, cap);
  return most;
}

using Sizes = std::map<TemplateName, std::uint32_t>;

class GoalSearch {
 public:
  GoalSearch(SimulationSpec spec, const BuildTrace& trace, PoolWishes wishes, const Billing& billing,
             const OnProgress& on_progress)
      : spec_(std::move(spec)),
        trace_(trace),
        wishes_(std::move(wishes)),
        billing_(billing),
        on_progress_(on_progress) {
    for (const auto& t : spec_.fleet.templates) {
      const auto wish = wishes_.find(t.name);
      if (wish == wishes_.end()) continue;
      auto& range = ranges_[t.name];
      range.most = std::min(find_most(spec_.fleet, t), wish->second.most);
      range.least = range.low = range.tried = std::min(range.most, wish->second.least);
    }
    std::erase_if(wishes_, [&](const auto& wish) { return !ranges_.contains(wish.first); });
  }

  Result<GoalAnswer> run() {
    FOOTMAN_TRY(auto answer, find_wanted());
    if (answer.never_ran > 0) return answer;
    return keep_budgets(std::move(answer));
  }

  // With one budget for all of them.
  Result<GoalAnswer> run(std::optional<double> budget) {
    FOOTMAN_TRY(auto answer, find_wanted());
    if (!budget || !answer.cost_a_day || *answer.cost_a_day <= *budget) return answer;
    const auto wanted = answer.met ? answer.cost_a_day : std::nullopt;  // no pools cost what none can do
    FOOTMAN_TRY(answer, find_affordable(sizes_of(answer), *budget));
    answer.met = false;
    answer.wanted_cost_a_day = wanted;
    answer.above_budget = answer.cost_a_day.value_or(0) > *budget;
    return answer;
  }

 private:
  static Sizes sizes_of(const GoalAnswer& answer) {
    Sizes sizes;
    for (const auto& pool : answer.pools) sizes[pool.name] = pool.min_idle;
    return sizes;
  }

  // All templates are searched at once: each simulation tells something about every one of them.
  Result<GoalAnswer> find_wanted() {
    while (true) {
      Sizes sizes;
      for (const auto& [name, range] : ranges_) sizes[name] = range.tried;
      FOOTMAN_TRY(auto answer, simulate(sizes));
      if (simulations_ == 1 && answer.never_ran > 0) return answer;  // no pool changes that
      bool is_over = true;
      for (auto& [name, range] : ranges_) {
        const auto pool = std::ranges::find(answer.pools, name, &TemplatePool::name);
        if (range.is_settled()) continue;
        const auto before = range.tried;
        range.learn(pool == answer.pools.end() || pool->met);
        if (range.tried != before) is_over = false;
      }
      if (is_over) return answer;
    }
  }

  // Each pool that costs more than it may becomes the largest one that does not.
  Result<GoalAnswer> keep_budgets(GoalAnswer answer) {
    auto sizes = sizes_of(answer);
    std::map<TemplateName, double> wanted;
    for (const auto& [name, wish] : wishes_) {
      const auto cost = cost_of(answer, name);
      if (!wish.per_day || cost <= *wish.per_day || sizes[name] <= ranges_.at(name).least) continue;
      if (is_met(answer, name)) wanted[name] = cost;
      FOOTMAN_TRY(answer, shrink(sizes, name, *wish.per_day));
    }
    for (auto& pool : answer.pools)
      if (const auto it = wanted.find(pool.name); it != wanted.end()) pool.wanted_cost_a_day = it->second;
    answer.simulations = simulations_;
    return answer;
  }

  // `sizes` has the template's wish, which costs too much; afterwards what is left of it.
  Result<GoalAnswer> shrink(Sizes& sizes, const TemplateName& name, double budget) {
    auto too_dear = sizes[name];
    sizes[name] = ranges_.at(name).least;
    FOOTMAN_TRY(auto best, simulate(sizes));
    auto paid = sizes[name];
    while (too_dear - paid > 1) {
      const auto middle = sizes[name] = paid + (too_dear - paid) / 2;
      FOOTMAN_TRY(auto answer, simulate(sizes));
      if (cost_of(answer, name) > budget) {
        too_dear = middle;
        continue;
      }
      paid = middle;
      best = std::move(answer);
    }
    sizes[name] = paid;
    return best;
  }

  static bool is_met(const GoalAnswer& answer, const TemplateName& name) {
    const auto pool = std::ranges::find(answer.pools, name, &TemplatePool::name);
    return pool == answer.pools.end() || pool->met;
  }

  static double cost_of(const GoalAnswer& answer, const TemplateName& name) {
    const auto pool = std::ranges::find(answer.pools, name, &TemplatePool::name);
    return pool == answer.pools.end() ? 0 : pool->cost_a_day.value_or(0);
  }

  Result<GoalAnswer> find_affordable(const Sizes& wanted, double budget) {
    double low = 0;
    double high = kWholePart;
    FOOTMAN_TRY(auto best, simulate(part_of(wanted, 0)));
    Sizes last = part_of(wanted, 0);
    while (high - low > 1) {
      const auto middle = std::floor((low + high) / 2);
      const auto sizes = part_of(wanted, middle / kWholePart);
      if (sizes == last) {
        low = middle;
        continue;
      }
      FOOTMAN_TRY(auto answer, simulate(sizes));
      if (answer.cost_a_day.value_or(0) <= budget) {
        low = middle;
        last = sizes;
        best = std::move(answer);
      } else {
        high = middle;
      }
    }
    best.simulations = simulations_;
    return best;
  }

  static Sizes part_of(const Sizes& wanted, double part) {
    Sizes sizes;
    for (const auto& [name, size] : wanted) sizes[name] = static_cast<std::uint32_t>(std::floor(size * part));
    return sizes;
  }

  Result<GoalAnswer> simulate(const Sizes& sizes) {
    auto spec = spec_;
    for (auto& t : spec.fleet.templates) {
      if (!wishes_.contains(t.name)) continue;
      const auto size = sizes.find(t.name);
      t.pool.goal.reset();
      t.pool.schedules.clear();
      t.pool.size.min_idle = size == sizes.end() ? ranges_.at(t.name).least : size->second;
    }
    ++simulations_;
    FOOTMAN_TRY(auto happened, run_simulation(spec, trace_, on_progress_));
    return judge(sizes, std::move(happened));
  }

  GoalAnswer judge(const Sizes& sizes, Happenings happened) const {
    std::map<TemplateName, std::vector<Duration>> waits;
    GoalAnswer answer;
    for (const auto& build : happened.builds) {
      if (build.started)
        waits[build.template_name].push_back(*build.started - build.submitted);
      else
        ++answer.never_ran;
    }
    answer.met = answer.never_ran == 0;
    answer.simulations = simulations_;
    for (auto& [name, all] : waits) {
      const auto wish = wishes_.find(name);
      if (wish == wishes_.end()) continue;
      const auto size = sizes.find(name);
      const auto builds = all.size();
      const auto wait = find_percentile(std::move(all), wish->second.goal.percent);
      const bool met = wait <= wish->second.goal.wait;
      answer.pools.push_back(
          {name, size == sizes.end() ? ranges_.at(name).least : size->second, builds, wait, met, {}, {}});
      answer.met = answer.met && met;
    }
    add_costs(answer, make_report({}, happened, billing_), happened.end);
    answer.happenings = std::move(happened);
    return answer;
  }

  static void add_costs(GoalAnswer& answer, const Report& report, Duration simulated) {
    const auto days = std::chrono::duration<double>(simulated).count() / 86400;
    if (days <= 0) return;
    if (report.agents.cost) answer.cost_a_day = *report.agents.cost / days;
    for (auto& pool : answer.pools) {
      const auto t = std::ranges::find(report.templates, pool.name, &TemplateStats::name);
      if (t != report.templates.end() && t->times.cost) pool.cost_a_day = *t->times.cost / days;
    }
  }

  SimulationSpec spec_;
  const BuildTrace& trace_;
  PoolWishes wishes_;
  const Billing& billing_;
  const OnProgress& on_progress_;
  std::map<TemplateName, Range> ranges_;  // of the wishes whose template there is
  std::uint32_t simulations_ = 0;
};

}  // namespace

Result<GoalAnswer> find_wished_pools(const SimulationSpec& spec, const BuildTrace& trace,
                                     const PoolWishes& wishes, const Billing& billing,
                                     const OnProgress& on_progress) {
  return GoalSearch(spec, trace, wishes, billing, on_progress).run();
}

Result<GoalAnswer> find_pools(const SimulationSpec& spec, const BuildTrace& trace, const Goal& goal,
                              const Billing& billing, std::optional<double> budget,
                              const OnProgress& on_progress) {
  auto without_pools = spec;
  PoolWishes wishes;
  for (auto& t : without_pools.fleet.templates) {
    t.pool = {};
    wishes[t.name].goal = goal;
  }
  return GoalSearch(std::move(without_pools), trace, std::move(wishes), billing, on_progress).run(budget);
}

}  // namespace footman::simulate
