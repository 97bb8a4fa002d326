// What the tags of a task say of it. Another `tag_prefix` may have been configured when it was launched, so
// the prefix is found by what stands behind it: the installation's id. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "ecs/options.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

class OwnTags {
 public:
  // `prefix`: as it is configured; it goes before others. `tags` outlive it.
  OwnTags(const footman::ecs::TextMap& tags, const InstallationId& installation, const std::string& prefix);

  // They name the installation.
  bool are_ours() const { return are_ours_; }
  // One of ecs/run_task.hpp's, without the prefix; empty: it is not there.
  std::string get(std::string_view name) const;

 private:
  const footman::ecs::TextMap& tags_;
  std::string prefix_;
  bool are_ours_ = false;
};

}  // namespace footman::cloud::ecs
