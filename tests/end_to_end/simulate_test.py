#!/usr/bin/env python3
"""footman simulate with the real program: numbers that can be worked out by hand."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import BIN, PATIENCE, Server, check, run_tests

ONE_AGENT = """clouds:
  - name: here
    type: local
    templates:
      - {name: small, default: true, cap: 1}
"""
KEPT = ONE_AGENT.replace("cap: 1", "cap: 1, retention: {idle: 10m}")
THREE_AT_ONCE = "submitted,label,duration\n0,,60\n0,,60\n0,,60\n"


class Folder:
    """Files in a folder of its own, and the program run in it."""

    def __init__(self, **files):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="footman-simulate-"))
        for name, text in files.items():
            (self.path / name.replace("_", ".")).write_text(text)

    def simulate(self, *words, code=0):
        done = subprocess.run([BIN / "footman", "simulate", *words], cwd=self.path, capture_output=True, text=True,
                              timeout=PATIENCE * 4)
        check(done.returncode == code, f"{words}: {done.returncode} instead of {code}\n{done.stdout}\n{done.stderr}")
        self.errors = done.stderr
        return done.stdout

    def simulate_json(self, *words, code=0):
        return json.loads(self.simulate("--json", *words, code=code))


def test_one_agent_at_a_time():
    folder = Folder(footman_yaml=ONE_AGENT, trace_csv=THREE_AT_ONCE)
    result = folder.simulate_json("--trace", "trace.csv", "--boot", "10s", "--price", "3.60")["result"]
    wait = result["wait"]
    check((wait["p50_s"], wait["max_s"], wait["mean_s"]) == (80, 150, 80), wait)
    agents = result["agents"]
    check((agents["launches"], agents["peak"]) == (3, 1), agents)
    check((agents["billed_s"], agents["useful_s"], agents["overhead_s"]) == (210, 180, 30), agents)
    check(abs(agents["cost_usd"] - 0.21) < 1e-9, agents)
    holds = {hold["reason"]: hold["waited_s"] for hold in result["holds"]}
    check(holds == {"template_cap": 70 + 140, "launching": 30}, holds)
    text = folder.simulate("--trace", "trace.csv", "--boot", "10s")
    check("Wait, longest" in text and "2.5 min" in text and "template_cap" in text, text)


def test_two_configurations_side_by_side():
    folder = Folder(footman_yaml=ONE_AGENT, other_yaml=KEPT, trace_csv=THREE_AT_ONCE)
    words = ("--trace", "trace.csv", "--boot", "10s", "--vs", "other.yaml", "--html", "report.html")
    told = folder.simulate_json(*words)
    check(told["vs"]["agents"]["launches"] == 1, told["vs"])
    check(told["vs"]["wait"]["max_s"] == 130, told["vs"])
    check(told["differences"]["wait_max"] == -20 and told["differences"]["launches"] == -2, told["differences"])
    check(told["vs"]["agents"]["billed_s"] == 10 + 180 + 600, told["vs"])
    page = (folder.path / "report.html").read_text()
    check(page.startswith("<!doctype html>") and page.count("<svg") >= 6 and "other.yaml" in page, page[:500])
    for outside in ("<script", "http:", "https:", "src=", "@import", "url("):
        check(outside not in page, f"the page must need nothing else, but has {outside}")
    text = folder.simulate(*words)
    check("Difference" in text and "-20.0 s" in text, text)


def test_the_same_seed_is_the_same_answer():
    folder = Folder(footman_yaml=ONE_AGENT.replace("cap: 1", "cap: 3"))
    words = ("--generate", "bursty", "--rate", "40", "--span", "2h", "--boot", "10s", "--boot-p90", "30s",
             "--launch-failures", "5", "--connect-failures", "2%")
    first = folder.simulate("--json", *words)
    check(folder.simulate("--json", *words) == first, "the same input, another answer")
    check(folder.simulate("--json", *words, "--seed", "2") != first, "another seed, the same answer")


def test_what_is_wrong_is_said_where_it_is():
    folder = Folder(footman_yaml=ONE_AGENT, trace_csv="submitted,label,duration\n0,,60\nsoon,,60\n0,,ever\n")
    folder.simulate("--trace", "trace.csv", code=2)
    check("trace.csv:3:1: 'soon' is no time" in folder.errors and "trace.csv:4:4: 'ever'" in folder.errors,
          folder.errors)
    folder.simulate("--trace", "nowhere.csv", code=2)
    folder.simulate(code=2)
    folder.simulate("--generate", "steady", "--boot", "large=3s", code=2)
    check("no template 'large'" in folder.errors, folder.errors)
    folder.simulate("--generate", "steady", "--span", "1h", "--html", "no/such/folder/x.html", code=6)
    for kind, file in (("--trace", "./trace.csv"), ("--generate", "footman.yaml")):
        before = (folder.path / file).read_text()
        folder.simulate(kind, file if kind == "--trace" else "steady", "--html", file, code=2)
        check("would write over" in folder.errors and (folder.path / file).read_text() == before, folder.errors)


def test_builds_that_never_run():
    folder = Folder(footman_yaml=ONE_AGENT, trace_csv="submitted,label,duration\n0,windows,60\n0,,60\n")
    result = folder.simulate_json("--trace", "trace.csv", code=1)["result"]
    check((result["builds"], result["finished"]) == (2, 1), result)
    check([(never["reason"], never["builds"]) for never in result["never_ran"]] == [("no_template", 1)], result)


def test_the_builds_of_a_server_are_a_trace():
    with Server(ONE_AGENT) as server:
        server.start()
        for script in ("sleep 0.2", "true"):
            server.wait_build(server.submit(script))
        server.request("POST", f"/api/v1/builds/{server.submit('true', label='nowhere')}/cancel", {})
        trace = subprocess.run([BIN / "footman", "build", "trace", "--since", "1h"], capture_output=True, text=True,
                               env={**os.environ, "FOOTMAN_DATA": str(server.data)}, timeout=PATIENCE).stdout
    lines = trace.splitlines()
    check(lines[0] == "submitted,label,duration,job" and len(lines) == 3, trace)
    check(0.2 <= float(lines[2].split(",")[2]) < 20, trace)
    folder = Folder(footman_yaml=ONE_AGENT, trace_csv=trace)
    result = folder.simulate_json("--trace", "trace.csv", "--boot", "10s")["result"]
    check(result["finished"] == 2, result)


def test_a_pool_with_a_goal_is_as_large_as_the_server_would_keep_it():
    lines = [f"{600 * i + 300},,60" for i in range(60) for _ in range(2)]
    plain = ONE_AGENT.replace(", cap: 1", "")
    folder = Folder(footman_yaml=plain.replace("default: true", "default: true, pool: {goal: {wait: p90 <= 1s}}"),
                    other_yaml=plain, trace_csv="\n".join(["submitted,label,duration", *lines, ""]))
    words = ("--trace", "trace.csv", "--boot", "30s", "--vs", "other.yaml")
    told = folder.simulate_json(*words)
    (pool,) = told["result"]["goal_pools"]
    check((pool["template"], pool["min_idle"], pool["met"]) == ("small", 2, True), pool)
    check(told["result"]["wait"]["p90_s"] == 0 and told["vs"]["wait"]["p90_s"] == 30, told["differences"])
    check(told["vs"]["goal_pools"] == [], told["vs"]["goal_pools"])
    text = folder.simulate(*words)
    check(re.search(r"^small +2 +met +\S", text, re.M), text)


def test_pools_for_a_goal():
    """Two builds at once each ten minutes: two idle agents, so that nobody waits for a launch."""
    lines = [f"{600 * i + 300},,60" for i in range(12) for _ in range(2)]
    folder = Folder(footman_yaml=ONE_AGENT.replace(", cap: 1", ""),
                    trace_csv="\n".join(["submitted,label,duration", *lines, ""]))
    words = ("--trace", "trace.csv", "--boot", "30s", "--price", "1", "--goal", "p90 wait <= 1s")
    told = folder.simulate_json(*words)
    found = told["goal"]
    check(found["met"] and [(pool["template"], pool["min_idle"]) for pool in found["pools"]] == [("small", 2)], found)
    check(told["result"]["wait"]["p90_s"] == 30 and told["vs"]["wait"]["p90_s"] == 0, told["differences"])
    poor = folder.simulate_json(*words, "--budget", str(found["cost_a_day_usd"] - 1), code=1)["goal"]
    check([pool["min_idle"] for pool in poor["pools"]] == [1] and not poor["met"], poor)
    check(poor["wanted_cost_a_day_usd"] == found["cost_a_day_usd"], poor)
    text = folder.simulate(*words)
    check("small: pool: {min_idle: 2}" in text, text)
    folder.simulate("--trace", "trace.csv", "--goal", "fast", code=2)
    folder.simulate("--trace", "trace.csv", "--goal", "p90 wait <= 1s", "--budget", "3", code=2)
    check("needs prices" in folder.errors, folder.errors)


if __name__ == "__main__":
    run_tests()
