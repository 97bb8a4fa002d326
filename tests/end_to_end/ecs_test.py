#!/usr/bin/env python3
"""Agents as tasks of ECS: the main job, and what goes wrong, with the real programs on a fake AWS."""
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from ecs import EcsServer
from footman import ApiError, check, check_numbered, numbered, run_tests, wait_until


def test_the_main_job():
    with EcsServer() as ecs:
        server = ecs.start()
        builds = [server.submit("echo hello from $(uname -s); id -u")]
        done = server.wait_build(builds[0])
        check(done["result"] == "SUCCESS", done)
        check(b"hello from Linux" in server.log(builds[0]), server.log(builds[0]))
        server.wait_no_agents()
        ecs.wait_no_tasks()
        (task,) = ecs.tasks(alive=False)
        check(task["stopCode"] == "EssentialContainerExited", task)
        tags = ecs.tags(task)
        check(tags["footman:agent"] == done["agent"] and tags["footman:template"] == "small", tags)
        again = server.submit("true")
        check(server.wait_build(again)["result"] == "SUCCESS", again)
        server.wait_no_agents()
        check(ecs.calls("RegisterTaskDefinition") == 1, "one definition for one content")
        check(ecs.calls("RunTask") == 2, "one launch for each build")
        check(ecs.calls("StopTask") == 0, "agents end their tasks by themselves")
        check("SECRET" not in json.dumps(ecs.aws.ask("definitions")), "no secret in a definition")
        server.stop()


def test_many_at_once_while_throttled():
    with EcsServer(throttling=True) as ecs:
        server = ecs.start()
        builds = [server.submit("echo served") for _ in range(60)]
        for build in builds:
            check(server.wait_build(build, 300)["result"] == "SUCCESS", build)
        server.wait_no_agents(120)
        ecs.wait_no_tasks()
        check(len(ecs.tasks(alive=False)) == 60, "one task for each build")
        check(ecs.calls("RegisterTaskDefinition") == 1, "one definition")
        server.stop()


def test_kill_at_random_moments():
    dice = random.Random(4)
    with EcsServer() as ecs:
        server = ecs.start()
        builds = [server.submit(numbered(20, 0.05)) for _ in range(6)]
        for _ in range(6):
            time.sleep(dice.uniform(0, 0.8))
            server.kill()
            ecs.start()
        for build in builds:
            done = server.wait_build(build, 180)
            check(done["result"] == "SUCCESS", done)
            check_numbered(server.log(build), 20)
        server.wait_no_agents(120)
        ecs.wait_no_tasks()
        check(len(ecs.tasks(alive=False)) == 6, f"one task for each build: {len(ecs.tasks(alive=False))}")
        check(ecs.calls("RegisterTaskDefinition") == 1, "one definition, whatever is killed")
        server.stop()


def test_answers_that_are_lost_and_tasks_that_are_seen_late():
    with EcsServer(consistency_seconds=1.5) as ecs:
        ecs.aws.tell("faults", service="ecs", operation="RunTask", kind="lost-answer", times=3)
        server = ecs.start()
        builds = [server.submit("true") for _ in range(4)]
        for build in builds:
            check(server.wait_build(build, 120)["result"] == "SUCCESS", build)
        server.wait_no_agents(120)
        ecs.wait_no_tasks()
        check(len(ecs.tasks(alive=False)) == 4, "no task is launched twice")
        server.stop()


def test_events_through_a_queue_instead_of_questions():
    with EcsServer(events=True, events_duplicated=0.5, events_late_seconds=0.5) as ecs:
        server = ecs.start()
        builds = [server.submit("true") for _ in range(5)]
        for build in builds:
            check(server.wait_build(build, 120)["result"] == "SUCCESS", build)
        server.wait_no_agents(120)
        ecs.wait_no_tasks()
        counts = ecs.aws.ask("counts")
        check(counts.get("sqs:DeleteMessageBatch", 0) > 0, counts)
        check(ecs.calls("DescribeTasks") == 0 and ecs.calls("StopTask") == 0, counts)
        server.stop()


def test_an_image_that_is_not_there_says_so_and_is_not_tried_again_and_again():
    with EcsServer() as ecs:
        ecs.aws.set(images={**ecs.aws.ask("settings")["images"], "node:20": None})
        server = ecs.start()
        build = server.submit("true")

        def why():
            reason = server.build(build).get("reason", "")
            return reason if "is disabled" in reason else None

        reason = wait_until(why, lambda: f"the reason: {server.build(build)}")
        check("CannotPullContainerError" in reason and "image" in reason, reason)
        launches = ecs.calls("RunTask")
        time.sleep(2)
        check(ecs.calls("RunTask") == launches == 1, f"{launches} launches, then {ecs.calls('RunTask')}")
        server.stop()


def test_a_reload_that_changes_a_clouds_type_is_refused():
    with EcsServer() as ecs:
        server = ecs.start()
        server.config_file.write_text("clouds: [{name: fargate, type: local, templates: [{name: small, default: true}]}]\n")
        try:
            server.request("POST", "/api/v1/reload")
            check(False, "it was taken")
        except ApiError as error:
            check(error.status == 400 and "'fargate' is of another type now" in str(error), error)
        check(server.wait_build(server.submit("true"))["result"] == "SUCCESS", "nothing has changed")
        server.wait_no_agents()
        server.stop()


def test_a_task_that_is_not_needed_any_more_is_stopped():
    with EcsServer(provision_seconds=600) as ecs:
        server = ecs.start()
        build = server.submit("true")
        wait_until(lambda: ecs.calls("RunTask") == 1 and server.agents(), "the launch")
        server.request("POST", f"/api/v1/builds/{build}/cancel")
        server.wait_no_agents(90)
        ecs.wait_no_tasks()
        check(ecs.calls("StopTask") == 1, ecs.aws.ask("counts"))
        server.stop()


SPOT = "  - {name: spot, extends: small, default: false, labels: [spot], ecs: {capacity: FARGATE_SPOT, stop_timeout: 12s}}\n"


def test_spot_capacity_that_is_taken_back():
    with EcsServer(SPOT) as ecs:
        server = ecs.start()
        build = server.submit("echo begun; sleep 600", label="spot", retries=1)
        server.wait_log(build, b"begun")
        (task,) = ecs.tasks()
        ecs.aws.tell("reclaim", task=task["taskArn"])
        done = server.wait_build(build, 60)
        check(done["reason"] == "The agent's machine goes away: it was told to stop", done)
        check(server.build(done["retried_by"])["spec"] == done["spec"], "the same build, run again")
        server.stop()


def test_the_policy_has_what_was_called_and_nothing_else():
    """After all the others: a call that it does not allow would have been denied."""
    with EcsServer():
        pass
    unused = EcsServer.granted - EcsServer.used
    check(not unused, f"granted and never called: {sorted(unused)}; called: {sorted(EcsServer.used)}")


if __name__ == "__main__":
    run_tests([test_the_main_job, test_many_at_once_while_throttled, test_kill_at_random_moments,
               test_answers_that_are_lost_and_tasks_that_are_seen_late, test_events_through_a_queue_instead_of_questions,
               test_an_image_that_is_not_there_says_so_and_is_not_tried_again_and_again,
               test_a_reload_that_changes_a_clouds_type_is_refused, test_a_task_that_is_not_needed_any_more_is_stopped, test_spot_capacity_that_is_taken_back,
               test_the_policy_has_what_was_called_and_nothing_else])
