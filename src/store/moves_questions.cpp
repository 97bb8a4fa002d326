// Questions: lists, and all that is open.
#include <fmt/format.h>

#include <algorithm>

#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

namespace {

constexpr std::uint32_t kMaxListed = 1000;  // rows of one answer; a larger limit is taken as this one

constexpr std::int64_t kNewestAgents = 20'000;  // that launch times are taken from

// As in the partial index.
constexpr std::string_view kOpenAssignments =
    "INDEXED BY assignments_open WHERE state IN ('offered', 'accepted', 'started')";

// As SubmittedBuild::lost_agent.
std::map<BuildId, AgentId> list_lost_agents(Database& db) {
  std::map<BuildId, AgentId> found;
  auto query = db.query(
      "SELECT builds.id, agents.id FROM builds INDEXED BY builds_open "
      "JOIN assignments ON assignments.build = builds.retry_of AND assignments.state = 'lost' "
      "JOIN agents ON agents.id = assignments.agent AND agents.state <> 'terminated' "
      "WHERE builds.state <> 'finished' AND builds.state = 'queued' AND builds.retry_of <> 0");
  while (query.step()) {
    BuildId build;
    AgentId agent;
    query.read(build, agent);
    found.emplace(build, std::move(agent));
  }
  return found;
}

}  // namespace

Result<OpenState> load_open_state(Database& db) {
  OpenState state;
  state.jobs = select<model::Job>(db, "ORDER BY path");
  state.builds = select<model::Build>(db, "INDEXED BY builds_open WHERE state <> 'finished' ORDER BY id");
  state.items = select<model::QueueItem>(db, "INDEXED BY queue_items_open WHERE state <> 'left' ORDER BY id");
  state.assignments = select<model::Assignment>(db, fmt::format("{} ORDER BY id", kOpenAssignments));
  state.streams = select<model::LogStream>(
      db, fmt::format("WHERE id IN (SELECT stream FROM assignments {}) ORDER BY id", kOpenAssignments));
  state.steps = list_open_steps(db, kOpenAssignments);
  state.agents =
      select<model::Agent>(db, "INDEXED BY agents_live WHERE state <> 'terminated' ORDER BY sequence");
  state.nodes = select<model::Node>(db, "ORDER BY agent");
  state.lost_agents = list_lost_agents(db);
  state.installation = db.get<InstallationId>("SELECT id FROM installation");
  state.doubt = db.get<std::string>("SELECT doubt FROM installation");
  state.newest_stream = db.get<StreamId>(
      "SELECT max(coalesce((SELECT max(id) FROM log_streams), 0), "
      "coalesce((SELECT max(id) FROM forgotten_streams), 0))");
  return state;
}

Result<model::Build> get_build_by_number(Database& db, const JobPath& job, std::int64_t number) {
  auto builds = select<model::Build>(db, "WHERE job = ? AND number = ?", job, number);
  if (builds.empty())
    return fail(Errc::not_found, job.empty()
                                     ? fmt::format("There is no ad-hoc build {}", number)
                                     : fmt::format("There is no build {} of job {}", number, job.str()));
  return std::move(builds.front());
}

Result<std::vector<model::Build>> list_builds(Database& db, const BuildFilter& filter) {
  // The index is named, so that it is this one whatever SQLite thinks of the others. Words stand in the text,
  // not in parameters: only so does SQLite see that a partial index fits.
  const bool open = filter.state && *filter.state != model::BuildState::finished;
  std::string where = "WHERE id < ?2";
  if (filter.job)
    where = "INDEXED BY builds_by_job WHERE job = ?1 AND id < ?2";
  else if (filter.result)
    where = "INDEXED BY builds_by_result WHERE id < ?2";
  else if (open)
    where = "INDEXED BY builds_open WHERE id < ?2";
  if (open) where += " AND state <> 'finished'";
  if (filter.result) where += " AND state = 'finished'";
  if (filter.state) where += fmt::format(" AND state = '{}'", model::to_string(*filter.state));
  if (filter.result) where += fmt::format(" AND result = '{}'", model::to_string(*filter.result));
  where += " ORDER BY id DESC LIMIT ?3";
  const auto before = filter.before.empty() ? BuildId(INT64_MAX) : filter.before;
  return select<model::Build>(db, where, filter.job.value_or(JobPath()), before,
                              std::min(filter.limit, kMaxListed));
}

Result<std::vector<model::Assignment>> list_assignments(Database& db, BuildId build) {
  return select<model::Assignment>(db, "WHERE build = ? ORDER BY id", build);
}

Result<std::vector<model::Assignment>> list_assignments_of_agent(Database& db, const AgentId& agent) {
  auto newest = select<model::Assignment>(db, "WHERE agent = ? ORDER BY id DESC LIMIT ?", agent, kMaxListed);
  std::reverse(newest.begin(), newest.end());
  return newest;
}

Result<std::vector<model::LogStream>> list_streams(Database& db, BuildId build) {
  return select<model::LogStream>(db, "WHERE build = ? ORDER BY id", build);
}

Result<std::vector<StreamId>> list_forgotten_streams(Database& db) {
  std::vector<StreamId> streams;
  auto rows = db.query("SELECT id FROM forgotten_streams ORDER BY id LIMIT ?", kMaxListed);
  while (rows.step()) rows.read(streams.emplace_back());
  return streams;
}

Result<std::vector<model::Agent>> list_agents(Database& db, const AgentFilter& filter) {
  std::int64_t before = INT64_MAX;
  if (!filter.before.empty()) {
    auto rows = db.query("SELECT sequence FROM agents WHERE id = ?", filter.before);
    if (!rows.step()) return fail(Errc::not_found, "There is no agent " + filter.before, "before");
    rows.read(before);
  }
  const auto limit = std::min(filter.limit, kMaxListed);
  if (filter.only_live)
    return select<model::Agent>(
        db,
        "INDEXED BY agents_live WHERE state <> 'terminated' AND sequence < ? ORDER BY sequence DESC LIMIT ?",
        before, limit);
  return select<model::Agent>(db, "WHERE sequence < ? ORDER BY sequence DESC LIMIT ?", before, limit);
}

// When the clock was set in between nothing is known.
Result<std::vector<LaunchTime>> list_launch_times(Database& db, std::size_t of_each) {
  auto rows = db.query(
      "SELECT template_name, template_generation, took FROM (SELECT template_name, template_generation, "
      "connected - planned AS took, sequence, row_number() OVER (PARTITION BY template_name, "
      "template_generation ORDER BY sequence DESC) AS place FROM agents "
      "WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM agents) - ?1 AND planned > 0 "
      "AND connected > planned) WHERE place <= ?2 ORDER BY sequence",
      kNewestAgents, static_cast<std::int64_t>(of_each));
  std::vector<LaunchTime> times;
  while (rows.step()) {
    auto& one = times.emplace_back();
    rows.read(one.template_name, one.generation, one.took);
  }
  return times;
}

}  // namespace footman::store::moves
