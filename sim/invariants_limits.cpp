// Caps, limits and budgets: what agents really take, and whether a reason that names one of them is true.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fleet/frozen_request.hpp"
#include "policy/usage.hpp"
#include "sim/invariants.hpp"

namespace footman::sim {

using base::AgentId;
using base::CloudName;

namespace {

// How much later than it happened the fleet may learn of an answer or an end, by which it pays longer.
constexpr Duration kLearnedLate = 2min;
// The same of machines without a record: with a list that comes, when many others have failed.
constexpr Duration kListedLate = 15min;
constexpr Duration kLookedLate = 1s;     // at most, than the fleet has looked
constexpr Duration kUnpaidMargin = 45s;  // until the fleet looks again, and its word is with the agent

bool is_dear(const model::Price& price, const model::Budget& budget) {
  return !price.per_hour.is_zero() && !(budget.beyond && price.per_hour <= *budget.beyond);
}

model::Money ahead_of(const model::Price& price) {
  return policy::reserved_ahead({{}, price.per_hour, model::least_billed(price.billing)});
}

}  // namespace

// --- what agents are

Checker::Form Checker::form_of(const fleet::Template& of, const std::string& zone) const {
  Form form{of.size, of.price, of.is_default};
  for (const auto* cloud : parts_.clouds) {
    const auto& traits = cloud->traits();
    if (traits.name != of.cloud.str()) continue;
    if (const auto size = traits.sizes.find(zone); size != traits.sizes.end()) form.size = size->second;
    if (const auto price = traits.prices.find(zone); price != traits.prices.end()) form.price = price->second;
  }
  return form;
}

// By the zone that it is launched in.
const Checker::Form& Checker::form_of(const model::Agent& row) {
  const auto known = forms_.find(row.id);
  if (known != forms_.end()) return known->second;
  Form form{row.size, row.price, false};
  const auto of = templates_.find(row.template_name);
  const auto request = fleet::parse_request(row.frozen_request);
  if (of != templates_.end() && request) form = form_of(of->second, zone_of(request->spec));
  if (request) form.is_default = request->is_default;
  return forms_.emplace(row.id, form).first->second;
}

// As it would be launched now: the first one that does not rest, or the one that is the first to be ready.
Checker::Form Checker::offered_by(const fleet::Template& of) const {
  const auto* view = find_view(of.name);
  if (view == nullptr) return form_of(of, {});
  if (view->variants.empty())
    return {view->size, view->price, of.is_default};  // one is left, or there is one
  const auto best = std::ranges::min_element(view->variants, {}, &fleet::VariantView::rests_until);
  return form_of(of, best->name);
}

const fleet::TemplateView* Checker::find_view(const base::TemplateName& name) const {
  for (const auto& cloud : clouds_now_)
    for (const auto& one : cloud.templates)
      if (one.name == name) return &one;
  return nullptr;
}

void Checker::note_forms() {
  const auto now = parts_.loop.now();
  for (const auto& one : parts_.server.fleet_config().templates) templates_.try_emplace(one.name, one);
  for (const auto& row : rows_.agents) {
    if (const auto spell = spells_.find(row.id); spell != spells_.end() && row.launched.is_set())
      spell->second.paid_from = spell->second.paid_from.value_or(now);
    if (forms_.contains(row.id)) continue;
    const auto& form = form_of(row);
    spells_[row.id] = {row, now, {}, form.price, {}};
    const auto of = templates_.find(row.template_name);
    if (of != templates_.end() && (of->second.size != form.size || of->second.price != form.price))
      parts_.witness.count(Happening::form_launched);
  }
  for (auto& [id, spell] : spells_)
    if (!spell.until && find_row(id) == nullptr) spell.until = now;
}

Checker::Taken Checker::taken_by(const Group& group) {
  Taken taken;
  for (const auto& row : rows_.agents) {
    if (!model::may_hold_resource(row.state) || !group.counts(row)) continue;
    const auto& form = form_of(row);
    ++taken.agents;
    taken.size.milli_cpus += form.size.milli_cpus;
    taken.size.memory_bytes += form.size.memory_bytes;
    taken.per_hour += form.price.per_hour;
    taken.ahead += ahead_of(form.price);
    if (!is_dear(form.price, group.limits.budget)) continue;
    taken.dear_per_hour += form.price.per_hour;
    taken.dear_ahead += model::charge(form.price.per_hour, model::kReservedAhead);
  }
  return taken;
}

// --- never above a cap

std::vector<Checker::Group> Checker::list_groups() const {
  const auto& config = parts_.server.fleet_config();
  std::vector<Group> groups{{"", "", config.limits}};
  for (const auto& [name, limits] : config.cloud_limits) groups.push_back({"cloud", name.str(), limits});
  for (const auto& one : config.templates) groups.push_back({"template", one.name.str(), one.limits});
  for (const auto& [label, limits] : config.label_limits) groups.push_back({"label", label, limits});
  for (const auto& [name, limits] : config.controller_limits)
    groups.push_back({"controller", name.str(), limits});
  return groups;
}

bool Checker::Group::counts(const model::Agent& row) const {
  if (scope == "cloud") return row.cloud.str() == of;
  if (scope == "template") return row.template_name.str() == of;
  if (scope == "label") return std::ranges::find(row.labels, of) != row.labels.end();
  if (scope == "controller") return row.controller.str() == of;
  return true;
}

// Those that one more agent of the template would count in.
std::vector<Checker::Group> Checker::list_groups(const fleet::Template& of,
                                                 const base::ControllerName& controller) const {
  model::Agent row;
  row.cloud = of.cloud;
  row.template_name = of.name;
  row.labels = of.labels;
  row.controller = controller;
  auto groups = list_groups();
  std::erase_if(groups, [&](const Group& group) { return !group.counts(row); });
  return groups;
}

void Checker::look_at_caps() {
  for (const auto& group : list_groups()) {
    if (group.limits == model::AgentLimits()) continue;
    const auto name = group.scope.empty() ? "everything" : fmt::format("{} '{}'", group.scope, group.of);
    look_at_limits(name, taken_by(group), group.limits);
  }
}

// What a budget does not ask about may be there beyond it.
void Checker::look_at_limits(const std::string& whose, const Taken& taken, const model::AgentLimits& limits) {
  const auto above = [&](const std::string& amount, const std::string& limit) {
    report("never_above_a_cap",
           fmt::format("the agents of {} take {}, the limit is {}", whose, amount, limit));
  };
  if (limits.agents > 0 && taken.agents > limits.agents)
    above(fmt::format("{} places", taken.agents), fmt::format("{}", limits.agents));
  if (limits.milli_cpus > 0 && taken.size.milli_cpus > limits.milli_cpus)
    above(model::format_cpus(taken.size.milli_cpus), model::format_cpus(limits.milli_cpus));
  if (limits.memory_bytes > 0 && taken.size.memory_bytes > limits.memory_bytes)
    above(base::format_bytes(taken.size.memory_bytes), base::format_bytes(limits.memory_bytes));
  const auto& budget = limits.budget;
  if (budget.per_hour && taken.dear_per_hour > *budget.per_hour)
    above(model::format_hourly_price(taken.dear_per_hour), model::format_hourly_price(*budget.per_hour));
  if (budget.per_day && taken.dear_ahead > *budget.per_day)
    above(model::format_money(taken.dear_ahead) + " in a quarter of an hour",
          model::format_money(*budget.per_day) + " a day");
}

// From the machines' own lives: what nobody paid for is not counted, and a moment less of all others. A clock
// that was set makes another day of it, and other times; nobody is judged by that.
Checker::Paid Checker::least_paid(const Group& group) const {
  const auto now = parts_.loop.now();
  Paid paid;
  for (const auto& [id, spell] : spells_) {
    if (!group.counts(spell.row)) continue;
    const auto& price = spell.price;
    const bool is_asked = is_dear(price, group.limits.budget);
    const bool is_there = find_row(id) != nullptr;
    const auto least = model::least_billed(price.billing);
    const auto* cloud = find_cloud(spell.row.cloud);
    const auto* machine = cloud == nullptr ? nullptr : cloud->find_by_agent(id);
    if (spell.paid_from) {
      const auto end = machine == nullptr || machine->live() ? now : machine->ended_at;
      paid.today += model::charge(price.per_hour, std::max(end - *spell.paid_from - kLookedLate, least));
    }
    // Its row may say it late, where the database could not be written.
    const auto paid_from = machine == nullptr ? spell.paid_from : machine->launched_at;
    const bool is_paid = spell.paid_from && now + kLookedLate < *paid_from + price.billing.minimum;
    if (is_asked && (is_there || is_paid)) paid.per_hour += price.per_hour;
    if (is_asked && is_there)
      paid.ahead += spell.paid_from ? model::charge(price.per_hour, model::kReservedAhead) : ahead_of(price);
  }
  return paid;
}

// A launch that a budget asks about is made only where that leaves enough.
void Checker::look_at_money(const model::Agent& row) {
  if (clock_was_set_) return;
  for (const auto& group : list_groups()) {
    const auto& budget = group.limits.budget;
    if (!group.counts(row) || !(budget.per_hour || budget.per_day) || !is_dear(form_of(row).price, budget))
      continue;
    const auto paid = least_paid(group);
    const auto name = group.scope.empty() ? "everything" : fmt::format("{} '{}'", group.scope, group.of);
    if (budget.per_day && paid.today + paid.ahead > *budget.per_day)
      report("never_above_a_cap",
             fmt::format("agent {} is launched, and of the {} a day of {} its machines have taken {}, {} are "
                         "kept for what is there",
                         row.id.str(), model::format_money(*budget.per_day), name,
                         model::format_money(paid.today), model::format_money(paid.ahead)));
    if (budget.per_hour && paid.per_hour > *budget.per_hour)
      report("never_above_a_cap",
             fmt::format("agent {} is launched, and machines of {} are paid for with {}, the limit is {}",
                         row.id.str(), name, model::format_hourly_price(paid.per_hour),
                         model::format_hourly_price(*budget.per_hour)));
  }
}

// --- reasons that name a limit

// It is so of one of the limits that the code may mean.
std::string Checker::untruth_of_limit(const controller::QueueEntry& entry, const fleet::Consideration& tried,
                                      const fleet::Template& of) {
  std::string untruth = "there is no such limit";
  for (const auto& group : list_groups(of, controller_of(entry.item.id))) {
    const auto prefix = group.scope.empty() ? std::string() : group.scope + "_";
    if (!tried.code.starts_with(prefix)) continue;
    const auto what =
        group.scope.empty() && tried.code == "global_cap" ? "cap" : tried.code.substr(prefix.size());
    const auto found = untruth_of_limit(entry, tried, of, group, what);
    if (!found) continue;
    if (found->empty()) return {};
    untruth = *found;
  }
  return untruth;
}

// One more agent of it must be too much; of money as much is taken for spent as may be. Not set: the group
// has no such limit.
std::optional<std::string> Checker::untruth_of_limit(const controller::QueueEntry& entry,
                                                     const fleet::Consideration& tried,
                                                     const fleet::Template& of, const Group& group,
                                                     std::string_view what) {
  const auto& limits = group.limits;
  const auto& budget = limits.budget;
  const auto form = offered_by(of);
  const auto taken = taken_by(group);
  const bool is_kept =
      tried.text.find(" kept for a build that waits longer") != std::string::npos && older_waits(entry);
  using Untruth = std::optional<std::string>;
  const auto unknown = most_without_record(group);
  const auto strays = tried.text.find(" without a record") == std::string::npos ? 0 : unknown;
  const auto judge = [&](std::uint64_t all, std::uint64_t needed, std::uint64_t limit) -> Untruth {
    if (limit == 0) return std::nullopt;
    if (strays > 0 && what != "cap") return std::string();  // of theirs some sizes are known
    if (all + needed > limit || is_kept) return std::string();
    return fmt::format("{} of {} are taken, {} are needed", all, limit, needed);
  };
  const auto judge_money = [&](model::Money all, model::Money needed,
                               const std::optional<model::Money>& limit) -> Untruth {
    if (!limit) return std::nullopt;
    if (form.price.per_hour.is_zero() || (!is_dear(form.price, budget) && !is_kept))
      return std::string("the budget does not ask about it");
    if (all + needed > *limit || is_kept || unknown > 0) return std::string();
    return fmt::format("{} of {} are taken, {} are needed", model::format_money(all),
                       model::format_money(*limit), model::format_money(needed));
  };
  if (what == "cap") return judge(taken.agents + strays, 1, limits.agents);
  if (what == "vcpu_cap") return judge(taken.size.milli_cpus, form.size.milli_cpus, limits.milli_cpus);
  if (what == "memory_cap")
    return judge(taken.size.memory_bytes, form.size.memory_bytes, limits.memory_bytes);
  if (what == "hour_budget")
    return judge_money(taken.per_hour + still_paid(group), form.price.per_hour, budget.per_hour);
  if (what == "day_budget")
    return judge_money(taken.ahead + most_spent(group), ahead_of(form.price), budget.per_day);
  return std::nullopt;
}

// Machines that no row counts for, at most.
std::size_t Checker::most_without_record(const Group& group) const {
  std::set<std::string> counted;
  for (const auto& row : rows_.agents)
    if (model::may_hold_resource(row.state))
      counted.insert(row.handle.empty() ? row.client_token : row.handle);
  std::size_t count = 0;
  for (const auto* cloud : parts_.clouds) {
    if (group.scope == "cloud" && cloud->traits().name != group.of) continue;
    for (const auto& [handle, machine] : cloud->machines()) {
      const bool may_live = machine.live() || parts_.loop.now() <= machine.ended_at + kListedLate;
      if (may_live && !counted.contains(handle) && !counted.contains(machine.spec.client_token)) ++count;
    }
  }
  return count;
}

// Those that were there as this life of the server began, and that its first list has shown. A cloud that
// does not answer holds up no other one.
std::size_t Checker::least_strays(const Group& group) const {
  const auto up_since = parts_.server.up_since();
  std::set<CloudName> listed;
  for (const auto& one : parts_.server.fleet().list_clouds())
    if (one.last_listed.is_set()) listed.insert(one.name);
  std::size_t count = 0;
  for (const auto* cloud : parts_.clouds)
    for (const auto& [handle, machine] : cloud->machines()) {
      if (!machine.is_stray || !machine.live() || machine.visible_at > up_since) continue;
      if (!listed.contains(CloudName(cloud->traits().name))) continue;
      const auto& name = machine.spec.template_name;
      const auto of = find_template(name);
      const bool counts = group.scope.empty() ||
                          (group.scope == "cloud" && cloud->traits().name == group.of) ||
                          (group.scope == "template" && of != nullptr && name.str() == group.of);
      if (counts) ++count;
    }
  return count;
}

// Machines without a record take their places, too: no launch goes beyond them.
void Checker::look_at_strays(const model::Agent& row) {
  if (!parts_.server.up()) return;
  for (const auto& group : list_groups()) {
    if (group.limits.agents == 0 || !group.counts(row)) continue;
    const auto strays = least_strays(group);
    const auto taken = taken_by(group).agents;
    if (strays == 0 || taken + strays <= group.limits.agents) continue;
    report("never_above_a_cap",
           fmt::format("agent {} is launched, and of the {} places of {} agents have {}, machines without a "
                       "record {}",
                       row.id.str(), group.limits.agents,
                       group.scope.empty() ? "everything" : fmt::format("{} '{}'", group.scope, group.of),
                       taken, strays));
  }
}

// By agents that are gone, at most. Once its clock was set back, a life of the server takes what was paid
// ahead at their end for paid ahead at its start.
model::Money Checker::still_paid(const Group& group) const {
  model::Money sum;
  for (const auto& [id, spell] : spells_) {
    if (!spell.until || !group.counts(spell.row)) continue;
    const auto end = clock_was_set_back_ ? std::max(*spell.until, parts_.server.up_since()) : *spell.until;
    if (parts_.loop.now() <= end + spell.price.billing.minimum + kLearnedLate) sum += spell.price.per_hour;
  }
  return sum;
}

// Ever, at most. A later life of the server counts time by which its clock was set as time that was paid.
model::Money Checker::most_spent(const Group& group) const {
  model::Money sum;
  for (const auto& [id, spell] : spells_) {
    if (!group.counts(spell.row)) continue;
    auto life = spell.until.value_or(parts_.loop.now()) - spell.from;
    for (const auto& [at, by] : clock_set_ahead_)
      if (at >= spell.from) life += by;
    sum += model::charge(spell.price.per_hour, life + spell.price.billing.minimum + kLearnedLate);
  }
  return sum;
}

// --- agents that go on

void Checker::note_unpaid() {
  const auto before = std::exchange(unpaid_since_, {});
  if (!parts_.server.up() || clock_was_set_) return;
  const auto now = parts_.loop.now();
  for (const auto& row : rows_.agents) {
    if (!model::is_serving(row.state) || !is_unpaid(row)) continue;
    const auto known = before.find(row.id);
    unpaid_since_[row.id] = known == before.end() ? now : known->second;
  }
}

// An agent that came while its launch call went on is to end from then on; its row says so once that call has
// an answer, which may be much later.
void Checker::note_unpaid_launches() {
  for (const auto& row : rows_.agents) {
    const bool lags = row.state == model::AgentState::launching && welcomed_.contains(row.id);
    if (lags && !unpaid_launches_.contains(row.id) && may_be_unpaid(row)) unpaid_launches_.insert(row.id);
  }
}

bool Checker::is_unpaid(const model::Agent& row) {
  const auto price = form_of(row).price.per_hour;
  return std::ranges::any_of(list_groups(), [&](const Group& group) {
    const auto& budget = group.limits.budget;
    return budget.per_day && group.counts(row) && is_dear({price, {}}, budget) &&
           least_paid(group).today + model::charge(price, model::kReservedAhead) > *budget.per_day;
  });
}

// Its first build is what it was launched for: that money was there.
void Checker::look_at_unpaid(const model::Assignment& started) {
  auto& builds = builds_on_[started.agent];
  builds.insert(started.id);
  const auto unpaid = unpaid_since_.find(started.agent);
  if (builds.size() < 2 || unpaid == unpaid_since_.end()) return;
  const auto since = std::max({unpaid->second, calm_since_, storage_failed_, parts_.server.up_since()});
  if (parts_.loop.now() - since > kUnpaidMargin)
    report("money_ends",
           fmt::format("agent {} begins build {}, and the money of the day does not pay for that since {} s",
                       started.agent.str(), started.build.str(), format_time(unpaid->second)));
}

// By what was spent and may be needed, at most.
bool Checker::may_be_unpaid(const model::Agent& row) {
  return std::ranges::any_of(list_groups(), [&](const Group& group) {
    const auto& per_day = group.limits.budget.per_day;
    return per_day && group.counts(row) && most_spent(group) + taken_by(group).ahead > *per_day;
  });
}

// An item waits since its quiet period ended: one that came later may be older.
bool Checker::older_waits(const controller::QueueEntry& entry) const {
  const auto waits_since = std::max(entry.item.since, entry.item.quiet_until);
  if (parts_.remote != nullptr && std::ranges::any_of(parts_.remote->list_waiting(), [&](const auto& one) {
        return one.number != entry.item.id.value() && one.since <= waits_since;
      }))
    return true;
  return std::ranges::any_of(rows_.items, [&](const model::QueueItem& one) {
    return one.id != entry.item.id && one.state == model::ItemState::queued && one.since <= waits_since;
  });
}

}  // namespace footman::sim
