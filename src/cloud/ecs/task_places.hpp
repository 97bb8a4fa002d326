// In which cluster a task is, by its ARN, and whether this cloud can reach it there: its configuration may
// have changed since the task was launched. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ecs/iam_policy.hpp"

namespace footman::cloud::ecs {

class TaskPlaces {
 public:
  // `account`: of this cloud; empty: not known.
  TaskPlaces(const footman::ecs::CloudOptions& cloud, std::string account);

  // Where tasks are launched, as it is configured.
  const std::string& home() const { return home_; }
  // What calls about this task name as its cluster: always the one that it is in. With the configured name
  // ECS could take it for a task that has never been.
  std::string cluster_of(std::string_view task) const;
  bool is_at_home(std::string_view task) const;
  // Why this cloud's calls cannot reach the task; empty: they can.
  std::string why_out_of_reach(std::string_view task) const;
  // By cluster_of().
  std::map<std::string, std::vector<std::string>> by_cluster(std::vector<std::string> tasks) const;

 private:
  std::string home_;
  std::string region_;
  std::string account_;
};

}  // namespace footman::cloud::ecs
