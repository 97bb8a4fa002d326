#include "policy/billing.hpp"

#include <algorithm>

namespace footman::policy {
namespace {

using model::BilledFrom;
using model::BilledUntil;

Instant first_of(const model::BillingRule& rule, const AgentLife& life) {
  const auto there = life.answered.is_set() ? life.answered : life.connected;
  if (!there.is_set() && life.gone.is_set()) return {};
  switch (rule.from) {
    case BilledFrom::asked:
      return life.asked;
    case BilledFrom::answered:
      return there;
    case BilledFrom::connected:
      return life.connected;
  }
  return {};
}

Instant last_of(const model::BillingRule& rule, const AgentLife& life, Instant now) {
  auto last = life.gone.is_set() ? life.gone : now;
  if (rule.until == BilledUntil::stop_asked && life.stop_asked.is_set())
    last = std::min(last, life.stop_asked);
  return last;
}

// Whole steps, rounded up.
Duration round_up(Duration time, Duration step) { return (time + step - Duration(1)) / step * step; }

}  // namespace

AgentLife life_of(const model::Agent& agent) {
  return {agent.planned, agent.launched, agent.connected, agent.stop_asked, agent.ended};
}

BilledTime find_billed_time(const model::BillingRule& rule, const AgentLife& life, Instant now) {
  const auto from = first_of(rule, life);
  if (!from.is_set()) return {};
  const auto time = std::max(Duration(0), last_of(rule, life, now) - from);
  return {from, from + std::max(rule.minimum, round_up(time, rule.step))};
}

}  // namespace footman::policy
