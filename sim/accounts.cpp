#include "sim/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace footman::sim {

using base::AgentId;
using model::EndReason;

namespace {

constexpr Duration kDecisionMargin = 100ms;  // between what a plan has seen and what is stored
constexpr Duration kTimeMargin = 1s;

std::string describe(const ItemKey& key) {
  return fmt::format("item {} of controller '{}'", key.second, key.first.str());
}

}  // namespace

void LaunchAccounts::note_items(const std::vector<QueuedItem>& items) {
  const auto now = parts_.loop.now();
  std::set<ItemKey> listed;
  for (auto& [key, times] : items_)  // until now, as at the last look
    if (std::exchange(times.is_wanted, false)) times.wanted = now;
  for (const auto& item : items) {
    listed.insert(item.key);
    auto& times = items_[item.key];
    times.is_wanted = item.may_be_wanted;
    if (item.may_be_wanted) times.wanted = now;
    if (item.may_be_unwanted) times.unwanted = now;
  }
  for (auto& [key, times] : items_)
    if (!listed.contains(key)) times.unwanted = now;
}

void LaunchAccounts::note_work(const std::vector<GivenWork>& work) {
  for (const auto& one : work) {
    const auto it = accounts_.find(one.agent);
    if (it == accounts_.end()) continue;
    it->second.given.insert(one.item);
    it->second.worked |= one.started;
  }
}

void LaunchAccounts::note_agents(const std::vector<model::Agent>& rows) {
  std::set<AgentId> listed;
  for (const auto& row : rows) {
    listed.insert(row.id);
    const auto known = accounts_.find(row.id);
    if (known == accounts_.end()) continue;
    auto& account = known->second;
    account.row = row;
    if (!account.left && !model::is_serving(row.state)) close(account);
  }
  for (auto& [id, account] : accounts_)
    if (!account.left && !listed.contains(id)) close(account);
  for (const auto& row : rows)
    if (!accounts_.contains(row.id)) open(row);
}

void LaunchAccounts::close(Account& account) {
  account.left = parts_.loop.now();
  const auto why = account.left_for = account.row.end_reason;
  using enum EndReason;
  const bool was_unwanted = why == surplus || why == idle_too_long || why == made_room ||
                            why == budget_spent || why == max_age || why == build_finished ||
                            why == template_changed;
  if (!account.worked && !was_unwanted) failures_[account.row.template_name].push_back(*account.left);
}

const std::vector<Duration>& LaunchAccounts::failures_of(const base::TemplateName& name) const {
  static const std::vector<Duration> kNone;
  const auto found = failures_.find(name);
  return found == failures_.end() ? kNone : found->second;
}

void LaunchAccounts::open(const model::Agent& row) {
  const auto [it, fresh] = accounts_.emplace(row.id, Account{.row = row, .decided = parts_.loop.now()});
  auto& account = it->second;
  if (!model::is_serving(row.state)) close(account);
  if (row.for_item.empty()) return parts_.witness.count(Happening::pool_launched);
  judge(account);
  launched_for_[account.key()].push_back(row.id);
}

// --- as it was decided

void LaunchAccounts::judge(const Account& fresh) {
  const auto item = items_.find(fresh.key());
  if (item == items_.end() || !item->second.wanted)
    report(fmt::format("agent {} is launched for {}, which has never waited for one", fresh.row.id.str(),
                       describe(fresh.key())));
  else if (fresh.decided - *item->second.wanted > kDecisionMargin)
    report(fmt::format("agent {} is launched for {}, which has not waited for one since {} s",
                       fresh.row.id.str(), describe(fresh.key()), format_time(*item->second.wanted)));
  for (const auto& id : launched_for_[fresh.key()]) judge_earlier(fresh, accounts_.at(id));
}

void LaunchAccounts::judge_earlier(const Account& fresh, Account& earlier) {
  if (earlier.is_replaced) return;
  const auto& row = earlier.row;
  if (!earlier.left) {
    const bool serves_another =
        std::ranges::any_of(earlier.given, [&](const ItemKey& item) { return item != earlier.key(); });
    if (!serves_another && !is_for_another(earlier) && !parts_.is_reserved(row))
      parts_.witness.report(
          "one_agent_per_item",
          fmt::format("agent {} is launched for {}, and agent {} ({}{}) is on its way for it",
                      fresh.row.id.str(), describe(fresh.key()), row.id.str(), to_string(row.state),
                      row.promised_to.empty() ? "" : ", promised to " + row.promised_to));
    return;
  }
  earlier.is_replaced = true;
  parts_.witness.count(Happening::launched_again);
  if (find_cause(earlier).empty())
    report(fmt::format(
        "agent {} is launched for {}, and agent {}, which was launched for it before, was given up at {} s "
        "({}: {}) though nothing had happened to it",
        fresh.row.id.str(), describe(fresh.key()), row.id.str(), format_time(*earlier.left),
        to_string(earlier.left_for), row.end_detail));
}

// While its own item did not want it another one has got it, and that one waits.
bool LaunchAccounts::is_for_another(const Account& account) const {
  const auto promised_to = parts_.promised_to(account.row);
  if (promised_to.empty() || promised_to == account.row.for_item) return false;
  const auto item = items_.find({account.row.controller, promised_to});
  return item != items_.end() && item->second.wanted &&
         parts_.loop.now() - *item->second.wanted <= kDecisionMargin;
}

// Why it is not there for its item any more; empty: nothing says so.
std::string LaunchAccounts::find_cause(const Account& account) const {
  const auto& row = account.row;
  if (std::ranges::any_of(account.given, [&](const ItemKey& item) { return item != account.key(); }))
    return "it had another item";
  if (account.worked && !parts_.is_told_of(row)) return "it served its item, and nobody could tell";
  const auto item = items_.find(account.key());
  const bool was_unwanted =
      item != items_.end() && item->second.unwanted && *item->second.unwanted >= account.decided;
  // Whether it had connected is judged with its end, by what the server could know then.
  const bool was_late = *account.left - account.decided + kTimeMargin >= row.launch_deadline - row.planned;
  switch (account.left_for) {
    case EndReason::surplus:
    case EndReason::idle_too_long:
    case EndReason::made_room:
    case EndReason::budget_spent:
    case EndReason::build_finished:
      if (was_unwanted) return "its item did not want it for a while";
      if (has_another(account)) return "another agent that was launched for its item was free again";
      break;
    case EndReason::launch_deadline:
      if (was_late) return "it did not connect in time";
      break;
    case EndReason::drained:  // for one of these, by a server that died before it had written that down
      if (was_unwanted || was_late) return "its item did not want it for a while, or it did not connect";
      if (const auto started = parts_.server_started();
          account.decided < started && *account.left - started < kTimeMargin)
        return "an earlier life of the server had given its item to another one, and died before that was "
               "written";
      break;
    case EndReason::template_changed:
      if (was_unwanted && parts_.witness.config_changed >= account.decided)
        return "its item did not want it for a while, and its template was changed";
      break;
    case EndReason::max_age:
      return "it was too old for another build";
    default:
      break;
  }
  return find_cause_outside(account);
}

// Of an item that was away for a moment: what it had got the agent of is gone, and both stood for it.
bool LaunchAccounts::has_another(const Account& account) const {
  return std::ranges::any_of(launched_for_.at(account.key()), [&](const base::AgentId& id) {
    const auto& one = accounts_.at(id);
    return one.decided < account.decided && (!one.left || *one.left > *account.left);
  });
}

std::string LaunchAccounts::find_cause_outside(const Account& account) const {
  const auto& row = account.row;
  const auto& witness = parts_.witness;
  if (witness.disturbed_agents.contains(row.id.str())) return "it was disturbed";
  if (witness.ended_by_people.contains(row.id.str()) || witness.drained_by_people.contains(row.id.str()))
    return "a person wanted its end";
  const auto* cloud = find_cloud(row);
  if (cloud == nullptr) return {};
  if (cloud->has_refused(row.client_token)) return "its launch was refused";
  bool was_made = false;
  for (const auto& [handle, machine] : cloud->machines()) {
    if (machine.spec.client_token != row.client_token) continue;
    was_made = true;
    const bool died = machine.fate == SimCloud::Fate::dies_at_start && !machine.live();
    if (machine.taken || died) return "its machine was lost";
  }
  const bool is_too_old = *account.left - account.decided + kTimeMargin >= cloud->traits().token_lifetime;
  if (!was_made && (is_too_old || clock_set_ >= account.decided))
    return "its token was too old to be sent again";
  return {};
}

const SimCloud* LaunchAccounts::find_cloud(const model::Agent& row) const {
  const auto found = std::ranges::find_if(
      parts_.clouds, [&](const SimCloud* one) { return one->traits().name == row.cloud.str(); });
  return found == parts_.clouds.end() ? nullptr : *found;
}

// --- all of them

void LaunchAccounts::check_end() const {
  for (const auto* cloud : parts_.clouds)
    for (const auto& [handle, machine] : cloud->machines()) {
      if (machine.is_stray) continue;
      const auto account = accounts_.find(machine.spec.agent);
      const bool is_decided =
          account != accounts_.end() && account->second.row.client_token == machine.spec.client_token;
      if (!is_decided)
        parts_.witness.report("launches_are_accounted",
                              fmt::format("machine {} was made for '{}', and no launch of that was decided",
                                          handle, machine.spec.client_token));
    }
}

}  // namespace footman::sim
