// In which subnet an agent starts: spread by free addresses, as far as they are known, over all that had room
// lately. Pure: times come in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace footman::cloud::ecs {

using namespace footman::base;

// A subnet in which a launch failed for want of room is avoided for so long, while there are others.
inline constexpr Duration kAvoidSubnet = 3min;
// Between two looks at the free addresses; after one that was refused.
inline constexpr Duration kLookAtSubnets = 1min;
inline constexpr Duration kLookAfterRefusal = 15min;
// What an older look said counts no more.
inline constexpr Duration kTrustAddresses = 3min;

class Subnets {
 public:
  // The same one for a launch, as long as the same ones have room and their shares are about the same: a call
  // that is repeated with its token has to ask for the same. Those that are to be avoided, or are full, only
  // when there is no other. `from` is not empty.
  std::string choose(const std::vector<std::string>& from, const std::string& client_token,
                     Instant now) const;

  void on_no_room(const std::string& subnet, Instant now) { avoid_until_[subnet] = now + kAvoidSubnet; }
  // An address fewer, until the next look.
  void on_launched(const std::string& subnet);

  // True: it is time for a look, and the caller takes one now.
  bool begin_look(Instant now);
  // How it ended: what AWS says of each.
  void set_free(const std::string& subnet, std::uint32_t addresses, Instant now) {
    free_[subnet] = {addresses, now};
  }
  void on_refused(Instant now) { next_look_ = now + kLookAfterRefusal; }

 private:
  struct Free {
    std::uint32_t addresses = 0;
    Instant at;
  };
  bool has_room(const std::string& subnet, Instant now) const;
  // Of a subnet that nobody knows about: as much as an average one.
  double find_share(const std::string& subnet, const std::vector<const std::string*>& among,
                    Instant now) const;
  const Free* find_free(const std::string& subnet, Instant now) const;

  std::map<std::string, Instant> avoid_until_;
  std::map<std::string, Free> free_;
  Instant next_look_;
};

}  // namespace footman::cloud::ecs
