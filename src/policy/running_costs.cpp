#include "policy/running_costs.hpp"

#include <algorithm>
#include <tuple>

namespace footman::policy {
namespace {

bool is_same_life(const AgentLife& a, const AgentLife& b) {
  return std::tie(a.asked, a.answered, a.connected, a.stop_asked, a.gone) ==
         std::tie(b.asked, b.answered, b.connected, b.stop_asked, b.gone);
}

}  // namespace

void RunningCosts::put(const AgentId& id, const Payer& payer, const model::Price& price,
                       const AgentLife& life) {
  auto& agent = agents_[id];
  if (agent.payer == payer && agent.price == price && is_same_life(agent.life, life)) return;
  take_out(agent);
  agent = {payer, price, life, {}, {}};
  changed_.insert(&agent);
}

void RunningCosts::drop(const AgentId& id) {
  const auto it = agents_.find(id);
  if (it == agents_.end()) return;
  take_out(it->second);
  changed_.erase(&it->second);
  agents_.erase(it);
}

void RunningCosts::take_out(Agent& agent) {
  if (agent.until.is_set()) due_.erase({agent.until, &agent});
  agent.until = {};
  if (agent.cost.is_zero()) return;
  const auto sum = sums_.find(agent.payer);
  sum->second = sum->second - agent.cost;
  if (sum->second.is_zero()) sums_.erase(sum);
  agent.cost = {};
}

void RunningCosts::count(Agent& agent, Instant now) {
  const auto billed = find_billed_time(agent.price.billing, agent.life, now);
  if (!billed.from.is_set()) return;
  agent.cost = model::charge(agent.price.per_hour, billed.until - std::max(billed.from, day_));
  if (!agent.cost.is_zero()) sums_[agent.payer] += agent.cost;
  const auto step = agent.price.billing.step;
  const auto later = find_billed_time(agent.price.billing, agent.life, billed.until + step);
  if (later.until == billed.until) return;  // it is gone, or was asked to stop
  const auto steps = (std::max(Duration(0), now - billed.from) + step - Duration(1)) / step;
  agent.until = billed.from + steps * step;
  due_.emplace(agent.until, &agent);
}

const RunningCosts::ByPayer& RunningCosts::today(Instant now) {
  if (const auto day = begin_of_day(now); day != day_) {
    day_ = day;
    for (auto& [id, agent] : agents_) changed_.insert(&agent);
  }
  for (auto it = due_.begin(); it != due_.end() && it->first < now; ++it) changed_.insert(it->second);
  for (auto* agent : changed_) {
    take_out(*agent);
    count(*agent, now);
  }
  changed_.clear();
  return sums_;
}

}  // namespace footman::policy
