// In which subnet the next agent starts: one with free addresses, in a zone that had room lately. Pure: times
// and chance come in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// A subnet in which a launch failed for want of room is avoided for so long, while there are others.
inline constexpr Duration kAvoidSubnet = 3min;

class Subnets {
 public:
  // `share`: between 0 and 1, a throw of the dice. By their free addresses, where these are known; those
  // without a free one, and those that are to be avoided, only when there is no other. `from` is not empty.
  std::string choose(const std::vector<std::string>& from, double share, Instant now) const;

  void on_no_room(const std::string& subnet, Instant now) { avoid_until_[subnet] = now + kAvoidSubnet; }
  // As last described; what is not named is unknown. A launch takes one address.
  void set_free(std::map<std::string, std::uint64_t> free) { free_ = std::move(free); }
  void on_launched(const std::string& subnet);

 private:
  double weight(const std::string& subnet, Instant now) const;
  std::map<std::string, Instant> avoid_until_;
  std::map<std::string, std::uint64_t> free_;
};

}  // namespace footman::cloud::ecs
