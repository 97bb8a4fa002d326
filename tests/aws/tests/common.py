"""What the tests of the fake share: where things are, a definition, and waiting."""
import functools
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "lib")]

from footman import Failed, check, run_tests, wait_until  # noqa: E402, F401

ACCOUNT = "123456789012"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/footman-task"
EXECUTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/footman-execution"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a000001", "subnet-0a000002"], "securityGroups": ["sg-0a000001"]}}


def need(there, what):
    """Ends the test file, plainly, when this machine lacks something; as a failure when everything must run."""
    if not there:
        print(f"this machine needs {what}: not run")
        sys.exit(1 if os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") == "1" else 0)


def need_botocore():
    try:
        import botocore  # noqa: F401
        found = True
    except ImportError:
        found = False
    need(found, "python3-botocore")


def need_bubblewrap():
    need(shutil.which("bwrap"), "bubblewrap")


def run_with(fake, names):
    """Runs the tests among `names`; after each, the fake must not have found a bug of its own."""
    def watched(test):
        @functools.wraps(test)
        def both():
            test()
            check_equal([one["violation"] for one in fake.ask("violations") if one["violation"].startswith("bug")], [])
        return both
    run_tests([watched(value) for name, value in list(names.items()) if name.startswith("test_")])


def shell(script, name="main", **more):
    return {"name": name, "image": "any", "command": ["sh", "-c", script], **more}


def definition(*containers, family="family", **more):
    """The parameters of RegisterTaskDefinition."""
    return {"family": family, "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": list(containers) or [shell("sleep 100")], **more}


def register(ecs, *containers, **more):
    return ecs.register_task_definition(**definition(*containers, **more))["taskDefinition"]["taskDefinitionArn"]


def run_request(task_definition, **more):
    """The parameters of RunTask."""
    launch = {} if "capacityProviderStrategy" in more else {"launchType": "FARGATE"}
    return {"cluster": "footman", "taskDefinition": task_definition, "networkConfiguration": NETWORK, **launch, **more}


def run(ecs, task_definition, **more):
    return ecs.run_task(**run_request(task_definition, **more))["tasks"][0]["taskArn"]


def describe(ecs, arn):
    return ecs.describe_tasks(cluster="footman", tasks=[arn], include=["TAGS"])["tasks"][0]


def wait_status(ecs, arn, status):
    """The task, once it has the status."""
    def look():
        task = describe(ecs, arn)
        if status != "STOPPED" and task["lastStatus"] == "STOPPED":
            raise Failed(f"the task stopped: {task['stopCode']}: {task['stoppedReason']}")
        return task if task["lastStatus"] == status else None
    return wait_until(look, f"task {arn} to be {status}")


def container_of(task, name):
    return next(one for one in task["containers"] if one["name"] == name)


def refusal(call, **params):
    """(code, message) of the error that a call of botocore's client is answered with."""
    import botocore.exceptions
    try:
        call(**params)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise Failed(f"{params} was not refused")


def check_equal(found, expected, what=""):
    check(found == expected, f"{what or 'value'}: {found!r}, not {expected!r}")


def check_in(part, text):
    check(part in text, f"{part!r} is not in {text!r}")
