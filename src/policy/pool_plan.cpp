#include "policy/pool_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "policy/usage.hpp"

namespace footman::policy {

using model::AgentActivity;

std::uint32_t PoolCount::missing() const {
  const auto have = unclear + static_cast<std::uint32_t>(wanted.size());
  const auto want = target();
  return want > have ? want - have : 0;
}

PoolBook::PoolBook(const std::vector<Template>& templates) {
  for (const auto& t : templates)
    if (!t.pool.empty()) pools_.push_back({&t, 0, 0, {}, {}});
  std::ranges::sort(pools_, [](const PoolCount& a, const PoolCount& b) {
    return std::tie(b.of->priority, a.of->cloud, a.of->name) <
           std::tie(a.of->priority, b.of->cloud, b.of->name);
  });
  for (std::size_t i = 0; i < pools_.size(); ++i) index_[pools_[i].of->name] = i;
}

PoolCount* PoolBook::find(const TemplateName& name, const ControllerName& controller) {
  const auto it = index_.find(name);
  if (it == index_.end() || pools_[it->second].of->pool_controller != controller) return nullptr;
  return &pools_[it->second];
}

template <class OneOrMany>
PoolCount* PoolBook::find(const OneOrMany& agent) {
  auto* pool = find(agent.template_name, agent.controller);
  const bool is_current =
      pool != nullptr && pool->of->generation == agent.generation && pool->of->cloud == agent.cloud;
  return is_current ? pool : nullptr;
}

void PoolBook::note_at_work(const Agent& agent) {
  if (auto* pool = find(agent)) ++pool->at_work;
}
void PoolBook::note_at_work(const TemplateName& name, const ControllerName& controller) {
  if (auto* pool = find(name, controller)) ++pool->at_work;
}
void PoolBook::note_at_work(const SettledAgents& agents) {
  if (auto* pool = find(agents)) pool->at_work += agents.count;
}
void PoolBook::note_unclear(const SettledAgents& agents) {
  if (auto* pool = find(agents)) pool->unclear += agents.count;
}
void PoolBook::note_unclear(const Agent& agent) {
  if (auto* pool = find(agent)) ++pool->unclear;
}
void PoolBook::note_spare(const Agent& agent) {
  if (auto* pool = find(agent)) pool->spare.push_back(&agent);
}

bool PoolBook::has_pool(const Agent& agent) const {
  const auto it = index_.find(agent.template_name);
  return it != index_.end() && pools_[it->second].of->pool_controller == agent.controller;
}

void PoolBook::settle() {
  for (auto& pool : pools_) {
    auto& spare = pool.spare;
    std::ranges::sort(spare, [](const Agent* a, const Agent* b) { return is_better(*a, *b); });
    const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(pool.target(), spare.size()));
    pool.wanted.assign(spare.begin(), spare.begin() + count);
    spare.erase(spare.begin(), spare.begin() + count);
    wanted_.insert(pool.wanted.begin(), pool.wanted.end());
  }
}

std::string describe_need(const PoolCount& pool) {
  return fmt::format("the pool of template '{}' wants {} agents without work and has {}", pool.of->name.str(),
                     pool.target(), pool.wanted.size() + pool.unclear);
}

std::int64_t RoomWish::relief(const Lack& lack, const Agent& agent) const {
  if (is_of_cloud(lack.reason) && agent.cloud != cloud) return 0;
  switch (lack.reason) {
    case HoldReason::global_cap:
      return 1;
    case HoldReason::label_cap:
      return std::ranges::count(agent.labels, lack.label) > 0 ? 1 : 0;
    case HoldReason::cloud_cap:
      return agent.cloud == cloud ? 1 : 0;
    case HoldReason::template_cap:
      return agent.template_name == template_name ? 1 : 0;
    case HoldReason::controller_cap:
      return agent.controller == controller ? 1 : 0;
    case HoldReason::vcpu_cap:
    case HoldReason::cloud_vcpu_cap:
      return static_cast<std::int64_t>(agent.size.milli_cpus);
    case HoldReason::memory_cap:
    case HoldReason::cloud_memory_cap:
      return static_cast<std::int64_t>(agent.size.memory_bytes);
    case HoldReason::hour_budget:
    case HoldReason::cloud_hour_budget:
      return agent.per_hour.micros;
    case HoldReason::day_budget:
    case HoldReason::cloud_day_budget:
      return reserved_ahead(needs_of(agent)).micros;
    default:
      return 0;
  }
}

std::optional<std::vector<const Agent*>> RoomFinder::find(const RoomWish& wish) const {
  std::vector<std::int64_t> left;
  left.reserve(wish.lacks.size());
  for (const auto& lack : wish.lacks) left.push_back(lack.amount);
  const auto helps = [&](const Agent& agent) {
    bool needed = false;
    for (std::size_t i = 0; i < left.size(); ++i)
      needed |= left[i] > 0 && wish.relief(wish.lacks[i], agent) > 0;
    if (needed)
      for (std::size_t i = 0; i < left.size(); ++i) left[i] -= wish.relief(wish.lacks[i], agent);
    return needed;
  };
  for (const Agent* agent : leaving_) (void)helps(*agent);
  std::vector<const Agent*> to_end;
  for (const Agent* agent : idle_)
    if (helps(*agent)) to_end.push_back(agent);
  if (std::ranges::any_of(left, [](auto amount) { return amount > 0; })) return std::nullopt;
  return to_end;
}

void RoomFinder::end(const std::vector<const Agent*>& agents) {
  leaving_.insert(leaving_.end(), agents.begin(), agents.end());
  std::erase_if(idle_, [&](const Agent* agent) { return std::ranges::count(agents, agent) > 0; });
}

}  // namespace footman::policy
