"""What was called: every request with its result, and every violation of what AWS specifies."""
import collections
import dataclasses
import threading
import time

MAX_CALLS = 50_000  # older ones are forgotten


@dataclasses.dataclass
class Call:
    service: str = ""
    operation: str = ""
    principal: str = ""
    time: float = dataclasses.field(default_factory=time.time)
    seconds: float = 0
    result: str = ""  # "ok", the error's code, or how the answer was lost
    throttled: bool = False
    params: dict = dataclasses.field(default_factory=dict)
    # What IAM would have asked about: [action, resource, {condition key: value}].
    permissions: list = dataclasses.field(default_factory=list)
    statements: list = dataclasses.field(default_factory=list)  # of the principal's policy, which decided each of them

    key = None  # the signer's, while the call is answered: never recorded


class Calls:
    def __init__(self):
        self._lock = threading.Lock()
        self._calls = collections.deque(maxlen=MAX_CALLS)
        self._violations = []
        self._counts = collections.Counter()

    def add(self, call):
        with self._lock:
            self._calls.append(call)
            self._counts[f"{call.service}:{call.operation}"] += 1

    def add_violation(self, call, text):
        with self._lock:
            self._violations.append({"time": time.time(), "service": call.service, "operation": call.operation,
                                     "principal": call.principal, "violation": text})

    def list(self, service="", operation="", since=0.0):
        with self._lock:
            return [dataclasses.asdict(call) for call in self._calls
                    if (not service or call.service == service) and (not operation or call.operation == operation)
                    and call.time >= since]

    def violations(self):
        with self._lock:
            return list(self._violations)

    def take_violations(self):
        with self._lock:
            taken, self._violations = self._violations, []
            return taken

    def counts(self):
        with self._lock:
            return dict(self._counts)

    def clear(self):
        with self._lock:
            self._calls.clear()
            self._violations.clear()
            self._counts.clear()
