"""A task's life, in a thread of its own: network interface, image, containers, stop. The thread starts the containers and
outlives them, because they die with it."""
import pathlib
import select
import shutil
import threading
import time
import traceback

from ..calls import Call
from ..world import now, random_hex
from .container import Container
from .container_run import ContainerRun
from .image_roots import Image

SPOT_REASON = "Your Spot Task was interrupted."


class StartFailed(Exception):
    """Why the task stops before its containers ran."""

    def __init__(self, reason, container_reason="", stop_code="TaskFailedToStart"):
        super().__init__(reason)
        self.reason, self.container_reason, self.stop_code = reason, container_reason, stop_code


class TaskLife:
    """services: .logs (CloudWatch), .work (folder for volumes and roots), .metadata_url(task, container), .credentials_url(task)."""

    def __init__(self, world, task, services):
        self._world, self._task, self._services = world, task, services
        self._folder = pathlib.Path(services.work) / task.id
        self._host_name = ""

    def start(self):
        threading.Thread(target=self._live, name=f"task {self._task.id}", daemon=True).start()

    # --- the life

    def _live(self):
        task = self._task
        try:
            self._provision()
            self._pull()
            self._run()
        except StartFailed as failure:
            if failure.container_reason:
                task.change_container(task.data["containers"][0]["name"], reason=failure.container_reason)
            task.ask_to_stop(failure.stop_code, failure.reason)
        except Exception:  # noqa: BLE001 - a bug of the fake must not leave a task that never ends
            self._world.calls.add_violation(Call("ecs", "a task's life"), f"bug in the fake: {traceback.format_exc()}")
            task.ask_to_stop("TaskFailedToStart", "InternalError: the fake has a bug")
        self._end()

    def _provision(self):
        settings = self._world.settings
        self._pause(settings.provision_seconds)
        self._fail_as_asked("pending")
        task = self._task
        address = f"{task.subnet.cidr.rsplit('.', 1)[0]}.{4 + int(random_hex(4), 16) % 250}"
        task.address = address
        self._host_name = f"ip-{address.replace('.', '-')}.{self._world.region}.compute.internal"
        details = [("subnetId", task.subnet.id), ("networkInterfaceId", "eni-" + random_hex(17)),
                   ("macAddress", "0a:" + ":".join(random_hex(2) for _ in range(5))), ("privateDnsName", self._host_name),
                   ("privateIPv4Address", address)]
        attachment = {**task.data["attachments"][0], "status": "ATTACHED", "details": [{"name": a, "value": b} for a, b in details]}
        with self._world.lock:
            for one in task.data["containers"]:
                task.change_container(one["name"], networkInterfaces=[{"attachmentId": attachment["id"], "privateIpv4Address": address}])
            task.change(attachments=[attachment], lastStatus="PENDING", connectivity="CONNECTED", connectivityAt=now())

    def _pull(self):
        task, settings = self._task, self._world.settings
        self._check_secrets()
        self._check_log_groups()
        task.change(pullStartedAt=now())
        self._pause(settings.pull_seconds)
        for container in task.definition["containerDefinitions"]:
            self._find_image(container["image"])
        task.change(pullStoppedAt=now())

    def _find_image(self, name):
        settings = self._world.settings
        said = settings.images.get(name, "" if settings.unknown_images_exist else None)
        if said is None:
            reason = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {name}: {name}: not found"
            raise StartFailed(reason, reason)
        image = Image(said)
        architecture = self._task.definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
        if architecture not in image.architectures:
            platform = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}[architecture]
            reason = (f"CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor "
                      f"matching platform '{platform}'")
            raise StartFailed(reason, reason)
        return image

    def _check_secrets(self):
        for container in self._task.definition["containerDefinitions"]:
            for secret in container.get("secrets", []):
                if secret["valueFrom"] not in self._world.secrets:
                    raise StartFailed("ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
                                      "failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to "
                                      f"fetch secret {secret['valueFrom']} from secrets manager: ResourceNotFoundException: Secrets "
                                      "Manager can't find the specified secret.")

    def _check_log_groups(self):
        for container in self._task.definition["containerDefinitions"]:
            options = container.get("logConfiguration", {}).get("options", {})
            group = options.get("awslogs-group")
            if not group:
                continue
            if options.get("awslogs-create-group") == "true":
                self._services.logs.create_group(group)
            if not self._services.logs.has_group(group):
                raise StartFailed("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                                  "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not "
                                  "exist. : exit status 1")

    def _run(self):
        task = self._task
        volumes = {}
        for volume in task.definition["volumes"]:
            volumes[volume["name"]] = self._folder / "volumes" / volume["name"]
            volumes[volume["name"]].mkdir(parents=True)
        containers = [self._make_container(one, volumes) for one in task.definition["containerDefinitions"]]
        if not self._world.settings.run_containers:
            containers = []
        run = ContainerRun(self._world, task, containers, self._host_name.split(".")[0], self._running)
        fault = task.fault if task.fault and task.fault.stage == "running" else None
        if fault:
            run.deadline = time.monotonic() + fault.seconds
            run.on_deadline = lambda: self._stop_by_fault(fault)
        run.run()

    def _running(self):
        self._task.change(lastStatus="RUNNING", startedAt=now())

    def _end(self):
        task = self._task
        with self._world.lock:
            task.change(lastStatus="DEPROVISIONING", executionStoppedAt=now(), **({} if "stoppingAt" in task.data else {"stoppingAt": now()}))
        time.sleep(self._world.settings.deprovision_seconds)
        shutil.rmtree(self._folder, ignore_errors=True)
        with self._world.lock:
            task.subnet.free += 1
            task.gone_at = time.monotonic() + self._world.settings.stopped_visible_seconds
            for one in task.data["containers"]:
                task.change_container(one["name"], lastStatus="STOPPED")
            attachment = {**task.data["attachments"][0], "status": "DELETED"}
            code = {"stopCode": "SpotInterruption"} if task.reclaimed else {}
            task.change(attachments=[attachment], lastStatus="STOPPED", stoppedAt=now(), **code)
        if task.credentials:
            self._world.keys.remove(task.credentials.access_key_id)
        task.close()

    # --- parts

    def _pause(self, seconds):
        """Ends early when the task is asked to stop: then it never runs."""
        if not self._task.asked_to_stop():
            select.select([self._task.wake_fd], [], [], seconds)
        if self._task.asked_to_stop():
            raise StartFailed(self._task.data["stoppedReason"])

    def _fail_as_asked(self, stage):
        fault = self._task.fault
        if fault and fault.stage == stage:
            raise StartFailed(fault.reason, fault.container_reason, fault.stop_code)

    def _stop_by_fault(self, fault):
        name = next(one["name"] for one in self._task.definition["containerDefinitions"] if one.get("essential", True))
        changes = {"reason": fault.container_reason} if fault.container_reason else {}
        if fault.exit_code is not None:
            changes["exitCode"] = fault.exit_code
            self._task.fixed_exit_codes[name] = fault.exit_code
        self._task.change_container(name, **changes)
        self._task.killed = True
        self._task.ask_to_stop(fault.stop_code, fault.reason)

    def _make_container(self, spec, volumes):
        overrides = {one["name"]: one for one in self._task.data["overrides"].get("containerOverrides", [])}
        options = spec.get("logConfiguration", {}).get("options", {})
        group = options.get("awslogs-group", "")
        stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{spec['name']}/{self._task.id}"
        return Container(spec, overrides.get(spec["name"], {}), self._environment(spec), volumes, self._find_image(spec["image"]),
                         self._folder / spec["name"], self._services.logs.writer(group, stream))

    def _environment(self, spec):
        task = self._task
        environment = {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "AWS_REGION": self._world.region, "AWS_DEFAULT_REGION": self._world.region,
                       "ECS_CONTAINER_METADATA_URI_V4": self._services.metadata_url(task, spec["name"])}
        if task.task_role:
            environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self._services.credentials_url(task)
            environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = task.authorization
        for secret in spec.get("secrets", []):
            environment[secret["name"]] = self._world.secrets[secret["valueFrom"]]
        return environment
