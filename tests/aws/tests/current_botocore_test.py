#!/usr/bin/env python3
"""The overlay against the botocore that moto brings along, which is a current one: each entry must be as AWS has it now.

Not run, and said so, where PyPI cannot be reached.
"""
import pathlib
import subprocess
import sys

import common  # noqa: F401 - the paths
import moto_server
import pypi

python = moto_server.find_python()
if python is None:
    sys.exit(pypi.NOT_RUN)
test = pathlib.Path(__file__).with_name("parts_test.py")
done = subprocess.run([python, test, "test_the_overlay_agrees_with_a_newer_model"], capture_output=True, text=True, check=False)
print(done.stdout, done.stderr)
if " 0 entries" in done.stdout:
    sys.exit("no entry was compared: this botocore is not current")
sys.exit(done.returncode)
