#include "simulate/trace_controller.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/number.hpp"
#include "runtime/post.hpp"

namespace footman::simulate {

using model::EndReason;
using ports::AgentActivity;
using runtime::Awaitable;

TraceController::TraceController(const BuildTrace& trace, runtime::Clock& clock, runtime::Executor control,
                                 Happenings& happenings, FindAgent find_agent)
    : trace_(trace),
      clock_(clock),
      control_(std::move(control)),
      happenings_(happenings),
      find_agent_(std::move(find_agent)),
      start_(clock.steady()),
      start_wall_(clock.now()) {
  std::map<std::string, LabelNumber> numbers;
  label_of_.reserve(trace.builds.size());
  happenings_.builds.reserve(trace.builds.size());
  for (const auto& build : trace.builds) {
    const auto [it, is_new] = numbers.emplace(build.label, labels_.size());
    if (is_new) labels_.push_back(model::parse_label_expression(build.label).value());
    label_of_.push_back(it->second);
    happenings_.builds.push_back({build.submitted, build.duration, build.label, {}, {}, {}, {}, {}});
  }
  waiting_by_label_.resize(labels_.size());
}

// --- builds arrive

void TraceController::start() { submit_due(); }

void TraceController::submit_due() {
  const auto before = next_;
  while (!has_all() && trace_.builds[next_].submitted <= now()) {
    waiting_.emplace(next_, WaitingItem{"not_looked_at", {}, now()});
    waiting_by_label_[label_of_[next_]].insert(next_);
    changes_.push_back(next_);
    ++next_;
  }
  if (!has_all())
    arrival_ = clock_.call_after(control_, trace_.builds[next_].submitted - now(), [this] { submit_due(); });
  if (next_ == before) return;
  last_event_ = now();
  hand_over_soon();
  tell_changed();
}

void TraceController::tell_changed() {
  if (on_change_) on_change_();
}

// --- work is handed out

// All that happens in one instant is looked at together.
void TraceController::hand_over_soon() {
  if (ready_.empty() || waiting_.empty() || std::exchange(hand_over_planned_, true)) return;
  runtime::post(control_, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) hand_over();
  });
}

void TraceController::hand_over() {
  hand_over_planned_ = false;
  const auto give_all = [this](auto choose) {
    std::erase_if(ready_, [&](const AgentId& id) {
      auto& node = *nodes_.at(id);
      const std::optional<std::size_t> build = choose(node);
      if (build) give(node, *build);
      return build.has_value();
    });
  };
  give_all([this](const TraceNode& node) -> std::optional<std::size_t> {
    const auto own = base::find_number<std::size_t>(node.registration.for_item);
    if (!own || !waiting_.contains(*own) || !fits(node, label_of_[*own])) return std::nullopt;
    return own;
  });
  give_all([this](const TraceNode& node) { return choose_build(node); });
  tell_changed();
}

// The oldest that it fits.
std::optional<std::size_t> TraceController::choose_build(const TraceNode& node) const {
  std::optional<std::size_t> oldest;
  for (LabelNumber label = 0; label < labels_.size(); ++label) {
    const auto& waiting = waiting_by_label_[label];
    if (waiting.empty() || (oldest && *oldest < *waiting.begin()) || !fits(node, label)) continue;
    oldest = *waiting.begin();
  }
  return oldest;
}

bool TraceController::fits(const TraceNode& node, LabelNumber label) const {
  return model::fits(labels_[label], node.registration.labels, node.registration.is_default);
}

void TraceController::give(TraceNode& node, std::size_t build) {
  const auto it = waiting_.find(build);
  count_wait(it->second);
  waiting_.erase(it);
  waiting_by_label_[label_of_[build]].erase(build);
  changes_.push_back(build);
  auto& record = happenings_.builds[build];
  record.started = now();
  if (const auto* agent = find_agent_(node.registration.id)) record.template_name = agent->template_name;
  last_event_ = now();
  ++running_;
  node.build = build;
  node.seen.activity = AgentActivity::busy;
  node.seen.working_on = std::to_string(build);
  node.seen.started = true;
  node.timer =
      clock_.call_after(control_, record.duration, [this, id = node.registration.id] { finish(id); });
}

void TraceController::finish(const AgentId& id) {
  const auto it = nodes_.find(id);
  FOOTMAN_CHECK(it != nodes_.end(), "a node goes with its timer");
  auto& node = *it->second;
  auto& build = happenings_.builds[node.build];
  build.finished = now();
  last_event_ = now();
  --running_;
  ++finished_;
  if (auto* record = find_agent_(id)) {
    record->busy += build.duration;
    ++record->builds;
  }
  ++node.seen.builds_done;
  node.seen.working_on.clear();
  node.seen.started = false;
  const auto most = node.registration.max_builds;
  const bool is_spent = model::is_spent(most, node.seen.builds_done);
  if (is_spent || node.draining) {
    node.seen.activity = AgentActivity::done;
    node.seen.end_reason = is_spent ? model::spent_reason(most) : EndReason::drained;
  } else {
    make_idle(id, node);
  }
  tell_changed();
}

void TraceController::make_idle(const AgentId& id, TraceNode& node) {
  node.seen.activity = AgentActivity::idle;
  node.seen.idle_since = clock_.now();
  ready_.push_back(id);
  hand_over_soon();
}

// --- agents

void TraceController::connect(const AgentId& id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end() || it->second->seen.activity != AgentActivity::expected) return;
  if (auto* record = find_agent_(id)) record->connected = now();
  auto& node = *it->second;
  node.seen.connected_at = clock_.now();
  if (node.draining) {
    node.seen.activity = AgentActivity::done;
    node.seen.end_reason = EndReason::drained;
  } else {
    make_idle(id, node);
  }
  tell_changed();
}

Awaitable<Result<ports::AgentBootstrap>> TraceController::register_agent(
    ports::AgentRegistration registration) {
  auto& node = nodes_[registration.id];
  if (!node) {
    node = std::make_unique<TraceNode>();
    node->seen.activity = AgentActivity::expected;
    node->registration = std::move(registration);
  }
  co_return ports::AgentBootstrap{Secret("simulated")};
}

ports::AgentObservation TraceController::observe_agent(AgentId id) const {
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? ports::AgentObservation() : it->second->seen;
}

Awaitable<Status> TraceController::drain_agent(AgentId id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) co_return fail(Errc::not_found, "there is no such agent");
  auto& node = *it->second;
  node.draining = true;
  if (node.seen.activity == AgentActivity::idle) {
    std::erase(ready_, id);
    node.seen.activity = AgentActivity::done;
    node.seen.end_reason = EndReason::drained;
    tell_changed();
  }
  co_return Status();
}

Awaitable<Status> TraceController::remove_agent(AgentId id, ports::AgentEnd) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) co_return Status();
  if (it->second->seen.activity == AgentActivity::busy) {
    --running_;
    ++lost_;
    last_event_ = now();
  }
  std::erase(ready_, id);
  nodes_.erase(it);
  tell_changed();
  co_return Status();
}

// --- why builds wait

void TraceController::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  const auto build = base::find_number<std::size_t>(item_key);
  const auto it = build ? waiting_.find(*build) : waiting_.end();
  if (it == waiting_.end()) return;
  it->second.told = std::move(reason);
  const auto& code = it->second.told->code;
  if (it->second.reason == code) return;
  count_wait(it->second);
  it->second.reason = code;
}

// What an item has waited for the reason it has up to now.
void TraceController::count_wait(WaitingItem& item) {
  const auto waited = now() - std::exchange(item.since, now());
  if (waited <= Duration(0)) return;
  auto& total = happenings_.holds[item.reason];
  total.waited += waited;
  ++total.times;
}

void TraceController::close() {
  for (auto& [build, item] : waiting_) {
    count_wait(item);
    happenings_.builds[build].last_reason = item.reason;
    if (item.told != nullptr) happenings_.builds[build].last_text = item.told->text;
  }
}

std::vector<ports::DemandItem> TraceController::demand() const {
  std::vector<ports::DemandItem> items;
  items.reserve(waiting_.size());
  for (const auto& [build, item] : waiting_) items.push_back(item_of(build));
  return items;
}

// The version is the number of changes, and one.
ports::DemandNews TraceController::demand_since(std::uint64_t version) {
  const auto newest = changes_.size() + 1;
  if (version == 0 || version > newest) return {newest, true, demand(), {}};
  const std::set<std::size_t> changed(changes_.begin() + static_cast<std::ptrdiff_t>(version - 1),
                                      changes_.end());
  ports::DemandNews news{newest, false, {}, {}};
  for (const auto build : changed) {
    if (waiting_.contains(build))
      news.items.push_back(item_of(build));
    else
      news.gone.push_back(std::to_string(build));
  }
  return news;
}

ports::DemandItem TraceController::item_of(std::size_t build) const {
  return {std::to_string(build), labels_[label_of_[build]].text(),
          start_wall_ + trace_.builds[build].submitted, trace_.builds[build].job};
}

}  // namespace footman::simulate
