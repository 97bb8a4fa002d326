"""The tasks of all clusters: RunTask, StopTask, DescribeTasks, ListTasks."""
import copy
import json
import time

from ..errors import AwsError, client_error, invalid_parameter, malformed
from ..world import now, random_hex
from . import run_task, tags
from .clusters import choose_providers
from .task import Task
from .task_definitions import page
from .task_life import TaskLife

TOKEN_SECONDS = 24 * 3600
MAX_DESCRIBED = 100
# "When you specify startedBy as the filter, it must be the only filter that you use": the API's reference.
OTHER_FILTERS = ("family", "serviceName", "containerInstance", "desiredStatus", "launchType")


class Tasks:
    def __init__(self, world, clusters, definitions, services):
        """services: what a task's life needs: logs, credentials, metadata (see TaskLife)."""
        self._world, self._clusters, self._definitions, self._services = world, clusters, definitions, services
        self._tasks = {}  # by ARN, in the order of their start
        self._tokens = {}  # (cluster, token): (fingerprint, ARNs, time)
        self.watchers = []  # called with each changed task, under the world's lock

    # --- operations

    def run(self, params):
        run_task.check_form(params)
        with self._world.lock:
            cluster = self._clusters.get(params.get("cluster"))
            again = self._find_by_token(params, cluster)
            if again is not None:
                return {"tasks": [self._shown(task, True) for task in again], "failures": []}
            made, failures = self._run_new(params, cluster)
            if made and "clientToken" in params:
                self._tokens[cluster["clusterArn"], params["clientToken"]] = (_fingerprint(params), [task.data["taskArn"] for task in made],
                                                                             time.monotonic())
        for task in made:
            TaskLife(self._world, task, self._services).start()
        return {"tasks": [self._shown(task, True) for task in made], "failures": failures}

    def stop(self, params):
        with self._world.lock:
            task = self._find(params["task"], self._clusters.get(params.get("cluster")))
            if task is None or not self._visible(task):
                raise invalid_parameter("The referenced task was not found.")
            task.ask_to_stop("UserInitiated", params.get("reason") or "Task stopped by user")
            return {"task": self._shown(task, False)}

    def describe(self, params):
        if len(params["tasks"]) > MAX_DESCRIBED:
            raise malformed(f"Tasks can have at most {MAX_DESCRIBED} items.")
        if not params["tasks"]:
            raise malformed("Tasks cannot be empty.")
        with self._world.lock:
            cluster = self._clusters.get(params.get("cluster"))
            found, failures = [], []
            for reference in dict.fromkeys(params["tasks"]):
                task = self._find(reference, cluster)
                if task is None or not self._visible(task):
                    arn = reference if reference.startswith("arn:") else self._world.arn(f"task/{cluster['clusterName']}/{reference}")
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(self._shown(task, "TAGS" in params.get("include", [])))
        return {"tasks": found, "failures": failures}

    def list(self, params):
        if params.get("startedBy") and any(params.get(name) for name in OTHER_FILTERS):
            raise malformed("Cannot specify startedBy with another filter.")
        wanted = params.get("desiredStatus", "RUNNING")
        with self._world.lock:
            cluster = self._clusters.get(params.get("cluster"))
            found = [arn for arn, task in self._tasks.items()
                     if task.data["clusterArn"] == cluster["clusterArn"] and self._visible(task) and task.data["desiredStatus"] == wanted
                     and _matches(task.data, params)]
        return page(sorted(found), params, "taskArns")

    # --- for the others

    def reclaim(self, arn):
        """A Spot task is told that it has two minutes."""
        with self._world.lock:
            task = self._tasks.get(arn)
            if task is None or task.capacity != "FARGATE_SPOT":
                raise KeyError(f"no Spot task {arn}")
            if not task.asked_to_stop():
                task.reclaimed = True
                task.ask_to_stop("TerminationNotice", "Your Spot Task was interrupted.")

    def get(self, arn):
        with self._world.lock:
            return self._tasks.get(arn)

    def all(self):
        with self._world.lock:
            return list(self._tasks.values())

    def count(self, cluster_arn):
        states = [task.data["lastStatus"] for task in self.all() if task.data["clusterArn"] == cluster_arn]
        return states.count("RUNNING"), sum(1 for state in states if state in ("PROVISIONING", "PENDING", "ACTIVATING"))

    def tags_of(self, arn):
        with self._world.lock:
            task = self._tasks.get(arn)
            return task.data["tags"] if task else None

    def set_tags(self, arn, new_tags):
        with self._world.lock:
            self._tasks[arn].data = {**self._tasks[arn].data, "tags": new_tags}

    def end_all(self, seconds=20):
        """Every task is stopped the hard way; True when all have ended."""
        for task in self.all():
            task.killed = True
            task.ask_to_stop("ServiceSchedulerInitiated", "the fake is reset")
            task.wake()
        deadline = time.monotonic() + seconds
        return all(task.ended.wait(max(0.0, deadline - time.monotonic())) for task in self.all())

    def clear(self):
        with self._world.lock:
            self._tasks, self._tokens = {}, {}

    # --- inside

    def _find_by_token(self, params, cluster):
        known = self._tokens.get((cluster["clusterArn"], params.get("clientToken")))
        if known is None or time.monotonic() - known[2] > TOKEN_SECONDS:
            return None
        if known[0] != _fingerprint(params):
            raise AwsError("ConflictException", "The clientToken was used with other parameters.", resourceIds=known[1])
        return [self._tasks[arn] for arn in known[1]]

    def _run_new(self, params, cluster):
        definition = run_task.find_definition(params, self._definitions)
        strategy, by_provider = run_task.choose_strategy(params, cluster)
        platform = run_task.check_fargate(params, definition)
        cpu, memory = run_task.check_overrides(params, definition)
        subnets = run_task.check_network(params, definition, self._world)
        task_role, _ = run_task.check_roles(params, definition, self._world)
        made, failures = [], []
        for capacity in choose_providers(strategy, params.get("count", 1), self._world.dice):
            self._check_rate(capacity)
            self._check_quota(capacity, cpu)
            subnet = self._choose_subnet(capacity, subnets)
            if subnet is None:
                failures.append({"arn": self._world.arn(f"task/{cluster['clusterName']}"), "reason": "RESOURCE:ENI",
                                 "detail": "no subnet has a free address"})
                continue
            subnet.free -= 1
            data = self._new_data(params, cluster, definition, capacity, by_provider, platform, (cpu, memory), subnet)
            task = Task(self._world, data, definition, subnet, capacity, task_role)
            self._add(task)
            made.append(task)
        return made, failures

    def _check_rate(self, capacity):
        bucket = "fargate spot launch" if capacity == "FARGATE_SPOT" else "fargate launch"
        if not self._world.buckets.take(bucket):
            raise AwsError("ThrottlingException", "Rate exceeded")

    def _check_quota(self, capacity, cpu):
        used = sum(task.vcpus for task in self._tasks.values() if task.capacity == capacity and not task.ended.is_set())
        if used + cpu / 1024 > self._world.settings.vcpu_quota.get(capacity, 0):
            raise client_error("You've reached the limit on the number of vCPUs you can run concurrently")

    def _choose_subnet(self, capacity, subnets):
        """Any with a free address, in a zone that has capacity. None: no address."""
        limits = self._world.settings.capacity.get(capacity, {})
        running = [task.subnet.zone for task in self._tasks.values() if task.capacity == capacity and not task.ended.is_set()]
        with_room = [one for one in subnets if one.zone not in limits or running.count(one.zone) < limits[one.zone]]
        if not with_room:
            raise client_error("Capacity is unavailable at this time. Please try again later or in a different availability zone")
        free = [one for one in with_room if one.free > 0]
        return self._world.dice.choice(free) if free else None

    def _new_data(self, params, cluster, definition, capacity, by_provider, platform, size, subnet):
        arn = self._world.arn(f"task/{cluster['clusterName']}/{random_hex(32)}")
        overrides = {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **copy.deepcopy(params.get("overrides", {}))}
        own_tags = self._definitions.tags_of(definition["taskDefinitionArn"]) if params.get("propagateTags") == "TASK_DEFINITION" else []
        managed = [{"key": "aws:ecs:clusterName", "value": cluster["clusterName"]}] if params.get("enableECSManagedTags") else []
        runtime = definition.get("runtimePlatform", {})
        ephemeral = overrides.get("ephemeralStorage") or definition.get("ephemeralStorage") or {"sizeInGiB": 20}
        return {
            "attachments": [{"id": random_hex(8), "type": "ElasticNetworkInterface", "status": "PRECREATED",
                             "details": [{"name": "subnetId", "value": subnet.id}]}],
            "attributes": [{"name": "ecs.cpu-architecture", "value": runtime.get("cpuArchitecture", "X86_64").lower()}],
            "availabilityZone": subnet.zone, "clusterArn": cluster["clusterArn"],
            "containers": [self._new_container(arn, cluster, one) for one in definition["containerDefinitions"]],
            "cpu": str(size[0]), "memory": str(size[1]), "createdAt": now(), "desiredStatus": "RUNNING",
            "enableExecuteCommand": params.get("enableExecuteCommand", False), "ephemeralStorage": ephemeral,
            "group": params.get("group") or f"family:{definition['family']}", "healthStatus": "UNKNOWN", "lastStatus": "PROVISIONING",
            "launchType": "FARGATE", **({"capacityProviderName": capacity} if by_provider else {}),
            "overrides": overrides, "platformVersion": platform, "platformFamily": runtime.get("operatingSystemFamily", "Linux").capitalize(),
            **({"startedBy": params["startedBy"]} if params.get("startedBy") else {}),
            "tags": tags.merge(own_tags or [], params.get("tags", []), managed), "taskArn": arn,
            "taskDefinitionArn": definition["taskDefinitionArn"], "version": 1,
        }

    def _new_container(self, arn, cluster, container):
        return {"containerArn": self._world.arn(f"container/{cluster['clusterName']}/{arn.rsplit('/', 1)[1]}/{random_hex(32)}"),
                "taskArn": arn, "name": container["name"], "image": container["image"], "lastStatus": "PENDING",
                "networkInterfaces": [], "healthStatus": "UNKNOWN", "cpu": str(container.get("cpu", 0)),
                **({"memory": str(container["memory"])} if container.get("memory") else {})}

    def _add(self, task):
        family = task.definition["family"]
        task.fault = self._world.faults.of_task(family, task.data.get("startedBy", ""), task.capacity)
        task.visible_from = time.monotonic() + self._world.settings.consistency_seconds
        task.on_change = self._changed
        self._tasks[task.data["taskArn"]] = task
        self._changed(task)

    def _changed(self, task):
        for watcher in self.watchers:
            watcher(task)

    def _find(self, reference, cluster):
        if not reference.startswith("arn:"):
            return self._tasks.get(self._world.arn(f"task/{cluster['clusterName']}/{reference}"))
        own = reference.split(":task/", 1)[-1].split("/")[0]
        if own != cluster["clusterName"]:
            raise invalid_parameter(f"Invalid identifier: Identifier is for cluster {own}. Your cluster is {cluster['clusterName']}")
        return self._tasks.get(reference)

    def _visible(self, task):
        moment = time.monotonic()
        return moment >= task.visible_from and not (task.gone_at and moment >= task.gone_at)

    @staticmethod
    def _shown(task, with_tags):
        return task.data if with_tags else {**task.data, "tags": []}


def _fingerprint(params):
    return json.dumps(params, sort_keys=True)


def _matches(data, params):
    if params.get("startedBy") and data.get("startedBy") != params["startedBy"]:
        return False
    if params.get("family") and data["taskDefinitionArn"].rsplit("/", 1)[1].split(":")[0] != params["family"]:
        return False
    if params.get("launchType") and data["launchType"] != params["launchType"]:
        return False
    return not params.get("serviceName") and not params.get("containerInstance")
