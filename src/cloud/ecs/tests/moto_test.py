#!/usr/bin/env python3
"""The provider's contract over the wire against moto, which others wrote from AWS' documentation and models.

Usage: moto_test.py PROGRAM (ecs_moto_contract). Not run, and said so, where PyPI cannot be reached.

moto differs from AWS, so this says less than the strict fake (tests/aws):
* It does not know RunTask's clientToken: a repetition is another task. The contract lists tasks first there.
* Its tasks run at once and have no containers, no version, no times and no stop code.
* StopTask ends a task at once; of one that it does not know it answers 500.
* DescribeTasks says nothing of tasks that it does not know, instead of MISSING.
* It has no throttling, and takes every signature.
* It wants a memory limit of each container, as AWS does outside Fargate; and answers 500 where a subnet is unknown.
"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "tests/lib"))
import moto_server
import pypi

python = moto_server.find_python()
if python is None:
    sys.exit(pypi.NOT_RUN)
with moto_server.Moto(python) as server:
    print(f"moto {moto_server.VERSION} at {server.url}", flush=True)
    done = subprocess.run([sys.argv[1]], env={**os.environ, "FOOTMAN_MOTO_URL": server.url}, timeout=240, check=False)
sys.exit(done.returncode)
