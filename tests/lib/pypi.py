"""Packages that Debian does not have, for tests that say so and are not run where there is no network.

A virtual environment in the build folder, made once; throw it away at will.
"""
import fcntl
import pathlib
import shutil
import subprocess
import sys

from footman import BIN

NOT_RUN = 77  # ctest shows such a test as skipped
INSTALL_SECONDS = 240


def find_python(name, *packages):
    """The interpreter of an environment with these packages, or None after saying why there is none."""
    place = pathlib.Path(BIN).parent / f"pypi-{name}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place.with_suffix(".lock"), "w") as lock:  # tests run at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "complete"
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            for command in ([sys.executable, "-m", "venv", place],
                            [place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "0", "--timeout", "15",
                             *packages]):
                why = run(command)
                if why:
                    print(f"NOT RUN: {' '.join(packages)} of PyPI cannot be had here: {why}")
                    shutil.rmtree(place, ignore_errors=True)
                    return None
            done.touch()
    return place / "bin/python"


def run(command):
    """Why it failed, empty when it did not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else said[-1] if said else f"it ended with {done.returncode}"
