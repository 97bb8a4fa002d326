"""Starts the fake: prints one line of JSON with its URL and a key, and serves until SIGTERM, SIGINT or the end of the
process that started it (with --with-parent)."""
import argparse
import ctypes
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

PR_SET_PDEATHSIG = 1


def options():
    from .world import Settings
    parser = argparse.ArgumentParser(prog="fake_aws", description="A strict fake of AWS for tests: see tests/aws/README.md.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--region", default="eu-central-1")
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance")
    parser.add_argument("--work", help="an existing folder for the containers' files (default: a new one, removed at the end)")
    parser.add_argument("--with-parent", action="store_true", help="die with the process that started it")
    for field in dataclasses.fields(Settings):
        if field.type is float or field.type == "float":
            parser.add_argument("--" + field.name.replace("_", "-"), type=float, default=field.default, metavar="N")
    parser.add_argument("--no-throttling", action="store_true")
    return parser.parse_args()


def main():
    try:
        import botocore  # noqa: F401
    except ImportError:
        sys.exit("fake_aws needs Debian's python3-botocore")
    from .account import Account
    from .control import Control
    from .http_server import Server
    from .world import Settings, World
    chosen = options()
    if not shutil.which("bwrap"):
        print("fake_aws: without bubblewrap (bwrap) no container can run; tasks need the setting run_containers=false", file=sys.stderr)
    if chosen.with_parent:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    settings = Settings(throttling=not chosen.no_throttling)
    settings.change({name: value for name, value in vars(chosen).items() if isinstance(value, float)})
    work = pathlib.Path(chosen.work or tempfile.mkdtemp(prefix="fake-aws-"))
    work.chmod(0o755)  # containers of other users go through it
    world = World(chosen.account, chosen.region, settings, chosen.seed)
    account = Account(world, work)
    server = Server(chosen.port, account, Control(account))
    account.models.operation("ecs", "RunTask")  # loaded before the first request
    key = world.keys.make_user("footman")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": world.url, "pid": os.getpid(), "account": world.account, "region": world.region,
                      "access_key_id": key.access_key_id, "secret_access_key": key.secret}), flush=True)
    stop.wait()
    account.ecs.tasks.end_all(10)
    if not chosen.work:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
