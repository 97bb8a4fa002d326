"""One task: what DescribeTasks shows of it, and what the fake needs beside that."""
import contextlib
import os
import threading

from ..world import now, random_hex


class Task:
    """`data` is the shape of the API; it is replaced, never changed, so it may be read without a lock."""

    def __init__(self, world, data, definition, subnet, capacity, task_role):
        self._world = world
        self.data, self.definition, self.subnet, self.capacity, self.task_role = data, definition, subnet, capacity, task_role
        self.id = data["taskArn"].rsplit("/", 1)[1]
        self.address = ""
        self.vcpus = int(data["cpu"]) / 1024
        self.fault = None
        self.reclaimed = False
        self.killed = False  # no time to end by itself
        self.fixed_exit_codes = {}  # by container: what a fault says, whatever the process says
        self.visible_from = 0.0  # monotonic
        self.gone_at = 0.0
        self.ended = threading.Event()
        self.metadata_ids = {one["name"]: random_hex(32) for one in data["containers"]}
        self.credentials_id = random_hex(32)
        self.authorization = random_hex(40)
        self.credentials = None
        self.on_change = lambda task: None
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def change(self, **changes):
        """A new version of the task; its watchers are told."""
        with self._world.lock:
            self.data = {**self.data, **changes, "version": self.data["version"] + 1}
            self.on_change(self)

    def change_container(self, name, **changes):
        if "exitCode" in changes and name in self.fixed_exit_codes:
            changes["exitCode"] = self.fixed_exit_codes[name]
        with self._world.lock:
            containers = [{**one, **changes} if one["name"] == name else one for one in self.data["containers"]]
            self.data = {**self.data, "containers": containers}

    def change_health(self, name, health):
        """A new version only when it is news."""
        with self._world.lock:
            if next(one for one in self.data["containers"] if one["name"] == name)["healthStatus"] == health:
                return
            self.change_container(name, healthStatus=health)
            states = [one["healthStatus"] for one in self.data["containers"] if one["healthStatus"] != "UNKNOWN"]
            self.change(healthStatus="UNHEALTHY" if "UNHEALTHY" in states else states[0] if states else "UNKNOWN")

    def ask_to_stop(self, code, reason):
        """The first who asks wins. False when it was asked already."""
        with self._world.lock:
            if self.data["desiredStatus"] == "STOPPED":
                return False
            self.change(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason,
                        **({} if code == "TerminationNotice" else {"stoppingAt": now()}))
        self.wake()
        return True

    def asked_to_stop(self):
        return self.data["desiredStatus"] == "STOPPED"

    def stopping_began(self):
        """A Spot task that was told of its end is still running."""
        if not self.reclaimed:
            self.change(lastStatus="STOPPING", **({} if "stoppingAt" in self.data else {"stoppingAt": now()}))

    def stop_seconds(self, container):
        if self.reclaimed:
            return min(container.stop_seconds, self._world.settings.spot_notice_seconds)
        return container.stop_seconds

    @property
    def wake_fd(self):
        return self._wake

    def drain_wake(self):
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def wake(self):
        with self._world.lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def close(self):
        with self._world.lock:
            fd, self._wake = self._wake, -1
            os.close(fd)
        self.ended.set()
