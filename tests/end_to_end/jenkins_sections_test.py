#!/usr/bin/env python3
"""Sections of the configuration for a Jenkins: that come and go, and several for the same one."""
import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import check, run_tests, wait_until
from jenkins_test import Scene
from proxy import Proxy


@contextlib.contextmanager
def second_address(scene):
    with contextlib.closing(Proxy(int(scene.jenkins.url.rsplit(":", 1)[1].rstrip("/")))) as front:
        yield front, f"http://127.0.0.1:{front.port}/"


def test_a_jenkins_that_leaves_the_configuration():
    with Scene() as scene:
        server = scene.server
        scene.start().trigger(waits=True)
        scene.wait_running()
        scene.wait_known()
        with_it = server.config_file.read_text()
        without_it = with_it[with_it.index("clouds:"):]
        server.config_file.write_text(without_it)
        changes = server.request("POST", "/api/v1/reload")["changes"]
        check(changes == ["jenkins ci removed"], changes)
        standing = lambda: [one["name"] for one in scene.jenkins.ask("state")["nodes"]]
        wait_until(lambda: standing() == scene.nodes(), lambda: f"the placeholders to go: {standing()}")
        check(len(scene.nodes()) == 1 and not scene.results()[0], f"what is at work goes on: {scene.describe()}")
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"])
        said = lambda words: [line for line in server.log_tail(1_000_000).splitlines() if words in line]
        wait_until(lambda: said("nothing of this server is left in the Jenkins 'ci'") and not standing(), lambda: f"all to be gone: {scene.describe()}")
        server.stop()
        scene.start()
        check(not said("is in the configuration no more"), "nothing is left to say")
        server.stop()
        server.config_file.write_text(with_it)
        scene.start()
        wait_until(lambda: len(standing()) == 2, lambda: f"the placeholders: {standing()}")
        server.stop()
        server.config_file.write_text(without_it)
        for _ in range(2):
            scene.start()
            server.stop()
        [told] = said("is in the configuration no more")
        check("'footman-'" in told and "footman jenkins detach ci" in told, told)
        server.config_file.write_text(with_it)
        scene.start()
        wait_until(lambda: server.get("/api/v1/jenkins/ci")["jenkins"]["reach"] == "well", "Jenkins is known")
        server.stop()
        server.config_file.write_text(with_it.replace("user:", "prefix: agents-, user:"))
        scene.start()
        wait_until(lambda: len(standing()) == 2 and all(one.startswith("agents-") for one in standing()), lambda: f"what the former prefix made to go: {standing()}")


def test_another_address_of_the_same_jenkins():
    with Scene() as scene, second_address(scene) as (front, url):
        server = scene.server
        said = lambda: [line for line in server.log_tail(1_000_000).splitlines() if "it is the same at another address, all goes on" in line]
        scene.start().trigger(waits=True)
        scene.wait_known()
        server.stop()
        check(not said(), said())
        server.config_file.write_text(server.config_file.read_text().replace(scene.jenkins.url, url))
        for _ in range(2):  # it is said once
            scene.start()
            wait_until(lambda: server.get("/api/v1/jenkins/ci")["jenkins"]["reach"] == "well", "Jenkins is known")
            [told] = said()
            check(f"is at {url} now and was at {scene.jenkins.url}:" in told and "begin with 'footman-'" in told, told)
            server.stop()
        scene.start()
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"])
        check(front.accepted > 0, "it is found there")
        scene.check_clean(1)


def test_two_sections_for_one_jenkins():
    with Scene() as scene, second_address(scene) as (front, url):
        server = scene.server
        shown = lambda name: server.get(f"/api/v1/jenkins/{name}")["jenkins"]
        written = server.config_file.read_text()
        ci = written[written.index("{"):written.index("}]\n") + 1]
        both = ci.replace("name: ci", "name: front").replace(scene.jenkins.url, url)
        server.config_file.write_text(written.replace(ci, f"{both}, {ci}"))
        front.refuse = True
        scene.start().trigger(waits=True)
        scene.wait_known()
        front.refuse = False
        same = "It is the same Jenkins as 'ci'"
        wait_until(lambda: shown("front")["trouble"].startswith(same), lambda: f"the one that came later to say so: {shown('front')}")
        check(not shown("ci")["trouble"], shown("ci"))
        server.config_file.write_text(written.replace(ci, both))
        server.request("POST", "/api/v1/reload")
        wait_until(lambda: not shown("front")["trouble"] and shown("front")["tells_labels"], lambda: f"the other one to take over: {shown('front')}")
        scene.trigger("next")
        wait_until(lambda: "SUCCESS" in scene.results(), lambda: f"a build of the other one; {scene.describe()}")
        check(len(scene.ran_on()) == 2 and scene.ran_on()[0] in scene.nodes(), f"what is at work goes on: {scene.describe()}")
        scene.go_on.touch()
        scene.wait_results(["SUCCESS"] * 2)
        wait_until(lambda: "nothing of this server is left in the Jenkins 'ci'" in server.log_tail(1_000_000), lambda: f"the first one to be done; {scene.describe()}")
        scene.check_clean(2)


if __name__ == "__main__":
    run_tests()
