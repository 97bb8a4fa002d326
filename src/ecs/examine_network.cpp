// Subnets, ways out, network ACLs, security groups, and whether agents reach the server.
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/address.hpp"
#include "ecs/capacity.hpp"
#include "ecs/findings.hpp"
#include "ecs/network.hpp"

namespace footman::ecs {
namespace {

using Subnets = std::map<std::string, const SubnetFacts*>;  // by id
using Groups = std::map<std::string, const GroupFacts*>;

template <class Facts>
std::map<std::string, const Facts*> by_id(const std::vector<Facts>& list) {
  std::map<std::string, const Facts*> out;
  for (const auto& one : list) out[one.id] = &one;
  return out;
}

template <class Facts>
const Facts* find_in(const std::map<std::string, const Facts*>& all, const std::string& id) {
  const auto found = all.find(id);
  return found == all.end() ? nullptr : found->second;
}

// Templates whose tasks have interfaces of their own.
template <class Visit>
void for_each_networked(const Examined& examined, Visit visit) {
  for (const auto& [name, options] : examined.templates)
    if (uses_awsvpc(options)) visit(name, options);
}

std::set<std::string> networks_of(const TemplateOptions& options, const Subnets& subnets) {
  std::set<std::string> out;
  for (const auto& id : options.subnets)
    if (const auto* subnet = find_in(subnets, id)) out.insert(subnet->vpc);
  return out;
}

void examine_subnet(const std::string& region, const std::string& id, const Subnets& subnets, Findings& out) {
  const auto* subnet = find_in(subnets, id);
  if (subnet == nullptr)
    return out.fail(fmt::format("there is no subnet {} in {}", id, region),
                    "correct ecs.subnets: `footman cloud discover` lists those that there are");
  const auto text = fmt::format("{} ({}, {}) has {} free address{}", id, subnet->zone, subnet->vpc,
                                subnet->free_addresses == 0 ? "no" : fmt::to_string(subnet->free_addresses),
                                subnet->free_addresses == 1 ? "" : "es");
  if (subnet->free_addresses < kFewAddresses)
    out.warn(text, "each agent takes one: name more or larger subnets in ecs.subnets");
  else
    out.ok(text);
}

void examine_subnets_of(const TemplateName& name, const TemplateOptions& options, const Subnets& subnets,
                        Findings& out) {
  const auto networks = networks_of(options, subnets);
  if (networks.size() > 1)
    out.fail(fmt::format("the subnets of the template '{}' are of several networks: {}", name.str(),
                         fmt::join(networks, ", ")),
             "name subnets of one network (VPC): the security groups belong to one");
  const auto is_full = [&](const auto& id) {
    const auto* subnet = find_in(subnets, id);
    return subnet != nullptr && subnet->free_addresses == 0;
  };
  if (!options.subnets.empty() && std::ranges::all_of(options.subnets, is_full))
    out.fail(fmt::format("no subnet of the template '{}' has a free address", name.str()),
             "no agent can be launched until one is free: name other subnets, or end what holds them");
}

// What tasks need of AWS before the agent runs. The layers of images are in S3.
Texts missing_endpoints(const std::string& vpc, const std::vector<VpcEndpointFacts>& endpoints) {
  Texts missing;
  for (const std::string service : {"ecr.api", "ecr.dkr", "s3", "logs"}) {
    const auto is_there = std::ranges::any_of(
        endpoints, [&](const auto& one) { return one.vpc == vpc && one.service.ends_with("." + service); });
    if (!is_there) missing.push_back(service);
  }
  return missing;
}

constexpr std::string_view kGiveWay =
    "give the subnet a route to a NAT gateway, or, if it has one to an internet gateway, set "
    "assign_public_ip: true";

void examine_no_way(const SubnetFacts& subnet, const std::string& why,
                    const Known<std::vector<VpcEndpointFacts>>& endpoints, Findings& out) {
  if (!endpoints)
    return out.unknown(fmt::format("{}, and the VPC endpoints of {}", why, subnet.vpc), endpoints.error());
  const auto missing = missing_endpoints(subnet.vpc, *endpoints);
  if (missing.empty())
    return out.warn(why + "; images and logs come by VPC endpoints",
                    "only images of ECR can be pulled, and builds reach nothing outside");
  out.fail(fmt::format("{}, and no VPC endpoint for {}: images and logs do not get through", why,
                       fmt::join(missing, ", ")),
           std::string(kGiveWay));
}

void examine_way(const SubnetFacts& subnet, bool public_address, const Survey& survey, Findings& out) {
  const auto way = find_way_out(subnet, *survey.route_tables);
  switch (way.kind) {
    case WayOut::nat:
    case WayOut::other:
      return out.ok(fmt::format("{} leads out by {}", subnet.id, way.target));
    case WayOut::internet_gateway:
      if (public_address)
        return out.ok(
            fmt::format("{} leads out by {}, with a public address for each task", subnet.id, way.target));
      return examine_no_way(
          subnet, fmt::format("{} leads out by {}, which takes public addresses only", subnet.id, way.target),
          survey.endpoints, out);
    case WayOut::black_hole:
      return out.fail(
          fmt::format("the way out of {} by {} is a black hole: that is gone", subnet.id, way.target),
          "give the route of 0.0.0.0/0 another target");
    case WayOut::none:
      break;
  }
  examine_no_way(subnet, subnet.id + " has no route out", survey.endpoints, out);
}

void examine_groups_of(const TemplateName& name, const TemplateOptions& options, const Survey& survey,
                       const Groups& groups, Findings& out) {
  if (options.security_groups.empty())
    return out.unchecked(
        fmt::format("the template '{}' names no security group: its network's default one counts",
                    name.str()),
        "name one in ecs.security_groups, so that it is known what agents reach");
  if (!survey.subnets) return;
  const auto networks = networks_of(options, by_id(*survey.subnets));
  for (const auto& id : options.security_groups) {
    const auto* group = find_in(groups, id);
    if (group != nullptr && !networks.empty() && !networks.contains(group->vpc))
      out.fail(fmt::format("the security group {} is in {}, the subnets of the template '{}' in {}", id,
                           group->vpc, name.str(), fmt::join(networks, ", ")),
               "name a security group of the subnets' network: `footman cloud discover` lists them");
  }
}

// The groups of one interface and where it is to lead, with the templates for which that is so.
struct Leads {
  Texts groups;
  AgentTarget target;
  std::string templates;
};
std::vector<Leads> list_leads(const Examined& examined) {
  std::vector<Leads> out;
  for_each_networked(examined, [&](const TemplateName& name, const TemplateOptions& options) {
    const auto target = examined.targets.find(name);
    if (target == examined.targets.end() || options.security_groups.empty()) return;
    const auto same = std::ranges::find_if(out, [&](const Leads& one) {
      return one.groups == options.security_groups && one.target == target->second;
    });
    if (same == out.end())
      out.push_back({options.security_groups, target->second, name.str()});
    else
      same->templates += ", " + name.str();
  });
  return out;
}

void examine_lead(const Leads& lead, const Groups& groups, Findings& out) {
  std::vector<const GroupFacts*> found;
  for (const auto& id : lead.groups)
    if (const auto* group = find_in(groups, id)) found.push_back(group);
  if (found.size() != lead.groups.size()) return;  // which is a finding already
  const auto names = fmt::format("{}", fmt::join(lead.groups, ", "));
  const auto& target = lead.target;
  if (!target.trouble.empty())
    out.warn(fmt::format("the agents' address {} has no IP address here: {}", target.host, target.trouble),
             "see that agents find that name where they run");
  const auto where = base::format_endpoint(target.host, target.port);
  switch (find_reach(found, target.addresses, target.port)) {
    case Reach::yes:
      out.ok(fmt::format("{} lets agents out to {}", names, where));
      break;
    case Reach::unknown:
      out.unchecked(fmt::format("{} lets agents out to some places by port {}, perhaps to {}", names,
                                target.port, target.host),
                    "see that its egress rules lead to the server");
      break;
    case Reach::no:
      out.fail(fmt::format("{} does not let agents out to {} (templates: {}){}", names, where, lead.templates,
                           target.addresses.empty()
                               ? std::string()
                               : fmt::format("; it is {} here", fmt::join(target.addresses, ", "))),
               fmt::format("add an egress rule for TCP port {} to that address", target.port));
  }
  constexpr std::uint16_t kHttps = 443;
  if (find_reach(found, {}, kHttps) == Reach::no)
    out.warn(fmt::format("{} lets nothing out by port 443", names),
             "images and logs come and go by it: add an egress rule for it");
}

// From which ports Linux opens connections, unless it is told otherwise.
constexpr int kFirstOwnPort = 32768;
constexpr int kLastOwnPort = 60999;

void examine_acl(const SubnetFacts& subnet, const AgentTarget& target, const std::vector<AclFacts>& acls,
                 Findings& out) {
  const auto* acl = find_acl(subnet, acls);
  if (acl == nullptr)
    return out.unchecked(fmt::format("AWS tells of no network ACL of {}", subnet.id),
                         "see that it lets agents out, and answers back");
  const auto name = fmt::format("{} of {}", acl->id, subnet.id);
  const auto where = base::format_endpoint(target.host, target.port);
  if (target.addresses.empty()) return;  // which is a finding already
  bool leaves = false;
  for (const auto& address : target.addresses) {
    const bool inside = is_in_range(address, subnet.range);  // what stays in the subnet passes no ACL
    const bool out_there = inside || lets_through(*acl, {true, address, target.port, target.port});
    leaves = leaves || out_there;
    if (out_there && (inside || lets_through(*acl, {false, address, kFirstOwnPort, kLastOwnPort})))
      return out.ok(fmt::format("{} lets agents out to {}, and answers back", name, where));
  }
  const auto addresses = fmt::format("{}", fmt::join(target.addresses, ", "));
  if (!leaves)
    return out.fail(
        fmt::format("{} does not let agents out to {}; it is {} here", name, where, addresses),
        fmt::format("allow TCP port {} to that address in its outbound rules, before what denies it",
                    target.port));
  out.fail(fmt::format("{} does not let the answers of {} ({}) back to the agents' ports {} to {}", name,
                       where, addresses, kFirstOwnPort, kLastOwnPort),
           "allow TCP ports 1024 to 65535 from that address in its inbound rules, before what denies it");
}

void examine_interface(const InterfaceFacts& one, const TemplateName& name, const TemplateOptions& options,
                       std::uint16_t port, const Survey& survey, Findings& out) {
  const auto place = fmt::format("{} at {}", one.id, one.address);
  if (one.groups.empty())
    return out.unchecked(fmt::format("{} has no security group", place),
                         fmt::format("see that what stands behind it lets agents in at TCP port {}", port));
  if (!survey.interface_groups)
    return out.unknown(fmt::format("the security groups of {}", place), survey.interface_groups.error());
  const auto all = by_id(*survey.interface_groups);
  std::vector<const GroupFacts*> groups;
  for (const auto& id : one.groups)
    if (const auto* group = find_in(all, id)) groups.push_back(group);
  Callers callers{options.security_groups, {}};
  const auto subnets = survey.subnets ? by_id(*survey.subnets) : Subnets();
  for (const auto& id : options.subnets)
    if (const auto* subnet = find_in(subnets, id)) callers.ranges.push_back(subnet->range);
  const auto names = fmt::format("{} of {}", fmt::join(one.groups, ", "), place);
  const auto advice = fmt::format("add an ingress rule for TCP port {} from {}", port,
                                  options.security_groups.empty()
                                      ? std::string("the subnets' ranges")
                                      : fmt::format("{}", fmt::join(options.security_groups, ", ")));
  switch (find_ingress(groups, callers, port)) {
    case Reach::yes:
      return out.ok(fmt::format("{} lets the agents of '{}' in at port {}", names, name.str(), port));
    case Reach::unknown:
      return out.unchecked(fmt::format("{} lets prefix lists in at port {}, perhaps the agents of '{}'",
                                       names, port, name.str()),
                           advice);
    case Reach::no:
      return out.fail(
          fmt::format("{} does not let the agents of '{}' in at port {}", names, name.str(), port), advice);
  }
}

}  // namespace

std::vector<model::Finding> examine_ingress(const Examined& examined, const Survey& survey) {
  Findings out("server-ingress");
  std::set<std::string> strangers;
  std::set<std::uint16_t> ports;
  for_each_networked(examined, [&](const TemplateName& name, const TemplateOptions& options) {
    const auto target = examined.targets.find(name);
    if (target == examined.targets.end() || !survey.interfaces) return;
    for (const auto& address : target->second.addresses) {
      const auto found = std::ranges::find(*survey.interfaces, address, &InterfaceFacts::address);
      if (found != survey.interfaces->end())
        examine_interface(*found, name, options, target->second.port, survey, out);
      else {
        strangers.insert(address);
        ports.insert(target->second.port);
      }
    }
  });
  if (!survey.interfaces && survey.interfaces.error() != not_asked().error())
    out.unknown("the network interfaces at the agents' address", survey.interfaces.error());
  if (!strangers.empty())
    out.unchecked(
        fmt::format("no network interface here has the address {}, so who is let in there is not known",
                    fmt::join(strangers, ", ")),
        fmt::format("see that the server, and what stands before it, lets agents in at TCP port {}",
                    fmt::join(ports, ", ")));
  return out.take();
}

std::vector<model::Finding> examine_acls(const Examined& examined, const Survey& survey) {
  Findings out("network-acl");
  if (!survey.subnets || survey.subnets->empty()) return {};
  if (!survey.acls) {
    out.unknown("the network ACLs of the subnets", survey.acls.error());
    return out.take();
  }
  const auto subnets = by_id(*survey.subnets);
  std::set<std::tuple<std::string, std::string, std::uint16_t>> seen;
  for_each_networked(examined, [&](const TemplateName& name, const TemplateOptions& options) {
    const auto target = examined.targets.find(name);
    if (target == examined.targets.end()) return;
    for (const auto& id : options.subnets) {
      const auto* subnet = find_in(subnets, id);
      if (subnet != nullptr && seen.emplace(id, target->second.host, target->second.port).second)
        examine_acl(*subnet, target->second, *survey.acls, out);
    }
  });
  return out.take();
}

std::vector<model::Finding> examine_subnets(const Examined& examined, const Survey& survey) {
  Findings out("subnets");
  const auto wanted = list_questions(examined.cloud, examined.templates).subnets;
  if (wanted.empty()) return {};
  if (!survey.subnets) {
    out.unknown("the subnets", survey.subnets.error());
    return out.take();
  }
  const auto subnets = by_id(*survey.subnets);
  for (const auto& id : wanted) examine_subnet(examined.cloud.region, id, subnets, out);
  for_each_networked(examined, [&](const TemplateName& name, const TemplateOptions& options) {
    examine_subnets_of(name, options, subnets, out);
  });
  return out.take();
}

std::vector<model::Finding> examine_ways_out(const Examined& examined, const Survey& survey) {
  Findings out("route-out");
  if (!survey.subnets || survey.subnets->empty()) return {};
  if (!survey.route_tables) {
    out.unknown("the routes of the subnets", survey.route_tables.error());
    return out.take();
  }
  const auto subnets = by_id(*survey.subnets);
  std::set<std::pair<std::string, bool>> seen;
  for_each_networked(examined, [&](const TemplateName&, const TemplateOptions& options) {
    for (const auto& id : options.subnets) {
      const auto* subnet = find_in(subnets, id);
      if (subnet != nullptr && seen.emplace(id, options.assign_public_ip).second)
        examine_way(*subnet, options.assign_public_ip, survey, out);
    }
  });
  return out.take();
}

std::vector<model::Finding> examine_groups(const Examined& examined, const Survey& survey) {
  Findings out("security-groups");
  const auto wanted = list_questions(examined.cloud, examined.templates).groups;
  if (!survey.groups) {
    if (!wanted.empty()) out.unknown("the security groups", survey.groups.error());
    return out.take();
  }
  const auto groups = by_id(*survey.groups);
  for (const auto& id : wanted) {
    if (const auto* group = find_in(groups, id))
      out.ok(fmt::format("{} ({}) is in {}", id, group->name, group->vpc));
    else
      out.fail(fmt::format("there is no security group {} in {}", id, examined.cloud.region),
               "correct ecs.security_groups: `footman cloud discover` lists those that there are");
  }
  for_each_networked(examined, [&](const TemplateName& name, const TemplateOptions& options) {
    examine_groups_of(name, options, survey, groups, out);
  });
  return out.take();
}

std::vector<model::Finding> examine_reach(const Examined& examined, const Survey& survey) {
  Findings out("agent-address");
  if (!survey.groups) return {};
  const auto groups = by_id(*survey.groups);
  for (const auto& lead : list_leads(examined)) examine_lead(lead, groups, out);
  return out.take();
}

}  // namespace footman::ecs
