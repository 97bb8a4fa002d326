#include "jenkins/node_life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.hpp"
#include "model/label.hpp"

namespace footman::jenkins {
namespace {

using model::EndReason;

const Executor* find_taken(const Computer& computer) {
  const auto taken = std::ranges::find(computer.executors, false, &Executor::idle);
  return taken == computer.executors.end() ? nullptr : &*taken;
}

void end_life(NodeRecord& record, EndReason reason, std::string detail, bool lost = false) {
  record.phase = NodePhase::over;
  record.end_reason = reason;
  record.detail = std::move(detail);
  record.lost = lost;
  record.idle_since = {};
}

// One look. Members are called in turn until one of them has decided.
class Look {
 public:
  Look(const NodeRecord& record, const NodeSight& sight) : sight_(sight) { turn_.record = record; }

  NodeTurn run() {
    auto& record = turn_.record;
    if (record.phase == NodePhase::noted) look_at_noted();
    if (record.phase == NodePhase::going) look_at_going();
    if (is_let_go(record.phase)) return std::move(turn_);
    if (!is_listed()) {
      look_at_missing();
      return std::move(turn_);
    }
    if (record.phase == NodePhase::planned) {  // the server ended while it was registered
      if (!is_held()) {
        hold(kHeldUntilWork);
        return std::move(turn_);
      }
      record.phase = NodePhase::held;
    }
    note_link();
    if (is_unclear()) return std::move(turn_);
    if (record.phase == NodePhase::working)
      look_at_working();
    else
      look_at_idle_or_new();
    return std::move(turn_);
  }

 private:
  bool is_listed() const { return sight_.computer != nullptr && !sight_.computer->is_ghost(); }
  bool is_held() const { return sight_.computer->held; }
  // Its executor is taken. The parent of a matrix takes none, but its node must not go either: see `idle`.
  bool is_busy() const { return find_taken(*sight_.computer) != nullptr; }
  bool is_drained() const { return turn_.record.drained || !sight_.is_served; }
  bool is_up() const { return turn_.record.link == NodeLink::up; }
  bool is_away() const { return turn_.record.link == NodeLink::down && sight_.silence == Silence::away; }
  // Its agent may have died with its build just now.
  bool is_unclear() const {
    return sight_.silence == Silence::unclear && is_up() && !sight_.computer->connected && !is_busy();
  }
  Duration silent() const { return sight_.now - turn_.record.silent_since; }

  void hold(std::string_view message) {
    turn_.step = NodeStep::hold;
    turn_.message = message;
  }

  // --- nodes that the fleet has let go

  void look_at_noted() {
    auto& record = turn_.record;
    if (sight_.now >= record.note_until || (!is_listed() && sight_.is_settled)) {
      record.phase = NodePhase::going;
      return;
    }
    // While an agent is there still, a node is not opened for a moment to change its message.
    if (is_listed() && !record.note_shown && !(is_held() && sight_.computer->connected))
      turn_.step = NodeStep::note;
  }

  // A ghost is there as long as a pipeline waits for it, or until it is deleted once more.
  void look_at_going() {
    if (sight_.computer != nullptr)
      turn_.step = NodeStep::erase;
    else
      turn_.forget = sight_.is_settled;
  }

  void look_at_missing() {
    auto& record = turn_.record;
    if (record.phase == NodePhase::over || record.phase == NodePhase::planned || !sight_.is_settled) return;
    if (sight_.computer == nullptr && !sight_.is_gone) {
      turn_.step = NodeStep::ask_node;
      return;
    }
    end_life(record, EndReason::drained, "Its node was deleted in Jenkins.");
  }

  // --- is its agent there?

  void note_link() {
    auto& record = turn_.record;
    if (sight_.computer->connected) {
      if (!record.connected_at.is_set()) record.connected_at = sight_.now;
      if (record.link != NodeLink::up && record.phase != NodePhase::working) record.idle_since = sight_.now;
      record.link = NodeLink::up;
      record.silent_since = {};
    } else if (record.link != NodeLink::never && sight_.silence == Silence::away) {
      if (record.link == NodeLink::up) record.silent_since = sight_.now;
      record.link = NodeLink::down;
      // Jenkins itself was away: all agents were, and their time begins anew.
      record.silent_since = std::max(record.silent_since, sight_.links_since);
    }
  }

  // --- no build was known

  void look_at_idle_or_new() {
    auto& record = turn_.record;
    const bool is_restarted = record.session != sight_.session;
    if (is_restarted && record.phase == NodePhase::open && !is_busy() && may_have_begun()) return guess_run();
    record.session = sight_.session;
    if (is_busy()) return take_build();
    if (record.phase == NodePhase::over) {
      if (!is_held()) hold(kHeldSingleUse);
      return;
    }
    if (model::is_spent(record.max_builds, record.builds_done)) {
      if (!is_held()) return hold(kHeldSingleUse);
      return end_life(record, model::spent_reason(record.max_builds),
                      "Its last build was over before it was seen.");
    }
    if (is_away() && silent() >= kSilence)
      return end_life(record, EndReason::session_lost,
                      fmt::format("Its agent has not been connected for {}.", format_duration(silent())),
                      true);
    if (record.phase == NodePhase::open)
      look_at_open();
    else
      look_at_held();
  }

  // Between the last look and a restart of Jenkins.
  bool may_have_begun() const {
    return !turn_.record.released_run.empty() && turn_.record.builds_done == 0 && !sight_.released_waits;
  }

  void guess_run() {
    auto& record = turn_.record;
    begin(step_of(record.released_run, record.released_key));
    record.build.is_guess = true;
    await_run();
  }

  // Of a run of a pipeline.
  NodeBuild step_of(const std::string& run, std::string item) const {
    return {run, std::move(item), build_title(run), true, false, sight_.now, {}, {}};
  }

  void begin(NodeBuild build) {
    auto& record = turn_.record;
    record.phase = NodePhase::working;
    record.build = std::move(build);
    record.idle_since = {};
  }

  void take_build() {
    auto& record = turn_.record;
    if (record.phase == NodePhase::over)
      report_violation("a build came to its node after its last one was over");
    begin({.since = sight_.now});
    record.end_reason = EndReason::none;
    record.detail.clear();
    record.lost = false;
    name_build();
    hold_with_build();
  }

  void name_build() {
    auto& build = turn_.record.build;
    const auto* taken = find_taken(*sight_.computer);
    if (taken == nullptr || taken->build.empty() || !build.path.empty()) return;
    build.path = taken->build;
    build.is_pipeline = taken->build_class.ends_with("PlaceholderExecutable");
    const auto* item = sight_.find_item ? sight_.find_item(build.path) : nullptr;
    build.item = item != nullptr ? item->item.key() : "build-" + build.path;
    build.title = build_title(build.path);
  }

  void hold_with_build() {
    const auto& record = turn_.record;
    if ((is_last_build(record) || is_drained()) && !is_held()) hold(kHeldSingleUse);
  }

  void look_at_open() {
    auto& record = turn_.record;
    if (is_held()) return look_at_closed();
    if (is_drained()) return hold(kHeldSingleUse);
    if (sight_.released_waits) return;
    if (is_last_build(record)) return hold(kHeldUntilWork);
    look_at_gone_item();
  }

  // What it was opened for has left the queue, and it is open for others, too.
  void look_at_gone_item() {
    auto& record = turn_.record;
    if (sight_.released_end == ItemEnd::unknown) {
      turn_.step = NodeStep::ask_item;
      return;
    }
    // Else it would be seen by now: it was too short for that.
    if (sight_.released_end == ItemEnd::started) {
      ++record.builds_done;
      if (is_up()) record.idle_since = sight_.now;
    }
    forget_item();
  }

  // It was open, and is held now: by Footman, since when no build has come, or by somebody.
  void look_at_closed() {
    auto& record = turn_.record;
    const bool is_ours = sight_.computer->reason.starts_with(kHoldMark);
    if (!is_ours && is_up())
      return end_life(record, EndReason::drained,
                      fmt::format("Somebody took its node offline in Jenkins: {}.", sight_.computer->reason));
    if (is_last_build(record) && record.released_id != 0 && !sight_.released_waits) {
      if (sight_.released_end == ItemEnd::unknown) {
        turn_.step = NodeStep::ask_item;
        return;
      }
      // It began somewhere, and no node has it any more: it was too short to be seen, here perhaps.
      if (sight_.released_end == ItemEnd::started) {
        ++record.builds_done;
        return end_life(record, model::spent_reason(record.max_builds),
                        "Its build was over before it was seen.");
      }
    }
    if (may_give_back()) return give_to_step();
    if (is_drained()) return end_drained();
    // It may be spent.
    if (is_last_build(record) && sight_.is_in_doubt && sight_.is_in_doubt()) return;
    close();
  }

  void end_drained() {
    turn_.may_be_waited_for = may_be_waited_for();
    if (!turn_.may_be_waited_for) end_unwanted("It was drained and has no work left.");
  }

  void end_unwanted(std::string why_drained) {
    if (turn_.record.drained)
      end_life(turn_.record, EndReason::drained, std::move(why_drained));
    else
      end_life(turn_.record, EndReason::surplus, "Footman gives no agents to this Jenkins any more.");
  }

  void close() {
    turn_.record.phase = NodePhase::held;
    forget_item();
  }

  void forget_item() {
    auto& record = turn_.record;
    record.released_id = 0;
    record.released_key.clear();
    record.released_run.clear();
  }

  void look_at_held() {
    auto& record = turn_.record;
    const bool may_open = is_up() && !is_drained() && (sight_.open_for != nullptr || !is_last_build(record));
    if (!is_held()) {  // opened, and the server ended before that was written down; or by somebody
      if (!may_open) return hold(is_drained() ? kHeldSingleUse : kHeldUntilWork);
      return note_opened(record, sight_.open_for);
    }
    if (may_give_back()) return give_to_step();
    if (is_drained()) return end_drained();
    if (may_open) turn_.step = NodeStep::open;
  }

  // --- it has a build

  void look_at_working() {
    if (!is_busy()) return look_at_left();
    auto& record = turn_.record;
    const auto* taken = find_taken(*sight_.computer);
    auto& build = record.build;
    const bool is_awaited = is_awaited_run() && !build.is_guess;
    const bool is_named = !taken->build.empty();
    if (is_awaited && !is_named) return;  // whose it is, is told in a moment
    const bool is_another =
        build.ended.is_set() || (is_named && !build.path.empty() && taken->build != build.path);
    record.session = sight_.session;
    if (build.is_guess) return take_build();
    if (is_another && is_awaited) return lend(taken->build);
    build.resume_since = {};
    if (is_another) {
      ++record.builds_done;
      if (model::is_spent(record.max_builds, record.builds_done))
        report_violation(
            fmt::format("after {} came {}", build.path, is_named ? taken->build : "another one"));
      return take_build();
    }
    name_build();
    if (is_away() && silent() >= kResumePatience)
      return end_life(record, EndReason::session_lost,
                      fmt::format("Its agent was lost with {}, and has not come back.", title()), true);
    hold_with_build();
  }

  // A run of a pipeline that was here when Jenkins was restarted.
  bool is_awaited_run() const {
    const auto& record = turn_.record;
    return record.build.is_pipeline && !record.build.ended.is_set() &&
           (record.session != sight_.session || record.build.resume_since.is_set());
  }

  // An open node is for whoever comes first: the run gets it afterwards.
  void lend(const std::string& build) {
    auto& record = turn_.record;
    if (is_last_build(record))  // else it is a node for both
      report_violation(fmt::format("while it waited for {} came {}", record.build.path, build));
    record.awaited = std::move(record.build);
    if (!record.awaited.resume_since.is_set()) record.awaited.resume_since = sight_.now;
    take_build();
  }

  void give_back() {
    auto& record = turn_.record;
    ++record.builds_done;
    record.build = std::exchange(record.awaited, {});
    await_run();
  }

  // By a step that nobody saw begin, between the last look and a restart of Jenkins, or a second one of the
  // same run. Once: what does not take the node then never will.
  bool is_waited_for() const {
    return sight_.step_for_it != nullptr && turn_.record.build.item != sight_.step_for_it->key();
  }
  bool may_give_back() const { return is_waited_for() && is_up(); }
  // Also before Jenkins shows that step, or the agent is back.
  bool may_be_waited_for() const {
    return turn_.record.link != NodeLink::never && (is_waited_for() || !sight_.is_settled);
  }

  void give_to_step() {
    begin(step_of(sight_.step_for_it->task, sight_.step_for_it->key()));
    turn_.record.build.resume_since = sight_.now;
    await_run();
  }

  std::string title() const {
    const auto& title = turn_.record.build.title;
    return title.empty() ? std::string("its build") : "build " + title;
  }

  // Its executor is free.
  void look_at_left() {
    auto& record = turn_.record;
    if (!sight_.computer->idle) return;
    const bool is_restarted = record.session != sight_.session;
    if (is_restarted && record.build.path.empty() && may_have_begun()) return guess_run();
    if (record.build.is_guess && sight_.released_waits) return unguess();
    if (is_awaited_run() && !sight_.build_over) return await_run();
    if (is_to_be_held_first()) return hold_after_build();
    if (!is_restarted && is_to_be_named()) {
      turn_.step = NodeStep::ask_item;
      return;
    }
    record.session = sight_.session;
    if (is_away() && !is_restarted && !record.build.ended.is_set())
      return end_life(record, EndReason::session_lost, fmt::format("Its agent was lost with {}.", title()),
                      true);
    finish_build();
  }

  // It was over before Jenkins told which one it was: the one that the node was opened for, most likely.
  bool is_to_be_named() const {
    return turn_.record.build.path.empty() && turn_.record.released_id != 0 && !sight_.released_waits &&
           sight_.released_end == ItemEnd::unknown;
  }

  // Its item is back in the queue: it had not begun.
  void unguess() {
    auto& record = turn_.record;
    record.session = sight_.session;
    record.phase = is_held() ? NodePhase::held : NodePhase::open;
    record.build = {};
    if (record.link == NodeLink::up) record.idle_since = sight_.now;
  }

  void await_run() {
    auto& record = turn_.record;
    if (is_away() && silent() >= kResumePatience)
      return end_life(record, EndReason::session_lost,
                      fmt::format("Its agent did not come back for {} after a restart of Jenkins.", title()),
                      true);
    auto& since = record.build.resume_since;
    if (!since.is_set() && is_up() && !is_held()) since = sight_.now;
    if (since.is_set() && sight_.now - since >= kResumePatience) {
      if (is_to_be_held_first()) return hold_after_build();
      record.session = sight_.session;
      return finish_build();
    }
    turn_.step = is_held() ? NodeStep::open : NodeStep::ask_build;
  }

  // It was lent to the build that is over, and its own one still waits for it.
  bool is_lent() const {
    const auto& awaited = turn_.record.awaited;
    return !awaited.path.empty() && awaited.path != turn_.record.build.path &&
           sight_.now - awaited.resume_since < kResumePatience;
  }

  // It ends with its build. Until it is held, and was looked at since, another one may come, which would be
  // lost with the node.
  bool is_to_be_held_first() const {
    const bool is_to_end = (is_last_build(turn_.record) || is_drained()) && !is_lent() && !may_give_back();
    return is_to_end && is_up() && !is_held();
  }

  // It may take long until that can be done. Which one it was is asked after it.
  void hold_after_build() {
    auto& build = turn_.record.build;
    if (!build.path.empty() && !build.ended.is_set()) build.ended = sight_.now;
    hold(kHeldSingleUse);
  }

  void finish_build() {
    auto& record = turn_.record;
    if (is_lent()) return give_back();
    ++record.builds_done;
    record.build.resume_since = {};
    if (may_give_back()) return give_to_step();
    if (model::is_spent(record.max_builds, record.builds_done)) {
      end_life(record, model::spent_reason(record.max_builds),
               fmt::format("{} is over.", with_capital(title())));
    } else if (is_drained() && !may_be_waited_for()) {
      end_unwanted(fmt::format("It was drained, and {} is over.", title()));
    } else {
      close();
      if (!is_held()) record.phase = NodePhase::open;
      record.idle_since = sight_.now;
      return;
    }
    if (!is_held()) hold(kHeldSingleUse);
  }

  void report_violation(std::string_view what) { turn_.violation = note_violation(turn_.record, what); }

  const NodeSight& sight_;
  NodeTurn turn_;
};

}  // namespace

std::string_view to_string(NodePhase phase) {
  switch (phase) {
    case NodePhase::planned:
      return "planned";
    case NodePhase::held:
      return "held";
    case NodePhase::open:
      return "open";
    case NodePhase::working:
      return "working";
    case NodePhase::over:
      return "over";
    case NodePhase::noted:
      return "noted";
    case NodePhase::going:
      return "going";
  }
  return "going";
}

std::string_view to_string(NodeStep step) {
  switch (step) {
    case NodeStep::none:
      return "none";
    case NodeStep::hold:
      return "hold";
    case NodeStep::open:
      return "open";
    case NodeStep::erase:
      return "erase";
    case NodeStep::note:
      return "note";
    case NodeStep::ask_item:
      return "ask_item";
    case NodeStep::ask_build:
      return "ask_build";
    case NodeStep::ask_node:
      return "ask_node";
  }
  return "none";
}

NodeTurn look_at_node(const NodeRecord& record, const NodeSight& sight) { return Look(record, sight).run(); }

void note_opened(NodeRecord& record, const QueueItem* item) {
  record.phase = NodePhase::open;
  record.released_id = item == nullptr ? 0 : item->id;
  record.released_key = item == nullptr ? std::string() : item->key();
  record.released_run = item == nullptr || item->kind != TaskKind::node_step ? std::string() : item->task;
}

bool is_last_build(const NodeRecord& record) {
  return model::is_spent(record.max_builds, record.builds_done + 1);
}

bool is_exposed(const NodeRecord& record) {
  const bool awaits_run = record.phase == NodePhase::working && record.build.resume_since.is_set();
  return is_last_build(record) && (record.phase == NodePhase::open || awaits_run);
}

bool has_build(const NodeRecord& record) {
  const auto& build = record.build;
  return record.phase == NodePhase::working && !build.path.empty() && !build.ended.is_set();
}

bool is_unnamed(const NodeRecord& record) {
  return record.phase == NodePhase::working && record.build.path.empty();
}

std::string note_violation(NodeRecord& record, std::string_view what) {
  ++record.violations;
  return fmt::format("Node {} had a build too many: {}.", record.node, what);
}

bool is_lively(const NodeRecord& record) {
  if (record.phase == NodePhase::open)
    return is_last_build(record) || record.drained || !record.released_key.empty();
  if (record.phase == NodePhase::working) return record.build.resume_since.is_set() || is_unnamed(record);
  return record.phase == NodePhase::planned || record.phase == NodePhase::going ||
         (record.phase == NodePhase::held && !record.connected_at.is_set());
}

ports::AgentObservation observe_node(const NodeRecord& record) {
  using enum ports::AgentActivity;
  ports::AgentObservation seen;
  if (is_let_go(record.phase)) return seen;
  seen.connected_at = record.connected_at;
  seen.builds_done = record.builds_done;
  seen.end_reason = record.end_reason;
  seen.detail = record.detail;
  if (record.phase == NodePhase::over) {
    seen.activity = record.lost ? lost : done;
    return seen;
  }
  if (record.phase == NodePhase::working) {
    seen.activity = record.link == NodeLink::up ? busy : disconnected;
    seen.working_on = record.build.item;
    seen.started = true;
    return seen;
  }
  if (record.link == NodeLink::never) {
    seen.activity = expected;
  } else if (record.link == NodeLink::down) {
    seen.activity = disconnected;
  } else {
    seen.activity = idle;
    seen.idle_since = record.idle_since;
  }
  return seen;
}

std::map<std::string, const QueueItem*> plan_openings(const std::vector<JudgedItem>& items,
                                                      const std::vector<const NodeRecord*>& nodes,
                                                      const std::function<bool(const NodeRecord&)>& is_up) {
  std::set<std::string> served;  // by a node that is open for it
  std::vector<const NodeRecord*> ready;
  for (const auto* node : nodes) {
    if (node->phase == NodePhase::open) served.insert(node->released_key);
    if (node->phase == NodePhase::held && !node->drained && is_up(*node)) ready.push_back(node);
  }
  std::ranges::stable_sort(ready, {}, &NodeRecord::idle_since);
  std::map<std::string, const QueueItem*> openings;
  const auto open_for = [&](const JudgedItem& one, auto fits) {
    const auto node = std::ranges::find_if(ready, fits);
    if (node == ready.end()) return;
    openings.emplace((*node)->agent.str(), &one.item);
    served.insert(one.item.key());
    ready.erase(node);
  };
  for (const auto& one : items) {
    const auto key = one.item.key();
    const bool may_start = one.item.state == ItemState::buildable && one.verdict != Verdict::shutting_down;
    if (may_start && !served.contains(key))
      open_for(one, [&](const NodeRecord* node) { return node->item.key == key; });
  }
  for (const auto& one : items) {
    if (ready.empty()) break;
    if (one.verdict != Verdict::wanted || served.contains(one.item.key())) continue;
    const auto label = model::parse_label_expression(one.label);
    if (!label) continue;
    open_for(one,
             [&](const NodeRecord* node) { return model::fits(*label, node->labels, node->is_default); });
  }
  return openings;
}

}  // namespace footman::jenkins
