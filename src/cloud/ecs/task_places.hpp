// In which cluster a task is, by its ARN, and whether this cloud can reach it there: its configuration may
// have changed since the task was launched. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ecs/iam_policy.hpp"

namespace footman::cloud::ecs {

// Of a cluster, of which its ARN may be given.
inline std::string_view name_of_cluster(std::string_view cluster) {
  return cluster.substr(cluster.rfind('/') + 1);
}

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
  // Whether its ARN says it; the older form does not, and the configured one is taken for it.
  static bool tells_cluster(std::string_view task);
  // Whether that is the configured cluster; of this region and account, by its name or ARN.
  bool is_home(std::string_view cluster) const;
  // Why this cloud's calls cannot reach the task; empty: they can.
  std::string why_out_of_reach(std::string_view task) const;
  // The same of what was launched when the cloud was configured so.
  std::string why_out_of_reach(const TaskPlaces& then) const;
  // By cluster_of().
  std::map<std::string, std::vector<std::string>> by_cluster(std::vector<std::string> tasks) const;

 private:
  std::string compare(std::string_view what, std::string_view region, std::string_view account) const;

  std::string home_;
  std::string region_;
  std::string account_;
};

}  // namespace footman::cloud::ecs
