"""One container of a task: how its definition and the overrides become a process, and what is known of it."""
import os
import pathlib
import threading
import time

from ..world import now
from .image_roots import ImageRoot
from .sandbox import Sandbox

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_STOP_SECONDS = 30
MAX_LINE = 256 * 1024


class CannotStart(Exception):
    """The reason that the container shows."""


class Container:
    """Belongs to the thread of its task's life, except for `health`, which its checker sets."""

    def __init__(self, spec, override, task_environment, volumes, image, folder, write_log):
        self.spec, self.name = spec, spec["name"]
        self.essential = spec.get("essential", True)
        self.waits_for = [(one["containerName"], one["condition"]) for one in spec.get("dependsOn", [])]
        self._override, self._task_environment, self._volumes = override, task_environment, volumes
        self._image = image
        self._root = ImageRoot(image.root, pathlib.Path(folder) / "root")
        self._write_log = write_log
        self._line = b""
        self.state = "PENDING"  # RUNNING, STOPPED
        self.health = "UNKNOWN"
        self.exit_code = None
        self.started = 0.0  # monotonic
        self.kill_at = None  # monotonic, once it was asked to stop
        self.sandbox = None
        self._stopped = threading.Event()

    @property
    def stop_seconds(self):
        return self.spec.get("stopTimeout", DEFAULT_STOP_SECONDS)

    @property
    def start_seconds(self):
        """How long others wait for what they wait for; None: as long as it takes."""
        return self.spec.get("startTimeout")

    # --- start

    def start(self, hostname):
        if not self._command():
            raise CannotStart("CannotCreateContainerError: Error response from daemon: No command specified")
        try:
            uid, gid, home = self._root.find_user(self.spec.get("user") or self._image.user or "0")
        except KeyError as error:
            raise CannotStart(f"CannotStartContainerError: Error response from daemon: {error.args[0]}") from None
        paths = [one["containerPath"] for one in self.spec.get("mountPoints", [])]
        read_only = self.spec.get("readonlyRootFilesystem", False)
        arguments = self._root.arguments(paths, read_only) + self._mounts() + ["--hostname", hostname]
        directory = self.spec.get("workingDirectory") or self._image.working_directory
        if directory:
            arguments += self._working_directory(directory, paths)
        if read_only:
            arguments += ["--remount-ro", "/", "--remount-ro", "/tmp"]
        init = self.spec.get("linuxParameters", {}).get("initProcessEnabled", False)
        self.sandbox = Sandbox(arguments, self._command(), self._environment(home, hostname), (uid, gid), init)
        self.state, self.started = "RUNNING", time.monotonic()

    def _command(self):
        """An entry point of the definition replaces the image's, and its command, too."""
        command = self._override.get("command") or self.spec.get("command")
        if self.spec.get("entryPoint"):
            return [*self.spec["entryPoint"], *(command or [])]
        return [*self._image.entrypoint, *(command or self._image.command)]

    def _mounts(self):
        arguments = []
        for mount in self.spec.get("linuxParameters", {}).get("tmpfs", []):
            arguments += ["--size", str(mount["size"] << 20), "--tmpfs", mount["containerPath"]]
        for mount in self.spec.get("mountPoints", []):
            how = "--ro-bind" if mount.get("readOnly") else "--bind"
            arguments += [how, str(self._volumes[mount["sourceVolume"]]), mount["containerPath"]]
        return arguments

    def _working_directory(self, path, mount_paths):
        """It is made when the image does not have it."""
        inside_mount = any(path == one or path.startswith(one.rstrip("/") + "/") for one in mount_paths)
        make = [] if (self._root.folder / path.lstrip("/")).is_dir() or inside_mount else ["--dir", path]
        return [*make, "--chdir", path]

    def _environment(self, home, hostname):
        environment = {"PATH": PATH, "HOME": home, "HOSTNAME": hostname, **self._image.environment, **self._task_environment}
        for variable in [*self.spec.get("environment", []), *self._override.get("environment", [])]:
            environment[variable["name"]] = variable.get("value", "")
        return environment

    # --- output

    def read_output(self):
        """False at its end."""
        part = os.read(self.sandbox.output, 65536)
        lines = (self._line + part).split(b"\n")
        self._line = lines.pop()
        if len(self._line) > MAX_LINE or (not part and self._line):
            lines.append(self._line)
            self._line = b""
        for line in lines:
            self._write_log(line.decode(errors="replace"), now())
        return bool(part)

    # --- end

    def finished(self):
        """After the sandbox's end. CannotStart when its command was never run."""
        self.exit_code = self.sandbox.finish()
        self.state = "STOPPED"
        self._stopped.set()
        if self.exit_code is None:
            raise CannotStart("CannotStartContainerError: Error response from daemon: failed to create task for container: exec: "
                              f"\"{self._command()[0]}\": executable file not found in $PATH")

    # --- health

    def watch_health(self, scale, wake):
        """Starts the checker, a thread that ends with the container."""
        check = self.spec["healthCheck"]
        threading.Thread(target=self._check_health, args=(check, scale, wake), daemon=True).start()

    def _check_health(self, check, scale, wake):
        command = check["command"][1:]
        if check["command"][0] == "CMD-SHELL":
            command = ["/bin/sh", "-c", *command]
        failed = 0
        grace = check.get("startPeriod", 0) * scale
        while not self._stopped.wait(check["interval"] * scale):
            grace -= check["interval"] * scale
            if self.sandbox.run_inside(command, check["timeout"] * max(scale, 0.2)):
                failed, self.health = 0, "HEALTHY"
            elif grace <= 0:
                failed += 1
                self.health = "UNHEALTHY" if failed >= check["retries"] else self.health
            wake()
