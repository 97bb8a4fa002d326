#!/usr/bin/env python3
"""AWS' own command line drives the fake: register, run, describe, stop. Its requests must be without a violation.

Debian's /usr/bin/aws is tried first, then the `aws` of the PATH.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import common
from common import TASK_ROLE, check_equal, check_in, wait_until

common.need_botocore()
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")
common.need(AWS, "awscli")

from fake_aws.client import FakeAws  # noqa: E402

FAKE = FakeAws(throttling=False, provision_seconds=0.01, pull_seconds=0.01, deprovision_seconds=0.01)
SCRIPT = ["sh", "-c", "trap 'exit 9' TERM; echo hello; while :; do sleep 0.02; done"]


def aws(*arguments, expect=0):
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true", **FAKE.environment()}
        command = [AWS, "--endpoint-url", FAKE.url, "--output", "json", "--no-cli-auto-prompt", *arguments]
        if not IS_VERSION_2:
            command.remove("--no-cli-auto-prompt")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    check_equal(done.returncode, expect, f"aws {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout else done.stderr


VERSION = subprocess.run([AWS, "--version"], capture_output=True, text=True, check=True).stdout.strip()
IS_VERSION_2 = VERSION.startswith("aws-cli/2")


def test_register_run_describe_stop():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{"name": "main", "image": "any", "command": SCRIPT}], file)
        file.flush()
        registered = aws("ecs", "register-task-definition", "--family", "cli", "--network-mode", "awsvpc", "--cpu", "256", "--memory", "512",
                         "--requires-compatibilities", "FARGATE", "--task-role-arn", TASK_ROLE, "--container-definitions", f"file://{file.name}")
    check_equal(registered["taskDefinition"]["revision"], 1)
    network = "awsvpcConfiguration={subnets=[subnet-0a000001],securityGroups=[sg-0a000001]}"
    ran = aws("ecs", "run-task", "--cluster", "footman", "--task-definition", "cli", "--launch-type", "FARGATE", "--network-configuration", network,
              "--tags", "key=a,value=b", "--count", "1")
    arn = ran["tasks"][0]["taskArn"]
    wait_until(lambda: "hello" in FAKE.ask("logs", task=arn), "the container to speak")
    described = aws("ecs", "describe-tasks", "--cluster", "footman", "--tasks", arn, "--include", "TAGS")
    check_equal((described["tasks"][0]["lastStatus"], described["tasks"][0]["tags"]), ("RUNNING", [{"key": "a", "value": "b"}]))
    stopped = aws("ecs", "stop-task", "--cluster", "footman", "--task", arn, "--reason", "enough")
    check_equal(stopped["task"]["desiredStatus"], "STOPPED")
    wait_until(lambda: FAKE.tasks()[0]["lastStatus"] == "STOPPED", "the task to stop")
    task = aws("ecs", "describe-tasks", "--cluster", "footman", "--tasks", arn)["tasks"][0]
    check_equal((task["stoppedReason"], task["containers"][0]["exitCode"]), ("enough", 9))
    FAKE.check_no_violation()


def test_the_network_and_an_error():
    check_equal(len(aws("ec2", "describe-subnets", "--subnet-ids", "subnet-0a000001")["Subnets"]), 1)
    said = aws("ecs", "describe-task-definition", "--task-definition", "unknown", expect=254 if IS_VERSION_2 else 255)
    check_in("Unable to describe task definition", said)
    FAKE.check_no_violation()


if __name__ == "__main__":
    print(VERSION, "of", pathlib.Path(AWS))
    with FAKE:
        common.run_with(FAKE, globals())
