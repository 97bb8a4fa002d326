#include "controller/core.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/post.hpp"

namespace footman::controller {

using model::EndReason;
using ports::AgentActivity;

namespace {

Awaitable<void> add_timeline(store::Store& store, std::string subject, model::TimelineEntry entry) {
  std::vector<model::TimelineEntry> entries;
  entries.push_back(std::move(entry));
  // A line of history is not worth a retry: the rows tell the story without it.
  (void)co_await store.add_timeline(std::move(subject), std::move(entries));
}

}  // namespace

std::string title_of(const model::Build& build) {
  return build.job.empty() ? fmt::format("ad hoc #{}", build.number)
                           : fmt::format("{} #{}", build.job.str(), build.number);
}

void Queue::insert(const BuildPtr& entry) {
  const auto id = entry->item.id;
  if (!all_.emplace(id, entry).second) return;
  auto& of_label = by_label_[entry->item.label];
  if (of_label.items.empty()) of_label.label = entry->label;
  of_label.items.emplace(id, entry);
  if (!entry->build.job.empty()) by_job_[entry->build.job].emplace(id, entry);
}

void Queue::erase(const BuildEntry& entry) {
  const auto id = entry.item.id;
  if (all_.erase(id) == 0) return;
  const auto erase_from = [id](auto& lists, const auto& key, auto items_of) {
    const auto it = lists.find(key);
    if (it == lists.end()) return;
    items_of(it->second).erase(id);
    if (items_of(it->second).empty()) lists.erase(it);
  };
  erase_from(by_label_, entry.item.label, [](OfLabel& one) -> Items& { return one.items; });
  erase_from(by_job_, entry.build.job, [](Items& items) -> Items& { return items; });
}

const Queue::Items& Queue::of_job(const JobPath& job) const {
  static const Items kNone;
  const auto it = by_job_.find(job);
  return it == by_job_.end() ? kNone : it->second;
}

Core::Core(ControllerParts p, ControllerConfig c, SessionPort& port)
    : parts(std::move(p)),
      config(std::move(c)),
      even(parts.clock),
      scope(parts.control, parts.log),
      proofs(parts.control, parts.log) {
  hub = std::make_unique<AgentHub>(HubParts{parts.control, parts.net, parts.clock, parts.log_store,
                                            parts.metrics, parts.log, parts.crash_points, config,
                                            [this](bool full) {
                                              logs_full.store(full, std::memory_order_relaxed);
                                              runtime::post(parts.control, [this] { changed(); });
                                            }},
                                   port);
}

BuildPtr Core::find_build(BuildId id) const {
  const auto it = builds.find(id);
  return it == builds.end() ? nullptr : it->second;
}

BuildPtr Core::find_assignment(AssignmentId id) const {
  const auto it = assignments.find(id);
  return it == assignments.end() ? nullptr : find_build(it->second);
}

NodeEntry* Core::find_node(const AgentId& id) const {
  const auto it = nodes.find(id);
  return it == nodes.end() ? nullptr : it->second.get();
}

NodeEntry* Core::find_session(ConnectionId connection) const {
  const auto it = sessions.find(connection);
  auto* node = it == sessions.end() ? nullptr : find_node(it->second);
  return node != nullptr && node->connection == connection ? node : nullptr;
}

BuildPtr Core::insert_build(model::Build build, model::QueueItem item, AgentId lost_agent) {
  auto& entry = builds[build.id];
  if (entry) return entry;
  entry = std::make_shared<BuildEntry>();
  entry->build = std::move(build);
  entry->item = std::move(item);
  entry->lost_agent = std::move(lost_agent);
  if (!entry->lost_agent.empty()) held_back[entry->lost_agent] = entry->build.id;
  // It was parsed when it was submitted: an error here can only come from another version's row.
  if (auto label = model::parse_label_expression(entry->item.label)) entry->label = std::move(*label);
  entry->submitted = even.at_past(entry->item.since);
  set_quiet_period(*entry);
  if (entry->item.state == model::ItemState::queued) queue.insert(entry);
  note_changed(*entry);
  return entry;
}

void Core::note_changed(const BuildEntry& entry) {
  changed_items.some.insert(entry.item.id);
  // Where a job has so many places, others of its items wait for this one.
  const auto job = jobs.find(entry.build.job);
  if (job != jobs.end() && job->second.max_concurrent > 0) changed_items.all = true;
}

// What is left of it by the wall clock, and never more than all of it.
void Core::set_quiet_period(BuildEntry& entry) {
  const auto& item = entry.item;
  entry.buildable_since = even.at_past(std::max(item.since, item.quiet_until));
  const auto left = std::min(item.quiet_until - item.since, item.quiet_until - now());
  if (!item.quiet_until.is_set() || left <= Duration(0)) return;
  entry.quiet_until = entry.buildable_since = time() + left;
  quiet_ends.insert(entry.quiet_until);
}

void Core::erase_build(const BuildPtr& entry) {
  entry->over = true;
  note_changed(*entry);
  clear_assignment(entry);
  held_back.erase(entry->lost_agent);
  queue.erase(*entry);
  builds.erase(entry->build.id);
}

void Core::note_number(const model::Build& build) {
  const auto job = jobs.find(build.job);
  if (job != jobs.end()) job->second.next_number = std::max(job->second.next_number, build.number + 1);
}

std::size_t Core::count_doubtful() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(queue.all(), [](const auto& one) { return one.second->item.in_doubt; }));
}

void Core::agent_ended(const AgentId& id) {
  const auto held = held_back.extract(id);
  if (held.empty()) return;
  const auto entry = find_build(held.mapped());
  entry->lost_agent = {};
  note_changed(*entry);
  changed();
}

void Core::note_under_way(const BuildPtr& entry) {
  const auto& job = entry->build.job;
  if (job.empty()) return;
  if (entry->assignment || !entry->reserved.empty()) {
    under_way[job].emplace(entry->build.id, entry);
  } else if (const auto found = under_way.find(job); found != under_way.end()) {
    found->second.erase(entry->build.id);
    if (found->second.empty()) under_way.erase(found);
  }
}

void Core::reserve(const BuildPtr& entry, NodeEntry& node) {
  entry->reserved = node.id();
  note_under_way(entry);
  note_changed(*entry);
  node.work = entry->build.id;
  refresh(node);
}

void Core::set_assignment(const BuildPtr& entry, model::Assignment assignment) {
  assignments[assignment.id] = entry->build.id;
  entry->item.state = model::ItemState::pending;
  entry->item.assignment = assignment.id;
  entry->reserved = {};
  entry->breaches = 0;
  if (auto* node = find_node(assignment.agent)) {
    node->last_build = entry->build.id;
    node->breaches = 0;
  }
  entry->assignment = std::move(assignment);
  note_under_way(entry);
  queue.erase(*entry);
  note_changed(*entry);
}

void Core::clear_assignment(const BuildPtr& entry) {
  auto agent = entry->reserved;
  if (entry->assignment) {
    agent = entry->assignment->agent;
    assignments.erase(entry->assignment->id);
    entry->assignment.reset();
    entry->item.assignment = {};
  }
  entry->reserved = {};
  note_under_way(entry);
  note_changed(*entry);
  entry->overdue = Duration(0);
  entry->progress = {};
  auto* node = find_node(agent);
  if (node == nullptr || node->work != entry->build.id) return;
  node->work.reset();
  refresh(*node);
}

Awaitable<Turn> Core::take_turn(BuildId id) {
  while (true) {
    const auto entry = find_build(id);
    if (!entry) co_return Turn();
    if (!entry->held) co_return Turn(entry);
    co_await entry->freed.wait();
  }
}

Duration NodeEntry::heard() const {
  if (connection == 0 || !came) return last_heard;
  return std::max(last_heard, Duration(pulse->last_heard_us.load(std::memory_order_relaxed)));
}

bool Core::is_silent(const NodeEntry& node) const {
  const Duration heard(node.pulse->last_heard_us.load(std::memory_order_relaxed));
  return steady() - heard > 2 * config.heartbeat + config.heartbeat / 2;
}

ports::AgentObservation Core::observe(const NodeEntry& node) const {
  ports::AgentObservation seen;
  seen.connected_at = node.connected_at;
  if (node.host) seen.peer = node.host->peer;
  seen.builds_done = node.node.builds_done;
  if (!node.last_build.empty()) seen.build = node.last_build.str();
  if (const auto entry = node.work ? find_build(*node.work) : nullptr) {
    seen.working_on = entry->item.id.str();
    seen.started = entry->started();
  }
  const auto ended = [&](AgentActivity activity, EndReason reason, const std::string& detail) {
    seen.activity = activity;
    seen.end_reason = node.end_reason == EndReason::none ? reason : node.end_reason;
    seen.detail = node.detail.empty() ? detail : node.detail;
    return seen;
  };
  if (node.lost) return ended(AgentActivity::lost, EndReason::session_lost, "the agent was declared lost");
  if (!node.work) {
    // An agent whose builds are done leaves by itself, too.
    if (node.spent())
      return ended(AgentActivity::done, model::spent_reason(node.node.max_builds),
                   std::string(node.spent_text()));
    if (node.left) return ended(AgentActivity::done, EndReason::goodbye, "the agent left");
    if (node.node.draining) return ended(AgentActivity::done, EndReason::drained, "drained");
  }
  const bool is_here = node.connection != 0 && !node.losing && !is_silent(node);
  if (is_here && node.work)
    seen.activity = AgentActivity::busy;
  else if (is_here && ready.contains(node.id()))  // not before all that it came back with is settled
    seen.activity = AgentActivity::idle;
  else
    seen.activity = node.came ? AgentActivity::disconnected : AgentActivity::expected;
  if (seen.activity == AgentActivity::idle) seen.idle_since = node.idle_since;
  return seen;
}

void Core::refresh(NodeEntry& node) {
  const bool may_work = node.connection != 0 && node.resumed && !node.work && !node.node.draining &&
                        !node.node.revoked && !node.lost && !node.losing && !node.left && !node.removing &&
                        !node.spent() && !stopping;
  if (!may_work) {
    ready.erase(node.id());
  } else if (ready.insert(node.node)) {
    node.idle_since = now();
  }
  changed_nodes.add(node.id());
  const auto activity = observe(node).activity;
  if (node.told != activity) {
    node.told = activity;
    publish("agent", node.id().str(), std::string(model::to_string(activity)));
  }
  changed();
}

void Core::send(const NodeEntry& node, protocol::Message message) {
  // Before Resume nothing may be said: Welcome comes first, and Resume tells what to say.
  if (node.connection != 0 && node.resumed) hub->send(node.connection, std::move(message));
}

void Core::send_start(const NodeEntry& node, const model::Assignment& assignment) {
  if (node.connection != 0 && node.resumed)
    hub->start(node.connection, protocol::Start{assignment.id, 0}, assignment.stream, assignment.started);
}

void Core::end_session(NodeEntry& node, protocol::GoodbyeCode code, std::string reason, bool reconnect) {
  if (node.connection == 0) return;
  hub->close(node.connection, protocol::Goodbye{code, std::move(reason), reconnect});
  node.last_heard = node.heard();
  sessions.erase(node.connection);
  node.connection = 0;
  node.resumed = false;
  node.inbox.clear();
  refresh(node);
}

void Core::changed() {
  look.notify();
  if (on_change) on_change();
}

void Core::publish(std::string kind, std::string id, std::string state, std::string parent) {
  parts.changes.publish(model::Change{parts.changes.last() + 1, now(), std::move(kind), std::move(id),
                                      std::move(state), std::move(parent)});
}

void Core::note(std::string subject, std::string kind, std::string text) {
  scope.spawn("timeline",
              add_timeline(parts.store, std::move(subject), {now(), std::move(kind), std::move(text)}));
}

void Core::note_storage(const base::Error& error) {
  parts.log.error("a change cannot be stored, trying again", {{"error", base::describe(error)}});
  changed();
}

}  // namespace footman::controller
