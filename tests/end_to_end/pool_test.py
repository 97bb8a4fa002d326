#!/usr/bin/env python3
"""Warm pools and numbers of builds, with the real programs."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import BIN, Server, check, run_tests, wait_no_processes, wait_until

CLOUD = "clouds: [{name: here, type: local, templates: [{name: small, default: true, cap: 6, %s}]}]\n"


def pool(server):
    return server.get("/api/v1/clouds")["clouds"][0]["templates"][0].get("pool")


def wait_ready(server, count):
    return wait_until(lambda: (pool(server)["idle"] == count and pool(server)["on_way"] == 0 and pool(server)),
                      lambda: f"{count} ready agents; the pool is {pool(server)}")


def test_a_build_does_not_wait_for_a_launch():
    with Server(CLOUD % "pool: {min_idle: 2}") as server:
        server.start()
        wait_ready(server, 2)
        ready = {agent["id"] for agent in server.agents()}
        check(len(ready) == 2, ready)
        build = server.submit("echo served")
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS", done)
        check(done["agent"] in ready, f"an agent that was there before: {done['agent']} of {ready}")
        wait_ready(server, 2)
        told = pool(server)
        check(told["hits"] == 1 and told["misses"] == 0, told)
        check(len(server.agents()) == 3, f"the used one was replaced, once: {server.agents()}")
        why = server.get(f"/api/v1/agents/{sorted(ready)[0]}/explain")["timeline"][0]["text"]
        check("the pool of template 'small' wants 2 agents without work and has" in why, why)
        table = subprocess.run([BIN / "footman", "pool", "list", "--data", server.data], capture_output=True, text=True,
                               check=True, timeout=60).stdout
        check("2 idle" in table and "2/2" in table and "1 of 1" in table, table)

        server.kill()  # its agents live on, and come back to a pool that is full
        server.start()
        wait_ready(server, 2)
        check(len(server.agents()) == 3, f"nothing was launched again: {server.agents()}")

        server.config_file.write_text(CLOUD % "pool: {min_idle: 0}")
        server.request("POST", "/api/v1/reload")
        server.wait_no_agents()
        server.stop()
        wait_no_processes(server.folder)


def test_an_agent_for_two_builds_ends_after_two():
    with Server(CLOUD % "retention: {idle: 10m, builds: 2}") as server:
        server.start()
        agents = [server.wait_build(server.submit("true"))["agent"] for _ in range(2)]
        check(agents[0] == agents[1], f"both ran on one agent: {agents}")
        server.wait_no_agents()
        only = server.agents()
        check(len(only) == 1 and only[0]["builds_done"] == 2, only)
        check(only[0]["end"]["reason"] == "max_builds", only)
        other = server.wait_build(server.submit("true"))["agent"]
        check(other != agents[0], "a third build gets another agent")


def test_an_agent_is_used_while_it_is_paid_for():
    config = (CLOUD % "retention: {paid: true}").replace("type: local", "type: local, minimum_billing: 10s")
    with Server(config) as server:
        server.start()
        agents = {server.wait_build(server.submit("true"))["agent"] for _ in range(2)}
        check(len(agents) == 1, f"both ran on one agent: {agents}")
        server.wait_no_agents()
        end = server.agents()[0]["end"]
        check(end["reason"] == "idle_too_long" and "the time that is paid for is over" in end["detail"], end)


def test_a_schedule_with_a_time_zone():
    with Server(CLOUD % "pool: {schedules: [{cron: '* * * * *', for: 1h, time_zone: Europe/Berlin, min_idle: 1}]}") as server:
        server.start()
        told = wait_ready(server, 1)
        check(told["schedule"] == "* * * * * Europe/Berlin", told)
        server.config_file.write_text(CLOUD % "pool: {schedules: [{cron: '* * * * *', for: 1h, time_zone: Europe/Berln}]}")
        checked = subprocess.run([BIN / "footman", "config", "check", server.config_file], capture_output=True, text=True,
                                 timeout=60)
        check(checked.returncode != 0 and "the time zone 'Europe/Berln' is not known" in checked.stdout + checked.stderr,
              checked)


def test_a_pool_is_as_large_as_its_goal_needs():
    with Server(CLOUD % "pool: {min_idle: 0}") as server:
        server.start()
        builds = 30
        for _ in range(builds):  # one after the other: each waits for its agent
            server.wait_build(server.submit("true"))
        server.config_file.write_text(CLOUD % "pool: {goal: {wait: p90 <= 1ms}, max_idle: 4}")
        server.request("POST", "/api/v1/reload")
        goal = wait_until(lambda: pool(server)["goal"].get("answer") and pool(server)["goal"],
                          lambda: f"an answer to the goal; the pool is {pool(server)}")
        answer = goal["answer"]
        check(answer["builds"] == builds and answer["min_idle"] in (1, 2, 3, 4), goal)
        check("p90 wait" in goal["text"] and str(builds) in answer["text"], goal)
        wait_ready(server, answer["min_idle"])
        check(f'footman_pool_goal_idle{{template="small"}} {answer["min_idle"]}' in server.request("GET", "/metrics", raw=True)[2].decode(), "the metric")
        table = subprocess.run([BIN / "footman", "pool", "list", "--data", server.data], capture_output=True, text=True,
                               check=True, timeout=60).stdout
        check(goal["text"] in table and answer["text"] in table, table)

        server.kill()
        server.start()
        check(pool(server)["target"] == answer["min_idle"], f"the size is known at once: {pool(server)}")
        wait_ready(server, answer["min_idle"])

        server.config_file.write_text(CLOUD % "pool: {min_idle: 0}")
        server.request("POST", "/api/v1/reload")
        server.wait_no_agents()
        server.stop()


run_tests()
