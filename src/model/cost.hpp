// What was paid for, and whether it was for work.
#pragma once

#include "base/time.hpp"
#include "model/money.hpp"

namespace footman::model {

struct Cost {
  Money useful;  // while builds were at work
  Money idle;    // the rest: starting, waiting, ending, and what a minimum adds
  Duration useful_time{0};
  Duration idle_time{0};  // that is billed, too

  Money total() const { return useful + idle; }
  Duration time() const { return useful_time + idle_time; }
  Cost& operator+=(const Cost& other) {
    useful += other.useful;
    idle += other.idle;
    useful_time += other.useful_time;
    idle_time += other.idle_time;
    return *this;
  }
  bool operator==(const Cost&) const = default;
};

}  // namespace footman::model
