// What JenkinsController asks about builds that were over before they were seen.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "jenkins/console.hpp"
#include "jenkins/jenkins_controller.hpp"

namespace footman::jenkins {

using runtime::Awaitable;

// --- of the item that a node was opened for

Awaitable<Status> JenkinsController::ask_item(LiveNode* node) {
  const auto& record = node->record;
  const auto what = fmt::format("read item {} of the queue", record.released_id);
  FOOTMAN_CO_TRY(const auto answer, co_await call(requests_.get_item(record.released_id)));
  ItemFate fate;
  const bool is_forgotten = answer.status == 404;  // after minutes or a crash
  if (!is_forgotten) {
    FOOTMAN_CO_TRY_STATUS(check_read(answer, what));
    FOOTMAN_CO_TRY(fate, parse_item_fate(answer.body));
  }
  const bool started = fate.left && !fate.cancelled && !overview_.runs_elsewhere(fate.build, record.node);
  if ((started || is_forgotten) && !record.released_run.empty())
    co_return co_await ask_brief_step(node, started);
  if (started && !fate.build.empty()) co_return co_await ask_brief_build(node, std::move(fate.build));
  node->released_end = started ? ItemEnd::started : ItemEnd::not_started;
  co_return Status();
}

Awaitable<Status> JenkinsController::ask_brief_build(LiveNode* node, std::string build) {
  FOOTMAN_CO_TRY(const auto answer, co_await call(requests_.get_build(build)));
  const auto told = answer.status == 200 ? parse_build(answer.body) : Result<BuildState>(BuildState());
  if (!told) co_return std::unexpected(told.error());
  const auto& record = node->record;
  const bool was_here = told->node.empty() || told->node == record.node;
  node->released_end = was_here ? ItemEnd::started : ItemEnd::not_started;
  if (was_here) node->brief = run_of(record, record.released_key, std::move(build), *told);
  co_return Status();
}

// Of a step Jenkins does not tell what began. Where its console cannot be read, or not all steps of the node
// are known, one that has begun was here most likely.
Awaitable<Status> JenkinsController::ask_brief_step(LiveNode* node, bool has_begun) {
  const auto& record = node->record;
  FOOTMAN_CO_TRY(const bool is_read, co_await read_console(record.released_run));
  const bool can_tell = is_read && node->steps;
  const bool was_here = can_tell ? overview_.has_untold_step(*node, record.released_run) : has_begun;
  node->released_end = was_here ? ItemEnd::started : ItemEnd::not_started;
  if (was_here)
    node->brief = Overview::step_of(record, record.released_run, record.released_key, parts_.clock.now());
  co_return Status();
}

// --- of items that left the queue, and no node was seen to have their builds: one of ours may have had them

Awaitable<void> JenkinsController::ask_missed(QueueItem item) {
  const auto key = item.key();
  const auto left = co_await call(requests_.get_item(item.id));
  if (!left || (left->status != 200 && left->status != 404))
    co_return overview_.ask_missed_later(key, parts_.clock.steady());
  const auto fate = left->status == 200 ? parse_item_fate(left->body) : Result<ItemFate>(ItemFate());
  const bool is_step = item.kind == TaskKind::node_step;
  const bool has_begun =
      fate && fate->left && !fate->cancelled && (is_step || is_build_of(item, fate->build));
  if (!has_begun) co_return overview_.drop_missed(key);
  const bool is_told =
      is_step ? co_await ask_missed_steps(&key, &item.task) : co_await ask_missed_build(&key, &fate->build);
  if (!is_told) overview_.ask_missed_later(key, parts_.clock.steady());
}

// False: it cannot be told yet.
Awaitable<bool> JenkinsController::ask_missed_build(const std::string* key, const std::string* build) {
  const auto answer = co_await call(requests_.get_build(*build));
  const auto told =
      answer && answer->status == 200 ? parse_build(answer->body) : Result<BuildState>(BuildState());
  if (!told || !told->over) co_return false;
  const auto found = overview_.find_node_or_gone(told->node);
  if (found == nullptr) {
    overview_.drop_missed(*key);
    co_return true;
  }
  const auto node = co_await take(found);
  NextSteps seen;
  const bool done =
      overview_.note_missed(*node, run_of(node->record, *key, *build, *told), parts_.clock.now(), seen);
  tell(seen);
  co_await write_down(&*node, false);
  co_return done;
}

// The same. Steps of one run differ by nothing: it may be another one's node that is found.
Awaitable<bool> JenkinsController::ask_missed_steps(const std::string* key, const std::string* run) {
  const auto asked = parts_.clock.steady();
  const auto is_read = co_await read_console(*run);
  if (!is_read) co_return false;
  while (const auto found = overview_.find_untold_step(*run)) {
    const auto node = co_await take(found);
    NextSteps seen;
    const bool done = overview_.note_missed_step(*node, *run, parts_.clock.now(), seen);
    tell(seen);
    co_await write_down(&*node, false);
    if (!done) co_return false;
  }
  // By then the line of a step is there: it was on no node of ours.
  if (!*is_read || overview_.is_late(*key, asked)) overview_.drop_missed(*key);
  co_return !overview_.is_missing(*key);
}

// False: it is too long, or there is none.
Awaitable<Result<bool>> JenkinsController::read_console(std::string run) {
  const auto turn = co_await consoles_.enter();  // what one read tells serves all that ask about its run
  if (overview_.is_too_long(run)) {
    overview_.note_too_long(run, parts_.clock.now());  // as it is asked about still
    co_return false;
  }
  const auto start = overview_.console_read(run);
  const auto answer = co_await call(requests_.get_console(run, start));
  if (!answer && answer.error().code == Errc::resource_exhausted) {
    overview_.note_too_long(run, parts_.clock.now());
    co_return false;
  }
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status >= 500)
    co_return std::unexpected(check_read(*answer, fmt::format("read the console of {}", run)).error());
  const auto size = answer->status == 200 ? find_text_size(*answer) : std::nullopt;
  if (!size) co_return false;
  overview_.note_console(run, start, *size, parse_step_nodes(answer->body), parts_.clock.now());
  co_return true;
}

BuildRun JenkinsController::run_of(const NodeRecord& record, std::string key, std::string build,
                                   const BuildState& told) const {
  const auto now = parts_.clock.now();
  const bool has_times = told.started > 0;
  const auto began = has_times ? std::min(now, overview_.to_local(told.started, health_.ahead())) : now;
  auto title = build_title(build);
  return {record.agent,
          record.node,
          std::move(key),
          std::move(title),
          std::move(build),
          began,
          has_times ? std::min(now, began + told.lasted) : now};
}

}  // namespace footman::jenkins
