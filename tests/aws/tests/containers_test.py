#!/usr/bin/env python3
"""What RunTask runs: order, volumes, users, roots, stopping, health, endpoints, logs; and that nothing is left."""
import os
import pathlib
import shutil
import signal
import tempfile
import time

import common
from common import (EXECUTION_ROLE, TASK_ROLE, check, check_equal, check_in, container_of, describe, register, run, shell, wait_status,
                    wait_until)
from footman import kill_processes_of, processes_of

common.need_botocore()
common.need_bubblewrap()

from fake_aws.client import FakeAws  # noqa: E402

FAKE = FakeAws(throttling=False, provision_seconds=0.01, pull_seconds=0.01, deprovision_seconds=0.01)
ECS = FAKE.botocore_client("ecs")
VOLUME = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
ROOT = os.geteuid() == 0


def fresh(**settings):
    check(FAKE.tell("reset")["ended"], "tasks that do not end")
    FAKE.set(check_answers=True, **settings)


def run_to_end(*containers, **more):
    return wait_status(ECS, run(ECS, register(ECS, *containers, **more)), "STOPPED")


def output(task, container="main"):
    return FAKE.ask("logs", task=task["taskArn"], container=container)


def wait_output(arn, line):
    wait_until(lambda: line in FAKE.ask("logs", task=arn), f"the line {line!r}")


def after(name, condition):
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


def test_a_command_runs_and_its_exit_code_is_kept():
    fresh()
    task = run_to_end(shell("echo out; echo err >&2; printf unfinished; exit 7", environment=[{"name": "X", "value": "1"}]))
    check_equal((task["stopCode"], task["stoppedReason"]), ("EssentialContainerExited", "Essential container in task exited"))
    check_equal(container_of(task, "main")["exitCode"], 7)
    check_equal(output(task), ["out", "err", "unfinished"])
    check("startedAt" in task, "it ran")


def test_overrides_change_command_and_environment():
    fresh()
    task_definition = register(ECS, {"name": "main", "image": "i", "entryPoint": ["sh", "-c"], "command": ["exit 1"],
                                     "environment": [{"name": "A", "value": "defined"}, {"name": "B", "value": "defined"}]})
    override = {"name": "main", "command": ["echo $A $B"], "environment": [{"name": "B", "value": "overridden"}]}
    arn = run(ECS, task_definition, overrides={"containerOverrides": [override]})
    check_equal(output(wait_status(ECS, arn, "STOPPED")), ["defined overridden"])


def test_a_container_waits_for_success_and_shares_a_volume():
    fresh()
    init = shell("sleep 0.2; echo '#!/bin/sh\necho from the volume' > /shared/run; chmod 755 /shared/run", "init", essential=False, **VOLUME)
    task = run_to_end(init, {"name": "main", "image": "i", "command": ["/shared/run"], **VOLUME, **after("init", "SUCCESS")},
                      volumes=[{"name": "shared"}])
    check_equal(output(task), ["from the volume"])
    check_equal([one["exitCode"] for one in task["containers"]], [0, 0])


def test_a_failed_dependency_stops_the_task():
    fresh()
    task = run_to_end(shell("exit 3", "init", essential=False), shell("echo never", **after("init", "SUCCESS")))
    check_equal((task["stopCode"], container_of(task, "init")["exitCode"], output(task)), ("TaskFailedToStart", 3, []))
    check_in("did not exit successfully", task["stoppedReason"])
    task = run_to_end(shell("exit 3", "init", essential=False), shell("echo then", **after("init", "COMPLETE")))
    check_equal(output(task), ["then"])


def test_health():
    fresh(time_scale=0.02)
    check_command = {"command": ["CMD-SHELL", "test -e /tmp/good && test $(id -u) = $(stat -c %u /tmp/good)"], "interval": 10, "retries": 10}
    for user in ("root", "1234") if ROOT else ("root",):
        task = run_to_end(shell("sleep 0.3; touch /tmp/good; sleep 60", "side", healthCheck=check_command, user=user),
                          shell("echo healthy", **after("side", "HEALTHY")))
        check_equal(output(task), ["healthy"], user)
    task = run_to_end(shell("sleep 60", healthCheck={"command": ["CMD", "false"], "interval": 5, "retries": 2}))
    check_equal((task["stoppedReason"], task["healthStatus"]), ("Task failed container health checks", "UNHEALTHY"))


def test_a_command_that_is_not_there():
    fresh()
    task = run_to_end({"name": "main", "image": "i", "command": ["/not/there"]})
    check_equal(task["stopCode"], "TaskFailedToStart")
    check_in("CannotStartContainerError", container_of(task, "main")["reason"])
    check("exitCode" not in container_of(task, "main"), "no exit code")


def test_stop_is_a_signal_and_then_the_end():
    fresh(time_scale=0.05)
    arn = run(ECS, register(ECS, shell("trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.02; done")))
    wait_output(arn, "ready")
    ECS.stop_task(cluster="footman", task=arn)
    task = wait_status(ECS, arn, "STOPPED")
    check_equal((output(task), container_of(task, "main")["exitCode"], task["stopCode"]), (["ready", "told"], 5, "UserInitiated"))
    arn = run(ECS, register(ECS, shell("echo ready; while :; do sleep 0.02; done", stopTimeout=10)))
    wait_output(arn, "ready")
    begin = time.monotonic()
    ECS.stop_task(cluster="footman", task=arn)
    task = wait_status(ECS, arn, "STOPPED")
    check_equal(container_of(task, "main")["exitCode"], 137, "number 1 without a handler does not see SIGTERM")
    check(0.5 <= time.monotonic() - begin < 5, f"stopTimeout took {time.monotonic() - begin}")


def test_who_depends_on_others_is_stopped_first():
    fresh()
    script = "trap 'sleep 0.2; echo {0} >> /shared/order; {1}exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    side = shell(script.format("side", "cat /shared/order; "), "side", essential=False, **VOLUME)
    arn = run(ECS, register(ECS, side, shell(script.format("main", ""), **VOLUME, **after("side", "START")), volumes=[{"name": "shared"}]))
    wait_until(lambda: FAKE.ask("logs", task=arn) == ["ready", "ready"], "both to be ready")
    ECS.stop_task(cluster="footman", task=arn)
    check_equal(output(wait_status(ECS, arn, "STOPPED"), "side"), ["ready", "main", "side"])


def test_an_init_process_hands_the_signal_on():
    fresh()
    arn = run(ECS, register(ECS, {"name": "main", "image": "i", "command": ["sleep", "100"], "linuxParameters": {"initProcessEnabled": True}}))
    wait_status(ECS, arn, "RUNNING")
    time_of_stop = time.monotonic()
    ECS.stop_task(cluster="footman", task=arn)
    check_equal(container_of(wait_status(ECS, arn, "STOPPED"), "main")["exitCode"], 143)
    check(time.monotonic() - time_of_stop < 10, "it waited for stopTimeout")


def test_the_spot_notice_is_sigterm():
    fresh(time_scale=0.1)
    script = "trap 'echo noticed; noticed=1' TERM; echo ready; while [ -z \"$noticed\" ]; do sleep 0.02; done; sleep 2; exit 0"
    arn = run(ECS, register(ECS, shell(script, stopTimeout=120)), capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
    wait_output(arn, "ready")
    FAKE.tell("reclaim", task=arn)
    wait_output(arn, "noticed")
    task = describe(ECS, arn)
    check_equal((task["lastStatus"], task["stopCode"]), ("RUNNING", "TerminationNotice"))
    task = wait_status(ECS, arn, "STOPPED")
    check_equal((task["stopCode"], container_of(task, "main")["exitCode"]), ("SpotInterruption", 0))


def test_users_and_working_directories():
    fresh()
    task = run_to_end(shell("id -u; id -g; pwd; echo $HOME", user="1234:4321", workingDirectory="/made/for/it"))
    check_equal(output(task), ["1234", "4321", "/made/for/it", "/"])
    task = run_to_end(shell("touch /shared/x 2>/dev/null && echo written || echo refused", user="1234", **VOLUME), volumes=[{"name": "shared"}])
    check_equal(output(task), ["refused" if ROOT else "written"], "a volume belongs to root, as on Fargate")
    task = run_to_end(shell("true", user="nobody-of-that-name"))
    check_in("unable to find user", container_of(task, "main")["reason"])


def test_an_image_is_a_folder():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        for name in ("bin", "etc", "data"):
            (root / name).mkdir()
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        (root / "bin/sh").symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbuilder:x:1500:1500::/home/builder:/bin/sh\n")
        fresh(images={"tiny": str(root)})
        script = "/bin/busybox id -u; /bin/busybox ls /; echo more > /data/own; echo $HOME; /bin/busybox touch /bin/x 2>/dev/null || echo bin is kept"
        task = run_to_end({"name": "main", "image": "tiny", "command": ["/bin/sh", "-c", script]})
        check_equal(output(task), ["0", "bin", "data", "dev", "etc", "proc", "tmp", "/root", "bin is kept"])
        check_equal(list((root / "data").iterdir()), [], "the image itself is not written")
        task = run_to_end({"name": "main", "image": "tiny", "command": ["/bin/sh", "-c", "/bin/busybox id -u; echo $HOME"], "user": "builder"})
        check_equal(output(task), ["1500", "/home/builder"])
        task = run_to_end({"name": "main", "image": "tiny", "readonlyRootFilesystem": True,
                           "command": ["/bin/sh", "-c", "for f in /x /data/x /tmp/x; do (echo > $f) 2>/dev/null && echo $f; done; echo end"]})
        check_equal(output(task), ["end"], "nothing is writable")


def test_an_image_brings_an_entry_point():
    image = {"root": "", "entrypoint": ["sh", "-c", "echo image $0 $FROM; pwd"], "command": ["cmd"], "environment": {"FROM": "image"},
             "working_directory": "/usr", "architectures": ["X86_64"]}
    fresh(images={"app": image})
    for spec, lines in [({}, ["image cmd image", "/usr"]), ({"command": ["own"]}, ["image own image", "/usr"]),
                        ({"entryPoint": ["echo"]}, [""]), ({"entryPoint": ["echo"], "command": ["own"]}, ["own"])]:
        check_equal(output(run_to_end({"name": "main", "image": "app", **spec})), lines, str(spec))
    task = run_to_end({"name": "main", "image": "app"}, runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})
    check_in("does not contain descriptor matching platform 'linux/arm64'", task["stoppedReason"])


def test_a_dependency_has_a_time_limit():
    fresh(time_scale=0.05)
    task = run_to_end(shell("sleep 60", "init", essential=False, startTimeout=6, stopTimeout=2), shell("echo never", **after("init", "SUCCESS")))
    check_equal((task["stopCode"], output(task)), ("TaskFailedToStart", []))


def test_tmpfs():
    fresh()
    tmpfs = {"linuxParameters": {"tmpfs": [{"containerPath": "/scratch", "size": 1}]}}
    task = run_to_end(shell("head -c 2000000 /dev/zero 2>/dev/null > /scratch/x || echo full; wc -c < /scratch/x", **tmpfs))
    check_equal(output(task), ["full", str(1 << 20)])


def test_this_machine_is_read_only_and_tmp_private():
    fresh()
    marker = tempfile.mkdtemp()
    try:
        script = (f"touch {pathlib.Path(__file__).parent}/x 2>/dev/null || echo kept; ls {marker} 2>/dev/null || echo private; "
                  "echo a > /tmp/a && echo own")
        task = run_to_end(shell(script))
        check_equal(output(task), ["kept", "private", "own"])
    finally:
        os.rmdir(marker)


def test_credentials_and_metadata():
    fresh()
    curl = "curl -s -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" $AWS_CONTAINER_CREDENTIALS_FULL_URI"
    common.need(shutil.which("curl"), "curl")
    script = f"{curl}; echo; curl -s $ECS_CONTAINER_METADATA_URI_V4/task; echo; curl -s $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo; sleep 60"
    arn = run(ECS, register(ECS, shell(script), taskRoleArn=TASK_ROLE))
    wait_until(lambda: len(FAKE.ask("logs", task=arn)) == 3, "three answers")
    import json
    credentials, task, refused = [json.loads(line) for line in FAKE.ask("logs", task=arn)]
    key = {"access_key_id": credentials["AccessKeyId"], "secret_access_key": credentials["SecretAccessKey"], "session_token": credentials["Token"]}
    identity = FAKE.botocore_client("sts", **key).get_caller_identity()
    check_equal(identity["Arn"], f"arn:aws:sts::123456789012:assumed-role/footman-task/{arn.rsplit('/', 1)[1]}")
    check_equal((task["TaskARN"], task["Family"], task["Revision"]), (arn, "family", "1"))
    check_equal(refused["code"], "Unauthorized")
    ECS.stop_task(cluster="footman", task=arn)
    FAKE.tell("reset")
    check_equal(common.refusal(FAKE.botocore_client("sts", **key).get_caller_identity)[0], "InvalidClientTokenId", "keys of a task that is gone")


def test_lines_are_in_cloudwatch():
    fresh()
    options = {"awslogs-group": "/footman/agents", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "agent"}
    log = {"logDriver": "awslogs", "options": options}
    task = run_to_end(shell("for i in 1 2 3 4 5; do echo line $i; done", logConfiguration=log), executionRoleArn=EXECUTION_ROLE)
    logs = FAKE.botocore_client("logs")
    stream = {"logGroupName": "/footman/agents", "logStreamName": f"agent/main/{task['taskArn'].rsplit('/', 1)[1]}"}
    check_equal([one["message"] for one in logs.get_log_events(limit=2, **stream)["events"]], ["line 4", "line 5"])
    page = logs.get_log_events(limit=3, startFromHead=True, **stream)
    check_equal([one["message"] for one in page["events"]], ["line 1", "line 2", "line 3"])
    page = logs.get_log_events(limit=3, nextToken=page["nextForwardToken"], **stream)
    check_equal([one["message"] for one in page["events"]], ["line 4", "line 5"])
    again = logs.get_log_events(nextToken=page["nextForwardToken"], **stream)
    check_equal((again["events"], again["nextForwardToken"]), ([], page["nextForwardToken"]))


def test_secrets():
    fresh()
    FAKE.tell("secrets", name="arn:aws:secretsmanager:eu-central-1:123456789012:secret:known", value="hidden")
    known = [{"name": "S", "valueFrom": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:known"}]
    task = run_to_end(shell("echo $S", secrets=known), executionRoleArn=EXECUTION_ROLE)
    check_equal(output(task), ["hidden"])
    task = run_to_end(shell("echo $S", secrets=[{"name": "S", "valueFrom": "unknown"}]), executionRoleArn=EXECUTION_ROLE)
    check_equal(task["stopCode"], "TaskFailedToStart")
    check_in("ResourceInitializationError", task["stoppedReason"])


def test_many_run_at_once():
    fresh()
    task_definition = register(ECS, shell("echo $HOSTNAME"))
    arns = [run(ECS, task_definition) for _ in range(40)]
    wait_until(lambda: all(task["lastStatus"] == "STOPPED" for task in FAKE.tasks()), "all tasks to end")
    check(all(len(FAKE.ask("logs", task=arn)) == 1 for arn in arns), "each wrote its line")
    check_equal({container["exitCode"] for task in FAKE.tasks() for container in task["containers"]}, {0})
    FAKE.check_no_violation()


def test_nothing_is_left_when_the_fake_is_killed():
    folder = tempfile.mkdtemp(prefix="fake-aws-killed-")
    os.chmod(folder, 0o755)
    marker = {"name": "MARK", "value": folder}
    for how in (signal.SIGKILL, signal.SIGTERM):
        other = FakeAws(provision_seconds=0.01, pull_seconds=0.01, work=folder, time_scale=0.01)
        try:
            ecs = other.botocore_client("ecs")
            arn = run(ecs, register(ecs, shell("sleep 987 & sleep 987", environment=[marker]),
                                    shell("trap '' TERM; while :; do sleep 987; done", "second", environment=[marker])))
            wait_status(ecs, arn, "RUNNING")
            wait_until(lambda: len(processes_of(folder)) >= 4, "the processes")
            other.process.send_signal(how)
            other.process.wait()
            wait_until(lambda: not processes_of(folder), lambda: f"no process to be left; there are {processes_of(folder)}")
        finally:
            other.kill()
            kill_processes_of(folder)
    shutil.rmtree(folder)


if __name__ == "__main__":
    with FAKE:
        common.run_with(FAKE, globals())
