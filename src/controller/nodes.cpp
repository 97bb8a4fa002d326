#include "controller/nodes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/handshake.hpp"

namespace footman::controller {

using base::Errc;
using model::BuildResult;
using model::EndReason;
using protocol::GoodbyeCode;

namespace {
constexpr Duration kLongestWatchPause = 1s;
constexpr Duration kShortestWatchPause = 5ms;
constexpr auto* kNoResume = "it was let in, and did not say what it has for";
}  // namespace

Nodes::Nodes(Core& core, Builds& builds)
    : core_(core),
      builds_(builds),
      lost_(core.parts.metrics.counter("footman_agents_lost_total",
                                       "Agents whose lease ended or that were given up")) {}

void Nodes::take_over(store::OpenState& state) {
  for (auto& row : state.nodes) {
    auto node = std::make_unique<NodeEntry>();
    const auto validity = std::max<Duration>(row.secret_deadline - row.created, core_.config.lease);
    node->secret_deadline = core_.time() + validity;
    node->last_heard = core_.steady();
    node->node = std::move(row);
    node->came = node->redeemed();  // as far as is known: it may be at work
    node->may_be_elsewhere = !state.doubt.empty();
    for (const auto& agent : state.agents) {
      if (agent.id != node->id()) continue;
      node->for_item = agent.for_item;
      node->connected_at = agent.connected;
    }
    if (node->redeemed() && !node->connected_at.is_set()) node->connected_at = node->node.created;
    if (node->node.revoked && !node->spent()) {
      node->lost = true;
      node->detail = "the agent had ended before the server was restarted";
    }
    auto id = node->id();
    core_.nodes.emplace(std::move(id), std::move(node));
  }
}

void Nodes::resume_losses() {
  // Work of an agent whose record is gone: nobody else would ever end it.
  std::vector<model::Assignment> homeless;
  for (const auto& [id, build] : core_.assignments)
    if (const auto entry = core_.find_build(build); core_.find_node(entry->assignment->agent) == nullptr)
      homeless.push_back(*entry->assignment);
  for (const auto& one : homeless) {
    core_.scope.spawn("return work", builds_.give_back(one.id, one.agent, "its agent is gone"));
    core_.scope.spawn("resume loss", builds_.forgotten(one.id, "its record is gone"));
  }
  std::vector<std::pair<AgentId, EndReason>> half_lost;
  for (const auto& [id, node] : core_.nodes)
    if (node->node.revoked && node->work) half_lost.emplace_back(id, node->node.revoked_for);
  for (const auto& [id, why] : half_lost)
    core_.scope.spawn("resume loss", builds_.release(id, {"its session had ended", why}));
}

model::Node Nodes::make_row(const ports::AgentRegistration& registration) const {
  model::Node row;
  row.agent = registration.id;
  row.attempt = registration.attempt;
  row.labels = registration.labels;
  row.max_builds = registration.max_builds;
  row.is_default = registration.is_default;
  row.created = core_.now();
  row.secret_deadline = row.created + registration.secret_lifetime;
  return row;
}

Awaitable<Result<ports::AgentBootstrap>> Nodes::register_agent(ports::AgentRegistration registration) {
  const auto id = registration.id;
  const auto secret = [&] {
    return ports::AgentBootstrap{
        protocol::derive_bootstrap_secret(core_.parts.server_key, id, registration.attempt)};
  };
  if (auto* known = core_.find_node(id)) {
    if (known->node.attempt > registration.attempt)
      co_return base::fail(Errc::conflict, fmt::format("agent {} has a newer launch attempt", id.str()));
    if (known->node.attempt == registration.attempt && !known->removing) {
      known->secret_deadline = std::max(known->secret_deadline, core_.time() + registration.secret_lifetime);
      co_return secret();
    }
    // A newer attempt takes its place: the older one's session and work end.
    core_.end_session(*known, GoodbyeCode::revoked, "another launch attempt of this agent took its place",
                      false);
    core_.ended_agents.add(
        id, {known->node.key_hash, known->node.attempt, "another launch attempt took its place"});
    co_await builds_.release(id, {"another launch attempt took its place"});
  }
  auto row = make_row(registration);
  if (!registration.is_stored)
    FOOTMAN_CO_TRY_STATUS(co_await core_.parts.store.record_launch_intents({}, {row}));
  auto node = std::make_unique<NodeEntry>();
  node->node = std::move(row);
  node->for_item = registration.for_item;
  node->secret_deadline = core_.time() + registration.secret_lifetime;
  node->last_heard = core_.steady();
  core_.ready.erase(id);
  auto& entry = core_.nodes[id];
  if (entry) core_.end_session(*entry, GoodbyeCode::revoked, "replaced", false);
  entry = std::move(node);
  core_.refresh(*entry);
  co_return secret();
}

Awaitable<Status> Nodes::drain(AgentId id, EndReason why, std::string reason) {
  auto* node = core_.find_node(id);
  if (node == nullptr) co_return base::fail(Errc::not_found, fmt::format("There is no agent {}", id.str()));
  if (node->node.draining) co_return Status();
  const auto stored = co_await core_.parts.store.change_node(id, true, false);
  if (!stored) co_return std::unexpected(stored.error());
  node = core_.find_node(id);
  if (node == nullptr) co_return Status();
  node->node.draining = true;
  if (node->end_reason == EndReason::none) node->end_reason = why;
  if (node->detail.empty()) node->detail = reason;
  core_.send(*node, protocol::Drain{std::move(reason)});
  core_.refresh(*node);
  co_return Status();
}

Awaitable<Status> Nodes::remove(AgentId id, ports::AgentEnd end) {
  auto* node = core_.find_node(id);
  if (node == nullptr) co_return co_await core_.parts.store.remove_node(id);
  node->removing = true;
  core_.refresh(*node);
  const auto revoked =
      co_await core_.until_stored([&] { return core_.parts.store.change_node(id, true, true, end.reason); });
  if (!revoked && revoked.error().code != Errc::not_found) co_return std::unexpected(revoked.error());
  node = core_.find_node(id);
  if (node == nullptr) co_return Status();
  node->node.revoked = true;
  core_.ended_agents.add(
      id, {node->node.key_hash, node->node.attempt, node->detail.empty() ? end.text : node->detail});
  const auto code = node->work ? GoodbyeCode::revoked : GoodbyeCode::finished;
  core_.end_session(*node, code, end.text, false);
  co_await builds_.release(id, {std::move(end.text), end.reason});
  auto removed = co_await core_.until_stored([&] { return core_.parts.store.remove_node(id); });
  if (!removed && removed.error().code != Errc::not_found) co_return removed;
  core_.ready.erase(id);
  core_.nodes.erase(id);
  core_.changed_nodes.add(id);
  core_.changed();
  co_return Status();
}

Awaitable<void> Nodes::leave(AgentId id, std::string reason) {
  auto* node = core_.find_node(id);
  if (node == nullptr || node->left || node->lost) co_return;
  node->left = true;
  core_.end_session(*node, GoodbyeCode::finished, "goodbye", false);
  core_.refresh(*node);
  if (node->spent() && !node->work) co_return;  // its row says so already
  const auto why = node->end_reason;
  (void)co_await core_.until_stored([&] { return core_.parts.store.change_node(id, true, true, why); });
  node = core_.find_node(id);
  if (node == nullptr) co_return;
  node->node.draining = true;
  node->node.revoked = true;
  if (node->detail.empty()) node->detail = reason.empty() ? "the agent left" : "the agent left: " + reason;
  co_await builds_.release(id, {reason.empty() ? "it left" : "it left: " + reason, why});
  if (node = core_.find_node(id); node != nullptr) core_.refresh(*node);
}

Awaitable<void> Nodes::lose(AgentId id, WorkLoss loss) {
  auto* node = core_.find_node(id);
  if (node == nullptr || node->losing || node->lost || node->removing) co_return;
  node->losing = true;
  node->detail = loss.sentence;
  node->end_reason = EndReason::session_lost;
  core_.parts.log.warning("agent lost", {{"agent", id}, {"reason", loss.sentence}});
  core_.end_session(*node, GoodbyeCode::revoked, loss.sentence, false);
  core_.refresh(*node);
  (void)co_await core_.until_stored(
      [&] { return core_.parts.store.change_node(id, true, true, loss.reason); });
  co_await builds_.release(id, loss);
  node = core_.find_node(id);
  if (node == nullptr) co_return;
  node->node.draining = true;
  node->node.revoked = true;
  node->lost = true;
  lost_.add();
  core_.note_agent(id, "session_lost", "Declared lost: " + loss.sentence);
  core_.refresh(*node);
}

void Nodes::note_declined(NodeEntry& node, const std::string& how) {
  if (++node.declined < kMaxDeclined) return;
  core_.scope.spawn(
      "give up agent",
      lose(node.id(), {fmt::format("it took no work {} times in a row, the last time {}", kMaxDeclined, how),
                       EndReason::session_lost}));
}

// --- the watch

Awaitable<void> Nodes::watch() {
  const auto shortest =
      std::min({core_.config.lease, core_.config.accept_timeout, core_.config.heartbeat * 4});
  const auto pause = std::clamp<Duration>(shortest / 16, kShortestWatchPause, kLongestWatchPause);
  while (true) {
    co_await runtime::sleep_for(core_.parts.clock, pause);
    const auto at = core_.steady();
    // What is started here may run at once and change the maps.
    std::vector<std::pair<AgentId, std::string>> silent;
    for (const auto& [id, node] : core_.nodes)
      if (look_at_node(*node, at))
        silent.emplace_back(id, fmt::format("{} {}", node->came ? "nothing was heard of it for" : kNoResume,
                                            format_duration(core_.config.lease)));
    for (auto& [id, why] : silent)
      core_.scope.spawn("lose agent", lose(std::move(id), {std::move(why), EndReason::session_lost}));
    std::vector<BuildPtr> overdue;
    for (const auto& [assignment, build] : core_.assignments)
      if (const auto entry = core_.find_build(build); entry && is_overdue(*entry, at))
        overdue.push_back(entry);
    for (const auto& entry : overdue) give_up(*entry);
  }
}

// True: its lease is over.
bool Nodes::look_at_node(NodeEntry& node, Duration at) {
  if (!node.redeemed() || node.lost || node.losing || node.left || node.removing || node.node.revoked)
    return false;
  if (node.spent() && !node.work) return false;  // nothing more is expected of it
  if (at - node.heard() > core_.config.lease) return true;
  if (node.connection == 0 || !node.came) return false;
  if (core_.is_silent(node) != (node.told == ports::AgentActivity::disconnected)) core_.refresh(node);
  return false;
}

bool Nodes::is_overdue(const BuildEntry& entry, Duration at) {
  return entry.overdue.count() > 0 && at >= entry.overdue && !entry.held && entry.assignment;
}

void Nodes::give_up(BuildEntry& entry) {
  if (!entry.assignment) return;
  entry.overdue = Duration(0);
  const auto agent = entry.assignment->agent;
  if (entry.started()) {
    const bool cancelled = entry.build.cancel_requested;
    auto sentence = cancelled ? "it did not end the build that was cancelled: " + entry.build.cancel_reason
                              : std::string("it did not end the build at its time limit");
    core_.scope.spawn("give up agent",
                      lose(agent, {std::move(sentence), EndReason::none, BuildResult::aborted}));
    return;
  }
  const auto id = entry.assignment->id;
  const auto how = fmt::format("it was not accepted within {}", format_duration(core_.config.accept_timeout));
  // A new connection brings both sides back to the same view; what it still holds is withdrawn then.
  if (auto* node = core_.find_node(agent)) {
    core_.end_session(*node, GoodbyeCode::other, "no answer to an offer of work", true);
    note_declined(*node, how);
  }
  core_.scope.spawn("take back work", builds_.give_back(id, agent, how));
}

}  // namespace footman::controller
