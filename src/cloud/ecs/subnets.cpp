#include "cloud/ecs/subnets.hpp"

#include <algorithm>

namespace footman::cloud::ecs {

// Of a subnet of which nothing is known: as of one of a common size.
constexpr double kUnknownFree = 250;

double Subnets::weight(const std::string& subnet, Instant now) const {
  const auto avoided = avoid_until_.find(subnet);
  if (avoided != avoid_until_.end() && now < avoided->second) return 0;
  const auto free = free_.find(subnet);
  return free == free_.end() ? kUnknownFree : static_cast<double>(free->second);
}

std::string Subnets::choose(const std::vector<std::string>& from, double share, Instant now) const {
  double total = 0;
  for (const auto& subnet : from) total += weight(subnet, now);
  if (total <= 0) {  // each is as bad as the others
    const auto at = static_cast<std::size_t>(share * static_cast<double>(from.size()));
    return from[std::min(at, from.size() - 1)];
  }
  auto rest = share * total;
  const std::string* last = nullptr;
  for (const auto& subnet : from) {
    const auto own = weight(subnet, now);
    if (own <= 0) continue;
    last = &subnet;
    if (rest < own) break;
    rest -= own;
  }
  return *last;
}

void Subnets::on_launched(const std::string& subnet) {
  if (const auto free = free_.find(subnet); free != free_.end() && free->second > 0) --free->second;
}

}  // namespace footman::cloud::ecs
