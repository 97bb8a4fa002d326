#include "policy/usage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "policy/look.hpp"

namespace footman::policy {
namespace {

// The budget does not ask about it.
bool is_beyond(model::Money per_hour, const model::Budget& budget) {
  return per_hour.is_zero() || (budget.beyond && per_hour <= *budget.beyond);
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// What never fits is not launched before.
std::string_view until_when(const Template& t) {
  return t.offered_until.is_set() ? "until another variant of it is launched"
                                  : "until the configuration changes";
}

std::string describe_owner(Scope scope, std::string_view of) {
  switch (scope) {
    case Scope::all:
      return "this server";
    case Scope::cloud:
      return fmt::format("cloud '{}'", of);
    case Scope::agent_template:
      return fmt::format("template '{}'", of);
    case Scope::label:
      return fmt::format("label '{}'", of);
    case Scope::controller:
      return fmt::format("controller '{}'", of);
  }
  return {};
}

std::string describe_owner(const Cap& cap) { return describe_owner(limit_of(cap.reason)->scope, cap.of); }

std::string_view whom_kept_for(const Cap& cap) {
  return cap.reserved > 0 ? "builds that wait" : "a build that waits longer";
}

// ", 2 vCPU are kept for a build that waits longer". Empty: nothing is.
template <class Format>
std::string describe_kept(const Cap& cap, Format format) {
  const auto all = cap.kept + cap.reserved;
  return all == 0 ? "" : fmt::format(", {} kept for {}", format(all), whom_kept_for(cap));
}

// ", 2 of them without a record". Of what counts though nobody sees an end of it. Empty: there is none.
template <class Format>
std::string describe_unseen(const Cap& cap, Format format) {
  std::string text;
  if (cap.strays > 0) text += fmt::format(", {} without a record", format(cap.strays));
  if (cap.unwatched == 0) return text;
  const auto whose = cap.unwatched_cloud.empty() ? std::string("clouds that are")
                                                 : fmt::format("cloud '{}', which is", cap.unwatched_cloud);
  return text + fmt::format(", {} of {} not configured any more (see `footman reconcile`)",
                            format(cap.unwatched), whose);
}

std::string describe_agents(const Cap& cap) {
  std::string_view relation = "of";
  if (cap.reason == HoldReason::label_cap) relation = "with";
  if (cap.reason == HoldReason::controller_cap) relation = "for";
  const auto unseen =
      describe_unseen(cap, [](std::int64_t count) { return fmt::format("{} of them", count); });
  const auto kept = describe_kept(cap, [](std::int64_t places) {
    return places == 1 ? "and a place is" : fmt::format("and {} places are", places);
  });
  return fmt::format("{} of {} agents {} {} exist{}{}", cap.exists(), cap.limit, relation,
                     describe_owner(cap), unseen, kept);
}

template <class Format>
std::string describe_size(const Cap& cap, const Template& t, std::string_view place, Format format) {
  const auto amount = [&](std::int64_t value) { return format(static_cast<std::uint64_t>(value)); };
  const auto needed = fmt::format("an agent of template '{}' needs {}", t.name.str(), amount(cap.needed));
  if (cap.never_fits())
    return fmt::format("{}, more than all {}{}: {}", needed, amount(cap.limit), place, until_when(t));
  const auto kept = describe_kept(cap, [&](std::int64_t all) { return amount(all) + " are"; });
  const auto unseen = describe_unseen(
      cap, [&](std::int64_t value) { return fmt::format("{} of it by agents", amount(value)); });
  return fmt::format("{} of {}{} are taken{}{}, and {}", amount(cap.exists()), amount(cap.limit), place,
                     unseen, kept, needed);
}

std::string describe_hour_budget(const Cap& cap, const Template& t, const std::string& spender) {
  const auto price = [](std::int64_t micros) { return model::format_hourly_price(model::Money{micros}); };
  const auto needed = fmt::format("one of template '{}' costs {}", t.name.str(), price(cap.needed));
  if (cap.never_fits())
    return fmt::format("{}, more than the {} that {} may spend: {}", needed, price(cap.limit), spender,
                       until_when(t));
  const auto kept = describe_kept(cap, [&](std::int64_t all) { return price(all) + " are"; });
  const auto unseen = describe_unseen(
      cap, [&](std::int64_t value) { return fmt::format("{} of it by agents", price(value)); });
  return fmt::format("agents for {} are paid for{}, of {} that {} may spend{}, and {}", price(cap.exists()),
                     unseen, price(cap.limit), spender, kept, needed);
}

std::string describe_day_budget(const Cap& cap, const Template& t, const std::string& spender) {
  const auto ahead = format_duration(std::max(model::kReservedAhead, t.least_billed));
  const auto money = [](std::int64_t micros) { return model::format_money(model::Money{micros}); };
  if (cap.never_fits())
    return fmt::format(
        "the next {} of an agent of template '{}' cost {}, more than the {} that {} may spend a day: {}",
        ahead, t.name.str(), money(cap.needed), money(cap.limit), spender, until_when(t));
  const auto kept = cap.kept + cap.reserved > 0 ? fmt::format(" and kept for {}", whom_kept_for(cap)) : "";
  return fmt::format(
      "less is left of the {} that {} may spend a day (UTC), beside what is reserved for its agents{}, than "
      "the {} that one of template '{}' needs for the next {}",
      money(cap.limit), spender, kept, money(cap.needed), t.name.str(), ahead);
}

std::string describe(const Cap& cap, const Template& t) {
  const auto owner = describe_owner(cap);
  switch (limit_of(cap.reason)->quantity) {
    case Quantity::agents:
      return describe_agents(cap);
    case Quantity::vcpus:
      return describe_size(cap, t, " of " + owner, model::format_cpus);
    case Quantity::memory:
      return describe_size(cap, t, " of memory of " + owner, format_bytes);
    case Quantity::per_hour:
      return describe_hour_budget(cap, t, owner);
    case Quantity::per_day:
      return describe_day_budget(cap, t, owner);
  }
  return {};
}

// Of the reasons, in the order of their scopes; each has all quantities in their order.
constexpr auto kFirstLimit = HoldReason::global_cap;
constexpr int kScopes = 5;
constexpr int kQuantities = 5;
static_assert(static_cast<int>(HoldReason::controller_day_budget) - static_cast<int>(kFirstLimit) ==
              kScopes * kQuantities - 1);

}  // namespace

model::Money reserved_ahead(const Needs& needs) {
  return model::reserved_ahead(needs.per_hour, needs.least_billed);
}

std::optional<LimitKind> limit_of(HoldReason reason) {
  const auto place = static_cast<int>(reason) - static_cast<int>(kFirstLimit);
  if (place < 0 || place >= kScopes * kQuantities) return std::nullopt;
  return LimitKind{static_cast<Scope>(place / kQuantities), static_cast<Quantity>(place % kQuantities)};
}

HoldReason reason_of(LimitKind kind) {
  return static_cast<HoldReason>(static_cast<int>(kFirstLimit) + static_cast<int>(kind.scope) * kQuantities +
                                 static_cast<int>(kind.quantity));
}

std::int64_t amount_of(HoldReason reason, const Needs& needs) {
  const auto kind = limit_of(reason);
  if (!kind) return 0;
  switch (kind->quantity) {
    case Quantity::agents:
      return 1;
    case Quantity::vcpus:
      return number(needs.size.milli_cpus);
    case Quantity::memory:
      return number(needs.size.memory_bytes);
    case Quantity::per_hour:
      return needs.per_hour.micros;
    case Quantity::per_day:
      return reserved_ahead(needs).micros;
  }
  return 0;
}

bool is_member(const GroupMember& one, Scope scope, std::string_view of) {
  switch (scope) {
    case Scope::all:
      return true;
    case Scope::cloud:
      return one.cloud->str() == of;
    case Scope::agent_template:
      return one.template_name->str() == of;
    case Scope::label:
      return std::ranges::find(*one.labels, of) != one.labels->end();
    case Scope::controller:
      return one.controller->str() == of;
  }
  return false;
}

Usage::Usage(const Snapshot& offers, const Limits& limits) {
  static const Spent kNothing;
  const auto open = [this](Scope scope, const std::string& of, const model::AgentLimits& most,
                           const Spent& spent, auto& index, const auto& name) {
    if (most == model::AgentLimits()) return;
    index[name] = accounts_.size();
    accounts_.push_back({scope, of, &most, &spent});
  };
  accounts_.push_back({Scope::all, {}, &limits.all.most, &limits.all.spent});
  for (const auto& one : offers.clouds) watched_.insert(one.name);
  for (const auto& one : offers.clouds)
    open(Scope::cloud, one.name.str(), one.quota.most, one.quota.spent, clouds_, one.name);
  for (const auto& t : offers.templates) {
    const auto spent = limits.templates_spent.find(t.name);
    open(Scope::agent_template, t.name.str(), t.most,
         spent == limits.templates_spent.end() ? kNothing : spent->second, templates_, t.name);
  }
  for (const auto& [label, quota] : limits.labels)
    open(Scope::label, label, quota.most, quota.spent, labels_, label);
  for (const auto& [name, quota] : limits.controllers)
    open(Scope::controller, name.str(), quota.most, quota.spent, controllers_, name);
  for (const auto& t : offers.templates) accounts_of_.emplace(&t, find_accounts(t));
  for (const auto& cloud : offers.clouds)
    for (const auto& one : cloud.strays) add_strays(cloud.name, one);
}

void Usage::add_strays(const CloudName& cloud, const Strays& strays) {
  const GroupMember one{&strays.controller, &cloud, &strays.template_name, &strays.labels, needs_of(strays)};
  visit(one, [&](Account& account) {
    account.sums.add(one.needs, strays.count);
    account.strays.add(one.needs, strays.count);
  });
}

void Usage::Sums::add(const Needs& needs, std::uint32_t count) {
  agents += count;
  per_hour += model::Money{needs.per_hour.micros * count};
  ahead += model::Money{reserved_ahead(needs).micros * count};
  size.milli_cpus += needs.size.milli_cpus * count;
  size.memory_bytes += needs.size.memory_bytes * count;
}

std::string_view Usage::Account::unwatched_cloud() const {
  return unwatched_clouds.size() == 1 ? std::string_view(unwatched_clouds.begin()->str())
                                      : std::string_view();
}

void Usage::Sums::raise_to(const Needs& needs) {
  agents = std::max<std::int64_t>(agents, 1);
  per_hour = std::max(per_hour, needs.per_hour);
  ahead = std::max(ahead, reserved_ahead(needs));
  size.milli_cpus = std::max(size.milli_cpus, needs.size.milli_cpus);
  size.memory_bytes = std::max(size.memory_bytes, needs.size.memory_bytes);
}

// From narrow to wide.
template <class Visit>
void Usage::visit(const GroupMember& one, Visit visit) {
  const auto visit_named = [&](const auto& index, const auto& name) {
    if (const auto found = index.find(name); found != index.end()) visit(accounts_[found->second]);
  };
  visit_named(templates_, *one.template_name);
  for (const auto& [label, place] : labels_)
    if (std::ranges::find(*one.labels, label) != one.labels->end()) visit(accounts_[place]);
  visit_named(controllers_, *one.controller);
  visit_named(clouds_, *one.cloud);
  visit(accounts_.front());
}

void Usage::add(const GroupMember& one, std::uint32_t count) {
  const bool is_watched = watched_.contains(*one.cloud);
  visit(one, [&](Account& account) {
    account.sums.add(one.needs, count);
    if (is_watched) return;
    account.unwatched.add(one.needs, count);
    account.unwatched_clouds.insert(*one.cloud);
  });
}

void Usage::reserve(const GroupMember& one, std::uint32_t count) {
  visit(one, [&](Account& account) {
    account.sums.add(one.needs, count);
    account.reserved.add(one.needs, count);
  });
}

bool Usage::waits_for_ends(const Account& account, const Template& t) {
  std::vector<Cap> caps;
  add_caps({&account}, t, caps);
  return std::ranges::any_of(caps, [](const Cap& cap) {
    return !cap.is_beyond && cap.taken - cap.passing + cap.needed > cap.limit;
  });
}

template <class Keep>
void Usage::visit_kept(const Template& t, const ControllerName& controller, Keep keep) {
  bool waits = false;
  visit(member_of(t, controller), [&](Account& account) {
    if (waits) return;
    keep(account.kept);
    waits = waits_for_ends(account, t);
  });
}

void Usage::keep(const Template& t, const ControllerName& controller) {
  visit_kept(t, controller, [&](Sums& kept) { kept.add(needs_of(t), 1); });
}

void Usage::keep_at_least(const Template& t, const ControllerName& controller) {
  visit_kept(t, controller, [&](Sums& kept) { kept.raise_to(needs_of(t)); });
}

void Usage::drop_kept() {
  for (auto& account : accounts_) account.kept = {};
}

// --- agents that go on

bool Usage::has_budgets_of_day() const {
  return std::ranges::any_of(accounts_,
                             [](const Account& one) { return one.most->budget.per_day.has_value(); });
}

void Usage::add_going_on(const GroupMember& one, std::uint32_t count) {
  visit(one, [&](Account& account) {
    if (!is_beyond(one.needs.per_hour, account.most->budget)) account.going_on.add(one.needs, count);
  });
}

bool Usage::Overdraft::asks_about(const GroupMember& one) const {
  return is_member(one, scope, of) && !is_beyond(one.needs.per_hour, *budget);
}

std::vector<Usage::Overdraft> Usage::list_overdrafts() const {
  std::vector<Overdraft> all;
  for (const auto& account : accounts_) {
    const auto& budget = account.most->budget;
    const auto& next = account.going_on;
    if (!budget.per_day || next.agents == 0) continue;
    const auto lacking = account.spent->today + next.ahead - *budget.per_day;
    if (lacking <= model::Money()) continue;
    auto text = fmt::format(
        "of the {} that {} may spend a day (UTC) {} are spent, and {} that {} on would "
        "need {} next",
        model::format_money(*budget.per_day), describe_owner(account.scope, account.of),
        model::format_money(account.spent->today),
        next.agents == 1 ? "one agent" : fmt::format("{} agents", next.agents),
        next.agents == 1 ? "goes" : "go", model::format_money(next.ahead));
    all.push_back({account.scope, account.of, &budget, lacking, std::move(text)});
  }
  return all;
}

// --- what is full

void Usage::list_agent_cap(const Account& account, std::vector<Cap>& out) {
  if (account.most->agents == 0) return;
  auto& cap = out.emplace_back();
  cap.reason = reason_of({account.scope, Quantity::agents});
  cap.of = account.of;
  cap.taken = account.sums.agents;
  cap.strays = account.strays.agents;
  cap.unwatched = account.unwatched.agents;
  cap.unwatched_cloud = account.unwatched_cloud();
  cap.reserved = account.reserved.agents;
  cap.kept = account.kept.agents;
  cap.limit = account.most->agents;
}

void Usage::list_size_caps(const Account& account, const Template& t, std::vector<Cap>& out) {
  const auto add = [&](Quantity quantity, std::uint64_t model::AgentSize::* amount, std::uint64_t limit) {
    if (limit == 0) return;
    auto& cap = out.emplace_back();
    cap.reason = reason_of({account.scope, quantity});
    cap.of = account.of;
    cap.taken = number(account.sums.size.*amount);
    cap.strays = number(account.strays.size.*amount);
    cap.unwatched = number(account.unwatched.size.*amount);
    cap.unwatched_cloud = account.unwatched_cloud();
    cap.reserved = number(account.reserved.size.*amount);
    cap.kept = number(account.kept.size.*amount);
    cap.needed = number(t.size.*amount);
    cap.limit = number(limit);
    look_no_later(cap.look_again, t.offered_until);
  };
  add(Quantity::vcpus, &model::AgentSize::milli_cpus, account.most->milli_cpus);
  add(Quantity::memory, &model::AgentSize::memory_bytes, account.most->memory_bytes);
}

void Usage::list_budget_caps(const Account& account, const Template& t, std::vector<Cap>& out) {
  const auto& budget = account.most->budget;
  const auto& spent = *account.spent;
  const bool beyond = is_beyond(t.per_hour, budget);
  const auto asks = [&](model::Money Sums::* amount) {
    return !beyond || !(account.kept.*amount).is_zero() || !(account.reserved.*amount).is_zero();
  };
  if (budget.per_hour && asks(&Sums::per_hour)) {
    auto& cap = out.emplace_back();
    cap.reason = reason_of({account.scope, Quantity::per_hour});
    cap.of = account.of;
    cap.taken = (account.sums.per_hour + spent.still_paid_per_hour).micros;
    cap.strays = account.strays.per_hour.micros;
    cap.unwatched = account.unwatched.per_hour.micros;
    cap.unwatched_cloud = account.unwatched_cloud();
    cap.reserved = account.reserved.per_hour.micros;
    cap.kept = account.kept.per_hour.micros;
    cap.needed = t.per_hour.micros;
    cap.limit = budget.per_hour->micros;
    cap.passing = spent.still_paid_per_hour.micros;
    cap.is_beyond = beyond;
    if (!cap.never_fits()) cap.look_again = spent.rate_falls;
    look_no_later(cap.look_again, t.offered_until);
  }
  if (budget.per_day && asks(&Sums::ahead)) {
    auto& cap = out.emplace_back();
    cap.reason = reason_of({account.scope, Quantity::per_day});
    cap.of = account.of;
    cap.taken = (spent.today + account.sums.ahead).micros;
    cap.reserved = account.reserved.ahead.micros;
    cap.kept = account.kept.ahead.micros;
    cap.needed = reserved_ahead(needs_of(t)).micros;
    cap.limit = budget.per_day->micros;
    cap.spent = spent.today.micros;
    cap.is_beyond = beyond;
    if (!cap.never_fits()) cap.look_again = spent.day_ends;
    look_no_later(cap.look_again, t.offered_until);
  }
}

bool Usage::ever_fits(const Needs& needs, const model::AgentLimits& limits) {
  Template t;
  t.size = needs.size;
  t.per_hour = needs.per_hour;
  t.least_billed = needs.least_billed;
  const Spent nothing;
  const Account account{Scope::all, {}, &limits, &nothing};
  std::vector<Cap> caps;
  add_caps({&account}, t, caps);
  return std::ranges::none_of(caps, &Cap::never_fits);
}

// Numbers of agents first, they are told best; then sizes, then money.
void Usage::add_caps(const Accounts& accounts, const Template& t, std::vector<Cap>& out) {
  for (const auto* account : accounts) list_agent_cap(*account, out);
  for (const auto* account : accounts) list_size_caps(*account, t, out);
  for (const auto* account : accounts) list_budget_caps(*account, t, out);
}

Usage::Accounts Usage::find_accounts(const Template& t) const {
  Accounts accounts{&accounts_.front()};
  for (const auto& [label, place] : labels_)
    if (std::ranges::find(t.labels, label) != t.labels.end()) accounts.push_back(&accounts_[place]);
  if (const auto found = clouds_.find(t.cloud); found != clouds_.end())
    accounts.push_back(&accounts_[found->second]);
  if (const auto found = templates_.find(t.name); found != templates_.end())
    accounts.push_back(&accounts_[found->second]);
  return accounts;
}

Usage::Accounts Usage::find_controller_account(const ControllerName& controller) const {
  const auto found = controllers_.find(controller);
  return found == controllers_.end() ? Accounts() : Accounts{&accounts_[found->second]};
}

std::vector<Cap> Usage::list_caps(const Template& t) const { return list_caps(t, {}); }

std::vector<Cap> Usage::list_controller_caps(const ControllerName& controller, const Template& t) const {
  std::vector<Cap> caps;
  add_caps(find_controller_account(controller), t, caps);
  return caps;
}

std::vector<Cap> Usage::list_all_caps(const Template& t, const ControllerName& controller) const {
  return list_caps(t, find_controller_account(controller));
}

// Asked for each template several times a plan: with room for all from the beginning.
std::vector<Cap> Usage::list_caps(const Template& t, const Accounts& also) const {
  const auto known = accounts_of_.find(&t);
  Accounts found;
  if (known == accounts_of_.end()) found = find_accounts(t);
  const auto& accounts = known == accounts_of_.end() ? found : known->second;
  std::vector<Cap> caps;
  caps.reserve((accounts.size() + also.size()) * kQuantities);
  add_caps(accounts, t, caps);
  add_caps(also, t, caps);
  return caps;
}

std::string describe_spent(const Cap& cap) {
  return fmt::format("of the {} that {} may spend a day (UTC) {} are spent",
                     model::format_money(model::Money{cap.limit}), describe_owner(cap),
                     model::format_money(model::Money{cap.spent}));
}

Held describe_obstacle(const Cap& cap, const Template& t) {
  Held held{cap.reason, describe(cap, t), cap.look_again, std::string(cap.of)};
  if (cap.never_fits())
    held.look_again_on = t.offered_until.is_set() ? "pause_is_over" : "configuration_changes";
  return held;
}

}  // namespace footman::policy
