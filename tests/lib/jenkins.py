"""fake-jenkins, the double of Jenkins on ports of this machine, and the stand-in for java. tests/jenkins/README.md describes both."""
import base64
import contextlib
import http.client
import json
import os
import subprocess
import urllib.parse

from footman import BIN, SOURCE

JAVA = SOURCE / "tests/jenkins/java"  # for PATH or a configuration: behaves as java does with an agent.jar


class FakeJenkins:
    """A Jenkins of its own; a context manager. Options are those of the command line: `quiet_seconds=0`."""

    def __init__(self, **options):
        command = [str(BIN / "fake-jenkins"), "--with-parent"]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"fake-jenkins ended with {self.process.wait()} at its start")
        self.about = json.loads(line)
        self.url, self.user, self.token = self.about["url"], self.about["user"], self.about["token"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    # --- control

    def ask(self, name):
        """GET /fake/NAME"""
        return self._control("GET", name, None)

    def tell(self, name, /, **members):
        """POST /fake/NAME"""
        return self._control("POST", name, json.dumps(members))

    def _control(self, method, name, body):
        status, _, answer = send(self.about["control_url"], method, f"/fake/{name}", body)
        value = json.loads(answer)
        if status != 200:
            raise RuntimeError(value["error"])
        return value

    def violations(self):
        return self.ask("violations")["violations"]

    def node(self, name):
        """As `state` has it, or None."""
        return next((node for node in self.ask("state")["nodes"] if node["name"] == name), None)

    def builds(self):
        return self.ask("state")["starts"]

    # --- as a client

    def rest(self, method, path, form=None, user=None, token=None):
        """(status, headers, body) with the name and token of the user with the least rights. OSError: no answer."""
        basic = base64.b64encode(f"{user or self.user}:{token or self.token}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept-Language": "en"}
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return send(self.url, method, path, body, headers)


def send(url, method, path, body=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"no answer of {method} {path}: {error}") from error
    finally:
        connection.close()


def start_agent(jar, url, secret, name, work_dir, *more, retry_seconds=0.2, stderr=None):
    """The stand-in for java as an inbound agent: a subprocess.Popen."""
    return subprocess.Popen([str(JAVA), "-XX:+UseSerialGC", "-jar", str(jar), "-url", url, "-secret", secret, "-name", name,
                             "-workDir", str(work_dir), *more], stdin=subprocess.DEVNULL, stderr=stderr,
                            env={**os.environ, "FAKE_JAVA_RETRY_SECONDS": str(retry_seconds)})


def create_form(name, labels, remote_fs="/home/jenkins"):
    """The form of doCreateItem for an inbound agent."""
    node = {"numExecutors": 1, "remoteFS": remote_fs, "labelString": labels, "mode": "EXCLUSIVE",
            "launcher": {"stapler-class": "hudson.slaves.JNLPLauncher"},
            "retentionStrategy": {"stapler-class": "hudson.slaves.RetentionStrategy$Always"}}
    return {"name": name, "type": "hudson.slaves.DumbSlave", "json": json.dumps(node)}
