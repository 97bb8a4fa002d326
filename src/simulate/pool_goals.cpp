#include "simulate/pool_goals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/label.hpp"

namespace footman::simulate {
namespace {

using fleet::PoolAnswer;
using fleet::PoolAnswers;
using runtime::Awaitable;

constexpr std::uint32_t kPage = 1000;  // rows that are asked for at once
const std::vector<double> kSearchSeconds{0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120};

// --- the past

bool may_run(const model::LabelExpr& label, const fleet::FleetConfig& config) {
  return std::ranges::any_of(
      config.templates, [&](const fleet::Template& t) { return model::fits(label, t.labels, t.is_default); });
}

BuildTrace make_trace(const std::vector<model::Build>& builds, const fleet::FleetConfig& config) {
  BuildTrace trace;
  std::vector<std::pair<Instant, TracedBuild>> all;
  for (const auto& build : builds) {
    const auto took = build.finished - build.started;
    if (!build.started.is_set() || !build.finished.is_set() || took < Duration(0)) continue;
    const auto label = model::parse_label_expression(build.spec.label);
    if (!label || !may_run(*label, config)) continue;
    all.emplace_back(build.submitted,
                     TracedBuild{{}, label->text(), std::min(took, kMaxBuildTime), build.job.str()});
  }
  if (all.empty()) return trace;
  std::ranges::stable_sort(all, {}, [](const auto& one) { return one.first; });
  trace.start = all.front().first;
  for (auto& [at, build] : all) {
    build.submitted = at - trace.start;
    trace.builds.push_back(std::move(build));
  }
  return trace;
}

std::map<CloudName, CloudModel> make_models(const std::vector<model::Agent>& agents) {
  std::map<CloudName, std::vector<Duration>> of_clouds;
  std::map<TemplateName, std::vector<Duration>> of_templates;
  for (const auto& agent : agents) {
    if (!agent.connected.is_set() || agent.connected < agent.planned) continue;
    of_clouds[agent.cloud].push_back(agent.connected - agent.planned);
    of_templates[agent.template_name].push_back(agent.connected - agent.planned);
  }
  std::map<CloudName, CloudModel> models;
  for (auto& [name, times] : of_clouds) {
    models[name].boot_p90 = find_percentile(times, 90);
    models[name].boot = find_percentile(std::move(times), 50);
  }
  for (const auto& agent : agents)
    if (const auto times = of_templates.find(agent.template_name); times != of_templates.end())
      models[agent.cloud].boots.try_emplace(agent.template_name, find_percentile(times->second, 50));
  return models;
}

// --- the answer

std::string money(double dollars) {
  return model::format_money(model::Money{std::llround(dollars * 100) * 10'000});
}

std::string idle_agents(std::uint32_t count) {
  return fmt::format("{} idle agent{}", count, count == 1 ? "" : "s");
}

PoolAnswer know_too_little(const PoolWish& wish, std::uint64_t builds) {
  PoolAnswer answer;
  answer.min_idle = wish.least;
  answer.builds = builds;
  answer.text = fmt::format(
      "Too little is known of the last {} days: {} builds ran on its agents, and {} are needed. Until then "
      "it keeps {}.",
      kHistory / 24h, builds, model::kLeastBuildsForGoal, idle_agents(wish.least));
  return answer;
}

bool is_short(const BuildTrace& trace) {
  if (trace.builds.empty() || trace.builds.size() >= kHistoryBuilds) return trace.builds.empty();
  return trace.builds.back().submitted < kLeastSpan;
}

PoolAnswer know_no_day(const PoolWish& wish, std::uint64_t builds, Duration span) {
  PoolAnswer answer;
  answer.min_idle = wish.least;
  answer.builds = builds;
  answer.text = fmt::format(
      "What a day costs cannot be told yet: its builds are of {}, and those of {} are needed. Until then it "
      "keeps {}.",
      format_duration(span), format_duration(kLeastSpan), idle_agents(wish.least));
  return answer;
}

std::string expectation_of(const PoolWish& wish, const TemplatePool& pool) {
  return fmt::format("with {} {} % of {} builds would have waited {} or less{}", idle_agents(pool.min_idle),
                     wish.goal.percent, pool.builds, format_duration(pool.wait),
                     pool.cost_a_day ? fmt::format(", for {} a day", money(*pool.cost_a_day)) : "");
}

std::string describe(const PoolWish& wish, const TemplatePool& pool) {
  auto expected = expectation_of(wish, pool);
  const bool is_dear = wish.per_day && pool.cost_a_day.value_or(0) > *wish.per_day;
  if (pool.wanted_cost_a_day && !is_dear)
    return fmt::format("The goal costs {} a day; {}.", money(*pool.wanted_cost_a_day), expected);
  if (is_dear)
    return fmt::format("Its builds alone cost more than {} a day: {}.", money(*wish.per_day), expected);
  if (!pool.met) return fmt::format("The goal is not met by as many as may be: {}.", expected);
  expected.front() = 'W';
  return expected + ".";
}

PoolAnswer make_answer(const PoolWish& wish, const TemplatePool& pool) {
  PoolAnswer answer;
  answer.min_idle = pool.min_idle;
  answer.builds = pool.builds;
  answer.wait = pool.wait;
  if (pool.cost_a_day) answer.cost_a_day = model::Money{std::llround(*pool.cost_a_day * 1e6)};
  const bool is_dear = wish.per_day && pool.cost_a_day.value_or(0) > *wish.per_day;
  answer.met = pool.met && !is_dear;
  answer.text = describe(wish, pool);
  return answer;
}

PoolAnswer find_answer(const PoolWish& wish, const TemplateName& name, const GoalAnswer& found) {
  const auto pool = std::ranges::find(found.pools, name, &TemplatePool::name);
  const auto builds = pool == found.pools.end() ? 0 : pool->builds;
  auto answer =
      builds < model::kLeastBuildsForGoal ? know_too_little(wish, builds) : make_answer(wish, *pool);
  if (found.never_ran == 0) return answer;
  answer.met = false;
  answer.min_idle = wish.least;
  answer.text = fmt::format(
      "{} builds of the last {} days would never run with the limits of this configuration, so that no pool "
      "can "
      "be "
      "tried on them; `footman simulate` tells what they wait for.",
      found.never_ran, kHistory / 24h);
  return answer;
}

Billing make_billing(const fleet::FleetConfig& config) {
  Billing billing;
  for (const auto& t : config.templates) billing.prices[t.name] = t.price;
  return billing;
}

// On the executor for searches.
Awaitable<Result<PoolAnswers>> answer_there(fleet::FleetConfig config, PastBuilds past, Instant now,
                                            OnProgress on_progress) {
  co_return answer_goals(config, past, now, on_progress);
}

}  // namespace

PastBuilds make_past(const std::vector<model::Build>& builds, const std::vector<model::Agent>& agents,
                     const fleet::FleetConfig& config) {
  return {make_trace(builds, config), make_models(agents), false};
}

PoolWishes list_wishes(const fleet::FleetConfig& config) {
  PoolWishes wishes;
  for (const auto& t : config.templates) {
    if (!t.pool.goal) continue;
    auto& wish = wishes[t.name];
    wish.goal = t.pool.goal->wait;
    wish.least = t.pool.size.min_idle;
    wish.most = t.pool.size.max_idle;
    if (t.pool.goal->per_day) wish.per_day = static_cast<double>(t.pool.goal->per_day->micros) / 1e6;
  }
  return wishes;
}

Result<PoolAnswers> answer_goals(const fleet::FleetConfig& config, const PastBuilds& past, Instant now,
                                 const OnProgress& on_progress) {
  const auto wishes = list_wishes(config);
  GoalAnswer found;
  if (past.trace.builds.size() >= model::kLeastBuildsForGoal) {
    const SimulationSpec spec{config, past.clouds, 1};
    FOOTMAN_TRY(found, find_wished_pools(spec, past.trace, wishes, make_billing(config), on_progress));
  }
  const bool has_no_day = is_short(past.trace);
  if (has_no_day)
    for (auto& pool : found.pools) pool.cost_a_day.reset();
  PoolAnswers answers;
  for (const auto& [name, wish] : wishes) {
    auto answer = find_answer(wish, name, found);
    const bool is_few = answer.builds < model::kLeastBuildsForGoal;
    const bool lacks_day = has_no_day && !is_few && wish.per_day.has_value();
    if (past.is_cut && (is_few || lacks_day)) continue;
    if (lacks_day) answer = know_no_day(wish, answer.builds, past.trace.builds.back().submitted);
    answer.at = now;
    answers.emplace(name, std::move(answer));
  }
  return answers;
}

// --- the service

PoolGoals::PoolGoals(PoolGoalParts parts, fleet::FleetConfig config)
    : parts_(std::move(parts)),
      config_(std::move(config)),
      scope_(parts_.control, parts_.log),
      searches_(parts_.metrics.counter("footman_pool_goal_searches_total",
                                       "Searches for the sizes that pools with a goal need")),
      search_seconds_(parts_.metrics.histogram("footman_pool_goal_search_seconds",
                                               "From the begin of a search to its end", kSearchSeconds)) {}

PoolGoals::~PoolGoals() = default;

void PoolGoals::start() { scope_.spawn("pool goals", run()); }

void PoolGoals::set_config(fleet::FleetConfig config) {
  config_ = std::move(config);
  most_builds_ = kHistoryBuilds;
  if (goes_on_) *goes_on_ = false;
  changed_.notify();
}

Awaitable<void> PoolGoals::stop() {
  if (goes_on_) *goes_on_ = false;
  scope_.cancel();
  co_await scope_.join();
}

Awaitable<void> PoolGoals::run() {
  while (true) {
    if (!list_wishes(config_).empty()) co_await search();
    (void)co_await changed_.wait_for(parts_.clock, kSearchEvery);
  }
}

Awaitable<void> PoolGoals::search() {
  const auto begun = parts_.clock.steady();
  const auto flag = goes_on_ = std::make_shared<std::atomic<bool>>(true);
  auto past = co_await read_past();
  if (!past) {
    parts_.log.error("the builds of the past cannot be read, so pools keep their size",
                     {{"error", describe(past.error())}});
    co_return;
  }
  const auto until = parts_.clock.steady() + kSearchTime;
  OnProgress on_progress = [flag, until, clock = &parts_.clock](const SimulationProgress&) {
    return *flag && clock->steady() < until;
  };
  const auto answers = co_await runtime::run_on(
      parts_.search, answer_there(config_, std::move(*past), parts_.clock.now(), std::move(on_progress)));
  if (!*flag) co_return;  // it was for another configuration
  note(answers, parts_.clock.steady() - begun);
  if (answers) parts_.fleet.set_pool_answers(*answers);
}

void PoolGoals::note(const Result<PoolAnswers>& answers, Duration took) {
  searches_.add();
  search_seconds_.observe(in_seconds(took));
  if (answers) {
    most_builds_ = std::min(most_builds_ * 2, kHistoryBuilds);
    return parts_.log.debug("pools were tried on the builds of the past", {{"took", took / 1ms}});
  }
  const bool is_late = answers.error().code == Errc::cancelled;
  if (is_late) most_builds_ = std::max(most_builds_ / 2, kLeastHistoryBuilds);
  parts_.log.warning(
      "the search for the sizes of pools gave no answer, so they keep theirs",
      {{"error", is_late ? fmt::format("it took longer than {}; the next one looks at {} builds",
                                       format_duration(kSearchTime), most_builds_)
                         : describe(answers.error())}});
}

Awaitable<Result<PastBuilds>> PoolGoals::read_past() {
  FOOTMAN_CO_TRY(const auto builds, co_await read_builds());
  FOOTMAN_CO_TRY(const auto agents, co_await parts_.store.list_agents(
                                        {.only_live = false, .before = {}, .limit = kHistoryAgents}));
  auto past = make_past(builds, agents, config_);
  past.is_cut = most_builds_ < kHistoryBuilds && builds.size() == most_builds_;
  co_return past;
}

// The newest first.
Awaitable<Result<std::vector<model::Build>>> PoolGoals::read_builds() {
  const auto since = parts_.clock.now() - kHistory;
  std::vector<model::Build> builds;
  store::BuildFilter filter;
  filter.state = model::BuildState::finished;
  filter.limit = kPage;
  while (builds.size() < most_builds_) {
    FOOTMAN_CO_TRY(auto page, co_await parts_.store.list_builds(filter));
    for (auto& build : page) {
      if (build.submitted < since || builds.size() == most_builds_) co_return builds;
      filter.before = build.id;
      build.spec.steps.clear();
      builds.push_back(std::move(build));
    }
    if (page.size() < kPage) break;
  }
  co_return builds;
}

}  // namespace footman::simulate
