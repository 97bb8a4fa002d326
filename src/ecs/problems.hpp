// What the checks of options share. Inside the module.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ecs/validate.hpp"

namespace footman::ecs {

class Problems {
 public:
  void add(std::string field, std::string message) {
    list_.push_back({std::move(field), std::move(message), true});
  }
  void warn(std::string field, std::string message) {
    list_.push_back({std::move(field), std::move(message), false});
  }
  // Adds when `wrong`; answers it.
  bool add_if(bool wrong, std::string_view field, std::string_view message) {
    if (wrong) add(std::string(field), std::string(message));
    return wrong;
  }
  bool any_fatal() const {
    return std::ranges::any_of(list_, [](const Problem& one) { return one.fatal; });
  }
  std::vector<Problem> take() { return std::move(list_); }

 private:
  std::vector<Problem> list_;
};

// What of the template the checks of its containers and volumes look at.
struct Surroundings {
  bool fargate = false;
  bool windows = false;
  bool external = false;
  bool inject = false;  // the agent, with a carrier
  std::optional<NetworkMode> network_mode;
  std::string partition;  // of the cloud's region; empty: not known
};

void check_containers(const TemplateOptions& options, const Surroundings& around, Problems& problems);
void check_volumes(const TemplateOptions& options, const Surroundings& around, Problems& problems);
void check_tags(const TextMap& tags, const CloudOptions& cloud, const std::string& field, Problems& problems);
// An ARN of the partition that the region is in.
void check_role(const std::string& arn, const std::string& field, const std::string& partition,
                Problems& problems);

}  // namespace footman::ecs
