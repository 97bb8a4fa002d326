#!/usr/bin/env python3
"""The command line with the real programs."""
import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import (BIN, PATIENCE, Server, check, check_numbered, numbered, processes_of, run_tests, wait_no_processes,
                     wait_until)


def command(server, *words):
    return [BIN / "footman", *words], {**os.environ, "FOOTMAN_DATA": str(server.data)}


def footman(server, *words, code=0, stdin=""):
    """Runs a client to its end; its standard output."""
    line, env = command(server, *words)
    done = subprocess.run(line, env=env, input=stdin, capture_output=True, text=True, timeout=PATIENCE * 2)
    check(done.returncode == code, f"footman {' '.join(words)}: {done.returncode} instead of {code}\n{done.stdout}\n{done.stderr}")
    footman.errors = done.stderr
    return done.stdout


def start_client(server, *words):
    line, env = command(server, *words)
    return subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def newest(server):
    """The last build; without one, an id of None."""
    builds = json.loads(footman(server, "build", "list", "--json", "-n", "1"))["builds"]
    return builds[0] if builds else {"id": None}


def test_run_ends_with_the_status_of_the_build():
    with Server() as server:
        server.start()
        check(footman(server, "run", "--", "echo", "a  b", "$HOME") == "a  b $HOME\n", "arguments arrive unchanged")
        check(footman(server, "run", "-q", "-e", "WHO=me", "--", "echo $WHO; exit 3", code=3).startswith("me\n"), "a script")
        footman(server, "run", "--", "kill -9 $$", code=128 + 9)
        footman(server, "run", "-t", "1s", "--", "sleep 60", code=124)
        check(footman(server, "run", "--script", "-", stdin="echo from standard input") == "from standard input\n", "--script")
        footman(server, "run", "--unstable-exit-status", "3", "--", "exit 3", code=3)
        check("UNSTABLE" in footman.errors, footman.errors)
        footman(server, "run", "--unstable-exit-status", "256", "--", "true", code=2)
        check("at --unstable-exit-status" in footman.errors, footman.errors)
        footman(server, "run", "-l", "a &&", "--", "true", code=2)
        check("at --label" in footman.errors, footman.errors)


def test_jobs_builds_and_what_is_told_about_them():
    with Server() as server:
        server.start()
        footman(server, "job", "create", "team/app", "--step", "echo branch $BRANCH", "-p", "BRANCH=main")
        footman(server, "job", "create", "team/app", "--step", "true", code=1)
        job = footman(server, "job", "show", "team/app", "--json").replace("echo branch", "echo the branch")
        footman(server, "job", "save", "--stdin", stdin=job)
        out = footman(server, "build", "start", "team/app", "-p", "BRANCH=release", "--follow")
        check(out == "the branch release\n", out)
        build = newest(server)
        check(build["title"] == "team/app #1" and build["result"] == "SUCCESS", build)
        for name in (str(build["id"]), "team/app#1"):
            check(footman(server, "build", "logs", name) == out, "logs")
            check("SUCCESS" in footman(server, "build", "show", name), "show")
            check("Timeline" in footman(server, "explain", name), "explain")
        footman(server, "job", "create", "tests", "--step", "exit 3", "--step", "echo goes on", "--unstable-exit-status", "3")
        check("exit status 3: unstable" in footman(server, "job", "show", "tests"), "the job says so")
        out = footman(server, "build", "start", "tests", "--follow", code=3)
        check(out.endswith("The build is unstable.\ngoes on\n"), out)
        check(newest(server)["result"] == "UNSTABLE", newest(server))
        footman(server, "build", "show", "team/app#2", code=5)
        footman(server, "build", "logs", "999999", code=5)
        server.wait_no_agents()
        agent = json.loads(footman(server, "agent", "list", "--ended", "--json"))["agents"][0]["id"]
        check("terminated" in footman(server, "agent", "show", agent), "agent show")
        told = footman(server, "explain", agent)
        check("launched for one build" in told and "Timeline" in told, told)
        footman(server, "job", "delete", "team/app")
        footman(server, "job", "show", "team/app", code=5)


def lose_agent(server, number):
    """A build that may be run again, whose agent gets this signal at its first try."""
    mark = server.folder / "mark"
    script = f"echo try; test -e {mark} || {{ touch {mark}; sleep 600; }}; echo done"
    client = start_client(server, "run", "--retries", "1", "--", script)
    wait_until(mark.exists, "the first try to run")
    build = newest(server)["id"]
    agent = server.get(f"/api/v1/agents/{server.agent_of(build)}")
    os.kill(int(agent["handle"].split(":")[0]), number)
    return client, build


def test_a_build_whose_agent_is_killed_is_not_run_again():
    with Server() as server:
        server.start()
        client, build = lose_agent(server, signal.SIGKILL)
        client.communicate(timeout=PATIENCE)
        check(client.returncode not in (0, None), f"it failed: {client.returncode}")
        lost = server.build(build)
        check(lost["result"] == "FAILURE" and "retried_by" not in lost, lost)
        check("signal 9" in lost["reason"] and "It is not run again" in lost["reason"], lost)


def test_a_build_whose_machine_goes_is_run_again_and_followed():
    with Server() as server:
        server.start()
        client, first = lose_agent(server, signal.SIGTERM)
        out, err = (text.decode() for text in client.communicate(timeout=PATIENCE))
        check(client.returncode == 0, f"the exit status is that of the last one: {client.returncode}\n{err}")
        check(out.splitlines()[0] == "try" and out.splitlines()[-2:] == ["try", "done"], out)
        check(f"It is run again as build {first + 1}." in err, err)
        check(server.build(first)["result"] == "FAILURE" and server.build(first)["retried_by"] == first + 1, "linked")
        again = server.build(first + 1)
        check(again["result"] == "SUCCESS" and again["retry_of"] == first, again)
        check(f"retry 1 of build {first}" in footman(server, "build", "show", str(first + 1)), "the cause")
        check("Run again as" in footman(server, "build", "show", str(first)), "the link")


def test_queue_explain_and_cancel():
    with Server() as server:
        server.start()
        footman(server, "run", "--detach", "-l", "linxu", "--", "true")
        build = str(newest(server)["id"])
        wait_until(lambda: "no template offers" in footman(server, "queue"), "the reason in the queue")
        check("linux" in footman(server, "explain", build), "names the nearest label")
        footman(server, "build", "cancel", build, "--reason", "typing error")
        check("typing error" in footman(server, "build", "show", build), "the reason is shown")
        check(footman(server, "queue") == "", "nothing waits")


def test_tokens_and_exit_codes():
    with Server() as server:
        server.start()
        token = footman(server, "token", "create", "reader", "--access", "read").strip()
        place = server.folder / "reader"
        place.write_text(token)
        footman(server, "build", "list", "--token-file", str(place))
        footman(server, "run", "--token-file", str(place), "--", "true", code=1)
        footman(server, "token", "revoke", "reader")
        footman(server, "build", "list", "--token-file", str(place), code=4)
        check(token not in footman.errors, "no token in an error")
        check("/ui/sign-in?code=" in footman(server, "ui"), "a sign-in link")
        check("Takes work:" in footman(server, "status"), "status")
        (server.data / "server.json").rename(server.folder / "aside")
        footman(server, "status", code=3)
        check("it starts or ends" in footman.errors, footman.errors)
        (server.folder / "aside").rename(server.data / "server.json")
        server.stop()
        footman(server, "build", "list", code=3)
        check("footman up" in footman.errors, footman.errors)


def test_a_log_survives_restarts_of_the_server():
    with Server() as server:
        server.start()
        client = start_client(server, "run", "--", numbered(60, 0.05) + "exit 6\n")
        for end in (server.kill, server.stop):
            number = wait_until(lambda: newest(server)["id"], "the build")
            server.wait_log(number, b"line 5" if end == server.kill else b"line 30")
            end()
            server.start()
        out, err = client.communicate(timeout=PATIENCE * 2)
        check(client.returncode == 6, f"{client.returncode}: {err.decode()}")
        check_numbered(out, 60)
        check(b"trying again" in err, err)


def test_interrupt_cancels_the_build():
    with Server() as server:
        server.start()
        client = start_client(server, "run", "--", "echo begun; sleep 600")
        number = wait_until(lambda: (server.agents() and newest(server)["id"]), "the build")
        server.wait_log(number, b"begun")
        client.send_signal(signal.SIGINT)
        out, err = client.communicate(timeout=PATIENCE)
        check(client.returncode == 130 and out.startswith(b"begun\n"), f"{client.returncode}: {out} {err}")
        check(server.build(number)["result"] == "ABORTED", server.build(number))

        client = start_client(server, "run", "--grace", "1h", "--", "trap '' TERM INT; echo begun; while :; do sleep 0.1; done")
        number = wait_until(lambda: newest(server)["id"] != number and newest(server)["id"], "the second build")
        server.wait_log(number, b"begun")
        client.send_signal(signal.SIGINT)
        wait_until(lambda: server.build(number)["cancel_requested"], "the wish to cancel")
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=PATIENCE)
        check(client.returncode == -signal.SIGINT, "the second one leaves at once")


def test_events_are_followed_over_a_restart():
    with Server() as server:
        server.start()
        client = start_client(server, "events", "--json", "--kinds", "build")
        wait_until(lambda: server.get("/api/v1/server")["counts"]["event_streams"] == 1, "the stream")
        footman(server, "run", "--", "true")
        server.kill()
        server.start()
        wait_until(lambda: server.get("/api/v1/server")["counts"]["event_streams"] == 1, "the stream again")
        footman(server, "run", "--", "true")
        second = newest(server)["id"]  # numbers have gaps after a crash
        seen = []
        for line in client.stdout:
            event = json.loads(line)
            told = event["data"]
            seen.append(told["reason"] if event["event"] == "reset" else f"{told['id']} {told['state']}")
            if seen[-1] == f"{second} finished":
                break
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=PATIENCE)
        check(client.returncode == -signal.SIGINT, client.returncode)
        steps = [one for i, one in enumerate(seen) if seen[i - 1:i] != [one]]  # the same state may be told twice
        check(steps == ["new", "1 queued", "1 running", "1 finished", "restarted", f"{second} queued", f"{second} running",
                        f"{second} finished"], seen)


def test_colours_and_progress_are_for_terminals():
    with Server() as server:
        server.start()
        footman(server, "run", "--", "exit 1", code=1)
        check("\x1b" not in footman(server, "build", "list"), "no colours in a pipe")

        def on_terminal(*words, **variables):
            line, env = command(server, *words)
            env = {**env, "TERM": "xterm", **variables}
            master, slave = pty.openpty()
            client = subprocess.Popen(line, env=env, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
            os.close(slave)
            text = b""
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                text += piece
            os.close(master)
            client.wait(PATIENCE)
            return text

        check(b"\x1b[31mFAILURE" in on_terminal("build", "list"), "colours on a terminal")
        check(b"\x1b" not in on_terminal("build", "list", NO_COLOR="1"), "NO_COLOR")
        check(b"is running" in on_terminal("run", "--", "sleep 3"), "progress after a second")


def test_demo():
    with tempfile.TemporaryDirectory(prefix="footman-demo-test-") as folder:
        env = {**os.environ, "TMPDIR": folder, "FOOTMAN_URL": "http://127.0.0.1:1", "FOOTMAN_TOKEN": "wrong"}
        done = subprocess.run([BIN / "footman", "demo"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE * 3)
        check(done.returncode == 0, f"{done.returncode}: {done.stdout}\n{done.stderr}")
        times = [int(line.split()[0]) for line in done.stdout.splitlines() if line.split()[1:2] == ["ms"]]
        check(len(times) > 15 and times == sorted(times), f"the lines in the order of their times: {done.stdout}")
        for text in ("| Hello world", "is planned", "connected", "Result: SUCCESS", "first log line", "What to try next"):
            check(text in done.stdout, f"{text}: {done.stdout}")
        check(os.listdir(folder) == [], os.listdir(folder))

        demo = subprocess.Popen([BIN / "footman", "demo"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        for line in demo.stdout:
            if b"Submitting" in line:
                break
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=PATIENCE)
        check(demo.returncode == 130, f"interrupted: {demo.returncode}")
        check(os.listdir(folder) == [], os.listdir(folder))
        wait_no_processes(folder)

        demo = subprocess.Popen([BIN / "footman", "demo"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for line in demo.stdout:
            if b"ready" in line:
                break
        demo.kill()
        demo.communicate()
        wait_until(lambda: not [pid for pid in processes_of(folder) if is_server(pid)], "the server to die with its demo")
        wait_no_processes(folder, limit=PATIENCE + 60)  # an agent without a server gives up


def is_server(pid):
    try:
        return b"\0up\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_cloud_test():
    config = """clouds:
  - name: local
    type: local
    templates:
      - {name: small, default: true}
      - {name: twin, labels: [twin]}
      - {name: before, labels: [twin, more], priority: 5}
"""
    with Server(config) as server:
        server.start()
        told = footman(server, "cloud", "test", "local")
        fields = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
        check(told.startswith("Hello from ") and fields["Template"].strip() == "small" and told.endswith("This cloud works.\n"), told)
        check("It connected from" in told and fields["State"].strip() == "terminated", told)
        lines = [json.loads(line) for line in footman(server, "cloud", "test", "local", "-t", "before", "--json").splitlines()]
        check(lines[-1]["ok"] and lines[-1]["explanation"]["agent"]["template"] == "before", lines[-1])
        told = footman(server, "cloud", "test", "local", "--template", "twin", code=1)
        check("was not tested: the build went to template 'before' of cloud 'local'" in told, told)
        footman(server, "cloud", "test", "locl", code=5)
        footman(server, "cloud", "test", "local", "--template", "other", code=5)


def test_cloud_pause():
    with Server() as server:
        server.start()
        check(footman(server, "cloud", "pause", "local", "--reason", "new disk") ==
              "cloud local is paused by admin: new disk\n", "pause")
        build = server.submit("echo after")
        wait_until(lambda: "is paused by admin: new disk" in footman(server, "explain", str(build)), "the true reason")
        server.kill()
        server.start()
        check("paused" in footman(server, "cloud", "list"), "a pause outlives the server")
        check(not server.agents(), "nothing was launched")
        footman(server, "cloud", "resume", "local")
        check(server.wait_build(build)["result"] == "SUCCESS", "resumed")
        footman(server, "cloud", "pause", "nowhere", code=5)


def test_strangers_do_not_use_the_server_up():
    with Server() as server, contextlib.ExitStack() as strangers:
        server.max_open_files = 256
        server.start()

        def connect():
            return strangers.enter_context(socket.create_connection((server.host, server.http_port), timeout=PATIENCE))

        for _ in range(400):
            connect().sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check(footman(server, "run", "--", "echo", "through") == "through\n", "a build runs")
        check("cannot accept connections" not in server.log_tail(1 << 20), "descriptors are left")
        # No body is waited for that could fill the memory.
        stranger = connect()
        stranger.sendall(b"POST /api/v1/builds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 1000000\r\n\r\n")
        check(stranger.recv(12) == b"HTTP/1.1 401", "refused by its head")


def put_database(server, source):
    """Of a server that is killed, as a person does it."""
    for name in ("footman.db", "footman.db-wal"):
        (server.data / name).unlink(missing_ok=True)
        if (source / name).exists():
            shutil.copy(source / name, server.data / name)


def test_after_a_restored_backup_agents_without_a_record_wait_for_a_person():
    with Server() as server:
        server.start()
        backup = server.folder / "backup"
        backup.mkdir()
        footman(server, "backup", str(backup / "footman.db"))
        go = server.folder / "go"
        os.mkfifo(go)  # the step waits without processes of its own that come and go
        build = server.submit(f"echo runs; read line < {go}; echo goes on; sleep 600")
        server.wait_log(build, b"runs\n")
        agent = server.agent_of(build)
        processes = processes_of(server.data / "local")
        check(processes, "the agent runs")
        server.kill()
        right = server.folder / "right"
        right.mkdir()
        for file in server.data.glob("footman.db*"):
            shutil.copy(file, right)
        put_database(server, backup)
        for _ in range(2):  # the doubt outlives the server
            server.start()
            held = wait_until(lambda: json.loads(footman(server, "reconcile", "--json")).get("held"), "the hold")
            check(held["reason"] == "state_unknown" and held["would_end"] == 1 and "backup" in held["text"], held)
            told = footman(server, "reconcile")
            check(agent in told and "Not ended: waits for" in told, told)
            check("footman reconcile --apply" in footman.errors, footman.errors)
            wait_until(lambda: f'"agent refused","agent":"{agent}"' in server.log_tail(), "it knocks")
            time.sleep(1)
            check(processes <= processes_of(server.data / "local"), "nothing was ended")
            server.kill()
        # It was the wrong database: with the right one the build goes on.
        put_database(server, right)
        server.start()
        writer = os.open(go, os.O_WRONLY | os.O_NONBLOCK)  # an error at once if nobody reads any more
        os.write(writer, b"\n")
        os.close(writer)
        server.wait_log(build, b"runs\ngoes on\n")
        check(server.build(build)["state"] == "running" and server.agent_of(build) == agent, "the same build")
        server.kill()
        # Or it was not.
        put_database(server, backup)
        server.start()
        wait_until(lambda: json.loads(footman(server, "reconcile", "--json")).get("held"), "the hold")
        check(footman(server, "reconcile", "--apply") == "1 agent is ended now, or once the lease of its session is over\n", "applied")
        wait_no_processes(server.data / "local")
        check(footman(server, "reconcile", "--apply") == "nothing waits for this\n", "once")
        build = server.submit("echo after")
        check(server.wait_build(build)["result"] == "SUCCESS", "work goes on")


def test_agents_of_another_installation_wait_for_theirs():
    with Server() as server:
        server.start()
        build = server.submit("sleep 3; echo done", retries=0)
        server.wait_running(build)
        server.kill()
        right, server.data = server.data, server.folder / "empty"  # a disk that is not mounted, say
        server.start()
        wait_until(lambda: "agent refused" in server.log_tail(), "it knocks")
        time.sleep(1)
        server.kill()
        server.data = right
        server.start()
        check(server.wait_build(build)["result"] == "SUCCESS", server.build(build))


def test_what_waited_in_a_restored_backup_runs_again_only_when_a_person_says_so():
    with Server() as server:
        server.start()
        ledger = server.folder / "ledger"
        ledger.touch()
        footman(server, "cloud", "pause", "local")
        deploy = server.submit(f"echo deploy >> {ledger}")
        wish = server.submit(f"echo wish >> {ledger}")
        backup = server.folder / "backup"
        backup.mkdir()
        footman(server, "backup", str(backup / "footman.db"))
        footman(server, "cloud", "resume", "local")
        for build in (deploy, wish):
            server.wait_build(build)
        server.wait_no_agents()
        server.kill()
        put_database(server, backup)
        for _ in range(2):
            server.start()
            footman(server, "cloud", "resume", "local")
            later = server.submit("true")
            check(server.wait_build(later)["result"] == "SUCCESS", "what comes later runs")
            waiting = server.get("/api/v1/queue")["items"]
            check([one["reason"]["code"] for one in waiting] == ["state_unknown"] * 2, waiting)
            footman(server, "reconcile")
            check("2 builds that waited in this database may have run since" in footman.errors, footman.errors)
            server.kill()
        server.start()
        footman(server, "build", "cancel", str(deploy))
        check("1 build may run now" in footman(server, "reconcile", "--apply"), "let run")
        check(server.wait_build(wish)["result"] == "SUCCESS", "it runs")
        check(server.build(deploy)["result"] == "ABORTED", "it does not")
        lines = sorted(ledger.read_text().split())
        check(lines == ["deploy", "wish", "wish"], lines)


if __name__ == "__main__":
    run_tests()
