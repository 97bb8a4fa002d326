#!/usr/bin/env python3
"""Compares data/ecs/service-model.json with the service model of the botocore that is installed.

Debian's is older than ours: whatever it has, ours has with the same type. What AWS adds later is in ours alone.
Needs Debian's python3-botocore. Without it the test says so; with FOOTMAN_TEST_REQUIRE_ALL=1 it fails.
"""
import json
import os
import pathlib
import sys

try:
    import botocore.loaders
except ImportError:
    print("this machine needs python3-botocore: not run")
    sys.exit(1 if os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") == "1" else 0)

ROOT = pathlib.Path(__file__).resolve().parents[3]
OPERATIONS = {"RegisterTaskDefinitionRequest": "RegisterTaskDefinition", "RunTaskRequest": "RunTask"}
TYPES = {"integer": "integer", "long": "integer", "boolean": "boolean", "string": "string"}


def differences(ours, theirs, name, their_name, place, seen):
    """Whatever the shape `their_name` has and ours has not, as texts."""
    if (name, their_name) in seen:
        return []
    seen.add((name, their_name))
    mine, other = ours[name], theirs[their_name]
    if other["type"] == "structure":
        members = mine.get("members", {})
        found = []
        for key, member in other["members"].items():
            if key not in members:
                found.append(f"{place}.{key}: not in ours")
            else:
                found += differences(ours, theirs, members[key], member["shape"], f"{place}.{key}", seen)
        missing = set(mine.get("required", [])) ^ set(other.get("required", []))
        return found + [f"{place}.{key}: required in one of them" for key in sorted(missing)]
    if other["type"] in ("list", "map"):
        part = other["member" if other["type"] == "list" else "value"]["shape"]
        if other["type"] not in mine:
            return [f"{place}: no {other['type']} in ours"]
        return differences(ours, theirs, mine[other["type"]], part, place + "[]", seen)
    if "enum" in other:
        return [f"{place}: no {word} in ours" for word in other["enum"] if word not in mine.get("enum", [])]
    if "enum" in mine and other["type"] == "string":
        return []  # AWS named the words later
    return [] if mine.get("type") == TYPES[other["type"]] else [f"{place}: {other['type']} was expected"]


def main():
    ours = json.loads((ROOT / "data/ecs/service-model.json").read_text())["shapes"]
    model = botocore.loaders.Loader().load_service_model("ecs", "service-2")
    found = []
    seen = set()
    for name, operation in OPERATIONS.items():
        their_name = model["operations"][operation]["input"]["shape"]
        found += differences(ours, model["shapes"], name, their_name, operation, seen)
    print("\n".join(found) or f"{len(seen)} shapes agree with botocore {botocore.__version__}")
    return 1 if found or len(seen) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
