// What a network lets through, from what AWS tells of it. Pure.
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

// Who comes in: by their groups, and from where in the network.
struct Callers {
  Texts groups;
  Texts ranges;  // "10.0.1.0/24"
};
// Do the groups of one interface let all of them in by TCP at that port? Unknown: perhaps by a list of
// prefixes.
Reach find_ingress(const std::vector<const GroupFacts*>& groups, const Callers& callers, std::uint16_t port);

// The ACL of a subnet: its own, else its network's default one. Null: AWS tells of none.
const AclFacts* find_acl(const SubnetFacts& subnet, const std::vector<AclFacts>& acls);
// TCP to or from an address, on all of these ports.
struct AclWay {
  bool egress = false;
  std::string address;
  int from = 0;
  int to = 65535;
};
bool lets_through(const AclFacts& acl, const AclWay& way);

// "10.0.0.0/8" and "10.1.2.3"; false for what is no IPv4.
bool is_in_range(std::string_view address, std::string_view range);

}  // namespace footman::ecs
