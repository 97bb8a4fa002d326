#include "sim/crash_places.hpp"

#include <algorithm>
#include <array>

#include "runtime/crash_points.hpp"
#include "store/crash_points.hpp"

namespace footman::sim {
namespace {

// Points of what is simulated here, and moves that nobody makes here.
constexpr std::array<std::string_view, 6> kElsewhere = {
    "launch:before-fork", "launch:after-fork", "session:before-credential",
    "delete_job",         "count_refused",     "confirm_removed_streams"};

bool is_here(std::string_view name) { return std::ranges::find(kElsewhere, name) == kElsewhere.end(); }

}  // namespace

const std::vector<std::string>& crash_places() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> places;
    for (const auto name : runtime::kCrashPoints)
      if (is_here(name)) places.emplace_back(name);
    for (const auto move : store::kWritingMoves)
      if (is_here(move))
        for (const auto when : {store::kBeforeCommit, store::kAfterCommit})
          places.push_back(std::string(when) + std::string(move));
    return places;
  }();
  return all;
}

Happening kind_of_crash(std::string_view place) {
  if (place.starts_with(store::kBeforeCommit)) return Happening::crash_before_commit;
  return place.starts_with(store::kAfterCommit) ? Happening::crash_after_commit : Happening::crash_at_point;
}

}  // namespace footman::sim
