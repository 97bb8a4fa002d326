"""What the end-to-end tests share: a real server, a client of its API, and looking at processes.

Everything waits for a condition with a limit, never for a fixed time. Only the standard library.
"""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FOOTMAN_BIN") or SOURCE / "build/release/bin")
# Sanitizers and a busy machine make everything slower; limits are for hanging, not for measuring.
PATIENCE = float(os.environ.get("FOOTMAN_TEST_PATIENCE") or 60)


class Failed(AssertionError):
    pass


def check(condition, message):
    if not condition:
        raise Failed(message)


def wait_until(question, what, limit=None):
    """The first true answer of question(); Failed with `what` after the limit."""
    deadline = time.monotonic() + (limit or PATIENCE)
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"waited {limit or PATIENCE:.0f} s for: {what() if callable(what) else what}")
        time.sleep(0.02)


class ApiError(Exception):
    def __init__(self, status, body):
        self.status = status
        self.body = body
        error = body.get("error", {}) if isinstance(body, dict) else {}
        self.code = error.get("code")
        super().__init__(f"{status}: {body}")


PORTS = range(12000, 32000)


def find_free_ports(host, count):
    """Below those that the kernel gives to connections: a server that is started again finds them free."""
    found = []
    for port in random.sample(PORTS, 100):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one, contextlib.suppress(OSError):
            one.bind((host.strip("[]"), port))
            found.append(port)
        if len(found) == count:
            return found
    raise Failed(f"no free ports on {host}")


class Server:
    """A `footman up` with its own data directory. Ports are chosen at the first start and kept."""

    def __init__(self, config="", name="server", host="127.0.0.1"):
        self.host = host  # where it listens
        self.certificate = None  # that the server's HTTPS must show; else it speaks HTTP
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"footman-{name}-"))
        self.data = self.folder / "data"
        self.config_file = self.folder / "footman.yaml"
        self.config_file.write_text(config)
        self.http_port, self.agent_port = find_free_ports(self.host, 2)
        self.max_open_files = None  # else what the server may have open at most
        self.process = None
        self.starts = 0

    # --- life

    def spawn(self, crash_point="", environment=None):
        """Starts the process and returns at once."""
        self.starts += 1
        env = {**os.environ, "FOOTMAN_CRASH_POINT": crash_point, **(environment or {})}
        (self.data / "server.json").unlink(missing_ok=True)
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "footman", "up", "--data", self.data, "--config", self.config_file,
                 "--listen", f"{self.host}:{self.http_port}", "--agent-listen", f"{self.host}:{self.agent_port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.folder, preexec_fn=self._limit_files)
        return self

    def _limit_files(self):
        if self.max_open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.max_open_files, self.max_open_files))

    def start(self, crash_point="", environment=None):
        self.spawn(crash_point, environment)
        try:
            self.wait_listening()
        except Failed:
            if self.starts > 1 or " is in use on " not in self.log_tail():
                raise
            # Another test was quicker to take one of its ports.
            self.http_port, self.agent_port = find_free_ports(self.host, 2)
            self.spawn(crash_point, environment)
            self.starts = 1
            self.wait_listening()
        return self

    def wait_listening(self):
        def announced():
            if self.process.poll() is not None:
                raise Failed(f"the server ended with {self.process.returncode} at its start:\n{self.log_tail()}")
            with contextlib.suppress(OSError, ValueError):
                return json.loads((self.data / "server.json").read_text())
            return None
        said = wait_until(announced, "server.json")
        self.http_port = int(said["url"].rsplit(":", 1)[1])
        self.agent_port = int(self.get("/api/v1/server")["agent_listen"][0].rsplit(":", 1)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM and a clean end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"the server did not end at SIGTERM:\n{self.log_tail()}") from None
        check(status == 0, f"the server ended with {status} at SIGTERM:\n{self.log_tail()}")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log_tail(self, size=4000):
        with contextlib.suppress(OSError):
            return (self.folder / "server.log").read_bytes()[-size:].decode(errors="replace")
        return ""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.running():
            self.kill()
        kill_processes_of(self.folder)
        if kind is None or os.environ.get("FOOTMAN_KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"kept: {self.folder}", file=sys.stderr)

    # --- API

    def token(self):
        return (self.data / "token").read_text().strip()

    def connect(self, timeout):
        if not self.certificate:
            return http.client.HTTPConnection(self.host, self.http_port, timeout=timeout)
        context = ssl.create_default_context(cafile=self.certificate)
        return http.client.HTTPSConnection(self.host, self.http_port, timeout=timeout, context=context)

    def request(self, method, path, body=None, headers=None, raw=False, token=None, timeout=None):
        connection = self.connect(timeout or PATIENCE)
        try:
            send = {"Authorization": f"Bearer {token or self.token()}", **(headers or {})}
            payload = None
            if body is not None:
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                send.setdefault("Content-Type", "application/json")
            connection.request(method, path, payload, send)
            answer = connection.getresponse()
            content = answer.read()
            if raw:
                return answer.status, dict(answer.getheaders()), content
            value = json.loads(content) if content else {}
            if answer.status >= 400:
                raise ApiError(answer.status, value)
            return value
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def patiently(self, method, path, body=None, headers=None):
        """Again and again until the server answers, as long as it lives: for what may be repeated."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.request(method, path, body, headers)
            except (OSError, http.client.HTTPException, ValueError):
                if time.monotonic() > deadline or not self.running():
                    raise
                time.sleep(0.05)

    def submit(self, script, key=None, patient=False, **spec):
        body = {"spec": {"steps": [{"script": script}], **spec}}
        headers = {"Idempotency-Key": key} if key else {}
        call = self.patiently if patient else self.request
        return call("POST", "/api/v1/builds", body, headers)["id"]

    def build(self, number):
        return self.patiently("GET", f"/api/v1/builds/{number}")

    def wait_build(self, number, limit=None):
        seen = {}

        def finished():
            seen.update(self.build(number))
            return seen["state"] == "finished"

        wait_until(finished, lambda: f"build {number} to finish; it is {seen}", limit)
        return seen

    def wait_running(self, number):
        wait_until(lambda: self.build(number)["state"] == "running", f"build {number} to run")

    def log(self, number):
        status, _, content = self.request("GET", f"/api/v1/builds/{number}/log", raw=True)
        check(status == 200, f"log of build {number}: {status}")
        return content

    def wait_log(self, number, text):
        wait_until(lambda: text in self.log(number), f"{text!r} in the log of build {number}")

    def agents(self, ended=True):
        return self.patiently("GET", f"/api/v1/agents?limit=1000&ended={'true' if ended else 'false'}")["agents"]

    def agent_of(self, number):
        return self.build(number).get("agent")

    def wait_no_agents(self, limit=None):
        wait_until(lambda: not self.agents(ended=False),
                   lambda: f"all agents to be gone; there are {self.agents(ended=False)}", limit)


# --- processes

def processes():
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def processes_of(folder):
    """Processes whose command line or environment names the folder, zombies not counted. A server's agents and their
    steps do: their work directories are below its data directory."""
    marker = os.fsencode(folder)
    found = []
    for pid in processes():
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):
            place = pathlib.Path(f"/proc/{pid}")
            text = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
            if marker in text and not is_zombie(pid):
                found.append(pid)
    return found


def is_zombie(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def kill_processes_of(folder):
    for pid in processes_of(folder):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def wait_no_processes(folder, limit=None):
    def describe():
        lines = []
        for pid in processes_of(folder):
            with contextlib.suppress(OSError):
                lines.append(f"{pid}: {pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()}")
        return "no process to be left; there are " + "; ".join(lines)

    wait_until(lambda: not processes_of(folder), describe, limit)


# --- numbered lines

def numbered(count, pause=0.0, tag="line", ledger=None):
    """A script that prints `count` numbered lines. The ledger (a file) gets one line each time the script starts."""
    begin = f"echo started >> {ledger}\n" if ledger else ""
    wait = f"sleep {pause}\n" if pause else ""
    return f"{begin}i=0\nwhile [ $i -lt {count} ]; do\n  echo \"{tag} $i\"\n  i=$((i+1))\n  {wait}done\n"


def check_numbered(log, count, tag="line", complete=True):
    found = [int(n) for n in re.findall(rb"^" + tag.encode() + rb" (\d+)\r?$", log, re.M)]
    check(found == list(range(len(found))), f"lines are lost or repeated: {found[:5]} … {found[-5:]} ({len(found)})")
    if complete:
        check(len(found) == count, f"{len(found)} lines of {count}")
    return len(found)


def crash_points():
    """Every named crash point: those of the list in the runtime, and two around the commit of each move."""
    common = (SOURCE / "src/runtime/crash_points.hpp").read_text()
    listed = re.search(r"kCrashPoints = \{(.*?)\};", common, re.S).group(1)
    points = re.findall(r'"([a-z-]+:[a-z-]+)"', listed)
    moves = re.findall(r'"([a-z_]+)"', (SOURCE / "src/store/crash_points.hpp").read_text())
    return points + [f"{when}-commit:{move}" for move in moves for when in ("before", "after")]


class NotRun(Exception):
    """Raised by a test that lacks what nobody has to have: it is said, and fails nothing."""


def run_tests(tests=None):
    """Runs functions one after the other, without a list all that the program calls test_…, in its order; of these the
    ones that are named as arguments, or with `--part 2/3` every third one from the second on. Prints what each did; the
    closing line is for people and CI."""
    if tests is None:
        tests = [value for name, value in vars(sys.modules["__main__"]).items() if name.startswith("test_")]
    chosen = sys.argv[1:]
    if chosen[:1] == ["--part"]:
        part, parts = map(int, chosen[1].split("/"))
        tests, chosen = tests[part - 1::parts], []
    failed = 0
    not_run = 0
    ran = 0
    for test in tests:
        if chosen and test.__name__ not in chosen:
            continue
        ran += 1
        begin = time.monotonic()
        try:
            test()
            print(f"ok      {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        except NotRun as reason:
            not_run += 1
            print(f"not run {test.__name__}: {reason}", flush=True)
        except Exception as error:  # a test may fail in any way
            failed += 1
            print(f"FAILED  {test.__name__}: {error}", flush=True)
            if not isinstance(error, Failed):
                import traceback
                traceback.print_exc()
    print(f"{ran - failed - not_run} passed, {failed} failed" + (f", {not_run} not run" if not_run else ""))
    sys.exit(1 if failed or not ran else 0)
