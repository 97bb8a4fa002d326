"""EC2's describe calls for the network: VPCs and their endpoints, subnets, security groups, route tables, ACLs, interfaces."""
import fnmatch

from .errors import AwsError


class Ec2:
    def __init__(self, world):
        self._world = world
        self.operations = {"DescribeVpcs": self.describe_vpcs, "DescribeSubnets": self.describe_subnets,
                           "DescribeSecurityGroups": self.describe_security_groups, "DescribeRouteTables": self.describe_route_tables,
                           "DescribeVpcEndpoints": self.describe_vpc_endpoints, "DescribeNetworkAcls": self.describe_network_acls,
                           "DescribeNetworkInterfaces": self.describe_network_interfaces}
        self.unsigned = set()

    def describe_vpcs(self, params, call):
        found = [{"VpcId": name, "CidrBlock": cidr, "State": "available", "IsDefault": False, "OwnerId": self._world.account}
                 for name, cidr in self._world.vpcs.items()]
        return {"Vpcs": choose(found, params, "VpcId", "VpcIds", "InvalidVpcID.NotFound", "vpc", {"vpc-id": "VpcId"})}

    def describe_subnets(self, params, call):
        found = [{"SubnetId": one.id, "VpcId": one.vpc, "AvailabilityZone": one.zone, "AvailabilityZoneId": one.zone + "z1",
                  "AvailableIpAddressCount": one.free, "CidrBlock": one.cidr, "State": "available", "OwnerId": self._world.account,
                  "MapPublicIpOnLaunch": one.public, "DefaultForAz": False, "SubnetArn": self._world.arn(f"subnet/{one.id}", "ec2")}
                 for one in self._world.subnets.values()]
        names = {"vpc-id": "VpcId", "subnet-id": "SubnetId", "availability-zone": "AvailabilityZone", "state": "State"}
        return {"Subnets": choose(found, params, "SubnetId", "SubnetIds", "InvalidSubnetID.NotFound", "subnet", names)}

    def describe_security_groups(self, params, call):
        found = [{"GroupId": one.id, "GroupName": one.name, "Description": one.name, "VpcId": one.vpc, "OwnerId": self._world.account,
                  "IpPermissions": one.ingress, "IpPermissionsEgress": one.egress, "Tags": []}
                 for one in self._world.security_groups.values()]
        names = {"vpc-id": "VpcId", "group-id": "GroupId", "group-name": "GroupName"}
        return {"SecurityGroups": choose(found, params, "GroupId", "GroupIds", "InvalidGroup.NotFound", "security group", names)}

    def describe_route_tables(self, params, call):
        found = [self._route_table(f"rtb-main{vpc[-4:]}", vpc, None) for vpc in self._world.vpcs]
        found += [self._route_table(f"rtb-{one.id.split('-')[1]}", one.vpc, one) for one in self._world.subnets.values()
                  if one.way_out != "main"]
        subnets = [value for one in params.get("Filters", []) if one["Name"] == "association.subnet-id" for value in one["Values"]]
        if subnets:
            found = [one for one in found if one["Associations"][0].get("SubnetId") in subnets]
        rest = {**params, "Filters": [one for one in params.get("Filters", []) if one["Name"] != "association.subnet-id"]}
        return {"RouteTables": choose(found, rest, "RouteTableId", "RouteTableIds", "InvalidRouteTableID.NotFound", "route table",
                                      {"vpc-id": "VpcId", "route-table-id": "RouteTableId"})}

    def _route_table(self, name, vpc, subnet):
        """Of one subnet; without one the network's main table."""
        routes = [{"DestinationCidrBlock": self._world.vpcs[vpc], "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}]
        way = "none" if subnet is None else subnet.way_out or (f"igw-{vpc[4:]}" if subnet.public else "none")
        if way != "none":
            routes.append(way_out(way))
        link = {"Main": True} if subnet is None else {"Main": False, "SubnetId": subnet.id}
        return {"RouteTableId": name, "VpcId": vpc, "OwnerId": self._world.account, "Routes": routes, "Tags": [],
                "Associations": [{"RouteTableAssociationId": f"rtbassoc-{name[4:]}", "RouteTableId": name,
                                  "AssociationState": {"State": "associated"}, **link}]}

    def describe_network_acls(self, params, call):
        """One of each network, and one of each subnet that a test gave its own."""
        own = self._world.network_acls
        found = [self._acl(f"acl-{vpc[4:]}", vpc, True, ACL_ENTRIES,
                           [one.id for one in self._world.subnets.values() if one.vpc == vpc and one.id not in own])
                 for vpc in self._world.vpcs]
        found += [self._acl(f"acl-{subnet[7:]}", self._world.subnets[subnet].vpc, False, entries, [subnet]) for subnet, entries in own.items()]
        return {"NetworkAcls": choose(found, params, "NetworkAclId", "NetworkAclIds", "InvalidNetworkAclID.NotFound", "network acl",
                                      {"vpc-id": "VpcId", "network-acl-id": "NetworkAclId"})}

    def _acl(self, name, vpc, default, entries, subnets):
        last = [acl_entry(32767, egress, "deny") for egress in (True, False)]
        return {"NetworkAclId": name, "VpcId": vpc, "IsDefault": default, "Entries": [*entries, *last], "OwnerId": self._world.account, "Tags": [],
                "Associations": [{"NetworkAclAssociationId": f"aclassoc-{one[7:]}", "NetworkAclId": name, "SubnetId": one} for one in subnets]}

    def describe_network_interfaces(self, params, call):
        found = [{"NetworkInterfaceId": f"eni-{index + 1:08x}", "VpcId": vpc, "PrivateIpAddress": address, "OwnerId": self._world.account,
                  "Groups": [{"GroupId": one, "GroupName": one} for one in groups]}
                 for index, (address, (vpc, groups)) in enumerate(self._world.network_interfaces.items())]
        return {"NetworkInterfaces": choose(found, params, "NetworkInterfaceId", "NetworkInterfaceIds", "InvalidNetworkInterfaceID.NotFound",
                                            "network interface", {"addresses.private-ip-address": "PrivateIpAddress", "vpc-id": "VpcId"})}

    def describe_vpc_endpoints(self, params, call):
        found = [{"VpcEndpointId": f"vpce-{vpc[4:]}{index}", "VpcEndpointType": "Gateway" if service == "s3" else "Interface", "VpcId": vpc,
                  "ServiceName": f"com.amazonaws.{self._world.region}.{service}", "State": "Available", "OwnerId": self._world.account}
                 for vpc, services in self._world.vpc_endpoints.items() for index, service in enumerate(services)]
        names = {"vpc-id": "VpcId", "service-name": "ServiceName"}
        return {"VpcEndpoints": choose(found, params, "VpcEndpointId", "VpcEndpointIds", "InvalidVpcEndpointId.NotFound", "vpc endpoint", names)}


def acl_entry(number, egress, action, cidr="0.0.0.0/0", protocol="-1", ports=None):
    span = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
    return {"RuleNumber": number, "Egress": egress, "RuleAction": action, "CidrBlock": cidr, "Protocol": protocol, **span}


ACL_ENTRIES = [acl_entry(100, egress, "allow") for egress in (True, False)]  # of the default one, as AWS makes it


def way_out(target):
    """The route of all else."""
    route = {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", "Origin": "CreateRoute"}
    if target == "blackhole":
        return {**route, "NatGatewayId": "nat-0gone", "State": "blackhole"}
    member = {"nat": "NatGatewayId", "tgw": "TransitGatewayId"}.get(target.split("-")[0], "GatewayId")
    return {**route, member: target}


def choose(found, params, member, parameter, code, what, filters):
    """By ids, all of which must be there, and by filters."""
    wanted = params.get(parameter)
    if wanted:
        missing = [name for name in wanted if name not in [one[member] for one in found]]
        if missing:
            raise AwsError(code, f"The {what} ID '{missing[0]}' does not exist")
        found = [one for one in found if one[member] in wanted]
    for one in params.get("Filters", []):
        if one["Name"] not in filters:
            raise AwsError("InvalidParameterValue", f"The filter '{one['Name']}' is invalid")
        name = filters[one["Name"]]
        found = [item for item in found if any(fnmatch.fnmatchcase(item[name], value) for value in one.get("Values", []))]
    return found
