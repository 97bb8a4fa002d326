"""Task definitions: registered, numbered, kept as the real server shows them, deregistered and deleted."""
import copy
import re

from ..errors import client_error, malformed
from ..world import now
from . import definition_checks, sizes, tags

MAX_REVISIONS = 1_000_000


class TaskDefinitions:
    def __init__(self, world):
        self._world = world
        self._families = {}  # family: {revision: definition}; deleted ones keep their number
        self._next = {}
        self._tags = {}

    # --- operations

    def register(self, params):
        definition_checks.check(params)
        tags.check(params.get("tags", []))
        family = params["family"]
        definition = normalise(params)
        with self._world.lock:
            revision = self._next.get(family, 0) + 1
            if revision > MAX_REVISIONS:
                raise client_error(f"Too many revisions of task definition {family}.")
            self._next[family] = revision
            arn = self._world.arn(f"task-definition/{family}:{revision}")
            definition.update(taskDefinitionArn=arn, family=family, revision=revision, status="ACTIVE", registeredAt=now(),
                              registeredBy=f"arn:aws:iam::{self._world.account}:root")
            self._families.setdefault(family, {})[revision] = definition
            self._tags[arn] = list(params.get("tags", []))
            return self._shown(definition, with_tags=bool(params.get("tags")))

    def describe(self, params):
        with self._world.lock:
            definition = self.find(params["taskDefinition"])
            if definition is None:
                raise client_error("Unable to describe task definition.")
            return self._shown(definition, "TAGS" in params.get("include", []))

    def deregister(self, params):
        reference = params["taskDefinition"]
        if not re.search(r":\d+$", reference):
            raise malformed("Invalid task definition. Must be of the form \"family:revision\" or a full ARN.")
        with self._world.lock:
            definition = self.find(reference)
            if definition is None or definition["status"] != "ACTIVE":
                raise client_error("The specified task definition is inactive. Specify an active task definition and try again."
                                   if definition else "Unable to describe task definition.")
            definition.update(status="INACTIVE", deregisteredAt=now())
            return {"taskDefinition": copy.deepcopy(definition)}

    def delete(self, params):
        references = params["taskDefinitions"]
        if not 1 <= len(references) <= 10:
            raise malformed("The number of task definitions must be between 1 and 10.")
        deleted, failures = [], []
        with self._world.lock:
            for reference in references:
                definition = self.find(reference) if re.search(r":\d+$", reference) else None
                if definition is None:
                    failures.append({"arn": reference, "reason": "TASK_DEFINITION_NOT_FOUND"})
                elif definition["status"] == "ACTIVE":
                    failures.append({"arn": definition["taskDefinitionArn"], "reason": "TASK_DEFINITION_IS_ACTIVE",
                                     "detail": "The specified task definition is still in ACTIVE status. Please deregister the "
                                               "target and try again."})
                else:
                    definition.update(status="DELETE_IN_PROGRESS", deleteRequestedAt=now())
                    deleted.append(copy.deepcopy(definition))
        return {"taskDefinitions": deleted, "failures": failures}

    def list(self, params):
        status, prefix = params.get("status", "ACTIVE"), params.get("familyPrefix")
        with self._world.lock:
            found = [one["taskDefinitionArn"] for family in sorted(self._families) for _, one in sorted(self._families[family].items())
                     if one["status"] == status and (prefix is None or family == prefix)]
        if params.get("sort") == "DESC":
            found.reverse()
        return page(found, params, "taskDefinitionArns")

    def list_families(self, params):
        status, prefix = params.get("status", "ALL"), params.get("familyPrefix", "")
        with self._world.lock:
            found = [family for family in sorted(self._families) if family.startswith(prefix) and self._is(family, status)]
        return page(found, params, "families")

    # --- for the others

    def find(self, reference):
        """By family (its newest active revision), family:revision or ARN. None when there is none."""
        match = re.fullmatch(r"(?:arn:aws[\w-]*:ecs:([\w-]+):(\d+):task-definition/)?([A-Za-z0-9_-]+)(?::(\d+))?", reference)
        if not match or (match[1] and (match[1], match[2]) != (self._world.region, self._world.account)):
            return None
        revisions = self._families.get(match[3], {})
        if match[4]:
            return revisions.get(int(match[4]))
        active = [number for number, one in revisions.items() if one["status"] == "ACTIVE"]
        return revisions[max(active)] if active else None

    def tags_of(self, arn):
        return self._tags[arn] if arn in self._tags else None

    def all(self):
        with self._world.lock:
            return [self._shown(one, True) for family in self._families.values() for one in family.values()]

    def clear(self):
        self._families, self._next, self._tags = {}, {}, {}

    def _is(self, family, status):
        return status == "ALL" or any(one["status"] == "ACTIVE" for one in self._families[family].values()) == (status == "ACTIVE")

    def _shown(self, definition, with_tags):
        answer = {"taskDefinition": copy.deepcopy(definition)}
        if with_tags:
            answer["tags"] = list(self._tags[definition["taskDefinitionArn"]])
        return answer


def page(found, params, name, greatest=100):
    """One page of a list. A token is the number of what was seen, said so that nobody takes it for one."""
    begin = 0
    if params.get("nextToken"):
        match = re.fullmatch(r"fake-page-(\d+)", params["nextToken"])
        if not match:
            raise malformed("Invalid token.")
        begin = int(match[1])
    size = params.get("maxResults") or greatest
    if not 1 <= size <= greatest:
        raise malformed(f"maxResults must be between 1 and {greatest}.")
    answer = {name: found[begin:begin + size]}
    if begin + size < len(found):
        answer["nextToken"] = f"fake-page-{begin + size}"
    return answer


# --- how the server keeps it

def normalise(params):
    """The definition with the defaults that the real server shows."""
    definition = {name: copy.deepcopy(value) for name, value in params.items() if name != "tags" and value is not None}
    awsvpc = definition.get("networkMode") == "awsvpc"
    definition["containerDefinitions"] = [_normalise_container(one, awsvpc) for one in definition["containerDefinitions"]]
    definition["volumes"] = [_normalise_volume(one) for one in definition.get("volumes", [])]
    definition.setdefault("placementConstraints", [])
    definition.setdefault("enableFaultInjection", False)
    if "cpu" in definition:
        definition["cpu"] = str(sizes.parse_cpu(definition["cpu"]))
    if "memory" in definition:
        definition["memory"] = str(sizes.parse_memory(definition["memory"]))
    definition["compatibilities"] = definition_checks.compatibilities(definition)
    definition["requiresAttributes"] = _attributes(definition)
    return definition


def _normalise_container(container, awsvpc):
    container.setdefault("cpu", 0)
    container.setdefault("essential", True)
    for name in ("portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"):
        container.setdefault(name, [])
    container["environment"].sort(key=lambda one: one["name"])
    if "secrets" in container:
        container["secrets"].sort(key=lambda one: one["name"])
    for mapping in container["portMappings"]:
        mapping.setdefault("protocol", "tcp")
        if "containerPort" in mapping:
            mapping.setdefault("hostPort", mapping["containerPort"] if awsvpc else 0)
    check = container.get("healthCheck")
    if check:
        for name, value in (("interval", 30), ("timeout", 5), ("retries", 3)):
            check.setdefault(name, value)
    return container


def _normalise_volume(volume):
    kinds = ("efsVolumeConfiguration", "dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")
    if not any(kind in volume for kind in kinds) and not volume.get("configuredAtLaunch"):
        volume.setdefault("host", {})
    if "efsVolumeConfiguration" in volume:
        volume["efsVolumeConfiguration"].setdefault("rootDirectory", "/")
    return volume


def _attributes(definition):
    names = ["com.amazonaws.ecs.capability.docker-remote-api.1.18"]
    if definition.get("networkMode") == "awsvpc":
        names.append("ecs.capability.task-eni")
    if "taskRoleArn" in definition:
        names.append("com.amazonaws.ecs.capability.task-iam-role")
    for driver in sorted({one["logConfiguration"]["logDriver"] for one in definition["containerDefinitions"] if "logConfiguration" in one}):
        names.append(f"com.amazonaws.ecs.capability.logging-driver.{driver}")
    return [{"name": name} for name in names]
