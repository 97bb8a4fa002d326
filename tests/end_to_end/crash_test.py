#!/usr/bin/env python3
"""Crashes with real processes: the server, the agents, and the connection between them."""
import concurrent.futures
import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import (BIN, ApiError, Failed, Server, check, check_numbered, crash_points, numbered, processes_of,
                     run_tests, wait_no_processes, wait_until)
from proxy import Proxy

QUICK_SESSIONS = "session: {heartbeat: 200ms, lease: 2s, orphan_timeout: 1m}\n"
POINTS_AT_ONCE = 3


def check_launched_once(server, builds):
    """Nobody but its own agent was ever launched for a build, and that one was started once. An agent that never had a
    process (refused, or not asked for any more) has no handle and does not count."""
    agents = {agent["id"]: agent for agent in server.agents()}
    for build in builds:
        own = agents[server.agent_of(build)]
        check(own.get("for_item"), f"agent of build {build} says what it was launched for: {own}")
        same = [a["id"] for a in agents.values() if a["handle"] and a.get("for_item") == own["for_item"]]
        check(same == [own["id"]], f"build {build} had {len(same)} agents: {same}")
    tokens = list((server.data / "local").glob("*/tokens/*"))
    check(tokens, "the local cloud remembers its launches")
    for token in tokens:
        starts = re.findall(r"^launched ", token.read_text(), re.M)
        check(len(starts) == 1, f"{token.name} was started {len(starts)} times")


def check_started_once(ledger):
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    check(len(lines) <= 1, f"the script of a build ran {len(lines)} times: {ledger}")
    return len(lines)


def test_server_killed_at_random():
    """20 builds print numbered lines; the server is killed 10 times meanwhile."""
    seed = int(os.environ.get("FOOTMAN_TEST_SEED") or time.time())
    print(f"        FOOTMAN_TEST_SEED={seed}")
    chance = random.Random(seed)
    with Server() as server:
        server.start()
        builds, ledgers = [], []
        for n in range(20):
            ledgers.append(server.folder / f"ledger-{n}")
            builds.append(server.submit(numbered(150, 0.03, ledger=ledgers[-1]), key=f"b{n}", patient=True))
            if n % 4 == 3:  # some kills fall into submitting and launching
                time.sleep(chance.uniform(0, 0.2))
                server.kill()
                server.start()
        for _ in range(6):
            time.sleep(chance.uniform(0.05, 0.8))
            server.kill()
            time.sleep(chance.uniform(0, 0.3))
            server.start()
        check(server.starts >= 11, "killed at least ten times")
        for build, ledger in zip(builds, ledgers):
            done = server.wait_build(build)
            check(done["result"] == "SUCCESS", done)
            check_numbered(server.log(build), 150)
            check(check_started_once(ledger) == 1, f"build {build} ran")
        check_launched_once(server, builds)
        server.wait_no_agents()
        server.stop()
        wait_no_processes(server.folder)


class CrashingServer(Server):
    """Dies once, at its crash point, and is then started again without one."""

    def __init__(self, point, config):
        super().__init__(config, name="point")
        self.point = point

    def begin(self):
        try:
            self.start(crash_point=self.point)
        except ApiError:
            raise
        except Exception:  # before it was announced, or under the first question
            self.come_back()

    def come_back(self):
        """After a failed call: was it the crash?"""
        check(self.starts == 1, "it dies once only")
        wait_until(lambda: not self.running(), "the server to die at its crash point", 10)
        check(self.process.returncode == -signal.SIGKILL,
              f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
        self.start()

    def insist(self, task):
        """The task; when the server dies under it, once more, as a person would. An answer that says that it is done
        already is as good."""
        try:
            return task()
        except ApiError:
            raise
        except Exception:
            if self.starts > 1:
                raise
            self.come_back()
        try:
            return task()
        except ApiError as error:
            if error.status in (404, 409):
                return None
            raise

    def finish(self):
        """A clean end. Whether it died before."""
        died = self.starts == 2
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        return died or self.process.returncode == -signal.SIGKILL


def do_a_bit_of_everything(server):
    ledger = server.folder / "ledger"
    job = {"path": "team/app", "keep_builds": 1, "spec": {"steps": [{"script": "true"}]}}
    changed = {"description": "changed", "keep_builds": 1, "spec": job["spec"]}
    insist = server.insist
    first = insist(lambda: server.submit(numbered(40, 0.02, ledger=ledger), key="first"))
    second = insist(lambda: server.submit("sleep 600", key="second", grace_ms=100))
    third = insist(lambda: server.submit("echo waits", key="third", label="nowhere"))
    insist(lambda: server.request("POST", "/api/v1/jobs", job))
    insist(lambda: server.request("PUT", "/api/v1/jobs/team/app", changed))
    for key in ("j1", "j2"):  # the older one is forgotten
        build = insist(lambda: server.request("POST", "/api/v1/builds", {"job": "team/app"}, {"Idempotency-Key": key}))
        insist(lambda: server.wait_build(build["id"]))
    insist(lambda: server.wait_running(second))
    insist(lambda: introduce_stranger(server, server.agent_of(second)))
    for build in (second, third):
        insist(lambda: server.request("POST", f"/api/v1/builds/{build}/cancel", {"reason": "x"}))
    done = insist(lambda: server.wait_build(first))
    check(done["result"] == "SUCCESS", done)
    for build in (second, third):
        done = insist(lambda: server.wait_build(build))
        check(done["result"] == "ABORTED", done)
    insist(lambda: server.request("DELETE", "/api/v1/jobs/team/app"))
    check_numbered(insist(lambda: server.log(first)), 40)
    check(check_started_once(ledger) == 1, "the build ran once")
    insist(server.wait_no_agents)
    check_launched_once(server, [first, second])


def introduce_stranger(server, agent):
    """Somebody with a wrong secret claims to be an agent that is there."""
    secret = server.folder / "secret"
    secret.write_text("0" * 64)
    secret.chmod(0o600)
    done = subprocess.run([BIN / "footman-agent", "run", "--url", f"ws://127.0.0.1:{server.http_port}", "--name", agent,
                           "--secret-file", secret, "--work-dir", server.folder / "stranger", "--orphan-timeout", "3s"],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    check("bad_secret" in done.stderr or not server.running(), f"a stranger is refused: {done.stderr}")


def lose_an_agent_with_an_offer(server):
    """A warm agent freezes; what is offered to it goes back to the queue and to another one."""
    insist = server.insist
    ledger = server.folder / "ledger"
    insist(lambda: server.wait_build(server.submit("true", key="warm", patient=True)))
    for pid in processes_of(server.data / "local"):
        os.kill(pid, signal.SIGSTOP)
    build = insist(lambda: server.submit(numbered(5, ledger=ledger), key="k"))
    done = insist(lambda: server.wait_build(build))
    check(done["result"] == "SUCCESS", done)
    check_numbered(insist(lambda: server.log(build)), 5)
    check(check_started_once(ledger) == 1, "it ran once")
    for agent in insist(lambda: server.agents(ended=False)):
        insist(lambda: server.request("POST", f"/api/v1/agents/{agent['id']}/drain"))
    insist(server.wait_no_agents)


def put_in_doubt(server):
    """The database of its next start is a backup that was put back."""
    server.start()
    server.submit("true", label="nowhere")
    copy = server.folder / "copy.db"
    server.request("POST", "/api/v1/backup", {"path": str(copy)})
    server.stop()
    (server.data / "footman.db-wal").unlink(missing_ok=True)
    copy.replace(server.data / "footman.db")
    server.starts = 0


def let_wait_as_others(server):
    """What waited in a database that was put back waits for a person, who says so once."""
    insist = server.insist

    def reason():
        return insist(lambda: server.get("/api/v1/queue"))["items"][0]["reason"]["code"]

    check(reason() == "state_unknown", "it is held")
    insist(lambda: server.request("POST", "/api/v1/reconcile/apply"))
    wait_until(lambda: reason() == "no_template", "it to wait as others do")
    insist(lambda: server.request("POST", "/api/v1/builds/1/cancel", {"reason": "x"}))
    check(insist(lambda: server.wait_build(1))["result"] == "ABORTED", "it is over")


WARM = "clouds: [{name: local, type: local, templates: [{name: t, default: true, retention: {idle: 1m}}]}]\n"


def visit_crash_point(point):
    offer = point.endswith(":return_assignment")
    release = point.endswith(":release_items")
    scenario = lose_an_agent_with_an_offer if offer else let_wait_as_others if release else do_a_bit_of_everything
    with CrashingServer(point, QUICK_SESSIONS + (WARM if offer else "")) as server:
        if release or point.endswith(":settle_doubt"):
            put_in_doubt(server)
        server.begin()
        scenario(server)
        died = server.finish()
        wait_no_processes(server.folder)
        return died


def test_server_dies_at_every_crash_point():
    points = [point for point in crash_points() if point != "session:before-credential"]  # jenkins_test.py visits it
    check(len(points) > 30, f"the points are listed: {points}")
    wrong = []

    def visit(point):
        try:
            return point, visit_crash_point(point), None
        except Exception as error:
            return point, True, error

    with concurrent.futures.ThreadPoolExecutor(POINTS_AT_ONCE) as pool:
        for point, died, error in pool.map(visit, points):
            if error:
                wrong.append(f"{point}: {error}")
            elif not died:
                wrong.append(f"{point}: not visited")
    check(not wrong, "\n        ".join(["", *wrong]))


def test_agent_killed():
    """kill -9 of an agent's processes: nothing acknowledged is lost, the build says what happened."""
    with Server() as server:
        server.start()
        build = server.submit(numbered(10000, 0.02))
        server.wait_log(build, b"line 20\n")
        agent = server.agent_of(build)
        seen = server.log(build)
        pid = int(server.get(f"/api/v1/agents/{agent}")["handle"].split(":")[0])
        os.kill(pid, signal.SIGKILL)
        done = server.wait_build(build)
        check(done["result"] == "FAILURE", done)
        check("signal 9" in done["reason"] or "killed" in done["reason"].lower(), f"a reason for people: {done['reason']}")
        log = server.log(build)
        check(log.startswith(seen), "nothing acknowledged is lost")
        check_numbered(log, 10000, complete=False)
        last = log.decode().splitlines()[-1]
        check(last.startswith(f"[footman] agent {agent} "), f"the log says where it broke off: {last}")
        server.wait_no_agents()
        told = server.get(f"/api/v1/agents/{agent}")
        check(told.get("death", {}).get("signal") == 9, f"a death certificate: {told}")
        wait_no_processes(server.folder / "data" / "local")


def test_agent_killed_before_start_goes_elsewhere():
    """An agent that dies before Start was committed: another one takes the build, by itself."""
    with Server(QUICK_SESSIONS) as server:
        server.start(crash_point="assign:before-send")  # the offer is durable, nobody was told
        ledger = server.folder / "ledger"
        build = None
        try:
            build = server.submit(numbered(5, ledger=ledger), key="k")
        except Exception:
            pass
        wait_until(lambda: not server.running(), "the server to die")
        for pid in processes_of(server.data / "local"):
            os.kill(pid, signal.SIGKILL)
        server.start()
        build = build or server.submit(numbered(5, ledger=ledger), key="k")
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS" and done["attempts"] == 2, done)
        check(check_started_once(ledger) == 1, "it ran once")


def through_proxy(proxy, more=""):
    return f"agent_url: ws://127.0.0.1:{proxy.port}/\n{more}"


def test_connection_cut():
    """A cut is noticed by both sides: the agent comes back, and the build goes on where it was."""
    proxy = Proxy()
    with Server(through_proxy(proxy, "session: {heartbeat: 200ms, lease: 10s, orphan_timeout: 1m}\n")) as server:
        server.start()
        proxy.target_port = server.http_port
        build = server.submit(numbered(200, 0.02))
        server.wait_log(build, b"line 10\n")
        before = proxy.accepted
        proxy.cut()
        wait_until(lambda: proxy.accepted > before, "a new connection")
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS" and done["attempts"] == 1, done)
        check_numbered(server.log(build), 200)
    proxy.close()


def test_half_open_is_found_by_the_agent():
    """The connection vanishes without a word: the agent's own heartbeat finds it and connects anew."""
    proxy = Proxy()
    with Server(through_proxy(proxy, "session: {heartbeat: 200ms, lease: 20s, orphan_timeout: 1m}\n")) as server:
        server.start()
        proxy.target_port = server.http_port
        build = server.submit(numbered(300, 0.02))
        server.wait_log(build, b"line 10\n")
        proxy.swallow = True
        before = proxy.accepted
        wait_until(lambda: proxy.accepted > before, "a new connection")
        proxy.swallow = False
        proxy.cut()
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS", done)
        check_numbered(server.log(build), 300)
    proxy.close()


def test_server_away_for_ten_leases():
    with Server(QUICK_SESSIONS) as server:
        server.start()
        build = server.submit(numbered(100, 0.02))
        server.wait_log(build, b"line 5\n")
        server.kill()
        time.sleep(20)  # ten leases of 2 s: the point of this test
        server.start()
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS" and done["attempts"] == 1, done)
        check_numbered(server.log(build), 100)


def local_clouds(**names):
    """A configuration with room for two agents; of each cloud the label of its one template."""
    clouds = [f"{{name: {name}, type: local, templates: [{{name: t{label}, labels: [{label}]}}]}}"
              for name, label in names.items()]
    return f"limits: {{agents: 2}}\nclouds: [{', '.join(clouds)}]\n" + QUICK_SESSIONS


def test_local_cloud_is_renamed_or_taken_out():
    """Another local cloud finds what it has launched: its records hold no cap once its agents are gone."""
    for later in (local_clouds(a="x"), local_clouds(a="x", c="y")):
        with Server(local_clouds(a="x", b="y")) as server:
            server.start()
            builds = [server.submit("sleep 3", label="y") for _ in range(2)]
            for build in builds:
                server.wait_running(build)
            server.stop()
            server.config_file.write_text(later)
            server.start()

            def not_configured():
                findings = server.get("/api/v1/reconcile")["findings"]
                return [one for one in findings if one["verdict"] == "cloud_unknown"]

            check(len(not_configured()) == 2, f"both agents are named: {not_configured()}")
            for build in builds:
                check(server.wait_build(build)["result"] == "SUCCESS", "the build goes on")
            check(server.wait_build(server.submit("true", label="x"))["result"] == "SUCCESS", "there is room again")
            server.wait_no_agents()
            check(not_configured() == [], f"nothing is left to say: {not_configured()}")
            folder = server.data / "local" / "b"
            wait_until(lambda: set(os.listdir(folder)) == {"launches", "tokens"},
                       lambda: f"the agents' folders to go: {os.listdir(folder)}")


def test_frozen_agent_is_lost():
    with Server(QUICK_SESSIONS) as server:
        server.start()
        ledger = server.folder / "ledger"
        build = server.submit(numbered(100000, 0.05, ledger=ledger))
        server.wait_log(build, b"line 5\n")
        frozen = processes_of(server.data / "local")
        check(frozen, "there are processes to freeze")
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):  # a sleep of the step's
                os.kill(pid, signal.SIGSTOP)
        done = server.wait_build(build)
        check(done["result"] == "FAILURE", done)
        log = server.log(build)
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        server.wait_no_agents()
        check(server.log(build) == log, "late reports are refused")
        after = server.build(build)
        for one in (done, after):
            one.pop("cost", None)  # known once the agent is gone
        check(after == done, f"a finished build never changes: {done}, {after}")
        check(check_started_once(ledger) == 1, "it ran once")
        wait_no_processes(server.data / "local")


if __name__ == "__main__":
    run_tests()
