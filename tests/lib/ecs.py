"""A Footman server whose agents are tasks of a fake AWS (tests/aws)."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "aws"))
from fake_aws.client import FakeAws
from footman import BIN, Server, check, find_free_ports, wait_until

CONFIG = """
agent_url: ws://{host}:{port}
insecure: true
clouds:
- name: fargate
  type: ecs
  cap: 300
  ecs:
    region: {region}
    cluster: footman
    endpoint: {{url: "{url}"}}
    log_group: /footman/agents
{cloud_more}
  templates:
  - name: small
    default: true
    labels: [linux]
    ecs:
      image: node:20
      cpu: 0.25 vCPU
      memory: 512 MiB
      subnets: [subnet-0a000001, subnet-0a000002]
      security_groups: [sg-0a000001]
      execution_role: arn:aws:iam::{account}:role/footman-execution
      task_role: arn:aws:iam::{account}:role/footman-task
      agent: {{carrier_image: footman/agent}}
{more}
"""


def own_address():
    """An address of this machine that is not loopback: agents elsewhere could not reach that."""
    for line in subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split():
        if ":" not in line:
            return line
    raise RuntimeError("this machine has no address but loopback: a container must have one")


def make_carrier(folder):
    """The root of an image that holds the agent alone. Builds that are not static need their libraries, too."""
    folder.mkdir()
    agent = BIN / "footman-agent"
    shutil.copy2(agent, folder / "footman-agent")
    needed = subprocess.run(["ldd", agent], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", needed):
        place = folder / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, place)


@contextlib.contextmanager
def calls_written():
    """At its end what all the servers of this program were granted and what they called is in the file that
    FOOTMAN_ECS_CALLS names, for ecs_policy_test.py."""
    file = os.environ.get("FOOTMAN_ECS_CALLS")
    if file:
        pathlib.Path(file).unlink(missing_ok=True)
    try:
        yield
    finally:
        if file:
            pathlib.Path(file).write_text(json.dumps({"granted": sorted(EcsServer.granted), "used": sorted(EcsServer.used)}))


class EcsServer:
    """Both together; a context manager. At its end AWS must have had nothing to complain of.

    The server may do what `footman iam-policy` prints for its configuration, and nothing else.
    """
    granted = set()  # (statement, action) of all the policies there were, as the next one
    used = set()

    def __init__(self, more="", throttling=False, events=False, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footman-ecs-"))
        make_carrier(self.folder / "carrier")
        self.aws = FakeAws(throttling=throttling, provision_seconds=0.1)
        self.aws.set(images={"footman/agent": str(self.folder / "carrier")}, **settings)
        cloud_more = ""
        if events:
            self.aws.tell("queues", name="footman-events")
            cloud_more = f"    event_queue: {self.aws.url}/{self.aws.account}/footman-events"
        host = own_address()
        port, = find_free_ports(host, 1)
        config = CONFIG.format(host=host, port=port, region=self.aws.region, url=self.aws.url,
                               account=self.aws.account, more=more, cloud_more=cloud_more)
        self.server = Server(config, "ecs", host)
        self.server.http_port = port
        self.grant()

    def grant(self, beside=False):
        """What the configuration as it is now needs; `beside`: beside what the one before needed."""
        command = [BIN / "footman", "iam-policy", self.server.config_file, "--account", self.aws.account]
        policy = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for statement in policy["Statement"]:
            self.granted.update((statement["Sid"], action) for action in statement["Action"])
        if beside:
            policy["Statement"] += self.policy["Statement"]
        self.policy = policy
        self.aws.tell("policies", principal=f"arn:aws:iam::{self.aws.account}:user/footman", document=policy)

    def note_what_was_used(self):
        for call in self.aws.calls():
            actions = [action for action, *_ in call["permissions"] if action != "sts:GetCallerIdentity"]
            self.used.update(zip(call["statements"], actions, strict=False))
            check("AccessDenied" not in str(call["result"]), call)

    def start(self, **how):
        return self.server.start(environment=self.aws.environment(), **how)

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        try:
            if kind is None:
                self.note_what_was_used()
                self.aws.check_no_violation()
        finally:
            self.aws.stop()
            self.server.__exit__(kind, *rest)
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what AWS has

    def tasks(self, alive=True):
        found = self.aws.ask("tasks")
        return [one for one in found if not alive or one["lastStatus"] != "STOPPED"]

    def calls(self, operation):
        return self.aws.ask("counts").get(f"ecs:{operation}", 0)

    def wait_no_tasks(self):
        wait_until(lambda: not self.tasks(), lambda: f"all tasks to end; there are {self.tasks()}")

    def tags(self, task):
        return {tag["key"]: tag["value"] for tag in task["tags"]}
