// Which of several templates that fit an item is tried first.
#pragma once

#include <compare>
#include <string_view>

#include "model/label.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::policy {

// Less is better: the highest priority, the lowest price, the fewest labels that nobody asked for, the fewest
// labels, then the names, so that the order does not depend on that of the input. Points into the template.
struct TemplateRank {
  std::int64_t minus_priority = 0;
  model::Money per_hour;
  std::size_t surplus_labels = 0;
  std::size_t labels = 0;
  std::string_view cloud;
  std::string_view name;
  auto operator<=>(const TemplateRank&) const = default;
};
TemplateRank rank_template(const Template& t, const model::LabelExpr& wish);

// Best first.
void sort_templates(std::vector<const Template*>& templates, const model::LabelExpr& wish);

}  // namespace footman::policy
