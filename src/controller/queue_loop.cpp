#include "controller/queue_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <queue>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/number.hpp"

namespace footman::controller {

using model::ItemView;

namespace {

constexpr Duration kLongestLookPause = 1min;  // nothing depends on it: every change wakes the loop

// For a reason of its own: those behind it may be built.
bool is_held(const BuildEntry& entry) { return entry.item.in_doubt || !entry.lost_agent.empty(); }

QueueItemId item_of_key(const std::string& key) {
  return QueueItemId(base::find_number<std::int64_t>(key).value_or(0));
}

}  // namespace

QueueLoop::QueueLoop(Core& core, Builds& builds)
    : core_(core),
      builds_(builds),
      waiting_(core.parts.metrics.gauge("footman_queue_items", "Items that wait in the queue")) {}

QueueLoop::SlotMap QueueLoop::slots_under_way() const {
  SlotMap slots;
  for (const auto& [path, job] : core_.jobs)
    if (job.max_concurrent > 0) slots.emplace(path, Slots{});
  for (auto& [path, slot] : slots) {
    const auto found = core_.under_way.find(path);
    if (found == core_.under_way.end()) continue;
    const auto& last = *found->second.rbegin()->second;
    slot = {static_cast<std::uint32_t>(found->second.size()), last.build.number, last.started()};
  }
  return slots;
}

ItemView QueueLoop::view_of(const BuildEntry& entry, Instant at, SlotMap& slots) const {
  if (entry.assignment || !entry.reserved.empty()) return ItemView::pending;
  if (entry.quiet_until > at) return ItemView::waiting;
  if (is_held(entry)) return ItemView::blocked;
  if (entry.build.job.empty()) return ItemView::buildable;
  const auto job = core_.jobs.find(entry.build.job);
  if (job == core_.jobs.end()) return ItemView::buildable;
  if (!job->second.enabled) return ItemView::blocked;
  if (job->second.max_concurrent == 0) return ItemView::buildable;
  auto& slot = slots[entry.build.job];
  if (slot.used >= job->second.max_concurrent) return ItemView::blocked;
  ++slot.used;
  slot.number = entry.build.number;
  slot.running = false;
  return ItemView::buildable;
}

ports::WaitReason QueueLoop::blocked_reason(const BuildEntry& entry, const SlotMap& slots) const {
  if (entry.item.in_doubt)
    return {"state_unknown",
            "It waited in a database that was put back or copied, and may have run since. It waits until a "
            "person lets it run with `footman reconcile --apply`, or cancels it.",
            {},
            {}};
  if (!entry.lost_agent.empty())
    return {
        "lost_agent",
        fmt::format("Agent {}, with which build {} was lost, may still be at work; this build, which runs "
                    "in its place, waits until that one is known to have ended.",
                    entry.lost_agent.str(), entry.build.retry_of.str()),
        entry.lost_agent,
        {}};
  const auto job = core_.jobs.find(entry.build.job);
  if (job != core_.jobs.end() && !job->second.enabled)
    return {"job_disabled", fmt::format("Job {} is disabled.", entry.build.job.str()), {}, {}};
  const auto slot = slots.find(entry.build.job);
  const auto number = slot == slots.end() ? 0 : slot->second.number;
  const auto most = job == core_.jobs.end() ? 0 : job->second.max_concurrent;
  const auto* what = slot != slots.end() && slot->second.running ? "is running" : "comes first";
  if (most <= 1)
    return {"concurrency", fmt::format("Build #{} {}; the job allows one at a time.", number, what), {}, {}};
  return {"concurrency",
          fmt::format("{} builds of the job are under way (build #{} {}); it allows {}.", most, number, what,
                      most),
          {},
          {}};
}

QueueEntry QueueLoop::entry_of(const BuildEntry& entry, ItemView view, const SlotMap& slots) const {
  QueueEntry shown{entry.item, entry.build.number, title_of(entry.build), view, {}};
  switch (view) {
    case ItemView::waiting:
      shown.item.quiet_until = core_.even.on_wall(entry.quiet_until);
      shown.reason = {"quiet_period",
                      "Its quiet period lasts until " + format_rfc3339(shown.item.quiet_until) + ".",
                      {},
                      shown.item.quiet_until};
      break;
    case ItemView::blocked:
      shown.reason = blocked_reason(entry, slots);
      break;
    case ItemView::buildable:
      if (core_.storage_full())
        shown.reason = {
            "storage_full", "No space is left in the data directory: nothing is started.", {}, {}};
      else if (entry.fleet_reason != nullptr)
        shown.reason = *entry.fleet_reason;
      else
        shown.reason = {"no_idle_agent", "No idle agent fits; the fleet decides next.", {}, {}};
      break;
    case ItemView::pending: {
      const auto agent = entry.assignment ? entry.assignment->agent : entry.reserved;
      const bool accepted = entry.assignment && entry.assignment->state != model::AssignmentState::offered;
      shown.reason = {
          accepted ? "starting" : "offered",
          fmt::format("Agent {} {}.", agent.str(), accepted ? "has it and starts it" : "is offered it"),
          agent,
          {}};
      break;
    }
    case ItemView::left:
      break;
  }
  return shown;
}

std::vector<QueueEntry> QueueLoop::entries() const {
  auto slots = slots_under_way();
  const auto at = core_.time();
  std::vector<std::pair<const BuildEntry*, ItemView>> views;
  for (const auto& [id, entry] : core_.builds)
    if (!entry->started()) views.emplace_back(entry.get(), view_of(*entry, at, slots));
  std::vector<QueueEntry> all;
  all.reserve(views.size());
  for (const auto& [entry, view] : views) all.push_back(entry_of(*entry, view, slots));
  return all;
}

std::optional<QueueEntry> QueueLoop::find_entry(BuildId build) const {
  const auto wanted = core_.find_build(build);
  if (!wanted || wanted->started()) return std::nullopt;
  auto slots = slots_under_way();
  const auto at = core_.time();
  for (const auto& [id, entry] : core_.queue.all()) {
    const auto view = view_of(*entry, at, slots);
    if (entry == wanted) return entry_of(*entry, view, slots);
  }
  return entry_of(*wanted, view_of(*wanted, at, slots), slots);
}

QueueLoop::Items QueueLoop::list_demand(Instant at) const {
  Items ids;
  if (core_.stopping) return ids;
  auto slots = slots_under_way();
  for (const auto& [id, entry] : core_.queue.all())
    if (view_of(*entry, at, slots) == ItemView::buildable && !entry->build.cancel_requested)
      ids.insert(ids.end(), id);
  return ids;
}

ports::DemandItem QueueLoop::describe_item(QueueItemId id) const {
  const auto& entry = *core_.queue.all().at(id);
  return {id.str(), entry.item.label, core_.even.on_wall(entry.buildable_since), title_of(entry.build)};
}

std::vector<ports::DemandItem> QueueLoop::demand() const {
  std::vector<ports::DemandItem> items;
  for (const auto id : list_demand(core_.time())) items.push_back(describe_item(id));
  return items;
}

// What is said of an item never changes while it waits: both lists tell all. Costs what has changed, but for
// changes of jobs and of items of jobs that build only so many at a time.
ports::DemandNews QueueLoop::demand_since(std::uint64_t version) {
  const bool complete = version == 0 || version != told_version_;
  if (complete) told_demand_.clear();
  ports::DemandNews news{++told_version_, complete, {}, {}};
  const auto changed = std::exchange(core_.changed_items, {});
  Items some(changed.some.begin(), changed.some.end());
  const auto at = core_.time();  // once: an item whose quiet period ends meanwhile would be missed
  for (; !quiet_.empty() && quiet_.begin()->first <= at; quiet_.erase(quiet_.begin()))
    some.insert(quiet_.begin()->second);
  if (complete || changed.all || core_.stopping || !tell_changed(some, at, news)) tell_all(at, news);
  return news;
}

void QueueLoop::tell(QueueItemId id, bool is_wanted, ports::DemandNews& news) {
  if (is_wanted ? !told_demand_.insert(id).second : told_demand_.erase(id) == 0) return;
  if (is_wanted)
    news.items.push_back(describe_item(id));
  else
    news.gone.push_back(id.str());
}

void QueueLoop::tell_all(Instant at, ports::DemandNews& news) {
  const auto wanted = list_demand(at);
  Items gone;
  std::ranges::set_difference(told_demand_, wanted, std::inserter(gone, gone.end()));
  for (const auto id : gone) tell(id, false, news);
  for (const auto id : wanted) tell(id, true, news);
  quiet_.clear();
  for (const auto& [id, entry] : core_.queue.all())
    if (entry->quiet_until > at) quiet_.emplace(entry->quiet_until, id);
}

bool QueueLoop::tell_changed(const Items& changed, Instant at, ports::DemandNews& news) {
  const auto find = [&](QueueItemId id) {
    const auto it = core_.queue.all().find(id);
    return it == core_.queue.all().end() ? nullptr : it->second.get();
  };
  for (const auto id : changed) {  // the end of a quiet period is told by nobody
    const auto* entry = find(id);
    const auto job = entry == nullptr ? core_.jobs.end() : core_.jobs.find(entry->build.job);
    if (job != core_.jobs.end() && job->second.max_concurrent > 0 && entry->quiet_until <= at) return false;
  }
  SlotMap no_slots;
  for (const auto id : changed) {
    const auto* entry = find(id);
    const auto view = entry == nullptr ? ItemView::left : view_of(*entry, at, no_slots);
    tell(id, view == ItemView::buildable && !entry->build.cancel_requested, news);
    if (view == ItemView::waiting) quiet_.emplace(entry->quiet_until, id);
  }
  return true;
}

namespace {

// While a template is held one agent is tried now and then: for those that wait all of that is one reason.
std::string_view lasting_code(const ports::WaitReason& reason) {
  return reason.code == "template_half_open" ? std::string_view("template_open") : reason.code;
}

}  // namespace

void QueueLoop::set_wait_reason(const std::string& item_key, ports::SharedReason reason) {
  const auto it = core_.queue.all().find(item_of_key(item_key));
  if (it == core_.queue.all().end()) return;
  const auto before = std::exchange(it->second->fleet_reason, std::move(reason));
  const auto& now = *it->second->fleet_reason;
  if (before != nullptr && *before == now) return;
  const auto last = before == nullptr ? ports::WaitReason() : *before;
  const auto build = it->second->build.id;
  // The history of the build: each agent that is meant for it, and each other reason to wait. Counts within a
  // text change too often to be history.
  if (!now.agent.empty() && now.agent != last.agent)
    core_.note_build(build, "agent_planned", now.text);
  else if (now.agent.empty() && lasting_code(now) != lasting_code(last))
    core_.note_build(build, "held", now.text);
  promise(item_key, last.agent, now.agent);
  core_.publish("queue_item", item_key, "buildable", build.str());
}

// The agent that an item waits for comes to it, whoever else could take it.
void QueueLoop::promise(const std::string& item_key, const AgentId& before, const AgentId& now) {
  if (before == now) return;
  if (auto* node = core_.find_node(before); node != nullptr && node->promised_to == item_key)
    node->promised_to.clear();
  if (auto* node = core_.find_node(now)) node->promised_to = item_key;
}

// --- the loop

Awaitable<void> QueueLoop::run() {
  while (true) {
    if (forget_past_ends() && core_.on_change) core_.on_change();  // items have become buildable
    hand_over();
    co_await core_.look.wait_for(core_.parts.clock, until_next_look());
  }
}

bool QueueLoop::forget_past_ends() {
  auto& quiet = core_.quiet_ends;
  auto& pauses = core_.pause_ends;
  const auto before = quiet.size() + pauses.size();
  quiet.erase(quiet.begin(), quiet.upper_bound(core_.time()));
  pauses.erase(pauses.begin(), pauses.upper_bound(core_.steady()));
  return quiet.size() + pauses.size() < before;
}

Duration QueueLoop::until_next_look() const {
  const auto& quiet = core_.quiet_ends;
  const auto& pauses = core_.pause_ends;
  auto pause = kLongestLookPause;
  if (!quiet.empty()) pause = std::min<Duration>(pause, *quiet.begin() - core_.time());
  if (!pauses.empty()) pause = std::min<Duration>(pause, *pauses.begin() - core_.steady());
  return pause;
}

bool QueueLoop::may_take_work(const NodeEntry* node) const {
  return node != nullptr && !core_.is_silent(*node) && node->not_before <= core_.steady();
}

// By the item that each was launched for, as far as that one still waits, or else by the one that the fleet
// has promised it to.
QueueLoop::OwnAgents QueueLoop::find_own_agents() const {
  OwnAgents own;
  OwnAgents promised;
  for (const auto& [key, group] : core_.ready.groups())
    for (const auto& [created, agent] : group.agents) {
      auto* node = core_.find_node(agent);
      if (!may_take_work(node)) continue;
      if (const auto item = find_queued(node->for_item))
        own.emplace(*item, node);
      else if (const auto other = find_queued(node->promised_to))
        promised.emplace(*other, node);
    }
  own.merge(promised);
  return own;
}

std::optional<QueueItemId> QueueLoop::find_queued(const std::string& key) const {
  if (key.empty()) return std::nullopt;
  const auto item = item_of_key(key);
  return core_.queue.all().contains(item) ? std::optional(item) : std::nullopt;
}

NodeEntry* QueueLoop::find_fitting_agent(const model::LabelExpr& label) const {
  for (const auto& [key, group] : core_.ready.groups()) {
    if (!model::fits(label, group.labels, group.is_default)) continue;
    for (const auto& [created, agent] : group.agents)
      if (auto* node = core_.find_node(agent); may_take_work(node)) return node;
  }
  return nullptr;
}

// Of some lists of items the oldest first, until so many have got one. Items of jobs that build only so many
// at a time are not taken from these: all of such a job take their places in their order, whoever fits them.
// is_over: nobody is left for items like this one.
template <class Choose, class IsOver>
void QueueLoop::reserve_in_order(Offers& offers, std::size_t most,
                                 const std::vector<const Queue::Items*>& lists, Choose choose,
                                 IsOver is_over) {
  auto slots = slots_under_way();
  const auto at = core_.time();
  struct Place {
    Queue::Items::const_iterator next;
    Queue::Items::const_iterator end;
    bool is_of_job = false;
  };
  const auto is_later = [](const Place& a, const Place& b) { return b.next->first < a.next->first; };
  std::priority_queue<Place, std::vector<Place>, decltype(is_later)> places(is_later);
  const auto add = [&](const Queue::Items& items, bool is_of_job) {
    if (!items.empty()) places.push({items.begin(), items.end(), is_of_job});
  };
  for (const auto* items : lists) add(*items, false);
  for (const auto& [job, slot] : slots) add(core_.queue.of_job(job), true);
  while (!places.empty() && most > 0) {
    auto place = places.top();
    places.pop();
    auto& entry = *place.next->second;
    const bool is_taken = slots.contains(entry.build.job) == place.is_of_job;
    const auto view = is_taken ? view_of(entry, at, slots) : ItemView::left;
    if (view == ItemView::buildable && !entry.build.cancel_requested)
      if (NodeEntry* chosen = choose(entry)) {
        offers.emplace_back(entry.build.id, chosen->id());
        core_.reserve(place.next->second, *chosen);
        --most;
      }
    // Once a job has no place left those behind have none either.
    const bool is_over_now = place.is_of_job ? view == ItemView::blocked && !is_held(entry) : is_over(entry);
    if (++place.next != place.end && !is_over_now) places.push(place);
  }
}

// An agent goes to the item that it was launched for or promised to while that one can be built, otherwise to
// the oldest that it fits. So the fleet's count stays right: an older item that took another one's agent
// could leave it with one that does not fit, and one more would be launched. Nothing is kept back: what no
// item of its own takes is there for all in the same look.
// Costs what is given out, labels that somebody waits for × kinds of agents, and all items of jobs that build
// only so many at a time.
void QueueLoop::hand_over() {
  waiting_.set(static_cast<std::int64_t>(core_.queue.all().size()));
  if (core_.stopping || core_.ready.empty() || core_.queue.all().empty()) return;
  Offers offers;
  const auto own = find_own_agents();
  Queue::Items own_items;
  for (const auto& [item, node] : own) own_items.emplace(item, core_.queue.all().at(item));
  const auto take_own = [&](const BuildEntry& entry) -> NodeEntry* {
    const auto it = own.find(entry.item.id);
    if (it == own.end()) return nullptr;
    const auto& node = it->second->node;
    return model::fits(entry.label, node.labels, node.is_default) ? it->second : nullptr;
  };
  if (!own.empty())
    reserve_in_order(offers, own.size(), {&own_items}, take_own, [](const BuildEntry&) { return false; });
  std::vector<const Queue::Items*> hopeful;
  std::unordered_set<std::string_view> hopeless;  // labels: what is ready only becomes less
  for (const auto& [text, one] : core_.queue.by_label())
    if (find_fitting_agent(one.label) == nullptr)
      hopeless.insert(text);
    else
      hopeful.push_back(&one.items);
  const auto is_over = [&](const BuildEntry& entry) { return hopeless.contains(entry.item.label); };
  const auto take_any = [&](const BuildEntry& entry) -> NodeEntry* {
    auto* const node = is_over(entry) ? nullptr : find_fitting_agent(entry.label);
    if (node == nullptr) hopeless.insert(entry.item.label);
    return node;
  };
  if (!hopeful.empty()) reserve_in_order(offers, core_.ready.size(), hopeful, take_any, is_over);
  // What is started here may run at once and change the queue.
  for (auto& [build, agent] : offers) core_.scope.spawn("offer", builds_.offer(build, std::move(agent)));
}

}  // namespace footman::controller
