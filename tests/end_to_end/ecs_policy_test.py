#!/usr/bin/env python3
"""What `footman iam-policy` grants, all of it was called: judged after all parts of ecs_test.py, by what they have written.

A call that the policy does not allow was denied there, and has failed its test. FOOTMAN_ECS_CALLS: the files, with ':' between.
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from footman import check, run_tests


def test_the_policy_has_what_was_called_and_nothing_else():
    granted, used = set(), set()
    for file in os.environ["FOOTMAN_ECS_CALLS"].split(":"):
        seen = json.loads(pathlib.Path(file).read_text())
        check(seen["granted"] and seen["used"], f"{file}: {seen}")
        granted.update(map(tuple, seen["granted"]))
        used.update(map(tuple, seen["used"]))
    check(granted <= used, f"granted and never called: {sorted(granted - used)}; called: {sorted(used)}")
    print(f"        {len(granted)} granted and called", flush=True)


if __name__ == "__main__":
    run_tests()
