#include "controller/tests/fake_store.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace footman::controller::testing {

using model::AssignmentState;
using model::BuildState;
using model::ItemState;

Awaitable<Status> FakeStore::turn() const {
  auto executor = co_await runtime::asio::this_coro::executor;
  co_await runtime::asio::post(executor, runtime::asio::use_awaitable);
  if (full) co_return fail(Errc::resource_exhausted, "no space left");
  co_return Status();
}

template <class Map, class Id>
Result<typename Map::mapped_type> FakeStore::get(const Map& map, const Id& id) {
  const auto it = map.find(id);
  if (it == map.end()) return fail(Errc::not_found, "not there");
  return it->second;
}

Awaitable<Result<store::OpenState>> FakeStore::load_open_state() {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  store::OpenState state;
  state.installation = InstallationId("test");
  for (auto& [path, job] : jobs) state.jobs.push_back(job);
  for (auto& [id, build] : builds)
    if (build.state != BuildState::finished) state.builds.push_back(build);
  for (auto& [id, item] : items)
    if (item.state != ItemState::left) state.items.push_back(item);
  for (auto& [id, one] : assignments)
    if (one.state == AssignmentState::offered || one.state == AssignmentState::accepted ||
        one.state == AssignmentState::started) {
      state.assignments.push_back(one);
      state.streams.push_back(streams[one.stream]);
    }
  for (auto& [id, node] : nodes) state.nodes.push_back(node);
  co_return state;
}

Awaitable<Status> FakeStore::record_shutdown(bool, Instant) { return turn(); }
Awaitable<Status> FakeStore::back_up(std::string) { return turn(); }

Awaitable<Result<model::Job>> FakeStore::create_job(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  if (jobs.contains(job.path)) co_return fail(Errc::already_exists, "there is such a job", "path");
  co_return jobs[job.path] = job;
}

Awaitable<Result<model::Job>> FakeStore::save_job(model::Job job) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  FOOTMAN_CO_TRY(const auto old, get(jobs, job.path));
  job.next_number = old.next_number;
  co_return jobs[job.path] = job;
}

Awaitable<Status> FakeStore::delete_job(JobPath path) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  for (auto& [id, build] : builds)
    if (build.job == path && build.state != BuildState::finished)
      co_return fail(Errc::conflict, "builds are open");
  if (jobs.erase(path) == 0) co_return fail(Errc::not_found, "no such job");
  co_return Status();
}

Awaitable<Result<store::SubmittedBuild>> FakeStore::submit_build(store::NewBuild request) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  if (const auto it = keys.find(request.idempotency_key); it != keys.end()) {
    if (it->second.first != request.request_hash)
      co_return fail(Errc::conflict, "another request has this key");
    const auto build = builds[it->second.second];
    for (auto& [id, item] : items)
      if (item.build == build.id) co_return store::SubmittedBuild{build, item, true};
  }
  model::Build build;
  build.id = BuildId(static_cast<std::int64_t>(builds.size()) + 1);
  build.job = request.job;
  build.number = request.job.empty() ? build.id.value() : jobs[request.job].next_number++;
  build.cause = request.cause;
  build.spec = request.spec;
  build.parameters = request.parameters;
  build.submitted = request.now;
  builds[build.id] = build;
  model::QueueItem item;
  item.id = QueueItemId(static_cast<std::int64_t>(items.size()) + 1);
  item.build = build.id;
  item.job = build.job;
  item.label = build.spec.label;
  item.since = request.now;
  item.quiet_until = request.quiet_until;
  items[item.id] = item;
  if (!request.idempotency_key.empty()) keys[request.idempotency_key] = {request.request_hash, build.id};
  co_return store::SubmittedBuild{build, item, false};
}

Awaitable<Result<model::Build>> FakeStore::request_cancel(BuildId id, std::string reason, Instant) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& build = builds[id];
  if (build.state == BuildState::finished) co_return fail(Errc::conflict, "finished");
  if (!build.cancel_requested) build.cancel_reason = reason;
  build.cancel_requested = true;
  co_return build;
}

Awaitable<Result<model::Assignment>> FakeStore::offer_assignment(QueueItemId id, AgentId agent,
                                                                 std::uint64_t epoch, Instant now) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& item = items[id];
  if (item.state != ItemState::queued) co_return fail(Errc::conflict, "the item is not queued");
  model::Assignment one;
  one.id = AssignmentId(static_cast<std::int64_t>(assignments.size()) + 1);
  one.build = item.build;
  one.item = id;
  one.agent = agent;
  one.stream = StreamId(static_cast<std::int64_t>(streams.size()) + 1);
  one.epoch = epoch;
  one.offered = now;
  assignments[one.id] = one;
  streams[one.stream] = {one.stream, one.build, one.id, 0, false};
  item.state = ItemState::pending;
  item.assignment = one.id;
  ++builds[item.build].attempts;
  co_return one;
}

Awaitable<Result<model::Assignment>> FakeStore::accept_assignment(AssignmentId id, Instant now) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& one = assignments[id];
  if (one.state == AssignmentState::accepted) co_return one;
  if (one.state != AssignmentState::offered) co_return fail(Errc::conflict, "not offered");
  one.state = AssignmentState::accepted;
  one.accepted = now;
  co_return one;
}

Awaitable<Result<model::Assignment>> FakeStore::start_assignment(AssignmentId id, Instant now) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& one = assignments[id];
  if (one.state == AssignmentState::started) co_return one;
  if (one.state != AssignmentState::accepted) co_return fail(Errc::conflict, "not accepted");
  one.state = AssignmentState::started;
  one.started = now;
  builds[one.build].state = BuildState::running;
  builds[one.build].started = now;
  co_return one;
}

Awaitable<Status> FakeStore::return_assignment(AssignmentId id, std::string reason, Instant now) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& one = assignments[id];
  if (one.state == AssignmentState::revoked) co_return Status();
  if (one.state != AssignmentState::offered && one.state != AssignmentState::accepted)
    co_return fail(Errc::conflict, "already started");
  one.state = AssignmentState::revoked;
  one.end_reason = reason;
  one.ended = now;
  items[one.item].state = ItemState::queued;
  co_return Status();
}

Awaitable<Status> FakeStore::record_step(model::StepRecord step) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  steps[{step.assignment, step.index}] = step;
  co_return Status();
}

Awaitable<Result<model::Build>> FakeStore::finish_build(store::FinishBuild finish) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& build = builds[finish.build];
  if (build.state == BuildState::finished) co_return build;
  if (!finish.assignment.empty()) {
    auto& one = assignments[finish.assignment];
    if (one.state == AssignmentState::started) ++nodes[one.agent].builds_done;
    one.state = finish.assignment_state;
    one.ended = finish.now;
    auto& stream = streams[one.stream];
    stream.closed = true;
    stream.final_bytes = finish.log_bytes.value_or(0);
  }
  build.state = BuildState::finished;
  build.result = finish.result;
  build.reason = finish.reason;
  build.exit_status = finish.exit_status;
  build.finished = finish.now;
  for (auto& [id, item] : items)
    if (item.build == build.id) item.state = ItemState::left;
  co_return build;
}

Awaitable<Status> FakeStore::record_launch_intents(std::vector<model::Agent>) { return turn(); }
Awaitable<Result<model::Agent>> FakeStore::change_agent(store::AgentChange) {
  co_return fail(Errc::not_found, "none");
}

Awaitable<Status> FakeStore::register_node(model::Node node) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& row = nodes[node.agent];
  if (row.agent.empty() || row.attempt < node.attempt) row = node;
  co_return Status();
}

Awaitable<Result<model::Node>> FakeStore::redeem_node(store::Redemption redemption) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  const auto it = nodes.find(redemption.agent);
  if (it == nodes.end()) co_return fail(Errc::not_found, "no such node");
  auto& node = it->second;
  if (node.revoked) co_return fail(Errc::conflict, "revoked");
  if (!node.key_hash.empty() && node.key_hash != redemption.key_hash)
    co_return fail(Errc::permission_denied, "other key");
  node.key_hash = redemption.key_hash;
  ++node.epoch;
  co_return node;
}

Awaitable<Result<model::Node>> FakeStore::change_node(AgentId agent, bool draining, bool revoked) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  const auto it = nodes.find(agent);
  if (it == nodes.end()) co_return fail(Errc::not_found, "no such node");
  it->second.draining |= draining;
  it->second.revoked |= revoked;
  co_return it->second;
}

Awaitable<Status> FakeStore::count_refused(AgentId agent) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  if (const auto it = nodes.find(agent); it != nodes.end()) ++it->second.refused_attempts;
  co_return Status();
}

Awaitable<Status> FakeStore::remove_node(AgentId agent) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  nodes.erase(agent);
  co_return Status();
}

Awaitable<Status> FakeStore::add_timeline(std::string subject, std::vector<model::TimelineEntry> entries) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  auto& line = timelines[subject];
  line.insert(line.end(), entries.begin(), entries.end());
  co_return Status();
}

Awaitable<Result<model::Build>> FakeStore::get_build(BuildId id) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  co_return get(builds, id);
}

Awaitable<Result<model::Build>> FakeStore::get_build_by_number(JobPath, std::int64_t) {
  co_return fail(Errc::not_found, "none");
}

Awaitable<Result<std::vector<model::Build>>> FakeStore::list_builds(store::BuildFilter) {
  co_return std::vector<model::Build>();
}

Awaitable<Result<std::vector<model::Assignment>>> FakeStore::list_assignments(BuildId build) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  std::vector<model::Assignment> found;
  for (auto& [id, one] : assignments)
    if (one.build == build) found.push_back(one);
  co_return found;
}

Awaitable<Result<std::vector<model::Assignment>>> FakeStore::list_assignments_of_agent(AgentId agent) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  std::vector<model::Assignment> found;
  for (auto& [id, one] : assignments)
    if (one.agent == agent) found.push_back(one);
  co_return found;
}

Awaitable<Result<std::vector<model::StepRecord>>> FakeStore::list_steps(AssignmentId assignment) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  std::vector<model::StepRecord> found;
  for (auto& [key, step] : steps)
    if (key.first == assignment) found.push_back(step);
  co_return found;
}

Awaitable<Result<std::vector<model::LogStream>>> FakeStore::list_streams(BuildId build) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  std::vector<model::LogStream> found;
  for (auto& [id, stream] : streams)
    if (stream.build == build) found.push_back(stream);
  co_return found;
}

Awaitable<Result<model::QueueItem>> FakeStore::get_item(QueueItemId id) { co_return get(items, id); }
Awaitable<Result<model::Agent>> FakeStore::get_agent(AgentId) { co_return fail(Errc::not_found, "none"); }
Awaitable<Result<std::vector<model::Agent>>> FakeStore::list_agents(store::AgentFilter) {
  co_return std::vector<model::Agent>();
}
Awaitable<Result<std::vector<model::TimelineEntry>>> FakeStore::list_timeline(std::string subject) {
  FOOTMAN_CO_TRY_STATUS(co_await turn());
  co_return timelines[subject];
}
Awaitable<Result<std::optional<std::string>>> FakeStore::find_setting(std::string) {
  co_return std::optional<std::string>();
}
Awaitable<Status> FakeStore::save_setting(std::string, std::string) { return turn(); }
Awaitable<Result<std::vector<StreamId>>> FakeStore::forget_builds(JobPath, std::uint32_t, Instant) {
  co_return std::vector<StreamId>();
}

}  // namespace footman::controller::testing
