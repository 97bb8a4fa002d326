// Whether what is said of each item that waits is so, held against what others have seen.
#include <fmt/format.h>

#include <algorithm>

#include "model/label.hpp"
#include "sim/invariants.hpp"

namespace footman::sim {

namespace {

constexpr Duration kReasonMargin = 20s;  // the fleet looks again within that
constexpr Duration kLongestOvertaking = 15min;
constexpr Duration kLongestPause = 6min;  // of a breaker or a cloud that is held: five, and a little
constexpr int kMostLives = 18;            // of a breaker: so many times as long as its last agent was there
constexpr Duration kHoldMargin = 1s;      // between an answer and the decision on it
constexpr Duration kLearnedWithin = 90s;  // beside the time between two comparisons and the lag of a list

}  // namespace

void Checker::look_at_reasons() {
  if (!parts_.server.up()) {
    wrong_reasons_.clear();
    wrong_promises_.clear();
    return;
  }
  const auto now = parts_.loop.now();
  const auto before = std::exchange(wrong_reasons_, {});
  const auto queue = list_entries();
  look_at_promises(queue);
  look_at_overtaken(queue);
  for (const auto& entry : queue) {
    auto text = untruth(entry);
    if (text.empty()) continue;
    const auto known = before.find(entry.item.id);
    const auto since = known == before.end() ? now : std::max(known->second.since, parts_.server.up_since());
    if (now - std::max(since, calm_since_) > kReasonMargin)
      report("reasons_are_true",
             fmt::format("item {} ({}) says '{}: {}', but {}", entry.item.id.str(), to_string(entry.view),
                         entry.reason.code, entry.reason.text, text));
    wrong_reasons_[entry.item.id] = {std::move(text), since};
  }
}

// The oldest one is judged: those behind it have their turn after it, however many are in front of them.
void Checker::look_at_overtaken(const std::vector<controller::QueueEntry>& queue) {
  const auto is_by_limit = [](const controller::QueueEntry& entry) {
    return entry.reason.code.ends_with("_cap") || entry.reason.code.ends_with("_budget");
  };
  const auto oldest = std::ranges::find_if(queue, is_by_limit);  // those of the built-in one come first
  if (oldest == queue.end()) return;
  const auto& entry = *oldest;
  const auto first = oldest_since_.try_emplace(entry.item.id, parts_.loop.now()).first->second;
  const auto overtaken = overtaken_.find(entry.item.id);
  if (overtaken == overtaken_.end()) return;
  const auto since = std::max({first, calm_since_, parts_.server.up_since()});
  if (overtaken->second - since > kLongestOvertaking)
    report("nobody_starves",
           fmt::format(
               "item {} is the oldest that waits since {} s ({}: {}), and a younger one has started at {} s",
               entry.item.id.str(), format_time(since), entry.reason.code, entry.reason.text,
               format_time(overtaken->second)));
}

// Empty: it is true.
std::string Checker::untruth(const controller::QueueEntry& entry) {
  const auto& code = entry.reason.code;
  const auto& job = entry.item.job;
  if (code.empty() || entry.reason.text.empty()) return "that is no reason";
  if (entry.view == model::ItemView::pending)
    return entry.reason.agent.empty() ? "no agent is named" : std::string();
  if (code == "quiet_period") return untruth_of_quiet_period(entry);
  if (code == "job_disabled" || code == "concurrency") {
    const auto found =
        std::ranges::find_if(rows_.jobs, [&](const model::Job& one) { return one.path == job; });
    if (found == rows_.jobs.end()) return "there is no such job";
    if (code == "job_disabled") return found->enabled ? "the job is enabled" : "";
    const auto under_way = std::ranges::count_if(
        rows_.items, [&](const model::QueueItem& one) { return one.job == job && one.id != entry.item.id; });
    return found->max_concurrent > 0 && under_way > 0 ? "" : "nothing else of the job is there";
  }
  if (code == "state_unknown") return entry.item.in_doubt ? "" : "nobody doubts it";
  if (code == "launching" || code == "agent_idle") return untruth_of_agent(entry);
  if (code == "replacing" || code == "lost_agent")
    return find_row(entry.reason.agent) != nullptr ? "" : "there is no such agent";
  return untruth_of_hold(entry);
}

base::ControllerName Checker::controller_of(base::QueueItemId item) const {
  const bool is_remote = parts_.remote != nullptr && parts_.remote->find_key(item.value());
  return is_remote ? parts_.remote->name() : parts_.server.controller().name();
}

// Of a controller that is not reached nobody knows what waits there.
std::vector<controller::QueueEntry> Checker::list_entries() const {
  auto all = parts_.server.controller().queue();
  if (parts_.remote == nullptr || !parts_.remote->is_reached()) return all;
  for (const auto& item : parts_.remote->list_waiting()) {
    auto& entry = all.emplace_back();
    entry.item.id = base::QueueItemId(item.number);
    entry.item.label = item.label;
    entry.item.since = item.since;
    entry.view = model::ItemView::buildable;
    entry.reason = item.reason != nullptr
                       ? *item.reason
                       : ports::WaitReason{"no_idle_agent", "The fleet decides next.", {}, {}, {}};
  }
  return all;
}

// Which agent an item waits for changes at once, whatever else is broken: it serves, fits, and is promised to
// nobody else.
void Checker::look_at_promises(const std::vector<controller::QueueEntry>& queue) {
  const auto now = parts_.loop.now();
  const auto before = std::exchange(wrong_promises_, {});
  std::map<base::AgentId, base::QueueItemId> promised;
  for (const auto& entry : queue) {
    const auto& reason = entry.reason;
    if (reason.code != "launching" && reason.code != "agent_idle") continue;
    auto text = untruth_of_promise(entry);
    if (const auto [other, fresh] = promised.emplace(reason.agent, entry.item.id); !fresh)
      text = fmt::format("item {} is told the same agent", other->second.str());
    if (text.empty()) continue;
    const auto known = before.find(entry.item.id);
    const auto since = known == before.end() ? now : known->second.since;
    if (now - std::max({since, storage_failed_, parts_.server.up_since()}) > kEndingMargin)
      report("reasons_are_true", fmt::format("item {} says '{}: {}', but {}", entry.item.id.str(),
                                             reason.code, reason.text, text));
    wrong_promises_[entry.item.id] = {std::move(text), since};
  }
}

std::string Checker::untruth_of_promise(const controller::QueueEntry& entry) {
  const auto* row = find_row(entry.reason.agent);
  if (row == nullptr || !model::is_serving(row->state)) return "that agent does not serve";
  const auto label = model::parse_label_expression(entry.item.label);
  if (label && !model::fits(*label, row->labels, form_of(*row).is_default)) return "it does not fit";
  if (row->controller != controller_of(entry.item.id))
    return fmt::format("it is for the work of '{}'", row->controller.str());
  for (const auto& one : rows_.assignments)
    if (one.agent == row->id && is_open(one) && one.item != entry.item.id)
      return fmt::format("it is at work on item {}", one.item.str());
  return {};
}

// Its machine is there, or will be.
std::string Checker::untruth_of_agent(const controller::QueueEntry& entry) const {
  const auto* row = find_row(entry.reason.agent);
  if (row == nullptr || !model::is_serving(row->state)) return "that agent does not serve";
  const auto* cloud = find_cloud(row->cloud);
  const auto* machine = cloud == nullptr ? nullptr : cloud->find_by_agent(row->id);
  if (machine == nullptr)
    return row->state == model::AgentState::launching ? "" : "its cloud has never made it";
  const auto learned =
      parts_.server.fleet_config().reconcile_every + cloud->traits().listing_lag + kLearnedWithin;
  return machine->live() || parts_.loop.now() - machine->ended_at < learned ? "" : "its machine is gone";
}

// It may begin again with each life of the server, when its clock was set.
std::string Checker::untruth_of_quiet_period(const controller::QueueEntry& entry) const {
  const auto row = std::ranges::find(rows_.items, entry.item.id, &model::QueueItem::id);
  const auto seen = item_seen_.find(entry.item.id);
  if (row == rows_.items.end() || seen == item_seen_.end()) return {};
  const auto whole = row->quiet_until - row->since;
  const auto since = std::max(seen->second, parts_.server.up_since());
  return row->quiet_until.is_set() && parts_.loop.now() - since <= whole ? "" : "that is over";
}

std::string Checker::untruth_of_time(base::Instant look_again, Duration most) const {
  if (!look_again.is_set()) return "nobody looks again";
  const auto left = look_again - parts_.server.wall_now();
  if (left < Duration(0)) return "that is past";
  return left > most ? "that is too far away" : "";
}

// --- why nothing is launched

// Every template that fits must have been tried, and what each of them says must be so.
std::string Checker::untruth_of_hold(const controller::QueueEntry& entry) {
  const auto& code = entry.reason.code;
  const auto& config = parts_.server.fleet_config();
  const auto label = model::parse_label_expression(entry.item.label);
  std::vector<const fleet::Template*> fitting;
  for (const auto& one : config.templates)
    if (label && model::fits(*label, one.labels, one.is_default)) fitting.push_back(&one);
  if (code == "no_template" || code == "no_default_template")
    return fitting.empty() ? std::string() : "a template offers that";
  if (code == "no_idle_agent") return "the fleet has not spoken";
  if (fitting.empty()) return "no template offers that";
  auto key = parts_.remote == nullptr ? std::nullopt : parts_.remote->find_key(entry.item.id.value());
  const auto told =
      parts_.server.fleet().explain(controller_of(entry.item.id), key.value_or(entry.item.id.str()));
  if (!told || told->considered.empty()) return "no template was tried";
  for (const auto* one : fitting)
    if (std::ranges::find(told->considered, one->name, &fleet::Consideration::template_name) ==
        told->considered.end())
      return fmt::format("nothing is said of template '{}'", one->name.str());
  for (const auto& tried : told->considered) {
    const auto text = untruth_of_tried(entry, tried);
    if (!text.empty())
      return fmt::format("of template '{}' it says '{}: {}', and {}", tried.template_name.str(), tried.code,
                         tried.text, text);
  }
  return {};
}

std::string Checker::untruth_of_tried(const controller::QueueEntry& entry,
                                      const fleet::Consideration& tried) {
  const auto* of = find_template(tried.template_name);
  if (of == nullptr) return "there is no such template";
  const auto& code = tried.code;
  if (code == "storage_full") return parts_.server.controller().storage_full() ? "" : "there is space";
  if (code == "cloud_paused")
    return parts_.witness.maybe_paused.contains(of->cloud) ? "" : "nobody has paused it";
  if (code == "template_open") return untruth_of_breaker(tried, *of);
  if (code == "cloud_held") return untruth_of_cloud_hold(tried, *of);
  if (code == "template_half_open") {
    const bool any = std::ranges::any_of(rows_.agents, [&](const model::Agent& one) {
      return model::is_serving(one.state) && one.template_name == of->name &&
             tried.text.find(one.id.str()) != std::string::npos;
    });
    return any ? "" : "no agent is tried";
  }
  if (code == "template_disabled") {
    const auto* view = find_view(of->name);
    const bool was_refused =
        view != nullptr && std::ranges::any_of(parts_.clouds, [&](const SimCloud* cloud) {
          return cloud->has_refused_for_good(of->name.str(), view->generation);
        });
    return was_refused ? "" : "its cloud has never refused it for good";
  }
  if (code.ends_with("_cap") || code.ends_with("_budget")) return untruth_of_limit(entry, tried, *of);
  return "nobody knows this reason";
}

// So many launches of it have failed, in the way that is told, the last one not long ago.
std::string Checker::untruth_of_breaker(const fleet::Consideration& tried, const fleet::Template& of) const {
  // Beside its deadline one that has connected may live for a while without work.
  const auto longest = std::max(kLongestPause, kMostLives * (of.launch_deadline + kLongestPause));
  auto text = untruth_of_time(tried.look_again, longest);
  const auto* view = find_view(of.name);
  if (!text.empty() || view == nullptr) return text;
  const auto& breaker = view->breaker;
  if (breaker.state != "open") return fmt::format("its breaker is {}", breaker.state);
  const auto& failures = accounts_.failures_of(of.name);
  if (failures.size() < breaker.failures)
    return fmt::format("{} of its launches have failed, not {}", failures.size(), breaker.failures);
  if (failures.empty() || parts_.loop.now() - failures.back() > longest)
    return "none of its launches has failed lately";
  const auto* cloud = find_cloud(of.cloud);
  const auto why = model::find_failure_class(breaker.failure);
  using enum model::FailureClass;
  const bool is_answer = why == throttled || why == capacity;
  if (is_answer && cloud != nullptr && !cloud->has_refused(of.name.str(), *why))
    return fmt::format("its cloud has never said '{}' to one", breaker.failure);
  return {};
}

// The cloud has told this life of the server until when it wants nothing, or has left it without an answer.
std::string Checker::untruth_of_cloud_hold(const fleet::Consideration& tried,
                                           const fleet::Template& of) const {
  auto text = untruth_of_time(tried.look_again, kLongestPause);
  const auto* cloud = find_cloud(of.cloud);
  if (!text.empty() || cloud == nullptr) return text;
  if (tried.text.find("its first list of agents") != std::string::npos) {
    const auto view = std::ranges::find(clouds_now_, of.cloud, &fleet::CloudView::name);
    return view != clouds_now_.end() && view->last_listed.is_set() ? "it has given that" : "";
  }
  const auto until = cloud->held_until(parts_.server.up_since());
  if (!until) return "it has given clear answers";
  const auto later = tried.look_again - parts_.server.wall_now() - (*until - parts_.loop.now());
  return later > kHoldMargin ? fmt::format("that is {} longer than it may mean", base::format_duration(later))
                             : "";
}

}  // namespace footman::sim
