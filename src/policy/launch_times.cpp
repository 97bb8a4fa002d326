#include "policy/launch_times.hpp"

#include <algorithm>
#include <vector>

namespace footman::policy {

void LaunchTimes::add(base::Duration took) {
  newest_.push_back(std::max(took, base::Duration(0)));  // a clock may have been set back
  if (newest_.size() > kKept) newest_.pop_front();
}

std::optional<base::Duration> LaunchTimes::typical() const {
  if (newest_.empty()) return std::nullopt;
  std::vector<base::Duration> sorted(newest_.begin(), newest_.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::ranges::nth_element(sorted, middle);
  return *middle;
}

}  // namespace footman::policy
