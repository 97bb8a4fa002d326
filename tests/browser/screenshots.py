#!/usr/bin/env python3
"""Pictures of the pages, made again: tests/browser/screenshots.py [FOLDER]

Without FOLDER only docs/images/build.png, the README's picture, is made; with it one picture of every page in light, dark
and on a phone. The programs come from build/release/bin (FOOTMAN_BIN).
"""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from webdriver import Browser, check, find_program, sign_in, wait_until

from footman import SOURCE, Server

PICTURE = SOURCE / "docs/images/build.png"
MOST_BYTES = 150_000

BUILD = r"""printf '\033[1mConfiguring\033[0m release, clang 19\n'
sleep 0.15
for file in accept agent cloud queue session stream timeline; do
  printf '\033[36m[%s/7]\033[0m src/%s.cpp\n' $((n = n + 1)) $file
  sleep 0.06
done
printf '\033[32mLinked\033[0m bin/app (1.8 MiB)\n'"""
TEST = r"""for suite in unit protocol storage network; do
  sleep 0.14
  printf '\033[32mpassed\033[0m  %-9s %3d cases\n' $suite $((n = n + 41))
done
printf '\033[33mskipped\033[0m hardware    2 cases: no device here\n'
printf '\033[1;32mAll tests passed.\033[0m\n'"""


def fill(server):
    """A job with a few builds; the number of the one to show."""
    server.request("POST", "/api/v1/jobs", {
        "path": "team/app", "description": "Builds and tests the application.",
        "spec": {"label": "linux && x86_64", "env": [{"name": "CC", "value": "clang"}],
                 "steps": [{"name": "build", "script": BUILD}, {"name": "test", "script": TEST}]},
        "parameters": [{"name": "BRANCH", "default": "main", "description": "What to build"}]})
    builds = []
    for branch in ("main", "next", "release"):
        builds.append(server.request("POST", "/api/v1/builds", {"job": "team/app", "parameters": {"BRANCH": branch}})["id"])
        server.wait_build(builds[-1])
    server.wait_build(server.submit("echo checking; exit 3"))
    server.submit("true", label="linux && gpu")
    server.wait_no_agents()
    return builds[-1]


def settle(browser):
    wait_until(lambda: browser.run("return document.getElementById('live').dataset.state !== 'lost'"), "a quiet page")
    browser.run("for (const e of document.querySelectorAll('.live')) e.style.display = 'none'; scrollTo(0, 0)")


def picture_of_a_build(browser, url):
    browser.resize(1120, 860, 1.25)
    browser.open(url)
    browser.wait_text("All tests passed.", "#log")
    settle(browser)
    PICTURE.parent.mkdir(exist_ok=True)
    browser.screenshot(PICTURE)
    shrink(PICTURE)
    size = PICTURE.stat().st_size
    check(size < MOST_BYTES, f"{PICTURE} has {size} bytes, more than {MOST_BYTES}")
    print(f"{PICTURE.relative_to(SOURCE)}: {size} bytes")


def shrink(path):
    """With whichever tool is here; the picture is fine without."""
    for command in (["optipng", "-quiet", "-o5", path], ["pngcrush", "-q", "-ow", path]):
        try:
            subprocess.run(command, check=False)
            return
        except FileNotFoundError:
            continue


def all_pages(browser, server, build, folder):
    folder.mkdir(parents=True, exist_ok=True)
    agent = server.agents()[-1]["id"]
    pages = {"overview": "", "jobs": "jobs", "job": "jobs/team/app", "new-job": "new-job", "builds": "builds", "build": f"builds/{build}",
             "log": f"builds/{build}/log", "queue": "queue", "agents": "agents?ended=true", "agent": f"agents/{agent}",
             "clouds": "clouds", "run": "run", "missing": "nothing"}
    for look, (width, height, dark) in {"light": (1280, 900, False), "dark": (1280, 900, True), "phone": (390, 844, False)}.items():
        browser.resize(width, height, 2 if look == "phone" else 1, mobile=look == "phone")
        browser.prefer(dark=dark)
        for name, path in pages.items():
            browser.open(f"http://127.0.0.1:{server.http_port}/ui/{path}")
            settle(browser)
            browser.screenshot(folder / f"{name}-{look}.png")


def main():
    find_program("chromium")
    with Server(name="screenshots") as server:
        server.start()
        with Browser() as browser:
            sign_in(browser, server)
            build = fill(server)
            picture_of_a_build(browser, f"http://127.0.0.1:{server.http_port}/ui/builds/{build}")
            if len(sys.argv) > 1:
                all_pages(browser, server, build, pathlib.Path(sys.argv[1]))


if __name__ == "__main__":
    main()
