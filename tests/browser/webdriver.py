"""A headless Chromium, driven through chromedriver's WebDriver protocol. Only the standard library.

A page is looked at as a person would: elements are found by what they are called, keys are pressed, and everything waits
for a condition with a limit.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import Failed, check, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"tab": "\ue004", "enter": "\ue007", "escape": "\ue00c", "space": " ", "down": "\ue015", "end": "\ue010", "home": "\ue011"}
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
         "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb", "--mute-audio"]


class WebDriverError(Exception):
    pass


class Browser:
    def __init__(self, width=1280, height=900, dark=False, scale=1):
        self.folder = tempfile.mkdtemp(prefix="footman-browser-")
        # A home of its own: nothing is read from or written to the person's.
        environment = {**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder}
        self.session = None
        self.driver = None
        try:
            self.start_driver(environment)
            arguments = [*QUIET, f"--user-data-dir={self.folder}/profile", f"--window-size={width},{height}",
                         f"--force-device-scale-factor={scale}"]
            options = {"args": arguments, "binary": find_program("chromium")}
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
                "unhandledPromptBehavior": "ignore"}}})
            self.session = answer["sessionId"]
            self.resize(width, height, scale)
            self.prefer(dark=dark)
        except BaseException:
            self.close()
            raise

    def start_driver(self, environment):
        # It chooses a port for IPv4 and IPv6 alike and gives up when somebody has the second one: then once more.
        for _ in range(5):
            self.driver = subprocess.Popen([find_program("chromedriver"), "--port=0"], stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment,
                                           text=True)
            for line in self.driver.stdout:
                found = re.search(r"successfully on port (\d+)", line)
                if found:
                    self.port = int(found.group(1))
                    return
            self.driver.wait()
        raise Failed("chromedriver does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            with contextlib.suppress(Exception):
                self.call("DELETE", f"/session/{self.session}")
        if self.driver is None:
            return
        self.driver.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.driver.wait(10)
        self.driver.kill()
        self.driver.wait()
        self.driver.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the protocol

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.loads(error.read() or b"{}").get("value", {})
            raise WebDriverError(f"{value.get('error')}: {value.get('message', '').splitlines()[:1]}") from None

    def do(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # --- the page

    def open(self, url):
        self.do("POST", "/url", {"url": url})

    def url(self):
        return self.do("GET", "/url")

    def title(self):
        return self.do("GET", "/title")

    def run(self, script, *arguments):
        return self.do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector="body"):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def wait_text(self, text, selector="body", limit=None):
        wait_until(lambda: text in self.text(selector),
                   lambda: f"{text!r} in {selector} of {self.url()}; it shows: {self.text(selector)[-600:]!r}", limit)

    def find(self, selector):
        return self.do("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.do("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.do("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, key, shift=False):
        """A key, to whatever has the focus."""
        actions = [{"type": "keyDown", "value": KEYS.get(key, key)}, {"type": "keyUp", "value": KEYS.get(key, key)}]
        if shift:
            actions = [{"type": "keyDown", "value": "\ue008"}, *actions, {"type": "keyUp", "value": "\ue008"}]
        self.do("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def type_keys(self, text):
        for letter in text:
            self.press(letter)

    def focus(self):
        """What has the focus, in words: its text, label or name."""
        return self.run("""
            const e = document.activeElement;
            if (!e || e === document.body) return '';
            return (e.innerText || e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.name || e.id || e.localName).trim()""")

    def alert(self):
        try:
            return self.do("GET", "/alert/text")
        except WebDriverError:
            return None

    def console(self):
        """Messages of the console since the last call."""
        return self.do("POST", "/se/log", {"type": "browser"})

    def resize(self, width, height, scale=1, mobile=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def prefer(self, dark=False, reduced_motion=False):
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}])

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.do("GET", "/screenshot")))


def find_program(name):
    """The browser itself, where Debian puts it behind a script."""
    candidates = {"chromium": ["/usr/lib/chromium/chromium", "/usr/bin/chromium"], "chromedriver": ["/usr/bin/chromedriver"]}
    for path in candidates[name]:
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(name)
    check(found, f"{name} is not installed: tools/install-packages browser")
    return found


def sign_in(browser, server):
    """By the link that the server printed when it started."""
    link = wait_until(lambda: re.findall(r"http://\S+/ui/sign-in\?code=\S+", server.log_tail(100_000)), "the printed link")[-1]
    browser.open(link)
    wait_until(lambda: browser.url().endswith("/ui/"), lambda: f"the overview; it is {browser.url()}")
