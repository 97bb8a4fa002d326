// What the fleet's loop shows of its last plan.
#include <algorithm>
#include <tuple>

#include "fleet/considered.hpp"
#include "fleet/provisioner.hpp"

namespace footman::fleet {

std::optional<PoolView> Provisioner::view_of_pool(const TemplateName& name) const {
  const auto t = core_.templates.find(name);
  if (t == core_.templates.end() || t->second.config.pool.empty()) return std::nullopt;
  const auto it = std::ranges::find(plan_.pools, name, &policy::PoolReport::template_name);
  return pools_.view(t->second, it == plan_.pools.end() ? policy::PoolReport() : *it);
}

bool Provisioner::is_kept_ready(const AgentId& id) const {
  return std::ranges::any_of(plan_.pools, [&](const policy::PoolReport& pool) {
    return std::ranges::find(pool.wanted, id) != pool.wanted.end();
  });
}

std::optional<ItemView> Provisioner::explain(const ControllerName& controller, const std::string& key) const {
  const auto it = items_.find({controller, key});
  if (it == items_.end()) return std::nullopt;
  const auto& item = it->second;
  return ItemView{controller, key, item.title, item.reason ? *item.reason : ports::WaitReason(),
                  consider(it->first, item)};
}

std::vector<Consideration> Provisioner::consider(const policy::ItemRef& ref, const WaitingItem& item) const {
  if (item.held) return list_answers(*item.held->tried, item.held->tried->size());
  const auto* agent = item.reason ? core_.find_agent(item.reason->agent) : nullptr;
  if (agent == nullptr) return {};
  const auto& row = agent->row;
  const auto fitting = ledger_.list_templates(ref);
  const bool is_own = row.for_item == ref.key && row.controller == ref.controller;
  return is_own ? consider_own(row, agent->request.not_these, *item.reason, fitting)
                : consider_other(row, *item.reason, fitting);
}

const PlanView& Provisioner::view() const {
  if (view_) return *view_;
  auto& view = view_.emplace();
  view.at = plan_at_;
  view.number = number_;
  view.launches = launched_;
  std::vector<std::pair<Instant, const policy::ItemRef*>> order;
  order.reserve(items_.size());
  for (const auto& [ref, item] : items_) order.emplace_back(item.since, &ref);
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return std::tie(a.first, *a.second) < std::tie(b.first, *b.second);
  });
  view.items.reserve(order.size());
  for (const auto& [since, ref] : order) view.items.push_back(*explain(ref->controller, ref->key));
  for (const auto& end : plan_.terminations) view.endings.push_back({end.agent, end.reason, end.text});
  for (const auto& drain : plan_.drains) view.endings.push_back({drain.agent, drain.reason, drain.text});
  view.next_look = plan_.next_look;
  return view;
}

}  // namespace footman::fleet
