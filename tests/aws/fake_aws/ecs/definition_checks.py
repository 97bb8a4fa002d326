"""What RegisterTaskDefinition refuses beyond its model.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html (2025)
"""
import json
import re

from ..errors import client_error
from . import sizes

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
MAX_BYTES = 64 * 1024
MAX_CONTAINERS = 10
FARGATE_LOG_DRIVERS = ("awslogs", "splunk", "awsfirelens")
FARGATE_MAX_STOP_SECONDS = 120
FARGATE_EPHEMERAL_GIB = (21, 200)


def check(params):
    if not NAME.fullmatch(params["family"]):
        raise client_error("Family contains invalid characters.")
    if len(json.dumps(params)) > MAX_BYTES:
        raise client_error("Actual length of task definition is greater than the limit of 65536 bytes.")
    containers = params["containerDefinitions"]
    if not 1 <= len(containers) <= MAX_CONTAINERS:
        raise client_error(f"Container definitions must have between 1 and {MAX_CONTAINERS} containers.")
    _check_names(containers)
    for container in containers:
        _check_container(container, params)
    _check_order(containers)
    if not any(one.get("essential", True) for one in containers):
        raise client_error("Task definition must have at least one essential container.")
    _check_volumes(params)
    if "FARGATE" in params.get("requiresCompatibilities", []):
        _check_fargate(params)


def compatibilities(definition):
    """Where the definition could run, as far as the fake knows."""
    found = ["EC2"]
    if definition.get("networkMode") == "awsvpc" and "cpu" in definition and "memory" in definition:
        try:
            _check_fargate(definition)
            found.append("FARGATE")
        except Exception:  # noqa: BLE001 - any refusal means: not there
            pass
    return found


def _check_names(containers):
    names = [one.get("name", "") for one in containers]
    for name in names:
        if not NAME.fullmatch(name):
            raise client_error("Container.name contains invalid characters." if name else "Container.name should not be null or empty.")
    if len(set(names)) != len(names):
        raise client_error("Container names must be unique in a task definition.")


def _check_container(container, params):
    name = container["name"]
    if not container.get("image"):
        raise client_error("Container.image should not be null or empty.")
    if "memory" not in params and not container.get("memory") and not container.get("memoryReservation"):
        raise client_error(f"Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified.")
    if container.get("memory") and container.get("memory") < container.get("memoryReservation", 0):
        raise client_error(f"Invalid setting for container '{name}'. 'memory' must not be less than 'memoryReservation'.")
    variables = [one.get("name", "") for one in container.get("environment", []) + container.get("secrets", [])]
    if len(set(variables)) != len(variables):
        raise client_error(f"The secret name must be unique and not shared with any new or existing environment variables set on "
                           f"the container '{name}'.")
    if not all(variables):
        raise client_error(f"Container '{name}': a variable must have a name.")
    if container.get("secrets") and "executionRoleArn" not in params:
        raise client_error("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
    log = container.get("logConfiguration")
    if log and log["logDriver"] == "awslogs":
        for option in ("awslogs-group", "awslogs-region"):
            if option not in log.get("options", {}):
                raise client_error(f"Log driver awslogs requires options: {option}")
    check_command = container.get("healthCheck", {}).get("command", ["CMD"])
    if check_command[0] not in ("CMD", "CMD-SHELL"):
        raise client_error(f"Container '{name}': a health check's command must start with CMD or CMD-SHELL.")


def _check_order(containers):
    by_name = {one["name"]: one for one in containers}
    waits = {}
    for container in containers:
        waits[container["name"]] = [one["containerName"] for one in container.get("dependsOn", [])]
        for dependency in container.get("dependsOn", []):
            other = by_name.get(dependency["containerName"])
            if other is None or other is container:
                raise client_error(f"Invalid dependency: container '{container['name']}' depends on '{dependency['containerName']}'.")
            if dependency["condition"] == "HEALTHY" and "healthCheck" not in other:
                raise client_error(f"Container '{other['name']}' has no healthCheck, which the condition HEALTHY needs.")
            if dependency["condition"] in ("COMPLETE", "SUCCESS") and other.get("essential", True):
                raise client_error(f"The condition {dependency['condition']} cannot be set on the essential container '{other['name']}'.")
    while waits:
        free = [name for name, others in waits.items() if not any(other in waits for other in others)]
        if not free:
            raise client_error("Cycle in container dependencies.")
        for name in free:
            del waits[name]


def _check_volumes(params):
    names = [one.get("name") for one in params.get("volumes", [])]
    if len(set(names)) != len(names) or None in names:
        raise client_error("Volume names must be unique.")
    for name in names:
        if not NAME.fullmatch(name):
            raise client_error("Volume.name contains invalid characters.")
    for container in params["containerDefinitions"]:
        paths = [one.get("containerPath", "") for one in container.get("mountPoints", [])]
        for mount in container.get("mountPoints", []):
            if mount.get("sourceVolume") not in names:
                raise client_error(f"Unknown volume '{mount.get('sourceVolume')}'.")
            if not mount.get("containerPath"):
                raise client_error("A mount point must have a containerPath.")
        if len(set(paths)) != len(paths):
            raise client_error("Duplicate container path in mount points.")


def _check_fargate(params):
    if params.get("networkMode") != "awsvpc":
        raise client_error("Fargate only supports network mode ‘awsvpc’.")
    for name in ("cpu", "memory"):
        if name not in params:
            raise client_error(f"Fargate requires that '{name}' be defined at the task level.")
    cpu, memory = sizes.parse_cpu(params["cpu"]), sizes.parse_memory(params["memory"])
    windows = params.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX") != "LINUX"
    sizes.check_fargate(cpu, memory, windows)
    size = params.get("ephemeralStorage", {}).get("sizeInGiB", FARGATE_EPHEMERAL_GIB[0])
    check_ephemeral(size)
    for name in ("pidMode", "ipcMode", "placementConstraints"):
        if params.get(name) and (name, params[name]) != ("pidMode", "task"):
            raise client_error(f"Fargate does not support {name}.")
    for volume in params.get("volumes", []):
        if volume.get("host", {}).get("sourcePath") or "dockerVolumeConfiguration" in volume:
            raise client_error("Fargate does not support host or Docker volumes.")
    if sum(one.get("cpu", 0) for one in params["containerDefinitions"]) > cpu:
        raise client_error("The total cpu of the containers is greater than the task's.")
    for container in params["containerDefinitions"]:
        _check_fargate_container(container, params, memory)


def check_ephemeral(size):
    low, high = FARGATE_EPHEMERAL_GIB
    if not low <= size <= high:
        raise client_error(f"EphemeralStorage.sizeInGiB must be between {low} and {high}.")


def _check_fargate_container(container, params, memory):
    if container.get("privileged"):
        raise client_error("Fargate does not support privileged containers.")
    for name in ("links", "extraHosts", "disableNetworking", "dockerSecurityOptions", "hostname"):
        if container.get(name):
            raise client_error(f"Fargate does not support '{name}' in a container.")
    linux = container.get("linuxParameters", {})
    for name in ("devices", "sharedMemorySize", "maxSwap", "swappiness"):
        if linux.get(name):
            raise client_error(f"Fargate does not support linuxParameters.{name}.")
    added = set(linux.get("capabilities", {}).get("add", []))
    if added - {"SYS_PTRACE"}:
        raise client_error(f"Fargate does not support adding the capabilities {', '.join(sorted(added - {'SYS_PTRACE'}))}.")
    if container.get("memory", 0) > memory:
        raise client_error(f"Invalid setting for container '{container['name']}'. 'memory' must not exceed the task's.")
    if container.get("stopTimeout", 0) > FARGATE_MAX_STOP_SECONDS:
        raise client_error(f"stopTimeout must be at most {FARGATE_MAX_STOP_SECONDS} seconds on Fargate.")
    for mapping in container.get("portMappings", []):
        if mapping.get("hostPort", 0) not in (0, mapping.get("containerPort")):
            raise client_error("When networkMode=awsvpc, the host ports and container ports in port mappings must match.")
    _check_fargate_log(container, params)


def _check_fargate_log(container, params):
    log = container.get("logConfiguration")
    if not log:
        return
    if log["logDriver"] not in FARGATE_LOG_DRIVERS:
        raise client_error(f"Fargate does not support the log driver {log['logDriver']}.")
    if log["logDriver"] == "awslogs":
        if "executionRoleArn" not in params:
            raise client_error("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
        if "awslogs-stream-prefix" not in log.get("options", {}):
            raise client_error("Fargate requires the option awslogs-stream-prefix of the log driver awslogs.")
