#include "cloud/ecs/task_table.hpp"

#include <algorithm>
#include <utility>

#include "ecs/task_definition.hpp"

namespace footman::cloud::ecs {
namespace {

constexpr Duration kFirstLook = 5s;
constexpr Duration kStartingPace =
    10s;  // an agent that comes up tells so itself; failures are what is looked for
// What ends is heard of in other ways: its agent leaves or is silent, or a list has it no more.
constexpr Duration kRunningPace = 2min;
constexpr Duration kStoppingPace = 5s;
constexpr Duration kSafetyPace = 5min;  // with events
constexpr Duration kFirstLookWithEvents = 30s;
constexpr std::size_t kLooksBeforeSlower = 12;

using footman::ecs::find_phase;
using footman::ecs::TaskPhase;
using footman::ecs::TaskStatus;

// Of a task that this life of the server has not launched.
std::string find_agent_container(const Task& task) {
  const auto& all = task.containers;
  const auto ours =
      std::ranges::find(all, footman::ecs::kAgentContainerName, &footman::ecs::TaskContainer::name);
  return ours == all.end() ? all.front().name : ours->name;
}

}  // namespace

bool ended_badly(const Tracked& one) {
  const auto& task = one.task;
  if (!one.is_over() && find_phase(task) != TaskPhase::stopping) return false;
  const auto agent =
      std::ranges::find(task.containers, one.owner.container, &footman::ecs::TaskContainer::name);
  if (agent != task.containers.end() && agent->exit_code) return *agent->exit_code != 0;
  return one.is_over() && task.started_at.is_set();
}

// Its end is as the task says.
void TaskTable::take(Tracked& one, Task task, Instant now) {
  one.task = std::move(task);
  if (one.owner.container.empty() && !one.task.containers.empty())
    one.owner.container = find_agent_container(one.task);
  if (find_phase(one.task) != TaskPhase::gone)
    one.stopped_at = {};
  else if (!one.stopped_at.is_set())
    one.stopped_at = now;
}

Tracked& TaskTable::add(Owner owner, Task task, Instant now) {
  auto& one = by_arn_[task.arn];
  by_token_[owner.token] = task.arn;
  one.owner = std::move(owner);
  one.launched = now;
  take(one, std::move(task), now);
  plan_look(one, now);
  return one;
}

bool TaskTable::update(Task task, Instant now) {
  auto* one = find(task.arn);
  if (one == nullptr) return false;
  one->seen = true;
  one->missing_since = {};
  const bool was_missing = std::exchange(one->is_missing, false);
  if (was_missing) one->stopped_at = {};
  const bool is_news = task.version > one->task.version;
  if (!is_news && (one->is_over() || task.version < one->task.version)) {
    if (was_missing) one->next_look = now;
    return was_missing;
  }
  const bool changed = was_missing || task.last_status != one->task.last_status ||
                       task.desired_status != one->task.desired_status;
  if (task.tags.empty()) task.tags = std::move(one->task.tags);  // RunTask, StopTask and events have none
  one->looks = changed ? 0 : one->looks + 1;
  take(*one, std::move(task), now);
  plan_look(*one, now);
  return changed;
}

bool TaskTable::on_missing(const std::string& arn, Instant now) {
  auto* one = find(arn);
  if (one == nullptr || one->is_over()) return false;
  if (!one->missing_since.is_set()) one->missing_since = now;
  const auto grace = one->seen ? kMissingGrace : kUnseenGrace;
  if (now < one->launched + grace || now < one->missing_since + kMissingPause) {
    one->next_look = now + (++one->looks < kLooksBeforeSlower ? kFirstLook : kMissingPause);
    return false;
  }
  one->is_missing = true;
  one->stopped_at = now;
  one->next_look = {};
  return true;
}

Tracked* TaskTable::find(const std::string& arn) {
  const auto found = by_arn_.find(arn);
  return found == by_arn_.end() ? nullptr : &found->second;
}

Tracked* TaskTable::find_token(const std::string& token) {
  const auto found = by_token_.find(token);
  return found == by_token_.end() ? nullptr : find(found->second);
}

Duration TaskTable::pace(const Tracked& one, Instant now) const {
  const bool stopping = find_phase(one.task) == TaskPhase::stopping || one.stop_asked.is_set();
  if (stopping) return one.looks < kLooksBeforeSlower ? kStoppingPace : 6 * kStoppingPace;
  if (one.suspected.is_set() && now < one.suspected + kSuspectedFor) return kSuspectedPace;
  // Its first events may have come before the answer to its launch, and found nobody who knew it.
  if (events_) return one.looks == 0 && !one.task.started_at.is_set() ? kFirstLookWithEvents : kSafetyPace;
  if (one.task.last_status == TaskStatus::running) return kRunningPace;
  if (one.looks == 0) return kFirstLook;
  return one.looks < kLooksBeforeSlower ? kStartingPace : 3 * kStartingPace;
}

void TaskTable::plan_look(Tracked& one, Instant now) {
  one.next_look = one.is_over() ? Instant() : now + pace(one, now);
}

void TaskTable::look_at(const std::string& arn, Instant at) {
  if (auto* one = find(arn); one != nullptr && !one->is_over()) one->next_look = at;
}

void TaskTable::suspect(const std::string& arn, Instant now) {
  auto* one = find(arn);
  if (one == nullptr || one->is_over()) return;
  one->suspected = now;
  one->next_look = std::min(one->next_look, now + kSuspectedPace / 2);
}

// A call describes a hundred for the price of one. So those that are looked at often are looked at together,
// others go along when they are due within half of their pace, and with what is left of the call all that are
// looked at seldom.
std::vector<std::string> TaskTable::due(Instant now, std::size_t limit) {
  std::vector<std::pair<Instant, const std::string*>> soon;
  bool any = false;
  for (auto& [arn, one] : by_arn_) {
    const auto own = pace(one, now);
    const auto early = own < kRunningPace ? std::max(own / 2, kStoppingPace) : own;
    if (!one.next_look.is_set() || one.next_look > now + early) continue;
    any = any || one.next_look <= now;
    soon.emplace_back(one.next_look, &arn);
  }
  if (!any) return {};
  const auto count = std::min(limit, soon.size());
  std::partial_sort(soon.begin(), soon.begin() + static_cast<std::ptrdiff_t>(count), soon.end());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(*soon[i].second);
    auto& one = by_arn_.at(*soon[i].second);
    one.next_look = now + pace(one, now);  // also when the call fails
  }
  return out;
}

Instant TaskTable::next_due() const {
  Instant first;
  for (const auto& [arn, one] : by_arn_)
    if (one.next_look.is_set() && (!first.is_set() || one.next_look < first)) first = one.next_look;
  return first;
}

void TaskTable::forget_old(Instant now) {
  std::erase_if(by_arn_, [&](const auto& item) {
    const auto& one = item.second;
    if (!one.is_over() || now < one.stopped_at + kStoppedKept) return false;
    by_token_.erase(one.owner.token);
    return true;
  });
}

}  // namespace footman::cloud::ecs
