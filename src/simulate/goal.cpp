#include "simulate/goal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/number.hpp"
#include "model/pool.hpp"

namespace footman::simulate {
namespace {

constexpr double kWholePart = 1024;  // the parts of a wish that a budget may pay for: so many steps

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// What is known of one template's pool: enough at `high`, not enough below `low`.
struct Range {
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
  const auto cloud = fleet.cloud_caps.find(t.cloud);
  for (const auto cap : {t.cap, fleet.max_agents, cloud == fleet.cloud_caps.end() ? 0 : cloud->second})
    if (cap != 0) most = std::min(most, cap);
  return most;
}

class GoalSearch {
 public:
  GoalSearch(const SimulationSpec& spec, const BuildTrace& trace, const Goal& goal, const Billing& billing,
             const std::function<void(const SimulationProgress&)>& on_progress)
      : spec_(spec), trace_(trace), goal_(goal), billing_(billing), on_progress_(on_progress) {
    for (const auto& t : spec.fleet.templates) {
      auto& range = ranges_[t.name];
      range.most = find_most(spec.fleet, t);
    }
  }

  Result<GoalAnswer> run(std::optional<double> budget) {
    FOOTMAN_TRY(auto answer, find_wanted());
    if (!budget || !answer.cost_a_day || *answer.cost_a_day <= *budget) return answer;
    const auto wanted = answer.cost_a_day;
    FOOTMAN_TRY(answer, find_affordable(sizes_of(answer), *budget));
    answer.met = false;
    answer.wanted_cost_a_day = wanted;
    answer.above_budget = answer.cost_a_day.value_or(0) > *budget;
    return answer;
  }

 private:
  using Sizes = std::map<TemplateName, std::uint32_t>;

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
      t.pool = {};
      const auto size = sizes.find(t.name);
      if (size != sizes.end()) t.pool.size.min_idle = size->second;
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
      const auto size = sizes.find(name);
      const auto builds = all.size();
      const auto wait = find_percentile(std::move(all), goal_.percent);
      answer.pools.push_back(
          {name, size == sizes.end() ? 0 : size->second, builds, wait, wait <= goal_.wait});
      answer.met = answer.met && wait <= goal_.wait;
    }
    const auto report = make_report({}, happened, billing_);
    const auto days = std::chrono::duration<double>(happened.end).count() / 86400;
    if (report.agents.cost && days > 0) answer.cost_a_day = *report.agents.cost / days;
    answer.happenings = std::move(happened);
    return answer;
  }

  const SimulationSpec& spec_;
  const BuildTrace& trace_;
  Goal goal_;
  const Billing& billing_;
  const std::function<void(const SimulationProgress&)>& on_progress_;
  std::map<TemplateName, Range> ranges_;
  std::uint32_t simulations_ = 0;
};

}  // namespace

Result<Goal> parse_goal(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is no goal", text), {},
                "Write it like \"p90 wait <= 5s\"");
  };
  const auto sign = text.find("<=");
  if (sign == std::string_view::npos) return bad();
  auto what = trim(text.substr(0, sign));
  if (!what.starts_with('p') || !what.ends_with("wait")) return bad();
  what.remove_prefix(1);
  what.remove_suffix(4);
  const auto percent = find_number<std::uint32_t>(trim(what));
  const auto wait = parse_duration(trim(text.substr(sign + 2)));
  if (!percent || *percent < 1 || *percent > 100 || !wait) return bad();
  return Goal{*percent, *wait};
}

std::string describe(const Goal& goal) {
  return fmt::format("p{} wait <= {}", goal.percent, format_duration(goal.wait));
}

Result<GoalAnswer> find_pools(const SimulationSpec& spec, const BuildTrace& trace, const Goal& goal,
                              const Billing& billing, std::optional<double> budget,
                              const std::function<void(const SimulationProgress&)>& on_progress) {
  return GoalSearch(spec, trace, goal, billing, on_progress).run(budget);
}

}  // namespace footman::simulate
