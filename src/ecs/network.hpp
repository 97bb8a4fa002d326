// What a network lets through, from what AWS tells of it. Pure. Network ACLs are not looked at: by default
// they let everything through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ecs/survey.hpp"

namespace footman::ecs {

enum class WayOut { none, internet_gateway, nat, other, black_hole };
struct Way {
  WayOut kind = WayOut::none;
  std::string target;  // "nat-0123456789abcdef0"
  bool operator==(const Way&) const = default;
};
// The route of 0.0.0.0/0 in the subnet's own table, else in its network's main one.
Way find_way_out(const SubnetFacts& subnet, const std::vector<RouteTableFacts>& tables);

enum class Reach {
  no,
  unknown,  // only by rules that name other groups or lists, or not to all addresses
  yes,
};
// Do these groups, all on one interface, let TCP out to that port of at least one of the addresses (IPv4, or
// IPv6 to ::/0)? Without addresses: of anything.
Reach find_reach(const std::vector<const GroupFacts*>& groups, const Texts& addresses, std::uint16_t port);

// "10.0.0.0/8" and "10.1.2.3"; false for what is no IPv4.
bool is_in_range(std::string_view address, std::string_view range);

}  // namespace footman::ecs
