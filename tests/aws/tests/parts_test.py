#!/usr/bin/env python3
"""Parts of the fake by themselves: validation, the wire formats, buckets, sizes, the overlay."""
import common
from common import check, check_equal, check_in

common.need_botocore()

import botocore  # noqa: E402
import botocore.loaders  # noqa: E402
from fake_aws import models, validation, xml_wire  # noqa: E402
from fake_aws.buckets import BUCKET_OF, SIZES, Bucket  # noqa: E402
from fake_aws.ecs import definition_checks, sizes, task_definitions  # noqa: E402
from fake_aws.ecs.clusters import choose_providers  # noqa: E402
from fake_aws.errors import AwsError  # noqa: E402
from fake_aws.faults import CallFault  # noqa: E402
from fake_aws.policies import Policy  # noqa: E402

MODELS = models.Models()


def problems(operation, params, service="ecs"):
    return [(one.kind, one.text) for one in validation.find_problems(params, MODELS.operation(service, operation).input_shape)]


def test_validation_accepts_what_is_right():
    check_equal(problems("RunTask", common.run_request("family", clientToken="t", count=1, tags=[{"key": "a", "value": "b"}])), [])
    check_equal(problems("RegisterTaskDefinition", common.definition()), [])


def test_validation_finds_each_kind_of_mistake():
    for params, kind, part in [
        ({"taskDefinition": "f", "countt": 1}, "unknown", "countt"),
        ({"taskDefinition": "f", "overrides": {"containerOverrides": [{"nam": "x"}]}}, "unknown", "overrides.containerOverrides[0].nam"),
        ({"taskDefinition": "f", "count": "1"}, "type", "count"),
        ({"taskDefinition": "f", "count": True}, "type", "count"),
        ({"taskDefinition": "f", "count": 2**40}, "type", "count"),
        ({"taskDefinition": "f", "tags": {}}, "type", "tags"),
        ({"taskDefinition": "f", "launchType": "FARGAT"}, "value", "launchType"),
        ({"taskDefinition": "f", "tags": [{"key": "k" * 129}]}, "value", "tags[0].key"),
        ({"taskDefinition": "f", "tags": [{"key": "a;b"}]}, "value", "tags[0].key"),
        ({}, "value", "taskDefinition"),
        ({"taskDefinition": "f", "networkConfiguration": {"awsvpcConfiguration": {}}}, "value", "subnets"),
    ]:
        found = problems("RunTask", params)
        check_equal([one[0] for one in found], [kind], str(params))
        check_in(part, found[0][1])
    check_equal(problems("ReceiveMessage", {"QueueUrl": "q", "MaxNumberOfMessages": 1}, "sqs"), [])
    check_in("valid min value: 900", problems("AssumeRole", {"RoleArn": "a" * 20, "RoleSessionName": "abc", "DurationSeconds": 1}, "sts")[0][1])


def test_the_overlay_agrees_with_a_newer_model():
    """Where the installed botocore is as new as an entry, its model must have what the entry says; Debian's has nothing of it."""
    version = tuple(int(part) for part in botocore.__version__.split("."))
    compared = 0
    for entry in models.read_overlay():
        for name in ("service", "name", "type", "since", "source"):
            check(entry.get(name), f"an entry of the overlay has no {name}: {entry}")
        if version < tuple(int(part) for part in entry["source"].split()[1].split(".")):
            continue
        compared += 1
        compare(entry, botocore.loaders.create_loader().load_service_model(entry["service"], "service-2"))
    print(f"        {compared} entries of the overlay compared with botocore {botocore.__version__}")


def compare(entry, model):
    shapes = model["shapes"]
    for owner, members in entry.get("members", {}).items():
        for name, member in members.items():
            check_equal(shapes[owner]["members"][name]["shape"], member["shape"], f"{owner}.{name}")
    for name, shape in entry.get("shapes", {}).items():
        check_equal(plain(shapes[name], shape), plain(shape, shape), name)
    for name, operation in entry.get("operations", {}).items():
        check_equal({part: model["operations"][name][part] for part in ("input", "output", "http")},
                    {part: operation[part] for part in ("input", "output", "http")}, name)
    for owner, values in entry.get("enum_values", {}).items():
        check(set(values) <= set(shapes[owner]["enum"]), f"{owner}: {values} are not all in {shapes[owner]['enum']}")
    for owner, names in entry.get("no_longer_required", {}).items():
        check(not set(names) & set(shapes[owner].get("required", [])), f"{owner} requires {names}")
    for name, errors in entry.get("errors", {}).items():
        check(set(errors) <= {one["shape"] for one in model["operations"][name]["errors"]}, f"{name}: {errors}")
    for name, value in entry.get("metadata", {}).items():
        check_equal(model["metadata"][name], value, name)


def plain(shape, like):
    """What the overlay says of a shape: types, members and what is required."""
    found = {name: shape.get(name) for name in ("type", "required", "enum", "exception") if name in like}
    if "members" in like:  # a newer model may have more: that is an entry of its own
        found["members"] = {name: member["shape"] for name, member in shape["members"].items() if name in like["members"]}
    for name in ("member", "key", "value"):
        if name in like:
            found[name] = shape[name]["shape"]
    return found


def test_forms_become_structures():
    subnets = MODELS.operation("ec2", "DescribeSubnets")
    form = b"Action=DescribeSubnets&Version=2016-11-15&SubnetId.1=a&SubnetId.2=b&Filter.1.Name=vpc-id&Filter.1.Value.1=v&DryRun=false"
    check_equal(xml_wire.parse(form, subnets), {"SubnetIds": ["a", "b"], "Filters": [{"Name": "vpc-id", "Values": ["v"]}], "DryRun": False})
    role = MODELS.operation("sts", "AssumeRole")
    form = b"Action=AssumeRole&Version=2011-06-15&RoleArn=r&PolicyArns.member.1.arn=p&DurationSeconds=900"
    check_equal(xml_wire.parse(form, role), {"RoleArn": "r", "PolicyArns": [{"arn": "p"}], "DurationSeconds": 900})
    for wrong in (b"Action=AssumeRole&Version=2011-06-15&RoleArm=r", b"Action=AssumeRole&RoleArn=a&RoleArn=b",
                  b"Action=AssumeRole&DurationSeconds=long", b"Action=AssumeRole&PolicyArns.1.arn=p"):
        try:
            xml_wire.parse(wrong, role)
        except AwsError:
            continue
        check(False, f"accepted: {wrong}")


def test_a_bucket_gives_its_burst_and_then_its_rate():
    bucket = Bucket(100, 40)
    begin = bucket.last
    check_equal(sum(bucket.take(begin) for _ in range(200)), 100)
    check_equal(sum(bucket.take(begin + 1) for _ in range(200)), 40)
    check_equal(sum(bucket.take(begin + 100) for _ in range(200)), 100, "never more than the burst")
    check_equal(SIZES[BUCKET_OF["ecs:RunTask"]], (100, 40))
    check_equal(BUCKET_OF["ecs:DeregisterTaskDefinition"], BUCKET_OF["ecs:RegisterTaskDefinition"])


def test_fargate_sizes():
    count = sum(len(memories) for memories in sizes.FARGATE.values())
    check_equal(count, 74)
    sizes.check_fargate(256, 512)
    for cpu, memory, windows in [(256, 4096, False), (300, 512, False), (8192, 17408, False), (512, 1024, True)]:
        try:
            sizes.check_fargate(cpu, memory, windows)
        except AwsError as error:
            check_in("No Fargate configuration exists", error.message)
            continue
        check(False, f"{cpu}/{memory} accepted")
    check_equal((sizes.parse_cpu("1 vCPU"), sizes.parse_cpu("0.25 vCPU")), (1024, 256))
    check_equal((sizes.parse_memory("2 GB"), sizes.parse_memory("512")), (2048, 512))


def test_definitions_are_normalised_as_the_server_does():
    kept = task_definitions.normalise(common.definition(
        {"name": "a", "image": "i", "environment": [{"name": "Z", "value": "1"}, {"name": "A", "value": "2"}],
         "portMappings": [{"containerPort": 80}], "healthCheck": {"command": ["CMD", "true"]}}, cpu="0.25 vCPU", memory="0.5 GB",
        volumes=[{"name": "v"}]))
    container = kept["containerDefinitions"][0]
    check_equal([kept[name] for name in ("cpu", "memory", "volumes", "compatibilities")],
                ["256", "512", [{"name": "v", "host": {}}], ["EC2", "FARGATE"]])
    check_equal([one["name"] for one in container["environment"]], ["A", "Z"])
    check_equal(container["portMappings"], [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}])
    check_equal((container["cpu"], container["essential"], container["mountPoints"], container["healthCheck"]["interval"]), (0, True, [], 30))


def test_definitions_that_aws_refuses():
    good = {"name": "a", "image": "i"}
    helper = {"name": "b", "image": "i", "essential": False}
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}
    for params, part in [
        (common.definition(good, family="a b"), "Family"),
        (common.definition({**good, "image": ""}), "image"),
        (common.definition(good, good), "unique"),
        (common.definition(*[{**good, "name": f"c{n}"} for n in range(11)]), "10 containers"),
        (common.definition({**good, "essential": False}), "essential"),
        (common.definition(good, networkMode="bridge"), "network mode"),
        (common.definition(good, cpu="256", memory="4096"), "No Fargate configuration"),
        (common.definition({**good, "privileged": True}), "privileged"),
        (common.definition({**good, "stopTimeout": 121}), "stopTimeout"),
        (common.definition({**good, "mountPoints": [{"sourceVolume": "v", "containerPath": "/x"}]}), "Unknown volume"),
        (common.definition({**good, "dependsOn": [{"containerName": "zz", "condition": "START"}]}), "dependency"),
        (common.definition({**good, "dependsOn": [{"containerName": "b", "condition": "HEALTHY"}]}, helper), "healthCheck"),
        (common.definition(helper, {**good, "dependsOn": [{"containerName": "b", "condition": "START"}]},
                           {**good, "name": "c", "dependsOn": [{"containerName": "a", "condition": "SUCCESS"}]}), "essential container"),
        (common.definition({**good, "dependsOn": [{"containerName": "b", "condition": "START"}]},
                           {**helper, "dependsOn": [{"containerName": "a", "condition": "START"}]}), "Cycle"),
        (common.definition({**good, "secrets": [{"name": "S", "valueFrom": "x"}]}), "executionRoleArn"),
        (common.definition({**good, "logConfiguration": log}), "execution role"),
        (common.definition(good, ephemeralStorage={"sizeInGiB": 20}), "between 21 and 200"),
        (common.definition({**good, "environment": [{"name": "E", "value": "x" * 70000}]}), "65536"),
    ]:
        try:
            definition_checks.check(params)
        except AwsError as error:
            check_in(part, error.message)
            continue
        check(False, f"not refused: {part}")


def test_policies():
    def decide(conditions, context, **more):
        statement = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*", "Condition": conditions, **more}
        return Policy({"Version": "2012-10-17", "Statement": statement}).decide("ecs:RunTask", "arn:aws:ecs:r:1:task/c/x", context)[0]

    for conditions, context, expected in [
        ({}, {}, True),
        ({"StringEquals": {"k": ["a", "b"]}}, {"K": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": "x"}, False),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, False),
        ({"ForAnyValue:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, True),
        ({"ArnLike": {"k": "arn:*:c/*"}, "StringLike": {"l": "x?"}}, {"k": "arn:aws:c/d", "l": "xy"}, True),
        ({"ArnLike": {"k": "arn:*:c/*"}, "StringLike": {"l": "x?"}}, {"k": "arn:aws:c/d", "l": "x"}, False),
    ]:
        check_equal(decide(conditions, context), expected, f"{conditions} {context}")
    check_equal([decide({}, {}, Resource=pattern) for pattern in ("arn:aws:ecs:*:*:task/c/*", "arn:aws:ecs:*:*:task/d/*")], [True, False])
    for wrong in ({"StringMatches": {"k": "a"}}, {"NumericLessThan": {"k": "1"}}):
        try:
            decide(wrong, {})
        except ValueError as error:
            check_in("is not known", str(error))
            continue
        check(False, f"accepted {wrong}")


def test_capacity_providers_are_chosen_by_base_and_weight():
    import random
    strategy = [{"capacityProvider": "FARGATE", "base": 2, "weight": 0}, {"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    check_equal(choose_providers(strategy, 4, random.Random(1)), ["FARGATE", "FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"])


def test_a_fault_has_the_status_that_its_code_has_at_aws():
    check_equal([CallFault(code=code).status for code in ("ServerException", "ClientException")], [500, 400],
                "clients try the first one again, and not the second")
    check_equal(CallFault(code="ServiceUnavailable", status=503).status, 503)


common.run_tests()
