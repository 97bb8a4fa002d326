#include "cloud/ecs/own_tags.hpp"

#include "ecs/run_task.hpp"

namespace footman::cloud::ecs {

using footman::ecs::kInstallationTag;

OwnTags::OwnTags(const footman::ecs::TextMap& tags, const InstallationId& installation,
                 const std::string& prefix)
    : tags_(tags), prefix_(prefix) {
  are_ours_ = get(kInstallationTag) == installation.str();
  for (auto one = tags.begin(); one != tags.end() && !are_ours_; ++one) {
    const auto& [name, value] = *one;
    if (value != installation.str() || !name.ends_with(kInstallationTag)) continue;
    prefix_ = name.substr(0, name.size() - kInstallationTag.size());
    are_ours_ = true;
  }
}

std::string OwnTags::get(std::string_view name) const {
  const auto found = tags_.find(prefix_ + std::string(name));
  return found == tags_.end() ? std::string() : found->second;
}

}  // namespace footman::cloud::ecs
