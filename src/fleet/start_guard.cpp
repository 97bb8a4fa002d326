#include "fleet/start_guard.hpp"

#include <algorithm>
#include <utility>

#include "policy/reconcile_guard.hpp"

namespace footman::fleet {

void StartGuard::begin(const std::vector<CloudName>& clouds, std::string doubt) {
  for (const auto& name : clouds) clouds_[name];
  doubt_ = std::move(doubt);
}

bool StartGuard::judge(const CloudName& cloud, std::size_t living, std::set<std::string> strays, bool late) {
  auto& one = clouds_.at(cloud);
  if (one.over) return true;
  one.listed = true;
  one.others = living - strays.size();
  one.strays = std::move(strays);
  one.strays.insert(one.ended.begin(), one.ended.end());
  decide();
  if (hold_) return false;
  one.ended = one.strays;
  one.over = late;
  return true;
}

void StartGuard::decide() {
  std::size_t seen = 0;
  std::size_t would_end = 0;  // with what was let through
  std::size_t waiting = 0;
  for (const auto& [name, one] : clouds_) {
    seen += one.others + one.strays.size();
    would_end += one.strays.size();
    if (!one.over) waiting += one.strays.size() - one.ended.size();
  }
  const auto verdict = policy::judge_reconcile(seen, would_end, doubt_.empty());
  hold_.reset();
  if (waiting == 0 || verdict == policy::ReconcileVerdict::apply) return;
  const bool unknown = verdict == policy::ReconcileVerdict::state_unknown;
  hold_ =
      Hold{std::string(to_string(verdict)), unknown ? doubt_ : std::string(sentence(verdict)), waiting, seen};
}

std::size_t StartGuard::approve() {
  if (!hold_) return 0;
  const auto waited = hold_->would_end;
  for (auto& [name, one] : clouds_) {
    if (!one.listed || one.over) continue;
    one.over = true;
    one.strays.clear();
    one.ended.clear();
  }
  decide();
  return waited;
}

bool StartGuard::is_over() const {
  return std::ranges::all_of(clouds_, [](const auto& entry) { return entry.second.over; });
}

}  // namespace footman::fleet
