// What pages show, gathered. Everything that may be long is asked for by the page.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "runtime/scope.hpp"
#include "web/pages.hpp"
#include "web/visit.hpp"

namespace footman::web {
namespace {

net::HttpResponse show(const Context& context, const Page& page, const View& view) {
  return make_page(context.assets, page, &view);
}

std::string query(const Visit& visit, std::string_view name) {
  return std::string(visit.request->find_query(name).value_or(""));
}

// The page's script looks again: it has the log, or reads it by itself.
bool is_live(const Visit& visit) { return visit.request->headers.find(kLiveHeader).has_value(); }

// --- lists

struct Builds {
  std::vector<model::Build> page;
  bool more = false;
};

Awaitable<Result<Builds>> list_builds(Context& context, store::BuildFilter filter, std::size_t rows) {
  filter.limit = static_cast<std::uint32_t>(rows + 1);
  FOOTMAN_CO_TRY(auto builds, co_await context.parts.store.list_builds(filter));
  const bool more = builds.size() > rows;
  if (more) builds.resize(rows);
  context.parts.controller.add_wait_reasons(builds);
  co_return Builds{std::move(builds), more};
}

// The cursor of a list of builds. What is no number begins at the newest.
BuildId cursor_of(const Visit& visit) { return BuildId(parse_id(query(visit, "before")).value_or(0)); }

void set_pager(std::optional<Url>& newest, std::optional<Url>& older, const Url& here, const Builds& builds,
               BuildId before) {
  if (!before.empty()) newest = here;
  if (!builds.more) return;
  older = here;
  older->add("before", builds.page.back().id.str());
}

// --- logs, on the net executor

struct LogRange {
  std::optional<std::uint64_t> from;  // absent: the end of the log
  std::size_t bytes = 0;
};

Awaitable<Result<LogPart>> read_log(ports::LogStore* logs, StreamId stream, LogRange range) {
  LogPart part;
  FOOTMAN_CO_TRY(const auto extent, co_await logs->extent(stream));
  part.size = extent.bytes;
  part.finished = extent.finished;
  part.from = range.from ? std::min(*range.from, extent.bytes)
                         : extent.bytes - std::min<std::uint64_t>(extent.bytes, range.bytes);
  while (part.bytes.size() < range.bytes) {
    const auto at = part.from + part.bytes.size();
    if (at >= extent.bytes) break;
    FOOTMAN_CO_TRY(const auto more, co_await logs->read(stream, at, range.bytes - part.bytes.size()));
    if (more.empty()) break;
    part.bytes += more;
  }
  co_return part;
}

// A part ends with a whole line where it can, so that the next one begins with one.
void end_with_line(LogPart& part) {
  if (part.from + part.bytes.size() >= part.size) return;
  const auto end = part.bytes.rfind('\n');
  if (end != std::string::npos) part.bytes.resize(end + 1);
}

// Of an attempt, from 1; 0: the last one. A build that was given to nobody has an empty log.
Awaitable<Result<LogPart>> read_log_of(Context& context, const std::vector<model::Assignment>& assignments,
                                       std::size_t attempt, LogRange range) {
  if (attempt > assignments.size())
    co_return fail(Errc::not_found, fmt::format("The build has {} attempts.", assignments.size()), "attempt");
  if (assignments.empty()) co_return LogPart();
  if (attempt == 0) attempt = assignments.size();
  const auto stream = assignments[attempt - 1].stream;
  FOOTMAN_CO_TRY(auto part, co_await runtime::run_on(context.parts.net,
                                                     read_log(&context.parts.log_store, stream, range)));
  part.attempt = attempt;
  co_return part;
}

}  // namespace

Result<std::int64_t> parse_id(std::string_view text) {
  const auto number = base::find_number<std::int64_t>(text);
  if (!number || *number < 1) return fail(Errc::not_found, "This address leads to no page.");
  return *number;
}

// --- overview

Awaitable<Reply> show_overview(Context& context, Visit visit) {
  OverviewData data;
  auto& parts = context.parts;
  store::BuildFilter filter;
  filter.state = model::BuildState::running;
  FOOTMAN_CO_TRY(auto running, co_await list_builds(context, filter, kOverviewRows));
  filter.state = model::BuildState::finished;
  FOOTMAN_CO_TRY(auto recent, co_await list_builds(context, filter, kOverviewRows));
  data.running = std::move(running.page);
  data.recent = std::move(recent.page);
  data.queue = parts.controller.queue();
  data.queue_size = data.queue.size();
  data.queue.resize(std::min(data.queue.size(), kOverviewRows));
  data.running_size = data.running.size();
  if (running.more)  // those with an agent
    data.running_size = std::max<std::size_t>(
        data.running_size,
        static_cast<std::size_t>(std::ranges::count_if(
            parts.controller.list_nodes(), [](const auto& node) { return !node.build.empty(); })));
  for (auto& agent : parts.fleet.list_agents())
    if (agent.agent.state != model::AgentState::terminated && data.agents.size() < kOverviewRows)
      data.agents.push_back(std::move(agent));
  data.clouds = parts.fleet.list_clouds();
  data.storage_full = parts.controller.storage_full();
  co_return show(context, overview_page(data, visit.view), visit.view);
}

// --- jobs

Awaitable<Reply> show_jobs(Context& context, Visit visit) {
  JobsData data;
  const auto after = query(visit, "after");
  if (!after.empty()) data.newest = Url("/ui/jobs");
  for (auto& job : context.parts.controller.list_jobs()) {
    if (!after.empty() && job.path.str() <= after) continue;
    if (data.rows.size() == kPageRows) {
      data.older = Url("/ui/jobs");
      data.older->add("after", data.rows.back().job.path.str());
      break;
    }
    data.rows.push_back({std::move(job), std::nullopt});
  }
  for (auto& row : data.rows) {
    store::BuildFilter filter;
    filter.job = row.job.path;
    FOOTMAN_CO_TRY(auto builds, co_await list_builds(context, filter, 1));
    if (!builds.page.empty()) row.last = std::move(builds.page.front());
  }
  co_return show(context, jobs_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_job(Context& context, Visit visit) {
  co_return co_await reply_job(context, std::move(visit), {}, {});
}

Awaitable<Reply> reply_job(Context& context, Visit visit, std::map<std::string, std::string> given,
                           std::optional<Error> trouble) {
  const JobPath path(visit.param);
  store::BuildFilter filter;
  filter.job = path;
  filter.before = cursor_of(visit);
  FOOTMAN_CO_TRY(auto builds, co_await list_builds(context, filter, kPageRows));
  auto job = context.parts.controller.find_job(path);
  if (!job) co_return std::unexpected(context.parts.controller.unknown_job(path));
  JobData data{std::move(*job), {}, {}, {}, std::move(given), std::move(trouble), context.make_key()};
  set_pager(data.newest, data.older, job_url(path), builds, filter.before);
  data.builds = std::move(builds.page);
  co_return show(context, job_page(data, visit.view), visit.view);
}

// --- builds

Awaitable<Reply> show_builds(Context& context, Visit visit) {
  BuildsData data;
  store::BuildFilter filter;
  filter.state = model::find_build_state(query(visit, "state"));
  filter.result = model::find_build_result(query(visit, "result"));
  if (filter.result == model::BuildResult::none) filter.result.reset();  // its word is the empty one
  filter.before = cursor_of(visit);
  Url here("/ui/builds");
  if (filter.state) here.add("state", data.state = model::to_string(*filter.state));
  if (filter.result) here.add("result", data.result = model::to_string(*filter.result));
  FOOTMAN_CO_TRY(auto builds, co_await list_builds(context, filter, kPageRows));
  set_pager(data.newest, data.older, here, builds, filter.before);
  data.builds = std::move(builds.page);
  co_return show(context, builds_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_build(Context& context, Visit visit) {
  auto& parts = context.parts;
  FOOTMAN_CO_TRY(const auto id, parse_id(visit.param));
  BuildData data;
  FOOTMAN_CO_TRY(data.story, co_await api::tell_build(context.stories(), BuildId(id)));
  const auto& told = data.story.told;
  if (is_live(visit)) {
    data.log.attempt = told.assignments.size();
    data.log.left_out = true;
  } else {
    FOOTMAN_CO_TRY(data.log, co_await read_log_of(context, told.assignments, 0, {{}, kLogTailBytes}));
  }
  data.log.finished = data.log.finished || told.build.state == model::BuildState::finished;
  data.of_job = parts.controller.find_job(told.build.job).has_value();
  data.key = context.make_key();
  co_return show(context, build_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_log(Context& context, Visit visit) {
  FOOTMAN_CO_TRY(const auto id, parse_id(visit.param));
  const auto attempt = query(visit, "attempt");
  FOOTMAN_CO_TRY(const auto number, attempt.empty() ? Result<std::int64_t>(0) : parse_id(attempt));
  const auto from = query(visit, "from");
  LogRange range{std::nullopt, kLogWindowBytes};
  if (!from.empty()) range.from = static_cast<std::uint64_t>(parse_id(from).value_or(0));
  LogData data;
  FOOTMAN_CO_TRY(data.build, co_await context.parts.store.get_build(BuildId(id)));
  FOOTMAN_CO_TRY(const auto assignments, co_await context.parts.store.list_assignments(BuildId(id)));
  data.attempts = assignments.size();
  FOOTMAN_CO_TRY(data.log,
                 co_await read_log_of(context, assignments, static_cast<std::size_t>(number), range));
  end_with_line(data.log);
  co_return show(context, log_page(data, visit.view), visit.view);
}

// --- queue, agents, clouds

Awaitable<Reply> show_queue(Context& context, Visit visit) {
  QueueData data;
  const QueueItemId after(parse_id(query(visit, "after")).value_or(0));
  if (!after.empty()) data.newest = Url("/ui/queue");
  auto queue = context.parts.controller.queue();
  data.total = queue.size();
  for (auto& entry : queue) {
    if (entry.item.id <= after) continue;
    if (data.entries.size() == kPageRows) {
      data.older = Url("/ui/queue");
      data.older->add("after", data.entries.back().item.id.str());
      break;
    }
    data.entries.push_back(std::move(entry));
  }
  co_return show(context, queue_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_agents(Context& context, Visit visit) {
  AgentsData data;
  data.ended = query(visit, "ended") == "true";
  const auto before = query(visit, "before");
  Url here("/ui/agents");
  if (data.ended) here.add("ended", "true");
  if (!before.empty()) data.newest = here;
  FOOTMAN_CO_TRY(auto agents, co_await context.parts.store.list_agents(
                                  {!data.ended, before, static_cast<std::uint32_t>(kPageRows + 1)}));
  if (agents.size() > kPageRows) {
    agents.resize(kPageRows);
    data.older = here;
    data.older->add("before", agents.back().id.str());
  }
  for (auto& agent : agents) {
    auto observation = context.parts.controller.observe_agent(agent.id);
    data.agents.push_back({std::move(agent), std::move(observation)});
  }
  co_return show(context, agents_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_agent(Context& context, Visit visit) {
  AgentData data;
  FOOTMAN_CO_TRY(data.story, co_await api::tell_agent(context.stories(), AgentId(visit.param)));
  data.node = context.parts.controller.find_node(data.story.agent.agent.id);
  co_return show(context, agent_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_clouds(Context& context, Visit visit) {
  auto& fleet = context.parts.fleet;
  const CloudsData data{fleet.list_clouds(), fleet.last_plan(), fleet.last_reconcile(),
                        context.parts.controller.count_doubtful()};
  co_return show(context, clouds_page(data, visit.view), visit.view);
}

Awaitable<Reply> show_jenkins(Context& context, Visit visit) {
  std::vector<ports::JenkinsStatus> all;
  if (context.parts.jenkins != nullptr) all = context.parts.jenkins->list();
  co_return show(context, jenkins_page(all, visit.view), visit.view);
}

// What is no choice of the page shows what it shows without.
Awaitable<Reply> show_costs(Context& context, Visit visit) {
  CostsData data;
  for (const auto& one : kCostViews)
    if (one.word == query(visit, "by")) data.by = one.by;
  if (const auto days = parse_id(query(visit, "days")); days && *days <= kMostCostDays) data.days = *days;
  constexpr Duration kDay = 24h;
  const Instant today{context.now().us - context.now().us % kDay.count()};
  FOOTMAN_CO_TRY(data.report, co_await store::report_costs(context.parts.store, data.by,
                                                           {today - (data.days - 1) * kDay, {}}));
  co_return show(context, costs_page(data, visit.view), visit.view);
}

}  // namespace footman::web
