#include "apps/footman/simulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "apps/footman/aws_access.hpp"
#include "apps/footman/settings.hpp"
#include "base/number.hpp"
#include "cli/config_file.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"
#include "model/nearest.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/files.hpp"
#include "simulate/pool_goals.hpp"
#include "simulate/reports.hpp"
#include "simulate/simulation.hpp"
#include "simulate/workload.hpp"

namespace footman::app {
namespace {

using base::Duration;
using base::Errc;
using base::Result;
using base::Status;
using base::TemplateName;
using namespace std::chrono_literals;

constexpr Duration kQuiet = 1s;         // without a word on standard error
constexpr Duration kBetweenLines = 5s;  // of progress, where there is no terminal
constexpr double kMaxBudget = 1e9;      // dollars a day
constexpr Duration kLocalBoot = 500ms;  // a process of this machine

// Errors of a file, all of them for people, the first one for programs.
base::Error show_errors(const std::vector<config::Diagnostic>& errors, bool json, cli::Output& err) {
  if (!json)
    for (std::size_t i = 0; i + 1 < errors.size(); ++i) err.line(cli::clean(config::describe(errors[i])));
  return {Errc::invalid_argument, config::describe(errors.back()), {}, {}};
}

Result<cli::LoadedConfig> load(const std::string& file, bool json, cli::Output& err) {
  auto loaded = cli::load_config(file, find_region);
  if (!loaded) return std::unexpected(show_errors(loaded.error(), json, err));
  return std::move(*loaded);
}

using Configs = std::vector<cli::LoadedConfig>;

Result<Configs> load_all(const cli::SimulateOptions& options, cli::Output& err) {
  Configs configs;
  FOOTMAN_TRY(auto first, load(options.config_file, options.json, err));
  configs.push_back(std::move(first));
  if (options.other_file.empty()) return configs;
  FOOTMAN_TRY(auto second, load(options.other_file, options.json, err));
  configs.push_back(std::move(second));
  return configs;
}

// The page must not take the place of what it is made from.
Status check_page(const cli::SimulateOptions& options, const Configs& configs) {
  std::vector<std::string> sources{options.trace_file};
  for (const auto& loaded : configs) sources.push_back(loaded.file);
  for (const auto& source : sources) {
    std::error_code not_there;
    if (std::filesystem::equivalent(options.html_file, source, not_there))
      return base::fail(Errc::invalid_argument, fmt::format("--html would write over {}", source));
  }
  return {};
}

std::string name_of(const cli::LoadedConfig& loaded) {
  return loaded.file.empty() ? "the default configuration" : loaded.file;
}

// --- options

struct NamedValue {
  std::string name;  // of a template; empty: of all
  std::string value;
};
NamedValue split(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return {{}, text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Result<double> read_decimal(const std::string& option, const std::string& text, double most) {
  const auto value = base::find_decimal(text);
  if (!value || *value < 0 || *value > most)
    return base::fail(
        Errc::invalid_argument,
        fmt::format("--{}: a number from 0 to {} was expected, not \"{}\"", option, most, text));
  return *value;
}

Result<model::Money> read_price(const std::string& text) {
  const auto price = model::parse_money(text);
  if (!price || *price > model::kMaxHourlyPrice)
    return base::fail(Errc::invalid_argument,
                      fmt::format("--price: dollars for an hour, at most {}, were expected, not \"{}\"",
                                  model::format_money(model::kMaxHourlyPrice), text));
  return *price;
}

Result<double> read_percent(const std::string& option, std::string text) {
  if (text.empty()) return 0.0;
  if (text.ends_with('%')) text.pop_back();
  FOOTMAN_TRY(const auto percent, read_decimal(option, text, 100));
  return percent / 100;
}

Status check_template(const std::string& option, const std::string& name, const Configs& configs) {
  std::vector<std::string> known;
  for (const auto& one : configs)
    for (const auto& cloud : one.config.clouds)
      for (const auto& t : cloud.templates) known.push_back(t.name);
  if (std::ranges::find(known, name) != known.end()) return {};
  return base::fail(Errc::invalid_argument,
                    fmt::format("--{}: there is no template '{}' in the configuration", option, name), {},
                    model::did_you_mean(name, known));
}

struct Models {
  simulate::CloudModel cloud;
  bool has_boot = false;                        // said for all templates
  std::map<TemplateName, model::Money> prices;  // of an hour, instead of the configuration's
  std::optional<model::Money> price;            // of all other templates
  std::optional<Duration> minimum_billing;
};

Result<Models> read_models(const cli::SimulateOptions& options, const Configs& configs) {
  Models models;
  for (const auto& text : options.boots) {
    const auto [name, value] = split(text);
    FOOTMAN_TRY(const auto boot, base::parse_duration(value));
    if (boot > cli::kMaxModelTime)
      return base::fail(Errc::invalid_argument,
                        "--boot is at most " + base::format_duration(cli::kMaxModelTime));
    if (name.empty()) {
      models.cloud.boot = boot;
      models.has_boot = true;
      continue;
    }
    FOOTMAN_TRY_STATUS(check_template("boot", name, configs));
    models.cloud.boots[TemplateName(name)] = boot;
  }
  for (const auto& text : options.prices) {
    const auto [name, value] = split(text);
    FOOTMAN_TRY(const auto price, read_price(value));
    if (name.empty()) {
      models.price = price;
      continue;
    }
    FOOTMAN_TRY_STATUS(check_template("price", name, configs));
    models.prices[TemplateName(name)] = price;
  }
  models.cloud.boot_p90 = options.boot_p90;
  if (options.boot_p90 > Duration(0) && options.boot_p90 < models.cloud.boot)
    return base::fail(
        Errc::invalid_argument,
        fmt::format("--boot-p90: {} or more was expected, which half of the agents take (--boot)",
                    base::format_duration(models.cloud.boot)));
  models.cloud.stop = options.stop;
  models.cloud.capacity = static_cast<std::uint32_t>(std::min<std::uint64_t>(options.capacity, UINT32_MAX));
  models.minimum_billing = options.minimum_billing;
  FOOTMAN_TRY(models.cloud.refused, read_percent("launch-failures", options.launch_failures));
  FOOTMAN_TRY(models.cloud.never_connect, read_percent("connect-failures", options.connect_failures));
  return models;
}

std::string describe(const Models& models) {
  const auto& cloud = models.cloud;
  std::string text = models.has_boot ? "boot " + base::format_duration(cloud.boot)
                                     : fmt::format("boot {} (local {})", base::format_duration(cloud.boot),
                                                   base::format_duration(kLocalBoot));
  for (const auto& [name, boot] : cloud.boots)
    text += fmt::format(", of {} {}", name.str(), base::format_duration(boot));
  if (cloud.boot_p90 > cloud.boot) text += ", p90 " + base::format_duration(cloud.boot_p90);
  if (cloud.stop > Duration(0)) text += ", stop " + base::format_duration(cloud.stop);
  if (cloud.refused > 0) text += fmt::format(", {:.3g} % of launches refused", cloud.refused * 100);
  if (cloud.never_connect > 0) text += fmt::format(", {:.3g} % never connect", cloud.never_connect * 100);
  if (cloud.capacity > 0) text += fmt::format(", {} agents at most", cloud.capacity);
  return text;
}

// --- builds

struct Builds {
  simulate::BuildTrace trace;
  std::string name;
};

Result<Builds> read_trace(const std::string& file, bool json, cli::Output& err) {
  auto text = runtime::real::read_file(file, simulate::kMaxTraceBytes);
  if (!text) return base::fail(Errc::invalid_argument, text.error().message);
  auto trace = simulate::parse_build_trace(*text, file);
  if (!trace) return std::unexpected(show_errors(trace.error(), json, err));
  return Builds{std::move(*trace), file};
}

Result<Builds> generate(const cli::SimulateOptions& options) {
  simulate::Workload workload;
  workload.kind = simulate::find_workload_kind(options.generate).value();
  workload.seed = options.seed;
  workload.builds_per_hour = static_cast<double>(options.builds_per_hour);
  workload.mean_duration = options.mean_duration;
  const bool is_week = workload.kind == simulate::WorkloadKind::working_week;
  workload.span = options.span.value_or(is_week ? Duration(std::chrono::hours(7 * 24)) : Duration(8h));
  workload.labels = options.labels;
  FOOTMAN_TRY(auto trace, simulate::generate_builds(workload));
  return Builds{std::move(trace),
                fmt::format("{} ({} builds an hour)", options.generate, options.builds_per_hour)};
}

Result<Builds> find_builds(const cli::SimulateOptions& options, cli::Output& err) {
  return options.generate.empty() ? read_trace(options.trace_file, options.json, err) : generate(options);
}

// --- the simulation

// One line that changes on a terminal, one now and then elsewhere; nothing during the first second.
class ProgressLine {
 public:
  ProgressLine(cli::Output& err, std::string name) : err_(err), name_(std::move(name)) {}
  ~ProgressLine() {
    if (shown_) err_.write("\r\033[K");
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const simulate::SimulationProgress& progress) {
    const auto now = clock_->steady();
    if (now < next_) return;
    next_ = now + (err_.is_terminal() ? Duration(200ms) : kBetweenLines);
    const auto text = fmt::format("{}: {} of {} builds, {} simulated", cli::clean(name_), progress.finished,
                                  progress.builds, base::format_duration(progress.at));
    if (!err_.is_terminal()) return err_.line(text);
    err_.write("\r" + text + "\033[K");
    shown_ = true;
  }

 private:
  cli::Output& err_;
  std::string name_;
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  Duration next_ = clock_->steady() + kQuiet;
  bool shown_ = false;
};

// The prices that were said stand for those of the configuration, in all that is decided and billed.
void apply_prices(fleet::FleetConfig& fleet, const Models& models) {
  for (auto& t : fleet.templates) {
    const auto own = models.prices.find(t.name);
    if (own != models.prices.end())
      t.price.per_hour = own->second;
    else if (models.price)
      t.price.per_hour = *models.price;
    if (models.minimum_billing) t.price.billing.minimum = *models.minimum_billing;
  }
}

simulate::Billing make_billing(const fleet::FleetConfig& fleet) {
  simulate::Billing billing;
  for (const auto& t : fleet.templates) billing.prices[t.name] = t.price;
  return billing;
}

simulate::SimulationSpec make_spec(const cli::LoadedConfig& loaded, const Models& models,
                                   std::uint64_t seed) {
  simulate::SimulationSpec spec;
  spec.seed = seed;
  spec.fleet = make_fleet_config(loaded.config, {});
  apply_prices(spec.fleet, models);
  for (const auto& cloud : loaded.config.clouds) {
    auto& model = spec.clouds[base::CloudName(cloud.name)];
    model = models.cloud;
    if (cloud.type == "local" && !models.has_boot) model.boot = kLocalBoot;
  }
  return spec;
}

// What is simulated, and what of it is told.
struct Answers {
  std::vector<simulate::Report> reports;
  std::optional<simulate::Goal> goal;
  simulate::GoalAnswer pools;  // for the goal
};

// The server keeps a pool that has a goal as large as builds like these need it; its least is what it begins
// with.
Result<std::vector<simulate::SearchedPool>> size_pools(simulate::SimulationSpec& spec, const Builds& builds,
                                                       cli::Output& err) {
  std::vector<simulate::SearchedPool> pools;
  if (simulate::list_wishes(spec.fleet).empty()) return pools;
  ProgressLine line(err, "searching pools for their goals");
  const auto show = [&](const simulate::SimulationProgress& progress) {
    line.show(progress);
    return true;
  };
  const auto end = builds.trace.start + builds.trace.builds.back().submitted;
  FOOTMAN_TRY(const auto answers,
              simulate::answer_goals(spec.fleet, {builds.trace, spec.clouds, false}, end, show));
  for (auto& t : spec.fleet.templates) {
    const auto answer = answers.find(t.name);
    if (answer == answers.end()) continue;
    auto& least = t.pool.size.min_idle;
    least = std::clamp(answer->second.min_idle, least, t.pool.size.max_idle);
    pools.push_back({t.name, least, answer->second.met, answer->second.text});
  }
  return pools;
}

Result<simulate::Report> simulate_one(const cli::LoadedConfig& loaded, const Models& models,
                                      const Builds& builds, std::uint64_t seed, cli::Output& err) {
  auto spec = make_spec(loaded, models, seed);
  FOOTMAN_TRY(auto pools, size_pools(spec, builds, err));
  ProgressLine line(err, "simulating " + name_of(loaded));
  const auto show = [&](const simulate::SimulationProgress& progress) {
    line.show(progress);
    return true;
  };
  FOOTMAN_TRY(const auto happened, simulate::run_simulation(spec, builds.trace, show));
  auto report = simulate::make_report(name_of(loaded), happened, make_billing(spec.fleet));
  report.pools = std::move(pools);
  return report;
}

Status search(const cli::SimulateOptions& options, const cli::LoadedConfig& loaded, const Models& models,
              const Builds& builds, cli::Output& err, Answers& answers) {
  FOOTMAN_TRY(answers.goal, model::parse_wait_goal(options.goal));
  const auto spec = make_spec(loaded, models, options.seed);
  const auto billing = make_billing(spec.fleet);
  std::optional<double> budget;
  if (!options.budget.empty()) {
    FOOTMAN_TRY(budget, read_decimal("budget", options.budget, kMaxBudget));
    if (!billing.has_price())
      return base::fail(Errc::invalid_argument, "--budget needs prices: nothing of the configuration has one",
                        {}, "Give one with --price");
  }
  ProgressLine line(err, "searching");
  const auto show = [&](const simulate::SimulationProgress& progress) {
    line.show(progress);
    return true;
  };
  FOOTMAN_TRY(answers.pools, simulate::find_pools(spec, builds.trace, *answers.goal, billing, budget, show));
  answers.reports.push_back(simulate::make_report("with the pools", answers.pools.happenings, billing));
  return {};
}

Result<Answers> simulate_all(const cli::SimulateOptions& options, const Configs& configs,
                             const Models& models, const Builds& builds, cli::Output& err) {
  Answers answers;
  for (const auto& one : configs) {
    FOOTMAN_TRY(auto report, simulate_one(one, models, builds, options.seed, err));
    answers.reports.push_back(std::move(report));
  }
  if (!options.goal.empty())
    FOOTMAN_TRY_STATUS(search(options, configs.front(), models, builds, err, answers));
  return answers;
}

// --- output

void print(const simulate::Sheet& sheet, cli::Output& out) {
  out.line("");
  if (!sheet.title.empty()) out.line(cli::styled(out, cli::Style::bold, sheet.title));
  cli::Table table(sheet.head);
  for (const auto& row : sheet.rows) table.add(row);
  table.print(out);
}

void print_pools(const Answers& answers, cli::Output& out) {
  const auto& found = answers.pools;
  print(simulate::make_goal_sheet(*answers.goal, found), out);
  const auto money = [](const std::optional<double>& value) {
    return simulate::format_figure(simulate::Unit::money, value);
  };
  out.line("");
  if (found.never_ran > 0)
    return out.line(fmt::format("{} builds never run, whatever the pools: see above what they waited for.",
                                found.never_ran));
  if (found.above_budget)
    return out.line(fmt::format("{}; without any pool it is {}, more than the budget.",
                                found.wanted_cost_a_day
                                    ? fmt::format("The goal costs {} a day", money(found.wanted_cost_a_day))
                                    : "The goal cannot be met with pools of these templates",
                                money(found.cost_a_day)));
  if (found.wanted_cost_a_day)
    out.line(fmt::format("The goal costs {} a day, more than the budget; these pools cost {} a day.",
                         money(found.wanted_cost_a_day), money(found.cost_a_day)));
  else if (!found.met)
    return out.line(
        "The goal cannot be met with pools of these templates: see the caps, and why builds waited.");
  else if (found.cost_a_day)
    out.line(fmt::format("The goal costs {} a day, all agents together.", money(found.cost_a_day)));
  out.line("In the configuration, at each template, instead of the pool that it has:\n");
  for (const auto& pool : found.pools)
    out.line(cli::clean(fmt::format("  {}: pool: {{min_idle: {}}}", pool.name.str(), pool.min_idle)));
}

void print(const simulate::Setting& setting, const Answers& answers, cli::Output& out) {
  out.line(cli::clean(fmt::format("{} builds of {}, seed {}; {}", setting.builds, setting.trace, setting.seed,
                                  setting.cloud)));
  for (const auto& sheet : simulate::make_sheets(answers.reports)) print(sheet, out);
  if (answers.goal) print_pools(answers, out);
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return base::fail_errno("write " + path, errno);
  return {};
}

}  // namespace

Result<int> simulate(const cli::SimulateOptions& options, cli::Output& out, cli::Output& err) {
  FOOTMAN_TRY(const auto configs, load_all(options, err));
  FOOTMAN_TRY_STATUS(check_page(options, configs));
  FOOTMAN_TRY(const auto models, read_models(options, configs));
  FOOTMAN_TRY(const auto builds, find_builds(options, err));
  FOOTMAN_TRY(const auto answers, simulate_all(options, configs, models, builds, err));
  const auto& reports = answers.reports;
  const simulate::Setting setting{builds.name, builds.trace.start, builds.trace.builds.size(), options.seed,
                                  describe(models)};
  if (!options.html_file.empty()) {
    if (const auto written = write_file(options.html_file, simulate::make_html(setting, reports)); !written) {
      err.line("footman: " + cli::clean(base::describe(written.error())));
      return cli::exit_environment;
    }
  }
  if (options.json) {
    auto told = simulate::make_json(setting, reports);
    if (answers.goal) told["goal"] = simulate::make_goal_json(*answers.goal, answers.pools);
    out.write(cli::pretty(told));
  } else {
    print(setting, answers, out);
  }
  const bool all_ran = std::ranges::all_of(reports, [](const auto& one) { return one.stranded.empty(); });
  return all_ran && (!answers.goal || answers.pools.met) ? cli::exit_ok : cli::exit_refused;
}

}  // namespace footman::app
