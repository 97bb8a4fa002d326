"""moto's server, which plays AWS in memory, written by others; from PyPI."""
import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request

import pypi
from footman import Failed, find_free_ports, wait_until

VERSION = "5.2.5"


def find_python():
    """With moto, and with the botocore that is current when it is installed. None: said why."""
    return pypi.find_python(f"moto-{VERSION}", f"moto[server]=={VERSION}")


class Moto:
    """A server of its own; a context manager."""

    def __init__(self, python):
        self.port, = find_free_ports("127.0.0.1", 1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            wait_until(self._listens, "moto's server")
            # Else a task is a step nearer to its end each time that it is described.
            self.tell("state-manager/set-transition", {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1_000_000}})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _listens(self):
        if self.process.poll() is not None:
            raise Failed(f"moto's server ended with {self.process.returncode} at its start")
        with contextlib.suppress(urllib.error.URLError, OSError):
            self.tell("data.json", None)
            return True
        time.sleep(0.1)
        return None

    def tell(self, path, value):
        body = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/{path}", body), timeout=30) as answer:
            answer.read()
