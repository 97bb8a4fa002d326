// EC2's network.
#include <fmt/format.h>

#include <utility>

#include "base/number.hpp"
#include "cloud/ecs/survey_calls.hpp"

namespace footman::cloud::ecs {
namespace {

namespace ecs = footman::ecs;
using aws::XmlDocument;
using aws::XmlElement;

aws::Query make_filter(const Filter& filter) {
  aws::Query out;
  if (filter.values.empty()) return out;
  out.emplace_back("Filter.1.Name", filter.name);
  std::size_t number = 0;
  for (const auto& value : filter.values) out.emplace_back(fmt::format("Filter.1.Value.{}", ++number), value);
  return out;
}

// All pages of a list: what `read` makes of each of its elements.
template <class Facts>
Awaitable<CallResult<std::vector<Facts>>> describe_all(aws::Client* ec2, std::string operation,
                                                       std::string list, Filter filter,
                                                       Facts (*read)(const XmlElement&)) {
  std::vector<Facts> out;
  std::string next;
  for (std::size_t page = 0; page < kMaxSurveyPages; ++page) {
    auto parameters = make_filter(filter);
    if (!next.empty()) parameters.emplace_back("NextToken", next);
    const auto answer =
        co_await ec2->call_query({operation, {}, std::move(parameters), true, {}, aws::Urgency::read});
    if (!answer) co_return std::unexpected(answer.error());
    for (const auto& one : answer->list(fmt::format("{}Response/{}/item", operation, list)))
      out.push_back(read(one));
    next = answer->text(fmt::format("{}Response/nextToken", operation));
    if (next.empty()) co_return out;
  }
  aws::CallFailure failure;
  failure.message = fmt::format("ec2 {}: more than {} pages", operation, kMaxSurveyPages);
  co_return std::unexpected(std::move(failure));
}

ecs::Texts texts_at(const XmlElement& element, const std::string& list, const std::string& field) {
  ecs::Texts out;
  for (const auto& one : element.list(list + "/item")) out.push_back(one.text(field));
  return out;
}

ecs::SubnetFacts read_subnet(const XmlElement& element) {
  ecs::SubnetFacts out{element.text("subnetId"),
                       {},
                       element.text("vpcId"),
                       element.text("availabilityZone"),
                       base::find_number<std::uint32_t>(element.text("availableIpAddressCount")).value_or(0),
                       element.text("cidrBlock")};
  for (const auto& tag : element.list("tagSet/item"))
    if (tag.text("key") == "Name") out.name = tag.text("value");
  return out;
}

ecs::Route read_route(const XmlElement& element) {
  ecs::Route out{element.text("destinationCidrBlock"), {}, element.text("state") != "blackhole"};
  for (const auto* target :
       {"gatewayId", "natGatewayId", "transitGatewayId", "vpcPeeringConnectionId", "networkInterfaceId",
        "instanceId", "localGatewayId", "carrierGatewayId", "coreNetworkArn"})
    if (out.target.empty()) out.target = element.text(target);
  return out;
}

ecs::RouteTableFacts read_route_table(const XmlElement& element) {
  ecs::RouteTableFacts out{element.text("routeTableId"), element.text("vpcId"), false, {}, {}};
  for (const auto& one : element.list("associationSet/item")) {
    out.is_main |= one.text("main") == "true";
    if (auto subnet = one.text("subnetId"); !subnet.empty()) out.subnets.push_back(std::move(subnet));
  }
  for (const auto& one : element.list("routeSet/item")) out.routes.push_back(read_route(one));
  return out;
}

// One that is not there yet, or no longer, leads to no service.
ecs::VpcEndpointFacts read_endpoint(const XmlElement& element) {
  const auto state = element.text("state");
  const bool works = state == "available" || state == "Available";  // its documentation has both
  return {element.text("vpcId"), works ? element.text("serviceName") : std::string()};
}

ecs::AclEntry read_acl_entry(const XmlElement& element) {
  ecs::AclEntry out;
  out.number = base::find_number<int>(element.text("ruleNumber")).value_or(out.number);
  out.egress = element.text("egress") == "true";
  out.allow = element.text("ruleAction") == "allow";
  out.protocol = element.text("protocol");
  out.from = base::find_number<int>(element.text("portRange/from")).value_or(out.from);
  out.to = base::find_number<int>(element.text("portRange/to")).value_or(out.to);
  out.range = element.text("cidrBlock");
  if (out.range.empty()) out.range = element.text("ipv6CidrBlock");
  return out;
}

ecs::AclFacts read_acl(const XmlElement& element) {
  ecs::AclFacts out{element.text("networkAclId"),
                    element.text("vpcId"),
                    element.text("default") == "true",
                    texts_at(element, "associationSet", "subnetId"),
                    {}};
  for (const auto& one : element.list("entrySet/item")) out.entries.push_back(read_acl_entry(one));
  return out;
}

ecs::PortRule read_rule(const XmlElement& element) {
  ecs::PortRule out;
  out.protocol = element.text("ipProtocol");
  out.from = base::find_number<int>(element.text("fromPort")).value_or(out.from);
  out.to = base::find_number<int>(element.text("toPort")).value_or(out.to);
  out.ranges = texts_at(element, "ipRanges", "cidrIp");
  for (auto& one : texts_at(element, "ipv6Ranges", "cidrIpv6")) out.ranges.push_back(std::move(one));
  out.others = texts_at(element, "groups", "groupId");
  for (auto& one : texts_at(element, "prefixListIds", "prefixListId")) out.others.push_back(std::move(one));
  return out;
}

ecs::GroupFacts read_group(const XmlElement& element) {
  ecs::GroupFacts out{element.text("groupId"), element.text("groupName"), element.text("vpcId"), {}};
  for (const auto& one : element.list("ipPermissionsEgress/item")) out.egress.push_back(read_rule(one));
  for (const auto& one : element.list("ipPermissions/item")) out.ingress.push_back(read_rule(one));
  return out;
}

ecs::InterfaceFacts read_interface(const XmlElement& element) {
  return {element.text("networkInterfaceId"), element.text("privateIpAddress"),
          texts_at(element, "groupSet", "groupId")};
}

}  // namespace

Awaitable<CallResult<std::vector<ecs::SubnetFacts>>> describe_subnets(aws::Client& ec2, Filter filter) {
  return describe_all(&ec2, "DescribeSubnets", "subnetSet", std::move(filter), &read_subnet);
}

Awaitable<CallResult<std::vector<ecs::RouteTableFacts>>> describe_route_tables(aws::Client& ec2,
                                                                               Filter filter) {
  return describe_all(&ec2, "DescribeRouteTables", "routeTableSet", std::move(filter), &read_route_table);
}

Awaitable<CallResult<std::vector<ecs::VpcEndpointFacts>>> describe_vpc_endpoints(aws::Client& ec2,
                                                                                 Filter filter) {
  return describe_all(&ec2, "DescribeVpcEndpoints", "vpcEndpointSet", std::move(filter), &read_endpoint);
}

Awaitable<CallResult<std::vector<ecs::AclFacts>>> describe_network_acls(aws::Client& ec2, Filter filter) {
  return describe_all(&ec2, "DescribeNetworkAcls", "networkAclSet", std::move(filter), &read_acl);
}

Awaitable<CallResult<std::vector<ecs::GroupFacts>>> describe_security_groups(aws::Client& ec2,
                                                                             Filter filter) {
  return describe_all(&ec2, "DescribeSecurityGroups", "securityGroupInfo", std::move(filter), &read_group);
}

Awaitable<CallResult<std::vector<ecs::InterfaceFacts>>> describe_network_interfaces(aws::Client& ec2,
                                                                                    Filter filter) {
  return describe_all(&ec2, "DescribeNetworkInterfaces", "networkInterfaceSet", std::move(filter),
                      &read_interface);
}

}  // namespace footman::cloud::ecs
