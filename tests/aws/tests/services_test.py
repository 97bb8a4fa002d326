#!/usr/bin/env python3
"""The other services with botocore's own client, signatures, and what is no valid request."""
import base64
import datetime
import json
import time

import common
from common import TASK_ROLE, check, check_equal, check_in, definition, refusal, register, run_request

common.need_botocore()

from fake_aws.client import FakeAws  # noqa: E402

FAKE = FakeAws(throttling=False)
RUN = "AmazonEC2ContainerServiceV20141113.ListClusters"


def fresh(**settings):
    FAKE.tell("reset")
    FAKE.set(run_containers=False, check_answers=True, **settings)


def stamp(minutes):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return moment.strftime("%Y%m%dT%H%M%SZ")


def test_who_one_is():
    fresh()
    check_equal(FAKE.botocore_client("sts").get_caller_identity()["Arn"], "arn:aws:iam::123456789012:user/footman")
    role = FAKE.botocore_client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/footman-server", RoleSessionName="me",
                                                   DurationSeconds=900)
    key = {"access_key_id": role["Credentials"]["AccessKeyId"], "secret_access_key": role["Credentials"]["SecretAccessKey"],
           "session_token": role["Credentials"]["SessionToken"]}
    identity = FAKE.botocore_client("sts", **key).get_caller_identity()
    check_equal(identity["Arn"], "arn:aws:sts::123456789012:assumed-role/footman-server/me")
    check_equal(identity["Arn"], role["AssumedRoleUser"]["Arn"])
    left = role["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    check(880 < left.total_seconds() <= 900, f"{left} left")
    FAKE.check_no_violation()


def test_roles_that_cannot_be_assumed():
    fresh()
    sts = FAKE.botocore_client("sts")
    check_equal(refusal(sts.assume_role, RoleArn=TASK_ROLE, RoleSessionName="me")[0], "AccessDenied")
    arn = FAKE.tell("roles", name="foreign", trusts=["*"], external_id="secret")["arn"]
    check_equal(refusal(sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="wrong")[0], "AccessDenied")
    check(sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="secret")["Credentials"], "credentials")


def test_web_identity():
    fresh()
    arn = FAKE.tell("roles", name="web", trusts=["system:serviceaccount:ci:footman"])["arn"]
    FAKE.tell("identity-tokens", token="good token", subject="system:serviceaccount:ci:footman")
    sts = FAKE.botocore_client("sts")
    answer = sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="me", WebIdentityToken="good token")
    check_equal(answer["SubjectFromWebIdentityToken"], "system:serviceaccount:ci:footman")
    check_equal(FAKE.calls("sts")[-1]["principal"], "nobody")
    old = "e30." + base64.urlsafe_b64encode(json.dumps({"exp": 1}).encode()).decode().rstrip("=") + ".x"
    for token, code in [("nonsense", "InvalidIdentityToken"), (old, "ExpiredTokenException")]:
        check_equal(refusal(sts.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="me", WebIdentityToken=token)[0], code)
    FAKE.check_no_violation()


def test_signatures():
    fresh()
    check_equal(FAKE.send_json(RUN, {})[0], 200)
    check_equal(FAKE.send_json(RUN, {}, stamp=stamp(-4))[0], 200)
    FAKE.check_no_violation()

    def spoil_body(request):
        request.data = b'{"maxResults": 1}'
        del request.headers["Content-Length"]

    def add_header(request):
        request.headers["X-Amz-Extra"] = "not signed"

    session = FAKE.tell("keys", role="footman-server", seconds=-1)
    other_token = {**FAKE.tell("keys", role="footman-server"), "session_token": "other"}
    for code, part, options in [
        ("InvalidSignatureException", "does not match", {**FAKE.about, "secret_access_key": "wrong"}),
        ("InvalidSignatureException", "does not match", {"change": spoil_body}),
        ("InvalidSignatureException", "x-amz-extra", {"change": add_header}),
        ("InvalidSignatureException", "valid region", {**FAKE.about, "region": "us-west-2"}),
        ("InvalidSignatureException", "Signature expired", {"stamp": stamp(-6)}),
        ("InvalidSignatureException", "not yet current", {"stamp": stamp(6)}),
        ("UnrecognizedClientException", "invalid", {**FAKE.about, "access_key_id": "AKIAEXAMPLE999999999"}),
        ("UnrecognizedClientException", "invalid", other_token),
        ("ExpiredTokenException", "expired", session),
    ]:
        options = {name: value for name, value in options.items() if name not in ("arn", "url", "pid", "account")}
        status, answer = FAKE.send_json(RUN, {}, **options)
        check_equal((status, answer["__type"]), (400, code), part)
        check_in(part, answer["message"])
    status, headers, body = FAKE.send("POST", "/", "{}", {"X-Amz-Target": RUN, "Content-Type": "application/x-amz-json-1.1"})
    check_equal((status, json.loads(body)["__type"]), (400, "MissingAuthenticationTokenException"))
    check_in("Date", headers)
    kinds = {one["violation"].split(":")[0] for one in FAKE.tell("clear-violations")}
    check_equal(kinds, {"InvalidSignatureException"})
    wrong = {"access_key_id": FAKE.access_key_id, "secret_access_key": "wrong"}
    check_equal(refusal(FAKE.botocore_client("sts", **wrong).get_caller_identity)[0], "SignatureDoesNotMatch")
    unknown = {"access_key_id": "AKIAEXAMPLE999999999", "secret_access_key": "wrong"}
    check_equal(refusal(FAKE.botocore_client("sts", **unknown).get_caller_identity)[0], "InvalidClientTokenId")
    check_equal(refusal(FAKE.botocore_client("ec2", **unknown).describe_vpcs)[0], "AuthFailure")


def test_a_clock_that_is_ahead():
    fresh(clock_offset_seconds=3600)
    status, answer = FAKE.send_json(RUN, {})
    check_in("Signature expired", answer["message"])
    check_equal((status, FAKE.send_json(RUN, {}, stamp=stamp(60))[0]), (400, 200))
    FAKE.tell("clear-violations")


def test_a_revoked_key():
    fresh()
    key = FAKE.tell("keys", user="second")
    client = FAKE.botocore_client("ecs", **key)
    client.list_clusters()
    FAKE.tell("revoke-key", access_key_id=key["access_key_id"])
    check_equal(refusal(client.list_clusters)[0], "UnrecognizedClientException")


def test_requests_that_are_none():
    fresh()
    target = "AmazonEC2ContainerServiceV20141113."
    for name, body, code in [
        ("RunTask", "{", "SerializationException"), ("RunTask", "[]", "SerializationException"), ("RunTask", "", "SerializationException"),
        ("RunTask", '{"taskDefinition":"a","taskDefinition":"b"}', "SerializationException"),
        ("RunTask", {"taskDefinition": 1}, "SerializationException"), ("RunTask", {"taskDefinition": "a", "unknown": 1}, "SerializationException"),
        ("RunTask", {}, "InvalidParameterException"), ("RunTask", {"taskDefinition": "a", "launchType": "BOAT"}, "InvalidParameterException"),
        ("DescribeTasks", {"cluster": "footman", "tasks": ["x"] * 101}, "InvalidParameterException"),
        ("RunTusk", {}, "UnknownOperationException"), ("CreateCluster", {}, "UnknownOperationException"),
    ]:
        status, answer = FAKE.send_json(target + name, body)
        check_equal((status, answer["__type"]), (400, code), f"{name} {body}")
        found = FAKE.tell("clear-violations")
        check_equal(len(found), 1, f"violations by {name} {body}")
        check_equal((found[0]["operation"], found[0]["violation"].split(":")[0]), (name, code))
    status, answer = FAKE.send_json(target + "ListClusters", {}, version="1.0")
    check_in("1.1 is expected", answer["message"])
    check_equal(refusal(FAKE.botocore_client("sts").assume_role, RoleArn="a" * 20, RoleSessionName="no blanks")[0], "ValidationError")
    check_equal(refusal(FAKE.botocore_client("ec2").describe_subnets, Filters=[{"Name": "color", "Values": ["red"]}])[0], "InvalidParameterValue")
    check(len(FAKE.tell("clear-violations")) >= 2, "violations")


def test_denied_actions():
    fresh(denied_actions=["iam:PassRole"])
    ecs = FAKE.botocore_client("ecs")
    code, message = refusal(ecs.register_task_definition, **definition(taskRoleArn=TASK_ROLE))
    check_equal(code, "AccessDeniedException")
    check_in(f"not authorized to perform: iam:PassRole on resource: {TASK_ROLE}", message)
    register(ecs)
    FAKE.set(denied_actions=["ec2:DescribeSubnets"])
    check_equal(refusal(FAKE.botocore_client("ec2").describe_subnets)[0], "UnauthorizedOperation")
    FAKE.check_no_violation()


def test_calls_are_recorded_with_their_permissions():
    fresh()
    ecs = FAKE.botocore_client("ecs")
    arn = register(ecs, taskRoleArn=TASK_ROLE)
    ecs.run_task(**run_request(arn, tags=[{"key": "k", "value": "v"}]))
    call = FAKE.calls("ecs", "RunTask")[0]
    cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/footman"
    check_equal(call["permissions"], [
        ["ecs:RunTask", arn, {"ecs:cluster": cluster, "ecs:enable-execute-command": "false", "aws:RequestTag/k": "v", "aws:TagKeys": ["k"]}],
        ["iam:PassRole", TASK_ROLE, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}],
        ["ecs:TagResource", "arn:aws:ecs:eu-central-1:123456789012:task/footman/*", 
         {"ecs:CreateAction": "RunTask", "aws:RequestTag/k": "v", "aws:TagKeys": ["k"]}]])
    check_equal((call["result"], call["principal"]), ("ok", "arn:aws:iam::123456789012:user/footman"))
    check_equal(FAKE.ask("counts"), {"ecs:RegisterTaskDefinition": 1, "ecs:RunTask": 1})


def test_a_policy_decides():
    fresh()
    ecs = FAKE.botocore_client("ecs", **FAKE.tell("keys", user="limited"))
    cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/footman"
    definitions = "arn:aws:ecs:eu-central-1:123456789012:task-definition/family:*"
    FAKE.tell("policies", principal="arn:aws:iam::123456789012:user/limited", document={"Version": "2012-10-17", "Statement": [
        {"Sid": "Register", "Effect": "Allow", "Action": "ecs:RegisterTaskDefinition", "Resource": definitions},
        {"Sid": "Run", "Effect": "Allow", "Action": ["ecs:RunTask"], "Resource": definitions, "Condition": {"ArnEquals": {"ecs:cluster": cluster}}},
        {"Sid": "Tag", "Effect": "Allow", "Action": "ecs:TagResource", "Resource": "arn:aws:ecs:*:*:task/footman/*",
         "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}, "ForAllValues:StringLike": {"aws:TagKeys": "footman:*"}}},
        {"Sid": "Stop", "Effect": "Allow", "Action": "ecs:Stop*", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/footman:by": "me"}}},
        {"Sid": "Describe", "Effect": "Allow", "Action": "ecs:DescribeTaskDefinition", "Resource": definitions},
        {"Sid": "Never", "Effect": "Deny", "Action": "ecs:*", "Resource": "*", "Condition": {"Bool": {"ecs:enable-execute-command": "true"}}}]})
    arn = register(ecs)
    tagged = {"tags": [{"key": "footman:by", "value": "me"}]}
    task = ecs.run_task(**run_request(arn, **tagged))["tasks"][0]["taskArn"]
    check_equal(FAKE.calls("ecs", "RunTask")[-1]["statements"], ["Run", "Tag"])
    other = FAKE.botocore_client("ecs").run_task(**run_request(arn))["tasks"][0]["taskArn"]
    ecs.stop_task(cluster="footman", task=task)
    for call, params, part in [
        (ecs.stop_task, {"cluster": "footman", "task": other}, "ecs:StopTask"),
        (ecs.run_task, run_request("family", **tagged), "ecs:RunTask"),  # the ARN of a family has no number to match
        (ecs.run_task, run_request(arn, tags=[{"key": "mine", "value": ""}]), "ecs:TagResource"),
        (ecs.run_task, run_request(arn, enableExecuteCommand=True), "ecs:RunTask"),
        (ecs.register_task_definition, definition(family="other"), "ecs:RegisterTaskDefinition"),
        (ecs.register_task_definition, definition(taskRoleArn=TASK_ROLE), "iam:PassRole"),
        (ecs.describe_task_definition, {"taskDefinition": arn}, "ecs:DescribeTaskDefinition"),  # it has no resource types
        (ecs.list_clusters, {}, "ecs:ListClusters"),
    ]:
        code, message = refusal(call, **params)
        check_equal(code, "AccessDeniedException", part)
        check_in(f"perform: {part} on", message)
    FAKE.check_no_violation()


def test_a_policy_is_simulated():
    fresh()
    iam = FAKE.botocore_client("iam")
    principal = "arn:aws:iam::123456789012:user/footman"
    FAKE.tell("policies", principal=principal, document={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iam:*", "ecs:RunTask"], "Resource": "*"}, {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}]})
    found = iam.simulate_principal_policy(PolicySourceArn=principal, ActionNames=["ecs:RunTask", "ecs:StopTask", "iam:PassRole"],
                                          ResourceArns=[TASK_ROLE])["EvaluationResults"]
    check_equal([one["EvalDecision"] for one in found], ["allowed", "implicitDeny", "explicitDeny"])
    names = [one["RoleName"] for page in iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}) for one in page["Roles"]]
    check({"footman-task", "footman-execution", "footman-server"} <= set(names) and names == sorted(set(names)), names)
    FAKE.check_no_violation()


def test_the_network():
    fresh()
    ec2 = FAKE.botocore_client("ec2")
    subnets = ec2.describe_subnets(SubnetIds=["subnet-0a000001", "subnet-0b000001"])["Subnets"]
    check_equal([(one["VpcId"], one["AvailableIpAddressCount"]) for one in subnets], [("vpc-0a000001", 250), ("vpc-0b000002", 250)])
    check_equal(refusal(ec2.describe_subnets, SubnetIds=["subnet-ffff"])[0], "InvalidSubnetID.NotFound")
    found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-0a*"]}])["Subnets"]
    check_equal(len(found), 3)
    FAKE.tell("security-groups", id="sg-0a000001", ingress=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                                                             "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    group = ec2.describe_security_groups(GroupIds=["sg-0a000001"])["SecurityGroups"][0]
    check_equal((group["VpcId"], group["IpPermissions"][0]["FromPort"], group["IpPermissions"][0]["IpRanges"]),
                ("vpc-0a000001", 443, [{"CidrIp": "10.0.0.0/8"}]))
    check_equal(refusal(ec2.describe_security_groups, GroupIds=["sg-ffff"])[0], "InvalidGroup.NotFound")
    check_equal([one["CidrBlock"] for one in ec2.describe_vpcs()["Vpcs"]], ["10.0.0.0/16", "10.1.0.0/16"])
    tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": ["subnet-0a000001", "subnet-0b000001"]}])["RouteTables"]
    check_equal([any(route["DestinationCidrBlock"] == "0.0.0.0/0" for route in one["Routes"]) for one in tables], [True, False])
    FAKE.check_no_violation()


def test_ways_out_of_the_network():
    fresh()
    ec2 = FAKE.botocore_client("ec2")

    def routes_of(subnet):
        found = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
        return [{**route, "DestinationCidrBlock": None} for table in found for route in table["Routes"]
                if route["DestinationCidrBlock"] == "0.0.0.0/0"]

    for way, member, state in [("nat-01", "NatGatewayId", "active"), ("tgw-01", "TransitGatewayId", "active"),
                               ("blackhole", "NatGatewayId", "blackhole")]:
        FAKE.tell("subnets", id="subnet-0a000001", way_out=way)
        (route,) = routes_of("subnet-0a000001")
        check(member in route and route["State"] == state, route)
    for way in ("none", "main"):
        FAKE.tell("subnets", id="subnet-0a000001", way_out=way)
        check_equal(routes_of("subnet-0a000001"), [])
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": ["vpc-0a000001"]}])["RouteTables"]
    check_equal(sorted(one["Associations"][0]["Main"] for one in tables), [False, False, True])  # that subnet is in the main one
    FAKE.tell("subnets", id="subnet-0a000001", way_out="")
    check_equal(ec2.describe_vpc_endpoints()["VpcEndpoints"], [])
    FAKE.tell("vpc-endpoints", vpc="vpc-0a000001", services=["s3"])
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": ["vpc-0a000001"]}])["VpcEndpoints"]
    check_equal(endpoint["ServiceName"], "com.amazonaws.eu-central-1.s3")
    FAKE.check_no_violation()


def test_network_acls_and_interfaces():
    fresh()
    ec2 = FAKE.botocore_client("ec2")
    (usual,) = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": ["vpc-0a000001"]}])["NetworkAcls"]
    check_equal((usual["IsDefault"], len(usual["Associations"])), (True, 3))
    check_equal([(one["RuleNumber"], one["RuleAction"]) for one in usual["Entries"] if one["Egress"]], [(100, "allow"), (32767, "deny")])
    FAKE.tell("network-acls", subnet="subnet-0a000001", entries=[[100, True, "allow", "0.0.0.0/0", "6", [443, 443]]])
    usual, own = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": ["vpc-0a000001"]}])["NetworkAcls"]
    check_equal((len(usual["Associations"]), own["Associations"][0]["SubnetId"]), (2, "subnet-0a000001"))
    check_equal(own["Entries"][0]["PortRange"], {"From": 443, "To": 443})
    FAKE.tell("network-interfaces", address="10.0.0.7", groups=["sg-0a000001"])
    asked = {"Filters": [{"Name": "addresses.private-ip-address", "Values": ["10.0.0.7", "10.0.0.8"]}]}
    (one,) = ec2.describe_network_interfaces(**asked)["NetworkInterfaces"]
    check_equal((one["PrivateIpAddress"], one["Groups"][0]["GroupId"]), ("10.0.0.7", "sg-0a000001"))
    FAKE.check_no_violation()


def test_file_systems():
    fresh()
    efs = FAKE.botocore_client("efs")
    FAKE.tell("file-systems", id="fs-01234567", name="cache")
    check_equal([one["Name"] for one in efs.describe_file_systems()["FileSystems"]], ["cache"])
    check_equal(efs.describe_file_systems(FileSystemId="fs-01234567")["FileSystems"][0]["FileSystemId"], "fs-01234567")
    check_equal(refusal(efs.describe_file_systems, FileSystemId="fs-0fffffff")[0], "FileSystemNotFound")
    check_equal(FAKE.calls("efs")[0]["permissions"][0][:2],
                ["elasticfilesystem:DescribeFileSystems", "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/*"])
    FAKE.check_no_violation()
    status, _, _ = FAKE.send("GET", "/2015-02-01/file-systems?Unknown=1", headers={})
    check_equal(status, 403)  # not signed
    status, _, _ = FAKE.send("GET", "/", headers={})
    check_equal(status, 405)
    FAKE.tell("clear-violations")


def test_queues():
    fresh()
    sqs = FAKE.botocore_client("sqs")
    queue = FAKE.tell("queues", name="messages")["url"]
    check_equal(sqs.get_queue_url(QueueName="messages")["QueueUrl"], queue)
    FAKE.botocore_client("ecs").run_task(**run_request(register(FAKE.botocore_client("ecs"))))
    first = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, VisibilityTimeout=0, MessageSystemAttributeNames=["All"])["Messages"][0]
    check_equal(first["Attributes"]["ApproximateReceiveCount"], "1")
    again = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=60, MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"][0]
    check_equal((again["MessageId"], again["Attributes"]), (first["MessageId"], {"ApproximateReceiveCount": "2"}))
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    check_equal((attributes["ApproximateNumberOfMessagesNotVisible"], attributes["QueueArn"]),
                ("1", "arn:aws:sqs:eu-central-1:123456789012:messages"))
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"], VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=queue)["Messages"][0]
    check_equal(again["MessageId"], first["MessageId"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=again["ReceiptHandle"])
    entries = [{"Id": "a", "ReceiptHandle": "nonsense"}, {"Id": "b", "ReceiptHandle": again["ReceiptHandle"]}]
    answer = sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    check_equal(([one["Id"] for one in answer["Successful"]], answer["Failed"][0]["Code"]), (["b"], "ReceiptHandleIsInvalid"))
    begin = time.monotonic()
    empty = FAKE.tell("queues", name="empty", task_events=False)["url"]
    check_equal(sqs.receive_message(QueueUrl=empty, WaitTimeSeconds=1).get("Messages"), None)
    check(0.9 < time.monotonic() - begin < 3, "a long poll of one second")
    code = refusal(sqs.receive_message, QueueUrl=queue + "x")[0]
    check(code in ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"), code)
    FAKE.check_no_violation()
    check_equal(refusal(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=11)[0], "InvalidParameterValue")
    FAKE.tell("clear-violations")


def test_roles_images_and_log_groups():
    fresh()
    role = FAKE.botocore_client("iam").get_role(RoleName="footman-task")["Role"]
    check_equal(role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"], {"Service": "ecs-tasks.amazonaws.com"})
    check_equal(refusal(FAKE.botocore_client("iam").get_role, RoleName="unknown")[0], "NoSuchEntity")
    FAKE.tell("repositories", name="agent", tags={"1": "sha256:" + "a" * 64})
    ecr = FAKE.botocore_client("ecr")
    check_equal(ecr.describe_images(repositoryName="agent", imageIds=[{"imageTag": "1"}])["imageDetails"][0]["imageTags"], ["1"])
    check_equal(refusal(ecr.describe_images, repositoryName="agent", imageIds=[{"imageTag": "2"}])[0], "ImageNotFoundException")
    check_equal(refusal(ecr.describe_images, repositoryName="none")[0], "RepositoryNotFoundException")
    data = ecr.get_authorization_token()["authorizationData"][0]
    check(base64.b64decode(data["authorizationToken"]).startswith(b"AWS:"), data)
    check_equal(data["proxyEndpoint"], "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com")
    answer = ecr.batch_get_image(repositoryName="agent", imageIds=[{"imageTag": "1"}, {"imageTag": "2"}])
    check_equal((len(answer["images"]), answer["failures"][0]["failureCode"]), (1, "ImageNotFound"))
    check_equal(json.loads(answer["images"][0]["imageManifest"])["mediaType"], "application/vnd.oci.image.manifest.v1+json")
    FAKE.tell("repositories", name="both", tags={"1": "sha256:" + "b" * 64}, architectures=["amd64", "arm64"])
    index = json.loads(ecr.batch_get_image(repositoryName="both", imageIds=[{"imageTag": "1"}])["images"][0]["imageManifest"])
    check_equal([one["platform"]["architecture"] for one in index["manifests"]], ["amd64", "arm64"])
    wrong = ecr.batch_get_image(repositoryName="both", imageIds=[{"imageTag": "1"}], acceptedMediaTypes=["application/vnd.oci.image.manifest.v1+json"])
    check_equal(wrong["images"], [])
    logs = FAKE.botocore_client("logs")
    check_equal([one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]], ["/footman/agents"])
    check_equal(refusal(logs.get_log_events, logGroupName="/footman/agents", logStreamName="none")[0], "ResourceNotFoundException")
    FAKE.check_no_violation()


if __name__ == "__main__":
    with FAKE:
        common.run_with(FAKE, globals())
