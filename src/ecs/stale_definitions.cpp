#include "ecs/stale_definitions.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/ascii.hpp"
#include "ecs/task_definition.hpp"

namespace footman::ecs {

Texts list_stale(const std::vector<UnusedDefinition>& unused, Instant now) {
  std::map<std::pair<TemplateName, std::string>, const UnusedDefinition*> newest;
  for (const auto& one : unused) {
    auto& found = newest[{one.template_name, one.architecture}];
    if (found == nullptr || found->registered < one.registered) found = &one;
  }
  Texts stale;
  for (const auto& one : unused)
    if (newest.at({one.template_name, one.architecture}) != &one || now >= one.unused_since + kPreviousKept)
      stale.push_back(one.family);
  return stale;
}

bool is_own_family(std::string_view family) {
  const auto dash = family.rfind('-');
  if (!family.starts_with(kFamilyPrefix) || dash < kFamilyPrefix.size()) return false;
  const auto hash = family.substr(dash + 1);
  return hash.size() == kHashDigitsInFamily &&
         std::ranges::all_of(hash, [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string_view family_of(std::string_view definition_arn) {
  constexpr std::string_view kKind = ":task-definition/";
  const auto kind = definition_arn.find(kKind);
  if (kind == std::string_view::npos) return {};
  const auto name = definition_arn.substr(kind + kKind.size());
  return name.substr(0, name.find(':'));
}

}  // namespace footman::ecs
