"""Faults that a test asks for: they hit the next matching calls, and the next matching tasks."""
import random
import threading

CALL_KINDS = ("error", "strange", "lost-request", "lost-answer", "slow")
OWN_FAILURE = "ServerException"


class CallFault:
    """service and operation: whom it hits, empty for all. kind, see CALL_KINDS; times: how often, 0 for ever;
    probability of each hit; error: code, message, status (400 where none is said; 500, which clients try again, for the
    service's own failure); strange: a page of HTML with `status`, as from something in between; slow: seconds."""

    def __init__(self, service="", operation="", kind="error", times=1, probability=1.0, code=OWN_FAILURE,
                 message="Service Unavailable. Please try again later.", status=None, seconds=1.0):
        if kind not in CALL_KINDS:
            raise ValueError(f"fault '{kind}' is none of {', '.join(CALL_KINDS)}")
        self.service, self.operation, self.kind, self.times, self.probability = service, operation, kind, times, probability
        self.code, self.message, self.seconds = code, message, seconds
        self.status = status or (500 if code == OWN_FAILURE else 400)  # a refusal with 500 would be none

    def matches(self, service, operation):
        return self.service in ("", service) and self.operation in ("", operation)


class TaskFault:
    """family, started_by: whom it hits. stage: pending (before containers run) or running, after `seconds`.
    Then the task stops with stop_code and reason; container_reason is that of its first container."""

    def __init__(self, reason, family="", started_by="", capacity="", times=1, stage="pending", seconds=0.0,
                 stop_code="TaskFailedToStart", container_reason="", exit_code=None):
        self.reason, self.family, self.started_by, self.capacity, self.times = reason, family, started_by, capacity, times
        self.stage, self.seconds, self.stop_code = stage, seconds, stop_code
        self.container_reason, self.exit_code = container_reason, exit_code

    def matches(self, family, started_by, capacity):
        return self.family in ("", family) and self.started_by in ("", started_by) and self.capacity in ("", capacity)


class Faults:
    def __init__(self, seed=1):
        self._lock = threading.Lock()
        self._dice = random.Random(seed)
        self._calls, self._tasks = [], []

    def add_call_fault(self, fault):
        with self._lock:
            self._calls.append(fault)

    def add_task_fault(self, fault):
        with self._lock:
            self._tasks.append(fault)

    def clear(self):
        with self._lock:
            self._calls, self._tasks = [], []

    def of_call(self, service, operation):
        """The fault of this call, or None."""
        with self._lock:
            for fault in self._calls:
                if fault.matches(service, operation) and self._dice.random() < fault.probability:
                    self._use(self._calls, fault)
                    return fault
        return None

    def of_task(self, family, started_by, capacity):
        with self._lock:
            for fault in self._tasks:
                if fault.matches(family, started_by, capacity):
                    self._use(self._tasks, fault)
                    return fault
        return None

    @staticmethod
    def _use(faults, fault):
        if fault.times == 1:
            faults.remove(fault)
        elif fault.times > 1:
            fault.times -= 1
