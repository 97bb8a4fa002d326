"""For tests: starts the fake, controls it, and talks to it as a client of AWS."""
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session

from .models import OverlayLoader

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "fake-aws"


class FakeAws:
    """A fake of its own; a context manager. Options are those of the command line: `provision_seconds=0.1`.

    The fake dies with the thread that made this object, so make it in one that stays, such as the main thread.
    """

    def __init__(self, throttling=True, environment=None, **options):
        command = [str(PROGRAM), "--with-parent"]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        if not throttling:
            command.append("--no-throttling")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fake of AWS ended with {self.process.wait()} at its start")
        self.about = json.loads(line)
        self.url, self.region, self.account = self.about["url"], self.about["region"], self.about["account"]
        self.access_key_id, self.secret_access_key = self.about["access_key_id"], self.about["secret_access_key"]
        self._loader = OverlayLoader()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    # --- control

    def ask(self, name, /, **params):
        """GET /fake/NAME"""
        query = f"?{urllib.parse.urlencode(params)}" if params else ""
        return self._control("GET", f"/fake/{name}{query}", None)

    def tell(self, name, /, **params):
        """POST /fake/NAME"""
        return self._control("POST", f"/fake/{name}", json.dumps(params))

    def _control(self, method, path, body):
        status, _, answer = self.send(method, path, body, {"Content-Type": "application/json"} if body else {})
        value = json.loads(answer)
        if status != 200:
            raise RuntimeError(value["error"])
        return value

    def set(self, **settings):
        return self.tell("settings", **settings)

    def tasks(self):
        return self.ask("tasks")

    def calls(self, service="", operation=""):
        return self.ask("calls", service=service, operation=operation)

    def check_no_violation(self):
        """The end of every test whose client must be correct."""
        found = self.ask("violations")
        if found:
            raise AssertionError("requests that AWS would not accept: " + json.dumps(found, indent=1))

    # --- as a client of AWS

    def environment(self, **key):
        """For a program that finds its credentials in the environment."""
        key = key or self.about
        found = {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"],
                 "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if key.get("session_token"):
            found["AWS_SESSION_TOKEN"] = key["session_token"]
        return found

    def botocore_client(self, service, retries=0, loader=None, **key):
        """botocore's own client; with the overlay, unless another loader is given."""
        key = key or self.about
        session = botocore.session.Session(profile=None)
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        session.register_component("data_loader", loader or self._loader)
        config = botocore.config.Config(retries={"max_attempts": retries}, max_pool_connections=50, parameter_validation=False)
        return session.create_client(service, region_name=self.region, endpoint_url=self.url, config=config,
                                     aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
                                     aws_session_token=key.get("session_token"))

    def send(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def send_signed(self, service, body, headers, stamp=None, change=lambda request: None, **key):
        """A request signed by hand at a time ("20260101T000000Z", or now); `change` may spoil it after the signature."""
        key = key or self.about
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", headers, body)
        credentials = botocore.credentials.Credentials(key["access_key_id"], key["secret_access_key"], key.get("session_token") or None)
        signer = botocore.auth.SigV4Auth(credentials, service, key.get("region", self.region))
        if stamp is None:
            signer.add_auth(request)
        else:
            request.context["timestamp"] = stamp
            signer._modify_request_before_signing(request)
            text = signer.string_to_sign(request, signer.canonical_request(request))
            signer._inject_signature_to_request(request, signer.signature(text, request))
        change(request)
        return self.send("POST", "/", request.body, dict(request.headers.items()))

    def send_json(self, target, params, service="ecs", version="1.1", **more):
        """A JSON request to ECS and its like; `params` may be text."""
        body = params if isinstance(params, (str, bytes)) else json.dumps(params)
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        status, _, answer = self.send_signed(service, body, headers, **more)
        return status, json.loads(answer) if answer else None
