// Where every choice of the simulation comes from: streams of random numbers that are named, so that one more
// throw in one place changes nothing elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"

namespace footman::virtual_time {

class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view name);

  std::uint64_t next();
  // Uniform in [0, below).
  std::uint64_t below(std::uint64_t limit);
  // Uniform in [least, most].
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  base::Duration between(base::Duration least, base::Duration most);
  double uniform();  // [0, 1)
  double normal();   // mean 0, standard deviation 1
  bool chance(double probability) { return uniform() < probability; }
  // Mostly near `typical`, sometimes ten times as long: what a latency looks like.
  base::Duration jitter(base::Duration typical);

  template <class T>
  const T& pick(const std::vector<T>& all) {
    FOOTMAN_CHECK(!all.empty(), "something to pick from");
    return all[below(all.size())];
  }
  template <class T>
  void shuffle(std::vector<T>& all) {
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace footman::virtual_time
