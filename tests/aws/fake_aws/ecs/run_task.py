"""What RunTask checks before there is a task, in the order in which the service refuses.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html (2025)
"""
import json
import re

from ..errors import AwsError, client_error, invalid_parameter, malformed
from . import definition_checks, sizes, tags
from .clusters import check_strategy

MAX_OVERRIDES = 8192
STARTED_BY = re.compile(r"[A-Za-z0-9_/-]{0,128}")
TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
LINUX_PLATFORMS = {"LATEST": "1.4.0", "1.4.0": "1.4.0", "1.3.0": "1.3.0"}
MAX_SUBNETS, MAX_GROUPS = 16, 5


def check_form(params):
    """Everything that depends on the request alone."""
    count = params.get("count", 1)
    if not 1 <= count <= 10:
        raise malformed("Count must be between 1 and 10.")
    if not STARTED_BY.fullmatch(params.get("startedBy", "")):
        raise malformed("startedBy must be at most 128 letters, digits, hyphens, forward slashes and underscores.")
    if "clientToken" in params and not TOKEN.fullmatch(params["clientToken"]):
        raise malformed("clientToken must be 1 to 64 ASCII characters in the range of 33-126.")
    if len(json.dumps(params.get("overrides", {}), separators=(",", ":"))) > MAX_OVERRIDES:
        raise malformed(f"Container Overrides length must be at most {MAX_OVERRIDES}")
    tags.check(params.get("tags", []))
    if params.get("propagateTags") == "SERVICE":
        raise malformed("SERVICE is not a valid value of propagateTags for RunTask.")
    if params.get("launchType") and params.get("capacityProviderStrategy"):
        raise malformed("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
    if len(params.get("placementConstraints", [])) > 10 or len(params.get("placementStrategy", [])) > 5:
        raise malformed("At most 10 placement constraints and 5 placement strategies.")


def find_definition(params, definitions):
    definition = definitions.find(params["taskDefinition"])
    if definition is None:
        raise client_error("TaskDefinition not found.")
    if definition["status"] != "ACTIVE":
        raise client_error("TaskDefinition is inactive")
    return definition


def choose_strategy(params, cluster):
    """The capacity providers to choose from, and the launch type that the task will show."""
    if params.get("launchType"):
        if params["launchType"] != "FARGATE":
            raise invalid_parameter("No Container Instances were found in your cluster.")
        return [{"capacityProvider": "FARGATE", "weight": 1}], False
    strategy = params.get("capacityProviderStrategy") or cluster["defaultCapacityProviderStrategy"]
    if not strategy:
        raise invalid_parameter("No Container Instances were found in your cluster.")
    check_strategy(strategy, cluster)
    return strategy, True


def check_fargate(params, definition):
    """The platform's version."""
    if "FARGATE" not in definition["compatibilities"]:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    if params.get("placementConstraints") or params.get("placementStrategy"):
        raise invalid_parameter("Placement strategies and constraints are not supported with FARGATE launch type.")
    version = params.get("platformVersion", "LATEST")
    windows = definition.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX") != "LINUX"
    if version not in (("LATEST", "1.0.0") if windows else LINUX_PLATFORMS):
        raise AwsError("PlatformUnknownException", f"Unknown platform version: {version}")
    return "1.0.0" if windows else LINUX_PLATFORMS[version]


def check_overrides(params, definition):
    """(cpu, memory) of the task."""
    overrides = params.get("overrides", {})
    names = {one["name"] for one in definition["containerDefinitions"]}
    seen = set()
    for override in overrides.get("containerOverrides", []):
        name = override.get("name")
        if name not in names:
            raise invalid_parameter(f"Override for container named {name} is not a container in the TaskDefinition.")
        if name in seen:
            raise invalid_parameter(f"Duplicate override for container named {name}.")
        seen.add(name)
        for variable in override.get("environment", []):
            if not variable.get("name") or variable.get("value") is None:
                raise invalid_parameter("An environment variable needs a name and a value.")
    cpu = sizes.parse_cpu(overrides.get("cpu") or definition["cpu"])
    memory = sizes.parse_memory(overrides.get("memory") or definition["memory"])
    windows = definition.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX") != "LINUX"
    sizes.check_fargate(cpu, memory, windows)
    if "ephemeralStorage" in overrides:
        definition_checks.check_ephemeral(overrides["ephemeralStorage"]["sizeInGiB"])
    if sum(one.get("cpu", 0) for one in definition["containerDefinitions"]) > cpu:
        raise client_error("The total cpu of the containers is greater than the task's.")
    return cpu, memory


def check_network(params, definition, world):
    """The subnets and security groups, which must be of one VPC."""
    network = params.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if definition.get("networkMode") == "awsvpc" and not network:
        raise invalid_parameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if not 1 <= len(network["subnets"]) <= MAX_SUBNETS:
        raise invalid_parameter(f"subnets must have between 1 and {MAX_SUBNETS} items.")
    if len(network.get("securityGroups", [])) > MAX_GROUPS:
        raise invalid_parameter(f"securityGroups can have at most {MAX_GROUPS} items.")
    subnets = []
    for name in network["subnets"]:
        if name not in world.subnets:
            raise invalid_parameter(f"Error retrieving subnet information for [{name}]: The subnet ID '{name}' does not exist "
                                    "(ErrorCode: InvalidSubnetID.NotFound)")
        subnets.append(world.subnets[name])
    if len({subnet.vpc for subnet in subnets}) > 1:
        raise invalid_parameter("Subnets must be of the same VPC.")
    for name in network.get("securityGroups", []):
        group = world.security_groups.get(name)
        if group is None:
            raise invalid_parameter(f"Error retrieving security group information for [{name}]: The security group '{name}' does not "
                                    "exist (ErrorCode: InvalidGroup.NotFound)")
        if group.vpc != subnets[0].vpc:
            raise invalid_parameter("Subnets and security groups must be of the same VPC: security group "
                                    f"{name} is of {group.vpc}, the subnets are of {subnets[0].vpc}.")
    return subnets


def check_roles(params, definition, world):
    """(task role or None, execution role or None); both must trust ECS' tasks."""
    overrides = params.get("overrides", {})
    found = []
    for name in ("taskRoleArn", "executionRoleArn"):
        arn = overrides.get(name) or definition.get(name)
        role = world.roles.get(arn) if arn else None
        if arn and (role is None or not {"ecs-tasks.amazonaws.com", "*"} & set(role.trusts)):
            raise client_error(f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the role "
                               "being passed has the proper trust relationship and permissions and that your IAM user has permissions "
                               "to pass this role.")
        found.append(role)
    return found
