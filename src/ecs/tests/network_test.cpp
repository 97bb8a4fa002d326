#include "ecs/network.hpp"

#include <doctest/doctest.h>

using namespace footman::ecs;

TEST_CASE("network: ranges of IPv4") {
  for (const auto& [address, range, is_in] :
       {std::tuple{"10.1.2.3", "10.0.0.0/8", true}, std::tuple{"11.1.2.3", "10.0.0.0/8", false},
        std::tuple{"1.2.3.4", "0.0.0.0/0", true}, std::tuple{"10.0.1.0", "10.0.0.0/23", true},
        std::tuple{"10.0.2.0", "10.0.0.0/23", false}, std::tuple{"10.0.0.7", "10.0.0.7/32", true},
        std::tuple{"10.0.0.8", "10.0.0.7/32", false}, std::tuple{"10.0.0.7", "10.0.0.7", true},
        std::tuple{"10.0.0", "0.0.0.0/0", false}, std::tuple{"10.0.0.256", "0.0.0.0/0", false},
        std::tuple{"1.2.3.4", "0.0.0.0/33", false}, std::tuple{"1.2.3.4.5", "0.0.0.0/0", false},
        std::tuple{"", "0.0.0.0/0", false}, std::tuple{"1.2.3.4", "", false}}) {
    CAPTURE(address);
    CAPTURE(range);
    CHECK(is_in_range(address, range) == is_in);
  }
}

TEST_CASE("network: the way out is that of the subnet's table, else of the main one of its network") {
  const SubnetFacts subnet{"subnet-1", {}, "vpc-1", "a", 10};
  const auto table = [](std::string vpc, bool is_main, Texts subnets, std::string target,
                        bool active = true) {
    return RouteTableFacts{"rtb",
                           std::move(vpc),
                           is_main,
                           std::move(subnets),
                           {{"10.0.0.0/16", "local", true}, {"0.0.0.0/0", std::move(target), active}}};
  };
  CHECK(find_way_out(subnet, {}) == Way{});
  CHECK(find_way_out(subnet, {table("vpc-1", true, {}, "igw-1")}) == Way{WayOut::internet_gateway, "igw-1"});
  CHECK(find_way_out(subnet, {table("vpc-1", true, {}, "igw-1"),
                              table("vpc-1", false, {"subnet-1"}, "nat-1")}) == Way{WayOut::nat, "nat-1"});
  CHECK(find_way_out(subnet, {table("vpc-1", false, {"subnet-2"}, "nat-1"),
                              table("vpc-2", true, {}, "igw-1")}) == Way{});
  CHECK(find_way_out(subnet, {table("vpc-1", true, {}, "tgw-1")}) == Way{WayOut::other, "tgw-1"});
  CHECK(find_way_out(subnet, {table("vpc-1", true, {}, "nat-1", false)}) == Way{WayOut::black_hole, "nat-1"});
  CHECK(find_way_out(subnet, {{"rtb", "vpc-1", true, {}, {{"10.0.0.0/16", "local", true}}}}) == Way{});
}

TEST_CASE("network: what security groups let out") {
  const auto reach = [](std::vector<PortRule> rules, const Texts& addresses, std::uint16_t port) {
    const GroupFacts group{"sg-1", "agents", "vpc-1", std::move(rules)};
    return find_reach({&group}, addresses, port);
  };
  const PortRule all{"-1", 0, 65535, {"0.0.0.0/0"}, {}};
  const PortRule https{"tcp", 443, 443, {"0.0.0.0/0"}, {}};
  const PortRule inside{"tcp", 8000, 9000, {"10.0.0.0/8"}, {}};
  const PortRule group{"tcp", 443, 443, {}, {"sg-2"}};
  const PortRule v6{"-1", 0, 65535, {"::/0"}, {}};
  const PortRule udp{"udp", 0, 65535, {"0.0.0.0/0"}, {}};
  CHECK(reach({all}, {"1.2.3.4"}, 8080) == Reach::yes);
  CHECK(reach({all}, {}, 8080) == Reach::yes);
  CHECK(reach({}, {"1.2.3.4"}, 443) == Reach::no);
  CHECK(reach({https}, {"1.2.3.4"}, 443) == Reach::yes);
  CHECK(reach({https}, {"1.2.3.4"}, 444) == Reach::no);
  CHECK(reach({inside}, {"10.1.1.1"}, 8080) == Reach::yes);
  CHECK(reach({inside}, {"10.1.1.1"}, 9001) == Reach::no);
  CHECK(reach({inside}, {"1.2.3.4"}, 8080) == Reach::no);
  CHECK(reach({inside}, {"1.2.3.4", "10.1.1.1"}, 8080) == Reach::yes);
  CHECK(reach({inside}, {}, 8080) == Reach::unknown);  // the name was not found here
  CHECK(reach({group}, {"1.2.3.4"}, 443) == Reach::unknown);
  CHECK(reach({group, https}, {"1.2.3.4"}, 443) == Reach::yes);
  CHECK(reach({group}, {"1.2.3.4"}, 80) == Reach::no);
  CHECK(reach({v6}, {"2001:db8::1"}, 443) == Reach::yes);
  CHECK(reach({all}, {"2001:db8::1"}, 443) == Reach::no);
  CHECK(reach({udp}, {"1.2.3.4"}, 443) == Reach::no);
}

TEST_CASE("network: who is let in") {
  const auto ingress = [](std::vector<PortRule> rules, const Callers& callers, std::uint16_t port) {
    const GroupFacts group{"sg-1", "server", "vpc-1", {}, std::move(rules)};
    return find_ingress({&group}, callers, port);
  };
  const Callers agents{{"sg-2"}, {"10.0.1.0/24", "10.0.2.0/24"}};
  const PortRule by_group{"tcp", 443, 443, {}, {"sg-2"}};
  const PortRule one{"tcp", 443, 443, {"10.0.1.0/24"}, {}};
  const PortRule other{"tcp", 443, 443, {"10.0.2.0/23"}, {}};
  const PortRule all{"-1", 0, 65535, {"10.0.0.0/8"}, {}};
  const PortRule narrow{"tcp", 443, 443, {"10.0.1.0/25", "10.0.2.0/25"}, {}};
  const PortRule list{"tcp", 443, 443, {}, {"pl-1"}};
  CHECK(ingress({}, agents, 443) == Reach::no);
  CHECK(ingress({by_group}, agents, 443) == Reach::yes);
  CHECK(ingress({by_group}, agents, 444) == Reach::no);
  CHECK(ingress({by_group}, {{"sg-3"}, {"10.0.1.0/24"}}, 443) == Reach::no);
  CHECK(ingress({one}, agents, 443) == Reach::no);
  CHECK(ingress({one, other}, agents, 443) == Reach::yes);
  CHECK(ingress({all}, agents, 8080) == Reach::yes);
  CHECK(ingress({narrow}, agents, 443) == Reach::no);
  CHECK(ingress({list}, agents, 443) == Reach::unknown);
  CHECK(ingress({list, all}, agents, 443) == Reach::yes);
  CHECK(ingress({all}, {{}, {}}, 443) == Reach::no);
}

TEST_CASE("network: ACLs, the lowest number that fits, on all ports") {
  const auto lets = [](std::vector<AclEntry> entries, const AclWay& way) {
    return lets_through({"acl-1", "vpc-1", true, {}, std::move(entries)}, way);
  };
  const AclEntry all{100, true, true, "-1", 0, 65535, "0.0.0.0/0"};
  const AclEntry deny_one{90, true, false, "6", 443, 443, "10.0.0.7/32"};
  const AclEntry low{100, true, true, "6", 1024, 40000, "0.0.0.0/0"};
  const AclEntry high{200, true, true, "6", 40001, 65535, "0.0.0.0/0"};
  const AclEntry udp{100, true, true, "17", 0, 65535, "0.0.0.0/0"};
  const AclEntry v6{100, true, true, "-1", 0, 65535, "::/0"};
  const AclWay https{true, "10.0.0.7", 443, 443};
  const AclWay own{true, "10.0.0.7", 32768, 60999};
  CHECK_FALSE(lets({}, https));
  CHECK(lets({all}, https));
  CHECK_FALSE(lets({all}, {false, "10.0.0.7", 443, 443}));
  CHECK_FALSE(lets({all, deny_one}, https));
  CHECK(lets({all, deny_one}, {true, "10.0.0.8", 443, 443}));
  CHECK(lets({all, {300, true, false, "6", 443, 443, "0.0.0.0/0"}}, https));
  CHECK_FALSE(lets({low}, own));
  CHECK(lets({low, high}, own));
  CHECK_FALSE(lets({low, high, {50, true, false, "6", 50000, 50000, "0.0.0.0/0"}}, own));
  CHECK_FALSE(lets({udp}, https));
  CHECK(lets({v6}, {true, "2001:db8::1", 443, 443}));
  CHECK_FALSE(lets({all}, {true, "2001:db8::1", 443, 443}));
}

TEST_CASE("network: the ACL of a subnet is its own, else its network's default one") {
  const SubnetFacts subnet{"subnet-1", {}, "vpc-1", "a", 10};
  const AclFacts usual{"acl-1", "vpc-1", true, {"subnet-2"}, {}};
  const AclFacts own{"acl-2", "vpc-1", false, {"subnet-1"}, {}};
  const AclFacts other{"acl-3", "vpc-2", true, {}, {}};
  const std::vector<AclFacts> all{other, usual, own};
  CHECK(find_acl(subnet, all) == &all[2]);
  const std::vector<AclFacts> rest{other, usual};
  CHECK(find_acl(subnet, rest) == &rest[1]);
  CHECK(find_acl(subnet, {other}) == nullptr);
}
