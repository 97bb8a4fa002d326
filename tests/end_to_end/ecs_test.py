#!/usr/bin/env python3
"""Agents as tasks of ECS: the main job, and what goes wrong, with the real programs on a fake AWS."""
import collections
import datetime
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from agent_wire import BODY, AgentWire, bind, sign
from ecs import EcsServer, FakeAws, calls_written, make_carrier, own_address
from footman import (BIN, SOURCE, ApiError, check, check_numbered, find_free_ports, kill_processes_of, numbered, run_tests,
                     wait_until)


def cloud_test(server):
    return subprocess.run([BIN / "footman", "cloud", "test", "fargate"], env={**os.environ, "FOOTMAN_DATA": str(server.data)},
                          capture_output=True, text=True, timeout=120)


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
        history = server.get(f"/api/v1/agents/{done['agent']}/explain")["timeline"]
        said = [line["text"] for line in history if line["kind"] == "cloud_step"]
        check(said[0] == "The cloud says: created." and "The cloud says: image pulled." in said
              and said[-1] == "The cloud says: stopped." and len(said) == len(set(said)), said)
        tags = ecs.tags(task)
        check(tags["footman:agent"] == done["agent"] and tags["footman:template"] == "small", tags)
        tested = cloud_test(server)
        check(tested.returncode == 0 and "The cloud says: image pulled." in tested.stdout
              and "This cloud works." in tested.stdout, tested)
        server.wait_no_agents()
        again = server.submit("true")
        check(server.wait_build(again)["result"] == "SUCCESS", again)
        server.wait_no_agents()
        check(ecs.calls("RegisterTaskDefinition") == 1, "one definition for one content")
        check(ecs.calls("RunTask") == 3, "one launch for each build")
        check(ecs.calls("StopTask") == 0, "agents end their tasks by themselves")
        check(1 <= ecs.aws.ask("counts").get("ec2:DescribeSubnets", 0) < 3, "free addresses are asked for once a minute at most")
        check("SECRET" not in json.dumps(ecs.aws.ask("definitions")), "no secret in a definition")
        # The task has a role: its agent has proved with it who it is, and nothing that anybody reads holds a secret.
        sent = json.dumps([ecs.aws.calls("ecs"), ecs.aws.ask("tasks")])
        check("FOOTMAN_AGENT_PROOF" in sent and "SECRET" not in sent, "no secret in RunTask or DescribeTasks")
        asked = ecs.aws.calls("sts", "GetCallerIdentity")
        check({call["principal"].rsplit("/", 1)[1] for call in asked} == {task_id(one) for one in ecs.tasks(alive=False)},
              f"each task's own session: {asked}")
        server.stop()


NO_ROLE = "  - {name: plain, extends: small, default: false, labels: [plain], ecs: {task_role: ~}}\n"


def test_without_a_task_role_there_is_a_secret_and_a_warning():
    with EcsServer(NO_ROLE) as ecs:
        server = ecs.start()
        build = server.submit("echo ${FOOTMAN_AGENT_SECRET:-none}", label="plain")
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS", done)
        check(server.log(build).strip() == b"none", "a build does not see the secret")
        check("FOOTMAN_AGENT_SECRET" in json.dumps(ecs.aws.calls("ecs", "RunTask")), "the secret is in RunTask")
        check(not ecs.aws.calls("sts"), "nobody is asked")
        check("the template 'plain', ecs.task_role: without it" in server.log_tail(100_000), server.log_tail())
        server.wait_no_agents()
        server.stop()


def task_id(task):
    return task["taskArn"].rsplit("/", 1)[1]


def test_a_proof_is_good_for_one_task_one_connection_and_one_sts():
    with EcsServer(run_containers=False) as ecs:  # this test is the agent
        server = ecs.start()
        build = server.submit("true")
        (task,) = wait_until(ecs.tasks, "a task")
        agent = ecs.tags(task)["footman:agent"]
        wait_until(lambda: server.get(f"/api/v1/agents/{agent}").get("handle"), "the handle")
        own = ecs.aws.tell("keys", role="footman-task", session=task_id(task))
        sts = ecs.aws.url + "/"

        def knock(key=own, url=sts, region=ecs.aws.region, nonce=None, binding=None, body=BODY, session_key=None, **more):
            with AgentWire(server.host, server.http_port, agent, session_key=session_key) as wire:
                fresh = wire.challenge()
                seen.append(fresh)
                bound = binding or wire.bind(nonce or fresh)
                return wire.prove({**sign(key, url, region, bound, body), **more})

        seen = []
        for what, answer in [
                ("another task's", lambda: knock(ecs.aws.tell("keys", role="footman-task", session="0" * 32))),
                ("another role's", lambda: knock(ecs.aws.tell("keys", role="footman-server", session=task_id(task)))),
                ("the server's own user's", lambda: knock({**ecs.aws.about, "session_token": "x"})),
                ("expired", lambda: knock(ecs.aws.tell("keys", role="footman-task", session=task_id(task), seconds=-1))),
                ("for an old nonce", lambda: knock(nonce=seen[0])),
                ("of another process", lambda: knock(binding=bind(seen[0], agent, 1, b"x" * 32))),
                ("for another host", lambda: knock(url="http://sts.attacker.example/")),
                ("for another region", lambda: knock(region="us-west-2")),
                ("for another action", lambda: knock(body="Action=GetSessionToken&Version=2011-06-15")),
                ("with a value more", lambda: knock(host="sts.attacker.example")),
                ("with a header more", lambda: knock(session_token="x\r\nHost: attacker.example"))]:
            said = answer()
            check(said == "bad_secret", f"a proof {what}: {said}")
        check(len(set(seen)) == len(seen), "each connection has a nonce of its own")
        wrong = [line["text"] for line in server.get(f"/api/v1/agents/{agent}/explain")["timeline"] if line["kind"] == "proof_wrong"]
        check(any(f"footman-task/{'0' * 32} has signed it, " in one and one.endswith(" was expected") for one in wrong), wrong)
        ecs.aws.tell("clear-violations")  # wrong signatures

        # STS cannot be asked: not for good.
        ecs.aws.tell("faults", service="sts", operation="GetCallerIdentity", kind="error", code="ServiceUnavailable",
                     message="not now", status=503, times=1)
        check(knock() == "busy, come again", "a server without STS has the agent come again")
        check(knock() == "welcome", "its own proof")
        check(knock() == "bad_secret", "another process of the same task, later")
        check(server.build(build)["state"] != "finished", "nothing has run")
        server.stop()


SPOT_STOP_SECONDS = 24
SPOT = "  - {name: spot, extends: small, default: false, labels: [spot], ecs: {capacity: FARGATE_SPOT, stop_timeout: %ds}}\n" % SPOT_STOP_SECONDS


def check_launches(ecs, builds):
    """One task for each build, whatever was repeated, and one registration of each definition. Answers what RunTask was
    answered, by result."""
    by_token, results = {}, collections.Counter()
    for call in ecs.aws.calls("ecs", "RunTask"):
        results[call["result"]] += 1
        if call["result"] == "ThrottlingException" and not call["params"]:
            continue  # refused before it was read
        by_token.setdefault(call["params"]["clientToken"], []).append(call["params"])
    tasks = ecs.tasks(alive=False)
    check(len(by_token) == len(tasks) == builds, f"{builds} builds, {len(by_token)} client tokens, {len(tasks)} tasks")
    families = [one["taskDefinition"]["taskDefinitionArn"].rsplit("/", 1)[1].split(":")[0] for one in ecs.aws.ask("definitions")]
    check(len(families) == len(set(families)) == ecs.calls("RegisterTaskDefinition"), f"each definition once: {families}")
    return results


def test_two_hundred_at_once_while_throttled_killed_and_reclaimed():
    """200 builds at the same time, while AWS allows other users of the account half of Fargate's launch rate, the server is
    killed (SIGKILL) seven times at random moments, answers are lost, and Spot tasks are taken back.

    All of it is real but AWS: each build has a task of its own on the fake, with the init container and the agent's container
    in bubblewrap, the real agent, and a script that prints numbered lines. Builds are short, so not all 200 run at a time.
    """
    seed = int(os.environ.get("FOOTMAN_TEST_SEED") or time.time())
    print(f"        FOOTMAN_TEST_SEED={seed}")
    dice = random.Random(seed)
    with EcsServer(SPOT, throttling=True) as ecs:
        for bucket in ("fargate launch", "fargate spot launch"):
            ecs.aws.tell("buckets", name=bucket, burst=30, rate=10)
        server = ecs.start()

        def kill_soon():
            time.sleep(dice.uniform(0, 1.5))
            server.kill()
            ecs.start()

        # On Spot capacity: two end within the notice by themselves, two are ended, and only one of these may be run again.
        brief = [server.submit("echo begun; sleep 8; echo survived", label="spot") for _ in range(2)]
        again, lost = [server.submit("echo begun; sleep 600", label="spot", retries=retries) for retries in (1, 0)]
        spot = [*brief, again, lost]
        for build in spot:
            server.wait_log(build, b"begun")
        handles = {agent["id"]: agent["handle"] for agent in server.agents()}
        told = time.time()
        for build in spot:
            ecs.aws.tell("reclaim", task=handles[server.agent_of(build)])
        ecs.aws.tell("faults", service="ecs", operation="RunTask", kind="lost-answer", times=0, probability=0.05)
        # Also where this machine is too slow to come near the limit.
        ecs.aws.tell("faults", service="ecs", operation="RunTask", kind="error", code="ThrottlingException", message="Rate exceeded",
                     status=400, times=10)
        builds = []
        for n in range(196):
            if n % 40 == 39:
                kill_soon()
            builds.append(server.submit(numbered(20, 0.05), key=f"b{n}", patient=True))
        for _ in range(3):
            kill_soon()
        for build in builds:
            check(server.wait_build(build, 240)["result"] == "SUCCESS", server.build(build))
            check_numbered(server.log(build), 20)
        for build in brief:
            check(server.wait_build(build)["result"] == "SUCCESS" and b"survived" in server.log(build), server.build(build))
        for build in (again, lost):
            done = server.wait_build(build)
            check(done["reason"] == "The agent's machine goes away: it was told to stop", done)
            took = datetime.datetime.fromisoformat(done["finished_at"].replace("Z", "+00:00")).timestamp() - told
            check(took > SPOT_STOP_SECONDS - 10.5, f"a step goes on until 10 s before the end: it was ended {took:.1f} s after the notice")
        check("retried_by" not in server.build(lost), server.build(lost))
        second = server.build(again)["retried_by"]
        check(server.build(second)["spec"] == server.build(again)["spec"], "the same build, run again")
        server.wait_log(second, b"begun")
        server.request("POST", f"/api/v1/builds/{second}/cancel")
        server.wait_build(second)
        server.wait_no_agents(120)
        ecs.wait_no_tasks()
        reclaimed = sum(task["stopCode"] == "SpotInterruption" for task in ecs.tasks(alive=False))
        check(reclaimed == len(spot), f"{reclaimed} tasks were taken back")
        results = check_launches(ecs, builds=201)
        print(f"        RunTask for 201 builds: {dict(results)}")
        check(set(results) <= {"ok", "lost answer", "ThrottlingException", "ConflictException"}, "nothing else was answered")
        check(results["ThrottlingException"] > 0 and results["lost answer"] > 0, "both have happened")
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


def test_a_launch_whose_answer_was_lost_is_found_where_it_went_when_the_configuration_changes():
    elsewhere = [("cluster: footman", "cluster: other"), ("log_group:", "tag_prefix: 'ci:'\n    log_group:")]
    for was, becomes in elsewhere:
        for wanted in (True, False):
            with EcsServer() as ecs:
                ecs.aws.tell("clusters", name="other")
                server = ecs.start()
                ecs.aws.tell("faults", service="ecs", operation="RunTask", kind="lost-answer", times=0)
                build = server.submit("sleep 1")
                wait_until(lambda ecs=ecs: ecs.tasks(), "a task of which the server does not know")
                server.kill()
                ecs.aws.tell("clear-faults")
                server.config_file.write_text(server.config_file.read_text().replace(was, becomes))
                ecs.grant(beside=True)
                ecs.start()
                if not wanted:
                    server.request("POST", f"/api/v1/builds/{build}/cancel")
                done = server.wait_build(build, 60)
                check(done["result"] == ("SUCCESS" if wanted else "ABORTED"), done)
                server.wait_no_agents(120)
                ecs.wait_no_tasks()
                tasks = ecs.tasks(alive=False)
                check(len(tasks) == 1, {"tasks": tasks, "agents": server.agents(), "log": server.log_tail()})
                check("footman:agent" in ecs.tags(tasks[0]) and ":task/footman/" in tasks[0]["taskArn"], tasks)
                server.stop()


SPOT_WITH_FALLBACK = """  - name: spot
    extends: small
    default: false
    labels: [spot]
    ecs: {capacity: FARGATE_SPOT, fallback_capacities: [FARGATE], stop_timeout: 15s}
"""


def test_what_replaces_a_spot_task_that_was_reclaimed_is_on_demand():
    with EcsServer(SPOT_WITH_FALLBACK) as ecs:
        server = ecs.start()
        build = server.submit("echo begun; sleep 600", label="spot", retries=1)
        for capacity in ("FARGATE_SPOT", "FARGATE"):
            server.wait_log(build, b"begun")
            (task,) = ecs.tasks()
            check(task["capacity"] == capacity, task)
            if capacity == "FARGATE_SPOT":
                ecs.aws.tell("reclaim", task=task["taskArn"])
                build = server.wait_build(build, 60)["retried_by"]
        server.request("POST", f"/api/v1/builds/{build}/cancel")
        server.wait_no_agents(120)
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
        tested = cloud_test(server)
        check(tested.returncode == 1 and "CannotPullContainerError" in tested.stdout, tested)
        check(ecs.calls("RunTask") == 1, "nothing is launched for a test that cannot go well")
        server.stop()


def test_a_cloud_that_refuses_ends_its_test_with_the_reason():
    with EcsServer() as ecs:
        ecs.aws.tell("faults", service="ecs", operation="ListTasks", kind="error", code="ClusterNotFoundException",
                     message="Cluster not found.", status=400, times=0)
        server = ecs.start()
        tested = cloud_test(server)
        check(tested.returncode == 1 and "ECS has no cluster 'footman'" in tested.stdout, tested)
        check([one["state"] for one in server.get("/api/v1/builds")["builds"]] == ["finished"], "its build is cancelled")
        server.stop()


BROKEN = """  - name: broken
    extends: small
    default: false
    labels: [broken]
    ecs: {entry_point: [sh, -c, 'echo "no licence from http://me:pw@there"; exit 3']}
"""


def test_what_an_agent_said_last_is_part_of_its_end():
    with EcsServer(BROKEN) as ecs:
        server = ecs.start()
        build = server.submit("true", label="broken")
        wait_until(lambda: ecs.aws.ask("counts").get("logs:GetLogEvents"), "a look at the log")

        def find_ended():
            ended = [one["id"] for one in server.agents() if "it said last" in one.get("death", {}).get("text", "")]
            return ended and ended[0]

        agent = wait_until(find_ended, lambda: server.agents())
        shown = subprocess.run([BIN / "footman", "explain", agent], env={**os.environ, "FOOTMAN_DATA": str(server.data)},
                               capture_output=True, text=True, check=True).stdout
        check("it said last: no licence from http://…@there" in shown.lower(), shown)
        wait_until(lambda: "it said last: no licence" in server.build(build)["reason"], lambda: f"why: {server.build(build)}")
        server.stop()


def status_by_memory(ecs):
    return {one["memory"]: one["status"] for one in [each["taskDefinition"] for each in ecs.aws.ask("definitions")]}


def test_definitions_that_nothing_needs_any_more_go():
    with EcsServer() as ecs:
        server = ecs.start()
        text = server.config_file.read_text()
        for memory in ("512 MiB", "1 GiB", "2 GiB"):
            server.config_file.write_text(text.replace("512 MiB", memory))
            server.request("POST", "/api/v1/reload")
            check(server.wait_build(server.submit("true"))["result"] == "SUCCESS", memory)
        server.wait_no_agents()
        server.stop()
        ecs.aws.tell("faults", service="ecs", operation="DeleteTaskDefinitions", code="ClientException", message="not now")
        ecs.start()
        wait_until(lambda: ecs.calls("DeleteTaskDefinitions"), "a try to delete the oldest one")
        server.stop()
        check(status_by_memory(ecs) == {"512": "INACTIVE", "1024": "ACTIVE", "2048": "ACTIVE"}, ecs.aws.ask("definitions"))
        check(ecs.calls("ListTaskDefinitions") == 0, "nobody has looked for what is left")
        ecs.start()
        wait_until(lambda: status_by_memory(ecs)["512"] == "DELETE_IN_PROGRESS", "the next server to delete it")
        check(ecs.calls("ListTaskDefinitions") > 0, ecs.aws.ask("counts"))
        check(status_by_memory(ecs) == {"512": "DELETE_IN_PROGRESS", "1024": "ACTIVE", "2048": "ACTIVE"}, ecs.aws.ask("definitions"))
        for memory in ("2 GiB", "1 GiB"):  # the newest, and the one before
            server.config_file.write_text(text.replace("512 MiB", memory))
            server.request("POST", "/api/v1/reload")
            check(server.wait_build(server.submit("true"))["result"] == "SUCCESS", memory)
        check(ecs.calls("RegisterTaskDefinition") == 3 and ecs.calls("DeregisterTaskDefinition") == 1, ecs.aws.ask("counts"))
        server.wait_no_agents()
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


def read_walk_through(words):
    """The certificate's command and the configuration of the walk-through in the documentation, `words` put in."""
    text = (SOURCE / "docs/clouds/ecs.md").read_text()
    certificate = re.search(r"^ +(openssl req .*)$", text, re.M).group(1)
    config = textwrap.dedent(re.search(r"^ +```yaml\n(.*?)^ +```$", text, re.M | re.S).group(1))
    for word, value in words.items():
        certificate, config = certificate.replace(word, value), config.replace(word, value)
    return certificate, config


def test_the_walk_through_of_the_documentation():
    """Its certificate and its configuration to the letter, then the commands of its last step."""
    with tempfile.TemporaryDirectory(prefix="footman-walk-") as name, FakeAws(throttling=False, provision_seconds=0.1) as aws:
        folder, host = pathlib.Path(name), own_address()
        https, agents = find_free_ports(host, 2)
        make_carrier(folder / "carrier")
        image = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com/footman-agent@sha256:{'1' * 64}"
        aws.set(images={image: str(folder / "carrier")})
        aws.tell("clusters", name="build")
        certificate, config = read_walk_through({
            "10.0.0.10": host, "8443": str(https), "REGION": aws.region, "ACCOUNT": aws.account, "DIGEST": "1" * 64,
            "[SUBNET]": "[subnet-0a000001]", "[AGENTS]": "[sg-0a000001]", "log_group:": f'endpoint: {{url: "{aws.url}"}}, log_group:'})
        subprocess.run(certificate, shell=True, cwd=folder, check=True, capture_output=True)
        (folder / "footman.yaml").write_text(config)
        env = {**os.environ, **aws.environment(), "FOOTMAN_DATA": str(folder / "data")}

        def footman(*words, code=0, **more):
            done = subprocess.run([BIN / "footman", *words], cwd=folder, env={**env, **more}, capture_output=True, text=True, timeout=120)
            check(done.returncode == code, f"footman {words}: {done.returncode} instead of {code}\n{done.stdout}\n{done.stderr}")
            return done.stdout + done.stderr

        with open(folder / "server.log", "wb") as log:
            server = subprocess.Popen([BIN / "footman", "up", "--config", "footman.yaml", "--agent-listen", f"127.0.0.1:{agents}"],
                                      cwd=folder, env=env, stdout=log, stderr=log)
        try:
            wait_until((folder / "data" / "server.json").exists, lambda: (folder / "server.log").read_text())
            check("This cloud works." in footman("cloud", "test", "fargate"), "the cloud's test")
            check("\nhello\n" in "\n" + footman("run", "--", "echo hello"), "a build")
            footman("explain", "1")
            # Whoever says where the server is, or whom to trust, gets no more than that.
            url = json.loads((folder / "data" / "server.json").read_text())["url"]
            check("an authority that is not known here" in footman("queue", "--url", url, code=3), "a URL is strict")
            check("is for another host" in footman("queue", FOOTMAN_CA="cert.pem", code=3), "an authority is strict")
            footman("queue", "--url", url.replace("127.0.0.1", host), "--ca-file", "cert.pem")
        finally:
            server.terminate()
            check(server.wait(60) == 0, (folder / "server.log").read_text())
            kill_processes_of(folder)


if __name__ == "__main__":
    with calls_written():
        run_tests()
