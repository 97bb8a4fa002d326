// Builds that are over before they are seen, and what tells of them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "jenkins/console.hpp"
#include "jenkins/overview.hpp"

namespace footman::jenkins {
namespace {

// It began and is over at once.
void tell_brief(BuildRun run, NextSteps& out) {
  const auto ended = std::exchange(run.ended, {});
  out.builds.push_back(run);
  run.ended = ended;
  out.builds.push_back(std::move(run));
}

// That came to it, as far as they were seen.
std::uint32_t count_builds(const NodeRecord& record) {
  const bool has_one = record.phase == NodePhase::working && !record.build.is_guess;
  const auto counted = record.builds_done + (has_one ? 1U : 0U) + (record.awaited.path.empty() ? 0U : 1U);
  // It was lost with its build.
  return std::max(counted, record.build.since.is_set() && !record.build.is_guess ? 1U : 0U);
}

}  // namespace

// The parent of a matrix takes no executor where it is.
bool Overview::may_be_missed(const JudgedItem& one) const {
  return one.item.kind != TaskKind::pipeline && !one.item.task_class.ends_with(".MatrixProject") &&
         missing_.size() < kRecentlyLeftKept;
}

void Overview::note_left(const JudgedItem& one, Duration steady) {
  if (!may_be_missed(one)) return;
  Missing missing{one.item, {}, steady, steady + kMissedAfter};
  if (one.has_label || one.item.kind == TaskKind::freestyle) {
    auto label =
        model::parse_label_expression(one.has_label ? one.label : one.item.label_expression.value_or(""));
    if (!label) return;
    missing.label = std::move(*label);
  }
  const bool may_be_here = std::ranges::any_of(nodes_, [&](const auto& each) {
    const auto& record = each.second->record;
    return record.link != NodeLink::never && missing.fits(record);
  });
  if (may_be_here) missing_.emplace(one.item.key(), std::move(missing));
}

void Overview::note_seen(LiveNode& node, const NodeBuild& build, Instant now) {
  if (build.is_pipeline && node.steps && !build.is_guess) ++(*node.steps)[build.path];
  if (!build.is_pipeline) seen_[build.path] = now;
  if (missing_.erase(build.item) > 0) return;
  const auto it = std::ranges::find_if(
      missing_, [&](const auto& one) { return is_build_of(one.second.item, build.path); });
  if (it != missing_.end()) missing_.erase(it);
}

// What became of it is asked with a node that was opened for it, or is told there in a moment.
bool Overview::is_asked_with_node(const std::string& key) const {
  return std::ranges::any_of(nodes_, [&](const auto& one) {
    const auto& record = one.second->record;
    if (record.released_key != key) return false;
    if (record.phase == NodePhase::open) return one.second->released_end == ItemEnd::unknown;
    return record.phase == NodePhase::working && record.build.item.empty();
  });
}

// A node of ours, or of others, has it.
bool Overview::is_on(const QueueItem& item, bool own) const {
  return std::ranges::any_of(computers_.all, [&](const Computer& one) {
    return is_own(one) == own && std::ranges::any_of(one.executors, [&](const Executor& each) {
             return is_build_of(item, each.build);
           });
  });
}

// A node of ours has a build, and it is not told yet which one.
bool Overview::is_any_unnamed() const {
  return std::ranges::any_of(computers_.all, [&](const Computer& one) {
    return is_own(one) && std::ranges::any_of(one.executors, [](const Executor& each) {
             return !each.idle && each.build.empty();
           });
  });
}

// Of a step only what is not noted yet: another one of its run may be at work for hours.
bool Overview::may_be_there(const Missing& missing) const {
  if (missing.item.kind != TaskKind::node_step) return is_on(missing.item, true);
  return std::ranges::any_of(computers_.all, [&](const Computer& one) {
    const auto node = find_node(one.name);
    return node != nullptr && node->record.build.path != missing.item.task &&
           std::ranges::any_of(one.executors,
                               [&](const Executor& each) { return is_build_of(missing.item, each.build); });
  });
}

bool Overview::is_in_doubt(const LiveNode& node) const {
  return std::ranges::any_of(missing_, [&](const auto& each) {
    const auto& [key, one] = each;
    return key != node.record.released_key && one.left >= node.opened_at && one.fits(node.record) &&
           !may_be_there(one);
  });
}

void Overview::list_missed(Instant now, Duration steady, NextSteps& out) {
  std::erase_if(seen_, [&](const auto& one) { return now - one.second >= 2 * kRecentlyLeft; });
  std::erase_if(consoles_, [&](const auto& one) { return now - one.second.read_at >= 2 * kRecentlyLeft; });
  std::erase_if(missing_, [&](const auto& each) {
    const auto& [key, one] = each;
    const bool is_step = one.item.kind == TaskKind::node_step;  // another one of its run may be there
    return steady - one.left >= kRecentlyLeft || (!is_step && is_on(one.item, false)) ||
           (is_taken(key) && !is_asked_with_node(key));
  });
  const bool may_hurry = has_exposed() && !is_any_unnamed();
  const auto may_be_too_many = [this](const Missing& missing) {
    return std::ranges::any_of(nodes_, [&](const auto& one) {
      return is_exposed(one.second->record) && missing.fits(one.second->record);
    });
  };
  for (auto& [key, one] : missing_) {
    if (out.missed.size() == kMissedAtOnce) break;
    const bool hurries = may_hurry && one.ask_after == one.left + kMissedAfter && may_be_too_many(one);
    if (one.asked || (steady < one.ask_after && !hurries)) continue;
    if (is_asked_with_node(key) || may_be_there(one)) continue;
    one.asked = true;
    out.missed.push_back(one.item);
  }
}

void Overview::ask_missed_later(const std::string& key, Duration steady) {
  const auto it = missing_.find(key);
  if (it == missing_.end()) return;
  it->second.asked = false;
  it->second.ask_after = steady + kMissedAfter;
}

bool Overview::is_late(const std::string& key, Duration asked) const {
  const auto it = missing_.find(key);
  return it != missing_.end() && asked - it->second.left >= kMissedAfter;
}

bool Overview::note_missed(LiveNode& node, BuildRun run, Instant now, NextSteps& out) {
  auto& record = node.record;
  auto& build = record.build;
  // It was seen there, and over before it was told which one it was.
  const bool was_unnamed = build.since.is_set() && build.path.empty();
  if (was_unnamed && record.phase == NodePhase::working) return false;
  missing_.erase(run.item_key);
  if (!note_known(node, run, now)) return true;
  if (was_unnamed) {
    build.path = run.build;
    build.item = run.item_key;
    build.title = run.title;
    build.is_pipeline = run.is_step;
  } else {
    if (model::is_spent(record.max_builds, count_builds(record)))
      tell_violation(
          record.agent,
          note_violation(record, fmt::format("{} was there, and over before it was seen", run.title)), out);
    ++record.builds_done;
  }
  if (record.idle_since.is_set()) record.idle_since = std::max(record.idle_since, run.ended);
  out.changed = true;
  tell_brief(std::move(run), out);
  return true;
}

// False: it was known.
bool Overview::note_known(LiveNode& node, const BuildRun& run, Instant now) {
  if (!run.is_step) {
    const auto& record = node.record;
    return seen_.emplace(run.build, now).second && record.build.path != run.build;
  }
  if (node.steps) ++(*node.steps)[run.build];
  return true;
}

// Began and ended between two looks, or before it was told which one it was.
void Overview::note_brief_build(LiveNode& node, NodeRecord& after, Instant now, NextSteps& out) {
  const bool is_over = after.phase == NodePhase::over;
  if (!node.brief || after.builds_done <= node.record.builds_done) return;
  auto run = *node.brief;
  if (is_over) {
    after.build.path = run.build;
    after.build.title = run.title;
  }
  missing_.erase(run.item_key);
  (void)note_known(node, run, now);
  tell_brief(std::move(run), out);
}

// --- steps of pipelines, which their consoles tell

// Those of a node that had several before this start of the server are not known.
void Overview::note_known_steps(LiveNode& node) {
  const auto& record = node.record;
  if (count_builds(record) > 1) node.steps.reset();
  for (const auto* build : {&record.build, &record.awaited})
    if (node.steps && build->is_pipeline && !build->is_guess && !build->path.empty())
      ++(*node.steps)[build->path];
}

std::size_t Overview::console_read(const std::string& run) const {
  const auto it = consoles_.find(run);
  return it == consoles_.end() ? 0 : it->second.read;
}

void Overview::note_console(const std::string& run, std::size_t start, std::size_t size,
                            const std::vector<std::string>& nodes, Instant now) {
  auto& console = consoles_[run];
  console.read_at = now;
  if (start != console.read && size >= start) return;  // it was forgotten meanwhile
  if (size < start) console.nodes.clear();             // it is another one, and came from its begin on
  console.read = size;
  for (const auto& node : nodes)
    if (console.nodes.size() < kMaxConsoleSteps) console.nodes.push_back(node);
}

void Overview::note_too_long(const std::string& run, Instant now) {
  auto& console = consoles_[run];
  console.is_too_long = true;
  console.read_at = now;
}

bool Overview::is_too_long(const std::string& run) const {
  const auto it = consoles_.find(run);
  return it != consoles_.end() && it->second.is_too_long;
}

bool Overview::has_untold_step(const LiveNode& node, const std::string& run) const {
  const auto it = consoles_.find(run);
  if (it == consoles_.end() || !node.steps) return false;
  const auto known = node.steps->find(run);
  return std::ranges::count(it->second.nodes, node.record.node) >
         static_cast<std::ptrdiff_t>(known == node.steps->end() ? 0 : known->second);
}

const std::string* Overview::find_missing_step(const std::string& run, const NodeRecord& record) const {
  for (const auto& [key, one] : missing_)
    if (one.item.kind == TaskKind::node_step && one.item.task == run && one.fits(record)) return &key;
  return nullptr;
}

LiveNodePtr Overview::find_untold_step(const std::string& run) const {
  const auto it = consoles_.find(run);
  if (it == consoles_.end()) return nullptr;
  for (const auto& name : it->second.nodes) {
    auto node = find_node_or_gone(name);
    if (node != nullptr && has_untold_step(*node, run) && find_missing_step(run, node->record) != nullptr)
      return node;
  }
  return nullptr;
}

bool Overview::note_missed_step(LiveNode& node, const std::string& run, Instant now, NextSteps& out) {
  const auto* key = find_missing_step(run, node.record);
  if (key == nullptr || !has_untold_step(node, run)) return true;
  // It may be the one that is there.
  const auto* computer = find_computer(node.record.node);
  if (node.record.phase != NodePhase::working && computer != nullptr && !computer->idle) return false;
  return note_missed(node, step_of(node.record, run, *key, now), now, out);
}

// Jenkins does not tell when it was.
BuildRun Overview::step_of(const NodeRecord& record, std::string run, std::string key, Instant now) {
  auto title = build_title(run);
  return {record.agent, record.node, std::move(key), std::move(title), std::move(run), now, now, true};
}

}  // namespace footman::jenkins
