// For lines of the log that strangers can cause: one in each pause, with how many were left out before it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.hpp"

namespace footman::base {

class LogLimiter {
 public:
  explicit LogLimiter(Duration pause = std::chrono::seconds(1)) : pause_(pause) {}

  // `now`: of a steady clock. Nothing: no line now. Else how many lines were left out since the last one.
  std::optional<std::uint64_t> pass(Duration now) {
    if (last_ && now - *last_ < pause_) {
      ++left_out_;
      return std::nullopt;
    }
    last_ = now;
    return std::exchange(left_out_, 0);
  }

 private:
  Duration pause_;
  std::optional<Duration> last_;
  std::uint64_t left_out_ = 0;
};

}  // namespace footman::base
