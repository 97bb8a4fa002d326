"""The fake's parts put together, and what happens to one request of the AWS API."""
import re
import time
import traceback
import urllib.parse
import uuid

from . import json_wire, rest_wire, signatures, validation, xml_wire
from .buckets import BUCKET_OF
from .calls import Call
from .ec2 import Ec2
from .ecr import Ecr
from .ecs.service import Ecs
from .efs import Efs
from .errors import AwsError, LostConnection, StrangeAnswer, access_denied
from .events import TaskEvents
from .iam import Iam
from .logs import Logs
from .metadata import ContainerEndpoints
from .models import Models
from .permissions import Permissions
from .quotas import ServiceQuotas
from .sqs import Sqs
from .sts import Sts

TARGETS = {"AmazonEC2ContainerServiceV20141113": "ecs", "AmazonSQS": "sqs", "Logs_20140328": "logs",
           "AmazonEC2ContainerRegistry_V20150921": "ecr", "ServiceQuotasV20190624": "service-quotas"}
QUERY_VERSIONS = {"2011-06-15": "sts", "2016-11-15": "ec2", "2010-05-08": "iam"}
SIGNING_NAMES = {"service-quotas": "servicequotas", "efs": "elasticfilesystem"}
REST_PATHS = {"/2015-02-01/file-systems": ("efs", "DescribeFileSystems")}  # of GET
WIRES = {"json": json_wire, "rest-json": rest_wire}  # others are XML

class Answer:
    def __init__(self, status, body, content_type, request_id, headers=()):
        self.status, self.body, self.content_type, self.request_id, self.headers = status, body, content_type, request_id, headers

class Account:
    def __init__(self, world, work):
        self.world = world
        self.models = Models()
        self.logs, self.sqs, self.sts = Logs(world), Sqs(world), Sts(world)
        self.endpoints = ContainerEndpoints(world, self.logs, work)
        self.ecs = Ecs(world, self.endpoints)
        self.endpoints.tasks = self.ecs.tasks
        self.events = TaskEvents(world, self.sqs)
        self.ecs.tasks.watchers.append(self.events.publish)
        self.permissions = Permissions(world, self.ecs)
        self.services = {"ecs": self.ecs, "sqs": self.sqs, "sts": self.sts, "logs": self.logs, "ec2": Ec2(world), "iam": Iam(world),
                         "ecr": Ecr(world), "service-quotas": ServiceQuotas(world), "efs": Efs(world)}

    def answer(self, request):
        """Answer, or LostConnection. Every request is recorded, however it ends."""
        call = Call()
        begin = time.monotonic()
        request_id = str(uuid.uuid4())
        try:
            return self._answer(request, call, request_id)
        except LostConnection:
            raise
        except AwsError as error:
            call.result = error.code
            if error.malformed:
                self.world.calls.add_violation(call, str(error))
            return self._refusal(error, call, request_id)
        except StrangeAnswer as strange:
            call.result = str(strange)
            return Answer(strange.status, b"<html><body><h1>Service Unavailable</h1></body></html>", "text/html", request_id)
        except Exception:
            call.result = "bug"
            self.world.calls.add_violation(call, f"bug in the fake: {traceback.format_exc()}")
            raise
        finally:
            call.seconds = time.monotonic() - begin
            self.world.calls.add(call)

    def _answer(self, request, call, request_id):
        operation = self._identify(request, call)
        wire = WIRES.get(operation.metadata["protocol"], xml_wire)
        fault = self._begin_fault(call)
        self._authenticate(request, call, operation)
        if not self.world.buckets.take(BUCKET_OF.get(f"{call.service}:{call.operation}")):
            call.throttled = True
            raise _throttled(call.service)
        params = self._read(request, call, operation, wire)
        self._authorize(call, params)
        try:
            result = self.services[call.service].operations[call.operation](params, call)
        except AwsError as error:
            call.throttled = error.code == "ThrottlingException"
            raise
        if self.world.settings.check_answers:
            self._check_answer(call, operation, result)
        if fault and fault.kind == "lost-answer":
            call.result = "lost answer"
            raise LostConnection()
        call.result = "ok"
        body = b"" if result is None else wire.serialize(result, operation, request_id)
        return Answer(200, body, wire.content_type(operation), request_id)

    # --- steps

    def _identify(self, request, call):
        path = request.target.partition("?")[0]
        if request.method == "GET" and path in REST_PATHS:
            call.service, call.operation = REST_PATHS[path]
            return self.models.operation(call.service, call.operation)
        if request.method != "POST":
            raise AwsError("MethodNotAllowed", f"{request.method} is not served", 405, malformed=True)
        target = request.headers.get("X-Amz-Target")
        if target:
            prefix, _, call.operation = target.partition(".")
            call.service = TARGETS.get(prefix, "")
            kind = request.headers.get("Content-Type", "")
            if call.service and kind != self._json_type(call.service):
                raise AwsError("SerializationException", f"Content-Type '{kind}': {self._json_type(call.service)} is expected", malformed=True)
        else:
            form = dict(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
            call.operation, call.service = form.get("Action", ""), QUERY_VERSIONS.get(form.get("Version", ""), "")
        if request.target != "/" and not (call.service == "sqs" and re.fullmatch(r"/\d+/[\w-]+", request.target)):
            raise AwsError("UnknownOperationException", f"no operation at {request.target}", 404, malformed=True)
        model = self.models.operation(call.service, call.operation) if call.service else None
        if model is None:
            raise AwsError("UnknownOperationException", f"no operation '{call.operation}' of '{call.service}'", malformed=True)
        if call.operation not in self.services[call.service].operations:
            raise AwsError("UnknownOperationException", f"the fake does not have {call.service}:{call.operation}", malformed=True)
        return model

    def _json_type(self, service):
        return f"application/x-amz-json-{self.models.service(service).metadata['jsonVersion']}"

    def _begin_fault(self, call):
        fault = self.world.faults.of_call(call.service, call.operation)
        if fault is None:
            return None
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        elif fault.kind == "lost-request":
            call.result = "lost request"
            raise LostConnection()
        elif fault.kind == "strange":
            raise StrangeAnswer(fault.status)
        elif fault.kind == "error":
            raise AwsError(fault.code, fault.message, fault.status)
        return fault

    def _authenticate(self, request, call, operation):
        if call.operation in self.services[call.service].unsigned:
            call.principal, call.key = "nobody", None
            return
        name = SIGNING_NAMES.get(call.service, call.service)
        call.key = signatures.verify(request, name, operation.metadata["protocol"], self.world.region, self.world.keys,
                                     self.world.clock())
        call.principal = call.key.arn

    def _read(self, request, call, operation, wire):
        try:
            params = wire.parse(request.target if wire is rest_wire else request.body, operation)
        except ValueError as error:
            raise AwsError("MalformedQueryString", str(error), malformed=True) from None
        params = {name: value for name, value in params.items() if value is not None}
        call.params = params
        problems = validation.find_problems(params, operation.input_shape)
        if problems:
            raise _refuse_problems(call.service, problems)
        return params

    def _authorize(self, call, params):
        if call.operation in self.services[call.service].unsigned:
            return
        with self.world.lock:
            call.permissions = self.permissions.of_call(call.service, call.operation, params)
            policy = self.world.policies.get(call.key.role or call.key.arn)
        for action, resource, conditions in call.permissions:
            if action in self.world.settings.denied_actions:
                raise access_denied(call.service, call.principal, action, resource)
            if policy and action != "sts:GetCallerIdentity":  # which nobody can be denied
                allowed, statement = policy.decide(action, resource, {"aws:RequestedRegion": self.world.region, **conditions})
                call.statements.append(statement)
                if not allowed:
                    raise access_denied(call.service, call.principal, action, resource)

    def _check_answer(self, call, operation, result):
        for problem in validation.find_problems(result or {}, operation.output_shape):
            self.world.calls.add_violation(call, f"bug in the fake: its answer: {problem.text}")

    # --- refusals

    def _refusal(self, error, call, request_id):
        if call.service in QUERY_VERSIONS.values():
            return Answer(error.status, xml_wire.serialize_error(error, call.service, request_id), "text/xml;charset=UTF-8", request_id)
        if call.service == "efs":
            return Answer(error.status, rest_wire.serialize_error(error), "application/json", request_id, [("x-amzn-ErrorType", error.code)])
        kind = self._json_type(call.service) if call.service else "application/x-amz-json-1.1"
        headers = [("x-amzn-query-error", f"{_query_code(error)};Sender")] if call.service == "sqs" else []
        return Answer(error.status, json_wire.serialize_error(error, call.service, request_id), kind, request_id, headers)

def _query_code(error):
    return {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"}.get(error.code, error.code)

def _throttled(service):
    if service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    return AwsError("Throttling" if service in ("sts", "iam") else "ThrottlingException", "Rate exceeded")

def _refuse_problems(service, problems):
    if service in ("sts", "iam"):
        code = "ValidationError"
    elif service == "ec2":
        code = "UnknownParameter" if problems[0].kind == "unknown" else "InvalidParameterValue"
    elif any(problem.kind in ("type", "unknown") for problem in problems):
        code = "SerializationException"
    else:
        code = "InvalidParameterException"
    return AwsError(code, "; ".join(problem.text for problem in problems), malformed=True)
