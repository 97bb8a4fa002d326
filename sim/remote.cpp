#include "sim/remote.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "model/label.hpp"
#include "runtime/post.hpp"
#include "runtime/wait.hpp"

namespace footman::sim {

using base::AgentId;
using model::EndReason;
using ports::AgentActivity;
using runtime::Awaitable;

namespace {

constexpr std::uint64_t kFirstKey = 1'000'000;  // no key of the built-in controller's is like one of these
constexpr Duration kRaceMargin = 100ms;         // a launch was decided before the item was taken
constexpr Duration kLongestCut = 40s;           // shorter than a launch deadline
constexpr Duration kRemotePatience = 2s;

}  // namespace

RemoteController::RemoteController(SimLoop& loop, Witness& witness, std::uint64_t seed, RemoteHabits habits)
    : loop_(loop), witness_(witness), dice_(seed, "remote controller"), habits_(std::move(habits)) {}

void RemoteController::begin() {
  calm_ = false;
  submit();
  loop_.after(dice_.jitter(Duration(40s)), [this] { cut_off(); });
  loop_.after(dice_.jitter(Duration(60s)), [this] { kill_one(); });
}

void RemoteController::calm_down() { calm_ = true; }

bool RemoteController::done() const {
  return reached_ &&
         std::ranges::all_of(items_, [](const auto& one) { return one.second.state == State::over; }) &&
         std::ranges::all_of(nodes_,
                             [](const auto& one) { return one.second.seen.activity == AgentActivity::idle; });
}

// --- items

void RemoteController::submit() {
  if (calm_ || submitted_ == habits_.items) return;
  Item item;
  item.key = std::to_string(kFirstKey + ++submitted_);
  item.label =
      model::parse_label_expression(dice_.chance(0.4) ? std::string() : dice_.pick(habits_.labels))->text();
  item.since = clock_of_server();
  item.changed = loop_.now();
  note("item " + item.key + " waits");
  const auto key = item.key;
  items_.emplace(key, std::move(item));
  if (dice_.chance(habits_.cancels))
    loop_.after(dice_.jitter(Duration(10s)), [this, key] {
      auto& one = items_.at(key);
      if (one.state != State::queued) return;
      note("item " + key + " is cancelled");
      one.state = State::over;
      one.changed = loop_.now();
      tell_changed();
    });
  hand_over();
  loop_.after(dice_.jitter(habits_.between_items), [this] { submit(); });
}

std::vector<OtherController::Waiting> RemoteController::list_waiting() const {
  std::vector<Waiting> waiting;
  for (const auto& [key, item] : items_)
    if (item.state == State::queued)
      waiting.push_back(
          {base::find_number<std::int64_t>(key).value_or(0), key, item.label, item.since, item.reason});
  return waiting;
}

std::optional<std::string> RemoteController::find_key(std::int64_t number) const {
  auto key = std::to_string(number);
  return items_.contains(key) ? std::optional(std::move(key)) : std::nullopt;
}

std::optional<OtherController::Demanded> RemoteController::find_demanded(const std::string& key,
                                                                         Duration within) const {
  const auto item = items_.find(key);
  if (item == items_.end() || item->second.state != State::queued) return std::nullopt;
  const auto others = std::ranges::count_if(items_, [&](const auto& one) {
    return one.first != key &&
           (one.second.state == State::queued || loop_.now() - one.second.changed < within);
  });
  return Demanded{item->second.label, static_cast<std::size_t>(others)};
}

std::vector<QueuedItem> RemoteController::list_queued() const {
  std::vector<QueuedItem> all;
  for (const auto& [key, item] : items_) {
    const bool is_queued = item.state == State::queued;
    const bool was_just_queued = loop_.now() - item.changed <= kRaceMargin;
    const bool is_seen_so =
        !reached_ && std::ranges::find(frozen_.demand, key, &ports::DemandItem::key) != frozen_.demand.end();
    all.push_back({{name(), key}, is_queued || was_just_queued || is_seen_so, !is_queued});
  }
  return all;
}

std::vector<GivenWork> RemoteController::list_work() const {
  std::vector<GivenWork> work;
  for (const auto& [key, item] : items_)
    if (!item.agent.empty()) work.push_back({item.agent, {name(), key}, true});
  return work;
}

std::optional<Duration> RemoteController::last_work(const AgentId& agent) const {
  const auto it = nodes_.find(agent);
  if (it == nodes_.end() || it->second.worked == Duration(0)) return std::nullopt;
  return it->second.seen.activity == AgentActivity::busy ? loop_.now() : it->second.worked;
}

// --- what breaks

void RemoteController::cut_off() {
  if (calm_) return;
  note("cannot be reached by the server");
  witness_.count(Happening::controller_cut_off);
  frozen_ = look();
  reached_ = false;
  on_trouble();
  loop_.after(dice_.between(Duration(1s), kLongestCut), [this] {
    note("is reached again");
    reached_ = true;
    reached_since_ = loop_.now();
    on_trouble();
    tell_changed();
    loop_.after(dice_.jitter(Duration(60s)), [this] { cut_off(); });
  });
}

void RemoteController::kill_one() {
  if (calm_) return;
  std::vector<AgentId> there;
  for (const auto& [id, node] : nodes_)
    if (!node.machine.empty()) there.push_back(id);
  if (!there.empty()) {
    const auto& id = dice_.pick(there);
    const auto machine = nodes_.at(id).machine;
    witness_.disturbed_agents.insert(id.str());
    note("agent " + id.str() + " is killed");
    lose_machine(machine);
    on_exit(machine, "the agent was killed by signal 9");
  }
  loop_.after(dice_.jitter(Duration(90s)), [this] { kill_one(); });
}

// --- agents

// One that is not wanted, or has another secret, leaves.
void RemoteController::start_agent(const std::string& machine, const ports::LaunchSpec& spec) {
  const auto id = spec.agent;
  const auto secret = spec.secret;
  loop_.after(dice_.jitter(Duration(50ms)), [this, id, machine, secret] {
    const auto it = nodes_.find(id);
    if (it == nodes_.end() || it->second.secret.expose() != secret.expose())
      return on_exit(machine, "the agent was refused");
    connect(id, machine);
  });
}

void RemoteController::connect(const AgentId& id, const std::string& machine) {
  auto& node = nodes_.at(id);
  if (node.seen.activity != AgentActivity::expected || !node.machine.empty()) return;
  note("agent " + id.str() + " connects");
  node.machine = machine;
  node.seen.connected_at = node.seen.idle_since = clock_of_server();
  node.seen.activity = AgentActivity::idle;
  if (node.draining) return leave(id, node, EndReason::drained, "drained");
  hand_over();
}

// To each agent its own item, or the oldest that it fits.
void RemoteController::hand_over() {
  for (auto& [id, node] : nodes_) {
    if (node.seen.activity != AgentActivity::idle || node.draining) continue;
    Item* best = nullptr;
    for (auto& [key, item] : items_) {
      if (item.state != State::queued) continue;
      const auto label = model::parse_label_expression(item.label);
      if (!model::fits(*label, node.registration.labels, node.registration.is_default)) continue;
      if (best == nullptr || key == node.registration.for_item) best = &item;
    }
    if (best != nullptr) give(id, node, *best);
  }
  tell_changed();
}

void RemoteController::give(const AgentId& id, Node& node, Item& item) {
  note(fmt::format("item {} is at work on {}", item.key, id.str()));
  item.state = State::at_work;
  item.changed = node.worked = loop_.now();
  item.agent = id;
  node.seen.activity = AgentActivity::busy;
  node.seen.idle_since = {};
  node.seen.working_on = item.key;
  node.seen.started = true;
  loop_.after(dice_.jitter(habits_.work), [this, id, key = item.key] { finish(id, key); });
}

void RemoteController::finish(const AgentId& id, const std::string& key) {
  auto& item = items_.at(key);
  const auto it = nodes_.find(id);
  if (item.state != State::at_work || it == nodes_.end() || item.agent != id) return;
  note("item " + key + " is done");
  item.state = State::over;
  auto& node = it->second;
  item.changed = node.worked = loop_.now();
  ++node.seen.builds_done;
  node.seen.working_on.clear();
  node.seen.started = false;
  const auto most = node.registration.max_builds;
  const bool is_spent = model::is_spent(most, node.seen.builds_done);
  if (is_spent || node.draining)
    return leave(id, node, is_spent ? model::spent_reason(most) : EndReason::drained, "its work is done");
  node.seen.activity = AgentActivity::idle;
  node.seen.idle_since = clock_of_server();
  hand_over();
}

void RemoteController::leave(const AgentId& id, Node& node, EndReason reason, const std::string& why) {
  node.seen.activity = AgentActivity::done;
  node.seen.end_reason = reason;
  note("agent " + id.str() + " leaves: " + why);
  tell_changed();
  const auto machine = std::exchange(node.machine, {});
  if (!machine.empty())
    loop_.after(dice_.jitter(Duration(10ms)), [this, machine, why] { on_exit(machine, why); });
}

void RemoteController::lose_machine(const std::string& machine) {
  const auto it =
      std::ranges::find_if(nodes_, [&](const auto& one) { return one.second.machine == machine; });
  if (machine.empty() || it == nodes_.end()) return;
  auto& [id, node] = *it;
  node.machine.clear();
  lose_work(id);
  node.seen.activity = AgentActivity::lost;
  node.seen.end_reason = EndReason::session_lost;
  node.seen.working_on.clear();
  node.seen.started = false;
  tell_changed();
}

// Work that had begun is lost with its agent: only to what has really happened to that.
void RemoteController::lose_work(const AgentId& id) {
  for (auto& [key, item] : items_) {
    if (item.state != State::at_work || item.agent != id) continue;
    note(fmt::format("item {} is lost with agent {}", key, id.str()));
    item.state = State::over;
    item.changed = loop_.now();
    if (!witness_.disturbed_agents.contains(id.str()) && !witness_.ended_by_people.contains(id.str()))
      report(fmt::format("item {} was at work on agent {}, which was ended though nothing had happened to it",
                         key, id.str()));
  }
}

RemoteController::Seen RemoteController::look() const {
  Seen seen;
  for (const auto& [key, item] : items_)
    if (item.state == State::queued) seen.demand.push_back({key, item.label, item.since, "jenkins #" + key});
  for (const auto& [id, node] : nodes_) seen.agents[id] = node.seen;
  return seen;
}

void RemoteController::tell_changed() {
  if (!reached_) return;
  if (const auto listener = listener_.lock()) (*listener)();
}

// --- one life's port

std::unique_ptr<OtherPort> RemoteController::make_port(OtherParts parts) {
  return std::make_unique<RemotePort>(*this, std::move(parts.control), parts.clock);
}

std::vector<ports::DemandItem> RemotePort::demand() const {
  return remote_.reached_ ? remote_.look().demand : remote_.frozen_.demand;
}

ports::AgentObservation RemotePort::observe_agent(AgentId id) const {
  if (remote_.reached_) {
    const auto it = remote_.nodes_.find(id);
    return it == remote_.nodes_.end() ? ports::AgentObservation() : it->second.seen;
  }
  const auto it = remote_.frozen_.agents.find(id);
  return it == remote_.frozen_.agents.end() ? ports::AgentObservation() : it->second;
}

Awaitable<bool> RemotePort::arrive() {
  co_await runtime::sleep_for(clock_, remote_.dice_.jitter(Duration(3ms)));
  if (remote_.reached_) co_return true;
  co_await runtime::sleep_for(clock_, kRemotePatience);
  co_return false;
}

Awaitable<base::Result<ports::AgentBootstrap>> RemotePort::register_agent(
    ports::AgentRegistration registration) {
  if (!co_await arrive()) co_return base::fail(base::Errc::unavailable, "the controller cannot be reached");
  if (!remote_.items_.contains(registration.for_item))
    remote_.report(fmt::format("agent {} is registered for item '{}', which is none of this controller's",
                               registration.id.str(), registration.for_item));
  remote_.known_.insert(registration.id);
  auto& node = remote_.nodes_[registration.id];
  if (node.secret.expose().empty()) {
    node.secret = base::Secret(fmt::format("the secret of {}", registration.id.str()));
    node.seen.activity = AgentActivity::expected;
    node.registration = std::move(registration);
  }
  const auto secret = node.secret;
  co_await runtime::sleep_for(clock_, remote_.dice_.jitter(Duration(3ms)));
  co_return ports::AgentBootstrap{secret};
}

Awaitable<base::Status> RemotePort::drain_agent(AgentId id) {
  if (!co_await arrive()) co_return base::fail(base::Errc::unavailable, "the controller cannot be reached");
  const auto it = remote_.nodes_.find(id);
  if (it == remote_.nodes_.end()) co_return base::fail(base::Errc::not_found, "no such agent");
  it->second.draining = true;
  if (it->second.seen.activity == AgentActivity::idle)
    remote_.leave(id, it->second, EndReason::drained, "drained");
  co_return base::Status();
}

Awaitable<base::Status> RemotePort::remove_agent(AgentId id, ports::AgentEnd) {
  if (!co_await arrive()) co_return base::fail(base::Errc::unavailable, "the controller cannot be reached");
  const auto it = remote_.nodes_.find(id);
  if (it == remote_.nodes_.end()) co_return base::Status();
  remote_.lose_work(id);
  const auto machine = it->second.machine;
  remote_.nodes_.erase(it);
  if (!machine.empty()) remote_.on_exit(machine, "the agent was removed");
  co_return base::Status();
}

void RemotePort::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  const auto it = remote_.items_.find(item_key);
  if (it == remote_.items_.end())
    return remote_.report(
        fmt::format("it is told why item '{}' waits, which is none of this controller's", item_key));
  it->second.reason = std::move(reason);
}

void RemotePort::set_on_change(std::function<void()> look_again) {
  if (!look_again) return listener_.reset();
  listener_ = std::make_shared<std::function<void()>>(
      [executor = control_, call = std::move(look_again)] { runtime::post(executor, call); });
  remote_.listener_ = listener_;
}

}  // namespace footman::sim
