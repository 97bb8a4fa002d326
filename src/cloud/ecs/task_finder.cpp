#include "cloud/ecs/task_finder.hpp"

#include <algorithm>
#include <utility>

#include "ecs/run_task.hpp"
#include "ecs/task_definition.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;

// Between two lists of all tasks; in between the table answers. The fleet looks with each change, and a list
// costs a call for each hundred tasks.
constexpr Duration kListPause = 2min;

}  // namespace

Awaitable<Status> TaskFinder::list_now_and_then() {
  if (listed_.is_set() && shared_.now() < listed_ + kListPause) co_return Status();
  co_return co_await list_all(!stopped_listed_.is_set());
}

Awaitable<Result<Tracked*>> TaskFinder::find(std::string client_token) {
  if (auto* known = shared_.table.find_token(client_token)) co_return known;
  FOOTMAN_CO_TRY_STATUS(co_await list_all(true));
  co_return shared_.table.find_token(client_token);
}

// What runs, and with_stopped what has ended within the hour, as long as ECS keeps that. First what runs:
// what ends meanwhile is among those that have.
Awaitable<Status> TaskFinder::list_all(bool with_stopped) {
  const auto asked = shared_.now();
  const auto pass = co_await listing_.enter();
  const auto last = with_stopped ? stopped_listed_ : listed_;
  if (last.is_set() && last >= asked) co_return Status();  // somebody else did meanwhile
  const auto begun = shared_.now();
  auto arns = co_await shared_.api.list_running(ecs::make_started_by(shared_.config.installation));
  if (!arns) co_return std::unexpected(to_error(arns.error()));
  std::set<std::string> seen(arns->begin(), arns->end());
  if (with_stopped) {
    arns = co_await shared_.api.list_stopped();
    if (!arns) co_return std::unexpected(to_error(arns.error()));
    seen.insert(arns->begin(), arns->end());
    std::erase_if(others_, [&](const auto& arn) { return !seen.contains(arn); });
  }
  auto& table = shared_.table;
  std::vector<std::string> unknown_arns;
  for (const auto& arn : seen)
    if (table.find(arn) == nullptr && !others_.contains(arn)) unknown_arns.push_back(arn);
  FOOTMAN_CO_TRY_STATUS(co_await learn(std::move(unknown_arns)));
  for (const auto& [arn, one] : table.all())
    if (!one.is_over() && !seen.contains(arn) && one.launched + kMissingGrace < begun)
      table.look_at(arn, shared_.now());
  follower_.wake();
  listed_ = begun;
  if (with_stopped) stopped_listed_ = begun;
  co_return Status();
}

Awaitable<Status> TaskFinder::learn(std::vector<std::string> arns) {
  for (std::size_t at = 0; at < arns.size(); at += kDescribedAtOnce) {
    const auto end = std::min(arns.size(), at + kDescribedAtOnce);
    auto described = co_await shared_.api.describe_tasks(
        {arns.begin() + static_cast<std::ptrdiff_t>(at), arns.begin() + static_cast<std::ptrdiff_t>(end)});
    if (!described) co_return std::unexpected(to_error(described.error()));
    for (auto& task : described->tasks) adopt(std::move(task));
  }
  co_return Status();
}

// Of an earlier life of the server. Others' are left alone, also those that use our `startedBy`.
void TaskFinder::adopt(Task task) {
  const auto tag = [&](std::string_view name) {
    const auto found = task.tags.find(shared_.config.options.tag_prefix + std::string(name));
    return found == task.tags.end() ? std::string() : found->second;
  };
  auto token = tag(ecs::kTokenTag);
  if (tag(ecs::kInstallationTag) != shared_.config.installation.str() || token.empty()) {
    if (ecs::find_phase(task) == ecs::TaskPhase::gone) others_.insert(task.arn);
    return;
  }
  if (shared_.table.find(task.arn) != nullptr) return;
  Owner owner{std::move(token), AgentId(tag(ecs::kAgentTag)), find_agent_container(task), {}};
  follower_.ask_for_words(shared_.table.add(std::move(owner), std::move(task), shared_.now()));
}

std::string find_agent_container(const Task& task) {
  const auto is_ours = [](const auto& one) { return one.name == ecs::kAgentContainerName; };
  if (task.containers.empty() || std::ranges::any_of(task.containers, is_ours))
    return std::string(ecs::kAgentContainerName);
  return task.containers.front().name;
}

}  // namespace footman::cloud::ecs
