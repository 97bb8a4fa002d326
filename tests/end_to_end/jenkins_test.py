#!/usr/bin/env python3
"""Agents for a Jenkins that is already there: the real server and agent, the double of Jenkins, the stand-in for Java."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from agent_wire import FEATURE_CREDENTIAL, FEATURE_PROOF, AgentWire, sign
from ecs import EcsServer, own_address
from footman import BIN, ApiError, NotRun, Server, check, processes_of, run_tests, wait_no_processes, wait_until
from jenkins import JAVA, FakeJenkins, send
from proxy import Proxy
from registry import make_certificate

TOKEN = {"JENKINS_TOKEN": "scaler-token"}
PREFIX = "footman-"


def config(jenkins, more="", java=JAVA.parent, templates="[{name: linux, labels: [linux], cap: 6}]"):
    variables = f"{{PATH: '{java}:/usr/bin:/bin', FAKE_JAVA_RETRY_SECONDS: '0.2'}}"
    templates = templates.replace("{name:", f"{{env: {variables}, name:")
    return (f"jenkins: [{{name: ci, url: '{jenkins.url}', user: {jenkins.user}, token: '${{env:JENKINS_TOKEN}}'{more}}}]\n"
            f"clouds: [{{name: here, type: local, templates: {templates}}}]\n")


class Scene:
    """A Jenkins and a server that gives it agents. `ledger` is told of each build by its own script."""

    def __init__(self, more="", jenkins=None, **options):
        self.stack = contextlib.ExitStack()
        self.jenkins = self.stack.enter_context(FakeJenkins(quiet_seconds=0, starting_seconds=0.5, **(jenkins or {})))
        self.server = self.stack.enter_context(Server(config(self.jenkins, more, **options), "jenkins"))
        self.ledger = self.server.folder / "ledger"
        self.go_on = self.server.folder / "go-on"

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.stack.__exit__(*details)

    def start(self, crash_point="", token=None):
        self.server.start(crash_point, token or TOKEN)
        return self

    def restart(self):
        self.server.kill()
        self.start()

    def script(self, waits=False):
        wait = f"while ! [ -e {self.go_on} ]; do sleep 0.1; done; " if waits else ""
        return f'echo "$NODE_NAME" >> {self.ledger}; {wait}true'

    def trigger(self, name="app", label="linux", waits=False, **job):
        self.jenkins.tell("job", name=name, label=label, command=self.script(waits), **job)
        return self.jenkins.tell("trigger", job=name)["item"]

    def trigger_pipeline(self, labels, waits=False):
        blocks = [{"label": label, "branch": f"b{number}", "command": self.script(waits)} for number, label in enumerate(labels)]
        self.jenkins.tell("job", name="pipe", kind="pipeline", blocks=blocks)
        self.jenkins.tell("trigger", job="pipe")

    def ran_on(self):
        return self.ledger.read_text().split() if self.ledger.exists() else []

    def wait_running(self, count=1):
        wait_until(lambda: len(self.ran_on()) == count, lambda: f"{count} builds to run; {self.describe()}")

    def metrics(self):
        return self.server.request("GET", "/metrics", raw=True)[2].decode()

    def nodes(self):
        """Of agents; placeholders are none."""
        return [one["name"] for one in self.jenkins.ask("state")["nodes"]
                if one["name"].startswith(PREFIX) and not one["name"].startswith(PREFIX + "placeholder-")]

    def read_node(self, name):
        return json.loads(self.jenkins.rest("GET", f"/computer/{name}/api/json")[2])

    def results(self):
        return [one["result"] for one in self.jenkins.builds()]

    def wait_results(self, results):
        wait_until(lambda: self.results() == results, lambda: f"the results {results}; {self.describe()}")

    def shown_nodes(self):
        return self.server.get("/api/v1/jenkins/ci")["nodes"]

    def wait_work(self, title):
        wait_until(lambda: title in [one.get("work") for one in self.shown_nodes()], lambda: f"{title} to be known: {self.shown_nodes()}")

    def wait_known(self):
        self.wait_work("app #1")

    def wait_gone(self):
        """From Jenkins, and from the server's records."""
        wait_until(lambda: not self.nodes() and not self.shown_nodes(), lambda: f"all nodes of agents to be gone; {self.describe()}")
        self.server.wait_no_agents()

    def describe(self):
        state = json.dumps(self.jenkins.ask("state"))
        return f"{state}\nran on {self.ran_on()}\n{self.server.log_tail()}"

    def check_clean(self, agents):
        """Each agent ran what it was made for, on a node of its own, and nothing is left of it anywhere."""
        self.wait_gone()
        ran_on = self.ran_on()
        check(len(ran_on) == len(set(ran_on)) == agents, f"{agents} builds on as many nodes; {self.describe()}")
        launched = {PREFIX + one["id"] for one in self.server.agents()}
        check(launched == set(ran_on), f"exactly one launch for each build: {launched} for {ran_on}; {self.describe()}")
        check(not self.jenkins.violations(), self.jenkins.violations())
        self.server.stop()
        wait_no_processes(self.server.folder)


def test_a_build_gets_an_agent_of_its_own():
    with Scene(templates="[{name: linux, labels: [linux], price: $36/h}]") as scene:
        scene.start().trigger(waits=True)
        scene.wait_running()
        [node] = scene.nodes()
        agent = node.removeprefix(PREFIX)
        shown = scene.read_node(node)
        check(pathlib.Path(shown["absoluteRemotePath"]).parent == scene.server.data / "local/here", shown)
        check(f"/ui/agents/{agent} " in shown["description"], f"the node's page leads to the agent's: {shown}")
        scene.wait_known()
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"])
        scene.wait_gone()
        story = scene.server.get(f"/api/v1/agents/{node}/explain")  # by the name in the build's log
        check(story["agent"]["end"]["reason"] == "build_finished", story["agent"])
        texts = [line["text"] for line in story["timeline"]]
        check(f"app #1 runs on node {node}." in texts and any(one.startswith("app #1 is over") for one in texts), texts)
        costs = [row["key"] for row in scene.server.get("/api/v1/costs?by=job")["rows"]]
        check(costs == ["ci:app"], costs)
        of_job = 'controller="ci",job="app"'
        wait_until(lambda: f'footman_job_builds_total{{{of_job},result="SUCCESS"}} 1\n' in scene.metrics(), "the result to be counted")
        for name in ("build_seconds", "agent_seconds", "cost_usd"):
            [amount] = [line.split()[1] for line in scene.metrics().splitlines() if line.startswith(f"footman_job_{name}_total{{{of_job}}}")]
            check(float(amount) > 0, f"{name}: {amount}")
        shown = subprocess.run([BIN / "footman", "agent", "show", agent, "--data", scene.server.data], capture_output=True, text=True, timeout=60)
        check(shown.returncode == 0 and "Had build" in shown.stdout and "app #1, " in shown.stdout and "$0." in shown.stdout, shown)
        shown = subprocess.run([BIN / "footman", "jenkins", "list", "--data", scene.server.data], capture_output=True, text=True, timeout=60)
        check(shown.returncode == 0 and "ci " in shown.stdout and "reached" in shown.stdout, shown)
        scene.check_clean(1)


def test_steps_of_a_pipeline_over_the_agent_port():
    with Scene(", connect: tcp", templates="[{name: linux, labels: [linux, big]}, {name: gpu, labels: [gpu]}]") as scene:
        scene.start().trigger_pipeline(["linux && big", "gpu"])
        scene.wait_results(["SUCCESS", "SUCCESS"])
        scene.wait_gone()
        templates = sorted(one["template"] for one in scene.server.agents())
        check(templates == ["gpu", "linux"], templates)
        scene.check_clean(2)


def test_templates_of_others_are_not_for_its_builds():
    with Scene(", templates: [gpu]", templates="[{name: linux, labels: [linux]}, {name: gpu, labels: [gpu]}]") as scene:
        scene.start().trigger("wrong", "linux")
        scene.trigger("right", "gpu")
        scene.wait_running()
        scene.wait_gone()
        check([one["template"] for one in scene.server.agents()] == ["gpu"], scene.server.agents())
        scene.server.config_file.write_text(scene.server.config_file.read_text().replace("templates: [gpu]", "templates: [gpu, linux]"))
        changes = scene.server.request("POST", "/api/v1/reload")["changes"]
        check(changes == ["jenkins ci: templates: [gpu] -> [gpu, linux]"], changes)
        scene.wait_results(["SUCCESS", "SUCCESS"])
        known = scene.server.config_file.read_text()
        ca, _ = make_certificate(scene.server.folder, ("127.0.0.1",))
        for change, told in (({"{name: ci": "{name: other"}, "the Jenkins 'other' is new"),
                             ({scene.jenkins.url: "http://127.0.0.1:1/"}, "the Jenkins 'ci' has another url"),
                             ({"user:": f"ca: {ca}, user:"}, "the Jenkins 'ci' has another ca"),
                             ({"user:": "prefix: other-, user:"}, "the Jenkins 'ci' has another prefix")):
            [(old, new)] = change.items()
            scene.server.config_file.write_text(known.replace(old, new))
            try:
                scene.server.request("POST", "/api/v1/reload")
                check(False, "that waits for a restart")
            except ApiError as error:
                check(f"{told}; it needs a restart of the server" in str(error), error)
        scene.server.config_file.write_text(known)
        scene.check_clean(2)


def test_a_wrong_token_is_told_in_one_sentence_until_it_is_right():
    with Scene() as scene:
        scene.start(token={"JENKINS_TOKEN": "scaler-tokem"}).trigger()
        seen = wait_until(lambda: [line for line in scene.server.log_tail(100_000).splitlines() if "trouble with the jenkins" in line], "the trouble")
        check(len(seen) == 1 and "401" in seen[0] and "token" in seen[0], seen)
        check("scaler-token" not in scene.server.log_tail(100_000), "the token is in no log")
        check(not scene.nodes() and not scene.server.agents(), "nothing is launched")
        scene.server.stop()
        scene.start()
        scene.wait_results(["SUCCESS"])
        scene.check_clean(1)


def test_a_killed_server_finds_its_builds_again():
    with Scene() as scene:
        scene.start().trigger(waits=True)
        scene.wait_running()
        scene.restart()
        scene.server.kill()
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"])  # a build does not need it
        scene.start()
        scene.check_clean(1)


def test_a_server_that_dies_at_any_step_launches_once():
    points = ["launch:before-call", "launch:before-fork", "launch:after-fork", "launch:after-call",
              "before-commit:save_setting", "after-commit:save_setting"]
    with Scene() as scene:
        scene.start()
        wait_until(lambda: len(scene.jenkins.ask("state")["nodes"]) >= 2, "the placeholders")
        for number, point in enumerate(points, 1):
            scene.server.stop()
            scene.start(point)
            scene.trigger(f"job{number}")
            wait_until(lambda: not scene.server.running(), f"a crash at {point}; {scene.describe()}")
            scene.start()
            wait_until(lambda: scene.results() == ["SUCCESS"] * number, lambda: f"after {point}: {scene.describe()}")
            scene.wait_gone()
        ran_on = scene.ran_on()
        check(len(set(ran_on)) == len(ran_on) == len(points), ran_on)
        check(not scene.jenkins.violations(), scene.jenkins.violations())
        scene.server.stop()
        wait_no_processes(scene.server.folder)


def await_run(scene):
    """The agent of the only build is back, and goes on with it."""
    node = scene.ran_on()[0]
    wait_until(lambda: (scene.jenkins.node(node) or {}).get("online"), lambda: f"its agent comes back: {scene.describe()}")
    scene.go_on.touch()
    scene.wait_results(["SUCCESS"])
    scene.check_clean(1)


def test_a_pipeline_goes_on_after_a_restart_of_jenkins():
    with Scene() as scene:
        scene.start().trigger_pipeline(["linux"], waits=True)
        scene.wait_running()
        scene.jenkins.tell("restart", clean=True, down=1)
        await_run(scene)


def test_a_pipeline_goes_on_when_both_die():
    with Scene() as scene:
        scene.start().trigger_pipeline(["linux"], waits=True)
        scene.wait_running()
        scene.server.kill()
        scene.jenkins.tell("restart", clean=False, down=1)
        scene.start()
        await_run(scene)


def check_all_told(scene):
    """Each build is in the story of its node's agent, each one beyond a node's first is told as one too many. Answers with jobs by node."""
    by_node = {}
    for one in scene.jenkins.builds():
        by_node.setdefault(one["node"], []).append(one["job"])
    too_many = sum(len(jobs) - 1 for jobs in by_node.values())
    told = lambda: scene.server.get("/api/v1/jenkins/ci")["violations"]
    wait_until(lambda: len(told()) == too_many, lambda: f"{too_many} builds too many to be told: {told()} of {by_node}")
    check(f'footman_jenkins_violations_total{{controller="ci"}} {too_many}\n' in scene.metrics(), "they are counted")
    for node, jobs in by_node.items():
        texts = lambda: [line["text"] for line in scene.server.get(f"/api/v1/agents/{node}/explain")["timeline"]]  # noqa: B023
        for job in jobs:
            wait_until(lambda: any(one.startswith(f"{job} #1 is over") for one in texts()), lambda: f"{job} in {texts()}")  # noqa: B023
    for job in sorted(job for jobs in by_node.values() for job in jobs if job != "pipe"):
        line = f'footman_job_builds_total{{controller="ci",job="{job}",result="SUCCESS"}} 1\n'
        wait_until(lambda: line in scene.metrics(), lambda: f"the metric of {job}")  # noqa: B023
    check(not scene.jenkins.violations(), scene.jenkins.violations())
    return by_node


def run_crowd(latency, is_single, make_job):
    """More builds than agents, all of them at once, by Jenkins' answers that take so long. make_job(scene, name)."""
    with Scene(jenkins={"latency_seconds": latency}, templates="[{name: linux, labels: [linux], cap: 3}]") as scene:
        scene.start()
        wait_until(lambda: scene.server.get("/api/v1/jenkins")["jenkins"][0]["tells_labels"], "the labels to be told")
        names = [f"job{number}" for number in range(8)]
        for name in names:
            make_job(scene, name)
        scene.jenkins.tell("trigger", jobs=names)
        scene.wait_results(["SUCCESS"] * len(names))
        scene.wait_gone()
        by_node = check_all_told(scene)
        check(not is_single or len(by_node) == len(names), f"at {latency} s each build has a node of its own: {by_node}")


# Alone on its node is what goes on for long enough that a busy machine can hold the node meanwhile.
def test_a_jenkins_whose_answers_take_long():
    for latency, seconds, is_single in ((0.05, 1, True), (0.15, 1.5, True), (0.3, 0, False)):
        run_crowd(latency, is_single, lambda scene, name: scene.jenkins.tell("job", name=name, label="linux", command=f"{scene.script()}; sleep {seconds}"))  # noqa: B023


def test_steps_of_pipelines_where_answers_take_long():
    for latency, seconds, is_single in ((0.15, 1.5, True), (0.2, 0.5, False), (0.3, 0, False)):
        step = {"label": "linux", "seconds": seconds}
        run_crowd(latency, is_single, lambda scene, name: scene.jenkins.tell("job", name=name, kind="pipeline", blocks=[step]))  # noqa: B023


def test_a_build_that_comes_before_its_node_is_held_is_not_lost():
    """Somebody opens the node during its build, and no call can hold it."""
    with Scene() as scene:
        scene.start()
        wait_until(lambda: scene.server.get("/api/v1/jenkins")["jenkins"][0]["tells_labels"], "the labels to be told")
        scene.jenkins.tell("job", name="one", label="linux", seconds=4)
        scene.jenkins.tell("job", name="two", label="linux", seconds=2)
        scene.jenkins.tell("trigger", job="one")
        scene.wait_work("one #1")
        [node] = scene.nodes()
        is_held = lambda: scene.read_node(node)["temporarilyOffline"]
        wait_until(is_held, "it to be held")
        while is_held():
            scene.jenkins.tell("clear-faults")
            scene.jenkins.rest("POST", f"/computer/{node}/toggleOffline", {}, user="admin", token="admin-token")
            scene.jenkins.tell("fault", kind="proxy-page", method="POST", path=f"{node}/toggleOffline", times=-1)
        scene.wait_results(["SUCCESS"])
        scene.jenkins.tell("trigger", job="two")
        wait_until(lambda: len(scene.results()) == 2, lambda: f"the second build: {scene.describe()}")
        scene.jenkins.tell("clear-faults")
        scene.wait_results(["SUCCESS"] * 2)
        scene.wait_gone()
        check_all_told(scene)


def test_builds_before_a_pipeline_that_comes_back_are_told():
    with Scene(templates="[{name: linux, labels: [linux], cap: 1}]") as scene:
        scene.start().trigger_pipeline(["linux"], waits=True)
        scene.wait_running()
        scene.wait_work("pipe #1")
        for number in range(6):
            scene.trigger(f"job{number}")
        scene.jenkins.tell("restart", clean=True, down=1)
        wait_until(lambda: len(scene.ran_on()) > 1 or scene.jenkins.node(scene.nodes()[0])["online"], lambda: f"a build: {scene.describe()}")
        scene.go_on.touch()
        wait_until(lambda: len(scene.results()) == 7 and all(scene.results()), lambda: f"all builds: {scene.describe()}")
        scene.wait_gone()
        check_all_told(scene)


def test_a_jenkins_that_is_detached_gets_no_more_agents():
    templates = "[{name: linux, labels: [linux], retention: {idle: 10m}, pool: {min_idle: 2}}]"
    with Scene(", templates: [linux]", templates=templates) as scene:
        scene.start()
        wait_until(lambda: sum(one["connected"] for one in scene.shown_nodes()) == 2, "two agents that are ready")
        scene.trigger(waits=True)
        scene.wait_running()
        scene.wait_work("app #1")
        shown = subprocess.run([BIN / "footman", "jenkins", "detach", "ci", "--data", scene.server.data], capture_output=True, text=True, timeout=60)
        check(shown.returncode == 0, shown)
        scene.trigger("late")
        wait_until(lambda: scene.nodes() == scene.ran_on(), lambda: f"idle agents to go: {scene.describe()}")
        check(not scene.results()[0], f"what is at work goes on: {scene.describe()}")
        scene.go_on.touch()
        wait_until(lambda: not scene.nodes(), lambda: f"it to go after its build: {scene.describe()}")
        check(scene.results() == ["SUCCESS"] and scene.server.get("/api/v1/jenkins/ci")["jenkins"]["detached"], scene.describe())


def test_many_builds_at_once_within_a_cap():
    with Scene(templates="[{name: linux, labels: [linux], cap: 5}]") as scene:
        scene.start()
        for number in range(15):
            scene.trigger(f"job{number}")
        scene.wait_results(["SUCCESS"] * 15)
        scene.check_clean(15)


def test_an_item_that_is_cancelled_leaves_nothing():
    with Scene() as scene:
        item = scene.start().trigger()
        wait_until(scene.nodes, "the node")
        scene.jenkins.tell("cancel", item=item)
        scene.wait_gone()
        check(not scene.results() and len(scene.server.agents()) == 1, scene.describe())
        check(not scene.jenkins.violations(), scene.jenkins.violations())


def test_a_node_that_somebody_deletes_ends_its_agent():
    with Scene() as scene:
        scene.start().trigger(waits=True)
        scene.wait_running()
        scene.wait_known()
        [node] = scene.nodes()
        scene.jenkins.rest("POST", f"/computer/{node}/doDelete", user="admin", token="admin-token")
        scene.wait_results(["FAILURE"])
        scene.wait_gone()
        story = scene.server.get(f"/api/v1/agents/{node}/explain")
        check("Its node was deleted in Jenkins." in story["sentence"], story["sentence"])


def test_a_token_that_is_revoked_harms_no_build_and_a_new_one_is_read():
    with Scene() as scene:
        token = scene.server.folder / "token"
        token.write_text("scaler-token\n")
        token.chmod(0o644)
        scene.server.folder.chmod(0o711)
        scene.server.config_file.write_text(scene.server.config_file.read_text().replace("${env:JENKINS_TOKEN}", f"file:{token}"))
        scene.start().trigger(waits=True)
        scene.wait_running()
        scene.wait_known()
        check(f"'token': every user of this machine can read {token} (mode 0644)" in scene.server.log_tail(1_000_000), scene.server.log_tail())
        scene.jenkins.tell("user", name="scaler", token="another")
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"])
        trouble = wait_until(lambda: scene.server.get("/api/v1/jenkins")["jenkins"][0]["trouble"], "the trouble")
        check("Make a new API token" in trouble, trouble)
        token.write_text("another\n")
        wait_until(lambda: not scene.server.get("/api/v1/jenkins")["jenkins"][0]["trouble"], "the new token to be used")
        scene.check_clean(1)


def test_agents_that_are_kept_ready_and_used_again():
    templates = "[{name: linux, labels: [linux], retention: {idle: 10m, builds: 2}, pool: {min_idle: 1}}]"
    with Scene(", templates: [linux]", templates=templates) as scene:
        scene.start()
        wait_until(lambda: any(one["connected"] for one in scene.shown_nodes()), "an agent that is ready")
        ready = scene.nodes()
        for number in range(1, 3):
            scene.trigger(f"job{number}")
            scene.wait_results(["SUCCESS"] * number)
        check(scene.ran_on()[0] in ready, f"nothing was launched for the first build: {scene.ran_on()} {ready}")
        check(not scene.jenkins.violations(), scene.jenkins.violations())


def test_an_agent_that_dies_leaves_a_note_and_no_process():
    with Scene() as scene:
        scene.start().trigger(waits=True)
        scene.wait_running()
        [node] = scene.nodes()
        scene.wait_known()
        agents = [pid for pid in processes_of(scene.server.data / "local") if pid != scene.server.process.pid]
        for pid in agents:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        scene.wait_results(["FAILURE"])
        scene.server.wait_no_agents()
        check(scene.read_node(node)["offlineCauseReason"].startswith("Footman: "), scene.read_node(node))
        check(len(scene.server.agents()) == 1, "no second launch")


def test_a_jenkins_behind_tls_of_an_authority_of_its_own():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="footman-jenkins-ca-"))
        certificate, key = make_certificate(pathlib.Path(folder), ("127.0.0.1",))
        scene = stack.enter_context(Scene(f", ca: {certificate}"))
        front = Proxy(int(scene.jenkins.url.rsplit(":", 1)[1].rstrip("/")), (certificate, key))
        stack.callback(front.close)
        written = scene.server.config_file.read_text()
        scene.server.config_file.write_text(written.replace(scene.jenkins.url, f"https://127.0.0.1:{front.port}/"))
        scene.start().trigger()
        scene.wait_results(["SUCCESS"])
        scene.check_clean(1)
        check(front.accepted > 2, "nobody goes round it")
        scene.server.config_file.write_text(scene.server.config_file.read_text().replace(f", ca: {certificate}", ""))
        scene.start()
        trouble = wait_until(lambda: scene.server.get("/api/v1/jenkins")["jenkins"][0]["trouble"], "the trouble")
        wait_until(lambda: "certificate" in scene.server.get("/api/v1/jenkins")["jenkins"][0]["trouble"], trouble)


def test_a_real_agent_jar():
    java, jar = shutil.which("java"), os.environ.get("FOOTMAN_AGENT_JAR")
    if not java or not jar:
        raise NotRun("there is no java" if jar else "FOOTMAN_AGENT_JAR names no agent.jar")
    with Scene(java=pathlib.Path(java).parent, jenkins={"agent_jar": jar}) as scene:
        scene.start()
        scene.jenkins.tell("job", name="app", label="linux", seconds=3)
        scene.jenkins.tell("trigger", job="app")
        [node] = wait_until(lambda: list(scene.jenkins.ask("pongs")), lambda: f"the agent to answer a ping; {scene.describe()}")
        wait_until(lambda: (scene.jenkins.node(node) or {}).get("online"), "its node to be open")
        scene.wait_results(["SUCCESS"])
        scene.wait_gone()
        [agent] = scene.server.agents()
        check(PREFIX + agent["id"] == node and agent["end"]["reason"] == "build_finished", agent)
        check(not scene.jenkins.violations(), scene.jenkins.violations())
        scene.server.stop()
        wait_no_processes(scene.server.folder)


ON_ECS = """  - name: injected
    extends: small
    default: false
    labels: [injected]
    env: {{PATH: '{path}', FAKE_JAVA_RETRY_SECONDS: '0.2'}}
  - {{name: plain, extends: injected, labels: [plain], ecs: {{task_role: ~}}}}
  - name: stock
    extends: injected
    labels: [stock]
    ecs: {{image: jenkins/inbound-agent, task_role: ~, agent: {{delivery: image, carrier_image: ~}}}}
jenkins:
- {{name: ci, url: '{url}', insecure: true, user: scaler, token: "${{env:JENKINS_TOKEN}}", work_folder: /tmp/agent, templates: [injected, plain, stock]{more}}}
"""
# What the entry point of Jenkins' image makes of its variables, as far as it is needed here.
ENTRY_POINT = """#!/bin/sh
exec java $JENKINS_JAVA_OPTS -jar {jar} -url "$JENKINS_URL" -secret "$JENKINS_SECRET" -name "$JENKINS_AGENT_NAME" -workDir /tmp/agent -webSocket "$@"
"""


class EcsScene:
    """A Jenkins and a server that gives it agents on ECS."""

    def __init__(self, tls=False, **settings):
        """With `tls` Jenkins stands behind a proxy whose certificate is the second one of the `ca`."""
        self.stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.jenkins = stack.enter_context(FakeJenkins(quiet_seconds=0, host=own_address()))
            # Containers see this machine's folders but /tmp.
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
            folder.chmod(0o755)
            shutil.copy2(JAVA, folder / "java")
            jar = folder / "agent.jar"
            jar.write_bytes(send(self.jenkins.url, "GET", "/jnlpJars/agent.jar")[2])
            entry_point = folder / "jenkins-agent"
            entry_point.write_text(ENTRY_POINT.format(jar=jar))
            entry_point.chmod(0o755)
            path = f"{folder}:{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"
            url, more = self.jenkins.url, ""
            if tls:
                (other, _), (certificate, key) = (make_certificate(folder, (name,)) for name in ("other", own_address()))
                (folder / "ca.pem").write_text(other.read_text() + certificate.read_text())
                front = Proxy(int(url.rsplit(":", 1)[1].rstrip("/")), (certificate, key), own_address())
                stack.callback(front.close)
                url, more = f"https://{own_address()}:{front.port}/", f", ca: {folder / 'ca.pem'}"
            os.environ.update(TOKEN)  # EcsServer reads the configuration, too
            self.ecs = stack.enter_context(EcsServer(ON_ECS.format(path=path, url=url, more=more), **settings))
            self.stack = stack.pop_all()
        self.aws, self.server = self.ecs.aws, self.ecs.server
        self.aws.set(images={**self.aws.ask("settings")["images"], "jenkins/inbound-agent": {"entrypoint": [str(entry_point)]}})

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.stack.__exit__(*details)

    def trigger(self, label, command="uname -s"):
        self.jenkins.tell("job", name=label, label=label, command=command)
        self.jenkins.tell("trigger", job=label)

    def secrets(self):
        """Of the nodes of agents that there are, by node."""
        found = {}
        for one in self.jenkins.ask("state")["nodes"]:
            name = one["name"]
            if name.startswith(PREFIX) and not name.startswith(PREFIX + "placeholder-"):
                status, _, body = self.jenkins.rest("GET", f"/computer/{name}/jenkins-agent.jnlp")
                if status == 200:
                    found[name] = re.search(rb"<argument>([0-9a-f]{64})</argument>", body).group(1).decode()
        return found

    def wait_results(self, count):
        wait_until(lambda: [one["result"] for one in self.jenkins.builds()] == ["SUCCESS"] * count,
                   lambda: f"{count} builds; {self.jenkins.ask('state')}\n{self.ecs.tasks(alive=False)}\n{self.server.log_tail(8000)}")

    def sent(self):
        """All that AWS was told, and tells."""
        return json.dumps([self.aws.calls("ecs"), self.aws.ask("tasks"), self.aws.ask("definitions")])

    def check_clean(self, builds):
        self.server.wait_no_agents()
        self.ecs.wait_no_tasks()
        check(len(self.server.agents()) == builds, f"one launch for each build: {self.server.agents()}")
        check(not self.jenkins.violations(), self.jenkins.violations())


def test_agents_on_ecs_injected_and_in_jenkins_own_image():
    with EcsScene() as scene:
        scene.ecs.start()
        for label in ("injected", "plain", "stock"):
            scene.trigger(label, "sleep 3; uname -s")
        secrets = wait_until(lambda: len(scene.secrets()) == 3 and scene.secrets(), "three nodes")
        scene.wait_results(3)
        scene.check_clean(3)
        templates = {PREFIX + one["id"]: one["template"] for one in scene.server.agents()}
        check(sorted(templates.values()) == ["injected", "plain", "stock"], templates)
        secret_of = {template: secrets[node] for node, template in templates.items()}

        sent = scene.sent()
        check("scaler-token" not in sent and "SECRET" not in json.dumps(scene.aws.ask("definitions")), "no secret in a definition")
        for template, is_there in (("injected", False), ("plain", False), ("stock", True)):
            check((secret_of[template] in sent) == is_there, f"the secret of the node of '{template}' in what AWS was told: {not is_there}")
        calls = {{tag["key"]: tag["value"] for tag in call["params"]["tags"]}["footman:template"]: json.dumps(call)
                 for call in scene.aws.calls("ecs", "RunTask")}
        check("SECRET" not in calls["injected"] and "FOOTMAN_AGENT_PROOF" in calls["injected"], calls["injected"])
        check("FOOTMAN_AGENT_SECRET" in calls["plain"] and "JENKINS_SECRET" not in calls["plain"], calls["plain"])
        check("JENKINS_SECRET" in calls["stock"], calls["stock"])
        check(len(scene.aws.calls("sts", "GetCallerIdentity")) == 1, "one proof")
        # Nor is it anywhere in what is ours.
        told = scene.server.log_tail(10**7) + json.dumps([scene.server.agents(), scene.server.get("/api/v1/jenkins/ci")])
        scene.server.stop()
        files = b"".join(path.read_bytes() for path in scene.server.data.rglob("*") if path.is_file())
        for template, secret in secret_of.items():
            check(secret not in told and secret.encode() not in files, f"the secret of the node of '{template}' is kept")


def test_agents_on_ecs_trust_the_authorities_of_their_jenkins():
    with EcsScene(tls=True) as scene:
        scene.ecs.start()
        for label in ("plain", "stock"):
            scene.trigger(label)
        scene.wait_results(2)
        scene.check_clean(2)
        scene.server.stop()


def test_a_secret_for_jenkins_is_given_to_its_own_task_alone():
    with EcsScene(run_containers=False) as scene:  # this test is the agent
        server = scene.ecs.start()
        scene.trigger("injected")
        (task,) = wait_until(scene.ecs.tasks, "a task")
        agent, task_id = scene.ecs.tags(task)["footman:agent"], task["taskArn"].rsplit("/", 1)[1]
        wait_until(lambda: server.get(f"/api/v1/agents/{agent}").get("handle"), "the handle")
        secret = f"secret {scene.secrets()[PREFIX + agent]}"
        build = server.submit("true")
        own_agent = wait_until(lambda: server.build(build).get("agent") or next(
            (one["id"] for one in server.agents() if one["id"] != agent), None), "the agent of a build of Footman's own")
        [own_task] = wait_until(lambda: [one for one in scene.ecs.tasks() if scene.ecs.tags(one)["footman:agent"] == own_agent], "its task")
        wait_until(lambda: server.get(f"/api/v1/agents/{own_agent}").get("handle"), "its handle")
        key = os.urandom(32)

        def keys(role="footman-task", session=task_id, **more):
            return scene.aws.tell("keys", role=role, session=session, **more)

        def ask(credentials, session_key=key, who=agent, features=FEATURE_PROOF | FEATURE_CREDENTIAL):
            with AgentWire(server.host, server.http_port, who, session_key=session_key, features=features) as wire:
                return wire.prove(sign(credentials, scene.aws.url + "/", scene.aws.region, wire.bind(wire.challenge())))

        for what, answer in [
                ("of a task of another installation", lambda: ask(keys(session="0" * 32))),
                ("of the task of another agent here", lambda: ask(keys(session=own_task["taskArn"].rsplit("/", 1)[1]))),
                ("of another role", lambda: ask(keys(role="footman-server"))),
                ("that has expired", lambda: ask(keys(seconds=-1))),
                ("of an agent that works for Footman itself",
                 lambda: ask(keys(session=own_task["taskArn"].rsplit("/", 1)[1]), who=own_agent)),
                ("for a session", lambda: ask(keys(), features=FEATURE_PROOF))]:
            said = answer()
            check(said == "bad_secret", f"a proof {what}: {said}")
        scene.aws.tell("clear-violations")  # the one that had expired

        def refused():
            lines = server.request("GET", "/metrics", raw=True)[2].decode().splitlines()
            return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("footman_agent_refused_total"))

        check(refused() == 6, "each of them is counted")
        check(ask(keys()) == secret, "its own proof")
        check(ask(keys(), session_key=os.urandom(32)) == "bad_secret", "another process of the same task, later")
        check(refused() == 7, "it is counted")
        server.kill()
        scene.ecs.start()
        with AgentWire(server.host, server.http_port, agent, session_key=key, connection=2,
                       features=FEATURE_PROOF | FEATURE_CREDENTIAL) as wire:
            check(wire.verdict() == secret, "the same key gets it again, without a proof, and from a server that was started anew")
        check(ask(keys(), session_key=os.urandom(32)) == "bad_secret", "another process, later still")
        server.stop()


def test_a_server_that_dies_while_a_secret_is_fetched():
    with EcsScene() as scene:
        for number, (point, label) in enumerate([("session:before-credential", "injected"), ("launch:after-call", "plain"),
                                                 ("session:before-credential", "plain")], 1):
            server = scene.ecs.start(crash_point=point)
            scene.trigger(label)
            wait_until(lambda: not server.running(), lambda: f"a crash at {point}: {server.log_tail()}")  # noqa: B023
            scene.ecs.start()
            scene.wait_results(number)
            scene.check_clean(number)
            server.stop()
        check(scene.ecs.calls("RunTask") >= 3 and len(scene.ecs.tasks(alive=False)) == 3, "one task for each build")


def test_a_server_that_is_away_when_a_secret_is_fetched():
    with EcsScene() as scene:
        server = scene.ecs.start()
        scene.aws.set(provision_seconds=3)
        scene.trigger("injected")
        wait_until(scene.ecs.tasks, "a task")
        server.kill()
        wait_until(lambda: scene.ecs.tasks()[0]["lastStatus"] == "RUNNING", "its agent to start")
        scene.ecs.start()
        scene.wait_results(1)
        scene.check_clean(1)
        server.stop()


if __name__ == "__main__":
    run_tests()
