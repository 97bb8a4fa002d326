// Builds that are over before they are seen, and what tells of them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

// Of a step Jenkins does not tell where it was, and the parent of a matrix takes no executor where it is.
bool Overview::may_be_missed(const JudgedItem& one) const {
  const auto kind = one.item.kind;
  return kind != TaskKind::node_step && kind != TaskKind::pipeline &&
         !one.item.task_class.ends_with(".MatrixProject") && missing_.size() < kRecentlyLeftKept;
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

void Overview::note_seen(const NodeBuild& build, Instant now) {
  if (!build.path.empty()) seen_[build.path] = now;
  if (missing_.erase(build.item) == 0)
    std::erase_if(missing_, [&](const auto& one) { return is_build_of(one.second.item, build.path); });
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

bool Overview::is_in_doubt(const LiveNode& node) const {
  return std::ranges::any_of(missing_, [&](const auto& each) {
    const auto& [key, one] = each;
    return key != node.record.released_key && one.left >= node.opened_at && one.fits(node.record) &&
           !is_on(one.item, true);
  });
}

void Overview::list_missed(Instant now, Duration steady, NextSteps& out) {
  std::erase_if(seen_, [&](const auto& one) { return now - one.second >= 2 * kRecentlyLeft; });
  std::erase_if(missing_, [&](const auto& each) {
    const auto& [key, one] = each;
    return steady - one.left >= kRecentlyLeft || is_on(one.item, false) ||
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
    if (is_asked_with_node(key) || is_on(one.item, true)) continue;
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

bool Overview::note_missed(NodeRecord& record, BuildRun run, Instant now, NextSteps& out) {
  auto& build = record.build;
  // It was seen there, and over before it was told which one it was.
  const bool is_unnamed = build.since.is_set() && build.path.empty();
  if (is_unnamed && record.phase == NodePhase::working) return false;
  missing_.erase(run.item_key);
  if (!seen_.emplace(run.build, now).second || build.path == run.build || record.awaited.path == run.build)
    return true;
  if (is_unnamed) {
    build.path = run.build;
    build.item = run.item_key;
    build.title = run.title;
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

// Began and ended between two looks, or before it was told which one it was.
void Overview::note_brief_build(const LiveNode& node, NodeRecord& after, Instant now, NextSteps& out) {
  const bool is_over = after.phase == NodePhase::over;
  if (!node.brief || after.builds_done <= node.record.builds_done) return;
  auto run = *node.brief;
  if (is_over) {
    after.build.path = run.build;
    after.build.title = run.title;
  }
  missing_.erase(run.item_key);
  seen_[run.build] = now;
  tell_brief(std::move(run), out);
}

}  // namespace footman::jenkins
