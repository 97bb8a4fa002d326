#include "cloud/ecs/clean_up.hpp"

#include <algorithm>
#include <utility>

#include "ecs/run_task.hpp"
#include "ecs/task_definition.hpp"

namespace footman::cloud::ecs {

namespace ecs = footman::ecs;

CleanUp::CleanUp(Api& api, Definitions& definitions, DefinitionUses uses, runtime::Clock& clock,
                 const runtime::EvenTime& even, Logger log)
    : api_(api),
      definitions_(definitions),
      uses_(std::move(uses)),
      clock_(clock),
      even_(even),
      log_(std::move(log)) {}

Awaitable<void> CleanUp::run() {
  do co_await runtime::sleep_for(clock_, kFirstCleanUp);
  while (!uses_.are_known());
  while (true) {
    if (const auto done = co_await clean_up(); !done)
      log_.info("task definitions that nothing needs any more stay", {{"error", done.error().message}});
    co_await runtime::sleep_for(clock_, kCleanUpPause);
  }
}

Awaitable<CallResult<void>> CleanUp::clean_up() {
  auto listed = co_await api_.list_families(std::string(ecs::kFamilyPrefix), "ACTIVE");
  if (!listed) co_return std::unexpected(std::move(listed).error());
  auto inactive = co_await api_.list_families(std::string(ecs::kFamilyPrefix), "INACTIVE");
  if (!inactive) co_return std::unexpected(std::move(inactive).error());
  const std::set<std::string> there(listed->begin(), listed->end());
  std::erase_if(unused_, [&](const auto& item) { return !there.contains(item.first); });
  std::erase_if(others_, [&](const auto& family) {
    return !there.contains(family) && std::ranges::find(*inactive, family) == inactive->end();
  });
  const auto used = uses_.families();
  for (const auto& family : there) {
    if (used.contains(family)) {
      unused_.erase(family);
    } else if (ecs::is_own_family(family) && !unused_.contains(family) && !others_.contains(family)) {
      auto looked = co_await look_at(family);
      if (!looked) co_return looked;
    }
  }
  for (auto& family : ecs::list_stale(list_unused(), even_.now())) {
    if (uses_.families().contains(family)) continue;
    auto retired = co_await definitions_.retire(family);
    if (!retired) co_return std::unexpected(std::move(retired).error());
    if (*retired) unused_.erase(family);
    co_await runtime::sleep_for(clock_, kRetirePause);
  }
  co_return co_await delete_left(std::move(*inactive));
}

// What was deregistered and not deleted: the server died in between, or AWS refused.
Awaitable<CallResult<void>> CleanUp::delete_left(std::vector<std::string> families) {
  for (const auto& family : families) {
    if (!ecs::is_own_family(family) || others_.contains(family)) continue;
    auto left = co_await api_.list_inactive(family);
    if (!left) co_return std::unexpected(std::move(left).error());
    if (left->size() > kRevisionsAtOnce) left->resize(kRevisionsAtOnce);
    for (const auto& arn : *left) {
      auto found = co_await api_.look_at_definition(arn);
      if (!found) co_return std::unexpected(std::move(found).error());
      if (!*found) continue;
      if (!is_ours(**found)) {
        others_.insert(family);
        break;
      }
      auto deleted = co_await api_.delete_definition(arn);
      if (!deleted) co_return deleted;
      log_.info("task definition that was deregistered before is deleted", {{"arn", arn}});
    }
    co_await runtime::sleep_for(clock_, kRetirePause);
  }
  co_return CallResult<void>();
}

Awaitable<CallResult<void>> CleanUp::look_at(std::string family) {
  auto found = co_await api_.look_at_definition(family);
  if (!found) co_return std::unexpected(std::move(found).error());
  if (!*found) co_return CallResult<void>();  // gone meanwhile
  if (!is_ours(**found))
    others_.insert(std::move(family));
  else
    unused_[family] = {family, TemplateName(tag_of(**found, ecs::kTemplateTag)), (*found)->architecture,
                       (*found)->registered, even_.now()};
  co_return CallResult<void>();
}

bool CleanUp::is_ours(const DefinitionFacts& found) const {
  return tag_of(found, ecs::kInstallationTag) == uses_.installation.str();
}

std::string CleanUp::tag_of(const DefinitionFacts& found, std::string_view name) const {
  const auto it = found.tags.find(uses_.tag_prefix + std::string(name));
  return it == found.tags.end() ? std::string() : it->second;
}

// A template may have moved to another cloud since it was looked at.
std::vector<ecs::UnusedDefinition> CleanUp::list_unused() const {
  std::vector<ecs::UnusedDefinition> out;
  for (const auto& [family, one] : unused_)
    if (!uses_.is_of_another_cloud(one.template_name)) out.push_back(one);
  return out;
}

}  // namespace footman::cloud::ecs
