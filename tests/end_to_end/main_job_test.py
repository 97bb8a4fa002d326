#!/usr/bin/env python3
"""The main job with the real programs, and what people do around it."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import BIN, ApiError, Server, check, check_numbered, numbered, run_tests, wait_no_processes, wait_until


def test_hello_world():
    with Server() as server:
        server.start()
        build = server.submit("echo Hello world")
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS", done)
        check(b"Hello world\n" in server.log(build), server.log(build))
        server.wait_no_agents()
        agents = server.agents()
        check(len(agents) == 1, f"exactly one agent was launched: {agents}")
        check(agents[0]["state"] == "terminated" and agents[0]["end"]["reason"] == "build_finished", agents)
        told = server.get(f"/api/v1/builds/{build}/explain")
        kinds = [entry["kind"] for entry in told["timeline"]]
        check("decided" in kinds and "connected" in kinds and "finished" in kinds, kinds)
        server.stop()
        wait_no_processes(server.folder)


def test_results_and_exit_status():
    with Server() as server:
        server.start()
        failing = server.submit("echo before\nexit 7\necho never")
        killed = server.submit("kill -9 $$")
        failed = server.wait_build(failing)
        check(failed["result"] == "FAILURE" and failed["exit_status"] == 7, failed)
        check(b"never" not in server.log(failing), "a step ends with its first error")
        dead = server.wait_build(killed)
        check(dead["result"] == "FAILURE" and "9" in dead["reason"], dead)


def test_unknown_label_waits_with_a_reason():
    with Server() as server:
        server.start()
        build = server.submit("true", label="linxu")
        waiting = wait_until(lambda: (server.build(build).get("queue", {}).get("reason", {}).get("code") == "no_template"
                                      and server.build(build)), "the reason no_template")
        text = waiting["queue"]["reason"]["text"]
        check("linxu" in text and "linux" in text, f"names what is wrong and the nearest: {text}")
        cancelled = server.request("POST", f"/api/v1/builds/{build}/cancel", {"reason": "typing error"})
        check(cancelled["result"] == "ABORTED", cancelled)
        check(not server.agents(), "no agent was launched for it")


def test_cancel_ends_the_whole_tree():
    with Server() as server:
        server.start()
        build = server.submit("setsid sh -c 'sleep 600 & sleep 601' & sleep 602", grace_ms=500)
        server.wait_running(build)
        wait_until(lambda: len(sleepers(server)) >= 3, "three sleeping processes")
        server.request("POST", f"/api/v1/builds/{build}/cancel", {"reason": "enough"})
        done = server.wait_build(build)
        check(done["result"] == "ABORTED" and "enough" in done["reason"], done)
        wait_until(lambda: not sleepers(server), "every process of the build to be gone")


def sleepers(server):
    from footman import processes_of
    found = []
    for pid in processes_of(server.folder):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep":
            found.append(pid)
    return found


def test_sigterm_leaves_builds_running():
    with Server() as server:
        server.start()
        build = server.submit(numbered(60, 0.05))
        server.wait_log(build, b"line 5\n")
        server.stop()
        server.start()
        done = server.wait_build(build)
        check(done["result"] == "SUCCESS" and done["attempts"] == 1, done)
        check_numbered(server.log(build), 60)


def test_agent_port_and_tcp():
    config = "connect: tcp\n"
    with Server(config) as server:
        server.start()
        build = server.submit(numbered(2000))
        check(server.wait_build(build)["result"] == "SUCCESS", "over TCP with TLS")
        check_numbered(server.log(build), 2000)


def make_certificate(folder, name):
    """A self-signed certificate and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=footman", "-addext", f"subjectAltName={name}", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


def test_https_with_a_certificate_of_ones_own():
    with Server() as server:
        server.certificate, key = make_certificate(server.folder, "IP:127.0.0.1")
        server.config_file.write_text(f"tls: {{certificate: {server.certificate}, key: {key}}}\n")
        server.start()
        build = server.submit("echo over TLS")
        check(server.wait_build(build)["result"] == "SUCCESS", server.get(f"/api/v1/builds/{build}"))
        secret = key.read_text().splitlines()[1].encode()
        server.stop()
        holders = [path for path in server.data.rglob("*") if path.is_file() and secret in path.read_bytes()]
        check(not holders, f"the certificate's key was written to {holders}")


def test_agents_that_do_not_trust_the_server_say_so():
    with Server() as server:
        server.certificate, key = make_certificate(server.folder, "IP:127.0.0.1")
        (server.folder / "other").mkdir()
        other, _ = make_certificate(server.folder / "other", "IP:127.0.0.1")
        server.config_file.write_text(f"tls: {{certificate: {server.certificate}, key: {key}, ca: {other}}}\n")
        server.start()
        build = server.submit("true")
        words = "signed by an authority that is not known here"
        wait_until(lambda: words in server.build(build)["reason"], "the build's reason names the certificate")
        agent = server.agents()[-1]["id"]
        told = server.get(f"/api/v1/agents/{agent}/explain")
        check(any(words in entry["text"] for entry in told["timeline"]), told)


def test_warm_agents_are_used_again():
    config = """
clouds:
  - name: here
    type: local
    cap: 1
    templates: [{name: warm, labels: [w], default: true, retention: {idle: 30s}}]
"""
    with Server(config) as server:
        server.start()
        builds = [server.submit(f"echo {n}") for n in range(10)]
        for build in builds:
            check(server.wait_build(build)["result"] == "SUCCESS", build)
        check(len(server.agents()) == 1, "one agent did them all")
        agent = server.agents()[0]["id"]
        server.request("POST", f"/api/v1/agents/{agent}/drain")
        server.wait_no_agents()


def test_costs_and_budgets():
    config = """
limits: {vcpus: 2, budget: {per_hour: $1}}
clouds:
  - name: here
    type: local
    templates:
      - {name: dear, default: true, size: {cpu: 1}, price: $0.60/h, labels: [linux]}
"""
    with Server(config) as server:
        server.start()
        first = server.submit("sleep 600")
        server.wait_running(first)
        second = server.submit("true")
        waiting = wait_until(lambda: (server.build(second).get("queue", {}).get("reason", {}).get("code") == "hour_budget"
                                      and server.build(second)), "the reason hour_budget")
        check("$0.60/h" in waiting["queue"]["reason"]["text"], waiting)
        server.kill()
        server.start()
        wait_until(lambda: server.build(second).get("queue", {}).get("reason", {}).get("code") == "hour_budget",
                   "the reason hour_budget after a crash")
        check(len(server.agents()) == 1, "no second agent")
        server.request("POST", f"/api/v1/builds/{first}/cancel", {})
        check(server.wait_build(second)["result"] == "SUCCESS", "it runs once the first agent is gone")
        server.wait_no_agents()
        cost = server.build(first)["cost"]
        check(cost["final"] and cost["useful_micro_usd"] > 0 and cost["total_micro_usd"] > cost["useful_micro_usd"], cost)
        agent = server.get(f"/api/v1/agents/{server.agent_of(first)}")
        check(agent["cost"] == cost, "an agent that had one build was there for that alone")
        report = server.get("/api/v1/costs?by=template")
        check([row["key"] for row in report["rows"]] == ["dear"] and report["rows"][0]["builds"] == 2, report)
        total = sum(agent["cost"]["total_micro_usd"] for agent in server.agents())
        check(report["total"]["cost"]["total_micro_usd"] == total, report)
        server.stop()


def test_idempotency():
    with Server() as server:
        server.start()
        first = server.submit("echo once", key="k1")
        check(server.submit("echo once", key="k1") == first, "the same key gives the same build")
        try:
            server.submit("echo other", key="k1")
            check(False, "another request with the same key must be refused")
        except ApiError as error:
            check(error.status == 409, error)


def test_secrets_are_masked():
    with Server() as server:
        secret = "s3cr3t-value-of-the-test"
        server.start(environment={"THE_SECRET": secret})
        build = server.submit('printf s3cr3t-val; sleep 0.05; echo ue-of-the-test; echo "[$KEY]"',
                              env=[{"name": "KEY", "secret_ref": "env:THE_SECRET"}])
        check(server.wait_build(build)["result"] == "SUCCESS", build)
        log = server.log(build)
        check(secret.encode() not in log and b"[****]" in log, log)
        server.stop()
        for path in server.folder.rglob("*"):
            if path.is_file():
                check(secret.encode() not in path.read_bytes(), f"the secret stands in {path.name}")


def test_reload_drains_the_old_generation():
    before = "clouds: [{name: here, type: local, templates: [{name: t, default: true, retention: {idle: 10m}}]}]\n"
    after = before.replace("idle: 10m", "idle: 10m}, env: {NEW: yes")
    with Server(before) as server:
        server.start()
        server.wait_build(server.submit("true"))
        old = server.agents()[0]["id"]
        server.config_file.write_text(after)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.get(f"/api/v1/agents/{old}")["state"] == "terminated", "the old agent to leave")
        build = server.submit("echo new=$NEW")
        check(server.wait_build(build)["result"] == "SUCCESS" and b"new=yes" in server.log(build), server.log(build))
        server.config_file.write_text("clouds: [\n")
        try:
            server.request("POST", "/api/v1/reload")
            check(False, "a wrong file must be refused")
        except ApiError as error:
            check(error.status == 400 and "footman.yaml:" in str(error), error)


def test_reload_refuses_a_pipe():
    with Server() as server:
        server.config_file.unlink()
        os.mkfifo(server.config_file)
        threading.Thread(target=lambda: server.config_file.write_text("limits: {agents: 3}\n"), daemon=True).start()
        server.start()
        for _ in range(6):
            try:
                server.request("POST", "/api/v1/reload")
                check(False, "a pipe must be refused")
            except ApiError as error:
                check(error.status == 400 and "is not a regular file" in str(error), error)
        check(server.wait_build(server.submit("true"))["result"] == "SUCCESS", "nothing has changed")
        server.stop()


def test_backup_goes_through_the_server():
    with Server() as server:
        server.start()
        build = server.submit("echo kept")
        server.wait_build(build)
        copy = server.folder / "copy.db"
        server.request("POST", "/api/v1/backup", {"path": str(copy)})
        check(copy.stat().st_size > 0, "there is a copy")
        server.stop()
        (server.data / "footman.db").write_bytes(copy.read_bytes())
        for suffix in ("-wal", "-shm"):
            (server.data / f"footman.db{suffix}").unlink(missing_ok=True)
        server.start()
        check(server.build(build)["result"] == "SUCCESS", "the restored database knows the build")


def restore(server, backup):
    """As docs/OPERATIONS.md says: the backup in the place of the database, everything else stays."""
    server.stop()
    for file in server.data.glob("footman.db*"):
        file.unlink()
    if backup:
        shutil.copy(backup, server.data / "footman.db")
    server.start()


def test_a_restored_backup_shows_no_log_of_another_build():
    with Server() as server:
        server.start()
        backup = server.folder / "backup.db"
        first = server.submit("echo first")
        server.wait_build(first)
        done = subprocess.run([BIN / "footman", "backup", backup, "--data", server.data], capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL)
        check(done.returncode == 0, done.stderr)
        given = [first]
        for source, known in ((backup, [first]), (None, [])):  # put back, then deleted
            later = server.submit("echo of another team")
            server.wait_build(later)
            given.append(later)
            server.wait_no_agents()
            restore(server, source)
            check([one["id"] for one in server.get("/api/v1/builds")["builds"]] == known, "the database went back")
            aside = list((server.data / "logs").glob("unknown-*/*.log")) + list(
                (server.data / "logs").glob("unknown-*/*.done"))
            check(any(b"another team" in file.read_bytes() for file in aside), f"its log is set aside: {aside}")
            check("does not know are set aside" in server.log_tail(), "and people are told")
            build = server.submit("echo new")
            check(build not in given, f"{build} was given before: {given}")
            given.append(build)
            done = server.wait_build(build)
            check(done["result"] == "SUCCESS", done)
            check(b"new" in server.log(build) and b"team" not in server.log(build), server.log(build))
            if known:
                check(b"first" in server.log(first), "the log of a known build is still there")


def start_fails(server, *arguments, data=None):
    done = subprocess.run([BIN / "footman", "up", "--data", data or server.data, *arguments],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    check(done.returncode != 0, "it must not start")
    lines = [line for line in done.stderr.splitlines() if line.startswith("footman: ")]
    check(len(lines) == 1, f"one clear sentence: {done.stderr!r}")
    return done.returncode, lines[0]


def test_bad_starts():
    with Server() as server:
        server.start()
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0")
        check(code == 6 and str(server.data) in text, (code, text))
        other = server.folder / "other"
        code, text = start_fails(server, "--listen", f"127.0.0.1:{server.http_port}", "--agent-listen", "127.0.0.1:0",
                                 data=other)
        check(code == 6 and str(server.http_port) in text, (code, text))
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0",
                                 data="/proc/footman")
        check(code == 6 and "/proc/footman" in text, (code, text))
        for wrong in (["--listen", "nonsense"], ["--listen", "127.0.0.1:0", "--tls-certificate", other, "--tls-key", other]):
            code, text = start_fails(server, *wrong, "--agent-listen", "127.0.0.1:0")
            check(code == 2 and str(wrong[-1]) in text, (code, text))
        plain = server.folder / "plain"
        plain.write_text("no PEM")
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0",
                                 "--tls-certificate", plain, "--tls-key", plain)
        check(code == 2 and str(plain) in text, (code, text))
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0", data=plain)
        check(code == 6 and "is not a directory. Choose" in text, (code, text))
        server.stop()
        database = server.data / "footman.db"
        database.write_bytes(b"this is no database" * 100)
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0")
        check(code == 6 and "footman.db" in text, (code, text))


def test_a_second_server_touches_nothing():
    """Neither the notes of the first one nor the secrets: with two at a first start, each would have its own."""
    with Server() as server:
        server.start()
        secrets = ["server.key", "agent-port.pem", "token"]
        kept = {name: (server.data / name).read_bytes() for name in secrets}
        for name in secrets:
            (server.data / name).unlink()
        code, text = start_fails(server, "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0")
        check(code == 6 and "Another Footman server" in text, (code, text))
        check((server.data / "server.json").exists(), "clients still find the first server")
        made = [name for name in secrets if (server.data / name).exists()]
        check(not made, f"made by a server that was refused: {made}")
        for name, content in kept.items():
            (server.data / name).write_bytes(content)


def test_foreign_agents_are_refused():
    with Server() as server:
        server.start()
        secret = server.folder / "secret"
        secret.write_text("0" * 64)
        os.chmod(secret, 0o600)
        done = subprocess.run([BIN / "footman-agent", "run", "--url", f"ws://127.0.0.1:{server.http_port}/agent/v1",
                               "--name", "local-stranger", "--attempt", "1", "--secret-file", secret,
                               "--work-dir", server.folder / "stranger"],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        check(done.returncode != 0, "a stranger is not let in")
        _, _, metrics = server.request("GET", "/metrics", raw=True)
        counted = [line for line in metrics.decode().splitlines()
                   if line.startswith("footman_agent_refused") and not line.endswith(" 0")]
        check(counted, "the refusal is counted")


if __name__ == "__main__":
    run_tests()
