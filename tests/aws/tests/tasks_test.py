#!/usr/bin/env python3
"""ECS as a client sees it, with tasks that have no processes: RunTask and its refusals, tokens, time, faults, events."""
import concurrent.futures
import json
import time

import common
from common import (EXECUTION_ROLE, NETWORK, TASK_ROLE, Failed, check, check_equal, check_in, describe, refusal, register, run,
                    run_request, shell, wait_status, wait_until)

common.need_botocore()

import botocore.exceptions  # noqa: E402
from fake_aws.client import FakeAws  # noqa: E402

FAKE = FakeAws(throttling=False, provision_seconds=0.02, pull_seconds=0.02, deprovision_seconds=0.01)
ECS = FAKE.botocore_client("ecs")


def fresh(**settings):
    """An empty account with these settings; no processes."""
    check(FAKE.tell("reset")["ended"], "tasks that do not end")
    FAKE.set(run_containers=False, check_answers=True, **settings)


def test_a_task_lives_and_is_stopped():
    fresh()
    task_definition = register(ECS, taskRoleArn=TASK_ROLE, tags=[{"key": "of", "value": "definition"}])
    request = run_request(task_definition, startedBy="me/1", tags=[{"key": "own", "value": "1"}], propagateTags="TASK_DEFINITION",
                          enableECSManagedTags=True)
    answer = ECS.run_task(**request)
    check_equal((answer["failures"], answer["tasks"][0]["lastStatus"], answer["tasks"][0]["version"]), ([], "PROVISIONING", 1))
    arn = answer["tasks"][0]["taskArn"]
    task = wait_status(ECS, arn, "RUNNING")
    check_equal({tag["key"]: tag["value"] for tag in task["tags"]}, {"of": "definition", "own": "1", "aws:ecs:clusterName": "footman"})
    check(task["createdAt"] <= task["connectivityAt"] <= task["pullStartedAt"] <= task["pullStoppedAt"] <= task["startedAt"], "times")
    check_equal(ECS.list_tasks(cluster="footman", startedBy="me/1")["taskArns"], [arn])
    ECS.stop_task(cluster="footman", task=arn, reason="no longer needed")
    task = wait_status(ECS, arn, "STOPPED")
    check_equal((task["stopCode"], task["stoppedReason"]), ("UserInitiated", "no longer needed"))
    check(task["stoppingAt"] <= task["executionStoppedAt"] <= task["stoppedAt"], "times at the end")
    check_equal(ECS.list_tasks(cluster="footman")["taskArns"], [])
    check_equal(ECS.list_tasks(cluster="footman", desiredStatus="STOPPED")["taskArns"], [arn])
    FAKE.check_no_violation()


def test_a_task_is_asked_for_in_its_own_cluster():
    fresh()
    FAKE.tell("clusters", name="other")
    arn = run(ECS, register(ECS))
    said = "Invalid identifier: Identifier is for cluster footman. Your cluster is other"
    for call in (lambda: refusal(ECS.stop_task, cluster="other", task=arn), lambda: refusal(ECS.describe_tasks, cluster="other", tasks=[arn])):
        code, message = call()
        check_equal(code, "InvalidParameterException")
        check_in(said, message)
    check_equal(refusal(ECS.stop_task, cluster="other", task=arn.rsplit("/", 1)[1])[1], "The referenced task was not found.")
    FAKE.check_no_violation()
    own = arn.replace(":task/", ":cluster/").rsplit("/", 1)[0]
    check_equal(describe(ECS, arn)["taskArn"], arn)
    check_equal([one["taskArn"] for one in ECS.describe_tasks(cluster=own, tasks=[arn])["tasks"]], [arn])
    ECS.stop_task(cluster=own, task=arn)


def test_a_token_makes_one_task():
    fresh()
    task_definition = register(ECS)
    arn = run(ECS, task_definition, clientToken="token")
    check_equal(run(ECS, task_definition, clientToken="token"), arn)
    try:
        run(ECS, task_definition, clientToken="token", startedBy="other")
        raise Failed("other parameters were accepted")
    except botocore.exceptions.ClientError as error:
        check_equal(error.response["Error"]["Code"], "ConflictException")
        check_equal(error.response["resourceIds"], [arn])
    check(run(ECS, task_definition, clientToken="another") != arn, "another token")
    for wrong in ("x" * 65, "a b", ""):
        check_equal(refusal(ECS.run_task, **run_request(task_definition, clientToken=wrong))[0], "InvalidParameterException", wrong)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        arns = set(pool.map(lambda _: run(ECS, task_definition, clientToken="at-once"), range(40)))
    check_equal(len(arns), 1, "tasks for one token at once")


def test_what_run_task_refuses():
    fresh()
    task_definition = register(ECS)
    network = NETWORK["awsvpcConfiguration"]
    inactive = register(ECS, family="inactive")
    ECS.deregister_task_definition(taskDefinition=inactive)
    bad_role = register(ECS, family="role", taskRoleArn="arn:aws:iam::123456789012:role/unknown")
    for changes, code, part in [
        ({"cluster": "elsewhere"}, "ClusterNotFoundException", "Cluster not found"),
        ({"taskDefinition": "unknown"}, "ClientException", "TaskDefinition not found"),
        ({"taskDefinition": inactive}, "ClientException", "inactive"),
        ({"taskDefinition": bad_role}, "ClientException", "unable to assume the role"),
        ({"count": 11}, "InvalidParameterException", "Count"),
        ({"startedBy": "a b"}, "InvalidParameterException", "startedBy"),
        ({"propagateTags": "SERVICE"}, "InvalidParameterException", "SERVICE"),
        ({"tags": [{"key": "aws:x", "value": ""}]}, "InvalidParameterException", "aws:"),
        ({"launchType": "EC2"}, "InvalidParameterException", "No Container Instances"),
        ({"platformVersion": "9.9"}, "PlatformUnknownException", "9.9"),
        ({"networkConfiguration": {"awsvpcConfiguration": {**network, "subnets": ["subnet-ffff"]}}}, "InvalidParameterException", "subnet-ffff"),
        ({"networkConfiguration": {"awsvpcConfiguration": {**network, "securityGroups": ["sg-0b000001"]}}}, "InvalidParameterException", "same VPC"),
        ({"networkConfiguration": {"awsvpcConfiguration": {**network, "securityGroups": ["sg-ffff"]}}}, "InvalidParameterException", "sg-ffff"),
        ({"overrides": {"containerOverrides": [{"name": "zz"}]}}, "InvalidParameterException", "zz"),
        ({"overrides": {"cpu": "256", "memory": "9999"}}, "ClientException", "No Fargate configuration"),
        ({"overrides": {"containerOverrides": [{"name": "main", "environment": [{"name": "E", "value": "x" * 8200}]}]}},
         "InvalidParameterException", "8192"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]}, "InvalidParameterException", "both a launch type"),
    ]:
        found = refusal(ECS.run_task, **{**run_request(task_definition), "launchType": "FARGATE", **changes})
        check_equal(found[0], code, str(changes))
        check_in(part, found[1])
    check_equal(FAKE.tasks(), [])
    found = refusal(ECS.run_task, **run_request(task_definition, capacityProviderStrategy=[{"capacityProvider": "gone", "weight": 1}]))
    check_in("'gone' was not found", found[1])


def test_addresses_of_subnets_are_counted():
    fresh()
    task_definition = register(ECS)
    FAKE.tell("subnets", id="subnet-0a000001", free=1)
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a000001"]}}
    arn = run(ECS, task_definition, networkConfiguration=network)
    answer = ECS.run_task(**run_request(task_definition, networkConfiguration=network, clientToken="t"))
    check_equal((answer["tasks"], answer["failures"][0]["reason"]), ([], "RESOURCE:ENI"))
    ECS.stop_task(cluster="footman", task=arn)
    wait_status(ECS, arn, "STOPPED")
    check_equal(len(ECS.run_task(**run_request(task_definition, networkConfiguration=network, clientToken="t"))["tasks"]), 1)
    FAKE.tell("subnets", id="subnet-0a000001", free=250)


def test_capacity_and_quota():
    fresh(capacity={"FARGATE_SPOT": {"eu-central-1a": 0, "eu-central-1b": 0}}, vcpu_quota={"FARGATE": 0.5, "FARGATE_SPOT": 10})
    task_definition = register(ECS)
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    check_in("Capacity is unavailable", refusal(ECS.run_task, **run_request(task_definition, capacityProviderStrategy=spot))[1])
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a000001", "subnet-0a000003"]}}
    arn = run(ECS, task_definition, capacityProviderStrategy=spot, networkConfiguration=network)
    check_equal(describe(ECS, arn)["availabilityZone"], "eu-central-1c")
    run(ECS, task_definition)
    run(ECS, task_definition)
    check_in("limit on the number of vCPUs", refusal(ECS.run_task, **run_request(task_definition))[1])
    quota = FAKE.botocore_client("service-quotas").get_service_quota(ServiceCode="fargate", QuotaCode="L-3032A538")["Quota"]
    check_equal(quota["Value"], 0.5)


def test_a_new_task_is_not_seen_at_once():
    fresh(consistency_seconds=2)
    task_definition = register(ECS)
    begin = time.monotonic()
    arn = run(ECS, task_definition)
    check_equal(ECS.describe_tasks(cluster="footman", tasks=[arn])["failures"], [{"arn": arn, "reason": "MISSING"}])
    check_equal(ECS.list_tasks(cluster="footman")["taskArns"], [])
    check_in("not found", refusal(ECS.stop_task, cluster="footman", task=arn)[1])
    wait_until(lambda: ECS.list_tasks(cluster="footman")["taskArns"] == [arn], "the task to be seen")
    check(time.monotonic() - begin >= 2, "seen too early")
    check_equal(describe(ECS, arn)["taskArn"], arn)


def test_a_stopped_task_is_forgotten():
    fresh(stopped_visible_seconds=0.3)
    arn = run(ECS, register(ECS))
    wait_status(ECS, arn, "RUNNING")
    ECS.stop_task(cluster="footman", task=arn)
    wait_until(lambda: ECS.describe_tasks(cluster="footman", tasks=[arn])["failures"], "the task to be forgotten")


def test_lost_answers_and_errors():
    fresh()
    task_definition = register(ECS)
    FAKE.tell("faults", service="ecs", operation="RunTask", kind="lost-answer")
    try:
        run(ECS, task_definition, clientToken="lost")
        raise Failed("there was an answer")
    except botocore.exceptions.HTTPClientError:
        pass
    check_equal(len(FAKE.tasks()), 1, "the effect of the call whose answer was lost")
    check_equal(run(ECS, task_definition, clientToken="lost"), FAKE.tasks()[0]["taskArn"])
    FAKE.tell("faults", operation="RunTask", kind="lost-request")
    try:
        run(ECS, task_definition)
        raise Failed("there was an answer")
    except botocore.exceptions.HTTPClientError:
        check_equal(len(FAKE.tasks()), 1)
    FAKE.tell("faults", operation="RunTask", code="ServerException", status=500)
    check_equal(refusal(ECS.run_task, **run_request(task_definition))[0], "ServerException")
    FAKE.tell("faults", operation="RunTask", kind="strange", status=503)
    check_equal(refusal(ECS.run_task, **run_request(task_definition))[0], "503")
    FAKE.tell("faults", operation="RunTask", kind="slow", seconds=0.3)
    begin = time.monotonic()
    run(ECS, task_definition)
    check(time.monotonic() - begin >= 0.3, "not slow")
    results = [call["result"] for call in FAKE.calls("ecs", "RunTask")]
    check_equal(results, ["lost answer", "ok", "lost request", "ServerException", "status 503", "ok"])


def test_throttling():
    fresh(throttling=True)
    FAKE.tell("buckets", name="task definition modify", burst=20, rate=0.001)
    task_definition = register(ECS)
    codes = []
    for _ in range(25):
        try:
            register(ECS, family="many")
        except botocore.exceptions.ClientError as error:
            codes.append((error.response["Error"]["Code"], error.response["Error"]["Message"]))
    check_equal(len(codes), 6, "throttled registrations of 26")
    check_equal(codes[0], ("ThrottlingException", "Rate exceeded"))
    FAKE.tell("buckets", name="fargate launch", burst=2, rate=0.001)
    run(ECS, task_definition)
    run(ECS, task_definition)
    check_equal(refusal(ECS.run_task, **run_request(task_definition))[0], "ThrottlingException")
    check_equal(FAKE.calls("ecs", "RunTask")[-1]["throttled"], True)


def test_faults_of_tasks():
    fresh()
    task_definition = register(ECS)
    reason = "Timeout waiting for network interface provisioning to complete."
    FAKE.tell("task-faults", reason=reason)
    task = wait_status(ECS, run(ECS, task_definition), "STOPPED")
    check_equal((task["stopCode"], task["stoppedReason"], "startedAt" in task), ("TaskFailedToStart", reason, False))
    FAKE.tell("task-faults", reason="Essential container in task exited", stage="running", stop_code="EssentialContainerExited", exit_code=137,
              container_reason="OutOfMemoryError: Container killed due to memory usage", seconds=0.1)
    task = wait_status(ECS, run(ECS, task_definition), "STOPPED")
    check_equal((task["containers"][0]["exitCode"], task["stopCode"]), (137, "EssentialContainerExited"))
    check_in("OutOfMemoryError", task["containers"][0]["reason"])
    FAKE.set(images={"missing": None})
    task = wait_status(ECS, run(ECS, register(ECS, {"name": "a", "image": "missing", "command": ["x"]})), "STOPPED")
    check_in("CannotPullContainerError", task["stoppedReason"])
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "/none", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "p"}}
    task = wait_status(ECS, run(ECS, register(ECS, shell("x", logConfiguration=log), executionRoleArn=EXECUTION_ROLE)), "STOPPED")
    check_in("log group does not exist", task["stoppedReason"])


def test_spot_reclaim():
    fresh()
    queue = FAKE.tell("queues", name="spot")["url"]
    arn = run(ECS, register(ECS), capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
    check_equal(wait_status(ECS, arn, "RUNNING")["capacityProviderName"], "FARGATE_SPOT")
    FAKE.tell("reclaim", task=arn)
    task = wait_status(ECS, arn, "STOPPED")
    check_equal((task["stopCode"], task["stoppedReason"]), ("SpotInterruption", "Your Spot Task was interrupted."))
    notice = [one for one in events(queue) if one["detail"].get("stopCode") == "TerminationNotice"][0]["detail"]
    check_equal((notice["lastStatus"], notice["desiredStatus"]), ("RUNNING", "STOPPED"))


def events(queue):
    """All that is in the queue, by the order of the versions."""
    sqs = FAKE.botocore_client("sqs")
    found = []
    while True:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        if not messages:
            return sorted(found, key=lambda one: one["detail"]["version"])
        found += [json.loads(one["Body"]) for one in messages]
        entries = [{"Id": str(index), "ReceiptHandle": one["ReceiptHandle"]} for index, one in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=queue, Entries=entries)


def test_events_come_to_the_queue():
    fresh()
    queue = FAKE.tell("queues", name="events")["url"]
    arn = run(ECS, register(ECS))
    wait_status(ECS, arn, "RUNNING")
    ECS.stop_task(cluster="footman", task=arn)
    task = wait_status(ECS, arn, "STOPPED")
    found = events(queue)
    check_equal([one["detail"]["version"] for one in found], list(range(1, task["version"] + 1)))
    check_equal({(one["source"], one["detail-type"], one["resources"][0]) for one in found}, {("aws.ecs", "ECS Task State Change", arn)})
    statuses = [one["detail"]["lastStatus"] for one in found]
    check_equal(list(dict.fromkeys(statuses)), ["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING", "STOPPED"])


def test_events_come_twice_late_or_never():
    fresh(events_duplicated=1.0, events_late_seconds=0.3)
    queue = FAKE.tell("queues", name="bad-events")["url"]
    wait_status(ECS, run(ECS, register(ECS)), "RUNNING")
    versions = [one["detail"]["version"] for one in events(queue)]
    check_equal(sorted(versions), sorted(2 * list(set(versions))), "every event twice")
    FAKE.set(events_lost=1.0)
    wait_status(ECS, run(ECS, register(ECS)), "RUNNING")
    check_equal(events(queue), [])


def test_definitions_are_numbered_and_deleted():
    fresh()
    first, second = register(ECS, family="f"), register(ECS, family="f")
    check_equal(first.rsplit("/", 1)[1], "f:1")
    check_equal(ECS.describe_task_definition(taskDefinition="f")["taskDefinition"]["taskDefinitionArn"], second)
    check_equal(ECS.list_task_definitions(familyPrefix="f")["taskDefinitionArns"], [first, second])
    check_equal(ECS.list_task_definitions(familyPrefix="f", sort="DESC")["taskDefinitionArns"], [second, first])
    answer = ECS.delete_task_definitions(taskDefinitions=[first])
    check_equal(answer["failures"][0]["reason"], "TASK_DEFINITION_IS_ACTIVE")
    check_equal(ECS.deregister_task_definition(taskDefinition=first)["taskDefinition"]["status"], "INACTIVE")
    check_equal(ECS.delete_task_definitions(taskDefinitions=[first])["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS")
    check_equal(refusal(ECS.describe_task_definition, taskDefinition="unknown"), ("ClientException", "Unable to describe task definition."))
    check_equal(ECS.list_task_definition_families(status="ACTIVE")["families"], ["f"])
    check_equal(register(ECS, family="f").rsplit(":", 1)[1], "3", "numbers are not used again")


def test_lists_come_in_pages():
    fresh()
    task_definition = register(ECS)
    arns = {run(ECS, task_definition) for _ in range(7)}
    pages = list(ECS.get_paginator("list_tasks").paginate(cluster="footman", PaginationConfig={"PageSize": 3}))
    check_equal([len(page["taskArns"]) for page in pages], [3, 3, 1])
    check_equal({arn for page in pages for arn in page["taskArns"]}, arns)
    check_in("Invalid token", refusal(ECS.list_tasks, cluster="footman", nextToken="x")[1])
    for other in ({"family": "family"}, {"desiredStatus": "RUNNING"}, {"launchType": "FARGATE"}):
        check_in("startedBy", refusal(ECS.list_tasks, cluster="footman", startedBy="x", **other)[1])
    check_in("at most 100", refusal(ECS.describe_tasks, cluster="footman", tasks=[f"{n:032x}" for n in range(101)])[1])


def test_tags_and_clusters():
    fresh()
    arn = run(ECS, register(ECS))
    ECS.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "b"}])
    check_equal(ECS.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "a", "value": "b"}])
    check_equal(len(ECS.list_clusters()["clusterArns"]), 1)
    answer = ECS.describe_clusters(clusters=["footman", "gone"])
    check_equal((answer["clusters"][0]["status"], answer["failures"][0]["reason"]), ("ACTIVE", "MISSING"))
    names = [one["name"] for one in ECS.describe_capacity_providers()["capacityProviders"]]
    check_equal(names, ["FARGATE", "FARGATE_SPOT"])


def test_two_hundred_at_once():
    fresh()
    task_definition = register(ECS)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        arns = set(pool.map(lambda number: run(ECS, task_definition, clientToken=f"t{number}"), range(200)))
    check_equal(len(arns), 200)
    print(f"        200 tasks in {time.monotonic() - begin:.1f} s, this client's work included")
    wait_until(lambda: sum(task["lastStatus"] == "RUNNING" for task in FAKE.tasks()) == 200, "200 tasks to run")


if __name__ == "__main__":
    with FAKE:
        common.run_with(FAKE, globals())
