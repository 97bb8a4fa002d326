"""The Simple Queue Service: at least once, unordered, with visibility time-outs. JSON protocol only."""
import collections
import hashlib
import json
import re
import threading
import time
import uuid

from .errors import AwsError

MAX_MESSAGES = 120_000  # in flight, AWS' limit; here for all
VISIBILITY_SECONDS = 30


class Message:
    def __init__(self, body, visible_from):
        self.id, self.body, self.sent = str(uuid.uuid4()), body, time.time()
        self.visible_from, self.receives, self.first_received = visible_from, 0, 0.0
        self.handle = ""


class Queue:
    def __init__(self, policy):
        self.policy = policy  # who may write to it
        self.messages = collections.OrderedDict()  # by id
        self.received = self.deleted = 0


class Sqs:
    def __init__(self, world):
        self._world = world
        self._changed = threading.Condition()
        self._queues = {}
        self.operations = {"ReceiveMessage": self.receive, "DeleteMessage": self.delete, "DeleteMessageBatch": self.delete_batch,
                           "ChangeMessageVisibility": self.change_visibility, "GetQueueAttributes": self.get_attributes,
                           "GetQueueUrl": self.get_url}
        self.unsigned = set()

    # --- for the others

    def add_queue(self, name, policy):
        with self._changed:
            self._queues.setdefault(name, Queue(policy))
        return self.url(name)

    def url(self, name):
        return f"{self._world.url}/{self._world.account}/{name}"

    def send(self, name, body, delay=0.0):
        message = Message(body, time.monotonic() + delay)
        with self._changed:
            queue = self._queues[name]
            if len(queue.messages) < MAX_MESSAGES:
                queue.messages[message.id] = message
            self._changed.notify_all()

    def names(self):
        with self._changed:
            return list(self._queues)

    def clear(self):
        with self._changed:
            for queue in self._queues.values():
                queue.messages.clear()

    # --- operations

    def receive(self, params, call):
        count, wait = params.get("MaxNumberOfMessages", 1), params.get("WaitTimeSeconds", 0)
        hidden = params.get("VisibilityTimeout", VISIBILITY_SECONDS)
        for name, value, low, high in (("MaxNumberOfMessages", count, 1, 10), ("WaitTimeSeconds", wait, 0, 20),
                                       ("VisibilityTimeout", hidden, 0, 43200)):
            if not low <= value <= high:
                raise AwsError("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and "
                                                        f"{high}, if provided.", malformed=True)
        deadline = time.monotonic() + wait
        with self._changed:
            queue = self._find(params)
            while True:
                moment = time.monotonic()
                ready = [one for one in queue.messages.values() if one.visible_from <= moment][:count]
                if ready or moment >= deadline:
                    break
                soon = min([one.visible_from for one in queue.messages.values()] + [deadline])
                self._changed.wait(max(0.001, soon - moment))
            for message in ready:
                message.visible_from = moment + hidden
                message.handle = uuid.uuid4().hex
                message.receives += 1
                message.first_received = message.first_received or time.time()
            queue.received += len(ready)
            wanted = set(params.get("AttributeNames", []) + params.get("MessageSystemAttributeNames", []))
            shown = [_show(message, wanted) for message in ready]
        return {"Messages": shown} if shown else {}

    def delete(self, params, call):
        with self._changed:
            self._delete(self._find(params), params["ReceiptHandle"])
        return None

    def delete_batch(self, params, call):
        entries = params["Entries"]
        if not entries:
            raise batch_error("EmptyBatchRequest", "There should be at least one DeleteMessageBatchRequestEntry in the request.")
        if len(entries) > 10:
            raise batch_error("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10.")
        if len({one["Id"] for one in entries}) != len(entries):
            raise batch_error("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
        answer = {"Successful": [], "Failed": []}
        with self._changed:
            queue = self._find(params)
            for entry in entries:
                try:
                    self._delete(queue, entry["ReceiptHandle"])
                    answer["Successful"].append({"Id": entry["Id"]})
                except AwsError as error:
                    answer["Failed"].append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
        return answer

    def change_visibility(self, params, call):
        with self._changed:
            queue = self._find(params)
            message = self._by_handle(queue, params["ReceiptHandle"])
            if message:
                message.visible_from = time.monotonic() + params["VisibilityTimeout"]
                self._changed.notify_all()
        return None

    def get_attributes(self, params, call):
        with self._changed:
            queue = self._find(params)
            name = params["QueueUrl"].rsplit("/", 1)[1]
            moment = time.monotonic()
            visible = sum(1 for one in queue.messages.values() if one.visible_from <= moment)
            known = {"QueueArn": self._world.arn(name, "sqs"), "ApproximateNumberOfMessages": str(visible),
                     "ApproximateNumberOfMessagesNotVisible": str(len(queue.messages) - visible),
                     "ApproximateNumberOfMessagesDelayed": "0", "VisibilityTimeout": str(VISIBILITY_SECONDS),
                     "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0"}
            if queue.policy:
                known["Policy"] = json.dumps(queue.policy)
        wanted = params.get("AttributeNames", [])
        return {"Attributes": {name: value for name, value in known.items() if name in wanted or "All" in wanted}}

    def get_url(self, params, call):
        if params["QueueName"] not in self.names():
            raise _no_queue()
        return {"QueueUrl": self.url(params["QueueName"])}

    # --- inside

    def _find(self, params):
        match = re.fullmatch(r"https?://[^/]+/(\d+)/([A-Za-z0-9_-]{1,80})", params["QueueUrl"])
        if not match:
            raise AwsError("InvalidAddress", f"The address {params['QueueUrl']} is not valid for this endpoint.")
        if match[1] != self._world.account or match[2] not in self._queues:
            raise _no_queue()
        return self._queues[match[2]]

    @staticmethod
    def _by_handle(queue, handle):
        return next((one for one in queue.messages.values() if one.handle == handle), None)

    def _delete(self, queue, handle):
        if not re.fullmatch(r"[0-9a-f]{32}", handle):
            raise AwsError("ReceiptHandleIsInvalid", f"The input receipt handle \"{handle}\" is not a valid receipt handle.", 404)
        message = self._by_handle(queue, handle)
        if message:
            del queue.messages[message.id]
            queue.deleted += 1


def batch_error(code, message):
    return AwsError("AWS.SimpleQueueService." + code, message, malformed=True)


def _no_queue():
    return AwsError("QueueDoesNotExist", "The specified queue does not exist.")


def _show(message, wanted):
    attributes = {"SentTimestamp": str(int(message.sent * 1000)), "ApproximateReceiveCount": str(message.receives),
                  "ApproximateFirstReceiveTimestamp": str(int(message.first_received * 1000))}
    shown = {"MessageId": message.id, "ReceiptHandle": message.handle, "Body": message.body,
             "MD5OfBody": hashlib.md5(message.body.encode()).hexdigest()}
    chosen = {name: value for name, value in attributes.items() if name in wanted or "All" in wanted}
    return {**shown, "Attributes": chosen} if chosen else shown
