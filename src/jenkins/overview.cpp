#include "jenkins/overview.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "jenkins/survey.hpp"

namespace footman::jenkins {
namespace {

// A second or two of difference may be the way and the rounding of the Date header.
constexpr Duration kClocksAgree = 2s;
constexpr std::size_t kRunsAtOnce = 3;
constexpr std::string_view kMark = "(Footman installation ";

bool is_question(NodeStep step) {
  return step == NodeStep::ask_item || step == NodeStep::ask_build || step == NodeStep::ask_node;
}

}  // namespace

Overview::Overview(JenkinsSettings settings)
    : settings_(std::move(settings)),
      mark_(fmt::format("{}{})", kMark, settings_.installation)),
      placeholders_(list_placeholders(settings_.prefix, settings_.demand.served)) {}

void Overview::load(std::vector<NodeRecord> records) {
  for (auto& record : records) {
    auto node = add(record);
    node->stored = std::move(record);
    const auto& kept = node->record;
    note_known_steps(*node);
    const bool awaits =
        kept.phase == NodePhase::planned || kept.phase == NodePhase::held || kept.phase == NodePhase::open;
    if (!awaits || kept.item.key.empty()) continue;
    sure_.push_back(kept.item);
    // It was told when the agent was launched; what Jenkins shows now may not tell it for some seconds.
    if (kept.item.since.is_set()) known_[kept.item.key] = kept.item.label;
  }
  std::ranges::stable_sort(sure_, {}, &ports::DemandItem::since);
}

void Overview::set_settings(JenkinsSettings settings) {
  settings_ = std::move(settings);
  if (!serves()) return;
  auto wanted = list_placeholders(settings_.prefix, settings_.demand.served);
  if (wanted == placeholders_) return;
  placeholders_ = std::move(wanted);
  stand_since_ = {};  // until Jenkins was looked at
}

// --- names and marks

std::string Overview::node_name(const AgentId& id) const { return settings_.prefix + id.str(); }

std::string Overview::describe_node(const AgentId& id) const {
  if (settings_.page_of_agents.empty()) return fmt::format("Agent {} {}", id.str(), mark_);
  return fmt::format("Agent {}{} {}", settings_.page_of_agents, id.str(), mark_);
}

std::string Overview::describe_placeholder() const {
  return fmt::format("Never connects; makes Jenkins tell which labels builds wait for {}", mark_);
}

bool Overview::is_marked(const Computer& computer) const {
  return computer.is_agent && has_own_prefix(computer) && computer.description.ends_with(mark_);
}

bool Overview::has_own_prefix(const Computer& computer) const {
  return computer.name.starts_with(settings_.prefix) ||
         std::ranges::any_of(former_prefixes_,
                             [&](const std::string& one) { return computer.name.starts_with(one); });
}

bool Overview::is_placeholder(const Computer& computer) const {
  return is_placeholder_name(settings_.prefix, computer.name) ||
         std::ranges::any_of(former_prefixes_,
                             [&](const std::string& one) { return is_placeholder_name(one, computer.name); });
}

bool Overview::has_left() const {
  const auto is_ours = [this](const Computer& one) { return !yields_names() && is_marked(one); };
  return nodes_.empty() && computers_at_ != Duration(0) && std::ranges::none_of(computers_.all, is_ours);
}

// Two servers would take each other's placeholders for their own; what one of them repairs the other may not.
void Overview::look_for_rivals() {
  if (has_twin()) return;
  rival_.clear();
  std::string other;
  std::size_t count = 0;
  for (const auto& one : computers_.all) {
    const auto at = one.description.rfind(kMark);
    if (!one.name.starts_with(settings_.prefix) || at == std::string::npos || !one.description.ends_with(')'))
      continue;
    if (one.description.ends_with(mark_)) continue;
    other = one.description.substr(at + kMark.size());
    other.pop_back();
    ++count;
  }
  if (count > 0)
    rival_ = fmt::format(
        "Another Footman, of the installation {}, has {} there whose names begin with '{}', as this one's "
        "(installation {}) do. Give one of both another `prefix` and other labels.",
        other, count == 1 ? std::string("a node") : fmt::format("{} nodes", count), settings_.prefix,
        settings_.installation);
}

void Overview::set_twin(const ControllerName& name, bool has_names) {
  twin_ = name.str();
  twin_has_names_ = has_names;
  rival_ = fmt::format(
      "It is the same Jenkins as '{}': that one gives it agents, this one gives it none. Take one of the two "
      "sections out of the configuration.",
      twin_);
  set_bond(bond_);
}

void Overview::drop_twin() {
  twin_.clear();
  rival_.clear();
  set_bond(bond_);
}

bool Overview::is_own(const Computer& computer) const {
  return names_.contains(computer.name) || is_marked(computer);
}

// --- nodes

LiveNodePtr Overview::find(const AgentId& id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : it->second;
}

LiveNodePtr Overview::find_node(const std::string& name) const {
  const auto it =
      std::ranges::find_if(nodes_, [&](const auto& one) { return one.second->record.node == name; });
  return it == nodes_.end() ? nullptr : it->second;
}

LiveNodePtr Overview::add(NodeRecord record) {
  auto node = std::make_shared<LiveNode>();
  node->record = std::move(record);
  names_.insert(node->record.node);
  nodes_[node->record.agent] = node;
  return node;
}

void Overview::erase(const AgentId& id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) return;
  names_.erase(it->second->record.node);
  gone_.push_back(it->second);
  if (gone_.size() > kGoneKept) gone_.pop_front();
  nodes_.erase(it);
}

LiveNodePtr Overview::find_node_or_gone(const std::string& name) const {
  if (auto node = find_node(name)) return node;
  const auto it =
      std::ranges::find_if(gone_, [&](const LiveNodePtr& one) { return one->record.node == name; });
  return it == gone_.end() ? nullptr : *it;
}

const Computer* Overview::find_computer(const std::string& name) const {
  const auto it = computer_of_.find(name);
  return it == computer_of_.end() ? nullptr : it->second;
}

// --- what was read

NextSteps Overview::take_in(Reading reading, Duration steady) {
  NextSteps out;
  look_ = reading.number;
  follow_clock(reading.now, steady);
  const bool is_same = reading.session == session_;
  note_session(reading);
  if (reading.silence) note_silence(*reading.silence, reading.now);
  queue_ = std::move(reading.queue);
  if (reading.computers) {
    computers_ = std::move(*reading.computers);
    computers_at_ = steady;
    computer_of_.clear();
    for (const auto& one : computers_.all) computer_of_.emplace(one.name, &one);
    look_at_placeholders(reading.now, out);
    look_for_rivals();
  }
  const auto left = judge(reading);
  // Of another session their ids may be those of others.
  if (is_same)
    for (const auto& one : left) note_left(one, steady);
  if (reading.computers) {
    look_at_nodes(reading, steady, out);
    find_strays(steady, out);
    list_missed(reading.now, steady, out);
  }
  has_read_ = true;
  if (update_demand(reading)) out.changed = true;
  list_runs(steady, out);
  return out;
}

// When somebody sets the clock, what was measured by it goes on as if it had always shown that time.
void Overview::follow_clock(Instant now, Duration steady) {
  const auto offset = now - (Instant{} + steady);
  const auto by = offset - std::exchange(clock_offset_, offset);
  if (has_read_ && std::chrono::abs(by) <= kClocksAgree) return;
  if (has_read_) shift_times(by);
  leave_no_time_ahead(now);
}

void Overview::shift_times(Duration by) {
  const auto shift = [by](Instant& one) {
    if (one.is_set()) one = one + by;
  };
  for (auto* one : {&session_since_, &shown_since_, &unclear_since_, &settled_at_, &stand_since_})
    shift(*one);
  for (auto& one : left_) shift(one.first);
  for (auto& [id, node] : nodes_)
    for (auto* one : {&node->record.silent_since, &node->record.build.resume_since, &node->record.note_until})
      shift(*one);
}

// What was written while the clock showed a later time, or by the clock as it is now before that was
// noticed, would not come for hours.
void Overview::leave_no_time_ahead(Instant now) {
  for (auto& [id, node] : nodes_) {
    auto& record = node->record;
    record.silent_since = std::min(record.silent_since, now);
    record.build.resume_since = std::min(record.build.resume_since, now);
    record.note_until = std::min(record.note_until, now + settings_.note_time);
  }
}

Instant Overview::to_local(std::int64_t milliseconds, Duration ahead) const {
  const Instant theirs{milliseconds * 1000};
  return std::chrono::abs(ahead) <= kClocksAgree ? theirs : theirs - ahead;
}

void Overview::look_at_placeholders(Instant now, NextSteps& out) {
  if (yields_names()) return;
  out.placeholders = plan_placeholders(placeholders_, settings_.prefix, computers_,
                                       [this](const Computer& one) { return is_marked(one); });
  for (const auto& one : former_prefixes_)
    std::ranges::copy(
        plan_placeholders({}, one, computers_, [this](const Computer& each) { return is_marked(each); }),
        std::back_inserter(out.placeholders));
  const bool stand = std::ranges::none_of(out.placeholders, [&](const PlaceholderTask& one) {
    return std::ranges::count(placeholders_, one.placeholder) > 0;
  });
  if (!stand)
    stand_since_ = {};
  else if (!stand_since_.is_set())
    stand_since_ = now;
}

void Overview::list_runs(Duration steady, NextSteps& out) {
  std::erase_if(asked_runs_, [&](const auto& one) { return steady - one.second >= kAskAgain; });
  for (const auto& one : items_) {
    if (one.verdict != Verdict::ask_flow_graph || out.runs.size() == kRunsAtOnce) continue;
    if (asked_runs_.emplace(one.item.task, steady).second) out.runs.push_back(one.item.task);
  }
}

void Overview::note_session(const Reading& reading) {
  if (reading.session == session_ && has_read_) return;
  bool is_restart = has_read_;
  if (!has_read_)
    is_restart = std::ranges::any_of(nodes_, [&](const auto& one) {
      const auto& known = one.second->record.session;
      return !known.empty() && known != reading.session;
    });
  session_ = reading.session;
  session_since_ = reading.now;
  missing_.clear();  // their ids may be those of others now
  if (is_restart) settled_at_ = reading.now + kRestartGrace;
}

// --- agents that are not shown

// Without the right Agent/Connect Jenkins shows all agents as if they were away, with status 200. The secret
// of a node needs the same right, and is refused.
std::string Overview::find_silent(const Computers& computers, Duration steady) {
  std::set<std::string_view> silent;
  for (const auto& one : computers.all)
    if (!one.connected && !one.is_ghost()) silent.insert(one.name);
  std::string found;
  bool is_news = false;
  for (const auto& [id, node] : nodes_) {
    const auto& record = node->record;
    if (record.link == NodeLink::never || record.phase == NodePhase::over || is_let_go(record.phase) ||
        !node->is_free() || !silent.contains(record.node))
      continue;
    found = record.node;
    is_news = is_news || (record.link == NodeLink::up && silence_ == Silence::away);
  }
  if (found.empty() && silence_ != Silence::away) {
    const auto own = std::ranges::find_if(computers.all, [this](const auto& one) { return is_own(one); });
    if (own != computers.all.end()) found = own->name;
  }
  if (found.empty() || (!is_news && steady < silence_after_)) return {};
  silence_after_ = steady + kAskAgain;
  return found;
}

// An answer that never comes must not keep the nodes of agents that are lost for ever.
void Overview::note_silence(Silence silence, Instant now) {
  if (silence != Silence::unclear)
    unclear_since_ = {};
  else if (!unclear_since_.is_set())
    unclear_since_ = now;
  else if (now - unclear_since_ >= kUnclearMost)
    silence = Silence::away;
  if (std::exchange(silence_, silence) != Silence::away && silence == Silence::away) shown_since_ = now;
}

void Overview::set_bond(Bond bond) {
  bond_ = bond;
  placeholders_ =
      serves() ? list_placeholders(settings_.prefix, settings_.demand.served) : std::vector<Placeholder>();
  stand_since_ = {};
  computers_at_ = Duration(0);  // look at the nodes next time
}

bool Overview::placeholders_stand(Instant now) const {
  return serves() && stand_since_.is_set() && now - stand_since_ >= kQueueBeat;
}

// --- looks at nodes

NodeSight Overview::sight_of(const LiveNode& node, const Computer* computer, Instant now) const {
  NodeSight sight;
  sight.computer = computer;
  sight.session = session_;
  sight.links_since = std::max(session_since_, shown_since_);
  sight.silence = silence_;
  sight.now = now;
  sight.is_settled = is_settled(now);
  sight.is_served = serves();
  sight.released_waits = node.record.released_key.empty() || keys_.contains(node.record.released_key);
  sight.is_in_doubt = [this, &node] { return is_in_doubt(node); };
  sight.released_end = node.released_end;
  sight.build_over = node.build_over;
  sight.is_gone = node.is_gone;
  const auto step = std::ranges::find(items_, node.record.node, &JudgedItem::node);
  if (step != items_.end()) sight.step_for_it = &step->item;
  sight.find_item = [this, &node](const std::string& build) {
    // What the last look still showed waiting, when the build was there already, it is not.
    const auto& record = node.record;
    const bool was_there = record.phase == NodePhase::working &&
                           look_ > std::max(node.fresh_after, node.busy_after) &&
                           (record.build.path.empty() || record.build.path == build);
    return find_item(record, build, was_there ? ListedItems::left_out : ListedItems::too);
  };
  return sight;
}

// When it was named, the item that the node was opened for was still listed, as one that has just been given
// may be. If it waits on, the node has another one, which has left the queue.
bool Overview::rename_build(NodeRecord& record) const {
  auto& build = record.build;
  if (record.phase != NodePhase::working || record.session != session_ || !keys_.contains(build.item) ||
      build.resume_since.is_set())  // it is for that item, which waits for its node
    return false;
  const auto* item = find_item(record, build.path, ListedItems::left_out);
  build.item = item != nullptr ? item->item.key() : "build-" + build.path;
  return true;
}

// Of what left the queue lately and nobody is at work on, the latest first; then of what another node was
// opened for, which may have got something else; then of what is about to leave.
const JudgedItem* Overview::find_item(const NodeRecord& record, const std::string& build,
                                      ListedItems listed) const {
  std::vector<const JudgedItem*> candidates;
  std::vector<const JudgedItem*> less_likely;
  for (auto it = left_.rbegin(); it != left_.rend(); ++it) {
    const auto& item = it->second.item;
    if (!is_build_of(item, build) || is_known_elsewhere(item.key(), record)) continue;
    (is_taken(item.key(), &record) ? less_likely : candidates).push_back(&it->second);
  }
  candidates.insert(candidates.end(), less_likely.begin(), less_likely.end());
  for (const auto& one : items_)
    if (listed == ListedItems::too && is_build_of(one.item, build)) candidates.push_back(&one);
  return find_started(candidates, build, record.labels,
                      record.released_key.empty() ? record.item.key : record.released_key);
}

void Overview::look_at_nodes(const Reading& reading, Duration steady, NextSteps& out) {
  std::vector<const NodeRecord*> ready;
  for (const auto& [id, node] : nodes_)
    if (node->is_free()) ready.push_back(&node->record);
  const auto openings = plan_openings(items_, ready, [this](const NodeRecord& record) {
    const auto* computer = find_computer(record.node);
    return computer != nullptr && computer->connected;
  });
  for (const auto& [id, node] : nodes_) {
    if (reading.number > node->named_after && rename_build(node->record)) out.changed = true;
    if (!node->is_free() || reading.number <= node->fresh_after) continue;
    const auto opening = openings.find(id.str());
    look_at_node(node, reading, opening == openings.end() ? nullptr : opening->second, steady, out);
  }
}

void Overview::look_at_node(const LiveNodePtr& node, const Reading& reading, const QueueItem* open_for,
                            Duration steady, NextSteps& out) {
  const auto* computer = find_computer(node->record.node);
  if (computer != nullptr) node->is_gone = false;
  auto sight = sight_of(*node, computer, reading.now);
  sight.open_for = open_for;
  auto turn = jenkins::look_at_node(node->record, sight);
  if (is_question(turn.step)) {
    if (node->asked_at != Duration(0) && steady - node->asked_at < kAskAgain)
      turn.step = NodeStep::none;
    else
      node->asked_at = steady;
  }
  if (steady < node->step_after) turn.step = NodeStep::none;
  note_turn(node, turn, reading.now, out);
  const bool is_stored = (node->stored && *node->stored == node->record) || steady < node->put_after;
  if (turn.step == NodeStep::none && !turn.forget && is_stored) return;
  NodeWork work{node, turn.step, std::string(turn.message), {}, false, turn.forget};
  if (open_for != nullptr) work.open_for = *open_for;
  work.is_held = sight.computer != nullptr && sight.computer->held;
  out.work.push_back(std::move(work));
}

NodeTurn Overview::look_now(const LiveNodePtr& node, const Computer* computer, Instant now, NextSteps& out) {
  auto sight = sight_of(*node, computer, now);
  // That it falls silent the next reading tells, which asks why.
  if (sight.silence == Silence::away && node->record.link == NodeLink::up) sight.silence = Silence::unclear;
  auto turn = jenkins::look_at_node(node->record, sight);
  const auto& record = node->record;
  const auto known = std::pair(record.phase, record.build.path);
  note_turn(node, turn, now, out);
  if (std::pair(record.phase, record.build.path) == known) return turn;
  // What it has is news: one of those that the last look still showed waiting.
  node->named_after = look_ + 1;  // a look may be under way
  take_from_demand(record);
  return turn;
}

void Overview::note_turn(const LiveNodePtr& node, NodeTurn& turn, Instant now, NextSteps& out) {
  note_builds(*node, turn.record, now, out);
  note_brief_build(*node, turn.record, now, out);
  if (!turn.violation.empty()) tell_violation(node->record.agent, turn.violation, out);
  if (turn.record.phase != node->record.phase || turn.record.build.path != node->record.build.path ||
      turn.record.released_key != node->record.released_key) {
    node->released_end = ItemEnd::unknown;
    node->brief.reset();
    node->build_over = false;
    node->asked_at = Duration(0);
    node->glances = 0;
  }
  if (turn.record.phase == NodePhase::working && node->record.phase != NodePhase::working)
    node->busy_after = look_;
  if (turn.record != node->record) out.changed = true;
  node->record = turn.record;
}

void Overview::tell_violation(const AgentId& agent, std::string text, NextSteps& out) {
  violations_.push_back(text);
  if (violations_.size() > kViolationsKept) violations_.pop_front();
  out.violations.push_back({agent, std::move(text)});
}

void Overview::note_builds(LiveNode& node, const NodeRecord& after, Instant now, NextSteps& out) {
  const auto& before = node.record;
  const auto run_of = [](const NodeRecord& record, Instant ended) {
    const auto& build = record.build;
    return BuildRun{record.agent, record.node, build.item, build.title,
                    build.path,   build.since, ended,      build.is_pipeline};
  };
  const bool is_same = before.build.path == after.build.path && before.build.since == after.build.since;
  const bool was_at_work = has_build(before);
  const bool is_at_work = has_build(after);
  // One that waits for its node meanwhile has neither ended nor begun anew.
  const bool goes_on = after.awaited.path == before.build.path;
  const bool went_on = before.awaited.path == after.build.path;
  if (was_at_work && (!is_at_work || !is_same) && !goes_on) out.builds.push_back(run_of(before, now));
  if (!is_at_work || (was_at_work && is_same) || went_on) return;
  out.builds.push_back(run_of(after, {}));
  node.named_after = look_;
  note_seen(node, after.build, now);
}

// The examination that made it was killed.
bool Overview::is_left_probe(const Computer& computer, Duration steady) {
  return is_probe(settings_.prefix, computer) &&
         steady - probes_.try_emplace(computer.name, steady).first->second >= kProbeTime;
}

void Overview::find_strays(Duration steady, NextSteps& out) {
  if (settings_.keeps_unknown || yields_names()) return;
  std::erase_if(probes_, [this](const auto& one) { return find_computer(one.first) == nullptr; });
  for (const auto& computer : computers_.all) {
    if (is_left_probe(computer, steady)) out.strays.push_back({computer.name, false});
    if (!is_marked(computer) || is_placeholder(computer)) continue;
    if (names_.contains(computer.name)) continue;
    // First no more builds: one that comes as it is deleted would be lost.
    if (!computer.held || computer.idle) out.strays.push_back({computer.name, !computer.held});
  }
}

bool Overview::sees_stray_at_work(const AgentId& id) const {
  return std::ranges::any_of(computers_.all, [&](const Computer& one) {
    return !one.idle && one.name.ends_with(id.str()) && is_marked(one) && !names_.contains(one.name);
  });
}

bool Overview::runs_elsewhere(const std::string& build, const std::string& node) const {
  return !build.empty() && std::ranges::any_of(computers_.all, [&](const Computer& one) {
    return one.name != node && std::ranges::count(one.executors, build, &Executor::build) > 0;
  });
}

// --- how often to look

bool Overview::has_exposed() const {
  return std::ranges::any_of(nodes_, [](const auto& one) { return is_exposed(one.second->record); });
}

Duration Overview::pace() const {
  if (has_exposed()) return settings_.open_pace;
  bool is_busy = !has_read_ || (!has_twin() && !stand_since_.is_set());
  for (const auto& [id, node] : nodes_) is_busy = is_busy || is_lively(node->record);
  is_busy = is_busy || std::ranges::any_of(items_, [](const JudgedItem& one) {
              return one.verdict == Verdict::wanted || one.verdict == Verdict::pending ||
                     one.verdict == Verdict::idle_executor || one.verdict == Verdict::ask_flow_graph;
            });
  return is_busy ? settings_.busy_pace : settings_.idle_pace;
}

bool Overview::wants_computers(const Queue& queue, Duration steady) const {
  if (computers_at_ == Duration(0) || pace() != settings_.idle_pace || !missing_.empty()) return true;
  const bool may_want = std::ranges::any_of(queue.items, [](const QueueItem& one) {
    return one.state == ItemState::buildable || one.state == ItemState::pending;
  });
  if (may_want) return true;
  // What has left may be on a node for a moment only.
  std::set<std::int64_t> waiting;
  for (const auto& one : queue.items) waiting.insert(one.id);
  const bool has_left =
      std::ranges::any_of(items_, [&](const JudgedItem& one) { return !waiting.contains(one.item.id); });
  if (has_left && !nodes_.empty()) return true;
  return steady - computers_at_ >= (nodes_.empty() ? kRegularLook : kLookAtWork);
}

}  // namespace footman::jenkins
