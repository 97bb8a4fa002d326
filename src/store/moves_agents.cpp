// Agents of the fleet, nodes of the built-in controller, timelines.
#include <algorithm>

#include "store/check_transition.hpp"
#include "store/moves.hpp"
#include "store/rows.hpp"

namespace footman::store::moves {

using model::Agent;
using model::AgentState;
using model::EndReason;
using model::Node;

namespace {

// Lines of one subject. Beyond, the oldest go, but never the first ones: how it began is told, too.
constexpr std::int64_t kMaxTimelineLines = 1000;
constexpr std::int64_t kFirstLinesKept = 100;
// Terminated agents go, with their timelines, when so many were planned after them. Every so many endings it
// is looked for them.
constexpr std::int64_t kAgentsKept = 20'000;
constexpr std::int64_t kAgentsAtOnce = 1'000;

void set_if(auto& field, const auto& value) {
  if (value) field = *value;
}

// The first reason stays, and so does what was said of it. That of a drain only says why an end was wished
// for: how it has come is news.
void set_end(Agent& agent, AgentState before, const AgentChange& change) {
  const bool fresh =
      !change.end_reason || agent.end_reason == EndReason::none || before == AgentState::draining;
  if (!fresh) return;
  set_if(agent.end_reason, change.end_reason);
  set_if(agent.end_detail, change.end_detail);
}

void forget_old_agents(Database& db, const AgentId& ended) {
  const auto sequence = db.get<std::int64_t>("SELECT sequence FROM agents WHERE id = ?", ended);
  if (sequence % kAgentsAtOnce != 0) return;
  std::vector<AgentId> old;
  {
    auto rows = db.query("SELECT id FROM agents WHERE sequence <= ? AND state = 'terminated'",
                         sequence - kAgentsKept);
    while (rows.step()) rows.read(old.emplace_back());
  }
  for (const auto& id : old) {
    db.run("DELETE FROM timeline WHERE subject = ?", "agent:" + id.str());
    db.run("DELETE FROM agents WHERE id = ?", id);
  }
}

Status put_node(Database& db, Node node) {
  if (const auto known = find<Node>(db, node.agent)) {
    if (known->attempt > node.attempt)
      return fail(Errc::conflict, "Agent " + node.agent.str() + " has a newer launch attempt");
    if (known->attempt == node.attempt) return {};
    node.epoch = std::max(node.epoch, known->epoch);  // an epoch of the older attempt never comes again
  }
  insert(db, node, IfThere::replace);
  return {};
}

}  // namespace

Status record_launch_intents(Database& db, std::vector<Agent> agents, const std::vector<Node>& nodes) {
  for (auto& agent : agents) insert(db, agent, IfThere::keep);
  for (const auto& node : nodes) FOOTMAN_TRY_STATUS(put_node(db, node));
  return {};
}

Result<Agent> change_agent(Database& db, const AgentChange& change, CostLines* told) {
  FOOTMAN_TRY(auto agent, get<Agent>(db, change.id));
  const auto before = agent.state;
  if (change.state && *change.state != agent.state) {
    FOOTMAN_TRY_STATUS(check_transition("Agent " + agent.id.str(), agent.state, *change.state));
    agent.state = *change.state;
  }
  set_if(agent.handle, change.handle);
  set_if(agent.promised_to, change.promised_to);
  set_if(agent.builds_done, change.builds_done);
  set_if(agent.launched, change.launched);
  set_if(agent.connected, change.connected);
  set_if(agent.launch_deadline, change.launch_deadline);
  if (!agent.stop_asked.is_set()) set_if(agent.stop_asked, change.stop_asked);
  set_if(agent.ended, change.ended);
  set_if(agent.death, change.death);
  set_end(agent, before, change);
  if (change.work) note_other_work(db, agent, *change.work, told);
  if (before != AgentState::terminated && change.billed) note_end(db, agent, *change.billed, told);
  update(db, agent);
  FOOTMAN_TRY_STATUS(add_timeline(db, "agent:" + agent.id.str(), change.timeline));
  if (change.state == AgentState::terminated) forget_old_agents(db, agent.id);
  return agent;
}

Result<Node> redeem_node(Database& db, const Redemption& redemption) {
  FOOTMAN_TRY(auto node, get<Node>(db, redemption.agent));
  if (node.attempt != redemption.attempt)
    return fail(Errc::conflict, "Agent " + node.agent.str() + " has launch attempt " +
                                    std::to_string(node.attempt) + ", not " +
                                    std::to_string(redemption.attempt));
  if (node.revoked) return fail(Errc::conflict, "Agent " + node.agent.str() + " has ended");
  if (!node.key_hash.empty() && node.key_hash != redemption.key_hash)
    return fail(Errc::permission_denied, "Agent " + node.agent.str() + " has another session key");
  node.key_hash = redemption.key_hash;
  ++node.epoch;
  update(db, node);
  return node;
}

Result<Node> change_node(Database& db, const AgentId& agent, bool draining, bool revoked,
                         model::EndReason why) {
  FOOTMAN_TRY(auto node, get<Node>(db, agent));
  node.draining = node.draining || draining;
  if (revoked && !node.revoked) node.revoked_for = why;
  node.revoked = node.revoked || revoked;
  update(db, node);
  return node;
}

Status count_refused(Database& db, const AgentId& agent) {
  db.run("UPDATE nodes SET refused_attempts = refused_attempts + 1 WHERE agent = ?", agent);
  return {};
}

Status remove_node(Database& db, const AgentId& agent) {
  db.run("DELETE FROM nodes WHERE agent = ?", agent);
  return {};
}

Status add_timeline(Database& db, const std::string& subject,
                    const std::vector<model::TimelineEntry>& entries) {
  for (const auto& entry : entries) {
    // The same line again is a move that was repeated.
    db.run(
        "INSERT INTO timeline (subject, at, kind, text) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS "
        "(SELECT 1 FROM timeline WHERE subject = ?1 AND at = ?2 AND kind = ?3 AND text = ?4)",
        subject, entry.at, entry.kind, entry.text);
  }
  if (entries.empty()) return {};
  const auto lines = db.get<std::int64_t>("SELECT count(*) FROM timeline WHERE subject = ?", subject);
  if (lines > kMaxTimelineLines)
    db.run(
        "DELETE FROM timeline WHERE id IN "
        "(SELECT id FROM timeline WHERE subject = ? ORDER BY at, id LIMIT ? OFFSET ?)",
        subject, lines - kMaxTimelineLines, kFirstLinesKept);
  return {};
}

Result<std::vector<model::TimelineEntry>> list_timeline(Database& db, const std::string& subject) {
  auto rows = db.query("SELECT at, kind, text FROM timeline WHERE subject = ? ORDER BY at, id", subject);
  std::vector<model::TimelineEntry> lines;
  while (rows.step()) {
    auto& line = lines.emplace_back();
    rows.read(line.at, line.kind, line.text);
  }
  return lines;
}

}  // namespace footman::store::moves
