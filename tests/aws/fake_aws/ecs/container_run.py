"""The containers of one task from the first start to the last end: order, health, stopping. One thread, which waits for
descriptors."""
import selectors
import signal
import time

from .container import CannotStart


class ContainerRun:
    """`task`: what asks to stop and is told what happens; see TaskLife. on_running: when all essential ones run."""

    def __init__(self, world, task, containers, hostname, on_running):
        self._world, self._task, self._hostname, self._on_running = world, task, hostname, on_running
        self._all = {one.name: one for one in containers}
        self._selector = selectors.DefaultSelector()
        self._selector.register(task.wake_fd, selectors.EVENT_READ, ("wake", None))
        self._running_told = False
        self._stop_began = False
        self.deadline = None  # monotonic: the task's fault while it runs
        self.on_deadline = lambda: None

    def run(self):
        """Returns when no container runs any more and the task is to end."""
        try:
            while True:
                self._advance()
                if self._task.asked_to_stop() and not self._of_state("RUNNING"):
                    return
                self._wait()
        finally:
            self._kill_all()
            self._selector.close()

    # --- deciding

    def _advance(self):
        if self.deadline and time.monotonic() >= self.deadline:
            self.deadline = None
            self.on_deadline()
        if not self._task.asked_to_stop():
            self._start_ready()
            self._check_health()
            self._tell_running()
        if self._task.asked_to_stop():
            self._stop()

    def _start_ready(self):
        for container in self._of_state("PENDING"):
            verdicts = [self._condition(self._all[name], condition) for name, condition in container.waits_for]
            if "never" in verdicts:
                self._task.ask_to_stop("TaskFailedToStart", f"Container ordering dependency of '{container.name}' was not met: dependency "
                                                            "graph: container ordering dependency did not exit successfully.")
                return
            if all(verdict == "met" for verdict in verdicts):
                self._start(container)
                if self._task.asked_to_stop():
                    return

    def _condition(self, other, condition):
        """met, wait, or never."""
        ended = other.state == "STOPPED"
        if condition == "START":
            return "met" if other.state != "PENDING" else "wait"
        if condition == "HEALTHY" and (ended or other.health != "UNKNOWN"):
            return "met" if other.health == "HEALTHY" and not ended else "never"
        if ended:
            return "met" if condition == "COMPLETE" or other.exit_code == 0 else "never"
        limit = self._start_limit(other)
        return "never" if limit is not None and time.monotonic() >= limit else "wait"

    def _start_limit(self, container):
        """Monotonic: until when others wait for it. None: no limit."""
        if container.state != "RUNNING" or container.start_seconds is None:
            return None
        return container.started + self._world.scaled(container.start_seconds)

    def _start(self, container):
        try:
            container.start(self._hostname)
        except CannotStart as error:
            self._failed_to_start(container, str(error))
            return
        self._selector.register(container.sandbox.status, selectors.EVENT_READ, ("status", container))
        self._selector.register(container.sandbox.output, selectors.EVENT_READ, ("output", container))
        if container.spec.get("healthCheck"):
            container.watch_health(self._world.settings.time_scale, self._task.wake)
        self._task.change_container(container.name, lastStatus="RUNNING")

    def _failed_to_start(self, container, reason):
        container.state = "STOPPED"
        self._task.change_container(container.name, lastStatus="STOPPED", reason=reason)
        self._task.ask_to_stop("TaskFailedToStart", "Task failed to start")

    def _check_health(self):
        for container in self._of_state("RUNNING"):
            self._task.change_health(container.name, container.health)
            if container.health == "UNHEALTHY" and container.essential:
                self._task.ask_to_stop("EssentialContainerExited", "Task failed container health checks")

    def _tell_running(self):
        started = all(one.state != "PENDING" for one in self._all.values() if one.essential)
        if started and not self._running_told:
            self._running_told = True
            self._on_running()

    # --- stopping

    def _stop(self):
        """Those that nobody depends on first; each gets SIGTERM, and SIGKILL when its time is up."""
        if not self._stop_began:
            self._stop_began = True
            self._task.stopping_began()
        running = self._of_state("RUNNING")
        needed = {name for one in running for name, _ in one.waits_for}
        for container in running:
            if container.kill_at is None and (container.name not in needed or self._task.killed):
                container.sandbox.send(signal.SIGTERM)
                seconds = 0 if self._task.killed else self._world.scaled(self._task.stop_seconds(container))
                container.kill_at = time.monotonic() + seconds
            elif self._task.killed:
                container.kill_at = 0
            if container.kill_at is not None and time.monotonic() >= container.kill_at:
                container.sandbox.kill()

    # --- waiting

    def _wait(self):
        deadlines = [one.kill_at for one in self._of_state("RUNNING") if one.kill_at is not None]
        if self.deadline:
            deadlines.append(self.deadline)
        if self._of_state("PENDING"):
            limits = [self._start_limit(one) for one in self._of_state("RUNNING")]
            deadlines += [limit for limit in limits if limit is not None and limit > time.monotonic()]
        timeout = max(0.005, min(deadlines) - time.monotonic()) if deadlines else None
        for key, _ in self._selector.select(timeout):
            kind, container = key.data
            if key.fd not in self._selector.get_map():
                continue  # closed by an event before it
            if kind == "wake":
                self._task.drain_wake()
            elif kind == "output" and not container.read_output():
                self._selector.unregister(key.fd)
            elif kind == "status" and not container.sandbox.read_status():
                self._selector.unregister(key.fd)
                self._ended(container)

    def _ended(self, container):
        if container.sandbox.output in self._selector.get_map():
            self._selector.unregister(container.sandbox.output)
            while container.read_output():
                pass
        try:
            container.finished()
        except CannotStart as error:
            self._failed_to_start(container, str(error))
            return
        self._task.change_container(container.name, lastStatus="STOPPED", exitCode=container.exit_code)
        if container.essential:
            self._task.ask_to_stop("EssentialContainerExited", "Essential container in task exited")

    def _kill_all(self):
        for container in self._of_state("RUNNING"):
            container.sandbox.kill()
            container.sandbox.process.wait()

    def _of_state(self, state):
        return [one for one in self._all.values() if one.state == state]
