#!/usr/bin/env python3
"""fake-jenkins and the stand-in for java: an agent's whole way, over both transports, and what may cut it short."""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
from footman import check, run_tests, wait_until
from jenkins import JAVA, FakeJenkins, create_form, send, start_agent

COMPUTERS = "/computer/api/json?tree=computer%5BdisplayName%2Coffline%2Cidle%2CabsoluteRemotePath%5D"


class Scene:
    """A Jenkins, one node on it with the label `linux`, and the agents that were started."""

    def __init__(self, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="fake-jenkins-test-")
        self.path = pathlib.Path(self.folder.name)
        self.jenkins = FakeJenkins(**options)
        self.agents = []

    def __enter__(self):
        self.jar = self.path / "agent.jar"
        status, _, jar = send(self.jenkins.url, "GET", "/jnlpJars/agent.jar")
        check(status == 200, "agent.jar is there for anybody")
        self.jar.write_bytes(jar)
        self.create("n-1")
        return self

    def __exit__(self, *details):
        for agent in self.agents:
            agent.kill()
            agent.wait()
        self.jenkins.__exit__(*details)
        self.folder.cleanup()

    def create(self, name):
        status, headers, _ = self.jenkins.rest("POST", "/computer/doCreateItem", create_form(name, "linux", str(self.path)))
        check((status, headers.get("Location")) == (302, "/computer/"), f"creating {name} was answered with {status}")
        _, _, xml = self.jenkins.rest("GET", f"/computer/{name}/jenkins-agent.jnlp")
        self.secret = re.search(rb"<argument>([0-9a-f]{64})</argument>", xml).group(1).decode()

    def toggle(self, name="n-1", message=""):
        check(self.jenkins.rest("POST", f"/computer/{name}/toggleOffline", {"offlineMessage": message})[0] == 302, "toggled")

    def start(self, *more, name="n-1", secret=None):
        agent = start_agent(self.jar, self.jenkins.url, secret or self.secret, name, self.path, *more, stderr=subprocess.DEVNULL)
        self.agents.append(agent)
        return agent

    def shown(self, name="n-1"):
        computers = json.loads(self.jenkins.rest("GET", COMPUTERS)[2])["computer"]
        return next((one for one in computers if one["displayName"] == name), None)

    def wait_online(self, name="n-1"):
        wait_until(lambda: self.shown(name)["absoluteRemotePath"], f"{name} is connected")

    def result(self, index=-1):
        builds = self.jenkins.builds()
        return builds and builds[index]["result"]


def single_use(*flags):
    with Scene() as scene:
        jenkins = scene.jenkins
        jenkins.tell("job", name="hello", label="linux", command=f"echo built > {scene.path}/result; sleep 0.5")
        jenkins.tell("trigger", job="hello")
        scene.toggle(message="hold")
        agent = scene.start(*flags)
        scene.wait_online()
        check(not jenkins.builds(), "a held node takes no build")
        scene.toggle()
        wait_until(jenkins.builds, "the build has begun")
        scene.toggle(message="single use")
        wait_until(lambda: scene.result() == "SUCCESS", "the build is over")
        wait_until(lambda: scene.shown()["idle"], "the node is idle")
        check((scene.path / "result").read_text() == "built\n", "the command was run")
        check(jenkins.rest("POST", "/computer/n-1/doDelete")[0] == 302, "deleted")
        check(scene.shown() is None, "the node is gone")
        check(agent.poll() is None, "the agent tries to come back for ever")
        check(not jenkins.violations(), jenkins.violations())


def test_a_single_use_agent_over_tcp():
    single_use()


def test_a_single_use_agent_over_websocket():
    single_use("-webSocket")


def test_the_agent_is_refused_until_its_node_is_there():
    with Scene() as scene:
        wrong = scene.start("-webSocket", secret="0" * 64)
        _, _, xml = scene.jenkins.rest("GET", "/computer/n-1/jenkins-agent.jnlp")
        early = scene.start(name="n-2", secret=scene.secret)
        wait_until(lambda: scene.jenkins.ask("calls").get("GET /login", 0) >= 3, "the agent with the wrong secret tries again")
        check(not scene.jenkins.node("n-1")["online"], "a wrong secret opens nothing")
        check(wrong.poll() is None and early.poll() is None, "both go on trying")
        scene.start()
        scene.wait_online()
        second = scene.start()
        wait_until(lambda: scene.jenkins.ask("calls").get("GET /tcpSlaveAgentListener", 0) >= 5, "a second one of that name tries")
        check(second.poll() is None and scene.jenkins.node("n-1")["online"], "the first one stays")


def test_without_reconnecting_a_deletion_ends_the_agent():
    with Scene() as scene:
        agent = scene.start("-noReconnect", "-webSocket")
        scene.wait_online()
        scene.jenkins.rest("POST", "/computer/n-1/doDelete")
        check(agent.wait(30) == 0, f"it ended with {agent.returncode}")


def test_results_and_stops():
    with Scene() as scene:
        jenkins = scene.jenkins
        scene.start()
        scene.wait_online()
        jenkins.tell("job", name="bad", label="linux", command="exit 3")
        jenkins.tell("trigger", job="bad")
        wait_until(lambda: scene.result() == "FAILURE", "the build failed")
        jenkins.tell("job", name="long", label="linux", command=f"trap 'touch {scene.path}/stopped; exit 1' TERM; "
                     f"touch {scene.path}/begun; while true; do sleep 0.1; done")
        jenkins.tell("trigger", job="long")
        wait_until(lambda: len(jenkins.builds()) == 2, "the long build has begun")
        wait_until((scene.path / "begun").exists, "its shell has begun")
        jenkins.tell("stop", job="long", number=1)
        wait_until(lambda: scene.result() == "ABORTED", "the build was stopped")
        wait_until((scene.path / "stopped").exists, "its shell heard of it")
        jenkins.tell("job", name="timed", label="linux", seconds=0.1, result="UNSTABLE")
        jenkins.tell("trigger", job="timed")
        wait_until(lambda: scene.result() == "UNSTABLE", "a build without a command ends by itself")


def test_a_killed_agent_fails_its_build():
    with Scene() as scene:
        agent = scene.start()
        scene.wait_online()
        scene.jenkins.tell("job", name="long", label="linux", command="sleep 5")
        scene.jenkins.tell("trigger", job="long")
        wait_until(scene.jenkins.builds, "the build has begun")
        agent.kill()
        wait_until(lambda: scene.result() == "FAILURE", "the build failed")
        check(scene.shown()["offline"] and scene.shown()["absoluteRemotePath"] is None, "the node stays, offline")


def test_a_restart_and_a_pipeline_that_goes_on():
    with Scene(starting_seconds=0.5) as scene:
        jenkins = scene.jenkins
        scene.start()
        scene.wait_online()
        go_on = scene.path / "go-on"
        jenkins.tell("job", name="pl", kind="pipeline",
                     blocks=[{"label": "linux", "command": f"while ! [ -e {go_on} ]; do sleep 0.1; done"}])
        jenkins.tell("trigger", job="pl")
        wait_until(jenkins.builds, "the block runs")
        session = jenkins.rest("GET", COMPUTERS)[1]["X-Jenkins-Session"]
        jenkins.tell("restart", clean=False, down=0.5)
        try:
            jenkins.rest("GET", COMPUTERS)
            check(False, "Jenkins is not there")
        except OSError:
            pass

        def status():
            try:
                return jenkins.rest("GET", COMPUTERS)[0]
            except OSError:
                return 0
        wait_until(lambda: status() == 503, "Jenkins starts")
        wait_until(lambda: status() == 200, "Jenkins is up")
        check(jenkins.rest("GET", COMPUTERS)[1]["X-Jenkins-Session"] != session, "the session tells of the restart")
        scene.wait_online()
        wait_until(lambda: not scene.shown()["idle"], "the pipeline has its node again")
        check(scene.result() is None, "it still runs")
        go_on.touch()
        wait_until(lambda: scene.result() == "SUCCESS", "the shell lived on, and its result counts")


def java_text(text):
    return struct.pack(">H", len(text)) + text.encode()


def java_class(name, number, fields, parent=b"\x70"):
    """A class descriptor in Java's serialization: fields are (type letter, name, type)."""
    listed = b"".join(kind + java_text(field) + of for kind, field, of in fields)
    return b"\x72" + java_text(name) + struct.pack(">Q", number) + b"\x02" + struct.pack(">H", len(fields)) + listed + b"\x78" + parent


def agent_commands():
    """What agent.jar 3345 sends when it is pinged, byte for byte but for the trace in its answer: RPCRequest getName(), Response."""
    def typed(text):
        return b"\x74" + java_text(text)
    command = java_class("hudson.remoting.Command", 1, [(b"L", "createdAt", typed("Ljava/lang/Exception;"))])
    request = java_class("hudson.remoting.Request", 1, [(b"I", "id", b""), (b"I", "lastIoId", b""), (b"L", "response", typed("Lhudson/remoting/Response;"))], command)
    rpc = java_class("hudson.remoting.RemoteInvocationHandler$RPCRequest", 1,
                     [(b"I", "oid", b""), (b"[", "arguments", typed("[Ljava/lang/Object;")), (b"L", "declaringClassName", typed("Ljava/lang/String;")),
                      (b"L", "methodName", b"\x71\x00\x7e\x00\x02"), (b"[", "types", typed("[Ljava/lang/String;"))], request)
    get_name = (b"\xac\xed\x00\x05\x73" + rpc + b"\x70" + struct.pack(">ii", 0, 0) + b"\x70" + struct.pack(">i", 2)
                + b"\x75" + java_class("[Ljava.lang.Object;", 0x90CE589F1073296C, []) + struct.pack(">i", 0)
                + typed("hudson.remoting.RemoteClassLoader$IClassLoader") + typed("getName")
                + b"\x75" + java_class("[Ljava.lang.String;", 0xADD256E7E91D7B47, []) + struct.pack(">i", 0))
    check(len(get_name) == 522, f"as long as the recorded one: {len(get_name)}")
    response = java_class("hudson.remoting.Response", 1, [(b"I", "id", b""), (b"I", "lastIoId", b""), (b"L", "exception", typed("Ljava/lang/Throwable;")),
                                                          (b"L", "returnValue", typed("Ljava/io/Serializable;"))], command)
    return get_name, b"\xac\xed\x00\x05\x73" + response + b"\x70" + struct.pack(">ii", 1, 0) + b"\x70\x70"


class RealAgent:
    """agent.jar's end of a WebSocket, as far as it takes to be connected."""

    CAPABILITY = "rO0ABXNyABpodWRzb24ucmVtb3RpbmcuQ2FwYWJpbGl0eQAAAAAAAAABAgABSgAEbWFza3hwAAAAAAAA"  # and the mask

    def __init__(self, url, name, secret):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), 30)
        self.socket.sendall((f"GET /wsagents/ HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: Hlwoa0KONZQ2dEryJcLhTg==\r\nOrigin: http://{parts.netloc}\r\nNode-Name: {name}\r\nSecret-Key: {secret}\r\n"
                             f"X-Remoting-Capability: {self.CAPABILITY}Af4=\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = self.file.readline()
        self.headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(self.file.readline, b"\r\n"))

    def frame(self):
        """The next one: (opcode, payload)."""
        first, length = self.file.read(2)
        if length == 126:
            [length] = struct.unpack(">H", self.file.read(2))
        return first & 15, self.file.read(length)

    def command(self):
        """The next one of remoting, of one chunk."""
        opcode, payload = self.frame()
        check(opcode == 2 and struct.unpack(">H", payload[:2])[0] == len(payload) - 2, f"one whole chunk: {opcode} {payload[:20]}")
        return payload[2:]

    def send(self, command, size=8192):
        for at in range(0, len(command), size):
            piece = command[at:at + size]
            more = 0x8000 if at + size < len(command) else 0
            payload = struct.pack(">H", more | len(piece)) + piece
            length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
            self.socket.sendall(b"\x82" + length + bytes(4) + payload)  # a mask of zeros is one


def test_a_real_agent_jar_is_connected_as_recorded():
    with Scene() as scene:
        agent = RealAgent(scene.jenkins.url, "n-1", scene.secret)
        check(b" 101 " in agent.status, agent.status)
        check(agent.headers["X-Remoting-Capability"] == RealAgent.CAPABILITY + "AQQ=", agent.headers)  # 0x104
        ping = agent.command()
        check(len(ping) == 776 and ping[0x14E:0x152] == struct.pack(">i", 1), f"as long as the recorded one: {len(ping)}")
        check(b"hudson.remoting.PingThread$Ping" in ping and ping.endswith(b"\x74\x00\x04ping"), ping)
        get_name, response = agent_commands()
        agent.send(get_name, size=100)
        answer = agent.command()
        check(b"hudson.remoting.Response" in answer and answer[0xD3:] == bytes(8) + b"\x70\x74\x00\x06double", f"its name, for request 0: {answer}")
        agent.send(response)
        wait_until(lambda: scene.jenkins.ask("pongs") == {"n-1": 1}, "its answer is counted")
        scene.wait_online()
        scene.jenkins.tell("job", name="timed", label="linux", seconds=0.1)
        scene.jenkins.tell("trigger", job="timed")
        wait_until(lambda: scene.result() == "SUCCESS", "a build without a command ends by itself")
        scene.jenkins.rest("POST", "/computer/n-1/doDelete")
        check(b"hudson.remoting.Channel$CloseCommand" in agent.command(), "told to close")
        check(agent.file.read()[:1] in (b"", b"\x88"), "and closed")


def test_faults():
    with Scene() as scene:
        jenkins = scene.jenkins
        jenkins.tell("fault", kind="proxy-page", path="/queue", status=504)
        status, headers, body = jenkins.rest("GET", "/queue/api/json")
        check(status == 504 and b"nginx" in body and "X-Jenkins" not in headers, f"{status} {body}")
        jenkins.tell("fault", kind="lost-answer", path="doDelete")
        try:
            jenkins.rest("POST", "/computer/n-1/doDelete")
            check(False, "the answer was lost")
        except OSError:
            pass
        check(jenkins.node("n-1") is None, "the node was deleted")
        for name, members, words in [("job", {"name": "x", "label": "("}, "no label expression"), ("job", {"nam": "x"}, "name"),
                                     ("fault", {"kind": "x"}, "kind is"), ("nothing", {}, "there is no"),
                                     ("trigger", {"job": "x"}, "no job"), ("restart", {"cleen": True}, "cleen")]:
            try:
                jenkins.tell(name, **members)
                check(False, f"{name} {members} was taken")
            except RuntimeError as error:
                check(words in str(error), f"{name} {members}: {error}")


def test_the_command_line_of_java():
    with tempfile.TemporaryDirectory() as folder:
        jar = pathlib.Path(folder) / "agent.jar"
        jar.write_bytes(b"PK")
        junk = pathlib.Path(folder) / "junk.jar"
        junk.write_text("<html>")
        for words, said in [(["-jar", "/no/such.jar"], "Unable to access jarfile"), (["-jar", junk], "Invalid or corrupt jarfile"),
                            (["--frob", "-jar", jar], "Unrecognized option: --frob"), (["-jar", jar, "-frob"], "is not a valid option"),
                            (["-jar", jar, "-url", "http://x/"], '"-secret" is required'), ([], "Usage: java")]:
            done = subprocess.run([JAVA, *words], capture_output=True, text=True, timeout=30)
            check(done.returncode == 1 and said in done.stderr, f"{words}: {done.returncode} {done.stderr}")
        check("openjdk version" in subprocess.run([JAVA, "-version"], capture_output=True, text=True).stderr, "it has a version")
    with Scene() as scene:
        secret = scene.path / "secret"
        secret.write_text(scene.secret + "\n")
        scene.start(secret=f"@{secret}")
        scene.wait_online()


if __name__ == "__main__":
    os.environ.setdefault("FOOTMAN_TEST_PATIENCE", "60")
    run_tests()
