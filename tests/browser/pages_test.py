#!/usr/bin/env python3
"""The pages in a real browser, against the real programs."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from webdriver import Browser, Failed, WebDriverError, check, sign_in, wait_until

from footman import Server, run_tests

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script></div></main><h1 id=injected>injected</h1>"


class Site:
    """A server and a browser that has signed in by the printed link."""

    def __init__(self, **browser):
        self.server = Server(name="pages")
        self.settings = browser

    def __enter__(self):
        self.server.start()
        try:
            self.browser = Browser(**self.settings)
            sign_in(self.browser, self.server)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *error):
        if hasattr(self, "browser"):
            self.browser.close()
        self.server.__exit__(*error)

    def open(self, path):
        self.browser.open(f"http://127.0.0.1:{self.server.http_port}{path}")

    def check_quiet(self):
        """Nothing was blocked by the security policy, no script failed."""
        messages = [one["message"] for one in self.browser.console() if one["level"] in ("SEVERE", "WARNING")]
        check(not messages, f"the console says: {messages}")


def mark(browser):
    """A mark that a reload of the page would wipe."""
    browser.run("window.notReloaded = true")


def check_not_reloaded(browser):
    check(browser.run("return window.notReloaded === true"), "the page was loaded again by the browser")


def test_sign_in_by_the_printed_link():
    with Site() as site:
        browser = site.browser
        cookies = browser.do("GET", "/cookie")
        check(len(cookies) == 1 and cookies[0]["httpOnly"] and cookies[0]["sameSite"] == "Strict", cookies)
        check(browser.run("return document.cookie") == "", "scripts do not see the cookie")
        browser.wait_text("First steps")
        site.check_quiet()
        browser.do("DELETE", "/cookie")
        site.open("/ui/queue")
        browser.wait_text("Sign in", "h1")
        browser.do("DELETE", "/cookie")  # that of the form: then it is nobody's
        browser.type("#token", site.server.token())
        browser.click("button[type=submit]")
        browser.wait_text("CSRF token", "#trouble")
        browser.type("#token", site.server.token())
        browser.click("button[type=submit]")
        wait_until(lambda: browser.url().endswith("/ui/queue"), "the way back to the queue")
        browser.wait_text("Nothing waits.")


def test_start_a_build_and_see_its_log_live():
    with Site() as site:
        browser, server = site.browser, site.server
        gate = server.folder / "gate"
        site.open("/ui/run")
        script = (f"printf '\\033[32mgreen\\033[0m start\\n'; printf 'half'; while [ ! -e {gate} ]; do sleep 0.05; done; "
                  "printf ' line\\nsecond\\r'; echo third; printf 'caf\\303\\251 end\\n'")
        browser.type("[name='spec.steps[0].script']", script)
        browser.click("main button.primary")
        wait_until(lambda: "/ui/builds/" in browser.url(), "the page of the build")
        mark(browser)
        browser.wait_text("green start", "#log")
        check(browser.run("return document.querySelector('#log .f2')?.textContent") == "green", "colours are there")
        browser.wait_text("half", "#log")
        browser.wait_text("Running", "main")
        wait_until(lambda: browser.run("return Number(document.querySelector('.bar.active .going')?.getAttribute('width')) > 600"),
                   "the running step to grow in the timeline")
        gate.touch()
        browser.wait_text("café end", "#log")
        browser.wait_text("Success", ".summary")
        lines = browser.run("return [...document.querySelectorAll('#log .l')].map((line) => line.textContent)")
        check(lines == ["green start", "half line", "third", "café end"], lines)
        wait_until(lambda: "Agent ending" in browser.text(".phases"), "the end of the agent in the timeline")
        wait_until(lambda: browser.title().endswith("Success – Footman"), "the state in the title")
        check("is Success" in browser.run("return document.getElementById('announce').textContent"), "screen readers are told")
        check_not_reloaded(browser)
        site.check_quiet()
        # What the server draws by itself is what the script has drawn.
        drawn = browser.run("return document.getElementById('log').innerHTML")
        browser.open(browser.url())
        check(browser.run("return document.getElementById('log').innerHTML") == drawn, "the same log after a reload")


def test_lists_change_without_a_reload():
    with Site() as site:
        browser, server = site.browser, site.server
        mark(browser)
        build = server.submit("sleep 600")
        browser.wait_text("ad hoc #1")
        browser.wait_text("Running", "table")
        waiting = server.submit("true", label="linxu")
        browser.wait_text("no template offers", "main")
        for number in (build, waiting):
            server.request("POST", f"/api/v1/builds/{number}/cancel")
        browser.wait_text("Aborted", "main")
        check_not_reloaded(browser)
        site.check_quiet()


def test_a_lost_connection_comes_back():
    with Site() as site:
        browser, server = site.browser, site.server
        gate = server.folder / "gate"
        build = server.submit(f"echo before; while [ ! -e {gate} ]; do sleep 0.05; done; echo after")
        site.open(f"/ui/builds/{build}")
        mark(browser)
        browser.wait_text("before", "#log")
        server.kill()
        browser.wait_text("Connection lost", "#live")
        server.start()
        gate.touch()
        browser.wait_text("after", "#log")
        browser.wait_text("Success", ".summary")
        lines = browser.run("return [...document.querySelectorAll('#log .l')].map((line) => line.textContent)")
        check(lines == ["before", "after"], f"nothing is lost or there twice: {lines}")
        browser.wait_text("Live", "#live")
        check_not_reloaded(browser)


def test_what_builds_print_is_harmless():
    with Site() as site:
        browser, server = site.browser, site.server
        server.request("POST", "/api/v1/jobs", {
            "path": "it's \"quoted\"", "description": EVIL,
            "spec": {"env": [{"name": "X", "value": EVIL}], "steps": [{"name": "</details>" + EVIL, "script": "cat <<'E'\n" + EVIL + "\nE\n"
                     "printf '\\033]0;'; printf '%s\\007' '<b>title</b>'; printf '\\033[31m<i>red</i>\\n'; printf '\\000\\377\\n'"}]},
            "parameters": [{"name": "P", "default": EVIL, "description": EVIL}]})
        build = server.request("POST", "/api/v1/builds", {"job": "it's \"quoted\"", "parameters": {"P": EVIL}})["id"]
        server.wait_build(build)
        failing = server.submit("exit 1", label=f'"{"<b>"}"')
        for path in (f"/ui/builds/{build}", f"/ui/builds/{build}/log", "/ui/jobs/it's%20%22quoted%22", "/ui/edit-job/it's%20%22quoted%22",
                     "/ui/", "/ui/jobs", "/ui/queue", f"/ui/builds/{failing}", "/ui/agents?ended=true", "/ui/" + "%3Cscript%3E"):
            site.open(path)
            check(browser.alert() is None, f"an alert on {path}")
            found = browser.run("return document.querySelectorAll('#injected, main img, main script, #log b, #log i, main main').length")
            check(found == 0, f"{path}: elements came out of text")
            check("owned" not in browser.title(), path)
        site.open(f"/ui/builds/{build}")
        browser.wait_text("<script>alert(1)</script>", "#log")
        browser.wait_text("<i>red</i>", "#log")
        check("<b>title</b>" not in browser.text("#log"), "titles of terminals are not shown")
        # Even a script that got in would not run.
        browser.run("""try {
            const s = document.createElement('script');
            s.textContent = 'window.owned = 1';
            document.body.append(s);
          } catch {}""")
        check(browser.run("return window.owned === undefined"), "the security policy stops scripts of the page")
        blocked = browser.run("try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; }")
        check(blocked, "text does not become markup")


def test_only_the_keyboard():
    with Site() as site:
        browser = site.browser

        def tab_to(name, most=60):
            for _ in range(most):
                browser.press("tab")
                if browser.focus().startswith(name):
                    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
                    check(outline != "none", f"{name}: the focus is not seen")
                    return
            raise Failed(f"{name} cannot be reached with the Tab key on {browser.url()}")

        site.open("/ui/")
        browser.press("tab")
        check(browser.focus() == "Skip to the content", f"the first stop is {browser.focus()!r}")
        browser.press("enter")
        browser.press("tab")
        inside = browser.run("return document.querySelector('main').contains(document.activeElement)")
        check(inside, "the link skips to the content")
        site.open("/ui/")
        tab_to("Jobs")
        browser.press("enter")
        wait_until(lambda: browser.url().endswith("/ui/jobs"), "the jobs")
        tab_to("New job")
        browser.press("enter")
        wait_until(lambda: browser.url().endswith("/ui/new-job"), "the form")
        tab_to("Path")
        browser.type_keys("keys")
        tab_to("Script")
        browser.type_keys("sleep 600")
        tab_to("Create the job")
        browser.press("enter")
        wait_until(lambda: browser.url().endswith("/ui/jobs/keys"), "the job")
        tab_to("Start build")
        browser.press("enter")
        browser.wait_text("Running", ".summary")
        tab_to("Follow")  # there as long as there is something to follow
        browser.press("space")
        check(not browser.run("return document.getElementById('follow').checked"), "follow is off")
        tab_to("Cancel")
        browser.press("enter")
        browser.wait_text("Aborted", ".summary")


def test_live_pages_keep_what_a_person_does():
    with Site() as site:
        browser, server = site.browser, site.server
        server.request("POST", "/api/v1/jobs", {"path": "job", "spec": {"steps": [{"script": "true"}]},
                                                "parameters": [{"name": "P", "default": "a"}]})
        site.open("/ui/jobs/job")
        browser.type("[name='parameters.P']", "typed")
        browser.run("document.querySelector('details.menu').open = true")
        for _ in range(3):
            server.request("POST", "/api/v1/builds", {"job": "job"})
        browser.wait_text("job #3", "main")
        browser.wait_text("Success", "main")
        check(browser.run("return document.querySelector(\"[name='parameters.P']\").value").endswith("typed"), "what was typed")
        check(browser.run("return document.activeElement.name") == "parameters.P", "the focus")
        check(browser.run("return document.querySelector('details.menu').open"), "what was opened")


def test_a_long_log_stays_bounded():
    with Site() as site:
        browser, server = site.browser, site.server
        gate = server.folder / "gate"
        build = server.submit(f"seq 1 20000; while [ ! -e {gate} ]; do sleep 0.05; done; seq 20001 60000; echo the end")
        server.wait_log(build, b"20000\n")
        site.open(f"/ui/builds/{build}")
        browser.wait_text("20000", "#log")
        browser.run("document.getElementById('log').scrollTop = 0")
        wait_until(lambda: not browser.run("return document.getElementById('follow').checked"), "scrolling up stops following")
        gate.touch()
        browser.wait_text("Success", ".summary")
        wait_until(lambda: browser.run("return document.getElementById('log').lastElementChild.textContent") == "the end", "the end of the log")
        count = browser.run("return document.querySelectorAll('#log .l').length")
        check(count <= 5000, f"{count} lines are on the page")
        browser.click("#follow")
        wait_until(lambda: browser.run("""const log = document.getElementById('log');
            return log.scrollHeight - log.scrollTop - log.clientHeight < 24"""), "following goes to the end")
        check(browser.run("return !document.getElementById('log-note').hidden"), "the page says that lines are missing")


def test_phone_and_dark():
    with Site() as site:
        browser, server = site.browser, site.server
        server.request("POST", "/api/v1/jobs", {"path": "a/" + "very-long-name-" * 8, "description": "x" * 300,
                                                "spec": {"steps": [{"script": "echo " + "y" * 2000}]}})
        build = server.request("POST", "/api/v1/builds", {"job": "a/" + "very-long-name-" * 8})["id"]
        server.wait_build(build)
        server.submit("true", label="l" * 120)
        agent = server.agents()[0]["id"]
        server.request("POST", "/api/v1/clouds/local/pause", {})  # says when: a long time without a place to break
        browser.resize(320, 640, 2, mobile=True)
        for path in ("/ui/", "/ui/jobs", "/ui/jobs/a/" + "very-long-name-" * 8, "/ui/new-job", "/ui/builds", f"/ui/builds/{build}",
                     f"/ui/builds/{build}/log", "/ui/queue", "/ui/agents?ended=true", f"/ui/agents/{agent}", "/ui/clouds", "/ui/run",
                     "/ui/nothing"):
            site.open(path)
            width, seen = browser.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            check(width <= seen, f"{path} scrolls sideways: {width} > {seen}")
        site.open("/ui/")
        light = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
        browser.prefer(dark=True, reduced_motion=True)
        dark = browser.run("return getComputedStyle(document.documentElement).backgroundColor")
        check(light != dark, f"{light} in light and in dark")
        brightness = lambda colour: sum(int(part) for part in colour.strip("rgb()").split(","))
        check(brightness(dark) < 200 < brightness(light), f"{light}, {dark}")


def contrast_script():
    """Texts whose contrast with what is behind them is less than 4.5 to 1."""
    return """
        const parse = (c) => c.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
        const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
        const weak = [];
        for (const e of document.querySelectorAll('body *')) {
            if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility() || e.closest('.hidden, .skip, .code')) continue;
            const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
            const ratio = (a + .05) / (b + .05);
            if (ratio < 4.5) weak.push(`${e.localName}.${e.className} "${e.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
        }
        return weak;"""


def test_texts_can_be_read():
    with Site() as site:
        browser, server = site.browser, site.server
        colours = "".join(f"\\033[{code}mcolour {code}\\033[0m\\n" for code in [*range(30, 38), *range(90, 98)])
        build = server.submit(f"printf '{colours}'; exit 1")
        server.wait_build(build)
        server.submit("true", label="nowhere")
        for dark in (False, True):
            browser.prefer(dark=dark)
            for path in ("/ui/", f"/ui/builds/{build}", "/ui/queue", "/ui/agents?ended=true", "/ui/clouds", "/ui/new-job", "/ui/builds?state=queued"):
                site.open(path)
                weak = browser.run(contrast_script())
                check(not weak, f"{path}, dark: {dark}: {weak}")


def test_without_scripts():
    with Site() as site:
        browser, server = site.browser, site.server
        browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        site.open("/ui/run")
        browser.type("[name='spec.steps[0].script']", "echo plain; sleep 600")
        browser.click("main button.primary")
        wait_until(lambda: "/ui/builds/" in browser.url(), "the page of the build")
        number = int(browser.url().rsplit("/", 1)[1])
        server.wait_log(number, b"plain\n")
        browser.open(browser.url())
        # WebDriver's own scripts run all the same.
        check("plain" in browser.text("#log"), "the log is in the page")
        browser.click(".actions button.danger")
        check(server.wait_build(number)["result"] == "ABORTED", "it was cancelled by a plain form")


if __name__ == "__main__":
    run_tests()
