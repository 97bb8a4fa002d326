// The queue: how items move through it, who gets which executor, and why the others wait.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/check.hpp"
#include "base/digest.hpp"
#include "tests/jenkins/consoles.hpp"
#include "tests/jenkins/fake_jenkins.hpp"

namespace footman::fake_jenkins {

namespace {

bool takes_executor(const Task& task) {
  return task.kind != Task::Kind::pipeline && task.kind != Task::Kind::matrix;
}

}  // namespace

QueueItem& FakeJenkins::enqueue(Task task, base::Duration delay, const std::string& label,
                                std::vector<std::string> users, Fields parameters) {
  QueueItem item;
  item.id = next_item_++;
  item.task = std::move(task);
  item.since = now_;
  item.due = now_ + delay;
  item.users = std::move(users);
  item.parameters = std::move(parameters);
  if (!label.empty()) {
    auto parsed = Label::parse(label);
    FOOTMAN_CHECK(parsed.has_value(), "a label of a job in a test");
    item.label = std::move(*parsed);
  }
  item.cause = {Cause::Kind::quiet_period, {}, item.due};
  const auto id = item.id;
  // After a crash an id is given out again while an item that left long ago still has it.
  items_.insert_or_assign(id, std::move(item));
  std::erase(order_, id);
  order_.push_back(id);
  if (delay.count() == 0) ask_for_round();
  return items_.at(id);
}

// The item that a new trigger falls into: it has not started, and asks for the same.
QueueItem* FakeJenkins::find_open_item(const std::string& job, const Fields& parameters) {
  for (auto& [id, item] : items_) {
    const bool open = item.state == QueueItem::State::waiting || item.state == QueueItem::State::blocked ||
                      item.state == QueueItem::State::buildable;
    const bool whole = item.task.kind != Task::Kind::block && item.task.kind != Task::Kind::cell;
    if (open && whole && item.task.job == job && item.parameters == parameters) return &item;
  }
  return nullptr;
}

void FakeJenkins::ask_for_round() {
  if (round_asked_ || phase_ != Phase::up) return;
  round_asked_ = true;
  after(pick(settings_.timing.maintenance), [this] { run_round(); });
}

void FakeJenkins::beat() {
  run_round();
  after(settings_.timing.beat, [this] { beat(); });
}

void FakeJenkins::run_round() {
  round_asked_ = false;
  for (const auto id : std::vector(order_)) {
    const auto found = items_.find(id);
    if (found == items_.end()) continue;
    auto& item = found->second;
    if (item.state == QueueItem::State::waiting && item.due <= now_) enter(item);
    if (item.state == QueueItem::State::blocked) enter(item);
  }
  give_executors();
  std::map<std::string, Cause> causes;  // by label
  for (const auto id : order_) {
    auto& item = items_.at(id);
    if (item.state != QueueItem::State::buildable) continue;
    const auto [cause, isnew] = causes.try_emplace(item.label ? item.label->name() : std::string());
    if (isnew) cause->second = find_cause(item);
    item.cause = cause->second;
  }
}

void FakeJenkins::move_item(QueueItem& item, QueueItem::State state) {
  item.state = state;
  std::erase(order_, item.id);
  if (state != QueueItem::State::left) order_.push_back(item.id);
}

// Out of the quiet period, or out of what blocked it.
void FakeJenkins::enter(QueueItem& item) {
  const auto blocker = find_blocker(item);
  if (blocker.kind != Cause::Kind::none) {
    item.cause = blocker;
    if (!item.buildable.is_set()) item.buildable = now_;
    if (item.state != QueueItem::State::blocked) move_item(item, QueueItem::State::blocked);
    return;
  }
  item.buildable = now_;
  if (takes_executor(item.task)) {
    move_item(item, QueueItem::State::buildable);
    item.cause = find_cause(item);
    return;
  }
  auto& run = start_run(item);
  leave(item, false);
  if (item.task.kind == Task::Kind::matrix) {
    start_matrix(run);
  } else {
    after(pick(settings_.timing.pipeline_start), [this, key = std::pair(run.job, run.number)] {
      const auto found = runs_.find(key);
      if (found != runs_.end() && found->second.building) start_stage(found->second);
    });
  }
}

Cause FakeJenkins::find_blocker(const QueueItem& item) const {
  const auto& task = item.task;
  if (task.kind == Task::Kind::block || task.kind == Task::Kind::cell) return {};
  if (quieting_ && !takes_executor(task)) return {Cause::Kind::shutdown};
  const auto& job = jobs_.at(task.job);
  const bool one_at_a_time = job.kind == Job::Kind::pipeline ? job.solo : !job.concurrent;
  const auto* last = last_run(task.job);
  if (!one_at_a_time || last == nullptr || !last->in_progress) return {};
  Cause cause{Cause::Kind::build_in_progress, std::to_string(last->number)};
  if (const auto expected = estimate(task.job); expected && last->started + *expected > now_) {
    cause.eta = last->started + *expected - now_;
  }
  return cause;
}

std::vector<const Computer*> FakeJenkins::nodes_with(const Label& label) const {
  std::vector<const Computer*> nodes;
  for (const auto& [name, computer] : computers_) {
    if (!computer.deleted && label.matches(computer.labels, name)) nodes.push_back(&computer);
  }
  return nodes;
}

Cause FakeJenkins::find_cause(const QueueItem& item) const {
  if (quieting_) return {Cause::Kind::shutdown};
  const bool any_node = std::ranges::any_of(computers_, [](const auto& one) { return !one.second.deleted; });
  // The built-in node has no executor here, is online, and is called "built-in".
  if (!item.label || !any_node) return {Cause::Kind::needs_executor};
  const auto& label = item.label->name();
  const auto nodes = nodes_with(*item.label);
  const bool built_in = item.label->matches({"built-in"});
  const bool online =
      built_in || std::ranges::any_of(nodes, [](const auto* node) { return !node->is_offline(); });
  const auto count = nodes.size() + (built_in ? 1 : 0);
  if (count == 0) return {Cause::Kind::label_unknown, label};
  if (count > 1) return {online ? Cause::Kind::label_busy : Cause::Kind::label_offline, label};
  const std::string name = built_in ? "Built-In Node" : nodes.front()->name;
  return {online ? Cause::Kind::node_busy : Cause::Kind::node_offline, name};
}

// No executor of its label is online, or it waits for very long. Seen at once, other than the cause.
bool FakeJenkins::is_stuck(const QueueItem& item) const {
  if (item.state != QueueItem::State::buildable && item.state != QueueItem::State::pending) return false;
  if (item.label && !item.label->matches({"built-in"})) {
    const auto nodes = nodes_with(*item.label);
    if (std::ranges::all_of(nodes, [](const auto* node) { return node->is_offline(); })) return true;
  }
  const auto expected = item.task.kind == Task::Kind::freestyle ? estimate(item.task.job) : std::nullopt;
  const auto waited = now_ - item.buildable;
  using namespace std::chrono_literals;
  return expected ? waited > std::max<base::Duration>(*expected, 60s) * 10 : waited > base::Duration(24h);
}

void FakeJenkins::give_executors() {
  if (quieting_) return;
  std::vector<Computer*> free;
  for (auto& [name, computer] : computers_) {
    if (!computer.deleted && !computer.is_offline() && computer.find_free_slot() != nullptr) {
      free.push_back(&computer);
    }
  }
  std::vector<QueueItem*> waiting;
  for (const auto id : order_) {
    auto& item = items_.at(id);
    if (item.state == QueueItem::State::buildable) waiting.push_back(&item);
  }
  std::ranges::sort(waiting, {}, [](const QueueItem* item) { return std::pair(item->since, item->id); });
  for (auto* item : waiting) {
    if (free.empty()) return;
    auto* computer = choose_node(*item, free);
    if (computer == nullptr) continue;
    const auto work = next_work_++;
    *computer->find_free_slot() = Execution{item->task, 0, false, work, item->id};
    if (computer->find_free_slot() == nullptr) std::erase(free, computer);
    works_[work] = {item->task, 0, computer->name, computer->connection};
    item->node = computer->name;
    move_item(*item, QueueItem::State::pending);
    after(pick(settings_.timing.claim), [this, id = item->id, work] { claim(id, work); });
  }
}

// Jenkins spreads tasks by a hash of task and node: the same task likes the same node.
Computer* FakeJenkins::choose_node(const QueueItem& item, const std::vector<Computer*>& free) const {
  Computer* chosen = nullptr;
  std::string highest;
  for (auto* computer : free) {
    if (item.label ? !item.label->matches(computer->labels, computer->name) : computer->exclusive) continue;
    const auto rank = base::sha256(item.task.job + "\n" + computer->name);
    if (chosen == nullptr || rank > highest) {
      chosen = computer;
      highest = rank;
    }
  }
  return chosen;
}

// The executor takes the item: from now on it is a build.
void FakeJenkins::claim(std::int64_t id, std::uint64_t work) {
  auto* slot = find_slot(work);
  const auto found = items_.find(id);
  if (slot == nullptr || found == items_.end() || found->second.state != QueueItem::State::pending) return;
  auto& item = found->second;
  const auto task = item.task;
  if (task.kind == Task::Kind::freestyle) {
    auto& run = start_run(item);
    run.built_on = item.node;
    run.work = work;
    (*slot)->number = run.number;
    works_[work].number = run.number;
    run.log.push_back(fmt::format("Building remotely on {} ({}) in workspace {}", make_note(item.node),
                                  computers_.at(item.node).label_text, workspace_of(item.node, task.job)));
  } else {
    auto& run = runs_.at({task.job, task.number});
    const bool resumed = run.blocks[task.index].state == BlockRun::State::resuming;
    run_block(run, task.index, item, work);
    (*slot)->number = task.number;
    if (resumed) {
      leave(item, false);
      continue_block(run, task.index);
      return;
    }
  }
  leave(item, false);
  auto& computer = computers_.at(item.node);
  const bool first = computer.builds_on_connection++ == 0;
  after(pick(first ? settings_.timing.first_start : settings_.timing.start),
        [this, work] { begin_work(work); });
}

void FakeJenkins::leave(QueueItem& item, bool cancelled) {
  if (cancelled && item.state == QueueItem::State::pending) {  // its executor has not begun
    for (auto& slot : computers_.at(item.node).slots) {
      if (!slot || slot->item != item.id || slot->number != 0) continue;
      works_.erase(slot->work);
      slot.reset();
    }
  }
  item.cancelled = cancelled;
  item.cause = {};
  item.left_at = now_;
  move_item(item, QueueItem::State::left);
  after(settings_.timing.left_kept, [this, id = item.id, left_at = now_] {
    const auto found = items_.find(id);
    if (found != items_.end() && found->second.state == QueueItem::State::left &&
        found->second.left_at == left_at) {
      items_.erase(found);
    }
  });
}

void FakeJenkins::save() {
  saved_next_item_ = next_item_;
  after(settings_.timing.saved_every, [this] { save(); });
}

base::Result<std::int64_t> FakeJenkins::trigger(const std::string& name, base::Instant now,
                                                std::optional<base::Duration> delay, const std::string& user,
                                                const Fields& parameters) {
  move_to(now);
  if (phase_ != Phase::up) return base::fail(base::Errc::unavailable, "Jenkins is not up");
  const auto found = jobs_.find(name);
  if (found == jobs_.end()) return base::fail(base::Errc::not_found, "there is no job " + name);
  const auto& job = found->second;
  if (!job.enabled) return base::fail(base::Errc::conflict, name + " is not buildable");
  if (auto* open = find_open_item(name, parameters)) {
    open->users.push_back(user);
    return open->id;
  }
  const auto kind = job.kind == Job::Kind::freestyle ? Task::Kind::freestyle
                    : job.kind == Job::Kind::matrix  ? Task::Kind::matrix
                                                     : Task::Kind::pipeline;
  const auto label = kind == Task::Kind::freestyle ? job.label : std::string();
  return enqueue({kind, name}, delay.value_or(settings_.timing.quiet_period), label, {user}, parameters).id;
}

base::Status FakeJenkins::cancel(std::int64_t id, base::Instant now) {
  move_to(now);
  if (phase_ != Phase::up) return base::fail(base::Errc::unavailable, "Jenkins is not up");
  const auto found = items_.find(id);
  if (found == items_.end()) return base::fail(base::Errc::not_found, "there is no such item");
  auto& item = found->second;
  if (item.state == QueueItem::State::left || item.state == QueueItem::State::pending) {
    return base::fail(base::Errc::conflict, "the item has left the queue");
  }
  const auto task = item.task;
  leave(item, true);
  if (task.kind == Task::Kind::block || task.kind == Task::Kind::cell) {
    auto& run = runs_.at({task.job, task.number});
    run.log.emplace_back("Queue task was cancelled");
    end_block(run, task.index, BuildResult::aborted);
  }
  ask_for_round();
  return {};
}

const QueueItem* FakeJenkins::find_item(std::int64_t id) const {
  const auto found = items_.find(id);
  return found == items_.end() ? nullptr : &found->second;
}

std::vector<const QueueItem*> FakeJenkins::waiting_items() const {
  std::vector<const QueueItem*> items;
  items.reserve(order_.size());
  for (const auto id : order_) items.push_back(&items_.at(id));
  return items;
}

}  // namespace footman::fake_jenkins
