#include "fleet/tests/scripted_controller.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace footman::fleet::testing {

using ports::AgentActivity;

Awaitable<void> ScriptedController::turn() {
  const auto executor = co_await runtime::asio::this_coro::executor;
  co_await runtime::asio::post(executor, runtime::asio::use_awaitable);
  if (hangs) co_await never_->wait();
}

std::optional<model::Node> ScriptedController::make_row(const ports::AgentRegistration& registration) const {
  if (!has_rows) return std::nullopt;
  model::Node row;
  row.agent = registration.id;
  row.labels = registration.labels;
  return row;
}

Awaitable<Result<ports::AgentBootstrap>> ScriptedController::register_agent(
    ports::AgentRegistration registration) {
  co_await turn();
  if (!registers) co_return fail(Errc::unavailable, "the controller is away");
  const auto id = registration.id;
  auto& node = nodes[id];
  if (node.seen.activity == AgentActivity::unknown) node.seen.activity = AgentActivity::expected;
  node.registration = std::move(registration);
  changed_agents.insert(id);
  co_return ports::AgentBootstrap{Secret("secret of " + id.str())};
}

ports::AgentObservation ScriptedController::observe_agent(AgentId id) const {
  ++observe_calls;
  const auto it = nodes.find(id);
  return it == nodes.end() ? ports::AgentObservation() : it->second.seen;
}

ports::AgentNews ScriptedController::agents_since(std::uint64_t version) {
  if (!tells_news) return {};
  ports::AgentNews news{told_ + 1, version == 0 || version != told_, {}};
  ++told_;
  news.changed.assign(changed_agents.begin(), changed_agents.end());
  changed_agents.clear();
  return news;
}

Awaitable<Status> ScriptedController::drain_agent(AgentId id) {
  co_await turn();
  if (drain_error) co_return fail(*drain_error, "the drain failed");
  if (on_drain) on_drain(id);
  const auto it = nodes.find(id);
  if (it == nodes.end()) co_return fail(Errc::not_found, "no such node");
  it->second.draining = true;
  if (it->second.seen.activity == AgentActivity::idle)
    say(id, AgentActivity::done, model::EndReason::drained);
  co_return Status();
}

Awaitable<Status> ScriptedController::remove_agent(AgentId id, ports::AgentEnd end) {
  co_await turn();
  if (!removes) co_return fail(Errc::unavailable, "the controller is away");
  nodes.erase(id);
  removed.emplace(id, std::move(end.text));
  removed_for.emplace(id, end.reason);
  changed(id);
  co_return Status();
}

void ScriptedController::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  ++reasons_told;
  reasons.by_item[item_key] = std::move(reason);
}

void ScriptedController::submit(const std::string& key, Instant since, const std::string& label) {
  items.push_back({key, label, since, "job #" + key});
  changed();
}

void ScriptedController::withdraw(const std::string& key) {
  std::erase_if(items, [&](const auto& item) { return item.key == key; });
  changed();
}

void ScriptedController::connect(const AgentId& id, Instant now) {
  auto& seen = nodes.at(id).seen;
  seen.activity = AgentActivity::idle;
  if (!seen.connected_at.is_set()) seen.connected_at = now;
  seen.idle_since = now;
  changed(id);
}

void ScriptedController::work(const AgentId& id, const std::string& key) {
  auto& seen = nodes.at(id).seen;
  seen.activity = AgentActivity::busy;
  seen.working_on = key;
  seen.started = true;
  std::erase_if(items, [&](const auto& item) { return item.key == key; });
  changed(id);
}

void ScriptedController::finish(const AgentId& id, Instant now) {
  auto& node = nodes.at(id);
  ++node.seen.builds_done;
  node.seen.working_on.clear();
  node.seen.started = false;
  node.seen.idle_since = now;
  node.seen.activity = model::is_spent(node.registration.max_builds, node.seen.builds_done) || node.draining
                           ? AgentActivity::done
                           : AgentActivity::idle;
  if (node.seen.activity == AgentActivity::done)
    node.seen.end_reason = model::spent_reason(node.registration.max_builds);
  changed(id);
}

void ScriptedController::say(const AgentId& id, AgentActivity activity, model::EndReason reason,
                             std::string detail) {
  auto& seen = nodes.at(id).seen;
  seen.activity = activity;
  seen.end_reason = reason;
  seen.detail = std::move(detail);
  changed(id);
}

}  // namespace footman::fleet::testing
