#include "cloud/ecs/task_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cloud/ecs/event_queue.hpp"
#include "ecs/stop_reason.hpp"

namespace footman::cloud::ecs {
namespace {

constexpr Duration kQueuePause = 15s;   // after a queue that could not be read
constexpr Duration kEventsLate = 5min;  // an event comes within seconds
// After a look that failed, doubled with each further one.
constexpr Duration kLookPause = 10s;
constexpr Duration kLongestLookPause = 2min;

constexpr const char* kUnreadable = "the queue of events cannot be read: tasks are described instead";
constexpr const char* kSilent =
    "a task has stopped, and the queue of events did not tell it: tasks are described as if there were no "
    "queue; see the rule of EventBridge and the policy of the queue";

// It does not pass by itself.
bool is_for_good(const aws::CallFailure& failure) {
  return failure.failure == model::FailureClass::permission ||
         failure.failure == model::FailureClass::configuration;
}

}  // namespace

TaskFollower::TaskFollower(Shared& shared)
    : shared_(shared),
      last_lines_(shared_.api, *shared_.clients.logs, shared_.config.options.region, shared_.outside.clock,
                  shared_.outside.log,
                  [this](const std::string& arn, std::string lines) { note_lines(arn, std::move(lines)); }) {}

void TaskFollower::start(runtime::Scope& scope) {
  const auto& name = shared_.config.name.str();
  scope.spawn("ecs tasks of " + name, look_on());
  scope.spawn("ecs last lines of " + name, last_lines_.run());
  if (shared_.clients.queue) scope.spawn("ecs events of " + name, read_events());
}

const aws::CallFailure* TaskFollower::find_blindness() const {
  const bool is_blind = look_failure_ && is_for_good(*look_failure_) && shared_.table.next_due().is_set();
  return is_blind ? &*look_failure_ : nullptr;
}

// --- looks

Awaitable<void> TaskFollower::look_on() {
  while (true) {
    const auto next = shared_.table.next_due();
    if (!next.is_set())
      co_await wake_.wait();
    else if (next > shared_.now())
      (void)co_await wake_.wait_for(shared_.outside.clock, next - shared_.now());
    co_await look();
    if (look_failure_) co_await runtime::sleep_for(shared_.outside.clock, look_pause_);
  }
}

Awaitable<void> TaskFollower::look() {
  auto arns = shared_.table.due(shared_.now(), kDescribedAtOnce);
  if (arns.empty()) co_return;
  bool changed = false;
  for (auto& [cluster, tasks] : shared_.api.places().by_cluster(std::move(arns)))
    changed |= co_await look_in(std::move(tasks));
  if (changed) shared_.tell();
}

// Of one cluster. When it is not the configured one, and does not answer, the finder tells so, and the looks
// at the others go on.
Awaitable<bool> TaskFollower::look_in(std::vector<std::string> arns) {
  const bool is_home = shared_.api.places().is_at_home(arns.front());
  auto described = co_await shared_.api.describe_tasks(arns);
  if (is_home) note_look(described ? nullptr : &described.error());
  if (!described && !is_home)
    for (const auto& arn : arns) shared_.table.look_at(arn, shared_.now() + kLongestLookPause);
  if (!described) co_return false;
  bool changed = false;
  for (auto& task : described->tasks) changed |= note_task(std::move(task));
  for (const auto& failure : described->failures)
    if (failure.reason == kMissing) changed |= note_missing(failure.arn);
  co_return changed;
}

void TaskFollower::note_look(const aws::CallFailure* failure) {
  const auto code = [](const aws::CallFailure* one) { return one == nullptr ? std::string() : one->code; };
  const auto* before = look_failure_ ? &*look_failure_ : nullptr;
  const bool is_new = (failure == nullptr) != (before == nullptr) || code(failure) != code(before);
  look_pause_ = failure == nullptr ? Duration(0) : std::clamp(look_pause_ * 2, kLookPause, kLongestLookPause);
  look_failure_ = failure == nullptr ? std::nullopt : std::optional(*failure);
  if (!is_new) return;
  if (failure == nullptr)
    shared_.outside.log.info("tasks are described again");
  else
    shared_.outside.log.warning("tasks are not described", {{"error", failure->message}});
  shared_.tell();
}

// ECS may find only after its answer that a subnet has no address left.
bool TaskFollower::note_task(Task task) {
  auto* known = shared_.table.find(task.arn);
  const bool was_over = known == nullptr || known->is_over();
  const bool was_seen = known != nullptr && known->seen;  // else its end may have been told before this life
  const bool changed = shared_.table.update(std::move(task), shared_.now());
  if (known != nullptr) ask_for_words(*known);
  if (!changed) return false;
  if (was_seen && !was_over && known->is_over() && !unheard_.is_set()) unheard_ = shared_.now();
  if (!was_over && known->is_over() && !known->subnet().empty() && footman::ecs::lacked_address(known->task))
    shared_.subnets.on_no_room(known->subnet(), shared_.now());
  return true;
}

bool TaskFollower::note_missing(const std::string& arn) {
  if (!shared_.table.on_missing(arn, shared_.now())) return false;
  ask_for_words(*shared_.table.find(arn));
  return true;
}

// --- words

void TaskFollower::ask_for_words(Tracked& one) {
  if (one.words_asked || !ended_badly(one)) return;
  one.words_asked = true;
  last_lines_.want({one.task.arn, one.task.id, one.task.definition_arn, one.owner.container});
}

void TaskFollower::note_lines(const std::string& arn, std::string lines) {
  auto* one = shared_.table.find(arn);
  if (one == nullptr) return;
  one->last_lines = std::move(lines);
  if (one->is_over()) shared_.tell();
}

// --- events

Awaitable<void> TaskFollower::read_events() {
  EventQueue queue(*shared_.clients.queue, shared_.config.options.event_queue_url);
  while (true) {
    auto events = co_await queue.receive();
    set_events(events.has_value(), events ? std::string() : events.error().message);
    if (!events) {
      co_await runtime::sleep_for(shared_.outside.clock, kQueuePause);
      continue;
    }
    bool changed = false;
    for (auto& task : events->tasks) changed |= note_task(std::move(task));
    judge_silence(!events->tasks.empty());
    if (changed) shared_.tell();
    if (events->receipts.empty()) continue;
    if (auto removed = co_await queue.remove(std::move(events->receipts)); !removed)
      shared_.outside.log.warning("events stay in the queue", {{"error", removed.error().message}});
  }
}

// Without the queue tasks are looked at as if there were none.
void TaskFollower::set_events(bool readable, const std::string& reason) {
  shared_.table.set_events(readable && !is_silent_);
  if (!readable) warning_ = fmt::format("{}: {}", kUnreadable, reason);
  if (readable == events_readable_) return;
  events_readable_ = readable;
  if (readable) warning_ = is_silent_ ? kSilent : "";
  if (!readable)
    shared_.outside.log.warning(kUnreadable,
                                {{"queue", shared_.config.options.event_queue_url}, {"error", reason}});
}

// Nobody writes to the queue: its rule is not there, or is another one. Known by an end that only a look has
// told.
void TaskFollower::judge_silence(bool told) {
  if (told) unheard_ = {};
  const bool is_silent = unheard_.is_set() && shared_.now() >= unheard_ + kEventsLate;
  if (is_silent == is_silent_) return;
  is_silent_ = is_silent;
  warning_ = is_silent ? kSilent : "";
  const auto& queue = shared_.config.options.event_queue_url;
  if (is_silent)
    shared_.outside.log.warning(kSilent, {{"queue", queue}});
  else
    shared_.outside.log.info("the queue of events tells of tasks again", {{"queue", queue}});
}

}  // namespace footman::cloud::ecs
