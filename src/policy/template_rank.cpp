#include "policy/template_rank.hpp"

#include <algorithm>
#include <utility>

namespace footman::policy {

TemplateRank rank_template(const Template& t, const model::LabelExpr& wish) {
  const auto asked = wish.atoms();
  const auto surplus = std::ranges::count_if(
      t.labels, [&](const std::string& label) { return !std::ranges::binary_search(asked, label); });
  return {-std::int64_t{t.priority}, t.per_hour,    static_cast<std::size_t>(surplus),
          t.labels.size(),           t.cloud.str(), t.name.str()};
}

void sort_templates(std::vector<const Template*>& templates, const model::LabelExpr& wish) {
  std::vector<std::pair<TemplateRank, const Template*>> ranked;
  ranked.reserve(templates.size());
  for (const auto* t : templates) ranked.emplace_back(rank_template(*t, wish), t);
  std::ranges::sort(ranked, {}, &std::pair<TemplateRank, const Template*>::first);
  for (std::size_t i = 0; i < ranked.size(); ++i) templates[i] = ranked[i].second;
}

}  // namespace footman::policy
