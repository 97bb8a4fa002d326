#!/usr/bin/env python3
"""Signs many requests with our program and with botocore, AWS' own: they must agree on every header.

Usage: botocore_test.py PROGRAM    (sign_lines.cpp, built)
Needs Debian's python3-botocore. Without it the test says so; with FOOTMAN_TEST_REQUIRE_ALL=1 it fails.
"""
import datetime
import json
import os
import random
import subprocess
import sys
import urllib.parse

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
except ImportError:
    print("this machine needs python3-botocore: not run")
    sys.exit(1 if os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") == "1" else 0)

REQUESTS = 2000
TEXT = ["", "a", "value", "two words", " ends ", "a+b", "a%20b", "a=b&c", "x/y", "ä", "日本", "🚂", "~-._", "*'()!", "%", "\t",
        "A", "Z", "0", "#?", "\"\\", "a,b;c", "@:$"]
HEADER = ["", "x", "two  words", "  padded  ", "a\tb", "\t tab", "a , b", "\"quoted  text\"", "application/x-amz-json-1.1", "ü"]
SEGMENT = ["", "a", "b c", ".", "..", "ä", "x:y", "%41", "~", "a+b", "(*)", "=", "@", "日"]


def make_request(dice):
    method = dice.choice(["GET", "POST", "PUT", "DELETE"])
    path = "/" + "/".join(urllib.parse.quote(dice.choice(SEGMENT), safe="~") for _ in range(dice.randrange(4)))
    names = dice.sample(["X-Amz-Target", "Content-Type", "x-custom", "Accept", "X-Zero"], dice.randrange(4))
    headers = [[name, dice.choice(HEADER)] for name in names]
    if dice.random() < 0.2:  # a name twice, in other letters
        headers += [["X-Twice", dice.choice(HEADER)], ["x-tWICE", dice.choice(HEADER)]]
    return {
        "method": method,
        "host": dice.choice(["ecs.eu-west-1.amazonaws.com", "localhost:8443", "a.b", "sts.amazonaws.com.cn"]),
        "path": path,
        "query": [[dice.choice(TEXT), dice.choice(TEXT)] for _ in range(dice.choice([0, 0, 1, 2, 5]))],
        "headers": headers,
        "body": dice.choice(["", "", "{}", "Action=X&Version=1", "ü" * 100, "x" * 5000]),
        "key_id": "AKIDEXAMPLE",
        "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"[dice.randrange(10):],
        "token": dice.choice(["", "", "token/+==" * 40]),
        "region": dice.choice(["us-east-1", "eu-central-1", "cn-north-1"]),
        "service": dice.choice(["ecs", "sts", "sqs", "service"]),
        "time": datetime.datetime(1970 + dice.randrange(130), 1 + dice.randrange(12), 1 + dice.randrange(28),
                                  dice.randrange(24), dice.randrange(60), dice.randrange(60)).isoformat() + "Z",
    }


def sign_with_botocore(request):
    """The same through botocore's own steps, at the request's time."""
    url = f"https://{request['host']}{request['path']}"
    aws = botocore.awsrequest.AWSRequest(method=request["method"], url=url, data=request["body"].encode(),
                                         params=[tuple(pair) for pair in request["query"]])
    for name, value in request["headers"]:
        aws.headers[name] = value
    credentials = botocore.credentials.Credentials(request["key_id"], request["secret"], request["token"] or None)
    signer = botocore.auth.SigV4Auth(credentials, request["service"], request["region"])
    stamp = request["time"].replace("-", "").replace(":", "")
    aws.context["timestamp"] = stamp
    signer._modify_request_before_signing(aws)
    text = signer.string_to_sign(aws, signer.canonical_request(aws))
    signer._inject_signature_to_request(aws, signer.signature(text, aws))
    answer = {name: aws.headers[name] for name in ("X-Amz-Date", "X-Amz-Security-Token", "Authorization")
              if name in aws.headers}
    return {**answer, "query": signer.canonical_query_string(aws)}


def main():
    seed = int(os.environ.get("SEED") or 1)
    dice = random.Random(seed)
    requests = [make_request(dice) for _ in range(REQUESTS)]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != REQUESTS:
        sys.exit(f"{len(answers)} answers to {REQUESTS} requests")
    wrong = 0
    for request, ours in zip(requests, answers):
        theirs = sign_with_botocore(request)
        if ours != theirs:
            wrong += 1
            if wrong <= 3:
                print(f"for  {json.dumps(request)}\nours {ours}\nwant {theirs}")
    print(f"{REQUESTS - wrong} of {REQUESTS} signatures are those of botocore {botocore.__version__} (SEED={seed})")
    sys.exit(1 if wrong else 0)


main()
