#include "policy/pool_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace footman::policy {

std::uint32_t PoolCount::missing() const {
  const auto have = unclear + static_cast<std::uint32_t>(wanted.size());
  const auto want = target();
  return want > have ? want - have : 0;
}

model::LaunchReason PoolCount::reason_for(std::uint32_t missing) const {
  const auto always = std::min(of->pool.min_idle, of->pool.max_idle);
  return target() - missing < always ? model::LaunchReason::pool_minimum : model::LaunchReason::pool_load;
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

}  // namespace footman::policy
