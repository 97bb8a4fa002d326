"""One process in a sandbox of bubblewrap: its start, its signals, its end.

The process is number 1 of a process space of its own, as in a container: SIGTERM reaches it only when it has a handler.
It dies with the thread that started it, and with the fake.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

BWRAP = os.path.realpath(shutil.which("bwrap") or "/usr/bin/bwrap")
STATUS_LIMIT = 8192
START_SECONDS = 10
# So many start at a time: more would only wait for each other, and the fake's answers for them.
STARTS = threading.BoundedSemaphore(2 * (os.cpu_count() or 1))


class Sandbox:
    """Not for several threads. `output` and `status` are descriptors to wait for; both end when the process has."""

    def __init__(self, arguments, command, environment, user, init):
        """user: (uid, gid); init: whether a small init process runs before the command (initProcessEnabled)."""
        status, status_end = os.pipe()
        output, output_end = os.pipe()
        base = [BWRAP, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--new-session",
                "--json-status-fd", str(status_end)]
        if not init:
            base.append("--as-pid-1")
        identity = {}
        if os.geteuid() == 0 and user[0] != 0:
            identity = {"user": user[0], "group": user[1], "extra_groups": []}
        elif os.geteuid() != 0 and user[0] != os.geteuid():
            base += ["--unshare-user", "--uid", str(user[0]), "--gid", str(user[1])]
        with STARTS:
            self.process = subprocess.Popen([*base, *arguments, "--", *command], stdin=subprocess.DEVNULL, stdout=output_end,
                                            stderr=output_end, pass_fds=[status_end], cwd="/", env=environment, **identity)
            os.close(status_end)
            os.close(output_end)
            self.status, self.output, self._init, self._user = status, output, init, user
            self._said = b""
            self.pid = self._read_pid()  # the container's first process, 0 when the sandbox could not be made
            self._wait_for_command()

    def _read_pid(self):
        while b"\n" not in self._said:
            if not self.read_status():
                return 0
        return json.loads(self._said.split(b"\n")[0]).get("child-pid", 0)

    def _wait_for_command(self):
        """Until bubblewrap has become the command: a signal before that would be lost."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                pid = self._command_pid()
                if pid != self.pid or not self._init:
                    if os.readlink(f"/proc/{pid}/exe") != BWRAP:
                        return
            except OSError:
                return  # it has ended already
            time.sleep(0.003)

    def read_status(self):
        """False at the end of the status: the process has ended."""
        part = os.read(self.status, STATUS_LIMIT)
        self._said += part
        return bool(part)

    def run_inside(self, command, limit):
        """Whether one more command in the same sandbox succeeds in `limit` seconds. For any thread."""
        identity = ["--user", "--preserve-credentials"] if os.geteuid() else ["--setuid", str(self._user[0]), "--setgid", str(self._user[1])]
        spaces = ["--mount", "--pid", "--ipc", "--uts"]
        try:
            done = subprocess.run(["nsenter", "--target", str(self.pid), *spaces, *identity, "--", *command], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def send(self, number):
        with contextlib.suppress(OSError):
            os.kill(self._command_pid(), number)

    def kill(self):
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
        self.process.kill()

    def _command_pid(self):
        """With an init process, what it runs: an init hands signals on."""
        if self._init:
            with contextlib.suppress(OSError, IndexError):
                return int(pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])
        return self.pid

    def finish(self):
        """After the end: the exit code, or None when the command could not be started at all."""
        self.process.wait()
        os.close(self.status)
        os.close(self.output)
        for line in self._said.split(b"\n"):
            if b"exit-code" in line:
                return json.loads(line)["exit-code"]
        # Without the line: the command was not found, or the sandbox itself was killed.
        return 128 - self.process.returncode if self.process.returncode < 0 else None
