#include "cloud/ecs/task_finder.hpp"

#include <algorithm>
#include <utility>

#include "ecs/run_task.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;

// Between two lists of all tasks; in between the table answers. The fleet looks with each change, and a list
// costs a call for each hundred tasks.
constexpr Duration kListPause = 2min;

}  // namespace

std::string TaskFinder::recall(const ports::Resource& known) {
  auto why = shared_.api.places().why_out_of_reach(known.handle);
  if (!why.empty()) {
    out_of_reach_[known.client_token] = why;
    return why;
  }
  Task task;
  task.arn = known.handle;
  auto& one = shared_.table.add({known.client_token, known.agent, {}, {}}, std::move(task), shared_.now());
  one.launched = shared_.outside.even.at_past(known.created);
  return {};
}

Awaitable<Status> TaskFinder::list_now_and_then() {
  if (listed_.is_set() && shared_.now() < listed_ + kListPause) co_return Status();
  co_return co_await list_all(!stopped_listed_.is_set());
}

Awaitable<Result<Tracked*>> TaskFinder::find(std::string client_token) {
  if (auto* known = shared_.table.find_token(client_token)) co_return known;
  if (const auto found = out_of_reach_.find(client_token); found != out_of_reach_.end())
    co_return fail(Errc::unsupported, found->second);
  FOOTMAN_CO_TRY_STATUS(co_await list_all(true));
  co_return shared_.table.find_token(client_token);
}

// What runs, and with_stopped what has ended within the hour, as long as ECS keeps that.
Awaitable<Status> TaskFinder::list_all(bool with_stopped) {
  const auto asked = shared_.now();
  const auto pass = co_await listing_.enter();
  const auto last = with_stopped ? stopped_listed_ : listed_;
  if (last.is_set() && last >= asked) co_return Status();  // somebody else did meanwhile
  const auto begun = shared_.now();
  Arns unknown;
  Arns stopped;
  for (const auto& cluster : list_clusters()) {
    auto listed = co_await list_cluster(cluster, with_stopped);
    const bool is_home = cluster == shared_.api.places().home();
    if (!is_home) tell_elsewhere(cluster, listed);
    if (!listed && is_home) co_return std::unexpected(listed.error());
    if (!listed) continue;
    unknown.merge(list_unknown(*listed));
    look_at_unlisted(cluster, *listed, begun);
    stopped.merge(listed->stopped);
  }
  if (with_stopped) std::erase_if(others_, [&](const auto& arn) { return !stopped.contains(arn); });
  FOOTMAN_CO_TRY_STATUS(co_await learn(std::move(unknown)));
  follower_.wake();
  listed_ = begun;
  if (with_stopped) stopped_listed_ = begun;
  co_return Status();
}

// The configured one, and those in which tasks of an earlier configuration are.
TaskFinder::Arns TaskFinder::list_clusters() const {
  const auto& places = shared_.api.places();
  Arns out{places.home()};
  for (const auto& [arn, one] : shared_.table.all())
    if (!one.is_over() && !places.is_at_home(arn)) out.insert(places.cluster_of(arn));
  return out;
}

// First what runs: what ends meanwhile is among those that have.
Awaitable<Result<TaskFinder::Listed>> TaskFinder::list_cluster(std::string cluster, bool with_stopped) {
  Listed out;
  auto arns = co_await shared_.api.list_running(cluster, ecs::make_started_by(shared_.config.installation));
  if (!arns) co_return std::unexpected(to_error(arns.error()));
  out.running.insert(arns->begin(), arns->end());
  if (with_stopped) {
    arns = co_await shared_.api.list_stopped(cluster);
    if (!arns) co_return std::unexpected(to_error(arns.error()));
    out.stopped.insert(arns->begin(), arns->end());
  }
  co_return out;
}

// Once, and again when that changes. Launches go to the configured cluster and wait for no other.
void TaskFinder::tell_elsewhere(const std::string& cluster, const Result<Listed>& listed) {
  const bool answers = listed.has_value();
  const auto [told, is_new] = told_elsewhere_.try_emplace(cluster, answers);
  if (!is_new && std::exchange(told->second, answers) == answers) return;
  const auto& log = shared_.outside.log;
  if (answers)
    log.warning("agents run in a cluster that is not the configured one: they are followed and ended there",
                {{"cluster", cluster}, {"tasks", listed->running.size()}});
  else
    log.warning("agents run in another cluster than the configured one, which does not answer",
                {{"cluster", cluster}, {"error", describe(listed.error())}});
}

// What is to be described: tasks that nobody has seen, and those that are over, and yet are listed as
// running.
TaskFinder::Arns TaskFinder::list_unknown(const Listed& listed) const {
  Arns out;
  const auto add = [&](const std::string& arn, bool runs) {
    const auto* known = shared_.table.find(arn);
    const bool is_wanted =
        known == nullptr ? !others_.contains(arn) : !known->seen || (runs && known->is_over());
    if (is_wanted) out.insert(arn);
  };
  for (const auto& arn : listed.running) add(arn, true);
  for (const auto& arn : listed.stopped) add(arn, false);
  return out;
}

void TaskFinder::look_at_unlisted(const std::string& cluster, const Listed& listed, Instant begun) {
  const auto& places = shared_.api.places();
  const auto is_in = [&](const std::string& arn) {
    return cluster == places.home() ? places.is_at_home(arn) : places.cluster_of(arn) == cluster;
  };
  for (const auto& [arn, one] : shared_.table.all())
    if (!one.is_over() && is_in(arn) && !listed.has(arn) && one.launched + kMissingGrace < begun)
      shared_.table.look_at(arn, shared_.now());
}

Awaitable<Status> TaskFinder::learn(Arns arns) {
  for (const auto& [cluster, tasks] : shared_.api.places().by_cluster({arns.begin(), arns.end()})) {
    for (std::size_t at = 0; at < tasks.size(); at += kDescribedAtOnce) {
      const auto end = std::min(tasks.size(), at + kDescribedAtOnce);
      auto described =
          co_await shared_.api.describe_tasks({tasks.begin() + static_cast<std::ptrdiff_t>(at),
                                               tasks.begin() + static_cast<std::ptrdiff_t>(end)});
      if (!described && shared_.api.places().is_at_home(tasks.front()))
        co_return std::unexpected(to_error(described.error()));
      if (!described) break;
      for (auto& task : described->tasks) adopt(std::move(task));
    }
  }
  co_return Status();
}

// Of an earlier life of the server, or one that was taken to be over. Others' are left alone, also those that
// use our `startedBy`.
void TaskFinder::adopt(Task task) {
  if (shared_.table.find(task.arn) != nullptr) {
    (void)follower_.note_task(std::move(task));
    return;
  }
  const auto tag = [&](std::string_view name) {
    const auto found = task.tags.find(shared_.config.options.tag_prefix + std::string(name));
    return found == task.tags.end() ? std::string() : found->second;
  };
  auto token = tag(ecs::kTokenTag);
  if (tag(ecs::kInstallationTag) != shared_.config.installation.str() || token.empty()) {
    if (ecs::find_phase(task) == ecs::TaskPhase::gone) others_.insert(task.arn);
    return;
  }
  auto& one = shared_.table.add({std::move(token), AgentId(tag(ecs::kAgentTag)), {}, {}}, std::move(task),
                                shared_.now());
  one.seen = true;
  follower_.ask_for_words(one);
}

}  // namespace footman::cloud::ecs
