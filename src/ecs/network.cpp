#include "ecs/network.hpp"

#include <algorithm>
#include <optional>

#include "base/number.hpp"

namespace footman::ecs {
namespace {

constexpr std::string_view kAnyV4 = "0.0.0.0/0";
constexpr std::string_view kAnyV6 = "::/0";

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const auto dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto number = base::find_number<std::uint8_t>(text.substr(0, dot));
    if (!number) return std::nullopt;
    address = address << 8 | *number;
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  return address;
}

const RouteTableFacts* find_table(const SubnetFacts& subnet, const std::vector<RouteTableFacts>& tables) {
  const RouteTableFacts* main = nullptr;
  for (const auto& table : tables) {
    if (std::ranges::find(table.subnets, subnet.id) != table.subnets.end()) return &table;
    if (table.is_main && table.vpc == subnet.vpc) main = &table;
  }
  return main;
}

bool lets_port(const PortRule& rule, std::uint16_t port) {
  if (rule.protocol == "-1") return true;
  return (rule.protocol == "tcp" || rule.protocol == "6") && rule.from <= port && port <= rule.to;
}

bool lets_address(const PortRule& rule, const std::string& address) {
  const bool v6 = address.find(':') != std::string::npos;
  return std::ranges::any_of(
      rule.ranges, [&](const auto& range) { return v6 ? range == kAnyV6 : is_in_range(address, range); });
}

// What one rule says of one port.
Reach judge_rule(const PortRule& rule, const Texts& addresses, std::uint16_t port) {
  if (!lets_port(rule, port)) return Reach::no;
  const bool reached =
      addresses.empty()
          ? std::ranges::find(rule.ranges, kAnyV4) != rule.ranges.end()
          : std::ranges::any_of(addresses, [&](const auto& one) { return lets_address(rule, one); });
  if (reached) return Reach::yes;
  const bool maybe = !rule.others.empty() || (addresses.empty() && !rule.ranges.empty());
  return maybe ? Reach::unknown : Reach::no;
}

// All of a range in another one.
bool is_range_in(std::string_view inner, std::string_view outer) {
  const auto bits = [](std::string_view range) {
    const auto slash = range.find('/');
    return slash == std::string_view::npos ? std::optional<std::uint8_t>(32)
                                           : base::find_number<std::uint8_t>(range.substr(slash + 1));
  };
  const auto inner_bits = bits(inner);
  const auto outer_bits = bits(outer);
  return inner_bits && outer_bits && *outer_bits <= *inner_bits &&
         is_in_range(inner.substr(0, inner.find('/')), outer);
}

}  // namespace

bool is_in_range(std::string_view address, std::string_view range) {
  const auto slash = range.find('/');
  const auto host = parse_v4(address);
  const auto net = parse_v4(range.substr(0, slash));
  const auto bits = slash == std::string_view::npos
                        ? std::optional<std::uint8_t>(32)
                        : base::find_number<std::uint8_t>(range.substr(slash + 1));
  if (!host || !net || !bits || *bits > 32) return false;
  return *bits == 0 || (*host ^ *net) >> (32 - *bits) == 0;
}

Reach find_ingress(const std::vector<const GroupFacts*>& groups, const Callers& callers, std::uint16_t port) {
  std::vector<const PortRule*> rules;
  for (const auto* group : groups)
    for (const auto& rule : group->ingress)
      if (lets_port(rule, port)) rules.push_back(&rule);
  const auto any_rule = [&](const auto& question) {
    return std::ranges::any_of(rules, [&](const auto* rule) { return question(*rule); });
  };
  const auto names_group = [&](const PortRule& rule) {
    return std::ranges::any_of(callers.groups, [&](const auto& group) {
      return std::ranges::find(rule.others, group) != rule.others.end();
    });
  };
  const auto is_let_in = [&](const std::string& range) {
    return any_rule([&](const PortRule& rule) {
      return std::ranges::any_of(rule.ranges, [&](const auto& one) { return is_range_in(range, one); });
    });
  };
  if (any_rule(names_group)) return Reach::yes;
  if (!callers.ranges.empty() && std::ranges::all_of(callers.ranges, is_let_in)) return Reach::yes;
  const auto has_list = [](const PortRule& rule) {
    return std::ranges::any_of(rule.others, [](const auto& one) { return one.starts_with("pl-"); });
  };
  return any_rule(has_list) ? Reach::unknown : Reach::no;
}

const AclFacts* find_acl(const SubnetFacts& subnet, const std::vector<AclFacts>& acls) {
  const AclFacts* usual = nullptr;
  for (const auto& acl : acls) {
    if (std::ranges::find(acl.subnets, subnet.id) != acl.subnets.end()) return &acl;
    if (acl.is_default && acl.vpc == subnet.vpc) usual = &acl;
  }
  return usual;
}

// What no entry says is denied. A port can differ from the one before it only where an entry begins or ends.
bool lets_through(const AclFacts& acl, const AclWay& way) {
  std::vector<const AclEntry*> entries;
  std::vector<int> ports{way.from};
  const bool v6 = way.address.find(':') != std::string::npos;
  for (const auto& one : acl.entries) {
    const bool of_tcp = one.protocol == "-1" || one.protocol == "6";
    const bool of_address = v6 ? one.range == kAnyV6 : is_in_range(way.address, one.range);
    if (one.egress != way.egress || !of_tcp || !of_address) continue;
    entries.push_back(&one);
    for (const int port : {one.from, one.to + 1})
      if (port > way.from && port <= way.to) ports.push_back(port);
  }
  std::ranges::sort(entries, {}, &AclEntry::number);
  return std::ranges::all_of(ports, [&](int port) {
    const auto first = std::ranges::find_if(entries, [&](const auto* one) {
      return one->protocol == "-1" || (one->from <= port && port <= one->to);
    });
    return first != entries.end() && (*first)->allow;
  });
}

Way find_way_out(const SubnetFacts& subnet, const std::vector<RouteTableFacts>& tables) {
  const auto* table = find_table(subnet, tables);
  if (table == nullptr) return {};
  const auto route = std::ranges::find(table->routes, kAnyV4, &Route::destination);
  if (route == table->routes.end()) return {};
  if (!route->active) return {WayOut::black_hole, route->target};
  if (route->target.starts_with("igw-")) return {WayOut::internet_gateway, route->target};
  return {route->target.starts_with("nat-") ? WayOut::nat : WayOut::other, route->target};
}

Reach find_reach(const std::vector<const GroupFacts*>& groups, const Texts& addresses, std::uint16_t port) {
  auto best = Reach::no;
  for (const auto* group : groups)
    for (const auto& rule : group->egress) best = std::max(best, judge_rule(rule, addresses, port));
  return best;
}

}  // namespace footman::ecs
