// In which subnet an agent starts: spread over all that had room lately. Pure: times come in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// A subnet in which a launch failed for want of room is avoided for so long, while there are others.
inline constexpr Duration kAvoidSubnet = 3min;

class Subnets {
 public:
  // Always the same one for a launch, as long as the same ones have room: a call that is repeated with its
  // token has to ask for the same. Those that are to be avoided only when there is no other. `from` is not
  // empty.
  std::string choose(const std::vector<std::string>& from, const std::string& client_token,
                     Instant now) const;

  void on_no_room(const std::string& subnet, Instant now) { avoid_until_[subnet] = now + kAvoidSubnet; }

 private:
  std::map<std::string, Instant> avoid_until_;
};

}  // namespace footman::cloud::ecs
