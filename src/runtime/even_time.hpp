// Instants for what has to last: they begin as the wall clock shows it and go on with the steady clock, so
// that nobody who sets the clock makes a pause longer or brings a deadline nearer. Within one life of the
// process; what a row says of an earlier life is wall time, and may be wrong by what was set meanwhile.
//
// Rule: what decides goes by EvenTime (or by steady durations), what is stored or shown by Clock::now().
#pragma once

#include <algorithm>

#include "runtime/clock.hpp"

namespace footman::runtime {

class EvenTime {
 public:
  // Less than this is the drift of two good clocks, which is left alone.
  static constexpr base::Duration kStep = std::chrono::seconds(1);

  explicit EvenTime(const Clock& clock) : clock_(clock), ahead_(wall_ahead()) {}

  base::Instant now() const { return base::Instant{} + (clock_.steady() + ahead_); }
  // What lies as far from this moment as `wall` does on the wall clock. Not set stays not set.
  base::Instant at(base::Instant wall) const { return wall.is_set() ? wall - gap() : wall; }
  // The same for what an earlier life wrote down as past.
  base::Instant at_past(base::Instant wall) const { return std::min(at(wall), now()); }
  // What people are shown.
  base::Instant on_wall(base::Instant even) const {
    const auto by = gap();
    return even.is_set() && is_step(by) ? even + by : even;
  }

  // From now on it shows what the wall clock does. By how much that is later than before; 0: nobody has set
  // it. Whoever calls this moves the instants that it has kept.
  base::Duration follow_wall() {
    const auto by = gap();
    if (!is_step(by)) return base::Duration(0);
    ahead_ += by;
    return by;
  }

 private:
  base::Duration wall_ahead() const { return (clock_.now() - base::Instant{}) - clock_.steady(); }
  base::Duration gap() const { return wall_ahead() - ahead_; }
  static bool is_step(base::Duration by) { return by >= kStep || by <= -kStep; }

  const Clock& clock_;
  base::Duration ahead_;  // of the steady clock
};

// Moves an instant that was kept, if there is one.
inline void move_by(base::Instant& kept, base::Duration by) {
  if (kept.is_set()) kept = kept + by;
}

}  // namespace footman::runtime
