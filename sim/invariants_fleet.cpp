// Invariants of what the fleet does: pools, pauses, breakers, pace, holds, and the time that agents are
// given.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "model/label.hpp"
#include "policy/provisioning_plan.hpp"
#include "sim/invariants.hpp"

namespace footman::sim {

using base::AgentId;
using model::EndReason;

namespace {

constexpr Duration kIdleMargin = 3min;  // calls to the cloud may be slow and be tried again
constexpr Duration kPoolMargin = 5s;    // between what a plan has seen and what is stored
constexpr Duration kUnseenWork = 10s;   // jenkins::kRegularLook
constexpr Duration kAskedAgain = 35s;   // after a controller has refused the server for long
constexpr Duration kSpareMargin = 2s;   // the same, while nothing is broken
constexpr Duration kPauseMargin = 2s;   // until what was planned before a pause is stored
constexpr Duration kEndMargin = 2s;     // what the life before had asked of a cloud arrives
constexpr Duration kTimeMargin = 1s;
constexpr std::size_t kLaunchesInAMinute = 60;
constexpr std::size_t kAsksInAMinute = 40;

}  // namespace

// --- pools

const fleet::Template* Checker::find_template(const base::TemplateName& name) const {
  const auto& templates = parts_.server.fleet_config().templates;
  const auto found = std::ranges::find(templates, name, &fleet::Template::name);
  return found == templates.end() ? nullptr : &*found;
}

const SimCloud* Checker::find_cloud(const base::CloudName& name) const {
  const auto found = std::ranges::find_if(
      parts_.clouds, [&](const SimCloud* one) { return one->traits().name == name.str(); });
  return found == parts_.clouds.end() ? nullptr : *found;
}

// By the clock on the wall.
void Checker::note_pool_sizes() {
  const auto now = parts_.loop.now();
  for (const auto& one : parts_.server.fleet_config().templates) {
    auto& sizes = pool_sizes_[one.name];
    const auto size = model::pool_at(one.pool, parts_.server.wall_now()).size;
    if (sizes.empty() || sizes.back().second != size) sizes.emplace_back(now, size);
    while (sizes.size() > 1 && sizes[1].first < now - kIdleMargin) sizes.pop_front();
  }
}

std::size_t Checker::count_agents(const base::TemplateName& name) const {
  return static_cast<std::size_t>(std::ranges::count(rows_.agents, name, &model::Agent::template_name));
}

std::size_t Checker::wanted_by_pool(const fleet::Template& of, std::size_t at_work, Duration since) const {
  const auto sizes = pool_sizes_.find(of.name);
  if (sizes == pool_sizes_.end()) return 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < sizes->second.size(); ++i) {
    const bool was_over = i + 1 < sizes->second.size() && sizes->second[i + 1].first < since;
    if (was_over) continue;
    most = std::max<std::size_t>(
        most, model::pool_target(sizes->second[i].second, static_cast<std::uint32_t>(at_work)));
  }
  return most;
}

void Checker::note_waiting() {
  const auto now = parts_.loop.now();
  const auto count = std::ranges::count(rows_.items, model::ItemState::queued, &model::QueueItem::state);
  const auto others = parts_.remote == nullptr
                          ? 0
                          : std::ranges::count_if(parts_.remote->list_queued(), &QueuedItem::may_be_wanted);
  waiting_.emplace_back(now, static_cast<std::size_t>(count + others));
  while (waiting_.front().first < now - kPoolMargin) waiting_.pop_front();
}

// --- launches for items

// Quiet periods end by the wall clock, or by the time that has passed, in which nobody set it.
QueuedItem Checker::describe_queued(const model::QueueItem& item) const {
  QueuedItem queued{{base::ControllerName(std::string(model::kBuiltInController)), item.id.str()}};
  const auto build = std::ranges::find(rows_.builds, item.build, &model::Build::id);
  const bool waits =
      item.state == model::ItemState::queued && build != rows_.builds.end() && !build->cancel_requested;
  queued.may_be_unwanted = !waits || item.in_doubt;
  if (queued.may_be_unwanted) return queued;
  const auto seen = item_seen_.find(item.id);
  const auto had = seen == item_seen_.end() ? Duration(0) : parts_.loop.now() - seen->second;
  const auto left =
      std::minmax({item.quiet_until - parts_.server.wall_now(), item.quiet_until - item.since - had});
  const bool is_quiet = item.quiet_until.is_set();
  const auto job = std::ranges::find(rows_.jobs, item.job, &model::Job::path);
  const bool is_free = job == rows_.jobs.end() || item.job.empty() || job->enabled;
  const bool has_slots = is_free && job != rows_.jobs.end() && job->max_concurrent > 0;
  const auto others = std::ranges::count_if(
      rows_.builds, [&](const model::Build& one) { return one.job == item.job && one.id != item.build; });
  const auto running = std::ranges::count_if(rows_.assignments, [&](const model::Assignment& one) {
    const auto of = std::ranges::find(rows_.builds, one.build, &model::Build::id);
    return is_open(one) && of != rows_.builds.end() && of->job == item.job;
  });
  queued.may_be_wanted =
      !(is_quiet && left.first > kTimeMargin) && is_free && !(has_slots && running >= job->max_concurrent);
  queued.may_be_unwanted =
      (is_quiet && left.second > -kTimeMargin) || !is_free || (has_slots && others >= job->max_concurrent);
  return queued;
}

std::vector<QueuedItem> Checker::list_queued() const {
  std::vector<QueuedItem> queued;
  queued.reserve(rows_.items.size());
  for (const auto& item : rows_.items) queued.push_back(describe_queued(item));
  if (parts_.remote != nullptr) std::ranges::copy(parts_.remote->list_queued(), std::back_inserter(queued));
  return queued;
}

void Checker::note_accounts() {
  std::vector<GivenWork> work;
  for (const auto& one : rows_.assignments)
    if (is_open(one))
      work.push_back({one.agent,
                      {base::ControllerName(std::string(model::kBuiltInController)), one.item.str()},
                      one.state == model::AssignmentState::started});
  if (parts_.remote != nullptr) {
    std::ranges::copy(parts_.remote->list_work(), std::back_inserter(work));
    for (const auto& row : rows_.agents)
      if (const auto last = parts_.remote->last_work(row.id)) {
        active_[row.id] = *last;
        used_agents_.insert(row.id);
      }
  }
  accounts_.note_items(list_queued());
  accounts_.note_work(work);
  accounts_.note_agents(rows_.agents);
}

// The fleet may know that before the row does, and the row may not know which machine it is.
bool Checker::has_lost_its_machine(const model::Agent& row) const {
  return std::ranges::any_of(parts_.clouds, [&](const SimCloud* cloud) {
    return std::ranges::any_of(cloud->machines(), [&](const auto& one) {
      return one.second.spec.agent == row.id && !one.second.live();
    });
  });
}

// Something has happened to it, of which the fleet may know before anybody else does.
bool Checker::is_doubtful(const model::Agent& row) const {
  const auto& id = row.id.str();
  const auto& witness = parts_.witness;
  const auto* remote = parts_.remote;
  if (remote != nullptr && row.controller == remote->name() &&
      (!remote->is_reached() || parts_.loop.now() - remote->reached_since() < kPoolMargin))
    return true;
  // Its launch has no answer, and its end would wait for that.
  const auto seen = first_seen_.find(row.id);
  const bool is_new = seen == first_seen_.end() || parts_.loop.now() - seen->second < kSpareMargin;
  if (row.state == model::AgentState::launching && !is_new) return true;
  // By a database in doubt it is on its way: it may be at work for another server.
  if (waits_for_a_person(parts_.server) && !has_come(row.id)) return true;
  return witness.disturbed_agents.contains(id) || witness.ended_by_people.contains(id) ||
         witness.drained_by_people.contains(id) || parts_.cut_off_since(row.id).has_value();
}

// Another configuration of its template is in force: it goes, though a controller that is away may keep it
// for long.
bool Checker::is_outdated(const model::Agent& row) const {
  return std::ranges::any_of(rows_.agents, [&](const model::Agent& one) {
    return one.template_name == row.template_name && one.template_generation > row.template_generation;
  });
}

// Connected and without work, or on its way to an item that does not wait any more.
bool Checker::is_spare(const model::Agent& row) const {
  if (!model::is_serving(row.state)) return false;
  if (row.max_builds != 0 && row.builds_done >= row.max_builds) return false;
  const auto activity = activity_of(row);
  if (activity != ports::AgentActivity::expected && activity != ports::AgentActivity::idle) return false;
  if (has_lost_its_machine(row) || is_doubtful(row)) return false;
  const auto own = find_demanded({row.controller, row.for_item});
  if (own && row.controller != parts_.server.controller().name()) return false;
  return std::ranges::none_of(rows_.assignments,
                              [&](const auto& one) { return one.agent == row.id && is_open(one); }) &&
         std::ranges::none_of(rows_.items, [&](const model::QueueItem& item) {
           return item.id.str() == row.for_item && item.state == model::ItemState::queued;
         });
}

void Checker::note_spare() {
  if (!parts_.server.up()) {
    spare_since_.clear();
    return;
  }
  const auto now = parts_.loop.now();
  std::map<AgentId, Duration> spare;
  for (const auto& row : rows_.agents) {
    if (!is_spare(row)) continue;
    const auto known = spare_since_.find(row.id);
    spare[row.id] = known == spare_since_.end() ? now : known->second;
  }
  spare_since_ = std::move(spare);
  demand_.emplace_back(now, parts_.server.controller().demand().size());
  while (demand_.front().first < now - kPoolMargin) demand_.pop_front();
}

ports::AgentActivity Checker::activity_of(const model::Agent& row) const {
  if (parts_.remote == nullptr || row.controller != parts_.remote->name())
    return parts_.server.controller().observe_agent(row.id).activity;
  return parts_.remote->is_reached() ? parts_.remote->activity_of(row.id) : ports::AgentActivity::unknown;
}

// An item that is in a queue, and how many others may want an agent, or did a moment ago.
std::optional<Checker::Demanded> Checker::find_demanded(const ItemKey& key) const {
  if (parts_.remote != nullptr && key.first == parts_.remote->name())
    return parts_.remote->find_demanded(key.second, kPoolMargin);
  const auto item =
      std::ranges::find(rows_.items, key.second, [](const model::QueueItem& one) { return one.id.str(); });
  if (item == rows_.items.end() || demand_.empty()) return std::nullopt;
  const auto lately =
      std::ranges::max_element(demand_, {}, &std::pair<Duration, std::size_t>::second)->second;
  const auto most = std::max(lately, parts_.server.controller().demand().size());  // it may just have come
  return Demanded{item->label, std::max<std::size_t>(most, 1) - 1};
}

// Sure is only what no way to give the spare ones to the other items could explain.
void Checker::note_item_launches(const std::map<AgentId, const model::Agent*>& before) {
  const auto now = parts_.loop.now();
  if (!parts_.server.up() || demand_.empty()) return;
  if (now - std::max(storage_failed_, parts_.server.up_since()) < kSpareMargin) return;
  for (const auto& row : rows_.agents) {
    if (row.for_item.empty() || before.contains(row.id) || ended_rows_.contains(row.id)) continue;
    const auto demanded = find_demanded({row.controller, row.for_item});
    if (!demanded) continue;
    const auto label = model::parse_label_expression(demanded->label);
    if (!label) continue;
    ItemLaunch launch{row.for_item, row.id, {}, demanded->others, now};
    for (const auto& [id, since] : spare_since_) {
      const auto* other = find_row(id);
      if (other != nullptr && now - since >= kSpareMargin && other->controller == row.controller &&
          !is_outdated(*other) && model::fits(*label, other->labels, form_of(*other).is_default))
        launch.spare.insert(id);
    }
    if (launch.spare.size() > launch.others) item_launches_.push_back(std::move(launch));
  }
}

void Checker::look_at_item_launches() {
  if (!parts_.server.up()) return item_launches_.clear();
  std::erase_if(item_launches_, [&](ItemLaunch& one) {
    std::erase_if(one.spare, [&](const AgentId& id) {
      const auto since = spare_since_.find(id);
      return since == spare_since_.end() || since->second > one.at;  // it was at work meanwhile
    });
    if (one.spare.size() <= one.others) return true;
    if (parts_.loop.now() - std::max(one.at, storage_failed_) <= kEndingMargin) return false;
    report(
        "launches_are_needed",
        fmt::format("agent {} was launched for item {}, but {} had nothing to do, and {} other items waited",
                    one.agent.str(), one.item, one.spare.begin()->str(), one.others));
    return true;
  });
}

// --- launches for pools

// Each item that waits may have one of the agents without work; what has ended or is at work by the time that
// its end or work is stored does not count.
void Checker::note_pool_launches(const std::map<AgentId, const model::Agent*>& before) {
  std::set<base::TemplateName> launched;
  for (const auto& row : rows_.agents)
    if (row.for_item.empty() && !before.contains(row.id) && !ended_rows_.contains(row.id))
      launched.insert(row.template_name);
  for (const auto& name : launched) {
    const auto* of = find_template(name);
    if (of == nullptr) continue;
    const auto now = parts_.loop.now();
    PoolLaunch launch{name, {}, wanted_by_pool(*of, count_agents(name), now - kPoolMargin), now};
    launch.allowed +=
        std::ranges::max_element(waiting_, {}, &std::pair<Duration, std::size_t>::second)->second;
    for (const auto& row : rows_.agents) {
      if (is_outdated(row)) continue;
      if (row.controller.str() != model::kBuiltInController) continue;  // pools are that one's
      const auto last = active_.find(row.id);
      const bool works = last != active_.end() && parts_.loop.now() - last->second < kPoolMargin;
      if (row.template_name == name && model::is_serving(row.state) && !works)
        launch.without_work.insert(row.id);
    }
    if (launch.without_work.size() > launch.allowed) pool_launches_.push_back(std::move(launch));
  }
}

void Checker::look_at_pool_launches() {
  std::erase_if(pool_launches_, [&](PoolLaunch& one) {
    std::erase_if(one.without_work, [&](const AgentId& id) {
      const auto* row = find_row(id);
      return row == nullptr || !model::is_serving(row->state) || is_doubtful(*row) ||
             has_lost_its_machine(*row);
    });
    if (one.without_work.size() <= one.allowed) return true;
    if (parts_.loop.now() - std::max(one.at, storage_failed_) <= kEndingMargin) return false;
    report("pools_are_filled_once",
           fmt::format("template '{}' has {} agents without work after a launch for its pool, {} are wanted",
                       one.template_name.str(), one.without_work.size(), one.allowed));
    return true;
  });
}

bool Checker::only_pools_are_left() const {
  std::map<base::TemplateName, std::size_t> left;
  for (const auto& row : rows_.agents) {
    if (!model::is_serving(row.state)) return false;
    ++left[row.template_name];
  }
  return std::ranges::all_of(left, [&](const auto& one) {
    const auto* of = find_template(one.first);
    return of != nullptr && one.second <= wanted_by_pool(*of, 0, parts_.loop.now());
  });
}

// --- launches

void Checker::note_new_agents() {
  const auto now = parts_.loop.now();
  for (const auto& row : rows_.agents) {
    if (row.connected.is_set() && connected_.emplace(row.id, now).second)
      connected_in_[row.id] = parts_.server.starts();
    if (!first_seen_.emplace(row.id, now).second) continue;
    const auto paused = parts_.witness.paused.find(row.cloud);
    if (paused != parts_.witness.paused.end() && now - paused->second > kPauseMargin)
      report("paused_is_paused", fmt::format("agent {} is launched in cloud '{}', which is paused since {} s",
                                             row.id.str(), row.cloud.str(), format_time(paused->second)));
    look_at_breaker(row);
    look_at_wishes(row);
    look_at_money(row);
    look_at_strays(row);
    keep_pace(launches_[row.template_name], kLaunchesInAMinute,
              fmt::format("agents of template '{}' are launched", row.template_name.str()));
  }
}

// As the fleet shows it: what was planned since the breaker came into its state is a launch too many, but for
// the probe.
void Checker::look_at_breaker(const model::Agent& row) {
  if (!parts_.server.up()) return;
  for (const auto& cloud : parts_.server.fleet().list_clouds())  // now, not at the last look
    for (const auto& one : cloud.templates) {
      const auto& breaker = one.breaker;
      if (one.name != row.template_name || one.generation != row.template_generation) continue;
      if (breaker.state == "closed" || breaker.probe == row.id || breaker.since > row.planned) continue;
      report("breakers_hold", fmt::format("agent {} is launched, but the breaker of template '{}' is {}{}",
                                          row.id.str(), one.name.str(), breaker.state,
                                          breaker.probe.empty() ? "" : " for " + breaker.probe.str()));
    }
}

// The life that is told knows of it, later ones need not. Nobody can tell what comes of it when the clock is
// set meanwhile.
void Checker::on_wish(const base::CloudName& cloud, const std::string& token, Duration left) {
  if (std::exchange(wished_in_, parts_.server.starts()) != parts_.server.starts()) wishes_.clear();
  const auto now = parts_.server.wall_now();
  wishes_[cloud].push_back({token, now, now + left, parts_.loop.now() + left});
}

// What was decided before the server knew may still be asked for.
void Checker::look_at_wishes(const model::Agent& row) {
  if (wished_in_ != parts_.server.starts()) return;
  for (const auto& wish : wishes_[row.cloud])
    if (row.planned > wish.told && row.planned < wish.until)
      report(
          "wishes_are_heeded",
          fmt::format("agent {} of template '{}' is launched, but cloud '{}' wants no launch for another {}",
                      row.id.str(), row.template_name.str(), row.cloud.str(),
                      base::format_duration(wish.until - row.planned)));
}

void Checker::look_at_repeated(const ports::LaunchSpec& spec) {
  if (wished_in_ != parts_.server.starts()) return;
  for (const auto& [cloud, wishes] : wishes_)
    for (const auto& wish : wishes)
      if (wish.token == spec.client_token && parts_.loop.now() < wish.over)
        report("wishes_are_heeded",
               fmt::format("'{}' is asked for again {} before cloud '{}' wants that", spec.client_token,
                           base::format_duration(wish.over - parts_.loop.now()), cloud.str()));
}

void Checker::keep_pace(Pace& pace, std::size_t most, const std::string& what) {
  const auto now = parts_.loop.now();
  pace.push_back(now);
  while (pace.front() <= now - 1min) pace.pop_front();
  if (pace.size() > most)
    report("launches_are_paced", fmt::format("{} {} times within a minute", what, pace.size()));
}

void Checker::on_ask(const ports::LaunchSpec& spec) {
  look_at_repeated(spec);
  keep_pace(asks_[spec.client_token], kAsksInAMinute, fmt::format("'{}' is asked for", spec.client_token));
}

// --- the clock

// A later life of the server has only the clock on the wall to tell how old a token is.
void Checker::on_clock_set(Duration by) {
  accounts_.note_clock_set();
  wishes_.clear();
  clock_was_set_ = true;
  if (by > Duration(0)) clock_set_ahead_.emplace_back(parts_.loop.now(), by);
  if (by >= Duration(0)) return;
  clock_was_set_back_ = true;
  if (rows_changed_) refresh();
  for (const auto& row : rows_.agents)
    if (row.handle.empty()) ageless_.emplace(row.id, parts_.server.starts());
}

// The greatest age is known by the wall clock only once the server was started again.
void Checker::look_at_ends() {
  const auto now = parts_.loop.now();
  for (const auto& row : rows_.agents) {
    if (row.end_reason == EndReason::none || !ends_seen_.insert(row.id).second) continue;
    const auto* of = find_template(row.template_name);
    if (of == nullptr) continue;
    // It got work between the decision and its end, and does that first.
    if (row.state == model::AgentState::draining) continue;
    const auto give = [&](std::string_view what, Duration had, Duration due) {
      if (had + kTimeMargin < due)
        report("time_is_given", fmt::format("agent {} is ended ({}) after {} of its {} of {}", row.id.str(),
                                            to_string(row.end_reason), base::format_duration(had),
                                            base::format_duration(due), what));
    };
    const auto last = active_.find(row.id);
    // What it did while its controller could not be reached, and a moment later, the server had not seen.
    const auto* remote = parts_.remote;
    if (remote != nullptr && row.controller == remote->name() &&
        (!remote->is_reached() ||
         remote->reached_since() + kAskedAgain >= (last == active_.end() ? now : last->second)))
      continue;
    if (row.end_reason == EndReason::launch_deadline) {
      give("launch deadline", now - first_seen_.at(row.id), of->launch_deadline);
      const auto came = connected_.find(row.id);
      if (came != connected_.end() && came->second - first_seen_.at(row.id) < of->launch_deadline)
        report("time_is_given", fmt::format("agent {} is ended ({}) although it had connected", row.id.str(),
                                            to_string(row.end_reason)));
    } else if (row.end_reason == EndReason::idle_too_long && !has_lost_its_machine(row)) {
      auto worked = last == active_.end() ? Duration(0) : last->second;
      // The parent of a matrix is no work of it, and a short build between two looks is not seen.
      if (remote != nullptr && row.controller == remote->name())
        worked = remote->last_work(row.id).value_or(Duration(0)) - kUnseenWork;
      give("idle time", now - std::max(first_seen_.at(row.id), worked), of->idle_timeout);
    } else if (row.end_reason == EndReason::budget_spent && !unpaid_launches_.contains(row.id) &&
               !may_be_unpaid(row)) {
      report("time_is_given", fmt::format("agent {} is ended ({}: {}), and there is money", row.id.str(),
                                          to_string(row.end_reason), row.end_detail));
    } else if (row.end_reason == EndReason::max_age && connected_in_[row.id] == parts_.server.starts()) {
      // Its row may say so much later, when the answer to its launch was lost.
      const auto welcomed = welcomed_.find(row.id);
      const auto since = welcomed == welcomed_.end() ? connected_.at(row.id) : welcomed->second;
      give("age", now - std::min(since, connected_.at(row.id)), of->max_age);
    }
  }
}

// --- what waits for a person

bool Checker::has_come(const AgentId& id) const {
  const auto answered = answered_in_.find(id);
  return answered != answered_in_.end() && answered->second == parts_.server.starts();
}

// Not one that has come to a server that knows it, though what was found at the last comparison says so
// still.
bool Checker::is_held(const SimCloud::Machine& machine) const {
  if (has_come(machine.spec.agent) && find_row(machine.spec.agent) != nullptr) return false;
  const auto& view = parts_.server.fleet().last_reconcile();
  return view.held && std::ranges::any_of(view.findings, [&](const fleet::Finding& one) {
           return one.held && one.handle == machine.handle;
         });
}

void Checker::on_terminate(const SimCloud::Machine& machine) {
  if (!parts_.server.up() || parts_.loop.now() - parts_.server.up_since() < kEndMargin) return;
  if (is_held(machine) && !parts_.witness.ended_by_people.contains(machine.spec.agent.str()))
    report("held_is_not_ended", fmt::format("machine {} is ended, and nobody has said so", machine.handle));
}

// What waits for a person takes as long as that person.
void Checker::look_at_hold() {
  if (waits_for_a_person(parts_.server)) on_trouble();
}

void Checker::count_open_breakers() {
  if (!parts_.server.up()) return open_breakers_.clear();
  for (const auto& cloud : clouds_now_)
    for (const auto& one : cloud.templates) {
      if (one.breaker.state == "closed") {
        open_breakers_.erase(one.name);
      } else if (open_breakers_.insert(one.name).second) {
        const bool for_good = one.breaker.state == "disabled";
        parts_.witness.count(for_good ? Happening::template_disabled : Happening::breaker_opened);
      }
    }
}

// --- idle agents

// From its last work on. One that never connected has its launch deadline; a one-shot one goes at once, and
// is given as long.
Duration Checker::idle_bound(const model::Agent& row) const {
  const auto* of = find_template(row.template_name);
  if (of == nullptr) return row.launch_deadline - row.planned;
  const bool is_kept = row.max_builds != 1 || !of->pool.empty();
  if (!row.connected.is_set() || !is_kept)
    return std::max(of->launch_deadline, row.launch_deadline - row.planned);
  const auto form = forms_.find(row.id);
  const auto paid = form == forms_.end() ? of->price.billing.minimum : form->second.price.billing.minimum;
  return std::max(of->idle_timeout, of->keep_paid ? paid : Duration(0));
}

void Checker::look_at_idle_machines() {
  if (!parts_.server.up()) return on_trouble();
  const auto now = parts_.loop.now();
  std::map<base::TemplateName, std::size_t> overdue;
  for (const auto* cloud : parts_.clouds)
    for (const auto& [handle, machine] : cloud->machines()) {
      const auto* row = find_row(machine.spec.agent);
      if (!machine.live() || row == nullptr) continue;
      const auto last = active_.contains(row->id) ? active_.at(row->id) : Duration(0);
      bool works = std::ranges::any_of(rows_.assignments,
                                       [&](const auto& one) { return one.agent == row->id && is_open(one); });
      const auto* remote = parts_.remote;
      if (remote != nullptr && remote->activity_of(row->id) == ports::AgentActivity::busy) works = true;
      if (works) active_[row->id] = now;
      const bool is_remote = remote != nullptr && row->controller == remote->name();
      const auto idle = now - std::max({last, machine.launched_at, calm_since_, parts_.server.up_since(),
                                        is_remote ? remote->may_wait_until() : Duration(0)});
      const auto* of = find_template(row->template_name);
      const auto wanted = of == nullptr ? 0 : wanted_by_pool(*of, count_agents(of->name), now - kIdleMargin);
      const auto most = idle_bound(*row) + kIdleMargin;
      if (!works && idle > most && ++overdue[row->template_name] > wanted)
        report("idle_is_bounded",
               fmt::format("agent {} ({}) has had no work for {}, its bound is {}", row->id.str(),
                           to_string(row->state), base::format_duration(idle), base::format_duration(most)));
    }
}

}  // namespace footman::sim
