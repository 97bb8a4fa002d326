"""EC2's describe calls for the network: VPCs, subnets, security groups, route tables."""
import fnmatch

from .errors import AwsError


class Ec2:
    def __init__(self, world):
        self._world = world
        self.operations = {"DescribeVpcs": self.describe_vpcs, "DescribeSubnets": self.describe_subnets,
                           "DescribeSecurityGroups": self.describe_security_groups, "DescribeRouteTables": self.describe_route_tables}
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
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "UserIdGroupPairs": [], "Ipv6Ranges": [], "PrefixListIds": []}]
        found = [{"GroupId": one.id, "GroupName": one.name, "Description": one.name, "VpcId": one.vpc, "OwnerId": self._world.account,
                  "IpPermissions": one.ingress, "IpPermissionsEgress": everything, "Tags": []}
                 for one in self._world.security_groups.values()]
        names = {"vpc-id": "VpcId", "group-id": "GroupId", "group-name": "GroupName"}
        return {"SecurityGroups": choose(found, params, "GroupId", "GroupIds", "InvalidGroup.NotFound", "security group", names)}

    def describe_route_tables(self, params, call):
        found = []
        for subnet in self._world.subnets.values():
            number = subnet.id.split("-")[1]
            routes = [{"DestinationCidrBlock": self._world.vpcs.get(subnet.vpc, subnet.cidr), "GatewayId": "local", "State": "active",
                       "Origin": "CreateRouteTable"}]
            if subnet.public:
                routes.append({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": f"igw-{subnet.vpc[4:]}", "State": "active",
                               "Origin": "CreateRoute"})
            found.append({"RouteTableId": f"rtb-{number}", "VpcId": subnet.vpc, "OwnerId": self._world.account, "Routes": routes,
                          "Associations": [{"Main": False, "RouteTableAssociationId": f"rtbassoc-{number}", "RouteTableId": f"rtb-{number}",
                                            "SubnetId": subnet.id, "AssociationState": {"State": "associated"}}]})
        subnets = [value for one in params.get("Filters", []) if one["Name"] == "association.subnet-id" for value in one["Values"]]
        if subnets:
            found = [one for one in found if one["Associations"][0]["SubnetId"] in subnets]
        rest = {**params, "Filters": [one for one in params.get("Filters", []) if one["Name"] != "association.subnet-id"]}
        return {"RouteTables": choose(found, rest, "RouteTableId", "RouteTableIds", "InvalidRouteTableID.NotFound", "route table",
                                      {"vpc-id": "VpcId", "route-table-id": "RouteTableId"})}


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
