#!/usr/bin/env python3
"""Signs many requests and finds endpoints with our program and with botocore, AWS' own: they must agree.

Usage: botocore_test.py PROGRAM    (botocore_lines.cpp, built)
Needs Debian's python3-botocore. Without it the test says so; with FOOTMAN_TEST_REQUIRE_ALL=1 it fails.
"""
import datetime
import functools
import itertools
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
    import botocore.endpoint_provider
    import botocore.loaders
except ImportError:
    print("this machine needs python3-botocore: not run")
    sys.exit(1 if os.environ.get("FOOTMAN_TEST_REQUIRE_ALL") == "1" else 0)

REQUESTS = 2000
TEXT = ["", "a", "value", "two words", " ends ", "a+b", "a%20b", "a=b&c", "x/y", "ä", "日本", "🚂", "~-._", "*'()!", "%", "\t",
        "A", "Z", "0", "#?", "\"\\", "a,b;c", "@:$"]
HEADER = ["", "x", "two  words", "  padded  ", "a\tb", "\t tab", "a , b", "\"quoted  text\"", "application/x-amz-json-1.1", "ü"]
SEGMENT = ["", "a", "b c", ".", "..", "ä", "x:y", "%41", "~", "a+b", "(*)", "=", "@", "日"]

# Of signatures and hosts, and botocore's own.
NAMES = {"logs": "logs", "ecr": "ecr", "iam": "iam", "servicequotas": "service-quotas", "elasticfilesystem": "efs"}


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


def make_endpoints():
    regions = ["us-east-1", "eu-central-1", "ap-southeast-3", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1"]
    all_of_them = itertools.product(["ecs", "sts", "ec2", "sqs", *NAMES], regions, [False, True], [False, True])
    return [{"endpoint_of": name, "region": region, "fips": fips, "dual_stack": dual} for name, region, fips, dual in all_of_them
            if not (name == "iam" and fips and region.startswith("cn-"))]  # China has no FIPS endpoint; botocore makes one up


@functools.cache
def load_service(name):
    loader = botocore.loaders.create_loader()
    name = NAMES.get(name, name)
    rules = loader.load_service_model(name, "endpoint-rule-set-1")
    provider = botocore.endpoint_provider.EndpointProvider(rules, loader.load_data("partitions"))
    return provider, loader.load_service_model(name, "service-2")["metadata"]


def describe_with_botocore(request):
    provider, about = load_service(request["endpoint_of"])
    found = provider.resolve_endpoint(Region=request["region"], UseFIPS=request["fips"], UseDualStack=request["dual_stack"])
    schemes = found.properties.get("authSchemes", [{}])  # of a global service only
    has_version = about["protocol"] in ("query", "ec2")
    return {"url": found.url + "/", "version": about["apiVersion"] if has_version else "", "target": about.get("targetPrefix", ""),
            "signed_for": schemes[0].get("signingRegion", request["region"])}


def matches(request, ours, theirs):
    if request.get("endpoint_of") == "sqs":  # in botocore's older models it still speaks XML
        return ours["url"] == theirs["url"]
    return ours == theirs


def ask(program, requests):
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(requests):
        sys.exit(f"{len(answers)} answers to {len(requests)} requests")
    return answers


def compare(what, requests, theirs_of):
    wrong = 0
    for request, ours in zip(requests, ask(sys.argv[1], requests)):
        theirs = theirs_of(request)
        if not matches(request, ours, theirs):
            wrong += 1
            if wrong <= 3:
                print(f"for  {json.dumps(request)}\nours {ours}\nwant {theirs}")
    print(f"{len(requests) - wrong} of {len(requests)} {what} are those of botocore {botocore.__version__}")
    return wrong == 0


def main():
    seed = int(os.environ.get("SEED") or 1)
    print(f"SEED={seed}")
    dice = random.Random(seed)
    good = compare("signatures", [make_request(dice) for _ in range(REQUESTS)], sign_with_botocore)
    good = compare("endpoints", make_endpoints(), describe_with_botocore) and good
    sys.exit(0 if good else 1)


main()
