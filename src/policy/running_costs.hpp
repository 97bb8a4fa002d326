// What agents that are there have cost today, by who pays. A value. A change of an agent costs its logarithm,
// a question what has changed: agents of which another step of time has to be paid since the last one. A new
// day costs all.
#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/ids.hpp"
#include "model/price.hpp"
#include "policy/billing.hpp"
#include "policy/spending.hpp"

namespace footman::policy {

class RunningCosts {
 public:
  using ByPayer = std::map<Payer, model::Money>;

  RunningCosts() = default;
  RunningCosts(const RunningCosts&) = delete;  // it points into itself
  RunningCosts& operator=(const RunningCosts&) = delete;

  // It is there, or something of it has changed.
  void put(const AgentId& id, const Payer& payer, const model::Price& price, const AgentLife& life);
  void drop(const AgentId& id);  // unknown ones are none

  // What must be paid by now and is of today. Payers whose agents have cost nothing may be missing.
  const ByPayer& today(Instant now);

 private:
  struct Agent {
    Payer payer;
    model::Price price;
    AgentLife life;
    model::Money cost;  // as it is in the sums
    Instant until;      // it stays so until then; not set: for good
  };

  void count(Agent& agent, Instant now);
  void take_out(Agent& agent);

  Instant day_;
  std::unordered_map<AgentId, Agent> agents_;
  std::set<std::pair<Instant, Agent*>> due_;
  std::set<Agent*> changed_;  // not counted yet
  ByPayer sums_;
};

}  // namespace footman::policy
