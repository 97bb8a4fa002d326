#!/usr/bin/env python3
"""fake-jenkins and the stand-in for java: an agent's whole way, over both transports, and what may cut it short."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

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
    run_tests([test_a_single_use_agent_over_tcp, test_a_single_use_agent_over_websocket,
               test_the_agent_is_refused_until_its_node_is_there, test_without_reconnecting_a_deletion_ends_the_agent,
               test_results_and_stops, test_a_killed_agent_fails_its_build, test_a_restart_and_a_pipeline_that_goes_on,
               test_faults, test_the_command_line_of_java])
