"""Buildbot, from Debian's packages, in a folder of its own: the same builds as Footman's, measured the same way."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
WARM, ONCE = 4, 8


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def quietly(*command, **options):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


class Buildbot:
    @staticmethod
    def is_there():
        return all(shutil.which(name) for name in ("buildbot", "buildbot-worker", "twistd3"))

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footman-buildbot-"))
        self.port = str(free_port())
        self.processes = []
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        master = self.folder / "master"
        environment = {**os.environ, "PEER_PORT": self.port}
        quietly("buildbot", "create-master", "--quiet", master, env=environment)
        shutil.copy(HERE / "buildbot_master.cfg", master / "master.cfg")
        (master / "once").mkdir()
        for number in range(ONCE):
            self._create_worker(master / "once", f"once{number}")
        self._spawn(master, environment)
        wait_for(lambda: (master / "submit").exists(), "Buildbot's master", 60)
        for number in range(WARM):
            self._spawn(self._create_worker(self.folder, f"warm{number}"), environment)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(master / "submit"))
        self.answers = self.socket.makefile()

    def _create_worker(self, place, name):
        quietly("buildbot-worker", "create-worker", "--quiet", place / name, f"127.0.0.1:{self.port}", name, "secret")
        return place / name

    def _spawn(self, folder, environment):
        self.processes.append(subprocess.Popen(["twistd3", "--nodaemon", "--no_save", "--python=buildbot.tac"], cwd=folder,
                                               env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                               start_new_session=True))

    def submit(self, builder):
        self.socket.sendall(builder.encode() + b"\n")

    def wait(self, what):
        """Until the master says `line` or `end`; when that was, in seconds since 1970."""
        for answer in self.answers:
            word, when = answer.split()
            if word == what:
                return float(when)
        raise OSError("Buildbot's master ended")

    def first_line_ms(self, builder):
        begin = time.time()
        self.submit(builder)
        line = self.wait("line")
        self.wait("end")
        return (line - begin) * 1000

    def builds_a_second(self, builder, count):
        begin = time.time()
        for _ in range(count):
            self.submit(builder)
        for _ in range(count):
            end = self.wait("end")
        return count / (end - begin)


def wait_for(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come up within {seconds} s")
        time.sleep(0.05)
