// The part of a plan that keeps warm pools: which agents without work are wanted, and how many are missing.
// Pure; the provisioning plan tells it who is at work and who is spare once all items are served, and
// launches within the caps what is missing.
//
// An agent counts for the pool of its template when it may take work, is of the template's present generation
// and of the pool's controller. At work, or given an item by this plan, it counts by the pool's share only;
// without an item it counts against the target, whatever it was launched for. So planning twice changes
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/settled_agents.hpp"

namespace footman::policy {

// What the pool of one template has and wants.
struct PoolCount {
  const Template* of = nullptr;
  std::uint32_t at_work = 0;
  std::uint32_t unclear = 0;         // they may be without work, now or after a crash (PoolWork::unclear)
  std::vector<const Agent*> wanted;  // without work; after settle()
  std::vector<const Agent*> spare;   // without work, beyond the target
  bool is_spent = false;             // the budget of the day: it wants nothing until the next one
  std::uint32_t target() const { return is_spent ? 0 : model::pool_target(of->pool, at_work); }
  std::uint32_t missing() const;
  // Of a launch when so many are missing, more than 0.
  model::LaunchReason reason_for(std::uint32_t missing) const;
};

class PoolBook {
 public:
  explicit PoolBook(const std::vector<Template>& templates);

  bool empty() const { return pools_.empty(); }
  // What is of no pool is left out.
  void note_at_work(const Agent& agent);
  void note_at_work(const TemplateName& name, const ControllerName& controller);  // launched for an item
  void note_at_work(const SettledAgents& agents);
  void note_unclear(const Agent& agent);
  void note_unclear(const SettledAgents& agents);
  void note_spare(const Agent& agent);
  // Once, when all is noted: of the spare ones so many are wanted; idle ones first, then the oldest.
  template <class IsSpent>
  void settle(IsSpent is_spent) {
    for (auto& pool : pools_) pool.is_spent = is_spent(*pool.of);
    settle();
  }
  bool wants(const Agent& agent) const { return wanted_.contains(&agent); }
  bool has_pool(const Agent& agent) const;                        // its template, now
  const std::vector<PoolCount>& pools() const { return pools_; }  // highest priority first, then by name

 private:
  void settle();
  PoolCount* find(const TemplateName& name, const ControllerName& controller);
  template <class OneOrMany>
  PoolCount* find(const OneOrMany& agent);  // that it counts for, or all of them

  std::vector<PoolCount> pools_;
  std::map<TemplateName, std::size_t> index_;
  std::set<const Agent*> wanted_;
};

// "the pool of template 't' wants 2 agents without work and has 1"
std::string describe_need(const PoolCount& pool);

}  // namespace footman::policy
