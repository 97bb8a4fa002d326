#include "cloud/ecs/task_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cloud/ecs/own_tags.hpp"
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

std::string TaskFinder::recall_launch(const std::string& client_token, const LaunchCloud& then) {
  const auto& places = shared_.api.places();
  const TaskPlaces there(then.options, then.account);
  if (auto why = places.why_out_of_reach(there); !why.empty())
    return out_of_reach_[client_token] = std::move(why);
  seek(client_token, there.home());
  if (places.is_home(there.home())) return {};
  return fmt::format("it was launched in the cluster {}, and this cloud launches in {} now", there.home(),
                     places.home());
}

void TaskFinder::seek(const std::string& client_token, const std::string& cluster) {
  sought_[client_token] = {cluster, shared_.now()};
}

bool TaskFinder::may_be_hidden(const std::string& client_token) const {
  const auto found = sought_.find(client_token);
  return found != sought_.end() && shared_.now() < found->second.since + kMissingGrace;
}

Awaitable<Status> TaskFinder::list_now_and_then() {
  const bool is_fresh = listed_.is_set() && shared_.now() < listed_ + kListPause;
  if (is_fresh && !shared_.clients.ecs->lacks_credentials()) co_return Status();
  co_return co_await list_all(!stopped_listed_.is_set());
}

Awaitable<Result<Tracked*>> TaskFinder::find(std::string client_token) {
  if (auto* known = shared_.table.find_token(client_token)) co_return known;
  if (const auto found = out_of_reach_.find(client_token); found != out_of_reach_.end())
    co_return fail(Errc::unsupported, found->second);
  FOOTMAN_CO_TRY_STATUS(co_await list_all(true));
  auto* found = shared_.table.find_token(client_token);
  if (found != nullptr) co_return found;
  const auto sought = sought_.find(client_token);
  if (sought == sought_.end()) co_return nullptr;
  // Where it is not looked for it may be.
  const auto place = elsewhere_.find(std::string(name_of_cluster(sought->second.cluster)));
  if (place != elsewhere_.end() && place->second) co_return std::unexpected(*place->second);
  co_return nullptr;
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
  for (const auto& [name, cluster] : list_clusters()) {
    auto listed = co_await list_cluster(cluster, with_stopped);
    const bool is_home = shared_.api.places().is_home(cluster);
    if (!is_home) note_elsewhere(cluster, listed);
    if (!listed && is_home) co_return std::unexpected(listed.error());
    if (!listed) continue;
    unknown.merge(list_unknown(*listed));
    look_at_unlisted(cluster, *listed, begun);
    stopped.merge(listed->stopped);
  }
  if (with_stopped) std::erase_if(stopped_others_, [&](const auto& arn) { return !stopped.contains(arn); });
  others_.clear();
  FOOTMAN_CO_TRY_STATUS(co_await learn(std::move(unknown)));
  follower_.wake();
  listed_ = begun;
  if (with_stopped) stopped_listed_ = begun;
  co_return Status();
}

// The configured one, and those in which tasks of an earlier configuration are, or may be. Each by its name,
// as some are known by their ARN and some are not.
std::map<std::string, std::string> TaskFinder::list_clusters() const {
  std::map<std::string, std::string> out;
  const auto add = [&](const std::string& cluster) {
    out.try_emplace(std::string(name_of_cluster(cluster)), cluster);
  };
  const auto& places = shared_.api.places();
  add(places.home());
  for (const auto& [arn, one] : shared_.table.all())
    if (!one.is_over()) add(places.cluster_of(arn));
  for (const auto& [token, one] : sought_) add(one.cluster);
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
void TaskFinder::note_elsewhere(const std::string& cluster, const Result<Listed>& listed) {
  const bool answers = listed.has_value();
  const auto [known, is_new] = elsewhere_.try_emplace(std::string(name_of_cluster(cluster)));
  const bool answered = !known->second;
  known->second = answers ? std::nullopt : std::optional(listed.error());
  if (!is_new && answered == answers) return;
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
        known == nullptr ? !stopped_others_.contains(arn) : !known->seen || (runs && known->is_over());
    if (is_wanted) out.insert(arn);
  };
  for (const auto& arn : listed.running) add(arn, true);
  for (const auto& arn : listed.stopped) add(arn, false);
  return out;
}

void TaskFinder::look_at_unlisted(const std::string& cluster, const Listed& listed, Instant begun) {
  const auto& places = shared_.api.places();
  const auto is_in = [&](const std::string& arn) {
    return name_of_cluster(places.cluster_of(arn)) == name_of_cluster(cluster);
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
      if (!described && shared_.api.places().is_home(cluster))
        co_return std::unexpected(to_error(described.error()));
      if (!described) {
        elsewhere_[std::string(name_of_cluster(cluster))] = to_error(described.error());
        break;
      }
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
  const OwnTags tags(task.tags, shared_.config.installation, shared_.config.options.tag_prefix);
  auto token = tags.get(ecs::kTokenTag);
  if (!tags.are_ours() || token.empty()) {
    if (ecs::find_phase(task) == ecs::TaskPhase::gone)
      stopped_others_.insert(task.arn);
    else
      others_[task.arn] = InstallationId(tags.are_ours() ? std::string() : tags.get(ecs::kInstallationTag));
    return;
  }
  auto& one = shared_.table.add({std::move(token), AgentId(tags.get(ecs::kAgentTag)), {}, {}},
                                std::move(task), shared_.now());
  one.seen = true;
  follower_.ask_for_words(one);
}

}  // namespace footman::cloud::ecs
