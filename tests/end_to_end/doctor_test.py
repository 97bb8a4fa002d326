#!/usr/bin/env python3
"""footman doctor and footman cloud discover: the real program on a fake AWS, a double of Jenkins and this machine, with each thing that can be
wrong."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "aws"))
from fake_aws.client import FakeAws
from footman import BIN, Server, check, run_tests, wait_until
from jenkins import JAVA, FakeJenkins

ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
CONFIG = """
listen: 127.0.0.1:0
agent_listen: 127.0.0.1:0
agent_url: {agent_url}
hosts: [192.0.2.1]
insecure: true
clouds:
- name: fargate
  type: ecs
  cap: 10
  ecs: {{region: {region}, cluster: {cluster}, endpoint: {{url: "{url}"}}, log_group: /footman/agents{queue}}}
  templates:
  - name: small
    default: true
    labels: [linux]
    ecs:
      image: "{image}/builds:20"
      cpu: 1 vCPU
      memory: 2 GiB
      subnets: [{subnets}]
      assign_public_ip: true
      security_groups: [{group}]
      execution_role: arn:aws:iam::123456789012:role/footman-execution
      task_role: arn:aws:iam::123456789012:role/{task_role}
      agent: {{carrier_image: "{image}/agent:1"}}
      volumes: [{{name: cache, efs: {{file_system: fs-01234567}}}}]
      mounts: [{{volume: cache, path: /cache}}]
{more}
"""
TASKS = "ecs-tasks.amazonaws.com"
SERVER_GROUP = "sg-0a00000f"  # of what agents connect to


class Place:
    """A fake AWS in which all is well, and a configuration for it; a context manager."""

    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footman-doctor-"))
        self.aws = FakeAws(throttling=False)
        self.aws.set(check_answers=True, **settings)
        for name in ("builds", "agent"):
            self.aws.tell("repositories", name=name, tags={"20": f"sha256:{'1' * 64}", "1": f"sha256:{'2' * 64}"}, architectures=["amd64"])
        self.aws.tell("file-systems", id="fs-01234567", name="cache")
        self.aws.tell("security-groups", id=SERVER_GROUP, vpc="vpc-0a000001", name="server", ingress=[rule("10.0.0.0/16", 8080)])
        self.aws.tell("network-interfaces", address="192.0.2.1", groups=[SERVER_GROUP])
        self.config = self.folder / "footman.yaml"
        self.write()

    def write(self, **changes):
        values = {"agent_url": "ws://192.0.2.1:8080", "region": self.aws.region, "cluster": "footman", "url": self.aws.url, "image": IMAGE,
                  "subnets": "subnet-0a000001, subnet-0a000002", "group": "sg-0a000001", "task_role": "footman-task", "queue": "", "more": "", **changes}
        if values["queue"]:
            values["queue"] = f", event_queue: {self.aws.url}/{ACCOUNT}/{values['queue']}"
        self.config.write_text(CONFIG.format(**values))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.aws.check_no_violation()
        finally:
            self.aws.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def footman(self, *words, environment=None):
        env = {**os.environ, **(self.aws.environment() if environment is None else environment), "HOME": str(self.folder)}
        return subprocess.run([BIN / "footman", *words], env=env, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def doctor(self, *words, **how):
        """(exit code, findings)"""
        done = self.footman("doctor", self.config, "--data", self.folder / "data", "--json", *words, **how)
        check(done.stdout, done)
        told = json.loads(done.stdout)
        check(told["ok"] == (done.returncode == 0), done)
        return done.returncode, told["findings"]

    def grant(self, *policies):
        document = {"Version": "2012-10-17", "Statement": [one for policy in policies for one in policy["Statement"]]}
        self.aws.tell("policies", principal=f"arn:aws:iam::{ACCOUNT}:user/footman", document=document)

    def policy(self, *words):
        return json.loads(self.footman("iam-policy", self.config, "--account", ACCOUNT, *words).stdout)


def not_ok(findings):
    return [one for one in findings if one["state"] != "ok"]


def test_an_account_in_which_all_is_well():
    with Place() as place:
        code, findings = place.doctor()
        check(code == 0 and not not_ok(findings), not_ok(findings))
        of_cloud = [one["check"] for one in findings if one["of"] == "cloud fargate"]
        for name in ("credentials", "region", "clock", "permissions", "cluster", "subnets", "route-out", "security-groups", "network-acl", "agent-address",
                     "server-ingress", "task-role", "execution-role", "execution-rights", "log-group", "image", "quota", "file-system"):
            check(name in of_cloud, f"{name} of {of_cloud}")
        check([one["check"] for one in findings if one["of"] == "server"] == ["configuration", "data-directory", "ports", "ports"], findings)
        place.aws.tell("queues", name="events")
        place.write(queue="events")
        code, findings = place.doctor()
        check(code == 0 and "event-queue" in [one["check"] for one in findings] and not not_ok(findings), not_ok(findings))
        people = place.footman("doctor", place.config)
        check(people.returncode == 0 and "\ncloud fargate\n" in people.stdout, people)
        check("arn:aws:iam::123456789012:user/footman" in people.stdout, people)
        check(place.aws.tasks() == [], "nothing is launched")
        check(not (place.folder / "data").exists(), "nothing is made")


def plant_nothing(place):
    pass


def existing(definition):
    """A template of it."""
    return ("  - {name: theirs, labels: [theirs], ecs: {task_definition: '%s', container_name: build, subnets: [subnet-0a000001], assign_public_ip: true, "
            "security_groups: [sg-0a000001], task_role: 'arn:aws:iam::123456789012:role/footman-task', cpu: 1 vCPU, memory: 2 GiB, "
            "agent: {delivery: image}}}" % definition)


def register(place, container):
    """A task definition of others."""
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "/theirs", "awslogs-region": place.aws.region, "awslogs-stream-prefix": "a"}}
    place.aws.botocore_client("ecs").register_task_definition(
        family="theirs", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="1024", memory="2048",
        executionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/footman-execution",
        containerDefinitions=[{"name": container, "image": f"{IMAGE}/builds:19", "logConfiguration": log}])


# What is planted, how the configuration differs, and what must be found of it: state, check, a part of the text or the advice.
FAULTS = [
    ("unknown subnet", plant_nothing, {"subnets": "subnet-0a000001, subnet-0afffff1"}, "failed", "subnets", "no subnet subnet-0afffff1"),
    ("a full subnet", lambda p: p.aws.tell("subnets", id="subnet-0a000001", free=0), {}, "warning", "subnets", "subnet-0a000001"),
    ("all subnets full", lambda p: [p.aws.tell("subnets", id=f"subnet-0a00000{i}", free=0) for i in (1, 2)], {}, "failed", "subnets",
     "no subnet of the template 'small' has a free address"),
    ("subnets of two networks", plant_nothing, {"subnets": "subnet-0a000001, subnet-0b000001"}, "failed", "subnets", "several networks"),
    ("no way out", lambda p: p.aws.tell("subnets", id="subnet-0a000001", way_out="none"), {}, "failed", "route-out",
     "subnet-0a000001 has no route out"),
    ("the main table leads nowhere", lambda p: p.aws.tell("subnets", id="subnet-0a000001", way_out="main"), {}, "failed", "route-out",
     "subnet-0a000001 has no route out"),
    ("a black hole", lambda p: p.aws.tell("subnets", id="subnet-0a000001", way_out="blackhole"), {}, "failed", "route-out", "black hole"),
    ("unknown cluster", plant_nothing, {"cluster": "footmann"}, "failed", "cluster", "there is 'footman'"),
    ("cluster of another region", plant_nothing, {"cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/elsewhere"}, "failed", "cluster",
     "there is no cluster"),
    ("an inactive cluster", lambda p: p.aws.tell("clusters", name="footman", status="INACTIVE"), {}, "failed", "cluster", "INACTIVE"),
    ("no Spot in the cluster", lambda p: p.aws.tell("clusters", name="footman", providers=["FARGATE"]),
     {"more": "  - {name: spot, extends: small, default: false, labels: [spot], ecs: {capacity: FARGATE_SPOT}}"}, "failed", "capacity",
     "FARGATE_SPOT, which the template 'spot' uses"),
    ("unknown group", plant_nothing, {"group": "sg-0afffff1"}, "failed", "security-groups", "no security group sg-0afffff1"),
    ("a group of another network", plant_nothing, {"group": "sg-0b000001"}, "failed", "security-groups", "is in vpc-0b000002"),
    ("a closed group", lambda p: p.aws.tell("security-groups", id="sg-0a000001", egress=[rule("0.0.0.0/0", 443)]), {}, "failed",
     "agent-address", "does not let agents out to 192.0.2.1:8080"),
    ("an agent address elsewhere", lambda p: p.aws.tell("security-groups", id="sg-0a000001",
                                                        egress=[rule("10.0.0.0/8", 8080), rule("0.0.0.0/0", 443)]), {}, "failed",
     "agent-address", "192.0.2.1"),
    ("an ACL that lets nothing out", lambda p: p.aws.tell("network-acls", subnet="subnet-0a000001", entries=[
        [100, True, "allow", "0.0.0.0/0", "6", [443, 443]], [100, False, "allow"]]), {}, "failed", "network-acl",
     "of subnet-0a000001 does not let agents out to 192.0.2.1:8080"),
    ("an ACL that lets no answer in", lambda p: p.aws.tell("network-acls", subnet="subnet-0a000001", entries=[
        [100, True, "allow"], [90, False, "deny", "0.0.0.0/0", "6", [50000, 50001]], [100, False, "allow"]]), {}, "failed", "network-acl",
     "of subnet-0a000001 does not let the answers of 192.0.2.1:8080"),
    ("a closed server", lambda p: p.aws.tell("security-groups", id=SERVER_GROUP, ingress=[]), {}, "failed", "server-ingress",
     "does not let the agents of 'small' in at port 8080"),
    ("a server that only this machine reaches", plant_nothing, {"agent_url": "ws://198.51.100.9:8080"}, "warning", "configuration",
     "with 1 warning"),
    ("a server elsewhere", plant_nothing, {"agent_url": "ws://198.51.100.9:8080"}, "unchecked", "server-ingress", "198.51.100.9, so"),
    ("an execution role that may not pull", lambda p: p.aws.tell("policies", principal=f"arn:aws:iam::{ACCOUNT}:role/footman-execution", document={
        "Version": "2012-10-17", "Statement": [{"Sid": "Logs", "Effect": "Allow", "Action": ["logs:*"], "Resource": ["*"]}]}), {}, "failed",
     "execution-rights", "ecr:GetDownloadUrlForLayer on arn:aws:ecr:eu-central-1:123456789012:repository/builds"),
    ("unknown task role", plant_nothing, {"task_role": "nobody"}, "failed", "task-role", "there is no role"),
    ("a task role of others", lambda p: p.aws.tell("roles", name="shared", trusts=[TASKS, f"arn:aws:iam::{ACCOUNT}:root"]),
     {"task_role": "shared"}, "failed", "task-role", f"may also be assumed by arn:aws:iam::{ACCOUNT}:root"),
    ("a task role not for ECS", lambda p: p.aws.tell("roles", name="ec2", trusts=["ec2.amazonaws.com"]), {"task_role": "ec2"}, "failed",
     "task-role", "does not trust ecs-tasks.amazonaws.com"),
    ("no queue of events", plant_nothing, {"queue": "nothing"}, "failed", "event-queue", "there is no queue"),
    ("a queue that no event comes to", lambda p: p.aws.tell("queues", name="silent", task_events=False), {"queue": "silent"}, "warning",
     "event-queue", "does not let events.amazonaws.com write to it"),
    ("no log group", plant_nothing, {"url": None}, "failed", "log-group", "/footman/agentz"),
    ("no such task definition", plant_nothing, {"more": existing("theirs:3")}, "failed", "task-definition",
     "the task definition theirs:3 of the template 'theirs' is not there"),
    ("a task definition without that container", lambda p: register(p, "nowhere"), {"more": existing("theirs")}, "failed", "task-definition",
     "has no container 'build'"),
    ("a task definition for EC2 alone", lambda p: p.aws.botocore_client("ecs").register_task_definition(
        family="theirs", containerDefinitions=[{"name": "build", "image": f"{IMAGE}/builds:20", "memory": 128}]),
     {"more": existing("theirs")}, "failed", "task-definition", "is not for FARGATE"),
    ("a task definition whose image is not there", lambda p: register(p, "build"), {"more": existing("theirs")}, "failed", "image", "builds:19"),
    ("a task definition whose log group is not there", lambda p: register(p, "build"), {"more": existing("theirs")}, "failed", "log-group", "/theirs"),
    ("unknown image", plant_nothing, {"image": IMAGE + "/more"}, "failed", "image", "there is no image"),
    ("an image for another machine", lambda p: p.aws.tell("repositories", name="agent", tags={"1": f"sha256:{'3' * 64}"},
                                                          architectures=["arm64"]), {}, "failed", "image", "is for ARM64"),
    ("no quota", lambda p: p.aws.set(vcpu_quota={"FARGATE": 0.5}), {}, "failed", "quota", "0 agents of 1 vCPU"),
    ("a cap above the quota", lambda p: p.aws.set(vcpu_quota={"FARGATE": 6.0}), {}, "warning", "quota", "the cloud's cap allows 10"),
    ("a wrong clock", lambda p: p.aws.set(clock_offset_seconds=-200), {}, "warning", "clock", "ahead of AWS'"),
    ("a very wrong clock", lambda p: p.aws.set(clock_offset_seconds=3600), {}, "warning", "clock", "behind AWS'"),
    ("no file system", lambda p: p.aws.set(), {"more": "  - {name: lost, extends: small, default: false, labels: [lost], "
                                               "ecs: {volumes: [{name: cache, efs: {file_system: fs-0fffffff}}]}}"}, "failed", "file-system",
     "fs-0fffffff"),
    ("another account", plant_nothing, {"cluster": "arn:aws:ecs:eu-central-1:999999999999:cluster/footman"}, "failed", "credentials",
     "999999999999"),
]


def rule(cidr, port):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}], "UserIdGroupPairs": [], "Ipv6Ranges": [],
            "PrefixListIds": []}


def test_each_fault_is_found_and_named_with_what_to_do():
    for name, plant, changes, state, kind, text in FAULTS:
        with Place() as place:
            plant(place)
            if "url" in changes:  # not of the template
                place.config.write_text(place.config.read_text().replace("/footman/agents", "/footman/agentz"))
            else:
                place.write(**changes)
            code, findings = place.doctor()
            found = [one for one in not_ok(findings) if (one["state"], one["check"]) == (state, kind) and text in one["text"]]
            check(len(found) >= 1, f"{name}: {not_ok(findings)}")
            check(all(one.get("advice") for one in found), f"{name}: no advice: {found}")
            check(code == (1 if any(one["state"] == "failed" for one in findings) else 0), f"{name}: {code}")


def test_with_the_rights_of_the_server_alone_the_rest_says_what_it_lacks():
    with Place() as place:
        server = place.policy()
        place.grant(server)
        code, findings = place.doctor()
        check(code == 0, not_ok(findings))
        lacks = {one["permission"] for one in findings if one["state"] == "unchecked"}
        check(lacks == {"iam:SimulatePrincipalPolicy", "ecs:DescribeClusters", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups",
                        "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "iam:GetRole", "logs:DescribeLogGroups", "ecr:BatchGetImage", "servicequotas:GetServiceQuota",
                        "elasticfilesystem:DescribeFileSystems"}, lacks)
        check({one["state"] for one in findings if one["check"] in ("credentials", "region", "clock")} == {"ok"}, findings)
        discovered = place.footman("cloud", "discover", place.config)
        check(discovered.returncode == 0 and "the permission ec2:DescribeSecurityGroups is needed" in discovered.stderr, discovered)


def test_the_policy_of_the_doctor_has_what_is_asked_and_nothing_else():
    with Place() as place:
        server, doctor = place.policy(), place.policy("--doctor")
        place.grant(doctor, server)  # what both allow is told of the first
        code, findings = place.doctor()
        check(code == 0 and not not_ok(findings), not_ok(findings))
        place.write(cluster="nowhere")  # then the others are listed
        place.grant(place.policy("--doctor"), server)
        place.doctor()
        check(place.footman("cloud", "discover", place.config).stderr == "", "all is allowed")
        used = set()
        for call in place.aws.calls():
            check("Denied" not in call["result"] and "Unauthorized" not in call["result"], call)
            used.update(zip(call["statements"], [action for action, *_ in call["permissions"]], strict=False))
        granted = {(one["Sid"], action) for one in doctor["Statement"] for action in one["Action"]}
        check(granted - used == set(), f"granted and never asked: {sorted(granted - used)}")
        check(not {name for name, _ in used} & {one["Sid"] for one in server["Statement"]}, f"the server's own are not used: {sorted(used)}")


def test_a_missing_right_of_the_server_is_named():
    with Place() as place:
        server = place.policy()
        server["Statement"] = [one for one in server["Statement"] if one["Sid"] != "PassRolesToTasks"]
        place.grant(server, place.policy("--doctor"))
        code, findings = place.doctor()
        failed = [one for one in findings if one["state"] == "failed"]
        check(code == 1 and len(failed) == 2 and {one["check"] for one in failed} == {"permissions"}, failed)
        check("iam:PassRole on arn:aws:iam::123456789012:role/footman-task" in failed[0]["text"] + failed[1]["text"], failed)
        check("footman iam-policy" in failed[0]["advice"], failed)


def test_a_region_that_the_configuration_leaves_to_the_environment_or_the_profile():
    with Place() as place:
        place.config.write_text(place.config.read_text().replace(f"region: {place.aws.region}, ", ""))
        nothing = {**place.aws.environment(), "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        said = f"names no region: AWS_REGION and AWS_DEFAULT_REGION are not set, and there is no file {place.folder}/.aws/config"
        code, findings = place.doctor(environment=nothing)
        (one,) = [one for one in findings if one["of"] == "cloud fargate"]
        check(code == 1 and said in one["text"] and "AWS_REGION" in one["advice"], one)
        for words in (["up", "--config", place.config, "--data", place.folder / "data"], ["iam-policy", place.config, "--account", ACCOUNT],
                      ["cloud", "discover", place.config]):
            refused = place.footman(*words, environment=nothing)
            check(refused.returncode != 0 and said in refused.stderr, refused)
        (place.folder / ".aws").mkdir()
        (place.folder / ".aws/config").write_text(f"[default]\nregion = {place.aws.region}\n[profile other]\nregion = eu-west-2\n")
        code, findings = place.doctor(environment=nothing)
        bad = [one for one in not_ok(findings) if one["of"] == "cloud fargate"]  # that prices need it in the file is another warning
        check(code == 0 and not bad, bad)
        for more, region in [({}, place.aws.region), ({"AWS_PROFILE": "other"}, "eu-west-2"), ({"AWS_REGION": "eu-west-1"}, "eu-west-1")]:
            policy = place.footman("iam-policy", place.config, "--account", ACCOUNT, environment={**nothing, **more})
            check(f"arn:aws:ecs:{region}:{ACCOUNT}" in policy.stdout, policy)


def test_without_credentials_or_aws():
    with Place() as place:
        nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        code, findings = place.doctor(environment=nothing)
        (one,) = [one for one in findings if one["of"] == "cloud fargate"]
        check(code == 1 and one["check"] == "credentials" and "no AWS credentials" in one["text"], one)
        check(place.aws.calls() == [], "nobody was asked")
        wrong = {**place.aws.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"}
        code, findings = place.doctor(environment=wrong)
        (one,) = [one for one in findings if one["of"] == "cloud fargate"]
        check(code == 1 and "SignatureDoesNotMatch" in one["text"], one)
        place.aws.tell("clear-violations")
        place.write(url="http://127.0.0.1:1")
        code, findings = place.doctor("--cloud", "fargate")
        (one,) = findings
        check(code == 1 and one["check"] == "credentials" and "127.0.0.1:1" in one["text"], one)


def test_a_role_that_is_assumed():
    with Place() as place:
        place.aws.tell("roles", name="ci", trusts=[f"arn:aws:iam::{ACCOUNT}:user/footman"], path="/teams/")
        text = place.config.read_text()
        place.config.write_text(text.replace("log_group:", f"credentials: {{assume_role: {{role: 'arn:aws:iam::{ACCOUNT}:role/teams/ci'}}}}, log_group:"))
        code, findings = place.doctor()
        check(code == 0 and not not_ok(findings), not_ok(findings))
        check(any("assumed-role/ci/footman-doctor" in one["text"] for one in findings), findings)
        asked = {call["params"]["PolicySourceArn"] for call in place.aws.calls("iam", "SimulatePrincipalPolicy")}
        check(asked == {f"arn:aws:iam::{ACCOUNT}:role/teams/ci", f"arn:aws:iam::{ACCOUNT}:role/footman-execution"}, asked)


def test_vpc_endpoints_instead_of_a_way_out():
    with Place() as place:
        for subnet in ("subnet-0a000001", "subnet-0a000002"):
            place.aws.tell("subnets", id=subnet, way_out="none")
        place.aws.tell("vpc-endpoints", vpc="vpc-0a000001", services=["ecr.api", "ecr.dkr", "s3", "logs"])
        code, findings = place.doctor()
        check(code == 0 and {one["check"] for one in not_ok(findings)} == {"route-out"}, not_ok(findings))
        place.aws.tell("vpc-endpoints", vpc="vpc-0a000001", services=["ecr.api", "ecr.dkr", "logs"])
        code, findings = place.doctor()
        check(code == 1 and "no VPC endpoint for s3" in not_ok(findings)[0]["text"], not_ok(findings))


def test_this_machine_with_a_local_cloud_only():
    with Place() as place:
        place.config.write_text("{}")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            place.config.write_text(f"listen: 127.0.0.1:{taken.getsockname()[1]}\nagent_listen: 127.0.0.1:0\n")
            code, findings = place.doctor()
            (failed,) = [one for one in findings if one["state"] == "failed"]
            check(code == 1 and failed["check"] == "ports" and "in use" in failed["text"], findings)
        place.config.write_text("listen: 127.0.0.1:0\nagent_listen: 127.0.0.1:0\n"
                                "clouds: [{name: here, type: local, agent_binary: /nowhere/agent, templates: [{name: a, default: true}]}]\n")
        code, findings = place.doctor()
        (failed,) = [one for one in findings if one["state"] == "failed"]
        check(code == 1 and failed["check"] == "agent-program" and failed["of"] == "cloud here" and "/nowhere/agent" in failed["text"], failed)
        refused = place.footman("up", "--config", place.config, "--data", place.folder / "data")
        check(refused.returncode == 2 and "footman.yaml:3:" in refused.stderr and "'agent_binary': /nowhere/agent does not exist" in refused.stderr, refused)
        check(not (place.folder / "data").exists(), "nothing was touched")
        place.config.write_text("listen: 127.0.0.1:0\nagent_listen: 127.0.0.1:0\n")
        (place.folder / "data").write_text("not a directory")
        code, findings = place.doctor()
        (failed,) = [one for one in findings if one["state"] == "failed"]
        check(code == 1 and failed["check"] == "data-directory" and "is not a directory" in failed["text"], failed)
        (place.folder / "data").unlink()
        code, findings = place.doctor()
        check(code == 0 and not not_ok(findings), not_ok(findings))
        check(place.aws.calls() == [], "AWS is not asked")
        bad = place.config.write_text("listne: x\n") and place.footman("doctor", place.config)
        check(bad.returncode == 2 and ":1:1: " in bad.stderr, bad)


def test_a_server_that_runs_has_its_own_ports():
    with Place() as place, Server("clouds: [{name: here, type: local, templates: [{name: a, default: true}]}]\n", "doctor") as server:
        server.start()
        place.config.write_text(f"listen: 127.0.0.1:{server.http_port}\nagent_listen: 127.0.0.1:{server.agent_port}\n")
        done = place.footman("doctor", place.config, "--data", server.data, "--json")
        findings = json.loads(done.stdout)["findings"]
        check(done.returncode == 0 and not not_ok(findings), not_ok(findings))
        check(sum(f"process {server.process.pid}" in one["text"] for one in findings) == 2, findings)
        server.stop()


def test_discover_and_the_configuration_that_it_prints():
    with Place() as place:
        place.aws.tell("subnets", id="subnet-0a000003", way_out="nat-0123456789abcdef0")
        place.aws.tell("roles", name="shared", trusts=[TASKS, f"arn:aws:iam::{ACCOUNT}:root"])
        place.aws.tell("roles", name="web", trusts=["ec2.amazonaws.com"])
        told = json.loads(place.footman("cloud", "discover", place.config, "--json").stdout)
        check(told["account"] == ACCOUNT and told["troubles"] == {} and told["clusters"] == [{"name": "footman"}], told)
        subnets = {one["id"]: one for one in told["subnets"]}
        check(subnets["subnet-0a000001"]["public"] and subnets["subnet-0a000001"]["free_addresses"] == 250, subnets)
        check(subnets["subnet-0a000003"]["way_out"] == "nat-0123456789abcdef0" and not subnets["subnet-0a000003"]["public"], subnets)
        check(subnets["subnet-0b000001"]["way_out"] == "none", subnets)
        roles = {one["arn"].rsplit("/", 1)[1]: one["tasks_alone"] for one in told["roles"]}
        check(roles == {"footman-task": True, "footman-execution": True, "shared": False}, roles)
        check(told["file_systems"] == [{"id": "fs-01234567", "name": "cache"}], told["file_systems"])
        people = place.footman("cloud", "discover", place.config).stdout
        check("nat-0123456789abcdef0" in people and "ECS' tasks alone" in people, people)

        snippet = place.footman("cloud", "discover", place.config, "--config", "--vpc", "vpc-0a000001")
        check(snippet.returncode == 0 and "FILL IN" in snippet.stdout and "[subnet-0a000003]" in snippet.stdout, snippet)
        place.config.write_text(snippet.stdout)
        check(place.footman("config", "check", place.config).returncode == 0, snippet.stdout)
        place.aws.tell("repositories", name="footman-agent", tags={"1": f"sha256:{'4' * 64}"})
        code, findings = place.doctor("--cloud", "fargate")
        bad = {one["check"] for one in findings if one["state"] in ("failed", "warning")}
        check(bad <= {"agent-address"}, not_ok(findings))  # which nobody has filled in
        nowhere = place.footman("cloud", "discover", place.config, "--config", "--vpc", "vpc-nowhere")
        check(nowhere.returncode == 5 and "vpc-nowhere" in nowhere.stderr, nowhere)


LEAST_RIGHTS = ["Overall/Read", "Job/Read", "Agent/Create", "Agent/Connect", "Agent/Disconnect", "Agent/Delete"]


def examine_jenkins(jenkins, folder, more="", token="scaler-token", path=JAVA.parent):
    """(exit code, findings of that Jenkins)"""
    file = folder / "footman.yaml"
    file.write_text(f"jenkins: [{{name: ci, url: '{jenkins.url}', user: {jenkins.user}, token: '${{env:JENKINS_TOKEN}}'{more}}}]\n"
                    f"clouds: [{{name: here, type: local, templates: [{{name: linux, labels: [linux], env: {{PATH: '{path}'}}}}]}}]\n")
    done = subprocess.run([BIN / "footman", "doctor", file, "--jenkins", "ci", "--json"], env={**os.environ, "JENKINS_TOKEN": token},
                          capture_output=True, text=True, timeout=60)
    check("scaler-token" not in done.stdout + done.stderr, done)
    findings = json.loads(done.stdout)["findings"]
    check(all(one["of"] == "jenkins ci" for one in findings), findings)
    return done.returncode, findings


def test_a_jenkins_in_order_and_each_fault_of_it():
    with tempfile.TemporaryDirectory(prefix="footman-doctor-") as name, FakeJenkins(quiet_seconds=0, starting_seconds=0) as jenkins:
        folder = pathlib.Path(name)
        wait_until(lambda: jenkins.rest("GET", "/api/json")[0] == 200, "the double to be up")
        jenkins.tell("job", name="app", label="linux")
        for connect in ("websocket", "tcp"):
            code, findings = examine_jenkins(jenkins, folder, f", connect: {connect}")
            check(code == 0 and not not_ok(findings), not_ok(findings))
            checks = {one["check"] for one in findings}
            check(checks == {"address", "version", "session", "clock", "right", "label", "java", "web-socket" if connect == "websocket" else "agent-port"}, checks)

        with socket.socket() as nobody:  # bound, and not listened on
            nobody.bind(("127.0.0.1", 0))
            code, findings = examine_jenkins(jenkins, folder, f", connect: tcp, tunnel: '127.0.0.1:{nobody.getsockname()[1]}'")
        check(code == 1 and [one["check"] for one in not_ok(findings)] == ["agent-port"], not_ok(findings))

        code, findings = examine_jenkins(jenkins, folder, path="/nowhere")
        check(code == 1 and [one["check"] for one in not_ok(findings)] == ["java"], not_ok(findings))

        jenkins.tell("user", name="scaler", token="scaler-token", rights=[*LEAST_RIGHTS, "Overall/Administer"])
        code, findings = examine_jenkins(jenkins, folder)
        check(code == 0 and [one["state"] for one in not_ok(findings)] == ["warning"] * 2, not_ok(findings))
        check(all("more rights than it needs" in one["text"] for one in not_ok(findings)), not_ok(findings))

        jenkins.tell("cloud", **{"class": "org.csanchez.jenkins.plugins.kubernetes.KubernetesCloud"}, labels="linux")
        jenkins.tell("user", name="scaler", token="scaler-token", rights=["Overall/Read", "Job/Read"])
        code, findings = examine_jenkins(jenkins, folder)
        bad = {one["check"]: one["text"] for one in findings if one["state"] in ("failed", "warning")}
        check(code == 1 and "KubernetesCloud" in bad["label"] and "Agent/Create is missing" in bad["right"], bad)

        code, findings = examine_jenkins(jenkins, folder, token="revoked")
        check(code == 1 and [one["check"] for one in findings] == ["address", "java"] and "401" in findings[0]["text"], findings)
        state = jenkins.ask("state")
        check(not state["nodes"] and not jenkins.violations(), f"{state} {jenkins.violations()}")


if __name__ == "__main__":
    run_tests()
