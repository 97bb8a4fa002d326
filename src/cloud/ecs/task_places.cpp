#include "cloud/ecs/task_places.hpp"

#include <fmt/format.h>

#include <utility>

#include "ecs/forms.hpp"

namespace footman::cloud::ecs {
namespace {

using footman::ecs::Arn;
using footman::ecs::find_arn;

// Of "task/builds/0123abcd"; empty: the older form, without the cluster.
std::string_view cluster_in(const Arn& task) {
  const std::string_view all(task.resource);
  const auto begin = all.find('/');
  const auto end = all.rfind('/');
  return begin == end ? std::string_view() : all.substr(begin + 1, end - begin - 1);
}

}  // namespace

TaskPlaces::TaskPlaces(const footman::ecs::CloudOptions& cloud, std::string account)
    : home_(cloud.cluster.empty() ? "default" : cloud.cluster),
      region_(cloud.region),
      account_(std::move(account)) {}

std::string TaskPlaces::cluster_of(std::string_view task) const {
  if (!tells_cluster(task)) return home_;
  const auto arn = find_arn(task);
  return fmt::format("arn:{}:{}:{}:{}:cluster/{}", arn->partition, arn->service, arn->region, arn->account,
                     cluster_in(*arn));
}

bool TaskPlaces::tells_cluster(std::string_view task) {
  const auto arn = find_arn(task);
  return arn && !cluster_in(*arn).empty();
}

bool TaskPlaces::is_at_home(std::string_view task) const { return is_home(cluster_of(task)); }

bool TaskPlaces::is_home(std::string_view cluster) const {
  return name_of_cluster(cluster) == name_of_cluster(home_);
}

std::string TaskPlaces::why_out_of_reach(std::string_view task) const {
  const auto arn = find_arn(task);
  return arn ? compare(fmt::format("the task {} is", task), arn->region, arn->account) : std::string();
}

std::string TaskPlaces::why_out_of_reach(const TaskPlaces& then) const {
  return compare("its task was launched", then.region_, then.account_);
}

std::string TaskPlaces::compare(std::string_view what, std::string_view region,
                                std::string_view account) const {
  if (region != region_)
    return fmt::format("{} in the region {}, and this cloud is now in {}", what, region, region_);
  if (!account.empty() && !account_.empty() && account != account_)
    return fmt::format("{} in the account {}, and this cloud is now in {}", what, account, account_);
  return {};
}

std::map<std::string, std::vector<std::string>> TaskPlaces::by_cluster(std::vector<std::string> tasks) const {
  std::map<std::string, std::vector<std::string>> out;
  for (auto& task : tasks) out[cluster_of(task)].push_back(std::move(task));
  return out;
}

}  // namespace footman::cloud::ecs
