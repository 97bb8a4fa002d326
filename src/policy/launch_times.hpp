// How long launches of one template took lately, from the decision to the connection: what people who wait
// are told to expect. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/time.hpp"

namespace footman::policy {

class LaunchTimes {
 public:
  static constexpr std::size_t kKept = 32;  // the newest: clouds have good and bad hours

  void add(base::Duration took);
  // The median; nothing before the first launch.
  std::optional<base::Duration> typical() const;
  std::size_t count() const { return newest_.size(); }

 private:
  std::deque<base::Duration> newest_;
};

}  // namespace footman::policy
